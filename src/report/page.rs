//! Runs as one self-contained page: what `report --html` writes.
//!
//! The page holds its style, its script and its data, and loads nothing. Text from a trace gets
//! into it in two ways: as text of the template, which escapes it, and as JSON that cannot end the
//! element around it. The script inserts it only as text.

use std::collections::BTreeMap;

use askama::Template;
use serde::Serialize;

use crate::metrics::CommonJct;
use crate::record::allocations::Allocation;
use crate::record::jobs::{JobOutcome, JobRow};
use crate::record::timeline::TimelinePoint;
use crate::units::{MICROS, SimTime};

use super::bound::BoundRow;
use super::encode::sha256_base64;
use super::{Stored, StoredError, Summary, table};

/// The style.
const STYLE: &str = concat!("\n", include_str!("../../templates/report.css"));

/// The script, in the order in which its parts build on each other.
const SCRIPT: &str = concat!(
    "\n\"use strict\";\n(() => {\n",
    include_str!("../../templates/report_base.js"),
    include_str!("../../templates/report_time.js"),
    include_str!("../../templates/report_charts.js"),
    include_str!("../../templates/report_gantt.js"),
    include_str!("../../templates/report_page.js"),
    "})();\n",
);

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    title: &'a str,
    subtitle: String,
    version: &'a str,
    style: &'a str,
    script: &'a str,
    /// SHA-256 of the style and of the script, in base64: nothing else is applied or run.
    style_hash: String,
    script_hash: String,
    heads: Vec<String>,
    settings: [&'a str; 8],
    runs: Vec<RunRow>,
    /// JSON, escaped for a script element.
    data: String,
}

/// The row of a run in the tables.
struct RunRow {
    label: String,
    results: Vec<String>,
    settings: [String; 8],
    command: String,
}

/// What the script draws. All times are seconds on the trace's clock, rounded down to the
/// hundredth, which is finer than any pixel.
#[derive(Serialize)]
struct ChartData<'a> {
    traces: Vec<TraceData<'a>>,
    runs: Vec<RunData<'a>>,
}

/// The jobs of a trace, a list for each column. Most runs of a page share one.
#[derive(PartialEq, Serialize)]
struct TraceData<'a> {
    id: Vec<&'a str>,
    model: Vec<&'a str>,
    gpus: Vec<u32>,
    submit: Vec<f64>,
    deadline: Vec<Option<f64>>,
}

/// What became of the jobs of a trace in one run.
#[derive(Serialize)]
struct RunData<'a> {
    label: &'a str,
    /// The place of the trace in [`ChartData::traces`].
    trace: usize,
    /// GPUs of the cluster.
    gpus: u32,
    /// A letter for each job, the first of its state.
    state: String,
    end: Vec<Option<f64>>,
    /// Why a job was declined, by its place in the trace.
    reason: BTreeMap<usize, &'a str>,
    /// For each job the changes of its GPUs: time, GPUs, time, GPUs, …; -1 for an unknown number.
    held: Vec<Vec<f64>>,
    /// Time, GPUs busy, time, GPUs busy, …
    busy: Vec<f64>,
    /// Of each time with a price: begin, end, price of a GPU-hour; empty without a bound.
    price: Vec<f64>,
}

