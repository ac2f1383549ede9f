//! One test per numbered sentence of "Semantics that are fixed" in the product contract, named after it: sentences 1 to 18.

mod common;

use common::*;
use shockfront::fault::spec::Target;
use shockfront::fault::{Fault, FaultKind, Scenario};
use shockfront::model::Compact;
use shockfront::propagation::{Request, simulate};

#[test]
fn semantics_01_labels() {
    let system = yaml("services: {s: {operations: [X, Y]}, c: {}}\ndependencies: [{from: c, to: s.X, probability: 1}]");
    let result =
        timed(&system, &["error_rate@s.X,rate=0.3,detect=0m,repair=10m", "error_rate@s.Y,rate=0.6,at=20m,detect=0m,repair=5m"]);
    // The service is as bad as its worst operation; the gap between the two outages does not count.
    assert_eq!(times(&system, &result, "s"), (5.0, 15.0));
    assert_eq!(times(&system, &result, "c"), (0.0, 10.0));
    // Two operations hit are one service reached.
    assert_eq!(result.reach.mean.mean, 2.0);
    for (factor, impaired) in [("1.4", 0.0), ("1.5", 1.0)] {
        let slow = timed(&system, &[&format!("latency@s.X,factor={factor},detect=0m,repair=10m")]);
        assert_eq!(p(&system, &slow, "c"), impaired, "{factor}");
    }
    let wrong = timed(&yaml("services: {s: {}}"), &["corrupt_output@s,wrong=0.01,detect=0m,repair=10m,unwind=0m"]);
    assert_eq!(wrong.services[0].corrupt.mean, 1.0);
    assert_eq!(wrong.services[0].down.mean, 0.0);
    // Cut at the horizon.
    let cut = timed(&yaml("services: {s: {}}"), &["crash@s,detect=0m,repair=100h"]);
    assert_eq!(cut.services[0].times().expect("times").downtime.mean.mean, 72.0 * 60.0);
    assert_eq!(cut.censored, 1.0);
}

#[test]
fn semantics_02_the_source() {
    let system = yaml(
        "services: {s: {}, c: {}, m: {kind: monitor}}\ndependencies: [{from: c, to: s, probability: 1}, {from: s, to: m, kind: monitors}]",
    );
    let faint = timed(&system, &["error_rate@s,rate=0.001,detect=0m,repair=10m"]);
    assert_eq!((p(&system, &faint, "s"), p(&system, &faint, "c")), (1.0, 0.0));
    assert_eq!(times(&system, &faint, "s"), (0.0, 10.0));
    for how in [STATIC_EXACT, TIMED_EXACT] {
        assert_eq!(run(&system, &["false_all_clear@m"], how).reach.mean.mean, 0.0);
    }
    assert!(try_run(&system, &["false_all_clear@c"], STATIC_EXACT).expect_err("no monitor").contains("monitor"));
    // Also where no channel gets a severity: a draw of the latency multiplier may round to no delay at all.
    let operations = yaml("services: {s: {operations: [X, Y]}}");
    for how in [How { trials: 4_096, ..STATIC }, How { trials: 4_096, ..TIMED }] {
        assert_eq!(run(&operations, &["latency@s"], how).reach.mean.mean, 1.0);
        assert_eq!(run(&operations, &["error_rate@s,rate=0"], how).reach.mean.mean, 1.0);
    }
}

#[test]
fn semantics_03_draws() {
    let system = yaml(
        "services: {s: {operations: [X, Y]}, c: {operations: [P, Q]}, d: {}}\n\
         dependencies: [{from: c, to: s, probability: 0.5}, {from: d, to: c.P, probability: 1}, {from: d, to: c.Q, probability: 1}]",
    );
    // One number decides for all pairs of operations: a half, not 1 − 0.5⁴.
    close(reach(&system, "crash@s", "d"), 0.5);
    // One number for all outages of a trial.
    let twice = timed(&system, &["crash@s,detect=0m,repair=10m", "crash@s,at=1h,detect=0m,repair=10m"]);
    close(p(&system, &twice, "c"), 0.5);
    let problem = try_yaml("services: {a: {}, b: {}}\ndependencies: [{from: a, to: b}, {from: a, to: b}]").expect_err("twice");
    assert!(problem.contains("twice"), "{problem}");
    assert!(try_yaml("services: {a: {}, b: {}}\ndependencies: [{from: a, to: b}, {from: a, to: b, kind: startup}]").is_ok());
}

