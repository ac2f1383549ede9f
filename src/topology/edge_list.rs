//! Edge lists: one arc a line, `provider consumer probability`, for graphs that are too large for a document.
//!
//! The text is read once, line by line, straight into columns; nothing of it is kept. A line is cut at tabs where it has one, else
//! at commas, else at blanks. `#` begins a comment at the start of a line or behind the third value. The first line may be a header
//! whose third column is called `probability`. What must hold: no arc stands twice, none leads back to its own service.
//! O(arcs log arcs) for the search for duplicates, which sorts 8 bytes an arc and frees them again.

use super::load::{Files, Loaded, joined_digest, unreadable};
use super::places::Places;
use crate::diagnostic::Diagnostic;
use crate::model::System;
use crate::model::names::Names;
use sha2::{Digest, Sha256};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Errors that are collected before reading stops.
const MOST_ERRORS: usize = 20;
/// A longer line is no arc.
const LONGEST_LINE: usize = 64 << 10;
/// One bit of an arc's number is taken by the kernels.
const MOST_ARCS: usize = (1 << 31) - 1;

/// Reads a file through [`Files::open`], with the digest of its content.
pub(super) fn load(path: &str, files: &dyn Files) -> Result<Loaded, Vec<Diagnostic>> {
    let inner = files.open(path).map_err(|error| vec![unreadable(path, &error)])?;
    let mut reader = BufReader::with_capacity(1 << 20, Hashed { inner, hasher: Sha256::new() });
    let system = read(path, &mut reader)?;
    let digest = reader.into_inner().hasher.finalize().into();
    Ok(Loaded {
        system,
        locate: Places::default(),
        warnings: Vec::new(),
        sha256: joined_digest(vec![digest]),
        files: vec![path.to_owned()],
    })
}

/// Passes bytes on and digests them.
struct Hashed<R> {
    inner: R,
    hasher: Sha256,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..length]);
        Ok(length)
    }
}

/// Reads an edge list. `path` names it in messages; its stem names the system.
///
/// # Errors
/// The first 20 problems, each with line and column.
pub fn read(path: &str, mut reader: impl BufRead) -> Result<System, Vec<Diagnostic>> {
    let mut list = EdgeList::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(LONGEST_LINE as u64).read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                list.problems.push(unreadable(path, &error));
                break;
            }
        }
        list.line += 1;
        if let Err(fault) = list.add(&line) {
            let stop = line.len() == LONGEST_LINE;
            list.problems.push(fault.at(path, list.line, &line));
            list.skip();
            if stop || list.problems.len() >= MOST_ERRORS {
                break;
            }
        }
    }
    list.finish(path)
}

/// What was read so far.
#[derive(Default)]
struct EdgeList {
    names: Names,
    name_bytes: usize,
    consumer: Vec<u32>,
    provider: Vec<u32>,
    probability: Vec<f64>,
    /// Lines read.
    line: u64,
    /// From which arc on how many lines were no arcs: line numbers without a column of them.
    skipped: Vec<(usize, u64)>,
    header_seen: bool,
    problems: Vec<Diagnostic>,
}

/// What is wrong with a line, and at which byte of it.
struct Fault {
    code: &'static str,
    message: String,
    byte: usize,
}

impl Fault {
    fn new(code: &'static str, byte: usize, message: impl Into<String>) -> Self {
        Self { code, byte, message: message.into() }
    }

    /// There is no text to point into, so the place is part of the message.
    fn at(self, path: &str, number: u64, line: &[u8]) -> Diagnostic {
        let column = String::from_utf8_lossy(&line[..self.byte.min(line.len())]).chars().count() + 1;
        let mut shown: String = String::from_utf8_lossy(line).trim_end().chars().take(80).collect();
        shown.retain(|c| c == '\t' || !c.is_control());
        Diagnostic::error(self.code, format!("{path}:{number}:{column}: {}", self.message)).help(format!("the line is `{shown}`"))
    }
}

