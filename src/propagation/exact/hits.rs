//! What the faults hit, as sources of a problem: the ways to hit one by one where they are few, else as draws of their own.

use super::problem::{Builder, CHANNELS, Condition, D, E, L};
use super::worlds::Script;
use super::{Question, refuse};
use crate::diagnostic::Diagnostic;
use crate::fault::Scenario;
use crate::fault::catalogue::MIX;
use crate::fault::scenario::{Harm, Incident, Member};
use crate::fault::trial::{Hits, conditioned, none_after};
use std::collections::{BTreeMap, BTreeSet};

/// Up to so many ways to hit stay apart from the start: factoring takes them one by one.
const FEW_HITS: u64 = 64;
/// The most ways to hit that are listed, as a power of two, where the draws depend on each other.
const MOST_HITS: u32 = 16;

/// Does each incident hit its members one by one, whatever the others do?
fn hits_alone(scenario: &Scenario) -> bool {
    scenario.incidents.iter().all(|incident| !incident.advice && incident.common.is_empty()) && !scenario.shares_pools()
}

impl Builder<'_> {
    /// Adds the sources.
    pub(super) fn hits(&mut self, question: &Question<'_>) -> Result<(), Diagnostic> {
        let mut impaired = vec![None; self.plan.len()];
        for (node, [bit, ..]) in question.labels.iter().zip(&self.problem.labels) {
            impaired[*node as usize] = *bit;
        }
        if let Some(listed) = self.listed(question.scenario, &impaired, FEW_HITS) {
            self.problem.sources = listed;
        } else if hits_alone(question.scenario) {
            let start = self.new_bit(0, false);
            self.problem.sources = vec![(vec![start], 1.0)];
            question.scenario.incidents.iter().for_each(|incident| self.drawn_hits(incident, start, &impaired));
        } else {
            self.problem.sources = self.listed(question.scenario, &impaired, 1 << MOST_HITS).ok_or_else(|| {
                refuse(format!(
                    "factoring and the frontier method are for faults that hit in up to 2^{MOST_HITS} ways: here are more"
                ))
            })?;
        }
        Ok(())
    }

    /// All ways to hit, as bits that they turn on, merged where they are the same; `None` when there are more than `most`.
    fn listed(&self, scenario: &Scenario, impaired: &[Option<u32>], most: u64) -> Option<Vec<(Vec<u32>, f64)>> {
        let (mut script, mut hits) = (Script::default(), Hits::default());
        let mut found: BTreeMap<Vec<u32>, f64> = BTreeMap::new();
        loop {
            script.restart();
            hits.draw(scenario, &mut script);
            let mut bits = BTreeSet::new();
            for hit in &hits.hits {
                for local in hits.nodes_of(hit).iter().filter_map(|node| self.plan.local(*node)) {
                    let channels = [(hit.errors > 0.0, E), (hit.is_slow, L), (hit.wrong > 0.0, D)];
                    bits.extend(channels.iter().filter(|(on, _)| *on).map(|(_, channel)| local as u32 * CHANNELS + channel));
                    // A source counts as impaired whatever its severity (semantics 2).
                    bits.extend(impaired[local]);
                    bits.extend(impaired[self.plan.label_of(local) as usize]);
                }
            }
            *found.entry(bits.into_iter().collect()).or_insert(0.0) += script.weight();
            if script.steps >= most {
                return None;
            }
            if !script.advance() {
                return Some(found.into_iter().collect());
            }
        }
    }

    /// The hits of an incident as rules: the same law as that of [`Hits::draw`], in the order in which nodes are visited, so that
    /// few bits are open at a time.
    fn drawn_hits(&mut self, incident: &Incident, start: u32, impaired: &[Option<u32>]) {
        let severities = severities(incident.harm);
        let weights: Vec<f64> = severities.iter().map(|(weight, _)| *weight).collect();
        let channel = (weights.len() > 1).then(|| self.variable(weights));
        let first_place = |member: &Member| member.operations.iter().map(|(node, _)| self.place(*node)).min().unwrap_or(0);
        let mut members: Vec<(u32, &Member)> = incident.members.iter().map(|member| (first_place(member), member)).collect();
        members.sort_by_key(|(place, _)| *place);
        let places: Vec<(u32, f64)> = members.iter().map(|(place, member)| (*place, member.p)).collect();
        let hits = self.at_least_one(start, &places);
        for ((_, member), hit) in members.into_iter().zip(hits) {
            // A member that keeps enough replicas is not hit at all (semantics 10).
            if !incident.names(member) && member.lost.is_some_and(|lost| lost.alone().failing <= 0.0) {
                continue;
            }
            let mut operations: Vec<(u32, f64)> = member.operations.clone();
            operations.sort_by_key(|(node, _)| self.place(*node));
            let places: Vec<(u32, f64)> = operations.iter().map(|(node, p)| (self.place(*node), *p)).collect();
            let operation_hits = self.at_least_one(hit, &places);
            for ((node, _), bit) in operations.iter().zip(operation_hits) {
                let Some(local) = self.plan.local(*node) else { continue };
                for label in [local, self.plan.label_of(local) as usize] {
                    impaired[label].into_iter().for_each(|label| self.rule(bit, label, Vec::new()));
                }
                for (which, (_, severity)) in severities.iter().enumerate() {
                    let condition = |variable| Condition { variable, from: which as u32, to: which as u32 + 1 };
                    for at in active(*severity, incident, member) {
                        self.rule(bit, local as u32 * CHANNELS + at, channel.map(condition).into_iter().collect());
                    }
                }
            }
        }
    }

    /// Each by its own probability, at least one, once `from` is on; their bits. The chain remembers whether any was hit.
    fn at_least_one(&mut self, from: u32, parts: &[(u32, f64)]) -> Vec<u32> {
        let mut none_left = none_after(parts.iter().map(|(_, p)| *p));
        let (mut none, mut some) = (from, None);
        let mut bits = Vec::new();
        for (place, p) in parts {
            let bit = self.new_bit(*place, false);
            let (next_none, next_some) = (self.new_bit(*place, false), self.new_bit(*place, false));
            self.choice(none, conditioned(*p, none_left.next(), false), &[bit, next_some], &[next_none]);
            if let Some(some) = some {
                self.choice(some, *p, &[bit], &[]);
                self.rule(some, next_some, Vec::new());
            }
            (none, some) = (next_none, Some(next_some));
            bits.push(bit);
        }
        bits
    }

    /// Turns on some bits with probability p, else others.
    fn choice(&mut self, from: u32, p: f64, yes: &[u32], no: &[u32]) {
        if p >= 1.0 || p <= 0.0 {
            let certain = if p >= 1.0 { yes } else { no };
            certain.iter().for_each(|bit| self.rule(from, *bit, Vec::new()));
            return;
        }
        let variable = self.variable(vec![p, 1.0 - p]);
        for (bits, value) in [(yes, 0), (no, 1)] {
            for bit in bits {
                self.rule(from, *bit, vec![Condition { variable, from: value, to: value + 1 }]);
            }
        }
    }

    fn variable(&mut self, weights: Vec<f64>) -> u32 {
        self.problem.variables.push(weights);
        self.problem.variables.len() as u32 - 1
    }

    fn place(&self, node: u32) -> u32 {
        self.plan.local(node).unwrap_or(0) as u32
    }
}