#[test]
fn semantics_04_direction() {
    let system = yaml(
        "services: {watched: {}, monitor: {}, resource: {}, agent: {}, reader: {}, wiki: {}, caller: {}, store: {}}\n\
         dependencies:\n\
         - {from: watched, to: monitor, kind: monitors}\n\
         - {from: resource, to: agent, kind: authority}\n\
         - {from: reader, to: wiki, kind: knowledge, probability: 1}\n\
         - {from: caller, to: store, carries: [data], data: write, probability: 1}\n",
    );
    assert_eq!(reach(&system, "crash@agent", "resource"), 1.0);
    assert_eq!(reach(&system, "crash@resource", "agent"), 0.0);
    assert_eq!(reach(&system, "crash@watched", "monitor"), 0.0);
    assert_eq!(reach(&system, "crash@monitor", "watched"), 0.0);
    assert_eq!(reach(&system, "corrupt_output@wiki,wrong=0.5", "reader"), 1.0);
    // Written data runs from the caller into the store, and only data.
    assert_eq!(reach(&system, "corrupt_output@caller,wrong=0.5", "store"), 1.0);
    assert_eq!(reach(&system, "corrupt_output@store,wrong=0.5", "caller"), 0.0);
    assert_eq!(reach(&system, "crash@caller", "store"), 0.0);
}

#[test]
fn semantics_05_probability() {
    let system = yaml(
        "services: {s: {}, op: {operations: [X]}, whole: {}, unknown: {}, soft: {}, tested: {}, queue: {}, half: {}, stated: {}}\n\
         dependencies:\n\
         - {from: op.X, to: s}\n\
         - {from: whole, to: s}\n\
         - {from: unknown, to: s, kind: unknown}\n\
         - {from: soft, to: s, kind: soft}\n\
         - {from: tested, to: s, kind: soft, fallback: {coverage: 1.0, tested: true}}\n\
         - {from: queue, to: s, kind: async}\n\
         - {from: half, to: s, kind: soft, probability: 0.2, fallback: {coverage: 0.4}}\n\
         - {from: stated, to: s, kind: soft, probability: 0.2, breaker: {window: 100}, fallback: {coverage: 1.0, tested: true}}\n",
    );
    for (name, expected) in
        [("op", 0.95), ("whole", 0.67), ("unknown", 0.67), ("soft", 0.35), ("tested", 0.05), ("half", 1.0), ("stated", 0.2)]
    {
        close(reach(&system, "crash@s", name), expected);
    }
    close(reach(&system, "corrupt_output@s,wrong=1", "queue"), 0.95);
    for (name, expected) in [("soft", 0.95), ("tested", 0.95), ("whole", 0.67)] {
        close(reach(&system, "latency@s,factor=9", name), expected);
    }
    // Where it does not cross, the share that the fallback does not cover fails all the same: down in 100 %, 60 % else.
    let result = timed(&system, &["error_rate@s,rate=0.8,detect=0m,repair=10m"]);
    let half = result.service(system.find_service("half").expect("half")).expect("reached");
    close(half.impaired.mean, 1.0);
    close(half.down.mean, 0.2);
}

#[test]
fn semantics_06_share_and_calls() {
    let system = yaml(
        "services: {s: {}, share: {}, calls: {}, little: {}, retry: {}}\n\
         dependencies:\n\
         - {from: share, to: s, probability: 1, share: 0.3}\n\
         - {from: calls, to: s, probability: 1, calls: 3}\n\
         - {from: little, to: s, probability: 1, share: 0.009}\n\
         - {from: retry, to: s, probability: 1, retries: {attempts: 5}, transient: 1}\n",
    );
    let result = timed(&system, &["error_rate@s,rate=0.3,detect=0m,repair=10m"]);
    assert_eq!(times(&system, &result, "share"), (0.0, 10.0));
    // 1 − 0.7³ = 0.657: down.
    assert_eq!(times(&system, &result, "calls"), (10.0, 10.0));
    // 0.3⁵ = 0.002 does not impair.
    assert_eq!(times(&system, &result, "retry"), (0.0, 0.0));
    for how in [STATIC_EXACT, TIMED_EXACT] {
        let total = run(&system, &["crash@s,detect=0m,repair=10m"], how);
        assert_eq!((p(&system, &total, "share"), p(&system, &total, "little"), p(&system, &total, "retry")), (1.0, 0.0, 1.0));
    }
}

