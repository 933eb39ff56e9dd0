//! What a run comes to: rows in, numbers out.
//!
//! Every metric is defined here, once, with its formula. The input is what
//! [`jobs.csv`](crate::record::jobs) holds, so a stored file can be scored again without a
//! simulation; the exceptions are said at their fields. Times are seconds. A ratio or an average
//! over nothing is `null`, never 0: no deadline missed is not the same as no deadline there.

use serde::{Deserialize, Serialize};

use crate::job::Class;
use crate::record::jobs::{JobRow, State};
use crate::sim::Totals;
use crate::units::{GpuTime, Gpus, MICROS, SimDuration, SimTime};

/// The numbers of one run, in the order of `summary.json`.
///
/// An *SLO job* is one with a deadline, or with soft ones, of which the first counts; every other
/// job is best effort. A job *ended* if its last iteration was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Jobs of the trace.
    pub jobs: u64,
    /// Those with a deadline.
    pub slo_jobs: u64,
    /// Those without.
    pub best_effort_jobs: u64,
    /// SLO jobs that could be met alone on the empty cluster, start pause included: nobody can meet
    /// more.
    pub feasible_alone: u64,
    /// SLO jobs that the scheduler took on.
    pub admitted: u64,
    /// SLO jobs that were turned away.
    pub declined: u64,
    /// SLO jobs done at or before their deadline.
    pub met: u64,
    /// SLO jobs done after it. What `--until` cuts off is neither met nor late.
    pub late: u64,
    /// Deadline satisfaction ratio: met ÷ SLO jobs submitted, whatever was promised.
    pub dsr: Option<f64>,
    /// Admitted SLO jobs ÷ SLO jobs submitted.
    pub admit_ratio: Option<f64>,
    /// SLO jobs whose first promised end is at or before their deadline ÷ SLO jobs submitted;
    /// `null` where one was admitted without a promise.
    pub planned_dsr: Option<f64>,
    /// Admitted SLO jobs that were late; with soft deadlines, later than all of them.
    pub admitted_late: u64,
    /// Mean over jobs with soft deadlines of value earned ÷ value at the first of them. From the
    /// simulation: `jobs.csv` has no such columns.
    pub soft_value: Option<f64>,
    /// End − submission, of the jobs that ended.
    pub jct: Option<Spread>,
    /// The same of the best-effort jobs among them.
    pub best_effort_jct: Option<Spread>,
    /// The part of `jct` without GPUs, of the jobs that ended.
    pub queue_delay: Option<Spread>,
    /// End − deadline, of the late jobs.
    pub tardiness: Option<Spread>,
    /// Last end − first submission.
    pub makespan: Option<f64>,
    /// GPU-seconds held ÷ (GPUs of the cluster × seconds from the first submission to the last end,
    /// or to the cut of a run that left jobs behind).
    pub gpu_utilization: Option<f64>,
    /// Time average of Σ over running jobs of rate(g) ÷ rate(1), ÷ GPUs of the cluster. From the
    /// simulation: it needs speeds, which no row has.
    pub cluster_efficiency: Option<f64>,
    /// GPU-hours held by the jobs that were met or completed, pauses excluded. From the simulation:
    /// `jobs.csv` has no such column.
    pub goodput_gpu_hours: f64,
    /// Changes of a positive GPU count into another.
    pub rescales: u64,
    /// Changes to no GPUs before the end.
    pub preemptions: u64,
    /// Changes of nodes at equal count.
    pub migrations: u64,
    /// Placements on more nodes than needed.
    pub split_placements: u64,
    /// Plans for which a solver's answer was replaced by a simpler one; 0 for policies that use
    /// none.
    pub fallbacks: u64,
    /// Plans that the scheduler made.
    pub plans: u64,
    /// Events that happened.
    pub events: u64,
}

/// Mean and percentiles of some times, in seconds.
///
/// A percentile is by nearest rank: the p-th of n ascending values is the ⌈p·n ÷ 100⌉-th, so it is
/// always one of them.
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
}

impl Spread {
    /// Of at least one time; `None` of none.
    pub fn of(times: impl IntoIterator<Item = SimDuration>) -> Option<Spread> {
        let mut micros: Vec<u64> = times.into_iter().map(SimDuration::as_micros).collect();
        micros.sort_unstable();
        let count = micros.len();
        // Microseconds are summed as integers: no order of summation makes a difference.
        let sum: u128 = micros.iter().copied().map(u128::from).sum();
        let rank = |percent: usize| micros.get((percent * count).div_ceil(100).saturating_sub(1)).copied();
        Some(Spread {
            mean: sum as f64 / count as f64 / MICROS as f64,
            p50: seconds(rank(50)?),
            p90: seconds(rank(90)?),
            p99: seconds(rank(99)?),
        })
    }
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / MICROS as f64
}

