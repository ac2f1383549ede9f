//! One total outage that spreads, 512 trials at a time: no heap, no events (model.md §2.5, exact special case).
//!
//! Service v goes down at the shortest live distance from the root by buffers, if that is before the root is back, and everybody
//! is back with the root. [`Spread`] says when that holds; what must hold here is that every number is the one that the events
//! give, tick for tick.
//!
//! Nodes pull in topological order: an arc is drawn in the trials in which its provider is down, its waits are drawn together, and
//! each shortens the time of the consumer. While a component is at work each of its nodes has a row of times, one for each trial;
//! what is kept of a node are the times of the trials in which it goes down, so that the times of all nodes stay near the
//! processor. Arcs of a cyclic component are drawn first and pulled again, backwards and forwards in turn, as long as their
//! provider's row changes (J. Y. Yen, Quarterly of Applied Mathematics 27 (1970) 526–530). O(live arcs) a trial without cycles.

use super::count::{PLANES, add_from, count_at};
use super::lane::{ErrorArc, at_least_shortest};
use super::plan::Plan;
use super::reach::Reached;
use super::series::Spell;
use super::timeline::{Outage, Spread, Timeline};
use crate::fault::draw::durations;
use crate::lanes::{self, BATCH, Lanes, Machine, Mask, WIDTH, Work};
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
    /// Where the row of the target starts.
    row: usize,
    drawn: Range<usize>,
    /// When it was pulled, by the clock of pulls.
    pulled: u64,
}

/// Where the times of a node are that were kept: the first, and how many come before those of each word of its mask.
#[derive(Debug, Clone, Copy, Default)]
struct Kept {
    start: usize,
    before: [u16; WIDTH],
}

/// Where an arc finds the times of its provider.
enum Provider {
    /// In a row that starts here.
    Row(usize),
    /// Among those that were kept, of these trials.
    Kept(Kept, Mask),
}

impl Provider {
    /// Where the time of a trial is; `first` is the first trial of the pass.
    #[inline(always)]
    fn place(&self, lane: usize, first: usize) -> usize {
        match self {
            Self::Row(start) => start + lane - first,
            Self::Kept(kept, down) => {
                let (word, bit) = (lane / LANES as usize, lane % LANES as usize);
                let before_in_word = (down[word] & ((1 << bit) - 1)).count_ones() as usize;
                kept.start + usize::from(kept.before[word]) + before_in_word
            }
        }
    }
}

/// A batch of trials at work; reused from batch to batch.
#[derive(Debug, Default)]
pub(super) struct Spreading {
    outages: Vec<Outage>,
    keys: Vec<TrialKey>,
    /// Trials that are decided here.
    taken: Mask,
    /// Times from the onset to the loss. First a row of the trials of a pass for each node of the component at hand, with the length
    /// of the outage where that is not longer; then, node by node, what is kept of a pass.
    times: Vec<Ticks>,
    /// By plan node: its part of them.
    kept: Vec<Kept>,
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
    /// What was drawn for them: trials of the pass, where among the times their provider's is, and waits, these maybe later; their
    /// law, and what waits are made from.
    lanes: Vec<u16>,
    providers: Vec<usize>,
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
    /// For each of them, rising, the time from the onset to the loss.
    pub(super) times: &'a [Ticks],
    /// By trial of the batch.
    pub(super) outages: &'a [Outage],
}

impl Column<'_> {
    /// Calls with the times in which the service is impaired, trial by trial.
    pub(super) fn for_each_spell(&self, mut each: impl FnMut(Spell)) {
        for_each_time(self.down, self.times, |lane, time| {
            let Outage { onset, length } = self.outages[lane];
            each((self.label as u32, onset.saturating_add(time), onset.saturating_add(length)));
        });
    }
}

