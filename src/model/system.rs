//! A valid system. Built once from a [`Draft`] or an edge list, never changed.
//!
//! What must hold afterwards: ids are positions in file order, every reference resolves, no two dependencies have the same
//! (from, to, kind), every gate's providers are dependencies of its service.

use super::draft::{Draft, Locate, Place};
use super::facts::{Belief, Channels, Dependency, DependencyKind, Group, Journey, Service, Waiver};
use super::names::Names;
use super::reference::resolve;
use super::repeated::Repeated;
use crate::diagnostic::{Diagnostic, Span};
use crate::units::{DependencyId, GroupId, JourneyId, Probability, ServiceId};
use std::collections::HashMap;

/// A list of dependencies with more problems than this is not read on: each search for a near name takes a while.
const MOST_PROBLEMS: usize = 500;

/// One end of a dependency: a service, or one operation of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The service.
    pub service: ServiceId,
    /// The operation, by its position in the service's list.
    pub operation: Option<u32>,
}

/// What the entry of a dependency states besides its two services.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Detail {
    pub(crate) kind: DependencyKind,
    pub(crate) from_operation: Option<u32>,
    pub(crate) to_operation: Option<u32>,
    pub(crate) facts: Dependency,
}

impl Detail {
    pub(crate) fn plain() -> Self {
        Self { kind: DependencyKind::Hard, from_operation: None, to_operation: None, facts: Dependency::default() }
    }
}

/// Dependencies as columns: 10 bytes each when they come from an edge list whose probabilities repeat.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dependencies {
    pub(crate) consumer: Vec<u32>,
    pub(crate) provider: Vec<u32>,
    /// Position in `details`; empty when all are at position 0.
    pub(crate) detail: Vec<u32>,
    pub(crate) details: Vec<Detail>,
    /// Stated probabilities of an edge list; empty otherwise.
    pub(crate) probability: Repeated,
}

/// A journey with its references resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedJourney {
    /// Its name.
    pub name: String,
    /// What is stated.
    pub facts: Journey,
    /// What it needs.
    pub needs: Vec<Endpoint>,
}

/// A valid system.
#[derive(Debug, Clone, Default)]
pub struct System {
    /// Name of the topology.
    pub name: String,
    /// When the facts were gathered.
    pub observed_at: Option<jiff::civil::Date>,
    /// Share of the dependencies believed to be listed.
    pub coverage: Option<f64>,
    /// Size of the responder pool.
    pub responders: Option<u32>,
    /// Accepted findings.
    pub waivers: Vec<Waiver>,
    pub(crate) services: Names,
    /// Position of a service in `service_table`; empty when all are at position 0.
    pub(crate) service_detail: Vec<u32>,
    pub(crate) service_table: Vec<Service>,
    pub(crate) dependencies: Dependencies,
    pub(crate) groups: Vec<(String, Group)>,
    pub(crate) members: Vec<Vec<ServiceId>>,
    pub(crate) journeys: Vec<ResolvedJourney>,
}

impl System {
    /// Does it come from an edge list: plain services, plain hard dependencies?
    pub(crate) fn is_edge_list(&self) -> bool {
        self.service_detail.is_empty() && self.dependencies.detail.is_empty()
    }

    /// Number of services.
    pub fn service_count(&self) -> usize {
        self.services.len()
    }

    /// Number of dependencies.
    pub fn dependency_count(&self) -> usize {
        self.dependencies.consumer.len()
    }

    /// All services, in file order.
    pub fn service_ids(&self) -> impl ExactSizeIterator<Item = ServiceId> + use<> {
        (0..self.services.len() as u32).map(ServiceId)
    }

    /// All dependencies, in file order.
    pub fn dependency_ids(&self) -> impl ExactSizeIterator<Item = DependencyId> + use<> {
        (0..self.dependencies.consumer.len() as u32).map(DependencyId)
    }

    /// Name of a service.
    pub fn service_name(&self, id: ServiceId) -> &str {
        self.services.get(id.0)
    }

