//! The exact solvers without a clock: every one that takes a question gives the same answer, to 1e-12, as the others and as a
//! reference that shares no code with them; beyond the size of enumeration they are held to closed forms and to the sampler.

mod common;

use common::reference::brute_force;
use common::*;
use proptest::prelude::*;
use shockfront::model::System;
use shockfront::model::draft::{Draft, DraftDependency};
use shockfront::model::facts::{Belief, Dependency, DependencyKind, Requires, Service};
use shockfront::propagation::{Simulation, Solver};
use shockfront::units::Probability;
use std::collections::BTreeSet;

/// An end of a random dependency: service, and perhaps which of its operations.
type End = (usize, Option<usize>);

/// Services with one to three operations, up to ten dependencies between services and operations, gates. Cycles are allowed
/// where `acyclic` is false.
fn random_draft(acyclic: bool) -> impl Strategy<Value = Draft> {
    (3_usize..8).prop_flat_map(move |services| {
        let end = || (0..services, prop::option::of(0_usize..3));
        let entries = prop::collection::vec((end(), end(), 0_u32..=10), 1..11);
        let facts = prop::collection::vec((1_usize..4, any::<bool>()), services);
        (entries, facts).prop_map(move |(entries, facts)| make_draft(acyclic, &entries, &facts))
    })
}

fn make_draft(acyclic: bool, entries: &[(End, End, u32)], facts: &[(usize, bool)]) -> Draft {
    let name = |(service, operation): End| match operation {
        Some(operation) if facts[service].0 > 1 => format!("s{service}.o{}", operation % facts[service].0),
        _ => format!("s{service}"),
    };
    let (mut draft, mut seen) = (Draft { name: Some("random".to_owned()), ..Draft::default() }, BTreeSet::new());
    for (consumer, provider, tenths) in entries {
        let (from, to) = (name(*consumer), name(*provider));
        if consumer.0 == provider.0 || (acyclic && consumer.0 < provider.0) || !seen.insert((from.clone(), to.clone())) {
            continue;
        }
        let mean = Probability::clipped(f64::from(*tenths) / 10.0);
        let facts = Dependency { probability: Some(Belief { mean, strength: None }), ..Dependency::default() };
        draft.dependencies.push(DraftDependency { from, to, kind: Some(DependencyKind::Hard), facts });
    }
    for (service, (operations, gated)) in facts.iter().enumerate() {
        let service_of = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
        let mine = draft.dependencies.iter().filter(|d| d.from == format!("s{service}"));
        let providers: BTreeSet<String> = mine.map(|d| service_of(&d.to)).collect();
        let requires = (*gated && providers.len() > 1)
            .then(|| Requires { at_least: providers.len() as u32 - 1, of: providers.into_iter().collect() });
        let operations = if *operations > 1 { (0..*operations).map(|at| format!("o{at}")).collect() } else { Vec::new() };
        draft.services.push((format!("s{service}"), Service { operations, requires, ..Service::default() }));
    }
    draft
}

fn check_against_reference(draft: Draft) -> Vec<Solver> {
    let (expected, reach) = brute_force(&draft);
    let system = build(draft);
    let (found, solvers) = exact_agreed(&system, &["crash@s0"]);
    for (service, expected) in expected.into_iter().enumerate() {
        let found = p(&system, &found, &format!("s{service}"));
        assert!((found - expected).abs() < 1e-12, "s{service}: {found} is not {expected}");
    }
    for (count, expected) in reach.into_iter().enumerate().filter(|(count, _)| *count > 0) {
        assert!((p_reach(&found.reach, count as u64) - expected).abs() < 1e-12, "P(reach = {count})");
    }
    solvers
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn solvers_agree_with_brute_force_without_cycles(draft in random_draft(true)) {
        check_against_reference(draft);
    }

    #[test]
    fn solvers_agree_with_brute_force_on_cycles(draft in random_draft(false)) {
        check_against_reference(draft);
    }

    /// Channels, timeouts, validators and fallbacks: beyond the reference, but enumeration runs the kernel of the sampler.
    #[test]
    fn solvers_agree_on_every_channel(entries in prop::collection::vec((0_usize..6, 0_usize..6, 0_usize..8, 1_u32..10), 1..9)) {
        let system = channels(&entries);
        for fault in ["crash@s0", "latency@s0,factor=9", "corrupt_output@s0,wrong=0.5", "bad_deploy@s1", "zone_loss@zone", "config_push@zone"] {
            let solvers = exact_agreed(&system, &[fault]).1;
            prop_assert!(solvers.contains(&Solver::Enumeration));
        }
    }
}