#[test]
fn semantics_07_carries() {
    let kinds = ["hard", "soft", "unknown", "async", "authority", "knowledge", "startup", "monitors"];
    let carried = [(1, 1, 0), (1, 1, 0), (1, 1, 0), (0, 0, 1), (1, 0, 1), (0, 0, 1), (0, 0, 0), (0, 0, 0)];
    for (kind, (errors, latency, data)) in kinds.into_iter().zip(carried) {
        let system =
            yaml(&format!("services: {{s: {{}}, c: {{}}}}\ndependencies: [{{from: c, to: s, kind: {kind}, probability: 1}}]"));
        assert_eq!(reach(&system, "crash@s", "c"), f64::from(errors), "{kind} errors");
        assert_eq!(reach(&system, "latency@s,factor=9", "c"), f64::from(latency), "{kind} latency");
        assert_eq!(reach(&system, "corrupt_output@s,wrong=1", "c"), f64::from(data), "{kind} data");
    }
}

#[test]
fn semantics_08_combining() {
    let system = yaml(
        "services: {a: {}, b: {}, t: {}}\n\
         dependencies: [{from: t, to: a, probability: 1}, {from: t, to: b, probability: 1}]",
    );
    // 1 − 0.7 · 0.6 = 0.58: down, although neither alone would do it.
    let both =
        timed(&system, &["error_rate@a,rate=0.3,detect=0m,repair=10m", "error_rate@b,rate=0.4,at=5m,detect=0m,repair=10m"]);
    assert_eq!(times(&system, &both, "t"), (5.0, 15.0));
    // One cause going round a loop is one cause: with the product rule the pair would climb to 1.
    let pair =
        yaml("services: {a: {}, b: {}}\ndependencies: [{from: a, to: b, probability: 1}, {from: b, to: a, probability: 1}]");
    let result = timed(&pair, &["error_rate@a,rate=0.3,detect=0m,repair=10m"]);
    assert_eq!(times(&pair, &result, "a"), (0.0, 10.0));
    assert_eq!(times(&pair, &result, "b"), (0.0, 10.0));
}

#[test]
fn semantics_09_operations_hit() {
    let system = yaml(
        "services: {s: {operations: [X, Y]}, c: {}, d: {}}\ndependencies: [{from: c, to: s.X, probability: 1}, {from: d, to: s, probability: 1}]",
    );
    // Each operation with a half, at least one: 0.5 / 0.75.
    for kind in ["bad_deploy", "config_push"] {
        close(reach(&system, &format!("{kind}@s,rate=1"), "c"), 2.0 / 3.0);
    }
    close(reach(&system, "error_rate@s,rate=1", "c"), 2.0 / 3.0);
    close(reach(&system, "error_rate@s,rate=1", "d"), 1.0);
    close(reach(&system, "crash@s", "c"), 1.0);
    close(reach(&system, "error_rate@s.Y,rate=1", "c"), 0.0);
    for kind in ["crash", "state_loss", "zone_loss", "expiry"] {
        assert!(try_run(&system, &[&format!("{kind}@s.X")], STATIC_EXACT).is_err(), "{kind}");
    }
}

#[test]
fn semantics_10_replicas_and_zones() {
    let system = yaml(
        "services:\n\
         \x20 spread: {replicas: {count: 5, need: 3}, groups: [z1, z2]}\n\
         \x20 tight: {replicas: {count: 5, need: 4}, groups: [z1, z2]}\n\
         \x20 loaded: {replicas: {count: 4, need: 1}, groups: [z1, z2], load: 0.8}\n\
         \x20 only: {groups: [z2]}\n\
         groups: {z1: {kind: zone}, z2: {kind: zone}}\n",
    );
    // z1 takes the remainder: 3 of 5 replicas are there, 2 in z2.
    let lost =
        |zone: &str, name: &str| times(&system, &timed(&system, &[&format!("zone_loss@{zone},detect=0m,repair=10m")]), name);
    assert_eq!(lost("z1", "spread"), (10.0, 10.0));
    assert_eq!(lost("z2", "spread"), (0.0, 0.0));
    assert_eq!(lost("z2", "tight"), (10.0, 10.0));
    // 2 of 4 left at load 0.8: 1 − 2 / 3.2 = 0.375 fail.
    assert_eq!(lost("z1", "loaded"), (0.0, 10.0));
    assert_eq!(lost("z1", "only"), (0.0, 0.0));
    assert_eq!(lost("z2", "only"), (10.0, 10.0));
    let instances = |fault: &str, name: &str| times(&system, &timed(&system, &[fault]), name);
    assert_eq!(instances("crash@tight,instances=1,detect=0m,repair=10m", "tight"), (0.0, 10.0));
    assert_eq!(instances("crash@tight,instances=30%,detect=0m,repair=10m", "tight"), (10.0, 10.0));
    assert_eq!(instances("crash@tight,detect=0m,repair=10m", "tight"), (10.0, 10.0));
}

