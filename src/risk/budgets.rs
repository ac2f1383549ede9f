//! What is known of error budgets beside the topology: objectives of OpenSLO files, and how much of a budget is spent.
//!
//! Both are joined into the journeys of a [`System`](crate::model::System), so that score, ledger, mitigations and comparisons see one budget. What must
//! hold: nothing here lowers a verdict in silence. Where topology and file disagree the smaller budget counts, and a note says so;
//! a spent share that is not known to hold at the time of the change still counts, since it can only raise P(breach), and is
//! listed as open; a journey named outright that the topology does not have is an error.
//!
//! With budgets B = minutes of the window × (1 − target) for one user a minute, of which the smallest is B_s and the largest B_l, a
//! spent share p was counted against one of them, so at most p·B_l is gone: the share of B_s that is spent counts as p·B_l/B_s.
//! Source: model.md §3.5 (remaining budget).

use crate::diagnostic::{Diagnostic, SourceId, Sources};
use crate::document::{self, Format, Marked, Node};
use crate::units::Ticks;
use jiff::Zoned;
use jiff::civil::Date;

mod file;
mod join;
mod open_slo;

pub use file::BudgetsFile;
pub use join::{join, join_known};

/// What some files say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Budgets {
    /// Objectives, in the order of the files.
    pub objectives: Vec<Objective>,
    /// Spent shares, likewise.
    pub spent: Vec<SpentShare>,
}

/// An objective for a journey or for a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// What it is called; counts for the journey of that name.
    pub name: String,
    /// The journey, where it is named outright.
    pub journey: Option<Marked<String>>,
    /// The service that it is about.
    pub service: String,
    /// Target in percent, from 0 to below 100.
    pub percent: f64,
    /// Its window, where stated.
    pub window: Option<Ticks>,
    /// The file that says so.
    pub file: String,
}

/// How much of a budget is gone.
#[derive(Debug, Clone, PartialEq)]
pub struct SpentShare {
    /// Whose.
    pub journey: Marked<String>,
    /// Share of the budget of a window; may exceed 1.
    pub share: f64,
    /// When that was so.
    pub at: Stamp,
    /// The file that says so.
    pub file: String,
}

/// A day, or a point in time.
#[derive(Debug, Clone, PartialEq)]
pub enum Stamp {
    /// Wherever the change is.
    Day(Date),
    /// The same everywhere.
    Time(Zoned),
}

impl Budgets {
    /// Adds what another file says.
    pub fn extend(&mut self, other: Self) {
        self.objectives.extend(other.objectives);
        self.spent.extend(other.spent);
    }

    /// Is nothing said?
    pub fn is_empty(&self) -> bool {
        self.objectives.is_empty() && self.spent.is_empty()
    }
}

const EXPECTED: &str = "expected OpenSLO (`apiVersion: openslo/v1`, `kind: SLO`) or `schema: shockfront/budgets/v1`";

/// Reads a file of OpenSLO objects, of spent budgets, or of both: documents, or lists of them.
///
/// # Errors
/// Everything that is wrong with it, and a file that is neither.
///
/// # Panics
/// When `id` is not of `sources`.
pub fn read_budgets(sources: &mut Sources, id: SourceId, format: Format) -> Result<(Budgets, Vec<Diagnostic>), Vec<Diagnostic>> {
    let source = sources.get(id).expect("the id came from these sources");
    let (name, text) = (source.name.clone(), source.text.clone());
    let mut found = Found { file: name.clone(), ..Found::default() };
    let parts = match format {
        Format::Yaml => document::documents(&text),
        Format::Toml | Format::Json => std::iter::once(0..text.len()).collect(),
    };
    for part in parts {
        if format == Format::Yaml && document::is_blank(&text[part.clone()]) {
            continue;
        }
        let whole = part.len() == text.len();
        let part = if whole { id } else { sources.add(name.as_str(), document::alone(&text, part)) };
        match document::parse(sources, part, format) {
            Ok(root) if root.items().is_empty() => found.object(root),
            Ok(root) => root.items().iter().for_each(|item| found.object(item.clone())),
            Err(problems) => found.problems.extend(problems),
        }
    }
    if !found.is_known && found.problems.is_empty() {
        let place = crate::diagnostic::Span { source: id, start: 0, end: 0 };
        let problem = Diagnostic::error("no-budgets", format!("{name} holds neither objectives nor budgets"));
        found.problems.push(problem.at(place, "").help(EXPECTED));
    }
    if found.problems.is_empty() { Ok((found.budgets, found.warnings)) } else { Err(found.problems) }
}

#[derive(Default)]
struct Found {
    file: String,
    budgets: Budgets,
    /// Was there anything that is for us, even if it states nothing?
    is_known: bool,
    warnings: Vec<Diagnostic>,
    problems: Vec<Diagnostic>,
}

impl Found {
    /// Takes one object.
    fn object(&mut self, root: Node) {
        if root.entry("schema").is_some() {
            self.is_known = true;
            match file::read(root, &self.file) {
                Ok((spent, warnings)) => {
                    self.budgets.spent.extend(spent);
                    self.warnings.extend(warnings);
                }
                Err(problems) => self.problems.extend(problems),
            }
            return;
        }
        match open_slo::read(&root, &self.file, &mut self.warnings) {
            Ok(open_slo::Object::Foreign) => {}
            Ok(open_slo::Object::Other) => self.is_known = true,
            Ok(open_slo::Object::Objective(objective)) => {
                self.is_known = true;
                self.budgets.objectives.push(objective);
            }
            Err(problems) => self.problems.extend(problems),
        }
    }
}

#[cfg(test)]
#[path = "budgets/tests.rs"]
mod tests;
