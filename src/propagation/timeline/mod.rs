//! Layer 2: one trial through time, event by event (model.md §2.5).
//!
//! Impairment is a least fixpoint over live arcs that conduct at the moment (R1); a crashed service waits for its startup
//! providers (R2); tails and clean-ups start nothing new (R3); arcs that have a delay have at least a second of it, one pending
//! timer each (R5). Termination: every timestamp settles in finitely many raises, because severities are whole numbers, and
//! there are finitely many timestamps, because every stage ends, every delay, epoch and breaker lasts and the horizon is finite.

mod breakers;
mod demand;
mod incident;
mod record;
mod recovery;
mod respond;
mod settle;
mod spread;

pub(super) use record::{JourneyOutcome, ServiceOutcome, StateTimes};
pub(super) use spread::{Outage, Spread};

use super::lane::{Arcs, Lane};
use super::plan::Plan;
use crate::fault::Scenario;
use crate::fault::draw::Choose;
use crate::fault::trial::Hits;
use crate::model::facts::DependencyKind;
use crate::model::traffic::Traffic;
use crate::model::{Compact, DurationLaw, System};
use crate::random::{name_hash, pair_hash};
use crate::units::{ServiceId, Severity, Ticks};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

/// What happens at a time. The order of the variants is the order within one timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A service is hit.
    Onset { hit: u32 },
    /// The exposure of a hit changes.
    Step { hit: u32, step: u32 },
    /// Somebody may notice an incident; `watcher` is a position in its list or `NONE` for the usual way.
    Notice { incident: u32, watcher: u32 },
    /// The cause at a hit is gone.
    Repaired { hit: u32 },
    /// A crashed service is up again.
    Up { hit: u32 },
    /// A service that a fault named is no longer counted as impaired by that alone.
    Release { hit: u32 },
    /// A restore tail ends.
    TailEnd { node: u32, generation: u32 },
    /// Clean-up of wrong data ends.
    Clean { node: u32, generation: u32 },
    /// Services that wait for each other are started by hand: the circle on which a hit lies.
    Bootstrap { hit: u32 },
    /// A stand-by serves in place of a service.
    TakeOver { hit: u32 },
    /// The team of a dependent sees its symptoms.
    Symptom { node: u32 },
    /// Users have reported.
    Reports { generation: u32 },
    /// A breaker opens or closes.
    Breaker { breaker: u32, generation: u32 },
    /// People keep load away from overloaded services.
    Relief,
    /// All load comes in again.
    ReliefEnd,
    /// The number of users changes.
    Users,
    /// The load advances by one step, after everything else of this time has settled.
    Epoch,
    /// A delay has passed.
    Timer { delay: u32, generation: u32 },
}

/// A startup dependency of a service.
#[derive(Debug, Clone, Copy)]
struct StartupNeed {
    /// Node of the provider in the plan; a provider out of reach always serves.
    node: u32,
    /// Hash of the dependency.
    name: u64,
    probability: f64,
}

/// What is the same for all trials.
#[derive(Debug)]
pub(crate) struct Timeline<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) scenario: &'a Scenario,
    traffic: Vec<Traffic>,
    /// Plan nodes that each journey needs.
    pub(crate) journey_needs: Vec<Vec<u32>>,
    /// Journeys that need a plan node.
    journeys_of: HashMap<u32, Vec<u32>>,
    startup: HashMap<ServiceId, Vec<StartupNeed>>,
    /// Restore tails of plan nodes; nodes without one are left out.
    tails: HashMap<u32, DurationLaw>,
    /// Hash of the service name of each plan node.
    names: Vec<u64>,
    /// Plan nodes with more than one replica, where `error_rate` hits anything.
    replicated: Vec<bool>,
    breakers: Vec<breakers::Place>,
    /// Position of a rule's breaker; `NONE` without one.
    breaker_of_rule: Vec<u32>,
    /// The load, where anything can be overloaded.
    layer: Option<demand::Layer>,
    /// Times at which services are impaired are asked for.
    pub(crate) series: bool,
    /// How long the teams of services take to see symptoms of others' incidents, by plan node; empty where that does not count.
    symptom_laws: Vec<DurationLaw>,
}

