//! The entries of `dependencies` in `shockfront/topology/v1`.

use crate::document::{DurationText, LawText, Marked, Percent, ProbabilityNumber, TriState};
use schemars::JsonSchema;
use serde::Deserialize;

/// One service needs another. A failure moves from `to` to `from`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    /// The consumer, which is harmed: SERVICE or SERVICE.OPERATION; a dot inside a name is written `\.`.
    pub from: String,
    /// The provider, likewise.
    pub to: String,
    /// How it is needed; `hard` if not said.
    pub kind: Option<DependencyKind>,
    /// P(the failure crosses | the provider fails completely), with the fallback, cache and breaker listed here in force.
    pub probability: Option<Belief>,
    /// Share of the consumer's requests that need it, as 5% or a number from 0 to 1; scales how bad it is, not how likely.
    pub share: Option<Percent>,
    /// Calls per request of the consumer.
    #[schemars(range(min = 0))]
    pub calls: Option<f64>,
    /// Calls per second.
    #[schemars(range(min = 0))]
    pub rate: Option<f64>,
    /// Size of the connection pool; it runs out where `rate`, `timeout` and the provider's `latency` are stated too.
    #[schemars(range(min = 0))]
    pub pool: Option<f64>,
    /// Share of the consumer's response time that is spent waiting here, 0 to 1.
    pub wait_share: Option<ProbabilityNumber>,
    /// Share of failures that a retry escapes, 0 to 1.
    pub transient: Option<ProbabilityNumber>,
    /// Longest wait for an answer.
    pub timeout: Option<DurationText>,
    /// Repeated calls.
    pub retries: Option<Retries>,
    /// Circuit breaker.
    pub breaker: Option<Breaker>,
    /// What the consumer does without the provider.
    pub fallback: Option<Fallback>,
    /// A cache in front of the provider.
    pub cache: Option<Cache>,
    /// An outage shorter than this does not cross.
    pub buffer: Option<LawText>,
    /// What crosses; by kind if not said.
    #[schemars(extend("uniqueItems" = true))]
    pub carries: Option<Vec<Channel>>,
    /// Whether the consumer reads or writes data there; with `write` wrong data moves from consumer to provider.
    pub data: Option<DataDirection>,
    /// Whether something checks the data on the way.
    pub validated: Option<TriState>,
    /// What happens to data that the check refuses.
    pub on_invalid: Option<OnInvalid>,
    /// How long the hand-over of data takes.
    pub delay: Option<LawText>,
    /// A queue of messages in between: a buffer of `capacity` over `in`, unless `buffer` is stated.
    pub queue: Option<Queue>,
    /// What an agent or pipeline may do there.
    #[serde(default)]
    pub verbs: Vec<String>,
    /// How advice read there goes wrong.
    pub advice: Option<Advice>,
    /// Where the dependency is known from.
    pub evidence: Option<Evidence>,
}

/// How a consumer needs a provider.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DependencyKind {
    /// Cannot serve without.
    Hard,
    /// Can serve without, if the fallback works.
    Soft,
    /// Through a queue.
    Async,
    /// Needed to come up.
    Startup,
    /// From the watched service to its monitor.
    Monitors,
    /// From a resource to the agent or pipeline that may change it.
    Authority,
    /// From a reader to the source of advice.
    Knowledge,
    /// Not known.
    Unknown,
}

/// A probability: a number from 0 to 1, or a mean with the weight of a number of observations.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Belief {
    /// A number from 0 to 1.
    Number(ProbabilityNumber),
    /// A mean with a weight.
    Weighted(WeightedBelief),
}

/// A mean with a weight.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightedBelief {
    /// The mean, 0 to 1.
    pub mean: ProbabilityNumber,
    /// How many observations it is worth, above 0.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub strength: Option<f64>,
}

/// Repeated calls.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retries {
    /// Tries, the first included.
    #[schemars(range(min = 1))]
    pub attempts: u32,
    /// Extra calls allowed, as a share of all calls.
    #[schemars(range(min = 0))]
    pub budget: Option<f64>,
}

/// A circuit breaker.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    /// Calls that it looks at.
    #[schemars(range(min = 1))]
    pub window: Option<u32>,
    /// Failing share that opens it, 0 to 1.
    pub open_at: Option<ProbabilityNumber>,
    /// How long it stays open.
    pub open_for: Option<DurationText>,
}

/// What the consumer does without the provider.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fallback {
    /// Share of the requests that it serves, 0 to 1; 1 if not said.
    pub coverage: Option<ProbabilityNumber>,
    /// Whether it was tried.
    pub tested: Option<TriState>,
}

/// A cache in front of the provider.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cache {
    /// Age at which an entry expires.
    pub ttl: Option<DurationText>,
    /// How long old entries are served when the provider is away.
    pub serve_stale: Option<DurationText>,
}

/// What crosses a dependency.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Failed calls.
    Errors,
    /// Slow calls.
    Latency,
    /// Wrong data.
    Data,
}

/// Which way data moves.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataDirection {
    /// From provider to consumer.
    Read,
    /// From consumer to provider.
    Write,
}

/// What happens to data that a check refuses.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnInvalid {
    /// The request goes on without it.
    Pass,
    /// The request fails.
    Reject,
}

/// A queue of messages, per minute.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// Messages that it holds.
    #[schemars(range(min = 0))]
    pub capacity: f64,
    /// Messages that arrive per minute.
    #[serde(rename = "in")]
    #[schemars(range(min = 0))]
    pub arrivals: f64,
    /// Messages that can be taken out per minute.
    #[serde(rename = "out")]
    #[schemars(range(min = 0))]
    pub departures: Option<f64>,
}

/// How advice goes wrong.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    /// Age of the document, such as 540d.
    pub age: DurationText,
    /// P(stale advice is repeated), 0 to 1; 0.8 if not said.
    pub repeat: Option<ProbabilityNumber>,
    /// P(nobody verifies it), 0 to 1; 0.5 if not said.
    pub unverified: Option<ProbabilityNumber>,
}

/// Where a dependency is known from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Such as observed, declared, derived or inferred.
    pub origin: Option<String>,
    /// Failures of the provider that were seen.
    pub failures: Option<u64>,
    /// Of these, how many impaired the consumer.
    pub impaired: Option<Marked<u64>>,
}
