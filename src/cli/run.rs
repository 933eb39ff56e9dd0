//! `run`: one trace under one scheduler.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser;

use crate::experiment::{
    InputCache, Inputs, Layout, OptionSetting, PreparedRun, RunOutput, RunResult, RunSettings, assign,
    run_notes, scheduler, speed_notes,
};
use crate::record::trace_events::TraceEvents;
use crate::report::{OutputGuard, RunDirectory, StagedFile, Stored, Summary, remove_leftovers, table};
use crate::scheduler::{Entry, PolicyOptions};
use crate::trace::file::is_stream;
use crate::units::SimTime;

use super::assertion::{Assertion, failures};
use super::output::{Failure, data, notes, words};
use super::progress::{Progress, simulate};

/// The command line of `run`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Scheduler; `list schedulers` describes them
    #[arg(long, value_name = "NAME", value_parser = scheduler(), hide_possible_values = true)]
    scheduler: &'static Entry,
    #[command(flatten)]
    settings: RunSettings,
    /// Option of the scheduler, as `list schedulers` names it; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<OptionSetting>,
    /// Write jobs.csv, allocations.csv, timeline.csv, summary.json, run.json and timing.json into
    /// this directory
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,
    /// Write the run as trace events into this file, which Perfetto and chrome://tracing open; `-`
    /// is stdout, in place of the table
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    trace_events: Option<PathBuf>,
    /// Replace the file of --trace-events if it exists
    #[arg(long, requires = "trace_events", help_heading = "Output")]
    force: bool,
    #[command(flatten)]
    outputs: Outputs,
}

/// The options of `run` and `compare` that say what is written and printed.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct Outputs {
    /// Also write every event to events.jsonl
    #[arg(long, requires = "out")]
    pub(super) events: bool,
    /// Files of a run directory; under --preset paper, the artifact's own can be among them
    #[arg(long, value_enum, value_name = "LAYOUT", requires = "out")]
    pub(super) layout: Option<Layout>,
    /// Print summary.json instead of a table
    #[arg(long)]
    pub(super) json: bool,
    /// Exit with code 3 unless this holds, such as 'dsr>=0.9' or 'jct.p90<86400'; may be repeated
    #[arg(long, value_name = "KEY OP NUMBER")]
    pub(super) assert: Vec<Assertion>,
    /// Suppress notes and the progress bar
    #[arg(long)]
    pub(super) quiet: bool,
}

impl Outputs {
    /// Returns which files a run directory holds.
    pub(super) fn layout(&self) -> Layout {
        self.layout.unwrap_or_default()
    }
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let quiet = args.outputs.quiet;
    args.check_outputs()?;
    let options = assign(&args.set, &[args.scheduler]).map_err(Failure::Input)?;
    let inputs = read_inputs(&args.settings, quiet)?;
    let mut runs = prepare(&args.settings, &inputs, &[args.scheduler], options, &args.outputs)?;
    let run = runs.pop().expect("one scheduler, one run");
    if args.trace_events.is_some() && !run.is_observed() {
        let why = format!(
            "--trace-events: `{}` under --preset paper has no events; leave it out",
            args.scheduler.name
        );
        return Err(Failure::Input(anyhow::Error::msg(why)));
    }
    let output = match &args.out {
        Some(out) => begin(std::slice::from_ref(out), &args.outputs)?.pop(),
        None => None,
    };
    let mut events =
        args.trace_events.as_deref().map(StagedFile::begin).transpose().map_err(Failure::bad_output)?;
    let progress = Progress::new(inputs.jobs(), quiet);
    let result = match &mut events {
        Some(file) => simulate_with_events(run, output, &progress, file, args.settings.until())?,
        None => simulate(run, output, &progress, &mut ())?,
    };
    drop(progress);
    let remarks = run_notes(&result, args.settings.until());
    let summary = result.publish()?;
    if let Some(file) = events {
        file.publish()?;
    }
    if args.outputs.json {
        data(summary.to_json().as_bytes())?;
    } else if !args.events_on_stdout() {
        words(&table::run(&summary))?;
    }
    if !quiet {
        notes(&remarks);
    }
    check(&args.outputs, &[summary])
}

/// The command line of `run`, by itself.
#[derive(Debug, clap::Parser)]
struct Command {
    #[command(flatten)]
    args: Args,
}

