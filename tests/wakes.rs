//! Schedulers that ask to be called at times of their own: skipping what changes nothing is exact, and costs nothing.

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{Job, job, overhead, run, scenario, slot};
use elasticflow_sim::cluster::Shape;
use elasticflow_sim::config::profiles::builtin;
use elasticflow_sim::profile::Profiled;
use elasticflow_sim::scheduler::{Entry, Options, OptionsError, Plan, Scheduler, View, entries, entry};
use elasticflow_sim::sim::Scenario;
use elasticflow_sim::trace;
use elasticflow_sim::units::{Gpus, SimDuration, SimTime};

/// Calls a scheduler at the end of every lease of 600 s, counted from the plan that found only new jobs, and at least every
/// 137 s.
struct Stepped {
    inner: Box<dyn Scheduler>,
    begin: SimTime,
}

impl Scheduler for Stepped {
    fn plan(&mut self, view: &View<'_>) -> Plan {
        let mut plan = self.inner.plan(view);
        if view.live() == view.arrivals() {
            self.begin = view.now();
        }
        if !view.live().is_empty() {
            let (lease, elapsed) = (SimDuration::from_secs(600), view.now().since(self.begin));
            let into = SimDuration::from_micros(elapsed.as_micros() % lease.as_micros());
            plan.wake_at(view.now() + lease.saturating_sub(into));
            plan.wake_at(view.now() + SimDuration::from_secs(137));
        }
        plan
    }
}

fn stepped(name: &str, options: &Options) -> Result<Box<dyn Scheduler>, OptionsError> {
    let inner = (entry(name).expect("a scheduler").build)(options)?;
    Ok(Box::new(Stepped { inner, begin: SimTime::ZERO }))
}

/// The same rows, byte for byte, whether the scheduler is called at every turn or only when it asks to be. Without a slot:
/// the cadence counts from plans, so there a call does change when the next arrival is looked at.
#[test]
fn leases_and_queues_are_skipped_exactly() {
    let tiresias = Entry { build: |options| stepped("tiresias", options), ..*entry("tiresias").unwrap() };
    let themis = Entry { build: |options| stepped("themis", options), ..*entry("themis").unwrap() };
    let (tiresias, themis): (&Entry, &Entry) = (Box::leak(Box::new(tiresias)), Box::leak(Box::new(themis)));
    let table = builtin("a100").unwrap();
    for file in ["bursty-195.csv", "mixed-200.csv"] {
        let path = Path::new("traces").join(file);
        let workload = trace::read(&path, &table, &Default::default()).unwrap().workload;
        let speeds = Arc::new(Profiled::new(&table, &workload).unwrap());
        let workload = Arc::new(workload);
        for (stepped, options) in [
            (tiresias, vec![]),
            (tiresias, vec!["index=gittins"]),
            (tiresias, vec!["promote_after=4"]),
            (themis, vec![]),
        ] {
            for nodes in [2, 4, 16] {
                let usual = Scenario {
                    workload: workload.clone(),
                    truth: speeds.clone(),
                    belief: speeds.clone(),
                    cluster: Shape::uniform(nodes, Gpus::new(8)).unwrap(),
                    options: Options::parse(options.iter().copied()).unwrap(),
                    ..scenario(stepped.name, 1, 1, &[])
                };
                let usual = overhead(usual, "on-change");
                let each = run(&Scenario { scheduler: stepped, ..usual.clone() });
                let usual = run(&usual);
                assert_eq!(usual.jobs, each.jobs, "{} {options:?} {file} on {nodes} nodes", stepped.name);
                assert!(usual.totals.plans * 2 < each.totals.plans);
            }
        }
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
        assert!(plans <= 3, "{}: {plans} plans", entry.name);
    }
    let gittins = Options::parse(["index=gittins"]).unwrap();
    let plans = run(&Scenario { options: gittins, ..scenario("tiresias", 1, 8, &alone) }).totals.plans;
    assert!(plans <= 3, "{plans}");
}
