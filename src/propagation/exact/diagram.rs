//! States of the frontier method and the steps between them.
//!
//! What must hold: two states with the same words have the same future, and a decision lowers the number that
//! [`Diagram::forget`] returns. O(rules whose source or target is still open) a step.

use super::problem::{Problem, Rule};

/// "Not stored."
const NONE: u32 = u32::MAX;

/// What the future depends on, as words: for each rule whether it is pending (source on, draw open, target off); for each bit
/// whether it is live (off, but may still turn on); then bytes: the value plus one of each draw that several rules wait for (0:
/// open, or of no interest any more), and the inputs of each gate that are on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct State(Box<[u64]>);

impl State {
    fn has(&self, bit: usize) -> bool {
        self.0[bit / 64] >> (bit % 64) & 1 == 1
    }

    fn set(&mut self, bit: usize, on: bool) {
        let mask = 1 << (bit % 64);
        if on {
            self.0[bit / 64] |= mask;
        } else {
            self.0[bit / 64] &= !mask;
        }
    }

    fn byte(&self, at: usize) -> u8 {
        (self.0[at / 8] >> (at % 8 * 8)) as u8
    }

    fn set_byte(&mut self, at: usize, value: u8) {
        let shift = at % 8 * 8;
        self.0[at / 8] = self.0[at / 8] & !(0xFF << shift) | u64::from(value) << shift;
    }
}

/// Positions of the bits that are set in some words.
fn ones(words: &[u64]) -> impl Iterator<Item = usize> {
    words.iter().enumerate().flat_map(|(at, word)| {
        let mut rest = *word;
        std::iter::from_fn(move || {
            let bit = rest.trailing_zeros() as usize;
            (rest != 0).then(|| {
                rest &= rest - 1;
                at * 64 + bit
            })
        })
    })
}

/// A draw that is being decided; 0 stands for none.
#[derive(Debug, Clone, Copy)]
struct Decided {
    variable: u32,
    value: u8,
}

const NOTHING: Decided = Decided { variable: NONE, value: 0 };

/// A problem, indexed.
pub(super) struct Diagram<'a> {
    pub(super) problem: &'a Problem,
    /// Rules out of each bit, gates that each bit feeds, rules that use each variable.
    out: Vec<Vec<u32>>,
    feeds: Vec<Vec<u32>>,
    uses: Vec<Vec<u32>>,
    /// Byte of each variable that several rules wait for; [`NONE`] for the others.
    slot: Vec<u32>,
    /// Rules whose draws are not stored: while they wait, they are open.
    unstored: Vec<bool>,
    /// Words of the pending rules, then of the live bits.
    pending_words: usize,
    live_words: usize,
    /// Byte of the first gate.
    first_gate: usize,
    words: usize,
}

impl<'a> Diagram<'a> {
    pub(super) fn new(problem: &'a Problem) -> Self {
        let mut out = vec![Vec::new(); problem.bits()];
        let mut uses = vec![Vec::new(); problem.variables.len()];
        let mut stored = vec![false; problem.variables.len()];
        for (at, rule) in problem.rules.iter().enumerate() {
            out[rule.source as usize].push(at as u32);
            for condition in &rule.conditions {
                let uses: &mut Vec<u32> = &mut uses[condition.variable as usize];
                uses.push(at as u32);
                stored[condition.variable as usize] |= uses.len() > 1 || rule.conditions.len() > 1;
            }
        }
        let mut feeds = vec![Vec::new(); problem.bits()];
        for (at, gate) in problem.gates.iter().enumerate() {
            gate.inputs.iter().for_each(|input| feeds[*input as usize].push(at as u32));
        }
        let (pending_words, live_words) = (problem.rules.len().div_ceil(64), problem.bits().div_ceil(64));
        let mut next = (pending_words + live_words) as u32 * 8;
        let mut slot = vec![NONE; stored.len()];
        for (slot, _) in slot.iter_mut().zip(&stored).filter(|(_, stored)| **stored) {
            *slot = next;
            next += 1;
        }
        let unstored = problem
            .rules
            .iter()
            .map(|rule| rule.conditions.iter().all(|condition| slot[condition.variable as usize] == NONE))
            .collect();
        let first_gate = next as usize;
        let words = (first_gate + problem.gates.len()).div_ceil(8);
        Self { problem, out, feeds, uses, slot, unstored, pending_words, live_words, first_gate, words }
    }

    /// Everything is off and everything may turn on.
    pub(super) fn all_off(&self) -> State {
        let mut state = State(vec![0; self.words].into_boxed_slice());
        (0..self.problem.bits()).for_each(|bit| state.set(self.live(bit as u32), true));
        state
    }

    fn live(&self, bit: u32) -> usize {
        self.pending_words * 64 + bit as usize
    }

    /// The next variable of an order that matters in a state, and how many matter.
    pub(super) fn next(&self, state: &State, order: &[u32]) -> (Option<u32>, usize) {
        let (mut next, mut open) = (None, 0);
        for at in ones(&state.0[..self.pending_words]) {
            let rule = &self.problem.rules[at];
            let undecided = rule.conditions.iter().map(|condition| condition.variable);
            for variable in undecided.filter(|variable| self.value(state, NOTHING, *variable) == 0) {
                open += 1;
                if next.is_none_or(|best: u32| order[variable as usize] < order[best as usize]) {
                    next = Some(variable);
                }
            }
        }
        (next, open)
    }

