//! What a run went by.

use std::sync::Arc;

use crate::overhead::Overhead;
use crate::profile::SpeedModel;
use crate::sim::Scenario;
use crate::workload::Workload;

/// What a run went by, read again: its jobs, and the laws of their speeds and restart overheads.
pub struct Truth {
    /// The jobs of the trace.
    pub workload: Arc<Workload>,
    /// The speeds at which the jobs ran.
    pub speeds: Arc<dyn SpeedModel>,
    /// All of it, as the simulation takes it.
    pub scenario: Scenario,
    /// What a change of GPUs costs.
    pub overhead: Arc<dyn Overhead>,
}
