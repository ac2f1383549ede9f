//! A report as one HTML file: for an artifact of a build, a mail, a wiki. No network, no script, light and dark, made to be printed.
//!
//! What must hold: every text from a file goes through `maud`, which escapes it; the page's own policy forbids every request and every
//! script; tables are capped and say what was cut, so that a system of ten thousand services stays readable; the whole record stands
//! in the page as JSON for programs, in which no `<` is left that could end its element.

use super::explanation::{edge_cells, explanation_lines};
use super::figures::{Figure, figures, score};
use super::graph::Drawing;
use super::graph_svg::svg;
use super::input::{AssessmentReport, ServiceList, SimulationReport, worst_hit};
use super::layout::clean;
use super::limits::limits;
use super::mitigations::{TITLES as MITIGATION_TITLES, mitigation_cells, mitigation_lines};
use super::number::{duration_estimate, share, share_plain};
use super::record::simulation_json;
use super::record_assessment::{assessment_json, band_name};
use super::sensitivity::{FLIP_TITLES, LESSON_TITLES, flip_cells, lesson_cells};
use super::topology_edit::{self, edit_cells, edit_lines};
use super::uncertainty::uncertainty_line;
use super::words::{
    NOT_DEPLOYED, ai_line, bounds_line, breach_line, change_line, factor_cells, floor_line, headline, hits, impaired_share,
    is_scored, journey_cells, journey_titles, loss_line, number_of, path_to, quality_lines, reach_line, remaining_line, run_line,
    sources, three_numbers, verdict_band, verdict_line, verdict_notes,
};
use crate::model::System;
use crate::propagation::Simulation;
use crate::risk::assessment::Assessment;
use crate::statistics::Estimate;
use crate::units::ServiceId;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Rows of a table.
const ROWS: usize = 25;
/// Services in the drawing: more make arrows that nobody follows.
const DRAWN: usize = 40;
/// From this number of services on, the record in the page lists those that were reached only.
const LIST_ALL_UP_TO: usize = 2_000;
/// Longest record that stands in the page, in bytes.
const LONGEST_RECORD: usize = 4 << 20;
/// No request goes out and no script runs, whatever a text in the page says.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";
const STYLE: &str = include_str!("page.css");

/// Writes a simulation as a page.
pub fn simulation_html(report: &SimulationReport<'_>) -> String {
    let simulation = report.simulation;
    let facts: Vec<(&str, String)> = [
        Some(("reach", reach_line(simulation))),
        bounds_line(simulation).map(|line| ("bounds", line)),
        loss_line(simulation).map(|line| ("lost", line)),
        report.uncertainty.map(|uncertainty| ("more facts", uncertainty_line(uncertainty))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let listed = SimulationReport { services: services_of_record(report.system, report.services), ..report.clone() };
    let body = html! {
        header.lead { h1 { (prose(&headline(report))) } p.soft { (prose(&run_line(simulation))) } }
        (fact_list(&facts))
        (worst_table(report, &|_| None))
        (journeys(simulation))
        (plots(&figures(report)))
        (graph(report.system, simulation, &report.faults))
        (carriers(report))
        (grounds(&quality_lines(report.quality), &limits(Some(simulation), &report.limits)))
        (again(&report.command))
        (record(&simulation_json(&listed)))
    };
    page(&headline(report), &body)
}

/// Writes an assessment as a page.
pub fn assessment_html(report: &AssessmentReport<'_>) -> String {
    let assessment = report.assessment;
    let verdict = format!("{}: {}", verdict_band(&assessment.verdict), verdict_line(&assessment.verdict));
    let mut facts: Vec<(&str, String)> = three_numbers(report).into();
    facts.extend(assessment.uncertainty.as_ref().map(|uncertainty| ("more facts", uncertainty_line(uncertainty))));
    let impact = report.impact();
    let listed = AssessmentReport { services: services_of_record(report.system, report.services), ..report.clone() };
    let mut pictures: Vec<Figure> = impact.as_ref().map(figures).unwrap_or_default();
    if is_scored(&assessment.verdict) {
        pictures.insert(0, score(&assessment.verdict));
    }
    let body = html! {
        header class={ "lead " (band_name(assessment.verdict.band)) } {
            h1 { strong { (verdict_band(&assessment.verdict)) } ": " (prose(&verdict_line(&assessment.verdict))) }
            p { (prose(&change_line(assessment))) }
            @for note in verdict_notes(assessment) { p { (prose(&note)) } }
        }
        (fact_list(&facts))
        (sign_off(assessment))
        (bullets("How it spreads", &explanation_lines(report.system, assessment)))
        (edited(assessment))
        (safeguards(report))
        (bullets("What to do", &assessment.advice))
        (reasons(assessment))
        @if let Some(impact) = &impact {
            (worst_table(impact, &|service| path_to(report.system, assessment, service)))
            (journeys(impact.simulation))
        }
        (plots(&pictures))
        @if let Some(impact) = &impact { (graph(report.system, impact.simulation, &assessment.faults)) }
        @else if assessment.is_never_deployed() { section { h2 { "What it would do" } p { "nothing: it never gets into production" } } }
        @else { section { h2 { "What it would do" } p { "not known: nothing could be simulated" } } }
        (bullets("Changed files that belong to no service", &assessment.unmapped))
        (bullets(NOT_DEPLOYED, &assessment.not_deployed))
        (bullets("Notes", &assessment.notes))
        (grounds(&quality_lines(&assessment.data_quality), &limits(assessment.impact.as_ref(), &assessment.limits)))
        @if let Some(simulation) = &assessment.impact { p.soft { (prose(&run_line(simulation))) } }
        (again(&report.command))
        (record(&assessment_json(&listed)))
    };
    page(&verdict, &body)
}

fn services_of_record(system: &System, asked: ServiceList) -> ServiceList {
    if system.service_count() > LIST_ALL_UP_TO { ServiceList::Reached } else { asked }
}

pub(super) fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "shockfront " (env!("CARGO_PKG_VERSION")) };
                link rel="icon" href="data:,";
                title { (clean(title)) " · shockfront" }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body) } }
        }
    };
    let mut text = page.into_string();
    text.push('\n');
    text
}

