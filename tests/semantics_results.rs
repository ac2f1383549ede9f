//! One test per numbered sentence of "Semantics that are fixed" in the product contract, named after it: sentences 19 to 26.

mod common;

use common::*;
use shockfront::change::facts::{Change, ChangeKind, TriState};
use shockfront::fault::{Fault, FaultKind, Scenario};
use shockfront::model::Compact;
use shockfront::propagation::result::{JourneyResult, StateMinutes};
use shockfront::propagation::{Request, Simulation, simulate};
use shockfront::random::Seed;
use shockfront::statistics::{Interval, clopper_pearson};
use shockfront::units::Ticks;

#[test]
fn semantics_19_exact() {
    let system = yaml("services: {s: {}, c: {}}\ndependencies: [{from: c, to: s, probability: 0.3}]");
    let result = timed(&system, &["crash@s,detect=2m,repair=8m"]);
    close(times(&system, &result, "c").0, 3.0);
    let problem = try_run(&system, &["crash@s,repair=8m"], TIMED_EXACT).expect_err("detection is random");
    assert!(problem.contains("time to detection of crash@s"), "{problem}");
    assert!(try_run(&system, &["crash@s"], STATIC_EXACT).is_ok());
    let many: String = (0..30).map(|i| format!("s>c{i}:.5 ")).collect();
    let star = run(&build(draft(&many)), &["crash@s"], STATIC_EXACT);
    close(star.reach.mean.mean, 16.0);
    // Everybody on everybody: beyond every solver, which say how large it is and how large it may be.
    let pairs = (0..20).flat_map(|a| (0..20).map(move |b| (a, b))).filter(|(a, b)| a != b);
    let dense: String = pairs.map(|(a, b)| format!("c{a}>c{b}:.5 ")).collect();
    let problem = try_run(&build(draft(&dense)), &["crash@c0"], STATIC_EXACT).expect_err("too wide");
    for part in ["380 uncertain draws", "up to 22 uncertain arcs", "up to 2048 cases", "up to 262144 states", "open at a time"] {
        assert!(problem.contains(part), "{part}: {problem}");
    }
}

#[test]
fn semantics_20_journeys() {
    let system = yaml(
        "services: {a: {}, b: {}}\n\
         journeys: {j: {needs: [a, b], users_per_minute: 100, slo: 99.9, window: 30d}, flat: {needs: [a], users_per_minute: 10}}",
    );
    let result =
        timed(&system, &["error_rate@a,rate=0.3,detect=0m,repair=10m", "error_rate@b,rate=0.4,at=5m,detect=0m,repair=10m"]);
    let journey = &result.journeys[0];
    close(journey.downtime.mean.mean, 5.0);
    close(journey.impaired_time.mean.mean, 15.0);
    close(journey.user_minutes.mean.mean, 100.0 * (5.0 * 0.3 + 5.0 * 0.58 + 5.0 * 0.4));
    close(journey.budget_share.expect("budget").mean.mean, 640.0 / (100.0 * 43_200.0 * 0.001));
    assert!(result.journeys[1].budget_share.is_none());
    let wrong = timed(&system, &["corrupt_output@a,wrong=0.5,detect=0m,repair=10m,unwind=0m"]);
    close(wrong.journeys[0].user_minutes.mean.mean, 0.0);
    close(wrong.journeys[0].integrity_minutes.mean.mean, 500.0);
}

/// Degraded, down and corrupt of a journey; the wrong answers of what crosses to it by chance.
#[test]
fn semantics_20_minutes_in_states() {
    let system = yaml(
        "services: {a: {}, b: {}, c: {}}\n\
         dependencies: [{from: c, to: a, kind: hard, carries: [data], probability: 0.25}]\n\
         journeys: {j: {needs: [a, b], users_per_minute: 100}, far: {needs: [c], users_per_minute: 10}}",
    );
    let faults = [
        "error_rate@a,rate=0.3,detect=0m,repair=10m",
        "error_rate@b,rate=0.4,at=5m,detect=0m,repair=10m",
        "corrupt_output@a,at=8m,wrong=0.5,detect=0m,repair=40m,unwind=0m",
    ];
    let exact = timed(&system, &faults);
    let [j, far] = &exact.journeys[..] else { panic!("two journeys") };
    let of = |journey: &JourneyResult| [journey.degraded_time, journey.downtime.mean, journey.corrupt_time].map(|time| time.mean);
    assert_eq!(of(j), [10.0, 5.0, 40.0]);
    assert_eq!((j.corrupt.mean, j.impaired.mean), (1.0, 1.0));
    // Wrong answers alone are no downtime and no impaired time of a journey.
    assert_eq!(of(far), [0.0, 0.0, 10.0]);
    assert_eq!((far.corrupt.mean, far.impaired.mean), (0.25, 0.0));
    let sampled = run(&system, &faults, How { trials: 20_000, ..TIMED });
    for (sampled, exact) in sampled.journeys.iter().zip(&exact.journeys) {
        assert!(sampled.corrupt.interval.contains(exact.corrupt.mean), "{sampled:?}");
        for (sampled, exact) in [(sampled.degraded_time, exact.degraded_time), (sampled.corrupt_time, exact.corrupt_time)] {
            assert!(sampled.interval.contains(exact.mean), "{sampled:?} {exact:?}");
        }
    }
}

