//! Faults resolved against a system: who can be hit, how hard, how it is noticed and how it ends.
//!
//! What must hold: every target exists, every number is in range; the kernels only draw. Sources of the rules: product.md,
//! semantics 8 to 14 and 21; the catalogue.

use super::catalogue::{self, FaultKind};
use super::exposure::{Exposure, users_through};
use super::pool::pool_failure;
use super::spec::{Fault, Instances, Overrides};
use crate::diagnostic::Diagnostic;
use crate::model::facts::{DependencyKind, Group, GroupKind, Replicas};
use crate::model::{Compact, DurationLaw, Endpoint, System};
use crate::random::{name_hash, pair_hash};
use crate::units::{DependencyId, ServiceId, Ticks};

/// The shortest cycle of a poisoned loop.
const SHORTEST_CYCLE: Ticks = Ticks(Ticks::PER_MINUTE);

/// How hard a fault hits its targets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Harm {
    /// Failing share, latency multiplier, wrong share.
    Fixed { errors: f64, latency: f64, wrong: f64 },
    /// A ~ Beta(2, 5).
    Errors,
    /// L ~ LN(5, 20).
    Latency,
    /// D ~ Beta(2, 5).
    Data,
    /// One of the three above, 60/25/15 %.
    Mix,
    /// Wrong share 1, scaled by the steps of a poisoned loop.
    Loop(Loop),
    /// A monitor goes blind; nobody is impaired by that.
    Silent,
}

/// A loop that feeds on its own wrong output: `x' = min(1, floor + gain · x)` per cycle (model.md §8e).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Loop {
    pub(crate) initial: f64,
    pub(crate) gain: f64,
    pub(crate) floor: f64,
    pub(crate) cycle: Ticks,
    pub(crate) threshold: f64,
}

/// One service that a fault can hit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) service: ServiceId,
    /// Hash of (incident, service), for its draws.
    pub(crate) name: u64,
    /// Deploy wave.
    pub(crate) offset: Ticks,
    /// P(hit); several members are conditioned on at least one.
    pub(crate) p: f64,
    /// Operation nodes with P(hit | member hit), conditioned on at least one; p = 1 for kinds that hit all.
    pub(crate) operations: Vec<(u32, f64)>,
    /// A of this member where lost replicas decide it.
    pub(crate) pool: Option<f64>,
    /// Complete time to detection, where stated.
    pub(crate) detect: Option<DurationLaw>,
    /// Stages after detection.
    pub(crate) stages: Vec<DurationLaw>,
    pub(crate) cold_start: DurationLaw,
    pub(crate) restore_tail: DurationLaw,
}

/// A monitor that can notice the incident.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Watcher {
    pub(crate) watched: ServiceId,
    pub(crate) monitor: ServiceId,

    pub(crate) name: u64,
    pub(crate) law: DurationLaw,
    pub(crate) p_works: f64,
}

/// One fault, resolved.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Incident {
    pub(crate) label: String,
    pub(crate) name: u64,
    pub(crate) kind: FaultKind,
    pub(crate) at: Ticks,
    pub(crate) harm: Harm,
    /// Share of the traffic that is hit.
    pub(crate) share: f64,
    /// Targets in file order.
    pub(crate) members: Vec<Member>,
    /// Hit 1 + Poisson(1.5) distinct members, instead of each by its own p.
    pub(crate) advice: bool,
    /// P(the cause is common to a whole group), and the other members of that group.
    pub(crate) common: Vec<(f64, Vec<Member>)>,
    pub(crate) watchers: Vec<Watcher>,
    /// P(an attempt to repair is wrong): stages repeat.
    pub(crate) wrong_fix: f64,
    pub(crate) exposure: Option<Exposure>,
    pub(crate) bootstrap: DurationLaw,
    /// Clean-up of wrong data at each service.
    pub(crate) clean_up: DurationLaw,
}

impl Incident {
    /// All services it can hit.
    pub(crate) fn all_members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().chain(self.common.iter().flat_map(|(_, members)| members))
    }
}

