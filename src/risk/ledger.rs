//! What the changes of a week risk together, service by service, so that one risky change cannot pass as ten harmless ones.
//!
//! A ledger keeps for each assessed change its services and the expected harm to each journey. A change is judged with the entries
//! of the seven days before it that touch one of its services: x = max_j (harm_j + Σ entries harm_j) / budget_j. What must hold: a
//! change never counts twice, however often it was assessed; where its time is not known, all entries count. Source: model.md §3.5.

use super::assessment::JourneyRisk;
use super::score;
use crate::change::file::parse_time;
use crate::diagnostic::{Diagnostic, SourceId, Sources};
use crate::document::{self, Entries, FileType, Format, Marked, Read};
use crate::model::System;
use crate::statistics::{Estimate, Interval};
use jiff::{SignedDuration, Zoned};
use schemars::JsonSchema;

/// How far back entries count.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The assessments of the past.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ledger {
    /// In the order of the file.
    pub entries: Vec<Entry>,
}

/// One assessed change.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When the change happens.
    pub at: Option<Zoned>,
    /// What it is called.
    pub title: Option<String>,
    /// Its head commit.
    pub head: Option<String>,
    /// The services it lands on.
    pub services: Vec<String>,
    /// Journeys with their expected user-minutes, lost and wrong, the chance of a fault included.
    pub journeys: Vec<(String, f64)>,
}

/// What a change risks together with those of its week.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weekly {
    /// Other changes of the week that touch one of its services.
    pub n_others: usize,
    /// The score of all together, with the sampling error of this one.
    pub score: Estimate,
}

impl Entry {
    /// Of an assessment; changes in flight together are one.
    pub fn new(about: (Option<String>, Option<String>), services: Vec<String>, at: Option<Zoned>, risks: &[JourneyRisk]) -> Self {
        let (title, head) = about;
        let journeys = risks.iter().filter_map(|risk| Some((risk.name.clone(), risk.expected_user_minutes?.mean))).collect();
        Self { at, title, head, services, journeys }
    }

    /// Are both about one change? By commit where both know it, else by title and services. Without a title nobody can tell, and they
    /// count as two: what is cut into pieces must not vanish.
    fn is_same(&self, other: &Self) -> bool {
        match (&self.head, &other.head) {
            (Some(a), Some(b)) => a == b,
            _ => self.title.is_some() && self.title == other.title && self.services == other.services,
        }
    }
}

impl Ledger {
    /// The ledger with an entry more; an older one about the same change is replaced.
    #[must_use]
    pub fn with(mut self, entry: Entry) -> Self {
        self.entries.retain(|other| !other.is_same(&entry));
        self.entries.push(entry);
        self
    }

    /// What a change risks with the other changes of its week; `None` where there are none, or no budget.
    pub fn weekly(&self, system: &System, own: &Entry, risks: &[JourneyRisk]) -> Option<Weekly> {
        let counts = |entry: &&Entry| {
            let is_recent = match (&own.at, &entry.at) {
                (Some(now), Some(then)) => {
                    let ago = now.duration_since(then);
                    !ago.is_negative() && ago < WEEK
                }
                _ => true,
            };
            is_recent && !entry.is_same(own) && entry.services.iter().any(|name| own.services.contains(name))
        };
        let others: Vec<&Entry> = self.entries.iter().filter(counts).collect();
        let harm = |entry: &Entry, name: &str| -> f64 {
            entry.journeys.iter().filter(|(journey, _)| journey == name).map(|(_, minutes)| minutes).sum()
        };
        let score = |pick: fn(&Estimate) -> f64| -> Option<f64> {
            let mine = |name: &str| {
                risks
                    .iter()
                    .filter(|risk| risk.name == name)
                    .filter_map(|risk| risk.expected_user_minutes.as_ref())
                    .map(pick)
                    .sum()
            };
            let share = |(name, budget): (&str, Option<f64>)| {
                let sum = others.iter().fold(mine(name), |sum: f64, entry| sum + harm(entry, name));
                budget.map(|budget| sum / budget)
            };
            let names = system.journeys().iter().map(|journey| journey.name.as_str());
            let shares = names.zip(score::budgets(system)).filter_map(share);
            shares.reduce(f64::max).map(score::score)
        };
        let interval = Interval { low: score(|harm| harm.interval.low)?, high: score(|harm| harm.interval.high)? };
        let score = Estimate { mean: score(|harm| harm.mean)?, interval };
        (!others.is_empty()).then_some(Weekly { n_others: others.len(), score })
    }
}

/// A ledger as a file.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LedgerFile {
    /// Always `shockfront/ledger/v1`.
    #[expect(dead_code, reason = "judged before it is decoded")]
    schema: String,
    /// One entry for each change.
    entries: Vec<LedgerEntry>,
}

impl FileType for LedgerFile {
    const SCHEMA: &'static str = "shockfront/ledger/v1";
}

