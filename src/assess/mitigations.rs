//! Mitigations that were re-simulated: which edits lower the score, and the cheapest set that moves the band.
//!
//! Every candidate is assessed by the steps of the change itself, on the random numbers of the change itself: singly with 2,048
//! trials, then, in the order of their costs, singles, and pairs and triples of the six best. A set whose band is lower at 2,048
//! trials is confirmed with as many trials as the verdict took; the first that holds is the cheapest. Where not even the six best
//! together move the band, no smaller set of them is tried. What must hold: nothing here changes the verdict; the same inputs give
//! the same proposals.
//!
//! Picking the best of many screened differences makes the largest ones look larger than they are; the set that is named was
//! confirmed with more trials, of which the screening saw an eighth or less. Source: model.md §3.6.

use super::candidates::{candidates, cost_of};
use super::what_if::Alternative;
use super::{AssessRequest, Outcome, Placed, REPORTED, decided, latest, outcome, place, quality, watched};
use crate::diagnostic::Diagnostic;
use crate::edit::{Edit, What};
use crate::model::{Compact, System};
use crate::policy::rules;
use crate::propagation::{Request, Sample, Simulation, sampled};
use crate::risk::assessment::{Band, Mitigation, Mitigations};
use crate::risk::difference::{SampledPart, score_difference};
use crate::risk::score;
use crate::statistics::{Estimate, Look};

/// Trials of a screening.
pub(super) const SCREENING: u64 = 2_048;
/// Of how many of the best all pairs and triples are tried.
const BEST: usize = 6;

/// One way to do the change, simulated.
pub(super) struct Tried {
    system: System,
    samples: Vec<Sample>,
    impacts: Vec<Simulation>,
    chances: Vec<f64>,
    pub(super) band: Band,
    pub(super) score: Option<Estimate>,
}

impl Tried {
    fn parts(&self) -> Vec<SampledPart<'_>> {
        self.chances.iter().zip(&self.samples).map(|(p, sample)| SampledPart { p: *p, sample }).collect()
    }
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
    let all = candidates(system, &request.team, placed, &found.impacts);
    let search = Search { system, request, n_changes: placed.len() };
    let screening = search.tried(&[], SCREENING.min(found.look.trials), None)?;
    let Some(screening) = screening else { return Ok(None) };
    let (mut helpful, mut without_effect) = (Vec::new(), Vec::new());
    for edit in &all {
        let Some(one) = search.against(&screening, std::slice::from_ref(edit), screening.trials())? else { continue };
        match one.difference {
            Estimate { mean, interval } if mean < 0.0 && interval.high < 0.0 => helpful.push(one),
            // A rule can hold the band where the score has nothing left to lose.
            _ if one.band < screening.band => helpful.push(one),
            _ => without_effect.push(one),
        }
    }
    helpful.sort_by(|a, b| a.difference.mean.total_cmp(&b.difference.mean));
    let cheapest = search.cheapest(&helpful, &screening, found.look.trials)?;
    Ok(Some(Mitigations {
        candidates: all.len(),
        screening_trials: screening.trials(),
        trials: found.look.trials,
        helpful,
        without_effect,
        cheapest,
    }))
}

impl Tried {
    fn trials(&self) -> u64 {
        self.impacts.first().map_or(0, |impact| impact.trials)
    }
}

pub(super) struct Search<'a, 'b> {
    pub(super) system: &'a System,
    pub(super) request: &'a AssessRequest<'b>,
    pub(super) n_changes: usize,
}

impl Search<'_, '_> {
    /// Assesses the change with some edits; what only changes P(fault) takes the simulations of `base`. `None` where an edit does not fit.
    fn tried(&self, edits: &[Edit], trials: u64, base: Option<&Tried>) -> Result<Option<Tried>, Vec<Diagnostic>> {
        let Ok(side) = Alternative::new(self.system, self.request, edits) else { return Ok(None) };
        self.assessed(side, trials, base.filter(|_| edits.iter().all(Edit::needs_change))).map(Some)
    }