/// Faults resolved against a system.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    pub(crate) incidents: Vec<Incident>,
    /// How long harm is followed.
    pub horizon: Ticks,
}

impl Scenario {
    /// Resolves faults. `horizon` replaces the default of 72 hours (30 days when a fault is about data).
    ///
    /// # Errors
    /// One message per fault that cannot be injected.
    pub fn new(system: &System, compact: &Compact, faults: &[Fault], horizon: Option<Ticks>) -> Result<Self, Vec<Diagnostic>> {
        let mut incidents: Vec<Incident> = Vec::new();
        let mut problems = Vec::new();
        for fault in faults {
            match incident(system, compact, fault) {
                Ok(mut resolved) => {
                    // The same fault twice is two incidents with numbers of their own.
                    let same = incidents.iter().filter(|known| known.label == resolved.label).count() as u64;
                    if same > 0 {
                        resolved.name = pair_hash(resolved.name, same, 0x0061_6761_696E);
                    }
                    incidents.push(resolved);
                }
                Err(problem) => problems.push(*problem),
            }
        }
        if faults.is_empty() {
            problems.push(Diagnostic::error("no-fault", "there is no fault to simulate"));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let about_data = incidents.iter().any(|incident| incident.kind.is_about_data());
        let default = if about_data { catalogue::DATA_HORIZON } else { catalogue::HORIZON };
        Ok(Self { incidents, horizon: horizon.unwrap_or(default) })
    }

    /// Every service the faults can hit directly, each once, in the order of the faults.
    pub fn targets(&self) -> Vec<ServiceId> {
        let mut targets: Vec<ServiceId> = Vec::new();
        for member in self.incidents.iter().flat_map(Incident::all_members) {
            if !targets.contains(&member.service) {
                targets.push(member.service);
            }
        }
        targets
    }

    /// Every node the faults can hit directly.
    pub(crate) fn source_nodes(&self) -> Vec<u32> {
        let mut nodes: Vec<u32> = self
            .incidents
            .iter()
            .filter(|incident| incident.harm != Harm::Silent)
            .flat_map(Incident::all_members)
            .flat_map(|member| member.operations.iter().map(|(node, _)| *node))
            .collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }
}

type Problem = Box<Diagnostic>;

fn refuse(code: &'static str, message: String) -> Problem {
    Box::new(Diagnostic::error(code, message))
}

fn incident(system: &System, compact: &Compact, fault: &Fault) -> Result<Incident, Problem> {
    let kind = fault.kind;
    if kind == FaultKind::Overload {
        return Err(refuse("not-supported", format!("`{}` is not yet supported: needs the load model", fault.label())));
    }
    let name = name_hash(&fault.label());
    let mut build = Builder { system, compact, fault, name };
    let mut incident = Incident {
        label: fault.label(),
        name,
        kind,
        at: fault.at,
        harm: harm(fault)?,
        share: fault.overrides.share.unwrap_or(1.0),
        members: Vec::new(),
        advice: kind == FaultKind::OperatorAdvice,
        common: Vec::new(),
        watchers: Vec::new(),
        wrong_fix: match kind {
            FaultKind::OperatorAdvice => fault.overrides.wrong_fix.unwrap_or(catalogue::WRONG_FIX),
            _ => 0.0,
        },
        exposure: None,
        bootstrap: fault.overrides.bootstrap.unwrap_or(catalogue::BOOTSTRAP),
        clean_up: match kind {
            FaultKind::CorruptOutput => fault.overrides.unwind.unwrap_or(catalogue::CLEAN_UP),
            _ => fault.overrides.unwind.unwrap_or(DurationLaw::ZERO),
        },
    };
    match (fault.targets.as_slice(), system.find_group(&fault.targets[0].name)) {
        ([_], Some((_, group, members))) => build.group(&mut incident, group, members)?,
        _ => build.services(&mut incident)?,
    }
    incident.watchers = build.watchers(&incident);
    if let Some(rollout) = &fault.rollout {
        let exposure = Exposure::new(rollout, users_through(system, compact, &incident));
        if let Some(switch) = exposure.mitigation() {
            incident.members.iter_mut().for_each(|member| member.stages = vec![switch]);
        }
        incident.exposure = Some(exposure);
    }
    Ok(incident)
}

fn harm(fault: &Fault) -> Result<Harm, Problem> {
    let o = &fault.overrides;
    let fixed = |errors: f64, latency: f64, wrong: f64| Harm::Fixed { errors, latency, wrong };
    let stated = [o.rate.is_some(), o.factor.is_some(), o.wrong.is_some()].iter().filter(|stated| **stated).count();
    let allowed = match fault.kind {
        FaultKind::ErrorRate => o.factor.is_none() && o.wrong.is_none(),
        FaultKind::Latency => o.rate.is_none() && o.wrong.is_none(),
        FaultKind::CorruptOutput => o.rate.is_none() && o.factor.is_none(),
        FaultKind::BadDeploy | FaultKind::ConfigPush | FaultKind::OperatorAdvice => true,
        _ => stated == 0,
    };
    if !allowed {
        return Err(refuse(
            "wrong-key",
            format!(
                "`{}` does not take these values: `rate` goes with error_rate, `factor` with latency, `wrong` with corrupt_output, \
                 and any of them with bad_deploy, config_push and operator_advice",
                fault.label()
            ),
        ));
    }
    // Each cycle is an event of every trial: a shorter one is a slip of the unit and would not end.
    if o.cycle.is_some_and(|cycle| cycle < SHORTEST_CYCLE) {
        return Err(refuse(
            "out-of-range",
            format!("`{}`: a cycle of a poisoned loop lasts at least {SHORTEST_CYCLE}", fault.label()),
        ));
    }
    Ok(match fault.kind {
        FaultKind::Crash | FaultKind::StateLoss | FaultKind::Expiry | FaultKind::ZoneLoss | FaultKind::Overload => {
            fixed(1.0, 1.0, 0.0)
        }
        FaultKind::FalseAllClear => Harm::Silent,
        FaultKind::PoisonedLoop => Harm::Loop(Loop {
            initial: o.initial.unwrap_or(0.02),
            gain: o.gain.unwrap_or(1.3),
            floor: o.floor.unwrap_or(0.0),
            cycle: o.cycle.unwrap_or(Ticks::from_days(1)),
            threshold: o.threshold.unwrap_or(0.2),
        }),
        _ if stated > 0 => fixed(o.rate.unwrap_or(0.0), o.factor.unwrap_or(1.0), o.wrong.unwrap_or(0.0)),
        FaultKind::ErrorRate => Harm::Errors,
        FaultKind::Latency => Harm::Latency,
        FaultKind::CorruptOutput => Harm::Data,
        FaultKind::BadDeploy | FaultKind::ConfigPush | FaultKind::OperatorAdvice => Harm::Mix,
    })
}

struct Builder<'a> {
    system: &'a System,
    compact: &'a Compact,
    fault: &'a Fault,
    name: u64,
}

