//! Every service as the fault, without a clock, on one thread: all sources in each world, against one source at a time.

mod common;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use shockfront::fault::{FaultKind, Response};
use shockfront::model::{Compact, System};
use shockfront::propagation::Request;
use shockfront::propagation::ranking::{Failing, Ranking, all_at_once, one_by_one};
use shockfront::random::Seed;

type Engine = fn(&System, &Compact, Failing, &Request<'_>) -> Option<Ranking>;

/// One batch of worlds.
const TRIALS: u64 = 512;

fn bench_rank(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rank");
    group.sample_size(10);
    // A million services against each other are no question for a bench.
    for size in common::sizes().into_iter().filter(|size| size.services <= 10_000) {
        let case = common::case(size);
        let failing = Failing { kind: FaultKind::Crash, horizon: None, response: Response::default() };
        group.throughput(Throughput::Elements(TRIALS * u64::from(size.services)));
        let engines: [(&str, Engine); 2] = [
            ("at_once", all_at_once),
            ("one_by_one", |system, compact, failing, request| one_by_one(system, compact, failing, request).ok()),
        ];
        for (name, engine) in engines {
            let mut seed = 0;
            group.bench_function(BenchmarkId::new(name, size.services), |bencher| {
                bencher.iter(|| {
                    seed += 1;
                    let request =
                        Request { trials: TRIALS, seed: Seed(seed), static_reach: true, threads: Some(1), ..Request::default() };
                    engine(&case.system, &case.compact, failing, &request).expect("every service can crash")
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, bench_rank);
criterion_main!(benches);
