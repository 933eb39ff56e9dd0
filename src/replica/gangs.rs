//! What the schedules with fixed gangs read of an input: GPU counts and durations, checked.

use crate::job::{JobId, JobSpec};
use crate::profile::Curve;
use crate::units::Gpus;

use super::error::ReplicaError;
use super::events::EventList;
use super::input::{GpuTable, ReplicaInput};
use super::job::{column_below, read, whole};
use super::outcome::{FinishedJob, GpuAccount, ReplicaOutcome, Round};
use super::placement::Placement;
use super::setup::ReplicaSetup;

/// A job with the gang that its user asked for. Times are in seconds.
#[derive(Clone, Debug)]
pub(super) struct Gang {
    pub(super) job: JobId,
    pub(super) submit: i64,
    pub(super) due: Option<i64>,
    pub(super) gpus: i64,
    pub(super) duration: i64,
    pub(super) iterations: f64,
    /// Iterations per second on the gang; 0 where the profiles have no number for it.
    pub(super) speed: f64,
    /// The speed divided by that on one GPU; 0 where that was not measured.
    speedup: f64,
}

impl Gang {
    fn new(job: &JobSpec, input: &ReplicaInput<'_>) -> Result<Gang, ReplicaError> {
        let (curve, submit, due) = read(job, input.table)?;
        let gpus = i64::from(job.requested.get());
        let speed = speed(job, curve, input)?;
        let duration = job.duration.ok_or_else(|| ReplicaError::NoDuration { job: job.name.clone() })?;
        Ok(Gang {
            job: job.id,
            submit,
            due,
            gpus,
            duration: whole(job, duration.as_micros())?,
            iterations: job.iterations.get(),
            speed,
            speedup: curve.rate(Gpus::ONE).map_or(0.0, |one| speed / one.get()),
        })
    }

    /// Creates a gang of a speed, for tests to which nothing else matters.
    #[cfg(test)]
    pub(super) fn of(job: JobId, gpus: i64, speed: f64) -> Gang {
        Gang { job, submit: 0, due: None, gpus, duration: 1, iterations: 1.0, speed, speedup: 1.0 }
    }

    /// Returns the job as finished after `held` seconds on its GPUs, `restarting` of them without
    /// progress. It has not waited, was not preempted and is noticed at its end; the schedule
    /// changes what it knows better.
    pub(super) fn finished(&self, start: i64, end: i64, held: i64, restarting: i64) -> FinishedJob {
        let num_gpu = self.gpus as u32;
        let mut account = GpuAccount::default();
        account.add(held, restarting, self.gpus, self.speedup);
        FinishedJob {
            job: self.job,
            num_gpu,
            start,
            end,
            real_end: None,
            pending: 0,
            preempt: 0,
            time: end,
            account,
        }
    }
}

/// Returns the iterations per second on a job's gang.
///
/// Most schedules only write the speed down, so that `0` or `nan` in the profiles does no harm and
/// is 0 here. An empty cell or a missing column ends the artifact as soon as the gang runs, which a
/// gang that is larger than the cluster never does.
fn speed(job: &JobSpec, curve: &Curve, input: &ReplicaInput<'_>) -> Result<f64, ReplicaError> {
    let gpus = i64::from(job.requested.get());
    let is_empty = input.gpu == GpuTable::A100 && (job.model.as_str(), job.batch_size, gpus) == EMPTY_CELL;
    match curve.rate(job.requested) {
        Some(rate) => Ok(rate.get()),
        None if gpus > i64::from(input.cluster.gpus().get()) => Ok(0.0),
        None if gpus == column_below(gpus) && !is_empty => Ok(0.0),
        None => Err(ReplicaError::NoSpeed { job: job.name.clone(), gpus }),
    }
}

/// The one cell of the artifact's profiles that is empty: model, batch size and GPUs, of A100.
const EMPTY_CELL: (&str, u32, i64) = ("deepspeech2", 32, 64);

/// The input of a schedule with fixed gangs, checked.
pub(super) struct GangScenario<'a> {
    input: &'a ReplicaInput<'a>,
    /// The gangs, in the order of the trace.
    pub(super) jobs: Vec<Gang>,
    pub(super) setup: ReplicaSetup,
    /// GPUs of a node; a power of two.
    pub(super) node: i64,
}

