//! Lines of an edge list, cut into columns: a part of a block, without regard to the parts around it.
//!
//! Most lines are plain: two names and a number with one separator between them and nothing else. These are read in one pass over
//! their bytes; [`cut`] reads every line and decides where the two could differ.

use crate::model::intern::Mentions;
use std::ops::Range;

/// Errors that are collected before reading stops.
pub(super) const MOST_ERRORS: usize = 20;
/// A longer line is no arc.
pub(super) const LONGEST_LINE: usize = 64 << 10;

/// What is wrong with a line, and at which byte of it.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) byte: usize,
}

impl Fault {
    fn new(code: &'static str, byte: usize, message: impl Into<String>) -> Self {
        Self { code, byte, message: message.into() }
    }
}

/// Whole lines of a block.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// The names.
    pub(super) mentions: Mentions,
    /// Provider and consumer of each arc, as positions among the names.
    pub(super) arcs: Vec<(u32, u32)>,
    /// Probability of each arc.
    pub(super) probability: Vec<f64>,
    /// Lines read.
    pub(super) lines: u64,
    /// From which arc on how many lines were no arcs: line numbers without a column of them.
    pub(super) skipped: Vec<(usize, u64)>,
    /// Faulty lines by their number in the part, from 1, with their bytes.
    pub(super) faults: Vec<(u64, Fault, Range<usize>)>,
    /// Reading ends here.
    pub(super) is_last: bool,
}

/// Where the lines of a list begin: what only its first lines can have.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// A line with values was seen, so that the next one is no header.
    pub(super) is_over: bool,
    /// A line was seen.
    is_started: bool,
}

impl Part {
    /// Reads the lines of a range of a block.
    pub(super) fn read(block: &[u8], range: Range<usize>) -> Self {
        let mut part = Self::default();
        let mut at = range.start;
        while at < range.end && !part.is_last {
            if let Some(line) = plain(&block[..range.end], at) {
                part.lines += 1;
                part.arc(block, line.provider, line.consumer, line.probability);
                at = line.end;
            } else {
                at = part.line(block, at..range.end, None);
            }
        }
        part.mentions.close();
        part
    }

    /// Reads lines until the head is over. Returns where the others begin.
    pub(super) fn head(block: &[u8], head: &mut Head) -> (Self, usize) {
        let (mut part, mut at) = (Self::default(), 0);
        while at < block.len() && !part.is_last && !head.is_over {
            at = part.line(block, at..block.len(), Some(head));
        }
        part.mentions.close();
        (part, at)
    }

    /// Reads the first line of a range. Returns where the next one begins.
    fn line(&mut self, block: &[u8], range: Range<usize>, head: Option<&mut Head>) -> usize {
        let rest = &block[range.clone()];
        let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        let (start, end) = (range.start, range.start + length);
        self.lines += 1;
        match self.add(block, start..end, head) {
            Ok(true) => {}
            Ok(false) => self.skip(),
            Err(fault) => {
                self.faults.push((self.lines, fault, start..end));
                self.skip();
                self.is_last |= self.faults.len() >= MOST_ERRORS || length >= LONGEST_LINE;
            }
        }
        end
    }

    /// Adds the arc of a line. `false` where it has none.
    fn add(&mut self, block: &[u8], range: Range<usize>, mut head: Option<&mut Head>) -> Result<bool, Fault> {
        let line = &block[range.clone()];
        if line.len() >= LONGEST_LINE {
            return Err(Fault::new("too-large", 0, format!("the line is longer than {LONGEST_LINE} bytes")));
        }
        // A byte order mark is no part of a name.
        let is_first = head.as_deref_mut().is_some_and(|head| !std::mem::replace(&mut head.is_started, true));
        let mark = if is_first && line.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let Some(cut) = cut(line, mark)? else { return Ok(false) };
        let may_be_header = head.map(|head| head.is_over = true).is_some();
        let [provider, consumer, number] = cut.map(|(start, end)| &line[start..end]);
        if may_be_header && is_header(number) {
            return Ok(false);
        }
        let probability = match decimal(number) {
            Some(value) if (0.0..=1.0).contains(&value) => value,
            Some(_) => {
                let message = format!("the probability {} is not within 0 to 1", String::from_utf8_lossy(number));
                return Err(Fault::new("out-of-range", cut[2].0, message));
            }
            None => {
                let message = format!("expected a probability from 0 to 1, found `{}`", String::from_utf8_lossy(number));
                return Err(Fault::new("wrong-type", cut[2].0, message));
            }
        };
        if provider == consumer {
            let message = format!("`{}` depends on itself", String::from_utf8_lossy(provider));
            return Err(Fault::new("self-dependency", cut[1].0, message));
        }
        check_name(provider, cut[0].0)?;
        check_name(consumer, cut[1].0)?;
        let [provider, consumer, _] = cut.map(|(start, end)| (range.start + start, range.start + end));
        self.arc(block, provider, consumer, probability);
        Ok(true)
    }

