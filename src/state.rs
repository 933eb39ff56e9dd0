//! What changes about a job while the simulation runs.

use crate::job::JobId;
use crate::progress::Progress;
use crate::units::{GpuTime, Gpus, SimDuration, SimTime};

/// How far a job has come from its submission to its completion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Not submitted so far.
    #[default]
    Coming,
    /// Submitted, and neither completed nor declined.
    Live,
    /// Declined at its arrival or by a plan.
    Declined,
    /// All its iterations are done.
    Done,
}

/// What a job has used, and how often its GPUs changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Time for which the job held GPUs, restart overheads included.
    pub run_time: SimDuration,
    /// The part of it in which the job restarted.
    pub overhead_time: SimDuration,
    /// GPUs held over time.
    pub gpu_time: GpuTime,
    /// GPUs held over time, restart overheads left out.
    pub productive: GpuTime,
    /// Changes from a positive number of GPUs to another.
    pub rescales: u32,
    /// Changes from a positive number of GPUs to none before the completion.
    pub preemptions: u32,
    /// Changes of nodes at the same number of GPUs.
    pub migrations: u32,
}

/// The changing half of a job.
#[derive(Clone, Copy, Debug, Default)]
pub struct JobState {
    /// How far the job has come.
    pub phase: Phase,
    /// Whether the scheduler has admitted it.
    pub admitted: bool,
    /// Whether it may hold GPUs without being admitted.
    pub unadmitted: bool,
    /// The completion that it was promised at its admission.
    pub promised: Option<SimTime>,
    /// The GPUs that it holds; in a rotation those that it has at its turn.
    pub gpus: Gpus,
    /// The number of nodes over which they are spread.
    pub nodes: u32,
    /// The global batch size at which it runs, or ran last, in samples per iteration; 0 before it
    /// has run.
    pub batch: u32,
    /// How many times as fast it is on these GPUs as on one.
    pub relative: f64,
    /// The job under whose name the cluster holds its GPUs: itself, or the first of its rotation;
    /// `None` while it waits.
    pub holder: Option<JobId>,
    /// When it first has GPUs where it is now; for a job that waits for its first turn in a
    /// rotation that lies ahead.
    pub there_from: SimTime,
    /// Its work done, in iterations.
    pub progress: Progress,
    /// When it first held GPUs, if that was before the last change.
    pub start: Option<SimTime>,
    /// When its last iteration was done.
    pub end: Option<SimTime>,
    /// What it has used up to the last change.
    pub usage: Usage,
}

impl JobState {
    /// Returns what the job has used up to `now`, which is not before the last change.
    pub fn usage_at(&self, now: SimTime) -> Usage {
        let mut usage = self.usage;
        if !self.gpus.is_zero() {
            let held = self.progress.held(now);
            let restarting = self.progress.restarting(now);
            usage.run_time += held;
            usage.overhead_time += restarting;
            usage.gpu_time += self.gpus * held;
            usage.productive += self.gpus * (held - restarting);
        }
        usage
    }

    /// Returns the GPUs that the job has at `now`: none between its turns in a rotation.
    pub fn gpus_at(&self, now: SimTime) -> Gpus {
        if self.progress.on_turn(now) { self.gpus } else { Gpus::ZERO }
    }

    /// Returns when the job first had GPUs, if it had any before `now`: a turn that would begin at
    /// the instant at which its rotation is replaced, or the run is cut off, does not begin.
    pub fn start_at(&self, now: SimTime) -> Option<SimTime> {
        let had_some = !self.gpus.is_zero() && self.progress.has_begun(now);
        self.start.or(had_some.then(|| self.progress.first()))
    }
}
