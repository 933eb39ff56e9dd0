//! Rules on what jobs were told: the event log has each answer, and `jobs.csv` the same.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::record::jobs::{JobOutcome, JobRow};
use crate::units::{SimDuration, SimTime};

use super::evidence::{Checked, Evidence};

/// `admitted`, `planned_end_time` and `reason` are those of the events.
pub(super) fn answers(run: &Evidence<'_>) -> Checked {
    let (stored, events) = (run.stored, run.events()?);
    let mut told: BTreeMap<&str, &Value> = BTreeMap::new();
    let mut faults = Vec::new();
    for event in events {
        let (Some("admitted" | "declined"), Some(job)) = (event["event"].as_str(), event["job_id"].as_str())
        else {
            continue;
        };
        if told.insert(job, event).is_some() {
            faults.push(format!("events.jsonl answers job `{job}` twice"));
        }
    }
    for job in &stored.jobs {
        let event = told.get(job.job_id.as_str()).copied().unwrap_or(&Value::Null);
        faults.extend(fault(job, event));
    }
    Ok(faults)
}

fn fault(job: &JobRow, event: &Value) -> Option<String> {
    let is = |word: &str| event["event"] == word;
    let planned = event["planned_end_time"]
        .as_f64()
        .and_then(SimDuration::from_secs_f64)
        .map(|since| SimTime::ZERO + since);
    let reason = event["reason"].as_str().unwrap_or_default();
    let (column, stated, found) = if (job.admitted == 1) != is("admitted") {
        ("admitted", job.admitted.to_string(), u8::from(is("admitted")).to_string())
    } else if (job.state == JobOutcome::Declined) != is("declined") {
        ("state", format!("{:?}", job.state), format!("event {}", event["event"]))
    } else if job.planned_end_time != planned {
        let word =
            |time: Option<SimTime>| time.map_or_else(|| "empty".to_owned(), |time| format!("{time} s"));
        ("planned_end_time", word(job.planned_end_time), word(planned))
    } else if job.reason != reason {
        ("reason", format!("`{}`", job.reason), format!("`{reason}`"))
    } else {
        return None;
    };
    Some(format!("job `{}`: {column} is {stated}, but by events.jsonl it is {found}", job.job_id))
}
