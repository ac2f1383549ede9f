//! What can be typed for `compare`.

use super::args::{ResultFormat, Sampling};
use clap::{ArgGroup, Args, ValueHint};

/// `compare`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["fault", "fault_file", "change"])))]
#[command(group(ArgGroup::new("with_what").required(true).args(["with", "against"])))]
pub(crate) struct Compare {
    /// Topology: a file, a directory of files, or an edge list (.tsv, .csv)
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(crate) topology: String,
    /// A fault, such as crash@checkout,repair=45m/4h, as `simulate --fault` takes it; may be repeated
    #[arg(long, value_name = "KIND@TARGET[,KEY=VALUE...]", conflicts_with = "change")]
    pub(crate) fault: Vec<String>,
    /// Faults from a file (shockfront/fault/v1)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "change")]
    pub(crate) fault_file: Option<String>,
    /// A change file (shockfront/change/v1): score and band are compared, too
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) change: Option<String>,
    /// Something that is done about it, such as canary=5%/15m; may be repeated: all together
    #[arg(long, value_name = "EDIT", long_help = EDIT_HELP)]
    pub(crate) with: Vec<String>,
    /// The same on another topology
    #[arg(long, value_name = "TOPOLOGY", value_hint = ValueHint::AnyPath)]
    pub(crate) against: Option<String>,
    /// Who people are and how experienced (shockfront/team/v1)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "change")]
    pub(crate) team: Option<String>,
    /// What is asked of changes, where it differs from what ships (shockfront/policy/v1)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "change")]
    pub(crate) policy: Option<String>,
    /// Objectives and spent error budgets of the journeys, as for `assess`; on both sides
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "change")]
    pub(crate) slo: Vec<String>,
    /// Without a clock: who is ever reached; much faster
    #[arg(long = "static", conflicts_with = "change")]
    pub(crate) static_reach: bool,
    /// Solve exactly instead of sampling, for small or narrow topologies
    #[arg(long, conflicts_with_all = ["trials", "change"])]
    pub(crate) exact: bool,
    /// Services that a page for people lists
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) top: usize,
    /// Format of the result
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: ResultFormat,
    /// How to simulate.
    #[command(flatten)]
    pub(crate) sampling: Sampling,
}

const EDIT_HELP: &str = "\
Something that is done about it; may be repeated, all together.
Quote dependencies against the shell: the consumer comes first.
A name with a comma, = or -> in it stands in double quotes, as in
'replica:\"a,b\"=+1'; a quote inside of them twice.

  canary[=5%/15m][,power=0.9][,rollback=5m/15m]    share and bake time
  waves[=25%/30m]  flag[=5%/15m]  blue-green       other roll-outs
  rollback[=20m/90m]        the roll-back of the change is tested
  rollback:SERVICE[=LAW]    the service can be rolled back
  restore-tested  deny-delete[:SERVICE]            for lost state
  senior-review  simulated  tests=80%              P(fault) of a change
  'fallback:FROM->TO[,coverage=1][,tested=yes]'
  'breaker:FROM->TO[,window=100][,open_at=50%][,open_for=60s]'
  'timeout:FROM->TO=500ms'  'retries:FROM->TO=1'
  'retry-budget:FROM->TO=10%'
  'buffer:FROM->TO=30m'     'serve-stale:FROM->TO=4h'
  'validator:FROM->TO[,on_invalid=reject]'   data are validated
  'probability:FROM->TO=0.2'  'remove:FROM->TO'
  replica:SERVICE=+1        zones:SERVICE=zone-a,zone-b
  monitor:SERVICE           detect:SERVICE=5m/15m";

/// Shown with the help, and tried by a test.
pub(super) const EXAMPLES: &str = "\
Examples:
  shockfront compare topology.yaml --fault crash@payment --with 'fallback:checkout->payment,tested'
  shockfront compare topology.yaml --change change.yaml --with canary=5%/15m --with rollback
  shockfront compare topology.yaml --fault zone_loss@zone-a --against redesign.yaml --format markdown";