    /// A service by name.
    pub fn find_service(&self, name: &str) -> Option<ServiceId> {
        self.services.find(name).map(ServiceId)
    }

    /// All names of services, in file order.
    pub fn service_names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.services.iter()
    }

    /// What is stated about a service.
    pub fn service(&self, id: ServiceId) -> &Service {
        &self.service_table[self.service_detail.get(id.index()).map_or(0, |at| *at as usize)]
    }

    /// The consumer of a dependency: the side that is harmed.
    pub fn consumer(&self, id: DependencyId) -> Endpoint {
        Endpoint { service: ServiceId(self.dependencies.consumer[id.index()]), operation: self.detail(id).from_operation }
    }

    /// The provider of a dependency.
    pub fn provider(&self, id: DependencyId) -> Endpoint {
        Endpoint { service: ServiceId(self.dependencies.provider[id.index()]), operation: self.detail(id).to_operation }
    }

    /// The kind of a dependency.
    pub fn kind(&self, id: DependencyId) -> DependencyKind {
        self.detail(id).kind
    }

    /// What is stated about a dependency.
    pub fn dependency(&self, id: DependencyId) -> &Dependency {
        &self.detail(id).facts
    }

    pub(crate) fn detail(&self, id: DependencyId) -> &Detail {
        &self.dependencies.details[self.dependencies.detail.get(id.index()).map_or(0, |at| *at as usize)]
    }

    /// The probability a file states for a dependency.
    pub fn stated_probability(&self, id: DependencyId) -> Option<f64> {
        match self.dependencies.probability.get(id.index()) {
            Some(stated) => Some(stated),
            None => self.dependency(id).probability.map(|belief| belief.mean.value()),
        }
    }

    /// All groups with their members, in file order.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = (GroupId, &str, &Group, &[ServiceId])> {
        self.groups
            .iter()
            .zip(&self.members)
            .enumerate()
            .map(|(at, ((name, group), members))| (GroupId::at(at), name.as_str(), group, members.as_slice()))
    }

    /// A group by name, with its members.
    pub fn find_group(&self, name: &str) -> Option<(GroupId, &Group, &[ServiceId])> {
        self.groups().find(|(_, known, ..)| *known == name).map(|(id, _, group, members)| (id, group, members))
    }

    /// All journeys, in file order.
    pub fn journeys(&self) -> &[ResolvedJourney] {
        &self.journeys
    }

    /// A journey.
    pub fn journey(&self, id: JourneyId) -> &ResolvedJourney {
        &self.journeys[id.index()]
    }

    /// A reference as the files write it: `SERVICE` or `SERVICE.OPERATION`, with `\.` for a dot inside a name.
    pub fn endpoint_name(&self, endpoint: Endpoint) -> String {
        let service = self.service_name(endpoint.service).replace('.', "\\.");
        match endpoint.operation {
            None => service,
            Some(at) => format!("{service}.{}", self.service(endpoint.service).operations[at as usize].replace('.', "\\.")),
        }
    }

    /// Resolves a reference.
    ///
    /// # Errors
    /// What is wrong, with the nearest valid name.
    pub fn resolve(&self, reference: &str) -> Result<Endpoint, Diagnostic> {
        resolve(reference, &self.services, |id| &self.service(id).operations)
    }

    /// The system of an edge list: plain services, plain hard dependencies with their probabilities.
    ///
    /// # Panics
    /// When the columns have different lengths. Ids that name no service, self-dependencies and duplicates are the reader's to refuse.
    pub(crate) fn from_edges(
        name: String,
        services: Names,
        consumer: Vec<u32>,
        provider: Vec<u32>,
        probability: Repeated,
    ) -> Self {
        assert_eq!(consumer.len(), provider.len(), "columns of one table");
        assert_eq!(consumer.len(), probability.len(), "columns of one table");
        Self {
            name,
            services,
            service_table: vec![Service::default()],
            dependencies: Dependencies { consumer, provider, detail: Vec::new(), details: vec![Detail::plain()], probability },
            ..Self::default()
        }
    }

    /// Gives back who depends on whom, for those who keep it elsewhere.
    pub(crate) fn forget_ends(&mut self) {
        (self.dependencies.consumer, self.dependencies.provider) = Default::default();
    }

    /// Gives back all dependencies.
    pub(crate) fn forget_dependencies(&mut self) {
        self.dependencies = Dependencies { details: std::mem::take(&mut self.dependencies.details), ..Dependencies::default() };
    }

    /// A copy in which one dependency states another probability, for what-ifs on small systems. O(size of the system).
    #[must_use]
    pub fn with_probability(&self, id: DependencyId, probability: Probability) -> Self {
        self.with_probabilities(&[(id, probability)])
    }

    /// The same for several dependencies.
    #[must_use]
    pub fn with_probabilities(&self, probabilities: &[(DependencyId, Probability)]) -> Self {
        let mut copy = self.clone();
        let columns = &mut copy.dependencies;
        for (id, probability) in probabilities {
            if !columns.probability.is_empty() {
                columns.probability.set(id.index(), probability.value());
                continue;
            }
            let mut detail = self.detail(*id).clone();
            let strength = detail.facts.probability.and_then(|belief| belief.strength);
            detail.facts.probability = Some(Belief { mean: *probability, strength });
            columns.detail.resize(columns.consumer.len(), 0);
            columns.detail[id.index()] = columns.details.len() as u32;
            columns.details.push(detail);
        }
        copy
    }

    /// A copy in which nothing crosses one dependency, on no channel. O(size of the system).
    #[must_use]
    pub fn without_crossing(&self, id: DependencyId) -> Self {
        let mut copy = self.with_probability(id, Probability::ZERO);
        if !self.is_edge_list() {
            let at = copy.dependencies.detail[id.index()] as usize;
            copy.dependencies.details[at].facts.carries = Some(Channels(0));
        }
        copy
    }

    /// Resolves all names of a draft.
    ///
    /// # Errors
    /// All problems of the draft at once, with their places.
    pub fn build(draft: Draft, locate: &dyn Locate) -> Result<Self, Vec<Diagnostic>> {
        let mut problems = Vec::new();
        let mut system = Self {
            name: draft.name.unwrap_or_default(),
            observed_at: draft.observed_at,
            coverage: draft.coverage,
            responders: draft.responders,
            waivers: draft.waivers,
            groups: draft.groups,
            ..Self::default()
        };
        system.members = vec![Vec::new(); system.groups.len()];
        add_services(&mut system, draft.services, locate, &mut problems);
        add_members(&mut system, locate, &mut problems);
        add_dependencies(&mut system, draft.dependencies, locate, &mut problems);
        check_gates(&system, locate, &mut problems);
        // Ids are positions in the draft only where every entry resolved.
        if problems.is_empty() {
            super::check_facts::check(&system, locate, &mut problems);
        }
        add_journeys(&mut system, draft.journeys, locate, &mut problems);
        if problems.is_empty() { Ok(system) } else { Err(problems) }
    }
}

