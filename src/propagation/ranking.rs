//! Every service as the fault, on the same random numbers: which one hurts most?
//!
//! All services meet the same worlds (a dependency lets the failure of any of them through in the same trials), so that their
//! differences are sharper than the intervals say, and "the intervals overlap" is a cautious sign of "too close to call".
//!
//! Source: model.md §4 (what-ifs on common random numbers).

use super::all_sources::reach_sums;
use super::conclude::{CONFIDENCE, minutes, relative_half_width, thousandths};
use super::result::Precision;
use super::run::Request;
use super::sampling::{Rows, Sample, Shard, sample};
use super::threads::in_threads;
use crate::diagnostic::Diagnostic;
use crate::fault::{Fault, FaultKind, Response, Scenario};
use crate::model::structure::harmed_from;
use crate::model::{Compact, System};
use crate::statistics::{BatchSums, Estimate, looks};
use crate::units::{ServiceId, Ticks};

/// What one service does to the others when it fails.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// The service that fails.
    pub service: ServiceId,
    /// Services impaired, itself included.
    pub reach: Estimate,
    /// User-minutes lost over all journeys; `None` without a clock or without journeys.
    pub user_minutes: Option<Estimate>,
    /// Minutes down, added up over all services; `None` without a clock.
    pub downtime: Option<Estimate>,
}

/// What all services do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ranking {
    /// In file order.
    pub services: Vec<Ranked>,
    /// Services on which this fault cannot be injected.
    pub left_out: Vec<ServiceId>,
    /// How long harm was followed at most, in minutes, where there is a clock.
    pub horizon_minutes: Option<f64>,
    /// Trials of each service.
    pub trials: u64,
    /// How precise the least precise service is, where that was asked.
    pub precision: Option<Precision>,
}

/// How services fail.
#[derive(Debug, Clone, Copy)]
pub struct Failing {
    /// The kind of fault.
    pub kind: FaultKind,
    /// How long harm is followed; `None` for the default of the kind.
    pub horizon: Option<Ticks>,
    /// How people answer.
    pub response: Response,
}

impl Failing {
    /// The fault at one service.
    fn at(self, system: &System, compact: &Compact, service: ServiceId) -> Result<Scenario, Vec<Diagnostic>> {
        let fault = Fault::new(self.kind, system.service_name(service));
        Ok(Scenario::new(system, compact, &[fault], self.horizon)?.answered(self.response))
    }
}

/// What the trials in which one service fails add up to, by batch, in integers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RankedSums {
    /// Services impaired.
    pub reach: BatchSums,
    /// Thousandths of user-minutes; `None` without a clock or without journeys.
    pub user_minutes: Option<BatchSums>,
    /// Microseconds down, added up over all services; `None` without a clock.
    pub downtime: Option<BatchSums>,
}

/// What a ranking, or a shard of one, adds up to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RankingSample {
    /// Trials of each service in the whole run.
    pub total: u64,
    /// Services that the fault can be injected on, in file order.
    pub services: Vec<(ServiceId, RankedSums)>,
    /// The others.
    pub left_out: Vec<ServiceId>,
    /// How long harm is followed at most, in minutes, where there is a clock.
    pub horizon_minutes: Option<f64>,
}

impl RankedSums {
    /// Adds other trials of the same run; in any order.
    pub fn merge(&mut self, other: &Self) {
        self.reach.merge(&other.reach);
        for (mine, theirs) in [(&mut self.user_minutes, &other.user_minutes), (&mut self.downtime, &other.downtime)] {
            if let (Some(mine), Some(theirs)) = (mine, theirs) {
                mine.merge(theirs);
            }
        }
    }

    fn ranked(&self, service: ServiceId, trials: u64, confidence: f64) -> Ranked {
        let of = |sums: &BatchSums, unit: fn(f64) -> f64| sums.estimate(trials, confidence).map(unit);
        Ranked {
            service,
            reach: self.reach.estimate(trials, confidence),
            user_minutes: self.user_minutes.as_ref().map(|sums| of(sums, thousandths)),
            downtime: self.downtime.as_ref().map(|sums| of(sums, minutes)),
        }
    }
}

impl RankingSample {
    /// What all trials of a run say, with intervals of 95 %.
    pub fn concluded(self) -> Ranking {
        self.concluded_at(CONFIDENCE)
    }

    fn concluded_at(self, confidence: f64) -> Ranking {
        let ranked = |(service, sums): &(ServiceId, RankedSums)| sums.ranked(*service, self.total, confidence);
        Ranking {
            services: self.services.iter().map(ranked).collect(),
            left_out: self.left_out,
            horizon_minutes: self.horizon_minutes,
            trials: self.total,
            precision: None,
        }
    }
}

/// Takes the outcomes of trials in which a service fails, in the order of the trials.
pub type TakeRows<'a> = &'a (dyn Fn(ServiceId, &Rows) + Sync);

