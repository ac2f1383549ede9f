//! Running a simulation: blocks of trials in parallel, one tally, numbers with intervals.
//!
//! What must hold: the answer depends on system, scenario, seed and number of trials only. Trials are numbered; threads take
//! ranges of them; tallies are integers.

use super::count::{count_batch, mark_batch};
use super::curves::MOST_FOLLOWED;
use super::exact;
use super::first_crossing::FirstCrossing;
use super::plan::{self, Plan};
use super::reach::{Batch, Reached, run_batch};
use super::result::{Simulation, Solver};
use super::sampling::{self, Part, Rows, Sample, Span};
use super::series::SeriesTally;
use super::starved::{Downstream, Starving};
use super::tally::Tally;
use super::threads::in_threads;
use crate::diagnostic::Diagnostic;
use crate::fault::Scenario;
use crate::lanes::{BATCH, Machine};
use crate::model::traffic::Traffic;
use crate::model::{Compact, System};
use crate::random::Seed;
use crate::units::ServiceId;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

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
    /// Without a clock, where the faults rarely get beyond what they hit: run only trials in which they do, and weigh them. `rows`
    /// are those of ordinary trials, which are then run besides.
    pub rare: bool,
    /// Follow every service over time, where there is a clock.
    pub series: bool,
    /// Keep what pictures need: distributions, and the worst-hit services over time.
    pub curves: bool,
    /// Keep who is impaired in which trial, for the comparison of two runs.
    pub marks: bool,
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

impl Request<'_> {
    /// The kind of machine to work on.
    pub(super) fn machine(&self) -> Machine {
        self.machine.unwrap_or_else(Machine::widest)
    }

    /// Are so many services followed over time? For pictures only while they are few: each takes a row of minutes.
    pub(super) fn follows_series(&self, services: usize) -> bool {
        !self.static_reach && (self.series || (self.curves && services <= MOST_FOLLOWED))
    }
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
    refuse(scenario, request)?;
    let scenario = &scenario.without_load();
    let reached = plan::reached(&compact, scenario);
    compact.forget_consumers();
    system.forget_ends();
    let plan = Plan::within(&reached, (system, &compact), scenario, request.seed, false);
    system.forget_dependencies();
    let compact = &compact.without_arcs();
    let run = Run::new((system, compact), scenario, request, &plan)?;
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
    refuse(scenario, request)?;
    let bare;
    let scenario = if request.static_reach {
        bare = scenario.without_load();
        &bare
    } else {
        scenario
    };
    let plan = Plan::new(system, compact, scenario, request.seed, false);
    ask(&Run::new((system, compact), scenario, request, &plan)?)
}

