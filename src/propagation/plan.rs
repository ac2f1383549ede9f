//! The part of the compiled graph that a scenario can reach, in processing order, with the rule and the random key of each arc.
//!
//! What must hold: nodes are in topological order of the condensation; an arc comes from an earlier node or from its own
//! component; arcs that no channel of the scenario can use are left out. Memory: 14 bytes an arc of an edge list, 20 of others.

use crate::fault::Scenario;
use crate::fault::scenario::Harm;
use crate::model::compact::{REVERSED, STRUCTURAL, dependency_of};
use crate::model::crossing::Crossing;
use crate::model::facts::{Channels, DependencyKind};
use crate::model::structure::harmed_from;
use crate::model::{Compact, System};
use crate::propagation::plan_columns::{Arcs, Thresholds};
use crate::propagation::transfer::{impairs, p_errors_impair};
use crate::random::{Key, Purpose, Seed, Threshold, name_hash, pair_hash};
use crate::units::ServiceId;
use fixedbitset::FixedBitSet;
use rayon::prelude::*;
use std::collections::HashMap;

/// The rule of arcs of an edge list: hard, plain; the probability stands in the arc itself.
pub(crate) const PLAIN: u32 = 0;
/// The rule of arcs inside a service.
pub(crate) const INSIDE: u32 = 1;

/// Arcs whose stated probabilities are kept: more than the exact solvers can use.
const MOST_STATED: usize = 1_024;

/// A dependency as the kernels use it.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) crossing: Crossing,
    /// For "is the consumer impaired": certain where an uncovered share fails anyway.
    pub(crate) errors: Threshold,
    /// For "does it cross".
    pub(crate) live: Threshold,
    pub(crate) latency: Threshold,
    pub(crate) data: Threshold,
    pub(crate) validator: Option<(Key, Threshold)>,
    /// Hash of the dependency's names, for its other draws.
    pub(crate) name: u64,
}

/// A k-of-n gate at a node: its arcs by provider.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    pub(crate) listed: usize,
    pub(crate) at_least: usize,
    /// For each listed provider that has arcs here, their positions.
    pub(crate) providers: Vec<Vec<u32>>,
}

/// What a scenario can reach.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Nodes of the compiled graph, in processing order; positions in this list are "local".
    pub(crate) nodes: Vec<u32>,
    /// Local position of each node of the compiled graph, `u32::MAX` for those out of reach.
    local: Vec<u32>,
    pub(crate) services: Vec<ServiceId>,
    /// Local node that carries the label of its service: the whole-service node where there is one.
    pub(crate) is_label: Vec<bool>,
    /// Label nodes of services that have operations of their own.
    labels: HashMap<ServiceId, u32>,
    /// Local node of a whole service that has operations of its own.
    pub(crate) stands_for_others: Vec<bool>,
    pub(crate) in_start: Vec<u32>,
    pub(crate) in_source: Vec<u32>,
    pub(crate) in_key: Vec<Key>,
    pub(crate) in_threshold: Thresholds,
    /// Distinct stated probabilities of the first plain arcs, for the exact solvers.
    pub(crate) stated: Vec<f64>,
    /// Rule of each arc; empty when all are plain.
    pub(crate) in_rule: Vec<u32>,
    pub(crate) rules: Vec<Rule>,
    /// Gates by local node.
    pub(crate) gates: HashMap<u32, Gate>,
    /// Positions of arcs that belong to a gate; empty when there are no gates.
    pub(crate) gated: Vec<bool>,
    /// Local node ranges that form a component, in order. Single nodes too.
    pub(crate) components: Vec<(u32, u32)>,
    /// Nodes of the largest of them.
    pub(crate) largest_component: usize,
    /// Channels that can be active anywhere.
    pub(crate) channels: Channels,
    /// Arcs inside components of several nodes, by source: (arc, target). `inner_start` is empty when there are none.
    pub(crate) inner_start: Vec<u32>,
    pub(crate) inner: Vec<(u32, u32)>,
}

