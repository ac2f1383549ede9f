//! What one trial draws of a scenario: which services and operations are hit, and how hard.
//!
//! Static reach and timeline call the same code with the same random numbers, so that their results bracket each other trial
//! by trial.

use super::catalogue::{ADVICE_MEAN, LATENCY_MEDIAN_P95, MIX};
use super::draw::{Choose, beta_2_5, nth};
use super::pool::Lost;
use super::scenario::{Harm, Incident, Member, Scenario};
use crate::random::Purpose;
use crate::statistics::normal;

/// One service that is hit in a trial.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit<'a> {
    /// Position of the incident in the scenario.
    pub(crate) incident: usize,
    pub(crate) member: &'a Member,
    /// Nodes hit, as a range of [`Hits::nodes`].
    pub(crate) nodes: (usize, usize),
    /// The service counts as impaired whatever its severity (semantics 2). Not so a member of a group that keeps enough replicas,
    /// which is a hit only because others take from the same pool in the same trial.
    pub(crate) is_source: bool,
    /// Failing share at full exposure; of a pool, when all that take from it in the trial do so at once.
    pub(crate) errors: f64,
    /// Latency multiplier at full exposure.
    pub(crate) latency: f64,
    /// The fault is one of delay. A multiplier that was drawn may be 1 all the same; without a clock, where severities do not
    /// count, delay is there as soon as the fault is (model.md §2.2; product.md, semantics 2 and 18).
    pub(crate) is_slow: bool,
    /// Wrong share at full exposure.
    pub(crate) wrong: f64,
}

/// All hits of a trial; reused from trial to trial.
#[derive(Debug, Default)]
pub(crate) struct Hits<'a> {
    pub(crate) hits: Vec<Hit<'a>>,
    pub(crate) nodes: Vec<u32>,
}

impl<'a> Hits<'a> {
    /// Draws the hits of one trial.
    pub(crate) fn draw(&mut self, scenario: &'a Scenario, choose: &mut impl Choose) {
        self.hits.clear();
        self.nodes.clear();
        for (at, incident) in scenario.incidents.iter().enumerate() {
            let (severity, is_slow) = severity(incident, choose);
            let from = self.hits.len();
            if incident.advice {
                self.advice(at, incident, choose);
            } else {
                self.independent(at, &incident.members, choose);
            }
            for (which, (beta, others)) in incident.common.iter().enumerate() {
                if choose.chance(Purpose::Hit, nth(incident.name, 1_000 + which), *beta) {
                    for member in others {
                        if choose.chance(Purpose::Hit, member.name, member.p) {
                            self.hit(at, member, choose);
                        }
                    }
                }
            }
            for hit in &mut self.hits[from..] {
                (hit.errors, hit.latency, hit.wrong) = severity;
                if let Some(lost) = &hit.member.lost {
                    let is_named = incident.names(hit.member);
                    hit.errors = lost.alone().failing;
                    hit.is_source = is_named || hit.errors > 0.0;
                }
                hit.errors *= incident.share;
                hit.wrong *= incident.share;
                hit.latency = 1.0 + incident.share * (hit.latency - 1.0);
                hit.is_slow = hit.latency > 1.0 || (is_slow && incident.share > 0.0);
            }
        }
        if self.hits.iter().any(|hit| hit.member.lost.is_some()) {
            self.share_pools(scenario);
        }
    }

    /// Adds up what hits of one service take from its pool. A member of a group that keeps enough replicas is not hit at all
    /// (semantics 10).
    fn share_pools(&mut self, scenario: &Scenario) {
        for at in 0..self.hits.len() {
            let Some(own) = &self.hits[at].member.lost else { continue };
            let same = self.hits.iter().filter(|hit| hit.member.service == self.hits[at].member.service);
            let failing = Lost::together(same.filter_map(|hit| hit.member.lost.as_ref())).unwrap_or(own.alone()).failing;
            self.hits[at].errors = failing * scenario.incidents[self.hits[at].incident].share;
        }
        self.hits.retain(|hit| hit.is_source || hit.errors > 0.0);
    }

    /// Each member by its own probability, at least one.
    fn independent(&mut self, incident: usize, members: &'a [Member], choose: &mut impl Choose) {
        let mut none_after = none_after(members.iter().map(|member| member.p));
        let mut any = false;
        for member in members {
            let p = conditioned(member.p, none_after.next(), any);
            if choose.chance(Purpose::Hit, member.name, p) {
                any = true;
                self.hit(incident, member, choose);
            }
        }
    }

