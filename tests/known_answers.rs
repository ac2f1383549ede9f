//! The verification table of the model, by number: closed forms against every engine that answers the question.
//!
//! Exact answers agree to 1e-9 relative, sampled ones within four standard errors at a million static trials. Arc notation:
//! `provider>consumer:probability`; reach includes the source. `cargo test v14` finds case 14 wherever it is.
//!
//! Here: V1 to V15, V17, V34, V37 and V52 (chances), `timed.rs` V25, V27 to V33, V35, V36, V39, V40 and V48 (times), `closed_forms.rs`
//! V14, V38, V43, V44, V46, V49 and V51 (beliefs, forecasts and other numbers without a fault in time). Next to the pure function that
//! answers them: V11 to V13 and V48 (`propagation/transfer.rs`), V17 (`propagation/paired_tests.rs`), V16 (`risk/paths.rs`), V18 to V21
//! (`propagation/load.rs`), V22 and V23 (`statistics/erlang.rs`), V24, V26 and V27 (`propagation/waiting.rs`), V25 (`fault/pool.rs`), V29
//! (`units/duration.rs`), V29 and V30 (`statistics/lognormal.rs`), V41 (`statistics/beta.rs`), V42 (`statistics/proportion.rs`), V45
//! (`risk/score.rs`), V47 (`propagation/breaker.rs`), V50 (`random_tests.rs`), V10 and V52 (`statistics/binomial.rs`). Of the load, V21,
//! V24 and V26 run through the engine in `tests/semantics_load.rs`; V17 through the command in `tests/cli/compare.rs`.

#[path = "known_answers/closed_forms.rs"]
mod closed_forms;
mod common;
#[path = "known_answers/timed.rs"]
mod timed;

use common::*;
use shockfront::fault::{Fault, FaultKind, Response, Scenario};
use shockfront::model::facts::{DependencyKind, Requires};
use shockfront::model::{Compact, System};
use shockfront::propagation::ranking::{Failing, all_at_once, one_by_one, rank};
use shockfront::propagation::{Request, Solver, transfer, uncertainty};

const V4: &str = "s>a:.9 a>b:.8 a>c:.7 b>t:.6 c>t:.5";

#[test]
fn v1_series() {
    check_p("s>a:.9 a>b:.8 b>t:.7", "s", &[("t", 0.9 * 0.8 * 0.7)], None);
}

#[test]
fn v2_parallel() {
    check_p("s>a:.9 a>t:.8 s>b:.7 b>t:.6", "s", &[("t", 1.0 - (1.0 - 0.72) * (1.0 - 0.42))], None);
}

#[test]
fn v3_a_shared_provider_is_one_cause() {
    // The failure of the shared provider is one event: three paths do not make three chances of it.
    check_p("s>d:.999 d>a d>b d>c a>t b>t c>t", "s", &[("t", 0.999)], None);
}

#[test]
fn v4_diamond() {
    check_p(V4, "s", &[("t", 0.5958)], Some(3.8458));
}

#[test]
fn v5_naive_recursion_is_an_upper_bound() {
    let (a, b, c) = (0.9, 0.9 * 0.8, 0.9 * 0.7);
    let naive = 1.0 - (1.0 - 0.6 * b) * (1.0 - 0.5 * c);
    assert!((naive - 0.61092_f64).abs() < 5e-6 && a < 1.0);
    let system = build(draft(V4));
    assert!(naive >= p(&system, &run(&system, &["crash@s"], STATIC_EXACT), "t"));
}

#[test]
fn v6_cycle() {
    check_p("s>a:.5 a>b:.8 b>c:.7 c>a:.9 c>t:.6", "s", &[("a", 0.5), ("b", 0.4), ("c", 0.28), ("t", 0.168)], Some(2.348));
}

#[test]
fn v7_two_way_pair() {
    check_p("s>a:.5 s>b:.4 a>b:.6 b>a:.3 a>t:.7 b>t:.2", "s", &[("a", 0.56), ("b", 0.58), ("t", 0.4464)], Some(2.5864));
}

#[test]
fn v8_bridge() {
    check_p("s>a:.9 s>b:.9 a>t:.9 b>t:.9 a>b:.9 b>a:.9", "s", &[("t", 0.97848)], Some(3.94048));
}

