//! `bound.csv`: the prices that prove a bound, and the jobs that it leaves out.

use std::io;

use serde::{Deserialize, Serialize};

use crate::bound::{Bound, PricedTime};
use crate::units::SimTime;
use crate::workload::Workload;

/// The seconds of an hour.
const HOUR: f64 = 3600.0;

/// A row. Without a job: a time in which a GPU has a price. With one: a job that could be met alone
/// and pays at least one deadline, from its submission to its deadline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoundRow {
    /// The id of the job in the trace; empty for a time.
    pub job_id: String,
    /// When it begins, in seconds of the trace's clock.
    pub from: SimTime,
    /// When it ends.
    pub until: SimTime,
    /// Of a time: the price of a GPU-hour. Of a job: what it pays. In deadlines.
    pub price: f64,
}

impl BoundRow {
    /// Returns the time with its price for a GPU-second; `None` for the row of a job.
    pub fn priced(&self) -> Option<PricedTime> {
        let (from, until) = (self.from, self.until);
        self.job_id.is_empty().then(|| PricedTime { from, until, price: self.price / HOUR })
    }
}

/// Returns the bytes of `bound.csv`: the times in their order, then the jobs in the order of the
/// trace.
///
/// # Errors
///
/// If a row cannot be written.
pub fn bound_csv(bound: &Bound, jobs: &Workload) -> io::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.write_record(["job_id", "from", "until", "price"]).map_err(io::Error::other)?;
    let times = bound.prices.iter().map(|time| BoundRow {
        job_id: String::new(),
        from: time.from,
        until: time.until,
        price: time.price * HOUR,
    });
    let out = bound.priced_out.iter().map(|out| {
        let job = jobs.job(out.job);
        BoundRow { job_id: job.name.clone(), from: job.submit, until: job.due(), price: out.cost }
    });
    for row in times.chain(out) {
        writer.serialize(row).map_err(io::Error::other)?;
    }
    writer.into_inner().map_err(|why| io::Error::other(why.to_string()))
}

/// Reads rows as [`bound_csv`] writes them, in their order.
///
/// # Errors
///
/// If a row lacks a column, or has a value that is not what the column holds.
pub(super) fn read(from: impl io::Read) -> Result<Vec<BoundRow>, csv::Error> {
    csv::Reader::from_reader(from).deserialize().collect()
}
