//! Engines besides the event core, which run some schedulers under `--preset paper` and take the
//! scenario's place in nothing else: what they leave is scored, written and compared as every run
//! is.

use std::fmt::Debug;

use crate::profile::ThroughputTable;
use crate::scheduler::Entry;
use crate::sim::{Outcome, Scenario};

use super::artifact::Artifact;

/// Every one.
const ENGINES: &[&dyn Engine] = &[&Artifact];

/// The engine that runs a scheduler under `--preset paper`, if the event core does not.
pub(super) fn engine(entry: &Entry) -> Option<&'static dyn Engine> {
    ENGINES.iter().copied().find(|engine| engine.runs(entry))
}

/// An engine besides the event core. It honours the trace, the speeds, the cluster, the slot and
/// its own options.
pub(super) trait Engine: Debug + Sync {
    /// Whether it runs a scheduler.
    fn runs(&self, entry: &Entry) -> bool;

    /// The keys of `--set` that it takes for a scheduler; the policy's own it does not take.
    fn keys(&self, entry: &Entry) -> Vec<String>;

    /// Finds what is wrong with the options and the slot of a scenario.
    fn check(&self, scenario: &Scenario) -> anyhow::Result<()>;

    /// Runs a scenario.
    ///
    /// # Errors
    ///
    /// If the input is one on which it cannot run, in words.
    fn run(&self, asked: &Asked<'_>) -> anyhow::Result<Answer>;
}

/// What an engine is asked for.
pub(super) struct Asked<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) table: &'a ThroughputTable,
    /// The trace as its user named it.
    pub(super) trace: &'a str,
    /// Whether its own files are asked for.
    pub(super) files: bool,
}

/// What an engine leaves.
pub(super) struct Answer {
    pub(super) outcome: Outcome,
    /// The numbers that it prints itself: accepted and declined.
    pub(super) counted: (u64, u64),
    /// Its own files with their bytes.
    pub(super) files: Vec<(&'static str, Vec<u8>)>,
}
