//! Traces: the jobs of a cluster, read, checked, drawn, converted and described.
//!
//! [`read`] takes any of [`FORMATS`], told apart by their headers, and gives back either a
//! [`Trace`] that can be simulated or *every* problem of the file with its line, column and value
//! ([`InputErrors`]). [`generate()`] draws a trace from a seed, [`write()`] writes the one format
//! that this program writes, [`describe()`] says what a trace asks of a cluster.

use std::path::Path;

use crate::application::Applications;
use crate::job::JobSpec;
use crate::profile::ThroughputTable;
use crate::workload::Workload;

pub(crate) mod cell;
mod convert;
mod deadline;
mod describe;
mod draw;
mod elasticflow;
pub(crate) mod file;
mod format;
mod generate;
mod itp;
mod pollux;
pub(crate) mod problem;
mod row;
mod soft;
pub(crate) mod table;
mod unit;

pub use convert::{head, write};
pub use deadline::{DeadlineRule, DeadlineRuleError};
pub use describe::{Description, Load, ModelCount, Tightness, describe};
pub use format::{Column, FORMATS, Format};
pub use generate::{GenerateError, GenerateOptions, generate};
pub use problem::{InputErrors, Problem, printable};
pub use unit::TimeUnit;

use problem::Problems;
use row::Reader;
use table::Table;

/// What a trace may need besides its file.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions<'a> {
    /// Makes deadlines for a trace that has none. It is an error to give one for a trace that has
    /// deadlines.
    pub deadline: Option<DeadlineRule>,
    /// The seed of everything that is drawn: deadlines, and what a raw trace leaves out.
    pub trace_seed: u64,
    /// What every time of the trace is counted in; seconds where nothing is said.
    pub time_unit: Option<TimeUnit>,
    /// The applications that a trace of Pollux's may name.
    pub applications: Option<&'a Applications>,
}

/// A trace that can be simulated.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Its jobs, in the order of the file.
    pub workload: Workload,
    /// Which format it was.
    pub format: &'static Format,
    /// What its user may want to know though nothing is wrong, each a message of its own.
    pub notes: Vec<String>,
    /// Whether [`ReadOptions::trace_seed`] had a say in it.
    pub drawn: bool,
    file: String,
    lines: Vec<u64>,
    workless: Vec<Problem>,
}

/// Reads the trace at `path`, which may be compressed with gzip.
///
/// # Errors
///
/// Everything that is wrong with the file: what keeps it from being read, the columns that are
/// missing, every value that is not what its column holds, ids that occur twice, deadlines before
/// the submission, models and batch sizes that `table` lacks, jobs that take longer than the clock
/// goes. A requested number of GPUs that was not measured is no error here, since elastic policies
/// do not use it: see [`Trace::check_requested`].
pub fn read(path: &Path, table: &ThroughputTable, options: &ReadOptions<'_>) -> Result<Trace, InputErrors> {
    let name = path.display().to_string();
    match file::read(path) {
        Ok(bytes) => parse(&name, &bytes, table, options),
        Err(problem) => Err(InputErrors::new(&name, vec![problem])),
    }
}

/// Reads a trace from `bytes`; `file` is what messages call it.
///
/// # Errors
///
/// As [`read`].
pub fn parse(
    file: &str,
    bytes: &[u8],
    table: &ThroughputTable,
    options: &ReadOptions<'_>,
) -> Result<Trace, InputErrors> {
    let mut problems = Problems::default();
    let trace = sheet(file, bytes, table, options, &mut problems);
    match trace {
        Some(trace) if problems.0.is_empty() => Ok(trace),
        _ => Err(InputErrors::new(file, problems.0)),
    }
}

