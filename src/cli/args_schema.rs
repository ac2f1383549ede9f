//! What can be typed for `schema`.

use super::args::Output;
use clap::{Args, ValueEnum};

/// `schema`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  shockfront schema topology -o topology.schema.json
  # first line of a topology file, for editors with a YAML language server:
  # yaml-language-server: $schema=./topology.schema.json")]
pub(crate) struct Schema {
    /// The file format
    #[arg(value_enum)]
    pub(crate) format: FileFormat,
    /// Where it goes.
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Formats of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileFormat {
    /// shockfront/topology/v1
    Topology,
    /// shockfront/change/v1
    Change,
    /// shockfront/team/v1
    Team,
    /// shockfront/fault/v1
    Fault,
    /// shockfront/policy/v1
    Policy,
    /// shockfront/ledger/v1
    Ledger,
    /// shockfront/budgets/v1
    Budgets,
    /// shockfront/part/v1
    Part,
    /// shockfront/ranking/v1
    Ranking,
    /// shockfront/comparison/v1
    Comparison,
}
