//! One JSON object a line for everything that happened: `events.jsonl`.

use std::io;

use serde_json::{Value, json};

use crate::job::JobId;
use crate::units::SimTime;
use crate::workload::Workload;

use super::{Happened, Observer};

/// Writes the event log. Times are decimal seconds, as numbers.
pub struct EventLog<W: io::Write> {
    to: W,
}

impl<W: io::Write> EventLog<W> {
    /// An event log on a writer.
    pub fn new(to: W) -> EventLog<W> {
        EventLog { to }
    }
}

impl<W: io::Write> Observer for EventLog<W> {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()> {
        let name = |job: &JobId| &jobs.job(*job).name;
        let seconds = |time: SimTime| time.as_secs_f64();
        let mut line = match what {
            Happened::Arrived { job } => json!({ "event": "arrived", "job_id": name(job) }),
            Happened::Admitted { job, promise } => {
                json!({ "event": "admitted", "job_id": name(job), "planned_end_time": promise.map(seconds) })
            }
            Happened::Declined { job, reason } => {
                json!({ "event": "declined", "job_id": name(job), "reason": reason.to_string() })
            }
            Happened::Allocated { job, change, nodes, batch, restart, turns } => json!({
                "event": change.as_str(),
                "job_id": name(job),
                "gpus": nodes.gpus(),
                "nodes": nodes.to_string(),
                "batch_size": batch,
                "pause": restart.as_secs_f64(),
                "quantum": turns.map(|turns| turns.quantum.as_secs_f64()),
                "turn": turns.map(|turns| turns.place),
            }),
            Happened::Ended { job, .. } => json!({ "event": "ended", "job_id": name(job) }),
            Happened::Planned(now) => json!({
                "event": "planned",
                "changed": now.changed,
                "gpus_busy": now.gpus_busy,
                "jobs_running": now.jobs_running,
                "jobs_waiting": now.jobs_waiting,
            }),
        };
        if let Value::Object(fields) = &mut line {
            fields.insert("time".to_owned(), json!(seconds(at)));
        }
        serde_json::to_writer(&mut self.to, &line)?;
        self.to.write_all(b"\n")
    }
}
