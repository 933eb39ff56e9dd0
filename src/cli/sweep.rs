//! `sweep`: a grid of settings, and merging the shards of one.

use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::experiment;
use crate::report::table::{self, count};
use crate::report::{OutputGuard, Summary};
use crate::sweep::{CheckedGrid, Grid, MANIFEST, POINTS, Point, RESULTS, Shard, SweepError, merge, results};
use crate::trace::file::is_stream;

use super::output::{Failure, data, message, notes, words};
use super::progress::{PointProgress, Progress};

/// The command line of `sweep`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Grid of settings, TOML; docs/sweeps.md says how it is written
    #[arg(required = true)]
    config: Option<PathBuf>,
    /// Number of points that run at a time [default: the number of cores]
    #[arg(long, value_name = "N", value_parser = experiment::at_least_one, allow_negative_numbers = true)]
    jobs: Option<NonZeroUsize>,
    /// Write results.csv, and one directory per point as soon as it is done, into this directory
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Continue the sweep in --out: run only what is missing or has changed since
    #[arg(long, requires = "out")]
    resume: bool,
    /// Run only the I-th of N parts, counted from 1; `sweep merge` merges them
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Check everything and print the points, but run nothing
    #[arg(long, conflicts_with_all = ["out", "jobs"])]
    dry_run: bool,
    /// Suppress notes and the progress bar
    #[arg(long)]
    quiet: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Merge shard directories into one sweep
    Merge(Merge),
}

#[derive(Debug, clap::Args)]
struct Merge {
    /// Directories that `sweep --shard I/N --out DIR` wrote
    #[arg(value_name = "DIR", required = true)]
    shards: Vec<PathBuf>,
    /// Write the whole sweep into this directory
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Suppress notes
    #[arg(long)]
    quiet: bool,
}

impl From<SweepError> for Failure {
    fn from(why: SweepError) -> Failure {
        Failure::run(why)
    }
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    if let Some(Command::Merge(merge)) = &args.command {
        return merge.run();
    }
    let config = args.config.as_deref().expect("the parser requires it where there is no subcommand");
    let grid = Grid::read(config).and_then(|grid| grid.check()).map_err(Failure::Input)?;
    if !args.quiet {
        notes(grid.notes());
    }
    args.check_out(config, &grid)?;
    let shard = args.shard.unwrap_or(Shard::ALL);
    match &args.out {
        _ if args.dry_run => data(&grid.list(shard).map_err(Failure::run)?),
        Some(out) => args.write(grid, out, shard),
        None => args.print(grid, shard),
    }
}

impl Args {
    /// Checks that no file of the sweep replaces one that it reads.
    fn check_out(&self, config: &Path, grid: &CheckedGrid) -> Result<(), Failure> {
        // What is no directory is refused as that.
        let Some(out) = self.out.as_ref().filter(|out| !out.is_file()) else { return Ok(()) };
        let inputs = [config].into_iter().chain(grid.paths().iter().map(PathBuf::as_path));
        let guard = OutputGuard::new(inputs.map(Path::to_owned)).map_err(Failure::input)?;
        let checks = if is_stream(out) {
            guard.check_directory(out)
        } else {
            let files = [MANIFEST, RESULTS].iter().map(|name| guard.check_not_input(&out.join(name)));
            files.collect::<Result<(), _>>().and_then(|()| guard.check_directory(&out.join(POINTS)))
        };
        checks.map_err(Failure::input)
    }

    /// Runs what is missing in a directory.
    fn write(&self, grid: CheckedGrid, out: &Path, shard: Shard) -> Result<(), Failure> {
        let directory = grid.directory(out, shard, self.resume).map_err(Failure::input)?;
        let (done, missing) = (directory.done(), directory.missing().len());
        if !self.quiet && directory.others() > 0 {
            let text = match directory.others() {
                1 => "1 directory of a point that is not, or no longer, in this grid stays where it is"
                    .to_owned(),
                others => {
                    format!(
                        "{others} directories of points that are not, or no longer, in this grid stay where they are"
                    )
                }
            };
            message("note", format!("{}: {text}", out.display()));
        }
        let jobs = directory.missing().map(Point::jobs).sum();
        let progress = Progress::of_points(jobs, missing as u64, self.quiet);
        directory.run(self.jobs, |point| PointProgress::new(&progress, point.jobs()))?;
        drop(progress);
        if !self.quiet {
            let kept = if done > 0 { format!(", {done} were there") } else { String::new() };
            let (points, results) = (count(missing as u64, "point"), out.join("results.csv"));
            message("note", format!("{points} run{kept}; the table is {}", results.display()));
        }
        Ok(())
    }

    /// Runs everything and prints the table.
    fn print(&self, grid: CheckedGrid, shard: Shard) -> Result<(), Failure> {
        let columns = grid.columns().to_vec();
        let jobs = grid.points_of(shard).map(Point::jobs).sum();
        let progress = Progress::of_points(jobs, grid.points_of(shard).count() as u64, self.quiet);
        let watch = |point: &Point| PointProgress::new(&progress, point.jobs());
        let rows = grid.each_of(shard, self.jobs, watch, |point, result, _| {
            Ok((point.clone(), result.summary().clone()))
        })?;
        drop(progress);
        if io::stdout().is_terminal() {
            let summaries: Vec<Summary> = rows.into_iter().map(|(_, summary)| summary).collect();
            return words(&table::compare(&summaries, None));
        }
        data(&results(&columns, &rows).map_err(Failure::run)?)
    }
}

impl Merge {
    fn run(&self) -> Result<(), Failure> {
        let guard = OutputGuard::new(self.shards.iter().cloned()).map_err(Failure::input)?;
        // What is there is refused unless it is empty.
        if !self.out.exists() {
            guard.check_directory(&self.out).map_err(Failure::input)?;
        }
        let points = merge(&self.shards, &self.out).map_err(Failure::Input)?;
        if !self.quiet {
            let (points, results) = (count(points as u64, "point"), self.out.join("results.csv"));
            message("note", format!("{points}; the table is {}", results.display()));
        }
        Ok(())
    }
}