/// Calls with every trial of a mask and its time, of as many times in the same order.
#[inline(always)]
pub(super) fn for_each_time(trials: &Mask, times: &[Ticks], mut each: impl FnMut(usize, Ticks)) {
    let mut times = times.iter();
    trials.for_each(|lane| {
        if let Some(time) = times.next() {
            each(lane, *time);
        }
    });
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
        self.kept.resize(nodes, Kept::default());
        self.changed.resize(nodes, 0);
        for start in (0..BATCH as usize).step_by(width) {
            let lanes = start..start + width;
            let wanted = self.taken.and(Mask::between(lanes.clone()));
            if wanted.is_none() {
                continue;
            }
            self.lengths.clear();
            self.lengths.extend(self.outages[lanes.clone()].iter().map(|outage| outage.length));
            self.times.truncate(spread.most_nodes * stride(width));
            self.times.resize(spread.most_nodes * stride(width), NEVER);
            self.times[..width].fill(Ticks::ZERO);
            for root in &spread.roots {
                self.keep(*root, 0, &wanted, start);
            }
            let pass = Pass { plan: line.plan, spread, reached, source, wanted, first: start, width, batch: self };
            lanes::run(source.machine, pass);
            let counting = Counting { down: &self.down, wanted, labels, spread, planes: &mut self.reach };
            lanes::run(source.machine, counting);
            self.set_first_losses(line, &wanted);
            for (label, node) in labels.iter().enumerate().filter(|(_, node)| !spread.is_root(**node)) {
                let down = self.down(*node).and(wanted);
                if !down.is_none() {
                    let times = self.kept_of(*node, &down);
                    count(&Column { label, lanes: lanes.clone(), down: &down, times, outages: &self.outages });
                }
            }
        }
    }

    /// A journey is lost with the first that it needs.
    fn set_first_losses(&mut self, line: &Timeline<'_>, wanted: &Mask) {
        let mut losses = std::mem::take(&mut self.first_losses);
        for (journey, needs) in line.journey_needs.iter().enumerate() {
            for node in needs {
                let down = self.down(*node).and(*wanted);
                for_each_time(&down, self.kept_of(*node, &down), |lane, time| {
                    let loss = &mut losses[lane * self.journeys + journey];
                    *loss = time.min(*loss);
                });
            }
        }
        self.first_losses = losses;
    }

    /// The times of a node in the trials of this pass in which it goes down.
    fn kept_of(&self, node: u32, down: &Mask) -> &[Ticks] {
        let kept = &self.kept[node as usize];
        if down.is_none() { &[] } else { &self.times[kept.start..][..down.count()] }
    }

    /// Keeps of the row of a node the times of the trials in which it goes down, which are some of the candidates. `first` is the
    /// first trial of the pass.
    #[inline(always)]
    fn keep(&mut self, node: u32, row: usize, candidates: &Mask, first: usize) {
        let start = self.times.len();
        self.times.resize(start + candidates.count(), NEVER);
        let (rows, kept) = self.times.split_at_mut(start);
        let row = &rows[row..][..self.lengths.len()];
        let (mut before, mut used, down) = ([0; WIDTH], 0, &mut self.down[node as usize]);
        for word in 0..WIDTH {
            before[word] = used as u16;
            let mut bits = candidates[word];
            while bits != 0 {
                let bit = bits.trailing_zeros() as usize;
                let trial = word * LANES as usize + bit - first;
                kept[used] = row[trial];
                // An outage of exactly the buffer does not cross (semantics 17).
                let is_down = row[trial] < self.lengths[trial];
                used += usize::from(is_down);
                down[word] |= u64::from(is_down) << bit;
                bits &= bits - 1;
            }
        }
        self.times.truncate(start + used);
        self.kept[node as usize] = Kept { start, before };
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
        let stride = stride(self.width);
        for (start, end) in &self.plan.components {
            let nodes = &self.spread.visits[*start as usize..*end as usize];
            let is_cyclic = nodes.len() > 1;
            let row = |node: u32| (node - start) as usize * stride;
            for node in nodes {
                // Without buffers it goes down in these.
                let into = wanted.and(V::load(machine, &masks[*node as usize * channels]));
                if into.is_none() || self.spread.is_root(*node) {
                    continue;
                }
                self.batch.times[row(*node)..][..self.width].copy_from_slice(&self.batch.lengths);
                for arc in self.plan.arcs_into(*node as usize) {
                    let arc = self.spread.arc(self.plan, arc);
                    // Whether a provider in the same component goes down is not known yet.
                    let is_inside = is_cyclic && (*start..*end).contains(&arc.source) && !self.spread.is_root(arc.source);
                    let source = if is_inside { &masks[arc.source as usize * channels] } else { self.batch.down(arc.source) };
                    let need = into.and(V::load(machine, source));
                    if !need.is_none() {
                        let provider = if is_inside { Provider::Row(row(arc.source)) } else { self.provider(arc.source) };
                        let mut live = Mask::NONE;
                        below(machine, key, arc.key, arc.threshold, need).store(&mut live);
                        self.draw(&arc, (*node, row(*node)), &provider, &live);
                    }
                }
            }
            self.batch.draw_waits();
            self.batch.settle(is_cyclic);
            for node in nodes.iter().filter(|node| !self.spread.is_root(**node)) {
                let candidates = masks[*node as usize * channels].and(self.wanted);
                self.batch.keep(*node, row(*node), &candidates, self.first);
            }
        }
    }
}

