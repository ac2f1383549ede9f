//! Mitigations that were re-simulated: which edits lower the score, and the cheapest set that moves the band.
//!
//! Every candidate is assessed by the steps of the change itself, on the random numbers of the change itself: singly, until sign and size
//! of the difference are told or 2,048 trials are spent, with intervals that allow for the looks in between; then, in the order of their
//! costs, singles, and pairs and triples of the six best. A set whose band is lower at 2,048 trials or fewer is confirmed with as
//! many trials as the verdict took; the first that holds is the cheapest. A single whose difference was decided early, but not its
//! band, gets its other trials when its turn comes. Where not even the six best together move the band, no smaller set of them is
//! tried. What must hold: nothing here changes the verdict; the same inputs give the same proposals.
//!
//! Picking the best of many screened differences makes the largest ones look larger than they are; the set that is named was
//! confirmed with more trials, of which the screening saw an eighth or less. Source: model.md §3.6.

use super::candidates::{candidates, cost_of};
use super::simulating::{Outcome, Runs, at_look};
use super::what_if::Alternative;
use super::{AssessRequest, Placed, REPORTED, decided, place, quality};
use crate::diagnostic::Diagnostic;
use crate::edit::{Edit, What};
use crate::model::System;
use crate::policy::rules;
use crate::propagation::{Sample, threads};
use crate::risk::assessment::{Band, Mitigation, Mitigations};
use crate::risk::difference::{SampledPart, score_difference};
use crate::statistics::{Estimate, Interval, Look, looks_from};

/// Most trials of a screening.
pub(super) const SCREENING: u64 = 2_048;
/// Trials of its first look.
const FIRST_LOOK: u64 = 512;
/// Half-width of a difference, over the difference, at which its size is told.
const TOLD: f64 = 0.25;
/// Of how many of the best all pairs and triples are tried.
const BEST: usize = 6;

/// One way to do the change, simulated.
pub(super) struct Tried {
    /// How often it was tried, and how sure its band is.
    look: Look,
    pub(super) runs: Runs,
    chances: Vec<f64>,
    pub(super) band: Band,
    pub(super) score: Option<Estimate>,
}

impl Tried {
    fn parts(&self) -> Vec<SampledPart<'_>> {
        self.chances.iter().zip(&self.runs.samples).map(|(p, sample)| SampledPart { p: *p, sample }).collect()
    }
}

/// What is known of the simulations of a way to do the change.
pub(super) enum Known<'a> {
    /// The first trials; none, or half of them.
    First(Vec<Sample>),
    /// All: of the change as it is, or of a way that differs from it in P(fault) only.
    All(&'a Runs),
}

impl Known<'_> {
    pub(super) const NOTHING: Self = Self::First(Vec::new());
}