#[test]
fn semantics_11_groups() {
    let system = yaml(
        "services: {a: {groups: [lib]}, b: {groups: [lib]}, c: {groups: [rack]}, d: {groups: [rack]}, e: {}}\n\
         groups: {lib: {kind: library, hit: 0.5}, rack: {kind: rack, hit: 0.5, beta: 0.2}}\n\
         dependencies: [{from: e, to: a, probability: 1}]",
    );
    close(reach(&system, "crash@lib", "a"), 2.0 / 3.0);
    close(reach(&system, "crash@lib", "e"), 2.0 / 3.0);
    // A member's fault stays its own unless the group states beta.
    close(reach(&system, "crash@a", "b"), 0.0);
    close(reach(&system, "crash@c", "d"), 0.2 * 0.5);
    assert!(try_run(&system, &["zone_loss@a"], STATIC_EXACT).is_err());
    assert!(try_yaml("services: {a: {}}\ngroups: {a: {kind: zone}}").expect_err("name").contains("both"));
}

#[test]
fn semantics_12_requires() {
    let system = yaml(
        "services: {p: {}, q: {}, r: {}, x: {}, t: {requires: {at_least: 2, of: [p, q, r]}}}\n\
         dependencies:\n\
         - {from: t, to: p, probability: 1}\n\
         - {from: t, to: q, probability: 1}\n\
         - {from: t, to: r, probability: 1}\n\
         - {from: t, to: x, probability: 1}\n",
    );
    let fail = |name: &str, rate: f64| format!("error_rate@{name},rate={rate},detect=0m,repair=10m");
    let with = |faults: &[String]| {
        let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
        times(&system, &timed(&system, &faults), "t")
    };
    assert_eq!(with(&[fail("p", 0.9)]), (0.0, 0.0));
    // The second worst decides.
    assert_eq!(with(&[fail("p", 0.9), fail("q", 0.4), fail("r", 0.2)]), (0.0, 10.0));
    assert_eq!(with(&[fail("p", 0.9), fail("q", 0.6)]), (10.0, 10.0));
    // Not at the same time: nothing happens. Without a clock that is not asked.
    assert_eq!(with(&["crash@p,detect=0m,repair=10m".into(), "crash@q,at=10m,detect=0m,repair=10m".into()]), (0.0, 0.0));
    assert_eq!(p(&system, &run(&system, &["crash@p", "crash@q,at=10m"], STATIC_EXACT), "t"), 1.0);
    assert_eq!(with(&[fail("x", 0.9)]), (10.0, 10.0));
}

#[test]
fn semantics_13_how_long() {
    let system = yaml(
        "services: {s: {detect: 3m, repair: 20m, rollback: 7m, cold_start: 5m, restore_tail: 11m}, plain: {detect: 3m, repair: 20m}}",
    );
    let lasts = |fault: &str, name: &str| times(&system, &timed(&system, &[fault]), name).1;
    assert_eq!(lasts("crash@s", "s"), 3.0 + 20.0 + 5.0 + 11.0);
    assert_eq!(lasts("error_rate@s,rate=1", "s"), 3.0 + 20.0 + 11.0);
    assert_eq!(lasts("bad_deploy@s,rate=1", "s"), 3.0 + 7.0 + 11.0);
    assert_eq!(lasts("bad_deploy@plain,rate=1", "plain"), 3.0 + 20.0);
    // The fault's own key goes first.
    assert_eq!(lasts("crash@s,detect=1m,repair=2m,cold_start=0m,restore_tail=0m", "s"), 3.0);
    assert_eq!(lasts("bad_deploy@plain,rate=1,rollback=4m", "plain"), 3.0 + 4.0);
    // Other kinds take the catalogue's stages, not the service's.
    let stages = "state_loss@plain,detect=1m,decide=2m,recreate=3m,restore=4m,validate=5m";
    assert_eq!(lasts(stages, "plain"), 15.0);
    let expiry = try_run(&system, &["expiry@plain"], TIMED_EXACT).expect_err("random");
    assert!(expiry.contains("time to"), "{expiry}");
}

