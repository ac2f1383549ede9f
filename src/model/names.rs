//! A table of names: one text, offsets into it, and an index by hash. A million names cost about 45 bytes each.
//!
//! An edge list asks for a name twice a line, in no order that a cache could follow. The index therefore holds short names
//! themselves: one look at it decides, where an offset into the text would cost two more.

use crate::random::name_hash;
use hashbrown::HashTable;

/// Names in the order they were added; each is there once.
#[derive(Debug, Clone, Default)]
pub struct Names {
    text: String,
    ends: Vec<u32>,
    index: HashTable<Entry>,
}

/// A name in the index.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The name itself where it is short, see [`digest`].
    digest: u64,
    at: u32,
}

/// Up to eight bytes stand for themselves, filled up with 0xFF, which no text has. Of longer names it is the hash, with two bytes
/// in front that no short name begins with: the flag tells which of the two it is.
fn digest(name: &str, hash: u64) -> (u64, bool) {
    let mut bytes = [0xFF; 8];
    match bytes.get_mut(..name.len()) {
        Some(room) => {
            room.copy_from_slice(name.as_bytes());
            (u64::from_le_bytes(bytes), true)
        }
        None => (hash << 16 | 0x00FF, false),
    }
}

impl Names {
    /// Position of a name, added if new. The flag says whether it was.
    pub fn insert(&mut self, name: &str) -> (u32, bool) {
        let hash = name_hash(name);
        if let Some(at) = self.find_hashed(name, hash) {
            return (at, false);
        }
        let Self { text, ends, index } = self;
        let at = ends.len() as u32;
        text.push_str(name);
        ends.push(text.len() as u32);
        let entry = Entry { digest: digest(name, hash).0, at };
        index.insert_unique(hash, entry, |other| name_hash(slice(text, ends, other.at)));
        (at, true)
    }

    /// Position of a name.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.find_hashed(name, name_hash(name))
    }

    fn find_hashed(&self, name: &str, hash: u64) -> Option<u32> {
        let (digest, decides) = digest(name, hash);
        let is_name = |entry: &Entry| entry.digest == digest && (decides || slice(&self.text, &self.ends, entry.at) == name);
        self.index.find(hash, is_name).map(|entry| entry.at)
    }

    /// The name at a position.
    ///
    /// # Panics
    /// When there is no such position.
    pub fn get(&self, at: u32) -> &str {
        slice(&self.text, &self.ends, at)
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// None?
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.ends.len() as u32).map(|at| self.get(at))
    }
}

fn slice<'a>(text: &'a str, ends: &[u32], at: u32) -> &'a str {
    let start = if at == 0 { 0 } else { ends[at as usize - 1] };
    &text[start as usize..ends[at as usize] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again() {
        let mut names = Names::default();
        assert_eq!(names.insert("b"), (0, true));
        assert_eq!(names.insert(""), (1, true));
        assert_eq!(names.insert("a"), (2, true));
        assert_eq!(names.insert("b"), (0, false));
        assert_eq!(names.find("a"), Some(2));
        assert_eq!(names.find("c"), None);
        assert_eq!(names.iter().collect::<Vec<_>>(), ["b", "", "a"]);
    }

    #[test]
    fn short_and_long_names_do_not_mix() {
        let mut names = Names::default();
        let all = ["", "12345678", "123456789", "1234567", "\u{0}", "\u{0}\u{0}", "ü", "üüüü", "üüüüü", "a rather long name"];
        for (at, name) in all.iter().enumerate() {
            assert_eq!(names.insert(name), (at as u32, true), "{name}");
        }
        for (at, name) in all.iter().enumerate() {
            assert_eq!((names.find(name), names.get(at as u32)), (Some(at as u32), *name));
        }
        // Digests of long names never look like a short name.
        assert_eq!(digest("123456789", u64::MAX).0.to_le_bytes()[..2], [0xFF, 0x00]);
    }
}
