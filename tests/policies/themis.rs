//! Themis on scenarios worked out by hand: one node of 8 GPUs, jobs of speed `g`/s on `g` GPUs.

use crate::common::{Job, fails, job, run, scenario, spans};
use elasticflow_sim::scheduler::PolicyOptions;
use elasticflow_sim::sim::Scenario;

fn themis(jobs: &[Job], options: &[&str]) -> Scenario {
    Scenario {
        options: PolicyOptions::parse(options.iter().copied()).unwrap(),
        ..scenario("themis", 1, 8, jobs)
    }
}

/// Two jobs of 200 and 100 s on all GPUs have an equal share of half the time; the first in the
/// trace has the first lease, the other, which has had none, the second, and is done with it. The
/// grid of leases begins with the jobs, and anew after 700 s of nothing.
#[test]
fn a_job_that_has_had_no_lease_is_next() {
    let pair = |at: f64| [job("linear", at, 1600.0).on(8), job("linear", at, 800.0).on(8)];
    let jobs = [pair(7.0), pair(1007.5)].concat();
    let outcome = run(&themis(&jobs, &["lease=100"]));
    assert_eq!(spans(&outcome), ["7-307", "107-207", "1007.5-1307.5", "1107.5-1207.5"]);
    // Each pair: the arrival, the end of the first lease, two ends.
    assert_eq!(outcome.totals.plans, 8);
}

/// Jobs of 100 and 100 s on 8 GPUs and 200 s on 4, submitted at 0, 10 and 20; leases of 60 s. A
/// job's own share is a third of the cluster, so 1/3 of the time on 8 GPUs and 2/3 on 4; before 20
/// job 0 had more. Elapsed `a`, left `b`, alone `c`:
///
/// | at  | job 0      | job 1      | job 2       | bound | shares         | leases | goes to      |
/// |-----|------------|------------|-------------|-------|----------------|--------|--------------|
/// | 60  | 60 40 270  | 50 100 300 | 40 200 300  | 0.98  | 0.19 0.41 0.79 | 1 0 0  | 2            |
/// | 120 |            |            |             |       |                | 1 0 1  | 1 (had none) |
/// | 180 | 180 40 270 | 170 40 300 | 160 140 300 | 1.10  | 0.34 0.25 0.83 | 1 1 1  | 2            |
/// | 240 | 240 40 270 | 230 40 300 | 220 80 300  | 1.23  | 0.43 0.29 0.54 | 1 1 2  | 0 (to 280)   |
/// | 280 |            | 270 40 260 | 260 80 260  | 1.33  | - 0.53 0.93    | - 1 2  | 1 (the free) |
/// | 300 |            | 290 20 260 | 280 80 260  | 1.38  | - 0.29 1       | - 2 2  | 2 (limit)    |
/// | 360 |            | 350 20 260 | 340 20 260  | 1.45  | - 0.74 0.54    | - 2 3  | 1 (to 380)   |
///
/// At 60 job 0 has done 10 s alone, 10 s at 1/2 and 40 s at 1/3: 150 s alone, and 120 for the rest.
/// From 280 on there are two jobs: 40 s at 1/2 are 80 (180 before), 80 s at 1 are 80 (180 before).
#[test]
fn leases_go_by_share_over_leases_received() {
    let jobs =
        [job("linear", 0.0, 800.0).on(8), job("linear", 10.0, 800.0).on(8), job("linear", 20.0, 800.0).on(4)];
    let outcome = run(&themis(&jobs, &["lease=60"]));
    assert_eq!(spans(&outcome), ["0-280", "120-380", "60-400"]);
    let preemptions: Vec<u32> = outcome.jobs.iter().map(|row| row.preemptions).collect();
    assert_eq!(preemptions, [1, 2, 3]);
}

/// Job 2 comes while job 1 waits for all GPUs and job 0 holds half; the other half goes to it at
/// once, not at the end of the lease. At 100 it has had a lease and job 1 has not.
#[test]
fn what_is_free_between_leases_goes_to_waiting_jobs() {
    let jobs =
        [job("linear", 0.0, 400.0).on(4), job("linear", 1.0, 80.0).on(8), job("linear", 2.5, 800.0).on(4)];
    assert_eq!(spans(&run(&themis(&jobs, &["lease=100"]))), ["0-100", "100-110", "2.5-212.5"]);
}

#[test]
fn a_lease_has_a_length() {
    let why = |options: &[&str]| fails(&themis(&[job("linear", 0.0, 1.0)], options)).to_string();
    assert!(why(&["lease=0"]).contains("`lease`: is 0 s; give a number of seconds above 0, such as 60"));
    assert!(why(&["lases=5"]).contains("unknown option `lases`; it takes `lease`"));
}
