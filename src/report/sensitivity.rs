//! What mean reach depends on, as a record and as rows of a table.

use super::number::{count, share, share_plain};
use super::record_numbers::{Mean, unsigned};
use crate::model::System;
use crate::propagation::Sensitivities;
use crate::propagation::sensitivity::{Flip, Sensitivity};
use crate::statistics::Estimate;
use crate::units::DependencyId;
use serde::Serialize;

/// A dependency as the files write it.
#[derive(Debug, Serialize)]
pub(super) struct Name {
    pub(super) from: String,
    pub(super) to: String,
    kind: &'static str,
}

impl Name {
    pub(super) fn new(system: &System, id: DependencyId) -> Self {
        Self {
            from: system.endpoint_name(system.consumer(id)),
            to: system.endpoint_name(system.provider(id)),
            kind: system.kind(id).name(),
        }
    }
}

#[derive(Debug, Serialize)]
struct DerivativeRecord {
    #[serde(flatten)]
    name: Name,
    probability: f64,
    /// ∂(mean reach)/∂probability.
    derivative: Mean,
    standard_error: f64,
    /// Services²; absent where the probability is stated as known.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_variance_reduction: Option<Mean>,
}

#[derive(Debug, Serialize)]
pub(super) struct FlipRecord {
    #[serde(flatten)]
    name: Name,
    birnbaum: Mean,
    fussell_vesely: Mean,
    achievement_worth: Mean,
    reach_crossing: Mean,
    reach_cut: Mean,
}

impl FlipRecord {
    pub(super) fn new(system: &System, one: &Flip) -> Self {
        Self {
            name: Name::new(system, one.dependency),
            birnbaum: one.birnbaum.into(),
            fussell_vesely: one.fussell_vesely.into(),
            achievement_worth: one.achievement_worth.into(),
            reach_crossing: one.crossing.into(),
            reach_cut: one.cut.into(),
        }
    }
}

/// The record below `sensitivities`.
#[derive(Debug, Serialize)]
pub(super) struct SensitivitiesRecord {
    trials: u64,
    certain: usize,
    dependencies: Vec<DerivativeRecord>,
    largest: Vec<FlipRecord>,
}

impl SensitivitiesRecord {
    pub(super) fn new(system: &System, found: &Sensitivities) -> Self {
        let derivative = |one: &Sensitivity| DerivativeRecord {
            name: Name::new(system, one.dependency),
            probability: one.probability,
            derivative: one.derivative.into(),
            standard_error: unsigned(one.standard_error),
            expected_variance_reduction: one.expected_variance_reduction.map(Mean::from),
        };
        Self {
            trials: found.trials,
            certain: found.n_certain,
            dependencies: found.dependencies.iter().map(derivative).collect(),
            largest: found.flips.iter().map(|flip| FlipRecord::new(system, flip)).collect(),
        }
    }
}

/// Titles of [`flip_cells`].
pub(super) const FLIP_TITLES: [&str; 4] = ["dependency", "reach if it never crosses", "if it always does", "share carried"];

/// A row for each dependency that was flipped.
pub(super) fn flip_cells(system: &System, found: &Sensitivities) -> Vec<[String; 4]> {
    let row = |flip: &Flip| {
        let Name { from, to, .. } = Name::new(system, flip.dependency);
        [format!("{from} on {to}"), count(flip.cut), count(flip.crossing), share(flip.fussell_vesely)]
    };
    found.flips.iter().map(row).collect()
}

/// Titles of [`lesson_cells`].
pub(super) const LESSON_TITLES: [&str; 3] = ["dependency", "believed to cross", "variance of reach one run removes"];

/// A row for each dependency whose probability is a belief, those first about which a run teaches most; as many as were flipped.
pub(super) fn lesson_cells(system: &System, found: &Sensitivities) -> Vec<[String; 3]> {
    let mut lessons: Vec<(&Sensitivity, Estimate)> =
        found.dependencies.iter().filter_map(|one| Some((one, one.expected_variance_reduction?))).collect();
    // The sort is stable: of equals the first in file order.
    lessons.sort_by(|(_, a), (_, b)| b.mean.total_cmp(&a.mean));
    lessons.truncate(found.flips.len());
    let row = |(one, removed): (&Sensitivity, Estimate)| {
        let Name { from, to, .. } = Name::new(system, one.dependency);
        [format!("{from} on {to}"), share_plain(one.probability), count(removed)]
    };
    lessons.into_iter().map(row).collect()
}
