//! The mean of a heavy-tailed loss with an interval that does not trust the variance of single trials.
//!
//! Trials fall into 32 batches by position; the batch means are nearer to normal than the trials, and their spread gives
//! half-width = t·s/√n with s² = Σ n_b (m_b − m)²/(k − 1) for k batches of n_b trials (equal to the textbook form when all n_b are
//! equal). What skewness batch means have left makes the side of the tail longer (`skewness.rs`). Sums are integers: merging
//! is exact in any order. Breaks where a few trials of a whole run carry the mean; results say so.
//!
//! Source: Law and Kelton, Simulation Modeling and Analysis, §9.5.3; model.md §4.

use super::skewness::Deviations;
use super::{Estimate, Interval, normal};

/// Number of batches.
pub const BATCHES: usize = 32;

/// Integer sums of a non-negative quantity, by batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchSums {
    sums: [u128; BATCHES],
}

/// The batch of a trial, 0-based, in a run of `trials`; sizes differ by one at most.
///
/// # Panics
/// When `trial` is not below `trials`.
pub fn batch_of(trial: u64, trials: u64) -> usize {
    assert!(trial < trials, "trials are numbered from 0");
    match trial.checked_mul(BATCHES as u64) {
        Some(scaled) => (scaled / trials) as usize,
        None => (u128::from(trial) * BATCHES as u128 / u128::from(trials)) as usize,
    }
}

/// Number of trials in a batch.
fn batch_size(batch: usize, trials: u64) -> u64 {
    let start = |batch: usize| (batch as u128 * u128::from(trials)).div_ceil(BATCHES as u128) as u64;
    start(batch + 1) - start(batch)
}

impl BatchSums {
    /// Nothing added.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sums that were stored, as given by [`BatchSums::sums`].
    pub fn from_sums(sums: [u128; BATCHES]) -> Self {
        Self { sums }
    }

    /// The batch of a trial; see the function of this name.
    ///
    /// # Panics
    /// When `trial` is not below `trials`.
    pub fn batch_of(trial: u64, trials: u64) -> usize {
        batch_of(trial, trials)
    }

    /// Adds one trial's value to its batch. Trials of value 0 need not be added.
    ///
    /// # Panics
    /// When `batch` is not below [`BATCHES`].
    pub fn add(&mut self, batch: usize, value: u64) {
        self.sums[batch] += u128::from(value);
    }

    /// Adds other sums; associative and commutative.
    pub fn merge(&mut self, other: &Self) {
        for (own, other) in self.sums.iter_mut().zip(other.sums) {
            *own += other;
        }
    }

    /// Turns sums of a run into those of the first half of a run of twice as many trials: two batches become one, and the
    /// last 16 are empty. Exact for any number of trials: ⌊32·t/2n⌋ = ⌊⌊32·t/n⌋/2⌋.
    pub fn pair(&mut self) {
        let known = self.sums;
        self.sums = std::array::from_fn(|batch| match known.get(2 * batch..2 * batch + 2) {
            Some(two) => two[0] + two[1],
            None => 0,
        });
    }

    /// The sums, by batch.
    pub fn sums(&self) -> [u128; BATCHES] {
        self.sums
    }

    /// Mean over all trials but those of one batch.
    pub fn mean_without(&self, batch: Option<usize>, trials: u64) -> f64 {
        let (sum, trials) = match batch {
            Some(batch) => (self.total() - self.sums[batch], trials - batch_size(batch, trials)),
            None => (self.total(), trials),
        };
        if trials == 0 { 0.0 } else { sum as f64 / trials as f64 }
    }

    /// Sum over all trials.
    pub fn total(&self) -> u128 {
        self.sums.iter().sum()
    }