#[test]
fn semantics_21_several_faults() {
    let system = yaml(
        "services: {a: {groups: [g]}, b: {groups: [g]}, c: {groups: [g]}, user: {}, wiki: {}}\ngroups: {g: {kind: team}}\ndependencies: [{from: user, to: wiki, kind: hard, probability: 0}]",
    );
    let twice = timed(&system, &["crash@a,detect=0m,repair=10m", "crash@a,at=5m,detect=0m,repair=10m"]);
    assert_eq!(times(&system, &twice, "a").0, 15.0);
    // min(3, 1 + Poisson(1.5)) distinct members.
    let advice = run(&system, &["operator_advice@g,rate=1"], STATIC_EXACT);
    let e = (-1.5_f64).exp();
    let (one, two) = (e, 1.5 * e);
    close(advice.reach.mean.mean, one + 2.0 * two + 3.0 * (1.0 - one - two));
    close(p(&system, &advice, "a"), advice.reach.mean.mean / 3.0);
    // A service and its direct consumers.
    let near = run(&system, &["operator_advice@wiki,rate=1"], STATIC_EXACT);
    close(near.reach.mean.mean, 2.0 - e);
}

#[test]
fn semantics_22_numbers() {
    let system = yaml("services: {s: {}, c: {}}\ndependencies: [{from: c, to: s, probability: 0.5}]");
    let exact = timed(&system, &["crash@s,detect=0m,repair=10m"]);
    let times = exact.service(system.find_service("c").expect("c")).expect("c").times().expect("times").downtime;
    // F(0) = 0.5: the smallest x with F(x) ≥ 0.5 is 0.
    assert_eq!((times.p50.value, times.p90.value, times.es95.mean), (0.0, 10.0, 10.0));
    let sampled = run(&system, &["crash@s,detect=0m,repair=10m"], How { trials: 1_003, ..TIMED });
    assert_eq!(sampled.trials, 1_003);
    assert_eq!(sampled.reach.distribution.iter().map(|(_, p)| p).sum::<f64>(), 1.0);
    let c = sampled.service(system.find_service("c").expect("c")).expect("c");
    let hits = (c.impaired.mean * 1_003.0).round() as u64;
    let interval = shockfront::statistics::clopper_pearson(hits, 1_003, 0.95);
    assert_eq!(c.impaired.interval, interval);
    assert_eq!(sampled, run(&system, &["crash@s,detect=0m,repair=10m"], How { trials: 1_003, threads: Some(2), ..TIMED }));
    assert_eq!(c.times().expect("times").onset_p50.expect("hit").value, 0.0);
    let never = yaml("services: {s: {}, c: {}}\ndependencies: [{from: c, to: s, probability: 0}]");
    let result = run(&never, &["crash@s"], How { trials: 100, ..TIMED });
    assert_eq!(result.services[1].times().expect("times").onset_p50, None);
}

#[test]
fn semantics_23_time() {
    let system = yaml("observed_at: 2026-08-01\nservices: {s: {}}");
    let at: jiff::Zoned = "2026-08-13T10:00:00+00:00[UTC]".parse().expect("time");
    assert_eq!(shockfront::quality::data_quality(&system, None, Some(&at)).age_days, Some(12));
    // Without a point in time the age is unknown: the clock of the machine is never read.
    assert_eq!(shockfront::quality::data_quality(&system, None, None).age_days, None);
}

