//! From a change to its assessment: the one place where the rooms in the middle meet.
//!
//! Change → services → fault → scenario → simulation, with more trials until the verdict is settled → risk → policy. No
//! arithmetic happens here. Looks at a running simulation are at 8,192 trials and doublings; the error that a wrong band by
//! chance may have is spread over them (model.md §4). What must hold: same inputs and seed, same assessment.

use crate::change::codeowners::OwnedPath;
use crate::change::facts::Change;
use crate::change::paths::Mapping;
use crate::change::team::Team;
use crate::diagnostic::Diagnostic;
use crate::edit::{self, Edit};
use crate::fault::{Fault, Response, Scenario};
use crate::model::{Compact, System};
use crate::policy::rules::Policy;
use crate::policy::{self, Decision};
use crate::propagation::threads::in_threads;
use crate::propagation::{Simulation, Uncertainty};
use crate::quality::DataQuality;
use crate::random::Seed;
use crate::risk::assessment::{Assessment, Explanation, FaultProbability, Mitigations, Path, TopologyEdited};
use crate::risk::chance::{self, Chance};
use crate::risk::faults::{self, Landing};
use crate::risk::ledger::Ledger;
use crate::risk::limits::limits;
use crate::risk::paths;
use crate::risk::score::{self, Part};
use crate::units::{ServiceId, Ticks};
use jiff::Zoned;
use summary::{ai_evidence, assisted, factors, notes};

mod assumptions;
pub mod candidates;
mod explanation;
mod judging;
mod mitigations;
mod simulating;
mod summary;
mod topology_edit;
pub mod what_if;

pub use topology_edit::{TopologyEdit, VersionBefore};

use judging::{Loose, decided, quality};
use simulating::{Outcome, simulated, what_facts_would_change, whole_impact};

/// Most services whose part in the worst trials is watched.
const MOST_WATCHED: usize = 200;
/// Most services whose path is told.
const MOST_PATHS: usize = 5;
/// Level of the intervals that are reported.
const REPORTED: f64 = 0.95;
/// Trials where nobody says how many.
pub const DEFAULT_TRIALS: u64 = 16_384;

/// One change, and where its files belong.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InFlight {
    /// The change.
    pub change: Change,
    /// Its files by service, where there is a diff.
    pub mapping: Option<Mapping>,
    /// Its files with their owners by the code host, where its file is known.
    pub owned_paths: Vec<OwnedPath>,
}

/// What to assess and how.
#[derive(Clone)]
pub struct AssessRequest<'a> {
    /// The changes in flight together; one as a rule.
    pub changes: Vec<InFlight>,
    /// Who people are.
    pub team: Team,
    /// What is asked for.
    pub policy: Policy,
    /// What other changes risked.
    pub ledger: Ledger,
    /// Files that decide about the changes, such as those of policy and team, as they were named.
    pub gate_files: Vec<String>,
    /// What links in the repository lead to, files and directories: it may be read from where the link lies.
    pub linked: Vec<String>,
    /// What the change does to the topology that it is judged by, where it edits it.
    pub topology_edit: Option<&'a TopologyEdit>,
    /// What the topology before says where that is stricter; [`assess`] finds it out.
    pub earlier: Option<policy::Earlier>,
    /// What else decides the verdict, such as hashes of the files that were read: a forecast of other texts has another name.
    pub basis: Vec<String>,
    /// Most trials.
    pub trials: u64,
    /// Go on until mean reach and mean user-minutes are as precise, even where the verdict is settled.
    pub precision: Option<f64>,
    /// Explain the verdict.
    pub explain: bool,
    /// Look for mitigations, and for assumptions that decide the band.
    pub mitigations: bool,
    /// How often to repeat with draws of the probabilities that are beliefs, where that is asked.
    pub uncertainty: Option<u64>,
    /// The seed.
    pub seed: Seed,
    /// Threads; `None` for one per core.
    pub threads: Option<usize>,
    /// How long harm is followed; `None` for the default of the fault, which is also the least.
    pub horizon: Option<Ticks>,
    /// How people answer to faults.
    pub response: Response,
    /// When it happens, where the change does not say.
    pub at: Option<Zoned>,
    /// Notes about contradictions in the input, to be passed on.
    pub notes: Vec<String>,
    /// Keep what pictures of the impact need.
    pub curves: bool,
    /// Called with numbers of finished trials; later looks start again.
    pub progress: Option<&'a (dyn Fn(u64) + Sync)>,
}

impl Default for AssessRequest<'_> {
    fn default() -> Self {
        Self {
            changes: Vec::new(),
            team: Team::default(),
            policy: Policy::default(),
            ledger: Ledger::default(),
            gate_files: Vec::new(),
            linked: Vec::new(),
            topology_edit: None,
            earlier: None,
            basis: Vec::new(),
            trials: DEFAULT_TRIALS,
            precision: None,
            explain: false,
            mitigations: false,
            uncertainty: None,
            seed: Seed::default(),
            threads: None,
            horizon: None,
            response: Response::default(),
            at: None,
            notes: Vec::new(),
            curves: false,
            progress: None,
        }
    }
}

