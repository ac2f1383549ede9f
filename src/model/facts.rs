//! What a topology states about services, dependencies, groups and journeys.
//!
//! A field that a file leaves out stays `None` here: the default is applied in one place (`defaults`), so that results can list
//! what was assumed. Every type is plain data.

use crate::units::DurationLaw;
use crate::units::{Probability, Ticks};

/// What a service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServiceKind {
    /// Serves requests.
    #[default]
    Service,
    /// Keeps data.
    Datastore,
    /// Keeps copies.
    Cache,
    /// Hands over messages.
    Queue,
    /// A statistical model.
    Model,
    /// An acting AI agent.
    Agent,
    /// Delivers or trains.
    Pipeline,
    /// Configures others.
    ControlPlane,
    /// Watches others.
    Monitor,
    /// Runs at times.
    Job,
    /// A page that people or agents read.
    Document,
    /// Belongs to somebody else.
    External,
}

/// What a failure of a service can do outside the software.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Moves money.
    Financial,
    /// Moves things.
    Physical,
    /// Can hurt people.
    Safety,
}

impl Effect {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Financial, Self::Physical, Self::Safety];

    /// The word of the topology format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Financial => "financial",
            Self::Physical => "physical",
            Self::Safety => "safety",
        }
    }
}

/// Copies of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replicas {
    /// How many run.
    pub count: u32,
    /// How many are needed.
    pub need: u32,
}

impl Default for Replicas {
    fn default() -> Self {
        Self { count: 1, need: 1 }
    }
}

/// `requires`: a k-of-n gate over providers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requires {
    /// k: how many must be there.
    pub at_least: u32,
    /// The n providers, by name.
    pub of: Vec<String>,
}

/// A stand-by that takes over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Failover {
    /// How long it takes.
    pub after: Ticks,
    /// The chance that it works.
    pub works: Probability,
}

/// Incidents that a service had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IncidentCount {
    /// How many.
    pub count: u32,
    /// In how long a time; above 0.
    pub over: Ticks,
}

/// What is stated about a service.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Service {
    /// What it is.
    pub kind: Option<ServiceKind>,
    /// The team that owns it.
    pub owner: Option<String>,
    /// 0 is the most critical, 3 the least.
    pub tier: Option<u8>,
    /// What its failure can do outside.
    pub effects: Vec<Effect>,
    /// Globs of the files that land here.
    pub paths: Vec<String>,
    /// Copies.
    pub replicas: Option<Replicas>,
    /// Groups it belongs to, by name.
    pub groups: Vec<String>,
    /// Names of its operations; empty means one unnamed operation.
    pub operations: Vec<String>,
    /// Globs of the code of each operation, `FILES` or `FILES#SYMBOL`, in the same order; empty where no operation names any.
    pub operation_paths: Vec<Vec<String>>,
    /// Complete time to detection.
    pub detect: Option<DurationLaw>,
    /// Time to repair.
    pub repair: Option<DurationLaw>,
    /// Time to roll back.
    pub rollback: Option<DurationLaw>,
    /// Time to come up after a crash.
    pub cold_start: Option<DurationLaw>,
    /// How long it stays impaired after its cause is gone.
    pub restore_tail: Option<DurationLaw>,
    /// Usual response time.
    pub latency: Option<Ticks>,
    /// Offered load over capacity.
    pub load: Option<f64>,
    /// Efficiency when overloaded.
    pub goodput: Option<f64>,
    /// Stand-by.
    pub failover: Option<Failover>,
    /// k-of-n gate.
    pub requires: Option<Requires>,
    /// Incidents of the past.
    pub incidents: Option<IncidentCount>,
}

/// How a consumer needs a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DependencyKind {
    /// Cannot serve without.
    Hard,
    /// Can serve without, if the fallback works.
    Soft,
    /// Through a queue.
    Async,
    /// Needed to come up.
    Startup,
    /// Is watched by.
    Monitors,
    /// May be changed by.
    Authority,
    /// Acts on what it reads there.
    Knowledge,
    /// Not known.
    Unknown,
}

impl DependencyKind {
    /// The word in the files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
            Self::Async => "async",
            Self::Startup => "startup",
            Self::Monitors => "monitors",
            Self::Authority => "authority",
            Self::Knowledge => "knowledge",
            Self::Unknown => "unknown",
        }
    }

    /// A number that never changes, for the keys of random numbers.
    pub(crate) fn stable_number(self) -> u64 {
        match self {
            Self::Hard => 1,
            Self::Soft => 2,
            Self::Async => 3,
            Self::Startup => 4,
            Self::Monitors => 5,
            Self::Authority => 6,
            Self::Knowledge => 7,
            Self::Unknown => 8,
        }
    }
}

/// A set of channels: errors, latency, wrong data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Channels(pub u8);

impl Channels {
    /// Failed calls (E).
    pub const ERRORS: Self = Self(1);
    /// Slow calls (L).
    pub const LATENCY: Self = Self(2);
    /// Wrong content (D).
    pub const DATA: Self = Self(4);

    /// Both sets together.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Is all of `other` in here?
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A probability as stated: a number, or a belief with a weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Belief {
    /// The mean.
    pub mean: Probability,
    /// Equivalent number of observations, where stated.
    pub strength: Option<f64>,
}

/// `retries`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retries {
    /// Tries, the first included.
    pub attempts: u32,
    /// Share of extra calls allowed.
    pub budget: Option<f64>,
}

