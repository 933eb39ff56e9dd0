//! Bars: what we come to, what the published artifact prints, and what the paper prints.

use crate::font::{self, Weight};
use crate::page::{DIAMOND, Key, Page};
use crate::scale::Scale;
use crate::svg::{Anchor, Area, Canvas, GRID, INK, SIZE, Stroke, Texture};

/// One bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bar {
    /// As CSS says it.
    pub(crate) colour: &'static str,
    /// What it is told by in grey.
    pub(crate) texture: Texture,
    /// How long it is; `None` leaves a gap.
    pub(crate) value: Option<f64>,
    /// What a run of the published artifact prints, hatched above it; where that is less, a dashed
    /// line across it.
    pub(crate) artifact: Option<f64>,
    /// What the paper prints, a diamond.
    pub(crate) printed: Option<f64>,
}

/// Bars with a common label.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    /// Under them.
    pub(crate) label: String,
    /// From left to right.
    pub(crate) bars: Vec<Bar>,
}

/// What the legend has to say besides schedulers, of the marks that there are.
pub(crate) fn keys<'a>(
    bars: impl Iterator<Item = &'a Bar> + Clone,
    direction: Direction,
) -> Vec<(Key, &'static str)> {
    let mut keys = Vec::new();
    let both = bars.clone().filter_map(|bar| Some((bar.artifact?, bar.value?)));
    if both.clone().any(|(artifact, value)| artifact > value) {
        keys.push((Key::More, "the published artifact prints more (--preset paper)"));
    }
    if both.clone().any(|(artifact, value)| artifact < value) {
        keys.push((Key::Less(direction), "the published artifact prints less (--preset paper)"));
    }
    if bars.clone().any(|bar| bar.printed.is_some()) {
        keys.push((Key::Printed, "printed in the paper"));
    }
    keys
}

/// Which way bars grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the axis upwards.
    Upright,
    /// To the right.
    Level,
}

/// A dashed line across a bar, to be seen on any texture.
pub(crate) fn less(canvas: &mut Canvas, across: [(f64, f64); 2]) {
    canvas.line(&across, Stroke::solid("#ffffff", 1.8));
    canvas.line(&across, Stroke { colour: INK, width: 0.8, dashes: &[1.2, 0.8] });
}

/// Upright bars in groups from left to right, `per_row` groups to a panel.
pub(crate) fn upright(
    page: &mut Page,
    groups: &[Group],
    per_row: usize,
    high: f64,
    height: f64,
    label: &str,
) {
    let most = groups.iter().map(|group| group.bars.len()).max().unwrap_or(0).max(1);
    for row in groups.chunks(per_row.max(1)) {
        let (area, scale) = page.panel(height, high, label, 1);
        let pitch = area.width / per_row as f64;
        // Between groups there is room for one bar.
        let width = pitch / (most as f64 + 1.0);
        for (n, group) in row.iter().enumerate() {
            let left = area.x + n as f64 * pitch + width / 2.0;
            for (k, bar) in group.bars.iter().enumerate() {
                one(page, *bar, scale, left + k as f64 * width, width);
            }
            let middle = area.x + (n as f64 + 0.5) * pitch;
            page.canvas.text((middle, area.bottom() + 8.5), &group.label, Anchor::Middle);
        }
        page.axes(area);
    }
}

fn one(page: &mut Page, bar: Bar, scale: Scale, left: f64, pitch: f64) {
    let (x, width) = (left + pitch * 0.05, pitch * 0.9);
    let base = scale.at(0.0);
    if let Some(value) = bar.value {
        let top = scale.at(value);
        page.canvas.bar(Area { x, y: top, width, height: base - top }, bar.colour, bar.texture);
        if let Some(artifact) = bar.artifact {
            let y = scale.at(artifact);
            if y < top {
                page.canvas.bar(Area { x, y, width, height: top - y }, INK, Texture::Artifact);
            } else if artifact < value {
                less(&mut page.canvas, [(x, y), (x + width, y)]);
            }
        }
    }
    if let Some(printed) = bar.printed {
        page.canvas.diamond((x + width / 2.0, scale.at(printed)), DIAMOND.min(width / 2.0));
    }
}

/// Level bars, one under the other, each with its name before it and its value behind it; the
/// values are shares.
pub(crate) fn level(page: &mut Page, bars: &[(String, Bar)], label: &str) {
    const PITCH: f64 = 12.0;
    let widest = bars.iter().map(|(name, _)| font::width(name, SIZE, Weight::Regular)).fold(0.0, f64::max);
    let mut area = page.room(widest + 8.0, PITCH * bars.len() as f64 + 2.0, 19.6);
    // The values' own column.
    area.width -= 17.0;
    let scale = Scale { low: 0.0, high: 1.0, from: area.x, to: area.right() };
    for tick in scale.ticks(5) {
        let x = scale.at(tick);
        page.canvas.line(&[(x, area.y), (x, area.bottom())], Stroke::solid(GRID, 0.4));
    }
    for (n, (name, bar)) in bars.iter().enumerate() {
        let y = area.y + 2.0 + n as f64 * PITCH;
        let (height, middle) = (PITCH - 3.5, y + (PITCH - 3.5) / 2.0);
        let baseline = middle + SIZE * font::CAP / 2.0;
        page.canvas.text((area.x - 3.0, baseline), name, Anchor::End);
        let text = bar.value.map_or("-".to_owned(), |value| format!("{value:.3}"));
        page.canvas.text((area.right() + 20.0, baseline), &text, Anchor::End);
        if let Some(value) = bar.value {
            let end = scale.at(value);
            let of = |from: f64, to: f64| Area { x: from, y, width: to - from, height };
            page.canvas.bar(of(area.x, end), bar.colour, bar.texture);
            if let Some(artifact) = bar.artifact {
                let x = scale.at(artifact);
                if x > end {
                    page.canvas.bar(of(end, x), INK, Texture::Artifact);
                } else if artifact < value {
                    less(&mut page.canvas, [(x, y), (x, y + height)]);
                }
            }
        }
        if let Some(printed) = bar.printed {
            page.canvas.diamond((scale.at(printed), middle), DIAMOND);
        }
    }
    page.axes(area);
    page.horizontal(area, scale, 5, label);
}
