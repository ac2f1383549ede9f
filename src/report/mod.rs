//! What other rooms found, written for people and programs.
//!
//! `number` is the only formatter of estimates; `record` and `record_assessment` write the stable JSON. What must hold: this
//! room formats and never computes, reads no file and prints nothing, and the same values give the same bytes.

pub mod input;
pub mod number;
pub mod record;
pub mod record_assessment;
#[cfg(test)]
mod record_tests;
#[cfg(test)]
mod testing;

pub use input::{AssessmentReport, ServiceList, SimulationReport};
pub use record::simulation_json;
pub use record_assessment::assessment_json;
