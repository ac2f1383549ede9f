//! The live graph of one trial: the nodes that static reach found, the arcs that are live between them, and the order in which
//! they settle.
//!
//! Arcs that form a cycle in this trial share a component. What comes round such a cycle on one channel combines by maximum
//! (model.md §2.2; its vertices are those of a channel, §0a).

use super::plan::{INSIDE, PLAIN, Plan};
use crate::model::DurationLaw;
use crate::model::crossing::{CacheRule, Crossing, SHORTEST_DELAY};
use crate::model::facts::Channels;
use crate::random::{Key, Threshold};
use crate::units::Ticks;
use petgraph::graph::DiGraph;

/// "No position".
pub(crate) const NONE: u32 = u32::MAX;

/// An arc of the live graph.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LaneArc {
    pub(crate) source: u32,
    pub(crate) target: u32,
    pub(crate) rule: u32,
    /// Position in the plan.
    pub(crate) arc: u32,
    /// Errors cross; where not, the uncovered share may.
    pub(crate) errors: bool,
    pub(crate) latency: bool,
    pub(crate) data: bool,
    /// A validator turns wrong data into errors.
    pub(crate) rejects: bool,
    /// Errors of the provider can become errors of the consumer.
    fails: bool,
    /// Position among the delays of errors and latency, and of data; [`NONE`] when there is no delay.
    pub(crate) delay: u32,
    pub(crate) data_delay: u32,
}

/// A delay of an arc.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delay {
    pub(crate) arc: u32,
    pub(crate) about_data: bool,
    /// The provider must be impaired this long.
    pub(crate) wait: Ticks,
    /// Then the crossing severity rises to 1 over this time, counted from the provider's onset.
    pub(crate) ramp: Option<Ticks>,
    pub(crate) running: bool,
    /// When the provider became impaired.
    pub(crate) since: Ticks,
    pub(crate) fired: bool,
    /// Share of the severity that crosses.
    pub(crate) factor: f64,
    pub(crate) ramp_step: u32,
    pub(crate) generation: u32,
}

/// The live graph of one trial; reused from trial to trial.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    /// Plan positions of the nodes, ascending.
    pub(crate) nodes: Vec<u32>,
    /// Lane position of a plan node; [`NONE`] outside.
    pub(crate) index_of: Vec<u32>,
    pub(crate) in_start: Vec<u32>,
    pub(crate) arcs: Vec<LaneArc>,
    pub(crate) out_start: Vec<u32>,
    pub(crate) out: Vec<u32>,
    pub(crate) delays: Vec<Delay>,
    /// Nodes in settling order, and the position of each node in it.
    pub(crate) order: Vec<u32>,
    pub(crate) rank: Vec<u32>,
    /// Component of a node: first and one past the last rank.
    pub(crate) component: Vec<(u32, u32)>,
    /// Cycle of arcs over which errors can come back to a node as errors; [`NONE`] where they cannot.
    error_cycle: Vec<u32>,
    /// The same for wrong data.
    data_cycle: Vec<u32>,
}

/// Draws that decide arcs of one trial.
pub(crate) trait Arcs {
    /// Is the entity's number below the threshold in this trial? `slot` numbers the question, see [`slots`].
    fn below(&mut self, slot: usize, key: Key, threshold: Threshold) -> bool;
    /// The length of a buffer of a dependency.
    fn buffer(&mut self, name: u64, crossing: &Crossing) -> Ticks;
    /// The hand-off time of its data.
    fn hand_off(&mut self, name: u64, crossing: &Crossing) -> Ticks;
}

/// Questions about an arc or, where arcs have rules, about a rule.
const QUESTIONS: usize = 4;
const LIVE: usize = 0;
const LATENCY: usize = 1;
const DATA: usize = 2;
const VALIDATOR: usize = 3;