#[test]
fn semantics_14_detection() {
    let system = yaml(
        "services: {s: {}, m: {kind: monitor, detect: 10m}, stated: {detect: 30m}}\n\
         dependencies: [{from: s, to: m, kind: monitors}, {from: stated, to: m, kind: monitors}]",
    );
    let lasts = |faults: &[&str], name: &str| {
        let how = How { trials: 4_096, ..TIMED };
        times(&system, &run(&system, faults, how), name).1
    };
    // The monitor notices after 10 minutes what the kind alone notices after 8 hours in the median.
    let monitored = lasts(&["corrupt_output@s,wrong=1,repair=0m,unwind=0m"], "s");
    assert!(monitored <= 10.0 && monitored > 9.9, "{monitored}");
    let blind = lasts(&["corrupt_output@s,wrong=1,repair=0m,unwind=0m", "false_all_clear@m"], "s");
    assert!(blind > 300.0, "{blind}");
    // A stated time is complete: no monitor shortens it.
    assert_eq!(lasts(&["crash@stated,repair=0m"], "stated"), 30.0);
}

#[test]
fn semantics_15_dependents() {
    let system = yaml(
        "services: {s: {}, a: {}, b: {}, t: {cold_start: 30m}}\n\
         dependencies:\n\
         - {from: a, to: s, probability: 1, buffer: 10m}\n\
         - {from: b, to: s, probability: 1, buffer: 25m}\n\
         - {from: t, to: a, probability: 1, buffer: 30m}\n\
         - {from: t, to: b, probability: 1, buffer: 5m}\n",
    );
    // Shortest buffer distance: a 10, b 25, t 30; dependents need no cold start.
    for (outage, expected) in [(60.0, [50.0, 35.0, 30.0]), (28.0, [18.0, 3.0, 0.0]), (10.0, [0.0, 0.0, 0.0])] {
        let result = timed(&system, &[&format!("crash@s,detect=0m,repair={outage}m")]);
        for (name, expected) in ["a", "b", "t"].into_iter().zip(expected) {
            assert_eq!(times(&system, &result, name).0, expected, "{outage} {name}");
        }
    }
}

#[test]
fn semantics_16_tails() {
    let system = yaml(
        "services: {s: {restore_tail: 10m}, c: {restore_tail: 7m}, d: {}}\n\
         dependencies: [{from: c, to: s, probability: 1}, {from: d, to: c, probability: 1}]",
    );
    let result = timed(&system, &["crash@s,detect=0m,repair=20m"]);
    assert_eq!(times(&system, &result, "s"), (30.0, 30.0));
    // Its own tail starts when the provider is back, and crosses no arc.
    assert_eq!(times(&system, &result, "c"), (27.0, 27.0));
    assert_eq!(times(&system, &result, "d"), (20.0, 20.0));
    // Data clean-up starts when the providers are clean: 20 + 30, then 30 more.
    let data = yaml("services: {s: {}, c: {}}\ndependencies: [{from: c, to: s, kind: async, probability: 1}]");
    let result = timed(&data, &["corrupt_output@s,wrong=1,detect=0m,repair=20m,unwind=30m"]);
    assert_eq!(times(&data, &result, "s").1, 50.0);
    assert_eq!(times(&data, &result, "c").1, 80.0);
}

