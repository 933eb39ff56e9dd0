//! Figure 7a: GPUs held over time.

use anyhow::Result;
use elasticflow_sim::experiment::Preset;

use crate::figure::{Drawn, Figure, Made};
use crate::lines;
use crate::page::Page;
use crate::runs::{Presets, Row};
use crate::scale::Scale;
use crate::style;
use crate::tidy::{Table, value};
use crate::watch::Moment;

pub(crate) const FIGURE: Figure =
    Figure { id: "fig7a", what: "GPUs in use over time", draw, presets: Presets::Default };

/// One panel for each scheduler: on common axes the lines would hide each other.
fn draw(made: &Made) -> Result<Drawn> {
    let mut csv = Table::new(&["figure", "scheduler", "hours", "gpus"])?;
    let mut page = made.page();
    let end = hours(made);
    let gpus = capacity(made);
    for (n, entry) in made.rows.schedulers.iter().enumerate() {
        let style = style::of(entry.name);
        let Some(row) = made.rows.of(0, entry, Preset::Default) else { continue };
        let steps = steps(row, begin(made), |now| now.gpus);
        for (time, held) in &steps {
            csv.row(&[made.id, entry.name, &value(*time), &value(*held)])?;
        }
        page.heading(style.label);
        let last = n + 1 == made.rows.schedulers.len();
        let (area, up) = page.ticked(24.0, gpus, &[0.0, gpus / 2.0, gpus], "GPUs", if last { 2 } else { 0 });
        let across = Scale { low: 0.0, high: end, from: area.x, to: area.right() };
        let means = lines::means(&steps, 0.0, end, 400);
        lines::filled(&mut page, &means, area, across, up, style);
        finish(&mut page, area, across, last);
    }
    made.close(page, csv)
}

fn finish(page: &mut Page, area: crate::svg::Area, across: Scale, last: bool) {
    page.axes(area);
    if last {
        page.horizontal(area, across, 6, "hours since the first submission");
    }
}

/// When the first job was submitted, in seconds.
pub(crate) fn begin(made: &Made) -> f64 {
    let submitted = made.rows.all.iter().flat_map(|row| &row.watched.submitted);
    submitted.copied().min_by(f64::total_cmp).unwrap_or_default()
}

/// Something about the cluster over the hours since the first submission; nothing after the last
/// end.
pub(crate) fn steps(row: &Row, begin: f64, of: fn(&Moment) -> f64) -> Vec<(f64, f64)> {
    let hours = |time: f64| (time - begin) / 3600.0;
    let mut steps: Vec<_> = row.watched.moments.iter().map(|now| (hours(now.time), of(now))).collect();
    if let Some(makespan) = row.metrics.makespan {
        let end = makespan / 3600.0;
        steps.retain(|(time, _)| *time < end);
        steps.push((end, 0.0));
    }
    steps
}

/// Hours from the first submission to the last end under any scheduler.
pub(crate) fn hours(made: &Made) -> f64 {
    let makespans = made.rows.all.iter().filter_map(|row| row.metrics.makespan);
    makespans.max_by(f64::total_cmp).unwrap_or(3600.0) / 3600.0
}

/// The GPUs of the first case's cluster.
fn capacity(made: &Made) -> f64 {
    let mut moments = made.rows.all.iter().flat_map(|row| &row.watched.moments);
    moments.next().map_or(1.0, |now| now.total)
}
