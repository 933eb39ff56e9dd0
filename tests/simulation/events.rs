//! The event core on scenarios worked out by hand.

use crate::common;
use crate::common::{fails, job, overhead, run, scenario, slot, spans};
use elasticflow_sim::record::jobs::JobOutcome;
use elasticflow_sim::sim::Scenario;

/// One node of 8. Job 0 takes 4 GPUs for 100/4 = 25 s, job 1 the other 4; job 2 needs 8 and waits
/// for both; job 3, small, may not overtake it.
#[test]
fn fifo_runs_in_order_and_no_job_overtakes() {
    let jobs = [
        job("linear", 0.0, 100.0).on(4),
        job("linear", 1.0, 80.0).on(4),
        job("linear", 2.0, 80.0).on(8),
        job("linear", 3.0, 1.0).on(1),
    ];
    let outcome = run(&scenario("fifo", 1, 8, &jobs));
    assert_eq!(spans(&outcome), ["0-25", "1-21", "25-35", "35-36"]);
    assert!(outcome.jobs.iter().all(|row| row.state == JobOutcome::Completed));
    assert_eq!(outcome.totals.plans, 8);
}

/// The same with restart overheads of 10 s into 8 GPUs, 8 s into 4, 4 s into 1: every job starts
/// with one.
#[test]
fn a_start_costs_a_restart_overhead() {
    let jobs = [job("linear", 0.0, 100.0).on(4), job("linear", 2.0, 80.0).on(8)];
    let outcome = run(&overhead(scenario("fifo", 1, 8, &jobs), "on-change"));
    assert_eq!(spans(&outcome), ["0-33", "33-53"]);
    let row = &outcome.jobs[1];
    assert_eq!(row.overhead_time.to_string(), "10");
    assert_eq!(row.queue_delay.map(|d| d.to_string()).as_deref(), Some("31"));
    assert_eq!((row.gpu_seconds.to_string(), row.productive.to_string()), ("160".into(), "80".into()));
}

/// Slot 60: job 0 is planned at once. Jobs 1 and 2 arrive at 10 and 20 and wait for the plan at 60;
/// the end of job 0 at 70 waits for the one at 120.
#[test]
fn arrivals_and_ends_wait_for_the_slot() {
    let jobs =
        [job("linear", 0.0, 70.0).on(1), job("linear", 10.0, 5.0).on(1), job("linear", 20.0, 10.0).on(8)];
    let outcome = run(&slot(scenario("fifo", 1, 8, &jobs), 60.0));
    assert_eq!(spans(&outcome), ["0-70", "60-65", "120-121.25"]);
}

/// Two linear jobs, EDF, 8 GPUs: the later arrival is due first and takes everything from 5 to 15;
/// then job 0, which had done 40 of 200, needs 20 s more.
#[test]
fn edf_preempts_for_an_earlier_deadline() {
    let jobs = [job("linear", 0.0, 200.0).due(100.0), job("linear", 5.0, 80.0).due(20.0)];
    let outcome = run(&scenario("edf", 1, 8, &jobs));
    assert_eq!(spans(&outcome), ["0-35", "5-15"]);
    assert_eq!(outcome.jobs[0].preemptions, 1);
    assert_eq!(outcome.jobs[0].run_time.to_string(), "25");
    assert_eq!(outcome.totals.cluster_efficiency, 1.0);
}

/// A job that peaks at 4 of 8 GPUs leaves 4 to the next one.
#[test]
fn edf_gives_no_more_than_gains() {
    let jobs = [job("peak", 0.0, 40.0).due(10.0), job("linear", 0.0, 40.0).due(20.0)];
    assert_eq!(spans(&run(&scenario("edf", 1, 8, &jobs))), ["0-10", "0-10"]);
}

#[test]
fn srtf_lets_the_shorter_job_overtake() {
    let jobs = [job("linear", 0.0, 800.0).on(8), job("linear", 10.0, 80.0).on(8)];
    assert_eq!(spans(&run(&scenario("srtf", 1, 8, &jobs))), ["0-110", "10-20"]);
}

