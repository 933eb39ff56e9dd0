//! Makes a plan one that can be carried out: the rules of Pollux's search, in their order.

use rand_chacha::ChaCha8Rng;

use super::chance::below;
use super::job::Interference;
use super::plans::Draft;
use super::problem::Problem;
use super::rows::{LANES, jobs_of, lanes, mask};

/// Buffers that are used again and again.
#[derive(Default)]
pub(super) struct RepairBuffers {
    /// The jobs that span several nodes, in words of 64.
    spread: Vec<u64>,
    /// The nodes of a row.
    nodes: Vec<usize>,
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
pub(super) fn repair<const NARROW: bool>(
    problem: &Problem<'_>,
    draft: &mut Draft<'_, NARROW>,
    buffers: &mut RepairBuffers,
    draw: &mut ChaCha8Rng,
) {
    keep_apart(problem.interference(), draft, &mut buffers.spread);
    cut_changed(draft, &mut buffers.nodes, draw, |job, _| problem.cap(job));
    make_room(draft);
    if problem.has_counts() {
        cut_changed(draft, &mut buffers.nodes, draw, |job, gpus| problem.largest_count(job, gpus));
    }
}

/// Applies the first rule.
fn keep_apart<const NARROW: bool>(
    interference: Interference,
    draft: &mut Draft<'_, NARROW>,
    spread: &mut Vec<u64>,
) {
    draft.find_spread(spread);
    for column in 0..draft.width() {
        let mut taken = 0;
        for (word, jobs) in spread.iter().enumerate() {
            for job in jobs_of(word, *jobs) {
                let nodes = draft.block(column, job).mask();
                let met = nodes & taken;
                taken |= nodes;
                for node in lanes(met).map(|lane| column * LANES + lane) {
                    match interference {
                        Interference::Spread => draft.set(job, node, 0),
                        Interference::AllLater => draft.clear_from(job, node),
                    }
                }
            }
        }
    }
}

/// Applies the second or the fourth rule: cuts changed rows down to what they `may` have, which
/// depends on the job and its GPUs.
fn cut_changed<const NARROW: bool>(
    draft: &mut Draft<'_, NARROW>,
    nodes: &mut Vec<usize>,
    draw: &mut ChaCha8Rng,
    may: impl Fn(usize, u32) -> u32,
) {
    for word in 0..draft.changed.words() {
        for job in draft.changed.word(word) {
            let gpus = draft.gpus(job);
            let most = may(job, gpus);
            if gpus > most {
                cut(draft, job, most, nodes, draw);
            }
        }
    }
}

/// Cuts a row that has more GPUs down to `most`.
fn cut<const NARROW: bool>(
    draft: &mut Draft<'_, NARROW>,
    job: usize,
    most: u32,
    nodes: &mut Vec<usize>,
    draw: &mut ChaCha8Rng,
) {
    nodes.clear();
    nodes.extend(draft.nodes_of(job));
    let mut left = most;
    // The row has more than `most`, so a node that ends the loop is drawn before all are.
    while left > 0 {
        let node = nodes.swap_remove(below(draw, nodes.len() as u32) as usize);
        let count = u32::from(draft.count(job, node));
        if count > left {
            draft.set(job, node, left as u8);
        }
        left -= count.min(left);
    }
    nodes.iter().for_each(|node| draft.set(job, *node, 0));
}

/// Applies the third rule. Taking what is beyond a node's GPUs from its last rows leaves the same
/// as giving to its first rows, and reads few of them.
fn make_room<const NARROW: bool>(draft: &mut Draft<'_, NARROW>) {
    for column in 0..draft.width() {
        for lane in lanes(mask(&draft.left[column], |left| left < 0)) {
            let node = column * LANES + lane;
            while draft.left[column][lane] < 0 {
                let job = draft.last_on(node).expect("jobs hold what is beyond the node's GPUs");
                let left = i32::from(draft.count(job, node)) + draft.left[column][lane];
                draft.set(job, node, left.max(0) as u8);
            }
        }
    }
}
