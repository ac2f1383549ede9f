//! Laws of how trials are divided: shards, looks, rows, all sources at once.

mod common;

use common::drafts::random_draft;
use common::*;
use proptest::prelude::*;
use shockfront::fault::{Fault, FaultKind, Response, Scenario};
use shockfront::lanes::Machine;
use shockfront::model::draft::{Draft, Nowhere};
use shockfront::model::facts::Journey;
use shockfront::model::{Compact, System};
use shockfront::propagation::ranking::{Failing, all_at_once, one_by_one, rank};
use shockfront::propagation::sampling::Rows;
use shockfront::propagation::{Request, Shard, Simulation, conclude, sample, simulate};
use shockfront::random::Seed;
use shockfront::report::part::{Part, RunInputs, join, part_json, read_part};
use shockfront::statistics::looks;
use shockfront::topology;
use shockfront::topology::generate::{self, Plan};
use std::sync::Mutex;

/// With a journey, so that users are counted.
fn with_users(mut draft: Draft) -> Draft {
    let needs = draft.services.iter().take(2).map(|(name, _)| name.clone()).collect();
    let journey = Journey { needs, users_per_minute: Some(100.0), slo: Some(99.9), ..Journey::default() };
    draft.journeys.push(("buy".to_owned(), journey));
    draft
}

fn crash(system: &System, compact: &Compact) -> Scenario {
    let fault = Fault::parse("crash@s0,detect=5m,repair=20m/90m").expect("a fault");
    Scenario::new(system, compact, &[fault], None).expect("s0 exists")
}

/// Harm in every state: failing, slow, wrong, down.
fn mixed(system: &System, compact: &Compact) -> Scenario {
    let texts = ["error_rate@s0,rate=0.3", "corrupt_output@s1,wrong=0.4", "crash@s1,at=30m,repair=20m/90m", "latency@s2,at=10m"];
    let faults = texts.map(|text| Fault::parse(text).expect("a fault"));
    Scenario::new(system, compact, &faults, None).expect("three services exist")
}

fn request<'a>(static_reach: bool, trials: u64, seed: u64) -> Request<'a> {
    Request { trials, seed: Seed(seed), static_reach, starved: true, series: !static_reach, ..Request::default() }
}

fn inputs(request: &Request<'_>) -> RunInputs {
    RunInputs {
        topology: "random.yaml".to_owned(),
        sha256: "00".to_owned(),
        faults: vec!["crash@s0".to_owned()],
        fault_file: None,
        fault_file_sha256: None,
        static_reach: request.static_reach,
        trials: request.trials,
        seed: request.seed.0,
        generator: shockfront::random::GENERATOR.to_owned(),
        at: None,
        horizon: None,
        responders: None,
        symptom_detection: false,
        series: request.series,
        services: None,
    }
}

