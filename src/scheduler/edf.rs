//! Earliest deadline first on elastic jobs: in deadline order each job gets the largest size that
//! still gains, or the largest useful size that fits. Best-effort jobs come last, in the order of
//! their submission. Nobody is turned away.

use crate::job::JobId;
use crate::units::SimTime;

use super::queue::Queue;
use super::{Entry, Plan, Scheduler, View};

pub(super) const ENTRY: Entry = Entry {
    name: "edf",
    aliases: &[],
    summary: "earliest deadline first, each job on the most GPUs that still gain",
    paper: "Liu and Layland, JACM 1973; ElasticFlow, section 6.1",
    knows: "measured speeds",
    options: &[],
    grant_admits: true,
    requested_size: false,
    adapts_batch: false,
    artifact: None,
    build: |options, _| {
        options.none()?;
        Ok(Box::new(Edf { queue: Queue::new() }))
    },
};

struct Edf {
    queue: Queue<(SimTime, SimTime)>,
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

/// The key of deadline order: the deadline, then the submission.
pub(super) fn deadline_order(view: &View<'_>, id: JobId) -> (SimTime, SimTime) {
    let job = view.job(id);
    (job.due(), job.submit)
}
