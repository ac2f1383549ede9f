//! Trials given that the failure leaves its source: exact in expectation, intervals that cover, the same bytes however they are
//! divided, and far fewer of them.

mod common;

use common::drafts::random_draft;
use common::*;
use proptest::prelude::*;
use shockfront::fault::{Fault, Scenario};
use shockfront::model::draft::Draft;
use shockfront::model::facts::{DependencyKind, Service};
use shockfront::model::{Compact, System};
use shockfront::propagation::sampling::Rows;
use shockfront::propagation::{Request, Shard, Simulation, conclude, sample, simulate};
use shockfront::random::Seed;
use shockfront::statistics::Interval;
use shockfront::units::Probability;
use std::sync::Mutex;

const FAULTS: [&str; 3] = ["crash@s0", "latency@s0,factor=5", "latency@s0"];

fn scenario(system: &System, compact: &Compact, fault: &str) -> Scenario {
    Scenario::new(system, compact, &[Fault::parse(fault).expect("a fault")], None).expect("fits")
}

fn ask(system: &System, fault: &str, request: &Request<'_>) -> Simulation {
    let compact = Compact::new(system);
    simulate(system, &compact, &scenario(system, &compact, fault), request).expect("sampled")
}

fn rare<'a>(trials: u64, seed: u64) -> Request<'a> {
    Request { trials, seed: Seed(seed), static_reach: true, rare: true, starved: true, ..Request::default() }
}

/// Probabilities a tenth as large, so that failures rarely leave.
fn seldom(mut draft: Draft) -> Draft {
    for dependency in &mut draft.dependencies {
        let belief = dependency.facts.probability.as_mut().expect("stated");
        belief.mean = Probability::clipped(belief.mean.value() * 0.1);
    }
    draft
}

/// Every probability of a result with its name, interval, and the truth from an exact one.
fn pairs(system: &System, found: &Simulation, exact: &Simulation) -> Vec<(String, f64, Interval, f64)> {
    let mut pairs = Vec::new();
    for service in &found.services {
        let truth = exact.service(service.service).expect("listed");
        let name = system.service_name(service.service);
        for (what, estimate, truth) in [
            ("impaired", service.impaired, truth.impaired),
            ("down", service.down, truth.down),
            ("corrupt", service.corrupt, truth.corrupt),
        ] {
            pairs.push((format!("{name} {what}"), estimate.mean, estimate.interval, truth.mean));
        }
    }
    pairs
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Gates, cycles, channels with thresholds of their own, delayed arcs that the optimistic bound cuts.
    #[test]
    fn weighed_trials_are_exact_in_expectation(draft in random_draft(), seed in any::<u64>(), fault in prop::sample::select(&FAULTS[..])) {
        let system = build(seldom(draft));
        let trials = 1 << 15;
        let exact = run(&system, &[fault], STATIC_EXACT);
        let found = ask(&system, fault, &rare(trials, seed));
        let Some(leaving) = found.leaving else { return Ok(()) };
        prop_assert!(leaving.probability > 0.0 && leaving.probability <= 0.5);
        for (name, mean, _, truth) in pairs(&system, &found, &exact) {
            // Given that it leaves: P(1 − P) with P = p/factor, or (p − base)/factor where the base is certain.
            let spread = (truth * (leaving.probability - truth)).max(0.0) + 1e-9;
            let known = truth > leaving.probability;
            let error = if known { leaving.probability * 0.5 } else { spread.sqrt() } / (trials as f64).sqrt();
            prop_assert!((mean - truth).abs() <= 5.0 * error + 1e-4 * leaving.probability, "{name}: {mean} {truth} {leaving:?}");
        }
        let bounds = |simulation: &Simulation| simulation.reach_bounds.clone().expect("no clock");
        for (found, exact) in [(bounds(&found).0, bounds(&exact).0), (bounds(&found).1, bounds(&exact).1)] {
            let total: f64 = found.distribution.iter().map(|(_, p)| p).sum();
            prop_assert!((total - 1.0).abs() < 1e-12);
            let tolerance = 5.0 * exact.standard_deviation / (trials as f64).sqrt() + 1e-4;
            prop_assert!((found.mean.mean - exact.mean.mean).abs() <= tolerance, "{found:?} {exact:?}");
            prop_assert!((found.standard_deviation - exact.standard_deviation).abs() <= 0.1 * exact.standard_deviation + 1e-2);
        }
    }

    #[test]
    fn parts_threads_and_looks_do_not_matter(draft in random_draft(), seed in any::<u64>(), of in 2_u64..5) {
        let system = build(seldom(draft));
        let compact = Compact::new(&system);
        let scenario = scenario(&system, &compact, "crash@s0");
        let whole = ask(&system, "crash@s0", &Request { threads: Some(1), ..rare(5_000, seed) });
        prop_assert_eq!(&whole, &ask(&system, "crash@s0", &Request { threads: Some(3), ..rare(5_000, seed) }));
        let shards = (0..of).rev().map(|number| {
            sample(&system, &compact, &scenario, &rare(5_000, seed), Shard { number, of }).expect("a sample")
        });
        let merged = shards.reduce(|mut all, part| { all.merge(&part); all }).expect("parts");
        prop_assert_eq!(&whole, &conclude(&system, &compact, &scenario, &rare(5_000, seed), &merged).expect("whole"));
        let looked = ask(&system, "crash@s0", &Request { precision: Some(1e-9), ..rare(16_384, seed) });
        let plain = ask(&system, "crash@s0", &rare(16_384, seed));
        prop_assert_eq!(looked.services.iter().map(|s| s.impaired.mean).collect::<Vec<_>>(), plain.services.iter().map(|s| s.impaired.mean).collect::<Vec<_>>());
    }
}

