//! The discrete-event simulation: the scheduler decides, the simulation acts.
//!
//! [`simulate`] is the one door. It replays a [`Scenario`]: jobs arrive, run and complete; a
//! scheduling pass follows arrivals and completions (no sooner than one slot after the last pass)
//! and every wake-up that the scheduler asked for. Each pass has three steps. The scheduler makes a
//! plan, `validate` turns it into changes or refuses it, and `apply` carries the changes out. This
//! module names no policy and no placer, and opens no file.

mod alone;
mod apply;
mod conservation;
mod efficiency;
mod error;
mod event_loop;
mod plan_limit;
mod queue;
mod scenario;
mod simulation;
mod validate;

use crate::record::Observer;
use crate::scheduler::Scheduler;

pub use alone::alone;
pub use error::{PlanFault, SimError};
pub use scenario::{Outcome, Scenario, Totals};

/// Runs a scenario from the first arrival to the last completion, or to [`Scenario::until`].
///
/// `observer` hears of every event in the order in which it happens; the events are those of
/// [`Happened`](crate::record::Happened). The same scenario brings the same events and the same
/// outcome, to the byte.
///
/// An event that causes no scheduling pass costs O(log n) in the events to come. A pass costs what
/// the policy does, plus time in proportion to the grants of the plan and the jobs that hold GPUs.
///
/// # Errors
///
/// - [`SimError::Scenario`] if the scenario contradicts itself. Nothing has happened then, and the
///   observer has heard nothing.
/// - [`SimError::IllegalPlan`] if the scheduler makes a plan that cannot be carried out. The
///   observer has heard nothing of that plan.
/// - [`SimError::Record`] with the first error that the observer returns. The run stops at once.
/// - [`SimError::Stall`], [`SimError::Runaway`] and [`SimError::ClockOverflow`] as they say.
///
/// # Panics
///
/// If an invariant is broken: a placer, a speed model or an overhead does not keep the contract of
/// its trait, or the simulation has miscounted.
pub fn simulate(scenario: &Scenario, observer: &mut dyn Observer) -> Result<Outcome, SimError> {
    let entry = scenario.scheduler;
    let scheduler = (entry.build)(&scenario.options, scenario.seed)
        .map_err(|why| SimError::Scenario(format!("options of `{}`: {why}", entry.name)))?;
    simulate_with(scenario, scheduler, observer)
}

/// Runs a scenario under a scheduler that was built from the scenario's options and has planned
/// nothing.
///
/// # Errors
///
/// As [`simulate`].
///
/// # Panics
///
/// As [`simulate`].
pub fn simulate_with(
    scenario: &Scenario,
    scheduler: Box<dyn Scheduler>,
    observer: &mut dyn Observer,
) -> Result<Outcome, SimError> {
    event_loop::EventLoop::new(scenario, scheduler, observer)?.run()
}

#[cfg(test)]
mod tests;
