//! Running a simulation: blocks of trials in parallel, one tally, numbers with intervals.
//!
//! What must hold: the answer depends on system, scenario, seed and number of trials only. Trials are numbered; threads take
//! ranges of them; tallies are integers.

use super::count::{count_batch, count_trial, lists_of};
use super::exact;
use super::lane::slots;
use super::live::{LiveMasks, SampledTrial};
use super::plan::{self, Plan};
use super::reach::{Batch, Reached, run_batch};
use super::result::{Simulation, Solver};
use super::sampling::{self, Part, Rows, Sample, Span};
use super::starved::{Downstream, Starving};
use super::tally::Tally;
use super::timeline::{Timeline, Trial};
use crate::diagnostic::Diagnostic;
use crate::fault::Scenario;
use crate::lanes::{BATCH, Machine};
use crate::model::traffic::Traffic;
use crate::model::{Compact, System};
use crate::random::Seed;
use crate::units::ServiceId;
use rayon::prelude::*;

pub use super::conclude::budget;
pub(crate) use super::conclude::{minutes, thousandths};

/// From this number of services on, a thread has one tally at a time.
const LARGE: usize = 1 << 16;

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
    /// Stop at the first look at which the relative half-widths of mean reach and of mean user-minutes are below this; `trials`
    /// is then the most. With `confidence`, too, there is this one look.
    pub precision: Option<f64>,
    /// Confidence of the intervals; 95 % where nothing is said, or that of the look at which a run with `precision` stops.
    pub confidence: Option<f64>,
    /// Called with numbers of finished trials.
    pub progress: Option<&'a (dyn Fn(u64) + Sync)>,
    /// Called with every trial's outcome, in the order of the trials.
    pub rows: Option<&'a (dyn Fn(&Rows) + Sync)>,
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
    with_run(system, compact, scenario, request, |run| match request.exact {
        true => exact::solve(run),
        false => Ok(in_threads(request.threads, || sampling::simulated(run))),
    })
}

/// [`simulate`] as the last question to a graph. Where nothing but the plan is needed of it, as without a clock on an edge list,
/// the graph is given back as soon as the plan exists: `system` is then left with its services alone.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_last(
    system: &mut System,
    mut compact: Compact,
    scenario: &Scenario,
    request: &Request<'_>,
) -> Result<Simulation, Diagnostic> {
    if !system.is_edge_list() || !request.static_reach || request.exact || request.starved {
        return simulate(system, &compact, scenario, request);
    }
    refuse_clock(scenario, request)?;
    let scenario = &scenario.without_load();
    let reached = plan::reached(&compact, scenario);
    compact.forget_consumers();
    system.forget_ends();
    let plan = Plan::within(&reached, (system, &compact), scenario, request.seed, false);
    system.forget_dependencies();
    let compact = &compact.without_arcs();
    let traffic = traffic(system, scenario, request)?;
    let run = Run { system, compact, scenario, request, plan: &plan, traffic };
    Ok(in_threads(request.threads, || sampling::simulated(&run)))
}

