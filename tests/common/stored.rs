//! The list of the published artifact's stored runs.
#![allow(dead_code, reason = "each test crate uses its own part")]

use std::path::Path;

/// A run, as `reference/index.csv` lists it.
#[derive(Clone, Debug, serde::Deserialize)]
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) trace: String,
    pub(crate) nodes: u32,
    pub(crate) gpus_per_node: u32,
    pub(crate) gpu: String,
    pub(crate) slot: u64,
    pub(crate) schedule: String,
    pub(crate) jobs: usize,
    pub(crate) best_effort_jobs: usize,
    pub(crate) accepted: i64,
    pub(crate) declined: i64,
    pub(crate) planned_dsr: f64,
    pub(crate) met: usize,
    pub(crate) dsr: f64,
    pub(crate) mean_jct: f64,
    pub(crate) jobs_csv: String,
}

/// Reads the list of all stored runs.
pub(crate) fn index(data: &Path) -> Vec<Stored> {
    rows(&data.join("reference/index.csv"))
}

/// Reads the rows of a CSV file.
pub(crate) fn rows<T: serde::de::DeserializeOwned>(path: &Path) -> Vec<T> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    reader.deserialize().collect::<Result<_, _>>().unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}
