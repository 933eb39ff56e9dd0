//! Figure 10: cluster efficiency over time: the speed that jobs gain over one GPU each, per GPU of
//! the cluster.

use anyhow::Result;
use elasticflow_sim::experiment::Preset;

use crate::fig7a::{begin, hours, steps};
use crate::figure::{Drawing, Figure, FigureData};
use crate::lines;
use crate::page::LegendKey;
use crate::runs::Presets;
use crate::scale::{Scale, ceiling};
use crate::style;
use crate::table::{CsvTable, value};

pub(crate) const FIGURE: Figure =
    Figure { id: "fig10", what: "cluster efficiency over time", draw, presets: Presets::Default };

/// The number of parts of the time whose means are drawn: as many as can be seen.
const PARTS: usize = 64;

fn draw(data: &FigureData) -> Result<Drawing> {
    let mut csv = CsvTable::new(&["figure", "scheduler", "hours", "cluster_efficiency"])?;
    let mut page = data.page();
    page.legend(&data.labels(LegendKey::Steps));
    let (begin, end) = (begin(data), hours(data));
    let mut all = Vec::new();
    for entry in &data.runs.schedulers {
        let Some(row) = data.runs.of(0, entry, Preset::Default) else { continue };
        let steps = steps(row, begin, |now| now.efficiency);
        for (time, efficiency) in &steps {
            csv.row(&[data.id, entry.name, &value(*time), &value(*efficiency)])?;
        }
        all.push((style::of(entry.name), lines::means(&steps, 0.0, end, PARTS)));
    }
    let most = all.iter().flat_map(|(_, means)| means).map(|(_, y)| *y).fold(0.0, f64::max);
    let (area, up) = page.panel(105.0, ceiling(most, 5), "cluster efficiency", 2);
    let across = Scale { low: 0.0, high: end, from: area.x, to: area.right() };
    for (style, means) in &all {
        lines::steps(&mut page, means, across, up, *style);
    }
    page.axes(area);
    page.horizontal(area, across, 6, "hours since the first submission");
    page.note(&format!("Each step is the mean of {:.1} h.", end / PARTS as f64));
    for note in lines::coincident(&all, up) {
        page.note(&note);
    }
    data.close(page, csv)
}
