//! A table of names: one text, offsets into it, and an index by hash. A million names of eight bytes cost about 22 bytes each.

use crate::random::name_hash;
use hashbrown::HashTable;

/// Names in the order they were added; each is there once.
#[derive(Debug, Clone, Default)]
pub struct Names {
    text: String,
    ends: Vec<u32>,
    /// Positions by hash.
    index: HashTable<u32>,
}

impl Names {
    /// Names that differ from each other, as one text and where each ends in it. O(names).
    pub(super) fn of_distinct(text: String, ends: Vec<u32>) -> Self {
        let mut index = HashTable::with_capacity(ends.len());
        for at in 0..ends.len() as u32 {
            index.insert_unique(name_hash(slice(&text, &ends, at)), at, |other| name_hash(slice(&text, &ends, *other)));
        }
        Self { text, ends, index }
    }

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
        index.insert_unique(hash, at, |other| name_hash(slice(text, ends, *other)));
        (at, true)
    }

    /// Position of a name.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.find_hashed(name, name_hash(name))
    }

    fn find_hashed(&self, name: &str, hash: u64) -> Option<u32> {
        self.index.find(hash, |at| slice(&self.text, &self.ends, *at) == name).copied()
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

/// The name at a position of a text with ends.
pub(super) fn slice<'a>(text: &'a str, ends: &[u32], at: u32) -> &'a str {
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
        let made = Names::of_distinct("ba".to_owned(), vec![1, 1, 2]);
        assert!(["b", "", "a", "c"].iter().all(|name| made.find(name) == names.find(name)));
    }
}
