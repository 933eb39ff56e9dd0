//! One row for each job: `jobs.csv`.

use std::io;

use serde::{Deserialize, Serialize};

use crate::job::{Class, JobSpec};
use crate::state::{JobState, Phase};
use crate::units::{GpuTime, Gpus, Iterations, SimDuration, SimTime};

/// What became of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobOutcome {
    /// It completed at or before its deadline; with soft deadlines, the first of them.
    Met,
    /// It completed after its deadline.
    Late,
    /// The scheduler declined it; it never ran.
    Declined,
    /// It had no deadline and completed.
    Completed,
    /// The simulation was cut off before it completed.
    Unfinished,
}

/// One job, from its submission to its end. Times are decimal seconds, exact to a microsecond; a
/// column without a value is empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    /// The id of the job in the trace.
    pub job_id: String,
    /// The model that it trains.
    pub model: String,
    /// Global batch size, in samples.
    pub batch_size: u32,
    /// `slo`, `soft` or `best_effort`.
    pub class: String,
    /// When it was submitted, on the trace's clock, as all times.
    pub submit_time: SimTime,
    /// When it is due; of soft deadlines the first.
    pub deadline: Option<SimTime>,
    /// The GPUs that the user asked for.
    pub requested_gpus: Gpus,
    /// Its work, in iterations at its global batch size.
    pub iterations: Iterations,
    /// What became of it.
    pub state: JobOutcome,
    /// 1 if the scheduler admitted it, otherwise 0.
    pub admitted: u8,
    /// When it first held GPUs.
    pub start_time: Option<SimTime>,
    /// When it completed its last iteration.
    pub end_time: Option<SimTime>,
    /// The end that the scheduler promised when it admitted the job.
    pub planned_end_time: Option<SimTime>,
    /// Job completion time: end − submission.
    pub jct: Option<SimDuration>,
    /// The part of `jct` without GPUs.
    pub queue_delay: Option<SimDuration>,
    /// Time with GPUs, restart overhead included.
    pub run_time: SimDuration,
    /// GPUs held over time, in GPU-seconds, restart overhead included.
    pub gpu_seconds: GpuTime,
    /// The part of `run_time` that was restart overhead.
    pub overhead_time: SimDuration,
    /// Changes from some GPUs to another number of them.
    pub rescales: u32,
    /// Changes to no GPUs before the end.
    pub preemptions: u32,
    /// Changes to as many GPUs on other nodes.
    pub migrations: u32,
    /// For a job with a deadline: 1 if it was met, otherwise 0.
    pub deadline_met: Option<u8>,
    /// For a job with a deadline: 1 if the job alone on the empty cluster could meet it, restart
    /// overhead of the start included; otherwise 0.
    pub feasible_alone: Option<u8>,
    /// Why it was declined; otherwise empty.
    pub reason: String,
    /// GPUs held over time without restart overhead, in GPU-seconds. Not a column.
    #[serde(skip)]
    pub productive: GpuTime,
    /// For a job with soft deadlines: the value that it earned, and the value at the first of them.
    /// Not a column.
    #[serde(skip)]
    pub earned: Option<(f64, f64)>,
}

impl JobOutcome {
    /// Derives what became of a job: `in_time` says whether it completed in time, if it completed.
    pub(crate) fn of(declined: bool, class: Class, in_time: Option<bool>) -> JobOutcome {
        match (declined, class, in_time) {
            (true, ..) => JobOutcome::Declined,
            (_, _, None) => JobOutcome::Unfinished,
            (_, Class::BestEffort, _) => JobOutcome::Completed,
            (_, Class::Slo | Class::Soft, Some(true)) => JobOutcome::Met,
            (_, Class::Slo | Class::Soft, Some(false)) => JobOutcome::Late,
        }
    }
}