#[test]
fn semantics_24_yes_no_unknown() {
    for (text, expected) in
        [("yes", Some(true)), ("true", Some(true)), ("\"no\"", Some(false)), ("false", Some(false)), ("unknown", None)]
    {
        let system = yaml(&format!(
            "services: {{s: {{}}, c: {{}}}}\ndependencies: [{{from: c, to: s, carries: [data], validated: {text}}}]"
        ));
        let id = system.dependency_ids().next().expect("one");
        assert_eq!(system.dependency(id).validated.flatten(), expected, "{text}");
    }
    assert_eq!(TriState::Unknown.or(TriState::Yes), TriState::Yes);
}

#[test]
fn semantics_25_grammar() {
    for (text, minutes) in [("1h30m", 90.0), ("90m", 90.0), ("2d", 2_880.0), ("30s", 0.5), ("250ms", 0.25 / 60.0)] {
        assert!((Ticks::parse(text).expect(text).minutes() - minutes).abs() < 1e-9, "{text}");
    }
    assert!(Ticks::parse("10").is_err());
    let fault = Fault::parse("crash@a,repair=45m/4h,instances=2,at=10m").expect("fault");
    assert_eq!(fault.overrides.repair.map(|law| law.to_string()), Some("45m/4h".to_owned()));
    for (text, share) in [("5%", 0.05), ("0.05", 0.05)] {
        assert_eq!(Fault::parse(&format!("crash@a,share={text}")).expect("fault").overrides.share, Some(share));
    }
    let system = yaml(
        "services: {\"a.b\": {operations: [X]}, \"no\": {}, B: {}, b: {}}\ndependencies: [{from: \"a\\\\.b.X\", to: \"no\", probability: 1}, {from: B, to: b, probability: 1}]",
    );
    assert_eq!(reach(&system, "crash@no", "a.b"), 1.0);
    assert_eq!(reach(&system, "crash@b", "B"), 1.0);
}

#[test]
fn semantics_26_fault_kinds() {
    let names: Vec<&str> = FaultKind::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), 13);
    let system = yaml(
        "services: {s: {owner: team, load: 0.6}, watched: {}}\ndependencies: [{from: watched, to: s, kind: monitors}]\njourneys: {j: {needs: [s], users_per_minute: 1, slo: 99.9}}",
    );
    let compact = Compact::new(&system);
    for name in names {
        let target = if name == "zone_loss" { continue } else { "s" };
        let fault = Fault::parse(&format!("{name}@{target}")).expect(name);
        let scenario = Scenario::new(&system, &compact, &[fault], None);
        let request = Request { trials: 256, seed: Seed(1), ..Request::default() };
        let result = simulate(&system, &compact, &scenario.expect(name), &request).expect(name);
        assert_eq!(result.reach.mean.mean, if name == "false_all_clear" { 0.0 } else { 1.0 }, "{name}");
    }
    // A cycle of a millisecond would be billions of events in thirty days.
    let problem = try_run(&system, &["poisoned_loop@s,cycle=1ms,gain=1.0000001,threshold=1"], TIMED).expect_err("endless");
    assert!(problem.contains("at least 1m"), "{problem}");
    let kinds = [
        (ChangeKind::Code, false, "bad_deploy"),
        (ChangeKind::Schema, false, "bad_deploy"),
        (ChangeKind::Config, false, "config_push"),
        (ChangeKind::Permission, false, "config_push"),
        (ChangeKind::Infrastructure, false, "config_push"),
        (ChangeKind::Infrastructure, true, "state_loss"),
        (ChangeKind::Model, false, "corrupt_output"),
        (ChangeKind::Data, false, "corrupt_output"),
        (ChangeKind::Runbook, false, "operator_advice"),
    ];
    for (kind, destructive, expected) in kinds {
        let change = Change {
            kind: Some(kind),
            services: vec!["s".to_owned()],
            destructive: if destructive { TriState::Yes } else { TriState::No },
            ..Change::default()
        };
        let request = shockfront::assess::AssessRequest {
            changes: vec![shockfront::assess::InFlight { change, mapping: None, owned_paths: Vec::new() }],
            trials: 256,
            ..Default::default()
        };
        let assessment = shockfront::assess::assess(&system, &compact, &request).expect("assessment");
        assert_eq!(assessment.faults, [format!("{expected}@s")], "{kind:?}");
    }
}