impl Plan {
    /// Cuts the graph down to what the scenario can reach. With `optimistic`, arcs that anything delays are left out.
    pub(crate) fn new(system: &System, compact: &Compact, scenario: &Scenario, seed: Seed, optimistic: bool) -> Self {
        Self::within(&reached(compact, scenario), (system, compact), scenario, seed, optimistic)
    }

    /// The same, given the nodes that are [`reached`].
    pub(crate) fn within(
        reached: &FixedBitSet,
        (system, compact): (&System, &Compact),
        scenario: &Scenario,
        seed: Seed,
        optimistic: bool,
    ) -> Self {
        let nodes: Vec<u32> = compact.order.iter().copied().filter(|node| reached.contains(*node as usize)).collect();
        let mut local = vec![u32::MAX; compact.node_count()];
        for (at, node) in nodes.iter().enumerate() {
            local[*node as usize] = at as u32;
        }
        let mut builder = Builder { system, compact, seed, optimistic, rule_of: HashMap::new(), plan: Self::empty() };
        builder.plan.channels = channels(scenario);
        if !scenario.surge.nodes.is_empty() {
            builder.plan.channels = builder.plan.channels.with(Channels::ERRORS);
        }
        builder.services(&nodes);
        if system.is_edge_list() {
            builder.plain_arcs(&nodes, &local);
        } else {
            builder.arcs(&nodes, &local);
        }
        let mut plan = builder.plan;
        plan.find_components(compact, &nodes);
        plan.nodes = nodes;
        plan.local = local;
        plan
    }

    fn empty() -> Self {
        Self {
            nodes: Vec::new(),
            local: Vec::new(),
            services: Vec::new(),
            is_label: Vec::new(),
            labels: HashMap::new(),
            stands_for_others: Vec::new(),
            in_start: vec![0],
            in_source: Vec::new(),
            in_key: Vec::new(),
            in_threshold: Thresholds::default(),
            stated: Vec::new(),
            in_rule: Vec::new(),
            rules: Vec::new(),
            gates: HashMap::new(),
            gated: Vec::new(),
            components: Vec::new(),
            largest_component: 0,
            channels: Channels(0),
            inner_start: Vec::new(),
            inner: Vec::new(),
        }
    }

    /// Arcs out of a node to its own component: (arc, target).
    pub(crate) fn inner_arcs(&self, node: usize) -> &[(u32, u32)] {
        match self.inner_start.get(node..node + 2) {
            Some(ends) => &self.inner[ends[0] as usize..ends[1] as usize],
            None => &[],
        }
    }

    /// Local position of a node of the compiled graph.
    pub(crate) fn local(&self, node: u32) -> Option<usize> {
        self.local.get(node as usize).filter(|at| **at != u32::MAX).map(|at| *at as usize)
    }

    /// The node that carries the label of a node's service: the node itself, or the next whole-service node it feeds.
    pub(crate) fn label_of(&self, node: usize) -> u32 {
        if self.is_label[node] {
            return node as u32;
        }
        let service = self.services[node];
        self.labels.get(&service).copied().unwrap_or(node as u32)
    }

    /// One past the last node of the component a node belongs to.
    pub(crate) fn component_end(&self, node: u32) -> u32 {
        let at = self.components.partition_point(|(start, _)| *start <= node) - 1;
        self.components[at].1
    }

    /// The nodes that carry labels, ascending.
    pub(crate) fn labels(&self) -> Vec<u32> {
        (0..self.len() as u32).filter(|node| self.is_label[*node as usize]).collect()
    }

    /// Number of nodes.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Arcs into a local node.
    pub(crate) fn arcs_into(&self, node: usize) -> std::ops::Range<usize> {
        self.in_start[node] as usize..self.in_start[node + 1] as usize
    }

    /// Rule number of an arc.
    pub(crate) fn rule(&self, arc: usize) -> u32 {
        self.in_rule.get(arc).copied().unwrap_or(PLAIN)
    }

