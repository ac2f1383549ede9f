//! The tree that YAML, TOML and JSON have in common.
//!
//! Every node and key knows the bytes it was read from, so that a message can point at it long after parsing. An unquoted YAML
//! scalar keeps its text ([`Value::Plain`]): only the wanted type decides whether `no`, `0x1f` or `1.10` is text or something
//! else. What must hold: keys of one table are distinct, depth is at most [`super::LIMITS`]`.depth`.

use crate::diagnostic::{Diagnostic, Span};
use std::collections::HashMap;
use std::sync::Arc;

/// The key of a table entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Without quotes.
    pub text: Arc<str>,
    /// Where it stands.
    pub span: Span,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub span: Span,
    /// What stands there.
    pub value: Value,
}

/// What a node holds. Boxed slices keep a node at 40 bytes: large graphs have millions.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null` of JSON, or nothing after a key.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A whole number above `i64::MAX`.
    Unsigned(u64),
    /// Any other number.
    Float(f64),
    /// Text that can only be text.
    String(Box<str>),
    /// An unquoted YAML scalar as it was written.
    Plain(Box<str>),
    /// A list.
    Sequence(Box<[Node]>),
    /// Keys and values in file order.
    Table(Box<[(Key, Node)]>),
}

/// A scalar after YAML 1.2 core resolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar<'a> {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A whole number above `i64::MAX`.
    Unsigned(u64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(&'a str),
}

impl Node {
    /// The node at a path of keys; in a list a step is a position counted from 0. Takes time linear in the tables on the way.
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, step| match &node.value {
            Value::Table(_) => node.entry(step).map(|(_, value)| value),
            Value::Sequence(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// The place of the key at a path, or of the list entry where the last step is a position.
    pub fn key_span(&self, path: &[&str]) -> Option<Span> {
        let (last, parents) = path.split_last()?;
        let parent = self.at(parents)?;
        match &parent.value {
            Value::Table(_) => parent.entry(last).map(|(key, _)| key.span),
            _ => parent.at(&[last]).map(|node| node.span),
        }
    }

    /// The entry of a table.
    pub fn entry(&self, key: &str) -> Option<(&Key, &Self)> {
        self.entries().iter().find(|(known, _)| &*known.text == key).map(|(key, value)| (key, value))
    }

    /// All entries of a table; none for anything else.
    pub fn entries(&self) -> &[(Key, Self)] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// All items of a list; none for anything else.
    pub fn items(&self) -> &[Self] {
        match &self.value {
            Value::Sequence(items) => items,
            _ => &[],
        }
    }

    /// The text as written, where it may stand for text.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) | Value::Plain(text) => Some(text),
            _ => None,
        }
    }

    /// The resolved scalar, `None` for lists and tables.
    pub fn scalar(&self) -> Option<Scalar<'_>> {
        Some(match &self.value {
            Value::Null => Scalar::Null,
            Value::Bool(value) => Scalar::Bool(*value),
            Value::Integer(value) => Scalar::Integer(*value),
            Value::Unsigned(value) => Scalar::Unsigned(*value),
            Value::Float(value) => Scalar::Float(*value),
            Value::String(text) => Scalar::Text(text),
            Value::Plain(text) => resolve(text),
            Value::Sequence(_) | Value::Table(_) => return None,
        })
    }

    /// Whether nothing stands there.
    pub fn is_null(&self) -> bool {
        matches!(self.scalar(), Some(Scalar::Null))
    }

    /// The number, where the node is one.
    pub fn number(&self) -> Option<f64> {
        match self.scalar()? {
            Scalar::Integer(value) => Some(value as f64),
            Scalar::Unsigned(value) => Some(value as f64),
            Scalar::Float(value) => Some(value),
            _ => None,
        }
    }

    /// What to underline when the node as a whole is meant: the first key of a table instead of all its lines.
    pub fn anchor(&self) -> Span {
        self.entries().first().map_or(self.span, |(key, _)| key.span)
    }
}