fn channels(entries: &[(usize, usize, usize, u32)]) -> System {
    let mut body = "groups: {zone: {kind: zone, hit: 0.4}}\nservices:\n".to_owned();
    for service in 0..6 {
        let operations = if service % 2 == 1 { "operations: [a, b], " } else { "" };
        let groups = if service < 3 { "groups: [zone], " } else { "" };
        body.push_str(&format!("  s{service}: {{{operations}{groups}latency: 100ms}}\n"));
    }
    body.push_str("dependencies:\n  - {from: s5, to: s0, probability: 0.5}\n");
    let mut seen = BTreeSet::from([(5, 0, 0)]);
    for (from, to, kind, tenths) in entries {
        let (kind, facts) = [
            ("hard", ""),
            ("hard", "timeout: 300ms, "),
            ("soft", ""),
            ("soft", "fallback: {coverage: 0.5}, buffer: 5m, "),
            ("async", ""),
            ("hard", "carries: [errors, latency, data], validated: yes, on_invalid: reject, "),
            ("hard", "carries: [data], validated: no, "),
            ("authority", ""),
        ][*kind];
        let number = ["hard", "soft", "async", "authority"].iter().position(|known| *known == kind).expect("listed");
        if from != to && seen.insert((*from, *to, number)) {
            body.push_str(&format!("  - {{from: s{from}, to: s{to}, kind: {kind}, {facts}probability: 0.{tenths}}}\n"));
        }
    }
    yaml(&body)
}

#[test]
fn errors_that_a_timeout_makes_travel_on_at_their_own_probability() {
    // Delay at s becomes errors at a; those cross the soft dependency with 0.3, delay would with 0.95.
    let system = yaml(
        "services: {s: {latency: 100ms}, a: {}, b: {}}\n\
         dependencies: [{from: a, to: s, timeout: 150ms, carries: [latency], probability: 1}, {from: b, to: a, kind: soft, carries: [errors], probability: 0.3}]",
    );
    let (found, solvers) = exact_agreed(&system, &["latency@s,factor=9"]);
    close(p(&system, &found, "b"), 0.3);
    assert_eq!(solvers, Solver::ALL);
}

/// The exact answer of the frontier method against a million trials: every service and the mean within four standard errors.
fn check_against_sampler(system: &System, faults: &[&str]) -> Simulation {
    let (exact, solvers) = exact_agreed(system, faults);
    assert!(!solvers.contains(&Solver::Enumeration), "large enough");
    let sampled = run(system, faults, STATIC);
    let n = sampled.trials as f64;
    for (exact, sampled) in exact.services.iter().zip(&sampled.services) {
        let error = (exact.impaired.mean * (1.0 - exact.impaired.mean) / n).sqrt();
        assert!((exact.impaired.mean - sampled.impaired.mean).abs() <= 4.0 * error + 1e-12, "{exact:?} {sampled:?}");
    }
    let error = exact.reach.standard_deviation / n.sqrt();
    assert!((exact.reach.mean.mean - sampled.reach.mean.mean).abs() < 4.0 * error);
    assert!((exact.reach.standard_deviation - sampled.reach.standard_deviation).abs() < 0.01 * exact.reach.standard_deviation);
    exact
}

/// Two rails of `columns` steps with rungs in both directions, as two-letter arcs; `back` adds the rails backwards.
fn ladder(columns: usize, back: bool) -> String {
    let mut arcs = String::new();
    for at in 0..columns {
        arcs.push_str(&format!("a{at}>a{}:.9 b{at}>b{}:.8 ", at + 1, at + 1));
        arcs.push_str(&format!("a{at}>b{at}:.3 b{at}>a{at}:.4 "));
        if back {
            arcs.push_str(&format!("a{}>a{at}:.2 b{}>b{at}:.5 ", at + 1, at + 1));
        }
    }
    arcs
}

