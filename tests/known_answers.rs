//! The verification table of the model, by number: closed forms against every engine that answers the question.
//!
//! Exact answers agree to 1e-9 relative, sampled ones within four standard errors at a million static trials. Arc notation:
//! `provider>consumer:probability`; reach includes the source.

mod common;

use common::*;
use shockfront::fault::Fault;
use shockfront::model::DurationLaw;
use shockfront::model::facts::{DependencyKind, Requires};
use shockfront::propagation::{Solver, transfer};
use shockfront::units::Ticks;

const V4: &str = "s>a:.9 a>b:.8 a>c:.7 b>t:.6 c>t:.5";

fn minutes(minutes: u64) -> DurationLaw {
    DurationLaw::Constant(Ticks(minutes * Ticks::PER_MINUTE))
}

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

#[test]
fn v11_gates() {
    for (k, probabilities, expected) in [(2, vec![0.9; 3], 0.972), (2, vec![0.9, 0.8, 0.7], 0.902), (3, vec![0.9; 5], 0.99144)] {
        let arcs: String = probabilities.iter().enumerate().map(|(i, p)| format!("s>p{i}:1 p{i}>t:{p} ")).collect();
        let of: Vec<String> = (0..probabilities.len()).map(|i| format!("p{i}")).collect();
        let system = build(with_service(draft(&arcs), "t", |t| t.requires = Some(Requires { at_least: k, of })));
        for how in exact_engines(&system, &["crash@s"]).into_iter().chain([STATIC, TIMED]) {
            let simulation = run(&system, &["crash@s"], how);
            let tolerance = if how.exact { 1e-9 } else { 4.0 * (expected * (1.0 - expected) / simulation.trials as f64).sqrt() };
            assert!((p(&system, &simulation, "t") - expected).abs() < tolerance, "{k}: {}", p(&system, &simulation, "t"));
        }
    }
}

#[test]
fn v15_influence_of_every_source() {
    check_p(V4, "s", &[], Some(3.8458));
    check_p(V4, "a", &[], Some(3.162));
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
fn v28_a_buffer_absorbs_short_outages() {
    let system = build(with_dependency(draft("s>t"), "s>t", |d| d.facts.buffer = Some(minutes(30))));
    for how in [TIMED_EXACT, How { trials: 64, ..TIMED }] {
        let outage = |repair: &str| run(&system, &[&format!("crash@s,detect=0m,repair={repair}")], how);
        let long = outage("45m");
        assert_eq!(downtime(&system, &long, "t").mean.mean, 15.0);
        assert_eq!(downtime(&system, &long, "t").p50, 15.0);
        // An outage of exactly the buffer does not cross.
        assert_eq!(p(&system, &outage("30m"), "t"), 0.0);
    }
}

#[test]
fn v31_chain_of_buffers() {
    let mut buffered = with_dependency(draft("s>a:.9 a>t:.8"), "s>a", |d| d.facts.buffer = Some(minutes(30)));
    buffered = with_dependency(buffered, "a>t", |d| d.facts.buffer = Some(minutes(30)));
    let system = build(buffered);
    let law = shockfront::statistics::LogNormal::new(120.0, 600.0);
    let expected = 0.72 * law.expected_excess(60.0);
    assert!((expected - 100.1987).abs() < 5e-5, "{expected}");
    // The horizon must not cut the tail of the law: 72 h are 4,320 minutes, P(D > 4,320) is 1e-4.
    let how = How { trials: 1 << 20, ..TIMED };
    let compact = shockfront::model::Compact::new(&system);
    let fault = Fault::parse("crash@s,detect=0m,repair=120m/600m").expect("fault");
    let scenario =
        shockfront::fault::Scenario::new(&system, &compact, &[fault], Some(Ticks::from_days(3_000))).expect("scenario");
    let request =
        shockfront::propagation::Request { trials: how.trials, seed: shockfront::random::Seed(1), ..Default::default() };
    let simulation = shockfront::propagation::simulate(&system, &compact, &scenario, &request).expect("simulation");
    let found = downtime(&system, &simulation, "t").mean;
    // Batch means: the 95 % interval has about two standard errors on each side.
    let four_errors = 2.0 * (found.interval.high - found.interval.low) / 2.0;
    assert!((found.mean - expected).abs() < four_errors, "{found:?}");
}

fn startup(arcs: &str, colds: &[(&str, u64)]) -> shockfront::model::System {
    let mut draft = draft(arcs);
    for dependency in &mut draft.dependencies {
        dependency.kind = Some(DependencyKind::Startup);
        dependency.facts.probability = None;
    }
    for (name, cold) in colds {
        draft = with_service(draft, name, |service| service.cold_start = Some(minutes(*cold)));
    }
    build(draft)
}

#[test]
fn v32_startup_chain() {
    let system = startup("A>B B>C", &[("A", 5), ("B", 10), ("C", 15)]);
    let faults = ["crash@A,detect=0m,repair=60m", "crash@B,detect=0m,repair=60m", "crash@C,detect=0m,repair=60m"];
    let simulation = run(&system, &faults, TIMED_EXACT);
    for (name, up) in [("A", 65.0), ("B", 75.0), ("C", 90.0)] {
        assert_eq!(downtime(&system, &simulation, name).mean.mean, up, "{name}");
    }
}

#[test]
fn v33_startup_deadlock_is_started_by_hand() {
    let system = startup("A>B B>A", &[("A", 5), ("B", 5)]);
    let faults = ["crash@A,detect=0m,repair=60m,bootstrap=30m", "crash@B,detect=0m,repair=60m,bootstrap=30m"];
    let simulation = run(&system, &faults, TIMED_EXACT);
    for name in ["A", "B"] {
        assert_eq!(downtime(&system, &simulation, name).mean.mean, 95.0, "{name}");
    }
}

#[test]
fn v48_combination_of_severities() {
    assert!((transfer::combined([0.3, 0.4]) - 0.58).abs() < 1e-12);
    assert_eq!(transfer::frechet_bounds(&[0.3, 0.4]), (0.4, 0.7));
    // The same through the timeline: two providers that fail in 30 % and 40 % of the requests.
    let system = build(draft("a>t b>t"));
    let simulation =
        run(&system, &["error_rate@a,rate=0.3,detect=0m,repair=10m", "error_rate@b,rate=0.4,detect=0m,repair=10m"], TIMED_EXACT);
    assert_eq!(downtime(&system, &simulation, "t").mean.mean, 10.0, "58 % of the requests fail: down");
    assert_eq!(downtime(&system, &simulation, "b").mean.mean, 0.0, "40 % fail: impaired, not down");
}
