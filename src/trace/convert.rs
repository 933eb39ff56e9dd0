//! The writer of traces, and what `trace convert` does besides reading and writing.

use std::io;
use std::num::NonZeroUsize;

use crate::trace::{format, soft};
use crate::workload::Workload;

/// Returns the first `count` jobs of a workload, in the order of the trace; all of them if there
/// are fewer.
pub fn head(workload: &Workload, count: NonZeroUsize) -> Workload {
    let jobs = workload.jobs().iter().take(count.get()).cloned().collect();
    Workload::new(jobs).expect("what holds for every job and every pair of them holds for the first")
}

/// Writes a workload as a trace of the format `elasticflow`, in the order of the jobs. Reading it,
/// with [`read`](super::read()), gives the same workload.
///
/// If there are soft deadlines they have a column of their own. A job without a deadline gets an
/// empty `ddl` and a 1 under `best_effort`; a job without a duration gets an empty `duration`.
///
/// # Errors
///
/// Those of `out`.
pub fn write(workload: &Workload, out: &mut dyn io::Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    let has_soft = workload.jobs().iter().any(|job| !job.soft.is_empty());
    let names = format::GENERATED.columns.iter().map(|column| column.names[0]);
    csv.write_record(names.filter(|name| has_soft || *name != format::SOFT)).map_err(unwrapped)?;
    for job in workload.jobs() {
        let deadline = job.deadline.map_or(String::new(), |time| time.to_string());
        let fields = [
            job.name.as_str(),
            &job.submit.to_string(),
            &job.iterations.to_string(),
            &job.model,
            &deadline,
            &job.batch_size.to_string(),
            &job.requested.to_string(),
            &job.duration.map_or(String::new(), |time| time.to_string()),
            if job.deadline.is_some() { "0" } else { "1" },
            &soft::text(&job.soft),
        ];
        csv.write_record(&fields[..fields.len() - usize::from(!has_soft)]).map_err(unwrapped)?;
    }
    csv.flush()
}

/// Returns the error of the writer below, so that a broken pipe is recognised as one.
fn unwrapped(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
