//! Making a plan one that can be carried out: the rules of Pollux's search, in their order.

use rand_chacha::ChaCha8Rng;

use super::Interference;
use super::chance::below;
use super::population::{Draft, Problem, spans};
use super::rows::{Block, LANES, lanes, ones};

/// Buffers that are used again and again.
#[derive(Default)]
pub(super) struct Scratch {
    /// The nodes on which there is a job already that spans several, and those on which a second
    /// met it.
    once: Vec<u16>,
    twice: Vec<u16>,
    free: Vec<Block>,
    /// Where a row has GPUs, block and lane, and how many.
    places: Vec<(usize, usize, u8)>,
}

/// Repairs a draft, row by row in their order:
///
/// 1. at most one job that spans several nodes on each node ([`Interference`]); who does is judged
///    before anything is cleared;
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
        1 => rules::<true>(problem, draft, scratch, draw),
        _ => rules::<false>(problem, draft, scratch, draw),
    }
}

/// The rules one after the other. Most plans keep to most of them, which is asked of all rows at
/// once, without jumps, which nobody could foretell; only rows and cells that do not are looked at
/// again.
fn rules<const NARROW: bool>(
    problem: &Problem<'_>,
    draft: &mut Draft<'_>,
    scratch: &mut Scratch,
    draw: &mut ChaCha8Rng,
) {
    if !NARROW || meet(draft.nodes) {
        keep_apart::<NARROW>(problem, draft, scratch);
    }
    cut_all(problem, draft, scratch, draw, |job, _| problem.cap(job));
    make_room::<NARROW>(problem, draft, scratch);
    if problem.is_picky() {
        cut_all(problem, draft, scratch, draw, |job, gpus| problem.most(job, gpus));
    }
}

/// The first rule.
fn keep_apart<const NARROW: bool>(problem: &Problem<'_>, draft: &mut Draft<'_>, scratch: &mut Scratch) {
    let width = if NARROW { 1 } else { problem.width };
    let Scratch { once, twice, .. } = scratch;
    for met in [&mut *once, &mut *twice] {
        met.clear();
        met.resize(width, 0);
    }
    for first in (0..problem.jobs()).step_by(64) {
        let some = first * width..(first + 64).min(problem.jobs()) * width;
        let (cells, nodes) = (&mut draft.cells[some.clone()], &mut draft.nodes[some]);
        let lost = match problem.interference() {
            Interference::OfSpread => apart::<NARROW, false>(nodes, once, twice),
            Interference::OfAllLater => apart::<NARROW, true>(nodes, once, twice),
        };
        for row in ones(lost) {
            let row = row * width..(row + 1) * width;
            cells[row.clone()].iter_mut().zip(&nodes[row]).for_each(|(cells, nodes)| cells.keep(*nodes));
        }
        *draft.changed.word(first / 64) |= lost;
    }
}

/// The second and the fourth rule: cuts rows that changed and have more than they may, of so many
/// GPUs, down to that.
fn cut_all(
    problem: &Problem<'_>,
    draft: &mut Draft<'_>,
    scratch: &mut Scratch,
    draw: &mut ChaCha8Rng,
    may: impl Fn(usize, u32) -> u32,
) {
    let width = problem.width;
    for word in 0..draft.changed.words() {
        for job in ones(*draft.changed.word(word)).map(|bit| 64 * word + bit) {
            let row = job * width..(job + 1) * width;
            let cells = &mut draft.cells[row.clone()];
            let gpus = cells.iter().map(Block::sum).sum();
            let most = may(job, gpus);
            if gpus > most {
                cut(cells, &mut draft.nodes[row], most, &mut scratch.places, draw);
            }
        }
    }
}

/// The third rule.
fn make_room<const NARROW: bool>(problem: &Problem<'_>, draft: &mut Draft<'_>, scratch: &mut Scratch) {
    let width = if NARROW { 1 } else { problem.width };
    let Scratch { free, .. } = scratch;
    free.clear();
    free.extend_from_slice(problem.capacity());
    for first in (0..problem.jobs()).step_by(64) {
        let some = first * width..(first + 64).min(problem.jobs()) * width;
        let (cells, nodes) = (&mut draft.cells[some.clone()], &mut draft.nodes[some]);
        let beyond = take::<NARROW>(cells, free);
        for row in ones(beyond) {
            let row = row * width..(row + 1) * width;
            cells[row.clone()]
                .iter()
                .zip(&mut nodes[row])
                .for_each(|(cells, nodes)| *nodes = cells.occupied());
        }
        *draft.changed.word(first / 64) |= beyond;
    }
}

/// Lets at most 64 rows take what is free. Returns which did not get all.
fn take<const NARROW: bool>(cells: &mut [Block], free: &mut [Block]) -> u64 {
    let width = if NARROW { 1 } else { free.len() };
    let mut beyond = 0;
    for (row, cells) in cells.chunks_exact_mut(width).enumerate() {
        for (cells, free) in cells.iter_mut().zip(free.iter_mut()) {
            beyond |= u64::from(cells.take(free)) << row;
        }
    }
    beyond
}

/// Takes nodes from at most 64 rows by the first rule. Returns which rows lost any.
fn apart<const NARROW: bool, const ALL_LATER: bool>(
    nodes: &mut [u16],
    once: &mut [u16],
    twice: &mut [u16],
) -> u64 {
    let width = if NARROW { 1 } else { once.len() };
    let mut lost = 0;
    for (row, nodes) in nodes.chunks_exact_mut(width).enumerate() {
        let spread = if spans(nodes) { u16::MAX } else { 0 };
        for ((nodes, once), twice) in nodes.iter_mut().zip(once.iter_mut()).zip(twice.iter_mut()) {
            let meets = *nodes & spread & *once;
            *once |= *nodes & spread;
            let cleared = if ALL_LATER {
                *twice |= meets;
                *nodes & *twice
            } else {
                meets
            };
            *nodes &= !cleared;
            lost |= u64::from(cleared != 0) << row;
        }
    }
    lost
}

/// Whether any rows, of one block each, that span several nodes meet on one.
fn meet(nodes: &[u16]) -> bool {
    let (mut once, mut twice) = ([0; 8], [0; 8]);
    let mut go_by = |eight: &[u16; 8]| {
        for ((once, twice), nodes) in once.iter_mut().zip(&mut twice).zip(eight) {
            let spread = if spans(&[*nodes]) { *nodes } else { 0 };
            *twice |= *once & spread;
            *once |= spread;
        }
    };
    let (eights, rest) = nodes.as_chunks();
    eights.iter().for_each(&mut go_by);
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    go_by(&last);
    let mut all = 0;
    for once in once {
        twice[0] |= all & once;
        all |= once;
    }
    twice != [0; 8]
}

/// Cuts a row that has more down to `most` GPUs.
fn cut(
    cells: &mut [Block],
    nodes: &mut [u16],
    most: u32,
    places: &mut Vec<(usize, usize, u8)>,
    draw: &mut ChaCha8Rng,
) {
    places.clear();
    for (block, nodes) in nodes.iter_mut().enumerate() {
        places.extend(lanes(*nodes).map(|lane| (block, lane, cells[block].0[lane])));
        (cells[block], *nodes) = (Block::default(), 0);
    }
    let mut left = most;
    while left > 0 && !places.is_empty() {
        let (block, lane, had) = places.swap_remove(below(draw, places.len() as u32) as usize);
        let count = u32::from(had).min(left);
        cells[block].0[lane] = count as u8;
        nodes[block] |= 1 << lane;
        left -= count;
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
