//! Layer 1: static reach, 64 trials to a word (model.md §2.4).
//!
//! Reach in a trial is reachability over the arcs that are live in it (independent cascade, Kempe, Kleinberg, Tardos 2003). A
//! node holds one bit per trial and channel; nodes are visited in topological order of the condensation and pull along their
//! arcs, components of several nodes are settled by a worklist in which every (arc, trial) is decided once. All operators are
//! monotone, so the least fixpoint does not depend on the order of visits.

use super::plan::{Gate, INSIDE, Plan};
use crate::fault::draw::Drawn;
use crate::fault::scenario::Scenario;
use crate::fault::trial::Hits;
use crate::model::facts::Channels;
use crate::random::{Key, LANES, Seed, Threshold, below, below_wide, block_key};
use std::collections::VecDeque;

/// Words per node and channel: how many blocks of 64 trials go through the graph together. Results do not depend on it.
pub(crate) const WIDTH: usize = 8;
/// Trials that go through the graph together.
pub(crate) const BATCH: u64 = LANES * WIDTH as u64;

/// One bit per trial of a batch.
pub(crate) type Mask = [u64; WIDTH];
/// Errors, latency, data.
const E: usize = 0;
const L: usize = 1;
const D: usize = 2;

/// Which arcs are live in which trials.
pub(crate) trait Worlds {
    /// Trials of `need`, in word `word`, in which the entity's number is below the threshold.
    fn below(&self, key: Key, threshold: Threshold, word: usize, need: u64) -> u64;

    /// The same for a whole batch.
    #[inline(always)]
    fn below_all(&self, key: Key, threshold: Threshold, need: &Mask) -> Mask {
        std::array::from_fn(|word| if need[word] == 0 { 0 } else { self.below(key, threshold, word, need[word]) })
    }
}

/// Worlds drawn from keyed random numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SampledWorlds {
    block_keys: [u64; WIDTH],
}

impl SampledWorlds {
    /// The worlds of a batch.
    pub(crate) fn new(batch: u64) -> Self {
        Self { block_keys: std::array::from_fn(|word| block_key(batch * WIDTH as u64 + word as u64)) }
    }
}

impl Worlds for SampledWorlds {
    #[inline(always)]
    fn below(&self, key: Key, threshold: Threshold, word: usize, need: u64) -> u64 {
        below(key, self.block_keys[word], threshold, need)
    }

    #[inline(always)]
    fn below_all(&self, key: Key, threshold: Threshold, need: &Mask) -> Mask {
        below_wide(key, &self.block_keys, threshold, need)
    }
}

/// What a batch found. Reused from batch to batch.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    /// Channel masks of each local node, `channels` in a row.
    masks: Vec<Mask>,
    channels: usize,
    /// Sources that count as impaired whatever crosses, by local node.
    pub(crate) impaired_sources: Vec<(u32, Mask)>,
    queue: VecDeque<u32>,
    queued: Vec<bool>,
    done: Vec<Mask>,
}

impl Reached {
    /// Trials in which errors, delay and wrong data are at a local node.
    pub(crate) fn at(&self, node: usize) -> [Mask; 3] {
        match self.channels {
            1 => [self.masks[node], [0; WIDTH], [0; WIDTH]],
            _ => [self.masks[node * 3], self.masks[node * 3 + 1], self.masks[node * 3 + 2]],
        }
    }

    /// Starts a batch: clears, then sets the sources that each trial hits.
    pub(crate) fn start(&mut self, plan: &Plan, scenario: &Scenario, mut choices: impl FnMut(u64) -> Option<Drawn>) {
        self.begin(plan);
        let mut hits = Hits::default();
        let constant = is_constant(scenario);
        for lane in 0..BATCH {
            let Some(mut choose) = choices(lane) else { break };
            if constant && lane > 0 {
                self.repeat_first(lane);
                continue;
            }
            hits.draw(scenario, &mut choose);
            self.set_hits(plan, &hits, lane);
        }
    }

    /// Clears everything for a new batch.
    pub(crate) fn begin(&mut self, plan: &Plan) {
        self.channels = if plan.is_plain() { 1 } else { 3 };
        self.masks.clear();
        self.masks.resize(plan.len() * self.channels, [0; WIDTH]);
        self.impaired_sources.clear();
        self.queued.clear();
        self.done.clear();
        if !plan.inner_start.is_empty() {
            self.queued.resize(plan.len(), false);
            self.done.resize(plan.len() * self.channels, [0; WIDTH]);
        }
    }

