//! `explain`: the story of one job of a run directory.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use serde_json::json;

use crate::experiment::{Remedies, did_you_mean, remedies};
use crate::record::jobs::{JobOutcome, JobRow};
use crate::report::{Stored, Story, table, to_json};
use crate::units::SimDuration;

use super::output::{Failure, data, words};
use super::run::prepare_again;

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
    /// Do not simulate again to find out what would have admitted a declined job
    #[arg(long)]
    no_tries: bool,
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
    let tried = (job.state == JobOutcome::Declined && !args.no_tries).then(|| find_remedies(&stored, job));
    if args.json {
        let mut json = story.to_json();
        if let Some(Ok(Remedies { later, nodes })) = &tried {
            let seconds = later.map(SimDuration::as_secs_f64);
            json["admitted_if"] = json!({ "deadline_later_seconds": seconds, "more_nodes": nodes });
        }
        return data(to_json(&json).as_bytes());
    }
    let tried = tried.map_or_else(String::new, |tried| match tried {
        Ok(remedies) => format!("\n{}\n", in_words(&remedies, job)),
        Err(why) => format!("\nwhat would have admitted it was not tried: {why:#}\n"),
    });
    words(&format!("{}{tried}", story.to_text()))
}

/// Finds what would have admitted a declined job, by simulating the run again with changes.
///
/// # Errors
///
/// If the run cannot be made again: its inputs are not what they were, or the event core did not
/// run it.
fn find_remedies(stored: &Stored, job: &JobRow) -> anyhow::Result<Remedies> {
    let run = prepare_again(stored)?;
    ensure!(run.is_observed(), "the published artifact made the decision");
    let all = run.inputs().workload().jobs();
    let spec = all.iter().find(|spec| spec.name == job.job_id).context("the trace has no such job")?;
    Ok(remedies(&run, spec.id))
}

/// Says what would have admitted a job.
fn in_words(remedies: &Remedies, job: &JobRow) -> String {
    let later = remedies.later.map(|later| format!("with a deadline {} later", later.rounded()));
    let nodes = remedies.nodes.map(|nodes| format!("with {}", table::count(nodes.into(), "more node")));
    match (later, nodes) {
        (Some(later), Some(nodes)) => format!("would have been admitted {later}, or {nodes}"),
        (Some(later), None) => format!("would have been admitted {later}; more nodes would not have helped"),
        (None, Some(nodes)) if job.deadline.is_none() => format!("would have been admitted {nodes}"),
        (None, Some(nodes)) => {
            format!("would have been admitted {nodes}; a later deadline would not have helped")
        }
        (None, None) => "neither a later deadline nor more nodes would have admitted it".to_owned(),
    }
}