/// Looks for mitigations of a verdict; `None` where it has no score, or where there is nothing to lower.
///
/// # Errors
/// As [`super::assess`].
pub(super) fn mitigations(
    system: &System,
    request: &AssessRequest<'_>,
    (placed, found, band): (&[Placed<'_>], &Outcome, Band),
) -> Result<Option<Mitigations>, Vec<Diagnostic>> {
    if found.risk.score.is_none() || band == Band::Green {
        return Ok(None);
    }
    let all = candidates(system, &request.team, placed, &found.runs.impacts);
    let search = Search::new(system, request, placed.len());
    let screening = search.screening(found.look.trials)?;
    let (mut helpful, mut without_effect) = (Vec::new(), Vec::new());
    let screened = threads::each(&all, |edit| search.screened(&screening, std::slice::from_ref(edit)))?;
    for one in screened.into_iter().flatten() {
        let is_lower = one.difference.mean < 0.0 && one.difference.interval.high < 0.0;
        // A rule can hold the band where the score has nothing left to lose.
        if is_lower || screening.is_lower(&one) { helpful.push(one) } else { without_effect.push(one) }
    }
    helpful.sort_by(|a, b| a.difference.mean.total_cmp(&b.difference.mean));
    let cheapest = search.cheapest(&helpful, &screening, found)?;
    Ok(Some(Mitigations {
        candidates: all.len(),
        screening_trials: screening.last.1.look.trials,
        trials: found.look.trials,
        helpful,
        without_effect,
        cheapest,
    }))
}

/// The change as it is, at each look of a screening, with the confidence of differences that are looked at then.
struct Screening {
    before: Vec<(f64, Tried)>,
    last: (f64, Tried),
}

impl Screening {
    fn looks(&self) -> impl Iterator<Item = &(f64, Tried)> {
        self.before.iter().chain(std::iter::once(&self.last))
    }

    /// Is its band below that of the change as it is, after as many trials?
    fn is_lower(&self, one: &Mitigation) -> bool {
        self.looks().any(|(_, base)| base.look.trials == one.trials && one.band < base.band)
    }
}

pub(super) struct Search<'a, 'b> {
    system: &'a System,
    request: AssessRequest<'b>,
    n_changes: usize,
}

impl<'a, 'b> Search<'a, 'b> {
    /// A search among ways to do these changes; what is only shown of a verdict is not asked.
    pub(super) fn new(system: &'a System, request: &AssessRequest<'b>, n_changes: usize) -> Self {
        let request = AssessRequest { precision: None, curves: false, progress: None, ..request.clone() };
        Self { system, request, n_changes }
    }

    /// The question of this search, to be changed and asked.
    pub(super) fn request(&self) -> AssessRequest<'b> {
        self.request.clone()
    }

    /// The look of a band that is looked at once.
    pub(super) fn look(trials: u64) -> Look {
        Look { trials, confidence: 1.0 - rules::SAMPLING_DELTA }
    }

    /// Assesses one way to do the change.
    pub(super) fn assessed(&self, side: &Alternative<'_>, look: Look, known: Known<'_>) -> Result<Tried, Vec<Diagnostic>> {
        let placed = place(&side.system, &side.compact, &side.request, side.edits())?;
        let runs = match known {
            Known::All(runs) => runs.clone(),
            Known::First(samples) => at_look((&side.system, &side.compact), &side.request, &placed, look, samples)?,
        };
        let outcome = Outcome::new(&side.system, &placed, runs, look);
        let scenario = placed.iter().find_map(|placed| placed.scenario.as_ref());
        let quality = quality(&side.system, &side.request, &placed, scenario.filter(|_| self.n_changes == 1));
        let decision = decided(&side.system, &side.request, &placed, (&quality, Some(&outcome)));
        let chances = placed.iter().filter(|placed| placed.scenario.is_some()).map(|placed| placed.chance.estimate.mean);
        let chances = chances.collect();
        Ok(Tried { look, chances, band: decision.verdict.band, score: outcome.risk.score, runs: outcome.runs })
    }

    /// The change as it is.
    fn as_it_is(&self) -> Alternative<'b> {
        Alternative::plain(self.system.clone(), self.request())
    }

    fn screening(&self, most: u64) -> Result<Screening, Vec<Diagnostic>> {
        let side = self.as_it_is();
        let mut looks = looks_from(FIRST_LOOK, 1.0 - REPORTED, SCREENING.min(most).max(1));
        let first = looks.next().unwrap_or(Look { trials: 1, confidence: REPORTED });
        let tried = self.assessed(&side, Self::look(first.trials), Known::NOTHING)?;
        let mut screening = Screening { before: Vec::new(), last: (first.confidence, tried) };
        for look in looks {
            let known = Known::First(screening.last.1.runs.samples.clone());
            let next = (look.confidence, self.assessed(&side, Self::look(look.trials), known)?);
            screening.before.push(std::mem::replace(&mut screening.last, next));
        }
        Ok(screening)
    }

    /// An edit against the change as it is, until the difference is decided or the trials are spent. `None` where it does not fit.
    fn screened(&self, screening: &Screening, edits: &[Edit]) -> Result<Option<Mitigation>, Vec<Diagnostic>> {
        if edits.iter().all(Edit::needs_change) {
            return self.against(&screening.last.1, edits);
        }
        let Ok(side) = Alternative::new(self.system, &self.request, edits) else { return Ok(None) };
        let (mut known, mut found) = (Vec::new(), None);
        for (confidence, base) in screening.looks() {
            let tried = self.assessed(&side, base.look, Known::First(known))?;
            found = self.mitigation((base, &side, &tried), edits, *confidence);
            if found.as_ref().is_none_or(|one| is_decided(one.difference)) {
                break;
            }
            known = tried.runs.samples;
        }
        Ok(found)
    }

    /// Some edits against the change as it is, after a number of trials that is not looked at before.
    fn against(&self, base: &Tried, edits: &[Edit]) -> Result<Option<Mitigation>, Vec<Diagnostic>> {
        let Ok(side) = Alternative::new(self.system, &self.request, edits) else { return Ok(None) };
        let known = if edits.iter().all(Edit::needs_change) { Known::All(&base.runs) } else { Known::NOTHING };
        let tried = self.assessed(&side, base.look, known)?;
        Ok(self.mitigation((base, &side, &tried), edits, REPORTED))
    }

    fn mitigation(
        &self,
        (base, side, tried): (&Tried, &Alternative<'_>, &Tried),
        edits: &[Edit],
        confidence: f64,
    ) -> Option<Mitigation> {
        let sides = ((self.system, &base.parts()[..]), (&side.system, &tried.parts()[..]));
        Some(Mitigation {
            words: edits.iter().map(Edit::words).collect::<Vec<_>>().join(" and "),
            edits: edits.to_vec(),
            cost: cost_of(edits),
            score: tried.score?,
            difference: score_difference(sides.0, sides.1, (base.look.trials, confidence))?,
            band: tried.band,
            trials: base.look.trials,
        })
    }

    /// The cheapest set that lowers the band.
    fn cheapest(
        &self,
        helpful: &[Mitigation],
        screening: &Screening,
        found: &Outcome,
    ) -> Result<Option<Mitigation>, Vec<Diagnostic>> {
        let full = self.assessed(&self.as_it_is(), found.look, Known::All(&found.runs))?;
        for edits in self.sets(helpful, screening)? {
            let single = helpful.iter().find(|single| single.edits == edits);
            let is_lower = match single {
                Some(single) if screening.is_lower(single) => true,
                Some(single) if single.trials == screening.last.1.look.trials => false,
                _ => self.against(&screening.last.1, &edits)?.is_some_and(|screened| screening.is_lower(&screened)),
            };
            if !is_lower {
                continue;
            }
            let confirmed = self.against(&full, &edits)?;
            if let Some(confirmed) = confirmed.filter(|confirmed| confirmed.band < full.band) {
                return Ok(Some(confirmed));
            }
        }
        Ok(None)
    }

    /// Singles, and pairs and triples of the best, by cost; of equal costs the smaller set and then the larger effect first.
    fn sets(&self, helpful: &[Mitigation], screening: &Screening) -> Result<Vec<Vec<Edit>>, Vec<Diagnostic>> {
        let mut sets: Vec<Vec<Edit>> = helpful.iter().map(|single| single.edits.clone()).collect();
        let best = best(helpful);
        let together = if best.len() > 1 { self.against(&screening.last.1, &best)? } else { None };
        if together.is_some_and(|together| screening.is_lower(&together)) {
            for (a, first) in best.iter().enumerate() {
                for (b, second) in best.iter().enumerate().skip(a + 1) {
                    sets.push(vec![first.clone(), second.clone()]);
                    sets.extend(best.iter().skip(b + 1).map(|third| vec![first.clone(), second.clone(), third.clone()]));
                }
            }
        }
        // Stable: within a cost and a size the order is that of the effects.
        sets.sort_by(|a, b| cost_of(a).total_cmp(&cost_of(b)).then(a.len().cmp(&b.len())));
        Ok(sets)
    }
}

/// Are sign and size of a difference told? The sign alone would do to sort out what is idle; but where harm is rare, few trials can
/// miss all of it and tell a sign with no idea of the size.
fn is_decided(difference: Estimate) -> bool {
    let Interval { low, high } = difference.interval;
    high - low <= 2.0 * TOLD * difference.mean.abs() && !difference.interval.contains(0.0)
}

/// The six that help most; a change has one roll-out.
fn best(helpful: &[Mitigation]) -> Vec<Edit> {
    let mut best: Vec<Edit> = Vec::new();
    let is_rollout = |edit: &Edit| matches!(edit.what, What::Rollout(_));
    // What cannot be deleted needs no restore.
    let is_about_loss = |edit: &Edit| matches!(edit.what, What::RestoreTested | What::DenyDelete(_));
    let excludes = |kind: &dyn Fn(&Edit) -> bool, edit: &Edit, best: &[Edit]| kind(edit) && best.iter().any(kind);
    for edit in helpful.iter().flat_map(|single| &single.edits) {
        if best.len() < BEST && !excludes(&is_rollout, edit, &best) && !excludes(&is_about_loss, edit, &best) {
            best.push(edit.clone());
        }
    }
    best
}

#[cfg(test)]
#[path = "mitigations_tests.rs"]
mod tests;
