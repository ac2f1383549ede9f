//! Changes that edit the topology they are judged by.

use super::{SHOP, assess::git, json, run, write};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

/// `main` with the code of the shop and its map, and a branch `work` that is checked out.
fn repository(map: Option<&str>) -> TempDir {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path();
    git(path, &["init", "-q", "-b", "main"]);
    write(path, "shop/main.rs", "one\n");
    if let Some(map) = map {
        write(path, "maps/shop.yaml", map);
    }
    commit(path, "start");
    git(path, &["checkout", "-q", "-b", "work"]);
    directory
}

fn commit(path: &Path, message: &str) {
    git(path, &["add", "-A"]);
    git(path, &["commit", "-q", "-m", message]);
}

/// Everything known that could hold a band up besides the score.
const REVIEWED: &str = "\
schema: shockfront/change/v1
kind: code
ai: {assisted: no}
author: {level: senior}
simulated: yes
tests: {coverage: 0.9}
rollback: {tested: yes}
at: 2026-08-14T15:00:00+02:00
";

fn assess(path: &Path, topology: &str, more: &[&str]) -> (i32, String, String) {
    let outside = path.join(".git/change.yaml");
    std::fs::write(&outside, REVIEWED).expect("written");
    let change = outside.display().to_string();
    let fixed = ["assess", topology, "--base", "main", "--change", &change, "--trials", "2048"];
    run(path, &[&fixed[..], more].concat())
}

fn assessed(path: &Path, topology: &str) -> Value {
    let (code, out, err) = assess(path, topology, &["--format", "json"]);
    assert!(code < 2, "{err}");
    json(&out)
}

/// The rules that fired, and the one about the edit.
fn rule(result: &Value) -> Option<&Value> {
    result["floors"].as_array().expect("floors").iter().find(|floor| floor["rule"] == "topology-edited")
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|text| text.as_str().expect("a text")).collect()
}

/// Without its way to the journey the change looks harmless.
fn without_the_riskiest() -> String {
    SHOP.replace("  - {from: web, to: shop, kind: hard, probability: 1.0}\n", "")
}

#[test]
fn an_edit_that_hides_the_harm_does_not_lower_the_verdict() {
    let place = repository(Some(SHOP));
    let path = place.path();
    write(path, "shop/main.rs", "two\n");
    commit(path, "Code alone");
    let alone = assessed(path, "maps/shop.yaml");
    assert!(alone["topology_edit"].is_null() && rule(&alone).is_none(), "{alone}");
    write(path, "maps/shop.yaml", &without_the_riskiest());
    commit(path, "And the map");
    let both = assessed(path, "maps/shop.yaml");
    let edit = &both["topology_edit"];
    assert_eq!(texts(&edit["files"]), ["maps/shop.yaml"], "{edit}");
    assert_eq!(texts(&edit["differences"]), ["dependency `web` → `shop` is removed"]);
    let before = &edit["before"];
    assert_eq!(before["decides"], true, "{edit}");
    let order = ["green", "yellow", "orange", "red"];
    let rank = |band: &Value| order.iter().position(|known| band == known).expect("a band");
    assert!(rank(&both["verdict"]["band"]) >= rank(&alone["verdict"]["band"]), "{}", both["verdict"]);
    assert_eq!(both["verdict"]["band"], before["band"]);
    let floor = rule(&both).expect("the rule");
    assert_eq!(floor["raises_to"], before["band"], "{floor}");
    let signs = both["sign_off"].as_array().expect("a list");
    assert!(signs.iter().any(|sign| sign["rule"] == "topology-edited" && sign["required"] == true), "{signs:?}");
    // Who is harmed by the map before is not forgotten.
    let web = signs.iter().find(|sign| sign["who"] == "team-web").expect("the owner of what the edit hides");
    assert!(web["rule"] == "topology-edited" && web["required"] == false, "{web}");
    assert!(texts(&web["because"])[0].starts_with("web is impaired in "), "{web}");
    assert!(signs.iter().filter(|sign| sign["who"] == "team-shop").count() == 1, "{signs:?}");
    // The same random numbers: the score before is that of the code alone, and users lose nothing after.
    let compared = &before["compared"];
    assert_eq!(compared["without_effect"], false);
    let mean = |value: &Value| value["mean"].as_f64().expect("a mean");
    assert!((mean(&compared["score_before"]) - alone["verdict"]["score"].as_f64().expect("a score")).abs() < 8.0, "{compared}");
    assert_eq!(mean(&compared["score_after"]), both["verdict"]["score"].as_f64().expect("a score"));
    let interval = &compared["score_difference"]["interval"];
    assert!(interval[1].as_f64().expect("an end") < 0.0, "{compared}");
    let journey = &compared["journeys"][0]["user_minutes"];
    assert!(mean(&journey["before"]) > 0.0 && mean(&journey["after"]) == 0.0, "{journey}");
    for format in ["text", "markdown", "html"] {
        let (_, out, err) = assess(path, "./maps/../maps/shop.yaml", &["--format", format]);
        for part in [
            "It edits the topology it is judged by",
            "which decides",
            "is removed",
            "trials that differ",
            "topology-edited",
            "all of them on the edited topology",
        ] {
            assert!(out.contains(part), "{format}: {part}: {err}{out}");
        }
    }
}

