//! Starvation: services below a failure that lose traffic (product.md "Simulation result", model.md §0a).
//!
//! In a trial a service is *starved* when it is never impaired in that trial and at least one of its consumers is down at some
//! time in it or is starved itself: requests that do not arrive upstream do not arrive downstream. Consumers are counted over
//! dependencies that bear traffic (hard, soft, async, unknown) and at the level of whole services. With d, i, s the masks of
//! trials in which a service is down, impaired, starved, the answer is the least fixpoint of
//!
//! ```text
//! s(provider) = ¬i(provider) ∧ ⋁ { d(consumer) ∨ s(consumer) }
//! ```
//!
//! A symptom on dashboards, not harm: nothing here touches reach, times or users. Whether a dependency let the failure cross
//! plays no part, since this goes the other way, so no random number is drawn. One batch costs O(services + dependencies)
//! below the failure, 512 trials at a time; nothing at all where nobody asks.

use super::plan::Plan;
use super::reach::Reached;
use super::timeline::ServiceOutcome;
use crate::lanes::{BATCH, Mask};
use crate::model::facts::DependencyKind;
use crate::model::{Compact, System};
use crate::random::LANES;
use crate::statistics::CompensatedSum;
use crate::statistics::Estimate;
use crate::units::ServiceId;
use std::cmp::Reverse;
use std::collections::VecDeque;

/// The service is out of the failure's reach.
const NONE: u32 = u32::MAX;

/// What can be starved: services that the scenario can reach and everything they consume, directly or not.
#[derive(Debug)]
pub(super) struct Downstream {
    /// Consumers before their providers, as far as there is such an order.
    pub(super) services: Vec<ServiceId>,
    /// Position of each among the label nodes of the plan, [`NONE`] for those that stay healthy for certain.
    label: Vec<u32>,
    /// Providers of each, as positions in `services`.
    start: Vec<u32>,
    providers: Vec<u32>,
    labels: usize,
}

impl Downstream {
    /// Collects what lies below the label nodes of a plan. O(services + dependencies).
    pub(super) fn new(system: &System, compact: &Compact, plan: &Plan, labels: &[u32]) -> Self {
        let (start, providers) = providers(system);
        let of = |service: u32| &providers[start[service as usize] as usize..start[service as usize + 1] as usize];
        let mut label = vec![NONE; system.service_count()];
        let mut known = vec![false; system.service_count()];
        let mut services: Vec<u32> = Vec::with_capacity(labels.len());
        for (at, node) in labels.iter().enumerate() {
            let service = plan.services[*node as usize].0;
            label[service as usize] = at as u32;
            known[service as usize] = true;
            services.push(service);
        }
        let mut next = 0;
        while let Some(service) = services.get(next).copied() {
            for provider in of(service) {
                if !std::mem::replace(&mut known[*provider as usize], true) {
                    services.push(*provider);
                }
            }
            next += 1;
        }
        // Harm flows from provider to consumer, so the order of the kernels backwards is nearly the one that is needed.
        services.sort_unstable_by_key(|service| Reverse(compact.position[compact.whole_node(ServiceId(*service)) as usize]));
        let mut position = vec![NONE; system.service_count()];
        services.iter().enumerate().for_each(|(at, service)| position[*service as usize] = at as u32);
        let mut below =
            Self { services: Vec::new(), label: Vec::new(), start: vec![0], providers: Vec::new(), labels: labels.len() };
        for service in services {
            below.services.push(ServiceId(service));
            below.label.push(label[service as usize]);
            below.providers.extend(of(service).iter().map(|provider| position[*provider as usize]));
            below.start.push(below.providers.len() as u32);
        }
        below
    }

