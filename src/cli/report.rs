//! `report`: run directories as a page.

use std::path::PathBuf;

use crate::report::{OutputGuard, StagedFile, Stored, page};
use crate::trace::file::is_stream;

use super::output::{Failure, message};

/// The command line of `report`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Directories that `run --out` wrote, or that `compare --out` wrote under its own
    #[arg(value_name = "RUN_DIR", required = true)]
    runs: Vec<PathBuf>,
    /// Write the page, which is self-contained, into this file; `-` is stdout
    #[arg(long, value_name = "FILE")]
    html: PathBuf,
    /// Replace the file of --html if it exists
    #[arg(long)]
    force: bool,
    /// Suppress notes
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let guard = OutputGuard::new(args.runs.iter().cloned()).map_err(Failure::input)?;
    guard.check_file(&args.html, args.force).map_err(Failure::input)?;
    let mut file = StagedFile::begin(&args.html).map_err(Failure::bad_output)?;
    for (n, run) in args.runs.iter().enumerate() {
        if args.runs[..n].contains(run) {
            let why = format!("{}: is given twice; give each run once", run.display());
            return Err(Failure::Input(anyhow::Error::msg(why)));
        }
    }
    let runs = args.runs.iter().map(|run| Stored::read(run)).collect::<Result<Vec<_>, _>>();
    let runs = runs.map_err(Failure::input)?;
    let page = page::html(&runs).map_err(Failure::input)?;
    std::io::Write::write_all(&mut file, page.as_bytes()).map_err(|why| file.failed(&why))?;
    file.publish()?;
    if !args.quiet && !is_stream(&args.html) {
        let what = format!("{}: open it in a browser, {} bytes", args.html.display(), page.len());
        message("note", what);
    }
    Ok(())
}
