//! `--slo`: objectives and spent error budgets from files.

use super::{json, place, run, write};
use serde_json::Value;
use std::path::Path;

const CHANGE: &str = "\
schema: shockfront/change/v1
title: Faster queries
author: {name: Kim, level: senior}
services: [shop]
kind: code
lines: 120
ai: {assisted: no}
at: \"2026-08-14T15:00:00+02:00\"
";

const OPEN_SLO: &str = "\
apiVersion: openslo/v1
kind: Service
metadata: {name: web}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: web-availability}
spec:
  service: web
  timeWindow: [{duration: 30d, isRolling: true}]
  objectives: [{target: 0.999}]
";

fn spent(share: f64, at: &str) -> String {
    format!("schema: shockfront/budgets/v1\nbudgets:\n  buy: {{spent: {share}, at: {at}}}\n")
}

fn assess(place: &Path, format: &str, more: &[&str]) -> (i32, String, String) {
    let base = ["assess", "shop.yaml", "--change", "change.yaml", "--trials", "1024", "--no-mitigations", "--format", format];
    run(place, &[&base[..], more].concat())
}

/// The record with these `--slo` files.
fn record(place: &Path, more: &[&str]) -> Value {
    let (code, out, err) = assess(place, "json", more);
    assert!(code < 2, "{err}");
    json(&out)
}

fn breach(result: &Value) -> f64 {
    result["breach_probability"].as_f64().expect("P(breach)")
}

fn says(result: &Value, list: &str, what: &str) -> bool {
    result[list].as_array().expect("sentences").iter().any(|said| said.as_str().is_some_and(|said| said.contains(what)))
}

#[test]
fn p_breach_is_over_what_remains_of_a_budget() {
    let place = place();
    write(place.path(), "change.yaml", CHANGE);
    write(place.path(), "slo.yaml", &format!("{OPEN_SLO}---\n{}", spent(0.8, "2026-08-12")));
    write(place.path(), "gone.yaml", &spent(1.0, "2026-08-12"));
    let plain = record(place.path(), &[]);
    assert!(says(&plain, "limits", "Error budgets count as unspent.") && plain["journeys"][0].get("budget_remaining").is_none());
    let partly = record(place.path(), &["--slo", "slo.yaml"]);
    let remaining = &partly["journeys"][0]["budget_remaining"];
    assert_eq!(
        (remaining["share"].as_f64().map(|share| (share * 1e9).round() / 1e9), remaining["current"].as_bool()),
        (Some(0.2), Some(true))
    );
    assert!(!says(&partly, "limits", "unspent") && says(&partly, "limits", "buy (80 % spent)"), "{}", partly["limits"]);
    assert_eq!(partly["notes"], plain["notes"], "the file says what the topology says");
    let gone = record(place.path(), &["--slo", "slo.yaml", "--slo", "gone.yaml"]);
    assert!(says(&gone, "notes", "more than once"), "{}", gone["notes"]);
    assert!(
        breach(&plain) < breach(&partly) && breach(&partly) < breach(&gone),
        "{} {} {}",
        breach(&plain),
        breach(&partly),
        breach(&gone)
    );
    // The score and the losses are what they were; the forecast is another.
    for key in ["score", "interval"] {
        assert_eq!(plain["verdict"][key], gone["verdict"][key]);
    }
    assert_eq!(plain["expected_user_minutes"], gone["expected_user_minutes"]);
    assert_ne!(plain["forecast"], partly["forecast"]);
    let command = partly["impact"]["inputs"]["command"].as_str().unwrap_or_default();
    assert!(command.is_empty() || command.contains("--slo slo.yaml"), "{command}");
    // People see it, too, and the same line gives the same bytes.
    for (format, expected) in [
        ("text", "Remaining error budget: buy 20 %"),
        ("markdown", "Remaining error budget: buy 20 %"),
        ("html", "Remaining error budget: buy 20"),
    ] {
        let (_, page, _) = assess(place.path(), format, &["--slo", "slo.yaml"]);
        assert!(page.contains(expected) && page.contains("what remains of its error budget"), "{page}");
        assert!(format == "html" || page.contains("--slo slo.yaml"), "{page}");
    }
}

#[test]
fn questions_and_unmatched_objectives_are_said() {
    let place = place();
    write(place.path(), "change.yaml", CHANGE);
    write(place.path(), "old.yaml", &spent(0.9, "2026-05-01"));
    write(place.path(), "later.yaml", &spent(0.9, "2026-08-15"));
    write(place.path(), "other.yaml", &OPEN_SLO.replace("service: web", "service: warehouse"));
    write(place.path(), "strict.yaml", &OPEN_SLO.replace("0.999", "0.9999"));
    write(place.path(), "loose.yaml", &OPEN_SLO.replace("0.999", "0.9"));
    let plain = record(place.path(), &[]);
    for (file, why) in [("old.yaml", "more than its window before the change"), ("later.yaml", "after the change")] {
        let found = record(place.path(), &["--slo", file]);
        assert!(says(&found, "notes", why), "{}", found["notes"]);
        assert_eq!(found["journeys"][0]["budget_remaining"]["current"], false);
        assert!(found["data_quality"]["assumed"].to_string().contains("not known as of the change for journey buy"));
        assert!(breach(&found) > breach(&plain), "a question never lowers a verdict");
    }
    let other = record(place.path(), &["--slo", "other.yaml"]);
    assert!(says(&other, "notes", "web-availability of other.yaml is not used"), "{}", other["notes"]);
    assert_eq!((&other["verdict"], breach(&other)), (&plain["verdict"], breach(&plain)));
    let strict = record(place.path(), &["--slo", "strict.yaml"]);
    assert!(
        says(&strict, "notes", "the stricter counts, web-availability of strict.yaml says 99.99 % over 30d"),
        "{}",
        strict["notes"]
    );
    let score = |result: &Value| result["verdict"]["score"].as_f64().expect("a score");
    assert!((score(&strict) - score(&plain) - 20.0).abs() < 1e-6, "a tenth of the budget");
    let loose = record(place.path(), &["--slo", "loose.yaml"]);
    assert!(says(&loose, "notes", "the stricter counts, the topology says 99.9 % over 30d"), "{}", loose["notes"]);
    assert_eq!(loose["verdict"], plain["verdict"]);
}

