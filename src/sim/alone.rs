//! What a job takes if it is alone on the empty cluster.

use crate::job::JobSpec;
use crate::profile::{Configuration, SpeedModel};
use crate::record::jobs::AloneFigures;
use crate::units::{GpuTime, Gpus, Iterations, Rate, SimDuration};

use super::scenario::Scenario;

/// Returns what a job takes alone on the empty cluster, at the true speeds.
///
/// A job that keeps its batch size is judged on each of its sizes that fits the cluster. A job
/// whose batch size may be chosen is judged on 1, 2, 4, … GPUs and on the whole cluster, at the
/// fastest of the batch sizes that double from the smallest to the largest.
pub fn alone(scenario: &Scenario, job: &JobSpec) -> AloneFigures {
    let mut least: Option<GpuTime> = None;
    let mut feasible = false;
    for gpus in counts(scenario, job) {
        let Some(time) = time_on(scenario, job, gpus) else { continue };
        let cost = gpus * time;
        least = Some(least.map_or(cost, |least| least.min(cost)));
        if let Some(deadline) = job.deadline.filter(|_| !feasible) {
            let restart = scenario.overhead.restart(job, None, &scenario.cluster.packed(gpus));
            feasible = job.submit + restart + time <= deadline;
        }
    }
    let requested = time_on(scenario, job, job.requested).or(job.duration);
    AloneFigures {
        feasible: job.deadline.map(|_| feasible),
        least: least.unwrap_or_default(),
        requested: requested.map(|time| job.requested * time),
    }
}

/// Returns the least time that a job runs alone, at the counts on which [`alone`] judges it; `None`
/// where no count fits the cluster.
pub(super) fn shortest(scenario: &Scenario, job: &JobSpec) -> Option<SimDuration> {
    counts(scenario, job).into_iter().filter_map(|gpus| time_on(scenario, job, gpus)).min()
}

/// Returns the GPU counts on which a job is judged.
fn counts(scenario: &Scenario, job: &JobSpec) -> Vec<Gpus> {
    let truth = &*scenario.truth;
    let cluster = scenario.cluster.gpus();
    let chosen = truth.batch_limits(job).is_some_and(|limits| limits.initial < limits.largest);
    if chosen {
        let doubled = (0..32).map(|power| Gpus::new(1 << power)).take_while(|gpus| *gpus < cluster);
        doubled.chain([cluster]).collect()
    } else {
        truth.sizes(job).iter().copied().filter(|gpus| *gpus <= cluster).collect()
    }
}

/// Returns how long the work of a job takes on `gpus` GPUs on as few nodes as they fit on; `None`
/// where it has no speed there.
fn time_on(scenario: &Scenario, job: &JobSpec, gpus: Gpus) -> Option<SimDuration> {
    let nodes = scenario.cluster.fewest_nodes(gpus);
    let configuration = Configuration { nodes, gpus, batch: job.batch_size };
    let time = time_alone(&*scenario.truth, job, &configuration);
    (time < SimDuration::FOREVER).then_some(time)
}

/// Returns how long a job runs from its first to its last iteration, as its speed changes by
/// itself; [`SimDuration::FOREVER`] where it has no speed.
fn time_alone(truth: &dyn SpeedModel, job: &JobSpec, configuration: &Configuration) -> SimDuration {
    let (mut at, mut time) = (Iterations::ZERO, SimDuration::ZERO);
    loop {
        let next = truth.until(job, at);
        let rate = fastest_rate(truth, job, at, configuration);
        time += (next.unwrap_or(job.iterations) - at).time_at(rate);
        match next {
            Some(next) if time < SimDuration::FOREVER => at = next,
            _ => return time,
        }
    }
}

/// Returns the speed of a job at its own batch size, or at a faster one if that may be chosen; zero
/// where it has none.
fn fastest_rate(
    truth: &dyn SpeedModel,
    job: &JobSpec,
    at: Iterations,
    configuration: &Configuration,
) -> Rate {
    let rate_at =
        |batch: u32| truth.rate(job, at, &Configuration { batch, ..*configuration }).unwrap_or(Rate::ZERO);
    let own = rate_at(job.batch_size);
    let Some(limits) = truth.batch_limits(job) else { return own };
    let doubled = std::iter::successors(Some(limits.initial), |batch| batch.checked_mul(2));
    let others = doubled.take_while(|batch| *batch < limits.largest).chain([limits.largest]);
    others.map(rate_at).fold(own, |best, rate| if rate > best { rate } else { best })
}