/// The ladder by transfer matrix: the state is which rails are on, each with its weight by number of services that are on.
fn ladder_by_transfer_matrix(columns: usize) -> (Vec<[f64; 2]>, Vec<f64>) {
    // Weights of "only a", "only b", "both", "none" by count.
    let size = 2 * columns + 3;
    let mut state = vec![vec![0.0; size]; 4];
    state[0][1] = 1.0;
    let mut p = Vec::new();
    for at in 0..=columns {
        if at < columns {
            for count in (1..size).rev() {
                state[2][count] += 0.3 * state[0][count - 1] + 0.4 * state[1][count - 1];
            }
            state[0].iter_mut().for_each(|weight| *weight *= 0.7);
            state[1].iter_mut().for_each(|weight| *weight *= 0.6);
        }
        let sum = |which: usize| state[which].iter().sum::<f64>();
        p.push([sum(0) + sum(2), sum(1) + sum(2)]);
        if at < columns {
            let mut next = vec![vec![0.0; size]; 4];
            for count in 0..size {
                next[3][count] += state[3][count] + 0.1 * state[0][count] + 0.2 * state[1][count] + 0.02 * state[2][count];
                if count > 0 {
                    next[0][count] += 0.9 * state[0][count - 1] + 0.18 * state[2][count - 1];
                    next[1][count] += 0.8 * state[1][count - 1] + 0.08 * state[2][count - 1];
                }
                if count > 1 {
                    next[2][count] += 0.72 * state[2][count - 2];
                }
            }
            state = next;
        }
    }
    let reach = (0..size).map(|count| state.iter().map(|weights| weights[count]).sum()).collect();
    (p, reach)
}

#[test]
fn a_ladder_of_sixty_arcs_by_transfer_matrix() {
    let system = build(draft(&ladder(15, false)));
    let (expected, reach) = ladder_by_transfer_matrix(15);
    let found = check_against_sampler(&system, &["crash@a0"]);
    for (at, [a, b]) in expected.into_iter().enumerate() {
        assert!((p(&system, &found, &format!("a{at}")) - a).abs() < 1e-12, "a{at}");
        assert!((p(&system, &found, &format!("b{at}")) - b).abs() < 1e-12, "b{at}");
    }
    for (count, expected) in reach.into_iter().enumerate() {
        assert!((p_reach(&found.reach, count as u64) - expected).abs() < 1e-12, "P(reach = {count})");
    }
}

#[test]
fn a_ladder_of_sixty_arcs_in_all_directions() {
    check_against_sampler(&build(draft(&ladder(10, true))), &["crash@a0"]);
    check_against_sampler(&build(draft(&ladder(10, true))), &["crash@a5"]);
}

#[test]
fn a_grid_of_fifty_eight_arcs() {
    let mut arcs = String::new();
    for (x, y) in (0..5).flat_map(|x| (0..7).map(move |y| (x, y))) {
        if x < 4 {
            arcs.push_str(&format!("g{x}{y}>g{}{y}:.{} ", x + 1, 3 + (x + y) % 5));
        }
        if y < 6 {
            arcs.push_str(&format!("g{x}{y}>g{x}{}:.{} ", y + 1, 4 + (x * y) % 5));
        }
    }
    check_against_sampler(&build(draft(&arcs)), &["crash@g00"]);
}

#[test]
fn sixty_shared_draws_with_gates_and_random_targets() {
    // A chain of services of two operations; each needs two of three providers, and a random part of the first is hit.
    let mut body = "services:\n  s0: {operations: [a, b]}\n".to_owned();
    let mut dependencies = "dependencies:\n".to_owned();
    for at in 0..12 {
        let next = at + 1;
        body.push_str(&format!("  x{at}: {{}}\n  y{at}: {{}}\n"));
        body.push_str(&format!("  s{next}: {{operations: [a, b], requires: {{at_least: 2, of: [s{at}, x{at}, y{at}]}}}}\n"));
        for (from, to, p) in [("x", "s", 0.7), ("y", "s", 0.6)] {
            dependencies.push_str(&format!("  - {{from: {from}{at}, to: {to}{at}.a, probability: {p}}}\n"));
        }
        for (to, p) in [("s", 0.9), ("x", 0.8), ("y", 0.95)] {
            dependencies.push_str(&format!("  - {{from: s{next}, to: {to}{at}, probability: {p}}}\n"));
        }
    }
    check_against_sampler(&yaml(&(body + &dependencies)), &["error_rate@s0,rate=1"]);
}

