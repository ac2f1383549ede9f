//! Files that never get into production, as the policy says: a change of nothing else passes, and nothing else does on their account.

use super::assess::git;
use super::{SHOP, json, place, run, write};
use serde_json::Value;
use std::path::Path;

const POLICY: &str = "schema: shockfront/policy/v1\nname: ours\nnot_deployed: [\"docs/**\", \"*.md\"]\n";

/// A diff with a line more in each file.
fn diff(files: &[&str]) -> String {
    let one = |file: &&str| {
        format!(
            "diff --git a/{file} b/{file}\nindex 1111111..2222222 100644\n--- a/{file}\n+++ b/{file}\n@@ -1 +1,2 @@\n a\n+b\n"
        )
    };
    files.iter().map(one).collect()
}

fn asked(directory: &Path, policy: &str, diff: &str, more: &[&str]) -> (i32, Value) {
    write(directory, "policy.yaml", policy);
    write(directory, "a.diff", diff);
    let fixed = ["assess", "shop.yaml", "--diff", "a.diff", "--policy", "policy.yaml", "--trials", "512", "--format", "json"];
    let (code, out, err) = run(directory, &[&fixed, more].concat());
    assert!(code < 2, "{err}");
    (code, json(&out))
}

fn rules(result: &Value) -> Vec<&str> {
    result["floors"].as_array().expect("rules").iter().filter_map(|floor| floor["rule"].as_str()).collect()
}

#[test]
fn a_change_of_documentation_alone_passes() {
    let place = place();
    let path = place.path();
    let documents = diff(&["docs/a/b.txt", "README.md"]);
    let (code, result) = asked(path, POLICY, &documents, &[]);
    assert_eq!((code, rules(&result)), (0, vec![]), "{result}");
    let verdict = &result["verdict"];
    assert_eq!(
        (verdict["band"].as_str(), verdict["gate"].as_str(), verdict["score"].as_f64()),
        (Some("green"), Some("pass"), Some(0.0))
    );
    assert_eq!(result["change"]["not_deployed"], serde_json::json!(["docs/a/b.txt", "README.md"]));
    assert_eq!((&result["change"]["unmapped"], &result["impact"]), (&serde_json::json!([]), &Value::Null));
    assert_eq!(result["expected_user_minutes"], 0.0);
    let line = ["assess", "shop.yaml", "--diff", "a.diff", "--policy", "policy.yaml"];
    for (format, words) in [
        ("text", "GREEN  score 0: passes"),
        ("markdown", "nothing that gets into production"),
        ("html", "nothing: it never gets into production"),
    ] {
        let (code, out, _) = run(path, &[&line[..], &["--format", format]].concat());
        assert_eq!(code, 0);
        assert!(out.contains(words) && out.contains("Changed files that never get into production, by the policy"), "{out}");
        assert!(!out.contains("not simulated") && !out.contains("What to do"), "{out}");
    }
    // Neither the age of the map nor a freeze is about it; a rule of the team's own is.
    let more = "freezes: [{cron: \"0 0 * * *\", lasts: 1d, because: always}]\ntopology: {stale_after: 1d}\n";
    let (code, result) = asked(path, &format!("{POLICY}{more}"), &documents, &["--at", "2026-12-01"]);
    assert_eq!((code, rules(&result)), (0, vec![]));
    let more = "rules:\n- {name: two, when: 'change.files.exists(f, f == \"README.md\")', asks: {seniors: 1}}\n\
                - {name: large, when: 'risk.score > 10.0 || risk.reach > 1.0', raises_to: red}\n";
    let (code, result) = asked(path, &format!("{POLICY}{more}"), &documents, &[]);
    assert_eq!((code, rules(&result)), (1, vec!["two"]), "what it risks is known: nothing");
}

