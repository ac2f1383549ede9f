//! A change that edits the topology it is judged by: sentences and rows for pages, and its part of the assessment record.

use super::layout::Column;
use super::number::{count_point, difference, score_difference, score_point, share};
use super::record_assessment::{band_name, gate_name};
use super::record_comparison::{Both, Figure, JourneyRecord};
use super::words::{number_of, or_same, verdict_band};
use crate::risk::assessment::{Assessment, ComparedMaps, EarlierMap, TopologyEdited};
use serde::Serialize;

/// Differences that a page names.
const NAMED: usize = 8;

/// Title of the section.
pub(super) const TITLE: &str = "It edits the topology it is judged by";

/// Titles of the table.
pub(super) const TITLES: [(&str, Column); 4] =
    [("measure", Column::Text), ("before", Column::Number), ("after", Column::Number), ("difference", Column::Number)];

/// What was edited, and what the version before says.
pub(super) fn edit_lines(assessment: &Assessment) -> Vec<String> {
    let Some(edit) = &assessment.topology_edit else { return Vec::new() };
    let mut lines = vec![verdict_line(edit)];
    lines.extend(edit.differences.iter().take(NAMED).cloned());
    let more = edit.differences.len().saturating_sub(NAMED);
    if more > 0 {
        lines.push(format!("and {}", number_of(more, "more difference")));
    }
    lines
}

fn verdict_line(edit: &TopologyEdited) -> String {
    let files = edit.files.join(", ");
    let map = match &edit.before {
        Err(why) => return format!("{files}: the version before cannot be compared: {why}"),
        Ok(map) => map,
    };
    let EarlierMap { revision, decides, verdict, compared } = map;
    let band = verdict_band(verdict);
    let effect = match compared.as_deref() {
        None => "; the change does not land in both versions, so no difference can be told",
        Some(compared) if compared.is_without_effect => "; on the same random numbers nothing differs in any trial",
        Some(_) => "",
    };
    let said = match decides {
        true => format!("by the version at {revision} it is {band}, which decides"),
        false => format!("by the version at {revision} it is {band}, no stricter"),
    };
    let spelled = if edit.differences.is_empty() { "; the edit changes no fact" } else { "" };
    format!("{files}: {said}{effect}{spelled}")
}

/// Score, reach and the user-minutes of each journey by both versions; none where nothing differs.
pub(super) fn edit_cells(assessment: &Assessment) -> Vec<[String; 4]> {
    let map = assessment.topology_edit.as_ref().and_then(|edit| edit.before.as_ref().ok());
    let Some(compared) = map.and_then(|map| map.compared.as_deref()).filter(|compared| !compared.is_without_effect) else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    if let (Some((before, after)), Some(change)) = (compared.scores, compared.score) {
        rows.push(["score".to_owned(), score_point(before), score_point(after), score_difference(change)]);
    }
    let row = |name: String, pair| {
        let crate::propagation::paired::Compared { before, after, .. } = pair;
        [name, count_point(before), count_point(after), or_same(pair, difference)]
    };
    rows.push(row("mean reach".to_owned(), compared.reach));
    let journeys = compared.journeys.iter().filter(|journey| journey.is_traffic_known);
    rows.extend(journeys.map(|journey| row(format!("{}, user-minutes", journey.name), journey.user_minutes)));
    if let Some(differing) = compared.differing {
        rows.push(["trials that differ".to_owned(), String::new(), String::new(), share(differing)]);
    }
    rows
}

#[derive(Debug, Serialize)]
struct ComparedRecord<'a> {
    without_effect: bool,
    score_before: Option<Figure>,
    score_after: Option<Figure>,
    score_difference: Option<Figure>,
    differing: Option<Figure>,
    reach: Both,
    journeys: Vec<JourneyRecord<'a>>,
}

impl<'a> From<&'a ComparedMaps> for ComparedRecord<'a> {
    fn from(compared: &'a ComparedMaps) -> Self {
        Self {
            without_effect: compared.is_without_effect,
            score_before: compared.scores.map(|(before, _)| before.into()),
            score_after: compared.scores.map(|(_, after)| after.into()),
            score_difference: compared.score.map(Figure::from),
            differing: compared.differing.map(Figure::from),
            reach: compared.reach.into(),
            journeys: compared.journeys.iter().map(JourneyRecord::from).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct BeforeRecord<'a> {
    revision: &'a str,
    band: &'static str,
    gate: &'static str,
    /// It is the stricter one.
    decides: bool,
    /// `null` where the change does not land in both versions.
    compared: Option<ComparedRecord<'a>>,
}

/// The part of the assessment record.
#[derive(Debug, Serialize)]
pub(super) struct EditRecord<'a> {
    files: &'a [String],
    differences: &'a [String],
    /// `null` where the version before cannot be compared; `why` says the reason.
    before: Option<BeforeRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

impl<'a> From<&'a TopologyEdited> for EditRecord<'a> {
    fn from(edit: &'a TopologyEdited) -> Self {
        let before = edit.before.as_ref().ok().map(|map| BeforeRecord {
            revision: &map.revision,
            band: band_name(map.verdict.band),
            gate: gate_name(map.verdict.gate),
            decides: map.decides,
            compared: map.compared.as_deref().map(ComparedRecord::from),
        });
        Self { files: &edit.files, differences: &edit.differences, before, why: edit.before.as_ref().err().map(String::as_str) }
    }
}
