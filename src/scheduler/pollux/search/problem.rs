//! What a search decides: the jobs, the nodes, and what a plan is worth.

use super::plans::{Draft, columns, spans};
use super::rows::{Block, WORD, ones};
use super::survival::Objectives;
use super::worth::{Worth, WorthTable};
use super::{Interference, SearchJob};

/// The jobs and nodes of one search.
pub(super) struct Problem<'a> {
    jobs: Vec<SearchJob<'a>>,
    /// Whether there is a job that cannot run on every count up to its cap.
    has_counts: bool,
    /// The GPUs of each node, a block per column.
    capacity: Vec<Block>,
    interference: Interference,
    /// The rows in force, column by column, and their masks.
    current: Vec<Block>,
    current_nodes: Vec<u16>,
    worths: WorthTable,
    /// An odd number per job, for hashing.
    keys: Vec<u16>,
}

impl<'a> Problem<'a> {
    /// Creates the problem of sharing `nodes`, GPU counts below 128, among `jobs`.
    pub(super) fn new(jobs: Vec<SearchJob<'a>>, nodes: &[u8], interference: Interference) -> Problem<'a> {
        let rows: Vec<&[u8]> = jobs.iter().map(|job| job.current.as_slice()).collect();
        let (current, current_nodes) = columns(&rows, nodes.len());
        let gpus: u32 = nodes.iter().map(|size| u32::from(*size)).sum();
        Problem {
            has_counts: jobs.iter().any(|job| job.counts.is_some()),
            capacity: columns(&[nodes], nodes.len()).0,
            interference,
            current,
            current_nodes,
            worths: WorthTable::new(&jobs, nodes.len() as f64 / f64::from(gpus)),
            // The upper halves of multiples of the golden ratio's bits.
            keys: (1..=jobs.len() as u32).map(|job| (job.wrapping_mul(0x9E37_79B9) >> 16) as u16 | 1).collect(),
            jobs,
        }
    }

    /// Returns the number of jobs.
    pub(super) fn jobs(&self) -> usize {
        self.jobs.len()
    }

    /// Returns the blocks of a row: one per sixteen nodes.
    pub(super) fn width(&self) -> usize {
        self.capacity.len()
    }

    /// Returns the most GPUs that the job may have.
    pub(super) fn cap(&self, job: usize) -> u32 {
        self.jobs[job].cap
    }

    /// Returns whether there are counts up to its cap on which some job cannot run.
    pub(super) fn has_counts(&self) -> bool {
        self.has_counts
    }

    /// Returns the largest count up to `gpus` on which the job can run, 0 if there is none.
    pub(super) fn largest_count(&self, job: usize, gpus: u32) -> u32 {
        let Some(counts) = self.jobs[job].counts else { return gpus };
        counts[..counts.partition_point(|count| *count <= gpus)].last().copied().unwrap_or(0)
    }

    /// Returns which jobs give way where two that span several nodes meet.
    pub(super) fn interference(&self) -> Interference {
        self.interference
    }

    /// Returns the GPUs of each node, a block per column.
    pub(super) fn capacity(&self) -> &[Block] {
        &self.capacity
    }

    /// Sets a job's row to the one in force.
    pub(super) fn reset(&self, draft: &mut Draft<'_>, job: usize) {
        for column in 0..self.width() {
            let (cell, mask) = (column * self.jobs() + job, draft.mask_of(column, job));
            if draft.cells[cell] != self.current[cell] {
                draft.cells[cell] = self.current[cell];
                draft.masks[mask] = self.current_nodes[mask];
                draft.changed.add(job);
            }
        }
    }

    /// Returns whether a row of a count per node is the one in force.
    pub(super) fn is_current(&self, job: usize, row: &[u8]) -> bool {
        self.jobs[job].current == row
    }

    /// Returns what `gpus` GPUs on one or several nodes are worth to a job if that is a change.
    pub(super) fn worth(&mut self, job: usize, spread: bool, gpus: u32) -> Worth {
        self.worths.changed(&mut self.jobs[job], job, spread, gpus)
    }

    /// Returns what the row in force is worth to a job.
    pub(super) fn kept_worth(&mut self, job: usize) -> Worth {
        self.worths.kept(&mut self.jobs[job], job)
    }

    /// Scores a draft whose rows keep to their caps, and returns a hash of it too. Only changed rows
    /// are looked up again.
    pub(super) fn score(&mut self, draft: &mut Draft<'_>) -> (Objectives, u64) {
        for word in 0..draft.changed.words() {
            for job in ones(draft.changed.take_word(word)).map(|row| WORD * word + row) {
                draft.worths[job] = self.row_worth(draft, job);
            }
        }
        let mut sum = Worth { inverse: 0.0, speedup: 0.0 };
        for worth in draft.worths.iter() {
            sum.inverse += worth.inverse;
            sum.speedup += worth.speedup;
        }
        let in_use = self.gpus_in_use(draft);
        let utility = if in_use == 0 { 0.0 } else { sum.speedup / f64::from(in_use) };
        let mean = self.jobs.len() as f64 / sum.inverse;
        ([-mean, -utility], self.hash(draft, &sum))
    }

    fn row_worth(&mut self, draft: &Draft<'_>, job: usize) -> Worth {
        let (mut gpus, mut is_current) = (0, true);
        for column in 0..self.width() {
            let cell = column * self.jobs() + job;
            gpus += draft.cells[cell].sum();
            is_current &= draft.cells[cell] == self.current[cell];
        }
        if is_current {
            return self.kept_worth(job);
        }
        self.worth(job, spans(draft.row_masks(job)), gpus)
    }

    /// Returns the GPUs of the nodes on which there is any job.
    fn gpus_in_use(&self, draft: &Draft<'_>) -> u32 {
        let columns = self.capacity.iter().zip(draft.columns());
        let gpus = columns.map(|(capacity, (_, masks))| {
            let mut in_use = *capacity;
            in_use.keep(masks.iter().fold(0, |all, mask| all | mask));
            in_use.sum()
        });
        gpus.sum()
    }

    /// Returns a number that plans hardly have in common unless they are the same: from what they
    /// are worth, and from the nodes of each job. The counts need no part in it.
    fn hash(&self, draft: &Draft<'_>, sum: &Worth) -> u64 {
        let mut nodes: u32 = 0;
        for (_, masks) in draft.columns() {
            let products = masks.iter().zip(&self.keys).map(|(mask, key)| u32::from(*mask) * u32::from(*key));
            nodes = products.fold(nodes.rotate_left(5), u32::wrapping_add);
        }
        (sum.inverse.to_bits() ^ u64::from(nodes)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}
