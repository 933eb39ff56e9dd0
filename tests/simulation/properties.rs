//! What holds for every scheduler on every workload, cluster, cadence and overhead.

use crate::common;
use std::io;

use crate::common::Job;
use elasticflow_sim::cluster::Shape;
use elasticflow_sim::job::{JobId, JobSpec};
use elasticflow_sim::profile::{Configuration, SpeedModel};
use elasticflow_sim::progress::Turns;
use elasticflow_sim::record::jobs::{JobOutcome, JobRow};
use elasticflow_sim::record::{Happened, Observer};
use elasticflow_sim::scheduler::PolicyOptions;
use elasticflow_sim::sim::{Outcome, Scenario, simulate};
use elasticflow_sim::units::{Gpus, Iterations, Rate, SimDuration, SimTime};
use elasticflow_sim::workload::Workload;
use elasticflow_sim::{placement, scheduler};
use proptest::prelude::*;

/// Everything of a random scenario but the scheduler.
#[derive(Clone, Debug)]
struct RandomCase {
    jobs: Vec<Job>,
    nodes: Vec<u32>,
    slot: f64,
    overhead: &'static str,
    /// Of the policies that admit by reservations.
    admission: [&'static str; 2],
}

impl RandomCase {
    fn scenario(&self, scheduler: &str, shift: f64) -> Scenario {
        let shifted = |job: &Job| Job {
            submit: job.submit + shift,
            deadline: job.deadline.map(|deadline| deadline + shift),
            ..*job
        };
        let jobs: Vec<Job> = self.jobs.iter().map(shifted).collect();
        let cluster = Shape::new(self.nodes.iter().map(|g| Gpus::new(*g)).collect()).expect("a cluster");
        let buddy = placement::entry("buddy").expect("a placer");
        let placer = if (buddy.check)(&cluster).is_ok() { "buddy" } else { "first-fit" };
        let scenario = common::slot(common::scenario(scheduler, 1, 1, &jobs), self.slot);
        let scenario = Scenario { cluster, placer: placement::entry(placer).expect("a placer"), ..scenario };
        // Rounds that are few and searches that are short, for thousands of runs.
        let brief = ["population=4", "generations=2", "interval=600"];
        let options = match scheduler {
            "pollux" => PolicyOptions::parse(brief).expect("options"),
            "elasticflow" | "edf-admission" => PolicyOptions::parse(self.admission).expect("options"),
            _ => scenario.options.clone(),
        };
        common::overhead(Scenario { options, ..scenario }, self.overhead)
    }
}

fn cases() -> impl Strategy<Value = RandomCase> {
    let model = prop::sample::select(vec!["linear", "flat", "half", "peak"]);
    let deadline = prop_oneof![1 => Just(None), 4 => (1u32..4000).prop_map(Some)];
    let job =
        (model, 0u32..2000, 1u32..3000, deadline, 0u32..4).prop_map(|(model, submit, work, due, size)| {
            let submit = f64::from(submit) / 4.0;
            let deadline = due.map(|due| submit + f64::from(due) / 4.0);
            Job { model, submit, iterations: f64::from(work), deadline, gpus: 1 << size }
        });
    let uniform = (1usize..5, 0u32..4).prop_map(|(nodes, size)| vec![1 << size; nodes]);
    let odd = prop::collection::vec(1u32..7, 1..4);
    let slot = prop::sample::select(vec![0.0, 0.5, 7.0, 60.0]);
    let overheads = vec!["none", "fixed:0.5", "fixed:17", "fixed:60", "on-change", "measured", "chronus"];
    let overhead = prop::sample::select(overheads);
    let urgent = prop::sample::select(vec!["urgent=true", "urgent=false"]);
    let judge = prop::sample::select(vec!["judge=arrival", "judge=cheapest"]);
    let admission = (urgent, judge).prop_map(|(urgent, judge)| [urgent, judge]);
    (prop::collection::vec(job, 1..30), prop_oneof![3 => uniform, 1 => odd], slot, overhead, admission)
        .prop_map(|(jobs, nodes, slot, overhead, admission)| RandomCase {
            jobs,
            nodes,
            slot,
            overhead,
            admission,
        })
}

/// What an observer hears that one job does.
#[derive(Clone, Copy, Default)]
struct JobAudit {
    done: f64,
    rate: f64,
    works_from: SimTime,
    turns: Option<Turns>,
    gpus: Gpus,
    started: bool,
    declined: bool,
    ends: u32,
}

/// Follows from the outside how much work each job must have done by what it held.
struct Auditor<'a> {
    scenario: &'a Scenario,
    jobs: Vec<JobAudit>,
}

