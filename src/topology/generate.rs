//! A synthetic topology of any size that looks like a real one.
//!
//! Services lie in layers, from web to store, and depend on later ones, mostly in the next layer. Popularity within a layer
//! follows Zipf's law: the service of rank r is chosen with a chance of about 1/r. Every service but the first has at least one
//! consumer where there are enough arcs. What must hold: the same plan gives the same topology on every machine; no arc stands
//! twice; there are no cycles. O(services + arcs) time, 17 bytes a service.

use crate::model::DurationLaw;
use crate::model::draft::{Draft, DraftDependency};
use crate::model::facts::{
    Belief, Dependency, DependencyKind, Effect, Fallback, Group, GroupKind, Journey, Replicas, Service, ServiceKind,
};
use crate::random::{Draws, Purpose, Seed};
use crate::units::{Probability, Ticks};
use std::io;
use std::ops::Range;

/// Word of a layer, and the share of the services that lie in it or before it.
const LAYERS: [(&str, f64); 6] =
    [("web", 0.02), ("gateway", 0.06), ("product", 0.30), ("domain", 0.70), ("platform", 0.90), ("store", 1.0)];
/// A document with more services than this is an edge list.
pub const MOST_IN_DRAFT: u32 = 100_000;
/// Share of arcs that lead to the next layer; the others lead to any later one.
const NEXT_LAYER: f64 = 0.7;
/// Draws for a provider before the next free one is taken.
const TRIES: usize = 8;
const OPERATIONS: [&str; 6] = ["Get", "List", "Create", "Update", "Search", "Delete"];

/// The head of a generated YAML file. There is no `observed_at`: nobody observed it, and an assessment has to say so.
pub const YAML_HEAD: &str = "\
# yaml-language-server: $schema=./topology.schema.json
#
# Synthetic, written by `shockfront generate`. It has no `observed_at`, since nobody observed it: `check` and `assess` say so.
# `shockfront schema topology -o topology.schema.json` puts the schema for editors beside it.

";

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Number of services, at least 1.
    pub services: u32,
    /// Number of dependencies.
    pub arcs: u64,
    /// Decides all choices.
    pub seed: u64,
}

/// One arc.
struct Arc {
    consumer: u32,
    provider: u32,
    /// Percent, 10..=90.
    percent: u32,
    /// The one arc by which every service but the first is called.
    is_first: bool,
}

impl Plan {
    /// Whether there can be such a topology.
    ///
    /// # Errors
    /// Why not.
    pub fn check(self) -> Result<(), String> {
        let n = u64::from(self.services);
        let most = n * n.saturating_sub(1) / 2;
        match () {
            () if self.services == 0 => Err("expected at least one service".to_owned()),
            () if self.arcs > most => Err(format!("{n} services have at most {most} dependencies without cycles")),
            () if self.arcs >= 1 << 31 => Err("expected fewer than 2,147,483,648 dependencies".to_owned()),
            () => Ok(()),
        }
    }

    fn layer(self, service: u32) -> usize {
        (0..LAYERS.len()).find(|layer| service < self.range(*layer).end).unwrap_or(LAYERS.len() - 1)
    }

    fn range(self, layer: usize) -> Range<u32> {
        // Rounded up, so that a single service lies in the first layer.
        let end = |layer: usize| (LAYERS[layer].1 * f64::from(self.services)).ceil() as u32;
        (if layer == 0 { 0 } else { end(layer - 1) })..end(layer)
    }

    fn name(self, service: u32) -> String {
        format!("{}-{service}", LAYERS[self.layer(service)].0)
    }

    fn draws(self, purpose: &str, service: u32) -> Draws {
        Draws::new(Seed(self.seed).named(Purpose::Hit, purpose), u64::from(service))
    }
}

/// Writes the plan as an edge list, arc by arc.
///
/// # Errors
/// When the plan is impossible, or the output refuses.
pub fn edge_list(plan: Plan, out: &mut dyn io::Write) -> io::Result<()> {
    plan.check().map_err(|message| io::Error::new(io::ErrorKind::InvalidInput, message))?;
    writeln!(out, "# generated: {} services, {} arcs, seed {}", plan.services, plan.arcs, plan.seed)?;
    writeln!(out, "provider\tconsumer\tprobability")?;
    let mut failed = Ok(());
    arcs(plan, &mut |arc| {
        let (provider, consumer) = (LAYERS[plan.layer(arc.provider)].0, LAYERS[plan.layer(arc.consumer)].0);
        let Arc { consumer: c, provider: p, percent, .. } = arc;
        if failed.is_ok() {
            failed = writeln!(out, "{provider}-{p}\t{consumer}-{c}\t0.{percent:02}");
        }
    });
    failed
}

