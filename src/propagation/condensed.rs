//! One world after another, condensed: what fails together is one component, and all sources go through the components once.
//!
//! In a sampled world the live arcs are few and their strongly connected components few more than a handful are large. Components
//! come out of Tarjan's algorithm in topological order, so that one pass over them carries the masks of 512 sources at a time to
//! everything they reach: no worklist, and no arc inside a component is looked at twice. What must hold: the worlds are those of
//! one source at a time, so the sums are the same integers.
//!
//! O(arcs) a world, and O(live arcs + components) mask operations a world and 512 sources. Plain failures only.
//! Source: R. Tarjan, SIAM Journal on Computing 1 (1972) 146–160; N. Ohsaka et al., AAAI 2014 (condensed worlds shared by all
//! sources).

use super::count::{PLANES, add_eight, add_from};
use super::plan::Plan;
use crate::lanes::{Lanes, Mask, Work};
use crate::random::LANES;

const NONE: u32 = u32::MAX;

/// Live arcs of one world, and its components; reused from world to world.
#[derive(Debug, Default)]
pub(super) struct Condensed {
    /// Live arcs into each node: where its sources start.
    start: Vec<u32>,
    source: Vec<u32>,
    /// Of each node: its component. Numbers rise from cause to effect.
    component: Vec<u32>,
    /// Nodes of each component, and the components that lead there, in rows.
    size: Vec<u32>,
    lead_start: Vec<u32>,
    lead: Vec<u32>,
    search: Search,
}

/// Work space of the search for components.
#[derive(Debug, Default)]
struct Search {
    /// When a node was met, from 0.
    met: Vec<u32>,
    /// The earliest node on the stack that it leads back to.
    low: Vec<u32>,
    /// Nodes without a component yet.
    stack: Vec<u32>,
    /// Nodes at work, each with its next arc.
    path: Vec<(u32, u32)>,
}

impl Condensed {
    /// Takes the world of which `words` hold bit `bit` for every arc of the plan.
    pub(super) fn enter(&mut self, plan: &Plan, words: &[u64], bit: u64) {
        debug_assert!(bit < LANES);
        self.start.clear();
        self.source.clear();
        // One more than all arcs, so that every arc may be written before it is known to be live.
        self.source.resize(words.len() + 1, 0);
        let mut live = 0;
        for node in 0..plan.len() {
            self.start.push(live as u32);
            let arcs = plan.arcs_into(node);
            for (source, word) in plan.in_source[arcs.clone()].iter().zip(&words[arcs]) {
                self.source[live] = *source;
                live += (word >> bit & 1) as usize;
            }
        }
        self.start.push(live as u32);
        self.condense(plan.len());
    }

    fn sources(&self, node: u32) -> std::ops::Range<u32> {
        self.start[node as usize]..self.start[node as usize + 1]
    }

    /// Numbers the components. Arcs are followed from effect to cause, so causes are complete first.
    fn condense(&mut self, nodes: usize) {
        self.component.clear();
        self.component.resize(nodes, NONE);
        self.size.clear();
        self.lead.clear();
        self.lead_start.clear();
        self.search.met.clear();
        self.search.met.resize(nodes, NONE);
        self.search.low.resize(nodes, 0);
        let mut met = 0;
        for root in 0..nodes as u32 {
            if self.search.met[root as usize] != NONE {
                continue;
            }
            self.meet(root, &mut met);
            while let Some((node, next)) = self.search.path.last().copied() {
                if next < self.sources(node).end {
                    if let Some((_, next)) = self.search.path.last_mut() {
                        *next += 1;
                    }
                    let source = self.source[next as usize];
                    if self.search.met[source as usize] == NONE {
                        self.meet(source, &mut met);
                    } else if self.component[source as usize] == NONE {
                        self.lower(node, self.search.met[source as usize]);
                    }
                    continue;
                }
                self.search.path.pop();
                let low = self.search.low[node as usize];
                if low == self.search.met[node as usize] {
                    self.complete(node);
                }
                if let Some((consumer, _)) = self.search.path.last().copied() {
                    self.lower(consumer, low);
                }
            }
        }
        self.lead_start.push(self.lead.len() as u32);
    }

    fn meet(&mut self, node: u32, met: &mut u32) {
        self.search.met[node as usize] = *met;
        self.search.low[node as usize] = *met;
        *met += 1;
        self.search.stack.push(node);
        self.search.path.push((node, self.start[node as usize]));
    }

    fn lower(&mut self, node: u32, to: u32) {
        let low = &mut self.search.low[node as usize];
        *low = (*low).min(to);
    }

    /// Takes a component off the stack, down to the node by which it was met.
    fn complete(&mut self, first: u32) {
        let (number, mut size) = (self.size.len() as u32, 0);
        let from = self.search.stack.iter().rposition(|node| *node == first).unwrap_or(0);
        for node in &self.search.stack[from..] {
            self.component[*node as usize] = number;
            size += 1;
        }
        self.lead_start.push(self.lead.len() as u32);
        for node in self.search.stack.drain(from..) {
            for at in self.start[node as usize]..self.start[node as usize + 1] {
                let leads = self.component[self.source[at as usize] as usize];
                if leads != number {
                    self.lead.push(leads);
                }
            }
        }
        self.size.push(size);
    }
}

/// Adds one to the counter of each source for every node that it reaches; plane i holds digit i.
pub(super) struct Spreading<'a> {
    pub(super) world: &'a Condensed,
    /// Sources by node.
    pub(super) seeds: &'a [(usize, Mask)],
    /// Sources that reach a component; work space.
    pub(super) masks: &'a mut Vec<Mask>,
    pub(super) planes: &'a mut [Mask; PLANES],
}

impl Work for Spreading<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes>(self, machine: V::Machine) {
        let Self { world, seeds, masks, .. } = self;
        masks.clear();
        masks.resize(world.size.len(), Mask::NONE);
        let mut first = world.size.len();
        for (node, mask) in seeds {
            let component = world.component[*node] as usize;
            masks[component] = masks[component].or(*mask);
            first = first.min(component);
        }
        let mut planes: [V; PLANES] = [V::splat(machine, 0); PLANES];
        for (plane, stored) in planes.iter_mut().zip(&*self.planes) {
            *plane = V::load(machine, stored);
        }
        let (mut single, mut singles) = ([V::splat(machine, 0); 8], 0);
        for component in first..world.size.len() {
            let mut reached = V::load(machine, &masks[component]);
            for at in world.lead_start[component]..world.lead_start[component + 1] {
                reached = reached.or(V::load(machine, &masks[world.lead[at as usize] as usize]));
            }
            if reached.is_none() {
                continue;
            }
            reached.store(&mut masks[component]);
            if world.size[component] > 1 {
                add_times(&mut planes, reached, world.size[component]);
                continue;
            }
            // Eight at a time go through a tree of full adders, so that a carry is rare.
            single[singles] = reached;
            singles += 1;
            if singles == 8 {
                let carry = add_eight(&mut planes, single);
                add_from(&mut planes, carry, 3);
                (single, singles) = ([V::splat(machine, 0); 8], 0);
            }
        }
        let carry = add_eight(&mut planes, single);
        add_from(&mut planes, carry, 3);
        for (plane, stored) in planes.iter().zip(self.planes) {
            plane.store(stored);
        }
    }
}

/// Adds a number to the counters of some lanes.
#[inline(always)]
fn add_times<V: Lanes>(planes: &mut [V; PLANES], lanes: V, number: u32) {
    for digit in 0..PLANES {
        if number >> digit & 1 == 1 {
            add_from(planes, lanes, digit);
        }
    }
}
