//! Running a simulation: blocks of trials in parallel, one tally, numbers with intervals.
//!
//! What must hold: the answer depends on system, scenario, seed and number of trials only. Trials are numbered; threads take
//! ranges of them; tallies are integers.

use super::count::{count_batch, count_trial, lists_of};
use super::exact;
use super::lane::slots;
use super::live::{LiveMasks, SampledTrial};
use super::plan::Plan;
use super::reach::{Batch, Reached, run_batch};
use super::result::{JourneyResult, Method, Reach, ServiceResult, ServiceTimesResult, Simulation, Solver, Summary, Watched};
use super::starved::{Downstream, Starving};
use super::tally::{Measure, Tally};
use super::timeline::{Timeline, Trial};
use crate::diagnostic::Diagnostic;
use crate::fault::Scenario;
use crate::lanes::{BATCH, Machine};
use crate::model::traffic::Traffic;
use crate::model::{Compact, System};
use crate::random::Seed;
use crate::statistics::{Estimate, Interval, clopper_pearson, order_statistic_ranks};
use crate::units::{ServiceId, Ticks};
use rayon::prelude::*;
use std::collections::HashMap;

/// Confidence of all intervals.
const CONFIDENCE: f64 = 0.95;

/// What to simulate and how.
#[derive(Default)]
pub struct Request<'a> {
    /// Number of trials. With `exact` it is not used.
    pub trials: u64,
    /// The seed.
    pub seed: Seed,
    /// Without a clock: who is ever reached.
    pub static_reach: bool,
    /// Solve exactly instead of sampling.
    pub exact: bool,
    /// The exact solver; `None` for the first that takes the problem. With a clock there is only enumeration.
    pub solver: Option<Solver>,
    /// When the simulation starts, for the traffic profile.
    pub at: Option<jiff::Zoned>,
    /// Threads; `None` for one per core.
    pub threads: Option<usize>,
    /// Count who is starved, too.
    pub starved: bool,
    /// Services whose part in the worst trials is asked.
    pub watch: Vec<ServiceId>,
    /// Budget of each journey in user-minutes, for the breach probability; empty when not asked.
    pub budgets: Vec<Option<f64>>,
    /// The kind of machine to use; `None` for the fastest. Results do not depend on it.
    pub machine: Option<Machine>,
    /// Takes every trial event by event, also where a shortcut applies. Results do not depend on it.
    pub events_only: bool,
    /// Called with numbers of finished trials.
    pub progress: Option<&'a (dyn Fn(u64) + Sync)>,
}

/// Simulates a scenario.
///
/// # Errors
/// With [`Request::exact`]: when the problem is too large or something is random that cannot be enumerated. Also when a journey
/// names an unknown time zone.
pub fn simulate(
    system: &System,
    compact: &Compact,
    scenario: &Scenario,
    request: &Request<'_>,
) -> Result<Simulation, Diagnostic> {
    if let (true, Some(fault)) = (request.static_reach, scenario.needs_clock()) {
        return Err(Diagnostic::error("needs-clock", format!("`{fault}` needs a clock: load changes with time"))
            .help("leave out --static"));
    }
    let bare;
    let scenario = if request.static_reach {
        bare = scenario.without_load();
        &bare
    } else {
        scenario
    };
    let plan = Plan::new(system, compact, scenario, request.seed, false);
    let traffic = traffic(system, scenario, request)?;
    let run = Run { system, compact, scenario, request, plan: &plan, traffic };
    if request.exact {
        return exact::solve(&run);
    }
    let work = || if request.static_reach { run.reach() } else { run.timeline() };
    match request.threads {
        None => Ok(work()),
        Some(threads) => match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
            Ok(pool) => Ok(pool.install(work)),
            Err(_) => Ok(work()),
        },
    }
}

fn traffic(system: &System, scenario: &Scenario, request: &Request<'_>) -> Result<Vec<Traffic>, Diagnostic> {
    system
        .journeys()
        .iter()
        .map(|journey| {
            Traffic::new(&journey.facts, request.at.as_ref(), scenario.horizon)
                .map_err(|message| Diagnostic::error("time-zone", format!("journey `{}`: {message}", journey.name)))
        })
        .collect()
}

/// A simulation at work.
pub(crate) struct Run<'a> {
    pub(crate) system: &'a System,
    pub(crate) compact: &'a Compact,
    pub(crate) scenario: &'a Scenario,
    pub(crate) request: &'a Request<'a>,
    pub(crate) plan: &'a Plan,
    pub(crate) traffic: Vec<Traffic>,
}

