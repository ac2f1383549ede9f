//! Markdown for a comment on a pull request or a job summary.
//!
//! The first line is hidden and names the report, so that a script finds and replaces its own comment. The reader gets verdict,
//! three numbers, sign-off and five rows; the rest is folded. The whole never exceeds [`LONGEST`] characters: folded sections
//! are left out from the last on, and a line says which.

use super::escape::{code, sentence};
use super::explanation::{edge_cells, explanation_lines};
use super::graph::{Drawing, mermaid};
use super::input::{AssessmentReport, SimulationReport, worst_hit};
use super::limits::limit_lines;
use super::mitigations::{TITLES as MITIGATION_TITLES, mitigation_cells, mitigation_lines};
use super::number::{share, share_plain};
use super::sensitivity::{FLIP_TITLES, LESSON_TITLES, flip_cells, lesson_cells};
use super::topology_edit::{self, edit_cells, edit_lines};
use super::uncertainty::uncertainty_line;
use super::words::{
    Hit, NOT_DEPLOYED, WORST, ai_line, bounds_line, breach_line, change_line, factor_cells, floor_line, forecast_line, headline,
    hits, impaired_share, journey_cells, journey_titles, loss_line, number_of, path_to, quality_lines, reach_line,
    remaining_line, run_line, signer_lines, sources, three_numbers, verdict_band, verdict_line, verdict_notes,
};
use crate::model::System;
use crate::propagation::Simulation;
use crate::quality::DataQuality;
use crate::risk::assessment::{Assessment, Band, Gate};

/// What GitHub takes as the body of a comment, in characters.
pub const LONGEST: usize = 65_536;
/// Nodes of the drawing: more cannot be read in a comment.
const DRAWN: usize = 30;
/// Characters kept for the line that says what was cut.
const RESERVE: usize = 400;
/// Services in the folded table of a simulation.
const FOLDED_ROWS: usize = 100;

/// Writes a simulation as Markdown. `key` tells reports on one page apart, such as a topology and a job.
pub fn simulation_markdown(report: &SimulationReport<'_>, key: &str) -> String {
    let simulation = report.simulation;
    let mut head = marker(key);
    head.push_str(&format!("### {}\n\n", sentence(&headline(report))));
    head.push_str(&format!("- **reach**: {}\n", sentence(&reach_line(simulation))));
    if let Some(line) = bounds_line(simulation) {
        head.push_str(&format!("- **bounds**: {}\n", sentence(&line)));
    }
    if let Some(line) = loss_line(simulation) {
        head.push_str(&format!("- **lost**: {}\n", sentence(&line)));
    }
    if let Some(uncertainty) = report.uncertainty {
        head.push_str(&format!("- **facts**: {}\n", sentence(&uncertainty_line(uncertainty))));
    }
    head.push('\n');
    let (rows, more) = hits(report.system, simulation, &report.faults, WORST);
    head.push_str(&hit_table(&rows, more, &|_| None));
    let mut folds = vec![journeys(simulation)];
    if more > 0 {
        let (rows, rest) = hits(report.system, simulation, &report.faults, FOLDED_ROWS);
        folds.push(Fold::new("All services that were hit", hit_table(&rows, rest, &|_| None)));
    }
    folds.extend(carriers(report));
    folds.push(drawing(report.system, simulation, &report.faults));
    folds.push(data(report.quality));
    folds.push(list("Limits", &limit_lines(Some(simulation), &report.limits)));
    join(head, folds, &again(&report.command, Some(run_line(simulation))))
}

