//! The files that decide about a change, and what they said before it where the change edits them itself.
//!
//! What must hold: nobody is judged only by what the same change wrote: the policy before judges as well, and of the people in the
//! team file nobody becomes more by the edit. A file is known by where it lies, through links and by whatever path it was named.

use super::args::Assess;
use super::evidence::repository;
use super::git_tree::{Tree, root};
use super::topology_before::{place, ways};
use shockfront::assess::InFlight;
use shockfront::change::file::read_team;
use shockfront::change::files::{ChangedFile, Status};
use shockfront::change::team::Team;
use shockfront::diagnostic::{SourceId, Sources};
use shockfront::document::{Format, decode_utf8};
use shockfront::policy::file::read_policy;
use shockfront::policy::is_same_file;
use shockfront::policy::rules::Policy;
use shockfront::topology::Files;
use std::io;
use std::path::Path;

/// The files as they were named and, inside of a repository, where they lie.
pub(super) fn gate_files(arguments: &Assess) -> Vec<String> {
    let rules = [&arguments.policy, &arguments.team, &arguments.codeowners, &arguments.ledger];
    let named = rules.into_iter().flatten().chain(&arguments.slo);
    named.flat_map(|path| places(arguments, path).into_iter().chain([path.clone()])).collect()
}

/// Where a file lies in the repository, and whatever on the way decides that.
fn places(arguments: &Assess, path: &str) -> Vec<String> {
    let Some(root) = root(repository(arguments)) else { return Vec::new() };
    let path = Path::new(path);
    let mut all: Vec<String> = place(&root, path).into_iter().chain(ways(&root, path)).collect();
    all.dedup();
    all
}

/// What links of the head commit lead to, inside of the repository, where the policy asks. Where that cannot be read, it may be
/// anything: the empty path.
pub(super) fn linked(arguments: &Assess, changes: &[InFlight], policy: &Policy) -> Vec<String> {
    let head = changes.iter().find_map(|one| one.change.head.as_deref()).filter(|_| !policy.not_deployed.is_empty());
    head.map_or_else(Vec::new, |head| Tree::new(repository(arguments), head).linked().unwrap_or_else(|_| vec![String::new()]))
}

/// A file before the change.
enum Before {
    /// The change leaves it alone.
    Same,
    /// There was none.
    None,
    /// What it held.
    Text(String),
    /// Nobody knows.
    Unknown,
}

fn before(arguments: &Assess, path: &str, (changes, base): (&[InFlight], Option<&str>)) -> Before {
    let files = || changes.iter().flat_map(|one| &one.change.files);
    let places = places(arguments, path);
    let is_edited = |file: &ChangedFile, place: &str| file.touched_paths().any(|touched| touched == place);
    let Some(base) = base else {
        let mut touched = files().flat_map(ChangedFile::touched_paths);
        return if touched.any(|touched| is_same_file(path, touched)) { Before::Unknown } else { Before::Same };
    };
    let Some(place) = places.iter().find(|place| files().any(|file| is_edited(file, place))) else { return Before::Same };
    let tree = Tree::new(repository(arguments), base);
    let moved = files().find(|file| file.status == Status::Renamed && file.new_path.as_ref() == Some(place));
    let read = match (tree.read(place), moved.and_then(|file| file.old_path.as_deref())) {
        (Err(error), Some(old)) if error.kind() == io::ErrorKind::NotFound => tree.read(old),
        (read, _) => read,
    };
    match read {
        Ok(bytes) => decode_utf8(path, bytes).map_or(Before::Unknown, Before::Text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Before::None,
        Err(_) => Before::Unknown,
    }
}

/// What a text says, if it can be read.
fn parsed<T, E>(path: &str, text: String, read: impl FnOnce(&Sources, SourceId, Format) -> Result<(T, E), E>) -> Option<T> {
    let mut sources = Sources::default();
    let id = sources.add(path, text);
    read(&sources, id, Format::from_path(Path::new(path))?).ok().map(|(value, _)| value)
}

/// The policy before the change edited it. `None` where it did not, or where nobody can read what there was: then the rules that ship
/// judge as well.
pub(super) fn policy_before(arguments: &Assess, known: (&[InFlight], Option<&str>)) -> Option<Policy> {
    let path = arguments.policy.as_ref()?;
    match before(arguments, path, known) {
        Before::Text(text) => parsed(path, text, read_policy),
        Before::Same | Before::None | Before::Unknown => None,
    }
}

/// The team as far as the change did not write it itself, and a sentence about that. `None` where it leaves the file alone.
pub(super) fn team_before(arguments: &Assess, team: &Team, known: (&[InFlight], Option<&str>)) -> Option<(Team, String)> {
    let path = arguments.team.as_ref()?;
    let before = match before(arguments, path, known) {
        Before::Same | Before::None => return None,
        Before::Text(text) => parsed(path, text, read_team).unwrap_or_default(),
        Before::Unknown => Team::default(),
    };
    let said = format!("the change edits {path}: nobody has more experience, teams or addresses by that than before");
    Some((team.held_to(&before), said))
}
