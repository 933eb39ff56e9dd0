//! The replica on worked examples that need no reference data.

use crate::artifact::{ReplicaRunner, counts, elastic, example, gang, spans};
use elasticflow_sim::cluster::Shape;
use elasticflow_sim::config::profiles::builtin;
use elasticflow_sim::record::jobs::AloneFigures;
use elasticflow_sim::replica::{
    GpuTable, NEVER, Quirks, ReplicaError, ReplicaInput, Round, Schedule, files, replay,
};
use elasticflow_sim::units::Gpus;
use elasticflow_sim::workload::Workload;

/// A runner on 16 nodes of 8 GPUs with a slot of 240 s.
fn figure() -> ReplicaRunner<'static> {
    ReplicaRunner::new("a100", (16, 8), 240)
}

/// A runner on a node of 8 GPUs.
fn node(slot: u64) -> ReplicaRunner<'static> {
    ReplicaRunner::new("a100", (1, 8), slot)
}

/// 7246 iterations take 384.5 s on 64 GPUs. The end is that of the slot, 480 s, and 16 s of
/// overhead.
#[test]
fn the_two_schedules_of_elasticflow_judge_by_two_measures() {
    let jobs = example(&[elastic(0, 7246, 400)]);
    let with = figure().run(&jobs, Schedule::EfAccessCtrl).unwrap();
    assert_eq!((spans(&with), counts(&with)), (vec![(0, 64, 0, 496)], (1, 0)));
    assert_eq!(with.finished[0].real_end, Some(385));
    let without = figure().run(&jobs, Schedule::Ef).unwrap();
    assert_eq!((spans(&without), counts(&without)), (vec![(0, 64, 0, 496)], (0, 1)));
}

/// Jobs 1 and 2 arrive in one slot, and job 1 is infeasible.
#[test]
fn one_infeasible_job_declines_its_whole_batch() {
    let rows = [
        elastic(0, 7246, 4000),
        elastic(100, 724_600, 5000),
        elastic(150, 100, 5000),
        elastic(9000, 100, 9700),
    ];
    let replayed = figure().run(&example(&rows), Schedule::EfAccessCtrl).unwrap();
    assert_eq!(spans(&replayed), [(0, 64, 0, 482), (3, 64, 9000, 9242)]);
    assert_eq!((counts(&replayed), replayed.rounds), ((2, 2), 5));
    assert_eq!(replayed.declined_jobs.iter().map(|job| job.0).collect::<Vec<_>>(), [1, 2]);
}

/// Two best-effort jobs, and a small job with a deadline.
fn best_effort_jobs() -> std::sync::Arc<Workload> {
    example(&[
        (0, 100_000, "resnet50", 256, None, 1, 1000),
        (10, 100_000, "vgg16", 256, None, 1, 1000),
        (5000, 1000, "vgg16", 256, Some(9000), 1, 1000),
    ])
}

/// Returns the time of a round, and first GPU, number of GPUs and job of what is held.
fn read_round(round: &Round) -> (i64, Vec<(u32, u32, u32)>) {
    (round.time, round.held.iter().map(|held| (held.first, held.gpus, held.job.0)).collect())
}

#[test]
fn best_effort_jobs_take_what_is_left() {
    let runner = ReplicaRunner { log_rounds: true, ..node(240) };
    let replayed = runner.run(&best_effort_jobs(), Schedule::EfAccessCtrl).unwrap();
    assert_eq!(spans(&replayed), [(2, 2, 5000, 5486), (0, 4, 0, 16_048), (1, 8, 240, 19_650)]);
    assert_eq!((counts(&replayed), replayed.rounds), ((1, 0), 6));
    let maps: Vec<_> = replayed.log.iter().map(read_round).collect();
    // The job with most GPUs is placed first; jobs with equal numbers keep the order of the list.
    assert_eq!(maps[0], (0, vec![(0, 8, 0)]));
    let sizes = |at: usize| {
        let mut held: Vec<_> = maps[at].1.iter().map(|(_, gpus, job)| (*job, *gpus)).collect();
        held.sort_unstable();
        (maps[at].0, held)
    };
    assert_eq!(sizes(1), (240, vec![(0, 4), (1, 4)]));
    assert_eq!(sizes(2), (5000, vec![(0, 4), (1, 2), (2, 2)]));
    assert_eq!(sizes(3), (5486, vec![(0, 4), (1, 4)]));
    assert_eq!(sizes(4), (16_048, vec![(1, 8)]));
    // The speed of ResNet-50 on 8 GPUs divided by that on one, divided by 8.
    let table = builtin("a100").unwrap();
    let rate = |gpus| table.curve("resnet50", 256).unwrap().rate(Gpus::new(gpus)).unwrap().get();
    assert_eq!(replayed.log[0].efficiency, rate(8) / rate(1) / 8.0);
}

