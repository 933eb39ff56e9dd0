//! What the schedules with fixed gangs read of a scenario: the trace's GPU counts and durations, checked.

use crate::cluster::Shape;
use crate::job::{JobId, JobSpec};
use crate::profile::ThroughputTable;
use crate::units::{Gpus, MICROS, SimDuration};
use crate::workload::Workload;

use super::{Replayed, Row};

/// Why a scenario is not re-enacted: the artifact crashes on it, never ends, or reads another number from its file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no first event.
    #[error("the trace has no job; the artifact crashes on it")]
    NoJobs,
    /// Placement asserts that what fits in total also fits on the nodes.
    #[error("the cluster is {0}; the artifact needs nodes of one size that is a power of two")]
    Nodes(String),
    /// All times are whole seconds.
    #[error("the slot is not a positive whole number of seconds; the artifact counts in seconds")]
    Slot,
    /// A time of a job is no whole second.
    #[error("job `{0}` has times or iterations that are not whole; the artifact reads only integers")]
    NotWhole(String),
    /// The trace does not say how long a job takes.
    #[error("job `{0}` has no duration; this schedule of the artifact needs the column")]
    NoDuration(String),
    /// The profiles lack the gang.
    #[error("job `{0}` asks for {1} GPUs, for which its profile has no speed; the artifact crashes on it")]
    NoSpeed(String, Gpus),
    /// A gang that waits for ever (Q35).
    #[error("job `{0}` asks for more GPUs than there are; the artifact waits for it for ever")]
    TooLarge(String),
}

/// A job with the gang that its user asked for. Times in seconds.
#[derive(Clone, Debug)]
pub(super) struct Gang {
    pub(super) job: JobId,
    pub(super) submit: i64,
    pub(super) due: Option<i64>,
    pub(super) gpus: i64,
    pub(super) duration: i64,
    pub(super) iterations: f64,
    /// Iterations per second on the gang.
    pub(super) speed: f64,
}

impl Gang {
    fn new(job: &JobSpec, speeds: &ThroughputTable) -> Result<Gang, Refusal> {
        let named = || job.name.clone();
        let speed = speeds.curve(&job.model, job.batch_size).and_then(|curve| curve.rate(job.requested));
        let speed = speed.ok_or_else(|| Refusal::NoSpeed(named(), job.requested))?;
        let duration = job.duration.ok_or_else(|| Refusal::NoDuration(named()))?;
        let seconds = |micros: u64| whole_seconds(micros).ok_or_else(|| Refusal::NotWhole(named()));
        if job.iterations.get().fract() != 0.0 {
            return Err(Refusal::NotWhole(named()));
        }
        Ok(Gang {
            job: job.id,
            submit: seconds(job.submit.as_micros())?,
            due: job.deadline.map(|due| seconds(due.as_micros())).transpose()?,
            gpus: i64::from(job.requested.get()),
            duration: seconds(duration.as_micros())?,
            iterations: job.iterations.get(),
            speed: speed.get(),
        })
    }

    /// Its row, but for what the schedule knows better: no wait, no preemption, noticed at its end.
    pub(super) fn row(&self, start: i64, end: i64) -> Row {
        let num_gpu = self.gpus as u32;
        Row { job: self.job, num_gpu, start, end, pending: 0, preempt: 0, time: end }
    }
}

/// A scenario for a schedule with fixed gangs.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    /// In the trace's order.
    pub(super) jobs: Vec<Gang>,
    pub(super) gpus: i64,
    pub(super) node: i64,
    /// In seconds.
    pub(super) slot: i64,
}

impl Scene {
    pub(super) fn new(
        workload: &Workload,
        speeds: &ThroughputTable,
        cluster: &Shape,
        slot: SimDuration,
    ) -> Result<Scene, Refusal> {
        if workload.is_empty() {
            return Err(Refusal::NoJobs);
        }
        let node = cluster.node_size().filter(|size| size.get().is_power_of_two());
        let node = node.ok_or_else(|| Refusal::Nodes(cluster.to_string()))?;
        let slot = whole_seconds(slot.as_micros()).filter(|slot| *slot > 0).ok_or(Refusal::Slot)?;
        let jobs = workload.jobs().iter().map(|job| Gang::new(job, speeds)).collect::<Result<_, _>>()?;
        Ok(Scene { jobs, gpus: i64::from(cluster.gpus().get()), node: i64::from(node.get()), slot })
    }

    /// Refuses a gang that the cluster is too small for: Gandiva and Themis never end with one (Q35).
    pub(super) fn without_endless_waits(self, workload: &Workload) -> Result<Scene, Refusal> {
        match self.jobs.iter().find(|job| job.gpus > self.gpus) {
            Some(job) => Err(Refusal::TooLarge(workload.job(job.job).name.clone())),
            None => Ok(self),
        }
    }
}

impl Replayed {
    /// Counts a job that ends: on its deadline is in time, and a job without one is in neither count.
    pub(super) fn judge(&mut self, job: &Gang, end: i64) {
        match job.due {
            Some(due) if end > due => self.declined += 1,
            Some(_) => self.accepted += 1,
            None => {}
        }
    }
}

fn whole_seconds(micros: u64) -> Option<i64> {
    micros.is_multiple_of(MICROS).then_some((micros / MICROS) as i64)
}
