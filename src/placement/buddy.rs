//! Buddy placement (ElasticFlow, section 4.3): a job's GPUs form an aligned block, inside one node
//! or of a power of two of whole neighbouring nodes. Where no such block is free, smaller jobs are
//! moved out of one. Where pinned jobs or odd sizes do not allow that, the job is split over more
//! nodes than it needs.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::cluster::{Cluster, NodeSet, Shape};
use crate::job::JobId;
use crate::units::Gpus;

use super::placer::{Placer, PlacerEntry, take_free};

pub(super) const ENTRY: PlacerEntry = PlacerEntry {
    name: "buddy",
    summary: "aligned power-of-two blocks, moving smaller jobs out of the way (default)",
    check,
    build: || Box::new(Buddy),
};

fn check(shape: &Shape) -> Result<(), String> {
    match shape.node_size() {
        Some(size) if size.get().is_power_of_two() => Ok(()),
        Some(size) => Err(format!(
            "buddy placement needs nodes of a power of two of GPUs, these have {size}; use --placer first-fit"
        )),
        None => Err(format!(
            "buddy placement needs nodes of one size, the cluster is {shape}; use --placer first-fit"
        )),
    }
}

struct Buddy;

impl Placer for Buddy {
    fn place(
        &mut self,
        cluster: &mut Cluster,
        requests: &[(JobId, Gpus)],
        pinned: &BTreeSet<JobId>,
    ) -> Vec<(JobId, NodeSet)> {
        // Largest first: with powers of two and no pinned job, that always finds aligned blocks.
        let mut waiting: BTreeSet<(Reverse<Gpus>, JobId)> =
            requests.iter().map(|(job, gpus)| (Reverse(*gpus), *job)).collect();
        let mut moved = BTreeMap::new();
        while let Some((Reverse(gpus), job)) = waiting.pop_first() {
            let set = free_block(cluster, gpus).or_else(|| {
                for other in cheapest_eviction(cluster, gpus, pinned)? {
                    let before = cluster.release(other).expect("only a job that holds GPUs is evicted");
                    waiting.insert((Reverse(before.gpus()), other));
                    // A job that is moved twice in one call comes from where it was first; a new
                    // request comes from nowhere.
                    if requests.iter().all(|(new, _)| *new != other) {
                        moved.entry(other).or_insert(before);
                    }
                }
                free_block(cluster, gpus)
            });
            let set = set.unwrap_or_else(|| roomiest_nodes(cluster, gpus));
            cluster.hold(job, set);
        }
        moved.into_iter().collect()
    }
}

/// Returns the number of neighbouring nodes in the aligned block of a job: 1 for a job that fits a
/// node, else a power of two.
fn block_nodes(cluster: &Cluster, gpus: Gpus) -> usize {
    let node = cluster.shape().nodes()[0].get();
    (gpus.get().div_ceil(node)).next_power_of_two() as usize
}

/// Returns a free aligned block: on the fullest node with room for a job that fits a node, else the
/// first block of whole nodes.
fn free_block(cluster: &Cluster, gpus: Gpus) -> Option<NodeSet> {
    let free = cluster.free();
    let nodes = block_nodes(cluster, gpus);
    if nodes == 1 {
        let node = (0..free.len()).filter(|node| free[*node] >= gpus).min_by_key(|node| free[*node])?;
        return Some(take_free(cluster, [node], gpus));
    }
    let size = cluster.shape().nodes()[0];
    let needed = gpus.get().div_ceil(size.get()) as usize;
    (0..free.len() / nodes).find_map(|block| {
        let is_whole = |node: &usize| free[*node] == size;
        let range = block * nodes..(block + 1) * nodes;
        let enough = range.clone().filter(is_whole).count() >= needed;
        enough.then(|| take_free(cluster, range.filter(is_whole), gpus))
    })
}

/// The holders with GPUs on each node: the GPUs of each, on all its nodes, and its job.
type HoldersByNode = Vec<Vec<(Gpus, JobId)>>;

/// Returns the jobs that must leave for an aligned block to become free, at the fewest GPUs moved;
/// `None` if no block can be freed. Only jobs smaller than the new one leave, so that moving ends.
fn cheapest_eviction(cluster: &Cluster, gpus: Gpus, pinned: &BTreeSet<JobId>) -> Option<Vec<JobId>> {
    let nodes = block_nodes(cluster, gpus);
    let mut holders: HoldersByNode = vec![Vec::new(); cluster.free().len()];
    for (job, set) in cluster.holdings() {
        for (node, _) in set.parts() {
            holders[node.index()].push((set.gpus(), job));
        }
    }
    let stays = |(size, job): &(Gpus, JobId)| *size >= gpus || pinned.contains(job);
    let mut cheapest: Option<(Gpus, BTreeSet<(Gpus, JobId)>)> = None;
    for block in 0..cluster.free().len() / nodes {
        let leaving = if nodes == 1 {
            leaving_node(cluster, block, &holders[block], gpus, stays)
        } else {
            leaving_nodes(block * nodes..(block + 1) * nodes, &holders, stays)
        };
        let Some(leaving) = leaving else { continue };
        let cost = leaving.iter().map(|(size, _)| *size).sum();
        if cheapest.as_ref().is_none_or(|(least, _)| cost < *least) {
            cheapest = Some((cost, leaving));
        }
    }
    cheapest.map(|(_, leaving)| leaving.into_iter().map(|(_, job)| job).collect())
}

