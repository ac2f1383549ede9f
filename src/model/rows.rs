//! Rows of a table by counting: entries with the same key stand together, in the order in which they came.
//!
//! Written all over a large array, entries miss every cache. Rows are therefore filled range by range, each range small enough for
//! the caches and each by one thread, which passes over all entries and takes its own. O(entries × ranges), the ranges in parallel.

use rayon::prelude::*;

/// Entries of a range, about.
const RANGE: usize = 1 << 20;
/// Ranges where entries come without any order: passing over all entries more often costs more than it saves.
pub(crate) const SCATTERED: usize = 8;
/// Ranges where entries that follow each other often have near keys.
pub(crate) const NEAR: usize = 2;

/// Where the row of each key starts; at the end, where the last one ends.
pub(crate) fn starts<'a>(keys: usize, entries: impl IntoIterator<Item = &'a u32>) -> Vec<u32> {
    let mut start = vec![0_u32; keys + 1];
    for key in entries {
        start[*key as usize + 1] += 1;
    }
    for at in 1..start.len() {
        start[at] += start[at - 1];
    }
    start
}

/// Entries to be put into rows, the same whenever they are asked for.
///
/// A visitor, because a loop inside costs a fraction of what a chain of iterators does here.
pub(crate) trait Entries<A, B>: Sync {
    /// Calls `visit(key, first, second)` for each, in order.
    fn each(&self, visit: impl FnMut(u32, A, B));
}

/// Keys and values; with each value its number.
pub(crate) struct Columns<'a> {
    pub(crate) keys: &'a [u32],
    pub(crate) values: &'a [u32],
}

impl Entries<u32, u32> for Columns<'_> {
    #[inline(always)]
    fn each(&self, mut visit: impl FnMut(u32, u32, u32)) {
        for (number, (key, value)) in self.keys.iter().zip(self.values).enumerate() {
            visit(*key, *value, number as u32);
        }
    }
}

impl Entries<u32, ()> for Columns<'_> {
    #[inline(always)]
    fn each(&self, mut visit: impl FnMut(u32, u32, ())) {
        for (key, value) in self.keys.iter().zip(self.values) {
            visit(*key, *value, ());
        }
    }
}

/// The entries of rows the other way round: what stands in a row becomes the key, the number of the row the value.
pub(crate) struct Reversed<'a> {
    pub(crate) starts: &'a [u32],
    pub(crate) entries: &'a [u32],
}

impl Entries<u32, ()> for Reversed<'_> {
    #[inline(always)]
    fn each(&self, mut visit: impl FnMut(u32, u32, ())) {
        for (row, ends) in self.starts.windows(2).enumerate() {
            for entry in &self.entries[ends[0] as usize..ends[1] as usize] {
                visit(*entry, row as u32, ());
            }
        }
    }
}

/// Two columns in rows. `starts` are the [`starts`] of the keys.
pub(crate) fn filled<A, B>(starts: &[u32], most_ranges: usize, entries: &impl Entries<A, B>) -> (Vec<A>, Vec<B>)
where
    A: Copy + Default + Send,
    B: Copy + Default + Send,
{
    let (keys, total) = (starts.len() - 1, starts[starts.len() - 1] as usize);
    let (mut first, mut second) = (vec![A::default(); total], vec![B::default(); total]);
    let count = (total / RANGE).clamp(1, most_ranges);
    let mut ranges = Vec::with_capacity(count);
    let (mut firsts, mut seconds) = (&mut first[..], &mut second[..]);
    let mut from = 0;
    for range in 1..=count {
        // Ranges of about as many entries.
        let even = starts.partition_point(|start| (*start as usize) < total * range / count).clamp(from, keys);
        let to = if range == count { keys } else { even };
        let length = (starts[to] - starts[from]) as usize;
        let (head, tail) = std::mem::take(&mut firsts).split_at_mut(length);
        let (other_head, other_tail) = std::mem::take(&mut seconds).split_at_mut(length);
        (firsts, seconds) = (tail, other_tail);
        ranges.push((from..to, head, other_head));
        from = to;
    }
    ranges.into_par_iter().for_each(|(range, first, second)| {
        let (base, from, length) = (starts[range.start], range.start as u32, range.len() as u32);
        let mut cursor: Vec<u32> = starts[range].iter().map(|start| start - base).collect();
        entries.each(|key, a, b| {
            let row = key.wrapping_sub(from);
            if row < length {
                let at = &mut cursor[row as usize];
                (first[*at as usize], second[*at as usize]) = (a, b);
                *at += 1;
            }
        });
    });
    (first, second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_the_order_of_entries() {
        for (keys, entries) in [(0_u32, 0_u32), (1, 5), (10, 1_000), (5_000, 3 << 20)] {
            let key = |entry: u32| entry.wrapping_mul(2_654_435_761) % keys.max(1);
            let all: Vec<u32> = (0..entries).map(key).collect();
            let start = starts(keys as usize, &all);
            let values: Vec<u32> = (0..entries).map(|entry| entry ^ 1).collect();
            let (first, second): (Vec<u32>, Vec<u32>) = filled(&start, SCATTERED, &Columns { keys: &all, values: &values });
            let mut expected: Vec<u32> = (0..entries).collect();
            expected.sort_by_key(|entry| key(*entry));
            assert_eq!(second, expected);
            assert!(second.iter().zip(&first).all(|(number, value)| *value == number ^ 1));
            // There and back: keys ascend in every row.
            let back = starts(entries as usize + 1, &first);
            let (rows, _) = filled(&back, NEAR, &Reversed { starts: &start, entries: &first });
            assert!((0..entries).all(|entry| rows[back[(entry ^ 1) as usize] as usize] == key(entry)));
        }
    }
}
