//! JSON with places.
//!
//! An own parser, because `serde_json` tells no spans: strict RFC 8259, one pass over the bytes, no copy of the text besides the
//! tree itself. What must hold: it accepts what `serde_json` accepts, except keys that stand twice and nesting beyond the limit.

use super::LIMITS;
use super::tree::{Key, Keys, Node, Value, duplicates};
use crate::diagnostic::{Diagnostic, SourceId, Span};

/// Reads the text from byte `base` on.
///
/// # Errors
/// The first syntax error, or all keys that stand twice.
pub(super) fn parse(source: SourceId, text: &str, base: usize) -> Result<Node, Vec<Diagnostic>> {
    let mut parser = Parser {
        text,
        bytes: text.as_bytes(),
        at: base,
        source,
        keys: Keys::default(),
        errors: Vec::new(),
        scratch: Vec::new(),
        entries: Vec::new(),
        items: Vec::new(),
    };
    let node = parser.document().map_err(|error| vec![*error])?;
    if parser.errors.is_empty() { Ok(node) } else { Err(parser.errors) }
}

type Parsed<T> = Result<T, Box<Diagnostic>>;

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    source: SourceId,
    keys: Keys,
    /// Errors after which reading goes on.
    errors: Vec<Diagnostic>,
    /// The unescaped text of the string that is being read.
    scratch: Vec<u8>,
    /// Entries of all tables and items of all lists that are open, inner ones behind outer ones: each table and list is then
    /// allocated once, at its size.
    entries: Vec<(Key, Node)>,
    items: Vec<Node>,
}

impl<'a> Parser<'a> {
    fn document(&mut self) -> Parsed<Node> {
        self.skip_space();
        let node = self.value(0)?;
        self.skip_space();
        if self.at < self.bytes.len() { Err(self.unexpected("the end of the file")) } else { Ok(node) }
    }

    fn value(&mut self, depth: usize) -> Parsed<Node> {
        let start = self.at;
        let value = match self.peek() {
            Some(b'{' | b'[') if depth >= LIMITS.depth => {
                let message = format!("nested more than {} levels deep", LIMITS.depth);
                return Err(Box::new(Diagnostic::error("too-deep", message).at(self.span(start, start + 1), "")));
            }
            Some(b'{') => self.table(depth)?,
            Some(b'[') => self.sequence(depth)?,
            Some(b'"') => Value::String(self.string()?.into_text().into()),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true", Value::Bool(true))?,
            Some(b'f') => self.word("false", Value::Bool(false))?,
            Some(b'n') => self.word("null", Value::Null)?,
            _ => return Err(self.unexpected("a value: `{`, `[`, a string, a number, `true`, `false` or `null`")),
        };
        Ok(Node { span: self.span(start, self.at), value })
    }

