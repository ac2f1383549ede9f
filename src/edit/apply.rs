//! What an edit does to a system, to faults, and to a change.
//!
//! Each function says whether the edit had anything to act on there; the caller refuses an edit that acts nowhere. Names that do not
//! exist are refused with the nearest one.

use super::{Edit, Ends, Replication, What};
use crate::change::facts::{Change, Reviewer, TriState};
use crate::diagnostic::{Diagnostic, nearest};
use crate::fault::{Fault, FaultKind, catalogue};
use crate::model::System;
use crate::model::crossing::{Crossing, default_probability};
use crate::model::facts::{
    Belief, Cache, Dependency, DependencyKind, Fallback, GroupKind, Replicas, Retries, Service, ServiceKind,
};
use crate::units::{DependencyId, GroupId, Probability, ServiceId};
use std::ops::Range;

/// Why an edit does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong and what would help. Boxed, because it is rare.
    pub problem: Box<Diagnostic>,
    /// The byte range in the text of the edit.
    pub range: Range<usize>,
}

impl Refusal {
    fn new(edit: &Edit, problem: Diagnostic) -> Self {
        Self { problem: Box::new(problem), range: edit.subject.clone() }
    }

    fn with(edit: &Edit, message: impl Into<String>) -> Self {
        Self::new(edit, Diagnostic::error("wrong-edit", message))
    }

    /// An edit that has nothing to act on.
    pub fn nothing_to_act_on(edit: &Edit, has_change: bool) -> Self {
        let message = match &edit.what {
            What::Rollout(_) => {
                "no fault here is held back by a roll-out: bad_deploy, config_push and corrupt_output are".to_owned()
            }
            What::Rollback(..) => "no fault here is rolled back: bad_deploy and config_push are".to_owned(),
            What::RestoreTested => "no fault here loses state that could be restored: state_loss does".to_owned(),
            What::DenyDelete(_) => "no authority dependency allows deletion, and the change destroys nothing".to_owned(),
            _ if edit.needs_change() && !has_change => format!("`{edit}` is about a change: give one with --change"),
            _ => format!("`{edit}` has nothing to act on"),
        };
        Self::with(edit, message)
    }
}

/// Changes a system. `Ok(false)` where the edit is about something else.
///
/// # Errors
/// Names that do not exist, and facts that do not fit each other.
pub fn on_system(edit: &Edit, system: &mut System) -> Result<bool, Refusal> {
    let has_acted = match &edit.what {
        What::Rollout(_)
        | What::Rollback(None, _)
        | What::RestoreTested
        | What::SeniorReview
        | What::Simulated
        | What::Tests(_) => return Ok(false),
        What::Replicas(..) | What::Zones(..) | What::Monitor(..) | What::Rollback(Some(_), _) => {
            has_facts(edit, system)?;
            on_service(edit, system)?;
            true
        }
        What::DenyDelete(service) => deny_delete(edit, system, service.as_deref())?,
        _ => {
            on_dependencies(edit, system)?;
            true
        }
    };
    if has_acted {
        system.recheck().map_err(|problems| {
            let first = problems.into_iter().next().unwrap_or_else(|| Diagnostic::error("wrong-edit", "the facts do not fit"));
            Refusal::new(edit, first)
        })?;
    }
    Ok(has_acted)
}

fn has_facts(edit: &Edit, system: &System) -> Result<(), Refusal> {
    if !system.holds_probabilities_only() {
        return Ok(());
    }
    let problem = Diagnostic::error("wrong-edit", "an edge list holds probabilities only");
    Err(Refusal::new(edit, problem.help("`probability` and `remove` work on it; other edits need a topology file")))
}

fn service(edit: &Edit, system: &System, name: &str) -> Result<ServiceId, Refusal> {
    system.find_service(&name.replace("\\.", ".")).ok_or_else(|| {
        let problem = Diagnostic::error("unknown-service", format!("there is no service `{name}`"));
        Refusal::new(edit, problem.suggest(name, system.service_names()))
    })
}