/// Every shard of a run, written and read again.
fn parts(system: &System, compact: &Compact, scenario: &Scenario, request: &Request<'_>, of: u64) -> Vec<Part> {
    let shards = (0..of).map(|number| Shard { number, of });
    shards
        .map(|shard| {
            let sample = sample(system, compact, scenario, request, shard).expect("a sample");
            let part = read_part(&part_json(inputs(request), shard, &sample)).expect("a part");
            assert_eq!(part.sample().expect("sound").tally, sample.tally);
            part
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn shard_and_merge_equals_one_run(
        draft in random_draft(), seed in any::<u64>(), of in 1_u64..=5, trials in 1_u64..4_000, turn in 0_usize..5, fixed: bool,
        is_mixed: bool,
    ) {
        let system = build(with_users(draft));
        let compact = Compact::new(&system);
        let scenario = if is_mixed { mixed(&system, &compact) } else { crash(&system, &compact) };
        let request = request(fixed, trials, seed);
        let mut parts = parts(&system, &compact, &scenario, &request, of);
        parts.rotate_left(turn % of as usize);
        let whole = simulate(&system, &compact, &scenario, &request).expect("a simulation");
        let merged = conclude(&system, &compact, &scenario, &request, &join(&parts).expect("all parts")).expect("fits");
        prop_assert_eq!(whole, merged);
        // A part too many, one too few, one of another run.
        let twice = [&parts[..], &parts[..1]].concat();
        prop_assert!(join(&twice).expect_err("twice").1.contains("twice"));
        prop_assert!(join(&parts[1..]).is_err());
        let mut other = parts.clone();
        other[0].run.seed ^= 1;
        prop_assert!(of == 1 || join(&other).expect_err("another run").1.contains("`seed`"));
    }

    #[test]
    fn all_sources_at_once_equal_one_by_one(draft in random_draft(), seed in any::<u64>(), trials in 1_u64..1_400, kind in 0_usize..5) {
        let kinds = [FaultKind::Crash, FaultKind::Latency, FaultKind::CorruptOutput, FaultKind::BadDeploy, FaultKind::Expiry];
        same_ranking(&build(draft), kinds[kind], request(true, trials, seed));
    }

    #[test]
    fn rows_come_in_order_and_add_up(draft in random_draft(), seed in any::<u64>(), fixed: bool, threads in 1_usize..5) {
        let system = build(with_users(draft));
        let compact = Compact::new(&system);
        let seen = Mutex::new(Vec::new());
        let take = |rows: &Rows| seen.lock().expect("no panic").push(rows.clone());
        let request = Request { threads: Some(threads), rows: Some(&take), ..request(fixed, 1_700, seed) };
        let simulation = simulate(&system, &compact, &crash(&system, &compact), &request).expect("a simulation");
        let rows = seen.into_inner().expect("no panic").concat_rows();
        prop_assert_eq!((rows.first, rows.reach.len()), (0, 1_700));
        let sum: u64 = rows.reach.iter().sum();
        prop_assert_eq!(sum as f64 / 1_700.0, simulation.reach.mean.mean);
        if let Some(lost) = simulation.user_minutes {
            let sum: u64 = rows.milli_user_minutes.iter().sum();
            prop_assert!((sum as f64 / 1_700_000.0 - lost.mean.mean).abs() <= 1e-9 * lost.mean.mean);
            prop_assert_eq!(rows.censored.len(), 1_700);
        }
    }
}

trait Concatenated {
    fn concat_rows(self) -> Rows;
}

impl Concatenated for Vec<Rows> {
    /// Fails where one does not follow the other.
    fn concat_rows(self) -> Rows {
        self.into_iter().fold(Rows::default(), |mut all, next| {
            assert_eq!(next.first, all.reach.len() as u64);
            all.reach.extend(next.reach);
            all.milli_user_minutes.extend(next.milli_user_minutes);
            all.censored.extend(next.censored);
            all
        })
    }
}

#[track_caller]
fn same_ranking(system: &System, kind: FaultKind, request: Request<'_>) {
    let compact = Compact::new(system);
    let failing = Failing { kind, horizon: None, response: Response::default() };
    let expected = one_by_one(system, &compact, failing, &request).expect("a ranking");
    for (machine, threads) in [(Machine::widest(), 1), (Machine::Portable, 3)] {
        let request = Request { machine: Some(machine), threads: Some(threads), at: None, ..request_like(&request) };
        assert_eq!(rank(system, &compact, failing, &request).expect("a ranking"), expected, "{kind:?} {machine:?}");
        if let Some(at_once) = all_at_once(system, &compact, failing, &request) {
            assert_eq!(at_once, expected, "{kind:?} {machine:?}");
        }
        assert!(kind != FaultKind::Crash || all_at_once(system, &compact, failing, &request).is_some());
    }
}

fn request_like<'a>(request: &Request<'_>) -> Request<'a> {
    Request { trials: request.trials, seed: request.seed, static_reach: request.static_reach, ..Request::default() }
}

