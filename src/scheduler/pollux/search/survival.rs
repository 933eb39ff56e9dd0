//! Who survives: by fronts of what nobody beats in both objectives, and in the last front by how lonely it is (Deb et al., NSGA-II,
//! 2002), both for two objectives, which takes sorting alone.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// Two objectives, both to be small.
pub(super) type Objectives = [f64; 2];

/// Whether `a` is nowhere worse than `b` and somewhere better.
pub(super) fn dominates(a: &Objectives, b: &Objectives) -> bool {
    a[0] <= b[0] && a[1] <= b[1] && (a[0] < b[0] || a[1] < b[1])
}

/// Sorts into fronts, best first: members of a front do not dominate each other, and each is dominated by someone of the front
/// before. Inside a front by the first objective, then by place. Stops after the front with which there are `enough`.
pub(super) fn fronts(all: &[Objectives], enough: usize) -> Vec<Vec<u32>> {
    let mut order: Vec<u32> = (0..all.len() as u32).collect();
    let key = |index: &u32| all[*index as usize];
    order.sort_unstable_by(|a, b| {
        let (x, y) = (key(a), key(b));
        x[0].total_cmp(&y[0]).then(x[1].total_cmp(&y[1])).then(a.cmp(b))
    });
    let mut fronts: Vec<Vec<u32>> = Vec::new();
    for index in order {
        let own = key(&index);
        // Who came last into a front has the least second objective there: if he does not dominate, nobody there does.
        let is_dominated = |front: &Vec<u32>| front.last().is_some_and(|last| dominates(&key(last), &own));
        let place = fronts.partition_point(is_dominated);
        match fronts.get_mut(place) {
            Some(front) => front.push(index),
            None => fronts.push(vec![index]),
        }
    }
    let mut count = 0;
    let needed = fronts.iter().position(|front| {
        count += front.len();
        count >= enough
    });
    fronts.truncate(needed.map_or(fronts.len(), |last| last + 1));
    fronts
}

/// How far from its neighbours each member of a front is, in parts of the front's extent. The ends are infinitely far; who has
/// a twin before it in both objectives is at no distance at all.
pub(super) fn crowding(all: &[Objectives], front: &[u32]) -> Vec<f64> {
    if front.len() <= 2 {
        return vec![f64::INFINITY; front.len()];
    }
    let mut distance = vec![0.0; front.len()];
    let at = |place: usize| all[front[place] as usize];
    let own: Vec<usize> =
        (0..front.len()).filter(|place| *place == 0 || at(*place) != at(place - 1)).collect();
    let (first, last) = (at(own[0]), at(own[own.len() - 1]));
    let extent = [last[0] - first[0], first[1] - last[1]];
    for (rank, place) in own.iter().enumerate() {
        distance[*place] = if own.len() <= 2 || rank == 0 || rank + 1 == own.len() {
            f64::INFINITY
        } else {
            let (before, after) = (at(own[rank - 1]), at(own[rank + 1]));
            let parts = [(after[0] - before[0], extent[0]), (before[1] - after[1], extent[1])];
            parts.iter().filter(|(_, extent)| *extent > 0.0).map(|(gap, extent)| gap / extent).sum::<f64>()
                / 2.0
        };
    }
    distance
}

/// The survivors: (place, distance), fronts in their order, each in the order of places; how many of them are in the first front.
pub(super) fn survivors(
    all: &[Objectives],
    enough: usize,
    draw: &mut ChaCha8Rng,
) -> (Vec<(u32, f64)>, usize) {
    let mut alive: Vec<(u32, f64)> = Vec::with_capacity(enough);
    let mut first = 0;
    for front in fronts(all, enough) {
        let mut members: Vec<(u32, f64)> = front.iter().copied().zip(crowding(all, &front)).collect();
        let room = enough - alive.len();
        if members.len() > room {
            let mut lonely: Vec<_> = members.iter().map(|member| (*member, draw.next_u32())).collect();
            lonely
                .sort_unstable_by(|a, b| b.0.1.total_cmp(&a.0.1).then(a.1.cmp(&b.1)).then(a.0.0.cmp(&b.0.0)));
            members = lonely[..room].iter().map(|(member, _)| *member).collect();
        } else {
            members.sort_unstable_by_key(|member| member.0);
        }
        alive.extend(members);
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

    #[test]
    fn fronts_by_hand() {
        // (1,4), (2,2) and (4,1) beat everybody; (2,3) and (3,2) only lose to (2,2); (3,3) loses to those. Twins are together.
        let all = [[3.0, 3.0], [1.0, 4.0], [2.0, 3.0], [2.0, 2.0], [4.0, 1.0], [3.0, 2.0], [2.0, 2.0]];
        assert_eq!(fronts(&all, 7), [vec![1, 3, 6, 4], vec![2, 5], vec![0]]);
        assert_eq!(fronts(&all, 4).len(), 1);
        assert_eq!(fronts(&all, 5).len(), 2);
    }

    #[test]
    fn fronts_are_what_comparing_everybody_gives() {
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
        // Extents 8 and 4. The second: (4 − 0)/8 + (4 − 1)/4 = 1.25, its half; a twin of it none. The third: (8 − 1)/8 + (2 − 0)/4.
        let all = [[0.0, 4.0], [1.0, 2.0], [1.0, 2.0], [4.0, 1.0], [8.0, 0.0]];
        let distances = crowding(&all, &[0, 1, 2, 3, 4]);
        assert_eq!(distances, [f64::INFINITY, 0.625, 0.0, 0.6875, f64::INFINITY]);
        assert_eq!(crowding(&all, &[0, 4]), [f64::INFINITY; 2]);
        // Nothing is apart in the first objective.
        let flat = [[1.0, 3.0], [1.0, 3.0], [1.0, 3.0]];
        assert_eq!(crowding(&flat, &[0, 1, 2]), [f64::INFINITY, 0.0, 0.0]);
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
