//! Chaos and blast-radius simulator.

pub mod assess;
pub mod change;
pub mod diagnostic;
pub mod document;
pub mod edit;
pub mod fault;
pub mod finding;
pub mod lanes;
pub mod lint;
pub mod model;
pub mod policy;
pub mod propagation;
pub mod quality;
pub mod random;
pub mod report;
pub mod risk;
pub mod statistics;
pub mod topology;
pub mod units;
