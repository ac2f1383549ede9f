//! Graphs that all benches share: layers of services with a few providers that everybody uses, the same on every machine.
#![allow(dead_code, reason = "every bench uses a part")]

use shockfront::diagnostic::Sources;
use shockfront::fault::{Fault, FaultKind, Scenario};
use shockfront::model::{Compact, System};
use shockfront::topology::{self, Files};
use std::fmt::Write as _;
use std::io;

/// Services and arcs of a size.
#[derive(Clone, Copy)]
pub struct Size {
    pub services: u32,
    pub arcs: usize,
}

const SMALL: Size = Size { services: 1_000, arcs: 5_000 };
const LARGE: Size = Size { services: 10_000, arcs: 60_000 };
const HUGE: Size = Size { services: 1_000_000, arcs: 8_000_000 };

/// The sizes to measure. A million services take minutes, so a run on small input (`cargo bench -- --test`) leaves them out;
/// `SHOCKFRONT_BENCH_HUGE=1` and `=0` decide otherwise.
pub fn sizes() -> Vec<Size> {
    let has = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    let huge = match std::env::var("SHOCKFRONT_BENCH_HUGE") {
        Ok(value) => value == "1",
        Err(_) => has("--bench") && !has("--test"),
    };
    if huge { vec![SMALL, LARGE, HUGE] } else { vec![SMALL, LARGE] }
}

/// Provider, consumer, tenths of the probability.
pub type Arc = (u32, u32, u8);

/// Draws in [0, 1) by their number: SplitMix64 of a counter.
fn draw(number: u64) -> f64 {
    let z = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Distinct arcs. A consumer has a smaller number than its providers, except for one arc in 2,000, so there are a few cycles;
/// providers with the largest numbers are the most used ones.
pub fn arcs(size: Size) -> Vec<Arc> {
    let n = u64::from(size.services);
    let mut keys: Vec<u64> = Vec::with_capacity(size.arcs + size.arcs / 4);
    let mut number = 1;
    while keys.len() < size.arcs {
        for _ in 0..(size.arcs - keys.len()) * 5 / 4 + 16 {
            let consumer = (draw(number) * (n - 1) as f64) as u64;
            let deeper = (n - 1 - consumer) as f64;
            let provider = n - 1 - (draw(number + 1).powi(2) * deeper) as u64;
            let turned = draw(number + 2) < 0.000_5;
            keys.push(if turned { provider * n + consumer } else { consumer * n + provider });
            number += 3;
        }
        keys.sort_unstable();
        keys.dedup();
    }
    // Every k-th is dropped, not the last ones: they all have late consumers.
    let surplus = keys.len() - size.arcs;
    let step = if surplus == 0 { usize::MAX } else { keys.len() / surplus };
    let mut dropped = 0;
    let mut at = 0;
    keys.retain(|_| {
        at += 1;
        let drop = at % step == 0 && dropped < surplus;
        dropped += usize::from(drop);
        !drop
    });
    keys.iter().map(|key| ((key % n) as u32, (key / n) as u32, 1 + (draw(key.wrapping_add(7)).powi(4) * 9.0) as u8)).collect()
}

/// `provider consumer probability`.
pub fn edge_list(arcs: &[Arc]) -> String {
    let mut text = String::with_capacity(arcs.len() * 20);
    for (provider, consumer, tenths) in arcs {
        writeln!(text, "s{provider}\ts{consumer}\t0.{tenths}").expect("string");
    }
    text
}

/// The same graph as a topology file in JSON.
pub fn json(size: Size, arcs: &[Arc]) -> String {
    let mut text = String::from("{\"schema\":\"shockfront/topology/v1\",\"name\":\"bench\",\"services\":{");
    for service in 0..size.services {
        let comma = if service == 0 { "" } else { "," };
        write!(text, "{comma}\"s{service}\":{{\"owner\":\"team-{}\",\"replicas\":{{\"count\":3,\"need\":2}}}}", service % 50)
            .expect("string");
    }
    text.push_str("},\"dependencies\":[");
    for (at, (provider, consumer, tenths)) in arcs.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(text, "{comma}{{\"from\":\"s{consumer}\",\"to\":\"s{provider}\",\"kind\":\"hard\",\"probability\":0.{tenths}}}")
            .expect("string");
    }
    text.push_str("]}");
    text
}

/// The same graph as people write it.
pub fn yaml(size: Size, arcs: &[Arc]) -> String {
    let mut text = String::from("schema: shockfront/topology/v1\nname: bench\nservices:\n");
    for service in 0..size.services {
        writeln!(text, "  s{service}: {{owner: team-{}, replicas: {{count: 3, need: 2}}}}", service % 50).expect("string");
    }
    text.push_str("dependencies:\n");
    for (provider, consumer, tenths) in arcs {
        writeln!(text, "  - {{from: s{consumer}, to: s{provider}, kind: hard, probability: 0.{tenths}}}").expect("string");
    }
    text
}

/// One file in memory.
pub struct Memory<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

impl Files for Memory<'_> {
    fn size(&self, _: &str) -> io::Result<u64> {
        Ok(self.text.len() as u64)
    }

    fn read(&self, _: &str) -> io::Result<Vec<u8>> {
        Ok(self.text.as_bytes().to_vec())
    }

    fn list(&self, _: &str) -> io::Result<Option<Vec<String>>> {
        Ok(None)
    }

    fn open(&self, _: &str) -> io::Result<Box<dyn io::BufRead + '_>> {
        Ok(Box::new(self.text.as_bytes()))
    }
}

/// Text to system.
pub fn load(name: &str, text: &str) -> System {
    match topology::load(&mut Sources::default(), name, &Memory { name, text }) {
        Ok(loaded) => loaded.system,
        Err(errors) => panic!("{name}: {}", errors[0].message),
    }
}

/// Everything a kernel needs.
pub struct Case {
    pub size: Size,
    pub system: System,
    pub compact: Compact,
    pub scenario: Scenario,
    /// Arcs that one trial can travel.
    pub reachable_arcs: u64,
}

/// A crash of the provider that the most services use.
pub fn case(size: Size) -> Case {
    let arcs = arcs(size);
    let source = size.services - 1;
    let system = load("bench.tsv", &edge_list(&arcs));
    let compact = Compact::new(&system);
    let fault = Fault::new(FaultKind::Crash, format!("s{source}"));
    let scenario = Scenario::new(&system, &compact, &[fault], None).expect("the source is a service");
    Case { reachable_arcs: reachable_arcs(size, &arcs, source), size, system, compact, scenario }
}

fn reachable_arcs(size: Size, arcs: &[Arc], source: u32) -> u64 {
    let mut start = vec![0_usize; size.services as usize + 1];
    for (provider, ..) in arcs {
        start[*provider as usize + 1] += 1;
    }
    for at in 1..start.len() {
        start[at] += start[at - 1];
    }
    let mut cursor = start.clone();
    let mut consumers = vec![0; arcs.len()];
    for (provider, consumer, _) in arcs {
        consumers[cursor[*provider as usize]] = *consumer;
        cursor[*provider as usize] += 1;
    }
    let mut seen = vec![false; size.services as usize];
    seen[source as usize] = true;
    let (mut pending, mut count) = (vec![source as usize], 0);
    while let Some(service) = pending.pop() {
        for consumer in &consumers[start[service]..start[service + 1]] {
            count += 1;
            if !std::mem::replace(&mut seen[*consumer as usize], true) {
                pending.push(*consumer as usize);
            }
        }
    }
    count
}
