//! EDF with admission control ("EDF + Admission Control" in the paper's figure 9): a deadline job
//! is admitted if it and all that were admitted before are in time when they are filled in deadline
//! order at the most GPUs that gain. Best-effort jobs are always admitted and get what is left.

use super::best_effort::BestEffort;
use super::guarantee::Guarantee;
use super::reservations::Filling;
use super::{Entry, Plan, Scheduler, View};

pub(super) const ENTRY: Entry = Entry {
    name: "edf-admission",
    aliases: &["edf-accessctrl"],
    summary: "EDF that declines what could not be in time; who is admitted is never late",
    paper: "ElasticFlow, section 6.4",
    knows: "iterations as declared, measured speeds",
    options: &[],
    grant_admits: false,
    requested_size: false,
    adapts_batch: false,
    artifact: None,
    build: |options, _| {
        options.none()?;
        Ok(Box::new(EdfAdmission {
            guarantee: Guarantee::new(Filling::Largest),
            best_effort: BestEffort::default(),
        }))
    },
};

struct EdfAdmission {
    guarantee: Guarantee,
    best_effort: BestEffort,
}

impl Scheduler for EdfAdmission {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        let mut plan = Plan::new();
        self.guarantee.update(view);
        self.best_effort.update(view, &mut plan);
        self.guarantee.refill(view.now());
        self.guarantee.judge_arrivals(view, &mut plan);
        self.best_effort.take_largest(self.guarantee.reservations.free.now());
        self.guarantee.enact(view, &mut plan);
        self.best_effort.grant(&mut plan);
        plan
    }
}
