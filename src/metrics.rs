//! The metrics of a run: rows in, numbers out.
//!
//! Every metric is defined here, once, with its formula. The input is what
//! [`jobs.csv`](crate::record::jobs) has, so a stored file can be scored again without a
//! simulation; the fields that need more say so. Times are seconds. A ratio or an average over
//! nothing is `null`, never 0: that no deadline was missed is not the same as that there was none.

mod common_jct;
mod starvation;

use serde::{Deserialize, Serialize};

use crate::job::Class;
use crate::record::jobs::{JobOutcome, JobRow};
use crate::sim::Totals;
use crate::units::{GpuTime, Gpus, MICROS, SimDuration, SimTime};

pub use common_jct::CommonJct;
pub use starvation::{Starvation, starvation};

/// The numbers of one run, in the order of `summary.json`.
///
/// An *SLO job* has a deadline, or soft deadlines, of which the first counts; every other job is
/// best effort. A job *completed* if its last iteration was done; its *end* is when.
///
/// A run may be cut off. A job that was not submitted by then has no part in any ratio. A job that
/// has no end by then is *unfinished*; an unfinished SLO job whose deadline is still to come is
/// *open*, and has no part in any ratio either. The SLO jobs that are left *count*: those that
/// completed or were declined, and the unfinished ones whose deadline has passed.
///
/// Every job is in one place. The SLO jobs are those not submitted, met, late, unfinished and
/// declined; the best-effort jobs are the sum of the four numbers that begin with their name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Jobs of the trace.
    pub jobs: u64,
    /// SLO jobs.
    pub slo_jobs: u64,
    /// Best-effort jobs.
    pub best_effort_jobs: u64,
    /// SLO jobs that could be met alone on the empty cluster, restart overhead of the start
    /// included, of those that count. No scheduler can meet more.
    pub feasible_alone: u64,
    /// SLO jobs that the scheduler admitted.
    pub admitted: u64,
    /// SLO jobs that it declined.
    pub declined: u64,
    /// SLO jobs that completed at or before their deadline.
    pub met: u64,
    /// SLO jobs that completed after it.
    pub late: u64,
    /// SLO jobs that were submitted, not declined, and had no end when the run was cut off.
    pub unfinished: u64,
    /// Those of them whose deadline was still to come.
    pub open: u64,
    /// SLO jobs that were not submitted when the run was cut off.
    pub not_submitted: u64,
    /// Best-effort jobs that completed.
    pub best_effort_completed: u64,
    /// Best-effort jobs that the scheduler, or the core, declined.
    pub best_effort_declined: u64,
    /// Best-effort jobs that were submitted, not declined, and had no end when the run was cut off.
    pub best_effort_unfinished: u64,
    /// Best-effort jobs that were not submitted when the run was cut off.
    pub best_effort_not_submitted: u64,
    /// Deadline satisfaction ratio: met ÷ SLO jobs that count, whatever was promised.
    pub dsr: Option<f64>,
    /// The same by GPU-hours: those that the met jobs take on the GPUs that they ask for ÷ those of
    /// all SLO jobs that count; `null` where it is not known how long one takes there. Needs
    /// speeds, which `jobs.csv` does not have.
    pub dsr_gpu_hours: Option<f64>,
    /// Admitted SLO jobs ÷ SLO jobs, of those that count.
    pub admit_ratio: Option<f64>,
    /// SLO jobs whose first promised end is at or before their deadline ÷ SLO jobs, of those that
    /// count; `null` where one was admitted without a promise.
    pub planned_dsr: Option<f64>,
    /// Admitted SLO jobs that were late; of those with soft deadlines, the ones later than all of
    /// them.
    pub admitted_late: u64,
    /// Mean, over the jobs with soft deadlines, of the value earned ÷ the value at the first of
    /// them. Needs more than `jobs.csv` has.
    pub soft_value: Option<f64>,
    /// Job completion time: end − submission, of the jobs that completed.
    pub jct: Option<Spread>,
    /// The completion time of the best-effort jobs among them.
    pub best_effort_jct: Option<Spread>,
    /// The part of `jct` without GPUs, of the jobs that completed.
    pub queue_delay: Option<Spread>,
    /// End − deadline, of the late jobs.
    pub tardiness: Option<Spread>,
    /// From the first submission to the last end, or to the cut of a run that left jobs unfinished
    /// or not submitted. `null` where no job was submitted, or all were declined.
    pub makespan: Option<f64>,
    /// GPU-seconds held ÷ (GPUs of the cluster × `makespan`).
    pub gpu_utilization: Option<f64>,
    /// Time average of Σ over running jobs of rate(g) ÷ rate(1), ÷ GPUs of the cluster. Needs
    /// speeds, which `jobs.csv` does not have.
    pub cluster_efficiency: Option<f64>,
    /// Useful work: the GPU-hours that the jobs which were met or completed take on the GPU count
    /// on which each takes the least. What a job holds beyond them is the price of its speed. Needs
    /// speeds, which `jobs.csv` does not have.
    pub useful_gpu_hours: f64,
    /// GPU-hours that the same jobs held, without restart overhead. Needs more than `jobs.csv` has.
    pub held_gpu_hours: f64,
    /// Changes from some GPUs to another number of them.
    pub rescales: u64,
    /// Changes to no GPUs before the end.
    pub preemptions: u64,
    /// Changes to as many GPUs on other nodes.
    pub migrations: u64,
    /// Placements on more nodes than needed.
    pub split_placements: u64,
    /// Plans for which a simpler method replaced a solver; 0 for schedulers that use no solver.
    pub fallbacks: u64,
    /// Scheduling passes.
    pub plans: u64,
    /// Events that happened.
    pub events: u64,
}