    /// Of the probabilities that sampling changes by more than a thousandth, as thresholds have 32 digits, the one nearest to 0 or 1:
    /// as it is stated, and as it is sampled. Plain arcs after the first [`MOST_STATED`] are not looked at.
    pub(crate) fn rounded(&self) -> Option<(f64, f64)> {
        let of_rules = self.rules.iter().flat_map(|rule| {
            let c = &rule.crossing;
            [c.p_errors, c.p_latency, c.p_data].into_iter().chain(c.p_validator)
        });
        let chance = |p: f64| p.min(1.0 - p);
        let sampled = |p: f64| Threshold::new(p).probability();
        of_rules
            .chain(self.stated.iter().copied())
            .filter(|p| (chance(sampled(*p)) - chance(*p)).abs() > 1e-3 * chance(*p))
            .min_by(|a, b| chance(*a).total_cmp(&chance(*b)))
            .map(|p| (p, sampled(p)))
    }

    pub(crate) fn is_gated(&self, arc: usize) -> bool {
        self.gated.get(arc).copied().unwrap_or(false)
    }

    /// Does anything delay any of its arcs?
    pub(crate) fn has_delays(&self) -> bool {
        self.rules.iter().any(|rule| rule.crossing.is_delayed())
    }

    /// Only errors, only plain arcs: the fast kernel applies.
    pub(crate) fn is_plain(&self) -> bool {
        self.channels == Channels::ERRORS && self.in_rule.is_empty() && self.gates.is_empty()
    }

    fn find_components(&mut self, compact: &Compact, nodes: &[u32]) {
        let mut start = 0;
        for at in 1..=nodes.len() {
            if at == nodes.len() || compact.component[nodes[at] as usize] != compact.component[nodes[start] as usize] {
                self.components.push((start as u32, at as u32));
                start = at;
            }
        }
        self.largest_component = self.components.iter().map(|(start, end)| (end - start) as usize).max().unwrap_or(0);
        self.find_inner_arcs();
    }

    fn find_inner_arcs(&mut self) {
        let (components, start, sources) = (&self.components, &self.in_start, &self.in_source);
        let inner = || {
            let several = components.iter().filter(|(start, end)| end - start > 1);
            several.flat_map(move |(first, end)| {
                (*first..*end).flat_map(move |target| {
                    let arcs = start[target as usize]..start[target as usize + 1];
                    let from = move |arc: u32| sources[arc as usize];
                    arcs.filter(move |arc| from(*arc) >= *first).map(move |arc| (from(arc), (arc, target)))
                })
            })
        };
        if inner().next().is_none() {
            return;
        }
        let mut ends = vec![0; self.services.len() + 1];
        inner().for_each(|(source, _)| ends[source as usize + 1] += 1);
        for at in 1..ends.len() {
            ends[at] += ends[at - 1];
        }
        let mut cursor = ends.clone();
        let mut placed = vec![(0, 0); ends[self.services.len()] as usize];
        for (source, arc) in inner() {
            let at = &mut cursor[source as usize];
            placed[*at as usize] = arc;
            *at += 1;
        }
        (self.inner_start, self.inner) = (ends, placed);
    }
}

/// Nodes that a scenario can reach.
pub(crate) fn reached(compact: &Compact, scenario: &Scenario) -> FixedBitSet {
    harmed_from(compact, scenario.source_nodes().into_iter().chain(scenario.surge.nodes.iter().copied()))
}

/// Channels a scenario can start, with those that timeouts and validators can turn them into left to the arcs.
fn channels(scenario: &Scenario) -> Channels {
    scenario.incidents.iter().fold(Channels(0), |all, incident| {
        all.with(match incident.harm {
            Harm::Fixed { errors, latency, wrong } => {
                let pick = |on: bool, channel| if on { channel } else { Channels(0) };
                pick(errors > 0.0, Channels::ERRORS)
                    .with(pick(latency > 1.0, Channels::LATENCY))
                    .with(pick(wrong > 0.0, Channels::DATA))
            }
            Harm::Errors => Channels::ERRORS,
            Harm::Latency => Channels::LATENCY.with(Channels::ERRORS),
            Harm::Data | Harm::Loop(_) => Channels::DATA.with(Channels::ERRORS),
            Harm::Mix => Channels::ERRORS.with(Channels::LATENCY).with(Channels::DATA),
            Harm::Silent => Channels(0),
            Harm::Overload { .. } => Channels::ERRORS,
        })
    })
}

