//! From the numbers of an assessment to a verdict: band, floors, who has to sign, what is missing.
//!
//! Policy estimates nothing; it compares what `risk` found with the limits in [`rules`]. Where an interval lies across a limit the
//! stricter side counts. What must hold: a missing fact raises or marks, it never lowers;
//! missing input that leaves nothing to compare is "not assessed", never a pass. Source: model.md §3.5, §3.7.

mod advice;
mod floors;
pub mod rules;
mod sign_off;

use crate::change::facts::Change;
use crate::change::team::Team;
use crate::model::System;
use crate::quality::DataQuality;
use crate::risk::assessment::{Band, Floor, Gate, SignOff, Verdict};
use crate::risk::score::Risk;
use crate::statistics::{Estimate, Interval};
use crate::units::ServiceId;

/// What a verdict is made from.
pub struct Facts<'a> {
    /// The system.
    pub system: &'a System,
    /// The changes in flight.
    pub changes: &'a [&'a Change],
    /// Who people are.
    pub team: &'a Team,
    /// Services that the changes land on.
    pub services: &'a [ServiceId],
    /// Changes of which nobody knows where they land.
    pub n_unplaced: usize,
    /// Changed files that belong to no service.
    pub unmapped: &'a [String],
    /// What the result rests on.
    pub quality: &'a DataQuality,
    /// Services with P(impaired | fault), descending.
    pub impaired: &'a [(ServiceId, f64)],
    /// Expected harm as it is reported; `None` when nothing could be simulated.
    pub risk: Option<&'a Risk>,
    /// The same at the confidence of the decision.
    pub decision: Option<&'a Risk>,
    /// Watched services with their share of the worst trials, at the confidence of the decision.
    pub worst: &'a [(ServiceId, Estimate)],
    /// Share of the trials in which harm went on at the horizon, and the horizon in minutes.
    pub censored: Option<(f64, f64)>,
    /// Roll-outs, ways back and containment are simulated, so that no sentence has to guess at them.
    pub are_mitigations_simulated: bool,
    /// P(the score is above a limit), given the spread of P(fault).
    pub p_score_above: &'a dyn Fn(f64) -> f64,
}

/// What the policy says.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// Rules that fired.
    pub floors: Vec<Floor>,
    /// Who must sign, and who has.
    pub sign_off: Vec<SignOff>,
    /// What the gate waits for.
    pub missing: Vec<String>,
    /// What would help.
    pub advice: Vec<String>,
}

/// Services whose part in the worst trials the policy asks for.
pub fn watched(system: &System, most: usize) -> Vec<ServiceId> {
    system.service_ids().filter(|id| system.service(*id).tier == Some(rules::CRITICAL_TIER)).take(most).collect()
}

/// What `settled` in the contract means.
fn is_in_one_band(score: Interval) -> bool {
    rules::band(score.low) == rules::band(score.high)
}

/// Does no interval lie across a limit? Then more trials change nothing. This asks for more than `settled` in the verdict.
pub fn is_settled(decision: &Risk, worst: &[(ServiceId, Estimate)]) -> bool {
    let one_side = |interval: Interval, limit: f64| (interval.low >= limit) == (interval.high >= limit);
    let score = decision.score.is_none_or(|score| is_in_one_band(score.interval));
    let breach = rules::BREACH_LIMITS.iter().all(|limit| one_side(decision.breach.interval, *limit));
    score && breach && worst.iter().all(|(_, share)| one_side(share.interval, rules::WORST_SHARE))
}

/// The verdict.
pub fn decide(facts: &Facts<'_>) -> Decision {
    let floors = floors::floors(facts);
    let is_assessed = facts.n_unplaced == 0 && facts.risk.is_some_and(|risk| risk.score.is_some());
    let score = facts.risk.and_then(|risk| risk.score);
    let score_band = score.map_or(Band::Orange, |score| rules::band(score.mean));
    let band = floors.iter().map(|floor| floor.raises_to).fold(score_band, Band::max);
    let (sign_off, mut missing) = sign_off::sign_off(facts, band, &floors);
    let gate = match band {
        Band::Red => Gate::Blocked,
        _ if !is_assessed => Gate::NotAssessed,
        _ if missing.is_empty() => Gate::Pass,
        _ => Gate::SignOffRequired,
    };
    if !is_assessed {
        missing.splice(0..0, not_assessed(facts));
    }
    let verdict = Verdict {
        band,
        score_band,
        score: score.map_or(0.0, |score| score.mean),
        interval: score.map_or(Interval { low: 0.0, high: 100.0 }, |score| score.interval),
        settled: is_assessed && score.is_some_and(|score| is_in_one_band(score.interval)),
        gate,
    };
    let advice = advice::advice(facts, band);
    Decision { verdict, floors, sign_off, missing, advice }
}

/// What to add so that there is something to assess.
fn not_assessed(facts: &Facts<'_>) -> Vec<String> {
    let mut missing = Vec::new();
    if facts.n_unplaced > 0 {
        missing.push("name the services of the change, or add `paths` to the services that the files belong to".to_owned());
    }
    if facts.system.journeys().is_empty() {
        missing
            .push("add a journey with `needs`, `users_per_minute` and `slo` to the topology: users cannot be counted".to_owned());
    } else if facts.risk.is_none_or(|risk| risk.score.is_none()) && !facts.services.is_empty() {
        missing.push("state `users_per_minute` and `slo` of the journeys: without a budget there is no score".to_owned());
    }
    missing
}
