//! What a scheduler returns.

use std::fmt;

use crate::cluster::NodeSet;
use crate::job::JobId;
use crate::units::{Gpus, SimDuration, SimTime};

/// The whole of what a scheduler wants from now on.
///
/// A plan is total: a live job that it grants nothing holds nothing from now on, and a job that is
/// to keep its GPUs is granted them again. The order in which a plan is put together does not
/// matter.
///
/// Nothing is checked while a plan is put together. The simulation checks it whole; a plan that
/// breaks a rule ends the run with a [`PlanFault`](crate::sim::PlanFault).
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

/// GPUs for one job, or for several jobs that take turns on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The job that gets them, or the one whose turn is first.
    pub job: JobId,
    /// The other jobs of the rotation, in the order of their turns; none for one job alone.
    pub others: Vec<JobId>,
    /// How many GPUs; at least one.
    pub gpus: Gpus,
    /// Which GPUs; `None` leaves it to the placer. If set, they are `gpus` in all.
    pub on: Option<NodeSet>,
    /// How long a turn is; has no meaning for one job alone.
    pub quantum: SimDuration,
    /// The global batch size; `None` for the one that the job's user submitted.
    pub batch: Option<u32>,
}

impl Grant {
    /// Returns all jobs of the grant, in the order of their turns.
    pub fn jobs(&self) -> impl Iterator<Item = JobId> {
        std::iter::once(self.job).chain(self.others.iter().copied())
    }

    /// Sets the global batch size, for a job that has its GPUs to itself. A new batch size on the
    /// same nodes changes the speed and costs no restart overhead.
    pub fn batch(&mut self, batch: u32) {
        self.batch = Some(batch);
    }
}

/// What an admitted job is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promise {
    /// The completion that the reservations of this scheduling pass give. A later pass may move it,
    /// but not past the deadline.
    pub end: SimTime,
}

/// Why a job is declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No count that the job can run on fits the cluster.
    TooLarge {
        /// The smallest count that it can run on.
        smallest: Gpus,
        /// The GPUs of the cluster.
        cluster: Gpus,
    },
    /// The job could not be in time even if it had the whole cluster from now on.
    Infeasible {
        /// When it would then complete.
        earliest: SimTime,
        /// Its deadline.
        deadline: SimTime,
    },
    /// The job has no deadline, and the scheduler is set to serve no such job.
    BestEffort,
    /// The job could be in time alone, but not beside the jobs that were admitted before it.
    InsufficientCapacity {
        /// The fewest GPUs that are enough if it holds them from now on.
        needed: Gpus,
        /// Its deadline.
        deadline: SimTime,
        /// The most GPUs that admitted jobs leave free at once between now and the deadline.
        most_free: Gpus,
        /// When it would complete on what admitted jobs leave free; `None` if never.
        earliest: Option<SimTime>,
    },
}

impl fmt::Display for Reason {
    /// Writes why, in words that follow the name of the job or "declined:".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Reason::TooLarge { smallest, cluster } => {
                write!(f, "needs at least {}, the cluster has {cluster}", count(smallest))
            }
            Reason::Infeasible { earliest, deadline } => {
                let late = lateness(earliest, deadline);
                write!(f, "with the whole cluster from now on it would complete {late}")
            }
            Reason::BestEffort => {
                f.write_str("is a best-effort job, and this scheduler is set to serve none")
            }
            Reason::InsufficientCapacity { needed, deadline, most_free, earliest } => {
                write!(f, "needs {} from now to its deadline, ", count(needed))?;
                match most_free {
                    Gpus::ZERO => f.write_str("but admitted jobs hold all GPUs until then; ")?,
                    free if free < needed => {
                        write!(f, "but admitted jobs leave at most {} free at once; ", count(free))?;
                    }
                    _ => f.write_str("but admitted jobs leave these free for too short a time; ")?,
                }
                match earliest {
                    Some(end) => {
                        write!(f, "on what they leave it would complete {}", lateness(end, deadline))
                    }
                    None => f.write_str("on what they leave it would never complete"),
                }
            }
        }
    }
}

/// Returns a count of GPUs in words: "1 GPU", "8 GPUs".
fn count(gpus: Gpus) -> String {
    format!("{gpus} GPU{}", if gpus == Gpus::ONE { "" } else { "s" })
}

/// Returns in words how far after its deadline a job would complete. A job that would be in time by
/// less than the margin that schedulers keep for rounding is declined, too.
fn lateness(end: SimTime, deadline: SimTime) -> String {
    if end <= deadline {
        let early = deadline.since(end);
        return format!("{early} s before its deadline, too close to it to be promised");
    }
    format!("{} after its deadline", end.since(deadline).rounded())
}

impl Plan {
    /// Returns a plan that grants nothing.
    pub fn new() -> Plan {
        Plan::default()
    }

