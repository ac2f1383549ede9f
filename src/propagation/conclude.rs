//! From the integer tallies of a simulation to numbers with their intervals.

use super::curves::{Counted, curves, reach_bins};
use super::first_crossing::FirstCrossing;
use super::result::{
    Curves, JourneyResult, Method, Precision, Quantile, Reach, ReachBin, ServiceClock, ServiceResult, ServiceTimesResult,
    Simulation, StateMinutes, Summary, Watched,
};
use super::run::Run;
use super::sampling::Sample;
use super::starved::Downstream;
use super::tally::{JourneyTally, Measure, ServiceTally, ServiceTimes, StateSums, Tally};
use super::weighted::{Weighted, reach_of};
use crate::model::system::ResolvedJourney;
use crate::statistics::{BatchSums, Estimate, Interval, LogLinear, clopper_pearson, order_statistic_ranks};
use crate::units::{ServiceId, Ticks};
use std::borrow::Cow;
use std::collections::HashMap;

/// Confidence of intervals, unless another is asked for.
pub(super) const CONFIDENCE: f64 = 0.95;

impl Run<'_> {
    /// Everything that a sample says, with intervals of a confidence.
    pub(super) fn concluded(&self, sample: &Sample, confidence: f64) -> Simulation {
        let (labels, timed) = (self.plan.labels(), !self.request.static_reach);
        let below = self.below(&labels);
        let weights = Weights::new(self.first_crossing.as_ref().map(|first| (first, &first.stays)));
        let mut simulation = self.simulation((&sample.tally, &weights), &labels, timed, confidence);
        simulation.starved = below.as_ref().map(|below| starved(below, (&sample.tally, &weights), confidence));
        simulation.leaving = self.first_crossing.as_ref().map(FirstCrossing::as_result);
        let bins = self.request.curves.then(|| reach_bins_of(&simulation.reach, (&sample.tally, &weights), confidence));
        if timed {
            self.over_time(&mut simulation, &sample.tally, &labels, (bins, confidence));
            simulation.watched = self.watched(sample, confidence);
        } else {
            simulation.curves = bins.map(|reach| Curves { reach, ..Curves::default() });
            let pessimistic = simulation.reach.clone();
            let first = self.first_crossing.as_ref();
            let weights = Weights::new(first.and_then(|first| Some((first, first.optimistic_stays.as_ref()?))));
            let optimistic = sample.optimistic.as_ref().map(|tally| reach_result(tally, &weights, confidence));
            simulation.reach_bounds = Some((optimistic.unwrap_or_else(|| pessimistic.clone()), pessimistic));
        }
        simulation.precision = self.request.precision.map(|asked| Precision {
            asked,
            reach: self.reach_half_width(simulation.reach.mean, (&sample.tally, &weights), labels.len()),
            user_minutes: self
                .can_lose_users()
                .then(|| simulation.user_minutes.as_ref().map_or(f64::INFINITY, |lost| relative_half_width(lost.mean))),
        });
        simulation
    }

    /// Services over time, and what pictures need, where that is asked.
    fn over_time(
        &self,
        simulation: &mut Simulation,
        tally: &Tally,
        labels: &[u32],
        (bins, confidence): (Option<Vec<ReachBin>>, f64),
    ) {
        let services: Vec<ServiceId> = labels.iter().map(|node| self.plan.services[*node as usize]).collect();
        let series = tally.series.as_ref().map(|series| series.conclude(&services, tally.trials, confidence));
        if let Some(bins) = bins {
            let counted = |measure: Cow<'_, Measure>| Counted::new(&measure.histogram, tally.trials, confidence);
            let times = |id: ServiceId| {
                let at = services.iter().position(|known| *known == id)?;
                let (downtime, impaired_time) = tally.services[at].times.as_deref()?.measures();
                let impaired_time = impaired_time.map_or_else(|| Cow::Borrowed(&downtime), Cow::Owned);
                let impaired_time = counted(impaired_time);
                Some((Cow::Owned(counted(Cow::Borrowed(&downtime))), Cow::Owned(impaired_time)))
            };
            let lost = counted(Cow::Borrowed(&tally.user_minutes));
            simulation.curves = Some(curves(simulation, bins, times, &lost, series.as_deref()));
        }
        simulation.series = series.filter(|_| self.request.series);
    }

    /// Relative half-width of mean reach. Where no trial differs from another, this says nothing about those that were not seen: of
    /// these there are as many as the binomial law allows, and each reaches at most everything.
    fn reach_half_width(&self, mean: Estimate, (tally, weights): (&Tally, &Weights<'_>), services: usize) -> f64 {
        if mean.interval.low < mean.interval.high || mean.mean <= 0.0 {
            return relative_half_width(mean);
        }
        let unseen = clopper_pearson(0, tally.trials, self.request.confidence.unwrap_or(CONFIDENCE)).high;
        weights.factor * unseen * (services as f64 - mean.mean).max(0.0) / mean.mean
    }

    /// Can the scenario reach any journey that has users? Without a clock nobody counts them.
    fn can_lose_users(&self) -> bool {
        let journeys = self.system.journeys().iter().filter(|_| !self.request.static_reach);
        journeys
            .filter(|journey| journey.facts.users_per_minute.is_some_and(|users| users > 0.0))
            .any(|journey| journey.needs.iter().any(|need| self.plan.local(self.compact.node(*need)).is_some()))
    }

    /// Shares of the worst 5 % of the trials; ties go to the earlier trial.
    fn watched(&self, sample: &Sample, confidence: f64) -> Watched {
        let trials = sample.tally.trials;
        let mut losses: Vec<_> = sample.losses.iter().collect();
        losses.sort_by_key(|loss| (std::cmp::Reverse(loss.milli_user_minutes), loss.trial));
        let worst = (trials as f64 * 0.05).ceil().max(1.0) as usize;
        let worst_losses = &losses[..losses.len().min(worst)];
        let share = |at: usize| worst_losses.iter().filter(|loss| loss.impaired[at]).count() as f64 / worst as f64;
        Watched {
            impaired_in_worst: self.request.watch.iter().enumerate().map(|(at, id)| (*id, share(at))).collect(),
            breach: (!self.request.budgets.is_empty()).then(|| proportion(sample.breaches, trials, confidence)),
        }
    }

    fn simulation(&self, (tally, weights): (&Tally, &Weights<'_>), labels: &[u32], timed: bool, confidence: f64) -> Simulation {
        let trials = tally.trials;
        let mut known: HashMap<u64, Estimate> = HashMap::new();
        let mut share = |count: u64, stays: u64| {
            weights.whole(*known.entry(count).or_insert_with(|| proportion(count, trials, confidence)), stays as f64)
        };
        let none = ServiceTally::default();
        let mut services: Vec<ServiceResult> = labels
            .iter()
            .zip(&tally.services)
            .enumerate()
            .map(|(at, (node, service))| {
                let stays = weights.stays.map_or(&none, |stays| &stays.services[at]);
                ServiceResult {
                    service: self.plan.services[*node as usize],
                    impaired: share(service.impaired, stays.impaired),
                    down: share(service.down, stays.down),
                    corrupt: share(service.corrupt, stays.corrupt),
                    clock: timed.then(|| Box::new(service_clock(service, trials, confidence))),
                }
            })
            .collect();
        services.sort_unstable_by_key(|result| result.service);
        let journeys = self.system.journeys().iter().zip(&tally.journeys).filter(|_| timed);
        Simulation {
            method: Method::Sampled,
            solver: None,
            trials,
            seed: self.request.seed.0,
            timed,
            reach: reach_result(tally, weights, confidence),
            reach_bounds: None,
            services,
            starved: None,
            journeys: journeys.map(|(journey, tally)| journey_result(journey, tally, trials, confidence)).collect(),
            user_minutes: (timed && self.system.counts_users())
                .then(|| summary(&tally.user_minutes, trials, confidence, thousandths)),
            censored: if trials == 0 { 0.0 } else { tally.censored as f64 / trials as f64 },
            horizon_minutes: timed.then(|| self.scenario.horizon.minutes()),
            watched: Watched::default(),
            series: None,
            curves: None,
            precision: None,
            leaving: None,
            rounded: self.plan.rounded(),
        }
    }
}

/// User-minutes that a journey may lose in its window: users per minute × window × (1 − objective) (semantics 20).
pub fn budget(journey: &crate::model::facts::Journey) -> Option<f64> {
    let users = journey.users_per_minute.filter(|users| *users > 0.0)?;
    let window = journey.window.unwrap_or(Ticks::from_days(30));
    Some(users * window.minutes() * (1.0 - journey.slo? / 100.0))
}

pub(super) fn proportion(count: u64, trials: u64, confidence: f64) -> Estimate {
    let mean = if trials == 0 { 0.0 } else { count as f64 / trials as f64 };
    Estimate { mean, interval: clopper_pearson(count, trials, confidence) }
}

pub(crate) fn minutes(ticks: f64) -> f64 {
    ticks / Ticks::PER_MINUTE as f64
}

pub(crate) fn thousandths(value: f64) -> f64 {
    value / 1_000.0
}

fn summary(measure: &Measure, trials: u64, confidence: f64, unit: impl Fn(f64) -> f64) -> Summary {
    let mean = measure.sums.estimate(trials, confidence);
    let mut histogram = measure.histogram.clone();
    histogram.settle();
    let quantile = |q: f64| quantile(&histogram, q, trials, confidence, &unit);
    Summary {
        mean: mean.map(&unit),
        standard_deviation: unit(standard_deviation(measure.sums.total() as f64, &histogram, trials)),
        p50: quantile(0.50),
        p90: quantile(0.90),
        p95: quantile(0.95),
        p99: quantile(0.99),
        es95: histogram.estimate_of_worst(0.05, trials, confidence).map(&unit),
        worst_trial_share: histogram.largest() as f64 / (measure.sums.total() as f64).max(1.0),
    }
}

/// A quantile over trials, those without a record at 0.
fn quantile(histogram: &LogLinear, q: f64, trials: u64, confidence: f64, unit: impl Fn(f64) -> f64) -> Quantile {
    let interval = between_ranks(trials, q, confidence, |low, high| {
        [histogram.low_of_rank(low, trials) as f64, histogram.quantile_rank(high, trials) as f64]
    });
    Quantile { value: unit(histogram.quantile(q, trials) as f64), interval: interval.map(unit) }
}

/// The interval of a quantile from the values of two ranks.
fn between_ranks(trials: u64, q: f64, confidence: f64, values: impl Fn(u64, u64) -> [f64; 2]) -> Interval {
    match order_statistic_ranks(trials, q, confidence) {
        // Above the largest trial nothing is known.
        (_, high) if high > trials => Interval::UNKNOWN,
        (low, high) => {
            let [low, high] = values(low, high);
            Interval { low, high }
        }
    }
}

/// Standard deviation over all trials, those without a record at 0; relative error below 1e-6, that of taking each bucket of the
/// histogram as its mean.
fn standard_deviation(sum: f64, histogram: &LogLinear, trials: u64) -> f64 {
    let n = trials.max(1) as f64;
    let mean = sum / n;
    let buckets = histogram.buckets().map(|bucket| {
        let count = bucket.count as f64;
        count * (bucket.sum as f64 / count - mean).powi(2)
    });
    let at_zero = trials.saturating_sub(histogram.total()) as f64 * mean * mean;
    ((buckets.sum::<f64>() + at_zero) / n).sqrt()
}

fn service_clock(service: &ServiceTally, trials: u64, confidence: f64) -> ServiceClock {
    let none = ServiceTimes::default();
    let times = service.times.as_deref().unwrap_or(&none);
    let (downtime, impaired_time) = times.measures();
    let downtime = summary(&downtime, trials, confidence, minutes);
    ServiceClock {
        times: ServiceTimesResult {
            impaired_time: impaired_time.map_or_else(|| downtime, |measure| summary(&measure, trials, confidence, minutes)),
            downtime,
            onset_p50: onset_p50(&times.onset, service.impaired, confidence),
        },
        states: times.states.as_deref().map(|sums| Box::new(state_minutes(sums, times.downtime_sums(), trials, confidence))),
    }
}

fn state_minutes(sums: &StateSums, down: BatchSums, trials: u64, confidence: f64) -> StateMinutes {
    let mean = |sums: &BatchSums| sums.estimate(trials, confidence).map(minutes);
    let mut corrupt = sums.corrupt_only.clone();
    corrupt.merge(&sums.corrupt_down);
    let mut most = down.clone();
    most.merge(&sums.almost_down);
    StateMinutes {
        degraded: mean(&sums.degraded),
        down: mean(&down),
        corrupt: mean(&corrupt),
        corrupt_only: mean(&sums.corrupt_only),
        down_bounds: (mean(&down.minus(&sums.hardly_down)), mean(&most)),
    }
}

/// Median onset in minutes over the trials in which there is one, from the onsets after time 0.
fn onset_p50(later: &LogLinear, impaired: u64, confidence: f64) -> Option<Quantile> {
    (impaired > 0).then(|| quantile(later, 0.5, impaired, confidence, minutes))
}

fn journey_result(journey: &ResolvedJourney, tally: &JourneyTally, trials: u64, confidence: f64) -> JourneyResult {
    let summary = |measure, unit: fn(f64) -> f64| summary(measure, trials, confidence, unit);
    JourneyResult {
        name: journey.name.clone(),
        impaired: proportion(tally.impaired, trials, confidence),
        down: proportion(tally.down, trials, confidence),
        corrupt: proportion(tally.corrupt, trials, confidence),
        onset_p50: onset_p50(&tally.onset, tally.impaired, confidence),
        downtime: summary(&tally.downtime, minutes),
        impaired_time: summary(&tally.impaired_time, minutes),
        degraded_time: tally.impaired_time.sums.minus(&tally.downtime.sums).estimate(trials, confidence).map(minutes),
        corrupt_time: tally.corrupt_time.estimate(trials, confidence).map(minutes),
        is_traffic_known: journey.is_traffic_known(),
        user_minutes: summary(&tally.user_minutes, thousandths),
        user_minute_bounds: {
            let mean = |sums: &BatchSums| sums.estimate(trials, confidence).map(thousandths);
            (mean(&tally.user_minute_bounds.0), mean(&tally.user_minute_bounds.1))
        },
        integrity_minutes: summary(&tally.integrity_minutes, thousandths),
        budget_share: budget(&journey.facts)
            .map(|budget| self::summary(&tally.user_minutes, trials, confidence, |milli| thousandths(milli) / budget)),
    }
}

/// What trials weigh: all, or those in which the failure leaves its source. `E[x] = factor·E[x | leaves] + (1 − factor)·x₀`.
struct Weights<'a> {
    /// P(the failure leaves its source); 1 where all trials are ordinary ones.
    factor: f64,
    /// The trial in which it stays there.
    stays: Option<&'a Tally>,
}

