//! Figure 6b: deadlines met, 195 jobs on 128 GPUs. The paper measured them on its testbed.

use crate::figure::{Drawing, Figure, FigureData};
use crate::runs::Presets;

pub(crate) const FIGURE: Figure =
    Figure { id: "fig6b", what: "deadlines met: 195 jobs on 128 GPUs", draw, presets: Presets::Both };

fn draw(data: &FigureData) -> anyhow::Result<Drawing> {
    data.level_bars()
}
