//! Which services a change lands on: changed paths against the `paths:` globs of the topology.
//!
//! The most specific glob wins: the one with the most literal characters; where two tie, both services are hit. `*` stops
//! at `/`, `**` does not, letter case matters, and a glob without wild cards also means everything below it. What must
//! hold: a path that fits no glob is listed as unmapped, never dropped; both ends of a rename count.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use globset::{Candidate, GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};

use super::files::{ChangedFile, Content};
use crate::diagnostic::Diagnostic;

/// What globs begin with that mean addresses of resources in a Terraform plan and not files.
pub const TERRAFORM: &str = "terraform:";

/// A glob of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathRule<'a> {
    /// The glob, relative to the top of the repository.
    pub glob: &'a str,
    /// The name of the service.
    pub service: &'a str,
}

/// What of a change lands on one service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Touched {
    /// The paths, in the order of the diff.
    pub paths: Vec<String>,
    /// Lines added and deleted in those of them that are its own; a file counts once, whichever of its ends lies here.
    pub lines: u64,
    /// What it shares with others, such as a library.
    pub shared: Option<SharedPart>,
    /// Its operations in which all of it lies, with the lines of each; empty where it may be anywhere in the service.
    pub operations: BTreeMap<String, u64>,
}

/// What of a change lands on several services at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SharedPart {
    /// How many of the paths it has.
    pub n_paths: usize,
    /// P(this service is hit | the change breaks something), as far as the shared files go.
    pub hit: f64,
}

impl Touched {
    /// Notes that so many of the paths are shared, and what they hit.
    pub(super) fn share(&mut self, n_paths: usize, hit: f64) {
        let before = self.shared.unwrap_or(SharedPart { n_paths: 0, hit: 0.0 });
        self.shared = Some(SharedPart { n_paths: before.n_paths + n_paths, hit: before.hit.max(hit) });
    }

    /// The chance of a hit through shared files, and whether there are no others.
    pub fn shared_hit(&self) -> Option<(f64, bool)> {
        self.shared.map(|shared| (shared.hit, shared.n_paths >= self.paths.len()))
    }
}

/// Where a change lands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapping {
    /// By the name of the service.
    pub by_service: BTreeMap<String, Touched>,
    /// Paths that belong to no service, in the order of the diff.
    pub unmapped: Vec<String>,
    /// How many files changed.
    pub n_files: usize,
    /// How many of them land on a service with every path.
    pub n_mapped: usize,
}

impl Mapping {
    /// Gives a path to one more service, unless it has it; a file of which both ends lie there counts once.
    pub(super) fn land(&mut self, service: &str, path: &str, lines: u64) -> &mut Touched {
        self.unmapped.retain(|known| known != path);
        let touched = self.by_service.entry(service.to_owned()).or_default();
        touched.operations.clear();
        if !touched.paths.iter().any(|known| known == path) {
            touched.paths.push(path.to_owned());
            touched.lines = touched.lines.saturating_add(lines);
        }
        touched
    }

    /// Lists these paths as unmapped no longer: what they do is known without a service that they belong to.
    pub fn set_aside(&mut self, known: &[String]) {
        self.unmapped.retain(|path| !known.contains(path));
    }

    /// Counts the files that land with every path anew.
    pub(super) fn recount(&mut self, files: &[ChangedFile]) {
        let unmapped: HashSet<&str> = self.unmapped.iter().map(String::as_str).collect();
        let is_mapped = |file: &&ChangedFile| file.touched_paths().all(|path| !unmapped.contains(path));
        self.n_mapped = files.iter().filter(is_mapped).count();
    }

    /// Services by name, and operations as `SERVICE.OPERATION` where the change lies in those only.
    pub fn targets(&self) -> Vec<String> {
        let of = |(service, touched): (&String, &Touched)| match touched.operations.is_empty() {
            true => vec![service.clone()],
            false => touched.operations.keys().map(|operation| reference(service, operation)).collect(),
        };
        self.by_service.iter().flat_map(of).collect()
    }

