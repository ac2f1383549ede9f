use super::*;
use crate::fault::{Fault, FaultKind};
use crate::model::facts::Evidence;
use crate::model::{Compact, DurationLaw};
use crate::risk::testing::{arcs, build, journey, v4};

fn says(sentences: &[String], part: &str) -> bool {
    sentences.iter().any(|sentence| sentence.contains(part))
}

#[test]
fn only_the_part_that_matters_counts() {
    let mut draft = arcs(&[("s", "a", 0.9), ("a", "b", 0.8), ("x", "y", 0.5)]);
    draft.dependencies[1].facts.probability = None;
    draft.dependencies[2].facts.evidence = Some(Evidence { origin: None, failures: None, impaired: None });
    let system = build(draft);
    let compact = Compact::new(&system);
    let scenario = Scenario::new(&system, &compact, &[Fault::new(FaultKind::Crash, "s")], None).expect("scenario");
    let quality = data_quality(&system, Some(&scenario), None);
    assert!(says(&quality.assumed, "probability of 1 of 2 dependencies is a default"), "{:?}", quality.assumed);
    assert!(says(&quality.assumed, "owner of 3 of 3 services"));
    assert!(says(&quality.assumed, "detection and repair of crash@s"));
    assert!(!says(&quality.not_modelled, "evidence"));
    let whole = data_quality(&system, None, None);
    assert!(says(&whole.assumed, "probability of 1 of 3 dependencies") && says(&whole.not_modelled, "evidence"));
}

#[test]
fn age_counts_to_the_question_and_missing_facts_are_said() {
    let mut system = v4();
    system.observed_at = Some(jiff::civil::date(2026, 2, 1));
    let at: Zoned = "2026-03-05T14:00:00-05:00[America/New_York]".parse().expect("time");
    assert_eq!(data_quality(&system, None, Some(&at)).age_days, Some(32));
    let quality = data_quality(&system, None, None);
    assert_eq!((quality.age_days, quality.has_observed_at, quality.has_at), (None, true, false));
    let early: Zoned = "2026-01-01T00:00:00+00:00[UTC]".parse().expect("time");
    assert!(says(&data_quality(&system, None, Some(&early)).assumed, "the dates contradict each other"));
    for part in ["age of the topology", "coverage is not stated", "no journey"] {
        assert!(says(&quality.assumed, part), "{part}");
    }
    assert!(says(&quality.not_modelled, "timeout"));
    assert!(!says(&quality.not_modelled, "wait longer"), "nobody uses it");
}

#[test]
fn journeys_without_traffic_or_objective_are_named() {
    let mut draft = arcs(&[("s", "a", 0.9)]);
    let (name, mut facts) = journey("a", 100.0, 99.9);
    (facts.slo, facts.users_per_minute) = (None, None);
    draft.journeys.push((name, facts));
    let quality = data_quality(&build(draft), None, None);
    assert!(
        says(&quality.assumed, "no users are counted, for journey use a")
            && says(&quality.assumed, "no budget, for journey use a")
    );
}

#[test]
fn whose_wrong_answers_go_no_further_is_named() {
    let kept = |carries: &[usize], writes: bool, kind, target: &str| {
        let mut draft = arcs(&[("s", "a", 0.9), ("a", "b", 0.8)]);
        draft.journeys.push(journey("b", 100.0, 99.9));
        for at in carries {
            let facts = &mut draft.dependencies[*at].facts;
            (facts.carries, facts.writes_data) = (Some(Channels::DATA), Some(writes));
        }
        let system = build(draft);
        let compact = Compact::new(&system);
        let scenario = Scenario::new(&system, &compact, &[Fault::new(kind, target)], None).expect("scenario");
        let found = data_quality(&system, Some(&scenario), None).not_modelled;
        let whole = data_quality(&system, None, None).not_modelled;
        (says(&found, &format!("from {target}: wrong answers harm nobody else")), says(&whole, "wrong answers harm nobody else"))
    };
    use FaultKind::{BadDeploy, CorruptOutput, Crash, Latency};
    assert_eq!(kept(&[], false, CorruptOutput, "s"), (true, true));
    assert_eq!(kept(&[], false, BadDeploy, "s"), (true, true));
    assert_eq!(kept(&[], false, Crash, "s"), (false, true), "it brings no wrong answers");
    assert_eq!(kept(&[], false, Latency, "s"), (false, true));
    assert_eq!(kept(&[0], false, CorruptOutput, "s"), (false, false));
    assert_eq!(kept(&[0], false, CorruptOutput, "a"), (true, false));
    assert_eq!(kept(&[0], true, CorruptOutput, "a"), (false, false), "what is written into a store leaves the writer");
}

#[test]
fn a_monitor_whose_sight_changes_nothing_is_named() {
    let said = |detect: Option<&str>, faults: &[(FaultKind, &str)]| {
        let mut draft = arcs(&[("m", "s", 1.0), ("s", "a", 0.9)]);
        draft.dependencies[0].kind = Some(DependencyKind::Monitors);
        for (name, service) in &mut draft.services {
            service.detect = detect.filter(|_| name == "s").map(|law| DurationLaw::parse(law).expect("a duration"));
        }
        let system = build(draft);
        let compact = Compact::new(&system);
        let faults: Vec<Fault> = faults.iter().map(|(kind, target)| Fault::new(*kind, *target)).collect();
        let scenario = Scenario::new(&system, &compact, &faults, None).expect("scenario");
        let found = data_quality(&system, Some(&scenario), None).assumed;
        (says(&found, "false_all_clear@m harms nobody by itself"), says(&found, "false_all_clear@m changes nothing"))
    };
    use FaultKind::{Crash, FalseAllClear};
    assert_eq!(said(None, &[(FalseAllClear, "m")]), (true, false));
    assert_eq!(said(None, &[(FalseAllClear, "m"), (Crash, "s")]), (false, false));
    assert_eq!(said(Some("2m"), &[(FalseAllClear, "m"), (Crash, "s")]), (false, true));
    assert_eq!(said(None, &[(Crash, "a"), (FalseAllClear, "m")]), (false, true));
}
