//! A simulation as JSON: `shockfront/simulation/v1` (product.md).
//!
//! Keys come in the order of the contract. Numbers have full double precision, times are minutes. An `interval` is `null` where
//! the run says nothing about the sampling error, as after a single trial. A service out of the fault's reach has certain
//! zeros. Absent keys: `starved` where it was not counted; `uncertainty`, `sensitivities` and `series` where nobody asked; `at`,
//! `responders` and `symptom_detection` where nothing was said; `horizon`, times, `state_minutes`, `onset`, `journeys` and `user_minutes` without a
//! clock; `onset` where the service or journey is never impaired; `reach_bounds` with a clock; `rare` where the trials are ordinary ones.

use super::input::{ServiceList, SimulationReport};
use super::limits::limits;
use super::record_numbers::{Chance, Loss, Onset, Overlap, ReachRecord, StateMinutesRecord, Times, unsigned};
use super::sensitivity::SensitivitiesRecord;
use super::series::SeriesRecord;
use super::uncertainty::UncertaintyRecord;
use crate::model::System;
use crate::propagation::Simulation;
use crate::propagation::result::{JourneyResult, Leaving, Method, Precision, ServiceResult, Solver, StateMinutes, Summary};
use crate::quality::DataQuality;
use crate::statistics::Estimate;
use crate::units::ServiceId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

/// Writes a simulation as `shockfront/simulation/v1`, with a newline at the end.
pub fn simulation_json(report: &SimulationReport<'_>) -> String {
    pretty(&SimulationRecord::new(report))
}

/// The same, piece by piece: the record of a million services is longer than all that it is made from.
///
/// # Errors
/// Those of `out`.
pub fn write_simulation_json(report: &SimulationReport<'_>, out: impl io::Write) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    serde_json::to_writer_pretty(&mut out, &SimulationRecord::new(report))?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Two spaces a level, and a newline at the end.
pub(super) fn pretty(record: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(record).expect("records have text keys only and memory takes every byte");
    text.push('\n');
    text
}

/// The program that wrote a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    pub(super) name: Cow<'static, str>,
    pub(super) version: Cow<'static, str>,
}

/// This program.
pub(super) const TOOL: Tool = Tool { name: Cow::Borrowed("shockfront"), version: Cow::Borrowed(env!("CARGO_PKG_VERSION")) };

#[derive(Debug, Serialize)]
struct Inputs<'a> {
    topology: &'a str,
    sha256: &'a str,
    faults: &'a [String],
    seed: u64,
    trials: u64,
    method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    solver: Option<&'static str>,
    generator: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    horizon: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    responders: Option<u32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    symptom_detection: bool,
}

#[derive(Debug, Serialize)]
struct Bounds {
    optimistic: ReachRecord,
    pessimistic: ReachRecord,
}

#[derive(Debug, Serialize)]
struct ServiceRecord<'a> {
    name: &'a str,
    impaired: Chance,
    down: Chance,
    corrupt: Chance,
    #[serde(skip_serializing_if = "Option::is_none")]
    downtime: Option<Times>,
    #[serde(skip_serializing_if = "Option::is_none")]
    downtime_bounds: Option<Overlap>,
    #[serde(skip_serializing_if = "Option::is_none")]
    impaired_time: Option<Times>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_minutes: Option<StateMinutesRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    starved: Option<Chance>,
    #[serde(skip_serializing_if = "Option::is_none")]
    onset: Option<Onset>,
}

impl<'a> ServiceRecord<'a> {
    fn new(name: &'a str, result: &ServiceResult, starved: Option<Estimate>) -> Self {
        let times = result.times();
        let (times, states) = (times.as_ref(), result.state_minutes());
        Self {
            name,
            impaired: result.impaired.into(),
            down: result.down.into(),
            corrupt: result.corrupt.into(),
            downtime: times.map(|times| Times::from(&times.downtime)),
            downtime_bounds: states.map(|states| states.down_bounds.into()),
            impaired_time: times.map(|times| Times::from(&times.impaired_time)),
            state_minutes: states.map(StateMinutesRecord::from),
            starved: starved.map(Chance::from),
            onset: times.and_then(|times| times.onset_p50).map(Onset::from),
        }
    }

    /// A service that the fault cannot reach.
    fn untouched(name: &'a str, timed: bool, starved: Option<Estimate>) -> Self {
        let none = || Times::from(&Summary::ZERO);
        Self {
            name,
            impaired: Estimate::ZERO.into(),
            down: Estimate::ZERO.into(),
            corrupt: Estimate::ZERO.into(),
            downtime: timed.then(none),
            downtime_bounds: timed.then(|| (Estimate::ZERO, Estimate::ZERO).into()),
            impaired_time: timed.then(none),
            state_minutes: timed.then(|| StateMinutes::always_down(Estimate::ZERO).into()),
            starved: starved.map(Chance::from),
            onset: None,
        }
    }
}

#[derive(Debug, Serialize)]
struct JourneyRecord<'a> {
    name: &'a str,
    impaired: Chance,
    down: Chance,
    corrupt: Chance,
    downtime: Loss,
    impaired_time: Loss,
    state_minutes: StateMinutesRecord,
    /// This and the next two: null where its traffic is not stated.
    user_minutes: Option<Loss>,
    user_minute_bounds: Option<Overlap>,
    integrity_minutes: Option<Loss>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_share: Option<Loss>,
    #[serde(skip_serializing_if = "Option::is_none")]
    onset: Option<Onset>,
}

