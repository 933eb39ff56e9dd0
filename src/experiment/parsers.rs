//! Parsers of the values of options.

use std::num::NonZeroUsize;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::config::profiles;
use crate::units::{SimDuration, SimTime, TimeError};
use crate::{placement, scheduler};

fn advice(why: TimeError) -> String {
    format!("{why}; give seconds, such as 60 or 0.5")
}

/// Parses a span of time in seconds.
///
/// # Errors
///
/// If it is not one; the message says what would be.
pub fn duration(text: &str) -> Result<SimDuration, String> {
    text.parse().map_err(advice)
}

/// Parses an instant of the trace's clock in seconds.
///
/// # Errors
///
/// If it is not one; the message says what would be.
pub fn time(text: &str) -> Result<SimTime, String> {
    text.parse().map_err(advice)
}

/// Parses a seed.
///
/// # Errors
///
/// If it is not one; the message says what would be.
pub fn seed(text: &str) -> Result<u64, String> {
    let most = u64::MAX;
    text.parse().map_err(|_| format!("not a whole number from 0 to {most}; give one, such as 1"))
}

/// Parses a whole number from 1.
///
/// # Errors
///
/// If it is not one; the message says what would be.
pub fn at_least_one(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| format!("not a whole number from 1 to {}; give one, such as 4", usize::MAX))
}

/// Parses a whole number from 0.
///
/// # Errors
///
/// If it is not one; the message says what would be.
pub fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("not a whole number from 0 to {}; give one, such as 4", u32::MAX))
}

/// Returns a parser of the names and aliases of schedulers.
pub fn scheduler() -> impl TypedValueParser<Value = &'static scheduler::Entry> {
    let names =
        scheduler::entries().iter().map(|e| PossibleValue::new(e.name).aliases(e.aliases.iter().copied()));
    PossibleValuesParser::new(names).try_map(|name| scheduler::entry(&name))
}

/// Returns a parser of the names of placers.
pub fn placer() -> impl TypedValueParser<Value = &'static placement::PlacerEntry> {
    PossibleValuesParser::new(placement::entries().iter().map(|e| e.name))
        .try_map(|name| placement::entry(&name))
}

/// Returns a parser of the names of built-in profiles.
pub fn gpu() -> PossibleValuesParser {
    PossibleValuesParser::new(profiles::BUILTIN.map(|table| table.name))
}