/// Refuses what says nothing: load without a clock, and faults that begin when the simulation is over.
fn refuse(scenario: &Scenario, request: &Request<'_>) -> Result<(), Diagnostic> {
    if request.static_reach {
        return match scenario.needs_clock() {
            None => Ok(()),
            Some(fault) => Err(Diagnostic::error("needs-clock", format!("`{fault}` needs a clock: load changes with time"))
                .help("leave out --static")),
        };
    }
    let Some(late) = scenario.incidents.iter().find(|incident| incident.at >= scenario.horizon) else { return Ok(()) };
    let (fault, at, horizon) = (&late.label, late.at, scenario.horizon);
    let what = format!("`{fault}` begins {at} after the start, when the simulation of {horizon} is over");
    Err(Diagnostic::error("begins-too-late", what).help("state an earlier `at`, or a longer `--horizon`"))
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

/// Splits batches into ranges, each of which fills a tally of its own about so many entities. Ranges even out what threads do, but one
/// thread has nobody to balance with, and on a large graph each tally is large.
pub(super) fn ranges(batches: &Range<u64>, entities: usize) -> Vec<Range<u64>> {
    let (first, batches) = (batches.start, batches.end - batches.start);
    let threads = rayon::current_num_threads() as u64;
    let per_thread = if threads == 1 || entities > LARGE { 1 } else { 4 };
    let ranges = (threads * per_thread).min(batches).max(1);
    let cut = |range: u64| first + batches * range / ranges;
    (0..ranges).map(|range| cut(range)..cut(range + 1)).collect()
}

/// What a thread adds its trials to.
pub(super) enum Target<'a> {
    /// A part of its own.
    Own(&'a mut Part),
    /// One of all threads.
    Shared(&'a Mutex<Part>),
}

impl Target<'_> {
    /// Adds something. Short, because other threads may wait.
    pub(super) fn with(&mut self, add: impl FnOnce(&mut Part)) {
        match self {
            Self::Own(part) => add(part),
            // A thread that panics ends the run; what it left is not used.
            Self::Shared(part) => add(&mut part.lock().unwrap_or_else(PoisonError::into_inner)),
        }
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
    /// The plan with all delayed arcs cut. Without delays, and with a clock, nobody asks for it.
    optimistic: Option<Plan>,
    /// How trials are sampled where the failure rarely leaves its source.
    pub(super) first_crossing: Option<FirstCrossing>,
}

impl<'a> Run<'a> {
    fn new(
        (system, compact): (&'a System, &'a Compact),
        scenario: &'a Scenario,
        request: &'a Request<'a>,
        plan: &'a Plan,
    ) -> Result<Self, Diagnostic> {
        let traffic = traffic(system, scenario, request)?;
        let has_bounds = request.static_reach && plan.has_delays();
        let optimistic = has_bounds.then(|| Plan::new(system, compact, scenario, request.seed, true));
        let run = Self { system, compact, scenario, request, plan, traffic, optimistic, first_crossing: None };
        let first_crossing = run.if_it_leaves();
        Ok(Self { first_crossing, ..run })
    }

    /// Label nodes of the plan, and for every node its position among them (`u32::MAX` for others).
    pub(crate) fn labels(&self) -> (Vec<u32>, Vec<u32>) {
        let labels = self.plan.labels();
        let mut position = vec![u32::MAX; self.plan.len()];
        labels.iter().enumerate().for_each(|(at, node)| position[*node as usize] = at as u32);
        (labels, position)
    }

    pub(super) fn machine(&self) -> Machine {
        self.request.machine()
    }

    /// Whether only trials are run in which the failure leaves its source.
    fn if_it_leaves(&self) -> Option<FirstCrossing> {
        let Request { rare, static_reach, exact, .. } = self.request;
        if !rare || !static_reach || *exact {
            return None;
        }
        FirstCrossing::new(
            (self.plan, self.optimistic.as_ref()),
            self.scenario,
            self.below(&self.plan.labels()).as_ref(),
            self.request,
        )
    }

    /// Runs the trials of a span.
    pub(super) fn gather(&self, span: &Span) -> Sample {
        if !self.request.static_reach {
            return Sample::new(span, self.timeline(span), None);
        }
        // Services that silent faults name are not in the plan and stay healthy.
        let labels = self.plan.labels();
        let first = self.first_crossing.as_ref();
        let mut part = self.sample_reach((self.plan, first), self.below(&labels).as_ref(), span);
        if first.is_some() && self.request.rows.is_some() {
            part.tally.reaches = self.sample_reach((self.plan, None), None, span).tally.reaches;
        }
        let optimistic = self.optimistic.as_ref().map(|plan| self.sample_reach((plan, first), None, span).tally);
        Sample::new(span, part, optimistic)
    }

    /// What can be starved, where that is asked.
    pub(super) fn below(&self, labels: &[u32]) -> Option<Downstream> {
        self.request.starved.then(|| Downstream::new(self.system, self.compact, self.plan, labels))
    }

    fn sample_reach(&self, (plan, first): (&Plan, Option<&FirstCrossing>), below: Option<&Downstream>, span: &Span) -> Part {
        let labels = plan.labels();
        let first = first.map(|first| (first, first.index(plan)));
        self.parallel(
            || (Reached::default(), Starving::default(), Vec::new()),
            |(reached, starving, masks), target, batch| {
                let (machine, seed) = (self.machine(), self.request.seed);
                match &first {
                    Some((first, index)) => {
                        first.run_batch((reached, masks), (plan, index), self.scenario, (machine, seed, batch));
                    }
                    None => run_batch(reached, machine, plan, self.scenario, seed, batch),
                }
                if let Some(below) = below {
                    starving.set_reached(below, reached, &labels);
                    starving.settle(below);
                }
                target.with(|part| {
                    count_batch(reached, machine, &labels, &mut part.tally, span.total, batch);
                    if self.request.marks {
                        mark_batch(reached, &labels, &mut part.marks, batch);
                    }
                    below.iter().for_each(|below| starving.count(below, &mut part.tally.starved));
                });
            },
            (span, labels.len(), below.map_or(0, Downstream::len)),
        )
    }

    /// Splits the batches over threads; every thread keeps one state, and one tally per range of batches. On a large graph, where a tally
    /// takes as much memory as it saves time, all threads share one: integers add up in any order.
    pub(super) fn parallel<S>(
        &self,
        state: impl Fn() -> S + Sync + Send,
        work: impl Fn(&mut S, &mut Target<'_>, Batch) + Sync,
        (span, services, starved): (&Span, usize, usize),
    ) -> Part {
        let empty = || {
            let mut tally = Tally::new(services, self.system.journeys().len());
            tally.starved.resize(starved, 0);
            tally.series = self.request.follows_series(services).then(|| SeriesTally::new(services));
            tally.reaches = self.request.rows.is_some().then(Vec::new);
            Part { tally, ..Part::default() }
        };
        let run = |state: &mut S, range: Range<u64>, mut target: Target<'_>| {
            for batch in range {
                let lanes = (span.total - batch * BATCH).min(BATCH);
                work(state, &mut target, Batch { number: batch, lanes });
                target.with(|part| part.tally.trials += lanes);
                if let Some(progress) = self.request.progress {
                    progress(lanes);
                }
            }
        };
        let ranges = ranges(&span.batches, services).into_par_iter();
        // Rows come in the order of the trials.
        if services > LARGE && self.request.static_reach && self.request.rows.is_none() {
            let all = Mutex::new(empty());
            ranges.for_each_init(&state, |state, range| run(state, range, Target::Shared(&all)));
            return all.into_inner().unwrap_or_else(PoisonError::into_inner);
        }
        let of_range = |state: &mut S, range| {
            let mut part = empty();
            run(state, range, Target::Own(&mut part));
            part
        };
        ranges.map_init(&state, of_range).reduce(Part::default, Part::merge)
    }
}