    fn table(&mut self, depth: usize) -> Parsed<Value> {
        self.at += 1;
        let first = self.entries.len();
        self.skip_space();
        if self.take(b'}') {
            return Ok(Value::Table(Box::default()));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a key in double quotes"));
            }
            let start = self.at;
            let text = match self.string()? {
                Text::Borrowed(text) => self.keys.share(text),
                Text::Owned(text) => self.keys.share(&text),
            };
            let key = Key { text, span: self.span(start, self.at) };
            self.skip_space();
            if !self.take(b':') {
                return Err(self.unexpected("`:` after the key"));
            }
            self.skip_space();
            let node = self.value(depth + 1)?;
            self.entries.push((key, node));
            self.skip_space();
            if self.take(b'}') {
                duplicates(&self.entries[first..], &mut self.errors);
                return Ok(Value::Table(self.entries.drain(first..).collect()));
            }
            if !self.take(b',') {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
    }

    fn sequence(&mut self, depth: usize) -> Parsed<Value> {
        self.at += 1;
        let first = self.items.len();
        self.skip_space();
        if self.take(b']') {
            return Ok(Value::Sequence(Box::default()));
        }
        loop {
            self.skip_space();
            let item = self.value(depth + 1)?;
            self.items.push(item);
            self.skip_space();
            if self.take(b']') {
                return Ok(Value::Sequence(self.items.drain(first..).collect()));
            }
            if !self.take(b',') {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
    }

    fn string(&mut self) -> Parsed<Text<'a>> {
        self.at += 1;
        let start = self.at;
        self.plain_run();
        if self.peek() == Some(b'"') {
            let text = &self.text[start..self.at];
            self.at += 1;
            return Ok(Text::Borrowed(text));
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(&self.bytes[start..self.at]);
        loop {
            match self.peek() {
                Some(b'"') => break self.at += 1,
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.unexpected("no control character inside a string (write `\\n` or `\\u00XX`)")),
                None => return Err(self.unexpected("`\"` at the end of the string")),
            }
            let run = self.at;
            self.plain_run();
            self.scratch.extend_from_slice(&self.bytes[run..self.at]);
        }
        // Runs are cut at ASCII bytes and escapes are encoded characters, so this is UTF-8; lossy only for the compiler.
        Ok(Text::Owned(String::from_utf8_lossy(&self.scratch).into_owned()))
    }

    /// Goes to the next quote, backslash or control character.
    fn plain_run(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20).unwrap_or(rest.len());
    }

    fn escape(&mut self) -> Parsed<()> {
        let start = self.at;
        self.at += 1;
        let letter = self.peek();
        self.at += 1;
        let byte = match letter {
            Some(letter @ (b'"' | b'\\' | b'/')) => letter,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let mut code = self.hex(start)?;
                if (0xd800..0xdc00).contains(&code) && self.bytes[self.at..].starts_with(b"\\u") {
                    self.at += 2;
                    let low = self.hex(start)?;
                    if (0xdc00..0xe000).contains(&low) {
                        code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                    }
                }
                let Some(character) = char::from_u32(code) else {
                    return Err(self.bad(start, self.at, "half of a surrogate pair: `\\uD800`..`\\uDFFF` come in pairs"));
                };
                self.scratch.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => {
                self.at = start + 1;
                return Err(self.unexpected("one of `\"`, `\\`, `/`, `b`, `f`, `n`, `r`, `t`, `u` after the backslash"));
            }
        };
        self.scratch.push(byte);
        Ok(())
    }

    fn hex(&mut self, start: usize) -> Parsed<u32> {
        let digits = self.bytes.get(self.at..self.at + 4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let code = digits.and_then(|digits| u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        self.at += 4;
        code.ok_or_else(|| self.bad(start, start + 2, "expected four hexadecimal digits after `\\u`"))
    }

    fn number(&mut self) -> Parsed<Value> {
        let start = self.at;
        let negative = self.take(b'-');
        let mut whole = 0_u64;
        let mut fits = true;
        let first = self.at;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            let next = whole.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit - b'0')));
            (whole, fits) = (next.unwrap_or(0), fits && next.is_some());
            self.at += 1;
        }
        if self.at == first {
            return Err(self.unexpected("a digit"));
        }
        if self.bytes[first] == b'0' && self.at > first + 1 {
            return Err(self.bad(start, self.at, "a number must not begin with 0"));
        }
        let mut fraction = false;
        if self.take(b'.') {
            fraction = true;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            fraction = true;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        // `-0` is a float: as an integer it would lose its sign.
        if !fraction && fits && !(negative && whole == 0) {
            if !negative {
                return Ok(i64::try_from(whole).map_or(Value::Unsigned(whole), Value::Integer));
            }
            if let Some(value) = 0_i64.checked_sub_unsigned(whole) {
                return Ok(Value::Integer(value));
            }
        }
        match self.text[start..self.at].parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Value::Float(value)),
            _ => Err(self.bad(start, self.at, "the number is too large")),
        }
    }

    fn digits(&mut self) -> Parsed<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected("a digit")) } else { Ok(()) }
    }

    fn word(&mut self, word: &str, value: Value) -> Parsed<Value> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(value);
        }
        Err(self.unexpected("a value: text needs double quotes; the words are `true`, `false` and `null`"))
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        super::span(self.source, start, end)
    }

    fn bad(&self, start: usize, end: usize, message: &str) -> Box<Diagnostic> {
        let end = ceil(self.text, end);
        Box::new(Diagnostic::error("json-syntax", message).at(self.span(start, end), ""))
    }

    fn unexpected(&self, expected: &str) -> Box<Diagnostic> {
        let at = floor(self.text, self.at);
        let found = match self.text[at..].chars().next() {
            Some(character) => format!("`{}`", character.escape_debug()),
            None => "the end of the file".to_owned(),
        };
        let end = at + self.text[at..].chars().next().map_or(0, char::len_utf8);
        let mut error = self.bad(at, end, &format!("expected {expected}, found {found}"));
        let before = self.text[..at].trim_end();
        error.help = match &self.text[at..] {
            rest if rest.starts_with(['}', ']']) && before.ends_with(',') => Some("remove the comma before it".to_owned()),
            rest if rest.starts_with("//") || rest.starts_with("/*") || rest.starts_with('#') => {
                Some("JSON has no comments: remove it, or write the file in YAML or TOML".to_owned())
            }
            rest if rest.starts_with('\'') => Some("use double quotes".to_owned()),
            _ => None,
        };
        error
    }
}

