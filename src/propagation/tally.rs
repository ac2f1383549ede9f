//! What trials add up to: integers only, so that parts merge to the same bytes in any order.
//!
//! Times are ticks, users are counted in whole thousandths of a user-minute.

use super::series::SeriesTally;
use super::timeline::StateTimes;
use crate::statistics::batch::{BatchSums, batch_of};
use crate::statistics::counts::CountDistribution;
use crate::statistics::histogram::LogLinear;

/// A quantity that is 0 in most trials: its distribution and its batch sums.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measure {
    /// Values above 0.
    pub histogram: LogLinear,
    /// Sums by batch of trials.
    pub sums: BatchSums,
}

impl Measure {
    /// Adds the value of a trial.
    pub(crate) fn record(&mut self, batch: usize, value: u64) {
        if value > 0 {
            self.histogram.record(value, 1);
            self.sums.add(batch, value);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.histogram.merge(&other.histogram);
        self.sums.merge(&other.sums);
    }
}

/// What happened to one service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceTally {
    /// Trials in which it was impaired.
    pub impaired: u64,
    /// Trials in which it was down.
    pub down: u64,
    /// Trials in which it gave wrong answers.
    pub corrupt: u64,
    /// Times, where there is a clock.
    pub times: Option<Box<ServiceTimes>>,
}

/// Sums of the times in states that downtime and impaired time do not tell apart.
///
/// Down is downtime, corrupt is `corrupt_only` and `corrupt_down`, and impaired time is down, degraded and `corrupt_only`: of two
/// that hold at once, down wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateSums {
    /// Impaired, neither down nor corrupt.
    pub degraded: BatchSums,
    /// Corrupt and not down.
    pub corrupt_only: BatchSums,
    /// Corrupt and down at once.
    pub corrupt_down: BatchSums,
    /// Part of the downtime that is none if the reasons to fail overlap as much as they can.
    pub hardly_down: BatchSums,
    /// What would be downtime if they overlapped as little as they can.
    pub almost_down: BatchSums,
}

impl StateSums {
    fn merge(&mut self, other: &Self) {
        self.degraded.merge(&other.degraded);
        self.corrupt_only.merge(&other.corrupt_only);
        self.corrupt_down.merge(&other.corrupt_down);
        self.hardly_down.merge(&other.hardly_down);
        self.almost_down.merge(&other.almost_down);
    }
}

/// Times of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceTimes {
    /// Time down, where it is also the time impaired: in most trials harm is total, and one record serves both.
    pub alike: Measure,
    /// Time down, in the other trials.
    pub downtime: Measure,
    /// Time impaired, in the other trials.
    pub impaired_time: Measure,
    /// First impairment, over the trials in which there is one.
    pub onset: LogLinear,
    /// Of these, trials with an onset at time 0 (the histogram leaves zeros out).
    pub onset_at_zero: u64,
    /// Times in the other states; absent where it is down without wrong answers in all the time that it is impaired.
    pub states: Option<Box<StateSums>>,
}

impl ServiceTimes {
    /// Adds the times of a trial.
    pub(crate) fn record(&mut self, batch: usize, downtime: u64, impaired_time: u64) {
        if downtime == impaired_time {
            self.alike.record(batch, downtime);
        } else {
            self.downtime.record(batch, downtime);
            self.impaired_time.record(batch, impaired_time);
        }
    }

    /// Adds the times in states of a trial.
    pub(crate) fn record_states(&mut self, batch: usize, times: StateTimes) {
        if times != StateTimes::default() {
            let sums = self.states.get_or_insert_default();
            sums.degraded.add(batch, times.degraded.0);
            sums.corrupt_only.add(batch, times.corrupt_only.0);
            sums.corrupt_down.add(batch, times.corrupt_down.0);
            sums.hardly_down.add(batch, times.hardly_down.0);
            sums.almost_down.add(batch, times.almost_down.0);
        }
    }

    /// Adds the first impairment of a trial.
    pub(crate) fn record_onset(&mut self, onset: u64) {
        record_onset(onset, &mut self.onset, &mut self.onset_at_zero);
    }

    /// Time down and time impaired over all trials; one measure where they are alike in all.
    pub(crate) fn measures(&self) -> (Measure, Option<Measure>) {
        if self.downtime == Measure::default() && self.impaired_time == Measure::default() {
            return (self.alike.clone(), None);
        }
        let (mut downtime, mut impaired_time) = (self.downtime.clone(), self.impaired_time.clone());
        downtime.merge(&self.alike);
        impaired_time.merge(&self.alike);
        (downtime, Some(impaired_time))
    }

    /// Sums of time down by batch.
    pub(crate) fn downtime_sums(&self) -> BatchSums {
        let mut sums = self.downtime.sums.clone();
        sums.merge(&self.alike.sums);
        sums
    }

    /// Sums of time impaired by batch.
    pub(crate) fn impaired_sums(&self) -> BatchSums {
        let mut sums = self.impaired_time.sums.clone();
        sums.merge(&self.alike.sums);
        sums
    }

    fn merge(&mut self, other: &Self) {
        self.alike.merge(&other.alike);
        self.downtime.merge(&other.downtime);
        self.impaired_time.merge(&other.impaired_time);
        self.onset.merge(&other.onset);
        self.onset_at_zero += other.onset_at_zero;
        if let Some(theirs) = &other.states {
            self.states.get_or_insert_default().merge(theirs);
        }
    }
}

/// Adds an onset to those after time 0, or to the number of those at it.
fn record_onset(onset: u64, later: &mut LogLinear, at_zero: &mut u64) {
    if onset == 0 {
        *at_zero += 1;
    } else {
        later.record(onset, 1);
    }
}

