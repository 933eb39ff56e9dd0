//! Why a simulation stops.

use crate::units::{Gpus, SimDuration, SimTime};

/// A simulation that cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The scenario contradicts itself. Found before anything happens.
    #[error("{0}")]
    Scenario(String),
    /// The scheduler makes a plan that cannot be carried out: a fault of the policy. Nothing of the
    /// plan has been carried out, and no observer has heard of it.
    #[error("at {at} s `{scheduler}` makes a plan that cannot be carried out: {fault}")]
    IllegalPlan {
        /// The time of the plan, on the trace's clock.
        at: SimTime,
        /// The name of the scheduler.
        scheduler: &'static str,
        /// What is wrong with the plan. A plan with several faults is refused for one of them.
        fault: PlanFault,
    },
    /// Jobs are live, but no event is queued: the scheduler has granted them nothing and has not
    /// asked to be called.
    #[error(
        "at {at} s nothing is left to happen, but `{scheduler}` leaves {} waiting, the first is `{job}`",
        counted(*waiting as u64, "job")
    )]
    Stall {
        /// The time of the last event, on the trace's clock.
        at: SimTime,
        /// The name of the scheduler.
        scheduler: &'static str,
        /// The number of live jobs.
        waiting: usize,
        /// The trace's own id of the first of them.
        job: String,
    },
    /// The scheduler has made as many plans as a run may have.
    #[error(
        "at {at} s `{scheduler}` has made {}, the limit; it keeps waking itself{}",
        counted(*plans, "plan"),
        to_raise(intervals)
    )]
    Runaway {
        /// The time at which the next plan would have been made, on the trace's clock.
        at: SimTime,
        /// The name of the scheduler.
        scheduler: &'static str,
        /// The number of plans made.
        plans: u64,
        /// The options that say how often the scheduler wakes itself.
        intervals: &'static [&'static str],
    },
    /// A job would complete later than the clock can tell, and the run is not cut off. The plan
    /// that led to it has been carried out.
    #[error(
        "job `{job}` would end later than {} s on the trace's clock; cut the run with --until",
        ClockLimit::SECONDS
    )]
    ClockOverflow {
        /// The trace's own id of the job.
        job: String,
    },
    /// An observer returns an error. The run stops at that event; what the observer has written is
    /// incomplete.
    #[error("cannot record what happens: {}", in_words(.0))]
    Record(std::io::Error),
}

impl From<std::io::Error> for SimError {
    fn from(why: std::io::Error) -> SimError {
        SimError::Record(why)
    }
}

/// Returns an error of the system by its kind, since its own text may name a temporary file, and
/// one of an observer by its text.
fn in_words(why: &std::io::Error) -> String {
    if why.get_ref().is_some() { why.to_string() } else { why.kind().to_string() }
}

/// Returns which options make fewer plans.
pub(super) fn to_raise(intervals: &[&str]) -> String {
    match intervals {
        [] => String::new(),
        [only] => format!("; raise its option `{only}` (--set {only}=SECONDS), or cut the run with --until"),
        all => format!(
            "; raise its options `{}` (--set KEY=SECONDS), or cut the run with --until",
            all.join("`, `")
        ),
    }
}

/// Returns "1 job" or "2 jobs".
fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The latest instant that the simulation can tell.
pub(super) struct ClockLimit;

impl ClockLimit {
    /// In seconds: far beyond every legal trace, far from the end of the integers.
    pub(super) const SECONDS: u64 = 1_000_000_000_000;
    /// The same as an instant.
    pub(super) const TIME: SimTime = SimTime::from_secs(ClockLimit::SECONDS);
}

/// What is wrong with a plan. A job is named by the trace's own id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// The grants have more GPUs together than the cluster.
    #[error("it grants {granted} GPUs, the cluster has {capacity}")]
    TooManyGpus {
        /// The GPUs of all grants; a rotation counts once.
        granted: Gpus,
        /// The GPUs of the cluster.
        capacity: Gpus,
    },
    /// A job occurs in two grants, or twice in one rotation.
    #[error("it grants GPUs to job `{0}` twice")]
    GrantedTwice(String),
    /// A grant has no GPUs.
    #[error("it grants job `{0}` no GPUs; leave it out to preempt it")]
    NoGpus(String),
    /// The plan admits, declines or grants GPUs to a job that has not arrived, has completed, or
    /// was declined before or in the same plan.
    #[error("job `{0}` is not live")]
    NotLive(String),
    /// A rotation has a batch size.
    #[error(
        "it sets a batch size for the rotation of job `{0}`; only a job that has its GPUs to itself can have one"
    )]
    BatchInTurns(String),
    /// A job has no true speed at the batch size that it is granted.
    #[error("job `{job}` has no speed on {gpus} GPUs at batch size {batch}")]
    NoSpeedAtBatch {
        /// The trace's own id of the job.
        job: String,
        /// The GPUs that it is granted.
        gpus: Gpus,
        /// The global batch size that it is granted, in samples per iteration.
        batch: u32,
    },
    /// A job has no true speed at its own batch size on the GPUs that it is granted.
    #[error("job `{job}` has no speed on {gpus} GPUs")]
    NoSpeed {
        /// The trace's own id of the job.
        job: String,
        /// The GPUs that it is granted.
        gpus: Gpus,
    },
    /// A job is granted GPUs without having been admitted, under a policy whose grants do not
    /// admit.
    #[error("job `{0}` gets GPUs but was not admitted")]
    NotAdmitted(String),
    /// A job is admitted a second time.
    #[error("job `{0}` is admitted twice")]
    AdmittedTwice(String),
    /// A job is declined that was admitted before or in the same plan.
    #[error("job `{0}` is declined but was admitted")]
    DeclinedAdmitted(String),
    /// A pinned job does not go on by itself on the GPUs that it holds.
    #[error("job `{0}` is pinned but not granted what it holds")]
    PinMoves(String),
    /// A turn of a rotation is not longer than the restart overhead in it.
    #[error(
        "job `{job}` may spend {restart} s of a turn of {quantum} s restarting; make turns longer than any restart \
         overhead in them"
    )]
    QuantumTooShort {
        /// The trace's own id of the job.
        job: String,
        /// The length of a turn.
        quantum: SimDuration,
        /// The largest restart overhead in it.
        restart: SimDuration,
    },
    /// A grant names nodes on which its GPUs are not free.
    #[error("job `{job}` is granted GPUs on nodes {nodes}, where there are not as many free")]
    NodesTaken {
        /// The trace's own id of the job.
        job: String,
        /// The nodes, with the number of GPUs of each.
        nodes: String,
    },
    /// A grant names nodes with another number of GPUs than it has.
    #[error("job `{job}` is granted {gpus} GPUs on nodes {nodes}, which are not as many")]
    NodesMiscounted {
        /// The trace's own id of the job.
        job: String,
        /// The GPUs of the grant.
        gpus: Gpus,
        /// The nodes, with the number of GPUs of each.
        nodes: String,
    },
    /// The scheduler asks to be called at once or in the past.
    #[error("it asks to be called at {0} s, which is not after now")]
    WakeNotAfterNow(SimTime),
}
