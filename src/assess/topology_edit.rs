//! A change that edits the topology it is judged by: judged by the version before as well, and the stricter verdict holds.
//!
//! Who deletes a dependency from the map in the same change that touches the code behind it would otherwise choose the verdict.
//! Both versions are simulated on the same random numbers, which are keyed by names, so what differs is the edit. What must hold:
//! the version before can raise the verdict and never lower it; where it cannot be had, somebody has to look.

use super::judging::reviewed;
use super::simulating::{Outcome, at_look};
use super::what_if::{Alternative, Judged, verdicts};
use super::{AssessRequest, InFlight, judging, place};
use crate::diagnostic::Diagnostic;
use crate::model::System;
use crate::policy::rules::{self, Requirement};
use crate::policy::sign_off::SENIOR;
use crate::policy::{self, Decision};
use crate::propagation::Paired;
use crate::risk::assessment::{Band, ComparedMaps, EarlierMap, Floor, Gate, SignOff, TopologyEdited, Verdict};
use crate::statistics::Look;

/// What a change does to the topology that it is judged by.
#[derive(Debug, Clone)]
pub struct TopologyEdit {
    /// The files, by their paths inside of the repository.
    pub files: Vec<String>,
    /// The version before, or why it cannot be had.
    pub before: Result<VersionBefore, String>,
}

/// A topology before an edit, and where the changes land in it.
#[derive(Debug, Clone)]
pub struct VersionBefore {
    /// The commit it is of.
    pub revision: String,
    /// Its files, by their paths inside of the repository.
    pub files: Vec<String>,
    /// The system.
    pub system: System,
    /// What differs, one sentence each.
    pub differences: Vec<String>,
    /// The changes, as this topology sees them, in the order of the request.
    pub changes: Vec<InFlight>,
}

/// What a side comes to.
struct Side {
    verdict: Verdict,
    requirement: Requirement,
    floors: Vec<Floor>,
    /// What this side alone impairs: owner, name, and P(impaired | fault).
    harmed: Vec<(Option<String>, String, f64)>,
    /// Who has to sign.
    sign_off: Vec<SignOff>,
}

/// Owners who have to sign by the version before and not by the one after: an edit takes nobody out of the way.
fn owners_before(side: &Side, decided: &Decision) -> Vec<SignOff> {
    let is_left = |entry: &&SignOff| {
        let is_same = |other: &SignOff| other.who == entry.who && other.role == entry.role && other.required;
        entry.required && entry.role != SENIOR && !decided.sign_off.iter().any(is_same)
    };
    side.sign_off.iter().filter(is_left).cloned().collect()
}

/// How far a gate is from open.
fn closed(gate: Gate) -> u8 {
    match gate {
        Gate::Pass => 0,
        Gate::SignOffRequired => 1,
        Gate::NotAssessed => 2,
        Gate::Blocked => 3,
    }
}

/// Services that only the version before impairs, with their owners, the likeliest first.
fn harmed_before(system: &System, paired: &Paired) -> Vec<(Option<String>, String, f64)> {
    let hidden = paired.services.iter().filter(|pair| pair.impaired.before.mean > 0.0 && pair.impaired.after.mean == 0.0);
    let owner = |name: &str| system.find_service(name).and_then(|id| system.service(id).owner.clone());
    let mut found: Vec<_> = hidden.map(|pair| (owner(&pair.name), pair.name.clone(), pair.impaired.before.mean)).collect();
    found.sort_by(|a, b| b.2.total_cmp(&a.2));
    found
}

/// The verdict by the version before beside `decided`, the one by the version after, where there is an edit; and what the policy is
/// told, where somebody has to look.
pub(super) fn judged_before(
    system: &System,
    request: &AssessRequest<'_>,
    (forecast, outcome, decided): (&str, Option<&Outcome>, &Decision),
) -> (Option<TopologyEdited>, Option<policy::Earlier>) {
    let Some(edit) = request.topology_edit else { return (None, None) };
    let files = edit.files.clone();
    let found = edit.before.as_ref().map_err(Clone::clone).and_then(|version| {
        let differences = version.differences.clone();
        compared(system, request, version, (forecast, outcome)).map(|found| (found, differences)).map_err(|problems| {
            problems.first().map_or_else(|| "it cannot be simulated".to_owned(), |problem| problem.message.clone())
        })
    });
    let ((side, map), differences) = match found {
        Ok(found) => found,
        Err(why) => {
            let because =
                format!("it edits {}, which decides about it, and the version before cannot be compared: {why}", names(&files));
            // As for whoever edits the policy: an owner and a senior look at it.
            let earlier = policy::Earlier {
                band: Band::Orange,
                requirement: Requirement::default(),
                because,
                harmed: Vec::new(),
                sign_off: Vec::new(),
            };
            return (Some(TopologyEdited { files, differences: Vec::new(), before: Err(why) }), Some(earlier));
        }
    };
    let sign_off = owners_before(&side, decided);
    let is_stricter = side.verdict.band > decided.verdict.band
        || side.requirement.and(decided.requirement) != decided.requirement
        || closed(side.verdict.gate) > closed(decided.verdict.gate)
        || !sign_off.is_empty();
    let earlier = is_stricter.then(|| policy::Earlier {
        band: side.verdict.band,
        requirement: side.requirement,
        because: because(&files, &side, decided),
        harmed: side.harmed.clone(),
        sign_off,
    });
    (Some(TopologyEdited { files, differences, before: Ok(EarlierMap { decides: is_stricter, ..map }) }), earlier)
}

