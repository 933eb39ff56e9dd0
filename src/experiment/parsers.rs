//! Values of options, as the parser reads them.

use std::num::NonZeroUsize;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::config::profiles;
use crate::units::{SimDuration, SimTime, TimeError};
use crate::{placement, scheduler};

fn advice(why: TimeError) -> String {
    format!("{why}; give seconds, such as 60 or 0.5")
}

/// A span of time in seconds.
///
/// # Errors
///
/// If it is none; the message says what would be.
pub fn duration(text: &str) -> Result<SimDuration, String> {
    text.parse().map_err(advice)
}

/// An instant of the trace's clock in seconds.
///
/// # Errors
///
/// If it is none; the message says what would be.
pub fn time(text: &str) -> Result<SimTime, String> {
    text.parse().map_err(advice)
}

/// A seed.
///
/// # Errors
///
/// If it is none; the message says what would be.
pub fn seed(text: &str) -> Result<u64, String> {
    let most = u64::MAX;
    text.parse().map_err(|_| format!("not a whole number from 0 to {most}; give one, such as 1"))
}

/// How many there are to be, of what there is at least one.
///
/// # Errors
///
/// If it is no such number; the message says what would be.
pub fn at_least_one(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| format!("not a whole number from 1 to {}; give one, such as 4", usize::MAX))
}

/// A number of things of which there may be none.
///
/// # Errors
///
/// If it is no such number; the message says what would be.
pub fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("not a whole number from 0 to {}; give one, such as 4", u32::MAX))
}

/// A scheduler by its name or an alias.
pub fn scheduler() -> impl TypedValueParser<Value = &'static scheduler::Entry> {
    let names =
        scheduler::entries().iter().map(|e| PossibleValue::new(e.name).aliases(e.aliases.iter().copied()));
    PossibleValuesParser::new(names).try_map(|name| scheduler::entry(&name))
}

/// A placer by its name.
pub fn placer() -> impl TypedValueParser<Value = &'static placement::PlacerEntry> {
    PossibleValuesParser::new(placement::entries().iter().map(|e| e.name))
        .try_map(|name| placement::entry(&name))
}

/// The name of built-in profiles.
pub fn gpu() -> PossibleValuesParser {
    PossibleValuesParser::new(profiles::BUILTIN.map(|table| table.name))
}
