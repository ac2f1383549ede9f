//! Cases with a clock: durations, buffers, starts, availability, roll-outs.

use super::common::*;
use shockfront::change::facts::{Rollout, Strategy};
use shockfront::fault::{Fault, Scenario};
use shockfront::model::facts::DependencyKind;
use shockfront::model::{Compact, DurationLaw, System};
use shockfront::propagation::result::Summary;
use shockfront::propagation::run::budget;
use shockfront::propagation::{Request, Simulation, simulate, transfer};
use shockfront::random::Seed;
use shockfront::statistics::LogNormal;
use shockfront::units::Ticks;

fn minutes(minutes: u64) -> DurationLaw {
    DurationLaw::Constant(Ticks(minutes * Ticks::PER_MINUTE))
}

/// A simulation whose horizon does not cut the tail of a law.
fn without_horizon(system: &System, fault: &str, trials: u64) -> Simulation {
    let compact = Compact::new(system);
    let fault = Fault::parse(fault).expect("fault");
    let scenario = Scenario::new(system, &compact, &[fault], Some(Ticks::from_days(3_000))).expect("scenario");
    let request = Request { trials, seed: Seed(1), ..Request::default() };
    simulate(system, &compact, &scenario, &request).expect("simulation")
}

/// A number that no trial changes, by every engine with a clock: the exact solver, trials taken at once where that does, and trials
/// event by event. All of them find the same, and what is found by trials has no width.
fn agreed(system: &System, faults: &[&str], number: impl Fn(&Simulation) -> Summary) -> f64 {
    let exact = number(&run(system, faults, TIMED_EXACT)).mean.mean;
    // More than a batch of 512, so that the last one is not full.
    for how in [How { trials: 700, ..TIMED }, How { trials: 700, ..EVENTS }] {
        let found = number(&run(system, faults, how));
        let tolerance = 1e-9 * exact.abs().max(1.0);
        for value in [found.mean.mean, found.mean.interval.low, found.mean.interval.high] {
            assert!((value - exact).abs() <= tolerance, "{value}, exactly {exact}, with {how:?}");
        }
        assert!(found.standard_deviation <= tolerance, "{found:?}");
    }
    exact
}

/// Downtime in minutes by every engine with a clock.
fn agreed_downtime(system: &System, faults: &[&str], name: &str) -> f64 {
    agreed(system, faults, |simulation| downtime(system, simulation, name))
}

/// User-minutes lost by every engine with a clock.
fn agreed_loss(system: &System, faults: &[&str]) -> f64 {
    agreed(system, faults, |simulation| simulation.user_minutes.expect("users"))
}

/// User-minutes lost in a journey that needs `s`, over its users per minute. Losses are counted in thousandths, hence the many users.
fn lost(service: &str, faults: &[&str]) -> f64 {
    let system = yaml(&format!("services: {{s: {service}}}\njourneys: {{j: {{needs: [s], users_per_minute: 1000000}}}}"));
    agreed_loss(&system, faults) / 1e6
}

#[test]
fn v25_lost_replicas() {
    let service = "{replicas: {count: 5, need: 1}, load: 0.78}";
    let lost = |instances: u32| lost(service, &[&format!("crash@s,instances={instances},detect=0m,repair=10m")]) / 10.0;
    // ρ = 0.975 fits. At 1.3 what is over the capacity fails.
    assert_eq!(lost(1), 0.0);
    assert!((lost(2) - 0.230_769_2).abs() < 1e-6, "{}", lost(2));
}

#[test]
fn v27_a_cache_that_expires() {
    let system = yaml(
        "services: {s: {}, t: {}}\n\
         dependencies: [{from: t, to: s, probability: 1, cache: {ttl: 60m}}]\n\
         journeys: {j: {needs: [t], users_per_minute: 1}}",
    );
    for (outage, mean) in [(30.0, 0.25), (90.0, 2.0 / 3.0)] {
        let found = agreed_loss(&system, &[&format!("crash@s,detect=0m,repair={outage}m")]) / outage;
        // The first hundredth of the ramp is below the threshold of what crosses: at most 0.005 · 0.6 of 30 minutes.
        assert!((found - mean).abs() < 2e-4, "{outage}: {found}");
    }
}