/// Failing share, latency multiplier and wrong share, with the weight of each case. Shares that are drawn are above 0: without a
/// clock only that counts.
fn severities(harm: Harm) -> Vec<(f64, (f64, f64, f64))> {
    let (errors, latency, data) = ((1.0, 1.0, 0.0), (0.0, 2.0, 0.0), (0.0, 1.0, 1.0));
    match harm {
        Harm::Fixed { errors, latency, wrong } => vec![(1.0, (errors, latency, wrong))],
        Harm::Silent | Harm::Overload { .. } => vec![(1.0, (0.0, 1.0, 0.0))],
        Harm::Errors => vec![(1.0, errors)],
        Harm::Latency => vec![(1.0, latency)],
        Harm::Data | Harm::Loop(_) => vec![(1.0, data)],
        Harm::Mix => vec![(MIX[0], errors), (MIX[1], latency), (1.0 - MIX[0] - MIX[1], data)],
    }
}

/// Channels on which a member is hit.
fn active((errors, latency, wrong): (f64, f64, f64), incident: &Incident, member: &Member) -> impl Iterator<Item = u32> {
    let errors = member.lost.map_or(errors, |lost| lost.alone().failing) * incident.share;
    let channels = [(errors > 0.0, E), (1.0 + incident.share * (latency - 1.0) > 1.0, L), (wrong * incident.share > 0.0, D)];
    channels.into_iter().filter(|(on, _)| *on).map(|(_, channel)| channel)
}
