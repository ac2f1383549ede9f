//! What `check` has to say about a valid topology, as plain values: `lint` makes it, `report` writes it.
//!
//! A finding is about a model that can be used; what makes a file unusable is a [`Diagnostic`](crate::diagnostic::Diagnostic).
//! What must hold: the rule of a finding is listed in the table of the room that made it, which `report` is handed for the
//! descriptions, and the span lies in a text of the same run.

use crate::diagnostic::{Level, Span};
use std::borrow::Cow;

/// Why a finding was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waived {
    /// The stated reason.
    pub reason: String,
    /// When the waiver ends; `None` when it does not.
    pub expires: Option<jiff::civil::Date>,
}

/// One thing to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Stable name of the rule, such as `untested-fallback`.
    pub rule: Cow<'static, str>,
    /// How bad.
    pub level: Level,
    /// One sentence without a final stop.
    pub message: String,
    /// The place it speaks of.
    pub span: Span,
    /// The service, group, journey or dependency (`checkout -> payment`) it speaks of; `None` for the whole topology.
    pub target: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// Set when somebody accepted it.
    pub waived: Option<Waived>,
}

/// A rule that findings may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Stable name.
    pub name: &'static str,
    /// What it looks for and why that matters, in one or two sentences.
    pub description: &'static str,
}
