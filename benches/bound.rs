//! The search for the prices of the bound, on the repository's own traces: a cluster that is short,
//! and one that is not.

#[path = "../tests/common/base.rs"]
mod base;
#[path = "../tests/common/replay.rs"]
mod replay;

use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use elasticflow_sim::bound::Bound;

use replay::replay;

fn bound(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("bound");
    group.sample_size(10);
    for (trace, nodes) in [("bursty-195", 4), ("fig9-load-1000", 4), ("fig9-load-1000", 8)] {
        let path = format!("{}/traces/{trace}.csv", env!("CARGO_MANIFEST_DIR"));
        let scenario = replay(Path::new(&path), "a100", (nodes, 8), 60, "fifo");
        let id = BenchmarkId::new(trace, format!("{nodes}x8"));
        group.bench_function(id, |bencher| bencher.iter(|| Bound::of(black_box(&scenario))));
    }
    group.finish();
}

criterion_group!(benches, bound);
criterion_main!(benches);
