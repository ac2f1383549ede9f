//! No result takes the place of what it was made from.
//!
//! The ledger is written by `--record` because somebody asked for that; it is no result.

use super::args::Command;
use super::failure::Failure;
use shockfront::document::Format;
use std::fs::canonicalize;
use std::path::Path;

/// Refuses a command that would write over one of its inputs.
pub(super) fn refuse(command: &Command) -> Result<(), Failure> {
    let (read, written) = files(command);
    for written in written {
        if let Some(input) = read.iter().find(|input| is_part(Path::new(input), written)) {
            let message = format!("{} would be written over the input {input}", written.display());
            return Err(Failure::input("overwrites-input", message));
        }
    }
    Ok(())
}

/// Is a file that exists this input, or one of the files of a directory?
fn is_part(input: &Path, written: &Path) -> bool {
    let (Ok(input), Ok(written)) = (canonicalize(input), canonicalize(written)) else { return false };
    let is_inside = input.is_dir() && written.parent() == Some(&input) && Format::from_path(&written).is_some();
    written.is_file() && (is_inside || input == written)
}

/// What a command reads and what it writes, by name.
fn files(command: &Command) -> (Vec<&str>, Vec<&Path>) {
    fn some<'a>(optional: &[&'a Option<String>]) -> impl Iterator<Item = &'a str> {
        optional.iter().filter_map(|path| path.as_deref()).collect::<Vec<_>>().into_iter()
    }
    fn all(several: &[String]) -> Vec<&str> {
        several.iter().map(String::as_str).collect()
    }
    let (mut read, written): (Vec<&str>, Vec<Option<&Path>>) = match command {
        Command::Assess(one) => {
            let single =
                [&one.diff, &one.terraform, &one.event, &one.reviews, &one.rollout, &one.policy, &one.team, &one.codeowners];
            let read = [vec![one.topology.as_str()], all(&one.change), all(&one.slo)].concat();
            let reports = one.report.iter().map(|wanted| Some(wanted.file.as_path()));
            (
                read.into_iter().chain(some(&single)).chain(some(&[&one.ledger])).collect(),
                reports.chain([one.sampling.output.output.as_deref()]).collect(),
            )
        }
        Command::Simulate(one) => (
            some(&[&one.fault_file]).chain([one.topology.as_str()]).collect(),
            vec![one.sampling.output.output.as_deref(), one.trials_out.as_deref()],
        ),
        Command::Compare(one) => {
            let single = [&one.fault_file, &one.change, &one.against, &one.team, &one.policy];
            let read = some(&single).chain([one.topology.as_str()]).chain(all(&one.slo));
            (read.collect(), vec![one.sampling.output.output.as_deref()])
        }
        Command::Merge(one) => {
            (all(&one.parts).into_iter().chain(some(&[&one.topology])).collect(), vec![one.output.output.as_deref()])
        }
        Command::Rank(one) => {
            (vec![one.topology.as_str()], vec![one.sampling.output.output.as_deref(), one.trials_out.as_deref()])
        }
        Command::Check(one) => (vec![one.topology.as_str()], vec![one.output.output.as_deref()]),
        Command::Graph(one) => (vec![one.topology.as_str()], vec![one.output.output.as_deref()]),
        Command::Generate(_) | Command::Schema(_) | Command::Completions(_) | Command::Man(_) => return (Vec::new(), Vec::new()),
    };
    // Standard input.
    read.retain(|path| *path != "-");
    (read, written.into_iter().flatten().collect())
}
