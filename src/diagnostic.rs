//! Messages about input, with the place they speak of.
//!
//! A [`Diagnostic`] says what is wrong, where, what was expected and what to write instead. This room knows no file format and
//! prints nothing; `cli` draws the snippets. What must hold: spans are byte ranges inside the text of their source.

use std::fmt;
use std::sync::OnceLock;

/// A text that was read, by its position in [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SourceId(pub u32);

/// A byte range of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The text.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// One text that was read.
#[derive(Debug, Clone)]
pub struct Source {
    /// How it is called in messages: a path, `--fault` or standard input.
    pub name: String,
    /// The whole text.
    pub text: String,
    /// The number of the first line, where the text is a part of something longer.
    first_line: usize,
    /// Where lines start, found when the first place is asked for: a large file has many findings.
    lines: OnceLock<Vec<u32>>,
}

/// All texts that were read in one run.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<Source>,
}

impl Sources {
    /// Keeps a text and gives its id.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        self.add_from_line(1, name, text)
    }

    /// Keeps what is known of a text from a line on, from 1; nothing may be known but its name.
    pub fn add_from_line(&mut self, first_line: usize, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        self.files.push(Source { name: name.into(), text: text.into(), first_line: first_line.max(1), lines: OnceLock::new() });
        SourceId(self.files.len() as u32 - 1)
    }

    /// The text behind an id.
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        self.files.get(id.0 as usize)
    }

    /// All texts, in the order they were read.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.files.iter()
    }

    /// Line and column of the start of a span, both from 1; columns count characters.
    pub fn line_column(&self, span: Span) -> Option<(usize, usize)> {
        let source = self.get(span.source)?;
        let text = &source.text;
        let lines = source
            .lines
            .get_or_init(|| std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at as u32 + 1)).collect());
        let mut start = (span.start as usize).min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let line = lines.partition_point(|first| *first as usize <= start).max(1);
        Some((line + source.first_line - 1, text[lines[line - 1] as usize..start].chars().count() + 1))
    }
}

/// A value with the place it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// How bad a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth knowing.
    Note,
    /// Probably not what was meant.
    Warning,
    /// The input cannot be used.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A marked place with a word about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is said beside it; may be empty.
    pub text: String,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad.
    pub level: Level,
    /// A stable name of the rule, such as `unknown-key`.
    pub code: &'static str,
    /// One sentence without a final stop.
    pub message: String,
    /// Places, the first is the main one. Empty only where there is no text, as for a missing file.
    pub labels: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self { level: Level::Error, code, message: message.into(), labels: Vec::new(), help: None }
    }

    /// A warning without a place yet.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { level: Level::Warning, ..Self::error(code, message) }
    }

    /// A note without a place yet.
    pub fn note(code: &'static str, message: impl Into<String>) -> Self {
        Self { level: Level::Note, ..Self::error(code, message) }
    }

    /// Adds a place.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds advice.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Adds "did you mean" where a known name is near.
    #[must_use]
    pub fn suggest<'a>(self, wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(wrong, known) {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }
}

/// The known name nearest to a wrong one, or `None` when nothing is near: at most a third of the letters may differ, and never
/// all of them.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = wrong.chars().count();
    let limit = (letters / 3).max(1).min(letters.saturating_sub(1));
    let lower = wrong.to_lowercase();
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_characters() {
        let mut sources = Sources::default();
        let source = sources.add("a.yaml", "é: 1\nzwei: ü x\n");
        let x = sources.get(source).and_then(|s| s.text.find('x')).expect("x") as u32;
        assert_eq!(sources.line_column(Span { source, start: x, end: x + 1 }), Some((2, 9)));
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("paymant", ["payment", "pricing"]), Some("payment"));
        assert_eq!(nearest("c", ["a", "b"]), None);
        assert_eq!(nearest("frobnicate", ["payment", "pricing"]), None);
    }
}
