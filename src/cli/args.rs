//! What can be typed: commands and options as values, nothing done yet.
//!
//! Only what works appears. Help texts show complete commands; man pages and completions are made from the same definitions.

pub(crate) use super::args_compare::Compare;
pub(crate) use super::args_report::{AssessFormat, ResultFormat, Services, TableFormat, Wanted, parse_wanted};
pub(crate) use super::args_schema::Schema;
pub(crate) use super::args_simulate::{Merge, Rank, Simulate};
use super::when::parse_at;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use jiff::Zoned;
use shockfront::change::facts::TriState;
use shockfront::fault::Response;
use shockfront::units::Ticks;
use std::path::PathBuf;

/// Chaos and blast-radius simulator: how far a change's failure reaches, for how long, and who must sign.
///
/// A topology file lists services, their dependencies and the journeys of users. A fault is injected where a change lands, and
/// Monte Carlo trials follow it through the dependencies. Everything runs offline; the same inputs and seed give the same bytes.
#[derive(Debug, Parser)]
#[command(name = "shockfront", version, max_term_width = 100, after_long_help = EXIT_CODES, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// How it is shown.
    #[command(flatten)]
    pub(crate) show: Show,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done; the gate passes
  1    the gate does not pass: sign-off is missing, or the change is blocked, or `check --deny` found something
  2    wrong usage or invalid input; nothing was written
  3    an internal error, or the result could not be written
  130  interrupted";

/// Options of every command.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// When to colour: auto colours terminals and honours NO_COLOR
    #[arg(long, global = true, display_order = 900, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Color,
    /// No progress bar, no warnings
    #[arg(long, short, global = true, display_order = 901)]
    pub(crate) quiet: bool,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Color {
    /// On terminals, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Assess a change: how likely it breaks something, what breaks, for how long, and who must sign
    ///
    /// The change comes from change files, or from a git repository, a diff or a Terraform plan, which one change file may complete.
    /// Exit code 0 means that the gate passes; 1 that somebody has to sign, or that the change is blocked: the report says who and why.
    Assess(Box<Assess>),
    /// Simulate a fault: how far it reaches and how long services are down
    ///
    /// A fault is KIND@TARGET with values behind commas. The target is a service, SERVICE.OPERATION or a group.
    Simulate(Box<Simulate>),
    /// Compare a fault or a change with and without something done about it, or on two topologies
    ///
    /// Both sides are simulated on the same random numbers, so the difference is that of the edits alone and its interval is that of
    /// paired trials. An edit that changes nothing says so.
    Compare(Box<Compare>),
    /// Join the parts that `simulate --shard` or `rank --shard` wrote
    ///
    /// Prints what one run of all trials would have printed, to the byte. The topology, and a fault file, are read again from where
    /// the parts were made, and must not have changed.
    Merge(Merge),
    /// Let every service fail in turn, and compare what that does
    ///
    /// All services are tried with the same random numbers. Neighbours whose intervals overlap are too close to call.
    Rank(Rank),
    /// Validate a topology and look for weak spots
    ///
    /// An invalid file exits 2 and shows every error with its place. A valid one exits 0 with its findings, unless --deny makes them
    /// a gate. Findings that a waiver of the topology accepts are shown as waived and never fail the gate.
    Check(Check),
    /// Draw a topology
    Graph(Graph),
    /// Make up a realistic topology of a given size
    Generate(Generate),
    /// Print the JSON Schema of a file format, for editors
    Schema(Schema),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the man page, or write all pages to a directory
    Man(Man),
}

/// Where a result goes.
#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Write to FILE instead of standard output; the old file stays if anything fails
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
}

