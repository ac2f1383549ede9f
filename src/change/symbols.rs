//! In which function or type a changed line lies.
//!
//! Lines of a diff go in, in order; out comes for every changed line the chain of names around it, such as `Checkout`,
//! `placeOrder`. Deleted lines are judged by the old text, added ones by the new. It is no parser: a definition is known by its
//! first line, and its end by indentation and, in languages with braces, by counting them; whichever comes first counts.
//!
//! What must hold: a line that may lie outside gets no names. So a line that is not indented further than the definition ends it,
//! definitions inside a function are part of it and one with indentation counts only where all around it was seen, languages that are not known have no names, and a diff that shows no definition
//! before a line says nothing. The heading behind `@@` is the last line before the hunk that looks like a definition to git, ended
//! or not. Only in Go it tells enough: whatever begins at the left margin there begins with a letter or closes what is open, so
//! that a line with indentation is inside. Elsewhere decorators and attributes of the next definition, or fields behind a method
//! that git was told to see, may stand in between. Only text over several lines that looks like code is taken for code where a diff
//! shows neither its begin nor its end; the whole file shows both.

use super::definitions::{Definition, Language, definition, language};
use super::files::ChangedPart;
use std::collections::HashMap;

/// One definition that is open.
#[derive(Debug, Clone)]
struct Scope {
    definition: Definition,
    indentation: usize,
    /// Open braces since its first line; `None` where that was not seen.
    depth: Option<i64>,
    has_opened: bool,
    /// Whether its first line or one inside of it was seen; of a heading it is not known how far above it stands.
    is_seen: bool,
}

/// The old or the new text, as far as it was read.
#[derive(Debug, Clone, Default)]
struct Side {
    scopes: Vec<Scope>,
    /// Whether all definitions around are in `scopes`: a line with indentation may lie in some that were not seen.
    is_known: bool,
    /// Inside text over several lines, where nothing is a definition.
    is_text: bool,
    /// Whether such text began or ended in this hunk.
    has_mark: bool,
}

/// Follows both texts of one file through its hunks.
#[derive(Debug, Clone, Default)]
pub(super) struct Tracker {
    language: Option<Language>,
    old: Side,
    new: Side,
    /// The names of the changed lines of this hunk.
    pending: Vec<Vec<String>>,
    /// Whether the hunk begins where the file does.
    is_from_top: bool,
    parts: Vec<ChangedPart>,
    /// Where each chain of names stands in `parts`: a diff may touch thousands of functions.
    known: HashMap<Vec<String>, usize>,
}

impl Tracker {
    /// For the file of a name.
    pub(super) fn new(path: &str) -> Self {
        Self { language: language(path), ..Self::default() }
    }

    /// Begins a hunk; the heading is what stands behind `@@`.
    pub(super) fn hunk(&mut self, heading: &str, is_from_top: bool) {
        self.end_hunk();
        self.is_from_top = is_from_top;
        let mut side = Side { is_known: is_from_top, ..Side::default() };
        if self.language == Some(Language::Go)
            && let Some(definition) = definition(Language::Go, heading).filter(|known| !known.is_type)
        {
            // One that ends on its first line has ended.
            if !heading.contains('{') || heading.matches('{').count() > heading.matches('}').count() {
                side.scopes.push(Scope { definition, indentation: 0, depth: None, has_opened: true, is_seen: false });
            }
        }
        (self.old, self.new) = (side.clone(), side);
    }

    /// Takes a line of the hunk with its sign: a space, `-` or `+`.
    pub(super) fn line(&mut self, sign: u8, text: &str) {
        let Some(language) = self.language else { return self.count(sign, Vec::new()) };
        let of_old = if sign == b'+' { Vec::new() } else { self.old.line(language, text) };
        let of_new = if sign == b'-' { Vec::new() } else { self.new.line(language, text) };
        self.count(sign, if sign == b'-' { of_old } else { of_new });
    }

    fn count(&mut self, sign: u8, names: Vec<String>) {
        if matches!(sign, b'-' | b'+') {
            self.pending.push(names);
        }
    }

    /// Counts the lines of a hunk. Where a mark of text over several lines stands alone and the lines above the hunk are not known,
    /// nobody knows whether text begins or ends there, and what looked like a definition may be text.
    fn end_hunk(&mut self) {
        let is_doubtful = !self.is_from_top && (self.old.has_mark || self.new.has_mark);
        for names in std::mem::take(&mut self.pending) {
            let names = if is_doubtful { Vec::new() } else { names };
            match self.known.get(&names) {
                Some(&at) => self.parts[at].lines += 1,
                None => {
                    self.known.insert(names.clone(), self.parts.len());
                    self.parts.push(ChangedPart { names, lines: 1 });
                }
            }
        }
    }

    /// The changed lines by their names, in the order of the diff.
    pub(super) fn finish(mut self) -> Vec<ChangedPart> {
        self.end_hunk();
        self.parts
    }
}

impl Side {
    fn names(&self) -> Vec<String> {
        self.scopes.iter().flat_map(|scope| scope.definition.names.iter().cloned()).collect()
    }