/// One assessed change.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LedgerEntry {
    /// When it happens, as RFC 3339 with an offset.
    at: Option<Marked<String>>,
    /// What it is called.
    title: Option<String>,
    /// Its head commit.
    head: Option<String>,
    /// The services it lands on.
    services: Vec<String>,
    /// Expected user-minutes lost and wrong for each journey, the chance of a fault included.
    expected_user_minutes: Entries<Marked<f64>>,
}

/// Reads a ledger.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_ledger(sources: &Sources, id: SourceId, format: Format) -> Result<(Ledger, Vec<Diagnostic>), Vec<Diagnostic>> {
    let Read { value, warnings, .. } = document::read::<LedgerFile>(sources, id, format)?;
    let mut problems = Vec::new();
    let mut entries = Vec::new();
    for entry in value.entries {
        let at = entry.at.as_ref().map(|text| parse_time(&text.value).map_err(|why| (why, text.span))).transpose();
        let at = at.unwrap_or_else(|(why, span)| {
            problems.push(Diagnostic::error("bad-value", why).at(span, "such as 2026-03-05T14:00:00-05:00"));
            None
        });
        let mut journeys = Vec::new();
        for (name, minutes) in entry.expected_user_minutes.0 {
            if !(minutes.value >= 0.0 && minutes.value.is_finite()) {
                problems.push(Diagnostic::error("bad-value", "user-minutes are 0 or more").at(minutes.span, ""));
            }
            journeys.push((name.value, minutes.value));
        }
        entries.push(Entry { at, title: entry.title, head: entry.head, services: entry.services, journeys });
    }
    if problems.is_empty() { Ok((Ledger { entries }, warnings)) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::testing::{arcs, build, journey};

    fn at(day: u32) -> Option<Zoned> {
        Some(parse_time(&format!("2026-03-{day:02}T12:00:00Z")).expect("a time"))
    }

    fn entry(title: &str, day: u32, services: &[&str], minutes: f64) -> Entry {
        Entry {
            at: at(day),
            title: Some(title.to_owned()),
            head: None,
            services: services.iter().map(|name| (*name).to_owned()).collect(),
            journeys: vec![("use shop".to_owned(), minutes)],
        }
    }

    #[test]
    fn the_week_of_a_service_adds_up_and_nothing_counts_twice() {
        // 100 users a minute at 99.9 % of 30 days: 4,320 user-minutes of budget.
        let mut draft = arcs(&[("db", "shop", 0.5)]);
        draft.journeys.push(journey("shop", 100.0, 99.9));
        let system = build(draft);
        let own = entry("own", 20, &["shop"], 4.32);
        let ledger = Ledger {
            entries: vec![
                entry("own", 19, &["shop"], 4_000.0),
                entry("a", 14, &["shop", "web"], 4.32),
                entry("b", 13, &["shop"], 4_000.0),
                entry("c", 21, &["shop"], 4_000.0),
                entry("d", 20, &["web"], 4_000.0),
                entry("e", 18, &["shop"], 34.56),
            ],
        };
        let expected_user_minutes = Estimate { mean: 4.32, interval: Interval { low: 0.0, high: 8.64 } };
        let risk = JourneyRisk {
            name: "use shop".to_owned(),
            expected_user_minutes: Some(expected_user_minutes),
            budget_share: None,
            remaining: None,
        };
        let risks = std::slice::from_ref(&risk);
        let weekly = ledger.weekly(&system, &own, risks).expect("others");
        assert_eq!(weekly.n_others, 2);
        let Interval { low, high } = weekly.score.interval;
        for (found, minutes) in [(weekly.score.mean, 43.2), (low, 38.88), (high, 47.52)] {
            assert!((found - score::score(minutes / 4_320.0)).abs() < 1e-9, "{minutes}: {found}");
        }
        // Without a time all others count.
        let undated = Entry { at: None, ..own.clone() };
        assert_eq!(ledger.weekly(&system, &undated, risks).expect("others").n_others, 4);
        assert_eq!(Ledger::default().weekly(&system, &own, risks), None);
    }

    #[test]
    fn an_entry_replaces_that_of_the_same_change() {
        let ledger = Ledger::default().with(entry("a", 1, &["shop"], 1.0)).with(entry("b", 1, &["shop"], 1.0));
        let again = ledger.with(entry("a", 2, &["shop"], 2.0));
        assert_eq!(again.entries.iter().map(|entry| entry.journeys[0].1).collect::<Vec<_>>(), [1.0, 2.0]);
        let by_head = |title: &str, head: &str| Entry { head: Some(head.to_owned()), ..entry(title, 1, &["shop"], 1.0) };
        let ledger = Ledger::default().with(by_head("a", "1")).with(by_head("renamed", "1")).with(by_head("a", "2"));
        assert_eq!(ledger.entries.len(), 2);
    }
}
