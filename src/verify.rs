//! Checks of a stored run: its numbers follow from each other.
//!
//! Each rule computes by itself what the files state, from the other files of the run and the
//! measured speeds. It uses nothing of the event core, so an error of the core does not hide here.

mod capacity;
mod changes;
mod ledger;
mod summary;
mod table;
mod truth;
mod usage;
mod weights;
mod work;

use serde::Serialize;
use serde_json::Value;

use crate::report::Stored;

use ledger::Ledger;

pub use truth::Truth;

/// What became of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "why", rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Checked,
    /// It cannot be checked, and why.
    NotChecked(String),
    /// It does not hold: a sentence for each place.
    Failed(Vec<String>),
}

/// A rule, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckedRule {
    /// The rule, in a sentence.
    pub rule: &'static str,
    /// What became of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

impl CheckedRule {
    fn new(rule: &'static str, checked: Result<Vec<String>, String>) -> CheckedRule {
        let verdict = match checked {
            Ok(faults) if faults.is_empty() => Verdict::Checked,
            Ok(faults) => Verdict::Failed(faults),
            Err(why) => Verdict::NotChecked(why),
        };
        CheckedRule { rule, verdict }
    }
}

/// Why a run without `allocations.csv` is checked by few rules.
const UNOBSERVED: &str = "the run has no allocations.csv: only the event core writes it";

/// Checks every rule on a run; `events` are the lines of its event log, if it wrote one, and
/// `truth` is what it went by, or why that is not known.
pub fn verify(stored: &Stored, events: Option<&[Value]>, truth: Result<&Truth, String>) -> Vec<CheckedRule> {
    let ledger = match &stored.allocations {
        Some(rows) => Ledger::new(rows, events, stored.summary.cut()),
        None => Err(UNOBSERVED.to_owned()),
    };
    let held = |check: fn(&Stored, &Ledger<'_>) -> Result<Vec<String>, String>| {
        ledger.as_ref().map_err(Clone::clone).and_then(|ledger| check(stored, ledger))
    };
    let by_truth = |check: fn(&Stored, &Ledger<'_>, &Truth) -> Result<Vec<String>, String>| {
        let ledger = ledger.as_ref().map_err(Clone::clone)?;
        check(stored, ledger, truth.as_ref().map_err(Clone::clone)?)
    };
    let told_twice = match (&stored.allocations, events, &ledger) {
        (None, ..) => Err(UNOBSERVED.to_owned()),
        (_, None, _) => Err("the run has no events.jsonl: --events writes it".to_owned()),
        (_, _, Err(why)) => Ok(vec![why.clone()]),
        (_, _, Ok(_)) => Ok(Vec::new()),
    };
    vec![
        CheckedRule::new("events.jsonl tells what allocations.csv tells", told_twice),
        CheckedRule::new("no node gives more GPUs than it has", held(capacity::capacity)),
        CheckedRule::new("each row names the GPUs that it counts, of a job of the run", held(capacity::rows)),
        CheckedRule::new("no declined job holds GPUs", held(changes::declined)),
        CheckedRule::new("no job holds GPUs before its submission or after its end", held(changes::bounds)),
        CheckedRule::new("start_time is when a job first holds GPUs", held(changes::starts)),
        CheckedRule::new("rescales, preemptions and migrations are those held", held(changes::counts)),
        CheckedRule::new("run_time is the time with GPUs", held(usage::run_time)),
        CheckedRule::new("gpu_seconds is the GPUs held over time", held(usage::gpu_seconds)),
        CheckedRule::new(
            "each job is that of the trace",
            truth.as_ref().map(|truth| work::trace(stored, truth)).map_err(Clone::clone),
        ),
        CheckedRule::new("overhead_time is the sum of the restart overheads", by_truth(work::overhead)),
        CheckedRule::new("rate × time without overheads is the work of each job", by_truth(work::work)),
        CheckedRule::new("jct and queue_delay follow from the times", Ok(table::times(stored))),
        CheckedRule::new("state and deadline_met follow from the times", Ok(table::states(stored))),
        CheckedRule::new("no admitted job is late", table::promises(stored)),
        CheckedRule::new("the counts of summary.json are those of jobs.csv", Ok(summary::counts(stored))),
        CheckedRule::new("GPU-hours and efficiency follow from what jobs held", by_truth(weights::gpu_hours)),
        CheckedRule::new(
            "feasible_alone follows from the speeds",
            truth.as_ref().map_err(Clone::clone).and_then(|truth| weights::feasible(stored, truth)),
        ),
        CheckedRule::new(
            "what was promised and earned follows from the deadlines",
            truth.as_ref().map_err(Clone::clone).and_then(|truth| weights::deadlines(stored, truth)),
        ),
        CheckedRule::new("digest is that of jobs.csv", Ok(summary::digest(stored))),
        CheckedRule::new("the ratios of summary.json are those of jobs.csv", Ok(summary::ratios(stored))),
        CheckedRule::new(
            "the distributions of summary.json are those of jobs.csv",
            Ok(summary::spreads(stored)),
        ),
    ]
}
