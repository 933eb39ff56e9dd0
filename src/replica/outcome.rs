//! The outcome of a run of the artifact: its finished jobs, its counts, its rounds.

use crate::job::JobId;

/// A time that is never reached, as the artifact writes it. Jobs under Themis have it as their
/// start (Q24).
pub const NEVER: i64 = i64::MAX;

/// A finished job, as the artifact writes it. Times are in seconds of the trace's clock.
#[derive(Clone, Copy, Debug)]
pub struct FinishedJob {
    /// The job.
    pub job: JobId,
    /// The GPUs that the job held last; can be 0.
    pub num_gpu: u32,
    /// When the job first held GPUs; [`NEVER`] under Themis.
    pub start: i64,
    /// When the job ended, with overheads and the rest of the slot.
    pub end: i64,
    /// The end of the job's last plan, without overheads and the rest of the slot. Only the two
    /// schedules of ElasticFlow plan one.
    pub real_end: Option<i64>,
    /// Seconds from the submission to the first GPUs.
    pub pending: i64,
    /// Number of preemptions. Only Tiresias counts them.
    pub preempt: u32,
    /// The time of the round in which the artifact notices the end.
    pub time: i64,
    /// The GPUs and seconds that the job held.
    pub(super) account: GpuAccount,
}

/// The GPUs and seconds that a job held, for statistics. The artifact itself keeps none of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct GpuAccount {
    /// GPUs held in the latest round.
    pub(super) gpus: i64,
    /// Seconds with GPUs.
    pub(super) held: i64,
    /// GPU-seconds.
    pub(super) gpu_seconds: i64,
    /// Seconds of restart overhead among those with GPUs.
    pub(super) restarting: i64,
    /// GPU-seconds of restart overhead.
    pub(super) restart_gpu_seconds: i64,
    /// Number of changes from a positive number of GPUs to another one.
    pub(super) rescales: u32,
    /// Integral over time of the job's speed divided by its speed on one GPU, in seconds.
    pub(super) speedup: f64,
}

impl GpuAccount {
    /// Adds `seconds` on `gpus` GPUs, of which `restarting` seconds bring no progress.
    pub(super) fn add(&mut self, seconds: i64, restarting: i64, gpus: i64, speedup: f64) {
        self.held += seconds;
        self.restarting += restarting;
        self.gpu_seconds += seconds * gpus;
        self.restart_gpu_seconds += restarting * gpus;
        self.speedup += seconds as f64 * speedup;
    }
}

/// The GPUs of one job in a round: `gpus` of them from `first` on, counted through all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldGpus {
    /// The first GPU.
    pub first: u32,
    /// Number of GPUs.
    pub gpus: u32,
    /// The job that holds them.
    pub job: JobId,
}

/// A round of the artifact, as it writes it: which job holds which GPUs from `time` on.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// When the round begins, in seconds.
    pub time: i64,
    /// The held GPUs, in the order of the nodes.
    pub held: Vec<HeldGpus>,
    /// The sum over running jobs of the speed divided by that on one GPU, divided by all GPUs.
    pub efficiency: f64,
}

/// The outcome of a run of the artifact.
#[derive(Clone, Debug, Default)]
pub struct ReplicaOutcome {
    /// The finished jobs, in the order in which the artifact notices their ends.
    pub finished: Vec<FinishedJob>,
    /// The artifact's count of deadline jobs that started and were not late by the schedule's own
    /// measure.
    pub accepted: i64,
    /// The artifact's count of jobs that were declined or late.
    pub declined: i64,
    /// Number of rounds.
    pub rounds: u64,
    /// The jobs that were declined on arrival, in the order of the decisions.
    pub declined_jobs: Vec<JobId>,
    /// The rounds, in order; empty unless the input asks for them.
    pub log: Vec<Round>,
}
