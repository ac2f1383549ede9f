//! A topology as it was read: names are not yet resolved, references may dangle.
//!
//! Readers of every format end here; [`System::build`](super::System::build) turns a draft into a system or says what is wrong.

use super::facts::{Dependency, DependencyKind, Group, Journey, Service, Waiver};
use crate::diagnostic::Span;

/// One dependency as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct DraftDependency {
    /// The consumer, `SERVICE` or `SERVICE.OPERATION`.
    pub from: String,
    /// The provider, likewise.
    pub to: String,
    /// How it is needed; `None` means hard.
    pub kind: Option<DependencyKind>,
    /// The rest.
    pub facts: Dependency,
}

/// Everything one topology states, in file order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draft {
    /// Its name.
    pub name: Option<String>,
    /// When the facts were gathered.
    pub observed_at: Option<jiff::civil::Date>,
    /// Share of the dependencies believed to be listed.
    pub coverage: Option<f64>,
    /// Services by name.
    pub services: Vec<(String, Service)>,
    /// Dependencies.
    pub dependencies: Vec<DraftDependency>,
    /// Groups by name.
    pub groups: Vec<(String, Group)>,
    /// Journeys by name.
    pub journeys: Vec<(String, Journey)>,
    /// Size of the responder pool.
    pub responders: Option<u32>,
    /// Accepted findings.
    pub waivers: Vec<Waiver>,
}

/// A place in a draft, for messages. Numbers are positions in the lists of [`Draft`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// The whole file.
    Whole,
    /// A top-level key, such as `observed_at`.
    Top(&'a str),
    /// A service: its key, or one of its fields, or an element of that field.
    Service(usize, Option<&'a str>, Option<usize>),
    /// A dependency, or one of its fields.
    Dependency(usize, Option<&'a str>),
    /// A group, or one of its fields.
    Group(usize, Option<&'a str>),
    /// A journey, or one of its fields, or an element of that field.
    Journey(usize, Option<&'a str>, Option<usize>),
    /// A waiver.
    Waiver(usize),
}

/// Where the parts of a draft stand in the texts they came from.
pub trait Locate {
    /// The span of a place; of the nearest enclosing place where a field is not written.
    fn span(&self, place: Place<'_>) -> Span;
}

/// For drafts that come from no text, as in tests and generators.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl Locate for Nowhere {
    fn span(&self, _: Place<'_>) -> Span {
        Span::default()
    }
}
