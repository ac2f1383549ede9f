//! Change files, `shockfront/change/v1`, and team files, `shockfront/team/v1`.
//!
//! What a file leaves out stays unknown. What must hold: every message about a file has a place in it; the time keeps the offset
//! or zone that was written.

use super::facts::{Assisted, Basis, Change, ChangeKind, Level, Person, Reviewer, Rollout, Strategy, TriState};
use super::team::{Team, TeamMember};
use crate::diagnostic::{Diagnostic, SourceId, Sources};
use crate::document::{self, DurationText, FileType, Format, LawText, Marked, Node, Percent, ProbabilityNumber, Read};
use jiff::Zoned;
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};
use std::borrow::Cow;

/// A change before it is simulated.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeFile {
    /// Always `shockfront/change/v1`.
    #[expect(dead_code, reason = "judged before it is decoded")]
    schema: String,
    /// What it is called.
    title: Option<String>,
    /// The services it lands on; derived from the diff where there is one.
    #[serde(default)]
    services: Vec<String>,
    /// What is changed.
    kind: Option<Word<ChangeKind>>,
    /// The part that AI tools have in it.
    ai: Option<Ai>,
    /// Who wrote it.
    author: Option<Author>,
    /// Who reviewed it and agreed.
    #[serde(default)]
    reviewers: Vec<ReviewerEntry>,
    /// Whether its author changes one of the services for the first time; derived from git where its history is whole.
    first_change: Option<document::TriState>,
    /// Lines added and deleted.
    lines: Option<u64>,
    /// Its tests.
    tests: Option<Tests>,
    /// Whether it ran in a pre-production load test or simulation.
    simulated: Option<document::TriState>,
    /// Whether it destroys something that cannot be brought back.
    destructive: Option<document::TriState>,
    /// How it reaches production.
    rollout: Option<RolloutEntry>,
    /// Going back.
    rollback: Option<Rollback>,
    /// When it happens: RFC 3339 with an offset, such as 2026-03-05T14:00:00-05:00, or with a zone in brackets.
    at: Option<Marked<String>>,
}

impl FileType for ChangeFile {
    const SCHEMA: &'static str = "shockfront/change/v1";
}

/// The part that AI tools have in a change.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ai {
    /// Whether one helped to write it.
    assisted: Option<document::TriState>,
    /// Whether an agent applies it without a person approving each action.
    executes: Option<document::TriState>,
}

/// Who wrote a change.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Author {
    /// The name.
    name: Option<String>,
    /// All addresses.
    #[serde(default)]
    emails: Vec<String>,
    /// The experience.
    level: Option<Word<Level>>,
}

/// Who reviewed a change.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ReviewerEntry {
    /// The name, or the address where there is no name.
    #[schemars(length(min = 1))]
    name: String,
    /// All addresses.
    #[serde(default)]
    emails: Vec<String>,
    /// The experience.
    level: Option<Word<Level>>,
    /// The service for which the review speaks; the whole change if not said.
    service: Option<String>,
    /// The head commit that was reviewed, at least seven letters of it.
    #[schemars(length(min = 7))]
    head: Option<String>,
    /// The forecast that was reviewed, as the report names it.
    #[schemars(length(min = 7))]
    forecast: Option<String>,
}

/// Tests of a change.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tests {
    /// Tested share of the changed lines, as 60% or a number from 0 to 1.
    coverage: Option<Percent>,
}

/// Going back to the state before.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rollback {
    /// Whether it was tried.
    tested: Option<document::TriState>,
}

/// How a change reaches production.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RolloutEntry {
    /// The manner.
    strategy: Word<Strategy>,
    /// Share of the traffic that sees the change during `bake`, as 5% or a number from 0 to 1.
    share: Option<Percent>,
    /// How long the share is watched before the rest follows.
    bake: Option<DurationText>,
    /// Chance that watching notices a fault, 0 to 1; computed from the traffic if not said.
    power: Option<ProbabilityNumber>,
    /// How long an automatic roll-back of a caught fault takes.
    rollback: Option<LawText>,
}

impl RolloutEntry {
    pub(crate) fn facts(&self) -> Rollout {
        Rollout {
            strategy: self.strategy.0,
            share: self.share.map(|share| share.0),
            bake: self.bake.map(|bake| bake.0),
            power: self.power.map(|power| power.0),
            rollback: self.rollback.map(|law| law.0),
        }
    }
}

/// Who people are: their addresses, experience and teams.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamFile {
    /// Always `shockfront/team/v1`.
    #[expect(dead_code, reason = "judged before it is decoded")]
    schema: String,
    /// The members.
    people: Vec<Marked<Member>>,
}

impl FileType for TeamFile {
    const SCHEMA: &'static str = "shockfront/team/v1";
}

/// One member.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Member {
    /// The name.
    #[schemars(length(min = 1))]
    name: String,
    /// All addresses, as they stand in commits.
    #[serde(default)]
    emails: Vec<Marked<String>>,
    /// The experience; unknown counts as junior where it matters.
    level: Option<Word<Level>>,
    /// The teams, as named by `owner` in topologies.
    #[serde(default)]
    teams: Vec<String>,
}

/// A word of a closed list that another file defines.
#[derive(Debug, Clone, Copy)]
struct Word<T>(T);