/// Returns the smallest movable jobs on one node without which it has room for `gpus` GPUs; `None`
/// if it has not.
fn leaving_node(
    cluster: &Cluster,
    node: usize,
    holders: &[(Gpus, JobId)],
    gpus: Gpus,
    stays: impl Fn(&(Gpus, JobId)) -> bool,
) -> Option<BTreeSet<(Gpus, JobId)>> {
    let mut room = cluster.free()[node];
    let mut movable: Vec<_> = holders.iter().filter(|holder| !stays(holder)).copied().collect();
    movable.sort_unstable();
    let mut leaving = BTreeSet::new();
    for (size, job) in movable {
        if room >= gpus {
            break;
        }
        let held = cluster.holding(job).expect("a holder on a node holds GPUs");
        room += held.parts().iter().filter(|part| part.0.index() == node).map(|part| part.1).sum();
        leaving.insert((size, job));
    }
    (room >= gpus).then_some(leaving)
}

/// Returns all jobs on a block of nodes; `None` if one of them stays.
fn leaving_nodes(
    block: Range<usize>,
    holders: &HoldersByNode,
    stays: impl Fn(&(Gpus, JobId)) -> bool,
) -> Option<BTreeSet<(Gpus, JobId)>> {
    let jobs = || holders[block.clone()].iter().flatten();
    (!jobs().any(stays)).then(|| jobs().copied().collect())
}

/// Returns free GPUs wherever they are, the last resort: from the roomiest nodes, so that few are
/// needed.
fn roomiest_nodes(cluster: &Cluster, gpus: Gpus) -> NodeSet {
    let mut order: Vec<usize> = (0..cluster.free().len()).collect();
    order.sort_by_key(|node| (Reverse(cluster.free()[*node]), *node));
    take_free(cluster, order, gpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(nodes: u32, size: u32) -> Cluster {
        Cluster::new(Shape::uniform(nodes, Gpus::new(size)).unwrap())
    }

    fn place(cluster: &mut Cluster, requests: &[(u32, u32)], pinned: &[u32]) -> Vec<u32> {
        let requests: Vec<_> = requests.iter().map(|(j, g)| (JobId(*j), Gpus::new(*g))).collect();
        let pinned = pinned.iter().map(|j| JobId(*j)).collect();
        Buddy.place(cluster, &requests, &pinned).into_iter().map(|(job, _)| job.0).collect()
    }

    fn sets(cluster: &Cluster) -> Vec<String> {
        cluster.holdings().map(|(job, set)| format!("{} on {set}", job.0)).collect()
    }

    #[test]
    fn blocks_are_aligned_and_small_jobs_fill_up_nodes() {
        let mut c = cluster(4, 8);
        assert!(place(&mut c, &[(0, 16), (1, 1), (2, 4), (3, 2)], &[]).is_empty());
        assert_eq!(sets(&c), ["0 on 0:8 1:8", "1 on 2:1", "2 on 2:4", "3 on 2:2"]);
    }

    #[test]
    fn smaller_jobs_are_moved_out_of_the_cheapest_block() {
        let mut c = cluster(4, 8);
        place(&mut c, &[(0, 8), (1, 8), (2, 8), (3, 4)], &[]);
        c.release(JobId(1));
        // Free are node 1 and half of node 3: 16 GPUs need nodes 0-1 or 2-3. Moving job 0 costs 8,
        // jobs 2 and 3 cost 12.
        assert_eq!(sets(&c), ["0 on 0:8", "2 on 2:8", "3 on 3:4"]);
        c.release(JobId(2));
        assert_eq!(place(&mut c, &[(4, 16)], &[]), [3]);
        assert_eq!(sets(&c), ["0 on 0:8", "3 on 1:4", "4 on 2:8 3:8"]);
    }

    #[test]
    fn pinned_jobs_stay_and_the_last_resort_is_a_split() {
        let mut c = cluster(2, 8);
        place(&mut c, &[(0, 8), (1, 4)], &[]);
        c.release(JobId(0));
        // Node 0 is free, node 1 has job 1, which must stay: 12 GPUs cannot have an aligned block
        // of two nodes.
        assert!(place(&mut c, &[(2, 12)], &[1]).is_empty());
        assert_eq!(sets(&c), ["1 on 1:4", "2 on 0:8 1:4"]);
    }

    #[test]
    fn every_plan_of_powers_of_two_is_aligned_when_no_job_is_pinned() {
        // All ways to fill 2 nodes of 8 in any order, placed one at a time.
        fn fill(left: u32, sizes: &mut Vec<u32>, check: &mut dyn FnMut(&[u32])) {
            check(sizes);
            for size in [1, 2, 4, 8, 16].into_iter().filter(|s| *s <= left) {
                sizes.push(size);
                fill(left - size, sizes, check);
                sizes.pop();
            }
        }
        let mut plans = 0;
        fill(12, &mut vec![4], &mut |sizes| {
            plans += 1;
            let mut c = cluster(2, 8);
            for (job, size) in sizes.iter().enumerate() {
                place(&mut c, &[(job as u32, *size)], &[]);
            }
            for (_, set) in c.holdings() {
                assert_eq!(set.nodes(), set.gpus().get().div_ceil(8), "{sizes:?}: {set}");
            }
        });
        assert!(plans > 1000);
    }

    #[test]
    fn odd_clusters_are_refused_with_a_way_out() {
        let shape = |nodes: &[u32]| Shape::new(nodes.iter().map(|g| Gpus::new(*g)).collect()).unwrap();
        assert!(check(&shape(&[8, 8])).is_ok());
        assert_eq!(
            check(&shape(&[6, 6])).unwrap_err(),
            "buddy placement needs nodes of a power of two of GPUs, these have 6; use --placer first-fit"
        );
        assert!(check(&shape(&[8, 4])).unwrap_err().contains("the cluster is 1x8+1x4"));
    }
}
