//! Selects the survivors of a generation: front by front, where no plan of a front dominates
//! another, and in the last front by distance to the neighbours (Deb et al., NSGA-II, 2002). With
//! two objectives both need sorting alone.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// The two objectives of a plan; smaller is better.
pub(super) type Objectives = [f64; 2];

/// Returns whether `a` is nowhere worse than `b` and somewhere better.
pub(super) fn dominates(a: &Objectives, b: &Objectives) -> bool {
    // Branch-free: the branch is unpredictable.
    (a[0] <= b[0]) & (a[1] <= b[1]) & ((a[0] < b[0]) | (a[1] < b[1]))
}

/// Plans sorted into fronts. Members of a front do not dominate each other, and each is dominated
/// by a member of the front before. Inside a front they are sorted by the first objective, then by
/// the second, then by place.
pub(super) struct Fronts {
    /// The places of the plans, front after front, the best front first.
    members: Vec<u32>,
    /// The end of each front in `members`.
    ends: Vec<usize>,
}

impl Fronts {
    /// Sorts plans into fronts, and stops after the front with which there are `enough` plans.
    pub(super) fn new(all: &[Objectives], enough: usize) -> Fronts {
        let (order, keys) = sorted(all);
        // The last member of a front has its smallest second objective; if it does not dominate,
        // none does. It comes before in the first objective, so it dominates if its second
        // objective is not larger, unless the two are twins.
        let mut lasts: Vec<u64> = Vec::new();
        let mut ends: Vec<usize> = Vec::new();
        let mut ranks: Vec<u32> = Vec::with_capacity(all.len());
        let mut before = None;
        for place in &order {
            let key = keys[*place as usize];
            let own = key as u64;
            let rank = match before {
                Some((twin, rank)) if twin == key => rank,
                _ => lasts.partition_point(|last| *last <= own),
            };
            before = Some((key, rank));
            ranks.push(rank as u32);
            if rank == lasts.len() {
                lasts.push(own);
                ends.push(1);
            } else {
                lasts[rank] = own;
                ends[rank] += 1;
            }
        }
        let mut count = 0;
        let mut next: Vec<usize> = Vec::with_capacity(ends.len());
        for end in &mut ends {
            next.push(count);
            count += *end;
            *end = count;
        }
        let needed = ends.partition_point(|end| *end < enough);
        ends.truncate(needed + 1);
        let mut members = vec![0; ends.last().copied().unwrap_or_default()];
        for (place, rank) in order.iter().zip(ranks) {
            if (rank as usize) < ends.len() {
                members[next[rank as usize]] = *place;
                next[rank as usize] += 1;
            }
        }
        Fronts { members, ends }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| &self.members[begin..*end])
    }
}

/// Returns the places in the order of the first objective, then of the second, then of place; and
/// the sort keys by place. Integer keys save 6 % of a search with 50 jobs on 16 nodes.
fn sorted(all: &[Objectives]) -> (Vec<u32>, Vec<u128>) {
    let keys: Vec<u128> = all.iter().map(rising).collect();
    // First by the upper bits of the first objective, which together with the place make one
    // integer that is sorted without branches. Few plans share these bits.
    let bits = usize::BITS - all.len().leading_zeros();
    let upper = |(place, key): (usize, &u128)| ((key >> 64) as u64 >> bits << bits) | place as u64;
    let place = |upper: &u64| (upper & ((1 << bits) - 1)) as u32;
    let mut order: Vec<u64> = keys.iter().enumerate().map(upper).collect();
    order.sort_unstable();
    for common in order.chunk_by_mut(|a, b| a >> bits == b >> bits) {
        common.sort_unstable_by_key(|upper| (keys[place(upper) as usize], place(upper)));
    }
    (order.iter().map(place).collect(), keys)
}

/// Returns an integer that grows with the first objective and, where that is equal, with the
/// second, both in the order of `total_cmp`.
fn rising(objectives: &Objectives) -> u128 {
    let [first, second] = objectives.map(|number| {
        let bits = number.to_bits();
        // All bits of a negative number are flipped, and the sign of any other.
        u128::from(bits ^ (((bits as i64) >> 63) as u64 | 1 << 63))
    });
    first << 64 | second
}

/// Computes the distance of each member of a front to its neighbours, as shares of the front's
/// extent. The ends are infinitely far. A member whose twin comes before it has distance 0.
pub(super) fn crowding(all: &[Objectives], front: &[u32], distances: &mut Vec<f64>) {
    distances.clear();
    if front.len() <= 2 {
        distances.resize(front.len(), f64::INFINITY);
        return;
    }
    let look_up = |place: usize| all[front[place] as usize];
    let (first, last) = (look_up(0), look_up(front.len() - 1));
    let extent = [last[0] - first[0], first[1] - last[1]];
    for place in 0..front.len() {
        let own = look_up(place);
        let is_twin = place > 0 && look_up(place - 1) == own;
        let after = (place + 1..front.len()).map(look_up).find(|other| *other != own);
        distances.push(match after {
            _ if is_twin => 0.0,
            Some(after) if place > 0 => {
                let before = look_up(place - 1);
                let parts = [(after[0] - before[0], extent[0]), (before[1] - after[1], extent[1])];
                let parts = parts.iter().filter(|(_, extent)| *extent > 0.0);
                parts.map(|(gap, extent)| gap / extent).sum::<f64>() / 2.0
            }
            _ => f64::INFINITY,
        });
    }
}

