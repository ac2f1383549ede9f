//! Derivatives and flips against the exact solvers.

mod common;

use common::drafts::random_draft;
use common::*;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use shockfront::fault::{Fault, Scenario};
use shockfront::model::draft::Draft;
use shockfront::model::facts::DependencyKind;
use shockfront::model::{Compact, System};
use shockfront::propagation::{Request, Sensitivities, sensitivities};
use shockfront::random::Seed;
use shockfront::units::{DependencyId, Probability};

const V4: &str = "s>a:0.9 a>b:0.8 a>c:0.7 b>t:0.6 c>t:0.5";

fn ask(system: &System, fault: &str, request: &Request<'_>, flips: usize) -> Sensitivities {
    let compact = Compact::new(system);
    let scenario = Scenario::new(system, &compact, &[Fault::parse(fault).expect("a fault")], None).expect("fits");
    sensitivities(system, &compact, &scenario, request, flips).expect("sampled")
}

fn trials<'a>(trials: u64, seed: u64) -> Request<'a> {
    Request { trials, seed: Seed(seed), ..Request::default() }
}

/// Exact mean reach when one dependency has another probability.
fn mean_with(system: &System, fault: &str, dependency: DependencyId, p: f64) -> f64 {
    run(&system.with_probability(dependency, Probability::clipped(p)), &[fault], STATIC_EXACT).reach.mean.mean
}

#[test]
fn v4_has_the_derivatives_of_the_closed_form() {
    let system = build(draft(V4));
    // Reach is 1 + P(a) + P(b) + P(c) + P(t): its derivatives by hand. P(t | a) = 0.662.
    let expected = [1.0 + 0.8 + 0.7 + 0.662, 0.9 * (1.0 + 0.6 * 0.65), 0.9 * (1.0 + 0.5 * 0.52), 0.72 * 0.65, 0.63 * 0.52];
    let found = ask(&system, "crash@s", &trials(1 << 18, 3), 5);
    assert_eq!((found.dependencies.len(), found.n_certain, found.trials), (5, 0, 1 << 18));
    for (one, expected) in found.dependencies.iter().zip(expected) {
        let z = (one.derivative.mean - expected) / one.standard_error;
        assert!(z.abs() < 4.0, "{one:?} {expected} {z}");
        let exact = mean_with(&system, "crash@s", one.dependency, 1.0) - mean_with(&system, "crash@s", one.dependency, 0.0);
        close(exact, expected);
    }
    // The largest derivative first, and each flip exact within its paired interval widened to four standard errors.
    let order: Vec<u32> = found.flips.iter().map(|flip| flip.dependency.0).collect();
    assert_eq!(order, [0, 1, 2, 3, 4]);
    for (flip, expected) in found.flips.iter().zip(expected) {
        let off = |estimate: shockfront::statistics::Estimate, truth: f64| {
            let half = (estimate.interval.high - estimate.interval.low) / 2.0;
            assert!((estimate.mean - truth).abs() <= 2.0 * half + 1e-12, "{estimate:?} {truth}");
        };
        let at = |p: f64| mean_with(&system, "crash@s", flip.dependency, p);
        off(flip.birnbaum, expected);
        off(flip.crossing, at(1.0));
        off(flip.cut, at(0.0));
        off(flip.fussell_vesely, 1.0 - at(0.0) / 3.8458);
        off(flip.achievement_worth, at(1.0) / 3.8458);
    }
    // V14 of the flips: paired trials have a tenth of the variance of the score function (model.md §3.6).
    let (score, flip) = (found.dependencies[3].standard_error, found.flips[3].birnbaum);
    let paired = (flip.interval.high - flip.interval.low) / 2.0 / 2.04;
    assert!(paired < 0.6 * score, "{paired} {score}");
}

