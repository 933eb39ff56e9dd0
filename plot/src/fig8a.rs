//! Figure 8a: deadlines met, 195 jobs with T4 speeds, among the schedulers Pollux and Chronus.

use crate::figure::{Drawing, Figure, FigureData};
use crate::runs::Presets;

pub(crate) const FIGURE: Figure =
    Figure { id: "fig8a", what: "deadlines met: 195 jobs on 64 T4", draw, presets: Presets::Both };

fn draw(data: &FigureData) -> anyhow::Result<Drawing> {
    data.level_bars()
}
