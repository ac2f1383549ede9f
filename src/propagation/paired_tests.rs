//! Two simulations on the same random numbers.

use super::*;
use crate::fault::{Fault, FaultKind};
use crate::model::draft::{Draft, DraftDependency, Nowhere};
use crate::model::facts::{Belief, Dependency, Journey, Service};
use crate::units::{DependencyId, Probability};

/// V4 of model.md: s>a .9, a>b .8, a>c .7, b>t .6, c>t .5; people use t.
fn v4() -> System {
    let mut draft = Draft::default();
    for name in ["s", "a", "b", "c", "t"] {
        draft.services.push((name.to_owned(), Service::default()));
    }
    for (to, from, p) in [("s", "a", 0.9), ("a", "b", 0.8), ("a", "c", 0.7), ("b", "t", 0.6), ("c", "t", 0.5)] {
        let facts =
            Dependency { probability: Some(Belief { mean: Probability::clipped(p), strength: None }), ..Dependency::default() };
        draft.dependencies.push(DraftDependency { from: from.to_owned(), to: to.to_owned(), kind: None, facts });
    }
    let needs = vec!["t".to_owned()];
    draft.journeys.push(("use".to_owned(), Journey { needs, users_per_minute: Some(10.0), ..Journey::default() }));
    System::build(draft, &Nowhere).expect("valid")
}

fn compared(after: &System, request: &Request<'_>) -> Paired {
    let before = v4();
    let compact = [Compact::new(&before), Compact::new(after)];
    let fault = [Fault::new(FaultKind::Crash, "s")];
    let scenarios =
        [(&before, &compact[0]), (after, &compact[1])].map(|(system, compact)| Scenario::new(system, compact, &fault, None));
    let [first, second] = scenarios.map(|scenario| scenario.expect("a scenario"));
    let side = |system, compact, scenario| Side { system, compact, scenario, watch: &[], budgets: &[] };
    let found = paired(side(&before, &compact[0], &first), side(after, &compact[1], &second), request);
    found.expect("comparable")
}

fn v17() -> System {
    v4().with_probability(DependencyId(4), Probability::clipped(0.1))
}

fn service<'a>(found: &'a Paired, name: &str) -> &'a ServicePair {
    found.services.iter().find(|service| service.name == name).expect(name)
}

#[test]
fn v17_exactly_and_sampled() {
    let exact = compared(&v17(), &Request { static_reach: true, exact: true, ..Request::default() });
    let t = service(&exact, "t").impaired.difference;
    assert!((t.mean + 0.131_04).abs() < 1e-12 && t.interval.low == t.mean, "{t:?}");
    assert!((exact.reach.difference.mean + 0.131_04).abs() < 1e-12 && !exact.is_without_effect());
    let request = Request { trials: 40_000, static_reach: true, seed: crate::random::Seed(3), ..Request::default() };
    let sampled = compared(&v17(), &request);
    let t = service(&sampled, "t").impaired.difference;
    assert!(t.interval.contains(-0.131_04), "{t:?}");
    // Variance of a paired difference is p(1 − p) with p = 0.131, of two independent runs twice as much and more.
    assert!(t.interval.high - t.interval.low < 0.0070, "{t:?}");
    let differing = sampled.differing.expect("sampled");
    assert!((differing.mean + t.mean).abs() < 1e-12, "who differs is t alone");
    assert_eq!(service(&sampled, "a").impaired.difference.mean, 0.0);
}

#[test]
fn a_change_without_effect_says_so() {
    for static_reach in [true, false] {
        let found = compared(&v4(), &Request { trials: 2_000, static_reach, ..Request::default() });
        assert!(found.is_without_effect());
        assert_eq!((found.before, found.differing.map(|share| share.mean)), (found.after, Some(0.0)));
    }
}

#[test]
fn both_sides_are_the_simulations_that_are_run_alone() {
    let (system, fault) = (v17(), [Fault::new(FaultKind::Crash, "s")]);
    let compact = Compact::new(&system);
    let scenario = Scenario::new(&system, &compact, &fault, None).expect("a scenario");
    for static_reach in [true, false] {
        let request = Request { trials: 1_500, static_reach, ..Request::default() };
        let alone = super::super::simulate(&system, &compact, &scenario, &request).expect("simulated");
        assert_eq!(compared(&system, &request).after, alone);
    }
}

#[test]
fn threads_and_events_change_no_byte() {
    let ask = |threads, events_only| {
        let found = compared(&v17(), &Request { trials: 9_000, threads: Some(threads), events_only, ..Request::default() });
        (found.services, found.journeys, found.reach, found.user_minutes, found.differing)
    };
    let one = ask(1, false);
    assert_eq!(one, ask(3, false));
    assert_eq!(one, ask(2, true));
}

#[test]
fn intervals_of_differences_cover() {
    // 200 seeds, 1,024 trials each: the truth is −0.13104 for P(t) and for mean reach. With a true coverage of 0.95, fewer than
    // 178 or more than 199 of 200 have a probability below 1e-3.
    let covered = |of: fn(&Paired) -> Estimate| {
        let seeds = (0..200).filter(|seed| {
            let request = Request { trials: 1_024, static_reach: true, seed: crate::random::Seed(*seed), ..Request::default() };
            of(&compared(&v17(), &request)).interval.contains(-0.131_04)
        });
        seeds.count()
    };
    let (services, reach) = (covered(|found| service(found, "t").impaired.difference), covered(|found| found.reach.difference));
    assert!((178..200).contains(&services) && (178..200).contains(&reach), "{services} {reach}");
}
