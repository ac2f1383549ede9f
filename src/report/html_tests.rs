//! Pages: whole, safe, and readable at any size.

use super::html::{assessment_html, simulation_html};
use super::testing::{assessment, assessment_report, build, dependency, quality, run, shop, simulation_report};
use super::{assessment_json, simulation_json};
use crate::model::System;
use crate::model::draft::Draft;
use crate::model::facts::{DependencyKind, Service};
use crate::propagation::{Request, Simulation};
use crate::random::Seed;
use crate::risk::assessment::Gate;
use crate::statistics::Interval;

fn pictured(system: &System) -> Simulation {
    run(system, &Request { trials: 1_024, seed: Seed(7), curves: true, ..Request::default() })
}

/// The record in a page.
fn record(page: &str) -> serde_json::Value {
    let (_, rest) = page.split_once("id=\"shockfront-record\">").expect("a record");
    let (json, _) = rest.split_once("</script>").expect("its end");
    serde_json::from_str(json).expect("JSON")
}

#[test]
fn a_verdict_is_a_page() {
    let system = shop();
    let mut assessment = assessment(&system);
    assessment.impact = Some(pictured(&system));
    let report = assessment_report(&system, &assessment);
    let page = assessment_html(&report);
    for wanted in [
        "<!DOCTYPE html><html lang=\"en\">",
        "<strong>ORANGE</strong>",
        "38 (37 … 40)",
        "6 % (2 … 13 %)",
        "Who must sign",
        "given by lee",
        "× 1.3 (1.0 … 1.7)",
        "ai-assisted-by-junior-or-mid",
        "payment → checkout → frontend",
        "Where it goes",
        "shockfront assess retail.yaml",
    ] {
        assert!(page.contains(wanted), "{wanted}");
    }
    for id in ["score", "reach", "downtime", "time", "lost"] {
        assert!(page.contains(&format!("<figure id=\"{id}\">")), "{id}");
    }
    assert_eq!(record(&page), serde_json::from_str::<serde_json::Value>(&assessment_json(&report)).expect("JSON"));
    assert_eq!(page, assessment_html(&report), "the same bytes");
}

#[test]
fn what_is_not_known_has_no_picture() {
    let system = shop();
    let mut assessment = assessment(&system);
    assessment.impact = None;
    assessment.verdict.gate = Gate::NotAssessed;
    (assessment.verdict.score, assessment.verdict.interval) = (0.0, Interval { low: 0.0, high: 100.0 });
    let page = assessment_html(&assessment_report(&system, &assessment));
    assert!(page.contains("NOT ASSESSED (counts as orange)") && page.contains("not known: nothing could be simulated"));
    assert!(!page.contains("<figure") && !page.contains("lead green"), "unknown is neither drawn nor harmless");
    assessment.impact = Some(super::testing::timed(&system));
    let page = assessment_html(&assessment_report(&system, &assessment));
    assert!(page.contains("not known: this run did not keep what pictures need"));
}

#[test]
fn nothing_is_fetched_and_nothing_runs() {
    let system = shop();
    let simulation = pictured(&system);
    let quality = quality();
    let page = simulation_html(&simulation_report(&system, &simulation, &quality));
    let outside = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!outside.contains("http://") && !outside.contains("https://") && !outside.contains("src="), "a request");
    assert_eq!(page.matches("<script").count(), page.matches("<script type=\"application/json\"").count());
    assert!(page.contains("default-src 'none'") && !page.contains(" onclick") && !page.contains(" style=\""));
    let mut ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "an id is used twice");
}

#[test]
fn names_are_text() {
    let evil = "a</script><script>alert(1)</script><!--";
    let system = build(Draft {
        name: Some(format!("shop {evil}")),
        services: vec![
            ("payment".to_owned(), Service { owner: Some(evil.to_owned()), ..Service::default() }),
            (evil.to_owned(), Service::default()),
        ],
        dependencies: vec![dependency(evil, "payment", DependencyKind::Hard)],
        ..Draft::default()
    });
    let simulation = pictured(&system);
    let quality = quality();
    let report = simulation_report(&system, &simulation, &quality);
    let page = simulation_html(&report);
    assert!(!page.contains("<script>") && !page.contains("<!--"), "markup from a name");
    assert_eq!(page.matches("</script>").count(), 1);
    assert_eq!(record(&page), serde_json::from_str::<serde_json::Value>(&simulation_json(&report)).expect("JSON"));
}

#[test]
fn ten_thousand_services_stay_readable() {
    let names: Vec<String> = (0..10_000).map(|at| if at == 0 { "payment".to_owned() } else { format!("s{at}") }).collect();
    let system = build(Draft {
        services: names.iter().map(|name| (name.clone(), Service::default())).collect(),
        dependencies: names[1..].iter().map(|name| dependency(name, "payment", DependencyKind::Hard)).collect(),
        ..Draft::default()
    });
    let simulation = run(&system, &Request { trials: 512, static_reach: true, curves: true, ..Request::default() });
    let quality = quality();
    let page = simulation_html(&simulation_report(&system, &simulation, &quality));
    let (shown, _) = page.split_once("id=\"shockfront-record\"").unwrap_or((&page, ""));
    assert!(page.contains("9,975 more services, not listed here"), "what was cut is said");
    assert!(page.contains("9,960 more services not drawn"));
    assert!(shown.len() < 200_000 && page.len() < 6_000_000, "{} {}", shown.len(), page.len());
    assert!(shown.matches("<tr>").count() < 100);
}
