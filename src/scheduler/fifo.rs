//! First in, first out: jobs start in the order of their submission, at equal times of their ids,
//! each on the GPUs that its user requested.
//!
//! The first job that does not fit holds up all jobs behind it. No job is preempted. Deadlines play
//! no part, and best-effort jobs are like all others. No job is declined.

use crate::units::SimTime;

use super::ordered_jobs::OrderedJobs;
use super::{Entry, Plan, Scheduler, View};

pub(super) const ENTRY: Entry = Entry {
    name: "fifo",
    summary: "in order of submission at the requested size; the first job that does not fit holds up the rest",
    knows: "requested size",
    requested_size: true,
    build: |options, _| {
        options.none()?;
        Ok(Box::new(Fifo { queue: OrderedJobs::new() }))
    },
    ..Entry::BASE
};

struct Fifo {
    /// All live jobs, by submission.
    queue: OrderedJobs<SimTime>,
}

impl Scheduler for Fifo {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        self.queue.update(view, |id| view.job(id).submit);
        let mut plan = Plan::new();
        let mut free = view.capacity();
        for id in self.queue.iter() {
            let gpus = view.job(id).requested;
            if gpus > free {
                break;
            }
            free -= gpus;
            plan.grant(id, gpus);
        }
        plan
    }
}
