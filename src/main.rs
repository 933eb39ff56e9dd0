//! The `elasticflow-sim` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    elasticflow_sim::cli::main()
}
