//! Runs as a person likes to read them: shares in per cent, times in hours or what fits.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Row, Table};

use crate::metrics::{Metrics, Spread};

use super::Summary;

/// What times are told in: one unit for a whole table.
#[derive(Clone, Copy)]
struct Unit {
    name: &'static str,
    seconds: f64,
}

impl Unit {
    /// Hours, but minutes or seconds where everything is over after a few of them.
    fn of<'a>(all: impl IntoIterator<Item = &'a Metrics>) -> Unit {
        match all.into_iter().filter_map(|m| m.makespan).fold(0.0, f64::max) {
            longest if longest >= 36_000.0 => Unit { name: "h", seconds: 3600.0 },
            longest if longest >= 600.0 => Unit { name: "min", seconds: 60.0 },
            _ => Unit { name: "s", seconds: 1.0 },
        }
    }

    fn text(self, seconds: Option<f64>) -> String {
        seconds.map_or("-".to_owned(), |seconds| format!("{:.2}", seconds / self.seconds))
    }

    fn with_name(self, seconds: Option<f64>) -> String {
        seconds.map_or("-".to_owned(), |_| format!("{} {}", self.text(seconds), self.name))
    }
}

/// One run: what was simulated, how the deadline jobs fared, how long everything took.
pub fn run(summary: &Summary) -> String {
    let m = &summary.metrics;
    let unit = Unit::of([m]);
    let mut text = format!("{}\n\n", what(summary));
    text.push_str(&lines(&deadlines(summary), &[1, 2]));
    text.push('\n');
    text.push_str(&times(m, unit));
    text.push('\n');
    let load = [
        row(["makespan", &unit.with_name(m.makespan), "from the first submission to the last end"]),
        row(["GPU utilization", &percent(m.gpu_utilization), "of all GPU time was held by jobs"]),
        row([
            "cluster efficiency",
            &percent(m.cluster_efficiency),
            "speed gained over one GPU each, per GPU",
        ]),
        row([
            "goodput",
            &format!("{:.1} h", m.goodput_gpu_hours),
            "GPU-hours of jobs met or completed, less pauses",
        ]),
        row([
            "rescales",
            &m.rescales.to_string(),
            &format!(
                "{}, {}, {}",
                count(m.preemptions, "preemption"),
                count(m.migrations, "migration"),
                count(m.split_placements, "split placement")
            ),
        ]),
        row(["plans", &m.plans.to_string(), &count(m.events, "event")]),
    ];
    text.push_str(&lines(&load, &[1]));
    text
}

/// `edf on trace.csv: 195 jobs on 16x8 GPUs (a100), slot 60 s, overhead on-change, placer buddy`.
fn what(summary: &Summary) -> String {
    format!(
        "{} on {}: {} on {} GPUs ({})\nslot {} s, overhead {}, placer {}, digest {}",
        summary.scheduler,
        summary.trace,
        count(summary.metrics.jobs, "job"),
        summary.cluster.shape,
        summary.profiles,
        summary.slot,
        summary.overhead,
        summary.placer,
        summary.digest.get(..12).unwrap_or(&summary.digest),
    )
}

fn deadlines(summary: &Summary) -> Vec<Row> {
    let m = &summary.metrics;
    let share = |part: u64| percent((m.slo_jobs > 0).then(|| part as f64 / m.slo_jobs as f64));
    let line = |name: &str, part: u64, note: String| row([name, &part.to_string(), &share(part), &note]);
    let mut rows = vec![row(["deadline jobs", &m.slo_jobs.to_string(), "", ""])];
    if m.slo_jobs == 0 {
        rows.push(row(["best-effort jobs", &m.best_effort_jobs.to_string(), "", ""]));
        return rows;
    }
    let promise = m.planned_dsr.filter(|_| summary.artifact_accepted.is_none());
    rows.push(line("  admitted", m.admitted, promise.map_or(String::new(), promised)));
    rows.push(line("  declined", m.declined, String::new()));
    rows.push(line("  met", m.met, format!("of {} that could be, alone on the cluster", m.feasible_alone)));
    let admitted_late = || format!("{} of them admitted", m.admitted_late);
    rows.push(line("  late", m.late, if m.late > 0 { admitted_late() } else { String::new() }));
    if let (Some(accepted), Some(declined)) = (summary.artifact_accepted, summary.artifact_declined) {
        let note = format!("accepted and {declined} declined, by the artifact's own count");
        rows.push(row(["  printed", &accepted.to_string(), &percent(m.planned_dsr), &note]));
    }
    let cut = m.slo_jobs - m.met - m.late - m.declined;
    if cut > 0 {
        rows.push(line("  unfinished", cut, String::new()));
    }
    rows.push(row(["best-effort jobs", &m.best_effort_jobs.to_string(), "", ""]));
    rows
}

