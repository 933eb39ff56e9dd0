//! Tiresias on scenarios worked out by hand: one node of 8 GPUs unless said otherwise, jobs of
//! speed 8/s on 8 GPUs, so that a job of `n` iterations takes `n` GPU-s.

use crate::common::{Job, fails, job, overhead, run, scenario, spans};
use elasticflow_sim::scheduler::PolicyOptions;
use elasticflow_sim::sim::Scenario;

fn tiresias(nodes: u32, jobs: &[Job], options: &[&str]) -> Scenario {
    let options = PolicyOptions::parse(options.iter().copied()).unwrap();
    Scenario { options, ..scenario("tiresias", nodes, 8, jobs) }
}

/// Job 0 attains 800 GPU-s on 8 GPUs at 100 and leaves the first queue to job 1, which takes 1 GPU
/// for 100 s. Job 0 does not fit beside it, and needs another 300 s.
#[test]
fn a_job_that_has_attained_much_is_preempted_for_one_that_has_not() {
    let jobs = [job("linear", 0.0, 3200.0).on(8), job("linear", 10.0, 100.0).on(1)];
    let outcome = run(&tiresias(1, &jobs, &["thresholds=[800]"]));
    assert_eq!(spans(&outcome), ["0-500", "100-200"]);
    assert_eq!((outcome.jobs[0].preemptions, outcome.totals.plans), (1, 5));
    // A crossing between two microseconds is the later one: 800.000001 / 8 = 100.000000125.
    let outcome = run(&tiresias(1, &jobs, &["thresholds=[800.000001]"]));
    assert_eq!(spans(&outcome), ["0-500", "100.000001-200.000001"]);
    // A restart overhead of 5 s at every start counts as attained: job 0 has done 760 at 100, and
    // 2,440 take 305 s from 210 on.
    let outcome = run(&overhead(tiresias(1, &jobs, &["thresholds=[800]"]), "fixed:5"));
    assert_eq!(spans(&outcome), ["0-515", "100-205"]);
}

/// Job 1 needs all GPUs and waits for job 0; job 2 fits beside job 0 and passes it.
#[test]
fn what_does_not_fit_is_passed_over() {
    let jobs =
        [job("linear", 0.0, 400.0).on(4), job("linear", 1.0, 80.0).on(8), job("linear", 2.0, 40.0).on(4)];
    assert_eq!(spans(&run(&tiresias(1, &jobs, &[]))), ["0-100", "100-110", "2-12"]);
}

/// Job 1 needs all GPUs and waits for job 0 from 1 on. Job 2, which passed it, is in the same queue
/// and keeps its GPUs beyond the end of job 0 at 100; but at 202 it has attained 800 GPU-s, and in
/// the second queue it comes after job 1.
#[test]
fn jobs_of_a_queue_do_not_preempt_each_other() {
    let jobs =
        [job("linear", 0.0, 400.0).on(4), job("linear", 1.0, 80.0).on(8), job("linear", 2.0, 1200.0).on(4)];
    assert_eq!(spans(&run(&tiresias(1, &jobs, &["thresholds=[800]"]))), ["0-100", "202-212", "2-312"]);
}

/// Job 0 is in the second queue from 10 on and does not fit: job 1 (there from 30) and job 2 (from
/// 40) have 4 GPUs each, with an overlap in the first queue. All wait while job 3 runs, and the two
/// that have started in the queue go first.
#[test]
fn a_job_that_has_started_in_a_queue_goes_before_one_that_has_not() {
    let jobs = [
        job("linear", 0.0, 160.0).on(8),
        job("linear", 1.0, 400.0).on(4),
        job("linear", 20.0, 400.0).on(4),
        job("linear", 50.0, 40.0).on(8),
    ];
    assert_eq!(
        spans(&run(&tiresias(1, &jobs, &["thresholds=[80]"]))),
        ["0-135", "10-115", "20-125", "50-55"]
    );
}

/// Thresholds 80 and 800. Job 0 leaves the first queue at 10, job 1, which runs then, at 20. The
/// second queue is job 0's first: it runs to 50, when job 2 comes for 5 s, and on to 115, when it
/// has attained 800; then job 1 to 205. In the third queue job 0 is first again, with 100 s to go.
#[test]
fn newcomers_of_a_queue_are_in_the_order_of_entry() {
    let jobs =
        [job("linear", 0.0, 1600.0).on(8), job("linear", 1.0, 1600.0).on(8), job("linear", 50.0, 40.0).on(8)];
    let outcome = run(&tiresias(1, &jobs, &["thresholds=[80, 800]"]));
    assert_eq!(spans(&outcome), ["0-305", "10-405", "50-55"]);
}

