//! The verdict on a change, as plain values. `report` writes it, `assess` makes it.

use crate::change::facts::Assisted;
use crate::edit::Edit;
use crate::propagation::paired::{Compared, JourneyPair};
use crate::propagation::{Sensitivities, Simulation, Uncertainty};
use crate::quality::DataQuality;
use crate::statistics::{Estimate, Interval};
use crate::units::DependencyId;

/// How dangerous a change is. Ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Band {
    /// Score below 20.
    Green,
    /// 20 to 40.
    Yellow,
    /// 40 to 60.
    Orange,
    /// From 60 on.
    Red,
}

impl Band {
    /// All of them, from green on.
    pub const ALL: [Self; 4] = [Self::Green, Self::Yellow, Self::Orange, Self::Red];

    /// The word of the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Orange => "orange",
            Self::Red => "red",
        }
    }
}

/// What the gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Nothing is missing.
    Pass,
    /// Somebody has to sign, or a condition has to be met.
    SignOffRequired,
    /// Not like this.
    Blocked,
    /// Too little is known.
    NotAssessed,
}

/// The verdict.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// Band after floors.
    pub band: Band,
    /// Band of the score alone.
    pub score_band: Band,
    /// 0..=100; 0 with the interval 0..=100 where nothing could be assessed.
    pub score: f64,
    /// Sampling error of the score.
    pub interval: Interval,
    /// The interval lies inside one band.
    pub settled: bool,
    /// Lower ends of yellow, orange and red.
    pub band_limits: [f64; 3],
    /// The gate.
    pub gate: Gate,
}

/// One reason for P(fault | change).
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// Stable name, such as `ai_assisted`.
    pub name: &'static str,
    /// Odds ratio, and its 95 % interval.
    pub odds_ratio: Estimate,
    /// What was seen, such as "240 lines".
    pub because: String,
    /// Where the number comes from.
    pub source: &'static str,
}

/// P(fault | change).
#[derive(Debug, Clone, PartialEq)]
pub struct FaultProbability {
    /// Mean and 95 % interval of the belief.
    pub belief: Estimate,
    /// Its reasons.
    pub factors: Vec<Factor>,
}

/// Somebody who has to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOff {
    /// A team, or a person where only one can do it.
    pub who: String,
    /// `service owner` or `senior engineer` or `second person`.
    pub role: &'static str,
    /// Why, as sentences.
    pub because: Vec<String>,
    /// Does the gate wait for it? Otherwise it is a recommendation.
    pub required: bool,
    /// The reviewer who already gave it.
    pub given_by: Option<String>,
    /// The rule that asks for it, such as `band-orange`.
    pub rule: String,
}

/// The fewest people who can give what is still missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The person.
    pub who: String,
    /// What they can sign for.
    pub covers: Vec<String>,
}

/// A rule that raised the band.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Floor {
    /// Stable name, such as `ai-assisted-by-junior-or-mid`.
    pub rule: String,
    /// The band it raises to.
    pub raises_to: Band,
    /// Why it fired.
    pub because: String,
    /// Who set it aside, until when and why; then it raises nothing.
    pub overridden: Option<String>,
}

impl Floor {
    /// Does it raise the band?
    pub fn is_in_force(&self) -> bool {
        self.overridden.is_none()
    }
}

/// A likely way from the change to a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// References from the source to the service.
    pub steps: Vec<String>,
    /// Product of the probabilities on it.
    pub probability: f64,
}

/// Expected harm to one journey.
#[derive(Debug, Clone, PartialEq)]
pub struct JourneyRisk {
    /// Its name.
    pub name: String,
    /// P(fault) × E[user-minutes lost + user-minutes of wrong answers | fault]; `None` where its traffic is not stated, and where nothing
    /// was simulated.
    pub expected_user_minutes: Option<Estimate>,
    /// The same over the error budget; `None` without objective or traffic.
    pub budget_share: Option<f64>,
    /// What remains of the error budget; `None` where nobody says, and without a budget.
    pub remaining: Option<Remaining>,
}

