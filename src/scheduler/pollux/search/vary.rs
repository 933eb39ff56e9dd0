//! Making plans out of plans: crossing two, and mutation.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::chance::{Chances, Seldom, below};
use super::population::{Draft, Problem};
use super::rows::{Block, LANES, lanes, on, ones};

/// How often a row goes back to what is in force, how often a row loses nodes, and how often each
/// of them.
const OFTEN: f64 = 0.1;
/// How often two parents are crossed, in 2³².
const CROSS: u32 = (0.9 * 4_294_967_296.0) as u32;

/// The chances of a search and buffers.
pub(super) struct Mutation {
    reset: Chances,
    lose: Chances,
    /// Of the nodes of rows that lose.
    lost: Chances,
    /// One cell of each node, on average.
    grow: Chances,
    /// One over the index, in 2³².
    parts: Vec<u32>,
    jobs_on: Vec<Block>,
    open: Vec<u16>,
    open_nodes: Vec<u32>,
    /// Cells that grow, the first `grown` ones, and what to. There is room for every cell twice.
    cells: Vec<u32>,
    grown: usize,
    counts: Vec<u8>,
}

/// Where two parents are cut, if they are crossed: rows before it change places.
pub(super) fn cut(jobs: usize, draw: &mut ChaCha8Rng) -> usize {
    if draw.next_u32() < CROSS { below(draw, jobs as u32) as usize } else { 0 }
}

impl Mutation {
    pub(super) fn new(problem: &Problem<'_>, draw: &mut ChaCha8Rng) -> Mutation {
        let jobs = problem.jobs();
        let part = |count: usize| (2f64.powi(32) / count.max(1) as f64).min(f64::from(u32::MAX)) as u32;
        let often = Seldom::new(OFTEN);
        Mutation {
            reset: Chances::new(&often, draw),
            lose: Chances::new(&often, draw),
            lost: Chances::new(&often, draw),
            grow: Chances::new(&Seldom::new(1.0 / jobs as f64), draw),
            parts: (0..256).map(part).collect(),
            jobs_on: Vec::new(),
            open: Vec::new(),
            open_nodes: Vec::new(),
            cells: vec![0; 2 * jobs * problem.width * LANES],
            grown: 0,
            counts: Vec::new(),
        }
    }

    /// Rows go back to what is in force, rows lose nodes, and on nodes with free GPUs cells grow.
    pub(super) fn apply(&mut self, problem: &Problem<'_>, draft: &mut Draft<'_>, draw: &mut ChaCha8Rng) {
        let jobs = problem.jobs();
        while let Some(job) = self.reset.next(jobs, draw) {
            problem.reset(draft, job);
        }
        while let Some(job) = self.lose.next(jobs, draw) {
            self.lose_nodes(draft, problem.width, job, draw);
        }
        // Nearly every cluster has rows of one block, for which the inner loops go away.
        match problem.width {
            1 => self.grow::<true>(problem, draft, draw),
            _ => self.grow::<false>(problem, draft, draw),
        }
    }

    fn lose_nodes(&mut self, draft: &mut Draft<'_>, width: usize, job: usize, draw: &mut ChaCha8Rng) {
        for block in job * width..(job + 1) * width {
            // Losing nothing on a node without GPUs is nothing, so only the others are asked.
            let nodes = draft.nodes[block];
            let mut lost = 0;
            while let Some(place) = self.lost.next(nodes.count_ones() as usize, draw) {
                lost |= lanes(nodes).nth(place).map_or(0, |lane| 1 << lane);
            }
            if lost != 0 {
                draft.nodes[block] &= !lost;
                draft.cells[block].keep(draft.nodes[block]);
                draft.changed.add(job);
            }
        }
    }

    /// On a node with free GPUs each cell is drawn anew, from what it is to the whole node, with
    /// one chance in as many as there are jobs, and one that has GPUs there also with one chance in
    /// as many as have.
    fn grow<const NARROW: bool>(
        &mut self,
        problem: &Problem<'_>,
        draft: &mut Draft<'_>,
        draw: &mut ChaCha8Rng,
    ) {
        let (jobs, width) = (problem.jobs(), if NARROW { 1 } else { problem.width });
        self.count::<NARROW>(problem, draft);
        self.grown = 0;
        let nodes = self.open_nodes.len();
        while let Some(cell) = self.grow.next(jobs * nodes, draw) {
            let (job, node) = (cell as u32 / nodes as u32, cell as u32 % nodes as u32);
            self.cells[self.grown] = job * (width * LANES) as u32 + self.open_nodes[node as usize];
            self.grown += 1;
        }
        self.share::<NARROW>(draft, draw);
        // A cell that comes twice keeps the second: both are drawn from what it was.
        self.counts.clear();
        for cell in &self.cells[..self.grown] {
            let (block, lane) = (*cell as usize / LANES, *cell as usize % LANES);
            let had = draft.cells[block].0[lane];
            let most = problem.capacity()[block % width].0[lane];
            self.counts.push(had + below(draw, u32::from(most - had.min(most)) + 1) as u8);
        }
        for (cell, count) in self.cells.iter().zip(&self.counts) {
            let (block, lane) = (*cell as usize / LANES, *cell as usize % LANES);
            draft.cells[block].0[lane] = *count;
            draft.nodes[block] |= u16::from(*count > 0) << lane;
            draft.changed.add(block / width);
        }
    }

    /// Adds to the cells that grow those of jobs that share a node.
    fn share<const NARROW: bool>(&mut self, draft: &Draft<'_>, draw: &mut ChaCha8Rng) {
        for first in (0..draft.nodes.len()).step_by(64) {
            let some = &draft.nodes[first..draft.nodes.len().min(first + 64)];
            for block in ones(on::<NARROW>(some, &self.open, first)).map(|bit| first + bit) {
                let of_row = if NARROW { 0 } else { block % self.open.len() };
                for lane in lanes(draft.nodes[block] & self.open[of_row]) {
                    let sharing = self.jobs_on[of_row].0[lane];
                    // Written in any case and kept if the chance comes true: nobody could foretell
                    // a jump.
                    self.cells[self.grown] = (block * LANES + lane) as u32;
                    self.grown += usize::from(draw.next_u32() <= self.parts[usize::from(sharing)]);
                }
            }
        }
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
            self.open_nodes.extend(lanes(open).map(|lane| (block * LANES + lane) as u32));
        }
    }
}
