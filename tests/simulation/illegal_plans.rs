//! What the simulation makes of a faulty policy: a named error for each fault, never a wrong number
//! and never a run that does not end.

use crate::common;
use std::io;

use crate::common::{Job, fails, job, overhead, run, scenario, spans};
use elasticflow_sim::cluster::{NodeId, NodeSet};
use elasticflow_sim::job::JobId;
use elasticflow_sim::record::{Happened, Observer};
use elasticflow_sim::scheduler::{Entry, Plan, Reason, View};
use elasticflow_sim::sim::{PlanFault, Scenario, SimError, simulate};
use elasticflow_sim::units::{Gpus, SimDuration, SimTime};
use elasticflow_sim::workload::Workload;

/// Two jobs on one node of 8 GPUs, the first from 0 on and the second from 10.
fn two() -> [Job; 2] {
    [job("linear", 0.0, 80.0), job("linear", 10.0, 80.0)]
}

/// The same, the first for 100 s on all GPUs and the second for 10.
const LONG: [Job; 2] = [
    Job { model: "linear", submit: 0.0, iterations: 800.0, deadline: None, gpus: 8 },
    Job { model: "linear", submit: 10.0, iterations: 80.0, deadline: None, gpus: 8 },
];

fn under(scheduler: &'static Entry, jobs: &[Job]) -> Scenario {
    Scenario { scheduler, ..scenario("fifo", 1, 8, jobs) }
}

/// The fault of a policy's plan for [`two`], and the whole message.
fn fault(scheduler: &'static Entry) -> (PlanFault, String) {
    let error = fails(&under(scheduler, &two()));
    let text = error.to_string();
    match error {
        SimError::IllegalPlan { fault, .. } => (fault, text),
        other => panic!("{other}"),
    }
}

const FIRST: JobId = JobId(0);
const SECOND: JobId = JobId(1);

fn grants(grants: &[(JobId, u32)]) -> Plan {
    let mut plan = Plan::new();
    for (job, gpus) in grants {
        plan.grant(*job, Gpus::new(*gpus));
    }
    plan
}

#[test]
fn more_gpus_than_there_are() {
    // Each grant fits alone; the second job is there from 10 s on.
    let (fault, text) = fault(policy!(|view| match view.live() {
        [_] => grants(&[(FIRST, 1)]),
        _ => grants(&[(FIRST, 8), (SECOND, 1)]),
    }));
    assert_eq!(fault, PlanFault::TooManyGpus { granted: Gpus::new(9), capacity: Gpus::new(8) });
    assert_eq!(
        text,
        "at 10 s `test` makes a plan that cannot be carried out: it grants 9 GPUs, the cluster has 8"
    );
}

#[test]
fn a_job_granted_twice() {
    let (fault, text) = fault(policy!(|_| grants(&[(FIRST, 1), (FIRST, 2)])));
    assert_eq!(fault, PlanFault::GrantedTwice("j0".into()));
    assert!(
        text.starts_with("at 0 s `test`") && text.ends_with("it grants GPUs to job `j0` twice"),
        "{text}"
    );
}

#[test]
fn a_grant_of_nothing() {
    let (fault, text) = fault(policy!(|_| grants(&[(FIRST, 0)])));
    assert_eq!(fault, PlanFault::NoGpus("j0".into()));
    assert!(text.ends_with("it grants job `j0` no GPUs; leave it out to preempt it"), "{text}");
}