    /// Moves on by one line, and says what it lies in.
    fn line(&mut self, language: Language, text: &str) -> Vec<String> {
        let line = text.trim();
        if line.is_empty() {
            return if self.scopes.iter().all(|scope| scope.is_seen) { self.names() } else { Vec::new() };
        }
        let indentation = indentation(text);
        let goes_on = continues(language, line);
        while self.scopes.last().is_some_and(|top| top.indentation > indentation || top.indentation == indentation && !goes_on) {
            self.scopes.pop();
        }
        self.is_known |= indentation == 0 && !goes_on || language == Language::Protobuf;
        let may_define = self.is_known && !self.is_text && self.scopes.last().is_none_or(|top| top.definition.is_type);
        if let Some(definition) = definition(language, line).filter(|_| may_define) {
            self.scopes.push(Scope { definition, indentation, depth: Some(0), has_opened: false, is_seen: true });
        }
        self.scopes.iter_mut().for_each(|scope| scope.is_seen = true);
        let names = if ends_early(language, line) { Vec::new() } else { self.names() };
        self.end(language, line, indentation);
        if language == Language::Ruby && is_endless(line) {
            self.scopes.pop();
        }
        if language.text_marks().iter().map(|mark| line.matches(mark).count()).sum::<usize>() % 2 == 1 {
            (self.is_text, self.has_mark) = (!self.is_text, true);
        }
        names
    }

    /// Closes what ends with this line.
    fn end(&mut self, language: Language, line: &str, indentation: usize) {
        if language.has_braces() {
            let (opened, closed) = braces(line);
            for scope in &mut self.scopes {
                scope.has_opened |= opened > 0;
                scope.depth = scope.depth.map(|depth| depth + opened - closed);
            }
        }
        let is_last = if language.has_braces() { line.starts_with('}') && !line.ends_with('{') } else { is_end(line) };
        // Only the innermost can end here without those around it, and what is around has its own line.
        while self.scopes.last().is_some_and(|top| {
            let by_count = top.depth.is_some_and(|depth| language.has_braces() && top.has_opened && depth <= 0);
            let has_no_body = !top.has_opened && language.has_braces() && line.ends_with(';');
            by_count || has_no_body || is_last && top.indentation == indentation
        }) {
            self.scopes.pop();
        }
    }
}

/// Braces that open and close on a line, those in text between double quotes and in characters aside.
fn braces(line: &str) -> (i64, i64) {
    let (mut opened, mut closed, mut is_text) = (0, 0, false);
    let line = line.replace("'{'", "").replace("'}'", "").replace("'\"'", "").replace("\\\"", "");
    for sign in line.chars() {
        match sign {
            '"' => is_text = !is_text,
            '{' if !is_text => opened += 1,
            '}' if !is_text => closed += 1,
            _ => {}
        }
    }
    (opened, closed)
}

/// `def total(items) = items.sum`: a method of Ruby that is its first line.
fn is_endless(line: &str) -> bool {
    let Some(rest) = line.strip_prefix("def ") else { return false };
    let name = rest.find([' ', '(']).unwrap_or(rest.len());
    let mut rest = &rest[name..];
    if rest.starts_with('(') {
        let mut depth = 0;
        let end = rest.find(|sign: char| {
            depth += i32::from(sign == '(') - i32::from(sign == ')');
            depth == 0
        });
        rest = end.map_or("", |end| &rest[end + 1..]);
    }
    rest.trim_start().starts_with("= ")
}

/// Does code follow a brace that closes more than the line opened? It may lie behind the end of the definition.
fn ends_early(language: Language, line: &str) -> bool {
    let Some((_, rest)) = line.rsplit_once('}').filter(|_| language.has_braces() && !line.starts_with('}')) else {
        return language.has_braces() && line.starts_with('}') && {
            let rest = line.trim_start_matches(['}', ')', ']', ';', ',', ' ']);
            rest.contains(';') && !rest.starts_with("//") && braces(line).0 == 0
        };
    };
    let (opened, closed) = braces(line);
    let rest = rest.trim_start_matches([')', ']', ';', ',', ' ']);
    closed > opened && !rest.is_empty() && !rest.starts_with("//") && !rest.starts_with("/*")
}

/// Columns before the first visible sign; a tab goes on to the next multiple of eight.
fn indentation(text: &str) -> usize {
    let blanks = text.chars().take_while(|sign| matches!(sign, ' ' | '\t'));
    blanks.fold(0, |column, sign| if sign == '\t' { (column / 8 + 1) * 8 } else { column + 1 })
}

/// Whether a line that is indented like the first one of a definition still belongs to it.
fn continues(language: Language, line: &str) -> bool {
    let closes = line.starts_with([')', ']', '}']);
    match language {
        Language::Python => closes,
        Language::Ruby => closes || is_end(line) || ["rescue", "ensure", "else"].iter().any(|word| is_word(line, word)),
        _ => closes || line.starts_with('{') || is_word(line, "where"),
    }
}

fn is_end(line: &str) -> bool {
    is_word(line, "end")
}

/// Whether a line begins with a word.
fn is_word(line: &str, word: &str) -> bool {
    line.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|sign: char| sign.is_alphanumeric() || sign == '_'))
}

#[cfg(test)]
#[path = "symbols_tests.rs"]
mod tests;
