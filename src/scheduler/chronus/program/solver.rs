//! The solvers: microlp, or HiGHS with the feature. Both search as long as it takes, up to a number
//! of nodes, never a time.

use good_lp::{Constraint, Expression, ProblemVariables, SolverModel};

use super::NoAnswer;

/// The most nodes of a search. What it is broken off at is the same everywhere, unlike a time. No
/// program of up to 1000 integers on the trace of figure 8a comes to it, in either preset.
const NODES: u32 = 1000;

/// How near to the best an answer has to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Closeness {
    /// As near as the solver's rounding allows.
    Exact,
    /// Only whole numbers from 0 to `most` occur, or only such from 0 to -`most`; so whatever is
    /// less than 1 away is the best.
    Whole { most: u32 },
}

/// Less than 1.
const NEARLY: f64 = 0.9;

/// The values of all variables, in their order, that maximise the aim.
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
        // It is a share of the answer, which is at most that.
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

/// The values of all variables, in their order, that maximise the aim.
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
