//! What a policy is told, and what it says: facts of the changes, of what was simulated, and of the reviews that count.

use super::simulating::Outcome;
use super::{AssessRequest, InFlight, Placed, REPORTED, latest, names, parts, services, title};
use crate::change::codeowners::OwnedPath;
use crate::change::facts::{Change, TriState};
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

/// Changed files of no service, and changes that land nowhere.
#[derive(Debug, Default)]
pub(super) struct Loose {
    /// Of which nobody knows what they do.
    pub(super) unmapped: Vec<String>,
    /// Of which the policy says that they never get into production.
    pub(super) not_deployed: Vec<String>,
    /// Changes of which nobody knows where they land.
    n_unplaced: usize,
}

impl Loose {
    /// Who edits a file that decides about the change is not believed what it says of other files.
    pub(super) fn new(request: &AssessRequest<'_>, placed: &[Placed<'_>]) -> Self {
        let is_believed = placed.iter().all(|placed| policy::edited_judge(&request.gate_files, placed.change).is_none());
        let is_linked = |path: &str| {
            let leads_to = |target: &String| {
                target.is_empty()
                    || path.strip_prefix(target.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            request.linked.iter().any(leads_to)
        };
        // What a change does to the map is asked of the map.
        let is_map = |path: &str| request.topology_edit.is_some_and(|edit| edit.files.iter().any(|file| file == path));
        let mut loose = Self::default();
        for Placed { change, landing, faults, .. } in placed {
            let files: Vec<&str> = change.files.iter().flat_map(|file| file.touched_paths()).collect();
            // Resources of a plan are no files.
            let is_kept = |path: &&String| {
                is_believed
                    && !is_linked(path)
                    && !is_map(path)
                    && files.contains(&path.as_str())
                    && request.policy.not_deployed.fit(path)
            };
            let (kept, unknown): (Vec<&String>, Vec<&String>) = landing.unmapped.iter().partition(is_kept);
            let is_whole = !kept.is_empty() && files.iter().all(|file| kept.iter().any(|kept| kept == file));
            let is_plain = change.destructive != TriState::Yes && change.open_questions.is_empty();
            loose.n_unplaced += usize::from(faults.is_empty() && !(is_whole && is_plain && unknown.is_empty()));
            loose.unmapped.extend(unknown.into_iter().cloned());
            loose.not_deployed.extend(kept.into_iter().cloned());
        }
        loose
    }

    /// Do the changes consist of such files, and of nothing else?
    pub(super) fn is_never_deployed(&self, placed: &[Placed<'_>]) -> bool {
        self.n_unplaced == 0 && placed.iter().all(|placed| placed.faults.is_empty())
    }
}

/// What the policy says to an outcome.
pub(super) fn decided(
    system: &System,
    request: &AssessRequest<'_>,
    placed: &[Placed<'_>],
    (quality, outcome): (&DataQuality, Option<&Outcome>),
) -> Decision {
    let parts = outcome.map(|outcome| parts(placed, &outcome.runs.impacts)).unwrap_or_default();
    let loose = Loose::new(request, placed);
    let is_never_deployed = loose.is_never_deployed(placed);
    let no_risk = score::no_risk();
    let without = is_never_deployed.then_some(&no_risk);
    let confidence = outcome.map_or(REPORTED, |outcome| outcome.look.confidence);
    let changes: Vec<&Change> = placed.iter().map(|placed| placed.change).collect();
    let owned_paths: Vec<OwnedPath> = request.changes.iter().flat_map(|one| one.owned_paths.clone()).collect();
    policy::decide(&Facts {
        policy: &request.policy,
        gate_files: &request.gate_files,
        earlier: request.earlier.as_ref(),
        owned_paths: &owned_paths,
        reach: match outcome {
            Some(outcome) => largest_reach(&outcome.runs.impacts),
            None => without.map(|_| Estimate::ZERO),
        },
        weekly: outcome.and_then(|outcome| weekly(system, request, placed, outcome)),
        system,
        changes: &changes,
        team: &request.team,
        services: &services(placed),
        n_unplaced: loose.n_unplaced,
        unmapped: &loose.unmapped,
        is_never_deployed,
        quality,
        impaired: &score::impaired(&parts),
        risk: outcome.map(|outcome| &outcome.risk).or(without),
        decision: outcome.map(|outcome| &outcome.decision).or(without),
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