/// Job 0 runs for 10 s, is preempted, and is due back in the first queue 20 s later, at 30. It
/// comes after job 4, which was there at 8, and before job 5, which was not: 42 to 52. Then it has
/// attained 80 again and waits for job 5. Without the promotion job 5 goes first.
#[test]
fn a_job_that_starves_starts_over() {
    let mut jobs = vec![job("linear", 0.0, 320.0).on(8)];
    jobs.extend([5.0, 6.0, 7.0, 8.0, 31.0].map(|submit| job("linear", submit, 64.0).on(8)));
    let outcome = run(&tiresias(1, &jobs, &["thresholds=[80]", "promote_after=2"]));
    assert_eq!(spans(&outcome), ["0-80", "10-18", "18-26", "26-34", "34-42", "52-60"]);
    assert_eq!(outcome.jobs[0].preemptions, 2);
    let outcome = run(&tiresias(1, &jobs, &["thresholds=[80]"]));
    assert_eq!(spans(&outcome), ["0-80", "10-18", "18-26", "26-34", "34-42", "42-50"]);
    assert_eq!(outcome.jobs[0].preemptions, 1);
}

/// Both jobs end up in the second queue, job 0 (entered at 10, waiting to 20: too short) before job
/// 1 (entered at 20), which has run for 10 s and waits. After 1.5 × 10 s, at 35, it is in the first
/// queue again and takes the GPUs for its other 10 s; job 0 has then done 25 of 100 s.
#[test]
fn a_promotion_is_an_event_of_its_own() {
    let jobs = [job("linear", 0.0, 800.0).on(8), job("linear", 5.0, 160.0).on(8)];
    let outcome = run(&tiresias(1, &jobs, &["thresholds=[80]", "promote_after=1.5"]));
    assert_eq!(spans(&outcome), ["0-120", "10-45"]);
    let outcome = run(&tiresias(1, &jobs, &["thresholds=[80]"]));
    assert_eq!(spans(&outcome), ["0-110", "10-120"]);
}

/// While no job waits there is no call, and the order of entry is known all the same: on 16 GPUs
/// job 1 reached 80 GPU-s at 10 and job 0 at 15, so it is job 0 that makes room for job 2 at 100,
/// with 65 of its 160 s to go.
#[test]
fn the_order_of_entry_is_known_without_a_call() {
    let jobs = [
        job("linear", 0.0, 1280.0).on(8),
        job("linear", 5.0, 1280.0).on(8),
        job("linear", 100.0, 80.0).on(8),
    ];
    let outcome = run(&tiresias(2, &jobs, &["thresholds=[80]"]));
    assert_eq!(spans(&outcome), ["0-160", "5-175", "100-110"]);
    assert_eq!(outcome.totals.plans, 6);
}

/// Jobs of 600, 160 and 160 GPU-s. The index is 2/480 at 0, 2/(80 + 80 + 80) at 80, when two of
/// three are about to end, and 1/440 at 160, when only the long one is left. So job 0 is not
/// preempted at 10 but at 20, jobs 1 and 2 run to their ends, and job 0 takes the other 55 s.
/// Queues by attained service alone, with a threshold of 80, serve it again from 30 on.
#[test]
fn gittins_finishes_jobs_that_are_about_to_end() {
    let jobs =
        [job("linear", 0.0, 600.0).on(8), job("linear", 1.0, 160.0).on(8), job("linear", 2.0, 160.0).on(8)];
    let outcome = run(&tiresias(1, &jobs, &["index=gittins", "quantum=80"]));
    assert_eq!(spans(&outcome), ["0-115", "20-40", "40-60"]);
    let outcome = run(&tiresias(1, &jobs, &["thresholds=[80]"]));
    assert_eq!(spans(&outcome), ["0-95", "10-105", "20-115"]);
}

#[test]
fn options_that_do_nothing_or_mean_nothing_are_refused() {
    let why = |options: &[&str]| fails(&tiresias(1, &[job("linear", 0.0, 1.0)], options)).to_string();
    assert!(why(&["quantum=5"]).contains("`quantum` needs index=gittins; leave it out"));
    assert!(why(&["index=gittins", "thresholds=[5]"]).contains("`thresholds` needs index=las; leave it out"));
    assert!(why(&["thresholds=[5, 5]"]).contains("`thresholds` must ascend from above 0 GPU-s"));
    assert!(why(&["index=gittins", "quantum=0"]).contains("`quantum` must be at least 0.001 GPU-s"));
    assert!(why(&["promote_after=-1"]).contains("`promote_after` must be a number of at least 0"));
    assert!(why(&["index=fcfs"]).contains("`index`: `fcfs` is not known; give `las` or `gittins`"));
}
