//! `run`: one trace under one scheduler.

use std::path::PathBuf;
use std::sync::Arc;

use crate::experiment::{Case, Done, Layout, Ready, Setup, choose, scheduler, truths};
use crate::record::trace_events::TraceEvents;
use crate::report::{RunDirectory, StagedFile, Summary, remove_leftovers, table};
use crate::scheduler::Entry;
use crate::units::SimTime;

use super::assertion::{Assertion, failures};
use super::output::{Failure, data, notes, words};
use super::progress::{Progress, simulate};

/// The words of `run`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Policy that decides; `list schedulers` describes them
    #[arg(long, value_name = "NAME", value_parser = scheduler(), hide_possible_values = true)]
    scheduler: &'static Entry,
    #[command(flatten)]
    setup: Setup,
    /// Option of the policy, as `list schedulers` names it; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Write jobs.csv, allocations.csv, timeline.csv, summary.json, run.json and timing.json into
    /// this directory
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,
    /// Write the run into this file as trace events, which Perfetto and chrome://tracing open
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    trace_events: Option<PathBuf>,
    #[command(flatten)]
    outputs: Outputs,
}

/// What `run` and `compare` give out.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct Outputs {
    /// Write everything that happens to events.jsonl, too
    #[arg(long, requires = "out")]
    pub(super) events: bool,
    /// Which files a run directory holds, under --preset paper the artifact's own, too
    #[arg(long, value_enum, value_name = "LAYOUT", requires = "out")]
    pub(super) layout: Option<Layout>,
    /// Print summary.json instead of a table
    #[arg(long)]
    pub(super) json: bool,
    /// Exit with code 3 unless this holds, such as 'dsr>=0.9' or 'jct.p90<86400'; may be repeated
    #[arg(long, value_name = "KEY OP NUMBER")]
    pub(super) assert: Vec<Assertion>,
    /// Print no notes and no progress bar on stderr
    #[arg(long)]
    pub(super) quiet: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let quiet = args.outputs.quiet;
    let choice = choose(&args.set, &[args.scheduler]).map_err(Failure::Input)?.remove(0);
    let ready = ready(&args.setup, quiet)?;
    let mut case = args.setup.case(&ready, args.scheduler, &choice).map_err(Failure::Input)?;
    case.leave(args.outputs.layout.unwrap_or_default(), args.outputs.events).map_err(Failure::Input)?;
    if !quiet {
        notes(&truths(std::slice::from_ref(&case)));
    }
    if let Some(out) = &args.out {
        case.recording = begin(std::slice::from_ref(out), &args.outputs)?.pop();
    }
    if args.trace_events.is_some() && !case.is_watched() {
        let why = format!(
            "--trace-events: `{}` under --preset paper has no events; leave it out",
            args.scheduler.name
        );
        return Err(Failure::Input(anyhow::Error::msg(why)));
    }
    let mut events =
        args.trace_events.as_deref().map(StagedFile::begin).transpose().map_err(Failure::input)?;
    let progress = Progress::new(ready.jobs(), quiet);
    let done = match &mut events {
        Some(file) => simulate_with_events(case, &progress, file, args.setup.until)?,
        None => simulate(case, &progress, &mut ())?,
    };
    drop(progress);
    let summary = publish(vec![done])?.remove(0);
    if let Some(file) = events {
        file.publish()?;
    }
    if args.outputs.json {
        data(summary.to_json().as_bytes())?;
    } else {
        words(&table::run(&summary))?;
    }
    check(&args.outputs, &[summary])
}

/// Runs a case and writes trace events while it goes on.
fn simulate_with_events(
    case: Case,
    progress: &Progress,
    file: &mut StagedFile,
    until: Option<SimTime>,
) -> Result<Done, Failure> {
    let name = format!("{} on {}", case.summary.scheduler, case.summary.trace);
    let gpus = case.scenario.cluster.gpus();
    let written = |file: &StagedFile, why| Failure::from(file.failed(&why));
    let mut events = match TraceEvents::new(&mut *file, &name, gpus) {
        Ok(events) => events,
        Err(why) => return Err(written(file, why)),
    };
    let done = simulate(case, progress, &mut events)?;
    match events.finish(until) {
        Ok(_) => Ok(done),
        Err(why) => Err(written(file, why)),
    }
}

/// Begins the run directories, before anything is run.
pub(super) fn begin(targets: &[PathBuf], outputs: &Outputs) -> Result<Vec<RunDirectory>, Failure> {
    let all = RunDirectory::begin(targets, outputs.events).map_err(Failure::input)?;
    targets.iter().for_each(|target| remove_leftovers(target));
    Ok(all)
}

/// Reads every file; what the user may want to know goes to stderr.
pub(super) fn ready(setup: &Setup, quiet: bool) -> Result<Arc<Ready>, Failure> {
    let ready = setup.ready().map_err(Failure::Input)?;
    if !quiet {
        notes(&ready.notes);
    }
    Ok(ready)
}

/// Gives the directories their names, now that all runs are done.
pub(super) fn publish(all: Vec<Done>) -> Result<Vec<Summary>, Failure> {
    let mut summaries = Vec::new();
    for done in all {
        if let Some(staged) = done.staged {
            staged.publish()?;
        }
        summaries.push(done.summary);
    }
    Ok(summaries)
}

/// Whether the assertions hold.
pub(super) fn check(outputs: &Outputs, summaries: &[Summary]) -> Result<(), Failure> {
    failures(&outputs.assert, summaries).map_or(Ok(()), |why| Err(Failure::Assertion(why)))
}
