//! A part of a run, `shockfront/part/v1`: what `--shard` writes and `merge` joins.
//!
//! Everything that trials added up to, in whole numbers (some exceed 64 bits), and what the run was asked, so that parts of
//! different runs are told apart. What must hold: reading what was written gives the same sample; what was not written by this
//! program is refused, never divided by. Services stand in the order of the program's own plan, so a part is read by the version
//! that wrote it.

use super::part_set::{OfRun, SamplingInputs, check_head, check_member, check_whole};
use super::record::{TOOL, Tool};
use crate::propagation::tally::{JourneyTally, Measure, ServiceTally, ServiceTimes, StateSums, Tally};
use crate::propagation::{Sample, SeriesTally, Shard};
use crate::statistics::batch::{BATCHES, BatchSums};
use crate::statistics::counts::CountDistribution;
use crate::statistics::histogram::{Bucket, LogLinear};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name of the format.
pub const SCHEMA: &str = "shockfront/part/v1";

/// A part of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// `shockfront/part/v1`
    #[schemars(extend("const" = "shockfront/part/v1"))]
    pub schema: String,
    /// The program that wrote it; another version does not read it.
    pub tool: Tool,
    /// What the whole run was asked.
    pub run: RunInputs,
    /// Which part it is.
    pub shard: PartOf,
    tally: TallyRecord,
    /// Without a clock, where anything delays: the bound with all delayed dependencies cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    optimistic: Option<TallyRecord>,
}

/// What a run was asked: everything that decides its numbers, and what it lists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunInputs {
    /// Path of the topology, as typed.
    pub topology: String,
    /// Hash of the topology's texts.
    pub sha256: String,
    /// Faults, as typed.
    pub faults: Vec<String>,
    /// Path of the fault file, as typed.
    pub fault_file: Option<String>,
    /// Hash of the text of the fault file.
    pub fault_file_sha256: Option<String>,
    /// Whether there is no clock.
    pub static_reach: bool,
    /// How it was sampled.
    pub sampling: SamplingInputs,
    /// Whether services are followed over time.
    pub series: bool,
    /// Which services are listed, where that was said.
    pub services: Option<String>,
}

/// Which part of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartOf {
    /// Which, from 0.
    pub number: u64,
    /// Of how many.
    pub of: u64,
}

/// Sums over trials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TallyRecord {
    trials: u64,
    /// Pairs: services impaired, number of trials.
    reach: Vec<[u64; 2]>,
    /// Sums of reach over 32 batches of the whole run's trials.
    reach_sums: Vec<u128>,
    services: Vec<ServiceRecord>,
    /// Trials in which a service is starved.
    starved: Vec<u64>,
    journeys: Vec<JourneyRecord>,
    /// Thousandths of user-minutes over all journeys.
    user_minutes: MeasureRecord,
    /// Trials in which harm went on at the horizon.
    censored: u64,
    /// For each service: changes from minute to minute of the number of trials in which it is impaired; where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    series: Option<Vec<Vec<i64>>>,
}

/// Trials in which a service is impaired, down, wrong; and its times in microseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ServiceRecord {
    impaired: u64,
    down: u64,
    corrupt: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<TimesRecord>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TimesRecord {
    /// Time down where it is also the time impaired; the other two hold the other trials.
    alike: MeasureRecord,
    downtime: MeasureRecord,
    impaired_time: MeasureRecord,
    onset: Vec<BucketRecord>,
    onset_at_zero: u64,
    /// Absent where it is down without wrong answers in all the time that it is impaired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    states: Option<StatesRecord>,
}

/// Times in states that downtime and impaired time do not tell apart: sums over 32 batches, empty where all are 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StatesRecord {
    /// Impaired, neither down nor corrupt.
    degraded: Vec<u128>,
    /// Corrupt and not down.
    corrupt_only: Vec<u128>,
    /// Corrupt and down at once.
    corrupt_down: Vec<u128>,
    /// Down, and not down if reasons to fail overlap as much as they can.
    hardly_down: Vec<u128>,
    /// Not down, but so if they overlap as little as they can.
    almost_down: Vec<u128>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct JourneyRecord {
    /// Trials in which it is impaired, down, and gives wrong answers, at any time.
    impaired: u64,
    down: u64,
    corrupt: u64,
    onset: Vec<BucketRecord>,
    onset_at_zero: u64,
    downtime: MeasureRecord,
    impaired_time: MeasureRecord,
    /// Time with wrong answers: sums over 32 batches, empty where all are 0.
    corrupt_time: Vec<u128>,
    user_minutes: MeasureRecord,
    /// The least and the most that failures of what it needs can add up to: sums over 32 batches, empty where all are 0.
    user_minute_bounds: (Vec<u128>, Vec<u128>),
    integrity_minutes: MeasureRecord,
}

