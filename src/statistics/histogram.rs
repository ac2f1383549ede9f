//! Quantiles and tail means of whole numbers over many orders of magnitude, in little and mergeable memory.
//!
//! Values below 2^11 have a bucket each; above, every octave has 1,024, so a bucket is narrower than 1/1,024 of its values and a
//! quantile is high by less than 0.1 %. Only buckets in use are stored. All state is integers and merging adds them: associative,
//! commutative, the same bytes in any order. Trials that recorded nothing count as 0 and need no memory; the number of all trials
//! is therefore an argument. Not a t-digest, whose result depends on the order of merging.
//!
//! Source: G. Tene, HdrHistogram (3 digits); model.md §4; Rockafellar and Uryasev 2000 for the fractional trial at the edge of
//! the expected shortfall.

use super::buckets::Buckets;
use super::skewness::Deviations;
use super::{Estimate, Interval, normal, quantile};
use std::borrow::Cow;

pub use super::buckets::Bucket;

/// A sparse log-linear histogram of `u64` values with relative error at most 1/1,024.
#[derive(Debug, Clone, Default)]
pub struct LogLinear {
    buckets: Buckets,
    /// Values that have no bucket yet: sorting many at a time is much cheaper than finding a place for each, and a value takes a
    /// third of the room of a bucket.
    pending: Vec<u64>,
    total: u64,
}

impl PartialEq for LogLinear {
    fn eq(&self, other: &Self) -> bool {
        self.total == other.total && self.settled().iter().eq(other.settled().iter())
    }
}

impl Eq for LogLinear {}

/// Values that wait at least, before they are sorted in.
const FEWEST_PENDING: usize = 1 << 10;
/// The same of a quantity that takes so many different values that there are [`MANY_BUCKETS`]: about as much room as its buckets
/// will take.
const MANY_PENDING: usize = 1 << 14;
const MANY_BUCKETS: usize = 1 << 8;

impl LogLinear {
    /// Nothing recorded.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records `count` trials with this value. Amortised constant time for single values.
    pub fn record(&mut self, value: u64, count: u64) {
        match count {
            // A bucket without values would make equal histograms unequal.
            0 => {}
            1 => self.record_all(&[value]),
            _ => {
                self.total += count;
                let sum = u128::from(value) * u128::from(count);
                self.buckets.merge(Buckets::of(Bucket { count, smallest: value, largest: value, sum }), self.total);
            }
        }
    }

    /// Records a trial for each value.
    pub fn record_all(&mut self, values: &[u64]) {
        self.total += values.len() as u64;
        self.pending.extend_from_slice(values);
        if self.pending.len() >= self.most_pending() {
            self.settle();
        }
    }

    /// Gives every value its bucket. Everything works without, only slower.
    pub fn settle(&mut self) {
        if !self.pending.is_empty() {
            self.buckets.add_values(&mut self.pending, self.total);
            self.pending.clear();
        }
    }

