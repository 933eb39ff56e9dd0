//! What rows are worth to their jobs, looked up by how many GPUs they have.

use super::SearchJob;

/// What a row is worth to its job.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worth {
    /// One over the job's part of the harmonic mean: how many times as fast as at its fair share it
    /// is, scaled by nodes per GPU, after what a change costs.
    pub(super) inverse: f64,
    /// How many times as fast as at its fair share it is.
    pub(super) speedup: f64,
}

/// Added to each job's part of the harmonic mean, so that a job without GPUs does not divide by zero.
/// The artifact's objective has the same.
const TINY: f64 = 1e-3;

/// The worths of all jobs, filled in as they are asked for.
pub(super) struct WorthTable {
    /// Job after job: of the row in force, then by count on one node, then by count on several. One
    /// that was not asked for yet is NaN.
    worths: Vec<Worth>,
    /// Where each job's begin.
    offsets: Vec<u32>,
    /// Nodes per GPU.
    scale: f64,
}

impl WorthTable {
    /// Creates an empty table. `scale` is the number of nodes per GPU of the cluster.
    pub(super) fn new(jobs: &[SearchJob<'_>], scale: f64) -> WorthTable {
        let mut offsets = Vec::with_capacity(jobs.len());
        let mut end = 0;
        for job in jobs {
            offsets.push(end);
            end += 1 + 2 * (job.cap + 1);
        }
        let unknown = Worth { inverse: f64::NAN, speedup: f64::NAN };
        WorthTable { worths: vec![unknown; end as usize], offsets, scale }
    }

    /// Returns what the row in force is worth to `job`, the one of that number.
    pub(super) fn kept(&mut self, job: &mut SearchJob<'_>, number: usize) -> Worth {
        let place = self.offsets[number] as usize;
        let known = self.worths[place];
        if !known.inverse.is_nan() {
            return known;
        }
        let gpus = job.current.iter().map(|count| u32::from(*count)).sum();
        let spread = job.current.iter().filter(|count| **count > 0).count() > 1;
        self.fill(job, place, (spread, gpus), 1.0)
    }

    /// Returns what `gpus` GPUs, at most its cap, on one or several nodes are worth to `job`, the one
    /// of that number, if they are not those in force.
    pub(super) fn changed(
        &mut self,
        job: &mut SearchJob<'_>,
        number: usize,
        spread: bool,
        gpus: u32,
    ) -> Worth {
        debug_assert!(gpus <= job.cap, "a row of {gpus} GPUs is cut to {} before it is scored", job.cap);
        let place = (self.offsets[number] + 1 + u32::from(spread) * (job.cap + 1) + gpus) as usize;
        let known = self.worths[place];
        if !known.inverse.is_nan() {
            return known;
        }
        let after_change = job.after_change;
        self.fill(job, place, (spread, gpus), after_change)
    }

    fn fill(
        &mut self,
        job: &mut SearchJob<'_>,
        place: usize,
        (spread, gpus): (bool, u32),
        part: f64,
    ) -> Worth {
        let speedup = if gpus == 0 { 0.0 } else { (job.speedup)(spread, gpus) };
        let worth = Worth { inverse: 1.0 / (speedup * self.scale * part + TINY), speedup };
        self.worths[place] = worth;
        worth
    }
}
