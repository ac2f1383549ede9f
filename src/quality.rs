//! What a result rests on: age, coverage, defaults that were used, mechanisms that were left out.
//!
//! Unknown is never shown as low risk: whatever is missing is listed, and the policy raises the verdict for it. Only the part
//! that matters is looked at: services that the faults can hit or that can be harmed from there, along any dependency, and
//! the dependencies between them. The clock is never read: age counts to the time of the question.
//! O(services + dependencies), without an allocation per entity.

use crate::fault::FaultKind;
use crate::fault::Scenario;
use crate::fault::catalogue;
use crate::fault::scenario::{Harm, Incident, Member};
use crate::model::System;
use crate::model::crossing::Crossing;
use crate::model::facts::{Channels, Dependency, DependencyKind, OnInvalid, Service};
use crate::units::{DependencyId, ServiceId};
use fixedbitset::FixedBitSet;
use jiff::Zoned;

/// Most names that a sentence lists.
const MOST_NAMES: usize = 5;

/// The data behind a result.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DataQuality {
    /// Days from `observed_at` to the time of the question; `None` when one of the two is unknown.
    pub age_days: Option<i64>,
    /// Is it stated when the topology was observed?
    pub has_observed_at: bool,
    /// Is the time of the question stated?
    pub has_at: bool,
    /// Share of the dependencies believed to be listed.
    pub coverage: Option<f64>,
    /// Sentences about defaults that were used, such as "probability of 14 of 31 dependencies is a default".
    pub assumed: Vec<String>,
    /// Mechanisms that are off or stated but not modelled.
    pub not_modelled: Vec<String>,
}

/// What a result about a scenario rests on; without one, about the whole system.
pub fn data_quality(system: &System, scenario: Option<&Scenario>, at: Option<&Zoned>) -> DataQuality {
    let part = Part::new(system, scenario);
    let mut quality = DataQuality {
        age_days: age_days(system, at),
        has_observed_at: system.observed_at.is_some(),
        has_at: at.is_some(),
        coverage: system.coverage,
        ..DataQuality::default()
    };
    let said = &mut quality.assumed;
    if system.observed_at.is_none() {
        said.push("when the topology was observed is not stated: its age is unknown".to_owned());
    } else if at.is_none() {
        said.push("the time of the question is not stated: the age of the topology is unknown".to_owned());
    } else if quality.age_days.is_some_and(|days| days < 0) {
        said.push(
            "the dates contradict each other: the topology was observed after the point in time of the question".to_owned(),
        );
    }
    if system.coverage.is_none() {
        said.push("coverage is not stated: dependencies that nobody listed are not counted".to_owned());
    }
    dependencies_assumed(system, &part, said);
    said.extend(wrong_data_refused(system, &part, scenario));
    services_assumed(system, &part, said);
    for incident in scenario.iter().flat_map(|scenario| &scenario.incidents) {
        incident_assumed(system, incident, said);
    }
    if let Some(scenario) = scenario {
        load_assumed(system, scenario, said);
        blind_assumed(scenario, said);
    }
    groups_assumed(system, &part, said);
    journeys_assumed(system, at, said);
    quality.not_modelled = not_modelled(system, &part);
    let can_delay = scenario.is_none_or(|scenario| scenario.incidents.iter().any(|incident| incident.harm.can_delay()));
    if can_delay && !system.journeys().is_empty() {
        quality.not_modelled.push("users who only wait longer: journeys lose by errors and by wrong answers".to_owned());
    }
    quality.not_modelled.extend(wrong_answers_kept(system, scenario));
    quality
}

fn age_days(system: &System, at: Option<&Zoned>) -> Option<i64> {
    let days = system.observed_at?.until((jiff::Unit::Day, at?.date())).ok()?;
    Some(i64::from(days.get_days()))
}

/// The services and dependencies that matter.
struct Part {
    services: FixedBitSet,
    n_services: usize,
    is_all: bool,
}

