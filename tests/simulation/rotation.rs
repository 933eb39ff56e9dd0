//! Jobs that take turns on the same GPUs, worked out by hand: turns of 10 s, `linear` jobs of speed
//! `g`/s on `g` GPUs. Starts and moves cost 3 s, a turn 0.5 s, so that of a first turn 7 s are work
//! and of every other 9.5.

use std::io;

use crate::common::{Job, fails, job, overhead, run, scenario, slot, spans};
use elasticflow_sim::job::JobId;
use elasticflow_sim::record::{Happened, Observer};
use elasticflow_sim::scheduler::{Entry, Plan, View};
use elasticflow_sim::sim::{Outcome, PlanFault, Scenario, SimError, simulate};
use elasticflow_sim::units::{Gpus, SimDuration, SimTime};
use elasticflow_sim::workload::Workload;

const J0: JobId = JobId(0);
const J1: JobId = JobId(1);
const J2: JobId = JobId(2);
const J3: JobId = JobId(3);
const J4: JobId = JobId(4);

const TURN: SimDuration = SimDuration::from_secs(10);
const EIGHT: Gpus = Gpus::new(8);

fn under(scheduler: &'static Entry, nodes: u32, jobs: &[Job]) -> Scenario {
    let scenario = Scenario { scheduler, ..scenario("fifo", nodes, 8, jobs) };
    overhead(scenario, "fixed:3+suspend:0.5")
}

/// A job of so many seconds of work on 8 GPUs.
fn work(seconds: f64, submit: f64) -> Job {
    job("linear", submit, 8.0 * seconds)
}

fn live(view: &View<'_>, jobs: &[JobId]) -> Vec<JobId> {
    jobs.iter().copied().filter(|id| view.is_live(*id)).collect()
}

/// Lets those of the jobs that are live take turns.
fn rotate(plan: &mut Plan, view: &View<'_>, jobs: &[JobId], gpus: Gpus) {
    let jobs = live(view, jobs);
    if !jobs.is_empty() {
        plan.rotate(&jobs, gpus, TURN);
    }
}

/// All live jobs take turns, in the order of ids.
fn all_in_turns(view: &View<'_>) -> Plan {
    let mut plan = Plan::new();
    rotate(&mut plan, view, view.live(), EIGHT);
    plan
}

/// Jobs 0 and 1 take turns; each later job gets GPUs of its own.
fn first_two_in_turns(view: &View<'_>) -> Plan {
    let mut plan = Plan::new();
    rotate(&mut plan, view, &[J0, J1], EIGHT);
    for id in view.live().iter().filter(|id| **id > J1) {
        plan.grant(*id, EIGHT);
    }
    plan
}

/// Returns whether so many seconds have passed.
fn is_past(view: &View<'_>, seconds: u64) -> bool {
    view.now() >= SimTime::from_secs(seconds)
}

/// Run time, overhead time and GPU-seconds of every job.
fn accounts(outcome: &Outcome) -> Vec<String> {
    let text = |row: &elasticflow_sim::record::jobs::JobRow| {
        format!("{} {} {}", row.run_time, row.overhead_time, row.gpu_seconds)
    };
    outcome.jobs.iter().map(text).collect()
}

fn moves(outcome: &Outcome) -> Vec<(u32, u32)> {
    outcome.jobs.iter().map(|row| (row.preemptions, row.migrations)).collect()
}

/// Notes every change of a job's GPUs.
#[derive(Default)]
struct AllocationLog(Vec<String>);

impl Observer for AllocationLog {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()> {
        if let Happened::Allocated { job, change, nodes, .. } = what {
            self.0.push(format!("{at} {} {} {nodes}", jobs.job(*job).name, change.as_str()));
        }
        Ok(())
    }
}

fn allocations(scenario: &Scenario) -> Vec<String> {
    let mut log = AllocationLog::default();
    simulate(scenario, &mut log).expect("a run");
    log.0
}

