//! `compare`: one trace under several schedulers.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;

use crate::experiment::{
    OptionSetting, PreparedRun, RunError, RunOutput, RunSettings, assign, run_notes, scheduler,
};
use crate::metrics::CommonJct;
use crate::record::Observer;
use crate::record::allocations::Allocation;
use crate::report::{
    Difference, FILES, OutputGuard, Stored, Summary, same_jobs, table, to_json, write_csv, write_differences,
};
use crate::scheduler::Entry;
use crate::trace::file::is_stream;
use crate::units::SimDuration;

use super::output::{Failure, data, notes, words};
use super::progress::{Progress, simulate};
use super::run::{Outputs, begin, check, prepare, read_inputs};

/// The command line of `compare`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Schedulers, separated by commas; `list schedulers` describes them
    #[arg(
        long,
        value_name = "NAMES",
        value_parser = scheduler(),
        value_delimiter = ',',
        required = true,
        hide_possible_values = true
    )]
    schedulers: Vec<&'static Entry>,
    #[command(flatten)]
    settings: RunSettings,
    /// Option of every scheduler that has it, or of one as SCHEDULER.KEY=VALUE; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<OptionSetting>,
    /// Write one directory per scheduler, named after it, under this one
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,
    #[command(flatten)]
    outputs: Outputs,
    /// Show what differs from this stored run of the same jobs: which jobs end in another state,
    /// and what differs first
    #[arg(long, value_name = "RUN_DIR", help_heading = "Output")]
    against: Option<PathBuf>,
    /// Format of the rows [default: table on a terminal, csv elsewhere]
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "json", help_heading = "Output")]
    format: Option<Format>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// Percentages and hours, for reading
    Table,
    /// One column per key of summary.json; with --against, one row per difference
    Csv,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (settings, quiet, entries) = (&args.settings, args.outputs.quiet, args.schedulers.as_slice());
    for (n, entry) in entries.iter().enumerate() {
        if entries[..n].iter().any(|other| other.name == entry.name) {
            let why = format!("--schedulers names `{}` twice; name it once", entry.name);
            return Err(Failure::Input(anyhow::Error::msg(why)));
        }
    }
    args.check_outputs()?;
    let stored = args.against.as_deref().map(Stored::read).transpose().map_err(Failure::input)?;
    let options = assign(&args.set, entries).map_err(Failure::Input)?;
    let inputs = read_inputs(settings, quiet)?;
    if let Some(stored) = &stored {
        same_jobs(stored, inputs.workload()).map_err(Failure::input)?;
    }
    let runs = prepare(settings, &inputs, entries, options, &args.outputs)?;
    let outputs = args.begin()?;
    let progress = Progress::new(inputs.jobs() * entries.len() as u64, quiet);
    // All of them run to their end, so that the error of the first one asked for is reported,
    // whichever fails first.
    let one = |(run, output): (PreparedRun, Option<RunOutput>)| {
        let is_observed = run.is_observed();
        let mut allocations = Vec::<Allocation>::new();
        // They are kept only where they are compared.
        let mut ignored = ();
        let kept: &mut dyn Observer = if stored.is_some() { &mut allocations } else { &mut ignored };
        let result = simulate(run, output, &progress, kept)?;
        let against = stored.as_ref().map(|stored| {
            let allocations = is_observed.then_some(&allocations);
            Difference::of(stored, result.manifest(), result.summary(), result.jobs(), allocations)
        });
        Ok::<_, RunError>((result, against))
    };
    let pairs: Vec<_> = runs.into_iter().zip(outputs).collect();
    let all: Vec<_> = pairs.into_par_iter().map(one).collect();
    drop(progress);
    let all = all.into_iter().collect::<Result<Vec<_>, _>>()?;
    // The directories get their names now that all runs are done.
    let mut compared = Compared { summaries: Vec::new(), jcts: Vec::new(), notes: Vec::new() };
    let mut differences = Vec::new();
    for (result, against) in all {
        compared.jcts.push(result.jobs().iter().map(|row| row.jct).collect());
        compared.notes.extend(run_notes(&result, settings.until()));
        compared.summaries.push(result.publish()?);
        differences.extend(against);
    }
    match stored {
        Some(stored) => print_against(args, &stored, &compared, &differences)?,
        None => print(args, &compared)?,
    }
    if !quiet {
        notes(&compared.notes);
    }
    let summaries = compared.summaries;
    check(&args.outputs, &summaries)
}

/// Refuses a directory that holds a run or a sweep: the directories of a comparison do not lie
/// among their files.
fn refuse_mixing(out: &Path) -> Result<(), Failure> {
    let foreign = FILES.into_iter().chain(["sweep.json"]).find(|name| out.join(name).exists());
    foreign.map_or(Ok(()), |name| {
        let what =
            "which is of an earlier run or sweep; a comparison needs a directory of its own, so give another";
        Err(Failure::Input(anyhow::anyhow!("{}: holds `{name}`, {what}", out.display())))
    })
}

