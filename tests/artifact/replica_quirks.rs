//! The effect of each quirk that is switched off, on a few jobs. `replica.rs` tests that the
//! artifact is the replica with all quirks on.

use crate::artifact::{Example, ReplicaRunner, counts, elastic, example, gang, spans};
use elasticflow_sim::replica::{ReplicaOutcome, Schedule};
use elasticflow_sim::workload::Workload;

/// Runs the jobs with all quirks and without some.
fn run_with_and_without(
    setting: &ReplicaRunner<'_>,
    jobs: &Workload,
    schedule: Schedule,
    numbers: &[u8],
) -> (ReplicaOutcome, ReplicaOutcome) {
    let run = |setting: &ReplicaRunner<'_>| setting.run(jobs, schedule).unwrap_or_else(|why| panic!("{why}"));
    (run(setting), run(&setting.without(schedule, numbers)))
}

/// A runner on 16 nodes of 8 GPUs with a slot of 240 s.
fn figure() -> ReplicaRunner<'static> {
    ReplicaRunner::new("a100", (16, 8), 240)
}

/// A runner on a node of 8 GPUs with a slot of 60 s.
fn node() -> ReplicaRunner<'static> {
    ReplicaRunner::new("a100", (1, 8), 60)
}

/// Jobs 1 and 2 arrive in one slot, and job 1 is infeasible.
#[test]
fn q3_one_infeasible_job_declines_its_batch() {
    let rows = [elastic(0, 7246, 4000), elastic(100, 724_600, 5000), elastic(150, 100, 5000)];
    let (with, without) = run_with_and_without(&figure(), &example(&rows), Schedule::EfAccessCtrl, &[3]);
    assert_eq!((counts(&with), counts(&without)), ((1, 2), (2, 1)));
    assert!(without.finished.iter().any(|row| (row.job.0, row.start) == (2, 240)));
}

/// Job 0 needs 384.5 s of its 400, and pays 16 s. At 240 s it has 7246 - 224 * 18.85 iterations
/// left, 160.5 s: it is late, and job 1 would have more than enough time.
const LATE: [Example; 2] = [elastic_(0, 7246, 400), elastic_(100, 100, 5000)];

const fn elastic_(submit: u64, iterations: u64, due: u64) -> Example {
    (submit, iterations, "resnet50", 256, Some(due), 1, 1000)
}

#[test]
fn q4_a_late_job_keeps_others_out() {
    for schedule in [Schedule::EfAccessCtrl, Schedule::EdfAccessCtrl] {
        let (with, without) = run_with_and_without(&figure(), &example(&LATE), schedule, &[4]);
        assert_eq!((counts(&with), counts(&without)), ((0, 2), (1, 1)), "{schedule:?}");
    }
}

/// The job ends after 385 s as planned, and after 496 s with the rest of the slot and 16 s of
/// overhead; its deadline is at 400 s.
#[test]
fn q6_a_job_is_judged_by_its_planned_end() {
    let jobs = example(&[elastic(0, 7246, 400)]);
    let (with, without) = run_with_and_without(&figure(), &jobs, Schedule::EfAccessCtrl, &[6]);
    assert_eq!((counts(&with), counts(&without)), ((1, 0), (0, 1)));
    assert_eq!(spans(&with), spans(&without));
}

/// Three jobs, of 4, 4 and 1 GPUs where they are gangs.
fn three_jobs() -> std::sync::Arc<Workload> {
    let with_gangs = |submit, iterations, gpus| (submit, iterations, "resnet50", 256, Some(9000), gpus, 1000);
    example(&[with_gangs(0, 6190, 4), with_gangs(30, 6190, 4), with_gangs(3000, 1843, 1)])
}

/// Job 0 pays 10 s at its start, and 2 s more at 60 s, when job 1 comes and its GPUs do not change.
/// Without that, job 1 starts 2 s sooner as well. Under Gandiva job 0 pays its 8 s twice.
#[test]
fn q8_every_job_pays_in_every_round() {
    let (with, without) = run_with_and_without(&node(), &three_jobs(), Schedule::EdfAccessCtrl, &[8]);
    assert_eq!(spans(&with), [(0, 8, 0, 609), (1, 8, 609, 1208), (2, 8, 3000, 3180)]);
    assert_eq!(spans(&without), [(0, 8, 0, 607), (1, 8, 607, 1206), (2, 8, 3000, 3180)]);
    let (with, without) = run_with_and_without(&node(), &three_jobs(), Schedule::Gandiva, &[8]);
    assert_eq!((with.finished[0].end, without.finished[0].end), (1016, 1008));
}

/// One job on 8 GPUs for 597 s, with 10 s of overhead; under Themis on 4 for 1000 s, with 8 s.
#[test]
fn q10_edf_and_themis_pay_nothing() {
    let (with, without) =
        run_with_and_without(&node(), &example(&[elastic(0, 6190, 9000)]), Schedule::Edf, &[10]);
    assert_eq!((spans(&with), spans(&without)), (vec![(0, 8, 0, 597)], vec![(0, 8, 0, 607)]));
    // Iterations that do not end before the duration does.
    let jobs = example(&[(0, 1_000_000, "resnet50", 256, Some(9000), 4, 1000)]);
    let (with, without) = run_with_and_without(&node(), &jobs, Schedule::Themis, &[10]);
    assert_eq!((with.finished[0].end, without.finished[0].end), (1000, 1008));
}

