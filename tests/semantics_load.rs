//! Load, breakers, pools, queues, people and stand-bys: hand-worked cases through the library (model.md §2.3, 2.6, 7).

mod common;

use common::*;
use proptest::prelude::*;
use shockfront::diagnostic::{Diagnostic, Sources};
use shockfront::fault::{Fault, Response, Scenario};
use shockfront::model::draft::{Draft, DraftDependency};
use shockfront::model::facts::{Belief, Breaker, Dependency, DependencyKind, Retries, Service};
use shockfront::model::{Compact, System};
use shockfront::propagation::{Request, Simulation, simulate};
use shockfront::topology::load;
use shockfront::units::{Probability, Ticks};

/// A server that runs at 70 % of its capacity and a client; V20 and V21.
fn server(load: f64, dependency: &str) -> System {
    yaml(&format!(
        "services: {{server: {{load: {load}}}, client: {{}}}}\n\
         dependencies: [{{from: client, to: server, probability: 1{dependency}}}]"
    ))
}

const RETRIES: &str = ", retries: {attempts: 3}";
const TRIGGER: &str = "overload@server,capacity=50%,detect=0m,repair=5m";

fn down(system: &System, fault: &str, name: &str) -> f64 {
    times(system, &timed(system, &[fault]), name).0
}

fn answered(system: &System, faults: &[&str], response: Response, exact: bool) -> Simulation {
    let compact = Compact::new(system);
    let faults: Vec<Fault> = faults.iter().map(|text| Fault::parse(text).expect("a fault")).collect();
    let scenario = Scenario::new(system, &compact, &faults, None).expect("a scenario").answered(response);
    simulate(system, &compact, &scenario, &Request { trials: 4_096, exact, ..Request::default() }).expect("a simulation")
}

#[test]
fn v21_an_overload_outlives_its_trigger_until_load_is_shed() {
    let system = server(0.7, RETRIES);
    // Five minutes of trigger, six hours until people shed all load, a minute without any.
    close(down(&system, &format!("{TRIGGER},relief=6h"), "server"), 366.0);
    close(down(&system, &format!("{TRIGGER},relief=6h"), "client"), 366.0);
    // A fifth is enough: after three epochs the rest fits.
    let fifth = timed(&system, &[&format!("{TRIGGER},relief=1h,shed=20%,hold=60s")]);
    let (downtime, impaired) = times(&system, &fifth, "server");
    close(downtime, 65.5);
    close(impaired, 66.0);
    assert_eq!(fifth.censored, 0.0);
    // 15 % is below the needed 18.4 %: it goes on to the horizon, however often people try.
    let less = timed(&system, &[&format!("{TRIGGER},relief=1h,shed=15%,hold=30m")]);
    close(times(&system, &less, "server").0, 72.0 * 60.0);
    assert_eq!(less.censored, 1.0);
}

#[test]
fn v21_without_retries_or_with_a_budget_it_ends_with_its_trigger() {
    close(down(&server(0.7, ""), TRIGGER, "server"), 5.0);
    close(down(&server(0.7, ", retries: {attempts: 3, budget: 0.1}"), TRIGGER, "server"), 5.0);
    // Retries without wasted work sustain nothing.
    let useful = yaml(
        "services: {server: {load: 0.7, goodput: 1}, client: {}}\n\
         dependencies: [{from: client, to: server, probability: 1, retries: {attempts: 3}}]",
    );
    assert_eq!(timed(&useful, &[&format!("{TRIGGER},relief=70h")]).censored, 0.0);
}

