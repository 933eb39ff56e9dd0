//! Who waits for what is left over. Thousands may, for a few GPUs: it is enough to know the first
//! ones of each width.

use std::collections::{BTreeMap, BinaryHeap};

use crate::job::JobId;
use crate::units::{Gpus, SimTime};

/// Who waits for what is left over, in order: who is overrun, by class, by service, and what
/// decides ties.
pub(super) type Waiting = (bool, u8, i128, SimTime, JobId);

/// Those who wait that could have some of the GPUs that are free.
#[derive(Debug)]
pub(super) struct Queue {
    free: Gpus,
    /// By the GPUs that they ask for: the first ones, the last of these on top.
    first: BTreeMap<Gpus, BinaryHeap<Waiting>>,
}

impl Queue {
    pub(super) fn new(free: Gpus) -> Queue {
        Queue { free, first: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, gpus: Gpus, waiting: Waiting) {
        // No more than so many of them fit, whoever else has some.
        let most = (self.free.get() / gpus.get().max(1)) as usize;
        let first = self.first.entry(gpus).or_default();
        if first.len() < most {
            first.push(waiting);
        } else if let Some(mut last) = first.peek_mut()
            && waiting < *last
        {
            *last = waiting;
        }
    }

    /// Who can have GPUs, and how many, in order, each of them unless it does not fit.
    pub(super) fn deal(self) -> Vec<(JobId, Gpus)> {
        let all =
            self.first.into_iter().flat_map(|(gpus, first)| first.into_iter().map(move |who| (who, gpus)));
        let mut all: Vec<(Waiting, Gpus)> = all.collect();
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

    /// What comes out is what going down the whole list in order gives, who does not fit being
    /// passed over.
    #[test]
    fn the_first_of_each_width_are_enough() {
        let mut seed = 1u64;
        let mut draw = |limit: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) % limit
        };
        for _ in 0..500 {
            let free = Gpus::new(draw(12) as u32);
            let mut all: Vec<(Waiting, Gpus)> = (0..draw(30) as u32)
                .map(|id| {
                    let who = (draw(4) > 0, draw(3) as u8, i128::from(draw(9)), SimTime::ZERO, JobId(id));
                    (who, Gpus::new(1 + draw(6) as u32))
                })
                .collect();
            let mut queue = Queue::new(free);
            all.iter().for_each(|(who, gpus)| queue.add(*gpus, *who));
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
