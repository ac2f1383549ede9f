//! The records against their contracts: keys, order, values.

use super::input::ServiceList;
use super::record::{simulation_json, write_simulation_json};
use super::record_assessment::assessment_json;
use super::testing::{assessment, assessment_report, quality, run, shop, simulation_report, timed};
use crate::propagation::Request;
use crate::propagation::result::Method;
use crate::risk::assessment::Gate;
use serde_json::Value;

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().map(|object| object.keys().map(String::as_str).collect()).unwrap_or_default()
}

#[test]
fn a_simulation_has_the_keys_of_the_contract_in_order() {
    let (system, quality) = (shop(), quality());
    let simulation = timed(&system);
    let text = simulation_json(&simulation_report(&system, &simulation, &quality));
    assert!(text.starts_with("{\n  \"schema\": \"shockfront/simulation/v1\",\n  \"tool\": {\n"), "{text}");
    assert!(text.ends_with("}\n"));
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        keys(&value),
        ["schema", "tool", "inputs", "reach", "services", "journeys", "user_minutes", "data_quality", "limits", "censored"]
    );
    assert_eq!(keys(&value["inputs"]), ["topology", "sha256", "faults", "seed", "trials", "method", "generator", "horizon"]);
    assert_eq!(keys(&value["reach"])[..5], ["mean", "interval", "p50", "p90", "p99"]);
    let services = value["services"].as_array().expect("a list");
    assert_eq!(services.len(), 6);
    let payment = &services[2];
    assert_eq!(
        keys(payment),
        ["name", "impaired", "down", "corrupt", "downtime", "downtime_bounds", "impaired_time", "state_minutes", "onset"]
    );
    assert_eq!(keys(&payment["downtime_bounds"]), ["at_least", "at_most"]);
    assert_eq!(
        payment["downtime_bounds"]["at_least"]["interval"], payment["downtime"]["interval"],
        "a total outage leaves no doubt"
    );
    assert_eq!(keys(&payment["state_minutes"]), ["degraded", "down", "corrupt"]);
    assert_eq!(keys(&payment["state_minutes"]["corrupt"]), ["mean", "interval"]);
    assert_eq!(payment["state_minutes"]["down"]["interval"], payment["downtime"]["interval"]);
    let intervals = ["p50_interval", "p90_interval", "p95_interval", "p99_interval"];
    assert_eq!(keys(&payment["downtime"]), [&["mean", "interval", "p50", "p90", "p95", "p99"], &intervals[..]].concat());
    assert_eq!(payment["impaired"]["probability"], 1.0);
    let blog = &services[5];
    assert_eq!(blog["impaired"]["interval"], serde_json::json!([0.0, 0.0]), "out of reach is certain");
    assert!(blog.get("onset").is_none());
    assert_eq!(blog["state_minutes"]["degraded"], serde_json::json!({"mean": 0.0, "interval": [0.0, 0.0]}));
    let journey = &value["journeys"][0];
    let times =
        ["downtime", "impaired_time", "state_minutes", "user_minutes", "user_minute_bounds", "integrity_minutes", "budget_share"];
    assert_eq!(keys(journey), [&["name", "impaired", "down", "corrupt"], &times[..], &["onset"]].concat());
    assert_eq!(journey["state_minutes"]["down"]["mean"], journey["downtime"]["mean"]);
    assert_eq!(keys(&journey["impaired"]), ["probability", "interval"]);
    assert_eq!(journey["onset"], serde_json::json!({"p50": 0.0, "p50_interval": [0.0, 0.0]}));
    assert_eq!(keys(&value["user_minutes"])[..7], ["mean", "interval", "p50", "p90", "p95", "p99", "es95"]);
    assert_eq!(keys(&value["user_minutes"])[7..], [&["es95_interval"], &intervals[..]].concat());
    assert_eq!(value["reach"]["mean"].as_f64(), Some(simulation.reach.mean.mean), "full precision");
}

#[test]
fn a_static_simulation_has_bounds_and_no_times() {
    let (system, quality) = (shop(), quality());
    let mut simulation = run(&system, &Request { trials: 512, static_reach: true, ..Request::default() });
    simulation.reach_bounds = Some((simulation.reach.clone(), simulation.reach.clone()));
    let mut report = simulation_report(&system, &simulation, &quality);
    report.services = ServiceList::Reached;
    let value: Value = serde_json::from_str(&simulation_json(&report)).expect("JSON");
    assert_eq!(
        keys(&value),
        ["schema", "tool", "inputs", "reach", "reach_bounds", "services", "data_quality", "limits", "censored"]
    );
    assert_eq!(keys(&value["reach_bounds"]), ["optimistic", "pessimistic"]);
    assert_eq!(keys(&value["services"][0]), ["name", "impaired", "down", "corrupt"]);
    assert!(value["services"].as_array().expect("a list").iter().all(|service| service["name"] != "blog"));
}

