//! The integer program of Chronus, reduced: exact where it is small enough.
//!
//! The program of the paper has a binary variable for each job and lease, up to 10⁶ of them. But
//! leases between two consecutive deadlines are interchangeable, as each has the same capacity. So
//! it is enough to choose *how many* of the leases of each such *segment* a job has: a few hundred
//! integers. Which leases these are is filled in afterwards, wide jobs first into the emptiest.
//! That can fail, since a wide job can leave too few different leases for a narrow one that needs
//! many, and is checked.
//!
//! Two programs are solved, one after the other. The first maximises the value of the deadlines
//! that are kept; the second maximises, among the best answers of the first, the GPUs that run in
//! the first lease, or minimises them.

mod solver;

use good_lp::{Constraint, Expression, ProblemVariables, Variable, VariableDefinition, constraint, variable};

use super::choice::Objective;
use super::leases::{Demand, FreeLeases, Leases, Packed};
pub(super) use solver::NoAnswer;
use solver::{Closeness, maximise};

/// One of the deadlines that a job may keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) demand: Demand,
    /// What keeping it is worth.
    pub(super) value: f64,
}

/// The answer of the program.
#[derive(Clone, Debug)]
pub(super) struct Solved {
    /// The way that each job takes, by its place among the job's ways.
    pub(super) ways: Vec<usize>,
    pub(super) packed: Packed,
}

/// Returns the ends of the segments, ascending: after the first lease, and at each deadline.
fn segments(jobs: &[Vec<Way>], now: u64) -> Vec<u64> {
    let mut ends: Vec<u64> = jobs.iter().flatten().map(|way| way.demand.until).chain([now + 1]).collect();
    ends.retain(|end| *end > now);
    ends.sort_unstable();
    ends.dedup();
    ends
}

/// Returns how many variables the program has.
pub(super) fn variables(jobs: &[Vec<Way>], now: u64) -> usize {
    jobs.iter().map(Vec::len).sum::<usize>() * segments(jobs, now).len()
}

/// How far the value may be below the best one, as a share of the largest difference of values:
/// room for the solver's rounding.
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

/// The variables of a way: whether the job takes it, unless there is no other, and how many leases
/// the job has in each segment.
struct WayColumns {
    chosen: Option<Column>,
    counts: Vec<Column>,
}

/// The program while it is built: its variables, what must hold, and what can be maximised.
struct Model<'s> {
    /// The segments: `[from, to)` each.
    spans: &'s [(u64, u64)],
    variables: ProblemVariables,
    constraints: Vec<Constraint>,
    /// The scaled value of the deadlines that are kept.
    value: Expression,
    /// The terms of `value`: a scaled value, and where its variable stands in an answer.
    worths: Vec<(f64, usize)>,
    /// The GPUs in the first lease.
    first: Expression,
    /// The GPU-leases in each segment.
    used: Vec<Expression>,
}

