//! What journeys rest on.
//!
//! A journey goes down with a service when the certain failure of that service crosses hard dependencies that take at least half
//! of the requests, one after the other, up to something the journey needs. k-of-n gates need more than one lost provider, so a
//! service behind a gate is tried one at a time: which providers does its loss take? Everything else is plain reachability.

use super::{Subject, about, list};
use crate::diagnostic::Level;
use crate::finding::Finding;
use crate::model::Compact;
use crate::model::compact::dependency_of;
use crate::model::crossing::Crossing;
use crate::model::draft::Place;
use crate::model::facts::{Channels, DependencyKind};
use crate::model::system::{Endpoint, ResolvedJourney};
use crate::units::{DependencyId, ServiceId};
use fixedbitset::FixedBitSet;
use std::collections::{BTreeMap, HashMap};

/// A journey is down from this severity on, and an arc that crosses less often is not taken for certain.
const HALF: f64 = 0.5;

/// Services behind gates that are tried one by one for each journey.
const TRIED: usize = 500;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let arcs = Arcs::new(subject);
    let mut reached = FixedBitSet::with_capacity(subject.system.service_count());
    let mut single: BTreeMap<ServiceId, Vec<&str>> = BTreeMap::new();
    for (at, journey) in subject.system.journeys().iter().enumerate() {
        let closure = closure(subject.compact, &journey.needs, |_| true);
        closure.ones().for_each(|node| reached.insert(subject.compact.service_of(node as u32).index()));
        findings.extend(over_unknown(subject, at, journey));
        for service in arcs.single_points(subject, journey) {
            single.entry(service).or_default().push(&journey.name);
        }
    }
    findings.extend(single.into_iter().filter_map(|(service, journeys)| single_point(subject, service, &journeys)));
    unreachable(subject, &reached, findings);
}

/// All nodes that the given ones depend on through arcs that pass, themselves included.
fn closure(compact: &Compact, needs: &[Endpoint], passes: impl Fn(DependencyId) -> bool) -> FixedBitSet {
    let mut seen = FixedBitSet::with_capacity(compact.node_count());
    let mut stack: Vec<u32> = needs.iter().map(|need| compact.node(*need)).collect();
    while let Some(node) = stack.pop() {
        if seen.put(node as usize) {
            continue;
        }
        for arc in compact.arcs_into(node) {
            if dependency_of(compact.in_dependency[arc]).is_none_or(&passes) {
                stack.push(compact.in_provider[arc]);
            }
        }
    }
    seen
}

/// How each dependency takes its consumer down.
struct Arcs {
    /// For each dependency: does a failure surely cross?
    certain: FixedBitSet,
    /// For each dependency that a k-of-n gate with spare providers lists: its service.
    gated: HashMap<DependencyId, ServiceId>,
    /// Spare providers of each gate.
    spare: HashMap<ServiceId, usize>,
}

impl Arcs {
    fn new(subject: &Subject<'_>) -> Self {
        let system = subject.system;
        let mut arcs =
            Self { certain: FixedBitSet::with_capacity(system.dependency_count()), gated: HashMap::new(), spare: HashMap::new() };
        for id in system.dependency_ids() {
            let rule = Crossing::of(system, id);
            let crosses = rule.kind == DependencyKind::Hard && rule.channels.has(Channels::ERRORS);
            arcs.certain.set(id.index(), crosses && rule.share >= HALF && rule.p_errors >= HALF);
            let consumer = system.consumer(id).service;
            let Some(requires) = &system.service(consumer).requires else { continue };
            let spare = requires.of.len().saturating_sub(requires.at_least as usize);
            if spare > 0 && requires.of.iter().any(|name| name == system.service_name(system.provider(id).service)) {
                arcs.gated.insert(id, consumer);
                arcs.spare.insert(consumer, spare);
            }
        }
        arcs
    }

    /// Services whose certain failure takes the journey down, those it names itself excepted.
    fn single_points(&self, subject: &Subject<'_>, journey: &ResolvedJourney) -> Vec<ServiceId> {
        let compact = subject.compact;
        let service_of = |node: usize| compact.service_of(node as u32);
        let one_by_one = |id: DependencyId| self.certain.contains(id.index()) && !self.gated.contains_key(&id);
        let mut points: Vec<ServiceId> = closure(compact, &journey.needs, one_by_one).ones().map(service_of).collect();
        points.sort_unstable();
        points.dedup();
        if !self.gated.is_empty() {
            let all = closure(compact, &journey.needs, |id| self.certain.contains(id.index()));
            let mut behind: Vec<ServiceId> = all.ones().map(service_of).collect();
            behind.dedup();
            behind.retain(|service| points.binary_search(service).is_err());
            let lost = behind.into_iter().take(TRIED).filter(|service| self.takes_down(subject, &all, *service, journey));
            let more: Vec<ServiceId> = lost.collect();
            points.extend(more);
            points.sort_unstable();
            points.dedup();
        }
        points.retain(|service| journey.needs.iter().all(|need| need.service != *service));
        points
    }

    /// Follows one certain failure through gates, inside the part that matters: repeats until nothing more is lost.
    fn takes_down(&self, subject: &Subject<'_>, part: &FixedBitSet, service: ServiceId, journey: &ResolvedJourney) -> bool {
        let compact = subject.compact;
        let mut lost = FixedBitSet::with_capacity(compact.node_count());
        compact.operation_nodes(service).for_each(|node| lost.insert(node as usize));
        lost.insert(compact.whole_node(service) as usize);
        let mut grew = true;
        while grew {
            grew = false;
            for node in part.ones() {
                if !lost.contains(node) && self.is_lost(subject, &lost, node as u32) {
                    lost.insert(node);
                    grew = true;
                }
            }
        }
        journey.needs.iter().any(|need| lost.contains(compact.node(*need) as usize))
    }

