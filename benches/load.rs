//! Text to a valid system, by format. Bars: 10,000 services in 0.3 s (JSON, edge list) and 1.5 s (YAML), a million in 10 s.

mod common;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

fn bench_load(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("load");
    group.sample_size(10);
    for size in common::sizes() {
        let mut texts = vec![("edge_list", "bench.tsv", common::edge_list(size))];
        // Beyond this a document is too large for its format, and nobody writes one.
        if size.services <= 10_000 {
            texts.push(("json", "bench.json", common::json(size)));
            texts.push(("yaml", "bench.yaml", common::yaml(size)));
        }
        for (format, name, text) in &texts {
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_function(BenchmarkId::new(*format, size.services), |bencher| {
                bencher.iter(|| common::load(name, black_box(text)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, bench_load);
criterion_main!(benches);