/// Counts the services of each trial, the root left out.
struct Counting<'a> {
    down: &'a [Mask],
    wanted: Mask,
    labels: &'a [u32],
    spread: &'a Spread,
    planes: &'a mut [Mask; PLANES],
}

impl Work for Counting<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self, machine: V::Machine) {
        let mut planes = self.planes.map(|plane| V::load(machine, &plane));
        let wanted = V::load(machine, &self.wanted);
        for node in self.labels {
            if !self.spread.is_root(*node) {
                add_from(&mut planes, V::load(machine, &self.down[*node as usize]).and(wanted), 0);
            }
        }
        planes.iter().zip(self.planes).for_each(|(plane, stored)| plane.store(stored));
    }
}

impl Pass<'_> {
    /// A provider whose times were kept.
    #[inline(always)]
    fn provider(&self, node: u32) -> Provider {
        Provider::Kept(self.batch.kept[node as usize], self.batch.down(node).and(self.wanted))
    }

    /// Draws an arc into a node with a row in the trials in which it is live.
    #[inline(always)]
    fn draw(&mut self, arc: &ErrorArc, (target, row): (u32, usize), provider: &Provider, live: &Mask) {
        if arc.buffer != self.batch.law {
            self.batch.draw_waits();
            self.batch.law = arc.buffer;
        }
        let Spreading { keys, lanes, providers, pulls, law, uniforms, .. } = &mut *self.batch;
        let (start, first) = (lanes.len(), self.first);
        lanes.resize(start + live.count(), 0);
        providers.resize(lanes.len(), 0);
        let mut drawn = lanes[start..].iter_mut().zip(&mut providers[start..]);
        live.for_each(|lane| {
            if let Some((to, from)) = drawn.next() {
                (*to, *from) = ((lane - first) as u16, provider.place(lane, first));
            }
        });
        if law.is_some_and(|law| law.constant().is_none()) {
            let (key, keys) = (self.source.seed.key(Purpose::Buffer, arc.name), &keys[first..]);
            let first = uniforms.len();
            uniforms.resize(first + lanes.len() - start, 0.0);
            for (uniform, lane) in uniforms[first..].iter_mut().zip(&lanes[start..]) {
                *uniform = Draws::of(key, keys[usize::from(*lane)]).uniform();
            }
        }
        pulls.push(Pull { source: arc.source, target, row, drawn: start..lanes.len(), pulled: 0 });
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
    fn settle(&mut self, is_cyclic: bool) {
        let mut pulls = std::mem::take(&mut self.pulls);
        for arcs in &mut pulls {
            self.pull(arcs);
        }
        let mut rest = is_cyclic;
        // Times only fall, and by whole ticks.
        while rest {
            let before = self.clock;
            pulls.reverse();
            for arcs in &mut pulls {
                if self.changed[arcs.source as usize] > arcs.pulled {
                    self.pull(arcs);
                }
            }
            rest = self.clock > before;
        }
        pulls.clear();
        self.pulls = pulls;
        self.lanes.clear();
        self.providers.clear();
        self.waits.clear();
    }

    /// Pulls along the live arcs of a dependency.
    #[inline(always)]
    fn pull(&mut self, arcs: &mut Pull) {
        let mut changes = false;
        let (lanes, providers) = (&self.lanes[arcs.drawn.clone()], &self.providers[arcs.drawn.clone()]);
        for ((lane, provider), wait) in lanes.iter().zip(providers).zip(&self.waits[arcs.drawn.clone()]) {
            let fires = self.times[*provider].saturating_add(*wait);
            let known = &mut self.times[arcs.row + usize::from(*lane)];
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
