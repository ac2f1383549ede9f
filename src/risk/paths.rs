//! The most likely way from the faulty services to another one.
//!
//! The probability of a path is the product of the probabilities of its dependencies, so the most likely path is the shortest
//! under −ln p (Dijkstra 1959). Each service counts its own step once; arcs inside a service are certain.
//!
//! It explains, it does not add up: a service can be likelier to fall than its best path, through all paths together. Delays,
//! gates (k-of-n) and how severe a failure is are left out; what no fallback covers crosses for certain.
//! O((services + dependencies) log services). Source: model.md §3.6.

use super::assessment::Path;
use crate::fault::Scenario;
use crate::model::compact::{REVERSED, dependency_of};
use crate::model::crossing::Crossing;
use crate::model::facts::Channels;
use crate::model::{Compact, Endpoint, System};
use crate::propagation::transfer::p_errors_impair;
use crate::units::{DependencyId, ServiceId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The most likely path from the targets of a scenario to a service, without one dependency where asked; `None` where there is
/// none.
pub fn most_likely(
    system: &System,
    compact: &Compact,
    scenario: &Scenario,
    service: ServiceId,
    without: Option<DependencyId>,
) -> Option<Path> {
    Some(written(system, compact, &search(system, compact, scenario, service, without)?))
}

/// The most likely path, and the best one that avoids one of its dependencies.
pub fn two_most_likely(system: &System, compact: &Compact, scenario: &Scenario, service: ServiceId) -> Vec<Path> {
    let Some(best) = search(system, compact, scenario, service, None) else { return Vec::new() };
    let others = best.arcs.iter().filter_map(|(_, arc)| dependency_of(*arc));
    let others = others.filter_map(|avoided| most_likely(system, compact, scenario, service, Some(avoided)));
    let second = others.reduce(|a, b| if b.probability > a.probability { b } else { a });
    std::iter::once(written(system, compact, &best)).chain(second).collect()
}

/// A path as nodes, each with the arc that leaves it; the last node is the service's.
struct Found {
    arcs: Vec<(u32, u32)>,
    last: u32,
    probability: f64,
}

fn search(
    system: &System,
    compact: &Compact,
    scenario: &Scenario,
    service: ServiceId,
    without: Option<DependencyId>,
) -> Option<Found> {
    let mut is_source = fixedbitset::FixedBitSet::with_capacity(compact.node_count());
    scenario.source_nodes().into_iter().for_each(|node| is_source.insert(node as usize));
    // Backwards from the service, along the arcs that are stored at the side that is harmed.
    let last = compact.whole_node(service);
    let mut best = vec![0.0_f64; compact.node_count()];
    let mut next = vec![(u32::MAX, 0_u32); compact.node_count()];
    let mut done = fixedbitset::FixedBitSet::with_capacity(compact.node_count());
    let mut queue = BinaryHeap::from([(Ordered(1.0), Reverse(last))]);
    best[last as usize] = 1.0;
    while let Some((Ordered(p), Reverse(node))) = queue.pop() {
        if done.put(node as usize) {
            continue;
        }
        if is_source.contains(node as usize) {
            let (mut arcs, mut at) = (Vec::new(), node);
            while at != last {
                let (consumer, arc) = next[at as usize];
                arcs.push((at, arc));
                at = consumer;
            }
            return Some(Found { arcs, last, probability: p });
        }
        for at in compact.arcs_into(node) {
            let (provider, arc) = (compact.in_provider[at], compact.in_dependency[at]);
            let reached = p * probability(system, arc, without);
            if reached > best[provider as usize] && !done.contains(provider as usize) {
                best[provider as usize] = reached;
                next[provider as usize] = (node, arc);
                queue.push((Ordered(reached), Reverse(provider)));
            }
        }
    }
    None
}

/// P(an arc carries something).
fn probability(system: &System, arc: u32, without: Option<DependencyId>) -> f64 {
    let Some(id) = dependency_of(arc) else { return 1.0 };
    if Some(id) == without {
        return 0.0;
    }
    if arc & REVERSED != 0 {
        return Crossing::of(system, id).p_data;
    }
    // The rule of a plain edge list is its stated number.
    if system.dependencies.detail.is_empty()
        && let Some(stated) = system.stated_probability(id)
    {
        return stated;
    }
    let crossing = Crossing::of(system, id);
    let carried = [
        (Channels::ERRORS, p_errors_impair(&crossing)),
        (Channels::DATA, crossing.p_data),
        // Delay alone would make every soft dependency look hard.
        (Channels::LATENCY, if crossing.channels.has(Channels::ERRORS) { 0.0 } else { crossing.p_latency }),
    ];
    carried.into_iter().filter(|(channel, _)| crossing.channels.has(*channel)).map(|(_, p)| p).fold(0.0, f64::max)
}

fn written(system: &System, compact: &Compact, found: &Found) -> Path {
    let nodes = found.arcs.iter().map(|(node, _)| *node).chain([found.last]);
    let mut steps: Vec<String> = Vec::new();
    let mut last_service = None;
    for node in nodes {
        let service = compact.service_of(node);
        // "Any operation" after one of the operations says nothing new.
        if last_service == Some(service) && node == compact.whole_node(service) {
            continue;
        }
        last_service = Some(service);
        let is_operation = node != compact.whole_node(service);
        let operation = is_operation.then(|| node - compact.operation_nodes(service).start);
        steps.push(system.endpoint_name(Endpoint { service, operation }));
    }
    Path { steps, probability: found.probability }
}

/// Probabilities in order; none of them is NaN.
#[derive(PartialEq)]
struct Ordered(f64);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{arcs, build, v4};
    use super::*;
    use crate::fault::{Fault, FaultKind};
    use crate::model::facts::Fallback;
    use crate::propagation::{Request, simulate};

    #[test]
    fn v16_most_likely_path() {
        let system = v4();
        let compact = Compact::new(&system);
        let scenario = Scenario::new(&system, &compact, &[Fault::new(FaultKind::Crash, "s")], None).expect("scenario");
        let t = system.find_service("t").expect("t");
        let paths = two_most_likely(&system, &compact, &scenario, t);
        assert_eq!(paths[0].steps, ["s", "a", "b", "t"]);
        assert!((paths[0].probability - 0.432).abs() < 1e-12 && (paths[1].probability - 0.315).abs() < 1e-12);
        let s = system.find_service("s").expect("s");
        assert_eq!(most_likely(&system, &compact, &scenario, s, None).expect("itself").steps, ["s"]);
    }

    /// Exact: half of the requests fail in every trial, whether the rest crosses or not.
    #[test]
    fn what_no_fallback_covers_crosses_for_certain() {
        let step = |coverage, share| {
            let mut draft = arcs(&[("s", "t", 0.05)]);
            let facts = &mut draft.dependencies[0].facts;
            (facts.fallback, facts.share) = (Some(Fallback { coverage, tested: Some(true) }), Some(share));
            let system = build(draft);
            let compact = Compact::new(&system);
            let scenario = Scenario::new(&system, &compact, &[Fault::new(FaultKind::Crash, "s")], None).expect("scenario");
            let t = system.find_service("t").expect("t");
            let exact = Request { static_reach: true, exact: true, ..Request::default() };
            let found = simulate(&system, &compact, &scenario, &exact).expect("small").p_impaired(t);
            (most_likely(&system, &compact, &scenario, t, None).map_or(0.0, |path| path.probability), found)
        };
        assert_eq!(step(0.5, 1.0), (1.0, 1.0));
        assert_eq!(step(0.5, 0.005), (0.0, 0.0), "too few to impair");
        for covered in [step(1.0, 1.0), step(0.995, 1.0)] {
            assert!((covered.0 - 0.05).abs() < 1e-12 && (covered.1 - 0.05).abs() < 1e-9, "{covered:?}");
        }
    }
}
