//! The only writer of files, and what a person or a script gets to read of a run.
//!
//! [`Recording`] is a run directory in the making: it appears whole, under its own name, or not at
//! all. [`Summary`] is `summary.json`; [`table`] is the same for people; [`CSV_COLUMNS`] the same
//! in one row.

mod columns;
mod difference;
mod directory;
mod file;
mod manifest;
pub mod page;
mod recording;
mod stored;
mod story;
pub mod table;
mod unfinished;

use std::io;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cluster::Shape;
use crate::metrics::Metrics;
use crate::record::jobs::{self, JobRow};
use crate::units::Gpus;

pub use columns::{CSV_COLUMNS, cells, is_number, write_csv};
pub use difference::{Difference, same_jobs, write_differences};
pub(crate) use directory::hold;
pub use directory::{OutputError, Staged, stage, sweep_out};
pub use file::{StagedFile, write_file};
pub use manifest::{Input, Manifest, Seeds};
pub use recording::{FILES, Recording};
pub use stored::{Stored, StoredError};
pub use story::Story;
pub use unfinished::give_up;

/// `summary.json`: what was simulated, then what came out of it. The order of the fields is the
/// order of the keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The policy's name.
    pub scheduler: String,
    /// `default` or `paper`.
    pub preset: String,
    /// The policy's options, as far as they were given.
    pub options: serde_json::Value,
    /// The trace, as its user named it.
    pub trace: String,
    /// The cluster.
    pub cluster: ClusterSummary,
    /// What the throughput table is called.
    pub profiles: String,
    /// The overhead, as `--overhead` spells it.
    pub overhead: String,
    /// The placer's name.
    pub placer: String,
    /// The cadence of plans, in seconds.
    pub slot: f64,
    /// What the policy's random numbers are drawn from.
    pub seed: u64,
    /// SHA-256 of the bytes of `jobs.csv`, in hexadecimal: equal digests, equal runs.
    pub digest: String,
    /// The metrics.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// Under `--preset paper`, the jobs that the published artifact counts as accepted; `null`
    /// where the event core runs.
    pub artifact_accepted: Option<u64>,
    /// The jobs that it counts as declined.
    pub artifact_declined: Option<u64>,
}

/// A cluster in `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterSummary {
    /// How many nodes.
    pub nodes: u64,
    /// GPUs of every node; a list with one number for each node where they differ.
    pub gpus_per_node: serde_json::Value,
    /// The same as people write it: `16x8`. Not a key.
    #[serde(skip)]
    pub shape: String,
}

impl From<&Shape> for ClusterSummary {
    fn from(shape: &Shape) -> ClusterSummary {
        let gpus_per_node = match shape.node_size() {
            Some(size) => size.get().into(),
            None => shape.nodes().iter().map(|size| size.get()).collect(),
        };
        ClusterSummary { nodes: shape.nodes().len() as u64, gpus_per_node, shape: shape.to_string() }
    }
}

impl ClusterSummary {
    /// The cluster that the keys describe; `None` where they describe none.
    fn to_shape(&self) -> Option<Shape> {
        let size = |value: &serde_json::Value| Some(Gpus::new(u32::try_from(value.as_u64()?).ok()?));
        match &self.gpus_per_node {
            serde_json::Value::Array(sizes) => {
                Shape::new(sizes.iter().map(size).collect::<Option<_>>()?).ok()
            }
            one => Shape::uniform(u32::try_from(self.nodes).ok()?, size(one)?).ok(),
        }
    }
}

impl Summary {
    /// The value of a key, with dots for nesting (`jct.mean`); `None` where it is `null`, no number
    /// or not a key.
    pub fn number(&self, key: &str) -> Option<f64> {
        let json = serde_json::to_value(self).ok()?;
        json.pointer(&format!("/{}", key.replace('.', "/")))?.as_f64()
    }

    /// The text of `summary.json`, with a line end.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

/// Any value as JSON for a file or the terminal: indented, with a line end.
pub fn to_json(value: &impl Serialize) -> String {
    // Our own structs with text keys and finite numbers: there is nothing that could fail.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// The bytes of `jobs.csv` and their digest.
///
/// # Errors
///
/// If a row cannot be written as CSV.
pub fn jobs_csv(rows: &[JobRow]) -> io::Result<(Vec<u8>, String)> {
    let mut bytes = Vec::new();
    jobs::write(rows, &mut bytes)?;
    let digest = sha256(&bytes);
    Ok((bytes, digest))
}

/// SHA-256 in hexadecimal, as `sha256sum` prints it.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