/// Prepares a stored run again, without a word to the user.
///
/// # Errors
///
/// If this version does not know the command of the run, or its inputs cannot be read, or are not
/// what the run read.
pub(super) fn prepare_again(stored: &Stored) -> anyhow::Result<PreparedRun> {
    let Ok(Command { args }) = Command::try_parse_from(&stored.command) else {
        anyhow::bail!("run.json has a command that this version does not know");
    };
    let options = assign(&args.set, &[args.scheduler])?.pop().expect("options for the one scheduler");
    let inputs = InputCache::default().inputs(&args.settings)?;
    let run = PreparedRun::new(&args.settings, &inputs, args.scheduler, options)?;
    let read: Vec<_> = stored.inputs.iter().map(|file| (file.path.as_str(), file.sha256.as_str())).collect();
    let manifest = run.manifest();
    let found: Vec<_> = manifest.inputs().iter().map(|file| (file.path(), file.sha256())).collect();
    // A file that only one of the two lists has differs as well.
    let count = read.len().max(found.len());
    if let Some(n) = (0..count).find(|&n| read.get(n) != found.get(n)) {
        let (path, _) = found.get(n).or(read.get(n)).expect("a file of one of the two");
        anyhow::bail!("{path}: is not what the run read");
    }
    Ok(run)
}

impl Args {
    /// Checks that no output replaces an input, or a file that is not meant.
    fn check_outputs(&self) -> Result<(), Failure> {
        let guard = OutputGuard::new(self.settings.paths()).map_err(Failure::input)?;
        if let Some(out) = &self.out {
            guard.check_directory(out).map_err(Failure::input)?;
        }
        if let Some(events) = &self.trace_events {
            guard.check_file(events, self.force).map_err(Failure::input)?;
            if self.out.as_ref().is_some_and(|out| events.starts_with(out)) {
                let why =
                    "--trace-events lies in the directory of --out, which is replaced; give another place";
                return Err(Failure::Input(anyhow::Error::msg(why)));
            }
        }
        if self.events_on_stdout() && self.outputs.json {
            let why = "--json and --trace-events - both write to stdout; give one of them a file";
            return Err(Failure::Input(anyhow::Error::msg(why)));
        }
        Ok(())
    }

    /// Returns whether the trace events go to stdout.
    fn events_on_stdout(&self) -> bool {
        self.trace_events.as_deref().is_some_and(is_stream)
    }
}

/// Simulates a run and writes trace events while it goes on.
fn simulate_with_events(
    run: PreparedRun,
    output: Option<RunOutput>,
    progress: &Progress,
    file: &mut StagedFile,
    until: Option<SimTime>,
) -> Result<RunResult, Failure> {
    let (title, gpus) = (run.title(), run.scenario().cluster.gpus());
    let failed = |file: &StagedFile, why| Failure::from(file.failed(&why));
    let mut events = match TraceEvents::new(&mut *file, &title, gpus) {
        Ok(events) => events,
        Err(why) => return Err(failed(file, why)),
    };
    let result = simulate(run, output, progress, &mut events)?;
    match events.finish(until) {
        Ok(_) => Ok(result),
        Err(why) => Err(failed(file, why)),
    }
}

/// Begins the run directories, before anything is run.
pub(super) fn begin(targets: &[PathBuf], outputs: &Outputs) -> Result<Vec<RunOutput>, Failure> {
    let all = RunDirectory::begin(targets, outputs.events).map_err(Failure::bad_output)?;
    targets.iter().for_each(|target| remove_leftovers(target));
    Ok(all.into_iter().map(|recording| RunOutput::new(recording, outputs.layout())).collect())
}

/// Reads every file; what the user may want to know goes to stderr.
pub(super) fn read_inputs(settings: &RunSettings, quiet: bool) -> Result<Arc<Inputs>, Failure> {
    let inputs = InputCache::default().inputs(settings).map_err(Failure::Input)?;
    if !quiet {
        notes(inputs.notes());
    }
    Ok(inputs)
}

/// Checks the run of every scheduler with its options, and that it can leave what is asked for.
pub(super) fn prepare(
    settings: &RunSettings,
    inputs: &Arc<Inputs>,
    schedulers: &[&'static Entry],
    options: Vec<PolicyOptions>,
    outputs: &Outputs,
) -> Result<Vec<PreparedRun>, Failure> {
    let pairs = schedulers.iter().zip(options);
    let runs = pairs.map(|(entry, options)| PreparedRun::new(settings, inputs, entry, options));
    let runs = runs.collect::<Result<Vec<_>, _>>().map_err(Failure::Input)?;
    for run in &runs {
        run.check_output(outputs.layout(), outputs.events).map_err(Failure::Input)?;
    }
    if !outputs.quiet {
        notes(&speed_notes(&runs));
    }
    Ok(runs)
}

/// Checks that the assertions hold.
pub(super) fn check(outputs: &Outputs, summaries: &[Summary]) -> Result<(), Failure> {
    failures(&outputs.assert, summaries).map_or(Ok(()), |why| Err(Failure::Assertion(why)))
}
