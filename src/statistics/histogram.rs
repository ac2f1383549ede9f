//! Quantiles and tail means of whole numbers over many orders of magnitude, in little and mergeable memory.
//!
//! Values below 2^11 have a bucket each; above, every octave has 1,024, so a bucket is narrower than 1/1,024 of its values and a
//! quantile is high by less than 0.1 %. Only buckets in use are stored. All state is integers and merging adds them: associative,
//! commutative, the same bytes in any order. Trials that recorded nothing count as 0 and need no memory; the number of all trials
//! is therefore an argument. Not a t-digest, whose result depends on the order of merging.
//!
//! Source: G. Tene, HdrHistogram (3 digits); model.md §4; Rockafellar and Uryasev 2000 for the fractional trial at the edge of
//! the expected shortfall.

use super::{Estimate, Interval, normal, quantile};
use std::borrow::Cow;

/// Sub-buckets of an octave, as a power of 2.
const PRECISION_BITS: u32 = 10;

/// One bucket in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Values in it, at least 1.
    pub count: u64,
    /// Smallest value seen.
    pub smallest: u64,
    /// Largest value seen.
    pub largest: u64,
    /// Sum of the values.
    pub sum: u128,
}

impl Bucket {
    /// Could recording have made it?
    pub fn is_sound(&self) -> bool {
        let (count, own) = (u128::from(self.count), bucket_of(self.largest));
        let fits = |value: u64| u128::from(value).checked_mul(count);
        self.count > 0
            && self.smallest <= self.largest
            && bucket_of(self.smallest) == own
            && fits(self.smallest).is_some_and(|least| least <= self.sum)
            && fits(self.largest).is_some_and(|most| self.sum <= most)
    }

    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.smallest = self.smallest.min(other.smallest);
        self.largest = self.largest.max(other.largest);
        self.sum += other.sum;
    }
}

/// A sparse log-linear histogram of `u64` values with relative error at most 1/1,024.
#[derive(Debug, Clone, Default)]
pub struct LogLinear {
    /// Buckets in use, by rising index.
    buckets: Vec<(u32, Bucket)>,
    /// Values that have no bucket yet: sorting many at a time is much cheaper than finding a place for each, and a value takes an
    /// eighth of the room of a bucket or less.
    pending: Vec<u32>,
    total: u64,
}

impl PartialEq for LogLinear {
    fn eq(&self, other: &Self) -> bool {
        self.total == other.total && self.settled() == other.settled()
    }
}

impl Eq for LogLinear {}

/// Values that wait at least, before they are sorted in. A bucket takes the room of sixteen of them.
const FEWEST_PENDING: usize = 4_096;

/// The bucket of a value: rising with it, below 2^16.
fn bucket_of(value: u64) -> u32 {
    // Shifting keeps the leading bit and ten more; exact values and the first octave need no shift.
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(PRECISION_BITS + 1);
    (shift << PRECISION_BITS) + (value >> shift) as u32
}

impl LogLinear {
    /// Nothing recorded.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records `count` trials with this value. Amortised O(log b) for b buckets in use, at most 56,320.
    pub fn record(&mut self, value: u64, count: u64) {
        match count {
            // A bucket without values would make equal histograms unequal.
            0 => {}
            1 if value <= u64::from(u32::MAX) => {
                self.total += 1;
                self.pending.push(value as u32);
                if self.pending.len() >= self.most_pending() {
                    self.settle();
                }
            }
            _ => {
                let sum = u128::from(value) * u128::from(count);
                self.total += count;
                self.add_all(vec![(bucket_of(value), Bucket { count, smallest: value, largest: value, sum })]);
            }
        }
    }

    /// Gives every value its bucket. Everything works without, only slower.
    pub fn settle(&mut self) {
        if !self.pending.is_empty() {
            let mut pending = std::mem::take(&mut self.pending);
            self.add_all(buckets_of(&mut pending));
            pending.clear();
            self.pending = pending;
        }
    }

    /// Merges rising buckets into the own ones, in place and from behind, so that each is moved at most twice. O(b).
    fn add_all(&mut self, others: Vec<(u32, Bucket)>) {
        if self.buckets.is_empty() {
            self.buckets = others;
            return;
        }
        let Some(first) = others.first() else { return };
        let (mut left, mut right) = (self.buckets.len(), others.len());
        let mut write = left + right;
        self.buckets.resize(write, *first);
        while right > 0 {
            let (index, other) = others[right - 1];
            write -= 1;
            if left > 0 && self.buckets[left - 1].0 >= index {
                left -= 1;
                self.buckets[write] = self.buckets[left];
                if self.buckets[write].0 == index {
                    self.buckets[write].1.add(other);
                    right -= 1;
                }
            } else {
                self.buckets[write] = (index, other);
                right -= 1;
            }
        }
        // Every pair that became one leaves a gap between what stayed and what moved.
        self.buckets.drain(left..write);
    }