fn add_services(system: &mut System, services: Vec<(String, Service)>, locate: &dyn Locate, problems: &mut Vec<Diagnostic>) {
    if services.is_empty() {
        problems.push(
            Diagnostic::error("no-services", "the topology has no services")
                .at(locate.span(Place::Whole), "expected at least one entry under `services:`"),
        );
    }
    defined_once("service", &services, |at| locate.span(Place::Service(at, None, None)), problems);
    for (at, (name, service)) in services.into_iter().enumerate() {
        system.services.insert(&name);
        for (position, operation) in service.operations.iter().enumerate() {
            if service.operations[..position].contains(operation) {
                problems.push(
                    Diagnostic::error("duplicate-name", format!("operation `{operation}` of `{name}` is listed twice"))
                        .at(locate.span(Place::Service(at, Some("operations"), Some(position))), "listed again"),
                );
            }
        }
        if let Some(replicas) = service.replicas
            && (replicas.need > replicas.count || replicas.count == 0)
        {
            problems.push(
                Diagnostic::error("out-of-range", format!("`{name}` needs {} of {} replicas", replicas.need, replicas.count)).at(
                    locate.span(Place::Service(at, Some("replicas"), None)),
                    "`need` is at most `count`, which is at least 1",
                ),
            );
        }
        system.service_detail.push(at as u32);
        system.service_table.push(service);
    }
}