/// The turn of job 1 would begin at 10, when job 2 arrives and the rotation starts anew with job 0:
/// it begins at 20. Job 0 has done 7 + 9.5 s then, and job 1 ends at 20 + 3 + 5. Anew, job 0 does
/// the other 8.5 up to 28 + 0.5 + 8.5, and job 2 starts.
#[test]
fn a_turn_that_would_begin_when_the_rotation_is_replaced_does_not_begin() {
    let jobs = [work(25.0, 0.0), work(5.0, 0.0), work(5.0, 10.0)];
    let outcome = run(&under(policy!(all_in_turns), 1, &jobs));
    assert_eq!(spans(&outcome), ["0-37", "20-28", "37-45"]);
    assert_eq!(moves(&outcome), [(0, 0); 3]);
}

/// 25 and 15 s of work. Job 0 has done 7 at 10 and 16.5 at 30; job 1 has done 7 at 20 and the other
/// 8 at 30 + 0.5 + 8. Then job 0, whose turn it was not, is resumed and takes 8.5.
#[test]
fn two_jobs_share_a_set() {
    let jobs = [work(25.0, 0.0), work(15.0, 0.0)];
    let outcome = run(&under(policy!(all_in_turns), 1, &jobs));
    assert_eq!(spans(&outcome), ["0-47.5", "10-38.5"]);
    // Job 0: 10 + 10 + 9, of which 3 + 0.5 + 0.5 are restart overhead; job 1: 10 + 8.5, 3 + 0.5.
    assert_eq!(accounts(&outcome), ["29 4 232", "18.5 3.5 148"]);
    assert_eq!(outcome.totals.plans, 3);
    // Where nothing costs anything: 10 + 10, 10 + 5 and the rest.
    let outcome = run(&overhead(under(policy!(all_in_turns), 1, &jobs), "none"));
    assert_eq!(spans(&outcome), ["0-40", "10-35"]);
    assert_eq!(accounts(&outcome), ["25 0 200", "15 0 120"]);
    // Where a turn costs as much as a start: 7 s a turn. Job 1 has done 14 at 40, job 0 21 at 50;
    // 50 + 3 + 1, and then 3 + 4.
    let outcome = run(&overhead(under(policy!(all_in_turns), 1, &jobs), "fixed:3+suspend:restart"));
    assert_eq!(spans(&outcome), ["0-61", "10-54"]);
    assert_eq!(accounts(&outcome), ["37 12 296", "24 9 192"]);
}

/// Turns of 8.015625 s for 16 and 11 s of work.
#[test]
fn turns_are_exact_to_the_microsecond() {
    let odd = policy!(|view| {
        let mut plan = Plan::new();
        if !view.live().is_empty() {
            plan.rotate(view.live(), EIGHT, SimDuration::from_micros(8_015_625));
        }
        plan
    });
    let jobs = [work(16.0, 0.0), work(11.0, 0.0)];
    // Job 0 needs another 7.984375 s from 16.03125 on, and then job 1 2.984375.
    let outcome = run(&overhead(under(odd, 1, &jobs), "none"));
    assert_eq!(spans(&outcome), ["0-24.015625", "8.015625-27"]);
    // Starts are free, so the same is left after the first turns. Of that job 0 does 7.75 by
    // 24.046875; job 1 goes on at 24.3125 for 2.984375, and job 0 0.265625 after that for 0.234375.
    let outcome = run(&overhead(under(odd, 1, &jobs), "none+suspend:0.265625"));
    assert_eq!(spans(&outcome), ["0-27.796875", "8.015625-27.296875"]);
}

/// 30, 20 and 10 s of work. Done at 30: 7, 7, 7; at 50: 16.5, 16.5; at 50 + 0.5 + 3 job 2 ends.
/// Anew from there: job 0 has done 26 at 63.5, job 1 ends at 63.5 + 0.5 + 3.5, and job 0 after
/// another 0.5 + 4.
#[test]
fn three_jobs_share_a_set() {
    let scenario = under(policy!(all_in_turns), 1, &[work(30.0, 0.0), work(20.0, 0.0), work(10.0, 0.0)]);
    let outcome = run(&scenario);
    assert_eq!(spans(&outcome), ["0-72", "10-67.5", "20-53.5"]);
    assert_eq!(accounts(&outcome), ["34.5 4.5 276", "24 4 192", "13.5 3.5 108"]);
    assert_eq!(moves(&outcome), [(0, 0); 3]);
    // One row for each member when a rotation starts, and none for the turns.
    let expected = [
        "0 j0 rotate 0:8",
        "0 j1 rotate 0:8",
        "0 j2 rotate 0:8",
        "53.5 j0 rotate 0:8",
        "53.5 j1 rotate 0:8",
        "67.5 j0 resume 0:8",
    ];
    assert_eq!(allocations(&scenario), expected);
}

