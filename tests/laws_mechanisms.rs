//! Laws of random systems in which every mechanism is at work, with faults of every kind: bounds, orders, names, threads, shards.

mod common;

use common::rich::{Case, rich_case, service_of};
use common::*;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngSeed, TestRunner};
use shockfront::fault::{Fault, FaultKind, Scenario};
use shockfront::model::draft::{Draft, DraftDependency};
use shockfront::model::facts::{Channels, Dependency, DependencyKind, Group, GroupKind};
use shockfront::model::{Compact, System};
use shockfront::propagation::{Request, Shard, Simulation, conclude, sample, simulate};
use shockfront::random::Seed;
use shockfront::units::Probability;
use std::collections::{BTreeMap, BTreeSet};

fn fixed(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(20_260_305), failure_persistence: None, ..ProptestConfig::default() }
}

fn words(faults: &[String]) -> Vec<&str> {
    faults.iter().map(String::as_str).collect()
}

/// Everything that was found, by name; equal texts are equal bytes.
fn numbers(system: &System, found: &Simulation) -> BTreeMap<String, String> {
    let mut numbers = BTreeMap::new();
    for name in system.service_names() {
        let id = system.find_service(name).expect(name);
        // A service that is out of reach and one that no trial reached are told apart by being listed.
        let service = found
            .service(id)
            .map(|service| (service.impaired, service.down, service.corrupt, service.times(), service.state_minutes()));
        numbers.insert(name.to_owned(), format!("{service:?} {:?}", found.starved(id)));
    }
    for journey in &found.journeys {
        numbers.insert(journey.name.clone(), format!("{journey:?}"));
    }
    numbers.insert(
        "all".to_owned(),
        format!("{:?} {:?} {:?} {}", found.reach, found.reach_bounds, found.user_minutes, found.censored),
    );
    numbers
}

/// Means of everything, by name.
fn means(system: &System, found: &Simulation) -> BTreeMap<String, Vec<f64>> {
    let mut means = BTreeMap::new();
    for service in &found.services {
        let mut values = vec![service.impaired.mean, service.down.mean, service.corrupt.mean];
        values.extend(service.times().map(|times| times.downtime.mean.mean));
        values.extend(service.times().map(|times| times.impaired_time.mean.mean));
        means.insert(system.service_name(service.service).to_owned(), values);
    }
    for journey in &found.journeys {
        means.insert(journey.name.clone(), vec![journey.impaired.mean, journey.down.mean, journey.user_minutes.mean.mean]);
    }
    means.insert("all".to_owned(), vec![found.reach.mean.mean, found.reach.standard_deviation, found.censored]);
    means
}

fn agree(one: &BTreeMap<String, Vec<f64>>, other: &BTreeMap<String, Vec<f64>>, tolerance: f64) -> Result<(), TestCaseError> {
    prop_assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, values) in one {
        for (a, b) in values.iter().zip(&other[name]) {
            prop_assert!((a - b).abs() <= tolerance * a.abs().max(1.0), "{}: {:?} and {:?}", name, values, other[name]);
        }
    }
    Ok(())
}

/// Without the load and what acts by it: without a clock there is none.
fn without_load(mut draft: Draft) -> Draft {
    draft.services.iter_mut().for_each(|(_, service)| service.load = None);
    draft
}

/// So that what crosses is total: every request needs every provider, and fallbacks serve all or nothing.
fn total(mut draft: Draft) -> Draft {
    draft.groups.iter_mut().for_each(|(_, group)| group.waves.clear());
    for dependency in &mut draft.dependencies {
        dependency.facts.share = None;
        dependency.facts.fallback.iter_mut().for_each(|fallback| fallback.coverage = 1.0);
    }
    without_load(draft)
}

fn without_delays(mut draft: Draft) -> Draft {
    for dependency in &mut draft.dependencies {
        let facts = &mut dependency.facts;
        (facts.buffer, facts.cache, facts.queue, facts.delay) = (None, None, None, None);
    }
    draft
}

