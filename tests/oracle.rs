//! Downtime against an independent discrete-event simulator: `tests/oracle/outages.py`, written in SimPy from the specification.
//!
//! Ten topologies with buffers, startup dependencies, gates, loops, partial failures and lognormal repairs. Both sides run the same
//! number of trials of the same two files; of every service the times down and impaired are compared, the share of trials
//! without any by Fisher's exact test of two binomial samples, the rest by the two-sample test of Kolmogorov and Smirnov.
//! Ours come twice: trial by trial, one seed each, and as the quantiles of one run. Seeds are fixed, so a run passes always or
//! never.
//!
//! **Tolerance.** Some 1,100 comparisons at 1e-6 each: right code fails with probability 0.001 (Bonferroni). With 20,000 trials the
//! two distribution functions may differ by 0.027 at most; `small_differences_are_seen` shows what that finds. `scripts/oracle` takes
//! 100,000 (`SHOCKFRONT_ORACLE_TRIALS`), and then 0.012 is seen.
//!
//! `scripts/test` makes the Python environment (`target/cache/oracle`, or what `SHOCKFRONT_ORACLE_PYTHON` names). Without it these
//! tests fail.

use serde::Deserialize;
use shockfront::diagnostic::Sources;
use shockfront::document::Format;
use shockfront::fault::file::read_faults;
use shockfront::fault::{Fault, Scenario};
use shockfront::model::{Compact, System};
use shockfront::propagation::result::{ServiceTimesResult, Summary};
use shockfront::propagation::{Request, Simulation, simulate};
use shockfront::random::Seed;
use shockfront::topology::{Files, load};
use shockfront::units::Ticks;
use statrs::distribution::{DiscreteCDF, Hypergeometric};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// P(a comparison of equal laws fails).
const LEVEL: f64 = 1e-6;
/// Fewer values than this say nothing by the asymptotic law of the test.
const FEWEST: usize = 50;

/// Times in ticks of one service over the trials in which there are any, ascending.
#[derive(Debug, Default, Deserialize)]
struct Times {
    downtime: Vec<u64>,
    impaired_time: Vec<u64>,
}

impl Times {
    fn sort(&mut self) {
        self.downtime.sort_unstable();
        self.impaired_time.sort_unstable();
    }
}

/// What a simulator found, by service.
#[derive(Debug, Default, Deserialize)]
struct Sample {
    trials: u64,
    services: BTreeMap<String, Times>,
}

fn trials() -> u64 {
    env::var("SHOCKFRONT_ORACLE_TRIALS").map_or(20_000, |text| text.parse().expect("SHOCKFRONT_ORACLE_TRIALS is a number"))
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/topologies").join(name)
}

/// The interpreter that `scripts/test` has prepared.
fn python() -> PathBuf {
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/cache/oracle/bin/python");
    let named = env::var_os("SHOCKFRONT_ORACLE_PYTHON").map(PathBuf::from);
    named.or_else(|| usual.exists().then_some(usual)).expect(
        "no Python with the packages of tests/oracle/requirements.txt: run scripts/test, which makes one, or name it in \
         SHOCKFRONT_ORACLE_PYTHON",
    )
}

/// Runs the simulator in SimPy.
fn theirs(name: &str) -> Sample {
    let python = python();
    let output = Command::new(&python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/outages.py"))
        .args([file(&format!("{name}.yaml")), file(&format!("{name}.fault.yaml"))])
        .args(["--trials", &trials().to_string(), "--seed", "20260305"])
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", Path::new(&python).display()));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    let mut sample: Sample = serde_json::from_slice(&output.stdout).expect("the oracle writes JSON");
    assert_eq!(sample.trials, trials());
    sample.services.values_mut().for_each(Times::sort);
    sample
}

struct OneFile<'a>(&'a str);

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

/// The same two files in our engine.
struct Ours {
    system: System,
    compact: Compact,
    scenario: Scenario,
}

impl Ours {
    fn new(name: &str, change: impl Fn(String) -> String) -> Self {
        let read = |name: String| change(fs::read_to_string(file(&name)).unwrap_or_else(|error| panic!("{name}: {error}")));
        let mut sources = Sources::default();
        let topology = read(format!("{name}.yaml"));
        let system =
            load(&mut sources, "topology.yaml", &OneFile(&topology)).unwrap_or_else(|problems| panic!("{problems:?}")).system;
        let id = sources.add("fault.yaml", read(format!("{name}.fault.yaml")));
        let read = read_faults(&sources, id, Format::Yaml).unwrap_or_else(|problems| panic!("{problems:?}"));
        let faults: Vec<Fault> = read.faults.into_iter().map(|fault| fault.value).collect();
        let compact = Compact::new(&system);
        let scenario = Scenario::new(&system, &compact, &faults, None).unwrap_or_else(|problems| panic!("{problems:?}"));
        Self { system, compact, scenario }
    }

