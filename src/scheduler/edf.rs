//! Earliest deadline first (Liu and Layland, JACM 1973) on elastic jobs, as ElasticFlow compares
//! itself with it (section 6.1).
//!
//! In the order of deadline, submission and id, each job gets the largest of its sizes that fits
//! what is left; a size is a count that is faster than every smaller one. Best-effort jobs come
//! last. No job is declined, and running jobs are preempted or shrunk for more urgent ones, without
//! a look at the restart overhead.

use crate::job::JobId;
use crate::units::SimTime;

use super::ordered_jobs::OrderedJobs;
use super::{Entry, Plan, Scheduler, View};

pub(super) const ENTRY: Entry = Entry {
    name: "edf",
    summary: "earliest deadline first, each job on the most GPUs that still gain",
    paper: Some("Liu and Layland, JACM 1973; ElasticFlow, section 6.1"),
    knows: "measured speeds",
    build: |options, _| {
        options.none()?;
        Ok(Box::new(Edf { queue: OrderedJobs::new() }))
    },
    ..Entry::BASE
};

struct Edf {
    /// All live jobs, in deadline order.
    queue: OrderedJobs<(SimTime, SimTime)>,
}

impl Scheduler for Edf {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        self.queue.update(view, |id| deadline_order(view, id));
        let mut plan = Plan::new();
        let mut free = view.capacity();
        for id in self.queue.iter() {
            if free.is_zero() {
                break;
            }
            if let Some(gpus) = view.sizes(id).iter().rev().find(|size| **size <= free) {
                free -= *gpus;
                plan.grant(id, *gpus);
            }
        }
        plan
    }
}

/// Returns the key of deadline order: the deadline, then the submission.
fn deadline_order(view: &View<'_>, id: JobId) -> (SimTime, SimTime) {
    let job = view.job(id);
    (job.due(), job.submit)
}
