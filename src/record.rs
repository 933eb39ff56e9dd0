//! Observers: what happens in a simulation, as rows and lines.
//!
//! The simulation tells its [`Observer`] of everything that happens; the observers in the files
//! below turn that into rows. Each writes to any writer that it is given and opens no file: which
//! files there are, and that they appear whole or not at all, is for [`report`](crate::report).
//! [`jobs`] is no observer: its rows are made at the end of a run from the state of the jobs.

pub mod allocations;
pub mod events;
pub mod jobs;
pub mod timeline;
pub mod trace_events;

use std::fmt::Display;
use std::io;

use crate::cluster::NodeSet;
use crate::job::JobId;
use crate::progress::Turns;
use crate::units::{Gpus, SimDuration, SimTime};
use crate::workload::Workload;

/// One thing that happened.
///
/// Of each job, `Arrived` comes first; after `Declined` or `Ended` nothing more comes.
#[derive(Clone, Copy)]
pub enum Happened<'a> {
    /// A job was submitted.
    Arrived {
        /// The job.
        job: JobId,
    },
    /// A job was admitted.
    Admitted {
        /// The job.
        job: JobId,
        /// The end that the scheduler promises, if it promises any.
        promise: Option<SimTime>,
    },
    /// A job was declined.
    Declined {
        /// The job.
        job: JobId,
        /// Why, in words.
        reason: &'a dyn Display,
    },
    /// The GPUs of a live job, or its batch size, changed.
    Allocated {
        /// The job.
        job: JobId,
        /// What changed.
        change: Change,
        /// The GPUs that the job holds from now on; empty after a preemption. Each member of a
        /// rotation holds all GPUs that the members share.
        nodes: &'a NodeSet,
        /// The global batch size at which it runs, or ran until the preemption.
        batch: u32,
        /// How long the job makes no progress because of the change. In a rotation, every turn
        /// costs that, except perhaps the first.
        restart: SimDuration,
        /// Its turns, if it is a member of a rotation.
        turns: Option<Turns>,
    },
    /// A job completed its last iteration. Its GPUs are free; in a rotation, its turns stay idle
    /// until the next plan.
    Ended {
        /// The job.
        job: JobId,
        /// The global batch size at which it ran.
        batch: u32,
    },
    /// A plan was carried out. Comes after everything that the plan did, once for every scheduling
    /// pass.
    Planned(Snapshot),
}

/// How the GPUs of a job change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// From none to some, for the first time.
    Start,
    /// From none to some, again.
    Resume,
    /// From some to another number of them.
    Rescale,
    /// To the same number on other nodes.
    Migrate,
    /// To turns in a rotation, whatever the job held before.
    Rotate,
    /// The same GPUs, at another batch size.
    Batch,
    /// From some to none.
    Preempt,
}

impl Change {
    /// Returns the word for the change in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Change::Start => "start",
            Change::Resume => "resume",
            Change::Rescale => "rescale",
            Change::Migrate => "migrate",
            Change::Rotate => "rotate",
            Change::Batch => "batch",
            Change::Preempt => "preempt",
        }
    }
}

/// The cluster after a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Snapshot {
    /// Whether the plan changed the GPUs of any job.
    pub changed: bool,
    /// GPUs that jobs hold.
    pub gpus_busy: Gpus,
    /// GPUs of the cluster.
    pub gpus_total: Gpus,
    /// Jobs that hold GPUs; a rotation counts as one job.
    pub jobs_running: u32,
    /// Live jobs that hold none; of a rotation, all but one.
    pub jobs_waiting: u32,
    /// Jobs admitted so far.
    pub jobs_admitted: u32,
    /// Jobs declined so far.
    pub jobs_declined: u32,
    /// Jobs completed so far.
    pub jobs_completed: u32,
    /// Σ over running jobs of rate(g) ÷ rate(1), ÷ GPUs of the cluster.
    pub cluster_efficiency: f64,
}

/// Receives everything that happens in a simulation, in order.
///
/// Times never go back. What happens at one instant comes in the order in which the simulation
/// does it: completions before arrivals, and both before what the plan of that instant changes,
/// which ends with [`Happened::Planned`]. An observer cannot influence the simulation.
pub trait Observer {
    /// Receives that `what` happened at the instant `at`; `jobs` has the jobs by their ids.
    ///
    /// Called for every event and every plan, so the cost counts: a run of a thousand jobs makes
    /// several thousand calls.
    ///
    /// # Errors
    ///
    /// If the event cannot be written down. The simulation stops and returns the error.
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()>;
}

/// Ignores everything.
impl Observer for () {
    fn observe(&mut self, _: SimTime, _: &Workload, _: &Happened<'_>) -> io::Result<()> {
        Ok(())
    }
}

/// Passes everything on to the observer behind the reference.
impl<O: Observer + ?Sized> Observer for &mut O {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()> {
        (**self).observe(at, jobs, what)
    }
}

/// Passes everything on to each observer in turn, up to the first error.
impl Observer for Vec<Box<dyn Observer + '_>> {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()> {
        self.iter_mut().try_for_each(|observer| observer.observe(at, jobs, what))
    }
}
