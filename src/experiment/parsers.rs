//! Values of options, as the parser reads them.

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

/// A scheduler by its name or an alias.
pub fn scheduler() -> impl TypedValueParser<Value = &'static scheduler::Entry> {
    let names =
        scheduler::entries().iter().map(|e| PossibleValue::new(e.name).aliases(e.aliases.iter().copied()));
    PossibleValuesParser::new(names).try_map(|name| scheduler::entry(&name))
}

/// A placer by its name.
pub fn placer() -> impl TypedValueParser<Value = &'static placement::Entry> {
    PossibleValuesParser::new(placement::entries().iter().map(|e| e.name))
        .try_map(|name| placement::entry(&name))
}

/// The name of built-in profiles.
pub fn gpu() -> PossibleValuesParser {
    PossibleValuesParser::new(profiles::BUILTIN.map(|table| table.name))
}