    /// Mean over all `trials` with its interval; low is never below 0, and low = high = mean when all batches agree.
    ///
    /// Fewer than 32 trials make as many batches. A single trial shows no spread and no trial shows nothing: the interval is
    /// then [`Interval::UNKNOWN`], which JSON can hold and nobody mistakes for a figure. Constant time.
    pub fn estimate(&self, trials: u64, confidence: f64) -> Estimate {
        if trials == 0 {
            return Estimate { mean: 0.0, interval: Interval::UNKNOWN };
        }
        let mean = self.total() as f64 / trials as f64;
        if trials == 1 {
            return Estimate { mean, interval: Interval::UNKNOWN };
        }
        let (below, above) = margins(trials, confidence, |batch, size| self.deviation(batch, size, trials));
        Estimate { mean, interval: Interval { low: (mean - below).max(0.0), high: mean + above } }
    }

    /// Batch by batch what is left without other sums, which are nowhere larger. Of trials with common random numbers the
    /// difference has the interval of paired ones.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self { sums: std::array::from_fn(|batch| self.sums[batch].saturating_sub(other.sums[batch])) }
    }

    /// Mean of what this has more than the other, both over the same trials: by batches, so that whatever trials share cancels.
    ///
    /// Not known, as for [`BatchSums::estimate`], below two trials. Where every batch differs by as much there is no doubt.
    /// Source: Law and Kelton, §10.2.1 and §11.2 (common random numbers), with batches for trials.
    pub fn difference(&self, other: &Self, trials: u64, confidence: f64) -> Estimate {
        if trials < 2 {
            return Estimate { mean: 0.0, interval: Interval::UNKNOWN };
        }
        let mean = (self.total() as f64 - other.total() as f64) / trials as f64;
        let rest = |batch, size| self.deviation(batch, size, trials) - other.deviation(batch, size, trials);
        let (below, above) = margins(trials, confidence, rest);
        Estimate { mean, interval: Interval { low: mean - below, high: mean + above } }
    }

    /// The ratio of two means over the same trials, with its interval: r = ΣA/ΣB and, by linearisation, the interval of a mean of
    /// (A − rB)/B̄ by batches; low is never below 0. Unknown where B is 0 or there are fewer than two trials.
    ///
    /// Source: Law and Kelton, §9.5.3 (batches); Cochran, Sampling Techniques, §6.4 (ratios).
    pub fn ratio_to(&self, other: &Self, trials: u64, confidence: f64) -> Estimate {
        let (above, below) = (self.total() as f64, other.total() as f64);
        if trials < 2 || below <= 0.0 {
            return Estimate { mean: 0.0, interval: Interval::UNKNOWN };
        }
        let ratio = above / below;
        let rest = |batch: usize, _| self.sums[batch] as f64 - ratio * other.sums[batch] as f64;
        let sides = margins(trials, confidence, rest);
        let [low, high] = [-sides.0, sides.1].map(|side| ratio + side / (below / trials as f64));
        Estimate { mean: ratio, interval: Interval { low: low.max(0.0), high } }
    }

    /// n_b (m_b − m): what the batch holds beyond its share, exact where the products fit 128 bits.
    fn deviation(&self, batch: usize, size: u64, trials: u64) -> f64 {
        let own = self.sums[batch].checked_mul(u128::from(trials));
        let share = self.total().checked_mul(u128::from(size));
        let scaled = match (own, share) {
            (Some(own), Some(share)) if own >= share => (own - share) as f64,
            (Some(own), Some(share)) => -((share - own) as f64),
            _ => self.sums[batch] as f64 * trials as f64 - self.total() as f64 * size as f64,
        };
        scaled / trials as f64
    }
}

/// A spread below this, relative to the value, is that of floating-point numbers.
const ROUNDING: f64 = 1e-9;

