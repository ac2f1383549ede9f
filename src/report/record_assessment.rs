//! An assessment as JSON: `shockfront/assessment/v1` (product.md).
//!
//! `impact` is a whole `shockfront/simulation/v1` object, conditional on the fault, or `null` when nothing could be simulated.
//! `expected_user_minutes` is the mean, its interval stands beside it.

use super::explanation::ExplanationRecord;
use super::input::{AssessmentReport, SimulationReport};
use super::limits::limits;
use super::mitigations::{MitigationRecord, SearchRecord, mitigation_records};
use super::record::{QualityRecord, SimulationRecord, TOOL, Tool, pretty};
use super::record_numbers::{Ends, Mean, unsigned};
use super::topology_edit::EditRecord;
use super::words::is_scored;
use crate::risk::assessment::{Assessment, Band, Floor, Gate};
use serde::Serialize;

/// Writes an assessment as `shockfront/assessment/v1`, with a newline at the end.
pub fn assessment_json(report: &AssessmentReport<'_>) -> String {
    let impact = report.impact();
    pretty(&AssessmentRecord::new(report, impact.as_ref()))
}

/// The word of the contract.
pub fn band_name(band: Band) -> &'static str {
    band.as_str()
}

/// The word of the contract.
pub fn gate_name(gate: Gate) -> &'static str {
    match gate {
        Gate::Pass => "pass",
        Gate::SignOffRequired => "sign_off_required",
        Gate::Blocked => "blocked",
        Gate::NotAssessed => "not_assessed",
    }
}

#[derive(Debug, Serialize)]
struct VerdictRecord {
    band: &'static str,
    /// `null` where nothing was assessed.
    score: Option<f64>,
    interval: Option<Ends>,
    settled: bool,
    gate: &'static str,
    score_band: &'static str,
}

#[derive(Debug, Serialize)]
struct FactorRecord<'a> {
    name: &'static str,
    odds_ratio: f64,
    interval: Ends,
    because: &'a str,
    source: &'static str,
}

#[derive(Debug, Serialize)]
struct FaultProbabilityRecord<'a> {
    #[serde(flatten)]
    belief: Mean,
    factors: Vec<FactorRecord<'a>>,
}

#[derive(Debug, Serialize)]
struct JourneyRiskRecord<'a> {
    name: &'a str,
    /// Null where its traffic is not stated, and where nothing was simulated.
    expected_user_minutes: Option<Mean>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_share: Option<f64>,
    /// Absent where nobody says how much is spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_remaining: Option<RemainingRecord>,
}

#[derive(Debug, Serialize)]
struct RemainingRecord {
    share: f64,
    current: bool,
}

#[derive(Debug, Serialize)]
struct SignOffRecord<'a> {
    who: &'a str,
    role: &'static str,
    because: &'a [String],
    required: bool,
    given_by: Option<&'a str>,
    rule: &'a str,
}

#[derive(Debug, Serialize)]
struct SignerRecord<'a> {
    who: &'a str,
    covers: &'a [String],
}

#[derive(Debug, Serialize)]
struct FloorRecord<'a> {
    rule: &'a str,
    raises_to: &'static str,
    because: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    overridden: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct AiRecord<'a> {
    assisted: &'static str,
    basis: &'static str,
    evidence: &'a [String],
}

#[derive(Debug, Serialize)]
struct ChangeRecord<'a> {
    title: Option<&'a str>,
    services: &'a [String],
    files: usize,
    unmapped: &'a [String],
    not_deployed: &'a [String],
    ai: AiRecord<'a>,
}

#[derive(Debug, Serialize)]
struct AssessmentRecord<'a> {
    schema: &'static str,
    tool: Tool,
    verdict: VerdictRecord,
    fault_probability: FaultProbabilityRecord<'a>,
    impact: Option<SimulationRecord<'a>>,
    /// This and its interval: null where no journey has a budget, and where nothing was simulated.
    breach_probability: Option<f64>,
    breach_interval: Option<Ends>,
    /// This and its interval: null where no traffic is stated, and where nothing was simulated.
    expected_user_minutes: Option<f64>,
    expected_user_minutes_interval: Option<Ends>,
    journeys: Vec<JourneyRiskRecord<'a>>,
    sign_off: Vec<SignOffRecord<'a>>,
    signers: Vec<SignerRecord<'a>>,
    floors: Vec<FloorRecord<'a>>,
    explanation: ExplanationRecord<'a>,
    mitigations: Vec<MitigationRecord<'a>>,
    /// Absent where nobody looked for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    mitigation_search: Option<SearchRecord<'a>>,
    /// Absent where the change leaves the topology alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    topology_edit: Option<EditRecord<'a>>,
    advice: &'a [String],
    data_quality: QualityRecord<'a>,
    change: ChangeRecord<'a>,
    forecast: &'a str,
    heads: &'a [String],
    policy: Option<&'a str>,
    missing: &'a [String],
    limits: Vec<String>,
    notes: &'a [String],
}

