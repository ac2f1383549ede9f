//! What a change cannot hide: the way to the files that judge it, lines behind attributes, parts of a diff, who approved it.

use super::assess::git;
use super::not_fooled::{ask, fires};
use super::{SHOP, json, place, run, write};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

const TEAM: &str = "\
schema: shockfront/team/v1
people:
  - {name: kim, emails: [kim@example.com], level: junior, teams: [team-shop]}
  - {name: lee, emails: [lee@example.com], level: senior, teams: [team-shop, team-web]}
";
const STRICT: &str = "schema: shockfront/policy/v1\nname: strict\n";
const LAX: &str = "schema: shockfront/policy/v1\nname: lax\nbands: {yellow: {from: 97, asks: {}}, orange: {from: 98, asks: {}}, red: {from: 99, asks: {}}}\n";

/// A repository with a branch `work` that is still as `main`.
fn repository(prepare: impl FnOnce(&Path)) -> TempDir {
    let directory = place();
    let path = directory.path();
    write(path, "team.yaml", TEAM);
    write(path, "shop/main.rs", "one\n");
    git(path, &["init", "-q", "-b", "main"]);
    prepare(path);
    git(path, &["add", "-A"]);
    git(path, &["commit", "-q", "-m", "start"]);
    git(path, &["checkout", "-q", "-b", "work"]);
    directory
}

fn commit(path: &Path, message: &str) {
    git(path, &["add", "-A"]);
    git(path, &["commit", "-q", "-m", message]);
}

#[cfg(unix)]
fn link(path: &Path, from: &str, to: &str) {
    let from = path.join(from);
    drop(std::fs::remove_file(&from));
    std::os::unix::fs::symlink(to, from).expect("a link");
}

