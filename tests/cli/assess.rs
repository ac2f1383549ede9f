//! From a commit to the verdict.

use super::{SHOP, boutique, json, place, run, write};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

pub(super) fn git(directory: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    for (key, value) in [("GIT_AUTHOR_NAME", "kim"), ("GIT_AUTHOR_EMAIL", "kim@example.com"), ("GIT_COMMITTER_NAME", "kim")] {
        command.env(key, value);
    }
    command.env("GIT_COMMITTER_EMAIL", "kim@example.com").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let dates = [("GIT_AUTHOR_DATE", "2026-11-20T14:00:00-05:00"), ("GIT_COMMITTER_DATE", "2026-11-20T14:00:00-05:00")];
    let output = command.envs(dates).current_dir(directory).args(arguments).output().expect("git ran");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A repository with the paths of Online Boutique and a commit of a junior that an AI tool helped with.
pub(super) fn repository() -> TempDir {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path();
    git(path, &["init", "-q", "-b", "main"]);
    for service in ["checkoutservice/main.go", "frontend/main.go", "cartservice/cart.cs"] {
        write(path, &format!("src/{service}"), "one\n");
    }
    git(path, &["add", "."]);
    git(path, &["commit", "-q", "-m", "start"]);
    git(path, &["checkout", "-q", "-b", "work"]);
    write(path, "src/checkoutservice/main.go", "one\ntwo\n");
    git(path, &["commit", "-q", "-a", "-m", "Convert prices in one batch\n\nCo-authored-by: Claude <noreply@anthropic.com>"]);
    directory
}

#[test]
fn a_commit_becomes_a_verdict_with_names() {
    let place = repository();
    let (topology, team) = (boutique("topology.yaml"), boutique("team.yaml"));
    let arguments = ["assess", &topology, "--base", "main", "--team", &team, "--trials", "4096", "--format", "json"];
    let (code, out, err) = run(place.path(), &arguments);
    assert_eq!(code, 1, "{err}");
    let result = json(&out);
    let text = result.to_string();
    assert!(text.contains("\"ai-assisted-by-junior-or-mid\""), "{out}");
    assert!(text.contains("team-checkout"), "{out}");
    assert_eq!(result["change"]["services"], serde_json::json!(["checkoutservice"]), "{out}");
    assert_eq!(result["data_quality"]["age_days"], 19, "the commit's time is the time of the question");
    let mut advisory = arguments.to_vec();
    advisory.push("--advisory");
    assert_eq!(run(place.path(), &advisory).0, 0);
}

#[test]
fn a_change_file_completes_the_commit() {
    let place = repository();
    let change = "schema: shockfront/change/v1\nkind: code\nreviewers: [{name: lee, level: senior, service: checkoutservice}]\n\
        tests: {coverage: 0.9}\nsimulated: yes\nrollout: {strategy: canary, share: 5%, bake: 30m}\nrollback: {tested: yes}\n";
    write(place.path(), "change.yaml", change);
    let (topology, team) = (boutique("topology.yaml"), boutique("team.yaml"));
    let arguments = ["assess", &topology, "--base", "main", "--change", "change.yaml", "--team", &team, "--format", "json"];
    let (code, out, err) = run(place.path(), &arguments);
    let result = json(&out);
    let missing = result["missing"].as_array().cloned().unwrap_or_default();
    assert!(code == 0 && missing.is_empty() || code == 1 && !missing.is_empty(), "{code} {missing:?} {err}");
}

#[test]
fn mitigations_are_simulated_and_can_be_compared() {
    let place = super::place();
    let change = "schema: shockfront/change/v1\nservices: [db]\nkind: code\nat: 2026-08-02T10:00:00Z\n";
    write(place.path(), "change.yaml", change);
    let arguments = ["assess", "shop.yaml", "--change", "change.yaml", "--trials", "2048", "--format", "json"];
    let (_, out, err) = run(place.path(), &arguments);
    let result = json(&out);
    let found = result["mitigations"].as_array().expect("a list");
    assert!(found.len() > 3, "{err}{out}");
    let search = &result["mitigation_search"];
    assert_eq!(search["screening_trials"], 2_048, "{search}");
    // web is of tier 0 and impaired in every bad trial: the rule holds the band.
    assert!(search["cheapest"].is_null() && search["candidates"].as_u64() > Some(3), "{search}");
    // What is proposed can be typed, and gives the same numbers.
    let with = found[0]["with"][0].as_str().expect("an edit");
    let trials = found[0]["trials"].to_string();
    let compare = ["compare", "shop.yaml", "--change", "change.yaml", "--with", with, "--trials", &trials, "--format", "json"];
    let (code, out, err) = run(place.path(), &compare);
    assert_eq!(code, 0, "{err}");
    let compared = json(&out)["verdict"]["score_difference"].clone();
    assert_eq!(compared["mean"], found[0]["difference"], "{with}");
    let ends = |interval: &serde_json::Value| [&interval[0], &interval[1]].map(|end| end.as_f64().expect("a number"));
    let ([low, high], [looked_low, looked_high]) = (ends(&compared["interval"]), ends(&found[0]["interval"]));
    assert!(looked_low <= low && high <= looked_high && looked_high < 0.0, "a screening looks more than once: {with}");
    let (_, text, _) = run(place.path(), &arguments[..6]);
    assert!(
        text.contains("what would make it safer") && text.contains("lowers the band: tier-0-in-worst-trials holds it"),
        "{text}"
    );
    let (_, markdown, _) = run(place.path(), &[&arguments[..6], &["--format", "markdown"]].concat());
    assert!(markdown.contains("| what would make it safer | days |"), "{markdown}");
    let (_, out, _) = run(place.path(), &[&arguments[..], &["--no-mitigations"]].concat());
    let plain = json(&out);
    assert_eq!((&plain["mitigations"], plain.get("mitigation_search")), (&serde_json::json!([]), None));
    assert_eq!((&plain["verdict"], &plain["impact"]), (&result["verdict"], &result["impact"]));
}

/// The record of incidents moves P(fault), and no simulated number.
#[test]
fn a_component_with_many_incidents_is_the_riskier_one() {
    let place = super::place();
    write(place.path(), "change.yaml", "schema: shockfront/change/v1\nservices: [db]\nkind: code\nat: 2026-08-02T10:00:00Z\n");
    let with = |db: &str, ads: &str| {
        let topology = super::SHOP.replacen("{kind: datastore, ", &format!("{{kind: datastore, {db}"), 1);
        write(place.path(), "shop.yaml", &topology.replacen("{owner: team-ads, ", &format!("{{owner: team-ads, {ads}"), 1));
        let arguments =
            ["assess", "shop.yaml", "--change", "change.yaml", "--trials", "512", "--no-mitigations", "--format", "json"];
        let (code, out, err) = run(place.path(), &arguments);
        assert!(code < 2, "{err}");
        json(&out)
    };
    let factor = |result: &serde_json::Value| {
        let factors = result["fault_probability"]["factors"].as_array().cloned().unwrap_or_default();
        let found = factors.into_iter().find(|factor| factor["name"] == "incident_rate").expect("a factor");
        (found["odds_ratio"].as_f64().expect("a ratio"), found["because"].as_str().unwrap_or_default().to_owned())
    };
    let unknown = with("", "");
    assert!(factor(&unknown).1.starts_with("unknown"));
    // Six in 180 and 180 days: three are expected of each.
    let bad = with("incidents: {count: 6, over: 180d}, ", "incidents: {count: 0, over: 180d}, ");
    let (ratio, because) = factor(&bad);
    assert!((ratio - (0.6 * (8.0_f64 / 5.0).ln()).exp()).abs() < 1e-9, "{ratio}");
    assert!(because.starts_with("db had 6 incidents in 180d where the services with a record had 3.0: 1.60 times"), "{because}");
    let good = with("incidents: {count: 0, over: 180d}, ", "incidents: {count: 6, over: 180d}, ");
    let probability = |result: &serde_json::Value| result["fault_probability"]["mean"].as_f64().expect("P(fault)");
    assert!(probability(&good) < probability(&unknown) && probability(&unknown) < probability(&bad));
    for key in ["reach", "services", "journeys", "user_minutes"] {
        assert_eq!(unknown["impact"][key], bad["impact"][key], "{key}");
    }
}

#[test]
fn a_fallback_that_covers_half_is_named_as_the_reason() {
    let place = place();
    let path = place.path();
    let fallback = "kind: soft, fallback: {coverage: 0.5, tested: yes}";
    write(path, "shop.yaml", &SHOP.replace("to: db, kind: hard, probability: 0.8", &format!("to: db, {fallback}")));
    write(path, "change.yaml", "schema: shockfront/change/v1\ntitle: x\nservices: [db]\nat: 2026-08-14T15:00:00+02:00\n");
    let (_, text, err) = run(path, &["assess", "shop.yaml", "--change", "change.yaml", "--no-mitigations", "--trials", "512"]);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("because the fallback of shop for db covers 50 % of the requests"), "{text}{err}");
    assert!(text.contains("db → shop (100 %)"), "{text}");
}
