//! Figure 6a: deadlines met, 25 jobs on 32 GPUs, all schedulers. The paper ran them on its testbed
//! and did not publish the trace.

use crate::figure::{Drawing, Figure, FigureData};
use crate::runs::Presets;

pub(crate) const FIGURE: Figure =
    Figure { id: "fig6a", what: "deadlines met: 25 jobs on 32 GPUs", draw, presets: Presets::Both };

fn draw(data: &FigureData) -> anyhow::Result<Drawing> {
    data.level_bars()
}
