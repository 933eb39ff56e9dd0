//! The look of each scheduler, the same in every figure: its colour, and a texture, dashes and a
//! marker that tell it from others in grey.
//!
//! The colours are those of Okabe and Ito ("Color Universal Design", 2008), which people with any
//! kind of colour vision can tell apart.

use crate::svg::Texture;

/// The look of a scheduler.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Style {
    /// The colour, as in CSS.
    pub(crate) colour: &'static str,
    /// The texture of bars.
    pub(crate) texture: Texture,
    /// The dashes and gaps of lines, in points; empty for a solid line.
    pub(crate) dashes: &'static [f64],
    /// The marker on lines.
    pub(crate) marker: Marker,
    /// The name in a legend.
    pub(crate) label: &'static str,
}

/// The mark of the points of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// A filled circle.
    Disc,
    /// A filled square.
    Square,
    /// A filled triangle, point up.
    Up,
    /// A filled triangle, point down.
    Down,
    /// Two crossed lines.
    Cross,
    /// A circle.
    Ring,
    /// A square on its corner, open.
    Open,
}

const BLUE: &str = "#0072b2";
const SKY: &str = "#56b4e9";
const GREEN: &str = "#009e73";
const YELLOW: &str = "#f0e442";
const ORANGE: &str = "#e69f00";
const VERMILION: &str = "#d55e00";
const PURPLE: &str = "#cc79a7";
const BLACK: &str = "#000000";

const fn style(
    colour: &'static str,
    texture: Texture,
    dashes: &'static [f64],
    marker: Marker,
    label: &'static str,
) -> Style {
    Style { colour, texture, dashes, marker, label }
}

const KNOWN: &[(&str, Style)] = &[
    ("elasticflow", style(BLUE, Texture::Plain, &[], Marker::Disc, "ElasticFlow")),
    ("edf", style(ORANGE, Texture::Level, &[4.0, 1.5], Marker::Square, "EDF")),
    ("gandiva", style(PURPLE, Texture::Upright, &[1.0, 1.2], Marker::Up, "Gandiva")),
    ("tiresias", style(GREEN, Texture::Dots, &[3.0, 1.2, 1.0, 1.2], Marker::Down, "Tiresias")),
    ("themis", style(VERMILION, Texture::Falling, &[2.0, 1.0], Marker::Cross, "Themis")),
    ("chronus", style(SKY, Texture::Grid, &[5.0, 1.0, 1.0, 1.0, 1.0, 1.0], Marker::Ring, "Chronus")),
    ("pollux", style(BLACK, Texture::Level, &[6.0, 2.0], Marker::Open, "Pollux")),
    ("edf-admission", style(YELLOW, Texture::Plain, &[2.0, 2.0], Marker::Ring, "EDF + Admission Control")),
    (
        "elasticflow-no-admission",
        style(SKY, Texture::Dots, &[1.5, 1.5], Marker::Open, "EDF + Elastic Scaling"),
    ),
    ("fifo", style("#999999", Texture::Plain, &[1.0, 1.0], Marker::Square, "FIFO")),
    ("srtf", style("#999999", Texture::Upright, &[3.0, 1.0], Marker::Disc, "SRTF")),
];

/// Returns the look of a scheduler; one that is not known here is grey and has its own name.
pub(crate) fn of(scheduler: &'static str) -> Style {
    let known = KNOWN.iter().find(|(name, _)| *name == scheduler);
    known.map_or(style("#666666", Texture::Grid, &[1.0, 2.0], Marker::Open, scheduler), |(_, style)| *style)
}

/// Returns the name of a scheduler in a legend, whether this program has the scheduler or not.
pub(crate) fn label(name: &str) -> &str {
    KNOWN.iter().find(|(known, _)| *known == name).map_or(name, |(_, style)| style.label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use elasticflow_sim::scheduler;

    #[test]
    fn every_scheduler_has_a_style_of_its_own() {
        for entry in scheduler::entries() {
            assert_ne!(of(entry.name).label, entry.name, "{} has no style", entry.name);
        }
        for (n, (name, one)) in KNOWN.iter().enumerate() {
            for (other, two) in &KNOWN[..n] {
                assert!((one.colour, one.texture) != (two.colour, two.texture), "{name} and {other}");
                assert!(one.dashes != two.dashes, "{name} and {other}");
            }
        }
    }
}