    /// min(members, 1 + Poisson) distinct members, drawn uniformly (semantics 21).
    fn advice(&mut self, at: usize, incident: &'a Incident, choose: &mut impl Choose) {
        let members = &incident.members;
        let mut wanted = 1;
        let (mut term, mut tail) = ((-ADVICE_MEAN).exp(), 1.0);
        // Count up while the Poisson number is larger: P(N > k | N ≥ k).
        while wanted < members.len() && choose.chance(Purpose::Hit, nth(incident.name, wanted), (tail - term) / tail) {
            tail -= term;
            term *= ADVICE_MEAN / wanted as f64;
            wanted += 1;
        }
        for (position, member) in members.iter().enumerate() {
            let left = members.len() - position;
            if wanted > 0 && choose.chance(Purpose::Hit, member.name, wanted as f64 / left as f64) {
                wanted -= 1;
                self.hit(at, member, choose);
            }
        }
    }

    fn hit(&mut self, incident: usize, member: &'a Member, choose: &mut impl Choose) {
        let start = self.nodes.len();
        let mut none_after = none_after(member.operations.iter().map(|(_, p)| *p));
        for ((node, p), name) in member.operations.iter().zip(&member.operation_names) {
            let p = conditioned(*p, none_after.next(), self.nodes.len() > start);
            if choose.chance(Purpose::Hit, *name, p) {
                self.nodes.push(*node);
            }
        }
        let nodes = (start, self.nodes.len());
        self.hits.push(Hit { incident, member, nodes, is_source: true, errors: 0.0, latency: 1.0, is_slow: false, wrong: 0.0 });
    }

    /// The nodes of a hit.
    pub(crate) fn nodes_of(&self, hit: &Hit<'_>) -> &[u32] {
        &self.nodes[hit.nodes.0..hit.nodes.1]
    }
}

/// For each position: P(none of this and all later ones), from the given probabilities.
pub(crate) fn none_after(p: impl DoubleEndedIterator<Item = f64> + ExactSizeIterator) -> std::vec::IntoIter<f64> {
    let mut none = vec![1.0; p.len()];
    let mut product = 1.0;
    for (at, p) in p.enumerate().rev() {
        product *= 1.0 - p;
        none[at] = product;
    }
    none.into_iter()
}

/// P(this one | at least one of all), going through them in order.
pub(crate) fn conditioned(p: f64, none_from_here: Option<f64>, any: bool) -> f64 {
    match none_from_here {
        Some(none) if !any && none < 1.0 => (p / (1.0 - none)).min(1.0),
        _ => p,
    }
}

/// (failing share, latency multiplier, wrong share) of an incident in a trial, at full exposure, and whether the multiplier was
/// drawn.
fn severity(incident: &Incident, choose: &mut impl Choose) -> ((f64, f64, f64), bool) {
    let name = incident.name;
    let slow = |choose: &mut _| ((0.0, multiplier(name, choose), 0.0), true);
    let severity = match incident.harm {
        Harm::Fixed { errors, latency, wrong } => (errors, latency, wrong),
        Harm::Loop(_) => (0.0, 1.0, 1.0),
        Harm::Silent | Harm::Overload { .. } => (0.0, 1.0, 0.0),
        Harm::Errors => (share(name, choose), 1.0, 0.0),
        Harm::Latency => return slow(choose),
        Harm::Data => (0.0, 1.0, share(name, choose)),
        Harm::Mix => {
            if choose.chance(Purpose::Severity, nth(name, 1), MIX[0]) {
                (share(name, choose), 1.0, 0.0)
            } else if choose.chance(Purpose::Severity, nth(name, 2), MIX[1] / (1.0 - MIX[0])) {
                return slow(choose);
            } else {
                (0.0, 1.0, share(name, choose))
            }
        }
    };
    (severity, false)
}

fn share(name: u64, choose: &mut impl Choose) -> f64 {
    beta_2_5(choose.uniform(Purpose::Severity, name, &|| "severity of the fault: state `rate`, `factor` or `wrong`".into()))
}

fn multiplier(name: u64, choose: &mut impl Choose) -> f64 {
    let (median, p95) = LATENCY_MEDIAN_P95;
    let z = normal::quantile(choose.uniform(Purpose::Severity, name, &|| "severity of the fault: state `factor`".into()));
    (median * libm::exp((p95 / median).ln() / 1.644_853_626_951_472_6 * z)).max(1.0)
}