impl<'a> GangScenario<'a> {
    /// Reads and checks an input.
    ///
    /// # Errors
    ///
    /// If it has no job, a job that the artifact cannot read or run, or unequal nodes.
    pub(super) fn new(input: &'a ReplicaInput<'a>) -> Result<GangScenario<'a>, ReplicaError> {
        if input.workload.is_empty() {
            return Err(ReplicaError::NoJobs);
        }
        let node = input.cluster.node_size().filter(|size| size.get().is_power_of_two());
        let node = node.ok_or_else(|| ReplicaError::Nodes(input.cluster.to_string()))?;
        let jobs = input.workload.jobs().iter().map(|job| Gang::new(job, input)).collect::<Result<_, _>>()?;
        Ok(GangScenario { input, jobs, setup: input.setup()?, node: i64::from(node.get()) })
    }

    /// Checks that every gang fits the cluster: Gandiva and Themis never end otherwise (Q35).
    ///
    /// # Errors
    ///
    /// If one does not.
    pub(super) fn check_endless_waits(&self) -> Result<(), ReplicaError> {
        let jobs = self.input.workload.jobs();
        match jobs.iter().find(|job| job.requested > self.input.cluster.gpus()) {
            Some(job) => Err(ReplicaError::TooLarge { job: job.name.clone(), gpus: job.requested }),
            None => Ok(()),
        }
    }

    /// Checks that every job has work and a speed: Themis divides by both.
    ///
    /// # Errors
    ///
    /// If one has not.
    pub(super) fn check_work(&self) -> Result<(), ReplicaError> {
        let jobs = self.input.workload.jobs().iter().zip(&self.jobs);
        for (job, gang) in jobs {
            if gang.iterations == 0.0 {
                return Err(ReplicaError::NoWork { job: job.name.clone() });
            }
            if gang.speed == 0.0 {
                return Err(ReplicaError::NoSpeed { job: job.name.clone(), gpus: gang.gpus });
            }
        }
        Ok(())
    }

    /// Returns the arrivals; `merges` says whether the events of a slot are merged.
    pub(super) fn arrivals(&self, merges: bool) -> EventList {
        EventList::new(self.jobs.iter().enumerate().map(|(id, job)| (id, job.submit)), merges)
    }

    /// Returns whether the run logs its rounds.
    pub(super) fn logs_rounds(&self) -> bool {
        self.input.log_rounds
    }

    /// Returns the placements of the rounds, if the run logs them or the nodes are so large that
    /// the artifact loses sets (Q27).
    pub(super) fn placement_log(&self) -> Result<Option<PlacementLog>, ReplicaError> {
        if !self.logs_rounds() && self.node <= SAFE_NODE {
            return Ok(None);
        }
        let placement = Placement::new(self.input.cluster, self.jobs.len())?;
        Ok(Some(PlacementLog { placement, placed: Vec::new() }))
    }

    /// Returns the error that a gang is not where the artifact looks for it.
    fn lost(&self, job: usize) -> ReplicaError {
        ReplicaError::Placement { job: self.input.workload.jobs()[job].name.clone() }
    }

    /// Returns the sum over these jobs of the speed divided by that on one GPU, divided by all
    /// GPUs.
    pub(super) fn efficiency(&self, jobs: impl IntoIterator<Item = usize>) -> f64 {
        jobs.into_iter().map(|job| self.jobs[job].speedup).sum::<f64>() / self.setup.gpus as f64
    }
}

/// The largest nodes, in GPUs, on which every set is filed under the size that it remembers. On a
/// node of 16 a gang of 4 leaves 12, so that the two differ.
const SAFE_NODE: i64 = 8;

/// The placement of the gangs in each round. Only the log of rounds depends on it, and whether the
/// artifact crashes.
pub(super) struct PlacementLog {
    placement: Placement,
    /// The gangs of the last round.
    placed: Vec<usize>,
}

impl PlacementLog {
    /// Takes gangs that have ended off their nodes, before the others leave.
    pub(super) fn end(&mut self, scenario: &GangScenario<'_>, jobs: &[usize]) -> Result<(), ReplicaError> {
        self.placed.retain(|job| !jobs.contains(job));
        self.release(scenario, jobs)
    }

    /// Places the gangs of a round anew, the largest first, and returns the round.
    pub(super) fn round(
        &mut self,
        scenario: &GangScenario<'_>,
        now: i64,
        mut jobs: Vec<usize>,
    ) -> Result<Round, ReplicaError> {
        let gpus = |job: usize| scenario.jobs[job].gpus;
        let placed = std::mem::take(&mut self.placed);
        self.release(scenario, &placed)?;
        jobs.sort_by_key(|job| -gpus(*job));
        let efficiency = scenario.efficiency(jobs.iter().copied());
        for &job in &jobs {
            if !self.placement.place(job, gpus(job)) {
                return Err(scenario.lost(job));
            }
        }
        let round = self.placement.round(now, gpus, efficiency);
        self.placed = jobs;
        Ok(round)
    }

    /// Takes gangs off their nodes.
    fn release(&mut self, scenario: &GangScenario<'_>, jobs: &[usize]) -> Result<(), ReplicaError> {
        let lost = jobs.iter().find(|job| !self.placement.release(**job, scenario.jobs[**job].gpus));
        lost.map_or(Ok(()), |job| Err(scenario.lost(*job)))
    }
}

impl ReplicaOutcome {
    /// Counts a job that ends at `end`. A job that ends on its deadline is in time; a job without a
    /// deadline is in neither count.
    pub(super) fn count_end(&mut self, job: &Gang, end: i64) {
        match job.due {
            Some(due) if end > due => self.declined += 1,
            Some(_) => self.accepted += 1,
            None => {}
        }
    }
}
