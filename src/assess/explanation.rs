//! Why a verdict is what it is: what carries the fault, how it gets to the journeys, what would contain it, what was assumed.
//!
//! The order of the steps only; every number comes from a room below.

use super::assumptions::assumptions;
use super::simulating::Outcome;
use super::{AssessRequest, Placed};
use crate::diagnostic::Diagnostic;
use crate::fault::Scenario;
use crate::model::crossing::{Crossing, default_probability};
use crate::model::facts::DependencyKind;
use crate::model::{Compact, System};
use crate::propagation::causes::{Way, commonest_ways};
use crate::propagation::transfer::p_errors_impair;
use crate::propagation::{Request, Sensitivities, sensitivities};
use crate::risk::assessment::{Band, Cascade, Explanation, JourneyRisk};
use crate::risk::cut_sets::cut_sets;
use crate::units::{DependencyId, ServiceId};

/// Trials without a clock.
const TRIALS: u64 = 4_096;
/// Dependencies whose importance is told.
const EDGES: usize = 20;
/// Beyond so many services that the fault can reach, importance is not told: each dependency is two more runs.
const MOST_REACHED: usize = 5_000;
/// Journeys whose cascade is told.
const CASCADES: usize = 3;
/// Reasons that are told of a cascade.
const REASONS: usize = 3;

/// Explains a verdict.
///
/// # Errors
/// As [`super::assess`].
pub(super) fn explanation(
    (system, compact): (&System, &Compact),
    request: &AssessRequest<'_>,
    scenario: &Scenario,
    (placed, found, band): (&[Placed<'_>], &Outcome, Band),
) -> Result<Explanation, Vec<Diagnostic>> {
    let is_small = found.runs.impacts.iter().all(|impact| impact.services.len() <= MOST_REACHED);
    let question = Request { trials: TRIALS, seed: request.seed, threads: request.threads, ..Request::default() };
    // A surge of load means nothing without a clock.
    let can_ask = is_small && scenario.needs_clock().is_none();
    let edges = match can_ask {
        true => Some(sensitivities(system, compact, scenario, &question, EDGES).map_err(|problem| vec![problem])?),
        false => None,
    };
    let cascades = if can_ask { cascades((system, compact), scenario, &question, found)? } else { Vec::new() };
    let assumptions = match request.mitigations {
        true => assumptions(system, request, (placed, found, band), edges.as_ref())?,
        false => Vec::new(),
    };
    Ok(Explanation { cascades, cut_sets: cut_sets(system, compact, scenario), assumptions, edges: edges.filter(has_edges) })
}

fn has_edges(edges: &Sensitivities) -> bool {
    !edges.flips.is_empty()
}

/// The commonest cascade to each of the worst-hit journeys.
fn cascades(
    (system, compact): (&System, &Compact),
    scenario: &Scenario,
    question: &Request<'_>,
    found: &Outcome,
) -> Result<Vec<Cascade>, Vec<Diagnostic>> {
    let p_impaired = |service: ServiceId| found.runs.impacts.iter().map(|impact| impact.p_impaired(service)).fold(0.0, f64::max);
    // Of journeys whose traffic nobody states it is only known how likely they are to be impaired; they come last.
    let impaired = |at: usize| {
        let journeys = found.runs.impacts.iter().filter_map(|impact| impact.journeys.get(at));
        journeys.map(|journey| journey.impaired.mean).fold(0.0, f64::max)
    };
    let weight = |(at, risk): (usize, &JourneyRisk)| match risk.expected_user_minutes {
        Some(lost) => (at, lost.mean, 0.0),
        None => (at, 0.0, impaired(at)),
    };
    let mut journeys: Vec<(usize, f64, f64)> = found.risk.journeys.iter().enumerate().map(weight).collect();
    journeys.retain(|(_, lost, impaired)| *lost > 0.0 || *impaired > 0.0);
    journeys.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.2.total_cmp(&a.2)).then(a.0.cmp(&b.0)));
    let worst_need = |at: usize| {
        let needs = system.journeys()[at].needs.iter().map(|need| (need.service, p_impaired(need.service)));
        needs.fold(None, |worst: Option<(ServiceId, f64)>, (service, p)| match worst {
            Some((_, most)) if most >= p => worst,
            _ => Some((service, p)),
        })
    };
    let mut asked: Vec<(usize, ServiceId)> = Vec::new();
    for (at, ..) in journeys {
        if let Some((service, p)) = worst_need(at)
            && p > 0.0
            && asked.len() < CASCADES
            && !asked.iter().any(|(_, known)| *known == service)
        {
            asked.push((at, service));
        }
    }
    let services: Vec<ServiceId> = asked.iter().map(|(_, service)| *service).collect();
    let ways = commonest_ways(system, compact, scenario, question, &services).map_err(|problem| vec![problem])?;
    let told = |way: Way| {
        let (at, _) = asked.iter().find(|(_, service)| *service == way.service)?;
        Some(Cascade {
            journey: system.journeys()[*at].name.clone(),
            service: system.service_name(way.service).to_owned(),
            impaired: way.impaired,
            share: way.share,
            steps: way.steps.iter().map(|step| system.endpoint_name(*step)).collect(),
            because: way.dependencies.iter().filter_map(|id| reason(system, *id)).take(REASONS).collect(),
        })
    };
    Ok(ways.into_iter().filter_map(told).collect())
}

/// What lets a failure over a dependency, and whether that is known.
fn reason(system: &System, id: DependencyId) -> Option<String> {
    let (facts, kind) = (system.dependency(id), system.kind(id));
    let (from, to) = (system.endpoint_name(system.consumer(id)), system.endpoint_name(system.provider(id)));
    let assumed = match system.stated_probability(id) {
        Some(_) => String::new(),
        None => format!(" (that it crosses with {:.0} % is assumed)", default_probability(system, id) * 100.0),
    };
    let untested = facts.fallback.is_some_and(|fallback| fallback.tested != Some(true));
    let crossing = Crossing::of(system, id);
    // Where what it does not cover is enough, it does not matter how likely the rest crosses.
    if let Some(fallback) = facts.fallback
        && crossing.p_errors < 1.0
        && p_errors_impair(&crossing) == 1.0
    {
        let covered = (fallback.coverage * 1_000.0).round() / 10.0;
        let too = if untested { " and is untested" } else { "" };
        return Some(format!("the fallback of {from} for {to} covers {covered} % of the requests{too}"));
    }
    match kind {
        DependencyKind::Soft if untested => Some(format!("the fallback of {from} for {to} is untested{assumed}")),
        DependencyKind::Soft if facts.fallback.is_none() => Some(format!("no fallback of {from} for {to} is known{assumed}")),
        DependencyKind::Hard if facts.buffer.is_none() && facts.cache.is_none() => {
            Some(format!("{from} cannot do without {to}{assumed}"))
        }
        DependencyKind::Unknown => Some(format!("how {from} needs {to} is unknown{assumed}")),
        _ if crossing.p_data > 0.0 && facts.validated.flatten() != Some(true) && kind == DependencyKind::Async => {
            Some(format!("{from} does not validate the data of {to}{assumed}"))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "explanation_tests.rs"]
mod tests;
