//! Gandiva's sets: nodes that jobs of one size share.
//!
//! Which nodes a set holds changes nothing but the log of rounds.

use std::collections::{BTreeMap, VecDeque};

use crate::job::JobId;
use crate::replica::outcome::HeldGpus;
use crate::replica::quirk::{Q29, Q30, Q47, Q48, Quirks};
use crate::replica::setup::ReplicaSetup;

/// Nodes and the jobs of one size on them. As many jobs run at a time as there are seats: the first
/// ones.
#[derive(Clone, Debug)]
pub(super) struct SharedSet {
    nodes: Vec<usize>,
    /// How many of the jobs can run at a time.
    pub(super) seats: usize,
    /// The jobs in the order of their turns.
    pub(super) jobs: Vec<usize>,
    /// Jobs added so far. A job that ends is not taken off, so that a set looks fuller than it is
    /// (Q29).
    util: usize,
}

impl SharedSet {
    fn add(&mut self, job: usize) {
        self.jobs.push(job);
        self.util += 1;
    }

    /// Returns whether another job gets a seat. The last seat counts as taken (Q30).
    fn has_seat(&self, quirks: Quirks) -> bool {
        let last = usize::from(!quirks.has(Q30));
        self.util + 1 < self.seats + last
    }

    /// Removes these jobs, which are done. Their seats look taken from then on (Q29).
    pub(super) fn end(&mut self, done: &[usize], quirks: Quirks) {
        self.jobs.retain(|job| !done.contains(job));
        if !quirks.has(Q29) {
            self.util -= done.len();
        }
    }

    /// Returns how many jobs have seats now.
    pub(super) fn seated(&self) -> usize {
        self.jobs.len().min(self.seats)
    }
}

/// The sets of every size in use, and the nodes in none.
#[derive(Clone, Debug)]
pub(super) struct SharedSets {
    setup: ReplicaSetup,
    node: i64,
    free: VecDeque<usize>,
    groups: BTreeMap<i64, Vec<SharedSet>>,
}

impl SharedSets {
    /// Creates no set: all nodes of the cluster, with `node` GPUs each, are free.
    pub(super) fn new(setup: ReplicaSetup, node: i64) -> SharedSets {
        SharedSets { setup, node, free: (0..(setup.gpus / node) as usize).collect(), groups: BTreeMap::new() }
    }

    /// Adds a job of `size` GPUs to a set with a seat, to a new set, or to a full one, in this
    /// order; returns `false` where there is neither a set of its size nor enough free nodes.
    pub(super) fn place(&mut self, job: usize, size: i64) -> bool {
        let sets = self.groups.entry(size).or_default();
        if let Some(first) = sets.first_mut() {
            if first.has_seat(self.setup.quirks) {
                first.add(job);
                move_first_back(sets);
                return true;
            }
            // The set goes to the back and stays there, so that a job without a seat goes to the
            // second least loaded set (Q31).
            sets.rotate_left(1);
        }
        if let Some(mut set) = new_set(&mut self.free, self.node, size) {
            set.add(job);
            sets.push(set);
            sort(sets);
            return true;
        }
        let Some(first) = sets.first_mut() else { return false };
        first.add(job);
        move_first_back(sets);
        true
    }

    /// Gives every size nodes by its share of the demand, the smallest size first. The jobs that
    /// wait, whose sizes are given, are not demand (Q48).
    pub(super) fn adjust(&mut self, waiting: &[i64]) {
        let quirks = self.setup.quirks;
        let waiting = if quirks.has(Q48) { &[] } else { waiting };
        let demand_of = |size: i64, sets: &[SharedSet]| {
            let wait = waiting.iter().filter(|other| **other == size).count();
            size * (sets.iter().map(|s| s.jobs.len()).sum::<usize>() + wait) as i64
        };
        let all: i64 = self.groups.iter().map(|(size, sets)| demand_of(*size, sets)).sum();
        for (&size, sets) in &mut self.groups {
            let demand = demand_of(size, sets);
            if demand == 0 {
                continue;
            }
            let share = (demand as f64 / all as f64 * self.setup.gpus as f64).floor() as i64;
            let held = sets.iter().map(|set| set.nodes.len()).sum::<usize>() as i64 * self.node;
            let missing = share.min(demand) - held;
            if missing > 0 {
                grow(sets, (missing as u64).div_ceil(size as u64), &mut self.free, self.node, size);
            } else if missing < 0 {
                shrink(sets, surplus(-missing, size, self.node, quirks), &mut self.free);
            }
        }
    }

