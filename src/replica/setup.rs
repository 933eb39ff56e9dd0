//! What every schedule knows besides the jobs: the size of the cluster, the slot, the quirks.

use super::quirk::Quirks;

/// The size of the cluster, the slot, and the quirks of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReplicaSetup {
    /// GPUs of the whole cluster.
    pub(super) gpus: i64,
    /// Length of a slot, in seconds; at least 1.
    pub(super) slot: i64,
    /// The quirks that are on.
    pub(super) quirks: Quirks,
}