/// Options of simulating commands.
#[derive(Debug, Args)]
pub(crate) struct Sampling {
    /// Number of trials [default: 65536 with --static, else 16384]
    #[arg(long, value_name = "N", value_parser = parse_trials)]
    pub(crate) trials: Option<u64>,
    /// Seed of the random numbers
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Threads [default: one per core]; results do not depend on it
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// How long harm is followed, such as 72h or 30d [default: 72h; 30d for faults of data]
    #[arg(long, value_name = "DURATION", value_parser = parse_horizon)]
    pub(crate) horizon: Option<Ticks>,
    /// How many incidents can be worked on at the same time [default: `people.responders` of the topology, else any number]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) responders: Option<u32>,
    /// Let dependents' symptoms and users' reports take part in detection
    #[arg(long)]
    pub(crate) symptom_detection: bool,
    /// When it happens: 2026-03-05T14:00:00-05:00, with [America/New_York] behind it, or a date
    #[arg(long, value_name = "TIME", value_parser = parse_at)]
    pub(crate) at: Option<Zoned>,
    /// Where it goes.
    #[command(flatten)]
    pub(crate) output: Output,
}

/// Options of commands that report one simulation.
#[derive(Debug, Default, Args)]
pub(crate) struct Detail {
    /// Stop when mean reach, and mean user-minutes, are known to so much of their size, such as 0.01 or 1%; --trials is then the
    /// most
    #[arg(long, value_name = "R", value_parser = parse_precision)]
    pub(crate) precision: Option<f64>,
    /// List all services, or only those that were reached [default: all up to 100,000]
    #[arg(long, value_enum, value_name = "WHICH")]
    pub(crate) services: Option<Services>,
}

/// `assess`.
#[derive(Debug, Args)]
#[command(after_long_help = ASSESS_EXAMPLES)]
#[command(group(clap::ArgGroup::new("source").required(true).multiple(true).args(["change", "base", "diff", "terraform", "event", "gitlab"])))]
#[command(group(clap::ArgGroup::new("history").multiple(true).args(["base", "event", "gitlab"])))]
pub(crate) struct Assess {
    /// Topology: a file, a directory of files, or an edge list (.tsv, .csv)
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(crate) topology: String,
    /// Change file (shockfront/change/v1); several are changes in flight together
    #[arg(long, value_name = "FILE", num_args = 1.., value_hint = ValueHint::FilePath)]
    pub(crate) change: Vec<String>,
    /// Take the change from git: everything since REV, as a pull request shows it
    #[arg(long, value_name = "REV")]
    pub(crate) base: Option<String>,
    /// The end of the change [default: HEAD]
    #[arg(long, value_name = "REV", requires = "base")]
    pub(crate) head: Option<String>,
    /// The git repository [default: the current directory]
    #[arg(long, value_name = "DIR", requires = "history", value_hint = ValueHint::DirPath)]
    pub(crate) repository: Option<PathBuf>,
    /// Take the changed files from a unified diff; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "base", value_hint = ValueHint::FilePath)]
    pub(crate) diff: Option<String>,
    /// Take the changed resources from a Terraform plan, as `terraform show -json` writes it; - reads standard input
    #[arg(long, value_name = "PLAN.json", value_hint = ValueHint::FilePath)]
    pub(crate) terraform: Option<String>,
    /// Take base, head, title, author and labels from the event file of a pull request on GitHub (GITHUB_EVENT_PATH); with --base or
    /// --diff the rest
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) event: Option<String>,
    /// The same from the variables of a merge request pipeline of GitLab (CI_MERGE_REQUEST_...)
    #[arg(long, conflicts_with = "event")]
    pub(crate) gitlab: bool,
    /// Who approved it: the answer of GitHub's API (pulls/N/reviews) or GitLab's (merge_requests/N/approvals)
    #[arg(long, value_name = "FILE.json", requires = "history", value_hint = ValueHint::FilePath)]
    pub(crate) reviews: Option<String>,
    /// How it rolls out, from manifests of Argo Rollouts or Flagger; what a change file states wins
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) rollout: Option<String>,
    /// What is asked of changes, where it differs from what ships (shockfront/policy/v1)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) policy: Option<String>,
    /// Who people are and how experienced (shockfront/team/v1)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) team: Option<String>,
    /// Who owns files (CODEOWNERS of GitHub or GitLab) [default: with --base, the one of the repository at that revision]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) codeowners: Option<String>,
    /// What other changes risked (shockfront/ledger/v1): those of the same services in one week add up
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ledger: Option<String>,
    /// Write this assessment into the ledger; one of the same change is replaced
    #[arg(long, requires = "ledger")]
    pub(crate) record: bool,
    /// Objectives and spent error budgets of the journeys: OpenSLO v1, shockfront/budgets/v1, or both; may be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) slo: Vec<String>,
    /// Whether an AI tool helped; overrides the change file and the commits
    #[arg(long, value_name = "ANSWER", value_parser = parse_answer)]
    pub(crate) ai_assisted: Option<TriState>,
    /// Repeat the impact with N draws of the probabilities that are beliefs: what would more facts change?
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(2..=10_000))]
    pub(crate) uncertainty: Option<u64>,
    /// Do not simulate what would make the change safer, and what the assumptions decide; the verdict is the same and comes sooner
    #[arg(long)]
    pub(crate) no_mitigations: bool,
    /// Report only: exit 0 where the gate does not pass
    #[arg(long)]
    pub(crate) advisory: bool,
    /// Format of the result
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: AssessFormat,
    /// Write one more format of the same run to a file, such as html=report.html; may be repeated
    #[arg(long, value_name = "FORMAT=FILE", value_parser = parse_wanted)]
    pub(crate) report: Vec<Wanted>,
    /// The name in the hidden first line of Markdown, by which a comment is found again [default: the topology's path]
    #[arg(long, value_name = "KEY")]
    pub(crate) comment_key: Option<String>,
    /// How precisely, and what is listed.
    #[command(flatten)]
    pub(crate) detail: Detail,
    /// How to simulate.
    #[command(flatten)]
    pub(crate) sampling: Sampling,
}

