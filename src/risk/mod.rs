//! From what a change is and what its fault would do to the numbers of an assessment.
//!
//! [`faults`] says where a change lands and which fault it brings, [`chance`] how likely that is, [`score`] what harm is to be
//! expected, [`paths`] and [`cut_sets`] why. Nothing here decides: thresholds belong to `policy`.

pub mod assessment;
pub mod budgets;
pub mod chance;
pub mod cut_sets;
pub mod difference;
pub mod faults;
pub mod incidents;
pub mod ledger;
pub mod limits;
pub mod paths;
pub mod review;
pub mod score;
#[cfg(test)]
pub(crate) mod testing;
