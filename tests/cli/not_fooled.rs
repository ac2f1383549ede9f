//! What must not open a gate: rules that a change writes for itself, names in front, reviews of something else, dates that say
//! too little. Each of these passed once.

use super::assess::git;
use super::{SHOP, json, place, run, write};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

const TEAM: &str = "\
schema: shockfront/team/v1
people:
  - {name: kim, emails: [kim@example.com], level: junior, teams: [team-shop]}
  - {name: lee, emails: [lee@example.com], level: senior, teams: [team-shop]}
  - {name: mo, emails: [mo@example.com], level: senior, teams: [team-shop]}
  - {name: ann, emails: [ann@example.com], level: senior, teams: [team-ads]}
";

/// A change of which everything is known.
fn change(title: &str, service: &str, author: &str, reviewers: &str) -> String {
    format!(
        "schema: shockfront/change/v1\ntitle: {title}\nservices: [{service}]\nkind: code\nai: {{assisted: no, executes: no}}\n\
         author: {author}\nlines: 80\ntests: {{coverage: 0.9}}\nsimulated: yes\ndestructive: no\nrollout: {{strategy: canary, share: 5%, \
         bake: 15m}}\nrollback: {{tested: yes}}\nat: 2026-08-14T15:00:00+02:00\nreviewers: [{reviewers}]\n"
    )
}

pub(super) fn ask(directory: &Path, more: &[&str]) -> Value {
    let base = ["assess", "shop.yaml", "--trials", "512", "--no-mitigations", "--format", "json"];
    let (code, out, err) = run(directory, &[&base[..], more].concat());
    assert!(code < 2, "{err}");
    json(&out)
}

pub(super) fn fires(result: &Value, rule: &str) -> bool {
    result["floors"].as_array().expect("a list").iter().any(|floor| floor["rule"] == rule && floor["overridden"].is_null())
}

/// Who gave the sign-off of somebody.
fn given_by<'a>(result: &'a Value, who: &str) -> Option<&'a str> {
    let entries = result["sign_off"].as_array().expect("a list");
    entries.iter().find(|entry| entry["who"] == who).expect("an entry")["given_by"].as_str()
}

/// A repository on a branch that changes a file; what else is changed is written by the caller before.
fn branch(edits: &[(&str, &str, &str)], message: &str) -> TempDir {
    let directory = place();
    let path = directory.path();
    write(path, "team.yaml", TEAM);
    git(path, &["init", "-q", "-b", "main"]);
    edits.iter().for_each(|(file, before, _)| write(path, file, before));
    git(path, &["add", "."]);
    git(path, &["commit", "-q", "-m", "start"]);
    git(path, &["checkout", "-q", "-b", "work"]);
    edits.iter().for_each(|(file, _, after)| write(path, file, after));
    git(path, &["commit", "-q", "-a", "-m", message]);
    directory
}

#[test]
fn a_policy_that_the_change_wrote_is_not_its_judge() {
    let lax = "schema: shockfront/policy/v1\n\
               bands: {yellow: {from: 97, asks: {}}, orange: {from: 98, asks: {}}, red: {from: 99, asks: {}}}\n\
               overrides:\n  - {rule: policy-edited, approver: lee, reason: it is fine, expires: 2027-01-01}\n";
    let place = branch(&[("policy.yaml", "schema: shockfront/policy/v1\n", lax), ("shop/main.rs", "one\n", "two\n")], "Both");
    let range = ["--base", "main", "--team", "team.yaml", "--at", "2026-11-20T14:00:00-05:00"];
    let result = ask(place.path(), &[&range[..], &["--policy", "policy.yaml"]].concat());
    assert!(fires(&result, "policy-edited"), "{}", result["floors"]);
    assert_ne!(result["verdict"]["gate"], "pass");
    assert!(result["notes"].to_string().contains("sets nothing aside by that"), "{}", result["notes"]);
    // The rules that ship ask for all that they would ask for without the file.
    let shipped = ask(place.path(), &range);
    let missing = result["missing"].to_string();
    for wanted in shipped["missing"].as_array().expect("a list") {
        assert!(missing.contains(wanted.as_str().expect("a text")), "{wanted} in {missing}");
    }
}