impl<'a> Timeline<'a> {
    /// Prepares the trials of a scenario.
    pub(crate) fn new(system: &System, compact: &Compact, plan: &'a Plan, scenario: &'a Scenario, traffic: Vec<Traffic>) -> Self {
        let mut journeys_of: HashMap<u32, Vec<u32>> = HashMap::new();
        let mut journey_needs = Vec::new();
        for (at, journey) in system.journeys().iter().enumerate() {
            let needs: Vec<u32> =
                journey.needs.iter().filter_map(|need| plan.local(compact.node(*need))).map(|node| node as u32).collect();
            for node in &needs {
                journeys_of.entry(*node).or_default().push(at as u32);
            }
            journey_needs.push(needs);
        }
        let tails = (0..plan.len() as u32)
            .filter_map(|node| Some((node, system.service(plan.services[node as usize]).restore_tail?)))
            .filter(|(_, law)| *law != DurationLaw::ZERO)
            .collect();
        let names = plan.services.iter().map(|service| name_hash(system.service_name(*service))).collect();
        let transient = scenario.incidents.iter().any(|incident| incident.kind == crate::fault::FaultKind::ErrorRate);
        let replicated = plan
            .services
            .iter()
            .map(|service| transient && system.service(*service).replicas.is_some_and(|replicas| replicas.count > 1))
            .collect();
        let (breakers, breaker_of_rule) = breakers::places(plan);
        let symptom_laws = plan.services.iter().filter(|_| scenario.symptoms).map(|service| {
            let usual = || crate::fault::FaultKind::ErrorRate.detection();
            system.service(*service).detect.unwrap_or_else(usual)
        });
        Self {
            series: false,
            breakers,
            breaker_of_rule,
            layer: demand::Layer::new((system, compact), plan, scenario, &traffic),
            symptom_laws: symptom_laws.collect(),
            plan,
            scenario,
            traffic,
            journey_needs,
            journeys_of,
            startup: startup_needs(system, compact, plan, scenario),
            tails,
            names,
            replicated,
        }
    }
}

fn startup_needs(system: &System, compact: &Compact, plan: &Plan, scenario: &Scenario) -> HashMap<ServiceId, Vec<StartupNeed>> {
    let mut startup: HashMap<ServiceId, Vec<StartupNeed>> = HashMap::new();
    if !scenario.incidents.iter().any(|incident| incident.kind.crashes()) || system.is_edge_list() {
        return startup;
    }
    for id in system.dependency_ids().filter(|id| system.kind(*id) == DependencyKind::Startup) {
        let (consumer, provider) = (system.consumer(id), system.provider(id));
        let Some(node) = plan.local(compact.node(provider)) else { continue };
        let end = |endpoint| name_hash(&system.endpoint_name(endpoint));
        let name = pair_hash(end(consumer), end(provider), DependencyKind::Startup.stable_number());
        startup.entry(consumer.service).or_default().push(StartupNeed {
            node: node as u32,
            name,
            probability: crate::model::crossing::Crossing::of(system, id).p_errors,
        });
    }
    startup
}

/// State of a hit.
#[derive(Debug, Clone, Default)]
struct HitState {
    begun: bool,
    /// Harms now.
    active: bool,
    /// The cause is gone but the service is still down: it waits for startup providers.
    waiting: bool,
    /// It is coming up.
    starting: bool,
    ended: bool,
    /// A stand-by serves; the cause goes on.
    taken_over: bool,
    /// Since when it harms no longer.
    over: Option<Ticks>,
    /// Somebody is about to start its circle of waiting services by hand; the hit that stands for the circle.
    bootstrapping: Option<u32>,
    /// Share of the severity at the moment.
    scale: f64,
    steps: Vec<(Ticks, f64)>,
    /// Lane nodes.
    nodes: (u32, u32),
}

