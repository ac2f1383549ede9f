//! Settling: after the events of a timestamp, the least fixpoint of the severities over the arcs that conduct.
//!
//! Nodes are recomputed in settling order; a live cycle is recomputed from ⊥, so that raising and clearing work alike and no
//! outage supports itself. What comes round a cycle of one channel combines by maximum, otherwise as independent (model.md §2.2). Several calls a
//! request are amplified on every round, so a circle of them fails as a whole.

use super::{Event, HitState, NodeState, Timeline, Trial};
use crate::fault::FaultKind;
use crate::fault::draw::Choose;
use crate::fault::pool::{Left, Lost};
use crate::fault::trial::Hit;
use crate::model::crossing::Crossing;
use crate::model::facts::Channels;
use crate::propagation::lane::{Lane, LaneArc, NONE, crossing, is_inside};
use crate::propagation::load::attempts;
use crate::propagation::plan::Gate;
use crate::propagation::transfer::{
    Combined, IMPAIRED_LATENCY, after_retries, amplified, data_crossing, error_crossing, gate_severity, impairs, latency_crossing,
};
use crate::propagation::waiting::{cache_failing_share, connections_in_use, pool_exhausted, time_to_drain, times_out};
use crate::units::{Severity, Ticks};

/// Steps in which the ramp of an expiring cache rises.
const RAMP_STEPS: u32 = 100;

/// What an arc brings to its consumer.
#[derive(Debug, Clone, Copy)]
struct Crossed {
    errors: f64,
    /// What of `errors` is sure, and what is possible, however the reasons of the provider overlap.
    bounds: (f64, f64),
    /// Wrong answers that a validator refuses: errors too, but not made of errors.
    refused: f64,
    latency: f64,
    wrong: f64,
}

impl Crossed {
    const NOTHING: Self = Self { errors: 0.0, bounds: (0.0, 0.0), refused: 0.0, latency: 1.0, wrong: 0.0 };

    /// Errors with what is refused.
    fn all_errors(&self) -> Combined {
        Combined::NONE.and_between(self.errors, self.bounds).and(self.refused)
    }
}

/// What a node does wrong by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Own {
    pub(super) errors: Combined,
    latency: f64,
    wrong: Combined,
}

impl NodeState {
    pub(super) fn serves_badly(self) -> bool {
        impairs(self.errors.share()) || self.latency >= IMPAIRED_LATENCY
    }

    pub(super) fn is_corrupt(self) -> bool {
        impairs(self.wrong.share())
    }

    pub(super) fn is_impaired(self) -> bool {
        self.serves_badly() || self.is_corrupt()
    }
}

