//! The integer program of Chronus, reduced: exact where it is small enough.
//!
//! The program of the paper has a binary variable for each job and lease, up to 10⁶ of them. But
//! leases between two consecutive deadlines are interchangeable, as the capacity is the same in
//! each; so it is enough to choose *how many* of the leases of each such *segment* a job has: a few
//! hundred integers. Which ones these are is filled in afterwards, wide jobs first into the
//! emptiest. That may fail in principle (a wide job can leave too few different leases for a narrow
//! one that needs many), and is checked. What remains is maximised: the value of the deadlines that
//! are kept, and among the best of these the GPUs that run in the first lease, or less them: two
//! programs, one after the other.

mod solver;

use good_lp::{Constraint, Expression, ProblemVariables, Variable, VariableDefinition, constraint, variable};

use super::choice::Objective;
use super::leases::{Demand, FreeLeases, Leases, Packed};
use solver::{Closeness, maximise};

/// One of the deadlines that a job may keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) demand: Demand,
    /// What it is worth.
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

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// There are no such leases.
    Infeasible,
    /// There may be some: the search was broken off, or its answer could not be filled in.
    Unknown,
}

/// How far the value may stay behind the best one, in units of the largest difference: room for the
/// solver's rounding.
const ROUNDING: f64 = 1e-6;

/// A variable, and where its value stands in an answer.
#[derive(Clone, Copy)]
struct Column {
    variable: Variable,
    at: usize,
}

impl Column {
    fn add(variables: &mut ProblemVariables, definition: VariableDefinition) -> Column {
        Column { at: variables.len(), variable: variables.add(definition) }
    }
}

/// The variables of a way: whether it is gone, unless there is no other, and its leases in each
/// segment.
struct Parts {
    chosen: Option<Column>,
    counts: Vec<Column>,
}

/// Leases from `now` on for every job, by one of its ways each; any that fit if there is no
/// objective.
pub(super) fn solve(
    jobs: &[Vec<Way>],
    gpus: u32,
    now: u64,
    objective: Option<Objective>,
) -> Result<Solved, NoAnswer> {
    let ends = segments(jobs, now);
    let starts = std::iter::once(now).chain(ends.iter().copied());
    let spans: Vec<(u64, u64)> = starts.zip(ends.iter().copied()).collect();
    let mut variables = ProblemVariables::new();
    let (mut value, mut first) = (Expression::default(), Expression::default());
    let mut used = vec![Expression::default(); spans.len()];
    let mut constraints: Vec<Constraint> = Vec::new();
    let mut parts: Vec<Vec<Parts>> = Vec::new();
    let worth = scaled(jobs);
    let mut worths = Vec::new();
    for ways in jobs {
        let mut all = Vec::new();
        for way in ways {
            let Demand { width, need, until } = way.demand;
            let chosen = (ways.len() > 1).then(|| Column::add(&mut variables, variable().binary()));
            let mut counts = Vec::new();
            for ((start, end), used) in spans.iter().zip(&mut used).filter(|(span, _)| span.1 <= until) {
                let most = need.min(end - start) as f64;
                let count = Column::add(&mut variables, variable().integer().min(0.0).max(most));
                *used += f64::from(width) * count.variable;
                counts.push(count);
            }
            if let Some(count) = counts.first() {
                first += f64::from(width) * count.variable;
            }
            let sum: Expression = counts.iter().map(|count| count.variable).sum();
            if let Some(chosen) = chosen {
                constraints.push(constraint!(sum == need as f64 * chosen.variable));
                value += worth(way.value) * chosen.variable;
                worths.push((worth(way.value), chosen.at));
            } else {
                constraints.push(constraint!(sum == need as f64));
            }
            all.push(Parts { chosen, counts });
        }
        if ways.len() > 1 {
            let taken: Expression =
                all.iter().filter_map(|parts| parts.chosen).map(|chosen| chosen.variable).sum();
            constraints.push(constraint!(taken == 1.0));
        }
        parts.push(all);
    }
    for (used, (start, end)) in used.into_iter().zip(&spans) {
        constraints.push(constraint!(used <= f64::from(gpus) * (end - start) as f64));
    }
    if jobs.iter().any(|ways| ways.iter().any(|way| way.value != ways[0].value)) {
        let best = maximise(&variables, &value, &constraints, Closeness::Exact)?;
        let best: f64 = worths.iter().map(|(worth, at)| worth * best[*at]).sum();
        constraints.push(constraint!(value >= best - ROUNDING));
    }
    let aim = match objective {
        Some(Objective::Most) => first,
        Some(Objective::Least) => -first,
        None => Expression::default(),
    };
    let solution = maximise(&variables, &aim, &constraints, Closeness::Whole { most: gpus })?;
    read(jobs, gpus, now, &spans, &parts, &solution).ok_or(NoAnswer::Unknown)
}

/// Values from 0 to 1.
fn scaled(jobs: &[Vec<Way>]) -> impl Fn(f64) -> f64 {
    let values = jobs.iter().flatten().map(|way| way.value);
    let (low, high) = values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (value.min(low), value.max(high)));
    move |value| if high > low { (value - low) / (high - low) } else { 0.0 }
}

/// Fills in which leases they are.
fn read(
    jobs: &[Vec<Way>],
    gpus: u32,
    now: u64,
    spans: &[(u64, u64)],
    parts: &[Vec<Parts>],
    solution: &[f64],
) -> Option<Solved> {
    let mut ways = Vec::new();
    let mut wanted = vec![Vec::new(); spans.len()];
    for (job, all) in parts.iter().enumerate() {
        let way = all.iter().position(|parts| parts.chosen.is_none_or(|chosen| solution[chosen.at] > 0.5))?;
        for (wanted, count) in wanted.iter_mut().zip(&all[way].counts) {
            wanted.push((jobs[job][way].demand.width, solution[count.at].round() as u64, job));
        }
        ways.push(way);
    }
    let mut runs = vec![Vec::new(); jobs.len()];
    for (wanted, (start, end)) in wanted.into_iter().zip(spans) {
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
