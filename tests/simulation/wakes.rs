//! Schedulers that ask to be called at times of their own: skipping what changes nothing is exact,
//! and costs nothing.

use std::path::Path;
use std::sync::Arc;

use crate::common::{Job, job, overhead, run, scenario, slot};
use elasticflow_sim::cluster::Shape;
use elasticflow_sim::config::profiles::builtin;
use elasticflow_sim::profile::ProfiledSpeeds;
use elasticflow_sim::scheduler::{Entry, OptionsError, Plan, PolicyOptions, Scheduler, View, entries, entry};
use elasticflow_sim::sim::Scenario;
use elasticflow_sim::trace;
use elasticflow_sim::units::{Gpus, SimDuration, SimTime};

/// Calls a scheduler at the end of every lease of 60 s, counted from the plan that found only new
/// jobs, and at least every 17.3 s.
struct Stepped {
    inner: Box<dyn Scheduler>,
    begin: SimTime,
}

const LEASE: SimDuration = SimDuration::from_secs(60);
const STEP: SimDuration = SimDuration::from_micros(17_300_000);

impl Scheduler for Stepped {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        let mut plan = self.inner.plan(view);
        if view.live() == view.arrivals() {
            self.begin = view.now();
        }
        if !view.live().is_empty() {
            let elapsed = view.now().since(self.begin).as_micros();
            let into = SimDuration::from_micros(elapsed % LEASE.as_micros());
            plan.wake_at(view.now() + LEASE.saturating_sub(into));
            plan.wake_at(view.now() + STEP);
        }
        plan
    }
}

fn stepped(name: &str, options: &PolicyOptions, seed: u64) -> Result<Box<dyn Scheduler>, OptionsError> {
    let inner = (entry(name).expect("a scheduler").build)(options, seed)?;
    Ok(Box::new(Stepped { inner, begin: SimTime::ZERO }))
}

const STEPPED: [(&str, &[&str]); 5] = [
    ("tiresias", &["thresholds=[300, 2000]"]),
    ("tiresias", &["thresholds=[300, 2000]", "promote_after=4"]),
    ("tiresias", &["index=gittins", "quantum=500"]),
    ("tiresias", &["index=gittins", "quantum=500", "promote_after=2"]),
    ("themis", &["lease=60"]),
];

/// The same rows, byte for byte, whether the scheduler is called at every turn or only when it asks
/// to be. Without a slot: the cadence counts from plans, so there a call does change when the next
/// arrival is looked at.
fn stepping_changes_nothing(scenario: &Scenario) {
    for (name, options) in STEPPED {
        let options = PolicyOptions::parse(options.iter().copied()).unwrap();
        let entry = *entry(name).unwrap();
        let build = if name == "themis" {
            |o: &PolicyOptions, seed| stepped("themis", o, seed)
        } else {
            |o: &PolicyOptions, seed| stepped("tiresias", o, seed)
        };
        let stepped: &Entry = Box::leak(Box::new(Entry { build, ..entry }));
        let usual = Scenario {
            scheduler: elasticflow_sim::scheduler::entry(name).unwrap(),
            options,
            ..scenario.clone()
        };
        let each = run(&Scenario { scheduler: stepped, ..usual.clone() });
        let usual = run(&usual);
        for (usual, each) in usual.jobs.iter().zip(&each.jobs) {
            assert_eq!(usual, each, "{name}");
        }
        assert!(usual.totals.plans < each.totals.plans);
    }
}

#[test]
fn steps_between_change_nothing_on_the_shipped_traces() {
    let table = builtin("a100").unwrap();
    for (file, nodes) in [("bursty-195.csv", 2), ("bursty-195.csv", 8), ("mixed-200.csv", 4)] {
        let path = Path::new("traces").join(file);
        let workload = trace::read(&path, &table, &Default::default()).unwrap().workload;
        let speeds = Arc::new(ProfiledSpeeds::new(&table, &workload).unwrap());
        let scenario = Scenario {
            workload,
            truth: speeds.clone(),
            belief: speeds,
            cluster: Shape::uniform(nodes, Gpus::new(8)).unwrap(),
            ..scenario("themis", 1, 1, &[])
        };
        stepping_changes_nothing(&overhead(scenario, "on-change"));
    }
}

#[test]
fn steps_between_change_nothing_on_drawn_jobs() {
    let mut state = 5u64;
    let mut draw = |limit: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % limit
    };
    for round in 0..300 {
        let span = 200 + draw(4000);
        let jobs: Vec<Job> = (0..4 + draw(20))
            .map(|_| {
                let model = ["linear", "half", "flat"][draw(3) as usize];
                job(model, draw(4 * span) as f64 / 4.0, (1 + draw(1500)) as f64).on(1 << draw(5))
            })
            .collect();
        let preset = ["none", "fixed:7", "on-change"][round % 3];
        stepping_changes_nothing(&overhead(scenario("themis", 2, 8, &jobs), preset));
    }
}

fn busy_hour(from: f64) -> impl Iterator<Item = Job> {
    (0..40).map(move |row| {
        let (at, row) = (from + f64::from(row * 97 % 3600), row as u32);
        let sized = job(["linear", "half", "peak"][row as usize % 3], at, f64::from(500 + row * 331 % 4000));
        let sized = sized.on(1 << (row % 4));
        if row.is_multiple_of(5) { sized } else { sized.due(at + f64::from(100 + row * 173 % 3000)) }
    })
}

#[test]
fn a_year_of_nothing_costs_nothing() {
    const YEAR: f64 = 365.0 * 86400.0;
    let plans = |name: &str, gap: f64| {
        let jobs: Vec<Job> = busy_hour(0.0).chain(busy_hour(gap)).collect();
        run(&overhead(slot(scenario(name, 2, 8, &jobs), 60.0), "on-change")).totals.plans
    };
    for entry in entries() {
        let (days, year) = (plans(entry.name, 10.0 * 86400.0), plans(entry.name, YEAR));
        assert!(days.abs_diff(year) <= 2, "{}: {days} plans, with a year in the middle {year}", entry.name);
    }
    // Nor does a year of one job that has the cluster to itself.
    let alone = [job("linear", 0.0, 8.0 * YEAR).on(8)];
    for entry in entries() {
        let plans = run(&scenario(entry.name, 1, 8, &alone)).totals.plans;
        // Pollux lets it begin in its second round, and first finds out how fast it is on 1, 2, 4
        // and 8 GPUs.
        let most = if entry.name == "pollux" { 7 } else { 3 };
        assert!(plans <= most, "{}: {plans} plans", entry.name);
    }
    let gittins = PolicyOptions::parse(["index=gittins"]).unwrap();
    let plans = run(&Scenario { options: gittins, ..scenario("tiresias", 1, 8, &alone) }).totals.plans;
    assert!(plans <= 3, "{plans}");
}
