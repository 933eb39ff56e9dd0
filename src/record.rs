//! What happened, for whoever wants to write it down.
//!
//! The simulation tells its [`Observer`] of every event; the observers in the files below turn that
//! into rows. Each writes to a writer it is given and opens no file.

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
#[derive(Clone, Copy)]
pub enum Happened<'a> {
    /// A job was submitted.
    Arrived {
        /// Which.
        job: JobId,
    },
    /// A job was taken on.
    Admitted {
        /// Which.
        job: JobId,
        /// The end it was promised.
        promise: Option<SimTime>,
    },
    /// A job was turned away.
    Declined {
        /// Which.
        job: JobId,
        /// Why.
        reason: &'a dyn Display,
    },
    /// A job's GPUs changed while it lives.
    Allocated {
        /// Which.
        job: JobId,
        /// How.
        change: Change,
        /// What it holds now; empty after a preemption.
        nodes: &'a NodeSet,
        /// At which global batch size it runs, or ran.
        batch: u32,
        /// How long it stands still, in a rotation at each turn but perhaps the first.
        restart: SimDuration,
        /// Its turns, if it shares its GPUs.
        turns: Option<Turns>,
    },
    /// A job's last iteration was done, and its GPUs became free, or its turns in a rotation idle.
    Ended {
        /// Which.
        job: JobId,
        /// At which global batch size it ran.
        batch: u32,
    },
    /// A plan was carried out.
    Planned(Snapshot),
}

/// How a job's GPUs change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// From none to some, for the first time.
    Start,
    /// From none to some, again.
    Resume,
    /// From some to another count.
    Rescale,
    /// The same count on other nodes.
    Migrate,
    /// To turns in a rotation, whatever it had before.
    Rotate,
    /// The same GPUs at another batch size.
    Batch,
    /// From some to none.
    Preempt,
}

impl Change {
    /// The word for it in files.
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
    /// Whether the plan changed anything.
    pub changed: bool,
    /// GPUs held.
    pub gpus_busy: Gpus,
    /// GPUs there are.
    pub gpus_total: Gpus,
    /// Jobs that hold GPUs; a rotation counts once.
    pub jobs_running: u32,
    /// Live jobs that hold none.
    pub jobs_waiting: u32,
    /// Jobs admitted so far.
    pub jobs_admitted: u32,
    /// Jobs declined so far.
    pub jobs_declined: u32,
    /// Jobs done so far.
    pub jobs_completed: u32,
    /// Σ over running jobs of rate(g) ÷ rate(1), ÷ all GPUs.
    pub cluster_efficiency: f64,
}

/// Someone who is told what happens.
pub trait Observer {
    /// Called in the order of events.
    ///
    /// # Errors
    ///
    /// If it cannot be written down; the run stops.
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()>;
}

/// Writes nothing down.
impl Observer for () {
    fn observe(&mut self, _: SimTime, _: &Workload, _: &Happened<'_>) -> io::Result<()> {
        Ok(())
    }
}

/// Whoever is lent.
impl<O: Observer + ?Sized> Observer for &mut O {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()> {
        (**self).observe(at, jobs, what)
    }
}

/// Tells each in turn.
impl Observer for Vec<Box<dyn Observer + '_>> {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()> {
        self.iter_mut().try_for_each(|observer| observer.observe(at, jobs, what))
    }
}