/// How many different questions [`Lane::build`] can ask about a plan.
pub(crate) fn slots(plan: &Plan) -> usize {
    if plan.in_rule.is_empty() { plan.in_source.len() } else { plan.rules.len() * QUESTIONS }
}

/// An arc as a complete failure sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ErrorArc {
    /// Plan node.
    pub(crate) source: u32,
    pub(crate) threshold: Threshold,
    pub(crate) key: Key,
    /// Hash of the dependency, for the draw of its buffer.
    pub(crate) name: u64,
    pub(crate) buffer: Option<DurationLaw>,
}

impl ErrorArc {
    /// An arc of the plan.
    pub(crate) fn of(plan: &Plan, arc: usize) -> Self {
        let (source, key) = (plan.in_source[arc], plan.in_key[arc]);
        if plan.in_rule.is_empty() {
            return Self { source, threshold: plan.in_threshold.get(arc), key, name: 0, buffer: None };
        }
        let rule = &plan.rules[plan.rule(arc) as usize];
        let crosses = rule.crossing.channels.has(Channels::ERRORS);
        Self {
            source,
            threshold: if crosses { rule.live } else { Threshold::NEVER },
            key,
            name: rule.name,
            buffer: rule.crossing.buffer.filter(|law| *law != DurationLaw::ZERO),
        }
    }
}

/// A delay that is there at all takes a while (R5).
#[inline(always)]
pub(crate) fn at_least_shortest(wait: Ticks) -> Ticks {
    if wait == Ticks::ZERO { wait } else { wait.max(SHORTEST_DELAY) }
}

impl Lane {
    /// Builds the live graph over `nodes` (plan positions, ascending).
    pub(crate) fn build(&mut self, plan: &Plan, nodes: &[u32], draws: &mut impl Arcs) {
        for node in &self.nodes {
            self.index_of[*node as usize] = NONE;
        }
        self.index_of.resize(plan.len(), NONE);
        self.nodes.clear();
        self.nodes.extend_from_slice(nodes);
        for (at, node) in nodes.iter().enumerate() {
            self.index_of[*node as usize] = at as u32;
        }
        self.arcs.clear();
        self.delays.clear();
        self.in_start.clear();
        self.in_start.push(0);
        for (at, node) in nodes.iter().enumerate() {
            for arc in plan.arcs_into(*node as usize) {
                let source = self.index_of[plan.in_source[arc] as usize];
                if source != NONE {
                    self.add_arc(plan, arc, source, at as u32, draws);
                }
            }
            self.in_start.push(self.arcs.len() as u32);
        }
        self.index_out();
        self.find_order(plan);
    }

    fn add_arc(&mut self, plan: &Plan, arc: usize, source: u32, target: u32, draws: &mut impl Arcs) {
        let (key, rule) = (plan.in_key[arc], plan.rule(arc));
        let mut live = LaneArc {
            source,
            target,
            rule,
            arc: arc as u32,
            errors: true,
            latency: true,
            data: true,
            rejects: false,
            fails: true,
            delay: NONE,
            data_delay: NONE,
        };
        if plan.in_rule.is_empty() {
            live.errors = draws.below(arc, key, plan.in_threshold.get(arc));
            live.latency = live.errors;
            live.data = false;
            if live.errors {
                self.arcs.push(live);
            }
            return;
        }
        if rule == INSIDE {
            self.arcs.push(live);
            return;
        }
        let slot = rule as usize * QUESTIONS;
        let rule = &plan.rules[rule as usize];
        let crossing = &rule.crossing;
        let channels = crossing.channels;
        let carries_errors = channels.has(Channels::ERRORS) || crossing.timeout.is_some() || crossing.rejects;
        live.errors = carries_errors && draws.below(slot + LIVE, key, rule.live);
        // Where nobody is ever slow, it does not matter whether delay would cross.
        let carries_latency = channels.has(Channels::LATENCY) && plan.channels.has(Channels::LATENCY);
        live.latency = carries_latency && draws.below(slot + LATENCY, key, rule.latency);
        live.data = channels.has(Channels::DATA) && draws.below(slot + DATA, key, rule.data);
        if live.data
            && let Some((key, threshold)) = rule.validator
            && draws.below(slot + VALIDATOR, key, threshold)
        {
            live.data = false;
            live.rejects = crossing.rejects;
        }
        let is_covered = !live.errors && (!carries_errors || crossing.uncovered <= 0.0);
        // A pool runs empty by errors too.
        live.fails = !is_covered && (channels.has(Channels::ERRORS) || crossing.pool.is_some());
        if is_covered && !live.data && !live.rejects && !live.latency {
            return;
        }
        if crossing.is_delayed() {
            self.add_delays(crossing, rule.name, &mut live, draws);
        }
        self.arcs.push(live);
    }

