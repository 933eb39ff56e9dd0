//! `summary.json`: what was simulated, and what came out of it.

use serde::{Deserialize, Serialize};

use crate::cluster::Shape;
use crate::metrics::Metrics;
use crate::units::{Gpus, SimDuration, SimTime};

use super::encode::to_json;

/// `summary.json`: what was simulated, then what came out of it. The keys have the order of the
/// fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The name of the scheduler.
    pub scheduler: String,
    /// `default` or `paper`.
    pub preset: String,
    /// The options of the scheduler that were given, by their keys.
    pub options: serde_json::Value,
    /// The trace, as the user named it.
    pub trace: String,
    /// What about the jobs was drawn, because the trace does not state it; `null` if nothing was.
    pub drawn: Option<String>,
    /// The seed with which it was drawn.
    pub trace_seed: u64,
    /// The cluster.
    pub cluster: ClusterSummary,
    /// The name of the throughput table.
    pub profiles: String,
    /// The overhead, as `--overhead` spells it.
    pub overhead: String,
    /// The name of the placer.
    pub placer: String,
    /// The least time between scheduling passes, in seconds.
    pub slot: f64,
    /// The seed of the scheduler's random numbers.
    pub seed: u64,
    /// When the run was cut off, in seconds on the trace's clock; `null` if it was not.
    pub until: Option<f64>,
    /// SHA-256 of the bytes of `jobs.csv`, in hexadecimal: equal digests, equal runs.
    pub digest: String,
    /// What came out of it.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// With `--bound`, the most SLO jobs that any scheduler could meet, clairvoyant ones included
    /// (docs/bound.md); `null` without, or where there is none.
    pub bound: Option<u64>,
    /// The bound less the jobs met.
    pub bound_gap: Option<u64>,
    /// For how many hours a GPU has a price, under the prices that prove the bound.
    pub short_hours: Option<f64>,
    /// With `--bound`, why there is none.
    pub no_bound: Option<String>,
    /// Under `--preset paper`, how many jobs the published artifact counts as accepted; `null`
    /// where the event core runs.
    pub artifact_accepted: Option<u64>,
    /// How many jobs it counts as declined.
    pub artifact_declined: Option<u64>,
}

/// A cluster in `summary.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterSummary {
    /// The number of nodes.
    pub nodes: u64,
    /// GPUs of every node; a list with one number for each node where they differ.
    pub gpus_per_node: serde_json::Value,
    /// The nodes in the notation of `--cluster`: `16x8`. Not a key.
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
    /// Returns the GPUs of each node; none where the keys describe no cluster.
    pub fn node_sizes(&self) -> Vec<Gpus> {
        self.to_shape().map_or_else(Vec::new, |shape| shape.nodes().to_vec())
    }

    /// Returns the shape that the keys describe; `None` if they describe no cluster.
    pub(super) fn to_shape(&self) -> Option<Shape> {
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
    /// Returns the value of a key, with dots for nesting (`jct.mean`); `None` if the value is
    /// `null` or not a number, or there is no such key.
    pub fn number(&self, key: &str) -> Option<f64> {
        let json = serde_json::to_value(self).expect("a summary has text keys");
        json.pointer(&format!("/{}", key.replace('.', "/")))?.as_f64()
    }

    /// Returns when the run was cut off; `None` if it was not.
    pub(crate) fn cut(&self) -> Option<SimTime> {
        Some(SimTime::ZERO + SimDuration::from_secs_f64(self.until?)?)
    }

    /// Says which trace was simulated, and what about its jobs was drawn.
    pub(super) fn trace_in_words(&self) -> String {
        match &self.drawn {
            None => self.trace.clone(),
            Some(drawn) => format!("{} ({drawn} drawn, seed {})", self.trace, self.trace_seed),
        }
    }

    /// Writes `summary.json`, with a line end.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}
