//! Which services a scenario can overload: where failures make callers try again, and where that brings more than there is
//! capacity for.
//!
//! Overload moves from consumers to providers, against the direction of failure, and an overloaded service fails its consumers
//! in turn. This is the closure of both, with an upper bound on every demand, so that nothing outside of it can be overloaded.

use super::scenario::{Harm, Scenario};
use crate::model::demand::{Demand, demands};
use crate::model::structure::harmed_from;
use crate::model::{Compact, System};
use std::collections::HashMap;

/// The services that take part in the load of a scenario.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Surge {
    /// Demand of every service that can get more than usual; empty when nothing can be overloaded.
    pub(crate) demands: Vec<Demand>,
    /// Nodes of those that can be overloaded.
    pub(crate) nodes: Vec<u32>,
}

/// Finds the closure. Each round adds a service, so there are at most as many rounds as services with a load.
pub(crate) fn surge(system: &System, compact: &Compact, scenario: &Scenario) -> Surge {
    let all = demands(system);
    if all.is_empty() {
        return Surge::default();
    }
    let by_service: HashMap<u32, usize> = all.iter().enumerate().map(|(at, demand)| (demand.service.0, at)).collect();
    // How much capacity or demand the faults themselves change.
    let mut pressure = vec![1.0_f64; all.len()];
    let shares_pools = scenario.shares_pools();
    for incident in &scenario.incidents {
        for member in incident.all_members() {
            let factor = match (incident.harm, member.lost) {
                (Harm::Overload { capacity, demand }, _) => demand.max(1.0) / capacity.max(f64::MIN_POSITIVE),
                // As few as several faults can leave without failing the service.
                (_, Some(lost)) if shares_pools => f64::from(lost.pool.count) / f64::from(lost.pool.need.max(1)),
                (_, Some(lost)) => lost.alone().capacity.map_or(1.0, |left| 1.0 / left.max(f64::MIN_POSITIVE)),
                _ => 1.0,
            };
            if let Some(at) = by_service.get(&member.service.0) {
                pressure[*at] = pressure[*at].max(factor);
            }
        }
    }
    let is_overload = scenario.incidents.iter().any(|incident| matches!(incident.harm, Harm::Overload { .. }));
    let mut raised: Vec<bool> = pressure.iter().map(|factor| is_overload && *factor > 1.0).collect();
    let mut overloaded = raised.clone();
    let sources = scenario.source_nodes();
    loop {
        let from = sources.iter().copied().chain(nodes_of(compact, &all, &overloaded));
        let harmed = harmed_from(compact, from);
        let (before_raised, before_overloaded) = (raised.clone(), overloaded.clone());
        for (at, demand) in all.iter().enumerate() {
            let fails = harmed.contains(compact.whole_node(demand.service) as usize);
            let mut most = demand.external;
            for call in &demand.calls {
                let consumer = by_service.get(&call.consumer.0);
                // An overloaded caller passes on no more than its capacity.
                let passed = consumer.filter(|at| before_raised[**at]).map_or(1.0, |at| (1.0 / all[*at].load).max(1.0));
                let tries = if fails { call.most_attempts() } else { 1.0 };
                raised[at] |= passed > 1.0 || tries > 1.0;
                most += call.weight * passed * tries;
            }
            overloaded[at] |= raised[at] && demand.load * most * pressure[at] > 1.0;
        }
        if (&raised, &overloaded) == (&before_raised, &before_overloaded) {
            break;
        }
    }
    if !overloaded.contains(&true) {
        return Surge::default();
    }
    let nodes = nodes_of(compact, &all, &overloaded).collect();
    let demands = all.into_iter().zip(raised).filter(|(_, raised)| *raised).map(|(demand, _)| demand).collect();
    Surge { demands, nodes }
}

fn nodes_of<'a>(compact: &'a Compact, demands: &'a [Demand], wanted: &'a [bool]) -> impl Iterator<Item = u32> + 'a {
    let wanted = demands.iter().zip(wanted).filter(|(_, wanted)| **wanted);
    wanted.flat_map(|(demand, _)| compact.operation_nodes(demand.service))
}
