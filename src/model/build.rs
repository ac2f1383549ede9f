//! From a draft to a system: every name is resolved, everything that is wrong is said at once.

use super::draft::{Draft, Locate, Place};
use super::facts::{DependencyKind, Journey, Service};
use super::system::{Detail, Endpoint, ResolvedJourney, System};
use crate::diagnostic::{Diagnostic, Span};
use crate::units::ServiceId;
use std::collections::HashMap;

/// A list of dependencies with more problems than this is not read on: each search for a near name takes a while.
const MOST_PROBLEMS: usize = 500;

impl System {
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
            drawn_as: None,
            delay_at_most: None,
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
        system.journeys.push(ResolvedJourney { name, facts, needs, spent: None });
    }
}
