//! Changed copies of a system, for what-ifs.
//!
//! A what-if keeps the random numbers of everything it does not touch, and of everything it touches: they are keyed by names, and
//! where the kind of a dependency changes, by the kind it had before. So the difference between two simulations is that of the
//! change alone. What must hold: after [`System::recheck`] the promises of `system` hold again.

use super::check_facts;
use super::draft::Nowhere;
use super::facts::{Dependency, DependencyKind, Group, GroupKind, Service, Spent};
use super::system::{Detail, Endpoint, System};
use crate::diagnostic::Diagnostic;
use crate::units::{DependencyId, GroupId, JourneyId, ServiceId, Ticks};
use std::collections::HashSet;

impl System {
    /// Whether it holds services and probabilities only, as an edge list does: other facts have no place in it.
    pub fn holds_probabilities_only(&self) -> bool {
        self.is_edge_list()
    }

    /// Changes kind and facts of a dependency. Its random numbers stay. O(1), the first time O(dependencies).
    ///
    /// # Panics
    /// Where the system holds probabilities only.
    pub fn change_dependency(&mut self, id: DependencyId, change: impl FnOnce(&mut DependencyKind, &mut Dependency)) {
        assert!(!self.is_edge_list(), "an edge list has no place for facts");
        let mut detail = self.detail(id).clone();
        let before = detail.kind;
        change(&mut detail.kind, &mut detail.facts);
        if detail.kind != before {
            detail.drawn_as.get_or_insert(before);
        }
        let columns = &mut self.dependencies;
        columns.detail.resize(columns.consumer.len(), 0);
        columns.detail[id.index()] = columns.details.len() as u32;
        columns.details.push(detail);
    }

    /// From here on delay crosses with no more than this probability, unless errors do: the default of a kind it was given is no
    /// reason to make it worse. O(1), the first time O(dependencies).
    ///
    /// # Panics
    /// As [`System::change_dependency`].
    pub fn limit_delay(&mut self, id: DependencyId, at_most: f64) {
        self.change_dependency(id, |_, _| {});
        if let Some(detail) = self.dependencies.details.last_mut() {
            detail.delay_at_most = Some(at_most);
        }
    }

    /// Changes the facts of a service, its groups aside. O(1).
    ///
    /// # Panics
    /// Where the system holds probabilities only.
    pub fn change_service(&mut self, id: ServiceId, change: impl FnOnce(&mut Service)) {
        assert!(!self.is_edge_list(), "an edge list has no place for facts");
        let mut service = self.service(id).clone();
        change(&mut service);
        self.service_detail[id.index()] = self.service_table.len() as u32;
        self.service_table.push(service);
    }

    /// Changes the objective of a journey: target in percent, and window. O(1).
    pub fn change_objective(&mut self, id: JourneyId, percent: f64, window: Ticks) {
        let facts = &mut self.journeys[id.index()].facts;
        (facts.slo, facts.window) = (Some(percent), Some(window));
    }

    /// Says how much of the error budget of a journey is gone. O(1).
    pub fn set_spent(&mut self, id: JourneyId, spent: Spent) {
        self.journeys[id.index()].spent = Some(spent);
    }

    /// Puts a service into these zones and no others. O(groups × members).
    ///
    /// # Panics
    /// As [`System::change_service`].
    pub fn set_zones(&mut self, id: ServiceId, zones: &[GroupId]) {
        let is_zone = |group: &Group| group.kind == GroupKind::Zone;
        let names: Vec<String> = zones.iter().map(|zone| self.groups[zone.index()].0.clone()).collect();
        let leave: HashSet<String> =
            self.groups.iter().filter(|(_, group)| is_zone(group)).map(|(name, _)| name.clone()).collect();
        self.change_service(id, |service| {
            service.groups.retain(|group| !leave.contains(group));
            service.groups.extend(names);
        });
        for (at, (_, group)) in self.groups.iter().enumerate() {
            if is_zone(group) {
                let members = &mut self.members[at];
                members.retain(|member| *member != id);
                if zones.contains(&GroupId::at(at)) {
                    // File order decides who takes the remainder of the replicas.
                    let place = members.partition_point(|member| *member < id);
                    members.insert(place, id);
                }
            }
        }
    }

