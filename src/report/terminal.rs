//! Text pages for a terminal: the finding first, then what it rests on, then how to get it again.

use super::explanation::{edge_cells, explanation_lines};
use super::input::{AssessmentReport, SimulationReport};
use super::layout::{Column, Page, Table, clean, wrap};
use super::limits::limit_lines;
use super::mitigations::{TITLES as MITIGATION_TITLES, mitigation_cells, mitigation_lines};
use super::number;
use super::number::share;
use super::sensitivity::{FLIP_TITLES, LESSON_TITLES, flip_cells, lesson_cells};
use super::topology_edit::{self, edit_cells, edit_lines};
use super::uncertainty::uncertainty_line;
use super::words::{
    Hit, NOT_DEPLOYED, P_IMPAIRED, WORST, ai_line, bounds_line, breach_line, change_line, factor_cells, floor_line,
    forecast_line, headline, hits, journey_cells, journey_titles, loss_line, number_of, path_to, quality_lines, reach_line,
    remaining_line, run_line, signer_lines, starved_line, three_numbers, verdict_band, verdict_line, verdict_notes,
};
use crate::propagation::Simulation;
use crate::quality::DataQuality;
use crate::risk::assessment::{Assessment, Gate, SignOff};

/// Services in the table of a simulation.
const LISTED: usize = 10;

/// Writes a simulation as a page of text.
pub fn simulation_text(report: &SimulationReport<'_>, page: Page) -> String {
    let simulation = report.simulation;
    let mut out = String::new();
    let name = if report.system.name.is_empty() { String::new() } else { format!("{}: ", report.system.name) };
    out.push_str(&page.bold(wrap(&format!("{name}{}", headline(report)), page.width, "").trim_end()));
    out.push_str("\n\n");
    let mut facts = vec![("reach", reach_line(simulation))];
    facts.extend(bounds_line(simulation).map(|line| ("bounds", line)));
    facts.extend(loss_line(simulation).map(|line| ("lost", line)));
    facts.extend(report.uncertainty.map(|uncertainty| ("facts", uncertainty_line(uncertainty))));
    facts.extend(starved_line(report.system, simulation).map(|line| ("starved", line)));
    out.push_str(&fact_lines(&facts, page));
    out.push_str(&journeys(simulation, page));
    let (rows, more) = hits(report.system, simulation, &report.faults, LISTED);
    out.push_str(&hit_table(&rows, more, page, &|_| None));
    out.push_str(&carriers(report, page));
    out.push_str(&footing(&Footing {
        quality: report.quality,
        limits: limit_lines(Some(simulation), &report.limits),
        run: Some(run_line(simulation)),
        command: &report.command,
        page,
    }));
    out
}

/// Writes an assessment as a page of text: the verdict, three numbers, who signs, what is hit, what to do; then the reasons.
pub fn assessment_text(report: &AssessmentReport<'_>, page: Page) -> String {
    let (assessment, verdict) = (report.assessment, &report.assessment.verdict);
    let mut out = String::new();
    let between = if verdict.gate == Gate::NotAssessed { ": " } else { "  " };
    let band = page.band(verdict.band, &verdict_band(verdict));
    out.push_str(&format!("{band}{between}{}\n", page.bold(&verdict_line(verdict))));
    out.push_str(&wrap(&change_line(assessment), page.width, ""));
    for note in verdict_notes(assessment) {
        out.push_str(&page.warn(wrap(&note, page.width, "").trim_end()));
        out.push('\n');
    }
    out.push('\n');
    let mut facts = Vec::from(three_numbers(report));
    facts.extend(assessment.uncertainty.as_ref().map(|uncertainty| ("facts", uncertainty_line(uncertainty))));
    out.push_str(&fact_lines(&facts, page));
    out.push_str(&sign_off(assessment, page));
    if let Some(simulation) = &assessment.impact {
        let (rows, more) = hits(report.system, simulation, &assessment.faults, WORST);
        let path = |at: usize| path_to(report.system, assessment, rows[at].service).map(|(path, p)| format!("{path} ({p})"));
        out.push_str(&hit_table(&rows, more, page, &path));
        out.push_str(&journeys(simulation, page));
    }
    out.push_str(&list("How it spreads", &explanation_lines(report.system, assessment), page));
    let carried = edge_cells(report.system, assessment).into_iter().map(Vec::from).collect();
    out.push_str(&figures("What carries it", &FLIP_TITLES, carried, page));
    out.push_str(&edited(assessment, page));
    out.push_str(&mitigated(assessment, page));
    out.push_str(&list("What to do", &assessment.advice, page));
    out.push_str(&reasons(assessment, page));
    out.push_str(&list("Notes", &assessment.notes, page));
    let impact = assessment.impact.as_ref();
    out.push_str(&footing(&Footing {
        quality: &assessment.data_quality,
        limits: limit_lines(impact, &assessment.limits),
        run: impact.map(run_line),
        command: &report.command,
        page,
    }));
    out
}

