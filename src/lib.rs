//! Chaos and blast-radius simulator.

pub mod change;
pub mod diagnostic;
pub mod units;
