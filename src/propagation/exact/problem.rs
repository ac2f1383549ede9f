//! A question without a clock as bits, random variables and monotone rules.
//!
//! A bit is a harm at a node: errors, delay or wrong data; "a service is impaired"; or "this provider is lost to that gate". A
//! rule says that one bit turns another on when its variables took certain values. Entries that serve several arcs (pairs of
//! operations, several channels) are one variable, as they are one draw (semantics 3). The least fixpoint of the rules in a
//! world is what the static kernel finds in it.
//!
//! Exact reductions happen here: bits that no source can turn on or that nothing asked depends on, rules that cannot fire and
//! variables that no rule uses are left out; rules that always fire carry no variable. O(nodes + arcs).

use super::outcome::Sums;
use super::worlds::{Below, Worldset};
use super::{Question, refuse};
use crate::diagnostic::Diagnostic;
use crate::model::facts::Channels;
use crate::propagation::plan::{INSIDE, Plan};
use crate::propagation::result::Solver;
use crate::random::{Key, Threshold};
use crate::statistics::CompensatedSum;

/// The most rules of a problem: every step of a solver goes through all of them.
const MOST_RULES: usize = 20_000;

pub(super) const E: u32 = 0;
pub(super) const L: u32 = 1;
pub(super) const D: u32 = 2;
pub(super) const CHANNELS: u32 = 3;

/// "This variable took one of these values."
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) variable: u32,
    pub(super) from: u32,
    pub(super) to: u32,
}

impl Condition {
    pub(super) fn holds(&self, value: u32) -> bool {
        (self.from..self.to).contains(&value)
    }
}

/// `source` turns `target` on when all conditions hold.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) source: u32,
    pub(super) target: u32,
    pub(super) conditions: Vec<Condition>,
}

/// Turns `target` on when at least `need` of the inputs are on.
#[derive(Debug, Clone)]
pub(super) struct ThresholdGate {
    pub(super) target: u32,
    pub(super) need: u32,
    pub(super) inputs: Vec<u32>,
}

/// Bits asked for one label: impaired, down, corrupt; `None` for those that stay off.
pub(super) type LabelBits = [Option<u32>; 3];

/// A question as bits, variables and rules.
#[derive(Debug, Default)]
pub(super) struct Problem {
    pub(super) rules: Vec<Rule>,
    pub(super) gates: Vec<ThresholdGate>,
    /// Weights of the values of each variable.
    pub(super) variables: Vec<Vec<f64>>,
    /// Bits that the faults turn on, with the weight of each way to hit.
    pub(super) sources: Vec<(Vec<u32>, f64)>,
    /// The node of each bit, in processing order: only a hint for the order of work.
    pub(super) vertex: Vec<u32>,
    /// Does the bit count towards reach?
    pub(super) counted: Vec<bool>,
    pub(super) labels: Vec<LabelBits>,
}

impl Problem {
    /// Translates a question.
    pub(super) fn new(question: &Question<'_>) -> Result<Self, Diagnostic> {
        let plan = question.plan;
        if plan.in_source.len() > MOST_RULES {
            return Err(refuse(format!(
                "factoring and the frontier method are for up to {MOST_RULES} dependencies: here are {}",
                plan.in_source.len()
            )));
        }
        let set = Worldset::of(plan);
        let mut builder = Builder { plan, set: &set, problem: Self::default(), next: plan.len() as u32 * CHANNELS };
        builder.labels(question.labels);
        builder.arcs();
        builder.problem.variables = set.entities.iter().map(|entity| entity.weights.clone()).collect();
        builder.hits(question)?;
        let mut problem = builder.problem;
        problem.reduce();
        Ok(problem)
    }

    /// Number of bits.
    pub(super) fn bits(&self) -> usize {
        self.vertex.len()
    }

    /// Number of draws that matter.
    pub(super) fn uncertain(&self) -> usize {
        self.variables.len()
    }