impl EdgeList {
    fn add(&mut self, line: &[u8]) -> Result<(), Fault> {
        if line.len() == LONGEST_LINE {
            return Err(Fault::new("too-large", 0, format!("the line is longer than {LONGEST_LINE} bytes")));
        }
        // A byte order mark is no part of a name.
        let mark = if self.line == 1 && line.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let Some(cut) = cut(line, mark)? else {
            self.skip();
            return Ok(());
        };
        let [provider, consumer, number] = cut.map(|(start, end)| &line[start..end]);
        if !std::mem::replace(&mut self.header_seen, true) && is_header(number) {
            self.skip();
            return Ok(());
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
        if self.consumer.len() >= MOST_ARCS {
            return Err(Fault::new("too-large", 0, format!("more than {MOST_ARCS} arcs")));
        }
        let provider = self.name(provider, cut[0].0, self.provider.last().copied())?;
        let consumer = self.name(consumer, cut[1].0, self.consumer.last().copied())?;
        self.provider.push(provider);
        self.consumer.push(consumer);
        self.probability.push(probability);
        Ok(())
    }

    fn skip(&mut self) {
        // Lines that follow each other share an entry.
        let (at, count) = (self.consumer.len(), self.line - self.consumer.len() as u64);
        match self.skipped.last_mut() {
            Some(last) if last.0 == at => last.1 = count,
            _ => self.skipped.push((at, count)),
        }
    }

    /// The id of a name. `before` is the one above it: lists are often sorted, and a comparison is cheaper than a search.
    fn name(&mut self, bytes: &[u8], byte: usize, before: Option<u32>) -> Result<u32, Fault> {
        if let Some(before) = before
            && self.names.get(before).as_bytes() == bytes
        {
            return Ok(before);
        }
        let Ok(name) = std::str::from_utf8(bytes) else {
            return Err(Fault::new("not-utf8", byte, "the name is not UTF-8"));
        };
        // Names are kept in one text with offsets of 32 bits.
        if self.name_bytes + bytes.len() > u32::MAX as usize {
            return Err(Fault::new("too-large", byte, "all names together have more than 4 GB"));
        }
        let (id, new) = self.names.insert(name);
        if new {
            self.name_bytes += bytes.len();
            if name.chars().any(char::is_control) {
                return Err(Fault::new("bad-name", byte, format!("`{}` is not a name", name.escape_debug())));
            }
        }
        Ok(id)
    }

    /// The line of an arc.
    fn line_of(&self, arc: usize) -> u64 {
        let entry = self.skipped.partition_point(|(from, _)| *from <= arc);
        arc as u64 + 1 + entry.checked_sub(1).map_or(0, |entry| self.skipped[entry].1)
    }

    fn finish(mut self, path: &str) -> Result<System, Vec<Diagnostic>> {
        if self.problems.len() < MOST_ERRORS {
            self.duplicates(path);
        }
        if self.problems.is_empty() && self.consumer.is_empty() {
            let error = Diagnostic::error("empty", format!("{path}:{}:1: the edge list has no arcs", self.line.max(1)));
            self.problems.push(error.help("expected lines of `provider consumer probability`"));
        }
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let name = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or(path).to_owned();
        Ok(System::from_edges(name, self.names, self.consumer, self.provider, self.probability))
    }

    /// Finds arcs that stand twice.
    fn duplicates(&mut self, path: &str) {
        let key = |(consumer, provider): (&u32, &u32)| u64::from(*consumer) << 32 | u64::from(*provider);
        let mut keys: Vec<u64> = self.consumer.iter().zip(&self.provider).map(key).collect();
        keys.sort_unstable();
        let mut twice: Vec<u64> = keys.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        drop(keys);
        if twice.is_empty() {
            return;
        }
        twice.dedup();
        twice.truncate(MOST_ERRORS);
        let mut first = vec![None; twice.len()];
        for (arc, pair) in self.consumer.iter().zip(&self.provider).enumerate() {
            let Ok(at) = twice.binary_search(&key(pair)) else { continue };
            let Some(earlier) = first[at] else {
                first[at] = Some(arc);
                continue;
            };
            if self.problems.len() >= MOST_ERRORS {
                break;
            }
            let (provider, consumer) = (self.names.get(*pair.1), self.names.get(*pair.0));
            let (line, other) = (self.line_of(arc), self.line_of(earlier));
            let message = format!("{path}:{line}:1: the arc `{provider}` to `{consumer}` stands in line {other} too");
            self.problems.push(Diagnostic::error("duplicate-dependency", message).help("remove one of the lines"));
        }
    }
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
fn decimal(text: &[u8]) -> Option<f64> {
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
#[path = "edge_list_tests.rs"]
mod tests;