#[test]
fn hits_as_draws_are_the_hits_one_by_one() {
    // Seven members, some of two operations, replicas in the zone or not: more ways to hit than are listed.
    let mut body = "groups: {g: {kind: zone, hit: 0.35}, h: {kind: zone, hit: 0.5}}\nservices:\n  end: {}\n".to_owned();
    for at in 0..7 {
        let operations = if at % 3 == 0 { "operations: [a, b], " } else { "" };
        let replicas = if at % 3 == 1 { "groups: [g, h], replicas: {count: 4, need: 2}" } else { "groups: [g]" };
        body.push_str(&format!("  m{at}: {{{operations}{replicas}}}\n"));
    }
    body.push_str(
        "dependencies:\n  - {from: m1, to: m0.a, probability: 0.4}\n  - {from: end, to: m3.b, kind: soft, probability: 0.3}\n",
    );
    body.push_str("  - {from: end, to: m6, carries: [data], probability: 0.6}\n");
    let system = yaml(&body);
    for fault in ["crash@g", "zone_loss@g", "bad_deploy@g", "corrupt_output@g,wrong=0.5", "error_rate@g,rate=0.5"] {
        assert_eq!(exact_agreed(&system, &[fault]).1, [Solver::Enumeration, Solver::Frontier], "{fault}");
    }
    assert!(exact_agreed(&system, &["crash@g", "latency@m0,factor=3"]).1.contains(&Solver::Enumeration));
}

#[test]
fn random_targets_are_ways_to_hit() {
    // Twelve members, each hit with 0.3 but at least one; each feeds a chain of three.
    let (mut services, mut dependencies) = (String::new(), String::new());
    for at in 0..12 {
        services.push_str(&format!("  m{at}: {{groups: [g]}}\n  a{at}: {{}}\n  b{at}: {{}}\n"));
        dependencies.push_str(&format!("  - {{from: a{at}, to: m{at}, probability: 0.6}}\n"));
        dependencies.push_str(&format!("  - {{from: b{at}, to: a{at}, probability: 0.7}}\n"));
        dependencies.push_str(&format!("  - {{from: end, to: b{at}, probability: 0.2}}\n"));
    }
    let system = yaml(&format!(
        "groups: {{g: {{kind: zone, hit: 0.3}}}}\nservices:\n  end: {{}}\n{services}dependencies:\n{dependencies}"
    ));
    let found = check_against_sampler(&system, &["crash@g"]);
    let any = 1.0 - 0.7_f64.powi(12);
    assert!((p(&system, &found, "b3") - 0.3 * 0.42 / any).abs() < 1e-12);
    assert!((p(&system, &found, "end") - (1.0 - (1.0 - 0.3 * 0.42 * 0.2_f64).powi(12)) / any).abs() < 1e-12);
}

#[test]
fn factoring_takes_series_parallel_networks_of_any_size() {
    // Forty diamonds in a row: P(end) = (1 − (1 − 0.9 · 0.8)(1 − 0.7 · 0.6))^40.
    let arcs: String =
        (0..40).map(|at| format!("n{at}>a{at}:.9 a{at}>n{next}:.8 n{at}>b{at}:.7 b{at}>n{next}:.6 ", next = at + 1)).collect();
    let system = build(draft(&arcs));
    let (found, solvers) = exact_agreed(&system, &["crash@n0"]);
    assert_eq!(solvers, [Solver::Factoring, Solver::Frontier]);
    let expected = (1.0_f64 - 0.28 * 0.58).powi(40);
    assert!((p(&system, &found, "n40") - expected).abs() < 1e-12);
    assert_eq!(run(&system, &["crash@n0"], STATIC_EXACT).solver, Some(Solver::Factoring));
}

#[test]
fn answers_are_the_same_bits_every_time() {
    let system = build(draft(&ladder(10, true)));
    let frontier = How { solver: Some(Solver::Frontier), ..STATIC_EXACT };
    let first = run(&system, &["crash@a0"], frontier);
    assert_eq!(first, run(&system, &["crash@a0"], frontier));
}

#[test]
fn sums_over_a_million_worlds_keep_their_digits() {
    // Each leaf is as likely as its dependency. Where most worlds weigh the same, a plain sum rounds the same way every time and
    // is off in the twelfth digit.
    let leaf = |at: u32| [0.3, 0.9].get(at as usize).copied().unwrap_or(0.5);
    let mut body = "services:\n  s: {}\n".to_owned();
    (0..20).for_each(|at| body.push_str(&format!("  a{at}: {{}}\n")));
    body.push_str("dependencies:\n");
    (0..20).for_each(|at| body.push_str(&format!("  - {{from: a{at}, to: s, probability: {}}}\n", leaf(at))));
    let system = yaml(&body);
    let found = run(&system, &["crash@s"], How { solver: Some(Solver::Enumeration), ..STATIC_EXACT });
    for at in 0..20 {
        let (found, expected) = (p(&system, &found, &format!("a{at}")), leaf(at));
        assert!((found - expected).abs() < 2e-15, "a{at}: {found} is not {expected}");
    }
}
