//! The stored runs of the published artifact, and the replica on their inputs.
#![allow(dead_code, reason = "each test crate uses its own part")]

use std::path::Path;
use std::sync::Arc;

use elasticflow_sim::cluster::Shape;
use elasticflow_sim::config::profiles::builtin;
use elasticflow_sim::replica::{
    FinishedJob, GpuTable, Quirks, ReplicaError, ReplicaInput, ReplicaOutcome, Schedule, replay,
};
use elasticflow_sim::trace::{self, ReadOptions};
use elasticflow_sim::units::Gpus;
use elasticflow_sim::workload::Workload;

pub(crate) use super::stored::Stored;
use super::stored::{index, rows};

/// A finished job of a stored run, or of the replica in the same form. Times are whole seconds;
/// some files write them with a decimal point. Not every schedule plans an end.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
pub(crate) struct StoredJob {
    pub(crate) job_id: String,
    pub(crate) num_gpu_last: u32,
    pub(crate) start_time: f64,
    pub(crate) end_time: f64,
    pub(crate) planned_end_time: Option<f64>,
    pub(crate) deadline: Option<f64>,
    pub(crate) jct: f64,
    pub(crate) pending_time: f64,
    pub(crate) preempt: u32,
}

impl Stored {
    /// Reads the stored runs of a schedule, of which there is at least one.
    pub(crate) fn of(data: &Path, schedule: Schedule) -> Vec<Stored> {
        let mut all = index(data);
        all.retain(|run| run.schedule == schedule.as_str());
        assert!(!all.is_empty(), "{schedule:?} has no stored run");
        all
    }

    /// Reads the finished jobs, in the order in which the artifact notices their ends.
    pub(crate) fn jobs(&self, data: &Path) -> Vec<StoredJob> {
        rows(&data.join(&self.jobs_csv))
    }

    /// Runs the replica on the same input; returns the workload and the outcome.
    pub(crate) fn replay(&self, data: &Path) -> (Arc<Workload>, ReplicaOutcome) {
        let workload = read(&data.join(&self.trace), &self.gpu);
        let setting = ReplicaRunner::new(&self.gpu, (self.nodes, self.gpus_per_node), self.slot);
        let schedule = Schedule::named(&self.schedule).unwrap();
        let replayed = setting.run(&workload, schedule).unwrap_or_else(|why| panic!("{}: {why}", self.id));
        (workload, replayed)
    }
}

impl StoredJob {
    /// Converts a finished job of the replica.
    pub(crate) fn of(workload: &Workload, row: &FinishedJob) -> StoredJob {
        let spec = workload.job(row.job);
        let whole = |micros: u64| (micros / 1_000_000) as f64;
        StoredJob {
            job_id: spec.name.clone(),
            num_gpu_last: row.num_gpu,
            start_time: row.start as f64,
            end_time: row.end as f64,
            planned_end_time: row.real_end.map(|end| end as f64),
            deadline: spec.deadline.map(|due| whole(due.as_micros())),
            jct: row.end as f64 - whole(spec.submit.as_micros()),
            pending_time: row.pending as f64,
            preempt: row.preempt,
        }
    }
}

/// Runs the replica: everything about a run but the jobs and the schedule.
#[derive(Clone, Debug)]
pub(crate) struct ReplicaRunner<'a> {
    pub(crate) gpu: &'a str,
    pub(crate) cluster: (u32, u32),
    pub(crate) slot: u64,
    pub(crate) quirks: Quirks,
    pub(crate) log_rounds: bool,
}

