//! Two simulations on the same random numbers, compared trial by trial.
//!
//! Random numbers are keyed by names, so two systems that differ in a few facts share nearly all of them, and the difference of a
//! trial is that of the facts. Both sides run the same trials, window by window; of each window only integers are kept: sums by
//! batch, trials in which one side has a service impaired and the other has not (McNemar), and trials in which anything differs. So
//! parts add up in any order and the answer is the same for any number of threads. Services and journeys are paired by name; what one
//! side lacks is healthy there.
//!
//! Exact answers (`exact` of the request) are compared as they are: every interval is a point.
//!
//! O(both simulations + trials/512 × services). Source: model.md §4 (common random numbers, McNemar); Law and Kelton, §11.2.

use super::conclude::{CONFIDENCE, minutes, proportion, thousandths};
use super::exact;
use super::result::{JourneyResult, ServiceResult, Simulation, certain};
use super::run::{Request, Run, with_run};
use super::sampling::{Rows, Sample, Span};
use super::tally::{JourneyTally, ServiceTally, ServiceTimes, Tally};
use super::threads::in_threads;
use crate::diagnostic::Diagnostic;
use crate::fault::Scenario;
use crate::lanes::{BATCH, Mask};
use crate::model::{Compact, System};
use crate::statistics::paired::Discordant;
use crate::statistics::{BatchSums, Estimate};
use crate::units::ServiceId;
use std::collections::HashMap;

/// Masks that wait in memory at most, of each side: 64 MB.
const MOST_MARKS: usize = 1 << 20;

/// Batches of a window at least, so that all threads have work.
const NARROWEST: usize = 16;

/// One side of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// The system.
    pub system: &'a System,
    /// The same, compiled.
    pub compact: &'a Compact,
    /// The faults, resolved against it.
    pub scenario: &'a Scenario,
    /// Services whose part in the worst trials is asked.
    pub watch: &'a [ServiceId],
    /// Budget of each journey in user-minutes; empty when not asked.
    pub budgets: &'a [Option<f64>],
}

/// One quantity on both sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Compared {
    /// As things are.
    pub before: Estimate,
    /// As they would be.
    pub after: Estimate,
    /// After minus before, paired.
    pub difference: Estimate,
}

impl Compared {
    /// Nothing known, nothing compared.
    const UNKNOWN: Self = Self { before: Estimate::ZERO, after: Estimate::ZERO, difference: Estimate::ZERO };

    /// Two values that are known for certain.
    fn exactly(before: f64, after: f64) -> Self {
        Self { before: certain(before), after: certain(after), difference: certain(after - before) }
    }

    /// Means of two sums over the same trials.
    fn of(before: &BatchSums, after: &BatchSums, (trials, confidence): (u64, f64), unit: fn(f64) -> f64) -> Self {
        Self {
            before: before.estimate(trials, confidence).map(unit),
            after: after.estimate(trials, confidence).map(unit),
            difference: after.difference(before, trials, confidence).map(unit),
        }
    }

    fn is_same(&self) -> bool {
        self.difference.mean == 0.0
    }
}

/// A service on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct ServicePair {
    /// Its name.
    pub name: String,
    /// P(impaired at any time).
    pub impaired: Compared,
    /// Mean downtime in minutes; absent without a clock.
    pub downtime: Option<Compared>,
    /// Mean time impaired in minutes; absent without a clock.
    pub impaired_time: Option<Compared>,
}

/// A journey on both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct JourneyPair {
    /// Its name.
    pub name: String,
    /// Mean downtime in minutes.
    pub downtime: Compared,
    /// Mean time impaired in minutes.
    pub impaired_time: Compared,
    /// Whether its traffic is stated, on both sides if it is there. Otherwise its user-minutes cannot be compared, and are 0 here.
    pub is_traffic_known: bool,
    /// Mean user-minutes lost.
    pub user_minutes: Compared,
    /// Mean user-minutes of wrong answers.
    pub integrity_minutes: Compared,
}

