//! What a scheduler sees.

use crate::cluster::{Cluster, NodeSet, Shape};
use crate::job::{JobId, JobSpec};
use crate::overhead::Overhead;
use crate::profile::{BatchLimits, Configuration, Measurement, SpeedModel};
use crate::state::{JobState, Phase};
use crate::units::{GpuTime, Gpus, Iterations, Rate, SimDuration, SimTime};
use crate::workload::Workload;

/// What was seen of a job on one setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation {
    /// What it ran on.
    pub setting: Configuration,
    /// The iterations it had done when it was last seen there.
    pub at: Iterations,
    /// Its speed then.
    pub rate: Rate,
    /// What else was measured then.
    pub measured: Option<Measurement>,
}

impl Observation {
    /// What there is to see of a job now; `None` while it has not worked on its present GPUs.
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
/// Cheap to copy; what its methods return lives as long as the call.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub(crate) now: SimTime,
    pub(crate) workload: &'a Workload,
    pub(crate) states: &'a [JobState],
    pub(crate) observed: &'a [Vec<Observation>],
    /// Where its observations come from.
    pub(crate) truth: &'a dyn SpeedModel,
    pub(crate) live: &'a [JobId],
    pub(crate) arrivals: &'a [JobId],
    pub(crate) ended: &'a [JobId],
    pub(crate) cluster: &'a Cluster,
    pub(crate) speeds: &'a dyn SpeedModel,
    pub(crate) overhead: &'a dyn Overhead,
}

impl<'a> View<'a> {
    /// The time.
    pub fn now(&self) -> SimTime {
        self.now
    }

    /// All GPUs of the cluster.
    pub fn capacity(&self) -> Gpus {
        self.cluster.gpus()
    }

    /// The cluster's nodes.
    pub fn nodes(&self) -> &'a Shape {
        self.cluster.shape()
    }

    /// The jobs that arrived since the last plan, in the order of their arrival.
    pub fn arrivals(&self) -> &'a [JobId] {
        self.arrivals
    }

    /// The jobs that ended since the last plan, in the order of their ends.
    pub fn ended(&self) -> &'a [JobId] {
        self.ended
    }

    /// The jobs that have arrived and neither ended nor been declined, ascending by id.
    pub fn live(&self) -> &'a [JobId] {
        self.live
    }

    /// Whether a job is live.
    pub fn is_live(&self, id: JobId) -> bool {
        self.state(id).phase == Phase::Live
    }

    /// What a job's user said of it.
    pub fn job(&self, id: JobId) -> &'a JobSpec {
        self.workload.job(id)
    }

    /// Whether a job was taken on.
    pub fn admitted(&self, id: JobId) -> bool {
        self.state(id).admitted
    }

    /// The GPUs that a job holds now: none between its turns in a rotation.
    pub fn gpus(&self, id: JobId) -> Gpus {
        self.state(id).gpus_at(self.now)
    }

    /// The GPUs that a job holds, by itself or in a rotation whoever's turn it is.
    pub fn holds(&self, id: JobId) -> Option<&'a NodeSet> {
        self.cluster.holding(self.state(id).holder?)
    }

    /// The GPUs that a job has held over time.
    pub fn attained(&self, id: JobId) -> GpuTime {
        self.state(id).usage_at(self.now).gpu_time
    }

    /// How much longer a job stands still before it goes on.
    pub fn restart_left(&self, id: JobId) -> SimDuration {
        self.state(id).progress.restart_left(self.now)
    }

    /// The global batch size that a job runs at, or ran at last; its own before it has run.
    pub fn batch(&self, id: JobId) -> u32 {
        match self.state(id).batch {
            0 => self.job(id).batch_size,
            batch => batch,
        }
    }

    /// The batch sizes that may be chosen for a job, as its user declares them; `None` for a job
    /// that keeps its own.
    pub fn batch_limits(&self, id: JobId) -> Option<&'a BatchLimits> {
        self.speeds.batch_limits(self.job(id))
    }

    /// What has been seen of a job so far: the latest for each setting, in the order in which they
    /// were left, that in force last.
    pub fn observed(&self, id: JobId) -> impl Iterator<Item = Observation> + 'a {
        let present = Observation::of(self.truth, self.job(id), self.state(id), self.now);
        let past = self.observed[id.index()].iter().copied();
        let is_past = move |seen: &Observation| present.is_none_or(|now| now.setting != seen.setting);
        past.filter(is_past).chain(present)
    }

    /// The iterations that a job still has to do, by what its user declared.
    pub fn declared_left(&self, id: JobId) -> Iterations {
        self.job(id).iterations - self.state(id).progress.done(self.now)
    }

    /// The GPU counts worth giving to a job, ascending, each faster than every smaller one. Never
    /// empty.
    pub fn sizes(&self, id: JobId) -> &'a [Gpus] {
        self.speeds.sizes(self.job(id))
    }

    /// The believed speed of a job on `gpus` GPUs at its own batch size; `None` where none is
    /// known.
    pub fn rate(&self, id: JobId, gpus: Gpus) -> Option<Rate> {
        let job = self.job(id);
        let setting = Configuration { nodes: self.nodes().fewest_nodes(gpus), gpus, batch: job.batch_size };
        self.speeds.rate(job, self.state(id).progress.done(self.now), &setting)
    }

    /// The longest pause that a change to `gpus` GPUs can cost a job, whatever it holds and
    /// wherever it goes.
    pub fn restart_overhead(&self, id: JobId, gpus: Gpus) -> SimDuration {
        self.overhead.bound(self.job(id), gpus)
    }

    /// How long a job stands still when its turn comes in a rotation on `gpus` GPUs.
    pub fn turn(&self, id: JobId, gpus: Gpus) -> SimDuration {
        self.overhead.turn(self.job(id), gpus)
    }

    fn state(&self, id: JobId) -> &'a JobState {
        &self.states[id.index()]
    }
}
