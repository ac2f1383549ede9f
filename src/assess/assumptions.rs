//! Which assumption decides the band: the verdict again, with each unknown answered for the better and for the worse.
//!
//! What only changes P(fault) needs no simulation; what changes the fault, or a default on its way, takes 2,048 trials a side. Every
//! answer stands alone: two unknowns that flip the band only together are not found.

use super::mitigations::{Known, SCREENING, Search};
use super::simulating::Outcome;
use super::what_if::Alternative;
use super::{AssessRequest, Placed};
use crate::change::facts::{Assisted, Basis, Change, Level, TriState};
use crate::diagnostic::Diagnostic;
use crate::model::System;
use crate::model::belief::uncertain_dependency;
use crate::propagation::{Sensitivities, threads};
use crate::risk::assessment::{Answer, Assumption, Band};
use crate::risk::review::author_level;
use crate::statistics::beta;
use crate::units::{DependencyId, Probability};

/// Defaulted probabilities that are tried, those that carry most.
const DEPENDENCIES: usize = 3;
/// Share of mean reach that one of them carries at least.
const LEAST_SHARE: f64 = 0.1;
/// Both ends of what is believed of them.
const ENDS: (f64, f64) = (0.05, 0.95);
/// Changed lines of a small and of a large change (elicited).
const LINES: (u64, u64) = (10, 2_000);

