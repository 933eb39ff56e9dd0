//! The work of a job: what it trains, at which batch size, for how many iterations.
//!
//! A format gives it in one of three ways, each with a file below: [`stated`] row by row, [`drawn`]
//! with the trace seed, or by the name of an [`application`]. [`source`] chooses among them.

use crate::profile::Curve;
use crate::trace::cell::Cell;
use crate::trace::problem::Problem;
use crate::units::{Gpus, Iterations, SimTime};
use crate::workload::ITERATIONS_LIMIT;

mod application;
mod drawn;
pub(super) mod source;
mod stated;

/// What a job does, as opposed to when it does it and on how many GPUs.
pub(super) struct JobWork {
    pub(super) model: String,
    /// Global batch size, in samples per iteration.
    pub(super) batch_size: u32,
    pub(super) iterations: Iterations,
}

/// Checks that a job's work can be counted, and that the job ends before the clock does on every
/// measured number of GPUs, whatever policy runs it.
///
/// # Errors
///
/// A problem with `cell`, the value from which the work follows.
fn check_ends(cell: Cell<'_>, iterations: Iterations, curve: &Curve) -> Result<(), Problem> {
    if iterations.get() > ITERATIONS_LIMIT {
        return Err(cell.problem("is more than 1000000000000 iterations of work; give less"));
    }
    let Some(gpus) = too_long_on(iterations, curve) else { return Ok(()) };
    let plural = if gpus == Gpus::ONE { "" } else { "s" };
    Err(cell.problem(format!(
        "is too much work: {iterations} iterations on {gpus} GPU{plural} take more than 10000000000 s; give less"
    )))
}

/// Returns the measured number of GPUs on which a job is slowest, if the job would run there beyond
/// [`SimTime::LIMIT`] or has more iterations than can be counted.
pub(super) fn too_long_on(iterations: Iterations, curve: &Curve) -> Option<Gpus> {
    let by_rate = curve.measured().iter().min_by(|a, b| a.1.get().total_cmp(&b.1.get()));
    let (gpus, rate) = by_rate.expect("a curve has at least one measurement");
    let ends = iterations.get() / rate.get() <= SimTime::LIMIT.as_secs_f64();
    (iterations.get() > ITERATIONS_LIMIT || !ends).then_some(*gpus)
}
