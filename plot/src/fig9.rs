//! Figure 9: the sources of the advantage: EDF with admission control, with elastic scaling, and
//! with both.

use crate::figure::{Drawing, Figure, FigureData};
use crate::runs::Presets;

pub(crate) const FIGURE: Figure = Figure {
    id: "fig9",
    what: "deadlines met: sources of improvement on 64, 128 and 256 GPUs",
    draw,
    presets: Presets::Both,
};

fn draw(data: &FigureData) -> anyhow::Result<Drawing> {
    data.upright_bars(3)
}
