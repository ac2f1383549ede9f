//! Graphs that all benches share: what `shockfront generate` makes, the same on every machine.
#![allow(dead_code, unreachable_pub, reason = "every bench uses a part")]

use shockfront::diagnostic::Sources;
use shockfront::fault::{Fault, FaultKind, Scenario};
use shockfront::model::draft::Nowhere;
use shockfront::model::{Compact, System};
use shockfront::topology::generate::{self, Plan};
use shockfront::topology::{self, Files, write};
use shockfront::units::ServiceId;
use std::io;

/// Services and arcs of a size.
#[derive(Clone, Copy)]
pub struct Size {
    pub services: u32,
    pub arcs: u64,
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

/// The same for every size and machine.
fn plan(size: Size) -> Plan {
    Plan { services: size.services, arcs: size.arcs, seed: 1 }
}

/// `provider consumer probability`.
pub fn edge_list(size: Size) -> String {
    let mut text = Vec::new();
    generate::edge_list(plan(size), &mut text).expect("a possible plan");
    String::from_utf8(text).expect("names are ASCII")
}

/// A topology of the size with owners, operations and journeys.
fn document(size: Size) -> System {
    System::build(generate::draft(plan(size)).expect("a possible plan"), &Nowhere).expect("a valid draft")
}

/// As a topology file in JSON.
pub fn json(size: Size) -> String {
    write::json(&document(size))
}

/// As people write it.
pub fn yaml(size: Size) -> String {
    write::yaml(&document(size))
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

    fn open(&self, _: &str) -> io::Result<Box<dyn io::BufRead + Send + '_>> {
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
    let system = load("bench.tsv", &edge_list(size));
    let mut uses = vec![0_u32; system.service_count()];
    for id in system.dependency_ids() {
        uses[system.provider(id).service.index()] += 1;
    }
    let source = (0..uses.len()).max_by_key(|service| uses[*service]).unwrap_or(0);
    let compact = Compact::new(&system);
    let fault = Fault::new(FaultKind::Crash, system.service_name(ServiceId::at(source)));
    let scenario = Scenario::new(&system, &compact, &[fault], None).expect("the source is a service");
    Case { reachable_arcs: reachable_arcs(&system, source), size, system, compact, scenario }
}

fn reachable_arcs(system: &System, source: usize) -> u64 {
    let mut consumers = vec![Vec::new(); system.service_count()];
    for id in system.dependency_ids() {
        consumers[system.provider(id).service.index()].push(system.consumer(id).service.index());
    }
    let mut seen = vec![false; consumers.len()];
    seen[source] = true;
    let (mut pending, mut count) = (vec![source], 0);
    while let Some(service) = pending.pop() {
        for consumer in &consumers[service] {
            count += 1;
            if !std::mem::replace(&mut seen[*consumer], true) {
                pending.push(*consumer);
            }
        }
    }
    count
}