macro_rules! word {
    ($($type:ident)*) => {
        $(
            impl<'de> Deserialize<'de> for Word<$type> {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let word = String::deserialize(deserializer)?;
                    $type::from_word(&word).map(Self).ok_or_else(|| D::Error::custom(format!("`{word}` is not expected here")))
                }
            }

            impl JsonSchema for Word<$type> {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($type).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    let words: Vec<&str> = $type::ALL.iter().map(|value| value.as_str()).collect();
                    json_schema!({ "type": "string", "enum": words })
                }
            }
        )*
    };
}

word!(ChangeKind Level Strategy);

/// A change file that was read.
#[derive(Debug, Clone)]
pub struct ReadChange {
    /// The change.
    pub change: Change,
    /// The tree, to find places in.
    pub node: Node,
    /// What was overlooked because the file is of a later minor version.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a change file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_change(sources: &Sources, id: SourceId, format: Format) -> Result<ReadChange, Vec<Diagnostic>> {
    let Read { value, node, warnings } = document::read::<ChangeFile>(sources, id, format)?;
    let at = value.at.as_ref().map(time).transpose().map_err(|problem| vec![problem])?;
    let answer = |given: Option<document::TriState>| given.map_or(TriState::Unknown, tri_state);
    let (assisted, executes) = value.ai.map_or((None, None), |ai| (ai.assisted, ai.executes));
    let author = value.author.map_or_else(Person::default, |author| Person {
        name: author.name,
        emails: author.emails,
        level: level(author.level),
    });
    let reviewer = |entry: ReviewerEntry| Reviewer {
        name: entry.name,
        emails: entry.emails,
        level: level(entry.level),
        service: entry.service,
        head: entry.head,
        forecast: entry.forecast,
    };
    let change = Change {
        title: value.title,
        kind: value.kind.map(|kind| kind.0),
        services: value.services,
        ai_assisted: assisted.map_or_else(Assisted::default, |given| Assisted { answer: tri_state(given), basis: Basis::File }),
        agent_executes: answer(executes),
        author,
        reviewers: value.reviewers.into_iter().map(reviewer).collect(),
        first_change: answer(value.first_change),
        lines: value.lines,
        test_coverage: value.tests.and_then(|tests| tests.coverage).map(|coverage| coverage.0),
        simulated: answer(value.simulated),
        destructive: answer(value.destructive),
        rollout: value.rollout.map(|rollout| rollout.facts()),
        rollback_tested: answer(value.rollback.and_then(|rollback| rollback.tested)),
        at,
        ..Change::default()
    };
    Ok(ReadChange { change, node, warnings })
}

/// Reads a team file. Addresses that two members share are warnings: nobody is found by them.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_team(sources: &Sources, id: SourceId, format: Format) -> Result<(Team, Vec<Diagnostic>), Vec<Diagnostic>> {
    let Read { value, mut warnings, .. } = document::read::<TeamFile>(sources, id, format)?;
    let mut known = std::collections::HashMap::new();
    for (at, member) in value.people.iter().enumerate() {
        for email in &member.value.emails {
            let (owner, span) = *known.entry(email.value.trim().to_lowercase()).or_insert((at, email.span));
            if owner != at {
                let message = format!("two people have the address {}", email.value);
                let warning = Diagnostic::warning("duplicate-email", message).at(email.span, "again").at(span, "first");
                warnings.push(warning.help("nobody is found by it, so their level is unknown"));
            }
        }
    }
    let member = |member: Marked<Member>| TeamMember {
        name: member.value.name,
        emails: member.value.emails.into_iter().map(|email| email.value).collect(),
        level: level(member.value.level),
        teams: member.value.teams,
    };
    Ok((Team { people: value.people.into_iter().map(member).collect() }, warnings))
}

fn tri_state(answer: document::TriState) -> TriState {
    match answer {
        document::TriState::Yes => TriState::Yes,
        document::TriState::No => TriState::No,
        document::TriState::Unknown => TriState::Unknown,
    }
}

fn level(word: Option<Word<Level>>) -> Level {
    word.map_or(Level::Unknown, |word| word.0)
}

/// A point in time with the offset or zone that was written.
fn time(text: &Marked<String>) -> Result<Zoned, Diagnostic> {
    parse_time(&text.value).map_err(|message| {
        Diagnostic::error("bad-value", message).at(text.span, "such as 2026-03-05T14:00:00-05:00 or …T14:00:00[America/New_York]")
    })
}

/// Reads RFC 3339 with an offset, or RFC 9557 with a zone in brackets.
///
/// # Errors
/// What is wrong, in a sentence.
pub fn parse_time(text: &str) -> Result<Zoned, String> {
    let wrong = |why: &dyn std::fmt::Display| format!("`{text}` is not a point in time: {why}");
    let pieces = Pieces::parse(text).map_err(|error| wrong(&error))?;
    if pieces.to_time_zone().map_err(|error| wrong(&error))?.is_some() {
        // An offset that contradicts the zone is refused here.
        return text.parse().map_err(|error: jiff::Error| wrong(&error));
    }
    let Some(time) = pieces.time() else { return Err(wrong(&"the time of day is missing")) };
    let Some(offset) = pieces.to_numeric_offset() else {
        return Err(wrong(&"add the offset from UTC, such as Z or -05:00"));
    };
    TimeZone::fixed(offset).to_zoned(pieces.date().to_datetime(time)).map_err(|error| wrong(&error))
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
