//! All violations of a [`Shape`] at once, in words for people.
//!
//! The messages never speak of schemas or branches: where several forms are allowed, the one that the writer meant is guessed
//! from the kind of the node and from its tag, and only its errors are told. What must hold: a tree without errors decodes.

use super::LIMITS;
use super::scalar::{self, Complaint};
use super::shape::{Additional, Rule, Shape, types};
use super::tree::{Key, Node, Scalar, Value};
use super::version::Version;
use crate::diagnostic::{Diagnostic, Level, Span, nearest};
use serde_json::Value as Json;

/// Checks a whole file. The value of the key `schema` at the top level is left to [`super::expect_schema`].
///
/// With [`Version::Later`] unknown keys are warnings. At most [`LIMITS`]`.errors` messages come back, in file order.
pub fn check(node: &Node, shape: &Shape, version: Version) -> Vec<Diagnostic> {
    let mut checker = Checker { shape, version, found: Vec::new(), dropped: 0 };
    checker.visit(node, shape.root, &Path::Top);
    let mut found = checker.found;
    found.sort_by_key(|diagnostic| diagnostic.labels.first().map_or(0, |label| label.span.start));
    if checker.dropped > 0 {
        let mut last =
            Diagnostic::error("too-many", format!("{} more errors are not shown", checker.dropped)).at(node.anchor(), "");
        last.level = Level::Error;
        found.push(last);
    }
    found
}

struct Checker<'a> {
    shape: &'a Shape,
    version: Version,
    found: Vec<Diagnostic>,
    dropped: usize,
}

