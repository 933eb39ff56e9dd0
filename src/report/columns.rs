//! The keys of `summary.json`, flat: the columns of a comparison, and the names that an assertion
//! may use.

use std::io;

use serde_json::Value;

use crate::metrics::CommonJct;

use super::Summary;

/// The columns of a comparison as CSV: every key of `summary.json`, in its order, with dots for
/// nesting.
pub const CSV_COLUMNS: [&str; 74] = [
    "scheduler",
    "preset",
    "options",
    "trace",
    "drawn",
    "trace_seed",
    "cluster.nodes",
    "cluster.gpus_per_node",
    "profiles",
    "overhead",
    "placer",
    "slot",
    "seed",
    "until",
    "digest",
    "jobs",
    "slo_jobs",
    "best_effort_jobs",
    "feasible_alone",
    "admitted",
    "declined",
    "met",
    "late",
    "unfinished",
    "open",
    "not_submitted",
    "best_effort_completed",
    "best_effort_declined",
    "best_effort_unfinished",
    "best_effort_not_submitted",
    "dsr",
    "dsr_gpu_hours",
    "admit_ratio",
    "planned_dsr",
    "admitted_late",
    "soft_value",
    "jct.mean",
    "jct.p50",
    "jct.p90",
    "jct.p99",
    "jct.max",
    "best_effort_jct.mean",
    "best_effort_jct.p50",
    "best_effort_jct.p90",
    "best_effort_jct.p99",
    "best_effort_jct.max",
    "queue_delay.mean",
    "queue_delay.p50",
    "queue_delay.p90",
    "queue_delay.p99",
    "queue_delay.max",
    "tardiness.mean",
    "tardiness.p50",
    "tardiness.p90",
    "tardiness.p99",
    "tardiness.max",
    "makespan",
    "gpu_utilization",
    "cluster_efficiency",
    "useful_gpu_hours",
    "held_gpu_hours",
    "rescales",
    "preemptions",
    "migrations",
    "split_placements",
    "fallbacks",
    "plans",
    "events",
    "bound",
    "bound_gap",
    "short_hours",
    "no_bound",
    "artifact_accepted",
    "artifact_declined",
];

/// The keys whose values are texts.
const TEXTS: [&str; 10] = [
    "scheduler",
    "preset",
    "options",
    "trace",
    "drawn",
    "profiles",
    "overhead",
    "placer",
    "digest",
    "no_bound",
];

/// Returns whether `key` is a key of `summary.json` whose value is a number.
pub fn is_number(key: &str) -> bool {
    CSV_COLUMNS.contains(&key) && !TEXTS.contains(&key)
}

/// Writes a header and a row for each summary, in the order given. A key without a value gives an
/// empty cell. The last two columns say how many jobs all runs completed, and each run's mean
/// completion time over them, in seconds.
///
/// # Errors
///
/// If the writer fails.
pub fn write_csv(summaries: &[Summary], common: &CommonJct, to: &mut dyn io::Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(to);
    let heads = CSV_COLUMNS.into_iter().chain(["common_jobs", "common_jct"]);
    writer.write_record(heads).map_err(io::Error::other)?;
    for (summary, mean) in summaries.iter().zip(&common.means) {
        let [jobs, mean] = [common.jobs.to_string(), mean.map(|mean| mean.to_string()).unwrap_or_default()];
        let cells = cells(&serde_json::to_value(summary)?).into_iter().chain([jobs, mean]);
        writer.write_record(cells).map_err(io::Error::other)?;
    }
    writer.flush()
}

/// Returns the row of a `summary.json`: a text for each of [`CSV_COLUMNS`], empty for `null` or a
/// key that is not there.
pub fn cells(json: &Value) -> [String; CSV_COLUMNS.len()] {
    CSV_COLUMNS.map(|key| cell(json.pointer(&format!("/{}", key.replace('.', "/")))))
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
