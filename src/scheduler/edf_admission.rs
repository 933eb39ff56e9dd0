//! EDF with admission control: "EDF + Admission Control" of ElasticFlow's section 6.4, figure 9.
//!
//! A deadline job is admitted if it and all jobs admitted before it are in time when each is
//! filled, in deadline order, at the most GPUs that gain. Every plan fills anew, so that urgent
//! jobs come first. Best-effort jobs are always admitted; each in the order of submission gets the
//! largest size that fits what deadline jobs leave. Spare GPUs are not handed out to jobs that have
//! some.

use super::guarantee::{AdmissionControl, BestEffortJobs, OPTIONS, Share};
use super::{Entry, Plan, Scheduler, View};
use crate::job::JobId;
use crate::units::SimTime;

pub(super) const ENTRY: Entry = Entry {
    name: "edf-admission",
    aliases: &["edf-accessctrl"],
    summary: "EDF that declines what could not be in time; an admitted job is never late",
    paper: Some("ElasticFlow, section 6.4"),
    knows: "iterations as declared, measured speeds",
    grant_admits: false,
    options: OPTIONS,
    build: |options, _| {
        let options = options.read()?;
        Ok(Box::new(EdfAdmission {
            admission: AdmissionControl::new(Share::Largest, options),
            best_effort: BestEffortJobs::default(),
        }))
    },
    ..Entry::BASE
};

struct EdfAdmission {
    admission: AdmissionControl,
    best_effort: BestEffortJobs,
}

impl Scheduler for EdfAdmission {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        let mut plan = Plan::new();
        self.admission.update(view);
        self.best_effort.update(view, &mut plan);
        self.admission.refill(view.now());
        self.admission.judge_arrivals(view, &mut plan);
        self.best_effort.take_largest(self.admission.reservations.free_now());
        self.admission.carry_out(view, &mut plan);
        self.best_effort.grant(&mut plan);
        plan
    }
    fn is_urgent(&self, view: &View<'_>, job: JobId, due: SimTime) -> bool {
        self.admission.is_urgent(view, job, due)
    }
}
