//! The keys of a grid: the options of `run` that decide what is simulated, with the values that
//! `run` takes.
//!
//! The parser of the command line reads them, so that an option of `run` is a key of a grid and the
//! same value is right or wrong in both. Each value of a grid is parsed once.

use std::error::Error;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use crate::experiment::{OptionSetting, RunSettings, did_you_mean, scheduler};
use crate::scheduler::Entry;

/// The key of the schedulers.
const SCHEDULER: &str = "scheduler";
/// The key of the options of policies.
pub(super) const SET: &str = "set";

/// Every option of `run` that decides what is simulated.
#[derive(Debug, clap::Parser)]
#[command(name = "grid", no_binary_name = true, disable_help_flag = true)]
struct GridOptions {
    #[command(flatten)]
    settings: RunSettings,
    #[arg(long, value_parser = scheduler())]
    scheduler: &'static Entry,
    #[arg(long)]
    set: Vec<OptionSetting>,
}

/// A value of a key, parsed.
#[derive(Clone, Debug)]
pub(super) enum KeyValue {
    /// Of an option of [`RunSettings`].
    Run(ArgMatches),
    /// Of the key `scheduler`.
    Scheduler(&'static Entry),
    /// Of the key `set`: options that go together.
    Options(Vec<OptionSetting>),
}

/// Parses the values of keys, one at a time.
pub(super) struct KeyParser(clap::Command);

impl KeyParser {
    pub(super) fn new() -> KeyParser {
        // A value is parsed alone: nothing is required beside it, and no default counts as said.
        let alone = |arg: clap::Arg| arg.required(false).default_value(Resettable::Reset);
        KeyParser(GridOptions::command().mut_args(alone))
    }

    /// Returns every key.
    pub(super) fn keys(&self) -> Vec<&str> {
        self.0.get_arguments().filter_map(|arg| arg.get_long()).collect()
    }

    /// Parses a value of one of the keys.
    ///
    /// # Errors
    ///
    /// If `run` would not take it, in the words of a file.
    pub(super) fn parse(&mut self, key: &str, value: &str) -> Result<KeyValue, String> {
        let parsed = self.0.try_get_matches_from_mut([format!("--{key}={value}")]);
        let matches = parsed.map_err(|why| in_words_of_a_file(&why, value))?;
        Ok(match key {
            SCHEDULER => {
                let entry = matches.get_one::<&'static Entry>(SCHEDULER);
                KeyValue::Scheduler(entry.expect("the value of the only option is there"))
            }
            SET => {
                let settings = matches.get_many::<OptionSetting>(SET);
                KeyValue::Options(settings.into_iter().flatten().cloned().collect())
            }
            _ => KeyValue::Run(matches),
        })
    }
}

/// Puts the value of an option in its place.
pub(super) fn apply(matches: &ArgMatches, settings: &mut RunSettings) {
    settings.update_from_arg_matches(matches).expect("the parser of the same options made it");
}

/// Puts what the parser of the command line says in the words of a file.
fn in_words_of_a_file(why: &clap::Error, value: &str) -> String {
    match why.kind() {
        ErrorKind::InvalidValue if value.is_empty() => "is empty; give a value".to_owned(),
        ErrorKind::InvalidValue => {
            let known: Vec<&str> = match why.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(texts)) => texts.iter().map(String::as_str).collect(),
                _ => Vec::new(),
            };
            let hint = did_you_mean(value, known.iter().copied());
            format!("`{value}` is not known; known are {}{hint}", known.join(", "))
        }
        ErrorKind::ValueValidation => match why.source() {
            Some(source) => format!("`{value}`: {source}"),
            None => format!("`{value}` is not what it should be"),
        },
        _ => why.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    }
}
