//! What can be typed for `simulate`, `merge` and `rank`.

use super::args::{Detail, Output, ResultFormat, Sampling, TableFormat, parse_precision};
use clap::{Args, ValueEnum, ValueHint};
use shockfront::fault::FaultKind;
use shockfront::propagation::Shard;
use std::path::PathBuf;

/// `simulate`.
#[derive(Debug, Args)]
#[command(after_long_help = SIMULATE_EXAMPLES)]
#[command(group(clap::ArgGroup::new("what").required(true).multiple(true).args(["fault", "fault_file"])))]
pub(crate) struct Simulate {
    /// Topology: a file, a directory of files, or an edge list (.tsv, .csv)
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(crate) topology: String,
    /// A fault, such as crash@checkout,repair=45m/4h; may be repeated
    #[arg(long, value_name = "KIND@TARGET[,KEY=VALUE...]", long_help = FAULT_HELP)]
    pub(crate) fault: Vec<String>,
    /// Faults from a file (shockfront/fault/v1)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) fault_file: Option<String>,
    /// Without a clock: who is ever reached, and bounds on it; much faster
    #[arg(long = "static")]
    pub(crate) static_reach: bool,
    /// Solve exactly instead of sampling, for small or narrow topologies
    #[arg(long, conflicts_with_all = ["trials", "precision", "shard", "trials_out"])]
    pub(crate) exact: bool,
    /// Repeat with N draws of the probabilities that are beliefs: what would more facts change?
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=10_000), conflicts_with = "shard")]
    pub(crate) uncertainty: Option<u64>,
    /// Which dependencies mean reach depends on: the derivative for each, and what it carries for the N largest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=1_000), requires = "static_reach", conflicts_with_all = ["shard", "exact"])]
    pub(crate) sensitivity: Option<u64>,
    /// Add who is impaired when, minute by minute, to the JSON result
    #[arg(long, conflicts_with = "static_reach")]
    pub(crate) series: bool,
    /// Run part I (from 0) of N and write it as JSON (shockfront/part/v1), for `shockfront merge`
    #[arg(long, value_name = "I/N", value_parser = parse_shard, conflicts_with_all = ["precision", "format"])]
    pub(crate) shard: Option<Shard>,
    /// Write one row for each trial: trial, reach, user-minutes, censored, user-minutes of each journey
    #[arg(long, value_name = "FILE.csv", value_hint = ValueHint::FilePath)]
    pub(crate) trials_out: Option<PathBuf>,
    /// Format of the result
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: ResultFormat,
    /// How precisely, and what is listed.
    #[command(flatten)]
    pub(crate) detail: Detail,
    /// How to simulate.
    #[command(flatten)]
    pub(crate) sampling: Sampling,
}

const FAULT_HELP: &str = "\
A fault; may be repeated for several at once.

KIND    crash, error_rate, latency, overload, bad_deploy, config_push,
        state_loss, corrupt_output, poisoned_loop, operator_advice,
        zone_loss, expiry, false_all_clear
TARGET  SERVICE, SERVICE.OPERATION or GROUP
KEY     at=10m, rate=0.3 (error_rate), factor=5 (latency),
        wrong=0.1 (corrupt_output), capacity=50% and demand=2 (overload),
        instances=1 or 30%, share=5%;
        detect=, repair=, rollback=, cold_start=, restore_tail= as 45m,
        or as median/p95 such as 45m/4h; relief=, shed=20%, hold=1m: what
        people do about an overload that outlives its cause";

const SIMULATE_EXAMPLES: &str = "\
Examples:
  shockfront simulate topology.yaml --fault crash@payment
  shockfront simulate topology.yaml --fault crash@payment,repair=45m/4h --horizon 7d
  shockfront simulate topology.yaml --fault zone_loss@zone-a --static --format json
  shockfront simulate topology.yaml --fault overload@checkout,capacity=50%,repair=5m --responders 2
  shockfront simulate topology.yaml --fault crash@db --precision 1% --trials 1000000
  shockfront simulate topology.yaml --fault crash@db --trials 1000000 --shard 0/4 -o part-0.json
  shockfront simulate small.yaml --fault crash@db --static --exact
  shockfront simulate topology.yaml --fault crash@db --static --sensitivity 20 --format json";