    /// Gives `gpus` GPUs to a live job from now on. A job that holds this count keeps its nodes
    /// unless the placer moves it.
    pub fn grant(&mut self, job: JobId, gpus: Gpus) -> &mut Grant {
        self.rotate(&[job], gpus, SimDuration::ZERO)
    }

    /// Gives a live job the GPUs in `nodes` from now on. They must be free, or be given up by this
    /// plan.
    pub fn grant_on(&mut self, job: JobId, nodes: NodeSet) -> &mut Grant {
        self.rotate_on(&[job], nodes, SimDuration::ZERO)
    }

    /// Lets live jobs take turns of one quantum on `gpus` GPUs; the first turn begins now. A
    /// rotation with the same jobs, order, GPUs, quantum and nodes as one in force lets that go on;
    /// any other begins anew. For one job this is [`Plan::grant`].
    ///
    /// # Panics
    ///
    /// If `jobs` is empty.
    pub fn rotate(&mut self, jobs: &[JobId], gpus: Gpus, quantum: SimDuration) -> &mut Grant {
        self.push(jobs, gpus, None, quantum)
    }

    /// Lets live jobs take turns as [`Plan::rotate`] does, on the GPUs in `nodes`.
    ///
    /// # Panics
    ///
    /// If `jobs` is empty.
    pub fn rotate_on(&mut self, jobs: &[JobId], nodes: NodeSet, quantum: SimDuration) -> &mut Grant {
        self.push(jobs, nodes.gpus(), Some(nodes), quantum)
    }

    fn push(&mut self, jobs: &[JobId], gpus: Gpus, on: Option<NodeSet>, quantum: SimDuration) -> &mut Grant {
        let (job, others) = jobs.split_first().expect("a grant is for at least one job");
        self.grants.push(Grant { job: *job, others: others.to_vec(), gpus, on, quantum, batch: None });
        self.grants.last_mut().expect("the grant was added just now")
    }

    /// Keeps a job on the nodes that it holds. It must be granted the count that it has.
    pub fn pin(&mut self, job: JobId) {
        self.pins.push(job);
    }

    /// Admits a job, and may promise when it completes. A job is admitted once.
    pub fn admit(&mut self, job: JobId, promise: Option<Promise>) {
        self.admitted.push((job, promise));
    }

    /// Declines a job. It is not live after this plan, and must not have been admitted.
    pub fn decline(&mut self, job: JobId, reason: Reason) {
        self.declined.push((job, reason));
    }

    /// Lets a live job have GPUs from now on, in this and later plans, without admitting it.
    pub fn run_unadmitted(&mut self, job: JobId) {
        self.unadmitted.push(job);
    }

    /// Notes that a solver had no answer for this plan, so that a simpler decision stands in for
    /// it. The run counts such plans.
    pub fn fall_back(&mut self) {
        self.fell_back = true;
    }

    /// Asks to be called at `time`, to the microsecond, whatever the slot is. Of several calls the
    /// earliest counts; the next plan replaces it. `time` must be after the time of the view.
    pub fn wake_at(&mut self, time: SimTime) {
        self.wake = Some(self.wake.map_or(time, |wake| wake.min(time)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_what_stood_in_the_way() {
        let at = SimTime::from_secs;
        let (deadline, needed) = (at(1000), Gpus::ONE);
        let short = |needed, most_free, earliest| Reason::InsufficientCapacity {
            needed,
            deadline,
            most_free,
            earliest,
        };
        let close = SimTime::from_micros(999_999_500);
        let texts = [
            (
                Reason::TooLarge { smallest: Gpus::new(16), cluster: Gpus::new(8) },
                "needs at least 16 GPUs, the cluster has 8",
            ),
            (
                Reason::Infeasible { earliest: at(1060), deadline },
                "with the whole cluster from now on it would complete 60 s after its deadline",
            ),
            (
                Reason::Infeasible { earliest: close, deadline },
                "with the whole cluster from now on it would complete 0.0005 s before its deadline, too close to it to be promised",
            ),
            (
                short(needed, Gpus::ZERO, Some(at(4728))),
                "needs 1 GPU from now to its deadline, but admitted jobs hold all GPUs until then; on what they leave it would complete 62.1 min after its deadline",
            ),
            (
                short(Gpus::new(4), Gpus::ONE, None),
                "needs 4 GPUs from now to its deadline, but admitted jobs leave at most 1 GPU free at once; on what they leave it would never complete",
            ),
            (
                short(Gpus::new(4), Gpus::new(8), Some(at(1001))),
                "needs 4 GPUs from now to its deadline, but admitted jobs leave these free for too short a time; on what they leave it would complete 1 s after its deadline",
            ),
        ];
        for (reason, text) in texts {
            assert_eq!(reason.to_string(), text);
        }
    }
}
