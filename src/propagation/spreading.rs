//! One total outage that spreads, 512 trials at a time: no heap, no events (model.md §2.5, exact special case).
//!
//! Service v goes down at the shortest live distance from the root by buffers, if that is before the root is back, and everybody
//! is back with the root. [`Spread`] says when that holds; what must hold here is that every number is the one that the events
//! give, tick for tick.
//!
//! A node has a row of times, one for each trial. Nodes pull in topological order: an arc is drawn in the trials in which its
//! provider is down, its waits are drawn together, and each shortens the time of the consumer. Arcs of a cyclic component are
//! drawn first and pulled again, backwards and forwards in turn, as long as their provider's row changes (J. Y. Yen, Quarterly
//! of Applied Mathematics 27 (1970) 526–530). O(live arcs) a trial without cycles.

use super::count::{PLANES, add_from, count_at};
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
/// Times of so many (node, trial) pairs are held at once, and waits of so many (arc, trial) pairs, unless eight trials take more.
const PAIRS: usize = 1 << 22;

/// Live arcs of one dependency: a stretch of the trials and waits that were drawn.
#[derive(Debug, Clone)]
struct Pull {
    source: u32,
    target: u32,
    drawn: Range<usize>,
    /// When it was pulled, by the clock of pulls.
    pulled: u64,
}

/// A batch of trials at work; reused from batch to batch.
#[derive(Debug, Default)]
pub(super) struct Spreading {
    outages: Vec<Outage>,
    keys: Vec<TrialKey>,
    /// Trials that are decided here.
    taken: Mask,
    /// By plan node, a row of the trials of a pass: time from the onset to its loss, or the length of the outage if that
    /// is not longer.
    times: Vec<Ticks>,
    /// By trial of a pass: how long its outage lasts.
    lengths: Vec<Ticks>,
    /// By plan node: trials in which it goes down.
    down: Vec<Mask>,
    /// By trial, as binary digits: services that go down, the root left out.
    reach: [Mask; PLANES],
    /// By trial and journey: time from the onset to its first loss.
    first_losses: Vec<Ticks>,
    journeys: usize,
    /// Dependencies of the component at hand, and when rows changed last, by the same clock.
    pulls: Vec<Pull>,
    changed: Vec<u64>,
    clock: u64,
    /// What was drawn for them: trials of the pass and waits, these maybe later; their law, and what waits are made from.
    lanes: Vec<u16>,
    waits: Vec<Ticks>,
    law: Option<DurationLaw>,
    uniforms: Vec<f64>,
}

/// Where the numbers of a batch come from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) machine: Machine,
    pub(super) seed: Seed,
    pub(super) batch: u64,
}

