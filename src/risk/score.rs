//! How much harm is to be expected from a change, as one number.
//!
//! Harm of a journey is user-minutes lost plus wrong answers at weight 1: `E[H_j]` = Σ_i P(fault_i)·`E[H_j | fault_i]` over the changes
//! in flight. With the error budget B_j of a window, x = max_j `E[H_j]`/B_j and score = clip(20·(log10 x + 4), 0, 100): 20 is 0.1 % of
//! a budget, 80 all of it. The maximum is deliberate: a small journey must not vanish in the total. P(breach) is
//! 1 − Π(1 − P(fault_i)·P(some journey exceeds what remains of its budget | fault_i)).
//!
//! The interval of the score is sampling error only; the spread of P(fault) enters in [`p_score_above`]. Faults of several
//! changes at the same time are added up, which overstates what they share. The score is over whole budgets; a breach is a loss above
//! what remains of one, and budgets of which nothing is known count as unspent. Source: model.md §3.5.

use super::assessment::{JourneyRisk, Remaining};
use super::chance::Chance;
use crate::model::System;
use crate::model::system::ResolvedJourney;
use crate::propagation::result::{Method, Simulation, Summary};
use crate::propagation::run::budget;
use crate::statistics::batch::BATCHES;
use crate::statistics::{Estimate, Interval, clopper_pearson, normal};
use crate::units::ServiceId;

/// Weight of a user-minute of wrong answers against one of no answer (elicited).
pub const WRONG_ANSWER_WEIGHT: f64 = 1.0;
/// Level of the intervals that a simulation reports.
const REPORTED: f64 = 0.95;

/// A change in flight: the chance of its fault, and what the fault would do.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// P(fault | change).
    pub chance: &'a Chance,
    /// What the fault does.
    pub impact: &'a Simulation,
}

/// Expected harm.
#[derive(Debug, Clone, PartialEq)]
pub struct Risk {
    /// The score with the sampling error at 95 %; `None` where no journey has a budget.
    pub score: Option<Estimate>,
    /// P(breach), likewise.
    pub breach: Option<Estimate>,
    /// By journey, in file order.
    pub journeys: Vec<JourneyRisk>,
    /// Over all journeys whose traffic is known; `None` where it is of none, and where nothing was simulated.
    pub expected_user_minutes: Option<Estimate>,
}

/// What nothing that gets into production risks.
pub fn no_risk() -> Risk {
    Risk {
        score: Some(Estimate::ZERO),
        breach: Some(Estimate::ZERO),
        journeys: Vec::new(),
        expected_user_minutes: Some(Estimate::ZERO),
    }
}

/// The score of an expected share of an error budget.
pub fn score(budget_share: f64) -> f64 {
    if budget_share <= 0.0 { 0.0 } else { (20.0 * (libm::log10(budget_share) + 4.0)).clamp(0.0, 100.0) }
}

/// The score before it is cut at 0 and 100, at least `lowest`: what is beyond the scale can still be more or less.
pub fn open_score(budget_share: f64, lowest: f64) -> f64 {
    if budget_share <= 0.0 { lowest } else { (20.0 * (libm::log10(budget_share) + 4.0)).max(lowest) }
}

/// The share of an error budget behind a score above 0.
pub fn budget_share(score: f64) -> f64 {
    libm::pow(10.0, score / 20.0 - 4.0)
}

/// The budgets of all journeys in user-minutes, as a simulation takes them.
pub fn budgets(system: &System) -> Vec<Option<f64>> {
    system.journeys().iter().map(|journey| budget(&journey.facts).filter(|budget| *budget > 0.0)).collect()
}

/// The share of the error budget of a journey that remains, from 0 to 1; `None` where that is not known or there is no budget.
fn remaining_share(journey: &ResolvedJourney) -> Option<Remaining> {
    budget(&journey.facts).filter(|budget| *budget > 0.0)?;
    journey.spent.map(|spent| Remaining { share: (1.0 - spent.share).clamp(0.0, 1.0), is_current: spent.doubt.is_none() })
}

