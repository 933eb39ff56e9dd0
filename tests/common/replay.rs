//! Whole traces under the defaults of the command line: what the golden table, the reference tests
//! and the benches replay. Stands alone, so that benches can include it by its path.

use std::path::Path;

use elasticflow_sim::cluster::Shape;
use elasticflow_sim::config::profiles::builtin;
use elasticflow_sim::overhead::OverheadPreset;
use elasticflow_sim::sim::Scenario;
use elasticflow_sim::trace::{self, ReadOptions};
use elasticflow_sim::units::{Gpus, SimDuration};

use super::base::base_scenario;

/// A trace on `nodes` × `gpus_per_node` GPUs: overhead `on-change`, buddy placement. Other
/// schedulers are tried by changing the scenario's, so that a trace is read once.
pub(crate) fn replay(
    path: &Path,
    profiles: &str,
    (nodes, gpus_per_node): (u32, u32),
    slot: u64,
    name: &str,
) -> Scenario {
    let table = builtin(profiles).expect("built-in profiles");
    let options = ReadOptions::default();
    let workload = trace::read(path, &table, &options).unwrap_or_else(|why| panic!("{why}")).workload;
    let cluster = Shape::uniform(nodes, Gpus::new(gpus_per_node)).expect("a cluster");
    Scenario {
        overhead: OverheadPreset::default().for_cluster(cluster.gpus()).into(),
        slot: SimDuration::from_secs(slot),
        ..base_scenario(workload, &table, cluster, name)
    }
}
