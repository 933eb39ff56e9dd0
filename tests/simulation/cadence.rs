//! When a scheduler is called: at its own wake-ups to the microsecond, and for arrivals and ends no
//! sooner than a slot after the last plan.

use std::sync::Mutex;

use crate::common::{Job, job, run, scenario, slot, spans};
use elasticflow_sim::record::jobs::JobOutcome;
use elasticflow_sim::scheduler::{Entry, Plan, PolicyOptions, View};
use elasticflow_sim::sim::Scenario;
use elasticflow_sim::units::{Gpus, SimDuration, SimTime};

/// Two jobs on one node of 8 GPUs, the first from 0 on and the second from 10.
fn two() -> [Job; 2] {
    [job("linear", 0.0, 80.0), job("linear", 10.0, 80.0)]
}

fn under(scheduler: &'static Entry, jobs: &[Job]) -> Scenario {
    Scenario { scheduler, ..scenario("fifo", 1, 8, jobs) }
}

/// One GPU for each job.
fn one_each(view: &View<'_>) -> Plan {
    let mut plan = Plan::new();
    for id in view.live() {
        plan.grant(*id, Gpus::ONE);
    }
    plan
}

/// Notes when a scheduler is called, in microseconds, and returns that.
fn note_call(calls: &Mutex<Vec<u64>>, view: &View<'_>) -> u64 {
    let now = view.now().as_micros();
    calls.lock().unwrap().push(now);
    now
}

/// Slot 60. The plan at 0 asks for a wake-up; the one that asks for 70.000003 does so while the
/// arrival at 10 s is held back until 60.000007. Each comes at its microsecond.
#[test]
fn wake_ups_and_held_back_plans_each_come_at_their_microsecond() {
    static CALLS: Mutex<Vec<u64>> = Mutex::new(Vec::new());
    let scheduler = policy!(|view| {
        let now = note_call(&CALLS, view);
        let mut plan = one_each(view);
        // A plan replaces the wake-up that is under way, so it asks again.
        for at in [7, 70_000_003].into_iter().filter(|at| *at > now) {
            plan.wake_at(SimTime::from_micros(at));
        }
        plan
    });
    // The end at 80 waits for the slot that the last plan before it started; the last end leaves no
    // live job, so its plan does not wait.
    let outcome = run(&slot(under(scheduler, &two()), 60.0));
    let expected = [0, 7, 60_000_007, 70_000_003, 130_000_003, 140_000_007];
    assert_eq!(*CALLS.lock().unwrap(), expected);
    assert_eq!(spans(&outcome), ["0-80", "60.000007-140.000007"]);
}

/// A wake-up one microsecond before the plan that the slot holds back: it sees the arrival, so
/// there is no second plan, and the slot starts over.
#[test]
fn an_exact_wake_up_takes_the_place_of_the_plan_that_is_held_back() {
    static CALLS: Mutex<Vec<u64>> = Mutex::new(Vec::new());
    let scheduler = policy!(|view| {
        let now = note_call(&CALLS, view);
        let mut plan = one_each(view);
        if now == 0 {
            plan.wake_at(view.now() + SimDuration::from_micros(59_999_999));
        }
        plan
    });
    let outcome = run(&slot(under(scheduler, &two()), 60.0));
    assert_eq!(*CALLS.lock().unwrap(), [0, 59_999_999, 119_999_999, 139_999_999]);
    assert_eq!(spans(&outcome), ["0-80", "59.999999-139.999999"]);
}

/// While the plan at 60 s is held back, the wake-up at 30.000001 neither waits for it nor goes
/// missing, whatever arrived in between; asking again after every plan keeps both.
#[test]
fn a_held_back_plan_does_not_move_a_wake_up() {
    static CALLS: Mutex<Vec<u64>> = Mutex::new(Vec::new());
    let scheduler = policy!(|view| {
        let now = note_call(&CALLS, view);
        let mut plan = one_each(view);
        if now == 0 {
            plan.wake_at(view.now() + SimDuration::from_micros(30_000_001));
        }
        plan
    });
    // The second arrives at 10 s and starts with the wake-up; the third, at 40 s, waits for
    // 30.000001 + 60 s.
    let jobs = [two()[0], two()[1], job("linear", 40.0, 1.0)];
    let outcome = run(&slot(under(scheduler, &jobs), 60.0));
    assert_eq!(*CALLS.lock().unwrap(), [0, 30_000_001, 90_000_001, 110_000_001]);
    assert_eq!(spans(&outcome), ["0-80", "30.000001-110.000001", "90.000001-91.000001"]);
}

/// Slot 60. The second job arrives at 10 s and takes 10 s on all GPUs, with its deadline at 25 s:
/// at the end of the slot it is too late for it. A policy that is called at once meets it; a third
/// job, which can wait, is no reason to be called.
#[test]
fn an_urgent_arrival_does_not_wait_for_the_slot() {
    let urgent = Job { deadline: Some(25.0), ..job("linear", 10.0, 80.0) };
    let patient = Job { deadline: Some(900.0), ..job("linear", 30.0, 80.0) };
    for name in ["elasticflow", "edf-admission"] {
        let jobs = [job("linear", 0.0, 800.0), urgent, patient];
        let of = |options: &str| {
            let options = PolicyOptions::parse(options.split_whitespace()).expect("options");
            let outcome = run(&slot(Scenario { options, ..scenario(name, 1, 8, &jobs) }, 60.0));
            let [state, patient] = [1, 2].map(|place: usize| outcome.jobs[place].state);
            (state, patient, outcome.totals.plans)
        };
        let (declined, met, plans) = of("");
        assert_eq!((declined, met), (JobOutcome::Declined, JobOutcome::Met), "{name}");
        let (at_once, met, more) = of("urgent=true");
        assert_eq!((at_once, met), (JobOutcome::Met, JobOutcome::Met), "{name}");
        assert!(more <= plans + 3, "{name}: {more} plans, and {plans} without");
    }
}

/// Two jobs arrive at once, and only one of them can be met: the first takes all GPUs for 10 s, the
/// other one GPU for 8 s.
#[test]
fn the_cheapest_arrival_is_judged_first_if_asked_for() {
    let large = Job { deadline: Some(10.0), ..job("linear", 0.0, 80.0) };
    let small = Job { deadline: Some(10.0), ..job("linear", 0.0, 8.0) };
    for name in ["elasticflow", "edf-admission"] {
        let of = |options: &str| {
            let options = PolicyOptions::parse([options]).expect("options");
            run(&Scenario { options, ..scenario(name, 1, 8, &[large, small]) })
                .jobs
                .iter()
                .map(|row| row.state)
                .collect::<Vec<_>>()
        };
        assert_eq!(of("judge=arrival"), [JobOutcome::Met, JobOutcome::Declined], "{name}");
        assert_eq!(of("judge=cheapest"), [JobOutcome::Declined, JobOutcome::Met], "{name}");
    }
}
