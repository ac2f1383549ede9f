//! From trials to tallies: counts bits of a batch of static reach, lists what each trial reached, adds timed trials.

use super::plan::Plan;
use super::reach::{BATCH, Reached, WIDTH};
use super::tally::Tally;
use super::timeline::{Timeline, Trial};
use crate::random::LANES;
use crate::statistics::batch::batch_of;
use crate::units::Ticks;
use std::collections::HashMap;

/// Adds a batch of static reach to a tally.
pub(super) fn count_batch(reached: &Reached, labels: &[u32], tally: &mut Tally, trials: u64, batch: u64, lanes: u64) {
    let valid: [u64; WIDTH] = std::array::from_fn(|word| {
        let rest = lanes.saturating_sub(word as u64 * LANES).min(LANES);
        if rest == LANES { u64::MAX } else { (1 << rest) - 1 }
    });
    // Reach per trial by bit-sliced counters: plane i holds digit i of 512 counts.
    let mut planes: Vec<[u64; WIDTH]> = Vec::new();
    let mut sources = reached.impaired_sources.clone();
    sources.sort_unstable_by_key(|(node, _)| *node);
    for (at, node) in labels.iter().enumerate() {
        let [errors, latency, wrong] = reached.at(*node as usize);
        let mut impaired: [u64; WIDTH] = std::array::from_fn(|word| (errors[word] | latency[word] | wrong[word]) & valid[word]);
        if let Ok(found) = sources.binary_search_by_key(node, |(node, _)| *node) {
            (0..WIDTH).for_each(|word| impaired[word] |= sources[found].1[word] & valid[word]);
        }
        let count = |mask: &[u64; WIDTH]| (0..WIDTH).map(|word| u64::from((mask[word] & valid[word]).count_ones())).sum::<u64>();
        let service = &mut tally.services[at];
        service.impaired += count(&impaired);
        service.down += count(&errors);
        service.corrupt += count(&wrong);
        let mut digit = 0;
        while impaired != [0; WIDTH] {
            if digit == planes.len() {
                planes.push([0; WIDTH]);
            }
            for word in 0..WIDTH {
                let carry = planes[digit][word] & impaired[word];
                planes[digit][word] ^= impaired[word];
                impaired[word] = carry;
            }
            digit += 1;
        }
    }
    for lane in 0..lanes {
        let (word, bit) = ((lane / LANES) as usize, lane % LANES);
        let reach = planes.iter().enumerate().map(|(digit, plane)| (plane[word] >> bit & 1) << digit).sum();
        tally.record_reach(batch * BATCH + lane, trials, reach);
    }
}

/// For each trial of a batch, the plan nodes that static reach found, ascending.
pub(super) fn lists_of(reached: &Reached, plan: &Plan, lists: &mut [Vec<u32>]) {
    lists.iter_mut().for_each(Vec::clear);
    let mut sources = reached.impaired_sources.clone();
    sources.sort_unstable_by_key(|(node, _)| *node);
    for node in 0..plan.len() {
        let [errors, latency, wrong] = reached.at(node);
        let mut any: [u64; WIDTH] = std::array::from_fn(|word| errors[word] | latency[word] | wrong[word]);
        if let Ok(found) = sources.binary_search_by_key(&(node as u32), |(node, _)| *node) {
            (0..WIDTH).for_each(|word| any[word] |= sources[found].1[word]);
        }
        for (word, bits) in any.into_iter().enumerate() {
            let mut bits = bits;
            while bits != 0 {
                lists[word * LANES as usize + bits.trailing_zeros() as usize].push(node as u32);
                bits &= bits - 1;
            }
        }
    }
}

/// Adds one timed trial to a tally.
pub(super) fn count_trial(
    trial: &Trial<'_>,
    line: &Timeline<'_>,
    position: &HashMap<u32, u32>,
    tally: &mut Tally,
    number: u64,
    trials: u64,
) {
    let batch = batch_of(number, trials);
    let mut reach = 0;
    for (node, outcome) in trial.services(line) {
        let Some(onset) = outcome.onset else { continue };
        reach += 1;
        let service = &mut tally.services[position[&node] as usize];
        service.impaired += 1;
        service.down += u64::from(outcome.down);
        service.corrupt += u64::from(outcome.corrupt);
        let times = service.times.get_or_insert_default();
        times.downtime.record(batch, outcome.downtime.0);
        times.impaired_time.record(batch, outcome.impaired_time.0);
        if onset == Ticks::ZERO {
            times.onset_at_zero += 1;
        } else {
            times.onset.record(onset.0, 1);
        }
    }
    tally.record_reach(number, trials, reach);
    let mut all = 0;
    for (journey, outcome) in tally.journeys.iter_mut().zip(trial.journeys()) {
        journey.downtime.record(batch, outcome.downtime.0);
        journey.impaired_time.record(batch, outcome.impaired_time.0);
        journey.user_minutes.record(batch, outcome.milli_user_minutes());
        journey.integrity_minutes.record(batch, outcome.milli_integrity_minutes());
        all += outcome.milli_user_minutes();
    }
    tally.user_minutes.record(batch, all);
    tally.censored += u64::from(trial.is_censored());
}
