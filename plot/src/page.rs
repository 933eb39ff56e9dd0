//! The page of a figure, one column of a paper wide: title, legend, panels, notes, from the top
//! down.

use crate::bars::{Direction, less};
use crate::font::{self, Weight};
use crate::scale::{Scale, labels};
use crate::style::{Marker, Style};
use crate::svg::{Anchor, Area, Canvas, GRID, INK, SIZE, Stroke, Texture};

/// A column of a two-column paper: 3.4 inches.
pub(crate) const WIDTH: f64 = 244.8;
/// From one line of text to the next.
const LEADING: f64 = 8.8;
/// What is left free at the edges.
const MARGIN: f64 = 4.0;
/// From the left edge to a panel: a label that reads upwards, and the ticks' labels.
const LEFT: f64 = 29.0;
/// How large a diamond is.
pub(crate) const DIAMOND: f64 = 1.9;

/// What stands before a word of the legend.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    /// A scheduler's bar.
    Bar(Style),
    /// A scheduler's line.
    Line(Style),
    /// A scheduler's line that has no markers.
    Steps(Style),
    /// What the published artifact prints beyond a bar.
    More,
    /// Where it prints less.
    Less(Direction),
    /// What the paper prints.
    Printed,
    /// A bar of a colour and a texture.
    Swatch(&'static str, Texture),
}

/// A page in the making.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// What is drawn.
    pub(crate) canvas: Canvas,
    y: f64,
}

impl Page {
    /// A page with its title.
    pub(crate) fn new(title: &str) -> Page {
        let mut page = Page { canvas: Canvas::new(WIDTH, 0.0), y: MARGIN };
        // Bold is a little wider than what lines are broken by.
        for line in font::wrap(title, 8.0 * 1.04, WIDTH - 2.0 * MARGIN) {
            page.y += LEADING;
            page.canvas.styled((MARGIN, page.y - 1.5), &line, Anchor::Start, 8.0, Weight::Bold);
        }
        page
    }

    /// The legend, in as many lines as it needs.
    pub(crate) fn legend(&mut self, entries: &[(Key, &str)]) {
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

    fn key(&mut self, key: Key, x: f64, y: f64) {
        let middle = y - SIZE * font::CAP / 2.0;
        let swatch = Area { x, y: middle - 3.0, width: 11.0, height: 6.0 };
        match key {
            Key::Bar(style) => self.canvas.bar(swatch, style.colour, style.texture),
            Key::Swatch(colour, texture) => self.canvas.bar(swatch, colour, texture),
            Key::More => self.canvas.bar(swatch, INK, Texture::Artifact),
            Key::Printed => self.canvas.diamond((x + 7.5, middle), DIAMOND),
            Key::Less(direction) => {
                self.canvas.bar(swatch, GRID, Texture::Plain);
                let centre = x + swatch.width / 2.0;
                let across = match direction {
                    Direction::Upright => [(x, middle), (swatch.right(), middle)],
                    Direction::Level => [(centre, swatch.y), (centre, swatch.bottom())],
                };
                less(&mut self.canvas, across);
            }
            Key::Steps(style) | Key::Line(style) => {
                let stroke = Stroke { colour: style.colour, width: 1.1, dashes: style.dashes };
                self.canvas.line(&[(x, middle), (x + 11.0, middle)], stroke);
                if matches!(key, Key::Line(_)) {
                    marker(&mut self.canvas, style, (x + 5.5, middle));
                }
            }
        }
    }

    /// A heading over a panel.
    pub(crate) fn heading(&mut self, text: &str) {
        self.y += LEADING + 2.0;
        self.canvas.styled((MARGIN, self.y), text, Anchor::Start, SIZE, Weight::Bold);
        self.y += 1.5;
    }

    /// Room for a panel, `left` points from the edge, with `below` points under it for labels.
    pub(crate) fn room(&mut self, left: f64, height: f64, below: f64) -> Area {
        self.y += 5.0;
        let area = Area { x: left, y: self.y, width: WIDTH - left - MARGIN - 3.0, height };
        self.y += height + below;
        area
    }

    /// A panel with a vertical axis from 0 to `high`, and lines at its ticks. Under it is room for
    /// `lines` lines.
    pub(crate) fn panel(&mut self, height: f64, high: f64, label: &str, lines: u32) -> (Area, Scale) {
        let scale = Scale { low: 0.0, high, from: height, to: 0.0 };
        let ticks = scale.ticks(((height / 14.0) as usize).clamp(2, 5));
        self.ticked(height, high, &ticks, label, lines)
    }

    /// The same with given ticks.
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

    /// The axes of a panel, over what lies in it.
    pub(crate) fn axes(&mut self, area: Area) {
        let corners = [(area.x, area.y), (area.x, area.bottom()), (area.right(), area.bottom())];
        self.canvas.line(&corners, Stroke::solid(INK, 0.6));
    }

    /// Ticks and labels of a horizontal axis, and what it is.
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

    /// A remark under everything.
    pub(crate) fn note(&mut self, text: &str) {
        for line in font::wrap(text, SIZE, WIDTH - 2.0 * MARGIN) {
            self.y += LEADING;
            self.canvas.text((MARGIN, self.y), &line, Anchor::Start);
        }
    }

    /// The page, cut to what is on it.
    pub(crate) fn finish(mut self) -> Canvas {
        self.canvas.set_height(self.y + MARGIN);
        self.canvas
    }
}

/// A scheduler's marker.
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
