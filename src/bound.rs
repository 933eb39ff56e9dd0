//! How many deadlines anyone could meet: an upper bound that holds for every scheduler, clairvoyant
//! ones included.
//!
//! Whatever the price λ(t) ≥ 0 of a GPU-second, on N GPUs no schedule meets more deadlines than
//! N·∫λ dt + Σⱼ max(0, 1 − cⱼ(λ)), where cⱼ(λ) is the least that job j can pay for its work between
//! its submission and its deadline. docs/bound.md has the proof. The prices are searched for the
//! least such value; any others give a bound as well, only a weaker one.
//!
//! From the bottom up: `demand` is what one job needs and what it pays; `grid` divides time into
//! intervals of one price each; `prices` searches for the prices.

mod demand;
mod grid;
mod priced_time;
mod prices;

use crate::cluster::Shape;
use crate::job::{JobId, JobSpec};
use crate::profile::SpeedModel;
use crate::sim::Scenario;
use crate::units::{Iterations, SimDuration, SimTime};

use demand::Demand;
use grid::Grid;
use prices::{Prices, search};

pub use priced_time::PricedTime;

/// What is added to the value before it is rounded down: a bound that is whole but for rounding
/// must not lose a job.
const TOLERANCE: f64 = 1e-6;

/// The most deadlines that anyone could meet, and the prices that prove it.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// SLO jobs that could be met, each alone on the cluster; before the cut, if there is one.
    pub feasible: u64,
    /// No schedule meets more SLO jobs than this.
    pub bound: u64,
    /// The value of the bound before it is rounded down.
    pub value: f64,
    /// When a GPU-second has a price, in the order of time: the cluster is short then.
    pub prices: Vec<PricedTime>,
    /// The jobs that could be met alone and pay at least one deadline for it, in the order of the
    /// trace: the bound counts none of them.
    pub priced_out: Vec<PricedOut>,
}

/// A job that pays at least one deadline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PricedOut {
    /// The job.
    pub job: JobId,
    /// At least this much, in deadlines.
    pub cost: f64,
}

impl Bound {
    /// Computes the bound of a scenario, whatever its scheduler. With a cut, the jobs count that
    /// are submitted and met by then.
    ///
    /// # Errors
    ///
    /// With the reason, if the speed of a job on so many GPUs is not one number.
    pub fn of(scenario: &Scenario) -> Result<Bound, String> {
        let (truth, cluster) = (&*scenario.truth, &scenario.cluster);
        check_speeds(scenario)?;
        let cut = scenario.until.unwrap_or(SimTime::NEVER);
        let mut demands = Vec::new();
        for job in scenario.workload.jobs() {
            let Some(deadline) = job.deadline.map(|deadline| deadline.min(cut)) else { continue };
            if job.submit <= cut && is_feasible(scenario, job, deadline) {
                demands.push(Demand::new(job, deadline, &speeds(truth, cluster, job)));
            }
        }
        let grid = Grid::new(&demands);
        let found = search(&demands, &grid, cluster.gpus());
        Ok(Bound::from_prices(&demands, &grid, &found))
    }

    fn from_prices(demands: &[Demand], grid: &Grid, found: &Prices) -> Bound {
        let feasible = demands.len() as u64;
        let priced = |k: &usize| found.prices[*k] > 0.0;
        let mut prices: Vec<PricedTime> = Vec::new();
        for k in (0..grid.len()).filter(priced) {
            let (from, until) = grid.interval(k);
            let price = found.prices[k];
            match prices.last_mut().filter(|last| last.until == from && last.price == price) {
                Some(last) => last.until = until,
                None => prices.push(PricedTime { from, until, price }),
            }
        }
        let out = demands.iter().zip(&found.costs).filter(|(_, cost)| **cost >= 1.0);
        Bound {
            feasible,
            bound: ((found.value + TOLERANCE).floor() as u64).min(feasible),
            value: found.value,
            prices,
            priced_out: out.map(|(demand, cost)| PricedOut { job: demand.job, cost: *cost }).collect(),
        }
    }

    /// Returns for how long a GPU-second has a price.
    pub fn short(&self) -> SimDuration {
        self.prices.iter().map(|time| time.until.since(time.from)).sum()
    }
}

/// Computes the value that given prices prove, by itself and from nothing but them.
///
/// # Errors
///
/// As [`Bound::of`].
pub fn value_of(scenario: &Scenario, prices: &[PricedTime]) -> Result<f64, String> {
    check_speeds(scenario)?;
    let (truth, cluster) = (&*scenario.truth, &scenario.cluster);
    let cut = scenario.until.unwrap_or(SimTime::NEVER);
    let gpus = f64::from(cluster.gpus().get());
    let paid = prices.iter().map(|time| time.price * time.until.since(time.from).as_secs_f64());
    let mut value = gpus * paid.sum::<f64>();
    for job in scenario.workload.jobs() {
        let Some(deadline) = job.deadline.map(|deadline| deadline.min(cut)) else { continue };
        if job.submit <= cut && is_feasible(scenario, job, deadline) {
            let demand = Demand::new(job, deadline, &speeds(truth, cluster, job));
            value += (1.0 - demand.cost_at(prices)).max(0.0);
        }
    }
    Ok(value)
}

/// Fails with the reason where a bound would need more than one speed for a job.
fn check_speeds(scenario: &Scenario) -> Result<(), String> {
    let truth = &*scenario.truth;
    let varies =
        |job: &JobSpec| truth.batch_limits(job).is_some() || truth.until(job, Iterations::ZERO).is_some();
    match scenario.workload.jobs().iter().find(|job| varies(job)) {
        None => Ok(()),
        Some(job) => Err(format!(
            "the speed of job `{}` on so many GPUs is not one number: its batch size may be chosen, or its speed changes",
            job.name
        )),
    }
}

/// Returns the GPU counts worth giving to a job on the cluster, with the iterations per second on
/// each.
fn speeds(truth: &dyn SpeedModel, cluster: &Shape, job: &JobSpec) -> Vec<(f64, f64)> {
    let sizes = truth.sizes(job).iter().filter(|gpus| **gpus <= cluster.gpus());
    let point = |gpus: &crate::units::Gpus| {
        let nodes = cluster.fewest_nodes(*gpus);
        let configuration = crate::profile::Configuration { nodes, gpus: *gpus, batch: job.batch_size };
        let rate = truth.rate(job, Iterations::ZERO, &configuration)?;
        Some((f64::from(gpus.get()), rate.get()))
    };
    sizes.filter_map(point).collect()
}

/// Returns whether a job can be met alone, by the law of `feasible_alone`.
fn is_feasible(scenario: &Scenario, job: &JobSpec, deadline: SimTime) -> bool {
    let judged = JobSpec { deadline: Some(deadline), ..job.clone() };
    crate::sim::alone(scenario, &judged).feasible == Some(true)
}

#[cfg(test)]
mod tests;