/// More sources than lanes, operations, groups, cycles.
#[test]
fn all_sources_of_larger_systems_equal_one_by_one() {
    let plan = Plan { services: 700, arcs: 3_000, seed: 5 };
    let system = System::build(generate::draft(plan).expect("a possible plan"), &Nowhere).expect("a valid draft");
    for kind in [FaultKind::Crash, FaultKind::Latency] {
        same_ranking(&system, kind, request(true, 600, 3));
    }
    // Plain dependencies: worlds are condensed. Sparse and dense, so that cycles are small and large.
    for arcs in [900, 2_400] {
        let mut text = Vec::new();
        generate::edge_list(Plan { services: 600, arcs, seed: 8 }, &mut text).expect("a possible plan");
        let system = topology::edge_list::read("plain.tsv", text.as_slice()).expect("a valid edge list");
        same_ranking(&system, FaultKind::Crash, request(true, 700, 3));
    }
    let cyclic = build(draft("a>b:.5 b>c:.6 c>a:.9 c>d:.3 d>e:.8 e>c:.7 a>e:.2"));
    same_ranking(&cyclic, FaultKind::Crash, request(true, 9_000, 4));
}

fn precise(system: &System, precision: f64, trials: u64, fixed: bool, threads: usize) -> Simulation {
    let compact = Compact::new(system);
    let request = Request { precision: Some(precision), threads: Some(threads), ..request(fixed, trials, 9) };
    simulate(system, &compact, &crash(system, &compact), &request).expect("a simulation")
}

/// A run that stops at a look is the run of so many trials, with the intervals of that look.
#[test]
fn a_run_stops_at_the_first_look_that_is_precise() {
    let system = build(with_users(draft("s0>a:.3 a>b:.5 s0>c:.01")));
    let compact = Compact::new(&system);
    for (fixed, precision, budget) in [(true, 0.01, 1 << 20), (true, 0.004, 1 << 20), (true, 1e-9, 20_000), (false, 0.05, 40_000)]
    {
        let found = precise(&system, precision, budget, fixed, 1);
        let look = looks(0.05, budget).find(|look| look.trials == found.trials).expect("a look");
        let at = |trials, confidence| {
            let request = Request { precision: Some(precision), confidence: Some(confidence), ..request(fixed, trials, 9) };
            simulate(&system, &compact, &crash(&system, &compact), &request).expect("a simulation")
        };
        assert_eq!(found, at(look.trials, look.confidence), "{precision}");
        assert_eq!(found, precise(&system, precision, budget, fixed, 3), "{precision}");
        let reached = found.precision.expect("asked");
        assert!(reached.is_reached() || found.trials == budget, "{reached:?}");
        // No earlier look was precise.
        for earlier in looks(0.05, budget).filter(|earlier| earlier.trials < look.trials) {
            assert!(!at(earlier.trials, earlier.confidence).precision.expect("asked").is_reached());
        }
    }
    assert!(precise(&system, 0.01, 1 << 20, true, 1).trials < 1 << 20, "this is precise early");
}

/// No trial loses a user, but one could: half of nothing is no precision. Where none can, nothing has to be known.
#[test]
fn nothing_seen_is_not_precise_unless_nothing_can_happen() {
    let users = |needs: &str| {
        let mut draft = draft("s0>a:.000000001 s0>c:1 x>y:1");
        let journey = Journey { needs: vec![needs.to_owned()], users_per_minute: Some(100.0), ..Journey::default() };
        draft.journeys.push(("buy".to_owned(), journey));
        build(draft)
    };
    let found = precise(&users("a"), 0.1, 16_384, false, 2);
    assert_eq!((found.trials, found.precision.expect("asked").user_minutes), (16_384, Some(f64::INFINITY)));
    let found = precise(&users("y"), 0.1, 16_384, false, 2);
    assert_eq!((found.trials, found.precision.expect("asked").user_minutes), (8_192, None));
}

