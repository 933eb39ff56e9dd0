//! Cluster efficiency: how much faster jobs run than on one GPU each, for each GPU there is.

use crate::state::JobState;
use crate::units::{Gpus, SimDuration, SimTime};

/// The integral over time of rate(g) ÷ rate(1), summed over running jobs. The sum is kept in
/// integers, so that it does not depend on the order of its terms.
#[derive(Debug, Default)]
pub(super) struct EfficiencyIntegral {
    /// Relative speed in units of 1 / [`ONE`], times microseconds.
    sum: u128,
}

/// What stands for a relative speed of 1 in the integral.
const ONE: f64 = (1u64 << 32) as f64;

impl EfficiencyIntegral {
    /// Adds what a job has run at its present speed, from its last change of speed to `now`.
    pub(super) fn add(&mut self, state: &JobState, now: SimTime) {
        if !state.gpus.is_zero() {
            let held = state.progress.held(now).as_micros();
            self.sum += u128::from((state.relative * ONE) as u64) * u128::from(held);
        }
    }

    /// Returns the average over `span` for each of `gpus` GPUs; 0 for an empty span.
    pub(super) fn average(&self, gpus: Gpus, span: SimDuration) -> f64 {
        let span = span.as_micros() as f64 * f64::from(gpus.get());
        if span > 0.0 { self.sum as f64 / ONE / span } else { 0.0 }
    }
}
