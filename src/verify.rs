//! Checks of a stored run: its numbers follow from each other.
//!
//! Each rule computes by itself what the files state, from the other files of the run and the
//! measured speeds. It uses nothing of the event core, so an error of the core does not hide here.

mod answers;
mod bound;
mod capacity;
mod changes;
mod evidence;
mod ledger;
mod restarts;
mod summary;
mod table;
mod timeline;
mod truth;
mod usage;
mod weights;
mod work;

use serde::Serialize;
use serde_json::Value;

use crate::record::timeline::TimelinePoint;
use crate::report::{BoundRow, Stored};

use evidence::{Checked, Evidence, told_twice};

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
    fn new(rule: &'static str, checked: Checked) -> CheckedRule {
        let verdict = match checked {
            Ok(faults) if faults.is_empty() => Verdict::Checked,
            Ok(faults) => Verdict::Failed(faults),
            Err(why) => Verdict::NotChecked(why),
        };
        CheckedRule { rule, verdict }
    }
}

/// What checks a rule.
type Check = fn(&Evidence<'_>) -> Checked;

/// Every rule, with what checks it.
const RULES: [(&str, Check); 29] = [
    ("events.jsonl tells what allocations.csv tells", told_twice),
    ("no node gives more GPUs than it has", capacity::capacity),
    ("each row names the GPUs that it counts, of a job of the run", capacity::rows),
    ("no declined job holds GPUs", changes::declined),
    ("no job holds GPUs before its submission or after its end", changes::bounds),
    ("start_time is when a job first holds GPUs", changes::starts),
    ("rescales, preemptions and migrations are those held", changes::counts),
    ("split_placements are those held", changes::splits),
    ("run_time is the time with GPUs", usage::run_time),
    ("gpu_seconds is the GPUs held over time", usage::gpu_seconds),
    ("timeline.csv has what jobs held", timeline::rows),
    ("timeline.csv has the plans of events.jsonl", timeline::plans),
    ("cluster_efficiency of timeline.csv follows from the speeds", timeline::efficiency),
    ("admissions, promises and refusals are those of events.jsonl", answers::answers),
    ("each job is that of the trace", work::trace),
    ("each restart overhead is what its change costs", restarts::restarts),
    ("overhead_time is the sum of the restart overheads", work::overhead),
    ("rate × time without overheads is the work of each job", work::work),
    ("jct and queue_delay follow from the times", |run| Ok(table::times(run.stored))),
    ("state and deadline_met follow from the times", |run| Ok(table::states(run.stored))),
    ("no admitted job is late", |run| table::promises(run.stored)),
    ("the counts of summary.json are those of jobs.csv", |run| Ok(summary::counts(run.stored))),
    ("GPU-hours and efficiency follow from what jobs held", weights::gpu_hours),
    ("feasible_alone follows from the speeds", weights::feasible),
    ("what was promised and earned follows from the deadlines", weights::deadlines),
    ("the prices of bound.csv prove the bound", bound::bound),
    ("digest is that of jobs.csv", |run| Ok(summary::digest(run.stored))),
    ("the ratios of summary.json are those of jobs.csv", |run| Ok(summary::ratios(run.stored))),
    ("the distributions of summary.json are those of jobs.csv", |run| Ok(summary::spreads(run.stored))),
];

/// Checks every rule on a run. Its `timeline.csv` is `None` where the event core did not write it,
/// its `bound` where it was not asked for, its `events` where it has no log; `truth` is what it
/// went by, or why that is not known.
pub fn verify(
    stored: &Stored,
    timeline: Option<&[TimelinePoint]>,
    bound: Option<&[BoundRow]>,
    events: Option<&[Value]>,
    truth: Result<&Truth, String>,
) -> Vec<CheckedRule> {
    let run = Evidence::new(stored, timeline, bound, events, truth);
    RULES.iter().map(|(rule, check)| CheckedRule::new(rule, check(&run))).collect()
}