    /// Adds a monitor that watches a service and that nothing can harm; it comes last, so that ids stay. `None` where its name is taken.
    pub fn add_monitor(&mut self, watched: ServiceId, name: &str, facts: Service) -> Option<ServiceId> {
        if self.services.find(name).is_some() {
            return None;
        }
        let (id, _) = self.services.insert(name);
        self.service_detail.push(self.service_table.len() as u32);
        self.service_table.push(facts);
        let columns = &mut self.dependencies;
        columns.detail.resize(columns.consumer.len(), 0);
        columns.consumer.push(watched.0);
        columns.provider.push(id);
        columns.detail.push(columns.details.len() as u32);
        columns.details.push(Detail { kind: DependencyKind::Monitors, ..Detail::plain() });
        Some(ServiceId(id))
    }

    /// Takes dependencies away, and their providers out of the gates that no other dependency serves. A gate that is left with fewer
    /// providers than it needs asks for all that are left. O(dependencies).
    ///
    /// # Panics
    /// As [`System::change_dependency`].
    pub fn remove_dependencies(&mut self, ids: &[DependencyId]) {
        assert!(!self.is_edge_list(), "an arc of an edge list is cut by a probability of 0");
        let gone: HashSet<usize> = ids.iter().map(|id| id.index()).collect();
        let lost: Vec<(ServiceId, ServiceId)> =
            ids.iter().map(|id| (self.consumer(*id).service, self.provider(*id).service)).collect();
        let columns = &mut self.dependencies;
        columns.detail.resize(columns.consumer.len(), 0);
        retain(&mut columns.detail, &gone);
        retain(&mut columns.consumer, &gone);
        retain(&mut columns.provider, &gone);
        for (consumer, provider) in lost {
            let name = self.service_name(provider).to_owned();
            let is_listed = self.service(consumer).requires.as_ref().is_some_and(|requires| requires.of.contains(&name));
            let mut still = self.dependency_ids().map(|id| (self.consumer(id).service, self.provider(id).service));
            if !is_listed || still.any(|ends| ends == (consumer, provider)) {
                continue;
            }
            self.change_service(consumer, |service| {
                let Some(requires) = &mut service.requires else { return };
                requires.of.retain(|known| *known != name);
                requires.at_least = requires.at_least.min(requires.of.len() as u32);
                if requires.of.is_empty() {
                    service.requires = None;
                }
            });
        }
    }

    /// Whether the facts still fit each other after changes.
    ///
    /// # Errors
    /// Everything that does not.
    pub fn recheck(&self) -> Result<(), Vec<Diagnostic>> {
        let mut problems = Vec::new();
        check_facts::check(self, &Nowhere, &mut problems);
        let mut seen: HashSet<(Endpoint, Endpoint, DependencyKind)> = HashSet::with_capacity(self.dependency_count());
        for id in self.dependency_ids() {
            let (from, to, kind) = (self.consumer(id), self.provider(id), self.kind(id));
            if !seen.insert((from, to, kind)) {
                let (from, to) = (self.endpoint_name(from), self.endpoint_name(to));
                let message = format!("`{from}` would depend on `{to}` ({}) twice", kind.name());
                problems.push(Diagnostic::error("duplicate-dependency", message));
            }
        }
        // The places of a changed copy are nowhere.
        problems.iter_mut().for_each(|problem| problem.labels.clear());
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

fn retain(column: &mut Vec<u32>, gone: &HashSet<usize>) {
    let mut at = 0;
    column.retain(|_| {
        at += 1;
        !gone.contains(&(at - 1))
    });
}