/// Two simulations and what differs between them.
#[derive(Debug, Clone)]
pub struct Paired {
    /// As things are.
    pub before: Simulation,
    /// As they would be.
    pub after: Simulation,
    /// The integers behind both; absent where they are exact.
    pub samples: Option<(Sample, Sample)>,
    /// Share of the trials in which a service or journey fares differently; absent where the answers are exact, and where only times differ.
    pub differing: Option<Estimate>,
    /// Mean reach.
    pub reach: Compared,
    /// Mean user-minutes lost; absent without a clock, and where the sides do not know the traffic of the same journeys, or of none.
    pub user_minutes: Option<Compared>,
    /// The same as a ratio, after over before; absent where nothing is lost before.
    pub user_minutes_ratio: Option<Estimate>,
    /// Services that either side can impair, in the order of the first side; those of the second side alone follow.
    pub services: Vec<ServicePair>,
    /// Journeys, likewise; none without a clock.
    pub journeys: Vec<JourneyPair>,
    /// Names of the services of which each side keeps curves, in their order; none where nobody asked.
    pub pictured: [Vec<String>; 2],
}

impl Paired {
    /// Does nothing differ, in any trial and any number?
    pub fn is_without_effect(&self) -> bool {
        let is_same = |compared: &Compared| compared.is_same();
        let of_journey =
            |journey: &JourneyPair| [journey.downtime, journey.impaired_time, journey.user_minutes, journey.integrity_minutes];
        let of_service = |service: &ServicePair| {
            service.impaired.is_same() && service.downtime.iter().chain(&service.impaired_time).all(is_same)
        };
        self.differing.is_none_or(|share| share.mean == 0.0)
            && self.reach.is_same()
            && self.user_minutes.iter().all(is_same)
            && self.services.iter().all(of_service)
            && self.journeys.iter().flat_map(of_journey).all(|compared| compared.is_same())
    }
}

/// Simulates both sides on the same random numbers. `precision`, `rare`, `series`, `rows`, `watch` and `budgets` of the request are
/// not used.
///
/// # Errors
/// As [`super::simulate`], for either side.
pub fn paired(before: Side<'_>, after: Side<'_>, request: &Request<'_>) -> Result<Paired, Diagnostic> {
    let no_rows = |_: &Rows| {};
    let of = |side: Side<'_>| Request {
        trials: request.trials,
        seed: request.seed,
        static_reach: request.static_reach,
        exact: request.exact,
        solver: request.solver,
        at: request.at.clone(),
        threads: request.threads,
        watch: side.watch.to_vec(),
        budgets: side.budgets.to_vec(),
        machine: request.machine,
        events_only: request.events_only,
        confidence: request.confidence,
        curves: request.curves,
        progress: request.progress,
        rows: Some(&no_rows),
        marks: true,
        ..Request::default()
    };
    let (ask_before, ask_after) = (of(before), of(after));
    with_run(before.system, before.compact, before.scenario, &ask_before, |first| {
        with_run(after.system, after.compact, after.scenario, &ask_after, |second| match request.exact {
            true => exactly(first, second),
            false => Ok(in_threads(request.threads, || sampled(first, second))),
        })
    })
}

