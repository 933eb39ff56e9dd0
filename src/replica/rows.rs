//! The rows of `jobs.csv` that every engine leaves, and the totals.

use crate::job::JobSpec;
use crate::record::jobs::{AloneFigures, JobResult, JobRow};
use crate::state::Phase;
use crate::units::{GpuTime, Gpus, SimDuration, SimTime};
use crate::workload::Workload;

use super::outcome::{FinishedJob, NEVER, ReplicaOutcome};

/// The reason of every declined job: the artifact gives none.
const DECLINED: &str = "refused on arrival by the artifact";

impl ReplicaOutcome {
    /// Returns the artifact's own ratio, accepted ÷ (accepted + declined); `None` where it counted
    /// no job.
    pub fn ratio(&self) -> Option<f64> {
        let counted = self.accepted + self.declined;
        (counted > 0).then(|| self.accepted as f64 / counted as f64)
    }

    /// Returns the sum over running jobs of the speed divided by that on one GPU, averaged over
    /// all GPUs and the time from the first submission to the last end; 0 if that time is empty.
    pub fn cluster_efficiency(&self, workload: &Workload, gpus: Gpus) -> f64 {
        let first = workload.jobs().iter().map(|job| job.submit).min().unwrap_or_default();
        let last = self.finished.iter().map(|job| time(job.end)).max().unwrap_or_default();
        let all = f64::from(gpus.get()) * last.since(first).as_secs_f64();
        let sum: f64 = self.finished.iter().map(|job| job.account.speedup).sum();
        if all > 0.0 { sum / all } else { 0.0 }
    }

    /// Returns one row per job of the trace, in its order.
    ///
    /// Verdicts go by the ends that the artifact writes down, whatever it counts. A job that the
    /// artifact neither declines nor ends is unfinished.
    pub fn job_rows(&self, workload: &Workload, alone: impl Fn(&JobSpec) -> AloneFigures) -> Vec<JobRow> {
        let mut finished: Vec<Option<&FinishedJob>> = vec![None; workload.len()];
        for job in &self.finished {
            let earlier = finished[job.job.index()].replace(job);
            assert!(earlier.is_none(), "a job ends once");
        }
        let mut declined = vec![false; workload.len()];
        for job in &self.declined_jobs {
            declined[job.index()] = true;
        }
        let row = |spec: &JobSpec| {
            let place = spec.id.index();
            let result = job_result(spec, finished[place], declined[place], alone(spec));
            JobRow::of_result(spec, result)
        };
        workload.jobs().iter().map(row).collect()
    }
}

fn job_result(
    spec: &JobSpec,
    finished: Option<&FinishedJob>,
    declined: bool,
    alone: AloneFigures,
) -> JobResult {
    let end = finished.map(|job| time(job.end));
    // An unfinished job has no account: the artifact says nothing about it.
    let account = finished.map(|job| job.account).unwrap_or_default();
    // A job that ends in the middle of a round has held its GPUs no longer than from submission to
    // end.
    let run_time = end.map_or(SimDuration::ZERO, |end| end.since(spec.submit).min(seconds(account.held)));
    JobResult {
        phase: match (declined, end) {
            (true, _) => Phase::Declined,
            (false, Some(_)) => Phase::Done,
            (false, None) => Phase::Live,
        },
        cut: None,
        admitted: !declined,
        start: finished.filter(|job| job.start != NEVER).map(|job| time(job.start)),
        end,
        planned_end: finished.and_then(|job| job.real_end).map(time),
        run_time,
        gpu_time: gpu_time(account.gpu_seconds),
        overhead_time: seconds(account.restarting),
        productive: gpu_time(account.gpu_seconds - account.restart_gpu_seconds),
        rescales: account.rescales,
        preemptions: finished.map_or(0, |job| job.preempt),
        migrations: 0,
        alone,
        reason: if declined { DECLINED.to_owned() } else { String::new() },
    }
}

/// Returns a number of seconds, which the artifact never writes negative.
fn whole(seconds: i64) -> u64 {
    u64::try_from(seconds).expect("the artifact's times and sums of seconds are not negative")
}

fn time(seconds: i64) -> SimTime {
    SimTime::from_secs(whole(seconds))
}

fn seconds(seconds: i64) -> SimDuration {
    SimDuration::from_secs(whole(seconds))
}

fn gpu_time(gpu_seconds: i64) -> GpuTime {
    // A GPU-second is a second of one GPU.
    Gpus::ONE * seconds(gpu_seconds)
}
