//! Every scheduler on every trace that the project ships: one table, so that a change of behaviour
//! is a line in a review.

use std::path::{Path, PathBuf};

use crate::replay::replay;
use elasticflow_sim::record::jobs::JobRow;
use elasticflow_sim::scheduler::{self, PolicyOptions};
use elasticflow_sim::sim::{Scenario, SimError, simulate};

const TRACES: [&str; 4] = ["light-100", "bursty-195", "fig9-load-1000", "mixed-200"];

fn sum(rows: &[JobRow], column: fn(&JobRow) -> u32) -> u32 {
    rows.iter().map(column).sum()
}

fn line(trace: &str, scenario: &Scenario) -> String {
    let name = scenario.scheduler.name;
    let rows = match simulate(scenario, &mut ()) {
        Ok(outcome) => outcome.jobs,
        Err(SimError::Scenario(why)) => return format!("{trace:<14} {name:<24} skipped: {why}\n"),
        Err(why) => panic!("{why}"),
    };
    let (met, slo) = (
        rows.iter().filter(|row| row.deadline_met == Some(1)).count(),
        rows.iter().filter(|row| row.deadline.is_some()).count(),
    );
    let jcts: Vec<f64> = rows.iter().filter_map(|row| row.jct).map(|jct| jct.as_secs_f64()).collect();
    let first = rows.iter().map(|row| row.submit_time).min().unwrap();
    let last = rows.iter().filter_map(|row| row.end_time).max().unwrap();
    format!(
        "{trace:<14} {name:<24} {:.4} {:>10.1} {:>10.1} {:>8} {:>11} {:>10}\n",
        met as f64 / slo as f64,
        jcts.iter().sum::<f64>() / jcts.len() as f64,
        last.since(first).as_secs_f64(),
        sum(&rows, |row| row.rescales),
        sum(&rows, |row| row.preemptions),
        sum(&rows, |row| row.migrations),
    )
}

#[test]
fn every_scheduler_on_every_shipped_trace() {
    let mut shipped: Vec<_> =
        std::fs::read_dir("traces").unwrap().map(|entry| entry.unwrap().path()).collect();
    shipped.retain(|path| path.extension().is_some_and(|ext| ext == "csv"));
    shipped.sort();
    let mut replayed: Vec<_> = TRACES.map(|trace| PathBuf::from(format!("traces/{trace}.csv"))).into();
    replayed.sort();
    assert_eq!(shipped, replayed, "a trace is not in the table");

    let mut table = format!(
        "{:<14} {:<24} {:<6} {:>10} {:>10} {:>8} {:>11} {:>10}\n",
        "trace", "scheduler", "dsr", "mean_jct", "makespan", "rescales", "preemptions", "migrations"
    );
    for trace in TRACES {
        let path = format!("traces/{trace}.csv");
        let base = replay(Path::new(&path), "a100", (16, 8), 60, scheduler::entries()[0].name);
        for scheduler in scheduler::entries() {
            // A search that is quick, not good: its full effort takes minutes on these.
            let quick: &[&str] =
                if scheduler.name == "pollux" { &["population=8", "generations=4"] } else { &[] };
            let options = PolicyOptions::parse(quick.iter().copied()).unwrap();
            table += &line(trace, &Scenario { scheduler, options, ..base.clone() });
        }
    }
    insta::assert_snapshot!("every_scheduler", table);
}
