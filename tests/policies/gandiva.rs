//! Gandiva on scenarios worked out by hand: `linear` jobs of speed `g`/s on `g` GPUs, turns of 60
//! s, everything free unless said otherwise.

use crate::common::{Job, fails, job, overhead, run, scenario, spans};
use elasticflow_sim::cluster::Shape;
use elasticflow_sim::placement;
use elasticflow_sim::scheduler::PolicyOptions;
use elasticflow_sim::sim::{Outcome, Scenario};
use elasticflow_sim::units::Gpus;

fn gandiva(nodes: u32, jobs: &[Job], options: &[&str]) -> Scenario {
    let options = PolicyOptions::parse(options.iter().copied()).unwrap();
    Scenario { options, ..scenario("gandiva", nodes, 8, jobs) }
}

/// A job of so many seconds of work on the GPUs that it asks for.
fn of(seconds: f64, gpus: u32, submit: f64) -> Job {
    job("linear", submit, seconds * f64::from(gpus)).on(gpus)
}

/// Preemptions and migrations.
fn moves(outcome: &Outcome) -> Vec<(u32, u32)> {
    outcome.jobs.iter().map(|row| (row.preemptions, row.migrations)).collect()
}

/// 150 and 90 s on all 8 GPUs. Free: job 0 has done 120 s at 180, job 1 ends at 180 + 30, job 0 at
/// 210 + 30. At 10 s a start and 0.5 a turn: 50, 50, 109.5 at 60, 120, 180; 180.5 + 40, and 221 +
/// 40.5.
#[test]
fn two_jobs_share_a_set() {
    let scenario = gandiva(1, &[of(150.0, 8, 0.0), of(90.0, 8, 0.0)], &[]);
    let outcome = run(&scenario);
    assert_eq!(spans(&outcome), ["0-240", "60-210"]);
    assert_eq!(outcome.totals.plans, 3);
    let outcome = run(&overhead(scenario.clone(), "on-change+suspend:0.5"));
    assert_eq!(spans(&outcome), ["0-261.5", "60-220.5"]);
    let overheads: Vec<String> = outcome.jobs.iter().map(|row| row.overhead_time.to_string()).collect();
    assert_eq!((overheads, moves(&outcome)), (vec!["11".into(), "10.5".into()], vec![(0, 0); 2]));
    // Turns of 100 s: 90 s of work each, which is all of job 1's; 200.5 + 60.
    let turns_of_100 = gandiva(1, &[of(150.0, 8, 0.0), of(90.0, 8, 0.0)], &["quantum=100"]);
    assert_eq!(spans(&run(&overhead(turns_of_100, "on-change"))), ["0-260.5", "100-200"]);
}

/// Two sizes, a node for each. The two jobs of 4 GPUs are beside each other, those of 8 take turns.
/// At 100 there is no job of 4 any more, and job 1, whose turn it is, has done 40 of 90 s: it gets
/// the node and ends at 150. Job 0 goes on where it is, with 90 of 150 s to go.
#[test]
fn sizes_have_nodes_of_their_own() {
    let jobs = [of(150.0, 8, 0.0), of(90.0, 8, 0.0), of(100.0, 4, 0.0), of(50.0, 4, 0.0)];
    let outcome = run(&gandiva(2, &jobs, &[]));
    assert_eq!(spans(&outcome), ["0-190", "60-150", "0-100", "0-50"]);
    assert_eq!(moves(&outcome), [(0, 0), (0, 1), (0, 0), (0, 0)]);
}

/// Two jobs of 8 GPUs have a node each until a job of 4 comes at 30. Then the last node is given
/// up, and its job takes turns with the other: both have done 20 s, job 0 80 at 90, job 1 moves for
/// 10 s and ends at 100 + 30; job 0 at 130.5 + 20. Job 2 starts for 8 s.
#[test]
fn a_set_is_given_up_where_others_need_it_more() {
    let jobs = [of(100.0, 8, 0.0), of(50.0, 8, 0.0), of(200.0, 4, 30.0)];
    let outcome = run(&overhead(gandiva(2, &jobs, &[]), "on-change"));
    assert_eq!(spans(&outcome), ["0-150.5", "0-130", "30-238"]);
    assert_eq!(moves(&outcome), [(0, 0), (0, 1), (0, 0)]);
}

/// Half a node for each of jobs 0 and 2 in turn, the other half for job 1. When that is done, at
/// 100, job 2 goes on there with 40 of 100 s done: the node is the same, so it is not moved. Job 0
/// is resumed: 100.5 + 40.
#[test]
fn jobs_change_slots_of_a_node_for_nothing() {
    let jobs = [of(100.0, 4, 0.0), of(100.0, 4, 0.0), of(100.0, 4, 0.0)];
    let outcome = run(&overhead(gandiva(1, &jobs, &[]), "none+suspend:0.5"));
    assert_eq!(spans(&outcome), ["0-140.5", "0-100", "60-160"]);
    assert_eq!(moves(&outcome), [(0, 0); 3]);
}