/// Job 0 (15 s) is there when job 1 (10 s) comes at 5: it has done 2, and goes on to 15 with 12
/// done. Job 1 has done 7 at 25; 25 + 0.5 + 3, and 0.5 + 3 for job 1. At 2 job 0 has 1 s of its
/// start left, and no other restart overhead: 9 done at 12, job 1 to 22, and 22 + 0.5 + 6.
#[test]
fn a_job_that_is_there_goes_on_without_a_restart_overhead() {
    for come in [5.0, 2.0] {
        let outcome = run(&under(policy!(all_in_turns), 1, &[work(15.0, 0.0), work(10.0, come)]));
        assert_eq!(spans(&outcome), ["0-28.5".to_owned(), format!("{}-32", come + 10.0)]);
        assert_eq!(accounts(&outcome), ["18.5 3.5 148", "13.5 3.5 108"]);
    }
}

/// As two jobs that share a set, beside a job that comes at 13 and ends at 13 + 3 + 10.
#[test]
fn other_plans_do_not_disturb_a_rotation() {
    let jobs = [work(25.0, 0.0), work(15.0, 0.0), work(10.0, 13.0)];
    let outcome = run(&under(policy!(first_two_in_turns), 2, &jobs));
    assert_eq!(spans(&outcome), ["0-47.5", "10-38.5", "13-26"]);
    assert_eq!((outcome.totals.plans, moves(&outcome)), (5, vec![(0, 0); 3]));
}

/// 25 and 10 s of work; at 14 job 0 has done 7 and job 1, whose turn it is, 1. Undisturbed: job 0
/// has done 16.5 at 30, job 1 ends at 30.5 + 3, job 0 at 34 + 8.5.
#[test]
fn a_rotation_that_differs_starts_anew_from_now() {
    /// Changes the plan at 14.
    fn at_14(view: &View<'_>, jobs: &[JobId], turn: SimDuration) -> Plan {
        let mut plan = Plan::new();
        let before = live(view, &[J0, J1]);
        let after = live(view, jobs);
        if !is_past(view, 14) {
            plan.rotate(&before, EIGHT, TURN);
            plan.wake_at(SimTime::from_secs(14));
        } else if !after.is_empty() {
            plan.rotate(&after, EIGHT, turn);
        }
        plan
    }
    let jobs = [work(25.0, 0.0), work(10.0, 0.0), work(1.0, 14.0)];
    let two = |scheduler| spans(&run(&under(scheduler, 1, &jobs[..2])));
    assert_eq!(two(policy!(|view| at_14(view, &[J0, J1], TURN))), ["0-42.5", "10-33.5"]);
    // Job 1 first: it goes on for the 9 s that it needs, then job 0: 23 + 0.5 + 18.
    assert_eq!(two(policy!(|view| at_14(view, &[J1, J0], TURN))), ["0-41.5", "10-23"]);
    // Turns of 4 s, 3.5 of them work: job 0 has done 10.5, 14, 17.5 at 18, 26, 34; job 1 4.5, 8 at
    // 22, 30, and ends at 34.5 + 2. Job 0: 37 + 7.5.
    assert_eq!(two(policy!(|view| at_14(view, &[J0, J1], SimDuration::from_secs(4)))), ["0-44.5", "10-36.5"]);
    // Three: job 0 has done 16.5 at 24, job 1 ends at 24.5 + 9, job 0 at 34 + 8.5. Job 2 has had no
    // turn, so it starts: 3 + 1.
    let three = policy!(|view| at_14(view, &[J0, J1, J2], TURN));
    let outcome = run(&under(three, 1, &jobs));
    assert_eq!(spans(&outcome), ["0-42.5", "10-33.5", "42.5-46.5"]);
    assert_eq!(moves(&outcome), [(0, 0); 3]);
}

