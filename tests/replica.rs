//! The replica against the stored runs of the published artifact, and against worked examples that need no data.

#[path = "common/data.rs"]
mod data;

use std::collections::BTreeMap;
use std::path::Path;

use data::data;
use elasticflow_sim::cluster::Shape;
use elasticflow_sim::config::profiles::builtin;
use elasticflow_sim::job::{JobId, JobSpec};
use elasticflow_sim::replica::{GpuTable, Refused, Replayed, Schedule, replay};
use elasticflow_sim::trace::{self, ReadOptions};
use elasticflow_sim::units::{Gpus, Iterations, SimTime};
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
    let order: Vec<_> = replayed.rows.iter().map(|row| &workload.job(row.job).name).collect();
    let in_order = order.iter().copied().eq(theirs.iter().map(|job| &job.job_id));
    let differ: Vec<_> = theirs.iter().filter(|job| ours.get(&job.job_id) != Some(job)).collect();
    let counted = (replayed.accepted, replayed.declined) == (stored.accepted, stored.declined);
    if differ.is_empty() && in_order && counted {
        return None;
    }
    let first = differ.iter().min_by(|a, b| a.end_time.total_cmp(&b.end_time));
    Some(format!(
        "{}: {} of {} jobs differ, in order: {in_order}, ours finishes {}, counts {}/{} for {}/{}; first {first:?}, ours {:?}",
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

/// A job of a worked example: submitted, iterations, model, deadline.
type Example = (u64, f64, &'static str, Option<u64>);

fn example(jobs: &[Example]) -> Workload {
    let specs = jobs.iter().enumerate().map(|(row, (submit, iterations, model, ddl))| JobSpec {
        id: JobId(row as u32),
        name: row.to_string(),
        model: (*model).to_owned(),
        batch_size: 256,
        iterations: Iterations::new(*iterations),
        submit: SimTime::from_secs(*submit),
        deadline: ddl.map(SimTime::from_secs),
        soft: Vec::new(),
        requested: Gpus::ONE,
        duration: None,
    });
    Workload::new(specs.collect()).unwrap()
}

/// Of each finished job: which, its GPUs, start and end.
fn rows(replayed: &Replayed) -> Vec<(u32, u32, i64, i64)> {
    replayed.rows.iter().map(|row| (row.job.0, row.num_gpu, row.start, row.end)).collect()
}

fn counts(replayed: &Replayed) -> (i64, i64) {
    (replayed.accepted, replayed.declined)
}

#[test]
fn the_two_schedules_of_elasticflow_judge_by_two_measures() {
    let jobs = example(&[(0, 7246.0, "resnet50", Some(400))]);
    let with = run(&jobs, "a100", (16, 8), 240, Schedule::EfAccessCtrl).unwrap();
    assert_eq!((rows(&with), counts(&with)), (vec![(0, 64, 0, 496)], (1, 0)));
    let without = run(&jobs, "a100", (16, 8), 240, Schedule::Ef).unwrap();
    assert_eq!((rows(&without), counts(&without)), (vec![(0, 64, 0, 496)], (0, 1)));
}

#[test]
fn one_hopeless_job_declines_its_whole_batch() {
    let jobs = example(&[
        (0, 7246.0, "resnet50", Some(4000)),
        (100, 724_600.0, "resnet50", Some(5000)),
        (150, 100.0, "resnet50", Some(5000)),
        (9000, 100.0, "resnet50", Some(9700)),
    ]);
    let replayed = run(&jobs, "a100", (16, 8), 240, Schedule::EfAccessCtrl).unwrap();
    assert_eq!(rows(&replayed), [(0, 64, 0, 482), (3, 64, 9000, 9242)]);
    assert_eq!((counts(&replayed), replayed.rounds), ((2, 2), 5));
}

#[test]
fn best_effort_jobs_take_what_is_left() {
    let jobs = example(&[
        (0, 100_000.0, "resnet50", None),
        (10, 100_000.0, "vgg16", None),
        (5000, 1000.0, "vgg16", Some(9000)),
    ]);
    let replayed = run(&jobs, "a100", (1, 8), 240, Schedule::EfAccessCtrl).unwrap();
    assert_eq!(rows(&replayed), [(2, 2, 5000, 5486), (0, 4, 0, 16_048), (1, 8, 240, 19_650)]);
    assert_eq!((counts(&replayed), replayed.rounds), ((1, 0), 6));
}

#[test]
fn three_jobs_under_every_schedule() {
    let jobs = example(&[
        (0, 6190.0, "resnet50", Some(9000)),
        (30, 6190.0, "resnet50", Some(9000)),
        (3000, 1843.0, "resnet50", Some(9000)),
    ]);
    let elastic = [(0, 4, 0, 1028), (1, 8, 60, 1090), (2, 8, 3000, 3182)];
    let expected = [
        (Schedule::Edf, [(0, 8, 0, 597), (1, 8, 597, 1194), (2, 8, 3000, 3178)]),
        (Schedule::EdfAccessCtrl, [(0, 8, 0, 609), (1, 8, 609, 1208), (2, 8, 3000, 3180)]),
        (Schedule::Ef, elastic),
        (Schedule::EfAccessCtrl, elastic),
    ];
    for (schedule, expected) in expected {
        let replayed = run(&jobs, "a100", (1, 8), 60, schedule).unwrap();
        assert_eq!((rows(&replayed), counts(&replayed)), (expected.to_vec(), (3, 0)), "{schedule:?}");
    }
}

/// A trace, the first rows of it, GPU type, cluster, slot, schedule; accepted and declined.
type Counted = (&'static str, usize, &'static str, (u32, u32), u64, Schedule, (i64, i64));

#[test]
fn known_counts_of_runs_that_are_not_stored() {
    let Some(data) = data() else { return };
    let all = usize::MAX;
    let runs: [Counted; 10] = [
        ("itp/195job.csv", all, "a100", (16, 8), 240, Schedule::Edf, (17, 178)),
        ("itp/195job.csv", all, "a100", (16, 8), 240, Schedule::EdfAccessCtrl, (63, 132)),
        ("itp/195job.csv", all, "a100", (16, 8), 240, Schedule::Ef, (40, 155)),
        ("itp/195job.csv", all, "a100", (16, 8), 240, Schedule::EfAccessCtrl, (146, 49)),
        ("artifact/fig10_100jobs.csv", all, "a100", (16, 8), 240, Schedule::EdfAccessCtrl, (92, 8)),
        ("artifact/fig10_100jobs.csv", all, "a100", (16, 8), 240, Schedule::Ef, (97, 3)),
        ("artifact/elasticVpollux_e.csv", all, "t4", (16, 4), 60, Schedule::EdfAccessCtrl, (80, 115)),
        ("artifact/elasticVpollux_e.csv", all, "t4", (16, 4), 60, Schedule::EfAccessCtrl, (142, 53)),
        ("itp/cluster01.csv", 500, "a100", (64, 8), 60, Schedule::EfAccessCtrl, (296, 204)),
        ("artifact/philly_103959.csv", 300, "a100", (32, 8), 60, Schedule::EfAccessCtrl, (271, 29)),
    ];
    for (trace, first, gpu, cluster, slot, schedule, expected) in runs {
        let whole = read(&data.join("traces").join(trace), gpu);
        let jobs = Workload::new(whole.jobs().iter().take(first).cloned().collect()).unwrap();
        let replayed =
            run(&jobs, gpu, cluster, slot, schedule).unwrap_or_else(|why| panic!("{trace}: {why}"));
        assert_eq!(counts(&replayed), expected, "{trace} {schedule:?}");
    }
}

#[test]
fn what_the_artifact_cannot_read_is_refused_by_name() {
    let jobs = example(&[(0, 100_000.0, "resnet50", None)]);
    // Forty GPUs are no column of the profiles (Q17).
    let refused = run(&jobs, "a100", (5, 8), 60, Schedule::Edf).unwrap_err();
    assert_eq!(refused, Refused::NoSpeed { job: "0".to_owned(), gpus: 40 });
    assert_eq!(run(&jobs, "a100", (1, 8), 0, Schedule::Ef), Err(Refused::Slot));
    assert!(matches!(run(&jobs, "t4", (1, 8), 60, Schedule::Ef), Err(Refused::NoCurve { .. })));
    let table = builtin("a100").unwrap();
    let uneven = Shape::new([8, 4].map(Gpus::new).to_vec()).unwrap();
    let refused = replay(&jobs, &table, &uneven, 60, Schedule::Ef, GpuTable::A100);
    assert_eq!(refused, Err(Refused::UnequalNodes));
    // Nobody, and nothing happens.
    let nobody = Workload::new(vec![]).unwrap();
    assert_eq!(run(&nobody, "a100", (1, 8), 60, Schedule::EfAccessCtrl), Ok(Replayed::default()));
}
