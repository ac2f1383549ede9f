//! The rules of the house, as tests: who may import whom, how long files and functions may be, which room alone may name a
//! crate. The text of the sources is read, so a rule can be broken by no feature or target.
//!
//! A new room is entered in [`ROOMS`]; an arrow that is missing there is either a mistake or a decision to be written down.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Floor, room, rooms it may import. An arrow points to a lower floor.
const ROOMS: &[(u32, &str, &[&str])] = &[
    (0, "units", &[]),
    (1, "diagnostic", &["units"]),
    (1, "statistics", &["units"]),
    (1, "lanes", &[]),
    (2, "random", &["units", "statistics", "lanes"]),
    (2, "finding", &["units", "diagnostic"]),
    (3, "model", &["units", "diagnostic", "random"]),
    (4, "document", &["units", "diagnostic"]),
    (5, "topology", &["units", "diagnostic", "random", "model", "document"]),
    (5, "change", &["units", "diagnostic", "model", "document"]),
    (6, "fault", &["units", "diagnostic", "random", "statistics", "model", "document", "change"]),
    (7, "edit", &["units", "diagnostic", "model", "change", "fault"]),
    (7, "propagation", &["units", "diagnostic", "lanes", "random", "statistics", "model", "fault"]),
    (8, "quality", &["units", "model", "fault"]),
    (
        9,
        "risk",
        &[
            "units",
            "diagnostic",
            "random",
            "statistics",
            "model",
            "document",
            "change",
            "fault",
            "edit",
            "propagation",
            "quality",
        ],
    ),
    (10, "policy", &["units", "diagnostic", "statistics", "model", "document", "change", "fault", "quality", "risk"]),
    (10, "lint", &["units", "diagnostic", "finding", "model", "topology", "change", "propagation", "quality"]),
    (
        11,
        "assess",
        &[
            "units",
            "diagnostic",
            "random",
            "statistics",
            "finding",
            "model",
            "topology",
            "change",
            "fault",
            "edit",
            "propagation",
            "quality",
            "risk",
            "policy",
        ],
    ),
    (
        12,
        "report",
        &[
            "units",
            "diagnostic",
            "random",
            "statistics",
            "finding",
            "model",
            "topology",
            "change",
            "fault",
            "edit",
            "propagation",
            "quality",
            "risk",
            "policy",
            "lint",
            "assess",
        ],
    ),
    (
        13,
        "cli",
        &[
            "units",
            "diagnostic",
            "random",
            "statistics",
            "finding",
            "model",
            "document",
            "topology",
            "change",
            "fault",
            "edit",
            "propagation",
            "quality",
            "risk",
            "policy",
            "lint",
            "assess",
            "report",
        ],
    ),
    (14, "main", &["cli"]),
];

/// Crates and parts of the standard library that few may name, with the paths (below `src/`) that may.
const OWNERS: &[(&str, &[&str])] = &[
    (
        "rayon",
        &[
            "model/",
            "topology/edge_list",
            "propagation/plan",
            "propagation/run",
            "propagation/all_sources",
            "propagation/sensitivity",
            "propagation/threads",
        ],
    ),
    ("petgraph", &["model/", "lint", "propagation/lane"]),
    ("clap", &["cli/"]),
    ("clap_complete", &["cli/"]),
    ("clap_mangen", &["cli/"]),
    ("anyhow", &["cli/"]),
    ("anstream", &["cli/"]),
    ("indicatif", &["cli/"]),
    ("tempfile", &["cli/"]),
    ("terminal_size", &["cli/"]),
    ("serde_json", &["report/", "document/", "topology/", "cli/"]),
    ("saphyr_parser", &["document/"]),
    ("plotters", &["report/charts"]),
    ("maud", &["report/html"]),
    ("rand", &["random"]),
    ("siphasher", &["random"]),
    ("statrs", &["statistics/"]),
    ("hashbrown", &["model/names", "model/intern"]),
    ("globset", &["change/paths", "change/codeowners"]),
    ("cel", &["policy/condition"]),
    ("strsim", &["diagnostic"]),
    // The core sees texts and values: no disk, no clock, no environment, no other process.
    ("std::fs", &["cli/"]),
    ("std::env", &["cli/"]),
    ("std::process", &["cli/", "main"]),
    ("std::net", &[]),
    ("std::time", &["cli/"]),
];

