//! A valid system. Built once from a draft (`build.rs`) or an edge list, never changed.
//!
//! What must hold afterwards: ids are positions in file order, every reference resolves, no two dependencies have the same
//! (from, to, kind), every gate's providers are dependencies of its service.

use super::facts::{Belief, Channels, Dependency, DependencyKind, Group, Journey, Service, Spent, Waiver};
use super::names::Names;
use super::reference::resolve;
use super::repeated::Repeated;
use crate::diagnostic::Diagnostic;
use crate::units::{DependencyId, GroupId, JourneyId, Probability, ServiceId};

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
    /// In a what-if that changed the kind: the kind before, which keys its random numbers.
    pub(crate) drawn_as: Option<DependencyKind>,
    /// P(delay crosses) is no larger, in a what-if.
    pub(crate) delay_at_most: Option<f64>,
    pub(crate) from_operation: Option<u32>,
    pub(crate) to_operation: Option<u32>,
    pub(crate) facts: Dependency,
}

impl Detail {
    pub(crate) fn plain() -> Self {
        Self {
            kind: DependencyKind::Hard,
            drawn_as: None,
            delay_at_most: None,
            from_operation: None,
            to_operation: None,
            facts: Dependency::default(),
        }
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
    /// How much of its error budget is gone, where that is known.
    pub spent: Option<Spent>,
}

impl ResolvedJourney {
    /// Is it stated how many users it has? Otherwise what they lose is unknown, not nothing.
    pub fn is_traffic_known(&self) -> bool {
        self.facts.users_per_minute.is_some()
    }
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

    /// The kind that keys the random numbers of a dependency: its own, unless a what-if changed it.
    pub(crate) fn drawn_as(&self, id: DependencyId) -> DependencyKind {
        let detail = self.detail(id);
        detail.drawn_as.unwrap_or(detail.kind)
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

    /// Is the traffic of any journey known? Otherwise nobody can say how many users are harmed.
    pub fn counts_users(&self) -> bool {
        self.journeys.iter().any(ResolvedJourney::is_traffic_known)
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
}
