//! Who wrote a change and who looked at it, as far as it counts.
//!
//! A review counts when it comes from a person who did not write the change. Where a change file and the team file differ about
//! experience the lower answer counts; an unknown level is no senior (product.md, semantics 24).

use crate::change::facts::{Change, Level, Person, Reviewer};
use crate::change::identities::tool;
use crate::change::provenance::Confidence;
use crate::change::team::Team;

/// The experience of whoever wrote a change.
pub fn author_level(change: &Change, team: &Team) -> Level {
    lower(change.author.level, team.level(change.author.name.as_deref(), &change.author.emails))
}

/// The experience of a reviewer.
pub fn reviewer_level(reviewer: &Reviewer, team: &Team) -> Level {
    lower(reviewer.level, team.level(Some(&reviewer.name), &reviewer.emails))
}

/// Reviews by people who did not write the change.
pub fn independent<'a>(change: &'a Change, team: &'a Team) -> impl Iterator<Item = &'a Reviewer> {
    change.reviewers.iter().filter(move |reviewer| !is_tool(reviewer) && !wrote(change, team, reviewer))
}

/// The first review by a senior who did not write the change.
pub fn senior_review<'a>(change: &'a Change, team: &'a Team) -> Option<&'a Reviewer> {
    independent(change, team).find(|reviewer| reviewer_level(reviewer, team) == Level::Senior)
}

/// The teams of a reviewer.
pub fn teams_of<'a>(reviewer: &Reviewer, team: &'a Team) -> &'a [String] {
    team.find(Some(&reviewer.name), &reviewer.emails).map_or(&[], |member| &member.teams)
}

fn lower(stated: Level, known: Level) -> Level {
    match (stated, known) {
        (Level::Unknown, level) | (level, Level::Unknown) => level,
        (a, b) => {
            if a.caution() <= b.caution() {
                a
            } else {
                b
            }
        }
    }
}

/// A bare name may be a person's; only an account or an address makes it a tool.
fn is_tool(reviewer: &Reviewer) -> bool {
    let is_sure = |email: &str| tool(&reviewer.name, email).is_some_and(|(_, sure)| sure >= Confidence::Medium);
    is_sure("") || reviewer.emails.iter().any(|email| is_sure(email))
}

fn wrote(change: &Change, team: &Team, reviewer: &Reviewer) -> bool {
    let is_one = |person: &Person| {
        let same_member =
            match (team.find(person.name.as_deref(), &person.emails), team.find(Some(&reviewer.name), &reviewer.emails)) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            };
        same_member || person.is(Some(&reviewer.name), &reviewer.emails)
    };
    is_one(&change.author) || change.co_authors.iter().any(is_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reviewer(name: &str, level: Level) -> Reviewer {
        Reviewer { name: name.to_owned(), emails: Vec::new(), level, service: None }
    }

    #[test]
    fn own_and_unknown_reviews_are_no_senior_reviews() {
        let author = Person { name: Some("Kim".to_owned()), emails: Vec::new(), level: Level::Senior };
        let mut change = Change { author, ..Change::default() };
        let team = Team::default();
        for (name, level, counts) in [
            ("kim", Level::Senior, false),
            ("Lee", Level::Unknown, false),
            ("Lee", Level::Mid, false),
            ("Lee", Level::Senior, true),
        ] {
            change.reviewers = vec![reviewer(name, level)];
            assert_eq!(senior_review(&change, &team).is_some(), counts, "{name} {level}");
        }
    }
}
