//! Laws of how trials are divided: shards, looks, rows, all sources at once.

mod common;

use common::drafts::random_draft;
use common::*;
use proptest::prelude::*;
use shockfront::fault::{Fault, FaultKind, Response, Scenario};
use shockfront::lanes::Machine;
use shockfront::model::draft::{Draft, Nowhere};
use shockfront::model::facts::Journey;
use shockfront::model::{Compact, DurationLaw, System};
use shockfront::propagation::ranking::{Failing, all_at_once, one_by_one, rank, rank_shard, rank_with_rows};
use shockfront::propagation::sampling::Rows;
use shockfront::propagation::{Request, Shard, Simulation, conclude, sample, sampled, simulate};
use shockfront::random::Seed;
use shockfront::report::part::{Part, RunInputs, join, part_json, read_part};
use shockfront::report::part_ranking::{AnyPart, RankingInputs, RankingPart, join_rankings, ranking_part_json, read_any_part};
use shockfront::report::part_set::SamplingInputs;
use shockfront::statistics::looks;
use shockfront::topology;
use shockfront::topology::generate::{self, Plan};
use shockfront::units::{ServiceId, Ticks};
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

fn sampling(request: &Request<'_>) -> SamplingInputs {
    SamplingInputs {
        trials: request.trials,
        seed: request.seed.0,
        generator: shockfront::random::GENERATOR.to_owned(),
        at: None,
        horizon: None,
        responders: None,
        symptom_detection: false,
    }
}