#[test]
fn owners_that_the_change_wrote_are_said_and_make_another_forecast() {
    let place = branch(&[("OWNERS", "* @lee\n", "* @kim\n"), ("shop/main.rs", "one\n", "two\n")], "Both");
    let result = ask(place.path(), &["--base", "main", "--team", "team.yaml", "--codeowners", "OWNERS"]);
    assert!(fires(&result, "policy-edited"), "{}", result["floors"]);
    write(place.path(), "OTHER", "* @mo\n");
    let other = ask(place.path(), &["--base", "main", "--team", "team.yaml", "--codeowners", "OTHER"]);
    assert_ne!(result["forecast"], other["forecast"]);
}

#[test]
fn a_senior_name_in_front_hides_no_junior() {
    let place = branch(&[("shop/main.rs", "one\n", "two\n")], "Work");
    let file = "schema: shockfront/change/v1\nkind: code\nauthor: {name: lee, level: senior}\n";
    write(place.path(), "change.yaml", file);
    let result = ask(place.path(), &["--base", "main", "--team", "team.yaml", "--change", "change.yaml"]);
    assert!(fires(&result, "ai-assisted-by-junior-or-mid"), "{}", result["floors"]);
    assert!(result["floors"].to_string().contains("one of the authors is junior"), "{}", result["floors"]);
    // Neither does a squash.
    let place = branch(&[("shop/main.rs", "one\n", "two\n")], "Work");
    let path = place.path();
    let message = "Work\n\nCo-authored-by: kim <kim@example.com>";
    git(path, &["commit", "-q", "--amend", "--author", "lee <lee@example.com>", "-m", message]);
    let result = ask(path, &["--base", "main", "--team", "team.yaml", "--ai-assisted", "yes"]);
    assert!(fires(&result, "ai-assisted-by-junior-or-mid"), "{}", result["floors"]);
}

#[test]
fn a_review_of_one_change_does_not_sign_for_another() {
    let place = place();
    let path = place.path();
    write(path, "team.yaml", TEAM);
    let old = SHOP.replace("observed_at: 2026-08-01", "observed_at: 2026-01-01");
    write(path, "shop.yaml", &old);
    let both = ["--change", "a.yaml", "--change", "b.yaml", "--team", "team.yaml"];
    // Lee wrote one and reviewed the other; ann owns neither.
    write(path, "a.yaml", &change("A", "ads", "{name: kim}", "{name: lee, level: senior}, {name: ann, level: senior}"));
    write(path, "b.yaml", &change("B", "shop", "{name: lee}", "{name: ann, level: senior}"));
    let result = ask(path, &both);
    assert_eq!(given_by(&result, "team-shop"), None, "{}", result["sign_off"]);
    assert_eq!(result["verdict"]["gate"], "sign_off_required");
    // Mo reviews the one that does not touch the services of his team.
    write(path, "a.yaml", &change("A", "ads", "{name: kim}", "{name: mo, level: senior}, {name: ann, level: senior}"));
    assert_eq!(given_by(&ask(path, &both), "team-shop"), None);
    write(path, "b.yaml", &change("B", "shop", "{name: lee}", "{name: ann, level: senior}, {name: mo, level: senior}"));
    let result = ask(path, &both);
    assert_eq!(given_by(&result, "team-shop"), Some("mo"), "{}", result["sign_off"]);
}

