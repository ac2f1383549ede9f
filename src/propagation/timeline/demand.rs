//! The load of a trial: callers that try again, services that have more to do than they can, outages that feed on that.
//!
//! Every ten seconds the demand of each service and its overload advance by one explicit step from the current state (model.md
//! §2.6), so that the past counts: an overload can outlive its cause. Nothing is computed while nothing changes. Demand is in
//! units of a service's stated load and uses the callers' demand of the step before, so the order of services does not matter.
//! That load is one of the busiest time: what comes from outside follows the users of all journeys, as a share of their peak.
//! What an overloaded service, or one that a fault hits, fails by itself makes no calls: a failing caller sends less load.

use super::settle::left_of_pool;
use super::{Event, Timeline, Trial};
use crate::fault::Scenario;
use crate::fault::draw::{Choose, nth};
use crate::fault::pool::Left;
use crate::fault::scenario::Harm;
use crate::model::traffic::Traffic;
use crate::model::{Compact, System};
use crate::propagation::lane::NONE;
use crate::propagation::load::{EPOCH_SECONDS, GOODPUT, attempts, overload_failure};
use crate::propagation::plan::Plan;
use crate::random::{Purpose, name_hash, pair_hash};
use crate::units::{ServiceId, Severity, Ticks};
use std::collections::HashMap;

const EPOCH: Ticks = Ticks(EPOCH_SECONDS * Ticks::PER_SECOND);
/// An overload without a cause that changes for longer than this does not go away by itself.
const RESTLESS: Ticks = Ticks(10 * Ticks::PER_MINUTE);
/// Demand is rounded to this grid, so that it comes to rest.
const GRID: f64 = 16_777_216.0;

/// Calls into a service.
#[derive(Debug)]
struct Calls {
    /// Share of the provider's usual load.
    weight: f64,
    attempts: u32,
    budget: Option<f64>,
    /// Position of the caller among the services of the layer; [`NONE`] outside.
    caller: u32,
    /// Plan nodes of the caller.
    caller_nodes: Vec<u32>,
    /// Plan node that answers and the rule of the calls; [`NONE`] where no failure can come this way.
    provider: u32,
    rule: u32,
}

/// A service of the layer.
#[derive(Debug)]
struct Loaded {
    service: ServiceId,
    /// Plan nodes that an overload fails.
    nodes: Vec<u32>,
    load: f64,
    goodput: f64,
    external: f64,
    calls: Vec<Calls>,
}

/// The load layer of a scenario; the same for all trials.
#[derive(Debug)]
pub(super) struct Layer {
    services: Vec<Loaded>,
    of_node: HashMap<u32, u32>,
    /// Users of all journeys, as a share of their peak.
    pub(super) users: Traffic,
    /// All nodes of the plan: overload does not follow the static reach.
    pub(super) all_nodes: Vec<u32>,
    /// Nodes of the plan whose failure changes the load of any service.
    feeds: Vec<bool>,
}

impl Layer {
    /// `None` where nothing can be overloaded.
    pub(super) fn new(
        (system, compact): (&System, &Compact),
        plan: &Plan,
        scenario: &Scenario,
        traffic: &[Traffic],
    ) -> Option<Self> {
        if scenario.surge.nodes.is_empty() {
            return None;
        }
        let rules = rules(plan);
        let position: HashMap<u32, u32> =
            scenario.surge.demands.iter().enumerate().map(|(at, demand)| (demand.service.0, at as u32)).collect();
        let nodes = |service| -> Vec<u32> {
            compact.operation_nodes(service).filter_map(|node| plan.local(node)).map(|node| node as u32).collect()
        };
        let services: Vec<Loaded> = scenario
            .surge
            .demands
            .iter()
            .map(|demand| Loaded {
                service: demand.service,
                nodes: nodes(demand.service),
                load: demand.load,
                goodput: demand.goodput.unwrap_or(GOODPUT),
                external: demand.external,
                calls: demand
                    .calls
                    .iter()
                    .map(|call| {
                        let end = |endpoint| name_hash(&system.endpoint_name(endpoint));
                        let (from, to) = (system.consumer(call.dependency), system.provider(call.dependency));
                        let name = pair_hash(end(from), end(to), system.drawn_as(call.dependency).stable_number());
                        let (rule, provider) = rules.get(&name).copied().unwrap_or((NONE, NONE));
                        Calls {
                            weight: call.weight,
                            attempts: call.retries.attempts,
                            budget: call.retries.budget,
                            caller: position.get(&call.consumer.0).copied().unwrap_or(NONE),
                            caller_nodes: nodes(call.consumer),
                            provider,
                            rule,
                        }
                    })
                    .collect(),
            })
            .collect();
        let of_node = services
            .iter()
            .enumerate()
            .flat_map(|(at, service)| service.nodes.iter().map(move |node| (*node, at as u32)))
            .collect();
        let users = Traffic::share_of_peak(traffic);
        let feeds = feeding(plan, &services);
        Some(Self { services, of_node, users, all_nodes: (0..plan.len() as u32).collect(), feeds })
    }
}

