//! Rules that need what the run went by: speeds and restart overheads.

use std::collections::BTreeMap;

use crate::cluster::NodeSet;
use crate::job::JobSpec;
use crate::profile::Configuration;
use crate::record::jobs::JobRow;
use crate::units::{Gpus, Iterations, Rate, SimDuration, SimTime};

use super::evidence::{Checked, Evidence};
use super::ledger::Holding;
use super::truth::Truth;

/// Each job is submitted as the trace says.
pub(super) fn trace(run: &Evidence<'_>) -> Checked {
    let (stored, truth) = (run.stored, run.truth()?);
    let specs = specs(truth);
    let fault = |job: &JobRow| {
        let id = &job.job_id;
        let Some(spec) = specs.get(id.as_str()) else {
            return Some(format!("job `{id}` is not in the trace"));
        };
        let is_same = job.model == spec.model
            && job.batch_size == spec.batch_size
            && job.submit_time == spec.submit
            && job.deadline == spec.deadline
            && job.requested_gpus == spec.requested
            && job.iterations == spec.iterations;
        (!is_same).then(|| {
            format!(
                "job `{id}`: jobs.csv has {} iterations, submitted at {} s, and the trace {} at {} s, or another \
                 column differs",
                job.iterations, job.submit_time, spec.iterations, spec.submit
            )
        })
    };
    let missing = truth.workload.jobs().len().saturating_sub(stored.jobs.len());
    let mut faults: Vec<String> = stored.jobs.iter().filter_map(fault).collect();
    if missing > 0 {
        faults.push(format!("jobs.csv lacks {missing} of the trace's jobs"));
    }
    Ok(faults)
}

/// The restart overhead of a job is the sum over its changes of GPUs, each no longer than the GPUs
/// are held.
pub(super) fn overhead(run: &Evidence<'_>) -> Checked {
    let (stored, ledger, truth) = (run.stored, run.ledger()?, run.truth()?);
    ledger.check_turns()?;
    let specs = specs(truth);
    let fault = |job: &JobRow| {
        let spec = specs.get(job.job_id.as_str())?;
        let parts = pauses(ledger.of(&job.job_id), spec, truth);
        let (id, stated) = (&job.job_id, job.overhead_time);
        let found: SimDuration = parts.into_iter().map(|(holding, restart)| holding.times(restart).1).sum();
        (stated != found)
            .then(|| format!("job `{id}`: overhead_time is {stated} s, but its changes cost {found} s"))
    };
    Ok(stored.jobs.iter().filter_map(fault).collect())
}

/// The work that a job did is its iterations if it completed, and no more otherwise.
pub(super) fn work(run: &Evidence<'_>) -> Checked {
    let (stored, ledger, truth) = (run.stored, run.ledger()?, run.truth()?);
    ledger.check_turns()?;
    let specs = specs(truth);
    check_constant(truth)?;
    let fault = |job: &JobRow| {
        let Some(spec) = specs.get(job.job_id.as_str()) else {
            return Some(format!("job `{}` is not in the trace", job.job_id));
        };
        let (mut done, mut fastest) = (0.0, 0.0_f64);
        let parts = pauses(ledger.of(&job.job_id), spec, truth);
        let count = parts.len() as f64;
        for (holding, restart) in parts {
            let (held, paused) = holding.times(restart);
            let rate = rate(holding, spec, truth);
            done += rate * (held - paused).as_secs_f64();
            fastest = fastest.max(rate);
        }
        // An end is rounded up to a microsecond.
        let slack = fastest * (count + 1.0) * 2e-6 + spec.iterations.get() * 1e-9;
        let (id, goal) = (&job.job_id, spec.iterations.get());
        let is_less = job.end_time.is_some() && done < goal - slack;
        (is_less || done > goal + slack).then(|| {
            format!("job `{id}` has {goal} iterations, but its GPUs, rates and overheads make {done}")
        })
    };
    Ok(stored.jobs.iter().filter_map(fault).collect())
}

/// Fails with the reason where the speed of a job changes by itself.
fn check_constant(truth: &Truth) -> Result<(), String> {
    if truth.workload.jobs().iter().any(|spec| truth.speeds.until(spec, Iterations::ZERO).is_some()) {
        return Err("the speed of a job changes while it runs, and no file says when".to_owned());
    }
    Ok(())
}

/// Fails with the reason where the speed of a job on so many GPUs is not one number.
pub(super) fn check_speeds(truth: &Truth) -> Result<(), String> {
    check_constant(truth)?;
    if truth.workload.jobs().iter().any(|spec| truth.speeds.batch_limits(spec).is_some()) {
        return Err("the scheduler chooses batch sizes, on which speeds depend".to_owned());
    }
    Ok(())
}

/// Returns the iterations per second of a job on what it holds.
pub(super) fn rate(holding: &Holding, spec: &JobSpec, truth: &Truth) -> f64 {
    let (nodes, gpus) = (holding.nodes.nodes(), holding.nodes.gpus());
    let configuration = Configuration { nodes, gpus, batch: holding.batch };
    truth.speeds.rate(spec, Iterations::ZERO, &configuration).map_or(0.0, Rate::get)
}

/// Returns the iterations per second of a job on one GPU: where that was not measured, the part of
/// one GPU in those of its smallest size.
pub(super) fn single_rate(spec: &JobSpec, truth: &Truth) -> f64 {
    let smallest = truth.speeds.sizes(spec)[0];
    rate_on(spec, truth, smallest).map_or(f64::INFINITY, Rate::get) / f64::from(smallest.get())
}

pub(super) fn rate_on(spec: &JobSpec, truth: &Truth, gpus: Gpus) -> Option<Rate> {
    // Speeds that depend on the number of nodes are those of a scheduler that chooses batch sizes.
    let configuration = Configuration { nodes: 1, gpus, batch: spec.batch_size };
    truth.speeds.rate(spec, Iterations::ZERO, &configuration)
}

/// Returns what a job held, each with its restart overhead: as the event log has it, or else by the
/// law of overheads.
pub(super) fn pauses<'a>(
    holdings: &'a [Holding],
    spec: &JobSpec,
    truth: &Truth,
) -> Vec<(&'a Holding, SimDuration)> {
    let mut before: Option<(&NodeSet, SimTime, SimTime)> = None;
    let mut parts = Vec::new();
    for holding in holdings {
        let had = before.filter(|(_, until, _)| *until == holding.from);
        let computed = || match had {
            // It goes on where it is, with the rest of its overhead.
            Some((nodes, _, resumes)) if *nodes == holding.nodes => resumes.since(holding.from),
            had => truth.overhead.restart(spec, had.map(|had| had.0), &holding.nodes),
        };
        let restart = holding.restart.unwrap_or_else(computed);
        parts.push((holding, restart));
        before = Some((&holding.nodes, holding.until, (holding.from + restart).max(holding.from)));
    }
    parts
}

pub(super) fn specs(truth: &Truth) -> BTreeMap<&str, &JobSpec> {
    truth.workload.jobs().iter().map(|spec| (spec.name.as_str(), spec)).collect()
}
