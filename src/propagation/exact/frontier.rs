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

use super::order::orders;
use super::outcome::Sums;
use super::problem::{Problem, Rule};
use super::{ExactSolver, Question, Solver, refuse};
use crate::diagnostic::Diagnostic;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// The most states of one pass.
const MOST_STATES: usize = 1 << 20;
/// The most weights held at a time, 8 bytes each.
const MOST_WEIGHTS: usize = 1 << 24;
/// States of the first, short race between orders; each later round has eight times as many and half of the orders, those
/// that came furthest.
const FIRST_ROUND: usize = 1 << 11;
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

/// A state in full. Values are stored plus one; 0 is "open, or of no interest any more".
#[derive(Debug, Clone, Default)]
struct State {
    /// The source is on, the draw is open, the target is off.
    pending: Vec<bool>,
    /// Off, but may still turn on.
    live: Vec<bool>,
    value: Vec<u8>,
    /// Inputs of each gate that are on.
    count: Vec<u8>,
}

/// States of one level.
#[derive(Debug, Default)]
struct Level {
    index: HashMap<Box<[u64]>, usize>,
    states: Vec<(Box<[u64]>, Weights)>,
}

/// The problem, indexed.
struct Diagram<'a> {
    problem: &'a Problem,
    /// Rules out of each bit, gates that each bit feeds, rules that use each variable.
    out: Vec<Vec<u32>>,
    feeds: Vec<Vec<u32>>,
    uses: Vec<Vec<u32>>,
}

impl<'a> Diagram<'a> {
    fn new(problem: &'a Problem) -> Self {
        let mut out = vec![Vec::new(); problem.bits()];
        let mut uses = vec![Vec::new(); problem.variables.len()];
        for (at, rule) in problem.rules.iter().enumerate() {
            out[rule.source as usize].push(at as u32);
            rule.conditions.iter().for_each(|condition| uses[condition.variable as usize].push(at as u32));
        }
        let mut feeds = vec![Vec::new(); problem.bits()];
        for (at, gate) in problem.gates.iter().enumerate() {
            gate.inputs.iter().for_each(|input| feeds[*input as usize].push(at as u32));
        }
        Self { problem, out, feeds, uses }
    }

