//! The solvers: microlp, or HiGHS with the cargo feature `highs`. Both search up to a number of
//! nodes, never a time, so that the answer is the same on every machine.

use good_lp::{Constraint, Expression, ProblemVariables, SolverModel};

/// The most nodes of a search. No program of up to 1000 integers on the trace of figure 8a reaches
/// it, in either preset.
const NODES: u32 = 1000;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum NoAnswer {
    /// There are no such leases.
    Infeasible,
    /// There may be some: the search was broken off, or its answer could not be filled in.
    Unknown,
}

/// How near to the best an answer has to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Closeness {
    /// As near as the solver's rounding allows.
    Exact,
    /// The aim takes only whole numbers from 0 to `most`, or only whole numbers from 0 to -`most`.
    /// So an answer less than 1 away from the best is the best.
    Whole { most: u32 },
}

/// The gap at which a search for a whole number may stop; less than 1.
const NEARLY: f64 = 0.9;

/// Returns the values of all variables, in their order, that maximise the aim.
///
/// # Errors
///
/// If no values meet the constraints, or none were found within the limit of nodes.
#[cfg(not(feature = "highs"))]
pub(super) fn maximise(
    variables: &ProblemVariables,
    aim: &Expression,
    constraints: &[Constraint],
    closeness: Closeness,
) -> Result<Vec<f64>, NoAnswer> {
    let model = variables.clone().maximise(aim.clone()).using(good_lp::solvers::microlp::microlp);
    let model = constraints.iter().fold(model, |model, constraint| model.with(constraint.clone()));
    let mut options = microlp::SolveOptions::default();
    options.node_limit = Some(u64::from(NODES));
    if let Closeness::Whole { most } = closeness {
        // The solver takes the gap as a share of the answer, which is at most `most`.
        options.mip_gap = NEARLY / f64::from(most);
    }
    let outcome = model.as_inner().solve_with(options).map_err(|error| match error {
        microlp::Error::Infeasible => NoAnswer::Infeasible,
        _ => NoAnswer::Unknown,
    })?;
    let broken_off = outcome.termination_reason() == microlp::TerminationReason::NodeLimit;
    let solution = outcome.into_solution().ok().filter(|_| !broken_off).ok_or(NoAnswer::Unknown)?;
    Ok(solution.iter().map(|(_, value)| value).collect())
}

/// Returns the values of all variables, in their order, that maximise the aim.
///
/// # Errors
///
/// If no values meet the constraints, or none were found within the limit of nodes.
#[cfg(feature = "highs")]
pub(super) fn maximise(
    variables: &ProblemVariables,
    aim: &Expression,
    constraints: &[Constraint],
    closeness: Closeness,
) -> Result<Vec<f64>, NoAnswer> {
    use good_lp::{ResolutionError, Solution, SolutionStatus};

    let all: Vec<_> = variables.iter_variables_with_def().map(|(variable, _)| variable).collect();
    let model = variables.clone().maximise(aim.clone()).using(good_lp::solvers::highs::highs);
    let model = model.set_option("mip_max_nodes", NODES as i32).set_option("mip_rel_gap", 0.0);
    let model = match closeness {
        Closeness::Exact => model,
        Closeness::Whole { .. } => model.set_option("mip_abs_gap", NEARLY),
    };
    let model = constraints.iter().fold(model, |model, constraint| model.with(constraint.clone()));
    let solution = model.solve().map_err(|error| match error {
        ResolutionError::Infeasible => NoAnswer::Infeasible,
        _ => NoAnswer::Unknown,
    })?;
    if matches!(solution.status(), SolutionStatus::TimeLimit) {
        return Err(NoAnswer::Unknown);
    }
    Ok(all.into_iter().map(|variable| solution.value(variable)).collect())
}