#[test]
fn semantics_17_delays() {
    let system = yaml(
        "services: {s: {}, buffer: {}, stale: {}, ramp: {}, queue: {}}\n\
         dependencies:\n\
         - {from: buffer, to: s, probability: 1, buffer: 30m}\n\
         - {from: stale, to: s, probability: 1, cache: {ttl: 1m, serve_stale: 40m}}\n\
         - {from: ramp, to: s, probability: 1, cache: {ttl: 60m}}\n\
         - {from: queue, to: s, kind: async, probability: 1}\n\
         journeys: {j: {needs: [ramp], users_per_minute: 1}}\n",
    );
    let outage = |minutes: u32| timed(&system, &[&format!("crash@s,detect=0m,repair={minutes}m")]);
    assert_eq!(times(&system, &outage(30), "buffer").0, 0.0);
    assert_eq!(times(&system, &outage(45), "buffer").0, 15.0);
    assert_eq!(times(&system, &outage(40), "stale").0, 0.0);
    assert_eq!(times(&system, &outage(50), "stale").0, 10.0);
    // V27: the ramp loses a quarter of 30 minutes and two thirds of 90; down from the middle on.
    let lost = |minutes: u32| outage(minutes).user_minutes.expect("users").mean.mean / f64::from(minutes);
    // Its first hundredth is below the threshold of what crosses, hence the tolerance.
    assert!((lost(30) - 0.25).abs() < 2e-4, "{}", lost(30));
    assert!((lost(90) - 2.0 / 3.0).abs() < 2e-4, "{}", lost(90));
    assert_eq!(times(&system, &outage(90), "ramp").0, 60.0);
    // Async has no buffer by itself.
    let wrong = timed(&system, &["corrupt_output@s,wrong=1,detect=0m,repair=5m,unwind=0m"]);
    assert_eq!(times(&system, &wrong, "queue").1, 5.0);
}

#[test]
fn semantics_18_static_bounds() {
    let system = yaml(
        "services: {s: {}, a: {}, b: {}}\n\
         dependencies: [{from: a, to: s, probability: 0.5, buffer: 10h}, {from: b, to: s, probability: 0.5, share: 0.3}]",
    );
    let result = run(&system, &["crash@s"], STATIC_EXACT);
    let (optimistic, pessimistic) = result.reach_bounds.as_ref().expect("bounds");
    close(optimistic.mean.mean, 1.5);
    close(pessimistic.mean.mean, 2.0);
    assert_eq!(&result.reach, pessimistic);
    // A crossing is total: `b` counts as down. There is no clock.
    close(result.service(system.find_service("b").expect("b")).expect("b").down.mean, 0.5);
    assert!(result.user_minutes.is_none() && result.journeys.is_empty());
}

/// A share of the traffic scales severities (25, 6); a hundredth is the least that impairs (1), the source aside (2).
#[test]
fn semantics_25_share_of_the_traffic() {
    let system = yaml(
        "services: {s: {}, c: {}, half: {}, slow: {}}\n\
         dependencies:\n\
         - {from: c, to: s, probability: 1}\n\
         - {from: half, to: s, probability: 1, share: 0.5}\n\
         - {from: slow, to: s, probability: 1}\n\
         journeys: {j: {needs: [c], users_per_minute: 1000}}",
    );
    let ask = |fault: &str| timed(&system, &[&format!("{fault},detect=0m,repair=10m")]);
    let one = ask("crash@s,share=1%");
    for (name, expected) in [("s", (0.0, 10.0)), ("c", (0.0, 10.0)), ("half", (0.0, 0.0))] {
        assert_eq!(times(&system, &one, name), expected, "{name}");
    }
    assert!((one.user_minutes.expect("users").mean.mean - 100.0).abs() < 0.01, "1 % of 10,000");
    let less = ask("crash@s,share=0.9%");
    assert_eq!((times(&system, &less, "s"), times(&system, &less, "c")), ((0.0, 10.0), (0.0, 0.0)));
    assert_eq!(times(&system, &ask("crash@s,share=50%"), "c"), (10.0, 10.0));
    // A multiplier of 5 for a share of the calls: 1 + 0.1 · 4 = 1.4 is no harm, 1.8 is.
    assert_eq!(times(&system, &ask("latency@s,factor=5,share=10%"), "slow"), (0.0, 0.0));
    assert_eq!(times(&system, &ask("latency@s,factor=5,share=20%"), "slow"), (0.0, 10.0));
    // Without a clock a crossing is total, however small the share (18).
    assert_eq!(reach(&system, "crash@s,share=0.1%", "c"), 1.0);
}