    /// The services of every path that belongs to one.
    pub fn services_by_path(&self) -> HashMap<&str, Vec<&str>> {
        let mut services: HashMap<&str, Vec<&str>> = HashMap::new();
        for (service, touched) in &self.by_service {
            for path in &touched.paths {
                services.entry(path).or_default().push(service);
            }
        }
        services
    }
}

/// `SERVICE.OPERATION` as references write it.
pub(crate) fn reference(service: &str, operation: &str) -> String {
    format!("{}.{}", service.replace('.', "\\."), operation.replace('.', "\\."))
}

/// Maps changed files to services.
///
/// # Errors
/// All globs that cannot be read. Their place in the topology file is for the caller to add.
pub fn map_files(rules: &[PathRule<'_>], files: &[ChangedFile]) -> Result<Mapping, Vec<Diagnostic>> {
    let globs = Globs::build(rules)?;
    let mut mapping = Mapping { n_files: files.len(), ..Mapping::default() };
    let mut matched = Vec::new();
    for file in files {
        let mut counted = BTreeSet::new();
        let mut is_mapped = true;
        for path in file.touched_paths() {
            // A submodule is a directory that shows as a file.
            let place = if file.content == Content::Submodule { format!("{path}/") } else { path.to_owned() };
            let services = globs.services(rules, &place, &mut matched);
            if services.is_empty() {
                is_mapped = false;
                mapping.unmapped.push(path.to_owned());
            }
            for service in services {
                let touched = mapping.by_service.entry(service.to_owned()).or_default();
                touched.paths.push(path.to_owned());
                if counted.insert(service) {
                    touched.lines = touched.lines.saturating_add(file.lines());
                }
            }
        }
        mapping.n_mapped += usize::from(is_mapped);
    }
    Ok(mapping)
}

/// All globs of a topology, ready to match.
pub(super) struct Globs {
    set: GlobSet,
    /// For each glob of the set, its rule and its literal length.
    origin: Vec<(usize, usize)>,
}

impl Globs {
    pub(super) fn build(rules: &[PathRule<'_>]) -> Result<Self, Vec<Diagnostic>> {
        let mut builder = GlobSetBuilder::new();
        let mut origin = Vec::new();
        let mut errors = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            let text = rule.glob.trim_start_matches("./").trim_start_matches('/');
            let is_address = text.starts_with(TERRAFORM);
            for form in if is_address { address_forms(text) } else { path_forms(text) } {
                match GlobBuilder::new(&form).literal_separator(!is_address).backslash_escape(true).build() {
                    Ok(glob) if !text.is_empty() => {
                        builder.add(glob);
                        origin.push((index, literal_length(text)));
                    }
                    Ok(_) => errors.push(bad_glob(rule, "it is empty")),
                    Err(error) => errors.push(bad_glob(rule, &error.kind().to_string())),
                }
            }
        }
        if errors.is_empty() {
            let too_large = |error: globset::Error| {
                vec![Diagnostic::error("bad-glob", format!("the globs of `paths` are too large together: {error}"))]
            };
            return Ok(Self { set: builder.build().map_err(too_large)?, origin });
        }
        errors.dedup();
        Err(errors)
    }

    /// Whether a path fits any of them.
    pub(super) fn fit(&self, path: &str) -> bool {
        self.set.is_match_candidate(&Candidate::new(path))
    }

    /// The services with the longest glob that fits, by name.
    pub(super) fn services<'a>(&self, rules: &[PathRule<'a>], path: &str, matched: &mut Vec<usize>) -> BTreeSet<&'a str> {
        self.set.matches_candidate_into(&Candidate::new(path), matched);
        let origins = matched.iter().map(|at| self.origin[*at]);
        let longest = origins.clone().map(|(_, length)| length).max();
        origins.filter(|(_, length)| Some(*length) == longest).map(|(rule, _)| rules[rule].service).collect()
    }
}

/// Globs of files that belong to nobody in particular; as those of services they begin at the top of the repository.
#[derive(Debug, Clone, Default)]
pub struct FileGlobs(GlobSet);

