//! The plans of a search, in slots that are used again and again.
//!
//! A plan has three parts. Its counts are blocks of sixteen nodes, column by column: the first
//! block of every job, then the second block of every job. Its occupants are the jobs on each node,
//! one bit per job, which answer in a few words what would otherwise read every row: which jobs
//! span several nodes, which meet on a node, which are on a node with free GPUs. Its worths say
//! what each row is worth, so that a new plan looks up only the rows in which it differs from the
//! two it was made of. Kept is the worth's place in a table, a quarter as long as the worth: 4 %
//! of a round with 50 jobs on 16 nodes.

use super::rows::{Block, JobSet, LANES, WORD, jobs_of};
use super::survival::Objectives;

/// Plans in slots. Which slots are taken is known to the search alone.
pub(super) struct Slots {
    jobs: usize,
    /// Columns of blocks.
    width: usize,
    cells: Vec<Block>,
    occupants: Vec<[u64; LANES]>,
    worths: Vec<u32>,
    /// By slot.
    pub(super) objectives: Vec<Objectives>,
    /// By slot.
    pub(super) hashes: Vec<u64>,
}

/// A plan that is being changed.
pub(super) struct Draft<'s, const NARROW: bool> {
    jobs: usize,
    width: usize,
    cells: &'s mut [Block],
    /// For each column which of jobs 0 to 63 are on its nodes, then likewise of the next 64 jobs.
    occupants: &'s mut [[u64; LANES]],
    /// What each row was worth before it changed.
    pub(super) worths: &'s mut [u32],
    /// The jobs whose rows changed since.
    pub(super) changed: &'s mut JobSet,
    /// By column: the GPUs that are left on each node, below zero where the rows have more than
    /// there are.
    pub(super) left: &'s mut [[i32; LANES]],
}

impl Slots {
    /// Creates `slots` slots for plans of so many jobs, each row of which has `width` blocks.
    pub(super) fn new(slots: usize, jobs: usize, width: usize) -> Slots {
        Slots {
            jobs,
            width,
            cells: vec![Block::default(); slots * jobs * width],
            occupants: vec![[0; LANES]; slots * jobs.div_ceil(WORD) * width],
            worths: vec![0; slots * jobs],
            objectives: vec![[0.0; 2]; slots],
            hashes: vec![0; slots],
        }
    }

    /// Fills slot `into` with the rows before `cut` of slot `first` and the others of slot
    /// `second`.
    pub(super) fn cross(&mut self, first: u32, second: u32, into: u32, cut: usize) {
        let [first, second, into] = [first, second, into].map(|slot| slot as usize);
        for column in 0..self.width {
            let start = |slot: usize| (slot * self.width + column) * self.jobs;
            copy(&mut self.cells, [first, second, into].map(start), cut, self.jobs);
        }
        copy(&mut self.worths, [first, second, into].map(|slot| slot * self.jobs), cut, self.jobs);
        let size = self.words() * self.width;
        for place in 0..size {
            let from_first = match cut.saturating_sub(WORD * (place / self.width)) {
                below @ ..WORD => (1 << below) - 1,
                _ => u64::MAX,
            };
            let [first, second] = [first, second].map(|slot| self.occupants[slot * size + place]);
            self.occupants[into * size + place] =
                std::array::from_fn(|lane| first[lane] & from_first | second[lane] & !from_first);
        }
    }

    fn words(&self) -> usize {
        self.jobs.div_ceil(WORD)
    }

    /// Returns the plan in a slot, to be changed.
    pub(super) fn draft<'s, const NARROW: bool>(
        &'s mut self,
        slot: u32,
        changed: &'s mut JobSet,
        left: &'s mut [[i32; LANES]],
    ) -> Draft<'s, NARROW> {
        let slot = slot as usize;
        let (jobs, cells, occupants) = (self.jobs, self.jobs * self.width, self.words() * self.width);
        Draft {
            jobs,
            width: self.width,
            cells: &mut self.cells[slot * cells..(slot + 1) * cells],
            occupants: &mut self.occupants[slot * occupants..(slot + 1) * occupants],
            worths: &mut self.worths[slot * jobs..(slot + 1) * jobs],
            changed,
            left,
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
        let row =
            |job: usize| (0..nodes).map(move |node| cells[node / LANES * self.jobs + job].0[node % LANES]);
        (0..self.jobs).flat_map(row).collect()
    }
}

/// Copies `cut` items from the first start and the rest of `count` from the second, to the third.
fn copy<T: Copy>(items: &mut [T], [first, second, into]: [usize; 3], cut: usize, count: usize) {
    items.copy_within(first..first + cut, into);
    items.copy_within(second + cut..second + count, into + cut);
}