#[test]
fn both_sides_of_a_comparison_have_one_budget() {
    let place = place();
    write(place.path(), "change.yaml", CHANGE);
    write(place.path(), "gone.yaml", &spent(1.0, "2026-08-12"));
    write(place.path(), "strict.yaml", &OPEN_SLO.replace("0.999", "0.9999"));
    let base =
        ["compare", "shop.yaml", "--change", "change.yaml", "--against", "shop.yaml", "--trials", "1024", "--format", "json"];
    let compared = |more: &[&str]| {
        let (code, out, err) = run(place.path(), &[&base[..], more].concat());
        assert_eq!(code, 0, "{err}");
        (json(&out), err)
    };
    let (plain, _) = compared(&[]);
    let (strict, err) = compared(&["--slo", "strict.yaml", "--slo", "gone.yaml"]);
    assert!(err.contains("the stricter counts"), "{err}");
    let verdict = |result: &Value, side: &str, key: &str| result["verdict"][side][key].clone();
    for key in ["score", "band"] {
        assert_eq!(verdict(&strict, "before", key), verdict(&strict, "after", key), "{strict}");
    }
    assert_ne!(verdict(&strict, "before", "score"), verdict(&plain, "before", "score"), "{plain}");
}

/// What could be done is judged over what remains, as the change itself: a canary keeps P(breach) low, a load test alone does not.
#[test]
fn mitigations_see_the_same_budget_as_the_verdict() {
    let place = place();
    write(place.path(), "change.yaml", CHANGE);
    write(place.path(), "gone.yaml", &spent(1.0, "2026-08-12"));
    let bands = |more: &[&str]| {
        let base = ["assess", "shop.yaml", "--change", "change.yaml", "--trials", "1024", "--format", "json"];
        let (code, out, err) = run(place.path(), &[&base[..], more].concat());
        assert!(code < 2, "{err}");
        let result = json(&out);
        let band = |edit: &str| {
            let mitigations = result["mitigations"].as_array().expect("a list");
            let found = mitigations.iter().find(|one| one["edit"].as_str().is_some_and(|text| text.starts_with(edit)));
            found.and_then(|one| one["band"].as_str()).map(str::to_owned)
        };
        let verdict = result["verdict"]["band"].as_str().map(str::to_owned);
        [verdict, band("canary"), band("a load test")].map(Option::unwrap_or_default)
    };
    assert_eq!(bands(&[]), ["orange", "orange", "orange"]);
    assert_eq!(bands(&["--slo", "gone.yaml"]), ["red", "orange", "red"]);
}

#[test]
fn broken_files_exit_2_and_print_nothing() {
    let place = place();
    write(place.path(), "change.yaml", CHANGE);
    for (text, expected) in [
        (OPEN_SLO.replace("0.999", "99.9"), "slo.yaml:11:25"),
        (OPEN_SLO.replace("30d", "30x"), "slo.yaml:10:27"),
        (OPEN_SLO.replace("kind: SLO", "kind: SLOs"), "did you mean `SLO`?"),
        (OPEN_SLO.replace("openslo/v1\nkind: SLO", "openslo/v2alpha\nkind: SLO"), "expected `openslo/v1`"),
        (
            OPEN_SLO.replace("metadata: {name: web-availability}", "metadata: {annotations: {shockfront/journey: by}, name: w}"),
            "did you mean `buy`?",
        ),
        (spent(-1.0, "2026-08-12"), "a spent share is 0 or more"),
        (spent(0.1, "2026-08-32"), "slo.yaml:3:25"),
        (spent(0.1, "2026-08-12").replace("buy", "bay"), "there is no journey `bay`"),
        ("a: 1\n".to_owned(), "holds neither objectives nor budgets"),
    ] {
        write(place.path(), "slo.yaml", &text);
        for command in ["assess", "compare"] {
            let base = [command, "shop.yaml", "--change", "change.yaml", "--slo", "slo.yaml"];
            let more: &[&str] = if command == "compare" { &["--with", "canary"] } else { &[] };
            let (code, out, err) = run(place.path(), &[&base[..], more].concat());
            assert_eq!((code, out.as_str()), (2, ""), "{text}{err}");
            assert!(err.contains(expected), "{text}{err}");
        }
    }
}