/// Lets every service fail in turn. With `precision`, up to the look at which every service is as precise; `trials` is then the
/// most. `exact`, `rows`, `watch` and `budgets` of the request are not used.
///
/// O(services) simulations; without a clock, services share the draws of each world where that is faster. A look starts again, so
/// that all of them cost at most as much again as the last.
///
/// # Errors
/// When the fault cannot be injected anywhere; and as [`super::simulate`].
pub fn rank(system: &System, compact: &Compact, failing: Failing, request: &Request<'_>) -> Result<Ranking, Vec<Diagnostic>> {
    in_threads(request.threads, || {
        let Some(asked) = request.precision else { return at_look(system, compact, failing, (request, request.trials, None)) };
        let mut found = Ranking::default();
        for look in looks(1.0 - CONFIDENCE, request.trials) {
            found = at_look(system, compact, failing, (request, look.trials, Some(look.confidence)))?;
            let (reach, user_minutes) = widest(system, compact, failing, &found);
            let precision = Precision { asked, reach, user_minutes };
            found.precision = Some(precision);
            if precision.is_reached() {
                break;
            }
        }
        Ok(found)
    })
}

/// The same for a number of trials, with what every single trial gave. Trials of all services at once have no rows, so that services
/// are taken one by one.
///
/// # Errors
/// As [`rank`].
pub fn rank_with_rows(
    system: &System,
    compact: &Compact,
    failing: Failing,
    request: &Request<'_>,
    rows: TakeRows<'_>,
) -> Result<Ranking, Vec<Diagnostic>> {
    let sample = rank_shard(system, compact, failing, request, (Shard::ALL, Some(rows)))?;
    Ok(sample.concluded_at(request.confidence.unwrap_or(CONFIDENCE)))
}

/// The trials of a shard of [`rank`], or of [`rank_with_rows`]. `precision` is not used.
///
/// # Errors
/// As [`rank`].
pub fn rank_shard(
    system: &System,
    compact: &Compact,
    failing: Failing,
    request: &Request<'_>,
    (shard, rows): (Shard, Option<TakeRows<'_>>),
) -> Result<RankingSample, Vec<Diagnostic>> {
    let inner = inner(request, request.trials, request.confidence);
    in_threads(request.threads, || match rows {
        Some(_) => each(system, compact, failing, &inner, (shard, rows)),
        None => gathered(system, compact, failing, &inner, shard),
    })
}

/// What the simulations of a ranking are asked.
fn inner<'a>(request: &Request<'a>, trials: u64, confidence: Option<f64>) -> Request<'a> {
    Request {
        trials,
        confidence,
        seed: request.seed,
        static_reach: request.static_reach,
        at: request.at.clone(),
        machine: request.machine,
        progress: request.progress,
        threads: None,
        ..Request::default()
    }
}