/// The way to a node, kept on the stack.
#[derive(Clone, Copy)]
enum Path<'a> {
    Top,
    /// A key of a struct.
    Field(&'a Path<'a>, &'a str),
    /// A name chosen in the file.
    Name(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl<'a> Checker<'a> {
    fn visit(&mut self, node: &Node, at: usize, path: &Path<'_>) {
        let rule = self.shape.rule(at);
        for &part in &rule.all {
            self.visit(node, part, path);
        }
        if let Some(custom) = rule.custom {
            // An option of the scalar.
            if node.is_null() && (rule.types & types::NULL != 0 || rule.literals.contains(&Json::Null)) {
                return;
            }
            match scalar::check(custom, node) {
                Ok(()) => return,
                Err(Complaint::Elsewhere) => {}
                Err(complaint) => return self.complain(node, complaint),
            }
            let before = self.found.len();
            self.choose(node, rule, path);
            if self.found.len() == before
                && let Err(message) = scalar::check_pair(node)
            {
                self.report(node.span, "bad-value", message, None);
            }
            return;
        }
        if !rule.alternatives.is_empty() {
            return self.choose(node, rule, path);
        }
        if !fits(rule, node, true) {
            return self.wrong_type(node, &describe(self.shape, rule));
        }
        self.literal(node, rule);
        self.range(node, rule);
        if rule.types & types::LIST != 0 || rule.items.is_some() {
            self.list(node, rule, path);
        }
        if rule.types & types::TABLE != 0 || !rule.properties.is_empty() {
            self.table(node, rule, path);
        }
    }

    /// One of several forms: the one that fits, else the one that was probably meant.
    fn choose(&mut self, node: &Node, rule: &Rule, path: &Path<'_>) {
        let shape = self.shape;
        let mut forms: Vec<usize> = rule.alternatives.iter().copied().filter(|&at| fits(shape.rule(at), node, false)).collect();
        if forms.is_empty() {
            // An option: the form itself knows best what is wrong.
            let mut real = rule.alternatives.iter().filter(|&&at| shape.rule(at).types != types::NULL);
            return match (real.next(), real.next(), rule.custom) {
                (Some(&only), None, None) => self.visit(node, only, path),
                _ => self.wrong_type(node, &describe(shape, rule)),
            };
        }
        if forms.len() > 1
            && let Some(key) =
                forms.iter().map(|&at| shape.tag(shape.rule(at)).map(|(key, _)| key)).reduce(|a, b| a.filter(|_| a == b))
            && let Some(key) = key
        {
            let Some((_, word)) = node.entry(key) else { return self.missing(node, key, path) };
            let known: Vec<_> = forms.iter().filter_map(|&at| shape.tag(shape.rule(at))).map(|(_, word)| word).collect();
            forms.retain(|&at| shape.tag(shape.rule(at)).is_some_and(|(_, tag)| word.text() == Some(tag)));
            if forms.is_empty() {
                return self.unknown_word(word, &known);
            }
        }
        let mut best: Option<Vec<Diagnostic>> = None;
        if let [only] = forms.as_slice() {
            return self.visit(node, *only, path);
        }
        for at in forms {
            let mut attempt = Checker { shape, version: self.version, found: Vec::new(), dropped: 0 };
            attempt.visit(node, at, path);
            if attempt.found.iter().all(|diagnostic| diagnostic.level != Level::Error) {
                best = Some(attempt.found);
                break;
            }
            if best.as_ref().is_none_or(|best| attempt.found.len() < best.len()) {
                best = Some(attempt.found);
            }
        }
        for diagnostic in best.unwrap_or_default() {
            self.push(|| diagnostic);
        }
    }

    fn list(&mut self, node: &Node, rule: &Rule, path: &Path<'_>) {
        let items = node.items();
        if items.len() < rule.min_items || rule.max_items.is_some_and(|most| items.len() > most) {
            let wanted = match rule.max_items {
                Some(most) if most == rule.min_items => format!("exactly {}", amount(most, "entry", "entries")),
                Some(most) if items.len() > most => format!("at most {}", amount(most, "entry", "entries")),
                _ => format!("at least {}", amount(rule.min_items, "entry", "entries")),
            };
            self.report(node.span, "list-length", format!("expected {wanted}, found {}", items.len()), None);
        }
        for (position, item) in items.iter().enumerate() {
            let step = Path::Item(path, position);
            if let Some(&at) = rule.prefix.get(position) {
                self.visit(item, at, &step);
            } else if let Some(at) = rule.items {
                self.visit(item, at, &step);
            }
            // Only short lists, such as tags, are sets.
            if rule.unique && items.len() <= 1_000 && items[..position].iter().any(|other| other.value == item.value) {
                self.report(item.span, "duplicate", format!("{} stands here twice", found(item)), None);
            }
        }
    }

    fn table(&mut self, node: &Node, rule: &Rule, path: &Path<'_>) {
        if !matches!(node.value, Value::Table(_)) && !node.is_null() {
            return;
        }
        for (key, value) in node.entries() {
            let text = &*key.text;
            // `schema` was judged before, and a file of a later minor version may state it.
            let at_top = matches!(path, Path::Top) && text == "schema";
            match rule.properties.iter().find(|(name, _)| &**name == text) {
                Some(_) if at_top => {}
                Some((_, at)) => self.visit(value, *at, &Path::Field(path, text)),
                None => match rule.additional {
                    Additional::Allowed => {}
                    Additional::Each(at) => self.visit(value, at, &Path::Name(path, text)),
                    Additional::Forbidden if at_top => {}
                    Additional::Forbidden => self.unknown_key(key, rule, path),
                },
            }
        }
        for name in &rule.required {
            if node.entry(name).is_none() {
                self.missing(node, name, path);
            }
        }
    }

    fn unknown_key(&mut self, key: &Key, rule: &Rule, path: &Path<'_>) {
        let version = self.version;
        self.push(|| {
            let known: Vec<_> = rule.properties.iter().map(|(name, _)| &**name).collect();
            let mut found = Diagnostic::error("unknown-key", format!("unknown key `{}` {}", key.text, place(path)))
                .at(key.span, "")
                .help(match nearest(&key.text, known.iter().copied()) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("known keys: {}", known.join(", ")),
                });
            if version == Version::Later {
                found.level = Level::Warning;
                found.help = Some("this version of shockfront does not know the key and leaves it out".to_owned());
            }
            found
        });
    }

    fn missing(&mut self, node: &Node, name: &str, path: &Path<'_>) {
        self.push(|| {
            Diagnostic::error("missing-key", format!("missing key `{name}` {}", place(path)))
                .at(node.anchor(), format!("add `{name}`"))
        });
    }

    fn literal(&mut self, node: &Node, rule: &Rule) {
        if rule.literals.is_empty() || rule.literals.iter().any(|literal| equal(node, literal)) {
            return;
        }
        let known: Vec<_> = rule.literals.iter().filter_map(Json::as_str).collect();
        self.unknown_word(node, &known);
    }

    fn unknown_word(&mut self, node: &Node, known: &[&str]) {
        self.push(|| {
            let near = node.text().and_then(|text| nearest(text, known.iter().copied()));
            let list = one_of(known);
            let error =
                Diagnostic::error("unknown-value", format!("expected {list}, found {}", found(node))).at(node.anchor(), "");
            match near {
                Some(name) => error.help(format!("did you mean `{name}`?")),
                None => error,
            }
        });
    }

    fn range(&mut self, node: &Node, rule: &Rule) {
        // Where text is wanted too, an unquoted scalar is text first.
        if rule.types & types::TEXT != 0 {
            if let Some(text) = node.text()
                && text.chars().count() < rule.min_length
            {
                self.report(node.span, "bad-value", "expected text, found nothing".to_owned(), None);
            }
            return;
        }
        let Some(value) = node.number() else { return };
        let low = rule.minimum.is_some_and(|least| value < least) || rule.above.is_some_and(|least| value <= least);
        let high = rule.maximum.is_some_and(|most| value > most) || rule.below.is_some_and(|most| value >= most);
        if low || high || !value.is_finite() {
            let message = format!("expected {}, found {}", describe(self.shape, rule), found(node));
            self.report(node.span, "out-of-range", message, None);
        }
    }

    fn wrong_type(&mut self, node: &Node, expected: &str) {
        let help = match &node.value {
            Value::String(text) if super::resolve(text) != Scalar::Text(text) && !expected.contains("text") => {
                Some("remove the quotes".to_owned())
            }
            Value::Integer(_) | Value::Float(_) | Value::Bool(_) if expected == "text" => Some("put it in quotes".to_owned()),
            _ => None,
        };
        self.report(node.anchor(), "wrong-type", format!("expected {expected}, found {}", found(node)), help);
    }

    fn complain(&mut self, node: &Node, complaint: Complaint) {
        match complaint {
            Complaint::Expected(expected, help) => {
                let message = format!("expected {expected}, found {}", found(node));
                self.report(node.anchor(), "bad-value", message, help.map(str::to_owned));
            }
            Complaint::Says(message) => self.report(node.anchor(), "bad-value", message, None),
            Complaint::Elsewhere => {}
        }
    }

    fn report(&mut self, span: Span, code: &'static str, message: String, help: Option<String>) {
        self.push(|| Diagnostic { help, ..Diagnostic::error(code, message).at(span, "") });
    }

    /// Builds the message only while there is room for it.
    fn push(&mut self, build: impl FnOnce() -> Diagnostic) {
        if self.found.len() < LIMITS.errors {
            self.found.push(build());
        } else {
            self.dropped += 1;
        }
    }
}

/// Whether the kind of a node is allowed. `lenient` takes nothing for an empty list or table.
fn fits(rule: &Rule, node: &Node, lenient: bool) -> bool {
    if rule.types == 0 {
        return rule.custom.is_none_or(|custom| !matches!(scalar::check(custom, node), Err(Complaint::Expected(..))));
    }
    let mut kinds = match node.scalar() {
        None if matches!(node.value, Value::Sequence(_)) => types::LIST,
        None => types::TABLE,
        Some(Scalar::Null) if lenient => types::NULL | types::LIST | types::TABLE,
        Some(Scalar::Null) => types::NULL,
        Some(Scalar::Bool(_)) => types::BOOL,
        Some(Scalar::Integer(_) | Scalar::Unsigned(_)) => types::INTEGER,
        Some(Scalar::Float(value)) if value.fract() == 0.0 => types::NUMBER | types::INTEGER,
        Some(Scalar::Float(_)) => types::NUMBER,
        Some(Scalar::Text(_)) => types::TEXT,
    };
    if matches!(&node.value, Value::Plain(text) if !text.is_empty()) {
        kinds |= types::TEXT;
    }
    if !node.is_null() && rule.types & types::NUMBER == 0 {
        // `3.0` may stand for 3, but nothing else that is not whole.
        kinds &= !types::NUMBER;
    }
    rule.types & kinds != 0
}

fn equal(node: &Node, literal: &Json) -> bool {
    match literal {
        Json::String(word) => node.text() == Some(word),
        Json::Bool(value) => node.scalar() == Some(Scalar::Bool(*value)),
        Json::Null => node.is_null(),
        Json::Number(number) => node.number().is_some_and(|value| number.as_f64() == Some(value)),
        Json::Array(_) | Json::Object(_) => false,
    }
}

/// What a rule wants, in words.
fn describe(shape: &Shape, rule: &Rule) -> String {
    if let Some(custom) = rule.custom {
        return custom.expected().to_owned();
    }
    if !rule.alternatives.is_empty() {
        let mut forms: Vec<String> = rule
            .alternatives
            .iter()
            .map(|&at| shape.rule(at))
            .filter(|form| form.types != types::NULL)
            .map(|form| {
                if form.alternatives.is_empty() || form.custom.is_some() {
                    describe(shape, form)
                } else {
                    "another form".to_owned()
                }
            })
            .collect();
        forms.dedup();
        return forms.join(" or ");
    }
    let words: Vec<_> = rule.literals.iter().filter_map(Json::as_str).collect();
    if !words.is_empty() {
        return one_of(&words);
    }
    let kinds = if rule.types == 0 { types::ANY } else { rule.types };
    let mut forms = Vec::new();
    if kinds & (types::NUMBER | types::INTEGER) != 0 {
        let name = if kinds & types::NUMBER != 0 { "a number" } else { "a whole number" };
        forms.push(bounds(name, rule));
    }
    let names =
        [(types::TEXT, "text"), (types::BOOL, "true or false"), (types::LIST, "a list"), (types::TABLE, "a table of keys")];
    forms.extend(names.iter().filter(|(kind, _)| kinds & kind != 0).map(|(_, name)| (*name).to_owned()));
    forms.join(" or ")
}

fn bounds(name: &str, rule: &Rule) -> String {
    let most = rule.maximum.filter(|&most| most < f64::from(u16::MAX));
    match (rule.minimum, rule.above, most, rule.below) {
        (Some(least), _, Some(most), _) => format!("{name} from {least} to {most}"),
        (None, Some(least), Some(most), _) => format!("{name} above {least} and at most {most}"),
        (None, Some(least), None, Some(most)) => format!("{name} above {least} and below {most}"),
        (Some(least), _, None, Some(most)) => format!("{name} from {least} to below {most}"),
        (Some(least), _, None, None) if rule.maximum.is_none() || least != 0.0 => format!("{name}, at least {least}"),
        (Some(least), ..) => format!("{name} from {least} to {}", rule.maximum.unwrap_or(f64::INFINITY)),
        (None, Some(least), None, None) => format!("{name} above {least}"),
        (None, None, Some(most), _) => format!("{name}, at most {most}"),
        _ => name.to_owned(),
    }
}

fn one_of(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [only] => format!("`{only}`"),
        _ => format!("one of `{}`", words.join("`, `")),
    }
}