/// Writes an assessment as Markdown. `key` tells reports on one page apart.
pub fn assessment_markdown(report: &AssessmentReport<'_>, key: &str) -> String {
    let (assessment, impact) = (report.assessment, report.assessment.impact.as_ref());
    let mut head = marker(key);
    head.push_str(&verdict(assessment));
    let facts = assessment.uncertainty.as_ref().map(|uncertainty| ("facts", uncertainty_line(uncertainty)));
    for (label, value) in three_numbers(report).into_iter().chain(facts) {
        head.push_str(&format!("- **{label}**: {}\n", sentence(&value)));
    }
    head.push('\n');
    head.push_str(&sign_off(assessment));
    if let Some(simulation) = impact {
        let (rows, more) = hits(report.system, simulation, &assessment.faults, WORST);
        let path = |at: usize| path_to(report.system, assessment, rows[at].service);
        head.push_str(&hit_table(&rows, more, &path));
    }
    head.push_str(&bullets("**How it spreads**", &explanation_lines(report.system, assessment)));
    head.push_str(&edited(assessment));
    head.push_str(&mitigated(assessment));
    head.push_str(&bullets("**What to do**", &assessment.advice));
    let mut folds = vec![reasons(assessment)];
    let carried = edge_cells(report.system, assessment).into_iter().map(Vec::from).collect();
    folds.push(figures("What carries it", &FLIP_TITLES, carried));
    if let Some(simulation) = impact {
        folds.push(journeys(simulation));
        folds.push(drawing(report.system, simulation, &assessment.faults));
    }
    folds.push(list("Changed files that belong to no service", &assessment.unmapped));
    folds.push(list(NOT_DEPLOYED, &assessment.not_deployed));
    folds.push(list("Notes", &assessment.notes));
    folds.push(data(&assessment.data_quality));
    folds.push(list("Limits", &limit_lines(impact, &assessment.limits)));
    join(head, folds, &again(&report.command, impact.map(run_line)))
}

/// What it does to the topology that it is judged by.
fn edited(assessment: &Assessment) -> String {
    let rows = edit_cells(assessment);
    let mut out = bullets(&format!("**{}**", topology_edit::TITLE), &edit_lines(assessment));
    if !rows.is_empty() {
        out.push_str(&row(&topology_edit::TITLES.map(|(title, _)| title.to_owned())));
        out.push_str("| --- | ---: | ---: | ---: |\n");
        rows.into_iter().for_each(|cells| out.push_str(&row(&cells.map(|cell| sentence(&cell)))));
        out.push('\n');
    }
    out
}

/// What was simulated against it.
fn mitigated(assessment: &Assessment) -> String {
    let (rows, lines) = (mitigation_cells(assessment), mitigation_lines(assessment));
    let mut out = String::new();
    if !rows.is_empty() {
        out.push_str(&format!("| {} |\n", MITIGATION_TITLES.map(|(title, _)| title).join(" | ")));
        out.push_str("| --- | ---: | ---: | ---: | --- |\n");
        rows.into_iter().for_each(|cells| out.push_str(&row(&cells.map(|cell| sentence(&cell)))));
        out.push('\n');
    }
    lines.iter().for_each(|line| out.push_str(&format!("- {}\n", sentence(line))));
    if lines.is_empty() { out } else { out + "\n" }
}

/// The hidden first line; the key cannot end the comment it stands in.
fn marker(key: &str) -> String {
    let key: String = key.chars().map(|c| if c.is_alphanumeric() || "._/-".contains(c) { c } else { '_' }).collect();
    format!("<!-- shockfront:report:{} -->\n", key.replace("--", "-_"))
}

fn verdict(assessment: &Assessment) -> String {
    let verdict = &assessment.verdict;
    let mark = match verdict.band {
        Band::Green => "🟢",
        Band::Yellow => "🟡",
        Band::Orange => "🟠",
        Band::Red => "🔴",
    };
    let band = verdict_band(verdict);
    let between = if verdict.gate == Gate::NotAssessed { ":" } else { "," };
    let mut out =
        format!("### {mark} {band}{between} {}\n\n{}\n\n", sentence(&verdict_line(verdict)), sentence(&change_line(assessment)));
    for note in verdict_notes(assessment) {
        out.push_str(&format!("> {}\n\n", sentence(&note)));
    }
    out
}

fn sign_off(assessment: &Assessment) -> String {
    let mut out = String::new();
    if !assessment.sign_off.is_empty() {
        out.push_str("**Sign-off**\n\n");
    }
    for sign in &assessment.sign_off {
        let state = match (&sign.given_by, sign.required) {
            (Some(by), _) => format!("given by {}", code(by)),
            (None, true) => "required".to_owned(),
            (None, false) => "recommended".to_owned(),
        };
        let mark = if sign.given_by.is_some() { "x" } else { " " };
        let because = sentence(&sign.because.join("; "));
        out.push_str(&format!("- [{mark}] {} ({}), {state}: {because}\n", code(&sign.who), sign.role));
    }
    if !assessment.sign_off.is_empty() {
        out.push('\n');
    }
    let signers: Vec<String> = signer_lines(assessment);
    out += &bullets("**Still missing**", &assessment.missing);
    out += &bullets("**The fewest people who can sign**", &signers);
    if !assessment.sign_off.is_empty() {
        out.push_str(&format!("<sub>{}</sub>\n\n", sentence(&forecast_line(assessment))));
    }
    out
}

