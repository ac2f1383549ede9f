//! What an assessment does not know, in the words that are printed under it.
//!
//! Source: model.md §3.7 and "Limits the tool must print".

use crate::propagation::Simulation;

/// The limits of an assessment; `n_changes` are in flight together.
pub fn limits(impact: Option<&Simulation>, n_changes: usize) -> Vec<String> {
    let mut said: Vec<String> = [
        "Dependencies of one service are taken to fail independently of each other.",
        "Each trial has one fault episode of the change, with its common causes and wrong repairs; this is no forecast of availability.",
        "Load is not simulated: nobody gets slower because others retry.",
        "Experience, review and AI assistance count as multipliers that are judged, not measured at this team.",
        "No claim is made that AI assistance causes faults: the published rates only observe.",
        "Dependencies that nobody listed carry nothing here.",
        "Error budgets count as unspent.",
        "The lowest band means: no material risk found within what was assessed.",
    ]
    .map(str::to_owned)
    .to_vec();
    if let Some(impact) = impact {
        let (trials, bound) = (impact.trials, 1.0 - 0.05_f64.powf(1.0 / impact.trials.max(1) as f64));
        said.push(format!("What happened in none of {trials} trials can still have a chance of up to {:.3} %.", bound * 100.0));
    }
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
