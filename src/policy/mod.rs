//! From the numbers of an assessment to a verdict: band, floors, who has to sign, what is missing.
//!
//! Policy estimates nothing; it compares what `risk` found with the limits of a [`rules::Policy`], the one that ships or a team's
//! own (`file.rs`). Where an interval lies across a limit the stricter side counts. What must hold: a missing fact raises or marks, it never lowers;
//! missing input that leaves nothing to compare is "not assessed", never a pass. Source: model.md §3.5, §3.7.

mod advice;
pub mod approvals;
pub mod capacity;
mod code_owners;
pub mod condition;
mod cover;
pub mod file;
pub mod floor_rules;
mod floors;
pub mod freeze;
pub mod overrides;
pub mod rules;
pub mod sign_off;

use crate::change::codeowners::OwnedPath;
use crate::change::facts::Change;
use crate::change::team::Team;
use crate::model::System;
use crate::model::facts::Effect;
use crate::quality::DataQuality;
use crate::risk::assessment::{Band, Floor, Gate, SignOff, Signer, Verdict};
use crate::risk::ledger::Weekly;
use crate::risk::score::Risk;
use crate::statistics::{Estimate, Interval};
use crate::units::ServiceId;
use floor_rules::TOPOLOGY_EDITED;
use rules::{Policy, Requirement};

/// What a verdict is made from.
pub struct Facts<'a> {
    /// What is asked for.
    pub policy: &'a Policy,
    /// Files that decide about the change, such as that of the policy, as they were named.
    pub gate_files: &'a [String],
    /// What the topology before says, where a change edits the topology that it is judged by.
    pub earlier: Option<&'a Earlier>,
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
    /// Changed files that belong to no service, those aside that are never deployed.
    pub unmapped: &'a [String],
    /// Whether the changes consist of files that the policy says are never deployed, and of nothing else.
    pub is_never_deployed: bool,
    /// Changed files with their owners by the code host, where its file is known.
    pub owned_paths: &'a [OwnedPath],
    /// What the result rests on.
    pub quality: &'a DataQuality,
    /// Services with P(impaired | fault), descending.
    pub impaired: &'a [(ServiceId, f64)],
    /// Mean reach given the fault, with its interval; of several changes the largest.
    pub reach: Option<Estimate>,
    /// What the changes risk together with others of their week, where there are others.
    pub weekly: Option<Weekly>,
    /// Expected harm as it is reported; `None` when nothing could be simulated.
    pub risk: Option<&'a Risk>,
    /// The same at the confidence of the decision.
    pub decision: Option<&'a Risk>,
    /// Watched services with their share of the worst trials, at the confidence of the decision.
    pub worst: &'a [(ServiceId, Estimate)],
    /// Share of the trials in which harm went on at the horizon, at the confidence of the decision, and the horizon in minutes.
    pub censored: Option<(Estimate, f64)>,
    /// Roll-outs, ways back and containment are simulated, so that no sentence has to guess at them.
    pub are_mitigations_simulated: bool,
    /// P(the score is above a limit), given the spread of P(fault), at the confidence of the decision.
    pub p_score_above: &'a dyn Fn(f64) -> Estimate,
}

/// The stricter verdict by the topology as it was before a change edited it, or that none can be had.
#[derive(Debug, Clone, PartialEq)]
pub struct Earlier {
    /// The band by that topology.
    pub band: Band,
    /// What it asks for.
    pub requirement: Requirement,
    /// Why it counts, as a sentence.
    pub because: String,
    /// Services that are impaired by that topology alone: owner, name, and P(impaired | fault).
    pub harmed: Vec<(Option<String>, String, f64)>,
    /// Owners who have to sign by that topology alone.
    pub sign_off: Vec<SignOff>,
}

/// What the policy says.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// What band and rules ask for together.
    pub requirement: Requirement,
    /// Rules that fired.
    pub floors: Vec<Floor>,
    /// Who must sign, and who has.
    pub sign_off: Vec<SignOff>,
    /// The fewest people who can give what is missing.
    pub signers: Vec<Signer>,
    /// What the gate waits for.
    pub missing: Vec<String>,
    /// Overrides of the policy that do not count, with why, and how long reviews wait.
    pub notes: Vec<String>,
    /// What would help.
    pub advice: Vec<String>,
}

impl Facts<'_> {
    /// The effects of a service for which the policy asks for a simulation.
    fn effects_to_simulate(&self, service: ServiceId) -> impl Iterator<Item = Effect> {
        let effects = self.system.service(service).effects.iter().copied();
        effects.filter(|effect| self.policy.simulated_effects.contains(effect))
    }
}

/// Do a path as somebody named it and a path inside a repository mean the same file? The longer may lead to the shorter.
pub fn is_same_file(named: &str, inside: &str) -> bool {
    let named = named.trim_start_matches("./");
    let ends = |long: &str, short: &str| long.strip_suffix(short).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    !named.is_empty() && (ends(named, inside) || ends(inside, named))
}

/// The first file that decides about a change and that it edits itself.
pub fn edited_judge<'a>(gate_files: &'a [String], change: &Change) -> Option<&'a str> {
    let touched = || change.files.iter().flat_map(|file| file.touched_paths());
    let edited = gate_files.iter().find(|path| touched().any(|touched| is_same_file(path, touched)));
    edited.map(String::as_str)
}