/// What active hits of one service leave of its pool, and in which part of its traffic; `None` where none takes replicas.
pub(super) fn left_of_pool<'b>(
    line: &Timeline<'_>,
    active: impl Iterator<Item = (&'b HitState, &'b Hit<'b>)> + Clone,
) -> Option<(Left, f64)> {
    let takers = active.filter(|(_, hit)| hit.member.lost.is_some());
    let part = |(state, hit): (&HitState, &Hit<'_>)| line.scenario.incidents[hit.incident].share * state.scale;
    let largest = takers.clone().map(part).fold(0.0, f64::max);
    Some((Lost::together(takers.filter_map(|(_, hit)| hit.member.lost.as_ref()))?, largest))
}

impl<'a> Trial<'a> {
    pub(super) fn mark_dirty(&mut self, node: u32) {
        let rank = self.lane.rank[node as usize];
        self.dirty[(rank / 64) as usize] |= 1 << (rank % 64);
    }

    pub(super) fn mark_changed(&mut self, node: u32) {
        if !self.changed_flag[node as usize] {
            self.changed_flag[node as usize] = true;
            self.changed.push(node);
        }
    }

    /// Settles the current timestamp: severities, timers of delayed arcs, startup, labels.
    pub(super) fn settle(&mut self, line: &Timeline<'a>, choose: &mut impl Choose) {
        loop {
            self.fixpoint(line);
            self.watch_delays(line);
            self.watch_breakers(line);
            self.follow_recovery(line, choose);
            if self.dirty.iter().all(|word| *word == 0) {
                break;
            }
        }
        self.record_changes(line, choose);
    }

    fn fixpoint(&mut self, line: &Timeline<'a>) {
        for word in 0..self.dirty.len() {
            while self.dirty[word] != 0 {
                let rank = word as u32 * 64 + self.dirty[word].trailing_zeros();
                let node = self.lane.order[rank as usize];
                let (start, end) = self.lane.component[node as usize];
                if end - start > 1 {
                    self.settle_cycle(line, start, end);
                } else {
                    self.dirty[word] &= self.dirty[word] - 1;
                    let state = self.state_of(line, node);
                    self.set(node, state);
                }
            }
        }
    }

    /// Recomputes a live cycle from ⊥. Terminates because severities are whole numbers that only rise.
    fn settle_cycle(&mut self, line: &Timeline<'a>, start: u32, end: u32) {
        let nodes: Vec<u32> = self.lane.order[start as usize..end as usize].to_vec();
        let before: Vec<NodeState> = nodes.iter().map(|node| self.active[*node as usize]).collect();
        for node in &nodes {
            let rank = self.lane.rank[*node as usize];
            self.dirty[(rank / 64) as usize] &= !(1 << (rank % 64));
            self.active[*node as usize] = NodeState::HEALTHY;
        }
        let mut rising = true;
        while rising {
            rising = false;
            for node in &nodes {
                let state = self.state_of(line, *node);
                rising |= state != self.active[*node as usize];
                self.active[*node as usize] = state;
            }
        }
        for (node, before) in nodes.into_iter().zip(before) {
            let after = std::mem::replace(&mut self.active[node as usize], before);
            self.set_outside(node, after, Some((start, end)));
        }
    }

    fn set(&mut self, node: u32, state: NodeState) {
        self.set_outside(node, state, None);
    }

    /// Stores a state and marks the consumers outside the given component as dirty.
    fn set_outside(&mut self, node: u32, state: NodeState, inside: Option<(u32, u32)>) {
        if self.active[node as usize] == state {
            return;
        }
        self.active[node as usize] = state;
        self.mark_changed(node);
        for at in 0..self.lane.arcs_out(node).len() {
            let target = self.lane.arcs[self.lane.arcs_out(node)[at] as usize].target;
            if inside.is_none_or(|component| self.lane.component[target as usize] != component) {
                self.mark_dirty(target);
            }
        }
    }

    /// The state of a node from its own faults and its providers.
    fn state_of(&mut self, line: &Timeline<'a>, node: u32) -> NodeState {
        let own = self.own(line, node);
        let (mut errors, mut wrong, mut latency) = (own.errors, own.wrong, own.latency);
        // What comes back along a cycle, or from an operation of the same service, adds nothing to what is there.
        let (mut cycle, mut cycle_wrong) = (Severity::NONE, Severity::NONE);
        let mut bounds = (Severity::NONE, Severity::NONE);
        let mut also = |(least, most): (Severity, Severity)| bounds = (bounds.0.max(least), bounds.1.max(most));
        for at in self.lane.arcs_into(node) {
            let arc = self.lane.arcs[at];
            if is_inside(line.plan, &arc) {
                let operation = self.active[arc.source as usize];
                (cycle, cycle_wrong) = (cycle.max(operation.errors), cycle_wrong.max(operation.wrong));
                also(operation.bounds);
                latency = latency.max(operation.latency);
                continue;
            }
            if line.plan.is_gated(arc.arc as usize) {
                continue;
            }
            let crossed = self.crossed(line, at, &arc);
            latency = latency.max(crossed.latency);
            if self.lane.same_error_cycle(arc.source, node) {
                cycle = cycle.max(Severity::from_share(crossed.errors));
                also(severities(crossed.bounds));
            } else {
                errors = errors.and_between(crossed.errors, crossed.bounds);
            }
            errors = errors.and(crossed.refused);
            if self.lane.same_data_cycle(arc.source, node) {
                cycle_wrong = cycle_wrong.max(Severity::from_share(crossed.wrong));
            } else {
                wrong = wrong.and(crossed.wrong);
            }
        }
        if let Some(gate) = line.plan.gates.get(&self.lane.nodes[node as usize]) {
            let through = self.gate(line, node, gate);
            latency = latency.max(through.latency);
            if self.gate_is_on(line, node, Lane::same_error_cycle) {
                cycle = cycle.max(Severity::from_share(through.errors));
                also(severities(through.bounds));
            } else {
                errors = errors.and_between(through.errors, through.bounds);
            }
            if self.gate_is_on(line, node, Lane::same_data_cycle) {
                cycle_wrong = cycle_wrong.max(Severity::from_share(through.wrong));
            } else {
                wrong = wrong.and(through.wrong);
            }
        }
        let failing = Severity::from_share(errors.share()).max(cycle);
        also(severities(errors.bounds()));
        NodeState {
            errors: failing,
            latency,
            wrong: Severity::from_share(wrong.share()).max(cycle_wrong),
            bounds: (bounds.0.min(failing), bounds.1.max(failing)),
        }
    }

    /// What a node does wrong by itself: faults that hit it, and overload.
    pub(super) fn own(&self, line: &Timeline<'a>, node: u32) -> Own {
        let mut own = Own { errors: Combined::NONE, latency: 1.0, wrong: Combined::NONE };
        // Lost replicas are one cause of failing requests and of overload, so these two do not add up.
        let mut overload = self.overload_of(line, self.lane.nodes[node as usize]);
        let first = self.node_hits.partition_point(|(known, _)| *known < node);
        let here = self.node_hits[first..].iter().take_while(|(known, _)| *known == node).map(|(_, hit)| *hit as usize);
        let active = here.map(|hit| (&self.hit_states[hit], &self.hits.hits[hit])).filter(|(state, _)| state.active);
        for (state, hit) in active.clone() {
            if hit.member.lost.is_none() {
                own.errors = own.errors.and(hit.errors * state.scale);
            }
            own.wrong = own.wrong.and(hit.wrong * state.scale);
            own.latency = own.latency.max(1.0 + state.scale * (hit.latency - 1.0));
        }
        match left_of_pool(line, active) {
            Some((left, part)) if left.capacity.is_some() => overload = overload.max(left.failing * part),
            Some((left, part)) => own.errors = own.errors.and(left.failing * part),
            None => {}
        }
        own.errors = own.errors.and(overload);
        own
    }

    /// What crosses an arc now.
    fn crossed(&mut self, line: &Timeline<'a>, at: usize, arc: &LaneArc) -> Crossed {
        let provider = self.active[arc.source as usize];
        let Some(rule) = crossing(line.plan, arc) else {
            let crossed = |failing: Severity| error_crossing(failing.share(), 1.0, 0.0, arc.errors);
            return Crossed {
                errors: crossed(provider.errors),
                bounds: (crossed(provider.bounds.0), crossed(provider.bounds.1)),
                latency: provider.latency,
                ..Crossed::NOTHING
            };
        };
        let conducts = |delay: u32| match self.lane.delays.get(delay as usize) {
            Some(delay) if delay.fired => delay.factor,
            Some(_) => 0.0,
            None => 1.0,
        };
        let (serving, data) = (conducts(arc.delay), conducts(arc.data_delay));
        let mut crossed = Crossed::NOTHING;
        if serving > 0.0 {
            let open = self.is_open(line, arc.rule);
            let fails_fast = open && !self.lane.same_error_cycle(arc.source, arc.target);
            let given_up = fails_fast || gives_up(rule, provider);
            crossed.errors = self.call_errors(line, arc, rule, (provider.errors, serving), given_up);
            crossed.bounds = if provider.bounds == (provider.errors, provider.errors) {
                (crossed.errors, crossed.errors)
            } else {
                [provider.bounds.0, provider.bounds.1]
                    .map(|errors| {
                        let given_up = fails_fast || gives_up(rule, NodeState { errors, ..provider });
                        self.call_errors(line, arc, rule, (errors, serving), given_up)
                    })
                    .into()
            };
            if arc.latency && !open {
                let latency = latency_crossing(provider.latency, rule.wait_share);
                crossed.latency = match rule.timeout {
                    Some(timeout) if given_up => timeout
                        .consumer_latency
                        .map_or(latency, |own| latency.min(1.0 + timeout.timeout.0 as f64 / own.0.max(1) as f64)),
                    _ => latency,
                };
                crossed.latency = 1.0 + serving * (crossed.latency - 1.0);
            }
        }
        if data > 0.0 && provider.wrong > Severity::NONE && (arc.data || arc.rejects) {
            let wrong = data_crossing(provider.wrong.share() * data, rule.share);
            if arc.rejects {
                crossed.refused = wrong;
            } else {
                crossed.wrong = wrong;
                self.infected[at] |= wrong > 0.0;
            }
        }
        crossed
    }

    /// What crosses as errors when such a share of the provider's answers fails and such a share of the calls sees it.
    fn call_errors(
        &self,
        line: &Timeline<'a>,
        arc: &LaneArc,
        rule: &Crossing,
        (errors, serving): (Severity, f64),
        given_up: bool,
    ) -> f64 {
        let failing = if given_up {
            // A cache answers without a call.
            serving
        } else {
            let failing = if rule.channels.has(Channels::ERRORS) { errors.share() * serving } else { 0.0 };
            let source = self.lane.nodes[arc.source as usize] as usize;
            let usual = if line.replicated[source] && self.is_transient(line, arc.source) { 1.0 } else { 0.0 };
            let transient = rule.transient.unwrap_or(usual);
            after_retries(failing, rule.attempts, if failing < 1.0 { transient } else { 0.0 })
        };
        error_crossing(amplified(failing, rule.calls), rule.share, rule.uncovered, arc.errors)
    }

    /// Is a source hit by nothing but `error_rate` at the moment?
    fn is_transient(&self, line: &Timeline<'a>, node: u32) -> bool {
        let mut active = self.hits_at(node).filter(|hit| self.hit_states[*hit as usize].active).peekable();
        let kind = |hit: u32| line.scenario.incidents[self.hits.hits[hit as usize].incident].kind;
        self.forced[node as usize] > 0 && active.peek().is_some() && active.all(|hit| kind(hit) == FaultKind::ErrorRate)
    }

    /// What comes through a k-of-n gate. Calls fail while too many providers fail; they are slow (wrong) where some providers are slow
    /// (wrong) and too many are lost in any way, for one that fails is no way round one that is slow.
    fn gate(&mut self, line: &Timeline<'a>, node: u32, gate: &Gate) -> Crossed {
        let mut lost = 0;
        let (mut errors, mut least, mut most, mut latency, mut wrong) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for provider in &gate.providers {
            let mut worst = Crossed::NOTHING;
            for at in self.lane.arcs_into(node) {
                let arc = self.lane.arcs[at];
                if provider.contains(&arc.arc) {
                    let crossed = self.crossed(line, at, &arc);
                    let (errors, bounds) = (crossed.all_errors().share(), crossed.all_errors().bounds());
                    worst.errors = worst.errors.max(errors);
                    worst.bounds = (worst.bounds.0.max(bounds.0), worst.bounds.1.max(bounds.1));
                    worst.latency = worst.latency.max(crossed.latency);
                    worst.wrong = worst.wrong.max(crossed.wrong);
                }
            }
            lost += usize::from(worst.errors > 0.0 || worst.latency > 1.0 || worst.wrong > 0.0);
            errors.extend((worst.errors > 0.0).then_some(worst.errors));
            least.extend((worst.bounds.0 > 0.0).then_some(worst.bounds.0));
            most.extend((worst.bounds.1 > 0.0).then_some(worst.bounds.1));
            latency.extend((worst.latency > 1.0).then_some(worst.latency - 1.0));
            wrong.extend((worst.wrong > 0.0).then_some(worst.wrong));
        }
        let through = |severities: &mut Vec<f64>| gate_severity(severities, 0, gate.listed, gate.at_least);
        let beside_failing = |severities: &mut Vec<f64>| {
            let otherwise = lost - severities.len();
            gate_severity(severities, otherwise, gate.listed, gate.at_least)
        };
        Crossed {
            errors: through(&mut errors),
            bounds: (through(&mut least), through(&mut most)),
            refused: 0.0,
            latency: 1.0 + beside_failing(&mut latency),
            wrong: beside_failing(&mut wrong),
        }
    }

    /// Does a provider of a node's gate lie on one cycle with it?
    fn gate_is_on(&self, line: &Timeline<'a>, node: u32, same_cycle: impl Fn(&Lane, u32, u32) -> bool) -> bool {
        let mut arcs = self.lane.arcs[self.lane.arcs_into(node)].iter();
        arcs.any(|arc| line.plan.is_gated(arc.arc as usize) && same_cycle(&self.lane, arc.source, node))
    }

    /// Starts and stops the timers of delayed arcs whose provider changed.
    fn watch_delays(&mut self, line: &Timeline<'a>) {
        if self.lane.delays.is_empty() {
            return;
        }
        for at in 0..self.changed.len() {
            let node = self.changed[at];
            for out in 0..self.lane.arcs_out(node).len() {
                let arc = self.lane.arcs[self.lane.arcs_out(node)[out] as usize];
                for delay in [arc.delay, arc.data_delay] {
                    if delay != NONE {
                        self.watch(line, delay, &arc);
                    }
                }
            }
        }
    }

    fn watch(&mut self, line: &Timeline<'a>, number: u32, arc: &LaneArc) {
        let provider = self.active[arc.source as usize];
        let now = self.now;
        let delay = &mut self.lane.delays[number as usize];
        let impaired = if delay.about_data { provider.is_corrupt() } else { provider.serves_badly() };
        if impaired == delay.running {
            return;
        }
        delay.running = impaired;
        delay.generation += 1;
        if impaired {
            let event = Event::Timer { delay: number, generation: delay.generation };
            let wait = delay.wait;
            delay.since = now;
            self.at(now.saturating_add(wait), event);
        } else {
            if let (true, Some(drain)) = (delay.fired, crossing(line.plan, arc).and_then(|rule| rule.drain)) {
                let outage = now.saturating_sub(delay.since).minutes();
                let backlog = time_to_drain(outage, drain.capacity, drain.arrivals, drain.departures);
                let until = &mut self.drain_until[arc.target as usize];
                *until = (*until).max(now.saturating_add(Ticks::from_minutes(backlog)));
            }
            delay.fired = false;
            delay.ramp_step = 0;
            self.mark_dirty(arc.target);
        }
    }

    /// A delay has passed, or the ramp of a cache rises. True when something may change.
    pub(super) fn timer(&mut self, event: Event) -> bool {
        let Event::Timer { delay: number, generation } = event else { return false };
        let delay = &mut self.lane.delays[number as usize];
        if delay.generation != generation || !delay.running {
            return false;
        }
        let is_first = !delay.fired;
        delay.fired = true;
        let target = self.lane.arcs[delay.arc as usize].target;
        if let Some(ramp) = delay.ramp {
            // The middle of each step: the integral over whole steps is exact, labels change at the edges.
            let edge = |step: u32| {
                ramp.0 / u64::from(RAMP_STEPS) * u64::from(step)
                    + ramp.0 % u64::from(RAMP_STEPS) * u64::from(step) / u64::from(RAMP_STEPS)
            };
            // Entries age from the provider's onset on, a buffer that comes first aside.
            let waited = if is_first { delay.wait } else { Ticks(edge(delay.ramp_step)) };
            while delay.ramp_step < RAMP_STEPS && edge(delay.ramp_step + 1) <= waited.0 {
                delay.ramp_step += 1;
            }
            let step = delay.ramp_step;
            delay.factor = cache_failing_share(f64::from(step) + 0.5, f64::from(RAMP_STEPS));
            delay.ramp_step += 1;
            if step < RAMP_STEPS {
                let wait = Ticks((edge(step + 1) - waited.0).max(1));
                self.after(wait, event);
            }
        }
        self.mark_dirty(target);
        true
    }
}

/// Do the calls of a rule fail because nobody waits for the answers: is the delay longer than the timeout, or the pool empty?
/// A pool belongs to one dependency, so it is a bulkhead: no more than the share of requests that need it is lost.
pub(super) fn gives_up(rule: &Crossing, provider: NodeState) -> bool {
    let Some(timeout) = rule.timeout.filter(|_| rule.channels.has(Channels::LATENCY)) else { return false };
    if times_out(timeout.provider_latency.0 as f64, provider.latency, timeout.timeout.0 as f64) {
        return true;
    }
    let Some(pool) = rule.pool.filter(|_| provider.latency > 1.0 || provider.errors > Severity::NONE) else { return false };
    let seconds = |ticks: Ticks| ticks.0 as f64 / Ticks::PER_SECOND as f64;
    let failing = if rule.channels.has(Channels::ERRORS) { provider.errors.share() } else { 0.0 };
    let tries = attempts(failing, rule.attempts, rule.budget);
    let wait = seconds(timeout.provider_latency) * provider.latency;
    pool_exhausted(connections_in_use(pool.rate, wait, seconds(timeout.timeout), tries), pool.size)
}

/// Share of its calls that a caller sees fail, before any retry.
pub(super) fn seen_failing(rule: &Crossing, provider: NodeState) -> f64 {
    if gives_up(rule, provider) {
        1.0
    } else if rule.channels.has(Channels::ERRORS) {
        provider.errors.share()
    } else {
        0.0
    }
}

fn severities((least, most): (f64, f64)) -> (Severity, Severity) {
    (Severity::from_share(least), Severity::from_share(most))
}
