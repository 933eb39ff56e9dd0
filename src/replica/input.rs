//! The input of a run of the artifact.

use crate::cluster::Shape;
use crate::profile::ThroughputTable;
use crate::workload::Workload;

use super::error::ReplicaError;
use super::quirk::Quirks;
use super::setup::ReplicaSetup;

/// The longest slot, in seconds. Sums of it and a time of a trace do not overflow.
const SLOT_LIMIT: i64 = 10_000_000_000;

/// One of the artifact's two tables of the largest useful number of GPUs of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GpuTable {
    /// The table for A100 profiles.
    A100,
    /// The table for every other GPU type.
    T4,
}

/// The input of a run of the artifact.
#[derive(Clone, Copy, Debug)]
pub struct ReplicaInput<'a> {
    /// The jobs, in the order of the trace.
    pub workload: &'a Workload,
    /// The speeds of the jobs.
    pub table: &'a ThroughputTable,
    /// The table of peaks that goes with the speeds.
    pub gpu: GpuTable,
    /// The nodes of the cluster; the artifact needs them to have one size.
    pub cluster: &'a Shape,
    /// The artifact's `--scheduling_slot`, in seconds.
    pub slot: u64,
    /// The quirks that are on.
    pub quirks: Quirks,
    /// Whether the run logs each round.
    pub log_rounds: bool,
}

impl ReplicaInput<'_> {
    /// Returns the size of the cluster, the slot and the quirks.
    ///
    /// # Errors
    ///
    /// If the slot is shorter than a second or longer than the artifact can count.
    pub(super) fn setup(&self) -> Result<ReplicaSetup, ReplicaError> {
        let slot = i64::try_from(self.slot).ok().filter(|slot| (1..=SLOT_LIMIT).contains(slot));
        Ok(ReplicaSetup {
            gpus: i64::from(self.cluster.gpus().get()),
            slot: slot.ok_or(ReplicaError::Slot)?,
            quirks: self.quirks,
        })
    }
}
