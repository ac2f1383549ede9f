//! Layer 1: static reach, 512 trials to a mask (model.md §2.4).
//!
//! Reach in a trial is reachability over the arcs that are live in it (independent cascade, Kempe, Kleinberg, Tardos 2003). A
//! node holds one bit per trial and channel; nodes are visited in topological order of the condensation and pull along their
//! arcs, components of several nodes are settled by a worklist in which every (arc, trial) is decided once. All operators are
//! monotone, so the least fixpoint does not depend on the order of visits.

use super::plan::{Gate, INSIDE, Plan};
use crate::fault::draw::Drawn;
use crate::fault::scenario::Scenario;
use crate::fault::trial::Hits;
use crate::lanes::{self, BATCH, Lanes, Machine, Mask, Masks, Work};
use crate::model::facts::Channels;
use crate::random::{Key, LANES, Seed, Threshold, batch_key, below};
use std::collections::VecDeque;

/// Errors, latency, data.
const E: usize = 0;
const L: usize = 1;
const D: usize = 2;

/// How many arcs ahead masks are asked for.
const AHEAD: usize = 24;

/// What is asked of an arc.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question {
    /// Its position in the plan.
    pub(crate) arc: usize,
    /// One of the constants.
    pub(crate) of: usize,
}

impl Question {
    /// Do errors cross?
    pub(crate) const ERRORS: usize = 0;
    /// Does delay cross?
    pub(crate) const LATENCY: usize = 1;
    /// Do wrong answers cross?
    pub(crate) const DATA: usize = 2;
    /// Are wrong answers noticed?
    pub(crate) const VALIDATOR: usize = 3;
    /// How many there are.
    pub(crate) const KINDS: usize = 4;
}

/// Which arcs are live in which trials.
pub(crate) trait Worlds {
    /// Trials of `need` in which the answer is yes: the number of the key is below the threshold.
    fn ask<V: Lanes>(&self, machine: V::Machine, question: Question, key: Key, threshold: Threshold, need: V) -> V;
}

/// Worlds drawn from keyed random numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SampledWorlds {
    batch: Mask,
}

impl SampledWorlds {
    /// The worlds of a batch.
    pub(crate) fn new(batch: u64) -> Self {
        Self { batch: batch_key(batch) }
    }
}

impl Worlds for SampledWorlds {
    /// Numbers are drawn only where there is a trial to draw them for.
    #[inline(always)]
    fn ask<V: Lanes>(&self, machine: V::Machine, _: Question, key: Key, threshold: Threshold, need: V) -> V {
        if need.is_none() { need } else { below(machine, V::load(machine, &self.batch), key, threshold, need) }
    }
}

/// What a batch found. Reused from batch to batch.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    /// Channel masks of each local node, `channels` in a row.
    masks: Masks,
    channels: usize,
    /// Sources that count as impaired whatever crosses, by local node.
    pub(crate) impaired_sources: Vec<(u32, Mask)>,
    queue: VecDeque<u32>,
    queued: Vec<bool>,
    /// What was pushed along the arcs of a component, for the one that is being settled.
    done: Vec<Mask>,
}

impl Reached {
    /// Trials in which errors, delay and wrong data are at a local node.
    pub(crate) fn at(&self, node: usize) -> [Mask; 3] {
        let masks = self.masks.as_slice();
        match self.channels {
            1 => [masks[node], Mask::NONE, Mask::NONE],
            _ => [masks[node * 3], masks[node * 3 + 1], masks[node * 3 + 2]],
        }
    }

    /// Masks of all nodes, and how many channels each has.
    pub(crate) fn all(&self) -> (&[Mask], usize) {
        (self.masks.as_slice(), self.channels)
    }

