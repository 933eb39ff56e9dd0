//! What a scheduler sees.

use crate::cluster::{Cluster, NodeSet, Shape};
use crate::job::{JobId, JobSpec};
use crate::overhead::Overhead;
use crate::profile::{BatchLimits, Configuration, Measurement, SpeedModel};
use crate::state::{JobState, Phase};
use crate::units::{GpuTime, Gpus, Iterations, Rate, SimDuration, SimTime};
use crate::workload::Workload;

/// What was seen of a job on one configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// The nodes, GPUs and batch size that the job ran on.
    pub setting: Configuration,
    /// The iterations that it had done when it was last seen there.
    pub at: Iterations,
    /// Its speed at that time, in iterations per second.
    pub rate: Rate,
    /// What else was measured at that time; `None` where the speed model measures nothing else.
    pub measured: Option<Measurement>,
}

impl Observation {
    /// Returns what there is to see of a job now; `None` while it has not worked on its present
    /// GPUs.
    pub(crate) fn of(
        truth: &dyn SpeedModel,
        job: &JobSpec,
        state: &JobState,
        now: SimTime,
    ) -> Option<Observation> {
        let progress = &state.progress;
        if state.gpus.is_zero() || progress.held(now) <= progress.restarting(now) {
            return None;
        }
        let setting = Configuration { nodes: state.nodes, gpus: state.gpus, batch: state.batch };
        let at = progress.done(now);
        Some(Observation { setting, at, rate: progress.rate(), measured: truth.measure(job, at, &setting) })
    }
}

/// The state of the cluster and its jobs at the time of a plan.
///
/// A view is cheap to copy; what its methods return lives as long as the call of
/// [`Scheduler::plan`](super::Scheduler::plan). Every method takes constant time unless it says
/// otherwise. Methods that take a job expect one that has arrived.
///
/// Everything that happened at [`View::now`] and before has been taken in: a job that completes at
/// this instant is not live, a job that arrives at this instant is. GPUs are those of the last
/// plan, less the ones of completed jobs.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub(crate) now: SimTime,
    pub(crate) workload: &'a Workload,
    pub(crate) states: &'a [JobState],
    pub(crate) observed: &'a [Vec<Observation>],
    /// Where the present observations come from.
    pub(crate) truth: &'a dyn SpeedModel,
    pub(crate) live: &'a [JobId],
    pub(crate) arrivals: &'a [JobId],
    pub(crate) ended: &'a [JobId],
    pub(crate) cluster: &'a Cluster,
    pub(crate) speeds: &'a dyn SpeedModel,
    pub(crate) overhead: &'a dyn Overhead,
}

impl<'a> View<'a> {
    /// Returns the time of the plan, on the trace's clock. It never goes back.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// Returns the number of GPUs in the cluster, held or free. It is the same in every call.
    pub fn capacity(&self) -> Gpus {
        self.cluster.gpus()
    }

