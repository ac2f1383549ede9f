//! A small shop for the tests of this room.
//!
//! ```text
//! frontend ──▶ checkout ──▶ payment        checkout ┈soft┈▶ pricing        mailer ┈async┈▶ checkout        blog
//! ```

use super::input::{AssessmentReport, ServiceList, SimulationReport};
use crate::change::facts::{Assisted, Basis, TriState};
use crate::fault::Scenario;
use crate::fault::catalogue::FaultKind;
use crate::fault::spec::Fault;
use crate::model::draft::{Draft, DraftDependency, Nowhere};
use crate::model::facts::{Dependency, DependencyKind, Journey, Service};
use crate::model::{Compact, System};
use crate::propagation::{Request, Simulation, simulate};
use crate::quality::DataQuality;
use crate::random::Seed;
use crate::risk::assessment::{
    Assessment, Band, Factor, FaultProbability, Floor, Gate, JourneyRisk, Path, SignOff, Signer, Verdict,
};
use crate::statistics::{Estimate, Interval};

pub(crate) fn estimate(mean: f64, low: f64, high: f64) -> Estimate {
    Estimate { mean, interval: Interval { low, high } }
}

fn service(name: &str, owner: Option<&str>, tier: u8) -> (String, Service) {
    (name.to_owned(), Service { owner: owner.map(str::to_owned), tier: Some(tier), ..Service::default() })
}

pub(crate) fn dependency(from: &str, to: &str, kind: DependencyKind) -> DraftDependency {
    DraftDependency { from: from.to_owned(), to: to.to_owned(), kind: Some(kind), facts: Dependency::default() }
}

/// Any system from a draft that is valid.
pub(crate) fn build(draft: Draft) -> System {
    System::build(draft, &Nowhere).expect("the test's draft is valid")
}

pub(crate) fn shop() -> System {
    build(Draft {
        name: Some("retail".to_owned()),
        services: vec![
            service("frontend", Some("team-web"), 0),
            service("checkout", Some("@shop/payments"), 0),
            service("payment", Some("@shop/payments"), 1),
            service("pricing", None, 2),
            service("mailer", Some("team-mail"), 3),
            service("blog", Some("team-web"), 3),
        ],
        dependencies: vec![
            dependency("frontend", "checkout", DependencyKind::Hard),
            dependency("checkout", "payment", DependencyKind::Hard),
            dependency("checkout", "pricing", DependencyKind::Soft),
            dependency("mailer", "checkout", DependencyKind::Async),
        ],
        journeys: vec![(
            "buy".to_owned(),
            Journey {
                needs: vec!["frontend".to_owned()],
                users_per_minute: Some(10_000.0),
                slo: Some(99.9),
                ..Journey::default()
            },
        )],
        ..Draft::default()
    })
}

pub(crate) fn run(system: &System, request: &Request<'_>) -> Simulation {
    let compact = Compact::new(system);
    let scenario = Scenario::new(system, &compact, &[Fault::new(FaultKind::Crash, "payment")], None).expect("payment exists");
    simulate(system, &compact, &scenario, request).expect("nothing random is enumerated")
}

pub(crate) fn timed(system: &System) -> Simulation {
    run(system, &Request { trials: 2_048, seed: Seed(7), ..Request::default() })
}

pub(crate) fn quality() -> DataQuality {
    DataQuality {
        age_days: Some(12),
        has_observed_at: true,
        has_at: true,
        coverage: Some(0.9),
        assumed: vec!["probability of 4 of 4 dependencies is a default".to_owned()],
        not_modelled: vec!["overload".to_owned()],
    }
}

pub(crate) fn simulation_report<'a>(
    system: &'a System,
    simulation: &'a Simulation,
    quality: &'a DataQuality,
) -> SimulationReport<'a> {
    SimulationReport {
        system,
        simulation,
        uncertainty: None,
        sensitivities: None,
        quality,
        faults: vec!["crash@payment".to_owned()],
        topology_sha256: "00ff".to_owned(),
        response: crate::fault::Response::default(),
        at: None,
        limits: vec!["what is not listed as a dependency carries no failure here".to_owned()],
        services: ServiceList::All,
        command: "shockfront simulate retail.yaml --fault crash@payment --trials 2048 --seed 7".to_owned(),
    }
}

