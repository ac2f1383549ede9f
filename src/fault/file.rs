//! Fault files, `shockfront/fault/v1`: the same values as `--fault`, with durations as tables.

use super::catalogue::FaultKind;
use super::spec::{Fault, Instances, Overrides};
use crate::change::file::RolloutEntry;
use crate::diagnostic::{Diagnostic, Located, SourceId, Sources};
use crate::document::{self, DurationText, FileType, Format, LawText, Marked, Percent, ProbabilityNumber, Read};
use crate::units::Ticks;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};
use std::borrow::Cow;
use std::num::NonZeroU32;

/// What goes wrong. Several faults hit in the same trial, each at its time.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultFile {
    /// Always `shockfront/fault/v1`.
    #[expect(dead_code, reason = "judged before it is decoded")]
    schema: String,
    /// The faults.
    #[schemars(length(min = 1))]
    faults: Vec<Marked<Entry>>,
}

impl FileType for FaultFile {
    const SCHEMA: &'static str = "shockfront/fault/v1";
}

/// One fault.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// What goes wrong.
    kind: KindWord,
    /// SERVICE, SERVICE.OPERATION or a group.
    #[schemars(length(min = 1))]
    target: String,
    /// When, from the start of the simulation; 0m if not said.
    at: Option<DurationText>,
    /// Share of failing requests, as 30% or a number from 0 to 1.
    rate: Option<Percent>,
    /// Latency multiplier, at least 1.
    #[schemars(range(min = 1, max = 1_000_000))]
    factor: Option<f64>,
    /// Share of wrong answers, as 10% or a number from 0 to 1.
    wrong: Option<Percent>,
    /// Instances taken: a number such as 1, or a share such as 30%; all if not said.
    instances: Option<Marked<InstancesText>>,
    /// Share of the traffic that is hit, as 5% or a number from 0 to 1.
    share: Option<Percent>,
    /// Complete time to detection.
    detect: Option<LawText>,
    /// Time to repair.
    repair: Option<LawText>,
    /// Time to roll back.
    rollback: Option<LawText>,
    /// Time to come up again.
    cold_start: Option<LawText>,
    /// How long the targets stay impaired afterwards.
    restore_tail: Option<LawText>,
    /// Clean-up of wrong data at each service.
    unwind: Option<LawText>,
    /// Of state loss: time to decide what to do, after detection.
    decide: Option<LawText>,
    /// Of state loss: time to recreate the environment.
    recreate: Option<LawText>,
    /// Of state loss: time to restore the data.
    restore: Option<LawText>,
    /// Of state loss: time to validate the result.
    validate: Option<LawText>,
    /// Of operator advice: one attempt to repair.
    attempt: Option<LawText>,
    /// Of operator advice: P(an attempt is wrong), 0 to 0.99.
    #[schemars(range(min = 0, max = 0.99))]
    wrong_fix: Option<f64>,
    /// Of a poisoned loop: share of wrong output that it begins with.
    initial: Option<ProbabilityNumber>,
    /// Of a poisoned loop: growth per cycle.
    #[schemars(range(min = 0, max = 1_000_000))]
    gain: Option<f64>,
    /// Of a poisoned loop: share added per cycle.
    floor: Option<ProbabilityNumber>,
    /// Of a poisoned loop: length of a cycle, above 0.
    cycle: Option<Marked<DurationText>>,
    /// Of a poisoned loop: share at which it is noticed.
    threshold: Option<ProbabilityNumber>,
    /// Start of services that wait for each other.
    bootstrap: Option<LawText>,
    /// Of overload: share of its capacity that the target keeps, as 50% or a number from 0 to 1; 50% if not said.
    capacity: Option<Percent>,
    /// Of overload: demand over the usual demand; 1 if not said.
    #[schemars(range(min = 0, max = 1_000_000))]
    demand: Option<f64>,
    /// Where an overload outlives the causes: from their end until people shed load.
    relief: Option<LawText>,
    /// Share of the load that is then kept away, as 20% or a number from 0 to 1; all if not said.
    shed: Option<Percent>,
    /// How long it is kept away, above 0; a minute if not said.
    hold: Option<Marked<DurationText>>,
    /// How the change that brought the fault reaches production.
    rollout: Option<RolloutEntry>,
}

