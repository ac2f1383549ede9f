//! Do the intervals hold the truth as often as they say? By simulation with fixed seeds, over the range where they are used.
//!
//! With R runs and a true coverage c the sampled one leaves c ± 4·√(c(1 − c)/R) with probability below 7e-5.

use super::batch::{BatchSums, batch_of};
use super::histogram::LogLinear;
use super::testing::SplitMix64;
use super::{Interval, clopper_pearson, looks, order_statistic_ranks, proportion, wilson};

/// Share of `runs` in which the interval holds the truth.
fn coverage(runs: u32, mut interval: impl FnMut() -> Interval, truth: f64) -> f64 {
    f64::from((0..runs).filter(|_| interval().contains(truth)).count() as u32) / f64::from(runs)
}

/// Four standard errors of a coverage around 0.95.
fn slack(runs: u32) -> f64 {
    4.0 * (0.95 * 0.05 / f64::from(runs)).sqrt()
}

fn successes(random: &mut SplitMix64, trials: u64, p: f64) -> u64 {
    (0..trials).filter(|_| random.uniform() < p).count() as u64
}

/// A tenth of the trials lose nothing; the others are exponential. Known: F(x) = 1 − 0.9·e^(−x/s).
fn loss(random: &mut SplitMix64) -> u64 {
    let zero = random.uniform() < 0.1;
    if zero { 0 } else { (-SCALE * libm::log(random.uniform())).ceil() as u64 }
}

const SCALE: f64 = 1e6;

fn histogram(random: &mut SplitMix64, trials: u64) -> LogLinear {
    let mut histogram = LogLinear::new();
    for value in (0..trials).map(|_| loss(random)).filter(|value| *value > 0) {
        histogram.record(value, 1);
    }
    histogram.settle();
    histogram
}

#[test]
fn exact_intervals_cover_at_least_everywhere() {
    let (mut random, runs) = (SplitMix64(101), 1_500);
    for trials in [10, 60, 300] {
        for p in [0.002, 0.03, 0.2, 0.5, 0.9, 0.995] {
            let both = coverage(runs, || clopper_pearson(successes(&mut random, trials, p), trials, 0.95), p);
            let one = coverage(
                runs,
                || {
                    let high = proportion::clopper_pearson_upper(successes(&mut random, trials, p), trials, 0.95);
                    Interval { low: 0.0, high }
                },
                p,
            );
            assert!(both >= 0.95 - slack(runs) && one >= 0.95 - slack(runs), "{trials} {p}: {both} {one}");
        }
    }
}

/// Wilson's interval covers on average over p, not for each p (Brown, Cai, DasGupta 2001: within about a point for n ≥ 40).
#[test]
fn score_intervals_cover_on_average() {
    let mut random = SplitMix64(102);
    for trials in [40, 200] {
        let runs = 20_000_u32;
        let covered = (0..runs).filter(|_| {
            let p = random.uniform();
            wilson(successes(&mut random, trials, p), trials, 0.95).contains(p)
        });
        let share = covered.count() as f64 / f64::from(runs);
        assert!((share - 0.95).abs() <= 0.01 + slack(runs), "{trials}: {share}");
    }
}

/// As a report takes them: ranks in a histogram with implicit zeros, whose buckets are a thousandth wide.
#[test]
fn quantiles_of_histograms_are_covered() {
    let (mut random, runs, trials) = (SplitMix64(103), 600, 1_000);
    for q in [0.5, 0.9, 0.95] {
        let truth = -SCALE * libm::log((1.0 - q) / 0.9);
        let (low, high) = order_statistic_ranks(trials, q, 0.95);
        let share = coverage(
            runs,
            || {
                let histogram = histogram(&mut random, trials);
                Interval { low: histogram.low_of_rank(low, trials) as f64, high: histogram.quantile_rank(high, trials) as f64 }
            },
            truth,
        );
        assert!(share >= 0.95 - slack(runs) && share <= 0.995, "{q}: {share}");
    }
}

/// Expected shortfall of the exponential tail is q + s; its interval is a large-sample one, up to two points short at 2,000 trials.
#[test]
fn shortfall_is_covered() {
    let (mut random, runs, trials) = (SplitMix64(104), 800, 2_000);
    let truth = -SCALE * libm::log(0.05 / 0.9) + SCALE;
    let share = coverage(runs, || histogram(&mut random, trials).estimate_of_worst(0.05, trials, 0.95).interval, truth);
    assert!(share >= 0.93 - slack(runs) && share <= 0.97 + slack(runs), "{share}");
}

/// Means of batches, for a loss with implicit zeros and for one with a heavy tail (lognormal, σ = 1.5), where they are up to
/// three points short at 4,096 trials.
#[test]
fn means_of_batches_are_covered() {
    let (mut random, runs, trials) = (SplitMix64(105), 600_u32, 4_096_u64);
    let mut estimate = |draw: &mut dyn FnMut(&mut SplitMix64) -> u64| {
        let mut sums = BatchSums::new();
        for trial in 0..trials {
            sums.add(batch_of(trial, trials), draw(&mut random));
        }
        sums.estimate(trials, 0.95).interval
    };
    let light = coverage(runs, || estimate(&mut loss), 0.9 * SCALE);
    assert!((light - 0.95).abs() <= 0.01 + slack(runs), "{light}");
    let mut heavy = |random: &mut SplitMix64| {
        let normal = super::normal::quantile(random.uniform());
        (SCALE * libm::exp(1.5 * normal)).round() as u64
    };
    let share = coverage(runs, || estimate(&mut heavy), SCALE * libm::exp(0.5 * 1.5 * 1.5));
    assert!(share >= 0.92 - slack(runs) && share <= 0.95 + slack(runs), "{share}");
}

/// The intervals of all looks hold together: whatever makes a run stop, the one it stops with covers.
#[test]
fn looks_hold_together() {
    let (mut random, runs, p) = (SplitMix64(106), 300_u32, 0.07);
    let held = (0..runs).filter(|_| {
        let (mut seen, mut count) = (0, 0);
        looks(0.05, 32_768).all(|look| {
            count += successes(&mut random, look.trials - seen, p);
            seen = look.trials;
            clopper_pearson(count, seen, look.confidence).contains(p)
        })
    });
    let share = held.count() as f64 / f64::from(runs);
    assert!(share >= 0.95 - slack(runs), "{share}");
}
