//! Several mechanisms on one dependency, and several faults in one trial: none may undo another in silence.

mod common;

use common::*;
use shockfront::change::facts::{Rollout, Strategy};
use shockfront::fault::{Fault, Scenario};
use shockfront::model::{Compact, System};
use shockfront::propagation::{Request, Simulation, simulate};
use shockfront::units::Ticks;

const JOURNEY: &str = "\njourneys: {j: {needs: [c], users_per_minute: 1}}";

fn with_journey(text: &str) -> System {
    yaml(&format!("{text}{JOURNEY}"))
}

fn lost(result: &Simulation) -> f64 {
    result.user_minutes.as_ref().expect("traffic").mean.mean
}

#[track_caller]
fn loses(system: &System, faults: &[&str], minutes: f64) {
    let found = lost(&timed(system, faults));
    assert!((found - minutes).abs() < 0.02, "{found} and not {minutes}");
}

/// The area of the ramp `t / 60` up to 30 minutes is 7.5.
#[test]
fn a_cache_answers_whether_calls_behind_it_are_given_up_or_not() {
    let behind = |extra: &str| {
        let dependency = format!("dependencies: [{{from: c, to: p, probability: 1, cache: {{ttl: 60m}}{extra}}}]");
        with_journey(&format!("services: {{c: {{}}, p: {{latency: 50ms}}}}\n{dependency}"))
    };
    let (crash, slow) = ("crash@p,detect=0m,repair=30m", "latency@p,factor=5,detect=0m,repair=30m");
    loses(&behind(""), &[crash], 7.5);
    loses(&behind(", breaker: {open_for: 10s}, rate: 100"), &[crash], 7.5);
    loses(&behind(", timeout: 100ms"), &[slow], 7.5);
    loses(&behind(", timeout: 1s, pool: 10, rate: 100"), &[slow], 7.5);
}

#[test]
fn entries_of_a_cache_age_while_a_buffer_waits() {
    let system = |buffer: &str| {
        let dependency = format!("dependencies: [{{from: c, to: p, probability: 1, buffer: {buffer}, cache: {{ttl: 60m}}}}]");
        with_journey(&format!("services: {{c: {{}}, p: {{}}}}\n{dependency}"))
    };
    // ∫ t/60 from 30 to 60, from 30.5 to 60, and nothing but whole failure from 90 to 120.
    loses(&system("30m"), &["crash@p,detect=0m,repair=60m"], 22.5);
    loses(&system("30m30s"), &["crash@p,detect=0m,repair=60m"], (3_600.0 - 930.25) / 120.0);
    loses(&system("90m"), &["crash@p,detect=0m,repair=120m"], 30.0);
}

/// A second fault elsewhere changes nothing; on the same service it takes away that trying again helps.
#[test]
fn errors_are_transient_by_their_own_fault_only() {
    let dependency = "dependencies: [{from: c, to: y, probability: 1, retries: {attempts: 3}}]";
    let system = with_journey(&format!("services: {{x: {{}}, c: {{}}, y: {{replicas: {{count: 3}}}}}}\n{dependency}"));
    let (release, errors) = ("bad_deploy@y,rate=0.4,detect=0m,repair=100m", "error_rate@y,rate=0.4,detect=0m,repair=100m");
    loses(&system, &[errors], 6.4);
    loses(&system, &[release], 40.0);
    loses(&system, &[release, "error_rate@x,rate=0.2,detect=0m,repair=100m"], 40.0);
    let both = lost(&timed(&system, &[release, errors]));
    assert!(both >= 40.0, "{both}");
}

#[test]
fn only_releases_go_out_in_waves() {
    let members = "{g: {kind: library, waves: [0m, 60m, 2h]}}";
    let system = yaml(&format!(
        "services: {{a: {{groups: [g]}}, b: {{groups: [g]}}, c: {{groups: [g]}}}}\ngroups: {members}\ndependencies: []"
    ));
    for kind in ["crash@g", "expiry@g", "state_loss@g", "config_push@g,rate=1"] {
        let result = timed(&system, &[&format!("{kind},detect=5m,repair=30m")]);
        assert_eq!(result.reach.mean.mean, 3.0, "{kind} hits all at once");
    }
    assert_eq!(
        timed(&system, &["bad_deploy@g,rate=1,detect=5m,repair=30m"]).reach.mean.mean,
        1.0,
        "the second wave is held back"
    );
    assert_eq!(timed(&system, &["bad_deploy@g,rate=1,detect=70m,repair=30m"]).reach.mean.mean, 2.0);
}

#[test]
fn a_canary_that_is_caught_takes_back_the_waves_to_come() {
    let system =
        yaml("services: {a: {groups: [g]}, b: {groups: [g]}}\ngroups: {g: {kind: library, waves: [0m, 60m]}}\ndependencies: []");
    let reached = |power: f64| {
        let mut fault = Fault::parse("bad_deploy@g,rate=1,detect=90m,repair=30m").expect("a fault");
        let rollout = Rollout {
            strategy: Strategy::Canary,
            share: Some(0.05),
            bake: Some(Ticks::from_minutes(10.0)),
            power: Some(power),
            rollback: None,
        };
        fault.rollout = Some(rollout);
        let compact = Compact::new(&system);
        let scenario = Scenario::new(&system, &compact, &[fault], None).expect("a scenario");
        let request = Request { trials: 2_048, ..Request::default() };
        simulate(&system, &compact, &scenario, &request).expect("a simulation").reach.mean.mean
    };
    assert_eq!(reached(0.0), 2.0);
    assert_eq!(reached(1.0), 1.0);
}

