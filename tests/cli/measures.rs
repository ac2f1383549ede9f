//! What a result says beyond its figures: rare reach, sensitivities, what more facts would change, how it was asked.

use super::{json, place, run, write};
use std::path::Path;

/// One service that rarely harms anybody, with a bound and two ways out.
const QUIET: &str = "\
schema: shockfront/topology/v1
name: quiet
services: {lib: {}, a: {}, b: {}, web: {}}
dependencies:
  - {from: a, to: lib, kind: hard, probability: 0.01}
  - {from: b, to: lib, kind: hard, probability: 0.02, buffer: 5m}
  - {from: web, to: a, kind: hard, probability: 0.8}
  - {from: web, to: b, kind: hard, probability: 0.5}
";

fn simulate(place: &Path, topology: &str, more: &[&str]) -> String {
    let (code, out, err) = run(place, &[&["simulate", topology][..], more].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    out
}

#[test]
fn rare_reach_says_how_it_was_sampled() {
    let place = place();
    let place = place.path();
    write(place, "quiet.yaml", QUIET);
    let ask = |more: &[&str]| {
        simulate(place, "quiet.yaml", &[&["--fault", "crash@lib", "--static", "--trials", "4096"], more].concat())
    };
    let found = json(&ask(&["--format", "json"]));
    let factor = found["rare"]["p_leaves_source"].as_f64().expect("rare");
    assert!((factor - (1.0 - 0.99 * 0.98)).abs() < 1e-8, "{}", found["rare"]);
    let impaired = |found: &serde_json::Value, at: usize| {
        let ends = &found["services"][at]["impaired"]["interval"];
        (ends[0].as_f64().expect("low"), ends[1].as_f64().expect("high"))
    };
    let precise = json(&ask(&["--format", "json", "--precision", "1%"]));
    assert!(precise["rare"].is_object());
    let truth = json(&simulate(place, "quiet.yaml", &["--fault", "crash@lib", "--static", "--exact", "--format", "json"]));
    assert!(truth.get("rare").is_none());
    for at in 1..4 {
        let ((low, high), p) = (impaired(&found, at), truth["services"][at]["impaired"]["probability"].as_f64().expect("p"));
        assert!(low <= p && p <= high && high - low < 0.001, "{at}: {low} {p} {high}");
    }
    // Rows are those of ordinary trials, of which few leave; the result is the same.
    assert_eq!(found, json(&ask(&["--format", "json", "--trials-out", "rows.csv"])));
    let rows = std::fs::read_to_string(place.join("rows.csv")).expect("written");
    let left = rows.lines().skip(1).filter(|row| !row.ends_with(",1")).count();
    assert!(rows.lines().count() == 4_097 && left > 60 && left < 200, "{left}");
    // Parts add up to it, with rows or without.
    assert_eq!(ask(&["--shard", "0/2", "-o", "0.json"]), "");
    assert_eq!(ask(&["--shard", "1/2", "-o", "1.json", "--trials-out", "more.csv"]), "");
    assert_eq!(found, json(&run(place, &["merge", "0.json", "1.json", "--format", "json"]).1));
    insta::assert_snapshot!("rare_text", ask(&[]));
}

#[test]
fn sensitivities_name_what_carries_it() {
    let place = place();
    let ask = |more: &[&str]| {
        let asked = ["--fault", "crash@db", "--static", "--trials", "8192", "--sensitivity", "2"];
        simulate(place.path(), "shop.yaml", &[&asked, more].concat())
    };
    let found = json(&ask(&["--format", "json"]));
    let found = &found["sensitivities"];
    // One uncertain dependency, which takes two services with it; one that is certain.
    assert_eq!((&found["trials"], &found["certain"]), (&8_192.into(), &1.into()));
    let (derivative, largest) = (&found["dependencies"][0], &found["largest"][0]);
    assert_eq!((&derivative["from"], &derivative["to"], &derivative["kind"]), (&"shop".into(), &"db".into(), &"hard".into()));
    let near = |value: &serde_json::Value, truth: f64| {
        let ends = |at: usize| value["interval"][at].as_f64().expect("an end");
        assert!(ends(0) - 0.1 <= truth && truth <= ends(1) + 0.1, "{value} {truth}");
    };
    near(&derivative["derivative"], 2.0);
    near(&largest["birnbaum"], 2.0);
    near(&largest["reach_crossing"], 3.0);
    near(&largest["reach_cut"], 1.0);
    near(&largest["fussell_vesely"], 1.6 / 2.6);
    near(&largest["achievement_worth"], 3.0 / 2.6);
    let text = ask(&[]);
    insta::assert_snapshot!("sensitivity_text", text);
    assert!(ask(&["--format", "markdown"]).contains("What carries it"));
    assert!(derivative.get("expected_variance_reduction").is_none() && !text.contains("teaches"), "a plain number is known");
    for wrong in [&["--sensitivity", "2"][..], &["--static", "--exact", "--sensitivity", "2"]] {
        let (code, _, err) = run(place.path(), &[&["simulate", "shop.yaml", "--fault", "crash@db"], wrong].concat());
        assert!(code == 2 && err.contains("--"), "{err}");
    }
}

#[test]
fn sensitivities_name_what_to_try_on_a_game_day() {
    let place = place();
    let place = place.path();
    write(place, "beliefs.yaml", &super::SHOP.replace(", probability: 0.8", ", probability: {mean: 0.6, strength: 4}"));
    let ask = |more: &[&str]| {
        let asked = ["--fault", "crash@db", "--static", "--trials", "8192", "--sensitivity", "2"];
        simulate(place, "beliefs.yaml", &[&asked, more].concat())
    };
    let found = json(&ask(&["--format", "json"]));
    let removed = &found["sensitivities"]["dependencies"][0]["expected_variance_reduction"];
    // Two services hang on it: 2² · 0.24/5 · 1/5.
    let (low, high) = (removed["interval"][0].as_f64().expect("low"), removed["interval"][1].as_f64().expect("high"));
    assert!(low < 0.0384 && 0.0384 < high && high - low < 0.002, "{removed}");
    let text = ask(&[]);
    let from = text.find("What one game-day run teaches").expect("the section");
    insta::assert_snapshot!("game_day_text", text[from..].split("\n\n").next().expect("a part"));
    assert!(ask(&["--format", "markdown"]).contains("What one game-day run teaches"));
}

#[test]
fn more_facts_are_worth_something() {
    let place = place();
    let place = place.path();
    write(place, "beliefs.yaml", &super::SHOP.replace(", probability: 0.8", ", probability: {mean: 0.6, strength: 4}"));
    let ask = |more: &[&str]| {
        let asked = ["--fault", "crash@db", "--trials", "1024", "--uncertainty", "20"];
        simulate(place, "beliefs.yaml", &[&asked, more].concat())
    };
    let found = json(&ask(&["--format", "json"]));
    let uncertainty = &found["uncertainty"];
    assert_eq!((&uncertainty["replicates"], &uncertainty["dependencies"]), (&20.into(), &1.into()));
    assert_eq!(uncertainty["reducible_share"], uncertainty["user_minutes"]["reducible_share"]["mean"]);
    // Reach is 1 + 2X with X Bernoulli(θ), θ Beta(2.4, 1.6): Var(θ)/(θ̄(1 − θ̄)) = 1/(strength + 1) = 0.2.
    let share = uncertainty["reach"]["reducible_share"]["mean"].as_f64().expect("a share");
    assert!((share - 0.2).abs() < 0.03, "{share}");
    let range = &uncertainty["reach"]["range"];
    assert!(range[0].as_f64().expect("low") < 2.2 && range[1].as_f64().expect("high") > 2.2, "{range}");
    let static_only = json(&ask(&["--static", "--format", "json"]));
    assert!(static_only["uncertainty"].get("user_minutes").is_none());
    insta::assert_snapshot!("uncertainty_text", ask(&[]));
    insta::assert_snapshot!("uncertainty_markdown", ask(&["--format", "markdown"]));
    assert_eq!(run(place, &["simulate", "beliefs.yaml", "--fault", "crash@db", "--uncertainty", "1"]).0, 2);
    // A verdict says the same of its impact.
    write(place, "change.yaml", "schema: shockfront/change/v1\nservices: [db]\nkind: code\n");
    let assess = |more: &[&str]| {
        let (code, out, err) = run(
            place,
            &[&["assess", "beliefs.yaml", "--change", "change.yaml", "--advisory", "--trials", "2048"], more].concat(),
        );
        assert_eq!((code, err.as_str()), (0, ""));
        out
    };
    let assessed = json(&assess(&["--uncertainty", "12", "--format", "json"]));
    assert_eq!(assessed["impact"]["uncertainty"]["replicates"], 12);
    let plain = json(&assess(&["--format", "json"]));
    assert!(plain["impact"].get("uncertainty").is_none());
    assert_eq!(plain["verdict"], assessed["verdict"], "what is not known changes no verdict");
    for format in ["text", "markdown"] {
        let page = assess(&["--uncertainty", "12", "--format", format]);
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(page.contains("facts about them would remove"), "{page}");
    }
}

#[test]
fn rankings_are_as_precise_as_asked_and_write_their_trials() {
    let place = place();
    let place = place.path();
    let rank = |more: &[&str]| {
        let (code, out, err) = run(place, &[&["rank", "shop.yaml", "--format", "json"], more].concat());
        assert_eq!((code, err.as_str()), (0, ""));
        json(&out)
    };
    for mode in [&["--static"][..], &[]] {
        let found = rank(&[mode, &["--precision", "4%", "--trials", "200000"]].concat());
        let trials = found["inputs"]["trials"].as_u64().expect("a number");
        assert_eq!(found["precision"]["is_reached"], true, "{mode:?}");
        // User-minutes vary more than reach.
        assert_eq!(trials, if mode.is_empty() { 32_768 } else { 8_192 });
        for service in found["services"].as_array().expect("a list") {
            let (mean, high) = (service["reach"]["mean"].as_f64(), service["reach"]["interval"][1].as_f64());
            assert!(high.expect("known") / mean.expect("known") - 1.0 < 0.04, "{service}");
        }
        assert_eq!(found["precision"].get("user_minutes").is_some(), mode.is_empty());
    }
    let missed = rank(&["--precision", "0.0001", "--trials", "9000", "--static"]);
    assert_eq!((&missed["inputs"]["trials"], &missed["precision"]["is_reached"]), (&9_000.into(), &false.into()));
    assert!(missed["limits"].to_string().contains("too few for the precision of every service"), "{}", missed["limits"]);
    // Rows add up to the means, and change nothing.
    for mode in [&["--static"][..], &[]] {
        let asked = [mode, &["--trials", "1000"]].concat();
        let plain = rank(&asked);
        assert_eq!(plain, rank(&[&asked[..], &["--trials-out", "rows.csv"]].concat()));
        let rows = std::fs::read_to_string(place.join("rows.csv")).expect("written");
        let lines: Vec<Vec<&str>> = rows.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!((lines[0][..3].to_vec(), lines.len()), (vec!["service", "trial", "reach"], 4_001));
        for service in plain["services"].as_array().expect("a list") {
            let own = lines.iter().filter(|line| service["name"] == line[0]);
            let sum: u64 = own.map(|line| line[2].parse::<u64>().expect("a number")).sum();
            assert_eq!(service["reach"]["mean"].as_f64(), Some(sum as f64 / 1_000.0));
        }
    }
    assert_eq!(run(place, &["rank", "shop.yaml", "--precision", "1%", "--trials-out", "rows.csv"]).0, 2);
}

#[test]
fn inputs_say_how_people_answer_and_the_worst_has_an_interval() {
    let place = place();
    let ask = |more: &[&str]| {
        json(&simulate(place.path(), "shop.yaml", &[&["--fault", "crash@db,repair=10m/60m", "--format", "json"], more].concat()))
    };
    let plain = ask(&[]);
    assert!(plain["inputs"].get("responders").is_none() && plain["inputs"].get("symptom_detection").is_none());
    let asked = ask(&["--responders", "2", "--symptom-detection"]);
    assert_eq!((&asked["inputs"]["responders"], &asked["inputs"]["symptom_detection"]), (&2.into(), &true.into()));
    let lost = &ask(&[])["user_minutes"];
    let ends = |at: usize| lost["es95_interval"][at].as_f64().expect("an end");
    let worst = lost["es95"].as_f64().expect("known");
    assert!(ends(0) < worst && worst < ends(1) && ends(1) - ends(0) < worst, "{lost}");
    assert!(ask(&["--trials", "10"])["user_minutes"]["es95_interval"].is_null());
    let text = simulate(place.path(), "shop.yaml", &["--fault", "crash@db,repair=10m/60m", "--trials", "2048"]);
    assert!(text.contains(") in the worst 5 %"), "{text}");
}

#[test]
fn a_series_says_who_is_impaired_when() {
    let place = place();
    let place = place.path();
    let topology = "\
schema: shockfront/topology/v1
name: shop
services: {db: {}, app: {}, web: {}, island: {}}
dependencies:
  - {from: app, to: db, kind: hard, probability: 1, buffer: 10m}
  - {from: web, to: app, kind: hard, probability: 1, buffer: 1h}
";
    write(place, "shop.yaml", topology);
    let fault = ["--fault", "crash@db,at=30s,detect=0m,repair=45m,cold_start=0m", "--trials", "64", "--series"];
    let found = json(&simulate(place, "shop.yaml", &[&fault[..], &["--format", "json"]].concat()));
    assert_eq!(found["series"]["bucket_minutes"], 1.0);
    let services = found["series"]["services"].as_array().expect("services");
    // From 0:30 to 45:30, and from 10:30; nobody else is ever impaired.
    let expected = [("db", 0..46), ("app", 10..46)];
    assert_eq!(services.len(), expected.len());
    for ((name, minutes), service) in expected.into_iter().zip(services) {
        assert_eq!(service["name"], name);
        let shares: Vec<f64> = (0..46).map(|minute| f64::from(u8::from(minutes.contains(&minute)))).collect();
        assert_eq!(service["impaired"], serde_json::json!(shares), "{name}");
        assert_eq!(service["low"].as_array().map(Vec::len), Some(46));
    }
    let (code, out, err) = run(place, &[&["simulate", "shop.yaml"][..], &fault].concat());
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("--format json"), "{err}");
    // All worlds say the same without an interval; what is random is named.
    let exact = |fault: &str| run(place, &["simulate", "shop.yaml", "--fault", fault, "--exact", "--series", "--format", "json"]);
    let (code, out, _) = exact(fault[1]);
    let exactly = &json(&out)["series"];
    assert_eq!(code, 0);
    for (service, sampled) in exactly["services"].as_array().expect("services").iter().zip(services) {
        assert_eq!((&service["name"], &service["impaired"]), (&sampled["name"], &sampled["impaired"]));
        assert_eq!((&service["low"], &service["high"]), (&service["impaired"], &service["impaired"]));
    }
    let (code, out, err) = exact("crash@db,detect=0m,repair=45m/4h");
    assert!(code == 2 && out.is_empty() && err.contains("this is random: time to repair of crash@db"), "{err}");
}

