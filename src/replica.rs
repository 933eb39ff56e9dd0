//! The published ElasticFlow artifact in its simulation mode, re-enacted to the second and to the
//! job.
//!
//! An engine of its own: it shares jobs, profiles and the shape of a cluster with the rest of the
//! program and nothing else, and nothing here is ever improved. What the artifact does through a
//! quirk is a function or a constant of its own, whose doc cites the quirk's number (Q1 to Q48);
//! those that change the headlines can be switched off one by one ([`Quirk`]). Inputs on which the
//! artifact crashes or never ends are [`Refused`] by name.

mod edf;
mod elasticflow;
mod events;
pub mod files;
mod gandiva;
mod gangs;
mod greedy;
mod job;
mod overhead;
mod placement;
mod planner;
mod progress;
mod quirk;
mod rows;
mod themis;
mod timeline;
mod tiresias;
mod world;

use crate::cluster::Shape;
use crate::job::JobId;
use crate::profile::ThroughputTable;
use crate::units::Gpus;
use crate::workload::Workload;

use gangs::Scene;
use job::Account;
use planner::Grid;
pub use quirk::{ALL as ACCIDENTS, NoSwitch, Quirk, Quirks};
use world::World;

/// The longest slot, in seconds; beyond all times.
const SLOT_LIMIT: i64 = 10_000_000_000;

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

    /// The schedule that the artifact has under this name.
    pub fn named(name: &str) -> Option<Schedule> {
        Schedule::ALL.into_iter().find(|schedule| schedule.as_str() == name)
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
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Which job.
    pub job: JobId,
    /// The GPUs that it held last; can be 0.
    pub num_gpu: u32,
    /// When it first held GPUs.
    pub start: i64,
    /// When it ended, overheads and slot included.
    pub end: i64,
    /// The end that was planned last, of which overheads and the rest of the slot are no part; only
    /// ElasticFlow's two schedules plan one.
    pub real_end: Option<i64>,
    /// How long it waited for its first GPUs.
    pub pending: i64,
    /// How often it was preempted; these schedules preempt without counting.
    pub preempt: u32,
    /// The round in which its end was noticed.
    pub time: i64,
    /// What it held, for statistics.
    account: Account,
}

/// GPUs of one job in a round: `gpus` from the `first` on, counted through all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The first GPU.
    pub first: u32,
    /// How many.
    pub gpus: u32,
    /// Whose.
    pub job: JobId,
}

/// A scheduling round, as the artifact writes it down.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// When, in seconds.
    pub time: i64,
    /// Who is on which GPUs from then on, in the order of the nodes.
    pub held: Vec<Held>,
    /// The speeds of the running jobs over those of one GPU each, summed, over all GPUs.
    pub efficiency: f64,
}

/// What a run of the artifact leaves behind.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// The finished jobs in the order in which their ends were noticed.
    pub rows: Vec<Row>,
    /// The artifact's count of deadline jobs that started and were not late by the schedule's own
    /// measure.
    pub accepted: i64,
    /// Its count of jobs that were refused or late.
    pub declined: i64,
    /// How many scheduling rounds there were.
    pub rounds: u64,
    /// The jobs that were refused on arrival.
    pub refused: Vec<JobId>,
    /// The rounds, where they were asked for.
    pub log: Vec<Round>,
}

/// What the artifact is given.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The jobs.
    pub workload: &'a Workload,
    /// Their speeds.
    pub table: &'a ThroughputTable,
    /// Which table of peaks goes with the speeds.
    pub gpu: GpuTable,
    /// The nodes.
    pub cluster: &'a Shape,
    /// The artifact's `--scheduling_slot`, in seconds.
    pub slot: u64,
    /// What happens through a quirk.
    pub quirks: Quirks,
    /// Whether the rounds are written down.
    pub rounds: bool,
}

/// Why the artifact cannot be followed: it would crash, never end, or read the input as something
/// else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There is no first event.
    #[error("the trace has no job; the artifact crashes on it")]
    NoJobs,
    /// A time or an amount of work that is not a whole number.
    #[error("job `{job}`: its times or iterations are not whole numbers; the artifact reads nothing else")]
    NotWhole {
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
    /// A job is to run on GPUs for which the profiles have no speed: the artifact ends with an
    /// error there (Q17).
    #[error(
        "job `{job}`: it would run on {gpus} GPUs, for which the profiles have no speed; the artifact crashes"
    )]
    NoSpeed {
        /// The trace's own id.
        job: String,
        /// On how many GPUs.
        gpus: i64,
    },
    /// A job with nothing to do.
    #[error("job `{job}` has no iterations; this schedule of the artifact divides by them")]
    NoWork {
        /// The trace's own id.
        job: String,
    },
    /// The trace does not say how long a job takes.
    #[error("job `{job}` has no duration; this schedule of the artifact needs the column")]
    NoDuration {
        /// The trace's own id.
        job: String,
    },
    /// A gang that waits for ever (Q35).
    #[error("job `{job}` asks for {gpus} GPUs, more than there are; the artifact waits for it for ever")]
    TooLarge {
        /// The trace's own id.
        job: String,
        /// How many it asks for.
        gpus: Gpus,
    },
    /// Nodes of several sizes, or of one on which gangs that fit in total may not fit together.
    #[error(
        "the cluster is {0}; the artifact needs nodes of one size, which for fixed gangs is a power of two"
    )]
    Nodes(String),
    /// A slot of no length, or beyond all times.
    #[error(
        "the slot is not a whole number of seconds from 1 to 10000000000; the artifact counts in seconds"
    )]
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
}

impl Input<'_> {
    /// What the cluster and its slots come to.
    fn grid(&self) -> Result<Grid, Refused> {
        let slot = i64::try_from(self.slot).ok().filter(|slot| (1..=SLOT_LIMIT).contains(slot));
        Ok(Grid {
            gpus: i64::from(self.cluster.gpus().get()),
            slot: slot.ok_or(Refused::Slot)?,
            quirks: self.quirks,
        })
    }
}

/// Runs a schedule of the artifact.
///
/// # Errors
///
/// If the artifact would crash on this input, never end, or take it for something else.
pub fn replay(input: &Input<'_>, schedule: Schedule) -> Result<Replayed, Refused> {
    let follow = |schedule: fn(&mut World) -> Result<(), Refused>, elastic: bool| {
        let mut world = World::new(input, elastic)?;
        schedule(&mut world)?;
        Ok(world.replayed)
    };
    match schedule {
        Schedule::Edf => follow(edf::edf, false),
        Schedule::EdfAccessCtrl => follow(edf::edf_accessctrl, false),
        Schedule::Ef => follow(elasticflow::ef, true),
        Schedule::EfAccessCtrl => follow(elasticflow::ef_accessctrl, true),
        Schedule::DlasGpu => tiresias::replay(&Scene::new(input)?),
        Schedule::Gandiva => gandiva::replay(&Scene::new(input)?),
        Schedule::Themis => themis::replay(&Scene::new(input)?),
    }
}

#[cfg(test)]
mod tests;
