//! The command line of shockfront.

fn main() {}
