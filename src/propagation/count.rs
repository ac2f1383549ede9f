//! From trials to tallies: counts bits of a batch of static reach, lists what each trial reached, adds timed trials.

use super::plan::Plan;
use super::reach::{Batch, Reached};
use super::spreading::{Column, for_each_time};
use super::tally::{ServiceTally, Tally};
use super::timeline::{JourneyOutcome, Outage, Timeline, Trial};
use crate::lanes::{self, BATCH, Lanes, Machine, Mask, Work};
use crate::statistics::batch::batch_of;

/// Digits of the number of services that a trial can impair.
pub(super) const PLANES: usize = 32;

/// Services impaired in each trial of a batch, as binary digits.
pub(super) fn reach_planes(reached: &Reached, machine: Machine, labels: &[u32], batch: Batch) -> [Mask; PLANES] {
    let sources = sorted_sources(reached);
    let (masks, channels) = reached.all();
    let mut planes = [Mask::NONE; PLANES];
    lanes::run(machine, Adding { masks, channels, labels, sources: &sources, planes: &mut planes });
    planes.map(|plane| plane.and(Mask::first(batch.lanes)))
}

/// Nodes that count as impaired whatever crosses, rising.
fn sorted_sources(reached: &Reached) -> Vec<(u32, Mask)> {
    let mut sources = reached.impaired_sources.clone();
    sources.sort_unstable_by_key(|(node, _)| *node);
    sources
}

/// Counts the trials of each service, and the services of each trial.
fn count_masks(
    reached: &Reached,
    machine: Machine,
    labels: &[u32],
    services: &mut [ServiceTally],
    batch: Batch,
) -> ([Mask; PLANES], usize) {
    let sources = sorted_sources(reached);
    let (masks, channels) = reached.all();
    let valid = Mask::first(batch.lanes);
    lanes::run(machine, Counting { masks, channels, labels, sources: &sources, valid: &valid, services })
}

/// The count of a lane, from the binary digits of all.
pub(super) fn count_at(planes: &[Mask], lane: u64) -> u64 {
    planes.iter().enumerate().map(|(digit, plane)| u64::from(plane.contains(lane)) << digit).sum()
}

/// Adds a batch of static reach to a tally.
pub(super) fn count_batch(reached: &Reached, machine: Machine, labels: &[u32], tally: &mut Tally, trials: u64, batch: Batch) {
    let (planes, used) = count_masks(reached, machine, labels, &mut tally.services, batch);
    for lane in 0..batch.lanes {
        let reach = count_at(&planes[..used], lane);
        tally.record_reach(batch.number * BATCH + lane, trials, reach);
    }
}

/// Adds in which trials of a batch of static reach each label node is impaired.
pub(super) fn mark_batch(reached: &Reached, labels: &[u32], marks: &mut Vec<Mask>, batch: Batch) {
    let sources = sorted_sources(reached);
    let valid = Mask::first(batch.lanes);
    marks.extend(labels.iter().map(|node| {
        let [errors, latency, wrong] = reached.at(*node as usize);
        let found = sources.binary_search_by_key(node, |(source, _)| *source);
        let source = found.map_or(Mask::NONE, |at| sources[at].1);
        errors.or(latency).or(wrong).or(source).and(valid)
    }));
}

/// Counts trials of each service, and services of each trial by bit-sliced counters: plane i holds digit i of 512 counts.
struct Counting<'a> {
    masks: &'a [Mask],
    channels: usize,
    labels: &'a [u32],
    sources: &'a [(u32, Mask)],
    valid: &'a Mask,
    services: &'a mut [ServiceTally],
}

