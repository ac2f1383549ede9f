//! What pictures are drawn from agrees with the numbers beside them: it comes from the same trials, changes nothing, and does not depend
//! on threads.

mod common;

use common::drafts::random_draft;
use common::{build, yaml};
use proptest::prelude::*;
use shockfront::fault::{Fault, Scenario};
use shockfront::model::{Compact, System};
use shockfront::propagation::result::{Curves, Exceedance};
use shockfront::propagation::{Request, Simulation, simulate};
use shockfront::random::Seed;

fn asked(system: &System, fault: &str, request: &Request<'_>) -> Simulation {
    let compact = Compact::new(system);
    let fault = Fault::parse(fault).unwrap_or_else(|(message, _)| panic!("{fault}: {message}"));
    let scenario = Scenario::new(system, &compact, &[fault], None).expect("a scenario");
    simulate(system, &compact, &scenario, request).expect("simulated")
}

fn falls(tail: &[Exceedance]) -> bool {
    tail.windows(2).all(|pair| pair[0].value < pair[1].value && pair[0].p_above.mean >= pair[1].p_above.mean)
}

/// P(X > x) at the first point of the grid from `value` on.
fn above(tail: &[Exceedance], value: f64) -> Option<f64> {
    tail.iter().find(|point| point.value >= value).map(|point| point.p_above.mean)
}

fn check(simulation: &Simulation, curves: &Curves) {
    let total: f64 = curves.reach.iter().map(|bin| bin.probability.mean).sum();
    assert!((total - 1.0).abs() < 1e-9, "{total}");
    assert!(curves.reach.iter().all(|bin| bin.probability.interval.contains(bin.probability.mean)));
    let worst = simulation.worst_hit();
    assert!(curves.services.iter().map(|one| one.service).eq(worst.iter().take(5).map(|one| one.service)));
    for service in &curves.services {
        let result = simulation.service(service.service).expect("it was hit");
        let times = result.times().expect("a clock");
        for (tail, summary) in [(&service.downtime, times.downtime), (&service.impaired_time, times.impaired_time)] {
            assert!(falls(tail), "{tail:?}");
            assert!(above(tail, summary.p95.value).is_none_or(|p| p <= 0.05 + 1e-9), "{tail:?} {summary:?}");
            assert!(above(tail, summary.p50.value).is_none_or(|p| p <= 0.5 + 1e-9), "{tail:?} {summary:?}");
        }
        let series = service.series.as_ref().expect("few services");
        let most = series.shares.iter().fold(0.0_f64, |most, share| most.max(*share));
        assert!(most <= result.impaired.mean + 1e-9, "at no minute more often than ever");
    }
    assert!(falls(&curves.user_minutes));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn pictures_agree_with_the_numbers(draft in random_draft(), seed in 0_u64..50) {
        let system = build(draft);
        let name = system.service_name(system.service_ids().next().expect("a service")).replace('.', "\\.");
        let fault = format!("crash@{name}");
        let request = |curves, threads| Request { trials: 700, seed: Seed(seed), curves, threads, ..Request::default() };
        let plain = asked(&system, &fault, &request(false, None));
        let mut pictured = asked(&system, &fault, &request(true, Some(1)));
        prop_assert_eq!(&pictured, &asked(&system, &fault, &request(true, Some(3))));
        let curves = pictured.curves.take().expect("asked");
        check(&pictured, &curves);
        prop_assert_eq!(plain, pictured, "nothing else changes");
    }
}

#[test]
fn sampled_curves_come_near_the_exact_ones() {
    let system = yaml(
        "services: {s: {detect: 5m, repair: 25m}, a: {restore_tail: 10m}, b: {}}\n\
         dependencies: [{from: a, to: s, probability: 0.4}, {from: b, to: a, probability: 0.5, buffer: 10m}]\n\
         journeys: {j: {needs: [b], users_per_minute: 100, slo: 99.9}}",
    );
    let of = |exact| asked(&system, "crash@s", &Request { trials: 20_000, exact, curves: true, ..Request::default() });
    let (exact, sampled) = (of(true), of(false));
    let (exact_curves, curves) = (exact.curves.clone().expect("asked"), sampled.curves.clone().expect("asked"));
    check(&exact, &exact_curves);
    check(&sampled, &curves);
    for (known, found) in exact_curves.services.iter().zip(&curves.services) {
        assert_eq!(known.service, found.service);
        for (known, found) in [(&known.downtime, &found.downtime), (&known.impaired_time, &found.impaired_time)] {
            assert_eq!(known.len(), found.len());
            for (known, found) in known.iter().zip(found) {
                assert_eq!(known.value, found.value);
                assert!((known.p_above.mean - found.p_above.mean).abs() < 0.02, "{known:?} {found:?}");
            }
        }
    }
    for (known, found) in exact_curves.reach.iter().zip(&curves.reach) {
        assert!((known.probability.mean - found.probability.mean).abs() < 0.02, "{known:?} {found:?}");
    }
}
