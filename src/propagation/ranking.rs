//! Every service as the fault, on the same random numbers: which one hurts most?
//!
//! All services meet the same worlds (a dependency lets the failure of any of them through in the same trials), so that their
//! differences are sharper than the intervals say, and "the intervals overlap" is a cautious sign of "too close to call".
//!
//! Source: model.md §4 (what-ifs on common random numbers).

use super::all_sources::reach_sums;
use super::conclude::{CONFIDENCE, minutes, relative_half_width, thousandths};
use super::result::Precision;
use super::run::{Request, in_threads};
use super::sampling::{Rows, Sample, Shard, sample};
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
    let inner = inner(request, request.trials, request.confidence);
    in_threads(request.threads, || each(system, compact, failing, &inner, Some(rows)))
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
    let request = inner(request, trials, confidence.or(request.confidence));
    let at_once = if request.static_reach { all_at_once(system, compact, failing, &request) } else { None };
    at_once.map_or_else(|| one_by_one(system, compact, failing, &request), Ok)
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
    let mut ranking = Ranking { trials: request.trials, ..Ranking::default() };
    let (mut services, mut scenarios) = (Vec::new(), Vec::new());
    for service in system.service_ids() {
        match failing.at(system, compact, service) {
            // What needs a clock is refused elsewhere.
            Ok(scenario) if scenario.needs_clock().is_some() => return None,
            Ok(scenario) => {
                services.push(service);
                scenarios.push(scenario);
            }
            Err(_) => ranking.left_out.push(service),
        }
    }
    let sums = reach_sums(system, compact, &scenarios, request)?;
    let reached = services.into_iter().zip(sums).map(|(service, sums)| Ranked {
        service,
        reach: sums.estimate(request.trials, request.confidence.unwrap_or(CONFIDENCE)),
        user_minutes: None,
        downtime: None,
    });
    ranking.services = reached.collect();
    Some(ranking)
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
    each(system, compact, failing, request, None)
}

fn each(
    system: &System,
    compact: &Compact,
    failing: Failing,
    request: &Request<'_>,
    rows: Option<TakeRows<'_>>,
) -> Result<Ranking, Vec<Diagnostic>> {
    let mut ranking = Ranking { trials: request.trials, ..Ranking::default() };
    let mut refused = Vec::new();
    for service in system.service_ids() {
        match failing.at(system, compact, service) {
            Ok(scenario) => {
                let take = |given: &Rows| rows.iter().for_each(|rows| rows(service, given));
                let asked = inner(request, request.trials, request.confidence);
                let asked = Request { rows: rows.is_some().then_some(&take), ..asked };
                let sample = sample(system, compact, &scenario, &asked, Shard::ALL).map_err(|problem| vec![problem])?;
                ranking.services.push(ranked(system, service, &sample, request));
                ranking.horizon_minutes = (!request.static_reach).then(|| scenario.horizon.minutes());
            }
            Err(problems) => {
                ranking.left_out.push(service);
                if refused.is_empty() {
                    refused = problems;
                }
            }
        }
    }
    if ranking.services.is_empty() && !refused.is_empty() { Err(refused) } else { Ok(ranking) }
}

fn ranked(system: &System, service: ServiceId, sample: &Sample, request: &Request<'_>) -> Ranked {
    let (tally, trials) = (&sample.tally, sample.tally.trials);
    let confidence = request.confidence.unwrap_or(CONFIDENCE);
    let is_timed = !request.static_reach;
    let mut down = BatchSums::new();
    for times in tally.services.iter().filter_map(|service| service.times.as_deref()) {
        // Sums of a batch add up over services, so the total has an interval of its own.
        down.merge(&times.downtime_sums());
    }
    let lost = &tally.user_minutes.sums;
    Ranked {
        service,
        reach: tally.reach_sums.estimate(trials, confidence),
        user_minutes: (is_timed && !system.journeys().is_empty()).then(|| in_unit(lost, (trials, confidence), thousandths)),
        downtime: is_timed.then(|| in_unit(&down, (trials, confidence), minutes)),
    }
}

fn in_unit(sums: &BatchSums, (trials, confidence): (u64, f64), unit: fn(f64) -> f64) -> Estimate {
    let Estimate { mean, interval } = sums.estimate(trials, confidence);
    Estimate { mean: unit(mean), interval: interval.map(unit) }
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
