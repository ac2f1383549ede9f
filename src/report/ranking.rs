//! A ranking of services by what their failure does: `shockfront/ranking/v1`, a page of text, Markdown.

use super::escape::{code, sentence};
use super::layout::{Column, Page, Table, clean, wrap};
use super::number::{TOO_CLOSE, count, count_point, duration, duration_estimate, duration_point, whole};
use super::record::{PrecisionRecord, QualityRecord, TOOL, Tool, pretty};
use super::record_numbers::{Ends, unsigned};
use super::words::{number_of, precision_words, quality_lines, uncounted};
use crate::model::System;
use crate::propagation::ranking::{Place, Ranked, Ranking, places};
use crate::quality::DataQuality;
use crate::random::GENERATOR;
use crate::statistics::Estimate;
use crate::topology::json_schema;
use schemars::JsonSchema;
use serde::Serialize;

/// The name of the format.
const SCHEMA: &str = "shockfront/ranking/v1";

/// What services are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Services impaired.
    Reach,
    /// User-minutes lost.
    UserMinutes,
    /// Minutes down, over all services.
    Downtime,
}

/// A ranking to report.
#[derive(Debug, Clone)]
pub struct RankingReport<'a> {
    /// The system.
    pub system: &'a System,
    /// What was found.
    pub ranking: &'a Ranking,
    /// What it rests on.
    pub quality: &'a DataQuality,
    /// Name of the kind of fault.
    pub fault: &'static str,
    /// What the list is to be ordered by; reach where the ranking lacks it.
    pub by: Measure,
    /// Rows of a page.
    pub top: usize,
    /// Hash of the topology's texts.
    pub topology_sha256: String,
    /// The time the simulation starts, where one was given, as written.
    pub at: Option<String>,
    /// The seed.
    pub seed: u64,
    /// What the tool does not know, as sentences.
    pub limits: Vec<String>,
    /// The command line that gives the same bytes again.
    pub command: String,
}

impl RankingReport<'_> {
    /// What the list is ordered by.
    fn order(&self) -> Measure {
        let has = |measure: fn(&Ranked) -> Option<Estimate>| self.ranking.services.iter().all(|ranked| measure(ranked).is_some());
        match self.by {
            Measure::UserMinutes if !has(|ranked| ranked.user_minutes) => Measure::Reach,
            Measure::Downtime if !has(|ranked| ranked.downtime) => Measure::Reach,
            by => by,
        }
    }
}

/// A service with its places.
struct Row<'a> {
    ranked: &'a Ranked,
    reach: Place,
    user_minutes: Option<(Estimate, Place)>,
    downtime: Option<(Estimate, Place)>,
}

impl Row<'_> {
    fn place(&self, by: Measure) -> Place {
        let other = match by {
            Measure::Reach => None,
            Measure::UserMinutes => self.user_minutes,
            Measure::Downtime => self.downtime,
        };
        other.map_or(self.reach, |(_, place)| place)
    }
}

/// All rows in the order that was asked for; equal ones in file order.
fn rows<'a>(report: &RankingReport<'a>) -> Vec<Row<'a>> {
    let services = &report.ranking.services;
    let measure = |of: fn(&Ranked) -> Option<Estimate>| {
        let all: Option<Vec<Estimate>> = services.iter().map(of).collect();
        let all = all.unwrap_or_default();
        let places = places(&all);
        all.into_iter().zip(places).collect::<Vec<_>>()
    };
    let reach = measure(|ranked| Some(ranked.reach));
    let (lost, down) = (measure(|ranked| ranked.user_minutes), measure(|ranked| ranked.downtime));
    let mut rows: Vec<Row<'_>> = services
        .iter()
        .zip(reach)
        .enumerate()
        .map(|(at, (ranked, (_, reach)))| Row {
            ranked,
            reach,
            user_minutes: lost.get(at).copied(),
            downtime: down.get(at).copied(),
        })
        .collect();
    let order = report.order();
    rows.sort_by_key(|row| row.place(order).rank);
    rows
}

