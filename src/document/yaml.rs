//! YAML with places, from the events of `saphyr-parser`.
//!
//! Aliases and merge keys (`<<`) are copied in, so that nothing after this file knows of them. A file of a few lines can ask for
//! billions of copies; what must hold is that the copies stay below [`LIMITS`]`.nodes` and that reaching it is a message with a
//! place. The parser counts characters while spans are bytes: [`Offsets`] translates.

use super::LIMITS;
use super::tree::{Key, Keys, Node, Value, duplicates};
use crate::diagnostic::{Diagnostic, SourceId, Span};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// Reads the text from byte `base` on.
///
/// # Errors
/// The first syntax error, or all keys that stand twice.
pub(super) fn parse(source: SourceId, text: &str, base: usize) -> Result<Node, Vec<Diagnostic>> {
    let mut builder = Builder {
        source,
        offsets: Offsets::new(text, base),
        keys: Keys::default(),
        open: Vec::new(),
        anchors: HashMap::new(),
        aliases: 0,
        copies: 0,
        documents: 0,
        root: None,
        errors: Vec::new(),
    };
    let mut events = Parser::new_from_str(&text[base..]);
    while let Some(event) = events.next_event() {
        let done = match event {
            Ok((Event::StreamEnd, _)) => break,
            Ok((event, span)) => builder.event(event, span.start, span.end),
            Err(error) => {
                let at = builder.offsets.byte(error.marker().index());
                Err(Box::new(syntax(source, text, at, error.info())))
            }
        };
        if let Err(error) = done {
            builder.errors.push(*error);
            return Err(builder.errors);
        }
    }
    match builder.root {
        Some(root) if builder.errors.is_empty() => Ok(root),
        Some(_) => Err(builder.errors),
        None => Ok(Node { span: super::span(source, base, base), value: Value::Null }),
    }
}

type Done = Result<(), Box<Diagnostic>>;

/// A list or table that is not closed yet.
struct Open {
    start: u32,
    /// End of the last child: block collections have no closing character.
    end: u32,
    anchor: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Table { entries: Vec<(Key, Node)>, key: Option<Key>, merges: Vec<Node> },
}