/// A sentence; what stands between back-ticks is code.
pub(super) fn prose(text: &str) -> Markup {
    let text = clean(text);
    let parts: Vec<&str> = text.split('`').collect();
    // A single one is a character like any other.
    let is_paired = parts.len() % 2 == 1;
    html! {
        @if is_paired {
            @for (at, part) in parts.iter().enumerate() {
                @if at % 2 == 1 { code { (part) } } @else { (part) }
            }
        } @else { (text) }
    }
}

pub(super) fn fact_list(facts: &[(&str, String)]) -> Markup {
    html! { dl.facts { @for (label, value) in facts { div { dt { (label) } dd { (prose(value)) } } } } }
}

pub(super) fn bullets(title: &str, items: &[String]) -> Markup {
    html! {
        @if !items.is_empty() {
            section {
                h2 { (title) }
                ul { @for item in items.iter().take(ROWS) { li { (prose(item)) } } }
                (more(items.len().saturating_sub(ROWS), "item"))
            }
        }
    }
}

pub(super) fn more(cut: usize, what: &str) -> Markup {
    html! { @if cut > 0 { p.soft { "and " (number_of(cut, &format!("more {what}"))) ", not listed here" } } }
}

/// A table that scrolls by itself where the page is narrow. The first `n_texts` columns are texts, the others numbers.
pub(super) fn table(label: &str, titles: &[String], n_texts: usize, rows: &[Vec<Markup>]) -> Markup {
    html! {
        div.wide role="region" aria-label=(label) tabindex="0" {
            table {
                thead { tr { @for (at, title) in titles.iter().enumerate() { th scope="col" class=[class(at, n_texts)] { (clean(title)) } } } }
                tbody {
                    @for row in rows { tr { @for (at, cell) in row.iter().enumerate() { td class=[class(at, n_texts)] data-label=(clean(&titles[at])) { span { (cell) } } } } }
                }
            }
        }
    }
}

fn class(at: usize, n_texts: usize) -> Option<&'static str> {
    (at >= n_texts).then_some("n")
}

pub(super) fn titles(titles: &[&str]) -> Vec<String> {
    titles.iter().map(|title| (*title).to_owned()).collect()
}

fn sign_off(assessment: &Assessment) -> Markup {
    let rows: Vec<Vec<Markup>> = assessment
        .sign_off
        .iter()
        .map(|sign| {
            let state = match (&sign.given_by, sign.required) {
                (Some(by), _) => format!("given by {by}"),
                (None, true) => "required".to_owned(),
                (None, false) => "recommended".to_owned(),
            };
            let who = html! { (prose(&sign.who)) small { (sign.role) } };
            vec![who, prose(&state), prose(&sign.because.join("; "))]
        })
        .collect();
    html! {
        @if !rows.is_empty() {
            section {
                h2 { "Who must sign" }
                (table("Who must sign", &titles(&["who", "state", "because"]), 3, &rows[..rows.len().min(ROWS)]))
                (more(rows.len().saturating_sub(ROWS), "signature"))
            }
        }
        (bullets("Still missing", &assessment.missing))
    }
}