/// An overload that keeps itself up settles at s* = (1 − γ/ρ)^(1/k), and users fail as often: what they lose in an hour more.
#[test]
fn v20_a_metastable_overload_settles_at_its_fixpoint() {
    let lost = |load: f64, hours: u64| {
        let system = yaml(&format!(
            "services: {{server: {{load: {load}}}, client: {{}}}}\n\
             dependencies: [{{from: client, to: server, probability: 1{RETRIES}}}]\n\
             journeys: {{direct: {{needs: [server], users_per_minute: 1000}}}}"
        ));
        let compact = Compact::new(&system);
        let fault = Fault::parse(&format!("{TRIGGER},relief=70h")).expect("a fault");
        let scenario =
            Scenario::new(&system, &compact, &[fault], Some(Ticks(hours * 60 * Ticks::PER_MINUTE))).expect("a scenario");
        let request = Request { exact: true, ..Request::default() };
        simulate(&system, &compact, &scenario, &request).expect("simulated").user_minutes.expect("users").mean.mean
    };
    let per_minute = |load: f64| (lost(load, 11) - lost(load, 10)) / 60.0;
    let settled = |load: f64| 1_000.0 * (1.0 - 0.5 / load).powf(1.0 / 3.0);
    assert!((settled(0.7) - 658.633_8).abs() < 1e-4);
    for load in [0.58, 0.7, 0.95] {
        assert!((per_minute(load) - settled(load)).abs() < 0.01, "{load}: {} {}", per_minute(load), settled(load));
    }
    // Below 0.571 428 6 nothing keeps it up.
    assert_eq!(per_minute(0.57), 0.0);
}

#[test]
fn more_demand_overloads_as_less_capacity_does() {
    let system = server(0.7, "");
    // 0.7 · 2 = 1.4 is offered: 1 − 0.5/1.4 = 64 % fail; 0.7 · 1.3 fits.
    close(down(&system, "overload@server,demand=2,detect=0m,repair=5m", "client"), 5.0);
    let fits = timed(&system, &["overload@server,demand=1.3,detect=0m,repair=5m"]);
    assert_eq!((p(&system, &fits, "client"), p(&system, &fits, "server")), (0.0, 1.0));
}

#[test]
fn a_crash_starts_a_storm_where_load_and_retries_are_stated() {
    let crash = "crash@server,detect=0m,repair=5m,relief=1h";
    close(down(&server(0.7, RETRIES), crash, "server"), 66.0);
    // Below the vulnerable load of 0.571 the storm dies within one epoch.
    close(down(&server(0.5, RETRIES), crash, "server"), 5.0 + 1.0 / 6.0);
    close(down(&server(0.7, ""), crash, "server"), 5.0);
    let unknown = yaml(
        "services: {server: {}, client: {}}\n\
         dependencies: [{from: client, to: server, probability: 1, retries: {attempts: 3}}]",
    );
    close(down(&unknown, crash, "server"), 5.0);
}

#[test]
fn lost_replicas_are_lost_capacity() {
    let system = |dependency: &str| {
        yaml(&format!(
            "services: {{server: {{load: 0.8, replicas: {{count: 4, need: 1}}}}, client: {{}}}}\n\
             dependencies: [{{from: client, to: server, probability: 1{dependency}}}]"
        ))
    };
    let one = "crash@server,instances=1,detect=0m,repair=5m,relief=1h";
    // 1 − 0.75/0.8 = 6 % fail; callers who try again bring 0.8/0.75 · 1.07 = 1.14 of what is left, and it stays overloaded.
    assert_eq!(times(&system(""), &timed(&system(""), &[one]), "server"), (0.0, 5.0));
    close(down(&system(RETRIES), one, "server"), 66.0);
}

#[test]
fn overload_runs_from_consumers_to_providers_that_no_failure_reaches() {
    // When `b` is gone, `a` fails, the client asks `a` three times, and `a` asks `q` as often.
    let system = yaml(
        "services: {client: {}, a: {load: 0.3}, b: {}, q: {load: 0.55}, other: {}}\n\
         dependencies:\n\
         - {from: client, to: a, probability: 1, retries: {attempts: 3}}\n\
         - {from: a, to: b, probability: 1}\n\
         - {from: a, to: q, probability: 1}\n\
         - {from: other, to: q, probability: 1}\n",
    );
    let result = timed(&system, &["crash@b,detect=0m,repair=5m"]);
    for name in ["client", "a", "b", "q", "other"] {
        assert_eq!(p(&system, &result, name), 1.0, "{name}");
    }
    // Ten seconds until the demand arrives: half of the load comes from `a`, so (3 + 1)/2 · 0.55 = 1.1 of the capacity is offered.
    let id = system.find_service("q").expect("q");
    let onset = result.service(id).and_then(|result| result.times()).and_then(|times| times.onset_p50);
    close(onset.expect("impaired").value, 1.0 / 6.0);
    assert_eq!(result.censored, 0.0);
    assert_eq!(reach(&system, "crash@b", "q"), 0.0, "without a clock there is no load");
}

