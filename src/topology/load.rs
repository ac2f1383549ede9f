//! Files to a [`System`]: one file, a directory whose topology files are joined, or an edge list.
//!
//! Joined files are read in the order of their names, an included file after the one that includes it. Errors of all files come
//! at once. What must hold: the room opens nothing itself; a file counts once, however often it is named.

use super::form::form;
use super::lower::{Header, lower};
use super::places::Places;
use super::schema::Topology;
use crate::diagnostic::{Diagnostic, SourceId, Sources, Span};
use crate::document::{FileType, Format, LIMITS, Marked, Node, decode_utf8, expect_schema, parse};
use crate::model::System;
use crate::model::draft::Draft;
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, is_separator};

/// Files inside each other by `include`.
const INCLUDE_DEPTH: usize = 64;

/// How the room comes to its texts. Paths are those that the user gave, or built from them with `/`.
pub trait Files {
    /// Size in bytes, so that a file that is too large is refused before it is read.
    ///
    /// # Errors
    /// When there is no such file, or it may not be read.
    fn size(&self, path: &str) -> io::Result<u64>;

    /// The whole content.
    ///
    /// # Errors
    /// When there is no such file, or it may not be read.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;

    /// The names of the files directly in a directory, in any order; `None` when the path is not a directory.
    ///
    /// # Errors
    /// When there is no such path, or it may not be read.
    fn list(&self, directory: &str) -> io::Result<Option<Vec<String>>>;

    /// The content piece by piece, for edge lists of any size.
    ///
    /// # Errors
    /// When there is no such file, or it may not be read.
    fn open(&self, path: &str) -> io::Result<Box<dyn io::BufRead + Send + '_>> {
        Ok(Box::new(io::Cursor::new(self.read(path)?)))
    }
}

/// A topology that was read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The system.
    pub system: System,
    /// Where its parts stand; knows nothing for edge lists.
    pub locate: Places,
    /// What was overlooked or is probably not meant.
    pub warnings: Vec<Diagnostic>,
    /// Of one file the SHA-256 of its content; of several that of their sorted digests. Names do not count.
    pub sha256: String,
    /// The paths of the files that were joined, in the order they were read.
    pub files: Vec<String>,
}

/// Loads a file, a directory or an edge list (`.tsv`, `.csv`).
///
/// # Errors
/// Everything that is wrong with any of the files.
pub fn load(sources: &mut Sources, entry: &str, files: &dyn Files) -> Result<Loaded, Vec<Diagnostic>> {
    let names = match files.list(entry) {
        Ok(names) => names,
        Err(error) => return Err(vec![unreadable(entry, &error)]),
    };
    if names.is_none() && is_edge_list(entry) {
        return super::edge_list::load(entry, files);
    }
    let mut join = Join::new(files);
    match names {
        Some(names) => join.directory(sources, entry, names),
        None => join.file(sources, &beside("", entry), None, &mut Vec::new()),
    }
    join.finish()
}

fn is_edge_list(path: &str) -> bool {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str()).map(str::to_ascii_lowercase);
    matches!(extension.as_deref(), Some("tsv" | "csv"))
}

/// What several files gave so far.
struct Join<'a> {
    files: &'a dyn Files,
    draft: Draft,
    places: Places,
    header: Header,
    problems: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    /// A file is missing from the draft, so names that do not resolve may stand in it.
    incomplete: bool,
    /// Entries are missing from a file.
    entries_missing: bool,
    paths: Vec<String>,
    digests: Vec<[u8; 32]>,
}

impl<'a> Join<'a> {
    fn new(files: &'a dyn Files) -> Self {
        Self {
            files,
            draft: Draft::default(),
            places: Places::default(),
            header: Header::default(),
            problems: Vec::new(),
            warnings: Vec::new(),
            incomplete: false,
            entries_missing: false,
            paths: Vec::new(),
            digests: Vec::new(),
        }
    }

    fn directory(&mut self, sources: &mut Sources, directory: &str, mut names: Vec<String>) {
        names.retain(|name| Format::from_path(Path::new(name)).is_some() && !name.to_ascii_lowercase().ends_with(".schema.json"));
        names.sort();
        let mut skipped = Vec::new();
        let before = self.problems.len();
        for name in names {
            let path = beside(&format!("{directory}/"), &name);
            if self.paths.contains(&path) {
                continue;
            }
            let Some((node, digest)) = self.tree(sources, &path, None) else { continue };
            let schema = node.entry("schema").and_then(|(_, value)| value.text()).unwrap_or_default();
            if schema.starts_with("shockfront/") && !schema.starts_with("shockfront/topology/") {
                skipped.push(format!("{name} ({schema})"));
                continue;
            }
            if let Err(problem) = expect_schema(&node, Topology::SCHEMA) {
                self.problems.push(problem.help("a directory is read as one topology: move files of another kind out of it"));
                self.incomplete = true;
                continue;
            }
            self.add(sources, &path, node, digest, &mut Vec::new());
        }
        if self.paths.is_empty() && self.problems.len() == before {
            self.incomplete = true;
            let message = format!("{directory} holds no topology file");
            let expected = format!("expected files *.yaml, *.yml, *.toml or *.json with `schema: {}`", Topology::SCHEMA);
            self.problems.push(Diagnostic::error("empty-directory", message).help(match skipped.len() {
                0 => expected,
                _ => format!("{expected}; it holds {}", skipped.join(", ")),
            }));
        }
    }

