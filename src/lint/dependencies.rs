//! Fallbacks, breakers and the order of starting.

use super::{Subject, about, list};
use crate::diagnostic::Level;
use crate::finding::Finding;
use crate::model::draft::Place;
use crate::model::facts::DependencyKind;
use crate::model::structure;
use crate::units::{DependencyId, ServiceId};

pub(super) fn check(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for id in subject.system.dependency_ids() {
        findings.extend(fallback(subject, id));
        findings.extend(breaker(subject, id));
    }
    startup(subject, findings);
}

/// Only soft dependencies claim that their consumer can do without. A critical consumer makes it a warning.
fn fallback(subject: &Subject<'_>, id: DependencyId) -> Option<Finding> {
    let listed = subject.system.dependency(id).fallback;
    let tested = listed.and_then(|fallback| fallback.tested);
    if subject.system.kind(id) != DependencyKind::Soft || tested == Some(true) {
        return None;
    }
    let name = subject.dependency_name(id);
    let (message, help) = match (listed, tested) {
        (None, _) => (
            format!("`{name}` is soft but lists no fallback: nothing says what happens without it"),
            "add `fallback: {coverage: 1.0, tested: yes}` once its failure was tried, or call it hard",
        ),
        (_, None) => (
            format!("nobody says whether the fallback of `{name}` was tested"),
            "switch the provider off in a test, then write `tested: yes`",
        ),
        _ => (
            format!("the fallback of `{name}` is not tested: the failure crosses in 35 % of the cases instead of 5 %"),
            "switch the provider off in a test, then write `tested: yes`",
        ),
    };
    let stated = subject.system.stated_probability(id).is_some();
    let message = if stated { format!("the fallback of `{name}` is not tested") } else { message };
    let tier = subject.system.service(subject.system.consumer(id).service).tier.unwrap_or(2);
    let level = if tier <= 1 && listed.is_some() { Level::Warning } else { Level::Note };
    let place = Place::Dependency(id.index(), Some(if listed.is_some() { "fallback" } else { "kind" }));
    Some(about(subject.finding("untested-fallback", level, place, message), name, help))
}

fn breaker(subject: &Subject<'_>, id: DependencyId) -> Option<Finding> {
    let facts = subject.system.dependency(id);
    if facts.breaker.is_none() || facts.fallback.is_some() {
        return None;
    }
    let name = subject.dependency_name(id);
    let message = format!("the breaker of `{name}` has no fallback: when it opens, callers fail at once");
    let finding =
        subject.finding("breaker-without-fallback", Level::Note, Place::Dependency(id.index(), Some("breaker")), message);
    Some(about(finding, name, "add `fallback:` with what the consumer answers while the breaker is open"))
}

fn startup(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let system = subject.system;
    let starts: Vec<DependencyId> = system.dependency_ids().filter(|id| system.kind(*id) == DependencyKind::Startup).collect();
    let ends = |id: &DependencyId| (system.consumer(*id).service.0, system.provider(*id).service.0);
    let arcs: Vec<(u32, u32)> = starts.iter().map(ends).collect();
    for cycle in structure::cycles(&arcs) {
        let names: Vec<&str> = cycle.iter().map(|id| system.service_name(ServiceId(*id))).collect();
        let inside = |id: &u32| cycle.binary_search(id).is_ok();
        let first = arcs.iter().position(|(consumer, provider)| inside(consumer) && inside(provider));
        let place = first.map_or(Place::Whole, |at| Place::Dependency(starts[at].index(), None));
        let message = format!("{} need each other to start: after an outage of all of them none comes up", list(&names));
        let finding = subject.finding("startup-cycle", Level::Warning, place, message);
        findings.push(about(finding, names[0], "let one of them start without the other, and test a cold start of all"));
    }
}
