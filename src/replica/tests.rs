//! Worked examples of the planners: 128 GPUs, slots of 240 s, VGG-16 at batch size 256, at time 0.

use crate::cluster::Shape;
use crate::config::profiles::builtin;
use crate::job::{JobId, JobSpec};
use crate::units::{Gpus, Iterations, SimTime};
use crate::workload::Workload;

use super::greedy::{self, worth};
use super::job::{INF, ReplicaJob, read_jobs};
use super::overhead::is_restart;
use super::planner::{JobPlan, plan};
use super::setup::ReplicaSetup;
use super::timeline::{GpuTimeline, align};
use super::{GpuTable, Quirk, Quirks, ReplicaInput, edf, quirk};

const GRID: ReplicaSetup = ReplicaSetup { gpus: 128, slot: 240, quirks: ALL };

/// The artifact as it was published.
const ALL: Quirks = Quirks::all();

type Steps<'a> = &'a [(i64, i64)];

/// A job with this deadline, these iterations left and at most this many GPUs.
fn vgg16(ddl: i64, left: f64, max_gpu: i64) -> ReplicaJob {
    let spec = JobSpec {
        id: JobId(0),
        name: "a".to_owned(),
        model: "vgg16".to_owned(),
        batch_size: 256,
        iterations: Iterations::new(left),
        submit: SimTime::ZERO,
        deadline: None,
        soft: Vec::new(),
        requested: Gpus::ONE,
        duration: None,
    };
    let workload = Workload::new(vec![spec]).unwrap();
    let table = builtin("a100").unwrap();
    let cluster = Shape::default();
    let input = ReplicaInput {
        workload: &workload,
        table: &table,
        gpu: GpuTable::A100,
        cluster: &cluster,
        slot: 240,
        quirks: ALL,
        log_rounds: false,
    };
    let mut job = read_jobs(&input, true).unwrap().remove(0);
    assert_eq!(job.max_gpu, 64);
    (job.ddl, job.max_gpu) = (ddl, max_gpu);
    job
}

fn steps(planned: &JobPlan) -> (Steps<'_>, i64, i64, Steps<'_>) {
    (planned.alloc.steps(), planned.end, planned.real_end, planned.free.steps())
}

