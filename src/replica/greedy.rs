//! ElasticFlow's elastic step: the GPUs that the plans leave free now go to jobs.

use super::error::ReplicaError;
use super::job::ReplicaJob;
use super::planner::{JobPlan, due, plan, plan_until_due};
use super::quirk::{Q1, Quirks};
use super::setup::ReplicaSetup;
use super::timeline::GpuTimeline;
use super::world::World;

/// A job's bid for one more level of GPUs.
struct Bid {
    id: usize,
    /// The GPUs of the next level; the job's own number at the highest level.
    next: i64,
    /// The worth of the level; the highest bid gets its GPUs first.
    worth: f64,
}

/// Returns the worth of a plan on `next` GPUs to a job that has fewer, and at least one: the
/// GPU-time that it takes more than the present plan, per added GPU. The sign is the wrong way
/// round, so that the job that wastes most goes first: a quirk (Q1).
pub(super) fn worth(job: &ReplicaJob, candidate: &JobPlan, next: i64, quirks: Quirks) -> f64 {
    let after = candidate.alloc.gpu_time(candidate.end, quirks);
    let before = job.alloc.gpu_time(job.end, quirks);
    let more = if quirks.has(Q1) { after - before } else { before - after };
    more as f64 / (next - job.num_gpu) as f64
}

/// Returns the GPUs that are free if the job gives its reservation back.
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
    /// Computes the worth of the bid with `free` GPUs over time, `available` of them now. `spare`
    /// is memory for the work.
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
            // A job without GPUs comes first, whatever its plan is.
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

    /// Plans the job on the GPUs of the bid.
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
    /// Gives the free GPUs to the runnable jobs, one level at a time. The runnable jobs end in the
    /// order of their last bids.
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
            // Nothing was given since it was weighed, so this is the plan of that time. Few plans
            // are taken: making one anew is cheaper than keeping all.
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

/// Gives a job its plan; returns the GPUs that are free with it.
pub(super) fn apply(job: &mut ReplicaJob, planned: JobPlan) -> GpuTimeline {
    job.alloc = planned.alloc;
    job.end = planned.end;
    job.real_end = Some(planned.real_end);
    planned.free
}
