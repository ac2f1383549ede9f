//! One total outage that spreads, 512 trials at a time: no heap, no events (model.md §2.5, exact special case).
//!
//! Service v goes down at the shortest live distance from the root by buffers, if that is before the root is back, and everybody
//! is back with the root. [`Spread`] says when that holds; what must hold here is that every number is the one that the events
//! give, tick for tick.
//!
//! Arcs are taken in the plan's order and drawn for all trials that reach them, which is cheap in bulk; every trial then has its
//! own short list of live arcs with their waits, in topological order. One sweep over it finds the distances. Arcs of a cyclic
//! component are swept again, backwards and forwards in turn, until nothing changes (J. Y. Yen, Quarterly of Applied Mathematics
//! 27 (1970) 526–530). O(live arcs) a trial without cycles.

use super::lane::{ErrorArc, at_least_shortest};
use super::plan::Plan;
use super::reach::Reached;
use super::series::Spell;
use super::timeline::{Outage, Spread, Timeline};
use crate::fault::draw::durations;
use crate::lanes::{self, BATCH, Lanes, Machine, Mask, Work};
use crate::model::DurationLaw;
use crate::random::{Draws, LANES, Purpose, Seed, TrialKey, batch_key, below};
use crate::units::Ticks;
use std::ops::Range;

/// Not at all.
const NEVER: Ticks = Ticks::MAX;
/// No label.
const NONE: u32 = u32::MAX;
/// In place of a source: the arcs from `target` on belong to one component and are swept again.
const AGAIN: u32 = u32::MAX;
/// Times of so many (service, trial) pairs are kept at once: what fits a processor's second cache.
const PAIRS: usize = 1 << 20;

/// A live arc of a trial.
#[derive(Debug, Clone, Copy)]
struct LiveArc {
    source: u32,
    target: u32,
    wait: Ticks,
}

/// A batch of trials at work; reused from batch to batch.
#[derive(Debug, Default)]
pub(super) struct Spreading {
    outages: Vec<Outage>,
    keys: Vec<TrialKey>,
    /// Trials that are decided here.
    pub(super) taken: Mask,
    /// Live arcs of each trial of a pass.
    live: Vec<Vec<LiveArc>>,
    /// By plan node, in the trial at hand: time from the onset to its loss.
    from: Vec<Ticks>,
    /// Nodes of the trial at hand.
    found: Vec<u32>,
    /// By label position and trial of the pass: time from the onset to its loss, where `down` says so.
    times: Vec<Ticks>,
    /// By label position: trials in which it goes down, the root left out.
    pub(super) down: Vec<Mask>,
    /// By trial: services that go down, the root left out.
    pub(super) reach: Vec<u32>,
    /// By trial and journey: time from the onset to its first loss.
    first_losses: Vec<Ticks>,
    journeys: usize,
    /// Live arcs whose waits are drawn together, each with its trial; their law, and what the waits are made from.
    waiting: Vec<(u16, u32, u32)>,
    law: Option<DurationLaw>,
    uniforms: Vec<f64>,
    waits: Vec<Ticks>,
}

/// Where the numbers of a batch come from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) machine: Machine,
    pub(super) seed: Seed,
    pub(super) batch: u64,
}

/// What a pass found, for the one who counts.
pub(super) struct Column<'a> {
    /// Position of the label.
    pub(super) label: usize,
    /// Trials of the batch that the pass is about.
    pub(super) lanes: Range<usize>,
    /// Of these, the trials in which it goes down.
    pub(super) down: &'a Mask,
    /// By trial of the pass: time from the onset to the loss.
    pub(super) times: &'a [Ticks],
    /// By trial of the batch.
    pub(super) outages: &'a [Outage],
}

impl Column<'_> {
    /// Calls with the times in which the service is impaired, trial by trial.
    pub(super) fn for_each_spell(&self, mut each: impl FnMut(Spell)) {
        self.down.for_each(|lane| {
            let Outage { onset, length } = self.outages[lane];
            let from = onset.saturating_add(self.times[lane - self.lanes.start]);
            each((self.label as u32, from, onset.saturating_add(length)));
        });
    }
}

impl Spreading {
    /// Starts a batch in which no trial is decided here.
    pub(super) fn begin(&mut self, line: &Timeline<'_>, labels: usize) {
        self.journeys = line.journey_needs.len();
        self.taken = Mask::NONE;
        self.outages.clear();
        self.outages.resize(BATCH as usize, Outage::default());
        self.reach.clear();
        self.reach.resize(BATCH as usize, 0);
        self.down.clear();
        self.down.resize(labels, Mask::NONE);
        self.first_losses.clear();
        self.first_losses.resize(BATCH as usize * self.journeys, NEVER);
        self.from.resize(line.plan.len(), NEVER);
    }