    /// Turns what was counted by position into a list of those with anything, in file order.
    pub(super) fn in_file_order<T>(
        &self,
        counted: &[T],
        is_any: impl Fn(&T) -> bool,
        estimate: impl Fn(&T) -> Estimate,
    ) -> Vec<(ServiceId, Estimate)> {
        let any = self.services.iter().zip(counted).filter(|(_, count)| is_any(count));
        let mut list: Vec<_> = any.map(|(service, count)| (*service, estimate(count))).collect();
        list.sort_unstable_by_key(|(service, _)| *service);
        list
    }

    /// How many can be starved.
    pub(super) fn len(&self) -> usize {
        self.services.len()
    }

    fn providers(&self, at: usize) -> &[u32] {
        &self.providers[self.start[at] as usize..self.start[at + 1] as usize]
    }
}

/// Do requests run along the dependency? The other kinds need their provider for something else.
fn bears_traffic(kind: DependencyKind) -> bool {
    match kind {
        DependencyKind::Hard | DependencyKind::Soft | DependencyKind::Async | DependencyKind::Unknown => true,
        DependencyKind::Startup | DependencyKind::Monitors | DependencyKind::Authority | DependencyKind::Knowledge => false,
    }
}

/// Providers of every service over dependencies that bear traffic, in rows.
fn providers(system: &System) -> (Vec<u32>, Vec<u32>) {
    let arcs = || {
        let ids = system.dependency_ids().filter(|id| bears_traffic(system.kind(*id)));
        ids.map(|id| (system.consumer(id).service.0, system.provider(id).service.0))
    };
    let mut start = vec![0_u32; system.service_count() + 1];
    arcs().for_each(|(consumer, _)| start[consumer as usize + 1] += 1);
    for at in 0..system.service_count() {
        start[at + 1] += start[at];
    }
    let mut cursor = start.clone();
    let mut providers = vec![0; start[system.service_count()] as usize];
    for (consumer, provider) in arcs() {
        let at = &mut cursor[consumer as usize];
        providers[*at as usize] = provider;
        *at += 1;
    }
    (start, providers)
}

/// A batch of trials: who is impaired and down goes in, who is starved comes out. Reused from batch to batch.
#[derive(Debug, Default)]
pub(super) struct Starving {
    /// By label.
    impaired: Vec<Mask>,
    down: Vec<Mask>,
    /// By position in [`Downstream::services`]: down or starved.
    silent: Vec<Mask>,
    queue: VecDeque<u32>,
    queued: Vec<bool>,
}

impl Starving {
    /// Starts a batch in which all is well.
    pub(super) fn begin(&mut self, below: &Downstream) {
        for masks in [&mut self.impaired, &mut self.down] {
            masks.clear();
            masks.resize(below.labels, Mask::NONE);
        }
    }

    /// Takes what happened to the services of one timed trial; `position` tells the position of a label node.
    pub(super) fn set_trial<'a>(
        &mut self,
        services: impl Iterator<Item = (u32, &'a ServiceOutcome)>,
        position: &[u32],
        lane: u64,
    ) {
        let (word, bit) = ((lane / LANES) as usize, 1_u64 << (lane % LANES));
        for (node, outcome) in services.filter(|(_, outcome)| outcome.onset.is_some()) {
            let label = position[node as usize] as usize;
            self.impaired[label][word] |= bit;
            if outcome.down {
                self.down[label][word] |= bit;
            }
        }
    }

    /// Takes trials in which the service at the position of a label is down.
    pub(super) fn set_down(&mut self, label: usize, trials: &Mask) {
        self.impaired[label] = self.impaired[label].or(*trials);
        self.down[label] = self.down[label].or(*trials);
    }

    /// Takes a whole batch of static reach, where errors count as down.
    pub(super) fn set_reached(&mut self, below: &Downstream, reached: &Reached, labels: &[u32]) {
        self.begin(below);
        for (at, node) in labels.iter().enumerate() {
            let [errors, latency, wrong] = reached.at(*node as usize);
            self.impaired[at] = errors.or(latency).or(wrong);
            self.down[at] = errors;
        }
        for (node, mask) in &reached.impaired_sources {
            if let Ok(at) = labels.binary_search(node) {
                self.impaired[at] = self.impaired[at].or(*mask);
            }
        }
    }