    /// Marks the sources of one trial.
    pub(crate) fn set_hits(&mut self, plan: &Plan, hits: &Hits<'_>, lane: u64) {
        let (word, bit) = ((lane / LANES) as usize, 1_u64 << (lane % LANES));
        for hit in &hits.hits {
            for node in hits.nodes_of(hit) {
                // Silent faults hit nodes that are not in the plan.
                let Some(local) = plan.local(*node) else { continue };
                let channels = [hit.errors > 0.0, hit.latency > 1.0, hit.wrong > 0.0];
                for (channel, on) in channels.into_iter().enumerate().take(self.channels) {
                    if on {
                        self.masks[local * self.channels + channel][word] |= bit;
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
                let mut mask = [0; WIDTH];
                mask[word] = bit;
                self.impaired_sources.push((local, mask));
            }
        }
    }

    /// The same sources as in lane 0: `impaired_sources` says which nodes, their masks which channels.
    fn repeat_first(&mut self, lane: u64) {
        let (word, bit) = ((lane / LANES) as usize, 1_u64 << (lane % LANES));
        for (local, mask) in &mut self.impaired_sources {
            mask[word] |= bit;
            for channel in 0..self.channels {
                let mask = &mut self.masks[*local as usize * self.channels + channel];
                if mask[0] & 1 != 0 {
                    mask[word] |= bit;
                }
            }
        }
    }

    /// Propagates to the least fixpoint.
    pub(crate) fn propagate(&mut self, plan: &Plan, worlds: &impl Worlds) {
        if self.channels == 1 { self.run::<1>(plan, worlds) } else { self.run::<3>(plan, worlds) }
    }

    fn run<const C: usize>(&mut self, plan: &Plan, worlds: &impl Worlds) {
        for (start, end) in &plan.components {
            for node in *start..*end {
                self.pull::<C>(plan, worlds, node as usize, *start);
            }
            // Cutting delayed arcs may leave a component without arcs of its own.
            if end - start > 1 && !plan.inner_start.is_empty() {
                self.settle::<C>(plan, worlds, *start, *end);
            }
        }
    }

    /// Pulls along the arcs that come from earlier components.
    fn pull<const C: usize>(&mut self, plan: &Plan, worlds: &impl Worlds, node: usize, start: u32) {
        let mut acc: [Mask; C] = self.node(node);
        for arc in plan.arcs_into(node) {
            let source = plan.in_source[arc];
            if source >= start || (C == 3 && plan.is_gated(arc)) {
                continue;
            }
            let fresh: [Mask; C] = self.node(source as usize);
            cross(plan, worlds, arc, &fresh, &mut acc);
        }
        if C == 3
            && let Some(gate) = plan.gates.get(&(node as u32))
        {
            self.gate(plan, worlds, gate, &mut acc);
        }
        self.masks[node * C..node * C + C].copy_from_slice(&acc);
    }

    fn node<const C: usize>(&self, node: usize) -> [Mask; C] {
        std::array::from_fn(|channel| self.masks[node * C + channel])
    }

    /// Settles a component of several nodes: each pass takes a node whose bits grew and pushes only the new bits.
    fn settle<const C: usize>(&mut self, plan: &Plan, worlds: &impl Worlds, start: u32, end: u32) {
        for node in start..end {
            self.queue.push_back(node);
            self.queued[node as usize] = true;
        }
        while let Some(node) = self.queue.pop_front() {
            self.queued[node as usize] = false;
            let all: [Mask; C] = self.node(node as usize);
            let mut fresh = all;
            let mut any = 0;
            for (channel, fresh) in fresh.iter_mut().enumerate() {
                let done = &mut self.done[node as usize * C + channel];
                for (bits, done) in fresh.iter_mut().zip(done.iter_mut()) {
                    *bits &= !*done;
                    *done |= *bits;
                    any |= *bits;
                }
            }
            if any == 0 {
                continue;
            }
            for (arc, target) in plan.inner_arcs(node as usize) {
                let before: [Mask; C] = self.node(*target as usize);
                let mut acc = before;
                if C == 3 && plan.is_gated(*arc as usize) {
                    if let Some(gate) = plan.gates.get(target) {
                        self.gate(plan, worlds, gate, &mut acc);
                    }
                } else {
                    cross(plan, worlds, *arc as usize, &fresh, &mut acc);
                }
                if acc != before {
                    self.masks[*target as usize * C..*target as usize * C + C].copy_from_slice(&acc);
                    if !self.queued[*target as usize] {
                        self.queued[*target as usize] = true;
                        self.queue.push_back(*target);
                    }
                }
            }
        }
    }

    /// A k-of-n gate: counts lost providers per trial in bit-sliced form.
    fn gate<const C: usize>(&self, plan: &Plan, worlds: &impl Worlds, gate: &Gate, acc: &mut [Mask; C]) {
        let mut counters = vec![[[0_u64; WIDTH]; C]; (usize::BITS - gate.providers.len().leading_zeros()) as usize];
        for arcs in &gate.providers {
            let mut lost = [[0; WIDTH]; C];
            for arc in arcs {
                let fresh: [Mask; C] = self.node(plan.in_source[*arc as usize] as usize);
                cross(plan, worlds, *arc as usize, &fresh, &mut lost);
            }
            for plane in &mut counters {
                for channel in 0..C {
                    for word in 0..WIDTH {
                        let carry = plane[channel][word] & lost[channel][word];
                        plane[channel][word] ^= lost[channel][word];
                        lost[channel][word] = carry;
                    }
                }
            }
        }
        let tolerated = gate.listed - gate.at_least;
        for channel in 0..C {
            for word in 0..WIDTH {
                acc[channel][word] |= above(counters.iter().map(|plane| plane[channel][word]), tolerated);
            }
        }
    }
}

/// Lanes whose bit-sliced counter, least significant plane first, is above a number.
fn above(planes: impl DoubleEndedIterator<Item = u64> + ExactSizeIterator, number: usize) -> u64 {
    let length = planes.len();
    if length < usize::BITS as usize && number >> length != 0 {
        return 0;
    }
    let (mut above, mut equal) = (0, u64::MAX);
    for (at, plane) in planes.enumerate().rev() {
        if number >> at & 1 == 0 {
            above |= equal & plane;
            equal &= !plane;
        } else {
            equal &= plane;
        }
    }
    above
}

/// Carries the trials of `fresh` over an arc into `acc`.
#[inline(always)]
fn cross<const C: usize>(plan: &Plan, worlds: &impl Worlds, arc: usize, fresh: &[Mask; C], acc: &mut [Mask; C]) {
    let (key, threshold) = (plan.in_key[arc], plan.in_threshold[arc]);
    if plan.in_rule.is_empty() {
        // Plain arcs carry errors and delay with one probability.
        for channel in 0..C.min(2) {
            let mut need = [0; WIDTH];
            let mut any = 0;
            for word in 0..WIDTH {
                need[word] = fresh[channel][word] & !acc[channel][word];
                any |= need[word];
            }
            if any != 0 {
                let live = worlds.below_all(key, threshold, &need);
                for word in 0..WIDTH {
                    acc[channel][word] |= live[word];
                }
            }
        }
        return;
    }
    if C < 3 {
        return;
    }
    if plan.rule(arc) == INSIDE {
        for channel in 0..C {
            for word in 0..WIDTH {
                acc[channel][word] |= fresh[channel][word];
            }
        }
        return;
    }
    for word in 0..WIDTH {
        let from = [fresh[E][word], fresh[L.min(C - 1)][word], fresh[D.min(C - 1)][word]];
        if from != [0; 3] {
            let mut into = [acc[E][word], acc[L.min(C - 1)][word], acc[D.min(C - 1)][word]];
            cross_ruled(plan, worlds, arc, word, from, &mut into);
            acc[E][word] = into[E];
            acc[L.min(C - 1)][word] = into[L];
            acc[D.min(C - 1)][word] = into[D];
        }
    }
}

/// One word over an arc with a rule: errors, delay that a timeout turns into errors, delay, wrong data, wrong data that a
/// validator turns into errors.
fn cross_ruled(plan: &Plan, worlds: &impl Worlds, arc: usize, word: usize, from: [u64; 3], into: &mut [u64; 3]) {
    let (key, rule) = (plan.in_key[arc], &plan.rules[plan.rule(arc) as usize]);
    let crossing = &rule.crossing;
    let draw = |threshold, need| if need == 0 { 0 } else { worlds.below(key, threshold, word, need) };
    if crossing.channels.has(Channels::ERRORS) {
        into[E] |= draw(rule.errors, from[E] & !into[E]);
    }
    if crossing.channels.has(Channels::LATENCY) {
        if crossing.timeout.is_some() {
            into[E] |= draw(rule.errors, from[L] & !into[E]);
        }
        into[L] |= draw(rule.latency, from[L] & !into[L]);
    }
    if crossing.channels.has(Channels::DATA) {
        let crosses = draw(rule.data, from[D] & (!into[D] | !into[E]));
        match rule.validator {
            Some((key, threshold)) if crosses != 0 => {
                let caught = worlds.below(key, threshold, word, crosses);
                into[D] |= crosses & !caught;
                if crossing.rejects {
                    into[E] |= caught;
                }
            }
            _ => into[D] |= crosses,
        }
    }
}

/// Does every trial hit the same nodes on the same channels?
pub(crate) fn is_constant(scenario: &Scenario) -> bool {
    use crate::fault::scenario::Harm;
    scenario.incidents.iter().all(|incident| {
        !incident.advice
            && incident.common.is_empty()
            && matches!(incident.harm, Harm::Fixed { .. } | Harm::Loop(_) | Harm::Silent)
            && incident.members.iter().all(|member| member.p >= 1.0 && member.operations.iter().all(|(_, p)| *p >= 1.0))
    })
}

/// One batch from start to fixpoint; `lanes` trials from `batch * BATCH` on are used.
pub(crate) fn run_batch(reached: &mut Reached, plan: &Plan, scenario: &Scenario, seed: Seed, batch: u64, lanes: u64) {
    let first = batch * BATCH;
    reached.start(plan, scenario, |lane| (lane < lanes).then_some(Drawn { seed, trial: first + lane }));
    reached.propagate(plan, &SampledWorlds::new(batch));
}
