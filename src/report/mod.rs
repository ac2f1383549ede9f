//! What other rooms found, written for people and programs.
//!
//! `number` is the only formatter of estimates; `record` and `record_assessment` write the stable JSON; `terminal`, `markdown` and
//! `html` write pages, `words` the sentences they share. What must hold: this
//! room formats and never computes, reads no file and prints nothing, and the same values give the same bytes.

mod anchor;
pub mod assessment_findings;
mod charts;
pub mod comparison;
mod escape;
mod explanation;
mod figures;
mod figures_comparison;
pub mod findings;
pub mod graph;
mod graph_layout;
pub mod graph_svg;
pub mod html;
mod html_comparison;
#[cfg(test)]
mod html_tests;
pub mod input;
pub mod junit;
mod layout;
pub mod ledger;
mod limits;
pub mod markdown;
#[cfg(test)]
mod markdown_tests;
mod mitigations;
pub mod number;
pub mod part;
pub mod part_ranking;
pub mod part_set;
pub mod ranking;
pub mod record;
pub mod record_assessment;
mod record_comparison;
mod record_numbers;
#[cfg(test)]
mod record_tests;
pub mod review_formats;
mod sensitivity;
mod series;
pub mod terminal;
#[cfg(test)]
mod testing;
mod topology_edit;
mod uncertainty;
mod words;

pub use assessment_findings::{PlacedAssessment, assessment_annotations, assessment_code_quality, assessment_sarif};
pub use findings::{FindingsReport, findings_json, findings_sarif, findings_text};
pub use graph::{Drawing, dot, mermaid};
pub use graph_svg::svg;
pub use html::{assessment_html, simulation_html};
pub use html_comparison::comparison_html;
pub use input::{AssessmentReport, ServiceList, SimulationReport};
pub use junit::assessment_junit;
pub use layout::Page;
pub use ledger::ledger_json;
pub use markdown::{assessment_markdown, simulation_markdown};
pub use record::{simulation_json, write_simulation_json};
pub use record_assessment::assessment_json;
pub use review_formats::{findings_annotations, findings_code_quality};
pub use terminal::{assessment_text, simulation_text};