    /// Assesses one way to do the change; with `known`, by the simulations that were run already.
    pub(super) fn assessed(&self, side: Alternative<'_>, trials: u64, known: Option<&Tried>) -> Result<Tried, Vec<Diagnostic>> {
        let placed = place(&side.system, &side.compact, &side.request, side.edits())?;
        let (samples, impacts) = match known {
            Some(base) => (base.samples.clone(), base.impacts.clone()),
            None => self.simulated((&side.system, &side.compact), &placed, trials)?,
        };
        let look = Look { trials, confidence: 1.0 - rules::SAMPLING_DELTA };
        let outcome = outcome(&side.system, &placed, impacts, look);
        let scenario = placed.iter().find_map(|placed| placed.scenario.as_ref());
        let quality = quality(&side.system, &side.request, &placed, scenario.filter(|_| self.n_changes == 1));
        let decision = decided(&side.system, &side.request, &placed, (&quality, Some(&outcome)));
        let chances = placed.iter().filter(|placed| placed.scenario.is_some()).map(|placed| placed.chance.estimate.mean);
        let chances = chances.collect();
        Ok(Tried {
            samples,
            chances,
            band: decision.verdict.band,
            score: outcome.risk.score,
            impacts: outcome.impacts,
            system: side.system,
        })
    }

    fn simulated(
        &self,
        (system, compact): (&System, &Compact),
        placed: &[Placed<'_>],
        trials: u64,
    ) -> Result<(Vec<Sample>, Vec<Simulation>), Vec<Diagnostic>> {
        let (mut samples, mut impacts) = (Vec::new(), Vec::new());
        for placed in placed {
            let Some(scenario) = &placed.scenario else { continue };
            let question = Request {
                trials,
                seed: self.request.seed,
                at: placed.change.at.clone().or_else(|| latest(self.request)),
                threads: self.request.threads,
                watch: watched(self.request, system),
                budgets: score::remaining(system),
                ..Request::default()
            };
            let (sample, impact) = sampled(system, compact, scenario, &question).map_err(|problem| vec![problem])?;
            samples.push(sample);
            impacts.push(impact);
        }
        Ok((samples, impacts))
    }

    /// Some edits against the change as it is.
    fn against(&self, base: &Tried, edits: &[Edit], trials: u64) -> Result<Option<Mitigation>, Vec<Diagnostic>> {
        let Some(tried) = self.tried(edits, trials, Some(base))? else { return Ok(None) };
        let difference = score_difference((&base.system, &base.parts()), (&tried.system, &tried.parts()), (trials, REPORTED));
        let (Some(difference), Some(score)) = (difference, tried.score) else { return Ok(None) };
        let edits_in_words = edits.iter().map(Edit::words).collect::<Vec<_>>().join(" and ");
        Ok(Some(Mitigation {
            words: edits_in_words,
            edits: edits.to_vec(),
            cost: cost_of(edits),
            score,
            difference,
            band: tried.band,
            trials,
        }))
    }

    /// The cheapest set that lowers the band.
    fn cheapest(&self, helpful: &[Mitigation], screening: &Tried, trials: u64) -> Result<Option<Mitigation>, Vec<Diagnostic>> {
        let mut full: Option<Tried> = None;
        for edits in self.sets(helpful, screening)? {
            let known = helpful.iter().find(|single| single.edits == edits).cloned();
            let screened = match known {
                Some(single) => Some(single),
                None => self.against(screening, &edits, screening.trials())?,
            };
            if screened.is_none_or(|screened| screened.band >= screening.band) {
                continue;
            }
            if full.is_none() {
                full = self.tried(&[], trials, None)?;
            }
            let Some(full) = &full else { return Ok(None) };
            let confirmed = self.against(full, &edits, trials)?;
            if let Some(confirmed) = confirmed.filter(|confirmed| confirmed.band < full.band) {
                return Ok(Some(confirmed));
            }
        }
        Ok(None)
    }

    /// Singles, and pairs and triples of the best, by cost; of equal costs the smaller set and then the larger effect first.
    fn sets(&self, helpful: &[Mitigation], screening: &Tried) -> Result<Vec<Vec<Edit>>, Vec<Diagnostic>> {
        let mut sets: Vec<Vec<Edit>> = helpful.iter().map(|single| single.edits.clone()).collect();
        let best = best(helpful);
        let together = if best.len() > 1 { self.against(screening, &best, screening.trials())? } else { None };
        if together.is_some_and(|together| together.band < screening.band) {
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
