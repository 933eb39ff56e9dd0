//! Rules within `jobs.csv`.

use crate::record::jobs::{JobOutcome, JobRow};
use crate::report::Stored;
use crate::units::{SimDuration, SimTime};

/// The schedulers that promise each deadline job which they admit that it is met.
const PROMISING: [&str; 3] = ["elasticflow", "edf-admission", "chronus"];

/// `jct` is end − submission, and `queue_delay` the part of it without GPUs.
pub(super) fn times(stored: &Stored) -> Vec<String> {
    let mut faults = Vec::new();
    for job in &stored.jobs {
        let jct = job.end_time.map(|end| end.since(job.submit_time));
        let delay = jct.map(|jct| jct.saturating_sub(job.run_time));
        for (column, stated, found) in [("jct", job.jct, jct), ("queue_delay", job.queue_delay, delay)] {
            if stated != found {
                let (stated, found) = (word(stated), word(found));
                let id = &job.job_id;
                faults.push(format!("job `{id}`: {column} is {stated}, but by its times it is {found}"));
            }
        }
    }
    faults
}

fn word(time: Option<SimDuration>) -> String {
    time.map_or_else(|| "empty".to_owned(), |time| format!("{time} s"))
}

/// A job is met, late or completed by its end and its deadline.
pub(super) fn states(stored: &Stored) -> Vec<String> {
    let cut = stored.summary.cut();
    let fault = |job: &JobRow| {
        let is_met = job.end_time.zip(job.deadline).map(|(end, deadline)| end <= deadline);
        let state = match (job.end_time, is_met) {
            (None, _) => None,
            (Some(_), None) => Some(JobOutcome::Completed),
            (Some(_), Some(true)) => Some(JobOutcome::Met),
            (Some(_), Some(false)) => Some(JobOutcome::Late),
        };
        let ended = matches!(job.state, JobOutcome::Completed | JobOutcome::Met | JobOutcome::Late);
        let met = job.deadline.and_then(|deadline| match job.state {
            JobOutcome::NotSubmitted => None,
            JobOutcome::Unfinished => is_past(deadline, cut).then_some(0),
            _ => Some(u8::from(is_met == Some(true))),
        });
        let (id, stated) = (&job.job_id, job.state);
        if state.is_some_and(|state| state != stated) || state.is_none() && ended {
            return Some(format!("job `{id}`: state is {stated:?}, but by its times it is {state:?}"));
        }
        let stated = job.deadline_met;
        (stated != met)
            .then(|| format!("job `{id}`: deadline_met is {stated:?}, but by its times it is {met:?}"))
    };
    stored.jobs.iter().filter_map(fault).collect()
}

fn is_past(deadline: SimTime, cut: Option<SimTime>) -> bool {
    cut.is_none_or(|cut| deadline <= cut)
}

/// No admitted job is late, where the scheduler promises that.
pub(super) fn promises(stored: &Stored) -> Result<Vec<String>, String> {
    let name = stored.summary.scheduler.as_str();
    if stored.summary.preset != "default" || !PROMISING.contains(&name) {
        return Err(format!("`{name}` under --preset {} promises nothing", stored.summary.preset));
    }
    let late = stored.jobs.iter().filter(|job| job.admitted == 1 && job.state == JobOutcome::Late);
    let fault = |job: &JobRow| {
        let (end, deadline) = job.end_time.zip(job.deadline)?;
        let id = &job.job_id;
        Some(format!("job `{id}` was admitted with its deadline at {deadline} s, but ends at {end} s"))
    };
    Ok(late.filter_map(fault).collect())
}
