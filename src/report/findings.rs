//! Findings of `check` as text, as JSON (`shockfront/findings/v1`) and as SARIF 2.1.0.
//!
//! `shockfront/findings/v1`: `findings` in the order they came, each `{rule, level, message, location, target, help, waived}`
//! with `location` `{file, line, column}` or `null` where there is no text, and `waived` `{reason, expires}` or `null`; then
//! `summary` with the numbers of errors, warnings and notes that are not waived, and of those that are.

use super::anchor::{Anchor, Fingerprints, message, place, target};
use super::layout::{Page, clean, wrap};
use super::number::whole;
use super::record::{TOOL, Tool, pretty};
use super::words::number_of;
use crate::diagnostic::{Level, Sources, Span};
use crate::finding::{Finding, Rule};
use serde::Serialize;
use serde_json::{Value, json};

/// Findings to report.
#[derive(Debug, Clone, Copy)]
pub struct FindingsReport<'a> {
    /// The findings.
    pub findings: &'a [Finding],
    /// The rules that were looked at, for their descriptions.
    pub rules: &'a [Rule],
    /// The texts that were read.
    pub sources: &'a Sources,
    /// A directory that file names may begin with and that is taken off in SARIF, where the names must be relative to the
    /// repository; empty for none.
    pub root: &'a str,
}

#[derive(Debug, Serialize)]
struct Summary {
    errors: usize,
    warnings: usize,
    notes: usize,
    waived: usize,
}

impl Summary {
    fn new(findings: &[Finding]) -> Self {
        let open = |level| findings.iter().filter(|finding| finding.waived.is_none() && finding.level == level).count();
        Self {
            errors: open(Level::Error),
            warnings: open(Level::Warning),
            notes: open(Level::Note),
            waived: findings.iter().filter(|finding| finding.waived.is_some()).count(),
        }
    }
}

/// Writes findings for a terminal: what is open first, what is waived behind it.
pub fn findings_text(report: &FindingsReport<'_>, page: Page) -> String {
    let mut out = String::new();
    let (waived, open): (Vec<_>, Vec<_>) = report.findings.iter().partition(|finding| finding.waived.is_some());
    for finding in open.into_iter().chain(waived) {
        let tag = match finding.level {
            _ if finding.waived.is_some() => page.dim("waived"),
            Level::Error => page.bad("error"),
            Level::Warning => page.warn("warning"),
            Level::Note => page.bold("note"),
        };
        out.push_str(&format!("{tag}[{}]\n", finding.rule));
        let target = finding.target.as_ref().map_or_else(String::new, |target| format!("{target}: "));
        out.push_str(&wrap(&format!("{target}{}", finding.message), page.width, "  "));
        if let Some((file, line, column)) = place(report.sources, finding.span) {
            out.push_str(&format!("  {}\n", page.dim(&format!("at {}:{line}:{column}", clean(file)))));
        }
        if let Some(help) = &finding.help {
            out.push_str(&wrap(help, page.width, "  help: "));
        }
        if let Some(waived) = &finding.waived {
            let until = waived.expires.map_or_else(String::new, |date| format!(" until {date}"));
            out.push_str(&wrap(&format!("{}{until}", waived.reason), page.width, "  waived: "));
        }
        out.push('\n');
    }
    let Summary { errors, warnings, notes, waived } = Summary::new(report.findings);
    if report.findings.is_empty() {
        return format!("no findings; {} looked at\n", number_of(report.rules.len(), "rule"));
    }
    let counts = [number_of(errors, "error"), number_of(warnings, "warning"), number_of(notes, "note")].join(", ");
    out + &format!("{counts}; {} waived\n", whole(waived as u64))
}

#[derive(Debug, Clone, Serialize)]
struct Location<'a> {
    file: &'a str,
    line: usize,
    column: usize,
}

fn location(sources: &Sources, span: Span) -> Option<Location<'_>> {
    place(sources, span).map(|(file, line, column)| Location { file, line, column })
}

#[derive(Debug, Serialize)]
struct WaivedRecord<'a> {
    reason: &'a str,
    expires: Option<String>,
}

#[derive(Debug, Serialize)]
struct FindingRecord<'a> {
    rule: &'a str,
    level: String,
    message: &'a str,
    location: Option<Location<'a>>,
    target: Option<&'a str>,
    help: Option<&'a str>,
    waived: Option<WaivedRecord<'a>>,
}

#[derive(Debug, Serialize)]
struct FindingsRecord<'a> {
    schema: &'static str,
    tool: Tool,
    findings: Vec<FindingRecord<'a>>,
    summary: Summary,
}

/// Writes findings as `shockfront/findings/v1`, with a newline at the end.
pub fn findings_json(report: &FindingsReport<'_>) -> String {
    pretty(&FindingsRecord {
        schema: "shockfront/findings/v1",
        tool: TOOL,
        findings: report.findings.iter().map(|finding| record(finding, report)).collect(),
        summary: Summary::new(report.findings),
    })
}

fn record<'a>(finding: &'a Finding, report: &FindingsReport<'a>) -> FindingRecord<'a> {
    FindingRecord {
        rule: &finding.rule,
        level: finding.level.to_string(),
        message: &finding.message,
        location: location(report.sources, finding.span),
        target: finding.target.as_deref(),
        help: finding.help.as_deref(),
        waived: finding
            .waived
            .as_ref()
            .map(|waived| WaivedRecord { reason: &waived.reason, expires: waived.expires.map(|date| date.to_string()) }),
    }
}