/// A function of means over the same trials, with its interval: `value` is asked for all of them (`None`), and without each of the
/// batches that hold any.
///
/// The jackknife: from θ without batch b come the pseudo-values gθ − (g − 1)θ₋b, whose mean has Student's t with g − 1 degrees. The
/// point is θ itself. For smooth functions of means such as a score; a corner of the function (a clip, a maximum) between the
/// batches widens the interval. Both sides are alike: the logarithm of a score takes most of the skewness out, and what is left of it
/// where a batch has the last trials that lose anything says nothing. O(batches) calls.
///
/// Source: Miller 1974, The jackknife: a review, Biometrika 61.
pub fn jackknife(trials: u64, confidence: f64, value: impl Fn(Option<usize>) -> f64) -> Estimate {
    let mean = value(None);
    let batches: Vec<usize> = (0..BATCHES).filter(|batch| trials > 0 && batch_size(*batch, trials) > 0).collect();
    if batches.len() < 2 {
        return Estimate { mean, interval: Interval::UNKNOWN };
    }
    let g = batches.len() as f64;
    let left_out: Vec<f64> = batches.iter().map(|batch| value(Some(*batch))).collect();
    let centre = left_out.iter().sum::<f64>() / g;
    let mut pseudo_values = Deviations::default();
    left_out.iter().for_each(|value| pseudo_values.add((g - 1.0) * (centre - value), 1.0));
    let half = pseudo_values.half_width(two_sided(confidence, pseudo_values.degrees()));
    // Where no batch matters, what is left is the rounding of the function.
    let half = if half <= ROUNDING * mean.abs().max(1.0) { 0.0 } else { half };
    Estimate { mean, interval: Interval { low: mean - half, high: mean + half } }
}

/// The quantile of Student's law for a two-sided confidence.
fn two_sided(confidence: f64, degrees: f64) -> f64 {
    -normal::student_t_quantile(0.5 * (1.0 - confidence), degrees)
}

