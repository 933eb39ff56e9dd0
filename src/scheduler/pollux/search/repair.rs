//! Making a plan one that can be carried out: the rules of Pollux's search, in their order.

use rand_chacha::ChaCha8Rng;

use super::Interference;
use super::chance::shuffle;
use super::population::{Draft, Problem, spans};
use super::rows::{Block, LANES, lanes};

/// Buffers that are used again and again.
#[derive(Default)]
pub(super) struct Scratch {
    sixteen: Vec<Sixteen>,
    places: Vec<(usize, usize)>,
}

/// A block of nodes while rows go by.
#[derive(Clone, Copy, Default)]
struct Sixteen {
    free: Block,
    /// The nodes on which there is a job already that spans several, and those on which a second met it.
    once: u16,
    twice: u16,
}

/// Repairs a draft, row by row in their order:
///
/// 1. at most one job that spans several nodes on each node ([`Interference`]); who does is judged before anything is cleared;
/// 2. nobody on more GPUs than he may have: nodes in random order, as far as that reaches;
/// 3. no node beyond its GPUs: each row what those before it left;
/// 4. only counts that the job can run on.
///
/// The second and the fourth rule hold for rows that did not change.
pub(super) fn repair(
    problem: &Problem<'_>,
    draft: &mut Draft<'_>,
    scratch: &mut Scratch,
    draw: &mut ChaCha8Rng,
) {
    // Nearly every cluster has rows of one block, for which the inner loops go away.
    match problem.width {
        1 => rows::<true>(problem, draft, scratch, draw),
        _ => rows::<false>(problem, draft, scratch, draw),
    }
}

fn rows<const NARROW: bool>(
    problem: &Problem<'_>,
    draft: &mut Draft<'_>,
    scratch: &mut Scratch,
    draw: &mut ChaCha8Rng,
) {
    let width = if NARROW { 1 } else { problem.width };
    let Scratch { sixteen, places } = scratch;
    let mut single = [Sixteen::default()];
    let all: &mut [Sixteen] = if NARROW {
        &mut single
    } else {
        sixteen.resize(width, Sixteen::default());
        sixteen
    };
    for (nodes, capacity) in all.iter_mut().zip(problem.capacity()) {
        *nodes = Sixteen { free: *capacity, once: 0, twice: 0 };
    }
    let rule = problem.interference();
    let rows = draft.cells.chunks_exact_mut(width).zip(draft.nodes.chunks_exact_mut(width));
    let (mut before, mut after) = (0, 0);
    for (job, (cells, nodes)) in rows.enumerate() {
        if job % 64 == 0 {
            if job > 0 {
                *draft.changed.word(job / 64 - 1) = after;
            }
            (before, after) = (*draft.changed.word(job / 64), 0);
        }
        let mut changed = before & 1 == 1;
        before >>= 1;
        let spread = spans(nodes);
        for ((cells, nodes), all) in cells.iter_mut().zip(nodes.iter_mut()).zip(all.iter_mut()) {
            let meets = if spread { *nodes & all.once } else { 0 };
            let cleared = match rule {
                Interference::OfSpread => meets,
                Interference::OfAllLater => {
                    all.twice |= meets;
                    *nodes & all.twice
                }
            };
            if spread {
                all.once |= *nodes;
            }
            if cleared != 0 {
                cells.clear(cleared);
                *nodes &= !cleared;
                changed = true;
            }
        }
        if changed && sum(cells) > problem.cap(job) {
            cut(cells, nodes, problem.cap(job), places, draw);
        }
        for ((cells, nodes), all) in cells.iter_mut().zip(nodes.iter_mut()).zip(all.iter_mut()) {
            if cells.take(&mut all.free) {
                *nodes = cells.occupied();
                changed = true;
            }
        }
        if changed && problem.is_picky(job) {
            let all = sum(cells);
            let most = problem.most(job, all);
            if all > most {
                cut(cells, nodes, most, places, draw);
            }
        }
        after |= u64::from(changed) << (job % 64);
    }
    *draft.changed.word((problem.jobs() - 1) / 64) = after;
}

fn sum(cells: &[Block]) -> u32 {
    cells.iter().map(Block::sum).sum()
}

/// Cuts a row that has more down to `most` GPUs.
fn cut(
    cells: &mut [Block],
    nodes: &mut [u16],
    most: u32,
    places: &mut Vec<(usize, usize)>,
    draw: &mut ChaCha8Rng,
) {
    places.clear();
    for (block, nodes) in nodes.iter().enumerate() {
        places.extend(lanes(*nodes).map(|lane| (block, lane)));
    }
    let all = places.len();
    shuffle(places, all, draw);
    let mut left = most;
    for (block, lane) in places {
        let count = &mut cells[*block].0[*lane];
        // At most what it was.
        *count = u32::from(*count).min(left) as u8;
        left -= u32::from(*count);
        if *count == 0 {
            nodes[*block] &= !(1 << *lane);
        }
    }
}

/// How a row's counts lie in blocks, for what comes from outside.
pub(super) fn write(draft: &mut Draft<'_>, width: usize, job: usize, row: &[u8]) {
    for (node, count) in row.iter().enumerate() {
        draft.cells[job * width + node / LANES].0[node % LANES] = *count;
    }
    for block in job * width..(job + 1) * width {
        draft.nodes[block] = draft.cells[block].occupied();
    }
    draft.changed.add(job);
}