/// Two faults that leave a service failing, then wrong, then down.
#[test]
fn a_result_says_how_long_in_which_state() {
    let place = place();
    let faults = [
        "error_rate@db,rate=0.3,detect=0m,repair=30m",
        "corrupt_output@db,wrong=0.5,at=20m,detect=0m,repair=40m,unwind=0m",
        "crash@db,at=50m,detect=0m,repair=20m,cold_start=0m",
    ];
    let asked: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
    let found = json(&simulate(place.path(), "shop.yaml", &[&asked[..], &["--exact", "--format", "json"]].concat()));
    let services = found["services"].as_array().expect("services");
    let db = services.iter().find(|service| service["name"] == "db").expect("db");
    let minutes = |mean: f64| serde_json::json!({"mean": mean, "interval": [mean, mean]});
    let expected = serde_json::json!({"degraded": minutes(20.0), "down": minutes(20.0), "corrupt": minutes(40.0)});
    assert_eq!(db["state_minutes"], expected);
    assert_eq!(db["impaired_time"]["mean"], 70.0);
    let buy = &found["journeys"][0];
    for (name, p) in [("impaired", 0.8), ("down", 0.8)] {
        assert!((buy[name]["probability"].as_f64().expect("a number") - p).abs() < 1e-12, "{buy}");
    }
    assert_eq!(buy["onset"]["p50"], 0.0);
    let still = json(&simulate(place.path(), "shop.yaml", &["--fault", "crash@db", "--static", "--format", "json"]));
    assert!(still["services"][0].get("state_minutes").is_none());
}