#[test]
fn plans_are_the_worked_ones() {
    /// Free GPUs, deadline, work, the most GPUs; in time, allocation, ends, free GPUs then.
    type Vector = (Steps<'static>, i64, f64, i64, bool, Steps<'static>, i64, i64, Steps<'static>);
    let vectors: [Vector; 9] = [
        (&[(0, 128)], 400, 5000.0, 64, true, &[(0, 16)], 480, 397, &[(0, 112), (480, 128)]),
        (
            &[(0, 127), (240, 128)],
            2400,
            5000.0,
            64,
            true,
            &[(0, 1), (240, 2)],
            2160,
            2098,
            &[(0, 126), (2160, 128)],
        ),
        (
            &[(0, 3), (1200, 128)],
            2400,
            9000.0,
            64,
            true,
            &[(0, 2), (1200, 8)],
            2160,
            1947,
            &[(0, 1), (1200, 120), (2160, 128)],
        ),
        // The job waits although 126 GPUs are free.
        (
            &[(0, 126), (1680, 128)],
            4800,
            700.0,
            64,
            true,
            &[(0, 0), (1680, 1)],
            2400,
            2213,
            &[(0, 126), (1680, 127), (2400, 128)],
        ),
        (
            &[(0, 126), (1680, 127), (2400, 128)],
            INF,
            70_000.0,
            64,
            true,
            &[(0, 0), (2400, 1)],
            55_920,
            55_687,
            &[(0, 126), (1680, 127), (55_920, 128)],
        ),
        (
            &[(0, 0), (720, 5), (1440, 128)],
            1500,
            3000.0,
            64,
            true,
            &[(0, 0), (720, 4), (1440, 0)],
            1440,
            1367,
            &[(0, 0), (720, 1), (1440, 128)],
        ),
        (
            &[(0, 0), (480, 128)],
            700,
            1000.0,
            8,
            true,
            &[(0, 0), (480, 4)],
            720,
            696,
            &[(0, 0), (480, 124), (720, 128)],
        ),
        (
            &[(0, 3), (480, 128)],
            400,
            5000.0,
            64,
            false,
            &[(0, 2), (480, 64)],
            720,
            674,
            &[(0, 1), (480, 64), (720, 128)],
        ),
        (&[(0, 128)], -500, 5000.0, 64, false, &[(0, 64)], 480, 243, &[(0, 64), (480, 128)]),
    ];
    for (free, ddl, left, most, in_time, alloc, end, real_end, then) in vectors {
        let planned = plan(&vgg16(ddl, left, most), 0, GpuTimeline::of(free), None, GRID).unwrap();
        assert_eq!(steps(&planned), (alloc, end, real_end, then), "{free:?} {ddl} {left}");
        assert_eq!(planned.in_time, in_time, "{free:?} {ddl} {left}");
    }
}

#[test]
fn a_level_more_is_worth_what_the_worked_example_says() {
    let mut job = vgg16(2400, 5000.0, 64);
    (job.num_gpu, job.end) = (1, 2160);
    job.alloc = GpuTimeline::of(&[(0, 1), (240, 2)]);
    let free = greedy::without(&job, GpuTimeline::of(&[(0, 126), (2160, 128)]));
    let two = plan(&job, 0, free.clone(), Some(2), GRID).unwrap();
    let then: Steps<'_> = &[(0, 125), (240, 126), (2160, 128)];
    assert_eq!(steps(&two), (&[(0, 2)][..], 2160, 1983, then));
    assert_eq!(worth(&job, &two, 2, ALL), 240.0);
    let four = plan(&job, 0, free.clone(), Some(4), GRID).unwrap();
    assert_eq!((four.alloc.steps(), four.end, four.real_end), (&[(0, 4), (240, 2)][..], 1920, 1781));
    assert_eq!(worth(&job, &four, 4, ALL), 80.0);
}

#[test]
fn edf_loses_the_gpus_of_a_key_that_an_end_falls_on() {
    let mut job = vgg16(INF, 1.0, 64);
    job.left = job.rate(32).unwrap() * 1099.5;
    let mut free = GpuTimeline::of(&[(0, 32), (1200, 64), (2400, 128)]);
    let planned = edf::plan(&job, 0, &mut free, GRID).unwrap();
    assert_eq!(planned.end, 1100);
    assert_eq!(free.steps(), [(0, 0), (1200, 32), (2400, 128)]);
}

#[test]
fn times_are_aligned_up_also_before_the_anchor() {
    assert_eq!(align(100, 100, 60), 100);
    assert_eq!(align(100, 101, 60), 160);
    assert_eq!(align(100, 90, 60), 100);
    assert_eq!(align(100, 40, 60), 40);
    assert_eq!(align(100, 41, 60), 100);
}

/// The cluster with one quirk switched off.
fn without(quirk: Quirk) -> ReplicaSetup {
    ReplicaSetup { quirks: ALL.without(quirk), ..GRID }
}

#[test]
fn the_sign_of_the_marginal_return_is_a_quirk() {
    let mut job = vgg16(2400, 5000.0, 64);
    (job.num_gpu, job.end) = (1, 2160);
    job.alloc = GpuTimeline::of(&[(0, 1), (240, 2)]);
    let free = greedy::without(&job, GpuTimeline::of(&[(0, 126), (2160, 128)]));
    let two = plan(&job, 0, free.clone(), Some(2), GRID).unwrap();
    assert_eq!(worth(&job, &two, 2, without(quirk::Q1).quirks), -240.0);
}

#[test]
fn time_after_the_end_is_charged_by_quirk() {
    // Two GPUs up to a key at 480, done at 400.
    let padded = GpuTimeline::of(&[(0, 2), (480, 0)]);
    assert_eq!(padded.gpu_time(400, ALL), 960);
    assert_eq!(padded.gpu_time(400, without(quirk::Q2).quirks), 800);
}

/// The fourth vector, which waits until 1680 through a quirk: 533 s on one GPU, from now on.
#[test]
fn the_share_is_filled_from_the_deadline_by_quirk() {
    let free = GpuTimeline::of(&[(0, 126), (1680, 128)]);
    let planned = plan(&vgg16(4800, 700.0, 64), 0, free.clone(), None, without(quirk::Q5)).unwrap();
    let then: Steps<'_> = &[(0, 125), (720, 126), (1680, 128)];
    // The key after the end stays as a step to zero.
    assert_eq!(steps(&planned), (&[(0, 1), (1680, 0)][..], 720, 533, then));
    assert!(planned.in_time);
    // Where one GPU does not suffice, two do from now on: the end of the example above.
    let free = GpuTimeline::of(&[(0, 127), (240, 128)]);
    let planned = plan(&vgg16(2400, 5000.0, 64), 0, free.clone(), None, without(quirk::Q5)).unwrap();
    assert_eq!((planned.alloc.steps(), planned.real_end), (&[(0, 2)][..], 1983));
}

#[test]
fn an_end_overwrites_free_gpus_by_quirk() {
    let mut job = vgg16(INF, 1.0, 64);
    job.left = job.rate(32).unwrap() * 1099.5;
    let mut free = GpuTimeline::of(&[(0, 32), (1200, 64), (2400, 128)]);
    edf::plan(&job, 0, &mut free, without(quirk::Q12)).unwrap();
    assert_eq!(free.steps(), [(0, 0), (1100, 32), (1200, 64), (2400, 128)]);
}

#[test]
fn everything_restarts_by_quirk() {
    assert!(is_restart(240, GRID) && !is_restart(0, GRID) && !is_restart(241, GRID));
    assert!(!is_restart(240, without(quirk::Q9)));
}
