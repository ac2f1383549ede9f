//! Services over time, as a record.

use super::number::is_unknown;
use super::record_numbers::unsigned;
use crate::model::System;
use crate::propagation::result::ImpairedSeries;
use serde::Serialize;

/// Shares of the trials, minute by minute from the start; after the last minute of a service it is never impaired.
#[derive(Debug, Serialize)]
pub(super) struct SeriesRecord<'a> {
    bucket_minutes: f64,
    services: Vec<ServiceSeriesRecord<'a>>,
}

#[derive(Debug, Serialize)]
struct ServiceSeriesRecord<'a> {
    name: &'a str,
    impaired: Vec<f64>,
    /// Ends of the intervals; `null` where unknown.
    low: Option<Vec<f64>>,
    high: Option<Vec<f64>>,
}

impl<'a> SeriesRecord<'a> {
    pub(super) fn new(system: &'a System, series: &'a [ImpairedSeries]) -> Self {
        let services = series.iter().map(|series| {
            let is_known = !series.intervals.iter().any(|interval| is_unknown(*interval));
            ServiceSeriesRecord {
                name: system.service_name(series.service),
                impaired: series.shares.iter().copied().map(unsigned).collect(),
                low: is_known.then(|| series.intervals.iter().map(|interval| unsigned(interval.low)).collect()),
                high: is_known.then(|| series.intervals.iter().map(|interval| unsigned(interval.high)).collect()),
            }
        });
        Self { bucket_minutes: 1.0, services: services.collect() }
    }
}