    /// Reads a file and everything it includes. `chain` are the files that led here.
    fn file(&mut self, sources: &mut Sources, path: &str, named_at: Option<Span>, chain: &mut Vec<String>) {
        if let Some((node, digest)) = self.tree(sources, path, named_at) {
            self.add(sources, path, node, digest, chain);
        }
    }

    fn add(&mut self, sources: &mut Sources, path: &str, node: Node, digest: [u8; 32], chain: &mut Vec<String>) {
        self.paths.push(path.to_owned());
        self.digests.push(digest);
        let Some(formed) = form(node, &mut self.problems, &mut self.warnings) else {
            self.incomplete = true;
            return;
        };
        self.entries_missing |= formed.entries_missing;
        let mut topology = formed.topology;
        let include = std::mem::take(&mut topology.include);
        self.places.add(formed.node, &self.draft);
        let header = Header::of(&topology);
        let draft = lower(topology, &mut self.problems);
        self.header(&draft, header);
        self.draft.services.extend(draft.services);
        self.draft.dependencies.extend(draft.dependencies);
        self.draft.groups.extend(draft.groups);
        self.draft.journeys.extend(draft.journeys);
        self.draft.waivers.extend(draft.waivers);
        chain.push(path.to_owned());
        for target in include {
            self.include(sources, path, &target, chain);
        }
        chain.pop();
    }

    fn include(&mut self, sources: &mut Sources, from: &str, target: &Marked<String>, chain: &mut Vec<String>) {
        let path = beside(from, &target.value);
        if let Some(at) = chain.iter().position(|known| *known == path) {
            let circle = [&chain[at..], std::slice::from_ref(&path)].concat().join(" → ");
            let error = Diagnostic::error("include-cycle", format!("files include each other: {circle}"));
            self.problems.push(error.at(target.span, "this closes the circle").help("remove one of the `include` lines"));
        } else if self.paths.contains(&path) {
            let warning = Diagnostic::warning("included-twice", format!("{path} is read once already"));
            self.warnings.push(warning.at(target.span, "has no effect"));
        } else if chain.len() >= INCLUDE_DEPTH {
            let error = Diagnostic::error("include-depth", format!("more than {INCLUDE_DEPTH} files include each other"));
            self.problems.push(error.at(target.span, "not read"));
        } else {
            self.file(sources, &path, Some(target.span), chain);
        }
    }