    /// Returns the cluster's nodes. They are the same in every call.
    pub fn nodes(&self) -> &'a Shape {
        self.cluster.shape()
    }

    /// Returns the jobs that have arrived since the last plan, in the order of their submission; at
    /// equal times by id, which is the order of the trace. Every live job is among the arrivals of
    /// exactly one view. A job that needs more GPUs than the cluster has is declined by the
    /// simulation and is in no view.
    pub fn arrivals(&self) -> &'a [JobId] {
        self.arrivals
    }

    /// Returns the jobs that have completed since the last plan, in the order of their completion;
    /// at equal times by id. Jobs that were declined are not among them.
    pub fn completions(&self) -> &'a [JobId] {
        self.ended
    }

    /// Returns the jobs that have arrived and neither completed nor been declined, ascending by id.
    pub fn live(&self) -> &'a [JobId] {
        self.live
    }

    /// Returns whether a job is live.
    pub fn is_live(&self, id: JobId) -> bool {
        self.state(id).phase == Phase::Live
    }

    /// Returns what a job's user submitted.
    pub fn job(&self, id: JobId) -> &'a JobSpec {
        self.workload.job(id)
    }

    /// Returns whether a job has been admitted, by [`Plan::admit`](super::Plan::admit) or, where
    /// grants admit, by its first grant.
    pub fn admitted(&self, id: JobId) -> bool {
        self.state(id).admitted
    }

    /// Returns the GPUs that a job holds now; none between its turns in a rotation.
    pub fn gpus(&self, id: JobId) -> Gpus {
        self.state(id).gpus_at(self.now)
    }

    /// Returns the GPUs that a job holds, alone or with the other jobs of its rotation, whichever
    /// job's turn it is; `None` if it holds none.
    pub fn holds(&self, id: JobId) -> Option<&'a NodeSet> {
        self.cluster.holding(self.state(id).holder?)
    }

    /// Returns the GPU-time that a job has held so far, restart overheads included.
    pub fn attained(&self, id: JobId) -> GpuTime {
        self.state(id).usage_at(self.now).gpu_time
    }

    /// Returns how much of the present restart overhead of a job is left; zero while it works or
    /// holds no GPUs.
    pub fn restart_left(&self, id: JobId) -> SimDuration {
        self.state(id).progress.restart_left(self.now)
    }

    /// Returns the global batch size that a job runs at, or ran at last; before it has run, the one
    /// that its user submitted.
    pub fn batch(&self, id: JobId) -> u32 {
        match self.state(id).batch {
            0 => self.job(id).batch_size,
            batch => batch,
        }
    }

    /// Returns the batch sizes that may be chosen for a job, as its user declares them; `None` for
    /// a job that keeps the one that was submitted.
    pub fn batch_limits(&self, id: JobId) -> Option<&'a BatchLimits> {
        self.speeds.batch_limits(self.job(id))
    }

    /// Returns what has been seen of a job so far: the latest observation of each configuration, in
    /// the order in which the job left them, the present one last. Takes time linear in the number
    /// of configurations.
    pub fn observed(&self, id: JobId) -> impl Iterator<Item = Observation> + 'a {
        let present = Observation::of(self.truth, self.job(id), self.state(id), self.now);
        let past = self.observed[id.index()].iter().copied();
        let is_past = move |seen: &Observation| present.is_none_or(|now| now.setting != seen.setting);
        past.filter(is_past).chain(present)
    }

    /// Returns the iterations that a job still has to do, out of those that its user declared.
    pub fn declared_left(&self, id: JobId) -> Iterations {
        self.job(id).iterations - self.state(id).progress.done(self.now)
    }

    /// Returns the GPU counts worth giving to a job, ascending: the believed speed at each is above
    /// that at every smaller one. There is at least one. Large ones may exceed the cluster; the
    /// smallest of a live job does not, unless the policy uses the requested size.
    pub fn sizes(&self, id: JobId) -> &'a [Gpus] {
        self.speeds.sizes(self.job(id))
    }

    /// Returns the believed speed of a job on `gpus` GPUs, in iterations per second, on as few
    /// nodes as hold so many GPUs, at the batch size that its user submitted and after the work
    /// that it has done. `None` where no speed is known. Every count of [`View::sizes`] has one; so
    /// has the requested count, if the entry says that the policy uses it.
    pub fn rate(&self, id: JobId, gpus: Gpus) -> Option<Rate> {
        let job = self.job(id);
        let setting = Configuration { nodes: self.nodes().fewest_nodes(gpus), gpus, batch: job.batch_size };
        self.speeds.rate(job, self.state(id).progress.done(self.now), &setting)
    }

    /// Returns an upper bound of the restart overhead of a change to `gpus` GPUs, whatever the job
    /// holds and wherever it goes.
    pub fn restart_overhead(&self, id: JobId, gpus: Gpus) -> SimDuration {
        self.overhead.bound(self.job(id), gpus)
    }

    /// Returns the overhead at the beginning of each turn of a job in a rotation on `gpus` GPUs,
    /// the first excepted.
    pub fn turn(&self, id: JobId, gpus: Gpus) -> SimDuration {
        self.overhead.turn(self.job(id), gpus)
    }

    fn state(&self, id: JobId) -> &'a JobState {
        &self.states[id.index()]
    }
}
