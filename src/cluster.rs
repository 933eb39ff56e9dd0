//! Nodes, their GPUs, and who holds them.
//!
//! Inside a node GPUs are alike (they are joined all to all), so a holding says how many GPUs of
//! which nodes, not which ones. The cluster refuses to hold more than there is.

use std::collections::BTreeMap;
use std::fmt;

use crate::job::JobId;
use crate::units::Gpus;

/// A node's place in the cluster, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The place as an index.
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

/// A cluster that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// No node.
    #[error("a cluster has at least one node")]
    NoNodes,
    /// A node without GPUs.
    #[error("node {0} has no GPU; every node has at least one")]
    EmptyNode(usize),
    /// More than [`Shape::LIMIT`] GPUs.
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
    /// The most GPUs a cluster may have.
    pub const LIMIT: u64 = 1_000_000;

    /// A cluster of nodes with these sizes.
    ///
    /// # Errors
    ///
    /// If there is no node, an empty one, or more than [`Shape::LIMIT`] GPUs.
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

    /// `nodes` nodes of `gpus` GPUs each.
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

    /// The size of every node.
    pub fn nodes(&self) -> &[Gpus] {
        &self.nodes
    }

    /// All GPUs together.
    pub fn gpus(&self) -> Gpus {
        self.nodes.iter().copied().sum()
    }

    /// The size that all nodes have, if they have one size.
    pub fn node_size(&self) -> Option<Gpus> {
        self.node_size
    }

    /// On how few nodes `gpus` GPUs can be on the empty cluster.
    pub fn fewest_nodes(&self, gpus: Gpus) -> u32 {
        match self.node_size {
            Some(size) => gpus.get().div_ceil(size.get()),
            None => self.packed(gpus).nodes(),
        }
    }

    /// `gpus` GPUs on as few nodes of the empty cluster as they fit on: the largest first.
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
    /// `16x8`, or `2x8+1x4` where sizes differ.
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
    /// GPUs of one node.
    pub fn of(node: NodeId, gpus: Gpus) -> NodeSet {
        NodeSet(vec![(node, gpus)])
    }

    /// Adds GPUs of a node.
    pub fn add(&mut self, node: NodeId, gpus: Gpus) {
        match self.0.binary_search_by_key(&node, |part| part.0) {
            Ok(place) => self.0[place].1 += gpus,
            Err(place) => self.0.insert(place, (node, gpus)),
        }
    }

    /// The nodes with how many GPUs of each.
    pub fn parts(&self) -> &[(NodeId, Gpus)] {
        &self.0
    }

    /// How many GPUs.
    pub fn gpus(&self) -> Gpus {
        self.0.iter().map(|part| part.1).sum()
    }

    /// How many nodes.
    pub fn nodes(&self) -> u32 {
        self.0.len() as u32
    }
}

impl fmt::Display for NodeSet {
    /// `3:4` is 4 GPUs of node 3; more nodes are joined by spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (node, gpus)) in self.0.iter().enumerate() {
            let space = if n > 0 { " " } else { "" };
            write!(f, "{space}{}:{gpus}", node.0)?;
        }
        Ok(())
    }
}

/// Who holds which GPUs.
#[derive(Clone, Debug)]
pub struct Cluster {
    shape: Shape,
    free: Vec<Gpus>,
    total: Gpus,
    busy: Gpus,
    held: BTreeMap<JobId, NodeSet>,
}

impl Cluster {
    /// A cluster of which nothing is held.
    pub fn new(shape: Shape) -> Cluster {
        Cluster {
            free: shape.nodes.clone(),
            total: shape.gpus(),
            busy: Gpus::ZERO,
            held: BTreeMap::new(),
            shape,
        }
    }

    /// The nodes.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// All GPUs.
    pub fn gpus(&self) -> Gpus {
        self.total
    }

    /// The GPUs that are held.
    pub fn busy(&self) -> Gpus {
        self.busy
    }

    /// The free GPUs of every node.
    pub fn free(&self) -> &[Gpus] {
        &self.free
    }

    /// What a job holds.
    pub fn holding(&self, job: JobId) -> Option<&NodeSet> {
        self.held.get(&job)
    }

    /// Whether the free GPUs include these.
    pub fn has_free(&self, set: &NodeSet) -> bool {
        set.0.iter().all(|(node, gpus)| self.free.get(node.index()).is_some_and(|free| gpus <= free))
    }

    /// Everybody who holds something, ascending.
    pub fn holdings(&self) -> impl ExactSizeIterator<Item = (JobId, &NodeSet)> {
        self.held.iter().map(|(job, set)| (*job, set))
    }

    /// Gives `set` to `job`.
    ///
    /// # Panics
    ///
    /// If the job holds something already, or a node has less free: a placer has miscounted.
    pub fn hold(&mut self, job: JobId, set: NodeSet) {
        for (node, gpus) in &set.0 {
            let free = &mut self.free[node.index()];
            assert!(*gpus <= *free, "{gpus} GPUs of node {} are taken for {job:?}, {free} are free", node.0);
            *free -= *gpus;
            self.busy += *gpus;
        }
        let before = self.held.insert(job, set);
        assert!(before.is_none(), "{job:?} holds two node sets");
    }

    /// Takes back what `job` holds, if it holds anything.
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
        assert_eq!(cluster.release(JobId(0)).map(|s| s.to_string()).as_deref(), Some("0:8 1:4"));
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
