//! Summaries as tables for people: shares in per cent, times in the unit that fits.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Row, Table};

use crate::metrics::{CommonJct, Metrics, Spread};

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
    text.push_str(&lines(&accounts(summary), &[1, 2]));
    text.push('\n');
    text.push_str(&times(m, unit));
    text.push('\n');
    text.push_str(&lines(&load(m, unit), &[1]));
    text
}

fn load(m: &Metrics, unit: TableUnit) -> [Row; 7] {
    let until = match m.unfinished + m.not_submitted + m.best_effort_unfinished + m.best_effort_not_submitted
    {
        0 => "from the first submission to the last end".to_owned(),
        _ => "from the first submission to the cut".to_owned(),
    };
    let moves = [
        count(m.preemptions, "preemption"),
        count(m.migrations, "migration"),
        count(m.split_placements, "split placement"),
    ];
    [
        row(["makespan", &unit.with_name(m.makespan), &until]),
        row(["GPU utilization", &percent(m.gpu_utilization), "of all GPU time was held by jobs"]),
        row([
            "cluster efficiency",
            &percent(m.cluster_efficiency),
            "sum of speedups over one GPU / GPUs of the cluster",
        ]),
        row([
            "useful work",
            &format!("{:.1} h", m.useful_gpu_hours),
            "GPU-hours that jobs met or completed take at their most efficient size",
        ]),
        row([
            "held for it",
            &format!("{:.1} h", m.held_gpu_hours),
            "GPU-hours that these jobs held, less restart overhead",
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
        summary.trace_in_words(),
        count(summary.metrics.jobs, "job"),
        summary.cluster.shape,
        summary.profiles,
        summary.slot,
        summary.overhead,
        summary.placer,
        summary.digest.get(..12).unwrap_or(&summary.digest),
    )
}

/// Accounts for every job of every class.
fn accounts(summary: &Summary) -> Vec<Row> {
    let m = &summary.metrics;
    let mut rows = vec![row(["deadline jobs", &m.slo_jobs.to_string(), "", ""])];
    if m.slo_jobs > 0 {
        rows.extend(deadlines(summary));
    }
    rows.push(row(["best-effort jobs", &m.best_effort_jobs.to_string(), "", ""]));
    if m.best_effort_jobs > 0 {
        let share = |part: u64| percent(Some(part as f64 / m.best_effort_jobs as f64));
        let states = [
            ("  completed", m.best_effort_completed),
            ("  declined", m.best_effort_declined),
            ("  unfinished", m.best_effort_unfinished),
            ("  not submitted", m.best_effort_not_submitted),
        ];
        let shown = states.into_iter().enumerate().filter(|(place, (_, jobs))| *place == 0 || *jobs > 0);
        rows.extend(shown.map(|(_, (name, jobs))| row([name, &jobs.to_string(), &share(jobs), ""])));
    }
    rows
}

/// Says what became of the deadline jobs: shares are of those that count in the ratios.
fn deadlines(summary: &Summary) -> Vec<Row> {
    let m = &summary.metrics;
    let counting = m.slo_jobs - m.open - m.not_submitted;
    let share = |part: u64| percent((counting > 0).then(|| part as f64 / counting as f64));
    let line = |name: &str, part: u64, note: String| row([name, &part.to_string(), &share(part), &note]);
    let bare = |name: &str, part: u64, note: &str| row([name, &part.to_string(), "", note]);
    let promise = m.planned_dsr.filter(|_| summary.artifact_accepted.is_none());
    let promise = promise.map_or(String::new(), promised);
    let mut rows = Vec::new();
    // An open job may be admitted, but is in no share.
    if m.open == 0 {
        rows.push(line("  admitted", m.admitted, promise));
    } else {
        rows.push(bare("  admitted", m.admitted, &promise));
    }
    rows.push(line("  declined", m.declined, String::new()));
    rows.push(line("  met", m.met, format!("{} could be met, each alone on the cluster", m.feasible_alone)));
    if let Some((bound, short)) = summary.bound.zip(summary.short_hours) {
        let note = format!("could be met by anyone; the cluster was short for {short:.1} h");
        rows.push(line("  at most", bound, note));
    }
    let admitted_late = || format!("{} of them admitted", m.admitted_late);
    rows.push(line("  late", m.late, if m.late > 0 { admitted_late() } else { String::new() }));
    if let (Some(accepted), Some(declined)) = (summary.artifact_accepted, summary.artifact_declined) {
        let note = format!("accepted and {declined} declined, by the artifact's own count");
        rows.push(row(["  printed", &accepted.to_string(), &percent(m.planned_dsr), &note]));
    }
    if m.unfinished > m.open {
        rows.push(line("  unfinished", m.unfinished - m.open, "and their deadline has passed".to_owned()));
    }
    if m.open > 0 {
        rows.push(bare("  open", m.open, "unfinished, and their deadline is still to come"));
    }
    if m.not_submitted > 0 {
        rows.push(bare("  not submitted", m.not_submitted, ""));
    }
    rows
}

fn promised(planned_dsr: f64) -> String {
    format!("{} promised in time", percent(Some(planned_dsr)))
}

fn times(m: &Metrics, unit: TableUnit) -> String {
    let line = |name: &str, spread: &Option<Spread>| {
        let parts = spread.map_or([None; 5], |s| [s.mean, s.p50, s.p90, s.p99, s.max].map(Some));
        let [mean, p50, p90, p99, max] = parts.map(|part| unit.with_name(part));
        row([name, &mean, &p50, &p90, &p99, &max])
    };
    let mut rows = vec![row(["", "mean", "median", "90 %", "99 %", "max"]), line("completion time", &m.jct)];
    // If all jobs are of one class, the line above has the same numbers.
    if m.best_effort_jobs > 0 && m.slo_jobs > 0 {
        rows.push(line("  best effort", &m.best_effort_jct));
    }
    rows.push(line("queueing", &m.queue_delay));
    rows.push(line("tardiness", &m.tardiness));
    lines(&rows, &[1, 2, 3, 4, 5])
}

/// Shows several runs, a row each: percentages, counts, times, and GPU-hours. `common` is their
/// mean completion time over the same jobs, where it is to be shown.
pub fn compare(summaries: &[Summary], common: Option<&CommonJct>) -> String {
    let (heads, cells) = cells(&summaries.iter().collect::<Vec<_>>(), common);
    let last = heads.len() - 1;
    let rows: Vec<Row> = [heads].into_iter().chain(cells).map(Row::from).collect();
    lines(&rows, &(1..=last).collect::<Vec<_>>())
}

/// A column of [`compare`]: its head, and the cell of each run.
type Column = (String, Vec<String>);

/// Returns the heads of [`compare`], and the cells of each summary in the order given.
pub fn cells(summaries: &[&Summary], common: Option<&CommonJct>) -> (Vec<String>, Vec<Vec<String>>) {
    let columns: Vec<Column> = columns(summaries, common);
    let row = |run: usize| columns.iter().map(|(_, cells)| cells[run].clone()).collect();
    let cells = (0..summaries.len()).map(row).collect();
    (columns.into_iter().map(|(head, _)| head).collect(), cells)
}

fn columns(summaries: &[&Summary], common: Option<&CommonJct>) -> Vec<Column> {
    let unit = TableUnit::for_runs(summaries.iter().map(|summary| &summary.metrics));
    let column = |head: &str, cell: &dyn Fn(&Summary) -> String| -> Column {
        (head.to_owned(), summaries.iter().map(|summary| cell(summary)).collect())
    };
    let number = |head: &str, cell: &dyn Fn(&Metrics) -> u64| column(head, &|s| cell(&s.metrics).to_string());
    let share = |head: &str, cell: &dyn Fn(&Metrics) -> Option<f64>| {
        column(head, &|summary| bare_percent(cell(&summary.metrics)))
    };
    let time = |what: &str, cell: &dyn Fn(&Metrics) -> Option<f64>| {
        column(&format!("{what} {}", unit.name), &|summary| unit.text(cell(&summary.metrics)))
    };
    let hours = |head: &str, cell: &dyn Fn(&Metrics) -> f64| {
        column(head, &|summary| format!("{:.1}", cell(&summary.metrics)))
    };
    // A column that is 0 in every row is left out.
    let some = |column: Column| Some(column).filter(|(_, cells)| cells.iter().any(|cell| cell != "0"));
    // Where the published artifact is what ran, the numbers that it prints have two more columns.
    let printed = summaries.iter().any(|summary| summary.artifact_accepted.is_some());
    let mut all = vec![
        column("scheduler", &|summary| summary.scheduler.clone()),
        share("dsr %", &|m| m.dsr),
        number("met", &|m| m.met),
    ];
    if printed {
        all.push(column("printed %", &|summary| bare_percent(printed_ratio(summary))));
        all.push(column("printed", &|summary| {
            summary.artifact_accepted.map_or("-".to_owned(), |accepted| accepted.to_string())
        }));
    }
    all.extend([number("late", &|m| m.late), number("declined", &|m| m.declined)]);
    let rarer = [
        number("unfinished", &|m| m.unfinished),
        number("not submitted", &|m| m.not_submitted),
        number("best effort", &|m| m.best_effort_completed),
        number("be declined", &|m| m.best_effort_declined),
        number("be unfinished", &|m| m.best_effort_unfinished),
        number("be not submitted", &|m| m.best_effort_not_submitted),
    ];
    all.extend(rarer.into_iter().filter_map(some));
    all.push(time("jct", &|m| m.jct.map(|jct| jct.mean)));
    if let Some(common) = common {
        let cells = common.means.iter().map(|mean| unit.text(*mean)).collect();
        all.push((format!("jct of same {}", unit.name), cells));
    }
    all.extend([
        time("p99", &|m| m.jct.map(|jct| jct.p99)),
        time("max", &|m| m.jct.map(|jct| jct.max)),
        time("makespan", &|m| m.makespan),
        share("util %", &|m| m.gpu_utilization),
        share("eff %", &|m| m.cluster_efficiency),
        hours("useful h", &|m| m.useful_gpu_hours),
        hours("held h", &|m| m.held_gpu_hours),
        number("rescales", &|m| m.rescales),
    ]);
    all
}

/// The ratio that the published artifact prints, by its own count.
fn printed_ratio(summary: &Summary) -> Option<f64> {
    summary.metrics.planned_dsr.filter(|_| summary.artifact_accepted.is_some())
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