fn exactly(first: &Run<'_>, second: &Run<'_>) -> Result<Paired, Diagnostic> {
    let (before, after) = (exact::solve(first)?, exact::solve(second)?);
    let names = Names::new(first, second);
    let services = |of: fn(&ServiceResult) -> f64| {
        let side = |run: &Run<'_>, simulation: &Simulation| {
            let named = simulation.services.iter().map(|result| (run.system.service_name(result.service).to_owned(), of(result)));
            named.collect::<HashMap<String, f64>>()
        };
        let (a, b) = (side(first, &before), side(second, &after));
        move |name: &str| Compared::exactly(a.get(name).copied().unwrap_or(0.0), b.get(name).copied().unwrap_or(0.0))
    };
    let impaired = services(|result| result.impaired.mean);
    let downtime = services(|result| result.times().map_or(0.0, |times| times.downtime.mean.mean));
    let impaired_time = services(|result| result.times().map_or(0.0, |times| times.impaired_time.mean.mean));
    let timed = before.timed;
    let services = names.services.iter().map(|(name, ..)| ServicePair {
        name: name.clone(),
        impaired: impaired(name),
        downtime: timed.then(|| downtime(name)),
        impaired_time: timed.then(|| impaired_time(name)),
    });
    let services = services.collect();
    let journeys = names.journeys.iter().zip(&names.counted).filter(|_| timed).map(|((name, a, b), counted)| {
        let of = |pick: fn(&JourneyResult) -> f64| {
            let side = |simulation: &Simulation, at: Option<usize>| at.map_or(0.0, |at| pick(&simulation.journeys[at]));
            Compared::exactly(side(&before, *a), side(&after, *b))
        };
        JourneyPair {
            name: name.clone(),
            downtime: of(|journey| journey.downtime.mean.mean),
            impaired_time: of(|journey| journey.impaired_time.mean.mean),
            is_traffic_known: *counted,
            user_minutes: if *counted { of(|journey| journey.user_minutes.mean.mean) } else { Compared::UNKNOWN },
            integrity_minutes: if *counted { of(|journey| journey.integrity_minutes.mean.mean) } else { Compared::UNKNOWN },
        }
    });
    let journeys = journeys.collect();
    let user_minutes = before
        .user_minutes
        .zip(after.user_minutes)
        .filter(|_| names.counts_users)
        .map(|(a, b)| Compared::exactly(a.mean.mean, b.mean.mean));
    Ok(Paired {
        reach: Compared::exactly(before.reach.mean.mean, after.reach.mean.mean),
        user_minutes_ratio: user_minutes
            .filter(|lost| lost.before.mean > 0.0)
            .map(|lost| certain(lost.after.mean / lost.before.mean)),
        user_minutes,
        services,
        journeys,
        samples: None,
        differing: None,
        pictured: [pictured(first, &before), pictured(second, &after)],
        before,
        after,
    })
}

/// Runs both sides window by window and keeps the integers.
fn gathered(first: &Run<'_>, second: &Run<'_>, names: &Names) -> ((Sample, Sample), Pairs) {
    let mut pairs = Pairs { discordant: vec![Discordant::default(); names.services.len()], differing: 0 };
    let mut samples: Option<(Sample, Sample)> = None;
    let labels = first.plan.labels().len().max(second.plan.labels().len());
    for window in Span::whole(first.request.trials).windows((MOST_MARKS / labels.max(1)).max(NARROWEST)) {
        let (mut a, mut b) = (first.gather(&window), second.gather(&window));
        pairs.add(names, (&a, &b), &window);
        a.forget_trials();
        b.forget_trials();
        match &mut samples {
            Some((known_a, known_b)) => {
                known_a.merge(&a);
                known_b.merge(&b);
            }
            None => samples = Some((a, b)),
        }
    }
    (samples.unwrap_or_default(), pairs)
}

