//! Graphs on which a settling loop could run for ever, or an outage could feed itself: every one ends, with values worked out by hand,
//! by every engine with a clock, and all is well again when the cause is gone (model.md §2.2 and §2.5).

mod common;

use common::*;
use shockfront::model::draft::{Draft, DraftDependency};
use shockfront::model::facts::{Channels, Dependency, DependencyKind, Journey, OnInvalid, Requires};
use shockfront::model::{DurationLaw, System};
use shockfront::units::Ticks;

/// A service or operation, share of its requests that fail while the cause lasts, minutes down, minutes impaired.
type Expected<'a> = (&'a str, f64, f64, f64);

const CRASH: &str = "crash@s,detect=0m,repair=10m";
const THIRD: &str = "error_rate@s,rate=0.3,detect=0m,repair=10m";
/// While it lasts, 0.3 of the requests fail: nothing is down.
const STAYS: (f64, f64, f64) = (0.3, 0.0, 10.0);
const DOWN: (f64, f64, f64) = (1.0, 10.0, 10.0);
const WELL: (f64, f64, f64) = (0.0, 0.0, 0.0);

/// With a journey to every service and operation named, to see their severity.
fn seen(mut draft: Draft, names: &[&str]) -> System {
    for name in names {
        let journey = Journey { needs: vec![(*name).to_owned()], users_per_minute: Some(1e6), ..Journey::default() };
        draft.journeys.push(((*name).to_owned(), journey));
    }
    build(draft)
}

/// The exact engine finds these values, trials find them within four standard errors, and harm ends within the outage of ten minutes.
fn expect(draft: &Draft, faults: &[&str], expected: &[Expected<'_>]) {
    let system = seen(draft.clone(), &expected.iter().map(|(name, ..)| *name).collect::<Vec<_>>());
    for how in [TIMED_EXACT, How { trials: 600, ..TIMED }, How { trials: 600, ..EVENTS }] {
        let found = run(&system, faults, how);
        assert_eq!(found.censored, 0.0, "all is well in the end: {faults:?} {how:?}");
        for (name, severity, down, impaired) in expected {
            let journey = found.journeys.iter().find(|journey| journey.name == *name).expect(name);
            let lost = journey.user_minutes;
            let service = system.find_service(name).and_then(|id| found.service(id));
            let mut pairs = vec![(lost.mean.mean / 1e6, lost.standard_deviation / 1e6, severity * 10.0), {
                let time = journey.downtime;
                (time.mean.mean, time.standard_deviation, *down)
            }];
            if system.find_service(name).is_some() {
                let times = service.map(|service| service.times().expect("a clock"));
                let of =
                    times.map_or((0.0, 0.0), |times| (times.impaired_time.mean.mean, times.impaired_time.standard_deviation));
                pairs.push((of.0, of.1, *impaired));
            }
            for (found, deviation, expected) in pairs {
                let tolerance = if how.exact { 1e-5 } else { 1e-5 + 4.0 * deviation / (how.trials as f64).sqrt() };
                assert!((found - expected).abs() <= tolerance, "{name}: {found}, expected {expected}, {faults:?} {how:?}");
            }
        }
    }
}

fn all(names: &str, (severity, down, impaired): (f64, f64, f64)) -> Vec<Expected<'_>> {
    names.split_whitespace().map(|name| (name, severity, down, impaired)).collect()
}

#[test]
fn a_pair_that_feeds_itself() {
    for arcs in ["s>a a>b b>a", "s>a a>s s>b b>a"] {
        expect(&draft(arcs), &[CRASH], &all("s a b", DOWN));
        expect(&draft(arcs), &[THIRD], &all("s a b", STAYS));
    }
}

#[test]
fn two_rings_with_one_service_in_common() {
    let eight = draft("m>s s>b b>m m>c c>d d>m s>t c>t");
    expect(&eight, &[CRASH], &all("m s b c d t", DOWN));
    // Beyond the rings two ways to fail are two: 1 − 0.7².
    expect(&eight, &[THIRD], &[all("m s b c d", STAYS), vec![("t", 0.51, 10.0, 10.0)]].concat());
    // Of two causes on the rings the worse one goes round.
    let worse = "error_rate@c,rate=0.6,detect=0m,repair=10m";
    let t = ("t", 1.0 - 0.4 * 0.4, 10.0, 10.0);
    expect(&eight, &[THIRD, worse], &[all("m s b c d", (0.6, 10.0, 10.0)), vec![t]].concat());
}

#[test]
fn everybody_needs_everybody() {
    let names = ["s", "a", "b", "c", "d", "e"];
    let pairs =
        names.iter().flat_map(|one| names.iter().filter(move |other| *other != one).map(move |other| format!("{one}>{other}")));
    let complete = draft(&pairs.collect::<Vec<_>>().join(" "));
    expect(&complete, &[CRASH], &all("s a b c d e", DOWN));
    expect(&complete, &[THIRD], &all("s a b c d e", STAYS));
}