impl<'a> From<&'a JourneyResult> for JourneyRecord<'a> {
    fn from(journey: &'a JourneyResult) -> Self {
        let known = journey.is_traffic_known;
        Self {
            name: &journey.name,
            impaired: journey.impaired.into(),
            down: journey.down.into(),
            corrupt: journey.corrupt.into(),
            downtime: (&journey.downtime).into(),
            impaired_time: (&journey.impaired_time).into(),
            state_minutes: journey.into(),
            user_minutes: known.then(|| (&journey.user_minutes).into()),
            user_minute_bounds: known.then(|| journey.user_minute_bounds.into()),
            integrity_minutes: known.then(|| (&journey.integrity_minutes).into()),
            budget_share: journey.budget_share.as_ref().map(Loss::from),
            onset: journey.onset_p50.map(Onset::from),
        }
    }
}

/// What a result rests on.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct QualityRecord<'a> {
    age_days: Option<i64>,
    coverage: Option<f64>,
    assumed: &'a [String],
    not_modelled: &'a [String],
}

impl<'a> From<&'a DataQuality> for QualityRecord<'a> {
    fn from(quality: &'a DataQuality) -> Self {
        Self {
            age_days: quality.age_days,
            coverage: quality.coverage,
            assumed: &quality.assumed,
            not_modelled: &quality.not_modelled,
        }
    }
}

/// How precise the run is, where that was asked; a half-width is `null` where it cannot be told.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct PrecisionRecord {
    asked: f64,
    is_reached: bool,
    reach: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_minutes: Option<f64>,
}

impl From<Precision> for PrecisionRecord {
    fn from(precision: Precision) -> Self {
        let Precision { asked, reach, user_minutes } = precision;
        Self { asked, is_reached: precision.is_reached(), reach, user_minutes }
    }
}

/// Only trials were run in which the failure leaves its source, and weighed with the probability that it does.
#[derive(Debug, Serialize)]
struct RareRecord {
    p_leaves_source: f64,
    draws: usize,
}

impl From<Leaving> for RareRecord {
    fn from(Leaving { probability, draws }: Leaving) -> Self {
        Self { p_leaves_source: probability, draws }
    }
}

/// The whole record.
#[derive(Debug, Serialize)]
pub(super) struct SimulationRecord<'a> {
    schema: &'static str,
    tool: Tool,
    inputs: Inputs<'a>,
    reach: ReachRecord,
    #[serde(skip_serializing_if = "Option::is_none")]
    reach_bounds: Option<Bounds>,
    services: ServiceRecords<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    journeys: Option<Vec<JourneyRecord<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_minutes: Option<Loss>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uncertainty: Option<UncertaintyRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sensitivities: Option<SensitivitiesRecord>,
    /// Who is impaired when.
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<SeriesRecord<'a>>,
    data_quality: QualityRecord<'a>,
    limits: Vec<String>,
    censored: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<PrecisionRecord>,
    /// Only trials were run in which the failure leaves its source: with this probability it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    rare: Option<RareRecord>,
}

impl<'a> SimulationRecord<'a> {
    pub(super) fn new(report: &'a SimulationReport<'_>) -> Self {
        let simulation = report.simulation;
        Self {
            schema: "shockfront/simulation/v1",
            tool: TOOL,
            inputs: Inputs {
                topology: &report.system.name,
                sha256: &report.topology_sha256,
                faults: &report.faults,
                seed: simulation.seed,
                trials: simulation.trials,
                method: method_name(simulation.method),
                solver: simulation.solver.map(Solver::name),
                generator: crate::random::GENERATOR,
                at: report.at.as_deref(),
                horizon: simulation.horizon_minutes,
                responders: report.response.responders,
                symptom_detection: report.response.symptom_detection,
            },
            reach: (&simulation.reach).into(),
            reach_bounds: simulation
                .reach_bounds
                .as_ref()
                .map(|(optimistic, pessimistic)| Bounds { optimistic: optimistic.into(), pessimistic: pessimistic.into() }),
            services: ServiceRecords { system: report.system, simulation, list: report.services },
            journeys: simulation.timed.then(|| simulation.journeys.iter().map(JourneyRecord::from).collect()),
            user_minutes: simulation.user_minutes.as_ref().map(Loss::from),
            uncertainty: report.uncertainty.map(UncertaintyRecord::from),
            sensitivities: report.sensitivities.map(|found| SensitivitiesRecord::new(report.system, found)),
            series: simulation.series.as_ref().map(|series| SeriesRecord::new(report.system, series)),
            data_quality: report.quality.into(),
            limits: limits(Some(simulation), &report.limits),
            censored: unsigned(simulation.censored),
            precision: simulation.precision.map(PrecisionRecord::from),
            rare: simulation.leaving.map(RareRecord::from),
        }
    }
}

/// The services, each made when it is written.
#[derive(Debug)]
struct ServiceRecords<'a> {
    system: &'a System,
    simulation: &'a Simulation,
    list: ServiceList,
}

impl Serialize for ServiceRecords<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { system, simulation, list } = *self;
        let record = |result: &ServiceResult| {
            ServiceRecord::new(system.service_name(result.service), result, simulation.starved(result.service))
        };
        if list == ServiceList::Reached {
            return serializer.collect_seq(simulation.services.iter().filter(|result| result.impaired.mean > 0.0).map(record));
        }
        // Both lists are in file order: one walk along both.
        let mut results = simulation.services.iter().peekable();
        let mut next = |id: ServiceId| results.next_if(|result| result.service == id);
        serializer.collect_seq(system.service_ids().map(|id| match next(id) {
            Some(result) => record(result),
            None => ServiceRecord::untouched(system.service_name(id), simulation.timed, simulation.starved(id)),
        }))
    }
}

/// The word of the contract.
pub(super) fn method_name(method: Method) -> &'static str {
    match method {
        Method::Sampled => "sampled",
        Method::Exact => "exact",
    }
}