    /// Takes a trial.
    pub(super) fn take(&mut self, lane: u64, outage: Outage) {
        self.taken[(lane / LANES) as usize] |= 1 << (lane % LANES);
        self.outages[lane as usize] = outage;
    }

    /// Is a trial decided here?
    pub(super) fn takes(&self, lane: u64) -> bool {
        self.taken[(lane / LANES) as usize] >> (lane % LANES) & 1 == 1
    }

    /// Does the service at the position of a label go down in a trial? `u32::MAX` is no label.
    pub(super) fn is_down(&self, label: u32, lane: u64) -> bool {
        self.down.get(label as usize).is_some_and(|down| down[(lane / LANES) as usize] >> (lane % LANES) & 1 == 1)
    }

    /// The outage of a trial, and by journey the time until its first loss.
    pub(super) fn trial(&self, lane: u64) -> (Outage, &[Ticks]) {
        let lane = lane as usize;
        (self.outages[lane], &self.first_losses[lane * self.journeys..(lane + 1) * self.journeys])
    }

    /// Computes all trials that were taken, and gives out what was found, service by service, maybe in several passes.
    pub(super) fn run(
        &mut self,
        line: &Timeline<'_>,
        spread: &Spread,
        reached: &Reached,
        (position, source): (&[u32], Source),
        mut count: impl FnMut(&Column<'_>),
    ) {
        if self.taken.is_none() {
            return;
        }
        self.keys.clear();
        self.keys.extend((0..BATCH).map(|lane| TrialKey::new(source.batch * BATCH + lane)));
        let width = width(self.down.len());
        self.live.resize_with(width, Vec::new);
        self.times.resize(self.down.len() * (width + GAP), NEVER);
        for start in (0..BATCH as usize).step_by(width) {
            let lanes = start..start + width;
            let wanted = self.taken.and(Mask::between(lanes.clone()));
            if wanted.is_none() {
                continue;
            }
            let drawing = Drawing { plan: line.plan, spread, reached, source, wanted, lanes: lanes.clone(), batch: self };
            lanes::run(source.machine, drawing);
            self.sweep(line, spread, position, lanes.clone());
            for label in 0..self.down.len() {
                let down = self.down[label].and(wanted);
                if !down.is_none() {
                    let times = &self.times[label * (width + GAP)..][..width];
                    count(&Column { label, lanes: lanes.clone(), down: &down, times, outages: &self.outages });
                }
            }
        }
    }

    /// Distances in every trial of a pass.
    fn sweep(&mut self, line: &Timeline<'_>, spread: &Spread, position: &[u32], lanes: Range<usize>) {
        let width = lanes.len();
        for (at, lane) in lanes.enumerate() {
            if !self.takes(lane as u64) {
                continue;
            }
            let length = self.outages[lane].length;
            spread.roots.iter().for_each(|root| self.from[*root as usize] = Ticks::ZERO);
            self.sweep_trial(at, length);
            let losses = &mut self.first_losses[lane * self.journeys..(lane + 1) * self.journeys];
            for (loss, needs) in losses.iter_mut().zip(&line.journey_needs) {
                *loss = needs.iter().map(|node| self.from[*node as usize]).min().unwrap_or(NEVER);
            }
            for node in self.found.drain(..) {
                let label = position[node as usize];
                if label != NONE {
                    self.times[label as usize * (width + GAP) + at] = self.from[node as usize];
                    self.down[label as usize][lane / LANES as usize] |= 1 << (lane % LANES as usize);
                    self.reach[lane] += 1;
                }
                self.from[node as usize] = NEVER;
            }
            spread.roots.iter().for_each(|root| self.from[*root as usize] = NEVER);
        }
    }

    fn sweep_trial(&mut self, at: usize, length: Ticks) {
        let arcs = &self.live[at];
        let (from, found) = (&mut self.from, &mut self.found);
        let mut relax = |arc: &LiveArc| {
            let target = from[arc.target as usize];
            // An outage of exactly the buffer does not cross (semantics 17).
            let fires = from[arc.source as usize].saturating_add(arc.wait);
            if fires >= length || fires >= target {
                return false;
            }
            if target == NEVER {
                found.push(arc.target);
            }
            from[arc.target as usize] = fires;
            true
        };
        for (end, arc) in arcs.iter().enumerate() {
            if arc.source != AGAIN {
                relax(arc);
                continue;
            }
            let cyclic = &arcs[arc.target as usize..end];
            let mut backwards = true;
            // Distances only fall, and by whole ticks.
            loop {
                let mut changed = false;
                if backwards {
                    cyclic.iter().rev().for_each(|arc| changed |= relax(arc));
                } else {
                    cyclic.iter().for_each(|arc| changed |= relax(arc));
                }
                if !changed {
                    break;
                }
                backwards = !backwards;
            }
        }
    }
}

/// Waits of so many live arcs are drawn together: few enough to stay in a processor's first cache.
const TOGETHER: usize = 512;

/// Columns of times start this far apart more than they are long: at powers of two they would all meet in the same lines of a
/// processor's first cache.
const GAP: usize = 8;

/// Trials of a pass: all of a batch, fewer where there are many services.
fn width(labels: usize) -> usize {
    let fit = PAIRS / labels.max(1);
    [512, 256, 128, 64, 32, 16].into_iter().find(|width| *width <= fit).unwrap_or(8)
}

/// Draws the live arcs of a pass and their waits.
struct Drawing<'a> {
    plan: &'a Plan,
    spread: &'a Spread,
    reached: &'a Reached,
    source: Source,
    wanted: Mask,
    lanes: Range<usize>,
    batch: &'a mut Spreading,
}

