//! The list of engines besides the event core.

use crate::scheduler::Entry;

use super::artifact::Artifact;
use super::engine::Engine;

const ENGINES: &[&dyn Engine] = &[&Artifact];

/// Returns the engine that runs a scheduler under `--preset paper`, if the event core does not.
pub(super) fn engine(entry: &Entry) -> Option<&'static dyn Engine> {
    ENGINES.iter().copied().find(|engine| engine.runs(entry))
}

/// Returns the keys of `--set` that an engine of `--preset paper` takes for a scheduler.
pub(super) fn engine_keys(entry: &Entry) -> Vec<String> {
    engine(entry).map_or_else(Vec::new, |engine| engine.keys(entry))
}