struct Builder<'a> {
    source: SourceId,
    offsets: Offsets<'a>,
    keys: Keys,
    open: Vec<Open>,
    /// Finished nodes with an anchor, and how many nodes they hold.
    anchors: HashMap<usize, (Node, usize)>,
    aliases: usize,
    /// Nodes that were copied for anchors, aliases and merge keys.
    copies: usize,
    documents: usize,
    root: Option<Node>,
    /// Errors after which reading goes on.
    errors: Vec<Diagnostic>,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, start: Marker, end: Marker) -> Done {
        let (first, last) = (self.offsets.byte(start.index()), self.offsets.byte(end.index()));
        let span = super::span(self.source, first, last.max(first));
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let error = Diagnostic::error("several-documents", "a second document begins here")
                        .at(span, "")
                        .help("write one file for each document");
                    return Err(Box::new(error));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let value = match self.tag(tag, span)? {
                    Some(as_text) => scalar(&text, !as_text),
                    None => scalar(&text, plain),
                };
                self.finish(Node { span, value }, anchor, plain)
            }
            Event::SequenceStart(anchor, tag) => {
                self.tag(tag, span)?;
                self.begin(span, anchor, Content::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.tag(tag, span)?;
                self.begin(span, anchor, Content::Table { entries: Vec::new(), key: None, merges: Vec::new() })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    /// `Some(true)` where the tag asks for text, `Some(false)` where it asks for another core type.
    fn tag(&self, tag: Option<Cow<'_, Tag>>, span: Span) -> Result<Option<bool>, Box<Diagnostic>> {
        match tag {
            None => Ok(None),
            Some(tag) if tag.is_yaml_core_schema() => Ok(Some(tag.suffix == "str")),
            Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => Ok(Some(true)),
            Some(tag) => {
                let message = format!("the tag `{tag}` means nothing here");
                Err(Box::new(Diagnostic::error("yaml-tag", message).at(span, "").help("remove the tag")))
            }
        }
    }

    fn begin(&mut self, span: Span, anchor: usize, content: Content) -> Done {
        if self.open.len() >= LIMITS.depth {
            let message = format!("nested more than {} levels deep", LIMITS.depth);
            return Err(Box::new(Diagnostic::error("too-deep", message).at(span, "")));
        }
        if let Some(Open { content: Content::Table { key: None, .. }, .. }) = self.open.last() {
            return Err(Box::new(Diagnostic::error("yaml-key", "a key must be text, not a list or a table").at(span, "")));
        }
        self.open.push(Open { start: span.start, end: span.start, anchor, content });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Done {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let end = if span.end > span.start { span.end } else { open.end };
        let value = match open.content {
            Content::Sequence(items) => Value::Sequence(items.into()),
            Content::Table { mut entries, merges, .. } => {
                duplicates(&entries, &mut self.errors);
                self.merge(&mut entries, merges)?;
                Value::Table(entries.into())
            }
        };
        self.finish(Node { span: Span { source: self.source, start: open.start, end }, value }, open.anchor, false)
    }

    /// Adds the entries of `<<` that the table does not state itself; of several sources the first one wins.
    fn merge(&mut self, entries: &mut Vec<(Key, Node)>, merges: Vec<Node>) -> Done {
        if merges.is_empty() {
            return Ok(());
        }
        let mut stated: HashSet<_> = entries.iter().map(|(key, _)| key.text.clone()).collect();
        for merged in merges {
            let tables = match merged {
                Node { value: Value::Sequence(tables), .. } => tables.into_vec(),
                table => vec![table],
            };
            for table in tables {
                let Value::Table(more) = table.value else {
                    let error = Diagnostic::error("yaml-merge", "`<<` takes a table or a list of tables").at(table.span, "");
                    return Err(Box::new(error));
                };
                entries.extend(more.into_iter().filter(|(key, _)| stated.insert(key.text.clone())));
            }
        }
        Ok(())
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Done {
        self.aliases += 1;
        if self.aliases > LIMITS.aliases {
            let message = format!("more than {} aliases", LIMITS.aliases);
            return Err(Box::new(Diagnostic::error("yaml-alias", message).at(span, "")));
        }
        let Some(&(_, size)) = self.anchors.get(&anchor) else {
            return Err(Box::new(Diagnostic::error("yaml-alias", "this alias stands inside its own anchor").at(span, "")));
        };
        self.count(size, span)?;
        let (node, _) = &self.anchors[&anchor];
        if self.open.len() + depth(node) > LIMITS.depth {
            let message = format!("nested more than {} levels deep", LIMITS.depth);
            return Err(Box::new(Diagnostic::error("too-deep", message).at(span, "")));
        }
        // The copy stands where the alias is; what is inside it stays where it was written.
        let node = Node { span, value: node.value.clone() };
        self.finish(node, 0, false)
    }

    fn count(&mut self, nodes: usize, span: Span) -> Done {
        self.copies = self.copies.saturating_add(nodes);
        if self.copies > LIMITS.nodes {
            let message = format!("the aliases of this file stand for more than {} values", LIMITS.nodes);
            return Err(Box::new(Diagnostic::error("yaml-alias", message).at(span, "")));
        }
        Ok(())
    }

    /// Hands a complete node to what it stands in.
    fn finish(&mut self, node: Node, anchor: usize, plain: bool) -> Done {
        if anchor > 0 {
            let size = size(&node);
            self.count(size, node.span)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.end = open.end.max(node.span.end);
        match &mut open.content {
            Content::Sequence(items) => items.push(node),
            Content::Table { entries, key, merges } => match key.take() {
                Some(key) if &*key.text == "<<" && key.span.end - key.span.start == 2 => merges.push(node),
                Some(key) => entries.push((key, node)),
                None => {
                    let Some(text) = node.text().filter(|text| !(plain && text.is_empty())) else {
                        let error = Diagnostic::error("yaml-key", "expected a key before the `:`").at(node.span, "");
                        return Err(Box::new(error));
                    };
                    *key = Some(Key { text: self.keys.share(text), span: node.span });
                }
            },
        }
        Ok(())
    }
}

fn scalar(text: &str, plain: bool) -> Value {
    if plain { Value::Plain(text.into()) } else { Value::String(text.into()) }
}

fn size(node: &Node) -> usize {
    1 + node.items().iter().map(size).sum::<usize>() + node.entries().iter().map(|(_, value)| size(value)).sum::<usize>()
}

fn depth(node: &Node) -> usize {
    match &node.value {
        Value::Sequence(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Table(entries) => 1 + entries.iter().map(|(_, value)| depth(value)).max().unwrap_or(0),
        _ => 0,
    }
}

/// A syntax error in our words where the parser's are obscure.
fn syntax(source: SourceId, text: &str, at: usize, info: &str) -> Diagnostic {
    if let Some(tab) = tab_in_indentation(text, at) {
        return Diagnostic::error("yaml-tab", "a tab indents this line")
            .at(super::span(source, tab, tab + 1), "")
            .help("YAML allows only spaces for indentation");
    }
    let end = text[at..].chars().next().filter(|&c| c != '\n' && c != '\r').map_or(at, |c| at + c.len_utf8());
    // The scanner runs ahead of the events and has a limit of its own.
    if info.contains("recursion limit") {
        let message = format!("nested more than {} levels deep", LIMITS.depth);
        return Diagnostic::error("too-deep", message).at(super::span(source, at, end), "");
    }
    Diagnostic::error("yaml-syntax", info.to_owned()).at(super::span(source, at, end), "")
}

/// A tab before the first visible character of the line of an error or of the line before it.
fn tab_in_indentation(text: &str, at: usize) -> Option<usize> {
    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let before = text[..line.saturating_sub(1)].rfind('\n').map_or(0, |end| end + 1);
    [line, before].into_iter().find_map(|start| {
        let tab = start + text[start..].find(|c| c != ' ').filter(|&tab| text[start + tab..].starts_with('\t'))?;
        let visible = text[tab..].trim_start_matches(['\t', ' ']);
        (!visible.is_empty() && !visible.starts_with(['\n', '\r', '#'])).then_some(tab)
    })
}

/// Turns positions counted in characters into bytes. Positions come nearly in order, so that going on from the last one is cheap.
struct Offsets<'a> {
    text: &'a str,
    base: usize,
    ascii: bool,
    character: usize,
    byte: usize,
}

impl<'a> Offsets<'a> {
    fn new(text: &'a str, base: usize) -> Self {
        Self { text, base, ascii: text[base..].is_ascii(), character: 0, byte: base }
    }

    fn byte(&mut self, character: usize) -> usize {
        if self.ascii {
            return (self.base + character).min(self.text.len());
        }
        if character >= self.character {
            let forward = character - self.character;
            let rest = &self.text[self.byte..];
            self.byte += rest.char_indices().nth(forward).map_or(rest.len(), |(at, _)| at);
        } else {
            let back = self.character - character;
            self.byte = self.text[..self.byte].char_indices().nth_back(back - 1).map_or(self.base, |(at, _)| at);
        }
        self.character = character;
        self.byte
    }
}

#[cfg(test)]
#[path = "yaml_tests.rs"]
mod tests;
