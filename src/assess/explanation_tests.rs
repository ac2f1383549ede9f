//! Explanations of small changes, against what the exact solver and a second assessment say.

use super::*;
use crate::assess::{InFlight, assess};
use crate::change::facts::{Change, ChangeKind, TriState};
use crate::fault::{Fault, FaultKind};
use crate::model::facts::{Dependency, Fallback};
use crate::random::Seed;
use crate::risk::assessment::Assessment;
use crate::risk::testing::{arcs, build, journey};

/// V4 of model.md, with a soft last step over c and people who use t.
fn v4() -> System {
    let mut draft = arcs(&[("s", "a", 0.9), ("a", "b", 0.8), ("a", "c", 0.7), ("b", "t", 0.6), ("c", "t", 0.5)]);
    draft.dependencies[3].kind = Some(DependencyKind::Soft);
    let fallback = Some(Fallback { coverage: 1.0, tested: Some(false) });
    draft.dependencies[3].facts =
        Dependency { fallback, carries: Some(crate::model::facts::Channels::ERRORS), ..draft.dependencies[3].facts.clone() };
    draft.observed_at = Some(jiff::civil::date(2026, 3, 1));
    draft.coverage = Some(0.95);
    draft.journeys.push(journey("t", 100.0, 90.0));
    build(draft)
}

fn request() -> AssessRequest<'static> {
    let change = Change {
        services: vec!["s".to_owned()],
        kind: Some(ChangeKind::Code),
        destructive: TriState::Yes,
        at: "2026-03-05T14:00:00-05:00[America/New_York]".parse().ok(),
        ..Change::default()
    };
    let changes = vec![InFlight { change, ..InFlight::default() }];
    AssessRequest { changes, trials: 2_048, explain: true, mitigations: true, seed: Seed(9), ..AssessRequest::default() }
}

fn assessed(request: &AssessRequest<'_>) -> Assessment {
    let system = v4();
    assess(&system, &Compact::new(&system), request).expect("assessed")
}

#[test]
fn edges_cascades_and_cuts_agree_with_the_exact_solver() {
    let system = v4();
    let found = assessed(&request()).explanation.expect("explained");
    let exact = |system: &System| {
        let compact = Compact::new(system);
        let scenario = Scenario::new(system, &compact, &[Fault::new(FaultKind::StateLoss, "s")], None).expect("a scenario");
        let request = Request { static_reach: true, exact: true, ..Request::default() };
        crate::propagation::simulate(system, &compact, &scenario, &request).expect("small").reach.mean.mean
    };
    let edges = found.edges.expect("importance");
    assert_eq!(edges.flips.len(), 5);
    for flip in &edges.flips {
        let cut = exact(&system.without_crossing(flip.dependency));
        let slack = 2.0 * (flip.cut.interval.high - flip.cut.interval.low);
        assert!((flip.cut.mean - cut).abs() < slack.max(1e-9), "{flip:?} {cut}");
        assert!((flip.fussell_vesely.mean - (1.0 - cut / exact(&system))).abs() < 0.02, "{flip:?}");
    }
    let cascade = &found.cascades[0];
    assert_eq!((cascade.journey.as_str(), cascade.service.as_str()), ("use t", "t"));
    assert_eq!(cascade.steps, ["s", "a", "b", "t"]);
    assert!(cascade.impaired.interval.contains(0.5958) && cascade.share.interval.contains(0.432 / 0.5958), "{cascade:?}");
    assert!(cascade.because.iter().any(|why| why == "the fallback of t for b is untested"), "{cascade:?}");
    assert_eq!(found.cut_sets[0].sets.len(), 5);
    for set in &found.cut_sets[0].sets {
        let cut = set.iter().fold(system.clone(), |system, id| system.without_crossing(*id));
        let compact = Compact::new(&cut);
        let scenario = Scenario::new(&cut, &compact, &[Fault::new(FaultKind::StateLoss, "s")], None).expect("a scenario");
        let asked = Request { static_reach: true, exact: true, ..Request::default() };
        let simulated = crate::propagation::simulate(&cut, &compact, &scenario, &asked).expect("small");
        assert_eq!(simulated.p_impaired(cut.find_service("t").expect("t")), 0.0, "{set:?}");
    }
}

#[test]
fn an_answer_is_the_verdict_on_the_answered_change() {
    let (asked, system) = (request(), v4());
    let assessment = assessed(&asked);
    let found = assessment.explanation.expect("explained").assumptions;
    assert!(found.windows(2).all(|two| two[0].flips_band >= two[1].flips_band), "flips come first");
    let known = found.iter().find(|one| one.what == "whether going back was tested").expect("unknown here");
    // Destructive without a tested restore is red whatever the score.
    assert!(known.flips_band && known.worse.2 == Band::Red && known.better.2 < Band::Red, "{known:?}");
    let mut tested = asked.clone();
    tested.changes[0].change.rollback_tested = TriState::Yes;
    let verdict = assess(&system, &Compact::new(&system), &tested).expect("assessed").verdict;
    assert_eq!((known.better.2, known.better.1.map(|score| score.mean)), (verdict.band, Some(verdict.score)));
    assert!(!found.iter().any(|one| one.what == "whether it destroys anything"), "that is known");
    let quiet = assessed(&AssessRequest { mitigations: false, ..request() }).explanation.expect("explained");
    assert!(quiet.assumptions.is_empty() && !quiet.cascades.is_empty());
}
