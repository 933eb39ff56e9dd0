//! The plans of a search, in slots that are used again and again.
//!
//! With every row goes what it is worth, so that a new plan looks up only the rows in which it
//! differs from the two it was made of.

use super::problem::Problem;
use super::rows::{Block, Changed, GROUP, LANES, WORD, rows_where};
use super::survival::Objectives;
use super::worth::Worth;

/// Plans in slots. Which slots are taken is known to the search alone.
pub(super) struct Slots {
    jobs: usize,
    width: usize,
    /// The length of a column of masks: a multiple of [`GROUP`].
    stride: usize,
    cells: Vec<Block>,
    masks: Vec<u16>,
    worths: Vec<Worth>,
    /// By slot.
    pub(super) objectives: Vec<Objectives>,
    /// By slot.
    pub(super) hashes: Vec<u64>,
}

/// A plan that is being changed.
pub(super) struct Draft<'s> {
    jobs: usize,
    stride: usize,
    /// The counts, column by column.
    pub(super) cells: &'s mut [Block],
    /// The mask of each block, column by column; a column ends with empty ones.
    pub(super) masks: &'s mut [u16],
    /// What each row was worth before it changed.
    pub(super) worths: &'s mut [Worth],
    pub(super) changed: &'s mut Changed,
}

impl Slots {
    /// Creates `slots` slots for plans of the problem.
    pub(super) fn new(slots: usize, problem: &Problem<'_>) -> Slots {
        let (jobs, width) = (problem.jobs(), problem.width());
        let stride = jobs.next_multiple_of(GROUP);
        Slots {
            jobs,
            width,
            stride,
            cells: vec![Block::default(); slots * jobs * width],
            masks: vec![0; slots * stride * width],
            worths: vec![Worth { inverse: 0.0, speedup: 0.0 }; slots * jobs],
            objectives: vec![[0.0; 2]; slots],
            hashes: vec![0; slots],
        }
    }

    /// Fills slot `into` with the rows before `cut` of slot `first` and the others of slot `second`.
    pub(super) fn cross(&mut self, first: u32, second: u32, into: u32, cut: usize) {
        self.copy(first, into, 0..cut);
        self.copy(second, into, cut..self.jobs);
    }

    fn copy(&mut self, from: u32, into: u32, rows: std::ops::Range<usize>) {
        let (from, into) = (from as usize, into as usize);
        let moved = |column: usize, height: usize| {
            let source = (from * self.width + column) * height;
            (source + rows.start..source + rows.end, (into * self.width + column) * height + rows.start)
        };
        for column in 0..self.width {
            let (source, target) = moved(column, self.jobs);
            self.cells.copy_within(source, target);
            let (source, target) = moved(column, self.stride);
            self.masks.copy_within(source, target);
        }
        let (source, target) = (from * self.jobs, into * self.jobs);
        self.worths.copy_within(source + rows.start..source + rows.end, target + rows.start);
    }

    /// Returns the plan in a slot, to be changed.
    pub(super) fn draft<'s>(&'s mut self, slot: u32, changed: &'s mut Changed) -> Draft<'s> {
        let slot = slot as usize;
        let (jobs, cells, masks) = (self.jobs, self.jobs * self.width, self.stride * self.width);
        Draft {
            jobs,
            stride: self.stride,
            cells: &mut self.cells[slot * cells..(slot + 1) * cells],
            masks: &mut self.masks[slot * masks..(slot + 1) * masks],
            worths: &mut self.worths[slot * jobs..(slot + 1) * jobs],
            changed,
        }
    }

    /// Returns the counts in a slot, column by column.
    pub(super) fn cells(&self, slot: u32) -> &[Block] {
        let size = self.jobs * self.width;
        &self.cells[slot as usize * size..(slot as usize + 1) * size]
    }

    /// Returns the plan in a slot, row after row, with a count for each of `nodes` nodes.
    pub(super) fn rows(&self, slot: u32, nodes: usize) -> Vec<u8> {
        let cells = self.cells(slot);
        let row = |job: usize| (0..nodes).map(move |node| cells[node / LANES * self.jobs + job].0[node % LANES]);
        (0..self.jobs).flat_map(row).collect()
    }
}