/// Rows of a look that is run again are handed on once.
#[test]
fn rows_of_looks_come_once() {
    let system = build(with_users(draft("s0>a:.3 a>b:.5")));
    let compact = Compact::new(&system);
    let seen = Mutex::new(Vec::new());
    let take = |rows: &Rows| seen.lock().expect("no panic").push(rows.clone());
    let looking = Request { precision: Some(1e-9), rows: Some(&take), ..request(true, 20_000, 2) };
    simulate(&system, &compact, &crash(&system, &compact), &looking).expect("a simulation");
    let rows = seen.into_inner().expect("no panic").concat_rows();
    let all = Mutex::new(Vec::new());
    let take = |rows: &Rows| all.lock().expect("no panic").push(rows.clone());
    let at_once = Request { rows: Some(&take), ..request(true, 20_000, 2) };
    simulate(&system, &compact, &crash(&system, &compact), &at_once).expect("a simulation");
    assert_eq!(rows, all.into_inner().expect("no panic").concat_rows());
}

/// Numbers that no run can have are refused before anything is divided by them.
#[test]
fn parts_that_contradict_themselves_are_refused() {
    let system = build(with_users(draft("s0>a:.3 a>b:.5")));
    let compact = Compact::new(&system);
    let request = request(false, 2_000, 2);
    let part = sample(&system, &compact, &crash(&system, &compact), &request, Shard::ALL).expect("a sample");
    assert!(conclude(&system, &compact, &crash(&system, &compact), &request, &part).is_ok());
    // One without a series answers no question for one.
    let bare =
        Request { series: false, rows: None, trials: request.trials, seed: request.seed, starved: true, ..Request::default() };
    let other = sample(&system, &compact, &crash(&system, &compact), &bare, Shard::ALL).expect("a sample");
    assert!(conclude(&system, &compact, &crash(&system, &compact), &request, &other).is_err());
    let text = part_json(inputs(&request), Shard::ALL, &part);
    let schema: serde_json::Value = serde_json::from_str(&shockfront::report::part::part_schema()).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    let good: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert!(validator.is_valid(&good) && !validator.is_valid(&serde_json::json!({"schema": "shockfront/other/v1"})));
    for (pointer, value) in [
        ("/tally/services/0/impaired", 2_001),
        ("/tally/services/0/down", 2_001),
        ("/tally/censored", 2_001),
        ("/tally/trials", 1_999),
        ("/tally/reach/0/1", 1),
        ("/tally/reach_sums/3", 1),
        ("/tally/journeys/0/user_minutes/sums/3", 1),
        ("/tally/journeys/0/impaired", 2_001),
        ("/tally/journeys/0/down", 2_001),
        ("/tally/journeys/0/onset_at_zero", 1),
        ("/tally/series/0/0", 2_001),
        ("/tally/series/0/1", -2_001),
        ("/tally/services/0/times/alike/buckets/0/0", 3_000),
        ("/tally/services/0/times/alike/buckets/0/2", 0),
        ("/run/trials", 1_000),
        ("/shard/of", 2),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}: {text}")) = value.into();
        let refused = read_part(&bad.to_string()).map_or(true, |part| join(&[part]).is_err());
        assert!(refused, "{pointer}");
    }
    let degraded = build(with_users(draft("s0>s1:.3 s1>s2:.5")));
    let compact = Compact::new(&degraded);
    let part = sample(&degraded, &compact, &mixed(&degraded, &compact), &request, Shard::ALL).expect("a sample");
    let good: serde_json::Value = serde_json::from_str(&part_json(inputs(&request), Shard::ALL, &part)).expect("JSON");
    assert!(validator.is_valid(&good));
    let states = |name: &str| format!("/tally/services/1/times/states/{name}/5");
    for pointer in [states("degraded"), states("corrupt_only"), states("corrupt_down")] {
        let mut bad = good.clone();
        *bad.pointer_mut(&pointer).unwrap_or_else(|| panic!("{pointer}: {good}")) = 1_000_000_000_000_000_000_u64.into();
        assert!(read_part(&bad.to_string()).map_or(true, |part| join(&[part]).is_err()), "{pointer}");
    }
    let mut bad = good;
    bad.pointer_mut("/tally/services/1/times").and_then(|times| times.as_object_mut()?.remove("states")).expect("states");
    assert!(read_part(&bad.to_string()).is_ok_and(|part| join(&[part]).is_err()), "times without their states");
    assert!(read_part("{}").is_err() && read_part(&text.replace("0.1.0", "0.0.9")).is_err());
}