/// Intervals of all four figures hold the truth as often as they say, no less and no more.
#[test]
fn intervals_cover() {
    const RUNS: u64 = 300;
    let system = build(draft(V4));
    let truths: Vec<(f64, f64, f64)> = (0..5)
        .map(|at| {
            let mean = |p: f64| mean_with(&system, "crash@s", DependencyId(at), p);
            (mean(1.0) - mean(0.0), 1.0 - mean(0.0) / 3.8458, mean(1.0) / 3.8458)
        })
        .collect();
    let mut covered = [0_u64; 4];
    for seed in 0..RUNS {
        let found = ask(&system, "crash@s", &trials(4_096, seed), 5);
        for one in &found.dependencies {
            covered[0] += u64::from(one.derivative.interval.contains(truths[one.dependency.0 as usize].0));
        }
        for flip in &found.flips {
            let (birnbaum, fussell_vesely, worth) = truths[flip.dependency.0 as usize];
            covered[1] += u64::from(flip.birnbaum.interval.contains(birnbaum));
            covered[2] += u64::from(flip.fussell_vesely.interval.contains(fussell_vesely));
            covered[3] += u64::from(flip.achievement_worth.interval.contains(worth));
        }
    }
    for (at, covered) in covered.into_iter().enumerate() {
        // The five of a run depend on each other, so the error is that of the runs alone: four of them.
        let (share, slack) = (covered as f64 / (5 * RUNS) as f64, 4.0 * (0.95_f64 * 0.05 / RUNS as f64).sqrt());
        assert!((share - 0.95).abs() <= slack, "{at}: {share}");
    }
}

/// Where nothing was seen to cross, nothing is known of what lies behind.
#[test]
fn what_was_not_seen_is_not_known() {
    let system = build(draft("a>b:0.000001 b>c:0.5"));
    let found = ask(&system, "crash@a", &trials(10_000, 1), 2);
    assert!(found.dependencies.iter().all(|one| one.derivative.interval.is_unknown()), "{found:?}");
}

/// Forty systems with gates, cycles and soft dependencies, the same in every run.
fn systems() -> Vec<Draft> {
    let mut runner = TestRunner::deterministic();
    (0..40).map(|_| random_draft().new_tree(&mut runner).expect("a draft").current()).collect()
}

#[test]
fn derivatives_and_flips_agree_with_the_exact_solvers() {
    let mut compared = 0;
    for (at, mut draft) in systems().into_iter().enumerate() {
        // A probability of exactly 0 or 1 has no derivative here.
        draft.dependencies.iter_mut().for_each(|dependency| {
            let belief = dependency.facts.probability.as_mut().expect("stated");
            belief.mean = Probability::clipped(belief.mean.value().clamp(0.05, 0.92));
        });
        let system = build(draft);
        let found = ask(&system, "crash@s0", &trials(1 << 15, at as u64), 20);
        for one in &found.dependencies {
            let exact = |p: f64| mean_with(&system, "crash@s0", one.dependency, p);
            let truth = exact(1.0) - exact(0.0);
            // Errors alone: mean reach is affine in each probability.
            close(exact(0.3), exact(0.0) + 0.3 * truth);
            let z = (one.derivative.mean - truth) / one.standard_error.max(1e-9);
            assert!(z.abs() < 4.0, "system {at}: {one:?} {truth}");
            compared += 1;
        }
        for flip in &found.flips {
            let exact = |p: f64| mean_with(&system, "crash@s0", flip.dependency, p);
            let score = found.dependencies.iter().find(|one| one.dependency == flip.dependency).expect("listed");
            let paired = (flip.birnbaum.interval.high - flip.birnbaum.interval.low) / 2.0 / 2.04;
            let error = (score.standard_error.powi(2) + paired.powi(2)).sqrt();
            assert!((score.derivative.mean - flip.birnbaum.mean).abs() < 4.0 * error + 1e-9, "{score:?} {flip:?}");
            assert!((flip.birnbaum.mean - (exact(1.0) - exact(0.0))).abs() <= 4.5 * paired + 1e-9, "{flip:?}");
        }
    }
    assert!(compared > 100, "{compared}");
}

/// Delay crosses soft dependencies with 0.95 whatever is stated: the stated number moves errors only, up to there.
#[test]
fn channels_with_thresholds_of_their_own() {
    let mut soft = draft("s>a:0.3 s>b:0.4 a>t:0.5 b>t:0.6 t>u:0.7");
    soft.dependencies.iter_mut().for_each(|dependency| dependency.kind = Some(DependencyKind::Soft));
    let system = build(soft);
    for fault in ["bad_deploy@s", "latency@s,factor=5", "crash@s"] {
        let found = ask(&system, fault, &trials(1 << 17, 11), 5);
        for one in &found.dependencies {
            let exact = |p: f64| mean_with(&system, fault, one.dependency, p);
            let truth = (exact(one.probability + 0.1) - exact(one.probability - 0.1)) / 0.2;
            let z = (one.derivative.mean - truth) / one.standard_error.max(1e-9);
            assert!(z.abs() < 4.0, "{fault}: {one:?} {truth}");
        }
        for flip in &found.flips {
            let cut = run(&system.without_crossing(flip.dependency), &[fault], STATIC_EXACT).reach.mean.mean;
            let half = (flip.cut.interval.high - flip.cut.interval.low) / 2.0;
            assert!((flip.cut.mean - cut).abs() <= 2.0 * half + 1e-9, "{fault}: {flip:?} {cut}");
            let crossing = mean_with(&system, fault, flip.dependency, 1.0);
            let half = (flip.crossing.interval.high - flip.crossing.interval.low) / 2.0;
            assert!((flip.crossing.mean - crossing).abs() <= 2.0 * half + 1e-9, "{fault}: {flip:?} {crossing}");
        }
    }
}