/// Cuts every dependency that delays anything. A gate that lists its provider keeps an entry over which nothing crosses.
fn cut_delayed(mut draft: Draft) -> Draft {
    let is_delayed =
        |facts: &Dependency| facts.buffer.is_some() || facts.cache.is_some() || facts.queue.is_some() || facts.delay.is_some();
    let (delayed, mut kept): (Vec<_>, Vec<_>) = draft.dependencies.into_iter().partition(|known| is_delayed(&known.facts));
    for cut in delayed {
        let ends = |known: &DraftDependency| (service_of(&known.from).to_owned(), service_of(&known.to).to_owned());
        if !kept.iter().any(|known| ends(known) == ends(&cut)) {
            kept.push(DraftDependency { kind: Some(DependencyKind::Startup), facts: Dependency::default(), ..cut });
        }
    }
    draft.dependencies = kept;
    draft
}

/// An order of so many things.
fn order(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|at| (seed ^ *at as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23));
    order
}

fn shuffled<T: Clone>(things: &[T], seed: u64) -> Vec<T> {
    order(things.len(), seed).into_iter().map(|at| things[at].clone()).collect()
}

/// Every service under the name of another one.
fn renamed(case: &Case, seed: u64) -> Case {
    let order = order(case.draft.services.len(), seed);
    let new = |reference: &str| match reference.split_once('.') {
        Some((service, operation)) => format!("{}.{operation}", name(service, &order)),
        None => name(reference, &order),
    };
    fn name(service: &str, order: &[usize]) -> String {
        match service.strip_prefix('s').and_then(|digits| digits.parse::<usize>().ok()) {
            Some(at) => format!("s{}", order[at]),
            None => service.to_owned(),
        }
    }
    let mut case = case.clone();
    for (name, service) in &mut case.draft.services {
        *name = new(name);
        service.requires.iter_mut().flat_map(|requires| &mut requires.of).for_each(|of| *of = new(of));
    }
    for dependency in &mut case.draft.dependencies {
        (dependency.from, dependency.to) = (new(&dependency.from), new(&dependency.to));
    }
    case.draft.journeys.iter_mut().flat_map(|(_, journey)| &mut journey.needs).for_each(|need| *need = new(need));
    for fault in &mut case.faults {
        let (kind, rest) = fault.split_once('@').expect("a fault");
        let (target, keys) = rest.split_once(',').expect("keys");
        *fault = format!("{kind}@{},{keys}", new(target));
    }
    case
}

fn undo(means: BTreeMap<String, Vec<f64>>, seed: u64, services: usize) -> BTreeMap<String, Vec<f64>> {
    let order = order(services, seed);
    let old = |name: String| match name.strip_prefix('s').and_then(|digits| digits.parse::<usize>().ok()) {
        Some(at) => format!("s{}", order.iter().position(|new| *new == at).expect("a permutation")),
        None => name,
    };
    means.into_iter().map(|(name, values)| (old(name), values)).collect()
}

/// What needs a clock is refused without one.
fn needs_clock(faults: &[String]) -> bool {
    faults.iter().any(|fault| fault.starts_with("overload"))
}