fn bullets(title: &str, items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let lines: String = items.iter().map(|item| format!("- {}\n", sentence(item))).collect();
    format!("{title}\n\n{lines}\n")
}

/// A table row; cells are escaped already.
fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn hit_table(rows: &[Hit], more: usize, path: &dyn Fn(usize) -> Option<(String, String)>) -> String {
    if rows.is_empty() {
        return "No service was impaired in any trial.\n\n".to_owned();
    }
    let timed = rows.iter().all(|row| row.times.is_some());
    let paths: Vec<_> = (0..rows.len()).map(path).collect();
    let with_paths = paths.iter().any(Option::is_some);
    let mut out = String::from("| worst hit | owner | P(impaired) |");
    out.push_str(if timed { " impaired p50 | impaired p95 | down p95 |" } else { "" });
    out.push_str(if with_paths { " way |\n" } else { "\n" });
    out.push_str("| --- | --- | ---: |");
    out.push_str(if timed { " ---: | ---: | ---: |" } else { "" });
    out.push_str(if with_paths { " --- |\n" } else { "\n" });
    for (hit, path) in rows.iter().zip(paths) {
        let mut cells = vec![code(&hit.name), code(&hit.owner), sentence(&hit.impaired)];
        cells.extend(hit.times.iter().flatten().map(|cell| sentence(cell)));
        if with_paths {
            cells.push(path.map_or_else(String::new, |(path, p)| format!("{} ({p})", code(&path))));
        }
        out.push_str(&row(&cells));
    }
    if more > 0 {
        out.push_str(&format!("\nand {} more\n", number_of(more, "service")));
    }
    out + "\n"
}

/// A section behind a title.
struct Fold {
    title: &'static str,
    body: String,
}

impl Fold {
    fn new(title: &'static str, body: String) -> Self {
        Self { title, body }
    }

    fn text(&self) -> String {
        format!("<details><summary>{}</summary>\n\n{}\n\n</details>\n\n", self.title, self.body.trim_end())
    }
}

fn list(title: &'static str, items: &[String]) -> Fold {
    Fold::new(title, items.iter().map(|item| format!("- {}\n", sentence(item))).collect())
}

fn data(quality: &DataQuality) -> Fold {
    list("Data", &quality_lines(quality))
}

fn journeys(simulation: &Simulation) -> Fold {
    let mut body = String::new();
    if !simulation.journeys.is_empty() {
        let titles = journey_titles(simulation);
        body.push_str(&format!("| {} |\n| --- |{}\n", titles.join(" | "), " ---: |".repeat(titles.len() - 1)));
    }
    for cells in journey_cells(simulation) {
        let cells = cells.iter().enumerate();
        let cells: Vec<String> = cells.map(|(at, cell)| if at == 0 { code(cell) } else { sentence(cell) }).collect();
        body.push_str(&row(&cells));
    }
    Fold::new("Journeys if it fails", body)
}

/// The dependencies that matter most, and those to experiment with.
fn carriers(report: &SimulationReport<'_>) -> Vec<Fold> {
    let Some(found) = report.sensitivities else { return Vec::new() };
    let carry = flip_cells(report.system, found).into_iter().map(Vec::from).collect();
    let teach = lesson_cells(report.system, found).into_iter().map(Vec::from).collect();
    vec![figures("What carries it", &FLIP_TITLES, carry), figures("What one game-day run teaches", &LESSON_TITLES, teach)]
}

/// A name and numbers in each row; nothing without rows.
fn figures(title: &'static str, titles: &[&str], rows: Vec<Vec<String>>) -> Fold {
    if rows.is_empty() {
        return Fold::new(title, String::new());
    }
    let mut body = format!("| {} |\n| --- |{}\n", titles.join(" | "), " ---: |".repeat(titles.len() - 1));
    for cells in rows {
        let cells = cells.iter().enumerate();
        let cells: Vec<String> = cells.map(|(at, cell)| if at == 0 { code(cell) } else { sentence(cell) }).collect();
        body.push_str(&row(&cells));
    }
    Fold::new(title, body)
}

