//! A broken placer is noticed at its first mistake, with the reason.

use std::collections::BTreeSet;

use crate::common::{Job, job, run, scenario};
use elasticflow_sim::cluster::{Cluster, NodeId, NodeSet};
use elasticflow_sim::job::JobId;
use elasticflow_sim::placement::{self, Placer};
use elasticflow_sim::scheduler::{Plan, View};
use elasticflow_sim::sim::Scenario;
use elasticflow_sim::units::Gpus;

const FIRST: JobId = JobId(0);
const SECOND: JobId = JobId(1);

/// Two jobs on one node of 8 GPUs, the first from 0 on and the second from 10.
fn two() -> [Job; 2] {
    [job("linear", 0.0, 80.0), job("linear", 10.0, 80.0)]
}

/// Grants the jobs that are there 4 GPUs each, and pins the first once it has some.
fn four_each(view: &View<'_>) -> Plan {
    let mut plan = Plan::new();
    for id in view.live() {
        plan.grant(*id, Gpus::new(4));
    }
    if !view.gpus(FIRST).is_zero() && view.is_live(FIRST) {
        plan.pin(FIRST);
    }
    plan
}

/// What a placer does with the cluster and the requests, and which holders it says that it moved.
type Placing = fn(&mut Cluster, &[(JobId, Gpus)]) -> Vec<(JobId, NodeSet)>;

struct BrokenPlacer(Placing);

impl Placer for BrokenPlacer {
    fn place(
        &mut self,
        cluster: &mut Cluster,
        requests: &[(JobId, Gpus)],
        _: &BTreeSet<JobId>,
    ) -> Vec<(JobId, NodeSet)> {
        (self.0)(cluster, requests)
    }
}

/// Runs [`two`] under [`four_each`] with a placer that is built by `build`.
fn run_with_placer(build: fn() -> Box<dyn Placer>) {
    let usual = placement::entry("first-fit").expect("a placer");
    let placer = Box::leak(Box::new(placement::PlacerEntry { build, ..*usual }));
    run(&Scenario { placer, scheduler: policy!(four_each), ..scenario("fifo", 1, 8, &two()) });
}

/// Places every request on node 0, with so many GPUs less than was requested.
fn place_all(cluster: &mut Cluster, requests: &[(JobId, Gpus)], less: u32) {
    for (job, gpus) in requests {
        cluster.hold(*job, NodeSet::of(NodeId(0), *gpus - Gpus::new(less)));
    }
}

#[test]
#[should_panic(expected = "the placer gives JobId(0) as many GPUs as were requested")]
fn a_placer_that_gives_too_little_is_noticed() {
    run_with_placer(|| {
        Box::new(BrokenPlacer(|cluster, requests| {
            place_all(cluster, requests, 1);
            Vec::new()
        }))
    });
}

#[test]
#[should_panic(expected = "the placer moves JobId(0), which is pinned")]
fn a_placer_that_moves_a_pinned_job_is_noticed() {
    run_with_placer(|| {
        Box::new(BrokenPlacer(|cluster, requests| {
            place_all(cluster, requests, 0);
            let first = cluster.holding(FIRST).cloned();
            first.filter(|_| requests[0].0 == SECOND).map(|nodes| (FIRST, nodes)).into_iter().collect()
        }))
    });
}

#[test]
#[cfg(debug_assertions)]
#[should_panic(expected = "the placer moves JobId(0) and does not say so")]
fn a_placer_that_moves_a_job_in_silence_is_noticed() {
    run_with_placer(|| {
        Box::new(BrokenPlacer(|cluster, requests| {
            place_all(cluster, requests, 0);
            if requests[0].0 == SECOND {
                cluster.release(FIRST);
                cluster.hold(FIRST, NodeSet::of(NodeId(0), Gpus::ONE));
            }
            Vec::new()
        }))
    });
}
