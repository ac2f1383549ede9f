//! Several faults, waves, stand-bys and circles at once: hand-worked cases in which the order of the faults must not count.

mod common;

use common::*;
use shockfront::change::facts::{Rollout, Strategy};
use shockfront::fault::{Fault, Scenario};
use shockfront::model::{Compact, System};
use shockfront::propagation::{Request, Simulation, simulate};

/// Downtime and impaired time of services, the same in whichever order the faults are written.
fn in_any_order(system: &System, faults: &[&str], expected: &[(&str, f64, f64)]) {
    let mut reversed = faults.to_vec();
    reversed.reverse();
    for faults in [faults.to_vec(), reversed] {
        let result = timed(system, &faults);
        for (name, downtime, impaired) in expected {
            assert_eq!(times(system, &result, name), (*downtime, *impaired), "{name} with {faults:?}");
        }
    }
}

#[test]
fn a_stand_by_serves_although_the_cause_is_gone() {
    let system = yaml(
        "services: {s: {failover: {after: 2m, works: 1}, cold_start: 60m}, late: {}}\n\
         dependencies: [{from: s, to: late, kind: startup}]",
    );
    let lasts = |fault: &str| times(&system, &timed(&system, &[fault]), "s").0;
    assert_eq!(lasts("crash@s,detect=1m,repair=10m"), 3.0);
    // Repaired before the stand-by serves: the service would need another hour to start.
    assert_eq!(lasts("crash@s,detect=1m,repair=1m"), 3.0);
    // And where it would wait for a provider.
    in_any_order(&system, &["crash@s,detect=1m,repair=1m", "crash@late,detect=0m,repair=5h"], &[("s", 3.0, 3.0)]);
    // A service that started sooner needs none.
    assert_eq!(lasts("crash@s,detect=1m,repair=0m,cold_start=1m"), 2.0);
}

#[test]
fn a_wave_is_noticed_from_its_own_beginning_on() {
    let system = yaml(
        "services: {s: {groups: [g]}, monitor: {kind: monitor, detect: 1m}}\n\
         groups: {g: {kind: library, waves: [30m]}}\n\
         dependencies: [{from: s, to: monitor, kind: monitors, probability: 1}]",
    );
    for at in ["", ",at=2h"] {
        let stated = timed(&system, &[&format!("bad_deploy@g,rate=1,detect=10m,repair=10m{at}")]);
        assert_eq!(times(&system, &stated, "s"), (20.0, 20.0), "{at}");
    }
    // Of two waves the first is seen first, and the second is not rolled out.
    let two = yaml("services: {a: {groups: [g]}, b: {groups: [g]}}\ngroups: {g: {kind: library, waves: [5m, 30m]}}");
    let result = timed(&two, &["bad_deploy@g,rate=1,detect=10m,repair=10m"]);
    assert_eq!((times(&two, &result, "a").0, times(&two, &result, "b").0), (20.0, 0.0));
    // Both are hit before the first is seen; both are repaired from then on.
    let result = timed(&two, &["bad_deploy@g,rate=1,detect=40m,repair=10m"]);
    assert_eq!((times(&two, &result, "a").0, times(&two, &result, "b").0), (50.0, 25.0));
}

#[test]
fn the_incident_of_the_overload_tells_when_load_is_kept_away() {
    let system = yaml(
        "services: {server: {load: 0.7}, client: {}, island: {}}\n\
         dependencies: [{from: client, to: server, probability: 1, retries: {attempts: 3}}]",
    );
    let trigger = "overload@server,capacity=50%,detect=0m,repair=5m,relief=6h";
    in_any_order(&system, &[trigger], &[("server", 366.0, 366.0)]);
    // Neither another fault's relief nor an outage that changes no load has a part in it.
    in_any_order(&system, &[trigger, "crash@island,detect=0m,repair=1m,relief=1h"], &[("server", 366.0, 366.0)]);
    in_any_order(
        &system,
        &[trigger, "crash@island,detect=0m,repair=30h"],
        &[("server", 366.0, 366.0), ("island", 1_800.0, 1_800.0)],
    );
    // A crash of the client does: until it is back there is less to do.
    let result = timed(&system, &[trigger, "crash@client,detect=0m,repair=30h"]);
    assert!(times(&system, &result, "server").0 < 30.0, "{:?}", times(&system, &result, "server"));
}

