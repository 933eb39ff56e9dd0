//! One round of Pollux with 50 live jobs on 16 nodes of 4 GPUs, and the same as its artifact
//! searched.
//!
//! The jobs are submitted at once, of the built-in applications that adapt their batch sizes in
//! turn; none is done before the end. Rounds 11 to 20 are timed: by then most jobs were seen on
//! several GPUs, all GPUs are dealt out, and noise changes from epoch to epoch.
//!
//! No part of a round stands out: crossing takes a tenth of the search, survival a tenth, the sum
//! of a plan's worths and the table of worths a tenth together. A plan costs about 700 ns, of which
//! a quarter goes into branches that no processor can foretell, since random numbers decide them.
//! Tried, and slower or no faster: writing whole blocks where one count changes; keeping the mask
//! of crowded nodes up to date; copying one parent whole; scoring four plans at a time; the
//! instructions of newer processors. A worth in the place of its index makes a round 4 % longer.
//! Fewer generations are no way: 80 make figure 8a's mean completion time 0.2 to 0.5 % longer.
//!
//! The whole of figure 8a as the artifact ran it, on the measured step times, is timed where the
//! published data are at hand: ten seeds, some nine minutes.

#[path = "../tests/common/data.rs"]
mod data;
#[path = "common/spent.rs"]
mod spent;

use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use elasticflow_sim::application::GoodputSpeeds;
use elasticflow_sim::cluster::Shape;
use elasticflow_sim::config::applications::builtin;
use elasticflow_sim::job::{JobId, JobSpec};
use elasticflow_sim::overhead::OverheadPreset;
use elasticflow_sim::placement;
use elasticflow_sim::scheduler::{self, Entry, OptionsError, PolicyOptions, Scheduler, View};
use elasticflow_sim::sim::{Scenario, simulate};
use elasticflow_sim::sweep::Grid;
use elasticflow_sim::units::{Gpus, Iterations, SimDuration, SimTime};
use elasticflow_sim::workload::Workload;
use spent::{Timed, spent};

const JOBS: u32 = 50;
const TIMED: std::ops::Range<u64> = 11..21;

/// Whether a plan is one of the rounds that are timed.
fn counts(view: &View<'_>) -> bool {
    let micros = view.now().as_micros();
    let is_timed = micros.is_multiple_of(60_000_000) && TIMED.contains(&(micros / 60_000_000));
    if is_timed {
        let held: Gpus = view.live().iter().map(|id| view.gpus(*id)).sum();
        assert_eq!(view.live().len(), JOBS as usize, "all are live");
        assert!(held.get() >= 60, "{held} of 64 GPUs are in use");
    }
    is_timed
}

fn timed(options: &PolicyOptions, seed: u64) -> Result<Box<dyn Scheduler>, OptionsError> {
    let policy = (scheduler::entry("pollux").expect("a scheduler").build)(options, seed)?;
    Ok(Box::new(Timed { policy, counts }))
}

fn scenario(paper: bool) -> Scenario {
    let applications = builtin("t4").expect("applications");
    let names: Vec<(String, u32)> = applications
        .iter()
        // A job of one batch size is done within minutes.
        .filter(|one| one.limits.pinned.is_none())
        .map(|one| (one.name.clone(), one.limits.initial))
        .collect();
    let job = |row: u32| JobSpec {
        id: JobId(row),
        name: format!("j{row}"),
        model: names[row as usize % names.len()].0.clone(),
        batch_size: names[row as usize % names.len()].1,
        iterations: Iterations::new(1e6),
        submit: SimTime::ZERO,
        deadline: None,
        requested: Gpus::ONE,
        duration: None,
        soft: Vec::new(),
    };
    let workload = Workload::new((0..JOBS).map(job).collect()).expect("a workload");
    let speeds = Arc::new(GoodputSpeeds::new(&applications, &workload).expect("known applications"));
    let cluster = Shape::uniform(16, Gpus::new(4)).expect("a cluster");
    let entry = scheduler::entry("pollux").expect("a scheduler");
    let artifact = entry.artifact.expect("settings of the artifact").options;
    let preset = if paper { artifact } else { &[] };
    let timed: &'static Entry = Box::leak(Box::new(Entry { build: timed, ..*entry }));
    Scenario {
        overhead: "fixed:30"
            .parse::<OverheadPreset>()
            .expect("an overhead")
            .for_cluster(cluster.gpus())
            .into(),
        workload: workload.into(),
        cluster,
        truth: speeds.clone(),
        belief: speeds,
        placer: placement::entry("buddy").expect("a placer"),
        scheduler: timed,
        options: PolicyOptions::default().over_preset(preset),
        seed: 1,
        slot: SimDuration::from_secs(60),
        until: Some(SimTime::from_secs(60 * TIMED.end)),
        plan_limit: None,
    }
}

/// Runs to the last timed round and gives the time that one took.
fn run(scenario: &Scenario) -> Duration {
    spent();
    simulate(scenario, &mut ()).unwrap_or_else(|why| panic!("{why}"));
    let (spent, rounds) = spent();
    assert_eq!(rounds, (TIMED.end - TIMED.start) as u32);
    spent / rounds
}

fn round(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pollux round");
    group.sample_size(10);
    for (name, paper) in [("default", false), ("paper", true)] {
        let scenario = scenario(paper);
        group.bench_with_input(BenchmarkId::new(name, JOBS), &scenario, |bencher, scenario| {
            bencher.iter_custom(|rounds| (0..rounds).map(|_| run(scenario)).sum());
        });
    }
}

/// What the mean completion time is to be, of any seed.
const MEAN_JCT: std::ops::RangeInclusive<f64> = 70_500.0..=72_000.0;

fn figure_8a(criterion: &mut Criterion) {
    let Some(data) = data::data().map(|data| data.canonicalize().expect("a folder")) else { return };
    let settings = "scheduler = 'pollux'\npreset = 'paper'\ngpu = 't4'\ncluster = '16x4'\nslot = 60\n\
        trace = 'traces/artifact/elasticVpollux_e.csv'\nprofiles = 'pollux/traces'";
    let grid = Grid::parse("figure 8a", settings, &data).expect("a grid").check().expect("a point");
    let base = grid.into_runs().next().expect("a run").scenario();
    let mut group = criterion.benchmark_group("pollux figure 8a");
    group.sample_size(10).sampling_mode(SamplingMode::Flat).warm_up_time(Duration::from_millis(1));
    let mut seeds = 0..;
    group.bench_function("paper", |bencher| {
        bencher.iter(|| {
            let scenario = Scenario { seed: seeds.next().expect("another"), ..base.clone() };
            let outcome = simulate(&scenario, &mut ()).unwrap_or_else(|why| panic!("{why}"));
            let times = outcome.jobs.iter().filter_map(|row| Some(row.jct?.as_secs_f64()));
            let mean = times.sum::<f64>() / outcome.jobs.len() as f64;
            assert!(MEAN_JCT.contains(&mean), "{mean} s");
        });
    });
}

criterion_group!(benches, round, figure_8a);
criterion_main!(benches);
