//! What a result does not know, in the words that every format prints under it.
//!
//! What the number of trials and the horizon add is said by `report`, which formats their numbers.
//! Source: model.md §3.7 and "Limits the tool must print".

use super::assessment::JourneyRisk;
use crate::propagation::Simulation;

/// Most journeys that a sentence names.
const MOST_NAMES: usize = 5;

/// The limits of a simulation of faults that a user names.
pub fn simulation_limits() -> Vec<String> {
    common("Each trial has one episode of the faults")
}

/// The limits of an assessment; `n_changes` are in flight together.
pub fn limits(impact: Option<&Simulation>, n_changes: usize, journeys: &[JourneyRisk]) -> Vec<String> {
    let mut said = common("Each trial has one fault episode of the change");
    said.extend(
        [
            "Experience, review and AI assistance count as multipliers that are judged, not measured at this team.",
            "No claim is made that AI assistance causes faults: the published rates only observe.",
        ]
        .map(str::to_owned),
    );
    said.extend(budgets(journeys));
    said.push("The lowest band means: no material risk found within what was assessed.".to_owned());
    if impact.is_some_and(|impact| impact.journeys.iter().any(|journey| journey.integrity_minutes.mean.mean > 0.0)) {
        said.push("The chance of a breach by wrong answers is a lower bound, taken from quantiles.".to_owned());
    }
    if n_changes > 1 {
        said.push(
            "Changes in flight: expected harm is the sum over the changes; the impact shows all of their faults at once."
                .to_owned(),
        );
    }
    said
}

/// Which error budgets count as unspent because nobody says, and which as partly spent because somebody does.
fn budgets(journeys: &[JourneyRisk]) -> Vec<String> {
    let with_budget = || journeys.iter().filter(|journey| journey.budget_share.is_some());
    let unknown: Vec<String> =
        with_budget().filter(|journey| journey.remaining.is_none()).map(|journey| journey.name.clone()).collect();
    let known = with_budget().filter_map(|journey| {
        let remaining = journey.remaining?;
        let doubt = if remaining.is_current { "" } else { ", not known as of the change" };
        Some(format!("{} ({:.0} % spent{doubt})", journey.name, 100.0 * (1.0 - remaining.share)))
    });
    let known: Vec<String> = known.collect();
    let mut said = Vec::new();
    if !known.is_empty() {
        said.push(format!("Error budgets count as far as they are stated to be spent: {}.", listed(&known)));
    }
    match (known.is_empty(), unknown.is_empty()) {
        (true, _) => said.push("Error budgets count as unspent.".to_owned()),
        (false, false) => said.push(format!("Error budgets count as unspent: {}.", listed(&unknown))),
        (false, true) => {}
    }
    said
}

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > MOST_NAMES { format!("{shown} and {} more", names.len() - MOST_NAMES) } else { shown }
}

/// What holds for every simulation.
fn common(episode: &str) -> Vec<String> {
    vec![
        "Dependencies of one service are taken to fail independently of each other.".to_owned(),
        "Dependencies that nobody listed carry nothing here.".to_owned(),
        format!("{episode}, with its common causes and wrong repairs; this is no forecast of availability."),
        "Load is a flow without queues; only services that state a `load` can be overloaded, and none without a clock."
            .to_owned(),
    ]
}
