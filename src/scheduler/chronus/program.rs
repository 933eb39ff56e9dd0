//! The integer program of Chronus, reduced: exact where it is small enough.
//!
//! The program of the paper has a binary variable for each job and lease, up to 10⁶ of them. But leases between two consecutive
//! deadlines are interchangeable, as the capacity is the same in each; so it is enough to choose *how many* of the leases of
//! each such *segment* a job has: a few hundred integers. Which ones these are is filled in afterwards, wide jobs first into
//! the emptiest. That may fail in principle (a wide job can leave too few different leases for a narrow one that needs many),
//! and is checked. What remains is maximised: the value of the deadlines that are kept, and then the GPUs that run in the first
//! lease, or less them.

use good_lp::{Expression, ProblemVariables, Solution, SolverModel, constraint, variable};

use super::choice::Objective;
use super::leases::{Demand, FreeLeases, Leases, Packed};

/// One of the deadlines that a job may keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) demand: Demand,
    /// What it is worth; all ways of a job have the same unit.
    pub(super) value: f64,
}

/// What the program says.
#[derive(Clone, Debug)]
pub(super) struct Solved {
    /// Which way each job goes.
    pub(super) ways: Vec<usize>,
    pub(super) packed: Packed,
}

/// The ends of the segments: after the first lease, and at each deadline.
fn segments(jobs: &[Vec<Way>], now: u64) -> Vec<u64> {
    let mut ends: Vec<u64> = jobs.iter().flatten().map(|way| way.demand.until).chain([now + 1]).collect();
    ends.retain(|end| *end > now);
    ends.sort_unstable();
    ends.dedup();
    ends
}

/// How many integers the program has.
pub(super) fn size(jobs: &[Vec<Way>], now: u64) -> usize {
    jobs.iter().map(Vec::len).sum::<usize>() * segments(jobs, now).len()
}

/// Leases from `now` on for every job, by one of its ways each. `None` if there are none, or if they could not be filled in.
pub(super) fn solve(jobs: &[Vec<Way>], gpus: u32, now: u64, objective: Objective) -> Option<Solved> {
    let ends = segments(jobs, now);
    let starts: Vec<u64> = std::iter::once(now).chain(ends.iter().copied()).take(ends.len()).collect();
    let mut variables = ProblemVariables::new();
    let mut aim = Expression::default();
    let mut used = vec![Expression::default(); ends.len()];
    let mut constraints = Vec::new();
    let mut counts = Vec::new();
    let sign = if objective == Objective::Most { 1.0 } else { -1.0 };
    for ways in jobs {
        let mut taken = Expression::default();
        let mut all = Vec::new();
        for way in ways {
            let Demand { width, need, until } = way.demand;
            let chosen = variables.add(variable().binary());
            let mut sum = Expression::default();
            let mut parts = Vec::new();
            for (segment, (start, end)) in starts.iter().zip(&ends).enumerate().filter(|(_, s)| *s.1 <= until)
            {
                let count = variables.add(variable().integer().min(0.0).max((end - start) as f64));
                sum += count;
                used[segment] += f64::from(width) * count;
                if segment == 0 {
                    // All of it together is at most 1: less than any difference of value, which comes first.
                    aim += sign * f64::from(width) / f64::from(gpus) * count;
                }
                parts.push(count);
            }
            constraints.push(constraint!(sum == need as f64 * chosen));
            aim += 4.0 * way.value * chosen;
            taken += chosen;
            all.push((chosen, parts));
        }
        constraints.push(constraint!(taken == 1.0));
        counts.push(all);
    }
    for (used, (start, end)) in used.into_iter().zip(starts.iter().zip(&ends)) {
        constraints.push(constraint!(used <= f64::from(gpus) * (end - start) as f64));
    }
    let mut model = variables.maximise(aim).using(solver);
    for constraint in constraints {
        model = model.with(constraint);
    }
    let solution = model.solve().ok()?;
    let mut ways = Vec::new();
    let mut wanted = vec![Vec::new(); ends.len()];
    for (job, all) in counts.iter().enumerate() {
        let way = (0..all.len()).find(|way| solution.value(all[*way].0) > 0.5)?;
        for (segment, count) in all[way].1.iter().enumerate() {
            wanted[segment].push((jobs[job][way].demand.width, solution.value(*count).round() as u64, job));
        }
        ways.push(way);
    }
    let mut runs = vec![Vec::new(); jobs.len()];
    for (wanted, (start, end)) in wanted.into_iter().zip(starts.iter().zip(&ends)) {
        fill(wanted, gpus, *start, *end, &mut runs)?;
    }
    let leases: Vec<Leases> = runs.into_iter().map(Leases::from_runs).collect();
    let mut free = FreeLeases::new(now, gpus);
    for ((leases, way), ways) in leases.iter().zip(&ways).zip(jobs) {
        let demand = ways[*way].demand;
        if leases.count() != demand.need {
            return None;
        }
        free.take(leases, demand.width);
    }
    Some(Solved { ways, packed: Packed { leases, free } })
}

#[cfg(feature = "highs")]
use good_lp::solvers::highs::highs as solver;
#[cfg(not(feature = "highs"))]
use good_lp::solvers::microlp::microlp as solver;

/// Chooses leases in one segment: wide jobs first, each into the emptiest.
fn fill(
    mut wanted: Vec<(u32, u64, usize)>,
    gpus: u32,
    start: u64,
    end: u64,
    runs: &mut [Vec<(u64, u64)>],
) -> Option<()> {
    wanted.sort_by_key(|(width, count, job)| (std::cmp::Reverse((*width, *count)), *job));
    // (GPUs used, from, to), to be kept in this order.
    let mut used = vec![(0, start, end)];
    for (width, mut count, job) in wanted {
        let mut next = Vec::with_capacity(used.len() + 1);
        for (taken, from, to) in used {
            let here = count.min(to - from);
            if here > 0 {
                if taken + width > gpus {
                    return None;
                }
                runs[job].push((from, from + here));
                next.push((taken + width, from, from + here));
                count -= here;
            }
            if from + here < to {
                next.push((taken, from + here, to));
            }
        }
        if count > 0 {
            return None;
        }
        next.sort_unstable();
        used = next;
    }
    Some(())
}

#[cfg(test)]
mod tests;
