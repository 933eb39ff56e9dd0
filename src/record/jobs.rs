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
    /// The simulation was cut off before it was submitted.
    NotSubmitted,
}

/// What a job takes alone on the empty cluster, at the true speeds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AloneFigures {
    /// Whether it meets its deadline, restart overhead of the start included; `None` without a
    /// deadline.
    pub feasible: Option<bool>,
    /// The GPU-time of its work on the GPU count that takes the least, without restart overhead.
    pub least: GpuTime,
    /// The GPU-time of its work on the GPUs that it asks for, without restart overhead; `None`
    /// where neither the profiles nor the trace say how long it takes there.
    pub requested: Option<GpuTime>,
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
    /// For a job with a deadline: 1 if it was met, 0 if it was not and can no longer be. Empty
    /// where the run was cut off before that was known.
    pub deadline_met: Option<u8>,
    /// For a job with a deadline: 1 if the job alone on the empty cluster could meet it, restart
    /// overhead of the start included; otherwise 0.
    pub feasible_alone: Option<u8>,
    /// Why it was declined; otherwise empty.
    pub reason: String,
    /// GPUs held over time without restart overhead, in GPU-seconds. Not a column.
    #[serde(skip)]
    pub productive: GpuTime,
    /// What the job takes alone. Not a column, except for its verdict.
    #[serde(skip)]
    pub alone: AloneFigures,
    /// For a job with soft deadlines: the value that it earned, and the value at the first of them.
    /// Not a column.
    #[serde(skip)]
    pub earned: Option<(f64, f64)>,
}

impl JobOutcome {
    /// Derives what became of a job: `in_time` says whether it completed in time, if it completed.
    fn of(phase: Phase, class: Class, in_time: Option<bool>) -> JobOutcome {
        match (phase, class, in_time) {
            (Phase::Coming, ..) => JobOutcome::NotSubmitted,
            (Phase::Declined, ..) => JobOutcome::Declined,
            (_, _, None) => JobOutcome::Unfinished,
            (_, Class::BestEffort, _) => JobOutcome::Completed,
            (_, Class::Slo | Class::Soft, Some(true)) => JobOutcome::Met,
            (_, Class::Slo | Class::Soft, Some(false)) => JobOutcome::Late,
        }
    }
}

/// What a run, of whichever engine, says about a job; the specification says the rest of its row.
pub(crate) struct JobResult {
    /// How far the job came. Only a job that is done has an end.
    pub(crate) phase: Phase,
    /// When the run was cut off; `None` where it went on until nothing more could happen.
    pub(crate) cut: Option<SimTime>,
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
    /// What the job takes alone on the empty cluster.
    pub(crate) alone: AloneFigures,
    /// Why the job was declined; empty otherwise.
    pub(crate) reason: String,
}

impl JobResult {
    /// Returns whether a deadline was met; `None` where the cut came before that was known.
    fn is_met(&self, deadline: SimTime) -> Option<bool> {
        match self.phase {
            Phase::Done => self.end.map(|end| end <= deadline),
            Phase::Declined => Some(false),
            Phase::Coming => None,
            Phase::Live => self.cut.is_none_or(|cut| deadline <= cut).then_some(false),
        }
    }
}

impl JobRow {
    /// Makes the row of a job from the state in which the simulation leaves it at `now`.
    pub fn new(
        spec: &JobSpec,
        state: &JobState,
        now: SimTime,
        alone: AloneFigures,
        reason: String,
    ) -> JobRow {
        let account = state.usage_at(now);
        let result = JobResult {
            phase: state.phase,
            // A job is left live or still to come only by a run that was cut off.
            cut: Some(now),
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
            alone,
            reason,
        };
        JobRow::of_result(spec, result)
    }

    /// Returns the row of a job: its specification, what a run says about it, and what follows from
    /// both.
    pub(crate) fn of_result(spec: &JobSpec, result: JobResult) -> JobRow {
        let is_done = result.phase == Phase::Done;
        assert_eq!(
            result.end.is_some(),
            is_done,
            "exactly the jobs that are done have an end: {}",
            spec.name
        );
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
            state: JobOutcome::of(result.phase, spec.class(), in_time),
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
            deadline_met: spec.deadline.and_then(|deadline| result.is_met(deadline)).map(u8::from),
            feasible_alone: result.alone.feasible.map(u8::from),
            reason: result.reason,
            productive: result.productive,
            alone: result.alone,
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
