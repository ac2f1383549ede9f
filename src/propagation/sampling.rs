//! Which trials are run: all at once, until a precision is reached, or as a shard of a larger run.
//!
//! A trial is numbered within its run, and what it gives does not depend on which others are run with it. A run is cut at batches
//! of 512 trials. What must hold: shards of a run, merged in any order, are the sample of the whole run; a run that stops at a
//! look is the run of so many trials, with the wider intervals that looking more than once costs.
//!
//! Source: model.md §4 (sequential stopping, mergeability).

use super::conclude::CONFIDENCE;
use super::result::Simulation;
use super::run::{Request, Run, with_run};
use super::tally::Tally;
use super::threads::in_threads;
use crate::diagnostic::Diagnostic;
use crate::fault::Scenario;
use crate::lanes::{BATCH, Mask};
use crate::model::{Compact, System};
use crate::statistics::looks;
use std::ops::Range;

/// Batches between two reports of rows: a quarter of a million trials wait in memory at most.
const WINDOW: usize = 512;

/// Some batches of a run.
#[derive(Debug, Clone)]
pub(super) struct Span {
    /// Trials of the whole run.
    pub(super) total: u64,
    pub(super) batches: Range<u64>,
}

impl Span {
    pub(super) fn whole(total: u64) -> Self {
        Self { total, batches: 0..total.div_ceil(BATCH) }
    }

    /// Numbers of its trials.
    fn trials(&self) -> Range<u64> {
        let trial = |batch: u64| batch.saturating_mul(BATCH).min(self.total);
        trial(self.batches.start)..trial(self.batches.end)
    }

    /// The same batches, so many at a time.
    pub(super) fn windows(&self, width: usize) -> impl Iterator<Item = Self> + '_ {
        let starts = self.batches.clone().step_by(width.max(1));
        starts.map(move |start| Self { total: self.total, batches: start..(start + width as u64).min(self.batches.end) })
    }
}

/// One of several equal parts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 0.
    pub number: u64,
    /// Of how many; at least 1.
    pub of: u64,
}

impl Shard {
    /// The whole run.
    pub const ALL: Self = Self { number: 0, of: 1 };

    pub(super) fn span(self, total: u64) -> Span {
        let batches = u128::from(total.div_ceil(BATCH));
        let start = |number: u64| (batches * u128::from(number) / u128::from(self.of.max(1))) as u64;
        Span { total, batches: start(self.number)..start(self.number + 1) }
    }

    /// Numbers of the trials that belong to it in a run of `total`.
    pub fn trials(self, total: u64) -> Range<u64> {
        self.span(total).trials()
    }
}

/// What a trial with losses is remembered by, when services are watched.
#[derive(Debug, Clone)]
pub(super) struct Loss {
    pub(super) milli_user_minutes: u64,
    pub(super) trial: u64,
    pub(super) impaired: Vec<bool>,
}

/// Outcomes trial by trial, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// Number of the first trial.
    pub first: u64,
    /// Services impaired, the source included.
    pub reach: Vec<u64>,
    /// Thousandths of user-minutes lost, all journeys of a trial in a row; empty without a clock.
    pub milli_user_minutes: Vec<u64>,
    /// Whether harm went on at the horizon; empty without a clock.
    pub censored: Vec<bool>,
}

impl Rows {
    /// Without the trials before this one.
    fn from(mut self, trial: u64) -> Self {
        let known = trial.saturating_sub(self.first).min(self.reach.len() as u64) as usize;
        if known > 0 {
            let journeys = self.milli_user_minutes.len() / self.reach.len();
            self.first += known as u64;
            self.reach.drain(..known);
            self.milli_user_minutes.drain(..known * journeys);
            self.censored.drain(..known.min(self.censored.len()));
        }
        self
    }
}

/// What a thread gathers.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) tally: Tally,
    pub(super) losses: Vec<Loss>,
    pub(super) breaches: u64,
    pub(super) rows: Rows,
    /// Who is impaired in which trials of a batch, all services of a batch in a row; empty where nobody asked.
    pub(super) marks: Vec<Mask>,
}

impl Part {
    /// Adds the part of later trials.
    pub(super) fn merge(mut self, other: Self) -> Self {
        if self.tally.services.is_empty() && self.tally.trials == 0 {
            return other;
        }
        self.tally.merge(&other.tally);
        self.losses.extend(other.losses);
        self.breaches += other.breaches;
        self.rows.censored.extend(other.rows.censored);
        self.rows.milli_user_minutes.extend(other.rows.milli_user_minutes);
        self.marks.extend(other.marks);
        self
    }
}

/// What trials add up to, in integers.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// Trials of the whole run; the tally says how many of them are in it.
    pub total: u64,
    /// Everything; without a clock the pessimistic bound.
    pub tally: Tally,
    /// Without a clock, where anything delays: the same with all delayed arcs cut.
    pub optimistic: Option<Tally>,
    pub(super) losses: Vec<Loss>,
    pub(super) breaches: u64,
    pub(super) rows: Rows,
    pub(super) marks: Vec<Mask>,
}

impl Sample {
    pub(super) fn new(span: &Span, mut part: Part, optimistic: Option<Tally>) -> Self {
        part.rows.first = span.trials().start;
        part.rows.reach = part.tally.reaches.take().unwrap_or_default();
        Self {
            total: span.total,
            tally: part.tally,
            optimistic: optimistic.map(|optimistic| Tally { reaches: None, ..optimistic }),
            losses: part.losses,
            breaches: part.breaches,
            rows: part.rows,
            marks: part.marks,
        }
    }

    /// Gives back what is known of single trials.
    pub(super) fn forget_trials(&mut self) {
        (self.rows, self.marks) = Default::default();
    }

