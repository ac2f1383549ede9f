//! Orders in which the frontier method may decide variables. Any order gives the same answer; they differ in how many worlds
//! stay apart on the way. The best order is NP-hard to find, so several cheap ones are offered and raced.

use super::problem::Problem;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Rank of each variable, for several orders.
pub(super) fn orders(problem: &Problem) -> Vec<Vec<u32>> {
    let ends = Ends::new(problem);
    let greedy = ends.greedy(problem);
    let breadth = ends.breadth_first(problem);
    let plain: BTreeMap<u32, u32> = breadth.keys().map(|vertex| (*vertex, *vertex)).collect();
    let mut orders = vec![greedy, ends.by_last_end(&breadth), ends.by_last_end(&plain), ends.by_first_end(&plain)];
    let mut seen = BTreeSet::new();
    orders.retain(|order| seen.insert(order.clone()));
    orders
}

/// The vertices that each variable connects, ascending.
struct Ends(Vec<Vec<u32>>);

impl Ends {
    fn new(problem: &Problem) -> Self {
        let mut ends = vec![BTreeSet::new(); problem.variables.len()];
        for rule in &problem.rules {
            for condition in &rule.conditions {
                ends[condition.variable as usize]
                    .extend([problem.vertex[rule.source as usize], problem.vertex[rule.target as usize]]);
            }
        }
        Self(ends.into_iter().map(|ends| ends.into_iter().collect()).collect())
    }

    /// Variables as soon as all vertices that they connect were seen.
    fn by_last_end(&self, position: &BTreeMap<u32, u32>) -> Vec<u32> {
        self.ranks(|ends| {
            let mut at: Vec<u32> = ends.iter().map(|vertex| position[vertex]).collect();
            at.sort_unstable_by(|a, b| b.cmp(a));
            at
        })
    }

    /// Variables as soon as one of their vertices was seen.
    fn by_first_end(&self, position: &BTreeMap<u32, u32>) -> Vec<u32> {
        self.ranks(|ends| {
            let mut at: Vec<u32> = ends.iter().map(|vertex| position[vertex]).collect();
            at.sort_unstable();
            at
        })
    }

    fn ranks(&self, key: impl Fn(&[u32]) -> Vec<u32>) -> Vec<u32> {
        let mut sorted: Vec<(Vec<u32>, usize)> = self.0.iter().enumerate().map(|(at, ends)| (key(ends), at)).collect();
        sorted.sort();
        let mut rank = vec![0; self.0.len()];
        for (position, (_, variable)) in sorted.into_iter().enumerate() {
            rank[variable] = position as u32;
        }
        rank
    }

    /// Positions of the vertices in a breadth-first walk from the sources, neighbours with few variables first (Cuthill, McKee
    /// 1969). Certain rules connect too.
    fn breadth_first(&self, problem: &Problem) -> BTreeMap<u32, u32> {
        let mut near: BTreeMap<u32, BTreeSet<u32>> = problem.vertex.iter().map(|vertex| (*vertex, BTreeSet::new())).collect();
        let gates = problem.gates.iter().flat_map(|gate| gate.inputs.iter().map(|input| (*input, gate.target)));
        for (a, b) in problem.rules.iter().map(|rule| (rule.source, rule.target)).chain(gates) {
            let (a, b) = (problem.vertex[a as usize], problem.vertex[b as usize]);
            near.entry(a).or_default().insert(b);
            near.entry(b).or_default().insert(a);
        }
        let sources = problem.sources.iter().flat_map(|(bits, _)| bits.iter().map(|bit| problem.vertex[*bit as usize]));
        let starts = std::iter::once(sources.collect()).chain(near.keys().map(|vertex| VecDeque::from([*vertex])));
        let mut position = BTreeMap::new();
        for mut queue in starts {
            while let Some(vertex) = queue.pop_front() {
                let next_position = position.len() as u32;
                if let Entry::Vacant(free) = position.entry(vertex) {
                    free.insert(next_position);
                    let mut next: Vec<u32> = near[&vertex].iter().copied().collect();
                    next.sort_by_key(|next| near[next].len());
                    queue.extend(next);
                }
            }
        }
        position
    }

    /// Always the variable that leaves the fewest vertices half done: with some of their variables decided and some not. Ties go
    /// to the vertex that has waited longest. O(variables²).
    fn greedy(&self, problem: &Problem) -> Vec<u32> {
        let mut left: BTreeMap<u32, i32> = BTreeMap::new();
        self.0.iter().flatten().for_each(|vertex| *left.entry(*vertex).or_insert(0) += 1);
        let mut opened: BTreeMap<u32, usize> = BTreeMap::new();
        for (bits, _) in &problem.sources {
            bits.iter().for_each(|bit| {
                opened.insert(problem.vertex[*bit as usize], 0);
            });
        }
        let mut rank = vec![0; self.0.len()];
        let mut waiting: Vec<usize> = (0..self.0.len()).collect();
        for step in 0..self.0.len() {
            let cost = |variable: usize| {
                let ends = &self.0[variable];
                let change: i32 =
                    ends.iter().map(|vertex| i32::from(!opened.contains_key(vertex)) - i32::from(left[vertex] == 1)).sum();
                let oldest = ends.iter().filter_map(|vertex| opened.get(vertex)).min();
                (oldest.is_none(), change, oldest.copied(), variable)
            };
            let Some(at) = (0..waiting.len()).min_by_key(|at| cost(waiting[*at])) else { break };
            let variable = waiting.swap_remove(at);
            rank[variable] = step as u32;
            for vertex in &self.0[variable] {
                opened.entry(*vertex).or_insert(step + 1);
                left.entry(*vertex).and_modify(|left| *left -= 1);
            }
        }
        rank
    }
}