    fn run(&self, trials: u64, seed: u64) -> Simulation {
        let request = Request { trials, seed: Seed(seed), threads: None, ..Request::default() };
        simulate(&self.system, &self.compact, &self.scenario, &request).unwrap_or_else(|problem| panic!("{problem:?}"))
    }

    fn times(&self, simulation: &Simulation) -> Vec<(String, ServiceTimesResult)> {
        let name = |id| self.system.service_name(id).to_owned();
        simulation.services.iter().map(|result| (name(result.service), result.times().expect("a clock"))).collect()
    }

    /// One trial a seed: the mean of a single trial is its value.
    fn sample(&self) -> Sample {
        let mut sample = Sample { trials: trials(), ..Sample::default() };
        for seed in 0..sample.trials {
            for (name, times) in self.times(&self.run(1, seed)) {
                let service = sample.services.entry(name).or_default();
                for (values, summary) in
                    [(&mut service.downtime, times.downtime), (&mut service.impaired_time, times.impaired_time)]
                {
                    let ticks = Ticks::from_minutes(summary.mean.mean).0;
                    values.extend((ticks > 0).then_some(ticks));
                }
            }
        }
        sample.services.values_mut().for_each(Times::sort);
        sample
    }
}

/// P(two binomial samples of equal size with equal chances differ so much), two-sided; Fisher 1935.
fn p_atom(ours: usize, theirs: usize, trials: u64) -> f64 {
    let both = (ours + theirs) as u64;
    let law = Hypergeometric::new(2 * trials, both, trials).expect("a population");
    let low = ours.min(theirs) as u64;
    (2.0 * law.cdf(low)).min(1.0)
}

