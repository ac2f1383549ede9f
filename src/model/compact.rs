//! The compiled graph: immutable index arrays that every kernel shares.
//!
//! A node is an operation of a service; a service with several operations has one more node, "any operation", that stands for
//! the whole service as a provider (its label is the maximum over its operations). Together with a channel a node is a vertex
//! of the propagation. Arcs are stored at the side that is harmed (CSR), and once more in the other direction for
//! reachability. `order` is a topological order of the condensation, sources of harm first.
//!
//! What must hold: `order` is a permutation; an arc that leaves its component goes forward in it.
//! Memory: 8 bytes an arc for the harmed side, 4 for the other, 16 a node.

use super::crossing::Crossing;
use super::facts::Channels;
use super::rows;
use super::structure;
use super::system::{Endpoint, System};
use crate::units::{DependencyId, ServiceId};

/// An arc from an operation to its own service: certain, on all channels.
pub const STRUCTURAL: u32 = u32::MAX;
/// Marks an arc that carries written data against the direction of the dependency.
pub const REVERSED: u32 = 1 << 31;

/// The compiled graph.
#[derive(Debug, Clone, Default)]
pub struct Compact {
    /// Nodes of service s: `first_node[s]..first_node[s + 1]`.
    first_node: Vec<u32>,
    /// Service of a node; empty when every service has one node.
    service_of: Vec<u32>,
    pub(crate) in_start: Vec<u32>,
    pub(crate) in_provider: Vec<u32>,
    /// Dependency of an arc, perhaps with [`REVERSED`], or [`STRUCTURAL`].
    pub(crate) in_dependency: Vec<u32>,
    pub(crate) out_start: Vec<u32>,
    pub(crate) out_consumer: Vec<u32>,
    /// Nodes, harm first.
    pub(crate) order: Vec<u32>,
    /// Position of a node in `order`.
    pub(crate) position: Vec<u32>,
    /// Component of a node: components are numbered along `order`.
    pub(crate) component: Vec<u32>,
}

impl Compact {
    /// Compiles a system. O(services + dependencies × operations of the consumer).
    pub fn new(system: &System) -> Self {
        let mut compact = Self::nodes(system);
        compact.arcs(system);
        let (order, component) = structure::condensation_order(&compact);
        compact.position = vec![0; order.len()];
        for (at, node) in order.iter().enumerate() {
            compact.position[*node as usize] = at as u32;
        }
        compact.order = order;
        compact.component = component;
        compact
    }

    fn nodes(system: &System) -> Self {
        let mut compact = Self::default();
        let plain = system.service_detail.is_empty();
        compact.first_node.reserve(system.service_count() + 1);
        compact.first_node.push(0);
        let mut next = 0_u32;
        for id in system.service_ids() {
            let operations = if plain { 0 } else { system.service(id).operations.len() };
            next += if operations > 1 { operations as u32 + 1 } else { 1 };
            compact.first_node.push(next);
        }
        if next as usize != system.service_count() {
            compact.service_of.reserve(next as usize);
            for (service, window) in compact.first_node.windows(2).enumerate() {
                compact.service_of.resize(window[1] as usize, service as u32);
            }
        }
        compact
    }

    fn arcs(&mut self, system: &System) {
        let nodes = self.node_count();
        if system.is_edge_list() {
            // Every service is one node, and every dependency one arc.
            let (keys, values) = (&system.dependencies.consumer[..], &system.dependencies.provider[..]);
            (self.in_start, self.out_start) = rayon::join(|| rows::starts(nodes, keys), || rows::starts(nodes, values));
            (self.in_provider, self.in_dependency) =
                rows::filled(&self.in_start, rows::SCATTERED, &rows::Columns { keys, values });
        } else {
            let (mut keys, mut values, mut ids) = (Vec::new(), Vec::new(), Vec::new());
            self.each_arc(system, |consumer, provider, id| {
                keys.push(consumer);
                values.push(provider);
                ids.push(id);
            });
            self.in_start = rows::starts(nodes, &keys);
            self.out_start = rows::starts(nodes, &values);
            let columns = rows::Columns { keys: &keys, values: &values };
            (self.in_provider, self.in_dependency) = rows::filled(&self.in_start, rows::SCATTERED, &columns);
            self.in_dependency.iter_mut().for_each(|number| *number = ids[*number as usize]);
        }
        let reversed = rows::Reversed { starts: &self.in_start, entries: &self.in_provider };
        (self.out_consumer, _) = rows::filled(&self.out_start, rows::NEAR, &reversed);
    }

