//! The artifact's own files, under its own names and headers, so that programs that read them keep
//! working.
//!
//! The files are CSV with CRLF; times are in seconds. `cluster.csv`, `cpu.csv`, `gpu.csv`,
//! `memory.csv` and `network.csv` are left out: the artifact writes hardly anything but zeros there
//! (Q38).

use std::io::{self, Write};

use crate::cluster::Shape;
use crate::job::Class;
use crate::workload::Workload;

use super::job::whole;
use super::outcome::{NEVER, ReplicaOutcome};
use super::schedule::Schedule;

/// The names of the files: that of [`write_result`], of [`write_jobs`] and of [`write_rounds`].
pub const NAMES: [&str; 3] = ["final_result.csv", "job.csv", "scheduling_events.csv"];

const JOB: [&str; 13] = [
    "time",
    "job_id",
    "num_gpu",
    "submit_time",
    "start_time",
    "end_time",
    "ddl",
    "executed_time",
    "JCT",
    "pending_time",
    "preempt",
    "promote",
    "best_effort_job",
];

const FINAL_RESULT: [&str; 6] =
    ["time", "ddl_satis_ratio", "cluster_spec", "trace_file", "scheduler", "scheme"];

fn writer<W: Write>(to: W) -> csv::Writer<W> {
    csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(to)
}

/// Writes `job.csv`: the finished jobs, in the order in which the artifact notices their ends.
///
/// The `ddl` of best-effort jobs and the `start_time` of jobs under Themis are the largest integer.
///
/// # Errors
///
/// If the writer fails.
pub fn write_jobs(outcome: &ReplicaOutcome, workload: &Workload, to: &mut dyn Write) -> io::Result<()> {
    let mut writer = writer(to);
    writer.write_record(JOB)?;
    for row in &outcome.finished {
        let spec = workload.job(row.job);
        let seconds = |micros: u64| whole(spec, micros).map_err(io::Error::other);
        let submit = seconds(spec.submit.as_micros())?;
        let due = spec.deadline.map_or(Ok(NEVER), |due| seconds(due.as_micros()))?;
        let numbers = [
            i64::from(row.num_gpu),
            submit,
            row.start,
            row.end,
            due,
            row.end - row.start,
            row.end - submit,
            row.pending,
            i64::from(row.preempt),
            0,
            i64::from(spec.class() == Class::BestEffort),
        ];
        let head = [row.time.to_string(), spec.name.clone()];
        writer.write_record(head.into_iter().chain(numbers.map(|number| number.to_string())))?;
    }
    writer.flush()
}

/// Writes `scheduling_events.csv`: for each round the job on each GPU, by its row in the trace, and
/// the cluster efficiency. The run must have logged its rounds.
///
/// # Errors
///
/// If the writer fails.
pub fn write_rounds(outcome: &ReplicaOutcome, cluster: &Shape, to: &mut dyn Write) -> io::Result<()> {
    let mut writer = writer(to);
    let gpus = cluster.nodes().iter().enumerate().flat_map(|(node, gpus)| {
        let names = (0..gpus.get()).map(move |gpu| format!("gpu{node}-{gpu}"));
        names.collect::<Vec<_>>()
    });
    let gpus: Vec<String> = gpus.collect();
    writer.write_record(["time"].into_iter().chain(gpus.iter().map(String::as_str)).chain(["ce"]))?;
    for round in &outcome.log {
        let mut jobs = vec![String::new(); gpus.len()];
        for held in &round.held {
            let (first, end) = (held.first as usize, (held.first + held.gpus) as usize);
            jobs[first..end].fill(held.job.0.to_string());
        }
        let (time, efficiency) = (round.time.to_string(), format!("{:?}", round.efficiency));
        let jobs = jobs.iter().map(String::as_str);
        writer.write_record([time.as_str()].into_iter().chain(jobs).chain([efficiency.as_str()]))?;
    }
    writer.flush()
}

/// Writes `final_result.csv`: the ratio that the artifact prints. The column `time`, the wall clock
/// in the artifact, is empty.
///
/// # Errors
///
/// If the writer fails.
pub fn write_result(
    outcome: &ReplicaOutcome,
    schedule: Schedule,
    cluster: &Shape,
    trace: &str,
    to: &mut dyn Write,
) -> io::Result<()> {
    let mut writer = writer(to);
    writer.write_record(FINAL_RESULT)?;
    let ratio = outcome.ratio().map_or_else(String::new, |ratio| format!("{ratio:?}"));
    let size = cluster.node_size().expect("the artifact runs on nodes of one size only");
    let node = format!("n{}g{size}", cluster.nodes().len());
    let scheme = if schedule == Schedule::Gandiva { "gandiva" } else { "elastic" };
    writer.write_record(["", &ratio, &node, trace, schedule.as_str(), scheme])?;
    writer.flush()
}
