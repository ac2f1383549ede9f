//! The score of a change against the score of the same change after a what-if, on the same random numbers.
//!
//! Both scores are functions of mean harms (see [`score`](super::score)), whose sums are known by batches of trials. Leaving out one
//! batch on both sides at a time gives the interval of the difference (jackknife): what the trials share cancels, and logarithm, clip
//! and the maximum over journeys need no formula of their own. P(fault) is a number here: its spread is not sampling error.

use super::score::{WRONG_ANSWER_WEIGHT, budgets, score};
use crate::model::System;
use crate::propagation::Sample;
use crate::statistics::batch::jackknife;
use crate::statistics::{BatchSums, Estimate};

/// A change in flight, as one simulation knows it.
#[derive(Debug, Clone, Copy)]
pub struct SampledPart<'a> {
    /// P(fault | change).
    pub p: f64,
    /// The trials in which the fault happens.
    pub sample: &'a Sample,
}

/// Expected harm by journey as sums, ready to leave batches out.
struct Harm {
    /// For each journey with a budget: of each part P(fault)/budget, user-minutes, and minutes of wrong answers.
    journeys: Vec<Vec<(f64, BatchSums, BatchSums)>>,
}

impl Harm {
    fn new(system: &System, parts: &[SampledPart<'_>]) -> Self {
        let of = |(at, budget): (usize, Option<f64>)| {
            let budget = budget?;
            let terms = parts.iter().filter_map(|part| {
                let tally = part.sample.tally.journeys.get(at)?;
                Some((part.p / budget, tally.user_minutes.sums.clone(), tally.integrity_minutes.sums.clone()))
            });
            Some(terms.collect())
        };
        Self { journeys: budgets(system).into_iter().enumerate().filter_map(of).collect() }
    }

    /// The score without a batch. Sums are in thousandths of user-minutes.
    fn score(&self, without: Option<usize>, trials: u64) -> f64 {
        let share = |terms: &Vec<(f64, BatchSums, BatchSums)>| -> f64 {
            let harm = terms.iter().map(|(weight, lost, wrong)| {
                let mean = lost.mean_without(without, trials) + WRONG_ANSWER_WEIGHT * wrong.mean_without(without, trials);
                weight * mean / 1_000.0
            });
            harm.sum()
        };
        score(self.journeys.iter().map(share).fold(0.0, f64::max))
    }
}

/// Score after minus score before, over so many trials of each; `None` where a side has no journey with a budget.
pub fn score_difference(
    before: (&System, &[SampledPart<'_>]),
    after: (&System, &[SampledPart<'_>]),
    (trials, confidence): (u64, f64),
) -> Option<Estimate> {
    let [before, after] = [before, after].map(|(system, parts)| Harm::new(system, parts));
    if before.journeys.is_empty() || after.journeys.is_empty() {
        return None;
    }
    let difference = |without| after.score(without, trials) - before.score(without, trials);
    Some(jackknife(trials, confidence, difference))
}
