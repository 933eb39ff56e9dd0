//! The event queue, which is private: through a run in which it is nearly all there is to do.
//!
//! All jobs arrive at once on a node with a GPU for each. The first plan starts them all, which
//! fills the queue with their ends, at as many instants; a slot longer than all of them keeps the
//! scheduler out until the last end is taken from it.

use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use elasticflow_sim::cluster::Shape;
use elasticflow_sim::job::{JobId, JobSpec};
use elasticflow_sim::overhead::{ChangeCost, OverheadPreset};
use elasticflow_sim::profile::{Curve, ProfiledSpeeds, ThroughputTable};
use elasticflow_sim::sim::{Scenario, simulate};
use elasticflow_sim::units::{Gpus, Iterations, Rate, SimDuration, SimTime};
use elasticflow_sim::workload::Workload;
use elasticflow_sim::{placement, scheduler};

fn scenario(jobs: u32) -> Scenario {
    let specs = (0..jobs).map(|row| JobSpec {
        id: JobId(row),
        name: row.to_string(),
        model: "model".into(),
        batch_size: 1,
        // A permutation of 1 to `jobs`, so that they do not end in the order in which they came.
        iterations: Iterations::new(f64::from(1 + (u64::from(row) * 7919 % u64::from(jobs)) as u32)),
        submit: SimTime::ZERO,
        deadline: None,
        soft: Vec::new(),
        requested: Gpus::ONE,
        duration: None,
    });
    let workload = Workload::new(specs.collect()).expect("a workload");
    let mut table = ThroughputTable::new("bench");
    table.insert("model", 1, Curve::new(vec![(Gpus::ONE, Rate::new(1.0))]).expect("a curve"));
    let speeds = Arc::new(ProfiledSpeeds::new(&table, &workload).expect("a known model"));
    Scenario {
        overhead: OverheadPreset::from(ChangeCost::None).for_cluster(Gpus::new(jobs)).into(),
        workload: workload.into(),
        cluster: Shape::uniform(1, Gpus::new(jobs)).expect("a cluster"),
        truth: speeds.clone(),
        belief: speeds,
        placer: placement::entry("first-fit").expect("a placer"),
        scheduler: scheduler::entry("fifo").expect("a scheduler"),
        options: Default::default(),
        seed: 0,
        slot: SimDuration::from_secs(1_000_000),
        until: None,
        plan_limit: None,
    }
}

fn queue(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue");
    group.sample_size(20);
    for jobs in [1_000, 10_000, 100_000] {
        let scenario = scenario(jobs);
        let run = || simulate(&scenario, &mut ()).unwrap_or_else(|why| panic!("{why}"));
        let outcome = run();
        // An arrival and an end for each job, and the plan that the slot held back.
        let events = 2 * u64::from(jobs) + 1;
        assert_eq!((outcome.totals.events, outcome.totals.plans), (events, 2));
        let last = outcome.jobs.iter().filter_map(|row| row.end_time).max();
        assert_eq!(last, Some(SimTime::from_secs(u64::from(jobs))));
        group.throughput(Throughput::Elements(events));
        group.bench_function(BenchmarkId::from_parameter(jobs), |bencher| bencher.iter(run));
    }
}

criterion_group!(benches, queue);
criterion_main!(benches);