impl Auditor<'_> {
    fn go_on(&mut self, job: JobId, at: SimTime, gpus: Gpus, restart: SimDuration) {
        let spec = self.scenario.workload.job(job);
        let setting = Configuration { nodes: 1, gpus, batch: spec.batch_size };
        let rate = self.scenario.truth.rate(spec, Default::default(), &setting);
        let seen = &mut self.jobs[job.index()];
        let worked =
            seen.turns.take().map_or_else(|| at.since(seen.works_from), |turns| turn_by_turn(turns, at));
        seen.done += seen.rate * worked.as_secs_f64();
        seen.rate = rate.map_or(0.0, |rate| rate.get());
        seen.works_from = at + restart;
        seen.gpus = gpus;
        seen.started |= !gpus.is_zero();
    }
}

impl Observer for Auditor<'_> {
    fn observe(&mut self, at: SimTime, _: &Workload, what: &Happened<'_>) -> io::Result<()> {
        match what {
            Happened::Allocated { job, nodes, restart, turns, .. } => {
                self.go_on(*job, at, nodes.gpus(), *restart);
                let seen = &mut self.jobs[job.index()];
                // GPUs are counted once, with whose turn is first.
                if turns.is_some_and(|turns| turns.place > 0) {
                    seen.gpus = Gpus::ZERO;
                }
                seen.turns = *turns;
            }
            Happened::Ended { job, .. } => {
                self.go_on(*job, at, Gpus::ZERO, SimDuration::ZERO);
                self.jobs[job.index()].ends += 1;
            }
            Happened::Declined { job, .. } => self.jobs[job.index()].declined = true,
            Happened::Planned(now) => {
                let counted: Gpus = self.jobs.iter().map(|seen| seen.gpus).sum();
                // The turns of a member that has ended are idle but held until the next plan.
                assert!(counted <= now.gpus_busy, "{counted} of {}", now.gpus_busy);
                assert!(now.gpus_busy <= now.gpus_total);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Work in a rotation, summed up turn by turn.
fn turn_by_turn(turns: Turns, until: SimTime) -> SimDuration {
    let mut worked = SimDuration::ZERO;
    let mut restart = turns.first_restart;
    let mut from = turns.start + SimDuration::from_micros(turns.place * turns.quantum.as_micros());
    while from < until {
        worked += (from + turns.quantum).min(until).since(from + restart);
        restart = turns.restart;
        from = from + SimDuration::from_micros(turns.members * turns.quantum.as_micros());
    }
    worked
}

fn audit(scenario: &Scenario) -> Outcome {
    let mut auditor = Auditor { scenario, jobs: vec![JobAudit::default(); scenario.workload.len()] };
    let outcome = simulate(scenario, &mut auditor).expect("a run");
    for (row, seen) in outcome.jobs.iter().zip(&auditor.jobs) {
        if row.state == JobOutcome::Declined {
            assert!(seen.declined && !seen.started && seen.ends == 0, "{}", row.job_id);
            assert!(!row.reason.is_empty() && row.start_time.is_none(), "{}", row.job_id);
            continue;
        }
        assert!(!seen.declined && seen.ends == 1, "{} ends {} times", row.job_id, seen.ends);
        // Rounding up to the microsecond at every change is all that may be done beyond the work.
        let (work, most) = (row.iterations.get(), row.iterations.get() + 1e-3);
        assert!((work - 1e-6..most).contains(&seen.done), "{}: {} of {work}", row.job_id, seen.done);
        let parts = row.queue_delay.expect("a delay") + row.run_time;
        assert_eq!(row.jct, Some(parts), "{}", row.job_id);
    }
    outcome
}

/// Rows moved back by `by` seconds.
fn shifted_back(rows: &[JobRow], by: u64) -> Vec<JobRow> {
    let by = SimDuration::from_secs(by);
    let back = |row: &JobRow| JobRow {
        submit_time: row.submit_time.back(by),
        deadline: row.deadline.map(|time| time.back(by)),
        start_time: row.start_time.map(|time| time.back(by)),
        end_time: row.end_time.map(|time| time.back(by)),
        planned_end_time: row.planned_end_time.map(|time| time.back(by)),
        // Reasons name instants.
        reason: String::new(),
        ..row.clone()
    };
    rows.iter().map(back).collect()
}

/// Speeds that are `factor` times others: wrong profiles.
struct Scaled {
    speeds: std::sync::Arc<dyn SpeedModel>,
    factors: Vec<f64>,
}

impl SpeedModel for Scaled {
    fn sizes(&self, job: &JobSpec) -> &[Gpus] {
        self.speeds.sizes(job)
    }
    fn rate(&self, job: &JobSpec, at: Iterations, setting: &Configuration) -> Option<Rate> {
        let factor = self.factors[job.id.index() % self.factors.len()];
        self.speeds.rate(job, at, setting).map(|rate| Rate::new(rate.get() * factor))
    }
}

/// Policies that promise ends.
const PROMISING: [&str; 3] = ["elasticflow", "edf-admission", "chronus"];

/// As many as `PROPTEST_CASES` says, or 3,000.
fn property_cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(3000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: property_cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn work_is_conserved_and_every_job_ends_once(case in cases()) {
        for entry in scheduler::entries() {
            let outcome = audit(&case.scenario(entry.name, 0.0));
            for row in &outcome.jobs {
                if row.planned_end_time.is_some() {
                    prop_assert!(PROMISING.contains(&entry.name));
                    prop_assert_eq!(row.state, JobOutcome::Met, "{} under {}", &row.job_id, entry.name);
                    prop_assert_eq!(row.feasible_alone, Some(1), "{} under {}", &row.job_id, entry.name);
                }
                let best_effort = row.class == "best_effort";
                prop_assert!(!best_effort || row.state != JobOutcome::Declined || row.reason.contains("needs at least"));
                prop_assert!(row.deadline_met != Some(1) || row.feasible_alone == Some(1), "{}", &row.job_id);
            }
        }
    }

    #[test]
    fn a_run_can_be_repeated_and_shifted(case in cases(), by in 1u32..1_000_000_000) {
        for entry in scheduler::entries() {
            let first = audit(&case.scenario(entry.name, 0.0));
            let again = audit(&case.scenario(entry.name, 0.0));
            prop_assert_eq!(&first.jobs, &again.jobs);
            prop_assert_eq!(first.totals, again.totals);
            let later = audit(&case.scenario(entry.name, f64::from(by)));
            prop_assert_eq!(shifted_back(&first.jobs, 0), shifted_back(&later.jobs, u64::from(by)), "{}", entry.name);
        }
    }

    /// A job that runs slower than the profiles say may be late, and so may the jobs that wait for
    /// it; but every plan is legal and every job ends.
    #[test]
    fn wrong_profiles_break_nothing_but_promises(
        case in cases(),
        factors in prop::collection::vec(0.3f64..2.0, 1..5),
    ) {
        for entry in scheduler::entries() {
            let scenario = case.scenario(entry.name, 0.0);
            let truth = std::sync::Arc::new(Scaled { speeds: scenario.truth.clone(), factors: factors.clone() });
            audit(&Scenario { truth, ..scenario });
        }
    }

    /// A job that runs faster than the profiles say makes no other job late.
    #[test]
    fn pessimistic_profiles_keep_every_promise(case in cases(), factors in prop::collection::vec(1f64..2.0, 1..5)) {
        for name in PROMISING {
            let scenario = case.scenario(name, 0.0);
            let truth = std::sync::Arc::new(Scaled { speeds: scenario.truth.clone(), factors: factors.clone() });
            for row in audit(&Scenario { truth, ..scenario }).jobs {
                prop_assert!(row.planned_end_time.is_none() || row.state == JobOutcome::Met, "{} under {name}", row.job_id);
            }
        }
    }
}
