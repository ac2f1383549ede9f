//! Facts that contradict each other: a mechanism that could not work is an error, not a number that nobody understands.
//!
//! Ranges of single numbers stand beside the fields of the file format; what needs two facts is judged here, with the place of
//! the one to change.

use super::draft::{Locate, Place};
use super::facts::{Dependency, DependencyKind};
use super::system::System;
use crate::diagnostic::Diagnostic;
use crate::units::{DependencyId, ServiceId, Ticks};

/// Adds what is wrong with the facts of a system whose references resolve.
pub(super) fn check(system: &System, locate: &dyn Locate, problems: &mut Vec<Diagnostic>) {
    for service in system.service_ids() {
        check_load(system, service, locate, problems);
        check_incidents(system, service, locate, problems);
    }
    for id in system.dependency_ids() {
        check_kind(system, id, locate, problems);
        check_calls(system, id, locate, problems);
        check_pool(system, id, locate, problems);
        check_queue(system, id, locate, problems);
    }
}

fn wrong(message: String, label: &str, locate: &dyn Locate, place: Place<'_>) -> Diagnostic {
    Diagnostic::error("out-of-range", message).at(locate.span(place), label)
}

fn check_load(system: &System, service: ServiceId, locate: &dyn Locate, problems: &mut Vec<Diagnostic>) {
    let Some(load) = system.service(service).load else { return };
    if !(load > 0.0 && load < 1.0) {
        let message = format!("`{}` has a load of {load} when nothing fails", system.service_name(service));
        let place = Place::Service(service.index(), Some("load"), None);
        problems.push(
            wrong(message, "offered load over capacity, above 0 and below 1", locate, place)
                .help("a service that is overloaded as a rule has no healthy state to return to"),
        );
    }
}

fn check_incidents(system: &System, service: ServiceId, locate: &dyn Locate, problems: &mut Vec<Diagnostic>) {
    if system.service(service).incidents.is_some_and(|incidents| incidents.over == Ticks::ZERO) {
        let message = format!("the incidents of `{}` are counted over no time", system.service_name(service));
        let place = Place::Service(service.index(), Some("incidents"), None);
        problems.push(wrong(message, "`over` is above 0, such as 180d", locate, place));
    }
}

fn name(system: &System, id: DependencyId) -> String {
    format!("`{}` on `{}`", system.endpoint_name(system.consumer(id)), system.endpoint_name(system.provider(id)))
}

/// Nothing is called over startup and monitoring dependencies.
fn check_kind(system: &System, id: DependencyId, locate: &dyn Locate, problems: &mut Vec<Diagnostic>) {
    let kind = system.kind(id);
    if !matches!(kind, DependencyKind::Startup | DependencyKind::Monitors) {
        return;
    }
    /// A field, and whether it is stated.
    type Field = (&'static str, fn(&Dependency) -> bool);
    let fields: [Field; 8] = [
        ("buffer", |facts| facts.buffer.is_some()),
        ("cache", |facts| facts.cache.is_some()),
        ("timeout", |facts| facts.timeout.is_some()),
        ("retries", |facts| facts.retries.is_some()),
        ("breaker", |facts| facts.breaker.is_some()),
        ("pool", |facts| facts.pool.is_some()),
        ("queue", |facts| facts.queue.is_some()),
        ("delay", |facts| facts.delay.is_some()),
    ];
    let facts = system.dependency(id);
    for (field, _) in fields.iter().filter(|(_, is_stated)| is_stated(facts)) {
        let message = format!("`{field}` means nothing for a dependency of kind {}: {}", kind.name(), name(system, id));
        let place = Place::Dependency(id.index(), Some(field));
        problems.push(Diagnostic::error("wrong-key", message).at(locate.span(place), "nothing is called here while it runs"));
    }
}

fn check_calls(system: &System, id: DependencyId, locate: &dyn Locate, problems: &mut Vec<Diagnostic>) {
    let facts = system.dependency(id);
    let place = |field| Place::Dependency(id.index(), Some(field));
    if let Some(retries) = facts.retries {
        if retries.attempts == 0 {
            let message = format!("{} makes no attempt at all", name(system, id));
            problems.push(wrong(message, "`attempts` counts the first try and is at least 1", locate, place("retries")));
        }
        if facts.calls == Some(0.0) {
            let message = format!("{} repeats calls that it does not make", name(system, id));
            problems.push(wrong(message, "`retries` needs `calls` above 0", locate, place("retries")));
        }
    }
    if let Some(breaker) = facts.breaker {
        if breaker.window == Some(0) {
            let message = format!("the breaker of {} looks at no call", name(system, id));
            problems.push(wrong(message, "`window` is at least 1", locate, place("breaker")));
        }
        if breaker.open_at == Some(0.0) {
            let message = format!("the breaker of {} opens when nothing fails", name(system, id));
            problems.push(wrong(message, "`open_at` is above 0", locate, place("breaker")));
        }
    }
}

/// A pool that is too small when all is well has no healthy state (Little's law: rate × latency connections are in use).
fn check_pool(system: &System, id: DependencyId, locate: &dyn Locate, problems: &mut Vec<Diagnostic>) {
    let facts = system.dependency(id);
    let latency = system.service(system.provider(id).service).latency;
    let (Some(rate), Some(pool), Some(timeout), Some(latency)) = (facts.rate, facts.pool, facts.timeout, latency) else {
        return;
    };
    let in_use = rate * latency.min(timeout).0 as f64 / Ticks::PER_SECOND as f64;
    if in_use > pool {
        let message = format!("the pool of {} runs out when nothing fails: {in_use} of {pool} are in use", name(system, id));
        let place = Place::Dependency(id.index(), Some("pool"));
        problems.push(wrong(message, "below `rate` × the provider's `latency`", locate, place));
    }
}

fn check_queue(system: &System, id: DependencyId, locate: &dyn Locate, problems: &mut Vec<Diagnostic>) {
    let Some(queue) = system.dependency(id).queue else { return };
    let place = Place::Dependency(id.index(), Some("queue"));
    if queue.arrivals <= 0.0 {
        let message = format!("nothing arrives in the queue of {}", name(system, id));
        problems.push(wrong(message, "`in` is above 0", locate, place));
    } else if queue.departures.is_some_and(|departures| departures <= queue.arrivals) {
        let message = format!("the queue of {} never gets empty again", name(system, id));
        problems.push(wrong(message, "`out` is above `in`", locate, place));
    }
}
