//! One run, from what its user says to its results: what `run`, `compare` and every point of a
//! sweep have in common.
//!
//! A run goes through five stages, each a type that can only be made of the one before:
//!
//! 1. [`RunSettings`]: what the user said, which is the same for all schedulers of a command. The
//!    options of policies ([`OptionSetting`]) are handed to the schedulers by [`assign`].
//! 2. [`Inputs`]: the files that the settings name, each read once by an [`InputCache`].
//! 3. [`PreparedRun`]: the run under one scheduler, checked, with the scheduler built.
//! 4. [`SimulatedRun`]: what happened.
//! 5. [`RunResult`]: the rows of the jobs, the summary, and the directory if there is one.
//!
//! [`Preset`] decides what is simulated.

mod artifact;
mod engine;
mod engines;
mod input;
mod input_cache;
mod notes;
mod parsers;
mod policy_options;
mod preset;
mod remedies;
mod resolved;
mod run;
mod settings;
mod speeds;
mod suggest;

pub use input::{Inputs, TraceInput};
pub use input_cache::InputCache;
pub use notes::{run_notes, speed_notes};
pub use parsers::{at_least_one, duration, gpu, number, placer, scheduler, seed, time};
pub use policy_options::{OptionSetting, assign};
pub use preset::Preset;
pub use remedies::{Remedies, remedies};
pub use run::{Layout, PreparedRun, RunError, RunOutput, RunResult, SimulatedRun};
pub use settings::{ColumnNames, OddDurations, RunSettings, TraceOptions};
pub use speeds::{MeasuredSpeeds, SpeedOptions};
pub use suggest::did_you_mean;
