//! What could be done about a change: the edits that are worth trying, and what each costs.
//!
//! Only what can matter is proposed: levers that the change does not pull yet, and dependencies over which the simulated fault came.
//! Costs are person-days to have it in production, elicited; they order the proposals and are shown, nothing else depends on them.

use super::Placed;
use crate::change::facts::{ChangeKind, Rollout, Strategy, TriState};
use crate::change::team::Team;
use crate::edit::{Edit, Ends, Replication, What};
use crate::fault::FaultKind;
use crate::model::System;
use crate::model::crossing::Crossing;
use crate::model::facts::{Channels, DependencyKind, GroupKind};
use crate::policy::rules::is_gradual;
use crate::propagation::Simulation;
use crate::risk::review::{a_senior, senior_review};
use crate::units::{DependencyId, DurationLaw, ServiceId, Ticks};
use std::collections::HashMap;

/// Most edits that are tried.
const MOST: usize = 31;
/// Share of the changed lines that further tests would cover.
const WELL_TESTED: f64 = 0.8;
/// Steps of the roll-outs that are proposed: share and time.
const STEP: (f64, u64) = (0.05, 15);
const WAVE: (f64, u64) = (0.25, 30);
/// What a buffer and a stale cache would bridge, in minutes.
const BUFFER: u64 = 30;
const STALE: u64 = 240;

fn minutes(minutes: u64) -> Ticks {
    Ticks(minutes * Ticks::PER_MINUTE)
}

/// Effort of an edit in person-days (elicited).
pub fn cost(edit: &Edit) -> f64 {
    match &edit.what {
        What::SeniorReview => 0.25,
        // A flag has to be built first.
        What::Rollout(Rollout { strategy: Strategy::Flag, .. }) => 1.0,
        What::Rollout(_) | What::Rollback(None, _) | What::DenyDelete(_) => 0.5,
        What::Timeout(..) | What::Retries(..) | What::RetryBudget(..) | What::Replicas(..) => 0.5,
        What::Simulated | What::Breaker(..) | What::Monitor(..) | What::Rollback(Some(_), _) => 1.0,
        What::Tests(_) | What::RestoreTested | What::ServeStale(..) => 2.0,
        What::Validator(..) | What::Zones(..) => 3.0,
        What::Fallback { .. } | What::Buffer(..) => 4.0,
        What::Crossing(..) | What::Remove(_) => 5.0,
    }
}

/// Effort of several edits together.
pub fn cost_of(edits: &[Edit]) -> f64 {
    edits.iter().map(cost).sum()
}