impl<'a> ReplicaRunner<'a> {
    /// Creates a runner with all quirks and no log of rounds, on a cluster of NODES and GPUS.
    pub(crate) fn new(gpu: &'a str, cluster: (u32, u32), slot: u64) -> ReplicaRunner<'a> {
        ReplicaRunner { gpu, cluster, slot, quirks: Quirks::all(), log_rounds: false }
    }

    /// Returns the nodes of the cluster.
    pub(crate) fn shape(&self) -> Shape {
        Shape::uniform(self.cluster.0, Gpus::new(self.cluster.1)).expect("a cluster")
    }

    /// Runs a schedule of the replica on these jobs.
    pub(crate) fn run(
        &self,
        workload: &Workload,
        schedule: Schedule,
    ) -> Result<ReplicaOutcome, ReplicaError> {
        let input = ReplicaInput {
            workload,
            table: &builtin(self.gpu).expect("built-in profiles"),
            gpu: if self.gpu == "a100" { GpuTable::A100 } else { GpuTable::T4 },
            cluster: &self.shape(),
            slot: self.slot,
            quirks: self.quirks,
            log_rounds: self.log_rounds,
        };
        replay(&input, schedule)
    }

    /// Returns a runner without these quirks of a schedule, given by their numbers.
    pub(crate) fn without(&self, schedule: Schedule, numbers: &[u8]) -> ReplicaRunner<'a> {
        let find = |number: &u8| Quirks::of(schedule).find(|quirk| quirk.number == *number).unwrap();
        let quirks = numbers.iter().map(find).fold(self.quirks, Quirks::without);
        ReplicaRunner { quirks, ..self.clone() }
    }
}

/// Reads a trace for a GPU type.
pub(crate) fn read(path: &Path, gpu: &str) -> Arc<Workload> {
    let table = builtin(gpu).expect("built-in profiles");
    trace::read(path, &table, &ReadOptions::default()).unwrap_or_else(|why| panic!("{why}")).workload
}

/// A job of a worked example: submission, iterations, model, batch size, deadline, GPUs, duration.
pub(crate) type Example = (u64, u64, &'static str, u32, Option<u64>, u32, u64);

/// Returns a deadline job for an elastic schedule, given by submission, iterations and deadline:
/// `resnet50` at batch size 256, 1 GPU.
pub(crate) fn elastic(submit: u64, iterations: u64, due: u64) -> Example {
    (submit, iterations, "resnet50", 256, Some(due), 1, 1000)
}

/// Returns a deadline job for a schedule with gangs, given by submission, GPUs, duration and
/// deadline. It has as many iterations as seconds.
pub(crate) fn gang(submit: u64, gpus: u32, duration: u64, due: u64) -> Example {
    (submit, duration, "resnet50", 256, Some(due), gpus, duration)
}

/// Reads these jobs as a trace.
pub(crate) fn example(jobs: &[Example]) -> Arc<Workload> {
    let mut text =
        "job_id,submit_time,iteration,model_name,ddl,batch_size,num_gpu,duration,best_effort\n".to_owned();
    for (id, (submit, iterations, model, batch, due, gpus, duration)) in jobs.iter().enumerate() {
        let (due, best_effort) = due.map_or((0, 1), |due| (due, 0));
        text +=
            &format!("{id},{submit},{iterations},{model},{due},{batch},{gpus},{duration},{best_effort}\n");
    }
    let table = builtin("a100").expect("built-in profiles");
    // Durations are what the artifact ends jobs by, and may be far off what the iterations take.
    let options = ReadOptions { odd_durations: true, ..ReadOptions::default() };
    trace::parse("rows.csv", text.as_bytes(), &table, &options).unwrap_or_else(|why| panic!("{why}")).workload
}

/// Returns the job, GPUs, start and end of each finished job.
pub(crate) fn spans(replayed: &ReplicaOutcome) -> Vec<(u32, u32, i64, i64)> {
    replayed.finished.iter().map(|row| (row.job.0, row.num_gpu, row.start, row.end)).collect()
}

/// Returns the artifact's counts of accepted and of declined jobs.
pub(crate) fn counts(replayed: &ReplicaOutcome) -> (i64, i64) {
    (replayed.accepted, replayed.declined)
}
