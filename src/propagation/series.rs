//! Who is impaired when: trials, or worlds, in which each service is impaired, minute by minute.
//!
//! A service counts in a minute of a trial when it is impaired at any time in it. Of trials, what is kept are differences from
//! minute to minute, so that a spell of any length costs two additions; all state is integers that merge in any order. Of worlds,
//! what is kept are the weights of the spells that occur: differences of weights would leave their rounding behind.

use super::result::{ImpairedSeries, certain};
use crate::statistics::{CompensatedSum, wilson};
use crate::units::{ServiceId, Ticks};
use std::collections::BTreeMap;

/// A time in which a service is impaired in a trial: plan node or label position, start, end.
pub(crate) type Spell = (u32, Ticks, Ticks);

/// Width of a bucket.
const BUCKET: u64 = Ticks::PER_MINUTE;

/// Changes from minute to minute of the number of trials in which a service is impaired, by label position.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SeriesTally {
    changes: Vec<Vec<i64>>,
}

impl SeriesTally {
    /// Nobody is ever impaired.
    pub(crate) fn new(services: usize) -> Self {
        Self { changes: vec![Vec::new(); services] }
    }

    /// Changes that were stored, as given by [`SeriesTally::changes`]; `None` where a number of trials is below 0 or above the
    /// number of trials in which the service is impaired at all, `most`.
    pub(crate) fn from_changes(changes: Vec<Vec<i64>>, most: impl ExactSizeIterator<Item = u64>) -> Option<Self> {
        let is_sound = |(changes, most): (&Vec<i64>, u64)| {
            let mut impaired = 0_u64;
            let goes_on = changes.iter().all(|change| {
                let next = impaired.checked_add_signed(*change).filter(|next| *next <= most);
                impaired = next.unwrap_or(0);
                next.is_some()
            });
            goes_on && impaired == 0
        };
        (changes.len() == most.len() && changes.iter().zip(most).all(is_sound)).then_some(Self { changes })
    }

    /// By label position: changes from minute to minute of the number of trials in which the service is impaired.
    pub(crate) fn changes(&self) -> &[Vec<i64>] {
        &self.changes
    }

    /// Adds the spells of one trial, by label position, in any order.
    pub(crate) fn add(&mut self, spells: &mut [Spell]) {
        for_each_run(spells, |label, (first, end)| {
            let changes = &mut self.changes[label as usize];
            changes.resize(changes.len().max(end + 1), 0);
            changes[first] += 1;
            changes[end] -= 1;
        });
    }

    /// Adds another part.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.changes.iter_mut().zip(&other.changes) {
            mine.resize(mine.len().max(theirs.len()), 0);
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
        }
    }

    /// Shares of the trials, with intervals, for services by label position.
    pub(crate) fn conclude(&self, services: &[ServiceId], trials: u64, confidence: f64) -> Vec<ImpairedSeries> {
        let all = services.iter().zip(&self.changes).map(|(service, changes)| {
            let mut impaired = 0_i64;
            let counts = changes.iter().map(|change| {
                impaired += change;
                impaired.unsigned_abs()
            });
            let mut counts: Vec<u64> = counts.collect();
            // The last change only ends spells.
            counts.pop();
            let share = |count: &u64| *count as f64 / trials.max(1) as f64;
            ImpairedSeries {
                service: *service,
                shares: counts.iter().map(share).collect(),
                intervals: counts.iter().map(|count| wilson(*count, trials, confidence)).collect(),
            }
        });
        in_file_order(all)
    }
}

/// Probabilities of the worlds in which services are impaired, by label position: for every run of minutes, first and first
/// after it, that occurs.
#[derive(Debug)]
pub(crate) struct WeightedSeries {
    runs: Vec<BTreeMap<(usize, usize), CompensatedSum>>,
}

impl WeightedSeries {
    /// Nobody is ever impaired.
    pub(crate) fn new(services: usize) -> Self {
        Self { runs: vec![BTreeMap::new(); services] }
    }

    /// Adds the spells of a world, by label position, in any order.
    pub(crate) fn add(&mut self, spells: &mut [Spell], weight: f64) {
        for_each_run(spells, |label, run| self.runs[label as usize].entry(run).or_default().add(weight));
    }