#[test]
fn one_person_is_one_person_and_programs_are_none() {
    let place = place();
    let path = place.path();
    write(path, "team.yaml", TEAM);
    write(
        path,
        "policy.yaml",
        "schema: shockfront/policy/v1\nbands: {green: {seniors: 2}, yellow: {asks: {seniors: 2}}, orange: {asks: {seniors: 2}}}\n",
    );
    let arguments = ["--change", "change.yaml", "--team", "team.yaml", "--policy", "policy.yaml"];
    let with = |reviewers: &str| {
        write(path, "change.yaml", &change("A", "shop", "{name: kim}", reviewers));
        let result = ask(path, &arguments);
        (given_by(&result, "any team").is_some(), result)
    };
    let (signed, result) = with("{name: lee}, {name: lee@example.com, emails: [lee@example.com]}");
    assert!(!signed, "{}", result["sign_off"]);
    let signers = result["signers"].to_string();
    assert!(
        !signers.contains("\"lee\"") && signers.contains("senior review"),
        "who signed already is not asked again: {signers}"
    );
    let (signed, result) = with("{name: lee}, {name: mo}");
    assert!(signed, "{}", result["sign_off"]);
    // A review of one service says nothing of another.
    assert!(!with("{name: lee, service: db}, {name: mo}").0);
    assert!(with("{name: lee, service: shop}, {name: mo}").0);
    let bot = "{name: \"coderabbitai[bot]\", level: senior, service: shop}";
    write(
        path,
        "change.yaml",
        &change("A", "shop", "{name: kim}", &format!("{bot}, {{name: \"renovate[bot]\", level: senior}}")),
    );
    let result = ask(path, &["--change", "change.yaml", "--policy", "policy.yaml"]);
    assert_eq!(given_by(&result, "any team"), None, "{}", result["sign_off"]);
}

#[test]
fn untitled_changes_are_not_taken_for_one() {
    let place = place();
    let path = place.path();
    for part in 1..4 {
        let diff = format!("--- a/shop/x\n+++ b/shop/x\n@@ -1 +1 @@\n-{part}\n+{}\n", part + 1);
        write(path, "part.diff", &diff);
        ask(path, &["--diff", "part.diff", "--at", "2026-08-10T10:00:00Z", "--ledger", "ledger.json", "--record"]);
    }
    let ledger = json(&std::fs::read_to_string(path.join("ledger.json")).expect("a ledger"));
    assert_eq!(ledger["entries"].as_array().map(Vec::len), Some(3), "{ledger}");
}

#[test]
fn the_time_of_a_commit_is_not_that_of_the_change() {
    let place = branch(&[("shop/main.rs", "one\n", "two\n")], "Work");
    let policy = "schema: shockfront/policy/v1\nfreezes:\n  - {from: 2026-12-20, to: 2026-12-30, timezone: UTC, raises_to: red}\n\
                  overrides:\n  - {rule: topology-stale, approver: lee, reason: known, expires: 2026-12-01}\n";
    write(place.path(), "policy.yaml", policy);
    let range = ["--base", "main", "--team", "team.yaml", "--policy", "policy.yaml"];
    // Committed in November, which may be merged in the days of the freeze.
    let result = ask(place.path(), &range);
    assert!(fires(&result, "frozen") && fires(&result, "topology-stale"), "{}", result["floors"]);
    let at = |time: &str| ask(place.path(), &[&range[..], &["--at", time]].concat());
    let (before, inside) = (at("2026-11-22T12:00:00Z"), at("2026-12-24T12:00:00Z"));
    assert!(!fires(&before, "frozen") && !fires(&before, "topology-stale"), "{}", before["floors"]);
    assert!(fires(&inside, "frozen") && fires(&inside, "topology-stale"), "{}", inside["floors"]);
    assert_eq!(before["forecast"], at("2026-11-22T13:00:00Z")["forecast"], "an hour later it is the same forecast");
}

#[test]
fn a_topology_from_after_the_change_has_no_age() {
    let place = place();
    write(place.path(), "change.yaml", &change("A", "shop", "{name: lee, level: senior}", "").replace("at: 2026", "at: 2019"));
    let result = ask(place.path(), &["--change", "change.yaml"]);
    assert!(fires(&result, "topology-stale"), "{}", result["floors"]);
}

