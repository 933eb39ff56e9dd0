//! Whether a job could meet its deadline if it were alone.

use crate::job::JobSpec;
use crate::profile::{Configuration, SpeedModel};
use crate::units::{Gpus, Iterations, Rate, SimDuration};

use super::scenario::Scenario;

/// Returns whether a job with a deadline would meet it alone on the empty cluster, the restart
/// overhead of its start included; `None` for a job without a deadline.
///
/// A job that keeps its batch size is judged on each of its sizes that fits the cluster. A job
/// whose batch size may be chosen is judged on 1, 2, 4, … GPUs and on the whole cluster, at the
/// fastest of the batch sizes that double from the smallest to the largest. All speeds are the
/// true ones.
pub fn feasible_alone(scenario: &Scenario, job: &JobSpec) -> Option<bool> {
    let deadline = job.deadline?;
    let truth = &*scenario.truth;
    let cluster = scenario.cluster.gpus();
    let meets_deadline = |gpus: Gpus| {
        let nodes = scenario.cluster.packed(gpus);
        let configuration = Configuration { nodes: nodes.nodes(), gpus, batch: job.batch_size };
        let start = job.submit + scenario.overhead.restart(job, None, &nodes);
        start + time_alone(truth, job, &configuration) <= deadline
    };
    let chosen = truth.batch_limits(job).is_some_and(|limits| limits.initial < limits.largest);
    if chosen {
        let doubled = (0..32).map(|power| Gpus::new(1 << power)).take_while(|gpus| *gpus < cluster);
        return Some(doubled.chain([cluster]).any(meets_deadline));
    }
    Some(truth.sizes(job).iter().copied().filter(|gpus| *gpus <= cluster).any(meets_deadline))
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
