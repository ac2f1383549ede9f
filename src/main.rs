//! The command line of shockfront.

mod cli;

fn main() {}
