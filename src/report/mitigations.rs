//! Mitigations that were simulated: rows and sentences for pages, and their part of the assessment record.

use super::layout::Column;
use super::number::{score_difference, score_point, whole};
use super::record_assessment::band_name;
use super::record_numbers::Ends;
use super::words::number_of;
use crate::risk::assessment::{Assessment, Mitigation, Mitigations};
use serde::Serialize;

/// Rows of a page.
const LISTED: usize = 6;
/// Edits without effect that a page names.
const NAMED: usize = 4;

/// Titles of the table.
pub(super) const TITLES: [(&str, Column); 5] = [
    ("what would make it safer", Column::Text),
    ("days", Column::Number),
    ("score", Column::Number),
    ("difference", Column::Number),
    ("band", Column::Text),
];

/// What was tried singly and helps, the best first; the cheapest set stands above, where it is more than one edit.
pub(super) fn mitigation_cells(assessment: &Assessment) -> Vec<[String; 5]> {
    let Some(found) = &assessment.mitigations else { return Vec::new() };
    let cells = |one: &Mitigation| {
        [
            one.words.clone(),
            days(one.cost),
            score_point(one.score),
            score_difference(one.difference),
            band_name(one.band).to_owned(),
        ]
    };
    let set = found.cheapest.iter().filter(|set| set.edits.len() > 1);
    set.chain(found.helpful.iter().take(LISTED)).map(cells).collect()
}

/// Person-days with the digits they have.
fn days(cost: f64) -> String {
    let text = format!("{cost:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// What follows from them, as sentences.
pub(super) fn mitigation_lines(assessment: &Assessment) -> Vec<String> {
    let Some(found) = &assessment.mitigations else { return Vec::new() };
    let mut lines = vec![match &found.cheapest {
        Some(set) => format!(
            "cheapest of those tried that lowers the band, to {}: {} (about {} days; {} trials)",
            band_name(set.band),
            set.words,
            days(set.cost),
            whole(set.trials)
        ),
        None if found.helpful.is_empty() => "nothing of what was tried lowers the score".to_owned(),
        None => format!("none of them, alone or together, lowers the band{}", held_by(assessment)),
    }];
    if !found.without_effect.is_empty() {
        let names: Vec<&str> = found.without_effect.iter().take(NAMED).map(|one| one.words.as_str()).collect();
        let more = found.without_effect.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        lines.push(format!("no gain that could be told, or none at all: {}{more}", names.join(", ")));
    }
    let decides = assessment.topology_edit.as_ref().and_then(|edit| edit.before.as_ref().ok()).is_some_and(|map| map.decides);
    if decides {
        lines.push("all of them on the edited topology, not on the version before, which decides".to_owned());
    }
    lines.push(format!(
        "each of {} tried on the random numbers of the verdict until its effect was told, with at most {} trials; days of work are elicited",
        number_of(found.candidates, "edit"),
        whole(found.screening_trials)
    ));
    lines
}

/// Rules that hold the band where it is.
fn held_by(assessment: &Assessment) -> String {
    let band = assessment.verdict.band;
    let rules: Vec<&str> = assessment
        .floors
        .iter()
        .filter(|floor| floor.raises_to == band && floor.is_in_force())
        .map(|floor| floor.rule.as_str())
        .collect();
    if rules.is_empty() { String::new() } else { format!(": {} holds it", rules.join(", ")) }
}

#[derive(Debug, Serialize)]
pub(super) struct MitigationRecord<'a> {
    edit: &'a str,
    /// As `compare --with` takes it.
    with: Vec<String>,
    /// Person-days, elicited.
    days: f64,
    score: f64,
    difference: f64,
    interval: Ends,
    band: &'static str,
    trials: u64,
}

impl<'a> From<&'a Mitigation> for MitigationRecord<'a> {
    fn from(one: &'a Mitigation) -> Self {
        Self {
            edit: &one.words,
            with: one.edits.iter().map(ToString::to_string).collect(),
            days: one.cost,
            score: one.score.mean,
            difference: one.difference.mean,
            interval: one.difference.interval.into(),
            band: band_name(one.band),
            trials: one.trials,
        }
    }
}

/// How they were looked for.
#[derive(Debug, Serialize)]
pub(super) struct SearchRecord<'a> {
    candidates: usize,
    screening_trials: u64,
    /// The cheapest set that lowers the band; `null` where none of those tried does.
    cheapest: Option<MitigationRecord<'a>>,
    without_effect: Vec<MitigationRecord<'a>>,
}

/// Those that help, and how they were looked for.
pub(super) fn mitigation_records(found: Option<&Mitigations>) -> (Vec<MitigationRecord<'_>>, Option<SearchRecord<'_>>) {
    let helpful = found.iter().flat_map(|found| &found.helpful).map(MitigationRecord::from).collect();
    let search = found.map(|found| SearchRecord {
        candidates: found.candidates,
        screening_trials: found.screening_trials,
        cheapest: found.cheapest.as_ref().map(MitigationRecord::from),
        without_effect: found.without_effect.iter().map(MitigationRecord::from).collect(),
    });
    (helpful, search)
}
