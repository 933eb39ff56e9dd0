//! One row for each job: `jobs.csv`.

use std::io;

use serde::{Deserialize, Serialize};

use crate::job::{Class, JobSpec};
use crate::state::{JobState, Phase};
use crate::units::{GpuTime, Gpus, Iterations, SimDuration, SimTime};

/// How a job's story ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A deadline job done at or before its deadline.
    Met,
    /// A deadline job done after it.
    Late,
    /// Turned away; it never ran.
    Declined,
    /// A job without a deadline that ended.
    Completed,
    /// Cut off by the end of the simulation.
    Unfinished,
}

/// One job, from its submission to its end. Empty columns have no value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    /// The trace's own id.
    pub job_id: String,
    /// The model it trains.
    pub model: String,
    /// Global batch size.
    pub batch_size: u32,
    /// `slo`, `soft` or `best_effort`.
    pub class: String,
    /// Seconds of the trace's clock, as all times.
    pub submit_time: SimTime,
    /// When it must be done; of soft deadlines the first.
    pub deadline: Option<SimTime>,
    /// The GPUs its user asked for.
    pub requested_gpus: Gpus,
    /// Its work.
    pub iterations: Iterations,
    /// How it ended.
    pub state: State,
    /// 1 if the scheduler took it on.
    pub admitted: u8,
    /// When it first held GPUs.
    pub start_time: Option<SimTime>,
    /// When its last iteration was done.
    pub end_time: Option<SimTime>,
    /// The end first promised.
    pub planned_end_time: Option<SimTime>,
    /// End less submission.
    pub jct: Option<SimDuration>,
    /// The part of it without GPUs.
    pub queue_delay: Option<SimDuration>,
    /// Time with GPUs, pauses included.
    pub run_time: SimDuration,
    /// GPU-seconds held.
    pub gpu_seconds: GpuTime,
    /// Time with GPUs and standing still.
    pub overhead_time: SimDuration,
    /// Changes from a positive count to another.
    pub rescales: u32,
    /// Changes to none before the end.
    pub preemptions: u32,
    /// Changes of nodes at equal count.
    pub migrations: u32,
    /// For deadline jobs: 1 if it was met.
    pub deadline_met: Option<u8>,
    /// For deadline jobs: 1 if it could be met alone on the empty cluster, start pause included.
    pub feasible_alone: Option<u8>,
    /// Why it was declined.
    pub reason: String,
    /// GPU-seconds held without pauses; not a column.
    #[serde(skip)]
    pub productive: GpuTime,
    /// What a job with soft deadlines earned, and what it could have earned; not a column.
    #[serde(skip)]
    pub earned: Option<(f64, f64)>,
}

impl State {
    /// What became of a job: whether it was turned away, what it asks of time, and whether it ended
    /// in time, if it ended.
    pub(crate) fn of(declined: bool, class: Class, in_time: Option<bool>) -> State {
        match (declined, class, in_time) {
            (true, ..) => State::Declined,
            (_, _, None) => State::Unfinished,
            (_, Class::BestEffort, _) => State::Completed,
            (_, Class::Slo | Class::Soft, Some(true)) => State::Met,
            (_, Class::Slo | Class::Soft, Some(false)) => State::Late,
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
    /// Returns the row of a job as the simulation leaves it at `now`.
    pub fn new(
        spec: &JobSpec,
        state: &JobState,
        now: SimTime,
        feasible_alone: Option<bool>,
        reason: String,
    ) -> JobRow {
        let account = state.account_at(now);
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
            state: State::of(result.declined, spec.class(), in_time),
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

/// Writes the rows with their header.
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

/// Reads rows as [`write()`] wrote them.
///
/// # Errors
///
/// If a row is not one.
pub fn read(from: impl io::Read) -> Result<Vec<JobRow>, csv::Error> {
    csv::Reader::from_reader(from).deserialize().collect()
}
