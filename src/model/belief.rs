//! Which probabilities are beliefs, and how firm: what more facts could change.
//!
//! A stated `{mean, strength}` and every default that is not certain is a Beta(mean · strength, (1 − mean) · strength). A plain
//! number is taken as known. Dependencies of one class share what is not known about them: whether untested fallbacks are bad in
//! general is one question, not one for each (model.md §3.4).

use super::crossing::{Crossing, default_probability};
use super::facts::DependencyKind;
use super::system::System;
use crate::units::DependencyId;

/// Observations that a default is worth (model.md §5: configuration as a prior).
const DEFAULT_STRENGTH: f64 = 10.0;

/// A probability that is not known for certain.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Uncertain {
    /// The dependency.
    pub dependency: DependencyId,
    /// What it shares its uncertainty with.
    pub class: &'static str,
    /// Mean, above 0 and below 1.
    pub mean: f64,
    /// Equivalent number of observations, above 0.
    pub strength: f64,
}

impl Uncertain {
    /// Both parameters of its Beta law.
    pub fn beta(&self) -> (f64, f64) {
        (self.mean * self.strength, (1.0 - self.mean) * self.strength)
    }
}

/// All of them, in file order. The plain numbers of an edge list are none. O(dependencies).
pub fn uncertain(system: &System) -> Vec<Uncertain> {
    if system.is_edge_list() {
        return Vec::new();
    }
    system.dependency_ids().filter_map(|id| uncertain_dependency(system, id)).collect()
}

/// One of them; `None` where the probability is taken as known. O(1).
pub fn uncertain_dependency(system: &System, id: DependencyId) -> Option<Uncertain> {
    if system.is_edge_list() {
        return None;
    }
    let (mean, strength) = match system.dependency(id).probability {
        Some(stated) => (stated.mean.value(), stated.strength?),
        None => (default_probability(system, id), DEFAULT_STRENGTH),
    };
    let may_cross = Crossing::of(system, id).propagates();
    (may_cross && mean > 0.0 && mean < 1.0 && strength > 0.0).then(|| Uncertain {
        dependency: id,
        class: class(system, id),
        mean,
        strength,
    })
}

/// Classes differ where their defaults do (product.md, semantics 5).
fn class(system: &System, id: DependencyId) -> &'static str {
    let detail = system.detail(id);
    match detail.kind {
        DependencyKind::Hard if detail.from_operation.is_some() => "hard, operation named",
        DependencyKind::Hard => "hard",
        DependencyKind::Soft if detail.facts.fallback.is_some_and(|fallback| fallback.tested == Some(true)) => {
            "soft, fallback tested"
        }
        DependencyKind::Soft => "soft, fallback not tested",
        DependencyKind::Unknown => "unknown",
        DependencyKind::Async => "async",
        DependencyKind::Authority => "authority",
        DependencyKind::Knowledge => "knowledge",
        DependencyKind::Startup => "startup",
        DependencyKind::Monitors => "monitors",
    }
}
