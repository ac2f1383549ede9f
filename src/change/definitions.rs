//! The first lines of functions and types in common languages.
//!
//! Small rules over single lines, by what the grammars of the languages allow there. What must hold: a call or a control structure
//! is never taken for a definition; a definition that is written in an unusual way may be missed.

/// A language whose definitions are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// Go.
    Go,
    /// Python.
    Python,
    /// JavaScript and TypeScript.
    JavaScript,
    /// Java and C#, which agree in what matters here.
    Java,
    /// Kotlin.
    Kotlin,
    /// Rust.
    Rust,
    /// Ruby.
    Ruby,
    /// Protocol buffers.
    Protobuf,
}

/// What a line defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Definition {
    /// Its name, behind that of the type that a Go function is bound to.
    pub(super) names: Vec<String>,
    /// Whether other definitions inside of it count.
    pub(super) is_type: bool,
}

/// The language of a file, by the end of its name.
pub(super) fn language(path: &str) -> Option<Language> {
    let (_, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
    Some(match extension {
        "go" => Language::Go,
        "py" | "pyi" => Language::Python,
        "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" | "mts" | "cts" => Language::JavaScript,
        "java" | "cs" => Language::Java,
        "kt" | "kts" => Language::Kotlin,
        "rs" => Language::Rust,
        "rb" => Language::Ruby,
        "proto" => Language::Protobuf,
        _ => return None,
    })
}

impl Language {
    /// Whether bodies stand in braces.
    pub(super) fn has_braces(self) -> bool {
        !matches!(self, Self::Python | Self::Ruby)
    }

    /// What begins and ends text over several lines.
    pub(super) fn text_marks(self) -> &'static [&'static str] {
        match self {
            Self::Go | Self::JavaScript => &["`"],
            Self::Python => &["\"\"\"", "'''"],
            Self::Java | Self::Kotlin => &["\"\"\""],
            Self::Rust | Self::Ruby | Self::Protobuf => &[],
        }
    }
}

/// What a line defines, if it does.
pub(super) fn definition(language: Language, line: &str) -> Option<Definition> {
    let line = line.trim();
    match language {
        Language::Go => go(line),
        Language::Python => python(line),
        Language::JavaScript => javascript(line),
        Language::Java => java(line),
        Language::Kotlin => kotlin(line),
        Language::Rust => rust(line),
        Language::Ruby => ruby(line),
        Language::Protobuf => protobuf(line),
    }
}

fn function(name: &str) -> Option<Definition> {
    named(name, false)
}

fn a_type(name: &str) -> Option<Definition> {
    named(name, true)
}

fn named(name: &str, is_type: bool) -> Option<Definition> {
    (!name.is_empty()).then(|| Definition { names: vec![name.to_owned()], is_type })
}

fn is_of_name(sign: char) -> bool {
    sign.is_alphanumeric() || matches!(sign, '_' | '$')
}

/// The name at the start, and what follows it.
fn name(text: &str) -> (&str, &str) {
    let end = text.find(|sign| !is_of_name(sign)).unwrap_or(text.len());
    text.split_at(end)
}

/// What follows a word and white space.
fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(word)?;
    let trimmed = rest.trim_start();
    (trimmed.len() < rest.len()).then_some(trimmed)
}

/// What follows any of some words.
fn after_any<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    words.iter().find_map(|word| after(text, word))
}

/// What follows all leading words of a set.
fn past<'a>(mut text: &'a str, words: &[&str]) -> &'a str {
    while let Some(rest) = after_any(text, words) {
        text = rest;
    }
    text
}

/// What follows balanced brackets at the start; the text itself without them.
fn past_brackets(text: &str, open: char, close: char) -> Option<&str> {
    if !text.starts_with(open) {
        return Some(text);
    }
    let mut depth = 0_usize;
    for (at, sign) in text.char_indices() {
        depth = if sign == open {
            depth + 1
        } else if sign == close {
            depth - 1
        } else {
            depth
        };
        if depth == 0 {
            return Some(&text[at + sign.len_utf8()..]);
        }
    }
    None
}

