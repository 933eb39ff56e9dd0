//! Plans under way: one row of GPU counts for each job. With every row goes what it is worth, so that a new plan is scored by
//! the rows in which it differs from those it was made of.

use super::rows::{Block, Changed, LANES, lanes};
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

/// What goes with a row of a plan, so that a plan is scored by adding up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scored {
    worth: Worth,
    /// A hash of the row and its place.
    mark: u64,
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
    /// Every node that there is, and all of their GPUs.
    everywhere: Vec<u16>,
    gpus: u32,
    /// The nodes in use, while a plan is scored.
    used: Vec<u16>,
}

/// Plans in slots. Who is in a slot is not known here.
pub(super) struct Slots {
    pub(super) cells: Vec<Block>,
    /// Which nodes of each block are occupied.
    pub(super) nodes: Vec<u16>,
    /// What each row is worth, and its mark.
    pub(super) scored: Vec<Scored>,
    pub(super) objectives: Vec<Objectives>,
    pub(super) hashes: Vec<u64>,
}

/// A plan that is being changed.
pub(super) struct Draft<'s> {
    pub(super) cells: &'s mut [Block],
    pub(super) nodes: &'s mut [u16],
    pub(super) scored: &'s mut [Scored],
    /// Whose row is not worth what it was.
    pub(super) changed: &'s mut Changed,
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
            used: vec![0; width],
            everywhere: blocks(nodes).iter().map(Block::occupied).collect(),
            gpus,
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

    /// Whether there are counts that the job cannot run on.
    pub(super) fn is_picky(&self, job: usize) -> bool {
        self.jobs[job].counts.is_some()
    }

    /// The most GPUs that the job can run on with `gpus` of them.
    pub(super) fn most(&self, job: usize, gpus: u32) -> u32 {
        let Some(counts) = self.jobs[job].counts else { return gpus };
        counts[..counts.partition_point(|count| *count <= gpus)].last().copied().unwrap_or(0)
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
        if !same(&draft.cells[row.clone()], &self.current[row.clone()]) {
            draft.cells[row.clone()].copy_from_slice(&self.current[row.clone()]);
            draft.nodes[row.clone()].copy_from_slice(&self.current_nodes[row]);
            draft.changed.add(job);
        }
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
        let worth = self.row_worth(job, true, false, 0);
        (worth.inverse, worth.speedup)
    }

    /// What a row is worth, by whether it is the one in force, else by its nodes and GPUs.
    fn row_worth(&mut self, job: usize, kept: bool, spread: bool, gpus: u32) -> Worth {
        let offset = self.offsets[job];
        if kept {
            let known = self.worths[offset as usize];
            if !known.inverse.is_nan() {
                return known;
            }
            let row = &self.current[job * self.width..(job + 1) * self.width];
            let gpus = row.iter().map(Block::sum).sum();
            let spread = spans(&self.current_nodes[job * self.width..(job + 1) * self.width]);
            return self.fill(job, offset, spread, gpus);
        }
        let cap = self.jobs[job].cap;
        debug_assert!(gpus <= cap);
        self.fill(job, offset + 1 + u32::from(spread) * (cap + 1) + gpus, spread, gpus)
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
        while let Some(job) = draft.changed.take() {
            let row = job * width..(job + 1) * width;
            let cells = &draft.cells[row.clone()];
            let gpus = cells.iter().map(Block::sum).sum();
            let spread = spans(&draft.nodes[row.clone()]);
            let kept = same(cells, &self.current[row]);
            let mark = mark(job, cells);
            draft.scored[job] = Scored { worth: self.row_worth(job, kept, spread, gpus), mark };
        }
        let (mut inverse, mut speedup, mut hash) = (0.0, 0.0, 0u64);
        for Scored { worth, mark } in &*draft.scored {
            inverse += worth.inverse;
            speedup += worth.speedup;
            hash = hash.wrapping_add(*mark);
        }
        if let [used] = &mut *self.used {
            *used = draft.nodes.iter().fold(0, |used, nodes| used | nodes);
        } else {
            self.used.fill(0);
            for nodes in draft.nodes.chunks_exact(width) {
                self.used.iter_mut().zip(nodes).for_each(|(used, nodes)| *used |= nodes);
            }
        }
        let in_use = if self.used == self.everywhere { self.gpus } else { self.in_use() };
        let utility = if in_use == 0 { 0.0 } else { speedup / f64::from(in_use) };
        let mean = self.jobs.len() as f64 / inverse;
        ([-mean, -utility], hash)
    }

    /// The GPUs of the nodes in use.
    fn in_use(&self) -> u32 {
        let gpus =
            |(mask, block): (&u16, &Block)| lanes(*mask).map(|lane| u32::from(block.0[lane])).sum::<u32>();
        self.used.iter().zip(&self.capacity).map(gpus).sum()
    }
}