    /// Sums from P(bit is on) and from P(reach = n).
    pub(super) fn sums(&self, solver: Solver, cases: u64, on: &[f64], reach: &[f64]) -> Sums {
        let mut sums = Sums::new(solver, self.labels.len(), 0);
        sums.worlds = cases;
        let p = |bit: Option<u32>| CompensatedSum::from(bit.map_or(0.0, |bit| on[bit as usize]));
        for (service, [impaired, down, corrupt]) in sums.services.iter_mut().zip(&self.labels) {
            (service.impaired, service.down, service.corrupt) = (p(*impaired), p(*down), p(*corrupt));
        }
        for (count, weight) in reach.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            sums.reach.add(count as u64, *weight);
        }
        sums
    }

    /// Leaves out what cannot happen and numbers the rest anew.
    fn reduce(&mut self) {
        let (possible, asked) = (self.possible(), self.asked());
        let can: Vec<bool> = possible.into_iter().zip(asked).map(|(possible, asked)| possible && asked).collect();
        let rank: Vec<u32> = can
            .iter()
            .scan(0, |next, can| {
                let rank = *next;
                *next += u32::from(*can);
                Some(rank)
            })
            .collect();
        self.vertex = self.vertex.iter().zip(&can).filter(|(_, can)| **can).map(|(vertex, _)| *vertex).collect();
        self.counted = self.counted.iter().zip(&can).filter(|(_, can)| **can).map(|(counted, _)| *counted).collect();
        self.rules.retain(|rule| can[rule.source as usize] && can[rule.target as usize] && rule.source != rule.target);
        let mut used: Vec<Option<u32>> = vec![None; self.variables.len()];
        let mut variables = Vec::new();
        for rule in &mut self.rules {
            (rule.source, rule.target) = (rank[rule.source as usize], rank[rule.target as usize]);
            for condition in &mut rule.conditions {
                let old = condition.variable as usize;
                condition.variable = *used[old].get_or_insert_with(|| {
                    variables.push(std::mem::take(&mut self.variables[old]));
                    variables.len() as u32 - 1
                });
            }
        }
        self.variables = variables;
        self.gates.retain(|gate| can[gate.target as usize]);
        for gate in &mut self.gates {
            gate.inputs.retain(|input| can[*input as usize]);
            gate.inputs.iter_mut().for_each(|input| *input = rank[*input as usize]);
            gate.target = rank[gate.target as usize];
        }
        for (bits, _) in &mut self.sources {
            bits.retain(|bit| can[*bit as usize]);
            bits.iter_mut().for_each(|bit| *bit = rank[*bit as usize]);
        }
        for bit in self.labels.iter_mut().flatten() {
            *bit = bit.filter(|bit| can[*bit as usize]).map(|bit| rank[bit as usize]);
        }
    }

    /// Bits that something asked depends on.
    fn asked(&self) -> Vec<bool> {
        let mut into = vec![Vec::new(); self.vertex.len()];
        self.rules.iter().for_each(|rule| into[rule.target as usize].push(rule.source));
        self.gates.iter().for_each(|gate| into[gate.target as usize].extend_from_slice(&gate.inputs));
        let mut asked = vec![false; self.vertex.len()];
        let mut stack: Vec<u32> = self.labels.iter().flatten().flatten().copied().collect();
        while let Some(bit) = stack.pop() {
            if !std::mem::replace(&mut asked[bit as usize], true) {
                stack.extend_from_slice(&into[bit as usize]);
            }
        }
        asked
    }

    /// Bits that some world turns on.
    fn possible(&self) -> Vec<bool> {
        let mut out = vec![Vec::new(); self.vertex.len()];
        self.rules.iter().for_each(|rule| out[rule.source as usize].push(rule.target));
        let mut feeds = vec![Vec::new(); self.vertex.len()];
        for (at, gate) in self.gates.iter().enumerate() {
            gate.inputs.iter().for_each(|input| feeds[*input as usize].push(at));
        }
        let mut missing: Vec<u32> = self.gates.iter().map(|gate| gate.need).collect();
        let mut can = vec![false; self.vertex.len()];
        let mut stack: Vec<u32> = self.sources.iter().flat_map(|(bits, _)| bits.iter().copied()).collect();
        while let Some(bit) = stack.pop() {
            if std::mem::replace(&mut can[bit as usize], true) {
                continue;
            }
            stack.extend_from_slice(&out[bit as usize]);
            for gate in &feeds[bit as usize] {
                missing[*gate] = missing[*gate].saturating_sub(1);
                if missing[*gate] == 0 {
                    stack.push(self.gates[*gate].target);
                }
            }
        }
        can
    }
}

/// A problem in the making.
pub(super) struct Builder<'a> {
    pub(super) plan: &'a Plan,
    set: &'a Worldset,
    pub(super) problem: Problem,
    /// The next free bit.
    next: u32,
}