    fn is_lost(&self, subject: &Subject<'_>, lost: &FixedBitSet, node: u32) -> bool {
        let compact = subject.compact;
        let mut gone: Vec<ServiceId> = Vec::new();
        for arc in compact.arcs_into(node) {
            let provider = compact.in_provider[arc];
            if !lost.contains(provider as usize) {
                continue;
            }
            match dependency_of(compact.in_dependency[arc]) {
                Some(id) if !self.certain.contains(id.index()) => {}
                Some(id) if self.gated.contains_key(&id) => {
                    let service = compact.service_of(provider);
                    if !gone.contains(&service) {
                        gone.push(service);
                    }
                }
                _ => return true,
            }
        }
        self.spare.get(&compact.service_of(node)).is_some_and(|spare| gone.len() > *spare)
    }
}

/// A stated single replica is a warning; where nobody says how many there are, a note.
fn single_point(subject: &Subject<'_>, id: ServiceId, journeys: &[&str]) -> Option<Finding> {
    let (service, name) = (subject.system.service(id), subject.system.service_name(id));
    let has_failover = service.failover.is_some_and(|failover| failover.works.value() >= HALF);
    if has_failover || service.replicas.is_some_and(|replicas| replicas.count > 1) {
        return None;
    }
    let plural = if journeys.len() == 1 { "journey" } else { "journeys" };
    let (level, copies) = match service.replicas {
        Some(_) => (Level::Warning, "has one replica"),
        None => (Level::Note, "does not state its replicas (one is assumed)"),
    };
    let place = Place::Service(id.index(), service.replicas.map(|_| "replicas"), None);
    let message = format!("`{name}` {copies}, and its failure takes {plural} {} down", list(journeys));
    let help = format!("add replicas or a failover to `{name}`, or make a dependency on the way soft with a tested fallback");
    Some(about(subject.finding("single-point-of-failure", level, place, message), name, help))
}

fn over_unknown(subject: &Subject<'_>, at: usize, journey: &ResolvedJourney) -> Option<Finding> {
    let (system, compact) = (subject.system, subject.compact);
    let serves = |id: DependencyId| {
        matches!(system.kind(id), DependencyKind::Hard | DependencyKind::Soft | DependencyKind::Async | DependencyKind::Unknown)
    };
    let part = closure(compact, &journey.needs, serves);
    let mut unknown: Vec<DependencyId> = part
        .ones()
        .flat_map(|node| compact.arcs_into(node as u32))
        .filter_map(|arc| dependency_of(compact.in_dependency[arc]))
        .filter(|id| system.kind(*id) == DependencyKind::Unknown)
        .collect();
    unknown.sort_unstable();
    unknown.dedup();
    let names: Vec<String> = unknown.iter().map(|id| subject.dependency_name(*id)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let count = match unknown.len() {
        0 => return None,
        1 => "a dependency".to_owned(),
        count => format!("{count} dependencies"),
    };
    let message = format!("journey `{}` rests on {count} of unknown kind: {}", journey.name, list(&names));
    let finding = subject.finding("journey-over-unknown", Level::Warning, Place::Journey(at, Some("needs"), None), message);
    Some(about(finding, journey.name.as_str(), "find out whether they are hard or soft; until then they count nearly as hard"))
}

/// Without journeys only services without any neighbour stand out.
fn unreachable(subject: &Subject<'_>, reached: &FixedBitSet, findings: &mut Vec<Finding>) {
    let system = subject.system;
    let count = system.service_count();
    let (mut needed, mut needs) = (FixedBitSet::with_capacity(count), FixedBitSet::with_capacity(count));
    // What a monitor costs is time to detection, which is no way of a journey.
    let mut watches = FixedBitSet::with_capacity(count);
    for id in system.dependency_ids() {
        let (consumer, provider) = (system.consumer(id).service.index(), system.provider(id).service.index());
        needed.insert(provider);
        needs.insert(consumer);
        if system.kind(id) == DependencyKind::Monitors && (reached.contains(consumer) || system.journeys().is_empty()) {
            watches.insert(provider);
        }
    }
    let has_journeys = !system.journeys().is_empty();
    let is_idle = |id: &ServiceId| !reached.contains(id.index()) && !watches.contains(id.index());
    for id in system.service_ids().filter(is_idle) {
        let (name, tier) = (system.service_name(id), system.service(id).tier);
        let is_needed = needed.contains(id.index());
        let message = match (has_journeys, is_needed) {
            (true, true) => format!("no journey needs `{name}`, directly or through others: its failures cost no user-minutes"),
            (true, false) => format!("no journey needs `{name}` and nothing depends on it: its failures cost no user-minutes"),
            (false, false) if !needs.contains(id.index()) => format!("`{name}` has no dependencies and nothing depends on it"),
            (false, _) => continue,
        };
        let level = if has_journeys && tier.is_some_and(|tier| tier <= 1) { Level::Warning } else { Level::Note };
        let finding = subject.finding("unreachable-service", level, Place::Service(id.index(), None, None), message);
        findings.push(about(finding, name, "add the missing dependency or journey, or remove the service"));
    }
}