const ASSESS_EXAMPLES: &str = "\
Examples:
  shockfront assess topology.yaml --change change.yaml --team team.yaml
  shockfront assess topology.yaml --base origin/main --team team.yaml --format markdown -o comment.md
  git diff main | shockfront assess topology.yaml --diff - --ai-assisted yes --advisory
  terraform show -json plan.bin | shockfront assess topology.yaml --base origin/main --terraform -
  shockfront assess topology.yaml --base origin/main --report json=a.json --report html=a.html --report sarif=a.sarif";

/// `check`.
#[derive(Debug, Args)]
#[command(after_long_help = CHECK_EXAMPLES)]
pub(crate) struct Check {
    /// Topology: a file, a directory of files, or an edge list (.tsv, .csv)
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(crate) topology: String,
    /// Exit 1 on findings of this level or above
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(crate) deny: Option<Deny>,
    /// The day of the question, for age and waivers: a date or a time
    #[arg(long, value_name = "TIME", value_parser = parse_at)]
    pub(crate) at: Option<Zoned>,
    /// Format of the result
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: FindingsFormat,
    /// Where it goes.
    #[command(flatten)]
    pub(crate) output: Output,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  shockfront check topology.yaml
  shockfront check topology/ --at 2026-11-22 --deny warning
  shockfront check topology.yaml --format sarif -o findings.sarif";

/// `--deny`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Deny {
    /// Warnings and errors.
    Warning,
    /// Errors only.
    Error,
}

/// `check --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum FindingsFormat {
    /// For people at a terminal.
    #[default]
    Text,
    /// The stable record.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// A code quality report of GitLab.
    CodeQuality,
    /// Workflow commands of GitHub Actions, ten at most.
    Annotations,
}

/// `graph`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  shockfront graph topology.yaml --format svg -o topology.svg
  shockfront graph topology.yaml --format dot | dot -Tpng > topology.png")]
