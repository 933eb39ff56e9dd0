//! Figure 7a: GPUs held over time.

use anyhow::Result;
use elasticflow_sim::experiment::Preset;

use crate::figure::{Drawing, Figure, FigureData};
use crate::lines;
use crate::page::FigurePage;
use crate::runs::{FigureRun, Presets};
use crate::scale::Scale;
use crate::style;
use crate::table::{CsvTable, value};
use crate::watch::Moment;

pub(crate) const FIGURE: Figure =
    Figure { id: "fig7a", what: "GPUs in use over time", draw, presets: Presets::Default };

/// Draws a panel per scheduler: on common axes the lines would hide each other.
fn draw(data: &FigureData) -> Result<Drawing> {
    let mut csv = CsvTable::new(&["figure", "scheduler", "hours", "gpus"])?;
    let mut page = data.page();
    let end = hours(data);
    let gpus = capacity(data);
    for (n, entry) in data.runs.schedulers.iter().enumerate() {
        let style = style::of(entry.name);
        let Some(row) = data.runs.of(0, entry, Preset::Default) else { continue };
        let steps = steps(row, begin(data), |now| now.gpus);
        for (time, held) in &steps {
            csv.row(&[data.id, entry.name, &value(*time), &value(*held)])?;
        }
        page.heading(style.label);
        let last = n + 1 == data.runs.schedulers.len();
        let (area, up) = page.ticked(24.0, gpus, &[0.0, gpus / 2.0, gpus], "GPUs", if last { 2 } else { 0 });
        let across = Scale { low: 0.0, high: end, from: area.x, to: area.right() };
        let means = lines::means(&steps, 0.0, end, 400);
        lines::filled(&mut page, &means, area, across, up, style);
        finish(&mut page, area, across, last);
    }
    data.close(page, csv)
}

fn finish(page: &mut FigurePage, area: crate::svg::Area, across: Scale, last: bool) {
    page.axes(area);
    if last {
        page.horizontal(area, across, 6, "hours since the first submission");
    }
}

/// Returns when the first job was submitted, in seconds.
pub(crate) fn begin(data: &FigureData) -> f64 {
    let submitted = data.runs.all.iter().flat_map(|row| &row.watched.submitted);
    submitted.copied().min_by(f64::total_cmp).unwrap_or_default()
}

/// Returns a value of the cluster over the hours since the first submission; 0 after the last end.
pub(crate) fn steps(row: &FigureRun, begin: f64, value: fn(&Moment) -> f64) -> Vec<(f64, f64)> {
    let hours = |time: f64| (time - begin) / 3600.0;
    let mut steps: Vec<_> = row.watched.moments.iter().map(|now| (hours(now.time), value(now))).collect();
    if let Some(makespan) = row.metrics.makespan {
        let end = makespan / 3600.0;
        steps.retain(|(time, _)| *time < end);
        steps.push((end, 0.0));
    }
    steps
}

/// Returns the hours from the first submission to the last end under any scheduler.
pub(crate) fn hours(data: &FigureData) -> f64 {
    let makespans = data.runs.all.iter().filter_map(|row| row.metrics.makespan);
    makespans.max_by(f64::total_cmp).unwrap_or(3600.0) / 3600.0
}

/// Returns the GPUs of the cluster of the first case.
fn capacity(data: &FigureData) -> f64 {
    let mut moments = data.runs.all.iter().flat_map(|row| &row.watched.moments);
    moments.next().map_or(1.0, |now| now.total)
}