/// 25 and 10 s of work, job 1's turn from 10 to 20. At 14 job 1 goes on alone and ends at 14 + 9;
/// job 0 starts again, for 3 + 18 s. At 24 it is job 0's turn, and 3 s of work are left for job 1:
/// 24.5 + 3, and 3 + 14.5 for job 0.
#[test]
fn a_member_may_leave_for_the_same_nodes() {
    fn job_1_alone_from(view: &View<'_>, seconds: u64) -> Plan {
        let mut plan = Plan::new();
        if is_past(view, seconds) {
            let last = view.live().last().copied();
            if let Some(id) = last {
                plan.grant(id, EIGHT);
            }
        } else {
            rotate(&mut plan, view, &[J0, J1], EIGHT);
            plan.wake_at(SimTime::from_secs(seconds));
        }
        plan
    }
    let jobs = [work(25.0, 0.0), work(10.0, 0.0)];
    let on_turn = run(&under(policy!(|view| job_1_alone_from(view, 14)), 1, &jobs));
    assert_eq!(spans(&on_turn), ["0-44", "10-23"]);
    assert_eq!(accounts(&on_turn), ["31 6 248", "13 3 104"]);
    let off_turn = run(&under(policy!(|view| job_1_alone_from(view, 24)), 1, &jobs));
    assert_eq!(spans(&off_turn), ["0-45", "10-27.5"]);
    assert_eq!((moves(&on_turn), moves(&off_turn)), (vec![(1, 0), (0, 0)], vec![(1, 0), (0, 0)]));
    // At 5 job 1 has had no turn: it starts, 5 + 3 + 10, and so does job 0 again with 23 of its 25
    // s.
    let before = run(&under(policy!(|view| job_1_alone_from(view, 5)), 1, &jobs));
    assert_eq!(spans(&before), ["0-44", "5-18"]);
    assert_eq!(moves(&before), [(1, 0), (0, 0)]);
}

/// Job 1 waits for its first turn when it is left out at 5: nothing was taken from it. It starts
/// when job 0 is done.
#[test]
fn a_job_without_a_turn_is_not_preempted() {
    let scheduler = policy!(|view| {
        let mut plan = Plan::new();
        if view.now() == SimTime::ZERO {
            rotate(&mut plan, view, &[J0, J1], EIGHT);
            plan.wake_at(SimTime::from_secs(5));
        } else if let Some(id) = view.live().first() {
            plan.grant(*id, EIGHT);
        }
        plan
    });
    let scenario = under(scheduler, 1, &[work(25.0, 0.0), work(10.0, 0.0)]);
    let outcome = run(&scenario);
    assert_eq!((spans(&outcome), moves(&outcome)), (vec!["0-28".into(), "28-41".into()], vec![(0, 0); 2]));
    // It leaves the rotation all the same.
    let expected =
        ["0 j0 rotate 0:8", "0 j1 rotate 0:8", "5 j1 preempt ", "5 j0 resume 0:8", "28 j1 start 0:8"];
    assert_eq!(allocations(&scenario), expected);
}

/// Plans at 0 and, for job 1's end at 38.5, at 55. Job 0 (34 s) has done 26 at 50 and has to wait
/// until the plan at 55 for the other 8; where it needs only 25, it ends at 40.5 + 8.5.
#[test]
fn the_turns_of_a_member_that_has_ended_are_idle_until_the_next_plan() {
    let outcome_of =
        |seconds| run(&slot(under(policy!(all_in_turns), 1, &[work(seconds, 0.0), work(15.0, 0.0)]), 55.0));
    let outcome = outcome_of(34.0);
    assert_eq!(spans(&outcome), ["0-63.5", "10-38.5"]);
    assert_eq!(accounts(&outcome), ["38.5 4.5 308", "18.5 3.5 148"]);
    assert_eq!(spans(&outcome_of(25.0)), ["0-49", "10-38.5"]);
}