/// A shared library of low severity: three ways out, each rare, with reconvergence behind them.
const RARE: &str = "s>a:0.01 s>b:0.006 s>c:0.004 a>t:0.7 b>t:0.6 a>u:0.3 c>u:0.9 t>v:0.8 u>v:0.5";

#[test]
fn intervals_cover_and_trials_are_saved() {
    let system = build(draft(RARE));
    let exact = run(&system, &["crash@s"], STATIC_EXACT);
    let factor = 1.0 - 0.99 * 0.994 * 0.996;
    let runs = 400;
    let (mut held, mut all, mut reach_held) = (0, 0, 0);
    let mut widest = (0.0_f64, 0.0_f64);
    for seed in 0..runs {
        let found = ask(&system, "crash@s", &rare(1_024, seed));
        let leaving = found.leaving.expect("rare");
        assert!((leaving.probability - factor).abs() < 1e-8 && leaving.draws == 3, "{leaving:?}");
        for (_, _, interval, truth) in
            pairs(&system, &found, &exact).into_iter().filter(|(.., truth)| *truth > 0.0 && *truth < 1.0)
        {
            held += u32::from(interval.contains(truth));
            all += 1;
        }
        reach_held += u32::from(found.reach.mean.interval.contains(exact.reach.mean.mean));
        let half = |simulation: &Simulation| {
            let ends = simulation.services.iter().map(|service| service.impaired.interval);
            ends.map(|ends| (ends.high - ends.low) / 2.0).fold(0.0, f64::max)
        };
        widest.0 = widest.0.max(half(&found));
        widest.1 = widest.1.max(half(&ask(&system, "crash@s", &Request { rare: false, ..rare(1_024, seed) })));
    }
    // 400 runs of 10 probabilities that are not independent: four standard errors of 400 runs around 0.95.
    let (share, reach) = (f64::from(held) / f64::from(all), f64::from(reach_held) / runs as f64);
    assert!(share > 0.95 - 0.0436 && reach > 0.95 - 0.0436, "{share} {reach}");
    // Every service to ±0.1 point with a thousand trials; ordinary ones are six times as wide.
    assert!(widest.0 < 0.001 && widest.1 > 0.005, "{widest:?}");
}

/// How many trials it takes until all intervals are at most ±0.1 point wide; every number of trials is a power of two.
#[test]
fn far_fewer_trials_reach_a_tenth_of_a_point() {
    let system = build(draft(RARE));
    let needed = |rare_trials: bool| {
        (6..22).map(|power| 1_u64 << power).find(|trials| {
            let found = ask(&system, "crash@s", &Request { rare: rare_trials, ..rare(*trials, 7) });
            let certain = |name: &str| name == "s";
            found.services.iter().filter(|service| !certain(system.service_name(service.service))).all(|service| {
                let Interval { low, high } = service.impaired.interval;
                (high - low) / 2.0 <= 0.001
            })
        })
    };
    let (weighed, ordinary) = (needed(true).expect("reached"), needed(false).expect("reached"));
    println!("{weighed} trials in place of {ordinary}");
    assert!(weighed <= 512 && ordinary >= 64 * weighed, "{weighed} {ordinary}");
}