/// What happened to one journey.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JourneyTally {
    /// Trials in which its severity is at least one hundredth at any time.
    pub impaired: u64,
    /// Trials in which it is at least one half at any time.
    pub down: u64,
    /// Trials in which a hundredth of its answers is wrong at any time.
    pub corrupt: u64,
    /// First impairment, over the trials in which there is one.
    pub onset: LogLinear,
    /// Of these, trials with an onset at time 0 (the histogram leaves zeros out).
    pub onset_at_zero: u64,
    /// Time with severity of at least one half.
    pub downtime: Measure,
    /// Time with severity of at least one hundredth.
    pub impaired_time: Measure,
    /// Time with at least a hundredth of wrong answers.
    pub corrupt_time: BatchSums,
    /// Thousandths of user-minutes lost.
    pub user_minutes: Measure,
    /// Thousandths of user-minutes lost if failures of what it needs overlap as much as they can, and as little.
    pub user_minute_bounds: (BatchSums, BatchSums),
    /// Thousandths of user-minutes with wrong answers.
    pub integrity_minutes: Measure,
}

impl JourneyTally {
    /// Adds the first impairment of a trial.
    pub(crate) fn record_onset(&mut self, onset: u64, is_down: bool) {
        self.impaired += 1;
        self.down += u64::from(is_down);
        record_onset(onset, &mut self.onset, &mut self.onset_at_zero);
    }

    fn merge(&mut self, other: &Self) {
        self.impaired += other.impaired;
        self.down += other.down;
        self.corrupt += other.corrupt;
        self.onset.merge(&other.onset);
        self.onset_at_zero += other.onset_at_zero;
        self.downtime.merge(&other.downtime);
        self.impaired_time.merge(&other.impaired_time);
        self.corrupt_time.merge(&other.corrupt_time);
        self.user_minutes.merge(&other.user_minutes);
        self.user_minute_bounds.0.merge(&other.user_minute_bounds.0);
        self.user_minute_bounds.1.merge(&other.user_minute_bounds.1);
        self.integrity_minutes.merge(&other.integrity_minutes);
    }
}

/// What all trials of a simulation add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Trials so far.
    pub trials: u64,
    /// Services impaired per trial.
    pub reach: CountDistribution,
    /// The same by batch.
    pub reach_sums: BatchSums,
    /// By position of the service among those that the scenario can reach.
    pub services: Vec<ServiceTally>,
    /// Trials in which a service is starved, by position among those that can be; empty when not asked.
    pub starved: Vec<u64>,
    /// By journey.
    pub journeys: Vec<JourneyTally>,
    /// Over all journeys.
    pub user_minutes: Measure,
    /// Trials in which harm went on at the horizon.
    pub censored: u64,
    /// Services over time, where that is asked for.
    pub(crate) series: Option<SeriesTally>,
    /// Services impaired, trial by trial, where every trial is asked for.
    pub(crate) reaches: Option<Vec<u64>>,
}

impl Tally {
    /// An empty tally.
    pub(crate) fn new(services: usize, journeys: usize) -> Self {
        Self {
            services: vec![ServiceTally::default(); services],
            journeys: vec![JourneyTally::default(); journeys],
            ..Self::default()
        }
    }

    /// Adds another part.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.trials += other.trials;
        self.censored += other.censored;
        if let (Some(mine), Some(theirs)) = (&mut self.reaches, &other.reaches) {
            mine.extend(theirs);
        }
        if let (Some(mine), Some(theirs)) = (&mut self.series, &other.series) {
            mine.merge(theirs);
        }
        self.reach.merge(&other.reach);
        self.reach_sums.merge(&other.reach_sums);
        self.user_minutes.merge(&other.user_minutes);
        self.starved.resize(self.starved.len().max(other.starved.len()), 0);
        self.starved.iter_mut().zip(&other.starved).for_each(|(mine, theirs)| *mine += theirs);
        for (mine, theirs) in self.services.iter_mut().zip(&other.services) {
            mine.impaired += theirs.impaired;
            mine.down += theirs.down;
            mine.corrupt += theirs.corrupt;
            if let Some(theirs) = &theirs.times {
                mine.times.get_or_insert_default().merge(theirs);
            }
        }
        for (mine, theirs) in self.journeys.iter_mut().zip(&other.journeys) {
            mine.merge(theirs);
        }
    }

    /// Adds the reach of a trial.
    pub(crate) fn record_reach(&mut self, trial: u64, trials: u64, reach: u64) {
        self.reach.record(reach, 1);
        self.reach_sums.add(batch_of(trial, trials), reach);
        if let Some(reaches) = &mut self.reaches {
            reaches.push(reach);
        }
    }

    /// Turns the tally of a whole run into that of the first half of a run of twice as many trials.
    pub(crate) fn pair_batches(&mut self) {
        self.reach_sums.pair();
        self.user_minutes.sums.pair();
        for times in self.services.iter_mut().filter_map(|service| service.times.as_deref_mut()) {
            for measure in [&mut times.alike, &mut times.downtime, &mut times.impaired_time] {
                measure.sums.pair();
            }
            if let Some(sums) = times.states.as_deref_mut() {
                let StateSums { degraded, corrupt_only, corrupt_down, hardly_down, almost_down } = sums;
                [degraded, corrupt_only, corrupt_down, hardly_down, almost_down].into_iter().for_each(BatchSums::pair);
            }
        }
        for journey in &mut self.journeys {
            for measure in
                [&mut journey.downtime, &mut journey.impaired_time, &mut journey.user_minutes, &mut journey.integrity_minutes]
            {
                measure.sums.pair();
            }
            let (least, most) = &mut journey.user_minute_bounds;
            [least, most, &mut journey.corrupt_time].into_iter().for_each(BatchSums::pair);
        }
    }
}
