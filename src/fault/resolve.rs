//! From a fault as a user names it to an incident: targets, severities, detection and stages, against one system.
//!
//! What is wrong with a fault is said here, once; the kernels trust what comes out. Sources of the rules: product.md,
//! semantics 8 to 14 and 21; the catalogue.

use super::catalogue::{self, FaultKind};
use super::exposure::{Exposure, users_through};
use super::pool::{Lost, Pool};
use super::scenario::{Harm, Incident, Loop, Member, Relief, Watcher};
use super::spec::{Fault, Instances, Overrides};
use crate::diagnostic::Diagnostic;
use crate::model::facts::{DependencyKind, Group, GroupKind, Replicas};
use crate::model::{Compact, DurationLaw, Endpoint, System};
use crate::random::{name_hash, pair_hash};
use crate::units::{DependencyId, ServiceId, Ticks};

/// The shortest cycle of a poisoned loop.
const SHORTEST_CYCLE: Ticks = Ticks(Ticks::PER_MINUTE);

type Problem = Box<Diagnostic>;

fn refuse(code: &'static str, message: String) -> Problem {
    Box::new(Diagnostic::error(code, message))
}

pub(super) fn incident(system: &System, compact: &Compact, fault: &Fault) -> Result<Incident, Problem> {
    let kind = fault.kind;
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
        relief: Relief {
            after: fault.overrides.relief.unwrap_or(catalogue::RELIEF),
            shed: fault.overrides.shed.unwrap_or(catalogue::SHED.0),
            hold: fault.overrides.hold.unwrap_or(catalogue::SHED.1),
        },
    };
    match (fault.targets.as_slice(), system.find_group(&fault.targets[0].name)) {
        ([_], Some((_, group, members))) => build.group(&mut incident, group, members)?,
        _ => build.services(&mut incident)?,
    }
    if kind == FaultKind::Overload {
        build.loads(&incident)?;
    }
    // Members are drawn one after the other: by name, so that the order of the file does not count.
    incident.members.sort_by_key(|member| member.name);
    incident.watchers = build.watchers(&incident);
    if let Some(rollout) = &fault.rollout {
        let exposure = Exposure::new(rollout, users_through(system, compact, &incident));
        if let Some(switch) = exposure.mitigation() {
            // A switch back ends the common cause as well.
            let common = incident.common.iter_mut().flat_map(|(_, members)| members);
            incident.members.iter_mut().chain(common).for_each(|member| member.stages = vec![switch]);
        }
        incident.exposure = Some(exposure);
    }
    Ok(incident)
}