/// The files are those that the artifact would have written for the best-effort jobs.
#[test]
fn files_have_the_artifacts_names_and_headers() {
    let runner = ReplicaRunner { log_rounds: true, ..node(240) };
    let jobs = best_effort_jobs();
    let replayed = runner.run(&jobs, Schedule::EfAccessCtrl).unwrap();
    let text = |write: &dyn Fn(&mut dyn std::io::Write) -> std::io::Result<()>| {
        let mut bytes = Vec::new();
        write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    let job = text(&|to| files::write_jobs(&replayed, &jobs, to));
    let lines: Vec<_> = job.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "time,job_id,num_gpu,submit_time,start_time,end_time,ddl,executed_time,JCT,pending_time,preempt,promote,\
         best_effort_job"
    );
    assert_eq!(lines[1], "5486,2,2,5000,5000,5486,9000,486,486,0,0,0,0");
    assert_eq!(lines[2], "16048,0,4,0,0,16048,9223372036854775807,16048,16048,0,0,0,1");
    assert_eq!(lines.len(), 5);
    let rounds = text(&|to| files::write_rounds(&replayed, &runner.shape(), to));
    let lines: Vec<_> = rounds.split("\r\n").collect();
    assert_eq!(lines[0], "time,gpu0-0,gpu0-1,gpu0-2,gpu0-3,gpu0-4,gpu0-5,gpu0-6,gpu0-7,ce");
    assert!(lines[1].starts_with("0,0,0,0,0,0,0,0,0,0."), "{}", lines[1]);
    assert_eq!(lines.len(), replayed.log.len() + 2);
    let result =
        text(&|to| files::write_result(&replayed, Schedule::EfAccessCtrl, &runner.shape(), "rows.csv", to));
    assert_eq!(
        result,
        "time,ddl_satis_ratio,cluster_spec,trace_file,scheduler,scheme\r\n,1.0,n1g8,rows.csv,ef-accessctrl,elastic\r\n"
    );
}

/// At 30 s the wide job has executed 20 s, as 10 s are overhead. The artifact looks at it again
/// after ceil((3250 - 20) / 8) = 404 s; then it gives way to the other job for 2000 s, and pays 10
/// s again.
#[test]
fn a_wide_job_is_demoted_late_and_gives_way_to_a_narrow_one() {
    let rows = example(&[gang(0, 8, 2000, 9000), gang(30, 1, 2000, 9000)]);
    let replayed = ReplicaRunner { log_rounds: true, ..node(60) }.run(&rows, Schedule::DlasGpu).unwrap();
    assert_eq!(spans(&replayed), [(1, 1, 434, 2434), (0, 8, 0, 4020)]);
    let rest = |job: usize| (replayed.finished[job].pending, replayed.finished[job].preempt);
    assert_eq!((rest(0), rest(1)), ((404, 0), (2000, 1)));
    let maps: Vec<_> = replayed.log.iter().map(read_round).collect();
    let (wide, narrow) = (vec![(0, 8, 0)], vec![(0, 1, 1)]);
    let expected = [(0, &wide), (30, &wide), (434, &narrow), (2434, &wide), (3281, &wide)]
        .map(|(at, held)| (at, held.clone()));
    assert_eq!(maps[..5], expected);
    assert_eq!(maps[5..], [(4020, vec![])]);
}

