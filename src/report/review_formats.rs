//! Findings for places where reviewers look: code quality of GitLab, annotations of GitHub Actions.
//!
//! Both cut silently what is too much: GitLab shows one of equal fingerprints, GitHub ten annotations of a step. We cut ourselves and
//! say so. What must hold: no text of a finding can end a workflow command or begin another.

use super::anchor::{Anchor, Fingerprints, message};
use super::findings::FindingsReport;
use super::layout::clean;
use super::record::pretty;
use super::words::number_of;
use crate::diagnostic::Level;
use crate::finding::Finding;
use serde::Serialize;

/// Annotations of a step that GitHub shows.
const MOST_ANNOTATIONS: usize = 10;

#[derive(Debug, Serialize)]
struct Lines {
    begin: usize,
}

#[derive(Debug, Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Debug, Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

/// Writes findings as a code quality report of GitLab, with a newline at the end; those that are waived are left out.
pub fn findings_code_quality(report: &FindingsReport<'_>) -> String {
    let mut seen = Fingerprints::default();
    let issue = |finding: &Finding| {
        let anchor = Anchor::of(report, finding);
        Issue {
            description: clean(&message(finding)),
            check_name: format!("shockfront/{}", finding.rule),
            fingerprint: seen.of(finding, &anchor),
            severity: match finding.level {
                Level::Error => "critical",
                Level::Warning => "major",
                Level::Note => "info",
            },
            location: Location { path: anchor.path, lines: Lines { begin: anchor.line } },
        }
    };
    pretty(&open(report).map(issue).collect::<Vec<Issue>>())
}

/// Writes findings as workflow commands of GitHub Actions: at most ten, the gravest first, the last of which says how many were cut.
pub fn findings_annotations(report: &FindingsReport<'_>) -> String {
    let mut findings: Vec<&Finding> = open(report).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    let shown = if findings.len() > MOST_ANNOTATIONS { MOST_ANNOTATIONS - 1 } else { findings.len() };
    let mut out: String = findings[..shown].iter().map(|finding| command(report, finding)).collect();
    let cut = findings.len() - shown;
    if cut > 0 {
        let words = format!(
            "{} not shown here: GitHub shows {MOST_ANNOTATIONS} of a step; the report has all",
            number_of(cut, "more finding")
        );
        out.push_str(&format!("::notice title=shockfront::{}\n", data(&words)));
    }
    out
}

fn open<'a>(report: &FindingsReport<'a>) -> impl Iterator<Item = &'a Finding> {
    report.findings.iter().filter(|finding| finding.waived.is_none())
}

fn command(report: &FindingsReport<'_>, finding: &Finding) -> String {
    let anchor = Anchor::of(report, finding);
    let name = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    };
    let end = anchor.end.map_or(anchor.line, |(line, _)| line);
    let title = property(&format!("shockfront: {}", finding.rule));
    let place = format!("file={},line={},endLine={end}", property(&anchor.path), anchor.line);
    format!("::{name} {place},title={title}::{}\n", data(&message(finding)))
}

/// The text of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{SourceId, Sources, Span};

    fn finding(level: Level, message: &str) -> Finding {
        let span = Span { source: SourceId(0), start: 4, end: 6 };
        Finding { rule: "verdict".into(), level, message: message.to_owned(), span, target: None, help: None, waived: None }
    }

    fn with<T>(findings: &[Finding], write: impl Fn(&FindingsReport<'_>) -> T) -> T {
        let mut sources = Sources::default();
        sources.add_from_line(7, "a,b:c%.yaml", "one\ntwo\n");
        write(&FindingsReport { findings, rules: &[], sources: &sources, root: "" })
    }

    #[test]
    fn no_text_can_begin_a_command() {
        let text = with(&[finding(Level::Warning, "50 % done\n::error::no\r")], findings_annotations);
        assert_eq!(
            text,
            "::warning file=a%2Cb%3Ac%25.yaml,line=8,endLine=8,title=shockfront%3A verdict::topology: 50 %25 done%0A::error::no%0D\n"
        );
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn ten_annotations_at_most_the_gravest_first() {
        let mut all: Vec<Finding> = (0..30).map(|at| finding(Level::Note, &format!("note {at}"))).collect();
        all.push(finding(Level::Error, "the end"));
        let text = with(&all, findings_annotations);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 10);
        assert!(lines[0].starts_with("::error ") && lines[1].ends_with(": note 0"), "{text}");
        assert!(lines[9].contains("22 more findings not shown here"), "{text}");
        assert_eq!(with(&all[..10], findings_annotations).lines().count(), 10);
        assert!(!with(&all[..10], findings_annotations).contains("not shown"));
    }

    #[test]
    fn every_issue_has_its_own_fingerprint() {
        let all: Vec<Finding> = [Level::Error, Level::Warning, Level::Note].map(|level| finding(level, "the same")).into();
        let value: serde_json::Value = serde_json::from_str(&with(&all, findings_code_quality)).expect("JSON");
        let issues = value.as_array().expect("a list");
        assert_eq!(issues.iter().map(|issue| &issue["severity"]).collect::<Vec<_>>(), ["critical", "major", "info"]);
        assert_eq!(issues[0]["location"], serde_json::json!({"path": "a,b:c%.yaml", "lines": {"begin": 8}}));
        let mut prints: Vec<&str> = issues.iter().filter_map(|issue| issue["fingerprint"].as_str()).collect();
        prints.dedup();
        assert_eq!(prints.len(), 3);
    }
}
