//! Plans under way: one row of GPU counts for each job. With every row goes what it is worth, so
//! that a new plan is scored by the rows in which it differs from those it was made of.

use super::rows::{Block, Changed, LANES, lanes, ones};
use super::survival::Objectives;
use super::{Interference, Row};

/// What a row is worth.
#[derive(Clone, Copy, Debug)]
struct Worth {
    /// One over how much faster than at its fair share the job is, scaled, after what a change
    /// costs; not a number before somebody asked.
    inverse: f64,
    /// How many times as fast as at its fair share it is.
    speedup: f64,
}

/// The rows of a plan together.
struct Total {
    inverse: f64,
    speedup: f64,
    /// The sum of products of their halves, each half with a key of its own.
    hash: u64,
}

/// Against a division by zero; as in the objective's definition.
const TINY: f64 = 1e-3;

/// What is being decided: who may run, on what, and what that is worth.
pub(super) struct Problem<'a> {
    jobs: Vec<Row<'a>>,
    caps: Vec<u32>,
    picky: bool,
    /// Blocks of a row.
    pub(super) width: usize,
    capacity: Vec<Block>,
    interference: Interference,
    /// Nodes for each GPU.
    scale: f64,
    /// The rows in force, and which nodes they are on.
    current: Vec<Block>,
    current_nodes: Vec<u16>,
    /// For hashing: two a block.
    keys: Vec<[u64; 2]>,
    /// Worths of all jobs: of the row in force, then by count on one node, then by count on
    /// several.
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
    /// What each row is worth.
    worths: Vec<Worth>,
    pub(super) objectives: Vec<Objectives>,
    pub(super) hashes: Vec<u64>,
}

/// A plan that is being changed.
pub(super) struct Draft<'s> {
    pub(super) cells: &'s mut [Block],
    pub(super) nodes: &'s mut [u16],
    worths: &'s mut [Worth],
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
            caps: jobs.iter().map(|job| job.cap).collect(),
            picky: jobs.iter().any(|job| job.counts.is_some()),
            width,
            used: vec![0; width],
            everywhere: blocks(nodes).iter().map(Block::occupied).collect(),
            gpus,
            capacity: blocks(nodes),
            interference,
            scale: nodes.len() as f64 / f64::from(gpus),
            keys: (1..).map(keys).take(current.len()).collect(),
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
        self.caps[job]
    }

    /// Whether there are counts that some job cannot run on.
    pub(super) fn is_picky(&self) -> bool {
        self.picky
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

    /// What `gpus` GPUs on one or several nodes are worth to a job: (one over the value after a
    /// change, speedup).
    pub(super) fn worth(&mut self, job: usize, spread: bool, gpus: u32) -> (f64, f64) {
        let cap = self.caps[job];
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
        let cap = self.caps[job];
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

    /// Scores what was changed, and gives a hash of the plan with it. Rows keep to their caps by
    /// now.
    pub(super) fn score(&mut self, draft: &mut Draft<'_>) -> (Objectives, u64) {
        // Nearly every cluster has rows of one block, for which the inner loops go away.
        let Total { inverse, speedup, hash } = match self.width {
            1 => self.total::<true>(draft),
            _ => self.total::<false>(draft),
        };
        let in_use = if self.used == self.everywhere { self.gpus } else { self.in_use() };
        let utility = if in_use == 0 { 0.0 } else { speedup / f64::from(in_use) };
        let mean = self.jobs.len() as f64 / inverse;
        ([-mean, -utility], hash)
    }

    /// Finds what changed rows are worth, adds up all of them, and says which nodes are in use.
    fn total<const NARROW: bool>(&mut self, draft: &mut Draft<'_>) -> Total {
        let width = if NARROW { 1 } else { self.width };
        for word in 0..draft.changed.words() {
            let first = 64 * word;
            for job in ones(std::mem::take(draft.changed.word(word))).map(|bit| first + bit) {
                let row = job * width..(job + 1) * width;
                let cells = &draft.cells[row.clone()];
                let gpus = cells.iter().map(Block::sum).sum();
                let spread = spans(&draft.nodes[row.clone()]);
                let kept = same(cells, &self.current[row]);
                draft.worths[job] = self.row_worth(job, kept, spread, gpus);
            }
        }
        let used = &mut self.used[..width];
        used.fill(0);
        let mut total = Total { inverse: 0.0, speedup: 0.0, hash: 0 };
        let nodes = draft.nodes.chunks_exact(width);
        let cells = draft.cells.chunks_exact(width).zip(self.keys.chunks_exact(width));
        // One pass: a sum waits for the one before, and what else there is to do goes by meanwhile.
        for (worth, (nodes, (cells, keys))) in draft.worths.iter().zip(nodes.zip(cells)) {
            total.inverse += worth.inverse;
            total.speedup += worth.speedup;
            for (cells, keys) in cells.iter().zip(keys) {
                let [low, high] = cells.halves();
                let product = low.wrapping_add(keys[0]).wrapping_mul(high.wrapping_add(keys[1]));
                total.hash = total.hash.wrapping_add(product);
            }
            used.iter_mut().zip(nodes).for_each(|(used, nodes)| *used |= nodes);
        }
        total
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

/// Two numbers in which half of all bits are set, others for each place: multiples of the golden
/// ratio's bits, mixed.
fn keys(place: u64) -> [u64; 2] {
    [2 * place, 2 * place + 1].map(|number| {
        let bits = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (bits ^ bits >> 32).wrapping_mul(0xD134_2543_DE82_EF95)
    })
}

impl Slots {
    pub(super) fn new(slots: usize, problem: &Problem<'_>) -> Slots {
        let rows = slots * problem.jobs();
        Slots {
            cells: vec![Block::default(); rows * problem.width],
            nodes: vec![0; rows * problem.width],
            worths: vec![Worth { inverse: 0.0, speedup: 0.0 }; rows],
            objectives: vec![[0.0; 2]; slots],
            hashes: vec![0; slots],
        }
    }

    /// Copies rows `from..to` of a slot to another.
    pub(super) fn copy(&mut self, slot: u32, into: u32, rows: std::ops::Range<usize>, problem: &Problem<'_>) {
        let (jobs, width) = (problem.jobs(), problem.width);
        let (source, target) = (slot as usize * jobs, into as usize * jobs);
        self.worths.copy_within(source + rows.start..source + rows.end, target + rows.start);
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
            worths: &mut self.worths[row..row + jobs],
            changed,
        }
    }

    pub(super) fn rows(&self, slot: u32, problem: &Problem<'_>) -> &[Block] {
        let size = problem.jobs() * problem.width;
        &self.cells[slot as usize * size..(slot as usize + 1) * size]
    }
}
