//! What the rules go by.

use serde_json::Value;

use crate::record::timeline::TimelinePoint;
use crate::report::{BoundRow, Stored};

use super::ledger::Ledger;
use super::truth::Truth;

/// A sentence for each place where a rule does not hold, or why it cannot be checked.
pub(super) type Checked = Result<Vec<String>, String>;

/// Why a run without `allocations.csv` and `timeline.csv` is checked by few rules.
const UNOBSERVED: &str = "the run has no allocations.csv: only the event core writes it";
/// Why a run without an event log is checked by fewer rules.
const NO_EVENTS: &str = "the run has no events.jsonl: --events writes it";

/// A stored run, with what its rows are made from as far as that is known.
pub(super) struct Evidence<'a> {
    pub(super) stored: &'a Stored,
    ledger: Option<Result<Ledger<'a>, String>>,
    timeline: Option<&'a [TimelinePoint]>,
    bound: Option<&'a [BoundRow]>,
    events: Option<&'a [Value]>,
    truth: Result<&'a Truth, String>,
}

impl<'a> Evidence<'a> {
    pub(super) fn new(
        stored: &'a Stored,
        timeline: Option<&'a [TimelinePoint]>,
        bound: Option<&'a [BoundRow]>,
        events: Option<&'a [Value]>,
        truth: Result<&'a Truth, String>,
    ) -> Evidence<'a> {
        let rows = stored.allocations.as_deref();
        let ledger = rows.map(|rows| Ledger::new(rows, events, stored.summary.cut()));
        Evidence { stored, ledger, timeline, bound, events, truth }
    }

    /// Returns what jobs held, or why that is not known.
    pub(super) fn ledger(&self) -> Result<&Ledger<'a>, String> {
        self.ledger.as_ref().ok_or(UNOBSERVED)?.as_ref().map_err(Clone::clone)
    }

    /// Returns the rows of `timeline.csv`, or why there are none.
    pub(super) fn timeline(&self) -> Result<&'a [TimelinePoint], String> {
        self.timeline.ok_or_else(|| UNOBSERVED.to_owned())
    }

    /// Returns the rows of `bound.csv`, if the run has it.
    pub(super) fn bound(&self) -> Option<&'a [BoundRow]> {
        self.bound
    }

    /// Returns the lines of `events.jsonl`, or why there are none.
    pub(super) fn events(&self) -> Result<&'a [Value], String> {
        self.ledger.as_ref().ok_or(UNOBSERVED)?;
        self.events.ok_or_else(|| NO_EVENTS.to_owned())
    }

    /// Returns what the run went by, or why that is not known.
    pub(super) fn truth(&self) -> Result<&'a Truth, String> {
        self.truth.clone()
    }
}

/// `events.jsonl` tells the same changes of GPUs as `allocations.csv`.
pub(super) fn told_twice(run: &Evidence<'_>) -> Checked {
    run.events()?;
    Ok(run.ledger().err().into_iter().collect())
}