fn floor() -> Floor {
    let (rule, because) = ("ai-assisted-by-junior-or-mid".to_owned(), "the author is a junior".to_owned());
    Floor { rule, raises_to: Band::Orange, because, overridden: None }
}

fn journey_risk() -> JourneyRisk {
    let expected_user_minutes = estimate(21_400.0, 20_100.0, 22_700.0);
    JourneyRisk {
        name: "buy".to_owned(),
        expected_user_minutes: Some(expected_user_minutes),
        budget_share: Some(0.05),
        remaining: None,
    }
}

pub(crate) fn assessment(system: &System) -> Assessment {
    let sign = |who: &str, role, because: &str, given_by: Option<&str>| SignOff {
        who: who.to_owned(),
        role,
        because: vec![because.to_owned()],
        required: true,
        given_by: given_by.map(str::to_owned),
        rule: "band-orange".to_owned(),
    };
    let path = |steps: &[&str], probability| Path { steps: steps.iter().map(|step| (*step).to_owned()).collect(), probability };
    Assessment {
        title: Some("Raise the pool size of the payment client".to_owned()),
        services: vec!["payment".to_owned()],
        unmapped: vec!["docs/notes.md".to_owned()],
        not_deployed: Vec::new(),
        n_files: 3,
        ai: Assisted { answer: TriState::Yes, basis: Basis::Derived },
        ai_evidence: vec!["commit 1a2b3c names a tool in `Co-authored-by`".to_owned()],
        verdict: Verdict {
            band: Band::Orange,
            score_band: Band::Yellow,
            score: 38.2,
            interval: Interval { low: 37.1, high: 39.4 },
            settled: true,
            band_limits: [20.0, 40.0, 60.0],
            gate: Gate::SignOffRequired,
        },
        fault_probability: FaultProbability {
            belief: estimate(0.061, 0.02, 0.13),
            factors: vec![Factor {
                name: "ai_assisted",
                odds_ratio: estimate(1.28, 1.02, 1.61),
                because: "commits carry signs of it".to_owned(),
                source: "R12",
            }],
        },
        impact: Some(timed(system)),
        uncertainty: None,
        faults: vec!["bad_deploy@payment".to_owned()],
        breach: Some(estimate(0.013, 0.011, 0.015)),
        expected_user_minutes: Some(estimate(21_400.0, 20_100.0, 22_700.0)),
        journeys: vec![journey_risk()],
        sign_off: vec![
            sign("@shop/payments", "service owner", "checkout is impaired in 67 % of trials", None),
            sign("a senior engineer", "senior engineer", "the author is a junior and an AI tool helped", Some("lee")),
        ],
        missing: vec!["sign-off of @shop/payments".to_owned()],
        floors: vec![floor()],
        signers: vec![Signer { who: "sam".to_owned(), covers: vec!["@shop/payments".to_owned()] }],
        forecast: "0f1e2d3c4b5a".to_owned(),
        heads: vec!["1a2b3c4d5e6f7a8b9c0d".to_owned()],
        policy: None,
        paths: vec![
            path(&["payment"], 1.0),
            path(&["payment", "checkout"], 0.67),
            path(&["payment", "checkout", "frontend"], 0.45),
        ],
        explanation: None,
        mitigations: None,
        topology_edit: None,
        advice: vec!["release to 5 % first and watch for 15 min".to_owned()],
        notes: Vec::new(),
        data_quality: quality(),
        limits: vec!["what is not listed as a dependency carries no failure here".to_owned()],
    }
}

pub(crate) fn assessment_report<'a>(system: &'a System, assessment: &'a Assessment) -> AssessmentReport<'a> {
    AssessmentReport {
        system,
        assessment,
        topology_sha256: "00ff".to_owned(),
        response: crate::fault::Response::default(),
        at: Some("2026-03-05T14:00:00-05:00".to_owned()),
        services: ServiceList::All,
        command: "shockfront assess retail.yaml --change change.yaml --trials 2048 --seed 7".to_owned(),
    }
}
