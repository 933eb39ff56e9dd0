//! Figure 9: where the advantage comes from: EDF with admission control, with elastic scaling, with
//! both.

use crate::figure::{Drawn, Figure, Made};
use crate::runs::Presets;

pub(crate) const FIGURE: Figure = Figure {
    id: "fig9",
    what: "deadlines met: sources of improvement on 64, 128 and 256 GPUs",
    draw,
    presets: Presets::Both,
};

fn draw(made: &Made) -> anyhow::Result<Drawn> {
    made.upright_bars(3)
}
