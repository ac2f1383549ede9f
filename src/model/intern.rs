//! Names of a large text, numbered in the order in which they first stand there, on all threads.
//!
//! A text comes in blocks, a block in parts. Threads that cut the parts note each name as a [`Mention`]; then every shard of the
//! table looks up the names that fall into it, so no two threads meet; at last one thread walks along the mentions and numbers
//! those that are new. What must hold: numbers depend on the order of the names alone, not on blocks, parts or threads.
//!
//! An edge list names a service twice a line, in no order that a cache could follow. The table therefore holds short names
//! themselves: one look decides, where an offset into the text would cost two more. It is dropped when the text ends; what stays
//! is [`Names`].

use super::names::Names;
use crate::random::{mix, name_hash};
use hashbrown::HashTable;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// Parts of the table; a power of two.
const SHARDS: usize = 16;
/// Marks the number of a name that is not numbered yet: the rest is its position among the new names of its shard, times
/// [`SHARDS`], plus the shard. A name that counts has no such number, since all of them fit into a text of 4 GiB.
const FRESH: u32 = 1 << 31;
/// Not numbered.
const NONE: u32 = u32::MAX;

/// A place where a name stands in a block.
#[derive(Debug, Clone, Copy)]
struct Mention {
    /// The name itself where it is short, see [`digest`].
    digest: u64,
    start: u32,
    length: u32,
}

impl Mention {
    fn bytes(self, block: &[u8]) -> &[u8] {
        &block[self.start as usize..self.start as usize + self.length as usize]
    }
}

/// The names of a part of a block.
#[derive(Debug)]
pub(crate) struct Mentions {
    all: Vec<Mention>,
    /// Digests and positions in `all` by shard: read in order, without a look at `all` for short names.
    shards: Vec<Vec<(u64, u32)>>,
    /// What was found.
    numbers: Vec<AtomicU32>,
}

impl Default for Mentions {
    fn default() -> Self {
        Self { all: Vec::new(), shards: vec![Vec::new(); SHARDS], numbers: Vec::new() }
    }
}

impl Mentions {
    /// Notes a name by its bytes in the block, which are UTF-8. Returns the position to ask for its number by: that of the name
    /// `above` if it is the same.
    pub(crate) fn push(&mut self, block: &[u8], (start, end): (usize, usize), above: Option<u32>) -> u32 {
        let digest = digest(block, start, end);
        let mention = Mention { digest, start: start as u32, length: (end - start) as u32 };
        if let Some(at) = above {
            let other = self.all[at as usize];
            if other.digest == digest && (is_short(digest) || other.bytes(block) == mention.bytes(block)) {
                return at;
            }
        }
        let at = self.all.len() as u32;
        self.all.push(mention);
        self.shards[shard_of(hash(digest))].push((digest, at));
        at
    }

    /// Makes room for what will be found, once all names are noted.
    pub(crate) fn close(&mut self) {
        self.numbers.resize_with(self.all.len(), || AtomicU32::new(NONE));
    }
}

