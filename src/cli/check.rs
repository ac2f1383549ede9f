//! `check`: is a topology valid, and where is it weak?

use super::args::{Check, Deny, FindingsFormat};
use super::failure::{Failure, Outcome};
use super::output::deliver;
use super::session::Session;
use shockfront::diagnostic::Level;
use shockfront::lint::{RULES, lint};
use shockfront::model::Compact;
use shockfront::report::{self, FindingsReport};

pub(crate) fn run(session: &mut Session, arguments: &Check) -> Result<Outcome, Failure> {
    let loaded = session.topology(&arguments.topology)?;
    if session.sources.iter().next().is_none() {
        // Nothing is kept of an edge list: findings point at its first line.
        session.typed(&arguments.topology, "");
    }
    let compact = Compact::new(&loaded.system);
    let at = arguments.at.as_ref().map(jiff::Zoned::date);
    let findings = lint(&loaded.system, &compact, &loaded.locate, at);
    let worst = findings
        .iter()
        .filter(|finding| finding.waived.is_none())
        .map(|finding| finding.level)
        .chain(loaded.warnings.iter().map(|warning| warning.level))
        .max();
    let report = FindingsReport { findings: &findings, rules: RULES, sources: &session.sources, root: &root() };
    let text = match arguments.format {
        FindingsFormat::Text => report::findings_text(&report, session.paper(arguments.output.output.is_some())),
        FindingsFormat::Json => report::findings_json(&report),
        FindingsFormat::Sarif => report::findings_sarif(&report),
        FindingsFormat::CodeQuality => report::findings_code_quality(&report),
        FindingsFormat::Annotations => report::findings_annotations(&report),
    };
    deliver(&text, arguments.output.output.as_deref())?;
    let denied = arguments.deny.map(|deny| match deny {
        Deny::Warning => Level::Warning,
        Deny::Error => Level::Error,
    });
    let stops = denied.is_some_and(|denied| worst.is_some_and(|worst| worst >= denied));
    Ok(if stops { Outcome::Stopped } else { Outcome::Passed })
}

/// The current directory, with a slash at the end: names in SARIF are relative to it.
pub(super) fn root() -> String {
    std::env::current_dir().map(|path| format!("{}/", path.display())).unwrap_or_default()
}
