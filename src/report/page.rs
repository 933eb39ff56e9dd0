//! Runs as one self-contained page: what `report --html` writes.
//!
//! The page holds its style, its script and its data, and loads nothing. What comes from a trace
//! gets into it in two ways: as text of the template, which escapes it, and as JSON in which
//! nothing can end the element around it; the script only ever makes text of it.

use askama::Template;
use serde::Serialize;

use crate::record::jobs::{JobRow, State};
use crate::record::timeline::Point;
use crate::units::{MICROS, SimTime};

use super::{Stored, StoredError, Summary, table};

/// The script, in the order in which its parts build on each other.
const SCRIPT: &str = concat!(
    include_str!("../../templates/report_base.js"),
    include_str!("../../templates/report_time.js"),
    include_str!("../../templates/report_charts.js"),
    include_str!("../../templates/report_gantt.js"),
    include_str!("../../templates/report_page.js"),
);

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    title: &'a str,
    subtitle: String,
    version: &'a str,
    style: &'a str,
    script: &'a str,
    heads: Vec<String>,
    settings: [&'a str; 8],
    runs: Vec<Row>,
    /// JSON, escaped for a script element.
    data: String,
}

/// A run in the tables.
struct Row {
    label: String,
    results: Vec<String>,
    settings: [String; 8],
    command: String,
}

/// What the script draws.
#[derive(Serialize)]
struct Data<'a> {
    traces: Vec<Jobs<'a>>,
    runs: Vec<Run<'a>>,
}

/// The jobs of a trace, a list for each column: most runs of a page have the same ones.
#[derive(PartialEq, Serialize)]
struct Jobs<'a> {
    id: Vec<&'a str>,
    model: Vec<&'a str>,
    gpus: Vec<u32>,
    submit: Vec<f64>,
    deadline: Vec<Option<f64>>,
}

/// What became of them.
#[derive(Serialize)]
struct Run<'a> {
    label: &'a str,
    /// Which of the traces.
    trace: usize,
    gpus: u32,
    /// A letter for each job, the first of its state.
    state: String,
    end: Vec<Option<f64>>,
    /// Why a job was declined, by its place in the trace.
    reason: std::collections::BTreeMap<usize, &'a str>,
    /// For each job its changes: time, GPUs, time, GPUs, …; -1 where nobody knows how many.
    held: Vec<Vec<f64>>,
    /// Time, GPUs busy, time, GPUs busy, …
    busy: Vec<f64>,
}

/// The page of some runs.
///
/// # Errors
///
/// If a timeline is missing or not as this version writes it.
pub fn html(runs: &[Stored]) -> Result<String, StoredError> {
    let labels = labels(runs);
    let summaries: Vec<&Summary> = runs.iter().map(|run| &run.summary).collect();
    let (mut heads, cells) = table::cells(&summaries);
    heads[0] = "run".to_owned();
    let rows = runs.iter().zip(&labels).zip(cells).map(|((run, label), cells)| Row {
        label: label.clone(),
        results: cells.into_iter().skip(1).collect(),
        settings: settings(&run.summary),
        command: format!(
            "elasticflow-sim {}",
            run.command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
        ),
    });
    let mut data = Data { traces: Vec::new(), runs: Vec::new() };
    for (run, label) in runs.iter().zip(&labels) {
        let jobs = Jobs::of(&run.jobs);
        let trace = data.traces.iter().position(|known| *known == jobs).unwrap_or(data.traces.len());
        if trace == data.traces.len() {
            data.traces.push(jobs);
        }
        data.runs.push(Run::of(run, label, trace, &run.timeline()?.unwrap_or_default()));
    }
    let mut traces: Vec<&str> = summaries.iter().map(|summary| summary.trace.as_str()).collect();
    traces.dedup();
    let page = Page {
        title: "Scheduling report",
        subtitle: format!("{} of {}", table::count(runs.len() as u64, "run"), traces.join(", ")),
        version: env!("CARGO_PKG_VERSION"),
        style: include_str!("../../templates/report.css"),
        script: SCRIPT,
        heads,
        settings: ["trace", "cluster", "profiles", "slot", "overhead", "placer", "preset", "digest"],
        runs: rows.collect(),
        data: for_script(&data),
    };
    // Writing to a string does not fail.
    Ok(page.render().unwrap_or_default())
}

