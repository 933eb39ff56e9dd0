//! `trace`: traces as files, without a simulation.

mod bound;

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::cluster;
use crate::experiment::{self, MeasuredSpeeds, SpeedOptions, TraceInput, TraceOptions};
use crate::overhead::OverheadPreset as Overhead;
use crate::report::table::count;
use crate::report::{OutputGuard, write_file};
use crate::trace::file::is_stream;
use crate::trace::{GenerateOptions, describe, generate, head, write};
use crate::units::SimDuration;
use crate::workload::Workload;

use super::output::{Failure, data, message, notes, words};

/// The command line of `trace`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Generate a trace as ElasticFlow's generator does
    Generate(Generate),
    /// Convert a trace of any known format to this program's own
    Convert(Convert),
    /// Report everything that is wrong with traces
    Validate(Validate),
    /// Describe what a trace demands of a cluster
    Describe(Describe),
    /// Compute how many deadlines of a trace anyone could meet on a cluster
    Bound(bound::Args),
}

#[derive(Debug, clap::Args)]
pub(super) struct Generate {
    /// Number of jobs
    #[arg(long, value_name = "N", default_value_t = GenerateOptions::default().jobs, value_parser = experiment::number, allow_negative_numbers = true)]
    jobs: u32,
    /// Mean time between submissions; 0 submits all jobs at once
    #[arg(long, value_name = "SECONDS", default_value_t = GenerateOptions::default().mean_interarrival, allow_negative_numbers = true)]
    mean_interarrival: f64,
    /// Range of deadlines: a uniform multiple of the duration after the submission
    #[arg(long, value_name = "LO,HI", value_parser = tightness, default_value = "0.5,1.5", allow_hyphen_values = true)]
    tightness: (f64, f64),
    /// Share of jobs without a deadline, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = GenerateOptions::default().best_effort_share, allow_negative_numbers = true)]
    best_effort: f64,
    /// Largest number of GPUs that a job requests
    #[arg(long, value_name = "N", default_value_t = GenerateOptions::default().max_gpus, value_parser = experiment::number, allow_negative_numbers = true)]
    max_gpus: u32,
    /// Mean number of jobs that arrive at one instant
    #[arg(long, value_name = "N", default_value_t = GenerateOptions::default().burst, allow_negative_numbers = true)]
    burst: f64,
    /// Seed of the generator
    #[arg(long, value_name = "N", default_value_t = GenerateOptions::default().seed, value_parser = experiment::seed, allow_negative_numbers = true)]
    seed: u64,
    #[command(flatten)]
    speeds: SpeedOptions,
    /// Write into this file instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file of --out if it exists
    #[arg(long, requires = "out")]
    force: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Convert {
    /// Trace to read
    file: PathBuf,
    /// Keep only the first N jobs
    #[arg(long, value_name = "N", value_parser = experiment::at_least_one, allow_negative_numbers = true)]
    head: Option<NonZeroUsize>,
    #[command(flatten)]
    trace: TraceOptions,
    #[command(flatten)]
    speeds: SpeedOptions,
    /// Write into this file instead of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file of --out if it exists
    #[arg(long, requires = "out")]
    force: bool,
    /// Suppress notes
    #[arg(long)]
    quiet: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Validate {
    /// Traces to check
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    trace: TraceOptions,
    #[command(flatten)]
    speeds: SpeedOptions,
    /// Suppress notes
    #[arg(long)]
    quiet: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Describe {
    /// Trace to describe
    file: PathBuf,
    /// Nodes as NODESxGPUS, or a TOML file
    #[arg(long, value_name = "CLUSTER", default_value = "16x8")]
    cluster: String,
    #[command(flatten)]
    trace: TraceOptions,
    #[command(flatten)]
    speeds: SpeedOptions,
    /// Suppress notes
    #[arg(long)]
    quiet: bool,
}

fn tightness(text: &str) -> Result<(f64, f64), String> {
    let pair =
        text.split_once(',').and_then(|(lo, hi)| Some((lo.trim().parse().ok()?, hi.trim().parse().ok()?)));
    pair.ok_or_else(|| "not two numbers; give LO,HI, such as 0.5,1.5".to_owned())
}

pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Generate(args) => args.run(),
        Command::Convert(args) => args.run(),
        Command::Validate(args) => args.run(),
        Command::Describe(args) => args.run(),
        Command::Bound(args) => args.run(),
    }
}

/// Reads a trace; what the user may want to know goes to stderr unless `quiet`.
fn read(
    options: &TraceOptions,
    path: &Path,
    speeds: &Arc<MeasuredSpeeds>,
    quiet: bool,
) -> anyhow::Result<TraceInput> {
    let input = options.read(path, speeds.clone())?;
    if !quiet {
        notes(input.notes());
    }
    Ok(input)
}

/// Reads the measured speeds.
fn read_speeds(options: &SpeedOptions) -> Result<Arc<MeasuredSpeeds>, Failure> {
    options.read().map(Arc::new).map_err(Failure::Input)
}

impl Generate {
    fn run(&self) -> Result<(), Failure> {
        check_out(self.out.as_deref(), self.force, None, &self.speeds)?;
        let speeds = read_speeds(&self.speeds)?;
        let options = GenerateOptions {
            jobs: self.jobs,
            mean_interarrival: self.mean_interarrival,
            tightness: self.tightness,
            best_effort_share: self.best_effort,
            max_gpus: self.max_gpus,
            burst: self.burst,
            seed: self.seed,
        };
        give(&generate(&options, speeds.table()).map_err(Failure::input)?, self.out.as_ref())
    }
}

impl Convert {
    fn run(&self) -> Result<(), Failure> {
        check_out(self.out.as_deref(), self.force, Some(&self.file), &self.speeds)?;
        let speeds = read_speeds(&self.speeds)?;
        let input = read(&self.trace, &self.file, &speeds, self.quiet).map_err(Failure::Input)?;
        let trace = input.trace();
        match self.head {
            Some(most) => give(&head(&trace.workload, most), self.out.as_ref()),
            None => give(&trace.workload, self.out.as_ref()),
        }
    }
}

/// Checks that a trace may be written to `out`.
fn check_out(
    out: Option<&Path>,
    force: bool,
    trace: Option<&Path>,
    speeds: &SpeedOptions,
) -> Result<(), Failure> {
    let inputs = trace.into_iter().chain(speeds.path()).map(Path::to_owned);
    let guard = OutputGuard::new(inputs).map_err(Failure::input)?;
    out.map_or(Ok(()), |out| guard.check_file(out, force)).map_err(Failure::input)
}

/// Writes a trace to a file, whole or not at all, or to stdout.
fn give(workload: &Workload, out: Option<&PathBuf>) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    write(workload, &mut bytes).map_err(Failure::run)?;
    if out.is_some_and(|path| path.extension().is_some_and(|ending| ending == "gz")) {
        // Without a time stamp, so that the same trace is the same bytes.
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        bytes = gzip.write_all(&bytes).and_then(|()| gzip.finish()).map_err(Failure::run)?;
    }
    match out.filter(|path| !is_stream(path)) {
        Some(path) => write_file(path, &bytes).map_err(Failure::bad_output),
        None => data(&bytes),
    }
}

