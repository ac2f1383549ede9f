//! The topology as it was before a change edited it.
//!
//! Reads the version at the commit that the change starts from, with the same loader and through git's objects, and lands the change
//! in it. What must hold: an edit is never overlooked because its version before cannot be read; then the reason is passed on.

use super::args::Assess;
use super::evidence::{land_plan_in, mapping, repository};
use super::failure::Failure;
use super::git_tree::{Tree, root};
use shockfront::assess::{InFlight, TopologyEdit, VersionBefore};
use shockfront::change::files::{ChangedFile, Content, Status};
use shockfront::change::paths::Mapping;
use shockfront::change::terraform::Plan;
use shockfront::diagnostic::{Diagnostic, Sources};
use shockfront::document::Format;
use shockfront::policy::is_same_file;
use shockfront::topology::difference::differences;
use shockfront::topology::{Loaded, load};
use std::path::{Component, Path, PathBuf};

/// Links on the way to a file that are followed, as many as systems do.
const MOST_LINKS: usize = 40;
/// Letters of a commit that are shown.
const SHOWN: usize = 10;

/// A change as it lands in the topology of today, and the services that its file states.
pub(super) type Stated<'a> = (&'a InFlight, &'a [String]);

/// The edit, where a change makes one, with the digest of the version before. `base` is the commit the change starts from.
pub(super) fn topology_edit(
    arguments: &Assess,
    loaded: &Loaded,
    base: Option<&str>,
    (changes, plan): (&[Stated<'_>], Option<&Plan>),
) -> Option<(TopologyEdit, String)> {
    let files: Vec<&ChangedFile> = changes.iter().flat_map(|(one, _)| &one.change.files).collect();
    let places = Places::new(arguments, loaded, base.is_some());
    let mut touched: Vec<&ChangedFile> = files.iter().copied().filter(|file| places.is_touched(file)).collect();
    if touched.is_empty() {
        return None;
    }
    let Some(base) = base else {
        let why = "a diff does not hold it; assess a range of commits with `--base`".to_owned();
        return Some((TopologyEdit { files: paths(&touched), before: Err(why) }, String::new()));
    };
    let before = version_before(arguments, (&places, &files), base);
    if let Ok(before) = &before {
        // Of a directory only what was read as a part of the topology, before or after.
        let is_part = |file: &&ChangedFile| {
            let is_before = file.old_path.iter().chain(&file.new_path).any(|path| before.files.contains(path));
            is_before || places.is_read(file)
        };
        touched.retain(is_part);
        if touched.is_empty() {
            return None;
        }
    }
    let before = before.and_then(|before| {
        let is_moved_only = touched.iter().all(|file| file.lines() == 0);
        if before.sha256 == loaded.sha256 && !is_moved_only {
            return Err("what was read is the version before: check out the head of the change".to_owned());
        }
        Ok(before)
    });
    let digest = before.as_ref().map(|before| before.sha256.clone()).unwrap_or_default();
    let landed = before.and_then(|before| {
        let changes: Result<Vec<InFlight>, Failure> = changes.iter().map(|one| landed_before(&before, *one, plan)).collect();
        let changes = changes.map_err(|failure| reason(&failure))?;
        let differences = differences(&before.system, &loaded.system);
        Ok(VersionBefore {
            revision: base.chars().take(SHOWN).collect(),
            files: before.files,
            system: before.system,
            differences,
            changes,
        })
    });
    Some((TopologyEdit { files: paths(&touched), before: landed }, digest))
}

/// Where the version before could be read, what the edited files do is known, and none of them is listed as a file of no service.
/// Where such a file comes from elsewhere, its old path is listed all the same: what it was there is not known.
pub(super) fn set_aside(edit: &mut TopologyEdit, changes: &mut [InFlight]) {
    let TopologyEdit { files, before: Ok(before) } = edit else { return };
    let known: Vec<String> = files.iter().chain(&before.files).cloned().collect();
    for InFlight { mapping, .. } in changes.iter_mut().chain(&mut before.changes) {
        mapping.iter_mut().for_each(|mapping| mapping.set_aside(&known));
    }
}

fn paths(files: &[&ChangedFile]) -> Vec<String> {
    files.iter().map(|file| file.path().to_owned()).collect()
}

/// Where the topology of today lies in the repository.
struct Places {
    /// Its files as git names them.
    read: Vec<String>,
    /// As they were named, where there are no checked-out files to compare with.
    named: Vec<String>,
    /// What was asked for, a file or a directory: what a link leads to, then the link.
    entries: Vec<String>,
    is_directory: bool,
}

impl Places {
    fn new(arguments: &Assess, loaded: &Loaded, has_range: bool) -> Self {
        let entry = Path::new(&arguments.topology);
        let is_directory = entry.is_dir();
        let Some(root) = root(repository(arguments)).filter(|_| has_range) else {
            return Self { read: Vec::new(), named: loaded.files.clone(), entries: Vec::new(), is_directory };
        };
        let mut read = Vec::new();
        for file in &loaded.files {
            // Links on the way and what they lead to: any of them can be what changed.
            read.extend(place(&root, Path::new(file)).into_iter().chain(ways(&root, Path::new(file))));
        }
        let target = std::fs::canonicalize(entry).ok().and_then(|path| inside(&root, &path));
        let mut entries: Vec<String> = target.into_iter().chain(place(&root, entry)).collect();
        entries.dedup();
        Self { read, named: Vec::new(), entries, is_directory }
    }

    fn is_read(&self, file: &ChangedFile) -> bool {
        file.touched_paths().any(|path| self.is_known(path))
    }

    fn is_known(&self, path: &str) -> bool {
        self.read.iter().any(|known| known == path) || self.named.iter().any(|named| is_same_file(named, path))
    }

    /// Could the topology be another one without this part of the change?
    fn is_touched(&self, file: &ChangedFile) -> bool {
        let is_repository = file.content == Content::Submodule;
        let holds = |path: &str| is_repository && self.read.iter().any(|known| Path::new(known).starts_with(path));
        let is_beside = |path: &str| {
            let directory = Path::new(path).parent().map(Path::to_path_buf).unwrap_or_default();
            let is_of = self.is_directory && self.entries.iter().any(|entry| directory == Path::new(entry));
            is_of && Format::from_path(Path::new(path)).is_some()
        };
        file.touched_paths().any(|path| self.is_known(path) || holds(path) || is_beside(path))
    }
}

/// A path inside of the repository, as git names it, without following a link at its end.
pub(super) fn place(root: &Path, path: &Path) -> Option<String> {
    let absolute = match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if path.components().next_back() != Some(Component::ParentDir) => {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            std::fs::canonicalize(parent).ok()?.join(name)
        }
        _ => std::fs::canonicalize(path).ok()?,
    };
    inside(root, &absolute)
}

/// Every place inside of the repository that decides what a path leads to: the links on its way, repositories in the repository that
/// hold a part of it, and its end.
pub(super) fn ways(root: &Path, path: &Path) -> Vec<String> {
    let Ok(absolute) = std::path::absolute(path) else { return Vec::new() };
    let parts = |path: &Path| path.components().rev().map(|part| part.as_os_str().to_owned()).collect::<Vec<_>>();
    let (mut found, mut at, mut rest, mut links) = (Vec::new(), PathBuf::new(), parts(&absolute), 0);
    while let Some(part) = rest.pop() {
        let next = match Path::new(&part).components().next() {
            Some(Component::ParentDir) => at.parent().map(Path::to_path_buf).unwrap_or_default(),
            _ => at.join(&part),
        };
        let Ok(metadata) = next.symlink_metadata() else { break };
        if metadata.is_symlink() {
            found.extend(inside(root, &next));
            links += 1;
            match std::fs::read_link(&next) {
                Ok(target) if links <= MOST_LINKS => rest.extend(parts(&target)),
                _ => break,
            }
            continue;
        }
        if rest.is_empty() || (next != root && next.join(".git").exists()) {
            found.extend(inside(root, &next));
        }
        at = next;
    }
    found.retain(|place| !place.is_empty());
    found.dedup();
    found
}

pub(super) fn inside(root: &Path, absolute: &Path) -> Option<String> {
    let inside = absolute.strip_prefix(root).ok()?;
    let parts: Option<Vec<&str>> = inside.components().map(|part| part.as_os_str().to_str()).collect();
    Some(parts?.join("/"))
}

/// The version at the base; where the file or the directory was moved, from where it was.
fn version_before(arguments: &Assess, (places, files): (&Places, &[&ChangedFile]), base: &str) -> Result<Loaded, String> {
    let Some(entry) = places.entries.first() else {
        return Err("the topology lies in no checked-out file of the repository".to_owned());
    };
    let tree = Tree::new(repository(arguments), base);
    let moved = files.iter().filter(|file| file.status == Status::Renamed).find_map(|file| {
        let (old, new) = (file.old_path.as_deref()?, file.new_path.as_deref()?);
        if places.is_directory {
            let directory = |path: &str| Path::new(path).parent().map(Path::to_path_buf).unwrap_or_default();
            let is_of = directory(new) == Path::new(entry) && directory(old) != Path::new(entry);
            return is_of.then(|| directory(old).to_string_lossy().into_owned());
        }
        (new == entry).then(|| old.to_owned())
    });
    let mut sources = Sources::default();
    let found = load(&mut sources, if entry.is_empty() { "." } else { entry }, &tree);
    let found = match (found, moved) {
        (Err(_), Some(moved)) => load(&mut sources, &moved, &tree),
        (found, _) => found,
    };
    found.map_err(|problems| match problems.first() {
        Some(problem) => located(&sources, problem),
        None => "it cannot be read".to_owned(),
    })
}

/// A message with its place in one line.
fn located(sources: &Sources, problem: &Diagnostic) -> String {
    let place = problem.labels.first().and_then(|label| {
        let (line, column) = sources.line_column(label.span)?;
        Some(format!("{}:{line}:{column}: ", sources.get(label.span.source)?.name))
    });
    place.unwrap_or_default() + &problem.message
}

fn reason(failure: &Failure) -> String {
    match failure {
        Failure::Input(problems) => problems.first().map(|problem| problem.message.clone()),
        Failure::Output(message) => Some(message.clone()),
    }
    .unwrap_or_else(|| "the change cannot be placed in it".to_owned())
}

/// The change as the version before sees it: its files by the paths of that version, without services that it does not have.
fn landed_before(before: &Loaded, (now, stated): Stated<'_>, plan: Option<&Plan>) -> Result<InFlight, Failure> {
    let mut change = now.change.clone();
    let mut mapping = if change.files.is_empty() { None } else { Some(mapping(before, &change, stated, &mut Vec::new())?) };
    if let Some(plan) = plan {
        // What a plan destroys is known; only where it lands can differ.
        let mut landed = change.clone();
        land_plan_in(before, plan)?.join(&mut landed, &mut mapping);
        change.state_lost = landed.state_lost;
    }
    let known = stated.iter().filter(|name| before.system.resolve(name).is_ok()).cloned();
    let derived = mapping.iter().flat_map(Mapping::targets);
    let mut services: Vec<String> = known.collect();
    for name in derived {
        if !services.contains(&name) {
            services.push(name);
        }
    }
    change.services = services;
    Ok(InFlight { change, mapping, owned_paths: now.owned_paths.clone() })
}
