//! Edge lists: one arc a line, `provider consumer probability`, for graphs that are too large for a document.
//!
//! The text is read in blocks, straight into columns; nothing of it is kept. A line is cut at tabs where it has one, else at commas,
//! else at blanks. `#` begins a comment at the start of a line or behind the third value. The first line may be a header whose third
//! column is called `probability`. What must hold: no arc stands twice, none leads back to its own service; what is read, and every
//! message, is the same for any number of threads and any size of the blocks.
//!
//! While the parts of one block are cut and their names looked up, the next block is read and digested. O(arcs).

use super::edge_part::{Fault, Head, LONGEST_LINE, MOST_ERRORS, Part, line_of, skip};
use super::load::{Files, Loaded, joined_digest, unreadable};
use super::places::Places;
use crate::diagnostic::Diagnostic;
use crate::model::System;
use crate::model::intern::{Interner, Mentions};
use crate::model::names::Names;
use crate::model::repeated::RepeatedBuilder;
use crate::model::rows;
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::path::Path;

/// One bit of an arc's number is taken by the kernels.
const MOST_ARCS: usize = (1 << 31) - 1;
/// So many providers of a consumer are compared one by one, more are sorted.
const FEW: usize = 32;
/// Consumers among which a thread looks for duplicates at a time.
const CONSUMERS_OF_A_THREAD: usize = 1 << 14;

/// How much is read and cut at a time, in bytes.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    block: usize,
    part: usize,
}

/// Few enough that little memory waits, enough that threads have something to share.
const SIZES: Sizes = Sizes { block: 4 << 20, part: 256 << 10 };

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
pub fn read(path: &str, reader: impl BufRead + Send) -> Result<System, Vec<Diagnostic>> {
    read_by(path, reader, SIZES)
}

fn read_by(path: &str, mut reader: impl BufRead + Send, sizes: Sizes) -> Result<System, Vec<Diagnostic>> {
    let mut list = EdgeList::default();
    let (mut block, mut next) = (Block::default(), Block::default());
    block.fill(&[], &mut reader, sizes.block);
    loop {
        let whole = &block.text[..block.whole];
        let rest = &block.text[block.whole..];
        let read_on = || {
            if !block.is_last {
                next.fill(rest, &mut reader, sizes.block);
            }
        };
        rayon::join(|| list.add(path, whole, sizes.part), read_on);
        if block.is_last || list.is_over {
            break;
        }
        std::mem::swap(&mut block, &mut next);
    }
    if let Some(error) = block.error.filter(|_| !list.is_over) {
        list.problems.push(unreadable(path, &error));
    }
    list.finish(path)
}

/// Some text.
#[derive(Debug, Default)]
struct Block {
    text: Vec<u8>,
    /// Length of the lines that end in it, or of all where no end comes.
    whole: usize,
    is_last: bool,
    error: Option<io::Error>,
}

impl Block {
    /// Reads about `size` bytes, until a line ends. `before` is what the block before has left.
    fn fill(&mut self, before: &[u8], reader: &mut impl BufRead, size: usize) {
        self.text.clear();
        self.text.reserve(before.len() + size + 1);
        self.text.extend_from_slice(before);
        loop {
            let read = reader.take(size as u64).read_to_end(&mut self.text);
            let line_end = self.text.iter().rposition(|byte| *byte == b'\n').map(|at| at + 1);
            self.whole = line_end.unwrap_or(0);
            match read {
                Ok(0) => (self.is_last, self.whole) = (true, self.text.len()),
                Ok(_) if line_end.is_some() => {}
                // No arc is as long.
                Ok(_) if self.text.len() >= LONGEST_LINE => self.whole = self.text.len(),
                Ok(_) => continue,
                Err(error) => (self.is_last, self.error) = (true, Some(error)),
            }
            break;
        }
    }
}

/// What was read so far.
#[derive(Default)]
struct EdgeList {
    names: Interner,
    consumer: Vec<u32>,
    provider: Vec<u32>,
    probability: RepeatedBuilder,
    /// Lines read.
    line: u64,
    /// From which arc on how many lines were no arcs.
    skipped: Vec<(usize, u64)>,
    head: Head,
    problems: Vec<Diagnostic>,
    /// Nothing more is read.
    is_over: bool,
}

impl EdgeList {
    /// Adds the lines of a block.
    fn add(&mut self, path: &str, block: &[u8], part_size: usize) {
        let mut parts = Vec::new();
        let mut start = 0;
        if !self.head.is_over {
            let (part, end) = Part::head(block, &mut self.head);
            parts.push(part);
            start = end;
        }
        let ranges = line_ranges(block, start, part_size);
        parts.par_extend(ranges.into_par_iter().map(|range| Part::read(block, range)));
        let mentions: Vec<&Mentions> = parts.iter().map(|part| &part.mentions).collect();
        self.names.look_up(block, &mentions);
        for part in &parts {
            if !self.is_over {
                self.take(path, block, part);
            }
        }
        self.names.settle(&mentions);
    }

