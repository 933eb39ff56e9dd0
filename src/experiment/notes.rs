//! What the user may want to know of several runs.

use crate::metrics::starvation;
use crate::report::table::count;
use crate::trace::printable;
use crate::units::{SimDuration, SimTime};

use super::run::{PreparedRun, RunResult};

/// Says by which speeds the jobs of each of several runs go, a note for each kind of speeds. There
/// is none where nothing but a throughput table is used.
pub fn speed_notes(runs: &[PreparedRun]) -> Vec<String> {
    if !runs.iter().any(|run| run.scheduler().adapts_batch) {
        return Vec::new();
    }
    let mut notes: Vec<(&str, Vec<&str>)> = Vec::new();
    for run in runs {
        let (about, name) = (run.about_speeds(), run.scheduler().name);
        match notes.iter_mut().find(|(other, _)| *other == about) {
            Some((_, names)) => names.push(name),
            None => notes.push((about, vec![name])),
        }
    }
    let note = |(about, names): (&str, Vec<&str>)| {
        let run = if names.len() == 1 { "runs" } else { "run" };
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        format!("{} {run} on {about}", names.join(", "))
    };
    notes.into_iter().map(note).collect()
}

/// Says what a run came to that its numbers do not show: that no job was submitted before it was
/// cut off, and which job starved.
pub fn run_notes(result: &RunResult, until: Option<SimTime>) -> Vec<String> {
    let (scheduler, m) = (&result.summary().scheduler, &result.summary().metrics);
    let mut notes = Vec::new();
    if m.jobs > 0 && m.not_submitted + m.best_effort_not_submitted == m.jobs {
        notes.push(format!("`{scheduler}`: no job was submitted by the cut of --until; every ratio is null"));
    }
    if let Some(starved) = starvation(result.jobs(), until) {
        let others = SimDuration::from_secs_f64(starved.others).unwrap_or(SimDuration::FOREVER);
        notes.push(format!(
            "`{scheduler}`: job `{}` waited {} ({} s) for GPUs, 99 % of the others at most {}; it asks for {}, and {} \
             submitted after it got GPUs first",
            printable(&starved.job_id),
            starved.waited.rounded(),
            starved.waited,
            others.rounded(),
            count(starved.requested.get().into(), "GPU"),
            count(starved.overtaken_by, "job"),
        ));
    }
    notes
}
