//! Entries of `dependencies` to the words of the model.

use super::lower::{probability, ticks};
use super::schema_dependency::{Advice, Belief, Channel, DataDirection, Dependency, DependencyKind, Evidence, OnInvalid};
use crate::diagnostic::Diagnostic;
use crate::document::{ProbabilityNumber, TriState};
use crate::model::facts::{self, Channels};
use crate::units::Probability;

/// P(stale advice is repeated) and P(nobody verifies it), where not stated (model.md §8c).
const ADVICE: (f64, f64) = (0.8, 0.5);

/// The two ends, the kind and the facts of an entry.
pub(super) fn dependency(
    entry: Dependency,
    problems: &mut Vec<Diagnostic>,
) -> (String, String, Option<facts::DependencyKind>, facts::Dependency) {
    let number = |number: ProbabilityNumber| number.0;
    let facts = facts::Dependency {
        probability: entry.probability.map(belief),
        share: entry.share.map(|share| share.0),
        calls: entry.calls,
        timeout: entry.timeout.map(ticks),
        retries: entry.retries.map(|retries| facts::Retries { attempts: retries.attempts, budget: retries.budget }),
        breaker: entry.breaker.map(|breaker| facts::Breaker {
            window: breaker.window,
            open_at: breaker.open_at.map(number),
            open_for: breaker.open_for.map(ticks),
        }),
        fallback: entry.fallback.map(|fallback| facts::Fallback {
            coverage: fallback.coverage.map_or(1.0, number),
            tested: fallback.tested.and_then(known),
        }),
        cache: entry.cache.map(|cache| facts::Cache { ttl: cache.ttl.map(ticks), serve_stale: cache.serve_stale.map(ticks) }),
        buffer: entry.buffer.map(|law| law.0),
        carries: entry.carries.map(|list| list.into_iter().map(channel).fold(Channels(0), Channels::with)),
        writes_data: entry.data.map(|direction| matches!(direction, DataDirection::Write)),
        validated: entry.validated.map(known),
        on_invalid: entry.on_invalid.map(|what| match what {
            OnInvalid::Pass => facts::OnInvalid::Pass,
            OnInvalid::Reject => facts::OnInvalid::Reject,
        }),
        delay: entry.delay.map(|law| law.0),
        wait_share: entry.wait_share.map(number),
        transient: entry.transient.map(number),
        rate: entry.rate,
        pool: entry.pool,
        queue: entry.queue.map(|queue| facts::Queue {
            capacity: queue.capacity,
            arrivals: queue.arrivals,
            departures: queue.departures,
        }),
        verbs: entry.verbs,
        advice: entry.advice.map(advice),
        evidence: entry.evidence.map(|evidence| lower_evidence(evidence, problems)),
    };
    (entry.from, entry.to, entry.kind.map(kind), facts)
}

fn known(answer: TriState) -> Option<bool> {
    match answer {
        TriState::Yes => Some(true),
        TriState::No => Some(false),
        TriState::Unknown => None,
    }
}

fn belief(belief: Belief) -> facts::Belief {
    match belief {
        Belief::Number(mean) => facts::Belief { mean: probability(mean), strength: None },
        Belief::Weighted(weighted) => facts::Belief { mean: probability(weighted.mean), strength: weighted.strength },
    }
}

fn kind(kind: DependencyKind) -> facts::DependencyKind {
    match kind {
        DependencyKind::Hard => facts::DependencyKind::Hard,
        DependencyKind::Soft => facts::DependencyKind::Soft,
        DependencyKind::Async => facts::DependencyKind::Async,
        DependencyKind::Startup => facts::DependencyKind::Startup,
        DependencyKind::Monitors => facts::DependencyKind::Monitors,
        DependencyKind::Authority => facts::DependencyKind::Authority,
        DependencyKind::Knowledge => facts::DependencyKind::Knowledge,
        DependencyKind::Unknown => facts::DependencyKind::Unknown,
    }
}

fn channel(channel: Channel) -> Channels {
    match channel {
        Channel::Errors => Channels::ERRORS,
        Channel::Latency => Channels::LATENCY,
        Channel::Data => Channels::DATA,
    }
}

fn advice(advice: Advice) -> facts::Advice {
    let or = |stated: Option<ProbabilityNumber>, usual| stated.map_or(Probability::clipped(usual), probability);
    facts::Advice { age: advice.age.0, repeat: or(advice.repeat, ADVICE.0), unverified: or(advice.unverified, ADVICE.1) }
}

fn lower_evidence(evidence: Evidence, problems: &mut Vec<Diagnostic>) -> facts::Evidence {
    if let (Some(failures), Some(impaired)) = (evidence.failures, evidence.impaired)
        && impaired.value > failures
    {
        let message = format!("{} of {failures} failures impaired the consumer", impaired.value);
        problems.push(Diagnostic::error("out-of-range", message).at(impaired.span, "`impaired` is at most `failures`"));
    }
    facts::Evidence {
        origin: evidence.origin,
        failures: evidence.failures,
        impaired: evidence.impaired.map(|impaired| impaired.value),
    }
}
