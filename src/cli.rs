//! The command line: options in, tables, messages and exit codes out.
//!
//! Everything is checked before the first run starts. Data goes to stdout, messages and progress to
//! stderr. This is the only module that reads a wall clock or the environment.

mod assertion;
mod compare;
mod explain;
mod interrupt;
mod list;
mod output;
mod progress;
mod report;
mod run;
mod sweep;
mod trace;
mod verify;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use output::Failure;

/// The environment variable that says what is logged, in the syntax of `RUST_LOG`.
const LOG: &str = "ELASTICFLOW_SIM_LOG";

/// Simulate deadline-aware, elastic schedulers of GPU clusters
///
/// Replays a trace of training jobs under a scheduler, and reports which deadlines are met, how
/// long jobs take and how well the GPUs are used. The same command writes the same bytes on every
/// machine.
#[derive(Debug, Parser)]
#[command(
    name = "elasticflow-sim",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 ok, 1 the run failed, 2 bad usage or bad input, 3 an --assert did not hold, 130 interrupted, 143 told to stop."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Log progress on stderr; -vv logs more
    #[arg(short, long, action = clap::ArgAction::Count, global = true, display_order = 900)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Simulate a trace under one scheduler
    Run(run::Args),
    /// Simulate a trace under several schedulers, and print one row for each
    Compare(compare::Args),
    /// Simulate a grid of settings on all cores; a sweep can be stopped and resumed
    Sweep(sweep::Args),
    /// Tell the story of one job of a run
    Explain(explain::Args),
    /// Write a page with charts of one or more runs
    Report(report::Args),
    /// Check that run directories are whole and that their numbers follow from each other
    Verify(verify::Args),
    /// Generate, convert, check or describe traces
    #[command(subcommand)]
    Trace(trace::Command),
    /// List the available schedulers, presets, profiles, formats, overheads and placers
    List(list::Args),
}

/// Parses the command line, runs the command, and turns an error into a message and an exit code.
pub fn main() -> ExitCode {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        crate::report::discard_unfinished();
        default(info);
        output::message("error", "this is a bug of elasticflow-sim, not of its input; please report it");
        // A run that failed, rather than a process that was aborted.
        std::process::exit(1);
    }));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(shown) => return output::clap(shown),
    };
    interrupt::watch();
    let ended = log(cli.verbose).and_then(|()| dispatch(&cli.command));
    interrupt::wait_if_begun();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn dispatch(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Run(args) => run::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Sweep(args) => sweep::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Report(args) => report::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Trace(command) => trace::run(command),
        Command::List(args) => list::run(args),
    }
}

/// Sets up the log as the environment says, or else as `-v` says.
fn log(verbose: u8) -> Result<(), Failure> {
    use tracing_subscriber::EnvFilter;
    let default = ["off", "info", "debug", "trace"][usize::from(verbose.min(3))];
    let filter = match std::env::var(LOG) {
        Ok(text) if !text.is_empty() => EnvFilter::try_new(&text).map_err(|why| {
            Failure::input(anyhow::anyhow!("{LOG} is `{text}`: {why}; give a level such as info"))
        })?,
        _ => EnvFilter::new(default),
    };
    // No times: they would differ from run to run. A second subscriber (in tests) changes nothing.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .log_internal_errors(false)
        .try_init();
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_words_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
