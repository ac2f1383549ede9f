//! The static kernel on one thread, with the plan of the scenario: trials a second, and arcs × trials a second; and the kinds of
//! machine that there is code for, side by side.

mod common;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use shockfront::lanes::Machine;
use shockfront::propagation::{Request, simulate};
use shockfront::random::Seed;

/// Enough that the plan does not count.
fn trials(size: common::Size) -> u64 {
    match size.services {
        0..=1_000 => 65_536,
        1_001..=10_000 => 8_192,
        _ => 512,
    }
}

fn bench_reach(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reach");
    group.sample_size(10);
    for size in common::sizes() {
        let case = common::case(size);
        let trials = trials(size);
        // The same work twice: criterion knows one unit for each name.
        for (unit, per_trial) in [("trials", 1), ("arcs_times_trials", case.reachable_arcs)] {
            group.throughput(Throughput::Elements(trials * per_trial));
            let mut seed = 0;
            group.bench_function(BenchmarkId::new(unit, size.services), |bencher| {
                bencher.iter(|| {
                    seed += 1;
                    let request =
                        Request { trials, seed: Seed(seed), static_reach: true, threads: Some(1), ..Request::default() };
                    simulate(&case.system, &case.compact, &case.scenario, &request).expect("a simulation")
                });
            });
        }
    }
    group.finish();
}

fn bench_machines(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("machine");
    group.sample_size(10);
    for size in common::sizes().into_iter().filter(|size| size.services <= 10_000) {
        let case = common::case(size);
        let trials = trials(size);
        group.throughput(Throughput::Elements(trials));
        for machine in Machine::available() {
            group.bench_function(BenchmarkId::new(format!("{machine:?}"), size.services), |bencher| {
                bencher.iter(|| {
                    let request =
                        Request { trials, static_reach: true, threads: Some(1), machine: Some(machine), ..Request::default() };
                    simulate(&case.system, &case.compact, &case.scenario, &request).expect("a simulation")
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, bench_reach, bench_machines);
criterion_main!(benches);
