//! The input of a search: the jobs, and the rule where two of them meet.

use serde::Deserialize;

/// What a job brings into the search.
pub(in crate::scheduler::pollux) struct SearchJob<'a> {
    /// The GPUs in force, by node.
    pub(in crate::scheduler::pollux) current: Vec<u8>,
    /// The most GPUs that it may have.
    pub(in crate::scheduler::pollux) cap: u32,
    /// The counts on which it can run, ascending; `None` if it can run on every count.
    pub(in crate::scheduler::pollux) counts: Option<&'a [u32]>,
    /// The share of its time, 0 to 1, that a job keeps if its row changes.
    pub(in crate::scheduler::pollux) after_change: f64,
    /// Returns its speed relative to that at its fair share: on one node (false) or several (true),
    /// and on so many GPUs.
    pub(in crate::scheduler::pollux) speedup: Box<dyn FnMut(bool, u32) -> f64 + 'a>,
}

/// The job that gives way where a second job that spans several nodes meets a first one on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::scheduler::pollux) enum Interference {
    /// The second job, on that node.
    Spread,
    /// The second job and every later row, whether it spans several nodes or not: the artifact's
    /// cumulative mask.
    AllLater,
}