/// What a trial with losses is remembered by, when services are watched.
#[derive(Debug, Clone)]
struct Loss {
    milli_user_minutes: u64,
    trial: u64,
    impaired: Vec<bool>,
}

#[derive(Debug, Default)]
struct Part {
    tally: Tally,
    losses: Vec<Loss>,
    breaches: u64,
}

impl Part {
    fn merge(mut self, other: Self) -> Self {
        if self.tally.services.is_empty() && self.tally.trials == 0 {
            return other;
        }
        self.tally.merge(&other.tally);
        self.losses.extend(other.losses);
        self.breaches += other.breaches;
        self
    }
}

impl Run<'_> {
    /// Label nodes of the plan, and for every node its position among them (`u32::MAX` for others).
    pub(crate) fn labels(&self) -> (Vec<u32>, Vec<u32>) {
        let labels = self.plan.labels();
        let mut position = vec![u32::MAX; self.plan.len()];
        labels.iter().enumerate().for_each(|(at, node)| position[*node as usize] = at as u32);
        (labels, position)
    }

    fn machine(&self) -> Machine {
        self.request.machine.unwrap_or_else(Machine::widest)
    }

    /// Services that silent faults name are not in the plan and stay healthy.
    fn reach(&self) -> Simulation {
        let labels = self.plan.labels();
        let below = self.below(&labels);
        let pessimistic = self.sample_reach(self.plan, below.as_ref());
        // Without delays both bounds are the same question.
        let optimistic = self.plan.has_delays().then(|| {
            let plan = Plan::new(self.system, self.compact, self.scenario, self.request.seed, true);
            reach_result(&self.sample_reach(&plan, None).tally)
        });
        let mut simulation = self.simulation(&pessimistic, &labels, false);
        simulation.starved = below.as_ref().map(|below| starved(below, &pessimistic.tally));
        let pessimistic = simulation.reach.clone();
        simulation.reach_bounds = Some((optimistic.unwrap_or_else(|| pessimistic.clone()), pessimistic));
        simulation
    }

    /// What can be starved, where that is asked.
    pub(super) fn below(&self, labels: &[u32]) -> Option<Downstream> {
        self.request.starved.then(|| Downstream::new(self.system, self.compact, self.plan, labels))
    }

    fn sample_reach(&self, plan: &Plan, below: Option<&Downstream>) -> Part {
        let labels = plan.labels();
        self.parallel(
            || (Reached::default(), Starving::default()),
            |(reached, starving), part, batch| {
                run_batch(reached, self.machine(), plan, self.scenario, self.request.seed, batch);
                count_batch(reached, self.machine(), &labels, &mut part.tally, self.request.trials, batch);
                if let Some(below) = below {
                    starving.set_reached(below, reached, &labels);
                    starving.settle(below);
                    starving.count(below, &mut part.tally.starved);
                }
            },
            labels.len(),
        )
    }

    /// Splits the batches over threads; every thread keeps one state and one tally per range of batches.
    fn parallel<S>(
        &self,
        state: impl Fn() -> S + Sync + Send,
        work: impl Fn(&mut S, &mut Part, Batch) + Sync,
        services: usize,
    ) -> Part {
        let trials = self.request.trials;
        let batches = trials.div_ceil(BATCH);
        let ranges = (rayon::current_num_threads() as u64 * 8).min(batches).max(1);
        (0..ranges)
            .into_par_iter()
            .map_init(state, |state, range| {
                let journeys = self.system.journeys().len();
                let mut part = Part { tally: Tally::new(services, journeys), ..Part::default() };
                for batch in batches * range / ranges..batches * (range + 1) / ranges {
                    let lanes = (trials - batch * BATCH).min(BATCH);
                    work(state, &mut part, Batch { number: batch, lanes });
                    part.tally.trials += lanes;
                    if let Some(progress) = self.request.progress {
                        progress(lanes);
                    }
                }
                part.tally.settle();
                part
            })
            .reduce(Part::default, Part::merge)
    }

    fn timeline(&self) -> Simulation {
        let (labels, position) = self.labels();
        let mut line = Timeline::new(self.system, self.compact, self.plan, self.scenario, self.traffic.clone());
        if self.request.events_only {
            line = line.by_events();
        }
        let watched: Vec<Option<u32>> =
            self.request.watch.iter().map(|id| self.plan.local(self.compact.whole_node(*id)).map(|node| node as u32)).collect();
        let budgets: Vec<Option<u64>> =
            self.request.budgets.iter().map(|budget| budget.map(|minutes| (minutes * 1_000.0).round() as u64)).collect();
        let below = self.below(&labels);
        let part = self.parallel(
            || {
                (
                    Reached::default(),
                    Trial::default(),
                    vec![Vec::new(); BATCH as usize],
                    LiveMasks::default(),
                    Starving::default(),
                )
            },
            |(reached, trial, lists, live, starving), part, batch| {
                below.iter().for_each(|below| starving.begin(below));
                run_batch(reached, self.machine(), self.plan, self.scenario, self.request.seed, batch);
                lists_of(reached, self.plan, lists);
                live.start(batch.number, slots(self.plan));
                for lane in 0..batch.lanes {
                    let number = batch.number * BATCH + lane;
                    let mut draws = SampledTrial::new(self.request.seed, number, live);
                    trial.hits.draw(self.scenario, &mut draws.drawn);
                    trial.run(&line, &lists[lane as usize], &mut draws);
                    count_trial(trial, &line, &position, &mut part.tally, number, self.request.trials);
                    self.remember(trial, &line, &watched, &budgets, part, number);
                    if below.is_some() {
                        starving.set_trial(trial.services(&line), &position, lane);
                    }
                }
                if let Some(below) = &below {
                    starving.settle(below);
                    starving.count(below, &mut part.tally.starved);
                }
            },
            labels.len(),
        );
        let mut simulation = self.simulation(&part, &labels, true);
        simulation.starved = below.as_ref().map(|below| starved(below, &part.tally));
        simulation.watched = self.watched(part);
        simulation
    }

    fn remember(
        &self,
        trial: &Trial<'_>,
        line: &Timeline<'_>,
        watched: &[Option<u32>],
        budgets: &[Option<u64>],
        part: &mut Part,
        number: u64,
    ) {
        let journeys = trial.journeys();
        if journeys
            .iter()
            .zip(budgets)
            .any(|(journey, budget)| budget.is_some_and(|budget| journey.milli_budget_minutes() > budget))
        {
            part.breaches += 1;
        }
        if watched.is_empty() {
            return;
        }
        let milli_user_minutes = journeys.iter().map(|journey| journey.milli_budget_minutes()).sum();
        let mut impaired = vec![false; watched.len()];
        for (node, outcome) in trial.services(line).filter(|(_, outcome)| outcome.onset.is_some()) {
            if let Some(at) = watched.iter().position(|known| *known == Some(node)) {
                impaired[at] |= outcome.onset.is_some();
            }
        }
        if impaired.contains(&true) || milli_user_minutes > 0 {
            part.losses.push(Loss { milli_user_minutes, trial: number, impaired });
        }
    }

    /// Shares of the worst 5 % of the trials; ties go to the earlier trial.
    fn watched(&self, part: Part) -> Watched {
        let trials = self.request.trials;
        let mut losses = part.losses;
        losses.sort_by_key(|loss| (std::cmp::Reverse(loss.milli_user_minutes), loss.trial));
        let worst = (trials as f64 * 0.05).ceil().max(1.0) as usize;
        let worst_losses = &losses[..losses.len().min(worst)];
        let share = |at: usize| worst_losses.iter().filter(|loss| loss.impaired[at]).count() as f64 / worst as f64;
        Watched {
            impaired_in_worst: self.request.watch.iter().enumerate().map(|(at, id)| (*id, share(at))).collect(),
            breach: (!self.request.budgets.is_empty()).then(|| proportion(part.breaches, trials)),
        }
    }

    fn simulation(&self, part: &Part, labels: &[u32], timed: bool) -> Simulation {
        let (tally, trials) = (&part.tally, part.tally.trials);
        let mut known: HashMap<u64, Estimate> = HashMap::new();
        let mut share = |count: u64| *known.entry(count).or_insert_with(|| proportion(count, trials));
        let mut services: Vec<ServiceResult> = labels
            .iter()
            .zip(&tally.services)
            .map(|(node, service)| ServiceResult {
                service: self.plan.services[*node as usize],
                impaired: share(service.impaired),
                down: share(service.down),
                corrupt: share(service.corrupt),
                times: timed.then(|| service_times(service, trials)),
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
            reach: reach_result(tally),
            reach_bounds: None,
            services,
            starved: None,
            journeys: journeys
                .map(|(journey, tally)| JourneyResult {
                    name: journey.name.clone(),
                    downtime: summary(&tally.downtime, trials, minutes),
                    impaired_time: summary(&tally.impaired_time, trials, minutes),
                    user_minutes: summary(&tally.user_minutes, trials, thousandths),
                    integrity_minutes: summary(&tally.integrity_minutes, trials, thousandths),
                    budget_share: budget(&journey.facts)
                        .map(|budget| summary(&tally.user_minutes, trials, |milli| thousandths(milli) / budget)),
                })
                .collect(),
            user_minutes: timed.then(|| summary(&tally.user_minutes, trials, thousandths)),
            censored: if trials == 0 { 0.0 } else { tally.censored as f64 / trials as f64 },
            horizon_minutes: timed.then(|| self.scenario.horizon.minutes()),
            watched: Watched::default(),
        }
    }
}

