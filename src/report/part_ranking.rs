//! A part of a ranking, in `shockfront/part/v1` as well: what `rank --shard` writes and `merge` joins.
//!
//! For each service that can fail, the sums over its trials by batch. A part has `ranking` where that of a simulation has `run`.

use super::part::{Part, PartOf, SCHEMA, read_part};
use super::part_set::{OfRun, SamplingInputs, check_head, check_member, check_whole};
use super::record::{TOOL, Tool, pretty};
use crate::model::System;
use crate::propagation::Shard;
use crate::propagation::ranking::{RankedSums, RankingSample};
use crate::statistics::BatchSums;
use crate::topology::json_schema;
use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// A part of a ranking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RankingPart {
    /// `shockfront/part/v1`
    #[schemars(extend("const" = "shockfront/part/v1"))]
    pub schema: String,
    /// The program that wrote it; another version does not read it.
    pub tool: Tool,
    /// What the whole ranking was asked.
    pub ranking: RankingInputs,
    /// Which part it is.
    pub shard: PartOf,
    /// How long harm is followed, in minutes, where there is a clock.
    horizon_minutes: Option<f64>,
    /// Services that can fail in this way, in file order.
    services: Vec<RankedRecord>,
}

/// What a ranking was asked: everything that decides its numbers, and what it lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RankingInputs {
    /// Path of the topology, as typed.
    pub topology: String,
    /// Hash of the topology's texts.
    pub sha256: String,
    /// How each service fails.
    pub fault: String,
    /// Whether there is no clock.
    pub static_reach: bool,
    /// What the list is ordered by, where that was said.
    pub by: Option<String>,
    /// Rows of a page.
    pub top: u64,
    /// How it was sampled.
    pub sampling: SamplingInputs,
}

/// Sums over 32 batches of the whole run's trials in which one service fails.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RankedRecord {
    name: String,
    reach: Vec<u128>,
    /// Thousandths of user-minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_minutes: Option<Vec<u128>>,
    /// Microseconds, over all services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    downtime: Option<Vec<u128>>,
}

/// A part of either kind. Serde's way of telling them apart has no room for sums beyond 64 bits: [`read_any_part`] does it.
#[derive(Debug, Clone, PartialEq, JsonSchema)]
#[schemars(untagged)]
pub enum AnyPart {
    /// What `simulate --shard` wrote.
    Simulation(Box<Part>),
    /// What `rank --shard` wrote.
    Ranking(Box<RankingPart>),
}

impl OfRun for RankingPart {
    type Inputs = RankingInputs;

    fn inputs(&self) -> &RankingInputs {
        &self.ranking
    }

    fn shard(&self) -> PartOf {
        self.shard
    }
}

/// Writes a part of a ranking, with a newline at the end.
pub fn ranking_part_json(system: &System, ranking: RankingInputs, shard: Shard, sample: &RankingSample) -> String {
    let stored = |sums: &BatchSums| sums.sums().to_vec();
    let record = |(service, sums): &(_, RankedSums)| RankedRecord {
        name: system.service_name(*service).to_owned(),
        reach: stored(&sums.reach),
        user_minutes: sums.user_minutes.as_ref().map(stored),
        downtime: sums.downtime.as_ref().map(stored),
    };
    let part = RankingPart {
        schema: SCHEMA.to_owned(),
        tool: TOOL,
        ranking,
        shard: PartOf { number: shard.number, of: shard.of },
        horizon_minutes: sample.horizon_minutes,
        services: sample.services.iter().map(record).collect(),
    };
    serde_json::to_string(&part).expect("records have text keys only and memory takes every byte") + "\n"
}

