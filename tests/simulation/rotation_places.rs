//! Rotations and grants of certain nodes under a placer that moves jobs, worked out by hand:
//! `linear` jobs, turns of 10 s, 3 s for a start or a move and 0.5 for a turn.

use crate::common::{Job, job, overhead, run, scenario, spans};
use elasticflow_sim::cluster::{NodeId, NodeSet};
use elasticflow_sim::job::JobId;
use elasticflow_sim::scheduler::{Entry, Plan, View};
use elasticflow_sim::sim::{Outcome, Scenario};
use elasticflow_sim::units::{Gpus, SimDuration, SimTime};

/// Jobs 0 and 1 (25 and 15 s on 4 GPUs) take turns on half of node 0, and job 2 has the other half
/// until 3 + 1. Job 3 has half of node 1 until 3 + 100. At 14 job 4 comes for a whole node; the
/// cheapest is the first, so the rotation moves. Job 4 ends at 14 + 3 + 10.
fn jobs() -> [Job; 5] {
    [
        job("linear", 0.0, 100.0),
        job("linear", 0.0, 60.0),
        job("linear", 0.0, 4.0),
        job("linear", 0.0, 400.0),
        job("linear", 14.0, 80.0),
    ]
}

/// The order of turns before 14 s and from then on, on these nodes if any are given. Job 4 has 8
/// GPUs, every other job 4.
fn plan(view: &View<'_>, before: [u32; 2], after: [u32; 2], on: Option<NodeSet>) -> Plan {
    let mut plan = Plan::new();
    let order = if view.now() < SimTime::from_secs(14) { before } else { after };
    let turns: Vec<JobId> = order.map(JobId).into_iter().filter(|id| view.is_live(*id)).collect();
    let quantum = SimDuration::from_secs(10);
    match on {
        _ if turns.is_empty() => {}
        Some(nodes) => {
            plan.rotate_on(&turns, nodes, quantum);
        }
        None => {
            plan.rotate(&turns, Gpus::new(4), quantum);
        }
    }
    for id in view.live().iter().filter(|id| id.0 > 1) {
        plan.grant(*id, Gpus::new(if id.0 == 4 { 8 } else { 4 }));
    }
    plan
}

fn outcome(scheduler: &'static Entry, jobs: &[Job]) -> Outcome {
    run(&overhead(Scenario { scheduler, ..scenario("fifo", 2, 8, jobs) }, "fixed:3+suspend:0.5"))
}

fn migrations(outcome: &Outcome) -> Vec<u32> {
    outcome.jobs.iter().map(|row| row.migrations).collect()
}

/// It starts anew at 14, and both move. Job 0 has done 7 + 7 at 24, job 1 1 + 7 at 34, job 0 23.5
/// at 44; job 1 ends at 44.5 + 7 and job 0 after 0.5 + 1.5.
#[test]
fn a_rotation_is_moved_out_of_the_way() {
    let outcome = outcome(policy!(|view| plan(view, [0, 1], [0, 1], None)), &jobs());
    assert_eq!(spans(&outcome), ["0-53.5", "10-51.5", "0-4", "0-103", "14-27"]);
    assert_eq!(migrations(&outcome), [1, 1, 0, 0, 0]);
}

/// With job 1 first from 14 on: it has done 1 + 7 at 24, job 0 7 + 7 at 34, and job 1 ends at 34.5
/// + 7; job 0 needs 0.5 + 11.
#[test]
fn a_rotation_that_changes_is_moved_out_of_the_way() {
    let outcome = outcome(policy!(|view| plan(view, [0, 1], [1, 0], None)), &jobs());
    assert_eq!(spans(&outcome), ["0-53", "10-41.5", "0-4", "0-103", "14-27"]);
    assert_eq!(migrations(&outcome), [1, 1, 0, 0, 0]);
}

/// On node 0 by name the rotation stays, unchanged (job 1 ends at 38.5, and job 0 at 47.5) or not
/// (job 1 has done 11 at 24, job 0 16.5 at 34; 34.5 + 4, and 0.5 + 8.5). Job 3 moves to node 0
/// instead, with 11 s done at 14.
#[test]
fn a_rotation_on_certain_nodes_is_not_moved() {
    const NODE_0: fn() -> Option<NodeSet> = || Some(NodeSet::of(NodeId(0), Gpus::new(4)));
    let same: &'static Entry = policy!(|view| plan(view, [0, 1], [0, 1], NODE_0()));
    let turned: &'static Entry = policy!(|view| plan(view, [0, 1], [1, 0], NODE_0()));
    for scheduler in [same, turned] {
        let outcome = outcome(scheduler, &jobs());
        assert_eq!(spans(&outcome), ["0-47.5", "10-38.5", "0-4", "0-106", "14-27"]);
        assert_eq!(migrations(&outcome), [0, 0, 0, 1, 0]);
    }
}

/// A rotation that changes may have to leave its node for a job that is to have that very one: from
/// 14 on job 2 has node 0, and the others go to node 1, as if moved out of the way.
#[test]
fn a_grant_that_names_nodes_goes_before_one_that_would_stay() {
    let scheduler = policy!(|view| {
        let later = view.now() >= SimTime::from_secs(14);
        let order = if later { [1, 0] } else { [0, 1] };
        let turns: Vec<JobId> = order.map(JobId).into_iter().filter(|id| view.is_live(*id)).collect();
        let mut plan = Plan::new();
        if !turns.is_empty() {
            plan.rotate(&turns, Gpus::new(4), SimDuration::from_secs(10));
        }
        if view.is_live(JobId(2)) {
            plan.grant_on(JobId(2), NodeSet::of(NodeId(0), Gpus::new(8)));
        }
        plan
    });
    let [first, second, .., last] = jobs();
    let outcome = outcome(scheduler, &[first, second, last]);
    assert_eq!(spans(&outcome), ["0-53", "10-41.5", "14-27"]);
    assert_eq!(migrations(&outcome), [1, 1, 0]);
}
