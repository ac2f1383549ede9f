//! A table of names: one text, offsets into it, and an index by hash. A million names cost about 30 bytes each.

use crate::random::name_hash;
use hashbrown::HashTable;

/// Names in the order they were added; each is there once.
#[derive(Debug, Clone, Default)]
pub struct Names {
    text: String,
    ends: Vec<u32>,
    index: HashTable<u32>,
}

impl Names {
    /// Position of a name, added if new. The flag says whether it was.
    pub fn insert(&mut self, name: &str) -> (u32, bool) {
        let hash = name_hash(name);
        let Self { text, ends, index } = self;
        if let Some(&at) = index.find(hash, |&at| slice(text, ends, at) == name) {
            return (at, false);
        }
        let at = ends.len() as u32;
        text.push_str(name);
        ends.push(text.len() as u32);
        index.insert_unique(hash, at, |&other| name_hash(slice(text, ends, other)));
        (at, true)
    }

    /// Position of a name.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.index.find(name_hash(name), |&at| slice(&self.text, &self.ends, at) == name).copied()
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
}
