//! Figure 6b: deadlines met, 195 jobs on 128 GPUs. The paper measured them on its testbed.

use crate::figure::{Drawn, Figure, Made};
use crate::runs::Presets;

pub(crate) const FIGURE: Figure =
    Figure { id: "fig6b", what: "deadlines met: 195 jobs on 128 GPUs", draw, presets: Presets::Both };

fn draw(made: &Made) -> anyhow::Result<Drawn> {
    made.level_bars()
}