#[test]
fn overload_needs_a_clock_and_a_load() {
    let problem = try_run(&server(0.7, RETRIES), &[TRIGGER], STATIC).expect_err("no clock");
    assert!(problem.contains("needs a clock"), "{problem}");
    let problem = try_run(&server(0.7, RETRIES), &["overload@client"], TIMED).expect_err("no load");
    assert!(problem.contains("`client` states no `load`"), "{problem}");
    let problem = try_run(&server(0.7, RETRIES), &["crash@server,capacity=50%"], TIMED).expect_err("wrong key");
    assert!(problem.contains("goes with overload"), "{problem}");
}

#[test]
fn load_does_not_depend_on_threads() {
    let system = server(0.7, RETRIES);
    let run_with = |threads| run(&system, &["overload@server"], How { trials: 2_048, threads: Some(threads), ..TIMED });
    let (one, four) = (run_with(1), run_with(4));
    assert_eq!(format!("{:?}", one.services), format!("{:?}", four.services));
    // Most trials are stuck: hours instead of the length of the trigger.
    assert!(downtime(&system, &one, "server").p50.value > 240.0);
}

#[test]
fn a_breaker_cuts_the_storm_but_contains_nothing() {
    let system = server(0.7, ", retries: {attempts: 3}, breaker: {window: 100, open_at: 0.5, open_for: 60s}");
    let result = timed(&system, &[TRIGGER]);
    // It opens after ten seconds of 64 %, the server recovers at once, the probe after a minute overloads it again: five times.
    close(times(&system, &result, "server").0, 50.0 / 60.0);
    // Its client has nothing to answer with: it is down until the probe that finds the server well.
    close(times(&system, &result, "client").0, 350.0 / 60.0);
    for how in [STATIC_EXACT, TIMED_EXACT] {
        let p_client = |dependency: &str| {
            let system = server(0.7, dependency);
            let id = system.dependency_ids().next().expect("one dependency");
            let system = system.with_probability(id, Probability::clipped(0.5));
            p(&system, &run(&system, &["crash@server,detect=0m,repair=5m,relief=1h"], how), "client")
        };
        assert_eq!(p_client(""), p_client(", breaker: {}"));
    }
}

#[test]
fn a_breaker_turns_delay_into_fast_errors() {
    let system = |breaker: &str| {
        yaml(&format!(
            "services: {{s: {{latency: 100ms}}, c: {{latency: 100ms}}}}\n\
             dependencies: [{{from: c, to: s, probability: 1, timeout: 1s, rate: 50{breaker}}}]"
        ))
    };
    let slow = "latency@s,factor=20,detect=0m,repair=10m";
    let (without, with) = (system(""), system(", breaker: {}"));
    close(down(&without, slow, "c"), 10.0);
    // Opens after a second at 50 calls a second; the probe at 601 s is the first after the end.
    close(down(&with, slow, "c"), 601.0 / 60.0);
    // Below the timeout nothing fails, so it never opens.
    close(down(&with, "latency@s,factor=9,detect=0m,repair=10m", "c"), 0.0);
    // Two breakers that wait for each other must not keep an outage up.
    let circle = yaml(
        "services: {a: {}, b: {}}\n\
         dependencies: [{from: a, to: b, probability: 1, breaker: {}}, {from: b, to: a, probability: 1, breaker: {}}]",
    );
    assert_eq!(timed(&circle, &["crash@a,detect=0m,repair=10m"]).censored, 0.0);
}