#[test]
fn v9_trees() {
    let tree = |branches: usize, depth: u32, p: f64| {
        let mut arcs = String::new();
        let mut level = vec!["s".to_owned()];
        for _ in 0..depth {
            let mut next = Vec::new();
            for parent in &level {
                for child in 0..branches {
                    let name = format!("{parent}{child}");
                    arcs.push_str(&format!("{parent}>{name}:{p} "));
                    next.push(name);
                }
            }
            level = next;
        }
        arcs
    };
    check_p(&tree(2, 3, 0.5), "s", &[], Some(4.0));
    // 120 uncertain arcs: beyond enumeration, which says so; the others are held to the closed form.
    let expected = (0..=4).map(|depth| 0.6_f64.powi(depth)).sum::<f64>();
    assert!((expected - 2.3056).abs() < 1e-12);
    check_p(&tree(3, 4, 0.2), "s", &[], Some(expected));
    let system = build(draft(&tree(3, 4, 0.2)));
    let enumeration = How { solver: Some(Solver::Enumeration), ..STATIC_EXACT };
    let refusal = try_run(&system, &["crash@s"], enumeration).expect_err("too large");
    assert!(refusal.contains("120"), "{refusal}");
    assert_eq!(exact_agreed(&system, &["crash@s"]).1, [Solver::Factoring, Solver::Frontier]);
}

#[test]
fn v10_star() {
    let arcs: String = (0..20).map(|leaf| format!("s>l{leaf}:.3 ")).collect();
    let system = build(draft(&arcs));
    for how in exact_engines(&system, &["crash@s"]).into_iter().chain([STATIC]) {
        let reach = run(&system, &["crash@s"], how).reach;
        let at_least_ten: f64 = reach.distribution.iter().filter(|(n, _)| *n >= 11).map(|(_, p)| p).sum();
        let n = how.trials as f64;
        let tolerance = |exact: f64, error: f64| if how.exact { exact } else { 4.0 * error };
        assert!((reach.mean.mean - 7.0).abs() < tolerance(1e-9, 2.05 / n.sqrt()));
        assert!((reach.standard_deviation - 2.04939).abs() < tolerance(5e-6, 2.05 / (2.0 * n).sqrt()));
        assert!((at_least_ten - 0.0479619).abs() < tolerance(5e-8, (0.048 / n).sqrt()), "{at_least_ten}");
    }
}

/// `t` with a gate: it needs so many of these.
fn gate(arcs: &str, at_least: u32, of: &[&str]) -> shockfront::model::draft::Draft {
    let of = of.iter().map(|name| (*name).to_owned()).collect();
    with_service(draft(arcs), "t", |t| t.requires = Some(Requires { at_least, of }))
}

#[test]
fn v11_gates() {
    // P(at least k of n work); the gate fires when k of them are lost, so losses take the place of successes.
    for (k, probabilities, expected) in [(2, vec![0.9; 3], 0.972), (2, vec![0.9, 0.8, 0.7], 0.902), (3, vec![0.9; 5], 0.99144)] {
        let arcs: String = probabilities.iter().enumerate().map(|(i, p)| format!("s>p{i}:1 p{i}>t:{p} ")).collect();
        let names: Vec<String> = (0..probabilities.len()).map(|i| format!("p{i}")).collect();
        let of: Vec<&str> = names.iter().map(String::as_str).collect();
        check_system(&build(gate(&arcs, of.len() as u32 + 1 - k, &of)), "s", &[("t", expected)], None);
    }
}

/// Three alike parts of which `needed` must work, `beta` of whose failures are common.
fn parts(count: usize, needed: u32, q: f64, beta: f64) -> shockfront::model::System {
    let names: Vec<String> = (0..count).map(|part| format!("p{part}")).collect();
    let mut arcs = String::new();
    if beta > 0.0 {
        arcs.push_str(&format!("s>common:{} ", beta * q));
    }
    for name in &names {
        arcs.push_str(&format!("s>{name}:{} {name}>t:1 ", (1.0 - beta) * q));
        if beta > 0.0 {
            arcs.push_str(&format!("common>{name}:1 "));
        }
    }
    let of: Vec<&str> = names.iter().map(String::as_str).collect();
    build(gate(&arcs, needed, &of))
}

#[test]
fn v12_common_cause() {
    check_system(&parts(3, 2, 0.01, 0.0), "s", &[("t", 2.98e-4)], None);
    let expected = transfer::common_cause_at_least(2, 3, 0.01, 0.05);
    assert!((expected - 7.689_007e-4).abs() < 5e-11);
    check_system(&parts(3, 2, 0.01, 0.05), "s", &[("t", expected)], None);
}