/// A quantity over trials; those in which it is 0 are in neither list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct MeasureRecord {
    buckets: Vec<BucketRecord>,
    /// Sums over 32 batches of the whole run's trials; empty where all are 0.
    sums: Vec<u128>,
}

/// Number of values, the smallest, the largest, their sum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
struct BucketRecord(u64, u64, u64, u128);

/// Writes a part, with a newline at the end.
pub fn part_json(run: RunInputs, shard: Shard, sample: &Sample) -> String {
    let part = Part {
        schema: SCHEMA.to_owned(),
        tool: TOOL,
        run,
        shard: PartOf { number: shard.number, of: shard.of },
        tally: TallyRecord::from(&sample.tally),
        optimistic: sample.optimistic.as_ref().map(TallyRecord::from),
    };
    serde_json::to_string(&part).expect("records have text keys only and memory takes every byte") + "\n"
}

/// Reads a part.
///
/// # Errors
/// With a sentence, and the line and column (from 1) where the text is at fault.
pub fn read_part(text: &str) -> Result<Part, (String, Option<(usize, usize)>)> {
    let part: Part = serde_json::from_str(text).map_err(|error| {
        let place = (error.line() > 0).then(|| (error.line(), error.column()));
        (format!("this is no part of a run: {error}"), place)
    })?;
    check_head(&part.schema, &part.tool, &part.run.sampling.generator, part.shard).map_err(|message| (message, None))?;
    Ok(part)
}

impl Part {
    /// The numbers of the part.
    ///
    /// # Errors
    /// Where they contradict each other.
    pub fn sample(&self) -> Result<Sample, String> {
        let mut sample = Sample::default();
        sample.total = self.run.sampling.trials;
        sample.tally = self.tally.tally(self.trials()).ok_or("its numbers contradict each other")?;
        if let Some(bound) = &self.optimistic {
            sample.optimistic = Some(bound.tally(self.trials()).ok_or("the numbers of its bound contradict each other")?);
        }
        Ok(sample)
    }

    fn trials(&self) -> u64 {
        let trials = Shard { number: self.shard.number, of: self.shard.of }.trials(self.run.sampling.trials);
        trials.end - trials.start
    }
}

/// Joins all parts of a run, in any order.
///
/// # Errors
/// With the position of the part that is at fault, or without one where one is missing.
pub fn join(parts: &[Part]) -> Result<Sample, (Option<usize>, String)> {
    let mut all: Option<Sample> = None;
    for (at, part) in parts.iter().enumerate() {
        check_member(parts, at)?;
        let sample = part.sample().map_err(|message| (Some(at), message))?;
        match &mut all {
            None => all = Some(sample),
            Some(all) if is_alike(all, &sample) => all.merge(&sample),
            Some(_) => return Err((Some(at), "it has other services or journeys than the first".to_owned())),
        }
    }
    check_whole(parts)?;
    all.ok_or((None, "there is no part".to_owned()))
}

fn is_alike(a: &Sample, b: &Sample) -> bool {
    let series = |tally: &Tally| tally.series.as_ref().map(|series| series.changes().len());
    let shape = |tally: &Tally| (tally.services.len(), tally.starved.len(), tally.journeys.len(), series(tally));
    shape(&a.tally) == shape(&b.tally) && a.optimistic.as_ref().map(shape) == b.optimistic.as_ref().map(shape)
}

impl OfRun for Part {
    type Inputs = RunInputs;

    fn inputs(&self) -> &RunInputs {
        &self.run
    }

    fn shard(&self) -> PartOf {
        self.shard
    }
}

impl From<&Tally> for TallyRecord {
    fn from(tally: &Tally) -> Self {
        Self {
            trials: tally.trials,
            reach: tally.reach.iter().map(|(value, count)| [value, count]).collect(),
            reach_sums: tally.reach_sums.sums().to_vec(),
            services: tally.services.iter().map(ServiceRecord::from).collect(),
            starved: tally.starved.clone(),
            journeys: tally.journeys.iter().map(JourneyRecord::from).collect(),
            user_minutes: (&tally.user_minutes).into(),
            censored: tally.censored,
            series: tally.series.as_ref().map(|series| series.changes().to_vec()),
        }
    }
}

impl From<&ServiceTally> for ServiceRecord {
    fn from(service: &ServiceTally) -> Self {
        let ServiceTally { impaired, down, corrupt, times } = service;
        let times = times.as_deref().map(|times| TimesRecord {
            alike: (&times.alike).into(),
            downtime: (&times.downtime).into(),
            impaired_time: (&times.impaired_time).into(),
            onset: times.onset.buckets().map(BucketRecord::from).collect(),
            onset_at_zero: times.onset_at_zero,
            states: times.states.as_deref().map(StatesRecord::from),
        });
        Self { impaired: *impaired, down: *down, corrupt: *corrupt, times }
    }
}