#[test]
fn what_nobody_says_is_no_answer() {
    let place = place();
    let path = place.path();
    let rules =
        "schema: shockfront/policy/v1\nrules:\n  - {name: destroys, when: 'change.destructive == \"yes\"', raises_to: red}\n";
    write(path, "policy.yaml", rules);
    let all = change("A", "shop", "{name: lee, level: senior}", "");
    for (text, expected) in [(all.clone(), false), (all.replace("destructive: no\n", ""), true)] {
        write(path, "change.yaml", &text);
        let result = ask(path, &["--change", "change.yaml", "--policy", "policy.yaml"]);
        assert_eq!(fires(&result, "destroys"), expected, "{}", result["floors"]);
    }
    // Nobody knows how much a binary file changes.
    let diff = "diff --git a/shop/model.bin b/shop/model.bin\nindex 1111111..2222222 100644\nBinary files a/shop/model.bin and b/shop/model.bin differ\n";
    write(path, "binary.diff", diff);
    let result = ask(path, &["--diff", "binary.diff"]);
    let factors = result["fault_probability"]["factors"].as_array().expect("a list");
    let size = factors.iter().find(|factor| factor["name"] == "size").expect("the size");
    assert_eq!(size["because"], "unknown, counts as average: the number of changed lines is not known");
}

#[test]
fn a_policy_from_before_judges_and_a_path_hides_no_edit() {
    let frozen =
        "schema: shockfront/policy/v1\nfreezes:\n  - {from: 2026-11-01, to: 2026-12-01, timezone: UTC, raises_to: red}\n";
    let edits = [("gate/policy.yaml", frozen, "schema: shockfront/policy/v1\n"), ("shop/main.rs", "one\n", "two\n")];
    let place = branch(&edits, "Both");
    write(place.path(), "sub/x", "");
    for policy in ["gate/policy.yaml", "./gate/../gate/policy.yaml", "sub/../gate/policy.yaml"] {
        let range = ["--base", "main", "--team", "team.yaml", "--at", "2026-11-20T14:00:00-05:00", "--policy", policy];
        let result = ask(place.path(), &range);
        assert!(fires(&result, "policy-edited") && fires(&result, "frozen"), "{policy}: {}", result["floors"]);
        assert_eq!(result["verdict"]["gate"], "blocked");
    }
}

#[test]
fn nobody_becomes_a_senior_by_the_change_that_they_sign() {
    let edited = TEAM
        .replace("{name: kim, emails: [kim@example.com], level: junior", "{name: kim, emails: [kim@example.com], level: senior");
    let edited = edited + "  - {name: zoe, emails: [zoe@example.com], level: senior, teams: [team-shop]}\n";
    let place = branch(&[("crew/team.yaml", TEAM, &edited), ("shop/main.rs", "one\n", "two\n")], "Both");
    let path = place.path();
    git(path, &["commit", "-q", "--amend", "--author", "lee <lee@example.com>", "-m", "Both"]);
    let head = ask(path, &["--base", "main", "--team", "crew/team.yaml"])["heads"][0].as_str().expect("a head").to_owned();
    let review = |name: &str| {
        let file =
            format!("schema: shockfront/change/v1\nkind: code\nreviewers: [{{name: {name}, level: senior, head: {head}}}]\n");
        write(path, "change.yaml", &file);
        ask(path, &["--base", "main", "--team", "crew/team.yaml", "--change", "change.yaml"])
    };
    for name in ["kim", "zoe"] {
        let result = review(name);
        assert!(fires(&result, "policy-edited"), "{}", result["floors"]);
        assert_eq!(given_by(&result, "any team"), None, "{name}: {}", result["sign_off"]);
    }
    // Who was a senior before stays one.
    let result = review("mo");
    assert_eq!(given_by(&result, "any team"), Some("mo"), "{}", result["sign_off"]);
    assert!(result["notes"].to_string().contains("nobody has more experience"), "{}", result["notes"]);
}

