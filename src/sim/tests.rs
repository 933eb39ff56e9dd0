//! Refused plans change nothing, and broken invariants are noticed.

#[path = "../../tests/common/base.rs"]
mod base;
#[path = "../../tests/common/mod.rs"]
mod common;

use std::io;

use common::{job, overhead, scenario, time};

use super::event_loop::EventLoop;
use super::queue::Event;
use super::{PlanFault, Scenario, SimError};
use crate::cluster::{NodeId, NodeSet};
use crate::job::JobId;
use crate::record::{Happened, Observer};
use crate::scheduler::{Plan, Reason, Scheduler, View};
use crate::units::{Gpus, SimDuration, SimTime};
use crate::workload::Workload;

const J0: JobId = JobId(0);
const J1: JobId = JobId(1);
const J2: JobId = JobId(2);
const J3: JobId = JobId(3);
const DECLINED: JobId = JobId(4);
const COMING: JobId = JobId(5);

/// Makes the same plan at every call.
struct Fixed(Plan);

impl Scheduler for Fixed {
    fn plan(&mut self, _: &View<'_>) -> Plan {
        self.0.clone()
    }
}

/// Counts the events that it hears of.
#[derive(Default)]
struct Listener(usize);

impl Observer for Listener {
    fn observe(&mut self, _: SimTime, _: &Workload, _: &Happened<'_>) -> io::Result<()> {
        self.0 += 1;
        Ok(())
    }
}

/// Six jobs on two nodes of 8 GPUs under a scheduler whose grants do not admit.
fn six_jobs() -> Scenario {
    let jobs = [0.0, 0.0, 0.0, 0.0, 0.0, 50.0].map(|submit| job("linear", submit, 4000.0));
    overhead(scenario("elasticflow", 2, 8, &jobs), "fixed:3")
}

/// At 0 s job 0 has 4 GPUs, jobs 1 and 2 take turns on 8, and job 4 is declined. The clock
/// is then set to 10 s.
fn running<'a>(scenario: &'a Scenario, listener: &'a mut Listener) -> EventLoop<'a> {
    let scheduler = (scenario.scheduler.build)(&scenario.options, scenario.seed).unwrap();
    let mut event_loop = EventLoop::new(scenario, scheduler, listener).unwrap();
    let mut plan = Plan::new();
    [J0, J1, J2].into_iter().for_each(|job| plan.admit(job, None));
    plan.grant(J0, Gpus::new(4));
    plan.rotate(&[J1, J2], Gpus::new(8), SimDuration::from_secs(10));
    plan.decline(DECLINED, Reason::BestEffort);
    event_loop.scheduler = Box::new(Fixed(plan));
    event_loop.step(SimTime::ZERO).unwrap();
    event_loop.simulation.now = SimTime::from_secs(10);
    event_loop
}

/// Returns a plan that may be made then: job 0 goes on, job 3 is admitted and starts, the rotation
/// starts anew.
fn legal() -> Plan {
    let mut plan = Plan::new();
    plan.admit(J3, None);
    plan.grant(J0, Gpus::new(4));
    plan.pin(J0);
    plan.grant(J3, Gpus::new(4));
    plan.rotate(&[J1, J2], Gpus::new(8), SimDuration::from_secs(20));
    plan.wake_at(time(60.0));
    plan
}

/// The grants of [`legal`] by their places.
const OF_J3: usize = 1;
const OF_ROTATION: usize = 2;

/// A change that spoils the legal plan.
type Spoil = fn(&mut Plan);

