use super::super::choice::improve;
use super::super::leases::pack;
use super::*;

/// A small instance: GPUs, leases, jobs with one way each.
struct Small {
    gpus: u32,
    horizon: u64,
    jobs: Vec<Vec<Way>>,
}

/// Numbers from a fixed seed.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }

    fn small(&mut self, widths: &[u32], soft: bool) -> Small {
        self.instance(widths, soft, (2, 3), (2, 3), (1, 4))
    }

    /// GPUs, leases and jobs: how many at least, and of how many numbers of them one is drawn.
    fn instance(
        &mut self,
        widths: &[u32],
        soft: bool,
        gpus: (u64, u64),
        horizon: (u64, u64),
        jobs: (u64, u64),
    ) -> Small {
        let (gpus, horizon) = (gpus.0 + self.below(gpus.1), horizon.0 + self.below(horizon.1));
        let gpus = gpus as u32;
        let jobs = (0..jobs.0 + self.below(jobs.1))
            .map(|_| {
                let width = widths[self.below(widths.len() as u64) as usize].min(gpus);
                let until = 1 + self.below(horizon);
                let need = 1 + self.below(until);
                let first = Way { demand: Demand { width, need, until }, value: 10.0 };
                let later = Demand { width, need, until: until + self.below(horizon - until + 1) };
                let more = soft.then_some(Way { demand: later, value: 5.0 });
                std::iter::once(first).chain(more).collect()
            })
            .collect();
        Small { gpus, horizon, jobs }
    }
}

impl Small {
    fn demands(&self) -> Vec<Demand> {
        self.jobs.iter().map(|ways| ways[0].demand).collect()
    }

    /// The full program by trying everything: every set of leases for every job and way. The best
    /// value, then the most (or, with a minus, the fewest) GPUs in the first lease.
    fn best(&self, objective: Objective) -> Option<(i64, i64)> {
        let mut best = None;
        self.try_all(0, &mut vec![0; self.horizon as usize], (0, 0), objective, &mut best);
        best
    }

    fn try_all(
        &self,
        job: usize,
        used: &mut Vec<u32>,
        (value, first): (i64, i64),
        objective: Objective,
        best: &mut Option<(i64, i64)>,
    ) {
        let Some(ways) = self.jobs.get(job) else {
            let score = (value, if objective == Objective::Most { first } else { -first });
            *best = (*best).max(Some(score));
            return;
        };
        for way in ways {
            let Demand { width, need, until } = way.demand;
            for set in 0..1u32 << until {
                let takes = |lease: &usize| set >> lease & 1 == 1;
                let chosen: Vec<usize> = (0..until as usize).filter(takes).collect();
                if chosen.len() as u64 != need || chosen.iter().any(|lease| used[*lease] + width > self.gpus)
                {
                    continue;
                }
                chosen.iter().for_each(|lease| used[*lease] += width);
                let first = first + if chosen.first() == Some(&0) { i64::from(width) } else { 0 };
                self.try_all(job + 1, used, (value + way.value as i64, first), objective, best);
                chosen.iter().for_each(|lease| used[*lease] -= width);
            }
        }
    }

    fn score(&self, ways: &[usize], packed: &Packed, objective: Objective) -> (i64, i64) {
        for lease in 0..self.horizon {
            let has = self.jobs.iter().enumerate().filter(|(job, _)| packed.leases[*job].contains(lease));
            let used: u32 = has.map(|(job, all)| all[ways[job]].demand.width).sum();
            assert!(used <= self.gpus && packed.free.gpus_in(lease) == self.gpus - used);
        }
        let (mut value, mut first) = (0, 0);
        for (job, (ways, way)) in self.jobs.iter().zip(ways).enumerate() {
            let Demand { width, need, until } = ways[*way].demand;
            let leases = &packed.leases[job];
            assert!(leases.count() == need && leases.runs().iter().all(|run| run.1 <= until));
            value += ways[*way].value as i64;
            first += if leases.contains(0) { i64::from(width) } else { 0 };
        }
        (value, if objective == Objective::Most { first } else { -first })
    }
}

