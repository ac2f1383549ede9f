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
use crate::lanes::{self, BATCH, Lanes, Mask, Masks, Work};
use crate::model::facts::DependencyKind;
use crate::model::rows::{self, Columns, Reversed};
use crate::model::{Compact, System};
use crate::random::LANES;
use crate::statistics::CompensatedSum;
use crate::statistics::Estimate;
use crate::units::ServiceId;
use std::cmp::Reverse;
use std::collections::VecDeque;

/// What can be starved: services that the scenario can reach and everything they consume, directly or not.
#[derive(Debug)]
pub(super) struct Downstream {
    /// Consumers before their providers, as far as there is such an order.
    pub(super) services: Vec<ServiceId>,
    /// The position in `services` of each label node.
    place: Vec<u32>,
    /// Providers of each, as positions in `services`, rising.
    providers: Lists,
    /// Consumers of each, as positions in `services`.
    consumers: Lists,
}

/// Lists of services, one behind the other.
#[derive(Debug)]
struct Lists {
    starts: Vec<u32>,
    all: Vec<u32>,
}

impl Lists {
    /// The values of each key, in their order.
    fn new(keys: usize, columns: &Columns<'_>) -> Self {
        let starts = rows::starts(keys, columns.keys);
        let (all, _) = rows::filled::<u32, ()>(&starts, rows::SCATTERED, columns);
        Self { starts, all }
    }

    /// The same the other way round; the values of each key then rise.
    fn reversed(&self) -> Self {
        let starts = rows::starts(self.starts.len() - 1, &self.all);
        let (all, _) = rows::filled::<u32, ()>(&starts, rows::NEAR, &Reversed { starts: &self.starts, entries: &self.all });
        Self { starts, all }
    }

    #[inline(always)]
    fn of(&self, key: usize) -> &[u32] {
        &self.all[self.starts[key] as usize..self.starts[key + 1] as usize]
    }
}

impl Downstream {
    /// Collects what lies below the label nodes of a plan. O(services + dependencies).
    pub(super) fn new(system: &System, compact: &Compact, plan: &Plan, labels: &[u32]) -> Self {
        let all = providers(system);
        let mut known = vec![false; system.service_count()];
        let mut services: Vec<u32> = Vec::with_capacity(labels.len());
        for node in labels {
            let service = plan.services[*node as usize].0;
            known[service as usize] = true;
            services.push(service);
        }
        let mut next = 0;
        while let Some(service) = services.get(next).copied() {
            for provider in all.of(service as usize) {
                if !std::mem::replace(&mut known[*provider as usize], true) {
                    services.push(*provider);
                }
            }
            next += 1;
        }
        // Harm flows from provider to consumer, so the order of the kernels backwards is nearly the one that is needed.
        services.sort_unstable_by_key(|service| Reverse(compact.position[compact.whole_node(ServiceId(*service)) as usize]));
        let mut position = vec![0_u32; system.service_count()];
        services.iter().enumerate().for_each(|(at, service)| position[*service as usize] = at as u32);
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for (at, service) in (0_u32..).zip(&services) {
            for provider in all.of(*service as usize) {
                keys.push(position[*provider as usize]);
                values.push(at);
            }
        }
        let consumers = Lists::new(services.len(), &Columns { keys: &keys, values: &values });
        Self {
            place: labels.iter().map(|node| position[plan.services[*node as usize].0 as usize]).collect(),
            services: services.into_iter().map(ServiceId).collect(),
            providers: consumers.reversed(),
            consumers,
        }
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
}

/// Do requests run along the dependency? The other kinds need their provider for something else.
fn bears_traffic(kind: DependencyKind) -> bool {
    match kind {
        DependencyKind::Hard | DependencyKind::Soft | DependencyKind::Async | DependencyKind::Unknown => true,
        DependencyKind::Startup | DependencyKind::Monitors | DependencyKind::Authority | DependencyKind::Knowledge => false,
    }
}

/// Providers of every service over dependencies that bear traffic.
fn providers(system: &System) -> Lists {
    let ids = system.dependency_ids().filter(|id| bears_traffic(system.kind(*id)));
    let (consumers, providers): (Vec<u32>, Vec<u32>) =
        ids.map(|id| (system.consumer(id).service.0, system.provider(id).service.0)).unzip();
    Lists::new(system.service_count(), &Columns { keys: &consumers, values: &providers })
}

/// A batch of trials: who is impaired and down goes in, who is starved comes out. Reused from batch to batch.
#[derive(Debug, Default)]
pub(super) struct Starving {
    /// By position in [`Downstream::services`].
    impaired: Masks,
    /// The same for down or, once settled, starved.
    silent: Masks,
    queue: VecDeque<u32>,
    queued: Vec<bool>,
}

impl Starving {
    /// Starts a batch in which all is well.
    pub(super) fn begin(&mut self, below: &Downstream) {
        self.impaired.reset(below.len());
        self.silent.reset(below.len());
    }

    /// Takes what happened to the services of one timed trial; `position` tells the position of a label node.
    pub(super) fn set_trial<'a>(
        &mut self,
        below: &Downstream,
        services: impl Iterator<Item = (u32, &'a ServiceOutcome)>,
        position: &[u32],
        lane: u64,
    ) {
        let (word, bit) = ((lane / LANES) as usize, 1_u64 << (lane % LANES));
        let (impaired, silent) = (self.impaired.as_mut_slice(), self.silent.as_mut_slice());
        for (node, outcome) in services.filter(|(_, outcome)| outcome.onset.is_some()) {
            let at = below.place[position[node as usize] as usize] as usize;
            impaired[at][word] |= bit;
            if outcome.down {
                silent[at][word] |= bit;
            }
        }
    }