    fn arc(&mut self, block: &[u8], provider: (usize, usize), consumer: (usize, usize), probability: f64) {
        // Lists are often sorted: the name above is looked up already.
        let above = self.arcs.last().copied();
        let provider = self.mentions.push(block, provider, above.map(|(provider, _)| provider));
        let consumer = self.mentions.push(block, consumer, above.map(|(_, consumer)| consumer));
        self.arcs.push((provider, consumer));
        self.probability.push(probability);
    }

    fn skip(&mut self) {
        skip(&mut self.skipped, self.arcs.len(), self.lines - self.arcs.len() as u64);
    }
}

/// Notes that so many lines before an arc are no arcs. Lines that follow each other share an entry.
pub(super) fn skip(skipped: &mut Vec<(usize, u64)>, arc: usize, count: u64) {
    match skipped.last_mut() {
        Some(last) if last.0 == arc => last.1 = count,
        _ => skipped.push((arc, count)),
    }
}

/// The line of an arc, from 1.
pub(super) fn line_of(skipped: &[(usize, u64)], arc: usize) -> u64 {
    let entry = skipped.partition_point(|(from, _)| *from <= arc);
    arc as u64 + 1 + entry.checked_sub(1).map_or(0, |entry| skipped[entry].1)
}

fn check_name(name: &[u8], byte: usize) -> Result<(), Fault> {
    let Ok(name) = std::str::from_utf8(name) else {
        return Err(Fault::new("not-utf8", byte, "the name is not UTF-8"));
    };
    if name.chars().any(char::is_control) {
        return Err(Fault::new("bad-name", byte, format!("`{}` is not a name", name.escape_debug())));
    }
    Ok(())
}

/// A plain line, as places in its block.
#[derive(Debug, PartialEq)]
struct Plain {
    provider: (usize, usize),
    consumer: (usize, usize),
    probability: f64,
    end: usize,
}

/// Bytes of plain names: visible ASCII that separates, quotes and comments nothing.
static IN_PLAIN_NAMES: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        plain[byte as usize] = !matches!(byte, b'"' | b'#' | b',');
        byte += 1;
    }
    plain
};

/// The line at a place if it is plain and right: `name name number` with one tab, comma or blank between them, the number of up
/// to 15 digits, and a line feed at the end. What it finds is what [`cut`] and [`decimal`] find.
fn plain(text: &[u8], start: usize) -> Option<Plain> {
    let name_end =
        |start: usize| text[start..].iter().position(|byte| !IN_PLAIN_NAMES[usize::from(*byte)]).map(|length| start + length);
    let provider = (start, name_end(start)?);
    let separator = text[provider.1];
    let consumer = (provider.1 + 1, name_end(provider.1 + 1)?);
    if !matches!(separator, b'\t' | b',' | b' ') || text[consumer.1] != separator {
        return None;
    }
    let (mut digits, mut seen, mut before_point) = (0_u64, 0_usize, None);
    let mut end = consumer.1 + 1;
    loop {
        match *text.get(end)? {
            digit @ b'0'..=b'9' => {
                digits = digits.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
                seen += 1;
            }
            b'.' if before_point.is_none() => before_point = Some(seen),
            b'\n' => break,
            _ => return None,
        }
        end += 1;
    }
    end += 1;
    if !(1..=15).contains(&seen) || end - start >= LONGEST_LINE {
        return None;
    }
    let probability = digits as f64 / POWERS[before_point.map_or(0, |before| seen - before)];
    let is_empty = |name: (usize, usize)| name.0 == name.1;
    let is_same = || text[provider.0..provider.1] == text[consumer.0..consumer.1];
    let is_right = probability <= 1.0 && !is_empty(provider) && !is_empty(consumer) && !is_same();
    is_right.then_some(Plain { provider, consumer, probability, end })
}

