//! The replica against the stored runs of the published artifact, and against worked examples that need no data.

#[path = "common/data.rs"]
mod data;

use std::collections::BTreeMap;
use std::path::Path;

use data::data;
use elasticflow_sim::cluster::Shape;
use elasticflow_sim::config::profiles::builtin;
use elasticflow_sim::replica::{GpuTable, Refused, Replayed, Schedule, replay};
use elasticflow_sim::trace::{self, ReadOptions};
use elasticflow_sim::units::Gpus;
use elasticflow_sim::workload::Workload;

/// A stored run.
#[derive(serde::Deserialize)]
struct Stored {
    id: String,
    trace: String,
    nodes: u32,
    gpus_per_node: u32,
    gpu: String,
    slot: u64,
    schedule: String,
    accepted: i64,
    declined: i64,
    jobs_csv: String,
}

/// A job of a stored run. Its times are whole, and some are written with a decimal point.
#[derive(Debug, PartialEq, serde::Deserialize)]
struct Job {
    job_id: String,
    start_time: f64,
    end_time: f64,
    jct: f64,
    pending_time: f64,
    num_gpu_last: u32,
    preempt: u32,
}

fn read(path: &Path, gpu: &str) -> Workload {
    let table = builtin(gpu).expect("built-in profiles");
    trace::read(path, &table, &ReadOptions::default()).unwrap_or_else(|why| panic!("{why}")).workload
}

fn run(
    workload: &Workload,
    gpu: &str,
    (nodes, gpus): (u32, u32),
    slot: u64,
    schedule: Schedule,
) -> Result<Replayed, Refused> {
    let table = builtin(gpu).expect("built-in profiles");
    let cluster = Shape::uniform(nodes, Gpus::new(gpus)).expect("a cluster");
    let limits = if gpu == "a100" { GpuTable::A100 } else { GpuTable::T4 };
    replay(workload, &table, &cluster, slot, schedule, limits)
}

/// The finished jobs, by name.
fn finished(workload: &Workload, replayed: &Replayed) -> BTreeMap<String, Job> {
    let jobs = replayed.rows.iter().map(|row| {
        let spec = workload.job(row.job);
        let submit = spec.submit.as_micros() / 1_000_000;
        let job = Job {
            job_id: spec.name.clone(),
            start_time: row.start as f64,
            end_time: row.end as f64,
            jct: (row.end - submit as i64) as f64,
            pending_time: row.pending as f64,
            num_gpu_last: row.num_gpu,
            preempt: row.preempt,
        };
        (job.job_id.clone(), job)
    });
    jobs.collect()
}

/// How a run differs from the stored one, in words; nothing if it does not.
fn difference(data: &Path, stored: &Stored, schedule: Schedule) -> Option<String> {
    let workload = read(&data.join(&stored.trace), &stored.gpu);
    let cluster = (stored.nodes, stored.gpus_per_node);
    let replayed = match run(&workload, &stored.gpu, cluster, stored.slot, schedule) {
        Ok(replayed) => replayed,
        Err(why) => return Some(format!("{}: {why}", stored.id)),
    };
    let mut reader = csv::Reader::from_path(data.join(&stored.jobs_csv)).unwrap();
    let theirs: Vec<Job> = reader.deserialize().collect::<Result<_, _>>().unwrap();
    let ours = finished(&workload, &replayed);
    let differ: Vec<_> = theirs.iter().filter(|job| ours.get(&job.job_id) != Some(job)).collect();
    let counted = (replayed.accepted, replayed.declined) == (stored.accepted, stored.declined);
    if differ.is_empty() && ours.len() == theirs.len() && counted {
        return None;
    }
    let first = differ.iter().min_by(|a, b| a.end_time.total_cmp(&b.end_time));
    Some(format!(
        "{}: {} of {} jobs differ, ours finishes {}, counts {}/{} for {}/{}; first {first:?}, ours {:?}",
        stored.id,
        differ.len(),
        theirs.len(),
        ours.len(),
        replayed.accepted,
        replayed.declined,
        stored.accepted,
        stored.declined,
        first.and_then(|job| ours.get(&job.job_id)),
    ))
}

fn every_stored_run_is_met(schedule: Schedule) {
    let Some(data) = data() else { return };
    let mut reader = csv::Reader::from_path(data.join("reference/index.csv")).unwrap();
    let rows: Vec<Stored> = reader.deserialize().collect::<Result<_, _>>().unwrap();
    let rows: Vec<_> = rows.into_iter().filter(|row| row.schedule == schedule.as_str()).collect();
    assert!(!rows.is_empty(), "{schedule:?} has no stored run");
    let differences: Vec<_> = rows.iter().filter_map(|row| difference(&data, row, schedule)).collect();
    assert!(differences.is_empty(), "{} of {}:\n{}", differences.len(), rows.len(), differences.join("\n"));
}

#[test]
fn edf_is_the_artifacts_to_the_job() {
    every_stored_run_is_met(Schedule::Edf);
}

#[test]
fn edf_with_admission_is_the_artifacts_to_the_job() {
    every_stored_run_is_met(Schedule::EdfAccessCtrl);
}

#[test]
fn elasticflow_without_admission_is_the_artifacts_to_the_job() {
    every_stored_run_is_met(Schedule::Ef);
}

#[test]
fn elasticflow_is_the_artifacts_to_the_job() {
    every_stored_run_is_met(Schedule::EfAccessCtrl);
}
