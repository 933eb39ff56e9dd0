//! The GPUs that one job will hold over future time.

use crate::units::{GpuTime, Gpus, SimTime};

/// How many GPUs one job holds at each time until it completes: a step function that ends.
///
/// An empty reservation holds no GPUs at any time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reservation {
    /// (start of the step, GPUs), ascending in time. A step lasts until the next one; the last step
    /// lasts until `until`.
    steps: Vec<(SimTime, Gpus)>,
    /// When the job completes.
    end: SimTime,
    /// Until when its GPUs are kept: the end plus the margin.
    until: SimTime,
}

impl Reservation {
    /// Empties the reservation, and reuses its memory.
    pub(super) fn clear(&mut self) {
        self.steps.clear();
        (self.end, self.until) = (SimTime::ZERO, SimTime::ZERO);
    }

    /// Adds a step. It begins after all others.
    pub(super) fn push(&mut self, from: SimTime, gpus: Gpus) {
        debug_assert!(self.steps.last().is_none_or(|last| last.0 < from), "steps ascend");
        self.steps.push((from, gpus));
    }

    /// Sets the time at which the job completes, and the time until which its GPUs are kept.
    /// `until` is not before `end`.
    pub(super) fn close(&mut self, end: SimTime, until: SimTime) {
        debug_assert!(end <= until, "GPUs are kept to the completion");
        (self.end, self.until) = (end, until);
    }

    /// Returns when the job completes.
    pub(super) fn end(&self) -> SimTime {
        self.end
    }

    /// Returns whether the job holds the same GPUs from the first step until it completes.
    pub(super) fn is_steady(&self) -> bool {
        self.steps.len() == 1
    }

    /// Returns (start, end, GPUs) of every step with GPUs, ascending in time.
    pub(super) fn spans(&self) -> impl Iterator<Item = (SimTime, SimTime, Gpus)> {
        let ends = self.steps.iter().skip(1).map(|step| step.0).chain([self.until]);
        self.steps
            .iter()
            .zip(ends)
            .map(|((from, gpus), to)| (*from, to, *gpus))
            .filter(|span| !span.2.is_zero())
    }

    /// Returns the GPUs that the job holds at a time; zero before the first step and after the
    /// last.
    pub(super) fn gpus_at(&self, time: SimTime) -> Gpus {
        if time >= self.until {
            return Gpus::ZERO;
        }
        let next = self.steps.partition_point(|(from, _)| *from <= time);
        next.checked_sub(1).map_or(Gpus::ZERO, |step| self.steps[step].1)
    }

    /// Returns when the next step after `now` begins; `None` if there is no further step.
    pub(super) fn next_step(&self, now: SimTime) -> Option<SimTime> {
        self.steps.iter().map(|step| step.0).find(|from| *from > now)
    }

    /// Removes the part before `now`.
    pub(super) fn cut(&mut self, now: SimTime) {
        // An empty reservation and one that begins later have no part before `now`.
        let past = self.steps.partition_point(|(from, _)| *from <= now).saturating_sub(1);
        self.steps.drain(..past);
        if let Some(first) = self.steps.first_mut() {
            first.0 = first.0.max(now);
        }
    }

    /// Returns the GPU-time from `now` until the job completes, without the margin.
    pub(super) fn gpu_time(&self, now: SimTime) -> GpuTime {
        let cost = |(from, to, gpus): (SimTime, SimTime, Gpus)| gpus * to.min(self.end).since(from.max(now));
        self.spans().map(cost).fold(GpuTime::ZERO, |sum, part| sum + part)
    }
}