impl Work for Counting<'_> {
    type Output = ([Mask; PLANES], usize);

    #[inline(always)]
    fn run<V: Lanes>(self, machine: V::Machine) -> Self::Output {
        let none = V::splat(machine, 0);
        let valid = V::load(machine, self.valid);
        let mut planes = [none; PLANES];
        let mut used = 3;
        let mut sources = self.sources.iter().peekable();
        // Eight services at a time go through a tree of full adders, so that a carry, which is hard to foresee, is rare.
        for (services, labels) in self.services.chunks_mut(8).zip(self.labels.chunks(8)) {
            let mut impaired = [none; 8];
            for ((service, node), impaired) in services.iter_mut().zip(labels).zip(&mut impaired) {
                let at = *node as usize * self.channels;
                let errors = V::load(machine, &self.masks[at]).and(valid);
                let mut any = errors;
                if self.channels == 3 {
                    let wrong = V::load(machine, &self.masks[at + 2]).and(valid);
                    any = errors.or(wrong).or(V::load(machine, &self.masks[at + 1]).and(valid));
                    service.corrupt += wrong.count();
                }
                while let Some((source, mask)) = sources.next_if(|(source, _)| source <= node) {
                    if source == node {
                        any = any.or(V::load(machine, mask).and(valid));
                    }
                }
                let down = errors.count();
                service.down += down;
                service.impaired += if self.channels == 1 && any.without(errors).is_none() { down } else { any.count() };
                *impaired = any;
            }
            let carry = add_eight(&mut planes, impaired);
            used = used.max(add_from(&mut planes, carry, 3));
        }
        let mut stored = [Mask::NONE; PLANES];
        planes.iter().zip(&mut stored).for_each(|(plane, stored)| plane.store(stored));
        (stored, used)
    }
}

/// Adds one to the counter of each lane for each label node that is impaired in it; plane i holds digit i.
pub(super) struct Adding<'a> {
    pub(super) masks: &'a [Mask],
    pub(super) channels: usize,
    pub(super) labels: &'a [u32],
    pub(super) sources: &'a [(u32, Mask)],
    pub(super) planes: &'a mut [Mask; PLANES],
}

impl Work for Adding<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self, machine: V::Machine) {
        let none = V::splat(machine, 0);
        let mut planes: [V; PLANES] = std::array::from_fn(|digit| V::load(machine, &self.planes[digit]));
        let mut sources = self.sources.iter().peekable();
        for labels in self.labels.chunks(8) {
            let mut impaired = [none; 8];
            for (node, impaired) in labels.iter().zip(&mut impaired) {
                let at = *node as usize * self.channels;
                for mask in &self.masks[at..at + self.channels] {
                    *impaired = impaired.or(V::load(machine, mask));
                }
                while let Some((source, mask)) = sources.next_if(|(source, _)| source <= node) {
                    if source == node {
                        *impaired = impaired.or(V::load(machine, mask));
                    }
                }
            }
            let carry = add_eight(&mut planes, impaired);
            add_from(&mut planes, carry, 3);
        }
        planes.iter().zip(self.planes).for_each(|(plane, stored)| plane.store(stored));
    }
}

/// Adds eight bits a lane to the three lowest planes; returns the carry, worth eight.
#[inline(always)]
pub(super) fn add_eight<V: Lanes>(planes: &mut [V; PLANES], bits: [V; 8]) -> V {
    let (ones, twos_a) = full_adder(planes[0], bits[0], bits[1]);
    let (ones, twos_b) = full_adder(ones, bits[2], bits[3]);
    let (twos, fours_a) = full_adder(planes[1], twos_a, twos_b);
    let (ones, twos_a) = full_adder(ones, bits[4], bits[5]);
    let (ones, twos_b) = full_adder(ones, bits[6], bits[7]);
    let (twos, fours_b) = full_adder(twos, twos_a, twos_b);
    let (fours, carry) = full_adder(planes[2], fours_a, fours_b);
    (planes[0], planes[1], planes[2]) = (ones, twos, fours);
    carry
}

/// Adds 2^digit to the counters of some lanes; returns one more than the highest digit that was touched.
#[inline(always)]
pub(super) fn add_from<V: Lanes>(planes: &mut [V; PLANES], lanes: V, digit: usize) -> usize {
    let (mut carry, mut digit) = (lanes, digit);
    while digit < PLANES && !carry.is_none() {
        let plane = planes[digit];
        planes[digit] = plane.xor(carry);
        carry = plane.and(carry);
        digit += 1;
    }
    digit
}

/// Sum and carry of three bits a lane.
#[inline(always)]
fn full_adder<V: Lanes>(a: V, b: V, c: V) -> (V, V) {
    let differ = a.xor(b);
    (differ.xor(c), a.and(b).or(differ.and(c)))
}

/// For each trial of a batch, the plan nodes that static reach found, ascending.
pub(super) fn lists_of(reached: &Reached, plan: &Plan, lists: &mut [Vec<u32>]) {
    lists.iter_mut().for_each(Vec::clear);
    let sources = sorted_sources(reached);
    for node in 0..plan.len() {
        let [errors, latency, wrong] = reached.at(node);
        let mut any = errors.or(latency).or(wrong);
        if let Ok(found) = sources.binary_search_by_key(&(node as u32), |(node, _)| *node) {
            any = any.or(sources[found].1);
        }
        any.for_each(|lane| lists[lane].push(node as u32));
    }
}