    /// Adds a part, whose names were looked up.
    fn take(&mut self, path: &str, block: &[u8], part: &Part) {
        let (arcs_before, lines_before) = (self.consumer.len(), self.line);
        let mut problems: Vec<Diagnostic> =
            part.faults.iter().map(|(line, fault, range)| at(fault, path, lines_before + line, &block[range.clone()])).collect();
        for (arc, ((provider, consumer), probability)) in part.arcs.iter().zip(&part.probability).enumerate() {
            let mut number = |at| self.names.number(block, &part.mentions, at);
            // The provider first: names are numbered in the order in which they stand.
            let ends = number(*provider).and_then(|provider| Some((provider, number(*consumer)?)));
            let Some((provider, consumer)) = ends.filter(|_| arcs_before + arc < MOST_ARCS) else {
                let line = line_of(&part.skipped, arc);
                problems.truncate(part.faults.partition_point(|(faulty, ..)| *faulty < line));
                problems.push(too_large(path, lines_before + line));
                self.is_over = true;
                break;
            };
            self.provider.push(provider);
            self.consumer.push(consumer);
            self.probability.push(*probability);
        }
        for (arc, count) in &part.skipped {
            skip(&mut self.skipped, arcs_before + arc, lines_before - arcs_before as u64 + count);
        }
        self.problems.extend(problems);
        self.problems.truncate(MOST_ERRORS);
        self.line += part.lines;
        self.is_over |= part.is_last || self.problems.len() >= MOST_ERRORS;
    }

    fn finish(mut self, path: &str) -> Result<System, Vec<Diagnostic>> {
        let names = std::mem::take(&mut self.names).finish();
        if self.problems.len() < MOST_ERRORS {
            self.duplicates(path, &names);
        }
        if self.problems.is_empty() && self.consumer.is_empty() {
            let error = Diagnostic::error("empty", format!("{path}:{}:1: the edge list has no arcs", self.line.max(1)));
            self.problems.push(error.help("expected lines of `provider consumer probability`"));
        }
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let name = Path::new(path).file_stem().and_then(|stem| stem.to_str()).unwrap_or(path).to_owned();
        Ok(System::from_edges(name, names, self.consumer, self.provider, self.probability.finish()))
    }

    /// Finds arcs that stand twice.
    fn duplicates(&mut self, path: &str, names: &Names) {
        let starts = rows::starts(names.len(), &self.consumer);
        let columns = rows::Columns { keys: &self.consumer, values: &self.provider };
        let (providers, _): (_, Vec<()>) = rows::filled(&starts, rows::SCATTERED, &columns);
        let consumers = (0..names.len()).into_par_iter().with_min_len(CONSUMERS_OF_A_THREAD);
        let twice = consumers.fold(Vec::new, |mut twice, consumer| {
            let row = &providers[starts[consumer] as usize..starts[consumer + 1] as usize];
            add_twice(&mut twice, consumer as u32, row);
            twice
        });
        let mut twice: Vec<u64> = twice.flatten_iter().collect();
        drop((starts, providers));
        if twice.is_empty() {
            return;
        }
        twice.sort_unstable();
        twice.truncate(MOST_ERRORS);
        let mut first = vec![None; twice.len()];
        for (arc, (consumer, provider)) in self.consumer.iter().zip(&self.provider).enumerate() {
            let Ok(at) = twice.binary_search(&key(*consumer, *provider)) else { continue };
            let Some(earlier) = first[at] else {
                first[at] = Some(arc);
                continue;
            };
            if self.problems.len() >= MOST_ERRORS {
                break;
            }
            let (provider, consumer) = (names.get(*provider), names.get(*consumer));
            let (line, other) = (line_of(&self.skipped, arc), line_of(&self.skipped, earlier));
            let message = format!("{path}:{line}:1: the arc `{provider}` to `{consumer}` stands in line {other} too");
            self.problems.push(Diagnostic::error("duplicate-dependency", message).help("remove one of the lines"));
        }
    }
}

/// Cuts a block into ranges of whole lines of about a size.
fn line_ranges(block: &[u8], mut start: usize, size: usize) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    while start < block.len() {
        let from = (start + size).min(block.len());
        let end = block[from..].iter().position(|byte| *byte == b'\n').map_or(block.len(), |at| from + at + 1);
        ranges.push(start..end);
        start = end;
    }
    ranges
}

fn key(consumer: u32, provider: u32) -> u64 {
    u64::from(consumer) << 32 | u64::from(provider)
}

/// Adds the arcs of a consumer that stand more than once, by [`key`], as long as fewer than [`MOST_ERRORS`] are known.
fn add_twice(twice: &mut Vec<u64>, consumer: u32, providers: &[u32]) {
    let is_twice = |(at, provider): (usize, &u32)| providers[..at].contains(provider);
    if twice.len() >= MOST_ERRORS || (providers.len() <= FEW && !providers.iter().enumerate().any(is_twice)) {
        return;
    }
    let mut sorted = providers.to_vec();
    sorted.sort_unstable();
    let mut found: Vec<u64> = sorted.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| key(consumer, pair[0])).collect();
    found.dedup();
    twice.extend(found.into_iter().take(MOST_ERRORS));
}

/// There is no text to point into, so the place is part of the message.
fn at(fault: &Fault, path: &str, number: u64, line: &[u8]) -> Diagnostic {
    let line = &line[..line.len().min(LONGEST_LINE)];
    let column = String::from_utf8_lossy(&line[..fault.byte.min(line.len())]).chars().count() + 1;
    let mut shown: String = String::from_utf8_lossy(line).trim_end().chars().take(80).collect();
    shown.retain(|c| c == '\t' || !c.is_control());
    Diagnostic::error(fault.code, format!("{path}:{number}:{column}: {}", fault.message)).help(format!("the line is `{shown}`"))
}

fn too_large(path: &str, line: u64) -> Diagnostic {
    let message = format!("{path}:{line}:1: more than {MOST_ARCS} arcs, or all names together have more than 4 GB");
    Diagnostic::error("too-large", message)
}

#[cfg(test)]
#[path = "edge_list_tests.rs"]
mod tests;
