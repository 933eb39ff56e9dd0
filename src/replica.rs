//! The published artifact in simulation mode, re-enacted: to the second and to the job, accidents included.
//!
//! Nothing here is ElasticFlow as this project understands it; it is what the artifact's program does. Every accident is a
//! named function or constant whose documentation cites its number (Q1 to Q46) in the behavioural description. An island:
//! it reads workloads, profiles and cluster shapes, and nothing else of the program.

pub mod gandiva;
pub mod gangs;
mod rounds;
pub mod themis;
pub mod tiresias;

use crate::job::JobId;
use crate::units::Gpus;

/// An instant that never comes, as the artifact writes it; Themis' jobs start at it (Q24).
pub const NEVER: i64 = i64::MAX;

/// A finished job, as the artifact writes it down. Times in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Whose row it is.
    pub job: JobId,
    /// The GPUs it held at the end.
    pub num_gpu: Gpus,
    /// When it first started.
    pub start: i64,
    /// When it was done.
    pub end: i64,
    /// How long it waited.
    pub pending: i64,
    /// How often it was preempted.
    pub preempt: u32,
    /// When its completion was processed or, for some schedules, `end` once more.
    pub time: i64,
}

/// What the artifact makes of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// The finished jobs in the order in which it finds them finished.
    pub rows: Vec<Row>,
    /// Its count of jobs in time.
    pub accepted: i64,
    /// Its count of jobs refused or late.
    pub declined: i64,
}
