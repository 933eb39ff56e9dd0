//! Nodes, their GPUs, and the jobs that hold them.
//!
//! The GPUs of a node are alike (they are joined all to all), so a holding says how many GPUs of
//! which nodes, not which ones. The cluster refuses to hold more than there is.

use std::collections::BTreeMap;
use std::fmt;

use crate::job::JobId;
use crate::units::Gpus;

/// A node's place in the cluster, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    /// Returns the place as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The sizes of a cluster's nodes, in GPUs. The default is the paper's: 16 nodes of 8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    nodes: Vec<Gpus>,
    node_size: Option<Gpus>,
}

/// Why node sizes do not make a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// There is no node.
    #[error("a cluster has at least one node")]
    NoNodes,
    /// This node, from 0, has no GPUs.
    #[error("node {0} has no GPU; every node has at least one")]
    EmptyNode(usize),
    /// There are more than [`Shape::LIMIT`] GPUs.
    #[error("more than {} GPUs; a cluster has at most that many", Shape::LIMIT)]
    TooLarge,
}

impl Default for Shape {
    fn default() -> Shape {
        let size = Gpus::new(8);
        Shape { nodes: vec![size; 16], node_size: Some(size) }
    }
}

impl Shape {
    /// The largest number of GPUs in a cluster.
    pub const LIMIT: u64 = 1_000_000;

    /// Makes a cluster of nodes with these sizes, in their order.
    ///
    /// # Errors
    ///
    /// If there is no node, a node has no GPUs, or there are more than [`Shape::LIMIT`] GPUs.
    pub fn new(nodes: Vec<Gpus>) -> Result<Shape, ShapeError> {
        if nodes.is_empty() {
            return Err(ShapeError::NoNodes);
        }
        if let Some(node) = nodes.iter().position(|size| size.is_zero()) {
            return Err(ShapeError::EmptyNode(node));
        }
        if nodes.iter().map(|size| u64::from(size.get())).sum::<u64>() > Shape::LIMIT {
            return Err(ShapeError::TooLarge);
        }
        let one_size = nodes.iter().all(|size| *size == nodes[0]);
        Ok(Shape { node_size: one_size.then_some(nodes[0]), nodes })
    }

    /// Makes a cluster of `nodes` nodes of `gpus` GPUs each.
    ///
    /// # Errors
    ///
    /// As [`Shape::new`].
    pub fn uniform(nodes: u32, gpus: Gpus) -> Result<Shape, ShapeError> {
        if u64::from(nodes) * u64::from(gpus.get()) > Shape::LIMIT {
            return Err(ShapeError::TooLarge);
        }
        Shape::new(vec![gpus; nodes as usize])
    }

    /// Returns the size of every node.
    pub fn nodes(&self) -> &[Gpus] {
        &self.nodes
    }

    /// Returns the GPUs of all nodes together.
    pub fn gpus(&self) -> Gpus {
        self.nodes.iter().copied().sum()
    }

    /// Returns the size that all nodes have; `None` if sizes differ.
    pub fn node_size(&self) -> Option<Gpus> {
        self.node_size
    }

    /// Returns the smallest number of nodes that `gpus` GPUs fit on while the cluster is empty.
    ///
    /// Costs O(1) where nodes have one size, else O(n log n) in the nodes. For more GPUs than the
    /// cluster has it counts on with nodes of the one size, or returns the number of all nodes.
    pub fn fewest_nodes(&self, gpus: Gpus) -> u32 {
        match self.node_size {
            Some(size) => gpus.get().div_ceil(size.get()),
            None => self.packed(gpus).nodes(),
        }
    }

    /// Returns `gpus` GPUs on as few nodes of the empty cluster as they fit on: the largest nodes
    /// first, the first of equal ones first. All GPUs if there are not as many.
    pub fn packed(&self, gpus: Gpus) -> NodeSet {
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        order.sort_by_key(|node| (std::cmp::Reverse(self.nodes[*node]), *node));
        let mut set = NodeSet::default();
        let mut left = gpus;
        for node in order {
            let take = left.min(self.nodes[node]);
            if !take.is_zero() {
                set.add(NodeId(node as u32), take);
                left -= take;
            }
        }
        set
    }
}

impl fmt::Display for Shape {
    /// Writes `16x8`, or `2x8+1x4` where sizes differ.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, group) in self.nodes.chunk_by(|a, b| a == b).enumerate() {
            let plus = if n > 0 { "+" } else { "" };
            write!(f, "{plus}{}x{}", group.len(), group[0])?;
        }
        Ok(())
    }
}

/// GPUs of one or more nodes, ascending by node; no count is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeSet(Vec<(NodeId, Gpus)>);

impl NodeSet {
    /// Makes a set of GPUs of one node.
    ///
    /// # Panics
    ///
    /// If they are none.
    pub fn of(node: NodeId, gpus: Gpus) -> NodeSet {
        let mut set = NodeSet::default();
        set.add(node, gpus);
        set
    }

    /// Adds GPUs of a node.
    ///
    /// # Panics
    ///
    /// If they are none.
    pub fn add(&mut self, node: NodeId, gpus: Gpus) {
        assert!(!gpus.is_zero(), "a set has at least one GPU of each of its nodes, none of node {}", node.0);
        match self.0.binary_search_by_key(&node, |part| part.0) {
            Ok(place) => self.0[place].1 += gpus,
            Err(place) => self.0.insert(place, (node, gpus)),
        }
    }

    /// Returns the nodes with the number of GPUs of each, ascending by node.
    pub fn parts(&self) -> &[(NodeId, Gpus)] {
        &self.0
    }

    /// Returns the number of GPUs.
    pub fn gpus(&self) -> Gpus {
        self.0.iter().map(|part| part.1).sum()
    }

