use super::*;
use crate::record::jobs::AloneFigures;
use crate::units::Iterations;

/// A job submitted at `submit` that held one GPU from `start` to `end` without a pause, in seconds.
fn row(id: &str, deadline: Option<u64>, state: JobOutcome, [submit, start, end]: [u64; 3]) -> JobRow {
    let at = SimTime::from_secs;
    let ended = matches!(state, JobOutcome::Met | JobOutcome::Late | JobOutcome::Completed);
    let held = Gpus::ONE * SimDuration::from_secs(end - start);
    JobRow {
        job_id: id.to_owned(),
        model: "m".to_owned(),
        batch_size: 64,
        class: if deadline.is_some() { Class::Slo } else { Class::BestEffort }.as_str().to_owned(),
        submit_time: at(submit),
        deadline: deadline.map(at),
        requested_gpus: Gpus::ONE,
        iterations: Iterations::new(1.0),
        state,
        admitted: u8::from(state != JobOutcome::Declined),
        start_time: (state != JobOutcome::Declined).then_some(at(start)),
        end_time: ended.then_some(at(end)),
        planned_end_time: None,
        jct: ended.then(|| at(end).since(at(submit))),
        queue_delay: ended.then(|| at(start).since(at(submit))),
        run_time: SimDuration::from_secs(end - start),
        gpu_seconds: held,
        overhead_time: SimDuration::ZERO,
        rescales: 0,
        preemptions: 0,
        migrations: 0,
        deadline_met: deadline.map(|_| u8::from(state == JobOutcome::Met)),
        alone: AloneFigures { feasible: deadline.map(|_| true), least: held, requested: Some(held) },
        feasible_alone: deadline.map(|_| 1),
        reason: String::new(),
        productive: held,
        earned: None,
    }
}

fn of(rows: &[JobRow], until: Option<u64>) -> Metrics {
    let totals = Totals { plans: 7, events: 9, split_placements: 2, fallbacks: 3, cluster_efficiency: 0.5 };
    Metrics::of(rows, &totals, Gpus::new(4), until.map(SimTime::from_secs))
}

/// Five jobs on 4 GPUs. Submissions from 10 s, last end at 110 s: 100 s, 400 GPU-seconds.
///
/// | job | deadline | state     | submit start end | jct | delay |
/// | a   | 60       | met       | 10 10 50         | 40  | 0     |
/// | b   | 60       | late      | 10 30 80         | 70  | 20    |
/// | c   | 70       | declined  | 20               |     |       |
/// | d   | -        | completed | 20 30 110        | 90  | 10    |
/// | e   | -        | completed | 30 30 40         | 10  | 0     |
fn five() -> Vec<JobRow> {
    let mut rows = vec![
        row("a", Some(60), JobOutcome::Met, [10, 10, 50]),
        row("b", Some(60), JobOutcome::Late, [10, 30, 80]),
        row("c", Some(70), JobOutcome::Declined, [20, 20, 20]),
        row("d", None, JobOutcome::Completed, [20, 30, 110]),
        row("e", None, JobOutcome::Completed, [30, 30, 40]),
    ];
    rows[0].rescales = 2;
    rows[1].preemptions = 1;
    rows[3].rescales = 1;
    rows[3].migrations = 4;
    rows[2].feasible_alone = Some(0);
    rows
}

#[test]
fn counts_and_ratios() {
    let m = of(&five(), None);
    assert_eq!((m.jobs, m.slo_jobs, m.best_effort_jobs, m.feasible_alone), (5, 3, 2, 2));
    assert_eq!((m.admitted, m.declined, m.met, m.late, m.admitted_late), (2, 1, 1, 1, 1));
    assert_eq!((m.dsr, m.admit_ratio), (Some(1.0 / 3.0), Some(2.0 / 3.0)));
    assert_eq!((m.planned_dsr, m.soft_value), (None, None));
    // Met a asks for 40 GPU-seconds, b for 50, and c for none of its own.
    assert_eq!(m.dsr_gpu_hours, Some(40.0 / 90.0));
    assert_eq!((m.best_effort_completed, m.best_effort_declined), (2, 0));
    assert_eq!((m.unfinished, m.open, m.not_submitted), (0, 0, 0));
    assert_eq!((m.rescales, m.preemptions, m.migrations), (3, 1, 4));
    assert_eq!((m.split_placements, m.fallbacks, m.plans, m.events), (2, 3, 7, 9));
}