/// What runs are called: their scheduler, with the directory where that is not enough.
fn labels(runs: &[Stored]) -> Vec<String> {
    let of = |run: &Stored| {
        let same = runs.iter().filter(|other| other.summary.scheduler == run.summary.scheduler).count();
        match same {
            1 => run.summary.scheduler.clone(),
            _ => format!("{} ({})", run.summary.scheduler, run.path.display()),
        }
    };
    runs.iter().map(of).collect()
}

fn settings(summary: &Summary) -> [String; 8] {
    [
        summary.trace.clone(),
        summary.cluster.shape.clone(),
        summary.profiles.clone(),
        format!("{} s", summary.slot),
        summary.overhead.clone(),
        summary.placer.clone(),
        summary.preset.clone(),
        summary.digest.get(..12).unwrap_or(&summary.digest).to_owned(),
    ]
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+".contains(c);
    if word.chars().all(plain) && !word.is_empty() {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// JSON that can stand in a script element: no `<` ends it or begins a comment.
fn for_script(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).unwrap_or_default();
    // Such characters stand in strings only, where an escape is the same.
    let escapes = [
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('&', "\\u0026"),
        ('\u{2028}', "\\u2028"),
        ('\u{2029}', "\\u2029"),
    ];
    escapes.into_iter().fold(json, |json, (character, escape)| json.replace(character, escape))
}

/// Seconds to the hundredth: finer than any pixel.
fn seconds(time: SimTime) -> f64 {
    (time.as_micros() / (MICROS / 100)) as f64 / 100.0
}

impl<'a> Jobs<'a> {
    fn of(jobs: &'a [JobRow]) -> Jobs<'a> {
        Jobs {
            id: jobs.iter().map(|job| job.job_id.as_str()).collect(),
            model: jobs.iter().map(|job| job.model.as_str()).collect(),
            gpus: jobs.iter().map(|job| job.requested_gpus.get()).collect(),
            submit: jobs.iter().map(|job| seconds(job.submit_time)).collect(),
            deadline: jobs.iter().map(|job| job.deadline.map(seconds)).collect(),
        }
    }
}

impl<'a> Run<'a> {
    fn of(run: &'a Stored, label: &'a str, trace: usize, timeline: &[Point]) -> Run<'a> {
        let letter = |job: &JobRow| match job.state {
            State::Met => 'm',
            State::Late => 'l',
            State::Declined => 'd',
            State::Completed => 'c',
            State::Unfinished => 'u',
        };
        let reasons = run.jobs.iter().enumerate().filter(|(_, job)| !job.reason.is_empty());
        let place: std::collections::BTreeMap<&str, usize> =
            run.jobs.iter().enumerate().map(|(n, job)| (job.job_id.as_str(), n)).collect();
        let mut held = vec![Vec::new(); run.jobs.len()];
        for row in run.allocations.iter().flatten() {
            if let Some(place) = place.get(row.job_id.as_str()) {
                held[*place].extend([seconds(row.time), f64::from(row.gpus.get())]);
            }
        }
        if run.allocations.is_none() {
            // Nobody watched: from the start to the end, on an unknown number of GPUs.
            for (held, job) in held.iter_mut().zip(&run.jobs) {
                if let (Some(start), Some(end)) = (job.start_time, job.end_time) {
                    held.extend([seconds(start), -1.0, seconds(end), 0.0]);
                }
            }
        }
        let mut busy = Vec::new();
        for point in timeline {
            busy.extend([seconds(point.time), f64::from(point.gpus_busy.get())]);
        }
        // The timeline has a row for each plan, and there need be none after the last end.
        if let Some(last) = run.allocations.as_ref().and_then(|rows| rows.last())
            && held.iter().all(|changes| changes.last().is_none_or(|gpus| *gpus == 0.0))
        {
            busy.extend([seconds(last.time), 0.0]);
        }
        Run {
            label,
            trace,
            gpus: run.gpus(),
            state: run.jobs.iter().map(letter).collect(),
            end: run.jobs.iter().map(|job| job.end_time.map(seconds)).collect(),
            reason: reasons.map(|(n, job)| (n, job.reason.as_str())).collect(),
            held,
            busy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_the_script() {
        let data = ["</script><script>alert(1)</script>", "<!--", "a&b", "\u{2028}"];
        let text = for_script(&data);
        assert!(!text.contains(['<', '>', '&', '\u{2028}']), "{text}");
        assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap(), data);
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("--trace"), "--trace");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
