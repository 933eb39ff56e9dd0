//! Gandiva's sets: nodes that jobs of one size share.
//!
//! Which nodes a set holds changes nothing that is written down, so sets hold counts of nodes.

use std::collections::BTreeMap;

/// Nodes and the jobs of one size on them, as many at a time as there are seats; those in front have the seats.
#[derive(Clone, Debug)]
pub(super) struct Set {
    nodes: i64,
    /// How many of its jobs can run at a time.
    pub(super) seats: usize,
    pub(super) jobs: Vec<usize>,
    /// Jobs added so far. Not taken back when one ends, so that a set looks fuller than it is (Q29).
    util: usize,
}

impl Set {
    fn add(&mut self, job: usize) {
        self.jobs.push(job);
        self.util += 1;
    }

    /// Whether another job gets a seat. The last seat counts as taken (Q30).
    fn has_seat(&self) -> bool {
        self.util + 1 < self.seats
    }

    /// How many jobs have seats now.
    pub(super) fn seated(&self) -> usize {
        self.jobs.len().min(self.seats)
    }
}

/// The sets of every size in use, and the nodes in none.
#[derive(Clone, Debug)]
pub(super) struct Sets {
    gpus: i64,
    node: i64,
    free: i64,
    groups: BTreeMap<i64, Vec<Set>>,
}

impl Sets {
    /// All of a cluster of `gpus` GPUs on nodes of `node` is free.
    pub(super) fn new(gpus: i64, node: i64) -> Sets {
        Sets { gpus, node, free: gpus / node, groups: BTreeMap::new() }
    }

    /// Seats a job of `size` GPUs in a set with room, in a new one, or as one too many; `false` where there is neither
    /// a set of its size nor a node left.
    pub(super) fn place(&mut self, job: usize, size: i64) -> bool {
        let sets = self.groups.entry(size).or_default();
        if let Some(first) = sets.first_mut() {
            if first.has_seat() {
                first.add(job);
                move_first_back(sets);
                return true;
            }
            // The set goes to the back and stays there, so that a job too many goes to the second-least loaded (Q31).
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

    /// Gives every size nodes by its share of the demand: the smallest size first.
    pub(super) fn adjust(&mut self) {
        let demand_of =
            |size: i64, sets: &[Set]| size * sets.iter().map(|s| s.jobs.len() as i64).sum::<i64>();
        let all: i64 = self.groups.iter().map(|(size, sets)| demand_of(*size, sets)).sum();
        for (&size, sets) in &mut self.groups {
            let demand = demand_of(size, sets);
            if demand == 0 {
                continue;
            }
            let share = (demand as f64 / all as f64 * self.gpus as f64).floor() as i64;
            let missing = share.min(demand) - sets.iter().map(|set| set.nodes).sum::<i64>() * self.node;
            if missing > 0 {
                grow(sets, (missing as u64).div_ceil(size as u64), &mut self.free, self.node, size);
            } else if missing < 0 {
                shrink(sets, missing.unsigned_abs().div_ceil(size as u64), &mut self.free);
            }
        }
    }

    /// Every set, the smallest size first, each size in the order of its list.
    pub(super) fn each(&mut self) -> impl Iterator<Item = &mut Set> {
        self.groups.values_mut().flatten()
    }

    /// Takes the nodes of the sets without jobs back; whether there was one.
    pub(super) fn release(&mut self) -> bool {
        let mut released = false;
        for sets in self.groups.values_mut() {
            sets.retain(|set| {
                let empty = set.jobs.is_empty();
                self.free += if empty { set.nodes } else { 0 };
                released |= empty;
                !empty
            });
        }
        released
    }
}

/// Adds sets and deals the group's jobs to all of them anew, if it looks as if sets had been added.
///
/// What it looks at is a variable that a loop inside has used again (Q32): it is the number of attempts if the last one
/// failed, else one less than the nodes of a set. So sizes of up to a node, when all goes well, gain sets that nobody uses.
fn grow(sets: &mut Vec<Set>, attempts: u64, free: &mut i64, node: i64, size: i64) {
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

/// Gives up the first sets, all but one at most, and deals their jobs to the rest.
fn shrink(sets: &mut Vec<Set>, surplus: u64, free: &mut i64) {
    let count = (surplus as usize).min(sets.len().saturating_sub(1));
    let given_up: Vec<Set> = sets.drain(..count).collect();
    *free += given_up.iter().map(|set| set.nodes).sum::<i64>();
    deal(sets, given_up.into_iter().flat_map(|set| set.jobs));
}

/// One job after the other to the set that then is the least loaded.
fn deal(sets: &mut [Set], jobs: impl IntoIterator<Item = usize>) {
    for job in jobs {
        if let Some(first) = sets.first_mut() {
            first.add(job);
        }
        sort(sets);
    }
}

fn new_set(free: &mut i64, node: i64, size: i64) -> Option<Set> {
    let nodes = nodes_of(size, node);
    if nodes > *free {
        return None;
    }
    *free -= nodes;
    Some(Set { nodes, seats: (nodes * node / size) as usize, jobs: Vec::new(), util: 0 })
}

/// On how many nodes a job of `size` GPUs runs.
fn nodes_of(size: i64, node: i64) -> i64 {
    (size as u64).div_ceil(node as u64) as i64
}

/// The artifact takes the first set out, and puts it behind its equals.
fn move_first_back(sets: &mut [Set]) {
    sets.rotate_left(1);
    sort(sets);
}

fn sort(sets: &mut [Set]) {
    sets.sort_by_key(|set| set.util);
}