impl Metrics {
    /// Scores the rows of a run on a cluster of `gpus` GPUs; `until` is where the run was cut off,
    /// if it was.
    pub fn of(rows: &[JobRow], totals: &Totals, gpus: Gpus, until: Option<SimTime>) -> Metrics {
        let count = |which: &dyn Fn(&JobRow) -> bool| rows.iter().filter(|row| which(row)).count() as u64;
        let sum = |what: fn(&JobRow) -> u32| rows.iter().map(|row| u64::from(what(row))).sum::<u64>();
        let slo_jobs = count(&is_slo);
        let ratio = |part: u64| (slo_jobs > 0).then(|| part as f64 / slo_jobs as f64);
        let admitted = count(&|row| is_slo(row) && row.admitted == 1);
        let met = count(&|row| row.state == State::Met);
        let in_plan = |row: &JobRow| Some(row.planned_end_time? <= row.deadline?);
        // A policy that promises lets nobody in without a promise.
        let promises =
            !rows.iter().any(|row| is_slo(row) && row.admitted == 1 && row.planned_end_time.is_none());
        let span = Span::of(rows, until);
        let held: GpuTime = rows.iter().fold(GpuTime::ZERO, |sum, row| sum + row.gpu_seconds);
        let gpu_seconds = f64::from(gpus.get()) * span.observed.as_secs_f64();
        let useful = rows.iter().filter(|row| matches!(row.state, State::Met | State::Completed));
        let productive = useful.fold(GpuTime::ZERO, |sum, row| sum + row.productive);
        Metrics {
            jobs: rows.len() as u64,
            slo_jobs,
            best_effort_jobs: rows.len() as u64 - slo_jobs,
            feasible_alone: count(&|row| row.feasible_alone == Some(1)),
            admitted,
            declined: count(&|row| is_slo(row) && row.state == State::Declined),
            met,
            late: count(&|row| row.state == State::Late),
            dsr: ratio(met),
            admit_ratio: ratio(admitted),
            planned_dsr: ratio(count(&|row| in_plan(row) == Some(true))).filter(|_| promises),
            admitted_late: count(&|row| row.state == State::Late && row.admitted == 1 && is_worthless(row)),
            soft_value: soft_value(rows),
            jct: Spread::of(rows.iter().filter_map(|row| row.jct)),
            best_effort_jct: Spread::of(rows.iter().filter(|row| !is_slo(row)).filter_map(|row| row.jct)),
            queue_delay: Spread::of(rows.iter().filter_map(|row| row.queue_delay)),
            tardiness: Spread::of(rows.iter().filter_map(tardiness)),
            makespan: span.makespan.map(SimDuration::as_secs_f64),
            gpu_utilization: (gpu_seconds > 0.0).then(|| held.as_secs_f64() / gpu_seconds),
            cluster_efficiency: (gpu_seconds > 0.0).then_some(totals.cluster_efficiency),
            goodput_gpu_hours: productive.as_secs_f64() / 3600.0,
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

fn is_slo(row: &JobRow) -> bool {
    row.class != Class::BestEffort.as_str()
}

/// Whether a job that was late was later than all its deadlines.
fn is_worthless(row: &JobRow) -> bool {
    row.earned.is_none_or(|(value, _)| value == 0.0)
}

fn soft_value(rows: &[JobRow]) -> Option<f64> {
    let shares: Vec<f64> = rows.iter().filter_map(|row| row.earned).map(|(got, full)| got / full).collect();
    (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
}

fn tardiness(row: &JobRow) -> Option<SimDuration> {
    (row.state == State::Late).then_some(row.end_time?.since(row.deadline?))
}

/// From the first submission until when?
struct Span {
    /// Until the last end.
    makespan: Option<SimDuration>,
    /// Until the last end, or the cut where that left live jobs: as long as somebody may hold GPUs.
    observed: SimDuration,
}

impl Span {
    fn of(rows: &[JobRow], until: Option<SimTime>) -> Span {
        let first = rows.iter().map(|row| row.submit_time).min().unwrap_or_default();
        let last = rows.iter().filter_map(|row| row.end_time).max();
        let left = |cut: &SimTime| rows.iter().any(|r| r.state == State::Unfinished && r.submit_time <= *cut);
        let end = until.filter(left).or(last).unwrap_or(first);
        Span { makespan: last.map(|last| last.since(first)), observed: end.since(first) }
    }
}

#[cfg(test)]
mod tests;