proptest! {
    #![proptest_config(fixed(96))]

    /// Optimistic without a clock ⊆ with a clock ⊆ pessimistic without a clock, trial by trial: each run is one trial of its own seed.
    #[test]
    fn every_trial_lies_between_its_bounds(case in rich_case(), seed in any::<u64>()) {
        let draft = total(case.draft);
        let (system, cut) = (build(draft.clone()), build(cut_delayed(draft)));
        let faults = words(&case.total);
        let whole = run(&system, &faults, How { trials: 600, seed, ..STATIC });
        let bound = run(&cut, &faults, How { trials: 600, seed, ..STATIC });
        prop_assert_eq!(&whole.reach_bounds.expect("no clock").0.distribution, &bound.reach.distribution);
        for step in 0..12 {
            let seed = seed.wrapping_add(step);
            let high = run(&system, &faults, How { trials: 1, seed, ..STATIC });
            let middle = run(&system, &faults, How { trials: 1, seed, ..TIMED });
            let low = run(&cut, &faults, How { trials: 1, seed, ..STATIC });
            for name in system.service_names() {
                let [low, middle, high] =
                    [(&cut, &low), (&system, &middle), (&system, &high)].map(|(system, found)| p(system, found, name));
                prop_assert!(low <= middle && middle <= high, "{}: {} {} {} of seed {}", name, low, middle, high, seed);
            }
        }
    }

    /// Partial severities and faults one after the other only lower what is reached: the pessimistic bound holds for all faults but
    /// those that act through the load.
    #[test]
    fn nothing_gets_beyond_the_pessimistic_bound(case in rich_case(), seed in any::<u64>()) {
        prop_assume!(!needs_clock(&case.faults));
        let system = build(without_load(case.draft));
        for faults in [words(&case.faults), words(&case.drawn)] {
            for step in 0..12 {
                let how = How { trials: 1, seed: seed.wrapping_add(step), ..STATIC };
                let high = run(&system, &faults, how);
                let timed = run(&system, &faults, How { static_reach: false, ..how });
                for name in system.service_names() {
                    prop_assert!(p(&system, &timed, name) <= p(&system, &high, name), "{} with {:?}, {:?}", name, faults, how);
                }
            }
        }
    }

    /// The order of services, operations, dependencies and faults is no fact.
    #[test]
    fn the_order_of_the_file_changes_no_byte(mut case in rich_case(), seed in any::<u64>()) {
        // Waves come to members in the order of the file: of several, that order is a fact.
        case.draft.groups.iter_mut().for_each(|(_, group)| group.waves.truncate(1));
        let mut turned = case.draft.clone();
        turned.services = shuffled(&turned.services, seed);
        turned.services.iter_mut().for_each(|(_, service)| service.operations = shuffled(&service.operations, seed));
        turned.dependencies = shuffled(&turned.dependencies, seed);
        let (a, b) = (build(case.draft), build(turned));
        for (faults, how) in [
            (&case.faults, TIMED_EXACT),
            (&case.faults, STATIC_EXACT),
            (&case.faults, How { trials: 600, seed, ..STATIC }),
            (&case.faults, How { trials: 600, seed, ..TIMED }),
            (&case.drawn, How { trials: 600, seed, ..TIMED }),
        ] {
            let other = shuffled(faults, seed);
            match (try_run(&a, &words(faults), how), try_run(&b, &words(&other), how)) {
                // Worlds are added up in the order of the file: the last digit may differ.
                (Ok(left), Ok(right)) if how.exact => agree(&means(&a, &left), &means(&b, &right), 1e-12)?,
                (Ok(left), Ok(right)) => {
                    prop_assert_eq!(numbers(&a, &left), numbers(&b, &right), "{:?} {:?} {:?}", how, faults, other);
                }
                (left, right) => prop_assert_eq!(left.is_ok(), right.is_ok()),
            }
        }
    }

    /// Names key random numbers and nothing else: the exact engines find the same under any names.
    #[test]
    fn names_change_no_exact_number(case in rich_case(), seed in any::<u64>()) {
        let turned = renamed(&case, seed);
        let services = case.draft.services.len();
        let (a, b) = (build(case.draft.clone()), build(turned.draft.clone()));
        for how in [TIMED_EXACT, STATIC_EXACT] {
            let (left, right) = (try_run(&a, &words(&case.faults), how), try_run(&b, &words(&turned.faults), how));
            prop_assert_eq!(left.is_ok(), right.is_ok());
            if let (Ok(left), Ok(right)) = (left, right) {
                agree(&means(&a, &left), &undo(means(&b, &right), seed, services), 1e-9)?;
            }
        }
    }

    /// Without delays and with total severity the clock adds nothing to who is reached.
    #[test]
    fn without_delays_a_clock_reaches_the_same(case in rich_case(), seed in any::<u64>()) {
        let system = build(without_delays(total(case.draft)));
        let faults = words(&case.total);
        let how = How { trials: 700, seed, ..STATIC };
        for (fixed, timed) in [
            (try_run(&system, &faults, STATIC_EXACT), try_run(&system, &faults, TIMED_EXACT)),
            (try_run(&system, &faults, how), try_run(&system, &faults, How { static_reach: false, ..how })),
        ] {
            if let (Ok(fixed), Ok(timed)) = (fixed, timed) {
                prop_assert!((fixed.reach.mean.mean - timed.reach.mean.mean).abs() < 1e-9);
                for name in system.service_names() {
                    let (one, other) = (p(&system, &fixed, name), p(&system, &timed, name));
                    prop_assert!((one - other).abs() < 1e-12, "{}: {} and {} with a clock, {:?}", name, one, other, fixed.method);
                    let (one, other) = (starved(&system, &fixed, name), starved(&system, &timed, name));
                    prop_assert!((one - other).abs() < 1e-12, "{}: starved {} and {} with a clock", name, one, other);
                }
            }
        }
    }

    /// What the exact engines find is what trials find: within five standard errors.
    #[test]
    fn exact_and_sampled_agree(case in rich_case(), seed in any::<u64>()) {
        let system = build(case.draft);
        let faults = words(&case.faults);
        for (exact, how) in [(STATIC_EXACT, How { trials: 8_192, seed, ..STATIC }), (TIMED_EXACT, How { trials: 2_048, seed, ..TIMED })] {
            let Ok(exact) = try_run(&system, &faults, exact) else { continue };
            let sampled = run(&system, &faults, how);
            for service in &exact.services {
                let name = system.service_name(service.service);
                let other = sampled.service(service.service).expect("reachable");
                for (truth, found) in [(service.impaired, other.impaired), (service.down, other.down), (service.corrupt, other.corrupt)] {
                    let (truth, found) = (truth.mean, found.mean);
                    let tolerance = 5.0 * (truth * (1.0 - truth) / how.trials as f64).sqrt() + 1e-9;
                    prop_assert!((truth - found).abs() <= tolerance, "{}: {} exactly, {} found with {:?} {:?}", name, truth, found, how, faults);
                }
                if let (Some(truth), Some(found)) = (service.times(), other.times()) {
                    for (truth, found) in [(truth.downtime, found.downtime), (truth.impaired_time, found.impaired_time)] {
                        let tolerance = 5.0 * truth.standard_deviation / (how.trials as f64).sqrt() + 1e-6 * truth.mean.mean.max(1.0);
                        prop_assert!((truth.mean.mean - found.mean.mean).abs() <= tolerance, "{}: {:?} {:?} {:?}", name, truth, found, faults);
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(fixed(24))]

    /// Threads, shards and the way trials are taken: the same bytes.
    #[test]
    fn threads_and_shards_change_no_byte(case in rich_case(), seed in any::<u64>(), of in 2_u64..6) {
        let system = build(case.draft);
        let compact = Compact::new(&system);
        let faults: Vec<Fault> = case.drawn.iter().map(|text| Fault::parse(text).expect("a fault")).collect();
        let scenario = Scenario::new(&system, &compact, &faults, None).expect("they fit");
        for static_reach in [true, false] {
            if static_reach && needs_clock(&case.drawn) {
                continue;
            }
            let request = |threads: usize| Request {
                trials: 1_100,
                seed: Seed(seed),
                static_reach,
                starved: true,
                threads: Some(threads),
                ..Request::default()
            };
            let one = simulate(&system, &compact, &scenario, &request(1)).expect("sampled");
            for threads in 2..=8 {
                prop_assert_eq!(&one, &simulate(&system, &compact, &scenario, &request(threads)).expect("sampled"));
            }
            let by_events = Request { events_only: true, ..request(2) };
            prop_assert_eq!(&one, &simulate(&system, &compact, &scenario, &by_events).expect("sampled"));
            let shards = (0..of).rev().map(|number| {
                sample(&system, &compact, &scenario, &request(2), Shard { number, of }).expect("a sample")
            });
            let merged = shards.reduce(|mut all, part| { all.merge(&part); all }).expect("parts");
            prop_assert_eq!(&one, &conclude(&system, &compact, &scenario, &request(2), &merged).expect("whole"));
        }
    }
}

/// What the laws above are about is there: every mechanism, every kind of fault, exact answers, and harm that spreads.
#[test]
fn random_cases_have_every_mechanism_at_work() {
    let mut runner = TestRunner::new(fixed(1));
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let cases = 400;
    for _ in 0..cases {
        let case = rich_case().new_tree(&mut runner).expect("a case").current();
        let mut found: BTreeSet<String> = BTreeSet::new();
        let text = format!("{:?}", case.draft);
        let mechanisms = "share calls timeout retries breaker fallback cache buffer carries writes_data validated on_invalid delay \
                          wait_share transient rate pool queue advice replicas detect repair rollback cold_start restore_tail \
                          latency load failover requires beta hit";
        found.extend(mechanisms.split_whitespace().filter(|name| text.contains(&format!("{name}: Some("))).map(str::to_owned));
        found.extend(case.draft.dependencies.iter().map(|known| format!("{:?}", known.kind)));
        found.extend(case.draft.dependencies.iter().filter(|known| known.to.contains('.')).map(|_| "operation".to_owned()));
        found.extend(case.faults.iter().filter_map(|fault| Some(fault.split_once('@')?.0.to_owned())));
        let (system, faults) = (build(case.draft), words(&case.faults));
        for (name, how) in [("exact", STATIC_EXACT), ("exact with a clock", TIMED_EXACT)] {
            if let Ok(answer) = try_run(&system, &faults, how) {
                found.insert(name.to_owned());
                found.extend((answer.reach.mean.mean > 1.0).then(|| format!("{name}, beyond its source")));
                found.extend((answer.reach.standard_deviation > 0.0).then(|| format!("{name}, uncertain")));
            }
        }
        found.into_iter().for_each(|name| *seen.entry(name).or_default() += 1);
    }
    let expected = FaultKind::ALL.map(|kind| (kind.name().to_owned(), 6));
    let expected = expected.into_iter().chain(
        [("exact", 300), ("exact with a clock", 300), ("exact with a clock, beyond its source", 200), ("exact, uncertain", 100)]
            .map(|(name, least)| (name.to_owned(), least)),
    );
    for (name, least) in expected {
        assert!(seen.get(&name).is_some_and(|count| *count >= least), "{name} in {:?} of {cases} cases", seen.get(&name));
    }
    assert!(seen.values().all(|count| *count >= 6) && seen.len() >= 13 + 8 + 30, "{seen:#?}");
}

/// Four services, three of which need the first one for their data; all in a group of which some are hit.
fn in_two_orders(fault: &str) {
    let mut one = draft("s0>s1:1 s0>s2:1 s0>s3:1");
    one.dependencies.iter_mut().for_each(|known| known.facts.carries = Some(Channels::DATA));
    let (hit, waves, paths) = (Some(Probability::clipped(0.3)), Vec::new(), Vec::new());
    let library = Group { kind: GroupKind::Shared, kind_name: "library".to_owned(), hit, waves, beta: None, paths };
    one.groups.push(("library".to_owned(), library));
    one.services.iter_mut().for_each(|(_, service)| service.groups = vec!["library".to_owned()]);
    let mut other = one.clone();
    other.services.reverse();
    other.dependencies.reverse();
    let [one, other] = [build(one), build(other)];
    let how = How { trials: 600, ..STATIC };
    let [left, right] = [&one, &other].map(|system| {
        let found = run(system, &[fault], how);
        ["s0", "s1", "s2", "s3"].map(|name| p(system, &found, name))
    });
    assert_eq!(left, right, "{fault}");
}

#[test]
fn advice_misleads_the_same_services_in_any_order() {
    in_two_orders("operator_advice@s0,rate=1");
}

#[test]
fn a_fault_on_a_group_hits_the_same_members_in_any_order() {
    in_two_orders("crash@library");
}
