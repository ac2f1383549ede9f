//! Cycles are those of one channel (model.md §0a and §2.2), clean-up goes upstream first however services depend on each other
//! (§2.5), and a fault's own tail stays where it is (product.md, semantics 16).

mod common;

use common::*;
use shockfront::model::System;

/// Downtime and impaired time by every engine that follows a clock; all agree.
#[track_caller]
fn agreed(system: &System, fault: &str, name: &str) -> (f64, f64) {
    let exact = times(system, &timed(system, &[fault]), name);
    for how in [How { trials: 2_048, ..TIMED }, How { trials: 1_024, ..EVENTS }] {
        assert_eq!(times(system, &run(system, &[fault], how), name), exact, "{how:?}");
    }
    exact
}

#[test]
fn the_tail_of_a_fault_crosses_nothing() {
    let crash = "crash@s,detect=5m,repair=20m,restore_tail=2h";
    let system = |body: &str| yaml(&format!("services: {{s: {{}}, c: {{}}}}\n{body}"));
    let buffered = system("dependencies: [{from: c, to: s, probability: 1, buffer: 30m}]");
    assert_eq!(agreed(&buffered, crash, "s"), (145.0, 145.0));
    // `s` is back for its consumers after 25 minutes.
    assert_eq!(agreed(&buffered, crash, "c"), (0.0, 0.0));
    let direct = system("dependencies: [{from: c, to: s, probability: 1}]");
    for fault in ["crash@s", "state_loss@s", "expiry@s", "error_rate@s,rate=1"] {
        let fault = format!("{fault},detect=5m,repair=20m,restore_tail=7m");
        let (down, impaired) = agreed(&direct, &fault, "c");
        let of_source = agreed(&direct, &fault, "s").0;
        assert_eq!((down, impaired), (of_source - 7.0, of_source - 7.0), "{fault}");
        assert!(down > 0.0, "{fault}");
    }
}

/// A corruption of `a` that ends after 33 minutes, with ten minutes of clean-up at each service.
const CORRUPT: &str = "corrupt_output@a,wrong=0.4,detect=3m,repair=30m,unwind=10m";

fn cleaned(arcs: &str) -> Vec<f64> {
    let system = yaml(&format!("services: {{a: {{}}, b: {{}}, c: {{}}, d: {{}}}}\ndependencies: [{arcs}]"));
    ["a", "b", "c", "d"].map(|name| agreed(&system, CORRUPT, name).1).to_vec()
}

#[test]
fn clean_up_goes_upstream_first_round_cycles_of_other_channels() {
    let chain = "{from: b, to: a, probability: 1, carries: [data]}, {from: c, to: b, probability: 1, carries: [data]}";
    assert_eq!(cleaned(chain), [43.0, 53.0, 63.0, 0.0]);
    for back in ["probability: 1", "probability: 0.5", "kind: soft, probability: 1", "carries: [latency]"] {
        assert_eq!(cleaned(&format!("{chain}, {{from: b, to: c, {back}}}")), [43.0, 53.0, 63.0, 0.0], "{back}");
    }
}

#[test]
fn services_whose_wrong_data_go_round_are_cleaned_together() {
    let data = |arcs: &[(&str, &str)]| {
        let arcs = arcs.iter().map(|(from, to)| format!("{{from: {from}, to: {to}, probability: 1, carries: [data]}}"));
        cleaned(&arcs.collect::<Vec<_>>().join(", "))
    };
    // When nothing wrong comes to any of them: b and c wait for a, and d for both.
    assert_eq!(data(&[("b", "a"), ("b", "c"), ("c", "b"), ("d", "c")]), [43.0, 53.0, 53.0, 63.0]);
    assert_eq!(data(&[("b", "a"), ("c", "b"), ("d", "c"), ("b", "d")]), [43.0, 53.0, 53.0, 53.0]);
    // With the source among them.
    assert_eq!(data(&[("b", "a"), ("c", "b"), ("a", "c"), ("d", "b")]), [43.0, 43.0, 43.0, 53.0]);
}

#[test]
fn only_what_comes_round_on_the_same_channel_is_one_cause() {
    let downtime = |back: &str| {
        let system = yaml(&format!(
            "services: {{s: {{detect: 5m, repair: 20m}}, m: {{}}, v: {{}}}}\n\
             dependencies: [{{from: m, to: s, probability: 1}}, {{from: v, to: s, probability: 1}}, \
             {{from: v, to: m, probability: 1}}{back}]"
        ));
        agreed(&system, "error_rate@s,rate=0.4", "v")
    };
    // 1 − 0.6 · 0.6 is more than half: down.
    assert_eq!(downtime(""), (25.0, 25.0));
    let others = ["kind: async", "carries: [data]", "kind: knowledge", "carries: [latency]", "kind: async, delay: 1h"];
    for back in others.iter().flat_map(|kind| ["0.5", "1"].map(|p| format!(", {{from: s, to: v, {kind}, probability: {p}}}"))) {
        assert_eq!(downtime(&back), (25.0, 25.0), "{back}");
    }
    // Errors that go round are one cause, 40 % (model.md §2.2).
    assert_eq!(downtime(", {from: s, to: v, probability: 1}"), (0.0, 25.0));
}

/// The same of wrong answers: b and w are wrong for 40 % each, and w calls v back for anything but data.
#[test]
fn wrong_answers_of_a_cycle_of_errors_are_causes_of_their_own() {
    let system = |back: &str| {
        yaml(&format!(
            "services: {{b: {{}}, w: {{}}, v: {{}}}}\n\
             dependencies:\n\
             - {{from: v, to: b, probability: 1, carries: [data]}}\n\
             - {{from: v, to: w, probability: 1, carries: [errors, data]}}\n\
             {back}\
             journeys: {{j: {{needs: [v], users_per_minute: 100}}}}"
        ))
    };
    let faults = ["b", "w"].map(|name| format!("corrupt_output@{name},wrong=0.4,detect=0m,repair=10m,unwind=0m"));
    let wrong = |back: &str| timed(&system(back), &faults.each_ref().map(String::as_str)).journeys[0].integrity_minutes.mean.mean;
    assert!((wrong("") - 640.0).abs() < 1e-3, "{}", wrong(""));
    assert_eq!(wrong("- {from: w, to: v, probability: 1, carries: [errors]}\n"), wrong(""));
}

#[test]
fn a_gate_is_on_a_cycle_where_a_provider_of_it_is() {
    // b and c fail for 40 % of the calls each; v needs both, and calls itself over w.
    let system = |w: &str| {
        yaml(&format!(
            "services: {{b: {{}}, c: {{}}, w: {{}}, v: {{requires: {{at_least: 1, of: [b]}}}}}}\n\
             dependencies: [{{from: v, to: b, probability: 1}}, {{from: v, to: c, probability: 1}}{w}]"
        ))
    };
    let faults = ["error_rate@b,rate=0.4,detect=5m,repair=20m", "error_rate@c,rate=0.4,detect=5m,repair=20m"];
    let down = |system: &System| times(system, &timed(system, &faults), "v").0;
    assert_eq!(down(&system("")), 25.0);
    let round = ", {from: w, to: v, probability: 1}, {from: v, to: w, probability: 1}";
    // What comes over w is what v itself brings, the gate is beside it.
    assert_eq!(down(&system(round)), 25.0);
}