/// The three values of a line as byte ranges; `None` for a line without content.
fn cut(line: &[u8], from: usize) -> Result<Option<[(usize, usize); 3]>, Fault> {
    let (mut start, mut end) = trim(line, from, line.len());
    if start == end || line[start] == b'#' {
        return Ok(None);
    }
    // A tab at the end of a line is no separator.
    let separator = [b'\t', b','].into_iter().find(|separator| line[start..end].contains(separator));
    let mut values = [(0, 0); 3];
    for (position, value) in values.iter_mut().enumerate() {
        if start >= end || (position > 0 && line[start] == b'#') {
            let message = format!("expected `provider consumer probability`, found {}", values_found(position));
            return Err(Fault::new("missing-value", start.min(line.len()), message));
        }
        let length = line[start..end].iter().position(|&byte| match separator {
            Some(separator) => byte == separator,
            None => byte == b' ',
        });
        let stop = length.map_or(end, |length| start + length);
        *value = unquote(line, trim(line, start, stop));
        if value.0 == value.1 {
            return Err(Fault::new("missing-value", start, "expected a value, found nothing"));
        }
        (start, end) = match separator {
            Some(_) => ((stop + 1).min(end), end),
            None => trim(line, stop, end),
        };
    }
    // The third value may be followed by a comment, which a tab or comma need not set apart.
    let last = &line[values[2].0..values[2].1];
    if let Some(at) = last.iter().position(|&byte| byte == b'#').filter(|&at| at > 0 && last[at - 1].is_ascii_whitespace()) {
        values[2] = trim(line, values[2].0, values[2].0 + at);
        return Ok(Some(values));
    }
    let (start, end) = trim(line, start, end);
    if start < end && line[start] != b'#' {
        return Err(Fault::new("extra-value", start, "expected the end of the line after three values"));
    }
    Ok(Some(values))
}

fn values_found(count: usize) -> &'static str {
    if count == 1 { "one value" } else { "two values" }
}

fn trim(line: &[u8], mut start: usize, mut end: usize) -> (usize, usize) {
    while start < end && line[start].is_ascii_whitespace() {
        start += 1;
    }
    while start < end && line[end - 1].is_ascii_whitespace() {
        end -= 1;
    }
    (start, end)
}

fn unquote(line: &[u8], (start, end): (usize, usize)) -> (usize, usize) {
    let quoted = end - start >= 2 && line[start] == b'"' && line[end - 1] == b'"';
    if quoted { (start + 1, end - 1) } else { (start, end) }
}

fn is_header(third: &[u8]) -> bool {
    [&b"probability"[..], b"prob", b"p", b"weight"].iter().any(|word| third.eq_ignore_ascii_case(word))
}

/// A decimal number. Up to 15 digits the quotient of two exact numbers is the correctly rounded value; the rest goes to the library.
pub(super) fn decimal(text: &[u8]) -> Option<f64> {
    let (mut digits, mut seen, mut fraction) = (0_u64, 0_usize, None);
    for &byte in text {
        match byte {
            b'0'..=b'9' => {
                digits = digits.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
                seen += 1;
                fraction = fraction.map(|count: usize| count + 1);
            }
            b'.' if fraction.is_none() => fraction = Some(0),
            _ => return slow_decimal(text),
        }
    }
    if seen == 0 || seen > 15 {
        return slow_decimal(text);
    }
    Some(digits as f64 / POWERS[fraction.unwrap_or(0)])
}

fn slow_decimal(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    // `inf` and `nan` are numbers to the library.
    text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-')).then(|| text.parse().ok()).flatten()
}

const POWERS: [f64; 16] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn plain_lines_are_cut_as_all_lines_are(
            a in "[ab#,\"é.-]{0,3}", first in "[\t, ]{1,2}", b in "[ab#,\"é.-]{0,3}", second in "[\t, ]{1,2}",
            number in "[01]?[.]?[0-9]{0,16}|1.0|x|0.5 #", end in "\n|\r\n| \n||,\n|#\n",
        ) {
            let same = if first == second { second } else { first.clone() };
            let line = format!("{a}{first}{b}{same}{number}{end}");
            let text = line.as_bytes();
            if let Some(plain) = plain(text, 0) {
                let values = cut(text, 0).ok().flatten().expect("cut too");
                prop_assert_eq!([plain.provider, plain.consumer], [values[0], values[1]]);
                prop_assert_eq!(Some(plain.probability), decimal(&text[values[2].0..values[2].1]));
                prop_assert!(plain.end == text.len() && (0.0..=1.0).contains(&plain.probability) && a != b);
            }
        }
    }

    #[test]
    fn usual_lines_are_plain() {
        for text in ["a\tb\t0.5\n", "a,b,1\n", "a b .25\n", "store-1\tü\t0.5\n", "a\tb\t0.5\r\n"] {
            let is_ascii = text.is_ascii() && !text.contains('\r');
            assert_eq!(plain(text.as_bytes(), 0).map(|line| line.end), is_ascii.then_some(text.len()), "{text}");
        }
    }
}