    fn add_delays(&mut self, crossing: &Crossing, name: u64, live: &mut LaneArc, draws: &mut impl Arcs) {
        let buffer = draws.buffer(name, crossing);
        let (stale, ramp) = match crossing.cache {
            Some(CacheRule::ServeStale(stale)) => (stale, None),
            Some(CacheRule::Ramp(ttl)) if ttl > Ticks::ZERO => (Ticks::ZERO, Some(ttl)),
            _ => (Ticks::ZERO, None),
        };
        let wait = buffer.max(stale);
        let arc = self.arcs.len() as u32;
        let mut add = |about_data: bool, wait: Ticks| {
            if wait == Ticks::ZERO && ramp.is_none() {
                return NONE;
            }
            self.delays.push(Delay {
                arc,
                about_data,
                wait: at_least_shortest(wait),
                ramp,
                running: false,
                since: Ticks::ZERO,
                fired: false,
                factor: 1.0,
                ramp_step: 0,
                generation: 0,
            });
            self.delays.len() as u32 - 1
        };
        if crossing.channels.has(Channels::ERRORS) || crossing.channels.has(Channels::LATENCY) {
            live.delay = add(false, wait);
        }
        if crossing.channels.has(Channels::DATA) {
            live.data_delay = add(true, wait.saturating_add(draws.hand_off(name, crossing)));
        }
    }

    fn index_out(&mut self) {
        let nodes = self.nodes.len();
        self.out_start.clear();
        self.out_start.resize(nodes + 1, 0);
        for arc in &self.arcs {
            self.out_start[arc.source as usize + 1] += 1;
        }
        for at in 0..nodes {
            self.out_start[at + 1] += self.out_start[at];
        }
        self.out.clear();
        self.out.resize(self.arcs.len(), 0);
        // Filled from behind, so that the starts end where they began.
        let mut cursor: Vec<u32> = self.out_start[1..].to_vec();
        for (at, arc) in self.arcs.iter().enumerate().rev() {
            let end = &mut cursor[arc.source as usize];
            *end -= 1;
            self.out[*end as usize] = at as u32;
        }
    }

    /// Settling order: the plan's order, refined inside its components by the cycles that are live in this trial.
    fn find_order(&mut self, plan: &Plan) {
        self.order.clear();
        self.order.extend(0..self.nodes.len() as u32);
        self.component.clear();
        self.component.extend((0..self.nodes.len() as u32).map(|at| (at, at + 1)));
        for cycle in [&mut self.error_cycle, &mut self.data_cycle] {
            cycle.clear();
            cycle.resize(self.nodes.len(), NONE);
        }
        if !plan.inner_start.is_empty() {
            let mut from = 0;
            while from < self.nodes.len() {
                let end = plan.component_end(self.nodes[from]);
                let to = from + self.nodes[from..].partition_point(|node| *node < end);
                if to - from > 1 {
                    self.order_cycles(from, to);
                }
                from = to;
            }
        }
        self.rank.clear();
        self.rank.resize(self.nodes.len(), 0);
        for (rank, node) in self.order.iter().enumerate() {
            self.rank[*node as usize] = rank as u32;
        }
    }

