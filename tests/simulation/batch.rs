//! Batch sizes that a policy sets, and what it observes of its jobs, on scenarios worked out by
//! hand.

use std::cell::RefCell;
use std::sync::Arc;

use crate::common::{fails, job, overhead, run, scenario, spans};
use elasticflow_sim::cluster::{NodeId, NodeSet, Shape};
use elasticflow_sim::job::{JobId, JobSpec};
use elasticflow_sim::profile::{BatchLimits, Configuration, Measurement, SpeedModel};
use elasticflow_sim::scheduler::{Entry, Observation, Plan};
use elasticflow_sim::sim::{PlanFault, Scenario, SimError};
use elasticflow_sim::units::{Gpus, Iterations, Rate, SimTime};

/// Twice the batch size brings 1.5 times the speed on as many GPUs; the noise is the iterations
/// done.
struct Truth;

const LIMITS: BatchLimits = BatchLimits { initial: 64, largest: 128, local: (8, 128), gpus: 2, pinned: None };
const SIZES: [Gpus; 2] = [Gpus::new(1), Gpus::new(2)];

impl SpeedModel for Truth {
    fn sizes(&self, _: &JobSpec) -> &[Gpus] {
        &SIZES
    }

    fn rate(&self, _: &JobSpec, _: Iterations, setting: &Configuration) -> Option<Rate> {
        let by_batch = match setting.batch {
            64 => 1.0,
            128 => 1.5,
            _ => return None,
        };
        Some(Rate::new(by_batch * f64::from(setting.gpus.get())))
    }

    fn batch_limits(&self, _: &JobSpec) -> Option<&BatchLimits> {
        Some(&LIMITS)
    }

    fn measure(&self, _: &JobSpec, at: Iterations, _: &Configuration) -> Option<Measurement> {
        Some(Measurement { accumulate: 0.0, step: 1.0, noise: at.get() })
    }
}

const FIRST: JobId = JobId(0);

/// One job of 100 iterations at batch size 64.
fn alone(scheduler: &'static Entry) -> Scenario {
    let truth = Arc::new(Truth);
    Scenario {
        truth: truth.clone(),
        belief: truth,
        scheduler,
        ..scenario("fifo", 1, 8, &[job("linear", 0.0, 100.0)])
    }
}

/// From 10 s on at twice the batch size, which is set at every call.
fn larger_later(view: &elasticflow_sim::scheduler::View<'_>) -> Plan {
    let mut plan = Plan::new();
    for id in view.live() {
        let late = view.now() >= SimTime::from_secs(10);
        plan.grant(*id, Gpus::new(2)).batch(if late { 128 } else { 64 });
    }
    if view.now() < SimTime::from_secs(20) && !view.live().is_empty() {
        plan.wake_at(view.now() + elasticflow_sim::units::SimDuration::from_secs(10));
    }
    plan
}

/// 20 iterations in the first 10 s at 2/s; the other 80 at 3/s take 26 2/3 s, and no
/// restart overhead lies between.
#[test]
fn a_new_batch_size_changes_the_speed_and_costs_no_restart_overhead() {
    let outcome = run(&alone(policy!(larger_later)));
    assert_eq!(spans(&outcome), ["0-36.666667"]);
    let row = &outcome.jobs[0];
    assert_eq!((row.rescales, row.preemptions, row.migrations), (0, 0, 0));
}

/// With a restart overhead of 15 s, of which 10 s are over when the batch size changes: the other 5
/// s stay, then 100 ÷ 3 s.
#[test]
fn a_restart_goes_on_under_a_new_batch_size() {
    let outcome = run(&overhead(alone(policy!(larger_later)), "fixed:15"));
    assert_eq!(spans(&outcome), ["0-48.333334"]);
    assert_eq!(outcome.jobs[0].overhead_time.to_string(), "15");
}

/// As [`larger_later`], with a GPU of each of two nodes.
fn larger_later_on_two_nodes(view: &elasticflow_sim::scheduler::View<'_>) -> Plan {
    let mut nodes = NodeSet::of(NodeId(0), Gpus::ONE);
    nodes.add(NodeId(1), Gpus::ONE);
    let mut plan = Plan::new();
    for id in view.live() {
        let late = view.now() >= SimTime::from_secs(10);
        plan.grant_on(*id, nodes.clone()).batch(if late { 128 } else { 64 });
        plan.wake_at(view.now() + elasticflow_sim::units::SimDuration::from_secs(10));
    }
    plan
}

/// The job is placed once, on more nodes than two GPUs need, and changes its batch size there.
#[test]
fn a_new_batch_size_is_no_split_placement() {
    let scenario = alone(policy!(larger_later_on_two_nodes));
    let two_nodes = Shape::uniform(2, Gpus::new(8)).expect("a cluster");
    let outcome = run(&Scenario { cluster: two_nodes, ..scenario });
    assert_eq!(spans(&outcome), ["0-36.666667"]);
    assert_eq!(outcome.totals.split_placements, 1);
}

thread_local! {
    static SEEN: RefCell<Vec<Vec<(u32, f64, f64)>>> = const { RefCell::new(Vec::new()) };
}

/// At 0 s nothing has run. At 10 s 20 iterations were done at batch size 64, at 20 s 50, 30 of them
/// at 128; the noise is that of the last sight of each.
#[test]
fn what_was_seen_is_the_latest_for_each_setting() {
    let outcome = run(&alone(policy!(|view| {
        let short = |seen: Observation| (seen.setting.batch, seen.at.get(), seen.measured.unwrap().noise);
        SEEN.with(|all| all.borrow_mut().push(view.observed(FIRST).map(short).collect()));
        assert_eq!(view.batch(FIRST), if view.now() <= SimTime::from_secs(10) { 64 } else { 128 });
        assert_eq!(view.batch_limits(FIRST), Some(&LIMITS));
        larger_later(view)
    })));
    assert_eq!(outcome.totals.plans, 4);
    let seen = SEEN.with(|all| all.take());
    let at_64 = (64, 20.0, 20.0);
    assert_eq!(seen[0], []);
    assert_eq!(seen[1], [at_64]);
    assert_eq!(seen[2], [at_64, (128, 50.0, 50.0)]);
    assert_eq!(seen[3][0], at_64);
    assert_eq!((seen[3][1].0, seen[3].len()), (128, 2));
    assert!((seen[3][1].1 - 100.0).abs() < 1e-3);
}

#[test]
fn a_batch_size_without_a_speed() {
    let error = fails(&alone(policy!(|view| {
        let mut plan = Plan::new();
        plan.grant(view.live()[0], Gpus::new(2)).batch(65);
        plan
    })));
    let SimError::IllegalPlan { fault, .. } = &error else { panic!("{error}") };
    assert_eq!(*fault, PlanFault::NoSpeedAtBatch { job: "j0".into(), gpus: Gpus::new(2), batch: 65 });
    assert!(error.to_string().ends_with("job `j0` has no speed on 2 GPUs at batch size 65"), "{error}");
}

#[test]
fn a_batch_size_for_a_rotation() {
    let jobs = [job("linear", 0.0, 100.0), job("linear", 0.0, 100.0)];
    let entry = policy!(|view| {
        let mut plan = Plan::new();
        plan.rotate(view.live(), Gpus::new(2), elasticflow_sim::units::SimDuration::from_secs(60)).batch(64);
        plan
    });
    let error = fails(&Scenario { scheduler: entry, ..scenario("fifo", 1, 8, &jobs) });
    let SimError::IllegalPlan { fault, .. } = &error else { panic!("{error}") };
    assert_eq!(*fault, PlanFault::BatchInTurns("j0".into()));
}
