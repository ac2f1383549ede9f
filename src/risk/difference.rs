//! The score of a change against the score of the same change after a what-if, on the same random numbers.
//!
//! Both scores are functions of mean harms (see [`score`](super::score)), whose sums are known by batches of trials. Leaving out one
//! batch on both sides at a time gives the interval of the difference (jackknife): what the trials share cancels, and logarithm and
//! the maximum over journeys need no formula of their own. P(fault) is a number here: its spread is not sampling error.
//!
//! Scores are compared before they are cut at 100 and, where both sides have harm, at 0: two changes beyond an end of the scale are
//! not the same, and a mitigation of the worst one must not look idle. Where a side has no harm at all its score is 0, the end.
//!
//! Where no trial of a side has any harm, its batches all agree on 0 and would make it certain. What was not seen can happen all the
//! same: at confidence c its chance is below 1 − ((1 − c)/2)^(1/N), and the interval reaches to the score of the largest harm that one
//! trial of the other side has, at that chance.

use super::score::{WRONG_ANSWER_WEIGHT, budgets, open_score};
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
    /// The largest share of a budget that one trial takes, P(fault) included.
    largest: f64,
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
        let of_trial = |(at, budget): (usize, Option<f64>)| {
            let of_part = |part: &SampledPart<'_>| {
                let tally = part.sample.tally.journeys.get(at)?;
                let minutes = tally.user_minutes.histogram.largest() as f64
                    + WRONG_ANSWER_WEIGHT * tally.integrity_minutes.histogram.largest() as f64;
                Some(part.p * minutes / 1_000.0 / budget?)
            };
            parts.iter().filter_map(of_part).sum::<f64>()
        };
        let largest = budgets(system).into_iter().enumerate().map(of_trial).fold(0.0, f64::max);
        Self { largest, journeys: budgets(system).into_iter().enumerate().filter_map(of).collect() }
    }

    /// The score without a batch, at least `lowest`. Sums are in thousandths of user-minutes.
    fn score(&self, without: Option<usize>, trials: u64, lowest: f64) -> f64 {
        let share = |terms: &Vec<(f64, BatchSums, BatchSums)>| -> f64 {
            let harm = terms.iter().map(|(weight, lost, wrong)| {
                let mean = lost.mean_without(without, trials) + WRONG_ANSWER_WEIGHT * wrong.mean_without(without, trials);
                weight * mean / 1_000.0
            });
            harm.sum()
        };
        open_score(self.journeys.iter().map(share).fold(0.0, f64::max), lowest)
    }

    /// Below this no score is told from another: 0 where a side has no harm or both scores are above it, else a tenth of the smaller
    /// harm, so that no batch is infinitely far away.
    fn lowest(sides: [&Self; 2], trials: u64) -> f64 {
        let [a, b] = sides.map(|side| side.score(None, trials, f64::NEG_INFINITY));
        if a.min(b).is_finite() && a.min(b) < 0.0 { a.min(b) - 20.0 } else { 0.0 }
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
    let lowest = Harm::lowest([&before, &after], trials);
    let difference = |without| after.score(without, trials, lowest) - before.score(without, trials, lowest);
    let mut found = jackknife(trials, confidence, difference);
    let whole = [&before, &after].map(|side| side.score(None, trials, lowest));
    let p_unseen = 1.0 - libm::pow(0.5 * (1.0 - confidence), 1.0 / trials.max(1) as f64);
    let unseen = |other: &Harm| open_score(other.largest * p_unseen, 0.0);
    match whole {
        [seen, after] if after == 0.0 && seen > 0.0 => found.interval.high = found.interval.high.max(unseen(&before) - seen),
        [before, seen] if before == 0.0 && seen > 0.0 => found.interval.low = found.interval.low.min(seen - unseen(&after)),
        _ => {}
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, FaultKind, Scenario};
    use crate::model::Compact;
    use crate::propagation::{Request, sampled};
    use crate::risk::testing::{arcs, build, journey};

    const TRIALS: u64 = 2_048;

    /// A shop that fails with its payment with this probability.
    fn shop(crosses: f64) -> (System, Sample) {
        let mut draft = arcs(&[("pay", "shop", crosses)]);
        draft.journeys.push(journey("shop", 100.0, 99.9));
        let system = build(draft);
        let compact = Compact::new(&system);
        let scenario = Scenario::new(&system, &compact, &[Fault::new(FaultKind::Crash, "pay")], None).expect("a scenario");
        let question = Request { trials: TRIALS, ..Request::default() };
        let (sample, _) = sampled(&system, &compact, &scenario, &question, None).expect("sampled");
        (system, sample)
    }

    /// P(fault) so large, or so small, that both scores stand at an end of the scale.
    #[test]
    fn beyond_the_scale_there_is_still_more_and_less() {
        let [often, seldom] = [0.9, 0.2].map(shop);
        let between = |p: f64| {
            let parts = [&often, &seldom].map(|(_, sample)| [SampledPart { p, sample }]);
            score_difference((&often.0, &parts[0]), (&seldom.0, &parts[1]), (TRIALS, 0.95)).expect("a score")
        };
        let inside = between(0.1);
        assert!(inside.interval.high < -10.0, "{inside:?}");
        for p in [1e6, 1e-9] {
            let outside = between(p);
            assert!((outside.mean - inside.mean).abs() < 1e-9, "{p}: {outside:?} {inside:?}");
            assert!((outside.interval.high - inside.interval.high).abs() < 1e-6, "{p}: {outside:?} {inside:?}");
        }
    }

    #[test]
    fn what_no_trial_showed_is_not_certain() {
        let [often, seldom, never] = [0.9, 0.2, 1e-9].map(shop);
        let parts = [&often, &seldom, &never].map(|(_, sample)| [SampledPart { p: 0.1, sample }]);
        let against = |at: usize| {
            let systems = [&often.0, &seldom.0, &never.0];
            score_difference((systems[0], &parts[0]), (systems[at], &parts[at]), (TRIALS, 0.95)).expect("a score")
        };
        let seen = against(1);
        assert!(seen.interval.high - seen.mean < 3.0, "{seen:?}");
        let unseen = against(2);
        // At most 0.18 % of the trials, each with the largest harm: at the very least a twentieth of what was.
        assert!(unseen.interval.high > unseen.mean + 10.0 && unseen.interval.high < 0.0, "{unseen:?}");
        let back = score_difference((&never.0, &parts[2]), (&often.0, &parts[0]), (TRIALS, 0.95)).expect("a score");
        assert!((back.interval.low + unseen.interval.high).abs() < 1e-9, "{back:?} {unseen:?}");
    }
}