/// The largest distance between two distribution functions, from ascending values; ties are taken together.
fn distance(a: &[u64], b: &[u64]) -> f64 {
    let (mut i, mut j, mut largest) = (0, 0, 0.0_f64);
    while i < a.len() && j < b.len() {
        let next = a[i].min(b[j]);
        i += a[i..].partition_point(|value| *value <= next);
        j += b[j..].partition_point(|value| *value <= next);
        largest = largest.max((i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs());
    }
    largest
}

/// P(two samples of one continuous law are so far apart): the limit law of Kolmogorov (Smirnov 1948) with the correction of
/// Stephens 1970 for finite samples. Ties make it larger than it is.
fn p_distance(distance: f64, a: usize, b: usize) -> f64 {
    let n = (a as f64 * b as f64 / (a + b) as f64).sqrt();
    let x = (n + 0.12 + 0.11 / n) * distance;
    if x < 0.2 {
        return 1.0;
    }
    let term = |k: i32| f64::from(1 - 2 * ((k + 1) % 2)) * (-2.0 * f64::from(k * k) * x * x).exp();
    (2.0 * (1..=100).map(term).sum::<f64>()).clamp(0.0, 1.0)
}

/// What differs between two lists of times.
fn differences(what: &str, ours: &[u64], theirs: &[u64], trials: u64) -> Vec<String> {
    let mut found = Vec::new();
    let p = p_atom(ours.len(), theirs.len(), trials);
    if p < LEVEL {
        found.push(format!("{what}: above 0 in {} trials, in {} by the oracle (p = {p:.1e})", ours.len(), theirs.len()));
    }
    if ours.len() >= FEWEST && theirs.len() >= FEWEST {
        let far = distance(ours, theirs);
        let p = p_distance(far, ours.len(), theirs.len());
        if p < LEVEL {
            found.push(format!("{what}: the laws of the times above 0 are {far:.4} apart (p = {p:.1e})"));
        }
    }
    found
}

fn all_differences(ours: &Sample, theirs: &Sample) -> Vec<String> {
    let none = Times::default();
    let of = |name: &String| ours.services.get(name).unwrap_or(&none);
    let each = theirs.services.iter().flat_map(|(name, theirs)| {
        let ours = of(name);
        let down = differences(&format!("{name} down"), &ours.downtime, &theirs.downtime, trials());
        let impaired = differences(&format!("{name} impaired"), &ours.impaired_time, &theirs.impaired_time, trials());
        down.into_iter().chain(impaired)
    });
    each.collect()
}

/// Quantiles of one run: as many trials lie above each as say its rank, and so many should in the oracle. It may be 0.1 % high.
fn quantile_differences(what: &str, ours: &Summary, theirs: &[u64]) -> Vec<String> {
    let mut found = Vec::new();
    for (q, quantile) in [(0.5, ours.p50), (0.9, ours.p90), (0.95, ours.p95), (0.99, ours.p99)] {
        let ticks = Ticks::from_minutes(quantile.value).0;
        let above = theirs.len() - theirs.partition_point(|value| *value <= ticks);
        let at_least = match ticks - ticks.div_ceil(1_024) {
            0 => trials() as usize,
            low => theirs.len() - theirs.partition_point(|value| *value < low),
        };
        let rank = (trials() as f64 * (1.0 - q)).round() as usize;
        let p = p_atom(rank, rank.clamp(above, at_least), trials());
        if p < LEVEL {
            let found_at = quantile.value;
            found.push(format!("{what}: {rank} trials above {found_at} min, {above} by the oracle (p = {p:.1e})"));
        }
    }
    found
}

fn run_differences(ours: &Ours, theirs: &Sample) -> Vec<String> {
    let simulation = ours.run(trials(), 7);
    let mut found = Vec::new();
    for (name, times) in ours.times(&simulation) {
        let result = simulation.service(ours.system.find_service(&name).expect("listed")).expect("listed");
        let theirs = &theirs.services[&name];
        let sides = [("down", result.down, times.downtime, &theirs.downtime)].into_iter().chain([(
            "impaired",
            result.impaired,
            times.impaired_time,
            &theirs.impaired_time,
        )]);
        for (word, share, summary, values) in sides {
            let what = format!("{name} {word} in one run");
            let count = (share.mean * trials() as f64).round() as usize;
            let p = p_atom(count, values.len(), trials());
            if p < LEVEL {
                found.push(format!("{what}: in {count} trials, in {} by the oracle (p = {p:.1e})", values.len()));
            }
            found.extend(quantile_differences(&what, &summary, values));
        }
    }
    found
}

fn check(name: &str) {
    let (theirs, ours) = (theirs(name), Ours::new(name, |text| text));
    assert_eq!(theirs.services.len(), ours.system.service_ids().len(), "{name}: both read the same file");
    let mut found = all_differences(&ours.sample(), &theirs);
    found.extend(run_differences(&ours, &theirs));
    assert!(found.is_empty(), "{name}:\n{}", found.join("\n"));
}

#[test]
fn buffer_chain() {
    check("buffer-chain");
}

#[test]
fn shared_provider() {
    check("shared-provider");
}

#[test]
fn startup_chain() {
    check("startup-chain");
}

#[test]
fn startup_circle() {
    check("startup-circle");
}

#[test]
fn quorum() {
    check("quorum");
}

#[test]
fn quorum_of_severities() {
    check("quorum-of-severities");
}

#[test]
fn partial_errors() {
    check("partial-errors");
}

#[test]
fn overlapping_outages() {
    check("overlapping-outages");
}

#[test]
fn loops() {
    check("loops");
}

#[test]
fn bad_release() {
    check("bad-release");
}

/// The comparison is not blind: a file that says a little else is told apart.
#[test]
fn small_differences_are_seen() {
    let theirs = theirs("buffer-chain");
    for (before, after) in [
        ("buffer: 20m", "buffer: 25m"),
        ("median: 25m, p95: 90m", "median: 33m, p95: 90m"),
        ("probability: 0.8", "probability: 0.86"),
        ("median: 60m, p95: 6h", "median: 70m, p95: 6h"),
    ] {
        let ours = Ours::new("buffer-chain", |text| text.replace(before, after));
        assert!(!all_differences(&ours.sample(), &theirs).is_empty(), "{before} and {after} look the same");
    }
}

#[test]
fn the_tests_reject_what_their_tables_say() {
    // Fisher's tea: 3 of 4 against 1 of 4 has p = 0.4857; Kolmogorov's 5 % and 1 % points are 1.358 and 1.628.
    assert!((p_atom(3, 1, 4) - 0.485_714).abs() < 1e-6);
    for (point, level) in [(1.358, 0.05), (1.628, 0.01)] {
        let n = 1_000_000_000;
        let p = p_distance(point * (2.0 / n as f64).sqrt(), n, n);
        assert!((p / level - 1.0).abs() < 0.01, "{p}");
    }
    assert_eq!(distance(&[1, 2, 2, 3], &[2, 2, 4, 4]), 0.5);
    assert_eq!(distance(&[5, 5], &[5, 5]), 0.0);
}
