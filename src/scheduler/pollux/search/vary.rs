//! Makes plans out of plans: crosses two, and mutates the result.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::chance::{Chances, Seldom, below};
use super::plans::Draft;
use super::problem::Problem;
use super::rows::{LANES, jobs_of, lanes, mask};

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
    /// The nodes with free GPUs, ascending, and by column as masks.
    open: Vec<usize>,
    open_masks: Vec<u16>,
    growing: Vec<GrowingCell>,
}

/// A cell that is drawn anew.
struct GrowingCell {
    job: usize,
    node: usize,
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
            parts: (0..=jobs).map(part).collect(),
            open: Vec::new(),
            open_masks: Vec::new(),
            growing: Vec::new(),
        }
    }

    /// Mutates a draft: rows go back to those in force, rows lose nodes, and on nodes with free
    /// GPUs rows grow.
    pub(super) fn apply<const NARROW: bool>(
        &mut self,
        problem: &Problem<'_>,
        draft: &mut Draft<'_, NARROW>,
        draw: &mut ChaCha8Rng,
    ) {
        let jobs = problem.jobs();
        while let Some(job) = self.reset.next(jobs, draw) {
            problem.reset(draft, job);
        }
        while let Some(job) = self.lose.next(jobs, draw) {
            self.lose_nodes(draft, job, draw);
        }
        self.find_open(draft);
        self.draw_growing(draft, draw);
        self.grow(problem, draft, draw);
    }

    fn lose_nodes<const NARROW: bool>(
        &mut self,
        draft: &mut Draft<'_, NARROW>,
        job: usize,
        draw: &mut ChaCha8Rng,
    ) {
        for column in 0..draft.width() {
            let nodes = draft.block(column, job).mask();
            while let Some(place) = self.lost.next(nodes.count_ones() as usize, draw) {
                let lane = lanes(nodes).nth(place).expect("a chance is one of the row's nodes");
                draft.set(job, column * LANES + lane, 0);
            }
        }
    }

    /// Finds the nodes that have free GPUs.
    fn find_open<const NARROW: bool>(&mut self, draft: &Draft<'_, NARROW>) {
        self.open.clear();
        self.open_masks.clear();
        for column in 0..draft.width() {
            let open = mask(&draft.left[column], |left| left > 0);
            self.open_masks.push(open);
            self.open.extend(lanes(open).map(|lane| column * LANES + lane));
        }
    }

    /// Draws the cells that grow: on a node with free GPUs every row with one chance in as many as
    /// there are jobs, and then each row that has GPUs there with one chance in as many as have.
    fn draw_growing<const NARROW: bool>(&mut self, draft: &Draft<'_, NARROW>, draw: &mut ChaCha8Rng) {
        self.growing.clear();
        let nodes = self.open.len();
        while let Some(cell) = self.grow.next(draft.jobs() * nodes, draw) {
            self.growing.push(GrowingCell { job: cell / nodes, node: self.open[cell % nodes], count: 0 });
        }
        for word in 0..draft.changed.words() {
            let jobs = self.open.iter().fold(0, |jobs, node| jobs | draft.occupants(word, *node));
            for job in jobs_of(word, jobs) {
                for column in 0..draft.width() {
                    for lane in lanes(draft.block(column, job).mask() & self.open_masks[column]) {
                        let node = column * LANES + lane;
                        if draw.next_u32() <= self.parts[draft.jobs_on(node)] {
                            self.growing.push(GrowingCell { job, node, count: 0 });
                        }
                    }
                }
            }
        }
    }

    /// Draws what cells grow to: from what they are to the whole node, all equally likely. A cell
    /// that comes twice keeps the second count; both are drawn from what it was.
    fn grow<const NARROW: bool>(
        &mut self,
        problem: &Problem<'_>,
        draft: &mut Draft<'_, NARROW>,
        draw: &mut ChaCha8Rng,
    ) {
        for cell in &mut self.growing {
            let had = draft.count(cell.job, cell.node);
            let most = problem.capacity()[cell.node / LANES].0[cell.node % LANES];
            debug_assert!(had <= most, "a row has at most the node's GPUs: {had} of {most}");
            cell.count = had + below(draw, u32::from(most - had) + 1) as u8;
        }
        for cell in &self.growing {
            draft.set(cell.job, cell.node, cell.count);
        }
    }
}
