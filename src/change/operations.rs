//! Which operations of a service a change lies in: changed symbols against the `paths:` of operations.
//!
//! A service that its files belong to is hit as a whole, unless all that changed in all of them lies in code that its operations
//! name; then these operations are hit and no others. An operation names files, `src/checkout/orders/**`, or symbols in files,
//! `src/checkout/**#PlaceOrder*`: functions, methods or types, or several of them with a point between. What fits several
//! operations hits all of them.
//!
//! What must hold: the mapping only ever narrows what the files hit, and only where everything is known. Lines outside of all named
//! symbols, languages without rules, binaries, renames, files that are shared with others and resources of plans hit the service.

use super::files::{ChangedFile, ChangedPart, Content, Status};
use super::paths::{Globs, Mapping, PathRule, Symbols, Touched, reference};
use crate::diagnostic::Diagnostic;
use std::collections::{BTreeMap, HashMap};

/// Files and operations that a note names.
const MOST_NAMED: usize = 3;

/// A glob of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperationRule<'a> {
    /// The name of the service.
    pub service: &'a str,
    /// The name of the operation.
    pub operation: &'a str,
    /// `FILES` or `FILES#SYMBOL`, both globs.
    pub path: &'a str,
}

/// A rule that is ready to match.
struct Ready<'a> {
    operation: &'a str,
    files: Globs,
    symbols: Option<Symbols>,
}

/// The rules of one service.
type OfService<'a> = HashMap<&'a str, Vec<Ready<'a>>>;

/// The globs of files and of symbols; the last `#` parts them.
fn split(path: &str) -> (&str, Option<&str>) {
    match path.rsplit_once('#') {
        Some((files, symbols)) => (files, Some(symbols)),
        None => (path, None),
    }
}

/// Reads the globs.
///
/// # Errors
/// All globs that cannot be read.
fn ready<'a>(rules: &[OperationRule<'a>]) -> Result<OfService<'a>, Vec<Diagnostic>> {
    let (mut all, mut problems) = (OfService::new(), Vec::new());
    for rule in rules {
        let (glob, symbols) = split(rule.path);
        let files = Globs::build(&[PathRule { glob, service: rule.service }]);
        match (files, symbols.map(Symbols::build).transpose()) {
            (Ok(files), Ok(symbols)) => {
                all.entry(rule.service).or_default().push(Ready { operation: rule.operation, files, symbols });
            }
            (Err(found), _) => problems.extend(found),
            (_, Err(why)) => {
                let name = reference(rule.service, rule.operation);
                problems.push(
                    Diagnostic::error(
                        "bad-glob",
                        format!("the glob `{}` of operation `{name}` cannot be read: {why}", rule.path),
                    )
                    .help("behind `#` stands a function, a method or a type, such as `src/orders/**#PlaceOrder*`"),
                );
            }
        }
    }
    if problems.is_empty() { Ok(all) } else { Err(problems) }
}