#[cfg(unix)]
#[test]
fn a_way_to_a_policy_that_is_bent_is_an_edit_of_it() {
    let both = |path: &Path, strict: &str, lax: &str| {
        write(path, strict, STRICT);
        write(path, lax, LAX);
    };
    // A link to a directory, a chain of links, and another repository.
    let behind_directory = repository(|path| {
        both(path, "strict/policy.yaml", "lax/policy.yaml");
        link(path, "conf", "strict");
    });
    link(behind_directory.path(), "conf", "lax");
    let chain = repository(|path| {
        both(path, "s.yaml", "l.yaml");
        link(path, "mid.yaml", "s.yaml");
        link(path, "conf.yaml", "mid.yaml");
    });
    link(chain.path(), "mid.yaml", "l.yaml");
    let inner = TempDir::new().expect("a directory");
    git(inner.path(), &["init", "-q", "-b", "main"]);
    write(inner.path(), "policy.yaml", STRICT);
    commit(inner.path(), "strict");
    let submodule = repository(|path| {
        let from = inner.path().to_str().expect("a path");
        git(path, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", from, "gov"]);
    });
    let gov = submodule.path().join("gov");
    write(&gov, "policy.yaml", LAX);
    git(&gov, &["-c", "user.email=a@example.com", "commit", "-q", "-a", "-m", "lax"]);
    for (place, policy) in [(&behind_directory, "conf/policy.yaml"), (&chain, "conf.yaml"), (&submodule, "gov/policy.yaml")] {
        let path = place.path();
        write(path, "shop/main.rs", "two\n");
        commit(path, "both");
        let result = ask(path, &["--base", "main", "--team", "team.yaml", "--policy", policy]);
        assert!(fires(&result, "policy-edited"), "{policy}: {}", result["floors"]);
        assert_ne!(result["verdict"]["gate"], "pass", "{policy}");
        let untouched = ask(path, &["--base", "HEAD~0^{/start}", "--team", "team.yaml"]);
        assert!(!fires(&untouched, "policy-edited"), "{}", untouched["floors"]);
    }
}

#[cfg(unix)]
#[test]
fn a_way_to_a_topology_that_is_bent_is_an_edit_of_it() {
    let place = repository(|path| {
        write(path, "a/shop.yaml", SHOP);
        write(path, "b/shop.yaml", &SHOP.replace("tier: 0", "tier: 3"));
        link(path, "map", "a");
    });
    let path = place.path();
    link(path, "map", "b");
    write(path, "shop/main.rs", "two\n");
    commit(path, "both");
    let line = ["assess", "map/shop.yaml", "--base", "main", "--team", "team.yaml", "--trials", "512", "--format", "json"];
    let (_, out, err) = run(path, &line);
    assert!(err.is_empty(), "{err}");
    assert!(fires(&json(&out), "topology-edited"), "{out}");
}

#[test]
fn lines_behind_an_attribute_or_a_zero_byte_are_lines() {
    let long = "x\n".repeat(6_000);
    let chance = |edit: &dyn Fn(&Path)| {
        let place = repository(|_| ());
        write(place.path(), "shop/main.js", &long);
        edit(place.path());
        commit(place.path(), "long");
        ask(place.path(), &["--base", "main", "--team", "team.yaml"])["fault_probability"]["mean"].as_f64().expect("P(fault)")
    };
    let open = chance(&|_| ());
    let by_attribute = chance(&|path| write(path, "shop/.gitattributes", "* -diff\n"));
    let by_zero = chance(&|path| write(path, "shop/main.js", &format!("\0{long}")));
    assert!((by_attribute - open).abs() < 1e-3 && (by_zero - open).abs() < 1e-3, "{open} {by_attribute} {by_zero}");
    let picture = chance(&|path| {
        std::fs::remove_file(path.join("shop/main.js")).expect("removed");
        write(path, "shop/logo.png", &format!("\0{long}"));
    });
    assert!(picture < open, "nobody knows how many lines a picture stands for");
}

#[test]
fn what_a_diff_does_not_show_is_asked_for() {
    let place = place();
    let path = place.path();
    let hunk = "--- o/web/a.c\n+++ n/web/a.c\n@@ -1 +1,2 @@\n a\n+b\n";
    for (rest, shown) in [
        ("Only in n/shop: new.go\n", "only on one side"),
        ("> diff --git a/shop/x.c b/shop/x.c\n> --- a/shop/x.c\n", "indented or quoted"),
    ] {
        write(path, "a.diff", &format!("{hunk}{rest}"));
        let result = ask(path, &["--diff", "a.diff"]);
        assert!(fires(&result, "change-not-fully-known"), "{}", result["floors"]);
        assert!(result["floors"].to_string().contains(shown), "{}", result["floors"]);
    }
    // No names: a sentence.
    write(path, "a.diff", &format!("{hunk}Binary files differ\n"));
    assert_eq!(ask(path, &["--diff", "a.diff"])["change"]["services"], serde_json::json!(["web"]));
    write(path, "a.diff", &format!("{hunk}Binary files o/shop/x.c and n/shop/x.c differ\n"));
    assert_eq!(ask(path, &["--diff", "a.diff"])["change"]["services"], serde_json::json!(["shop", "web"]));
    for (rest, code) in [
        ("\u{1b}[1mdiff --git a/shop/x.c b/shop/x.c\u{1b}[m\n", "coloured-diff"),
        ("*** o/shop/x.c\t2026\n--- n/shop/x.c\t2026\n***************\n*** 1 ****\n", "context-diff"),
        ("3c3\n< a\n---\n> b\n", "normal-diff"),
    ] {
        write(path, "a.diff", &format!("{hunk}{rest}"));
        let (code_of_exit, out, err) = run(path, &["assess", "shop.yaml", "--diff", "a.diff"]);
        assert_eq!((code_of_exit, out.as_str()), (2, ""), "{rest}");
        assert!(err.contains(code) && err.contains("a.diff:"), "{err}");
    }
}

#[test]
fn a_trailer_is_no_approval_where_the_host_says_who_approved() {
    let place = repository(|_| ());
    let path = place.path();
    write(path, "shop/main.rs", "two\n");
    commit(path, "Work\n\nReviewed-by: lee <lee@example.com>");
    let range = ["--base", "main", "--team", "team.yaml"];
    let signed = |result: &Value| result["sign_off"].to_string().contains("\"given_by\":\"lee\"");
    let trusted = ask(path, &range);
    assert!(signed(&trusted), "{}", trusted["sign_off"]);
    assert!(trusted["notes"].to_string().contains("lee reviewed it stands in a commit message"), "{}", trusted["notes"]);
    write(path, "reviews.json", "[]");
    let asked = ask(path, &[&range[..], &["--reviews", "reviews.json"]].concat());
    assert!(!signed(&asked), "{}", asked["sign_off"]);
    assert!(asked["notes"].to_string().contains("the review of lee in a commit message does not count"), "{}", asked["notes"]);
    let chance = |result: &Value| result["fault_probability"]["mean"].as_f64().expect("P(fault)");
    assert!(chance(&asked) > chance(&trusted));
}

#[test]
fn an_author_under_another_spelling_is_the_author() {
    let place = place();
    let path = place.path();
    let lines = "author: {name: kim, emails: [kim@example.com], level: senior}\nservices: [db]\ntitle: x\n";
    for (name, counts) in
        [("@kim", false), ("kim\u{200b}", false), ("Kim.", false), ("kim@example.com", false), ("kimberly", true), ("lee", true)]
    {
        let reviewers = format!("reviewers: [{{name: \"{name}\", level: senior}}]\n");
        write(path, "change.yaml", &format!("schema: shockfront/change/v1\n{lines}{reviewers}"));
        let result = ask(path, &["--change", "change.yaml"]);
        let signed = result["sign_off"].as_array().expect("a list").iter().any(|entry| !entry["given_by"].is_null());
        assert_eq!(signed, counts, "{name}: {}", result["sign_off"]);
    }
}