impl Draft<'_> {
    /// Returns where the mask of a job's block stands.
    pub(super) fn mask_of(&self, column: usize, job: usize) -> usize {
        column * self.stride + job
    }

    /// Returns the masks of a job's row.
    pub(super) fn row_masks(&self, job: usize) -> impl Iterator<Item = u16> {
        self.masks.chunks_exact(self.stride).map(move |masks| masks[job])
    }

    /// Returns each column's blocks and masks.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&[Block], &[u16])> {
        self.cells.chunks_exact(self.jobs).zip(self.masks.chunks_exact(self.stride))
    }

    /// Returns each column's blocks and masks, to be changed.
    pub(super) fn columns_mut(&mut self) -> impl Iterator<Item = (&mut [Block], &mut [u16])> {
        self.cells.chunks_exact_mut(self.jobs).zip(self.masks.chunks_exact_mut(self.stride))
    }

    /// Returns a column's blocks and masks, and the changed jobs, to be changed.
    pub(super) fn column_mut(&mut self, column: usize) -> (&mut [Block], &mut [u16], &mut Changed) {
        let cells = &mut self.cells[column * self.jobs..(column + 1) * self.jobs];
        let masks = &mut self.masks[column * self.stride..(column + 1) * self.stride];
        (cells, masks, self.changed)
    }

    /// Sets the count of a job on a node.
    pub(super) fn set(&mut self, column: usize, job: usize, lane: usize, count: u8) {
        self.cells[column * self.jobs + job].0[lane] = count;
        self.masks[column * self.stride + job] |= u16::from(count > 0) << lane;
        self.changed.add(job);
    }

    /// Takes the nodes of `lost` from a job's block.
    pub(super) fn lose(&mut self, column: usize, job: usize, lost: u16) {
        let mask = column * self.stride + job;
        if self.masks[mask] & lost != 0 {
            self.masks[mask] &= !lost;
            self.cells[column * self.jobs + job].keep(self.masks[mask]);
            self.changed.add(job);
        }
    }

    /// Finds the rows that span several nodes: one bit per job, in words of 64.
    pub(super) fn find_spread(&self, words: &mut Vec<u64>) {
        words.clear();
        for first in (0..self.stride).step_by(WORD) {
            let (mut any, mut several) = (0, 0);
            for masks in self.masks.chunks_exact(self.stride) {
                let masks = &masks[first..self.stride.min(first + WORD)];
                several |= rows_where(masks, |mask| mask & mask.wrapping_sub(1) != 0);
                if self.masks.len() > self.stride {
                    let here = rows_where(masks, |mask| mask != 0);
                    several |= any & here;
                    any |= here;
                }
            }
            words.push(several);
        }
    }

    /// Sets all rows, given one after the other with a count for each of `nodes` nodes.
    pub(super) fn write(&mut self, rows: &[u8], nodes: usize) {
        let rows: Vec<&[u8]> = rows.chunks_exact(nodes).collect();
        let (cells, masks) = columns(&rows, nodes);
        self.cells.copy_from_slice(&cells);
        self.masks.copy_from_slice(&masks);
        (0..self.jobs).for_each(|job| self.changed.add(job));
    }
}

/// Puts rows of `nodes` counts into blocks, column by column, with their masks.
pub(super) fn columns(rows: &[&[u8]], nodes: usize) -> (Vec<Block>, Vec<u16>) {
    let (width, stride) = (nodes.div_ceil(LANES), rows.len().next_multiple_of(GROUP));
    let mut cells = vec![Block::default(); width * rows.len()];
    let mut masks = vec![0; width * stride];
    for (job, row) in rows.iter().enumerate() {
        for (node, count) in row.iter().enumerate() {
            cells[node / LANES * rows.len() + job].0[node % LANES] = *count;
            masks[node / LANES * stride + job] |= u16::from(*count > 0) << (node % LANES);
        }
    }
    (cells, masks)
}

/// Returns whether a row of these masks is on several nodes.
pub(super) fn spans(masks: impl Iterator<Item = u16>) -> bool {
    let (mut any, mut several) = (false, false);
    for mask in masks {
        several |= mask & mask.wrapping_sub(1) != 0 || (any && mask != 0);
        any |= mask != 0;
    }
    several
}
