//! `explain`: the story of one job of a run directory.

use std::path::PathBuf;

use crate::experiment::did_you_mean;
use crate::report::{Stored, Story, to_json};

use super::output::{Failure, data, words};

/// The command line of `explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Directory that `run --out` wrote; with its `--events`, restarts and turns are told, too
    #[arg(value_name = "RUN_DIR")]
    run: PathBuf,
    /// Id of the job, as the trace has it
    #[arg(value_name = "JOB_ID", allow_hyphen_values = true)]
    job: String,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let stored = Stored::read(&args.run).map_err(Failure::input)?;
    let Some(job) = stored.jobs.iter().find(|job| job.job_id == args.job) else {
        let known = stored.jobs.iter().map(|job| job.job_id.as_str());
        let hint = match did_you_mean(&args.job, known) {
            none if none.is_empty() => "; jobs.csv lists all jobs".to_owned(),
            hint => hint,
        };
        let why = format!("{}: has no job `{}`{hint}", args.run.display(), args.job);
        return Err(Failure::Input(anyhow::Error::msg(why)));
    };
    let story = Story::of(&stored, job).map_err(Failure::input)?;
    if args.json { data(to_json(&story.to_json()).as_bytes()) } else { words(&story.to_text()) }
}
