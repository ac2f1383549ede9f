//! `merge`: the parts of a run, as one run would have shown them.

use super::args::Merge;
use super::failure::{Failure, Outcome};
use super::part::command_line;
use super::session::{Session, span};
use super::simulate::{prepare, report, request};
use shockfront::diagnostic::Diagnostic;
use shockfront::document::decode_utf8;
use shockfront::propagation::conclude;
use shockfront::report::part::{Part, join};
use shockfront::report::part_ranking::{AnyPart, read_any_part};

pub(crate) fn run(session: &mut Session, arguments: &Merge) -> Result<Outcome, Failure> {
    let mut parts = Vec::with_capacity(arguments.parts.len());
    let mut problems = Vec::new();
    for path in &arguments.parts {
        match read(session, path) {
            Ok(part) => parts.push(part),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(Failure::Input(problems));
    }
    let (mut simulations, mut rankings) = (Vec::new(), Vec::new());
    for (at, part) in parts.into_iter().enumerate() {
        match part {
            AnyPart::Simulation(part) if rankings.is_empty() => simulations.push(*part),
            AnyPart::Ranking(part) if simulations.is_empty() => rankings.push(*part),
            _ => {
                let message = "it is of another command than the first".to_owned();
                return Err(misfit(arguments, Some(at), message));
            }
        }
    }
    if simulations.is_empty() {
        super::rank::merged(session, arguments, &rankings)
    } else {
        merged(session, arguments, simulations)
    }
}

/// What the parts of a simulation say together.
fn merged(session: &mut Session, arguments: &Merge, parts: Vec<Part>) -> Result<Outcome, Failure> {
    let sample = join(&parts).map_err(|(at, message)| misfit(arguments, at, message))?;
    // `join` refuses an empty list.
    let Some(Part { run, .. }) = parts.into_iter().next() else { return Err(Failure::input("missing-part", "there is no part")) };
    let simulate = command_line(&run, arguments)?;
    let prepared = prepare(session, &simulate, arguments.topology.as_deref().unwrap_or(&run.topology))?;
    let changed = |what: &str| Failure::input("changed", format!("{what} has changed since the parts were made"));
    if prepared.loaded.sha256 != run.sha256 {
        return Err(changed("the topology"));
    }
    if prepared.fault_file != run.fault_file_sha256 {
        return Err(changed("the fault file"));
    }
    let system = &prepared.loaded.system;
    let simulation =
        conclude(system, &prepared.compact, &prepared.scenario, &request(&simulate, system, run.sampling.trials), &sample)?;
    report(session, &simulate, &prepared, &simulation, (None, None))
}

/// Says which part does not fit, or that one is missing.
pub(super) fn misfit(arguments: &Merge, at: Option<usize>, message: String) -> Failure {
    match at.and_then(|at| arguments.parts.get(at)) {
        Some(path) => Failure::input("bad-part", format!("{path} does not fit: {message}")),
        None => Failure::input("missing-part", message),
    }
}

/// Reads a part; a mistake is shown in its place.
fn read(session: &mut Session, path: &str) -> Result<AnyPart, Diagnostic> {
    let bytes =
        std::fs::read(path).map_err(|error| Diagnostic::error("unreadable", format!("{path} cannot be read: {error}")))?;
    let text = decode_utf8(path, bytes)?;
    read_any_part(&text).map_err(|(message, place)| {
        let problem = Diagnostic::error("bad-part", format!("{path}: {message}"));
        // A part is one long line, which shows nothing; a text of several lines is worth a look.
        match place.filter(|_| text.lines().count() > 1).and_then(|place| offset(&text, place)) {
            Some(at) => {
                let source = session.sources.add(path, text.as_str());
                problem.at(span(source, at..at), "")
            }
            None => problem,
        }
    })
}

/// Byte offset of a line and a column, from 1.
fn offset(text: &str, (line, column): (usize, usize)) -> Option<usize> {
    let start: usize = text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum();
    let at = (start + column.saturating_sub(1)).min(text.len());
    text.is_char_boundary(at).then_some(at)
}
