use super::*;
use crate::goodput::StepModel;
use crate::job::{JobId, JobSpec};
use crate::profile::{Configuration, Curve, SpeedModel, ThroughputTable};
use crate::units::{Gpus, Iterations, Rate, SimTime};
use crate::workload::Workload;

/// One second for each example, exchange in no time; ρ is 1 in the first of two epochs, infinite in
/// the second.
fn simple() -> Application {
    let statistics = |square| GradientStatistics { square, variance: 1.0 };
    Application {
        name: "simple".into(),
        limits: BatchLimits { initial: 8, largest: 64, local: (2, 8), gpus: 64, pinned: None },
        steps: Steps::Model(StepModel {
            alpha_c: 0.0,
            beta_c: 1.0,
            alpha_n: 3.0,
            beta_n: 0.5,
            alpha_r: 1.0,
            beta_r: 0.25,
            gamma: 1.0,
        }),
        noise: Noise::Measured(vec![(8, vec![statistics(1.0), statistics(0.0)])]),
        progress: vec![30.0, 100.0],
        tried: BTreeMap::from([(8, 101.0)]),
    }
}

fn job(model: &str, batch_size: u32, iterations: f64) -> Workload {
    Workload::new(vec![JobSpec {
        id: JobId(0),
        name: "j".into(),
        model: model.into(),
        batch_size,
        iterations: Iterations::new(iterations),
        submit: SimTime::ZERO,
        deadline: None,
        soft: Vec::new(),
        requested: Gpus::ONE,
        duration: None,
    }])
    .unwrap()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-6 * b.abs().max(1e-9)
}

#[test]
fn a_pace_is_throughput_times_efficiency() {
    let simple = simple();
    // 32 on 2 GPUs of one node: 16 each in two micro-batches of 8. 8 s to accumulate, 8 + 1 s for
    // the last one: an iteration takes 17 s. s = 4; at ρ = 1 it gains (1 + 1) / (1/4 + 1) = 1.6.
    let pace = simple.pace(0, 1, 2, 32).unwrap();
    assert!(near(pace.iterations, 1.0 / 17.0) && near(pace.progress, 1.6 / 17.0), "{pace:?}");
    assert!(near(pace.measured.accumulate, 8.0) && near(pace.measured.step, 9.0));
    assert_eq!(pace.measured.noise, 1.0);
    // On two nodes the exchange takes 3 s. With infinite noise an iteration gains all of s.
    let pace = simple.pace(1, 2, 2, 32).unwrap();
    assert!(near(pace.progress, 4.0 / 19.0), "{pace:?}");
    // 33 do not divide among 2: 17 each are two micro-batches of 9, more than the 8 allowed, so
    // three of 6, 36 in all.
    let pace = simple.pace(1, 1, 2, 33).unwrap();
    assert!(near(pace.progress, 36.0 / 8.0 / (6.0 + 6.0 + 7.0)), "{pace:?}");
    // Without noise to measure, 8 on one GPU are one micro-batch, and 16 are two: 16 s.
    assert!(near(simple.iteration(1, 16).unwrap(), 16.0));
    // Fewer than 2 examples for each of 8 GPUs are not allowed.
    assert_eq!(simple.pace(0, 2, 8, 8), None);
}

#[test]
fn iterations_are_those_tried_or_those_of_the_noise() {
    let simple = simple();
    assert_eq!((simple.total(), simple.iterations(8), simple.iterations_by_noise(8)), (100.0, 101.0, 100.0));
    // 30 at 1.6 and 70 at 4 a piece.
    assert!(near(simple.iterations(32), 30.0 / 1.6 + 70.0 / 4.0));
}

#[test]
fn a_jobs_rate_is_in_its_own_iterations_and_changes_between_epochs() {
    let workload = job("simple", 8, 50.0);
    let goodput = GoodputSpeeds::new(&Applications::new("mine", [simple()]), &workload).unwrap();
    let job = workload.job(JobId(0));
    let configuration = |nodes, gpus, batch| Configuration { nodes, gpus: Gpus::new(gpus), batch };
    let rate = |at, configuration| goodput.rate(job, Iterations::new(at), &configuration).map(Rate::get);
    // A training of 100 is 50 iterations of the job: half the rate of progress. The first epoch
    // ends at 30 %.
    assert!(near(rate(0.0, configuration(1, 2, 32)).unwrap(), 0.8 / 17.0));
    assert!(near(rate(14.9, configuration(1, 2, 32)).unwrap(), 0.8 / 17.0));
    assert!(near(rate(15.0, configuration(1, 2, 32)).unwrap(), 2.0 / 17.0));
    assert_eq!(goodput.until(job, Iterations::ZERO), Some(Iterations::new(15.0)));
    assert_eq!(goodput.until(job, Iterations::new(14.999)), Some(Iterations::new(15.0)));
    assert_eq!(goodput.until(job, Iterations::new(15.0)), None);
    assert_eq!(rate(0.0, configuration(2, 8, 8)), None);
    assert_eq!(
        goodput.measure(job, Iterations::ZERO, &configuration(1, 1, 8)).map(|m| m.step),
        Some(8.0 + 1e-8)
    );
    assert_eq!(goodput.batch_limits(job).map(|limits| limits.largest), Some(64));
    // 8 examples: 8, 4 + 1 s and 2 + 1.5 s on 1, 2 and 4 GPUs; 3 GPUs round to 9 examples in 3 +
    // 1.25 s at a gain of 18/17. More GPUs would have less than 2 examples each.
    assert_eq!(goodput.sizes(job), [1, 2, 3, 4].map(Gpus::new));
}