/// Nodes from which a failure reaches a service of the layer or one that calls it.
fn feeding(plan: &Plan, services: &[Loaded]) -> Vec<bool> {
    let callers = |service: &Loaded| service.calls.iter().flat_map(|calls| calls.caller_nodes.clone()).collect::<Vec<u32>>();
    let mut stack: Vec<u32> = services.iter().flat_map(|service| [service.nodes.clone(), callers(service)].concat()).collect();
    let mut feeds = vec![false; plan.len()];
    while let Some(node) = stack.pop() {
        if !std::mem::replace(&mut feeds[node as usize], true) {
            let arcs = plan.in_start[node as usize] as usize..plan.in_start[node as usize + 1] as usize;
            stack.extend(&plan.in_source[arcs]);
        }
    }
    feeds
}

/// (rule, provider) of the calls in a plan by the hash of their names.
fn rules(plan: &Plan) -> HashMap<u64, (u32, u32)> {
    let mut rules = HashMap::new();
    for arc in 0..plan.in_source.len() {
        let number = plan.rule(arc);
        let Some(rule) = plan.rules.get(number as usize) else { continue };
        if rule.name != 0 && !rule.crossing.is_about_data_only() {
            rules.entry(rule.name).or_insert((number, plan.in_source[arc]));
        }
    }
    rules
}

/// The load of one trial; reused from trial to trial.
#[derive(Debug, Default)]
pub(super) struct LoadState {
    /// Demand over the usual demand.
    demand: Vec<f64>,
    /// Failing share by overload.
    overload: Vec<Severity>,
    /// Services from which load is kept away at the moment.
    relieved: Vec<bool>,
    /// Share of the load that is kept away.
    shed: f64,
    /// An update is due.
    pending: bool,
    last: Option<Ticks>,
    /// Something changed since the last update.
    pub(super) stale: bool,
    /// Since when no cause is left.
    clear_since: Option<Ticks>,
    relief_due: bool,
    /// Incident whose people keep the load away.
    relieved_by: usize,
    reliefs: usize,
}

impl LoadState {
    pub(super) fn reset(&mut self, layer: Option<&Layer>) {
        let services = layer.map_or(0, |layer| layer.services.len());
        self.demand.clear();
        self.demand.resize(services, layer.map_or(1.0, |layer| layer.users.rate_at(Ticks::ZERO)));
        self.overload.clear();
        self.overload.resize(services, Severity::NONE);
        self.relieved.clear();
        self.relieved.resize(services, false);
        (self.shed, self.reliefs, self.relieved_by) = (0.0, 0, 0);
        (self.pending, self.stale, self.relief_due) = (false, false, false);
        (self.last, self.clear_since) = (None, None);
    }
}

impl<'a> Trial<'a> {
    /// Failing share of a plan node by overload and by load that is kept away.
    pub(super) fn overload_of(&self, line: &Timeline<'a>, node: u32) -> f64 {
        let Some(at) = line.layer.as_ref().and_then(|layer| layer.of_node.get(&node)) else { return 0.0 };
        let overload = self.load.overload[*at as usize].share();
        if self.load.relieved[*at as usize] { overload.max(self.load.shed) } else { overload }
    }

    /// Notes when the number of users changes next.
    pub(super) fn follow_users(&mut self, line: &Timeline<'a>) {
        if let Some(next) = line.layer.as_ref().and_then(|layer| layer.users.next_change(self.now)) {
            self.at(next, Event::Users);
        }
    }