/// Keys, each with whether the fault states it, and the kinds that take them.
type KeysOfKinds<'a> = (&'a [(&'a str, bool)], fn(FaultKind) -> bool);

/// Refuses values that would change nothing.
fn check_keys(fault: &Fault) -> Result<(), Problem> {
    let o = &fault.overrides;
    let stages_of_loss = [("decide", &o.decide), ("recreate", &o.recreate), ("restore", &o.restore), ("validate", &o.validate)];
    let stages = stages_of_loss.into_iter().chain([("attempt", &o.attempt)]);
    let mut stated_stage = stages.filter(|(_, law)| law.is_some()).map(|(stage, _)| stage);
    let keys_of_kinds: [KeysOfKinds<'_>; 11] = [
        (&[("rate", o.rate.is_some())], |kind| kind == FaultKind::ErrorRate || kind.may_harm_on_any_channel()),
        (&[("factor", o.factor.is_some())], |kind| kind == FaultKind::Latency || kind.may_harm_on_any_channel()),
        (&[("wrong", o.wrong.is_some())], |kind| kind == FaultKind::CorruptOutput || kind.may_harm_on_any_channel()),
        (&[("unwind", o.unwind.is_some())], |kind| kind.is_about_data() || kind.may_harm_on_any_channel()),
        (&[("instances", o.instances.is_some())], |kind| kind.refuses_operations() && kind != FaultKind::ZoneLoss),
        (&[("rollback", o.rollback.is_some())], FaultKind::can_roll_back),
        (&[("cold_start", o.cold_start.is_some()), ("bootstrap", o.bootstrap.is_some())], FaultKind::crashes),
        (&stages_of_loss.map(|(key, law)| (key, law.is_some())), |kind| kind == FaultKind::StateLoss),
        (&[("attempt", o.attempt.is_some()), ("wrong_fix", o.wrong_fix.is_some())], |kind| kind == FaultKind::OperatorAdvice),
        (
            &[
                ("initial", o.initial.is_some()),
                ("gain", o.gain.is_some()),
                ("floor", o.floor.is_some()),
                ("cycle", o.cycle.is_some()),
                ("threshold", o.threshold.is_some()),
            ],
            |kind| kind == FaultKind::PoisonedLoop,
        ),
        (&[("capacity", o.capacity.is_some()), ("demand", o.demand.is_some())], |kind| kind == FaultKind::Overload),
    ];
    for (keys, takes) in keys_of_kinds.into_iter().filter(|(_, takes)| !takes(fault.kind)) {
        let Some((key, _)) = keys.iter().find(|(_, is_stated)| *is_stated) else { continue };
        let kinds: Vec<&str> = FaultKind::ALL.into_iter().filter(|kind| takes(*kind)).map(FaultKind::name).collect();
        let problem = Diagnostic::error(
            "wrong-key",
            format!("`{}` does not take `{key}`: it goes with {}", fault.label(), kinds.join(", ")),
        );
        return Err(Box::new(match *key {
            "instances" => problem.help("for a part of the traffic say `share`, such as share=33%"),
            _ => problem,
        }));
    }
    // One stated length stands for all stages after detection.
    if let (Some(_), Some(stage)) = (&o.repair, stated_stage.next()) {
        let message = format!("`{}`: `repair` is the whole time after detection, so `{stage}` has no part in it", fault.label());
        return Err(Box::new(refuse("wrong-key", message).help(format!("leave out `repair` or `{stage}`"))));
    }
    Ok(())
}

fn harm(fault: &Fault) -> Result<Harm, Problem> {
    let o = &fault.overrides;
    let fixed = |errors: f64, latency: f64, wrong: f64| Harm::Fixed { errors, latency, wrong };
    let stated = [o.rate.is_some(), o.factor.is_some(), o.wrong.is_some()].iter().filter(|stated| **stated).count();
    check_keys(fault)?;
    // Each cycle is an event of every trial: a shorter one is a slip of the unit and would not end.
    if o.cycle.is_some_and(|cycle| cycle < SHORTEST_CYCLE) {
        return Err(refuse(
            "out-of-range",
            format!("`{}`: a cycle of a poisoned loop lasts at least {SHORTEST_CYCLE}", fault.label()),
        ));
    }
    Ok(match fault.kind {
        FaultKind::Crash | FaultKind::StateLoss | FaultKind::Expiry | FaultKind::ZoneLoss => fixed(1.0, 1.0, 0.0),
        FaultKind::Overload => {
            // More demand alone is a surge; otherwise something takes capacity away.
            let usual = if o.demand.is_some() { 1.0 } else { catalogue::OVERLOAD_CAPACITY };
            Harm::Overload { capacity: o.capacity.unwrap_or(usual), demand: o.demand.unwrap_or(1.0) }
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
            self.lose_instances(&mut member);
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
        if hit == 0.0 {
            return Err(refuse("wrong-target", format!("a fault of the group `{name}` hits nobody: its `hit` is 0")));
        }
        for (at, service) in members.iter().enumerate() {
            // Releases go out in waves; everything else hits all members at once (model.md §1.3).
            let waves = if self.fault.kind == FaultKind::BadDeploy { group.waves.as_slice() } else { &[] };
            let offset = waves.get(at).or(waves.last()).copied().unwrap_or(Ticks::ZERO);
            let mut member = self.member(Endpoint { service: *service, operation: None }, hit, offset);
            if self.fault.kind == FaultKind::ZoneLoss {
                let pool = self.pool(*service);
                member.lost =
                    Some(Lost { pool, taken: self.zone_share(*service, name, pool.count), zone: Some(name_hash(name)) });
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
                let others = members.iter().filter(|other| **other != service).map(|other| {
                    let mut other = self.member(Endpoint { service: *other, operation: None }, hit, Ticks::ZERO);
                    // What the cause takes of one it takes of all: so many instances, not the whole service.
                    self.lose_instances(&mut other);
                    other
                });
                Some((beta, others.collect()))
            })
            .collect()
    }

    fn member(&self, endpoint: Endpoint, p: f64, offset: Ticks) -> Member {
        let (service, o) = (self.system.service(endpoint.service), &self.fault.overrides);
        let nodes = self.compact.operations_of(endpoint);
        let name = pair_hash(self.name, name_hash(&self.system.endpoint_name(endpoint)), 0);
        // By name, so that a draw does not depend on the order of the file.
        let first = self.compact.operation_nodes(endpoint.service).start;
        let key = |node: u32| {
            let operation = service.operations.get((node - first) as usize).map_or("", String::as_str);
            pair_hash(name, name_hash(operation), 1)
        };
        let mut keyed: Vec<(u64, u32)> = nodes.clone().map(|node| (key(node), node)).collect();
        keyed.sort_unstable();
        let some = self.fault.kind.hits_some_operations() || self.fault.kind == FaultKind::OperatorAdvice;
        let each = if some && nodes.len() > 1 { 1.0 / nodes.len() as f64 } else { 1.0 };
        let own_times = self.fault.kind.takes_service_times();
        let crashes = self.fault.kind.crashes();
        Member {
            service: endpoint.service,
            name,
            offset,
            p,
            operations: keyed.iter().map(|(_, node)| (*node, each)).collect(),
            operation_names: keyed.into_iter().map(|(key, _)| key).collect(),
            lost: None,
            failover: self
                .fault
                .kind
                .spares_stand_by()
                .then(|| service.failover.map(|failover| (failover.after, failover.works.value())))
                .flatten(),
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

    /// Takes the instances that the fault states from the pool of a member (semantics 10).
    fn lose_instances(&self, member: &mut Member) {
        let pool = self.pool(member.service);
        member.lost = self.fault.overrides.instances.map(|stated| {
            let taken = match stated {
                Instances::Count(taken) => taken,
                // 55 % of 100 are 55, although 0.55 is a little more than that in binary.
                Instances::Share(share) => (share * f64::from(pool.count) - 1e-9).ceil().max(0.0) as u32,
            };
            Lost { pool, taken, zone: None }
        });
    }

    fn pool(&self, service: ServiceId) -> Pool {
        let facts = self.system.service(service);
        let Replicas { count, need } = facts.replicas.unwrap_or_default();
        Pool { count, need, load: facts.load }
    }

    /// Replicas in a zone: they are spread evenly, the first zones in file order take the remainder (semantics 10).
    fn zone_share(&self, service: ServiceId, zone: &str, count: u32) -> u32 {
        let zones: Vec<&str> = self
            .system
            .groups()
            .filter(|(_, _, group, members)| group.kind == GroupKind::Zone && members.contains(&service))
            .map(|(_, name, ..)| name)
            .collect();
        let (zone_count, at) = (zones.len() as u32, zones.iter().position(|name| *name == zone).unwrap_or(0) as u32);
        count / zone_count.max(1) + u32::from(at < count % zone_count.max(1))
    }

    /// Overload means something only where the usual load is known.
    fn loads(&self, incident: &Incident) -> Result<(), Problem> {
        let lacking = incident.all_members().find(|member| self.system.service(member.service).load.is_none());
        match lacking {
            None => Ok(()),
            Some(member) => {
                let name = self.system.service_name(member.service);
                let problem = Diagnostic::error("wrong-target", format!("`{}`: `{name}` states no `load`", incident.label));
                Err(Box::new(problem.help("state its usual load over its capacity, such as `load: 0.6`")))
            }
        }
    }

    fn watchers(&self, incident: &Incident) -> Vec<Watcher> {
        let mut watchers = Vec::new();
        if self.system.is_edge_list() || incident.members.iter().all(|member| member.detect.is_some()) {
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