    /// Calls `visit(consumer node, provider node, dependency)` for every arc of a topology file, in file order.
    fn each_arc(&self, system: &System, mut visit: impl FnMut(u32, u32, u32)) {
        for id in system.service_ids() {
            let nodes = self.operation_nodes(id);
            if nodes.len() > 1 {
                let whole = self.whole_node(id);
                nodes.for_each(|operation| visit(whole, operation, STRUCTURAL));
            }
        }
        for id in system.dependency_ids() {
            let crossing = Crossing::of(system, id);
            let (consumer, provider) = (system.consumer(id), system.provider(id));
            if crossing.channels != Channels(0) {
                self.operations_of(consumer).for_each(|node| visit(node, self.node(provider), id.0));
            }
            if crossing.writes_data {
                self.operations_of(provider).for_each(|node| visit(node, self.node(consumer), id.0 | REVERSED));
            }
        }
    }

    /// Gives back the arcs in the direction of harm, for those who ask no more for [`Self::harmed_by`].
    pub(crate) fn forget_consumers(&mut self) {
        self.out_consumer = Vec::new();
    }

    /// The nodes alone.
    pub(crate) fn without_arcs(self) -> Self {
        Self { first_node: self.first_node, service_of: self.service_of, ..Self::default() }
    }

    /// Number of nodes.
    pub fn node_count(&self) -> usize {
        *self.first_node.last().unwrap_or(&0) as usize
    }

    /// Number of arcs.
    pub fn arc_count(&self) -> usize {
        self.in_provider.len()
    }

    /// The service a node belongs to.
    pub fn service_of(&self, node: u32) -> ServiceId {
        ServiceId(self.service_of.get(node as usize).copied().unwrap_or(node))
    }

    /// Nodes of the operations of a service.
    pub fn operation_nodes(&self, service: ServiceId) -> std::ops::Range<u32> {
        let (first, end) = (self.first_node[service.index()], self.first_node[service.index() + 1]);
        if end - first > 1 { first..end - 1 } else { first..end }
    }

    /// The node that stands for a service as a whole.
    pub fn whole_node(&self, service: ServiceId) -> u32 {
        self.first_node[service.index() + 1] - 1
    }

    /// The node a reference stands for, as a provider.
    pub fn node(&self, endpoint: Endpoint) -> u32 {
        match endpoint.operation {
            Some(operation) => self.first_node[endpoint.service.index()] + operation,
            None => self.whole_node(endpoint.service),
        }
    }

    /// The nodes a reference stands for, as a consumer.
    pub fn operations_of(&self, endpoint: Endpoint) -> std::ops::Range<u32> {
        match endpoint.operation {
            Some(operation) => {
                let node = self.first_node[endpoint.service.index()] + operation;
                node..node + 1
            }
            None => self.operation_nodes(endpoint.service),
        }
    }

    /// Arcs that harm a node, as positions in the arc arrays.
    pub(crate) fn arcs_into(&self, node: u32) -> std::ops::Range<usize> {
        self.in_start[node as usize] as usize..self.in_start[node as usize + 1] as usize
    }

    /// Nodes that a node can harm directly.
    pub(crate) fn harmed_by(&self, node: u32) -> &[u32] {
        &self.out_consumer[self.out_start[node as usize] as usize..self.out_start[node as usize + 1] as usize]
    }
}

/// The dependency behind an arc; `None` for a structural one.
pub(crate) fn dependency_of(arc: u32) -> Option<DependencyId> {
    (arc != STRUCTURAL).then_some(DependencyId(arc & !REVERSED))
}
