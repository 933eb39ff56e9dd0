//! The scenario that all others of tests are made from. Stands alone, so that benches can include
//! it by its path.

use std::sync::Arc;

use elasticflow_sim::cluster::Shape;
use elasticflow_sim::overhead::{ChangeCost, OverheadPreset};
use elasticflow_sim::profile::{ProfiledSpeeds, ThroughputTable};
use elasticflow_sim::sim::Scenario;
use elasticflow_sim::units::SimDuration;
use elasticflow_sim::workload::Workload;
use elasticflow_sim::{placement, scheduler};

/// A workload under a scheduler with its default options: buddy placement, slot 0, changes are
/// free, and the scheduler believes in the true speeds, which are those of `table`.
pub(crate) fn base_scenario(
    workload: impl Into<Arc<Workload>>,
    table: &ThroughputTable,
    cluster: Shape,
    scheduler: &str,
) -> Scenario {
    let workload = workload.into();
    let speeds = Arc::new(ProfiledSpeeds::new(table, &workload).expect("known models"));
    Scenario {
        overhead: OverheadPreset::from(ChangeCost::None).for_cluster(cluster.gpus()).into(),
        workload,
        cluster,
        truth: speeds.clone(),
        belief: speeds,
        placer: placement::entry("buddy").expect("a placer"),
        scheduler: scheduler::entry(scheduler).expect("a scheduler"),
        options: Default::default(),
        seed: 0,
        slot: SimDuration::ZERO,
        until: None,
        plan_limit: None,
    }
}