#[test]
fn it_is_left_when_it_does_not_pay_or_cannot_be() {
    let leaving = |body: &str, fault: &str| ask(&yaml(body), fault, &rare(512, 1)).leaving;
    let one =
        |p: f64| format!("services: {{s: {{}}, t: {{}}}}\ndependencies: [{{from: t, to: s, kind: hard, probability: {p}}}]\n");
    assert!(leaving(&one(0.5), "crash@s").is_some());
    assert!(leaving(&one(0.51), "crash@s").is_none(), "little would be saved");
    assert!(leaving(&one(0.0), "crash@s").is_none() && leaving(&one(1.0), "crash@s").is_none(), "nothing is uncertain");
    assert!(leaving(&one(0.1), "bad_deploy@s").is_none(), "what it hits is drawn");
    // A certain dependency belongs to the source; the cut lies behind it.
    let chain = "services: {s: {}, t: {}, u: {}}\ndependencies: [{from: t, to: s, kind: hard, probability: 1}, {from: u, to: t, kind: hard, probability: 0.2}]\n";
    let found = ask(&yaml(chain), "crash@s", &rare(512, 1));
    assert!((found.leaving.expect("rare").probability - 0.2).abs() < 1e-9);
    assert!((found.reach.mean.mean - 2.2).abs() < 1e-9, "{:?}", found.reach.mean);
    // Rows are those of ordinary trials, and change nothing else.
    let taken = Mutex::new(Vec::new());
    let take = |rows: &Rows| taken.lock().expect("one thread").extend(rows.reach.clone());
    let with_rows = ask(&yaml(&one(0.1)), "crash@s", &Request { rows: Some(&take), ..rare(1_000, 1) });
    assert_eq!(with_rows, ask(&yaml(&one(0.1)), "crash@s", &rare(1_000, 1)));
    let taken = taken.into_inner().expect("one thread");
    let plain = ask(&yaml(&one(0.1)), "crash@s", &Request { rare: false, ..rare(1_000, 1) });
    assert_eq!((taken.len(), taken.iter().sum::<u64>() as f64 / 1_000.0), (1_000, plain.reach.mean.mean));
    assert!(ask(&yaml(&one(0.1)), "crash@s", &Request { rare: false, ..rare(512, 1) }).leaving.is_none());
}

/// The first crossing keeps its numbers when another, unrelated, dependency is added, and when one is made likelier.
#[test]
fn random_numbers_are_common() {
    let base = build(draft("s>a:0.02 a>b:0.5 b>c:0.5"));
    let more = build(draft("s>a:0.02 a>b:0.5 b>c:0.5 y>z:0.3"));
    let (found, other) = (ask(&base, "crash@s", &rare(4_096, 3)), ask(&more, "crash@s", &rare(4_096, 3)));
    for name in ["a", "b", "c"] {
        assert_eq!(p(&base, &found, name), p(&more, &other, name));
    }
    // Likelier behind the cut: each trial reaches at least as much.
    let likelier = build(draft("s>a:0.02 a>b:0.6 b>c:0.5"));
    let then = ask(&likelier, "crash@s", &rare(4_096, 3));
    assert!(p(&likelier, &then, "b") > p(&base, &found, "b") && p(&likelier, &then, "c") > p(&base, &found, "c"));
}

