//! Rare reach: trials that are sampled given that the failure leaves the place where it struck.
//!
//! What the faults hit, and what certain dependencies add to it, is the same in all trials. The draws that can let the failure out
//! of there are the cut; with probability Π(1 − p_e) none of them lets it out, and the trial is known without being run. So only
//! the other trials are run, and what they give counts by
//!
//! ```text
//! factor = 1 − Π(1 − p_e),        E[L] = (1 − factor)·L(nothing leaves) + factor·E[L | something leaves].
//! ```
//!
//! "Something leaves" is split by the first draw of the cut that lets the failure out, in the order of the keys: it is draw j with
//! probability p_j Π_{i<j}(1 − p_i) / factor; those before it do not let it out and those after it are independent as ever. One
//! uniform number a trial chooses j, everything else keeps the numbers of an ordinary run. A share P(v) ≤ factor so has the
//! variance P(factor − P)/n in place of P(1 − P)/n: less by at least the factor.
//!
//! A draw serves several questions (channels, pairs of operations) with thresholds of their own; p_e belongs to the largest that
//! is asked at the cut. Given a number below that, or not below it, the other thresholds are scaled to what is left of the unit
//! interval, to 2^-32, as all thresholds are.
//!
//! Source: model.md §4, rare events (ii); the first step of Cancela and El Khadiri's recursive variance reduction (1995).

use super::count::count_batch;
use super::plan::Plan;
use super::reach::{Batch, Question, Reached, Worlds, is_constant};
use super::result::Leaving;
use super::run::Request;
use super::starved::{Downstream, Starving};
use super::tally::Tally;
use crate::fault::Scenario;
use crate::lanes::{Lanes, Machine, Mask};
use crate::random::{Draws, Key, LANES, Purpose, Seed, Threshold, batch_key, below};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// Above this factor a run is as it comes: little would be saved.
const MOST: f64 = 0.5;

/// No draw of the cut.
const NONE: u32 = u32::MAX;

/// What is known of the trials in which nothing leaves, and how the others are sampled.
#[derive(Debug, Clone)]
pub(super) struct FirstCrossing {
    /// Keys of the cut with their thresholds, by rising key.
    cut: Vec<(u64, Threshold)>,
    /// P(the first is at most this one | there is one), rising to 1.
    cumulative: Vec<f64>,
    /// P(something leaves).
    pub(super) factor: f64,
    key: Key,
    /// The one trial in which nothing leaves; with all delayed arcs cut, too, where there are any.
    pub(super) stays: Tally,
    pub(super) optimistic_stays: Option<Tally>,
}

impl FirstCrossing {
    /// Looks whether it pays: faults that hit the same in all trials, and leave in half of them or less, but in some.
    pub(super) fn new(
        (plan, optimistic): (&Plan, Option<&Plan>),
        scenario: &Scenario,
        below: Option<&Downstream>,
        request: &Request<'_>,
    ) -> Option<Self> {
        if !is_constant(scenario) {
            return None;
        }
        let asked = Asked::default();
        let stays = struck(plan, scenario, below, request, &asked);
        let optimistic_stays = optimistic.map(|plan| struck(plan, scenario, None, request, &asked));
        if asked.is_unfit.get() {
            return None;
        }
        let cut: Vec<(u64, Threshold)> = asked.cut.into_inner().into_iter().collect();
        let (factor, cumulative) = chances(cut.iter().map(|(_, threshold)| threshold.probability()));
        let key = request.seed.named(Purpose::FirstCrossing, "");
        (factor > 0.0 && factor <= MOST).then_some(Self { cut, cumulative, factor, key, stays, optimistic_stays })
    }

    /// What a result says of it.
    pub(super) fn as_result(&self) -> Leaving {
        Leaving { probability: self.factor, draws: self.cut.len() }
    }

    /// For each arc of a plan the position of its draw in the cut.
    pub(super) fn index(&self, plan: &Plan) -> Vec<u32> {
        let at = |key: &Key| self.cut.binary_search_by_key(&key.0, |(key, _)| *key).map_or(NONE, |at| at as u32);
        plan.in_key.iter().map(at).collect()
    }

    /// Chooses the first crossing in each trial of a batch.
    fn choose(&self, batch: Batch, masks: &mut Vec<CutMask>) {
        masks.clear();
        masks.resize(self.cut.len(), CutMask { first: Mask::NONE, before: Mask::NONE });
        for lane in 0..batch.lanes {
            let u = Draws::new(self.key, batch.number * crate::lanes::BATCH + lane).uniform();
            // The last cumulative chance is 1, so there always is one.
            let first = self.cumulative.partition_point(|known| *known <= u).min(self.cut.len() - 1);
            masks[first].first[(lane / LANES) as usize] |= 1 << (lane % LANES);
        }
        let mut open = Mask::first(batch.lanes);
        for mask in masks {
            open = open.without(mask.first);
            mask.before = open;
        }
    }

    /// One batch from start to fixpoint, given that something leaves. `index` is that of the plan.
    pub(super) fn run_batch(
        &self,
        (reached, masks): (&mut Reached, &mut Vec<CutMask>),
        (plan, index): (&Plan, &[u32]),
        scenario: &Scenario,
        (machine, seed, batch): (Machine, Seed, Batch),
    ) {
        reached.start(plan, scenario, seed, batch);
        self.choose(batch, masks);
        reached.propagate(machine, plan, &GivenWorlds { batch: batch_key(batch.number), cut: &self.cut, index, masks });
    }
}