/// One unknown of a change, and its two answers.
struct Unknown {
    what: &'static str,
    better: (&'static str, fn(&mut Change)),
    worse: (&'static str, fn(&mut Change)),
    /// Does the answer change the fault itself?
    changes_fault: bool,
}

fn assisted(answer: TriState) -> Assisted {
    Assisted { answer, basis: Basis::File }
}

/// The unknowns of a change; those about P(fault) first.
fn unknowns(change: &Change, level: Level) -> Vec<Unknown> {
    let chance = |what, better, worse| Unknown { what, better, worse, changes_fault: false };
    let all = [
        (
            change.ai_assisted.answer == TriState::Unknown,
            chance(
                "whether an AI tool helped",
                ("no", |change| change.ai_assisted = assisted(TriState::No)),
                ("yes", |change| change.ai_assisted = assisted(TriState::Yes)),
            ),
        ),
        (
            level == Level::Unknown,
            chance(
                "how experienced the author is",
                ("senior", |change| change.author.level = Level::Senior),
                ("junior", |change| change.author.level = Level::Junior),
            ),
        ),
        (
            change.first_change == TriState::Unknown,
            chance(
                "whether the author changed this component before",
                ("yes", |change| change.first_change = TriState::No),
                ("no", |change| change.first_change = TriState::Yes),
            ),
        ),
        (
            change.agent_executes == TriState::Unknown,
            chance(
                "whether an agent applies it",
                ("no", |change| change.agent_executes = TriState::No),
                ("yes", |change| change.agent_executes = TriState::Yes),
            ),
        ),
        (
            change.test_coverage.is_none(),
            chance(
                "how much of it tests cover",
                ("all", |change| change.test_coverage = Some(1.0)),
                ("nothing", |change| change.test_coverage = Some(0.0)),
            ),
        ),
        (
            change.simulated == TriState::Unknown,
            chance(
                "whether it ran in a load test or a simulation",
                ("yes", |change| change.simulated = TriState::Yes),
                ("no", |change| change.simulated = TriState::No),
            ),
        ),
        (
            change.lines.is_none(),
            chance(
                "how large it is",
                ("10 lines", |change| change.lines = Some(LINES.0)),
                ("2,000 lines", |change| change.lines = Some(LINES.1)),
            ),
        ),
    ];
    all.into_iter().chain(about_fault(change)).filter(|(is_open, _)| *is_open).map(|(_, unknown)| unknown).collect()
}

/// Unknowns that decide what the fault does; each with whether it is open.
fn about_fault(change: &Change) -> [(bool, Unknown); 2] {
    [
        (
            change.rollback_tested == TriState::Unknown,
            Unknown {
                what: "whether going back was tested",
                better: ("yes", |change| change.rollback_tested = TriState::Yes),
                worse: ("no", |change| change.rollback_tested = TriState::No),
                changes_fault: true,
            },
        ),
        (
            change.destructive == TriState::Unknown,
            Unknown {
                what: "whether it destroys anything",
                better: ("no", |change| change.destructive = TriState::No),
                worse: ("yes", |change| change.destructive = TriState::Yes),
                changes_fault: true,
            },
        ),
    ]
}

/// Every assumption with both of its verdicts, those first that flip the band.
///
/// # Errors
/// As [`super::assess`].
pub(super) fn assumptions(
    system: &System,
    request: &AssessRequest<'_>,
    (placed, found, band): (&[Placed<'_>], &Outcome, Band),
    edges: Option<&Sensitivities>,
) -> Result<Vec<Assumption>, Vec<Diagnostic>> {
    // Several changes in flight have too many answers.
    let ([one], true) = (placed, found.risk.score.is_some()) else { return Ok(Vec::new()) };
    let search = Search::new(system, request, 1);
    let look = Search::look(SCREENING.min(found.look.trials));
    let base = search.assessed(&Alternative::plain(system.clone(), search.request()), look, Known::NOTHING)?;
    let answered = |side: Alternative<'_>, known: Known<'_>, word: &str| -> Result<Answer, Vec<Diagnostic>> {
        let tried = search.assessed(&side, look, known)?;
        Ok((word.to_owned(), tried.score, tried.band))
    };
    let facts =
        threads::each(&unknowns(one.change, author_level(one.change, &request.team)), |unknown| -> Result<_, Vec<Diagnostic>> {
            let answer = |(word, set): (&'static str, fn(&mut Change))| {
                let mut request = search.request();
                request.changes.iter_mut().for_each(|one| set(&mut one.change));
                let known = if unknown.changes_fault { Known::NOTHING } else { Known::All(&base.runs) };
                answered(Alternative::plain(system.clone(), request), known, word)
            };
            Ok(assumption(unknown.what.to_owned(), answer(unknown.better)?, answer(unknown.worse)?, base.band, band))
        })?;
    let crossings = threads::each(&defaults(system, edges), |&(id, low, high)| -> Result<_, Vec<Diagnostic>> {
        let with = |p: f64| {
            let changed = system.with_probability(id, Probability::clipped(p));
            answered(Alternative::plain(changed, search.request()), Known::NOTHING, &format!("{:.0} %", p * 100.0))
        };
        let [from, to] = [system.provider(id), system.consumer(id)].map(|end| system.endpoint_name(end));
        let what = format!("how likely a failure crosses from {from} to {to}");
        Ok(assumption(what, with(low)?, with(high)?, base.band, band))
    })?;
    let mut all = [facts, crossings].concat();
    all.sort_by_key(|assumption| !assumption.flips_band);
    Ok(all)
}

/// A flip is told against the same trials, and only where it is also one against the verdict.
fn assumption(what: String, better: Answer, worse: Answer, base: Band, verdict: Band) -> Assumption {
    let flips = |answer: &Answer| answer.2 != base && answer.2 != verdict;
    Assumption { flips_band: flips(&better) || flips(&worse), what, better, worse }
}

/// Dependencies whose probability nobody stated, those that carry most first, with both ends of what is believed of them.
fn defaults(system: &System, edges: Option<&Sensitivities>) -> Vec<(DependencyId, f64, f64)> {
    let Some(edges) = edges else { return Vec::new() };
    let carrying = edges.flips.iter().filter(|flip| flip.fussell_vesely.mean >= LEAST_SHARE);
    let unstated = carrying.map(|flip| flip.dependency).filter(|id| system.stated_probability(*id).is_none());
    let ends = |id: DependencyId| {
        let (a, b) = uncertain_dependency(system, id)?.beta();
        Some((id, beta::quantile(a, b, ENDS.0), beta::quantile(a, b, ENDS.1)))
    };
    unstated.filter_map(ends).take(DEPENDENCIES).collect()
}