impl FileGlobs {
    /// Reads globs.
    ///
    /// # Errors
    /// For each that cannot be read its position and why.
    pub fn build(globs: &[&str]) -> Result<Self, Vec<(usize, String)>> {
        let (mut builder, mut errors) = (GlobSetBuilder::new(), Vec::new());
        for (at, glob) in globs.iter().enumerate() {
            let text = glob.trim_start_matches("./").trim_start_matches('/');
            if text.is_empty() {
                errors.push((at, "it is empty".to_owned()));
            }
            for form in path_forms(text) {
                match GlobBuilder::new(&form).literal_separator(true).backslash_escape(true).build() {
                    Ok(glob) => drop(builder.add(glob)),
                    Err(error) => errors.push((at, error.kind().to_string())),
                }
            }
        }
        errors.dedup_by_key(|(at, _)| *at);
        if !errors.is_empty() {
            return Err(errors);
        }
        builder.build().map(Self).map_err(|error| vec![(0, format!("they are too large together: {error}"))])
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a path fits any of them.
    pub fn fit(&self, path: &str) -> bool {
        self.0.is_match_candidate(&Candidate::new(path))
    }
}

/// A glob of symbols: functions, methods and types, or chains of them with points.
pub(super) struct Symbols(GlobMatcher);

impl Symbols {
    /// Reads a glob, or says what is wrong with it.
    pub(super) fn build(glob: &str) -> Result<Self, String> {
        match GlobBuilder::new(glob).backslash_escape(true).build() {
            Ok(_) if glob.trim().is_empty() => Err("no symbol stands behind `#`".to_owned()),
            Ok(glob) => Ok(Self(glob.compile_matcher())),
            Err(error) => Err(error.kind().to_string()),
        }
    }

