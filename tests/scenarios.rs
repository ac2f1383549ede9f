//! The incident scenarios in `topologies/`: every figure of their `expected.toml` that the simulator computes, and the direction
//! of every what-if, through the binary.
//!
//! A figure names the field of the result, the value and how near it must come: `4 SE` (four standard errors of the sampled
//! mean), `2 %` or `1e-9` relative. Fixed seed, so a run either passes always or never.

use assert_cmd::Command;
use serde_json::Value;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

const TRIALS: &str = "65536";

#[derive(Default)]
struct Runs(HashMap<Vec<String>, Value>);

impl Runs {
    /// The JSON result of a simulation, each made once.
    fn get(&mut self, folder: &Path, topology: &str, fault: &str, options: &[String]) -> &Value {
        let path = |file: &str| folder.join(file).display().to_string();
        let mut arguments = vec!["simulate".to_owned(), path(topology), "--fault-file".to_owned(), path(fault)];
        arguments.extend(["--format", "json", "--seed", "1"].map(str::to_owned));
        if !options.iter().any(|option| option == "--exact") {
            arguments.extend(["--trials".to_owned(), TRIALS.to_owned()]);
        }
        arguments.extend(options.iter().cloned());
        self.0.entry(arguments.clone()).or_insert_with(|| {
            let output = Command::cargo_bin("shockfront").expect("built").args(&arguments).output().expect("runs");
            assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice(&output.stdout).expect("JSON")
        })
    }
}

/// `services.checkout.downtime.mean`: lists are entered by name.
fn field<'a>(result: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(result, |value, step| match value {
        Value::Array(items) => items.iter().find(|item| item["name"] == step).unwrap_or_else(|| panic!("{path}: no {step}")),
        _ => &value[step],
    })
}

fn check_figure(result: &Value, figure: &toml::Value, place: &str) {
    let (path, expected) = (figure["field"].as_str().expect("field"), number(&figure["value"]));
    let found = field(result, path).as_f64().unwrap_or_else(|| panic!("{place}: no number at {path}"));
    let parent = field(result, path.rsplit_once('.').map_or(path, |(parent, _)| parent));
    let tolerance = match figure["within"].as_str().expect("within") {
        "2 %" => 0.02 * expected.abs(),
        // As many as are printed.
        "6 digits" => 1e-6 * expected.abs().max(1.0),
        "1e-9" => 1e-9 * expected.abs() + 1e-12,
        "4 SE" => {
            let end = |at: usize| parent["interval"][at].as_f64().expect("interval");
            // A 95 % interval is four standard errors wide.
            (end(1) - end(0)).max(1e-9 * expected.abs() + 1e-12)
        }
        other => panic!("{place}: unknown tolerance {other}"),
    };
    assert!((found - expected).abs() <= tolerance, "{place}: {path} is {found}, expected {expected} ± {tolerance}");
}

fn number(value: &toml::Value) -> f64 {
    value.as_float().or(value.as_integer().map(|whole| whole as f64)).expect("a number")
}

fn options(table: &toml::Value) -> Vec<String> {
    let list = table.get("options").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    list.iter().map(|option| option.as_str().expect("option").to_owned()).collect()
}

fn check_scenario(name: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("topologies").join(name);
    let text = std::fs::read_to_string(folder.join("expected.toml")).expect("expected.toml");
    let expected: toml::Value = toml::from_str(&text).expect("TOML");
    let (mut runs, mut checked) = (Runs::default(), 0);
    let list = |key: &str| expected.get(key).and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let text_of = |table: &toml::Value, key: &str| table[key].as_str().expect(key).to_owned();
    for figure in list("figure").iter().filter(|figure| figure["check"].as_str() == Some("simulate")) {
        let place = format!("{name}: {}", text_of(figure, "id"));
        let result = runs.get(&folder, &text_of(figure, "topology"), &text_of(figure, "fault"), &options(figure));
        check_figure(result, figure, &place);
        checked += 1;
    }
    for direction in list("direction").iter().filter(|direction| direction["command"].as_str() == Some("simulate")) {
        let path = text_of(direction, "field");
        let mut value = |side: &str| {
            let side = &direction[side];
            let mut options = options(direction);
            options.extend(self::options(side));
            let result = runs.get(&folder, &text_of(side, "topology"), &text_of(side, "fault"), &options);
            field(result, &path).as_f64().unwrap_or_else(|| panic!("{name}: no number at {path}"))
        };
        let (base, what_if) = (value("base"), value("what_if"));
        let place = text_of(direction, "id");
        match direction["expect"].as_str().expect("expect") {
            "lower" => assert!(what_if < base, "{name}: {place}: {what_if} is not below {base}"),
            "higher" => assert!(what_if > base, "{name}: {place}: {what_if} is not above {base}"),
            "equal" | "unchanged" | "same" => {
                assert!((what_if - base).abs() <= 1e-9 * base.abs(), "{name}: {place}: {what_if} {base}")
            }
            other => panic!("{name}: {place}: unknown direction {other}"),
        }
        checked += 1;
    }
    assert!(checked > 0, "{name}: nothing to check");
}

#[test]
fn six_hour_checkout() {
    check_scenario("six-hour-checkout");
}

#[test]
fn delete_and_recreate() {
    check_scenario("delete-and-recreate");
}

#[test]
fn stale_wiki_advice() {
    check_scenario("stale-wiki-advice");
}

#[test]
fn bad_recommendations() {
    check_scenario("bad-recommendations");
}

#[test]
fn poisoned_loop() {
    check_scenario("poisoned-loop");
}

#[test]
fn false_all_clear() {
    check_scenario("false-all-clear");
}

/// Means within 0.5 % of the closed form, medians within 2 % of the published figures, at 400,000 trials.
#[test]
fn outages_last_as_long_as_reported() {
    let topologies = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("topologies");
    let mut runs = Runs::default();
    let many = ["--trials".to_owned(), "400000".to_owned()];
    for (name, path, mean, median) in [
        ("six-hour-checkout", "journeys.checkout.downtime", 395.378_007, 358.0),
        ("delete-and-recreate", "services.cost-calc.downtime", 844.153_203, 13.1 * 60.0),
    ] {
        let output = Command::cargo_bin("shockfront")
            .expect("built")
            .args(["simulate", "--format", "json", "--seed", "2"])
            .args(&many)
            .arg(topologies.join(name).join("topology.yaml"))
            .arg("--fault-file")
            .arg(topologies.join(name).join("fault.yaml"))
            .output()
            .expect("runs");
        let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let found = |what: &str| field(&result, &format!("{path}.{what}")).as_f64().expect("number");
        assert!((found("mean") / mean - 1.0).abs() < 0.005, "{name}: mean {}", found("mean"));
        assert!((found("p50") / median - 1.0).abs() < 0.02, "{name}: median {}", found("p50"));
    }
    // Long downtime, tiny reach.
    let result = runs.get(&topologies.join("delete-and-recreate"), "topology.yaml", "fault.yaml", &[]);
    assert!(field(result, "reach.mean").as_f64().expect("reach") < 1.5);
    assert!(field(result, "services").as_array().expect("services").len() > 20);
}