/// Job 0 is on node 0 and job 1 on node 1 when job 2 comes, at 5, and takes the first turn. They
/// stay where job 1 is, which comes before job 0; job 0 has 23 s left.
#[test]
fn a_rotation_stays_where_its_first_member_is_that_holds_as_much() {
    let scheduler = policy!(|view| {
        let mut plan = Plan::new();
        if is_past(view, 5) {
            rotate(&mut plan, view, &[J2, J1, J0], EIGHT);
        } else {
            for id in view.live() {
                plan.grant(*id, EIGHT);
            }
        }
        plan
    });
    // Job 2 ends at 5 + 3 + 1, and job 1 goes on: it has done 2, and another 9.5 at 19. Job 0
    // moves, 7 s by 29; job 1 ends at 29.5 + 3.5, job 0 after 0.5 + 16.
    let scenario = under(scheduler, 2, &[work(25.0, 0.0), work(15.0, 0.0), work(1.0, 5.0)]);
    let outcome = run(&scenario);
    assert_eq!(spans(&outcome), ["0-49.5", "0-33", "5-9"]);
    assert_eq!(moves(&outcome), [(0, 1), (0, 0), (0, 0)]);
    let expected = [
        "0 j0 start 0:8",
        "0 j1 start 1:8",
        "5 j2 rotate 1:8",
        "5 j1 rotate 1:8",
        "5 j0 rotate 1:8",
        "9 j1 rotate 1:8",
        "9 j0 rotate 1:8",
        "33 j0 resume 1:8",
    ];
    assert_eq!(allocations(&scenario), expected);
}

/// At 14 two jobs that shared node 0 part, each with a newcomer. It is job 1's turn, so its
/// rotation stays; at 4 it is job 0's.
#[test]
fn of_two_rotations_that_part_the_one_on_turn_stays() {
    fn part_at(view: &View<'_>, seconds: u64) -> Plan {
        let mut plan = Plan::new();
        if is_past(view, seconds) {
            rotate(&mut plan, view, &[J0, J2], EIGHT);
            rotate(&mut plan, view, &[J1, J3], EIGHT);
        } else {
            rotate(&mut plan, view, &[J0, J1], EIGHT);
        }
        plan
    }
    let jobs = |at: f64| [work(50.0, 0.0), work(50.0, 0.0), work(50.0, at), work(50.0, at)];
    let at_14 = allocations(&under(policy!(|view| part_at(view, 14)), 2, &jobs(14.0)));
    assert_eq!(at_14[2..6], ["14 j0 rotate 1:8", "14 j2 rotate 1:8", "14 j1 rotate 0:8", "14 j3 rotate 0:8"]);
    let at_4 = allocations(&under(policy!(|view| part_at(view, 4)), 2, &jobs(4.0)));
    assert_eq!(at_4[2..6], ["4 j0 rotate 0:8", "4 j2 rotate 0:8", "4 j1 rotate 1:8", "4 j3 rotate 1:8"]);
}

/// Two rotations of 8 fill two nodes. One GPU more is one too many.
#[test]
fn a_rotation_counts_its_gpus_once() {
    fn two_by_two(view: &View<'_>) -> Plan {
        let mut plan = Plan::new();
        rotate(&mut plan, view, &[J0, J1], EIGHT);
        rotate(&mut plan, view, &[J2, J3], EIGHT);
        plan
    }
    let jobs = [work(25.0, 0.0), work(15.0, 0.0), work(25.0, 0.0), work(15.0, 0.0), work(1.0, 20.0)];
    let outcome = run(&under(policy!(two_by_two), 2, &jobs[..4]));
    assert_eq!(spans(&outcome), ["0-47.5", "10-38.5", "0-47.5", "10-38.5"]);
    let one_more = policy!(|view| {
        let mut plan = two_by_two(view);
        for id in live(view, &[J4]) {
            plan.grant(id, Gpus::ONE);
        }
        plan
    });
    let error = fails(&under(one_more, 2, &jobs));
    let fault = PlanFault::TooManyGpus { granted: Gpus::new(17), capacity: Gpus::new(16) };
    assert!(matches!(&error, SimError::IllegalPlan { fault: found, .. } if *found == fault), "{error}");
}

/// An hour and a month of work: two arrivals, two ends and three plans, one of them the same for
/// both arrivals.
#[test]
fn a_month_of_turns_is_as_cheap_as_an_hour() {
    let totals = |seconds: f64| {
        let outcome = run(&under(policy!(all_in_turns), 1, &[work(seconds, 0.0), work(seconds, 0.0)]));
        (outcome.totals.plans, outcome.totals.events)
    };
    assert_eq!((totals(3_600.0), totals(2_592_000.0)), ((3, 4), (3, 4)));
}