#[test]
fn v24_a_pool_runs_out() {
    let system = |more: &str| {
        yaml(&format!(
            "services: {{s: {{latency: 100ms}}, c: {{}}}}\n\
             dependencies: [{{from: c, to: s, probability: 1, timeout: 2s, rate: 200{more}}}]"
        ))
    };
    let slow = |factor: u32| format!("latency@s,factor={factor},detect=0m,repair=10m");
    // 200 a second for 1.9 s hold 380 of 300 connections, for 1.4 s 280.
    close(down(&system(", pool: 300"), &slow(19), "c"), 10.0);
    close(down(&system(", pool: 300"), &slow(14), "c"), 0.0);
    close(down(&system(""), &slow(19), "c"), 0.0);
    // A pool of its own is a bulkhead: no more than the share of requests that need it is lost.
    close(down(&system(", pool: 300, share: 0.3"), &slow(19), "c"), 0.0);
    assert_eq!(times(&system(", pool: 300, share: 0.3"), &timed(&system(", pool: 300, share: 0.3"), &[&slow(19)]), "c").1, 10.0);
}

#[test]
fn v26_a_queue_fills_and_drains() {
    let system = |out: &str| {
        yaml(&format!(
            "services: {{s: {{}}, c: {{}}, d: {{}}}}\n\
             dependencies:\n\
             - {{from: c, to: s, kind: async, carries: [errors], probability: 1, queue: {{capacity: 90000, in: 6000{out}}}}}\n\
             - {{from: d, to: c, probability: 1}}\n"
        ))
    };
    let crash = |minutes: u32| format!("crash@s,detect=0m,repair={minutes}m");
    // It holds 15 minutes; after an hour 90,000 are left, 3,000 a minute are worked off.
    close(down(&system(", out: 9000"), &crash(60), "c"), 45.0 + 30.0);
    // The backlog is a tail: it does not count for those behind.
    close(down(&system(", out: 9000"), &crash(60), "d"), 45.0);
    close(down(&system(", out: 9000"), &crash(15), "c"), 0.0);
    close(down(&system(""), &crash(60), "c"), 45.0);
}

#[test]
fn incidents_wait_for_responders() {
    let body = |people: &str| yaml(&format!("services: {{a: {{}}, b: {{}}, c: {{}}}}\n{people}"));
    let faults = ["crash@b,detect=1m,repair=60m", "crash@a,detect=0m,repair=60m", "crash@c,detect=1m,repair=10m"];
    let downtimes = |system: &System, response: Response| {
        let result = answered(system, &faults, response, true);
        ["a", "b", "c"].map(|name| times(system, &result, name).0)
    };
    let usual = Response::default();
    assert_eq!(downtimes(&body(""), usual), [60.0, 61.0, 11.0]);
    // One takes `a` first, because it is noticed first, then `b` before `c` in the order of the faults.
    assert_eq!(downtimes(&body("people: {responders: 1}"), usual), [60.0, 120.0, 130.0]);
    // Two: `b` at once; `c` when the first is free.
    assert_eq!(downtimes(&body("people: {responders: 2}"), usual), [60.0, 61.0, 70.0]);
    // Nobody stated a usual number, so nobody is slower than usual.
    assert_eq!(downtimes(&body(""), Response { responders: Some(1), ..usual }), [60.0, 120.0, 130.0]);
}

#[test]
fn fewer_responders_are_slower_to_see_and_to_find() {
    let system = yaml("services: {s: {}}\npeople: {responders: 4}");
    let after = |fault: &str, staff| {
        let response = Response { responders: Some(staff), ..Response::default() };
        times(&system, &answered(&system, &[fault], response, true), "s").0
    };
    // (1/4)^−½ = 2: detection twice as long; a single stage of repair does not say how much of it is diagnosis.
    assert_eq!((after("crash@s,detect=10m,repair=60m", 4), after("crash@s,detect=10m,repair=60m", 1)), (70.0, 80.0));
    let lost = "state_loss@s,detect=10m,decide=30m,recreate=60m,restore=60m,validate=60m";
    assert_eq!((after(lost, 4), after(lost, 1)), (220.0, 220.0 + 10.0 + 30.0));
}

