//! `shockfront/budgets/v1`: how much of the error budgets is spent, for which OpenSLO has no place.

use super::{SpentShare, Stamp};
use crate::change::file::parse_time;
use crate::diagnostic::Diagnostic;
use crate::document::{self, Entries, FileType, Marked, Node, Read};
use jiff::civil::Date;
use schemars::JsonSchema;

/// Spent error budgets as a file.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetsFile {
    /// Always `shockfront/budgets/v1`.
    #[expect(dead_code, reason = "judged before it is decoded")]
    schema: String,
    /// What is spent, by journey.
    budgets: Entries<SpentEntry>,
}

impl FileType for BudgetsFile {
    const SCHEMA: &'static str = "shockfront/budgets/v1";
}

/// How much of a budget is spent.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SpentEntry {
    /// The share of the window's budget that is gone, such as 0.35; above 1 where the objective is missed already.
    spent: Marked<f64>,
    /// When that was so: a date, or RFC 3339 with an offset.
    at: Marked<String>,
}

/// Reads a document.
pub(super) fn read(root: Node, file: &str) -> Result<(Vec<SpentShare>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let Read { value, warnings, .. } = document::from_node::<BudgetsFile>(root)?;
    let (mut spent, mut problems) = (Vec::new(), Vec::new());
    for (journey, entry) in value.budgets.0 {
        let share = entry.spent.value;
        if !(share >= 0.0 && share.is_finite()) {
            let problem = Diagnostic::error("bad-value", "a spent share is 0 or more");
            problems.push(problem.at(entry.spent.span, "expected such as 0.35"));
        }
        match stamp(&entry.at.value) {
            Ok(at) => spent.push(SpentShare { journey, share, at, file: file.to_owned() }),
            Err(why) => problems.push(
                Diagnostic::error("bad-value", why)
                    .at(entry.at.span, "expected a date such as 2026-08-01, or 2026-08-01T14:00:00Z"),
            ),
        }
    }
    if problems.is_empty() { Ok((spent, warnings)) } else { Err(problems) }
}

fn stamp(text: &str) -> Result<Stamp, String> {
    let text = text.trim();
    match text.parse::<Date>() {
        // A date is also read out of a time without an offset, which means nothing here.
        Ok(date) if !text.contains(['T', 't', ' ', ':', '[']) => Ok(Stamp::Day(date)),
        _ => parse_time(text).map(Stamp::Time),
    }
}
