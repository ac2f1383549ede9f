//! A system to the index arrays that every kernel shares.

mod common;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use shockfront::model::Compact;
use std::hint::black_box;

fn bench_compile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compile");
    group.sample_size(10);
    for size in common::sizes() {
        let system = common::load("bench.tsv", &common::edge_list(size));
        group.throughput(Throughput::Elements(size.arcs));
        group.bench_function(BenchmarkId::new("arcs", size.services), |bencher| {
            bencher.iter(|| Compact::new(black_box(&system)));
        });
    }
    group.finish();
}

criterion_group!(benches, bench_compile);
criterion_main!(benches);