impl Part {
    fn new(system: &System, scenario: Option<&Scenario>) -> Self {
        let n = system.service_count();
        let mut services = FixedBitSet::with_capacity(n);
        let Some(scenario) = scenario else {
            services.insert_range(..);
            return Self { services, n_services: n, is_all: true };
        };
        let mut stack: Vec<u32> =
            scenario.incidents.iter().flat_map(Incident::all_members).map(|member| member.service.0).collect();
        // Overload reaches services that no failure does.
        stack.extend(scenario.surge.demands.iter().map(|demand| demand.service.0));
        let (start, consumers) = consumers(system);
        while let Some(service) = stack.pop() {
            if !services.put(service as usize) {
                let harmed = &consumers[start[service as usize] as usize..start[service as usize + 1] as usize];
                stack.extend(harmed.iter().filter(|next| !services.contains(**next as usize)));
            }
        }
        let n_services = services.count_ones(..);
        Self { services, n_services, is_all: n_services == n }
    }

    fn has(&self, service: ServiceId) -> bool {
        self.is_all || self.services.contains(service.index())
    }

    fn services<'a>(&'a self, system: &'a System) -> impl Iterator<Item = &'a Service> {
        self.services.ones().map(|at| system.service(ServiceId(at as u32)))
    }

    fn dependencies<'a>(&'a self, system: &'a System) -> impl Iterator<Item = DependencyId> {
        let ends = move |id: &DependencyId| {
            let columns = &system.dependencies;
            self.has(ServiceId(columns.consumer[id.index()])) && self.has(ServiceId(columns.provider[id.index()]))
        };
        system.dependency_ids().filter(ends)
    }
}

/// For each service those that it can harm: its consumers, and the stores that it writes data to.
fn consumers(system: &System) -> (Vec<u32>, Vec<u32>) {
    let columns = &system.dependencies;
    let visit = |each: &mut dyn FnMut(u32, u32)| {
        for id in system.dependency_ids() {
            let (consumer, provider) = (columns.consumer[id.index()], columns.provider[id.index()]);
            each(provider, consumer);
            if system.dependency(id).writes_data == Some(true) {
                each(consumer, provider);
            }
        }
    };
    let mut start = vec![0_u32; system.service_count() + 1];
    visit(&mut |from, _| start[from as usize + 1] += 1);
    for at in 1..start.len() {
        start[at] += start[at - 1];
    }
    let mut cursor = start.clone();
    let mut to = vec![0_u32; start.last().copied().unwrap_or(0) as usize];
    visit(&mut |from, harmed| {
        to[cursor[from as usize] as usize] = harmed;
        cursor[from as usize] += 1;
    });
    (start, to)
}

/// "3 of 12 services", with the verb after it left to the caller.
fn of(count: usize, total: usize, one: &str, many: &str) -> String {
    format!("{count} of {total} {}", if total == 1 { one } else { many })
}

fn listed(names: &[&str]) -> String {
    let shown = names.iter().take(MOST_NAMES).copied().collect::<Vec<_>>().join(", ");
    if names.len() > MOST_NAMES { format!("{shown} and {} more", names.len() - MOST_NAMES) } else { shown }
}

fn dependencies_assumed(system: &System, part: &Part, said: &mut Vec<String>) {
    let (mut total, mut defaults, mut untested, mut weak) = (0, 0, 0, 0);
    for id in part.dependencies(system) {
        total += 1;
        defaults += usize::from(system.stated_probability(id).is_none());
        let facts = system.dependency(id);
        untested += usize::from(facts.fallback.is_some_and(|fallback| fallback.tested != Some(true)));
        weak += usize::from(system.kind(id) == DependencyKind::Unknown);
    }
    let dependencies = |count| of(count, total, "dependency", "dependencies");
    if defaults > 0 {
        said.push(format!("probability of {} is a default", dependencies(defaults)));
    }
    if untested > 0 {
        said.push(format!("fallback of {} is not known to be tested", dependencies(untested)));
    }
    if weak > 0 {
        said.push(format!("kind of {} is not known", dependencies(weak)));
    }
}

