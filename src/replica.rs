//! The published ElasticFlow artifact in its simulation mode, re-enacted to the second and to the job.
//!
//! An engine of its own: it shares jobs, profiles and the shape of a cluster with the rest of the program and nothing
//! else, and nothing here is ever improved. What the artifact does by accident is a function or a constant of its own,
//! whose doc cites the accident's number (Q1 to Q46). Inputs on which the artifact crashes or never ends are
//! [`Refused`] by name.

mod edf;
mod elasticflow;
mod events;
mod gandiva;
mod gangs;
mod greedy;
mod job;
mod overhead;
mod placement;
mod planner;
mod progress;
mod rounds;
pub mod themis;
mod timeline;
pub mod tiresias;
mod world;

use crate::cluster::Shape;
use crate::job::JobId;
use crate::profile::ThroughputTable;
use crate::units::SimDuration;
use crate::workload::Workload;

pub use gangs::Refusal;
use world::World;

/// The longest slot, in seconds; beyond all times.
const SLOT_LIMIT: u64 = 10_000_000_000;

/// An instant that never comes, as the artifact writes it; Themis' jobs start at it (Q24).
pub const NEVER: i64 = i64::MAX;

/// A schedule of the artifact, under its own name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// `edf`: earliest deadline first, nobody is refused.
    Edf,
    /// `edf-accessctrl`: earliest deadline first, arrivals judged one by one.
    EdfAccessCtrl,
    /// `ef`: ElasticFlow without admission control.
    Ef,
    /// `ef-accessctrl`: ElasticFlow.
    EfAccessCtrl,
    /// `dlas-gpu`: Tiresias.
    DlasGpu,
    /// `gandiva`.
    Gandiva,
    /// `themis`.
    Themis,
}

impl Schedule {
    /// Every schedule that is re-enacted.
    pub const ALL: [Schedule; 7] = [
        Schedule::Edf,
        Schedule::EdfAccessCtrl,
        Schedule::Ef,
        Schedule::EfAccessCtrl,
        Schedule::DlasGpu,
        Schedule::Gandiva,
        Schedule::Themis,
    ];

    /// What the artifact calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Schedule::Edf => "edf",
            Schedule::EdfAccessCtrl => "edf-accessctrl",
            Schedule::Ef => "ef",
            Schedule::EfAccessCtrl => "ef-accessctrl",
            Schedule::DlasGpu => "dlas-gpu",
            Schedule::Gandiva => "gandiva",
            Schedule::Themis => "themis",
        }
    }

    /// Whether jobs get no more GPUs than the artifact's table of peaks says.
    fn is_elastic(self) -> bool {
        matches!(self, Schedule::Ef | Schedule::EfAccessCtrl)
    }
}

/// Which of the artifact's two tables says how many GPUs a job may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GpuTable {
    /// The table for A100 profiles.
    A100,
    /// The table for every other GPU type.
    T4,
}

/// A finished job, as the artifact writes it down. Times are seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which job.
    pub job: JobId,
    /// The GPUs that it held last; can be 0.
    pub num_gpu: u32,
    /// When it first held GPUs.
    pub start: i64,
    /// When it ended, overheads and slot included.
    pub end: i64,
    /// How long it waited for its first GPUs.
    pub pending: i64,
    /// How often it was preempted; these schedules preempt without counting.
    pub preempt: u32,
    /// The round in which its end was noticed.
    pub time: i64,
}

/// What a run of the artifact leaves behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The finished jobs in the order in which their ends were noticed.
    pub rows: Vec<Row>,
    /// The artifact's count of deadline jobs that started and were not late by the schedule's own measure.
    pub accepted: i64,
    /// Its count of jobs that were refused or late.
    pub declined: i64,
    /// How many scheduling rounds there were.
    pub rounds: u64,
}

/// Why the artifact cannot be followed: it would crash, or read the input as something else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A time that is not a whole number of seconds.
    #[error("job `{job}`: its times are not whole seconds; the artifact reads nothing else")]
    FractionOfASecond {
        /// The trace's own id.
        job: String,
    },
    /// A job that the profiles do not know.
    #[error("job `{job}`: {what}")]
    NoCurve {
        /// The trace's own id.
        job: String,
        /// What is missing and what there is.
        what: String,
    },
    /// A job is to run on GPUs for which the profiles have no speed: the artifact ends with an error there (Q17).
    #[error(
        "job `{job}`: it would run on {gpus} GPUs, for which the profiles have no speed; the artifact crashes"
    )]
    NoSpeed {
        /// The trace's own id.
        job: String,
        /// On how many GPUs.
        gpus: i64,
    },
    /// Nodes of several sizes.
    #[error("the cluster's nodes differ in size; the artifact's are alike")]
    UnequalNodes,
    /// A slot of no length, or beyond all times.
    #[error("a slot lasts between 1 and 10000000000 s")]
    Slot,
    /// A job cannot be placed, or a set of nodes is not where the artifact looks for it (Q27).
    #[error("job `{job}`: the artifact's placement crashes on it")]
    Placement {
        /// The trace's own id.
        job: String,
    },
    /// A job that holds GPUs made no progress since the last round: an assertion of the artifact.
    #[error("job `{job}`: it held GPUs past its end; the artifact crashes")]
    NoProgress {
        /// The trace's own id.
        job: String,
    },
    /// Jobs wait, and nothing will ever happen (Q16).
    #[error("jobs wait and nothing will ever happen; the artifact crashes")]
    NothingHappens,
    /// What the schedules with fixed gangs cannot be given.
    #[error(transparent)]
    Gangs(#[from] Refusal),
}

/// Runs the artifact's `schedule` on a trace with its `--scheduling_slot` in seconds.
///
/// # Errors
///
/// If the artifact would crash on this input, or take it for something else.
pub fn replay(
    workload: &Workload,
    table: &ThroughputTable,
    cluster: &Shape,
    slot: u64,
    schedule: Schedule,
    gpu: GpuTable,
) -> Result<Replayed, Refused> {
    let elastic = || {
        let jobs = job::jobs(workload, table, schedule.is_elastic(), gpu)?;
        World::new(jobs, workload, cluster, slot)
    };
    let follow = |schedule: fn(&mut World) -> Result<(), Refused>| {
        let mut world = elastic()?;
        schedule(&mut world)?;
        Ok(world.replayed)
    };
    let seconds = SimDuration::from_secs(slot.min(SLOT_LIMIT));
    match schedule {
        Schedule::Edf => follow(edf::edf),
        Schedule::EdfAccessCtrl => follow(edf::edf_accessctrl),
        Schedule::Ef => follow(elasticflow::ef),
        Schedule::EfAccessCtrl => follow(elasticflow::ef_accessctrl),
        Schedule::DlasGpu => Ok(tiresias::replay(workload, table, cluster, seconds)?),
        Schedule::Gandiva => Ok(gandiva::replay(workload, table, cluster, seconds)?),
        Schedule::Themis => Ok(themis::replay(workload, table, cluster, seconds)?),
    }
}

#[cfg(test)]
mod tests;
