//! Static reach service by service against programs that share nothing with ours: `tests/reach/mid.json`.
//!
//! 1,000 services, 5,000 dependencies (`mid.tsv`, made by a counter-based generator), three services as the fault. The reference counted
//! 20 million trials, so it has a sampling error too. With p̂, n ours and p̃, N theirs,
//!
//! ```text
//! z = (p̂ − p̃)/√(p(1 − p)(1/n + 1/N)),   p pooled
//! ```
//!
//! is normal for each of the 1,717 services that can be hit beside the source; the rarest is hit in 1 ‰ of the trials. Three things are
//! compared, each at 0.001: the largest |z| (Bonferroni over all services), and for each source mean z and mean z². Services
//! that fall together have z that go together, so the mean z² is not that of so many independent squares: 200 small runs of our own
//! say how much both means vary. The mean z is then normal, and the mean z² about χ² over its degrees of freedom, ν = 2/variance
//! (Satterthwaite 1946). Mean reach is compared with the standard error of each side. Seeds are fixed: a run passes always or never.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use shockfront::fault::{Fault, Scenario};
use shockfront::model::{Compact, System};
use shockfront::propagation::{Request, Simulation, simulate};
use shockfront::random::Seed;
use shockfront::statistics::normal;
use shockfront::topology::edge_list;
use statrs::distribution::{ChiSquared, ContinuousCDF};
use std::collections::BTreeMap;

const GRAPH: &str = include_str!("reach/mid.tsv");
const REFERENCE: &str = include_str!("reach/mid.json");

/// P(right code fails) of each comparison.
const LEVEL: f64 = 1e-3;
const TRIALS: u64 = 1 << 22;
/// Runs that say how much means over services vary.
const SMALL_RUNS: u64 = 200;
const SMALL_TRIALS: u64 = 1 << 14;

#[derive(Deserialize)]
struct Reference {
    sha256: String,
    sources: Vec<Source>,
}

#[derive(Deserialize)]
struct Source {
    source: String,
    trials: u64,
    mean_reach: f64,
    standard_error: f64,
    /// P(impaired) by service; the others are never hit.
    impaired: BTreeMap<String, f64>,
}

fn reference() -> Reference {
    let reference: Reference = serde_json::from_str(REFERENCE).expect("the reference is JSON");
    let sha256: String = Sha256::digest(GRAPH).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(sha256, reference.sha256, "the graph is the one of the reference");
    reference
}