fn reasons(assessment: &Assessment) -> Markup {
    let rows: Vec<Vec<Markup>> =
        factor_cells(assessment).iter().map(|cells| [0, 2, 3, 1].map(|at| prose(&cells[at])).to_vec()).collect();
    let has_journeys = assessment.impact.as_ref().is_some_and(|simulation| !simulation.journeys.is_empty());
    html! {
        section {
            h2 { "Why" }
            p { "P(fault) is " (share(assessment.fault_probability.belief)) ". " (prose(&ai_line(assessment))) "." }
            @if !assessment.ai_evidence.is_empty() { ul { @for sign in &assessment.ai_evidence { li { (prose(sign)) } } } }
            @if !rows.is_empty() {
                (table("Factors of P(fault)", &titles(&["factor", "seen", "source", "odds ratio"]), 3, &rows))
            }
            @if has_journeys {
                p { (prose(&breach_line(assessment, share))) }
                @if let Some(line) = remaining_line(assessment) { p { (prose(&line)) } }
            }
            @if !assessment.floors.is_empty() {
                ul {
                    @for floor in &assessment.floors {
                        li { (prose(&floor_line(floor))) }
                    }
                }
            }
        }
    }
}

/// What carries the fault, and what would make the change safer.
fn safeguards(report: &AssessmentReport<'_>) -> Markup {
    let cells = |rows: Vec<Vec<String>>| -> Vec<Vec<Markup>> {
        rows.iter().map(|row| row.iter().map(|cell| prose(cell)).collect()).collect()
    };
    let carried = cells(edge_cells(report.system, report.assessment).into_iter().map(Vec::from).collect());
    let lines = mitigation_lines(report.assessment);
    let tried = cells(mitigation_cells(report.assessment).into_iter().map(Vec::from).collect());
    html! {
        @if !carried.is_empty() {
            section { h2 { "What carries it" } (table("Dependencies by what they carry", &titles(&FLIP_TITLES), 1, &carried)) }
        }
        @if !lines.is_empty() {
            section {
                h2 { "What would make it safer" }
                @if !tried.is_empty() {
                    (table("Mitigations, each simulated", &titles(&MITIGATION_TITLES.map(|(title, _)| title)), 1, &tried))
                }
                @for line in &lines { p { (prose(line)) } }
            }
        }
    }
}

/// What it does to the topology that it is judged by.
fn edited(assessment: &Assessment) -> Markup {
    let (lines, rows) = (edit_lines(assessment), edit_cells(assessment));
    let rows: Vec<Vec<Markup>> = rows.iter().map(|row| row.iter().map(|cell| prose(cell)).collect()).collect();
    html! {
        @if !lines.is_empty() {
            section {
                h2 { (topology_edit::TITLE) }
                ul { @for line in &lines { li { (prose(line)) } } }
                @if !rows.is_empty() {
                    (table("Both versions of the topology", &titles(&topology_edit::TITLES.map(|(title, _)| title)), 1, &rows))
                }
            }
        }
    }
}

/// The worst-hit services with owners and intervals. `path` gives the likeliest way to one.
fn worst_table(report: &SimulationReport<'_>, path: &dyn Fn(ServiceId) -> Option<(String, String)>) -> Markup {
    let simulation = report.simulation;
    let (rows, cut) = hits(report.system, simulation, &report.faults, ROWS);
    let mut heads = titles(&["service", "owner", "P(impaired)"]);
    if simulation.timed {
        heads.extend(titles(&["mean downtime", "impaired p50", "impaired p95", "down p95"]));
    }
    let rows: Vec<Vec<Markup>> = rows
        .iter()
        .map(|hit| {
            let found = simulation.service(hit.service);
            let way = path(hit.service).map(|(way, p)| format!("{way} ({p})"));
            let mut cells = vec![
                html! { (clean(&hit.name)) @if let Some(way) = way { small { (clean(&way)) } } },
                html! { (clean(&hit.owner)) },
                html! { (found.map_or_else(|| hit.impaired.clone(), |found| certain_or(found.impaired, &hit.impaired))) },
            ];
            if let Some(times) = found.and_then(|found| found.times()) {
                cells.push(html! { (duration_estimate(times.downtime.mean)) });
            }
            cells.extend(hit.times.iter().flatten().map(|time| html! { (time) }));
            cells
        })
        .collect();
    html! {
        section {
            h2 { "Worst-hit services" }
            @if rows.is_empty() { p { "No service was impaired in any trial." } }
            @else { (table("Worst-hit services", &heads, 2, &rows)) (more(cut, "service")) }
        }
    }
}

/// A share with its interval; `point` where the fault itself makes it certain.
fn certain_or(estimate: Estimate, point: &str) -> String {
    let is_certain = estimate.mean >= 1.0 && point == share_plain(1.0);
    if is_certain { point.to_owned() } else { share(estimate) }
}

