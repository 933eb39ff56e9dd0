//! Rules on when jobs hold GPUs, and on how often these change.

use crate::record::allocations::Allocation;
use crate::record::jobs::{JobOutcome, JobRow};
use crate::report::Stored;
use crate::units::SimTime;

use super::ledger::Ledger;

/// A job that was declined holds nothing, ever.
pub(super) fn declined(stored: &Stored, ledger: &Ledger<'_>) -> Result<Vec<String>, String> {
    let declined = stored.jobs.iter().filter(|job| job.state == JobOutcome::Declined);
    let fault = |job: &JobRow| {
        let first = ledger.of(&job.job_id).first()?;
        let (gpus, from) = (first.nodes.gpus(), first.from);
        Some(format!("job `{}` is declined, and holds {gpus} GPUs from {from} s", job.job_id))
    };
    Ok(declined.filter_map(fault).collect())
}

/// A job holds GPUs from its submission at the earliest, and up to its end.
pub(super) fn bounds(stored: &Stored, ledger: &Ledger<'_>) -> Result<Vec<String>, String> {
    let mut faults = Vec::new();
    for job in &stored.jobs {
        let (id, held) = (&job.job_id, ledger.of(&job.job_id));
        if let Some(first) = held.first().filter(|first| first.from < job.submit_time) {
            let (from, submit) = (first.from, job.submit_time);
            faults.push(format!("job `{id}` holds GPUs from {from} s, and is submitted at {submit} s"));
        }
        let last = held.last().map(|last| last.until);
        if let Some(end) = job.end_time.filter(|end| Some(*end) != last) {
            let last = last.map_or_else(|| "never holds any".to_owned(), |last| format!("until {last} s"));
            faults.push(format!("job `{id}`: end_time is {end} s, but it holds GPUs {last}"));
        }
    }
    Ok(faults)
}

/// A job starts when it first holds GPUs: in a rotation, with its first turn.
pub(super) fn starts(stored: &Stored, ledger: &Ledger<'_>) -> Result<Vec<String>, String> {
    let fault = |job: &JobRow| {
        let first = ledger.of(&job.job_id).iter().find(|holding| holding.has_begun());
        let start = first.map(|first| first.held_from);
        let word =
            |time: Option<SimTime>| time.map_or_else(|| "never".to_owned(), |time| format!("{time} s"));
        let (stated, found) = (word(job.start_time), word(start));
        let id = &job.job_id;
        (job.start_time != start)
            .then(|| format!("job `{id}`: start_time is {stated}, but it first holds GPUs at {found}"))
    };
    Ok(stored.jobs.iter().filter_map(fault).collect())
}

/// The numbers of changes are those of the rows.
pub(super) fn counts(stored: &Stored, ledger: &Ledger<'_>) -> Result<Vec<String>, String> {
    let mut faults = Vec::new();
    for job in &stored.jobs {
        let found = Changes::of(ledger.rows_of(&job.job_id), job.end_time);
        let pairs = [
            ("rescales", job.rescales, found.rescales),
            ("preemptions", job.preemptions, found.preemptions),
            ("migrations", job.migrations, found.migrations),
        ];
        for (column, stated, found) in pairs.into_iter().filter(|(_, stated, found)| stated != found) {
            let id = &job.job_id;
            faults.push(format!("job `{id}`: {column} is {stated}, but allocations.csv has {found}"));
        }
    }
    Ok(faults)
}

#[derive(Default)]
struct Changes {
    rescales: u32,
    preemptions: u32,
    migrations: u32,
}

impl Changes {
    /// Counts the changes of a job. What it waits for, and has not had, does not change.
    fn of(rows: &[&Allocation], end: Option<SimTime>) -> Changes {
        let mut changes = Changes::default();
        let mut had: Option<(&Allocation, SimTime)> = None;
        for row in rows {
            let before = had.filter(|(_, there_from)| *there_from < row.time);
            let mut there_from = row.held_from;
            match before {
                Some(_) if row.gpus.is_zero() => changes.preemptions += u32::from(end != Some(row.time)),
                Some((before, since)) if before.nodes == row.nodes => there_from = since,
                Some((before, _)) if before.gpus == row.gpus => changes.migrations += 1,
                Some(_) => changes.rescales += 1,
                None => {}
            }
            had = (!row.gpus.is_zero()).then_some((*row, there_from));
        }
        changes
    }
}
