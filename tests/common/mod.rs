//! Small workloads for tests: a job is a line, speeds are a table, everything else has a default.
#![allow(dead_code, reason = "each test crate uses its own part")]

use elasticflow_sim::cluster::Shape;
use elasticflow_sim::job::{JobId, JobSpec};
use elasticflow_sim::overhead::OverheadPreset;
use elasticflow_sim::profile::{Curve, ThroughputTable};
use elasticflow_sim::scheduler::PolicyOptions;
use elasticflow_sim::sim::{Outcome, Scenario, SimError, simulate};
use elasticflow_sim::units::{Gpus, Iterations, Rate, SimDuration, SimTime};
use elasticflow_sim::workload::Workload;

pub(crate) use super::base::base_scenario;

/// A job that runs by the curve `model`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    pub(crate) model: &'static str,
    pub(crate) submit: f64,
    pub(crate) iterations: f64,
    pub(crate) deadline: Option<f64>,
    pub(crate) gpus: u32,
}

/// Returns a best-effort job of `iterations` on one GPU; its methods change that. `submit` is in
/// seconds.
pub(crate) fn job(model: &'static str, submit: f64, iterations: f64) -> Job {
    Job { model, submit, iterations, deadline: None, gpus: 1 }
}

impl Job {
    /// Returns the job with a deadline, in seconds.
    pub(crate) fn due(self, deadline: f64) -> Job {
        Job { deadline: Some(deadline), ..self }
    }

    /// Returns the job with a request for this many GPUs.
    pub(crate) fn on(self, gpus: u32) -> Job {
        Job { gpus, ..self }
    }
}

/// Returns a time in seconds as a [`SimTime`].
pub(crate) fn time(seconds: f64) -> SimTime {
    SimTime::from_micros((seconds * 1e6).round() as u64)
}

/// Returns the workload of these jobs, which are named `j0`, `j1`, … in the order of their
/// submission.
pub(crate) fn workload(jobs: &[Job]) -> Workload {
    let mut jobs = jobs.to_vec();
    jobs.sort_by(|a, b| a.submit.total_cmp(&b.submit));
    let specs = jobs.iter().enumerate().map(|(row, job)| JobSpec {
        id: JobId(row as u32),
        name: format!("j{row}"),
        model: job.model.into(),
        batch_size: 64,
        iterations: Iterations::new(job.iterations),
        submit: time(job.submit),
        deadline: job.deadline.map(time),
        soft: Vec::new(),
        requested: Gpus::new(job.gpus),
        duration: None,
    });
    Workload::new(specs.collect()).expect("a legal workload")
}

/// Speeds on 1, 2, 4, … 64 GPUs, in iterations per second. `linear`: the number of GPUs. `flat`: 1.
/// `half`: 1, 1.5, 2, 2.5 … `peak`: as `linear`, without a gain beyond 4.
pub(crate) fn speeds() -> ThroughputTable {
    let mut table = ThroughputTable::new("test");
    let mut add = |model: &str, rate: &dyn Fn(u32) -> f64| {
        let points = (0..7).map(|level| (Gpus::new(1 << level), Rate::new(rate(level))));
        table.insert(model, 64, Curve::new(points.collect()).expect("a legal curve"));
    };
    add("linear", &|level| f64::from(1u32 << level));
    add("flat", &|_| 1.0);
    add("half", &|level| 1.0 + 0.5 * f64::from(level));
    add("peak", &|level| f64::from(1u32 << level.min(2)));
    table
}

/// Returns the default options; Pollux gets a short search, whose plans are valid but not good.
fn options(name: &str) -> PolicyOptions {
    let cheap: &[&str] = if name == "pollux" { &["population=6", "generations=4"] } else { &[] };
    PolicyOptions::parse(cheap.iter().copied()).expect("options")
}

/// Returns the scenario of these jobs under a scheduler on `nodes` × `gpus` GPUs, with slot 0 and
/// without restart overhead.
pub(crate) fn scenario(name: &str, nodes: u32, gpus: u32, jobs: &[Job]) -> Scenario {
    let cluster = Shape::uniform(nodes, Gpus::new(gpus)).expect("a cluster");
    Scenario { options: options(name), ..base_scenario(workload(jobs), &speeds(), cluster, name) }
}

/// Returns the scenario with this restart overhead.
pub(crate) fn overhead(scenario: Scenario, preset: &str) -> Scenario {
    let preset: OverheadPreset = preset.parse().expect("an overhead");
    Scenario { overhead: preset.for_cluster(scenario.cluster.gpus()).into(), ..scenario }
}

/// Returns the scenario with a slot of this many seconds.
pub(crate) fn slot(scenario: Scenario, seconds: f64) -> Scenario {
    Scenario { slot: SimDuration::from_secs_f64(seconds).expect("a slot"), ..scenario }
}

/// Runs a scenario that is expected to end.
pub(crate) fn run(scenario: &Scenario) -> Outcome {
    simulate(scenario, &mut ()).expect("a run")
}

/// Runs a scenario that is expected to fail; returns the error.
pub(crate) fn fails(scenario: &Scenario) -> SimError {
    simulate(scenario, &mut ()).expect_err("no run")
}

/// Returns `START-END` for every job, in seconds; a time that is missing is empty.
pub(crate) fn spans(outcome: &Outcome) -> Vec<String> {
    let text = |time: Option<SimTime>| time.map(|t| t.to_string()).unwrap_or_default();
    outcome.jobs.iter().map(|row| format!("{}-{}", text(row.start_time), text(row.end_time))).collect()
}