/// Validators that fail closed: what would be wrong answers is errors, and somebody who wants to know what that costs can ask.
fn wrong_data_refused(system: &System, part: &Part, scenario: Option<&Scenario>) -> Option<String> {
    let can_be_wrong = scenario.is_none_or(|scenario| scenario.incidents.iter().any(|incident| incident.harm.can_be_wrong()));
    let refuses = |id: &DependencyId| system.dependency(*id).on_invalid == Some(OnInvalid::Reject);
    let ends = |id: DependencyId| [system.consumer(id), system.provider(id)].map(|end| system.endpoint_name(end));
    let refused = part.dependencies(system).filter(|id| can_be_wrong && refuses(id)).map(ends);
    let refused: Vec<String> = refused.map(|[from, to]| format!("{from}->{to}")).collect();
    let first = refused.first()?;
    let names: Vec<&str> = refused.iter().map(String::as_str).collect();
    Some(format!(
        "wrong data that a validator refuses (`on_invalid: reject`) are errors, not wrong answers: {}; `compare --with 'validator:{first},on_invalid=pass'` weighs one against the other",
        listed(&names)
    ))
}

fn services_assumed(system: &System, part: &Part, said: &mut Vec<String>) {
    let (mut owner, mut tier, mut replicas) = (0, 0, 0);
    for service in part.services(system) {
        owner += usize::from(service.owner.is_none());
        tier += usize::from(service.tier.is_none());
        replicas += usize::from(service.replicas.is_none());
    }
    let services = |count| of(count, part.n_services, "service", "services");
    if owner > 0 {
        said.push(format!("owner of {} is not stated: nobody can sign for them", services(owner)));
    }
    if tier > 0 {
        said.push(format!("tier of {} is not stated: 2 is assumed", services(tier)));
    }
    if replicas > 0 {
        said.push(format!("replicas of {} are not stated: a single one is assumed", services(replicas)));
    }
}

fn incident_assumed(system: &System, incident: &Incident, said: &mut Vec<String>) {
    let label = &incident.label;
    if incident.harm == Harm::Silent {
        return;
    }
    let members = incident.members.as_slice();
    let detect = members.iter().any(|member| member.detect.is_none());
    let repair = members.iter().any(|member| is_from_catalogue(system, incident, member));
    match (detect, repair) {
        (true, true) => said.push(format!("time to detection and repair of {label} come from the catalogue")),
        (true, false) => said.push(format!("time to detection of {label} comes from the catalogue")),
        (false, true) => said.push(format!("time to repair of {label} comes from the catalogue")),
        (false, false) => {}
    }
    if matches!(incident.harm, Harm::Errors | Harm::Latency | Harm::Data | Harm::Mix) {
        said.push(format!("severity of {label} is drawn from the catalogue"));
    }
    if !incident.kind.spares_stand_by() && members.iter().any(|member| system.service(member.service).failover.is_some()) {
        said.push(format!("a stand-by (`failover`) shares what {label} breaks and does not help"));
    }
    if incident.kind == FaultKind::Expiry && members.iter().any(|member| system.service(member.service).restore_tail.is_none()) {
        said.push(format!(
            "how long caches keep the old answer after {label} is mended (`restore_tail`) is not stated: not at all"
        ));
    }
    if incident.kind.crashes() && members.iter().any(|member| system.service(member.service).cold_start.is_none()) {
        said.push(format!("time to come up again after {label} is not stated for every target: none is assumed"));
    }
    if !incident.advice
        && members.iter().any(|member| member.operations.len() > 1 && member.operations.iter().any(|(_, p)| *p < 1.0))
    {
        said.push(format!("operations hit by {label} are taken to be equally likely"));
    }
}

fn is_from_catalogue(system: &System, incident: &Incident, member: &Member) -> bool {
    let service = system.service(member.service);
    let is_default =
        member.stages == incident.kind.repair() && (service.repair.is_none() || !incident.kind.takes_service_times());
    is_default || (member.stages == [catalogue::ROLLBACK] && service.rollback.is_none())
}