#[test]
fn a_ring_of_512() {
    let arcs: Vec<String> = (0..511).map(|at| format!("n{at}>n{}", at + 1)).chain(["n511>n0".to_owned()]).collect();
    let ring = draft(&arcs.join(" ").replace("n0>", "s>").replace(">n0", ">s"));
    for (fault, values) in [(CRASH, DOWN), (THIRD, STAYS)] {
        expect(&ring, &[fault], &all("s n1 n256 n511", values));
        assert_eq!(run(&build(ring.clone()), &[fault], TIMED_EXACT).reach.mean.mean, 512.0);
    }
}

#[test]
fn rings_within_rings() {
    let nested = |back: &str| draft(&format!("s>a a>b b>a a>c b>c c>e e>c c>d d>a:{back}"));
    expect(&nested("1"), &[CRASH], &all("s a b c d e", DOWN));
    // While the outer ring is closed all of it is one circle; while it is open, c has two providers that fail.
    expect(&nested("1"), &[THIRD], &all("s a b c d e", STAYS));
    expect(&nested("0"), &[THIRD], &[all("s a b", STAYS), all("c d e", (0.51, 10.0, 10.0))].concat());
    let half = (0.5 * (0.3 + 0.51), 5.0, 10.0);
    expect(&nested("0.5"), &[THIRD], &[all("s a b", STAYS), all("c d e", half)].concat());
}

/// Errors go round in two of ten trials; that delay, which nobody has, could go round in more closes no circle of errors.
#[test]
fn a_ring_is_closed_by_errors_only() {
    let nested = draft("s>a a>b b>a a>c b>c c>e e>c c>d d>a:0.2");
    let expected = [all("s a b", STAYS), all("c d e", (0.2 * 0.3 + 0.8 * 0.51, 8.0, 10.0))].concat();
    expect(&nested, &[THIRD], &expected);
    expect(&with_dependency(nested, "d>a", |known| known.kind = Some(DependencyKind::Soft)), &[THIRD], &expected);
}

#[test]
fn a_gate_within_a_ring() {
    // t needs two of three; s and b need t.
    let of = ["s", "b", "c"].map(str::to_owned).to_vec();
    let gate = with_service(draft("s>t b>t c>t t>s t>b"), "t", |t| t.requires = Some(Requires { at_least: 2, of }));
    // The gate would stay open once it was open: it never opens.
    expect(&gate, &[CRASH], &[all("s", DOWN), all("t b c", WELL)].concat());
    expect(&gate, &[THIRD], &[all("s", STAYS), all("t b c", WELL)].concat());
    // Two are lost, and then b as well; the second worst of three is still what it was.
    expect(&gate, &[CRASH, "crash@c,detect=0m,repair=10m"], &all("s t b c", DOWN));
    let worse = "error_rate@c,rate=0.6,detect=0m,repair=10m";
    expect(&gate, &[THIRD, worse], &[all("s t b", STAYS), all("c", (0.6, 10.0, 10.0))].concat());
    // c is back after five minutes: one is lost too few, although t and b fail because of each other.
    let short = "crash@c,detect=0m,repair=5m";
    expect(&gate, &[CRASH, short], &[all("s", DOWN), all("t b c", (0.5, 5.0, 5.0))].concat());
}

#[test]
fn a_ring_through_operations_of_the_same_services() {
    let arcs = |closing: &str| {
        let arcs = format!("s.A>y.A y.A>s.B s.B>y.B {closing}");
        let mut operations = draft(&arcs);
        operations.services.clear();
        for name in ["s", "y"] {
            let with =
                with_service(draft(&format!("{name}>other")), name, |it| it.operations = vec!["A".to_owned(), "B".to_owned()]);
            operations.services.push(with.services.into_iter().find(|(known, _)| known == name).expect("it"));
        }
        operations
    };
    let fault = |operation: &str, rate: &str| format!("error_rate@s.{operation},rate={rate},detect=0m,repair=10m");
    for (rate, values) in [("0.3", STAYS), ("1", DOWN)] {
        // A spiral, though a ring of services: what starts in the middle goes on to its end only.
        let spiral = arcs("");
        expect(&spiral, &[&fault("A", rate)], &all("s y s.A s.B y.A y.B", values));
        expect(&spiral, &[&fault("B", rate)], &[all("s y s.B y.B", values), all("s.A y.A", WELL)].concat());
        expect(&arcs("y.B>s.A"), &[&fault("B", rate)], &all("s y s.A s.B y.A y.B", values));
    }
}

