//! Where the parts of a topology stand in the files it was read from.

use crate::diagnostic::Span;
use crate::document::{Key, Node};
use crate::model::draft::{Draft, Locate, Place};

/// The trees of all files, and which part of the draft each of them gave.
#[derive(Debug, Clone, Default)]
pub struct Places {
    files: Vec<FilePlaces>,
}

/// One file. The numbers are the lengths of the lists of the draft before it was added.
#[derive(Debug, Clone)]
struct FilePlaces {
    node: Node,
    services: usize,
    dependencies: usize,
    groups: usize,
    journeys: usize,
    waivers: usize,
}

impl Places {
    /// Notes that a file is about to be added to the draft.
    pub(super) fn add(&mut self, node: Node, before: &Draft) {
        self.files.push(FilePlaces {
            node,
            services: before.services.len(),
            dependencies: before.dependencies.len(),
            groups: before.groups.len(),
            journeys: before.journeys.len(),
            waivers: before.waivers.len(),
        });
    }

    /// The file that gave an entry, and the position of the entry in it.
    fn file(&self, at: usize, first: impl Fn(&FilePlaces) -> usize) -> Option<(&FilePlaces, usize)> {
        let file = self.files.get(self.files.partition_point(|file| first(file) <= at).checked_sub(1)?)?;
        Some((file, at - first(file)))
    }

    fn find(&self, place: Place<'_>) -> Option<Span> {
        match place {
            Place::Whole => None,
            Place::Top(key) => self.files.iter().find_map(|file| file.node.entry(key)).map(|(_, value)| value.anchor()),
            Place::Service(at, field, element) => {
                let (file, at) = self.file(at, |file| file.services)?;
                named(&file.node, "services", at, field, element)
            }
            Place::Group(at, field) => {
                let (file, at) = self.file(at, |file| file.groups)?;
                named(&file.node, "groups", at, field, None)
            }
            Place::Journey(at, field, element) => {
                let (file, at) = self.file(at, |file| file.journeys)?;
                named(&file.node, "journeys", at, field, element)
            }
            Place::Dependency(at, field) => {
                let (file, at) = self.file(at, |file| file.dependencies)?;
                let item = file.node.entry("dependencies")?.1.items().get(at)?;
                field.and_then(|field| inside(item, field, None)).or(Some(item.anchor()))
            }
            Place::Waiver(at) => {
                let (file, at) = self.file(at, |file| file.waivers)?;
                Some(file.node.entry("waivers")?.1.items().get(at)?.anchor())
            }
        }
    }
}

impl Locate for Places {
    fn span(&self, place: Place<'_>) -> Span {
        let whole = || self.files.first().map_or(Span::default(), |file| file.node.anchor());
        self.find(place).unwrap_or_else(whole)
    }
}

/// An entry of a table of names, or one of its fields.
fn named(node: &Node, table: &str, at: usize, field: Option<&str>, element: Option<usize>) -> Option<Span> {
    let (key, value): &(Key, Node) = node.entry(table)?.1.entries().get(at)?;
    field.and_then(|field| inside(value, field, element)).or(Some(key.span))
}

fn inside(node: &Node, field: &str, element: Option<usize>) -> Option<Span> {
    let value = node.entry(field)?.1;
    // The providers of a gate stand one level deeper.
    let list = if field == "requires" { value.entry("of").map_or(value, |(_, list)| list) } else { value };
    // Operations may be a table.
    let element = element.and_then(|element| list.items().get(element).or(list.entries().get(element).map(|(_, node)| node)));
    Some(element.unwrap_or(value).anchor())
}
