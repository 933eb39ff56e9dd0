//! One row for each change of a job's GPUs: `allocations.csv`.

use std::io;

use serde::{Deserialize, Serialize};

use crate::units::{Gpus, SimTime};
use crate::workload::Workload;

use super::{Happened, Observer};

/// A row: what a job holds from an instant on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The instant, in seconds of the trace's clock.
    pub time: SimTime,
    /// The id of the job in the trace.
    pub job_id: String,
    /// How many GPUs; 0 when the job ends or is preempted. Each member of a rotation has all GPUs
    /// that the members share.
    pub gpus: Gpus,
    /// `node:gpus` parts joined by spaces; empty for no GPUs.
    pub nodes: String,
    /// Global batch size, in samples.
    pub batch_size: u32,
    /// The instant from which the job has them: `time`, except for a job of a rotation that waits
    /// for its first turn.
    pub held_from: SimTime,
}

impl Allocation {
    /// Returns the row of what happened, if it changed the GPUs of a job.
    fn from_happened(at: SimTime, jobs: &Workload, what: &Happened<'_>) -> Option<Allocation> {
        let (job, gpus, nodes, batch, turns) = match what {
            Happened::Allocated { job, nodes, batch, turns, .. } => {
                (job, nodes.gpus(), nodes.to_string(), batch, turns.as_ref())
            }
            Happened::Ended { job, batch } => (job, Gpus::ZERO, String::new(), batch, None),
            _ => return None,
        };
        let job_id = jobs.job(*job).name.clone();
        let held_from = turns.map_or(at, |turns| turns.first());
        Some(Allocation { time: at, job_id, gpus, nodes, batch_size: *batch, held_from })
    }
}

/// Keeps the rows in memory, in the order of events.
impl Observer for Vec<Allocation> {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()> {
        self.extend(Allocation::from_happened(at, jobs, what));
        Ok(())
    }
}

/// Reads rows as [`Allocations`] wrote them, in their order.
///
/// # Errors
///
/// If a row lacks a column, or has a value that is not what the column holds.
pub fn read(from: impl io::Read) -> Result<Vec<Allocation>, csv::Error> {
    csv::Reader::from_reader(from).deserialize().collect()
}

/// Writes a row for each change of a job's GPUs, in the order of events; the columns are the fields
/// of [`Allocation`].
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
        let header = ["time", "job_id", "gpus", "nodes", "batch_size", "held_from"];
        writer.write_record(header).map_err(io::Error::other)?;
        Ok(Allocations { writer })
    }
}

impl<W: io::Write> Observer for Allocations<W> {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()> {
        match Allocation::from_happened(at, jobs, what) {
            Some(row) => self.writer.serialize(row).map_err(io::Error::other),
            None => Ok(()),
        }
    }
}
