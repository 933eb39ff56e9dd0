//! First in, first out: the jobs in the order of their submission, on the GPUs their users asked
//! for, until one does not fit. Nobody is preempted, and nobody overtakes. Deadlines play no part.

use crate::units::SimTime;

use super::queue::Queue;
use super::{Entry, Plan, Scheduler, View};

pub(super) const ENTRY: Entry = Entry {
    name: "fifo",
    aliases: &[],
    summary: "in order of submission at the requested size; the first that does not fit holds up the rest",
    paper: "-",
    knows: "requested size",
    options: &[],
    grant_admits: true,
    requested_size: true,
    adapts_batch: false,
    artifact: None,
    build: |options, _| {
        options.none()?;
        Ok(Box::new(Fifo { queue: Queue::new() }))
    },
};

struct Fifo {
    queue: Queue<SimTime>,
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