/// Under Gandiva a job takes 1000 s and 8 s of overhead, the first job twice 8 s; ends are noticed
/// when the third job arrives, or a slot later. Under Tiresias the second arrival is put off by 30
/// s, which count as waiting. Under Themis jobs end with whole leases of 60 s.
#[test]
fn three_jobs_under_every_schedule() {
    let with_gangs = |submit, iterations, gpus| (submit, iterations, "resnet50", 256, Some(9000), gpus, 1000);
    let jobs = example(&[with_gangs(0, 6190, 4), with_gangs(30, 6190, 4), with_gangs(3000, 1843, 1)]);
    let elastic = [(0, 4, 0, 1028), (1, 8, 60, 1090), (2, 8, 3000, 3182)];
    let expected = [
        (Schedule::Edf, [(0, 8, 0, 597), (1, 8, 597, 1194), (2, 8, 3000, 3178)]),
        (Schedule::EdfAccessCtrl, [(0, 8, 0, 609), (1, 8, 609, 1208), (2, 8, 3000, 3180)]),
        (Schedule::Ef, elastic),
        (Schedule::EfAccessCtrl, elastic),
        (Schedule::DlasGpu, [(0, 4, 0, 1008), (1, 4, 60, 1068), (2, 1, 3000, 4000)]),
        (Schedule::Gandiva, [(0, 4, 0, 1016), (1, 4, 60, 1068), (2, 1, 3000, 4000)]),
        (Schedule::Themis, [(0, 4, NEVER, 1020), (1, 4, NEVER, 1080), (2, 1, NEVER, 4020)]),
    ];
    for (schedule, expected) in expected {
        let replayed = node(60).run(&jobs, schedule).unwrap();
        assert_eq!((spans(&replayed), counts(&replayed)), (expected.to_vec(), (3, 0)), "{schedule:?}");
    }
    let times = |schedule, read: fn(&elasticflow_sim::replica::FinishedJob) -> i64| -> Vec<i64> {
        node(60).run(&jobs, schedule).unwrap().finished.iter().map(read).collect()
    };
    assert_eq!(times(Schedule::Gandiva, |row| row.time), [3000, 3000, 4020]);
    assert_eq!(times(Schedule::DlasGpu, |row| row.pending), [0, 30, 0]);
}

/// Job 1 runs on 8 GPUs from 609 s on for 599 s, with 2 s of overhead for a communicator that
/// exists already.
#[test]
fn an_elastic_job_is_accounted_in_its_row() {
    let jobs = example(&[elastic(0, 6190, 9000), elastic(30, 6190, 9000), elastic(3000, 1843, 9000)]);
    let replayed = node(60).run(&jobs, Schedule::EdfAccessCtrl).unwrap();
    let alone = AloneFigures { feasible: Some(true), ..AloneFigures::default() };
    let rows = replayed.job_rows(&jobs, |_| alone);
    let second = &rows[1];
    assert_eq!((second.run_time.to_string(), second.overhead_time.to_string()), ("599".into(), "2".into()));
    assert_eq!(
        (second.gpu_seconds.to_string(), second.productive.to_string()),
        ("4792".into(), "4776".into())
    );
    assert_eq!(
        (second.jct.unwrap().to_string(), second.queue_delay.unwrap().to_string()),
        ("1178".into(), "579".into())
    );
    assert_eq!((second.admitted, second.feasible_alone, second.planned_end_time), (1, Some(1), None));
}

/// Under Tiresias a job does 2000 s of work after twice 10 s of overhead, and is preempted once.
#[test]
fn a_gang_is_accounted_in_its_row() {
    let jobs = example(&[gang(0, 8, 2000, 9000), gang(30, 1, 2000, 9000)]);
    let rows = node(60).run(&jobs, Schedule::DlasGpu).unwrap().job_rows(&jobs, |_| AloneFigures::default());
    assert_eq!(
        (rows[0].run_time.to_string(), rows[0].overhead_time.to_string()),
        ("2020".into(), "20".into())
    );
    assert_eq!(rows[0].preemptions, 1);
}