/// What a solver does not answer is called unknown, not left out.
#[test]
fn who_is_starved_is_known_or_said_to_be_unknown() {
    let place = place();
    let place = place.path();
    let (mut services, mut dependencies) = ("shared: {}, top: {}".to_owned(), String::new());
    for at in 0..30 {
        services.push_str(&format!(", c{at}: {{}}"));
        dependencies.push_str(&format!("  - {{from: c{at}, to: top, kind: hard, probability: 0.5}}\n"));
        dependencies.push_str(&format!("  - {{from: c{at}, to: shared, kind: hard, probability: 0}}\n"));
    }
    let topology = format!("schema: shockfront/topology/v1\nname: wide\nservices: {{{services}}}\ndependencies:\n{dependencies}");
    write(place, "wide.yaml", &topology);
    let ask = |more: &[&str]| simulate(place, "wide.yaml", &[&["--fault", "crash@top", "--static"], more].concat());
    let exact = json(&ask(&["--exact", "--format", "json"]));
    assert_eq!(exact["inputs"]["solver"], "factoring");
    assert!(exact["services"][0].get("starved").is_none());
    let unknown = "(`starved`) is unknown: the factoring solver does not follow it";
    assert!(exact["limits"].to_string().contains(unknown), "{}", exact["limits"]);
    for format in ["text", "markdown"] {
        let page = ask(&["--exact", "--format", format]).replace("\n    ", " ");
        assert!(page.contains("is unknown: the factoring solver does not follow it"), "{page}");
    }
    let sampled = json(&ask(&["--format", "json"]));
    assert!(!sampled["limits"].to_string().contains("is unknown: the"));
    assert!(sampled["services"][0]["starved"]["probability"].as_f64().is_some_and(|p| p > 0.99), "{}", sampled["services"][0]);
}
