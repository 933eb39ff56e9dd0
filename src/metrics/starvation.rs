//! Starvation: a job that waits out of all proportion to the others, which no percentile shows.

use crate::record::jobs::JobRow;
use crate::units::{Gpus, SimDuration, SimTime};

use super::Spread;

/// A job that waited for GPUs far longer than the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Starvation {
    /// The id of the job in the trace.
    pub job_id: String,
    /// The GPUs that it asks for.
    pub requested: Gpus,
    /// How long it was without GPUs, from its submission to its end or to the cut of the run.
    pub waited: SimDuration,
    /// 99 % of the other jobs waited no longer than this, in seconds.
    pub others: f64,
    /// The jobs submitted after it that held GPUs before it did.
    pub overtaken_by: u64,
}

/// A shorter wait is no starvation, however short the others are.
const LEAST: SimDuration = SimDuration::from_secs(3600);
/// How many times as long as 99 % of the others a starved job waits.
const FACTOR: f64 = 10.0;

/// Returns the job that waited longest, if it starved: it waited an hour or more, longer than it
/// ran, and more than ten times as long as 99 % of the other jobs. Of equal waits the first row
/// counts. `until` is when the run was cut off, if it was. Jobs that were declined or not submitted
/// do not wait.
pub fn starvation(rows: &[JobRow], until: Option<SimTime>) -> Option<Starvation> {
    let mut waits: Vec<(usize, SimDuration)> =
        rows.iter().enumerate().filter_map(|(place, row)| Some((place, wait(row, until)?))).collect();
    let (longest, waited) = waits.iter().copied().reduce(|a, b| if b.1 > a.1 { b } else { a })?;
    waits.retain(|(place, _)| *place != longest);
    let others = Spread::of(waits.into_iter().map(|(_, wait)| wait))?.p99;
    let row = &rows[longest];
    let starved = waited >= LEAST && waited > row.run_time && waited.as_secs_f64() > FACTOR * others;
    let is_before = |other: &JobRow| {
        let start = other.start_time.filter(|start| row.start_time.is_none_or(|own| *start < own));
        other.submit_time > row.submit_time && start.is_some()
    };
    starved.then(|| Starvation {
        job_id: row.job_id.clone(),
        requested: row.requested_gpus,
        waited,
        others,
        overtaken_by: rows.iter().filter(|other| is_before(other)).count() as u64,
    })
}

/// Returns how long a job was without GPUs; `None` if it was declined or not submitted.
fn wait(row: &JobRow, until: Option<SimTime>) -> Option<SimDuration> {
    use crate::record::jobs::JobOutcome::{Completed, Declined, Late, Met, NotSubmitted, Unfinished};
    match row.state {
        Met | Late | Completed => row.queue_delay,
        Unfinished => Some(until?.since(row.submit_time).saturating_sub(row.run_time)),
        Declined | NotSubmitted => None,
    }
}