/// A job without iterations ends under `edf-accessctrl` when the next job arrives, whose 1843
/// iterations take 178 s on 8 GPUs besides 2 s of overhead. Schedules of gangs go by durations. The
/// others fail an assertion or divide by zero.
#[test]
fn a_job_without_iterations_runs_where_no_schedule_divides_by_them() {
    let jobs = example(&[
        (0, 0, "resnet50", 256, Some(3000), 1, 1000),
        (10, 1843, "resnet50", 256, Some(3000), 1, 1000),
    ]);
    let run = |schedule| node(60).run(&jobs, schedule).map(|replayed| spans(&replayed));
    assert_eq!(run(Schedule::EdfAccessCtrl), Ok(vec![(0, 8, 0, 10), (1, 8, 10, 190)]));
    assert_eq!(run(Schedule::DlasGpu), Ok(vec![(0, 1, 0, 1004), (1, 1, 10, 1014)]));
    assert_eq!(run(Schedule::Gandiva), Ok(vec![(0, 1, 0, 1004), (1, 1, 10, 1010)]));
    for schedule in [Schedule::Edf, Schedule::Ef, Schedule::EfAccessCtrl] {
        assert_eq!(run(schedule), Err(ReplicaError::NoProgress { job: "0".to_owned() }), "{schedule:?}");
    }
    assert_eq!(run(Schedule::Themis), Err(ReplicaError::NoWork { job: "0".to_owned() }));
}

/// Only Themis needs the speed of a gang for which the profiles say `0`.
#[test]
fn a_gang_without_a_speed_runs_where_no_schedule_needs_it() {
    let jobs = example(&[
        (0, 1000, "resnet50", 256, Some(9000), 16, 1000),
        (30, 1843, "resnet50_cifar10", 256, Some(9000), 16, 1000),
    ]);
    let run =
        |schedule| ReplicaRunner { cluster: (4, 8), ..node(60) }.run(&jobs, schedule).map(|r| spans(&r));
    assert_eq!(run(Schedule::DlasGpu), Ok(vec![(0, 16, 0, 1012), (1, 16, 30, 1042)]));
    assert_eq!(run(Schedule::Gandiva), Ok(vec![(0, 16, 0, 1012), (1, 16, 30, 1030)]));
    assert_eq!(run(Schedule::Themis), Err(ReplicaError::NoSpeed { job: "1".to_owned(), gpus: 16 }));
}

/// An empty cell of the profiles, or a gang that is not a column, ends the artifact, unless the
/// gang never runs.
#[test]
fn a_gang_without_a_cell_ends_the_artifact_if_it_runs() {
    let empty = example(&[(0, 1000, "deepspeech2", 32, Some(9000), 64, 1000)]);
    let large = ReplicaRunner { cluster: (8, 8), ..node(60) };
    let no_speed = ReplicaError::NoSpeed { job: "0".to_owned(), gpus: 64 };
    assert_eq!(large.run(&empty, Schedule::DlasGpu).unwrap_err(), no_speed);
    let never = example(&[gang(0, 4, 1000, 9000), gang(30, 24, 1000, 9000), gang(60, 100, 1000, 9000)]);
    assert_eq!(spans(&node(60).run(&never, Schedule::DlasGpu).unwrap()), [(0, 4, 0, 1008)]);
}

/// On a node of 16 GPUs a gang of 4 leaves 12, under which its set is filed, while it remembers 4
/// (Q27): it is not found when the next round begins.
#[test]
fn large_nodes_lose_partly_filled_sets() {
    let jobs = example(&[gang(0, 4, 1000, 9000), gang(30, 4, 1000, 9000)]);
    for log_rounds in [false, true] {
        let large = ReplicaRunner { cluster: (2, 16), log_rounds, ..node(60) };
        for schedule in [Schedule::DlasGpu, Schedule::Themis] {
            let lost = ReplicaError::Placement { job: "0".to_owned() };
            assert_eq!(large.run(&jobs, schedule).unwrap_err(), lost, "{schedule:?}");
        }
        assert!(large.run(&jobs, Schedule::Gandiva).is_ok());
    }
}

