//! Figure 8b: deadlines met on ten production clusters and a virtual cluster of Philly.

use crate::figure::{Drawing, Figure, FigureData};
use crate::runs::Presets;

pub(crate) const FIGURE: Figure = Figure {
    id: "fig8b",
    what: "deadlines met: ten clusters of ITP, and Philly",
    draw,
    presets: Presets::Both,
};

fn draw(data: &FigureData) -> anyhow::Result<Drawing> {
    data.upright_bars(4)
}