impl Work for Drawing<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(mut self, machine: V::Machine) {
        let key = V::load(machine, &batch_key(self.source.batch));
        let wanted = V::load(machine, &self.wanted);
        let (plan, spread, (masks, channels)) = (self.plan, self.spread, self.reached.all());
        self.batch.live.iter_mut().for_each(Vec::clear);
        let mut starts = vec![0_u32; self.lanes.len()];
        for (start, end) in &plan.components {
            let is_cyclic = end - start > 1;
            if is_cyclic {
                starts.iter_mut().zip(&self.batch.live).for_each(|(start, live)| *start = live.len() as u32);
            }
            for node in &spread.visits[*start as usize..*end as usize] {
                let node = *node;
                let into = wanted.and(V::load(machine, &masks[node as usize * channels]));
                if into.is_none() || spread.roots.binary_search(&node).is_ok() {
                    continue;
                }
                for arc in &spread.arcs[plan.arcs_into(node as usize)] {
                    let need = into.and(V::load(machine, &masks[arc.source as usize * channels]));
                    if !need.is_none() {
                        let mut live = Mask::NONE;
                        below(machine, key, arc.key, arc.threshold, need).store(&mut live);
                        self.add(arc, node, &live);
                    }
                }
            }
            if is_cyclic {
                self.batch.draw_waits(self.lanes.start);
                for (start, live) in starts.iter().zip(&mut self.batch.live) {
                    if live.len() as u32 - start > 1 {
                        live.push(LiveArc { source: AGAIN, target: *start, wait: Ticks::ZERO });
                    }
                }
            }
        }
        self.batch.draw_waits(self.lanes.start);
    }
}

impl Drawing<'_> {
    /// Adds an arc to the trials in which it is live.
    #[inline(always)]
    fn add(&mut self, arc: &ErrorArc, target: u32, live: &Mask) {
        if arc.buffer != self.batch.law || self.batch.waiting.len() >= TOGETHER {
            self.batch.draw_waits(self.lanes.start);
            self.batch.law = arc.buffer;
        }
        let Spreading { keys, waiting, law, uniforms, .. } = &mut *self.batch;
        let drawn = waiting.len();
        live.for_each(|lane| waiting.push((lane as u16, arc.source, target)));
        if law.is_some_and(|law| law.constant().is_none()) {
            let key = self.source.seed.key(Purpose::Buffer, arc.name);
            for (lane, ..) in &waiting[drawn..] {
                uniforms.push(Draws::of(key, keys[*lane as usize]).uniform());
            }
        }
    }
}

impl Spreading {
    /// Draws the waits of the arcs that wait for it, and gives them to their trials. The order of the arcs stays.
    #[inline(always)]
    fn draw_waits(&mut self, first_lane: usize) {
        self.waits.clear();
        self.waits.resize(self.waiting.len(), Ticks::ZERO);
        if let Some(law) = self.law {
            match law.constant() {
                Some(wait) => self.waits.fill(wait),
                None => durations(law, &mut self.uniforms, &mut self.waits),
            }
            for wait in &mut self.waits {
                *wait = at_least_shortest(*wait);
            }
        }
        for at in 0..self.waiting.len() {
            let (lane, source, target) = self.waiting[at];
            self.live[lane as usize - first_lane].push(LiveArc { source, target, wait: self.waits[at] });
        }
        self.waiting.clear();
        self.uniforms.clear();
    }
}
