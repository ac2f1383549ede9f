//! Do the intervals of whole runs hold the truth as often as they say? Over hundreds of seeds, on small systems whose answer is known.
//!
//! The intervals by themselves are held to known laws in `src/statistics/coverage_tests.rs`; here they come from a run that decides
//! on its own when to stop, and from replicates that draw what is not known. With R runs and a true coverage c the sampled one leaves
//! c ± 4·√(c(1 − c)/R) with probability below 7e-5; seeds are fixed, so a test either passes always or never.

mod common;

use common::yaml;
use shockfront::fault::{Fault, Scenario};
use shockfront::model::{Compact, System};
use shockfront::propagation::{Request, Simulation, simulate, uncertainty};
use shockfront::random::Seed;
use shockfront::statistics::{Estimate, Interval, normal};
use shockfront::units::Ticks;
use std::collections::BTreeMap;

/// The least share of covering intervals out of so many that is no sign of a coverage below 95 %.
fn least(runs: u32) -> f64 {
    0.95 - 4.0 * (0.95 * 0.05 / f64::from(runs)).sqrt()
}

fn share(covered: u32, runs: u32) -> f64 {
    f64::from(covered) / f64::from(runs)
}

fn scenario(system: &System, compact: &Compact, fault: &str) -> Scenario {
    Scenario::new(system, compact, &[Fault::parse(fault).expect("a fault")], None).expect("a scenario")
}

