//! A distribution by value with its weights, and what is asked of one.

use crate::propagation::result::{Reach, Summary, certain};
use crate::statistics::Interval;
use std::collections::BTreeMap;

/// A distribution by value; what is missing to 1 is at 0.
#[derive(Debug, Default, Clone)]
pub(super) struct Weighted(pub(super) BTreeMap<u64, f64>);

impl Weighted {
    pub(super) fn add(&mut self, value: u64, weight: f64) {
        *self.0.entry(value).or_insert(0.0) += weight;
    }

    pub(super) fn mean(&self) -> f64 {
        // An empty sum of floats is −0.
        self.0.iter().map(|(value, weight)| *value as f64 * weight).sum::<f64>() + 0.0
    }

    fn standard_deviation(&self) -> f64 {
        let mean = self.mean();
        let above_zero = self.0.iter().filter(|(value, _)| **value > 0);
        let (squares, weight) = above_zero.fold((0.0, 0.0), |(squares, sum), (value, weight)| {
            (squares + (*value as f64 - mean).powi(2) * weight, sum + weight)
        });
        (squares + (1.0 - weight).max(0.0) * mean * mean).sqrt()
    }

    pub(super) fn quantile(&self, q: f64) -> u64 {
        let above_zero: f64 = self.0.iter().filter(|(value, _)| **value > 0).map(|(_, weight)| weight).sum();
        let mut sum = 1.0 - above_zero;
        // Sums of products are a few units in the last place off.
        if sum >= q - 1e-12 {
            return 0;
        }
        for (value, weight) in self.0.iter().filter(|(value, _)| **value > 0) {
            sum += weight;
            if sum >= q - 1e-12 {
                return *value;
            }
        }
        self.0.last_key_value().map_or(0, |(value, _)| *value)
    }

    pub(super) fn mean_of_worst(&self, share: f64) -> f64 {
        let (mut left, mut sum) = (share, 0.0);
        for (value, weight) in self.0.iter().rev() {
            let part = weight.min(left);
            sum += *value as f64 * part;
            left -= part;
        }
        sum / share
    }

    pub(super) fn summary(&self, unit: impl Fn(f64) -> f64) -> Summary {
        let at = |q: f64| unit(self.quantile(q) as f64);
        let point = |value: f64| Interval { low: value, high: value };
        Summary {
            mean: certain(unit(self.mean())),
            standard_deviation: unit(self.standard_deviation()),
            p50: at(0.50),
            p90: at(0.90),
            p95: at(0.95),
            p99: at(0.99),
            es95: unit(self.mean_of_worst(0.05)),
            es95_interval: point(unit(self.mean_of_worst(0.05))),
            intervals: (point(at(0.50)), point(at(0.95))),
        }
    }
}

/// Reach as results state it.
pub(super) fn reach_of(reach: &Weighted) -> Reach {
    let mean = reach.mean();
    let variance: f64 = reach.0.iter().map(|(value, weight)| (*value as f64 - mean).powi(2) * weight).sum();
    Reach {
        mean: certain(mean),
        p50: reach.quantile(0.5),
        p90: reach.quantile(0.9),
        p99: reach.quantile(0.99),
        standard_deviation: variance.sqrt(),
        distribution: reach.0.iter().map(|(value, weight)| (*value, *weight)).collect(),
    }
}