#[test]
fn dependents_and_users_notice_where_asked() {
    let asked = Response { symptom_detection: true, ..Response::default() };
    let system = yaml(
        "services: {s: {}, c: {detect: 5m}}\n\
         dependencies: [{from: c, to: s, probability: 1}]",
    );
    let longest = |system: &System, fault: &str, response: Response| {
        let result = answered(system, &[fault], response, false);
        let id = system.find_service("s").expect("s");
        result.service(id).and_then(|result| result.times()).expect("times").impaired_time.p99.value
    };
    // Alone it takes LN(15, 90) minutes; the team of `c` sees its own symptoms after five.
    let slow = "latency@s,factor=9,repair=10m";
    assert!(longest(&system, slow, Response::default()) > 90.0);
    assert!((longest(&system, slow, asked) - 15.0).abs() < 0.02);
    // A stated time to detection is complete.
    assert!((longest(&system, "latency@s,factor=9,detect=30m,repair=10m", asked) - 40.0).abs() < 0.05);
    // 50 reports of one in a thousand at 10,000 users a minute of whom a fifth fails: 25 minutes (model.md §1.2).
    let users = yaml("services: {s: {}}\njourneys: {buy: {needs: [s], users_per_minute: 10000}}");
    let failing = "error_rate@s,rate=0.2,repair=10m";
    assert!(longest(&users, failing, Response::default()) > 60.0);
    assert!((longest(&users, failing, asked) - 35.0).abs() < 0.05);
}

#[test]
fn a_stand_by_takes_over_after_detection() {
    let system = |works: &str| yaml(&format!("services: {{s: {{failover: {{after: 2m, works: {works}}}}}, c: {{}}}}"));
    let crash = "crash@s,detect=1m,repair=60m,cold_start=5m";
    close(down(&system("1"), crash, "s"), 3.0);
    close(down(&system("0"), crash, "s"), 66.0);
    close(down(&system("0.5"), crash, "s"), 0.5 * 3.0 + 0.5 * 66.0);
    // It runs the same release and settings.
    close(down(&system("1"), "bad_deploy@s,rate=1,detect=1m,repair=60m", "s"), 61.0);
    // The responder is busy until the cause is repaired, not only until the stand-by serves.
    let busy = yaml("services: {s: {failover: {after: 2m, works: 1}}, c: {}}\npeople: {responders: 1}");
    let both = timed(&busy, &[crash, "crash@c,detect=2m,repair=10m"]);
    assert_eq!((times(&busy, &both, "s").0, times(&busy, &both, "c").0), (3.0, 71.0));
}

/// Where the errors of a topology file are, as (line, column, message).
fn located(body: &str) -> Vec<(usize, usize, String)> {
    let mut sources = Sources::default();
    let problems = load(&mut sources, "test.yaml", &OneFile(body)).expect_err(body);
    let place = |problem: &Diagnostic| problem.labels.first().and_then(|label| sources.line_column(label.span)).unwrap_or((0, 0));
    problems.iter().map(|problem| (place(problem).0, place(problem).1, problem.message.clone())).collect()
}

