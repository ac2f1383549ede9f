//! From what a change is and what its fault would do to a verdict.

pub mod assessment;