fn sampled(first: &Run<'_>, second: &Run<'_>) -> Paired {
    let names = Names::new(first, second);
    let (samples, pairs) = gathered(first, second, &names);
    let (trials, confidence) = (first.request.trials, first.request.confidence.unwrap_or(CONFIDENCE));
    let (a, b) = (&samples.0.tally, &samples.1.tally);
    let compared = |a: &BatchSums, b: &BatchSums, unit| Compared::of(a, b, (trials, confidence), unit);
    let timed = !first.request.static_reach;
    let services = names.services.iter().zip(&pairs.discordant).map(|((name, at_a, at_b), discordant)| {
        let of = |tally: &'_ Tally, at: Option<usize>| at.map(|at| tally.services[at].clone()).unwrap_or_default();
        let (a, b) = (of(a, *at_a), of(b, *at_b));
        let time = |service: &ServiceTally, sums: fn(&ServiceTimes) -> BatchSums| {
            service.times.as_deref().map_or_else(BatchSums::new, sums)
        };
        let times = |sums| timed.then(|| compared(&time(&a, sums), &time(&b, sums), minutes));
        ServicePair {
            name: name.clone(),
            impaired: Compared {
                before: proportion(a.impaired, trials, confidence),
                after: proportion(b.impaired, trials, confidence),
                difference: discordant.difference(trials, confidence),
            },
            downtime: times(ServiceTimes::downtime_sums),
            impaired_time: times(ServiceTimes::impaired_sums),
        }
    });
    let journeys = names.journeys.iter().zip(&names.counted).filter(|_| timed).map(|((name, at_a, at_b), counted)| {
        let of = |pick: fn(&JourneyTally) -> &BatchSums, unit| {
            let side =
                |tally: &'_ Tally, at: Option<usize>| at.map_or_else(BatchSums::new, |at| pick(&tally.journeys[at]).clone());
            compared(&side(a, *at_a), &side(b, *at_b), unit)
        };
        JourneyPair {
            name: name.clone(),
            downtime: of(|tally| &tally.downtime.sums, minutes),
            impaired_time: of(|tally| &tally.impaired_time.sums, minutes),
            is_traffic_known: *counted,
            user_minutes: if *counted { of(|tally| &tally.user_minutes.sums, thousandths) } else { Compared::UNKNOWN },
            integrity_minutes: if *counted { of(|tally| &tally.integrity_minutes.sums, thousandths) } else { Compared::UNKNOWN },
        }
    });
    let (services, journeys) = (services.collect(), journeys.collect());
    let (before, after) = (first.concluded(&samples.0, confidence), second.concluded(&samples.1, confidence));
    let counts_users = timed && names.counts_users;
    let mut paired = Paired {
        reach: compared(&a.reach_sums, &b.reach_sums, |reach| reach),
        user_minutes: counts_users.then(|| compared(&a.user_minutes.sums, &b.user_minutes.sums, thousandths)),
        user_minutes_ratio: Some(b.user_minutes.sums.ratio_to(&a.user_minutes.sums, trials, confidence))
            .filter(|ratio| counts_users && !ratio.interval.is_unknown()),
        differing: Some(proportion(pairs.differing, trials, confidence)),
        pictured: [pictured(first, &before), pictured(second, &after)],
        before,
        after,
        services,
        journeys,
        samples: Some(samples),
    };
    // Trials that differ are told by who is impaired and by what users lose: where only times differ, their share is not known.
    if pairs.differing == 0 && !paired.is_without_effect() {
        paired.differing = None;
    }
    paired
}

/// The services of which a simulation keeps curves.
fn pictured(run: &Run<'_>, simulation: &Simulation) -> Vec<String> {
    let curves = simulation.curves.iter().flat_map(|curves| &curves.services);
    curves.map(|service| run.system.service_name(service.service).to_owned()).collect()
}

/// A name, and its positions on both sides.
type Named = (String, Option<usize>, Option<usize>);

/// What is on both sides, by name.
struct Names {
    /// Services by position among the labels.
    services: Vec<Named>,
    /// Journeys by position in the file.
    journeys: Vec<Named>,
    /// By journey: is its traffic known on each side that has it?
    counted: Vec<bool>,
    /// Is what all users lose comparable?
    counts_users: bool,
}

impl Names {
    fn new(first: &Run<'_>, second: &Run<'_>) -> Self {
        let services = |run: &Run<'_>| -> Vec<String> {
            let mut ids: Vec<(ServiceId, usize)> =
                run.plan.labels().iter().enumerate().map(|(at, node)| (run.plan.services[*node as usize], at)).collect();
            ids.sort_unstable();
            let mut names = vec![String::new(); ids.len()];
            ids.iter().for_each(|(id, at)| names[*at] = run.system.service_name(*id).to_owned());
            names
        };
        let order = |run: &Run<'_>| -> Vec<usize> {
            let labels = run.plan.labels();
            let mut order: Vec<usize> = (0..labels.len()).collect();
            order.sort_by_key(|at| run.plan.services[labels[*at] as usize]);
            order
        };
        let journeys = |run: &Run<'_>| run.system.journeys().iter().map(|journey| journey.name.clone()).collect::<Vec<_>>();
        let (a, b) = (journeys(first), journeys(second));
        let in_file = |names: &[String]| (0..names.len()).collect::<Vec<_>>();
        let journeys = joined((&a, &in_file(&a)), (&b, &in_file(&b)));
        let known = |run: &Run<'_>, at: Option<usize>| at.map(|at| run.system.journeys()[at].is_traffic_known());
        let known: Vec<_> = journeys.iter().map(|(_, a, b)| (known(first, *a), known(second, *b))).collect();
        let is_one_sided = known.iter().any(|(a, b)| a.zip(*b).is_some_and(|(a, b)| a != b));
        Self {
            services: joined((&services(first), &order(first)), (&services(second), &order(second))),
            journeys,
            counted: known.iter().map(|(a, b)| a.unwrap_or(true) && b.unwrap_or(true)).collect(),
            counts_users: first.system.counts_users() && second.system.counts_users() && !is_one_sided,
        }
    }
}

