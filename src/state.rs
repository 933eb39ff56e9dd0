//! What changes about a job while the simulation runs.

use crate::job::JobId;
use crate::progress::Progress;
use crate::units::{GpuTime, Gpus, SimDuration, SimTime};

/// Where a job is between its submission and its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Not submitted yet.
    #[default]
    Coming,
    /// Submitted, and neither ended nor turned away.
    Live,
    /// Turned away.
    Declined,
    /// All its iterations are done.
    Done,
}

/// What a job has used, and how often it was disturbed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Time holding GPUs, pauses included.
    pub run_time: SimDuration,
    /// Time holding GPUs and standing still.
    pub overhead_time: SimDuration,
    /// GPUs held over time.
    pub gpu_time: GpuTime,
    /// GPUs held over time, pauses left out.
    pub productive: GpuTime,
    /// Changes from a positive count of GPUs to another.
    pub rescales: u32,
    /// Changes to no GPUs before the end.
    pub preemptions: u32,
    /// Changes of nodes at the same count.
    pub migrations: u32,
}

/// The changing half of a job.
#[derive(Clone, Copy, Debug, Default)]
pub struct JobState {
    /// Where it is.
    pub phase: Phase,
    /// Whether the scheduler has taken it on.
    pub admitted: bool,
    /// Whether it may have GPUs without that.
    pub unadmitted: bool,
    /// The end first promised.
    pub promised: Option<SimTime>,
    /// The GPUs it holds, in a rotation when it is its turn.
    pub gpus: Gpus,
    /// Over how many nodes they are spread.
    pub nodes: u32,
    /// The global batch size that it runs at, or ran at last; 0 before it has run.
    pub batch: u32,
    /// How many times as fast it is on these GPUs as on one.
    pub relative: f64,
    /// Under whose name the cluster holds them: its own, or the first of its rotation.
    pub holder: Option<JobId>,
    /// When it first has GPUs where it is now: in a rotation that may be to come.
    pub there_from: SimTime,
    /// Work done.
    pub progress: Progress,
    /// When it first held GPUs, as far as that was before the last change.
    pub start: Option<SimTime>,
    /// When its last iteration was done.
    pub end: Option<SimTime>,
    /// What it has used up to the last change.
    pub account: Account,
}

impl JobState {
    /// What it has used up to `now`.
    pub fn account_at(&self, now: SimTime) -> Account {
        let mut account = self.account;
        if !self.gpus.is_zero() {
            let held = self.progress.held(now);
            let restarting = self.progress.restarting(now);
            account.run_time += held;
            account.overhead_time += restarting;
            account.gpu_time += self.gpus * held;
            account.productive += self.gpus * held.saturating_sub(restarting);
        }
        account
    }

    /// The GPUs that it has at `now`: none between its turns in a rotation.
    pub fn gpus_at(&self, now: SimTime) -> Gpus {
        if self.progress.on_turn(now) { self.gpus } else { Gpus::ZERO }
    }

    /// When it first had GPUs, if it had any by `now`.
    pub fn start_at(&self, now: SimTime) -> Option<SimTime> {
        let had_some = !self.gpus.is_zero() && now >= self.progress.first();
        self.start.or(had_some.then(|| self.progress.first()))
    }
}
