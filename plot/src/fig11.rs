//! Figure 11: deadlines met with best-effort jobs, and how much sooner these end than under
//! Gandiva.

use anyhow::Result;
use elasticflow_sim::experiment::Preset;
use elasticflow_sim::metrics::Metrics;
use elasticflow_sim::scheduler::Entry;

use crate::figure::{Drawing, Figure, FigureData};
use crate::lines;
use crate::page::LegendKey;
use crate::runs::Presets;
use crate::scale::{Scale, ceiling};
use crate::style;

pub(crate) const FIGURE: Figure = Figure {
    id: "fig11",
    what: "best-effort shares of 10 to 90 %: deadlines met, and completion times",
    draw,
    presets: Presets::Both,
};

/// The scheduler with whose completion times the others are compared.
pub(crate) const YARDSTICK: &str = "gandiva";

fn draw(data: &FigureData) -> Result<Drawing> {
    let mut page = data.page();
    page.legend(&data.labels(LegendKey::Line));
    let shares: Vec<f64> = data.runs.cases.iter().map(|case| share(&case.name)).collect();
    let ratio = |case: usize, entry: &'static Entry| {
        data.runs.of(case, entry, Preset::Default).and_then(|row| row.metrics.dsr)
    };
    let gain = |case: usize, entry: &'static Entry| gain(data, case, entry);
    type Value<'a> = &'a dyn Fn(usize, &'static Entry) -> Option<f64>;
    let panels: [(&str, &str, Value<'_>); 2] = [
        ("(a) deadline satisfaction ratio", "ratio", &ratio),
        ("(b) mean JCT of best-effort jobs: Gandiva's ÷ this one's", "gain", &gain),
    ];
    let mut notes = Vec::new();
    for (heading, label, value) in panels {
        page.heading(heading);
        let lines_: Vec<_> = data
            .runs
            .schedulers
            .iter()
            .map(|entry| {
                let points =
                    shares.iter().enumerate().filter_map(|(case, x)| Some((*x, value(case, entry)?)));
                (style::of(entry.name), points.collect::<Vec<_>>())
            })
            .collect();
        let most = lines_.iter().flat_map(|(_, points)| points).map(|(_, y)| *y).fold(0.0, f64::max);
        let high = if label == "ratio" { 1.0 } else { ceiling(most, 5) };
        let (area, up) = page.panel(76.0, high, label, 2);
        let across = Scale { low: 5.0, high: 95.0, from: area.x, to: area.right() };
        for (style, points) in &lines_ {
            lines::marked(&mut page, points, across, up, *style);
        }
        page.axes(area);
        page.horizontal(area, across, 9, "best-effort share, %");
        let panel = heading.split(' ').next().unwrap_or_default();
        notes.extend(lines::coincident(&lines_, up).iter().map(|note| format!("{panel} {note}")));
    }
    notes.iter().for_each(|note| page.note(note));
    data.close(page, data.table(read_metrics)?)
}

/// Returns the ratios and the mean JCT of best-effort jobs.
fn read_metrics(metrics: &Metrics) -> Vec<(&'static str, Option<f64>)> {
    let jct = metrics.best_effort_jct.map(|spread| spread.mean);
    vec![("dsr", metrics.dsr), ("planned_dsr", metrics.planned_dsr), ("best_effort_jct_mean", jct)]
}

/// Returns the percentage in the name of a case.
fn share(name: &str) -> f64 {
    name.trim_end_matches('%').parse().expect("the cases of figure 11 are named by their percentages")
}

/// Returns Gandiva's mean JCT of best-effort jobs ÷ this scheduler's.
pub(crate) fn gain(data: &FigureData, case: usize, scheduler: &'static Entry) -> Option<f64> {
    let mean = |entry: &Entry| {
        data.runs.of(case, entry, Preset::Default)?.metrics.best_effort_jct.map(|spread| spread.mean)
    };
    let yardstick = data.runs.schedulers.iter().find(|entry| entry.name == YARDSTICK)?;
    Some(mean(yardstick)? / mean(scheduler)?)
}
