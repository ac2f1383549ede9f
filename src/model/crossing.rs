//! What one dependency means for propagation, with every default applied.
//!
//! The only place that knows the defaults of dependencies (product.md, semantics 5 to 7; model.md §2.2, 2.3). Results list
//! which of them were used.

use super::facts::{Channels, DependencyKind, OnInvalid, Queue};
use super::system::System;
use crate::units::DurationLaw;
use crate::units::{DependencyId, Ticks};

/// Default probability of a hard dependency whose consumer names its operation.
pub const HARD_OPERATION: f64 = 0.95;
/// Default probability of a hard dependency between whole services, and of an unknown one (measured, model.md §0a).
pub const WHOLE_SERVICE: f64 = 0.67;
/// Default probability of a soft dependency with a tested fallback.
pub const SOFT_TESTED: f64 = 0.05;
/// Default probability of any other soft dependency.
pub const SOFT_UNTESTED: f64 = 0.35;
/// Default probability that delay crosses a soft synchronous dependency.
pub const SOFT_LATENCY: f64 = 0.95;
/// Default probability that a stated validator catches wrong data; `validated: no` catches some by luck.
pub const VALIDATOR_WORKS: (f64, f64) = (0.9, 0.2);
/// The shortest delay an arc may have once it has one (model.md §2.5, R5).
pub const SHORTEST_DELAY: Ticks = Ticks(Ticks::PER_SECOND);
/// Calls in a breaker's window, the failing share that opens it (Resilience4j), and how long it stays open (model.md §2.3).
pub const BREAKER: BreakerRule = BreakerRule { window: 100, open_at: 0.5, open_for: Ticks(60 * Ticks::PER_SECOND), rate: None };
/// A breaker stays open at least this long (model.md §2.5, R4).
pub const SHORTEST_OPEN: Ticks = Ticks(10 * Ticks::PER_SECOND);
/// Mean age at which a document goes stale: twelve months of thirty days (model.md §8c).
const STALE_AFTER_DAYS: f64 = 360.0;

/// A cache in front of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheRule {
    /// Entries expire at uniform ages: the crossing severity rises to 1 over this time.
    Ramp(Ticks),
    /// Stale entries are served this long, then nothing.
    ServeStale(Ticks),
}

/// A timeout that turns delay into errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeoutRule {
    /// Longest wait.
    pub timeout: Ticks,
    /// Usual response time of the provider.
    pub provider_latency: Ticks,
    /// Usual response time of the consumer, where stated.
    pub consumer_latency: Option<Ticks>,
}

/// A pool of connections that slow calls hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PoolRule {
    /// Calls per second.
    pub rate: f64,
    /// Connections.
    pub size: f64,
}

/// A circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerRule {
    /// Calls in the window, at least 1.
    pub window: u32,
    /// Failing share that opens it.
    pub open_at: f64,
    /// How long it stays open before it tries again.
    pub open_for: Ticks,
    /// Calls per second, where stated.
    pub rate: Option<f64>,
}

/// The backlog of a queue after an outage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DrainRule {
    /// Places.
    pub capacity: f64,
    /// Arrivals per minute.
    pub arrivals: f64,
    /// Departures per minute.
    pub departures: f64,
}

/// A dependency as the kernels use it.
#[derive(Debug, Clone, PartialEq)]
pub struct Crossing {
    /// Its kind.
    pub kind: DependencyKind,
    /// Channels from provider to consumer.
    pub channels: Channels,
    /// Wrong data runs from the consumer to the provider instead.
    pub writes_data: bool,
    /// P(errors cross).
    pub p_errors: f64,
    /// P(delay crosses); the same uniform number decides.
    pub p_latency: f64,
    /// P(wrong data cross); the same uniform number decides.
    pub p_data: f64,
    /// Share of the consumer's requests that need it.
    pub share: f64,
    /// Calls per consumer request.
    pub calls: f64,
    /// Tries per call.
    pub attempts: u32,
    /// Stated share of failures that a retry escapes.
    pub transient: Option<f64>,
    /// Share that a listed fallback does not cover and that fails even when the failure does not cross.
    pub uncovered: f64,
    /// Share of the consumer's response time spent waiting here.
    pub wait_share: f64,
    /// An outage shorter than this does not cross.
    pub buffer: Option<DurationLaw>,
    /// Hand-off time of wrong data.
    pub delay: Option<DurationLaw>,
    /// Cache.
    pub cache: Option<CacheRule>,
    /// Timeout.
    pub timeout: Option<TimeoutRule>,
    /// P(a validator works), where one is stated.
    pub p_validator: Option<f64>,
    /// The validator fails the request instead of dropping the data.
    pub rejects: bool,
    /// Share of extra calls that retries may make.
    pub budget: Option<f64>,
    /// Connection pool; it acts with a timeout only.
    pub pool: Option<PoolRule>,
    /// Circuit breaker.
    pub breaker: Option<BreakerRule>,
    /// What a full queue leaves to work off.
    pub drain: Option<DrainRule>,
}