#[test]
fn a_note_is_no_edit_of_a_fact() {
    let place = repository(Some(SHOP));
    let path = place.path();
    write(path, "shop/main.rs", "two\n");
    write(path, "maps/shop.yaml", &format!("# who looks after this\n{SHOP}"));
    commit(path, "A note");
    let result = assessed(path, "maps/shop.yaml");
    let edit = &result["topology_edit"];
    assert_eq!(texts(&edit["differences"]), [""; 0]);
    assert_eq!(
        (&edit["before"]["decides"], &edit["before"]["compared"]["without_effect"]),
        (&false.into(), &true.into()),
        "{edit}"
    );
    assert!(rule(&result).is_none(), "{}", result["floors"]);
    assert_eq!(texts(&result["change"]["unmapped"]), [""; 0], "what the edit does is known");
    let (_, out, _) = assess(path, "maps/shop.yaml", &[]);
    assert!(out.contains("the edit changes no fact"), "{out}");
}

#[test]
fn a_version_before_that_cannot_be_read_asks_for_somebody() {
    // With an objective that forgives, nothing else raises the band.
    let map = SHOP.replace("slo: 99.9", "slo: 50").replace("tier: 0", "tier: 2");
    let broken = map.replace("to: db, kind: hard", "to: bd, kind: hard");
    for (before, reason) in [(Some(broken.as_str()), "maps/shop.yaml:"), (None, "there was no such file")] {
        let place = repository(before);
        let path = place.path();
        write(path, "shop/main.rs", "two\n");
        write(path, "maps/shop.yaml", &map);
        commit(path, "The map");
        let result = assessed(path, "maps/shop.yaml");
        let edit = &result["topology_edit"];
        assert!(edit["before"].is_null() && edit["why"].as_str().is_some_and(|why| why.contains(reason)), "{edit}");
        let floor = rule(&result).expect("the rule");
        assert_eq!(floor["raises_to"], "orange");
        assert!(texts(&result["change"]["unmapped"]).contains(&"maps/shop.yaml"), "{}", result["change"]);
        assert!(floor["because"].as_str().is_some_and(|because| because.contains("cannot be compared")), "{floor}");
        let signs = result["sign_off"].as_array().expect("a list");
        let asks = |sign: &&Value| sign["rule"] == "topology-edited" && sign["required"] == true;
        let reasons: String = signs.iter().filter(asks).map(|sign| sign["because"].to_string()).collect();
        assert!(reasons.contains("maps/shop.yaml"), "{signs:?}");
        assert_ne!(result["verdict"]["gate"], "pass");
    }
}