/// Titles, and for each service shown its cells; `Number` cells stand at the right.
fn table(report: &RankingReport<'_>) -> (Vec<(&'static str, Column)>, Vec<Vec<String>>) {
    let rows = rows(report);
    let first = rows.first();
    let (has_lost, has_down) =
        (first.is_some_and(|row| row.user_minutes.is_some()), first.is_some_and(|row| row.downtime.is_some()));
    let mut titles =
        vec![("service", Column::Text), ("owner", Column::Text), ("reach", Column::Number), ("rank", Column::Number)];
    if has_lost {
        titles.extend([("user-minutes", Column::Number), ("rank", Column::Number)]);
    }
    if has_down {
        titles.extend([("down", Column::Number), ("rank", Column::Number)]);
    }
    let place = |place: Place| format!("{}{}", if place.is_close { "≈" } else { "" }, place.rank);
    // The measure of the order has its interval, the others their point.
    let has_interval = |measure: Measure| report.order() == measure;
    let cells = rows.iter().take(report.top).map(|row| {
        let service = report.system.service(row.ranked.service);
        let name = report.system.service_name(row.ranked.service).to_owned();
        let show: fn(Estimate) -> String = if has_interval(Measure::Reach) { count } else { count_point };
        let mut cells = vec![name, service.owner.clone().unwrap_or_default(), show(row.ranked.reach), place(row.reach)];
        if let Some((lost, rank)) = row.user_minutes {
            let show: fn(Estimate) -> String = if has_interval(Measure::UserMinutes) { count } else { count_point };
            cells.extend([show(lost), place(rank)]);
        }
        if let Some((down, rank)) = row.downtime {
            let show: fn(Estimate) -> String = if has_interval(Measure::Downtime) { duration_estimate } else { duration_point };
            cells.extend([show(down), place(rank)]);
        }
        cells
    });
    let cells = cells.collect();
    (titles, cells)
}

fn headline(report: &RankingReport<'_>) -> String {
    let name = if report.system.name.is_empty() { String::new() } else { format!("{}: ", report.system.name) };
    let worst = rows(report).first().map_or_else(String::new, |row| {
        let name = report.system.service_name(row.ranked.service);
        if row.place(report.order()).is_close {
            format!(", {name} first but {TOO_CLOSE}")
        } else {
            format!(", {name} hurts most")
        }
    });
    format!("{name}{} on each of {}{worst}", report.fault, number_of(report.ranking.services.len(), "service"))
}

/// What stands under the table.
fn notes(report: &RankingReport<'_>) -> Vec<String> {
    let mut notes = vec![format!("≈ {TOO_CLOSE}: its interval overlaps that of a neighbour in that order.")];
    if report.ranking.horizon_minutes.is_some() {
        notes.push("Down is the mean time down, added up over all services.".to_owned());
    }
    if report.ranking.services.iter().any(|ranked| ranked.user_minutes.is_some()) {
        let journeys = report.system.journeys().iter().map(|journey| (journey.name.as_str(), journey.is_traffic_known()));
        notes.extend(uncounted(journeys).map(|words| format!("User-minutes, {words}.")));
    }
    let more = report.ranking.services.len().saturating_sub(report.top);
    if more > 0 {
        notes.push(format!("{} more in the JSON report, or with a larger `--top`.", number_of(more, "service")));
    }
    if !report.ranking.left_out.is_empty() {
        let left = number_of(report.ranking.left_out.len(), "service");
        notes.push(format!("{left} left out: {} cannot be injected there.", report.fault));
    }
    notes
}

/// Limits, with the precision that was missed.
fn limits(report: &RankingReport<'_>) -> Vec<String> {
    let missed = report.ranking.precision.filter(|precision| !precision.is_reached());
    let missed = missed.map(|precision| {
        let (trials, words) = (whole(report.ranking.trials), precision_words(precision));
        format!("{trials} trials were too few for the precision of every service: {words}. More `--trials` come closer.")
    });
    report.limits.iter().cloned().chain(missed).collect()
}

fn run_line(report: &RankingReport<'_>) -> String {
    let horizon = report.ranking.horizon_minutes.map_or_else(String::new, |minutes| format!(", horizon {}", duration(minutes)));
    let trials = whole(report.ranking.trials);
    format!(
        "{trials} trials of each service on the same random numbers, seed {}{horizon}; intervals: 95 %, sampling error only",
        report.seed
    )
}

/// Writes a ranking as a page of text.
pub fn ranking_text(report: &RankingReport<'_>, page: Page) -> String {
    let mut out = page.bold(wrap(&headline(report), page.width, "").trim_end());
    out.push_str("\n\n");
    let (titles, cells) = table(report);
    let mut drawn = Table::new(&titles);
    drawn.rows = cells;
    out.push_str(&drawn.render(page, &|_| None));
    out.push('\n');
    notes(report).iter().for_each(|note| out.push_str(&wrap(note, page.width, "  ")));
    for (title, lines) in [("Data", quality_lines(report.quality)), ("Limits", limits(report))] {
        out.push_str(&format!("\n{}\n", page.bold(title)));
        lines.iter().for_each(|line| out.push_str(&wrap(line, page.width, "  - ")));
    }
    out.push_str(&format!("\n{}\n", page.dim(wrap(&run_line(report), page.width, "").trim_end())));
    out.push_str(&format!("{}{}\n", page.dim("again: "), clean(&report.command)));
    out
}

