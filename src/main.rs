//! The command line of shockfront.

#[allow(dead_code)] // The commands that call it are written next.
mod cli {
    pub(crate) mod git;
}

fn main() {}