#[test]
fn a_map_that_moves_is_followed() {
    let place = repository(Some(SHOP));
    let path = place.path();
    write(path, "shop/main.rs", "two\n");
    git(path, &["mv", "maps/shop.yaml", "map.yaml"]);
    commit(path, "Moved");
    let moved = assessed(path, "map.yaml");
    assert_eq!(moved["topology_edit"]["before"]["decides"], false, "{}", moved["topology_edit"]);
    assert!(rule(&moved).is_none());
    assert_eq!(texts(&moved["change"]["unmapped"]), [""; 0], "neither where it was nor where it is");
    write(path, "map.yaml", &without_the_riskiest());
    commit(path, "And edited");
    let edited = assessed(path, "map.yaml");
    assert_eq!(edited["topology_edit"]["before"]["decides"], true, "{}", edited["topology_edit"]);
    assert!(rule(&edited).is_some());
}

/// A part of the map that is left out, and services that one version does not have.
#[test]
fn directories_includes_and_services_of_one_version() {
    let (services, dependencies) = SHOP.split_once("dependencies:").expect("both parts");
    let (dependencies, journeys) = dependencies.split_once("journeys:").expect("both parts");
    let parts = [
        ("maps/a.yaml", format!("{services}journeys:{journeys}")),
        ("maps/b.yaml", format!("schema: shockfront/topology/v1\ndependencies:{dependencies}")),
    ];
    let place = repository(None);
    let path = place.path();
    git(path, &["checkout", "-q", "main"]);
    parts.iter().for_each(|(name, text)| write(path, name, text));
    commit(path, "The map");
    git(path, &["checkout", "-q", "-B", "work"]);
    write(path, "shop/main.rs", "two\n");
    git(path, &["rm", "-q", "maps/b.yaml"]);
    let renamed = parts[0].1.replace("  shop: {owner", "  store: {owner").replace("team-web", "team-site");
    write(path, "maps/a.yaml", &renamed);
    commit(path, "No dependencies, and another name");
    let result = assessed(path, "maps");
    let edit = &result["topology_edit"];
    let differences = texts(&edit["differences"]);
    for part in
        ["dependency `web` → `shop` is removed", "service `shop` is removed", "service `store` is added", "`owner` was team-web"]
    {
        assert!(differences.iter().any(|line| line.contains(part)), "{part}: {differences:?}");
    }
    assert_eq!(texts(&edit["files"]), ["maps/a.yaml", "maps/b.yaml"]);
    assert_eq!(edit["before"]["decides"], true, "{edit}");
    let pairs = &edit["before"]["compared"]["journeys"];
    assert!(pairs[0]["user_minutes"]["before"]["mean"].as_f64() > Some(0.0), "{edit}");
}

/// What a link leads to is edited, not the link; and of a directory only files that are read count as the map.
#[cfg(unix)]
#[test]
fn a_map_behind_a_link_is_the_map() {
    let place = repository(None);
    let path = place.path();
    git(path, &["checkout", "-q", "main"]);
    write(path, "real/shop.yaml", SHOP);
    write(path, "real/other.md", "what this is\n");
    std::os::unix::fs::symlink("real", path.join("maps")).expect("a link");
    std::os::unix::fs::symlink("real/shop.yaml", path.join("map.yaml")).expect("a link");
    commit(path, "The map");
    git(path, &["checkout", "-q", "-B", "work"]);
    write(path, "shop/main.rs", "two\n");
    write(path, "real/other.md", "what this is for\n");
    commit(path, "No edit of the map");
    for name in ["maps", "map.yaml"] {
        let result = assessed(path, name);
        assert!(result["topology_edit"].is_null(), "{name}: {}", result["topology_edit"]);
        assert_eq!(texts(&result["change"]["unmapped"]), ["real/other.md"], "{name}");
    }
    write(path, "real/shop.yaml", &without_the_riskiest());
    commit(path, "An edit of the map");
    for name in ["maps", "map.yaml"] {
        let result = assessed(path, name);
        let edit = &result["topology_edit"];
        assert_eq!(texts(&edit["files"]), ["real/shop.yaml"], "{name}");
        assert!(edit["before"]["decides"] == true && rule(&result).is_some(), "{name}: {edit}");
    }
}

