//! What no real cluster could know.

use crate::job::JobSpec;

use super::View;

/// Knowledge of the future, for policies that are defined by it.
///
/// A policy that asks here cannot be deployed as it stands; its [`Entry`](super::Entry) says what
/// it asks for.
#[derive(Clone, Copy)]
pub struct Oracle<'a> {
    jobs: &'a [JobSpec],
}

impl<'a> Oracle<'a> {
    /// Every job of the trace in the trace's order, those not yet submitted among them.
    pub fn jobs(&self) -> &'a [JobSpec] {
        self.jobs
    }
}

impl<'a> View<'a> {
    /// What a real cluster could not know.
    pub fn oracle(&self) -> Oracle<'a> {
        Oracle { jobs: self.workload.jobs() }
    }
}