/// Returns what spoils the legal plan, each with the fault that it is then refused for.
fn faults() -> Vec<(Spoil, PlanFault)> {
    let four = Gpus::new(4);
    let j3 = || "j3".to_owned();
    let three = SimDuration::from_secs(3);
    vec![
        (
            |plan| plan.grants[OF_J3].gpus = Gpus::new(8),
            PlanFault::TooManyGpus { granted: Gpus::new(20), capacity: Gpus::new(16) },
        ),
        (|plan| _ = plan.grant(J0, Gpus::ONE), PlanFault::GrantedTwice("j0".into())),
        (|plan| plan.grants[OF_ROTATION].others.push(J1), PlanFault::GrantedTwice("j1".into())),
        (|plan| plan.grants[OF_J3].gpus = Gpus::ZERO, PlanFault::NoGpus(j3())),
        (|plan| plan.admit(COMING, None), PlanFault::NotLive("j5".into())),
        (|plan| plan.decline(COMING, Reason::BestEffort), PlanFault::NotLive("j5".into())),
        (|plan| plan.run_unadmitted(DECLINED), PlanFault::NotLive("j4".into())),
        (|plan| _ = plan.grant(DECLINED, Gpus::ONE), PlanFault::NotLive("j4".into())),
        (|plan| plan.grants[OF_ROTATION].batch(64), PlanFault::BatchInTurns("j1".into())),
        (|plan| plan.grants[OF_J3].batch(65), PlanFault::NoSpeedAtBatch { job: j3(), gpus: four, batch: 65 }),
        (|plan| plan.grants[OF_J3].gpus = Gpus::new(3), PlanFault::NoSpeed { job: j3(), gpus: Gpus::new(3) }),
        (|plan| plan.admitted.clear(), PlanFault::NotAdmitted(j3())),
        (|plan| plan.admit(J3, None), PlanFault::AdmittedTwice(j3())),
        (|plan| plan.decline(J3, Reason::BestEffort), PlanFault::DeclinedAdmitted(j3())),
        (|plan| plan.pin(J3), PlanFault::PinMoves(j3())),
        (
            |plan| plan.grants[OF_ROTATION].quantum = SimDuration::from_secs(3),
            PlanFault::QuantumTooShort { job: "j1".into(), quantum: three, restart: three },
        ),
        (
            |plan| plan.grants[OF_J3].on = Some(NodeSet::of(NodeId(2), Gpus::new(4))),
            PlanFault::NodesTaken { job: j3(), nodes: "2:4".into() },
        ),
        (
            |plan| plan.grants[OF_J3].on = Some(NodeSet::of(NodeId(0), Gpus::new(2))),
            PlanFault::NodesMiscounted { job: j3(), gpus: four, nodes: "0:2".into() },
        ),
        (|plan| plan.wake = Some(time(10.0)), PlanFault::WakeNotAfterNow(time(10.0))),
    ]
}

/// Numbers the kinds of faults from 0. A new one does not compile until it is listed here, and the
/// test below fails until it is shown.
fn kind(fault: &PlanFault) -> usize {
    match fault {
        PlanFault::TooManyGpus { .. } => 0,
        PlanFault::GrantedTwice(_) => 1,
        PlanFault::NoGpus(_) => 2,
        PlanFault::NotLive(_) => 3,
        PlanFault::BatchInTurns(_) => 4,
        PlanFault::NoSpeedAtBatch { .. } => 5,
        PlanFault::NoSpeed { .. } => 6,
        PlanFault::NotAdmitted(_) => 7,
        PlanFault::AdmittedTwice(_) => 8,
        PlanFault::DeclinedAdmitted(_) => 9,
        PlanFault::PinMoves(_) => 10,
        PlanFault::QuantumTooShort { .. } => 11,
        PlanFault::NodesTaken { .. } => 12,
        PlanFault::NodesMiscounted { .. } => 13,
        PlanFault::WakeNotAfterNow(_) => 14,
    }
}
const KINDS: usize = 15;

/// Returns everything that a plan may change, as text.
fn described(event_loop: &EventLoop<'_>) -> String {
    let simulation = &event_loop.simulation;
    let jobs = (&simulation.states, &simulation.live, &simulation.rotations, &simulation.counts);
    let run = (simulation.now, &simulation.totals, simulation.beyond_clock);
    let queued = [Event::Due, Event::Wake].map(|event| simulation.queue.contains(event));
    let queue = (simulation.queue.next_time(), queued);
    format!("{:?}", (&simulation.cluster, jobs, run, queue, &event_loop.arrivals, &event_loop.ended))
}