#[test]
fn who_owned_a_service_before_the_change_still_signs() {
    let before = SHOP.replace("observed_at: 2026-08-01", "observed_at: 2026-01-01");
    let after = before.replace("{owner: team-shop, tier: 1", "{owner: team-ads, tier: 1");
    let place = branch(&[("maps/shop.yaml", &before, &after), ("shop/main.rs", "one\n", "two\n")], "Both");
    let path = place.path();
    let ask = |more: &[&str]| {
        let base = [
            "assess",
            "maps/shop.yaml",
            "--base",
            "main",
            "--team",
            "team.yaml",
            "--trials",
            "512",
            "--no-mitigations",
            "--format",
            "json",
        ];
        let (code, out, err) = run(path, &[&base[..], more].concat());
        assert!(code < 2, "{err}");
        json(&out)
    };
    let head = ask(&[])["heads"][0].as_str().expect("a head").to_owned();
    let file = "schema: shockfront/change/v1\nkind: code\nai: {assisted: no, executes: no}\nsimulated: yes\n\
                rollout: {strategy: canary, share: 5%, bake: 15m}\nrollback: {tested: yes}\n";
    write(path, "change.yaml", &format!("{file}reviewers: [{{name: ann, level: senior, head: {head}}}]\n"));
    let result = ask(&["--change", "change.yaml"]);
    assert!(fires(&result, "topology-edited"), "{}", result["floors"]);
    assert_eq!((given_by(&result, "team-ads"), given_by(&result, "team-shop")), (Some("ann"), None), "{}", result["sign_off"]);
    assert_ne!(result["verdict"]["gate"], "pass");
}

#[test]
fn two_times_forbid_what_either_forbids() {
    let place = place();
    let freeze =
        "schema: shockfront/policy/v1\nfreezes:\n  - {from: 2026-08-20, to: 2026-08-22, timezone: UTC, raises_to: red}\n";
    write(place.path(), "policy.yaml", freeze);
    write(place.path(), "change.yaml", &change("A", "shop", "{name: lee, level: senior}", ""));
    let diff = "--- a/shop/x\n+++ b/shop/x\n@@ -1 +1 @@\n-1\n+2\n";
    write(place.path(), "x.diff", diff);
    let both = ["--change", "change.yaml", "--diff", "x.diff", "--policy", "policy.yaml"];
    assert!(!fires(&ask(place.path(), &both), "frozen"));
    let result = ask(place.path(), &[&both[..], &["--at", "2026-08-21T12:00:00Z"]].concat());
    assert!(fires(&result, "frozen"), "{}", result["floors"]);
    assert!(result["notes"].to_string().contains("what either forbids is forbidden"), "{}", result["notes"]);
}

#[test]
fn who_asks_for_changes_has_not_approved_whatever_a_file_says() {
    let place = branch(&[("shop/main.rs", "one\n", "two\n")], "Work");
    let path = place.path();
    let range = ["--base", "main", "--team", "team.yaml", "--change", "change.yaml"];
    write(path, "change.yaml", "schema: shockfront/change/v1\nkind: code\n");
    let head = ask(path, &range)["heads"][0].as_str().expect("a head").to_owned();
    write(
        path,
        "change.yaml",
        &format!("schema: shockfront/change/v1\nkind: code\nreviewers: [{{name: mo, level: senior, head: {head}}}]\n"),
    );
    assert_eq!(given_by(&ask(path, &range), "any team"), Some("mo"));
    let review = |account: &str, id: u64, state: &str| {
        format!(
            "[{{\"state\": \"{state}\", \"commit_id\": \"{head}\", \"author_association\": \"MEMBER\", \"user\": {{\"login\": \"{account}\", \"id\": {id}, \"type\": \"User\"}}}}]"
        )
    };
    write(path, "reviews.json", &review("mo", 7, "CHANGES_REQUESTED"));
    let reviewed = [&range[..], &["--reviews", "reviews.json"]].concat();
    let result = ask(path, &reviewed);
    assert_eq!(given_by(&result, "any team"), None, "{}", result["sign_off"]);
    // An account that bears the name of a member whose own account is known to be another is not that member.
    write(path, "change.yaml", "schema: shockfront/change/v1\nkind: code\n");
    write(path, "team.yaml", &TEAM.replace("mo@example.com", "7+mo@users.noreply.github.com"));
    for (id, expected) in [(7, Some("mo")), (999, None)] {
        write(path, "reviews.json", &review("mo", id, "APPROVED"));
        let result = ask(path, &reviewed);
        assert_eq!(given_by(&result, "any team"), expected, "{}", result["sign_off"]);
    }
}