/// The next character boundary at or after a byte.
fn ceil(text: &str, at: usize) -> usize {
    (at..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len())
}

/// The last character boundary at or before a byte.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

enum Text<'a> {
    Borrowed(&'a str),
    Owned(String),
}

impl Text<'_> {
    fn into_text(self) -> String {
        match self {
            Text::Borrowed(text) => text.to_owned(),
            Text::Owned(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Node, Vec<Diagnostic>> {
        parse(SourceId(0), text, 0)
    }

    fn same(node: &Node, value: &serde_json::Value) -> bool {
        use serde_json::Value as J;
        match (&node.value, value) {
            (Value::Null, J::Null) => true,
            (Value::Bool(a), J::Bool(b)) => a == b,
            (Value::Integer(a), J::Number(b)) => b.as_i64() == Some(*a),
            (Value::Unsigned(a), J::Number(b)) => b.as_u64() == Some(*a),
            (Value::Float(a), J::Number(b)) => b.is_f64() && b.as_f64() == Some(*a),
            (Value::String(a), J::String(b)) => **a == **b,
            (Value::Sequence(a), J::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
            (Value::Table(a), J::Object(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| *k.text == **l && same(a, b))
            }
            _ => false,
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            ".*".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Into::into),
                prop::collection::vec((".{0,6}", inner), 0..8)
                    .prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn trees_agree_with_serde_json(value in any_json(), pretty: bool) {
            let text = if pretty { format!("{value:#}") } else { value.to_string() };
            let node = read(&text).map_err(|errors| TestCaseError::fail(format!("{errors:?}")))?;
            prop_assert!(same(&node, &value), "{text}");
        }

        #[test]
        fn near_json_is_judged_as_serde_json_does(text in r#"[\[\]{}",:0-9eE.+\-\\u dbtruefalsn\n]{0,24}"#) {
            let ours = read(&text);
            let duplicate = matches!(&ours, Err(errors) if errors[0].code == "duplicate-key");
            prop_assert!(duplicate || ours.is_ok() == serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn escapes_and_numbers() {
        let node =
            read(r#"["\ud83d\ude00\u00e9\n\/", -0, 18446744073709551615, 1e3, 123456789012345678901234567890]"#).expect("json");
        let items = node.items();
        assert_eq!(items[0].text(), Some("😀é\n/"));
        assert!(matches!(items[1].value, Value::Float(zero) if zero.is_sign_negative()));
        assert_eq!(items[2].value, Value::Unsigned(u64::MAX));
        assert_eq!(items[3].value, Value::Float(1000.0));
        assert_eq!(items[4].number(), Some(123_456_789_012_345_678_901_234_567_890.0));
    }

    #[test]
    fn errors_say_what_was_expected() {
        let first = |text: &str| {
            let error = read(text).expect_err(text).remove(0);
            (error.message, error.labels[0].span.start, error.help.unwrap_or_default())
        };
        assert_eq!(first("{\"é\" 1}").0, "expected `:` after the key, found `1`");
        assert_eq!(first("{\"é\" 1}").1, 6);
        assert_eq!(first("[1,]").2, "remove the comma before it");
        assert!(first("[1, // one\n]").2.contains("no comments"));
        assert!(first(r#"["\ud83d x"]"#).0.contains("surrogate"));
        assert!(first("[\"a\nb\"]").0.contains("control character"));
        for text in
            ["", "nul", "01", "1.", "-", "1e", "\"", "\"\\", "\"\\u12", "\"\\u12é4\"", "[", "{\"a\":1", "1 2", "1e999", "\"\\é"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn depth_and_duplicates_are_refused() {
        assert_eq!(read(&"[".repeat(1_000_000)).expect_err("deep")[0].code, "too-deep");
        let errors = read(r#"{"a": 1, "b": {"x": 1, "x": 2}, "a": 2}"#).expect_err("twice");
        assert_eq!(errors.len(), 2);
        let many = format!("{{{}\"a\": 0}}", "\"a\": 1, ".repeat(5_000));
        assert_eq!(read(&many).expect_err("twice").len(), LIMITS.errors);
        assert_eq!((errors[1].labels[0].span.start, errors[1].labels[1].span.start), (32, 1));
    }
}