#[test]
fn a_refused_plan_changes_nothing_and_no_observer_hears_of_it() {
    let scenario = six_jobs();
    let mut shown = [false; KINDS];
    for (spoil, expected) in faults() {
        let (mut listener, mut undisturbed) = (Listener::default(), Listener::default());
        running(&scenario, &mut undisturbed);
        let mut event_loop = running(&scenario, &mut listener);
        let mut plan = legal();
        spoil(&mut plan);
        event_loop.scheduler = Box::new(Fixed(plan));
        let before = described(&event_loop);
        let error = event_loop.plan().expect_err("a plan that is refused");
        assert!(matches!(&error, SimError::IllegalPlan { fault, .. } if *fault == expected), "{error}");
        assert_eq!(described(&event_loop), before, "{expected}");
        assert_eq!(listener.0, undisturbed.0, "{expected}");
        shown[kind(&expected)] = true;
    }
    assert_eq!(shown, [true; KINDS]);
}

#[test]
fn the_plan_that_these_faults_spoil_is_legal() {
    let (scenario, mut listener) = (six_jobs(), Listener::default());
    let mut event_loop = running(&scenario, &mut listener);
    let before = described(&event_loop);
    event_loop.scheduler = Box::new(Fixed(legal()));
    event_loop.plan().unwrap();
    assert_ne!(described(&event_loop), before);
    // Six arrivals less one, three admissions, a decline, three allocations and the plan; then an
    // admission, three allocations and the plan.
    assert_eq!(listener.0, 5 + 3 + 1 + 3 + 1 + 1 + 3 + 1);
}

/// Breaks something in the situation above, and checks it.
fn broken(break_it: fn(&mut EventLoop<'_>)) {
    let (scenario, mut listener) = (six_jobs(), Listener::default());
    let mut event_loop = running(&scenario, &mut listener);
    break_it(&mut event_loop);
    super::conservation::assert_conserved(&event_loop.simulation);
}

#[test]
fn the_situation_that_these_tests_break_is_whole() {
    broken(|_| {});
}

#[test]
#[should_panic(expected = "JobId(3) knows the holder of its GPUs, or waits without one")]
fn gpus_are_not_held_behind_a_job_s_back() {
    broken(|run| run.simulation.cluster.hold(J3, NodeSet::of(NodeId(1), Gpus::ONE)));
}

#[test]
#[should_panic(expected = "GPUs are held for live jobs alone")]
fn gpus_are_not_held_for_a_job_to_come() {
    broken(|run| run.simulation.cluster.hold(COMING, NodeSet::of(NodeId(1), Gpus::ONE)));
}

#[test]
#[should_panic(expected = "JobId(0) runs on the GPUs that are held for it")]
fn a_job_does_not_run_on_other_gpus_than_it_holds() {
    broken(|run| run.simulation.states[J0.index()].gpus = Gpus::ONE);
}

#[test]
#[should_panic(expected = "JobId(0) has GPUs under the names of Some(JobId(0)) and JobId(1)")]
fn a_job_is_not_alone_and_in_a_rotation() {
    broken(|run| {
        let rotation = run.simulation.rotations.get_mut(&J1);
        rotation.expect("a rotation").jobs.push(J0);
    });
}

#[test]
#[should_panic(expected = "job JobId(0) completes once")]
fn a_job_does_not_complete_twice() {
    broken(|run| {
        run.simulation.complete(J0).unwrap();
        run.simulation.complete(J0).unwrap();
    });
}

#[test]
#[should_panic(expected = "time goes back from 10 s to 9 s")]
fn time_does_not_go_back() {
    broken(|run| run.step(time(9.0)).unwrap());
}