/// The word of a [`FaultKind`].
#[derive(Debug, Clone, Copy)]
struct KindWord(FaultKind);

impl<'de> Deserialize<'de> for KindWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        FaultKind::from_name(&word).map(Self).ok_or_else(|| D::Error::custom(format!("there is no fault kind `{word}`")))
    }
}

impl JsonSchema for KindWord {
    fn schema_name() -> Cow<'static, str> {
        "FaultKind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": FaultKind::ALL.map(FaultKind::name) })
    }
}

/// A number of instances, or a share of them.
#[derive(Debug, Clone, Copy, serde::Deserialize, JsonSchema)]
#[serde(untagged)]
enum InstancesText {
    /// So many.
    Count(NonZeroU32),
    /// This share.
    Share(Percent),
}

/// A fault file that was read.
#[derive(Debug, Clone)]
pub struct ReadFaults {
    /// The faults, each with the place of its first key.
    pub faults: Vec<Located<Fault>>,
    /// What was overlooked because the file is of a later minor version.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a fault file.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn read_faults(sources: &Sources, id: SourceId, format: Format) -> Result<ReadFaults, Vec<Diagnostic>> {
    let Read { value, node, warnings } = document::read::<FaultFile>(sources, id, format)?;
    let mut problems = Vec::new();
    let entries = node.entry("faults").map_or(&[][..], |(_, list)| list.items());
    let faults = value.faults.into_iter().enumerate().map(|(at, entry)| Located {
        // A whole entry has many lines; its first key stands for it.
        span: entries.get(at).map_or(entry.span, document::Node::anchor),
        value: fault(entry.value, &mut problems),
    });
    let faults = faults.collect();
    if problems.is_empty() { Ok(ReadFaults { faults, warnings }) } else { Err(problems) }
}

