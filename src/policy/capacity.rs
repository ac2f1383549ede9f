//! Whether those who sign can keep up: the queue of senior reviews as M/M/c.
//!
//! a = changes per hour × review time is the offered load in Erlang; so many seniors, each with some hours of review a day, are
//! seniors × those hours / working hours servers. Beyond that the queue grows without end, and a rule that cannot be kept adds delay and
//! no safety. What must hold: servers count whole for the wait, which so is no promise too good. Source: model.md §7.

use super::Facts;
use super::file::wrong;
use crate::change::facts::Level;
use crate::diagnostic::Diagnostic;
use crate::document::{DurationText, Marked, Percent};
use crate::statistics::erlang::mean_wait;
use schemars::JsonSchema;

/// What a policy file says of the people who review.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Capacity {
    /// Changes that ask for a senior review, per working day.
    pub changes_per_day: f64,
    /// Hours of a working day.
    pub working_hours: f64,
    /// Minutes of one review.
    pub review_minutes: f64,
    /// Hours a day that a senior has for reviews.
    pub review_hours: f64,
    /// Seniors; those of the team file where absent.
    pub seniors: Option<u32>,
    /// Share of the changes that is signed where only the riskiest are.
    pub riskiest: f64,
}

impl Capacity {
    /// Offered load in Erlang where this share of the changes is reviewed.
    fn offered(&self, share: f64) -> f64 {
        share * self.changes_per_day / self.working_hours * self.review_minutes / 60.0
    }

    /// Mean wait in minutes; `None` where the queue grows without end.
    fn wait(&self, share: f64, servers: f64) -> Option<f64> {
        // At most some thousand people; the queue of a larger company is several queues.
        mean_wait(servers.floor().min(10_000.0) as u32, self.offered(share), self.review_minutes)
    }
}

/// What the report says about the queue.
pub(super) fn sentence(facts: &Facts<'_>) -> Option<String> {
    let capacity = facts.policy.capacity?;
    let members = facts.team.people.iter().filter(|member| member.level == Level::Senior).count();
    let seniors = match capacity.seniors {
        Some(seniors) => f64::from(seniors),
        None if facts.team.people.is_empty() => {
            return Some("how many can review is not known: there is no team file".to_owned());
        }
        None => members as f64,
    };
    let servers = seniors * capacity.review_hours / capacity.working_hours;
    let (load, share) = (capacity.offered(1.0), 100.0 * capacity.riskiest);
    let minutes = |wait: f64| if wait < 10.0 { format!("{wait:.1} min") } else { format!("{wait:.0} min") };
    let riskiest = match capacity.wait(capacity.riskiest, servers) {
        Some(wait) => format!("signing only the riskiest {share:.0} % they wait {} in the mean", minutes(wait)),
        None => format!("the riskiest {share:.0} % alone are too many, too"),
    };
    let whole = match capacity.wait(1.0, servers) {
        Some(wait) => format!("they wait {} in the mean", minutes(wait)),
        None => "the queue grows without end".to_owned(),
    };
    Some(format!(
        "senior reviews of all changes are {load:.1} Erlang for {servers:.1} reviewers at work: {whole}; {riskiest} (M/M/c, as the policy \
         states the numbers)"
    ))
}

/// Reviews and those who give them.
#[derive(Debug, Clone, Copy, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CapacityEntry {
    /// Changes that ask for a senior review, per working day.
    changes_per_day: f64,
    /// Hours of a working day; 8 if not said.
    working_hours: Option<f64>,
    /// How long one review takes; 20m if not said.
    review: Option<DurationText>,
    /// Hours a day that a senior has for reviews; 3 if not said.
    review_hours: Option<f64>,
    /// Senior engineers; those of the team file if not said.
    seniors: Option<u32>,
    /// Share of the changes that is signed where only the riskiest are; 25% if not said.
    riskiest: Option<Percent>,
}

/// Reads it.
pub(super) fn capacity(entry: Marked<CapacityEntry>) -> Result<Capacity, Vec<Diagnostic>> {
    let Marked { value: entry, span } = entry;
    let capacity = Capacity {
        changes_per_day: entry.changes_per_day,
        working_hours: entry.working_hours.unwrap_or(8.0),
        review_minutes: entry.review.map_or(20.0, |review| review.0.minutes()),
        review_hours: entry.review_hours.unwrap_or(3.0),
        seniors: entry.seniors,
        riskiest: entry.riskiest.map_or(0.25, |share| share.0),
    };
    let Capacity { changes_per_day, working_hours, review_minutes, review_hours, .. } = capacity;
    let is_sound = changes_per_day >= 0.0 && review_minutes > 0.0 && (0.0..=24.0).contains(&review_hours) && working_hours > 0.0;
    if is_sound && working_hours <= 24.0 && changes_per_day.is_finite() {
        return Ok(capacity);
    }
    Err(vec![wrong("hours lie between 0 and 24, a review takes time, and the number of changes is 0 or more").at(span, "")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_of_the_model_page() {
        let capacity = Capacity {
            changes_per_day: 120.0,
            working_hours: 8.0,
            review_minutes: 20.0,
            review_hours: 3.0,
            seniors: Some(12),
            riskiest: 0.25,
        };
        // Five Erlang for 4.5 servers: unstable. A quarter of it on four: 0.31 min.
        assert!((capacity.offered(1.0) - 5.0).abs() < 1e-12);
        assert_eq!(capacity.wait(1.0, 4.5), None);
        let quarter = capacity.wait(0.25, 4.5).expect("stable");
        assert!((quarter - 0.31).abs() < 0.005, "{quarter}");
        assert!((capacity.wait(1.0, 6.0).expect("stable") - 11.8).abs() < 0.05);
    }
}
