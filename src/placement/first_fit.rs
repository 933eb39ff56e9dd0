//! First fit: a job gets the first node with room for all of it, or else the free GPUs of node
//! after node. No job is moved.

use std::collections::BTreeSet;

use crate::cluster::{Cluster, NodeSet};
use crate::job::JobId;
use crate::units::Gpus;

use super::placer::{Placer, PlacerEntry, take_free};

pub(super) const ENTRY: PlacerEntry = PlacerEntry {
    name: "first-fit",
    summary: "the first node with room, else node after node; no job is moved; any node sizes",
    check: |_| Ok(()),
    build: || Box::new(FirstFit),
};

struct FirstFit;

impl Placer for FirstFit {
    fn place(
        &mut self,
        cluster: &mut Cluster,
        requests: &[(JobId, Gpus)],
        _pinned: &BTreeSet<JobId>,
    ) -> Vec<(JobId, NodeSet)> {
        for (job, gpus) in requests {
            let set = match cluster.free().iter().position(|free| free >= gpus) {
                Some(node) => take_free(cluster, [node], *gpus),
                // Whole nodes first, so that a large job is on no more nodes than it must be where
                // they are free.
                None => {
                    let is_whole = |node: &usize| cluster.free()[*node] == cluster.shape().nodes()[*node];
                    let (whole, parts): (Vec<_>, Vec<_>) = (0..cluster.free().len()).partition(is_whole);
                    let order = whole.into_iter().chain(parts);
                    take_free(cluster, order, *gpus)
                }
            };
            cluster.hold(*job, set);
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Shape;

    #[test]
    fn the_first_node_with_room_is_taken_and_large_jobs_take_whole_nodes_first() {
        let mut cluster = Cluster::new(Shape::new([4, 8, 8].map(Gpus::new).to_vec()).unwrap());
        let requests = [(0, 3), (1, 2), (2, 12)].map(|(job, gpus)| (JobId(job), Gpus::new(gpus)));
        assert!(FirstFit.place(&mut cluster, &requests, &BTreeSet::new()).is_empty());
        let sets: Vec<_> = cluster.holdings().map(|(_, set)| set.to_string()).collect();
        // 12 GPUs: the whole node 2, then what is free of the others.
        assert_eq!(sets, ["0:3", "1:2", "0:1 1:3 2:8"]);
    }
}