impl From<&StateSums> for StatesRecord {
    fn from(states: &StateSums) -> Self {
        Self {
            degraded: stored_sums(&states.degraded),
            corrupt_only: stored_sums(&states.corrupt_only),
            corrupt_down: stored_sums(&states.corrupt_down),
            hardly_down: stored_sums(&states.hardly_down),
            almost_down: stored_sums(&states.almost_down),
        }
    }
}

impl From<&JourneyTally> for JourneyRecord {
    fn from(journey: &JourneyTally) -> Self {
        Self {
            impaired: journey.impaired,
            down: journey.down,
            corrupt: journey.corrupt,
            onset: journey.onset.buckets().map(BucketRecord::from).collect(),
            onset_at_zero: journey.onset_at_zero,
            downtime: (&journey.downtime).into(),
            impaired_time: (&journey.impaired_time).into(),
            corrupt_time: stored_sums(&journey.corrupt_time),
            user_minutes: (&journey.user_minutes).into(),
            user_minute_bounds: (stored_sums(&journey.user_minute_bounds.0), stored_sums(&journey.user_minute_bounds.1)),
            integrity_minutes: (&journey.integrity_minutes).into(),
        }
    }
}

impl From<&Measure> for MeasureRecord {
    fn from(measure: &Measure) -> Self {
        Self { buckets: measure.histogram.buckets().map(BucketRecord::from).collect(), sums: stored_sums(&measure.sums) }
    }
}

/// Sums by batch; none where all are 0.
fn stored_sums(sums: &BatchSums) -> Vec<u128> {
    if sums.total() == 0 { Vec::new() } else { sums.sums().to_vec() }
}

fn read_sums(stored: &[u128]) -> Option<[u128; BATCHES]> {
    if stored.is_empty() { Some([0; BATCHES]) } else { stored.try_into().ok() }
}

impl From<Bucket> for BucketRecord {
    fn from(bucket: Bucket) -> Self {
        Self(bucket.count, bucket.smallest, bucket.largest, bucket.sum)
    }
}

impl TallyRecord {
    /// The tally; `None` where the numbers contradict each other.
    fn tally(&self, trials: u64) -> Option<Tally> {
        let (mut reach, mut left) = (CountDistribution::new(), trials);
        for [value, count] in &self.reach {
            left = left.checked_sub(*count)?;
            // Nobody has more services.
            (*value <= u64::from(u32::MAX)).then(|| reach.record(*value, *count))?;
        }
        let reach_sums = BatchSums::from_sums(self.reach_sums.as_slice().try_into().ok()?);
        let reached: u128 = self.reach.iter().map(|[value, count]| u128::from(*value) * u128::from(*count)).sum();
        let is_sound = self.trials == trials
            && left == 0
            && total(&self.reach_sums) == Some(reached)
            && self.censored <= trials
            && self.starved.iter().all(|count| *count <= trials);
        is_sound.then_some(())?;
        let mut tally = Tally { trials, reach, reach_sums, starved: self.starved.clone(), ..Tally::default() };
        tally.services = self.services.iter().map(|service| service.tally(trials)).collect::<Option<_>>()?;
        tally.journeys = self.journeys.iter().map(|journey| journey.tally(trials)).collect::<Option<_>>()?;
        tally.user_minutes = self.user_minutes.measure(trials)?;
        tally.censored = self.censored;
        if let Some(changes) = &self.series {
            let most = tally.services.iter().map(|service| service.impaired);
            tally.series = Some(SeriesTally::from_changes(changes.clone(), most)?);
        }
        Some(tally)
    }
}

impl ServiceRecord {
    fn tally(&self, trials: u64) -> Option<ServiceTally> {
        let Self { impaired, down, corrupt, times } = self;
        (*impaired <= trials && down <= impaired && corrupt <= impaired).then_some(())?;
        let times = match times {
            Some(times) => Some(Box::new(times.times(*impaired)?)),
            None => None,
        };
        Some(ServiceTally { impaired: *impaired, down: *down, corrupt: *corrupt, times })
    }
}

impl TimesRecord {
    fn times(&self, impaired: u64) -> Option<ServiceTimes> {
        let alike = self.alike.measure(impaired)?;
        // A trial is in one of the two, not in both.
        let rest = impaired - alike.histogram.total();
        let mut times = ServiceTimes {
            alike,
            downtime: self.downtime.measure(rest)?,
            impaired_time: self.impaired_time.measure(rest)?,
            onset: onset(&self.onset, self.onset_at_zero, impaired)?,
            onset_at_zero: self.onset_at_zero,
            states: None,
        };
        match &self.states {
            Some(states) => times.states = Some(Box::new(states.sums(&times)?)),
            None => (times.downtime.sums == times.impaired_time.sums).then_some(())?,
        }
        Some(times)
    }
}

