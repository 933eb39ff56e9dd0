//! The interface of engines besides the event core.
//!
//! An engine runs some schedulers under `--preset paper`. It takes the place of the simulation and
//! of nothing else: what it leaves is scored, written and compared as every run is. It honours the
//! trace, the speeds, the cluster, the slot and options of its own.

use std::fmt::Debug;

use crate::profile::ThroughputTable;
use crate::scheduler::Entry;
use crate::sim::{Outcome, Scenario};

/// An engine besides the event core.
pub(super) trait Engine: Debug + Sync {
    /// Tells whether it runs a scheduler.
    fn runs(&self, entry: &Entry) -> bool;

    /// Returns the keys of `--set` that it takes for a scheduler; it does not take the policy's
    /// own.
    fn keys(&self, entry: &Entry) -> Vec<String>;

    /// Reads the options and the slot of a scenario.
    ///
    /// # Errors
    ///
    /// If it does not take them.
    fn prepare(&self, scenario: &Scenario) -> anyhow::Result<Box<dyn EngineRun>>;
}

/// A run of an engine whose options are read.
pub(super) trait EngineRun: Send {
    /// Runs the scenario that it was prepared for.
    ///
    /// # Errors
    ///
    /// If the input is one on which it cannot run, in words.
    fn run(&self, request: &EngineRequest<'_>) -> anyhow::Result<EngineResult>;
}

/// What an engine is asked to run.
pub(super) struct EngineRequest<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) table: &'a ThroughputTable,
    /// The trace as its user named it.
    pub(super) trace: &'a str,
    /// Whether the engine's own files are wanted.
    pub(super) files: bool,
}

/// What an engine leaves.
pub(super) struct EngineResult {
    pub(super) outcome: Outcome,
    pub(super) counts: EngineCounts,
    /// Its own files with their bytes.
    pub(super) files: Vec<(&'static str, Vec<u8>)>,
}

/// The numbers of jobs that an engine prints itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct EngineCounts {
    pub(super) accepted: u64,
    pub(super) declined: u64,
}