impl<const NARROW: bool> Draft<'_, NARROW> {
    /// Returns the number of jobs.
    pub(super) fn jobs(&self) -> usize {
        self.jobs
    }

    /// Returns the block of a job in a column.
    pub(super) fn block(&self, column: usize, job: usize) -> &Block {
        &self.cells[column * self.jobs + job]
    }

    /// Returns the GPUs of a row.
    pub(super) fn gpus(&self, job: usize) -> u32 {
        (0..self.width()).map(|column| self.block(column, job).sum()).sum()
    }

    /// Returns the columns of blocks.
    pub(super) fn width(&self) -> usize {
        if NARROW { 1 } else { self.width }
    }

    /// Returns the column of a node.
    fn column_of(&self, node: usize) -> usize {
        if NARROW { 0 } else { node / LANES }
    }

    /// Returns which of jobs 64·`word` to 64·`word` + 63 are on a node.
    pub(super) fn occupants(&self, word: usize, node: usize) -> u64 {
        self.occupants[word * self.width() + self.column_of(node)][node % LANES]
    }

    /// Finds the jobs that span several nodes, in words of 64.
    pub(super) fn find_spread(&self, spread: &mut Vec<u64>) {
        spread.clear();
        spread.extend(self.occupants.chunks_exact(self.width()).map(|nodes| {
            let (mut any, mut several) = (0, 0);
            for occupants in nodes.as_flattened() {
                several |= any & occupants;
                any |= occupants;
            }
            several
        }));
    }

    /// Returns how many jobs are on a node.
    pub(super) fn jobs_on(&self, node: usize) -> usize {
        self.words_on(node).map(|(_, jobs)| jobs.count_ones() as usize).sum()
    }

    /// Returns the last job on a node.
    pub(super) fn last_on(&self, node: usize) -> Option<usize> {
        let (word, jobs) = self.words_on(node).filter(|(_, jobs)| *jobs > 0).last()?;
        Some(WORD * word + jobs.ilog2() as usize)
    }

    /// Returns the jobs on a node, as words and their bits.
    fn words_on(&self, node: usize) -> impl Iterator<Item = (usize, u64)> {
        let words = 0..self.changed.words();
        words.map(move |word| (word, self.occupants(word, node)))
    }

    /// Returns the jobs on all nodes, in the order of [`Draft::occupants`].
    pub(super) fn all_occupants(&self) -> &[u64] {
        self.occupants.as_flattened()
    }

    /// Counts anew what is left on each node. No node has more than 254 GPUs in use: the plan was
    /// crossed from two repaired ones, each with at most 127 on a node, and was not changed since.
    pub(super) fn count_left(&mut self, capacity: &[Block]) {
        for (column, left) in self.left.iter_mut().enumerate() {
            let used = used(&self.cells[column * self.jobs..(column + 1) * self.jobs]);
            debug_assert!(used.0.iter().all(|count| *count < u8::MAX), "a byte holds what is in use");
            *left = std::array::from_fn(|lane| i32::from(capacity[column].0[lane]) - i32::from(used.0[lane]));
        }
    }

    /// Returns the nodes of a row, ascending.
    pub(super) fn nodes_of(&self, job: usize) -> impl Iterator<Item = usize> {
        let blocks = (0..self.width()).map(move |column| (column, self.block(column, job)));
        blocks.flat_map(|(column, block)| block.occupied().map(move |lane| column * LANES + lane))
    }

    /// Returns the count of a job on a node.
    pub(super) fn count(&self, job: usize, node: usize) -> u8 {
        self.block(self.column_of(node), job).0[node % LANES]
    }

    /// Sets the count of a job on a node.
    pub(super) fn set(&mut self, job: usize, node: usize, count: u8) {
        let column = self.column_of(node);
        let had = &mut self.cells[column * self.jobs + job].0[node % LANES];
        self.left[column][node % LANES] += i32::from(*had) - i32::from(count);
        *had = count;
        let occupants = &mut self.occupants[job / WORD * self.width() + column][node % LANES];
        *occupants = *occupants & !(1 << (job % WORD)) | u64::from(count > 0) << (job % WORD);
        self.changed.add(job);
    }

    /// Takes a node from a job and all later ones.
    pub(super) fn clear_from(&mut self, job: usize, node: usize) {
        for word in job / WORD..self.changed.words() {
            let first = if word == job / WORD { job % WORD } else { 0 };
            let later = self.occupants(word, node) & u64::MAX << first;
            jobs_of(word, later).for_each(|later| self.set(later, node, 0));
        }
    }

    /// Sets all rows, given one after the other with a count for each of `nodes` nodes.
    pub(super) fn write(&mut self, rows: &[u8], nodes: usize, capacity: &[Block]) {
        self.cells.fill(Block::default());
        self.occupants.fill([0; LANES]);
        self.count_left(capacity);
        for (job, row) in rows.chunks_exact(nodes).enumerate() {
            row.iter().enumerate().for_each(|(node, count)| self.set(job, node, *count));
        }
    }
}

/// Returns the sums of blocks. It is not inlined: inside a larger function the compiler adds them
/// byte by byte, and a round with 50 jobs on 16 nodes takes a tenth longer.
#[inline(never)]
fn used(blocks: &[Block]) -> Block {
    blocks.iter().fold(Block::default(), |used, block| used.plus(block))
}