/// Means that a run with a clock reports, by name: reach, downtime of the last service, user-minutes.
fn means(simulation: &Simulation) -> [(&'static str, Estimate); 3] {
    let last = simulation.services.last().and_then(|service| service.times()).expect("a clock");
    let lost = simulation.user_minutes.expect("a clock");
    [("reach", simulation.reach.mean), ("downtime", last.downtime.mean), ("user-minutes", lost.mean)]
}

/// A run that stops as soon as its intervals are narrow stops rather when they are narrow by chance. Each look has its own share of the
/// error for that, so the interval it stops with covers all the same.
#[test]
fn whatever_makes_a_run_stop_its_intervals_cover() {
    // The journey is lost in 6 % of the trials: its loss is the last to be precise.
    let system = yaml(
        "services: {s: {detect: 5m, repair: 25m}, a: {restore_tail: 10m}, b: {}, c: {}}\n\
         dependencies:\n\
         - {from: a, to: s, probability: 0.3}\n\
         - {from: b, to: s, probability: 0.1, buffer: 10m}\n\
         - {from: c, to: a, probability: 0.1}\n\
         - {from: c, to: b, probability: 0.3}\n\
         journeys: {buy: {needs: [c], users_per_minute: 100, slo: 99.9}}",
    );
    let compact = Compact::new(&system);
    let scenario = scenario(&system, &compact, "crash@s");
    let run = |request: &Request<'_>| simulate(&system, &compact, &scenario, request).expect("simulated");
    let exact = means(&run(&Request { exact: true, ..Request::default() }));
    let (runs, asked) = (300_u32, 0.1);
    let (mut covered, mut widths, mut stops) = ([0_u32; 3], 0.0, BTreeMap::<u64, u32>::new());
    for seed in 0..runs {
        let request = Request { trials: 65_536, seed: Seed(u64::from(seed)), precision: Some(asked), ..Request::default() };
        let found = run(&request);
        for ((count, (_, estimate)), (_, truth)) in covered.iter_mut().zip(means(&found)).zip(&exact) {
            *count += u32::from(estimate.interval.contains(truth.mean));
        }
        let precision = found.precision.expect("asked");
        assert!(precision.is_reached(), "{precision:?} after {}", found.trials);
        widths += precision.user_minutes.expect("a journey") / f64::from(runs);
        *stops.entry(found.trials).or_default() += 1;
    }
    for (count, (name, truth)) in covered.into_iter().zip(exact) {
        println!("{name} ({}): {} of {runs} cover", truth.mean, share(count, runs));
        assert!(share(count, runs) >= least(runs), "{name}: {} of {runs} cover", share(count, runs));
    }
    println!("stops {stops:?}, half-width {widths}");
    assert!(stops.values().filter(|count| **count >= runs / 20).count() >= 2, "no choice of looks: {stops:?}");
    // Narrow enough to be asked for, and not by far narrower: else runs would be longer than they need.
    assert!(widths < asked && widths > asked / 2.0, "half-width {widths}, asked {asked}");
}

/// Quantiles of reach, over all trials and over those in which the failure leaves its source, and of an onset.
#[test]
fn quantiles_of_reach_and_onset_are_covered() {
    let leaves: String = (0..7)
        .map(|leaf| format!("- {{from: l{leaf}, to: s, probability: 0.1{leaf}, buffer: {leaf}m}}\n"))
        .chain((0..7).map(|leaf| format!("- {{from: end, to: l{leaf}, probability: 0.5}}\n")))
        .collect();
    let names: String = (0..7).map(|leaf| format!("l{leaf}: {{}}, ")).collect();
    let system = yaml(&format!("services: {{s: {{}}, {names}end: {{}}}}\ndependencies:\n{leaves}"));
    let compact = Compact::new(&system);
    let scenario = scenario(&system, &compact, "crash@s,detect=0m,repair=20m");
    let run = |request: &Request<'_>| simulate(&system, &compact, &scenario, request).expect("simulated");
    let onset = |found: &Simulation| found.services.last().and_then(|end| end.times()).and_then(|times| times.onset_p50);
    let exact = run(&Request { exact: true, ..Request::default() });
    let known = onset(&exact).expect("hit").value;
    for rare in [false, true] {
        let (runs, mut covered, mut others) = (200_u32, [0_u32; 4], 0);
        for seed in 0..u64::from(runs) {
            let sampled =
                |static_reach, rare| Request { trials: 400, seed: Seed(seed), static_reach, rare, ..Request::default() };
            let found = run(&sampled(true, rare));
            let pairs =
                [(found.reach.p50, &exact.reach.p50), (found.reach.p90, &exact.reach.p90), (found.reach.p99, &exact.reach.p99)];
            for (count, (quantile, truth)) in covered.iter_mut().zip(pairs) {
                assert!(quantile.interval.contains(quantile.value as f64), "{quantile:?}");
                *count += u32::from(quantile.interval.contains(truth.value as f64));
                others += u32::from(quantile.value != truth.value);
            }
            let onset = onset(&run(&sampled(false, false))).expect("hit");
            covered[3] += u32::from(onset.interval.contains(known));
        }
        println!("{covered:?} of {runs}, {others} quantiles of reach are not the true ones");
        assert!(covered.iter().all(|count| share(*count, runs) >= least(runs)), "{covered:?} of {runs}");
        assert!(others > 0, "nothing to cover");
    }
}

/// A repair whose 95th percentile is sixty times its median: in a thousand trials the longest ones, which make half of the mean, are
/// hardly met. The interval holds the truth all the same, and most such runs say that few trials carry the mean.
#[test]
fn means_of_long_tails_are_covered() {
    let system = yaml("services: {a: {}}\njourneys: {use: {needs: [a], users_per_minute: 1}}");
    let compact = Compact::new(&system);
    let fault = Fault::parse("crash@a,detect=0m,repair=20m/20h").expect("a fault");
    let scenario = Scenario::new(&system, &compact, &[fault], Some(Ticks::from_days(3_000))).expect("a scenario");
    // E[min(X, h)] for ln X normal, in minutes: e^(μ + σ²/2)·Φ(d − σ) + h·(1 − Φ(d)) with d = (ln h − μ)/σ.
    let (horizon, sigma) = (3_000.0 * 1_440.0_f64, 60_f64.ln() / normal::quantile(0.95));
    let cut = (horizon / 20.0).ln() / sigma;
    let truth = 20.0 * (0.5 * sigma * sigma).exp() * normal::cumulative(cut - sigma) + horizon * (1.0 - normal::cumulative(cut));
    for trials in [1_000, 16_384] {
        let (runs, mut covered, mut told) = (200_u32, 0, 0);
        for seed in 0..u64::from(runs) {
            let request = Request { trials, seed: Seed(seed), ..Request::default() };
            let lost = simulate(&system, &compact, &scenario, &request).expect("simulated").user_minutes.expect("a clock");
            covered += u32::from(lost.mean.interval.contains(truth));
            told += u32::from(lost.rests_on_few_trials());
        }
        println!("{trials} trials: {} cover {truth}, {} rest on few trials", share(covered, runs), share(told, runs));
        assert!(share(covered, runs) >= least(runs), "{trials} trials: {}", share(covered, runs));
        assert_eq!(told > runs / 2, trials == 1_000, "{trials} trials: {told}");
    }
}

/// Var θ of a Beta law with this mean that is worth so many observations.
fn variance(mean: f64, strength: f64) -> f64 {
    mean * (1.0 - mean) / (strength + 1.0)
}

/// How many of so many intervals of the reducible share hold the truth, and how wide they are on average.
fn reducible_coverage(body: &str, truth: f64, (runs, replicates): (u32, u64), request: impl Fn(Seed) -> Request<'static>) -> f64 {
    let system = yaml(body);
    let compact = Compact::new(&system);
    let scenario = scenario(&system, &compact, "crash@s");
    let intervals: Vec<Interval> = (0..u64::from(runs))
        .map(|seed| {
            let found = uncertainty(&system, &compact, &scenario, &request(Seed(seed)), replicates).expect("an answer");
            found.reducible_share().interval
        })
        .collect();
    let covered = intervals.iter().filter(|interval| interval.contains(truth)).count() as u32;
    let width = intervals.iter().map(|interval| interval.high - interval.low).sum::<f64>() / f64::from(runs);
    println!("{replicates} replicates: {} cover {truth}, width {width}", share(covered, runs));
    share(covered, runs)
}

/// Solved exactly for each replicate, so that all error is that of the replicates.
fn exactly(seed: Seed) -> Request<'static> {
    Request { seed, static_reach: true, exact: true, ..Request::default() }
}