#[test]
fn a_ring_in_which_delay_becomes_errors() {
    let usual = Some(Ticks(Ticks::PER_SECOND / 10));
    let mut ring = draft("s>b b>c c>s");
    ring.services.iter_mut().for_each(|(_, service)| service.latency = usual);
    let ring = with_dependency(ring, "s>b", |known| known.facts.timeout = Some(Ticks(Ticks::PER_SECOND)));
    // Half a second is waited for, round the ring and no longer than at its source.
    expect(&ring, &["latency@s,factor=5,detect=0m,repair=10m"], &all("s b c", (0.0, 0.0, 10.0)));
    // Three seconds are not; the errors come back to the source of the delay.
    expect(&ring, &["latency@s,factor=30,detect=0m,repair=10m"], &all("s b c", DOWN));
    expect(&ring, &[THIRD], &all("s b c", STAYS));
}

/// A ring of wrong data in which one consumer refuses what its validator finds.
fn ring_of_data(carries: Channels) -> Draft {
    let mut ring = draft("s>b b>c c>s");
    for dependency in &mut ring.dependencies {
        dependency.facts.carries = Some(Channels::ERRORS.with(Channels::DATA));
    }
    with_dependency(ring, "s>b", |known| {
        known.facts.carries = Some(carries);
        known.facts.validated = Some(Some(true));
        known.facts.on_invalid = Some(OnInvalid::Reject);
    })
}

/// The validator works in nine of ten trials: then requests fail, round to the source; otherwise wrong answers go round.
fn refused(carries: Channels) {
    let ring = ring_of_data(carries);
    let wrong = |share: &str| format!("corrupt_output@s,wrong={share},detect=0m,repair=10m,unwind=0m");
    expect(&ring, &[&wrong("1")], &all("s b c", (0.9, 9.0, 10.0)));
    expect(&ring, &[&wrong("0.3")], &all("s b c", (0.27, 0.0, 10.0)));
    let system = build(ring);
    for how in [TIMED_EXACT, How { trials: 4_000, ..TIMED }, How { trials: 4_000, ..EVENTS }] {
        let found = run(&system, &[&wrong("0.3")], how);
        for (name, expected) in [("s", 1.0), ("b", 0.1), ("c", 0.1)] {
            let corrupt = found.service(system.find_service(name).expect(name)).expect("reached").corrupt.mean;
            let tolerance = if how.exact { 1e-9 } else { 4.0 * (0.09_f64 / 4_000.0).sqrt() };
            assert!((corrupt - expected).abs() <= tolerance, "{name}: {corrupt} {how:?}");
        }
    }
}

#[test]
fn a_ring_of_data_that_one_of_them_refuses() {
    refused(Channels::DATA);
}

/// Where errors cross as well, those that the refusal made come back to where it was made.
#[test]
fn a_refusal_that_comes_back_is_one_cause() {
    refused(Channels::ERRORS.with(Channels::DATA));
}

#[test]
fn a_ring_of_running_and_starting() {
    // a needs s while it runs; s needs a to come up.
    let mut ring = with_service(draft("s>a"), "s", |s| s.cold_start = Some(DurationLaw::Constant(Ticks::from_minutes(5.0))));
    ring.dependencies.push(DraftDependency {
        from: "s".to_owned(),
        to: "a".to_owned(),
        kind: Some(DependencyKind::Startup),
        facts: Dependency::default(),
    });
    // Repaired after 10, waits for a, which waits for it: started by hand after 30 more, up after 5.
    let crash = "crash@s,detect=0m,repair=10m,bootstrap=30m";
    expect(&ring, &[crash], &all("s a", (4.5, 45.0, 45.0)));
    // Whoever did not crash need not start.
    expect(&ring, &[THIRD], &all("s a", STAYS));
    expect(&ring, &["error_rate@s,rate=1,detect=0m,repair=10m"], &all("s a", DOWN));
    // Where a gets along without s, nobody waits for anybody.
    let loose = with_dependency(ring, "s>a", |known| known.facts.probability = common::rich::belief(0.0));
    expect(&loose, &[crash], &[all("s", (1.5, 15.0, 15.0)), all("a", WELL)].concat());
}

/// Several calls a request, all needed, fail more often than one; round a circle each request would make calls without end, and one of
/// them always fails. The loop ends at 1 and clears with its cause.
#[test]
fn several_calls_round_a_circle_all_fail() {
    let two = |known: &mut DraftDependency| known.facts.calls = Some(2.0);
    let pair = with_dependency(with_dependency(draft("s>a a>s"), "s>a", two), "a>s", two);
    expect(&pair, &[THIRD], &all("s a", DOWN));
    // On the way out of the circle only: 1 − 0.7².
    let once = with_dependency(draft("s>a a>s s>b"), "s>b", two);
    expect(&once, &[THIRD], &[all("s a", STAYS), all("b", (0.51, 10.0, 10.0))].concat());
}
