//! One row for each change of a job's GPUs: `allocations.csv`.

use std::io;

use crate::units::SimTime;
use crate::workload::Workload;

use super::{Happened, Observer};

/// Writes `time, job_id, gpus, nodes, batch_size`; `nodes` is `node:gpus` parts joined by spaces, empty for no GPUs.
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
        let mut writer = csv::Writer::from_writer(to);
        writer.write_record(["time", "job_id", "gpus", "nodes", "batch_size"]).map_err(io::Error::other)?;
        Ok(Allocations { writer })
    }
}

impl<W: io::Write> Observer for Allocations<W> {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()> {
        let (job, gpus, nodes, batch) = match what {
            Happened::Allocated { job, nodes, batch, .. } => {
                (job, nodes.gpus().get(), nodes.to_string(), batch)
            }
            Happened::Ended { job, batch } => (job, 0, String::new(), batch),
            _ => return Ok(()),
        };
        let spec = jobs.job(*job);
        let row = [&at.to_string(), &spec.name, &gpus.to_string(), &nodes, &batch.to_string()];
        self.writer.write_record(row).map_err(io::Error::other)
    }
}