/// The artifact sorts the nodes of two switches of 32 nodes by their numbers in the switch. A job
/// that has ended leaves first, so that the nodes of the other come after its own.
#[test]
fn an_ended_job_leaves_its_nodes_first() {
    let jobs = example(&[gang(0, 8, 1000, 9000), gang(70, 8, 200, 9000)]);
    let runner = ReplicaRunner { cluster: (64, 8), log_rounds: true, ..node(60) };
    let replayed = runner.run(&jobs, Schedule::DlasGpu).unwrap();
    let after = replayed.log.iter().find(|round| round.time == 270).map(read_round);
    assert_eq!(after, Some((270, vec![(0, 8, 0)])));
}

/// A small elastic job.
fn small_job() -> std::sync::Arc<Workload> {
    example(&[elastic(0, 100_000, 1_000_000)])
}

#[test]
fn every_schedule_refuses_an_input_that_the_artifact_cannot_read() {
    let small = small_job();
    let no_jobs = Workload::new(vec![]).unwrap();
    let table = builtin("a100").unwrap();
    let uneven = Shape::new([8, 4].map(Gpus::new).to_vec()).unwrap();
    for schedule in Schedule::ALL {
        let fail = |runner: ReplicaRunner<'_>, jobs: &Workload| runner.run(jobs, schedule).unwrap_err();
        assert_eq!(fail(node(0), &small), ReplicaError::Slot, "{schedule:?}");
        assert_eq!(fail(node(10_000_000_001), &small), ReplicaError::Slot, "{schedule:?}");
        assert_eq!(fail(node(60), &no_jobs), ReplicaError::NoJobs, "{schedule:?}");
        let on_t4 = fail(ReplicaRunner { gpu: "t4", ..node(60) }, &small);
        assert!(matches!(on_t4, ReplicaError::NoCurve { .. }), "{schedule:?}: {on_t4}");
        let input = ReplicaInput {
            workload: &small,
            table: &table,
            gpu: GpuTable::A100,
            cluster: &uneven,
            slot: 60,
            quirks: Quirks::all(),
            log_rounds: false,
        };
        assert_eq!(
            replay(&input, schedule).unwrap_err(),
            ReplicaError::Nodes("1x8+1x4".to_owned()),
            "{schedule:?}"
        );
    }
}

/// 40 GPUs are not a column of the profiles (Q17).
#[test]
fn a_number_of_gpus_without_a_column_is_refused() {
    let refused = ReplicaRunner { cluster: (5, 8), ..node(60) }.run(&small_job(), Schedule::Edf).unwrap_err();
    assert_eq!(refused, ReplicaError::NoSpeed { job: "0".to_owned(), gpus: 40 });
}

#[test]
fn gangs_that_the_artifact_cannot_run_are_refused() {
    let (large, odd) = (example(&[gang(0, 16, 100, 9000)]), example(&[gang(0, 3, 100, 9000)]));
    let refused = |schedule, runner: ReplicaRunner<'_>, jobs| runner.run(jobs, schedule).unwrap_err();
    for schedule in [Schedule::Gandiva, Schedule::DlasGpu, Schedule::Themis] {
        assert_eq!(
            refused(schedule, node(60), &odd),
            ReplicaError::NoSpeed { job: "0".to_owned(), gpus: 3 },
            "{schedule:?}"
        );
        let six = ReplicaRunner { cluster: (4, 6), ..node(60) };
        assert_eq!(refused(schedule, six, &large), ReplicaError::Nodes("4x6".to_owned()), "{schedule:?}");
    }
    for schedule in [Schedule::Gandiva, Schedule::Themis] {
        let too_large = ReplicaError::TooLarge { job: "0".to_owned(), gpus: Gpus::new(16) };
        assert_eq!(refused(schedule, node(60), &large), too_large);
    }
}

/// Tiresias ends without the gang and does not count it (Q35).
#[test]
fn a_gang_larger_than_the_cluster_is_unfinished_under_tiresias() {
    let large = example(&[gang(0, 16, 100, 9000)]);
    let replayed = node(60).run(&large, Schedule::DlasGpu).unwrap();
    assert_eq!((replayed.finished.len(), counts(&replayed), replayed.declined_jobs.len()), (0, (0, 0), 0));
    assert_eq!(
        replayed.job_rows(&large, |_| AloneFigures::default())[0].state,
        elasticflow_sim::record::jobs::JobOutcome::Unfinished
    );
}