/// Labels at the left, values beside them.
fn fact_lines(facts: &[(&str, String)], page: Page) -> String {
    let width = facts.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    facts.iter().map(|(label, value)| wrap(value, page.width, &format!("  {label:width$}  "))).collect()
}

fn heading(text: &str, page: Page) -> String {
    format!("\n{}\n", page.bold(text))
}

fn list(title: &str, items: &[String], page: Page) -> String {
    if items.is_empty() {
        return String::new();
    }
    let lines: String = items.iter().map(|item| wrap(item, page.width, "  - ")).collect();
    heading(title, page) + &lines
}

fn journeys(simulation: &Simulation, page: Page) -> String {
    if simulation.journeys.is_empty() {
        return String::new();
    }
    let titles = journey_titles(simulation);
    let column = |title: &'static str| match title {
        "journey" => (title, Column::Text),
        "impaired p50" | "error budget" => (title, Column::Optional),
        P_IMPAIRED => (title, Column::Spare),
        _ => (title, Column::Number),
    };
    let mut table = Table::new(&titles.into_iter().map(column).collect::<Vec<_>>());
    table.rows = journey_cells(simulation);
    heading("Journeys if it fails", page) + &table.render(page, &|_| None)
}

/// The dependencies that matter most, and those to experiment with.
fn carriers(report: &SimulationReport<'_>, page: Page) -> String {
    let Some(found) = report.sensitivities else { return String::new() };
    let carry = flip_cells(report.system, found).into_iter().map(Vec::from).collect();
    let teach = lesson_cells(report.system, found).into_iter().map(Vec::from).collect();
    figures("What carries it", &FLIP_TITLES, carry, page) + &figures("What one game-day run teaches", &LESSON_TITLES, teach, page)
}

/// A name and numbers in each row; nothing without rows.
fn figures(title: &str, titles: &[&str], rows: Vec<Vec<String>>, page: Page) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&[]);
    let column = |at: usize| if at == 0 { Column::Text } else { Column::Number };
    table.columns = titles.iter().enumerate().map(|(at, title)| ((*title).to_owned(), column(at))).collect();
    table.rows = rows;
    heading(title, page) + &table.render(page, &|_| None)
}

/// What it does to the topology that it is judged by.
fn edited(assessment: &Assessment, page: Page) -> String {
    let mut table = Table::new(&topology_edit::TITLES);
    table.rows = edit_cells(assessment).into_iter().map(Vec::from).collect();
    let drawn = if table.rows.is_empty() { String::new() } else { table.render(page, &|_| None) };
    list(topology_edit::TITLE, &edit_lines(assessment), page) + &drawn
}

/// What was simulated against it.
fn mitigated(assessment: &Assessment, page: Page) -> String {
    let (rows, lines) = (mitigation_cells(assessment), mitigation_lines(assessment));
    if lines.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&MITIGATION_TITLES);
    table.rows = rows.into_iter().map(Vec::from).collect();
    let drawn = if table.rows.is_empty() { String::new() } else { table.render(page, &|_| None) };
    format!("\n{drawn}") + &lines.iter().map(|line| wrap(line, page.width, "  ")).collect::<String>()
}