/// User-minutes that a journey may lose in its window: users per minute × window × (1 − objective) (semantics 20).
pub fn budget(journey: &crate::model::facts::Journey) -> Option<f64> {
    let users = journey.users_per_minute.filter(|users| *users > 0.0)?;
    let window = journey.window.unwrap_or(Ticks::from_days(30));
    Some(users * window.minutes() * (1.0 - journey.slo? / 100.0))
}

fn proportion(count: u64, trials: u64) -> Estimate {
    let mean = if trials == 0 { 0.0 } else { count as f64 / trials as f64 };
    Estimate { mean, interval: clopper_pearson(count, trials, CONFIDENCE) }
}

pub(crate) fn minutes(ticks: f64) -> f64 {
    ticks / Ticks::PER_MINUTE as f64
}

pub(crate) fn thousandths(value: f64) -> f64 {
    value / 1_000.0
}

fn summary(measure: &Measure, trials: u64, unit: impl Fn(f64) -> f64) -> Summary {
    let mean = measure.sums.estimate(trials, CONFIDENCE);
    let quantile = |q: f64| unit(measure.histogram.quantile(q, trials) as f64);
    let interval = |q: f64| {
        let (low, high) = order_statistic_ranks(trials, q, CONFIDENCE);
        Interval {
            low: unit(measure.histogram.quantile_rank(low, trials) as f64),
            high: unit(measure.histogram.quantile_rank(high.min(trials), trials) as f64),
        }
    };
    Summary {
        mean: Estimate {
            mean: unit(mean.mean),
            interval: if mean.interval.is_unknown() {
                mean.interval
            } else {
                Interval { low: unit(mean.interval.low), high: unit(mean.interval.high) }
            },
        },
        standard_deviation: unit(standard_deviation(measure, trials)),
        p50: quantile(0.50),
        p90: quantile(0.90),
        p95: quantile(0.95),
        p99: quantile(0.99),
        es95: unit(measure.histogram.mean_of_worst(0.05, trials)),
        intervals: (interval(0.50), interval(0.95)),
    }
}

