//! The keys of a grid: the options of `run` that make a scenario, with the values that `run` takes.
//!
//! They are asked of the parser of the command line, so that an option of `run` is a key of a grid
//! and the same value is right or wrong in both.

use std::error::Error;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use crate::experiment::{Setup, did_you_mean, scheduler};
use crate::scheduler::Entry;

/// What `run` says of a scenario.
#[derive(Debug, clap::Parser)]
#[command(name = "grid", no_binary_name = true, disable_help_flag = true)]
pub(super) struct Words {
    #[command(flatten)]
    pub(super) setup: Setup,
    #[arg(long, value_parser = scheduler())]
    pub(super) scheduler: &'static Entry,
    #[arg(long)]
    pub(super) set: Vec<String>,
}

/// The parser: of whole points, and of one value at a time.
pub(super) struct Parser {
    whole: clap::Command,
    single: clap::Command,
}

impl Parser {
    pub(super) fn new() -> Parser {
        let whole = Words::command();
        let single = whole.clone().mut_args(|arg| arg.required(false));
        Parser { whole, single }
    }

    /// Every key.
    pub(super) fn keys(&self) -> Vec<&str> {
        self.whole.get_arguments().filter_map(|arg| arg.get_long()).collect()
    }

    /// What is wrong with a value of a key that there is.
    pub(super) fn value(&mut self, key: &str, value: &str) -> Result<(), String> {
        let parsed = self.single.try_get_matches_from_mut([format!("--{key}={value}")]);
        parsed.map(|_| ()).map_err(|why| said(&why, value))
    }

    /// A point from words such as `--slot=60`.
    pub(super) fn whole(&mut self, words: &[String]) -> Result<Words, String> {
        let matches = self.whole.try_get_matches_from_mut(words);
        matches.and_then(|matches| Words::from_arg_matches(&matches)).map_err(|why| said(&why, ""))
    }
}

/// What the parser of the command line says, in the words of a file.
fn said(why: &clap::Error, value: &str) -> String {
    let texts = |kind| match why.get(kind) {
        Some(ContextValue::String(text)) => vec![text.as_str()],
        Some(ContextValue::Strings(texts)) => texts.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    };
    // `--gpu <TYPE>` is the key `gpu`.
    let key = |text: &str| {
        format!("`{}`", text.trim_start_matches('-').split([' ', '=']).next().unwrap_or_default())
    };
    match why.kind() {
        ErrorKind::InvalidValue if value.is_empty() => "is empty; give a value".to_owned(),
        ErrorKind::InvalidValue => {
            let known = texts(ContextKind::ValidValue);
            let hint = did_you_mean(value, known.iter().copied());
            format!("`{value}` is not known; known are {}{hint}", known.join(", "))
        }
        ErrorKind::ValueValidation => match why.source() {
            Some(source) => format!("`{value}`: {source}"),
            None => format!("`{value}` is not what it should be"),
        },
        ErrorKind::MissingRequiredArgument => {
            let missing: Vec<_> = texts(ContextKind::InvalidArg).into_iter().map(key).collect();
            format!("{} is missing; add it", missing.join(" and "))
        }
        _ => why.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    }
}
