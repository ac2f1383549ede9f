//! Chaos and blast-radius simulator.

pub mod diagnostic;
pub mod document;
pub mod units;