/// `breaker`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Breaker {
    /// Calls in the window.
    pub window: Option<u32>,
    /// Failing share that opens it.
    pub open_at: Option<f64>,
    /// How long it stays open.
    pub open_for: Option<Ticks>,
}

/// `fallback`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fallback {
    /// Share of requests it can serve.
    pub coverage: f64,
    /// Whether it was tested.
    pub tested: Option<bool>,
}

/// `cache`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cache {
    /// Age at which an entry expires.
    pub ttl: Option<Ticks>,
    /// How long stale entries are served.
    pub serve_stale: Option<Ticks>,
}

/// `evidence`.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Where the dependency is known from.
    pub origin: Option<String>,
    /// Failures of the provider that were seen.
    pub failures: Option<u64>,
    /// Of these, how many impaired the consumer.
    pub impaired: Option<u64>,
}

/// `advice` on a knowledge arc.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Advice {
    /// Age of the document.
    pub age: Ticks,
    /// P(the reader repeats stale advice).
    pub repeat: Probability,
    /// P(nobody verifies it).
    pub unverified: Probability,
}

/// What happens to data that a validator refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnInvalid {
    /// The request goes on without it.
    Pass,
    /// The request fails.
    Reject,
}

impl OnInvalid {
    /// As files and edits write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Reject => "reject",
        }
    }
}

/// `queue` of an asynchronous hand-over, per minute.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Queue {
    /// Places.
    pub capacity: f64,
    /// Arrivals per minute.
    pub arrivals: f64,
    /// Departures per minute.
    pub departures: Option<f64>,
}

/// What is stated about a dependency, its two ends aside.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dependency {
    /// P(the failure crosses | the provider fails).
    pub probability: Option<Belief>,
    /// Share of the consumer's requests that need it.
    pub share: Option<f64>,
    /// Calls per consumer request.
    pub calls: Option<f64>,
    /// Longest wait for a call.
    pub timeout: Option<Ticks>,
    /// Retries.
    pub retries: Option<Retries>,
    /// Circuit breaker.
    pub breaker: Option<Breaker>,
    /// Fallback.
    pub fallback: Option<Fallback>,
    /// Cache in front of the provider.
    pub cache: Option<Cache>,
    /// An outage shorter than this does not cross.
    pub buffer: Option<DurationLaw>,
    /// Channels it carries.
    pub carries: Option<Channels>,
    /// `data: write`: wrong data runs from the consumer to the provider.
    pub writes_data: Option<bool>,
    /// Whether a validator checks the data; `None` where not stated, `Some(None)` for "unknown".
    pub validated: Option<Option<bool>>,
    /// What the validator does with wrong data.
    pub on_invalid: Option<OnInvalid>,
    /// Hand-off time of data.
    pub delay: Option<DurationLaw>,
    /// Share of the consumer's usual response time spent waiting for it.
    pub wait_share: Option<f64>,
    /// Share of failures that a retry escapes.
    pub transient: Option<f64>,
    /// Calls per second.
    pub rate: Option<f64>,
    /// Size of the connection pool.
    pub pool: Option<f64>,
    /// Queue of an asynchronous hand-over.
    pub queue: Option<Queue>,
    /// Verbs of an authority arc.
    pub verbs: Vec<String>,
    /// Stale advice on a knowledge arc.
    pub advice: Option<Advice>,
    /// Where it is known from.
    pub evidence: Option<Evidence>,
}

/// What a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupKind {
    /// A place: replicas are spread over zones.
    Zone,
    /// Anything else that is shared; the word is kept.
    Shared,
}

/// What is stated about a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Zone or other.
    pub kind: GroupKind,
    /// The word in the file.
    pub kind_name: String,
    /// P(a member is hit | a fault on the group).
    pub hit: Option<Probability>,
    /// When the members get a deployment, in file order.
    pub waves: Vec<Ticks>,
    /// Share of a member's faults that are common to all members.
    pub beta: Option<Probability>,
    /// Globs of changed files that touch all members.
    pub paths: Vec<String>,
}

/// Daily peak of a journey.
#[derive(Debug, Clone, PartialEq)]
pub struct Peak {
    /// Traffic in the peak over traffic outside.
    pub factor: f64,
    /// Start, minutes after midnight.
    pub from_minute: u32,
    /// End, minutes after midnight; before the start means past midnight.
    pub to_minute: u32,
    /// IANA name.
    pub timezone: String,
}

/// What is stated about a journey.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Journey {
    /// References to services or operations it needs.
    pub needs: Vec<String>,
    /// Mean number of users per minute.
    pub users_per_minute: Option<f64>,
    /// Service level objective in percent.
    pub slo: Option<f64>,
    /// Window of the objective.
    pub window: Option<Ticks>,
    /// Daily peak.
    pub peak: Option<Peak>,
}

/// How much of the error budget of a journey is gone. No topology states it: it is true for a day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spent {
    /// Share of the budget of a window, at least 0; above 1 where the objective is missed already.
    pub share: f64,
    /// Why that is not known to be so at the time of the question; `None` where it is.
    pub doubt: Option<Doubt>,
}

/// Why a spent share may not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// It was found more than a window before.
    Older,
    /// It was found afterwards.
    Later,
    /// The time of the question is not known.
    Undated,
}

/// A finding that a team accepts for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// The rule.
    pub rule: String,
    /// The service, dependency or journey; every one where absent.
    pub target: Option<String>,
    /// Why.
    pub reason: String,
    /// The last day it holds.
    pub expires: jiff::civil::Date,
}