fn go(line: &str) -> Option<Definition> {
    if let Some(rest) = after(line, "type") {
        let (name, rest) = name(rest);
        let rest = past_brackets(rest, '[', ']')?.trim_start();
        return if rest.starts_with("struct") || rest.starts_with("interface") { a_type(name) } else { None };
    }
    let rest = after(line, "func")?;
    let behind = past_brackets(rest, '(', ')')?;
    let receiver = rest[..rest.len() - behind.len()].trim_matches(['(', ')']);
    let (name, rest) = name(behind.trim_start());
    if name.is_empty() || !rest.starts_with(['(', '[']) {
        return None;
    }
    let bound = receiver.split_whitespace().last().unwrap_or_default().trim_start_matches('*');
    let bound = bound.split('[').next().filter(|bound| !bound.is_empty());
    Some(Definition { names: bound.into_iter().chain([name]).map(str::to_owned).collect(), is_type: false })
}

fn python(line: &str) -> Option<Definition> {
    if let Some(rest) = after(line, "class") {
        return a_type(name(rest).0);
    }
    function(name(after(past(line, &["async"]), "def")?).0)
}

/// Words before a parenthesis that call or control, and name nothing.
const CONTROL: [&str; 35] = [
    "if",
    "for",
    "while",
    "switch",
    "catch",
    "return",
    "new",
    "else",
    "throw",
    "case",
    "await",
    "yield",
    "do",
    "try",
    "using",
    "lock",
    "assert",
    "goto",
    "in",
    "is",
    "as",
    "var",
    "foreach",
    "super",
    "this",
    "synchronized",
    "with",
    "function",
    "typeof",
    "delete",
    "when",
    "fixed",
    "default",
    "delegate",
    "instanceof",
];

/// Whether a value is written as a function.
fn is_function(value: &str) -> bool {
    let value = past(value.trim_start(), &["async"]);
    let (first, rest) = name(value);
    first == "function"
        || value.starts_with('(') && (value.contains("=>") || value.ends_with('('))
        || !first.is_empty() && rest.trim_start().starts_with("=>")
}

fn javascript(line: &str) -> Option<Definition> {
    let line = past(line, &["export", "default", "declare", "abstract"]);
    if let Some(rest) = after_any(line, &["class", "interface", "namespace", "enum"]) {
        return a_type(name(rest).0);
    }
    if let Some(rest) = after_any(past(line, &["async"]), &["function", "function*"]) {
        return function(name(rest.trim_start_matches(['*', ' '])).0);
    }
    if let Some(rest) = after_any(line, &["const", "let", "var"]) {
        let (name, rest) = name(rest);
        // A type may stand before the value, and hold arrows itself.
        let value = rest.trim_start().strip_prefix('=').or_else(|| rest.split_once(" = ").map(|(_, value)| value))?;
        return is_function(value).then(|| function(name))?;
    }
    let words = ["public", "private", "protected", "static", "readonly", "override", "async", "get", "set"];
    let (name, rest) = name(past(line, &words).trim_start_matches(['*', '#', ' ']));
    if name.is_empty() || CONTROL.contains(&name) {
        return None;
    }
    let rest = past_brackets(rest, '<', '>')?;
    if rest.starts_with('(') {
        let behind = past_brackets(rest, '(', ')')?.trim_start();
        let is_body = behind.starts_with('{') || behind.starts_with(':') && behind.ends_with('{');
        return is_body.then(|| function(name))?;
    }
    let value = rest.trim_start().strip_prefix([':', '='])?;
    is_function(value).then(|| function(name))?
}

/// Words that may stand before a definition in Java or C#, but not before a call.
const OPEN: [&str; 19] = [
    "public",
    "private",
    "protected",
    "internal",
    "static",
    "final",
    "abstract",
    "sealed",
    "partial",
    "readonly",
    "override",
    "virtual",
    "async",
    "unsafe",
    "extern",
    "native",
    "default",
    "strictfp",
    "non-sealed",
];

