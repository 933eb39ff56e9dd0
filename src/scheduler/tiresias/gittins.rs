//! The Gittins index of a job that has attained some service, given how much service jobs take in
//! all.
//!
//! For a job of unknown size `S` that has attained `a`, the index is `G(a) = max over Δ of P(S - a
//! <= Δ | S > a) / E[min(S - a, Δ) | S > a]`: the best ratio, over all Δ, of the chance that the
//! job completes within a further Δ to the service that this is expected to cost (Gittins 1989;
//! Tiresias, section 3.2).
//!
//! Let `N(t)` be how many jobs take at most `t`, and `T(t)` the service that all jobs together
//! attain while each is served up to `t`. Numerator and denominator count the same jobs, so `G(a)`
//! is the slope of the steepest line from the point `(T(a), N(a))` to a later point `(T(s), N(s))`,
//! and only sizes `s` that occur can be best. The steepest line ends at a corner of the upper hull
//! of the later points. For each corner, the next corner on the hull of what comes after it is
//! found once, from the right; an index is then a walk along the hull.

/// The sizes of all jobs, prepared for computing indices.
#[derive(Clone, Debug)]
pub(super) struct Gittins {
    /// Ascending by size.
    corners: Vec<Corner>,
    /// How many jobs there are.
    jobs: f64,
}

/// A point of the curve of `(T(s), N(s))`, at a size that occurs.
#[derive(Clone, Copy, Debug)]
struct Corner {
    size: f64,
    /// How many jobs are of at most this size.
    ended: f64,
    /// The service that all jobs attain while each is served up to this size.
    attained: f64,
    /// The next corner of the upper hull of this and all larger sizes; itself for the last.
    next: usize,
}

impl Gittins {
    /// Prepares the sizes of all jobs, in any unit. Sizes that are not above zero or not finite do
    /// not count. Takes time n log n.
    pub(super) fn new(mut sizes: Vec<f64>) -> Gittins {
        sizes.retain(|size| *size > 0.0 && size.is_finite());
        sizes.sort_unstable_by(f64::total_cmp);
        let jobs = sizes.len() as f64;
        let mut corners: Vec<Corner> = Vec::new();
        for size in sizes {
            let last = corners.last().copied().unwrap_or(Corner::ORIGIN);
            if last.size == size {
                corners.pop();
            }
            let attained = last.attained + (jobs - last.ended) * (size - last.size);
            corners.push(Corner { size, ended: last.ended + 1.0, attained, next: corners.len() });
        }
        for place in (0..corners.len().saturating_sub(1)).rev() {
            corners[place].next = steepest(&corners, corners[place], place + 1);
        }
        Gittins { corners, jobs }
    }

    /// Returns the index of a job that has attained `service`, per unit of service; zero from the
    /// largest size on.
    pub(super) fn index(&self, service: f64) -> f64 {
        let first = self.corners.partition_point(|corner| corner.size <= service);
        if first == self.corners.len() {
            return 0.0;
        }
        let last = if first == 0 { Corner::ORIGIN } else { self.corners[first - 1] };
        let attained = last.attained + (self.jobs - last.ended) * (service - last.size);
        let here = Corner { size: service, attained, ..last };
        slope(here, self.corners[steepest(&self.corners, here, first)])
    }

    /// Returns the largest size; zero without jobs.
    pub(super) fn largest(&self) -> f64 {
        self.corners.last().map_or(0.0, |corner| corner.size)
    }
}

impl Corner {
    const ORIGIN: Corner = Corner { size: 0.0, ended: 0.0, attained: 0.0, next: 0 };
}

/// Returns the slope of the line between two points.
fn slope(from: Corner, to: Corner) -> f64 {
    (to.ended - from.ended) / (to.attained - from.attained)
}

/// Returns the corner, `first` or a later one, at which the steepest line from `here` ends. Along
/// the hull slopes rise and then fall.
fn steepest(corners: &[Corner], here: Corner, first: usize) -> usize {
    let mut best = first;
    loop {
        let next = corners[best].next;
        if next == best || slope(here, corners[next]) < slope(here, corners[best]) {
            return best;
        }
        best = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes 2, 2, 10. At 0: within 2, two of three jobs end for 3 × 2 = 6, so 2/6; within 10 all
    /// end for 6 + 8 = 14, so 3/14. At 1 it is 2/3 against 3/11; at 2 one job ends for 8, at 9 for
    /// 1.
    #[test]
    fn an_index_by_hand() {
        let gittins = Gittins::new(vec![2.0, 10.0, 2.0]);
        assert_eq!([0.0, 1.0, 2.0, 9.0].map(|a| gittins.index(a)), [2.0 / 6.0, 2.0 / 3.0, 1.0 / 8.0, 1.0]);
        assert_eq!([gittins.index(10.0), gittins.index(11.0), gittins.largest()], [0.0, 0.0, 10.0]);
        assert_eq!(Gittins::new(vec![]).index(0.0), 0.0);
    }

    /// The definition, size by size.
    fn by_definition(sizes: &[f64], a: f64) -> f64 {
        let longer: Vec<f64> = sizes.iter().map(|s| s - a).filter(|rest| *rest > 0.0).collect();
        let ratio = |delta: f64| {
            let ends = longer.iter().filter(|rest| **rest <= delta).count() as f64;
            ends / longer.iter().map(|rest| rest.min(delta)).sum::<f64>()
        };
        longer.iter().map(|delta| ratio(*delta)).fold(0.0, f64::max)
    }

    #[test]
    fn the_hull_finds_what_the_definition_says() {
        let mut state = 1u64;
        let mut draw = |limit: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((state >> 33) % limit) as f64
        };
        for _ in 0..300 {
            let spread = 3 + draw(400) as u64;
            let sizes: Vec<f64> = (0..1 + draw(60) as usize).map(|_| 1.0 + draw(spread) * draw(3)).collect();
            let gittins = Gittins::new(sizes.clone());
            for _ in 0..40 {
                let a = draw(2 * spread) / 2.0;
                let (hull, slow) = (gittins.index(a), by_definition(&sizes, a));
                assert!((hull - slow).abs() <= 1e-12 * slow, "{sizes:?} at {a}: {hull} for {slow}");
            }
        }
    }
}