#[test]
fn v13_one_zone() {
    let expected = 1.0 - 0.98 * (1.0 - 1e-6);
    assert!((expected - 0.020_000_98_f64).abs() < 5e-9);
    let arcs = "s>zone:.02 zone>a zone>b zone>c s>a:.01 s>b:.01 s>c:.01 a>t b>t c>t";
    check_system(&build(gate(arcs, 1, &["a", "b", "c"])), "s", &[("t", expected)], None);
}

#[test]
fn v14_importance() {
    // The same by every engine: p with the arc certain less p with it cut.
    for (arc, birnbaum) in [("s>a:.9", 0.662), ("a>b:.8", 0.351), ("a>c:.7", 0.234), ("b>t:.6", 0.468), ("c>t:.5", 0.3276)] {
        let with = |p: &str| build(draft(&V4.replace(arc, &format!("{}:{p}", arc.split_once(':').expect("an arc").0))));
        let (live, dead) = (with("1"), with("0"));
        for how in Solver::ALL.map(|solver| How { solver: Some(solver), ..STATIC_EXACT }).into_iter().chain([STATIC, TIMED]) {
            let chance = |system| p(system, &run(system, &["crash@s"], how), "t");
            let (p1, p0) = (chance(&live), chance(&dead));
            // Common random numbers only help: the errors of both are an upper bound of that of the difference.
            let tolerance = 4.0 * ((p1 * (1.0 - p1)).sqrt() + (p0 * (1.0 - p0)).sqrt()) / (how.trials as f64).sqrt();
            let tolerance = if how.exact { 1e-9 } else { tolerance };
            assert!((p1 - p0 - birnbaum).abs() < tolerance, "{arc}: {}", p1 - p0);
        }
    }
    let p1 = |arcs: &str| p(&build(draft(arcs)), &run(&build(draft(arcs)), &["crash@s"], STATIC_EXACT), "t");
    assert!((1.0 - p1(&V4.replace("a>b:.8", "a>b:0")) / p1(V4) - 0.471_299).abs() < 5e-7, "Fussell and Vesely");
    assert!((p1(&V4.replace("b>t:.6", "b>t:1")) / p1(V4) - 1.314_199).abs() < 5e-7, "risk achievement worth");
}

#[test]
fn v15_influence_of_every_source() {
    check_p(V4, "s", &[], Some(3.8458));
    check_p(V4, "a", &[], Some(3.162));
    // All sources in one run: in the same worlds, one by one, and with a clock.
    let system = build(draft(V4));
    let compact = Compact::new(&system);
    let failing = Failing { kind: FaultKind::Crash, horizon: None, response: Response::default() };
    let at_once = |system: &System, compact: &Compact, failing, request: &Request<'_>| {
        all_at_once(system, compact, failing, request).ok_or_else(Vec::new)
    };
    let without_clock = || Request { trials: STATIC.trials, static_reach: true, ..Request::default() };
    for (engine, found, trials) in [
        ("ranking", rank(&system, &compact, failing, &without_clock()), STATIC.trials),
        ("all at once", at_once(&system, &compact, failing, &without_clock()), STATIC.trials),
        ("one by one", one_by_one(&system, &compact, failing, &without_clock()), STATIC.trials),
        ("with a clock", rank(&system, &compact, failing, &Request { trials: TIMED.trials, ..Request::default() }), TIMED.trials),
    ] {
        let found = found.unwrap_or_else(|problems| panic!("{engine}: {problems:?}"));
        assert_eq!((found.services.len(), found.trials), (system.service_count(), trials), "{engine}");
        for ranked in &found.services {
            let name = system.service_name(ranked.service);
            let exact = exact_agreed(&system, &[&format!("crash@{name}")]).0.reach;
            let printed = [("s", 3.8458), ("a", 3.162)].into_iter().find(|(known, _)| *known == name);
            assert!(printed.is_none_or(|(_, printed)| (exact.mean.mean - printed).abs() < 1e-9), "{name}: {exact:?}");
            let tolerance = 4.0 * exact.standard_deviation / (trials as f64).sqrt() + 1e-12;
            let spread = ranked.reach.mean;
            assert!((spread - exact.mean.mean).abs() <= tolerance, "{engine}: {spread} of {name}, exactly {}", exact.mean.mean);
        }
    }
}

#[test]
fn v17_what_if() {
    let before = build(draft(V4));
    let after = build(draft(&V4.replace("c>t:.5", "c>t:.1")));
    let exact = |system| p(system, &run(system, &["crash@s"], STATIC_EXACT), "t");
    assert!((exact(&before) - exact(&after) - 0.13104).abs() < 1e-9);
    // Common random numbers: arcs that did not change keep their draws, so the difference is nearly free of noise.
    let (a, b) = (run(&before, &["crash@s"], STATIC), run(&after, &["crash@s"], STATIC));
    for name in ["a", "b", "c"] {
        assert_eq!(p(&before, &a, name), p(&after, &b, name));
    }
}

