//! The special case in which one total outage spreads over arcs that let all of it through or nothing: no heap, one pass.
//!
//! With a single root that is fully down for a time, and consumers that fail fully a while after their provider or not at all,
//! service v goes down at the shortest live distance from the root by buffers, if that is before the root is back, and everybody
//! is back with the root (model.md §2.5, exact special case). The root itself still runs through the events, so detection,
//! repair, stand-bys and restarts need no second implementation. What must hold: every number is the one that the events give,
//! tick for tick; where a trial does not look like the special case, the events decide it.
//!
//! One pass over the arcs into what static reach found, in topological order; a component of several nodes is repeated until
//! nothing changes. O(arcs) a trial without cycles.

use super::record::ServiceOutcome;
use super::{Timeline, Trial};
use crate::fault::draw::Choose;
use crate::fault::scenario::{Harm, Incident};
use crate::model::crossing::Crossing;
use crate::model::facts::Channels;
use crate::propagation::lane::{Arcs, ErrorArc, at_least_shortest};
use crate::propagation::plan::Plan;
use crate::random::Purpose;
use crate::statistics::normal;
use crate::units::Ticks;

/// A scenario that is such a case.
#[derive(Debug)]
pub(super) struct Spread {
    /// Plan nodes of the service that is hit, its label among them, ascending.
    roots: Vec<u32>,
    /// What the pass needs to know of the plan's arcs, in their order.
    arcs: Vec<ErrorArc>,
}

impl Spread {
    /// `None` where the scenario, the arcs or the services need the events.
    pub(super) fn new(line: &Timeline<'_>) -> Option<Self> {
        let [incident] = line.scenario.incidents.as_slice() else { return None };
        let plain_services = line.tails.is_empty()
            && line.startup.is_empty()
            && line.layer.is_none()
            && line.symptom_laws.is_empty()
            && line.breakers.is_empty()
            && line.plan.gates.is_empty();
        let all_or_nothing = line.plan.rules.iter().all(|rule| is_all_or_nothing(&rule.crossing));
        (line.plan.channels == Channels::ERRORS && is_one_total_outage(incident) && plain_services && all_or_nothing).then(|| {
            Self {
                roots: roots(line.plan, incident),
                arcs: (0..line.plan.in_source.len()).map(|arc| ErrorArc::of(line.plan, arc)).collect(),
            }
        })
    }
}

fn is_one_total_outage(incident: &Incident) -> bool {
    matches!(incident.harm, Harm::Fixed { errors, latency, wrong } if errors >= 1.0 && latency <= 1.0 && wrong <= 0.0)
        && incident.share >= 1.0
        && !incident.advice
        && incident.common.is_empty()
        && incident.watchers.is_empty()
        && incident.exposure.is_none()
        && matches!(incident.members.as_slice(), [member] if member.p >= 1.0
            && member.pool.is_none_or(|errors| errors >= 1.0)
            && member.operations.iter().all(|(_, p)| *p >= 1.0))
}

/// Does a total outage cross as a total outage, a fixed time later, or not at all?
fn is_all_or_nothing(crossing: &Crossing) -> bool {
    crossing.share >= 1.0 && crossing.uncovered <= 0.0 && crossing.cache.is_none() && crossing.drain.is_none()
}

fn roots(plan: &Plan, incident: &Incident) -> Vec<u32> {
    let hit = incident.members.iter().flat_map(|member| &member.operations);
    let mut roots: Vec<u32> = hit.filter_map(|(node, _)| plan.local(*node)).map(|node| node as u32).collect();
    roots.extend(roots.clone().iter().map(|node| plan.label_of(*node as usize)));
    roots.sort_unstable();
    roots.dedup();
    roots
}

/// Work space of the pass; reused from trial to trial.
#[derive(Debug, Default)]
pub(super) struct Reach {
    /// When each plan node goes down; [`Ticks::MAX`] for never.
    down_from: Vec<Ticks>,
    /// Services beyond the root that went down in this trial.
    pub(super) services: Vec<(u32, ServiceOutcome)>,
}

