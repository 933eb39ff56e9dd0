//! The rows that every engine leaves: what becomes of each job, and the totals.

use crate::job::JobSpec;
use crate::record::jobs::{JobRow, State};
use crate::units::{GpuTime, Gpus, SimDuration, SimTime};
use crate::workload::Workload;

use super::outcome::{FinishedJob, NEVER, ReplicaOutcome};

impl ReplicaOutcome {
    /// The artifact's own ratio: accepted ÷ (accepted + declined); `None` where nothing was
    /// counted.
    pub fn ratio(&self) -> Option<f64> {
        let counted = self.accepted + self.declined;
        (counted > 0).then(|| self.accepted as f64 / counted as f64)
    }

    /// The average over all GPUs and the time from the first submission to the last end of the
    /// running jobs' speeds over those of one GPU each; 0 for no time.
    pub fn cluster_efficiency(&self, workload: &Workload, gpus: Gpus) -> f64 {
        let first = workload.jobs().iter().map(|job| job.submit).min().unwrap_or_default();
        let last = self.finished.iter().map(|row| time(row.end)).max().unwrap_or_default();
        let all = f64::from(gpus.get()) * last.since(first).as_secs_f64();
        let sum: f64 = self.finished.iter().map(|row| row.account.speedup).sum();
        if all > 0.0 { sum / all } else { 0.0 }
    }

    /// One row for each job of the trace, in its order. Verdicts are by the ends that the artifact
    /// writes down, whatever it counts. A job that the artifact neither refuses nor ends is
    /// unfinished.
    pub fn job_rows(
        &self,
        workload: &Workload,
        feasible_alone: impl Fn(&JobSpec) -> Option<bool>,
    ) -> Vec<JobRow> {
        let mut rows: Vec<Option<&FinishedJob>> = vec![None; workload.len()];
        for row in &self.finished {
            rows[row.job.index()] = Some(row);
        }
        let mut refused = vec![false; workload.len()];
        for job in &self.declined_jobs {
            refused[job.index()] = true;
        }
        let job = |job: &JobSpec| {
            let (row, refused) = (rows[job.id.index()], refused[job.id.index()]);
            job_row(job, row, refused, feasible_alone(job))
        };
        workload.jobs().iter().map(job).collect()
    }
}

fn job_row(spec: &JobSpec, row: Option<&FinishedJob>, refused: bool, feasible_alone: Option<bool>) -> JobRow {
    let end = row.map(|row| time(row.end));
    let in_time = end.map(|end| end <= spec.due());
    let account = row.map(|row| row.account).unwrap_or_default();
    let jct = end.map(|end| end.since(spec.submit));
    // A job that ended in the middle of a round has held its GPUs no longer than that.
    let run_time = jct.map_or(SimDuration::ZERO, |jct| jct.min(seconds(account.held)));
    JobRow {
        job_id: spec.name.clone(),
        model: spec.model.clone(),
        batch_size: spec.batch_size,
        class: spec.class().as_str().to_owned(),
        submit_time: spec.submit,
        deadline: spec.deadline,
        requested_gpus: spec.requested,
        iterations: spec.iterations,
        state: State::of(refused, spec.class(), in_time),
        admitted: u8::from(!refused),
        start_time: row.filter(|row| row.start != NEVER).map(|row| time(row.start)),
        end_time: end,
        planned_end_time: row.and_then(|row| row.real_end).map(time),
        jct,
        queue_delay: jct.map(|jct| jct.saturating_sub(run_time)),
        run_time,
        gpu_seconds: gpu_time(account.gpu_seconds),
        overhead_time: seconds(account.restarting),
        rescales: account.rescales,
        preemptions: row.map_or(0, |row| row.preempt),
        migrations: 0,
        deadline_met: spec.deadline.map(|_| u8::from(in_time == Some(true))),
        feasible_alone: feasible_alone.map(u8::from),
        reason: if refused { REFUSED.to_owned() } else { String::new() },
        productive: gpu_time(account.gpu_seconds - account.restart_gpu_seconds),
        earned: spec.soft.first().map(|first| {
            let earned = end.filter(|_| !refused).and_then(|end| spec.value(end));
            (earned.unwrap_or(0.0), first.value)
        }),
    }
}

/// What the artifact gives no reason for.
const REFUSED: &str = "refused on arrival by the artifact";

fn time(seconds: i64) -> SimTime {
    SimTime::from_secs(seconds.max(0).unsigned_abs())
}

fn seconds(seconds: i64) -> SimDuration {
    SimDuration::from_secs(seconds.max(0).unsigned_abs())
}

fn gpu_time(gpu_seconds: i64) -> GpuTime {
    // A GPU-second is a second of one GPU.
    Gpus::ONE * seconds(gpu_seconds)
}