fn promised(planned_dsr: f64) -> String {
    format!("{} promised in time", percent(Some(planned_dsr)))
}

fn times(m: &Metrics, unit: Unit) -> String {
    let line = |name: &str, spread: &Option<Spread>| {
        let of = |part: fn(&Spread) -> f64| unit.with_name(spread.as_ref().map(part));
        row([name, &of(|s| s.mean), &of(|s| s.p50), &of(|s| s.p90), &of(|s| s.p99)])
    };
    let mut rows = vec![row(["", "mean", "median", "90 %", "99 %"]), line("completion time", &m.jct)];
    // Where all jobs are of one class, the line above says it.
    if m.best_effort_jobs > 0 && m.slo_jobs > 0 {
        rows.push(line("  best effort", &m.best_effort_jct));
    }
    rows.push(line("queueing", &m.queue_delay));
    rows.push(line("tardiness", &m.tardiness));
    lines(&rows, &[1, 2, 3, 4])
}

/// Several runs, a row each: percentages, counts, times, and GPU-hours.
pub fn compare(summaries: &[Summary]) -> String {
    let (heads, cells) = cells(&summaries.iter().collect::<Vec<_>>());
    let last = heads.len() - 1;
    let rows: Vec<Row> = [heads].into_iter().chain(cells).map(Row::from).collect();
    lines(&rows, &(1..=last).collect::<Vec<_>>())
}

/// The heads and the cells of [`compare`].
pub fn cells(summaries: &[&Summary]) -> (Vec<String>, Vec<Vec<String>>) {
    let unit = Unit::of(summaries.iter().map(|summary| &summary.metrics));
    // What the published artifact prints stands beside what it met, where it is what ran.
    let printed = summaries.iter().any(|summary| summary.artifact_accepted.is_some());
    let timed = |what: &str| format!("{what} {}", unit.name);
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let percent = |ratio: Option<f64>| or_dash(ratio.map(|ratio| format!("{:.1}", ratio * 100.0)));
    let row = |head: [String; 3], claim: [String; 2], rest: [String; 9]| -> Vec<String> {
        head.into_iter().chain(claim.into_iter().filter(|_| printed)).chain(rest).collect()
    };
    let heads = row(
        ["scheduler", "dsr %", "met"].map(str::to_owned),
        ["printed %", "printed"].map(str::to_owned),
        [
            "late".into(),
            "declined".into(),
            timed("jct"),
            timed("p99"),
            timed("makespan"),
            "util %".into(),
            "eff %".into(),
            "goodput h".into(),
            "rescales".into(),
        ],
    );
    let cells = summaries.iter().map(|summary| {
        let (m, accepted) = (&summary.metrics, summary.artifact_accepted);
        row(
            [summary.scheduler.clone(), percent(m.dsr), m.met.to_string()],
            [
                percent(m.planned_dsr.filter(|_| accepted.is_some())),
                or_dash(accepted.map(|accepted| accepted.to_string())),
            ],
            [
                m.late.to_string(),
                m.declined.to_string(),
                unit.text(m.jct.map(|jct| jct.mean)),
                unit.text(m.jct.map(|jct| jct.p99)),
                unit.text(m.makespan),
                percent(m.gpu_utilization),
                percent(m.cluster_efficiency),
                format!("{:.1}", m.goodput_gpu_hours),
                m.rescales.to_string(),
            ],
        )
    });
    (heads, cells.collect())
}

/// A table without lines, two spaces between columns, the given ones to the right.
pub fn lines(rows: &[Row], right: &[usize]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).add_rows(rows.iter().cloned());
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if index == 0 { 0 } else { 2 }, 0));
        if right.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Cells of a [`lines`] table.
pub fn row<const N: usize>(cells: [&str; N]) -> Row {
    Row::from(cells)
}

fn percent(ratio: Option<f64>) -> String {
    ratio.map_or("-".to_owned(), |ratio| format!("{:.1} %", ratio * 100.0))
}

/// `1 job`, `2 jobs`.
pub fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
