//! Facts that contradict each other: a mechanism that could not work is an error, not a number that nobody understands.
//!
//! Ranges of single numbers stand beside the fields of the file format; what needs two facts is judged here, with the place of
//! the one to change.

use super::crossing::default_channels;
use super::draft::{Locate, Place};
use super::facts::{Channels, Dependency, DependencyKind};
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
        check_async(system, id, locate, problems);
        check_parts(system, id, locate, problems);
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

/// A field of a dependency, and whether it is stated.
type Field = (&'static str, fn(&Dependency) -> bool);

/// What acts on calls that fail or are slow.
const OF_CALLS: [Field; 7] = [
    ("timeout", |facts| facts.timeout.is_some()),
    ("retries", |facts| facts.retries.is_some()),
    ("breaker", |facts| facts.breaker.is_some()),
    ("pool", |facts| facts.pool.is_some()),
    ("fallback", |facts| facts.fallback.is_some()),
    ("transient", |facts| facts.transient.is_some()),
    ("wait_share", |facts| facts.wait_share.is_some()),
];
/// What acts on outages of any sort.
const OF_OUTAGES: [Field; 5] = [
    ("calls", |facts| facts.calls.is_some()),
    ("buffer", |facts| facts.buffer.is_some()),
    ("cache", |facts| facts.cache.is_some()),
    ("queue", |facts| facts.queue.is_some()),
    ("rate", |facts| facts.rate.is_some()),
];
/// What acts on wrong data.
const OF_DATA: [Field; 3] = [
    ("delay", |facts| facts.delay.is_some()),
    ("validated", |facts| facts.validated.is_some()),
    ("on_invalid", |facts| facts.on_invalid.is_some()),
];

/// What acts on delay alone.
const OF_DELAY: [Field; 3] = [
    ("timeout", |facts| facts.timeout.is_some()),
    ("pool", |facts| facts.pool.is_some()),
    ("wait_share", |facts| facts.wait_share.is_some()),
];

/// Mechanisms that have nothing to act on, by what a dependency carries.
fn check_kind(system: &System, id: DependencyId, locate: &dyn Locate, problems: &mut Vec<Diagnostic>) {
    let (kind, facts) = (system.kind(id), system.dependency(id));
    let mut refuse = |fields: &[Field], why: &str, help: &str| {
        for (field, _) in fields.iter().filter(|(_, is_stated)| is_stated(facts)) {
            let message = format!("`{field}` means nothing for a dependency of kind {}: {}", kind.name(), name(system, id));
            let place = Place::Dependency(id.index(), Some(field));
            let problem = Diagnostic::error("wrong-key", message).at(locate.span(place), why);
            problems.push(if help.is_empty() { problem } else { problem.help(help) });
        }
    };
    if matches!(kind, DependencyKind::Startup | DependencyKind::Monitors) {
        let why = "nothing is called here while it runs";
        [&OF_CALLS[..], &OF_OUTAGES, &OF_DATA].into_iter().for_each(|fields| refuse(fields, why, ""));
    } else {
        let carries = facts.carries.unwrap_or_else(|| default_channels(kind));
        if !carries.has(Channels::ERRORS) && !carries.has(Channels::LATENCY) {
            refuse(
                &OF_CALLS,
                "no call fails here: it carries data only",
                "say what it carries: `carries: [errors, latency, data]`",
            );
        } else if !carries.has(Channels::LATENCY) {
            refuse(&OF_DELAY, "no delay crosses here", "say what it carries: `carries: [errors, latency]`");
        }
        if !carries.has(Channels::ERRORS) {
            let queue: [Field; 1] = [("queue", |facts| facts.queue.is_some())];
            refuse(&queue, "a queue that is full fails nobody here", "say what it carries: `carries: [errors, data]`");
        }
        if !carries.has(Channels::DATA) {
            refuse(&OF_DATA, "no data crosses here", "say what it carries: `carries: [errors, latency, data]`");
        }
    }
    if kind != DependencyKind::Knowledge {
        refuse(&[("advice", |facts| facts.advice.is_some())], "advice crosses dependencies of kind knowledge", "");
    }
    if kind != DependencyKind::Authority {
        refuse(&[("verbs", |facts| !facts.verbs.is_empty())], "verbs say what a dependency of kind authority may do", "");
    }
}

/// Nobody waits for an asynchronous call (product.md, semantics 7).
fn check_async(system: &System, id: DependencyId, locate: &dyn Locate, problems: &mut Vec<Diagnostic>) {
    let carries = system.dependency(id).carries;
    if system.kind(id) == DependencyKind::Async && carries.is_some_and(|carries| carries.has(Channels::LATENCY)) {
        let message = format!("a dependency of kind async carries no latency: {}", name(system, id));
        let place = Place::Dependency(id.index(), Some("carries"));
        let problem = Diagnostic::error("wrong-key", message).at(locate.span(place), "nobody waits for the answer");
        problems.push(problem.help("leave out `latency`, or say `kind: hard`"));
    }
}

/// Mechanisms that lack what they act with.
fn check_parts(system: &System, id: DependencyId, locate: &dyn Locate, problems: &mut Vec<Diagnostic>) {
    let facts = system.dependency(id);
    let mut incomplete = |field: &'static str, message: String, label: &str| {
        problems.push(wrong(message, label, locate, Place::Dependency(id.index(), Some(field))));
    };
    if facts.cache.is_some_and(|cache| cache.ttl.is_none() && cache.serve_stale.is_none()) {
        incomplete("cache", format!("the cache of {} keeps nothing", name(system, id)), "it needs `ttl`, `serve_stale` or both");
    }
    let provider = system.service(system.provider(id).service);
    if facts.pool.is_some() && (facts.rate.is_none() || facts.timeout.is_none() || provider.latency.is_none()) {
        let label = "it needs `rate` and `timeout` here, and the usual `latency` of the provider";
        incomplete("pool", format!("nobody knows when the pool of {} is empty", name(system, id)), label);
    }
    if let (Some(timeout), Some(latency)) = (facts.timeout, provider.latency)
        && latency > timeout
    {
        let message = format!("nobody waits for the answers of {} when nothing fails: they take {latency}", name(system, id));
        incomplete("timeout", message, "below the provider's usual `latency`");
    }
    if facts.on_invalid.is_some() && facts.validated.is_none() {
        incomplete("on_invalid", format!("nothing finds invalid data of {}", name(system, id)), "it needs `validated`");
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
