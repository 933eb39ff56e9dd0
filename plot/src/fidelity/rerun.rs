//! Runs of the published artifact, from the reference data set.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use elasticflow_sim::scheduler;
use serde::Deserialize;

use crate::config::FigureCase;

use super::cell::RatioClaim;

/// One run of the artifact.
#[derive(Clone, Debug)]
pub(super) struct Rerun {
    trace: String,
    /// The cluster, as NODESxGPUS.
    pub(super) cluster: String,
    gpu: String,
    schedule: String,
    /// The ratio that the artifact prints, and the one by its recorded ends.
    pub(super) ratio: RatioClaim,
    /// Gandiva's mean JCT of best-effort jobs ÷ that of this run, if both were run.
    pub(super) gain: Option<RatioClaim>,
}

/// All runs of the artifact.
pub(super) struct Reruns(Vec<Rerun>);

/// A row of `reference/index.csv`.
#[derive(Deserialize)]
struct IndexRow {
    trace: String,
    nodes: u32,
    gpus_per_node: u32,
    gpu: String,
    schedule: String,
    planned_dsr: f64,
    dsr: f64,
    jobs_csv: String,
}

/// A row of a run's file of jobs.
#[derive(Deserialize)]
struct JobTime {
    jct: f64,
    best_effort: u8,
}

impl Reruns {
    /// Reads the index of the data set.
    ///
    /// # Errors
    ///
    /// If the index or a file of jobs cannot be read.
    pub(super) fn read(data: &Path) -> Result<Reruns> {
        let path = data.join("reference/index.csv");
        let why = || format!("{}: the fidelity table needs the artifact's runs; give --data", path.display());
        let mut all = Vec::new();
        // The mean under Gandiva, by trace and cluster.
        let mut yardsticks = BTreeMap::new();
        for row in csv::Reader::from_path(&path).with_context(why)?.deserialize() {
            let row: IndexRow = row.with_context(why)?;
            let cluster = format!("{}x{}", row.nodes, row.gpus_per_node);
            let mean = mean(&data.join(&row.jobs_csv))?;
            if row.schedule == "gandiva" {
                yardsticks.insert((row.trace.clone(), cluster.clone()), mean);
            }
            let ratio = RatioClaim { prints: row.planned_dsr, strict: Some(row.dsr) };
            let (trace, gpu, schedule) = (row.trace, row.gpu, row.schedule);
            all.push((Rerun { trace, cluster, gpu, schedule, ratio, gain: None }, mean));
        }
        let gain = |(rerun, mean): (Rerun, Option<f64>)| {
            let yardstick = yardsticks.get(&(rerun.trace.clone(), rerun.cluster.clone())).copied().flatten();
            let gain =
                yardstick.zip(mean).map(|(theirs, mean)| RatioClaim { prints: theirs / mean, strict: None });
            Rerun { gain, ..rerun }
        };
        Ok(Reruns(all.into_iter().map(gain).collect()))
    }

    /// Iterates over the runs of a case's trace under a scheduler, on any cluster.
    pub(super) fn of<'a>(&'a self, case: &'a FigureCase, name: &'a str) -> impl Iterator<Item = &'a Rerun> {
        let goes_by = move |schedule: &str| {
            scheduler::entry(name)
                .is_ok_and(|entry| entry.name == schedule || entry.aliases.contains(&schedule))
        };
        let trace = case.published.as_ref().map(|name| format!("traces/{name}"));
        self.0.iter().filter(move |rerun| {
            Some(&rerun.trace) == trace.as_ref() && rerun.gpu == case.gpu && goes_by(&rerun.schedule)
        })
    }
}

/// Returns the mean JCT of best-effort jobs in seconds, if there are any.
fn mean(path: &Path) -> Result<Option<f64>> {
    let why = || path.display().to_string();
    let jobs = csv::Reader::from_path(path).with_context(why)?.into_deserialize();
    let jobs: Vec<JobTime> = jobs.collect::<Result<_, _>>().with_context(why)?;
    let times: Vec<f64> = jobs.iter().filter(|job| job.best_effort == 1).map(|job| job.jct).collect();
    Ok((!times.is_empty()).then(|| times.iter().sum::<f64>() / times.len() as f64))
}
