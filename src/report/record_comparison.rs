//! A comparison as JSON: `shockfront/comparison/v1`.
//!
//! `difference` is after minus before, with the interval of paired trials; numbers have full double precision, times are minutes.
//! `before` and `after` have their own intervals. With exact answers every interval is a point and `differing` is absent.

use super::comparison::ComparisonReport;
use super::limits::limits;
use super::record::{QualityRecord, TOOL, Tool, pretty};
use super::record_assessment::{band_name, gate_name};
use super::record_numbers::{Ends, unsigned};
use crate::assess::what_if::Judged;
use crate::propagation::paired::{Compared, JourneyPair};
use crate::propagation::result::Method;
use crate::random::GENERATOR;
use crate::statistics::Estimate;
use crate::topology::json_schema;
use schemars::JsonSchema;
use serde::Serialize;

/// The name of the format.
const SCHEMA: &str = "shockfront/comparison/v1";

/// A mean or a probability.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Figure {
    mean: f64,
    /// 95 %, sampling error; `null` where unknown.
    interval: Ends,
}

impl From<Estimate> for Figure {
    fn from(estimate: Estimate) -> Self {
        Self { mean: unsigned(estimate.mean), interval: estimate.interval.into() }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Both {
    before: Figure,
    after: Figure,
    /// After minus before, paired.
    difference: Figure,
}

impl From<Compared> for Both {
    fn from(compared: Compared) -> Self {
        Self { before: compared.before.into(), after: compared.after.into(), difference: compared.difference.into() }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct EditRecord<'a> {
    /// As `--with` takes it.
    with: &'a str,
    /// In words.
    words: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Against<'a> {
    topology: &'a str,
    sha256: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Inputs<'a> {
    topology: &'a str,
    sha256: &'a str,
    /// The other topology, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Against<'a>>,
    faults: &'a [String],
    edits: Vec<EditRecord<'a>>,
    seed: u64,
    /// Trials of each side; the same ones.
    trials: u64,
    method: &'static str,
    generator: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<&'a str>,
    /// In minutes; absent without a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    horizon: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    responders: Option<u32>,
    /// Only where it is switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    symptom_detection: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ServiceRecord<'a> {
    name: &'a str,
    /// P(impaired at any time).
    impaired: Both,
    /// Mean minutes; absent without a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    downtime: Option<Both>,
    /// Mean minutes impaired, down or not; absent without a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    impaired_time: Option<Both>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct JourneyRecord<'a> {
    name: &'a str,
    downtime: Both,
    impaired_time: Both,
    /// Null where its traffic is not stated.
    user_minutes: Option<Both>,
    /// Likewise.
    integrity_minutes: Option<Both>,
}

impl<'a> From<&'a JourneyPair> for JourneyRecord<'a> {
    fn from(pair: &'a JourneyPair) -> Self {
        Self {
            name: &pair.name,
            downtime: pair.downtime.into(),
            impaired_time: pair.impaired_time.into(),
            user_minutes: pair.is_traffic_known.then(|| pair.user_minutes.into()),
            integrity_minutes: pair.is_traffic_known.then(|| pair.integrity_minutes.into()),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct JudgedRecord {
    band: &'static str,
    gate: &'static str,
    /// `null` where nothing could be scored.
    score: Option<Figure>,
    /// Mean, and the interval of the belief.
    fault_probability: Figure,
    /// Null where no journey has a budget.
    breach_probability: Option<Figure>,
    /// Rules that raise the band, by name.
    floors: Vec<String>,
}

impl From<&Judged> for JudgedRecord {
    fn from(judged: &Judged) -> Self {
        Self {
            band: band_name(judged.verdict.band),
            gate: gate_name(judged.verdict.gate),
            score: judged.risk.score.map(Figure::from),
            fault_probability: judged.fault_probability.into(),
            breach_probability: judged.risk.breach.map(Figure::from),
            floors: judged.floors.iter().map(|floor| floor.rule.clone()).collect(),
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
struct VerdictsRecord {
    before: JudgedRecord,
    after: JudgedRecord,
    /// After minus before, paired; `null` where a side has no score.
    score_difference: Option<Figure>,
    band_changes: bool,
}

/// One fault or change on two sides.
#[derive(Debug, Serialize, JsonSchema)]
struct Record<'a> {
    schema: &'static str,
    tool: Tool,
    inputs: Inputs<'a>,
    /// Nothing differs, in any trial.
    without_effect: bool,
    /// Share of the trials in which a service or a journey fares differently.
    #[serde(skip_serializing_if = "Option::is_none")]
    differing: Option<Figure>,
    reach: Both,
    /// Absent without a clock, and where no traffic is stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_minutes: Option<Both>,
    /// After over before.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_minutes_ratio: Option<Figure>,
    /// Services that either side can impair.
    services: Vec<ServiceRecord<'a>>,
    journeys: Vec<JourneyRecord<'a>>,
    /// Absent where no change is compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<VerdictsRecord>,
    data_quality: QualityRecord<'a>,
    limits: Vec<String>,
}

fn inputs<'a>(report: &'a ComparisonReport<'_>) -> Inputs<'a> {
    let simulation = &report.paired.before;
    Inputs {
        topology: report.name,
        sha256: &report.topology_sha256,
        against: report.against.as_ref().map(|(topology, sha256)| Against { topology, sha256 }),
        faults: &report.faults,
        edits: report.edits.iter().map(|(with, words)| EditRecord { with, words }).collect(),
        seed: report.seed,
        trials: simulation.trials,
        method: match simulation.method {
            Method::Sampled => "sampled",
            Method::Exact => "exact",
        },
        generator: GENERATOR,
        at: report.at.as_deref(),
        horizon: simulation.horizon_minutes,
        responders: report.response.responders,
        symptom_detection: report.response.symptom_detection.then_some(true),
    }
}

/// Writes a comparison as `shockfront/comparison/v1`, with a newline at the end.
pub fn comparison_json(report: &ComparisonReport<'_>) -> String {
    let paired = report.paired;
    let verdict = report.verdicts.map(|verdicts| VerdictsRecord {
        before: (&verdicts.before).into(),
        after: (&verdicts.after).into(),
        score_difference: verdicts.score.map(Figure::from),
        band_changes: verdicts.before.verdict.band != verdicts.after.verdict.band,
    });
    let services = paired.services.iter().map(|pair| ServiceRecord {
        name: &pair.name,
        impaired: pair.impaired.into(),
        downtime: pair.downtime.map(Both::from),
        impaired_time: pair.impaired_time.map(Both::from),
    });
    let journeys = paired.journeys.iter().map(JourneyRecord::from);
    pretty(&Record {
        schema: SCHEMA,
        tool: TOOL,
        inputs: inputs(report),
        without_effect: paired.is_without_effect(),
        differing: paired.differing.map(Figure::from),
        reach: paired.reach.into(),
        user_minutes: paired.user_minutes.map(Both::from),
        user_minutes_ratio: paired.user_minutes_ratio.map(Figure::from),
        services: services.collect(),
        journeys: journeys.collect(),
        verdict,
        data_quality: report.quality.into(),
        limits: limits(Some(&paired.before), &report.limits),
    })
}

/// The JSON Schema of comparisons, indented.
pub fn comparison_schema() -> String {
    pretty(&json_schema::named::<Record<'static>>(SCHEMA))
}