    /// All buckets, those of pending values included.
    fn settled(&self) -> Cow<'_, Buckets> {
        if self.pending.is_empty() {
            return Cow::Borrowed(&self.buckets);
        }
        let mut copy = self.clone();
        copy.settle();
        Cow::Owned(copy.buckets)
    }

    /// Adds another histogram; associative and commutative. O(b).
    pub fn merge(&mut self, other: &Self) {
        self.record_all(&other.pending);
        if other.buckets.len() > 0 {
            self.total += other.total - other.pending.len() as u64;
            self.buckets.merge(other.buckets.clone(), self.total);
        }
    }

    fn most_pending(&self) -> usize {
        let buckets = self.buckets.len();
        (3 * buckets).max(if buckets < MANY_BUCKETS { FEWEST_PENDING } else { MANY_PENDING })
    }

    /// Number of values recorded, without the implicit zeros.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Exact sum of all values.
    pub fn sum(&self) -> u128 {
        self.settled().iter().map(|bucket| bucket.sum).sum()
    }

    /// The buckets in use, rising.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> {
        self.settled().iter().collect::<Vec<_>>().into_iter()
    }

    /// Rebuilds a histogram from [`LogLinear::buckets`], as when a part of a run was stored.
    pub fn from_buckets(buckets: impl IntoIterator<Item = Bucket>) -> Self {
        let mut all: Vec<Bucket> = buckets.into_iter().filter(|bucket| bucket.count > 0).collect();
        all.sort_by_key(|bucket| bucket.largest);
        let mut histogram = Self::new();
        for bucket in all {
            histogram.total += bucket.count;
            histogram.buckets.merge(Buckets::of(bucket), histogram.total);
        }
        histogram
    }

    /// Largest value recorded, 0 if none.
    pub fn largest(&self) -> u64 {
        self.settled().iter().next_back().map_or(0, |bucket| bucket.largest)
    }

    /// The smallest x with F(x) ≥ q over `trials` trials, those without a record at 0; 0 without trials. Never low, high by
    /// less than 1/1,024, exact where the bucket has a single value. O(b).
    pub fn quantile(&self, q: f64, trials: u64) -> u64 {
        self.quantile_rank(quantile::rank(trials, q), trials)
    }

    /// The order statistic of a 1-based rank among `trials` trials, with the error of [`LogLinear::quantile`]. O(b).
    ///
    /// Rank 0, "no order statistic is low enough", is 0. A rank above `trials`, "none is high enough", is the largest value,
    /// which is then *not* a bound: the caller must say so.
    pub fn quantile_rank(&self, rank: u64, trials: u64) -> u64 {
        self.bucket_of_rank(rank, trials).map_or(0, |bucket| bucket.largest)
    }

    /// A lower bound of the same order statistic, low by less than 0.1 %: the lower end of an interval. O(b).
    pub fn low_of_rank(&self, rank: u64, trials: u64) -> u64 {
        self.bucket_of_rank(rank, trials).map_or(0, |bucket| bucket.smallest)
    }

    /// The bucket that holds the trial of a rank, the last one for higher ranks; `None` for trials without a record.
    fn bucket_of_rank(&self, rank: u64, trials: u64) -> Option<Bucket> {
        let mut seen = trials.saturating_sub(self.total);
        if rank <= seen {
            return None;
        }
        let settled = self.settled();
        settled
            .iter()
            .find(|bucket| {
                seen += bucket.count;
                seen >= rank
            })
            .or_else(|| settled.iter().next_back())
    }

    /// Number of values above a limit, over all trials the input of an exact interval. Exact where the limit is below 2^11;
    /// otherwise a bucket that straddles the limit counts in proportion to where the limit lies between its ends. O(b).
    pub fn trials_above(&self, limit: u64) -> u64 {
        let straddles = |bucket: &Bucket| bucket.smallest <= limit && bucket.largest > limit;
        let settled = self.settled();
        let buckets = || settled.iter();
        let above = buckets().filter(|bucket| bucket.smallest > limit).map(|bucket| bucket.count).sum::<u64>();
        above
            + buckets().find(|bucket| straddles(bucket)).map_or(0, |bucket| {
                let share = (bucket.largest - limit) as f64 / (bucket.largest - bucket.smallest) as f64;
                // Something lies above, and something does not.
                ((share * bucket.count as f64).round() as u64).clamp(1, bucket.count - 1)
            })
    }

    /// Expected shortfall: the mean of the worst `share` of `trials` trials, those without a record at 0.
    ///
    /// A fraction of a trial at the edge counts by that fraction. The bucket cut by the edge enters by its mean, an error of less
    /// than 1/1,024. 0 without trials. O(b).
    pub fn mean_of_worst(&self, share: f64, trials: u64) -> f64 {
        let wanted = share.clamp(0.0, 1.0) * trials as f64;
        if wanted <= 0.0 {
            return 0.0;
        }
        let (mut count, mut sum) = (0_u64, 0_u128);
        for bucket in self.settled().iter().rev() {
            let room = wanted - count as f64;
            if room < bucket.count as f64 {
                let part = bucket.sum as f64 / bucket.count as f64 * room.max(0.0);
                return (sum as f64 + part) / wanted;
            }
            count += bucket.count;
            sum += bucket.sum;
        }
        // The remaining trials lost nothing.
        sum as f64 / wanted
    }
}

