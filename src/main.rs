//! The command line of shockfront.

mod cli {
    //! The only room that prints.

    #[allow(dead_code, reason = "called once the commands exist")]
    pub(crate) mod diagnose;
}

fn main() {}
