//! Who wrote a change and who looked at it, as far as it counts.
//!
//! A review counts when it comes from a person who did not write the change. Where a change file and the team file differ about
//! experience the lower answer counts; an unknown level is no senior (product.md, semantics 24). What must hold: where there is a
//! team file, nobody outside of it has a level or a team, whatever a change file states.

use crate::change::facts::{Change, Level, Person, Reviewer};
use crate::change::identities::tool;
use crate::change::provenance::Confidence;
use crate::change::team::{Team, TeamMember};

/// The experience of whoever wrote a change.
pub fn author_level(change: &Change, team: &Team) -> Level {
    lower(change.author.level, team.level(change.author.name.as_deref(), &change.author.emails))
}

/// The experience of a reviewer. Where there is a team file, only its members have any.
pub fn reviewer_level(reviewer: &Reviewer, team: &Team) -> Level {
    match team.find(Some(&reviewer.name), &reviewer.emails) {
        Some(member) => lower(reviewer.level, member.level),
        None if team.people.is_empty() => reviewer.level,
        None => Level::Unknown,
    }
}

/// What a reader should know about the reviewers: who does not count, and what nobody checked.
pub fn notes(change: &Change, team: &Team) -> Vec<String> {
    let reviewers = independent(change, team);
    if team.people.is_empty() {
        let stated = reviewers.filter(|reviewer| reviewer.level != Level::Unknown || reviewer.service.is_some());
        let note = |reviewer: &Reviewer| {
            format!("level and service of reviewer {} are as stated and not checked: there is no team file", reviewer.name)
        };
        return stated.map(note).collect();
    }
    let strangers = reviewers.filter(|reviewer| team.find(Some(&reviewer.name), &reviewer.emails).is_none());
    let note = |reviewer: &Reviewer| {
        let what =
            if reviewer.level == Level::Unknown { "level and team are unknown" } else { "the stated level does not count" };
        format!("reviewer {} is not in the team file: {what}", reviewer.name)
    };
    strangers.map(note).collect()
}

/// Members who could sign, because they wrote none of the changes.
pub fn candidates<'a>(changes: &[&Change], team: &'a Team) -> Vec<&'a TeamMember> {
    let wrote_one = |member: &TeamMember| {
        let (name, emails) = (member.name.clone(), member.emails.clone());
        let as_reviewer = Reviewer { name, emails, level: member.level, service: None, head: None, forecast: None };
        is_tool(&as_reviewer) || changes.iter().any(|change| wrote(change, team, &as_reviewer))
    };
    team.people.iter().filter(|member| !wrote_one(member)).collect()
}

/// A senior who could review the change: of the team file, or anybody where there is none.
pub fn a_senior(change: &Change, team: &Team) -> Option<Reviewer> {
    let service = None;
    if team.people.is_empty() {
        let name = "a senior engineer".to_owned();
        return Some(Reviewer { name, emails: Vec::new(), level: Level::Senior, service, head: None, forecast: None });
    }
    let senior = candidates(&[change], team).into_iter().find(|member| member.level == Level::Senior)?;
    Some(Reviewer {
        name: senior.name.clone(),
        emails: senior.emails.clone(),
        level: Level::Senior,
        service,
        head: None,
        forecast: None,
    })
}

/// Reviews by people who did not write the change.
pub fn independent<'a>(change: &'a Change, team: &'a Team) -> impl Iterator<Item = &'a Reviewer> {
    change.reviewers.iter().filter(move |reviewer| !is_tool(reviewer) && !wrote(change, team, reviewer))
}

/// Reviews by seniors who did not write the change.
pub fn senior_reviews<'a>(change: &'a Change, team: &'a Team) -> impl Iterator<Item = &'a Reviewer> {
    independent(change, team).filter(|reviewer| reviewer_level(reviewer, team) == Level::Senior)
}

/// The first of them.
pub fn senior_review<'a>(change: &'a Change, team: &'a Team) -> Option<&'a Reviewer> {
    senior_reviews(change, team).next()
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

/// Did this person write the change, or a part of it?
pub fn wrote(change: &Change, team: &Team, reviewer: &Reviewer) -> bool {
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
        Reviewer { name: name.to_owned(), emails: Vec::new(), level, service: None, head: None, forecast: None }
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
