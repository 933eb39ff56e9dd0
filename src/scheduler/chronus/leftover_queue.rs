//! The jobs that wait for the GPUs that leases leave over. Thousands may wait for a few GPUs, so
//! only the first ones of each width are kept.

use std::collections::{BTreeMap, BinaryHeap};

use crate::job::JobId;
use crate::units::{Gpus, SimTime};

/// The place of a waiting job; the smallest is first. Jobs whose estimate is used up come first
/// (`false`); then the order is by class, by service, by submission and by id.
pub(super) type Place = (bool, u8, i128, SimTime, JobId);

/// The waiting jobs that could get some of the GPUs that are free.
#[derive(Debug)]
pub(super) struct LeftoverQueue {
    free: Gpus,
    /// By the GPUs that jobs request: the first jobs, the last of these on top of the heap.
    first: BTreeMap<Gpus, BinaryHeap<Place>>,
}

impl LeftoverQueue {
    /// Returns an empty queue for `free` GPUs.
    pub(super) fn new(free: Gpus) -> LeftoverQueue {
        LeftoverQueue { free, first: BTreeMap::new() }
    }

    /// Adds a waiting job that requests `gpus` GPUs, at least one.
    pub(super) fn add(&mut self, gpus: Gpus, place: Place) {
        assert!(!gpus.is_zero(), "a job requests at least one GPU");
        // At most this many jobs of the width fit, whatever the other jobs get.
        let most = (self.free.get() / gpus.get()) as usize;
        let first = self.first.entry(gpus).or_default();
        if first.len() < most {
            first.push(place);
        } else if let Some(mut last) = first.peek_mut()
            && place < *last
        {
            *last = place;
        }
    }

    /// Returns the jobs that get GPUs, and how many, in order. A job that does not fit is passed
    /// over.
    pub(super) fn deal(self) -> Vec<(JobId, Gpus)> {
        let all = self
            .first
            .into_iter()
            .flat_map(|(gpus, first)| first.into_iter().map(move |place| (place, gpus)));
        let mut all: Vec<(Place, Gpus)> = all.collect();
        all.sort_unstable();
        let mut free = self.free;
        all.retain(|(_, gpus)| {
            let fits = *gpus <= free;
            if fits {
                free -= *gpus;
            }
            fits
        });
        all.into_iter().map(|((.., id), gpus)| (id, gpus)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result is the same as going down the whole list in order and passing over the jobs that
    /// do not fit.
    #[test]
    fn the_first_of_each_width_are_enough() {
        let mut seed = 1u64;
        let mut draw = |limit: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) % limit
        };
        for _ in 0..500 {
            let free = Gpus::new(draw(12) as u32);
            let mut all: Vec<(Place, Gpus)> = (0..draw(30) as u32)
                .map(|id| {
                    let place = (draw(4) > 0, draw(3) as u8, i128::from(draw(9)), SimTime::ZERO, JobId(id));
                    (place, Gpus::new(1 + draw(6) as u32))
                })
                .collect();
            let mut queue = LeftoverQueue::new(free);
            all.iter().for_each(|(place, gpus)| queue.add(*gpus, *place));
            all.sort_unstable();
            let mut left = free;
            let mut expected = Vec::new();
            for ((.., id), gpus) in all {
                if gpus <= left {
                    left -= gpus;
                    expected.push((id, gpus));
                }
            }
            assert_eq!(queue.deal(), expected);
        }
    }
}
