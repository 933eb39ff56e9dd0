//! Where jobs run, scheme `elastic`. It changes no speed; only the communicator cache sees it.

use crate::cluster::Shape;
use crate::job::JobId;

use super::error::ReplicaError;
use super::outcome::{HeldGpus, Round};

/// The gang sizes that there are, in the artifact's order.
const SIZES: [i64; 16] = [1, 2, 4, 8, 12, 16, 24, 32, 40, 48, 56, 64, 72, 88, 128, 256];

/// Whole nodes that jobs share.
#[derive(Clone, Debug)]
struct PlacedSet {
    nodes: Vec<usize>,
    jobs: Vec<usize>,
    util: i64,
    capacity: i64,
    /// Under which size it is believed to be filed.
    key: i64,
}

/// The nodes of the cluster and what is on them.
#[derive(Clone, Debug)]
pub(super) struct Placement {
    pub(super) gpus_per_node: i64,
    /// A node's index inside its switch, in scan order.
    ids: Vec<usize>,
    free: Vec<usize>,
    /// Sets by their number; a number is used anew once its set is gone.
    sets: Vec<Option<PlacedSet>>,
    groups: Vec<Vec<usize>>,
    /// The set of each job.
    of: Vec<Option<usize>>,
}

/// What the communicator cache sees of a node.
pub(super) enum NodeUse<'a> {
    /// Nothing runs there.
    Idle,
    /// Jobs of whole nodes.
    Whole(&'a [usize]),
    /// Jobs of parts of the node.
    Parts(&'a [usize]),
}

/// How many nodes a switch has: of the artifact's own clusters only three have several switches.
fn nodes_per_switch(nodes: usize, gpus_per_node: i64) -> usize {
    if gpus_per_node == 8 && [64, 160, 256].contains(&nodes) { 32 } else { nodes }
}

/// The largest size that divides this many free GPUs.
fn filed_under(free: i64) -> i64 {
    SIZES.iter().rev().copied().find(|size| *size <= free && free % size == 0).unwrap_or(1)
}

fn group_of(size: i64) -> Option<usize> {
    SIZES.iter().position(|other| *other == size)
}

impl Placement {
    /// An empty cluster for so many jobs.
    pub(super) fn new(cluster: &Shape, jobs: usize) -> Result<Placement, ReplicaError> {
        let size = cluster.node_size().ok_or_else(|| ReplicaError::Nodes(cluster.to_string()))?;
        let gpus_per_node = i64::from(size.get());
        let nodes = cluster.nodes().len();
        let switch = nodes_per_switch(nodes, gpus_per_node);
        Ok(Placement {
            gpus_per_node,
            ids: (0..nodes).map(|node| node % switch).collect(),
            free: (0..nodes).collect(),
            sets: Vec::new(),
            groups: vec![Vec::new(); SIZES.len()],
            of: vec![None; jobs],
        })
    }

    /// Whether a job is placed.
    pub(super) fn holds(&self, job: usize) -> bool {
        self.of[job].is_some()
    }

    fn sort(&mut self, group: usize) {
        let sets = &self.sets;
        self.groups[group].sort_by_key(|set| sets[*set].as_ref().map_or(0, |set| set.util));
    }

    /// Tries the first set of a group. `Some` says whether the job is now in it; `None` that the
    /// group is empty.
    fn try_first(&mut self, group: usize, job: usize, gpus: i64) -> Option<bool> {
        let number = *self.groups[group].first()?;
        self.groups[group].remove(0);
        let set = self.sets[number].as_mut().filter(|set| set.util + gpus <= set.capacity);
        let Some(set) = set else {
            self.groups[group].push(number);
            return Some(false);
        };
        set.jobs.push(job);
        set.util += gpus;
        let free = set.capacity - set.util;
        set.key = if free > 0 { filed_under(free) } else { gpus };
        let to = group_of(set.key)?;
        self.of[job] = Some(number);
        self.groups[to].push(number);
        self.sort(group);
        self.sort(to);
        Some(true)
    }

    /// Places a job; `false` where the artifact would give up.
    #[must_use]
    pub(super) fn place(&mut self, job: usize, gpus: i64) -> bool {
        let Some(own) = group_of(gpus) else { return false };
        let larger = (own + 1..SIZES.len()).rev();
        for group in std::iter::once(own).chain(larger) {
            if self.try_first(group, job, gpus) == Some(true) {
                return true;
            }
        }
        let count = (gpus + self.gpus_per_node - 1) / self.gpus_per_node;
        if count as usize > self.free.len() {
            return false;
        }
        let nodes: Vec<usize> = self.free.drain(..count as usize).collect();
        let capacity = count * self.gpus_per_node;
        // The set goes where its free GPUs say and remembers another size: a quirk (Q27).
        let set = PlacedSet { nodes, jobs: vec![job], util: gpus, capacity, key: gpus };
        let to = if capacity > gpus { group_of(filed_under(capacity - gpus)).unwrap_or(own) } else { own };
        let number = self.sets.iter().position(Option::is_none).unwrap_or(self.sets.len());
        if number == self.sets.len() {
            self.sets.push(None);
        }
        self.sets[number] = Some(set);
        self.of[job] = Some(number);
        self.groups[to].push(number);
        self.sort(to);
        true
    }

    /// Takes a job off its nodes, if it is on any; `false` where the set is not where its size
    /// says.
    #[must_use]
    pub(super) fn release(&mut self, job: usize, gpus: i64) -> bool {
        let Some(number) = self.of[job].take() else { return true };
        let Some(set) = self.sets[number].as_mut() else { return false };
        set.util -= gpus;
        set.jobs.retain(|other| *other != job);
        let left = set.capacity - set.util;
        let (from, empty) = (set.key, set.jobs.is_empty());
        let to = if empty { None } else { Some(filed_under(left)) };
        if to.is_some() && (left == from || left == 0) {
            return true;
        }
        let Some(group) = group_of(from) else { return false };
        let Some(place) = self.groups[group].iter().position(|other| *other == number) else { return false };
        self.groups[group].remove(place);
        match to {
            Some(size) => {
                set.key = size;
                let Some(to) = group_of(size) else { return false };
                self.groups[to].push(number);
                self.sort(to);
            }
            None => {
                self.free.append(&mut set.nodes);
                self.sets[number] = None;
                let ids = &self.ids;
                self.free.sort_by_key(|node| ids[*node]);
            }
        }
        true
    }

    /// What is on each node, in scan order.
    pub(super) fn nodes(&self) -> Vec<NodeUse<'_>> {
        let mut seen: Vec<NodeUse> = self.ids.iter().map(|_| NodeUse::Idle).collect();
        for (group, sets) in self.groups.iter().enumerate() {
            for set in sets.iter().filter_map(|number| self.sets[*number].as_ref()) {
                for node in &set.nodes {
                    let whole = SIZES[group] >= self.gpus_per_node;
                    seen[*node] = if whole { NodeUse::Whole(&set.jobs) } else { NodeUse::Parts(&set.jobs) };
                }
            }
        }
        seen
    }
    /// Who is on which GPUs, as the artifact writes it down.
    pub(super) fn round(&self, time: i64, gpus: impl Fn(usize) -> i64, efficiency: f64) -> Round {
        let mut held = Vec::new();
        for (node, seen) in self.nodes().into_iter().enumerate() {
            let mut first = node as u32 * self.gpus_per_node as u32;
            let mut hold = |job: usize, gpus: i64| {
                held.push(HeldGpus { first, gpus: gpus as u32, job: JobId(job as u32) });
                first += gpus as u32;
            };
            match seen {
                NodeUse::Idle => {}
                NodeUse::Whole(jobs) => jobs.iter().take(1).for_each(|job| hold(*job, self.gpus_per_node)),
                NodeUse::Parts(jobs) => jobs.iter().for_each(|job| hold(*job, gpus(*job))),
            }
        }
        Round { time, held, efficiency }
    }
}