/// What is taken for granted about services that can be overloaded.
fn load_assumed(system: &System, scenario: &Scenario, said: &mut Vec<String>) {
    if scenario.surge.nodes.is_empty() {
        return;
    }
    let without = |demand: &&crate::model::demand::Demand| demand.goodput.is_none();
    let names: Vec<&str> =
        scenario.surge.demands.iter().filter(without).map(|demand| system.service_name(demand.service)).collect();
    if !names.is_empty() {
        said.push(format!("half of the work under overload is taken to be useful (`goodput`): {}", listed(&names)));
    }
    if scenario.incidents.first().is_some_and(|incident| incident.relief.after == catalogue::RELIEF) {
        said.push("time until load is shed, where an overload outlives its cause, comes from the catalogue".to_owned());
    }
}

/// Monitors that go blind where nothing depends on what they see.
fn blind_assumed(scenario: &Scenario, said: &mut Vec<String>) {
    let (blind, seen): (Vec<&Incident>, Vec<&Incident>) =
        scenario.incidents.iter().partition(|incident| incident.harm == Harm::Silent);
    for Incident { label, members, .. } in blind {
        let is_seen = |incident: &Incident| {
            incident.watchers.iter().any(|watcher| members.iter().any(|member| member.service == watcher.monitor))
        };
        if seen.is_empty() {
            said.push(format!("{label} harms nobody by itself: it matters beside a fault that the monitor would notice"));
        } else if !seen.iter().any(|incident| is_seen(incident)) {
            said.push(format!(
                "{label} changes nothing: the monitor watches none of what is hit, or the time to detection is stated there (`detect`)"
            ));
        }
    }
}

fn groups_assumed(system: &System, part: &Part, said: &mut Vec<String>) {
    let touched = system.groups().filter(|(.., members)| members.iter().any(|member| part.has(*member)));
    let (mut hit, mut beta) = (Vec::new(), Vec::new());
    for (_, name, group, _) in touched {
        if group.hit.is_none() {
            hit.push(name);
        }
        if group.beta.is_none() {
            beta.push(name);
        }
    }
    if !hit.is_empty() {
        said.push(format!("a fault of the group is assumed to hit every member: {}", listed(&hit)));
    }
    if !beta.is_empty() {
        said.push(format!("the group states no `beta`, so a fault of one member leaves the others alone: {}", listed(&beta)));
    }
}

fn journeys_assumed(system: &System, at: Option<&Zoned>, said: &mut Vec<String>) {
    if system.journeys().is_empty() {
        said.push("there is no journey: users cannot be counted".to_owned());
    }
    let lacking = |is_missing: fn(&crate::model::facts::Journey) -> bool| {
        let journeys = system.journeys().iter().filter(|journey| is_missing(&journey.facts));
        journeys.map(|journey| journey.name.as_str()).collect::<Vec<_>>()
    };
    for (names, what) in [
        (lacking(|journey| journey.users_per_minute.is_none()), "traffic is not stated, so no users are counted, for journey"),
        (lacking(|journey| journey.slo.is_none()), "objective is not stated, so there is no budget, for journey"),
        (
            lacking(|journey| journey.slo.is_some() && journey.window.is_none()),
            "window of the objective is taken as 30 days for journey",
        ),
    ] {
        if !names.is_empty() {
            said.push(format!("{what} {}", listed(&names)));
        }
    }
    let peaked = lacking(|journey| journey.users_per_minute.is_some() && journey.peak.is_some());
    if at.is_none() && !peaked.is_empty() {
        said.push(format!("the time of day is not stated, so users are the mean and no `peak`, for journey {}", listed(&peaked)));
    }
    let doubtful = system.journeys().iter().filter(|journey| journey.spent.is_some_and(|spent| spent.doubt.is_some()));
    let doubtful: Vec<&str> = doubtful.map(|journey| journey.name.as_str()).collect();
    if !doubtful.is_empty() {
        let which = listed(&doubtful);
        said.push(format!(
            "how much of the error budget is spent is not known as of the change for journey {which}: what is stated counts"
        ));
    }
}

