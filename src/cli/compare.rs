//! `compare`: one trace under several schedulers.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::experiment::{Setup, choose, scheduler};
use crate::report::{FILES, Summary, table, to_json, write_csv};
use crate::scheduler::Entry;

use super::output::{Failure, data};
use super::progress::{Progress, simulate};
use super::run::{Outputs, begin, check, publish, ready};

/// The words of `compare`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Policies, separated by commas; `list schedulers` describes them
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
    setup: Setup,
    /// Option of every policy that has it, or of one as SCHEDULER.KEY=VALUE; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Write a directory for each scheduler, called like it, into this one
    #[arg(long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,
    #[command(flatten)]
    outputs: Outputs,
    /// How the rows are printed; on a terminal as a table, else as CSV
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with = "json", help_heading = "Output")]
    format: Option<Format>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// For people: percentages and hours
    Table,
    /// Every key of summary.json, a column each
    Csv,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (setup, quiet, entries) = (&args.setup, args.outputs.quiet, args.schedulers.as_slice());
    for (n, entry) in entries.iter().enumerate() {
        if entries[..n].iter().any(|other| other.name == entry.name) {
            let why = format!("--schedulers names `{}` twice; name it once", entry.name);
            return Err(Failure::Input(anyhow::Error::msg(why)));
        }
    }
    let choices = choose(&args.set, entries).map_err(Failure::Input)?;
    let ready = ready(setup, quiet)?;
    let cases = entries.iter().zip(&choices).map(|(entry, choice)| setup.case(&ready, entry, choice));
    let mut cases = cases.collect::<Result<Vec<_>, _>>().map_err(Failure::Input)?;
    if let Some(out) = &args.out {
        refuse_mixing(out)?;
        let targets: Vec<PathBuf> = entries.iter().map(|entry| out.join(entry.name)).collect();
        for (case, recording) in cases.iter_mut().zip(begin(&targets, &args.outputs)?) {
            case.recording = Some(recording);
        }
    }
    let progress = Progress::new(ready.jobs() * entries.len() as u64, quiet);
    // All of them run to their end, so that the error of the first one asked for is reported, whichever fails first.
    let all: Vec<_> = cases.into_par_iter().map(|case| simulate(case, &progress)).collect();
    drop(progress);
    let summaries = publish(all.into_iter().collect::<Result<Vec<_>, _>>()?)?;
    print(args, &summaries)?;
    check(&args.outputs, &summaries)
}

/// The directories of a comparison lie beside each other, not among the files of a run or a sweep.
fn refuse_mixing(out: &Path) -> Result<(), Failure> {
    let foreign = FILES.into_iter().chain(["sweep.json"]).find(|name| out.join(name).exists());
    foreign.map_or(Ok(()), |name| {
        let what =
            "which is of an earlier run or sweep; a comparison needs a directory of its own, so give another";
        Err(Failure::Input(anyhow::anyhow!("{}: holds `{name}`, {what}", out.display())))
    })
}

fn print(args: &Args, summaries: &[Summary]) -> Result<(), Failure> {
    if args.outputs.json {
        return data(to_json(&summaries).as_bytes());
    }
    let default = if io::stdout().is_terminal() { Format::Table } else { Format::Csv };
    match args.format.unwrap_or(default) {
        Format::Table => data(table::compare(summaries).as_bytes()),
        Format::Csv => {
            let mut bytes = Vec::new();
            write_csv(summaries, &mut bytes).map_err(Failure::run)?;
            data(&bytes)
        }
    }
}