    /// Puts the next update into the queue if anything changed: at once, but no sooner than an epoch after the last.
    pub(super) fn wake(&mut self, line: &Timeline<'a>) {
        let Some(layer) = &line.layer else { return };
        let has_cause = (0..self.hit_states.len()).any(|hit| self.is_cause_of_load(line, layer, hit));
        self.load.clear_since = if has_cause || self.load.shed > 0.0 { None } else { self.load.clear_since.or(Some(self.now)) };
        if self.load.stale && !self.load.pending {
            self.load.pending = true;
            let next = self.load.last.map_or(self.now, |last| self.now.max(last.saturating_add(EPOCH)));
            self.at(next, Event::Epoch);
        }
    }

    /// Does a hit change the load of any service at the moment?
    fn is_cause_of_load(&self, line: &Timeline<'a>, layer: &Layer, hit: usize) -> bool {
        let feeds = |at: usize| layer.feeds[self.lane.nodes[self.record.hit_nodes[at] as usize] as usize];
        let is_silent = line.scenario.incidents[self.hits.hits[hit].incident].harm == Harm::Silent;
        // What waits for others to start has nothing to do with load any more; those may be overloaded until it is kept away.
        let state = &self.hit_states[hit];
        state.active && !state.waiting && !is_silent && self.nodes_of_hit(hit as u32).any(feeds)
    }

    /// One update of all demands and overloads. True when a severity changed.
    pub(super) fn epoch(&mut self, line: &Timeline<'a>, choose: &mut impl Choose) -> bool {
        let Some(layer) = &line.layer else { return false };
        (self.load.pending, self.load.stale, self.load.last) = (false, false, Some(self.now));
        let next: Vec<(f64, Severity)> = (0..layer.services.len()).map(|at| self.update(line, layer, at)).collect();
        let mut changed = false;
        for (at, (demand, overload)) in next.into_iter().enumerate() {
            self.load.stale |= demand != self.load.demand[at] || overload != self.load.overload[at];
            self.load.demand[at] = demand;
            if overload != self.load.overload[at] {
                changed = true;
                self.load.overload[at] = overload;
                self.mark_service(layer, at);
            }
        }
        self.plan_relief(line, choose);
        changed
    }

    /// Demand and overload of a service in the next epoch.
    fn update(&self, line: &Timeline<'a>, layer: &Layer, at: usize) -> (f64, Severity) {
        let service = &layer.services[at];
        let admitted = layer.users.rate_at(self.now) * (1.0 - self.load.shed);
        let mut demand = service.external * admitted;
        for calls in &service.calls {
            let arriving = self.load.demand.get(calls.caller as usize).copied().unwrap_or(admitted);
            if calls.rule != NONE && self.is_open(line, calls.rule) {
                continue;
            }
            let failing = self.failing_calls(line, calls.provider, calls.rule);
            let tries = attempts(failing, calls.attempts, calls.budget);
            demand += calls.weight * arriving * (1.0 - self.fails_itself(line, &calls.caller_nodes)) * tries;
        }
        let (capacity, more) = self.pressure(line, service);
        let demand = (demand * more * GRID).round() / GRID;
        let offered = if capacity > 0.0 { service.load * demand / capacity } else { f64::INFINITY };
        let failing = if demand == 0.0 { 0.0 } else { overload_failure(offered, service.goodput) };
        (demand, Severity::from_share(failing))
    }

    /// Share of the calls over a rule that fail at the provider or are given up.
    fn failing_calls(&self, line: &Timeline<'a>, provider: u32, rule: u32) -> f64 {
        let node = self.lane.index_of.get(provider as usize).copied().unwrap_or(NONE);
        if node == NONE || rule == NONE {
            return 0.0;
        }
        super::settle::seen_failing(&line.plan.rules[rule as usize].crossing, self.active[node as usize])
    }

    /// Share of its requests that a service fails by itself, before it calls anybody.
    fn fails_itself(&self, line: &Timeline<'a>, nodes: &[u32]) -> f64 {
        let lanes = nodes.iter().map(|node| self.lane.index_of.get(*node as usize).copied().unwrap_or(NONE));
        lanes.filter(|lane| *lane != NONE).map(|lane| self.own(line, lane).errors.share()).fold(0.0, f64::max)
    }

