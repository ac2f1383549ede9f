//! Laws that hold for every topology, on random ones.

mod common;

use common::drafts::random_draft;
use common::*;
use proptest::prelude::*;
use shockfront::lanes::Machine;
use shockfront::model::draft::{Draft, DraftDependency};
use shockfront::model::facts::{Belief, Channels, Dependency, DependencyKind, Journey, Service};
use shockfront::model::{DurationLaw, System};
use shockfront::propagation::Simulation;
use shockfront::propagation::result::StateMinutes;
use shockfront::topology;
use shockfront::units::{Probability, Ticks};

const FAULT: &str = "crash@s0,detect=5m,repair=20m/90m";

fn count(system: &System, simulation: &Simulation, name: &str) -> f64 {
    system.find_service(name).map_or(0.0, |id| simulation.p_impaired(id))
}

/// P(impaired) and P(starved) of every service by brute force: all subsets of live arcs, plain fixpoints. Shares no code with
/// the engines. A crash takes every service that it impairs down.
fn brute_force(draft: &Draft) -> Vec<(f64, f64)> {
    let arcs: Vec<(usize, usize, f64)> = draft
        .dependencies
        .iter()
        .map(|d| {
            let index = |name: &str| name[1..].parse::<usize>().expect("index");
            (index(&d.to), index(&d.from), d.facts.probability.expect("stated").mean.value())
        })
        .collect();
    let mut sums = vec![(0.0, 0.0); draft.services.len()];
    for world in 0_u32..1 << arcs.len() {
        let live = |arc: usize| world >> arc & 1 == 1;
        let weight: f64 = arcs.iter().enumerate().map(|(i, a)| if live(i) { a.2 } else { 1.0 - a.2 }).product();
        let mut impaired = vec![false; sums.len()];
        impaired[0] = true;
        loop {
            let before = impaired.clone();
            for (service, (_, facts)) in draft.services.iter().enumerate() {
                let lost: Vec<usize> =
                    (0..arcs.len()).filter(|i| arcs[*i].1 == service && live(*i) && before[arcs[*i].0]).collect();
                let tolerated = facts.requires.as_ref().map_or(0, |r| r.of.len() - r.at_least as usize);
                impaired[service] |= lost.len() > tolerated;
            }
            if impaired == before {
                break;
            }
        }
        let mut starved = vec![false; sums.len()];
        for _ in 0..sums.len() {
            for (provider, consumer, _) in &arcs {
                starved[*provider] |= (impaired[*consumer] || starved[*consumer]) && !impaired[*provider];
            }
        }
        for (at, sum) in sums.iter_mut().enumerate() {
            sum.0 += if impaired[at] { weight } else { 0.0 };
            sum.1 += if starved[at] { weight } else { 0.0 };
        }
    }
    sums
}

/// So many services that a batch takes several passes, over cycles too.
#[test]
fn a_spreading_outage_of_many_services_is_what_the_events_say() {
    // 8,192 would be one pass.
    let mut text = String::new();
    for at in 1..9_000 {
        text += &format!("s0 s{at} 0.4\n");
        if at < 3_000 {
            text += &format!("s{at} s{} 0.5\ns{} s{at} 0.3\n", at + 1, at + 5);
        }
    }
    let system = topology::edge_list::read("many.tsv", text.as_bytes()).expect("a valid edge list");
    let how = How { trials: 600, seed: 4, ..TIMED };
    for fault in ["crash@s0,detect=0m,repair=20m/90m", "crash@s7,detect=0m,repair=20m/90m"] {
        let (passes, events) = (run(&system, &[fault], how), run(&system, &[fault], How { events_only: true, ..how }));
        assert_eq!(passes, events, "{fault}");
        assert!(passes.services.len() > 2_000 && passes.reach.p50.value > 1, "{fault}: {:?}", passes.reach.mean);
    }
}