fn on_service(edit: &Edit, system: &mut System) -> Result<(), Refusal> {
    let (What::Replicas(name, _) | What::Zones(name, _) | What::Monitor(name, _) | What::Rollback(Some(name), _)) = &edit.what
    else {
        return Ok(());
    };
    let id = service(edit, system, name)?;
    match &edit.what {
        What::Replicas(_, wanted) => {
            let Replicas { count, need } = system.service(id).replicas.unwrap_or_default();
            let count = match wanted {
                Replication::More(more) => count.saturating_add(*more),
                Replication::Count(count) => *count,
            };
            if count < need {
                return Err(Refusal::with(edit, format!("`{name}` needs {need} replicas: {count} are too few")));
            }
            system.change_service(id, |service| service.replicas = Some(Replicas { count, need }));
        }
        What::Zones(_, zones) => {
            let zones = zones.iter().map(|zone| self::zone(edit, system, zone)).collect::<Result<Vec<GroupId>, Refusal>>()?;
            system.set_zones(id, &zones);
        }
        What::Monitor(_, Some(law)) => system.change_service(id, |service| service.detect = Some(*law)),
        What::Monitor(_, None) => {
            if system.service(id).detect.is_some() {
                let problem = Diagnostic::error("wrong-edit", format!("`{name}` states `detect`, its whole time to detection"));
                return Err(Refusal::new(edit, problem.help(format!("give the new one, such as `monitor:{name}=5m/15m`"))));
            }
            let facts = Service { kind: Some(ServiceKind::Monitor), ..Service::default() };
            if system.add_monitor(id, &format!("monitor of {name}"), facts).is_none() {
                return Err(Refusal::with(edit, format!("`{name}` has this monitor already")));
            }
        }
        _ => {
            let What::Rollback(_, law) = edit.what else { return Ok(()) };
            system.change_service(id, |service| service.rollback = Some(law.unwrap_or(catalogue::ROLLBACK)));
        }
    }
    Ok(())
}

fn zone(edit: &Edit, system: &System, name: &str) -> Result<GroupId, Refusal> {
    let zones = || system.groups().filter(|(_, _, group, _)| group.kind == GroupKind::Zone);
    let found = zones().find(|(_, known, ..)| *known == name).map(|(id, ..)| id);
    found.ok_or_else(|| {
        let problem = Diagnostic::error("unknown-group", format!("there is no group `{name}` of kind zone"));
        Refusal::new(edit, problem.suggest(name, zones().map(|(_, known, ..)| known)))
    })
}

/// The dependencies between two ends.
fn between(edit: &Edit, system: &System, ends: &Ends) -> Result<Vec<DependencyId>, Refusal> {
    let end = |reference: &str| system.resolve(reference).map_err(|problem| Refusal::new(edit, problem));
    let (from, to) = (end(&ends.from)?, end(&ends.to)?);
    let fits = |asked: crate::model::Endpoint, known: crate::model::Endpoint| {
        asked.service == known.service && (asked.operation.is_none() || asked.operation == known.operation)
    };
    let ids = |from, to| {
        let fitting =
            system.dependency_ids().filter(move |id| fits(from, system.consumer(*id)) && fits(to, system.provider(*id)));
        fitting.collect::<Vec<DependencyId>>()
    };
    let found = ids(from, to);
    if !found.is_empty() {
        return Ok(found);
    }
    let problem = Diagnostic::error("unknown-dependency", format!("`{}` does not depend on `{}`", ends.from, ends.to));
    let problem = if ids(to, from).is_empty() {
        let mut providers: Vec<&str> = Vec::new();
        for id in system.dependency_ids().filter(|id| system.consumer(*id).service == from.service) {
            let name = system.service_name(system.provider(id).service);
            if !providers.contains(&name) {
                providers.push(name);
            }
        }
        match (nearest(&ends.to, providers.iter().copied()), providers.as_slice()) {
            (Some(near), _) => problem.help(format!("did you mean `{}->{near}`?", ends.from)),
            (None, []) => problem.help("it depends on nothing"),
            (None, some) => problem.help(format!("it depends on {}", some[..some.len().min(8)].join(", "))),
        }
    } else {
        problem.help(format!("it is the other way round: the consumer comes first, `{}->{}`", ends.to, ends.from))
    };
    Err(Refusal::new(edit, problem))
}

