//! Making plans out of plans: crossing two, and mutation.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::chance::{Seldom, below};
use super::population::{Draft, Problem};
use super::rows::{Block, LANES, lanes};

/// How often a row goes back to what is in force, how often a row loses nodes, and how often each of them.
const OFTEN: f64 = 0.1;
/// How often two parents are crossed, in 2³².
const CROSS: u32 = (0.9 * 4_294_967_296.0) as u32;

/// The chances of a search and buffers.
pub(super) struct Mutation {
    often: Seldom,
    /// One cell of each node, on average.
    grow: Seldom,
    /// One over the index, in 2³².
    parts: Vec<u32>,
    jobs_on: Vec<Block>,
    open: Vec<u16>,
    open_nodes: Vec<usize>,
    /// (row, node, count)
    grown: Vec<(usize, usize, u8)>,
}

/// Where two parents are cut, if they are crossed: rows before it change places.
pub(super) fn cut(jobs: usize, draw: &mut ChaCha8Rng) -> usize {
    if draw.next_u32() < CROSS { below(draw, jobs as u32) as usize } else { 0 }
}

impl Mutation {
    pub(super) fn new(jobs: usize) -> Mutation {
        let part = |count: usize| (2f64.powi(32) / count.max(1) as f64).min(f64::from(u32::MAX)) as u32;
        Mutation {
            often: Seldom::new(OFTEN),
            grow: Seldom::new(1.0 / jobs as f64),
            parts: (0..256).map(part).collect(),
            jobs_on: Vec::new(),
            open: Vec::new(),
            open_nodes: Vec::new(),
            grown: Vec::new(),
        }
    }

    /// Rows go back to what is in force, rows lose nodes, and on nodes with free GPUs cells grow.
    pub(super) fn apply(&mut self, problem: &Problem<'_>, draft: &mut Draft<'_>, draw: &mut ChaCha8Rng) {
        let (jobs, width) = (problem.jobs(), problem.width);
        let mut job = self.often.skip(draw);
        while job < jobs {
            problem.reset(draft, job);
            job += 1 + self.often.skip(draw);
        }
        let mut job = self.often.skip(draw);
        while job < jobs {
            self.lose(draft, width, job, draw);
            job += 1 + self.often.skip(draw);
        }
        // Nearly every cluster has rows of one block, for which the inner loops go away.
        match width {
            1 => self.grow::<true>(problem, draft, draw),
            _ => self.grow::<false>(problem, draft, draw),
        }
    }

    fn lose(&self, draft: &mut Draft<'_>, width: usize, job: usize, draw: &mut ChaCha8Rng) {
        let mut away = self.often.skip(draw);
        for block in job * width..(job + 1) * width {
            let mut lost = 0;
            // Losing nothing on a node without GPUs is nothing, so only the others are asked.
            for lane in lanes(draft.nodes[block]) {
                if away == 0 {
                    lost |= 1 << lane;
                    away = self.often.skip(draw);
                } else {
                    away -= 1;
                }
            }
            if lost != 0 {
                draft.cells[block].clear(lost);
                draft.nodes[block] &= !lost;
                draft.changed.add(job);
            }
        }
    }

    /// On a node with free GPUs each cell is drawn anew, from what it is to the whole node, with one chance in as many as there
    /// are jobs, and one that has GPUs there also with one chance in as many as have.
    fn grow<const NARROW: bool>(
        &mut self,
        problem: &Problem<'_>,
        draft: &mut Draft<'_>,
        draw: &mut ChaCha8Rng,
    ) {
        let (jobs, width) = (problem.jobs(), if NARROW { 1 } else { problem.width });
        self.count::<NARROW>(problem, draft);
        if self.open_nodes.is_empty() {
            return;
        }
        self.grown.clear();
        let cells = (jobs * self.open_nodes.len()) as u32;
        let mut cell = self.grow.skip(draw) as u32;
        while cell < cells {
            let (node, job) = (cell / jobs as u32, cell % jobs as u32);
            self.redraw(problem, draft, job as usize, self.open_nodes[node as usize], draw);
            cell += 1 + self.grow.skip(draw) as u32;
        }
        for job in 0..jobs {
            for block in 0..width {
                let on_open = draft.nodes[job * width + block] & self.open[block];
                if on_open == 0 {
                    continue;
                }
                for lane in lanes(on_open) {
                    let sharing = self.jobs_on[block].0[lane];
                    // Alone on the node, the chance is certain.
                    if sharing == 1 || draw.next_u32() < self.parts[usize::from(sharing)] {
                        self.redraw(problem, draft, job, block * LANES + lane, draw);
                    }
                }
            }
        }
        for (job, node, count) in &self.grown {
            let (block, lane) = (job * width + node / LANES, node % LANES);
            draft.cells[block].0[lane] = *count;
            if *count > 0 {
                draft.nodes[block] |= 1 << lane;
            }
            draft.changed.add(*job);
        }
    }

    /// A cell that is drawn twice keeps the second: both are drawn from what it was.
    fn redraw(
        &mut self,
        problem: &Problem<'_>,
        draft: &Draft<'_>,
        job: usize,
        node: usize,
        draw: &mut ChaCha8Rng,
    ) {
        let (block, lane) = (node / LANES, node % LANES);
        let had = draft.cells[job * problem.width + block].0[lane];
        let most = problem.capacity()[block].0[lane];
        let count = had + below(draw, u32::from(most - had.min(most)) + 1) as u8;
        self.grown.push((job, node, count));
    }

    /// How many jobs are on each node, and which nodes have free GPUs.
    fn count<const NARROW: bool>(&mut self, problem: &Problem<'_>, draft: &Draft<'_>) {
        let width = if NARROW { 1 } else { problem.width };
        self.jobs_on.clear();
        self.open.clear();
        self.open_nodes.clear();
        for block in 0..width {
            let (mut used, mut jobs_on) = (Block::default(), Block::default());
            for row in draft.cells.chunks_exact(width) {
                used.add(&row[block]);
                jobs_on.count(&row[block]);
            }
            self.jobs_on.push(jobs_on);
            let open = problem.capacity()[block].less(&used).occupied();
            self.open.push(open);
            self.open_nodes.extend(lanes(open).map(|lane| block * LANES + lane));
        }
    }
}
