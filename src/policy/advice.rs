//! What would make a change safer, from what is known about it.
//!
//! Sentences, not numbers. Where mitigations are simulated, these say how much roll-outs, ways back and containment would help, and no
//! sentence guesses at it. Only what is open is advised.

use super::{Facts, rules};
use crate::change::facts::{Change, TriState};
use crate::risk::assessment::Band;
use crate::risk::review::senior_review;

/// Changed lines from which splitting is advised (elicited).
const LARGE: u64 = 400;
/// Tested share of the changed lines below which more tests are advised (elicited).
const WELL_TESTED: f64 = 0.6;
/// Services from which splitting is advised (elicited).
const MANY_SERVICES: usize = 4;
/// P(impaired | fault) from which containment at a service is advised.
const LIKELY: f64 = 0.25;

/// Advice for a verdict, each sentence once.
pub(super) fn advice(facts: &Facts<'_>, band: Band) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    if facts.is_never_deployed {
        return said;
    }
    let is_simulated = facts.are_mitigations_simulated && band > Band::Green;
    for change in facts.changes {
        let mut add = |sentence: String| {
            if !said.contains(&sentence) {
                said.push(sentence);
            }
        };
        if !is_simulated {
            about_harm(change, &mut add);
        }
        about_change(facts, change, band, &mut add);
    }
    if !is_simulated
        && let Some((service, _)) = facts.impaired.iter().find(|(service, p)| *p >= LIKELY && !facts.services.contains(service))
    {
        let name = facts.system.service_name(*service);
        said.push(format!("contain the fault before {name}: a tested fallback or a buffer on its way (see the paths)"));
    }
    if facts.earlier.is_some() {
        said.push("review the edit of the topology as a change of its own: then one version judges this one".to_owned());
    }
    let quality = facts.quality;
    if quality.age_days.is_none_or(|days| days > facts.policy.stale_days) {
        said.push("refresh the topology and state `observed_at`".to_owned());
    }
    if quality.coverage.is_none_or(|coverage| coverage < facts.policy.least_coverage) {
        said.push("compare the topology with traces, add what is missing and state `coverage`".to_owned());
    }
    if !facts.unmapped.is_empty() {
        said.push("add `paths` to the services that the unmapped files belong to".to_owned());
    }
    said
}

/// How far a fault gets before it is taken back.
fn about_harm(change: &Change, add: &mut impl FnMut(String)) {
    if !change.rollout.is_some_and(|rollout| rules::is_gradual(rollout.strategy)) {
        add("roll out by canary, waves or flag instead of everywhere at once".to_owned());
    }
    if change.rollback_tested != TriState::Yes {
        let what = if change.destructive == TriState::Yes { "restoring what it destroys" } else { "the roll-back" };
        add(format!("test {what} before, and say so in the change file"));
    }
}

fn about_change(facts: &Facts<'_>, change: &Change, band: Band, add: &mut impl FnMut(String)) {
    match change.test_coverage {
        None => add("state how much of the changed lines tests cover: unknown counts as nothing".to_owned()),
        Some(share) if share < WELL_TESTED => add(format!("add tests: they cover {:.0} % of the changed lines", share * 100.0)),
        Some(_) => {}
    }
    if change.lines.is_some_and(|lines| lines > LARGE) || facts.services.len() >= MANY_SERVICES {
        add("split it into smaller changes, each rolled out on its own".to_owned());
    }
    if change.simulated != TriState::Yes && band >= Band::Orange {
        add("run it in a load test or a simulation before production".to_owned());
    }
    if change.agent_executes == TriState::Yes {
        add("let a person approve each action of the agent".to_owned());
    }
    if senior_review(change, facts.team).is_none() {
        add("ask a senior engineer who did not write it for a review".to_owned());
    }
    if change.ai_assisted.answer == TriState::Unknown {
        add("say whether an AI tool helped: unknown counts half in P(fault) and as yes for the sign-off".to_owned());
    }
}
