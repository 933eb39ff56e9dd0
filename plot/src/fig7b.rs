//! Figure 7b: jobs submitted and admitted by ElasticFlow, over time.

use anyhow::Result;
use elasticflow_sim::experiment::Preset;

use crate::fig7a::begin;
use crate::figure::{Drawing, Figure, FigureData};
use crate::page::LegendKey;
use crate::runs::Presets;
use crate::scale::{Scale, ceiling};
use crate::style;
use crate::svg::{Area, Texture};
use crate::table::{CsvTable, value};

pub(crate) const FIGURE: Figure =
    Figure { id: "fig7b", what: "jobs submitted and admitted over time", draw, presets: Presets::Default };

/// The most bars that can be told apart in the width of a column.
const MOST: f64 = 70.0;

fn draw(data: &FigureData) -> Result<Drawing> {
    let mut csv = CsvTable::new(&["figure", "scheduler", "hours", "width_hours", "submitted", "admitted"])?;
    let mut page = data.page();
    for entry in &data.runs.schedulers {
        let Some(row) = data.runs.of(0, entry, Preset::Default) else { continue };
        let style = style::of(entry.name);
        let begin = begin(data);
        let hours = |times: &[f64]| times.iter().map(|time| (time - begin) / 3600.0).collect::<Vec<_>>();
        let (submitted, admitted) = (hours(&row.watched.submitted), hours(&row.watched.admitted));
        let last = submitted.iter().copied().fold(0.0, f64::max);
        let width = bin(last);
        let bins = (last / width).floor() as usize + 1;
        let (all, some) = (counts(&submitted, width, bins), counts(&admitted, width, bins));
        let label = format!("admitted by {}", style.label);
        page.legend(&[
            (LegendKey::Swatch("#bbbbbb", Texture::Plain), "submitted"),
            (LegendKey::Swatch(style.colour, style.texture), &label),
        ]);
        let high = ceiling(all.iter().copied().max().unwrap_or(1) as f64, 5);
        let unit = if width < 1.0 { format!("{:.0} min", width * 60.0) } else { format!("{width:.0} h") };
        let (area, up) = page.panel(80.0, high, &format!("jobs in {unit}"), 2);
        let across = Scale { low: 0.0, high: bins as f64 * width, from: area.x, to: area.right() };
        for bin in 0..bins {
            let (from, to) = (across.at(bin as f64 * width), across.at((bin + 1) as f64 * width));
            let gap = (to - from) * 0.1;
            for (count, colour, texture) in
                [(all[bin], "#bbbbbb", Texture::Plain), (some[bin], style.colour, style.texture)]
            {
                let y = up.at(count as f64);
                let bar = Area { x: from + gap, y, width: to - from - 2.0 * gap, height: area.bottom() - y };
                if count > 0 {
                    page.canvas.bar(bar, colour, texture);
                }
            }
            let (at, width) = (value(bin as f64 * width), value(width));
            csv.row(&[data.id, entry.name, &at, &width, &all[bin].to_string(), &some[bin].to_string()])?;
        }
        page.axes(area);
        page.horizontal(area, across, 6, "hours since the first submission");
        let declined = submitted.len() - admitted.len();
        page.note(&format!(
            "{} of {} jobs are admitted, {declined} declined.",
            admitted.len(),
            submitted.len()
        ));
    }
    data.close(page, csv)
}

/// Returns the width of a bar, in hours: ten minutes as in the paper, or more where that would be
/// too many bars.
fn bin(last: f64) -> f64 {
    let widths = [1.0 / 6.0, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0];
    let fits = widths.iter().find(|width| last / **width < MOST);
    fits.copied().unwrap_or(last / MOST)
}

/// Counts the times in each of `bins` parts of this width.
fn counts(times: &[f64], width: f64, bins: usize) -> Vec<usize> {
    let mut counts = vec![0; bins];
    for time in times {
        let bin = ((time / width).floor() as usize).min(bins - 1);
        counts[bin] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_counted_in_bins() {
        assert_eq!(counts(&[0.0, 0.9, 1.0, 2.5], 1.0, 3), [2, 1, 1]);
        // 70 bars of ten minutes are less than 12 hours; the next width is half an hour.
        assert_eq!(bin(11.0), 1.0 / 6.0);
        assert_eq!(bin(12.0), 0.5);
    }
}
