//! The replica of the published artifact on the figures of its paper. Reading a trace is not timed.
//! Each benchmark checks the known counts first. Skipped where the reference data is not at hand.

#[path = "../tests/common/artifact.rs"]
mod artifact;
#[path = "../tests/common/data.rs"]
mod data;
#[path = "../tests/common/stored.rs"]
mod stored;

use std::hint::black_box;

use artifact::{ReplicaRunner, read};
use criterion::{Criterion, criterion_group, criterion_main};
use elasticflow_sim::replica::Schedule;
use elasticflow_sim::workload::Workload;

/// A schedule, a cluster, and the number of jobs that the schedule is known to accept.
type KnownRun = (Schedule, (u32, u32), i64);

/// Runs a schedule; returns the number of jobs that it accepts.
fn count_accepted(workload: &Workload, gpu: &str, slot: u64, (schedule, cluster, _): KnownRun) -> i64 {
    ReplicaRunner::new(gpu, cluster, slot)
        .run(workload, schedule)
        .unwrap_or_else(|why| panic!("{schedule:?}: {why}"))
        .accepted
}

fn figures(criterion: &mut Criterion) {
    use Schedule::{DlasGpu, Edf, EdfAccessCtrl, Ef, EfAccessCtrl, Gandiva, Themis};
    let Some(data) = data::data() else { return };
    let mut group = criterion.benchmark_group("artifact");
    group.sample_size(10);
    let mut bench = |name: &str, trace: &str, gpu: &str, slot: u64, runs: &[KnownRun]| {
        let workload = read(&data.join("traces").join(trace), gpu);
        for run in runs {
            assert_eq!(count_accepted(&workload, gpu, slot, *run), run.2, "{name}: {run:?}");
        }
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                runs.iter().map(|run| count_accepted(black_box(&workload), gpu, slot, *run)).sum::<i64>()
            });
        });
    };
    let figure9 = [
        (Edf, (8, 8), 23),
        (EdfAccessCtrl, (8, 8), 214),
        (Ef, (8, 8), 282),
        (EfAccessCtrl, (8, 8), 917),
        (Edf, (16, 8), 143),
        (EdfAccessCtrl, (16, 8), 396),
        (Ef, (16, 8), 665),
        (EfAccessCtrl, (16, 8), 935),
        (Edf, (32, 8), 244),
        (EdfAccessCtrl, (32, 8), 610),
        (Ef, (32, 8), 891),
        (EfAccessCtrl, (32, 8), 942),
    ];
    bench("figure 9, twelve runs", "artifact/fig9_1000jobs.csv", "a100", 240, &figure9);
    bench("cluster10 under themis", "itp/cluster10.csv", "a100", 60, &[(Themis, (32, 8), 123)]);
    let figure8a = [Edf, Gandiva, DlasGpu, Themis, EfAccessCtrl];
    let counts = [23, 18, 56, 61, 142];
    let figure8a: Vec<KnownRun> =
        figure8a.into_iter().zip(counts).map(|(schedule, count)| (schedule, (16, 4), count)).collect();
    bench("figure 8a, five runs", "artifact/elasticVpollux_e.csv", "t4", 60, &figure8a);
}

criterion_group!(benches, figures);
criterion_main!(benches);