fn java(line: &str) -> Option<Definition> {
    let mut line = line;
    while let Some(rest) = line.strip_prefix('@') {
        let (mark, rest) = rest.split_once(char::is_whitespace)?;
        if mark == "interface" || mark.contains('(') {
            return None;
        }
        line = rest.trim_start();
    }
    let kinds = ["class", "interface", "enum", "record", "struct"];
    if let Some(rest) = after_any(past(line, &OPEN), &kinds) {
        return a_type(name(past(rest, &["class", "struct"])).0);
    }
    let (head, rest) = line.split_at(line.find('(')?);
    let head = if head.ends_with('>') { &head[..generics(head)?] } else { head };
    let start = head.rfind(|sign| !is_of_name(sign)).map_or(0, |at| at + head[at..].chars().next().map_or(1, char::len_utf8));
    let (before, name) = head.split_at(start);
    let is_typed = before.chars().all(|sign| is_of_name(sign) || " \t<>,[]?.&-".contains(sign));
    let mut words = before.split(|sign| !is_of_name(sign)).filter(|word| *word != "default").chain([name]);
    if !is_typed || before.ends_with('.') || before.contains("->") || words.any(|word| CONTROL.contains(&word)) {
        return None;
    }
    if before.trim().is_empty() {
        // A constructor without a word before it; a call does not end like this.
        let behind = past_brackets(rest, '(', ')')?.trim_start();
        return behind.ends_with('{').then(|| function(name))?;
    }
    function(name)
}

/// Where the generic parameters begin that end a text.
fn generics(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, sign) in text.char_indices().rev() {
        depth = if sign == '>' {
            depth + 1
        } else if sign == '<' {
            depth - 1
        } else {
            depth
        };
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

fn kotlin(line: &str) -> Option<Definition> {
    let words = [
        "public",
        "private",
        "protected",
        "internal",
        "open",
        "abstract",
        "final",
        "override",
        "suspend",
        "inline",
        "operator",
        "infix",
        "tailrec",
        "external",
        "data",
        "sealed",
        "enum",
        "annotation",
        "value",
        "inner",
        "companion",
        "actual",
        "expect",
    ];
    let line = past(line, &words);
    let fun = after(line, "fun");
    if let Some(rest) = after_any(fun.unwrap_or(line), &["class", "interface", "object"]) {
        return a_type(name(rest).0);
    }
    let head = past_brackets(fun?, '<', '>')?.trim_start().split('(').next()?;
    let head = if head.ends_with('>') { &head[..generics(head)?] } else { head };
    function(head.rsplit('.').next().filter(|name| name.chars().all(is_of_name))?)
}

fn rust(line: &str) -> Option<Definition> {
    let line = line.strip_prefix("pub(").and_then(|rest| rest.split_once(')')).map_or(line, |(_, rest)| rest.trim_start());
    let line = past(line, &["pub", "default", "const", "async", "unsafe", "extern", "\"C\""]);
    if let Some(rest) = after(line, "fn") {
        return function(name(rest).0);
    }
    if let Some(rest) = after_any(line, &["struct", "enum", "union", "trait", "mod"]) {
        return a_type(name(rest).0);
    }
    let rest = line.strip_prefix("impl").filter(|rest| rest.starts_with([' ', '<']))?;
    let rest = past_brackets(rest, '<', '>')?.trim();
    let of = rest.rsplit_once(" for ").map_or(rest, |(_, of)| of).trim_start_matches(['&', '(']);
    let path = of.split(['<', ' ', '{']).next()?;
    a_type(name(path.rsplit("::").next()?).0)
}

fn ruby(line: &str) -> Option<Definition> {
    if let Some(rest) = after_any(line, &["class", "module"]) {
        let path = rest.split(|sign: char| !is_of_name(sign) && sign != ':').next()?;
        return a_type(path.rsplit("::").next()?);
    }
    let rest = after(past(line, &["private", "protected", "public", "private_class_method"]), "def")?;
    let whole = rest.split(|sign: char| !is_of_name(sign) && !".?!".contains(sign)).next()?;
    function(whole.rsplit('.').next()?)
}

fn protobuf(line: &str) -> Option<Definition> {
    if let Some(rest) = after_any(line, &["service", "message", "enum"]) {
        return a_type(name(rest).0);
    }
    function(name(after(line, "rpc")?).0)
}
