//! Small systems from one line of text, and one call to simulate them.
#![allow(dead_code, unreachable_pub, reason = "every test binary uses another part")]

pub mod drafts;
pub mod reference;
pub mod rich;

use shockfront::diagnostic::Sources;
use shockfront::fault::{Fault, Scenario};
use shockfront::lanes::Machine;
use shockfront::model::draft::{Draft, DraftDependency, Nowhere};
use shockfront::model::facts::{Belief, Dependency, DependencyKind, Service};
use shockfront::model::{Compact, System};
use shockfront::propagation::result::Reach;
use shockfront::propagation::{Request, Simulation, Solver, simulate};
use shockfront::random::Seed;
use shockfront::topology::{Files, load};
use shockfront::units::Probability;
use std::io;

/// A draft from `provider>consumer:probability` words.
pub fn draft(arcs: &str) -> Draft {
    let mut draft = Draft { name: Some("test".to_owned()), ..Draft::default() };
    let mut names: Vec<String> = Vec::new();
    for arc in arcs.split_whitespace() {
        let (ends, p) = arc.split_once(':').unwrap_or((arc, "1"));
        let (provider, consumer) = ends.split_once('>').expect("provider>consumer");
        for name in [provider, consumer] {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        let p: f64 = p.parse().expect("probability");
        draft.dependencies.push(DraftDependency {
            from: consumer.to_owned(),
            to: provider.to_owned(),
            kind: Some(DependencyKind::Hard),
            facts: Dependency {
                probability: Some(Belief { mean: Probability::new(p).expect("probability"), strength: None }),
                ..Dependency::default()
            },
        });
    }
    draft.services = names.into_iter().map(|name| (name, Service::default())).collect();
    draft
}

/// Changes one service of a draft.
pub fn with_service(mut draft: Draft, name: &str, change: impl FnOnce(&mut Service)) -> Draft {
    let (_, service) = draft.services.iter_mut().find(|(known, _)| known == name).expect("service");
    change(service);
    draft
}

/// Changes one dependency of a draft, named as `provider>consumer`.
pub fn with_dependency(mut draft: Draft, ends: &str, change: impl FnOnce(&mut DraftDependency)) -> Draft {
    let (provider, consumer) = ends.split_once('>').expect("provider>consumer");
    let found = draft.dependencies.iter_mut().find(|d| d.from == consumer && d.to == provider).expect("dependency");
    change(found);
    draft
}

/// Builds a draft.
pub fn build(draft: Draft) -> System {
    System::build(draft, &Nowhere).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// How to run.
#[derive(Debug, Clone, Copy)]
pub struct How {
    pub static_reach: bool,
    pub exact: bool,
    pub solver: Option<Solver>,
    pub trials: u64,
    pub seed: u64,
    pub threads: Option<usize>,
    pub machine: Option<Machine>,
    pub events_only: bool,
    pub rare: bool,
}

pub const STATIC: How = How {
    static_reach: true,
    exact: false,
    solver: None,
    trials: 1 << 20,
    seed: 1,
    threads: None,
    machine: None,
    events_only: false,
    rare: false,
};
pub const STATIC_EXACT: How = How { exact: true, ..STATIC };
pub const TIMED: How = How { static_reach: false, trials: 65_536, ..STATIC };
pub const TIMED_EXACT: How = How { exact: true, ..TIMED };
/// Trials given that the failure leaves its source, where it rarely does; ordinary ones elsewhere.
pub const RARE: How = How { rare: true, ..STATIC };
/// Every trial event by event, without the shortcut for a total outage that spreads at once.
pub const EVENTS: How = How { events_only: true, trials: 16_384, ..TIMED };

/// Simulates faults written as on the command line.
pub fn run(system: &System, faults: &[&str], how: How) -> Simulation {
    try_run(system, faults, how).unwrap_or_else(|problem| panic!("{problem}"))
}

pub fn try_run(system: &System, faults: &[&str], how: How) -> Result<Simulation, String> {
    let compact = Compact::new(system);
    let faults: Vec<Fault> =
        faults.iter().map(|text| Fault::parse(text)).collect::<Result<_, _>>().map_err(|(message, _)| message)?;
    let scenario = Scenario::new(system, &compact, &faults, None)
        .map_err(|problems| problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join("; "))?;
    let request = Request {
        trials: how.trials,
        seed: Seed(how.seed),
        static_reach: how.static_reach,
        exact: how.exact,
        solver: how.solver,
        threads: how.threads,
        machine: how.machine,
        events_only: how.events_only,
        rare: how.rare,
        series: !how.static_reach && !how.exact && how.trials <= 4_096,
        starved: true,
        ..Request::default()
    };
    simulate(system, &compact, &scenario, &request).map_err(|problem| problem.message)
}

/// P(a service is impaired).
pub fn p(system: &System, simulation: &Simulation, name: &str) -> f64 {
    simulation.p_impaired(system.find_service(name).expect(name))
}

/// P(a service is starved).
pub fn starved(system: &System, simulation: &Simulation, name: &str) -> f64 {
    simulation.starved(system.find_service(name).expect(name)).expect("asked").mean
}

/// Downtime of a service in minutes: its summary.
pub fn downtime(system: &System, simulation: &Simulation, name: &str) -> shockfront::propagation::result::Summary {
    let id = system.find_service(name).expect(name);
    simulation.service(id).and_then(|result| result.times()).expect("times").downtime
}

/// The exact solvers that take a question without a clock. The frontier method covers every small question.
pub fn exact_engines(system: &System, faults: &[&str]) -> Vec<How> {
    let engines = Solver::ALL.into_iter().map(|solver| How { solver: Some(solver), ..STATIC_EXACT });
    let engines: Vec<How> = engines.filter(|how| try_run(system, faults, *how).is_ok()).collect();
    assert!(engines.iter().any(|how| how.solver == Some(Solver::Frontier)), "the frontier method refuses");
    engines
}

/// All exact solvers that take a question agree on every number; the answer, and who gave it.
pub fn exact_agreed(system: &System, faults: &[&str]) -> (Simulation, Vec<Solver>) {
    let engines = exact_engines(system, faults);
    let answers: Vec<Simulation> = engines.iter().map(|how| run(system, faults, *how)).collect();
    let same = |a: f64, b: f64| (a - b).abs() < 1e-12;
    for answer in &answers[1..] {
        for (one, other) in answers[0].services.iter().zip(&answer.services) {
            let name = system.service_name(one.service);
            for (a, b) in [(one.impaired, other.impaired), (one.down, other.down), (one.corrupt, other.corrupt)] {
                assert!(same(a.mean, b.mean), "{name}: {} by {:?}, {} by {:?}", a.mean, answers[0].solver, b.mean, answer.solver);
            }
        }
        let reaches = [(&answers[0].reach, &answer.reach)]
            .into_iter()
            .chain(answers[0].reach_bounds.iter().zip(&answer.reach_bounds).flat_map(|(a, b)| [(&a.0, &b.0), (&a.1, &b.1)]));
        for (one, other) in reaches {
            assert!(same(one.mean.mean, other.mean.mean), "{one:?}\n{other:?}");
            for count in 0..=answers[0].services.len() as u64 {
                assert!(same(p_reach(one, count), p_reach(other, count)), "{count}: {one:?}\n{other:?}");
            }
        }
    }
    (answers[0].clone(), engines.into_iter().filter_map(|how| how.solver).collect())
}

/// P(reach = n).
pub fn p_reach(reach: &Reach, count: u64) -> f64 {
    reach.distribution.iter().find(|(n, _)| *n == count).map_or(0.0, |(_, p)| *p)
}

/// The same question to every engine that answers it: exact solvers to 1e-9, sampling within four standard errors.
pub fn check_p(arcs: &str, source: &str, expected: &[(&str, f64)], expected_reach: Option<f64>) {
    check_system(&build(draft(arcs)), source, expected, expected_reach);
}

/// [`check_p`] of a system that more is known of than its arcs. Without a clock exact solvers, trials, and trials given that the
/// failure leaves its source; with a clock trials all at once and event by event, and the exact solver where the question is small.
pub fn check_system(system: &System, source: &str, expected: &[(&str, f64)], expected_reach: Option<f64>) {
    let fault = format!("crash@{source},detect=0m,repair=10m");
    let mut engines = exact_engines(system, &[&fault]);
    engines.extend(try_run(system, &[&fault], TIMED_EXACT).is_ok().then_some(TIMED_EXACT));
    for how in engines.into_iter().chain([STATIC, RARE, TIMED, EVENTS]) {
        let simulation = run(system, &[&fault], how);
        let n = simulation.trials as f64;
        for (name, expected) in expected {
            let found = p(system, &simulation, name);
            // Of trials that all leave the source, those that do not are no noise.
            let most = simulation.leaving.map_or(1.0, |leaving| leaving.probability);
            let most = if *expected <= most { most } else { 1.0 };
            let tolerance = if how.exact { 1e-9 * expected } else { 4.0 * (expected * (most - expected) / n).sqrt() };
            assert!((found - expected).abs() <= tolerance + 1e-15, "{source}: P({name}) = {found}, expected {expected}, {how:?}");
        }
        if let Some(expected) = expected_reach {
            let found = simulation.reach.mean.mean;
            let error = simulation.reach.standard_deviation / n.sqrt();
            let tolerance = if how.exact { 1e-9 * expected } else { 4.0 * error };
            assert!((found - expected).abs() <= tolerance, "{source}: reach {found}, expected {expected}, {how:?}");
        }
    }
}

/// A file system with one file.
pub struct OneFile<'a>(pub &'a str);

impl Files for OneFile<'_> {
    fn size(&self, _: &str) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }
    fn read(&self, _: &str) -> io::Result<Vec<u8>> {
        Ok(self.0.as_bytes().to_vec())
    }
    fn list(&self, _: &str) -> io::Result<Option<Vec<String>>> {
        Ok(None)
    }
}