/// What remains of the budgets of all journeys in user-minutes: (1 − spent share)·B, at least 0. A loss above it is a breach, so a
/// journey whose budget is spent breaches on any loss.
pub fn remaining(system: &System) -> Vec<Option<f64>> {
    let shares = system.journeys().iter().map(|journey| remaining_share(journey).map_or(1.0, |remaining| remaining.share));
    budgets(system).into_iter().zip(shares).map(|(budget, share)| budget.map(|budget| budget * share)).collect()
}

/// Expected harm, with intervals of this confidence.
pub fn risk(system: &System, parts: &[Part<'_>], confidence: f64) -> Risk {
    let journeys = journeys(system, parts, confidence);
    let worst = |pick: fn(&Estimate) -> f64| {
        let shares =
            journeys.iter().zip(budgets(system)).filter_map(|(risk, budget)| Some(pick(&risk.expected_user_minutes?) / budget?));
        shares.fold(None, |worst: Option<f64>, share| Some(worst.map_or(share, |worst| worst.max(share))))
    };
    let score_of = |pick| worst(pick).map(score);
    let score = match (score_of(|e| e.mean), score_of(|e| e.interval.low), score_of(|e| e.interval.high)) {
        (Some(mean), Some(low), Some(high)) => Some(Estimate { mean, interval: Interval { low, high } }),
        _ => None,
    };
    let user_minutes = || {
        parts.iter().fold(Estimate::ZERO, |sum, part| {
            let wrong = part.impact.journeys.iter().map(|journey| &journey.integrity_minutes);
            let lost = part.impact.user_minutes.iter();
            plus(sum, expected(part, lost.chain(wrong), confidence))
        })
    };
    let counts_users = journeys.iter().any(|journey| journey.expected_user_minutes.is_some());
    Risk {
        score,
        breach: score.map(|_| breach(system, parts, confidence)),
        journeys,
        expected_user_minutes: counts_users.then(user_minutes),
    }
}

/// Sums of means; the intervals are added up, which holds whatever the dependence.
fn plus(a: Estimate, b: Estimate) -> Estimate {
    let interval = Interval { low: a.interval.low + b.interval.low, high: (a.interval.high + b.interval.high).min(f64::MAX) };
    Estimate { mean: a.mean + b.mean, interval }
}

/// P(fault) × the sum of some harms, wrong answers at their weight (which is 1).
fn expected<'a>(part: &Part<'_>, harms: impl Iterator<Item = &'a Summary>, confidence: f64) -> Estimate {
    let p = part.chance.estimate.mean;
    let sum = harms.fold(Estimate::ZERO, |sum, harm| plus(sum, widened(harm.mean, part.impact, confidence)));
    let high = if sum.interval.is_unknown() { f64::MAX } else { p * sum.interval.high };
    Estimate { mean: p * sum.mean, interval: Interval { low: p * sum.interval.low, high } }
}

/// An interval by batch means at another confidence.
fn widened(mean: Estimate, impact: &Simulation, confidence: f64) -> Estimate {
    if mean.interval.is_unknown() || impact.method == Method::Exact || impact.trials < 2 || confidence == REPORTED {
        return mean;
    }
    let degrees = (impact.trials.min(BATCHES as u64) - 1) as f64;
    let t = |confidence: f64| -normal::student_t_quantile(0.5 * (1.0 - confidence), degrees);
    let side = |side: f64| side * t(confidence) / t(REPORTED);
    let low = (mean.mean - side(mean.mean - mean.interval.low)).max(0.0);
    Estimate { mean: mean.mean, interval: Interval { low, high: mean.mean + side(mean.interval.high - mean.mean) } }
}

fn weighted(summary: &Summary) -> Summary {
    let mean = summary.mean;
    let high = (mean.interval.high * WRONG_ANSWER_WEIGHT).min(f64::MAX);
    let interval = Interval { low: mean.interval.low * WRONG_ANSWER_WEIGHT, high };
    let standard_deviation = summary.standard_deviation * WRONG_ANSWER_WEIGHT;
    Summary { mean: Estimate { mean: mean.mean * WRONG_ANSWER_WEIGHT, interval }, standard_deviation, ..*summary }
}