/// Names of the first side in their order, then those of the second side alone.
fn joined((a, order_a): (&[String], &[usize]), (b, order_b): (&[String], &[usize])) -> Vec<Named> {
    let mut other: HashMap<&str, usize> = order_b.iter().map(|at| (b[*at].as_str(), *at)).collect();
    let mut all: Vec<Named> = Vec::with_capacity(a.len().max(b.len()));
    for at in order_a {
        all.push((a[*at].clone(), Some(*at), other.remove(a[*at].as_str())));
    }
    let alone = order_b.iter().filter(|at| other.contains_key(b[**at].as_str()));
    all.extend(alone.map(|at| (b[*at].clone(), None, Some(*at))));
    all
}

/// What trials of both sides differ in.
struct Pairs {
    discordant: Vec<Discordant>,
    differing: u64,
}

impl Pairs {
    fn add(&mut self, names: &Names, (a, b): (&Sample, &Sample), window: &Span) {
        let (width_a, width_b) = (a.tally.services.len(), b.tally.services.len());
        for (batch, number) in window.batches.clone().enumerate() {
            let mut any = differing_rows(&a.rows, &b.rows, batch, (names, window.total - number * BATCH));
            for ((_, at_a, at_b), discordant) in names.services.iter().zip(&mut self.discordant) {
                let mask =
                    |marks: &[Mask], width: usize, at: Option<usize>| at.map_or(Mask::NONE, |at| marks[batch * width + at]);
                let (before, after) = (mask(&a.marks, width_a, *at_a), mask(&b.marks, width_b, *at_b));
                let (gained, lost) = (after.without(before), before.without(after));
                discordant.merge(Discordant { gained: ones(&gained), lost: ones(&lost) });
                any = any.or(gained).or(lost);
            }
            self.differing += ones(&any);
        }
    }
}

fn ones(mask: &Mask) -> u64 {
    mask.iter().map(|word| u64::from(word.count_ones())).sum()
}

/// Trials of a batch whose losses differ.
fn differing_rows(a: &Rows, b: &Rows, batch: usize, (names, left): (&Names, u64)) -> Mask {
    let mut differing = Mask::NONE;
    let journeys = |rows: &Rows| if rows.reach.is_empty() { 0 } else { rows.milli_user_minutes.len() / rows.reach.len() };
    let (width_a, width_b) = (journeys(a), journeys(b));
    if width_a + width_b == 0 {
        return differing;
    }
    for lane in 0..left.min(BATCH) {
        let trial = batch * BATCH as usize + lane as usize;
        let lost = |rows: &Rows, width: usize, at: Option<usize>| {
            at.and_then(|at| rows.milli_user_minutes.get(trial * width + at)).copied().unwrap_or(0)
        };
        let mut counted = names.journeys.iter().zip(&names.counted).filter(|(_, counted)| **counted);
        if counted.any(|((_, at_a, at_b), _)| lost(a, width_a, *at_a) != lost(b, width_b, *at_b)) {
            differing[(lane / 64) as usize] |= 1 << (lane % 64);
        }
    }
    differing
}

#[cfg(test)]
#[path = "paired_tests.rs"]
mod tests;