/// The plan as a draft with owners, tiers, operations, zones and journeys.
///
/// # Errors
/// When the plan is impossible or too large for a document.
pub fn draft(plan: Plan) -> Result<Draft, String> {
    plan.check()?;
    if plan.services > MOST_IN_DRAFT {
        return Err(format!("more than {MOST_IN_DRAFT} services are written as an edge list only"));
    }
    let services: Vec<(String, Service)> = (0..plan.services).map(|at| (plan.name(at), service(plan, at))).collect();
    let mut dependencies = Vec::new();
    arcs(plan, &mut |arc| dependencies.push(dependency(plan, &services, &arc)));
    let zone = |hit| Group {
        kind: GroupKind::Zone,
        kind_name: "zone".to_owned(),
        hit: Probability::new(hit),
        waves: Vec::new(),
        beta: None,
        paths: Vec::new(),
    };
    let web = plan.range(0);
    let needs = |at: u32| vec![plan.name(at.min(web.end - 1))];
    let journey = |needs, users: f64| Journey {
        needs,
        users_per_minute: Some(users),
        slo: Some(99.9),
        window: Some(Ticks::from_days(30)),
        peak: None,
    };
    Ok(Draft {
        name: Some(format!("generated-{}-{}-{}", plan.services, plan.arcs, plan.seed)),
        // Nothing is missing from what was made up.
        coverage: Some(1.0),
        services,
        dependencies,
        groups: ["zone-a", "zone-b", "zone-c"].map(|name| (name.to_owned(), zone(1.0))).into(),
        journeys: vec![("browse".to_owned(), journey(needs(0), 30_000.0)), ("buy".to_owned(), journey(needs(1), 10_000.0))],
        ..Draft::default()
    })
}

fn service(plan: Plan, at: u32) -> Service {
    let mut draws = plan.draws("generate service", at);
    let layer = plan.layer(at);
    let last = layer == LAYERS.len() - 1;
    let kind = match layer {
        _ if last && draws.uniform() < 0.3 => ServiceKind::Cache,
        _ if last => ServiceKind::Datastore,
        4 if draws.uniform() < 0.1 => ServiceKind::Queue,
        _ => ServiceKind::Service,
    };
    let count = 1 + below(&mut draws, 6);
    let operations = if last { 0 } else { below(&mut draws, 4) as usize };
    let zones = ["zone-a", "zone-b", "zone-c"].iter().take(if count > 1 { 3 } else { 1 });
    Service {
        kind: Some(kind),
        owner: Some(format!("team-{}", below(&mut draws, 1 + plan.services / 8))),
        tier: Some(if layer < 2 { 0 } else { below(&mut draws, 4) as u8 }),
        effects: if draws.uniform() < 0.03 { vec![Effect::Financial] } else { Vec::new() },
        replicas: Some(Replicas { count, need: 1 + count / 2 }),
        groups: zones.map(|zone| (*zone).to_owned()).collect(),
        // A service with one operation is one without: only two or more tell anything apart.
        operations: OPERATIONS.iter().take(if operations < 2 { 0 } else { operations }).map(|word| (*word).to_owned()).collect(),
        ..Service::default()
    }
}

fn dependency(plan: Plan, services: &[(String, Service)], arc: &Arc) -> DraftDependency {
    // Keyed by both ends, so that one more arc changes no other.
    let key = Seed(plan.seed).named(Purpose::Hit, "generate dependency");
    let mut draws = Draws::new(key, u64::from(arc.consumer) << 32 | u64::from(arc.provider));
    let mut end = |service: u32, is_first: bool| {
        let (name, facts) = &services[service as usize];
        match facts.operations.len() as u32 {
            0 => name.clone(),
            count => {
                let drawn = below(&mut draws, count);
                // All first arcs together are a tree, and it has to hang together by operations too: what the first operation
                // of a service needs is called by whoever calls that operation.
                format!("{name}.{}", facts.operations[if is_first { 0 } else { drawn } as usize])
            }
        }
    };
    let (from, to) = (end(arc.consumer, arc.is_first), end(arc.provider, arc.is_first));
    let kind = match draws.uniform() {
        u if u < 0.80 => DependencyKind::Hard,
        u if u < 0.95 => DependencyKind::Soft,
        _ => DependencyKind::Async,
    };
    let fallback = Fallback { coverage: 1.0, tested: Some(draws.uniform() < 0.3) };
    let facts = Dependency {
        probability: Probability::new(f64::from(arc.percent) / 100.0).map(|mean| Belief { mean, strength: None }),
        fallback: (kind == DependencyKind::Soft).then_some(fallback),
        buffer: (kind == DependencyKind::Async).then_some(DurationLaw::Constant(Ticks(30 * Ticks::PER_MINUTE))),
        ..Dependency::default()
    };
    DraftDependency { from, to, kind: Some(kind), facts }
}

