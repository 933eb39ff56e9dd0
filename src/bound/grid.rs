//! The intervals of time that have one price each.

use crate::units::SimTime;

use super::demand::Demand;

/// The most intervals. More make the bound a little better and the search slower.
const MOST: usize = 1500;

/// Intervals of time that follow each other, from the first submission to the last deadline.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// Ascending; interval k lies between times k and k + 1.
    times: Vec<SimTime>,
}

impl Grid {
    /// Divides time at every submission and deadline; where these are too many, at as many of them,
    /// evenly by their number.
    pub(super) fn new(demands: &[Demand]) -> Grid {
        let mut times: Vec<SimTime> = demands.iter().flat_map(|job| [job.from, job.until]).collect();
        times.sort_unstable();
        times.dedup();
        if times.len() > MOST + 1 {
            let last = times.len() - 1;
            times = (0..=MOST).map(|n| times[n * last / MOST]).collect();
        }
        Grid { times }
    }

    /// Returns how many intervals there are.
    pub(super) fn len(&self) -> usize {
        self.times.len().saturating_sub(1)
    }

    /// Returns when an interval begins and ends.
    pub(super) fn interval(&self, k: usize) -> (SimTime, SimTime) {
        (self.times[k], self.times[k + 1])
    }

    /// Returns the seconds of an interval.
    pub(super) fn seconds(&self, k: usize) -> f64 {
        self.times[k + 1].since(self.times[k]).as_secs_f64()
    }

    /// Returns the intervals that a job's time touches.
    pub(super) fn touched(&self, job: &Demand) -> std::ops::Range<usize> {
        let first = self.times.partition_point(|time| *time <= job.from).saturating_sub(1);
        let last = self.times.partition_point(|time| *time < job.until).min(self.len());
        first..last.max(first)
    }
}