#[test]
fn jobs_that_are_not_live() {
    const TOO_LARGE: Reason = Reason::TooLarge { smallest: Gpus::new(16), cluster: Gpus::new(8) };
    // Granted, admitted and declined before it arrives; granted after its end, at 80 s, and after
    // it was declined.
    let coming = policy!(|_| grants(&[(FIRST, 1), (SECOND, 1)]));
    let admitted = policy!(|_| {
        let mut plan = grants(&[(FIRST, 1)]);
        plan.admit(SECOND, None);
        plan
    });
    let declined = policy!(|_| {
        let mut plan = grants(&[(FIRST, 1)]);
        plan.decline(SECOND, TOO_LARGE);
        plan
    });
    let ended = policy!(|_| grants(&[(FIRST, 1)]));
    let turned_away = policy!(|view| match view.arrivals() {
        [FIRST] => {
            let mut plan = Plan::new();
            plan.decline(FIRST, TOO_LARGE);
            plan
        }
        _ => grants(&[(FIRST, 1)]),
    });
    for (scheduler, at, name) in [
        (coming, 0, "j1"),
        (admitted, 0, "j1"),
        (declined, 0, "j1"),
        (ended, 80, "j0"),
        (turned_away, 10, "j0"),
    ] {
        let (fault, text) = fault(scheduler);
        assert_eq!(fault, PlanFault::NotLive(name.into()));
        let expected =
            format!("at {at} s `test` makes a plan that cannot be carried out: job `{name}` is not live");
        assert_eq!(text, expected);
    }
}

#[test]
fn a_count_without_a_speed() {
    let (fault, text) = fault(policy!(|_| grants(&[(FIRST, 3)])));
    assert_eq!(fault, PlanFault::NoSpeed { job: "j0".into(), gpus: Gpus::new(3) });
    assert!(text.ends_with("job `j0` has no speed on 3 GPUs"), "{text}");
}

#[test]
fn gpus_for_a_job_that_was_not_admitted() {
    let (fault, text) = fault(policy!(admits: false, |_| grants(&[(FIRST, 1)])));
    assert_eq!(fault, PlanFault::NotAdmitted("j0".into()));
    assert!(text.ends_with("job `j0` gets GPUs but was not admitted"), "{text}");
}

#[test]
fn a_job_admitted_twice() {
    let in_one_plan = policy!(|_| {
        let mut plan = Plan::new();
        plan.admit(FIRST, None);
        plan.admit(FIRST, None);
        plan
    });
    let after_its_grant = policy!(|view| {
        let mut plan = grants(&[(FIRST, 1)]);
        if view.arrivals() == [SECOND] {
            plan.admit(FIRST, None);
        }
        plan
    });
    for (scheduler, at) in [(in_one_plan, "at 0 s"), (after_its_grant, "at 10 s")] {
        let (fault, text) = fault(scheduler);
        assert_eq!(fault, PlanFault::AdmittedTwice("j0".into()));
        assert!(text.starts_with(at) && text.ends_with("job `j0` is admitted twice"), "{text}");
    }
}

#[test]
fn an_admitted_job_declined() {
    let (fault, text) = fault(policy!(|view| {
        let mut plan = Plan::new();
        match view.arrivals() {
            [FIRST] => {
                plan.grant(FIRST, Gpus::ONE);
            }
            _ => plan.decline(FIRST, Reason::TooLarge { smallest: Gpus::new(16), cluster: Gpus::new(8) }),
        }
        plan
    }));
    assert_eq!(fault, PlanFault::DeclinedAdmitted("j0".into()));
    assert!(text.starts_with("at 10 s") && text.ends_with("job `j0` is declined but was admitted"), "{text}");
}

#[test]
fn pins_that_do_not_hold() {
    // Pinned with nothing, with another count than it has, and without a grant.
    let nothing_held = policy!(|_| {
        let mut plan = grants(&[(FIRST, 1)]);
        plan.pin(FIRST);
        plan
    });
    let other_count = policy!(|view| {
        let mut plan = grants(&[(FIRST, if view.gpus(FIRST).is_zero() { 1 } else { 2 })]);
        if !view.gpus(FIRST).is_zero() {
            plan.pin(FIRST);
        }
        plan
    });
    let not_granted = policy!(|view| match view.arrivals() {
        [FIRST] => grants(&[(FIRST, 1)]),
        _ => {
            let mut plan = Plan::new();
            plan.pin(FIRST);
            plan
        }
    });
    for (scheduler, at) in [(nothing_held, "at 0 s"), (other_count, "at 10 s"), (not_granted, "at 10 s")] {
        let (fault, text) = fault(scheduler);
        assert_eq!(fault, PlanFault::PinMoves("j0".into()));
        let end = "job `j0` is pinned but not granted what it holds";
        assert!(text.starts_with(at) && text.ends_with(end), "{text}");
    }
}