/// What remains of an error budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Remaining {
    /// Share of the budget, from 0 to 1.
    pub share: f64,
    /// Is it known to be so at the time of the question?
    pub is_current: bool,
}

/// Something that was tried against the harm of a change, on the random numbers of the change.
#[derive(Debug, Clone, PartialEq)]
pub struct Mitigation {
    /// What is done, all together.
    pub edits: Vec<Edit>,
    /// The same in words.
    pub words: String,
    /// Effort in person-days (elicited).
    pub cost: f64,
    /// The score with it.
    pub score: Estimate,
    /// That score minus the score without it, paired.
    pub difference: Estimate,
    /// The band with it, rules included.
    pub band: Band,
    /// Trials of each side.
    pub trials: u64,
}

/// What was tried against the harm of a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Mitigations {
    /// Number of edits that were tried singly.
    pub candidates: usize,
    /// Trials of each of them.
    pub screening_trials: u64,
    /// Trials of the set that is named the cheapest.
    pub trials: u64,
    /// Edits that lower the score for certain, the best first.
    pub helpful: Vec<Mitigation>,
    /// The others: no effect, one that is too close to call, or harm.
    pub without_effect: Vec<Mitigation>,
    /// The cheapest set that lowers the band; `None` where none of those tried does.
    pub cheapest: Option<Mitigation>,
}

/// How a failure most often gets to a service: the empirical tree of first causes.
#[derive(Debug, Clone, PartialEq)]
pub struct Cascade {
    /// The journey it harms.
    pub journey: String,
    /// The service that the journey needs.
    pub service: String,
    /// P(that service is impaired | fault), the clock aside.
    pub impaired: Estimate,
    /// From the source to the service.
    pub steps: Vec<String>,
    /// Share of the trials with that service impaired in which this is the shortest way the failure took.
    pub share: Estimate,
    /// What lets it through, as sentences.
    pub because: Vec<String>,
}

/// Smallest sets of dependencies that keep a journey whole where none of them lets the fault through.
#[derive(Debug, Clone, PartialEq)]
pub struct CutSets {
    /// The journey.
    pub journey: String,
    /// The change lands on something that the journey needs: nothing contains it.
    pub is_hit_directly: bool,
    /// The sets, small ones first, each in file order.
    pub sets: Vec<Vec<DependencyId>>,
    /// Sets that were found and are not listed.
    pub more: usize,
    /// All sets of at most so many dependencies were found.
    pub largest: usize,
    /// The search went as far as it was meant to; otherwise larger sets can be missing.
    pub is_complete: bool,
}

/// An answer to something unknown, the score with it, and the band with it.
pub type Answer = (String, Option<Estimate>, Band);

/// Something that is assumed, and what the verdict were if it were known.
#[derive(Debug, Clone, PartialEq)]
pub struct Assumption {
    /// What is not known.
    pub what: String,
    /// The answer that would lower the score.
    pub better: Answer,
    /// The answer that would raise it.
    pub worse: Answer,
    /// Does either band differ from that of the verdict?
    pub flips_band: bool,
}

/// Why the verdict is what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// What mean reach depends on.
    pub edges: Option<Sensitivities>,
    /// How the fault gets to the journeys, the worst-hit journey first.
    pub cascades: Vec<Cascade>,
    /// What would keep it from them.
    pub cut_sets: Vec<CutSets>,
    /// What is assumed, that which flips the band first.
    pub assumptions: Vec<Assumption>,
}

/// A topology that the change edits, although it is judged by it.
#[derive(Debug, Clone, PartialEq)]
pub struct TopologyEdited {
    /// The files.
    pub files: Vec<String>,
    /// What differs, one sentence each.
    pub differences: Vec<String>,
    /// The verdict by the version before, or why there is none.
    pub before: Result<EarlierMap, String>,
}