/// Writes findings as SARIF 2.1.0, with a newline at the end. Every result has a place, because GitHub refuses the whole file
/// otherwise: a finding without one stands at the first line of the first text.
pub fn findings_sarif(report: &FindingsReport<'_>) -> String {
    let mut rules: Vec<(&str, &str)> = report.rules.iter().map(|rule| (rule.name, rule.description)).collect();
    for finding in report.findings {
        if !rules.iter().any(|(name, _)| *name == &*finding.rule) {
            rules.push((&finding.rule, &finding.rule));
        }
    }
    let mut seen = Fingerprints::default();
    let results: Vec<Value> = report.findings.iter().map(|finding| result(report, finding, &rules, &mut seen)).collect();
    let described = rules.iter().map(|(name, description)| json!({"id": name, "shortDescription": {"text": description}}));
    pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "shockfront",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": described.collect::<Vec<Value>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    }))
}

fn result(report: &FindingsReport<'_>, finding: &Finding, rules: &[(&str, &str)], seen: &mut Fingerprints) -> Value {
    let anchor = Anchor::of(report, finding);
    let mut region = json!({"startLine": anchor.line, "startColumn": anchor.column});
    if let Some((end_line, end_column)) = anchor.end {
        region["endLine"] = json!(end_line);
        region["endColumn"] = json!(end_column);
    }
    let suppressions: Vec<Value> = finding
        .waived
        .iter()
        .map(|waived| {
            let until = waived.expires.map_or_else(String::new, |date| format!(" (until {date})"));
            json!({"kind": "inSource", "status": "accepted", "justification": format!("{}{until}", waived.reason)})
        })
        .collect();
    json!({
        "ruleId": finding.rule,
        "ruleIndex": rules.iter().position(|(name, _)| *name == &*finding.rule),
        "level": finding.level.to_string(),
        "message": {"text": message(finding)},
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": anchor.uri()}, "region": region},
            "logicalLocations": [{"fullyQualifiedName": target(finding)}],
        }],
        "partialFingerprints": {"shockfront/v1": seen.of(finding, &anchor)},
        "suppressions": suppressions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Waived;

    const RULES: [Rule; 1] = [Rule { name: "unowned", description: "a service without an owner: nobody is asked to sign" }];

    fn sources() -> Sources {
        let mut sources = Sources::default();
        sources.add("./a b/retail.yaml", "services:\n  checkout: {}\n  payment: {}\n");
        sources
    }

    fn finding(start: u32, target: &str, waived: bool) -> Finding {
        Finding {
            rule: "unowned".into(),
            level: Level::Warning,
            message: "has no owner".to_owned(),
            span: Span { start, end: start + 8, ..Span::default() },
            target: Some(target.to_owned()),
            help: Some("add `owner: TEAM`".to_owned()),
            waived: waived
                .then(|| Waived { reason: "moves next month".to_owned(), expires: Some(jiff::civil::date(2026, 12, 31)) }),
        }
    }

    fn check(findings: &[Finding], write: impl Fn(&FindingsReport<'_>) -> String) -> String {
        write(&FindingsReport { findings, rules: &RULES, sources: &sources(), root: "" })
    }

    #[test]
    fn text_shows_what_is_open_first() {
        let findings = [finding(12, "checkout", true), finding(27, "payment", false)];
        assert_eq!(
            check(&findings, |report| findings_text(report, Page { width: 80, color: false })),
            "warning[unowned]\n  payment: has no owner\n  at ./a b/retail.yaml:3:3\n  help: add `owner: TEAM`\n\n\
             waived[unowned]\n  checkout: has no owner\n  at ./a b/retail.yaml:2:3\n  help: add `owner: TEAM`\n  \
             waived: moves next month until 2026-12-31\n\n0 errors, 1 warning, 0 notes; 1 waived\n"
        );
        assert_eq!(
            check(&[], |report| findings_text(report, Page { width: 80, color: false })),
            "no findings; 1 rule looked at\n"
        );
    }

    #[test]
    fn json_has_its_keys_in_order() {
        let value: Value = serde_json::from_str(&check(&[finding(12, "checkout", true)], findings_json)).expect("JSON");
        let keys: Vec<&String> = value["findings"][0].as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["rule", "level", "message", "location", "target", "help", "waived"]);
        assert_eq!(value["findings"][0]["location"], json!({"file": "./a b/retail.yaml", "line": 2, "column": 3}));
        assert_eq!(value["findings"][0]["waived"]["expires"], "2026-12-31");
        assert_eq!(value["summary"], json!({"errors": 0, "warnings": 0, "notes": 0, "waived": 1}));
    }

    #[test]
    fn sarif_gives_every_result_a_place_and_a_fingerprint_without_lines() {
        let findings = [finding(12, "checkout", true), finding(27, "checkout", false)];
        let value: Value = serde_json::from_str(&check(&findings, findings_sarif)).expect("JSON");
        let results = value["runs"][0]["results"].as_array().expect("a list");
        for result in results {
            let place = &result["locations"][0]["physicalLocation"];
            assert_eq!(place["artifactLocation"]["uri"], "a%20b/retail.yaml");
            assert!(place["region"]["startLine"].as_u64().is_some_and(|line| line > 0));
        }
        assert_eq!(results[0]["suppressions"][0]["justification"], "moves next month (until 2026-12-31)");
        assert_ne!(results[0]["partialFingerprints"], results[1]["partialFingerprints"]);
        let moved: Value = serde_json::from_str(&check(&[finding(27, "checkout", false)], findings_sarif)).expect("JSON");
        assert_eq!(results[0]["partialFingerprints"], moved["runs"][0]["results"][0]["partialFingerprints"]);
        let nowhere = FindingsReport { findings: &findings[..1], rules: &[], sources: &Sources::default(), root: "" };
        let value: Value = serde_json::from_str(&findings_sarif(&nowhere)).expect("JSON");
        assert_eq!(value["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"], 1);
        assert_eq!(value["runs"][0]["tool"]["driver"]["rules"][0]["id"], "unowned");
    }
}