/// BERT at batch size 64 is fastest on 8 GPUs: 11.06 iterations per second against 9.25 on 64 GPUs.
/// 9250 iterations take 837 s, or 1000.
#[test]
fn q13_a_job_gets_gpus_past_its_peak() {
    let jobs = example(&[(0, 9250, "bert", 64, Some(9000), 1, 1000)]);
    let (with, without) = run_with_and_without(&figure(), &jobs, Schedule::Edf, &[13]);
    assert_eq!((with.finished[0].num_gpu, without.finished[0].num_gpu), (64, 8));
    assert!((with.finished[0].end - 1000).abs() <= 1 && (without.finished[0].end - 837).abs() <= 1);
}

/// As for Q4, with a best-effort job that arrives while job 0 is late: it counts as declined.
#[test]
fn q14_best_effort_jobs_are_declined() {
    let best_effort = (100, 100, "resnet50", 256, None, 1, 1000);
    let (with, without) =
        run_with_and_without(&figure(), &example(&[LATE[0], best_effort]), Schedule::EdfAccessCtrl, &[14]);
    assert_eq!((counts(&with), with.finished.len()), ((0, 2), 1));
    assert_eq!((counts(&without), without.finished.len()), ((0, 1), 2));
}

/// Under Tiresias job 1 arrives at 30 s and starts at 60 s. Without the quirk it starts at 30 s,
/// has executed 970 s when job 0 ends at 1008 s, and has 30 s left.
#[test]
fn q19_arrivals_wait_for_the_slot() {
    let (with, without) = run_with_and_without(&node(), &three_jobs(), Schedule::DlasGpu, &[19]);
    assert_eq!(spans(&with)[..2], [(0, 4, 0, 1008), (1, 4, 60, 1068)]);
    assert_eq!(spans(&without)[..2], [(0, 4, 0, 1008), (1, 4, 30, 1038)]);
    assert_eq!(without.finished[1].pending, 0);
    // Without the quirk an elastic job starts when it arrives.
    let rows = [elastic(0, 6190, 9000), elastic(30, 6190, 9000)];
    let (with, without) = run_with_and_without(
        &ReplicaRunner { cluster: (16, 8), ..node() },
        &example(&rows),
        Schedule::Edf,
        &[19],
    );
    let starts =
        |replayed: &ReplicaOutcome| replayed.finished.iter().map(|row| row.start).collect::<Vec<_>>();
    assert_eq!((starts(&with), starts(&without)), (vec![0, 60], vec![0, 30]));
}

/// A job runs 2000 s on one GPU, after 4 s of overhead.
#[test]
fn q26_the_overhead_of_a_start_is_not_in_the_end() {
    let (with, without) =
        run_with_and_without(&node(), &example(&[gang(0, 1, 2000, 9000)]), Schedule::DlasGpu, &[26]);
    assert_eq!((with.finished[0].end, without.finished[0].end), (2000, 2004));
}

/// Ends at 1008 and 1068 s are noticed when job 2 arrives at 3000 s, or at the next tick of 60 s.
#[test]
fn q28_time_jumps_to_the_next_arrival() {
    let (with, without) = run_with_and_without(
        &node().without(Schedule::Gandiva, &[8]),
        &three_jobs(),
        Schedule::Gandiva,
        &[28],
    );
    let seen = |replayed: &ReplicaOutcome| -> Vec<(i64, i64)> {
        replayed.finished.iter().map(|row| (row.end, row.time)).collect()
    };
    assert_eq!(seen(&with), [(1008, 3000), (1068, 3000), (4000, 4020)]);
    assert_eq!(seen(&without), [(1008, 1020), (1068, 1080), (4000, 4020)]);
}

/// Ten 8-GPU jobs take turns on a node, for 1000 s each; a 1-GPU job arrives after them. With the
/// quirk it has no set until all are done; without it, it takes the node as soon as it waits.
#[test]
fn q48_a_size_without_a_set_waits() {
    let mut rows: Vec<Example> = (0..10).map(|_| gang(0, 8, 1000, 90_000)).collect();
    rows.push(gang(60, 1, 60, 90_000));
    let (with, without) = run_with_and_without(&node(), &example(&rows), Schedule::Gandiva, &[48]);
    let start =
        |replayed: &ReplicaOutcome| replayed.finished.iter().find(|row| row.job.0 == 10).unwrap().start;
    assert!(start(&with) > 9000, "{}", start(&with));
    assert!(start(&without) <= 180, "{}", start(&without));
    // The jobs that lose their node count once, and all of them end.
    assert_eq!((counts(&without), without.finished.len()), ((11, 0), 11));
}