/// The edits that are worth trying, those about the change first, then dependencies by how much comes over them.
pub(super) fn candidates(system: &System, team: &Team, placed: &[Placed<'_>], impacts: &[Simulation]) -> Vec<Edit> {
    let mut found: Vec<Edit> = Vec::new();
    let mut add = |what: What| {
        let edit = Edit::new(what);
        if found.len() < MOST && !found.contains(&edit) {
            found.push(edit);
        }
    };
    for placed in placed {
        about_change(team, placed, &mut add);
    }
    if !system.holds_probabilities_only() {
        for placed in placed {
            about_targets(system, placed, &mut add);
        }
        for id in on_the_way(system, impacts) {
            about_dependency(system, id, &mut add);
        }
        for placed in placed {
            about_instances(system, placed, &mut add);
        }
    }
    found
}

/// Where a service states its replicas or runs in zones, one more and all zones, last: a fault that a change brings is in every
/// instance, so that both mostly change nothing, and then it is said.
fn about_instances(system: &System, placed: &Placed<'_>, add: &mut impl FnMut(What)) {
    let zones = || system.groups().filter(|(_, _, group, _)| group.kind == GroupKind::Zone);
    for service in placed.landing.services() {
        let name = || system.service_name(service).to_owned();
        if system.service(service).replicas.is_some() {
            add(What::Replicas(name(), Replication::More(1)));
        }
        let is_in = |members: &[ServiceId]| members.contains(&service);
        if zones().any(|(.., members)| is_in(members)) && zones().any(|(.., members)| !is_in(members)) {
            add(What::Zones(name(), zones().map(|(_, zone, ..)| zone.to_owned()).collect()));
        }
    }
}

/// Levers of the change itself that are not pulled yet.
fn about_change(team: &Team, placed: &Placed<'_>, add: &mut impl FnMut(What)) {
    let (change, kind) = (placed.change, placed.faults.first().map(|fault| fault.kind));
    let is_schema = change.kind == Some(ChangeKind::Schema);
    let has_kind = |test: fn(FaultKind) -> bool| kind.is_some_and(test) && !is_schema;
    if has_kind(FaultKind::can_be_held_back) && !change.rollout.is_some_and(|rollout| is_gradual(rollout.strategy)) {
        for (strategy, (share, bake)) in [(Strategy::Canary, STEP), (Strategy::Waves, WAVE), (Strategy::Flag, STEP)] {
            let (share, bake) = (Some(share), Some(minutes(bake)));
            add(What::Rollout(Rollout { strategy, share, bake, power: None, rollback: None }));
        }
    }
    if change.rollback_tested != TriState::Yes {
        if has_kind(FaultKind::can_roll_back) {
            add(What::Rollback(None, None));
        }
        if change.destructive == TriState::Yes {
            add(What::RestoreTested);
        }
    }
    if change.destructive == TriState::Yes {
        add(What::DenyDelete(None));
    }
    if senior_review(change, team).is_none() && a_senior(change, team).is_some() {
        add(What::SeniorReview);
    }
    if change.simulated != TriState::Yes {
        add(What::Simulated);
    }
    if change.test_coverage.is_none_or(|share| share < WELL_TESTED) {
        add(What::Tests(WELL_TESTED));
    }
}

/// Somebody who watches what the change touches: where nobody states how long a fault stays unseen, a monitor of its own is tried.
fn about_targets(system: &System, placed: &Placed<'_>, add: &mut impl FnMut(What)) {
    let takes_own_time = placed.faults.iter().any(|fault| fault.kind.takes_service_times());
    let is_stated = placed.faults.iter().all(|fault| fault.overrides.detect.is_some());
    for service in placed.landing.services() {
        let states_detect = takes_own_time && system.service(service).detect.is_some();
        if !states_detect && !is_stated && system.service(service).detect.is_none() {
            add(What::Monitor(system.service_name(service).to_owned(), None));
        }
    }
}

/// Dependencies over which harm can have come, by P(the provider is impaired) × P(it crosses), the largest first; equal ones in file
/// order. O(dependencies).
fn on_the_way(system: &System, impacts: &[Simulation]) -> Vec<DependencyId> {
    let mut p_of: HashMap<ServiceId, f64> = HashMap::new();
    for result in impacts.iter().flat_map(|impact| &impact.services) {
        let p = p_of.entry(result.service).or_insert(0.0);
        *p = p.max(result.impaired.mean);
    }
    let p = |service: ServiceId| p_of.get(&service).copied().unwrap_or(0.0);
    let mut weighed: Vec<(DependencyId, f64)> = Vec::new();
    for id in system.dependency_ids() {
        let (consumer, provider) = (system.consumer(id).service, system.provider(id).service);
        if p(consumer) > 0.0 && p(provider) > 0.0 {
            let crossing = Crossing::of(system, id);
            if crossing.propagates() {
                weighed.push((id, p(provider) * crossing.p_errors));
            }
        }
    }
    weighed.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    weighed.into_iter().map(|(id, _)| id).collect()
}

/// What could contain harm on one dependency, as far as its facts leave room.
fn about_dependency(system: &System, id: DependencyId, add: &mut impl FnMut(What)) {
    let facts = system.dependency(id);
    let name = |endpoint| system.endpoint_name(endpoint);
    let ends = || Ends { from: name(system.consumer(id)), to: name(system.provider(id)) };
    let crossing = Crossing::of(system, id);
    let carries_errors = crossing.channels.has(Channels::ERRORS);
    let is_called = matches!(system.kind(id), DependencyKind::Hard | DependencyKind::Soft | DependencyKind::Unknown);
    let is_tested = facts.fallback.is_some_and(|fallback| fallback.tested == Some(true));
    if is_called && carries_errors && !is_tested {
        let coverage = facts.fallback.map_or(1.0, |fallback| fallback.coverage);
        add(What::Fallback { ends: ends(), coverage, tested: true });
    }
    if is_called && facts.timeout.is_none() && system.service(system.provider(id).service).latency.is_some() {
        // A slow call is cut at five times the usual answer: beyond that it counts as failed by L ~ LN(5, 20).
        let usual = system.service(system.provider(id).service).latency.unwrap_or(Ticks::ZERO);
        if usual > Ticks::ZERO {
            add(What::Timeout(ends(), Ticks(usual.0.saturating_mul(5))));
        }
    }
    let has_retries = facts.retries.is_some_and(|retries| retries.attempts > 1);
    if is_called && has_retries && facts.retries.is_some_and(|retries| retries.budget.is_none()) {
        add(What::RetryBudget(ends(), 0.1));
    }
    if is_called && has_retries && facts.breaker.is_none() {
        add(What::Breaker(ends(), crate::model::facts::Breaker { window: None, open_at: None, open_for: None }));
    }
    if facts.cache.is_some_and(|cache| cache.serve_stale.is_none()) {
        add(What::ServeStale(ends(), minutes(STALE)));
    }
    if system.kind(id) == DependencyKind::Async && facts.buffer.is_none() && facts.queue.is_none() {
        add(What::Buffer(ends(), DurationLaw::Constant(minutes(BUFFER))));
    }
    let carries_data = crossing.channels.has(Channels::DATA) || crossing.writes_data;
    if carries_data && facts.validated.flatten() != Some(true) {
        add(What::Validator(ends(), None));
    }
}
