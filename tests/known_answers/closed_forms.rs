//! Cases that need no trial: repair crews, beliefs and experiments, the monitor of incidents, scores of forecasts.

use super::common::{build, draft, yaml};
use shockfront::fault::{Fault, Scenario};
use shockfront::model::belief::uncertain;
use shockfront::model::{Compact, System};
use shockfront::propagation::{Request, simulate};
use shockfront::statistics::BetaBelief;
use shockfront::statistics::cusum::PoissonCusum;
use shockfront::statistics::forecast::{Forecast, brier, log_score};
use shockfront::statistics::learning::Evidence;
use shockfront::statistics::repairable::Repairable;
use shockfront::units::{DependencyId, Probability, ServiceId};

/// To 1e-9 of the closed form.
#[track_caller]
fn agree(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 1e-9, "{found} is not {expected}");
}

#[test]
fn v38_repair_crews() {
    let (rate, repair) = (0.01, 1.0);
    let one_crew = Repairable { units: 2, needed: 1, crews: 1 }.availability(rate, repair).expect("rates");
    // Both failed: π₂ = 2(λ/μ)² of 1 + 2λ/μ + 2(λ/μ)².
    agree(one_crew.down, 2e-4 / 1.0202);
    assert!((one_crew.up - 0.999_803_960_0).abs() < 5e-11);
    let independent = Repairable::independent(2, 1).availability(rate, repair).expect("rates");
    agree(independent.down, (rate / (rate + repair)).powi(2));
    assert!((independent.up - 0.999_901_970_4).abs() < 5e-11);
}

/// An untested fallback as the model page believes it: Beta(3.5, 6.5), the default of a soft dependency.
fn untested_fallback() -> BetaBelief {
    let system = yaml("services: {s: {}, t: {}}\ndependencies: [{from: t, to: s, kind: soft}]");
    beliefs(&system).remove(0).1
}

/// P(a service is ever impaired), exact and without a clock.
fn p_impaired(system: &System, faults: &[Fault], service: ServiceId) -> f64 {
    let compact = Compact::new(system);
    let scenario = Scenario::new(system, &compact, faults, None).expect("a scenario");
    let request = Request { static_reach: true, exact: true, ..Request::default() };
    simulate(system, &compact, &scenario, &request).expect("small").p_impaired(service)
}

/// Birnbaum's importance: P(impaired) with a dependency that always lets a failure through, minus that with one that never does.
fn birnbaum(system: &System, faults: &[Fault], service: ServiceId, id: DependencyId) -> f64 {
    let always = system.with_probability(id, Probability::ONE);
    p_impaired(&always, faults, service) - p_impaired(&system.without_crossing(id), faults, service)
}

#[test]
fn v14_importance() {
    let system = build(draft("s>a:.9 a>b:.8 a>c:.7 b>t:.6 c>t:.5"));
    let (t, crash) = (system.find_service("t").expect("t"), [Fault::parse("crash@s").expect("a fault")]);
    let p = p_impaired(&system, &crash, t);
    agree(p, 0.5958);
    for (id, expected) in system.dependency_ids().zip([0.662, 0.351, 0.234, 0.468, 0.3276]) {
        agree(birnbaum(&system, &crash, t, id), expected);
    }
    // Fussell–Vesely of a → b, and the risk achievement worth of b → t.
    let (ab, bt) = (DependencyId(1), DependencyId(3));
    assert!((1.0 - p_impaired(&system.without_crossing(ab), &crash, t) / p - 0.471_299).abs() < 5e-7);
    assert!((p_impaired(&system.with_probability(bt, Probability::ONE), &crash, t) / p - 1.314_199).abs() < 5e-7);
}

/// What the project believes of the dependencies of a system.
fn beliefs(system: &System) -> Vec<(DependencyId, BetaBelief)> {
    let of = |(a, b)| BetaBelief::new(a, b).expect("a belief is a beta law");
    uncertain(system).into_iter().map(|one| (one.dependency, of(one.beta()))).collect()
}

#[test]
fn v43_a_game_day_without_harm() {
    let before = untested_fallback();
    agree(before.parameters().0, 3.5);
    agree(before.parameters().1, 6.5);
    let after = before.after(0, 3, Evidence::GameDay.weight());
    agree(after.mean(), 3.5 / 13.0);
    assert!((after.mean() - 0.26923).abs() < 5e-6);
}

#[test]
fn v44_what_a_run_would_tell() {
    let gain = BetaBelief::new(1.0, 1.0).expect("flat").expected_information_gain();
    // Of a flat belief: ln 2 − 1/2.
    agree(gain, std::f64::consts::LN_2 - 0.5);
    assert!((gain - 0.193_147_2).abs() < 5e-8);
    let fallback = untested_fallback();
    assert!((fallback.expected_information_gain() - 0.047_191_2).abs() < 5e-8);
    let reduction = fallback.expected_variance_reduction(1.0, 3.0);
    agree(reduction, 0.35 * 0.65 / 11.0 * 3.0 / 13.0);
    assert!((reduction - 0.004_772_7).abs() < 5e-8);
}

#[test]
fn v46_weeks_until_the_monitor_rings() {
    // k = 3/2, h = 10/2.
    let monitor = PoissonCusum::new(2, 3, 10).expect("a monitor");
    for (rate, weeks) in [(1.0, 273.650), (2.0, 9.438), (4.0, 2.659)] {
        let found = monitor.average_run_length(rate).expect("a rate");
        assert!((found - weeks).abs() < 5e-4, "{rate}: {found}");
    }
}

#[test]
fn v49_scores_of_forecasts() {
    let forecasts: Vec<Forecast> =
        [(0.9, true), (0.7, true), (0.2, false), (0.1, true)].map(|(chance, happened)| Forecast { chance, happened }).to_vec();
    agree(brier(&forecasts).expect("four"), 0.2375);
    let log = log_score(&forecasts).expect("four");
    agree(log, -(0.9_f64 * 0.7 * 0.8 * 0.1).ln() / 4.0);
    assert!((log - 0.746_941).abs() < 5e-7);
}

#[test]
fn v51_which_experiment_teaches_most() {
    let mut believed = draft(super::V4);
    for dependency in &mut believed.dependencies {
        dependency.facts.probability.as_mut().expect("stated").strength = Some(10.0);
    }
    let system = build(believed);
    let beliefs = beliefs(&system);
    let t = system.find_service("t").expect("t");
    let crash = [Fault::parse("crash@s").expect("a fault")];
    let mut found: Vec<(String, f64)> = beliefs
        .iter()
        .map(|(id, belief)| {
            let name = |endpoint| system.endpoint_name(endpoint);
            let arc = format!("{}{}", name(system.provider(*id)), name(system.consumer(*id)));
            (arc, belief.expected_variance_reduction(birnbaum(&system, &crash, t, *id), 1.0))
        })
        .collect();
    found.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let expected = [("bt", 0.000_434_4), ("sa", 0.000_326_0), ("ct", 0.000_221_7), ("ab", 0.000_162_9), ("ac", 0.000_095_0)];
    assert_eq!(found.len(), expected.len());
    for ((arc, reduction), (expected_arc, printed)) in found.iter().zip(expected) {
        assert!(arc == expected_arc && (reduction - printed).abs() < 5e-8, "{arc} {reduction}, not {expected_arc} {printed}");
    }
}