/// Reads a part of either kind.
///
/// # Errors
/// With a sentence, and the line and column (from 1) where the text is at fault.
pub fn read_any_part(text: &str) -> Result<AnyPart, (String, Option<(usize, usize)>)> {
    #[derive(Deserialize)]
    struct Kind {
        ranking: Option<IgnoredAny>,
    }
    // What is no part at all is told of by the reader of simulations.
    let is_ranking = serde_json::from_str::<Kind>(text).is_ok_and(|kind| kind.ranking.is_some());
    if !is_ranking {
        return read_part(text).map(|part| AnyPart::Simulation(Box::new(part)));
    }
    let part: RankingPart = serde_json::from_str(text).map_err(|error| {
        let place = (error.line() > 0).then(|| (error.line(), error.column()));
        (format!("this is no part of a ranking: {error}"), place)
    })?;
    check_head(&part.schema, &part.tool, &part.ranking.sampling.generator, part.shard).map_err(|message| (message, None))?;
    Ok(AnyPart::Ranking(Box::new(part)))
}

/// Joins all parts of a ranking, in any order. The system has to be the one they were made from.
///
/// # Errors
/// With the position of the part that is at fault, or without one where one is missing.
pub fn join_rankings(system: &System, parts: &[RankingPart]) -> Result<RankingSample, (Option<usize>, String)> {
    let mut all: Option<RankingSample> = None;
    for (at, part) in parts.iter().enumerate() {
        check_member(parts, at)?;
        let sample = part.sample(system).ok_or_else(|| (Some(at), "its numbers contradict each other".to_owned()))?;
        match &mut all {
            None => all = Some(sample),
            Some(all) if is_alike(all, &sample) => {
                all.services.iter_mut().zip(&sample.services).for_each(|((_, mine), (_, theirs))| mine.merge(theirs));
            }
            Some(_) => return Err((Some(at), "it has other services than the first".to_owned())),
        }
    }
    check_whole(parts)?;
    all.ok_or((None, "there is no part".to_owned()))
}

fn is_alike(a: &RankingSample, b: &RankingSample) -> bool {
    a.horizon_minutes == b.horizon_minutes
        && a.services.iter().map(|(service, _)| service).eq(b.services.iter().map(|(service, _)| service))
}

/// The JSON Schema of parts of both kinds, indented.
pub fn part_schema() -> String {
    pretty(&json_schema::named::<AnyPart>(SCHEMA))
}

/// No sum of a run comes near: a million parts still add up.
const LARGEST: u128 = 1 << 100;

impl RankingPart {
    /// The numbers of the part; `None` where they contradict each other or the system.
    fn sample(&self, system: &System) -> Option<RankingSample> {
        let shard = Shard { number: self.shard.number, of: self.shard.of }.trials(self.ranking.sampling.trials);
        let most_reached = u128::from(shard.end - shard.start) * system.service_count() as u128;
        let is_timed = !self.ranking.static_reach;
        let mut sample = RankingSample {
            total: self.ranking.sampling.trials,
            horizon_minutes: self.horizon_minutes.filter(|_| is_timed),
            ..RankingSample::default()
        };
        let mut records = self.services.iter().peekable();
        for service in system.service_ids() {
            let Some(record) = records.next_if(|record| record.name == system.service_name(service)) else {
                sample.left_out.push(service);
                continue;
            };
            let sums = RankedSums {
                reach: sums(&record.reach).filter(|sums| sums.total() <= most_reached)?,
                user_minutes: known(record.user_minutes.as_deref(), is_timed && system.counts_users())?,
                downtime: known(record.downtime.as_deref(), is_timed)?,
            };
            sample.services.push((service, sums));
        }
        // Names of no service, or in another order, are left over.
        (records.next().is_none() && self.horizon_minutes.is_some() == is_timed).then_some(sample)
    }
}

/// Sums that are there exactly where they should be.
fn known(stored: Option<&[u128]>, is_expected: bool) -> Option<Option<BatchSums>> {
    match stored {
        Some(stored) if is_expected => Some(Some(sums(stored)?)),
        None if !is_expected => Some(None),
        _ => None,
    }
}

fn sums(stored: &[u128]) -> Option<BatchSums> {
    stored.iter().all(|sum| *sum <= LARGEST).then_some(())?;
    Some(BatchSums::from_sums(stored.try_into().ok()?))
}
