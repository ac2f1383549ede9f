//! Engines: how far a fault reaches and how long services are down.
//!
//! `plan` cuts the compiled graph down to what a scenario can reach; `reach` answers without a clock, 512 trials to a mask;
//! `timeline` follows one trial through time; `exact` solves without sampling. All give integer tallies that merge in any order, so the
//! answer is the same for any number of threads.

mod all_sources;
pub mod breaker;
pub mod causes;
mod conclude;
mod condensed;
mod count;
mod curves;
pub mod exact;
mod first_crossing;
#[cfg(test)]
mod kernel_tests;
mod lane;
mod live;
pub mod load;
pub mod paired;
pub(crate) mod plan;
mod plan_columns;
pub mod ranking;
pub(crate) mod reach;
pub mod result;
pub mod run;
pub mod sampling;
pub mod sensitivity;
mod series;
mod spreading;
mod starved;
pub mod tally;
pub(crate) mod threads;
mod timed;
mod timeline;
pub mod transfer;
pub mod uncertainty;
pub mod waiting;
mod weighted;

pub use paired::{Paired, Side, paired};
pub use result::{Simulation, Solver};
pub use run::{Request, simulate, simulate_last};
pub use sampling::{Sample, Shard, conclude, sample, sampled};
pub use sensitivity::{Sensitivities, sensitivities};
pub(crate) use series::SeriesTally;
pub use uncertainty::{Uncertainty, uncertainty};
