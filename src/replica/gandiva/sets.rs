//! Gandiva's sets: nodes that jobs of one size share.
//!
//! Which nodes a set holds changes nothing but what is written down of the rounds.

use std::collections::{BTreeMap, VecDeque};

use crate::job::JobId;
use crate::replica::outcome::HeldGpus;
use crate::replica::quirk::{Q29, Q30, Q47, Q48, Quirks};
use crate::replica::setup::ReplicaSetup;

/// Nodes and the jobs of one size on them, as many at a time as there are seats; those in front
/// have the seats.
#[derive(Clone, Debug)]
pub(super) struct SharedSet {
    nodes: Vec<usize>,
    /// How many of its jobs can run at a time.
    pub(super) seats: usize,
    pub(super) jobs: Vec<usize>,
    /// Jobs added so far. Not taken back when one ends, so that a set looks fuller than it is
    /// (Q29).
    util: usize,
}

impl SharedSet {
    fn add(&mut self, job: usize) {
        self.jobs.push(job);
        self.util += 1;
    }

    /// Whether another job gets a seat. The last seat counts as taken (Q30).
    fn has_seat(&self, quirks: Quirks) -> bool {
        let last = usize::from(!quirks.has(Q30));
        self.util + 1 < self.seats + last
    }

    /// These of its jobs are done; their seats look taken ever after (Q29).
    pub(super) fn end(&mut self, done: &[usize], quirks: Quirks) {
        self.jobs.retain(|job| !done.contains(job));
        if !quirks.has(Q29) {
            self.util -= done.len();
        }
    }

    /// How many jobs have seats now.
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
    /// All nodes of a cluster, with `node` GPUs each, are free.
    pub(super) fn new(setup: ReplicaSetup, node: i64) -> SharedSets {
        SharedSets { setup, node, free: (0..(setup.gpus / node) as usize).collect(), groups: BTreeMap::new() }
    }

    /// Seats a job of `size` GPUs in a set with room, in a new one, or as one too many; `false`
    /// where there is neither a set of its size nor a node left.
    pub(super) fn place(&mut self, job: usize, size: i64) -> bool {
        let sets = self.groups.entry(size).or_default();
        if let Some(first) = sets.first_mut() {
            if first.has_seat(self.setup.quirks) {
                first.add(job);
                move_first_back(sets);
                return true;
            }
            // The set goes to the back and stays there, so that a job too many goes to the
            // second-least loaded (Q31).
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

    /// Gives every size nodes by its share of the demand: the smallest size first. Jobs that wait
    /// are no demand (Q48).
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

    /// Takes nodes for a size that has no set from the size that has most, its last ones too; gives
    /// the jobs that lose theirs. The artifact does nothing of the kind (Q48).
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

    /// Who has seats, in the order of the nodes: the jobs of a set of several nodes have each all
    /// of one.
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

    /// Every set, the smallest size first, each size in the order of its list.
    pub(super) fn each(&mut self) -> impl Iterator<Item = &mut SharedSet> {
        self.groups.values_mut().flatten()
    }

    /// Takes the nodes of the sets without jobs back; whether there was one.
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

/// Adds sets and deals the group's jobs to all of them anew, if it looks as if sets had been added.
///
/// What it looks at is a variable that a loop inside has used again (Q32): it is the number of
/// attempts if the last one failed, else one less than the nodes of a set. So sizes of up to a
/// node, when all goes well, gain sets that nobody uses.
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

/// How many sets a size with `spare` GPUs too many gives up: as many as jobs would fit there,
/// instead of sets (Q47).
fn surplus(spare: i64, size: i64, node: i64, quirks: Quirks) -> u64 {
    if quirks.has(Q47) {
        return (spare as u64).div_ceil(size as u64);
    }
    spare as u64 / (nodes_of(size, node) as u64 * node as u64)
}

/// Gives up the first sets, all but one at most, and deals their jobs to the rest.
fn shrink(sets: &mut Vec<SharedSet>, surplus: u64, free: &mut VecDeque<usize>) {
    let count = (surplus as usize).min(sets.len().saturating_sub(1));
    let given_up: Vec<SharedSet> = sets.drain(..count).collect();
    free.extend(given_up.iter().flat_map(|set| &set.nodes));
    deal(sets, given_up.into_iter().flat_map(|set| set.jobs));
}

/// One job after the other to the set that then is the least loaded.
fn deal(sets: &mut [SharedSet], jobs: impl IntoIterator<Item = usize>) {
    for job in jobs {
        if let Some(first) = sets.first_mut() {
            first.add(job);
        }
        sort(sets);
    }
}

fn new_set(free: &mut VecDeque<usize>, node: i64, size: i64) -> Option<SharedSet> {
    let nodes = nodes_of(size, node);
    if nodes > free.len() {
        return None;
    }
    let nodes: Vec<usize> = free.drain(..nodes).collect();
    let seats = nodes.len() * node as usize / size as usize;
    Some(SharedSet { nodes, seats, jobs: Vec::new(), util: 0 })
}

/// On how many nodes a job of `size` GPUs runs.
fn nodes_of(size: i64, node: i64) -> usize {
    (size as u64).div_ceil(node as u64) as usize
}

/// The artifact takes the first set out, and puts it behind its equals.
fn move_first_back(sets: &mut [SharedSet]) {
    sets.rotate_left(1);
    sort(sets);
}

fn sort(sets: &mut [SharedSet]) {
    sets.sort_by_key(|set| set.util);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::quirk::Quirk;

    /// Nodes of 8, without a quirk.
    fn sets(nodes: i64, off: Option<Quirk>) -> SharedSets {
        let quirks = off.map_or(Quirks::all(), |off| Quirks::all().without(off));
        SharedSets::new(ReplicaSetup { gpus: 8 * nodes, slot: 60, quirks }, 8)
    }

    /// How many jobs each set of a size has.
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
            sets.each().for_each(|set| set.end(&[0, 1, 2], quirks));
            assert!(sets.place(7, 1));
            assert_eq!(loads(&sets, 1), expected);
        }
    }

    /// Ten jobs in two sets of a node each: 6 GPUs more than they ask for, which is no whole set.
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

    /// Two jobs of whole nodes have both nodes, and a small one waits. Then one of two nodes waits,
    /// and takes everything.
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