    /// Whether any of the names fits, or the end of their chain from any of them on. O(names²).
    pub(super) fn fit(&self, names: &[String]) -> bool {
        names.iter().any(|name| self.0.is_match(name)) || (0..names.len()).any(|first| self.0.is_match(names[first..].join(".")))
    }
}

/// A glob of files as it is, and everything below a name without wild cards.
fn path_forms(text: &str) -> Vec<String> {
    if text.ends_with('/') {
        vec![format!("{text}**")]
    } else if text.contains(['*', '?', '[', '{', '\\']) {
        vec![text.to_owned()]
    } else {
        vec![text.to_owned(), format!("{text}/**")]
    }
}

/// A glob of addresses, in which brackets are those of an index; without wild cards also the instances and what is inside.
fn address_forms(text: &str) -> Vec<String> {
    let literal = text.replace('[', "\\[").replace(']', "\\]");
    if text.contains(['*', '?', '{', '\\']) {
        return vec![literal];
    }
    vec![format!("{literal}.*"), format!("{literal}\\[*"), literal]
}

fn bad_glob(rule: &PathRule<'_>, why: &str) -> Diagnostic {
    Diagnostic::error("bad-glob", format!("the glob `{}` of service `{}` cannot be read: {why}", rule.glob, rule.service))
        .help("`*` stands for any part of a name, `**` for any directories, `{a,b}` for either; a backslash makes a sign literal")
}

/// How many characters of a glob match only themselves. Of `{a,bc}` the shortest way through counts, of `[ab]` nothing.
fn literal_length(glob: &str) -> usize {
    // One entry an open brace: the shortest finished way through it, and the way that is being read.
    let mut open = vec![(usize::MAX, 0_usize)];
    let mut signs = glob.chars();
    while let Some(sign) = signs.next() {
        let depth = open.len();
        let Some((shortest, length)) = open.last_mut() else { break };
        match sign {
            '*' | '?' => {}
            '[' => {
                // The first sign inside is never the end, even where it is `]`.
                let first = signs.next();
                let first = if matches!(first, Some('!' | '^')) { signs.next() } else { first };
                if first.is_some() {
                    let _ = signs.by_ref().find(|sign| *sign == ']');
                }
            }
            '{' => open.push((usize::MAX, 0)),
            ',' if depth > 1 => {
                *shortest = (*shortest).min(*length);
                *length = 0;
            }
            '}' if depth > 1 => {
                let through = (*shortest).min(*length);
                open.pop();
                if let Some((_, length)) = open.last_mut() {
                    *length += through;
                }
            }
            _ => {
                if sign == '\\' {
                    signs.next();
                }
                *length += 1;
            }
        }
    }
    open.first().map_or(0, |(_, length)| *length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::files::Status;

    fn file(old: Option<&str>, new: Option<&str>, lines: u64) -> ChangedFile {
        let status = if old == new { Status::Modified } else { Status::Renamed };
        ChangedFile {
            old_path: old.map(str::to_owned),
            new_path: new.map(str::to_owned),
            status,
            content: Content::Text,
            added: lines,
            deleted: 0,
            hunks: Vec::new(),
            parts: Vec::new(),
        }
    }

    fn map(rules: &[(&str, &str)], files: &[ChangedFile]) -> Mapping {
        let rules: Vec<_> = rules.iter().map(|(glob, service)| PathRule { glob, service }).collect();
        map_files(&rules, files).unwrap_or_else(|errors| panic!("{errors:?}"))
    }

    fn services(rules: &[(&str, &str)], path: &str) -> String {
        let mapping = map(rules, &[file(Some(path), Some(path), 1)]);
        mapping.by_service.keys().map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_longest_glob_wins_and_ties_hit_both() {
        let rules =
            [("src/**", "all"), ("src/pay/**", "pay"), ("src/*/api.rs", "api"), ("src/tax/**", "tax"), ("src/tax/**", "duty")];
        for (path, expected) in
            [("src/x.rs", "all"), ("src/pay/x.rs", "pay"), ("src/pay/api.rs", "api"), ("src/tax/x", "duty tax"), ("lib/x", "")]
        {
            assert_eq!(services(&rules, path), expected, "{path}");
        }
    }

    #[test]
    fn globs_follow_directories() {
        for (glob, path, fits) in [
            ("src/*", "src/a/b", false),
            ("src/**", "src/a/b", true),
            ("**/x.tf", "x.tf", true),
            ("**/x.tf", "a/b/x.tf", true),
            ("src/pay", "src/pay/a/b", true),
            ("src/pay", "src/payment", false),
            ("./src/", "src/a/b", true),
            ("/src/{pay,tax}/**", "src/tax/x", true),
            ("SRC/**", "src/x", false),
            ("a\\*b", "a*b", true),
            ("src/**", "src/é x/[y]", true),
            ("*.md", "docs/x.md", false),
        ] {
            assert_eq!(services(&[(glob, "s")], path) == "s", fits, "{glob} {path}");
        }
        let submodule = ChangedFile { content: Content::Submodule, ..file(Some("lib"), Some("lib"), 1) };
        assert_eq!(map(&[("lib/**", "s")], &[submodule]).n_mapped, 1);
    }

    #[test]
    fn both_ends_of_a_rename_count_and_nothing_is_lost() {
        let mapping = map(
            &[("a/**", "one"), ("b/**", "two")],
            &[file(Some("a/x"), Some("b/x"), 7), file(Some("a/y"), Some("a/z"), 2), file(Some("a/q"), Some("c/q"), 1)],
        );
        let touched = |service: &str| (mapping.by_service[service].paths.join(" "), mapping.by_service[service].lines);
        assert_eq!(touched("one"), ("a/x a/y a/z a/q".to_owned(), 10));
        assert_eq!(touched("two"), ("b/x".to_owned(), 7));
        assert_eq!((mapping.unmapped.clone(), mapping.n_files, mapping.n_mapped), (vec!["c/q".to_owned()], 3, 2));
    }

    #[test]
    fn bad_globs_are_named_all_at_once() {
        let rule = |glob| PathRule { glob, service: "s" };
        let errors = map_files(&[rule("a["), rule("ok"), rule("{a"), rule("")], &[]).expect_err("errors");
        assert_eq!(errors.len(), 3);
        assert!(errors[0].message.contains("`a[`"), "{errors:?}");
    }

    #[test]
    fn literal_characters_are_counted() {
        for (glob, length) in
            [("src/**", 4), ("a[bc]d", 2), ("a[]b]c", 2), ("{src,x}/y", 3), ("{a,{bc,d}e}f", 2), ("\\*é", 2), ("[", 0)]
        {
            assert_eq!(literal_length(glob), length, "{glob}");
        }
    }
}
