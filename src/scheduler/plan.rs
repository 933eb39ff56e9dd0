//! What a scheduler answers.

use std::fmt;

use crate::cluster::NodeSet;
use crate::job::JobId;
use crate::units::{Gpus, SimDuration, SimTime};

/// The whole of what a scheduler wants from now on.
///
/// A plan is total: a live job that is granted nothing is paused. The order in which it was put
/// together does not matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub(crate) grants: Vec<Grant>,
    pub(crate) pins: Vec<JobId>,
    pub(crate) admitted: Vec<(JobId, Option<Promise>)>,
    pub(crate) declined: Vec<(JobId, Reason)>,
    pub(crate) unadmitted: Vec<JobId>,
    pub(crate) fell_back: bool,
    pub(crate) wake: Option<SimTime>,
}

/// GPUs for a job, or for several that take turns on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who gets them, or whose turn is first.
    pub job: JobId,
    /// Who else takes turns, in their order.
    pub others: Vec<JobId>,
    /// How many.
    pub gpus: Gpus,
    /// Which ones; `None` leaves it to the placer.
    pub on: Option<NodeSet>,
    /// How long a turn is; of no meaning for one job.
    pub quantum: SimDuration,
    /// At which global batch size; `None` for the job's own.
    pub batch: Option<u32>,
}

impl Grant {
    /// Everybody that it is for, in the order of their turns.
    pub fn jobs(&self) -> impl Iterator<Item = JobId> {
        std::iter::once(self.job).chain(self.others.iter().copied())
    }

    /// Sets the global batch size, for a job that has its GPUs to itself. A new one on the same
    /// nodes changes the speed and costs no pause.
    pub fn batch(&mut self, batch: u32) {
        self.batch = Some(batch);
    }
}

/// What an admitted job is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// When it will be done.
    pub end: SimTime,
}

/// Why a job is declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No count that it can run on fits the cluster.
    TooLarge {
        /// The smallest one.
        smallest: Gpus,
        /// The cluster.
        cluster: Gpus,
    },
    /// It could not be in time even with the whole cluster from now on.
    Infeasible {
        /// The earliest end.
        earliest: SimTime,
        /// Its deadline.
        deadline: SimTime,
    },
    /// It has no deadline, and the scheduler is set to serve none of these.
    BestEffort,
    /// It could be in time alone, but not beside what has been promised to others.
    InsufficientCapacity {
        /// The fewest GPUs that are enough if it holds them from now on.
        needed: Gpus,
        /// Its deadline.
        deadline: SimTime,
        /// The most GPUs free at once between now and its deadline.
        most_free: Gpus,
        /// When it would be done with what is free; `None` if never.
        earliest: Option<SimTime>,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::TooLarge { smallest, cluster } => {
                write!(f, "needs at least {smallest} GPUs, the cluster has {cluster}")
            }
            Reason::Infeasible { earliest, deadline } if earliest <= deadline => write!(
                f,
                "with the whole cluster from now on it would end at {earliest} s, too close to its deadline, {deadline} s, \
                 to be promised"
            ),
            Reason::Infeasible { earliest, deadline } => {
                write!(
                    f,
                    "with the whole cluster from now on it would end at {earliest} s, its deadline is {deadline} s"
                )
            }
            Reason::BestEffort => f.write_str("is a best-effort job, and none are served"),
            Reason::InsufficientCapacity { needed, deadline, most_free, earliest } => {
                write!(f, "needs {needed} GPUs until {deadline} s, at most {most_free} are free at once; ")?;
                match earliest {
                    Some(end) => write!(f, "with what is free it would end at {end} s"),
                    None => write!(f, "with what is free it would never end"),
                }
            }
        }
    }
}

impl Plan {
    /// A plan that grants nothing.
    pub fn new() -> Plan {
        Plan::default()
    }

    /// Gives `gpus` GPUs to a live job, from now on.
    pub fn grant(&mut self, job: JobId, gpus: Gpus) -> &mut Grant {
        self.rotate(&[job], gpus, SimDuration::ZERO)
    }

    /// Gives a live job these very GPUs, from now on.
    pub fn grant_on(&mut self, job: JobId, nodes: NodeSet) -> &mut Grant {
        self.rotate_on(&[job], nodes, SimDuration::ZERO)
    }

    /// Lets live jobs take turns of one quantum on `gpus` GPUs, the first from now on; one job
    /// alone has no turns. A rotation with the jobs, order, GPUs, quantum and nodes of one in force
    /// lets that go on; any other starts anew.
    ///
    /// # Panics
    ///
    /// If there is no job.
    pub fn rotate(&mut self, jobs: &[JobId], gpus: Gpus, quantum: SimDuration) -> &mut Grant {
        self.push(jobs, gpus, None, quantum)
    }

    /// As [`Plan::rotate`], on these very GPUs.
    ///
    /// # Panics
    ///
    /// If there is no job.
    pub fn rotate_on(&mut self, jobs: &[JobId], nodes: NodeSet, quantum: SimDuration) -> &mut Grant {
        self.push(jobs, nodes.gpus(), Some(nodes), quantum)
    }

    fn push(&mut self, jobs: &[JobId], gpus: Gpus, on: Option<NodeSet>, quantum: SimDuration) -> &mut Grant {
        let (job, others) = (jobs[0], jobs[1..].to_vec());
        self.grants.push(Grant { job, others, gpus, on, quantum, batch: None });
        let last = self.grants.len() - 1;
        &mut self.grants[last]
    }

    /// Keeps a job on the nodes it holds; it must be granted the count it has.
    pub fn pin(&mut self, job: JobId) {
        self.pins.push(job);
    }

    /// Takes a job on, and may promise it an end.
    pub fn admit(&mut self, job: JobId, promise: Option<Promise>) {
        self.admitted.push((job, promise));
    }

    /// Turns a job away for good.
    pub fn decline(&mut self, job: JobId, reason: Reason) {
        self.declined.push((job, reason));
    }

    /// Lets a live job have GPUs from now on without taking it on.
    pub fn run_unadmitted(&mut self, job: JobId) {
        self.unadmitted.push(job);
    }

    /// Says that a solver had no answer for this plan, so that a simpler one stands in for it.
    pub fn fall_back(&mut self) {
        self.fell_back = true;
    }

    /// Asks to be called at `time` at the latest, to the microsecond. The earliest of several calls
    /// counts; the next plan replaces it.
    pub fn wake_at(&mut self, time: SimTime) {
        self.wake = Some(self.wake.map_or(time, |wake| wake.min(time)));
    }
}