/// Two operations for the first service, and its dependencies told apart by them.
fn with_operations(mut draft: Draft) -> Draft {
    let gated: Vec<String> =
        draft.services.iter().filter(|(_, facts)| facts.requires.is_some()).map(|(name, _)| name.clone()).collect();
    draft.services[0].1.operations = vec!["A".to_owned(), "B".to_owned()];
    for (at, dependency) in draft.dependencies.iter_mut().enumerate() {
        let operation = format!("s0.{}", if at % 2 == 0 { "A" } else { "B" });
        // The providers of a gate are named as services.
        if dependency.to == "s0" && !gated.contains(&dependency.from) {
            dependency.to = operation;
        } else if dependency.from == "s0" && !gated.contains(&dependency.from) {
            dependency.from = operation;
        }
    }
    draft
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn starvation_agrees_with_brute_force(draft in random_draft()) {
        prop_assume!(draft.dependencies.len() <= 11);
        let expected = brute_force(&draft);
        let system = build(draft);
        let exact = run(&system, &["crash@s0"], STATIC_EXACT);
        for (service, (impaired, without_traffic)) in expected.into_iter().enumerate() {
            let name = format!("s{service}");
            for (found, expected) in [(count(&system, &exact, &name), impaired), (starved(&system, &exact, &name), without_traffic)] {
                prop_assert!((found - expected).abs() < 1e-9, "{}: {} is not {}", name, found, expected);
            }
        }
    }

    /// A change that is narrowed to an operation can impair nobody whom the service cannot, and never more often than the whole
    /// service going down does.
    #[test]
    fn an_operation_reaches_no_further_than_its_service(draft in random_draft()) {
        prop_assume!(draft.dependencies.len() <= 11);
        let system = build(with_operations(draft));
        let whole = run(&system, &["bad_deploy@s0,rate=1"], STATIC_EXACT);
        let down = run(&system, &["crash@s0"], STATIC_EXACT);
        for fault in ["bad_deploy@s0.A,rate=1", "bad_deploy@s0.B,rate=1"] {
            let one = run(&system, &[fault], STATIC_EXACT);
            for name in system.service_names() {
                let [one, whole, down] = [&one, &whole, &down].map(|simulation| count(&system, simulation, name));
                prop_assert!(one <= down + 1e-9, "{}: {} of {} with {}", name, one, down, fault);
                prop_assert!(one == 0.0 || whole > 0.0, "{} is reached by {} only", name, fault);
            }
        }
    }

    /// Optimistic ⊆ timed ⊆ pessimistic, trial by trial: each run is one trial of its own seed.
    #[test]
    fn sandwich(draft in random_draft(), seed in any::<u64>()) {
        let mut cut = draft.clone();
        for dependency in &mut cut.dependencies {
            if dependency.facts.buffer.is_some() || dependency.facts.cache.is_some() {
                dependency.facts.probability = Some(Belief { mean: Probability::ZERO, strength: None });
            }
        }
        let (system, cut) = (build(draft), build(cut));
        for step in 0..12 {
            let seed = seed.wrapping_add(step);
            let pessimistic = run(&system, &[FAULT], How { trials: 1, seed, ..STATIC });
            let timed = run(&system, &[FAULT], How { trials: 1, seed, ..TIMED });
            let optimistic = run(&cut, &[FAULT], How { trials: 1, seed, ..STATIC });
            for name in system.service_names() {
                let (low, middle, high) = (count(&cut, &optimistic, name), count(&system, &timed, name), count(&system, &pessimistic, name));
                prop_assert!(low <= middle && middle <= high, "{}: {} {} {}", name, low, middle, high);
            }
        }
    }

    #[test]
    fn zero_delays_and_total_severity_equal_static_reach(mut draft in random_draft(), seed in any::<u64>()) {
        for dependency in &mut draft.dependencies {
            dependency.facts.buffer = None;
            dependency.facts.cache = None;
        }
        let system = build(draft);
        let fixed = run(&system, &[FAULT], How { trials: 700, seed, ..STATIC });
        let timed = run(&system, &[FAULT], How { trials: 700, seed, ..TIMED });
        for name in system.service_names() {
            prop_assert_eq!(count(&system, &fixed, name), count(&system, &timed, name), "{}", name);
            prop_assert_eq!(starved(&system, &fixed, name), starved(&system, &timed, name), "{}", name);
        }
    }

    #[test]
    fn threads_do_not_matter(draft in random_draft(), seed in any::<u64>()) {
        let system = build(draft);
        for how in [How { trials: 2_500, seed, ..STATIC }, How { trials: 2_500, seed, ..TIMED }] {
            let one = run(&system, &[FAULT], How { threads: Some(1), ..how });
            for threads in [2, 7] {
                prop_assert_eq!(&one, &run(&system, &[FAULT], How { threads: Some(threads), ..how }));
            }
        }
    }

    #[test]
    fn the_kind_of_machine_does_not_matter(draft in random_draft(), seed in any::<u64>()) {
        let system = build(draft);
        for how in [How { trials: 1_300, seed, ..STATIC }, How { trials: 1_300, seed, ..TIMED }] {
            let widest = run(&system, &[FAULT], how);
            for machine in Machine::available() {
                prop_assert_eq!(&widest, &run(&system, &[FAULT], How { machine: Some(machine), ..how }), "{:?}", machine);
            }
        }
    }

    /// The shortcut for one total outage against the events, tick for tick: random buffers, cycles, journeys and operations.
    #[test]
    fn a_spreading_outage_is_what_the_events_say(mut draft in random_draft(), seed in any::<u64>(), spread in 1_u64..40) {
        let minutes = |minutes: u64| Ticks(minutes * Ticks::PER_MINUTE);
        for (at, dependency) in draft.dependencies.iter_mut().enumerate() {
            dependency.facts.cache = None;
            if at % 3 == 1 {
                dependency.facts.buffer = DurationLaw::lognormal(minutes(spread), minutes(spread * 3)).ok();
            }
        }
        for (at, (_, service)) in draft.services.iter_mut().enumerate() {
            service.requires = None;
            if at % 3 == 2 {
                service.operations = vec!["read".to_owned(), "write".to_owned()];
            }
        }
        for (at, needs) in [vec!["s1", "s2"], vec!["s0"], vec!["s2.read"]].into_iter().enumerate() {
            let needs = needs.into_iter().map(str::to_owned).collect();
            draft.journeys.push((format!("journey {at}"), Journey { needs, users_per_minute: Some(1_000.0), ..Journey::default() }));
        }
        let system = build(draft);
        let how = How { trials: 700, seed, ..TIMED };
        for fault in [FAULT, "crash@s0,at=10m,detect=0m,repair=45m", "error_rate@s0,rate=1,detect=1m/9m,repair=20m/90m"] {
            prop_assert_eq!(run(&system, &[fault], how), run(&system, &[fault], How { events_only: true, ..how }), "{}", fault);
        }
    }

    /// Of a service, every minute of impairment is degraded, down, or corrupt and not down; sampled, exact, and where harm is total.
    #[test]
    fn minutes_in_states_add_up(mut draft in random_draft(), seed in any::<u64>(), at in 0_u64..40, rate in 1_u32..10, wrong in 1_u32..10) {
        prop_assume!(draft.dependencies.len() <= 9);
        for dependency in &mut draft.dependencies {
            dependency.facts.carries = Some(Channels::ERRORS.with(Channels::LATENCY).with(Channels::DATA));
        }
        let system = build(draft);
        let faults = [
            format!("error_rate@s0,rate=0.{rate},detect=0m,repair=45m"),
            format!("corrupt_output@s1,wrong=0.{wrong},at=10m,detect=5m,repair=20m,unwind=10m"),
            format!("crash@s1,at={at}m,detect=0m,repair=15m"),
            format!("latency@s2,factor=5,at={at}m,detect=0m,repair=30m"),
        ];
        let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
        let exact = run(&system, &faults, TIMED_EXACT);
        let sampled = run(&system, &faults, How { trials: 4_000, seed, ..TIMED });
        let total = run(&system, &["crash@s0,detect=0m,repair=45m"], How { trials: 600, seed, ..TIMED });
        for (service, result) in [&exact, &sampled, &total].into_iter().flat_map(|simulation| simulation.services.iter().enumerate()) {
            let (times, states) = (result.times().expect("a clock"), result.state_minutes().expect("a clock"));
            let StateMinutes { degraded, down, corrupt, corrupt_only, down_bounds } = states;
            prop_assert!(down_bounds.0.mean <= down.mean + 1e-9 && down.mean <= down_bounds.1.mean + 1e-9, "{:?}", down_bounds);
            let sum = degraded.mean + down.mean + corrupt_only.mean;
            prop_assert!((sum - times.impaired_time.mean.mean).abs() < 1e-9, "{}: {:?}", service, states);
            prop_assert_eq!(down, times.downtime.mean);
            let both = corrupt.mean - corrupt_only.mean;
            prop_assert!(both >= 0.0 && both <= down.mean + 1e-9, "{}: {:?}", service, states);
            prop_assert_eq!(corrupt.mean > 0.0, result.corrupt.mean > 0.0);
            for state in [degraded, down, corrupt, corrupt_only] {
                prop_assert!(state.interval.contains(state.mean));
            }
        }
        for (exact, sampled) in exact.services.iter().zip(&sampled.services) {
            let (exact, sampled) = (exact.state_minutes().expect("a clock"), sampled.state_minutes().expect("a clock"));
            for (exact, sampled) in
                [(exact.degraded, sampled.degraded), (exact.corrupt, sampled.corrupt), (exact.corrupt_only, sampled.corrupt_only)]
            {
                // An hour and more at most: five standard errors of 4,000 trials.
                prop_assert!((exact.mean - sampled.mean).abs() <= 5.0 * 40.0 / 4_000.0_f64.sqrt(), "{:?} {:?}", exact, sampled);
            }
        }
    }

    /// A journey that needs several services is what a service would be that depends on all of them for certain.
    #[test]
    fn a_journey_is_the_union_of_its_needs(mut draft in random_draft(), seed in any::<u64>()) {
        prop_assume!(draft.dependencies.len() <= 11);
        let needs: Vec<String> = draft.services.iter().skip(1).take(3).map(|(name, _)| name.clone()).collect();
        draft.services.push(("all".to_owned(), Service::default()));
        for need in &needs {
            draft.dependencies.push(DraftDependency {
                from: "all".to_owned(),
                to: need.clone(),
                kind: Some(DependencyKind::Hard),
                facts: Dependency {
                    probability: Some(Belief { mean: Probability::ONE, strength: None }),
                    ..Dependency::default()
                },
            });
        }
        draft.journeys.push(("journey".to_owned(), Journey { needs: needs.clone(), ..Journey::default() }));
        let system = build(draft);
        for (fault, how) in [
            ("crash@s0,detect=5m,repair=45m", TIMED_EXACT),
            (FAULT, How { trials: 700, seed, ..TIMED }),
            (FAULT, How { trials: 700, seed, events_only: true, ..TIMED }),
        ] {
            let result = run(&system, &[fault], how);
            let journey = &result.journeys[0];
            match system.find_service("all").and_then(|id| result.service(id)) {
                Some(union) => {
                    let times = union.times().expect("a clock");
                    prop_assert_eq!((journey.impaired, journey.down), (union.impaired, union.down));
                    prop_assert_eq!((journey.downtime, journey.impaired_time), (times.downtime, times.impaired_time));
                    prop_assert_eq!(journey.onset_p50, times.onset_p50);
                }
                None => prop_assert_eq!((journey.impaired.mean, journey.onset_p50), (0.0, None)),
            }
            let of_one = |name: &String| count(&system, &result, name);
            let (largest, sum) = needs.iter().map(of_one).fold((0.0_f64, 0.0), |(most, sum), p| (most.max(p), sum + p));
            prop_assert!(largest <= journey.impaired.mean + 1e-12 && journey.impaired.mean <= sum + 1e-12);
        }
    }

    #[test]
    fn an_unreachable_service_changes_nothing(draft in random_draft(), seed in any::<u64>(), at in 0_usize..3) {
        let mut larger = draft.clone();
        larger.services.insert(at, ("island".to_owned(), Service::default()));
        larger.dependencies.insert(0, DraftDependency {
            from: "s0".to_owned(),
            to: "island".to_owned(),
            kind: Some(DependencyKind::Hard),
            facts: Dependency::default(),
        });
        let (small, large) = (build(draft), build(larger));
        for how in [How { trials: 600, seed, ..STATIC }, How { trials: 600, seed, ..TIMED }] {
            let (before, after) = (run(&small, &[FAULT], how), run(&large, &[FAULT], how));
            prop_assert_eq!(&before.reach, &after.reach);
            for name in small.service_names() {
                let of = |system: &System, simulation: &Simulation| {
                    system.find_service(name).and_then(|id| simulation.service(id)).map(|r| (r.impaired, r.down, r.times()))
                };
                prop_assert_eq!(of(&small, &before), of(&large, &after), "{}", name);
            }
        }
    }

    #[test]
    fn order_of_the_file_does_not_matter(draft in random_draft(), seed in any::<u64>()) {
        let mut turned = draft.clone();
        turned.services.reverse();
        turned.dependencies.reverse();
        let (a, b) = (build(draft), build(turned));
        for how in [How { trials: 600, seed, ..STATIC }, How { trials: 600, seed, ..TIMED }] {
            let (left, right) = (run(&a, &[FAULT], how), run(&b, &[FAULT], how));
            prop_assert_eq!(&left.reach, &right.reach);
            for name in a.service_names() {
                prop_assert_eq!(count(&a, &left, name), count(&b, &right, name), "{}", name);
                prop_assert_eq!(starved(&a, &left, name), starved(&b, &right, name), "{}", name);
            }
        }
    }

    #[test]
    fn a_likelier_crossing_never_lowers_reach(draft in random_draft(), seed in any::<u64>(), which in any::<prop::sample::Index>()) {
        prop_assume!(!draft.dependencies.is_empty());
        let mut worse = draft.clone();
        let at = which.index(worse.dependencies.len());
        worse.dependencies[at].facts.probability = Some(Belief { mean: Probability::ONE, strength: None });
        let (a, b) = (build(draft), build(worse));
        for how in [How { trials: 500, seed, ..STATIC }, How { trials: 500, seed, ..TIMED }] {
            let (before, after) = (run(&a, &[FAULT], how), run(&b, &[FAULT], how));
            for name in a.service_names() {
                prop_assert!(count(&a, &before, name) <= count(&b, &after, name), "{}", name);
                if let Some(id) = a.find_service(name)
                    && let (Some(before), Some(after)) = (before.service(id), after.service(id))
                    && let (Some(before), Some(after)) = (before.times(), after.times())
                {
                    prop_assert!(before.downtime.mean.mean <= after.downtime.mean.mean + 1e-9);
                }
            }
        }
    }
}