impl<'a> AssessmentRecord<'a> {
    fn new(report: &'a AssessmentReport<'_>, impact: Option<&'a SimulationReport<'_>>) -> Self {
        let assessment = report.assessment;
        let (mitigations, mitigation_search) = mitigation_records(assessment.mitigations.as_ref());
        Self {
            schema: "shockfront/assessment/v1",
            tool: TOOL,
            verdict: verdict(assessment),
            fault_probability: fault_probability(assessment),
            impact: impact.map(SimulationRecord::new),
            breach_probability: assessment.breach.map(|breach| unsigned(breach.mean)),
            breach_interval: assessment.breach.map(|breach| breach.interval.into()),
            expected_user_minutes: assessment.expected_user_minutes.map(|lost| unsigned(lost.mean)),
            expected_user_minutes_interval: assessment.expected_user_minutes.map(|lost| lost.interval.into()),
            journeys: journeys(assessment),
            sign_off: sign_off(assessment),
            signers: assessment.signers.iter().map(|signer| SignerRecord { who: &signer.who, covers: &signer.covers }).collect(),
            floors: floors(assessment),
            explanation: ExplanationRecord::new(report.system, assessment),
            mitigations,
            mitigation_search,
            topology_edit: assessment.topology_edit.as_ref().map(EditRecord::from),
            advice: &assessment.advice,
            data_quality: (&assessment.data_quality).into(),
            change: change(assessment),
            forecast: &assessment.forecast,
            heads: &assessment.heads,
            policy: assessment.policy.as_deref(),
            missing: &assessment.missing,
            limits: limits(assessment.impact.as_ref(), &assessment.limits),
            notes: &assessment.notes,
        }
    }
}

fn verdict(assessment: &Assessment) -> VerdictRecord {
    let verdict = &assessment.verdict;
    let is_assessed = is_scored(verdict);
    VerdictRecord {
        band: band_name(verdict.band),
        score: is_assessed.then(|| unsigned(verdict.score)),
        interval: is_assessed.then(|| verdict.interval.into()),
        settled: verdict.settled,
        gate: gate_name(verdict.gate),
        score_band: band_name(verdict.score_band),
    }
}

fn fault_probability(assessment: &Assessment) -> FaultProbabilityRecord<'_> {
    let factors = assessment.fault_probability.factors.iter().map(|factor| FactorRecord {
        name: factor.name,
        odds_ratio: unsigned(factor.odds_ratio.mean),
        interval: factor.odds_ratio.interval.into(),
        because: &factor.because,
        source: factor.source,
    });
    FaultProbabilityRecord { belief: assessment.fault_probability.belief.into(), factors: factors.collect() }
}

fn journeys(assessment: &Assessment) -> Vec<JourneyRiskRecord<'_>> {
    let risks = assessment.journeys.iter().map(|risk| JourneyRiskRecord {
        name: &risk.name,
        expected_user_minutes: risk.expected_user_minutes.map(Mean::from),
        budget_share: risk.budget_share.map(unsigned),
        budget_remaining: risk
            .remaining
            .map(|remaining| RemainingRecord { share: unsigned(remaining.share), current: remaining.is_current }),
    });
    risks.collect()
}

fn sign_off(assessment: &Assessment) -> Vec<SignOffRecord<'_>> {
    let signs = assessment.sign_off.iter().map(|sign| SignOffRecord {
        who: &sign.who,
        role: sign.role,
        because: &sign.because,
        required: sign.required,
        given_by: sign.given_by.as_deref(),
        rule: &sign.rule,
    });
    signs.collect()
}

fn floors(assessment: &Assessment) -> Vec<FloorRecord<'_>> {
    assessment.floors.iter().map(floor).collect()
}

fn floor(floor: &Floor) -> FloorRecord<'_> {
    FloorRecord {
        rule: &floor.rule,
        raises_to: band_name(floor.raises_to),
        because: &floor.because,
        overridden: floor.overridden.as_deref(),
    }
}

fn change(assessment: &Assessment) -> ChangeRecord<'_> {
    ChangeRecord {
        title: assessment.title.as_deref(),
        services: &assessment.services,
        files: assessment.n_files,
        unmapped: &assessment.unmapped,
        not_deployed: &assessment.not_deployed,
        ai: AiRecord {
            assisted: assessment.ai.answer.as_str(),
            basis: assessment.ai.basis.as_str(),
            evidence: &assessment.ai_evidence,
        },
    }
}