/// Adds the services of one timed trial to a tally; returns how many were impaired.
pub(super) fn count_services(
    trial: &Trial<'_>,
    line: &Timeline<'_>,
    position: &[u32],
    services: &mut [ServiceTally],
    batch: usize,
) -> u64 {
    let mut reach = 0;
    for (node, outcome) in trial.services(line) {
        let Some(onset) = outcome.onset else { continue };
        reach += 1;
        let service = &mut services[position[node as usize] as usize];
        service.impaired += 1;
        service.down += u64::from(outcome.down);
        service.corrupt += u64::from(outcome.corrupt);
        let times = service.times.get_or_insert_default();
        times.record(batch, outcome.downtime.0, outcome.impaired_time.0);
        times.record_states(batch, outcome.states);
        times.record_onset(onset.0);
    }
    reach
}

/// Work space of [`count_column`].
#[derive(Debug)]
pub(super) struct Columns {
    downtimes: [u64; BATCH as usize],
    onsets: [u64; BATCH as usize],
}

impl Default for Columns {
    fn default() -> Self {
        Self { downtimes: [0; BATCH as usize], onsets: [0; BATCH as usize] }
    }
}

/// Adds a service of many trials of a spreading outage: it is down until the root is back. `mean_batches` tells the batch of the
/// mean that each trial of the batch belongs to, rising.
pub(super) fn count_column(column: &Column<'_>, service: &mut ServiceTally, mean_batches: &[usize], columns: &mut Columns) {
    let times = service.times.get_or_insert_default();
    let count = column.times.len();
    let (downtimes, onsets) = (&mut columns.downtimes[..count], &mut columns.onsets[..count]);
    let mut both = downtimes.iter_mut().zip(&mut *onsets);
    for_each_time(column.down, column.times, |lane, time| {
        let Outage { onset, length } = column.outages[lane];
        if let Some((downtime, first)) = both.next() {
            (*downtime, *first) = (length.saturating_sub(time).0, onset.saturating_add(time).0);
        }
    });
    let mean_batches = &mean_batches[column.lanes.start..column.lanes.end.min(mean_batches.len())];
    if mean_batches.first() == mean_batches.last() {
        mean_batches.first().iter().for_each(|batch| times.alike.sums.add(**batch, downtimes.iter().sum()));
    } else {
        let mut downtimes = downtimes.iter();
        column.down.for_each(|lane| {
            downtimes
                .next()
                .iter()
                .for_each(|downtime| times.alike.sums.add(mean_batches[lane - column.lanes.start], **downtime));
        });
    }
    times.alike.histogram.record_all(downtimes);
    let at_zero = onsets.iter().filter(|onset| **onset == 0).count();
    times.onset_at_zero += at_zero as u64;
    if at_zero > 0 {
        onsets.sort_unstable();
    }
    times.onset.record_all(&onsets[at_zero..]);
    service.impaired += count as u64;
    service.down += count as u64;
}

/// Adds the journeys of one timed trial, and what holds of it as a whole, to a tally.
pub(super) fn count_trial(
    journeys: &[JourneyOutcome],
    is_censored: bool,
    reach: u64,
    tally: &mut Tally,
    number: u64,
    trials: u64,
) {
    tally.record_reach(number, trials, reach);
    let batch = batch_of(number, trials);
    let mut all = 0_u64;
    for (journey, outcome) in tally.journeys.iter_mut().zip(journeys) {
        journey.downtime.record(batch, outcome.downtime.0);
        journey.impaired_time.record(batch, outcome.impaired_time.0);
        journey.user_minutes.record(batch, outcome.milli_user_minutes());
        let (least, most) = outcome.milli_user_minute_bounds();
        journey.user_minute_bounds.0.add(batch, least);
        journey.user_minute_bounds.1.add(batch, most);
        journey.corrupt += u64::from(outcome.corrupt);
        journey.corrupt_time.add(batch, outcome.corrupt_time.0);
        journey.integrity_minutes.record(batch, outcome.milli_integrity_minutes());
        all = outcome.milli_user_minutes().saturating_add(all);
        if let Some(onset) = outcome.onset {
            journey.record_onset(onset.0, outcome.down);
        }
    }
    tally.user_minutes.record(batch, all);
    tally.censored += u64::from(is_censored);
}
