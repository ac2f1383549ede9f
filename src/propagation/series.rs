//! Who is impaired when: trials in which each service is impaired, minute by minute.
//!
//! A service counts in a minute of a trial when it is impaired at any time in it. What is kept are differences from minute to
//! minute, so that a spell of any length costs two additions; all state is integers that merge in any order.

use super::result::ImpairedSeries;
use crate::statistics::wilson;
use crate::units::{ServiceId, Ticks};

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

    /// Adds the spells of one trial, by label position, in any order.
    pub(crate) fn add(&mut self, spells: &mut [Spell]) {
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
                let changes = &mut self.changes[label as usize];
                changes.resize(changes.len().max(end + 1), 0);
                changes[first] += 1;
                changes[end] -= 1;
            }
        }
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
        let mut all: Vec<ImpairedSeries> = services
            .iter()
            .zip(&self.changes)
            .map(|(service, changes)| {
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
            })
            .filter(|series| !series.shares.is_empty())
            .collect();
        all.sort_unstable_by_key(|series| series.service);
        all
    }
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
    }
}
