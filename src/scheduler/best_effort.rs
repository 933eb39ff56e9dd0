//! Best-effort jobs beside guaranteed ones: always admitted, served from what those leave, in the
//! order of submission.

use crate::job::JobId;
use crate::units::{Gpus, SimTime};

use super::reservation::Needs;
use super::{Plan, View};

/// The live best-effort jobs, in the order of their submission.
#[derive(Debug, Default)]
pub(super) struct BestEffort {
    pub(super) jobs: Vec<BestEffortJob>,
}

/// A live best-effort job.
#[derive(Debug)]
pub(super) struct BestEffortJob {
    id: JobId,
    submit: SimTime,
    pub(super) needs: Needs,
    /// What it gets in the plan at hand.
    pub(super) gpus: Gpus,
}

impl BestEffort {
    /// Drops who ended, admits who arrived, and brings everybody's state up to date.
    pub(super) fn update(&mut self, view: &View<'_>, plan: &mut Plan) {
        self.jobs.retain(|job| view.is_live(job.id));
        for job in &mut self.jobs {
            job.needs.update(view, job.id);
            job.gpus = Gpus::ZERO;
        }
        for id in view.arrivals() {
            let job = view.job(*id);
            if job.deadline.is_none() {
                plan.admit(*id, None);
                let place = self.jobs.partition_point(|other| (other.submit, other.id) < (job.submit, *id));
                let needs = Needs::new(view, *id);
                self.jobs
                    .insert(place, BestEffortJob { id: *id, submit: job.submit, needs, gpus: Gpus::ZERO });
            }
        }
    }

    /// Whether somebody holds no GPUs.
    pub(super) fn someone_waits(&self) -> bool {
        self.jobs.iter().any(|job| job.needs.held.is_zero())
    }

    /// Gives each in turn the most GPUs that gain and fit in what is left.
    pub(super) fn take_largest(&mut self, mut left: Gpus) {
        for job in &mut self.jobs {
            if let Some(size) = job.needs.sizes.iter().rev().find(|size| size.gpus <= left) {
                job.gpus = size.gpus;
                left -= size.gpus;
            }
        }
    }

    /// Grants what each has been given.
    pub(super) fn grant(&self, plan: &mut Plan) {
        for job in self.jobs.iter().filter(|job| !job.gpus.is_zero()) {
            plan.grant(job.id, job.gpus);
        }
    }
}
