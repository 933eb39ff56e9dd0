//! Rules on when jobs hold GPUs, and on how often these change.

use std::collections::BTreeSet;

use crate::record::allocations::Allocation;
use crate::record::jobs::{JobOutcome, JobRow};
use crate::units::SimTime;

use super::evidence::{Checked, Evidence};
use super::summary::cluster;

/// A job that was declined holds nothing, ever.
pub(super) fn declined(run: &Evidence<'_>) -> Checked {
    let (stored, ledger) = (run.stored, run.ledger()?);
    let declined = stored.jobs.iter().filter(|job| job.state == JobOutcome::Declined);
    let fault = |job: &JobRow| {
        let first = ledger.of(&job.job_id).first()?;
        let (gpus, from) = (first.nodes.gpus(), first.from);
        Some(format!("job `{}` is declined, and holds {gpus} GPUs from {from} s", job.job_id))
    };
    Ok(declined.filter_map(fault).collect())
}

/// A job holds GPUs from its submission at the earliest, and up to its end.
pub(super) fn bounds(run: &Evidence<'_>) -> Checked {
    let (stored, ledger) = (run.stored, run.ledger()?);
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
pub(super) fn starts(run: &Evidence<'_>) -> Checked {
    let (stored, ledger) = (run.stored, run.ledger()?);
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
pub(super) fn counts(run: &Evidence<'_>) -> Checked {
    let (stored, ledger) = (run.stored, run.ledger()?);
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

/// `split_placements` counts the placements on more nodes than their GPUs need; that of a rotation
/// counts once.
pub(super) fn splits(run: &Evidence<'_>) -> Checked {
    let (stored, ledger) = (run.stored, run.ledger()?);
    ledger.check_turns()?;
    let cluster = cluster(stored)?;
    let mut found = 0_u64;
    let mut rotations = BTreeSet::new();
    for job in &stored.jobs {
        for row in Changes::of(ledger.rows_of(&job.job_id), job.end_time).placements {
            let is_split = row.nodes.split(' ').count() as u64 > u64::from(cluster.fewest_nodes(row.gpus));
            let is_new = ledger.rotation(row).is_none_or(|rotation| rotations.insert(rotation));
            found += u64::from(is_split && is_new);
        }
    }
    let stated = stored.summary.metrics.split_placements;
    Ok((stated != found)
        .then(|| format!("split_placements is {stated}, but allocations.csv has {found}"))
        .into_iter()
        .collect())
}

#[derive(Default)]
struct Changes<'a> {
    rescales: u32,
    preemptions: u32,
    migrations: u32,
    /// The rows with which the job comes to nodes where it was not.
    placements: Vec<&'a Allocation>,
}

impl<'a> Changes<'a> {
    /// Counts the changes of a job. What it waits for, and has not had, does not change.
    fn of(rows: &[&'a Allocation], end: Option<SimTime>) -> Changes<'a> {
        let mut changes = Changes::default();
        let mut had: Option<(&'a Allocation, SimTime)> = None;
        for row in rows {
            let before = had.filter(|(_, there_from)| *there_from < row.time);
            let mut there_from = row.held_from;
            let stays = before.is_some_and(|(before, _)| before.nodes == row.nodes);
            if !row.gpus.is_zero() && !stays {
                changes.placements.push(row);
            }
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
