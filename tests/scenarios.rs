//! The incident scenarios in `topologies/`: every figure of their `expected.toml`, the direction of every what-if and every floor.
//! What the simulator computes comes through the binary, what follows from a formula alone from `scenarios/arithmetic.rs`.
//!
//! A figure names the field of the result, the value and how near it must come: `4 SE` (four standard errors of the sampled
//! mean), `2 %`, `6 digits` or `1e-9` relative. Fixed seed, so a run either passes always or never.

#[path = "scenarios/arithmetic.rs"]
mod arithmetic;

use assert_cmd::Command;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

const TRIALS: &str = "65536";
/// Of an assessment: one look, so that it does not depend on P(fault) how soon a run stops.
const ASSESS_TRIALS: &str = "8192";

#[derive(Default)]
struct Runs(HashMap<Vec<String>, Value>);

impl Runs {
    /// The JSON result of a simulation, each made once.
    fn simulated(&mut self, folder: &Path, (topology, fault): (&str, &str), options: &[String]) -> &Value {
        let mut arguments = vec!["simulate".to_owned(), file(folder, topology), "--fault-file".to_owned(), file(folder, fault)];
        if !options.iter().any(|option| option == "--exact") {
            arguments.extend(["--trials", TRIALS].map(str::to_owned));
        }
        arguments.extend(options.iter().cloned());
        self.get(arguments)
    }

    /// The JSON result of an assessment, each made once. Whether the gate passes does not matter here.
    fn assessed(&mut self, folder: &Path, (topology, change): (&str, &str), options: &[String]) -> &Value {
        let mut arguments = vec!["assess".to_owned(), file(folder, topology), "--change".to_owned(), file(folder, change)];
        arguments.extend(["--no-mitigations", "--advisory"].map(str::to_owned));
        if !options.iter().any(|option| option == "--trials") {
            arguments.extend(["--trials", ASSESS_TRIALS].map(str::to_owned));
        }
        arguments.extend(options.iter().cloned());
        self.get(arguments)
    }

    fn get(&mut self, mut arguments: Vec<String>) -> &Value {
        arguments.extend(["--format", "json", "--seed", "1"].map(str::to_owned));
        self.0.entry(arguments.clone()).or_insert_with(|| {
            let output = Command::cargo_bin("shockfront").expect("built").args(&arguments).output().expect("runs");
            assert!(output.status.success(), "{arguments:?}\n{}", String::from_utf8_lossy(&output.stderr));
            serde_json::from_slice(&output.stdout).expect("JSON")
        })
    }
}

fn file(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

fn folder(scenario: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("topologies").join(scenario)
}

/// `services.checkout.downtime.mean`: lists are entered by name.
fn field<'a>(result: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(result, |value, step| match value {
        Value::Array(items) => items.iter().find(|item| item["name"] == step).unwrap_or_else(|| panic!("{path}: no {step}")),
        _ => &value[step],
    })
}

fn check_figure(result: &Value, figure: &toml::Value, place: &str) {
    let path = text(figure, "field");
    let found = field(result, path).as_f64().unwrap_or_else(|| panic!("{place}: no number at {path}"));
    let parent = field(result, path.rsplit_once('.').map_or(path, |(parent, _)| parent));
    let tolerance = match text(figure, "within") {
        "4 SE" => {
            let end = |at: usize| parent["interval"][at].as_f64().expect("interval");
            // A 95 % interval is four standard errors wide.
            (end(1) - end(0)).max(1e-9 * number(&figure["value"]).abs() + 1e-12)
        }
        _ => tolerance(figure, place),
    };
    check_near(found, number(&figure["value"]), tolerance, &format!("{place}: {path}"));
}

/// What the file allows a figure that is computed and not drawn.
fn tolerance(figure: &toml::Value, place: &str) -> f64 {
    let expected = number(&figure["value"]).abs();
    match text(figure, "within") {
        "2 %" => 0.02 * expected,
        // Half a unit of the sixth digit, and a little for the digits of the computation.
        "6 digits" => 0.5001 * 10_f64.powf(expected.log10().floor() - 5.0),
        "1e-9" => 1e-9 * expected + 1e-12,
        other => panic!("{place}: unknown tolerance {other}"),
    }
}

fn check_near(found: f64, expected: f64, tolerance: f64, place: &str) {
    assert!((found - expected).abs() <= tolerance, "{place} is {found}, expected {expected} ± {tolerance}");
}

/// A figure that follows from a formula: wherever it may lie, it must be near.
fn check_arithmetic(scenario: &str, figure: &toml::Value, place: &str) {
    let computed = arithmetic::value(scenario, text(figure, "id")).unwrap_or_else(|| panic!("{place}: nobody computes it"));
    for found in [computed.low, computed.high] {
        check_near(found, number(&figure["value"]), tolerance(figure, place), place);
    }
}

fn text<'a>(table: &'a toml::Value, key: &str) -> &'a str {
    table.get(key).and_then(toml::Value::as_str).unwrap_or_else(|| panic!("no text {key} in {table}"))
}

fn number(value: &toml::Value) -> f64 {
    value.as_float().or(value.as_integer().map(|whole| whole as f64)).expect("a number")
}

fn options(table: &toml::Value) -> Vec<String> {
    let list = table.get("options").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    list.iter().map(|option| option.as_str().expect("option").to_owned()).collect()
}

fn expected(scenario: &str) -> toml::Value {
    let text = std::fs::read_to_string(folder(scenario).join("expected.toml")).expect("expected.toml");
    toml::from_str(&text).expect("TOML")
}

fn list<'a>(expected: &'a toml::Value, key: &str) -> &'a [toml::Value] {
    expected.get(key).and_then(toml::Value::as_array).map_or(&[], Vec::as_slice)
}

