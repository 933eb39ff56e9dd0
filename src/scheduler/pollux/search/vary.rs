//! Makes plans out of plans: crosses two, and mutates the result.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::chance::{Chances, Seldom, below};
use super::plans::Draft;
use super::problem::Problem;
use super::rows::{Block, LANES, WORD, lanes, ones, rows_where};

/// The chance that a row goes back to the one in force, that a row loses nodes, and that it loses
/// each of them.
const OFTEN: f64 = 0.1;
/// The chance that two parents are crossed, in parts of 2³².
const CROSS: u32 = (0.9 * 4_294_967_296.0) as u32;

/// Mutates plans, with the chances of one search.
pub(super) struct Mutation {
    reset: Chances,
    lose: Chances,
    /// Of each node of a row that loses nodes.
    lost: Chances,
    /// Of each row on a node with free GPUs: one over the number of jobs.
    grow: Chances,
    /// One over the index, in parts of 2³².
    parts: Vec<u32>,
    /// By column: how many jobs are on each node, and which nodes have free GPUs.
    jobs_on: Vec<Block>,
    open: Vec<u16>,
    /// The nodes with free GPUs, ascending.
    open_nodes: Vec<u32>,
    growing: Vec<GrowingCell>,
}

/// A cell that is drawn anew.
struct GrowingCell {
    job: u32,
    node: u32,
    count: u8,
}

/// Returns where two parents are cut: the rows before it come from the other one. 0 if they are not
/// crossed.
pub(super) fn cut(jobs: usize, draw: &mut ChaCha8Rng) -> usize {
    if draw.next_u32() < CROSS { below(draw, jobs as u32) as usize } else { 0 }
}

impl Mutation {
    /// Creates the chances of a search, each of which draws once.
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
            growing: Vec::new(),
        }
    }

    /// Mutates a draft: rows go back to those in force, rows lose nodes, and on nodes with free GPUs
    /// rows grow.
    pub(super) fn apply(&mut self, problem: &Problem<'_>, draft: &mut Draft<'_>, draw: &mut ChaCha8Rng) {
        let jobs = problem.jobs();
        while let Some(job) = self.reset.next(jobs, draw) {
            problem.reset(draft, job);
        }
        while let Some(job) = self.lose.next(jobs, draw) {
            self.lose_nodes(problem, draft, job, draw);
        }
        self.find_open(problem, draft);
        self.draw_growing(draft, draw);
        self.grow(problem, draft, draw);
    }

    fn lose_nodes(&mut self, problem: &Problem<'_>, draft: &mut Draft<'_>, job: usize, draw: &mut ChaCha8Rng) {
        for column in 0..problem.width() {
            let nodes = draft.masks[draft.mask_of(column, job)];
            let mut lost = 0;
            while let Some(place) = self.lost.next(nodes.count_ones() as usize, draw) {
                lost |= 1 << lanes(nodes).nth(place).expect("a chance is one of the row's nodes");
            }
            draft.lose(column, job, lost);
        }
    }

    /// Finds how many jobs are on each node, and which nodes have free GPUs.
    fn find_open(&mut self, problem: &Problem<'_>, draft: &Draft<'_>) {
        self.jobs_on.clear();
        self.open.clear();
        self.open_nodes.clear();
        for (column, (cells, _)) in draft.columns().enumerate() {
            let (mut used, mut jobs_on) = (Block::default(), Block::default());
            for cells in cells {
                used.add(cells);
                jobs_on.count(cells);
            }
            self.jobs_on.push(jobs_on);
            let open = problem.capacity()[column].less(&used).occupied();
            self.open.push(open);
            self.open_nodes.extend(lanes(open).map(|lane| (column * LANES + lane) as u32));
        }
    }

    /// Draws the cells that grow: on a node with free GPUs every row with one chance in as many as
    /// there are jobs, and then each row that has GPUs there with one chance in as many as have.
    fn draw_growing(&mut self, draft: &Draft<'_>, draw: &mut ChaCha8Rng) {
        self.growing.clear();
        let (jobs, nodes) = (draft.worths.len(), self.open_nodes.len());
        while let Some(cell) = self.grow.next(jobs * nodes, draw) {
            let (job, node) = (cell as u32 / nodes as u32, self.open_nodes[cell % nodes]);
            self.growing.push(GrowingCell { job, node, count: 0 });
        }
        for first in (0..jobs).step_by(WORD) {
            let columns = draft.columns().zip(&self.open).map(|((_, masks), open)| {
                rows_where(&masks[first..masks.len().min(first + WORD)], |mask| mask & open != 0)
            });
            for job in ones(columns.fold(0, |all, rows| all | rows)).map(|row| first + row) {
                for (column, nodes) in draft.row_masks(job).enumerate() {
                    for lane in lanes(nodes & self.open[column]) {
                        let sharing = self.jobs_on[column].0[lane];
                        if draw.next_u32() <= self.parts[usize::from(sharing)] {
                            let node = (column * LANES + lane) as u32;
                            self.growing.push(GrowingCell { job: job as u32, node, count: 0 });
                        }
                    }
                }
            }
        }
    }

    /// Draws what cells grow to: from what they are to the whole node, all equally likely. A cell
    /// that comes twice keeps the second count; both are drawn from what it was.
    fn grow(&mut self, problem: &Problem<'_>, draft: &mut Draft<'_>, draw: &mut ChaCha8Rng) {
        for cell in &mut self.growing {
            let (column, lane) = (cell.node as usize / LANES, cell.node as usize % LANES);
            let had = draft.cells[column * problem.jobs() + cell.job as usize].0[lane];
            let most = problem.capacity()[column].0[lane];
            debug_assert!(had <= most, "a row has at most the node's GPUs: {had} of {most}");
            cell.count = had + below(draw, u32::from(most - had) + 1) as u8;
        }
        for cell in &self.growing {
            draft.set(cell.node as usize / LANES, cell.job as usize, cell.node as usize % LANES, cell.count);
        }
    }
}