    /// Frees enough nodes for a set of a size that has none: takes sets from the size that has most
    /// nodes, even its last one. Returns the jobs that are left without a set. The artifact does
    /// nothing of the kind (Q48).
    pub(super) fn make_room(&mut self, size: i64) -> Vec<usize> {
        let mut lost = Vec::new();
        if self.groups.get(&size).is_some_and(|sets| !sets.is_empty()) {
            return lost;
        }
        while nodes_of(size, self.node) > self.free.len() {
            let nodes = |sets: &[SharedSet]| sets.iter().map(|set| set.nodes.len()).sum::<usize>();
            let most = self.groups.values_mut().rev().max_by_key(|sets| nodes(sets));
            let Some(sets) = most.filter(|sets| !sets.is_empty()) else { break };
            let set = sets.remove(0);
            self.free.extend(set.nodes);
            if sets.is_empty() {
                lost.extend(set.jobs);
            } else {
                deal(sets, set.jobs);
            }
        }
        lost
    }

    /// Returns which job has which GPUs, in the order of the nodes; `gpus` is the size of a job.
    /// Each job of a set of several nodes has whole nodes.
    pub(super) fn held(&self, gpus: impl Fn(usize) -> i64) -> Vec<HeldGpus> {
        let mut held = Vec::new();
        for set in self.groups.values().flatten() {
            let seated = &set.jobs[..set.seated()];
            for node in &set.nodes {
                let mut first = (*node as i64 * self.node) as u32;
                for job in seated {
                    let gpus = gpus(*job).min(self.node) as u32;
                    held.push(HeldGpus { first, gpus, job: JobId(*job as u32) });
                    first += gpus;
                }
            }
        }
        held.sort_by_key(|held| held.first);
        held
    }

    /// Iterates over all sets, the smallest size first, each size in the order of its list.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut SharedSet> {
        self.groups.values_mut().flatten()
    }

    /// Frees the nodes of the sets without jobs; returns whether there was such a set.
    pub(super) fn release(&mut self) -> bool {
        let mut released = false;
        for sets in self.groups.values_mut() {
            sets.retain(|set| {
                let empty = set.jobs.is_empty();
                if empty {
                    self.free.extend(&set.nodes);
                }
                released |= empty;
                !empty
            });
        }
        released
    }
}

/// Adds sets to a size, and deals its jobs to all of them anew if sets seem to have been added.
///
/// The artifact tests a variable that an inner loop has overwritten (Q32): it is the number of
/// attempts if the last one failed, and otherwise one less than the nodes of a set. So sizes of up
/// to a node gain sets that no job uses whenever all attempts succeed.
fn grow(sets: &mut Vec<SharedSet>, attempts: u64, free: &mut VecDeque<usize>, node: i64, size: i64) {
    let mut failed = false;
    for _ in 0..attempts {
        let set = new_set(free, node, size);
        failed = set.is_none();
        sets.extend(set);
    }
    if !failed && nodes_of(size, node) == 1 {
        return;
    }
    let jobs: Vec<usize> = sets.iter().flat_map(|set| set.jobs.iter().copied()).collect();
    for set in sets.iter_mut() {
        set.jobs.clear();
        set.util = 0;
    }
    deal(sets, jobs);
}

/// Returns how many sets a size gives up that has `spare` GPUs too many: as many as jobs fit on
/// these GPUs, instead of as many as sets do (Q47).
fn surplus(spare: i64, size: i64, node: i64, quirks: Quirks) -> u64 {
    if quirks.has(Q47) {
        return (spare as u64).div_ceil(size as u64);
    }
    spare as u64 / (nodes_of(size, node) as u64 * node as u64)
}

/// Gives up the first sets, but keeps one, and deals their jobs to the rest.
fn shrink(sets: &mut Vec<SharedSet>, surplus: u64, free: &mut VecDeque<usize>) {
    assert!(!sets.is_empty(), "a size with GPUs to spare has a set");
    let count = (surplus as usize).min(sets.len() - 1);
    let given_up: Vec<SharedSet> = sets.drain(..count).collect();
    free.extend(given_up.iter().flat_map(|set| &set.nodes));
    deal(sets, given_up.into_iter().flat_map(|set| set.jobs));
}