    fn value(&self, state: &State, decided: Decided, variable: u32) -> u8 {
        if decided.variable == variable {
            return decided.value;
        }
        match self.slot[variable as usize] {
            NONE => 0,
            slot => state.byte(slot as usize),
        }
    }

    /// Do the conditions of a rule hold? `None` while that is open.
    fn verdict(&self, state: &State, decided: Decided, rule: &Rule) -> Option<bool> {
        let mut all = Some(true);
        for condition in &rule.conditions {
            match self.value(state, decided, condition.variable) {
                0 => all = None,
                value if !condition.holds(u32::from(value) - 1) => return Some(false),
                _ => {}
            }
        }
        all
    }

    /// Gives a variable its value; the bits that this turns on.
    pub(super) fn decide(&self, state: &mut State, variable: u32, value: u32) -> Vec<u32> {
        let decided = Decided { variable, value: value as u8 + 1 };
        if self.slot[variable as usize] != NONE {
            state.set_byte(self.slot[variable as usize] as usize, decided.value);
        }
        let mut on = Vec::new();
        for at in &self.uses[variable as usize] {
            if state.has(*at as usize) {
                let rule = &self.problem.rules[*at as usize];
                let verdict = self.verdict(state, decided, rule);
                state.set(*at as usize, verdict.is_none());
                if verdict == Some(true) {
                    on.push(rule.target);
                }
            }
        }
        self.turn_on(state, on)
    }

    /// Turns bits on, and everything that certainly follows; the bits that were off before.
    pub(super) fn turn_on(&self, state: &mut State, mut stack: Vec<u32>) -> Vec<u32> {
        let mut on = Vec::new();
        while let Some(bit) = stack.pop() {
            if !state.has(self.live(bit)) {
                continue;
            }
            state.set(self.live(bit), false);
            on.push(bit);
            for at in &self.out[bit as usize] {
                let rule = &self.problem.rules[*at as usize];
                if state.has(self.live(rule.target)) {
                    match self.verdict(state, NOTHING, rule) {
                        Some(true) => stack.push(rule.target),
                        Some(false) => {}
                        None => state.set(*at as usize, true),
                    }
                }
            }
            for at in &self.feeds[bit as usize] {
                let count = state.byte(self.first_gate + *at as usize) + 1;
                state.set_byte(self.first_gate + *at as usize, count);
                let gate = &self.problem.gates[*at as usize];
                if u32::from(count) >= gate.need {
                    stack.push(gate.target);
                }
            }
        }
        on
    }

    /// Drops what the future does not depend on; how many draws of rules are still open (0 when nothing can change any more).
    pub(super) fn forget(&self, state: &mut State) -> usize {
        self.find_live(state);
        for (at, gate) in self.problem.gates.iter().enumerate() {
            if !state.has(self.live(gate.target)) {
                state.set_byte(self.first_gate + at, 0);
            }
        }
        let mut left = 0;
        let mut wanted = vec![false; if self.first_gate == self.live_end() * 8 { 0 } else { self.slot.len() }];
        // What refutes a rule has to be remembered as long as its source may turn on.
        let mut look_at = |at: usize| {
            let rule = &self.problem.rules[at];
            if self.unstored[at] {
                left += rule.conditions.len();
                return;
            }
            let refuted = self.verdict(state, NOTHING, rule) == Some(false);
            for condition in &rule.conditions {
                if let Some(wanted) = wanted.get_mut(condition.variable as usize) {
                    *wanted = true;
                }
                left += usize::from(!refuted && self.value(state, NOTHING, condition.variable) == 0);
            }
        };
        for at in ones(&state.0[..self.pending_words]) {
            look_at(at);
        }
        for bit in ones(&state.0[self.pending_words..self.live_end()]) {
            let rules = self.out[bit].iter().map(|at| *at as usize);
            rules.filter(|at| state.has(self.live(self.problem.rules[*at].target))).for_each(&mut look_at);
        }
        for (slot, wanted) in self.slot.iter().zip(wanted) {
            if !wanted && *slot != NONE {
                state.set_byte(*slot as usize, 0);
            }
        }
        left
    }

    fn live_end(&self) -> usize {
        self.pending_words + self.live_words
    }

    /// Drops pending rules whose target is decided, and finds the bits that may still turn on: from the targets of the others
    /// along rules that are not refuted.
    fn find_live(&self, state: &mut State) {
        let before = State(state.0.clone());
        state.0[self.pending_words..self.live_end()].fill(0);
        let mut possible: Vec<u8> = (0..self.problem.gates.len()).map(|at| before.byte(self.first_gate + at)).collect();
        let mut stack: Vec<u32> = Vec::new();
        for at in ones(&before.0[..self.pending_words]) {
            let target = self.problem.rules[at].target;
            if before.has(self.live(target)) {
                stack.push(target);
            } else {
                state.set(at, false);
            }
        }
        while let Some(bit) = stack.pop() {
            if !before.has(self.live(bit)) || state.has(self.live(bit)) {
                continue;
            }
            state.set(self.live(bit), true);
            for at in &self.out[bit as usize] {
                let rule = &self.problem.rules[*at as usize];
                let target = self.live(rule.target);
                if before.has(target)
                    && !state.has(target)
                    && (self.unstored[*at as usize] || self.verdict(state, NOTHING, rule) != Some(false))
                {
                    stack.push(rule.target);
                }
            }
            for at in &self.feeds[bit as usize] {
                possible[*at as usize] += 1;
                let gate = &self.problem.gates[*at as usize];
                if u32::from(possible[*at as usize]) >= gate.need {
                    stack.push(gate.target);
                }
            }
        }
    }
}
