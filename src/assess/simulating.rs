//! The simulations behind a verdict, and what they come to.
//!
//! Every change in flight is simulated by itself, with more trials until the verdict is settled; a look goes on where the look
//! before ended. What must hold: what a look finds is what a run of so many trials would have found.

use super::{AssessRequest, MOST_WATCHED, Placed, REPORTED, parts};
use crate::diagnostic::Diagnostic;
use crate::fault::Scenario;
use crate::model::{Compact, System};
use crate::policy::{self, rules};
use crate::propagation::result::Precision;
use crate::propagation::{Request, Sample, Simulation, Uncertainty, sampled, simulate, uncertainty};
use crate::risk::score::{self, Risk};
use crate::statistics::{Estimate, Look, looks};
use crate::units::ServiceId;
use jiff::Zoned;

/// What was run: for each change that lands somewhere, in their order, the sums over its trials and what they say.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs {
    pub(super) samples: Vec<Sample>,
    pub(super) impacts: Vec<Simulation>,
}

/// What the simulations gave.
pub(super) struct Outcome {
    pub(super) look: Look,
    pub(super) runs: Runs,
    pub(super) risk: Risk,
    pub(super) decision: Risk,
    pub(super) worst: Vec<(ServiceId, Estimate)>,
}

impl Outcome {
    /// What simulations come to.
    pub(super) fn new(system: &System, placed: &[Placed<'_>], runs: Runs, look: Look) -> Self {
        let parts = parts(placed, &runs.impacts);
        let risk = score::risk(system, &parts, REPORTED);
        let decision = score::risk(system, &parts, look.confidence);
        let worst = score::impaired_in_worst(&parts, look.confidence);
        Self { look, runs, risk, decision, worst }
    }

    /// Would more trials leave the verdict as it is?
    fn is_settled(&self, system: &System, request: &AssessRequest<'_>, placed: &[Placed<'_>]) -> bool {
        let parts = parts(placed, &self.runs.impacts);
        let p_score_above = |limit| score::p_score_above(system, &parts, limit, self.look.confidence);
        policy::is_settled(&request.policy, &self.decision, &self.worst, p_score_above)
    }

    /// Is there a score above 0, so that something could lower it?
    pub(super) fn has_harm(&self) -> bool {
        self.risk.score.is_some_and(|score| score.mean > 0.0)
    }
}

/// Simulates every change, with more trials until the verdict is settled or the budget is spent.
pub(super) fn simulated(
    system: &System,
    compact: &Compact,
    request: &AssessRequest<'_>,
    placed: &[Placed<'_>],
) -> Result<Outcome, Vec<Diagnostic>> {
    let mut last: Option<Outcome> = None;
    for look in looks(rules::SAMPLING_DELTA, request.trials.max(1)) {
        let known = last.take().map(|outcome| outcome.runs.samples).unwrap_or_default();
        let runs = at_look((system, compact), request, placed, look, known)?;
        let outcome = last.insert(Outcome::new(system, placed, runs, look));
        let is_precise = outcome.runs.impacts.iter().all(|impact| impact.precision.is_none_or(Precision::is_reached));
        let is_settled = outcome.risk.score.is_none() || outcome.is_settled(system, request, placed);
        if is_settled && is_precise {
            break;
        }
    }
    last.ok_or_else(|| vec![Diagnostic::error("no-trials", "no trials were asked for")])
}

/// Simulates every change with so many trials, beginning with `known`: what is known from a look before, if anything.
pub(super) fn at_look(
    (system, compact): (&System, &Compact),
    request: &AssessRequest<'_>,
    placed: &[Placed<'_>],
    look: Look,
    known: Vec<Sample>,
) -> Result<Runs, Vec<Diagnostic>> {
    let (mut runs, mut known) = (Runs::default(), known.into_iter());
    for placed in placed {
        let Some(scenario) = &placed.scenario else { continue };
        let question = question(system, request, placed.change.at.as_ref(), look);
        let (sample, impact) = sampled(system, compact, scenario, &question, known.next()).map_err(|problem| vec![problem])?;
        runs.samples.push(sample);
        runs.impacts.push(impact);
    }
    Ok(runs)
}

fn question<'a>(system: &System, request: &AssessRequest<'a>, at: Option<&Zoned>, look: Look) -> Request<'a> {
    Request {
        trials: look.trials,
        precision: request.precision,
        // Where a precision decides when to stop, its intervals have to allow for the looks before.
        confidence: request.precision.map(|_| look.confidence),
        seed: request.seed,
        at: at.cloned().or_else(|| request.at.clone()),
        threads: request.threads,
        watch: watched(request, system),
        budgets: score::remaining(system),
        curves: request.curves,
        progress: request.progress,
        ..Request::default()
    }
}

/// Services whose part in the worst trials is asked.
pub(super) fn watched(request: &AssessRequest<'_>, system: &System) -> Vec<ServiceId> {
    policy::watched(&request.policy, system, MOST_WATCHED)
}

/// The impact that is shown: of the one change, or of all faults at once.
pub(super) fn whole_impact(
    system: &System,
    compact: &Compact,
    request: &AssessRequest<'_>,
    placed: &[Placed<'_>],
    (together, outcome): (&Scenario, &Outcome),
) -> Result<Simulation, Vec<Diagnostic>> {
    if let [one] = outcome.runs.impacts.as_slice() {
        return Ok(one.clone());
    }
    let at = placed.iter().find_map(|placed| placed.change.at.as_ref());
    simulate(system, compact, together, &question(system, request, at, outcome.look)).map_err(|problem| vec![problem])
}

/// How much of the spread of the impact more facts would remove, where that is asked; over as many trials.
pub(super) fn what_facts_would_change(
    system: &System,
    compact: &Compact,
    request: &AssessRequest<'_>,
    (scenario, impact): (&Scenario, &Simulation),
) -> Result<Option<Uncertainty>, Vec<Diagnostic>> {
    let Some(replicates) = request.uncertainty else { return Ok(None) };
    let question = Request {
        trials: impact.trials,
        seed: request.seed,
        at: request.changes.iter().find_map(|one| one.change.at.clone()).or_else(|| request.at.clone()),
        threads: request.threads,
        progress: request.progress,
        ..Request::default()
    };
    uncertainty(system, compact, scenario, &question, replicates).map(Some).map_err(|problem| vec![problem])
}