/// Writes a ranking as Markdown.
pub fn ranking_markdown(report: &RankingReport<'_>) -> String {
    let mut out = format!("### {}\n\n", sentence(&headline(report)));
    let (titles, cells) = table(report);
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    out.push_str(&line(titles.iter().map(|(title, _)| (*title).to_owned()).collect()));
    out.push_str(&line(
        titles.iter().map(|(_, column)| if *column == Column::Text { "---" } else { "---:" }.to_owned()).collect(),
    ));
    for row in cells {
        let shown = row.iter().enumerate().map(|(at, cell)| match at {
            0 => code(cell),
            _ => sentence(cell),
        });
        out.push_str(&line(shown.collect()));
    }
    out.push('\n');
    for text in notes(report).into_iter().chain(quality_lines(report.quality)).chain(limits(report)) {
        out.push_str(&format!("- {}\n", sentence(&text)));
    }
    out.push_str(&format!("\n{}\n\n{}\n", sentence(&run_line(report)), code(&report.command)));
    out
}

/// A mean with its place.
#[derive(Debug, Serialize, JsonSchema)]
struct Standing {
    mean: f64,
    /// 95 %; `null` where unknown.
    interval: Ends,
    /// From 1, the largest first; equal means share the better one.
    rank: usize,
    /// Whether the interval overlaps that of a neighbour in this order.
    is_too_close_to_call: bool,
}

impl Standing {
    fn new(estimate: Estimate, place: Place) -> Self {
        let Place { rank, is_close } = place;
        Self { mean: unsigned(estimate.mean), interval: estimate.interval.into(), rank, is_too_close_to_call: is_close }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct ServiceRecord<'a> {
    name: &'a str,
    /// Services impaired, itself included.
    reach: Standing,
    /// User-minutes lost; absent without a clock or without journeys.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_minutes: Option<Standing>,
    /// Minutes down, added up over all services; absent without a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    downtime: Option<Standing>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Inputs<'a> {
    topology: &'a str,
    sha256: &'a str,
    /// The kind of fault that every service has in turn.
    fault: &'a str,
    seed: u64,
    /// Trials of each service.
    trials: u64,
    method: &'static str,
    generator: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<&'a str>,
    /// In minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    horizon: Option<f64>,
}

/// Every service as the fault.
#[derive(Debug, Serialize, JsonSchema)]
struct Record<'a> {
    schema: &'static str,
    tool: Tool,
    inputs: Inputs<'a>,
    /// What the services are ordered by.
    by: Measure,
    services: Vec<ServiceRecord<'a>>,
    /// Services on which the fault cannot be injected.
    left_out: Vec<&'a str>,
    data_quality: QualityRecord<'a>,
    limits: Vec<String>,
    /// That of the least precise service, where a precision was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<PrecisionRecord>,
}

/// Writes a ranking as `shockfront/ranking/v1`, with a newline at the end.
pub fn ranking_json(report: &RankingReport<'_>) -> String {
    let (system, ranking) = (report.system, report.ranking);
    let standing = |(estimate, place)| Standing::new(estimate, place);
    pretty(&Record {
        schema: SCHEMA,
        tool: TOOL,
        inputs: Inputs {
            topology: &system.name,
            sha256: &report.topology_sha256,
            fault: report.fault,
            seed: report.seed,
            trials: ranking.trials,
            method: "sampled",
            generator: GENERATOR,
            at: report.at.as_deref(),
            horizon: ranking.horizon_minutes,
        },
        by: report.order(),
        services: rows(report)
            .into_iter()
            .map(|row| ServiceRecord {
                name: system.service_name(row.ranked.service),
                reach: Standing::new(row.ranked.reach, row.reach),
                user_minutes: row.user_minutes.map(standing),
                downtime: row.downtime.map(standing),
            })
            .collect(),
        left_out: ranking.left_out.iter().map(|id| system.service_name(*id)).collect(),
        data_quality: report.quality.into(),
        limits: limits(report),
        precision: ranking.precision.map(PrecisionRecord::from),
    })
}

/// The JSON Schema of rankings, indented.
pub fn ranking_schema() -> String {
    pretty(&json_schema::named::<Record<'static>>(SCHEMA))
}
