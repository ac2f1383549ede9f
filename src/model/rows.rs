//! Rows of a table by counting: entries with the same key stand together, in the order in which they came.
//!
//! Written all over a large array, entries miss every cache. Rows are therefore filled range by range, each range small enough for
//! the caches and each by one thread, which passes over all entries and takes its own. O(entries × ranges), the ranges in parallel.

use rayon::prelude::*;

/// Entries of a range, about.
const RANGE: usize = 1 << 20;
/// Passing over all entries more often than this costs more than it saves.
const MOST_RANGES: usize = 8;

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

/// Two columns in rows. `entries` gives the same entries with their keys whenever it is called; `starts` are their [`starts`].
pub(crate) fn filled<A, B, I>(starts: &[u32], entries: impl Fn() -> I + Sync) -> (Vec<A>, Vec<B>)
where
    A: Copy + Default + Send,
    B: Copy + Default + Send,
    I: Iterator<Item = (u32, (A, B))>,
{
    let (keys, total) = (starts.len() - 1, starts[starts.len() - 1] as usize);
    let (mut first, mut second) = (vec![A::default(); total], vec![B::default(); total]);
    let count = (total / RANGE).clamp(1, MOST_RANGES);
    let mut ranges = Vec::with_capacity(count);
    let (mut firsts, mut seconds) = (&mut first[..], &mut second[..]);
    let mut from = 0;
    for range in 1..=count {
        // Ranges of about as many entries.
        let to = if range == count {
            keys
        } else {
            starts.partition_point(|start| (*start as usize) < total * range / count).clamp(from, keys)
        };
        let length = (starts[to] - starts[from]) as usize;
        let (head, tail) = std::mem::take(&mut firsts).split_at_mut(length);
        let (other_head, other_tail) = std::mem::take(&mut seconds).split_at_mut(length);
        (firsts, seconds) = (tail, other_tail);
        ranges.push((from as u32..to as u32, head, other_head));
        from = to;
    }
    ranges.into_par_iter().for_each(|(range, first, second)| {
        let base = starts[range.start as usize];
        let mut cursor: Vec<u32> = starts[range.start as usize..range.end as usize].iter().map(|start| start - base).collect();
        for (key, (a, b)) in entries().filter(|(key, _)| range.contains(key)) {
            let at = &mut cursor[(key - range.start) as usize];
            (first[*at as usize], second[*at as usize]) = (a, b);
            *at += 1;
        }
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
            let (first, second) = filled(&start, || all.iter().zip(0..).map(|(key, entry)| (*key, (entry, u64::from(entry)))));
            let mut expected: Vec<u32> = (0..entries).collect();
            expected.sort_by_key(|entry| key(*entry));
            assert_eq!(first, expected);
            assert!(second.iter().zip(&first).all(|(second, first)| *second == u64::from(*first)));
        }
    }
}