/// The changed files of which it matters where in them the changed lines lie.
///
/// # Errors
/// All globs that cannot be read.
pub fn asks_for_symbols(rules: &[OperationRule<'_>], files: &[ChangedFile]) -> Result<Vec<String>, Vec<Diagnostic>> {
    let rules = ready(rules)?;
    let with_symbols: Vec<&Ready<'_>> = rules.values().flatten().filter(|rule| rule.symbols.is_some()).collect();
    let asked = |file: &&ChangedFile| is_edited(file) && with_symbols.iter().any(|rule| rule.files.fit(file.path()));
    Ok(files.iter().filter(asked).map(|file| file.path().to_owned()).collect())
}

/// Text that stays where it is.
fn is_edited(file: &ChangedFile) -> bool {
    file.status == Status::Modified && file.content == Content::Text && file.old_path == file.new_path
}

/// Narrows services to their operations, as a last step, and says what was narrowed and what was not.
///
/// # Errors
/// All globs that cannot be read. Their place in the topology file is for the caller to add.
pub fn narrow(
    mapping: &mut Mapping,
    rules: &[OperationRule<'_>],
    files: &[ChangedFile],
    is_whole: impl Fn(&str) -> bool,
) -> Result<Vec<String>, Vec<Diagnostic>> {
    let rules = ready(rules)?;
    let by_path: HashMap<&str, &ChangedFile> =
        files.iter().flat_map(|file| file.touched_paths().map(move |path| (path, file))).collect();
    let mut notes = Vec::new();
    for (service, touched) in &mut mapping.by_service {
        let Some(rules) = rules.get(service.as_str()).filter(|_| !is_whole(service)) else { continue };
        match operations(touched, rules, &by_path) {
            Ok(operations) => {
                notes.push(narrowed_note(service, &operations, &touched.paths));
                touched.operations = operations.into_iter().map(|(name, hit)| (name.to_owned(), hit.lines)).collect();
            }
            Err(path) => {
                // Only where somebody would expect operations.
                let named = touched.paths.iter().any(|path| rules.iter().any(|rule| rule.files.fit(path)));
                notes.extend(named.then(|| {
                    format!("{service} is hit as a whole: not all of what changed in {path} lies in code of its operations")
                }));
            }
        }
    }
    Ok(notes)
}

/// What of a change lies in one operation.
#[derive(Default)]
struct Hit {
    lines: u64,
    /// As `Type.function`.
    symbols: Vec<String>,
}

/// The operations that hold everything that touches a service, or the first path of which not all lies in any.
fn operations<'a, 'b>(
    touched: &'b Touched,
    rules: &[Ready<'a>],
    files: &HashMap<&str, &ChangedFile>,
) -> Result<BTreeMap<&'a str, Hit>, &'b str> {
    let mut hit = BTreeMap::new();
    for path in &touched.paths {
        let lies_inside = files.get(path.as_str()).is_some_and(|file| file_lies_in(file, rules, &mut hit));
        if touched.shared.is_some() || !lies_inside {
            return Err(path);
        }
    }
    if hit.is_empty() { Err("its files") } else { Ok(hit) }
}

/// Whether all that changed in a file lies in operations, which are added.
fn file_lies_in<'a>(file: &ChangedFile, rules: &[Ready<'a>], hit: &mut BTreeMap<&'a str, Hit>) -> bool {
    let is_whole = is_edited(file) || matches!(file.status, Status::Added | Status::Deleted) && file.content == Content::Text;
    if !is_whole {
        return false;
    }
    let here: Vec<&Ready<'a>> = rules.iter().filter(|rule| rule.files.fit(file.path())).collect();
    let mut has_all = false;
    for rule in here.iter().filter(|rule| rule.symbols.is_none()) {
        hit.entry(rule.operation).or_default().lines += file.lines();
        has_all = true;
    }
    let parts: &[ChangedPart] = if is_edited(file) { &file.parts } else { &[] };
    let mut has_parts = !parts.is_empty();
    for part in parts {
        let fitting = here.iter().filter(|rule| rule.symbols.as_ref().is_some_and(|symbols| symbols.fit(&part.names)));
        let mut is_named = false;
        for rule in fitting {
            let known = hit.entry(rule.operation).or_default();
            known.lines += part.lines;
            let symbol = part.names.join(".");
            if !known.symbols.contains(&symbol) {
                known.symbols.push(symbol);
            }
            is_named = true;
        }
        has_parts &= is_named;
    }
    has_all || has_parts
}

fn narrowed_note(service: &str, operations: &BTreeMap<&str, Hit>, paths: &[String]) -> String {
    let list = |items: Vec<String>| match items.len().saturating_sub(MOST_NAMED) {
        0 => items.join(", "),
        more => format!("{} and {more} more", items[..MOST_NAMED].join(", ")),
    };
    let hit = |(operation, hit): (&&str, &Hit)| {
        let through = if hit.symbols.is_empty() { String::new() } else { format!(" ({})", list(hit.symbols.clone())) };
        reference(service, operation) + &through
    };
    let names = list(operations.iter().map(hit).collect());
    format!("{service} is hit in {names} only: all that changed in {} lies there", list(paths.to_vec()))
}

/// Whether the code of an operation seems to lie outside of the files of its service: one file that its glob takes is tried, and
/// whether its glob is the wider one. A glob of which neither can be told seems inside.
pub fn is_outside(path: &str, paths_of_service: &[String]) -> bool {
    let (glob, _) = split(path);
    if glob.contains(['[', '{', '\\']) {
        return false;
    }
    let from_top = |glob: &'_ str| glob.trim_start_matches("./").trim_start_matches('/').to_owned();
    let glob = from_top(glob);
    let plain = glob.split(['*', '?']).next().unwrap_or_default();
    if paths_of_service.iter().any(|wide| from_top(wide).starts_with(plain)) {
        return false;
    }
    let sample = glob.trim_end_matches('/').replace("**", "x").replace(['*', '?'], "x");
    let rules: Vec<PathRule<'_>> = paths_of_service.iter().map(|glob| PathRule { glob, service: "" }).collect();
    Globs::build(&rules).is_ok_and(|globs| !globs.fit(&sample))
}

#[cfg(test)]
#[path = "operations_tests.rs"]
mod tests;
