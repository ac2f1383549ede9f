//! TOML with places.
//!
//! Dates become text, because the fields that take them read text in every format. Tables come back in file order, which the
//! `toml` crate does not keep: ids are positions in file order.

use super::LIMITS;
use super::tree::{Key, Keys, Node, Value};
use crate::diagnostic::{Diagnostic, SourceId, Span};
use ::toml::Spanned;
use ::toml::de::{DeFloat, DeInteger, DeTable, DeValue};
use std::ops::Range;

/// Reads the text from byte `base` on.
///
/// # Errors
/// All syntax errors.
pub(super) fn parse(source: SourceId, text: &str, base: usize) -> Result<Node, Vec<Diagnostic>> {
    let mut reader = Reader { source, base, keys: Keys::default(), errors: Vec::new() };
    let (table, errors) = DeTable::parse_recoverable(&text[base..]);
    if !errors.is_empty() {
        // Recovery can say the same thing about one place several times.
        let mut told = Vec::new();
        for error in errors {
            let span = reader.span(error.span().unwrap_or_default());
            if told.last() != Some(&span) && told.len() < LIMITS.errors {
                told.push(span);
                let code = if error.message().contains("duplicate key") { "duplicate-key" } else { "toml-syntax" };
                reader.errors.push(Diagnostic::error(code, error.message().to_owned()).at(span, ""));
            }
        }
        return Err(reader.errors);
    }
    let span = reader.span(table.span());
    let value = reader.table(table.into_inner(), span, 0);
    if reader.errors.is_empty() { Ok(Node { span, value }) } else { Err(reader.errors) }
}

struct Reader {
    source: SourceId,
    base: usize,
    keys: Keys,
    errors: Vec<Diagnostic>,
}

impl Reader {
    fn node(&mut self, value: Spanned<DeValue<'_>>, depth: usize) -> Node {
        let span = self.span(value.span());
        let value = match value.into_inner() {
            DeValue::String(text) => Value::String(text.into()),
            DeValue::Integer(number) => self.integer(&number, span),
            DeValue::Float(number) => self.float(&number, span),
            DeValue::Boolean(value) => Value::Bool(value),
            DeValue::Datetime(date) => Value::String(date.to_string().into()),
            DeValue::Array(_) if depth >= LIMITS.depth => self.too_deep(span),
            DeValue::Array(items) => Value::Sequence(items.into_iter().map(|item| self.node(item, depth + 1)).collect()),
            DeValue::Table(table) => self.table(table, span, depth),
        };
        Node { span, value }
    }

    fn table(&mut self, table: DeTable<'_>, span: Span, depth: usize) -> Value {
        if depth >= LIMITS.depth {
            return self.too_deep(span);
        }
        let mut entries: Vec<_> = table
            .into_iter()
            .map(|(key, value)| {
                let key = Key { text: self.keys.share(key.get_ref()), span: self.span(key.span()) };
                (key, self.node(value, depth + 1))
            })
            .collect();
        entries.sort_by_key(|(key, _)| key.span.start);
        Value::Table(entries.into())
    }

    fn too_deep(&mut self, span: Span) -> Value {
        let message = format!("nested more than {} levels deep", LIMITS.depth);
        self.errors.push(Diagnostic::error("too-deep", message).at(span, ""));
        Value::Null
    }

    fn integer(&mut self, number: &DeInteger<'_>, span: Span) -> Value {
        let (text, radix) = (number.as_str(), number.radix());
        if let Ok(value) = i64::from_str_radix(text, radix) {
            return Value::Integer(value);
        }
        match u64::from_str_radix(text, radix) {
            Ok(value) => Value::Unsigned(value),
            Err(_) => self.too_large(span),
        }
    }

    fn float(&mut self, number: &DeFloat<'_>, span: Span) -> Value {
        match number.as_str().parse::<f64>() {
            Ok(value) if value.is_finite() || number.as_str().contains("inf") || number.as_str().contains("nan") => {
                Value::Float(value)
            }
            _ => self.too_large(span),
        }
    }

    fn too_large(&mut self, span: Span) -> Value {
        self.errors.push(Diagnostic::error("toml-syntax", "the number is too large").at(span, ""));
        Value::Null
    }

    fn span(&self, range: Range<usize>) -> Span {
        super::span(self.source, self.base + range.start, self.base + range.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Node, Vec<Diagnostic>> {
        parse(SourceId(0), text, 0)
    }

    #[test]
    fn tables_keep_file_order_and_bytes() {
        let text = "# é\r\nz = 1\na = 2026-08-01\n[services.z]\nk = 'ü'\n[services.a]\nn = 0x1f\n[[d]]\nf = 1.5\n[[d]]\n";
        let node = read(text).expect("toml");
        let keys: Vec<_> = node.entries().iter().map(|(key, _)| &*key.text).collect();
        assert_eq!(keys, ["z", "a", "services", "d"]);
        let services: Vec<_> = node.at(&["services"]).expect("table").entries().iter().map(|(key, _)| &*key.text).collect();
        assert_eq!(services, ["z", "a"]);
        assert_eq!(node.at(&["a"]).and_then(Node::text), Some("2026-08-01"));
        assert_eq!(node.at(&["services", "a", "n"]).map(|n| &n.value), Some(&Value::Integer(31)));
        let span = node.at(&["services", "z", "k"]).expect("k").span;
        assert_eq!(&text[span.start as usize..span.end as usize], "'ü'");
        assert_eq!(node.at(&["d"]).map(|d| d.items().len()), Some(2));
    }

    #[test]
    fn all_syntax_errors_come_at_once() {
        let errors = read("a = \nb = 1\nb = 2\n[x\n").expect_err("bad");
        assert!(errors.len() >= 3, "{errors:?}");
        assert!(errors.iter().any(|error| error.code == "duplicate-key"));
    }

    #[test]
    fn hostile_files_are_refused() {
        let dots = "a.".repeat(100_000) + "a = 1";
        let inline = format!("x = {}1{}", "{a = ".repeat(5_000), "}".repeat(5_000));
        let long = vec!["a"; 79].join(".");
        let both = format!("[{long}]\n{long} = {}1{}", format!("{{{long} = ").repeat(70), "}".repeat(70));
        for text in [dots, "x = ".to_owned() + &"[".repeat(100_000), inline, both] {
            assert!(read(&text).is_err(), "{}", &text[..40]);
        }
        assert!(read("a = 99999999999999999999999999").is_err());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "([a-c]{0,2}|[=.\\-\\[\\]{}'\"#, \t\n\r0-9]|\\PC){0,40}") {
            if let Err(errors) = read(&text) {
                for label in errors.iter().flat_map(|error| &error.labels) {
                    prop_assert!(label.span.end as usize <= text.len());
                }
            }
        }
    }
}