/// Adds one job after the other to the set that is then the least loaded.
fn deal(sets: &mut [SharedSet], jobs: impl IntoIterator<Item = usize>) {
    for job in jobs {
        sets.first_mut().expect("the jobs to deal come from sets, of which one stays").add(job);
        sort(sets);
    }
}

/// Creates a set for jobs of `size` GPUs on the first free nodes; `None` where too few are free.
fn new_set(free: &mut VecDeque<usize>, node: i64, size: i64) -> Option<SharedSet> {
    let nodes = nodes_of(size, node);
    if nodes > free.len() {
        return None;
    }
    let nodes: Vec<usize> = free.drain(..nodes).collect();
    let seats = nodes.len() * node as usize / size as usize;
    Some(SharedSet { nodes, seats, jobs: Vec::new(), util: 0 })
}

/// Returns how many nodes a job of `size` GPUs needs.
fn nodes_of(size: i64, node: i64) -> usize {
    (size as u64).div_ceil(node as u64) as usize
}

/// Moves the first set, which has a job more, to its place: behind the sets that are loaded alike.
fn move_first_back(sets: &mut [SharedSet]) {
    sets.rotate_left(1);
    sort(sets);
}

/// Sorts by load; sets that are loaded alike keep their order.
fn sort(sets: &mut [SharedSet]) {
    sets.sort_by_key(|set| set.util);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::quirk::Quirk;

    /// Free nodes of 8 GPUs; all quirks are on but `off`.
    fn sets(nodes: i64, off: Option<Quirk>) -> SharedSets {
        let quirks = off.map_or(Quirks::all(), |off| Quirks::all().without(off));
        SharedSets::new(ReplicaSetup { gpus: 8 * nodes, slot: 60, quirks }, 8)
    }

    /// The number of jobs of each set of a size.
    fn loads(sets: &SharedSets, size: i64) -> Vec<usize> {
        sets.groups.get(&size).into_iter().flatten().map(|set| set.jobs.len()).collect()
    }

    #[test]
    fn the_last_seat_counts_as_taken_only_by_quirk() {
        for (off, expected) in [(None, vec![1, 7]), (Some(Q30), vec![8])] {
            let mut sets = sets(2, off);
            assert!((0..8).all(|job| sets.place(job, 1)));
            assert_eq!(loads(&sets, 1), expected);
        }
    }

    #[test]
    fn ended_jobs_keep_their_seats_only_by_quirk() {
        for (off, expected) in [(None, vec![1, 4]), (Some(Q29), vec![5])] {
            let mut sets = sets(2, off);
            assert!((0..7).all(|job| sets.place(job, 1)));
            let quirks = sets.setup.quirks;
            sets.iter_mut().for_each(|set| set.end(&[0, 1, 2], quirks));
            assert!(sets.place(7, 1));
            assert_eq!(loads(&sets, 1), expected);
        }
    }

    /// Ten jobs in two sets of a node each have 6 GPUs more than they ask for, less than a set.
    #[test]
    fn as_many_sets_go_as_gpus_are_too_many_only_by_quirk() {
        assert_eq!(surplus(10, 1, 8, Quirks::all()), 10);
        assert_eq!(surplus(10, 1, 8, Quirks::all().without(Q47)), 1);
        assert_eq!(surplus(6, 1, 8, Quirks::all().without(Q47)), 0);
        for (off, expected) in [(None, vec![10]), (Some(Q47), vec![3, 7])] {
            let mut sets = sets(4, off);
            assert!((0..10).all(|job| sets.place(job, 1)));
            sets.adjust(&[]);
            assert_eq!(loads(&sets, 1), expected);
        }
    }

    /// Two jobs of a node each have both nodes, and a small job waits until room is made for it. A
    /// job of two nodes then takes everything.
    #[test]
    fn a_size_without_a_set_takes_one() {
        let mut sets = sets(2, Some(Q48));
        assert!(sets.place(0, 8) && sets.place(1, 8) && !sets.place(2, 1));
        assert_eq!(sets.make_room(1), [0; 0]);
        assert_eq!(loads(&sets, 8), [2]);
        assert!(sets.place(2, 1));
        let mut lost = sets.make_room(16);
        lost.sort_unstable();
        assert_eq!(lost, [0, 1, 2]);
        assert!(sets.place(3, 16));
    }
}
