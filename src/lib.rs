//! Chaos and blast-radius simulator.

pub mod diagnostic;
pub mod statistics;
pub mod units;
