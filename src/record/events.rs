//! One JSON object a line for everything that happened: `events.jsonl`.

use std::io;

use serde_json::{Value, json};

use crate::job::JobId;
use crate::units::SimTime;
use crate::workload::Workload;

use super::{Happened, Observer};

/// Writes the event log, in the order of events. Times and durations are decimal seconds, as
/// numbers; keys without a value are `null`.
pub struct EventLog<W: io::Write> {
    to: W,
}

impl<W: io::Write> EventLog<W> {
    /// Begins an event log. The writer should be buffered.
    pub fn new(to: W) -> EventLog<W> {
        EventLog { to }
    }
}

impl<W: io::Write> Observer for EventLog<W> {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()> {
        let mut line = fields(jobs, what);
        line["time"] = json!(at.as_secs_f64());
        serde_json::to_writer(&mut self.to, &line)?;
        self.to.write_all(b"\n")
    }
}

/// Returns the fields of a line, except its time.
fn fields(jobs: &Workload, what: &Happened<'_>) -> Value {
    let name = |job: &JobId| &jobs.job(*job).name;
    match what {
        Happened::Arrived { job } => json!({ "event": "arrived", "job_id": name(job) }),
        Happened::Admitted { job, promise } => json!({
            "event": "admitted",
            "job_id": name(job),
            "planned_end_time": promise.map(SimTime::as_secs_f64),
        }),
        Happened::Declined { job, reason } => {
            json!({ "event": "declined", "job_id": name(job), "reason": reason.to_string() })
        }
        Happened::Allocated { job, change, nodes, batch, restart, turns } => json!({
            "event": change.as_str(),
            "job_id": name(job),
            "gpus": nodes.gpus(),
            "nodes": nodes.to_string(),
            "batch_size": batch,
            "restart_overhead": restart.as_secs_f64(),
            "quantum": turns.map(|turns| turns.quantum.as_secs_f64()),
            "turn": turns.map(|turns| turns.place),
            "members": turns.map(|turns| turns.members),
            "first_restart_overhead": turns.map(|turns| turns.first_restart.as_secs_f64()),
        }),
        Happened::Ended { job, .. } => json!({ "event": "ended", "job_id": name(job) }),
        Happened::Planned(now) => json!({
            "event": "planned",
            "changed": now.changed,
            "gpus_busy": now.gpus_busy,
            "jobs_running": now.jobs_running,
            "jobs_waiting": now.jobs_waiting,
        }),
    }
}