    /// Takes trials in which the services at the labels are down.
    pub(super) fn set_down<'a>(&mut self, below: &Downstream, trials: impl Iterator<Item = &'a Mask>) {
        let (impaired, silent) = (self.impaired.as_mut_slice(), self.silent.as_mut_slice());
        for (at, trials) in below.place.iter().zip(trials) {
            let at = *at as usize;
            (impaired[at], silent[at]) = (impaired[at].or(*trials), silent[at].or(*trials));
        }
    }

    /// Takes a whole batch of static reach, where errors count as down.
    pub(super) fn set_reached(&mut self, below: &Downstream, reached: &Reached, labels: &[u32]) {
        self.begin(below);
        let (impaired, silent) = (self.impaired.as_mut_slice(), self.silent.as_mut_slice());
        for (at, node) in below.place.iter().zip(labels) {
            let [errors, latency, wrong] = reached.at(*node as usize);
            (impaired[*at as usize], silent[*at as usize]) = (errors.or(latency).or(wrong), errors);
        }
        for (node, mask) in &reached.impaired_sources {
            if let Ok(label) = labels.binary_search(node) {
                let at = below.place[label] as usize;
                impaired[at] = impaired[at].or(*mask);
            }
        }
    }

    /// Propagates to the least fixpoint: one pass in order, then a worklist for what lies on cycles.
    pub(super) fn settle(&mut self, below: &Downstream) {
        self.queued.clear();
        self.queued.resize(below.len(), false);
        let (impaired, silent) = (self.impaired.as_slice(), self.silent.as_mut_slice());
        lanes::widest(Settling { below, impaired, silent, queue: &mut self.queue, queued: &mut self.queued });
    }

    /// Trials in which the service at a position is starved. Who is down is impaired, so the difference is exact.
    fn at(&self, at: usize) -> Mask {
        self.silent.as_slice()[at].without(self.impaired.as_slice()[at])
    }

    /// Adds the trials of a batch to the counts by service. Lanes that are not used hit no source and starve nobody.
    pub(super) fn count(&self, below: &Downstream, counts: &mut Vec<u64>) {
        counts.resize(below.len(), 0);
        lanes::widest(Counting { impaired: self.impaired.as_slice(), silent: self.silent.as_slice(), counts });
    }

    /// Adds the weights of a batch of worlds.
    pub(super) fn weigh(&self, below: &Downstream, weights: &[f64], sums: &mut Vec<CompensatedSum>) {
        sums.resize(below.len(), CompensatedSum::default());
        for (at, sum) in sums.iter_mut().enumerate() {
            self.at(at).for_each(|lane| sum.add(weights.get(lane).copied().unwrap_or(0.0)));
        }
    }
}

/// The fixpoint of one batch.
struct Settling<'a> {
    below: &'a Downstream,
    impaired: &'a [Mask],
    silent: &'a mut [Mask],
    queue: &'a mut VecDeque<u32>,
    queued: &'a mut [bool],
}

impl Work for Settling<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self, machine: L::Machine) {
        let Downstream { providers, consumers, .. } = self.below;
        for at in 0..self.silent.len() {
            let down = L::load(machine, &self.silent[at]);
            let silent = consumers.of(at).iter().map(|from| L::load(machine, &self.silent[*from as usize]));
            let starved = silent.fold(L::splat(machine, 0), L::or).without(L::load(machine, &self.impaired[at]));
            down.or(starved).store(&mut self.silent[at]);
            // Providers on a cycle that the pass has left behind did not see this.
            for to in providers.of(at).iter().take_while(|to| **to as usize <= at) {
                self.push::<L>(machine, at, *to);
            }
        }
        while let Some(at) = self.queue.pop_front() {
            self.queued[at as usize] = false;
            for to in providers.of(at as usize) {
                self.push::<L>(machine, at as usize, *to);
            }
        }
    }
}

impl Settling<'_> {
    /// Tells a provider who does not call, and queues it where that is new.
    #[inline(always)]
    fn push<L: Lanes>(&mut self, machine: L::Machine, from: usize, to: u32) {
        let at = to as usize;
        let known = L::load(machine, &self.silent[at]);
        let fresh = L::load(machine, &self.silent[from]).without(known).without(L::load(machine, &self.impaired[at]));
        if fresh.is_none() {
            return;
        }
        known.or(fresh).store(&mut self.silent[at]);
        if !std::mem::replace(&mut self.queued[at], true) {
            self.queue.push_back(to);
        }
    }
}

/// Counts the trials in which services are starved.
struct Counting<'a> {
    impaired: &'a [Mask],
    silent: &'a [Mask],
    counts: &'a mut [u64],
}

impl Work for Counting<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, machine: L::Machine) {
        for ((impaired, silent), count) in self.impaired.iter().zip(self.silent).zip(self.counts) {
            *count += L::load(machine, silent).without(L::load(machine, impaired)).count();
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
        self.starving.set_trial(self.below, services, position, self.weights.len() as u64);
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
