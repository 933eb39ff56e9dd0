//! One planning call with 10, 100, 1,000 and 10,000 live jobs.
//!
//! The jobs are submitted at once with deadlines that all of them can meet; after that one more
//! arrives every second, its deadline somewhere among theirs. What is timed is what the policy
//! takes for each of these arrivals: refilling, judging, handing out. Loading the jobs and carrying
//! out the plans is not.
//!
//! Policies that decide in rounds of their own are left out: an arrival is not what makes them
//! plan. Their whole runs are in `benches/replay.rs`, Pollux's rounds in `benches/pollux.rs`.

#[path = "common/spent.rs"]
mod spent;

use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use elasticflow_sim::cluster::Shape;
use elasticflow_sim::config::profiles::builtin;
use elasticflow_sim::job::{JobId, JobSpec};
use elasticflow_sim::overhead::OverheadPreset;
use elasticflow_sim::placement;
use elasticflow_sim::profile::ProfiledSpeeds;
use elasticflow_sim::scheduler::{self, Entry, OptionsError, PolicyOptions, Scheduler};
use elasticflow_sim::sim::{Scenario, simulate};
use elasticflow_sim::trace::{GenerateOptions, generate};
use elasticflow_sim::units::{Gpus, SimDuration, SimTime};
use elasticflow_sim::workload::Workload;
use spent::{Timed, spent};

/// Arrivals that are timed in one run.
const TIMED: u32 = 8;

fn timed(name: &str) -> Result<Box<dyn Scheduler>, OptionsError> {
    let entry = scheduler::entry(name).expect("a scheduler");
    let policy = (entry.build)(&PolicyOptions::default(), 0)?;
    // But for those that came at time 0.
    Ok(Box::new(Timed { policy, counts: |view| view.arrivals().len() == 1 }))
}

/// The entries whose calls at arrivals are timed; the others have benches of whole runs, or of
/// rounds. One for each, since an entry's function knows nothing but its options.
fn entries() -> &'static [Entry] {
    static ENTRIES: std::sync::OnceLock<Vec<Entry>> = std::sync::OnceLock::new();
    let timed_build = |entry: &Entry| -> Option<Entry> {
        let build: fn(&PolicyOptions, u64) -> _ = match entry.name {
            "elasticflow" => |_, _| timed("elasticflow"),
            "elasticflow-no-admission" => |_, _| timed("elasticflow-no-admission"),
            "edf" => |_, _| timed("edf"),
            "edf-admission" => |_, _| timed("edf-admission"),
            "fifo" => |_, _| timed("fifo"),
            "srtf" => |_, _| timed("srtf"),
            "gandiva" | "tiresias" | "themis" | "chronus" | "pollux" => return None,
            other => panic!("{other} is not timed; give it a line here"),
        };
        Some(Entry { build, ..*entry })
    };
    ENTRIES.get_or_init(|| scheduler::entries().iter().filter_map(timed_build).collect())
}

/// `live` jobs at time 0, in deadline order, and one each second after that.
fn workload(live: u32) -> Workload {
    let table = builtin("a100").expect("profiles");
    // With ten minutes of work at least, no job is due within a week; the shorter half needs less
    // than that.
    let options = GenerateOptions {
        jobs: live + TIMED,
        mean_interarrival: 0.0,
        tightness: (1e3, 2e3),
        max_gpus: 8,
        seed: 5,
        ..GenerateOptions::default()
    };
    let mut jobs: Vec<JobSpec> = generate(&options, &table).expect("a trace").jobs().to_vec();
    jobs[..live as usize].sort_by_key(|job| (job.due(), job.id));
    for (row, job) in jobs.iter_mut().enumerate() {
        let row = row as u32;
        job.id = JobId(row);
        job.submit = SimTime::from_secs(u64::from((row + 1).saturating_sub(live)));
    }
    Workload::new(jobs).expect("a workload")
}

fn scenario(scheduler: &'static Entry, live: u32) -> Scenario {
    let workload = workload(live);
    let speeds =
        Arc::new(ProfiledSpeeds::new(&builtin("a100").expect("profiles"), &workload).expect("models"));
    let cluster = Shape::uniform(16, Gpus::new(8)).expect("a cluster");
    Scenario {
        overhead: OverheadPreset::default().for_cluster(cluster.gpus()).into(),
        workload: workload.into(),
        cluster,
        truth: speeds.clone(),
        belief: speeds,
        placer: placement::entry("buddy").expect("a placer"),
        scheduler,
        options: PolicyOptions::default(),
        seed: 0,
        slot: SimDuration::ZERO,
        // The last arrival; no job completes before it.
        until: Some(SimTime::from_secs(u64::from(TIMED))),
        plan_limit: None,
    }
}

/// Runs to the last arrival and gives the time that the timed calls took.
fn run(scenario: &Scenario) -> Duration {
    spent();
    let outcome = simulate(scenario, &mut ()).unwrap_or_else(|why| panic!("{why}"));
    let (spent, calls) = spent();
    assert_eq!(calls, TIMED);
    assert!(outcome.jobs.iter().all(|row| row.reason.is_empty() && row.end_time.is_none()), "all are live");
    spent
}

fn plan(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plan");
    group.sample_size(10);
    for scheduler in entries() {
        for live in [10, 100, 1_000, 10_000] {
            let scenario = scenario(scheduler, live);
            group.bench_with_input(BenchmarkId::new(scheduler.name, live), &scenario, |bencher, scenario| {
                bencher.iter_custom(|calls| {
                    let runs = calls.div_ceil(u64::from(TIMED));
                    let spent: Duration = (0..runs).map(|_| run(scenario)).sum();
                    spent.mul_f64(calls as f64 / (runs * u64::from(TIMED)) as f64)
                });
            });
        }
    }
}

criterion_group!(benches, plan);
criterion_main!(benches);