/// Mean and percentiles of some durations, in seconds.
///
/// A percentile is by nearest rank: the p-th of n ascending values is the ⌈p·n ÷ 100⌉-th of them,
/// and so is always one of the values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Sum ÷ count.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

impl Spread {
    /// Computes mean and percentiles of at least one duration; `None` of none. The order of the
    /// durations makes no difference.
    pub fn of(times: impl IntoIterator<Item = SimDuration>) -> Option<Spread> {
        let mut micros: Vec<u64> = times.into_iter().map(SimDuration::as_micros).collect();
        micros.sort_unstable();
        if micros.is_empty() {
            return None;
        }
        let count = micros.len();
        // Microseconds are summed as integers, so that the order of summation makes no difference.
        let sum: u128 = micros.iter().copied().map(u128::from).sum();
        let rank = |percent: usize| micros[(percent * count).div_ceil(100) - 1];
        Some(Spread {
            mean: sum as f64 / count as f64 / MICROS as f64,
            p50: seconds(rank(50)),
            p90: seconds(rank(90)),
            p99: seconds(rank(99)),
            max: seconds(rank(100)),
        })
    }
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / MICROS as f64
}

impl Metrics {
    /// Scores the rows of a run on a cluster of `gpus` GPUs; `until` is the instant at which the
    /// run was cut off, if it was. What no row has comes from `totals`. Takes time linear in the
    /// rows, except for the percentiles, which sort.
    pub fn of(rows: &[JobRow], totals: &Totals, gpus: Gpus, until: Option<SimTime>) -> Metrics {
        let sum = |changes: fn(&JobRow) -> u32| rows.iter().map(|row| u64::from(changes(row))).sum::<u64>();
        let slo = |state: JobOutcome| count(rows, |row| is_slo(row) && row.state == state);
        let best_effort = |state: JobOutcome| count(rows, |row| !is_slo(row) && row.state == state);
        let slo_jobs = count(rows, is_slo);
        let all = count(rows, counts);
        let ratio = |part: u64| (all > 0).then(|| part as f64 / all as f64);
        let span = span(rows, until);
        let held = total(rows.iter().map(|row| row.gpu_seconds));
        let gpu_seconds = f64::from(gpus.get()) * span.unwrap_or_default().as_secs_f64();
        let done = || rows.iter().filter(|row| is_useful(row));
        Metrics {
            jobs: rows.len() as u64,
            slo_jobs,
            best_effort_jobs: rows.len() as u64 - slo_jobs,
            feasible_alone: count(rows, |row| counts(row) && row.feasible_alone == Some(1)),
            admitted: count(rows, |row| is_slo(row) && row.admitted == 1),
            declined: slo(JobOutcome::Declined),
            met: slo(JobOutcome::Met),
            late: slo(JobOutcome::Late),
            unfinished: slo(JobOutcome::Unfinished),
            open: count(rows, |row| row.state == JobOutcome::Unfinished && is_slo(row) && !counts(row)),
            not_submitted: slo(JobOutcome::NotSubmitted),
            best_effort_completed: best_effort(JobOutcome::Completed),
            best_effort_declined: best_effort(JobOutcome::Declined),
            best_effort_unfinished: best_effort(JobOutcome::Unfinished),
            best_effort_not_submitted: best_effort(JobOutcome::NotSubmitted),
            dsr: ratio(slo(JobOutcome::Met)),
            dsr_gpu_hours: dsr_by_gpu_time(rows),
            admit_ratio: ratio(count(rows, |row| counts(row) && row.admitted == 1)),
            planned_dsr: ratio(count(rows, |row| counts(row) && is_promised_in_time(row)))
                .filter(|_| promises_all(rows)),
            admitted_late: count(rows, is_admitted_and_worthless),
            soft_value: soft_value(rows),
            jct: Spread::of(rows.iter().filter_map(|row| row.jct)),
            best_effort_jct: Spread::of(rows.iter().filter(|row| !is_slo(row)).filter_map(|row| row.jct)),
            queue_delay: Spread::of(rows.iter().filter_map(|row| row.queue_delay)),
            tardiness: Spread::of(rows.iter().filter_map(tardiness)),
            makespan: span.map(SimDuration::as_secs_f64),
            gpu_utilization: (gpu_seconds > 0.0).then(|| held.as_secs_f64() / gpu_seconds),
            cluster_efficiency: (gpu_seconds > 0.0).then_some(totals.cluster_efficiency),
            useful_gpu_hours: hours(total(done().map(|row| row.alone.least))),
            held_gpu_hours: hours(total(done().map(|row| row.productive))),
            rescales: sum(|row| row.rescales),
            preemptions: sum(|row| row.preemptions),
            migrations: sum(|row| row.migrations),
            split_placements: totals.split_placements,
            fallbacks: totals.fallbacks,
            plans: totals.plans,
            events: totals.events,
        }
    }
}