/// Makes the page of some runs, in the order given.
///
/// # Errors
///
/// If a timeline is missing or not as this version writes it.
pub fn html(runs: &[Stored]) -> Result<String, StoredError> {
    let labels = labels(runs);
    let summaries: Vec<&Summary> = runs.iter().map(|run| &run.summary).collect();
    let (mut heads, cells) = table::cells(&summaries, common_jct(runs).as_ref());
    heads[0] = "run".to_owned();
    let rows = runs.iter().zip(&labels).zip(cells).map(|((run, label), cells)| RunRow {
        label: label.clone(),
        results: cells.into_iter().skip(1).collect(),
        settings: settings(&run.summary),
        command: command(run),
    });
    let mut traces: Vec<&str> = summaries.iter().map(|summary| summary.trace.as_str()).collect();
    traces.dedup();
    let page = Page {
        title: "Scheduling report",
        subtitle: format!("{} of {}", table::count(runs.len() as u64, "run"), traces.join(", ")),
        version: env!("CARGO_PKG_VERSION"),
        style: STYLE,
        script: SCRIPT,
        style_hash: sha256_base64(STYLE.as_bytes()),
        script_hash: sha256_base64(SCRIPT.as_bytes()),
        heads,
        settings: ["trace", "cluster", "profiles", "slot", "overhead", "placer", "preset", "digest"],
        runs: rows.collect(),
        data: for_script(&ChartData::new(runs, &labels)?),
    };
    Ok(page.render().expect("writing to a string does not fail"))
}

/// Returns the mean completion times over the same jobs, if the runs are of the same jobs and did
/// not all complete the same ones.
fn common_jct(runs: &[Stored]) -> Option<CommonJct> {
    let (first, others) = runs.split_first()?;
    let same = |run: &Stored| TraceData::new(&run.jobs) == TraceData::new(&first.jobs);
    let jcts = |run: &Stored| run.jobs.iter().map(|row| row.jct).collect();
    let common = others.iter().all(same).then(|| CommonJct::of(&runs.iter().map(jcts).collect::<Vec<_>>()));
    common.filter(|common| !common.is_all)
}

/// Returns what each run is called: its scheduler, with the directory if several runs have the same
/// scheduler.
fn labels(runs: &[Stored]) -> Vec<String> {
    let label = |run: &Stored| {
        let scheduler = &run.summary.scheduler;
        match runs.iter().filter(|other| other.summary.scheduler == *scheduler).count() {
            1 => scheduler.clone(),
            _ => format!("{scheduler} ({})", run.path.display()),
        }
    };
    runs.iter().map(label).collect()
}

fn settings(summary: &Summary) -> [String; 8] {
    [
        summary.trace_in_words(),
        summary.cluster.shape.clone(),
        summary.profiles.clone(),
        format!("{} s", summary.slot),
        summary.overhead.clone(),
        summary.placer.clone(),
        summary.preset.clone(),
        summary.digest.get(..12).unwrap_or(&summary.digest).to_owned(),
    ]
}

/// Returns the command that runs a run again.
fn command(run: &Stored) -> String {
    let words: Vec<_> = run.command.iter().map(|word| quoted(word)).collect();
    format!("elasticflow-sim {}", words.join(" "))
}

/// Quotes a word for a shell, where it needs to be.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+".contains(c);
    if word.chars().all(plain) && !word.is_empty() {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Writes JSON that can stand in a script element: no `<` in it ends the element or begins a
/// comment.
fn for_script(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).expect("the data have text keys");
    // These characters stand only in strings, where an escape means the same.
    let escapes = [
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('&', "\\u0026"),
        ('\u{2028}', "\\u2028"),
        ('\u{2029}', "\\u2029"),
    ];
    escapes.into_iter().fold(json, |json, (character, escape)| json.replace(character, escape))
}

/// Returns a time in seconds, rounded down to the hundredth.
fn seconds(time: SimTime) -> f64 {
    (time.as_micros() / (MICROS / 100)) as f64 / 100.0
}

impl<'a> ChartData<'a> {
    fn new(runs: &'a [Stored], labels: &'a [String]) -> Result<ChartData<'a>, StoredError> {
        let mut data = ChartData { traces: Vec::new(), runs: Vec::new() };
        for (run, label) in runs.iter().zip(labels) {
            let jobs = TraceData::new(&run.jobs);
            let trace = data.traces.iter().position(|known| *known == jobs).unwrap_or(data.traces.len());
            if trace == data.traces.len() {
                data.traces.push(jobs);
            }
            let (timeline, bound) = (run.timeline()?.unwrap_or_default(), run.bound()?.unwrap_or_default());
            data.runs.push(RunData { price: prices(&bound), ..RunData::new(run, label, trace, &timeline) });
        }
        Ok(data)
    }
}