impl Validate {
    /// Checks every file, whatever is wrong with the first, and prints what is right and wrong.
    fn run(&self) -> Result<(), Failure> {
        let speeds = read_speeds(&self.speeds)?;
        let mut wrong = 0;
        for file in &self.files {
            match self.trace.check(file, &speeds) {
                Ok(checked) => {
                    if !self.quiet {
                        notes(&checked.notes);
                    }
                    let jobs = count(checked.jobs as u64, "job");
                    words(&format!("{}: ok, {jobs}, format {}\n", file.display(), checked.format.name))?;
                }
                Err(why) => {
                    wrong += 1;
                    message("error", format!("{why:#}"));
                }
            }
        }
        if wrong > 0 {
            let all = count(self.files.len() as u64, "trace");
            return Err(Failure::Input(anyhow::anyhow!(
                "{wrong} of {all} cannot be simulated; correct what is said above"
            )));
        }
        Ok(())
    }
}

impl Describe {
    fn run(&self) -> Result<(), Failure> {
        let cluster = cluster::read(&self.cluster).map_err(Failure::Input)?.shape.gpus();
        let speeds = read_speeds(&self.speeds)?;
        let input = read(&self.trace, &self.file, &speeds, self.quiet).map_err(Failure::Input)?;
        let trace = input.trace();
        // The default overhead depends on the size alone, so that any job stands for all.
        let overhead = Overhead::default().for_cluster(cluster);
        let any = trace.workload.jobs().first();
        let restart = |gpus| any.map_or(SimDuration::ZERO, |job| overhead.bound(job, gpus));
        let description = describe(&trace.workload, speeds.table(), cluster, restart);
        words(&description.text())
    }
}
