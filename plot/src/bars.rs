//! Bars of three values: of our run, of the published artifact, and of the paper.

use crate::font::{self, Weight};
use crate::page::{DIAMOND, Direction, FigurePage, LegendKey, dash_across};
use crate::scale::Scale;
use crate::svg::{Anchor, Area, GRID, INK, SIZE, Stroke, Texture};

/// One bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bar {
    /// The colour, as in CSS.
    pub(crate) colour: &'static str,
    /// The texture that tells it from others in grey.
    pub(crate) texture: Texture,
    /// The value of our run; `None` leaves a gap.
    pub(crate) value: Option<f64>,
    /// The value that a run of the published artifact prints: hatched above the bar, or a dashed
    /// line across it where that is less.
    pub(crate) artifact: Option<f64>,
    /// The value that the paper prints: a diamond.
    pub(crate) printed: Option<f64>,
}

/// Bars with a common label.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BarGroup {
    /// The label under the bars.
    pub(crate) label: String,
    /// The bars, from left to right.
    pub(crate) bars: Vec<Bar>,
}

/// Returns the entries of the legend besides the schedulers, for the marks that the bars have.
pub(crate) fn keys<'a>(
    bars: impl Iterator<Item = &'a Bar> + Clone,
    direction: Direction,
) -> Vec<(LegendKey, &'static str)> {
    let mut keys = Vec::new();
    let both = bars.clone().filter_map(|bar| Some((bar.artifact?, bar.value?)));
    if both.clone().any(|(artifact, value)| artifact > value) {
        keys.push((LegendKey::More, "the published artifact prints more (--preset paper)"));
    }
    if both.clone().any(|(artifact, value)| artifact < value) {
        keys.push((LegendKey::Less(direction), "the published artifact prints less (--preset paper)"));
    }
    if bars.clone().any(|bar| bar.printed.is_some()) {
        keys.push((LegendKey::Printed, "printed in the paper"));
    }
    keys
}

/// Draws upright bars in groups from left to right, `per_row` groups to a panel.
pub(crate) fn upright(
    page: &mut FigurePage,
    groups: &[BarGroup],
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
                draw_upright(page, *bar, scale, left + k as f64 * width, width);
            }
            let middle = area.x + (n as f64 + 0.5) * pitch;
            page.canvas.text((middle, area.bottom() + 8.5), &group.label, Anchor::Middle);
        }
        page.axes(area);
    }
}

/// Draws an upright bar.
fn draw_upright(page: &mut FigurePage, bar: Bar, scale: Scale, left: f64, pitch: f64) {
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
                dash_across(&mut page.canvas, [(x, y), (x + width, y)]);
            }
        }
    }
    if let Some(printed) = bar.printed {
        page.canvas.diamond((x + width / 2.0, scale.at(printed)), DIAMOND.min(width / 2.0));
    }
}

/// Draws level bars, one under the other, each with its name before it and its value, a share,
/// behind it.
pub(crate) fn level(page: &mut FigurePage, bars: &[(String, Bar)], label: &str) {
    const PITCH: f64 = 12.0;
    let widest = bars.iter().map(|(name, _)| font::width(name, SIZE, Weight::Regular)).fold(0.0, f64::max);
    let mut area = page.room(widest + 8.0, PITCH * bars.len() as f64 + 2.0, 19.6);
    // The values have a column of their own.
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
            let own = Area { x: area.x, y, width: end - area.x, height };
            page.canvas.bar(own, bar.colour, bar.texture);
            if let Some(artifact) = bar.artifact {
                let x = scale.at(artifact);
                if x > end {
                    let beyond = Area { x: end, y, width: x - end, height };
                    page.canvas.bar(beyond, INK, Texture::Artifact);
                } else if artifact < value {
                    dash_across(&mut page.canvas, [(x, y), (x, y + height)]);
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