/// Validators that are asked only after an uncertain crossing, and starvation below the source.
#[test]
fn validators_and_starvation_are_part_of_it() {
    let mut with_data = draft("s>a:0.05 s>b:0.03 a>b:0.9");
    for dependency in &mut with_data.dependencies {
        dependency.kind = Some(DependencyKind::Async);
        dependency.facts.validated = Some(Some(true));
    }
    with_data.dependencies.push(draft("low>s:1").dependencies.remove(0));
    with_data.services.push(("low".to_owned(), Service::default()));
    let system = build(with_data);
    for fault in ["corrupt_output@s,wrong=0.5", "crash@s"] {
        let exact = run(&system, &[fault], STATIC_EXACT);
        let found = ask(&system, fault, &rare(1 << 18, 5));
        for (name, mean, _, truth) in pairs(&system, &found, &exact) {
            assert!((mean - truth).abs() < 2e-4, "{fault} {name}: {mean} {truth}");
        }
        assert_eq!(starved(&system, &found, "low"), starved(&system, &exact, "low"), "{fault}");
    }
    assert!(ask(&system, "corrupt_output@s,wrong=0.5", &rare(512, 5)).leaving.is_some());
}

/// Without a clock a `latency` fault always delays (model.md §2.2: the provider is impaired in L), whatever multiplier is drawn.
#[test]
fn exact_and_sampled_latency_agree() {
    let system = yaml(
        "services: {s: {latency: 100ms, operations: [A, B]}, t: {latency: 100ms}, u: {}}\n\
         dependencies: [{from: t, to: s, kind: soft, probability: 0.3, timeout: 150ms}, {from: u, to: t, kind: hard, probability: 1}]\n",
    );
    for fault in ["latency@s", "latency@s.A,share=20%", "bad_deploy@s"] {
        let exact = run(&system, &[fault], STATIC_EXACT);
        let sampled = run(&system, &[fault], STATIC);
        for (name, mean, _, truth) in pairs(&system, &sampled, &exact) {
            let error = (truth * (1.0 - truth) / sampled.trials as f64).sqrt();
            assert!((mean - truth).abs() <= 4.0 * error + 1e-12, "{fault} {name}: {mean} {truth}");
        }
    }
    let certain = build(draft("s>t:1 t>u:1"));
    assert_eq!(run(&certain, &["latency@s"], STATIC).reach.mean.mean, 3.0);
}

/// A soft dependency is asked with two thresholds, for errors and for delay, and lies behind the cut of one fault with one of them: what
/// is known of its number scales the other.
#[test]
fn a_draw_of_the_cut_is_asked_again_with_another_threshold() {
    let mut draft = draft("b>a:0.05 a>c:0.1 b>d:0.04 c>e:0.5 d>e:0.5");
    draft.dependencies[1].kind = Some(DependencyKind::Soft);
    draft.dependencies[1].facts.fallback = None;
    let system = build(draft);
    let compact = Compact::new(&system);
    let faults = ["crash@a", "latency@b,factor=5"].map(|text| Fault::parse(text).expect("a fault"));
    let scenario = Scenario::new(&system, &compact, &faults, None).expect("fits");
    let exact = simulate(&system, &compact, &scenario, &Request { static_reach: true, exact: true, ..Request::default() })
        .expect("exact");
    let found = simulate(&system, &compact, &scenario, &rare(1 << 18, 7)).expect("sampled");
    let leaving = found.leaving.expect("it rarely leaves");
    assert!(leaving.probability < 0.5 && leaving.draws == 3, "{leaving:?}");
    for (name, mean, interval, truth) in pairs(&system, &found, &exact) {
        let error = (truth.max(1e-6) * leaving.probability / f64::from(1 << 18)).sqrt();
        assert!((mean - truth).abs() <= 5.0 * error + 1e-9, "{name}: {mean} {interval:?} {truth}");
    }
}

#[test]
fn a_probability_that_sampling_rounds_is_told() {
    for arcs in ["s>w:1e-10", "s>w:0.5 w>x:1e-10"] {
        let (stated, sampled) = run(&build(draft(arcs)), &["crash@s"], common::RARE).rounded.expect("below 2^-32");
        assert!(stated == 1e-10 && (sampled - 2.0_f64.powi(-32)).abs() < 1e-20, "{stated} {sampled}");
    }
    assert!(run(&build(draft("s>w:0.9999999999")), &["crash@s"], STATIC).rounded.is_some());
    for arcs in ["s>w:1e-6", "s>w:0.5", "s>w:1", "s>w:0"] {
        assert_eq!(run(&build(draft(arcs)), &["crash@s"], common::RARE).rounded, None, "{arcs}");
    }
    assert_eq!(run(&build(draft("s>w:1e-10")), &["crash@s"], STATIC_EXACT).rounded, None);
}