#[test]
fn v29_and_v30_a_lognormal_outage() {
    let law = LogNormal::new(120.0, 600.0);
    let system = build(with_dependency(draft("s>t"), "s>t", |d| d.facts.buffer = Some(minutes(60))));
    let trials = 1 << 20;
    let simulation = without_horizon(&system, "crash@s,detect=0m,repair=120m/600m", trials);
    let (s, t) = (downtime(&system, &simulation, "s"), downtime(&system, &simulation, "t"));
    // A 95 % interval is about four standard errors wide.
    for (found, expected) in [(s.mean, 193.677_1), (t.mean, 139.164_8)] {
        let four_errors = found.interval.high - found.interval.low;
        assert!((found.mean - expected).abs() < four_errors, "{found:?} {expected}");
    }
    // Quantiles by rank: so many of the trials should lie below what was found.
    for (found, q, printed) in [(s.p90.value, 0.9, 420.502_3), (s.p99.value, 0.99, 1_168.820_6)] {
        assert!((law.quantile(q) - printed).abs() < 5e-5);
        let four_errors = 4.0 * (q * (1.0 - q) / trials as f64).sqrt();
        // The histogram is high by up to 0.1 %.
        let within = law.cumulative(found * (1.0 - 1.0 / 1_024.0)) - four_errors..law.cumulative(found) + four_errors;
        assert!(within.contains(&q), "{found}");
    }
    let shortfall_error = 4.0 * law.expected_shortfall(0.95) * 2.0 / (0.05 * trials as f64).sqrt();
    assert!((s.es95.mean - 978.389_2).abs() < shortfall_error, "{:?}", s.es95);
    let crossed = p(&system, &simulation, "t");
    assert!((crossed - 0.760_651_5).abs() < 4.0 * (0.76_f64 * 0.24 / trials as f64).sqrt(), "{crossed}");
}

#[test]
fn v28_a_buffer_absorbs_short_outages() {
    let system = build(with_dependency(draft("s>t"), "s>t", |d| d.facts.buffer = Some(minutes(30))));
    assert_eq!(agreed_downtime(&system, &["crash@s,detect=0m,repair=45m"], "t"), 15.0);
    // An outage of exactly the buffer does not cross.
    assert_eq!(agreed_downtime(&system, &["crash@s,detect=0m,repair=30m"], "t"), 0.0);
    for how in [TIMED_EXACT, How { trials: 64, ..TIMED }, How { trials: 64, ..EVENTS }] {
        let outage = |repair: &str| run(&system, &[&format!("crash@s,detect=0m,repair={repair}")], how);
        assert_eq!(downtime(&system, &outage("45m"), "t").p50.value, 15.0);
        assert_eq!(p(&system, &outage("30m"), "t"), 0.0);
    }
}

#[test]
fn v31_chain_of_buffers() {
    let mut buffered = with_dependency(draft("s>a:.9 a>t:.8"), "s>a", |d| d.facts.buffer = Some(minutes(30)));
    buffered = with_dependency(buffered, "a>t", |d| d.facts.buffer = Some(minutes(30)));
    let system = build(buffered);
    let law = LogNormal::new(120.0, 600.0);
    let expected = 0.72 * law.expected_excess(60.0);
    assert!((expected - 100.1987).abs() < 5e-5, "{expected}");
    // The horizon must not cut the tail of the law: 72 h are 4,320 minutes, P(D > 4,320) is 1e-4.
    let simulation = without_horizon(&system, "crash@s,detect=0m,repair=120m/600m", 1 << 20);
    let found = downtime(&system, &simulation, "t").mean;
    // Batch means: the 95 % interval has about two standard errors on each side.
    let four_errors = found.interval.high - found.interval.low;
    assert!((found.mean - expected).abs() < four_errors, "{found:?}");
}

fn startup(arcs: &str, colds: &[(&str, u64)]) -> System {
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
    for (name, up) in [("A", 65.0), ("B", 75.0), ("C", 90.0)] {
        assert_eq!(agreed_downtime(&system, &faults, name), up, "{name}");
    }
}

#[test]
fn v33_startup_deadlock_is_started_by_hand() {
    let system = startup("A>B B>A", &[("A", 5), ("B", 5)]);
    let faults = ["crash@A,detect=0m,repair=60m,bootstrap=30m", "crash@B,detect=0m,repair=60m,bootstrap=30m"];
    for name in ["A", "B"] {
        assert_eq!(agreed_downtime(&system, &faults, name), 95.0, "{name}");
    }
}

