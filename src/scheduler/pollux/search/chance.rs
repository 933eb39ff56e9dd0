//! Cheap random choices. An event of low probability is drawn by the number of chances until it
//! next happens, instead of one draw per chance.

use std::rc::Rc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Draws a number below `bound`. Its distance from uniform is too small for 2³² draws to show.
pub(super) fn below(draw: &mut ChaCha8Rng, bound: u32) -> u32 {
    ((u64::from(draw.next_u32()) * u64::from(bound)) >> 32) as u32
}

/// The distribution of the number of chances that pass before one of a given probability comes
/// true.
pub(super) struct Seldom {
    /// By number of chances: the probability, in parts of 2³², that one of them comes true.
    until: Vec<u32>,
    /// The first index to look at, by the upper bits of a draw. Searching by halves makes a round
    /// with 50 jobs on 16 nodes take a fifth longer.
    guide: [u16; GUIDES],
}

/// The number of chances after which the draw is repeated; chances have no memory.
const REACH: usize = 512;
const GUIDES: usize = 1 << GUIDED;
const GUIDED: u32 = 10;

impl Seldom {
    pub(super) fn new(probability: f64) -> Rc<Seldom> {
        let mut away = 1.0;
        let mut until = Vec::new();
        while until.len() < REACH {
            away *= 1.0 - probability;
            let part = (1.0 - away) * 2f64.powi(32);
            until.push(part.min(f64::from(u32::MAX)) as u32);
            if away <= 0.0 {
                break;
            }
        }
        let mut at = 0;
        let guide = std::array::from_fn(|part| {
            let least = (part as u32) << (32 - GUIDED);
            while at < until.len() && until[at] <= least {
                at += 1;
            }
            at as u16
        });
        Rc::new(Seldom { guide, until })
    }

    /// Draws how many chances pass before the next one that comes true.
    fn skip(&self, draw: &mut ChaCha8Rng) -> usize {
        let number = draw.next_u32();
        let at = usize::from(self.guide[(number >> (32 - GUIDED)) as usize]);
        match self.until.get(at) {
            Some(until) if *until > number => at,
            _ => self.search(at, number, draw),
        }
    }

    /// Searches from index `at` on.
    fn search(&self, mut at: usize, mut number: u32, draw: &mut ChaCha8Rng) -> usize {
        let mut passed = 0;
        loop {
            while let Some(until) = self.until.get(at) {
                if *until > number {
                    return passed + at;
                }
                at += 1;
            }
            passed += self.until.len();
            number = draw.next_u32();
            at = usize::from(self.guide[(number >> (32 - GUIDED)) as usize]);
        }
    }
}

/// Chances of the same probability that are taken one after the other.
pub(super) struct Chances {
    seldom: Rc<Seldom>,
    /// The number of chances before the next one that comes true.
    away: usize,
}

impl Chances {
    pub(super) fn new(seldom: &Rc<Seldom>, draw: &mut ChaCha8Rng) -> Chances {
        Chances { seldom: seldom.clone(), away: seldom.skip(draw) }
    }

    /// Returns the next of `count` chances that comes true. `None` means that no further one does;
    /// the `count` chances are then past.
    pub(super) fn next(&mut self, count: usize, draw: &mut ChaCha8Rng) -> Option<usize> {
        if self.away >= count {
            self.away -= count;
            return None;
        }
        let this = self.away;
        self.away += 1 + self.seldom.skip(draw);
        Some(this)
    }
}

/// Brings `count` random items to the front in random order; all orders are equally likely.
pub(super) fn shuffle<T>(items: &mut [T], count: usize, draw: &mut ChaCha8Rng) {
    for place in 0..count.min(items.len()) {
        let other = place + below(draw, (items.len() - place) as u32) as usize;
        items.swap(place, other);
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    /// Of 200,000 chances the expected number comes true, to within five standard deviations,
    /// √(n·p·(1 − p)), however many are taken at a time.
    #[test]
    fn seldom_is_as_often_as_it_should_be() {
        let mut draw = ChaCha8Rng::seed_from_u64(1);
        for probability in [1.0, 0.5, 0.1, 0.02, 0.001] {
            for together in [1, 7, 200_000] {
                let mut chances = Chances::new(&Seldom::new(probability), &mut draw);
                let (mut taken, mut times) = (0, 0);
                while taken < 200_000 {
                    let count = together.min(200_000 - taken);
                    let mut last = None;
                    while let Some(this) = chances.next(count, &mut draw) {
                        assert!(this < count && last < Some(this));
                        (last, times) = (Some(this), times + 1);
                    }
                    taken += count;
                }
                let expected = 200_000.0 * probability;
                let off = 5.0 * (expected * (1.0 - probability)).sqrt();
                assert!((f64::from(times) - expected).abs() <= off, "{times} of {expected}");
            }
        }
    }

    #[test]
    fn every_order_is_as_likely() {
        let mut draw = ChaCha8Rng::seed_from_u64(2);
        let mut seen = [0; 6];
        for _ in 0..6000 {
            let mut items = [0, 1, 2];
            shuffle(&mut items, 3, &mut draw);
            seen[items[0] * 2 + usize::from(items[1] > items[2])] += 1;
        }
        // 1000 each, with a standard deviation of 29.
        assert!(seen.iter().all(|times| (850..1150).contains(times)), "{seen:?}");
    }
}