/// The last question to a graph gets the answer that every other gets; what only the plan needed is gone afterwards.
#[test]
fn the_last_question_gets_the_same_answer() {
    use shockfront::fault::{Fault, Scenario};
    use shockfront::model::Compact;
    use shockfront::propagation::{Request, simulate, simulate_last};
    use shockfront::topology::{edge_list, generate};
    let mut text = Vec::new();
    generate::edge_list(generate::Plan { services: 300, arcs: 2_000, seed: 3 }, &mut text).expect("a possible plan");
    let mut system = edge_list::read("g.tsv", text.as_slice()).expect("a list");
    let compact = Compact::new(&system);
    let hub = system.dependency_ids().map(|id| system.provider(id).service).next().expect("arcs");
    let fault = Fault::parse(&format!("crash@{}", system.service_name(hub))).expect("a fault");
    let scenario = Scenario::new(&system, &compact, &[fault], None).expect("a target");
    for (static_reach, starved) in [(false, false), (true, true), (true, false)] {
        let request = Request { trials: 2_000, static_reach, starved, ..Request::default() };
        let expected = simulate(&system, &compact, &scenario, &request).expect("runs");
        assert!(expected.reach.mean.mean > 1.0);
        let names: Vec<String> = system.service_names().map(str::to_owned).collect();
        assert_eq!(simulate_last(&mut system, compact.clone(), &scenario, &request).expect("runs"), expected);
        assert!(system.service_names().eq(names.iter().map(String::as_str)));
        assert_eq!(system.dependency_count(), if static_reach && !starved { 0 } else { 2_000 });
    }
}