#[test]
fn v35_budgets() {
    for (slo, minutes) in [(99.0, 432.0), (99.9, 43.2), (99.95, 21.6), (99.99, 4.32)] {
        let system = yaml(&format!(
            "services: {{s: {{}}}}\njourneys: {{j: {{needs: [s], users_per_minute: 1, slo: {slo}, window: 30d}}}}"
        ));
        let budget = budget(&system.journeys()[0].facts).expect("a budget");
        assert!((budget / minutes - 1.0_f64).abs() < 1e-9, "{budget}");
        // The share of the budget that half of it costs, through the engine.
        let fault = format!("crash@s,detect=0m,repair={}ms", minutes * 30_000.0);
        let result = super::common::timed(&system, &[&fault]);
        let share = result.journeys[0].budget_share.expect("a budget").mean.mean;
        assert!((share - 0.5).abs() < 1e-9, "{slo}: {share}");
    }
}

#[test]
fn v36_availability_over_a_year() {
    let full = (0..2).map(|at| format!("crash@s,at={}h,detect=0m,repair=30m", 1 + at));
    let partial = (0..4).map(|at| format!("error_rate@s,at={}h,rate=0.25,detect=0m,repair=60m", 5 + 2 * at));
    let faults: Vec<String> = full.chain(partial).collect();
    let faults: Vec<&str> = faults.iter().map(String::as_str).collect();
    let available = 1.0 - lost("{}", &faults) / (365.0 * 1_440.0);
    assert!((available - 0.999_771_689_5).abs() < 5e-11, "{available}");
}

#[test]
fn v39_a_canary_shows_its_share() {
    // 5 % of the traffic, a fifth of it fails: one per cent of all, and a service is impaired from there on.
    let faults = ["error_rate@s,rate=0.2,share=5%,detect=0m,repair=100m"];
    assert!((lost("{}", &faults) / 100.0 - 0.01).abs() < 1e-7, "{}", lost("{}", &faults));
}

#[test]
fn v40_a_canary_limits_the_loss() {
    let expected: f64 = 0.9 * 0.05 * 20.0 + 0.1 * (0.05 * 10.0 + 360.0);
    assert!((expected / 360.0 - 0.102_638_9).abs() < 5e-8);
    let system = yaml("services: {s: {}}\njourneys: {j: {needs: [s], users_per_minute: 1}}");
    let compact = Compact::new(&system);
    let mut fault = Fault::parse("bad_deploy@s,rate=1,detect=0m,repair=360m").expect("a fault");
    fault.rollout = Some(Rollout {
        strategy: Strategy::Canary,
        share: Some(0.05),
        bake: Some(Ticks(10 * Ticks::PER_MINUTE)),
        power: Some(0.9),
        rollback: Some(minutes(10)),
    });
    let scenario = Scenario::new(&system, &compact, &[fault], None).expect("a scenario");
    for exact in [true, false] {
        let request = Request { trials: 1 << 18, exact, ..Request::default() };
        let found = simulate(&system, &compact, &scenario, &request).expect("a simulation").user_minutes.expect("users").mean;
        let tolerance = if exact { 1e-6 * expected } else { found.interval.high - found.interval.low };
        assert!((found.mean - expected).abs() <= tolerance, "{found:?}");
    }
}

#[test]
fn v48_combination_of_severities() {
    let combined = transfer::Combined::from_iter([0.3, 0.4]);
    assert!((combined.share() - 0.58).abs() < 1e-12);
    assert_eq!(combined.bounds(), (0.4, 0.7));
    // The same through the timeline: two providers that fail in 30 % and 40 % of the requests.
    let system = build(draft("a>t b>t"));
    let simulation =
        run(&system, &["error_rate@a,rate=0.3,detect=0m,repair=10m", "error_rate@b,rate=0.4,detect=0m,repair=10m"], TIMED_EXACT);
    assert_eq!(downtime(&system, &simulation, "t").mean.mean, 10.0, "58 % of the requests fail: down");
    assert_eq!(downtime(&system, &simulation, "b").mean.mean, 0.0, "40 % fail: impaired, not down");
}