fn check_scenario(name: &str) {
    let (folder, expected, mut runs) = (folder(name), expected(name), Runs::default());
    let mut seen = BTreeSet::new();
    for one in list(&expected, "figure").iter().chain(list(&expected, "direction")) {
        assert!(seen.insert(text(one, "id").to_owned()), "{name}: two of the name {}", text(one, "id"));
    }
    for figure in list(&expected, "figure") {
        let place = format!("{name}: {}", text(figure, "id"));
        match text(figure, "check") {
            "arithmetic" => check_arithmetic(name, figure, &place),
            "simulate" => {
                let asked = (text(figure, "topology"), text(figure, "fault"));
                check_figure(runs.simulated(&folder, asked, &options(figure)), figure, &place);
            }
            "assess" => {
                let asked = (text(figure, "topology"), text(figure, "change"));
                check_figure(runs.assessed(&folder, asked, &options(figure)), figure, &place);
            }
            other => panic!("{place}: nobody knows how to check `{other}`"),
        }
    }
    for direction in list(&expected, "direction") {
        check_direction(&mut runs, &folder, direction, &format!("{name}: {}", text(direction, "id")));
    }
    for floor in list(&expected, "floor") {
        check_floor(&mut runs, &folder, floor, name);
    }
    assert!(!seen.is_empty(), "{name}: nothing to check");
}

fn check_direction(runs: &mut Runs, folder: &Path, direction: &toml::Value, place: &str) {
    let path = text(direction, "field");
    let mut value = |side: &str| {
        let side = &direction[side];
        let mut options = options(direction);
        options.extend(self::options(side));
        let result = match text(direction, "command") {
            "simulate" => runs.simulated(folder, (text(side, "topology"), text(side, "fault")), &options),
            "assess" => runs.assessed(folder, (text(side, "topology"), text(side, "change")), &options),
            other => panic!("{place}: unknown command {other}"),
        };
        field(result, path).as_f64().unwrap_or_else(|| panic!("{place}: no number at {path}"))
    };
    let (base, what_if) = (value("base"), value("what_if"));
    match text(direction, "expect") {
        "lower" => assert!(what_if < base, "{place}: {what_if} is not below {base}"),
        "higher" => assert!(what_if > base, "{place}: {what_if} is not above {base}"),
        // The same trials: digit for digit, and not both nothing.
        "equal" => assert!(what_if == base && base > 0.0, "{place}: {what_if} is not {base}"),
        other => panic!("{place}: unknown direction {other}"),
    }
}

/// A rule that raises the band whatever the score says.
fn check_floor(runs: &mut Runs, folder: &Path, floor: &toml::Value, place: &str) {
    let result = runs.assessed(folder, ("topology.yaml", text(floor, "change")), &[]);
    let floors = result["floors"].as_array().expect("floors");
    let found = floors.iter().find(|found| found["rule"] == text(floor, "rule"));
    let found = found.unwrap_or_else(|| panic!("{place}: {} does not fire, only {floors:?}", text(floor, "rule")));
    assert_eq!(found["raises_to"], text(floor, "raises_to"), "{place}");
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

#[test]
fn four_in_a_week() {
    check_scenario("four-in-a-week");
}

/// A scenario that nobody checks would be a promise without a test.
#[test]
fn every_scenario_has_a_test() {
    let all = std::fs::read_dir(folder("")).expect("topologies").map(|entry| entry.expect("entry").path());
    let source = include_str!("scenarios.rs");
    for folder in all.filter(|folder| folder.join("expected.toml").exists()) {
        let name = folder.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        assert!(source.contains(&format!("check_scenario(\"{name}\")")), "{name} has no test");
    }
}

/// Means within 0.5 % of the closed form, medians within 2 % of the published figures, at 400,000 trials.
#[test]
fn outages_last_as_long_as_reported() {
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
            .arg(folder(name).join("topology.yaml"))
            .arg("--fault-file")
            .arg(folder(name).join("fault.yaml"))
            .output()
            .expect("runs");
        let result: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let found = |what: &str| field(&result, &format!("{path}.{what}")).as_f64().expect("number");
        assert!((found("mean") / mean - 1.0).abs() < 0.005, "{name}: mean {}", found("mean"));
        assert!((found("p50") / median - 1.0).abs() < 0.02, "{name}: median {}", found("p50"));
    }
    // Long downtime, tiny reach.
    let result = runs.simulated(&folder("delete-and-recreate"), ("topology.yaml", "fault.yaml"), &[]);
    assert!(field(result, "reach.mean").as_f64().expect("reach") < 1.5);
    assert!(field(result, "services").as_array().expect("services").len() > 20);
}

/// The cycles that arithmetic finds are those of the simulator: half of the resets are done within their median of four hours.
#[test]
fn loops_are_seen_in_the_cycle_of_the_formula() {
    let (folder, mut runs) = (folder("poisoned-loop"), Runs::default());
    for (fault, id) in [
        ("fault.yaml", "baseline.cycle_detected"),
        ("fault-canaried-retrain.yaml", "canaried.cycle_detected"),
        ("fault-filtered-and-watched.yaml", "watched.cycle_detected"),
    ] {
        let cycle = arithmetic::value("poisoned-loop", id).expect(id).low;
        let result = runs.simulated(&folder, ("topology.yaml", fault), &["--horizon".to_owned(), "30d".to_owned()]);
        let found = field(result, "services.model.impaired_time.p50").as_f64().expect("a number");
        check_near(found, cycle * 24.0 * 60.0 + 240.0, 0.02 * found, fault);
    }
}
