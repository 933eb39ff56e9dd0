//! `verify`: whether run directories are whole, and their numbers follow from each other.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::report::{Stored, to_json};
use crate::verify::{CheckedRule, Truth, Verdict, verify};

use super::output::{Failure, data, words};
use super::run::prepare_again;

/// The command line of `verify`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Directories that `run --out` wrote; with its `--events`, turns are checked, too
    #[arg(value_name = "RUN_DIR", required = true)]
    runs: Vec<PathBuf>,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

/// How many faults of a rule are printed as text.
const SHOWN: usize = 10;

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let mut failed = 0;
    let mut all = Vec::new();
    for path in &args.runs {
        let rules = check(path)?;
        failed += rules.iter().filter(|rule| matches!(rule.verdict, Verdict::Failed(_))).count();
        if args.json {
            all.push(json!({ "run": path.display().to_string(), "rules": rules }));
        } else {
            words(&text(path, &rules))?;
        }
    }
    if args.json {
        data(to_json(&all).as_bytes())?;
    }
    match failed {
        0 => Ok(()),
        1 => Err(Failure::Run(anyhow::anyhow!("a rule does not hold"))),
        more => Err(Failure::Run(anyhow::anyhow!("{more} rules do not hold"))),
    }
}

/// Checks every rule on a run directory.
fn check(path: &Path) -> Result<Vec<CheckedRule>, Failure> {
    let stored = Stored::read(path).map_err(Failure::input)?;
    let events = stored.events_where(|_| true).map_err(Failure::input)?;
    let timeline = stored.timeline().map_err(Failure::input)?;
    let truth = truth(&stored);
    let bound = stored.bound().map_err(Failure::input)?;
    Ok(verify(
        &stored,
        timeline.as_deref(),
        bound.as_deref(),
        events.as_deref(),
        truth.as_ref().map_err(Clone::clone),
    ))
}

/// Reads again what the run went by, or says why that cannot be done.
fn truth(stored: &Stored) -> Result<Truth, String> {
    let run = prepare_again(stored).map_err(|why| format!("the run cannot be prepared again: {why:#}"))?;
    let scenario = run.scenario();
    Ok(Truth {
        workload: scenario.workload.clone(),
        speeds: scenario.truth.clone(),
        overhead: scenario.overhead.clone(),
        scenario,
    })
}

fn text(path: &Path, rules: &[CheckedRule]) -> String {
    let mut text = format!("{}\n  checked: each file is what the run wrote\n", path.display());
    for CheckedRule { rule, verdict } in rules {
        match verdict {
            Verdict::Checked => text.push_str(&format!("  checked: {rule}\n")),
            Verdict::NotChecked(why) => text.push_str(&format!("  not checked: {rule}: {why}\n")),
            Verdict::Failed(faults) => {
                text.push_str(&format!("  FAILED: {rule}\n"));
                faults.iter().take(SHOWN).for_each(|fault| text.push_str(&format!("    {fault}\n")));
                if let Some(more) = faults.len().checked_sub(SHOWN).filter(|more| *more > 0) {
                    text.push_str(&format!("    and {more} more\n"));
                }
            }
        }
    }
    text
}
