//! Reads a trace: bytes in, jobs or every problem of the file out.

use std::path::Path;
use std::sync::Arc;

use crate::job::JobSpec;
use crate::profile::ThroughputTable;
use crate::trace::durations::{Durations, Finding};
use crate::trace::file;
use crate::trace::format::{self, Format};
use crate::trace::options::ReadOptions;
use crate::trace::problem::{InputErrors, Problem, Problems, counted, listed, shown};
use crate::trace::row::JobReader;
use crate::trace::table::Table;
use crate::units::SimTime;
use crate::workload::{self, Workload};

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
    workless: Problems,
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
    let (mut jobs, mut lines) = (Vec::new(), Vec::new());
    let take = |job, line| {
        jobs.push(job);
        lines.push(line);
    };
    let About { format, notes, drawn, workless } = jobs_of(file, bytes, table, options, take)?;
    let workload = Workload::new(jobs).map_err(|error| {
        let message = format!("holds a job where {}", error.what);
        InputErrors::new(file, vec![Problem::line(lines[error.place], message)])
    })?;
    Ok(Trace { workload: Arc::new(workload), format, notes, drawn, file: file.to_owned(), lines, workless })
}

/// A trace that was read and not kept.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The number of jobs.
    pub jobs: usize,
    /// The format of the file.
    pub format: &'static Format,
    /// What the user may want to know though nothing is wrong, each a message of its own.
    pub notes: Vec<String>,
    /// What [`ReadOptions::trace_seed`] decided about the jobs, in words.
    pub drawn: Vec<&'static str>,
}

/// Finds what is wrong with the trace in `bytes`, as [`parse`] and then [`Trace::check_work`] do,
/// and keeps no job: what it takes in memory besides the bytes is little.
///
/// # Errors
///
/// As [`read`], and a problem for each job without work.
pub fn check(
    file: &str,
    bytes: &[u8],
    table: &ThroughputTable,
    options: &ReadOptions<'_>,
) -> Result<Checked, InputErrors> {
    let (mut jobs, mut before, mut problems) = (0, SimTime::ZERO, Problems::default());
    let take = |job: JobSpec, line| {
        if let Some(what) = workload::fault(&job, jobs, before) {
            problems.push(Problem::line(line, format!("holds a job where {what}")));
        }
        (jobs, before) = (jobs + 1, job.submit);
    };
    let About { format, notes, drawn, workless } = jobs_of(file, bytes, table, options, take)?;
    problems.append(workless);
    problems.or(file, Checked { jobs, format, notes, drawn })
}

/// What is told of a trace besides its jobs.
struct About {
    format: &'static Format,
    notes: Vec<String>,
    drawn: Vec<&'static str>,
    workless: Problems,
}

/// Reads the jobs of a trace, and gives each with its line to `take`, in the order of submission;
/// if there is an error, it may be given some of them.
fn jobs_of(
    file: &str,
    bytes: &[u8],
    table: &ThroughputTable,
    options: &ReadOptions<'_>,
    take: impl FnMut(JobSpec, u64),
) -> Result<About, InputErrors> {
    let mut problems = Problems::default();
    let about = Table::parse(bytes, &mut problems)
        .and_then(|sheet| read_sheet(sheet, table, options, &mut problems, take));
    match about {
        Some(about) if problems.is_empty() => Ok(about),
        _ => Err(InputErrors::new(file, problems)),
    }
}

/// Reads the jobs of a table. Notes a problem wherever it returns `None`.
fn read_sheet(
    mut sheet: Table<'_>,
    table: &ThroughputTable,
    options: &ReadOptions<'_>,
    problems: &mut Problems,
    mut take: impl FnMut(JobSpec, u64),
) -> Option<About> {
    sheet.ignore(options.ignore_columns, problems);
    let Some(format) = format::detect(&sheet) else {
        let message = "has the columns of no known trace format; `list formats` shows them";
        problems.push(sheet.problem(message).value(sheet.header().join(",")));
        return None;
    };
    let mut reader = JobReader::new(&sheet, format, table, options, problems)?;
    let (states_work, mut durations, mut counts) = (reader.states_work(), Durations::default(), [0, 0]);
    read_jobs(&sheet, &mut reader, problems, |job, line| {
        let curve = table.curve(&job.model, job.batch_size);
        if states_work {
            durations.add(&job, curve);
        }
        let is_measured = curve.is_some_and(|curve| curve.rate(job.requested).is_some());
        counts = [counts[0] + 1, counts[1] + usize::from(!is_measured)];
        take(job, line);
    });
    let mut notes = column_notes(&sheet, format);
    notes.extend(unmeasured_note(counts));
    notes.extend(reader.dropped());
    match durations.finding(options.time_unit.unwrap_or_default()) {
        Finding::Wrong(text) if !options.odd_durations => {
            problems.push(Problem::file(format!("{text}, or go on by `--odd-durations allow`")));
        }
        Finding::Wrong(text) | Finding::Odd(text) => notes.push(text),
        Finding::Usual => {}
    }
    let drawn = reader.drawn();
    let workless = reader.finish(&sheet, problems);
    if !problems.is_empty() {
        problems.append(workless);
        return None;
    }
    if !drawn.is_empty() {
        notes.push(format!("{} are drawn with the trace seed", drawn.join(", ")));
    }
    if format.drops() && options.time_unit.is_none() {
        let note =
            "times are taken for seconds; those of Chronus's artifact are minutes: `--time-unit minutes`";
        notes.push(note.to_owned());
    }
    Some(About { format, notes, drawn, workless })
}

/// Reads every row that is not dropped, in the order of submission, and gives the jobs and their
/// lines to `take`.
fn read_jobs(
    sheet: &Table<'_>,
    reader: &mut JobReader<'_>,
    problems: &mut Problems,
    mut take: impl FnMut(JobSpec, u64),
) {
    if sheet.len() == 0 && problems.is_empty() {
        problems.push(Problem::file("has a header and no jobs; add a row for each"));
    }
    let (mut jobs, mut cursor) = (0, sheet.cursor());
    for place in reader.by_submission(sheet, problems) {
        let row = cursor.row(place as usize);
        if reader.drops(row) {
            continue;
        }
        if let Some(job) = reader.job(jobs, row, problems) {
            jobs += 1;
            take(job, row.line());
        }
    }
    if jobs == 0 && problems.is_empty() && !reader.dropped().is_empty() {
        problems.push(Problem::file("has no job that could be run; every row is dropped"));
    }
}

/// Returns a note on the columns that are ignored, if there are any.
fn column_notes(sheet: &Table<'_>, format: &Format) -> Vec<String> {
    let is_known = |name: &str| format.columns.iter().any(|column| column.names.contains(&name));
    let used: Vec<_> = sheet.names().filter(|name| is_known(name)).collect();
    let ignored: Vec<_> = sheet
        .header()
        .iter()
        .filter(|name| !used.contains(&name.as_str()))
        .map(|name| format!("`{}`", shown(name)))
        .collect();
    match ignored.len() {
        0 => Vec::new(),
        1 => vec![format!("ignores the column {}", ignored[0])],
        _ => vec![format!("ignores the columns {}", ignored.join(", "))],
    }
}

/// Returns a note on the jobs that ask for a number of GPUs at which they were not measured, if
/// there are any, by the numbers of all jobs and of these.
fn unmeasured_note([all, unmeasured]: [usize; 2]) -> Option<String> {
    let jobs = counted(all, "job", "jobs");
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
        self.workless.clone().or(&self.file, ())
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
