//! Draws diagnostics with the lines they speak of.
//!
//! An own small renderer: a library would scan the whole text for every message, and files have up to 512 MB. Here each text is
//! scanned once for its line ends. Files come from strangers, so control characters never reach the terminal; a line that is too
//! long is cut around the marked part.

use shockfront::diagnostic::{Diagnostic, Label, Level, SourceId, Sources};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Characters of a line that are shown.
const WIDTH: usize = 160;

/// All messages, one after the other, each ending with an empty line.
pub(crate) fn render(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let mut page = Page { sources, lines: BTreeMap::new(), color, out: String::new() };
    for diagnostic in diagnostics {
        page.diagnostic(diagnostic);
    }
    page.out
}

struct Page<'a> {
    sources: &'a Sources,
    /// Where the lines of a text begin, for the texts that were needed.
    lines: BTreeMap<SourceId, Vec<u32>>,
    color: bool,
    out: String,
}

/// One marked line.
struct Place<'a> {
    name: &'a str,
    line: usize,
    column: usize,
    text: &'a str,
    /// The marked bytes of `text`.
    mark: std::ops::Range<usize>,
}

const BLUE: &str = "\x1b[1;34m";
const BOLD: &str = "\x1b[1m";

impl<'a> Page<'a> {
    fn diagnostic(&mut self, diagnostic: &Diagnostic) {
        let hue = match diagnostic.level {
            Level::Error => "\x1b[1;31m",
            Level::Warning => "\x1b[1;33m",
            Level::Note => "\x1b[1;32m",
        };
        let head = self.paint(hue, &format!("{}[{}]", diagnostic.level, diagnostic.code));
        let message = self.paint(BOLD, &format!(": {}", visible(&diagnostic.message)));
        _ = writeln!(self.out, "{head}{message}");
        let places: Vec<(Place<'a>, &Label)> =
            diagnostic.labels.iter().filter_map(|label| Some((self.place(label)?, label))).collect();
        let margin = places.iter().map(|(place, _)| place.line.to_string().len()).max().unwrap_or(0);
        let bar = self.paint(BLUE, "|");
        for (position, (place, label)) in places.iter().enumerate() {
            let arrow = self.paint(BLUE, if position == 0 { "-->" } else { ":::" });
            _ = writeln!(self.out, "{:margin$}{arrow} {}:{}:{}", "", visible(place.name), place.line, place.column);
            let (line, indent, length) = cut(place.text, place.mark.clone());
            let number = self.paint(BLUE, &format!("{:>margin$}", place.line));
            let mark = if position == 0 { "^" } else { "-" }.repeat(length);
            let under = self.paint(if position == 0 { hue } else { BLUE }, format!("{mark} {}", visible(&label.text)).trim_end());
            _ = writeln!(self.out, "{:margin$} {bar}", "");
            _ = writeln!(self.out, "{number} {bar} {line}");
            _ = writeln!(self.out, "{:margin$} {bar} {:indent$}{under}", "", "");
        }
        if let Some(help) = &diagnostic.help {
            let equals = self.paint(BLUE, "=");
            _ = writeln!(self.out, "{:margin$} {equals} {}: {}", "", self.paint(BOLD, "help"), visible(help));
        }
        self.out.push('\n');
    }

    fn place(&mut self, label: &Label) -> Option<Place<'a>> {
        let source = self.sources.get(label.span.source)?;
        let text = source.text.as_str();
        let lines = self.lines.entry(label.span.source).or_insert_with(|| line_starts(text));
        let start = floor(text, label.span.start as usize);
        let line = lines.partition_point(|&begin| begin as usize <= start).saturating_sub(1);
        let begin = lines.get(line).map_or(0, |&begin| begin as usize);
        let end = lines.get(line + 1).map_or(text.len(), |&next| next as usize);
        let content = text[begin..end].trim_end_matches(['\n', '\r']);
        // What goes on in later lines is marked up to the end of the first one.
        let mark_start = (start - begin).min(content.len());
        let mark_end = ceil(text, (label.span.end as usize).max(start)).min(begin + content.len());
        Some(Place {
            name: &source.name,
            line: line + 1,
            column: text[begin..start].trim_start_matches('\u{feff}').chars().count() + 1,
            text: content,
            mark: mark_start..mark_end.saturating_sub(begin).clamp(mark_start, content.len()),
        })
    }

