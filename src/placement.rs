//! Which GPUs a job gets, once the scheduler has said how many.

mod buddy;
mod first_fit;

use std::collections::BTreeSet;

use crate::cluster::{Cluster, NodeSet, Shape};
use crate::job::JobId;
use crate::units::Gpus;

/// Finds nodes for jobs.
pub trait Placer {
    /// Places every request, all of which together fit the free GPUs. May move other holders but
    /// not the pinned ones, and returns whom it moved with what each held before. Afterwards
    /// everybody holds as many GPUs as asked for.
    fn place(
        &mut self,
        cluster: &mut Cluster,
        requests: &[(JobId, Gpus)],
        pinned: &BTreeSet<JobId>,
    ) -> Vec<(JobId, NodeSet)>;
}

/// A placer as the rest of the program knows it.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The name on the command line and in every file.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// Whether it can work on such a cluster; otherwise why not, and what can.
    pub check: fn(&Shape) -> Result<(), String>,
    /// Makes one.
    pub build: fn() -> Box<dyn Placer>,
}

/// Every placer, the default first.
pub fn entries() -> &'static [Entry] {
    &[buddy::ENTRY, first_fit::ENTRY]
}

/// The placer with this name.
///
/// # Errors
///
/// If there is none, with the names there are.
pub fn entry(name: &str) -> Result<&'static Entry, String> {
    entries().iter().find(|e| e.name == name).ok_or_else(|| {
        let known = entries().iter().map(|e| e.name).collect::<Vec<_>>().join(", ");
        format!("unknown placer `{name}`; known are {known}")
    })
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Takes `gpus` of the free GPUs from the given nodes, all that each has free, in their order.
fn take(cluster: &Cluster, nodes: impl IntoIterator<Item = usize>, gpus: Gpus) -> NodeSet {
    let mut set = NodeSet::default();
    let mut left = gpus;
    for node in nodes {
        let part = left.min(cluster.free()[node]);
        if !part.is_zero() {
            set.add(crate::cluster::NodeId(node as u32), part);
            left -= part;
        }
        if left.is_zero() {
            break;
        }
    }
    assert!(left.is_zero(), "{left} of {gpus} GPUs find no place; the plan grants more than is free");
    set
}
