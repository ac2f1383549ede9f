//! What `assess` writes: one run, any number of formats. All of them are rendered before anything is written, and no file takes its
//! place before all are complete.

use super::args::{Assess, AssessFormat, Wanted};
use super::failure::Failure;
use super::output::{deliver, write_files};
use super::session::Session;
use shockfront::assess::InFlight;
use shockfront::diagnostic::Span;
use shockfront::report::{self, AssessmentReport, PlacedAssessment};
use shockfront::topology::Loaded;
use std::path::Path;

/// The formats that are asked for need what pictures need.
pub(super) fn needs_curves(arguments: &Assess) -> bool {
    arguments.format == AssessFormat::Html || arguments.report.iter().any(|wanted| wanted.format == AssessFormat::Html)
}

/// Refuses two results for one file.
pub(super) fn check(arguments: &Assess) -> Result<(), Failure> {
    let mut files: Vec<&Path> = arguments.report.iter().map(|wanted| wanted.file.as_path()).collect();
    files.extend(arguments.sampling.output.output.as_deref());
    files.sort_unstable();
    match files.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => {
            Err(Failure::input("usage", format!("two results go to {}: each needs a file of its own", pair[0].display())))
        }
        None => Ok(()),
    }
}

/// Names of the changed files, each with the first line that changed.
pub(super) fn changed_files(changes: &[InFlight]) -> Vec<(String, usize)> {
    let files = changes.iter().flat_map(|one| &one.change.files);
    let line = |file: &shockfront::change::files::ChangedFile| file.hunks.first().map_or(1, |hunk| hunk.first.max(1) as usize);
    files.map(|file| (file.path().to_owned(), line(file))).collect()
}

/// Renders everything, then writes everything. `command` gives the line that reproduces a format.
pub(super) fn write(
    session: &mut Session,
    arguments: &Assess,
    (loaded, changed): (&Loaded, Vec<(String, usize)>),
    report: &AssessmentReport<'_>,
    command: &dyn Fn(AssessFormat) -> String,
) -> Result<(), Failure> {
    if session.sources.iter().next().is_none() {
        // Nothing is kept of an edge list: what is said of it points at its first line.
        session.typed(&arguments.topology, "");
    }
    let mut at = |name: &str, line: usize| {
        let source = session.sources.add_from_line(line, name, "");
        Span { source, start: 0, end: 0 }
    };
    let changed: Vec<(String, Span)> = changed.into_iter().map(|(name, line)| (name.clone(), at(&name, line))).collect();
    let root = super::check::root();
    let render = |format: AssessFormat, to_file: bool| {
        let report = &AssessmentReport { command: command(format), ..report.clone() };
        let placed =
            PlacedAssessment { report, locate: &loaded.locate, sources: &session.sources, changed: &changed, root: &root };
        let key = arguments.comment_key.as_deref().unwrap_or(&arguments.topology);
        match format {
            AssessFormat::Text => report::assessment_text(report, session.paper(to_file)),
            AssessFormat::Json => report::assessment_json(report),
            AssessFormat::Markdown => report::assessment_markdown(report, key),
            AssessFormat::Html => report::assessment_html(report),
            AssessFormat::Sarif => report::assessment_sarif(&placed),
            AssessFormat::Junit => report::assessment_junit(report),
            AssessFormat::CodeQuality => report::assessment_code_quality(&placed),
            AssessFormat::Annotations => report::assessment_annotations(&placed),
        }
    };
    let output = arguments.sampling.output.output.as_deref();
    let main = render(arguments.format, output.is_some());
    let mut files: Vec<(&Path, String)> =
        arguments.report.iter().map(|Wanted { format, file }| (file.as_path(), render(*format, true))).collect();
    if let Some(output) = output {
        files.push((output, main));
        return write_files(&files);
    }
    write_files(&files)?;
    deliver(&main, None)
}