    /// Propagates to the least fixpoint: one pass in order, then a worklist for what lies on cycles.
    pub(super) fn settle(&mut self, below: &Downstream) {
        self.silent.clear();
        self.silent.extend(below.label.iter().map(|label| self.down.get(*label as usize).copied().unwrap_or(Mask::NONE)));
        self.queued.clear();
        self.queued.resize(below.services.len(), false);
        for at in 0..below.services.len() {
            self.push(below, at, at);
        }
        while let Some(at) = self.queue.pop_front() {
            self.queued[at as usize] = false;
            self.push(below, at as usize, below.services.len());
        }
    }

    /// Tells the providers of a service; those that the first pass has left behind (up to `passed`) are queued again.
    fn push(&mut self, below: &Downstream, at: usize, passed: usize) {
        let silent = self.silent[at];
        if silent.is_none() {
            return;
        }
        for provider in below.providers(at) {
            let to = *provider as usize;
            let impaired = self.impaired.get(below.label[to] as usize).copied().unwrap_or(Mask::NONE);
            let fresh = silent.without(self.silent[to].or(impaired));
            if fresh.is_none() {
                continue;
            }
            self.silent[to] = self.silent[to].or(fresh);
            if to <= passed && !self.queued[to] {
                self.queued[to] = true;
                self.queue.push_back(*provider);
            }
        }
    }

    /// Trials in which the service at a position is starved. Who is down is impaired, so the difference is exact.
    pub(super) fn at(&self, below: &Downstream, at: usize) -> Mask {
        match self.down.get(below.label[at] as usize) {
            Some(down) => self.silent[at].without(*down),
            None => self.silent[at],
        }
    }

    /// Adds the trials of a batch to the counts by service. Lanes that are not used hit no source and starve nobody.
    pub(super) fn count(&self, below: &Downstream, counts: &mut Vec<u64>) {
        counts.resize(below.services.len(), 0);
        for (at, count) in counts.iter_mut().enumerate() {
            *count += self.at(below, at).iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
        }
    }

    /// Adds the weights of a batch of worlds.
    pub(super) fn weigh(&self, below: &Downstream, weights: &[f64], sums: &mut Vec<CompensatedSum>) {
        sums.resize(below.services.len(), CompensatedSum::default());
        for (at, sum) in sums.iter_mut().enumerate() {
            self.at(below, at).for_each(|lane| sum.add(weights.get(lane).copied().unwrap_or(0.0)));
        }
    }
}

/// Starvation over weighted worlds that come one by one: collected to full batches.
#[derive(Debug)]
pub(super) struct StarvedWorlds<'a> {
    below: &'a Downstream,
    starving: Starving,
    weights: Vec<f64>,
    sums: Vec<CompensatedSum>,
}

impl<'a> StarvedWorlds<'a> {
    pub(super) fn new(below: &'a Downstream) -> Self {
        let mut starving = Starving::default();
        starving.begin(below);
        Self { below, starving, weights: Vec::new(), sums: Vec::new() }
    }

    /// Adds one world.
    pub(super) fn add<'b>(&mut self, services: impl Iterator<Item = (u32, &'b ServiceOutcome)>, position: &[u32], weight: f64) {
        self.starving.set_trial(services, position, self.weights.len() as u64);
        self.weights.push(weight);
        if self.weights.len() as u64 == BATCH {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.starving.settle(self.below);
        self.starving.weigh(self.below, &self.weights, &mut self.sums);
        self.weights.clear();
        self.starving.begin(self.below);
    }

    /// The sums by position.
    pub(super) fn finish(mut self) -> Vec<CompensatedSum> {
        self.flush();
        self.sums
    }
}
