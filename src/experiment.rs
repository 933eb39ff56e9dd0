//! One run, from its settings to its results: what `run`, `compare` and every point of a sweep have
//! in common.
//!
//! A [`Setup`] is everything that is the same for all schedulers of a command. [`Setup::ready`]
//! reads every file, once; [`Setup::case`] checks all that a run under one scheduler would stumble
//! over at its start; [`Case::simulate`] runs it, on any thread. The preset decides what is
//! simulated: see [`Preset`].

mod artifact;
mod case;
mod choice;
mod engine;
mod files;
mod parsers;
mod preset;
mod setup;
mod speeds;
mod suggest;

pub use case::{Case, CaseError, Done, Layout, Ran};
pub use choice::{Choice, choose};
pub use files::Files;
pub use parsers::{at_least_one, duration, gpu, number, placer, scheduler, seed, time};
pub use preset::Preset;
pub use setup::{Draws, Ready, Setup};
pub use speeds::{Known, Speeds, truths};
pub use suggest::did_you_mean;
