//! The published ElasticFlow artifact in its simulation mode, re-enacted to the second and to the
//! job.
//!
//! This is an engine of its own. It shares jobs, profiles, the shape of a cluster and the rows of
//! `jobs.csv` with the rest of the program and nothing else, and nothing in it is ever improved.
//! Each quirk of the artifact is a function or a constant of its own, and its doc cites the quirk's
//! number (Q1 to Q48). The quirks that change the headlines can be switched off one by one
//! ([`Quirk`]). Inputs on which the artifact crashes or never ends are errors with a name
//! ([`ReplicaError`]).

mod edf;
mod elasticflow;
mod error;
mod events;
pub mod files;
mod gandiva;
mod gangs;
mod greedy;
mod input;
mod job;
mod outcome;
mod overhead;
mod placement;
mod planner;
mod progress;
mod quirk;
mod rows;
mod schedule;
mod setup;
mod themis;
mod timeline;
mod tiresias;
mod world;

pub use error::ReplicaError;
pub use input::{GpuTable, ReplicaInput};
pub use outcome::{FinishedJob, HeldGpus, NEVER, ReplicaOutcome, Round};
pub use quirk::{Quirk, QuirkError, Quirks, Switch};
pub use schedule::Schedule;

use gangs::GangScenario;
use world::World;

/// Runs a schedule of the artifact to its end. Equal inputs have equal outcomes.
///
/// # Errors
///
/// If the artifact would crash on this input, never end, or take it for something else.
pub fn replay(input: &ReplicaInput<'_>, schedule: Schedule) -> Result<ReplicaOutcome, ReplicaError> {
    match schedule {
        Schedule::Edf => replay_in_world(input, edf::edf, false),
        Schedule::EdfAccessCtrl => replay_in_world(input, edf::edf_accessctrl, false),
        Schedule::Ef => replay_in_world(input, elasticflow::ef, true),
        Schedule::EfAccessCtrl => replay_in_world(input, elasticflow::ef_accessctrl, true),
        Schedule::DlasGpu => tiresias::replay(&GangScenario::new(input)?),
        Schedule::Gandiva => gandiva::replay(&GangScenario::new(input)?),
        Schedule::Themis => themis::replay(&GangScenario::new(input)?),
    }
}

/// Runs a schedule that gives jobs any number of GPUs: up to the tables of peaks where `elastic`.
fn replay_in_world(
    input: &ReplicaInput<'_>,
    schedule: fn(&mut World) -> Result<(), ReplicaError>,
    elastic: bool,
) -> Result<ReplicaOutcome, ReplicaError> {
    let mut world = World::new(input, elastic)?;
    schedule(&mut world)?;
    Ok(world.outcome)
}

#[cfg(test)]
mod tests;
