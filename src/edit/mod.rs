//! What is changed in a what-if: one value for what a team could do about a risk.
//!
//! An [`Edit`] is written as `NAME[:SUBJECT][=VALUE][,KEY=VALUE]`, read by [`Edit::parse`] and printed in the same words. It changes a
//! copy of the system, the faults or the change, whichever it is about. A name with a comma, an equals sign or `->` in it stands in
//! double quotes, a quote inside of them twice.
//!
//! What must hold: an edit says only what the topology could state too, so that a what-if that becomes true gives the same numbers;
//! the one exception is that a fallback keeps delay from crossing more often than before. Everything keeps its random numbers; an
//! edit that has nothing to act on is refused, one that acts without effect is not.

mod apply;
mod parse;
#[cfg(test)]
mod tests;
mod words;

pub use apply::{Refusal, on_change, on_derived_fault, on_faults, on_system};
pub use parse::NAMES;

use crate::change::facts::Rollout;
use crate::model::DurationLaw;
use crate::model::facts::{Breaker, OnInvalid};
use crate::units::{Probability, Ticks};
use std::ops::Range;

/// The two ends of a dependency, as references: the consumer and the provider.
///
/// A service without an operation stands for all of its operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ends {
    /// The side that is harmed.
    pub from: String,
    /// The side that fails.
    pub to: String,
}

/// How many replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replication {
    /// So many more.
    More(u32),
    /// So many.
    Count(u32),
}

/// What is changed.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The consumer can do without: a fallback is added or tested.
    Fallback {
        /// Where.
        ends: Ends,
        /// Share of the requests it serves.
        coverage: f64,
        /// Whether it is tested.
        tested: bool,
    },
    /// A circuit breaker.
    Breaker(Ends, Breaker),
    /// Longest wait for a call.
    Timeout(Ends, Ticks),
    /// Tries of a call, the first included.
    Retries(Ends, u32),
    /// Share of extra calls that retries may make.
    RetryBudget(Ends, f64),
    /// An outage shorter than this does not cross.
    Buffer(Ends, DurationLaw),
    /// Stale entries of a cache are served so long.
    ServeStale(Ends, Ticks),
    /// A validator checks the data; what happens to invalid ones, where that is said.
    Validator(Ends, Option<OnInvalid>),
    /// Another probability.
    Crossing(Ends, Probability),
    /// The dependency is gone.
    Remove(Ends),
    /// More replicas.
    Replicas(String, Replication),
    /// The replicas are spread over these zones.
    Zones(String, Vec<String>),
    /// Somebody watches: a monitor of its own, or a stated time to detection.
    Monitor(String, Option<DurationLaw>),
    /// A roll-back of a service, or of the change, is tested.
    Rollback(Option<String>, Option<DurationLaw>),
    /// How the change reaches production.
    Rollout(Rollout),
    /// Restoring lost state is drilled.
    RestoreTested,
    /// Nobody may delete without a person: of one service, or of all.
    DenyDelete(Option<String>),
    /// A senior engineer reviews the change.
    SeniorReview,
    /// The change runs in a load test or a simulation before.
    Simulated,
    /// Tested share of the changed lines.
    Tests(f64),
}

/// One change of a what-if.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// What is changed.
    pub what: What,
    /// The subject in the text it was read from; empty where it was not read.
    subject: Range<usize>,
}

impl Edit {
    /// An edit that was not read from a text.
    pub fn new(what: What) -> Self {
        Self { what, subject: 0..0 }
    }

    /// Does it act on a change, so that there has to be one?
    pub fn needs_change(&self) -> bool {
        matches!(self.what, What::SeniorReview | What::Simulated | What::Tests(_))
    }
}