    /// Returns the number of nodes.
    pub fn nodes(&self) -> u32 {
        self.0.len() as u32
    }
}

impl fmt::Display for NodeSet {
    /// Writes `3:4` for 4 GPUs of node 3, and joins more nodes by spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (node, gpus)) in self.0.iter().enumerate() {
            let space = if n > 0 { " " } else { "" };
            write!(f, "{space}{}:{gpus}", node.0)?;
        }
        Ok(())
    }
}

/// The nodes of a cluster with the jobs that hold their GPUs.
#[derive(Clone, Debug)]
pub struct Cluster {
    shape: Shape,
    /// The GPUs of each node that no job holds.
    free: Vec<Gpus>,
    total: Gpus,
    /// The sum of what is held.
    busy: Gpus,
    held: BTreeMap<JobId, NodeSet>,
}

impl Cluster {
    /// Makes a cluster of which nothing is held.
    pub fn new(shape: Shape) -> Cluster {
        Cluster {
            free: shape.nodes.clone(),
            total: shape.gpus(),
            busy: Gpus::ZERO,
            held: BTreeMap::new(),
            shape,
        }
    }

    /// Returns the nodes and their sizes.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Returns the number of all GPUs.
    pub fn gpus(&self) -> Gpus {
        self.total
    }

    /// Returns the number of GPUs that are held.
    pub fn busy(&self) -> Gpus {
        self.busy
    }

    /// Returns the number of free GPUs of every node.
    pub fn free(&self) -> &[Gpus] {
        &self.free
    }

    /// Returns what a job holds; `None` if it holds nothing. A rotation holds its GPUs under the
    /// name of its first job.
    pub fn holding(&self, job: JobId) -> Option<&NodeSet> {
        self.held.get(&job)
    }

    /// Returns whether the free GPUs include these; false where the cluster has no such node.
    pub fn has_free(&self, set: &NodeSet) -> bool {
        set.0.iter().all(|(node, gpus)| self.free.get(node.index()).is_some_and(|free| gpus <= free))
    }

    /// Returns every job that holds GPUs, with what it holds, ascending by id.
    pub fn holdings(&self) -> impl ExactSizeIterator<Item = (JobId, &NodeSet)> {
        self.held.iter().map(|(job, set)| (*job, set))
    }

    /// Gives `set` to `job`.
    ///
    /// # Panics
    ///
    /// If the set is empty, the job holds something already, or a node has fewer free GPUs: a
    /// placer has miscounted.
    pub fn hold(&mut self, job: JobId, set: NodeSet) {
        assert!(!set.0.is_empty(), "{job:?} is to hold no GPUs; a job that holds none is no holder");
        for (node, gpus) in &set.0 {
            let free = &mut self.free[node.index()];
            assert!(*gpus <= *free, "{gpus} GPUs of node {} are taken for {job:?}, {free} are free", node.0);
            *free -= *gpus;
            self.busy += *gpus;
        }
        let before = self.held.insert(job, set);
        assert!(before.is_none(), "{job:?} holds two node sets");
    }

    /// Takes back what `job` holds, and returns it; `None` if it holds nothing.
    pub fn release(&mut self, job: JobId) -> Option<NodeSet> {
        let set = self.held.remove(&job)?;
        for (node, gpus) in &set.0 {
            self.free[node.index()] += *gpus;
            self.busy -= *gpus;
        }
        Some(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(parts: &[(u32, u32)]) -> NodeSet {
        let mut set = NodeSet::default();
        for (node, gpus) in parts {
            set.add(NodeId(*node), Gpus::new(*gpus));
        }
        set
    }

    #[test]
    fn a_cluster_counts_what_is_held() {
        let mut cluster = Cluster::new(Shape::uniform(2, Gpus::new(8)).unwrap());
        cluster.hold(JobId(0), set(&[(0, 8), (1, 4)]));
        assert_eq!((cluster.busy().get(), cluster.free()[1].get()), (12, 4));
        assert_eq!(cluster.release(JobId(0)).map(|held| held.to_string()).as_deref(), Some("0:8 1:4"));
        assert_eq!(cluster.release(JobId(0)), None);
        assert_eq!(cluster.busy(), Gpus::ZERO);
    }

    #[test]
    #[should_panic(expected = "9 GPUs of node 0 are taken")]
    fn a_cluster_refuses_overcommitment() {
        let mut cluster = Cluster::new(Shape::uniform(1, Gpus::new(8)).unwrap());
        cluster.hold(JobId(0), set(&[(0, 9)]));
    }

    #[test]
    #[should_panic(expected = "JobId(0) is to hold no GPUs")]
    fn a_cluster_refuses_a_holder_without_gpus() {
        Cluster::new(Shape::default()).hold(JobId(0), NodeSet::default());
    }

    #[test]
    #[should_panic(expected = "a set has at least one GPU of each of its nodes, none of node 3")]
    fn a_set_refuses_a_node_without_gpus() {
        NodeSet::of(NodeId(3), Gpus::ZERO);
    }

    #[test]
    fn shapes_are_checked_and_named() {
        assert_eq!(Shape::default().to_string(), "16x8");
        let mixed = Shape::new([8, 8, 4].map(Gpus::new).to_vec()).unwrap();
        assert_eq!((mixed.to_string().as_str(), mixed.gpus().get()), ("2x8+1x4", 20));
        assert_eq!(mixed.fewest_nodes(Gpus::new(9)), 2);
        assert_eq!(Shape::new(vec![]), Err(ShapeError::NoNodes));
        assert_eq!(Shape::new(vec![Gpus::ZERO]), Err(ShapeError::EmptyNode(0)));
        assert_eq!(Shape::uniform(u32::MAX, Gpus::new(8)), Err(ShapeError::TooLarge));
    }
}