#[test]
fn what_does_not_fit_is_declined_with_its_reason() {
    let jobs = [job("linear", 0.0, 8.0).on(16), job("linear", 0.0, 8.0).on(8)];
    let outcome = run(&scenario("fifo", 1, 8, &jobs));
    assert_eq!(spans(&outcome), ["-", "0-1"]);
    assert_eq!(outcome.jobs[0].state, JobOutcome::Declined);
    assert_eq!(outcome.jobs[0].reason, "needs at least 16 GPUs, the cluster has 8");
}

#[test]
fn a_run_can_be_cut_off() {
    let jobs = [job("linear", 0.0, 80.0).on(8), job("linear", 50.0, 80.0).on(8)];
    let cut = Scenario { until: Some(common::time(5.0)), ..scenario("fifo", 1, 8, &jobs) };
    let outcome = run(&cut);
    assert_eq!(spans(&outcome), ["0-", "-"]);
    assert_eq!(outcome.jobs[0].gpu_seconds.to_string(), "40");
    assert_eq!(outcome.jobs[0].state, JobOutcome::Unfinished);
    assert_eq!(outcome.jobs[1].state, JobOutcome::NotSubmitted);
}

#[test]
fn a_requested_size_without_a_speed_matters_only_where_it_is_used() {
    let jobs = [job("linear", 0.0, 80.0).on(3)];
    let why = fails(&scenario("fifo", 1, 8, &jobs)).to_string();
    assert!(why.contains("job `j0` asks for 3 GPUs, for which `linear` at batch size 64"), "{why}");
    assert_eq!(spans(&run(&scenario("edf", 1, 8, &jobs))), ["0-10"]);
}

/// Job 0 is alone and takes all 4 GPUs, though one is enough for its deadline. Job 1, best effort,
/// comes at 100 and gets its first GPU at once: job 0 has done 400 of 4000, goes back, and takes
/// what is left.
#[test]
fn a_best_effort_job_need_not_wait_for_extra_gpus() {
    let jobs = [job("linear", 0.0, 4000.0).due(10_000.0), job("linear", 100.0, 50.0)];
    let outcome = run(&scenario("elasticflow", 1, 4, &jobs));
    assert_eq!(outcome.jobs[1].start_time, Some(common::time(100.0)));
    assert_eq!(outcome.jobs[0].state, JobOutcome::Met);
}

/// Jobs of 20 s each arrive every 47 s: each finds an idle cluster, and starts at once though the
/// slot of the last plan is not over.
#[test]
fn an_idle_cluster_does_not_wait_for_the_slot() {
    let jobs: Vec<_> = (0..10).map(|n| job("flat", 3.0 + 47.0 * f64::from(n), 20.0)).collect();
    let outcome = run(&slot(scenario("fifo", 1, 8, &jobs), 60.0));
    let expected: Vec<_> = (0..10).map(|n| format!("{}-{}", 3 + 47 * n, 23 + 47 * n)).collect();
    assert_eq!(spans(&outcome), expected);
}

/// A job that would end exactly at its deadline is admitted and met, beside jobs that come later,
/// too; with one microsecond less, it is declined.
#[test]
fn a_job_may_end_exactly_at_its_deadline() {
    for policy in ["elasticflow", "edf-admission"] {
        let tight = job("peak", 0.0, 400.0).due(100.0);
        let others = [
            job("linear", 7.0, 80.0).due(900.0),
            job("half", 31.5, 33.3),
            job("linear", 50.0, 1.0).due(60.0),
        ];
        let outcome = run(&scenario(policy, 1, 8, &[&[tight][..], &others].concat()));
        assert_eq!(outcome.jobs[0].end_time.map(|end| end.to_string()), Some("100".into()), "{policy}");
        let states: Vec<_> = outcome.jobs.iter().map(|row| row.state).collect();
        let (met, completed) = (JobOutcome::Met, JobOutcome::Completed);
        assert_eq!(states, [met, met, completed, met], "{policy}");
        let outcome = run(&scenario(policy, 1, 8, &[tight.due(99.999_999)]));
        assert_eq!(outcome.jobs[0].state, JobOutcome::Declined, "{policy}");
    }
}