/// Selects `enough` survivors. Returns each with its distance, front by front and inside a front by
/// place, and the number of survivors in the first front.
pub(super) fn survivors(
    all: &[Objectives],
    enough: usize,
    draw: &mut ChaCha8Rng,
) -> (Vec<(u32, f64)>, usize) {
    let mut alive: Vec<(u32, f64)> = Vec::with_capacity(enough);
    let mut distances = Vec::new();
    let mut first = 0;
    for front in Fronts::new(all, enough).iter() {
        crowding(all, front, &mut distances);
        let members = front.iter().copied().zip(distances.iter().copied());
        let (from, room) = (alive.len(), enough - alive.len());
        if front.len() > room {
            let mut lonely: Vec<_> = members.map(|member| (member, draw.next_u32())).collect();
            lonely
                .sort_unstable_by(|a, b| b.0.1.total_cmp(&a.0.1).then(a.1.cmp(&b.1)).then(a.0.0.cmp(&b.0.0)));
            alive.extend(lonely[..room].iter().map(|(member, _)| *member));
        } else {
            alive.extend(members);
            alive[from..].sort_unstable_by_key(|member| member.0);
        }
        if first == 0 {
            first = alive.len();
        }
    }
    (alive, first)
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    fn fronts(all: &[Objectives], enough: usize) -> Vec<Vec<u32>> {
        Fronts::new(all, enough).iter().map(<[u32]>::to_vec).collect()
    }

    fn crowding(all: &[Objectives], front: &[u32]) -> Vec<f64> {
        let mut distances = Vec::new();
        super::crowding(all, front, &mut distances);
        distances
    }

    #[test]
    fn fronts_by_hand() {
        // No plan dominates (1,4), (2,2) and (4,1). Only (2,2) dominates (2,3) and (3,2), which
        // both dominate (3,3). Twins are in the same front.
        let all = [[3.0, 3.0], [1.0, 4.0], [2.0, 3.0], [2.0, 2.0], [4.0, 1.0], [3.0, 2.0], [2.0, 2.0]];
        assert_eq!(fronts(&all, 7), [vec![1, 3, 6, 4], vec![2, 5], vec![0]]);
        assert_eq!(fronts(&all, 4).len(), 1);
        assert_eq!(fronts(&all, 5).len(), 2);
    }

    #[test]
    fn fronts_are_what_all_comparisons_give() {
        let mut draw = ChaCha8Rng::seed_from_u64(3);
        for size in 1..60 {
            let all: Vec<Objectives> =
                (0..size).map(|_| [0, 1].map(|_| f64::from(draw.next_u32() % 12))).collect();
            let mut left: Vec<usize> = (0..all.len()).collect();
            for front in fronts(&all, all.len()) {
                let beaten = |one: usize| left.iter().any(|other| dominates(&all[*other], &all[one]));
                let expected: Vec<usize> = left.iter().copied().filter(|one| !beaten(*one)).collect();
                let mut found: Vec<usize> = front.iter().map(|index| *index as usize).collect();
                found.sort_unstable();
                assert_eq!(found, expected);
                left.retain(|index| !expected.contains(index));
            }
            assert!(left.is_empty());
        }
    }

    #[test]
    fn distances_by_hand() {
        // Extents 8 and 4. The second: (4 − 0)/8 + (4 − 1)/4 = 1.25, its half; a twin of it none.
        // The third: (8 − 1)/8 + (2 − 0)/4.
        let all = [[0.0, 4.0], [1.0, 2.0], [1.0, 2.0], [4.0, 1.0], [8.0, 0.0]];
        let distances = crowding(&all, &[0, 1, 2, 3, 4]);
        assert_eq!(distances, [f64::INFINITY, 0.625, 0.0, 0.6875, f64::INFINITY]);
        assert_eq!(crowding(&all, &[0, 4]), [f64::INFINITY; 2]);
        // Nothing is apart in the first objective.
        let flat = [[1.0, 3.0], [1.0, 3.0], [1.0, 3.0]];
        assert_eq!(crowding(&flat, &[0, 1, 2]), [f64::INFINITY, 0.0, 0.0]);
    }

    #[test]
    fn equal_plans_are_sorted_by_the_second_objective_and_by_place() {
        let close = 1.0 + f64::EPSILON;
        let all = [[close, 0.0], [1.0, 3.0], [-2.0, 1.0], [1.0, 2.0], [1.0, 3.0], [close, -1.0]];
        assert_eq!(sorted(&all).0, [2, 3, 1, 4, 5, 0]);
    }

    #[test]
    fn integers_rise_as_numbers_do() {
        let numbers = [f64::NEG_INFINITY, -2.5, -2.0, -0.0, 0.0, 1e-300, 3.0, f64::INFINITY];
        assert!(numbers.is_sorted_by(|a, b| rising(&[*a, 1.0]) < rising(&[*b, 0.0])));
        assert!(numbers.is_sorted_by(|a, b| rising(&[1.0, *a]) < rising(&[1.0, *b])));
    }

    #[test]
    fn the_lonely_of_the_last_front_survive() {
        let all = [[0.0, 4.0], [1.0, 2.0], [1.0, 2.0], [4.0, 1.0], [8.0, 0.0], [9.0, 9.0]];
        let mut draw = ChaCha8Rng::seed_from_u64(4);
        let (alive, first) = survivors(&all, 4, &mut draw);
        let mut places: Vec<u32> = alive.iter().map(|(place, _)| *place).collect();
        places.sort_unstable();
        assert_eq!((places, first), (vec![0, 1, 3, 4], 4));
        let (alive, first) = survivors(&all, 6, &mut draw);
        assert_eq!((alive.len(), first, alive[5].0), (6, 5, 5));
    }
}