/// Kinds of dependency on which an edit acts; all where nothing is said.
fn kinds(what: &What) -> &'static [DependencyKind] {
    use DependencyKind::{Async, Authority, Hard, Knowledge, Soft, Unknown};
    match what {
        What::Fallback { .. } => &[Hard, Soft, Unknown],
        What::Breaker(..) | What::Timeout(..) | What::Retries(..) | What::RetryBudget(..) => &[Hard, Soft, Unknown],
        What::ServeStale(..) => &[Hard, Soft, Unknown, Async],
        What::Buffer(..) | What::Validator(..) => &[Hard, Soft, Unknown, Async, Authority, Knowledge],
        _ => &[],
    }
}

fn on_dependencies(edit: &Edit, system: &mut System) -> Result<(), Refusal> {
    let (What::Fallback { ends, .. }
    | What::Breaker(ends, _)
    | What::Timeout(ends, _)
    | What::Retries(ends, _)
    | What::RetryBudget(ends, _)
    | What::Buffer(ends, _)
    | What::ServeStale(ends, _)
    | What::Validator(ends, _)
    | What::Crossing(ends, _)
    | What::Remove(ends)) = &edit.what
    else {
        return Ok(());
    };
    if !matches!(edit.what, What::Crossing(..) | What::Remove(_)) {
        has_facts(edit, system)?;
    }
    let (mut ids, allowed) = (between(edit, system, ends)?, kinds(&edit.what));
    let found = system.kind(ids[0]).name();
    ids.retain(|id| allowed.is_empty() || allowed.contains(&system.kind(*id)));
    if ids.is_empty() {
        let names: Vec<&str> = allowed.iter().map(|kind| kind.name()).collect();
        let problem = Diagnostic::error("wrong-edit", format!("the dependency is of kind {found}"));
        return Err(Refusal::new(edit, problem.help(format!("this edit goes with {}", names.join(", ")))));
    }
    match &edit.what {
        What::Remove(_) if !system.holds_probabilities_only() => system.remove_dependencies(&ids),
        What::Remove(_) => set_probability(system, &ids, Probability::ZERO),
        What::Crossing(_, p) => set_probability(system, &ids, *p),
        What::Fallback { coverage, tested, .. } => {
            ids.iter().for_each(|id| add_fallback(system, *id, Fallback { coverage: *coverage, tested: Some(*tested) }));
        }
        what => ids.iter().for_each(|id| system.change_dependency(*id, |_, facts| mechanism(what, facts))),
    }
    Ok(())
}

fn set_probability(system: &mut System, ids: &[DependencyId], p: Probability) {
    let all: Vec<(DependencyId, Probability)> = ids.iter().map(|id| (*id, p)).collect();
    *system = system.with_probabilities(&all);
}

/// With a fallback the consumer can do without: the dependency becomes soft. A stated probability is multiplied by the ratio of the
/// defaults after and before (product.md, semantics 5). Delay crosses a soft dependency with its own default; where it crossed less
/// before, it goes on so: a fallback makes nothing worse.
fn add_fallback(system: &mut System, id: DependencyId, fallback: Fallback) {
    let (before, delay) = (default_probability(system, id), Crossing::of(system, id).p_latency);
    system.change_dependency(id, |kind, facts| {
        *kind = DependencyKind::Soft;
        facts.fallback = Some(fallback);
    });
    let ratio = default_probability(system, id) / before;
    system.change_dependency(id, |_, facts| {
        if let Some(stated) = facts.probability {
            facts.probability = Some(Belief { mean: Probability::clipped(stated.mean.value() * ratio), ..stated });
        }
    });
    system.limit_delay(id, delay);
}

