//! Numbers of a record with their intervals, in the order of the contract: what is added to it comes after.

use super::number::is_unknown;
use crate::propagation::result::{JourneyResult, Quantile, Reach, StateMinutes, Summary};
use crate::statistics::{Estimate, Interval};
use schemars::JsonSchema;
use serde::Serialize;

/// Zero has no sign in a record.
pub(super) fn unsigned(value: f64) -> f64 {
    value + 0.0
}

/// An interval; `null` where unknown.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Ends(Option<[f64; 2]>);

impl From<Interval> for Ends {
    fn from(interval: Interval) -> Self {
        Self((!is_unknown(interval)).then_some([unsigned(interval.low), unsigned(interval.high)]))
    }
}

#[derive(Debug, Serialize)]
pub(super) struct ReachRecord {
    mean: f64,
    interval: Ends,
    p50: u64,
    p90: u64,
    p99: u64,
    standard_deviation: f64,
    p50_interval: Ends,
    p90_interval: Ends,
    p99_interval: Ends,
}

impl From<&Reach> for ReachRecord {
    fn from(reach: &Reach) -> Self {
        Self {
            mean: unsigned(reach.mean.mean),
            interval: reach.mean.interval.into(),
            p50: reach.p50.value,
            p90: reach.p90.value,
            p99: reach.p99.value,
            standard_deviation: unsigned(reach.standard_deviation),
            p50_interval: reach.p50.interval.into(),
            p90_interval: reach.p90.interval.into(),
            p99_interval: reach.p99.interval.into(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Chance {
    probability: f64,
    interval: Ends,
}

impl From<Estimate> for Chance {
    fn from(estimate: Estimate) -> Self {
        Self { probability: unsigned(estimate.mean), interval: estimate.interval.into() }
    }
}

/// A mean with its interval.
#[derive(Debug, Serialize)]
pub(super) struct Mean {
    mean: f64,
    interval: Ends,
}

impl From<Estimate> for Mean {
    fn from(estimate: Estimate) -> Self {
        Self { mean: unsigned(estimate.mean), interval: estimate.interval.into() }
    }
}

/// A mean and quantiles, in the order of the contract.
#[derive(Debug, Serialize)]
struct Values {
    mean: f64,
    interval: Ends,
    p50: f64,
    p90: f64,
    p95: f64,
    p99: f64,
}

impl From<&Summary> for Values {
    fn from(summary: &Summary) -> Self {
        let Summary { mean, p50, p90, p95, p99, .. } = *summary;
        let [p50, p90, p95, p99] = [p50, p90, p95, p99].map(|quantile| unsigned(quantile.value));
        Self { mean: unsigned(mean.mean), interval: mean.interval.into(), p50, p90, p95, p99 }
    }
}

/// Intervals of the quantiles.
#[derive(Debug, Serialize)]
struct QuantileIntervals {
    p50_interval: Ends,
    p90_interval: Ends,
    p95_interval: Ends,
    p99_interval: Ends,
}

impl From<&Summary> for QuantileIntervals {
    fn from(summary: &Summary) -> Self {
        Self {
            p50_interval: summary.p50.interval.into(),
            p90_interval: summary.p90.interval.into(),
            p95_interval: summary.p95.interval.into(),
            p99_interval: summary.p99.interval.into(),
        }
    }
}

/// Times of a service.
#[derive(Debug, Serialize)]
pub(super) struct Times {
    #[serde(flatten)]
    values: Values,
    #[serde(flatten)]
    intervals: QuantileIntervals,
}

impl From<&Summary> for Times {
    fn from(summary: &Summary) -> Self {
        Self { values: summary.into(), intervals: summary.into() }
    }
}

/// Losses, with the mean of the worst 5 %.
#[derive(Debug, Serialize)]
pub(super) struct Loss {
    #[serde(flatten)]
    values: Values,
    es95: f64,
    es95_interval: Ends,
    #[serde(flatten)]
    intervals: QuantileIntervals,
}

impl From<&Summary> for Loss {
    fn from(summary: &Summary) -> Self {
        Self {
            values: summary.into(),
            es95: unsigned(summary.es95.mean),
            es95_interval: summary.es95.interval.into(),
            intervals: summary.into(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Onset {
    p50: f64,
    p50_interval: Ends,
}

impl From<Quantile> for Onset {
    fn from(p50: Quantile) -> Self {
        Self { p50: unsigned(p50.value), p50_interval: p50.interval.into() }
    }
}

/// Mean minutes; a minute that is down and corrupt is in both, and so is a degraded one of a journey.
#[derive(Debug, Serialize)]
pub(super) struct StateMinutesRecord {
    degraded: Mean,
    down: Mean,
    corrupt: Mean,
}

impl From<StateMinutes> for StateMinutesRecord {
    fn from(states: StateMinutes) -> Self {
        let StateMinutes { degraded, down, corrupt, .. } = states;
        Self { degraded: degraded.into(), down: down.into(), corrupt: corrupt.into() }
    }
}

impl From<&JourneyResult> for StateMinutesRecord {
    fn from(journey: &JourneyResult) -> Self {
        let JourneyResult { degraded_time, downtime, corrupt_time, .. } = journey;
        Self { degraded: (*degraded_time).into(), down: downtime.mean.into(), corrupt: (*corrupt_time).into() }
    }
}

/// Means however reasons to fail overlap: as much as they can, and as little.
#[derive(Debug, Serialize)]
pub(super) struct Overlap {
    at_least: Mean,
    at_most: Mean,
}

impl From<(Estimate, Estimate)> for Overlap {
    fn from((least, most): (Estimate, Estimate)) -> Self {
        Self { at_least: least.into(), at_most: most.into() }
    }
}
