//! Summaries as tables for people: shares in per cent, times in the unit that fits.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Row, Table};

use crate::metrics::{Metrics, Spread};

use super::Summary;

/// The unit of all times in a table.
#[derive(Clone, Copy)]
struct TableUnit {
    name: &'static str,
    seconds: f64,
}

impl TableUnit {
    /// Chooses hours, or minutes or seconds if the longest makespan is only a few of them.
    fn for_runs<'a>(all: impl IntoIterator<Item = &'a Metrics>) -> TableUnit {
        match all.into_iter().filter_map(|m| m.makespan).fold(0.0, f64::max) {
            longest if longest >= 36_000.0 => TableUnit { name: "h", seconds: 3600.0 },
            longest if longest >= 600.0 => TableUnit { name: "min", seconds: 60.0 },
            _ => TableUnit { name: "s", seconds: 1.0 },
        }
    }

    fn text(self, seconds: Option<f64>) -> String {
        seconds.map_or("-".to_owned(), |seconds| format!("{:.2}", seconds / self.seconds))
    }

    fn with_name(self, seconds: Option<f64>) -> String {
        seconds.map_or("-".to_owned(), |_| format!("{} {}", self.text(seconds), self.name))
    }
}

/// Shows one run: what was simulated, what became of the deadline jobs, how long everything took.
pub fn run(summary: &Summary) -> String {
    let m = &summary.metrics;
    let unit = TableUnit::for_runs([m]);
    let mut text = format!("{}\n\n", what(summary));
    text.push_str(&lines(&deadlines(summary), &[1, 2]));
    text.push('\n');
    text.push_str(&times(m, unit));
    text.push('\n');
    text.push_str(&lines(&load(m, unit), &[1]));
    text
}

fn load(m: &Metrics, unit: TableUnit) -> [Row; 6] {
    let moves = [
        count(m.preemptions, "preemption"),
        count(m.migrations, "migration"),
        count(m.split_placements, "split placement"),
    ];
    [
        row(["makespan", &unit.with_name(m.makespan), "from the first submission to the last end"]),
        row(["GPU utilization", &percent(m.gpu_utilization), "of all GPU time was held by jobs"]),
        row([
            "cluster efficiency",
            &percent(m.cluster_efficiency),
            "sum of speedups over one GPU / GPUs of the cluster",
        ]),
        row([
            "goodput",
            &format!("{:.1} h", m.goodput_gpu_hours),
            "GPU-hours of jobs met or completed, less restart overhead",
        ]),
        row(["rescales", &m.rescales.to_string(), &moves.join(", ")]),
        row(["plans", &m.plans.to_string(), &count(m.events, "event")]),
    ]
}

/// Says what was simulated: `edf on trace.csv: 195 jobs on 16x8 GPUs (a100)`, and the settings.
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
    rows.push(line("  met", m.met, format!("{} could be met, each alone on the cluster", m.feasible_alone)));
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

fn times(m: &Metrics, unit: TableUnit) -> String {
    let line = |name: &str, spread: &Option<Spread>| {
        let parts = spread.map_or([None; 4], |s| [s.mean, s.p50, s.p90, s.p99].map(Some));
        let [mean, p50, p90, p99] = parts.map(|part| unit.with_name(part));
        row([name, &mean, &p50, &p90, &p99])
    };
    let mut rows = vec![row(["", "mean", "median", "90 %", "99 %"]), line("completion time", &m.jct)];
    // If all jobs are of one class, the line above has the same numbers.
    if m.best_effort_jobs > 0 && m.slo_jobs > 0 {
        rows.push(line("  best effort", &m.best_effort_jct));
    }
    rows.push(line("queueing", &m.queue_delay));
    rows.push(line("tardiness", &m.tardiness));
    lines(&rows, &[1, 2, 3, 4])
}

/// Shows several runs, a row each: percentages, counts, times, and GPU-hours.
pub fn compare(summaries: &[Summary]) -> String {
    let (heads, cells) = cells(&summaries.iter().collect::<Vec<_>>());
    let last = heads.len() - 1;
    let rows: Vec<Row> = [heads].into_iter().chain(cells).map(Row::from).collect();
    lines(&rows, &(1..=last).collect::<Vec<_>>())
}

/// Returns the heads of [`compare`], and the cells of each summary in the order given.
pub fn cells(summaries: &[&Summary]) -> (Vec<String>, Vec<Vec<String>>) {
    let unit = TableUnit::for_runs(summaries.iter().map(|summary| &summary.metrics));
    // Where the published artifact is what ran, the numbers that it prints have two more columns.
    let printed = summaries.iter().any(|summary| summary.artifact_accepted.is_some());
    let cells = summaries.iter().map(|summary| {
        let claim = printed.then(|| printed_cells(summary));
        join(first_cells(summary), claim, last_cells(&summary.metrics, unit))
    });
    (heads(printed, unit), cells.collect())
}

fn heads(printed: bool, unit: TableUnit) -> Vec<String> {
    let timed = |what: &str| format!("{what} {}", unit.name);
    join(
        ["scheduler", "dsr %", "met"].map(str::to_owned),
        printed.then(|| ["printed %", "printed"].map(str::to_owned)),
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
    )
}

fn join(first: [String; 3], printed: Option<[String; 2]>, last: [String; 9]) -> Vec<String> {
    first.into_iter().chain(printed.into_iter().flatten()).chain(last).collect()
}

fn first_cells(summary: &Summary) -> [String; 3] {
    let m = &summary.metrics;
    [summary.scheduler.clone(), bare_percent(m.dsr), m.met.to_string()]
}

/// What the published artifact prints, by its own count.
fn printed_cells(summary: &Summary) -> [String; 2] {
    let accepted = summary.artifact_accepted;
    let share = summary.metrics.planned_dsr.filter(|_| accepted.is_some());
    [bare_percent(share), accepted.map_or("-".to_owned(), |accepted| accepted.to_string())]
}

fn last_cells(m: &Metrics, unit: TableUnit) -> [String; 9] {
    [
        m.late.to_string(),
        m.declined.to_string(),
        unit.text(m.jct.map(|jct| jct.mean)),
        unit.text(m.jct.map(|jct| jct.p99)),
        unit.text(m.makespan),
        bare_percent(m.gpu_utilization),
        bare_percent(m.cluster_efficiency),
        format!("{:.1}", m.goodput_gpu_hours),
        m.rescales.to_string(),
    ]
}

/// Lays rows out as a table without rules, two spaces between columns; the columns in `right` are
/// aligned to the right.
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

/// Makes a row of a [`lines`] table.
pub fn row<const N: usize>(cells: [&str; N]) -> Row {
    Row::from(cells)
}

/// Writes a ratio in per cent, without the sign.
fn bare_percent(ratio: Option<f64>) -> String {
    ratio.map_or("-".to_owned(), |ratio| format!("{:.1}", ratio * 100.0))
}

fn percent(ratio: Option<f64>) -> String {
    ratio.map_or("-".to_owned(), |ratio| format!("{:.1} %", ratio * 100.0))
}

/// Writes a number with its noun: `1 job`, `2 jobs`.
pub fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