/// Gives all arcs, consumers from the last to the first.
fn arcs(plan: Plan, give: &mut dyn FnMut(Arc)) {
    let n = plan.services;
    let tree = Tree::new(plan);
    let mut extra = plan.arcs - tree.children.len() as u64;
    // Places for extra arcs at consumers not yet visited.
    let mut room = u64::from(n) * u64::from(n.saturating_sub(1)) / 2 - tree.children.len() as u64;
    let mut taken = vec![u32::MAX; n as usize];
    for consumer in (0..n).rev() {
        let children = tree.children_of(consumer);
        let own = u64::from(n - 1 - consumer) - children.len() as u64;
        room -= own;
        let mut draws = plan.draws("generate arcs", consumer);
        let wanted = match plan.layer(consumer) {
            layer if layer == LAYERS.len() - 1 => 0,
            // Between none and twice the mean of what is left, later services having had their turn.
            _ => (2.0 * draws.uniform() * extra as f64 / f64::from(consumer + 1)).round() as u64,
        };
        let count = wanted.max(extra.saturating_sub(room)).min(own).min(extra);
        extra -= count;
        for &provider in children {
            taken[provider as usize] = consumer;
            give(Arc { consumer, provider, percent: 10 + below(&mut draws, 81), is_first: true });
        }
        for _ in 0..count {
            let provider = free_provider(plan, consumer, &taken, &mut draws);
            taken[provider as usize] = consumer;
            give(Arc { consumer, provider, percent: 10 + below(&mut draws, 81), is_first: false });
        }
    }
    assert_eq!(extra, 0, "the plan was checked: all arcs have a place");
}

/// One consumer for every service but the first, as far as the arcs go. Children of a consumer stand together.
struct Tree {
    start: Vec<u32>,
    children: Vec<u32>,
}

impl Tree {
    fn new(plan: Plan) -> Self {
        let n = plan.services;
        let count = plan.arcs.min(u64::from(n) - 1) as u32;
        let parent = |service: u32| {
            let layer = plan.layer(service);
            // A consumer in the layer before, or among the services before in the first layer.
            let before = if layer == 0 { 0..service } else { plan.range(layer - 1) };
            let before = if before.is_empty() { 0..service } else { before };
            before.start + below(&mut plan.draws("generate tree", service), before.end - before.start)
        };
        let parents: Vec<u32> = (1..=count).map(parent).collect();
        let mut start = vec![0_u32; n as usize + 1];
        for &parent in &parents {
            start[parent as usize + 1] += 1;
        }
        for at in 0..n as usize {
            start[at + 1] += start[at];
        }
        let (mut next, mut children) = (start.clone(), vec![0; parents.len()]);
        for (child, &parent) in (1..).zip(&parents) {
            let at = &mut next[parent as usize];
            children[*at as usize] = child;
            *at += 1;
        }
        Self { start, children }
    }

    fn children_of(&self, consumer: u32) -> &[u32] {
        &self.children[self.start[consumer as usize] as usize..self.start[consumer as usize + 1] as usize]
    }
}

/// A later service that the consumer does not depend on yet. There is one: the caller counts.
fn free_provider(plan: Plan, consumer: u32, taken: &[u32], draws: &mut Draws) -> u32 {
    let layer = plan.layer(consumer);
    for _ in 0..TRIES {
        let step = if draws.uniform() < NEXT_LAYER { 1 } else { 1 + below(draws, LAYERS.len() as u32) as usize };
        let range = plan.range((layer + step).min(LAYERS.len() - 1));
        let range = range.start.max(consumer + 1)..range.end;
        if range.is_empty() {
            continue;
        }
        // Uniform in the logarithm of the rank is Zipf's law with exponent 1.
        let length = f64::from(range.end - range.start);
        let rank = libm::exp(draws.uniform() * libm::log(length + 1.0)) as u32;
        let provider = range.start + rank.clamp(1, range.end - range.start) - 1;
        if taken[provider as usize] != consumer {
            return provider;
        }
    }
    let later = plan.services - consumer - 1;
    let from = below(draws, later);
    let place = |step: u32| consumer + 1 + ((u64::from(from) + u64::from(step)) % u64::from(later)) as u32;
    (0..later).map(place).find(|at| taken[*at as usize] != consumer).expect("the caller counted a free provider")
}

/// Uniform in `0..bound`; `bound` is at least 1.
fn below(draws: &mut Draws, bound: u32) -> u32 {
    ((draws.uniform() * f64::from(bound)) as u32).min(bound - 1)
}

#[cfg(test)]
#[path = "generate_tests.rs"]
mod tests;
