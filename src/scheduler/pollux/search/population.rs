//! Plans under way: one row of GPU counts for each job. With every row goes what it is worth, so that a new plan is scored by
//! the rows in which it differs from those it was made of.

use super::rows::{Block, LANES, lanes};
use super::survival::Objectives;
use super::{Interference, Row};

/// What a row is worth.
#[derive(Clone, Copy, Debug)]
struct Worth {
    /// One over how much faster than at its fair share the job is, scaled, after what a change costs; not a number before
    /// somebody asked.
    inverse: f64,
    /// How many times as fast as at its fair share it is.
    speedup: f64,
}

/// Against a division by zero; as in the objective's definition.
const TINY: f64 = 1e-3;

/// What is being decided: who may run, on what, and what that is worth.
pub(super) struct Problem<'a> {
    jobs: Vec<Row<'a>>,
    /// Blocks of a row.
    pub(super) width: usize,
    capacity: Vec<Block>,
    interference: Interference,
    /// Nodes for each GPU.
    scale: f64,
    /// The rows in force, and which nodes they are on.
    current: Vec<Block>,
    current_nodes: Vec<u16>,
    /// Worths of all jobs: of the row in force, then by count on one node, then by count on several.
    worths: Vec<Worth>,
    /// Where each job's begin.
    offsets: Vec<u32>,
}

/// Plans in slots. Who is in a slot is not known here.
pub(super) struct Slots {
    pub(super) cells: Vec<Block>,
    /// Which nodes of each block are occupied.
    pub(super) nodes: Vec<u16>,
    /// Where the worth of each row is.
    pub(super) worth: Vec<u32>,
    pub(super) objectives: Vec<Objectives>,
    pub(super) hashes: Vec<u64>,
}

/// A plan that is being changed.
pub(super) struct Draft<'s> {
    pub(super) cells: &'s mut [Block],
    pub(super) nodes: &'s mut [u16],
    pub(super) worth: &'s mut [u32],
    /// Whose row is not worth what it was.
    pub(super) changed: &'s mut [bool],
}

