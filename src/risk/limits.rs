//! What a result does not know, in the words that every format prints under it.
//!
//! What the number of trials and the horizon add is said by `report`, which formats their numbers.
//! Source: model.md §3.7 and "Limits the tool must print".

use crate::propagation::Simulation;

/// The limits of a simulation of faults that a user names.
pub fn simulation_limits() -> Vec<String> {
    common("Each trial has one episode of the faults")
}

/// The limits of an assessment; `n_changes` are in flight together.
pub fn limits(impact: Option<&Simulation>, n_changes: usize) -> Vec<String> {
    let mut said = common("Each trial has one fault episode of the change");
    said.extend(
        [
            "Experience, review and AI assistance count as multipliers that are judged, not measured at this team.",
            "No claim is made that AI assistance causes faults: the published rates only observe.",
            "Error budgets count as unspent.",
            "The lowest band means: no material risk found within what was assessed.",
        ]
        .map(str::to_owned),
    );
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
