//! The distribution of a small whole number, such as reach, without loss.
//!
//! A table value → number of trials, dense for small values. Moments are integer sums divided once at the end, so they do not depend on the order
//! of trials or of merging. Not for quantities with millions of different values: those belong into a
//! [`LogLinear`](super::LogLinear).
//!
//! Source: model.md §4, mergeability.

use super::quantile;
use std::collections::BTreeMap;

/// An exact, mergeable distribution of whole numbers over trials.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CountDistribution {
    /// By value; the last entry is not 0.
    small: Vec<u64>,
    /// Values from [`DENSE`] on; no entry is 0.
    large: BTreeMap<u64, u64>,
    total: u64,
}

/// Values below this are counted in an array.
const DENSE: u64 = 1 << 20;

impl CountDistribution {
    /// Nothing recorded.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records `count` trials with this value. O(1) below a million, else O(log d) for d different values.
    pub fn record(&mut self, value: u64, count: u64) {
        // An entry without trials would make equal distributions unequal.
        if count == 0 {
            return;
        }
        self.total += count;
        if value >= DENSE {
            *self.large.entry(value).or_insert(0) += count;
            return;
        }
        let at = value as usize;
        if at >= self.small.len() {
            self.small.resize(at + 1, 0);
        }
        self.small[at] += count;
    }

    /// Adds another distribution; associative and commutative.
    pub fn merge(&mut self, other: &Self) {
        for (value, count) in other.iter() {
            self.record(value, count);
        }
    }

    /// Number of trials recorded.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The different values with their numbers of trials, rising.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        let small = self.small.iter().enumerate().filter(|(_, count)| **count > 0).map(|(value, count)| (value as u64, *count));
        small.chain(self.large.iter().map(|(value, count)| (*value, *count)))
    }

    /// Largest value recorded, 0 if none.
    pub fn largest(&self) -> u64 {
        self.large.last_key_value().map_or((self.small.len() as u64).saturating_sub(1), |(value, _)| *value)
    }

    /// Mean, 0 without trials. Exact up to one rounding.
    pub fn mean(&self) -> f64 {
        if self.total == 0 {
            return 0.0;
        }
        let sum: u128 = self.iter().map(|(value, count)| u128::from(value) * u128::from(count)).sum();
        sum as f64 / self.total as f64
    }

    /// Variance of the recorded distribution (divided by n, not n − 1), 0 without trials.
    pub fn variance(&self) -> f64 {
        if self.total == 0 {
            return 0.0;
        }
        self.exact_scaled_variance().map_or_else(
            || {
                // Too large for 128 bits: two passes, rising values.
                let mean = self.mean();
                let sum = self.iter().fold(0.0, |sum, (value, count)| sum + count as f64 * (value as f64 - mean).powi(2));
                sum / self.total as f64
            },
            |scaled| scaled as f64 / (self.total as f64 * self.total as f64),
        )
    }

    /// n Σ x² − (Σ x)², or `None` where it does not fit.
    fn exact_scaled_variance(&self) -> Option<u128> {
        let (mut sum, mut squares) = (0_u128, 0_u128);
        for (value, count) in self.iter() {
            let part = u128::from(value).checked_mul(u128::from(count))?;
            sum = sum.checked_add(part)?;
            squares = squares.checked_add(part.checked_mul(u128::from(value))?)?;
        }
        // Never negative, by Cauchy and Schwarz.
        squares.checked_mul(u128::from(self.total))?.checked_sub(sum.checked_mul(sum)?)
    }

    /// The smallest x with F(x) ≥ q, 0 without trials. O(d).
    pub fn quantile(&self, q: f64) -> u64 {
        self.of_rank(quantile::rank(self.total, q))
    }

    /// The order statistic of a 1-based rank; 0 for rank 0, as no number is smaller, and beyond the last one. O(d).
    pub fn of_rank(&self, rank: u64) -> u64 {
        if rank == 0 {
            return 0;
        }
        let mut seen = 0;
        self.iter()
            .find(|(_, count)| {
                seen += count;
                seen >= rank
            })
            .map_or(0, |(value, _)| value)
    }

    /// Number of trials with at least this value; over [`CountDistribution::total`] it is the input of an exact interval.
    pub fn trials_at_least(&self, value: u64) -> u64 {
        self.iter().filter(|(known, _)| *known >= value).map(|(_, count)| count).sum()
    }

    /// Share of trials with at least this value, 0 without trials.
    pub fn probability_at_least(&self, value: u64) -> f64 {
        if self.total == 0 { 0.0 } else { self.trials_at_least(value) as f64 / self.total as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> CountDistribution {
        let mut distribution = CountDistribution::new();
        values.iter().for_each(|value| distribution.record(*value, 1));
        distribution
    }

    #[test]
    fn figures_of_a_small_sample() {
        let distribution = of(&[1, 1, 2, 4]);
        assert_eq!((distribution.mean(), distribution.variance()), (2.0, 1.5));
        assert_eq!([0.0, 0.5, 0.51, 0.75, 0.76, 1.0].map(|q| distribution.quantile(q)), [1, 1, 2, 2, 4, 4]);
        assert_eq!((distribution.probability_at_least(2), distribution.probability_at_least(5)), (0.5, 0.0));
        assert_eq!(distribution.largest(), 4);
    }

    #[test]
    fn nothing_recorded_is_zero() {
        let empty = CountDistribution::new();
        assert_eq!((empty.mean(), empty.variance(), empty.quantile(0.5), empty.largest()), (0.0, 0.0, 0, 0));
        assert_eq!(empty.probability_at_least(0), 0.0);
        let mut same = empty.clone();
        same.record(7, 0);
        assert_eq!(same, empty);
    }

    #[test]
    fn huge_values_fall_back_to_floating_point() {
        let distribution = of(&[0, u64::MAX]);
        let expected = (u64::MAX as f64 / 2.0).powi(2);
        assert!((distribution.variance() / expected - 1.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn merging_is_recording(a: Vec<u16>, b: Vec<u16>, c: Vec<u16>) {
            let [a, b, c] = [a, b, c].map(|values| values.into_iter().map(u64::from).collect::<Vec<_>>());
            let mut left = of(&a);
            left.merge(&of(&b));
            left.merge(&of(&c));
            let mut right = of(&c);
            right.merge(&of(&b));
            let mut outer = of(&a);
            outer.merge(&right);
            prop_assert_eq!(&left, &outer);
            prop_assert_eq!(&left, &of(&[a, b, c].concat()));
        }

        #[test]
        fn quantiles_are_order_statistics(mut values in prop::collection::vec(0_u64..50, 1..60), q in 0.0..=1.0_f64) {
            let distribution = of(&values);
            values.sort_unstable();
            prop_assert_eq!(distribution.quantile(q), values[quantile::rank(values.len() as u64, q) as usize - 1]);
        }
    }
}