/// Standard deviation over all trials, those without a record at 0; relative error below 1e-6, that of taking each bucket of the
/// histogram as its mean.
fn standard_deviation(measure: &Measure, trials: u64) -> f64 {
    let n = trials.max(1) as f64;
    let mean = measure.sums.total() as f64 / n;
    let buckets = measure.histogram.buckets().map(|bucket| {
        let count = bucket.count as f64;
        count * (bucket.sum as f64 / count - mean).powi(2)
    });
    let at_zero = trials.saturating_sub(measure.histogram.total()) as f64 * mean * mean;
    ((buckets.sum::<f64>() + at_zero) / n).sqrt()
}

fn service_times(service: &super::tally::ServiceTally, trials: u64) -> ServiceTimesResult {
    let none = super::tally::ServiceTimes::default();
    let times = service.times.as_deref().unwrap_or(&none);
    ServiceTimesResult {
        downtime: summary(&times.downtime, trials, minutes),
        impaired_time: summary(&times.impaired_time, trials, minutes),
        onset_p50: (service.impaired > 0).then(|| minutes(times.onset.quantile(0.5, service.impaired) as f64)),
    }
}

/// Services that were starved in any trial, in file order.
fn starved(below: &Downstream, tally: &Tally) -> Vec<(ServiceId, Estimate)> {
    below.in_file_order(&tally.starved, |count| *count > 0, |count| proportion(*count, tally.trials))
}

fn reach_result(tally: &Tally) -> Reach {
    let trials = tally.trials.max(1) as f64;
    Reach {
        mean: tally.reach_sums.estimate(tally.trials, CONFIDENCE),
        p50: tally.reach.quantile(0.5),
        p90: tally.reach.quantile(0.9),
        p99: tally.reach.quantile(0.99),
        standard_deviation: tally.reach.variance().sqrt(),
        distribution: tally.reach.iter().map(|(value, count)| (value, count as f64 / trials)).collect(),
    }
}