impl<'a> TraceData<'a> {
    fn new(jobs: &'a [JobRow]) -> TraceData<'a> {
        TraceData {
            id: jobs.iter().map(|job| job.job_id.as_str()).collect(),
            model: jobs.iter().map(|job| job.model.as_str()).collect(),
            gpus: jobs.iter().map(|job| job.requested_gpus.get()).collect(),
            submit: jobs.iter().map(|job| seconds(job.submit_time)).collect(),
            deadline: jobs.iter().map(|job| job.deadline.map(seconds)).collect(),
        }
    }
}

impl<'a> RunData<'a> {
    fn new(run: &'a Stored, label: &'a str, trace: usize, timeline: &[TimelinePoint]) -> RunData<'a> {
        let held = match &run.allocations {
            Some(allocations) => observed_holdings(&run.jobs, allocations),
            None => run.jobs.iter().map(unobserved_holding).collect(),
        };
        let reasons = run.jobs.iter().enumerate().filter(|(_, job)| !job.reason.is_empty());
        RunData {
            label,
            trace,
            gpus: run.gpus(),
            state: run.jobs.iter().map(letter).collect(),
            end: run.jobs.iter().map(|job| job.end_time.map(seconds)).collect(),
            reason: reasons.map(|(n, job)| (n, job.reason.as_str())).collect(),
            busy: busy(run, timeline, &held),
            price: Vec::new(),
            held,
        }
    }
}

/// Returns the letter of a job's state in [`RunData::state`].
fn letter(job: &JobRow) -> char {
    match job.state {
        JobOutcome::Met => 'm',
        JobOutcome::Late => 'l',
        JobOutcome::Declined => 'd',
        JobOutcome::Completed => 'c',
        JobOutcome::Unfinished => 'u',
        JobOutcome::NotSubmitted => 'n',
    }
}

/// Collects [`RunData::held`] from the rows of `allocations.csv`.
fn observed_holdings(jobs: &[JobRow], allocations: &[Allocation]) -> Vec<Vec<f64>> {
    let places: BTreeMap<&str, usize> =
        jobs.iter().enumerate().map(|(n, job)| (job.job_id.as_str(), n)).collect();
    let mut held = vec![Vec::new(); jobs.len()];
    for row in allocations {
        if let Some(place) = places.get(row.job_id.as_str()) {
            held[*place].extend([seconds(row.time), f64::from(row.gpus.get())]);
        }
    }
    held
}

/// Returns what a job held in a run without observers: an unknown number of GPUs, from its start to
/// its end.
fn unobserved_holding(job: &JobRow) -> Vec<f64> {
    match (job.start_time, job.end_time) {
        (Some(start), Some(end)) => vec![seconds(start), -1.0, seconds(end), 0.0],
        _ => Vec::new(),
    }
}

/// Collects [`RunData::price`].
fn prices(bound: &[BoundRow]) -> Vec<f64> {
    let times = bound.iter().filter(|row| row.priced().is_some());
    times.flat_map(|row| [seconds(row.from), seconds(row.until), row.price]).collect()
}

/// Collects [`RunData::busy`]. The timeline has a row for each plan, and there may be none after
/// the last completion: then the last row of `allocations.csv` tells when all GPUs are free.
fn busy(run: &Stored, timeline: &[TimelinePoint], held: &[Vec<f64>]) -> Vec<f64> {
    let mut busy: Vec<f64> =
        timeline.iter().flat_map(|point| [seconds(point.time), f64::from(point.gpus_busy.get())]).collect();
    let all_free = held.iter().all(|changes| changes.last().is_none_or(|gpus| *gpus == 0.0));
    if let Some(last) = run.allocations.as_ref().and_then(|rows| rows.last())
        && all_free
    {
        busy.extend([seconds(last.time), 0.0]);
    }
    busy
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