/// Up to eight bytes stand for themselves, filled up with 0xFF, which no text has. Of longer names it is the hash, with two bytes
/// in front that no short name begins with.
fn digest(block: &[u8], start: usize, end: usize) -> u64 {
    let length = end - start;
    if length > 8 {
        let name = String::from_utf8_lossy(&block[start..end]);
        return name_hash(&name) << 16 | 0x00FF;
    }
    // Eight bytes at once where the block has them: copying a few takes longer.
    let word = match block[start..].first_chunk::<8>() {
        Some(word) => u64::from_le_bytes(*word),
        None => block[start..end].iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    if length == 8 { word } else { word | u64::MAX << (8 * length) }
}

fn is_short(digest: u64) -> bool {
    digest & 0xFFFF != 0x00FF
}

fn hash(digest: u64) -> u64 {
    mix(digest)
}

/// Bits that the tables of the shards make the least of.
fn shard_of(hash: u64) -> usize {
    (hash >> 40) as usize % SHARDS
}

/// A name in the table.
#[derive(Debug, Clone, Copy)]
struct Entry {
    digest: u64,
    number: u32,
}

/// One part of the table.
#[derive(Debug, Default)]
struct Shard {
    table: HashTable<Entry>,
    /// Names that are new in this block: part, position among its mentions, number.
    fresh: Vec<(u32, u32, u32)>,
}

/// The names so far.
#[derive(Debug)]
pub(crate) struct Interner {
    text: String,
    ends: Vec<u32>,
    shards: Vec<Shard>,
}

impl Default for Interner {
    fn default() -> Self {
        Self { text: String::new(), ends: Vec::new(), shards: std::iter::repeat_with(Shard::default).take(SHARDS).collect() }
    }
}

impl Interner {
    /// Looks up all names of a block, whose parts follow each other. O(names).
    pub(crate) fn look_up(&mut self, block: &[u8], parts: &[&Mentions]) {
        let Self { text, ends, shards } = self;
        let (text, ends): (&str, &[u32]) = (text, ends);
        let known = |number: u32| super::names::slice(text, ends, number).as_bytes();
        shards.par_iter_mut().enumerate().for_each(|(which, shard)| shard.look_up(which, block, parts, &known));
    }

    /// The number of a name that was looked up; numbers it if it is new. `None` where the text of all names would exceed 4 GiB.
    pub(crate) fn number(&mut self, block: &[u8], mentions: &Mentions, at: u32) -> Option<u32> {
        let found = mentions.numbers[at as usize].load(Ordering::Relaxed);
        if found & FRESH == 0 {
            return Some(found);
        }
        let tag = (found & !FRESH) as usize;
        let number = &mut self.shards[tag % SHARDS].fresh[tag / SHARDS].2;
        if *number == NONE {
            let name = mentions.all[at as usize].bytes(block);
            let end = u32::try_from(self.text.len() + name.len()).ok()?;
            *number = self.ends.len() as u32;
            self.text.push_str(&String::from_utf8_lossy(name));
            self.ends.push(end);
        }
        Some(*number)
    }

    /// Ends a block: from now on its new names are known.
    pub(crate) fn settle(&mut self, parts: &[&Mentions]) {
        self.shards.par_iter_mut().enumerate().for_each(|(which, shard)| shard.settle(which, parts));
    }

    /// All names.
    pub(crate) fn finish(self) -> Names {
        let Self { text, ends, shards } = self;
        drop(shards);
        Names::of_distinct(text, ends)
    }
}

impl Shard {
    fn look_up<'a>(&mut self, which: usize, block: &[u8], parts: &[&Mentions], known: &impl Fn(u32) -> &'a [u8]) {
        let Self { table, fresh } = self;
        for (part, mentions) in parts.iter().enumerate() {
            for (digest, at) in &mentions.shards[which] {
                let hash = hash(*digest);
                let is_same = |entry: &Entry| {
                    let name = match entry.number & FRESH {
                        0 => known(entry.number),
                        _ => {
                            let (part, at, _) = fresh[(entry.number & !FRESH) as usize / SHARDS];
                            parts[part as usize].all[at as usize].bytes(block)
                        }
                    };
                    name == mentions.all[*at as usize].bytes(block)
                };
                let is_name = |entry: &Entry| entry.digest == *digest && (is_short(*digest) || is_same(entry));
                let number = match table.find(hash, is_name) {
                    Some(entry) => entry.number,
                    None => {
                        let number = FRESH | (fresh.len() * SHARDS + which) as u32;
                        fresh.push((part as u32, *at, NONE));
                        table.insert_unique(hash, Entry { digest: *digest, number }, |entry| self::hash(entry.digest));
                        number
                    }
                };
                mentions.numbers[*at as usize].store(number, Ordering::Relaxed);
            }
        }
    }

    fn settle(&mut self, which: usize, parts: &[&Mentions]) {
        for (position, (part, at, number)) in self.fresh.drain(..).enumerate() {
            let tag = FRESH | (position * SHARDS + which) as u32;
            let digest = parts[part as usize].all[at as usize].digest;
            if let Some(entry) = self.table.find_mut(hash(digest), |entry| entry.number == tag) {
                entry.number = number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Interns words block by block, each block in parts of some words.
    fn interned(words: &[&str], block_words: usize, part_words: usize) -> (Vec<u32>, Names) {
        let mut interner = Interner::default();
        let mut numbers = Vec::new();
        for words in words.chunks(block_words) {
            let block = words.concat();
            let mut start = 0;
            let mut parts = Vec::new();
            for words in words.chunks(part_words) {
                let mut mentions = Mentions::default();
                for word in words {
                    mentions.push(block.as_bytes(), (start, start + word.len()), None);
                    start += word.len();
                }
                mentions.close();
                parts.push(mentions);
            }
            let parts: Vec<&Mentions> = parts.iter().collect();
            interner.look_up(block.as_bytes(), &parts);
            for part in &parts {
                for at in 0..part.all.len() as u32 {
                    numbers.push(interner.number(block.as_bytes(), part, at).expect("a short text"));
                }
            }
            interner.settle(&parts);
        }
        (numbers, interner.finish())
    }

    proptest! {
        #[test]
        fn numbers_follow_first_mentions(
            words in proptest::collection::vec("[ab]{0,3}|\\PC{0,4}|[ab]{7,10}", 1..60), block in 1_usize..70, part in 1_usize..20,
        ) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let mut expected = Names::default();
            let one_by_one: Vec<u32> = words.iter().map(|word| expected.insert(word).0).collect();
            let (numbers, names) = interned(&words, block, part);
            prop_assert_eq!(numbers, one_by_one);
            prop_assert_eq!(names.iter().collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
            prop_assert!(words.iter().all(|word| names.find(word) == expected.find(word)));
        }
    }

    #[test]
    fn short_and_long_names_do_not_mix() {
        let all = ["", "12345678", "123456789", "1234567", "\u{0}", "\u{0}\u{0}", "ü", "üüüü", "üüüüü", "a rather long name"];
        let (numbers, names) = interned(&all, 3, 2);
        assert_eq!(numbers, (0..all.len() as u32).collect::<Vec<_>>());
        assert!(all.iter().enumerate().all(|(at, name)| names.find(name) == Some(at as u32)));
        assert!(all.iter().all(|name| is_short(digest(name.as_bytes(), 0, name.len())) == (name.len() <= 8)));
    }
}