pub(crate) struct Graph {
    /// Topology: a file, a directory of files, or an edge list (.tsv, .csv)
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(crate) topology: String,
    /// Format of the drawing
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: GraphFormat,
    /// Where it goes.
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `graph --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// For Graphviz.
    Dot,
    /// For Markdown.
    Mermaid,
    /// A finished picture.
    Svg,
}

/// `generate`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  shockfront generate --services 50 --arcs 150 -o topology.yaml
  shockfront generate --services 100000 --arcs 400000 --seed 7 --format edge-list -o large.tsv")]
pub(crate) struct Generate {
    /// Number of services
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(crate) services: u32,
    /// Number of dependencies
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u32).range(0..=100_000_000))]
    pub(crate) arcs: u32,
    /// Seed of the random numbers
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Format of the file
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: TopologyFormat,
    /// Where it goes.
    #[command(flatten)]
    pub(crate) output: Output,
}

/// `generate --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum TopologyFormat {
    /// A topology file.
    #[default]
    Yaml,
    /// A topology file.
    Json,
    /// One arc a line, for very large graphs.
    EdgeList,
}

/// `completions`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  shockfront completions bash > ~/.local/share/bash-completion/completions/shockfront")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// `man`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  shockfront man | man -l -
  shockfront man ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// Write one page for each command here
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: Option<PathBuf>,
}

pub(super) fn parse_trials(text: &str) -> Result<u64, String> {
    let digits = text.replace(['_', ','], "");
    match digits.parse::<u64>() {
        Ok(trials @ 1..=1_000_000_000_000) => Ok(trials),
        _ => Err("expected a whole number from 1 to 10^12, such as 16384".to_owned()),
    }
}

pub(super) fn parse_precision(text: &str) -> Result<f64, String> {
    let (number, scale) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    match number.trim().parse::<f64>().map(|number| number / scale) {
        Ok(precision) if precision > 0.0 && precision < 1.0 => Ok(precision),
        _ => Err("expected a number above 0 and below 1, such as 0.01 or 1%".to_owned()),
    }
}

pub(super) fn parse_horizon(text: &str) -> Result<Ticks, String> {
    match Ticks::parse(text)? {
        Ticks::ZERO => Err("the horizon is above 0".to_owned()),
        horizon => Ok(horizon),
    }
}

fn parse_answer(text: &str) -> Result<TriState, String> {
    match text {
        "true" => Ok(TriState::Yes),
        "false" => Ok(TriState::No),
        _ => TriState::from_word(text).ok_or_else(|| "expected yes, no or unknown".to_owned()),
    }
}

impl Sampling {
    /// How people answer.
    pub(crate) fn response(&self) -> Response {
        Response { responders: self.responders, symptom_detection: self.symptom_detection }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn definitions_are_sound_and_examples_parse() {
        Arguments::command().debug_assert();
        let texts = [
            &[ASSESS_EXAMPLES, CHECK_EXAMPLES][..],
            &super::super::args_simulate::EXAMPLES,
            &[super::super::args_compare::EXAMPLES],
        ]
        .concat();
        for line in texts.iter().flat_map(|text| text.lines()).filter_map(|line| line.split_once("shockfront ")) {
            let words = std::iter::once("shockfront").chain(line.1.split_whitespace());
            assert!(Arguments::try_parse_from(words).is_ok(), "{}", line.1);
        }
    }

    #[test]
    fn values_are_checked() {
        assert_eq!(parse_trials("16_384"), Ok(16_384));
        assert!(parse_trials("0").is_err() && parse_trials("-1").is_err() && parse_trials("1e6").is_err());
        assert_eq!((parse_precision("1%"), parse_precision("0.05")), (Ok(0.01), Ok(0.05)));
        assert!(["0", "1", "-1%", "nan", "inf", "x"].iter().all(|text| parse_precision(text).is_err()));
        assert!(parse_horizon("0m").is_err() && parse_horizon("72").is_err());
        assert_eq!(parse_answer("unknown"), Ok(TriState::Unknown));
        assert!(parse_answer("maybe").is_err());
    }
}