fn inputs(request: &Request<'_>) -> RunInputs {
    RunInputs {
        topology: "random.yaml".to_owned(),
        sha256: "00".to_owned(),
        faults: vec!["crash@s0".to_owned()],
        fault_file: None,
        fault_file_sha256: None,
        static_reach: request.static_reach,
        sampling: sampling(request),
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

/// Every shard of a ranking, written and read again.
fn ranking_parts(system: &System, failing: Failing, request: &Request<'_>, of: u64) -> Vec<RankingPart> {
    let compact = Compact::new(system);
    let asked = RankingInputs {
        topology: "random.yaml".to_owned(),
        sha256: "00".to_owned(),
        fault: failing.kind.name().to_owned(),
        static_reach: request.static_reach,
        by: None,
        top: 20,
        sampling: sampling(request),
    };
    let part = |number: u64| {
        let shard = Shard { number, of };
        let sample = rank_shard(system, &compact, failing, request, (shard, None)).expect("a sample");
        match read_any_part(&ranking_part_json(system, asked.clone(), shard, &sample)) {
            Ok(AnyPart::Ranking(part)) => *part,
            other => panic!("{other:?}"),
        }
    };
    (0..of).map(part).collect()
}

const CRASH: Failing =
    Failing { kind: FaultKind::Crash, horizon: None, response: Response { responders: None, symptom_detection: false } };

/// A ranking in shards is the ranking.
fn same_in_shards(system: &System, request: &Request<'_>, of: u64) {
    let mut parts = ranking_parts(system, CRASH, request, of);
    parts.reverse();
    let whole = rank(system, &Compact::new(system), CRASH, request).expect("a ranking");
    assert_eq!(join_rankings(system, &parts).expect("all parts").concluded(), whole);
    let twice = [&parts[..], &parts[..1]].concat();
    assert!(join_rankings(system, &twice).expect_err("twice").1.contains("twice"));
    assert!(join_rankings(system, &parts[1..]).is_err());
    parts[0].ranking.sampling.seed ^= 1;
    assert!(of == 1 || join_rankings(system, &parts).expect_err("another run").1.contains("`seed`"));
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
        other[0].run.sampling.seed ^= 1;
        prop_assert!(of == 1 || join(&other).expect_err("another run").1.contains("`seed`"));
    }

    #[test]
    fn shards_of_a_ranking_equal_one(
        draft in random_draft(), seed in any::<u64>(), of in 1_u64..=5, trials in 1_u64..2_000, fixed: bool,
    ) {
        same_in_shards(&build(with_users(draft)), &request(fixed, trials, seed), of);
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
    // With rules, and a cycle that lies across two groups of 512 sources.
    let arcs: Vec<String> = (0..700).map(|at| format!("s{at}>s{}:.9", (at + 1) % 700)).collect();
    let mut ring = draft(&arcs.join(" "));
    ring.dependencies[3].facts.buffer = Some(DurationLaw::Constant(Ticks(Ticks::PER_MINUTE)));
    let ring = build(ring);
    for kind in [FaultKind::Crash, FaultKind::Latency] {
        same_ranking(&ring, kind, request(true, 40, 3));
        let failing = Failing { kind, horizon: None, response: Response::default() };
        assert!(all_at_once(&ring, &Compact::new(&ring), failing, &request(true, 40, 3)).is_some(), "{kind:?}");
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

/// What is known of half of the trials does not have to be run again, and changes nothing.
#[test]
fn a_look_goes_on_where_the_look_before_ended() {
    let system = build(with_users(draft("s0>a:.3 a>b:.5 s0>c:.01")));
    let compact = Compact::new(&system);
    let scenario = crash(&system, &compact);
    for fixed in [true, false] {
        let counted = std::sync::atomic::AtomicU64::new(0);
        let count = |trials| {
            counted.fetch_add(trials, std::sync::atomic::Ordering::Relaxed);
        };
        let run = |trials, known| {
            counted.store(0, std::sync::atomic::Ordering::Relaxed);
            let asked = Request { progress: Some(&count), watch: vec![ServiceId(1)], ..request(fixed, trials, 9) };
            let (sample, found) = sampled(&system, &compact, &scenario, &asked, known).expect("a simulation");
            (sample, found, counted.load(std::sync::atomic::Ordering::Relaxed))
        };
        let (half, _, all) = run(1_024, None);
        assert_eq!(all, 1_024);
        let (whole, once, new) = run(2_048, Some(half.clone()));
        assert_eq!((&once, new), (&run(2_048, None).1, 1_024), "{fixed}");
        assert_eq!(run(4_096, Some(whole)).1, run(4_096, None).1, "{fixed}");
        // Batches of the mean are cut anew where a look is not the double of the one before.
        let (_, cut, new) = run(3_000, Some(half));
        assert_eq!((&cut, new), (&run(3_000, None).1, 3_000), "{fixed}");
    }
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

/// Where failures are plain all services share condensed worlds, 64 at a time; a shard may end within a batch of the last 512.
#[test]
fn plain_rankings_come_in_shards_too() {
    let system = build(draft("a>b:.5 b>c:.4 c>a:.3 c>d:.2 d>e:.9"));
    for (trials, of) in [(9_000, 3), (600, 5), (512, 2), (1, 2)] {
        same_in_shards(&system, &request(true, trials, 4), of);
    }
    // The rows of a shard are the rows of its trials.
    let rows = |shard: Option<Shard>| {
        let seen = Mutex::new(Vec::new());
        let take = |service: ServiceId, rows: &Rows| seen.lock().expect("no panic").push((service, rows.clone()));
        let (compact, request) = (Compact::new(&system), request(true, 1_500, 4));
        match shard {
            Some(shard) => drop(rank_shard(&system, &compact, CRASH, &request, (shard, Some(&take))).expect("a sample")),
            None => drop(rank_with_rows(&system, &compact, CRASH, &request, &take).expect("a ranking")),
        }
        let all = seen.into_inner().expect("no panic");
        let of = |service| {
            all.iter().filter(|(seen, _)| *seen == service).flat_map(|(_, rows)| rows.reach.clone()).collect::<Vec<_>>()
        };
        system.service_ids().map(of).collect::<Vec<_>>()
    };
    let [first, second] = [0, 1].map(|number| rows(Some(Shard { number, of: 2 })));
    let joined: Vec<Vec<u64>> = first.into_iter().zip(second).map(|(first, second)| [first, second].concat()).collect();
    assert_eq!(joined, rows(None));
}

/// Numbers that no ranking can have are refused.
#[test]
fn parts_of_rankings_that_contradict_themselves_are_refused() {
    let system = build(with_users(draft("s0>a:.3 a>b:.5")));
    for fixed in [false, true] {
        let part = ranking_parts(&system, CRASH, &request(fixed, 2_000, 2), 1).remove(0);
        let good = serde_json::to_value(&part).expect("JSON");
        let schema: serde_json::Value = serde_json::from_str(&shockfront::report::part_ranking::part_schema()).expect("JSON");
        assert!(jsonschema::validator_for(&schema).expect("a valid schema").is_valid(&good));
        for (pointer, value) in [
            ("/services/0/reach/0", serde_json::json!(6_001)),
            ("/services/0/reach", serde_json::json!([1, 2])),
            ("/services/0/name", serde_json::json!("nobody")),
            ("/services/1/name", serde_json::json!("s0")),
            ("/services/0/downtime", if fixed { serde_json::json!([0]) } else { serde_json::Value::Null }),
            ("/horizon_minutes", if fixed { serde_json::json!(60.0) } else { serde_json::Value::Null }),
            ("/ranking/static_reach", serde_json::json!(!fixed)),
            ("/shard/of", serde_json::json!(2)),
        ] {
            let mut bad = good.clone();
            let (parent, key) = pointer.rsplit_once('/').expect("a path");
            match bad.pointer_mut(parent).expect("there") {
                serde_json::Value::Object(object) => drop(object.insert(key.to_owned(), value)),
                serde_json::Value::Array(list) => list[key.parse::<usize>().expect("a position")] = value,
                _ => panic!("{pointer}"),
            }
            let refused = match read_any_part(&bad.to_string()) {
                Ok(AnyPart::Ranking(part)) => join_rankings(&system, &[*part]).is_err(),
                _ => true,
            };
            assert!(refused, "{pointer}");
        }
    }
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

/// Rows of long runs come in windows, in order and all of them; what they add up to is the run without rows.
#[test]
fn rows_of_long_runs_come_in_windows() {
    let system = build(draft("s0>a:.3 a>b:.5"));
    let compact = Compact::new(&system);
    for precision in [None, Some(1e-9)] {
        let windows = Mutex::new(Vec::new());
        let take = |rows: &Rows| windows.lock().expect("no panic").push(rows.clone());
        let asked = Request { precision, ..request(true, 600_000, 2) };
        let found =
            simulate(&system, &compact, &crash(&system, &compact), &Request { rows: Some(&take), ..asked }).expect("rows");
        let windows = windows.into_inner().expect("no panic");
        assert!(windows.len() > 1, "{} windows", windows.len());
        let rows = windows.concat_rows();
        assert_eq!(rows.reach.len(), 600_000);
        let sum: u64 = rows.reach.iter().sum();
        assert_eq!(sum as f64 / 600_000.0, found.reach.mean.mean);
        let asked = Request { precision, ..request(true, 600_000, 2) };
        assert_eq!(found, simulate(&system, &compact, &crash(&system, &compact), &asked).expect("no rows"));
    }
}

/// Nothing seen in the first look is not known not to happen where it would be large.
#[test]
fn what_was_not_seen_keeps_a_run_from_being_precise() {
    // Reach is 1 but for one trial in ten thousand, in which it is 3,002: 1.3 on average.
    let rare: Vec<String> = (0..3_000).map(|at| format!("a>b{at}:1")).collect();
    let system = build(draft(&format!("s0>a:.0001 {}", rare.join(" "))));
    let found = precise(&system, 0.01, 16_384, false, 2);
    assert_eq!(found.trials, 16_384, "{:?}", found.precision);
    assert!(!found.precision.expect("asked").is_reached());
    // Where all is certain there is nothing to see.
    let system = build(draft(&format!("s0>a:1 {}", rare.join(" "))));
    assert_eq!(precise(&system, 0.01, 16_384, false, 2).trials, 8_192);
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
    let schema: serde_json::Value = serde_json::from_str(&shockfront::report::part_ranking::part_schema()).expect("JSON");
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
        ("/tally/services/0/times/downtime/buckets", 0),
        ("/run/sampling/trials", 1_000),
        ("/shard/of", 2),
    ] {
        let mut bad = good.clone();
        let place = bad.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}: {text}"));
        // A trial stands in both of two lists that have none in common.
        *place = if place.is_array() { serde_json::json!([[1, 5, 5, 5]]) } else { value.into() };
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