#[test]
fn wrong_data_is_cleaned_by_the_law_of_its_fault() {
    let system = yaml(
        "services: {a: {}, b: {}, of_a: {}, of_both: {}}\n\
         dependencies:\n\
         - {from: of_a, to: a, carries: [data], probability: 1}\n\
         - {from: of_both, to: a, carries: [data], probability: 1}\n\
         - {from: of_both, to: b, carries: [data], probability: 1}",
    );
    let faults =
        ["corrupt_output@a,wrong=1,detect=0m,repair=10m,unwind=1h", "corrupt_output@b,wrong=1,detect=0m,repair=10m,unwind=10h"];
    // 10 + 60, then 60 more; where both came in, 10 hours after the later of both is clean.
    let expected = [("a", 0.0, 70.0), ("b", 0.0, 610.0), ("of_a", 0.0, 130.0), ("of_both", 0.0, 1_210.0)];
    in_any_order(&system, &faults, &expected);
    // What was cleaned long ago makes the next clean-up no longer.
    let again = [
        "corrupt_output@b,wrong=1,detect=0m,repair=10m,unwind=10h",
        "corrupt_output@b,at=30h,wrong=1,detect=0m,repair=10m,unwind=1h",
    ];
    in_any_order(&system, &again, &[("b", 0.0, 610.0 + 70.0), ("of_both", 0.0, 1_210.0 + 130.0)]);
    // A fault without wrong data has no part in it.
    let other = "error_rate@a,rate=1,detect=0m,repair=10m";
    in_any_order(&system, &[faults[1], other], &[("a", 10.0, 10.0), ("b", 0.0, 610.0)]);
}

#[test]
fn each_circle_is_started_by_hand_in_its_own_time() {
    let system = yaml(
        "services: {a: {}, b: {}, c: {}, d: {}, bystander: {}}\n\
         dependencies:\n\
         - {from: a, to: b, kind: startup}\n\
         - {from: b, to: a, kind: startup}\n\
         - {from: c, to: d, kind: startup}\n\
         - {from: d, to: c, kind: startup}",
    );
    let crash = |name: &str, bootstrap: &str| format!("crash@{name},detect=0m,repair=60m,bootstrap={bootstrap}");
    let faults = [crash("a", "30m"), crash("b", "30m"), crash("c", "2h"), crash("d", "2h")];
    let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
    let expected = [("a", 90.0, 90.0), ("b", 90.0, 90.0), ("c", 180.0, 180.0), ("d", 180.0, 180.0)];
    in_any_order(&system, &faults, &expected);
    // What happens elsewhere meanwhile starts nobody's clock anew.
    let busy = "error_rate@bystander,at=70m,rate=1,detect=0m,repair=1m";
    in_any_order(&system, &[faults.clone(), vec![busy]].concat(), &expected);
    // Of one circle the longer law counts, whichever fault states it.
    let mixed = [crash("a", "30m"), crash("b", "50m")];
    in_any_order(&system, &[&mixed[0], &mixed[1]], &[("a", 110.0, 110.0), ("b", 110.0, 110.0)]);
}

fn rolled_out(system: &System, strategy: Strategy) -> Simulation {
    let compact = Compact::new(system);
    let mut fault = Fault::parse("bad_deploy@a,rate=1,detect=10m,repair=5h").expect("a fault");
    fault.rollout = Some(Rollout { strategy, share: None, bake: None, power: None, rollback: None });
    let scenario = Scenario::new(system, &compact, &[fault], None).expect("a scenario");
    simulate(system, &compact, &scenario, &Request { trials: 2_048, ..Request::default() }).expect("a simulation")
}

