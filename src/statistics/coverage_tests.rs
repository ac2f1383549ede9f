//! Do the intervals hold the truth as often as they say? By simulation with fixed seeds, over the range where they are used.
//!
//! With R runs and a true coverage c the sampled one leaves c ± 4·√(c(1 − c)/R) with probability below 7e-5.

use super::batch::{BatchSums, batch_of};
use super::histogram::LogLinear;
use super::testing::SplitMix64;
use super::{Interval, clopper_pearson, looks, normal, order_statistic_ranks, proportion, wilson};

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

/// A lognormal of median [`SCALE`] that is cut at an end, in a part of the trials; the rest lose nothing.
struct Tail {
    sigma: f64,
    end: f64,
    probability: f64,
}

impl Tail {
    fn draw(&self, random: &mut SplitMix64) -> u64 {
        if random.uniform() >= self.probability {
            return 0;
        }
        (SCALE * libm::exp(self.sigma * normal::quantile(random.uniform())).min(self.end)).round() as u64
    }

    /// E[X; X above the quantile z of its normal], by integrating the density.
    fn beyond(&self, z: f64) -> f64 {
        let (sigma, cut) = (self.sigma, libm::log(self.end) / self.sigma);
        let inside = libm::exp(0.5 * sigma * sigma) * (normal::cumulative(cut - sigma) - normal::cumulative(z.min(cut) - sigma));
        SCALE * self.probability * (inside + self.end * (1.0 - normal::cumulative(cut)))
    }

    fn mean(&self) -> f64 {
        self.beyond(-40.0)
    }

    /// Mean of the worst 5 %, where every trial loses something.
    fn shortfall(&self) -> f64 {
        self.beyond(normal::quantile(0.95)) / 0.05
    }
}

/// The catalogue's law of a crash; one whose 95th percentile is sixty times its median, cut where a run of a month or of eight years
/// would cut it; and a longer one.
const TAILS: [Tail; 4] = [
    Tail { sigma: 1.089, end: 4_320.0, probability: 1.0 },
    Tail { sigma: 2.489, end: 2_160.0, probability: 1.0 },
    Tail { sigma: 2.489, end: 216_000.0, probability: 1.0 },
    Tail { sigma: 3.2, end: 216_000.0, probability: 1.0 },
];

/// Expected shortfall, of the exponential tail (q + s) and of long ones. Its interval has no batches to lean on: on the side of the tail
/// it is rather too long.
#[test]
fn shortfall_is_covered() {
    let (mut random, runs, trials) = (SplitMix64(104), 800, 2_000);
    let truth = -SCALE * libm::log(0.05 / 0.9) + SCALE;
    let share = coverage(runs, || histogram(&mut random, trials).estimate_of_worst(0.05, trials, 0.95).interval, truth);
    assert!(share >= 0.95 - slack(runs) && share <= 0.98 + slack(runs), "{share}");
    for (tail, least) in TAILS.iter().zip([0.95, 0.95, 0.95, 0.94]) {
        for trials in [1_000, 8_000] {
            let (runs, truth) = (400, tail.shortfall());
            let share = coverage(
                runs,
                || {
                    let mut histogram = LogLinear::new();
                    (0..trials).for_each(|_| histogram.record(tail.draw(&mut random), 1));
                    histogram.settle();
                    histogram.estimate_of_worst(0.05, trials, 0.95).interval
                },
                truth,
            );
            println!("σ = {}, cut at {}, {trials} trials: {share}", tail.sigma, tail.end);
            assert!(share >= least - slack(runs), "σ = {}, cut at {}, {trials} trials: {share}", tail.sigma, tail.end);
        }
    }
}

fn of_batches(trials: u64, mut draw: impl FnMut() -> u64) -> BatchSums {
    let mut sums = BatchSums::new();
    (0..trials).for_each(|trial| sums.add(batch_of(trial, trials), draw()));
    sums
}

/// Means of batches: of a loss that is exponential, of long tails, and of one that few trials lose. Where one trial carries a tenth of
/// the mean and more, the interval can still be too short; results tell of such means.
#[test]
fn means_of_batches_are_covered() {
    let (mut random, runs) = (SplitMix64(105), 600_u32);
    let light = coverage(runs, || of_batches(4_096, || loss(&mut random)).estimate(4_096, 0.95).interval, 0.9 * SCALE);
    assert!((light - 0.95).abs() <= 0.01 + slack(runs), "{light}");
    let rare = Tail { probability: 0.01, ..TAILS[0] };
    for (tail, least) in TAILS.iter().chain([&rare]).zip([0.95, 0.95, 0.95, 0.94, 0.95]) {
        for trials in [1_000, 16_384] {
            let truth = tail.mean();
            let runs = if trials > 1_000 { 200 } else { 600 };
            let share = coverage(runs, || of_batches(trials, || tail.draw(&mut random)).estimate(trials, 0.95).interval, truth);
            let case = format!("σ = {}, cut at {}, P = {}, {trials} trials: {share}", tail.sigma, tail.end, tail.probability);
            println!("{case}");
            let least = if trials > 1_000 { 0.95 } else { least };
            assert!(share >= least - slack(runs) && share <= 0.99 + slack(runs), "{case}");
        }
    }
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
