//! ElasticFlow (Gu et al., ASPLOS 2023): admission by minimum satisfactory share (section 4.1) and
//! elastic allocation by marginal return (section 4.2).
//!
//! A deadline job is admitted only if a set of reservations is found in which it and all admitted
//! jobs are in time; an admitted job is never late. GPUs that reservations leave free now go where
//! another size step gains most. Best-effort jobs are always admitted and get what is left; each
//! gets its first GPUs before any job gets additional ones. Of soft deadlines only the first
//! counts. Placement (section 4.3) is the placer's.

use super::guarantee::{AdmissionControl, BestEffortJobs, OPTIONS, Share, hand_out};
use super::{Entry, Plan, Scheduler, View};
use crate::job::JobId;
use crate::units::SimTime;

pub(super) const ENTRY: Entry = Entry {
    name: "elasticflow",
    aliases: &["ef-accessctrl"],
    summary: "admission by minimum satisfactory share, elastic allocation by marginal return; an admitted job is never late",
    paper: Some("Gu et al., ASPLOS 2023"),
    knows: "iterations as declared, measured speeds",
    grant_admits: false,
    options: OPTIONS,
    build: |options, _| {
        let options = options.read()?;
        Ok(Box::new(ElasticFlow {
            admission: AdmissionControl::new(Share::Minimum, options),
            best_effort: BestEffortJobs::default(),
        }))
    },
    ..Entry::BASE
};

struct ElasticFlow {
    admission: AdmissionControl,
    best_effort: BestEffortJobs,
}

impl Scheduler for ElasticFlow {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        let mut plan = Plan::new();
        self.admission.update(view);
        self.best_effort.update(view, &mut plan);
        // Jobs go back to minimum shares only to make room for a deadline job that has arrived or a
        // best-effort job without GPUs. After a completion, the GPUs that it frees are handed out
        // on top of what the other jobs have.
        let deadline_job_arrived = view.arrivals().iter().any(|id| view.job(*id).deadline.is_some());
        if deadline_job_arrived || self.best_effort.any_waits() {
            self.admission.refill(view.now());
        }
        self.admission.judge_arrivals(view, &mut plan);
        hand_out(view, &mut self.admission.reservations, &mut self.best_effort);
        self.admission.carry_out(view, &mut plan);
        self.best_effort.grant(&mut plan);
        plan
    }
    fn is_urgent(&self, view: &View<'_>, job: JobId, due: SimTime) -> bool {
        self.admission.is_urgent(view, job, due)
    }
}
