//! ElasticFlow's hand-out of the GPUs that the plans leave free now.

use super::error::ReplicaError;
use super::job::ReplicaJob;
use super::planner::{JobPlan, due, plan, plan_until_due};
use super::quirk::{Q1, Quirks};
use super::setup::ReplicaSetup;
use super::timeline::GpuTimeline;
use super::world::World;

/// What one level more would be worth to a job.
struct Bid {
    id: usize,
    next: i64,
    worth: f64,
}

/// The worth of a candidate plan: the GPU-time that it takes more than the present one, per added
/// GPU, for a job that has GPUs. The sign is the wrong way round, so that who loses most goes
/// first: a quirk (Q1).
pub(super) fn worth(job: &ReplicaJob, candidate: &JobPlan, next: i64, quirks: Quirks) -> f64 {
    let after = candidate.alloc.gpu_time(candidate.end, quirks);
    let before = job.alloc.gpu_time(job.end, quirks);
    let more = if quirks.has(Q1) { after - before } else { before - after };
    more as f64 / (next - job.num_gpu) as f64
}

/// What is free without the job's own reservation.
pub(super) fn without(job: &ReplicaJob, mut free: GpuTimeline) -> GpuTimeline {
    free.cut(job.end);
    for (n, (at, gpus)) in job.alloc.steps().iter().enumerate() {
        free.cut(*at);
        let next = job.alloc.steps().get(n + 1).map_or(job.end, |step| step.0);
        if *gpus > 0 {
            free.cut(next);
            free.add(*at, next.min(job.end), *gpus);
        }
    }
    free.squashed()
}

impl Bid {
    fn weigh(
        &mut self,
        job: &ReplicaJob,
        now: i64,
        free: &GpuTimeline,
        available: i64,
        setup: ReplicaSetup,
        spare: &mut GpuTimeline,
    ) -> Result<(), ReplicaError> {
        let more = self.next - job.num_gpu;
        if more == 0 || more > available {
            self.worth = f64::NEG_INFINITY;
            return Ok(());
        }
        if job.num_gpu == 0 {
            // Worth the same whatever the plan is.
            self.worth = f64::INFINITY;
            return Ok(());
        }
        spare.copy_until(free, due(job, now, setup));
        let until_due = without(job, std::mem::take(spare));
        let candidate = match plan_until_due(job, now, until_due, Some(self.next), setup)? {
            Some(candidate) => candidate,
            None => self.plan(job, now, free.clone(), setup)?,
        };
        self.worth = worth(job, &candidate, self.next, setup.quirks);
        *spare = candidate.free;
        Ok(())
    }

    fn plan(
        &self,
        job: &ReplicaJob,
        now: i64,
        free: GpuTimeline,
        setup: ReplicaSetup,
    ) -> Result<JobPlan, ReplicaError> {
        plan(job, now, without(job, free), Some(self.next), setup)
    }
}

impl World {
    /// Gives the free GPUs to the runnable jobs, one level at a time; sorts the runnable jobs on
    /// the way.
    pub(super) fn greedy(&mut self, mut free: GpuTimeline) -> Result<(), ReplicaError> {
        let (now, setup) = (self.now, self.setup);
        let held: i64 = self.runnable.iter().map(|id| self.jobs[*id].num_gpu).sum();
        let mut available = setup.gpus - held;
        if available == 0 {
            return Ok(());
        }
        let (mut bids, mut spare) = (vec![], GpuTimeline::default());
        for id in &self.runnable {
            let job = &self.jobs[*id];
            let mut bid = Bid { id: *id, next: job.up(job.num_gpu), worth: 0.0 };
            bid.weigh(job, now, &free, available, setup, &mut spare)?;
            bids.push(bid);
        }
        loop {
            bids.sort_by(|a, b| b.worth.total_cmp(&a.worth));
            let fits = |bid: &&mut Bid| {
                let more = bid.next - self.jobs[bid.id].num_gpu;
                0 < more && more <= available
            };
            let Some(bid) = bids.iter_mut().find(fits) else { break };
            let id = bid.id;
            // The plan that it was weighed with, as nothing is given between; few of those weighed
            // are taken.
            let taken = bid.plan(&self.jobs[id], now, free, setup)?;
            let job = &mut self.jobs[id];
            available -= bid.next - job.num_gpu;
            job.num_gpu = bid.next;
            job.old = job.end;
            free = apply(job, taken);
            bid.next = job.up(job.num_gpu);
            if self.jobs[id].waits() {
                self.start(id);
            }
            let job = &self.jobs[id];
            self.events.move_end(id, job.old, job.end);
            for bid in &mut bids {
                let job = &self.jobs[bid.id];
                if bid.next > job.num_gpu {
                    bid.weigh(job, now, &free, available, setup, &mut spare)?;
                }
            }
        }
        self.runnable = bids.into_iter().map(|bid| bid.id).collect();
        Ok(())
    }
}

/// Makes a plan the job's own; gives what is free with it.
pub(super) fn apply(job: &mut ReplicaJob, planned: JobPlan) -> GpuTimeline {
    job.alloc = planned.alloc;
    job.end = planned.end;
    job.real_end = Some(planned.real_end);
    planned.free
}