fn at_look(
    system: &System,
    compact: &Compact,
    failing: Failing,
    (request, trials, confidence): (&Request<'_>, u64, Option<f64>),
) -> Result<Ranking, Vec<Diagnostic>> {
    let confidence = confidence.or(request.confidence);
    let sample = gathered(system, compact, failing, &inner(request, trials, confidence), Shard::ALL)?;
    Ok(sample.concluded_at(confidence.unwrap_or(CONFIDENCE)))
}

/// All services at once where that does, else one by one.
fn gathered(
    system: &System,
    compact: &Compact,
    failing: Failing,
    request: &Request<'_>,
    shard: Shard,
) -> Result<RankingSample, Vec<Diagnostic>> {
    let at_once = if request.static_reach { at_once(system, compact, failing, request, shard) } else { None };
    at_once.map_or_else(|| each(system, compact, failing, request, (shard, None)), Ok)
}

/// The largest relative half-widths: of reach, and of the user-minutes of services whose failure can reach users.
fn widest(system: &System, compact: &Compact, failing: Failing, ranking: &Ranking) -> (f64, Option<f64>) {
    let reach = ranking.services.iter().map(|ranked| relative_half_width(ranked.reach)).fold(0.0, f64::max);
    let journeys = system.journeys().iter();
    let journeys = journeys.filter(|journey| journey.facts.users_per_minute.is_some_and(|users| users > 0.0));
    let used: Vec<usize> = journeys.flat_map(|journey| &journey.needs).map(|need| compact.node(*need) as usize).collect();
    let can_lose = |ranked: &&Ranked| {
        let scenario = failing.at(system, compact, ranked.service);
        let sources =
            scenario.map(|scenario| scenario.source_nodes().into_iter().chain(scenario.surge.nodes).collect::<Vec<_>>());
        let reached = harmed_from(compact, sources.unwrap_or_default());
        used.iter().any(|node| reached.contains(*node))
    };
    let timed = ranking.services.iter().filter(|ranked| ranked.user_minutes.is_some());
    let lost = timed.filter(can_lose).filter_map(|ranked| ranked.user_minutes).map(relative_half_width);
    (reach, lost.reduce(f64::max))
}

/// Without a clock: all services in each world; `None` where that does not do, as for faults that draw what they hit, or where
/// one by one is faster.
///
/// The same numbers as [`one_by_one`].
pub fn all_at_once(system: &System, compact: &Compact, failing: Failing, request: &Request<'_>) -> Option<Ranking> {
    let sample = at_once(system, compact, failing, request, Shard::ALL)?;
    Some(sample.concluded_at(request.confidence.unwrap_or(CONFIDENCE)))
}

fn at_once(system: &System, compact: &Compact, failing: Failing, request: &Request<'_>, shard: Shard) -> Option<RankingSample> {
    let mut sample = RankingSample { total: request.trials, ..RankingSample::default() };
    let (mut services, mut scenarios) = (Vec::new(), Vec::new());
    for service in system.service_ids() {
        match failing.at(system, compact, service) {
            // What needs a clock is refused elsewhere.
            Ok(scenario) if scenario.needs_clock().is_some() => return None,
            Ok(scenario) => {
                services.push(service);
                scenarios.push(scenario);
            }
            Err(_) => sample.left_out.push(service),
        }
    }
    let sums = reach_sums(system, compact, &scenarios, request, &shard.span(request.trials))?;
    let sums = sums.into_iter().map(|reach| RankedSums { reach, ..RankedSums::default() });
    sample.services = services.into_iter().zip(sums).collect();
    Some(sample)
}

/// A simulation for each service; what [`rank`] is measured against.
///
/// # Errors
/// As [`rank`].
pub fn one_by_one(
    system: &System,
    compact: &Compact,
    failing: Failing,
    request: &Request<'_>,
) -> Result<Ranking, Vec<Diagnostic>> {
    let sample = each(system, compact, failing, request, (Shard::ALL, None))?;
    Ok(sample.concluded_at(request.confidence.unwrap_or(CONFIDENCE)))
}

fn each(
    system: &System,
    compact: &Compact,
    failing: Failing,
    request: &Request<'_>,
    (shard, rows): (Shard, Option<TakeRows<'_>>),
) -> Result<RankingSample, Vec<Diagnostic>> {
    let mut all = RankingSample { total: request.trials, ..RankingSample::default() };
    let mut refused = Vec::new();
    for service in system.service_ids() {
        match failing.at(system, compact, service) {
            Ok(scenario) => {
                let take = |given: &Rows| rows.iter().for_each(|rows| rows(service, given));
                let asked = inner(request, request.trials, request.confidence);
                let asked = Request { rows: rows.is_some().then_some(&take), ..asked };
                let sample = sample(system, compact, &scenario, &asked, shard).map_err(|problem| vec![problem])?;
                all.services.push((service, sums(system, &sample, request)));
                all.horizon_minutes = (!request.static_reach).then(|| scenario.horizon.minutes());
            }
            Err(problems) => {
                all.left_out.push(service);
                if refused.is_empty() {
                    refused = problems;
                }
            }
        }
    }
    if all.services.is_empty() && !refused.is_empty() { Err(refused) } else { Ok(all) }
}

fn sums(system: &System, sample: &Sample, request: &Request<'_>) -> RankedSums {
    let (tally, is_timed) = (&sample.tally, !request.static_reach);
    let mut down = BatchSums::new();
    for times in tally.services.iter().filter_map(|service| service.times.as_deref()) {
        // Sums of a batch add up over services, so the total has an interval of its own.
        down.merge(&times.downtime_sums());
    }
    RankedSums {
        reach: tally.reach_sums.clone(),
        user_minutes: (is_timed && system.counts_users()).then(|| tally.user_minutes.sums.clone()),
        downtime: is_timed.then_some(down),
    }
}

/// Where a value stands in the order of all, the largest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// From 1; equal means share the better one.
    pub rank: usize,
    /// Its interval overlaps that of a neighbour in the order.
    pub is_close: bool,
}

/// Places of estimates, by position. O(n log n).
pub fn places(estimates: &[Estimate]) -> Vec<Place> {
    let mut order: Vec<usize> = (0..estimates.len()).collect();
    order.sort_by(|a, b| estimates[*b].mean.total_cmp(&estimates[*a].mean));
    let overlap = |a: usize, b: usize| estimates[a].interval.low <= estimates[b].interval.high;
    let mut places = vec![Place { rank: 0, is_close: false }; estimates.len()];
    for (at, position) in order.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| order[before]);
        places[*position].rank = match before {
            Some(before) if estimates[before].mean == estimates[*position].mean => places[before].rank,
            _ => at + 1,
        };
        if let Some(before) = before.filter(|before| overlap(*before, *position)) {
            places[before].is_close = true;
            places[*position].is_close = true;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Interval;

    fn estimate(mean: f64, half: f64) -> Estimate {
        Estimate { mean, interval: Interval { low: mean - half, high: mean + half } }
    }

    #[test]
    fn neighbours_that_overlap_are_too_close_to_call() {
        let places =
            places(&[estimate(1.0, 0.1), estimate(5.0, 0.2), estimate(4.7, 0.2), estimate(1.0, 0.0), estimate(3.0, 0.1)]);
        let expected = [(4, true), (1, true), (2, true), (4, true), (3, false)];
        assert_eq!(places, expected.map(|(rank, is_close)| Place { rank, is_close }));
        assert!(super::places(&[]).is_empty());
    }
}