    fn paint(&self, hue: &str, text: &str) -> String {
        if self.color && !text.is_empty() { format!("{hue}{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The last character boundary at or before a byte.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// The next character boundary at or after a byte.
fn ceil(text: &str, at: usize) -> usize {
    (at..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len())
}

fn line_starts(text: &str) -> Vec<u32> {
    // Texts are limited far below 4 GB.
    std::iter::once(0).chain(text.bytes().zip(1_u32..).filter(|(byte, _)| *byte == b'\n').map(|(_, next)| next)).collect()
}

/// The line as it is drawn, with the column and the length of the mark. Only the part near the mark is looked at.
fn cut(line: &str, mark: std::ops::Range<usize>) -> (String, usize, usize) {
    let long = line.char_indices().nth(WIDTH).is_some();
    let (from, to) = if long {
        let from = line[..mark.start].char_indices().rev().nth(WIDTH / 3 - 1).map_or(0, |(at, _)| at);
        (from, line[from..].char_indices().nth(WIDTH).map_or(line.len(), |(at, _)| from + at))
    } else {
        (0, line.len())
    };
    let front = if from > 0 { "…" } else { "" };
    let back = if to < line.len() { "…" } else { "" };
    let before = visible(&line[from..mark.start]);
    let marked = visible(&line[mark.start..mark.end.min(to).max(mark.start)]);
    let shown = format!("{front}{before}{}{back}", visible(&line[mark.start..to.max(mark.start)]));
    (shown, width(front) + width(&before), width(&marked).max(1))
}

/// Text without anything that moves a cursor or changes a terminal.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => out.push_str("    "),
            // Directional marks can show text in another order than it is read.
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => {}
            _ if character.is_control() => out.push('\u{fffd}'),
            _ => out.push(character),
        }
    }
    out
}

/// Columns in a terminal: East Asian letters and emoji take two, combining marks none.
fn width(text: &str) -> usize {
    text.chars()
        .map(|character| match character {
            '\u{300}'..='\u{36f}' | '\u{fe00}'..='\u{fe0f}' => 0,
            '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' => 2,
            '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' => 2,
            '\u{1f300}'..='\u{1faff}' | '\u{20000}'..='\u{3fffd}' => 2,
            _ => 1,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use shockfront::diagnostic::Span;

    fn span(start: usize, end: usize) -> Span {
        Span { source: SourceId(0), start: start as u32, end: end as u32 }
    }

    fn draw(text: &str, diagnostic: Diagnostic) -> String {
        let mut sources = Sources::default();
        sources.add("shop.yaml", text);
        render(&[diagnostic], &sources, false)
    }

    #[test]
    fn a_message_shows_its_line() {
        let text = "services:\r\n  zürich:\r\n\tonwer: é\r\n";
        let start = text.find("onwer").expect("there");
        let error = Diagnostic::error("unknown-key", "unknown key `onwer` in service `zürich`")
            .at(span(start, start + 5), "")
            .at(span(0, 8), "in this table")
            .help("did you mean `owner`?");
        let expected = "\
error[unknown-key]: unknown key `onwer` in service `zürich`
 --> shop.yaml:3:2
  |
3 |     onwer: é
  |     ^^^^^
 ::: shop.yaml:1:1
  |
1 | services:
  | -------- in this table
  = help: did you mean `owner`?

";
        assert_eq!(draw(text, error), expected);
    }

    #[test]
    fn long_lines_are_cut_around_the_mark() {
        let text = format!("{}here{}", "é".repeat(1_000), "x".repeat(100_000));
        let out = draw(&text, Diagnostic::error("x", "y").at(span(2_000, 2_004), ""));
        let lines: Vec<_> = out.lines().collect();
        assert!(lines[3].chars().count() < WIDTH + 10, "{out}");
        let mark = lines[4].chars().position(|c| c == '^').expect("a mark");
        assert_eq!(lines[3].chars().skip(mark).take(4).collect::<String>(), "here");
    }

    #[test]
    fn odd_places_do_not_panic_and_terminals_are_safe() {
        let text = "a\u{1b}[31mé\u{202e}x\r\n\n\r\nlast";
        for start in 0..text.len() + 3 {
            for end in start..text.len() + 3 {
                let out = draw(text, Diagnostic::error("x", "\u{1b}[0m").at(span(start, end), "\u{7}"));
                assert!(!out.contains(['\u{1b}', '\u{7}', '\u{202e}']));
            }
        }
        assert_eq!(draw("", Diagnostic::warning("x", "no place")), "warning[x]: no place\n\n");
        assert!(draw("", Diagnostic::error("x", "empty").at(span(0, 0), "")).contains("shop.yaml:1:1"));
    }

    #[test]
    fn color_is_optional_and_many_messages_are_fast() {
        let mut sources = Sources::default();
        sources.add("big.yaml", "key: value\n".repeat(1_000_000));
        let all: Vec<_> = (0..500).map(|n| Diagnostic::error("x", "y").at(span(10_000_000 + n, 10_000_001 + n), "")).collect();
        let start = std::time::Instant::now();
        let out = render(&all, &sources, true);
        assert!(out.contains("\x1b[1;31merror[x]\x1b[0m"));
        assert!(start.elapsed().as_secs() < 5, "each message scans the whole text");
    }
}
