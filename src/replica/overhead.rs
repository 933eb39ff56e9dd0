//! The overhead that a round charges, and the cache of communicators that lowers it.

use std::collections::BTreeSet;

use super::job::ReplicaJob;
use super::placement::{NodeUse, Placement};
use super::quirk::{Q8, Q9};
use super::setup::ReplicaSetup;

/// The number of GPUs from which on a cluster restarts slowly.
const LARGE: i64 = 256;

/// The communicators that exist: the rank of the first GPU, and the number of GPUs.
#[derive(Clone, Debug, Default)]
pub(super) struct Communicators(BTreeSet<(i64, i64)>);

impl Communicators {
    /// Notes for every placed job whether its communicator exists already, and adds it. The
    /// artifact assumes that a job's GPUs follow each other from the first node of its set: a quirk
    /// (Q37).
    pub(super) fn note(&mut self, placement: &Placement, jobs: &mut [ReplicaJob]) {
        let mut met = vec![false; jobs.len()];
        let mut look = |id: usize, rank: i64, jobs: &mut [ReplicaJob]| {
            if !met[id] {
                met[id] = true;
                jobs[id].rank = rank;
                jobs[id].cached = !self.0.insert((rank, jobs[id].num_gpu));
            }
        };
        for (node, seen) in placement.nodes().into_iter().enumerate() {
            let mut rank = node as i64 * placement.gpus_per_node;
            match seen {
                NodeUse::Idle => {}
                NodeUse::Whole(held) => {
                    if let Some(first) = held.first() {
                        look(*first, rank, jobs);
                    }
                }
                NodeUse::Parts(held) => {
                    for id in held {
                        look(*id, rank, jobs);
                        rank += jobs[*id].num_gpu;
                    }
                }
            }
        }
    }

    /// Removes all communicators.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Returns whether every job restarts in a round. The artifact takes the length of the slot, in
/// seconds, for a number of rounds: a quirk (Q9).
pub(super) fn is_restart(round: u64, setup: ReplicaSetup) -> bool {
    setup.quirks.has(Q9) && round > 0 && round.is_multiple_of(setup.slot.unsigned_abs())
}

/// Returns the seconds that a start on `gpus` GPUs of a cluster of `all` GPUs costs, and that going
/// on costs where it is charged (Q8). It is less where the communicator is `cached`, and more where
/// every job restarts.
pub(super) fn overhead(gpus: i64, all: i64, restart: bool, cached: bool) -> i64 {
    let large = all >= LARGE;
    let base = if large { 7 } else { 2 };
    if cached {
        return base;
    }
    let again = match (restart, large) {
        (false, _) => 0,
        (true, false) => 27,
        (true, true) => 47,
    };
    base + again + 2 * (i64::from(gpus.ilog2()) + 1)
}

/// Returns whether a job pays overhead in a round that does not change its GPUs: a quirk (Q8).
pub(super) fn charges_unchanged_jobs(setup: ReplicaSetup) -> bool {
    setup.quirks.has(Q8)
}
