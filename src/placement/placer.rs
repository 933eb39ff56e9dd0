//! What a placer is.

use std::collections::BTreeSet;
use std::fmt;

use crate::cluster::{Cluster, NodeId, NodeSet, Shape};
use crate::job::JobId;
use crate::units::Gpus;

/// Finds nodes for jobs.
pub trait Placer {
    /// Gives nodes to every request with [`Cluster::hold`]: the holder gets exactly as many GPUs as
    /// it requests. Returns the holders that were moved for that, each with what it held before the
    /// call.
    ///
    /// The caller guarantees that no request is for 0 GPUs, that its job holds nothing, that no job
    /// occurs twice, and that all requests together fit the free GPUs of the cluster. The order of
    /// the requests is that in which grants claim nodes.
    ///
    /// Any holder that is not pinned may be moved; it keeps its number of GPUs. A holder whose
    /// nodes are the same again afterwards may be among those returned. The simulation checks the
    /// requests and the returned holders after every call and panics if the contract is broken;
    /// builds with debug assertions also find a holder that was moved and not returned.
    ///
    /// The same cluster and requests bring the same result: a placer draws no random numbers. One
    /// call a plan; it should cost no more than O(n) in the nodes for each request.
    fn place(
        &mut self,
        cluster: &mut Cluster,
        requests: &[(JobId, Gpus)],
        pinned: &BTreeSet<JobId>,
    ) -> Vec<(JobId, NodeSet)>;
}

/// A placer in the table of placers.
#[derive(Clone, Copy)]
pub struct PlacerEntry {
    /// The name on the command line and in every file.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// Checks that it can work on a cluster of this shape; otherwise says why not, and what can.
    pub check: fn(&Shape) -> Result<(), String>,
    /// Makes the placer of one run.
    pub build: fn() -> Box<dyn Placer>,
}

impl fmt::Debug for PlacerEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlacerEntry").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Returns `gpus` of the free GPUs of the given nodes: all that each has free, in their order.
///
/// # Panics
///
/// If they have fewer free GPUs together.
pub(super) fn take_free(cluster: &Cluster, nodes: impl IntoIterator<Item = usize>, gpus: Gpus) -> NodeSet {
    let mut set = NodeSet::default();
    let mut left = gpus;
    for node in nodes {
        let part = left.min(cluster.free()[node]);
        if !part.is_zero() {
            set.add(NodeId(node as u32), part);
            left -= part;
        }
        if left.is_zero() {
            break;
        }
    }
    assert!(left.is_zero(), "{left} of {gpus} GPUs find no node, but all requests fit the free GPUs");
    set
}