fn journeys(system: &System, parts: &[Part<'_>], confidence: f64) -> Vec<JourneyRisk> {
    let budgets = budgets(system);
    let journeys = system.journeys().iter().enumerate().map(|(at, journey)| {
        let is_known = journey.is_traffic_known() && !parts.is_empty();
        let user_minutes = || {
            parts.iter().fold(Estimate::ZERO, |sum, part| match part.impact.journeys.get(at) {
                Some(harm) => {
                    let wrong = weighted(&harm.integrity_minutes);
                    plus(sum, expected(part, [&harm.user_minutes, &wrong].into_iter(), confidence))
                }
                None => sum,
            })
        };
        let expected_user_minutes = is_known.then(user_minutes);
        let budget_share = expected_user_minutes.zip(budgets[at]).map(|(lost, budget)| lost.mean / budget);
        JourneyRisk { name: journey.name.clone(), expected_user_minutes, budget_share, remaining: remaining_share(journey) }
    });
    journeys.collect()
}

fn breach(system: &System, parts: &[Part<'_>], confidence: f64) -> Estimate {
    let given_fault: Vec<Estimate> = parts.iter().map(|part| breach_given_fault(system, part.impact, confidence)).collect();
    let join = |pick: fn(&Estimate) -> f64| {
        1.0 - parts.iter().zip(&given_fault).map(|(part, breach)| 1.0 - part.chance.estimate.mean * pick(breach)).product::<f64>()
    };
    let interval = Interval { low: join(|breach| breach.interval.low), high: join(|breach| breach.interval.high) };
    Estimate { mean: join(|breach| breach.mean), interval }
}

/// P(some journey exceeds what remains of its budget | fault). The engine counts lost user-minutes only; wrong answers alone are known by their
/// quantiles, which give a lower bound.
fn breach_given_fault(system: &System, impact: &Simulation, confidence: f64) -> Estimate {
    let counted = impact.watched.breach.map_or(Estimate::ZERO, |breach| share_at_confidence(breach, impact, confidence));
    let by_wrong_answers = impact.journeys.iter().zip(remaining(system)).filter_map(|(journey, budget)| {
        let (budget, wrong) = (budget? / WRONG_ANSWER_WEIGHT, &journey.integrity_minutes);
        let ladder =
            [(0.5, wrong.p50), (0.1, wrong.p90), (0.05, wrong.p95), (0.01, wrong.p99)].map(|(p, quantile)| (p, quantile.value));
        ladder.into_iter().find(|(_, quantile)| *quantile > budget).map(|(p, _)| p)
    });
    let least = by_wrong_answers.fold(0.0, f64::max);
    if least <= counted.mean {
        return counted;
    }
    let interval = Interval { low: counted.interval.low.max(least), high: counted.interval.high.max(least) };
    Estimate { mean: least, interval }
}

/// A share of trials at another confidence.
pub(crate) fn share_at_confidence(share: Estimate, impact: &Simulation, confidence: f64) -> Estimate {
    if impact.method == Method::Exact {
        return share;
    }
    let count = (share.mean * impact.trials as f64).round() as u64;
    Estimate { mean: share.mean, interval: clopper_pearson(count.min(impact.trials), impact.trials, confidence) }
}

/// For each watched service the share of the worst 5 % of the trials in which it is impaired; over several changes the largest.
pub fn impaired_in_worst(parts: &[Part<'_>], confidence: f64) -> Vec<(ServiceId, Estimate)> {
    let mut worst: Vec<(ServiceId, Estimate)> = Vec::new();
    for part in parts {
        let trials = (part.impact.trials as f64 * 0.05).ceil().max(1.0) as u64;
        for (service, share) in &part.impact.watched.impaired_in_worst {
            let count = ((share * trials as f64).round() as u64).min(trials);
            let estimate = Estimate { mean: *share, interval: clopper_pearson(count, trials, confidence) };
            match worst.iter_mut().find(|(known, _)| known == service) {
                Some((_, known)) if known.mean >= estimate.mean => {}
                Some((_, known)) => *known = estimate,
                None => worst.push((*service, estimate)),
            }
        }
    }
    worst
}

/// For each service that can be impaired, P(impaired | a fault), descending; over several changes the largest.
pub fn impaired(parts: &[Part<'_>]) -> Vec<(ServiceId, f64)> {
    let mut found: std::collections::BTreeMap<ServiceId, f64> = std::collections::BTreeMap::new();
    for result in parts.iter().flat_map(|part| &part.impact.services).filter(|result| result.impaired.mean > 0.0) {
        let p = found.entry(result.service).or_insert(0.0);
        *p = p.max(result.impaired.mean);
    }
    let mut all: Vec<(ServiceId, f64)> = found.into_iter().collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all
}

/// P(the score is above a limit), given the spread of P(fault); several changes share their quantile, the cautious reading. The
/// interval is what the sampling error of the harms leaves open at this confidence.
pub fn p_score_above(system: &System, parts: &[Part<'_>], limit: f64, confidence: f64) -> Estimate {
    let p = |pick: fn(&Estimate) -> f64| {
        let harms = parts.iter().map(|part| shares_given_fault(system, part.impact, confidence, pick)).collect();
        p_share_above(parts, harms, budget_share(limit))
    };
    Estimate {
        mean: p(|harm| harm.mean),
        interval: Interval { low: p(|harm| harm.interval.low), high: p(|harm| harm.interval.high) },
    }
}

/// The same of shares of budgets, for harms that are known: of each part by journey.
fn p_share_above(parts: &[Part<'_>], per_fault: Vec<Vec<f64>>, target: f64) -> f64 {
    if let ([part], [shares]) = (parts, per_fault.as_slice()) {
        let largest = shares.iter().copied().fold(0.0, f64::max);
        return if largest > 0.0 { 1.0 - part.chance.belief.cumulative(target / largest) } else { 0.0 };
    }
    let share_at = |q: f64| {
        let ps: Vec<f64> = parts.iter().map(|part| part.chance.belief.quantile(q)).collect();
        let journeys = per_fault.iter().map(Vec::len).max().unwrap_or(0);
        let sum =
            |at: usize| ps.iter().zip(&per_fault).map(|(p, shares)| p * shares.get(at).copied().unwrap_or(0.0)).sum::<f64>();
        (0..journeys).map(sum).fold(0.0, f64::max)
    };
    // The share rises with the common quantile: twenty halvings find it to 1e-6.
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..20 {
        let middle = 0.5 * (low + high);
        if share_at(middle) > target { high = middle } else { low = middle }
    }
    1.0 - 0.5 * (low + high)
}

/// E[harm | fault] over the budget, by journey; 0 without a budget. Of the estimate this or that end.
fn shares_given_fault(system: &System, impact: &Simulation, confidence: f64, pick: fn(&Estimate) -> f64) -> Vec<f64> {
    let harms = impact.journeys.iter().map(|journey| {
        let harms = [&journey.user_minutes, &journey.integrity_minutes];
        let [lost, wrong] = harms.map(|harm| pick(&widened(harm.mean, impact, confidence)));
        lost + WRONG_ANSWER_WEIGHT * wrong
    });
    // An end that nobody knows is beyond all numbers.
    harms.zip(budgets(system)).map(|(harm, budget)| budget.map_or(0.0, |budget| (harm / budget).min(f64::MAX))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v45_score() {
        let x = 0.05 * 2e6 / 4.32e7;
        assert!((x - 0.002_314_8_f64).abs() < 5e-8);
        assert!((score(x) - 27.290).abs() < 5e-4, "{}", score(x));
        assert!((score(x) - 20.0 * (x.log10() + 4.0)).abs() < 1e-9);
    }

    #[test]
    fn scores_are_clipped_and_reversed() {
        assert_eq!((score(0.0), score(1e-9), score(1e9)), (0.0, 0.0, 100.0));
        for value in [0.1, 20.0, 40.0, 60.0, 80.0] {
            assert!((score(budget_share(value)) - value).abs() < 1e-9);
        }
        assert!((budget_share(60.0) - 0.1).abs() < 1e-15);
    }
}
