use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::units::Gpus;
use demand::hull;

/// Sizes of the small instances, with iterations a second on each.
const SPEEDS: [(u32, u32); 3] = [(1, 2), (2, 3), (4, 5)];

/// A job of a small instance: times in seconds.
#[derive(Clone, Copy, Debug)]
struct Small {
    from: usize,
    until: usize,
    work: u32,
}

fn demand(n: usize, job: &Small) -> Demand {
    let points = SPEEDS.map(|(gpus, speed)| (f64::from(gpus), f64::from(speed)));
    let at = |time: usize| SimTime::from_secs(time as u64);
    Demand::of_speeds(JobId(n as u32), at(job.from), at(job.until), f64::from(job.work), &points)
}

/// The most jobs that a clairvoyant scheduler meets which may give each job any size anew in each
/// second, at no cost, by trying everything.
fn most_met(jobs: &[Small], gpus: u32) -> u32 {
    let end = jobs.iter().map(|job| job.until).max().unwrap_or(0);
    let left: Vec<u32> = jobs.iter().map(|job| job.work).collect();
    best(jobs, gpus, 0, end, left, &mut BTreeMap::new())
}

fn best(
    jobs: &[Small],
    gpus: u32,
    time: usize,
    end: usize,
    left: Vec<u32>,
    known: &mut BTreeMap<(usize, Vec<u32>), u32>,
) -> u32 {
    if time == end {
        return left.iter().filter(|left| **left == 0).count() as u32;
    }
    // A job that can no longer be met is out of the way.
    let alive =
        |n: usize, left: u32| left <= 5 * (jobs[n].until.saturating_sub(time.max(jobs[n].from))) as u32;
    let left: Vec<u32> =
        left.iter().enumerate().map(|(n, left)| if alive(n, *left) { *left } else { u32::MAX }).collect();
    if let Some(found) = known.get(&(time, left.clone())) {
        return *found;
    }
    let mut nexts = vec![(left.clone(), gpus)];
    for n in (0..jobs.len()).filter(|n| (jobs[*n].from..jobs[*n].until).contains(&time)) {
        for (next, free) in nexts.clone() {
            if next[n] == 0 || next[n] == u32::MAX {
                continue;
            }
            for (size, speed) in SPEEDS.into_iter().filter(|(size, _)| *size <= free) {
                let mut more = next.clone();
                more[n] = more[n].saturating_sub(speed);
                nexts.push((more, free - size));
            }
        }
    }
    let found = nexts.into_iter().map(|(next, _)| best(jobs, gpus, time + 1, end, next, known)).max();
    let found = found.expect("to give nothing is one way");
    known.insert((time, left), found);
    found
}

fn bound(jobs: &[Small], gpus: u32) -> Bound {
    let demands: Vec<Demand> = jobs.iter().enumerate().map(|(n, job)| demand(n, job)).collect();
    let grid = Grid::new(&demands);
    Bound::from_prices(&demands, &grid, &search(&demands, &grid, Gpus::new(gpus)))
}

/// Twenty random instances of up to seven jobs on four GPUs, against everything that could be done.
#[test]
fn the_bound_is_never_below_the_best_of_all_schedules() {
    let mut draw = ChaCha8Rng::seed_from_u64(0);
    let (mut tight, mut short) = (0, 0);
    for _ in 0..20 {
        let count = draw.random_range(3..=7);
        let jobs: Vec<Small> = (0..count)
            .map(|_| {
                let from = draw.random_range(0..3);
                let until = from + draw.random_range(1..=3);
                Small { from, until, work: draw.random_range(1..=5 * (until - from) as u32) }
            })
            .collect();
        let (found, best) = (bound(&jobs, 4), u64::from(most_met(&jobs, 4)));
        assert!(best <= found.bound && found.bound <= found.feasible, "{jobs:?}: {best}, {found:?}");
        tight += u32::from(best == found.bound);
        short += u32::from(found.bound < found.feasible);
    }
    // It is a bound that says something.
    assert!(tight >= 10 && short >= 10, "{tight} of 20 are reached, {short} are below feasible_alone");
}

/// Two jobs need all four GPUs for the same second: one of them is met, and the price is one
/// deadline for four GPU-seconds.
#[test]
fn two_jobs_that_need_everything_at_once() {
    let job = Small { from: 10, until: 11, work: 5 };
    let found = bound(&[job, job], 4);
    assert_eq!((found.feasible, found.bound), (2, 1), "{found:?}");
    assert_eq!(found.short(), SimDuration::from_secs(1));
    let price = found.prices[0].price;
    assert!((found.value - (4.0 * price + 2.0 * (1.0 - 4.0 * price).max(0.0))).abs() < 1e-9, "{found:?}");
    assert!((0.2..0.3).contains(&price), "{price}");
}

#[test]
fn where_nothing_is_short_the_bound_is_what_is_feasible_alone() {
    let job = |from| Small { from, until: from + 2, work: 4 };
    let found = bound(&[job(0), job(1), job(5)], 4);
    assert_eq!((found.bound, found.value, found.prices.as_slice()), (3, 3.0, &[][..]));
    assert_eq!(bound(&[], 4).bound, 0);
}

/// By hand: (1, 2), (2, 3) and (4, 5) lie on their hull; with (4, 3.5) in place of the last, the
/// slope falls; a point below the line between its neighbours is left out.
#[test]
fn the_hull_leaves_out_what_time_sharing_beats() {
    let parts = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
        hull(points).iter().map(|part| (part.gpus, part.speed)).collect()
    };
    assert_eq!(parts(&[(1.0, 2.0), (2.0, 3.0), (4.0, 5.0)]), [(1.0, 2.0), (3.0, 3.0)]);
    assert_eq!(parts(&[(1.0, 2.0), (2.0, 2.5), (4.0, 5.0)]), [(1.0, 2.0), (3.0, 3.0)]);
}

/// Six iterations: two free seconds on four GPUs would make ten. With one free second, five are
/// free, and the last one costs half a GPU-second of the segment (1, 2).
#[test]
fn a_job_buys_the_cheapest_work() {
    let job = demand(0, &Small { from: 0, until: 2, work: 6 });
    let (mut bought, at) = (Vec::new(), |price| [(price, 1.0, 0)].into_iter());
    assert_eq!(job.buy(2.0, std::iter::empty(), &mut bought), 0.0);
    assert_eq!(job.buy(1.0, at(0.25), &mut bought), 0.125);
    assert_eq!(bought, [(0, 0.5)]);
    let priced = [PricedTime { from: SimTime::ZERO, until: SimTime::from_secs(1), price: 0.25 }];
    assert_eq!(job.cost_at(&priced), 0.125);
}