struct Builder<'a> {
    system: &'a System,
    compact: &'a Compact,
    seed: Seed,
    optimistic: bool,
    rule_of: HashMap<u32, u32>,
    plan: Plan,
}

impl Builder<'_> {
    fn services(&mut self, nodes: &[u32]) {
        self.plan.services.reserve_exact(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let service = self.compact.service_of(*node);
            self.plan.services.push(service);
            self.plan.is_label.push(*node == self.compact.whole_node(service));
            let stands_for_others = !self.compact.operation_nodes(service).contains(node);
            if stands_for_others {
                self.plan.labels.insert(service, at as u32);
            }
            self.plan.stands_for_others.push(stands_for_others);
        }
    }

    fn arcs(&mut self, nodes: &[u32], local: &[u32]) {
        self.inside_rules();
        for (at, node) in nodes.iter().enumerate() {
            for arc in self.compact.arcs_into(*node) {
                let source = local[self.compact.in_provider[arc] as usize];
                if source != u32::MAX {
                    self.ruled_arc(source, self.compact.in_dependency[arc]);
                }
            }
            self.plan.in_start.push(self.plan.in_source.len() as u32);
            self.gate(at, *node);
        }
    }

    /// All arcs of an edge list, ranges of nodes in parallel. O(arcs).
    fn plain_arcs(&mut self, nodes: &[u32], local: &[u32]) {
        let (system, compact, seed) = (self.system, self.compact, self.seed);
        let arcs = |node: u32| {
            let sources = compact.arcs_into(node).map(|arc| (arc, local[compact.in_provider[arc] as usize]));
            sources.filter(|(_, source)| *source != u32::MAX)
        };
        let probability = |arc: usize| {
            let stated = system.dependencies.probability.get(compact.in_dependency[arc] as usize);
            stated.unwrap_or(crate::model::crossing::WHOLE_SERVICE)
        };
        let hash = |node: &u32| name_hash(system.service_name(compact.service_of(*node)));
        let (hashes, counts): (Vec<u64>, Vec<u32>) = rayon::join(
            || nodes.par_iter().map(hash).collect(),
            || nodes.par_iter().map(|node| arcs(*node).count() as u32).collect(),
        );
        let plan = &mut self.plan;
        plan.in_start.reserve_exact(nodes.len());
        let mut total = 0;
        plan.in_start.extend(counts.iter().map(|count| {
            total += count;
            total
        }));
        drop(counts);
        for arc in nodes.iter().flat_map(|node| arcs(*node)).take(MOST_STATED).map(|(arc, _)| arc) {
            if !plan.stated.contains(&probability(arc)) {
                plan.stated.push(probability(arc));
            }
        }
        let arcs = Arcs { nodes, starts: &plan.in_start, into: arcs };
        let key = |at: usize, _, source: u32| {
            let name = pair_hash(hashes[at], hashes[source as usize], DependencyKind::Hard.stable_number());
            seed.key(Purpose::Crossing, name)
        };
        let row = |arc: usize| compact.in_dependency[arc] as usize;
        let sources = arcs.column(0, |_, _, source| source);
        let keys = arcs.column(Key(0), key);
        let thresholds = arcs.thresholds(&system.dependencies.probability, row);
        (plan.in_source, plan.in_key, plan.in_threshold) = (sources, keys, thresholds);
    }

    fn ruled_arc(&mut self, source: u32, entry: u32) {
        let rule = if entry == STRUCTURAL { INSIDE } else { self.rule(entry) };
        let r = &self.plan.rules[rule as usize];
        if self.optimistic && r.crossing.is_delayed() {
            return;
        }
        let (threshold, name) = (r.errors, r.name);
        self.plan.in_source.push(source);
        self.plan.in_threshold.push(threshold);
        self.plan.in_key.push(self.seed.key(Purpose::Crossing, name));
        self.plan.in_rule.push(rule);
    }

    /// Two rules that every ruled plan has: an unused plain one, and the certain arc inside a service.
    fn inside_rules(&mut self) {
        let all = Channels::ERRORS.with(Channels::LATENCY).with(Channels::DATA);
        let crossing = Crossing {
            kind: DependencyKind::Hard,
            channels: all,
            writes_data: false,
            p_errors: 1.0,
            p_latency: 1.0,
            p_data: 1.0,
            share: 1.0,
            calls: 1.0,
            attempts: 1,
            transient: None,
            uncovered: 0.0,
            wait_share: 1.0,
            buffer: None,
            delay: None,
            cache: None,
            timeout: None,
            p_validator: None,
            rejects: false,
            budget: None,
            pool: None,
            breaker: None,
            drain: None,
        };
        let always = Threshold::ALWAYS;
        let rule = Rule { crossing, errors: always, live: always, latency: always, data: always, validator: None, name: 0 };
        self.plan.rules = vec![rule.clone(), rule];
    }

    /// The rule of an entry, made once per entry and direction.
    fn rule(&mut self, entry: u32) -> u32 {
        if let Some(known) = self.rule_of.get(&entry) {
            return *known;
        }
        let id = dependency_of(entry).unwrap_or_else(|| unreachable!("structural arcs have their own rule"));
        let mut crossing = Crossing::of(self.system, id);
        if entry & REVERSED != 0 {
            crossing.channels = Channels::DATA;
        }
        let (from, to) = (self.system.consumer(id), self.system.provider(id));
        let end = |endpoint| name_hash(&self.system.endpoint_name(endpoint));
        let name = pair_hash(end(from), end(to), self.system.drawn_as(id).stable_number());
        let errors = Threshold::new(p_errors_impair(&crossing));
        let pick = |channel, p: f64| if crossing.channels.has(channel) { Threshold::new(p) } else { Threshold::NEVER };
        let rule = Rule {
            errors: if crossing.channels.has(Channels::ERRORS) || crossing.timeout.is_some() || crossing.rejects {
                errors
            } else {
                Threshold::NEVER
            },
            live: Threshold::new(crossing.p_errors),
            latency: pick(Channels::LATENCY, crossing.p_latency),
            data: if !impairs(crossing.share) { Threshold::NEVER } else { pick(Channels::DATA, crossing.p_data) },
            validator: crossing.p_validator.map(|p| (self.seed.key(Purpose::Validator, name), Threshold::new(p))),
            name,
            crossing,
        };
        self.plan.rules.push(rule);
        let number = self.plan.rules.len() as u32 - 1;
        self.rule_of.insert(entry, number);
        number
    }

    fn gate(&mut self, at: usize, node: u32) {
        let service = self.compact.service_of(node);
        let operations = self.compact.operation_nodes(service);
        let Some(requires) = &self.system.service(service).requires else { return };
        if !operations.contains(&node) {
            return;
        }
        let listed: Vec<Option<ServiceId>> = requires.of.iter().map(|name| self.system.find_service(name)).collect();
        let mut providers = vec![Vec::new(); listed.len()];
        let arcs = self.plan.arcs_into(at);
        for arc in arcs {
            let provider = self.plan.services[self.plan.in_source[arc] as usize];
            if let Some(which) = listed.iter().position(|known| *known == Some(provider)) {
                providers[which].push(arc as u32);
                self.plan.gated.resize(arc + 1, false);
                self.plan.gated[arc] = true;
            }
        }
        providers.retain(|arcs| !arcs.is_empty());
        if !providers.is_empty() {
            let gate = Gate { listed: listed.len(), at_least: requires.at_least as usize, providers };
            self.plan.gates.insert(at as u32, gate);
        }
    }
}