/// Without the start-up dependency the overload ends when load is kept away; with it, too, and the service starts then.
#[test]
fn who_waits_for_an_overloaded_service_does_not_keep_the_overload_up() {
    let lost = |startup: &str| {
        let system = yaml(&format!(
            "services:\n  c: {{load: 0.3}}\n  b: {{load: 0.8, replicas: {{count: 3, need: 1}}, groups: [z1, z2, z3]}}\n  a: {{load: 0.2, groups: [z1]}}\n\
             groups: {{z1: {{kind: zone}}, z2: {{kind: zone}}, z3: {{kind: zone}}}}\n\
             dependencies:\n  - {{from: c, to: b, probability: 1, rate: 90, retries: {{attempts: 4}}}}\n  \
             - {{from: a, to: b, probability: 1, rate: 10, retries: {{attempts: 4}}}}\n{startup}{JOURNEY}"
        ));
        lost(&timed(&system, &["zone_loss@z1,detect=0m,repair=10m,relief=1h"]))
    };
    let (free, waiting) = (lost(""), lost("  - {from: a, to: b, kind: startup}\n"));
    assert!((free - waiting).abs() < 5.0 && free > 50.0, "{free} and {waiting}");
}

#[test]
fn two_faults_of_one_kind_on_one_service_come_in_any_order() {
    let system = yaml("services: {s: {}, c: {}}\ndependencies: [{from: c, to: s, probability: 0.5}]");
    let early = "error_rate@s,rate=0.5,detect=5m/20m,repair=20m/90m";
    for late in [early, "error_rate@s,rate=0.5,at=30m,detect=5m/20m,repair=20m/90m", "error_rate@s,rate=0.9"] {
        let [one, other] = [[early, late], [late, early]].map(|faults| run(&system, &faults, How { trials: 2_048, ..TIMED }));
        assert_eq!(format!("{:?}", one.services), format!("{:?}", other.services), "{late}");
    }
    // They have numbers of their own: two outages, one after the other, are not of one length.
    let alone = run(&system, &[early], How { trials: 2_048, ..TIMED });
    let both = run(&system, &[early, early], How { trials: 2_048, ..TIMED });
    assert!(downtime(&system, &both, "s").mean.mean > 1.1 * downtime(&system, &alone, "s").mean.mean);
}

#[test]
fn a_value_that_changes_nothing_is_refused() {
    let system =
        yaml("services: {s: {replicas: {count: 6, need: 4}}, c: {}}\ndependencies: [{from: c, to: s, probability: 0.5}]");
    for (fault, expected) in [
        ("crash@s,rollback=5m", "`crash@s` does not take `rollback`: it goes with bad_deploy, config_push"),
        ("error_rate@s,cold_start=5m", "does not take `cold_start`: it goes with crash, state_loss, zone_loss"),
        ("latency@s,bootstrap=5m", "does not take `bootstrap`"),
        ("crash@s,attempt=5m", "does not take `attempt`: it goes with operator_advice"),
        ("crash@s,wrong_fix=0.5", "does not take `wrong_fix`"),
        ("crash@s,unwind=5m", "does not take `unwind`"),
        ("latency@s,rate=0.5", "does not take `rate`"),
        ("corrupt_output@s,cycle=1d", "does not take `cycle`: it goes with poisoned_loop"),
        ("error_rate@s,rate=0.6,instances=2", "does not take `instances`: it goes with crash, state_loss, expiry"),
        ("state_loss@s,repair=5h,restore=1h", "`repair` is the whole time after detection, so `restore` has no part in it"),
        ("operator_advice@s,repair=5h,attempt=1h", "so `attempt` has no part in it"),
        ("crash@s,repair=5m,repair=6m", "`repair` is stated twice"),
        ("crash@s,instances=0%", "no instances are taken"),
    ] {
        let problem = try_run(&system, &[fault], TIMED).expect_err(fault);
        assert!(problem.contains(expected), "{fault}: {problem}");
    }
    for (body, expected) in [
        ("dependencies: [{from: c, to: s, kind: async, carries: [latency]}]", "a dependency of kind async carries no latency"),
        ("journeys: {j: {needs: [s], users_per_minute: 1.0e+11}}", "10000000000"),
        (
            "journeys: {j: {needs: [s], users_per_minute: 1, peak: {factor: 2, from: \"11:00\", to: \"11:00\", timezone: UTC}}}",
            "the peak ends when it begins",
        ),
    ] {
        let problem = try_yaml(&format!("services: {{s: {{}}, c: {{}}}}\n{body}")).expect_err(body);
        assert!(problem.contains(expected), "{body}: {problem}");
    }
}