/// A budget of a journey that the same change adds: the version before knows neither.
#[test]
fn a_budget_of_a_new_journey_is_of_the_new_version() {
    let (rest, journeys) = SHOP.split_once("journeys:\n").expect("both parts");
    let renamed = journeys.replacen("buy:", "order:", 1);
    let place = repository(Some(SHOP));
    let path = place.path();
    write(path, "shop/main.rs", "two\n");
    write(path, "maps/shop.yaml", &format!("{rest}journeys:\n{journeys}{renamed}"));
    commit(path, "One more journey");
    write(path, ".git/budgets.yaml", "schema: shockfront/budgets/v1\nbudgets:\n  order: {spent: 0.5, at: 2026-08-13}\n");
    let (code, out, err) = assess(path, "maps/shop.yaml", &["--slo", ".git/budgets.yaml", "--format", "json"]);
    assert!(code < 2, "{err}");
    let result = json(&out);
    let order = result["journeys"].as_array().expect("journeys").iter().find(|journey| journey["name"] == "order");
    let share = order.and_then(|order| order["budget_remaining"]["share"].as_f64()).expect("a share");
    assert!((share - 0.5).abs() < 1e-9, "{share}");
    assert!(result["topology_edit"]["before"]["compared"].is_object(), "{}", result["topology_edit"]);
}

/// Without the files of the service the change lands nowhere today; it did before.
#[test]
fn a_service_that_is_taken_off_the_map_is_judged_by_the_map_before() {
    let place = repository(Some(SHOP));
    let path = place.path();
    write(path, "shop/main.rs", "two\n");
    write(path, "maps/shop.yaml", &SHOP.replace(", paths: [\"shop/**\"]", ""));
    commit(path, "Nobody's files");
    let result = assessed(path, "maps/shop.yaml");
    let before = &result["topology_edit"]["before"];
    assert!(before["compared"].is_null(), "{before}");
    assert_ne!(result["verdict"]["gate"], "pass");
    let order = ["green", "yellow", "orange", "red"];
    let rank = |band: &Value| order.iter().position(|known| band == known).expect("a band");
    assert!(rank(&result["verdict"]["band"]) >= rank(&before["band"]), "{result}");
}

#[test]
fn a_diff_that_edits_the_map_asks_for_somebody() {
    let place = repository(Some(SHOP));
    let path = place.path();
    let diff = "--- a/shop/main.rs\n+++ b/shop/main.rs\n@@ -1 +1 @@\n-one\n+two\n\
        --- a/maps/shop.yaml\n+++ b/maps/shop.yaml\n@@ -1 +1 @@\n-name: a\n+name: b\n";
    write(path, "change.diff", diff);
    let (code, out, err) =
        run(path, &["assess", "maps/shop.yaml", "--diff", "change.diff", "--trials", "512", "--format", "json"]);
    assert_eq!(code, 1, "{err}");
    let result = json(&out);
    assert!(result["topology_edit"]["why"].as_str().is_some_and(|why| why.contains("--base")), "{}", result["topology_edit"]);
    assert!(rule(&result).is_some());
}

/// The version that was read has to be the edited one.
#[test]
fn a_head_that_is_not_checked_out_is_said() {
    let place = repository(Some(SHOP));
    let path = place.path();
    write(path, "shop/main.rs", "two\n");
    write(path, "maps/shop.yaml", &without_the_riskiest());
    commit(path, "Both");
    git(path, &["checkout", "-q", "main"]);
    let outside = ["assess", "maps/shop.yaml", "--base", "main", "--head", "work", "--trials", "512", "--format", "json"];
    let (_, out, err) = run(path, &outside);
    let result = json(&out);
    let why = result["topology_edit"]["why"].as_str().unwrap_or_default();
    assert!(why.contains("check out the head"), "{why}{err}");
    assert!(rule(&result).is_some());
}