/// Arrows that climb today. They go; none comes.
const CLIMBING: &[(&str, &str)] = &[
    ("src/topology/json_schema.rs", "change"),
    ("src/topology/json_schema.rs", "fault"),
    ("src/topology/json_schema.rs", "policy"),
    ("src/topology/json_schema.rs", "risk"),
];

/// Functions above [`FUNCTION_LINES`] today. They may shrink, not grow; a new one is not added.
const LONG_FUNCTIONS: &[(&str, &str, usize)] = &[("src/topology/write_facts.rs", "dependency", 86)];

const FILE_LINES: usize = 500;
const FUNCTION_LINES: usize = 70;

struct File {
    /// Relative to the package, with `/`.
    path: String,
    text: String,
    /// Declared below `#[cfg(test)]`, or inside of such a module.
    is_test: bool,
}

impl File {
    /// `src/model/facts.rs` is of the room `model`.
    fn room(&self) -> &str {
        let inside = self.path.trim_start_matches("src/");
        inside.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    /// The code without comment lines and without a test module at the foot; nothing for files that hold tests only.
    fn code(&self) -> String {
        if self.is_test {
            return String::new();
        }
        let mut code = String::new();
        let mut lines = self.text.lines().peekable();
        while let Some(line) = lines.next() {
            if line.trim() == "#[cfg(test)]" && lines.peek().is_some_and(|next| next.starts_with("mod ") && next.ends_with('{')) {
                break;
            }
            // Comments become empty lines, so that line numbers stay.
            if !line.trim_start().starts_with("//") {
                code.push_str(line);
            }
            code.push('\n');
        }
        code
    }
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below folders of the package, in the order of their names.
fn files(folders: &[&str]) -> Vec<File> {
    let mut pending: Vec<PathBuf> = folders.iter().map(|folder| package().join(folder)).filter(|path| path.exists()).collect();
    let mut files = Vec::new();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                pending.extend(fs::read_dir(&path).expect("folder").map(|entry| entry.expect("entry").path()));
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("source");
            let path = path.strip_prefix(package()).expect("below").to_string_lossy().replace('\\', "/");
            files.push(File { path, text, is_test: false });
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

fn sources() -> Vec<File> {
    let mut files = files(&["src"]);
    assert!(files.len() > 50, "only {} files below src: the walk is broken", files.len());
    let tests: Vec<String> = files.iter().flat_map(test_modules).collect();
    for file in &mut files {
        let stem = file.path.trim_end_matches("/mod.rs").trim_end_matches(".rs");
        file.is_test = stem.ends_with("tests") || tests.iter().any(|test| stem == test || stem.starts_with(&format!("{test}/")));
    }
    files
}

/// Paths without `.rs` of modules that a file declares for tests only.
fn test_modules(file: &File) -> Vec<String> {
    let folder = match file.path.rsplit_once('/') {
        Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder,
        _ => file.path.trim_end_matches(".rs"),
    };
    let mut found = Vec::new();
    let mut is_open = false;
    for line in file.text.lines().map(str::trim) {
        let declared = line.trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ").strip_prefix("mod ");
        if let Some(name) = declared.and_then(|rest| rest.strip_suffix(';')).filter(|_| is_open) {
            found.push(format!("{folder}/{name}"));
        }
        is_open = line == "#[cfg(test)]" || (is_open && line.starts_with("#["));
    }
    found
}

fn all_files() -> Vec<File> {
    files(&["src", "tests", "benches", "fuzz"])
}

fn report(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}\n  {}\n", broken.join("\n  "));
}

fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn first_word(text: &str) -> &str {
    let end = text.bytes().position(|byte| !is_word(byte)).unwrap_or(text.len());
    &text[..end]
}

/// Where `path::` is named in code, as a path and not as the end of a longer one.
fn mentions<'a>(code: &'a str, path: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(path).map(|(at, _)| at).filter(move |at| {
        let before = code[..*at].trim_end_matches("::");
        // `::rayon` is the crate, `super::rayon` is not.
        let starts = before.bytes().next_back().is_none_or(|byte| !is_word(byte));
        let after = &code[at + path.len()..];
        starts && (after.starts_with("::") || after.starts_with(';') || after.starts_with(" as "))
    })
}

/// Rooms that a text names as `crate::ROOM` or `crate::{ROOM, …}`, with line numbers.
fn arrows(code: &str, root: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for at in mentions(code, root) {
        let line = line_of(code, at);
        let Some(rest) = code[at + root.len()..].strip_prefix("::") else { continue };
        match rest.strip_prefix('{') {
            None => found.push((line, first_word(rest).to_owned())),
            Some(list) => found.extend(first_names(list).into_iter().map(|name| (line, name))),
        }
    }
    found
}

/// `a, b::{c, d}, e}` gives a, b, e.
fn first_names(list: &str) -> Vec<String> {
    let (mut depth, mut names, mut fresh) = (0, Vec::new(), true);
    for (at, byte) in list.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => break,
            b'}' => depth -= 1,
            b',' if depth == 0 => fresh = true,
            _ if fresh && is_word(byte) => {
                names.push(first_word(&list[at..]).to_owned());
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

#[test]
fn the_table_of_rooms_points_down() {
    let floor = |room: &str| ROOMS.iter().find(|(_, name, _)| *name == room).map(|(floor, ..)| *floor);
    for (from, room, imports) in ROOMS {
        for import in *imports {
            let to = floor(import).unwrap_or_else(|| panic!("{room} may import {import}, which is no room"));
            assert!(to < *from, "{room} on floor {from} may not import {import} on floor {to}");
        }
    }
}

#[test]
fn imports_go_down_only() {
    let mut broken = Vec::new();
    for file in sources().iter().filter(|file| !file.is_test && file.path != "src/lib.rs") {
        let room = file.room();
        let Some((_, _, allowed)) = ROOMS.iter().find(|(_, name, _)| *name == room) else {
            broken.push(format!("{}: the room `{room}` is not in ROOMS of tests/house.rs", file.path));
            continue;
        };
        let code = file.code();
        for (line, to) in arrows(&code, "crate").into_iter().chain(arrows(&code, "shockfront")) {
            let is_room = ROOMS.iter().any(|(_, name, _)| *name == to);
            let climbs = CLIMBING.contains(&(file.path.as_str(), to.as_str()));
            if is_room && to != room && !climbs && !allowed.contains(&to.as_str()) {
                broken.push(format!("{}:{line}: {room} may not import {to}", file.path));
            }
        }
    }
    report("A room imports only from the rooms that ROOMS lists for it:", &broken);
}

#[test]
fn every_room_is_in_the_library_or_the_binary() {
    let known: BTreeSet<&str> = ROOMS.iter().map(|(_, name, _)| *name).collect();
    let lib = fs::read_to_string(package().join("src/lib.rs")).expect("lib.rs");
    for line in lib.lines() {
        if let Some(name) = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) {
            assert!(known.contains(name), "src/lib.rs declares `{name}`, which is not in ROOMS of tests/house.rs");
            assert!(name != "cli", "the library must not know the command line");
        }
    }
}

#[test]
fn crates_are_named_by_their_owners_only() {
    let mut broken = Vec::new();
    for file in sources() {
        let inside = file.path.trim_start_matches("src/").to_owned();
        let code = file.code();
        for (name, owners) in OWNERS {
            if owners.iter().any(|owner| inside.starts_with(owner)) {
                continue;
            }
            broken.extend(mentions(&code, name).map(|at| format!("{}:{}: names `{name}`", file.path, line_of(&code, at))));
        }
    }
    report("These crates are named by few (OWNERS of tests/house.rs):", &broken);
}

#[test]
fn only_the_command_line_prints() {
    let mut broken = Vec::new();
    for file in sources().iter().filter(|file| !matches!(file.room(), "cli" | "main")) {
        let code = file.code();
        for word in ["println!", "print!", "eprintln!", "eprint!"] {
            let fresh = |at: usize| code[..at].bytes().next_back().is_none_or(|byte| !is_word(byte));
            broken.extend(
                code.match_indices(word)
                    .filter(|(at, _)| fresh(*at))
                    .map(|(at, _)| format!("{}:{}: {word}", file.path, line_of(&code, at))),
            );
        }
    }
    report("Only src/cli prints:", &broken);
}

#[test]
fn nothing_is_left_to_be_done() {
    let mut broken = Vec::new();
    for file in sources() {
        for (at, line) in file.text.lines().enumerate() {
            for word in ["todo!(", "unimplemented!(", "dbg!("] {
                if line.contains(word) {
                    broken.push(format!("{}:{}: {}", file.path, at + 1, line.trim()));
                }
            }
        }
    }
    report("No gaps and no traces of debugging:", &broken);
}

#[test]
fn every_file_says_what_it_is_for() {
    let tests: Vec<String> = sources().into_iter().filter(|file| file.is_test).map(|file| file.path).collect();
    let files = all_files().into_iter().filter(|file| !tests.contains(&file.path));
    let silent: Vec<String> = files.filter(|file| !file.text.starts_with("//! ")).map(|file| file.path).collect();
    report("A file begins with `//!`:", &silent);
}

#[test]
fn files_are_short() {
    let mut broken = Vec::new();
    for file in all_files() {
        let lines = file.text.lines().count();
        if lines > FILE_LINES {
            broken.push(format!("{}: {lines} lines, allowed are {FILE_LINES}", file.path));
        }
    }
    report("A file has at most 500 lines with its tests; split it by concept:", &broken);
}

/// Name, first line from 1, number of lines. Relies on rustfmt: the closing brace stands under the `fn`.
fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        let mut rest = code;
        for word in ["pub ", "pub(crate) ", "pub(super) ", "const ", "async ", "unsafe "] {
            rest = rest.strip_prefix(word).unwrap_or(rest);
        }
        let Some(name) = rest.strip_prefix("fn ") else { continue };
        if code.ends_with('}') || code.ends_with(';') {
            continue;
        }
        let close = format!("{}}}", " ".repeat(indent));
        let end = lines[at..].iter().position(|line| *line == close);
        if let Some(end) = end {
            found.push((first_word(name).to_owned(), at + 1, end + 1));
        }
    }
    found
}

#[test]
fn unsafe_code_is_in_one_room() {
    let allowed = ["src/lanes/x86.rs", "src/lanes/arm.rs"];
    let mut broken = Vec::new();
    for file in sources() {
        // By whatever attribute: no other file has reason to use the word.
        let lifts = file.code().contains("unsafe_code");
        if lifts != allowed.contains(&file.path.as_str()) {
            broken.push(format!("{}: only {} hold unsafe code", file.path, allowed.join(" and ")));
        }
    }
    report("Unsafe code stands beside its proof:", &broken);
}

#[test]
fn functions_are_short() {
    let mut broken = Vec::new();
    let mut seen = 0;
    for file in all_files() {
        for (name, line, lines) in functions(&file.text) {
            seen += 1;
            let exception = LONG_FUNCTIONS.iter().find(|(path, function, _)| *path == file.path && *function == name);
            let allowed = exception.map_or(FUNCTION_LINES, |(_, _, lines)| *lines);
            if lines > allowed {
                broken.push(format!("{}:{line}: `{name}` has {lines} lines, allowed are {allowed}", file.path));
            }
        }
    }
    assert!(seen > 500, "only {seen} functions were found: the count is broken");
    report("A function has at most 70 lines:", &broken);
}