#[test]
fn times() {
    let m = of(&five(), None);
    // 10, 40, 70, 90: the mean is 210/4; ranks ⌈2⌉, ⌈3.6⌉ and ⌈3.96⌉.
    assert_eq!(m.jct, Some(Spread { mean: 52.5, p50: 40.0, p90: 90.0, p99: 90.0, max: 90.0 }));
    assert_eq!(m.best_effort_jct, Some(Spread { mean: 50.0, p50: 10.0, p90: 90.0, p99: 90.0, max: 90.0 }));
    assert_eq!(m.queue_delay, Some(Spread { mean: 7.5, p50: 0.0, p90: 20.0, p99: 20.0, max: 20.0 }));
    assert_eq!(m.tardiness, Some(Spread { mean: 20.0, p50: 20.0, p90: 20.0, p99: 20.0, max: 20.0 }));
    assert_eq!(m.makespan, Some(100.0));
    // Held: 40 + 50 + 0 + 80 + 10 = 180 of 400 GPU-seconds. Useful: all but b's 50.
    assert_eq!((m.gpu_utilization, m.cluster_efficiency), (Some(0.45), Some(0.5)));
    assert_eq!((m.useful_gpu_hours, m.held_gpu_hours), (130.0 / 3600.0, 130.0 / 3600.0));
}

/// Three jobs by hand. Of a, the 40 GPU-seconds held hold 10 of restart overhead; its work takes 30
/// on one GPU. d held 80 on several GPUs at poor efficiency, and takes 32 on one. e took what it
/// takes. Late b and declined c are of no use.
#[test]
fn useful_work_is_at_the_most_efficient_size_and_pauses_are_none_of_it() {
    let gpu_time = |seconds| Gpus::ONE * SimDuration::from_secs(seconds);
    let mut rows = five();
    rows[0].productive = gpu_time(30);
    rows[0].alone.least = gpu_time(30);
    rows[3].alone.least = gpu_time(32);
    let m = of(&rows, None);
    assert_eq!((m.useful_gpu_hours, m.held_gpu_hours), (72.0 / 3600.0, 120.0 / 3600.0));
    assert_eq!(m.gpu_utilization, Some(0.45));
}

#[test]
fn weight_is_unknown_where_one_job_has_none() {
    let mut rows = five();
    rows[3].alone.requested = None;
    assert_eq!(of(&rows, None).dsr_gpu_hours, Some(40.0 / 90.0));
    rows[1].alone.requested = None;
    assert_eq!(of(&rows, None).dsr_gpu_hours, None);
}

#[test]
fn a_promise_counts_if_it_is_in_time_whatever_happens() {
    let mut rows = five();
    rows[0].planned_end_time = Some(SimTime::from_secs(61));
    rows[1].planned_end_time = Some(SimTime::from_secs(60));
    assert_eq!(of(&rows, None).planned_dsr, Some(1.0 / 3.0));
}

/// Of 10 each, 10 by 60 s, 5 by 90 s and nothing later: in time, 10 s too late, an hour too late,
/// never. (1 + 1/2) / 4.
#[test]
fn soft_deadlines_count_by_the_value_that_is_left() {
    let earned = [10.0, 5.0, 0.0, 0.0];
    let states = [JobOutcome::Met, JobOutcome::Late, JobOutcome::Late, JobOutcome::Declined];
    let ends = [50, 70, 3600, 10];
    let rows: Vec<JobRow> = std::iter::zip(states, std::iter::zip(ends, earned))
        .map(|(state, (end, earned))| JobRow {
            class: Class::Soft.as_str().to_owned(),
            earned: Some((earned, 10.0)),
            ..row("a", Some(60), state, [10, 10, end])
        })
        .collect();
    let m = of(&rows, None);
    assert_eq!((m.slo_jobs, m.best_effort_jobs, m.met, m.late, m.declined), (4, 0, 1, 2, 1));
    assert_eq!((m.soft_value, m.dsr, m.admitted_late), (Some(0.375), Some(0.25), 1));
}