    /// Adds other trials of the same run; in any order.
    pub fn merge(&mut self, other: &Self) {
        self.tally.merge(&other.tally);
        if let (Some(mine), Some(theirs)) = (&mut self.optimistic, &other.optimistic) {
            mine.merge(theirs);
        }
        self.losses.extend(other.losses.iter().cloned());
        self.breaches += other.breaches;
    }

    /// The first half of a run of twice as many trials.
    fn doubled(mut self) -> Self {
        self.total *= 2;
        self.tally.pair_batches();
        self.optimistic.iter_mut().for_each(Tally::pair_batches);
        self
    }
}

/// Runs the trials of a shard.
///
/// # Errors
/// As [`super::simulate`]; `exact` is not asked here.
pub fn sample(
    system: &System,
    compact: &Compact,
    scenario: &Scenario,
    request: &Request<'_>,
    shard: Shard,
) -> Result<Sample, Diagnostic> {
    with_run(system, compact, scenario, request, |run| {
        Ok(in_threads(request.threads, || gather(run, &shard.span(request.trials))))
    })
}

/// Runs all trials; gives what they add up to, and what that says. The trials in `known`, which is what this gave for a smaller
/// number of trials of the same question, are not run again where they are half of all.
///
/// # Errors
/// As [`super::simulate`]; `exact` is not asked here, and `precision` does not stop it.
pub fn sampled(
    system: &System,
    compact: &Compact,
    scenario: &Scenario,
    request: &Request<'_>,
    known: Option<Sample>,
) -> Result<(Sample, Simulation), Diagnostic> {
    with_run(system, compact, scenario, request, |run| {
        Ok(in_threads(request.threads, || {
            let sample = grown(run, known, request.trials);
            let simulation = run.concluded(&sample, request.confidence.unwrap_or(CONFIDENCE));
            (sample, simulation)
        }))
    })
}

/// What a whole sample says.
///
/// # Errors
/// As [`super::simulate`], and when the sample is not one of this request.
pub fn conclude(
    system: &System,
    compact: &Compact,
    scenario: &Scenario,
    request: &Request<'_>,
    sample: &Sample,
) -> Result<Simulation, Diagnostic> {
    with_run(system, compact, scenario, request, |run| {
        let services = run.plan.labels().len();
        let below = run.below(&run.plan.labels()).map_or(0, |below| below.len());
        let fits = |tally: &Tally, below: usize| {
            tally.services.len() == services
                && tally.journeys.len() == system.journeys().len()
                && tally.starved.len() == below
                && tally.trials == request.trials
        };
        let series = sample.tally.series.as_ref().map(|series| series.changes().len());
        let is_same = sample.total == request.trials
            && series.map_or(!request.series || request.static_reach, |labels| labels == services)
            && fits(&sample.tally, below)
            && sample.optimistic.as_ref().is_none_or(|optimistic| fits(optimistic, 0))
            && sample.optimistic.is_some() == (request.static_reach && run.plan.has_delays());
        if is_same {
            Ok(run.concluded(sample, request.confidence.unwrap_or(CONFIDENCE)))
        } else {
            Err(Diagnostic::error("other-run", "the sample is not one of all trials of this topology, fault and options"))
        }
    })
}

/// Gathers a span; rows are handed on while it goes.
fn gather(run: &Run<'_>, span: &Span) -> Sample {
    gather_from(run, span, 0)
}

/// The same; rows of trials below `fresh` were handed on before.
fn gather_from(run: &Run<'_>, span: &Span, fresh: u64) -> Sample {
    let Some(hand_on) = run.request.rows else { return run.gather(span) };
    let mut all: Option<Sample> = None;
    for window in span.windows(WINDOW) {
        let mut next = run.gather(&window);
        let rows = std::mem::take(&mut next.rows).from(fresh);
        if !rows.reach.is_empty() {
            hand_on(&rows);
        }
        match &mut all {
            Some(all) => all.merge(&next),
            None => all = Some(next),
        }
    }
    all.unwrap_or_else(|| run.gather(span))
}

/// All trials, beginning with what is known of the first of them. Rows of known trials were handed on before.
fn grown(run: &Run<'_>, known: Option<Sample>, trials: u64) -> Sample {
    let whole = Span::whole(trials);
    match known {
        // Looks double, so a batch of the mean is two batches of the look before.
        Some(known) if known.total % BATCH == 0 && known.total.checked_mul(2) == Some(trials) => {
            let from = known.total / BATCH;
            let mut known = known.doubled();
            known.merge(&gather(run, &Span { batches: from..whole.batches.end, ..whole }));
            known
        }
        // The last look may lie anywhere: batches of the mean are cut anew.
        known => gather_from(run, &whole, known.map_or(0, |known| known.total)),
    }
}

/// Samples as asked: all trials, or up to the look at which the precision is reached.
pub(super) fn simulated(run: &Run<'_>) -> Simulation {
    let request = run.request;
    if request.precision.is_none() || request.confidence.is_some() {
        return run.concluded(&gather(run, &Span::whole(request.trials)), request.confidence.unwrap_or(CONFIDENCE));
    }
    let mut known: Option<Sample> = None;
    for look in looks(1.0 - CONFIDENCE, request.trials) {
        let sample = grown(run, known.take(), look.trials);
        let simulation = run.concluded(&sample, look.confidence);
        if look.trials >= request.trials || simulation.precision.is_none_or(|precision| precision.is_reached()) {
            return simulation;
        }
        known = Some(sample);
    }
    // Without trials there is no look.
    run.concluded(&gather(run, &Span::whole(0)), CONFIDENCE)
}
