//! ElasticFlow without admission control: "EDF + Elastic Scaling" of its section 6.4, figure 9.
//!
//! In deadline order each job gets its minimum satisfactory share, or the most GPUs that gain where
//! it cannot be in time; what is left goes by marginal return, as in ElasticFlow. No job is
//! declined and nothing is promised: under overload, jobs that are late in any case take GPUs from
//! jobs that are not late yet. Jobs after the last free GPU get none, and nothing is reserved for
//! them.

use super::guarantee::{BestEffortJobs, DeadlineJob, ReservationSet, hand_out};
use super::{Entry, Plan, Scheduler, View};

pub(super) const ENTRY: Entry = Entry {
    name: "elasticflow-no-admission",
    aliases: &["ef"],
    summary: "minimum satisfactory shares in deadline order and elastic allocation; no job is declined",
    paper: Some("Gu et al., ASPLOS 2023, section 6.4"),
    knows: "iterations as declared, measured speeds",
    grant_admits: false,
    build: |options, _| {
        options.none()?;
        Ok(Box::new(NoAdmission { deadline: Vec::new(), best_effort: BestEffortJobs::default() }))
    },
    ..Entry::BASE
};

struct NoAdmission {
    /// All live deadline jobs, in deadline order, without reservations.
    deadline: Vec<DeadlineJob>,
    best_effort: BestEffortJobs,
}

impl Scheduler for NoAdmission {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        let mut plan = Plan::new();
        self.best_effort.update(view, &mut plan);
        self.deadline.retain(|job| view.is_live(job.id));
        for id in view.arrivals() {
            if view.job(*id).deadline.is_some() {
                plan.admit(*id, None);
                self.deadline.push(DeadlineJob::new(view, *id));
            }
        }
        self.deadline.sort_by_key(DeadlineJob::key);
        let mut reservations = ReservationSet::new(view.now(), view.capacity());
        for job in &mut self.deadline {
            if reservations.free_now().is_zero() {
                break;
            }
            job.update(view);
            reservations.append(job.clone(), view.now());
        }
        hand_out(view, &mut reservations, &mut self.best_effort);
        reservations.grant(view.now(), &mut plan);
        self.best_effort.grant(&mut plan);
        plan
    }
}