    /// Starts a batch: clears, then sets the sources that each trial hits.
    pub(crate) fn start(&mut self, plan: &Plan, scenario: &Scenario, seed: Seed, batch: Batch) {
        self.begin(plan);
        let mut hits = Hits::default();
        let first = batch.number * BATCH;
        if is_constant(scenario) {
            hits.draw(scenario, &mut Drawn { seed, trial: first });
            self.set_hits(plan, &hits, 0);
            self.repeat_first(batch.lanes);
            return;
        }
        for lane in 0..batch.lanes {
            hits.draw(scenario, &mut Drawn { seed, trial: first + lane });
            self.set_hits(plan, &hits, lane);
        }
    }

    /// Clears everything for a new batch.
    pub(crate) fn begin(&mut self, plan: &Plan) {
        self.channels = if plan.is_plain() { 1 } else { 3 };
        self.masks.reset(plan.len() * self.channels);
        self.impaired_sources.clear();
        self.queued.clear();
        if !plan.inner_start.is_empty() {
            self.queued.resize(plan.len(), false);
            self.done.resize(plan.largest_component * self.channels, Mask::NONE);
        }
    }

    /// Marks the sources of one trial.
    pub(crate) fn set_hits(&mut self, plan: &Plan, hits: &Hits<'_>, lane: u64) {
        let (word, bit) = ((lane / LANES) as usize, 1_u64 << (lane % LANES));
        for hit in &hits.hits {
            for node in hits.nodes_of(hit) {
                // Silent faults hit nodes that are not in the plan.
                let Some(local) = plan.local(*node) else { continue };
                let channels = [hit.errors > 0.0, hit.is_slow, hit.wrong > 0.0];
                for (channel, on) in channels.into_iter().enumerate().take(self.channels) {
                    if on {
                        self.masks.as_mut_slice()[local * self.channels + channel][word] |= bit;
                    }
                }
                // The whole service counts as impaired too, even where nothing crosses to its label (semantics 2).
                self.mark_source(local as u32, word, bit);
                self.mark_source(plan.label_of(local), word, bit);
            }
        }
    }

    fn mark_source(&mut self, local: u32, word: usize, bit: u64) {
        match self.impaired_sources.iter_mut().find(|(known, _)| *known == local) {
            Some((_, mask)) => mask[word] |= bit,
            None => {
                let mut mask = Mask::NONE;
                mask[word] = bit;
                self.impaired_sources.push((local, mask));
            }
        }
    }

    /// The same sources as in lane 0 in all lanes: `impaired_sources` says which nodes, their masks which channels.
    fn repeat_first(&mut self, lanes: u64) {
        let masks = self.masks.as_mut_slice();
        for (local, mask) in &mut self.impaired_sources {
            *mask = Mask::first(lanes);
            let channels = *local as usize * self.channels..(*local as usize + 1) * self.channels;
            for mask in masks[channels].iter_mut().filter(|mask| !mask.is_none()) {
                *mask = Mask::first(lanes);
            }
        }
    }

    /// Sets masks by position, when all is well.
    pub(crate) fn strike(&mut self, seeds: &[(usize, Mask)]) {
        let masks = self.masks.as_mut_slice();
        seeds.iter().for_each(|(at, mask)| masks[*at] = *mask);
    }

    /// Makes a node and all later ones well.
    pub(crate) fn heal_from(&mut self, node: usize) {
        self.masks.as_mut_slice()[node * self.channels..].fill(Mask::NONE);
    }

    /// Propagates to the least fixpoint.
    pub(crate) fn propagate(&mut self, machine: Machine, plan: &Plan, worlds: &impl Worlds) {
        self.propagate_from(machine, plan, worlds, 0);
    }