/// `merge`.
#[derive(Debug, Args)]
#[command(after_long_help = MERGE_EXAMPLES)]
pub(crate) struct Merge {
    /// All parts of one run (shockfront/part/v1), in any order
    #[arg(required = true, value_name = "PART.json", value_hint = ValueHint::FilePath)]
    pub(crate) parts: Vec<String>,
    /// Where the topology lies now [default: where the parts were made]
    #[arg(long, value_name = "TOPOLOGY", value_hint = ValueHint::AnyPath)]
    pub(crate) topology: Option<String>,
    /// Format of the result
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: ResultFormat,
    /// Where it goes.
    #[command(flatten)]
    pub(crate) output: Output,
}

const MERGE_EXAMPLES: &str = "\
Examples:
  shockfront merge part-0.json part-1.json part-2.json part-3.json
  shockfront merge part-0.json part-1.json --format json -o result.json";

/// `rank`.
#[derive(Debug, Args)]
#[command(after_long_help = RANK_EXAMPLES)]
pub(crate) struct Rank {
    /// Topology: a file, a directory of files, or an edge list (.tsv, .csv)
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(crate) topology: String,
    /// How each service fails: a kind of fault
    #[arg(long, value_name = "KIND", default_value = "crash", value_parser = parse_kind)]
    pub(crate) fault: FaultKind,
    /// Without a clock: reach only; much faster
    #[arg(long = "static")]
    pub(crate) static_reach: bool,
    /// What the list is ordered by [default: user-minutes where there are any, then downtime; reach with --static]
    #[arg(long, value_enum, value_name = "MEASURE", conflicts_with = "static_reach")]
    pub(crate) by: Option<Measure>,
    /// Stop when mean reach, and mean user-minutes, of every service are known to so much of their size, such as 0.05 or 5%;
    /// --trials is then the most
    #[arg(long, value_name = "R", value_parser = parse_precision, conflicts_with = "trials_out")]
    pub(crate) precision: Option<f64>,
    /// Run part I (from 0) of N of every service's trials and write it as JSON (shockfront/part/v1), for `shockfront merge`
    #[arg(long, value_name = "I/N", value_parser = parse_shard, conflicts_with_all = ["precision", "format"])]
    pub(crate) shard: Option<Shard>,
    /// Write one row for each service and trial: service, trial, reach, user-minutes, censored, user-minutes of each journey
    #[arg(long, value_name = "FILE.csv", value_hint = ValueHint::FilePath)]
    pub(crate) trials_out: Option<PathBuf>,
    /// Rows of a page for people
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) top: usize,
    /// Format of the result
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: TableFormat,
    /// How to simulate.
    #[command(flatten)]
    pub(crate) sampling: Sampling,
}

const RANK_EXAMPLES: &str = "\
Examples:
  shockfront rank topology.yaml
  shockfront rank topology.yaml --fault bad_deploy --by downtime --trials 4096
  shockfront rank topology.yaml --precision 5% --trials 1000000
  shockfront rank large.tsv --static --trials 8192 --format json -o ranking.json";

/// `rank --by`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measure {
    /// Services impaired.
    Reach,
    /// User-minutes lost.
    UserMinutes,
    /// Minutes down, over all services.
    Downtime,
}

/// Every example, for the test of the definitions.
#[cfg(test)]
pub(super) const EXAMPLES: [&str; 3] = [SIMULATE_EXAMPLES, MERGE_EXAMPLES, RANK_EXAMPLES];

fn parse_shard(text: &str) -> Result<Shard, String> {
    let parts = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
    match parts {
        Some((number, of)) if number < of && of <= 1_000_000 => Ok(Shard { number, of }),
        _ => Err("expected I/N with I from 0 to N - 1, such as 0/4".to_owned()),
    }
}

fn parse_kind(text: &str) -> Result<FaultKind, String> {
    FaultKind::from_name(text).ok_or_else(|| "expected a kind of fault, as in `shockfront simulate --help`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_counted_from_zero() {
        assert_eq!(parse_shard("3/4"), Ok(Shard { number: 3, of: 4 }));
        assert!(["4/4", "0/0", "1", "-1/4", "a/b", "0/4/4", ""].iter().all(|text| parse_shard(text).is_err()));
        assert!(parse_kind("crash").is_ok() && parse_kind("crush").is_err());
    }
}