fn mechanism(what: &What, facts: &mut Dependency) {
    let retries = facts.retries.unwrap_or(Retries { attempts: 1, budget: None });
    match what {
        What::Breaker(_, breaker) => facts.breaker = Some(*breaker),
        What::Timeout(_, timeout) => facts.timeout = Some(*timeout),
        What::Retries(_, attempts) => facts.retries = Some(Retries { attempts: *attempts, ..retries }),
        What::RetryBudget(_, budget) => facts.retries = Some(Retries { budget: Some(*budget), ..retries }),
        What::Buffer(_, law) => facts.buffer = Some(*law),
        What::ServeStale(_, stale) => {
            let ttl = facts.cache.and_then(|cache| cache.ttl);
            facts.cache = Some(Cache { ttl, serve_stale: Some(*stale) });
        }
        What::Validator(_, on_invalid) => {
            facts.validated = Some(Some(true));
            facts.on_invalid = on_invalid.or(facts.on_invalid);
        }
        _ => {}
    }
}

/// Takes away the authority to delete. An authority that does not say what it may do may delete.
fn deny_delete(edit: &Edit, system: &mut System, name: Option<&str>) -> Result<bool, Refusal> {
    let of = name.map(|name| service(edit, system, name)).transpose()?;
    if system.holds_probabilities_only() {
        return Ok(false);
    }
    let may_delete = |id: &DependencyId| {
        let verbs = &system.dependency(*id).verbs;
        system.kind(*id) == DependencyKind::Authority
            && of.is_none_or(|of| system.consumer(*id).service == of)
            && (verbs.is_empty() || verbs.iter().any(|verb| verb == "delete"))
    };
    let ids: Vec<DependencyId> = system.dependency_ids().filter(may_delete).collect();
    if !ids.is_empty() {
        system.remove_dependencies(&ids);
    }
    Ok(!ids.is_empty())
}

/// Changes faults that a user named. Says whether the edit acted on any.
pub fn on_faults(edit: &Edit, faults: &mut [Fault]) -> bool {
    let mut has_acted = false;
    for fault in faults {
        has_acted |= match &edit.what {
            What::Rollout(rollout) if fault.kind.can_be_held_back() => {
                fault.rollout = Some(*rollout);
                true
            }
            What::Rollback(None, law) if fault.kind.can_roll_back() => {
                fault.rollback_tested = Some(true);
                // A roll-back takes the place of the repair that the fault states.
                fault.overrides.repair = None;
                fault.overrides.rollback = law.or(fault.overrides.rollback);
                true
            }
            What::RestoreTested => restore(fault),
            _ => false,
        };
    }
    has_acted
}

/// Changes the fault of a change that the edit was applied to before.
pub fn on_derived_fault(edit: &Edit, fault: &mut Fault) {
    match &edit.what {
        What::Rollback(None, Some(law)) if fault.rollback_tested == Some(true) => fault.overrides.rollback = Some(*law),
        What::RestoreTested => _ = restore(fault),
        _ => {}
    }
}

fn restore(fault: &mut Fault) -> bool {
    if fault.kind != FaultKind::StateLoss {
        return false;
    }
    let [restore, validate] = catalogue::TESTED_RESTORE;
    (fault.overrides.restore, fault.overrides.validate) = (Some(restore), Some(validate));
    true
}

/// Changes a change. `senior` is who could review it. Says whether the edit acted.
pub fn on_change(edit: &Edit, change: &mut Change, senior: Option<&Reviewer>) -> bool {
    match &edit.what {
        What::Rollout(rollout) => change.rollout = Some(*rollout),
        What::Rollback(None, _) => change.rollback_tested = TriState::Yes,
        What::RestoreTested if change.destructive == TriState::Yes => change.rollback_tested = TriState::Yes,
        What::DenyDelete(service) if change.destructive == TriState::Yes => {
            if service.as_ref().is_some_and(|service| !change.services.contains(service)) {
                return false;
            }
            change.destructive = TriState::No;
        }
        What::SeniorReview => match senior {
            Some(senior) => change.reviewers.push(senior.clone()),
            None => return false,
        },
        What::Simulated => change.simulated = TriState::Yes,
        What::Tests(share) => change.test_coverage = Some(*share),
        _ => return false,
    }
    true
}