/// Whether two rows are the same. Most are one block, for which a comparison of slices is a call.
fn same(a: &[Block], b: &[Block]) -> bool {
    a.iter().zip(b).all(|(a, b)| a == b)
}

/// Whether a row is on several nodes.
pub(super) fn spans(nodes: &[u16]) -> bool {
    match nodes {
        [one] => *one & one.wrapping_sub(1) != 0,
        more => more.iter().map(|mask| mask.count_ones()).sum::<u32>() > 1,
    }
}

/// A hash of a row and its place, of which those of a plan are added up.
fn mark(job: usize, cells: &[Block]) -> u64 {
    let mut key = (job as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut mark = 0u64;
    for block in cells {
        let [low, high] = block.halves();
        let product = u128::from(low ^ key) * u128::from(high.wrapping_add(key.rotate_left(32)) | 1);
        mark = mark.wrapping_add(product as u64 ^ (product >> 64) as u64);
        key = key.wrapping_mul(0xD134_2543_DE82_EF95);
    }
    mark
}

impl Slots {
    pub(super) fn new(slots: usize, problem: &Problem<'_>) -> Slots {
        let rows = slots * problem.jobs();
        Slots {
            cells: vec![Block::default(); rows * problem.width],
            nodes: vec![0; rows * problem.width],
            scored: vec![Scored { worth: Worth { inverse: 0.0, speedup: 0.0 }, mark: 0 }; rows],
            objectives: vec![[0.0; 2]; slots],
            hashes: vec![0; slots],
        }
    }

    /// Copies rows `from..to` of a slot to another.
    pub(super) fn copy(&mut self, slot: u32, into: u32, rows: std::ops::Range<usize>, problem: &Problem<'_>) {
        let (jobs, width) = (problem.jobs(), problem.width);
        let (source, target) = (slot as usize * jobs, into as usize * jobs);
        self.scored.copy_within(source + rows.start..source + rows.end, target + rows.start);
        let cells = (source + rows.start) * width..(source + rows.end) * width;
        self.cells.copy_within(cells.clone(), (target + rows.start) * width);
        self.nodes.copy_within(cells, (target + rows.start) * width);
    }

    pub(super) fn draft<'s>(
        &'s mut self,
        slot: u32,
        changed: &'s mut Changed,
        problem: &Problem<'_>,
    ) -> Draft<'s> {
        let (jobs, width) = (problem.jobs(), problem.width);
        let (row, block) = (slot as usize * jobs, slot as usize * jobs * width);
        Draft {
            cells: &mut self.cells[block..block + jobs * width],
            nodes: &mut self.nodes[block..block + jobs * width],
            scored: &mut self.scored[row..row + jobs],
            changed,
        }
    }

    pub(super) fn rows(&self, slot: u32, problem: &Problem<'_>) -> &[Block] {
        let size = problem.jobs() * problem.width;
        &self.cells[slot as usize * size..(slot as usize + 1) * size]
    }
}