#[test]
fn a_job_that_is_no_application_says_what_would_be() {
    let all = Applications::new("mine", [simple()]);
    let why = |model, batch| GoodputSpeeds::new(&all, &job(model, batch, 1.0)).unwrap_err().to_string();
    assert_eq!(why("other", 8), "job `j`: `other` is not an application of `mine`, which has simple");
    assert_eq!(why("simple", 4), "job `j`: `simple` is not trained at batch size 4; give one from 8 to 64");
    let mut pinned = simple();
    pinned.limits.pinned = Some(16);
    let why = GoodputSpeeds::new(&Applications::new("mine", [pinned]), &job("simple", 8, 1.0)).unwrap_err();
    assert_eq!(why.to_string(), "job `j`: `simple` is not trained at batch size 8; give 16");
}

fn row(nodes: u32, gpus: u32, atomic: u32, accumulate: f64, step: f64) -> StepMeasurement {
    StepMeasurement { nodes, gpus, atomic, time: StepTime { accumulate, step } }
}

#[test]
fn measured_times_are_means_and_linear_between() {
    let table = StepTable::new([
        row(1, 1, 2, 1.0, 2.0),
        row(1, 1, 4, 2.0, 4.0),
        row(1, 4, 2, 1.0, 8.0),
        row(2, 4, 2, 1.0, 10.0),
        row(2, 4, 2, 3.0, 14.0),
        row(2, 8, 2, 2.0, 20.0),
        row(4, 8, 2, 4.0, 40.0),
        row(4, 16, 2, 4.0, 80.0),
    ])
    .unwrap();
    let steps = Steps::Table(table);
    let times = |nodes, gpus, atomic| steps.times(nodes, gpus, atomic).map(|t| (t.accumulate, t.step));
    assert_eq!(times(1, 1, 2), Some((1.0, 2.0)));
    // Halfway in the micro-batch; beyond the largest, as far again; below the smallest, the
    // smallest.
    assert_eq!((times(1, 1, 3), times(1, 1, 6)), (Some((1.5, 3.0)), Some((3.0, 6.0))));
    assert_eq!(times(1, 1, 1), Some((1.0, 2.0)));
    // The mean of two placements; a third of the way from 1 to 4 GPUs.
    assert_eq!((times(2, 4, 2), times(1, 2, 2)), (Some((2.0, 12.0)), Some((1.0, 4.0))));
    // Three nodes: 8 GPUs were measured on 2 and on 4 of them. 12 were not on 2: 4 on each are 8 on
    // 2, and 16 on 4.
    assert_eq!((times(3, 8, 2), times(3, 12, 2)), (Some((3.0, 30.0)), Some((3.0, 50.0))));
    // Eight GPUs on one node count as on two, and five nodes as four; nothing is known of more than
    // 16 GPUs.
    assert_eq!((times(1, 8, 2), times(5, 8, 2), times(4, 17, 2)), (times(2, 8, 2), times(4, 8, 2), None));
}

#[test]
fn throughput_alone_is_interpolated() {
    let mut table = ThroughputTable::new("t");
    let curve = [(2, 4.0), (4, 6.0), (8, 5.0)].map(|(g, r)| (Gpus::new(g), Rate::new(r)));
    table.insert("m", 16, Curve::new(curve.to_vec()).unwrap());
    let workload = job("m", 16, 100.0);
    let speeds = InterpolatedSpeeds::new(&table, &workload).unwrap();
    let job = workload.job(JobId(0));
    let configuration = |gpus| Configuration { nodes: 1, gpus: Gpus::new(gpus), batch: 16 };
    let rate = |gpus| speeds.rate(job, Iterations::ZERO, &configuration(gpus)).map(Rate::get);
    // Half of 2's on one; halfway between 2 and 4, and three quarters from 4 to 8; the last beyond
    // it, down to an example a GPU.
    assert_eq!([1, 2, 3, 4, 7, 8, 16].map(rate), [2.0, 4.0, 5.0, 6.0, 5.25, 5.0, 5.0].map(Some));
    assert_eq!((rate(0), rate(17)), (None, None));
    assert_eq!(speeds.sizes(job), [1, 2, 3, 4].map(Gpus::new));
    // An iteration takes 2 × 1/4 GPU-seconds to compute: 1/8 s on 4 GPUs, where it takes 1/6 s in
    // all.
    let measured = |gpus| {
        speeds.measure(job, Iterations::ZERO, &configuration(gpus)).map(|m| (m.accumulate, m.step, m.noise))
    };
    assert_eq!((measured(2), measured(4)), (Some((0.25, 0.25, 0.0)), Some((0.125, 1.0 / 6.0, 0.0))));
    assert_eq!(speeds.batch_limits(job), None);
    let why = InterpolatedSpeeds::new(&ThroughputTable::new("t"), &workload).unwrap_err().to_string();
    assert_eq!(why, "job `j`: model `m` is not in profiles `t`, which have ");
}
