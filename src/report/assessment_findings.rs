//! An assessment as findings with places, for tools that show findings beside a text.
//!
//! What is about the change stands at the change: in the first changed file, or in the unmapped one itself. What is about a service
//! stands where the topology names the service. Without changed files everything stands in the topology.

use super::findings::{FindingsReport, findings_sarif};
use super::input::{AssessmentReport, worst_hit};
use super::number::share;
use super::record_assessment::band_name;
use super::review_formats::{findings_annotations, findings_code_quality};
use super::words::{WORST, change_line, number_of, path_to, verdict_band, verdict_line};
use crate::diagnostic::{Level, Sources, Span};
use crate::finding::{Finding, Rule};
use crate::model::draft::{Locate, Place};
use crate::policy::floor_rules::FLOOR_RULES;
use crate::risk::assessment::{Band, Gate};

/// Unmapped files that are named one by one.
const MOST_FILES: usize = 20;

/// Stands for rules that only a team's policy knows; which one it is, the message says.
const OWN_RULE: &str = "own-rule";

/// The rules beside the floors.
const RULES: [Rule; 5] = [
    Rule { name: "verdict", description: "The band, the score and the gate of the change." },
    Rule { name: OWN_RULE, description: "A rule of the team's own policy that raises the band." },
    Rule { name: "missing", description: "What the gate still waits for." },
    Rule { name: "worst-hit", description: "A service that is hit hard where the change fails." },
    Rule { name: "unmapped-file", description: "A changed file that belongs to no service: what it can break is not known." },
];

/// An assessment with the places it speaks of.
pub struct PlacedAssessment<'a> {
    /// The assessment.
    pub report: &'a AssessmentReport<'a>,
    /// Where the parts of the topology stand.
    pub locate: &'a dyn Locate,
    /// The texts that were read, and the changed files by name.
    pub sources: &'a Sources,
    /// The changed files, in the order of the diff.
    pub changed: &'a [(String, Span)],
    /// A directory that file names may begin with, as in [`FindingsReport::root`].
    pub root: &'a str,
}

/// Writes an assessment as SARIF 2.1.0.
pub fn assessment_sarif(placed: &PlacedAssessment<'_>) -> String {
    written(placed, findings_sarif)
}

/// Writes an assessment as a code quality report of GitLab.
pub fn assessment_code_quality(placed: &PlacedAssessment<'_>) -> String {
    written(placed, findings_code_quality)
}

/// Writes an assessment as workflow commands of GitHub Actions.
pub fn assessment_annotations(placed: &PlacedAssessment<'_>) -> String {
    written(placed, findings_annotations)
}

fn written(placed: &PlacedAssessment<'_>, write: impl Fn(&FindingsReport<'_>) -> String) -> String {
    let floors = FLOOR_RULES.iter().map(|(name, description)| Rule { name, description });
    let rules: Vec<Rule> = RULES.into_iter().chain(floors).collect();
    let findings = findings(placed);
    write(&FindingsReport { findings: &findings, rules: &rules, sources: placed.sources, root: placed.root })
}

/// Everything a reviewer has to look at, the gravest first within its kind.
fn findings(placed: &PlacedAssessment<'_>) -> Vec<Finding> {
    let assessment = placed.report.assessment;
    let topology = placed.locate.span(Place::Whole);
    let change = placed.changed.first().map_or(topology, |(_, span)| *span);
    let target = || Some("change".to_owned());
    let about =
        |rule, level, message: String, span| Finding { rule, level, message, span, target: target(), help: None, waived: None };
    let level = match assessment.verdict.gate {
        Gate::Blocked => Level::Error,
        Gate::SignOffRequired | Gate::NotAssessed => Level::Warning,
        Gate::Pass => Level::Note,
    };
    let verdict =
        format!("{}, {}: {}", verdict_band(&assessment.verdict), verdict_line(&assessment.verdict), change_line(assessment));
    let mut findings = vec![about("verdict", level, verdict, change)];
    for floor in &assessment.floors {
        let level = match floor.raises_to {
            Band::Red => Level::Error,
            Band::Orange | Band::Yellow => Level::Warning,
            Band::Green => Level::Note,
        };
        let known = FLOOR_RULES.iter().map(|(name, _)| *name).find(|name| *name == floor.rule);
        let own = if known.is_none() { format!("`{}` sets a ", floor.rule) } else { String::new() };
        let message = format!("{own}floor of {}: {}", band_name(floor.raises_to), floor.because);
        findings.push(about(known.unwrap_or(OWN_RULE), level, message, change));
    }
    findings.extend(assessment.missing.iter().map(|missing| about("missing", Level::Warning, missing.clone(), change)));
    findings.extend(worst(placed));
    for file in assessment.unmapped.iter().take(MOST_FILES) {
        let span = placed.changed.iter().find(|(path, _)| path == file).map_or(change, |(_, span)| *span);
        let help = Some("add `paths` to the service that it belongs to".to_owned());
        let message = "belongs to no service: what it can break is not known".to_owned();
        findings.push(Finding { target: Some(file.clone()), help, ..about("unmapped-file", Level::Warning, message, span) });
    }
    let cut = assessment.unmapped.len().saturating_sub(MOST_FILES);
    if cut > 0 {
        let message = format!("{} belong to no service, too", number_of(cut, "more changed file"));
        findings.push(about("unmapped-file", Level::Warning, message, change));
    }
    findings
}

/// The worst-hit services, each where the topology names it.
fn worst(placed: &PlacedAssessment<'_>) -> Vec<Finding> {
    let (system, assessment) = (placed.report.system, placed.report.assessment);
    let Some(impact) = &assessment.impact else { return Vec::new() };
    let worst = worst_hit(impact);
    let finding = |result: &&crate::propagation::result::ServiceResult| {
        let owner = system.service(result.service).owner.as_deref().unwrap_or("nobody");
        let way = path_to(system, assessment, result.service).map_or_else(String::new, |(way, p)| format!(", by {way} ({p})"));
        Finding {
            rule: "worst-hit",
            level: Level::Note,
            message: format!(
                "impaired in {} of the trials in which the change fails{way}; owned by {owner}",
                share(result.impaired)
            ),
            span: placed.locate.span(Place::Service(result.service.index(), None, None)),
            target: Some(system.service_name(result.service).to_owned()),
            help: None,
            waived: None,
        }
    };
    worst.iter().take(WORST).map(finding).collect()
}