/// What stands there, in words and not too long.
pub(super) fn found(node: &Node) -> String {
    let short = |text: &str| match text.char_indices().nth(40) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    };
    match &node.value {
        Value::Null => "nothing".to_owned(),
        Value::Plain(text) if text.is_empty() => "nothing".to_owned(),
        Value::Plain(text) => format!("`{}`", short(text)),
        Value::String(text) => format!("the text \"{}\"", short(text)),
        Value::Bool(value) => format!("`{value}`"),
        Value::Integer(value) => format!("`{value}`"),
        Value::Unsigned(value) => format!("`{value}`"),
        Value::Float(value) => format!("`{value}`"),
        Value::Sequence(_) => "a list".to_owned(),
        Value::Table(_) => "a table of keys".to_owned(),
    }
}

fn amount(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn place(path: &Path<'_>) -> String {
    match thing(path) {
        Some(thing) => format!("in {thing}"),
        None => "at the top level".to_owned(),
    }
}

/// ``service `checkout` ``, ``entry 3 of `dependencies` `` or ```detect` of service `checkout` ``.
fn thing(path: &Path<'_>) -> Option<String> {
    let (own, parent) = match path {
        Path::Top => return None,
        Path::Field(parent, name) => (format!("`{name}`"), *parent),
        Path::Name(Path::Field(parent, list), name) => (format!("{} `{name}`", singular(list)), *parent),
        Path::Item(Path::Field(parent, list), position) => (format!("entry {} of `{list}`", position + 1), *parent),
        Path::Name(parent, name) => (format!("`{name}`"), *parent),
        Path::Item(parent, position) => (format!("entry {}", position + 1), *parent),
    };
    Some(match thing(parent) {
        Some(parent) => format!("{own} of {parent}"),
        None => own,
    })
}

fn singular(name: &str) -> String {
    match name.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => name.strip_suffix('s').unwrap_or(name).to_owned(),
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
pub(super) mod tests;
