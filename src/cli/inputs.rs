//! Change, team, policy and fault files, and ledgers.

use super::failure::Failure;
use super::files::Disk;
use super::session::Session;
use sha2::{Digest, Sha256};
use shockfront::change::facts::Change;
use shockfront::change::file::{read_change, read_team};
use shockfront::change::team::Team;
use shockfront::diagnostic::{Diagnostic, Located, SourceId};
use shockfront::document::{Format, decode_utf8};
use shockfront::fault::Fault;
use shockfront::fault::file::read_faults;
use shockfront::model::System;
use shockfront::policy::file::read_policy;
use shockfront::policy::rules::Policy;
use shockfront::risk::budgets::{Budgets, read_budgets};
use shockfront::risk::ledger::{Ledger, read_ledger};
use shockfront::topology::Files;
use std::path::Path;

/// A change file whose services all exist.
pub(crate) fn change(session: &mut Session, path: &str, system: &System) -> Result<Change, Failure> {
    let (id, format) = text(session, path)?;
    let read = read_change(&session.sources, id, format)?;
    session.warn(&read.warnings);
    let listed = read.node.entry("services").map(|(_, list)| list.items()).unwrap_or_default();
    let mut problems = Vec::new();
    for (at, name) in read.change.services.iter().enumerate() {
        if system.find_service(name).is_none() {
            let problem = Diagnostic::error("unknown-service", format!("there is no service `{name}` in the topology"));
            let problem = problem.suggest(name, system.service_names());
            problems.push(match listed.get(at) {
                Some(node) => problem.at(node.anchor(), ""),
                None => problem,
            });
        }
    }
    if problems.is_empty() { Ok(read.change) } else { Err(Failure::Input(problems)) }
}

/// A team file, and the hash of its text.
pub(crate) fn team(session: &mut Session, path: &str) -> Result<(Team, String), Failure> {
    let (id, format) = text(session, path)?;
    let (team, warnings) = read_team(&session.sources, id, format)?;
    session.warn(&warnings);
    Ok((team, hash(session, id)))
}

/// A policy file, and the hash of its text.
pub(crate) fn policy(session: &mut Session, path: &str) -> Result<(Policy, String), Failure> {
    let (id, format) = text(session, path)?;
    let (policy, warnings) = read_policy(&session.sources, id, format)?;
    session.warn(&warnings);
    // A policy without a name is called by its file.
    Ok((Policy { name: policy.name.or_else(|| Some(path.to_owned())), ..policy }, hash(session, id)))
}

/// A ledger; one that does not exist yet is empty where it is about to be written.
pub(crate) fn ledger(session: &mut Session, path: &str, may_be_new: bool) -> Result<Ledger, Failure> {
    if may_be_new && !Path::new(path).exists() {
        return Ok(Ledger::default());
    }
    let (id, format) = text(session, path)?;
    let (ledger, warnings) = read_ledger(&session.sources, id, format)?;
    session.warn(&warnings);
    Ok(ledger)
}

/// What files say about error budgets, and the hashes of their texts.
pub(crate) fn budgets(session: &mut Session, paths: &[String]) -> Result<(Budgets, Vec<String>), Failure> {
    let (mut all, mut hashes, mut problems) = (Budgets::default(), Vec::new(), Vec::new());
    for path in paths {
        let (id, format) = text(session, path)?;
        match read_budgets(&mut session.sources, id, format) {
            Ok((budgets, warnings)) => {
                session.warn(&warnings);
                all.extend(budgets);
                hashes.push(hash(session, id));
            }
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok((all, hashes)) } else { Err(Failure::Input(problems)) }
}

/// SHA-256 of a text, in hexadecimal.
fn hash(session: &Session, id: SourceId) -> String {
    let text = session.sources.get(id).map_or("", |source| &source.text);
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A fault file, and the hash of its text.
pub(crate) fn faults(session: &mut Session, path: &str) -> Result<(Vec<Located<Fault>>, String), Failure> {
    let (id, format) = text(session, path)?;
    let read = read_faults(&session.sources, id, format)?;
    session.warn(&read.warnings);
    Ok((read.faults, hash(session, id)))
}

/// Reads a text, its size first.
fn text(session: &mut Session, path: &str) -> Result<(SourceId, Format), Failure> {
    let unreadable = |error: std::io::Error| Failure::input("unreadable", format!("{path} cannot be read: {error}"));
    let Some(format) = Format::from_path(Path::new(path)) else {
        let problem = Diagnostic::error("unknown-format", format!("{path} has no known ending"));
        return Err(problem.help("expected .yaml, .yml, .toml or .json").into());
    };
    let size = Disk.size(path).map_err(unreadable)?;
    if size > format.limit() as u64 {
        let (size, limit) = (size.div_ceil(1 << 20), format.limit() >> 20);
        let message = format!("{path} has {size} MB; the limit for {} is {limit} MB", format.name());
        return Err(Failure::input("too-large", message));
    }
    let text = decode_utf8(path, Disk.read(path).map_err(unreadable)?)?;
    Ok((session.sources.add(path, text), format))
}