/// State of an incident.
#[derive(Debug, Clone, Default)]
struct IncidentState {
    begun: bool,
    noticed: bool,
    /// When a canary of it is taken back, and with it the release.
    caught: Option<Ticks>,
    /// Somebody works on it.
    engaged: bool,
}

/// State of a node.
#[derive(Debug, Clone, Copy, PartialEq)]
struct NodeState {
    errors: Severity,
    latency: f64,
    wrong: Severity,
    /// What the failing share is at least and at most, however the reasons for it overlap.
    bounds: (Severity, Severity),
}

impl NodeState {
    const HEALTHY: Self =
        Self { errors: Severity::NONE, latency: 1.0, wrong: Severity::NONE, bounds: (Severity::NONE, Severity::NONE) };
}

/// One trial at work; its buffers are reused from trial to trial.
#[derive(Debug, Default)]
pub(crate) struct Trial<'a> {
    pub(crate) lane: Lane,
    pub(crate) hits: Hits<'a>,
    now: Ticks,
    queue: BinaryHeap<Reverse<(Ticks, Event)>>,
    hit_states: Vec<HitState>,
    incident_states: Vec<IncidentState>,
    /// (lane node, hit), sorted.
    node_hits: Vec<(u32, u32)>,
    active: Vec<NodeState>,
    /// What users see: the active state, a restore tail or data not yet cleaned.
    shown: Vec<NodeState>,
    /// The active state at the end of the last settling.
    prior: Vec<NodeState>,
    /// Restore tails under way, with the state users see.
    tail: Vec<Option<NodeState>>,
    tail_generation: Vec<u32>,
    /// Restore tail of the fault at a node that ended last, and when; `None` once that tail has begun.
    last_ended: Vec<Option<(Ticks, DurationLaw)>>,
    unclean: Vec<Severity>,
    clean_up: Vec<DurationLaw>,
    cleaned_at: Vec<Option<Ticks>>,
    clean_generation: Vec<u32>,
    cleaning: Vec<bool>,
    infected: Vec<bool>,
    /// Hits that make a service count as impaired.
    forced: Vec<u32>,
    /// Until when backlogs of queues are worked off.
    drain_until: Vec<Ticks>,
    breakers: Vec<breakers::BreakerState>,
    load: demand::LoadState,
    /// Responders without work; `None` for any number.
    free: Option<u32>,
    /// Incidents that wait for a responder.
    lined_up: VecDeque<usize>,
    /// Failed users whose reports have been used.
    reports_from: f64,
    report_generation: u32,
    dirty: Vec<u64>,
    changed: Vec<u32>,
    changed_flag: Vec<bool>,
    record: record::Record,
}

impl<'a> Trial<'a> {
    /// Runs one trial over `nodes` (plan positions that static reach found, ascending), event by event. The hits must be drawn.
    pub(crate) fn run(&mut self, line: &Timeline<'a>, nodes: &[u32], choose: &mut (impl Choose + Arcs)) {
        // Overload does not keep to what static reach found.
        let nodes = line.layer.as_ref().map_or(nodes, |layer| &layer.all_nodes);
        self.lane.build(line.plan, nodes, choose);
        self.reset(line);
        self.schedule_onsets(line);
        self.follow_users(line);
        let horizon = line.scenario.horizon;
        while let Some(Reverse((time, _))) = self.queue.peek().copied() {
            if time >= horizon {
                break;
            }
            self.now = time;
            self.timestamp(line, time, choose);
        }
        self.now = horizon;
        self.finish(line);
    }