    /// The same where all is well before a node, with which a component starts.
    pub(crate) fn propagate_from(&mut self, machine: Machine, plan: &Plan, worlds: &impl Worlds, node: usize) {
        let components = &plan.components[plan.components.partition_point(|(_, end)| (*end as usize) <= node)..];
        debug_assert!(components.first().is_none_or(|(start, _)| *start as usize == node), "a component is settled as a whole");
        let masks = self.masks.as_mut_slice();
        let (queue, queued, done) = (&mut self.queue, &mut self.queued[..], &mut self.done[..]);
        let settling = Settling { queue, queued, done };
        if self.channels == 1 {
            lanes::run(machine, Propagation::<1, _> { plan, components, worlds, masks, settling });
        } else {
            lanes::run(machine, Propagation::<3, _> { plan, components, worlds, masks, settling });
        }
    }
}

/// Work space for components of several nodes.
struct Settling<'a> {
    queue: &'a mut VecDeque<u32>,
    queued: &'a mut [bool],
    done: &'a mut [Mask],
}

/// A batch on its way to the least fixpoint, over `C` channels.
struct Propagation<'a, const C: usize, W> {
    plan: &'a Plan,
    components: &'a [(u32, u32)],
    worlds: &'a W,
    masks: &'a mut [Mask],
    settling: Settling<'a>,
}

impl<const C: usize, W: Worlds> Work for Propagation<'_, C, W> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(mut self, machine: V::Machine) {
        for (start, end) in self.components {
            for node in *start..*end {
                self.pull::<V>(machine, node as usize, *start);
            }
            // Cutting delayed arcs may leave a component without arcs of its own.
            if end - start > 1 && !self.plan.inner_start.is_empty() {
                self.settle::<V>(machine, *start, *end);
            }
        }
    }
}

