//! One row for each plan that changed something: `timeline.csv`.

use std::io;

use serde::Deserialize;

use crate::units::{Gpus, SimTime};
use crate::workload::Workload;

use super::{Happened, Observer};

const HEADER: [&str; 9] = [
    "time",
    "gpus_busy",
    "gpus_total",
    "jobs_running",
    "jobs_waiting",
    "jobs_admitted_total",
    "jobs_declined_total",
    "jobs_completed_total",
    "cluster_efficiency",
];

/// A row: the cluster after a plan. The columns that end in `_total` count from the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct TimelinePoint {
    /// The instant of the plan, in seconds of the trace's clock.
    pub time: SimTime,
    /// GPUs that jobs hold.
    pub gpus_busy: Gpus,
    /// GPUs of the cluster.
    pub gpus_total: Gpus,
    /// Jobs that hold GPUs; a rotation counts as one job.
    pub jobs_running: u32,
    /// Live jobs that hold none; of a rotation, all but one.
    pub jobs_waiting: u32,
    /// Jobs admitted.
    pub jobs_admitted_total: u32,
    /// Jobs declined.
    pub jobs_declined_total: u32,
    /// Jobs completed.
    pub jobs_completed_total: u32,
    /// Σ over running jobs of rate(g) ÷ rate(1), ÷ GPUs of the cluster.
    pub cluster_efficiency: f64,
}

/// Reads rows as [`Timeline`] wrote them, in their order.
///
/// # Errors
///
/// If a row lacks a column, or has a value that is not what the column holds.
pub fn read(from: impl io::Read) -> Result<Vec<TimelinePoint>, csv::Error> {
    csv::Reader::from_reader(from).deserialize().collect()
}

/// Writes the state of the cluster over time: a row for each plan that changed something, in the
/// order of plans. Times are decimal seconds, exact to a microsecond.
pub struct Timeline<W: io::Write> {
    writer: csv::Writer<W>,
}

impl<W: io::Write> Timeline<W> {
    /// Writes the header.
    ///
    /// # Errors
    ///
    /// If the writer fails.
    pub fn new(to: W) -> io::Result<Timeline<W>> {
        let mut writer = csv::Writer::from_writer(to);
        writer.write_record(HEADER).map_err(io::Error::other)?;
        Ok(Timeline { writer })
    }
}

impl<W: io::Write> Observer for Timeline<W> {
    fn observe(&mut self, at: SimTime, _: &Workload, what: &Happened<'_>) -> io::Result<()> {
        let Happened::Planned(now) = what else { return Ok(()) };
        if !now.changed {
            return Ok(());
        }
        let row = [
            at.to_string(),
            now.gpus_busy.to_string(),
            now.gpus_total.to_string(),
            now.jobs_running.to_string(),
            now.jobs_waiting.to_string(),
            now.jobs_admitted.to_string(),
            now.jobs_declined.to_string(),
            now.jobs_completed.to_string(),
            format!("{:.6}", now.cluster_efficiency),
        ];
        self.writer.write_record(row).map_err(io::Error::other)
    }
}
