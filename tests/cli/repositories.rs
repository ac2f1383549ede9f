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