impl<const C: usize, W: Worlds> Propagation<'_, C, W> {
    #[inline(always)]
    fn node<V: Lanes>(&self, machine: V::Machine, node: usize) -> [V; C] {
        std::array::from_fn(|channel| V::load(machine, &self.masks[node * C + channel]))
    }

    #[inline(always)]
    fn set<V: Lanes>(&mut self, node: usize, value: [V; C]) {
        for (mask, value) in self.masks[node * C..node * C + C].iter_mut().zip(value) {
            value.store(mask);
        }
    }

    /// Pulls along the arcs that come from earlier components.
    #[inline(always)]
    fn pull<V: Lanes>(&mut self, machine: V::Machine, node: usize, start: u32) {
        let plan = self.plan;
        let mut acc: [V; C] = self.node(machine, node);
        let arcs = plan.arcs_into(node);
        for (arc, source) in arcs.clone().zip(&plan.in_source[arcs]) {
            if let Some(soon) = plan.in_source.get(arc + AHEAD).and_then(|soon| self.masks.get(*soon as usize * C)) {
                V::prefetch(machine, soon);
            }
            let source = *source;
            if source >= start || (C == 3 && plan.is_gated(arc)) {
                continue;
            }
            let fresh: [V; C] = self.node(machine, source as usize);
            cross(machine, plan, self.worlds, arc, fresh, &mut acc);
        }
        if C == 3
            && let Some(gate) = plan.gates.get(&(node as u32))
        {
            self.gate(machine, gate, &mut acc);
        }
        self.set(node, acc);
    }

    /// Settles a component of several nodes: each pass takes a node whose bits grew and pushes only the new bits.
    #[inline(always)]
    fn settle<V: Lanes>(&mut self, machine: V::Machine, start: u32, end: u32) {
        let plan = self.plan;
        self.settling.done[..(end - start) as usize * C].fill(Mask::NONE);
        for node in start..end {
            self.settling.queue.push_back(node);
            self.settling.queued[node as usize] = true;
        }
        while let Some(node) = self.settling.queue.pop_front() {
            self.settling.queued[node as usize] = false;
            let fresh: [V; C] = self.grown(machine, node, start);
            if all_none(fresh) {
                continue;
            }
            for (arc, target) in plan.inner_arcs(node as usize) {
                let before: [V; C] = self.node(machine, *target as usize);
                let mut acc = before;
                if C == 3 && plan.is_gated(*arc as usize) {
                    if let Some(gate) = plan.gates.get(target) {
                        self.gate(machine, gate, &mut acc);
                    }
                } else {
                    cross(machine, plan, self.worlds, *arc as usize, fresh, &mut acc);
                }
                if all_none::<V, C>(std::array::from_fn(|channel| acc[channel].without(before[channel]))) {
                    continue;
                }
                self.set(*target as usize, acc);
                if !self.settling.queued[*target as usize] {
                    self.settling.queued[*target as usize] = true;
                    self.settling.queue.push_back(*target);
                }
            }
        }
    }

    /// Bits of a node that were not pushed before; from now on they were. `start` is the first node of its component.
    #[inline(always)]
    fn grown<V: Lanes>(&mut self, machine: V::Machine, node: u32, start: u32) -> [V; C] {
        let all: [V; C] = self.node(machine, node as usize);
        std::array::from_fn(|channel| {
            let done = &mut self.settling.done[(node - start) as usize * C + channel];
            let fresh = all[channel].without(V::load(machine, done));
            all[channel].store(done);
            fresh
        })
    }

    /// A k-of-n gate: counts lost providers per trial in bit-sliced form. It fails while too many fail; it is slow (wrong) where some
    /// are slow (wrong) and too many are lost in any way, for one that fails is no way round one that is slow.
    #[inline(always)]
    fn gate<V: Lanes>(&self, machine: V::Machine, gate: &Gate, acc: &mut [V; C]) {
        let none = V::splat(machine, 0);
        // Failing providers, and those lost in any way.
        let mut counters = vec![[none; 2]; (usize::BITS - gate.providers.len().leading_zeros()) as usize];
        let mut some = [none; C];
        for arcs in &gate.providers {
            let mut lost = [none; C];
            for arc in arcs {
                let fresh: [V; C] = self.node(machine, self.plan.in_source[*arc as usize] as usize);
                cross(machine, self.plan, self.worlds, *arc as usize, fresh, &mut lost);
            }
            some.iter_mut().zip(lost).for_each(|(some, lost)| *some = some.or(lost));
            let mut carries = [lost[0], lost.into_iter().fold(none, V::or)];
            for plane in &mut counters {
                for (count, carry) in plane.iter_mut().zip(&mut carries) {
                    let next = count.and(*carry);
                    *count = count.xor(*carry);
                    *carry = next;
                }
            }
        }
        let tolerated = gate.listed - gate.at_least;
        let [failing, lost] = std::array::from_fn(|which| above(machine, counters.iter().map(|plane| plane[which]), tolerated));
        acc[0] = acc[0].or(failing);
        for (acc, some) in acc.iter_mut().zip(some).skip(1) {
            *acc = acc.or(some.and(lost));
        }
    }
}

#[inline(always)]
fn all_none<V: Lanes, const C: usize>(masks: [V; C]) -> bool {
    let mut all = masks[0];
    for mask in &masks[1..] {
        all = all.or(*mask);
    }
    all.is_none()
}

/// Lanes whose bit-sliced counter, least significant plane first, is above a number.
#[inline(always)]
fn above<V: Lanes>(machine: V::Machine, planes: impl DoubleEndedIterator<Item = V> + ExactSizeIterator, number: usize) -> V {
    let length = planes.len();
    let mut above = V::splat(machine, 0);
    if length < usize::BITS as usize && number >> length != 0 {
        return above;
    }
    let mut equal = V::splat(machine, u64::MAX);
    for (at, plane) in planes.enumerate().rev() {
        if number >> at & 1 == 0 {
            above = above.or(equal.and(plane));
            equal = equal.without(plane);
        } else {
            equal = equal.and(plane);
        }
    }
    above
}