fn journeys(simulation: &Simulation) -> Markup {
    let rows: Vec<Vec<Markup>> = journey_cells(simulation)
        .iter()
        .take(ROWS)
        .map(|cells| cells.iter().map(|cell| html! { (clean(cell)) }).collect())
        .collect();
    html! {
        @if !rows.is_empty() {
            section {
                h2 { "Journeys if it fails" }
                (table("Journeys if it fails", &titles(&journey_titles(simulation)), 1, &rows))
                (more(simulation.journeys.len().saturating_sub(ROWS), "journey"))
            }
        }
    }
}

pub(super) fn plots(figures: &[Figure]) -> Markup {
    html! {
        section {
            h2 { "Pictures" }
            div.plots { @for figure in figures { (plot(figure)) } }
        }
    }
}

fn plot(figure: &Figure) -> Markup {
    html! {
        figure id=(figure.id) {
            figcaption { h3 { (figure.title) } (prose(&figure.text)) }
            @if let Some(picture) = &figure.picture { (PreEscaped(picture)) }
            @if !figure.keys.is_empty() {
                ul.keys {
                    @for (at, key) in figure.keys.iter().enumerate() {
                        li {
                            svg viewBox="0 0 32 8" aria-hidden="true" { path class={ "s-k" (at) } d="M0,4H32" stroke-width="3" fill="none" {} }
                            (clean(key))
                        }
                    }
                }
            }
            @if !figure.rows.is_empty() {
                details {
                    summary { "The numbers" }
                    (table(figure.title, &figure.titles, 0, &figure.rows.iter().map(|row| row.iter().map(|cell| html! { (cell) }).collect()).collect::<Vec<_>>()))
                }
            }
        }
    }
}

/// The services that were hit, laid out by distance from the fault; when there are many, those that are likeliest next to it.
fn graph(system: &System, simulation: &Simulation, faults: &[String]) -> Markup {
    let hit: Vec<(ServiceId, f64)> = worst_hit(simulation).iter().map(|result| (result.service, result.impaired.mean)).collect();
    if hit.is_empty() {
        return html! {};
    }
    let sources = sources(system, faults);
    let mut drawing = Drawing::around(system, &sources, &hit, DRAWN).by_hops(&sources);
    let cut = hit.len() - drawing.services.len();
    let drawn = drawing.services.iter().filter_map(|id| simulation.service(*id));
    drawing.notes = drawn.map(|result| (result.service, impaired_share(result, &sources))).collect();
    let order =
        if drawing.hops.is_some() { " The fault is at the right; each column is one dependency farther away." } else { "" };
    html! {
        section {
            h2 { "Where it goes" }
            p { "Arrows point from a service to what it needs; shares are P(impaired)." (order) }
            div.wide.graph role="region" aria-label="Drawing of the services that were hit" tabindex="0" { (PreEscaped(svg(&drawing))) }
            @if cut > 0 { p.soft { (number_of(cut, "more service")) " not drawn: farther away, or with a smaller P(impaired)" } }
        }
    }
}

/// The dependencies that matter most, and those to experiment with.
fn carriers(report: &SimulationReport<'_>) -> Markup {
    let Some(found) = report.sensitivities else { return html! {} };
    let cells = |rows: Vec<Vec<String>>| -> Vec<Vec<Markup>> {
        rows.iter().map(|row| row.iter().map(|cell| html! { (clean(cell)) }).collect()).collect()
    };
    let carry = cells(flip_cells(report.system, found).into_iter().map(Vec::from).collect());
    let teach = cells(lesson_cells(report.system, found).into_iter().map(Vec::from).collect());
    let section = |title: &str, heads: &[&str], rows: &[Vec<Markup>]| {
        html! { @if !rows.is_empty() { section { h2 { (title) } (table(title, &titles(heads), 1, rows)) } } }
    };
    html! {
        (section("What carries it", &FLIP_TITLES, &carry))
        (section("What one game-day run teaches", &LESSON_TITLES, &teach))
    }
}

pub(super) fn grounds(quality: &[String], limits: &[String]) -> Markup {
    html! { (bullets("What it rests on", quality)) (bullets("Limits", limits)) }
}

pub(super) fn again(command: &str) -> Markup {
    html! {
        @if !command.is_empty() {
            section { h2 { "Run it again" } pre { code { (clean(command)) } } }
        }
    }
}

/// The record for programs. No `<` is left in it, so nothing in it can end the element; as JSON it is the same.
pub(super) fn record(json: &str) -> Markup {
    let json = json.trim_end().replace('<', "\\u003c");
    html! {
        @if json.len() <= LONGEST_RECORD {
            script type="application/json" id="shockfront-record" { (PreEscaped(&json)) }
        } @else {
            p.soft { "The record of this run is too long for a page; " code { "--format json" } " writes it." }
        }
    }
}
