//! The reasons why a run of the artifact cannot be re-enacted.

use crate::units::Gpus;

/// Why the artifact cannot be re-enacted on an input: it would crash, never end, or read the input
/// as something else. `job` is the id in the trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplicaError {
    /// The trace has no job, hence no first event.
    #[error("the trace has no job; the artifact crashes on it")]
    NoJobs,
    /// A time or an amount of work is not a whole number.
    #[error("job `{job}`: its times or iterations are not whole numbers; the artifact reads nothing else")]
    NotWhole {
        /// The job.
        job: String,
    },
    /// The profiles do not have the job's model and batch size.
    #[error("job `{job}`: {what}")]
    NoCurve {
        /// The job.
        job: String,
        /// What the profiles lack, and what they have.
        what: String,
    },
    /// A job would run on a number of GPUs for which the profiles have no speed; the artifact ends
    /// with an error there (Q17).
    #[error(
        "job `{job}`: it would run on {gpus} GPUs, for which the profiles have no speed; the artifact crashes"
    )]
    NoSpeed {
        /// The job.
        job: String,
        /// The number of GPUs.
        gpus: i64,
    },
    /// A job has no iterations.
    #[error("job `{job}` has no iterations; this schedule of the artifact divides by them")]
    NoWork {
        /// The job.
        job: String,
    },
    /// The trace does not say how long a job takes.
    #[error("job `{job}` has no duration; this schedule of the artifact needs the column")]
    NoDuration {
        /// The job.
        job: String,
    },
    /// A gang is larger than the cluster and waits forever (Q35).
    #[error("job `{job}` asks for {gpus} GPUs, more than the cluster has; the artifact waits for it forever")]
    TooLarge {
        /// The job.
        job: String,
        /// The GPUs that the job asks for.
        gpus: Gpus,
    },
    /// The nodes have several sizes, or a size on which gangs that fit in total may not fit
    /// together.
    #[error(
        "the cluster is {0}; the artifact needs nodes of one size, which for fixed gangs is a power of two"
    )]
    Nodes(String),
    /// The slot is empty, or longer than the artifact can count.
    #[error(
        "the slot is not a whole number of seconds from 1 to 10000000000; the artifact counts in seconds"
    )]
    Slot,
    /// A job cannot be placed, or a set of nodes is not where the artifact looks for it (Q27).
    #[error("job `{job}`: the artifact's placement crashes on it")]
    Placement {
        /// The job.
        job: String,
    },
    /// A job that holds GPUs made no progress since the last round; an assertion of the artifact
    /// fails.
    #[error("job `{job}`: it held GPUs past its end; the artifact crashes")]
    NoProgress {
        /// The job.
        job: String,
    },
    /// Jobs wait, and no event is left (Q16).
    #[error("jobs wait and no event is left; the artifact crashes")]
    NothingHappens,
}
