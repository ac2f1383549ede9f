//! The form of a topology file, and what can be saved of one that has errors.
//!
//! All errors are to be shown at once, those of the form (an unknown key) beside those of the meaning (a name that does not
//! exist). So the parts of the tree that are wrong are taken out, and the rest goes on: its meaning can then be judged too. What
//! must hold: a file with errors of the form never becomes a system, because its errors are kept.

use super::schema::Topology;
use crate::diagnostic::{Diagnostic, Level, Span};
use crate::document::{FileType, Node, Shape, Value, Version, check, decode, expect_schema};
use std::collections::HashSet;
use std::sync::OnceLock;

/// From the innermost field to the entry it belongs to.
const PASSES: usize = 6;

/// A file as far as it could be read.
pub(super) struct Formed {
    pub(super) topology: Topology,
    /// The tree that it was decoded from, so that positions agree.
    pub(super) node: Node,
    /// Whether entries had to be left out; what refers to them must not be blamed.
    pub(super) entries_missing: bool,
}

/// Checks and decodes a tree. `None` when nothing could be saved.
pub(super) fn form(mut node: Node, problems: &mut Vec<Diagnostic>, warnings: &mut Vec<Diagnostic>) -> Option<Formed> {
    static SHAPE: OnceLock<Shape> = OnceLock::new();
    let shape = SHAPE.get_or_init(Shape::of::<Topology>);
    let version = match expect_schema(&node, Topology::SCHEMA) {
        Ok(version) => version,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    let is_error = |found: &Diagnostic| found.level == Level::Error;
    let (errors, other): (Vec<_>, Vec<_>) = check(&node, shape, version).into_iter().partition(is_error);
    warnings.extend(other);
    if errors.is_empty() {
        return match decode(&node, version) {
            Ok(topology) => Some(Formed { topology, node, entries_missing: false }),
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
    }
    problems.extend(errors);
    let mut entries_missing = false;
    // The first pass empties fields; the others take out what still is wrong, each time one level further out.
    for pass in 0..PASSES {
        // Unknown keys are warnings to a later version, and its decoder leaves them out.
        let wrong: HashSet<Span> = check(&node, shape, Version::Later)
            .iter()
            .filter(|found| is_error(found))
            .filter_map(|error| error.labels.first().map(|label| label.span))
            .collect();
        if wrong.is_empty() {
            return decode(&node, Version::Later).ok().map(|topology| Formed { topology, node, entries_missing });
        }
        entries_missing |= empty(&mut node, &wrong, pass > 0);
    }
    None
}

/// Takes wrong values out of a tree; says whether entries of lists or names went with them.
fn empty(node: &mut Node, wrong: &HashSet<Span>, remove: bool) -> bool {
    let is_wrong = |node: &Node| wrong.contains(&node.anchor());
    let mut missing = false;
    match &mut node.value {
        Value::Table(entries) => {
            for (_, value) in entries.iter_mut() {
                if !remove && is_wrong(value) {
                    value.value = Value::Null;
                } else {
                    missing |= empty(value, wrong, remove);
                }
            }
            if remove && entries.iter().any(|(_, value)| is_wrong(value)) {
                missing = true;
                *entries = std::mem::take(entries).into_iter().filter(|(_, value)| !is_wrong(value)).collect();
            }
        }
        Value::Sequence(items) => {
            for item in items.iter_mut().filter(|item| !is_wrong(item)) {
                missing |= empty(item, wrong, remove);
            }
            if items.iter().any(is_wrong) {
                missing = true;
                *items = std::mem::take(items).into_iter().filter(|item| !is_wrong(item)).collect();
            }
        }
        _ => {}
    }
    missing
}