/// What a run, of whichever engine, says about a job; the specification says the rest of its row.
pub(crate) struct JobResult {
    /// Whether the job was declined. A declined job has neither start nor end.
    pub(crate) declined: bool,
    /// Whether the scheduler admitted it.
    pub(crate) admitted: bool,
    /// When the job first held GPUs.
    pub(crate) start: Option<SimTime>,
    /// When the job ended.
    pub(crate) end: Option<SimTime>,
    /// The end that was first promised.
    pub(crate) planned_end: Option<SimTime>,
    /// Time with GPUs, restart overheads included.
    pub(crate) run_time: SimDuration,
    /// GPU-time held.
    pub(crate) gpu_time: GpuTime,
    /// The part of `run_time` that is restart overhead.
    pub(crate) overhead_time: SimDuration,
    /// The part of `gpu_time` that is not restart overhead.
    pub(crate) productive: GpuTime,
    /// Changes from a positive number of GPUs to another one.
    pub(crate) rescales: u32,
    /// Changes to no GPUs before the end.
    pub(crate) preemptions: u32,
    /// Changes of nodes at an equal number of GPUs.
    pub(crate) migrations: u32,
    /// Whether the deadline could be met alone on the empty cluster; `None` without a deadline.
    pub(crate) feasible_alone: Option<bool>,
    /// Why the job was declined; empty otherwise.
    pub(crate) reason: String,
}

impl JobRow {
    /// Makes the row of a job from the state in which the simulation leaves it at `now`.
    pub fn new(
        spec: &JobSpec,
        state: &JobState,
        now: SimTime,
        feasible_alone: Option<bool>,
        reason: String,
    ) -> JobRow {
        let account = state.usage_at(now);
        let result = JobResult {
            declined: state.phase == Phase::Declined,
            admitted: state.admitted,
            start: state.start_at(now),
            end: state.end,
            planned_end: state.promised,
            run_time: account.run_time,
            gpu_time: account.gpu_time,
            overhead_time: account.overhead_time,
            productive: account.productive,
            rescales: account.rescales,
            preemptions: account.preemptions,
            migrations: account.migrations,
            feasible_alone,
            reason,
        };
        JobRow::of_result(spec, result)
    }

    /// Returns the row of a job: its specification, what a run says about it, and what follows from
    /// both.
    pub(crate) fn of_result(spec: &JobSpec, result: JobResult) -> JobRow {
        assert!(!result.declined || result.end.is_none(), "a declined job never runs");
        let in_time = result.end.map(|end| end <= spec.due());
        let jct = result.end.map(|end| end.since(spec.submit));
        JobRow {
            job_id: spec.name.clone(),
            model: spec.model.clone(),
            batch_size: spec.batch_size,
            class: spec.class().as_str().to_owned(),
            submit_time: spec.submit,
            deadline: spec.deadline,
            requested_gpus: spec.requested,
            iterations: spec.iterations,
            state: JobOutcome::of(result.declined, spec.class(), in_time),
            admitted: result.admitted.into(),
            start_time: result.start,
            end_time: result.end,
            planned_end_time: result.planned_end,
            jct,
            queue_delay: jct.map(|jct| jct.saturating_sub(result.run_time)),
            run_time: result.run_time,
            gpu_seconds: result.gpu_time,
            overhead_time: result.overhead_time,
            rescales: result.rescales,
            preemptions: result.preemptions,
            migrations: result.migrations,
            deadline_met: spec.deadline.map(|_| (in_time == Some(true)).into()),
            feasible_alone: result.feasible_alone.map(u8::from),
            reason: result.reason,
            productive: result.productive,
            earned: spec.soft.first().map(|first| {
                let earned = result.end.and_then(|end| spec.value(end));
                (earned.unwrap_or(0.0), first.value)
            }),
        }
    }
}

/// Writes a header and the rows, in their order.
///
/// # Errors
///
/// If the writer fails.
pub fn write(rows: &[JobRow], to: &mut dyn io::Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(to);
    for row in rows {
        writer.serialize(row).map_err(io::Error::other)?;
    }
    writer.flush()
}

/// Reads rows as [`write()`] wrote them, in their order. What is not a column has its default.
///
/// # Errors
///
/// If a row lacks a column, or has a value that is not what the column holds.
pub fn read(from: impl io::Read) -> Result<Vec<JobRow>, csv::Error> {
    csv::Reader::from_reader(from).deserialize().collect()
}
