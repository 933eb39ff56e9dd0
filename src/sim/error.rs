//! Why a simulation stops.

use crate::units::{Gpus, SimDuration, SimTime};

/// A simulation that cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The scenario contradicts itself; found before anything runs.
    #[error("{0}")]
    Scenario(String),
    /// The scheduler's plan cannot be carried out: a fault of the policy.
    #[error("at {at} s `{scheduler}` makes a plan that cannot be carried out: {fault}")]
    IllegalPlan {
        /// When.
        at: SimTime,
        /// Whose.
        scheduler: &'static str,
        /// What is wrong with it.
        fault: PlanFault,
    },
    /// Jobs are live, and nothing will ever happen again.
    #[error(
        "at {at} s nothing is left to happen, but `{scheduler}` leaves {waiting} jobs waiting, the first is `{job}`"
    )]
    Stall {
        /// When.
        at: SimTime,
        /// Whose.
        scheduler: &'static str,
        /// How many jobs wait.
        waiting: usize,
        /// The first one.
        job: String,
    },
    /// The scheduler keeps asking to be called.
    #[error("at {at} s `{scheduler}` has made {plans} plans, the limit; it keeps waking itself")]
    Runaway {
        /// When.
        at: SimTime,
        /// Whose.
        scheduler: &'static str,
        /// How many plans were made.
        plans: u64,
    },
    /// The clock has gone beyond what it can tell.
    #[error(
        "job `{job}` would end later than {} s on the trace's clock; cut the run with --until",
        ClockLimit::SECONDS
    )]
    ClockOverflow {
        /// Whose end it is.
        job: String,
    },
    /// An observer could not write.
    #[error("cannot record what happens: {0}")]
    Record(#[from] std::io::Error),
}

/// Where the clock ends.
pub(super) struct ClockLimit;

impl ClockLimit {
    /// In seconds: far beyond every legal trace, far from the end of the integers.
    pub(super) const SECONDS: u64 = 1_000_000_000_000;
    /// The same as an instant.
    pub(super) const TIME: SimTime = SimTime::from_secs(ClockLimit::SECONDS);
}

/// What is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanFault {
    /// More GPUs than there are.
    #[error("it grants {granted} GPUs, the cluster has {capacity}")]
    TooManyGpus {
        /// How many it grants.
        granted: Gpus,
        /// How many there are.
        capacity: Gpus,
    },
    /// A job occurs in two grants.
    #[error("it grants GPUs to job `{0}` twice")]
    GrantedTwice(String),
    /// A grant of no GPUs.
    #[error("it grants job `{0}` no GPUs; leave it out to pause it")]
    NoGpus(String),
    /// A job that has not arrived, has ended or was declined.
    #[error("job `{0}` is not live")]
    NotLive(String),
    /// A batch size for jobs that take turns.
    #[error(
        "it sets a batch size for the turns of job `{0}`; only a job that has its GPUs to itself can be given one"
    )]
    BatchInTurns(String),
    /// A batch size at which the job does not move.
    #[error("job `{job}` has no speed on {gpus} GPUs at batch size {batch}")]
    NoSpeedAtBatch {
        /// Which.
        job: String,
        /// On how many.
        gpus: Gpus,
        /// At which batch size.
        batch: u32,
    },
    /// A count on which the job does not move.
    #[error("job `{job}` has no speed on {gpus} GPUs")]
    NoSpeed {
        /// The job.
        job: String,
        /// The count.
        gpus: Gpus,
    },
    /// A job that was not admitted, under a policy whose grants do not admit.
    #[error("job `{0}` gets GPUs but was not admitted")]
    NotAdmitted(String),
    /// A job is admitted again.
    #[error("job `{0}` is admitted twice")]
    AdmittedTwice(String),
    /// A job that is or was admitted is declined.
    #[error("job `{0}` is declined but was admitted")]
    DeclinedAdmitted(String),
    /// A pinned job without a grant of the count that it has.
    #[error("job `{0}` is pinned but not granted what it holds")]
    PinMoves(String),
    /// A rotation in which a turn may be all pause.
    #[error(
        "job `{job}` may stand still for {restart} s of a turn of {quantum} s; turns are longer than pauses"
    )]
    QuantumTooShort {
        /// The job.
        job: String,
        /// How long its turns would be.
        quantum: SimDuration,
        /// How long it may stand still.
        restart: SimDuration,
    },
    /// A grant of certain GPUs that are not free.
    #[error("job `{job}` is granted GPUs on nodes {nodes}, where there are not as many free")]
    NodesTaken {
        /// The job.
        job: String,
        /// The nodes and how many of each.
        nodes: String,
    },
    /// A wake-up in the past or at once.
    #[error("it asks to be called at {0} s, which is not after now")]
    WakeNotAfterNow(SimTime),
}