fn count(rows: &[JobRow], counts: impl Fn(&JobRow) -> bool) -> u64 {
    rows.iter().filter(|row| counts(row)).count() as u64
}

fn is_slo(row: &JobRow) -> bool {
    row.class != Class::BestEffort.as_str()
}

/// Returns whether a job has a part in the ratios: an SLO job of which it is known whether its
/// deadline was met.
fn counts(row: &JobRow) -> bool {
    row.deadline_met.is_some()
}

fn is_useful(row: &JobRow) -> bool {
    matches!(row.state, JobOutcome::Met | JobOutcome::Completed)
}

fn total(all: impl Iterator<Item = GpuTime>) -> GpuTime {
    all.fold(GpuTime::ZERO, |sum, time| sum + time)
}

fn hours(time: GpuTime) -> f64 {
    time.as_secs_f64() / 3600.0
}

fn dsr_by_gpu_time(rows: &[JobRow]) -> Option<f64> {
    let (mut met, mut all) = (GpuTime::ZERO, GpuTime::ZERO);
    for row in rows.iter().filter(|row| counts(row)) {
        let requested = row.alone.requested?;
        all += requested;
        if row.state == JobOutcome::Met {
            met += requested;
        }
    }
    (all > GpuTime::ZERO).then(|| met.as_secs_f64() / all.as_secs_f64())
}

fn is_promised_in_time(row: &JobRow) -> bool {
    row.planned_end_time.zip(row.deadline).is_some_and(|(promised, deadline)| promised <= deadline)
}

/// Returns whether every admitted SLO job was promised an end: a scheduler that promises admits
/// none without a promise.
fn promises_all(rows: &[JobRow]) -> bool {
    !rows.iter().any(|row| is_slo(row) && row.admitted == 1 && row.planned_end_time.is_none())
}

/// Returns whether an admitted job was late, and later than all of its soft deadlines if it has
/// some.
fn is_admitted_and_worthless(row: &JobRow) -> bool {
    row.state == JobOutcome::Late && row.admitted == 1 && row.earned.is_none_or(|(value, _)| value == 0.0)
}

fn soft_value(rows: &[JobRow]) -> Option<f64> {
    let known = rows.iter().filter(|row| counts(row)).filter_map(|row| row.earned);
    let shares: Vec<f64> = known.map(|(got, full)| got / full).collect();
    (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
}

fn tardiness(row: &JobRow) -> Option<SimDuration> {
    if row.state != JobOutcome::Late {
        return None;
    }
    let (end, deadline) = row.end_time.zip(row.deadline).expect("a late job ended after its deadline");
    Some(end.since(deadline))
}

/// Returns how long a run takes from the first submission: until the last end, or until the cut if
/// that left jobs behind; `None` if no job was submitted.
fn span(rows: &[JobRow], until: Option<SimTime>) -> Option<SimDuration> {
    let submitted = rows.iter().filter(|row| row.state != JobOutcome::NotSubmitted);
    let first = submitted.map(|row| row.submit_time).min()?;
    let is_left = |row: &JobRow| matches!(row.state, JobOutcome::Unfinished | JobOutcome::NotSubmitted);
    let cut = until.filter(|_| rows.iter().any(is_left));
    let end = cut.or_else(|| rows.iter().filter_map(|row| row.end_time).max())?;
    Some(end.since(first))
}

#[cfg(test)]
mod tests;