#[test]
fn threads_do_not_matter_and_odd_ends_are_counted() {
    let system = build(draft(V4));
    for size in [1, 2, 511, 513, 5_000] {
        let one = ask(&system, "crash@s", &Request { threads: Some(1), ..trials(size, 1) }, 3);
        assert_eq!(one, ask(&system, "crash@s", &Request { threads: Some(4), ..trials(size, 1) }, 3), "{size}");
        let plain = run(&system, &["crash@s"], How { trials: size, ..STATIC });
        assert_eq!((one.reach, one.flips.len()), (plain.reach.mean, 3), "{size}");
    }
}

#[test]
fn a_run_teaches_where_a_probability_is_a_belief() {
    // Of V4 with a belief worth ten runs on every dependency but the last: the closed form with exact derivatives.
    let mut believed = draft(V4);
    for dependency in believed.dependencies.iter_mut().take(4) {
        dependency.facts.probability.as_mut().expect("stated").strength = Some(10.0);
    }
    let system = build(believed);
    let found = ask(&system, "crash@s", &trials(1 << 18, 5), 0);
    for one in &found.dependencies[..4] {
        let derivative = mean_with(&system, "crash@s", one.dependency, 1.0) - mean_with(&system, "crash@s", one.dependency, 0.0);
        let (p, removed) = (one.probability, one.expected_variance_reduction.expect("a belief"));
        let truth = derivative * derivative * p * (1.0 - p) / 11.0 / 11.0;
        // Its error is 2·derivative·error of that: four of them on either side.
        let four_errors = 4.0 * 2.0 * one.standard_error / derivative * truth;
        assert!((removed.mean - truth).abs() < four_errors, "{one:?} {truth}");
        assert!(removed.interval.contains(removed.mean), "{removed:?}");
    }
    // What is stated as a plain number is known.
    assert_eq!(found.dependencies[4].expected_variance_reduction, None);
    // Nothing says what the dependency matters: neither is known what a run would teach.
    let mut rare = draft("s>a:1e-9");
    rare.dependencies[0].facts.probability.as_mut().expect("stated").strength = Some(4.0);
    let found = ask(&build(rare), "crash@s", &trials(512, 1), 0);
    assert!(found.dependencies[0].expected_variance_reduction.expect("a belief").interval.is_unknown());
    // Defaults are beliefs: the fallback that nobody tested.
    let soft = yaml("services: {s: {}, t: {}}\ndependencies: [{from: t, to: s, kind: soft}]");
    let found = ask(&soft, "crash@s", &trials(1 << 16, 2), 0);
    let removed = found.dependencies[0].expected_variance_reduction.expect("a belief");
    assert!(removed.interval.contains(0.35 * 0.65 / 11.0 / 11.0), "{removed:?}");
}

#[test]
fn certain_dependencies_are_counted_apart() {
    let system = build(draft("s>a:1 a>b:0.5 a>c:0 b>d:1e-9"));
    let found = ask(&system, "crash@s", &trials(4_096, 1), 9);
    assert_eq!((found.dependencies.len(), found.n_certain), (2, 2));
    // Never seen to cross: nothing is known of the derivative.
    assert!(found.dependencies[1].derivative.interval.is_unknown(), "{:?}", found.dependencies[1]);
    let flip = found.flips.iter().find(|flip| flip.dependency.0 == 3).expect("flipped");
    assert!((flip.birnbaum.mean - 0.5).abs() < 0.05, "{flip:?}");
    let nothing = build(draft("s>a:1"));
    assert!(ask(&nothing, "crash@s", &trials(512, 1), 9).flips.is_empty());
}