    /// What faults leave of the capacity of a service, and their factor on its demand.
    fn pressure(&self, line: &Timeline<'a>, service: &Loaded) -> (f64, f64) {
        let (mut capacity, mut more) = (1.0, 1.0);
        let hits = self.hit_states.iter().zip(&self.hits.hits);
        let active = hits.filter(|(state, hit)| state.active && hit.member.service == service.service);
        for (state, hit) in active.clone() {
            let incident = &line.scenario.incidents[hit.incident];
            if let Harm::Overload { capacity: left, demand } = incident.harm {
                let part = incident.share * state.scale;
                capacity *= 1.0 - part * (1.0 - left);
                more *= 1.0 + part * (demand - 1.0);
            }
        }
        if let Some((Left { capacity: Some(left), .. }, part)) = left_of_pool(line, active) {
            capacity *= 1.0 - part * (1.0 - left);
        }
        (capacity, more)
    }

    fn mark_service(&mut self, layer: &Layer, at: usize) {
        for node in &layer.services[at].nodes {
            let lane = self.lane.index_of.get(*node as usize).copied().unwrap_or(NONE);
            if lane != NONE {
                self.mark_dirty(lane);
            }
        }
    }

    /// When the causes are gone but an overload stays, people find that out after a while and keep load away. It stays when the
    /// load has come to rest, or goes up and down for too long.
    fn plan_relief(&mut self, line: &Timeline<'a>, choose: &mut impl Choose) {
        let Some(since) = self.load.clear_since.filter(|_| !self.load.relief_due) else { return };
        let stays = !self.load.stale || self.now >= since.saturating_add(RESTLESS);
        if !stays || self.load.overload.iter().all(|overload| *overload == Severity::NONE) {
            return;
        }
        let Some(number) = self.relieving(line) else { return };
        let incident = &line.scenario.incidents[number];
        let name = nth(nth(incident.name, 2_000), self.load.reliefs);
        let wait = choose.duration(Purpose::Repair, name, incident.relief.after, &|| {
            format!("time until load is shed after {}: state `relief`", incident.label)
        });
        (self.load.relief_due, self.load.relieved_by, self.load.reliefs) = (true, number, self.load.reliefs + 1);
        let due = since.saturating_add(wait).max(self.now.saturating_add(EPOCH));
        self.at(due, Event::Relief);
    }

    /// The incident whose people keep load away: first one that hit a service which is overloaded now, then one of overload, then
    /// by name. The order in which faults are written does not count.
    fn relieving(&self, line: &Timeline<'a>) -> Option<usize> {
        let is_overloaded = |service: ServiceId| {
            let layer = line.layer.iter().flat_map(|layer| layer.services.iter().zip(&self.load.overload));
            layer.into_iter().any(|(loaded, overload)| loaded.service == service && *overload > Severity::NONE)
        };
        let began = |at: usize| {
            let hits = self.hits.hits.iter().zip(&self.hit_states).filter(move |(hit, state)| hit.incident == at && state.begun);
            hits.map(|(hit, _)| hit.member.service)
        };
        (0..line.scenario.incidents.len()).filter(|at| began(*at).next().is_some()).min_by_key(|at| {
            let incident = &line.scenario.incidents[*at];
            let is_overload = matches!(incident.harm, Harm::Overload { .. });
            (!began(*at).any(is_overloaded), !is_overload, incident.label.as_str())
        })
    }

    /// Keeps a share of the load away where services are overloaded.
    pub(super) fn relief(&mut self, line: &Timeline<'a>) {
        self.load.relief_due = false;
        let (Some(layer), Some(incident)) = (&line.layer, line.scenario.incidents.get(self.load.relieved_by)) else { return };
        self.load.shed = incident.relief.shed;
        for at in 0..layer.services.len() {
            self.load.relieved[at] = self.load.overload[at] > Severity::NONE;
            self.mark_service(layer, at);
        }
        self.after(incident.relief.hold, Event::ReliefEnd);
    }

    /// Lets all load in again.
    pub(super) fn relief_end(&mut self, line: &Timeline<'a>) {
        let Some(layer) = &line.layer else { return };
        self.load.shed = 0.0;
        for at in 0..layer.services.len() {
            self.load.relieved[at] = false;
            self.mark_service(layer, at);
        }
    }
}
