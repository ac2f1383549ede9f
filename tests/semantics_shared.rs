//! One pool of replicas that several faults take from, and one k-of-n gate whose providers are lost in different ways (product.md,
//! semantics 10 and 12): what each loss alone does not do, they do together.

mod common;

use common::*;
use shockfront::model::System;

/// A service `s` with replicas in three zones, and `w`, which always fails with it.
fn zoned(replicas: &str) -> System {
    yaml(&format!(
        "services: {{s: {{replicas: {{{replicas}}}, groups: [za, zb, zc]}}, w: {{}}}}\n\
         dependencies: [{{from: w, to: s, probability: 1}}]\n\
         groups: {{za: {{kind: zone}}, zb: {{kind: zone}}, zc: {{kind: zone}}}}"
    ))
}

const ZONE_A: &str = "zone_loss@za,detect=0m,repair=30m";
const ZONE_B: &str = "zone_loss@zb,at=10m,detect=0m,repair=30m";
const ONE: &str = "crash@s,instances=1,detect=0m,repair=30m";
const ANOTHER: &str = "crash@s,instances=1,at=10m,detect=0m,repair=30m";

/// P(w) by every exact solver, by sampled trials, and at some time of a trial.
#[track_caller]
fn always(system: &System, faults: &[&str], name: &str, expected: f64) {
    close(p(system, &exact_agreed(system, faults).0, name), expected);
    let sampled = p(system, &run(system, faults, How { trials: 65_536, ..STATIC }), name);
    assert!((sampled - expected).abs() < 0.01, "sampled: {sampled} is not {expected}");
    close(p(system, &timed(system, faults), name), expected);
}

#[test]
fn replicas_that_several_faults_take_add_up() {
    let three = zoned("count: 3, need: 2");
    always(&three, &[ZONE_A], "w", 0.0);
    always(&three, &[ZONE_A, ZONE_B], "w", 1.0);
    always(&three, &[ONE, ANOTHER], "w", 1.0);
    always(&three, &[ONE, ZONE_B], "w", 1.0);
    // The same zone has no more replicas to lose.
    always(&three, &[ZONE_A, "zone_loss@za,at=10m,detect=0m,repair=30m"], "w", 0.0);
    // Only while both last: from 10 to 30 minutes. `s` is named by one fault and a member of a group for the other.
    assert_eq!(times(&three, &timed(&three, &[ZONE_A, ZONE_B]), "w"), (20.0, 20.0));
    assert_eq!(times(&three, &timed(&three, &[ZONE_A, ZONE_B]), "s"), (20.0, 20.0));
    assert_eq!(times(&three, &timed(&three, &[ONE, ZONE_B]), "s"), (20.0, 30.0));
    let after = ["zone_loss@za,detect=0m,repair=30m", "zone_loss@zb,at=30m,detect=0m,repair=30m"];
    assert_eq!(times(&three, &timed(&three, &after), "w"), (0.0, 0.0));
    assert_eq!(times(&three, &timed(&three, &after), "s"), (0.0, 0.0));
    // Without a clock nobody asks for the same time.
    close(p(&three, &run(&three, &after, STATIC_EXACT), "w"), 1.0);
}

#[test]
fn what_is_left_of_a_pool_carries_the_load() {
    let with_load = |replicas: &str, load: f64| {
        yaml(&format!(
            "services: {{s: {{replicas: {{{replicas}}}, groups: [za, zb, zc], load: {load}}}}}\n\
             groups: {{za: {{kind: zone}}, zb: {{kind: zone}}, zc: {{kind: zone}}}}\n\
             journeys: {{j: {{needs: [s], users_per_minute: 1}}}}"
        ))
    };
    let lost = |system: &System, faults: &[&str]| timed(system, faults).user_minutes.as_ref().expect("traffic").mean.mean;
    // Two of five replicas are left: 0.4 of the capacity for 0.78.
    let five = with_load("count: 5, need: 1", 0.78);
    let zones = ["zone_loss@zb,detect=0m,repair=30m", "zone_loss@zc,detect=0m,repair=30m"];
    assert!((lost(&five, &zones) - 30.0 * (1.0 - 0.4 / 0.78)).abs() < 0.02, "{}", lost(&five, &zones));
    // One fault for both, and a fault each.
    let ten = with_load("count: 10, need: 1", 0.9);
    let (both, each) = (lost(&ten, &["crash@s,instances=2,detect=0m,repair=30m"]), lost(&ten, &[ONE, ONE]));
    assert!((both - 30.0 * (1.0 - 0.8 / 0.9)).abs() < 0.02 && (both - each).abs() < 1e-9, "{both} {each}");
}

#[test]
fn a_common_cause_takes_as_many_instances_as_the_fault() {
    let system = |need: u32| {
        yaml(&format!(
            "services: {{a: {{groups: [lib], replicas: {{count: 3, need: {need}}}}}, b: {{groups: [lib], replicas: {{count: 3, need: {need}}}}}}}\n\
             groups: {{lib: {{kind: library, beta: 0.5}}}}"
        ))
    };
    let fault = ["crash@a,instances=1,detect=0m,repair=30m"];
    always(&system(2), &fault, "b", 0.0);
    always(&system(3), &fault, "b", 0.5);
    // Named by the fault: impaired whatever its severity (semantics 2).
    always(&system(2), &fault, "a", 1.0);
}

#[test]
fn a_dead_provider_is_no_way_round_a_slow_or_wrong_one() {
    let gate = |carries: &str| {
        yaml(&format!(
            "services: {{a: {{}}, b: {{}}, c: {{}}, g: {{requires: {{at_least: 1, of: [a, b]}}}}, h: {{requires: {{at_least: 2, of: [a, b, c]}}}}}}\n\
             dependencies:\n\
             - {{from: g, to: a, probability: 1{carries}}}\n\
             - {{from: g, to: b, probability: 1{carries}}}\n\
             - {{from: h, to: a, probability: 1{carries}}}\n\
             - {{from: h, to: b, probability: 1{carries}}}\n\
             - {{from: h, to: c, probability: 1{carries}}}\n"
        ))
    };
    let (slow, dead) = ("latency@a,factor=20,detect=0m,repair=40m", "crash@b,detect=0m,repair=40m");
    let plain = gate("");
    always(&plain, &[slow], "g", 0.0);
    always(&plain, &[dead], "g", 0.0);
    for gated in ["g", "h"] {
        always(&plain, &[slow, dead], gated, 1.0);
        // Slow, not down.
        assert_eq!(times(&plain, &timed(&plain, &[slow, dead]), gated), (0.0, 40.0));
    }
    // Nothing is slow: the gate fails, no more.
    assert_eq!(times(&plain, &timed(&plain, &["crash@a,detect=0m,repair=40m", dead]), "h"), (40.0, 40.0));
    // Wrong answers beside a dead provider: a validator works in a fifth of the trials where nobody checks otherwise.
    let data = gate(", carries: [errors, data], validated: no");
    let wrong = "corrupt_output@a,wrong=0.5,unwind=0m,detect=0m,repair=40m";
    always(&data, &[wrong], "g", 0.0);
    always(&data, &[wrong, dead], "g", 0.8);
    // At other times there is a way round.
    let later = "crash@b,at=40m,detect=0m,repair=40m";
    assert_eq!(times(&plain, &timed(&plain, &[slow, later]), "g"), (0.0, 0.0));
}
