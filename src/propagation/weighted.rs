//! A distribution by value with its weights, and what is asked of one.

use crate::propagation::result::{Quantile, Reach, Summary, certain};
use crate::statistics::CompensatedSum;
use std::collections::BTreeMap;

/// A distribution by value; what is missing to 1 is at 0.
#[derive(Debug, Default, Clone)]
pub(super) struct Weighted(BTreeMap<u64, CompensatedSum>);

impl Weighted {
    pub(super) fn add(&mut self, value: u64, weight: f64) {
        self.0.entry(value).or_default().add(weight);
    }

    /// Values with their weights, in order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, f64)> + '_ {
        self.0.iter().map(|(value, weight)| (*value, weight.value()))
    }

    fn above_zero(&self) -> impl Iterator<Item = (u64, f64)> + '_ {
        self.iter().filter(|(value, _)| *value > 0)
    }

    pub(super) fn mean(&self) -> f64 {
        self.iter().map(|(value, weight)| value as f64 * weight).collect::<CompensatedSum>().value()
    }

    fn standard_deviation(&self) -> f64 {
        let mean = self.mean();
        let squares: CompensatedSum = self.above_zero().map(|(value, weight)| (value as f64 - mean).powi(2) * weight).collect();
        let weight: CompensatedSum = self.above_zero().map(|(_, weight)| weight).collect();
        (squares.value() + (1.0 - weight.value()).max(0.0) * mean * mean).sqrt()
    }

    pub(super) fn quantile(&self, q: f64) -> u64 {
        let above_zero: CompensatedSum = self.above_zero().map(|(_, weight)| weight).collect();
        let mut sum = 1.0 - above_zero.value();
        // Sums of products are a few units in the last place off.
        if sum >= q - 1e-12 {
            return 0;
        }
        for (value, weight) in self.above_zero() {
            sum += weight;
            if sum >= q - 1e-12 {
                return value;
            }
        }
        self.0.last_key_value().map_or(0, |(value, _)| *value)
    }

    pub(super) fn mean_of_worst(&self, share: f64) -> f64 {
        let (mut left, mut sum) = (share, 0.0);
        for (value, weight) in self.iter().rev() {
            let part = weight.min(left);
            sum += value as f64 * part;
            left -= part;
        }
        sum / share
    }

    pub(super) fn summary(&self, unit: impl Fn(f64) -> f64) -> Summary {
        let at = |q: f64| Quantile::certain(unit(self.quantile(q) as f64));
        Summary {
            mean: certain(unit(self.mean())),
            standard_deviation: unit(self.standard_deviation()),
            p50: at(0.50),
            p90: at(0.90),
            p95: at(0.95),
            p99: at(0.99),
            es95: certain(unit(self.mean_of_worst(0.05))),
            worst_trial_share: 0.0,
        }
    }
}

/// Reach as results state it.
pub(super) fn reach_of(reach: &Weighted) -> Reach {
    let mean = reach.mean();
    let variance: CompensatedSum = reach.iter().map(|(value, weight)| (value as f64 - mean).powi(2) * weight).collect();
    Reach {
        mean: certain(mean),
        p50: Quantile::certain_count(reach.quantile(0.5)),
        p90: Quantile::certain_count(reach.quantile(0.9)),
        p99: Quantile::certain_count(reach.quantile(0.99)),
        standard_deviation: variance.value().sqrt(),
        distribution: reach.iter().collect(),
    }
}