#[test]
fn a_switch_back_ends_the_common_cause_too() {
    let system = yaml("services: {a: {groups: [g]}, b: {groups: [g]}}\ngroups: {g: {kind: library, beta: 1}}");
    for strategy in [Strategy::BlueGreen, Strategy::Flag] {
        let result = rolled_out(&system, strategy);
        let (a, b) = (times(&system, &result, "a").1, times(&system, &result, "b").1);
        // Detection and LN(2, 6) minutes to switch back, nowhere near five hours.
        assert!(a > 10.0 && a < 20.0, "{strategy:?}: {a}");
        assert!(b > 10.0 && b < 20.0, "{strategy:?}: {b}");
    }
}

#[test]
fn the_tail_is_of_the_fault_that_ended_last() {
    let system = yaml("services: {s: {restore_tail: 3m}}");
    let short = "error_rate@s,rate=1,detect=0m,repair=10m,restore_tail=5m";
    let long = "error_rate@s,rate=1,detect=0m,repair=30m,restore_tail=60m";
    in_any_order(&system, &[short, long], &[("s", 90.0, 90.0)]);
    // Of two that end together the longer one.
    let other = "error_rate@s,rate=1,detect=0m,repair=30m,restore_tail=7m";
    in_any_order(&system, &[other, long], &[("s", 90.0, 90.0)]);
    // A tail that a fault states is that fault's: the next outage, which comes from elsewhere, has the service's own.
    let two = yaml("services: {s: {restore_tail: 3m}, p: {}}\ndependencies: [{from: s, to: p, probability: 1}]");
    in_any_order(&two, &[short, "crash@p,at=1h,detect=0m,repair=10m"], &[("s", 10.0 + 5.0 + 10.0 + 3.0, 28.0)]);
}

#[test]
fn a_share_of_the_instances_is_what_it_says() {
    let system = yaml("services: {s: {replicas: {count: 100, need: 45}}}");
    let lasts =
        |share: &str| times(&system, &timed(&system, &[&format!("crash@s,instances={share},detect=0m,repair=10m")]), "s").0;
    // 55 of 100 leave the 45 that are needed.
    assert_eq!((lasts("55%"), lasts("55.1%"), lasts("56%")), (0.0, 10.0, 10.0));
    let all = yaml("services: {s: {replicas: {count: 10, need: 1}}}");
    for tenth in 1..10 {
        let result = timed(&all, &[&format!("crash@s,instances={}%,detect=0m,repair=10m", tenth * 10)]);
        assert_eq!(times(&all, &result, "s").0, 0.0, "{tenth}");
    }
}

#[test]
fn severities_have_bounds_whatever_their_causes_share() {
    let system = yaml(
        "services: {a: {}, b: {}, c: {}, alone: {}}\n\
         dependencies: [{from: c, to: a, probability: 1}, {from: c, to: b, probability: 1}, {from: alone, to: a, probability: 1}]\n\
         journeys: {j: {needs: [a, b], users_per_minute: 1000}, one: {needs: [a], users_per_minute: 1000}}",
    );
    let faults = ["error_rate@a,rate=0.3,detect=0m,repair=10m", "error_rate@b,rate=0.4,detect=0m,repair=10m"];
    let bounds = |result: &Simulation, name: &str| {
        let id = system.find_service(name).expect(name);
        let (least, most) = result.service(id).and_then(|result| result.state_minutes()).expect("a clock").down_bounds;
        (least.mean, most.mean)
    };
    for how in [TIMED_EXACT, How { trials: 4_096, ..TIMED }, How { trials: 4_096, events_only: true, ..TIMED }] {
        // 58 % when independent: down. 40 % when both hit the same requests, 70 % when no two the same.
        let result = run(&system, &faults, how);
        assert_eq!((times(&system, &result, "c").0, bounds(&result, "c")), (10.0, (0.0, 10.0)));
        assert_eq!((times(&system, &result, "alone").0, bounds(&result, "alone")), (0.0, (0.0, 0.0)));
        let lost = |at: usize| {
            let journey = &result.journeys[at];
            let (least, most) = journey.user_minute_bounds;
            [least.mean, journey.user_minutes.mean.mean, most.mean]
        };
        for (found, expected) in lost(0).into_iter().zip([4_000.0, 5_800.0, 7_000.0]) {
            assert!((found - expected).abs() < 0.01, "{found} {expected}");
        }
        assert_eq!(lost(1), [lost(1)[1]; 3]);
        // 44 % when independent: not down. 50 % when no two causes hit the same request.
        let fewer = [faults[0], "error_rate@b,rate=0.2,detect=0m,repair=10m"];
        let result = run(&system, &fewer, how);
        assert_eq!((times(&system, &result, "c").0, bounds(&result, "c")), (0.0, (0.0, 10.0)));
        // A complete outage leaves no doubt.
        let result = run(&system, &["crash@a,detect=0m,repair=10m"], how);
        assert_eq!((times(&system, &result, "c").0, bounds(&result, "c")), (10.0, (10.0, 10.0)));
    }
}