/// At most this many files are named in a sentence.
const MOST_NAMED: usize = 3;

fn names(files: &[String]) -> String {
    let more = files.len().saturating_sub(MOST_NAMED);
    let shown = files[..files.len().min(MOST_NAMED)].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more files") }
}

fn because(files: &[String], side: &Side, decided: &Decision) -> String {
    let (before, after) = (side.verdict, decided.verdict);
    let rules: Vec<&str> = side
        .floors
        .iter()
        .filter(|floor| floor.is_in_force() && floor.raises_to == before.band && before.band > before.score_band)
        .map(|floor| floor.rule.as_str())
        .collect();
    let by = if rules.is_empty() { String::new() } else { format!(" by {}", rules.join(", ")) };
    let instead = match before.band == after.band {
        true => "which asks for more or other people than the edited one".to_owned(),
        false => format!("and {} by the edited one", after.band.as_str()),
    };
    format!(
        "it edits {}, which decides about it: by the version before it is {}{by}, {instead}",
        names(files),
        before.band.as_str()
    )
}

type Found = (Side, EarlierMap);

fn compared(
    system: &System,
    request: &AssessRequest<'_>,
    version: &VersionBefore,
    (forecast, outcome): (&str, Option<&Outcome>),
) -> Result<Found, Vec<Diagnostic>> {
    let trials = outcome.map_or(request.trials, |outcome| outcome.look.trials);
    let plain = AssessRequest { trials, topology_edit: None, earlier: None, progress: None, curves: false, ..request.clone() };
    let (earlier, _) = reviewed(&AssessRequest { changes: version.changes.clone(), ..plain.clone() }, forecast);
    let before = Alternative::plain(version.system.clone(), earlier);
    let placed = place(&before.system, &before.compact, &before.request, &[])?;
    let revision = version.revision.clone();
    let is_simulated = placed.iter().all(|placed| placed.scenario.is_some());
    if is_simulated && outcome.is_some() && placed.len() == 1 {
        let found = verdicts(&before, &Alternative::plain(system.clone(), plain))?;
        let harmed = harmed_before(&version.system, &found.paired);
        let map = EarlierMap {
            revision,
            decides: false,
            verdict: found.before.verdict,
            compared: Some(Box::new(ComparedMaps {
                scores: found.before.risk.score.zip(found.after.risk.score),
                score: found.score,
                is_without_effect: found.paired.is_without_effect(),
                differing: found.paired.differing,
                reach: found.paired.reach,
                journeys: found.paired.journeys,
            })),
        };
        let Judged { verdict, requirement, floors, sign_off, .. } = found.before;
        return Ok((Side { verdict, requirement, floors, harmed, sign_off }, map));
    }
    let look = Look { trials, confidence: 1.0 - rules::SAMPLING_DELTA };
    let is_any = placed.iter().any(|placed| placed.scenario.is_some());
    let sides = (&before.system, &before.compact);
    let runs = if is_any { Some(at_look(sides, &before.request, &placed, look, Vec::new())?) } else { None };
    let own = runs.map(|runs| Outcome::new(&before.system, &placed, runs, look));
    let scenario = placed.iter().find_map(|placed| placed.scenario.as_ref()).filter(|_| placed.len() == 1);
    let quality = judging::quality(&before.system, &before.request, &placed, scenario);
    let decision = judging::decided(&before.system, &before.request, &placed, (&quality, own.as_ref()));
    let map = EarlierMap { revision, decides: false, verdict: decision.verdict, compared: None };
    let Decision { verdict, requirement, floors, sign_off, .. } = decision;
    Ok((Side { verdict, requirement, floors, harmed: Vec::new(), sign_off }, map))
}
