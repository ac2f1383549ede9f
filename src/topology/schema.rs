//! The file format `shockfront/topology/v1`.
//!
//! The doc comments are what editors show. Ranges stand beside the fields, so that the check of a file and the JSON Schema cannot
//! differ; what a schema cannot say, such as a date, is judged in [`super::lower`]. A field that is missing stays `None`: the
//! defaults of model.md are applied later, where results can list them. What must hold: no field changes its meaning within v1.

use super::operations::Operations;
use super::schema_dependency::Dependency;
use crate::document::{Count, DurationText, Entries, FileType, LawText, Marked, ProbabilityNumber};
use schemars::JsonSchema;
use serde::Deserialize;

/// A system of services: what depends on what, and how it fails.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Topology {
    /// Always `shockfront/topology/v1`.
    pub schema: String,
    /// How the system is called.
    pub name: Option<Marked<String>>,
    /// The day the facts were gathered, such as 2026-08-01; their age lowers confidence.
    #[schemars(with = "Option<CalendarDay>")]
    pub observed_at: Option<Marked<String>>,
    /// Share of the traffic-bearing dependencies believed to be listed, 0 to 1.
    pub coverage: Option<Marked<ProbabilityNumber>>,
    /// Other topology files that belong to this one, relative to it.
    #[serde(default)]
    pub include: Vec<Marked<String>>,
    /// Services by name.
    #[serde(default)]
    pub services: Entries<Service>,
    /// Who depends on whom.
    #[serde(default)]
    pub dependencies: Vec<Dependency>,
    /// Things that fail together, by name.
    #[serde(default)]
    pub groups: Entries<Group>,
    /// What users do, by name; users are counted here and nowhere else.
    #[serde(default)]
    pub journeys: Entries<Journey>,
    /// Who repairs.
    pub people: Option<People>,
    /// Findings of `check` that are accepted for a time.
    #[serde(default)]
    pub waivers: Vec<Waiver>,
}

impl FileType for Topology {
    const SCHEMA: &'static str = "shockfront/topology/v1";
}

/// A calendar day, year-month-day.
#[derive(JsonSchema)]
#[schemars(inline)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct CalendarDay(#[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))] String);

/// A time of day, hours and minutes.
#[derive(JsonSchema)]
#[schemars(inline)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct ClockTime(#[schemars(regex(pattern = r"^([01]?[0-9]|2[0-4]):[0-5][0-9]$"))] String);

/// What is stated about a service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// What it is; `service` if not said.
    pub kind: Option<ServiceKind>,
    /// The team that owns it.
    #[schemars(length(min = 1))]
    pub owner: Option<String>,
    /// 0 is the most critical, 3 the least; 2 if not said.
    #[schemars(range(max = 3))]
    pub tier: Option<u8>,
    /// What its failure can do outside the software.
    #[serde(default)]
    #[schemars(extend("uniqueItems" = true))]
    pub effects: Vec<Effect>,
    /// Globs of the files whose changes land here; `terraform:ADDRESS` for resources of a Terraform plan.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Copies; one, which is needed, if not said.
    pub replicas: Option<Replicas>,
    /// Groups it belongs to, by name.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Its operations, which dependencies name as SERVICE.OPERATION: a list of names, or a table that tells where their code lies.
    #[serde(default)]
    pub operations: Operations,
    /// Complete time from the start of harm to its detection.
    pub detect: Option<LawText>,
    /// Time to repair, from detection.
    pub repair: Option<LawText>,
    /// Time to roll a change back, from detection.
    pub rollback: Option<LawText>,
    /// Time to come up after a crash.
    pub cold_start: Option<LawText>,
    /// How long it stays impaired after its cause is gone: backlog drain, cache warm-up.
    pub restore_tail: Option<LawText>,
    /// Usual response time.
    pub latency: Option<DurationText>,
    /// Offered load over capacity when nothing fails, at the busiest time, above 0 and below 1.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub load: Option<f64>,
    /// Share of the capacity that still does useful work when overloaded, 0 to 1; 0.5 if not said.
    pub goodput: Option<ProbabilityNumber>,
    /// A stand-by of the same release, settings and data that takes over after crashes, errors, delay and loss of a zone.
    pub failover: Option<Failover>,
    /// k of n providers are enough; those not listed are needed one by one.
    pub requires: Option<Requires>,
    /// Incidents that it had: what counts as one is the same for all services.
    pub incidents: Option<Incidents>,
}