/// The verdict by the topology before an edit.
#[derive(Debug, Clone, PartialEq)]
pub struct EarlierMap {
    /// The commit it is of.
    pub revision: String,
    /// Is it the stricter one?
    pub decides: bool,
    /// The verdict.
    pub verdict: Verdict,
    /// Both versions on the same random numbers; `None` where the change lands nowhere in one of them.
    pub compared: Option<Box<ComparedMaps>>,
}

/// The same change by the topology before an edit and after it.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedMaps {
    /// Scores before and after; `None` where a side has none.
    pub scores: Option<(Estimate, Estimate)>,
    /// Score after minus score before, paired.
    pub score: Option<Estimate>,
    /// Nothing differs in any trial.
    pub is_without_effect: bool,
    /// Share of the trials in which a service or journey fares differently.
    pub differing: Option<Estimate>,
    /// Mean reach.
    pub reach: Compared,
    /// Journeys; those of one version alone are healthy in the other.
    pub journeys: Vec<JourneyPair>,
}

/// The verdict with everything it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    /// Title of the change.
    pub title: Option<String>,
    /// Services the change lands on.
    pub services: Vec<String>,
    /// Changed files that belong to no service.
    pub unmapped: Vec<String>,
    /// Changed files that the policy says never get into production.
    pub not_deployed: Vec<String>,
    /// Number of changed files.
    pub n_files: usize,
    /// AI assistance, with the evidence.
    pub ai: Assisted,
    /// Signs of AI assistance, as sentences.
    pub ai_evidence: Vec<String>,
    /// The verdict.
    pub verdict: Verdict,
    /// P(fault | change).
    pub fault_probability: FaultProbability,
    /// What the fault would do; `None` when nothing could be simulated.
    pub impact: Option<Simulation>,
    /// How much of the impact's spread more facts would remove, where that was asked.
    pub uncertainty: Option<Uncertainty>,
    /// Faults that were simulated, as `kind@target`.
    pub faults: Vec<String>,
    /// P(fault) × P(a journey exceeds its budget | fault), with its sampling error; `None` where no journey has a budget, and where
    /// nothing was simulated.
    pub breach: Option<Estimate>,
    /// P(fault) × E[user-minutes lost + user-minutes of wrong answers | fault], over all journeys whose traffic is known; `None` where it is
    /// of none, and where nothing was simulated.
    pub expected_user_minutes: Option<Estimate>,
    /// By journey.
    pub journeys: Vec<JourneyRisk>,
    /// Who must sign, and who has.
    pub sign_off: Vec<SignOff>,
    /// The fewest people who can give the sign-offs that are missing; empty where nothing is, or without a team file.
    pub signers: Vec<Signer>,
    /// Names this assessment: a sign-off that names another forecast has lapsed.
    pub forecast: String,
    /// The head commits that were assessed, where known.
    pub heads: Vec<String>,
    /// The policy, where a file says one.
    pub policy: Option<String>,
    /// What the gate still waits for, as sentences; empty when it passes.
    pub missing: Vec<String>,
    /// Rules that raised the band.
    pub floors: Vec<Floor>,
    /// Most likely way to each of the worst-hit services, in the order of the services.
    pub paths: Vec<Path>,
    /// Why, where that was asked.
    pub explanation: Option<Explanation>,
    /// What was simulated against it; `None` where nobody asked or there is nothing to lower.
    pub mitigations: Option<Mitigations>,
    /// What it does to the topology that it is judged by; `None` where it leaves it alone.
    pub topology_edit: Option<TopologyEdited>,
    /// What would help, as sentences.
    pub advice: Vec<String>,
    /// Notes about contradictions in the input.
    pub notes: Vec<String>,
    /// What it rests on.
    pub data_quality: DataQuality,
    /// What the tool does not know.
    pub limits: Vec<String>,
}

impl Assessment {
    /// Does the change consist of files that never get into production, so that it lands on nothing?
    pub fn is_never_deployed(&self) -> bool {
        !self.not_deployed.is_empty() && self.services.is_empty() && self.verdict.gate != Gate::NotAssessed
    }
}