#[test]
fn a_record_written_piece_by_piece_is_the_same() {
    let (system, quality) = (shop(), quality());
    let simulation = timed(&system);
    for services in [ServiceList::All, ServiceList::Reached] {
        let mut report = simulation_report(&system, &simulation, &quality);
        report.services = services;
        let mut written = Vec::new();
        write_simulation_json(&report, &mut written).expect("memory takes every byte");
        assert_eq!(String::from_utf8(written).expect("text"), simulation_json(&report));
    }
    let mut room = [0; 100];
    let report = simulation_report(&system, &simulation, &quality);
    assert!(write_simulation_json(&report, &mut room[..]).is_err_and(|error| error.kind() == std::io::ErrorKind::WriteZero));
}

#[test]
fn an_unknown_interval_is_null() {
    let (system, quality) = (shop(), quality());
    let simulation = run(&system, &Request { trials: 1, ..Request::default() });
    let value: Value = serde_json::from_str(&simulation_json(&simulation_report(&system, &simulation, &quality))).expect("JSON");
    assert!(value["reach"]["interval"].is_null());
    assert!(value["user_minutes"]["interval"].is_null());
}

#[test]
fn limits_are_those_of_the_run_and_zero_has_no_sign() {
    let (system, quality) = (shop(), quality());
    let mut simulation = timed(&system);
    (simulation.censored, simulation.reach.mean.mean, simulation.rounded) = (0.000_24, -0.0, Some((1e-10, 2.33e-10)));
    let text = simulation_json(&simulation_report(&system, &simulation, &quality));
    assert!(text.contains("What happened in none of 2,048 trials can still have a chance of up to 0.15 %."), "{text}");
    assert!(text.contains("In 0.024 % of the trials harm went on after 72 h"), "{text}");
    assert!(text.contains("(2.3e-10): 1e-10 counts as 2.3e-10. `--exact` takes it as it is stated."), "{text}");
    assert!(!text.contains("-0.0"));
    (simulation.censored, simulation.method) = (0.0, Method::Exact);
    let text = simulation_json(&simulation_report(&system, &simulation, &quality));
    assert!(!text.contains("in none of") && !text.contains("went on"));
}

#[test]
fn an_assessment_has_the_keys_of_the_contract_in_order() {
    let system = shop();
    let mut assessment = assessment(&system);
    let value: Value = serde_json::from_str(&assessment_json(&assessment_report(&system, &assessment))).expect("JSON");
    assert_eq!(
        keys(&value),
        [
            "schema",
            "tool",
            "verdict",
            "fault_probability",
            "impact",
            "breach_probability",
            "breach_interval",
            "expected_user_minutes",
            "expected_user_minutes_interval",
            "journeys",
            "sign_off",
            "signers",
            "floors",
            "explanation",
            "mitigations",
            "advice",
            "data_quality",
            "change",
            "forecast",
            "heads",
            "policy",
            "missing",
            "limits",
            "notes"
        ]
    );
    assert_eq!(keys(&value["verdict"])[..5], ["band", "score", "interval", "settled", "gate"]);
    assert_eq!(keys(&value["fault_probability"]), ["mean", "interval", "factors"]);
    let factor = &value["fault_probability"]["factors"][0];
    assert_eq!(keys(factor), ["name", "odds_ratio", "interval", "because", "source"]);
    assert_eq!(value["impact"]["schema"], "shockfront/simulation/v1");
    assert_eq!(value["impact"]["inputs"]["at"], "2026-03-05T14:00:00-05:00");
    assert_eq!(keys(&value["sign_off"][0]), ["who", "role", "because", "required", "given_by", "rule"]);
    assert!(value["sign_off"][0]["given_by"].is_null());
    assert_eq!(keys(&value["floors"][0]), ["rule", "raises_to", "because"]);
    assert_eq!(keys(&value["explanation"]), ["paths", "edges", "cut_sets", "cascades", "assumptions"]);
    assert_eq!(keys(&value["change"]["ai"]), ["assisted", "basis", "evidence"]);
    assert_eq!(value["change"]["ai"]["assisted"], "yes");
    assert_eq!(value["expected_user_minutes"], 21_400.0);
    assessment.impact = None;
    assessment.verdict.gate = Gate::NotAssessed;
    let value: Value = serde_json::from_str(&assessment_json(&assessment_report(&system, &assessment))).expect("JSON");
    assert!(value["impact"].is_null());
    assert!(value["verdict"]["score"].is_null() && value["verdict"]["interval"].is_null());
}