fn graph(text: &str) -> System {
    edge_list::read("mid.tsv", text.as_bytes()).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn run(system: &System, source: &str, trials: u64, seed: u64) -> Simulation {
    let compact = Compact::new(system);
    let fault = Fault::parse(&format!("crash@{source}")).expect("a fault");
    let scenario = Scenario::new(system, &compact, &[fault], None).expect("fits");
    let request = Request { trials, seed: Seed(seed), static_reach: true, ..Request::default() };
    simulate(system, &compact, &scenario, &request).expect("simulated")
}

/// P(impaired) in the order of the reference, without the source itself.
fn impaired(system: &System, source: &Source, simulation: &Simulation) -> Vec<f64> {
    let of = |name: &String| simulation.p_impaired(system.find_service(name).expect("a service of the graph"));
    others(source).map(|(name, _)| of(name)).collect()
}

fn others(source: &Source) -> impl Iterator<Item = (&String, f64)> {
    source.impaired.iter().filter(|(name, _)| **name != source.source).map(|(name, p)| (name, *p))
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len() as f64;
    values.sum::<f64>() / n
}

/// Mean z and mean z² of many pairs.
fn means(z: &[f64]) -> [f64; 2] {
    [mean(z.iter().copied()), mean(z.iter().map(|z| z * z))]
}

/// Standard deviations of the two means over runs of laws that are equal for certain.
fn spreads(system: &System, source: &Source, truth: &[f64]) -> [f64; 2] {
    let small = (0..SMALL_RUNS).map(|seed| {
        let found = impaired(system, source, &run(system, &source.source, SMALL_TRIALS, 1_000 + seed));
        let z = |(found, p): (&f64, &f64)| (found - p) / (p * (1.0 - p) / SMALL_TRIALS as f64).sqrt();
        means(&found.iter().zip(truth).map(z).collect::<Vec<f64>>())
    });
    let small: Vec<[f64; 2]> = small.collect();
    [0, 1].map(|which| {
        // The expectations are known: 0 and 1.
        mean(small.iter().map(|means| (means[which] - which as f64).powi(2))).sqrt()
    })
}

/// What differs between our answer and the reference, and the largest |z| with both means for the reader.
fn differences(system: &System, source: &Source, hypotheses: usize) -> (Vec<String>, String) {
    let simulation = run(system, &source.source, TRIALS, 1);
    let found = impaired(system, source, &simulation);
    let theirs: Vec<f64> = others(source).map(|(_, p)| p).collect();
    let (n, m) = (TRIALS as f64, source.trials as f64);
    let pooled: Vec<f64> = found.iter().zip(&theirs).map(|(ours, theirs)| (ours * n + theirs * m) / (n + m)).collect();
    let error = |p: f64| (p * (1.0 - p) * (1.0 / n + 1.0 / m)).sqrt();
    let z: Vec<f64> = found.iter().zip(&theirs).zip(&pooled).map(|((ours, theirs), p)| (ours - theirs) / error(*p)).collect();
    let limit = -normal::quantile(0.5 * LEVEL / hypotheses as f64);
    let two_sided = -normal::quantile(0.5 * LEVEL);
    let mut different = Vec::new();
    for ((name, p), z) in others(source).zip(&z).filter(|(_, z)| z.abs() > limit) {
        different.push(format!("{name}: z = {z:.1} from {p}"));
    }
    let [mean_z, mean_square] = means(&z);
    let [spread, square_spread] = spreads(system, source, &pooled);
    if mean_z.abs() > two_sided * spread {
        different.push(format!("mean z is {mean_z:.3}, and varies by {spread:.3}"));
    }
    let degrees = 2.0 / (square_spread * square_spread);
    let law = ChiSquared::new(degrees).expect("degrees of freedom");
    let above = law.sf(mean_square * degrees);
    if above.min(1.0 - above) < 0.5 * LEVEL {
        different.push(format!("mean z² is {mean_square:.3}, and varies by {square_spread:.3}"));
    }
    let reach = simulation.reach.mean;
    let own_error = (reach.interval.high - reach.interval.low) / 2.0 / 2.04;
    let z_reach = (reach.mean - source.mean_reach) / own_error.hypot(source.standard_error);
    if z_reach.abs() > two_sided {
        different.push(format!("mean reach is {}: z = {z_reach:.1} from {}", reach.mean, source.mean_reach));
    }
    // Whoever the reference never saw hit cannot be.
    for result in &simulation.services {
        let name = system.service_name(result.service);
        if result.impaired.mean > 0.0 && !source.impaired.contains_key(name) {
            different.push(format!("{name} is hit"));
        }
    }
    let largest = z.iter().fold(0.0_f64, |largest, z| largest.max(z.abs()));
    let summary = format!(
        "crash@{}: {} services, largest |z| {largest:.2} (limit {limit:.2}), mean z {mean_z:+.3} ± {spread:.3}, \
         mean z² {mean_square:.3} ± {square_spread:.3} (ν = {degrees:.0}), mean reach {:.3}, z {z_reach:+.2}",
        source.source,
        z.len(),
        reach.mean
    );
    (different, summary)
}

#[test]
fn every_service_agrees_with_the_reference() {
    let reference = reference();
    let system = graph(GRAPH);
    let hypotheses = reference.sources.iter().map(|source| others(source).count()).sum();
    for source in &reference.sources {
        let (different, summary) = differences(&system, source, hypotheses);
        println!("{summary}");
        assert!(different.is_empty(), "{summary}\n{}", different.join("\n"));
    }
}

/// The comparison is not blind.
#[test]
fn small_errors_would_be_seen() {
    let reference = reference();
    let source = &reference.sources[2];
    let hypotheses = 1_717;
    // One dependency of 5,000, by 0.005.
    let first = GRAPH.lines().find(|line| line.starts_with(&format!("{}\t", source.source))).expect("a dependency");
    let (ends, p) = first.rsplit_once('\t').expect("three columns");
    let p: f64 = p.parse().expect("a probability");
    let one = GRAPH.replacen(first, &format!("{ends}\t{}", p + 0.005), 1);
    let (different, summary) = differences(&graph(&one), source, hypotheses);
    assert!(different.iter().any(|line| line.contains("z = ")), "{summary}");
    // All of them, by a five-hundredth of themselves.
    let all: String = GRAPH
        .lines()
        .map(|line| {
            let (ends, p) = line.rsplit_once('\t').expect("three columns");
            format!("{ends}\t{}\n", p.parse::<f64>().expect("a probability") * 1.002)
        })
        .collect();
    let (different, summary) = differences(&graph(&all), source, hypotheses);
    assert!(different.iter().any(|line| line.starts_with("mean z is")), "{summary}");
}