/// A change with all that follows from it before anything is simulated.
struct Placed<'a> {
    change: &'a Change,
    landing: Landing,
    chance: Chance,
    faults: Vec<Fault>,
    scenario: Option<Scenario>,
}

/// Assesses changes.
///
/// # Errors
/// For services that the topology does not have, faults that cannot be injected, and time zones that nobody knows.
pub fn assess(system: &System, compact: &Compact, request: &AssessRequest<'_>) -> Result<Assessment, Vec<Diagnostic>> {
    in_threads(request.threads, || assess_here(system, compact, &AssessRequest { threads: None, ..request.clone() }))
}

/// The same on the threads that are there.
fn assess_here(system: &System, compact: &Compact, request: &AssessRequest<'_>) -> Result<Assessment, Vec<Diagnostic>> {
    let forecast = judging::forecast(request);
    let (request, lapsed) = judging::reviewed(request, &forecast);
    let request = &request;
    let placed = place(system, compact, request, &[])?;
    let all_faults: Vec<Fault> = placed.iter().flat_map(|placed| placed.faults.clone()).collect();
    let together = match all_faults.as_slice() {
        [] => None,
        faults => Some(scenario(system, compact, faults, request.horizon)?.answered(request.response)),
    };
    let outcome = if together.is_some() { Some(simulated(system, compact, request, &placed)?) } else { None };
    let impact = match (&together, &outcome) {
        (Some(scenario), Some(outcome)) => Some(whole_impact(system, compact, request, &placed, (scenario, outcome))?),
        _ => None,
    };
    let uncertainty = match (&together, &impact) {
        (Some(scenario), Some(impact)) => what_facts_would_change(system, compact, request, (scenario, impact))?,
        _ => None,
    };
    let quality = quality(system, request, &placed, together.as_ref());
    let services = services(&placed);
    let parts = outcome.as_ref().map(|outcome| parts(&placed, &outcome.runs.impacts)).unwrap_or_default();
    let impaired = score::impaired(&parts);
    let loose = Loose::new(request, &placed);
    let alone = decided(system, request, &placed, (&quality, outcome.as_ref()));
    let (topology_edit, earlier) = topology_edit::judged_before(system, request, (&forecast, outcome.as_ref(), &alone));
    let request = &AssessRequest { earlier, ..request.clone() };
    let decided = match request.earlier {
        Some(_) => decided(system, request, &placed, (&quality, outcome.as_ref())),
        None => alone,
    };
    let mitigations = match &outcome {
        Some(outcome) if request.mitigations => {
            mitigations::mitigations(system, request, (&placed, outcome, decided.verdict.band))?
        }
        _ => None,
    };
    let explanation = match (&together, &outcome) {
        (Some(scenario), Some(outcome)) if request.explain => {
            let verdict = (&placed[..], outcome, decided.verdict.band);
            Some(explanation::explanation((system, compact), request, scenario, verdict)?)
        }
        _ => None,
    };
    let paths = together.as_ref().map(|scenario| worst_paths(system, compact, scenario, &impaired)).unwrap_or_default();
    let mut notes = notes(request, &placed);
    notes.extend(lapsed);
    notes.extend(horizon_note(request.horizon, together.as_ref()));
    let policy = request.policy.name.clone();
    let pieces = Pieces {
        decided,
        quality,
        loose,
        services,
        impact,
        uncertainty,
        outcome,
        paths,
        explanation,
        mitigations,
        topology_edit,
        notes,
        forecast,
        policy,
    };
    Ok(assembled(system, &placed, pieces))
}

/// Where the changes land and what they bring; `edits` are those of a what-if, which the changes have taken already.
fn place<'a>(
    system: &System,
    compact: &Compact,
    request: &'a AssessRequest<'_>,
    edits: &[Edit],
) -> Result<Vec<Placed<'a>>, Vec<Diagnostic>> {
    if request.changes.is_empty() {
        return Err(vec![Diagnostic::error("no-change", "there is no change to assess")]);
    }
    let (mut placed, mut problems) = (Vec::new(), Vec::new());
    for InFlight { change, mapping, .. } in &request.changes {
        let landing = match faults::land(system, change, mapping.as_ref()) {
            Ok(landing) => landing,
            Err(found) => {
                problems.extend(found);
                continue;
            }
        };
        let chance = chance::chance(change, &chance::Ground::new(system, &landing.services()), &request.team);
        let mut faults = faults::faults(system, change, &landing);
        for edit in edits {
            faults.iter_mut().for_each(|fault| edit::on_derived_fault(edit, fault));
        }
        let scenario = (!faults.is_empty())
            .then(|| scenario(system, compact, &faults, request.horizon).map(|scenario| scenario.answered(request.response)));
        match scenario.transpose() {
            Ok(scenario) => placed.push(Placed { change, landing, chance, faults, scenario }),
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(placed) } else { Err(problems) }
}