/// Starts of 60 s make turns 120 s long: both jobs have done 60 s after one; job 0 ends at 240.5 +
/// 90, job 1 at 331 + 30. Turns of 200 s are long enough: job 0 has done 140 at 200, job 1 ends at
/// 260 + 90, job 0 at 350.5 + 10.
#[test]
fn turns_are_twice_as_long_as_the_longest_restart_overhead() {
    let jobs = [of(150.0, 8, 0.0), of(90.0, 8, 0.0)];
    let spans = |options: &[&str]| spans(&run(&overhead(gandiva(1, &jobs, options), "fixed:60")));
    assert_eq!(spans(&[]), ["0-330.5", "120-361"]);
    assert_eq!(spans(&["quantum=200"]), ["0-360.5", "200-350"]);
}

/// One node, which belongs to one size at a time, for terms of ten turns: of 60 s. By GPU-seconds
/// attained: job 0 has 480 at 60 and job 1 none, 240 at 120, 480 at 180, where job 0 is first in
/// the trace; so job 0 has 60 s of every 180 (0, 180, 360 to 390) and job 1 the rest (60 to 180,
/// 240 to 360, 390 to 450).
#[test]
fn a_size_without_a_set_has_its_turn() {
    let outcome = run(&gandiva(1, &[of(150.0, 8, 0.0), of(300.0, 4, 0.0)], &["quantum=6"]));
    assert_eq!(spans(&outcome), ["0-390", "60-450"]);
    assert_eq!(moves(&outcome), [(2, 0), (2, 0)]);
    // At 0, 60 to 360 by 60, 390, 450.
    assert_eq!(outcome.totals.plans, 9);
}

/// At 150 job 0 has had 90 s, job 1 60, and job 2 comes: it is first, until 180, then job 1 with
/// its other 40 s, and then job 0 with its other 10.
#[test]
fn a_rotation_that_changes_begins_with_the_job_that_has_attained_least() {
    let jobs = [of(100.0, 8, 0.0), of(100.0, 8, 0.0), of(30.0, 8, 150.0)];
    assert_eq!(spans(&run(&gandiva(1, &jobs, &[]))), ["0-230", "60-220", "150-180"]);
}

/// Two nodes for a job of 16 GPUs and, as soon as it has had its term of 60 s, one each for two
/// jobs of 8.
#[test]
fn a_set_may_have_several_nodes() {
    // Job 0 has 960 GPU-s at 60, jobs 1 and 2 reach 960 at 180, where job 0 is first again: 180 to
    // 220.
    let jobs = [of(100.0, 16, 0.0), of(150.0, 8, 0.0), of(120.0, 8, 0.0)];
    let outcome = run(&gandiva(2, &jobs, &["quantum=6"]));
    // Job 2 is done at 180. Job 1 has 30 s left.
    assert_eq!(spans(&outcome), ["0-220", "60-250", "60-180"]);
    assert_eq!(moves(&outcome), [(1, 0), (1, 0), (0, 0)]);
}

/// Nodes of 8 and 4 GPUs: the job of 4 GPUs leaves the larger one to the job of 8. On 4, 4, 8 and 8
/// it leaves the larger ones to the job of 16, which takes no more nodes than it needs.
#[test]
fn sets_take_the_nodes_that_fit() {
    let on = |nodes: &[u32], jobs: &[Job]| {
        let cluster = Shape::new(nodes.iter().copied().map(Gpus::new).collect()).unwrap();
        let placer = placement::entry("first-fit").unwrap();
        run(&Scenario { cluster, placer, ..gandiva(1, jobs, &[]) })
    };
    assert_eq!(spans(&on(&[8, 4], &[of(100.0, 4, 0.0), of(100.0, 8, 0.0)])), ["0-100", "0-100"]);
    let outcome = on(&[4, 4, 8, 8], &[of(100.0, 4, 0.0), of(100.0, 16, 0.0)]);
    assert_eq!(spans(&outcome), ["0-100", "0-100"]);
    assert_eq!(outcome.totals.split_placements, 0);
}

#[test]
fn a_turn_has_a_length() {
    let why = |options: &[&str]| fails(&gandiva(1, &[of(1.0, 1, 0.0)], options)).to_string();
    assert!(why(&["quantum=0"]).contains("`quantum`: is 0 s; give a number of seconds above 0, such as 60"));
    assert!(why(&["quantum=-1"]).contains("\"-1\" is negative; give seconds"));
    assert!(why(&["turn=5"]).contains("unknown option `turn`; it takes `quantum`"));
}

/// One node of 8 and two of 4, and four jobs of 4 GPUs: two on the large node, one on each small
/// one, and no job takes turns.
#[test]
fn no_node_is_idle_while_others_are_crowded() {
    let cluster = Shape::new([8, 4, 4].map(Gpus::new).to_vec()).unwrap();
    let placer = placement::entry("first-fit").unwrap();
    let outcome = run(&Scenario { cluster, placer, ..gandiva(1, &[of(100.0, 4, 0.0); 4], &[]) });
    assert_eq!(spans(&outcome), ["0-100"; 4]);
}
