//! A bare remote and the clones of people: what a branch, a squash, a rename and a fork come to.

use super::assess::git;
use super::{SHOP, json, run, write};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const TEAM: &str = "\
schema: shockfront/team/v1
people:
  - {name: kim, emails: [kim@example.com], level: junior, teams: [team-shop]}
  - {name: lee, emails: [lee@example.com], level: senior, teams: [team-shop]}
";

/// A remote with a `main`, and a clone on a branch `work` that changes the shop.
struct Remote {
    directory: TempDir,
}

impl Remote {
    fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        let root = directory.path();
        git(root, &["init", "-q", "--bare", "-b", "main", "origin.git"]);
        git(root, &["clone", "-q", "origin.git", "kim"]);
        let kim = root.join("kim");
        git(&kim, &["checkout", "-q", "-B", "main"]);
        write(&kim, "topology.yaml", SHOP);
        write(&kim, "team.yaml", TEAM);
        write(&kim, "shop/main.rs", "fn main() {}\n");
        write(&kim, "web/page.rs", &"line\n".repeat(40));
        git(&kim, &["add", "."]);
        git(&kim, &["commit", "-q", "-m", "start"]);
        git(&kim, &["push", "-q", "origin", "main"]);
        git(&kim, &["checkout", "-q", "-b", "work"]);
        Self { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The verdict on what a clone has beyond the remote's `main`.
    fn assess(&self, clone: &Path, more: &[&str]) -> (i32, Value) {
        let arguments = ["assess", "topology.yaml", "--base", "origin/main", "--team", "team.yaml", "--trials", "512"];
        let (code, out, err) = run(clone, &[&arguments[..], &["--format", "json"], more].concat());
        assert!(code < 2, "{err}");
        (code, json(&out))
    }
}

fn fires(result: &Value, rule: &str) -> bool {
    result["floors"].as_array().expect("a list").iter().any(|floor| floor["rule"] == rule)
}

/// One change of the shop, committed with this message.
fn work(clone: &Path, text: &str, message: &str) {
    write(clone, "shop/main.rs", text);
    git(clone, &["commit", "-q", "-a", "-m", message]);
}

#[test]
fn trailers_speak_until_a_squash_drops_them() {
    let remote = Remote::new();
    let kim = remote.path("kim");
    work(&kim, "fn main() { one() }\n", "One\n\nCo-authored-by: Claude <noreply@anthropic.com>");
    work(&kim, "fn main() { two() }\n", "Two");
    let (code, with) = remote.assess(&kim, &[]);
    assert_eq!((code, &with["change"]["ai"]["assisted"]), (1, &"yes".into()), "{with}");
    assert!(fires(&with, "ai-assisted-by-junior-or-mid"));
    // A squash keeps the work and loses the sign: unknown, which counts as yes for the rule and half for P(fault).
    git(&kim, &["checkout", "-q", "-b", "squashed", "main"]);
    git(&kim, &["merge", "-q", "--squash", "work"]);
    git(&kim, &["commit", "-q", "-m", "One and two"]);
    let (_, squashed) = remote.assess(&kim, &[]);
    assert_eq!(squashed["change"]["ai"]["assisted"], "unknown");
    assert!(fires(&squashed, "ai-assisted-by-junior-or-mid"));
    let chance = |result: &Value| result["fault_probability"]["mean"].as_f64().expect("a number");
    assert!(chance(&squashed) < chance(&with), "{} {}", chance(&squashed), chance(&with));
    // Said by hand, it counts whole again.
    let (_, said) = remote.assess(&kim, &["--ai-assisted", "yes"]);
    assert!((chance(&said) - chance(&with)).abs() < 1e-12);
}

#[test]
fn a_rename_touches_both_services() {
    let remote = Remote::new();
    let kim = remote.path("kim");
    git(&kim, &["mv", "web/page.rs", "shop/page.rs"]);
    git(&kim, &["commit", "-q", "-m", "Pages belong to the shop"]);
    let (_, result) = remote.assess(&kim, &[]);
    let mut services: Vec<&str> =
        result["change"]["services"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    services.sort_unstable();
    assert_eq!(services, ["shop", "web"]);
    let required: Vec<&str> = result["sign_off"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|sign| sign["required"] == true && sign["role"] == "service owner")
        .filter_map(|sign| sign["who"].as_str())
        .collect();
    let is_orange = result["verdict"]["band"] == "orange" || result["verdict"]["band"] == "red";
    assert_eq!(required.len(), if is_orange { 2 } else { 0 }, "{required:?}");
}

#[test]
fn a_forked_head_is_judged_against_where_it_left() {
    let remote = Remote::new();
    let root = remote.directory.path();
    let kim = remote.path("kim");
    // Somebody else forks, changes the shop, and the main branch moves on.
    git(root, &["clone", "-q", "--bare", "origin.git", "fork.git"]);
    git(root, &["clone", "-q", "fork.git", "guest"]);
    let guest = remote.path("guest");
    git(&guest, &["checkout", "-q", "-b", "better"]);
    work(&guest, "fn main() { better() }\n", "Better");
    git(&guest, &["push", "-q", "origin", "better"]);
    git(&kim, &["checkout", "-q", "main"]);
    write(&kim, "web/page.rs", "other\n");
    git(&kim, &["commit", "-q", "-a", "-m", "Main moves on"]);
    git(&kim, &["push", "-q", "origin", "main"]);
    git(&kim, &["fetch", "-q", "../fork.git", "better:refs/pull/7/head"]);
    let (code, result) = remote.assess(&kim, &["--head", "refs/pull/7/head"]);
    assert_eq!(code, 1);
    // What happened on main meanwhile is not part of it.
    assert_eq!(result["change"]["services"], serde_json::json!(["shop"]), "{}", result["change"]);
    assert_eq!(result["change"]["title"], "Better");
    // A head that was never fetched is a clear error.
    let arguments = ["assess", "topology.yaml", "--base", "origin/main", "--head", "refs/pull/8/head"];
    let (code, out, err) = run(&kim, &arguments);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("refs/pull/8/head"), "{err}");
}

#[test]
fn comment_exit_code_and_list_are_what_the_policy_says() {
    let remote = Remote::new();
    let kim = remote.path("kim");
    work(&kim, "fn main() { one() }\n", "One");
    let asks = |asks: &str| {
        let bands = format!("{{green: {asks}, yellow: {{asks: {asks}}}, orange: {{asks: {asks}}}, red: {{asks: {asks}}}}}");
        write(&kim, "../policy.yaml", &format!("schema: shockfront/policy/v1\nname: ours\nbands: {bands}\n"));
        let arguments = ["assess", "topology.yaml", "--base", "origin/main", "--team", "team.yaml", "--policy", "../policy.yaml"];
        run(&kim, &[&arguments[..], &["--trials", "512", "--format", "markdown"]].concat())
    };
    let (code, comment, err) = asks("{}");
    assert!(code == 0 && comment.contains("passes") && !comment.contains("Still missing"), "{err}{comment}");
    let (code, comment, _) = asks("{seniors: 1, owners: yes}");
    assert_eq!(code, 1);
    for part in [
        "Still missing",
        "a senior engineer who did not write it has to review it",
        "somebody of team-shop",
        "lee: senior review, team-shop",
    ] {
        assert!(comment.contains(part), "{part}: {comment}");
    }
    assert!(asks("{blocked: yes}").1.contains("blocked"));
}
