//! Rules on `summary.json`: it follows from `jobs.csv`.

use crate::cluster::Shape;
use crate::record::jobs::{JobOutcome, JobRow};
use crate::report::{Stored, jobs_csv};

fn is_slo(job: &JobRow) -> bool {
    job.class != "best_effort"
}

/// Every count is that of the rows.
pub(super) fn counts(stored: &Stored) -> Vec<String> {
    let (jobs, m) = (&stored.jobs, &stored.summary.metrics);
    let count = |passes: &dyn Fn(&JobRow) -> bool| jobs.iter().filter(|job| passes(job)).count() as u64;
    let slo = |state: JobOutcome| count(&|job| is_slo(job) && job.state == state);
    let best_effort = |state: JobOutcome| count(&|job| !is_slo(job) && job.state == state);
    let sum = |column: fn(&JobRow) -> u32| jobs.iter().map(|job| u64::from(column(job))).sum::<u64>();
    let is_open =
        |job: &JobRow| is_slo(job) && job.state == JobOutcome::Unfinished && job.deadline_met.is_none();
    let pairs = [
        ("jobs", m.jobs, jobs.len() as u64),
        ("slo_jobs", m.slo_jobs, count(&is_slo)),
        ("best_effort_jobs", m.best_effort_jobs, count(&|job| !is_slo(job))),
        (
            "feasible_alone",
            m.feasible_alone,
            count(&|job| job.deadline_met.is_some() && job.feasible_alone == Some(1)),
        ),
        ("admitted", m.admitted, count(&|job| is_slo(job) && job.admitted == 1)),
        ("declined", m.declined, slo(JobOutcome::Declined)),
        ("met", m.met, slo(JobOutcome::Met)),
        ("late", m.late, slo(JobOutcome::Late)),
        ("unfinished", m.unfinished, slo(JobOutcome::Unfinished)),
        ("open", m.open, count(&is_open)),
        ("not_submitted", m.not_submitted, slo(JobOutcome::NotSubmitted)),
        ("best_effort_completed", m.best_effort_completed, best_effort(JobOutcome::Completed)),
        ("best_effort_declined", m.best_effort_declined, best_effort(JobOutcome::Declined)),
        ("best_effort_unfinished", m.best_effort_unfinished, best_effort(JobOutcome::Unfinished)),
        ("best_effort_not_submitted", m.best_effort_not_submitted, best_effort(JobOutcome::NotSubmitted)),
        ("rescales", m.rescales, sum(|job| job.rescales)),
        ("preemptions", m.preemptions, sum(|job| job.preemptions)),
        ("migrations", m.migrations, sum(|job| job.migrations)),
    ];
    let differ = pairs.into_iter().filter(|(_, stated, found)| stated != found);
    differ.map(|(key, stated, found)| format!("{key} is {stated}, but jobs.csv has {found}")).collect()
}

/// Every ratio is that of the rows.
pub(super) fn ratios(stored: &Stored) -> Vec<String> {
    let (jobs, m) = (&stored.jobs, &stored.summary.metrics);
    let counted: Vec<&JobRow> = jobs.iter().filter(|job| job.deadline_met.is_some()).collect();
    let ratio = |passes: &dyn Fn(&JobRow) -> bool| {
        let part = counted.iter().filter(|job| passes(job)).count() as f64;
        (!counted.is_empty()).then(|| part / counted.len() as f64)
    };
    let makespan = makespan(stored);
    let held: f64 = jobs.iter().map(|job| job.gpu_seconds.as_secs_f64()).sum();
    let gpus: f64 = stored.summary.cluster.node_sizes().iter().map(|size| f64::from(size.get())).sum();
    let utilization = makespan.filter(|span| *span > 0.0).map(|span| held / (gpus * span));
    let faults = [
        differs("dsr", m.dsr, ratio(&|job| job.state == JobOutcome::Met)),
        differs("admit_ratio", m.admit_ratio, ratio(&|job| job.admitted == 1)),
        differs("makespan", m.makespan, makespan),
        differs("gpu_utilization", m.gpu_utilization, utilization),
    ];
    faults.into_iter().flatten().collect()
}

