//! `trace bound`: how many deadlines anyone could meet, without a run.

use std::path::PathBuf;

use crate::experiment::{InputCache, PreparedRun, RunSettings};
use crate::report::table::count;
use crate::report::{OutputGuard, bound_csv, to_json, write_file};
use crate::scheduler::{PolicyOptions, entry};
use crate::trace::file::is_stream;

use super::super::output::{Failure, data, notes, words};

/// A scheduler that leaves batch sizes alone: the bound is the same for all of these.
const ANY: &str = "edf";

/// The command line of `trace bound`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    settings: RunSettings,
    /// Write the times with a price and the jobs priced out into this CSV file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    out: Option<PathBuf>,
    /// Replace the file of --out if it exists
    #[arg(long, requires = "out", help_heading = "Output")]
    force: bool,
    /// Print JSON instead of text
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// Suppress notes
    #[arg(long, help_heading = "Output")]
    quiet: bool,
}

impl Args {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let guard = OutputGuard::new(self.settings.paths()).map_err(Failure::input)?;
        self.out
            .as_deref()
            .map_or(Ok(()), |out| guard.check_file(out, self.force))
            .map_err(Failure::input)?;
        let inputs = InputCache::default().inputs(&self.settings).map_err(Failure::Input)?;
        if !self.quiet {
            notes(inputs.notes());
        }
        let any = entry(ANY).expect("a scheduler of this name");
        let run = PreparedRun::new(&self.settings, &inputs, any, PolicyOptions::default())
            .map_err(Failure::Input)?;
        let bound = run.bound().map_err(|why| Failure::Input(anyhow::anyhow!("there is no bound: {why}")))?;
        let short = bound.short().as_secs_f64() / 3600.0;
        let is_stdout = self.out.as_deref().is_some_and(is_stream);
        if let Some(out) = &self.out {
            let bytes = bound_csv(&bound, inputs.workload()).map_err(Failure::run)?;
            if is_stdout { data(&bytes)? } else { write_file(out, &bytes).map_err(Failure::bad_output)? }
        }
        if self.json {
            let json = serde_json::json!({
                "feasible_alone": bound.feasible,
                "bound": bound.bound,
                "value": bound.value,
                "short_hours": short,
                "priced_out": bound.priced_out.len(),
            });
            data(to_json(&json).as_bytes())
        } else if is_stdout {
            Ok(())
        } else {
            words(&format!(
                "{} could be met, each alone on the cluster; at most {} could be met by anyone; {}; the cluster is short \
                 for {short:.1} h\n",
                count(bound.feasible, "deadline"),
                bound.bound,
                match bound.priced_out.len() {
                    0 => "no job is priced out".to_owned(),
                    1 => "1 job is priced out".to_owned(),
                    more => format!("{more} jobs are priced out"),
                },
            ))
        }
    }
}
