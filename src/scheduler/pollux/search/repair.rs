//! Makes a plan one that can be carried out: the rules of Pollux's search, in their order.

use rand_chacha::ChaCha8Rng;

use super::Interference;
use super::chance::below;
use super::plans::Draft;
use super::problem::Problem;
use super::rows::{Block, LANES, WORD, lanes, ones};

/// Buffers that are used again and again.
#[derive(Default)]
pub(super) struct RepairBuffers {
    /// The rows that span several nodes, one bit each.
    spread: Vec<u64>,
    /// The nodes of each column on which there is a job already that spans several.
    taken: Vec<u16>,
    /// Where a row has GPUs, column and lane, and how many.
    places: Vec<(usize, usize, u8)>,
}

/// Repairs a draft:
///
/// 1. at most one job that spans several nodes on each node ([`Interference`]); which jobs do is
///    judged before anything is cleared;
/// 2. no job on more GPUs than its cap: nodes in random order keep theirs, as far as the cap
///    reaches;
/// 3. no node beyond its GPUs: each row gets what those before it left;
/// 4. only counts on which the job can run.
///
/// The second and the fourth rule hold for rows that did not change, so they look at the others
/// alone.
pub(super) fn repair(
    problem: &Problem<'_>,
    draft: &mut Draft<'_>,
    buffers: &mut RepairBuffers,
    draw: &mut ChaCha8Rng,
) {
    keep_apart(problem, draft, buffers);
    cut_changed(problem, draft, buffers, draw, |job, _| problem.cap(job));
    make_room(problem, draft);
    if problem.has_counts() {
        cut_changed(problem, draft, buffers, draw, |job, gpus| problem.largest_count(job, gpus));
    }
}

/// Applies the first rule.
fn keep_apart(problem: &Problem<'_>, draft: &mut Draft<'_>, buffers: &mut RepairBuffers) {
    let RepairBuffers { spread, taken, .. } = buffers;
    draft.find_spread(spread);
    taken.clear();
    taken.resize(problem.width(), 0);
    for (word, rows) in spread.iter().enumerate() {
        for job in ones(*rows).map(|row| WORD * word + row) {
            for (column, taken) in taken.iter_mut().enumerate() {
                let nodes = draft.masks[draft.mask_of(column, job)];
                let met = nodes & *taken;
                *taken |= nodes;
                if met == 0 {
                    continue;
                }
                match problem.interference() {
                    Interference::Spread => draft.lose(column, job, met),
                    // What later rows lose here they would meet on nodes that are taken already.
                    Interference::AllLater => {
                        (job..problem.jobs()).for_each(|later| draft.lose(column, later, met));
                    }
                }
            }
        }
    }
}

/// Applies the second or the fourth rule: cuts changed rows down to what they `may` have, which
/// depends on the job and its GPUs.
fn cut_changed(
    problem: &Problem<'_>,
    draft: &mut Draft<'_>,
    buffers: &mut RepairBuffers,
    draw: &mut ChaCha8Rng,
    may: impl Fn(usize, u32) -> u32,
) {
    for word in 0..draft.changed.words() {
        for job in ones(draft.changed.word(word)).map(|row| WORD * word + row) {
            let blocks = (0..problem.width()).map(|column| &draft.cells[column * problem.jobs() + job]);
            let gpus = blocks.map(Block::sum).sum();
            let most = may(job, gpus);
            if gpus > most {
                cut(draft, job, most, &mut buffers.places, draw);
            }
        }
    }
}

/// Cuts a row that has more GPUs down to `most`.
fn cut(
    draft: &mut Draft<'_>,
    job: usize,
    most: u32,
    places: &mut Vec<(usize, usize, u8)>,
    draw: &mut ChaCha8Rng,
) {
    places.clear();
    for (column, (cells, masks)) in draft.columns_mut().enumerate() {
        places.extend(lanes(masks[job]).map(|lane| (column, lane, cells[job].0[lane])));
        (cells[job], masks[job]) = (Block::default(), 0);
    }
    let mut left = most;
    while left > 0 && !places.is_empty() {
        let (column, lane, had) = places.swap_remove(below(draw, places.len() as u32) as usize);
        let count = u32::from(had).min(left);
        draft.set(column, job, lane, count as u8);
        left -= count;
    }
}

/// Applies the third rule. Taking what is beyond a node's GPUs from its last rows leaves the same as
/// giving to its first rows, and only reads the rows at the end.
fn make_room(problem: &Problem<'_>, draft: &mut Draft<'_>) {
    for (column, capacity) in problem.capacity().iter().enumerate() {
        let (cells, masks, changed) = draft.column_mut(column);
        let mut used = Block::default();
        cells.iter().for_each(|cells| used.add(cells));
        let mut crowded = used.less(capacity).occupied();
        let mut beyond = [0; LANES];
        for lane in lanes(crowded) {
            let used = match used.0[lane] {
                u8::MAX => cells.iter().map(|cells| u32::from(cells.0[lane])).sum(),
                used => u32::from(used),
            };
            beyond[lane] = used - u32::from(capacity.0[lane]);
        }
        for job in (0..cells.len()).rev() {
            if crowded == 0 {
                break;
            }
            for lane in lanes(masks[job] & crowded) {
                let count = &mut cells[job].0[lane];
                let lost = beyond[lane].min(u32::from(*count));
                *count -= lost as u8;
                beyond[lane] -= lost;
                masks[job] &= !(u16::from(*count == 0) << lane);
                crowded &= !(u16::from(beyond[lane] == 0) << lane);
                changed.add(job);
            }
        }
    }
}