#[test]
fn bounds_of_severities_go_on_to_those_who_depend_on_them() {
    // c needs two that fail: 58 % when independent, 40 to 70 %. Whoever calls it knows no better, and two calls a request amplify each.
    // d needs two that have one cause: they fail together, 51 % when taken as independent, 30 to 60 %.
    let system = yaml(
        "services: {a: {}, b: {}, c: {}, twice: {}, left: {}, right: {}, d: {}, gate: {requires: {at_least: 1, of: [c, d]}}}\n\
         dependencies:\n\
         - {from: c, to: a, probability: 1}\n\
         - {from: c, to: b, probability: 1}\n\
         - {from: twice, to: c, probability: 1, calls: 2}\n\
         - {from: left, to: a, probability: 1}\n\
         - {from: right, to: a, probability: 1}\n\
         - {from: d, to: left, probability: 1}\n\
         - {from: d, to: right, probability: 1}\n\
         - {from: gate, to: c, probability: 1}\n\
         - {from: gate, to: d, probability: 1}\n\
         journeys:\n\
         \x20 c: {needs: [c], users_per_minute: 1000}\n\
         \x20 twice: {needs: [twice], users_per_minute: 1000}\n\
         \x20 d: {needs: [d], users_per_minute: 1000}\n\
         \x20 gate: {needs: [gate], users_per_minute: 1000}\n\
         \x20 all: {needs: [c, d], users_per_minute: 1000}",
    );
    let faults = ["error_rate@a,rate=0.3,detect=0m,repair=10m", "error_rate@b,rate=0.4,detect=0m,repair=10m"];
    for how in [TIMED_EXACT, How { trials: 4_096, ..TIMED }, How { trials: 4_096, events_only: true, ..TIMED }] {
        let result = run(&system, &faults, how);
        let lost = result.journeys.iter().map(|journey| {
            let (least, most) = journey.user_minute_bounds;
            (journey.name.as_str(), [least.mean, journey.user_minutes.mean.mean, most.mean])
        });
        let expected = [
            ("c", [4_000.0, 5_800.0, 7_000.0]),
            ("twice", [6_400.0, 8_236.0, 9_100.0]),
            ("d", [3_000.0, 5_100.0, 6_000.0]),
            // The less failing of the two.
            ("gate", [3_000.0, 5_100.0, 6_000.0]),
            ("all", [4_000.0, 7_942.0, 10_000.0]),
        ];
        for ((name, found), (expected_name, expected)) in lost.zip(expected) {
            assert_eq!(name, expected_name);
            for (found, expected) in found.into_iter().zip(expected) {
                assert!((found - expected).abs() < 0.01, "{name}: {found} is not {expected}");
            }
        }
        let bounds = |name: &str| {
            let id = system.find_service(name).expect(name);
            let (least, most) = result.service(id).and_then(|result| result.state_minutes()).expect("a clock").down_bounds;
            (least.mean, times(&system, &result, name).0, most.mean)
        };
        assert_eq!((bounds("c"), bounds("d")), ((0.0, 10.0, 10.0), (0.0, 10.0, 10.0)));
        assert_eq!((bounds("twice"), bounds("left")), ((10.0, 10.0, 10.0), (0.0, 0.0, 0.0)));
    }
}