/// YAML 1.2 core schema: what an unquoted scalar means where no type is wanted.
pub fn resolve(text: &str) -> Scalar<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "true" | "True" | "TRUE" => return Scalar::Bool(true),
        "false" | "False" | "FALSE" => return Scalar::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        _ => {}
    }
    let (negative, digits) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        b'0'..=b'9' | b'.' => (false, text),
        _ => return Scalar::Text(text),
    };
    if matches!(digits, ".inf" | ".Inf" | ".INF") {
        return Scalar::Float(if negative { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    let signed = digits.len() < text.len();
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = digits.strip_prefix(prefix).filter(|digits| !signed && !digits.starts_with(['+', '-'])) {
            return u64::from_str_radix(digits, radix).map_or(Scalar::Text(text), whole);
        }
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Scalar::Text(text);
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        if negative && let Ok(value) = text.parse::<i64>() {
            return Scalar::Integer(value);
        }
        if !negative && let Ok(value) = digits.parse::<u64>() {
            return whole(value);
        }
    }
    // The grammar of `f64` is that of YAML apart from `inf`, `nan` and `infinity`, which begin with a letter.
    text.parse::<f64>().map_or(Scalar::Text(text), Scalar::Float)
}

fn whole<'a>(value: u64) -> Scalar<'a> {
    i64::try_from(value).map_or(Scalar::Unsigned(value), Scalar::Integer)
}

/// The error for every key that stands twice in a table, naming both places.
pub(super) fn duplicates(entries: &[(Key, Node)], errors: &mut Vec<Diagnostic>) {
    let mut report = |first: &Key, second: &Key| {
        // A hostile file must not fill the memory with messages.
        if errors.len() >= super::LIMITS.errors {
            return;
        }
        errors.push(
            Diagnostic::error("duplicate-key", format!("the key `{}` stands here twice", second.text))
                .at(second.span, "again")
                .at(first.span, "first"),
        );
    };
    if entries.len() <= 16 {
        for (at, (second, _)) in entries.iter().enumerate() {
            if let Some((first, _)) = entries[..at].iter().find(|(first, _)| first.text == second.text) {
                report(first, second);
            }
        }
        return;
    }
    let mut seen: HashMap<&str, &Key> = HashMap::with_capacity(entries.len());
    for (key, _) in entries {
        match seen.get(&*key.text) {
            Some(first) => report(first, key),
            None => _ = seen.insert(&key.text, key),
        }
    }
}

/// Shares the text of keys that come again and again, as they do in long lists of like tables.
#[derive(Debug, Default)]
pub(super) struct Keys {
    slots: Vec<Option<Arc<str>>>,
}

impl Keys {
    const SLOTS: usize = 256;

    pub(super) fn share(&mut self, text: &str) -> Arc<str> {
        if self.slots.is_empty() {
            self.slots.resize(Self::SLOTS, None);
        }
        let bytes = text.as_bytes();
        let (first, last) = (bytes.first().copied().unwrap_or(0), bytes.last().copied().unwrap_or(0));
        let at = (bytes.len().wrapping_mul(31) ^ usize::from(first).wrapping_mul(7) ^ usize::from(last)) % Self::SLOTS;
        match &self.slots[at] {
            Some(known) if &**known == text => known.clone(),
            _ => {
                let shared: Arc<str> = text.into();
                self.slots[at] = Some(shared.clone());
                shared
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_yaml_1_2() {
        assert_eq!(resolve("no"), Scalar::Text("no"));
        assert_eq!(resolve("0x1f"), Scalar::Integer(31));
        assert_eq!(resolve("0o17"), Scalar::Integer(15));
        assert_eq!(resolve("012"), Scalar::Integer(12));
        assert_eq!(resolve("-3"), Scalar::Integer(-3));
        assert_eq!(resolve("+3"), Scalar::Integer(3));
        assert_eq!(resolve("18446744073709551615"), Scalar::Unsigned(u64::MAX));
        assert_eq!(resolve("1.10"), Scalar::Float(1.1));
        assert_eq!(resolve(".5"), Scalar::Float(0.5));
        assert_eq!(resolve("-.inf"), Scalar::Float(f64::NEG_INFINITY));
        for text in ["1.2.3", "10m", "-", "+", ".", "inf", "nan", "-inf", "infinity", "0x", "-0x1f", "0x+1", "é", "2026-08-01"] {
            assert_eq!(resolve(text), Scalar::Text(text));
        }
    }

    #[test]
    fn nodes_are_small() {
        assert!(size_of::<Node>() <= 40, "{}", size_of::<Node>());
    }

    #[test]
    fn keys_are_shared() {
        let mut keys = Keys::default();
        assert!(Arc::ptr_eq(&keys.share("from"), &keys.share("from")));
        assert_eq!(&*keys.share(""), "");
    }
}
