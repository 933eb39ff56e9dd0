//! Figure 11: with best-effort jobs: deadlines met, and how much sooner best-effort jobs end than
//! under Gandiva.

use anyhow::Result;
use elasticflow_sim::experiment::Preset;
use elasticflow_sim::metrics::Metrics;
use elasticflow_sim::scheduler::Entry;

use crate::figure::{Drawn, Figure, Made};
use crate::lines;
use crate::page::Key;
use crate::runs::Presets;
use crate::scale::{Scale, ceiling};
use crate::style;

pub(crate) const FIGURE: Figure = Figure {
    id: "fig11",
    what: "best-effort shares of 10 to 90 %: deadlines met, and completion times",
    draw,
    presets: Presets::Both,
};

/// Whose completion times the others' are compared with.
pub(crate) const YARDSTICK: &str = "gandiva";

fn draw(made: &Made) -> Result<Drawn> {
    let mut page = made.page();
    page.legend(&made.labels(Key::Line));
    let shares: Vec<f64> = made.rows.cases.iter().map(|case| share(&case.name)).collect();
    let ratio = |case: usize, entry: &'static Entry| {
        made.rows.of(case, entry, Preset::Default).and_then(|row| row.metrics.dsr)
    };
    let gain = |case: usize, entry: &'static Entry| gain(made, case, entry);
    type Value<'a> = &'a dyn Fn(usize, &'static Entry) -> Option<f64>;
    let panels: [(&str, &str, Value<'_>); 2] = [
        ("(a) deadline satisfaction ratio", "ratio", &ratio),
        ("(b) mean JCT of best-effort jobs: Gandiva's ÷ this one's", "gain", &gain),
    ];
    let mut notes = Vec::new();
    for (heading, label, of) in panels {
        page.heading(heading);
        let lines_: Vec<_> = made
            .rows
            .schedulers
            .iter()
            .map(|entry| {
                let points = shares.iter().enumerate().filter_map(|(case, x)| Some((*x, of(case, entry)?)));
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
    let of = |metrics: &Metrics| {
        let jct = metrics.best_effort_jct.map(|spread| spread.mean);
        vec![("dsr", metrics.dsr), ("planned_dsr", metrics.planned_dsr), ("best_effort_jct_mean", jct)]
    };
    made.close(page, made.table(&[of])?)
}

/// The percentage that a case is called.
fn share(name: &str) -> f64 {
    name.trim_end_matches('%').parse().unwrap_or_default()
}

/// Gandiva's mean JCT of best-effort jobs ÷ this scheduler's.
pub(crate) fn gain(made: &Made, case: usize, scheduler: &'static Entry) -> Option<f64> {
    let mean = |entry: &Entry| {
        made.rows.of(case, entry, Preset::Default)?.metrics.best_effort_jct.map(|spread| spread.mean)
    };
    let yardstick = made.rows.schedulers.iter().find(|entry| entry.name == YARDSTICK)?;
    Some(mean(yardstick)? / mean(scheduler)?)
}
