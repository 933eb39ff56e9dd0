//! Shortest remaining time first (Schrage, Operations Research 1968), at the requested size.
//!
//! At every plan the jobs are sorted by the time that they still need on the GPUs that their users
//! requested, the rest of a restart overhead included; at equal times by id. Each job in that order
//! that fits what is left runs; a job that does not fit is passed over. Shorter jobs preempt longer
//! ones. Deadlines play no part, and the restart overhead of a preemption is not weighed.

use crate::job::JobId;
use crate::units::SimDuration;

use super::{Entry, Plan, Scheduler, View};

pub(super) const ENTRY: Entry = Entry {
    name: "srtf",
    summary: "shortest remaining time first at the requested size, preemptive; what does not fit is passed over",
    paper: Some("Schrage, Operations Research 1968"),
    knows: "requested size, iterations as declared, measured speeds",
    requested_size: true,
    build: |options, _| {
        options.none()?;
        Ok(Box::new(Srtf))
    },
    ..Entry::BASE
};

struct Srtf;

/// Returns the time that a job still needs on the GPUs that its user requested.
fn remaining(view: &View<'_>, id: JobId) -> SimDuration {
    let rate = view.rate(id, view.job(id).requested).expect("a requested size has a speed");
    view.restart_left(id) + view.declared_left(id).time_at(rate)
}

impl Scheduler for Srtf {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        let mut queue: Vec<_> = view.live().iter().map(|id| (remaining(view, *id), *id)).collect();
        queue.sort_unstable();
        let mut plan = Plan::new();
        let mut free = view.capacity();
        for (_, id) in queue {
            let gpus = view.job(id).requested;
            if gpus <= free {
                free -= gpus;
                plan.grant(id, gpus);
            }
        }
        plan
    }
}