/// The services that were hit, the likeliest ones when there are many.
fn drawing(system: &System, simulation: &Simulation, faults: &[String]) -> Fold {
    let mut hit = worst_hit(simulation);
    hit.sort_by(|a, b| b.impaired.mean.total_cmp(&a.impaired.mean).then(a.service.cmp(&b.service)));
    let left_out = hit.len().saturating_sub(DRAWN);
    hit.truncate(DRAWN);
    if hit.is_empty() {
        return Fold::new("Drawing", String::new());
    }
    let sources = sources(system, faults);
    let mut drawing = Drawing::of(system, hit.iter().map(|result| result.service));
    drawing.notes = hit.iter().map(|result| (result.service, impaired_share(result, &sources))).collect();
    let mut body = format!("```mermaid\n{}```\n", mermaid(&drawing));
    body.push_str("\nArrows point from a service to what it needs; shares are P(impaired).\n");
    if left_out > 0 {
        body.push_str(&format!("\n{} with a smaller P(impaired) left out.\n", number_of(left_out, "service")));
    }
    Fold::new("Drawing", body)
}

fn reasons(assessment: &Assessment) -> Fold {
    let mut body = format!("P(fault) is {}.\n\n", sentence(&share(assessment.fault_probability.belief)));
    let rows = factor_cells(assessment);
    if !rows.is_empty() {
        body.push_str("| factor | odds | seen | source |\n| --- | ---: | --- | --- |\n");
    }
    for cells in rows {
        body.push_str(&row(&cells.map(|cell| sentence(&cell))));
    }
    body.push_str(&format!("\n- {}\n", sentence(&ai_line(assessment))));
    for evidence in &assessment.ai_evidence {
        body.push_str(&format!("  - {}\n", sentence(evidence)));
    }
    if assessment.impact.as_ref().is_some_and(|simulation| !simulation.journeys.is_empty()) {
        body.push_str(&format!("- {}\n", sentence(&breach_line(assessment, |breach| share_plain(breach.mean)))));
        body.push_str(&remaining_line(assessment).map(|line| format!("- {}\n", sentence(&line))).unwrap_or_default());
    }
    for floor in &assessment.floors {
        body.push_str(&format!("- {}\n", sentence(&floor_line(floor))));
    }
    Fold::new("Why this verdict", body)
}

fn again(command: &str, run: Option<String>) -> String {
    let mut out = String::new();
    if let Some(run) = run {
        out.push_str(&format!("<sub>{}</sub>\n", sentence(&run)));
    }
    if !command.is_empty() {
        // Spelled as a block of its own, so that it is copied whole; a fence inside the command cannot close it.
        let longest = command.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        out.push_str(&format!("\n{fence}sh\n{}\n{fence}\n", command.replace(['\n', '\r'], " ")));
    }
    out
}

/// Puts the parts together; what does not fit is left out, folds from the last on.
fn join(head: String, folds: Vec<Fold>, foot: &str) -> String {
    let length = |text: &str| text.chars().count();
    let foot = if length(foot) > LONGEST / 4 { "" } else { foot };
    let mut room = LONGEST - RESERVE - length(foot);
    let mut out = head;
    let mut cut: Vec<&str> = Vec::new();
    if length(&out) > room {
        // Cut at a line, so that no table row or escape is halved.
        let end = out.char_indices().nth(room).map_or(out.len(), |(at, _)| at);
        let end = out[..end].rfind('\n').map_or(end, |at| at + 1);
        out.truncate(end);
        out.push('\n');
        cut.push("the end of the summary");
    }
    room = room.saturating_sub(length(&out));
    for fold in folds.iter().filter(|fold| !fold.body.trim().is_empty()) {
        let text = fold.text();
        if length(&text) <= room {
            room -= length(&text);
            out.push_str(&text);
        } else {
            cut.push(fold.title);
        }
    }
    if !cut.is_empty() {
        out.push_str(&format!("> Cut to fit into one comment: {}. The JSON report has it all.\n\n", cut.join(", ")));
    }
    out + foot
}
