//! Rules that somebody set aside: kept, shown, and at an end some day.
//!
//! An override opens a gate that facts have closed, so it counts only where everything about it is known: a reason, a senior who
//! did not write the change, and an end that the time of the change has not reached. What must hold: an override that does not
//! count is shown with why; none touches the score.

use super::Facts;
use crate::change::facts::{Level, Reviewer};
use crate::risk::review::{reviewer_level, wrote};
use jiff::Zoned;

/// A rule that is set aside.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// The rule.
    pub rule: String,
    /// The change that it is for, by title or by the first letters of its head commit; all changes where absent.
    pub change: Option<String>,
    /// Who took it upon themselves.
    pub approver: String,
    /// Why.
    pub reason: String,
    /// When it ends.
    pub expires: Zoned,
}

impl Override {
    /// How it stands in a report.
    pub(super) fn sentence(&self) -> String {
        format!("set aside by {} until {}: {}", self.approver, self.expires.date(), self.reason)
    }

    /// Does it count for the changes of a verdict?
    ///
    /// # Errors
    /// Why it does not, as a sentence.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Result<(), String> {
        let who = &self.approver;
        if super::floors::is_judge_edited(facts) {
            return Err("the change edits files that decide about it, and sets nothing aside by that".to_owned());
        }
        for change in facts.changes {
            if let Some(wanted) = &self.change {
                let is_title = change.title.as_deref() == Some(wanted.as_str());
                let is_head = change.head.as_deref().is_some_and(|head| wanted.len() >= 7 && head.starts_with(wanted.as_str()));
                if !is_title && !is_head {
                    return Err(format!("it is for `{wanted}`, another change"));
                }
            }
            if change.happens_at().is_none() {
                return Err("when the change happens is not known, so whether it has ended is not known either".to_owned());
            }
            if change.times().any(|at| at.timestamp() >= self.expires.timestamp()) {
                return Err(format!("it ended on {}", self.expires.date()));
            }
            let approver = self.as_reviewer();
            if wrote(change, facts.team, &approver) {
                return Err(format!("{who} wrote the change"));
            }
            if !facts.team.people.is_empty() && reviewer_level(&approver, facts.team) != Level::Senior {
                return Err(format!("{who} is no senior engineer of the team file"));
            }
        }
        Ok(())
    }

    fn as_reviewer(&self) -> Reviewer {
        Reviewer {
            name: self.approver.clone(),
            emails: vec![self.approver.clone()],
            level: Level::Senior,
            service: None,
            head: None,
            forecast: None,
        }
    }
}