/// Incidents of a service.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Incidents {
    /// How many.
    pub count: Count,
    /// In how long a time, such as 180d; above 0.
    pub over: DurationText,
}

/// What a service is.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServiceKind {
    /// Serves requests.
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

/// What a failure can do outside the software.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Moves money.
    Financial,
    /// Moves things.
    Physical,
    /// Can hurt people.
    Safety,
}

/// Copies of a service.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replicas {
    /// How many run; as many as are needed if not said.
    #[schemars(range(min = 1))]
    pub count: Option<u32>,
    /// How many are needed; 1 if not said.
    pub need: Option<Count>,
}

/// A stand-by that takes over.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failover {
    /// How long it takes to take over, from detection.
    pub after: DurationText,
    /// The chance that it works, 0 to 1.
    pub works: ProbabilityNumber,
}

/// A k-of-n gate over dependencies.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Requires {
    /// k: how many of them must be there.
    #[schemars(range(min = 1))]
    pub at_least: u32,
    /// The n providers, each of which is a dependency of the service.
    pub of: Vec<String>,
}

/// Services that fail together. They name the group under `groups`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// `zone` is a place over which replicas are spread; any other word, such as library, region or team, is a shared part.
    pub kind: Option<String>,
    /// P(a member is hit | a fault hits the group), 0 to 1.
    pub hit: Option<ProbabilityNumber>,
    /// When the members get a deployment, counted from its start, in file order.
    #[serde(default)]
    pub waves: Vec<DurationText>,
    /// Share of a member's faults whose cause is common to all, 0 to 1; the others are then hit too, each with `hit`. 0 if not said.
    pub beta: Option<ProbabilityNumber>,
    /// Which changed files touch all members, as the sources of a shared library do; globs as in `paths` of a service.
    #[serde(default)]
    pub paths: Vec<String>,
}

/// A path through the system that users take.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Journey {
    /// Services or operations without which it fails.
    pub needs: Vec<String>,
    /// Mean number of users per minute; up to 10 billion, so that their minutes can be counted.
    #[schemars(range(min = 0, max = 10_000_000_000_u64))]
    pub users_per_minute: Option<f64>,
    /// Service level objective in percent, such as 99.9.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 100))]
    pub slo: Option<f64>,
    /// Window of the objective, such as 30d.
    pub window: Option<Marked<DurationText>>,
    /// Daily peak of the traffic.
    pub peak: Option<Peak>,
}

/// Daily peak of a journey.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Peak {
    /// Traffic in the peak over traffic outside, at least 1.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub factor: f64,
    /// Start, such as 12:00.
    #[schemars(with = "ClockTime")]
    pub from: Marked<String>,
    /// End, such as 20:00; before the start means past midnight.
    #[schemars(with = "ClockTime")]
    pub to: Marked<String>,
    /// Name in the IANA time zone database, such as America/New_York.
    pub timezone: Marked<String>,
}

/// Who repairs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct People {
    /// How many incidents can be worked on at the same time.
    #[schemars(range(min = 1))]
    pub responders: Option<Marked<u32>>,
}

/// A finding that a team accepts for a time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The rule of `check`.
    #[schemars(length(min = 1))]
    pub rule: String,
    /// The service, dependency, group or journey; all if not said.
    pub target: Option<String>,
    /// Why it is accepted.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// The last day on which it is accepted.
    #[schemars(with = "CalendarDay")]
    pub expires: Marked<String>,
}