/// P(any), and the chances that the first is at most each one, given that there is one. Of small chances no digit is lost.
fn chances(p: impl Iterator<Item = f64>) -> (f64, Vec<f64>) {
    let mut log_none = 0.0;
    let any: Vec<f64> = p
        .map(|p| {
            log_none += libm::log1p(-p);
            -libm::expm1(log_none)
        })
        .collect();
    let factor = any.last().copied().unwrap_or(0.0);
    (factor, any.into_iter().map(|any| any / factor).collect())
}

/// What is reached when nothing uncertain lets anything through, as the tally of one trial; notes what was asked at its edge.
fn struck(plan: &Plan, scenario: &Scenario, below: Option<&Downstream>, request: &Request<'_>, asked: &Asked) -> Tally {
    let (machine, batch) = (request.machine(), Batch { number: 0, lanes: 1 });
    let (mut reached, labels) = (Reached::default(), plan.labels());
    reached.start(plan, scenario, request.seed, batch);
    reached.propagate(machine, plan, &Asked::default());
    // Once more on what is settled: only what could leave it is asked.
    reached.propagate(machine, plan, asked);
    let mut tally = Tally::new(labels.len(), 0);
    count_batch(&reached, machine, &labels, &mut tally, 1, batch);
    tally.trials = 1;
    if let Some(below) = below {
        let mut starving = Starving::default();
        tally.starved.resize(below.len(), 0);
        starving.set_reached(below, &reached, &labels);
        starving.settle(below);
        starving.count(below, &mut tally.starved);
        // The other lanes hold nothing that is down, and so nobody who is starved.
        tally.starved.iter_mut().for_each(|count| *count = (*count).min(1));
    }
    tally
}

/// Worlds in which only what is certain crosses; notes what else was asked about.
#[derive(Default)]
struct Asked {
    /// The largest threshold asked of each key.
    cut: RefCell<BTreeMap<u64, Threshold>>,
    /// A validator is asked about data that cross for certain: what it answers decides between two harms, not for or against one.
    is_unfit: Cell<bool>,
}

impl Worlds for Asked {
    #[inline(always)]
    fn ask<V: Lanes>(&self, machine: V::Machine, question: Question, key: Key, threshold: Threshold, need: V) -> V {
        if need.is_none() {
            return need;
        }
        if question.of == Question::VALIDATOR {
            self.is_unfit.set(self.is_unfit.get() || !matches!(threshold, Threshold::ALWAYS | Threshold::NEVER));
        }
        if threshold == Threshold::ALWAYS {
            return need;
        }
        if threshold != Threshold::NEVER {
            let mut cut = self.cut.borrow_mut();
            let known = cut.entry(key.0).or_insert(threshold);
            *known = (*known).max(threshold);
        }
        V::splat(machine, 0)
    }
}

/// For a draw of the cut: trials in which it is the first to let the failure out, and those in which it comes before the first.
#[derive(Debug, Clone, Copy)]
pub(super) struct CutMask {
    first: Mask,
    before: Mask,
}

/// Worlds drawn from keyed random numbers, given that something leaves.
struct GivenWorlds<'a> {
    batch: Mask,
    cut: &'a [(u64, Threshold)],
    index: &'a [u32],
    masks: &'a [CutMask],
}

impl Worlds for GivenWorlds<'_> {
    #[inline(always)]
    fn ask<V: Lanes>(&self, machine: V::Machine, question: Question, key: Key, threshold: Threshold, need: V) -> V {
        if need.is_none() {
            return need;
        }
        let none = V::splat(machine, 0);
        let mut asked = [(threshold, need), (threshold, none), (threshold, none)];
        let at = self.index[question.arc] as usize;
        if let (Some(mask), false) = (self.masks.get(at), question.of == Question::VALIDATOR) {
            let most = self.cut[at].1;
            let first = need.and(V::load(machine, &mask.first));
            let before = need.and(V::load(machine, &mask.before));
            asked[0].1 = need.without(first.or(before));
            asked[1] = (threshold.given_below(most), first);
            if threshold > most {
                asked[2] = (threshold.given_not_below(most), before);
            }
        }
        // In a loop, because each place that draws is a kilobyte of code for every kind of machine.
        let mut crosses = none;
        for (threshold, need) in asked {
            if !need.is_none() {
                crosses = crosses.or(below(machine, V::load(machine, &self.batch), key, threshold, need));
            }
        }
        crosses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_add_up() {
        let (factor, cumulative) = chances([0.5, 0.25, 0.0, 0.5].into_iter());
        assert!((factor - 0.8125).abs() < 1e-15);
        for (found, expected) in cumulative.iter().zip([0.5, 0.625, 0.625, 0.8125]) {
            assert!((found - expected / 0.8125).abs() < 1e-15, "{cumulative:?}");
        }
        // 2^-32 twice: 1 − (1 − p)² has ten digits that the naive form loses.
        let p = 2.0_f64.powi(-32);
        assert!(((chances([p, p].into_iter()).0 - (2.0 * p - p * p)) / p).abs() < 1e-15);
    }
}
