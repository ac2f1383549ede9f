//! Columns of the arcs of an edge list: there can be tens of millions, so they are filled on all cores and kept small.

use crate::model::crossing::WHOLE_SERVICE;
use crate::model::repeated::Repeated;
use crate::random::Threshold;
use rayon::prelude::*;

/// Nodes whose arcs one thread makes at a time.
const NODES_OF_A_RANGE: usize = 1 << 14;

/// The threshold of each arc. Stated probabilities repeat, and then it takes two bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Thresholds {
    different: Vec<Threshold>,
    /// Positions in `different`; empty when the thresholds stand in `all`.
    positions: Vec<u16>,
    all: Vec<Threshold>,
}

impl Thresholds {
    /// That of an arc.
    ///
    /// # Panics
    /// When there is no such arc.
    #[inline(always)]
    pub(crate) fn get(&self, arc: usize) -> Threshold {
        match self.positions.get(arc) {
            Some(position) => self.different[usize::from(*position)],
            None => self.all[arc],
        }
    }

    /// Adds an arc with a rule, to others like it.
    pub(crate) fn push(&mut self, threshold: Threshold) {
        self.all.push(threshold);
    }
}

/// The arcs into some nodes of a plan, in its order.
pub(crate) struct Arcs<'a, F> {
    /// The nodes.
    pub(crate) nodes: &'a [u32],
    /// Where the arcs into each begin, and where the last ones end.
    pub(crate) starts: &'a [u32],
    /// The arcs into a node: each with its number in the compiled graph and its source in the plan.
    pub(crate) into: F,
}

impl<I: Iterator<Item = (usize, u32)>, F: Fn(u32) -> I + Sync> Arcs<'_, F> {
    /// A column with the value of every arc, made from its target in the plan, its number and its source. O(arcs).
    pub(crate) fn column<T: Copy + Send>(&self, empty: T, of: impl Fn(usize, usize, u32) -> T + Sync) -> Vec<T> {
        let mut column = vec![empty; self.starts.last().copied().unwrap_or(0) as usize];
        let (mut rest, mut ranges) = (&mut column[..], Vec::new());
        for (number, range) in self.nodes.chunks(NODES_OF_A_RANGE).enumerate() {
            let first = number * NODES_OF_A_RANGE;
            let length = (self.starts[first + range.len()] - self.starts[first]) as usize;
            let (values, behind) = rest.split_at_mut(length);
            ranges.push((first, range, values));
            rest = behind;
        }
        ranges.into_par_iter().for_each(|(first, range, values)| {
            let arcs = range.iter().zip(first..).flat_map(|(node, at)| (self.into)(*node).map(move |arc| (at, arc)));
            for ((at, (arc, source)), value) in arcs.zip(values) {
                *value = of(at, arc, source);
            }
        });
        column
    }

    /// The column of thresholds, given the probabilities of all dependencies and which of them an arc belongs to. O(arcs).
    pub(crate) fn thresholds(&self, all: &Repeated, row: impl Fn(usize) -> usize + Sync) -> Thresholds {
        match all.table() {
            Some((different, positions)) => Thresholds {
                different: different.iter().map(|probability| Threshold::new(*probability)).collect(),
                positions: self.column(0, |_, arc, _| positions[row(arc)]),
                all: Vec::new(),
            },
            None => Thresholds {
                all: self.column(Threshold::NEVER, |_, arc, _| Threshold::new(all.get(row(arc)).unwrap_or(WHOLE_SERVICE))),
                ..Thresholds::default()
            },
        }
    }
}
