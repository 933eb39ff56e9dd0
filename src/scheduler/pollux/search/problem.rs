//! The jobs and nodes of a search, and the score of a plan.

use super::job::{Interference, SearchJob};
use super::plans::Draft;
use super::rows::{Block, LANES, WORD};
use super::survival::Objectives;
use super::worth::{Worth, WorthTable};

/// The bits of the golden ratio, half of which are set: multiples of it have little in common.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The jobs and nodes of one search.
pub(super) struct Problem<'a> {
    jobs: Vec<SearchJob<'a>>,
    caps: Vec<u32>,
    /// Whether there is a job that cannot run on every count up to its cap.
    has_counts: bool,
    /// The GPUs of each node, a block per column.
    capacity: Vec<Block>,
    interference: Interference,
    /// The rows in force, column by column.
    current: Vec<Block>,
    worths: WorthTable,
    /// The factors of the hash, by the places of occupants.
    keys: Vec<u64>,
}

impl<'a> Problem<'a> {
    /// Creates the problem of sharing `nodes`, GPU counts below 128, among `jobs`.
    pub(super) fn new(jobs: Vec<SearchJob<'a>>, nodes: &[u8], interference: Interference) -> Problem<'a> {
        let blocks = |column: usize, row: &[u8]| {
            let lane = |lane| row.get(column * LANES + lane).copied().unwrap_or(0);
            Block(std::array::from_fn(lane))
        };
        let columns = 0..nodes.len().div_ceil(LANES);
        let gpus: u32 = nodes.iter().map(|size| u32::from(*size)).sum();
        Problem {
            caps: jobs.iter().map(|job| job.cap).collect(),
            has_counts: jobs.iter().any(|job| job.counts.is_some()),
            capacity: columns.clone().map(|column| blocks(column, nodes)).collect(),
            interference,
            current: columns
                .flat_map(|column| jobs.iter().map(move |job| blocks(column, &job.current)))
                .collect(),
            worths: WorthTable::new(&jobs, nodes.len() as f64 / f64::from(gpus)),
            keys: (1..)
                .map(|place: u64| place.wrapping_mul(GOLDEN) | 1)
                .take(jobs.len().div_ceil(WORD) * nodes.len().next_multiple_of(LANES))
                .collect(),
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
        self.caps[job]
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
    pub(super) fn reset<const NARROW: bool>(&self, draft: &mut Draft<'_, NARROW>, job: usize) {
        for column in 0..draft.width() {
            let current = &self.current[column * self.jobs() + job];
            let now = *draft.block(column, job);
            if now != *current {
                for lane in now.plus(current).occupied() {
                    draft.set(job, column * LANES + lane, current.0[lane]);
                }
            }
        }
    }

    /// Returns whether a row of a count per node is the one in force.
    pub(super) fn is_current(&self, job: usize, row: &[u8]) -> bool {
        self.jobs[job].current == row
    }

    /// Returns what `gpus` GPUs on one or several nodes are worth to a job if that is a change.
    pub(super) fn worth(&mut self, job: usize, spread: bool, gpus: u32) -> Worth {
        let place = self.worths.of_row(&mut self.jobs[job], job, false, spread, gpus);
        self.worths.at(place)
    }

    /// Returns what the row in force is worth to a job.
    pub(super) fn kept_worth(&mut self, job: usize) -> Worth {
        let current = &self.jobs[job].current;
        let gpus = current.iter().map(|count| u32::from(*count)).sum();
        let spread = current.iter().filter(|count| **count > 0).count() > 1;
        let place = self.worths.of_row(&mut self.jobs[job], job, true, spread, gpus);
        self.worths.at(place)
    }

    /// Looks up what the changed rows of a draft are worth. They keep to their caps.
    pub(super) fn look_up<const NARROW: bool>(&mut self, draft: &mut Draft<'_, NARROW>) {
        for word in 0..draft.changed.words() {
            for job in draft.changed.take_word(word) {
                draft.worths[job] = self.row_worth(draft, job);
            }
        }
    }

    /// Scores a plan whose changed rows were looked up.
    pub(super) fn score<const NARROW: bool>(&self, draft: &Draft<'_, NARROW>) -> Objectives {
        let mut sum = Worth { inverse: 0.0, speedup: 0.0 };
        for place in draft.worths.iter() {
            let worth = self.worths.at(*place);
            sum.inverse += worth.inverse;
            sum.speedup += worth.speedup;
        }
        let in_use = self.gpus_in_use(draft);
        let utility = if in_use == 0 { 0.0 } else { sum.speedup / f64::from(in_use) };
        let mean = self.jobs.len() as f64 / sum.inverse;
        [-mean, -utility]
    }

    fn row_worth<const NARROW: bool>(&mut self, draft: &Draft<'_, NARROW>, job: usize) -> u32 {
        let (mut gpus, mut nodes, mut is_current) = (0, 0, true);
        for column in 0..draft.width() {
            let block = draft.block(column, job);
            gpus += block.sum();
            nodes += block.mask().count_ones();
            is_current &= *block == self.current[column * self.jobs() + job];
        }
        self.worths.of_row(&mut self.jobs[job], job, is_current, nodes > 1, gpus)
    }

    /// Returns the GPUs of the nodes on which there is any job.
    fn gpus_in_use<const NARROW: bool>(&self, draft: &Draft<'_, NARROW>) -> u32 {
        let columns = self.capacity.iter().zip(draft.left.iter());
        let in_use = |(capacity, left): (&Block, &[i32; LANES])| {
            let gpus = |lane: usize| {
                if i32::from(capacity.0[lane]) > left[lane] { capacity.0[lane] } else { 0 }
            };
            Block(std::array::from_fn(gpus)).sum()
        };
        columns.map(in_use).sum()
    }

    /// Returns a hash of the jobs on each node. Plans with other counts on the same nodes share it.
    pub(super) fn hash<const NARROW: bool>(&self, draft: &Draft<'_, NARROW>) -> u64 {
        let jobs = draft.all_occupants().iter().zip(&self.keys);
        jobs.fold(0, |hash: u64, (jobs, key)| hash.wrapping_add(jobs.wrapping_mul(*key)))
    }
}
