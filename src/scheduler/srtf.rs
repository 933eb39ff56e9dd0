//! Shortest remaining time first: at every plan the jobs in the order of the time they still need
//! on the GPUs their users asked for, each that still fits. Running jobs are preempted for shorter
//! ones. Deadlines play no part.

use crate::job::JobId;
use crate::units::{Rate, SimDuration};

use super::{Entry, Plan, Scheduler, View};

pub(super) const ENTRY: Entry = Entry {
    name: "srtf",
    aliases: &[],
    summary: "shortest remaining time first at the requested size, preemptive; what does not fit is passed over",
    paper: "Schrage, Operations Research 1968",
    knows: "requested size, iterations as declared, measured speeds",
    options: &[],
    grant_admits: true,
    requested_size: true,
    adapts_batch: false,
    artifact: None,
    build: |options, _| {
        options.none()?;
        Ok(Box::new(Srtf))
    },
};

struct Srtf;

impl Scheduler for Srtf {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        let remaining = |id: JobId| -> SimDuration {
            let rate = view.rate(id, view.job(id).requested).unwrap_or(Rate::ZERO);
            view.restart_left(id) + view.declared_left(id).time_at(rate)
        };
        let mut queue: Vec<_> = view.live().iter().map(|id| (remaining(*id), *id)).collect();
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