/// Carries the trials of `fresh` over an arc into `acc`.
#[inline(always)]
pub(super) fn cross<V: Lanes, const C: usize>(
    machine: V::Machine,
    plan: &Plan,
    worlds: &impl Worlds,
    arc: usize,
    fresh: [V; C],
    acc: &mut [V; C],
) {
    let (key, threshold) = (plan.in_key[arc], plan.in_threshold.get(arc));
    if C == 1 || plan.in_rule.is_empty() {
        // Plain arcs carry errors and delay with one probability.
        for channel in 0..C.min(2) {
            let need = fresh[channel].without(acc[channel]);
            let question = Question { arc, of: Question::ERRORS };
            acc[channel] = acc[channel].or(worlds.ask(machine, question, key, threshold, need));
        }
        return;
    }
    if plan.rule(arc) == INSIDE {
        for channel in 0..C {
            acc[channel] = acc[channel].or(fresh[channel]);
        }
        return;
    }
    if !all_none(fresh) {
        let from = [fresh[E], fresh[L.min(C - 1)], fresh[D.min(C - 1)]];
        let mut into = [acc[E], acc[L.min(C - 1)], acc[D.min(C - 1)]];
        cross_ruled(machine, plan, worlds, arc, from, &mut into);
        (acc[E], acc[L.min(C - 1)], acc[D.min(C - 1)]) = (into[E], into[L], into[D]);
    }
}

/// A batch over an arc with a rule: errors, delay that a timeout turns into errors, delay, wrong data, wrong data that a
/// validator turns into errors.
#[inline(always)]
fn cross_ruled<V: Lanes>(machine: V::Machine, plan: &Plan, worlds: &impl Worlds, arc: usize, from: [V; 3], into: &mut [V; 3]) {
    let (key, rule) = (plan.in_key[arc], &plan.rules[plan.rule(arc) as usize]);
    let crossing = &rule.crossing;
    let draw = |of, threshold, need| worlds.ask(machine, Question { arc, of }, key, threshold, need);
    if crossing.channels.has(Channels::ERRORS) {
        into[E] = into[E].or(draw(Question::ERRORS, rule.errors, from[E].without(into[E])));
    }
    if crossing.channels.has(Channels::LATENCY) {
        if crossing.timeout.is_some() {
            into[E] = into[E].or(draw(Question::ERRORS, rule.errors, from[L].without(into[E])));
        }
        into[L] = into[L].or(draw(Question::LATENCY, rule.latency, from[L].without(into[L])));
    }
    if crossing.channels.has(Channels::DATA) {
        let crosses = draw(Question::DATA, rule.data, from[D].without(into[D].and(into[E])));
        match rule.validator {
            Some((key, threshold)) if !crosses.is_none() => {
                let caught = worlds.ask(machine, Question { arc, of: Question::VALIDATOR }, key, threshold, crosses);
                into[D] = into[D].or(crosses.without(caught));
                if crossing.rejects {
                    into[E] = into[E].or(caught);
                }
            }
            _ => into[D] = into[D].or(crosses),
        }
    }
}

/// Does every trial hit the same nodes on the same channels?
pub(crate) fn is_constant(scenario: &Scenario) -> bool {
    use crate::fault::scenario::Harm;
    scenario.incidents.iter().all(|incident| {
        !incident.advice
            && incident.common.is_empty()
            && matches!(incident.harm, Harm::Fixed { .. } | Harm::Latency | Harm::Loop(_) | Harm::Silent)
            && incident.members.iter().all(|member| member.p >= 1.0 && member.operations.iter().all(|(_, p)| *p >= 1.0))
    })
}

/// A batch of trials: its number, and how many of its trials are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch {
    pub(crate) number: u64,
    pub(crate) lanes: u64,
}

/// One batch from start to fixpoint.
pub(crate) fn run_batch(reached: &mut Reached, machine: Machine, plan: &Plan, scenario: &Scenario, seed: Seed, batch: Batch) {
    reached.start(plan, scenario, seed, batch);
    reached.propagate(machine, plan, &SampledWorlds::new(batch.number));
}
