//! How a scheduler looks, in every figure the same: its colour, and by what it is told from others
//! in grey.
//!
//! Colours are those of Okabe and Ito, which people with any kind of colour vision can tell apart
//! ("Color Universal Design", 2008).

use crate::svg::Texture;

/// How a scheduler looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Style {
    /// As CSS says it.
    pub(crate) colour: &'static str,
    /// Of its bars.
    pub(crate) texture: Texture,
    /// Of its lines, in points.
    pub(crate) dashes: &'static [f64],
    /// On its lines.
    pub(crate) marker: Marker,
    /// As people write it.
    pub(crate) label: &'static str,
}

/// What marks the points of a line.
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

const KNOWN: [(&str, Style); 11] = [
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

/// How a scheduler looks; one that is not known here is grey and goes by its name.
pub(crate) fn of(scheduler: &'static str) -> Style {
    let known = KNOWN.iter().find(|(name, _)| *name == scheduler);
    known.map_or(style("#666666", Texture::Grid, &[1.0, 2.0], Marker::Open, scheduler), |(_, style)| *style)
}

/// What people call a scheduler, built or not.
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