/// A run of six jobs that was cut off at 210 s.
///
/// | job | deadline | state                                        | counts |
/// | a   | 60       | met                                          | yes    |
/// | b   | 60       | runs since 30 s, 180 s                       | yes    |
/// | c   | 900      | runs since 100 s, 110 s                      | no     |
/// | d   | 900      | declined                                     | yes    |
/// | e   | 900      | comes at 300 s                               | no     |
/// | f   | -        | comes at 300 s                               |        |
#[test]
fn a_cut_run_accounts_for_every_job_and_ends_at_the_cut() {
    let mut rows = vec![
        row("a", Some(60), JobOutcome::Met, [10, 10, 50]),
        row("b", Some(60), JobOutcome::Unfinished, [10, 30, 210]),
        row("c", Some(900), JobOutcome::Unfinished, [100, 100, 210]),
        row("d", Some(900), JobOutcome::Declined, [20, 20, 20]),
        row("e", Some(900), JobOutcome::NotSubmitted, [300, 300, 300]),
        row("f", None, JobOutcome::NotSubmitted, [300, 300, 300]),
    ];
    (rows[2].deadline_met, rows[4].deadline_met) = (None, None);
    (rows[4].admitted, rows[5].admitted) = (0, 0);
    let m = of(&rows, Some(210));
    assert_eq!((m.jobs, m.slo_jobs, m.best_effort_jobs), (6, 5, 1));
    assert_eq!((m.met, m.late, m.declined, m.unfinished, m.open, m.not_submitted), (1, 0, 1, 2, 1, 1));
    assert_eq!((m.best_effort_completed, m.best_effort_not_submitted), (0, 1));
    // Of a, b and d one was met, and two were admitted and could be met alone.
    assert_eq!((m.dsr, m.admit_ratio, m.feasible_alone), (Some(1.0 / 3.0), Some(2.0 / 3.0), 3));
    assert_eq!((m.makespan, m.gpu_utilization), (Some(200.0), Some(330.0 / 800.0)));
    // Where the cut leaves nothing behind, the last end counts: 40 s, and 40 of 160 GPU-seconds.
    let whole = of(&[rows[0].clone()], Some(210));
    assert_eq!((whole.makespan, whole.gpu_utilization), (Some(40.0), Some(0.25)));
    // Before the first submission there is no span, and no ratio.
    let none = of(&rows[4..], Some(210));
    assert_eq!((none.dsr, none.makespan, none.gpu_utilization, none.jobs), (None, None, None, 2));
}

/// 200 jobs wait 10 s each, but one of 8 GPUs waits two hours, and 150 that come after it overtake
/// it.
#[test]
fn a_starved_job_is_found() {
    let mut rows: Vec<JobRow> = (0..200)
        .map(|n| row(&n.to_string(), None, JobOutcome::Completed, [50 + n, 60 + n, 70 + n]))
        .collect();
    rows.push(row("big", None, JobOutcome::Completed, [99, 99 + 7200, 8000]));
    rows[200].requested_gpus = Gpus::new(8);
    let found = starvation(&rows, None).expect("one job starves");
    assert_eq!((found.job_id.as_str(), found.requested, found.others), ("big", Gpus::new(8), 10.0));
    assert_eq!((found.waited, found.overtaken_by), (SimDuration::from_secs(7200), 150));
    // Cut off while it still waits, it has waited until then.
    rows[200] = row("big", None, JobOutcome::Unfinished, [99, 5000, 5000]);
    rows[200].start_time = None;
    let cut = starvation(&rows, Some(SimTime::from_secs(5000))).expect("it starves so far");
    assert_eq!(cut.waited, SimDuration::from_secs(4901));
    rows[200] = row("big", None, JobOutcome::Completed, [99, 199, 300]);
    assert_eq!((starvation(&rows, None), starvation(&[], None)), (None, None));
}

#[test]
fn nothing_over_nothing_is_null() {
    let m = of(&[], None);
    assert_eq!((m.dsr, m.admit_ratio, m.planned_dsr, m.jct, m.tardiness), (None, None, None, None, None));
    assert_eq!((m.makespan, m.gpu_utilization, m.cluster_efficiency), (None, None, None));
}

#[test]
fn percentiles_are_by_nearest_rank() {
    let times = |count: u64| Spread::of((1..=count).rev().map(SimDuration::from_secs));
    assert_eq!(times(100), Some(Spread { mean: 50.5, p50: 50.0, p90: 90.0, p99: 99.0, max: 100.0 }));
    assert_eq!(times(1), Some(Spread { mean: 1.0, p50: 1.0, p90: 1.0, p99: 1.0, max: 1.0 }));
    // Of 11: ranks ⌈5.5⌉, ⌈9.9⌉, ⌈10.89⌉.
    assert_eq!(times(11), Some(Spread { mean: 6.0, p50: 6.0, p90: 10.0, p99: 11.0, max: 11.0 }));
}