/// The results of all runs, as far as they are shown.
struct Compared {
    summaries: Vec<Summary>,
    /// By run and job: the completion time of those that completed.
    jcts: Vec<Vec<Option<SimDuration>>>,
    notes: Vec<String>,
}

/// A summary, with the mean completion time over the jobs that all schedulers completed.
#[derive(Serialize)]
struct WithCommon<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    common_jobs: u64,
    common_jct: Option<f64>,
}

/// A summary, with what the run does otherwise than the stored one.
#[derive(Serialize)]
struct Against<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    against: &'a Difference,
}

fn print_against(
    args: &Args,
    stored: &Stored,
    compared: &Compared,
    against: &[Difference],
) -> Result<(), Failure> {
    let summaries = &compared.summaries;
    let both = summaries.iter().zip(against);
    if args.outputs.json {
        let all: Vec<_> = both.map(|(summary, against)| Against { summary, against }).collect();
        return data(to_json(&all).as_bytes());
    }
    let all: Vec<_> = both.map(|(summary, against)| (summary.scheduler.as_str(), against)).collect();
    match args.format() {
        Format::Table => {
            // The stored run first, so that its row is read before those that are measured against
            // it.
            let mut rows = vec![stored.summary.clone()];
            rows[0].scheduler = format!("({})", stored.path.display());
            rows.extend_from_slice(summaries);
            let mut jcts = vec![stored.jobs.iter().map(|row| row.jct).collect()];
            jcts.extend_from_slice(&compared.jcts);
            let mut text = compare_text(&rows, &CommonJct::of(&jcts));
            for (scheduler, difference) in all {
                text.push('\n');
                text.push_str(&difference.to_text(scheduler));
            }
            words(&text)
        }
        Format::Csv => {
            let mut bytes = Vec::new();
            write_differences(&all, &mut bytes).map_err(Failure::run)?;
            data(&bytes)
        }
    }
}

impl Args {
    /// Begins a directory for each scheduler, or for none.
    fn begin(&self) -> Result<Vec<Option<RunOutput>>, Failure> {
        let Some(out) = &self.out else {
            return Ok(self.schedulers.iter().map(|_| None).collect());
        };
        refuse_mixing(out)?;
        Ok(begin(&self.targets(out), &self.outputs)?.into_iter().map(Some).collect())
    }

    /// Returns the directory of each scheduler.
    fn targets(&self, out: &Path) -> Vec<PathBuf> {
        self.schedulers.iter().map(|entry| out.join(entry.name)).collect()
    }

    /// Checks that no output replaces an input.
    fn check_outputs(&self) -> Result<(), Failure> {
        let inputs = self.settings.paths().into_iter().chain(self.against.clone());
        let guard = OutputGuard::new(inputs).map_err(Failure::input)?;
        let Some(out) = &self.out else { return Ok(()) };
        if is_stream(out) {
            return guard.check_directory(out).map_err(Failure::input);
        }
        let mut targets = self.targets(out).into_iter();
        targets.try_for_each(|target| guard.check_directory(&target)).map_err(Failure::input)
    }

    fn format(&self) -> Format {
        let default = if io::stdout().is_terminal() { Format::Table } else { Format::Csv };
        self.format.unwrap_or(default)
    }
}

fn print(args: &Args, compared: &Compared) -> Result<(), Failure> {
    let summaries = &compared.summaries;
    let common = CommonJct::of(&compared.jcts);
    if args.outputs.json {
        let with_common = |(summary, mean): (_, &Option<f64>)| WithCommon {
            summary,
            common_jobs: common.jobs,
            common_jct: *mean,
        };
        let all: Vec<_> = summaries.iter().zip(&common.means).map(with_common).collect();
        return data(to_json(&all).as_bytes());
    }
    match args.format() {
        Format::Table => words(&compare_text(summaries, &common)),
        Format::Csv => {
            let mut bytes = Vec::new();
            write_csv(summaries, &common, &mut bytes).map_err(Failure::run)?;
            data(&bytes)
        }
    }
}

/// Shows a table, and says so where mean completion times are over different jobs.
fn compare_text(summaries: &[Summary], common: &CommonJct) -> String {
    let mut text = table::compare(summaries, Some(common).filter(|common| !common.is_all));
    if !common.is_all {
        let jobs = table::count(common.jobs, "job");
        text.push_str(&format!(
            "\nEach `jct` is over the jobs that the scheduler completed; `jct of same` is over the {jobs} that all \
             of them completed.\n",
        ));
    }
    // The bound depends on no scheduler, but is not there under one that chooses batch sizes.
    let bounds = summaries.iter().filter_map(|summary| summary.bound.zip(summary.short_hours));
    if let Some((bound, short)) = bounds.reduce(|first, _| first) {
        text.push_str(&format!(
            "\nAt most {bound} deadlines could be met by anyone; the cluster was short for {short:.1} h.\n"
        ));
    }
    text
}
