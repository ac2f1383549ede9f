//! Structure of the compiled graph through petgraph: its traits are implemented on the index arrays, so that its algorithms
//! run without a copy, also on millions of arcs.

use super::compact::Compact;
use fixedbitset::FixedBitSet;
use petgraph::visit::{GraphBase, GraphRef, IntoNeighbors, IntoNeighborsDirected, IntoNodeIdentifiers, NodeIndexable, Visitable};
use petgraph::{Direction, algo};

/// The graph as petgraph sees it: edges run the way failure travels, from provider to consumer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FailureGraph<'a>(pub(crate) &'a Compact);

impl GraphRef for FailureGraph<'_> {}

impl GraphBase for FailureGraph<'_> {
    type NodeId = u32;
    type EdgeId = u32;
}

impl<'a> IntoNeighbors for FailureGraph<'a> {
    type Neighbors = std::iter::Copied<std::slice::Iter<'a, u32>>;

    fn neighbors(self, node: u32) -> Self::Neighbors {
        self.0.harmed_by(node).iter().copied()
    }
}

impl<'a> IntoNeighborsDirected for FailureGraph<'a> {
    type NeighborsDirected = std::iter::Copied<std::slice::Iter<'a, u32>>;

    fn neighbors_directed(self, node: u32, direction: Direction) -> Self::NeighborsDirected {
        match direction {
            Direction::Outgoing => self.0.harmed_by(node).iter().copied(),
            Direction::Incoming => self.0.in_provider[self.0.arcs_into(node)].iter().copied(),
        }
    }
}

impl IntoNodeIdentifiers for FailureGraph<'_> {
    type NodeIdentifiers = std::ops::Range<u32>;

    fn node_identifiers(self) -> Self::NodeIdentifiers {
        0..self.0.node_count() as u32
    }
}

impl NodeIndexable for FailureGraph<'_> {
    fn node_bound(&self) -> usize {
        self.0.node_count()
    }

    fn to_index(&self, node: u32) -> usize {
        node as usize
    }

    fn from_index(&self, index: usize) -> u32 {
        index as u32
    }
}

impl Visitable for FailureGraph<'_> {
    type Map = FixedBitSet;

    fn visit_map(&self) -> FixedBitSet {
        FixedBitSet::with_capacity(self.0.node_count())
    }

    fn reset_map(&self, map: &mut FixedBitSet) {
        map.clear();
        map.grow(self.0.node_count());
    }
}

/// Nodes in a topological order of the condensation, harm first, and the component of each node, numbered along that order.
///
/// Kosaraju's algorithm, because petgraph's is iterative: a chain of a million services must not exhaust the stack.
/// O(nodes + arcs).
pub(crate) fn condensation_order(compact: &Compact) -> (Vec<u32>, Vec<u32>) {
    let components = algo::kosaraju_scc(FailureGraph(compact));
    let mut order = Vec::with_capacity(compact.node_count());
    let mut component = vec![0_u32; compact.node_count()];
    // petgraph gives them in reverse topological order.
    for (number, nodes) in components.into_iter().rev().enumerate() {
        for node in nodes {
            component[node as usize] = number as u32;
            order.push(node);
        }
    }
    (order, component)
}

/// All nodes that harm can reach from the given ones, themselves included.
pub(crate) fn harmed_from(compact: &Compact, sources: impl IntoIterator<Item = u32>) -> FixedBitSet {
    let mut reached = FixedBitSet::with_capacity(compact.node_count());
    let mut stack: Vec<u32> = sources.into_iter().collect();
    while let Some(node) = stack.pop() {
        if !reached.put(node as usize) {
            stack.extend(compact.harmed_by(node).iter().filter(|next| !reached.contains(**next as usize)));
        }
    }
    reached
}

/// Groups of services that reach each other along the given arcs, each ascending, in the order of their first member. An arc
/// from a service to itself makes no group. O(services + arcs).
pub(crate) fn cycles(arcs: &[(u32, u32)]) -> Vec<Vec<u32>> {
    let mut names: Vec<u32> = arcs.iter().flat_map(|(from, to)| [*from, *to]).collect();
    names.sort_unstable();
    names.dedup();
    let position = |name: u32| names.partition_point(|known| *known < name) as u32;
    let mut graph = petgraph::graph::DiGraph::<(), ()>::with_capacity(names.len(), arcs.len());
    names.iter().for_each(|_| {
        graph.add_node(());
    });
    graph.extend_with_edges(arcs.iter().map(|(from, to)| (position(*from), position(*to))));
    let components = algo::kosaraju_scc(&graph).into_iter().filter(|nodes| nodes.len() > 1);
    let mut cycles: Vec<Vec<u32>> = components
        .map(|nodes| {
            let mut nodes: Vec<u32> = nodes.into_iter().map(|node| names[node.index()]).collect();
            nodes.sort_unstable();
            nodes
        })
        .collect();
    cycles.sort_unstable();
    cycles
}