/// Loads the body of a topology file.
pub fn try_yaml(body: &str) -> Result<System, String> {
    let text = format!("schema: shockfront/topology/v1\nname: test\n{body}");
    let mut sources = Sources::default();
    load(&mut sources, "test.yaml", &OneFile(&text))
        .map(|loaded| loaded.system)
        .map_err(|problems| problems.into_iter().map(|p| p.message).collect::<Vec<_>>().join("; "))
}

/// The same for a body that is valid.
pub fn yaml(body: &str) -> System {
    try_yaml(body).unwrap_or_else(|problem| panic!("{problem}\n{body}"))
}

/// Exact P(impaired) without a clock.
pub fn reach(system: &System, fault: &str, name: &str) -> f64 {
    p(system, &run(system, &[fault], STATIC_EXACT), name)
}

/// Mean downtime and impaired time in minutes.
pub fn times(system: &System, simulation: &Simulation, name: &str) -> (f64, f64) {
    let id = system.find_service(name).expect(name);
    let times = simulation.service(id).map(|result| result.times().expect("a clock"));
    times.map_or((0.0, 0.0), |times| (times.downtime.mean.mean, times.impaired_time.mean.mean))
}

/// Exact, with a clock.
pub fn timed(system: &System, faults: &[&str]) -> Simulation {
    run(system, faults, TIMED_EXACT)
}

/// Equal to a millionth.
pub fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
}