/// The jobs that are there take turns of so many seconds on 8 GPUs.
fn in_turns(view: &View<'_>, seconds: u64) -> Plan {
    let mut plan = Plan::new();
    if !view.live().is_empty() {
        plan.rotate(view.live(), Gpus::new(8), SimDuration::from_secs(seconds));
    }
    plan
}

/// A turn is longer than any restart overhead in it, that of a start and that of a turn. One job
/// alone has no turns.
#[test]
fn turns_that_may_be_all_restart_overhead() {
    let turns: &'static Entry = policy!(|view| in_turns(view, 5));
    for restarts in ["fixed:5", "fixed:1+suspend:5"] {
        let text = fails(&overhead(under(turns, &LONG), restarts)).to_string();
        let end = "job `j0` may spend 5 s of a turn of 5 s restarting; make turns longer than any restart \
                   overhead in them";
        assert!(text.starts_with("at 10 s `test`") && text.ends_with(end), "{text}");
    }
    run(&overhead(under(turns, &LONG), "fixed:4.999999+suspend:4.999999"));
    let error = fails(&under(policy!(|view| in_turns(view, 0)), &LONG));
    let (job, none) = ("j0".into(), SimDuration::ZERO);
    let short = PlanFault::QuantumTooShort { job, quantum: none, restart: none };
    assert!(matches!(error, SimError::IllegalPlan { fault, .. } if fault == short));
}

#[test]
fn a_rotation_cannot_be_pinned() {
    // Though it goes on at 11 s.
    let holder: &'static Entry = policy!(|view| pinned_in_turns(view, FIRST));
    let other: &'static Entry = policy!(|view| pinned_in_turns(view, SECOND));
    for (scheduler, name) in [(holder, "j0"), (other, "j1")] {
        let text = fails(&under(scheduler, &LONG)).to_string();
        let end = format!("job `{name}` is pinned but not granted what it holds");
        assert!(text.starts_with("at 11 s") && text.ends_with(&end), "{text}");
    }
}

fn pinned_in_turns(view: &View<'_>, job: JobId) -> Plan {
    let mut plan = in_turns(view, 5);
    match view.now().as_micros() {
        10_000_000 => plan.wake_at(common::time(11.0)),
        11_000_000 => plan.pin(job),
        _ => {}
    }
    plan
}

/// Job 0 holds node 0 and goes on; there is no node 2.
#[test]
fn nodes_that_are_taken_or_not_there() {
    let taken: &'static Entry = policy!(|view| beside_the_first(view, 0));
    let missing: &'static Entry = policy!(|view| beside_the_first(view, 2));
    let free: &'static Entry = policy!(|view| beside_the_first(view, 1));
    let two_nodes = |scheduler| Scenario { scheduler, ..scenario("fifo", 2, 8, &LONG) };
    for (scheduler, nodes) in [(taken, "0:8"), (missing, "2:8")] {
        let text = fails(&two_nodes(scheduler)).to_string();
        let end = format!("job `j1` is granted GPUs on nodes {nodes}, where there are not as many free");
        assert!(text.starts_with("at 10 s `test`") && text.ends_with(&end), "{text}");
    }
    assert_eq!(spans(&run(&two_nodes(free))), ["0-100", "10-20"]);
}

/// 8 GPUs for job 0, and 8 of a node for job 1.
fn beside_the_first(view: &View<'_>, node: u32) -> Plan {
    let mut plan = Plan::new();
    for id in view.live() {
        match *id {
            FIRST => plan.grant(FIRST, Gpus::new(8)),
            other => plan.grant_on(other, NodeSet::of(NodeId(node), Gpus::new(8))),
        };
    }
    plan
}

#[test]
fn a_wake_up_that_is_not_later() {
    let (fault, text) = fault(policy!(|view| {
        let mut plan = grants(&[(FIRST, 1)]);
        plan.wake_at(view.now());
        plan
    }));
    assert_eq!(fault, PlanFault::WakeNotAfterNow(common::time(0.0)));
    assert!(text.ends_with("it asks to be called at 0 s, which is not after now"), "{text}");
}