impl Builder<'_> {
    pub(super) fn new_bit(&mut self, node: u32, counted: bool) -> u32 {
        self.problem.vertex.push(node);
        self.problem.counted.push(counted);
        self.next += 1;
        self.next - 1
    }

    /// A label is impaired through any channel; that bit is the one that reach counts.
    fn labels(&mut self, labels: &[u32]) {
        self.problem.vertex = (0..self.next).map(|bit| bit / CHANNELS).collect();
        self.problem.counted = vec![false; self.next as usize];
        for node in labels {
            let impaired = self.new_bit(*node, true);
            for channel in 0..CHANNELS {
                self.rule(node * CHANNELS + channel, impaired, Vec::new());
            }
            self.problem.labels.push([Some(impaired), Some(node * CHANNELS + E), Some(node * CHANNELS + D)]);
        }
    }

    fn arcs(&mut self) {
        let plan = self.plan;
        for node in 0..plan.len() {
            for arc in plan.arcs_into(node).filter(|arc| !plan.is_gated(*arc)) {
                self.arc(arc, node as u32 * CHANNELS);
            }
            let Some(gate) = plan.gates.get(&(node as u32)) else { continue };
            let mut lost = Vec::new();
            for arcs in &gate.providers {
                let first = self.next;
                (0..CHANNELS).for_each(|_| {
                    self.new_bit(node as u32, false);
                });
                arcs.iter().for_each(|arc| self.arc(*arc as usize, first));
                lost.push(first);
            }
            self.gate(node as u32, (gate.listed - gate.at_least) as u32 + 1, &lost);
        }
    }

    /// The bits of a k-of-n gate over providers with three bits each: the same as `gate` in the static kernel.
    fn gate(&mut self, node: u32, need: u32, providers: &[u32]) {
        let inputs = |channel: u32| providers.iter().map(|first| first + channel).collect::<Vec<u32>>();
        self.problem.gates.push(ThresholdGate { target: node * CHANNELS + E, need, inputs: inputs(E) });
        let lost: Vec<u32> = providers.iter().map(|_| self.new_bit(node, false)).collect();
        for (first, lost) in providers.iter().zip(&lost) {
            (0..CHANNELS).for_each(|channel| self.rule(first + channel, *lost, Vec::new()));
        }
        let too_many = self.new_bit(node, false);
        self.problem.gates.push(ThresholdGate { target: too_many, need, inputs: lost });
        for channel in [L, D] {
            let some = self.new_bit(node, false);
            inputs(channel).into_iter().for_each(|input| self.rule(input, some, Vec::new()));
            self.problem.gates.push(ThresholdGate { target: node * CHANNELS + channel, need: 2, inputs: vec![too_many, some] });
        }
    }

    /// The rules of an arc into the three bits from `into` on: the same as `cross` in the static kernel.
    fn arc(&mut self, arc: usize, into: u32) {
        let (plan, key) = (self.plan, self.plan.in_key[arc]);
        let from = plan.in_source[arc] * CHANNELS;
        if plan.in_rule.is_empty() {
            for channel in [E, L] {
                self.drawn(from + channel, into + channel, &[(key, plan.in_threshold.get(arc), true)]);
            }
            return;
        }
        if plan.rule(arc) == INSIDE {
            (0..CHANNELS).for_each(|channel| self.rule(from + channel, into + channel, Vec::new()));
            return;
        }
        let rule = &plan.rules[plan.rule(arc) as usize];
        let crossing = &rule.crossing;
        if crossing.channels.has(Channels::ERRORS) {
            self.drawn(from + E, into + E, &[(key, rule.errors, true)]);
        }
        if crossing.channels.has(Channels::LATENCY) {
            if crossing.timeout.is_some() {
                self.drawn(from + L, into + E, &[(key, rule.errors, true)]);
            }
            self.drawn(from + L, into + L, &[(key, rule.latency, true)]);
        }
        if crossing.channels.has(Channels::DATA) {
            let crosses = (key, rule.data, true);
            match rule.validator {
                Some((validator, works)) => {
                    self.drawn(from + D, into + D, &[crosses, (validator, works, false)]);
                    if crossing.rejects {
                        self.drawn(from + D, into + E, &[crosses, (validator, works, true)]);
                    }
                }
                None => self.drawn(from + D, into + D, &[crosses]),
            }
        }
    }

    pub(super) fn rule(&mut self, source: u32, target: u32, conditions: Vec<Condition>) {
        self.problem.rules.push(Rule { source, target, conditions });
    }

    /// A rule that needs numbers below (or not below) thresholds; none when that cannot be.
    fn drawn(&mut self, source: u32, target: u32, draws: &[(Key, Threshold, bool)]) {
        let mut conditions = Vec::new();
        for (key, threshold, is_below) in draws {
            match (self.set.when_below(*key, *threshold), is_below) {
                (Below::Always, true) | (Below::Never, false) => {}
                (Below::Always, false) | (Below::Never, true) => return,
                (Below::First { entity, pieces }, is_below) => {
                    let all = self.set.entities[entity as usize].weights.len() as u32;
                    let (from, to) = if *is_below { (0, pieces) } else { (pieces, all) };
                    conditions.push(Condition { variable: entity, from, to });
                }
            }
        }
        self.rule(source, target, conditions);
    }
}
