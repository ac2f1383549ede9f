//! Tests of loading topologies: all that are shipped, and every kind of broken input.

use super::*;
use crate::diagnostic::{Diagnostic, Sources};
use crate::model::System;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io;

/// Files in memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) files: BTreeMap<String, Vec<u8>>,
    /// Sizes that are claimed without bytes behind them.
    pub(super) sizes: BTreeMap<String, u64>,
    /// Directories besides those of the files.
    pub(super) empty: Vec<String>,
}

impl Memory {
    pub(super) fn of<const N: usize>(files: [(&str, &str); N]) -> Self {
        let files = files.into_iter().map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).collect();
        Self { files, ..Self::default() }
    }
}

impl Files for Memory {
    fn size(&self, path: &str) -> io::Result<u64> {
        match self.sizes.get(path) {
            Some(size) => Ok(*size),
            None => self.read(path).map(|bytes| bytes.len() as u64),
        }
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.files.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn list(&self, directory: &str) -> io::Result<Option<Vec<String>>> {
        let inside = format!("{directory}/");
        let names: Vec<String> = self
            .files
            .keys()
            .filter_map(|name| name.strip_prefix(&inside))
            .filter(|name| !name.contains('/'))
            .map(str::to_owned)
            .collect();
        Ok((!names.is_empty() || self.empty.iter().any(|name| name == directory)).then_some(names))
    }
}

/// The folder `topologies`, which tests may read.
pub(super) struct Disk;

impl Files for Disk {
    fn size(&self, path: &str) -> io::Result<u64> {
        std::fs::metadata(path).map(|data| data.len())
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn list(&self, directory: &str) -> io::Result<Option<Vec<String>>> {
        if !std::fs::metadata(directory)?.is_dir() {
            return Ok(None);
        }
        std::fs::read_dir(directory)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<_>>()
            .map(Some)
    }
}

/// Paths of all files under `topologies` whose `schema:` line says this.
pub(crate) fn shipped(schema: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("topologies")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder topologies") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if std::fs::read_to_string(&path)
                .is_ok_and(|text| text.lines().any(|line| line == format!("schema: {schema}")))
            {
                found.push(path.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

/// The messages with their places, as people read them.
pub(crate) fn told(sources: &Sources, problems: &[Diagnostic]) -> Vec<String> {
    problems
        .iter()
        .map(|problem| {
            let place = problem.labels.first().map(|label| {
                let (line, column) = sources.line_column(label.span).expect("a place in a file");
                format!("{}:{line}:{column}: ", sources.get(label.span.source).expect("a file").name)
            });
            let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
            format!("{}{}: {}{help}", place.unwrap_or_default(), problem.code, problem.message)
        })
        .collect()
}

pub(super) fn system(entry: &str, files: &dyn Files) -> System {
    let mut sources = Sources::default();
    match load(&mut sources, entry, files) {
        Ok(loaded) => loaded.system,
        Err(problems) => panic!("{}", told(&sources, &problems).join("\n")),
    }
}

fn errors(entry: &str, files: &dyn Files) -> Vec<String> {
    let mut sources = Sources::default();
    let problems = load(&mut sources, entry, files).expect_err("an error");
    told(&sources, &problems)
}

/// Errors of one YAML file called `t.yaml`, without the first line of which `schema:` is.
fn complaints(text: &str) -> Vec<String> {
    errors("t.yaml", &Memory::of([("t.yaml", &format!("schema: shockfront/topology/v1\n{text}"))]))
}

#[test]
fn all_shipped_topologies_load() {
    let paths = shipped("shockfront/topology/v1");
    assert!(paths.len() >= 15, "{paths:?}");
    for path in paths {
        let system = system(&path, &Disk);
        assert!(system.service_count() > 3 && system.dependency_count() > 3, "{path}");
    }
}

#[test]
fn a_shipped_folder_is_joined_and_other_kinds_are_skipped() {
    let folder = format!("{}/topologies/online-boutique", env!("CARGO_MANIFEST_DIR"));
    let joined = load(&mut Sources::default(), &folder, &Disk).expect("loads");
    let single = load(&mut Sources::default(), &format!("{folder}/topology.yaml"), &Disk).expect("loads");
    assert_eq!((joined.files.len(), &joined.sha256), (1, &single.sha256));
    assert_eq!(joined.system.name, "online-boutique");
}

#[test]
fn broken_files_are_told_with_their_places() {
    let base = "services: {a: {}, b: {}}\n";
    for (text, expected) in [
        ("services: {a: {ownr: x}}", "t.yaml:2:16: unknown-key: unknown key `ownr` in service `a` (did you mean `owner`?)"),
        ("services: {a: {}, b: {}}\ndependencies: [{from: a, to: c}]", "t.yaml:3:30: unknown-service: there is no service `c`"),
        ("services: {a: {}, a: {}}", "t.yaml:2:19: duplicate-key: the key `a` stands here twice"),
        (
            "services: {a: {}, b: {}}\ndependencies: [{from: a, to: b, probability: 1.3}]",
            "t.yaml:3:46: bad-value: expected a number from 0 to 1, found `1.3` (write 0.05 for 5 %)",
        ),
        (
            "services:\n  a: {requires: {at_least: 2, of: [b]}}\n  b: {}\ndependencies: [{from: a, to: b}]",
            "t.yaml:3:18: out-of-range: `a` requires at least 2 of 1 providers",
        ),
        ("services:\n\ta: {}", "t.yaml:3:1: "),
        ("services: {a: {tier: 4}}", "t.yaml:2:22: "),
        ("services: {a: {groups: [g, g]}}\ngroups: {g: {}}", "t.yaml:2:28: duplicate-name: group `g` is listed twice"),
        ("services: {a: {}}\ngroups: {a: {}}", "duplicate-name: `a` is both a service and a group"),
        ("services: {\" \": {}}", "t.yaml:2:12: bad-name"),
        ("observed_at: 2026-02-30\nservices: {a: {}}", "t.yaml:2:14: bad-value: `2026-02-30` is not a day"),
    ] {
        let told = complaints(text);
        assert!(told.iter().any(|line| line.contains(expected)), "{text}\n{told:#?}");
    }
    for (journey, expected) in [
        ("needs: []", "needs nothing"),
        ("needs: [a, a]", "needs `a` twice"),
        ("needs: [a], slo: 100", "expected a number"),
        ("needs: [a], window: 0m", "above 0"),
        ("needs: [a], peak: {factor: 2, from: \"25:00\", to: \"20:00\", timezone: UTC}", "not a time of day"),
        ("needs: [a], peak: {factor: 2, from: 12:00, to: 24:01, timezone: UTC}", "not a time of day"),
        ("needs: [a], peak: {factor: 2, from: 1:00, to: 24:00, timezone: Amerika/New_York}", "did you mean `America/New_York`?"),
        ("needs: [a], peak: {factor: 0.5, from: 1:00, to: 2:00, timezone: UTC}", "expected a number"),
    ] {
        let told = complaints(&format!("{base}journeys: {{j: {{{journey}}}}}"));
        assert!(told.len() == 1 && told[0].starts_with("t.yaml:3:") && told[0].contains(expected), "{journey}\n{told:#?}");
    }
}

#[test]
fn all_errors_of_form_and_meaning_come_at_once() {
    let told = complaints(concat!(
        "observed_at: soon\n",
        "services:\n",
        "  a: {tier: 9, kind: servce, requires: {at_least: 1, of: [b]}}\n",
        "  b: {ownr: x}\n",
        "dependencies:\n",
        "  - {from: a}\n",
        "  - {from: a, to: bb, calls: -1}\n",
        "  - {from: b, to: a, retries: {attempts: 0}}\n",
        "journeys:\n",
        "  j: {needs: [x]}\n",
        "  k: {slo: 99}\n",
    ));
    let lines: Vec<&str> = told.iter().map(|line| line.split(": ").next().unwrap_or_default()).collect();
    let expected = [
        "t.yaml:2:14",
        "t.yaml:4:13",
        "t.yaml:4:22",
        "t.yaml:5:7",
        "t.yaml:7:6",
        "t.yaml:8:19",
        "t.yaml:8:30",
        "t.yaml:9:42",
        "t.yaml:11:15",
        "t.yaml:12:7",
    ];
    assert_eq!(lines, expected, "{told:#?}");
}

#[test]
fn unreadable_inputs_are_errors_not_panics() {
    let mut files = Memory::of([
        ("d/empty.yaml", ""),
        ("d2/a.yaml", "services: {a: {}}"),
        ("d3/change.yaml", "schema: shockfront/change/v1"),
    ]);
    files.files.insert("binary.yaml".to_owned(), vec![b'a', 0, 0xff, 0xfe]);
    files.files.insert("latin.yaml".to_owned(), b"name: \xe9".to_vec());
    files.sizes.insert("huge.yaml".to_owned(), 50 << 20);
    files.empty.push("none".to_owned());
    for (entry, expected) in [
        ("d/empty.yaml", "d/empty.yaml:1:1: empty"),
        ("d", "d/empty.yaml:1:1: empty"),
        ("d2", "d2/a.yaml:1:1: missing-schema"),
        ("d3", "empty-directory: d3 holds no topology file"),
        ("none", "empty-directory: none holds no topology file"),
        ("binary.yaml", "binary.yaml:1:2: binary"),
        ("latin.yaml", "latin.yaml:1:7: not-utf8"),
        ("huge.yaml", "huge.yaml:1:1: too-large: the file has 50 MB; the limit for YAML is 32 MB"),
        ("missing.yaml", "unreadable: missing.yaml cannot be read"),
        ("a.xml", "unknown-format: a.xml has no known ending"),
    ] {
        let told = errors(entry, &files);
        assert!(told.len() == 1 && told[0].starts_with(expected), "{entry}: {told:#?}");
    }
}

#[test]
fn files_are_joined_and_conflicts_name_both_places() {
    let head = "schema: shockfront/topology/v1\n";
    let a = format!(
        "{head}name: x\nobserved_at: 2026-08-01\ncoverage: 0.9\nservices: {{a: {{}}}}\ndependencies: [{{from: a, to: b}}]\n"
    );
    let b = format!("{head}observed_at: 2026-07-01\ncoverage: 0.8\nservices: {{b: {{}}}}\njourneys: {{j: {{needs: [a, b]}}}}\n");
    let loaded = load(&mut Sources::default(), "d", &Memory::of([("d/a.yaml", &a), ("d/b.yml", &b)])).expect("loads");
    assert_eq!((loaded.system.service_count(), loaded.system.coverage), (2, Some(0.8)));
    assert_eq!(loaded.system.observed_at.map(|day| day.to_string()).as_deref(), Some("2026-07-01"));
    assert_eq!(loaded.files, ["d/a.yaml", "d/b.yml"]);
    let renamed = load(&mut Sources::default(), "e", &Memory::of([("e/z.yaml", &a), ("e/b.yml", &b)])).expect("loads");
    assert_eq!(renamed.sha256, loaded.sha256);

    let b = format!("{head}name: y\nservices: {{b: {{}}, a: {{}}}}\ngroups: {{g: {{}}}}\njourneys: {{j: {{needs: [a]}}}}\n");
    let c = format!("{head}groups: {{g: {{}}}}\njourneys: {{j: {{needs: [a]}}}}\n");
    let mut sources = Sources::default();
    let files = Memory::of([("d/a.yaml", &a), ("d/b.yaml", &b), ("d/c.yaml", &c)]);
    let problems = load(&mut sources, "d", &files).expect_err("conflicts");
    assert!(problems.iter().all(|problem| problem.labels.len() == 2), "{problems:?}");
    let told = told(&sources, &problems);
    let starts = [
        "d/b.yaml:2:7: conflict",
        "d/b.yaml:3:19: duplicate-name",
        "d/c.yaml:2:10: duplicate-name",
        "d/c.yaml:3:12: duplicate-name",
    ];
    assert_eq!(told.len(), starts.len(), "{told:#?}");
    assert!(told.iter().zip(starts).all(|(line, start)| line.starts_with(start)), "{told:#?}");
}

#[test]
fn includes_are_relative_and_circles_are_told() {
    let head = "schema: shockfront/topology/v1\n";
    let a = format!(
        "{head}include: [parts/b.yaml, ./parts/../parts/b.yaml]\nservices: {{a: {{}}}}\ndependencies: [{{from: a, to: c}}]\n"
    );
    let b = format!("{head}include: [../c.json]\nservices: {{b: {{}}}}\n");
    let c = r#"{"schema": "shockfront/topology/v1", "services": {"c": {}}}"#;
    let files = Memory::of([("t/a.yaml", &a), ("t/parts/b.yaml", &b), ("t/c.json", c)]);
    let loaded = load(&mut Sources::default(), "t/a.yaml", &files).expect("loads");
    assert_eq!(loaded.files, ["t/a.yaml", "t/parts/b.yaml", "t/c.json"]);
    assert_eq!(loaded.warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(), ["included-twice"]);

    let b = format!("{head}include: [../a.yaml, gone.yaml]\nservices: {{b: {{}}}}\n");
    let told = errors("./t/a.yaml", &Memory::of([("t/a.yaml", &a), ("t/parts/b.yaml", &b)]));
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(
        told[0].starts_with("t/parts/b.yaml:2:11: include-cycle: files include each other: t/a.yaml → t/parts/b.yaml → t/a.yaml")
    );
    assert!(told[1].starts_with("t/parts/b.yaml:2:22: unreadable: t/parts/gone.yaml"), "{told:#?}");
}

proptest! {
    #[test]
    fn no_text_panics(tail in "(services|dependencies|journeys|include|from|to|needs|waivers|[ \n:\\-{}\\[\\],a-z0-9\"'%./]|\\PC){0,60}") {
        for (head, name) in [
            ("schema: shockfront/topology/v1\n", "a.yaml"),
            ("schema = 'shockfront/topology/v1'\n", "a.toml"),
            ("{\"schema\": \"shockfront/topology/v1\",", "a.json"),
            ("", "a.tsv"),
        ] {
            let files = Memory::of([(name, &format!("{head}{tail}"))]);
            let mut sources = Sources::default();
            if let Err(problems) = load(&mut sources, name, &files) {
                told(&sources, &problems);
            }
        }
    }
}