#[test]
fn a_stall_is_an_error() {
    let error = fails(&under(policy!(|_| Plan::new()), &two()));
    assert_eq!(
        error.to_string(),
        "at 10 s nothing is left to happen, but `test` leaves 2 jobs waiting, the first is `j0`"
    );
    assert!(matches!(error, SimError::Stall { waiting: 2, scheduler: "test", .. }));
}

#[test]
fn a_scheduler_that_keeps_waking_itself_is_stopped() {
    let awake = policy!(|view| {
        let mut plan = Plan::new();
        plan.wake_at(view.now() + SimDuration::from_secs(1));
        plan
    });
    // Plans at 0, 1, …, 6 s; the eighth would be at 7 s.
    let error = fails(&Scenario { plan_limit: Some(7), ..under(awake, &two()) });
    assert_eq!(error.to_string(), "at 7 s `test` has made 7 plans, the limit; it keeps waking itself");
    assert!(matches!(error, SimError::Runaway { plans: 7, scheduler: "test", .. }));
}

/// A scheduler that wakes itself by its own options: the error names the option to raise.
#[test]
fn what_makes_too_many_plans_is_named() {
    let jobs = [job("linear", 0.0, 8000.0).on(8), job("linear", 0.0, 8000.0).on(8)];
    let named = |policy: &str, option: &str| {
        let why = fails(&Scenario { plan_limit: Some(2), ..scenario(policy, 1, 8, &jobs) }).to_string();
        let told =
            format!("; raise its option `{option}` (--set {option}=SECONDS), or cut the run with --until");
        assert!(why.ends_with(&told), "{policy}: {why}");
    };
    named("themis", "lease");
    named("pollux", "interval");
}

/// As many as it needs is not too many.
#[test]
fn the_limit_of_plans_is_the_last_that_may_be_made() {
    // FIFO plans at both arrivals and both ends.
    let scenario = scenario("fifo", 1, 8, &two());
    assert_eq!(run(&Scenario { plan_limit: Some(4), ..scenario.clone() }).totals.plans, 4);
    assert!(matches!(fails(&Scenario { plan_limit: Some(3), ..scenario }), SimError::Runaway { .. }));
}

#[test]
fn an_end_beyond_the_clock_is_an_error() {
    // 10¹² iterations at one a second, submitted at 1 s: one second too many.
    let error = fails(&scenario("fifo", 1, 8, &[job("flat", 1.0, 1e12)]));
    assert_eq!(
        error.to_string(),
        "job `j0` would end later than 1000000000000 s on the trace's clock; cut the run with --until"
    );
    assert!(matches!(error, SimError::ClockOverflow { .. }));
    assert_eq!(spans(&run(&scenario("fifo", 1, 8, &[job("flat", 0.0, 1e12)]))), ["0-1000000000000"]);
}

/// Cannot write the first event of a kind, and counts those that it is told of after that.
struct FullDisk {
    refuses: fn(&Happened<'_>) -> bool,
    told_after: Option<u32>,
}

impl Observer for FullDisk {
    fn observe(&mut self, _: SimTime, _: &Workload, what: &Happened<'_>) -> io::Result<()> {
        self.told_after = self.told_after.map(|told| told + 1);
        if self.told_after.is_none() && (self.refuses)(what) {
            self.told_after = Some(0);
            return Err(io::Error::other("no space left on device"));
        }
        Ok(())
    }
}

/// At an arrival, in the middle of a plan, and after one: the run stops at once, and it is not the
/// plan that is at fault.
#[test]
fn an_observer_that_cannot_write_stops_the_run() {
    let kinds: [fn(&Happened<'_>) -> bool; 4] = [
        |what| matches!(what, Happened::Arrived { job: SECOND }),
        |what| matches!(what, Happened::Admitted { .. }),
        |what| matches!(what, Happened::Allocated { .. }),
        |what| matches!(what, Happened::Planned(_)),
    ];
    for refuses in kinds {
        let mut observer = FullDisk { refuses, told_after: None };
        let error = simulate(&scenario("fifo", 1, 8, &two()), &mut observer).expect_err("no run");
        assert_eq!(error.to_string(), "cannot record what happens: no space left on device");
        assert!(matches!(error, SimError::Record(_)));
        assert_eq!(observer.told_after, Some(0));
    }
}