/// The reduced program against the full one: as good wherever its answer can be filled in, which is
/// nearly always (372 of 376).
#[test]
fn the_reduced_program_is_the_full_one() {
    let mut draws = Draws(1);
    let (mut solved, mut feasible) = (0, 0);
    for round in 0..400 {
        let small = draws.small(&[1, 2, 3, 4], round % 2 == 0);
        for objective in [Objective::Most, Objective::Least] {
            let best = small.best(objective);
            let found = solve(&small.jobs, small.gpus, 0, Some(objective));
            feasible += usize::from(best.is_some());
            if let Ok(Solved { ways, packed }) = found {
                solved += 1;
                assert_eq!(Some(small.score(&ways, &packed, objective)), best);
            }
        }
    }
    assert!(feasible > 300 && solved * 100 >= feasible * 98, "{solved} of {feasible}");
}

/// The full program, a binary for each job, way and lease, solved by HiGHS: the best value, then
/// the most or fewest GPUs in the first lease.
#[cfg(feature = "highs")]
fn full(small: &Small, objective: Objective) -> Option<(i64, i64)> {
    use good_lp::{Solution, SolverModel};

    let mut variables = ProblemVariables::new();
    let (mut value, mut first) = (Expression::default(), Expression::default());
    let mut used = vec![Expression::default(); small.horizon as usize];
    let mut constraints = Vec::new();
    for ways in &small.jobs {
        let mut taken = Expression::default();
        for way in ways {
            let Demand { width, need, until } = way.demand;
            let chosen = variables.add(variable().binary());
            let leases = variables.add_vector(variable().binary(), until as usize);
            leases.iter().zip(&mut used).for_each(|(lease, used)| *used += f64::from(width) * *lease);
            first += f64::from(width) * leases[0];
            value += way.value * chosen;
            taken += chosen;
            constraints.push(constraint!(leases.iter().sum::<Expression>() == need as f64 * chosen));
        }
        constraints.push(constraint!(taken == 1.0));
    }
    constraints.extend(used.into_iter().map(|used| constraint!(used <= f64::from(small.gpus))));
    let sign = if objective == Objective::Most { 1.0 } else { -1.0 };
    // Values are multiples of 5, and no cluster has 100 GPUs.
    let aim = 20.0 * value.clone() + sign * first.clone();
    let model = variables.maximise(aim).using(good_lp::solvers::highs::highs).set_option("mip_rel_gap", 0.0);
    let model = constraints.into_iter().fold(model, |model, constraint| model.with(constraint));
    let solution = model.solve().ok()?;
    let whole = |expression: Expression| solution.eval(expression).round() as i64;
    Some((whole(value), sign as i64 * whole(first)))
}

/// The reduced program against the full one on instances that are too large to try out.
#[cfg(feature = "highs")]
#[test]
fn the_reduced_program_is_the_full_one_by_highs() {
    let mut draws = Draws(4);
    let (mut solved, mut feasible) = (0, 0);
    for round in 0..150 {
        let small = draws.instance(&[1, 2, 3, 4, 8], round % 2 == 0, (8, 9), (5, 8), (4, 8));
        for objective in [Objective::Most, Objective::Least] {
            let best = full(&small, objective);
            feasible += usize::from(best.is_some());
            match solve(&small.jobs, small.gpus, 0, Some(objective)) {
                Ok(Solved { ways, packed }) => {
                    solved += 1;
                    assert_eq!(Some(small.score(&ways, &packed, objective)), best);
                }
                Err(why) => assert!(best.is_none() || why == NoAnswer::Unknown),
            }
        }
    }
    // Odd widths on few GPUs are hard to fill in: 108 of 134.
    assert!(feasible > 100 && solved * 100 >= feasible * 75, "{solved} of {feasible}");
}