/// Names of one table that come from several files may clash.
fn defined_once<T>(what: &str, table: &[(String, T)], span: impl Fn(usize) -> Span, problems: &mut Vec<Diagnostic>) {
    let mut known: HashMap<&str, usize> = HashMap::with_capacity(table.len());
    for (at, (name, _)) in table.iter().enumerate() {
        let first = *known.entry(name).or_insert(at);
        if first != at {
            problems.push(
                Diagnostic::error("duplicate-name", format!("{what} `{name}` is defined twice"))
                    .at(span(at), "second definition")
                    .at(span(first), "first definition"),
            );
        }
    }
}

fn add_members(system: &mut System, locate: &dyn Locate, problems: &mut Vec<Diagnostic>) {
    defined_once("group", &system.groups, |at| locate.span(Place::Group(at, None)), problems);
    let index: HashMap<&str, usize> = system.groups.iter().enumerate().map(|(at, (name, _))| (name.as_str(), at)).collect();
    for (at, (name, _)) in system.groups.iter().enumerate() {
        if system.services.find(name).is_some() {
            problems.push(
                Diagnostic::error("duplicate-name", format!("`{name}` is both a service and a group"))
                    .at(locate.span(Place::Group(at, None)), "a service has this name too")
                    .help("rename one of them: faults name their target by this name alone"),
            );
        }
    }
    for (at, service) in system.service_table.iter().enumerate() {
        for (position, group) in service.groups.iter().enumerate() {
            if service.groups[..position].contains(group) {
                problems.push(
                    Diagnostic::error("duplicate-name", format!("group `{group}` is listed twice"))
                        .at(locate.span(Place::Service(at, Some("groups"), Some(position))), "listed again"),
                );
            }
            match index.get(group.as_str()) {
                Some(found) => system.members[*found].push(ServiceId::at(at)),
                None => problems.push(
                    Diagnostic::error("unknown-group", format!("there is no group `{group}`"))
                        .at(locate.span(Place::Service(at, Some("groups"), Some(position))), "not under `groups:`")
                        .suggest(group, index.keys().copied()),
                ),
            }
        }
    }
    for members in &mut system.members {
        members.dedup();
    }
}

fn add_dependencies(
    system: &mut System,
    dependencies: Vec<super::draft::DraftDependency>,
    locate: &dyn Locate,
    problems: &mut Vec<Diagnostic>,
) {
    let mut seen: HashMap<(Endpoint, Endpoint, DependencyKind), usize> = HashMap::with_capacity(dependencies.len());
    for (at, dependency) in dependencies.into_iter().enumerate() {
        if problems.len() > MOST_PROBLEMS {
            problems.push(Diagnostic::error("too-many", "the rest of the dependencies is not looked at"));
            break;
        }
        let mut end = |reference: &str, field: &'static str| {
            system.resolve(reference).map_err(|problem| {
                problems.push(problem.at(locate.span(Place::Dependency(at, Some(field))), "not defined"));
            })
        };
        let (from, to) = (end(&dependency.from, "from"), end(&dependency.to, "to"));
        let (Ok(from), Ok(to)) = (from, to) else { continue };
        let kind = dependency.kind.unwrap_or(DependencyKind::Hard);
        if from.service == to.service && from.operation == to.operation {
            problems.push(
                Diagnostic::error("self-dependency", format!("`{}` depends on itself", dependency.from))
                    .at(locate.span(Place::Dependency(at, Some("to"))), "the same as `from`"),
            );
        }
        if let Some(first) = seen.insert((from, to, kind), at) {
            problems.push(
                Diagnostic::error(
                    "duplicate-dependency",
                    format!("`{}` depends on `{}` ({}) twice", dependency.from, dependency.to, kind.name()),
                )
                .at(locate.span(Place::Dependency(at, None)), "second entry")
                .at(locate.span(Place::Dependency(first, None)), "first entry")
                .help("join the two entries, or give them different kinds"),
            );
        }
        let columns = &mut system.dependencies;
        columns.consumer.push(from.service.0);
        columns.provider.push(to.service.0);
        columns.detail.push(columns.details.len() as u32);
        columns.details.push(Detail {
            kind,
            from_operation: from.operation,
            to_operation: to.operation,
            facts: dependency.facts,
        });
    }
}