/// How far the interval of a mean reaches below and above it, given n_b (m_b − m) for each batch and its size n_b.
fn margins(trials: u64, confidence: f64, deviation: impl Fn(usize, u64) -> f64) -> (f64, f64) {
    let mut batches = Deviations::default();
    for batch in 0..BATCHES {
        let size = batch_size(batch, trials);
        if size > 0 {
            batches.add(deviation(batch, size) / libm::sqrt(size as f64), 1.0);
        }
    }
    // Sums of batches were scaled to have the variance of a trial; the mean of all has that of a batch mean.
    let scale = libm::sqrt((BATCHES as u64).min(trials) as f64 / trials as f64);
    let (below, above) = batches.margins(two_sided(confidence, batches.degrees()));
    (below * scale, above * scale)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SplitMix64, assert_close};
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> BatchSums {
        let mut sums = BatchSums::new();
        for (trial, value) in values.iter().enumerate() {
            sums.add(batch_of(trial as u64, values.len() as u64), *value);
        }
        sums
    }

    #[test]
    fn sizes_count_the_trials_of_each_batch() {
        for trials in [1, 2, 31, 32, 33, 63, 64, 100, 1_000] {
            let mut sizes = [0; BATCHES];
            (0..trials).for_each(|trial| sizes[batch_of(trial, trials)] += 1);
            assert_eq!(sizes, std::array::from_fn(|batch| batch_size(batch, trials)), "{trials}");
        }
        assert_eq!(batch_of(u64::MAX - 1, u64::MAX), 31);
    }

    #[test]
    fn paired_batches_are_those_of_twice_as_many_trials() {
        for trials in [1_u64, 31, 32, 100, 8_192] {
            let (mut short, mut long) = (BatchSums::new(), BatchSums::new());
            for trial in 0..trials {
                short.add(batch_of(trial, trials), trial + 1);
                long.add(batch_of(trial, 2 * trials), trial + 1);
            }
            short.pair();
            assert_eq!(short, long, "{trials}");
        }
    }

    #[test]
    fn two_trials_are_two_batches() {
        // Means 1 and 3: s² = 2, half-width t(1 degree)·√(2/2) = 12.706…
        let estimate = of(&[1, 3]).estimate(2, 0.95);
        assert_eq!((estimate.mean, estimate.interval.low), (2.0, 0.0));
        assert_close(estimate.interval.high, 2.0 + 12.706_204_736_174_694, 1e-12);
    }

    #[test]
    fn equal_batches_leave_no_doubt_and_one_trial_leaves_all() {
        for trials in [2, 31, 33, 1_000, 4_097] {
            let estimate = of(&vec![7; trials]).estimate(trials as u64, 0.95);
            assert_eq!(estimate, Estimate { mean: 7.0, interval: Interval { low: 7.0, high: 7.0 } });
        }
        assert!(of(&[9]).estimate(1, 0.95).interval.is_unknown());
        assert!(BatchSums::new().estimate(0, 0.95).interval.is_unknown());
        assert_eq!(BatchSums::new().estimate(64, 0.95).interval, Interval { low: 0.0, high: 0.0 });
    }

    #[test]
    fn differences_are_paired() {
        // Large common noise, and half of the trials lose 10 less: the interval sees the second alone.
        let noise = |trial: u64| (trial * 7_919) % 1_000_003;
        let saved = |trial: u64| u64::from(trial.count_ones().is_multiple_of(2)) * 10;
        let (before, after): (Vec<u64>, Vec<u64>) = (0..4_096).map(|t| (noise(t) + 10, noise(t) + 10 - saved(t))).unzip();
        let found = of(&after).difference(&of(&before), 4_096, 0.95);
        assert_close(found.mean, -5.0, 1e-9);
        assert!(found.interval.contains(-5.0) && found.interval.high - found.interval.low < 1.0, "{found:?}");
        let same = of(&before).difference(&of(&before), 4_096, 0.95);
        assert_eq!((same.mean, same.interval), (0.0, Interval { low: 0.0, high: 0.0 }));
        assert!(of(&[1]).difference(&of(&[2]), 1, 0.95).interval.is_unknown());
        // (1, 3) against (2, 2): the differences are −1 and 1, so the half-width is t(1 degree)·√(2/2).
        let by_hand = of(&[1, 3]).difference(&of(&[2, 2]), 2, 0.95);
        assert_close(by_hand.interval.high, 12.706_204_736_174_694, 1e-12);
    }

    #[test]
    fn the_jackknife_of_a_mean_is_its_symmetric_interval_and_of_a_difference_covers() {
        let values: Vec<u64> = (0..3_200).map(|at| (at * 31) % 977).collect();
        let sums = of(&values);
        let plain = sums.estimate(3_200, 0.95);
        let found = jackknife(3_200, 0.95, |without| sums.mean_without(without, 3_200));
        assert_close(found.mean, plain.mean, 1e-12);
        // The side that has no tail.
        assert_close(found.interval.low, plain.interval.low, 1e-9);
        let scaled = jackknife(3_200, 0.95, |out| {
            libm::log10(0.3 * sums.mean_without(out, 3_200)) - libm::log10(sums.mean_without(out, 3_200))
        });
        assert_eq!(scaled.interval, Interval { low: scaled.mean, high: scaled.mean }, "a common factor leaves no doubt");
        assert!(jackknife(1, 0.95, |_| 1.0).interval.is_unknown() && jackknife(0, 0.95, |_| 1.0).interval.is_unknown());
        // log(mean b / mean a) of two exponentials that share most of their noise; 1,000 runs of 640 trials, as in the test below.
        let mut random = SplitMix64(5);
        let truth = libm::log(1.1);
        let covered = (0..1_000)
            .filter(|_| {
                let draw = |random: &mut SplitMix64| -1e6 * libm::log(random.uniform());
                let (a, b): (Vec<u64>, Vec<u64>) = (0..640)
                    .map(|_| {
                        let common = draw(&mut random);
                        (common as u64, (0.9 * common + 0.2 * draw(&mut random)) as u64)
                    })
                    .unzip();
                let (a, b) = (of(&a), of(&b));
                let value = |out| libm::log(b.mean_without(out, 640) / a.mean_without(out, 640));
                jackknife(640, 0.95, value).interval.contains(truth)
            })
            .count();
        assert!((920..=975).contains(&covered), "{covered}");
    }

    #[test]
    fn sums_beyond_128_bits_are_rounded() {
        let mut sums = [1_u128 << 120; BATCHES];
        sums[0] = 3 << 120;
        let estimate = BatchSums::from_sums(sums).estimate(32, 0.95);
        let exact = BatchSums::from_sums(sums.map(|sum| sum >> 120)).estimate(32, 0.95);
        assert_close(estimate.mean, exact.mean * 2.0_f64.powi(120), 1e-15);
        assert_close(estimate.interval.high, exact.interval.high * 2.0_f64.powi(120), 1e-12);
    }

    #[test]
    fn ratios_are_paired() {
        let both: Vec<(u64, u64)> = (1..=320).map(|at| (2 * at % 97, at % 97)).map(|(a, b)| (a + b, b + 1)).collect();
        let (a, b) = (of(&both.iter().map(|x| x.0).collect::<Vec<_>>()), of(&both.iter().map(|x| x.1).collect::<Vec<_>>()));
        let (ratio, twice) = (a.ratio_to(&b, 320, 0.95), b.ratio_to(&b, 320, 0.95));
        assert!(ratio.interval.contains(ratio.mean) && ratio.interval.high > ratio.mean);
        assert_eq!((twice.mean, twice.interval), (1.0, Interval { low: 1.0, high: 1.0 }));
        assert!(a.ratio_to(&BatchSums::new(), 320, 0.95).interval.is_unknown());
        let mut sum = b.clone();
        sum.merge(&b);
        assert_eq!(sum.minus(&b), b);
        // Of (1, 3) to (2, 2): the rests are −1 and 1, so the half-width is t(1 degree)·√(2/2)/2.
        let by_hand = of(&[1, 3]).ratio_to(&of(&[2, 2]), 2, 0.95);
        assert_close(by_hand.interval.high, 1.0 + 12.706_204_736_174_694 / 2.0, 1e-12);
    }

    #[test]
    fn the_interval_covers() {
        // 1,500 runs of 500 exponential losses (500 is not a multiple of 32). Nominal 0.95; skewness costs about half a point,
        // so with a true coverage of 0.945 the sampled one leaves 0.918..0.972 with probability below 1e-4; the seed is fixed.
        let mut random = SplitMix64(11);
        let covered = (0..1_500)
            .filter(|_| {
                let values: Vec<u64> = (0..500).map(|_| (-1e6 * libm::log(random.uniform())) as u64).collect();
                of(&values).estimate(500, 0.95).interval.contains(1e6)
            })
            .count();
        let share = covered as f64 / 1_500.0;
        assert!((0.918..=0.972).contains(&share), "{share}");
    }

    proptest! {
        #[test]
        fn merging_is_adding(a: [u64; 32], b: [u64; 32], c: [u64; 32]) {
            let [a, b, c] = [a, b, c].map(|sums| BatchSums::from_sums(sums.map(u128::from)));
            let (mut left, mut inner, mut right) = (a.clone(), c.clone(), a);
            left.merge(&b);
            left.merge(&c);
            inner.merge(&b);
            right.merge(&inner);
            prop_assert_eq!(left, right);
        }

        #[test]
        fn the_mean_is_inside(values in prop::collection::vec(any::<u32>(), 1..200)) {
            let values: Vec<u64> = values.into_iter().map(u64::from).collect();
            let estimate = of(&values).estimate(values.len() as u64, 0.95);
            prop_assert!(estimate.interval.low >= 0.0 && estimate.interval.contains(estimate.mean));
        }
    }
}