#[test]
fn nothing_else_passes_on_account_of_documentation() {
    let place = place();
    let path = place.path();
    let refused = |policy: &str, diff: &str, more: &[&str]| {
        let (code, result) = asked(path, policy, diff, more);
        assert_eq!(code, 1, "{result}");
        (rules(&result).iter().map(|rule| (*rule).to_owned()).collect::<Vec<_>>(), result)
    };
    let nobody_says = POLICY.replace("not_deployed", "rules: []\n# ");
    assert!(refused(&nobody_says, &diff(&["docs/a.txt"]), &[]).0.contains(&"nothing-to-assess".to_owned()));
    let (fired, result) = refused(POLICY, &diff(&["docs/a.txt", "lib/x.c"]), &[]);
    assert!(fired.contains(&"nothing-to-assess".to_owned()) && fired.contains(&"unmapped-files".to_owned()), "{fired:?}");
    assert_eq!(result["change"]["unmapped"], serde_json::json!(["lib/x.c"]));
    // Below the top of the repository `*.md` fits nothing.
    refused(POLICY, &diff(&["lib/README.md"]), &[]);
    // What belongs to a service counts, whatever the list says; so does either end of a rename.
    let all = POLICY.replace("docs/**", "**");
    let (_, alone) = refused(&all, &diff(&["web/a.c"]), &[]);
    let (_, both) = refused(&all, &diff(&["web/a.c", "docs/a.txt"]), &[]);
    assert_eq!((&alone["change"]["services"], &alone["verdict"]), (&both["change"]["services"], &both["verdict"]));
    assert_eq!(alone["change"]["not_deployed"], serde_json::json!([]));
    let moved = "diff --git a/web/a.c b/docs/a.c\nsimilarity index 100%\nrename from web/a.c\nrename to docs/a.c\n";
    assert_eq!(refused(POLICY, moved, &[]).1["change"]["services"], serde_json::json!(["web"]));
    // The map that judges the change is no documentation, wherever it lies.
    let edited = refused(&all, &diff(&["docs/a.txt", "shop.yaml"]), &[]);
    assert!(edited.0.contains(&"topology-edited".to_owned()), "{:?}", edited.0);
    // Who edits the policy, or says that it destroys something, is not believed.
    let list = POLICY.replace("*.md", "policy.yaml");
    assert!(refused(&list, &diff(&["docs/a.txt", "policy.yaml"]), &[]).0.contains(&"policy-edited".to_owned()));
    write(path, "change.yaml", "schema: shockfront/change/v1\ntitle: x\ndestructive: yes\n");
    refused(POLICY, &diff(&["docs/a.txt"]), &["--change", "change.yaml"]);
    // An empty change is no change of documentation.
    write(path, "change.yaml", "schema: shockfront/change/v1\ntitle: x\nservices: [web]\n");
    let (_, named) = refused(POLICY, &diff(&["docs/a.txt"]), &["--change", "change.yaml"]);
    assert_eq!(named["change"]["services"], serde_json::json!(["web"]), "a change file names what it changes");
}

#[test]
fn lists_that_cannot_be_read_are_refused_with_their_place() {
    let place = place();
    let path = place.path();
    write(path, "a.diff", &diff(&["docs/a.txt"]));
    for (list, words) in
        [("[\"docs/**\", \"a[\"]", "policy.yaml:2:27"), ("[\"\"]", "it is empty"), ("docs", "expected"), ("[{a: b}]", "expected")]
    {
        write(path, "policy.yaml", &format!("schema: shockfront/policy/v1\nnot_deployed: {list}\n"));
        let (code, out, err) = run(path, &["assess", "shop.yaml", "--diff", "a.diff", "--policy", "policy.yaml"]);
        assert_eq!((code, out.as_str()), (2, ""), "{list}: {err}");
        assert!(err.contains(words) && err.contains("policy.yaml:2:"), "{list}: {err}");
    }
    assert!(SHOP.contains("paths: [\"web/**\"]"));
}

#[cfg(unix)]
#[test]
fn what_a_link_leads_to_is_no_documentation() {
    let place = place();
    let path = place.path();
    write(path, "policy.yaml", POLICY);
    for file in ["docs/conf.yaml", "docs/deep/a.txt", "docs/free.txt"] {
        write(path, file, "one\n");
    }
    write(path, "web/main.rs", "one\n");
    for (link, to) in [("web/conf.yaml", "../docs/conf.yaml"), ("web/deep", "./../docs/deep"), ("out", "../../elsewhere")] {
        std::os::unix::fs::symlink(to, path.join(link)).expect("a link");
    }
    git(path, &["init", "-q", "-b", "main"]);
    git(path, &["add", "-A"]);
    git(path, &["commit", "-q", "-m", "start"]);
    for (file, passes) in [("docs/free.txt", true), ("docs/conf.yaml", false), ("docs/deep/a.txt", false)] {
        git(path, &["checkout", "-q", "-B", "work", "main"]);
        write(path, file, "two\n");
        git(path, &["commit", "-q", "-a", "-m", "docs"]);
        let line = ["assess", "shop.yaml", "--base", "main", "--policy", "policy.yaml", "--trials", "512", "--format", "json"];
        let (code, out, err) = run(path, &line);
        assert_eq!(code == 0, passes, "{file}: {out}{err}");
    }
}
