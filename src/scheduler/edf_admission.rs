//! EDF with admission control ("EDF + Admission Control" in the paper's figure 9): a deadline job is admitted if it and all
//! that were admitted before are in time when they are filled in deadline order at the most GPUs that gain. Best-effort jobs
//! are always admitted and get what is left.

use crate::units::Gpus;

use super::best_effort::BestEffort;
use super::guarantee::{Filling, Guarantee};
use super::{Entry, Plan, Scheduler, View};

pub(super) const ENTRY: Entry = Entry {
    name: "edf-admission",
    aliases: &["edf-accessctrl"],
    summary: "EDF that declines what could not be in time; who is admitted is never late",
    paper: "ElasticFlow, section 6.4",
    options: &[],
    grant_admits: false,
    requested_size: false,
    build: |options| {
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
        self.guarantee.refill(view);
        for id in view.arrivals() {
            if view.job(*id).deadline.is_some() {
                self.guarantee.judge(view, *id, &mut plan);
            }
        }
        self.guarantee.enact(view, &mut plan);
        let mut left = self.guarantee.free.now();
        for job in &self.best_effort.jobs {
            let fitting = job.needs.sizes.iter().rev().find(|size| size.gpus <= left);
            let gpus = fitting.map_or(Gpus::ZERO, |size| size.gpus);
            if !gpus.is_zero() {
                plan.grant(job.id, gpus);
                left -= gpus;
            }
        }
        plan
    }
}
