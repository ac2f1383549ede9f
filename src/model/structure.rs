//! Structure of the compiled graph: its strongly connected components in topological order, reachability, cycles.

use super::compact::Compact;
use fixedbitset::FixedBitSet;
use petgraph::algo;

/// Nodes in a topological order of the condensation, harm first, and the component of each node, numbered along that order.
///
/// Kosaraju's algorithm with stacks of its own, since a chain of a million services must not exhaust that of the thread: a first
/// search against the arcs lists nodes as it leaves them, a second along the arcs takes them from the end of that list. petgraph
/// has it too, but puts every node into a list of its own component and all neighbours on the stack: on a million nodes that took
/// three times as long and 50 MB. O(nodes + arcs).
pub(crate) fn condensation_order(compact: &Compact) -> (Vec<u32>, Vec<u32>) {
    let nodes = compact.node_count();
    let mut left = Vec::with_capacity(nodes);
    let mut search = Search::new(nodes);
    for node in 0..nodes as u32 {
        search.from(node, |node| &compact.in_provider[compact.arcs_into(node)], |_| (), |node| left.push(node));
    }
    search.seen.clear();
    let (mut order, mut ends) = (Vec::with_capacity(nodes), Vec::new());
    for node in left.iter().rev() {
        search.from(*node, |node| compact.harmed_by(node), |node| order.push(node), |_| ());
        if ends.last().copied().unwrap_or(0) < order.len() {
            ends.push(order.len());
        }
    }
    // Components were found against the topological order.
    let mut sorted = left;
    sorted.clear();
    let mut component = vec![0_u32; nodes];
    for number in (0..ends.len()).rev() {
        let start = number.checked_sub(1).map_or(0, |before| ends[before]);
        for node in &order[start..ends[number]] {
            component[*node as usize] = (ends.len() - 1 - number) as u32;
            sorted.push(*node);
        }
    }
    (sorted, component)
}

/// A depth-first search that takes the last neighbour of a node first.
struct Search {
    seen: FixedBitSet,
    /// Nodes on the way, each with the number of its neighbours that are still to be looked at.
    way: Vec<(u32, u32)>,
}

impl Search {
    fn new(nodes: usize) -> Self {
        Self { seen: FixedBitSet::with_capacity(nodes), way: Vec::new() }
    }

    /// Visits all that was not seen before and can be reached from a node.
    fn from<'a>(
        &mut self,
        node: u32,
        neighbours: impl Fn(u32) -> &'a [u32],
        mut enter: impl FnMut(u32),
        mut leave: impl FnMut(u32),
    ) {
        let Self { seen, way } = self;
        if seen.put(node as usize) {
            return;
        }
        enter(node);
        way.push((node, neighbours(node).len() as u32));
        while let Some((node, rest)) = way.last_mut() {
            let next = neighbours(*node)[..*rest as usize].iter().rposition(|next| !seen.contains(*next as usize));
            let Some(at) = next else {
                leave(*node);
                way.pop();
                continue;
            };
            *rest = at as u32;
            let next = neighbours(*node)[at];
            seen.insert(next as usize);
            enter(next);
            way.push((next, neighbours(next).len() as u32));
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::System;
    use crate::model::names::Names;
    use crate::model::repeated::RepeatedBuilder;
    use proptest::prelude::*;

    fn compiled(nodes: u32, arcs: &[(u32, u32)]) -> Compact {
        let mut names = Names::default();
        (0..nodes).for_each(|node| _ = names.insert(&node.to_string()));
        let mut probability = RepeatedBuilder::default();
        arcs.iter().for_each(|_| probability.push(0.5));
        let (consumer, provider) = arcs.iter().copied().unzip();
        Compact::new(&System::from_edges(String::new(), names, consumer, provider, probability.finish()))
    }

    proptest! {
        #[test]
        fn components_are_those_of_petgraph_in_topological_order(
            nodes in 1_u32..30, arcs in proptest::collection::vec((0_u32..30, 0_u32..30), 0..90),
        ) {
            let arcs: Vec<(u32, u32)> = arcs.into_iter().map(|(a, b)| (a % nodes, b % nodes)).collect();
            let compact = compiled(nodes, &arcs);
            // From provider to consumer.
            let mut graph = petgraph::graph::DiGraph::<(), ()>::new();
            (0..nodes).for_each(|_| _ = graph.add_node(()));
            graph.extend_with_edges(arcs.iter().map(|(consumer, provider)| (*provider, *consumer)));
            let theirs = algo::kosaraju_scc(&graph);
            prop_assert_eq!(theirs.len(), compact.component.iter().max().map_or(0, |last| *last as usize + 1));
            for nodes in theirs {
                prop_assert!(nodes.iter().all(|node| compact.component[node.index()] == compact.component[nodes[0].index()]));
            }
            for (consumer, provider) in arcs {
                prop_assert!(compact.component[provider as usize] <= compact.component[consumer as usize]);
            }
            let ordered: Vec<u32> = compact.order.iter().map(|node| compact.component[*node as usize]).collect();
            prop_assert!(ordered.is_sorted());
            prop_assert!(compact.order.iter().enumerate().all(|(at, node)| compact.position[*node as usize] as usize == at));
        }
    }

    #[test]
    fn a_long_chain_needs_no_long_stack() {
        let arcs: Vec<(u32, u32)> = (1..200_000).map(|node| (node, node - 1)).collect();
        let compact = compiled(200_000, &arcs);
        assert!(compact.order.iter().copied().eq(0..200_000));
    }
}
