//! What a policy is told, and what it says: facts of the changes, of what was simulated, and of the reviews that count.

use super::simulating::Outcome;
use super::{AssessRequest, InFlight, Placed, REPORTED, latest, names, parts, services, title};
use crate::change::codeowners::OwnedPath;
use crate::change::facts::Change;
use crate::fault::Scenario;
use crate::model::System;
use crate::policy::{self, Decision, Facts, approvals};
use crate::propagation::Simulation;
use crate::quality::{DataQuality, data_quality};
use crate::risk::ledger::{Entry, Weekly};
use crate::risk::{chance, faults, score};
use crate::statistics::{Estimate, Interval};

/// The name of what is about to be assessed. Threads are left out: they change nothing. So is the time of the question: whether
/// something is frozen or has ended is judged whenever it is asked, and no review lapses by the clock.
pub(super) fn forecast(request: &AssessRequest<'_>) -> String {
    let AssessRequest { trials, precision, seed, horizon, response, .. } = request;
    let asked = format!("{trials:?} {precision:?} {seed:?} {horizon:?} {response:?} {}", env!("CARGO_PKG_VERSION"));
    let rest: Vec<String> = request.basis.iter().cloned().chain([asked]).collect();
    approvals::forecast(&request.changes.iter().map(|one| &one.change).collect::<Vec<_>>(), &rest)
}

/// What is asked, with the reviews that count; and a sentence for each that lapsed.
pub(super) fn reviewed<'a>(request: &AssessRequest<'a>, forecast: &str) -> (AssessRequest<'a>, Vec<String>) {
    let mut lapsed = Vec::new();
    let bound = |one: &InFlight| {
        let (change, said) = approvals::valid(&one.change, forecast);
        lapsed.extend(said);
        InFlight { change, ..one.clone() }
    };
    let changes = request.changes.iter().map(bound).collect();
    (AssessRequest { changes, ..request.clone() }, lapsed)
}

/// What the changes risk together with the others of their week.
fn weekly(system: &System, request: &AssessRequest<'_>, placed: &[Placed<'_>], outcome: &Outcome) -> Option<Weekly> {
    let head = placed.iter().find_map(|placed| placed.change.head.clone());
    let own = Entry::new((title(placed), head), names(system, &services(placed)), latest(request), &outcome.risk.journeys);
    request.ledger.weekly(system, &own, &outcome.decision.journeys)
}

/// The largest mean reach of a change.
fn largest_reach(impacts: &[Simulation]) -> Option<Estimate> {
    impacts.iter().map(|impact| impact.reach.mean).max_by(|a, b| a.mean.total_cmp(&b.mean))
}

/// The largest share of trials in which harm went on at the horizon, with the horizon in minutes.
fn censored(outcome: &Outcome) -> Option<(Estimate, f64)> {
    let share = |impact: &Simulation| {
        let point = Estimate { mean: impact.censored, interval: Interval { low: impact.censored, high: impact.censored } };
        Some((score::share_at_confidence(point, impact, outcome.look.confidence), impact.horizon_minutes?))
    };
    outcome.runs.impacts.iter().filter_map(share).max_by(|a, b| a.0.mean.total_cmp(&b.0.mean))
}

/// What an assessment rests on.
pub(super) fn quality(
    system: &System,
    request: &AssessRequest<'_>,
    placed: &[Placed<'_>],
    scenario: Option<&Scenario>,
) -> DataQuality {
    let mut quality = data_quality(system, scenario, latest(request).as_ref());
    about_changes(placed, &mut quality);
    quality
}

/// What the policy says to an outcome.
pub(super) fn decided(
    system: &System,
    request: &AssessRequest<'_>,
    placed: &[Placed<'_>],
    (quality, outcome): (&DataQuality, Option<&Outcome>),
) -> Decision {
    let parts = outcome.map(|outcome| parts(placed, &outcome.runs.impacts)).unwrap_or_default();
    let unmapped: Vec<String> = placed.iter().flat_map(|placed| placed.landing.unmapped.clone()).collect();
    let confidence = outcome.map_or(REPORTED, |outcome| outcome.look.confidence);
    let changes: Vec<&Change> = placed.iter().map(|placed| placed.change).collect();
    let owned_paths: Vec<OwnedPath> = request.changes.iter().flat_map(|one| one.owned_paths.clone()).collect();
    policy::decide(&Facts {
        policy: &request.policy,
        gate_files: &request.gate_files,
        earlier: request.earlier.as_ref(),
        owned_paths: &owned_paths,
        reach: outcome.and_then(|outcome| largest_reach(&outcome.runs.impacts)),
        weekly: outcome.and_then(|outcome| weekly(system, request, placed, outcome)),
        system,
        changes: &changes,
        team: &request.team,
        services: &services(placed),
        n_unplaced: placed.iter().filter(|placed| placed.faults.is_empty()).count(),
        unmapped: &unmapped,
        quality,
        impaired: &score::impaired(&parts),
        risk: outcome.map(|outcome| &outcome.risk),
        decision: outcome.map(|outcome| &outcome.decision),
        worst: outcome.map_or(&[], |outcome| &outcome.worst),
        censored: outcome.and_then(censored),
        are_mitigations_simulated: request.mitigations && outcome.is_some_and(Outcome::has_harm),
        p_score_above: &|limit| score::p_score_above(system, &parts, limit, confidence),
    })
}

fn about_changes(placed: &[Placed<'_>], quality: &mut DataQuality) {
    for placed in placed {
        for sentence in faults::assumed(placed.change).into_iter().chain(chance::assumed(&placed.chance)) {
            if !quality.assumed.contains(&sentence) {
                quality.assumed.push(sentence);
            }
        }
    }
}
