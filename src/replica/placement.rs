//! The placement of jobs on nodes, by the artifact's scheme `elastic`. It changes no speed; only
//! the cache of communicators depends on it.

use crate::cluster::Shape;
use crate::job::JobId;

use super::error::ReplicaError;
use super::outcome::{HeldGpus, Round};

/// The sizes of gangs that the artifact knows, in its order.
const SIZES: [i64; 16] = [1, 2, 4, 8, 12, 16, 24, 32, 40, 48, 56, 64, 72, 88, 128, 256];

/// Why the number of a set in a group is that of a set.
const LISTED: &str = "a group lists only sets that exist";

/// Why a size has a group.
const KNOWN: &str = "a set is filed under sizes that the artifact knows";

/// Nodes that jobs share.
#[derive(Clone, Debug)]
struct PlacedSet {
    nodes: Vec<usize>,
    jobs: Vec<usize>,
    /// GPUs in use.
    util: i64,
    /// All GPUs of the nodes.
    capacity: i64,
    /// The size under which the set believes to be filed.
    key: i64,
}

/// The nodes of the cluster and the jobs on them.
#[derive(Clone, Debug)]
pub(super) struct Placement {
    pub(super) gpus_per_node: i64,
    /// The index of each node inside its switch, in scan order.
    ids: Vec<usize>,
    /// The nodes without jobs.
    free: Vec<usize>,
    /// The sets by number; the number of a set that is gone is used anew.
    sets: Vec<Option<PlacedSet>>,
    /// The numbers of the sets that are filed under each size, the least used first.
    groups: Vec<Vec<usize>>,
    /// The number of each job's set.
    set_of_job: Vec<Option<usize>>,
}

/// The jobs of a node, as the cache of communicators sees them.
pub(super) enum NodeUse<'a> {
    /// No job.
    Idle,
    /// Jobs of whole nodes.
    Whole(&'a [usize]),
    /// Jobs of parts of the node.
    Parts(&'a [usize]),
}

/// Returns how many nodes a switch has. Only three of the artifact's own clusters have several
/// switches.
fn nodes_per_switch(nodes: usize, gpus_per_node: i64) -> usize {
    if gpus_per_node == 8 && [64, 160, 256].contains(&nodes) { 32 } else { nodes }
}

/// Returns the largest size that divides this number of free GPUs.
fn filed_under(free: i64) -> i64 {
    SIZES.iter().rev().copied().find(|size| *size <= free && free % size == 0).unwrap_or(1)
}

/// Returns the group of a size; `None` for a size that the artifact does not know.
fn group_of(size: i64) -> Option<usize> {
    SIZES.iter().position(|other| *other == size)
}

impl Placement {
    /// Creates an empty cluster for this many jobs.
    ///
    /// # Errors
    ///
    /// If the nodes have several sizes.
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
            set_of_job: vec![None; jobs],
        })
    }

    /// Returns whether a job is placed.
    pub(super) fn holds(&self, job: usize) -> bool {
        self.set_of_job[job].is_some()
    }

    /// Sorts a group by use; sets that are used alike keep their order.
    fn sort(&mut self, group: usize) {
        let sets = &self.sets;
        self.groups[group].sort_by_key(|set| sets[*set].as_ref().expect(LISTED).util);
    }

    /// Tries the first set of a group. Returns whether the job is in it now, and `None` if the
    /// group is empty.
    fn try_first(&mut self, group: usize, job: usize, gpus: i64) -> Option<bool> {
        let number = *self.groups[group].first()?;
        self.groups[group].remove(0);
        let set = self.sets[number].as_mut().expect(LISTED);
        if set.util + gpus > set.capacity {
            self.groups[group].push(number);
            return Some(false);
        }
        set.jobs.push(job);
        set.util += gpus;
        let free = set.capacity - set.util;
        set.key = if free > 0 { filed_under(free) } else { gpus };
        let to = group_of(set.key).expect(KNOWN);
        self.set_of_job[job] = Some(number);
        self.groups[to].push(number);
        self.sort(group);
        self.sort(to);
        Some(true)
    }

    /// Places a job in the set that the artifact would choose, or in a new one; returns `false`
    /// where the artifact gives up.
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
        // The set is filed under its free GPUs and remembers another size: a quirk (Q27).
        let set = PlacedSet { nodes, jobs: vec![job], util: gpus, capacity, key: gpus };
        let to = if capacity > gpus { group_of(filed_under(capacity - gpus)).expect(KNOWN) } else { own };
        let number = self.sets.iter().position(Option::is_none).unwrap_or(self.sets.len());
        if number == self.sets.len() {
            self.sets.push(None);
        }
        self.sets[number] = Some(set);
        self.set_of_job[job] = Some(number);
        self.groups[to].push(number);
        self.sort(to);
        true
    }

    /// Takes a job off its nodes, if it is on any; returns `false` where its set is not filed under
    /// the size that it remembers (Q27).
    #[must_use]
    pub(super) fn release(&mut self, job: usize, gpus: i64) -> bool {
        let Some(number) = self.set_of_job[job].take() else { return true };
        let set = self.sets[number].as_mut().expect("the set of a placed job exists");
        set.util -= gpus;
        set.jobs.retain(|other| *other != job);
        let left = set.capacity - set.util;
        let (from, empty) = (set.key, set.jobs.is_empty());
        let to = if empty { None } else { Some(filed_under(left)) };
        if to.is_some() && (left == from || left == 0) {
            return true;
        }
        let group = group_of(from).expect(KNOWN);
        let Some(place) = self.groups[group].iter().position(|other| *other == number) else { return false };
        self.groups[group].remove(place);
        match to {
            Some(size) => {
                set.key = size;
                let to = group_of(size).expect(KNOWN);
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

    /// Returns the jobs of each node, in scan order.
    pub(super) fn nodes(&self) -> Vec<NodeUse<'_>> {
        let mut seen: Vec<NodeUse> = self.ids.iter().map(|_| NodeUse::Idle).collect();
        for (group, sets) in self.groups.iter().enumerate() {
            for set in sets.iter().map(|number| self.sets[*number].as_ref().expect(LISTED)) {
                for node in &set.nodes {
                    let whole = SIZES[group] >= self.gpus_per_node;
                    seen[*node] = if whole { NodeUse::Whole(&set.jobs) } else { NodeUse::Parts(&set.jobs) };
                }
            }
        }
        seen
    }

    /// Returns the round that begins at `time`, as the artifact writes it. `gpus` is the size of a
    /// job.
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