/// "Simulation result": `starved`.
#[test]
fn below_the_fault_services_are_starved() {
    // What does not arrive at api does not arrive at db and log; web hangs above and goes down with it.
    let chain = yaml(
        "services: {web: {}, api: {}, db: {}, log: {}, mail: {}, wiki: {}, spare: {}}\n\
         dependencies:\n\
         - {from: web, to: api, probability: 1}\n\
         - {from: api, to: db}\n\
         - {from: db, to: log, kind: async}\n\
         - {from: api, to: mail, kind: startup}\n\
         - {from: api, to: wiki, kind: knowledge}",
    );
    let fault = ["crash@api,detect=0m,repair=10m"];
    for how in [STATIC, STATIC_EXACT, TIMED, TIMED_EXACT] {
        let result = run(&chain, &fault, How { trials: 700, ..how });
        for (name, expected) in
            [("web", 0.0), ("api", 0.0), ("db", 1.0), ("log", 1.0), ("mail", 0.0), ("wiki", 0.0), ("spare", 0.0)]
        {
            assert_eq!(starved(&chain, &result, name), expected, "{name}");
        }
        assert_eq!(result.reach.mean.mean, 2.0);
    }
}

#[test]
fn only_who_is_down_starves_others() {
    // With cache failing, page loses a third of its requests and is not down: what it else calls still has traffic.
    let soft = yaml(
        "services: {page: {}, cache: {}, api: {}}\n\
         dependencies: [{from: page, to: cache, kind: soft, probability: 1, share: 0.3}, {from: page, to: api}]",
    );
    let result = timed(&soft, &["crash@cache,detect=0m,repair=10m"]);
    assert_eq!((p(&soft, &result, "page"), starved(&soft, &result, "api")), (1.0, 0.0));
    // Half of the time page goes down, and then api is starved unless a failure of its own impairs it.
    let both = yaml(
        "services: {page: {}, source: {}, api: {}}\n\
         dependencies: [{from: page, to: source, probability: 0.5}, {from: page, to: api}, {from: api, to: source, probability: 0.2}]",
    );
    let fault = ["crash@source,detect=0m,repair=10m"];
    // Where api stays healthy, page falls by its own arc to source alone.
    let expected = (1.0 - 0.2) * 0.5;
    for how in [STATIC_EXACT, TIMED_EXACT] {
        close(starved(&both, &run(&both, &fault, how), "api"), expected);
    }
    let sampled = run(&both, &fault, How { trials: 1 << 16, ..TIMED });
    assert!((starved(&both, &sampled, "api") - expected).abs() < 4.0 * (expected * (1.0 - expected) / 65_536.0_f64).sqrt());
    // A loop of services that are healthy themselves, fed by one that is down.
    let ring = yaml(
        "services: {top: {}, a: {}, b: {}, c: {}}\n\
         dependencies: [{from: top, to: b}, {from: a, to: b}, {from: b, to: c}, {from: c, to: a}]",
    );
    let result = run(&ring, &["crash@top,detect=0m,repair=10m"], STATIC_EXACT);
    for name in ["a", "b", "c"] {
        assert_eq!(starved(&ring, &result, name), 1.0, "{name}");
    }
}

/// The interval of `es95` holds the shortfall of a lognormal repair (V29: 978.3892) as often as a large-sample interval does.
#[test]
fn semantics_22_the_worst_has_an_interval() {
    let system = yaml("services: {s: {}}\njourneys: {j: {needs: [s], users_per_minute: 1}}");
    let (runs, mut held) = (300, 0);
    for seed in 0..runs {
        let how = How { trials: 4_096, seed, ..TIMED };
        let lost = run(&system, &["crash@s,detect=0m,repair=120m/600m"], how).user_minutes.expect("users");
        assert!(lost.es95.interval.contains(lost.es95.mean));
        held += u32::from(lost.es95.interval.contains(978.389_2));
    }
    // Four standard errors of 300 runs.
    let share = f64::from(held) / runs as f64;
    assert!((0.90..=0.995).contains(&share), "{share}");
    // Exact: a point. Too few trials: nothing is known.
    let exact = timed(&system, &["crash@s,detect=0m,repair=10m"]).user_minutes.expect("users");
    close(exact.es95.mean, 10.0);
    assert_eq!((exact.es95.interval.low, exact.es95.interval.high), (exact.es95.mean, exact.es95.mean));
    let few = run(&system, &["crash@s"], How { trials: 30, ..TIMED }).user_minutes.expect("users");
    assert!(few.es95.interval.is_unknown());
}