    /// Probabilities for services by label position; every interval is a point. O(runs × minutes).
    pub(crate) fn conclude(&self, services: &[ServiceId]) -> Vec<ImpairedSeries> {
        let all = services.iter().zip(&self.runs).map(|(service, runs)| {
            let minutes = runs.keys().map(|(_, end)| *end).max().unwrap_or(0);
            let mut sums = vec![CompensatedSum::default(); minutes];
            for ((first, end), weight) in runs {
                sums[*first..*end].iter_mut().for_each(|sum| sum.add(weight.value()));
            }
            // Even a compensated sum of rounded products can end one unit in the last place above 1.
            let shares: Vec<f64> = sums.iter().map(|sum| sum.value().min(1.0)).collect();
            let intervals = shares.iter().map(|share| certain(*share).interval).collect();
            ImpairedSeries { service: *service, shares, intervals }
        });
        in_file_order(all)
    }
}

/// Calls with the label position and the minutes (first, and first after them) of the spells of one trial. Spells of a service
/// that touch the same minute share it: it comes once.
fn for_each_run(spells: &mut [Spell], mut each: impl FnMut(u32, (usize, usize))) {
    spells.sort_unstable();
    let mut before = None;
    for (label, from, until) in spells.iter().copied().filter(|(_, from, until)| from < until) {
        let (mut first, end) = ((from.0 / BUCKET) as usize, until.0.div_ceil(BUCKET) as usize);
        // A minute that the spell before has touched counts once.
        if let Some((known, counted)) = before
            && known == label
        {
            first = first.max(counted);
        }
        before = Some((label, end));
        if first < end {
            each(label, (first, end));
        }
    }
}

/// Those that are ever impaired, in file order.
fn in_file_order(all: impl Iterator<Item = ImpairedSeries>) -> Vec<ImpairedSeries> {
    let mut all: Vec<ImpairedSeries> = all.filter(|series| !series.shares.is_empty()).collect();
    all.sort_unstable_by_key(|series| series.service);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_count_once_in_a_trial() {
        let at = |seconds: u64| Ticks(seconds * Ticks::PER_SECOND);
        let mut tally = SeriesTally::new(2);
        // Minutes 0 and 1; then again in minute 1, and minute 3; the other service in minute 2 exactly.
        tally.add(&mut [(1, at(120), at(180)), (0, at(100), at(110)), (0, at(30), at(90)), (0, at(180), at(181))]);
        let mut other = SeriesTally::new(2);
        other.add(&mut [(0, at(0), at(60)), (1, at(5), at(5))]);
        tally.merge(&other);
        let found = tally.conclude(&[ServiceId(7), ServiceId(3)], 2, 0.95);
        let shares =
            |service| found.iter().find(|series| series.service == ServiceId(service)).map(|series| series.shares.clone());
        assert_eq!(shares(7), Some(vec![1.0, 0.5, 0.0, 0.5]));
        assert_eq!(shares(3), Some(vec![0.0, 0.0, 0.5]));
        assert!(found.iter().flat_map(|series| series.shares.iter().zip(&series.intervals)).all(|(p, i)| i.contains(*p)));
        // Worlds of equal weight are trials.
        let mut worlds = WeightedSeries::new(2);
        worlds.add(&mut [(1, at(120), at(180)), (0, at(100), at(110)), (0, at(30), at(90)), (0, at(180), at(181))], 0.5);
        worlds.add(&mut [(0, at(0), at(60)), (1, at(5), at(5))], 0.5);
        let exact = worlds.conclude(&[ServiceId(7), ServiceId(3)]);
        assert!(exact.iter().map(|series| &series.shares).eq(found.iter().map(|series| &series.shares)));
    }

    #[test]
    fn stored_changes_are_those_of_trials() {
        let read = |changes: &[i64]| SeriesTally::from_changes(vec![changes.to_vec()], [2].into_iter());
        assert_eq!(read(&[2, 0, -1, 0, -1]).expect("sound").changes(), [[2, 0, -1, 0, -1]]);
        assert!(read(&[]).is_some(), "never");
        for wrong in [&[3, -3][..], &[1], &[-1, 1], &[1, -2, 1], &[i64::MAX, i64::MAX], &[i64::MIN]] {
            assert!(read(wrong).is_none(), "{wrong:?}");
        }
        assert!(SeriesTally::from_changes(Vec::new(), [2].into_iter()).is_none(), "of other services");
    }
}
