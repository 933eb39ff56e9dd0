//! The times in which a job held no GPUs, and the jobs that held some meanwhile.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::record::allocations::Allocation;
use crate::record::jobs::JobRow;
use crate::report::table::count;
use crate::trace::printable;
use crate::units::{Gpus, SimDuration, SimTime};

/// How many of the jobs that held GPUs are named.
const NAMED: usize = 3;

/// A time in which a job held no GPUs.
#[derive(Debug)]
pub(super) struct Wait<'a> {
    pub(super) from: SimTime,
    to: SimTime,
    /// The jobs that held GPUs meanwhile, those that held them longest first.
    holders: Vec<Holder<'a>>,
}

/// A job that held GPUs while another waited.
#[derive(Debug)]
struct Holder<'a> {
    job_id: &'a str,
    /// The most that it held at once.
    gpus: Gpus,
    held: SimDuration,
}

/// Finds the waits of `job` among the rows of `allocations.csv`, in order. `until` is when the run
/// was cut off, if it was.
pub(super) fn waits<'a>(
    allocations: &'a [Allocation],
    job: &JobRow,
    until: Option<SimTime>,
) -> Vec<Wait<'a>> {
    let mut waiting = Some(job.submit_time);
    let mut spans = Vec::new();
    for row in allocations.iter().filter(|row| row.job_id == job.job_id) {
        if row.gpus.is_zero() {
            waiting = waiting.or(Some(row.time).filter(|time| job.end_time != Some(*time)));
        } else if let Some(from) = waiting.take() {
            spans.push((from, row.time));
        }
    }
    spans.extend(waiting.zip(until));
    let is_some = |(from, to): &(SimTime, SimTime)| to > from;
    spans.into_iter().filter(is_some).map(|(from, to)| Wait::new(allocations, job, from, to)).collect()
}

impl<'a> Wait<'a> {
    fn new(allocations: &'a [Allocation], job: &JobRow, from: SimTime, to: SimTime) -> Wait<'a> {
        // By job: since when it holds how many GPUs.
        let mut holding: BTreeMap<&str, (SimTime, Gpus)> = BTreeMap::new();
        let mut all: BTreeMap<&str, Holder<'a>> = BTreeMap::new();
        let mut note = |job_id: &'a str, (since, gpus): (SimTime, Gpus), until: SimTime| {
            let held = until.min(to).since(since.max(from));
            if !gpus.is_zero() && held > SimDuration::ZERO {
                let new = Holder { job_id, gpus, held: SimDuration::ZERO };
                let holder = all.entry(job_id).or_insert(new);
                holder.gpus = holder.gpus.max(gpus);
                holder.held += held;
            }
        };
        for row in allocations.iter().take_while(|row| row.time < to) {
            if row.job_id != job.job_id
                && let Some(before) = holding.insert(&row.job_id, (row.time, row.gpus))
            {
                note(&row.job_id, before, row.time);
            }
        }
        holding.into_iter().for_each(|(job_id, last)| note(job_id, last, to));
        let mut holders: Vec<Holder<'a>> = all.into_values().collect();
        holders.sort_by_key(|holder| (Reverse(holder.held), Reverse(holder.gpus)));
        Wait { from, to, holders }
    }

    /// Tells how long the wait was, and which jobs held GPUs meanwhile.
    pub(super) fn to_text(&self) -> String {
        let named = self.holders.iter().take(NAMED).map(|holder| {
            let gpus = count(holder.gpus.get().into(), "GPU");
            format!("job {} held {gpus} for {}", printable(holder.job_id), holder.held.rounded())
        });
        let mut parts: Vec<String> = named.collect();
        match self.holders.len().saturating_sub(NAMED) as u64 {
            0 if parts.is_empty() => parts.push("no job held GPUs".to_owned()),
            0 => {}
            others => parts.push(format!("{} held some, too", count(others, "other job"))),
        }
        format!("waits for {}; meanwhile {}", self.to.since(self.from).rounded(), parts.join(", "))
    }

    /// Returns the wait as JSON, with every job that held GPUs; times in seconds.
    pub(super) fn to_json(&self) -> Value {
        let holder = |holder: &Holder<'_>| json!({ "job_id": holder.job_id, "gpus": holder.gpus, "seconds": holder.held.as_secs_f64() });
        json!({
            "from": self.from.as_secs_f64(),
            "to": self.to.as_secs_f64(),
            "holders": self.holders.iter().map(holder).collect::<Vec<_>>(),
        })
    }
}