impl LogLinear {
    /// [`LogLinear::mean_of_worst`] with its large-sample interval, ES ± z·SE with SE = sd((L − q)⁺)/(share·√n), q being the quantile
    /// at the edge, longer on the side of the tail; low is never below 0. Unknown where fewer than two trials lie in the tail, or have
    /// a record at all. O(b).
    ///
    /// Source: model.md §4; Manistre and Hancock 2005; for the sides, `skewness.rs`.
    pub fn estimate_of_worst(&self, share: f64, trials: u64, confidence: f64) -> Estimate {
        let mean = self.mean_of_worst(share, trials);
        let share = share.clamp(0.0, 1.0);
        if share * (trials as f64) < 2.0 || self.total < 2 {
            return Estimate { mean, interval: Interval::UNKNOWN };
        }
        let (edge, n) = (self.quantile(1.0 - share, trials) as f64, trials as f64);
        let settled = self.settled();
        let excesses = || {
            let excess = |bucket: Bucket| ((bucket.sum as f64 / bucket.count as f64 - edge).max(0.0), bucket.count as f64);
            settled.iter().rev().map(excess).take_while(|(excess, _)| *excess > 0.0)
        };
        let centre = excesses().map(|(excess, count)| excess * count).sum::<f64>() / n;
        let (mut deviations, mut rest) = (Deviations::default(), n);
        for (excess, count) in excesses() {
            deviations.add(excess - centre, count);
            rest -= count;
        }
        deviations.add(-centre, rest);
        let (below, above) = deviations.margins(-normal::quantile(0.5 * (1.0 - confidence)));
        Estimate { mean, interval: Interval { low: (mean - below / share).max(0.0), high: mean + above / share } }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::assert_close;
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> LogLinear {
        let mut histogram = LogLinear::new();
        values.iter().for_each(|value| histogram.record(*value, 1));
        histogram
    }

    /// Values of every magnitude, zero included.
    fn values() -> impl Strategy<Value = Vec<u64>> {
        let value = (any::<u64>(), 0_u32..64).prop_map(|(bits, shift)| bits >> shift);
        prop::collection::vec(value, 0..40)
    }

    #[test]
    fn trials_without_a_record_are_zero() {
        let histogram = of(&[10, 20, 1_000_003]);
        assert_eq!([0.5, 0.97, 0.98, 0.99, 1.0].map(|q| histogram.quantile(q, 100)), [0, 0, 10, 20, 1_000_003]);
        assert_eq!(histogram.quantile_rank(0, 3), 0);
        assert_eq!(histogram.quantile_rank(4, 3), 1_000_003);
        assert_eq!((LogLinear::new().quantile(0.5, 10), LogLinear::new().quantile(0.5, 0)), (0, 0));
    }

    #[test]
    fn the_worst_trials_are_averaged() {
        let histogram = of(&[10, 20, 1_000_003]);
        assert_eq!(histogram.mean_of_worst(0.01, 100), 1_000_003.0);
        assert_eq!(histogram.mean_of_worst(0.02, 100), 500_011.5);
        assert_close(histogram.mean_of_worst(0.015, 100), (1_000_003.0 + 10.0) / 1.5, 1e-14);
        assert_close(histogram.mean_of_worst(0.05, 100), 1_000_033.0 / 5.0, 1e-14);
        assert_close(histogram.mean_of_worst(1.0, 100), 10_000.33, 1e-14);
        assert_eq!((histogram.mean_of_worst(0.0, 100), LogLinear::new().mean_of_worst(0.05, 100)), (0.0, 0.0));
    }

    #[test]
    fn exceedances_are_counted() {
        let histogram = of(&[10, 20, 20, 1_000_003]);
        assert_eq!([9, 10, 20, 1_000_002, 1_000_003].map(|limit| histogram.trials_above(limit)), [4, 3, 1, 1, 0]);
        let straddled = of(&[1 << 30, (1 << 30) + 10, (1 << 30) + 1_000]);
        assert_eq!(straddled.trials_above((1 << 30) + 500), 2);
    }

    #[test]
    fn the_largest_values_fit() {
        let mut histogram = LogLinear::new();
        histogram.record(u64::MAX, u64::MAX);
        assert_eq!(histogram.sum(), u128::from(u64::MAX) * u128::from(u64::MAX));
        assert_close(histogram.mean_of_worst(0.5, u64::MAX), u64::MAX as f64, 1e-15);
    }

    proptest! {
        #[test]
        fn merging_is_recording(a in values(), b in values(), c in values()) {
            let mut left = of(&a);
            left.merge(&of(&b));
            left.merge(&of(&c));
            let mut inner = of(&c);
            inner.merge(&of(&b));
            let mut right = of(&a);
            right.merge(&inner);
            prop_assert_eq!(&left, &right);
            prop_assert_eq!(&left, &of(&[a, b, c].concat()));
            prop_assert_eq!(&LogLinear::from_buckets(left.buckets()), &left);
        }

        #[test]
        fn quantiles_are_within_a_thousandth(values in values(), zeros in 0_u64..20, q in 0.0..=1.0_f64) {
            let histogram = of(&values);
            let mut all: Vec<u64> = values.iter().copied().chain((0..zeros).map(|_| 0)).collect();
            all.sort_unstable();
            let trials = all.len() as u64;
            let rank = quantile::rank(trials, q);
            let exact = if trials == 0 { 0 } else { all[rank as usize - 1] };
            let found = histogram.quantile(q, trials);
            prop_assert!(found >= exact);
            prop_assert!((found - exact) as f64 <= exact as f64 / 1_024.0, "{} for {}", found, exact);
            prop_assert!(exact >= 2_048 || found == exact);
        }

        #[test]
        fn shortfall_is_within_a_thousandth(values in values(), zeros in 0_u64..20, worst in 1_usize..60) {
            let mut all: Vec<u64> = values.iter().copied().chain((0..zeros).map(|_| 0)).collect();
            prop_assume!(!all.is_empty());
            all.sort_unstable();
            let worst = worst.min(all.len());
            let exact = all.iter().rev().take(worst).map(|value| *value as f64).sum::<f64>() / worst as f64;
            let found = of(&values).mean_of_worst(worst as f64 / all.len() as f64, all.len() as u64);
            prop_assert!((found - exact).abs() <= exact / 1_024.0 + 1e-9, "{} for {}", found, exact);
        }
    }
}
