//! A journey whose traffic nobody states loses an unknown number of user-minutes, never none.

use super::{SHOP, json, place, run, write};
use serde_json::Value;
use std::path::Path;

const TRIALS: [&str; 2] = ["--trials", "512"];
const KNOWN: &str = "buy: {needs: [web], users_per_minute: 100, slo: 99.9}";

fn topology(directory: &Path, journeys: &str) {
    write(directory, "shop.yaml", &SHOP.replace(KNOWN, journeys));
}

fn ask(directory: &Path, arguments: &[&str]) -> (String, Value) {
    let trials = if arguments.contains(&"--exact") { &[][..] } else { &TRIALS };
    let (code, text, err) = run(directory, &[arguments, trials].concat());
    assert!(code < 2, "{err}");
    let (_, out, _) = run(directory, &[arguments, trials, &["--format", "json"]].concat());
    // However wide the columns are.
    (text.split_whitespace().collect::<Vec<_>>().join(" "), json(&out))
}

#[test]
fn what_users_lose_is_unknown_where_no_journey_states_its_traffic() {
    let place = place();
    let path = place.path();
    topology(path, "buy: {needs: [web], slo: 99.9}");
    let (text, result) = ask(path, &["simulate", "shop.yaml", "--fault", "crash@db"]);
    assert!(text.contains("lost not known: no journey states its `users_per_minute`"), "{text}");
    assert!(text.contains("no traffic stated"), "{text}");
    assert!(result.get("user_minutes").is_none(), "{}", result["user_minutes"]);
    let buy = &result["journeys"][0];
    for key in ["user_minutes", "user_minute_bounds", "integrity_minutes"] {
        assert_eq!(buy.get(key), Some(&Value::Null), "{key}");
    }
    assert!(buy["downtime"]["mean"].as_f64().is_some_and(|minutes| minutes > 0.0), "times are known");

    let (text, result) = ask(path, &["rank", "shop.yaml"]);
    assert!(!text.contains("user-minutes"), "{text}");
    assert!(result["services"][0].get("user_minutes").is_none(), "{}", result["services"][0]);

    let (text, result) = ask(path, &["compare", "shop.yaml", "--fault", "crash@db", "--with", "buffer:shop->db=10m"]);
    assert!(text.contains("user-minutes lost no traffic stated no traffic stated not comparable"), "{text}");
    assert_eq!((result.get("user_minutes"), result.get("user_minutes_ratio")), (None, None));
    assert_eq!(result["journeys"][0]["user_minutes"], Value::Null);

    write(path, "change.yaml", "schema: shockfront/change/v1\ntitle: x\nservices: [db]\nat: 2026-08-14T15:00:00+02:00\n");
    let (text, result) = ask(path, &["assess", "shop.yaml", "--change", "change.yaml", "--no-mitigations"]);
    assert!(text.contains("expected loss not known: no journey states its `users_per_minute`"), "{text}");
    assert!(text.contains("error budget): not known: no journey states its traffic and its objective"), "{text}");
    for key in ["breach_probability", "breach_interval", "expected_user_minutes", "expected_user_minutes_interval"] {
        assert_eq!(result.get(key), Some(&Value::Null), "{key}");
    }
    assert_eq!(result["journeys"][0]["expected_user_minutes"], Value::Null);
    assert_eq!(result["verdict"]["gate"], "not_assessed");
    // How it reaches the journey is known all the same.
    assert!(result["explanation"]["cut_sets"].to_string().contains("buy"), "{}", result["explanation"]);
}

#[test]
fn a_journey_without_traffic_is_named_beside_those_that_are_counted() {
    let place = place();
    let path = place.path();
    topology(path, &format!("{KNOWN}\n  look: {{needs: [web]}}"));
    let (text, result) = ask(path, &["simulate", "shop.yaml", "--fault", "crash@db"]);
    assert!(text.contains("not counted: look, which states no traffic"), "{text}");
    assert!(result["user_minutes"]["mean"].as_f64().is_some_and(|lost| lost > 0.0));
    assert!(result["journeys"][0]["user_minutes"]["mean"].is_number());
    assert_eq!(result["journeys"][1]["user_minutes"], Value::Null);
    topology(path, &format!("{KNOWN}\n  look: {{needs: [web]}}\n  read: {{needs: [web]}}"));
    let (text, _) = ask(path, &["simulate", "shop.yaml", "--fault", "crash@db"]);
    assert!(text.contains("not counted: 2 of 3 journeys, which state no traffic"), "{text}");
    let words = "user-minutes, not counted: 2 of 3 journeys, which state no traffic";
    let (text, _) = ask(path, &["compare", "shop.yaml", "--fault", "crash@db", "--with", "buffer:shop->db=10m"]);
    assert!(text.contains(words), "{text}");
    let (text, _) = ask(path, &["rank", "shop.yaml"]);
    assert!(text.to_lowercase().contains(words), "{text}");
    // No users at all are a fact.
    topology(path, "buy: {needs: [web], users_per_minute: 0}");
    let (text, result) = ask(path, &["simulate", "shop.yaml", "--fault", "crash@db"]);
    assert!(text.contains("lost 0 user-minutes"), "{text}");
    assert_eq!(result["user_minutes"]["mean"], 0.0);
}

#[test]
fn nothing_is_expected_of_a_change_that_was_not_simulated() {
    let place = place();
    let path = place.path();
    write(path, "change.yaml", "schema: shockfront/change/v1\ntitle: x\nservices: []\nat: 2026-08-14T15:00:00+02:00\n");
    let (text, result) = ask(path, &["assess", "shop.yaml", "--change", "change.yaml"]);
    assert!(text.contains("expected loss not simulated"), "{text}");
    assert_eq!((&result["impact"], &result["breach_probability"]), (&Value::Null, &Value::Null));
    assert_eq!((&result["expected_user_minutes"], &result["journeys"][0]["expected_user_minutes"]), (&Value::Null, &Value::Null));
}

#[test]
fn stating_traffic_is_not_a_loss() {
    let place = place();
    let path = place.path();
    write(path, "known.yaml", &SHOP.replace(KNOWN, &format!("{KNOWN}\n  look: {{needs: [web], users_per_minute: 50}}")));
    for journeys in ["buy: {needs: [web]}\n  look: {needs: [web]}", &format!("{KNOWN}\n  look: {{needs: [web]}}")] {
        topology(path, journeys);
        for method in [&["--exact"][..], &[]] {
            let faults = ["compare", "shop.yaml", "--against", "known.yaml", "--fault", "crash@db,detect=1m,repair=9m"];
            let (text, result) = ask(path, &[&faults[..], method].concat());
            assert!(text.contains("not comparable") && !text.contains("gets worse"), "{text}");
            assert_eq!((result.get("user_minutes"), &result["without_effect"]), (None, &Value::Bool(true)), "{text}");
            assert!(result.get("differing").is_none_or(|share| share["mean"] == 0.0), "{}", result["differing"]);
            assert_eq!(result["journeys"][1]["user_minutes"], Value::Null);
        }
    }
    // A journey that is new is one more to lose.
    topology(path, KNOWN);
    let (text, result) =
        ask(path, &["compare", "shop.yaml", "--against", "known.yaml", "--fault", "crash@db,detect=1m,repair=9m"]);
    assert!(result["user_minutes"]["difference"]["mean"].as_f64().is_some_and(|more| more > 0.0), "{text}");
}