    /// Header fields may stand in one of the files, or agree.
    fn header(&mut self, draft: &Draft, header: Header) {
        let conflict = |what: &str, first: Option<Span>, second: Option<Span>| {
            Diagnostic::error("conflict", format!("two files state different values of `{what}`"))
                .at(second.unwrap_or_default(), "here")
                .at(first.unwrap_or_default(), "and here")
                .help("keep it in one of them")
        };
        match (&self.draft.name, &draft.name) {
            (Some(a), Some(b)) if a != b => self.problems.push(conflict("name", self.header.name, header.name)),
            (None, Some(name)) => (self.draft.name, self.header.name) = (Some(name.clone()), header.name),
            _ => {}
        }
        match (self.draft.responders, draft.responders) {
            (Some(a), Some(b)) if a != b => {
                self.problems.push(conflict("people.responders", self.header.responders, header.responders));
            }
            (None, Some(_)) => (self.draft.responders, self.header.responders) = (draft.responders, header.responders),
            _ => {}
        }
        // The most careful reading: as old as the oldest part, as complete as the least complete one.
        self.draft.observed_at = oldest(self.draft.observed_at, draft.observed_at);
        self.draft.coverage = match (self.draft.coverage, draft.coverage) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// The tree of a file and the digest of its content.
    fn tree(&mut self, sources: &mut Sources, path: &str, named_at: Option<Span>) -> Option<(Node, [u8; 32])> {
        match read_tree(sources, path, self.files) {
            Ok(read) => Some(read),
            Err(problems) => {
                self.incomplete = true;
                // What has no place in its own text stands at least where the file was named.
                self.problems.extend(problems.into_iter().map(|problem| match named_at {
                    Some(span) if problem.labels.is_empty() => problem.at(span, "included here"),
                    _ => problem,
                }));
                None
            }
        }
    }

    fn finish(mut self) -> Result<Loaded, Vec<Diagnostic>> {
        let built = if self.incomplete { None } else { Some(System::build(self.draft, &self.places)) };
        match built {
            Some(Ok(system)) if self.problems.is_empty() => {
                let sha256 = joined_digest(self.digests);
                return Ok(Loaded { system, locate: self.places, warnings: self.warnings, sha256, files: self.paths });
            }
            Some(Err(problems)) => {
                // A gate is not to blame for a dependency that could not be read.
                let blameless = |problem: &Diagnostic| self.entries_missing && CONSEQUENCES.contains(&problem.code);
                self.problems.extend(problems.into_iter().filter(|problem| !blameless(problem)));
            }
            _ => {}
        }
        Err(in_order(self.problems))
    }
}

/// Codes of messages that may follow from an entry that was left out.
const CONSEQUENCES: [&str; 4] = ["dangling-reference", "unknown-operation", "unknown-group", "missing-key"];

fn oldest(a: Option<jiff::civil::Date>, b: Option<jiff::civil::Date>) -> Option<jiff::civil::Date> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// By file and place; at most as many as a file may have.
fn in_order(mut problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
    problems.sort_by_key(|problem| problem.labels.first().map(|label| label.span));
    if problems.len() > LIMITS.errors {
        let more = problems.len() - LIMITS.errors;
        problems.truncate(LIMITS.errors);
        problems.push(Diagnostic::error("too-many", format!("{more} more errors are not shown")));
    }
    problems
}

/// Reads one file of any of our kinds as a tree, with the digest of its content.
///
/// # Errors
/// When it cannot be read, is too large, is no text, or has errors of syntax.
pub fn read_tree(sources: &mut Sources, path: &str, files: &dyn Files) -> Result<(Node, [u8; 32]), Vec<Diagnostic>> {
    let (id, format, digest) = read_text(sources, path, files).map_err(|problem| vec![problem])?;
    Ok((parse(sources, id, format)?, digest))
}

fn read_text(sources: &mut Sources, path: &str, files: &dyn Files) -> Result<(SourceId, Format, [u8; 32]), Diagnostic> {
    let Some(format) = Format::from_path(Path::new(path)) else {
        return Err(Diagnostic::error("unknown-format", format!("{path} has no known ending"))
            .help("expected .yaml, .yml, .toml or .json; for an edge list .tsv or .csv"));
    };
    let size = files.size(path).map_err(|error| unreadable(path, &error))?;
    if size > format.limit() as u64 {
        let (size, limit) = (size.div_ceil(1 << 20), format.limit() >> 20);
        // The text is not there, so the place is the start of an empty one of that name.
        let span = Span { source: sources.add(path, ""), start: 0, end: 0 };
        let error =
            Diagnostic::error("too-large", format!("the file has {size} MB; the limit for {} is {limit} MB", format.name()));
        let error = error.at(span, "");
        return Err(if format == Format::Json { error } else { error.help("write it as JSON, or split it") });
    }
    let bytes = files.read(path).map_err(|error| unreadable(path, &error))?;
    let digest = Sha256::digest(&bytes).into();
    let readable = readable_bytes(&bytes);
    if readable < bytes.len() {
        let text = String::from_utf8_lossy(&bytes[..readable]).into_owned();
        let end = text.len() as u32;
        let problem =
            decode_utf8(path, bytes).err().unwrap_or_else(|| Diagnostic::error("binary", format!("{path} is not text")));
        return Err(problem.at(Span { source: sources.add(path, text), start: end, end }, "up to here it is text"));
    }
    let text = decode_utf8(path, bytes)?;
    Ok((sources.add(path, text), format, digest))
}

/// How many bytes from the start are text.
fn readable_bytes(bytes: &[u8]) -> usize {
    let text = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    bytes[..text].iter().position(|&byte| byte == 0).unwrap_or(text)
}

pub(super) fn unreadable(path: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::error("unreadable", format!("{path} cannot be read: {error}"))
}

pub(super) fn joined_digest(mut digests: Vec<[u8; 32]>) -> String {
    digests.sort_unstable();
    let digest = match digests.as_slice() {
        [only] => *only,
        several => Sha256::digest(several.concat()).into(),
    };
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A path relative to a file, without `.` and `..` where they can be resolved.
fn beside(file: &str, path: &str) -> String {
    let directory = &file[..file.rfind(is_separator).map_or(0, |at| at + 1)];
    let joined = if Path::new(path).is_absolute() { path.to_owned() } else { format!("{directory}{path}") };
    let mut parts: Vec<&str> = Vec::new();
    for (position, part) in joined.split(is_separator).enumerate() {
        match part {
            "" if position > 0 => {}
            "." => {}
            ".." if parts.last().is_some_and(|last| !matches!(*last, "" | "..")) => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    if parts == [""] { "/".to_owned() } else { parts.join("/") }
}