impl StatesRecord {
    /// The sums: in every batch what is impaired and not down is degraded or corrupt, and no more is corrupt and down than down.
    fn sums(&self, times: &ServiceTimes) -> Option<StateSums> {
        let [degraded, corrupt_only, corrupt_down] =
            [read_sums(&self.degraded)?, read_sums(&self.corrupt_only)?, read_sums(&self.corrupt_down)?];
        let [hardly_down, almost_down] = [read_sums(&self.hardly_down)?, read_sums(&self.almost_down)?];
        let (down, impaired) = (times.downtime.sums.sums(), times.impaired_time.sums.sums());
        let alike = times.alike.sums.sums();
        let is_sound = (0..BATCHES).all(|batch| {
            let up = degraded[batch].checked_add(corrupt_only[batch]);
            up.and_then(|up| up.checked_add(down[batch])) == Some(impaired[batch])
                && corrupt_down[batch].max(hardly_down[batch]) <= down[batch] + alike[batch]
                && almost_down[batch] <= impaired[batch] - down[batch]
        });
        is_sound.then(|| StateSums {
            degraded: BatchSums::from_sums(degraded),
            corrupt_only: BatchSums::from_sums(corrupt_only),
            corrupt_down: BatchSums::from_sums(corrupt_down),
            hardly_down: BatchSums::from_sums(hardly_down),
            almost_down: BatchSums::from_sums(almost_down),
        })
    }
}

impl JourneyRecord {
    fn tally(&self, trials: u64) -> Option<JourneyTally> {
        let Self { impaired, down, corrupt, .. } = *self;
        (impaired <= trials && down <= impaired && corrupt <= trials).then_some(())?;
        let corrupt_time = read_sums(&self.corrupt_time)?;
        (corrupt > 0 || corrupt_time == [0; BATCHES]).then_some(())?;
        Some(JourneyTally {
            impaired,
            down,
            corrupt,
            corrupt_time: BatchSums::from_sums(corrupt_time),
            onset: onset(&self.onset, self.onset_at_zero, impaired)?,
            onset_at_zero: self.onset_at_zero,
            downtime: self.downtime.measure(trials)?,
            impaired_time: self.impaired_time.measure(trials)?,
            user_minutes: self.user_minutes.measure(trials)?,
            user_minute_bounds: self.bounds()?,
            integrity_minutes: self.integrity_minutes.measure(trials)?,
        })
    }
}

impl JourneyRecord {
    /// Bounds of the user-minutes; what is rounded trial by trial can be half a thousandth off.
    fn bounds(&self) -> Option<(BatchSums, BatchSums)> {
        let (least, most) = (read_sums(&self.user_minute_bounds.0)?, read_sums(&self.user_minute_bounds.1)?);
        let known = read_sums(&self.user_minutes.sums)?;
        let is_sound = (0..BATCHES).all(|batch| least[batch] <= known[batch] && known[batch] <= most[batch]);
        is_sound.then(|| (BatchSums::from_sums(least), BatchSums::from_sums(most)))
    }
}

impl MeasureRecord {
    fn measure(&self, trials: u64) -> Option<Measure> {
        let histogram = histogram(&self.buckets, trials)?;
        let sums = read_sums(&self.sums)?;
        (total(&sums) == Some(histogram.sum())).then(|| Measure { histogram, sums: BatchSums::from_sums(sums) })
    }
}

/// No sum of a run comes near: a million parts still add up.
const LARGEST: u128 = 1 << 100;

/// A histogram of at most so many values above 0.
fn histogram(buckets: &[BucketRecord], most: u64) -> Option<LogLinear> {
    let (mut left, mut total) = (most, 0_u128);
    let mut all = Vec::with_capacity(buckets.len());
    for BucketRecord(count, smallest, largest, sum) in buckets {
        left = left.checked_sub(*count)?;
        total = total.checked_add(*sum).filter(|total| *total <= LARGEST)?;
        let bucket = Bucket { count: *count, smallest: *smallest, largest: *largest, sum: *sum };
        (*smallest > 0 && bucket.is_sound()).then(|| all.push(bucket))?;
    }
    Some(LogLinear::from_buckets(all))
}

/// Onsets after time 0, where with those at it there is one for each trial with an impairment.
fn onset(buckets: &[BucketRecord], at_zero: u64, impaired: u64) -> Option<LogLinear> {
    let onset = histogram(buckets, impaired)?;
    (onset.total().checked_add(at_zero)? == impaired).then_some(onset)
}

fn total(sums: &[u128]) -> Option<u128> {
    sums.iter().try_fold(0_u128, |total, sum| total.checked_add(*sum))
}
