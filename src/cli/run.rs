//! `run`: one trace under one scheduler.

use std::path::PathBuf;
use std::sync::Arc;

use crate::experiment::{Done, Ready, Setup, choose, scheduler};
use crate::report::{Recording, Summary, table};
use crate::scheduler::Entry;

use super::assertion::{Assertion, failures};
use super::output::{Failure, data, notes};
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
    /// Write jobs.csv, allocations.csv, timeline.csv, summary.json, run.json and timing.json into this directory
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,
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
    if let Some(out) = &args.out {
        case.recording = begin(std::slice::from_ref(out), &args.outputs)?.pop();
    }
    let progress = Progress::new(ready.jobs(), quiet);
    let done = simulate(case, &progress)?;
    drop(progress);
    let summary = publish(vec![done])?.remove(0);
    let text = if args.outputs.json { summary.to_json() } else { table::run(&summary) };
    data(text.as_bytes())?;
    check(&args.outputs, &[summary])
}

/// Begins the run directories, before anything is run.
pub(super) fn begin(targets: &[PathBuf], outputs: &Outputs) -> Result<Vec<Recording>, Failure> {
    Recording::begin(targets, outputs.events).map_err(Failure::input)
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