impl<'a> Problem<'a> {
    pub(super) fn new(jobs: Vec<Row<'a>>, nodes: &[u8], interference: Interference) -> Problem<'a> {
        let width = nodes.len().div_ceil(LANES);
        let blocks = |row: &[u8]| {
            let mut blocks = vec![Block::default(); width];
            for (node, count) in row.iter().enumerate() {
                blocks[node / LANES].0[node % LANES] = *count;
            }
            blocks
        };
        let current: Vec<Block> = jobs.iter().flat_map(|job| blocks(&job.current)).collect();
        let mut offsets = Vec::with_capacity(jobs.len());
        let mut end = 0;
        for job in &jobs {
            offsets.push(end);
            end += 1 + 2 * (job.cap + 1);
        }
        let gpus: u32 = nodes.iter().map(|size| u32::from(*size)).sum();
        let unknown = Worth { inverse: f64::NAN, speedup: f64::NAN };
        Problem {
            width,
            capacity: blocks(nodes),
            interference,
            scale: nodes.len() as f64 / f64::from(gpus),
            current_nodes: current.iter().map(Block::occupied).collect(),
            current,
            worths: vec![unknown; end as usize],
            offsets,
            jobs,
        }
    }

    pub(super) fn jobs(&self) -> usize {
        self.jobs.len()
    }

    pub(super) fn cap(&self, job: usize) -> u32 {
        self.jobs[job].cap
    }

    /// The most GPUs that the job can run on with `gpus` of them, where it cannot run on every count.
    pub(super) fn most(&self, job: usize, gpus: u32) -> Option<u32> {
        let counts = self.jobs[job].counts?;
        counts.iter().rev().copied().find(|count| *count <= gpus).or(Some(0))
    }

    pub(super) fn interference(&self) -> Interference {
        self.interference
    }

    pub(super) fn capacity(&self) -> &[Block] {
        &self.capacity
    }

    /// Sets a job's row to the one in force.
    pub(super) fn reset(&self, draft: &mut Draft<'_>, job: usize) {
        let row = job * self.width..(job + 1) * self.width;
        draft.cells[row.clone()].copy_from_slice(&self.current[row.clone()]);
        draft.nodes[row.clone()].copy_from_slice(&self.current_nodes[row]);
        draft.changed[job] = true;
    }

    /// Whether a row, node by node, is the one in force.
    pub(super) fn is_current(&self, job: usize, row: &[u8]) -> bool {
        let current = &self.current[job * self.width..(job + 1) * self.width];
        row.iter().enumerate().all(|(node, count)| current[node / LANES].0[node % LANES] == *count)
    }

    /// What `gpus` GPUs on one or several nodes are worth to a job: (one over the value after a change, speedup).
    pub(super) fn worth(&mut self, job: usize, spread: bool, gpus: u32) -> (f64, f64) {
        let cap = self.jobs[job].cap;
        let at = self.offsets[job] + 1 + u32::from(spread) * (cap + 1) + gpus.min(cap);
        let worth = self.fill(job, at, spread, gpus);
        (worth.inverse, worth.speedup)
    }

    /// What the row in force is worth, likewise.
    pub(super) fn kept_worth(&mut self, job: usize) -> (f64, f64) {
        let at = self.row_worth(job, true, 0, 0);
        let worth = self.worths[at as usize];
        (worth.inverse, worth.speedup)
    }

    /// Where the worth of a row is.
    fn row_worth(&mut self, job: usize, kept: bool, nodes: u32, gpus: u32) -> u32 {
        let offset = self.offsets[job];
        if kept {
            let row = &self.current[job * self.width..(job + 1) * self.width];
            let gpus = row.iter().map(Block::sum).sum();
            let nodes = &self.current_nodes[job * self.width..(job + 1) * self.width];
            let spread = nodes.iter().map(|mask| mask.count_ones()).sum::<u32>() > 1;
            self.fill(job, offset, spread, gpus);
            return offset;
        }
        let cap = self.jobs[job].cap;
        debug_assert!(gpus <= cap);
        let spread = nodes > 1;
        let at = offset + 1 + u32::from(spread) * (cap + 1) + gpus;
        self.fill(job, at, spread, gpus);
        at
    }

    fn fill(&mut self, job: usize, at: u32, spread: bool, gpus: u32) -> Worth {
        let known = self.worths[at as usize];
        if !known.inverse.is_nan() {
            return known;
        }
        let row = &mut self.jobs[job];
        let speedup = if gpus == 0 { 0.0 } else { (row.speedup)(spread, gpus) };
        let part = if at == self.offsets[job] { 1.0 } else { row.after_change };
        let worth = Worth { inverse: 1.0 / (speedup * self.scale * part + TINY), speedup };
        self.worths[at as usize] = worth;
        worth
    }

    /// Scores what was changed. Rows keep to their caps by now.
    pub(super) fn score(&mut self, draft: &mut Draft<'_>) -> (Objectives, u64) {
        let width = self.width;
        for job in 0..self.jobs.len() {
            if draft.changed[job] {
                draft.changed[job] = false;
                let row = job * width..(job + 1) * width;
                let cells = &draft.cells[row.clone()];
                let gpus = cells.iter().map(Block::sum).sum();
                let nodes = draft.nodes[row.clone()].iter().map(|mask| mask.count_ones()).sum();
                let kept = *cells == self.current[row];
                draft.worth[job] = self.row_worth(job, kept, nodes, gpus);
            }
        }
        let (mut inverse, mut speedup) = (0.0, 0.0);
        for at in &*draft.worth {
            let worth = self.worths[*at as usize];
            inverse += worth.inverse;
            speedup += worth.speedup;
        }
        let mut used = vec![0u16; width];
        let mut hash = 0u64;
        for (row, (cells, nodes)) in draft.cells.iter().zip(&*draft.nodes).enumerate() {
            used[row % width] |= nodes;
            let [low, high] = cells.halves();
            let key = (row as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let product = u128::from(low ^ key) * u128::from(high.wrapping_add(key.rotate_left(32)) | 1);
            hash = hash.wrapping_add(product as u64 ^ (product >> 64) as u64);
        }
        let in_use: u32 = used
            .iter()
            .zip(&self.capacity)
            .map(|(mask, block)| lanes(*mask).map(|lane| u32::from(block.0[lane])).sum::<u32>())
            .sum();
        let utility = if in_use == 0 { 0.0 } else { speedup / f64::from(in_use) };
        let mean = self.jobs.len() as f64 / inverse;
        ([-mean, -utility], hash)
    }
}

impl Slots {
    pub(super) fn new(slots: usize, problem: &Problem<'_>) -> Slots {
        let rows = slots * problem.jobs();
        Slots {
            cells: vec![Block::default(); rows * problem.width],
            nodes: vec![0; rows * problem.width],
            worth: vec![0; rows],
            objectives: vec![[0.0; 2]; slots],
            hashes: vec![0; slots],
        }
    }

    /// Copies rows `from..to` of a slot to another.
    pub(super) fn copy(&mut self, slot: u32, into: u32, rows: std::ops::Range<usize>, problem: &Problem<'_>) {
        let (jobs, width) = (problem.jobs(), problem.width);
        let (source, target) = (slot as usize * jobs, into as usize * jobs);
        self.worth.copy_within(source + rows.start..source + rows.end, target + rows.start);
        let cells = (source + rows.start) * width..(source + rows.end) * width;
        self.cells.copy_within(cells.clone(), (target + rows.start) * width);
        self.nodes.copy_within(cells, (target + rows.start) * width);
    }

    pub(super) fn draft<'s>(
        &'s mut self,
        slot: u32,
        changed: &'s mut [bool],
        problem: &Problem<'_>,
    ) -> Draft<'s> {
        let (jobs, width) = (problem.jobs(), problem.width);
        let (row, block) = (slot as usize * jobs, slot as usize * jobs * width);
        Draft {
            cells: &mut self.cells[block..block + jobs * width],
            nodes: &mut self.nodes[block..block + jobs * width],
            worth: &mut self.worth[row..row + jobs],
            changed,
        }
    }

    pub(super) fn rows(&self, slot: u32, problem: &Problem<'_>) -> &[Block] {
        let size = problem.jobs() * problem.width;
        &self.cells[slot as usize * size..(slot as usize + 1) * size]
    }
}