/// Packing and exchanges against the full program: never better, since they are legal, and mostly
/// as good.
#[test]
fn exchanges_are_nearly_always_as_good() {
    let mut draws = Draws(2);
    let (mut packings, mut optimal, mut feasible) = (0, 0, 0);
    for _ in 0..1500 {
        let small = draws.small(&[1, 2, 4], false);
        for objective in [Objective::Most, Objective::Least] {
            let Some(best) = small.best(objective) else { continue };
            feasible += 1;
            let demands = small.demands();
            let Some(mut packed) = pack(&demands, 0, FreeLeases::new(0, small.gpus)) else { continue };
            improve(objective, &demands, 0, &mut packed);
            packings += 1;
            let score = small.score(&vec![0; demands.len()], &packed, objective);
            assert!(score <= best);
            optimal += usize::from(score == best);
        }
    }
    assert!(packings * 100 >= feasible * 95, "{packings} of {feasible} packed");
    assert!(optimal * 100 >= packings * 95, "{optimal} of {packings} optimal");
}

#[test]
fn segments_are_what_is_counted() {
    let way = |until| vec![Way { demand: Demand { width: 1, need: 1, until }, value: 1.0 }];
    // Lease 5; 6 to 8; 9 and 10: three segments for each of three jobs.
    assert_eq!(variables(&[way(9), way(11), way(9)], 5), 9);
    assert!(solve(&[way(5)], 4, 5, None).is_err());
}

/// On 4 GPUs one of two jobs of a lease each can be in time, however little that is worth; and so
/// the first lease counts for nothing against the smallest difference, nor does a small difference
/// of values against the sum of two smaller ones.
#[test]
fn value_comes_first() {
    let way = |width, need, until, value| Way { demand: Demand { width, need, until }, value };
    for scale in [1e-3, 1.0, 1e6] {
        // The first job gives up its lease 0, which is all that is asked for, for the second one's
        // better way.
        let jobs = [
            vec![way(4, 1, 3, 1.0)],
            vec![way(4, 1, 1, 0.02 * scale), way(4, 1, 3, 0.01 * scale)],
            vec![way(4, 1, 3, 5.0)],
        ];
        for objective in [None, Some(Objective::Most), Some(Objective::Least)] {
            let solved = solve(&jobs, 4, 0, objective).unwrap();
            assert_eq!(solved.ways, [0, 0, 0]);
            assert!(solved.packed.leases[1].contains(0));
        }
        // Both narrow jobs, for 0.3 each, rather than the wide one for 0.5.
        let jobs = [
            vec![way(2, 1, 1, 1.0 * scale), way(2, 1, 2, 0.7 * scale)],
            vec![way(2, 1, 1, 1.0 * scale), way(2, 1, 2, 0.7 * scale)],
            vec![way(4, 1, 1, 1.0 * scale), way(4, 1, 2, 0.5 * scale)],
        ];
        assert_eq!(solve(&jobs, 4, 0, Some(Objective::Least)).unwrap().ways, [0, 0, 1]);
    }
}

/// Odd widths on an odd cluster, packed as tightly as that, take a search without a foreseeable
/// end; it is given up.
#[test]
fn a_search_without_end_is_given_up() {
    let mut draws = Draws(3);
    let mut unknown = 0;
    for _ in 0..20 {
        let jobs: Vec<Vec<Way>> = (0..24)
            .map(|_| {
                let until = 4 + draws.below(12);
                let demand =
                    Demand { width: [3, 5, 6, 7][draws.below(4) as usize], need: 1 + draws.below(3), until };
                let later = Demand { until: until + 3, ..demand };
                vec![Way { demand, value: draws.below(90) as f64 }, Way { demand: later, value: 0.0 }]
            })
            .collect();
        unknown += usize::from(solve(&jobs, 13, 0, Some(Objective::Most)).err() == Some(NoAnswer::Unknown));
    }
    assert!(unknown > 0);
}