/// Prepares a request, and asks something of what is prepared.
pub(super) fn with_run<T>(
    system: &System,
    compact: &Compact,
    scenario: &Scenario,
    request: &Request<'_>,
    ask: impl FnOnce(&Run<'_>) -> Result<T, Diagnostic>,
) -> Result<T, Diagnostic> {
    refuse_clock(scenario, request)?;
    let bare;
    let scenario = if request.static_reach {
        bare = scenario.without_load();
        &bare
    } else {
        scenario
    };
    let plan = Plan::new(system, compact, scenario, request.seed, false);
    let traffic = traffic(system, scenario, request)?;
    ask(&Run { system, compact, scenario, request, plan: &plan, traffic })
}

fn refuse_clock(scenario: &Scenario, request: &Request<'_>) -> Result<(), Diagnostic> {
    match scenario.needs_clock().filter(|_| request.static_reach) {
        None => Ok(()),
        Some(fault) => Err(Diagnostic::error("needs-clock", format!("`{fault}` needs a clock: load changes with time"))
            .help("leave out --static")),
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

/// Works on as many threads as were asked for.
pub(super) fn in_threads<T: Send>(threads: Option<usize>, work: impl FnOnce() -> T + Send) -> T {
    match threads.map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build()) {
        Some(Ok(pool)) => pool.install(work),
        // Without threads of its own, the work is done by those that all share.
        Some(Err(_)) | None => work(),
    }
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

    /// Runs the trials of a span.
    pub(super) fn gather(&self, span: &Span) -> Sample {
        if !self.request.static_reach {
            return Sample::new(span, self.timeline(span), None);
        }
        // Services that silent faults name are not in the plan and stay healthy.
        let labels = self.plan.labels();
        let part = self.sample_reach(self.plan, self.below(&labels).as_ref(), span);
        // Without delays both bounds are the same question.
        let optimistic = self.plan.has_delays().then(|| {
            let plan = Plan::new(self.system, self.compact, self.scenario, self.request.seed, true);
            self.sample_reach(&plan, None, span).tally
        });
        Sample::new(span, part, optimistic)
    }

    /// What can be starved, where that is asked.
    pub(super) fn below(&self, labels: &[u32]) -> Option<Downstream> {
        self.request.starved.then(|| Downstream::new(self.system, self.compact, self.plan, labels))
    }

    fn sample_reach(&self, plan: &Plan, below: Option<&Downstream>, span: &Span) -> Part {
        let labels = plan.labels();
        self.parallel(
            || (Reached::default(), Starving::default()),
            |(reached, starving), part, batch| {
                run_batch(reached, self.machine(), plan, self.scenario, self.request.seed, batch);
                count_batch(reached, self.machine(), &labels, &mut part.tally, span.total, batch);
                if let Some(below) = below {
                    starving.set_reached(below, reached, &labels);
                    starving.settle(below);
                    starving.count(below, &mut part.tally.starved);
                }
            },
            (span, labels.len(), below.map_or(0, Downstream::len)),
        )
    }

    /// Splits the batches over threads; every thread keeps one state and one tally per range of batches.
    fn parallel<S>(
        &self,
        state: impl Fn() -> S + Sync + Send,
        work: impl Fn(&mut S, &mut Part, Batch) + Sync,
        (span, services, starved): (&Span, usize, usize),
    ) -> Part {
        let (first, batches) = (span.batches.start, span.batches.end - span.batches.start);
        // Ranges even out what threads do; on a large graph the tally of each is large too.
        let per_thread = if services > LARGE { 1 } else { 4 };
        let ranges = (rayon::current_num_threads() as u64 * per_thread).min(batches).max(1);
        (0..ranges)
            .into_par_iter()
            .map_init(state, |state, range| {
                let mut tally = Tally::new(services, self.system.journeys().len());
                tally.starved.resize(starved, 0);
                tally.reaches = self.request.rows.is_some().then(Vec::new);
                let mut part = Part { tally, ..Part::default() };
                for batch in first + batches * range / ranges..first + batches * (range + 1) / ranges {
                    let lanes = (span.total - batch * BATCH).min(BATCH);
                    work(state, &mut part, Batch { number: batch, lanes });
                    part.tally.trials += lanes;
                    if let Some(progress) = self.request.progress {
                        progress(lanes);
                    }
                }
                part
            })
            .reduce(Part::default, Part::merge)
    }

    fn timeline(&self, span: &Span) -> Part {
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
        self.parallel(
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
                    count_trial(trial, &line, &position, &mut part.tally, number, span.total);
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
            (span, labels.len(), below.as_ref().map_or(0, Downstream::len)),
        )
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
        if self.request.rows.is_some() {
            part.rows.censored.push(trial.is_censored());
            part.rows.milli_user_minutes.extend(journeys.iter().map(|journey| journey.milli_user_minutes()));
        }
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
            part.losses.push(sampling::Loss { milli_user_minutes, trial: number, impaired });
        }
    }
}