impl Builder<'_> {
    fn services(&mut self, incident: &mut Incident) -> Result<(), Problem> {
        let count = self.fault.targets.len();
        for target in &self.fault.targets {
            let endpoint = self.system.resolve(&target.name).map_err(|problem| {
                let groups = self.system.groups().map(|(_, name, ..)| name);
                let problem = Diagnostic { code: "unknown-target", ..problem };
                Box::new(if problem.help.is_some() { problem } else { problem.suggest(&target.name, groups) })
            })?;
            let name = self.system.endpoint_name(endpoint);
            if endpoint.operation.is_some() && self.fault.kind.refuses_operations() {
                return Err(refuse(
                    "wrong-target",
                    format!(
                        "{} takes a whole service down: name the service, not its operation `{name}`",
                        self.fault.kind.name()
                    ),
                ));
            }
            if self.fault.kind == FaultKind::ZoneLoss {
                return Err(refuse("wrong-target", format!("zone_loss needs a group, `{name}` is a service")));
            }
            if self.fault.kind == FaultKind::FalseAllClear && !self.is_monitor(endpoint.service) {
                return Err(refuse(
                    "wrong-target",
                    format!("false_all_clear needs a monitor: no dependency of kind monitors goes to `{name}`"),
                ));
            }
            let p = if count == 1 { 1.0 } else { target.share.unwrap_or(1.0 / count as f64) };
            let mut member = self.member(endpoint, p, Ticks::ZERO);
            member.pool = self.instances(endpoint.service);
            incident.members.push(member);
        }
        if incident.advice {
            self.add_direct_consumers(incident);
        } else if let [member] = incident.members.as_slice() {
            incident.common = self.common_cause(member.service);
        }
        Ok(())
    }

    fn is_monitor(&self, service: ServiceId) -> bool {
        self.system
            .dependency_ids()
            .any(|id| self.system.kind(id) == DependencyKind::Monitors && self.system.provider(id).service == service)
    }

    /// Bad advice about a service also hits services that use it (semantics 21).
    fn add_direct_consumers(&self, incident: &mut Incident) {
        let target = incident.members[0].service;
        // A monitor is watched from the other side: what it watches does not use it.
        let uses = |id: &DependencyId| self.system.kind(*id) != DependencyKind::Monitors;
        for id in self.system.dependency_ids().filter(uses) {
            let consumer = self.system.consumer(id).service;
            if self.system.provider(id).service == target && !incident.members.iter().any(|known| known.service == consumer) {
                incident.members.push(self.member(Endpoint { service: consumer, operation: None }, 1.0, Ticks::ZERO));
            }
        }
    }

    fn group(&mut self, incident: &mut Incident, group: &Group, members: &[ServiceId]) -> Result<(), Problem> {
        let name = &self.fault.targets[0].name;
        if members.is_empty() {
            return Err(refuse("wrong-target", format!("no service belongs to the group `{name}`")));
        }
        if self.fault.kind == FaultKind::ZoneLoss && group.kind != GroupKind::Zone {
            return Err(refuse(
                "wrong-target",
                format!("zone_loss needs a group of kind zone, `{name}` is of kind {}", group.kind_name),
            ));
        }
        if self.fault.overrides.instances.is_some() {
            return Err(refuse("wrong-key", format!("`instances` goes with one service, `{name}` is a group")));
        }
        let hit = group.hit.map_or(1.0, |p| p.value());
        for (at, service) in members.iter().enumerate() {
            let offset = group.waves.get(at).or(group.waves.last()).copied().unwrap_or(Ticks::ZERO);
            let mut member = self.member(Endpoint { service: *service, operation: None }, hit, offset);
            if self.fault.kind == FaultKind::ZoneLoss {
                member.pool = Some(self.zone_share(*service, name));
            }
            incident.members.push(member);
        }
        Ok(())
    }

    /// Groups that state `beta` share the causes of their members' faults (semantics 11).
    fn common_cause(&self, service: ServiceId) -> Vec<(f64, Vec<Member>)> {
        let shared = self.system.groups().filter(|(.., members)| members.contains(&service));
        shared
            .filter_map(|(_, _, group, members)| {
                let beta = group.beta?.value();
                let hit = group.hit.map_or(1.0, |p| p.value());
                let others = members.iter().filter(|other| **other != service);
                Some((
                    beta,
                    others.map(|other| self.member(Endpoint { service: *other, operation: None }, hit, Ticks::ZERO)).collect(),
                ))
            })
            .collect()
    }

    fn member(&self, endpoint: Endpoint, p: f64, offset: Ticks) -> Member {
        let (service, o) = (self.system.service(endpoint.service), &self.fault.overrides);
        let nodes = self.compact.operations_of(endpoint);
        let some = self.fault.kind.hits_some_operations() || self.fault.kind == FaultKind::OperatorAdvice;
        let each = if some && nodes.len() > 1 { 1.0 / nodes.len() as f64 } else { 1.0 };
        let own_times = self.fault.kind.takes_service_times();
        let crashes = self.fault.kind.crashes();
        Member {
            service: endpoint.service,
            name: pair_hash(self.name, name_hash(self.system.service_name(endpoint.service)), 0),
            offset,
            p,
            operations: nodes.map(|node| (node, each)).collect(),
            pool: None,
            detect: o.detect.or(if own_times { service.detect } else { None }),
            stages: stages(self.fault, o, service),
            cold_start: match (o.cold_start, crashes) {
                (Some(law), _) => law,
                (None, true) => service.cold_start.unwrap_or(DurationLaw::ZERO),
                (None, false) => DurationLaw::ZERO,
            },
            restore_tail: o.restore_tail.or(service.restore_tail).unwrap_or(DurationLaw::ZERO),
        }
    }

    /// A after `instances` are taken from one pool (semantics 10).
    fn instances(&self, service: ServiceId) -> Option<f64> {
        let stated = self.fault.overrides.instances?;
        let facts = self.system.service(service);
        let Replicas { count, need } = facts.replicas.unwrap_or_default();
        let taken = match stated {
            Instances::Count(taken) => taken,
            Instances::Share(share) => (share * f64::from(count)).ceil() as u32,
        };
        Some(pool_failure(count.saturating_sub(taken), count, need, facts.load))
    }

    /// A after a zone is lost: replicas are spread evenly, the first zones in file order take the remainder (semantics 10).
    fn zone_share(&self, service: ServiceId, zone: &str) -> f64 {
        let facts = self.system.service(service);
        let Replicas { count, need } = facts.replicas.unwrap_or_default();
        let zones: Vec<&str> = self
            .system
            .groups()
            .filter(|(_, _, group, members)| group.kind == GroupKind::Zone && members.contains(&service))
            .map(|(_, name, ..)| name)
            .collect();
        let (zone_count, at) = (zones.len() as u32, zones.iter().position(|name| *name == zone).unwrap_or(0) as u32);
        let here = count / zone_count.max(1) + u32::from(at < count % zone_count.max(1));
        pool_failure(count - here, count, need, facts.load)
    }

    fn watchers(&self, incident: &Incident) -> Vec<Watcher> {
        let mut watchers = Vec::new();
        if incident.members.iter().all(|member| member.detect.is_some()) {
            return watchers;
        }
        for id in self.system.dependency_ids().filter(|id| self.system.kind(*id) == DependencyKind::Monitors) {
            let watched = self.system.consumer(id).service;
            if incident.all_members().any(|member| member.service == watched) {
                let monitor = self.system.provider(id).service;
                watchers.push(Watcher {
                    monitor,
                    watched,
                    name: pair_hash(
                        name_hash(self.system.service_name(watched)),
                        name_hash(self.system.service_name(monitor)),
                        DependencyKind::Monitors.stable_number(),
                    ),
                    law: self.system.service(monitor).detect.unwrap_or_else(|| self.fault.kind.monitored_detection()),
                    p_works: crate::model::crossing::Crossing::of(self.system, id).p_errors,
                });
            }
        }
        watchers
    }
}

/// What happens between detection and the end of the harm (semantics 13).
fn stages(fault: &Fault, o: &Overrides, service: &crate::model::facts::Service) -> Vec<DurationLaw> {
    let kind = fault.kind;
    if kind.can_roll_back() && fault.rollback_tested != Some(false) {
        if let Some(law) = o.rollback {
            return vec![law];
        }
        // A repair that the fault itself states goes before a roll-back that the service could do.
        if o.repair.is_none() && (service.rollback.is_some() || fault.rollback_tested == Some(true)) {
            return vec![service.rollback.unwrap_or(catalogue::ROLLBACK)];
        }
    }
    if let Some(law) = o.repair {
        return vec![law];
    }
    let mut stages = kind.repair();
    match kind {
        FaultKind::StateLoss => {
            for (stage, stated) in stages.iter_mut().zip([o.decide, o.recreate, o.restore, o.validate]) {
                *stage = stated.unwrap_or(*stage);
            }
        }
        FaultKind::OperatorAdvice => stages[0] = o.attempt.unwrap_or(stages[0]),
        _ => {
            if let (true, Some(law)) = (kind.takes_service_times(), service.repair) {
                stages = vec![law];
            }
        }
    }
    stages
}