/// Returns the seconds from the first submission to the last end, or to the cut of a run that left
/// jobs behind.
fn makespan(stored: &Stored) -> Option<f64> {
    let submitted = stored.jobs.iter().filter(|job| job.state != JobOutcome::NotSubmitted);
    let first = submitted.map(|job| job.submit_time).min()?.as_secs_f64();
    let is_left = |job: &JobRow| matches!(job.state, JobOutcome::Unfinished | JobOutcome::NotSubmitted);
    let cut = stored.summary.until.filter(|_| stored.jobs.iter().any(is_left));
    let last = stored.jobs.iter().filter_map(|job| job.end_time).max().map(|end| end.as_secs_f64());
    Some(cut.or(last)? - first)
}

pub(super) fn differs(key: &str, stated: Option<f64>, found: Option<f64>) -> Option<String> {
    let is_same = match (stated, found) {
        (Some(stated), Some(found)) => (stated - found).abs() <= 1e-9 * stated.abs().max(1.0),
        (stated, found) => stated.is_none() && found.is_none(),
    };
    let word = |value: Option<f64>| value.map_or_else(|| "null".to_owned(), |value| value.to_string());
    (!is_same).then(|| format!("{key} is {}, but by jobs.csv it is {}", word(stated), word(found)))
}

/// Every mean and percentile is that of the rows.
pub(super) fn spreads(stored: &Stored) -> Vec<String> {
    let (jobs, m) = (&stored.jobs, &stored.summary.metrics);
    let late = |job: &JobRow| {
        let (end, deadline) = job.end_time.zip(job.deadline)?;
        (end > deadline).then(|| end.since(deadline).as_secs_f64())
    };
    let seconds = |job: &JobRow| job.jct.map(|jct| jct.as_secs_f64());
    let delay = |job: &JobRow| job.queue_delay.map(|delay| delay.as_secs_f64());
    let all = [
        ("jct", m.jct, jobs.iter().filter_map(seconds).collect::<Vec<f64>>()),
        (
            "best_effort_jct",
            m.best_effort_jct,
            jobs.iter().filter(|job| !is_slo(job)).filter_map(seconds).collect(),
        ),
        ("queue_delay", m.queue_delay, jobs.iter().filter_map(delay).collect()),
        ("tardiness", m.tardiness, jobs.iter().filter_map(late).collect()),
    ];
    let mut faults = Vec::new();
    for (key, stated, mut values) in all {
        values.sort_unstable_by(f64::total_cmp);
        let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        // The least value that at least `percent` of a hundred do not exceed.
        let rank = |percent: usize| {
            values
                .iter()
                .enumerate()
                .find(|(n, _)| (n + 1) * 100 >= percent * values.len())
                .map(|(_, value)| *value)
        };
        let parts = [
            ("mean", stated.map(|s| s.mean), mean),
            ("p50", stated.map(|s| s.p50), rank(50)),
            ("p90", stated.map(|s| s.p90), rank(90)),
            ("p99", stated.map(|s| s.p99), rank(99)),
            ("max", stated.map(|s| s.max), values.last().copied()),
        ];
        faults.extend(parts.into_iter().filter_map(|(part, a, b)| differs(&format!("{key}.{part}"), a, b)));
    }
    faults
}

/// `digest` is that of the rows.
pub(super) fn digest(stored: &Stored) -> Vec<String> {
    let (stated, found) = (&stored.summary.digest, jobs_csv(&stored.jobs).map(|(_, digest)| digest));
    match found {
        Ok(found) if found == *stated => Vec::new(),
        Ok(found) => vec![format!("digest is {stated}, but that of jobs.csv is {found}")],
        Err(why) => vec![format!("jobs.csv cannot be written again: {why}")],
    }
}

/// Returns the cluster that `summary.json` states, or that it states none.
pub(super) fn cluster(stored: &Stored) -> Result<Shape, String> {
    Shape::new(stored.summary.cluster.node_sizes())
        .map_err(|why| format!("summary.json has no cluster: {why}"))
}