impl<'a> Trial<'a> {
    /// Runs one trial if it is of the special kind; false if the events must decide it.
    pub(super) fn spread(&mut self, line: &Timeline<'a>, nodes: &[u32], choose: &mut (impl Choose + Arcs)) -> bool {
        let Some(spread) = &line.spread else { return false };
        self.run_events(line, &spread.roots, choose);
        let outage = self.services(line).next().map(|(_, outcome)| *outcome);
        let Some(ServiceOutcome { onset: Some(from), downtime, impaired_time, .. }) = outage else { return false };
        // Harm that is not total all of the time is for the events.
        if impaired_time != downtime || downtime == Ticks::ZERO {
            return false;
        }
        let until = from.saturating_add(downtime);
        let mut reach = std::mem::take(&mut self.reach);
        reach.run(line.plan, spread, nodes, (from, until), choose);
        self.spread_journeys(line, &reach.down_from, until);
        for node in nodes {
            reach.down_from[*node as usize] = Ticks::MAX;
        }
        self.reach = reach;
        true
    }

    /// All that a journey needs comes back at the same time, so it is down from the first loss on.
    fn spread_journeys(&mut self, line: &Timeline<'a>, down_from: &[Ticks], until: Ticks) {
        for (journey, needs) in line.journey_needs.iter().enumerate() {
            let from = needs.iter().map(|node| down_from[*node as usize]).min().unwrap_or(Ticks::MAX);
            self.record.set_total_loss(line, journey, from, until);
        }
    }
}

impl Reach {
    fn run(&mut self, plan: &Plan, spread: &Spread, nodes: &[u32], outage: (Ticks, Ticks), choose: &mut (impl Choose + Arcs)) {
        self.services.clear();
        self.down_from.resize(plan.len(), Ticks::MAX);
        for root in &spread.roots {
            self.down_from[*root as usize] = outage.0;
        }
        let has_cycles = !plan.inner_start.is_empty();
        let mut at = 0;
        while at < nodes.len() {
            let end = if has_cycles {
                let end = plan.component_end(nodes[at]);
                at + nodes[at..].partition_point(|node| *node < end)
            } else {
                at + 1
            };
            // Distances only fall, and by whole ticks.
            loop {
                let mut changed = false;
                for node in &nodes[at..end] {
                    changed |= self.pull(&spread.arcs[plan.arcs_into(*node as usize)], *node as usize, outage.1, choose);
                }
                if !changed || end - at == 1 {
                    break;
                }
            }
            at = end;
        }
        for node in nodes {
            let from = self.down_from[*node as usize];
            if from < outage.1 && plan.is_label[*node as usize] && spread.roots.binary_search(node).is_err() {
                self.services.push((*node, ServiceOutcome::down(from, outage.1)));
            }
        }
    }

    /// The earliest time at which a live arc takes the node down; true if that is news.
    #[inline]
    fn pull(&mut self, arcs: &[ErrorArc], node: usize, until: Ticks, choose: &mut (impl Choose + Arcs)) -> bool {
        let before = self.down_from[node];
        let mut earliest = before;
        for arc in arcs {
            let from = self.down_from[arc.source as usize];
            // Neither a draw nor a wait can make it earlier than its provider.
            if from >= earliest || from >= until || !choose.below(arc.slot as usize, arc.key, arc.threshold) {
                continue;
            }
            let fires = from.saturating_add(at_least_shortest(buffer(arc, choose)));
            if fires < until {
                earliest = earliest.min(fires);
            }
        }
        self.down_from[node] = earliest;
        earliest < before
    }
}

/// How long the buffer of an arc lasts in this trial: what [`Arcs::buffer`] says, with less arithmetic.
#[inline]
fn buffer(arc: &ErrorArc, choose: &mut impl Choose) -> Ticks {
    let Some(law) = arc.buffer else { return Ticks::ZERO };
    law.constant().unwrap_or_else(|| {
        let uniform = choose.uniform(Purpose::Buffer, arc.name, &|| "buffer of a dependency".into());
        law.at_scaled_deviate(arc.sigma * normal::quantile(uniform))
    })
}