/// As [`parse`]; leaves a problem behind wherever it gives back `None`.
fn sheet(
    file: &str,
    bytes: &[u8],
    table: &ThroughputTable,
    options: &ReadOptions<'_>,
    problems: &mut Problems,
) -> Option<Trace> {
    let sheet = Table::parse(bytes, problems)?;
    let Some(format) = format::detect(&sheet) else {
        let message = "has the columns of no known trace format; `list formats` shows them";
        problems.push(sheet.problem(message).value(sheet.header().join(",")));
        return None;
    };
    let mut reader = Reader::new(&sheet, format, table, options, problems)?;
    if sheet.is_empty() && problems.0.is_empty() {
        problems.push(Problem::file("has a header and no jobs; add a row for each"));
    }
    let (mut jobs, mut lines) = (Vec::new(), Vec::new());
    for row in sheet.rows() {
        if reader.passes_over(row) {
            continue;
        }
        if let Some(job) = reader.job(jobs.len(), row, problems) {
            jobs.push(job);
            lines.push(row.line());
        }
    }
    if jobs.is_empty() && problems.0.is_empty() && !reader.dropped().is_empty() {
        problems.push(Problem::file("has no job that could be run; every row is dropped"));
    }
    reader.finish(problems);
    if !problems.0.is_empty() {
        problems.0.extend(reader.workless());
        return None;
    }
    let workload = Workload::new(jobs)
        .map_err(|error| {
            problems.push(Problem::line(lines[error.row], format!("holds a job where {}", error.what)))
        })
        .ok()?;
    let mut notes = notes(&sheet, format, &workload, table);
    notes.extend(reader.dropped());
    if reader.draws_work() {
        notes.push("models, batch sizes and iterations are drawn with the trace seed".to_owned());
    }
    if format.drops() && options.time_unit.is_none() {
        let note =
            "times are taken for seconds; those of Chronus's artifact are minutes: `--time-unit minutes`";
        notes.push(note.to_owned());
    }
    let drawn = reader.draws();
    Some(Trace { workload, format, notes, drawn, file: file.to_owned(), lines, workless: reader.workless() })
}

fn notes(sheet: &Table, format: &Format, workload: &Workload, table: &ThroughputTable) -> Vec<String> {
    let mut notes = Vec::new();
    let known = |name: &str| format.columns.iter().any(|column| column.names.contains(&name));
    let ignored: Vec<_> = sheet
        .header()
        .iter()
        .filter(|name| !known(name))
        .map(|name| format!("`{}`", problem::shown(name)))
        .collect();
    if !ignored.is_empty() {
        notes.push(format!("ignores the columns {}", ignored.join(", ")));
    }
    let unmeasured = workload.jobs().iter().filter(|job| !requests_measured(job, table)).count();
    if unmeasured > 0 {
        notes.push(format!(
            "{unmeasured} of {} jobs ask for a number of GPUs at which they were not measured; policies that run jobs at \
             the size asked for cannot run them",
            workload.len()
        ));
    }
    notes
}

fn requests_measured(job: &JobSpec, table: &ThroughputTable) -> bool {
    table.curve(&job.model, job.batch_size).is_some_and(|curve| curve.rate(job.requested).is_some())
}

impl Trace {
    /// Checks that every job has work, as all policies of the event core need.
    ///
    /// # Errors
    ///
    /// Every job that has none, with the line of the trace.
    pub fn check_work(&self) -> Result<(), InputErrors> {
        Problems(self.workless.clone()).or(&self.file, ())
    }

    /// Checks that every job was measured at the number of GPUs it asks for, as policies need that
    /// run it there.
    ///
    /// # Errors
    ///
    /// Every job that was not, with the line of the trace and the numbers that were measured.
    pub fn check_requested(&self, table: &ThroughputTable) -> Result<(), InputErrors> {
        let mut problems = Problems::default();
        let column = self.format.spellings(format::GPUS).first().copied().unwrap_or(format::GPUS);
        for (job, line) in self.workload.jobs().iter().zip(&self.lines) {
            if !requests_measured(job, table) {
                let measured =
                    table.curve(&job.model, job.batch_size).map_or(&[][..], |curve| curve.measured());
                let message = format!(
                    "GPUs are not measured for `{}` at batch size {} in profiles `{}`; ask for one of {}",
                    job.model,
                    job.batch_size,
                    table.name(),
                    row::listed(measured.iter().map(|(gpus, _)| gpus))
                );
                problems.push(Problem::line(*line, message).field(column).value(job.requested.to_string()));
            }
        }
        problems.or(&self.file, ())
    }
}

#[cfg(test)]
mod tests;