/// Down and corrupt can hold at once, and such a minute is in both; degraded is what is neither.
#[test]
fn semantics_01_minutes_in_each_state() {
    let system = yaml(
        "services: {s: {}, c: {}}\n\
         dependencies: [{from: c, to: s, kind: hard, carries: [errors, latency, data], probability: 0.5}]",
    );
    // Degraded from 0, corrupt from 20 to 60, down from 50 to 70.
    let faults = [
        "error_rate@s,rate=0.3,detect=0m,repair=30m",
        "corrupt_output@s,wrong=0.5,at=20m,detect=0m,repair=40m,unwind=0m",
        "crash@s,at=50m,detect=0m,repair=20m",
    ];
    let minutes = |result: &Simulation, name: &str| {
        let result = result.service(system.find_service(name).expect(name)).expect(name).clone();
        let StateMinutes { degraded, down, corrupt, corrupt_only, down_bounds } = result.state_minutes().expect("a clock");
        assert!(down_bounds.0.mean <= down.mean && down.mean <= down_bounds.1.mean, "{down_bounds:?}");
        [degraded, down, corrupt, corrupt_only]
    };
    let exact = timed(&system, &faults);
    assert_eq!(minutes(&exact, "s").map(|state| state.mean), [20.0, 20.0, 40.0, 30.0]);
    assert_eq!(minutes(&exact, "c").map(|state| state.mean), [10.0, 10.0, 20.0, 15.0]);
    assert_eq!(times(&system, &exact, "s"), (20.0, 70.0));
    let sampled = run(&system, &faults, How { trials: 4_096, ..TIMED });
    for (sampled, exact) in minutes(&sampled, "c").into_iter().zip(minutes(&exact, "c")) {
        // Twice the interval: about four standard errors.
        let Interval { low, high } = sampled.interval;
        assert!((sampled.mean - exact.mean).abs() <= high - low && low < high && high - low < 4.0, "{sampled:?} {exact:?}");
        assert_eq!((exact.interval.low, exact.interval.high), (exact.mean, exact.mean));
    }
    // Slow is degraded, however slow; so is a source whose own harm is small.
    for fault in ["latency@s,factor=9,detect=0m,repair=10m", "latency@s,factor=1.1,detect=0m,repair=10m"] {
        assert_eq!(minutes(&timed(&system, &[fault]), "s").map(|state| state.mean), [10.0, 0.0, 0.0, 0.0], "{fault}");
    }
    // Where harm is total there is nothing but downtime; one trial says nothing of the error.
    let total = run(&system, &["crash@s,detect=0m,repair=10m"], How { trials: 600, ..TIMED });
    let [degraded, down, corrupt, _] = minutes(&total, "s");
    assert_eq!((degraded.mean, down.mean, corrupt.mean, degraded.interval.high), (0.0, 10.0, 0.0, 0.0));
    let one = run(&system, &["crash@s,detect=0m,repair=10m"], How { trials: 1, ..TIMED });
    assert!(minutes(&one, "s").iter().all(|state| state.interval.is_unknown()));
}

