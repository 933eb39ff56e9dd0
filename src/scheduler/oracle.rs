//! What no real cluster could know.

use crate::job::JobSpec;

use super::View;

/// Knowledge of the future, for policies that are defined by it.
///
/// A policy that asks the oracle cannot be deployed as it stands. Its [`Entry`](super::Entry) says
/// what it asks for, after `oracle:`; a test checks that exactly the policies that say so ask.
#[derive(Clone, Copy)]
pub struct Oracle<'a> {
    jobs: &'a [JobSpec],
}

impl<'a> Oracle<'a> {
    /// Returns every job of the trace, those that are not yet submitted among them, in the order of
    /// the trace: the place of a job is its id.
    pub fn jobs(&self) -> &'a [JobSpec] {
        self.jobs
    }
}

impl<'a> View<'a> {
    /// Returns what a real cluster could not know.
    pub fn oracle(&self) -> Oracle<'a> {
        Oracle { jobs: self.workload.jobs() }
    }
}