fn hit_table(rows: &[Hit], more: usize, page: Page, path: &dyn Fn(usize) -> Option<String>) -> String {
    if rows.is_empty() {
        return heading("Worst hit", page) + "  no service was impaired in any trial\n";
    }
    let timed = rows.iter().all(|row| row.times.is_some());
    let mut columns = vec![("service", Column::Text), ("owner", Column::Text), ("P(impaired)", Column::Number)];
    if timed {
        columns.extend([("impaired p50", Column::Optional), ("impaired p95", Column::Number), ("down p95", Column::Number)]);
    }
    let mut table = Table::new(&columns);
    for row in rows {
        let mut cells = vec![row.name.clone(), row.owner.clone(), row.impaired.clone()];
        cells.extend(row.times.iter().flatten().cloned());
        table.rows.push(cells);
    }
    let mut out = heading("Worst hit", page) + &table.render(page, path);
    if more > 0 {
        out.push_str(&page.dim(&format!("  and {} more", number_of(more, "service"))));
        out.push('\n');
    }
    out
}

fn sign_off(assessment: &Assessment, page: Page) -> String {
    let mut out = String::new();
    if !assessment.sign_off.is_empty() {
        out.push_str(&heading("Sign-off", page));
    }
    for sign in &assessment.sign_off {
        let (mark, state) = sign_state(sign);
        let text = format!("{} ({}), {state}: {}", sign.who, sign.role, sign.because.join("; "));
        let lines = wrap(&text, page.width, &format!("  {mark} "));
        let painted = match (sign.given_by.is_some(), sign.required) {
            (true, _) => lines.replacen(mark, &page.good(mark), 1),
            (false, true) => lines.replacen(mark, &page.bad(mark), 1),
            (false, false) => lines,
        };
        out.push_str(&painted);
    }
    let title = if assessment.verdict.gate == Gate::Pass { "Open" } else { "The gate waits for" };
    let signers = list("The fewest people who can sign", &signer_lines(assessment), page);
    out.push_str(&(list(title, &assessment.missing, page) + &signers));
    if !assessment.sign_off.is_empty() {
        out.push_str(&wrap(&forecast_line(assessment), page.width, "  "));
    }
    out
}

/// The mark and the words for the state of one sign-off.
fn sign_state(sign: &SignOff) -> (&'static str, String) {
    match (&sign.given_by, sign.required) {
        (Some(by), _) => ("✓", format!("given by {by}")),
        (None, true) => ("✗", "required".to_owned()),
        (None, false) => ("○", "recommended".to_owned()),
    }
}

/// Why P(fault) is what it is, and which rules raised the band.
fn reasons(assessment: &Assessment, page: Page) -> String {
    let mut out = String::new();
    let rows = factor_cells(assessment);
    out.push_str(&heading(&format!("Why P(fault) is {}", share(assessment.fault_probability.belief)), page));
    if !rows.is_empty() {
        let mut table = Table::new(&[("factor", Column::Text), ("odds", Column::Number), ("seen", Column::Text)]);
        table.rows = rows.into_iter().map(|[name, odds, because, _]| vec![name, odds, because]).collect();
        out.push_str(&table.render(page, &|_| None));
    }
    out.push_str(&wrap(&ai_line(assessment), page.width, "  "));
    for evidence in &assessment.ai_evidence {
        out.push_str(&wrap(evidence, page.width, "    "));
    }
    if assessment.impact.as_ref().is_some_and(|simulation| !simulation.journeys.is_empty()) {
        let breach = breach_line(assessment, |breach| number::share_plain(breach.mean));
        out.push_str(&wrap(&breach, page.width, "  "));
        out.push_str(&remaining_line(assessment).map(|line| wrap(&line, page.width, "  ")).unwrap_or_default());
    }
    let floors: Vec<String> = assessment.floors.iter().map(floor_line).collect();
    out.push_str(&list("Rules that fired", &floors, page));
    if !assessment.unmapped.is_empty() {
        out.push_str(&list("Changed files that belong to no service", &assessment.unmapped, page));
    }
    if !assessment.not_deployed.is_empty() {
        out.push_str(&list(NOT_DEPLOYED, &assessment.not_deployed, page));
    }
    out
}

struct Footing<'a> {
    quality: &'a DataQuality,
    limits: Vec<String>,
    run: Option<String>,
    command: &'a str,
    page: Page,
}