/// Instances and zones, sentence by sentence.
#[test]
fn semantics_10_what_is_left_decides() {
    let system = yaml(
        "services:\n\
         \x20 three: {replicas: {count: 5, need: 4}, groups: [z1, z2, z3]}\n\
         \x20 pool: {replicas: {count: 4, need: 2}, load: 0.6}\n\
         \x20 plain: {replicas: {count: 4, need: 2}}\n\
         \x20 a: {groups: [z4]}\n\
         \x20 b: {groups: [z4]}\n\
         \x20 of-pool: {}\n\
         \x20 of-plain: {}\n\
         dependencies: [{from: of-pool, to: pool, probability: 1}, {from: of-plain, to: plain, probability: 1}]\n\
         groups: {z1: {kind: zone}, z2: {kind: zone}, z3: {kind: zone}, z4: {kind: zone, hit: 0.5}}\n",
    );
    let ask = |fault: &str, name: &str| times(&system, &timed(&system, &[&format!("{fault},detect=0m,repair=10m")]), name);
    // Five over three zones: 2, 2, 1; four are needed.
    assert_eq!(ask("zone_loss@z1", "three"), (10.0, 10.0));
    assert_eq!(ask("zone_loss@z2", "three"), (10.0, 10.0));
    assert_eq!(ask("zone_loss@z3", "three"), (0.0, 0.0));
    // A zone takes each of its members with its probability, at least one.
    close(reach(&system, "zone_loss@z4", "a"), 2.0 / 3.0);
    // Enough are left and no load is stated: the pool counts as impaired, nobody else notices.
    assert_eq!((ask("crash@plain,instances=1", "plain"), ask("crash@plain,instances=1", "of-plain")), ((0.0, 10.0), (0.0, 0.0)));
    assert_eq!(reach(&system, "crash@plain,instances=1", "of-plain"), 0.0);
    // Two of four at load 0.6: 1 − 2/2.4 of the requests fail. Three of four are enough.
    assert_eq!((ask("crash@pool,instances=1", "of-pool"), ask("crash@pool,instances=2", "of-pool")), ((0.0, 0.0), (0.0, 10.0)));
    assert_eq!(
        (reach(&system, "crash@pool,instances=1", "of-pool"), reach(&system, "crash@pool,instances=2", "of-pool")),
        (0.0, 1.0)
    );
    // 30 % of four are two, and 51 % are three: fewer than needed. More than there are is all.
    assert_eq!(
        (ask("crash@plain,instances=30%", "of-plain"), ask("crash@plain,instances=51%", "of-plain")),
        ((0.0, 0.0), (10.0, 10.0))
    );
    assert_eq!(ask("crash@plain,instances=9", "of-plain"), (10.0, 10.0));
}

/// A stand-by ends the outage so long after detection, with its probability; a buffer that outlives that spares the consumer.
#[test]
fn a_stand_by_in_time_spares_the_consumer() {
    let system = yaml(
        "services: {s: {failover: {after: 2m, works: 0.75}}, c: {}, hasty: {}}\n\
         dependencies: [{from: c, to: s, probability: 1, buffer: 3m}, {from: hasty, to: s, probability: 1, buffer: 2m}]",
    );
    let result = timed(&system, &["crash@s,detect=1m,repair=59m"]);
    close(p(&system, &result, "c"), 0.25);
    close(times(&system, &result, "c").0, 0.25 * 57.0);
    close(times(&system, &result, "hasty").0, 0.75 * 1.0 + 0.25 * 58.0);
    // The pessimistic bound knows of no time.
    assert_eq!(reach(&system, "crash@s", "c"), 1.0);
}

#[test]
fn semantics_09_two_operations_of_one_service() {
    let system = yaml(
        "services: {s: {operations: [X, Y, Z]}, x: {}, y: {}, z: {}}\n\
         dependencies: [{from: x, to: s.X, probability: 1}, {from: y, to: s.Y, probability: 1}, {from: z, to: s.Z, probability: 1}]",
    );
    let compact = Compact::new(&system);
    let target = |name: &str| Target { name: name.to_owned(), share: None };
    let mut fault = Fault::on(FaultKind::BadDeploy, vec![target("s.X"), target("s.Y")]);
    fault.overrides.rate = Some(1.0);
    let scenario = Scenario::new(&system, &compact, &[fault], None).expect("a scenario");
    for exact in [true, false] {
        let request = Request { trials: 65_536, exact, static_reach: true, ..Request::default() };
        let found = simulate(&system, &compact, &scenario, &request).expect("a simulation");
        // Each with one half, independently, given that at least one is hit: 0.5 / 0.75.
        for (name, expected) in [("x", 2.0 / 3.0), ("y", 2.0 / 3.0), ("z", 0.0)] {
            let tolerance = if exact { 1e-12 } else { 4.0 * (expected * (1.0_f64 - expected) / 65_536.0).sqrt() };
            assert!((p(&system, &found, name) - expected).abs() <= tolerance, "{name}: {}", p(&system, &found, name));
        }
    }
}
