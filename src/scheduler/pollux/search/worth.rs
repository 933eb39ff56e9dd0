//! The worth of rows to their jobs, looked up by their number of GPUs.

use super::job::SearchJob;

/// What a row is worth to its job.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worth {
    /// One over the job's part of the harmonic mean: how many times as fast as at its fair share it
    /// is, scaled by nodes per GPU, after what a change costs.
    pub(super) inverse: f64,
    /// How many times as fast as at its fair share it is.
    pub(super) speedup: f64,
}

/// Added to each job's part of the harmonic mean, so that a job without GPUs does not divide by
/// zero. The artifact's objective has the same.
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

    /// Returns what a row of `gpus` GPUs on one or several nodes is worth to `job`, the one of that
    /// number. A row that is not the one in force has at most its cap.
    pub(super) fn of_row(
        &mut self,
        job: &mut SearchJob<'_>,
        number: usize,
        is_current: bool,
        spread: bool,
        gpus: u32,
    ) -> u32 {
        debug_assert!(is_current || gpus <= job.cap, "a row of {gpus} GPUs is cut to {} before", job.cap);
        let place = if is_current { 0 } else { 1 + u32::from(spread) * (job.cap + 1) + gpus };
        let place = (self.offsets[number] + place) as usize;
        if self.worths[place].inverse.is_nan() {
            self.fill(job, place, is_current, spread, gpus);
        }
        place as u32
    }

    /// Returns the worth at a place that was asked for before.
    pub(super) fn at(&self, place: u32) -> Worth {
        self.worths[place as usize]
    }

    #[cold]
    fn fill(&mut self, job: &mut SearchJob<'_>, place: usize, is_current: bool, spread: bool, gpus: u32) {
        let speedup = if gpus == 0 { 0.0 } else { (job.speedup)(spread, gpus) };
        let part = if is_current { 1.0 } else { job.after_change };
        self.worths[place] = Worth { inverse: 1.0 / (speedup * self.scale * part + TINY), speedup };
    }
}
