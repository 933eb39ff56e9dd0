//! The jobs of one trace, with the invariants that the rest of the program relies on.

use std::collections::BTreeSet;

use crate::job::{JobId, JobSpec};
use crate::units::{Gpus, Iterations, SimTime};

/// The jobs of a trace, in the order of their submission. Every job has passed the checks of
/// [`Workload::new`].
///
/// The id of a job is its place in this order. So whatever breaks a tie by id breaks it by
/// submission, then by the row of the trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    jobs: Vec<JobSpec>,
}

/// A job that cannot be simulated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("job {place} (`{name}`): {what}")]
pub struct WorkloadError {
    /// The job's place, from 0.
    pub place: usize,
    /// The trace's own id of the job.
    pub name: String,
    /// What is wrong, and what would be right.
    pub what: &'static str,
}

/// The largest number of iterations of a job: up to here a float counts them exactly, with room
/// for fractions.
pub const ITERATIONS_LIMIT: f64 = 1e12;

impl Workload {
    /// Checks the jobs of a trace, which are in the order of their submission; at equal times in
    /// that of the trace.
    ///
    /// # Errors
    ///
    /// With the first job whose id is not its place, that is submitted before the job above it,
    /// whose name occurs before, that asks for no GPU, has a batch size of 0, a deadline before its
    /// submission or soft deadlines out of order, or that lies beyond [`SimTime::LIMIT`] or
    /// [`ITERATIONS_LIMIT`].
    pub fn new(jobs: Vec<JobSpec>) -> Result<Workload, WorkloadError> {
        let mut names = BTreeSet::new();
        let mut before = SimTime::ZERO;
        for (place, job) in jobs.iter().enumerate() {
            let what = match fault(job, place, before) {
                Some(what) => what,
                None if !names.insert(&job.name) => "its id occurs twice; ids are unique",
                None => {
                    before = job.submit;
                    continue;
                }
            };
            return Err(WorkloadError { place, name: job.name.clone(), what });
        }
        Ok(Workload { jobs })
    }

    /// Returns the jobs, in the order of their submission; at equal times in that of the trace.
    pub fn jobs(&self) -> &[JobSpec] {
        &self.jobs
    }

    /// Returns a job by its id.
    ///
    /// # Panics
    ///
    /// If the workload has no such job.
    pub fn job(&self, id: JobId) -> &JobSpec {
        &self.jobs[id.index()]
    }

    /// Returns the number of jobs.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Returns whether there is no job.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Returns the work of all jobs together.
    pub fn iterations(&self) -> Iterations {
        self.jobs.iter().fold(Iterations::ZERO, |sum, job| sum + job.iterations)
    }
}

/// Returns what is wrong with the job at `place`, from 0, of which the one above is submitted at
/// `before`. Whether its name is unique does not show from one job.
pub(crate) fn fault(job: &JobSpec, place: usize, before: SimTime) -> Option<&'static str> {
    let what = if job.id.index() != place {
        "its id is not its place"
    } else if job.submit < before {
        "it is submitted before the job above it; sort the jobs by submission"
    } else if !(0.0..=ITERATIONS_LIMIT).contains(&job.iterations.get()) {
        "its iterations are not between 0 and 1e12"
    } else if job.batch_size == 0 {
        "its batch size is 0; a batch has at least one sample"
    } else if job.requested == Gpus::ZERO {
        "it asks for 0 GPUs; a job needs at least one"
    } else if job.submit > SimTime::LIMIT || job.times().any(|time| time > SimTime::LIMIT) {
        "its times are beyond 10000000000 s"
    } else if job.deadline.is_some_and(|d| d < job.submit) {
        "its deadline is before its submission"
    } else if job.soft.first().is_some_and(|first| job.deadline != Some(first.by)) {
        "the first of its soft deadlines is not its deadline"
    } else if !soft_in_order(job) {
        "its soft deadlines do not ascend, or their values do"
    } else {
        return None;
    };
    Some(what)
}

/// Returns whether later soft deadlines are worth no more than earlier ones, and all are worth
/// something.
fn soft_in_order(job: &JobSpec) -> bool {
    job.soft.is_sorted_by(|a, b| a.by < b.by && a.value >= b.value)
        && job.soft.iter().all(|soft| soft.value > 0.0 && soft.value.is_finite())
}