impl Crossing {
    /// The rule of a dependency.
    pub fn of(system: &System, id: DependencyId) -> Self {
        let (detail, facts) = (system.detail(id), system.dependency(id));
        let kind = detail.kind;
        let stated = system.stated_probability(id);
        let carries = facts.carries.unwrap_or_else(|| default_channels(kind));
        let writes_data = facts.writes_data == Some(true) && carries.has(Channels::DATA);
        let p = stated.unwrap_or_else(|| default_probability(system, id));
        // A stated probability speaks of a complete failure. Soft edges stop errors, not delay (model.md §0a); where the arc
        // carries no errors the stated number can only mean the delay.
        let is_stopped = kind == DependencyKind::Soft && carries.has(Channels::ERRORS);
        let p_latency = if is_stopped { p.max(SOFT_LATENCY.min(detail.delay_at_most.unwrap_or(1.0))) } else { p };
        let coverage = facts.fallback.map_or(1.0, |fallback| fallback.coverage);
        let timeout = facts.timeout.zip(system.service(system.provider(id).service).latency);
        Self {
            kind,
            channels: if writes_data { Channels(carries.0 & !Channels::DATA.0) } else { carries },
            writes_data,
            p_errors: p,
            p_latency,
            p_data: p,
            share: facts.share.unwrap_or(1.0),
            calls: facts.calls.unwrap_or(1.0),
            attempts: facts.retries.map_or(1, |retries| retries.attempts.max(1)),
            transient: facts.transient,
            uncovered: 1.0 - coverage,
            wait_share: facts.wait_share.unwrap_or(1.0),
            buffer: facts.buffer.or(facts.queue.map(time_to_fill)),
            delay: facts.delay,
            cache: facts.cache.and_then(|cache| match cache.serve_stale {
                Some(stale) => Some(CacheRule::ServeStale(stale)),
                None => cache.ttl.map(CacheRule::Ramp),
            }),
            timeout: timeout.map(|(timeout, provider_latency)| TimeoutRule {
                timeout,
                provider_latency,
                consumer_latency: system.service(system.consumer(id).service).latency,
            }),
            p_validator: facts.validated.flatten().map(|yes| if yes { VALIDATOR_WORKS.0 } else { VALIDATOR_WORKS.1 }),
            rejects: facts.on_invalid == Some(OnInvalid::Reject),
            budget: facts.retries.and_then(|retries| retries.budget),
            pool: timeout.and(facts.rate.zip(facts.pool)).map(|(rate, size)| PoolRule { rate, size }),
            breaker: facts.breaker.map(|breaker| BreakerRule {
                window: breaker.window.unwrap_or(BREAKER.window).max(1),
                open_at: breaker.open_at.unwrap_or(BREAKER.open_at),
                open_for: breaker.open_for.unwrap_or(BREAKER.open_for).max(SHORTEST_OPEN),
                rate: facts.rate.filter(|rate| *rate > 0.0),
            }),
            drain: facts.queue.and_then(|queue| {
                Some(DrainRule { capacity: queue.capacity, arrivals: queue.arrivals, departures: queue.departures? })
            }),
        }
    }

    /// Does nothing but data cross, so that there are no calls to fail?
    pub(crate) fn is_about_data_only(&self) -> bool {
        !self.channels.has(Channels::ERRORS) && !self.channels.has(Channels::LATENCY)
    }

    /// Does anything delay this arc?
    pub fn is_delayed(&self) -> bool {
        self.buffer.is_some_and(|law| law != DurationLaw::ZERO)
            || self.delay.is_some_and(|law| law != DurationLaw::ZERO)
            || self.cache.is_some()
    }

    /// Does a failure cross here at all while the program runs? (Startup and monitoring arcs act elsewhere.)
    pub fn propagates(&self) -> bool {
        self.channels.0 != 0 || self.writes_data
    }
}

/// A queue takes in what arrives until it is full, `Q/λ`: an outage shorter than that is worked off without harm.
fn time_to_fill(queue: Queue) -> DurationLaw {
    // No arrivals never fill it; the division by zero saturates.
    DurationLaw::Constant(Ticks::from_minutes(queue.capacity / queue.arrivals))
}

/// Channels that a dependency carries when the file does not say (product.md, semantics 7).
pub fn default_channels(kind: DependencyKind) -> Channels {
    match kind {
        DependencyKind::Hard | DependencyKind::Soft | DependencyKind::Unknown => Channels::ERRORS.with(Channels::LATENCY),
        DependencyKind::Async | DependencyKind::Knowledge => Channels::DATA,
        DependencyKind::Authority => Channels::ERRORS.with(Channels::DATA),
        DependencyKind::Startup | DependencyKind::Monitors => Channels(0),
    }
}

/// Probability of a dependency when the file does not say (product.md, semantics 5).
pub fn default_probability(system: &System, id: DependencyId) -> f64 {
    let detail = system.detail(id);
    match detail.kind {
        DependencyKind::Hard if detail.from_operation.is_some() => HARD_OPERATION,
        DependencyKind::Hard | DependencyKind::Unknown => WHOLE_SERVICE,
        DependencyKind::Soft if detail.facts.fallback.is_some_and(|fallback| fallback.tested == Some(true)) => SOFT_TESTED,
        DependencyKind::Soft => SOFT_UNTESTED,
        DependencyKind::Async => 0.95,
        DependencyKind::Authority | DependencyKind::Startup | DependencyKind::Monitors => 1.0,
        DependencyKind::Knowledge => match detail.facts.advice {
            Some(advice) => stale(advice.age) * advice.repeat.value() * advice.unverified.value(),
            // Repeated and not verified as in model.md §8c; an age that nobody stated counts as stale.
            None => 0.8 * 0.5,
        },
    }
}

/// P(a document of this age is stale), `1 − e^(−age / 12 months)` (model.md §8c).
pub fn stale(age: Ticks) -> f64 {
    1.0 - libm::exp(-age.minutes() / (STALE_AFTER_DAYS * 24.0 * 60.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_documents_follow_the_closed_form() {
        assert!((stale(Ticks::from_days(540)) - 0.776_87).abs() < 1e-5);
        assert!((stale(Ticks::from_days(540)) * 0.8 * 0.5 - 0.311).abs() < 5e-4);
        assert!((stale(Ticks::from_days(30)) * 0.8 * 0.5 - 0.032_0).abs() < 5e-5);
    }
}