    /// Handles all events of one time. Timers come last: an outage of exactly the buffer does not cross (semantics 17).
    fn timestamp(&mut self, line: &Timeline<'a>, time: Ticks, choose: &mut impl Choose) {
        while self.queue.peek().is_some_and(|Reverse((at, _))| *at == time) {
            let (mut timers, mut epoch) = (Vec::new(), false);
            while let Some(Reverse((at, event))) = self.queue.peek().copied()
                && at == time
            {
                self.queue.pop();
                match event {
                    Event::Epoch => epoch = true,
                    Event::Timer { .. } => timers.push(event),
                    _ => self.handle(line, event, choose),
                }
                self.load.stale |= event != Event::Epoch;
            }
            self.settle(line, choose);
            let mut fired = false;
            for timer in timers {
                fired |= self.timer(timer);
            }
            if fired {
                self.settle(line, choose);
            }
            if epoch && self.epoch(line, choose) {
                self.settle(line, choose);
            }
            self.wake(line);
        }
    }

    fn at(&mut self, time: Ticks, event: Event) {
        self.queue.push(Reverse((time, event)));
    }

    fn after(&mut self, wait: Ticks, event: Event) {
        self.at(self.now.saturating_add(wait), event);
    }

    fn reset(&mut self, line: &Timeline<'a>) {
        let nodes = self.lane.nodes.len();
        self.now = Ticks::ZERO;
        self.queue.clear();
        self.active.clear();
        self.active.resize(nodes, NodeState::HEALTHY);
        self.shown.clear();
        self.shown.resize(nodes, NodeState::HEALTHY);
        self.prior.clear();
        self.prior.resize(nodes, NodeState::HEALTHY);
        self.tail.clear();
        self.tail.resize(nodes, None);
        for counts in [&mut self.tail_generation, &mut self.clean_generation, &mut self.forced] {
            counts.clear();
            counts.resize(nodes, 0);
        }
        for flags in [&mut self.cleaning, &mut self.changed_flag] {
            flags.clear();
            flags.resize(nodes, false);
        }
        self.drain_until.clear();
        self.drain_until.resize(nodes, Ticks::ZERO);
        self.last_ended.clear();
        self.last_ended.resize(nodes, None);
        self.breakers.clear();
        self.breakers.resize(line.breakers.len(), breakers::BreakerState::default());
        self.load.reset(line.layer.as_ref());
        self.free = line.scenario.responders;
        self.lined_up.clear();
        (self.reports_from, self.report_generation) = (0.0, 0);
        self.infected.clear();
        self.infected.resize(self.lane.arcs.len(), false);
        self.unclean.clear();
        self.unclean.resize(nodes, Severity::NONE);
        self.clean_up.clear();
        self.clean_up.resize(nodes, DurationLaw::ZERO);
        self.cleaned_at.clear();
        self.cleaned_at.resize(nodes, None);
        self.dirty.clear();
        self.dirty.resize(nodes.div_ceil(64), 0);
        self.changed.clear();
        self.incident_states.clear();
        self.incident_states.resize(line.scenario.incidents.len(), IncidentState::default());
        self.record.reset(line, nodes);
    }

    fn handle(&mut self, line: &Timeline<'a>, event: Event, choose: &mut impl Choose) {
        match event {
            Event::Onset { hit } => self.onset(line, hit, choose),
            Event::Step { hit, step } => self.step(line, hit, step),
            Event::Notice { incident, watcher } => self.notice(line, incident, watcher, choose),
            Event::Repaired { hit } => self.repaired(line, hit, choose),
            Event::Up { hit } => self.started(line, hit, choose),
            Event::Release { hit } => self.release(hit),
            Event::TailEnd { node, generation } => self.tail_end(node, generation),
            Event::Clean { node, generation } => self.cleaned(node, generation),
            Event::Bootstrap { hit } => self.bootstrap(line, hit, choose),
            Event::TakeOver { hit } => self.take_over(line, hit, choose),
            Event::Symptom { node } => self.symptom(line, node, choose),
            Event::Reports { generation } => self.reports(line, generation, choose),
            Event::Breaker { breaker, generation } => self.switch(line, breaker, generation),
            Event::Relief => self.relief(line),
            Event::ReliefEnd => self.relief_end(line),
            Event::Users => self.follow_users(line),
            Event::Epoch | Event::Timer { .. } => {}
        }
    }
}
