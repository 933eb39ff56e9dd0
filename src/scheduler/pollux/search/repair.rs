//! Making a plan one that can be carried out: the rules of Pollux's search, in their order.

use rand_chacha::ChaCha8Rng;

use super::Interference;
use super::chance::shuffle;
use super::population::{Draft, Problem};
use super::rows::{Block, LANES, lanes};

/// Buffers that are used again and again.
#[derive(Default)]
pub(super) struct Scratch {
    free: Vec<Block>,
    once: Vec<u16>,
    twice: Vec<u16>,
    places: Vec<(usize, usize)>,
}

/// Repairs the changed rows of a draft, and any row whose GPUs others before it take:
///
/// 1. at most one job that spans several nodes on each node ([`Interference`]);
/// 2. nobody on more GPUs than he may have: nodes in random order, as far as that reaches;
/// 3. no node beyond its GPUs: rows in their order, each what is left;
/// 4. only counts that the job can run on.
pub(super) fn repair(
    problem: &Problem<'_>,
    draft: &mut Draft<'_>,
    scratch: &mut Scratch,
    draw: &mut ChaCha8Rng,
) {
    keep_apart(problem, draft, scratch);
    for job in 0..problem.jobs() {
        if draft.changed[job] {
            cut(problem, draft, job, problem.cap(job), scratch, draw);
        }
    }
    fit(problem, draft, scratch);
    for job in 0..problem.jobs() {
        if draft.changed[job] {
            let most = problem.most(job, gpus(problem, draft, job));
            if let Some(most) = most {
                cut(problem, draft, job, most, scratch, draw);
            }
        }
    }
}

fn gpus(problem: &Problem<'_>, draft: &Draft<'_>, job: usize) -> u32 {
    draft.cells[job * problem.width..(job + 1) * problem.width].iter().map(Block::sum).sum()
}

/// Who spans several nodes is judged before anything is cleared.
fn keep_apart(problem: &Problem<'_>, draft: &mut Draft<'_>, scratch: &mut Scratch) {
    let width = problem.width;
    let (once, twice) = (&mut scratch.once, &mut scratch.twice);
    once.clear();
    once.resize(width, 0);
    twice.clear();
    twice.resize(width, 0);
    for job in 0..problem.jobs() {
        let row = job * width..(job + 1) * width;
        let nodes = &mut draft.nodes[row.clone()];
        let spread = match &*nodes {
            [one] => *one & one.wrapping_sub(1) != 0,
            more => more.iter().map(|mask| mask.count_ones()).sum::<u32>() > 1,
        };
        for (block, nodes) in nodes.iter_mut().enumerate() {
            let meets = if spread { *nodes & once[block] } else { 0 };
            let cleared = match problem.interference() {
                Interference::OfSpread => meets,
                Interference::OfAllLater => {
                    twice[block] |= meets;
                    *nodes & twice[block]
                }
            };
            if spread {
                once[block] |= *nodes;
            }
            if cleared != 0 {
                draft.cells[row.start + block].clear(cleared);
                *nodes &= !cleared;
                draft.changed[job] = true;
            }
        }
    }
}

/// Cuts a row down to `most` GPUs.
fn cut(
    problem: &Problem<'_>,
    draft: &mut Draft<'_>,
    job: usize,
    most: u32,
    scratch: &mut Scratch,
    draw: &mut ChaCha8Rng,
) {
    if gpus(problem, draft, job) <= most {
        return;
    }
    let row = job * problem.width..(job + 1) * problem.width;
    let places = &mut scratch.places;
    places.clear();
    for block in row {
        places.extend(lanes(draft.nodes[block]).map(|lane| (block, lane)));
    }
    let all = places.len();
    shuffle(places, all, draw);
    let mut left = most;
    for (block, lane) in places {
        let count = &mut draft.cells[*block].0[*lane];
        // At most what it was.
        *count = u32::from(*count).min(left) as u8;
        left -= u32::from(*count);
        if *count == 0 {
            draft.nodes[*block] &= !(1 << *lane);
        }
    }
}

fn fit(problem: &Problem<'_>, draft: &mut Draft<'_>, scratch: &mut Scratch) {
    let width = problem.width;
    let free = &mut scratch.free;
    free.clear();
    free.extend_from_slice(problem.capacity());
    for (at, cells) in draft.cells.iter_mut().enumerate() {
        if cells.take(&mut free[at % width]) {
            draft.nodes[at] = cells.occupied();
            draft.changed[at / width] = true;
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
    draft.changed[job] = true;
}