/// What a pass found about a service, for the one who counts.
pub(super) struct Column<'a> {
    /// Position of its label.
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
    pub(super) fn begin(&mut self, line: &Timeline<'_>) {
        self.journeys = line.journey_needs.len();
        self.taken = Mask::NONE;
        self.outages.clear();
        self.outages.resize(BATCH as usize, Outage::default());
        self.reach = [Mask::NONE; PLANES];
        self.down.clear();
        self.down.resize(line.plan.len(), Mask::NONE);
        self.first_losses.clear();
        self.first_losses.resize(BATCH as usize * self.journeys, NEVER);
    }

    /// Takes a trial.
    pub(super) fn take(&mut self, lane: u64, outage: Outage) {
        self.taken[(lane / LANES) as usize] |= 1 << (lane % LANES);
        self.outages[lane as usize] = outage;
    }

    /// Is a trial decided here?
    pub(super) fn takes(&self, lane: u64) -> bool {
        self.taken.contains(lane)
    }

    /// Trials in which a plan node goes down.
    pub(super) fn down(&self, node: u32) -> &Mask {
        &self.down[node as usize]
    }

    /// Services that go down in a trial, the root left out.
    pub(super) fn reach(&self, lane: u64) -> u64 {
        count_at(&self.reach, lane)
    }

    /// The outage of a trial, and by journey the time until its first loss.
    pub(super) fn trial(&self, lane: u64) -> (Outage, &[Ticks]) {
        let lane = lane as usize;
        (self.outages[lane], &self.first_losses[lane * self.journeys..(lane + 1) * self.journeys])
    }

    /// Computes all trials that were taken, and gives out what was found about every label but those of the root, service by service,
    /// maybe in several passes.
    pub(super) fn run(
        &mut self,
        line: &Timeline<'_>,
        spread: &Spread,
        reached: &Reached,
        (labels, source): (&[u32], Source),
        mut count: impl FnMut(&Column<'_>),
    ) {
        if self.taken.is_none() {
            return;
        }
        let nodes = line.plan.len();
        let width = width(nodes.max(spread.most_arcs));
        self.keys.clear();
        self.keys.extend((0..BATCH).map(|lane| TrialKey::new(source.batch * BATCH + lane)));
        self.times.resize(nodes * stride(width), NEVER);
        self.changed.resize(nodes, 0);
        for start in (0..BATCH as usize).step_by(width) {
            let lanes = start..start + width;
            let wanted = self.taken.and(Mask::between(lanes.clone()));
            if wanted.is_none() {
                continue;
            }
            self.lengths.clear();
            self.lengths.extend(self.outages[lanes.clone()].iter().map(|outage| outage.length));
            for root in &spread.roots {
                self.times[*root as usize * stride(width)..][..width].fill(Ticks::ZERO);
                self.down[*root as usize] = self.down[*root as usize].or(wanted);
            }
            let pass = Pass { plan: line.plan, spread, reached, source, wanted, first: start, width, batch: self };
            lanes::run(source.machine, pass);
            let counting = Counting { down: &self.down, wanted, labels, roots: &spread.roots, planes: &mut self.reach };
            lanes::run(source.machine, counting);
            self.set_first_losses(line, &wanted, lanes.clone());
            for (label, node) in labels.iter().enumerate().filter(|(_, node)| spread.roots.binary_search(node).is_err()) {
                let down = self.down(*node).and(wanted);
                if !down.is_none() {
                    let times = &self.times[*node as usize * stride(width)..][..width];
                    count(&Column { label, lanes: lanes.clone(), down: &down, times, outages: &self.outages });
                }
            }
        }
    }

    /// A journey is lost with the first that it needs.
    fn set_first_losses(&mut self, line: &Timeline<'_>, wanted: &Mask, lanes: Range<usize>) {
        for (journey, needs) in line.journey_needs.iter().enumerate() {
            for node in needs {
                let times = &self.times[*node as usize * stride(lanes.len())..];
                self.down[*node as usize].and(*wanted).for_each(|lane| {
                    let loss = &mut self.first_losses[lane * self.journeys + journey];
                    *loss = times[lane - lanes.start].min(*loss);
                });
            }
        }
    }
}

/// Waits of so many live arcs are drawn together: few enough to stay in a processor's first cache.
const TOGETHER: usize = 512;

/// Trials of a pass: all of a batch, fewer where there are many nodes, or arcs in a component.
fn width(entities: usize) -> usize {
    let fit = PAIRS / entities.max(1);
    [512, 256, 128, 64, 32, 16].into_iter().find(|width| *width <= fit).unwrap_or(8)
}

/// How far apart rows start. At powers of two they would all meet in the same lines of a processor's first cache.
#[inline(always)]
fn stride(width: usize) -> usize {
    width + 8
}

/// Finds the times of some trials.
struct Pass<'a> {
    plan: &'a Plan,
    spread: &'a Spread,
    reached: &'a Reached,
    source: Source,
    wanted: Mask,
    first: usize,
    width: usize,
    batch: &'a mut Spreading,
}

impl Work for Pass<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(mut self, machine: V::Machine) {
        let key = V::load(machine, &batch_key(self.source.batch));
        let wanted = V::load(machine, &self.wanted);
        let (masks, channels) = self.reached.all();
        for (start, end) in &self.plan.components {
            let nodes = &self.spread.visits[*start as usize..*end as usize];
            let is_cyclic = nodes.len() > 1;
            for node in nodes {
                // Without buffers it goes down in these.
                let into = wanted.and(V::load(machine, &masks[*node as usize * channels]));
                if into.is_none() || self.spread.roots.binary_search(node).is_ok() {
                    continue;
                }
                self.batch.times[*node as usize * stride(self.width)..][..self.width].copy_from_slice(&self.batch.lengths);
                for arc in self.plan.arcs_into(*node as usize) {
                    let arc = self.spread.arc(self.plan, arc);
                    // Whether a provider in the same component goes down is not known yet.
                    let is_inside = is_cyclic && (*start..*end).contains(&arc.source);
                    let source = if is_inside { &masks[arc.source as usize * channels] } else { self.batch.down(arc.source) };
                    let need = into.and(V::load(machine, source));
                    if !need.is_none() {
                        let mut live = Mask::NONE;
                        below(machine, key, arc.key, arc.threshold, need).store(&mut live);
                        self.draw(&arc, *node, &live);
                    }
                }
            }
            self.batch.draw_waits();
            self.batch.settle(stride(self.width), is_cyclic);
            for node in nodes {
                self.set_down(*node, masks[*node as usize * channels].and(self.wanted));
            }
        }
    }
}

