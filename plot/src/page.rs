//! The page of a figure, as wide as a column of a paper: title, legend, panels and notes, from the
//! top down. All lengths are in points.

use crate::font::{self, Weight};
use crate::scale::{Scale, labels};
use crate::style::{Marker, Style};
use crate::svg::{Anchor, Area, Canvas, GRID, INK, SIZE, Stroke, Texture};

/// A column of a two-column paper: 3.4 inches.
pub(crate) const WIDTH: f64 = 244.8;
/// The height of a line of text.
const LEADING: f64 = 8.8;
/// The margin at every edge.
const MARGIN: f64 = 4.0;
/// The distance from the left edge to a panel: room for a label that reads upwards and the labels
/// of the ticks.
const LEFT: f64 = 29.0;
/// Half the height of a diamond.
pub(crate) const DIAMOND: f64 = 1.9;

/// The direction in which bars grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the axis upwards.
    Upright,
    /// To the right.
    Level,
}

/// Draws a dashed line across a bar, which shows on any texture.
pub(crate) fn dash_across(canvas: &mut Canvas, across: [(f64, f64); 2]) {
    canvas.line(&across, Stroke::solid("#ffffff", 1.8));
    canvas.line(&across, Stroke { colour: INK, width: 0.8, dashes: &[1.2, 0.8] });
}

/// The mark before an entry of the legend.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LegendKey {
    /// A scheduler's bar.
    Bar(Style),
    /// A scheduler's line.
    Line(Style),
    /// A scheduler's line that has no markers.
    Steps(Style),
    /// A value of the published artifact above that of a bar.
    More,
    /// A value of the published artifact below that of a bar.
    Less(Direction),
    /// A value of the paper.
    Printed,
    /// A bar of a colour and a texture.
    Swatch(&'static str, Texture),
}

/// A page in the making.
#[derive(Clone, Debug)]
pub(crate) struct FigurePage {
    /// The picture so far.
    pub(crate) canvas: Canvas,
    y: f64,
}

impl FigurePage {
    /// Creates a page with its title.
    pub(crate) fn new(title: &str) -> FigurePage {
        let mut page = FigurePage { canvas: Canvas::new(WIDTH, 0.0), y: MARGIN };
        // Lines are broken by the regular weight, and bold is a little wider.
        for line in font::wrap(title, 8.0 * 1.04, WIDTH - 2.0 * MARGIN) {
            page.y += LEADING;
            page.canvas.styled((MARGIN, page.y - 1.5), &line, Anchor::Start, 8.0, Weight::Bold);
        }
        page
    }

    /// Draws the legend, in as many lines as it needs.
    pub(crate) fn legend(&mut self, entries: &[(LegendKey, &str)]) {
        self.y += 2.0;
        let (mut x, mut first) = (MARGIN, true);
        for (key, text) in entries {
            let width = 14.0 + font::width(text, SIZE, Weight::Regular);
            if first || x + width > WIDTH - MARGIN {
                (x, first) = (MARGIN, false);
                self.y += LEADING;
            }
            self.key(*key, x, self.y);
            self.canvas.text((x + 14.0, self.y), text, Anchor::Start);
            x += width + 7.0;
        }
        self.y += 2.0;
    }

    /// Draws the mark of an entry, on the baseline `y`.
    fn key(&mut self, key: LegendKey, x: f64, y: f64) {
        let middle = y - SIZE * font::CAP / 2.0;
        let swatch = Area { x, y: middle - 3.0, width: 11.0, height: 6.0 };
        match key {
            LegendKey::Bar(style) => self.canvas.bar(swatch, style.colour, style.texture),
            LegendKey::Swatch(colour, texture) => self.canvas.bar(swatch, colour, texture),
            LegendKey::More => self.canvas.bar(swatch, INK, Texture::Artifact),
            LegendKey::Printed => self.canvas.diamond((x + 7.5, middle), DIAMOND),
            LegendKey::Less(direction) => {
                self.canvas.bar(swatch, GRID, Texture::Plain);
                let centre = x + swatch.width / 2.0;
                let across = match direction {
                    Direction::Upright => [(x, middle), (swatch.right(), middle)],
                    Direction::Level => [(centre, swatch.y), (centre, swatch.bottom())],
                };
                dash_across(&mut self.canvas, across);
            }
            LegendKey::Steps(style) | LegendKey::Line(style) => {
                let stroke = Stroke { colour: style.colour, width: 1.1, dashes: style.dashes };
                self.canvas.line(&[(x, middle), (x + 11.0, middle)], stroke);
                if matches!(key, LegendKey::Line(_)) {
                    marker(&mut self.canvas, style, (x + 5.5, middle));
                }
            }
        }
    }

    /// Draws the heading of a panel.
    pub(crate) fn heading(&mut self, text: &str) {
        self.y += LEADING + 2.0;
        self.canvas.styled((MARGIN, self.y), text, Anchor::Start, SIZE, Weight::Bold);
        self.y += 1.5;
    }