/// A caret stands before the place of the error.
#[test]
fn mechanisms_that_mean_nothing_are_errors_with_their_place() {
    for (services, dependency, expected) in [
        ("s: {load: ^1.2}, c: {}", "from: c, to: s", "below 1, found `1.2`"),
        ("s: {load: ^0}, c: {}", "from: c, to: s", "above 0 and below 1, found"),
        ("s: {}, c: {}", "from: c, to: s, retries: {attempts: ^0}", "at least 1, found `0`"),
        ("s: {}, c: {}", "from: c, to: s, calls: 0, retries: {^attempts: 3}", "does not make"),
        ("s: {}, c: {}", "from: c, to: s, breaker: {window: ^0}", "at least 1, found `0`"),
        ("s: {}, c: {}", "from: c, to: s, breaker: {^open_at: 0}", "opens when nothing fails"),
        ("s: {}, c: {}", "from: c, to: s, kind: startup, buffer: ^5m", "`buffer` means nothing"),
        ("s: {}, c: {}", "from: c, to: s, kind: startup, fallback: {^tested: true}", "`fallback` means nothing"),
        ("s: {}, c: {}", "from: c, to: s, kind: startup, calls: ^3", "`calls` means nothing"),
        ("s: {}, c: {}", "from: c, to: s, kind: startup, validated: ^yes", "`validated` means nothing"),
        ("s: {}, c: {}", "from: c, to: s, kind: monitors, retries: {^attempts: 3}", "`retries` means nothing"),
        ("s: {}, c: {}", "from: c, to: s, kind: async, retries: {^attempts: 3}", "`retries` means nothing"),
        ("s: {}, c: {}", "from: c, to: s, kind: async, breaker: {^window: 10}", "`breaker` means nothing"),
        ("s: {}, c: {}", "from: c, to: s, carries: [data], timeout: ^2s", "`timeout` means nothing"),
        ("s: {}, c: {}", "from: c, to: s, kind: async, queue: {^capacity: 10, in: 5, out: 6}", "`queue` means nothing"),
        ("s: {}, c: {}", "from: c, to: s, delay: ^24h", "`delay` means nothing"),
        ("s: {}, c: {}", "from: c, to: s, kind: soft, validated: ^no", "`validated` means nothing"),
        ("s: {}, c: {}", "from: c, to: s, validated: yes, carries: [errors], on_invalid: ^reject", "`on_invalid` means nothing"),
        ("s: {}, c: {}", "from: c, to: s, carries: [data], on_invalid: ^reject", "nothing finds invalid data"),
        (
            "s: {}, c: {}",
            "from: c, to: s, kind: soft, advice: {^age: 540d, repeat: 0.8, unverified: 0.5}",
            "`advice` means nothing",
        ),
        ("s: {}, c: {}", "from: c, to: s, verbs: ^[delete]", "`verbs` means nothing"),
        ("s: {}, c: {}", "from: c, to: s, cache: ^{}", "keeps nothing"),
        ("s: {latency: 1s}, c: {}", "from: c, to: s, timeout: 2s, pool: ^100", "nobody knows when"),
        ("s: {}, c: {}", "from: c, to: s, timeout: 2s, rate: 200, pool: ^100", "nobody knows when"),
        ("s: {latency: 1s}, c: {}", "from: c, to: s, timeout: 2s, rate: 200, pool: ^100", "runs out when nothing fails"),
        ("s: {}, c: {}", "from: c, to: s, kind: async, carries: [errors], queue: {^capacity: 10, in: 0}", "nothing arrives"),
        (
            "s: {}, c: {}",
            "from: c, to: s, kind: async, carries: [errors], queue: {^capacity: 10, in: 5, out: 5}",
            "never gets empty",
        ),
        ("s: {}, c: {requires: {^at_least: 2, of: [s]}}", "from: c, to: s", "at least 2 of 1"),
    ] {
        let marked =
            format!("schema: shockfront/topology/v1\nname: test\nservices: {{{services}}}\ndependencies: [{{{dependency}}}]");
        let (line, text) = marked.lines().enumerate().find(|(_, text)| text.contains('^')).expect("a caret");
        let place = (line + 1, text.find('^').expect("a caret") + 1);
        let problems = located(&marked.replace('^', ""));
        let found = problems.iter().find(|(.., message)| message.contains(expected));
        assert_eq!(found.map(|(line, column, _)| (*line, *column)), Some(place), "{marked}: {problems:?}");
    }
}

/// One dependency: provider, consumer, probability, attempts, budget, breaker, latency fault turned into errors by a timeout.
type Arc = (usize, usize, f64, u32, Option<f64>, bool, bool);

