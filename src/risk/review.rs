//! Who wrote a change and who looked at it, as far as it counts.
//!
//! A review counts when it comes from a person who did not write the change. Where a change file and the team file differ about
//! experience the lower answer counts; an unknown level is no senior (product.md, semantics 24). What must hold: where there is a
//! team file, nobody outside of it has a level or a team, whatever a change file states.

use crate::change::derive::are_one;
use crate::change::facts::{Change, Level, Person, Reviewer};
use crate::change::identities::is_machine;
use crate::change::team::{Team, TeamMember};

/// The least experience of all who wrote a change: a senior name in front hides nobody.
pub fn author_level(change: &Change, team: &Team) -> Level {
    let co_authors = change.co_authors.iter().map(|person| level_of(person, team));
    co_authors.fold(level_of(&change.author, team), |least, other| if other.caution() < least.caution() { other } else { least })
}

/// Whom [`author_level`] is about, as a sentence begins.
pub fn least_experienced(change: &Change, team: &Team) -> &'static str {
    if author_level(change, team) == level_of(&change.author, team) { "the author" } else { "one of the authors" }
}

fn level_of(person: &Person, team: &Team) -> Level {
    lower(person.level, team.level(person.name.as_deref(), &person.emails))
}

/// The experience of a reviewer. Where there is a team file, only its members have any.
pub fn reviewer_level(reviewer: &Reviewer, team: &Team) -> Level {
    match team.find(Some(&reviewer.name), &reviewer.emails) {
        // Nobody lends a level to whom the team file gives none.
        Some(member) if member.level == Level::Unknown => Level::Unknown,
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
        let as_reviewer = as_reviewer(member);
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
    candidates(&[change], team).into_iter().find(|member| member.level == Level::Senior).map(as_reviewer)
}

/// Somebody of the team file as a reviewer of the whole change.
pub fn as_reviewer(member: &TeamMember) -> Reviewer {
    let (name, emails) = (member.name.clone(), member.emails.clone());
    Reviewer { name, emails, level: member.level, service: None, head: None, forecast: None }
}

/// Reviews by people who did not write the change.
pub fn independent<'a>(change: &'a Change, team: &'a Team) -> impl Iterator<Item = &'a Reviewer> {
    change.reviewers.iter().filter(move |reviewer| !is_tool(reviewer) && !wrote(change, team, reviewer))
}

/// Reviews of the whole change by seniors who did not write it; everybody once, however often and by whatever names they are listed.
pub fn senior_reviews<'a>(change: &'a Change, team: &'a Team) -> impl Iterator<Item = &'a Reviewer> {
    let mut seen: Vec<&Reviewer> = Vec::new();
    independent(change, team).filter(move |reviewer| {
        let counts = reviewer_level(reviewer, team) == Level::Senior && speaks_for_all(change, reviewer);
        let is_new = counts && !seen.iter().any(|other| are_one_reviewer(other, reviewer, team));
        if is_new {
            seen.push(reviewer);
        }
        is_new
    })
}

/// Are both one person, by name, by address, or by what the team file knows?
pub fn are_one_reviewer(a: &Reviewer, b: &Reviewer, team: &Team) -> bool {
    are_one(&as_person(a), &as_person(b), team)
}

fn as_person(reviewer: &Reviewer) -> Person {
    Person { name: Some(reviewer.name.clone()), emails: reviewer.emails.clone(), level: reviewer.level }
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

/// A program or an AI tool. A bare name may be a person's; only an account or an address makes it a tool.
fn is_tool(reviewer: &Reviewer) -> bool {
    is_machine(&reviewer.name, "") || reviewer.emails.iter().any(|email| is_machine(&reviewer.name, email))
}

/// Does a review that was given for one service speak for all that the change lands on? One without a service does.
fn speaks_for_all(change: &Change, reviewer: &Reviewer) -> bool {
    let Some(only) = &reviewer.service else { return true };
    let is_of = |name: &String| name.strip_prefix(only.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    !change.services.is_empty() && change.services.iter().all(is_of)
}

/// Did this person write the change, or a part of it?
pub fn wrote(change: &Change, team: &Team, reviewer: &Reviewer) -> bool {
    let as_person = as_person(reviewer);
    let mut writers = std::iter::once(&change.author).chain(&change.co_authors);
    writers.any(|person| are_one(person, &as_person, team))
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