/// Data, limits, and the way to get the same page again.
fn footing(footing: &Footing<'_>) -> String {
    let page = footing.page;
    let mut out = list("Data", &quality_lines(footing.quality), page);
    out.push_str(&list("Limits", &footing.limits, page));
    out.push('\n');
    if let Some(run) = &footing.run {
        out.push_str(&page.dim(wrap(run, page.width, "").trim_end()));
        out.push('\n');
    }
    if !footing.command.is_empty() {
        // Not broken: it is there to be copied.
        out.push_str(&format!("{}{}\n", page.dim("again: "), clean(footing.command)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::layout::cells;
    use super::super::testing::{assessment, assessment_report, quality, run, shop, simulation_report, timed};
    use super::*;
    use crate::propagation::Request;

    fn page(width: usize) -> Page {
        Page { width, color: false }
    }

    #[test]
    fn a_simulation_leads_with_its_finding() {
        let (system, quality) = (shop(), quality());
        let simulation = timed(&system);
        let report = simulation_report(&system, &simulation, &quality);
        let text = simulation_text(&report, page(100));
        assert!(text.starts_with("retail: crash@payment reaches "), "{text}");
        for part in [
            "\nJourneys",
            "\nWorst hit\n",
            "payment",
            "@shop/payments",
            "\nData\n",
            "observed 12 days ago",
            "\nLimits\n",
            "2,048 trials, seed 7, horizon 72 h",
            "again: shockfront simulate retail.yaml",
        ] {
            assert!(text.contains(part), "{part} is missing:\n{text}");
        }
        println!("{text}");
    }

    #[test]
    fn a_static_simulation_shows_no_times() {
        let (system, quality) = (shop(), quality());
        let simulation = run(&system, &Request { trials: 512, static_reach: true, ..Request::default() });
        let text = simulation_text(&simulation_report(&system, &simulation, &quality), page(100));
        assert!(!text.contains("p95") && !text.contains("Journeys"), "{text}");
    }

    #[test]
    fn wrong_answers_and_slowness_are_seen() {
        let (system, quality) = (shop(), quality());
        let mut simulation = timed(&system);
        simulation.journeys[0].integrity_minutes.mean.mean = 1_200.0;
        let mut report = simulation_report(&system, &simulation, &quality);
        report.faults.push("slow@pricing".to_owned());
        let text = simulation_text(&report, page(140));
        for part in ["slow@pricing reach ", "and cause 1,200 user-minutes of wrong answers", "impaired p95", "down p95", "100 %"]
        {
            assert!(text.contains(part), "{part} is missing:\n{text}");
        }
        let limits = text.split("\nLimits\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("limits");
        assert!(limits.matches("  - ").count() <= 5);
    }

    #[test]
    fn what_is_not_assessed_has_no_score() {
        let system = shop();
        let mut assessment = assessment(&system);
        assessment.verdict.gate = Gate::NotAssessed;
        let text = assessment_text(&assessment_report(&system, &assessment), page(100));
        assert!(text.starts_with("NOT ASSESSED (counts as orange): too little is known\n"), "{text}");
        assert!(!text.contains("score"), "{text}");
    }

    #[test]
    fn an_assessment_leads_with_its_verdict() {
        let system = shop();
        let assessment = assessment(&system);
        let text = assessment_text(&assessment_report(&system, &assessment), page(100));
        assert!(text.starts_with("ORANGE  score 38"), "{text}");
        for part in [
            "raised from yellow to orange",
            "P(fault)              6 % (2 … 13 %)",
            "✗ @shop/payments (service owner), required",
            "✓ a senior engineer (senior engineer), given by lee",
            "payment → checkout → frontend (45 %)",
            "\nWhat to do\n",
            "AI assistance: yes (derived)",
            "docs/notes.md",
        ] {
            assert!(text.contains(part), "{part} is missing:\n{text}");
        }
        println!("{text}");
    }

    #[test]
    fn pages_keep_to_their_width_and_colour_changes_no_letter() {
        let system = shop();
        let assessment = assessment(&system);
        let report = assessment_report(&system, &assessment);
        for width in [50, 80, 120] {
            let text = assessment_text(&report, page(width));
            let long: Vec<&str> = text.lines().filter(|line| cells(line) > width && !line.starts_with("again: ")).collect();
            assert!(long.is_empty(), "{long:?}");
            let painted = assessment_text(&report, Page { width, color: true });
            let mut plain = String::new();
            let mut rest = painted.as_str();
            while let Some((before, after)) = rest.split_once('\x1b') {
                plain.push_str(before);
                rest = after.split_once('m').map_or("", |(_, rest)| rest);
            }
            assert_eq!(plain + rest, text);
        }
    }
}
