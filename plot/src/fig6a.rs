//! Figure 6a: deadlines met, 25 jobs on 32 GPUs, all schedulers. The paper ran them on its testbed
//! and did not publish the trace.

use crate::figure::{Drawn, Figure, Made};
use crate::runs::Presets;

pub(crate) const FIGURE: Figure =
    Figure { id: "fig6a", what: "deadlines met: 25 jobs on 32 GPUs", draw, presets: Presets::Both };

fn draw(made: &Made) -> anyhow::Result<Drawn> {
    made.level_bars()
}