fn fault(entry: Entry, problems: &mut Vec<Diagnostic>) -> Fault {
    if let Some(cycle) = entry.cycle
        && cycle.value.0 == Ticks::ZERO
    {
        problems.push(Diagnostic::error("out-of-range", "expected a duration above 0").at(cycle.span, "such as 24h"));
    }
    if let Some(Marked { value: InstancesText::Share(share), span }) = entry.instances
        && share.0 == 0.0
    {
        problems.push(Diagnostic::error("out-of-range", "no instances are taken").at(span, "such as 1 or 30%"));
    }
    if let Some(hold) = entry.hold
        && hold.value.0 == Ticks::ZERO
    {
        problems.push(Diagnostic::error("out-of-range", "expected a duration above 0").at(hold.span, "such as 1m"));
    }
    let percent = |share: Percent| share.0;
    let number = |number: ProbabilityNumber| number.0;
    let overrides = Overrides {
        rate: entry.rate.map(percent),
        factor: entry.factor,
        wrong: entry.wrong.map(percent),
        instances: entry.instances.map(|instances| match instances.value {
            InstancesText::Count(count) => Instances::Count(count.get()),
            InstancesText::Share(share) => Instances::Share(share.0),
        }),
        share: entry.share.map(percent),
        detect: entry.detect.map(|law| law.0),
        repair: entry.repair.map(|law| law.0),
        rollback: entry.rollback.map(|law| law.0),
        cold_start: entry.cold_start.map(|law| law.0),
        restore_tail: entry.restore_tail.map(|law| law.0),
        unwind: entry.unwind.map(|law| law.0),
        decide: entry.decide.map(|law| law.0),
        recreate: entry.recreate.map(|law| law.0),
        restore: entry.restore.map(|law| law.0),
        validate: entry.validate.map(|law| law.0),
        attempt: entry.attempt.map(|law| law.0),
        wrong_fix: entry.wrong_fix,
        initial: entry.initial.map(number),
        gain: entry.gain,
        floor: entry.floor.map(number),
        cycle: entry.cycle.map(|cycle| cycle.value.0),
        threshold: entry.threshold.map(number),
        bootstrap: entry.bootstrap.map(|law| law.0),
        capacity: entry.capacity.map(percent),
        demand: entry.demand,
        relief: entry.relief.map(|law| law.0),
        shed: entry.shed.map(percent),
        hold: entry.hold.map(|hold| hold.value.0),
    };
    let at = entry.at.map_or(Ticks::ZERO, |at| at.0);
    let rollout = entry.rollout.map(|rollout| rollout.facts());
    Fault { at, overrides, rollout, ..Fault::new(entry.kind.0, entry.target) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DurationLaw;
    use crate::topology::tests::{shipped, told};
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<Fault>, Vec<String>> {
        let mut sources = Sources::default();
        let id = sources.add("f.yaml", text);
        match read_faults(&sources, id, Format::Yaml) {
            Ok(read) => Ok(read.faults.into_iter().map(|fault| fault.value).collect()),
            Err(problems) => Err(told(&sources, &problems)),
        }
    }

    fn one(entry: &str) -> Result<Vec<Fault>, Vec<String>> {
        read(&format!("schema: shockfront/fault/v1\nfaults:\n  - {{{entry}}}\n"))
    }

    #[test]
    fn all_shipped_fault_files_load() {
        let paths = shipped("shockfront/fault/v1");
        assert!(paths.len() >= 10, "{paths:?}");
        for path in paths {
            let faults = read(&std::fs::read_to_string(&path).expect("a file"));
            assert!(faults.as_ref().is_ok_and(|faults| !faults.is_empty()), "{path}: {faults:?}");
        }
    }

    #[test]
    fn a_file_says_the_same_as_the_command_line() {
        let text = "crash@checkout,repair=45m/4h,instances=30%,at=10m";
        let entry = "kind: crash, target: checkout, repair: {median: 45m, p95: 4h}, instances: 30%, at: 10m";
        assert_eq!(one(entry), Ok(vec![Fault::parse(text).expect("a fault")]));
        let text = "latency@a.B,factor=5,instances=2,cycle=24h,gain=1.3,wrong_fix=0.05";
        let entry = "kind: latency, target: a.B, factor: 5, instances: 2, cycle: 24h, gain: 1.3, wrong_fix: 0.05";
        assert_eq!(one(entry), Ok(vec![Fault::parse(text).expect("a fault")]));
        let faults = one("kind: bad_deploy, target: a, rollout: {strategy: canary, rollback: 5m/15m}").expect("a fault");
        let rollback = faults[0].rollout.and_then(|rollout| rollout.rollback);
        assert_eq!(rollback, Some(DurationLaw::lognormal_minutes(5, 15)));
    }

    #[test]
    fn wrong_files_are_told_with_their_places() {
        for (entry, expected) in [
            ("kind: crush, target: a", "f.yaml:3:12: unknown-value"),
            ("kind: crash", "f.yaml:3:6: missing-key"),
            ("kind: crash, target: a, repar: 5m", "f.yaml:3:30: unknown-key"),
            ("kind: crash, target: a, instances: 0", "f.yaml:3:41: out-of-range"),
            ("kind: crash, target: a, instances: 0%", "f.yaml:3:41: out-of-range"),
            ("kind: poisoned_loop, target: a, cycle: 0m", "f.yaml:3:45: out-of-range"),
            ("kind: latency, target: a, factor: 0.5", "f.yaml:3:40: out-of-range"),
            ("kind: error_rate, target: a, rate: 1.3", "f.yaml:3:41: bad-value"),
        ] {
            let told = one(entry).expect_err(entry);
            assert!(told.len() == 1 && told[0].starts_with(expected), "{entry}: {told:?}");
        }
        assert!(one("kind: crush, target: a").expect_err("kind")[0].contains("did you mean `crash`?"));
        assert!(read("schema: shockfront/fault/v1\nfaults: []\n").is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(tail in "(kind|target|crash|at|instances|rollout|[ \n:\\-{}\\[\\],a-z0-9\"'%./]|\\PC){0,50}") {
            drop(one(&tail));
            drop(read(&tail));
        }
    }
}
