//! When one total outage spreads over arcs that let all of it through or nothing.
//!
//! With a single root that is fully down for a time, and consumers that fail fully a while after their provider or not at all,
//! service v goes down at the shortest live distance from the root by buffers, if that is before the root is back, and everybody
//! is back with the root (model.md §2.5, exact special case). The root itself still runs through the events, so detection,
//! repair, stand-bys and restarts need no second implementation. What must hold: every number is the one that the events give,
//! tick for tick; where a trial does not look like the special case, the events decide it.
//!
//! This file says when a scenario and a trial are such a case; [`super::super::spreading`] computes what follows.

use super::record::{JourneyOutcome, ServiceOutcome};
use super::{Timeline, Trial};
use crate::fault::draw::Choose;
use crate::fault::scenario::{Harm, Incident};
use crate::model::DurationLaw;
use crate::model::crossing::Crossing;
use crate::model::facts::Channels;
use crate::propagation::lane::{Arcs, ErrorArc};
use crate::propagation::plan::Plan;
use crate::units::Ticks;

/// A scenario that is such a case.
#[derive(Debug)]
pub(crate) struct Spread {
    /// Plan nodes of the service that is hit, its label among them, ascending.
    pub(crate) roots: Vec<u32>,
    /// What there is to know of the plan's arcs, in their order; empty where they are plain.
    arcs: Vec<ErrorArc>,
    /// Most arcs into one component.
    pub(crate) most_arcs: usize,
    /// Nodes of the largest component.
    pub(crate) most_nodes: usize,
    /// Plan nodes in the plan's order, but nodes of one component by how near they are to where harm comes in: distances are then
    /// found in fewer sweeps.
    pub(crate) visits: Vec<u32>,
}

/// The outage of the root in a trial.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outage {
    pub(crate) onset: Ticks,
    /// Above 0.
    pub(crate) length: Ticks,
}

impl Spread {
    /// `None` where the scenario, the arcs or the services need the events.
    pub(crate) fn new(line: &Timeline<'_>) -> Option<Self> {
        let [incident] = line.scenario.incidents.as_slice() else { return None };
        let plain_services = line.tails.is_empty()
            && line.startup.is_empty()
            && line.layer.is_none()
            && line.symptom_laws.is_empty()
            && line.breakers.is_empty()
            && line.plan.gates.is_empty();
        let all_or_nothing = line.plan.rules.iter().all(|rule| is_all_or_nothing(&rule.crossing));
        (line.plan.channels == Channels::ERRORS && is_one_total_outage(incident) && plain_services && all_or_nothing).then(|| {
            let roots = roots(line.plan, incident);
            Self {
                visits: visits(line.plan, &roots),
                roots,
                arcs: if line.plan.rules.is_empty() { Vec::new() } else { arcs(line.plan) },
                most_arcs: line.plan.components.iter().map(|component| arcs_of(line.plan, component)).max().unwrap_or(0),
                most_nodes: line.plan.components.iter().map(|(start, end)| (end - start) as usize).max().unwrap_or(0),
            }
        })
    }

    /// Is it hit itself?
    #[inline(always)]
    pub(crate) fn is_root(&self, node: u32) -> bool {
        self.roots.binary_search(&node).is_ok()
    }

    /// An arc of the plan.
    #[inline(always)]
    pub(crate) fn arc(&self, plan: &Plan, arc: usize) -> ErrorArc {
        self.arcs.get(arc).copied().unwrap_or_else(|| ErrorArc::of(plan, arc))
    }
}

fn arcs(plan: &Plan) -> Vec<ErrorArc> {
    (0..plan.in_source.len()).map(|arc| ErrorArc::of(plan, arc)).collect()
}

/// Arcs into a component.
fn arcs_of(plan: &Plan, (start, end): &(u32, u32)) -> usize {
    (*start..*end).map(|node| plan.arcs_into(node as usize).len()).sum()
}

fn is_one_total_outage(incident: &Incident) -> bool {
    matches!(incident.harm, Harm::Fixed { errors, latency, wrong } if errors >= 1.0 && latency <= 1.0 && wrong <= 0.0)
        && incident.share >= 1.0
        && !incident.advice
        && incident.common.is_empty()
        && incident.watchers.is_empty()
        && incident.exposure.is_none()
        && matches!(incident.members.as_slice(), [member] if member.p >= 1.0
            && member.restore_tail == DurationLaw::ZERO
            && member.lost.is_none_or(|lost| lost.alone().failing >= 1.0)
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

fn visits(plan: &Plan, roots: &[u32]) -> Vec<u32> {
    let mut visits = Vec::with_capacity(plan.len());
    let mut known = vec![false; plan.len()];
    for (start, end) in &plan.components {
        let enters = |node: &u32| {
            end - start == 1
                || roots.binary_search(node).is_ok()
                || plan.arcs_into(*node as usize).any(|arc| plan.in_source[arc] < *start)
        };
        let mut next = visits.len();
        visits.extend((*start..*end).filter(enters));
        visits[next..].iter().for_each(|node: &u32| known[*node as usize] = true);
        while next < visits.len() && !plan.inner_start.is_empty() {
            for (_, target) in plan.inner_arcs(visits[next] as usize) {
                if !std::mem::replace(&mut known[*target as usize], true) {
                    visits.push(*target);
                }
            }
            next += 1;
        }
        // Nothing leads there, but every node has its turn.
        visits.extend((*start..*end).filter(|node| !known[*node as usize]));
    }
    visits
}

impl<'a> Trial<'a> {
    /// Runs the events of the root alone. Where that makes it the special case, the outage; `None` if the events must decide the
    /// whole trial. The hits must be drawn.
    pub(crate) fn root_outage(
        &mut self,
        line: &Timeline<'a>,
        spread: &Spread,
        choose: &mut (impl Choose + Arcs),
    ) -> Option<Outage> {
        self.run(line, &spread.roots, choose);
        let ServiceOutcome { onset, downtime, impaired_time, .. } = *self.services(line).next()?.1;
        // Harm that is not total all of the time is for the events.
        let is_total = impaired_time == downtime && downtime > Ticks::ZERO;
        Some(Outage { onset: onset.filter(|_| is_total)?, length: downtime })
    }

    /// Journeys of a trial of the special kind: all that a journey needs comes back at the same time, so it is down from the first
    /// loss on. Losses are counted from the onset; [`Ticks::MAX`] for none.
    pub(crate) fn set_journeys(&mut self, line: &Timeline<'a>, outage: Outage, first_losses: &[Ticks]) -> &[JourneyOutcome] {
        self.record.journeys.clear();
        self.record.journeys.resize(first_losses.len(), JourneyOutcome::default());
        let until = outage.onset.saturating_add(outage.length);
        for (journey, loss) in first_losses.iter().enumerate() {
            self.record.set_total_loss(line, journey, outage.onset.saturating_add(*loss), until);
        }
        self.journeys()
    }
}