impl<'a> Weights<'a> {
    fn new(first: Option<(&FirstCrossing, &'a Tally)>) -> Self {
        Self { factor: first.map_or(1.0, |(first, _)| first.factor), stays: first.map(|(_, stays)| stays) }
    }

    /// An estimate over all trials from that over the weighed ones.
    fn whole(&self, estimate: Estimate, stays: f64) -> Estimate {
        if self.stays.is_none() {
            return estimate;
        }
        // Sums, so that an end at 1 stays there: (1 − f) + f·1 need not be 1 in floating point.
        estimate.map(|x| stays + self.factor * (x - stays))
    }
}

/// Services that were starved in any trial, in file order.
fn starved(below: &Downstream, (tally, weights): (&Tally, &Weights<'_>), confidence: f64) -> Vec<(ServiceId, Estimate)> {
    let stays = |at: usize| weights.stays.map_or(0, |stays| stays.starved[at]);
    let counts: Vec<(u64, u64)> = tally.starved.iter().enumerate().map(|(at, count)| (*count, stays(at))).collect();
    below.in_file_order(
        &counts,
        |(count, stays)| count + stays > 0,
        |(count, stays)| weights.whole(proportion(*count, tally.trials, confidence), *stays as f64),
    )
}

fn reach_bins_of(reach: &Reach, (tally, weights): (&Tally, &Weights<'_>), confidence: f64) -> Vec<ReachBin> {
    reach_bins(reach, |from, to| {
        let inside = |(value, _): &(u64, u64)| (from..=to).contains(value);
        let count = tally.reach.iter().filter(inside).map(|(_, count)| count).sum();
        let stays = weights.stays.is_some_and(|stays| stays.reach.iter().any(|reach| inside(&reach)));
        weights.whole(proportion(count, tally.trials, confidence), f64::from(u8::from(stays)))
    })
}

fn reach_result(tally: &Tally, weights: &Weights<'_>, confidence: f64) -> Reach {
    let trials = tally.trials.max(1) as f64;
    let mean = tally.reach_sums.estimate(tally.trials, confidence);
    let distribution = tally.reach.iter().map(|(value, count)| (value, count as f64 / trials));
    let of_rank = |rank: u64| tally.reach.of_rank(rank) as f64;
    let interval = |q: f64| between_ranks(tally.trials, q, confidence, |low, high| [low, high].map(of_rank));
    if let Some(stays) = weights.stays {
        let (at, _) = stays.reach.iter().next().unwrap_or_default();
        let mut all = Weighted::default();
        all.add(at, 1.0 - weights.factor);
        distribution.for_each(|(value, p)| all.add(value, weights.factor * p));
        // What stays reaches least: the quantile q of all is that of 1 − (1 − q)/f of those that leave.
        let interval = |q: f64, value: u64| match 1.0 - (1.0 - q) / weights.factor {
            of_leaving if of_leaving > 0.0 => interval(of_leaving),
            _ => Quantile::certain_count(value).interval,
        };
        let known = reach_of(&all);
        let quantile = |q: f64, known: Quantile<u64>| Quantile { interval: interval(q, known.value), ..known };
        let [p50, p90, p99] = [(0.5, known.p50), (0.9, known.p90), (0.99, known.p99)].map(|(q, known)| quantile(q, known));
        return Reach { mean: weights.whole(mean, at as f64), p50, p90, p99, ..known };
    }
    let quantile = |q: f64| Quantile { value: tally.reach.quantile(q), interval: interval(q) };
    Reach {
        mean,
        p50: quantile(0.5),
        p90: quantile(0.9),
        p99: quantile(0.99),
        standard_deviation: tally.reach.variance().sqrt(),
        distribution: distribution.collect(),
    }
}

/// Half the width of an interval over its mean, upwards, where no limit cuts it; 0 for what is certain, infinite where the
/// mean is 0 or nothing is known of it.
pub(super) fn relative_half_width(estimate: Estimate) -> f64 {
    let Estimate { mean, interval } = estimate;
    if interval.is_unknown() || mean <= 0.0 { f64::INFINITY } else { (interval.high - mean) / mean }
}