    /// One pass in an order, or how far it came when the budget was spent.
    fn run(&self, order: &[u32], budget: usize) -> Result<Found, Spent> {
        let problem = self.problem;
        let mut found = Found { states: 0, on: vec![0.0; problem.bits()], reach: Vec::new() };
        let mut pass = Pass { levels: Vec::new(), ended: Weights::default(), states: 0, weights: 0, widest: 0 };
        let one = Weights { low: 0, by_count: vec![1.0] };
        for (bits, weight) in &problem.sources {
            let mut state = State {
                pending: vec![false; problem.rules.len()],
                live: vec![true; problem.bits()],
                value: vec![0; problem.variables.len()],
                count: vec![0; problem.gates.len()],
            };
            let on = self.turn_on(&mut state, bits.clone());
            pass.settle(self, state, &on, &one, *weight, &mut found.on);
        }
        while let Some(level) = pass.levels.pop() {
            for (key, weights) in level.states {
                found.states += 1;
                pass.weights -= weights.by_count.len();
                let state = self.unpack(&key);
                let open = self.open(&state);
                pass.widest = pass.widest.max(open.len());
                let Some(variable) = open.into_iter().min_by_key(|variable| order[*variable as usize]) else { continue };
                for (value, p) in problem.variables[variable as usize].iter().enumerate().filter(|(_, p)| **p > 0.0) {
                    let mut next = state.clone();
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

    /// Undecided variables of pending rules.
    fn open(&self, state: &State) -> Vec<u32> {
        let pending = self.problem.rules.iter().zip(&state.pending).filter(|(_, pending)| **pending);
        let conditions = pending.flat_map(|(rule, _)| &rule.conditions);
        let mut open: Vec<u32> =
            conditions.map(|condition| condition.variable).filter(|variable| state.value[*variable as usize] == 0).collect();
        open.sort_unstable();
        open.dedup();
        open
    }

    /// Gives a variable its value; the bits that this turns on.
    fn decide(&self, state: &mut State, variable: u32, value: u32) -> Vec<u32> {
        state.value[variable as usize] = value as u8 + 1;
        let mut on = Vec::new();
        for at in &self.uses[variable as usize] {
            let rule = &self.problem.rules[*at as usize];
            if state.pending[*at as usize] {
                match state.verdict(rule) {
                    Some(true) => on.push(rule.target),
                    Some(false) => state.pending[*at as usize] = false,
                    None => {}
                }
            }
        }
        self.turn_on(state, on)
    }

    /// Turns bits on, and everything that certainly follows; the bits that were off before.
    fn turn_on(&self, state: &mut State, mut stack: Vec<u32>) -> Vec<u32> {
        let mut on = Vec::new();
        while let Some(bit) = stack.pop() {
            if !std::mem::replace(&mut state.live[bit as usize], false) {
                continue;
            }
            on.push(bit);
            for at in &self.out[bit as usize] {
                let rule = &self.problem.rules[*at as usize];
                if state.live[rule.target as usize] {
                    match state.verdict(rule) {
                        Some(true) => stack.push(rule.target),
                        Some(false) => {}
                        None => state.pending[*at as usize] = true,
                    }
                }
            }
            for at in &self.feeds[bit as usize] {
                let gate = &self.problem.gates[*at as usize];
                state.count[*at as usize] += 1;
                if u32::from(state.count[*at as usize]) >= gate.need {
                    stack.push(gate.target);
                }
            }
        }
        on
    }

    /// Drops what the future does not depend on; how many draws of rules are still open (0 when nothing can change any more).
    fn forget(&self, state: &mut State) -> usize {
        let problem = self.problem;
        // Bits that may still turn on: from the targets of pending rules, along rules that are not refuted.
        let before = std::mem::replace(&mut state.live, vec![false; problem.bits()]);
        let mut possible = state.count.clone();
        let mut stack: Vec<u32> = Vec::new();
        for (rule, pending) in problem.rules.iter().zip(&mut state.pending) {
            *pending &= before[rule.target as usize];
            if *pending {
                stack.push(rule.target);
            }
        }
        while let Some(bit) = stack.pop() {
            if !before[bit as usize] || std::mem::replace(&mut state.live[bit as usize], true) {
                continue;
            }
            for at in &self.out[bit as usize] {
                let rule = &problem.rules[*at as usize];
                if state.verdict(rule) != Some(false) {
                    stack.push(rule.target);
                }
            }
            for at in &self.feeds[bit as usize] {
                possible[*at as usize] += 1;
                if u32::from(possible[*at as usize]) >= problem.gates[*at as usize].need {
                    stack.push(problem.gates[*at as usize].target);
                }
            }
        }
        for (gate, count) in problem.gates.iter().zip(&mut state.count) {
            if !state.live[gate.target as usize] {
                *count = 0;
            }
        }
        let (mut left, mut wanted) = (0, vec![false; problem.variables.len()]);
        for (rule, pending) in problem.rules.iter().zip(&state.pending) {
            let waits = *pending || (state.live[rule.source as usize] && state.live[rule.target as usize]);
            if !waits {
                continue;
            }
            // What refutes a rule has to be remembered as long as its source may turn on.
            let refuted = state.verdict(rule) == Some(false);
            for condition in &rule.conditions {
                wanted[condition.variable as usize] = true;
                left += usize::from(!refuted && state.value[condition.variable as usize] == 0);
            }
        }
        for (value, wanted) in state.value.iter_mut().zip(wanted) {
            *value = if wanted { *value } else { 0 };
        }
        left
    }

    fn pack(&self, state: &State) -> Box<[u64]> {
        let bits = state.pending.chunks(64).chain(state.live.chunks(64));
        let words = bits.map(|chunk| chunk.iter().rev().fold(0, |word, bit| word << 1 | u64::from(*bit)));
        let bytes = state.value.chunks(8).chain(state.count.chunks(8));
        words.chain(bytes.map(|chunk| chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)))).collect()
    }

    fn unpack(&self, key: &[u64]) -> State {
        let problem = self.problem;
        let mut words = key.iter();
        let mut take = |size: usize, per_word: usize| -> Vec<u64> {
            let mask = (1_u64 << (64 / per_word)) - 1;
            let mut parts = Vec::with_capacity(size);
            while parts.len() < size {
                let word = words.next().copied().unwrap_or_default();
                let rest = size - parts.len();
                parts.extend((0..per_word.min(rest)).map(|at| word >> (at * (64 / per_word)) & mask));
            }
            parts
        };
        let flags = |parts: Vec<u64>| parts.into_iter().map(|bit| bit == 1).collect();
        let bytes = |parts: Vec<u64>| parts.into_iter().map(|byte| byte as u8).collect();
        State {
            pending: flags(take(problem.rules.len(), 64)),
            live: flags(take(problem.bits(), 64)),
            value: bytes(take(problem.variables.len(), 8)),
            count: bytes(take(problem.gates.len(), 8)),
        }
    }
}

impl State {
    /// Do the conditions of a rule hold? `None` while that is open.
    fn verdict(&self, rule: &Rule) -> Option<bool> {
        let mut all = Some(true);
        for condition in &rule.conditions {
            match self.value[condition.variable as usize] {
                0 => all = None,
                value if !condition.holds(u32::from(value) - 1) => return Some(false),
                _ => {}
            }
        }
        all
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
        let at = match level.index.entry(diagram.pack(&state)) {
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