/// Three dependencies of classes that share nothing. Reach is 1 + A + B + C with P(A) = θ₁ and so on, so
/// Var(E[L | θ]) = Σ Var θᵢ, and Var(L) = Σ mᵢ(1 − mᵢ) because a mixed Bernoulli is one.
#[test]
fn the_reducible_share_of_a_fan_is_covered() {
    let (runs, laws) = (300, [(0.3, 4.0), (0.5, 2.0), (0.2, 10.0)]);
    let body = "services: {s: {}, a: {}, b: {}, c: {}}\n\
                dependencies:\n\
                - {from: a, to: s, kind: hard, probability: {mean: 0.3, strength: 4}}\n\
                - {from: b, to: s, kind: soft, probability: {mean: 0.5, strength: 2}}\n\
                - {from: c, to: s, kind: unknown, probability: {mean: 0.2, strength: 10}}\n";
    let between: f64 = laws.iter().map(|(mean, strength)| variance(*mean, *strength)).sum();
    let all: f64 = laws.iter().map(|(mean, _)| mean * (1.0 - mean)).sum();
    for replicates in [8, 16, 64] {
        let found = reducible_coverage(body, between / all, (runs, replicates), exactly);
        assert!(found >= least(runs), "{replicates} replicates: {found}");
    }
}

/// A chain, solved and sampled. Reach is 1 + A + AB, so E[L | θ] = 1 + θ₁(1 + θ₂), with E[θ²] = m² + Var θ; and the square of
/// A + AB is A + 3AB.
#[test]
fn the_reducible_share_of_a_chain_is_covered() {
    let (runs, first, second) = (300, (0.4, 5.0), (0.6, 3.0));
    let body = "services: {s: {}, a: {}, b: {}}\n\
                dependencies:\n\
                - {from: a, to: s, kind: hard, probability: {mean: 0.4, strength: 5}}\n\
                - {from: b, to: a, kind: soft, probability: {mean: 0.6, strength: 3}}\n";
    let square = |(mean, strength): (f64, f64)| mean * mean + variance(mean, strength);
    let mean = first.0 * (1.0 + second.0);
    let between = square(first) * (1.0 + 2.0 * second.0 + square(second)) - mean * mean;
    let all = first.0 * (1.0 + 3.0 * second.0) - mean * mean;
    let sampled = |seed| Request { seed, trials: 512, static_reach: true, ..Request::default() };
    for replicates in [16, 64] {
        let found = reducible_coverage(body, between / all, (runs, replicates), exactly);
        assert!(found >= least(runs), "{replicates} replicates, exact: {found}");
    }
    let found = reducible_coverage(body, between / all, (runs, 16), sampled);
    assert!(found >= least(runs), "sampled: {found}");
}