/// Services whose part in the worst trials the policy asks for.
pub fn watched(policy: &Policy, system: &System, most: usize) -> Vec<ServiceId> {
    system.service_ids().filter(|id| system.service(*id).tier == Some(policy.critical_tier)).take(most).collect()
}

/// What `settled` in the contract means.
fn is_in_one_band(policy: &Policy, score: Interval) -> bool {
    policy.band(score.low) == policy.band(score.high)
}

/// Does no interval lie across a limit? Then more trials change nothing. This asks for more than `settled` in the verdict.
pub fn is_settled(
    policy: &Policy,
    decision: &Risk,
    worst: &[(ServiceId, Estimate)],
    p_score_above: impl Fn(f64) -> Estimate,
) -> bool {
    let one_side = |interval: Interval, limit: f64| (interval.low >= limit) == (interval.high >= limit);
    let score = decision.score.is_none_or(|score| is_in_one_band(policy, score.interval));
    let breach = |limit: &f64| decision.breach.is_none_or(|breach| one_side(breach.interval, *limit));
    let breach = policy.breach_limits.iter().all(breach);
    let next = decision.score.and_then(|score| policy.next_band(policy.band(score.interval.high)));
    let next = next.is_none_or(|(_, limit)| one_side(p_score_above(limit).interval, policy.escalation));
    score && breach && next && worst.iter().all(|(_, share)| one_side(share.interval, policy.worst_share))
}

/// The verdict.
pub fn decide(facts: &Facts<'_>) -> Decision {
    let policy = facts.policy;
    let floors = floors::floors(facts);
    let is_assessed = facts.n_unplaced == 0 && facts.risk.is_some_and(|risk| risk.score.is_some());
    let score = facts.risk.and_then(|risk| risk.score);
    // A policy that the change itself edits is not its only judge.
    let other = floors::other_judge(facts);
    let judges: Vec<&Policy> = [policy].into_iter().chain(&other).collect();
    let score_band =
        judges.iter().map(|judge| score.map_or(Band::Orange, |score| judge.band(score.mean))).fold(Band::Green, Band::max);
    let in_force = || floors.iter().filter(|floor| floor.is_in_force());
    let band = in_force().map(|floor| floor.raises_to).fold(score_band, Band::max);
    let by_band = judges.iter().map(|judge| judge.requirement(band)).fold(Requirement::default(), Requirement::and);
    let requirement = in_force().fold(by_band, |asked, floor| asked.and(asks(facts, floor)));
    let requirement =
        other.iter().flat_map(|other| in_force().map(|floor| asked_by(other, floor))).fold(requirement, Requirement::and);
    let besides =
        in_force().filter(|floor| floor.rule != TOPOLOGY_EDITED).map(|floor| floor.raises_to).fold(score_band, Band::max);
    let demand = sign_off::Demand { band, requirement, floors: &floors, is_raised_by_edit: besides < band };
    let (sign_off, mut missing) = sign_off::sign_off(facts, &demand);
    let signers = cover::signers(facts, &demand);
    let gate = match band {
        _ if requirement.blocked => Gate::Blocked,
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
        band_limits: policy.band_limits,
        settled: is_assessed && score.is_some_and(|score| is_in_one_band(policy, score.interval)),
        gate,
    };
    let advice = advice::advice(facts, band);
    Decision { verdict, requirement, floors, sign_off, signers, missing, advice, notes: notes(facts) }
}

/// What a rule that fired asks for besides its band.
fn asks(facts: &Facts<'_>, floor: &Floor) -> Requirement {
    if floor.rule == "simulation-missing" {
        return Requirement { simulated: true, ..Requirement::default() };
    }
    if floor.rule == TOPOLOGY_EDITED {
        return facts.earlier.map_or_else(Requirement::default, |earlier| earlier.requirement);
    }
    asked_by(facts.policy, floor)
}

/// What a rule of a policy's own asks for.
fn asked_by(policy: &Policy, floor: &Floor) -> Requirement {
    policy.rules.iter().find(|rule| rule.name == floor.rule).map_or_else(Requirement::default, |rule| rule.requirement)
}

/// Overrides that do not count are not passed over in silence; and whether reviewers can keep up.
fn notes(facts: &Facts<'_>) -> Vec<String> {
    let idle = facts.policy.overrides.iter().filter_map(|aside| Some((aside, aside.judge(facts).err()?)));
    let idle = idle.map(|(aside, why)| format!("the override of `{}` by {} does not count: {why}", aside.rule, aside.approver));
    idle.chain(capacity::sentence(facts)).collect()
}

/// What to add so that there is something to assess.
fn not_assessed(facts: &Facts<'_>) -> Vec<String> {
    let mut missing = Vec::new();
    if facts.n_unplaced > 0 {
        missing.push("name the services of the change, or add `paths` to the services that the files belong to; files that never get into \
             production belong under `not_deployed` of the policy"
                .to_owned());
    }
    if facts.system.journeys().is_empty() {
        missing
            .push("add a journey with `needs`, `users_per_minute` and `slo` to the topology: users cannot be counted".to_owned());
    } else if facts.risk.is_none_or(|risk| risk.score.is_none()) && !facts.services.is_empty() {
        missing.push("state `users_per_minute` and `slo` of the journeys: without a budget there is no score".to_owned());
    }
    missing
}