/// Resolves faults for a verdict. Harm that a horizon cuts is harm all the same, so a shorter horizon than the default would
/// lower the score of a bad change: it is not taken, a longer one is.
fn scenario(system: &System, compact: &Compact, faults: &[Fault], horizon: Option<Ticks>) -> Result<Scenario, Vec<Diagnostic>> {
    let mut scenario = Scenario::new(system, compact, faults, None)?;
    scenario.horizon = horizon.map_or(scenario.horizon, |asked| asked.max(scenario.horizon));
    Ok(scenario)
}

/// The note about a horizon that was not taken.
fn horizon_note(asked: Option<Ticks>, taken: Option<&Scenario>) -> Option<String> {
    let (asked, taken) = (asked?, taken?.horizon);
    (asked < taken)
        .then(|| format!("the verdict follows harm for {taken}: a horizon of {asked} would cut it and lower the score"))
}

fn parts<'a>(placed: &'a [Placed<'_>], impacts: &'a [Simulation]) -> Vec<Part<'a>> {
    let simulated = placed.iter().filter(|placed| placed.scenario.is_some());
    simulated.zip(impacts).map(|(placed, impact)| Part { chance: &placed.chance, impact }).collect()
}

/// The titles of all changes.
fn title(placed: &[Placed<'_>]) -> Option<String> {
    placed.iter().filter_map(|placed| placed.change.title.clone()).reduce(|all, title| all + "; " + &title)
}

fn names(system: &System, services: &[ServiceId]) -> Vec<String> {
    services.iter().map(|id| system.service_name(*id).to_owned()).collect()
}

fn latest(request: &AssessRequest<'_>) -> Option<Zoned> {
    request.changes.iter().filter_map(|one| one.change.at.clone()).max().or_else(|| request.at.clone())
}

fn services(placed: &[Placed<'_>]) -> Vec<ServiceId> {
    let mut services = Vec::new();
    for id in placed.iter().flat_map(|placed| placed.landing.services()) {
        if !services.contains(&id) {
            services.push(id);
        }
    }
    services
}

fn worst_paths(system: &System, compact: &Compact, scenario: &Scenario, impaired: &[(ServiceId, f64)]) -> Vec<Path> {
    let targets = scenario.targets();
    let worst = impaired.iter().filter(|(service, _)| !targets.contains(service)).take(MOST_PATHS);
    worst.filter_map(|(service, _)| paths::most_likely(system, compact, scenario, *service, None)).collect()
}

/// What [`assembled`] puts together.
struct Pieces {
    decided: Decision,
    quality: DataQuality,
    loose: Loose,
    services: Vec<ServiceId>,
    impact: Option<Simulation>,
    uncertainty: Option<Uncertainty>,
    outcome: Option<Outcome>,
    paths: Vec<Path>,
    explanation: Option<Explanation>,
    mitigations: Option<Mitigations>,
    topology_edit: Option<TopologyEdited>,
    notes: Vec<String>,
    forecast: String,
    policy: Option<String>,
}

fn assembled(system: &System, placed: &[Placed<'_>], pieces: Pieces) -> Assessment {
    let Pieces { decided, quality, loose, services, impact, uncertainty, outcome, paths, explanation, .. } = pieces;
    let Pieces { mitigations, topology_edit, mut notes, forecast, policy, .. } = pieces;
    notes.extend(decided.notes);
    let chances: Vec<Chance> = placed.iter().map(|placed| placed.chance.clone()).collect();
    let nothing = || match loose.is_never_deployed(placed) {
        true => score::no_risk(),
        false => score::risk(system, &[], REPORTED),
    };
    let risk = outcome.map_or_else(nothing, |outcome| outcome.risk);
    let limits = limits(impact.as_ref(), placed.len(), &risk.journeys);
    Assessment {
        title: title(placed),
        services: names(system, &services),
        unmapped: loose.unmapped,
        not_deployed: loose.not_deployed,
        n_files: placed.iter().map(|placed| placed.landing.n_files).sum(),
        ai: assisted(placed),
        ai_evidence: ai_evidence(placed),
        verdict: decided.verdict,
        fault_probability: FaultProbability { belief: chance::at_least_one(&chances), factors: factors(placed) },
        faults: placed.iter().flat_map(|placed| &placed.faults).map(Fault::label).collect(),
        breach: risk.breach,
        expected_user_minutes: risk.expected_user_minutes,
        journeys: risk.journeys,
        sign_off: decided.sign_off,
        signers: decided.signers,
        forecast,
        heads: placed.iter().filter_map(|placed| placed.change.head.clone()).collect(),
        policy,
        missing: decided.missing,
        floors: decided.floors,
        paths,
        explanation,
        mitigations,
        topology_edit,
        advice: decided.advice,
        notes,
        data_quality: quality,
        limits,
        impact,
        uncertainty,
    }
}

#[cfg(test)]
#[path = "assess_tests.rs"]
mod tests;
