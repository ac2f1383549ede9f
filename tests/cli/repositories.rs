//! Repositories with more than plain files: submodules, shallow clones, names that git quotes, binaries.

use super::{assess::git, json, run, write};
use std::path::Path;
use tempfile::TempDir;

/// Where the library of the submodule belongs to a service, and where no path says so.
const SERVICES: &str = "\
schema: shockfront/topology/v1
services:
  engine: {owner: team-engine, paths: [\"vendor/engine/**\"]}
  shop: {owner: team-shop, paths: [\"shop/**\"]}
dependencies:
  - {from: shop, to: engine, probability: 0.9}
";

/// A repository on a branch `work`, with a submodule at `vendor/engine` that `main` has already.
struct Nested {
    directory: TempDir,
}

impl Nested {
    fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        let (library, main) = (directory.path().join("library"), directory.path().join("main"));
        for path in [&library, &main] {
            std::fs::create_dir(path).expect("created");
            git(path, &["init", "-q", "-b", "main"]);
        }
        write(&library, "engine.c", "one\n");
        commit(&library, "library");
        write(&main, "shop/main.rs", "one\n");
        let from = library.display().to_string();
        git(&main, &["-c", "protocol.file.allow=always", "submodule", "add", "-q", &from, "vendor/engine"]);
        commit(&main, "start");
        git(&main, &["checkout", "-q", "-b", "work"]);
        write(directory.path(), "services.yaml", SERVICES);
        write(directory.path(), "without.yaml", &SERVICES.replace(", paths: [\"vendor/engine/**\"]", ""));
        Self { directory }
    }

    fn main(&self) -> std::path::PathBuf {
        self.directory.path().join("main")
    }

    /// Points the submodule at a new commit.
    fn move_pointer(&self) {
        let inner = self.main().join("vendor/engine");
        write(&inner, "engine.c", "two\n");
        commit(&inner, "library moves on");
        commit(&self.main(), "newer library");
    }

    fn assess(&self, topology: &str, place: &Path) -> (i32, String, String) {
        let topology = self.directory.path().join(topology).display().to_string();
        run(place, &["assess", &topology, "--base", "main", "--trials", "512", "--format", "json"])
    }
}

fn commit(directory: &Path, message: &str) {
    git(directory, &["add", "-A"]);
    git(directory, &["commit", "-q", "-m", message]);
}

#[test]
fn a_submodule_is_a_changed_file_of_its_service() {
    let nested = Nested::new();
    nested.move_pointer();
    let (code, out, err) = nested.assess("services.yaml", &nested.main());
    assert_eq!(code, 1, "{err}");
    let result = json(&out);
    assert_eq!(result["change"]["services"], serde_json::json!(["engine"]), "{out}");
    assert_eq!(result["change"]["unmapped"], serde_json::json!([]), "{out}");
}

#[test]
fn a_submodule_of_nobody_is_unknown() {
    let nested = Nested::new();
    write(&nested.main(), "shop/main.rs", "two\n");
    nested.move_pointer();
    let (code, out, err) = nested.assess("without.yaml", &nested.main());
    assert_eq!(code, 1, "{err}");
    let result = json(&out);
    assert_eq!(result["change"]["services"], serde_json::json!(["shop"]), "{out}");
    assert_eq!(result["change"]["unmapped"], serde_json::json!(["vendor/engine"]), "{out}");
}

#[test]
fn a_submodule_can_be_removed() {
    let nested = Nested::new();
    git(&nested.main(), &["rm", "-q", "vendor/engine"]);
    commit(&nested.main(), "no library");
    let (code, out, err) = nested.assess("services.yaml", &nested.main());
    assert_eq!(code, 1, "{err}");
    let result = json(&out);
    assert_eq!(result["change"]["services"], serde_json::json!(["engine"]), "{out}");
}

#[test]
fn a_shallow_clone_names_its_remedy() {
    let nested = Nested::new();
    nested.move_pointer();
    let from = format!("file://{}", nested.main().display());
    let shallow = nested.directory.path().join("shallow");
    let to = shallow.display().to_string();
    git(nested.directory.path(), &["clone", "-q", "--depth", "1", "--no-single-branch", "--branch", "work", &from, &to]);
    git(&shallow, &["branch", "-q", "main", "origin/main"]);
    let (code, out, err) = nested.assess("services.yaml", &shallow);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("git fetch --unshallow"), "{err}");
    // With its history, but the submodule not checked out, it is the same change.
    git(&shallow, &["fetch", "-q", "--unshallow"]);
    let (code, out, err) = nested.assess("services.yaml", &shallow);
    assert_eq!(code, 1, "{err}");
    assert_eq!(json(&out)["change"]["services"], serde_json::json!(["engine"]), "{out}");
}

#[test]
fn quoted_names_and_binaries_are_mapped() {
    let nested = Nested::new();
    let main = nested.main();
    let text: String = (0..20).map(|line| format!("line {line}\n")).collect();
    write(&main, "shop/plain.rs", &text);
    commit(&main, "a file");
    git(&main, &["branch", "-f", "main", "work"]);
    git(&main, &["mv", "shop/plain.rs", "shop/tab\there \"quoted\" é.rs"]);
    std::fs::write(main.join("shop/picture.png"), [0, 159, 146, 150]).expect("written");
    std::fs::write(main.join("back\\slash.bin"), [0, 1]).expect("written");
    commit(&main, "odd names");
    let (code, out, err) = nested.assess("services.yaml", &main);
    assert_eq!(code, 1, "{err}");
    let result = json(&out);
    assert_eq!(result["change"]["services"], serde_json::json!(["shop"]), "{out}");
    assert_eq!(result["change"]["unmapped"], serde_json::json!(["back\\slash.bin"]), "{out}");
}

/// How P(fault) sees the author: the odds ratio of a first change with its reason, and the notes.
fn first_change(directory: &Path, more: &[&str]) -> (Option<(f64, String)>, String) {
    let base = ["assess", "shop.yaml", "--base", "main", "--trials", "256", "--no-mitigations", "--format", "json"];
    let (code, out, err) = run(directory, &[&base[..], more].concat());
    assert!(code < 2, "{err}");
    let result = json(&out);
    let factors = result["fault_probability"]["factors"].as_array().expect("factors");
    let found = factors.iter().find(|factor| factor["name"] == "first_change").map(|factor| {
        let because = factor["because"].as_str().unwrap_or_default().to_owned();
        (factor["odds_ratio"].as_f64().expect("a ratio"), because)
    });
    (found, result["notes"].to_string())
}

/// A repository whose `main` has `engine` by kim and `shop` by lee; kim works on both.
fn by_two_people() -> TempDir {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path();
    git(path, &["init", "-q", "-b", "main"]);
    write(path, "shop.yaml", SERVICES);
    write(path, "vendor/engine/engine.c", "one\n");
    commit(path, "engine");
    write(path, "shop/main.rs", "one\n");
    git(path, &["add", "."]);
    git(path, &["commit", "-q", "--author", "lee <lee@example.com>", "-m", "shop"]);
    git(path, &["checkout", "-q", "-b", "work"]);
    directory
}

#[test]
fn a_first_change_of_a_service_is_seen_in_the_history() {
    let place = by_two_people();
    let path = place.path();
    write(path, "vendor/engine/engine.c", "two\n");
    commit(path, "known ground");
    assert_eq!(first_change(path, &[]).0, None, "kim wrote the engine");
    write(path, "shop/main.rs", "two\n");
    commit(path, "new ground");
    let (found, _) = first_change(path, &[]);
    let (ratio, because) = found.expect("a factor");
    assert!((ratio - 0.3_f64.exp()).abs() < 1e-9 && because.ends_with("touches shop"), "{ratio} {because}");
    // A change file may say so where nobody knows, and cannot talk it away.
    write(path, "change.yaml", "schema: shockfront/change/v1\nfirst_change: no\n");
    let (found, notes) = first_change(path, &["--change", "change.yaml"]);
    assert!(found.is_some_and(|(ratio, _)| ratio > 1.0) && notes.contains("it counts as one"), "{notes}");
    // Another address of the same person, as the team knows.
    let team = "schema: shockfront/team/v1\npeople: [{name: Kim, emails: [kim@example.com, lee@example.com], level: mid}]\n";
    write(path, "team.yaml", team);
    assert_eq!(first_change(path, &["--team", "team.yaml"]).0, None);
    // Where a service has no files that could be known, nobody can tell.
    write(path, "shop.yaml", &SERVICES.replace(", paths: [\"shop/**\"]", ""));
    write(path, "change.yaml", "schema: shockfront/change/v1\nservices: [shop]\n");
    let (found, _) = first_change(path, &["--change", "change.yaml"]);
    assert!(found.is_some_and(|(ratio, because)| ratio == 1.0 && because.starts_with("unknown")));
}

#[test]
fn a_shallow_history_and_a_diff_do_not_know_the_author() {
    let place = by_two_people();
    let path = place.path();
    write(path, "shop/main.rs", "two\n");
    commit(path, "new ground");
    let clone = TempDir::new().expect("a directory");
    let (url, to) = (format!("file://{}", path.display()), clone.path().display().to_string());
    git(path, &["clone", "-q", "--depth=2", "--branch", "work", &url, &to]);
    git(clone.path(), &["branch", "-q", "main", "HEAD~1"]);
    let (found, _) = first_change(clone.path(), &[]);
    assert!(found.is_some_and(|(ratio, because)| ratio == 1.0 && because.starts_with("unknown")));
    git(clone.path(), &["fetch", "-q", "--unshallow"]);
    assert!(first_change(clone.path(), &[]).0.is_some_and(|(ratio, _)| ratio > 1.0));
}

/// Tools that attribute lines write notes beside the commits, not into them.
#[test]
fn notes_of_ai_tools_are_evidence() {
    let place = TempDir::new().expect("a directory");
    let path = place.path();
    git(path, &["init", "-q", "-b", "main"]);
    write(path, "shop.yaml", super::SHOP);
    write(path, "shop/main.rs", "one\n");
    commit(path, "start");
    git(path, &["notes", "--ref", "ai", "add", "-m", "a.rs\n  0123456789abcdef 1-9\n---\n{}"]);
    git(path, &["checkout", "-q", "-b", "work"]);
    write(path, "shop/main.rs", "two\n");
    commit(path, "more");
    let assessed = || {
        let (code, out, err) = run(path, &["assess", "shop.yaml", "--base", "main", "--trials", "512", "--format", "json"]);
        assert!(code < 2, "{err}");
        json(&out)["change"]["ai"].clone()
    };
    assert_eq!(assessed()["assisted"], "unknown", "a note on a commit before the change is not about it");
    git(path, &["notes", "--ref", "ai", "add", "-m", "shop/main.rs\n  0123456789abcdef 1\n---\n{}"]);
    let found = assessed();
    assert_eq!(found["assisted"], "yes");
    assert!(found["evidence"].to_string().contains("`a git note gives it 1 line` (note, confidence high)"), "{found}");
}