fn loaded_draft(loads: &[Option<f64>], arcs: &[Arc]) -> Draft {
    let name = |at: usize| format!("s{at}");
    let mut draft = draft("");
    for (at, load) in loads.iter().enumerate() {
        let service = Service { load: *load, latency: Some(Ticks::from_minutes(1e-3)), ..Service::default() };
        draft.services.push((name(at), service));
    }
    for (provider, consumer, p, attempts, budget, has_breaker, has_timeout) in arcs {
        let (from, to) = (name(*consumer), name(*provider));
        if from == to || draft.dependencies.iter().any(|known| known.from == from && known.to == to) {
            continue;
        }
        draft.dependencies.push(DraftDependency {
            from,
            to,
            kind: Some(DependencyKind::Hard),
            facts: Dependency {
                probability: Some(Belief { mean: Probability::clipped(*p), strength: None }),
                retries: Some(Retries { attempts: *attempts, budget: *budget }),
                breaker: has_breaker.then_some(Breaker { window: None, open_at: None, open_for: None }),
                timeout: has_timeout.then_some(Ticks::from_minutes(2e-3)),
                ..Dependency::default()
            },
        });
    }
    draft
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Cycles, storms and flapping breakers included: every trial ends, threads do not matter, a bystander changes nothing.
    #[test]
    fn loaded_systems_end_and_do_not_depend_on_threads_or_bystanders(
        loads in prop::collection::vec(prop::option::weighted(0.8, 0.2..0.99), 6),
        arcs in prop::collection::vec(
            (0..6_usize, 0..6_usize, 0.3..1.0, 1..5_u32, prop::option::of(0.0..0.5), any::<bool>(), any::<bool>()),
            1..14,
        ),
        kind in prop::sample::select(vec!["crash@s0", "latency@s0", "error_rate@s0", "bad_deploy@s0", "overload@s0,capacity=30%"]),
        seed in any::<u64>(),
    ) {
        let mut loads = loads;
        loads[0] = loads[0].or(Some(0.6));
        let plain = loaded_draft(&loads, &arcs);
        let mut more = plain.clone();
        more.services.push(("bystander".to_owned(), Service { load: Some(0.9), ..Service::default() }));
        let how = |threads| How { trials: 96, seed, threads: Some(threads), ..TIMED };
        let told = |draft: &Draft, threads| {
            let system = build(draft.clone());
            let simulation = run(&system, &[kind], how(threads));
            let times: Vec<_> = (0..6).map(|at| times(&system, &simulation, &format!("s{at}"))).collect();
            (times, simulation.censored.to_bits())
        };
        let one = told(&plain, 1);
        prop_assert_eq!(&one, &told(&plain, 3));
        prop_assert_eq!(&one, &told(&more, 2));
        prop_assert!(one.0.iter().all(|(down, impaired)| *down <= *impaired + 1e-9 && *impaired <= 72.0 * 60.0 + 1e-9));
    }
}

/// A loss of capacity that nobody notices at ten in the morning overloads when the users come at noon.
#[test]
fn demand_follows_the_users() {
    let system = yaml(
        "services: {server: {load: 0.9}, client: {}}\n\
         dependencies: [{from: client, to: server, probability: 1}]\n\
         journeys: {buy: {needs: [client], users_per_minute: 1000, \
                    peak: {factor: 3, from: \"12:00\", to: \"20:00\", timezone: UTC}}}",
    );
    let compact = Compact::new(&system);
    let ask = |at: Option<&str>| {
        let fault = Fault::parse("overload@server,capacity=60%,detect=0m,repair=4h").expect("a fault");
        let scenario = Scenario::new(&system, &compact, &[fault], None).expect("a scenario");
        let at = at.map(|at| at.parse().expect("a time"));
        let found =
            simulate(&system, &compact, &scenario, &Request { trials: 64, at, ..Request::default() }).expect("a simulation");
        times(&system, &found, "client")
    };
    // At noon 0.9 / 0.6 = 1.5 is offered, from ten on a third of it: 0.5. Repaired at two.
    close(ask(Some("2026-07-01T10:00:00+00:00[UTC]")).0, 120.0);
    close(ask(Some("2026-07-01T12:00:00+00:00[UTC]")).0, 240.0);
    // The peak ends at eight, and so does the overload.
    close(ask(Some("2026-07-01T18:00:00+00:00[UTC]")).0, 120.0);
    close(ask(Some("2026-07-01T20:30:00+00:00[UTC]")).0, 0.0);
    // Without a time of day it is the busiest.
    close(ask(None).0, 240.0);
}
