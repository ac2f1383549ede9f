//! What goes wrong: the catalogue of fault kinds, the faults a user names, and what each trial draws of them.
//!
//! A [`Scenario`] is faults resolved against a system. Everything here is conditional on the fault having happened; how likely
//! that is belongs to `risk`. What must hold: a trial's draws depend on seed, trial and names only.

pub mod catalogue;
pub mod draw;
pub mod exposure;
pub mod file;
pub mod pool;
mod resolve;
pub mod scenario;
pub mod spec;
pub(crate) mod surge;
pub(crate) mod trial;

pub use catalogue::FaultKind;
pub use scenario::{Response, Scenario};
pub use spec::Fault;
