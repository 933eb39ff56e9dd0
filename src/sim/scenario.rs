//! What a run depends on, and what it leaves.

use std::sync::Arc;

use crate::cluster::Shape;
use crate::job::JobSpec;
use crate::overhead::Overhead;
use crate::profile::{Configuration, SpeedModel};
use crate::record::jobs::JobRow;
use crate::scheduler::PolicyOptions;
use crate::units::{Iterations, SimDuration, SimTime};
use crate::workload::Workload;
use crate::{placement, scheduler};

use super::error::SimError;

/// Everything that a run depends on: two equal scenarios have the same outcome.
///
/// A scenario is cheap to clone: the workload, the speed models and the overhead are shared.
#[derive(Clone)]
pub struct Scenario {
    /// The jobs, in the order of their trace.
    pub workload: Arc<Workload>,
    /// The nodes of the cluster, each with its number of GPUs.
    pub cluster: Shape,
    /// The speeds at which jobs run. Made for this workload.
    pub truth: Arc<dyn SpeedModel>,
    /// The speeds that the scheduler believes in; the same as `truth` unless an experiment studies
    /// wrong profiles. Made for this workload.
    pub belief: Arc<dyn SpeedModel>,
    /// The restart overhead of a change of GPUs, and of a turn in a rotation.
    pub overhead: Arc<dyn Overhead>,
    /// The placer, which finds nodes for the GPUs that a plan grants. It must accept `cluster`.
    pub placer: &'static placement::PlacerEntry,
    /// The scheduler that makes the plans.
    pub scheduler: &'static scheduler::Entry,
    /// The options of the scheduler. It must accept them.
    pub options: PolicyOptions,
    /// Seeds everything that the scheduler draws.
    pub seed: u64,
    /// Minimum time between scheduling passes triggered by arrivals and completions. A wake-up that
    /// the scheduler asks for does not wait for it.
    pub slot: SimDuration,
    /// Cuts the run off after the events of this instant of the trace's clock; `None` to run until
    /// every job has completed.
    pub until: Option<SimTime>,
    /// How many plans a run may have; `None` for 1,000,000 and 1,000 more for each job.
    pub plan_limit: Option<u64>,
}

/// What a run leaves.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// One row for each job, in the order of the trace.
    pub jobs: Vec<JobRow>,
    /// The figures of the run that are not the sum of the rows.
    pub totals: Totals,
}

/// Counts and averages of a whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Plans that were carried out.
    pub plans: u64,
    /// Events that happened, arrivals and wake-ups among them.
    pub events: u64,
    /// Placements on more nodes than their GPUs need.
    pub split_placements: u64,
    /// Plans in which a simpler answer stood in for that of a solver.
    pub fallbacks: u64,
    /// The time average of Σ rate(g) ÷ rate(1) over the running jobs, for each GPU of the cluster,
    /// from the first submission to the last completion or the cut-off; 0 for an empty span.
    pub cluster_efficiency: f64,
}

impl Scenario {
    /// Returns the first job that fits the cluster but has no speed on the GPUs that it asks for,
    /// true or believed. Policies that run jobs at their requested size cannot run it. A job that
    /// does not fit is declined when it arrives, whatever its speed would be.
    pub fn lacks_requested_size(&self) -> Option<&JobSpec> {
        self.workload.jobs().iter().filter(|job| job.requested <= self.cluster.gpus()).find(|job| {
            let nodes = self.cluster.fewest_nodes(job.requested);
            let configuration = Configuration { nodes, gpus: job.requested, batch: job.batch_size };
            [&self.truth, &self.belief]
                .into_iter()
                .any(|model| model.rate(job, Iterations::ZERO, &configuration).is_none())
        })
    }
}

/// Checks that every job has work: one without iterations would complete before it began.
pub(super) fn check_work(scenario: &Scenario) -> Result<(), SimError> {
    match scenario.workload.jobs().iter().find(|job| job.iterations == Iterations::ZERO) {
        None => Ok(()),
        Some(job) => Err(SimError::Scenario(format!(
            "job `{}` has no iterations; give it some, or leave it out",
            job.name
        ))),
    }
}

/// Checks that every job has a speed on the GPUs that it asks for, as a policy that runs jobs at
/// their requested size needs.
pub(super) fn check_requested_sizes(scenario: &Scenario) -> Result<(), SimError> {
    match scenario.lacks_requested_size() {
        None => Ok(()),
        Some(job) => Err(SimError::Scenario(format!(
            "job `{}` asks for {} GPUs, for which `{}` at batch size {} has no measured speed; `{}` runs jobs at their \
             requested size, so give one that is in the profiles",
            job.name, job.requested, job.model, job.batch_size, scenario.scheduler.name
        ))),
    }
}
