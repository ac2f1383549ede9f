//! Where a finding stands, for tools that show findings beside a text: SARIF, code quality, annotations.
//!
//! What must hold: every finding has a place, because GitHub refuses a whole file of SARIF for one that has none; names of files are
//! relative to the repository; a fingerprint holds no line number, so that an edit further up keeps a finding the same, and no two
//! findings share one, because GitLab shows only the first of those.

use super::findings::FindingsReport;
use crate::diagnostic::{Sources, Span};
use crate::finding::Finding;
use crate::random::name_hash;
use std::collections::BTreeMap;

/// The place of a finding; lines and columns from 1.
pub(super) struct Anchor {
    /// Relative to the root, with `/`.
    pub(super) path: String,
    pub(super) line: usize,
    pub(super) column: usize,
    /// Line and column behind it, where it has a width.
    pub(super) end: Option<(usize, usize)>,
}

impl Anchor {
    /// A finding without a place stands at the first line of the first text.
    pub(super) fn of(report: &FindingsReport<'_>, finding: &Finding) -> Self {
        let found = place(report.sources, finding.span);
        let first = || report.sources.iter().next().map_or("topology", |source| source.name.as_str());
        let (file, line, column) = found.unwrap_or_else(|| (first(), 1, 1));
        let end = Span { start: finding.span.end, ..finding.span };
        let end = report.sources.line_column(end).filter(|end| *end > (line, column));
        Self { path: relative(file, report.root), line, column, end }
    }

    /// The path as a relative reference: everything that is not plain percent-encoded.
    pub(super) fn uri(&self) -> String {
        let mut out = String::new();
        for byte in self.path.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
                other => out.push_str(&format!("%{other:02X}")),
            }
        }
        out
    }
}

/// Name of the file, line and column; `None` where there is no text.
pub(super) fn place(sources: &Sources, span: Span) -> Option<(&str, usize, usize)> {
    let (line, column) = sources.line_column(span)?;
    Some((&sources.get(span.source)?.name, line, column))
}

/// The root and what means "here" taken off.
fn relative(path: &str, root: &str) -> String {
    let path = path.replace('\\', "/");
    let root = root.replace('\\', "/");
    let root = root.trim_end_matches('/');
    let below = path.strip_prefix(root).filter(|_| !root.is_empty()).and_then(|rest| rest.strip_prefix('/'));
    let mut relative = below.unwrap_or(&path);
    while let Some(rest) = relative.strip_prefix("./") {
        relative = rest;
    }
    relative.trim_start_matches('/').to_owned()
}

/// What a finding is about; the whole topology where it names nothing.
pub(super) fn target(finding: &Finding) -> &str {
    finding.target.as_deref().unwrap_or("topology")
}

/// The words of a finding in one line: what it is about, what it says, what helps.
pub(super) fn message(finding: &Finding) -> String {
    let target = target(finding);
    match &finding.help {
        Some(help) => format!("{target}: {}. {help}", finding.message),
        None => format!("{target}: {}", finding.message),
    }
}

/// Gives fingerprints; equal findings are told apart by their number.
#[derive(Default)]
pub(super) struct Fingerprints(BTreeMap<String, usize>);

impl Fingerprints {
    pub(super) fn of(&mut self, finding: &Finding, anchor: &Anchor) -> String {
        let identity = format!("{}\n{}\n{}", finding.rule, anchor.uri(), target(finding));
        let number = self.0.entry(identity.clone()).and_modify(|number| *number += 1).or_insert(0);
        format!("{:016x}:{number}", name_hash(&identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_relative_references() {
        let uri = |path: &str, root: &str| Anchor { path: relative(path, root), line: 1, column: 1, end: None }.uri();
        assert_eq!(uri("/repo/a/b.yaml", "/repo"), "a/b.yaml");
        assert_eq!(uri("/repository/b.yaml", "/repo"), "repository/b.yaml");
        assert_eq!(uri("dir\\ü.yaml", ""), "dir/%C3%BC.yaml");
    }
}
