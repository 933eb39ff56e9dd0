//! What is printed where, and what the exit codes are.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};

use crate::experiment::{RunError, did_you_mean};
use crate::report::OutputError;
use crate::trace::printable;

/// Says why a command does not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Bad usage or bad input; nothing was run. Exit code 2.
    Input(anyhow::Error),
    /// The run failed. Exit code 1.
    Run(anyhow::Error),
    /// The run is fine, but not as it was asserted to be. Exit code 3.
    Assertion(String),
}

impl Failure {
    pub(super) fn input(why: impl Into<anyhow::Error>) -> Failure {
        Failure::Input(why.into())
    }

    /// Says that an output cannot be begun: its path is bad input, a full disk is not.
    pub(super) fn bad_output(why: OutputError) -> Failure {
        if why.full { Failure::run(why) } else { Failure::input(why) }
    }

    pub(super) fn run(why: impl Into<anyhow::Error>) -> Failure {
        Failure::Run(why.into())
    }

    /// Prints the message and returns the exit code.
    pub(super) fn report(&self) -> ExitCode {
        let code = match self {
            Failure::Input(why) => {
                message("error", format!("{why:#}"));
                2
            }
            Failure::Run(why) => {
                message("error", format!("{why:#}"));
                1
            }
            Failure::Assertion(why) => {
                message("assertion failed", why);
                3
            }
        };
        ExitCode::from(code)
    }
}

impl From<RunError> for Failure {
    fn from(why: RunError) -> Failure {
        if why.is_input() { Failure::input(why) } else { Failure::run(why) }
    }
}

impl From<OutputError> for Failure {
    /// A file cannot be written while a run goes on; a path that is bad from the start is bad
    /// input.
    fn from(why: OutputError) -> Failure {
        Failure::run(why)
    }
}

/// Prints a message on stderr. That it cannot be written is no reason to stop.
pub(super) fn message(kind: &str, what: impl Display) {
    let _ = writeln!(io::stderr(), "{kind}: {}", for_terminal(&what.to_string()));
}

/// Returns a text without what would steer a terminal: names come from traces, which may be
/// hostile.
fn for_terminal(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// Prints a text on stdout, without what would steer a terminal.
pub(super) fn words(text: &str) -> Result<(), Failure> {
    data(for_terminal(text).as_bytes())
}

/// Prints what the user may want to know though nothing is wrong.
pub(super) fn notes(all: &[String]) {
    all.iter().for_each(|note| message("note", note));
}

/// Prints data on stdout as it is. That the reader has seen enough (a broken pipe) is success.
pub(super) fn data(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::run(anyhow::Error::new(why).context("stdout: cannot be written")))
        }
        _ => Ok(()),
    }
}

/// Prints what the parser says: help and the version on stdout, errors on stderr. Its suggestions
/// are left out where they mean something else.
pub(super) fn clap(mut shown: clap::Error) -> ExitCode {
    if let (Some(ContextValue::String(given)), Some(ContextValue::String(other))) =
        (shown.get(ContextKind::InvalidValue), shown.get(ContextKind::SuggestedValue))
        && did_you_mean(given, [other.as_str()]).is_empty()
    {
        shown.remove(ContextKind::SuggestedValue);
    }
    match shown.print() {
        Err(why) if why.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::from(u8::try_from(shown.exit_code()).unwrap_or(2)),
    }
}
