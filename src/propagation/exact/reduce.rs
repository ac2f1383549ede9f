//! Series-parallel reduction of a network of independent arcs that keeps the whole distribution of reach.
//!
//! An arc has two weights, for "live" and "dead", and a vertex has one for "on". With numbers these are probabilities; with
//! polynomials in z they are generating functions that count impaired services, so that a vertex can be reduced away although
//! it counts. With u → v of weights (d₁, l₁), v of weight w and v → t of (d₂, l₂), for v with no other arcs:
//!
//! - series: u → t with d = d₁ + l₁ w d₂ and l = l₁ w l₂;
//! - pendant (no second arc): u gets the factor d₁ + l₁ w;
//! - parallel arcs u → v: d = d₁ d₂ and l = d₁ l₂ + l₁ d₂ + l₁ l₂;
//! - an arc into what is on whenever its start is on: its start gets the factor d + l;
//! - a certain arc out of the source: its end joins the source.
//!
//! Satyanarayana and Wood (1985) give the scalar rules for reliability; the weights carry over because each step sums over the
//! same worlds.

/// A number, polynomial or number with slopes.
pub(super) trait Weight: Clone {
    /// 1.
    fn one() -> Self;
    fn plus(&self, other: &Self) -> Self;
    fn times(&self, other: &Self) -> Self;
    fn is_zero(&self) -> bool;
}

/// An arc of a network.
#[derive(Debug, Clone)]
pub(super) struct Arc<W> {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) dead: W,
    pub(super) live: W,
}

/// The vertex of everything that is on for certain.
pub(super) const SOURCE: usize = 0;

/// A network. The weight of [`SOURCE`] is the weight of all worlds so far.
#[derive(Debug, Clone)]
pub(super) struct Network<W> {
    pub(super) arcs: Vec<Arc<W>>,
    pub(super) on: Vec<W>,
}

impl<W: Weight> Network<W> {
    /// Reduces until no rule applies. Without arcs left the weight of the source is the sum over all worlds. O(vertices × arcs)
    /// for each round, at most one round an arc.
    pub(super) fn reduce(&mut self) {
        loop {
            let before = self.arcs.len();
            self.drop_unreachable();
            self.absorb_loops();
            self.merge_parallel();
            if self.join_certain() {
                continue;
            }
            self.shorten();
            if self.arcs.len() == before {
                return;
            }
        }
    }

    /// Lets a vertex join the source.
    pub(super) fn join(&mut self, vertex: usize) {
        self.multiply(SOURCE, &self.on[vertex].clone());
        for arc in &mut self.arcs {
            for end in [&mut arc.from, &mut arc.to] {
                if *end == vertex {
                    *end = SOURCE;
                }
            }
        }
    }

    /// Multiplies the weight of a vertex.
    pub(super) fn multiply(&mut self, vertex: usize, factor: &W) {
        self.on[vertex] = self.on[vertex].times(factor);
    }

    fn drop_unreachable(&mut self) {
        let mut out = vec![Vec::new(); self.on.len()];
        self.arcs.iter().for_each(|arc| out[arc.from].push(arc.to));
        let mut reached = vec![false; self.on.len()];
        let mut stack = vec![SOURCE];
        while let Some(vertex) = stack.pop() {
            if !std::mem::replace(&mut reached[vertex], true) {
                stack.extend_from_slice(&out[vertex]);
            }
        }
        self.arcs.retain(|arc| reached[arc.from]);
    }

    /// Arcs back to the source change nothing, only their two weights remain.
    fn absorb_loops(&mut self) {
        for arc in std::mem::take(&mut self.arcs) {
            if arc.to == SOURCE || arc.to == arc.from {
                self.multiply(arc.from, &arc.dead.plus(&arc.live));
            } else {
                self.arcs.push(arc);
            }
        }
    }

    fn merge_parallel(&mut self) {
        self.arcs.sort_by_key(|arc| (arc.from, arc.to));
        let mut merged: Vec<Arc<W>> = Vec::with_capacity(self.arcs.len());
        for arc in self.arcs.drain(..) {
            match merged.last_mut() {
                Some(last) if (last.from, last.to) == (arc.from, arc.to) => {
                    let either = last.dead.times(&arc.live).plus(&last.live.times(&arc.dead.plus(&arc.live)));
                    (last.dead, last.live) = (last.dead.times(&arc.dead), either);
                }
                _ => merged.push(arc),
            }
        }
        self.arcs = merged;
    }

    fn join_certain(&mut self) -> bool {
        let Some(at) = self.arcs.iter().position(|arc| arc.from == SOURCE && arc.dead.is_zero()) else { return false };
        let arc = self.arcs.remove(at);
        self.multiply(SOURCE, &arc.live);
        self.join(arc.to);
        true
    }

    /// Reduces vertices with one arc in and at most one out.
    fn shorten(&mut self) {
        for vertex in 1..self.on.len() {
            let mut into = (0..self.arcs.len()).filter(|at| self.arcs[*at].to == vertex);
            let (Some(first), None) = (into.next(), into.next()) else { continue };
            let parent = self.arcs[first].from;
            // The vertex is on only after its parent: arcs back to it change nothing.
            while let Some(at) = self.arcs.iter().position(|arc| arc.from == vertex && arc.to == parent) {
                let back = self.arcs.remove(at);
                self.multiply(vertex, &back.dead.plus(&back.live));
            }
            let out: Vec<usize> = (0..self.arcs.len()).filter(|at| self.arcs[*at].from == vertex).collect();
            let Some(first) = self.arcs.iter().position(|arc| arc.to == vertex) else { continue };
            match out.as_slice() {
                [] => {
                    let arc = self.arcs.remove(first);
                    let factor = arc.dead.plus(&arc.live.times(&self.on[vertex]));
                    self.multiply(parent, &factor);
                }
                [second] => {
                    let through = self.arcs[first].live.times(&self.on[vertex]);
                    let next = &self.arcs[*second];
                    let (dead, live) = (self.arcs[first].dead.plus(&through.times(&next.dead)), through.times(&next.live));
                    self.arcs[first] = Arc { from: parent, to: next.to, dead, live };
                    self.arcs.remove(*second);
                }
                _ => {}
            }
        }
    }
}