    /// Returns the area of a panel `left` points from the edge, with room of `below` points under
    /// it.
    pub(crate) fn room(&mut self, left: f64, height: f64, below: f64) -> Area {
        self.y += 5.0;
        let area = Area { x: left, y: self.y, width: WIDTH - left - MARGIN - 3.0, height };
        self.y += height + below;
        area
    }

    /// Draws a panel with a vertical axis from 0 to `high` and lines at its ticks; returns its area
    /// and the axis. Under it is room for `lines` lines of text.
    pub(crate) fn panel(&mut self, height: f64, high: f64, label: &str, lines: u32) -> (Area, Scale) {
        let scale = Scale { low: 0.0, high, from: height, to: 0.0 };
        let ticks = scale.ticks(((height / 14.0) as usize).clamp(2, 5));
        self.ticked(height, high, &ticks, label, lines)
    }

    /// Draws a panel like [`FigurePage::panel`] with these ticks.
    pub(crate) fn ticked(
        &mut self,
        height: f64,
        high: f64,
        ticks: &[f64],
        label: &str,
        lines: u32,
    ) -> (Area, Scale) {
        let area = self.room(LEFT, height, f64::from(lines) * LEADING + 2.0);
        let scale = Scale { low: 0.0, high, from: area.bottom(), to: area.y };
        for (tick, text) in ticks.iter().zip(labels(ticks)) {
            let y = scale.at(*tick);
            self.canvas.line(&[(area.x, y), (area.right(), y)], Stroke::solid(GRID, 0.4));
            self.canvas.text((area.x - 2.5, y + SIZE * font::CAP / 2.0), &text, Anchor::End);
        }
        self.canvas.upwards((MARGIN + SIZE * font::CAP, area.y + height / 2.0), label);
        (area, scale)
    }

    /// Draws the axes of a panel, over its contents.
    pub(crate) fn axes(&mut self, area: Area) {
        let corners = [(area.x, area.y), (area.x, area.bottom()), (area.right(), area.bottom())];
        self.canvas.line(&corners, Stroke::solid(INK, 0.6));
    }

    /// Draws the ticks and labels of a horizontal axis, and its own label.
    pub(crate) fn horizontal(&mut self, area: Area, scale: Scale, most: usize, label: &str) {
        let ticks = scale.ticks(most);
        for (tick, text) in ticks.iter().zip(labels(&ticks)) {
            let x = scale.at(*tick);
            self.canvas.line(&[(x, area.bottom()), (x, area.bottom() + 2.0)], Stroke::solid(INK, 0.6));
            self.canvas.text((x, area.bottom() + LEADING), &text, Anchor::Middle);
        }
        if !label.is_empty() {
            let middle = area.x + area.width / 2.0;
            self.canvas.text((middle, area.bottom() + 2.0 * LEADING), label, Anchor::Middle);
        }
    }

    /// Draws a note under all that is there.
    pub(crate) fn note(&mut self, text: &str) {
        for line in font::wrap(text, SIZE, WIDTH - 2.0 * MARGIN) {
            self.y += LEADING;
            self.canvas.text((MARGIN, self.y), &line, Anchor::Start);
        }
    }

    /// Returns the picture, cut to what is on it.
    pub(crate) fn finish(mut self) -> Canvas {
        self.canvas.set_height(self.y + MARGIN);
        self.canvas
    }
}

/// Draws the marker of a scheduler.
pub(crate) fn marker(canvas: &mut Canvas, style: Style, (x, y): (f64, f64)) {
    const R: f64 = 1.7;
    let filled = |canvas: &mut Canvas, points: &[(f64, f64)]| canvas.shape(points, style.colour, 1.0);
    let round = |radius: f64| -> Vec<(f64, f64)> {
        let corner = |n: u32| f64::from(n) * std::f64::consts::TAU / 16.0;
        (0..=16).map(|n| (x + radius * corner(n).cos(), y + radius * corner(n).sin())).collect()
    };
    let solid = Stroke::solid(style.colour, 0.8);
    match style.marker {
        Marker::Disc => filled(canvas, &round(R)),
        Marker::Square => filled(canvas, &[(x - R, y - R), (x + R, y - R), (x + R, y + R), (x - R, y + R)]),
        Marker::Up => filled(canvas, &[(x, y - R * 1.2), (x + R * 1.2, y + R), (x - R * 1.2, y + R)]),
        Marker::Down => filled(canvas, &[(x, y + R * 1.2), (x + R * 1.2, y - R), (x - R * 1.2, y - R)]),
        Marker::Cross => {
            canvas.line(&[(x - R, y - R), (x + R, y + R)], solid);
            canvas.line(&[(x - R, y + R), (x + R, y - R)], solid);
        }
        Marker::Ring => {
            canvas.shape(&round(R), "#ffffff", 1.0);
            canvas.line(&round(R), solid);
        }
        Marker::Open => {
            let points =
                [(x, y - R * 1.2), (x + R * 1.2, y), (x, y + R * 1.2), (x - R * 1.2, y), (x, y - R * 1.2)];
            canvas.shape(&points, "#ffffff", 1.0);
            canvas.line(&points, solid);
        }
    }
}
