//! When a job is due, and what it is worth by then: from the columns of a trace, or by a rule.

use crate::job::SoftDeadline;
use crate::trace::columns::ColumnPlaces;
use crate::trace::deadline::DeadlineRule;
use crate::trace::draw::{Draws, Stream};
use crate::trace::format::{self, Format};
use crate::trace::options::ReadOptions;
use crate::trace::problem::{Problem, Problems, counted};
use crate::trace::soft;
use crate::trace::table::{Table, TableRow};
use crate::trace::unit::TimeUnit;
use crate::units::{SimDuration, SimTime};

/// Reads or draws the deadlines of a trace, row by row.
pub(super) struct DueReader {
    submit: usize,
    deadline: Option<usize>,
    /// This program's own column of times and values.
    soft: Option<usize>,
    /// Chronus's two lists: times, values.
    expected: Option<(usize, usize)>,
    best_effort: Option<usize>,
    unit: TimeUnit,
    /// Whether a row without a deadline is a best-effort job instead of a problem.
    optional: bool,
    /// The rule that makes deadlines where there is no column of them.
    rule: Option<DeadlineRule>,
    tightness: Draws,
    /// Rows that need a deadline, in a trace without a column or rule.
    undated: usize,
}

impl DueReader {
    /// Finds the columns. A rule beside a column of deadlines is noted as a problem.
    pub(super) fn new(
        sheet: &Table<'_>,
        format: &Format,
        columns: &ColumnPlaces,
        options: &ReadOptions<'_>,
        problems: &mut Problems,
    ) -> DueReader {
        let deadline = columns.get(format::DEADLINE).or(columns.get(format::EXPECTED));
        if let (Some(place), Some(rule)) = (deadline, options.deadline) {
            let message =
                format!("already gives deadlines; leave out `--deadline {rule}`, or remove the column");
            problems.push(sheet.problem(message).field(&sheet.header()[place]));
        }
        DueReader {
            submit: columns.required(format::SUBMIT),
            deadline,
            soft: columns.get(format::SOFT),
            expected: columns.get(format::EXPECTED).zip(columns.get(format::EXPECTED_VALUES)),
            best_effort: columns.get(format::BEST_EFFORT),
            unit: options.time_unit.unwrap_or_default(),
            optional: format.has_optional_deadlines(),
            rule: options.deadline.filter(|_| deadline.is_none()),
            tightness: Draws::new(options.trace_seed, Stream::Tightness),
            undated: 0,
        }
    }

    /// Returns whether deadlines are drawn.
    pub(super) fn is_drawn(&self) -> bool {
        matches!(self.rule, Some(DeadlineRule::Uniform { .. }))
    }

    /// Returns the times by which the job of a row is worth something, ascending: none for a
    /// best-effort job, one for a hard deadline, several for soft ones. Returns `None` with the
    /// problems noted if a value is wrong.
    ///
    /// Of `duration`, the outer `None` means that it is wrong, the inner that the row states none.
    pub(super) fn read(
        &mut self,
        row: TableRow<'_>,
        submit: Option<SimTime>,
        duration: Option<Option<SimDuration>>,
        problems: &mut Problems,
    ) -> Option<Vec<SoftDeadline>> {
        let best_effort = match self.best_effort {
            Some(place) => problems.keep(row.cell(place).flag()),
            None => Some(false),
        };
        let has_none = best_effort == Some(true);
        let due = match self.rule {
            Some(rule) => {
                // Drawn before anything can fail, so that a corrected row changes no other row.
                let (from, length) = (submit.unwrap_or_default(), duration.flatten().unwrap_or_default());
                let drawn = rule.deadline(from, length, &mut self.tightness);
                if has_none || rule == DeadlineRule::None {
                    Some(Vec::new())
                } else {
                    problems.keep(self.check_drawn(row.line(), rule, drawn, duration?)).map(hard)
                }
            }
            None if has_none => Some(Vec::new()),
            None => self.stated(row, submit, problems),
        };
        best_effort.and(due)
    }

    /// Reads the deadlines of a job that has some from the columns of the trace.
    fn stated(
        &mut self,
        row: TableRow<'_>,
        submit: Option<SimTime>,
        problems: &mut Problems,
    ) -> Option<Vec<SoftDeadline>> {
        if let Some((times, values)) = self.expected {
            let from = submit.unwrap_or_default();
            return soft::lists(row.cell(times), row.cell(values), self.unit, from, problems);
        }
        let deadline = self.deadline(row, submit, problems)?;
        let pairs = self.soft.map(|place| row.cell(place)).filter(|cell| !cell.is_blank());
        match (pairs, deadline) {
            (Some(pairs), Some(by)) => soft::pairs(pairs, self.unit, by, problems),
            _ => Some(hard(deadline)),
        }
    }

    /// Reads the column of hard deadlines. The outer `None` means that a problem was noted, the
    /// inner that the job has no deadline.
    fn deadline(
        &mut self,
        row: TableRow<'_>,
        submit: Option<SimTime>,
        problems: &mut Problems,
    ) -> Option<Option<SimTime>> {
        let Some(cell) = self.deadline.map(|place| row.cell(place)) else {
            // Reported once for all rows, by `finish`.
            self.undated += usize::from(!self.optional);
            return self.optional.then_some(None);
        };
        if cell.is_blank() && self.optional {
            return Some(None);
        }
        if cell.is_blank() {
            let unit = self.unit;
            let message =
                format!("is empty; give {unit}, or 1 under `best_effort` for a job without a deadline");
            problems.push(cell.problem(message));
            return None;
        }
        let deadline = problems.keep(self.unit.time(cell))?;
        if deadline < submit? {
            // The submission as the row spells it, in the unit of the trace.
            let submit = String::from_utf8_lossy(row.cell(self.submit).bytes().trim_ascii());
            let message = format!("is before the submission at {submit}; give a later deadline");
            problems.push(cell.problem(message));
            return None;
        }
        Some(Some(deadline))
    }

    /// Checks the deadline that a rule drew for the row in `line`.
    fn check_drawn(
        &self,
        line: u64,
        rule: DeadlineRule,
        drawn: Option<SimTime>,
        duration: Option<SimDuration>,
    ) -> Result<Option<SimTime>, Problem> {
        let message = if duration.is_none() && self.optional {
            format!(
                "cannot run on the GPUs it asks for, whose time `--deadline {rule}` is a share of; ask for fewer"
            )
        } else if duration.is_none() {
            format!("has no `duration`, which `--deadline {rule}` is a share of; add it")
        } else if drawn > Some(SimTime::LIMIT) {
            format!("gets a deadline beyond 10000000000 s from `--deadline {rule}`; give a smaller share")
        } else {
            return Ok(drawn);
        };
        Err(Problem::line(line, message))
    }

    /// Notes what is known only after the last row: how many jobs need a deadline that neither a
    /// column nor a rule gives.
    pub(super) fn finish(&self, sheet: &Table<'_>, problems: &mut Problems) {
        if self.undated > 0 {
            let jobs = counted(self.undated, "job needs", "jobs need");
            problems.push(sheet.problem(format!(
                "has no column `deadline` or `ddl`, and {jobs} a deadline; give a rule such as `--deadline \
                 uniform:0.5,1.5`, or `--deadline none`"
            )));
        }
    }
}

/// Returns a hard deadline as a list of what a job is worth: all of its value by then.
fn hard(by: Option<SimTime>) -> Vec<SoftDeadline> {
    by.map(|by| SoftDeadline { by, value: 1.0 }).into_iter().collect()
}
