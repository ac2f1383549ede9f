//! The same change with something done about it: both verdicts, on the same random numbers.
//!
//! A what-if is assessed by the same steps as the change itself: its edits are applied to copies of the system and of the change, and
//! everything follows from these. What must hold: without edits both verdicts are the same, digit for digit.

use super::simulating::{Outcome, Runs, watched};
use super::{AssessRequest, Placed, REPORTED, decided, latest, place, quality};
use crate::diagnostic::Diagnostic;
use crate::edit::{self, Edit, Refusal};
use crate::model::{Compact, System};
use crate::policy::rules::{self, Requirement};
use crate::propagation::{Paired, Request, Sample, Side, paired};
use crate::quality::DataQuality;
use crate::risk::assessment::{Floor, SignOff, Verdict};
use crate::risk::difference::{SampledPart, score_difference};
use crate::risk::review::a_senior;
use crate::risk::score::{self, Risk};
use crate::statistics::{Estimate, Look};

/// One side of a comparison: a system, the changes in flight, and the edits that both have taken.
pub struct Alternative<'a> {
    /// The system.
    pub system: System,
    /// The same, compiled.
    pub compact: Compact,
    /// What is asked, with the changed changes.
    pub request: AssessRequest<'a>,
    edits: Vec<Edit>,
}

impl<'a> Alternative<'a> {
    /// Applies edits. Each has to act on the system or on a change.
    ///
    /// # Errors
    /// The position of the first edit that does not fit, and why.
    pub fn new(system: &System, request: &AssessRequest<'a>, edits: &[Edit]) -> Result<Self, (usize, Refusal)> {
        let (mut system, mut request) = (system.clone(), request.clone());
        for (at, edit) in edits.iter().enumerate() {
            let mut has_acted = edit::on_system(edit, &mut system).map_err(|refusal| (at, refusal))?;
            for one in &mut request.changes {
                let senior = a_senior(&one.change, &request.team);
                has_acted |= edit::on_change(edit, &mut one.change, senior.as_ref());
            }
            if !has_acted {
                return Err((at, Refusal::nothing_to_act_on(edit, true)));
            }
        }
        let compact = Compact::new(&system);
        Ok(Self { system, compact, request, edits: edits.to_vec() })
    }

    /// Another system and another change, without edits.
    pub(super) fn plain(system: System, request: AssessRequest<'a>) -> Self {
        let compact = Compact::new(&system);
        Self { system, compact, request, edits: Vec::new() }
    }

    /// The edits that were applied.
    pub(super) fn edits(&self) -> &[Edit] {
        &self.edits
    }
}

/// What is judged on one side.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The verdict.
    pub verdict: Verdict,
    /// P(fault | change).
    pub fault_probability: Estimate,
    /// Expected harm.
    pub risk: Risk,
    /// Rules that raised the band.
    pub floors: Vec<Floor>,
    /// What band and rules ask for.
    pub requirement: Requirement,
    /// Who has to sign.
    pub sign_off: Vec<SignOff>,
    /// What it rests on.
    pub quality: DataQuality,
}

/// Two verdicts on one change.
#[derive(Debug, Clone)]
pub struct Verdicts {
    /// What the fault does on either side.
    pub paired: Paired,
    /// As things are.
    pub before: Judged,
    /// As they would be.
    pub after: Judged,
    /// Score after minus score before; `None` where nothing can be scored.
    pub score: Option<Estimate>,
    /// The faults, as `kind@target`, of the first side.
    pub faults: Vec<String>,
}

/// Compares two sides of one change, all trials of the request on both.
///
/// # Errors
/// As [`super::assess`], where several changes are in flight, and where a change lands nowhere.
pub fn verdicts(before: &Alternative<'_>, after: &Alternative<'_>) -> Result<Verdicts, Vec<Diagnostic>> {
    let places_before = place(&before.system, &before.compact, &before.request, &before.edits)?;
    let places_after = place(&after.system, &after.compact, &after.request, &after.edits)?;
    let ([one], [other]) = (places_before.as_slice(), places_after.as_slice()) else {
        return Err(vec![Diagnostic::error("several-changes", "one change is compared at a time")]);
    };
    let (Some(first), Some(second)) = (&one.scenario, &other.scenario) else {
        let problem = Diagnostic::error("nothing-to-assess", "no service of the topology is known to be changed");
        return Err(vec![problem.help("name the services of the change")]);
    };
    let watch = [before, after].map(|side| watched(&side.request, &side.system));
    let budgets = [&before.system, &after.system].map(score::remaining);
    let question = question(&before.request);
    let sides = (
        Side { system: &before.system, compact: &before.compact, scenario: first, watch: &watch[0], budgets: &budgets[0] },
        Side { system: &after.system, compact: &after.compact, scenario: second, watch: &watch[1], budgets: &budgets[1] },
    );
    let paired = paired(sides.0, sides.1, &question).map_err(|problem| vec![problem])?;
    let score = paired.samples.as_ref().and_then(|(a, b)| difference((before, one, a), (after, other, b)));
    let look = Look { trials: question.trials, confidence: 1.0 - rules::SAMPLING_DELTA };
    let outcomes =
        [(before, &places_before, &paired.before), (after, &places_after, &paired.after)].map(|(side, placed, impact)| {
            Outcome::new(&side.system, placed, Runs { impacts: vec![impact.clone()], samples: Vec::new() }, look)
        });
    let [outcome_before, outcome_after] = &outcomes;
    Ok(Verdicts {
        before: judged(before, &places_before, outcome_before),
        after: judged(after, &places_after, outcome_after),
        score,
        faults: one.faults.iter().map(crate::fault::Fault::label).collect(),
        paired,
    })
}

fn question<'a>(request: &AssessRequest<'a>) -> Request<'a> {
    Request {
        trials: request.trials,
        seed: request.seed,
        at: latest(request),
        threads: request.threads,
        curves: request.curves,
        progress: request.progress,
        ..Request::default()
    }
}

fn difference(
    (before, one, a): (&Alternative<'_>, &Placed<'_>, &Sample),
    (after, other, b): (&Alternative<'_>, &Placed<'_>, &Sample),
) -> Option<Estimate> {
    let part = |placed: &Placed<'_>| placed.chance.estimate.mean;
    let first = [SampledPart { p: part(one), sample: a }];
    let second = [SampledPart { p: part(other), sample: b }];
    score_difference((&before.system, &first), (&after.system, &second), (before.request.trials, REPORTED))
}

fn judged(side: &Alternative<'_>, placed: &[Placed<'_>], outcome: &Outcome) -> Judged {
    let scenario = placed.first().and_then(|placed| placed.scenario.as_ref());
    let quality = quality(&side.system, &side.request, placed, scenario);
    let decision = decided(&side.system, &side.request, placed, (&quality, Some(outcome)));
    let none = Estimate { mean: 0.0, interval: crate::statistics::Interval::UNKNOWN };
    Judged {
        verdict: decision.verdict,
        fault_probability: placed.first().map_or(none, |placed| placed.chance.estimate),
        risk: outcome.risk.clone(),
        floors: decision.floors,
        requirement: decision.requirement,
        sign_off: decision.sign_off,
        quality,
    }
}