/// Counts the services of each trial, the root left out.
struct Counting<'a> {
    down: &'a [Mask],
    wanted: Mask,
    labels: &'a [u32],
    roots: &'a [u32],
    planes: &'a mut [Mask; PLANES],
}

impl Work for Counting<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self, machine: V::Machine) {
        let mut planes = self.planes.map(|plane| V::load(machine, &plane));
        let wanted = V::load(machine, &self.wanted);
        for node in self.labels {
            if self.roots.binary_search(node).is_err() {
                add_from(&mut planes, V::load(machine, &self.down[*node as usize]).and(wanted), 0);
            }
        }
        planes.iter().zip(self.planes).for_each(|(plane, stored)| plane.store(stored));
    }
}

impl Pass<'_> {
    /// Draws an arc in the trials in which it is live.
    #[inline(always)]
    fn draw(&mut self, arc: &ErrorArc, target: u32, live: &Mask) {
        if arc.buffer != self.batch.law {
            self.batch.draw_waits();
            self.batch.law = arc.buffer;
        }
        let Spreading { keys, lanes, pulls, law, uniforms, .. } = &mut *self.batch;
        let start = lanes.len();
        let first = self.first;
        live.for_each(|lane| lanes.push((lane - first) as u16));
        if law.is_some_and(|law| law.constant().is_none()) {
            let key = self.source.seed.key(Purpose::Buffer, arc.name);
            live.for_each(|lane| uniforms.push(Draws::of(key, keys[lane]).uniform()));
        }
        pulls.push(Pull { source: arc.source, target, drawn: start..lanes.len(), pulled: 0 });
    }

    /// Notes in which of some trials a node goes down.
    #[inline(always)]
    fn set_down(&mut self, node: u32, candidates: Mask) {
        let Spreading { times, lengths, down, .. } = &mut *self.batch;
        let row = &times[node as usize * stride(self.width)..][..self.width];
        let down = &mut down[node as usize];
        candidates.for_each(|lane| {
            // An outage of exactly the buffer does not cross (semantics 17).
            let is_down = row[lane - self.first] < lengths[lane - self.first];
            down[lane / LANES as usize] |= u64::from(is_down) << (lane % LANES as usize);
        });
    }
}

impl Spreading {
    /// Draws the waits of the arcs that lack them.
    #[inline(always)]
    fn draw_waits(&mut self) {
        let start = self.waits.len();
        self.waits.resize(self.lanes.len(), Ticks::ZERO);
        let waits = &mut self.waits[start..];
        if let Some(law) = self.law {
            match law.constant() {
                Some(wait) => waits.fill(wait),
                None => {
                    for (uniforms, waits) in self.uniforms.chunks_mut(TOGETHER).zip(waits.chunks_mut(TOGETHER)) {
                        durations(law, uniforms, waits);
                    }
                }
            }
            for wait in waits {
                *wait = at_least_shortest(*wait);
            }
        }
        self.uniforms.clear();
    }

    /// Pulls along all arcs that were drawn, until nothing changes.
    #[inline(always)]
    fn settle(&mut self, stride: usize, is_cyclic: bool) {
        let mut pulls = std::mem::take(&mut self.pulls);
        for arcs in &mut pulls {
            self.pull(stride, arcs);
        }
        let mut rest = is_cyclic;
        // Times only fall, and by whole ticks.
        while rest {
            let before = self.clock;
            pulls.reverse();
            for arcs in &mut pulls {
                if self.changed[arcs.source as usize] > arcs.pulled {
                    self.pull(stride, arcs);
                }
            }
            rest = self.clock > before;
        }
        pulls.clear();
        self.pulls = pulls;
        self.lanes.clear();
        self.waits.clear();
    }

    /// Pulls along the live arcs of a dependency.
    #[inline(always)]
    fn pull(&mut self, stride: usize, arcs: &mut Pull) {
        let (source, target) = (arcs.source as usize * stride, arcs.target as usize * stride);
        let mut changes = false;
        for (lane, wait) in self.lanes[arcs.drawn.clone()].iter().zip(&self.waits[arcs.drawn.clone()]) {
            let fires = self.times[source + usize::from(*lane)].saturating_add(*wait);
            let known = &mut self.times[target + usize::from(*lane)];
            changes |= fires < *known;
            *known = fires.min(*known);
        }
        self.clock += 1;
        arcs.pulled = self.clock;
        if changes {
            self.changed[arcs.target as usize] = self.clock;
        }
    }
}