    fn order_cycles(&mut self, from: usize, to: usize) {
        let (mut rank, mut has_cycle) = (from, false);
        for component in self.cycles(from, to, |_| true).into_iter().rev() {
            let (start, end) = (rank as u32, (rank + component.len()) as u32);
            has_cycle |= component.len() > 1;
            for node in component {
                self.order[rank] = node;
                self.component[node as usize] = (start, end);
                rank += 1;
            }
        }
        if has_cycle {
            for cycle in self.cycles(from, to, |arc| arc.fails).into_iter().filter(|cycle| cycle.len() > 1) {
                cycle.iter().for_each(|node| self.error_cycle[*node as usize] = cycle[0]);
            }
            for cycle in self.cycles(from, to, |arc| arc.data).into_iter().filter(|cycle| cycle.len() > 1) {
                cycle.iter().for_each(|node| self.data_cycle[*node as usize] = cycle[0]);
            }
        }
    }

    /// Strongly connected components among some nodes, over some arcs, consumers first.
    fn cycles(&self, from: usize, to: usize, counts: impl Fn(&LaneArc) -> bool) -> Vec<Vec<u32>> {
        let mut graph = DiGraph::<(), ()>::with_capacity(to - from, 0);
        for _ in from..to {
            graph.add_node(());
        }
        for arc in self.arcs[self.in_start[from] as usize..self.in_start[to] as usize].iter().filter(|arc| counts(arc)) {
            if (from..to).contains(&(arc.source as usize)) {
                graph.add_edge((arc.source - from as u32).into(), (arc.target - from as u32).into(), ());
            }
        }
        let components = petgraph::algo::kosaraju_scc(&graph).into_iter();
        components.map(|component| component.into_iter().map(|node| (from + node.index()) as u32).collect()).collect()
    }

    /// Arcs into a node.
    pub(crate) fn arcs_into(&self, node: u32) -> std::ops::Range<usize> {
        self.in_start[node as usize] as usize..self.in_start[node as usize + 1] as usize
    }

    /// Arcs out of a node, as positions in `arcs`.
    pub(crate) fn arcs_out(&self, node: u32) -> &[u32] {
        &self.out[self.out_start[node as usize] as usize..self.out_start[node as usize + 1] as usize]
    }

    /// Do errors of one node come back to it over the other? What crosses on other channels closes no such cycle.
    pub(crate) fn same_error_cycle(&self, a: u32, b: u32) -> bool {
        self.error_cycle[a as usize] != NONE && self.error_cycle[a as usize] == self.error_cycle[b as usize]
    }

    /// Does wrong data of one node come back to it over the other?
    pub(crate) fn same_data_cycle(&self, a: u32, b: u32) -> bool {
        self.data_cycle[a as usize] != NONE && self.data_cycle[a as usize] == self.data_cycle[b as usize]
    }

    /// The cycle over which wrong data of a node come back to it.
    pub(crate) fn data_cycle(&self, node: u32) -> Option<u32> {
        Some(self.data_cycle[node as usize]).filter(|cycle| *cycle != NONE)
    }

    /// The nodes of that cycle; the node alone where there is none.
    pub(crate) fn data_cycle_of(&self, node: u32) -> impl Iterator<Item = u32> {
        let (start, end) = self.component[node as usize];
        let component = &self.order[start as usize..end as usize];
        component.iter().copied().filter(move |other| *other == node || self.same_data_cycle(*other, node))
    }
}

/// Is the arc one inside a service?
pub(crate) fn is_inside(plan: &Plan, arc: &LaneArc) -> bool {
    arc.rule == INSIDE && !plan.in_rule.is_empty()
}

/// The rule of an arc; `None` for a plain one.
pub(crate) fn crossing<'a>(plan: &'a Plan, arc: &LaneArc) -> Option<&'a Crossing> {
    (arc.rule != PLAIN).then(|| &plan.rules[arc.rule as usize].crossing)
}