/// A journey has chances and an onset of its own: severities of its needs combine, wrong answers do not count.
#[test]
fn semantics_20_how_likely_a_journey_is_hit_and_when() {
    let system = yaml(
        "services: {a: {}, b: {}, c: {}, d: {}}\n\
         dependencies:\n\
         - {from: c, to: a, kind: hard, probability: 0.5, buffer: 4m}\n\
         - {from: d, to: a, kind: hard, probability: 0.25}\n\
         journeys: {both: {needs: [a, b]}, either: {needs: [c, d]}, late: {needs: [c]}, b: {needs: [b]}}",
    );
    let faults = ["error_rate@a,rate=0.3,at=3m,detect=0m,repair=10m", "error_rate@b,rate=0.4,at=8m,detect=0m,repair=10m"];
    let chances = |result: &Simulation, at: usize| {
        let journey = &result.journeys[at];
        (journey.impaired.mean, journey.down.mean, journey.onset_p50.map(|onset| onset.value))
    };
    let exact = timed(&system, &faults);
    // 0.3 and 0.4 are 0.58 together: down, though neither service is.
    assert_eq!(chances(&exact, 0), (1.0, 1.0, Some(3.0)));
    // Impaired from 3 where d is hit (a quarter), else from 7 where c is (three eighths).
    // Where both are, each fails 0.3 of the requests: 0.51 together.
    assert_eq!(chances(&exact, 1), (0.625, 0.125, Some(7.0)));
    assert_eq!(chances(&exact, 2), (0.5, 0.0, Some(7.0)));
    assert_eq!(chances(&exact, 3), (1.0, 0.0, Some(8.0)));
    let sampled = run(&system, &faults, How { trials: 4_096, ..TIMED });
    for (sampled, exact) in sampled.journeys.iter().zip(&exact.journeys) {
        let (sampled_onset, exact_onset) = (sampled.onset_p50.expect("hit"), exact.onset_p50.expect("hit"));
        assert_eq!(sampled_onset.value, exact_onset.value);
        assert!(sampled_onset.interval.contains(exact_onset.value));
        assert_eq!((exact_onset.interval.low, exact_onset.interval.high), (exact_onset.value, exact_onset.value));
        for (sampled, exact) in [(sampled.impaired, exact.impaired), (sampled.down, exact.down)] {
            assert_eq!(sampled.interval, clopper_pearson((sampled.mean * 4_096.0).round() as u64, 4_096, 0.95));
            assert!((sampled.mean - exact.mean).abs() <= 4.0 * (0.25 / 4_096.0_f64).sqrt());
            assert_eq!((exact.interval.low, exact.interval.high), (exact.mean, exact.mean));
        }
    }
    let wrong = timed(&system, &["corrupt_output@a,wrong=0.5,detect=0m,repair=10m,unwind=0m"]);
    assert_eq!(chances(&wrong, 0), (0.0, 0.0, None));
    // A total outage takes the shortcut: the same answers as from the events.
    let how = How { trials: 4_096, ..TIMED };
    let outage = ["crash@a,at=3m,detect=0m,repair=10m"];
    let (spread, events) = (run(&system, &outage, how), run(&system, &outage, How { events_only: true, ..how }));
    assert_eq!(spread.journeys, events.journeys);
    assert_eq!((chances(&spread, 0), chances(&spread, 2).2), ((1.0, 1.0, Some(3.0)), Some(7.0)));
}

/// Minute by minute, exactly: probabilities of worlds, in place of shares of trials.
#[test]
fn semantics_19_a_series_of_all_worlds() {
    let system = yaml(
        "services: {s: {}, c: {}, d: {}}\n\
         dependencies:\n\
         - {from: c, to: s, kind: hard, probability: 0.3, buffer: 2m}\n\
         - {from: d, to: c, kind: hard, probability: 0.7}\n\
         - {from: d, to: s, kind: hard, probability: 0.1, buffer: 4m}",
    );
    let compact = Compact::new(&system);
    let faults = ["crash@s,at=90s,detect=0m,repair=5m", "crash@s,at=10m,detect=0m,repair=30s"]
        .map(|text| Fault::parse(text).expect("a fault"));
    let scenario = Scenario::new(&system, &compact, &faults, None).expect("a scenario");
    let ask =
        |request: Request<'_>| simulate(&system, &compact, &scenario, &request).expect("a simulation").series.expect("asked");
    let exact = ask(Request { exact: true, series: true, ..Request::default() });
    // s from 1:30 to 6:30 and from 10:00 to 10:30; c from 3:30 where it is hit; d from 3:30 with it or else from 5:30.
    let (c, d) = (0.3, 0.3 * 0.7);
    let either = d + (1.0 - d) * 0.1;
    let expected = [
        vec![0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        vec![0.0, 0.0, 0.0, c, c, c, c],
        vec![0.0, 0.0, 0.0, d, d, either, either],
    ];
    assert_eq!(exact.len(), 3);
    for (series, expected) in exact.iter().zip(&expected) {
        assert_eq!(series.shares.len(), expected.len());
        for ((found, interval), expected) in series.shares.iter().zip(&series.intervals).zip(expected) {
            assert!((found - expected).abs() < 1e-15 && (interval.low, interval.high) == (*found, *found), "{series:?}");
        }
    }
    let sampled = ask(Request { trials: 4_096, series: true, ..Request::default() });
    for (sampled, exact) in sampled.iter().zip(&exact) {
        assert_eq!((sampled.service, sampled.shares.len()), (exact.service, exact.shares.len()));
        let differ = sampled.shares.iter().zip(&exact.shares).map(|(a, b)| (a - b).abs());
        assert!(differ.fold(0.0, f64::max) <= 4.0 * (0.25 / 4_096.0_f64).sqrt());
    }
}
