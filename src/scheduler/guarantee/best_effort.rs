//! Jobs without deadlines. They are always admitted. In the order of submission, they get the GPUs
//! that deadline jobs leave.

use crate::job::JobId;
use crate::units::{Gpus, SimTime};

use super::filling::Needs;
use crate::scheduler::{Plan, View};

/// The live best-effort jobs, in the order of their submission; at equal times by id.
#[derive(Debug, Default)]
pub(crate) struct BestEffortJobs {
    pub(super) jobs: Vec<BestEffortJob>,
}

/// A live best-effort job.
#[derive(Debug)]
pub(super) struct BestEffortJob {
    id: JobId,
    submit: SimTime,
    pub(super) needs: Needs,
    /// The GPUs that the job gets in the present plan.
    pub(super) gpus: Gpus,
}

impl BestEffortJobs {
    /// Begins a plan: drops the jobs that have completed, admits those that have arrived, and
    /// brings all needs up to date. No job has GPUs in the plan after this.
    pub(crate) fn update(&mut self, view: &View<'_>, plan: &mut Plan) {
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

    /// Returns whether at least one job holds no GPUs.
    pub(crate) fn any_waits(&self) -> bool {
        self.jobs.iter().any(|job| job.needs.held.is_zero())
    }

    /// Gives each job, in order, the largest of its sizes that fits in what is left of `left`.
    pub(crate) fn take_largest(&mut self, mut left: Gpus) {
        for job in &mut self.jobs {
            if let Some(size) = job.needs.sizes.iter().rev().find(|size| size.gpus <= left) {
                job.gpus = size.gpus;
                left -= size.gpus;
            }
        }
    }

    /// Gives each job, in order, its smallest size if that fits in what is left of `left`. A job
    /// that does not fit is passed over. Returns the GPUs that are left in the end.
    pub(super) fn take_smallest(&mut self, mut left: Gpus) -> Gpus {
        for job in &mut self.jobs {
            let smallest = job.needs.sizes[0].gpus;
            if smallest <= left {
                job.gpus = smallest;
                left -= smallest;
            }
        }
        left
    }

    /// Grants each job the GPUs that it was given.
    pub(crate) fn grant(&self, plan: &mut Plan) {
        for job in self.jobs.iter().filter(|job| !job.gpus.is_zero()) {
            plan.grant(job.id, job.gpus);
        }
    }
}