/// A stated field whose mechanism is missing, and what it would have done.
type Field<T> = (fn(&T) -> bool, &'static str);

const DEPENDENCY_FIELDS: [Field<Dependency>; 3] = [
    (|facts| facts.queue.is_some_and(|queue| queue.departures.is_none()), "`queue` without `out`: its backlog is gone at once"),
    (|facts| !facts.verbs.is_empty(), "`verbs`: every authority counts alike"),
    (|facts| facts.evidence.is_some(), "`evidence`: it does not yet change the probability"),
];

fn not_modelled(system: &System, part: &Part) -> Vec<String> {
    let mut dependencies = [0_usize; DEPENDENCY_FIELDS.len()];
    let (mut timeouts, mut delays, mut pools) = (0, 0, 0);
    if !system.dependencies.detail.is_empty() {
        for id in part.dependencies(system) {
            let facts = system.dependency(id);
            dependencies
                .iter_mut()
                .zip(DEPENDENCY_FIELDS)
                .for_each(|(count, (is_stated, _))| *count += usize::from(is_stated(facts)));
            let provider = system.service(ServiceId(system.dependencies.provider[id.index()]));
            let timeout = facts.timeout.is_some() && provider.latency.is_some();
            timeouts += usize::from(timeout);
            pools += usize::from(facts.pool.is_some() && !(timeout && facts.rate.is_some()));
            delays +=
                usize::from(facts.buffer.is_some() || facts.cache.is_some() || facts.delay.is_some() || facts.queue.is_some());
        }
    }
    let stated =
        |count: usize, what: &str, one: &str, many: &str| format!("{what} ({count} {})", if count == 1 { one } else { many });
    let mut said: Vec<String> = Vec::new();
    for (count, (_, what)) in dependencies.iter().zip(DEPENDENCY_FIELDS).filter(|(count, _)| **count > 0) {
        said.push(stated(*count, what, "dependency", "dependencies"));
    }
    if pools > 0 {
        let what = "`pool` without `rate`, `timeout` and the provider's `latency`: it does not run out";
        said.push(stated(pools, what, "dependency", "dependencies"));
    }
    if timeouts == 0 {
        said.push("no `timeout` with the provider's `latency` is stated: delay never turns into errors".to_owned());
    }
    if delays == 0 {
        said.push("no buffer or cache is stated: every failure crosses at once".to_owned());
    }
    if system.groups().len() == 0 {
        said.push("no groups are stated: services fail together only through their dependencies".to_owned());
    }
    let loaded = if system.is_edge_list() { 0 } else { part.services(system).filter(|service| service.load.is_some()).count() };
    if loaded == 0 {
        said.push("no service states a `load`: no failure makes others busier (overload, retry storms)".to_owned());
    } else if loaded < part.n_services {
        let silent = of(part.n_services - loaded, part.n_services, "service", "services");
        said.push(format!("`load` of {silent} is not stated: they cannot be overloaded and pass no surge on"));
    }
    said
}

/// Whose wrong answers go no further because no dependency carries data; without a scenario, whether anybody's do.
fn wrong_answers_kept(system: &System, scenario: Option<&Scenario>) -> Option<String> {
    let mut carried = FixedBitSet::with_capacity(system.service_count());
    // Dependencies of an edge list are plain.
    if !system.dependencies.detail.is_empty() {
        for id in system.dependency_ids() {
            let crossing = Crossing::of(system, id);
            let columns = &system.dependencies;
            if crossing.writes_data {
                carried.insert(columns.consumer[id.index()] as usize);
            } else if crossing.channels.has(Channels::DATA) {
                carried.insert(columns.provider[id.index()] as usize);
            }
        }
    }
    let Some(scenario) = scenario else {
        return carried.is_clear().then(|| "no dependency is stated to carry data: wrong answers harm nobody else".to_owned());
    };
    let wrong = scenario.incidents.iter().filter(|incident| incident.harm.can_be_wrong());
    let mut kept: Vec<ServiceId> = wrong.flat_map(Incident::all_members).map(|member| member.service).collect();
    kept.sort_unstable();
    kept.dedup();
    kept.retain(|service| !carried.contains(service.index()));
    let names: Vec<&str> = kept.iter().map(|service| system.service_name(*service)).collect();
    (!names.is_empty()).then(|| {
        format!("no dependency is stated to carry data (`carries`) from {}: wrong answers harm nobody else", listed(&names))
    })
}

#[cfg(test)]
#[path = "quality_tests.rs"]
mod tests;
