//! Reads a trace: bytes in, jobs or every problem of the file out.

use std::path::Path;
use std::sync::Arc;

use crate::job::JobSpec;
use crate::profile::ThroughputTable;
use crate::trace::file;
use crate::trace::format::{self, Format};
use crate::trace::options::ReadOptions;
use crate::trace::problem::{InputErrors, Problem, Problems, counted, listed, shown};
use crate::trace::row::JobReader;
use crate::trace::table::Table;
use crate::workload::Workload;

/// A trace that can be simulated.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The jobs, to be shared with scenarios.
    pub workload: Arc<Workload>,
    /// The format of the file.
    pub format: &'static Format,
    /// What the user may want to know though nothing is wrong, each a message of its own.
    pub notes: Vec<String>,
    /// What [`ReadOptions::trace_seed`] decided about the jobs, in words.
    pub drawn: Vec<&'static str>,
    file: String,
    /// The line of each job.
    lines: Vec<u64>,
    /// A problem for each job without work.
    workless: Vec<Problem>,
}

/// Reads the trace at `path`, which may be compressed with gzip. The jobs are in the order of their
/// submission, at equal times in that of the rows; the whole file is held in memory.
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

/// Reads a trace from `bytes`, which are not compressed; `file` is what messages call it.
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
    let trace = Table::parse(bytes, &mut problems)
        .and_then(|sheet| read_sheet(file, &sheet, table, options, &mut problems));
    match trace {
        Some(trace) if problems.0.is_empty() => Ok(trace),
        _ => Err(InputErrors::new(file, problems.0)),
    }
}

/// Reads the jobs of a table. Notes a problem wherever it returns `None`.
fn read_sheet(
    file: &str,
    sheet: &Table,
    table: &ThroughputTable,
    options: &ReadOptions<'_>,
    problems: &mut Problems,
) -> Option<Trace> {
    let Some(format) = format::detect(sheet) else {
        let message = "has the columns of no known trace format; `list formats` shows them";
        problems.push(sheet.problem(message).value(sheet.header().join(",")));
        return None;
    };
    let mut reader = JobReader::new(sheet, format, table, options, problems)?;
    let (jobs, lines) = read_jobs(sheet, &mut reader, problems);
    let (drawn, dropped) = (reader.drawn(), reader.dropped());
    let workless = reader.finish(sheet, problems);
    if !problems.0.is_empty() {
        problems.0.extend(workless);
        return None;
    }
    let workload = match Workload::new(jobs) {
        Ok(workload) => workload,
        Err(error) => {
            problems.push(Problem::line(lines[error.place], format!("holds a job where {}", error.what)));
            return None;
        }
    };
    let mut notes = column_notes(sheet, format);
    notes.extend(unmeasured_note(&workload, table));
    notes.extend(dropped);
    if !drawn.is_empty() {
        notes.push(format!("{} are drawn with the trace seed", drawn.join(", ")));
    }
    if format.drops() && options.time_unit.is_none() {
        let note =
            "times are taken for seconds; those of Chronus's artifact are minutes: `--time-unit minutes`";
        notes.push(note.to_owned());
    }
    let workload = Arc::new(workload);
    Some(Trace { workload, format, notes, drawn, file: file.to_owned(), lines, workless })
}

/// Reads every row that is not dropped: the jobs and their lines, in the order of submission.
fn read_jobs<'a>(
    sheet: &'a Table,
    reader: &mut JobReader<'a>,
    problems: &mut Problems,
) -> (Vec<JobSpec>, Vec<u64>) {
    if sheet.is_empty() && problems.0.is_empty() {
        problems.push(Problem::file("has a header and no jobs; add a row for each"));
    }
    let (mut jobs, mut lines) = (Vec::new(), Vec::new());
    for row in reader.by_submission(sheet) {
        if reader.drops(row) {
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
    (jobs, lines)
}

/// Returns a note on the columns that are ignored, if there are any.
fn column_notes(sheet: &Table, format: &Format) -> Vec<String> {
    let is_known = |name: &str| format.columns.iter().any(|column| column.names.contains(&name));
    let ignored: Vec<_> = sheet
        .header()
        .iter()
        .filter(|name| !is_known(name))
        .map(|name| format!("`{}`", shown(name)))
        .collect();
    match ignored.len() {
        0 => Vec::new(),
        1 => vec![format!("ignores the column {}", ignored[0])],
        _ => vec![format!("ignores the columns {}", ignored.join(", "))],
    }
}

/// Returns a note on the jobs that ask for a number of GPUs at which they were not measured, if
/// there are any.
fn unmeasured_note(workload: &Workload, table: &ThroughputTable) -> Option<String> {
    let unmeasured = workload.jobs().iter().filter(|job| !is_measured_as_requested(job, table)).count();
    let jobs = counted(workload.len(), "job", "jobs");
    let (asks, they_were, them) =
        if unmeasured == 1 { ("asks", "it was", "it") } else { ("ask", "they were", "them") };
    (unmeasured > 0).then(|| {
        format!(
            "{unmeasured} of {jobs} {asks} for a number of GPUs at which {they_were} not measured; policies that run \
             jobs at the size asked for cannot run {them}"
        )
    })
}

/// Returns whether a job was measured at the number of GPUs that it asks for.
fn is_measured_as_requested(job: &JobSpec, table: &ThroughputTable) -> bool {
    table.curve(&job.model, job.batch_size).is_some_and(|curve| curve.rate(job.requested).is_some())
}

impl Trace {
    /// Checks that every job has work, as all policies of the event core need.
    ///
    /// # Errors
    ///
    /// A problem for each job that has none, with the line of the trace.
    pub fn check_work(&self) -> Result<(), InputErrors> {
        Problems(self.workless.clone()).or(&self.file, ())
    }

    /// Checks that every job was measured at the number of GPUs that it asks for, as policies need
    /// that run it there.
    ///
    /// # Errors
    ///
    /// A problem for each job that was not, with the line of the trace and the numbers of GPUs that
    /// were measured.
    pub fn check_requested(&self, table: &ThroughputTable) -> Result<(), InputErrors> {
        let mut problems = Problems::default();
        let column = self.format.spellings(format::GPUS)[0];
        for (job, line) in self.workload.jobs().iter().zip(&self.lines) {
            if !is_measured_as_requested(job, table) {
                // A job of Pollux's may have a batch size without a curve.
                let measured =
                    table.curve(&job.model, job.batch_size).map_or(&[][..], |curve| curve.measured());
                let message = format!(
                    "GPUs are not measured for `{}` at batch size {} in profiles `{}`; ask for one of {}",
                    job.model,
                    job.batch_size,
                    table.name(),
                    listed(measured.iter().map(|(gpus, _)| gpus))
                );
                problems.push(Problem::line(*line, message).field(column).value(job.requested.to_string()));
            }
        }
        problems.or(&self.file, ())
    }
}
