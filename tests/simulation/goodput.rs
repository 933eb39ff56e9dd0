//! Jobs whose speed follows their batch size and their epoch, in the event loop.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::common::{Job, scenario, time};
use elasticflow_sim::application::{
    Application, Applications, GoodputSpeeds, GradientStatistics, Noise, Steps,
};
use elasticflow_sim::goodput::StepModel;
use elasticflow_sim::profile::BatchLimits;
use elasticflow_sim::sim::{self, Scenario, simulate};
use elasticflow_sim::workload::Workload;

/// One second an example; gradients are exchanged in 1 s on a node. Two epochs of 30 and 70; ρ is 1
/// in the first, infinite in the second.
fn simple() -> Applications {
    let statistics = |square| GradientStatistics { square, variance: 1.0 };
    let (alpha_n, beta_n) = (3.0, 0.5);
    Applications::new(
        "mine",
        [Application {
            name: "simple".into(),
            limits: BatchLimits { initial: 8, largest: 64, local: (2, 8), gpus: 64, pinned: None },
            steps: Steps::Model(StepModel {
                alpha_c: 0.0,
                beta_c: 1.0,
                alpha_n,
                beta_n,
                alpha_r: 1.0,
                beta_r: 0.25,
                gamma: 1.0,
            }),
            noise: Noise::Measured(vec![(8, vec![statistics(1.0), statistics(0.0)])]),
            progress: vec![30.0, 100.0],
            tried: BTreeMap::new(),
        }],
    )
}

/// One job of 50 iterations at batch size 16 on a node of `gpus`.
fn alone(gpus: u32, deadline: Option<f64>) -> Scenario {
    let job = Job { model: "linear", submit: 10.0, iterations: 50.0, deadline: None, gpus: 1 };
    let scenario = scenario("fifo", 1, gpus, &[job]);
    let mut jobs = scenario.workload.jobs().to_vec();
    (jobs[0].model, jobs[0].batch_size, jobs[0].deadline) = ("simple".into(), 16, deadline.map(time));
    let workload = Workload::new(jobs).unwrap();
    let goodput = Arc::new(GoodputSpeeds::new(&simple(), &workload).unwrap());
    Scenario { workload: workload.into(), truth: goodput.clone(), belief: goodput, ..scenario }
}

/// 16 on one GPU are two micro-batches of 8 s. They gain (1 + 1) / (1/2 + 1) = 4/3 in the first
/// epoch, and 2 in the second: 30 · 16 · 3/4 + 70 · 16 / 2 = 360 + 560 s.
#[test]
fn a_job_ends_when_its_epochs_do() {
    let outcome = simulate(&alone(1, None), &mut ()).unwrap();
    let end = outcome.jobs[0].end_time.unwrap().as_secs_f64();
    // Exchanging nothing on one GPU is entered as a hundred millionth of a second.
    assert!((end - 930.0).abs() < 1e-4, "{end}");
}

/// On one GPU the smallest batch is the fastest: 8 s for 1, 800 s in all. On two, 8 take 4 + 1 s in
/// the first epoch; in the second, 64 take 33 s and gain 8: 30 · 5 + 70 · 33 / 8 = 438.75 s.
#[test]
fn what_is_feasible_alone_is_judged_at_the_best_batch_size_of_each_epoch() {
    let feasible = |gpus, deadline| {
        let scenario = alone(gpus, Some(deadline));
        sim::alone(&scenario, &scenario.workload.jobs()[0]).feasible
    };
    assert_eq!([feasible(1, 810.001), feasible(1, 809.999)], [Some(true), Some(false)]);
    assert_eq!([feasible(2, 448.751), feasible(2, 448.749)], [Some(true), Some(false)]);
}
