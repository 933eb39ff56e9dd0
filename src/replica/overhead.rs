//! What a round costs the jobs that run on, and the communicator cache that makes it cheaper.

use std::collections::BTreeSet;

use super::job::ReplicaJob;
use super::placement::{NodeUse, Placement};
use super::quirk::{Q8, Q9};
use super::setup::ReplicaSetup;

/// From how many GPUs on a cluster is slow to restart.
const LARGE: i64 = 256;

/// The communicators that there are: the first GPU's rank, and how many GPUs.
#[derive(Clone, Debug, Default)]
pub(super) struct Communicators(BTreeSet<(i64, i64)>);

impl Communicators {
    /// Notes for every placed job whether its communicator is there already, and keeps it. That a
    /// job's GPUs follow each other from the first node of its set is assumed, not looked at: a
    /// quirk (Q37).
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

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Whether everything is started anew in a round: the length of a slot, in seconds, counts rounds
/// here: a quirk (Q9).
pub(super) fn is_restart(round: u64, setup: ReplicaSetup) -> bool {
    setup.quirks.has(Q9) && round > 0 && round.is_multiple_of(setup.slot.unsigned_abs())
}

/// Seconds that starting on `gpus` GPUs of a cluster of `all` costs, or going on in a round in
/// which that is charged (Q8). Less where the communicator is there already, more where everything
/// starts anew.
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

/// Whether a job pays overhead in a round that changes nothing about its GPUs: a quirk (Q8).
pub(super) fn charges_unchanged_jobs(setup: ReplicaSetup) -> bool {
    setup.quirks.has(Q8)
}