fn check_gates(system: &System, locate: &dyn Locate, problems: &mut Vec<Diagnostic>) {
    if !system.service_table.iter().any(|service| service.requires.is_some()) {
        return;
    }
    let mut providers: HashMap<u32, Vec<u32>> = HashMap::new();
    for id in system.dependency_ids() {
        providers.entry(system.consumer(id).service.0).or_default().push(system.provider(id).service.0);
    }
    for (at, service) in system.service_table.iter().enumerate() {
        let Some(requires) = &service.requires else { continue };
        let name = system.service_name(ServiceId::at(at));
        if requires.at_least as usize > requires.of.len() || requires.at_least == 0 {
            problems.push(
                Diagnostic::error(
                    "out-of-range",
                    format!("`{name}` requires at least {} of {} providers", requires.at_least, requires.of.len()),
                )
                .at(locate.span(Place::Service(at, Some("requires"), None)), "`at_least` is from 1 to the length of `of`"),
            );
        }
        for (position, provider) in requires.of.iter().enumerate() {
            let span = || locate.span(Place::Service(at, Some("requires"), Some(position)));
            if requires.of[..position].contains(provider) {
                problems.push(
                    Diagnostic::error("duplicate-name", format!("`{provider}` is listed twice in `requires` of `{name}`"))
                        .at(span(), "listed again"),
                );
            }
            match system.find_service(provider) {
                None => problems.push(
                    Diagnostic::error("unknown-service", format!("there is no service `{provider}`"))
                        .at(span(), "required here")
                        .suggest(provider, system.service_names()),
                ),
                Some(id) if !providers.get(&(at as u32)).is_some_and(|known| known.contains(&id.0)) => problems.push(
                    Diagnostic::error("dangling-reference", format!("`{name}` has no dependency on `{provider}`"))
                        .at(span(), "required here")
                        .help(format!("add `{{from: {name}, to: {provider}}}` under `dependencies:`")),
                ),
                Some(_) => {}
            }
        }
    }
}

fn add_journeys(system: &mut System, journeys: Vec<(String, Journey)>, locate: &dyn Locate, problems: &mut Vec<Diagnostic>) {
    defined_once("journey", &journeys, |at| locate.span(Place::Journey(at, None, None)), problems);
    for (at, (name, facts)) in journeys.into_iter().enumerate() {
        let mut needs = Vec::new();
        for (position, reference) in facts.needs.iter().enumerate() {
            match system.resolve(reference) {
                Ok(endpoint) if needs.contains(&endpoint) => problems.push(
                    Diagnostic::error("duplicate-name", format!("journey `{name}` needs `{reference}` twice"))
                        .at(locate.span(Place::Journey(at, Some("needs"), Some(position))), "listed again"),
                ),
                Ok(endpoint) => needs.push(endpoint),
                Err(problem) => problems.push(
                    problem
                        .at(locate.span(Place::Journey(at, Some("needs"), Some(position))), format!("journey `{name}` needs it")),
                ),
            }
        }
        if facts.needs.is_empty() {
            problems.push(
                Diagnostic::error("missing-key", format!("journey `{name}` needs nothing"))
                    .at(locate.span(Place::Journey(at, None, None)), "expected `needs: [SERVICE, …]`"),
            );
        }
        system.journeys.push(ResolvedJourney { name, facts, needs });
    }
}