impl Model<'_> {
    fn new(spans: &[(u64, u64)]) -> Model<'_> {
        Model {
            spans,
            variables: ProblemVariables::new(),
            constraints: Vec::new(),
            value: Expression::default(),
            worths: Vec::new(),
            first: Expression::default(),
            used: vec![Expression::default(); spans.len()],
        }
    }

    /// Adds a job, which takes exactly one of its ways; `worth` scales values.
    fn add_job(&mut self, ways: &[Way], worth: &impl Fn(f64) -> f64) -> Vec<WayColumns> {
        let has_choice = ways.len() > 1;
        let all: Vec<WayColumns> = ways.iter().map(|way| self.add_way(way, has_choice, worth)).collect();
        if has_choice {
            let taken: Expression =
                all.iter().filter_map(|way| way.chosen).map(|chosen| chosen.variable).sum();
            self.constraints.push(constraint!(taken == 1.0));
        }
        all
    }

    /// Adds one way of a job. If it is taken, the job has as many leases as it needs, all in time.
    fn add_way(&mut self, way: &Way, has_choice: bool, worth: &impl Fn(f64) -> f64) -> WayColumns {
        let Demand { width, need, until } = way.demand;
        let chosen = has_choice.then(|| Column::add(&mut self.variables, variable().binary()));
        let mut counts = Vec::new();
        for ((start, end), used) in self.spans.iter().zip(&mut self.used).filter(|(span, _)| span.1 <= until)
        {
            let most = need.min(end - start) as f64;
            let count = Column::add(&mut self.variables, variable().integer().min(0.0).max(most));
            *used += f64::from(width) * count.variable;
            counts.push(count);
        }
        if let Some(count) = counts.first() {
            self.first += f64::from(width) * count.variable;
        }
        let sum: Expression = counts.iter().map(|count| count.variable).sum();
        if let Some(chosen) = chosen {
            self.constraints.push(constraint!(sum == need as f64 * chosen.variable));
            self.value += worth(way.value) * chosen.variable;
            self.worths.push((worth(way.value), chosen.at));
        } else {
            self.constraints.push(constraint!(sum == need as f64));
        }
        WayColumns { chosen, counts }
    }

    /// Adds that no segment holds more than the cluster.
    fn limit(&mut self, gpus: u32) {
        for (used, (start, end)) in std::mem::take(&mut self.used).into_iter().zip(self.spans) {
            self.constraints.push(constraint!(used <= f64::from(gpus) * (end - start) as f64));
        }
    }

    /// Adds that the value is the highest possible.
    fn keep_best_value(&mut self) -> Result<(), NoAnswer> {
        let best = maximise(&self.variables, &self.value, &self.constraints, Closeness::Exact)?;
        let best: f64 = self.worths.iter().map(|(worth, at)| worth * best[*at]).sum();
        let value = std::mem::take(&mut self.value);
        self.constraints.push(constraint!(value >= best - ROUNDING));
        Ok(())
    }
}

/// Finds leases from `now` on for every job, by one of its ways each. Keeps the most value, then
/// follows the objective; without one, any leases that fit will do.
///
/// # Errors
///
/// If there are no such leases, or none were found within the limit of nodes.
pub(super) fn solve(
    jobs: &[Vec<Way>],
    gpus: u32,
    now: u64,
    objective: Option<Objective>,
) -> Result<Solved, NoAnswer> {
    let ends = segments(jobs, now);
    let starts = std::iter::once(now).chain(ends.iter().copied());
    let spans: Vec<(u64, u64)> = starts.zip(ends.iter().copied()).collect();
    let mut model = Model::new(&spans);
    let worth = scaled(jobs);
    let columns: Vec<Vec<WayColumns>> = jobs.iter().map(|ways| model.add_job(ways, &worth)).collect();
    model.limit(gpus);
    if jobs.iter().any(|ways| ways.iter().any(|way| way.value != ways[0].value)) {
        model.keep_best_value()?;
    }
    let aim = match objective {
        Some(Objective::Most) => model.first,
        Some(Objective::Least) => -model.first,
        None => Expression::default(),
    };
    let solution = maximise(&model.variables, &aim, &model.constraints, Closeness::Whole { most: gpus })?;
    read(jobs, gpus, now, &spans, &columns, &solution).ok_or(NoAnswer::Unknown)
}

/// Returns the function that scales the values of all ways to 0 … 1.
fn scaled(jobs: &[Vec<Way>]) -> impl Fn(f64) -> f64 {
    let values = jobs.iter().flatten().map(|way| way.value);
    let (low, high) = values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (value.min(low), value.max(high)));
    move |value| if high > low { (value - low) / (high - low) } else { 0.0 }
}

/// Fills in which leases the jobs have; `None` if that fails.
fn read(
    jobs: &[Vec<Way>],
    gpus: u32,
    now: u64,
    spans: &[(u64, u64)],
    columns: &[Vec<WayColumns>],
    solution: &[f64],
) -> Option<Solved> {
    let mut ways = Vec::new();
    let mut wanted = vec![Vec::new(); spans.len()];
    for (job, all) in columns.iter().enumerate() {
        let way = all.iter().position(|way| way.chosen.is_none_or(|chosen| solution[chosen.at] > 0.5))?;
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

/// Chooses leases in one segment: wide jobs first, each into the emptiest leases. `None` if a job
/// finds too few.
fn fill(
    mut wanted: Vec<(u32, u64, usize)>,
    gpus: u32,
    start: u64,
    end: u64,
    runs: &mut [Vec<(u64, u64)>],
) -> Option<()> {
    wanted.sort_by_key(|(width, count, job)| (std::cmp::Reverse((*width, *count)), *job));
    // (GPUs used, from, to), in this order.
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
