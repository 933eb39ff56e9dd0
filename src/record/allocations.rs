//! One row for each change of a job's GPUs: `allocations.csv`.

use std::io;

use serde::{Deserialize, Serialize};

use crate::units::{Gpus, SimTime};
use crate::workload::Workload;

use super::{Happened, Observer};

/// A row: what a job holds from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// Since when.
    pub time: SimTime,
    /// The trace's own id.
    pub job_id: String,
    /// How many; 0 when it ends or is preempted. Members of a rotation have the GPUs that they
    /// share.
    pub gpus: Gpus,
    /// `node:gpus` parts joined by spaces.
    pub nodes: String,
    /// Global batch size.
    pub batch_size: u32,
}

impl Allocation {
    /// The row of what happened, if it is one.
    fn of(at: SimTime, jobs: &Workload, what: &Happened<'_>) -> Option<Allocation> {
        let (job, gpus, nodes, batch) = match what {
            Happened::Allocated { job, nodes, batch, .. } => (job, nodes.gpus(), nodes.to_string(), batch),
            Happened::Ended { job, batch } => (job, Gpus::ZERO, String::new(), batch),
            _ => return None,
        };
        let job_id = jobs.job(*job).name.clone();
        Some(Allocation { time: at, job_id, gpus, nodes, batch_size: *batch })
    }
}

/// Keeps the rows in memory, in the order of events.
impl Observer for Vec<Allocation> {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()> {
        self.extend(Allocation::of(at, jobs, what));
        Ok(())
    }
}

/// Reads rows as [`Allocations`] wrote them.
///
/// # Errors
///
/// If a row is not one.
pub fn read(from: impl io::Read) -> Result<Vec<Allocation>, csv::Error> {
    csv::Reader::from_reader(from).deserialize().collect()
}

/// Writes `time, job_id, gpus, nodes, batch_size`; `nodes` is `node:gpus` parts joined by spaces,
/// empty for no GPUs.
pub struct Allocations<W: io::Write> {
    writer: csv::Writer<W>,
}

impl<W: io::Write> Allocations<W> {
    /// Writes the header.
    ///
    /// # Errors
    ///
    /// If the writer fails.
    pub fn new(to: W) -> io::Result<Allocations<W>> {
        let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(to);
        writer.write_record(["time", "job_id", "gpus", "nodes", "batch_size"]).map_err(io::Error::other)?;
        Ok(Allocations { writer })
    }
}

impl<W: io::Write> Observer for Allocations<W> {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()> {
        match Allocation::of(at, jobs, what) {
            Some(row) => self.writer.serialize(row).map_err(io::Error::other),
            None => Ok(()),
        }
    }
}
