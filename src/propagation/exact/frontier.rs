//! The frontier method: worlds unfold draw by draw, and those that cannot differ any more are merged.
//!
//! A state holds what the future depends on: the rules whose source is on and whose draw is still open, the bits that are off but
//! may still turn on, the values of draws that other rules wait for, and how far each gate is. Everything else is dropped, so
//! two histories with the same state are one (a decision diagram built from the top, level by level; Hardy, Lucet, Limnios 2007
//! carry reliability along a frontier in the same manner). Only draws that matter are decided: those with a source that is on.
//! That makes the method an exploration from the faults, which handles cycles as it does trees.
//!
//! Each state carries its weight by number of impaired services (a generating function), so one pass gives P(on) of every bit
//! and the distribution of reach. States are visited in the order of a measure that every decision lowers, and summed in the
//! order in which they were found: the same bits on every machine. O(states × rules); the number of states is exponential in
//! the width of the system, not in its size.

use super::diagram::{Diagram, State};
use super::order::orders;
use super::outcome::Sums;
use super::problem::Problem;
use super::{ExactSolver, Question, Solver, refuse};
use crate::diagnostic::Diagnostic;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The most states of one pass.
const MOST_STATES: usize = 1 << 18;
/// The most weights held at a time, 8 bytes each.
const MOST_WEIGHTS: usize = 1 << 24;
/// States of the first, short race between orders; each later round has eight times as many and half of the orders, those
/// that came furthest.
const FIRST_ROUND: usize = 1 << 12;
/// The most inputs of a gate, values of a variable.
const MOST_VALUES: usize = 250;

/// The frontier method.
pub(super) struct Frontier;

impl ExactSolver for Frontier {
    fn name(&self) -> Solver {
        Solver::Frontier
    }

    fn answer(&self, question: &Question<'_>) -> Result<Sums, Diagnostic> {
        let problem = Problem::new(question)?;
        let largest = problem.gates.iter().map(|gate| gate.inputs.len()).chain(problem.variables.iter().map(Vec::len)).max();
        if largest.is_some_and(|largest| largest > MOST_VALUES) {
            return Err(refuse(format!("the frontier method is for gates of up to {MOST_VALUES} providers")));
        }
        let diagram = Diagram::new(&problem);
        let mut orders = orders(&problem);
        let (mut budget, mut widest) = (FIRST_ROUND, 0);
        while budget <= MOST_STATES {
            let mut left = Vec::new();
            for order in orders {
                match diagram.run(&order, budget) {
                    Ok(found) => return Ok(problem.sums(Solver::Frontier, found.states as u64, &found.on, &found.reach)),
                    Err(spent) => left.push((spent, order)),
                }
            }
            left.sort_by_key(|(spent, _)| spent.levels_left);
            left.truncate(left.len().div_ceil(2));
            widest = left.first().map_or(0, |(spent, _)| spent.widest);
            orders = left.into_iter().map(|(_, order)| order).collect();
            budget *= 8;
        }
        Err(refuse(format!(
            "the frontier method is for up to {MOST_STATES} states: {} uncertain draws with {widest} open at a time need more",
            problem.uncertain()
        )))
    }
}

/// How far a pass came that ran out of states.
struct Spent {
    levels_left: usize,
    /// Draws that were open at a time.
    widest: usize,
}

/// What a pass found.
struct Found {
    states: usize,
    /// P(bit is on).
    on: Vec<f64>,
    /// P(reach = n).
    reach: Vec<f64>,
}

/// Weight by number of impaired services, from `low` on.
#[derive(Debug, Clone, Default)]
struct Weights {
    low: usize,
    by_count: Vec<f64>,
}

impl Weights {
    fn total(&self) -> f64 {
        self.by_count.iter().sum()
    }

    /// Adds `factor` times another, moved up by `shift`.
    fn add(&mut self, other: &Self, shift: usize, factor: f64) {
        let low = other.low + shift;
        if self.by_count.is_empty() {
            self.low = low;
        } else if low < self.low {
            self.by_count.splice(0..0, std::iter::repeat_n(0.0, self.low - low));
            self.low = low;
        }
        let first = low - self.low;
        if self.by_count.len() < first + other.by_count.len() {
            self.by_count.resize(first + other.by_count.len(), 0.0);
        }
        for (sum, weight) in self.by_count[first..].iter_mut().zip(&other.by_count) {
            *sum += weight * factor;
        }
    }
}

/// States of one level.
#[derive(Debug, Default)]
struct Level {
    index: HashMap<State, usize>,
    states: Vec<(State, Weights)>,
}

impl Diagram<'_> {
    /// One pass in an order, or how far it came when the budget was spent.
    fn run(&self, order: &[u32], budget: usize) -> Result<Found, Spent> {
        let problem = self.problem;
        let mut found = Found { states: 0, on: vec![0.0; problem.bits()], reach: Vec::new() };
        let mut pass = Pass { levels: Vec::new(), ended: Weights::default(), states: 0, weights: 0, widest: 0 };
        let one = Weights { low: 0, by_count: vec![1.0] };
        for (bits, weight) in &problem.sources {
            let mut state = self.all_off();
            let on = self.turn_on(&mut state, bits.clone());
            pass.settle(self, state, &on, &one, *weight, &mut found.on);
        }
        while let Some(level) = pass.levels.pop() {
            for (key, weights) in level.states {
                found.states += 1;
                pass.weights -= weights.by_count.len();
                let (variable, open) = self.next(&key, order);
                pass.widest = pass.widest.max(open);
                let Some(variable) = variable else { continue };
                for (value, p) in problem.variables[variable as usize].iter().enumerate().filter(|(_, p)| **p > 0.0) {
                    let mut next = key.clone();
                    let on = self.decide(&mut next, variable, value as u32);
                    pass.settle(self, next, &on, &weights, *p, &mut found.on);
                }
                if pass.states > budget || pass.weights > MOST_WEIGHTS {
                    return Err(Spent { levels_left: pass.levels.len(), widest: pass.widest });
                }
            }
        }
        found.reach = vec![0.0; pass.ended.low];
        found.reach.extend(pass.ended.by_count);
        Ok(found)
    }
}

/// A pass at work.
struct Pass {
    /// States by the number of open draws that their rules have left.
    levels: Vec<Level>,
    /// Worlds in which nothing can change any more.
    ended: Weights,
    states: usize,
    weights: usize,
    widest: usize,
}

impl Pass {
    /// Books a state that was reached with `factor` times the weights of the one before, turning some bits on.
    fn settle(&mut self, diagram: &Diagram<'_>, mut state: State, on: &[u32], before: &Weights, factor: f64, sums: &mut [f64]) {
        let mass = before.total() * factor;
        let mut shift = 0;
        for bit in on {
            sums[*bit as usize] += mass;
            shift += usize::from(diagram.problem.counted[*bit as usize]);
        }
        let left = diagram.forget(&mut state);
        if left == 0 {
            self.ended.add(before, shift, factor);
            return;
        }
        if self.levels.len() <= left {
            self.levels.resize_with(left + 1, Level::default);
        }
        let level = &mut self.levels[left];
        let at = match level.index.entry(state) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(free) => {
                self.states += 1;
                let at = level.states.len();
                level.states.push((free.key().clone(), Weights::default()));
                *free.insert(at)
            }
        };
        let weights = &mut level.states[at].1;
        let held = weights.by_count.len();
        weights.add(before, shift, factor);
        self.weights += weights.by_count.len() - held;
    }
}
