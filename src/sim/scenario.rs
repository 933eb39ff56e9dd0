//! What a run depends on, and what it leaves.

use std::sync::Arc;

use crate::cluster::Shape;
use crate::job::JobSpec;
use crate::overhead::Overhead;
use crate::profile::{Configuration, SpeedModel};
use crate::record::jobs::JobRow;
use crate::scheduler::Options;
use crate::units::{Gpus, Iterations, Rate, SimDuration, SimTime};
use crate::workload::Workload;
use crate::{placement, scheduler};

use super::SimError;

/// Everything that a run depends on.
#[derive(Clone)]
pub struct Scenario {
    /// The jobs.
    pub workload: Arc<Workload>,
    /// The nodes.
    pub cluster: Shape,
    /// How fast jobs are.
    pub truth: Arc<dyn SpeedModel>,
    /// How fast the scheduler believes they are; the same unless an experiment studies wrong
    /// profiles.
    pub belief: Arc<dyn SpeedModel>,
    /// What a change of GPUs costs.
    pub overhead: Arc<dyn Overhead>,
    /// Which nodes a job gets.
    pub placer: &'static placement::Entry,
    /// Who decides.
    pub scheduler: &'static scheduler::Entry,
    /// The scheduler's options.
    pub options: Options,
    /// Seeds what the scheduler draws.
    pub seed: u64,
    /// Arrivals and ends cause the next plan no sooner than this after the last one.
    pub slot: SimDuration,
    /// Where the simulation is cut off, if it is.
    pub until: Option<SimTime>,
    /// How many plans are too many; `None` for a limit that follows the number of jobs.
    pub plan_limit: Option<u64>,
}

/// What a run leaves.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// One row for each job, in the trace's order.
    pub jobs: Vec<JobRow>,
    /// What no row says.
    pub totals: Totals,
}

/// Counts and averages of a whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Plans made.
    pub plans: u64,
    /// Events that happened.
    pub events: u64,
    /// Placements on more nodes than needed.
    pub split_placements: u64,
    /// Plans for which a solver's answer was replaced by a simpler one.
    pub fallbacks: u64,
    /// The time average of the cluster efficiency, from the first submission to the last end; 0 for
    /// no time.
    pub cluster_efficiency: f64,
}

impl Scenario {
    /// The first job that fits the cluster but has no speed on the GPUs it asks for, as policies
    /// that run jobs at their requested size need. One that does not fit is declined when it
    /// arrives, whatever its speed would be.
    pub fn lacks_requested_size(&self) -> Option<&JobSpec> {
        self.workload.jobs().iter().filter(|job| job.requested <= self.cluster.gpus()).find(|job| {
            let nodes = self.cluster.fewest_nodes(job.requested);
            let setting = Configuration { nodes, gpus: job.requested, batch: job.batch_size };
            let unknown =
                |model: &Arc<dyn SpeedModel>| model.rate(job, Default::default(), &setting).is_none();
            unknown(&self.truth) || unknown(&self.belief)
        })
    }
}

/// A job without iterations would end before it began.
pub(super) fn check_work(scenario: &Scenario) -> Result<(), SimError> {
    match scenario.workload.jobs().iter().find(|job| job.iterations == Iterations::ZERO) {
        None => Ok(()),
        Some(job) => Err(SimError::Scenario(format!(
            "job `{}` has no iterations; give it some, or leave it out",
            job.name
        ))),
    }
}

/// Under a policy that runs jobs at their requested sizes, each of those needs a speed.
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

/// Whether a deadline job could be in time alone on the empty cluster, start pause included; `None`
/// without a deadline.
///
/// Where its batch size may be chosen, it is judged on 1, 2, 4, … GPUs and all of the cluster, at
/// the fastest of the batch sizes that double from the smallest to the largest.
pub fn feasible_alone(scenario: &Scenario, job: &JobSpec) -> Option<bool> {
    let deadline = job.deadline?;
    let truth = &*scenario.truth;
    let cluster = scenario.cluster.gpus();
    let in_time = |gpus: Gpus| {
        let nodes = scenario.cluster.packed(gpus);
        let setting = Configuration { nodes: nodes.nodes(), gpus, batch: job.batch_size };
        job.submit + scenario.overhead.restart(job, None, &nodes) + alone(truth, job, &setting) <= deadline
    };
    let chosen = truth.batch_limits(job).is_some_and(|limits| limits.initial < limits.largest);
    if chosen {
        let doubled = (0..32).map(|power| Gpus::new(1 << power)).take_while(|gpus| *gpus < cluster);
        return Some(doubled.chain([cluster]).any(in_time));
    }
    Some(truth.sizes(job).iter().copied().filter(|gpus| *gpus <= cluster).any(in_time))
}

/// How long a job takes from beginning to end, its speed followed as it changes by itself.
fn alone(truth: &dyn SpeedModel, job: &JobSpec, setting: &Configuration) -> SimDuration {
    let (mut at, mut time) = (Iterations::ZERO, SimDuration::ZERO);
    loop {
        let next = truth.until(job, at);
        let rate = fastest(truth, job, at, setting);
        time += (next.unwrap_or(job.iterations) - at).time_at(rate);
        match next {
            Some(next) if time < SimDuration::FOREVER => at = next,
            _ => return time,
        }
    }
}

/// The speed of a job at its own batch size, or at a better one if that may be chosen.
fn fastest(truth: &dyn SpeedModel, job: &JobSpec, at: Iterations, setting: &Configuration) -> Rate {
    let rate = |batch: u32| truth.rate(job, at, &Configuration { batch, ..*setting }).unwrap_or(Rate::ZERO);
    let own = rate(job.batch_size);
    let Some(limits) = truth.batch_limits(job) else { return own };
    let doubled = std::iter::successors(Some(limits.initial), |batch| batch.checked_mul(2));
    let others = doubled.take_while(|batch| *batch < limits.largest).chain([limits.largest]);
    others.map(rate).fold(own, |best, rate| if rate > best { rate } else { best })
}