    /// All buckets, those of pending values included.
    fn settled(&self) -> Cow<'_, [(u32, Bucket)]> {
        if self.pending.is_empty() {
            return Cow::Borrowed(&self.buckets);
        }
        let mut copy = self.clone();
        copy.settle();
        Cow::Owned(copy.buckets)
    }

    /// Adds another histogram; associative and commutative. O(b).
    pub fn merge(&mut self, other: &Self) {
        self.total += other.total;
        if other.buckets.is_empty() {
            self.pending.extend_from_slice(&other.pending);
            if self.pending.len() >= self.most_pending() {
                self.settle();
            }
        } else {
            self.settle();
            self.add_all(other.settled().into_owned());
        }
    }

    fn most_pending(&self) -> usize {
        (self.buckets.len() * 4).max(FEWEST_PENDING)
    }

    /// Number of values recorded, without the implicit zeros.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Exact sum of all values.
    pub fn sum(&self) -> u128 {
        self.settled().iter().map(|(_, bucket)| bucket.sum).sum()
    }

    /// The buckets in use, rising.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> {
        self.settled().into_owned().into_iter().map(|(_, bucket)| bucket)
    }

    /// Rebuilds a histogram from [`LogLinear::buckets`], as when a part of a run was stored.
    pub fn from_buckets(buckets: impl IntoIterator<Item = Bucket>) -> Self {
        let used = buckets.into_iter().filter(|bucket| bucket.count > 0);
        let mut all: Vec<(u32, Bucket)> = used.map(|bucket| (bucket_of(bucket.largest), bucket)).collect();
        all.sort_by_key(|(index, _)| *index);
        let mut histogram = Self::new();
        for (index, bucket) in all {
            histogram.total += bucket.count;
            match histogram.buckets.last_mut() {
                Some((known, sum)) if *known == index => sum.add(bucket),
                _ => histogram.buckets.push((index, bucket)),
            }
        }
        histogram
    }

    /// Largest value recorded, 0 if none.
    pub fn largest(&self) -> u64 {
        self.settled().last().map_or(0, |(_, bucket)| bucket.largest)
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
        let mut seen = trials.saturating_sub(self.total);
        if rank <= seen {
            return 0;
        }
        for (_, bucket) in self.settled().iter() {
            seen += bucket.count;
            if seen >= rank {
                return bucket.largest;
            }
        }
        self.largest()
    }

    /// Number of values above a limit, over all trials the input of an exact interval. Exact where the limit is below 2^11;
    /// otherwise a bucket that straddles the limit counts in proportion to where the limit lies between its ends. O(b).
    pub fn trials_above(&self, limit: u64) -> u64 {
        let straddles = |bucket: &Bucket| bucket.smallest <= limit && bucket.largest > limit;
        let settled = self.settled();
        let buckets = || settled.iter().map(|(_, bucket)| bucket);
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
        for (_, bucket) in self.settled().iter().rev() {
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
    /// at the edge; low is never below 0. Unknown where fewer than two trials lie in the tail. O(b).
    ///
    /// Source: model.md §4; Manistre and Hancock 2005.
    pub fn estimate_of_worst(&self, share: f64, trials: u64, confidence: f64) -> Estimate {
        let mean = self.mean_of_worst(share, trials);
        let share = share.clamp(0.0, 1.0);
        if share * (trials as f64) < 2.0 {
            return Estimate { mean, interval: Interval::UNKNOWN };
        }
        let (edge, n) = (self.quantile(1.0 - share, trials) as f64, trials as f64);
        let (mut sum, mut squares) = (0.0, 0.0);
        for (_, bucket) in self.settled().iter().rev() {
            let excess = (bucket.sum as f64 / bucket.count as f64 - edge).max(0.0);
            sum += excess * bucket.count as f64;
            squares += excess * excess * bucket.count as f64;
        }
        let variance = ((squares - sum * sum / n) / (n - 1.0)).max(0.0);
        let half = -normal::quantile(0.5 * (1.0 - confidence)) * libm::sqrt(variance / n) / share;
        Estimate { mean, interval: Interval { low: (mean - half).max(0.0), high: mean + half } }
    }
}

/// Buckets of values, rising. Sorts the values. O(n log n).
fn buckets_of(values: &mut [u32]) -> Vec<(u32, Bucket)> {
    values.sort_unstable();
    let mut buckets: Vec<(u32, Bucket)> = Vec::new();
    for value in values.iter().map(|value| u64::from(*value)) {
        let (index, bucket) = (bucket_of(value), Bucket { count: 1, smallest: value, largest: value, sum: value.into() });
        match buckets.last_mut() {
            Some((last, same)) if *last == index => same.add(bucket),
            _ => buckets.push((index, bucket)),
        }
    }
    buckets
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
    fn buckets_are_fine_and_in_order() {
        assert_eq!((bucket_of(0), bucket_of(2_047), bucket_of(2_048), bucket_of(u64::MAX)), (0, 2_047, 2_048, 56_319));
        for octave in 11..64 {
            let start = 1_u64 << octave;
            assert_eq!(bucket_of(start), bucket_of(start - 1) + 1);
            assert_eq!(bucket_of(start), bucket_of(start + (start >> 10) - 1));
            assert_eq!(bucket_of(start) + 1, bucket_of(start + (start >> 10)));
        }
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