#[test]
fn v34_composition_of_dependencies() {
    // Own faults and those of five dependencies; any of them is enough.
    let available = 0.9999 * 0.99999_f64.powi(5);
    assert!((available - 0.999_850_006_0).abs() < 5e-11);
    assert!(((1.0 - available) * 365.0 * 1_440.0 - 78.836_8).abs() < 5e-5);
    let dependencies: String = (0..5).map(|at| format!("s>d{at}:.00001 d{at}>t ")).collect();
    check_p(&format!("s>own:.0001 own>t {dependencies}"), "s", &[("t", 1.0 - available)], None);
}

#[test]
fn v37_a_pair_and_its_common_cause() {
    check_system(&parts(2, 1, 0.01, 0.0), "s", &[("t", 1e-4)], None);
    check_system(&parts(2, 1, 0.01, 0.1), "s", &[("t", 1.0 - 0.998_919_081)], None);
}

#[test]
fn v52_what_untested_fallbacks_have_in_common() {
    // Ten soft dependencies with untested fallbacks: each has the default Beta(3.5, 6.5).
    let mut leaves = draft(&(0..10).map(|leaf| format!("s>l{leaf} ")).collect::<String>());
    for dependency in &mut leaves.dependencies {
        dependency.kind = Some(DependencyKind::Soft);
        dependency.facts.probability = None;
    }
    let system = build(leaves);
    let compact = Compact::new(&system);
    let scenario = Scenario::new(&system, &compact, &[Fault::parse("crash@s").expect("a fault")], None).expect("a scenario");
    for how in exact_engines(&system, &["crash@s"]).into_iter().chain([STATIC, TIMED]) {
        // Beliefs of each their own change nothing: at least eight of ten leaves, and the source.
        let independent = run(&system, &["crash@s"], how).reach.distribution;
        let independent: f64 = independent.iter().filter(|(n, _)| *n >= 9).map(|(_, p)| p).sum();
        let tolerance = if how.exact { 5e-8 } else { 4.0 * (0.004_821_3 / how.trials as f64).sqrt() };
        assert!((independent - 0.004_821_3).abs() < tolerance, "{independent}");
        // One belief for all.
        let trials = if how.static_reach { 65_536 } else { 4_096 };
        let request =
            Request { trials, static_reach: how.static_reach, exact: how.exact, solver: how.solver, ..Request::default() };
        let replicates = if how.exact { 2_048 } else { 256 };
        let found = uncertainty(&system, &compact, &scenario, &request, replicates).expect("an answer");
        assert_eq!((found.dependencies, found.replicates, found.classes.len()), (10, replicates, 1));
        let shared = found.reach_at_least(9);
        // The strata leave an error of the order R^−1.5: four times 1e-5 and 2.2e-4. All replicates share the trials' random
        // numbers, so these count once.
        let tolerance = if how.exact { 5e-5 } else { 1e-3 + 4.0 * (0.033 / trials as f64).sqrt() };
        assert!((shared - 0.032_951_4).abs() < tolerance, "{shared}");
        // Var(E[L|θ]) = n² Var(p), E[Var(L|θ)] = n E[p(1 − p)]: for a Beta of strength s the share is n/(n + s) = 1/2.
        let share = found.reducible_share();
        assert!((share.mean - 0.5).abs() < if how.exact { 0.005 } else { 0.03 } && share.interval.contains(0.5), "{share:?}");
        let tolerance = if how.exact { 1e-3 } else { 0.005 + 4.0 * (2.07 / trials as f64).sqrt() };
        assert!((found.reach.mean - 4.5).abs() < tolerance, "{}", found.reach.mean);
    }
}

#[test]
fn what_is_known_for_certain_leaves_nothing_to_learn() {
    let system = build(draft(V4));
    let compact = Compact::new(&system);
    let scenario = Scenario::new(&system, &compact, &[Fault::parse("crash@s").expect("a fault")], None).expect("a scenario");
    let request = Request { trials: 4_096, ..Request::default() };
    let found = uncertainty(&system, &compact, &scenario, &request, 8).expect("an answer");
    assert_eq!((found.dependencies, found.reducible_share().mean), (0, 0.0));
    assert!(found.reach.within > 1.0);
}
