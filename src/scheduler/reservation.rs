//! What a job will hold over future time, and how to find that: progressive filling.

use crate::job::JobId;
use crate::units::{GpuTime, Gpus, Iterations, Rate, SimDuration, SimTime};

use super::View;
use super::free::FreeGpus;

/// A reservation is held this much longer than the end computed for it, and that end is this much
/// before the deadline: room for rounding, which adds up to a few microseconds.
pub(super) const MARGIN: SimDuration = SimDuration::from_micros(1000);

/// GPU counts over future time, up to an end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reservation {
    /// (from when, how many), ascending.
    steps: Vec<(SimTime, Gpus)>,
    end: SimTime,
    until: SimTime,
}

impl Reservation {
    pub(super) fn clear(&mut self) {
        self.steps.clear();
        (self.end, self.until) = (SimTime::ZERO, SimTime::ZERO);
    }

    /// Adds a step after the others.
    pub(super) fn push(&mut self, from: SimTime, gpus: Gpus) {
        self.steps.push((from, gpus));
    }

    /// Sets when the job is done, and until when its GPUs are kept.
    pub(super) fn close(&mut self, end: SimTime, until: SimTime) {
        (self.end, self.until) = (end, until);
    }

    /// When the job is done.
    pub(super) fn end(&self) -> SimTime {
        self.end
    }

    /// (from, to, GPUs) of every step that holds some.
    pub(super) fn spans(&self) -> impl Iterator<Item = (SimTime, SimTime, Gpus)> {
        let ends = self.steps.iter().skip(1).map(|step| step.0).chain([self.until]);
        self.steps
            .iter()
            .zip(ends)
            .map(|((from, gpus), to)| (*from, to, *gpus))
            .filter(|span| !span.2.is_zero())
    }

    /// The GPUs at an instant.
    pub(super) fn at(&self, time: SimTime) -> Gpus {
        if time >= self.until {
            return Gpus::ZERO;
        }
        let next = self.steps.partition_point(|(from, _)| *from <= time);
        next.checked_sub(1).map_or(Gpus::ZERO, |step| self.steps[step].1)
    }

    /// When the count next changes after `now`, before the end.
    pub(super) fn next_step(&self, now: SimTime) -> Option<SimTime> {
        self.steps.iter().map(|step| step.0).find(|from| *from > now)
    }

    /// Forgets what was before `now`.
    pub(super) fn cut(&mut self, now: SimTime) {
        let past = self.steps.partition_point(|(from, _)| *from <= now).saturating_sub(1);
        self.steps.drain(..past);
        if let Some(first) = self.steps.first_mut() {
            first.0 = first.0.max(now);
        }
    }

    /// GPU-time from `now` on, up to the end of the work.
    pub(super) fn gpu_time(&self, now: SimTime) -> GpuTime {
        let cost = |(from, to, gpus): (SimTime, SimTime, Gpus)| gpus * to.min(self.end).since(from.max(now));
        self.spans().map(cost).fold(GpuTime::ZERO, |sum, part| sum + part)
    }
}

/// A GPU count that a job can run on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Size {
    pub(super) gpus: Gpus,
    pub(super) rate: Rate,
    /// The longest pause of a change to it.
    pub(super) restart: SimDuration,
}

/// What planning needs to know of a job: its sizes and its present state.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Needs {
    /// Ascending; those that fit the cluster.
    pub(super) sizes: Vec<Size>,
    pub(super) left: Iterations,
    pub(super) held: Gpus,
    pub(super) restart_left: SimDuration,
}

/// How a job that goes on at the count it holds enters a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// It stays where it is.
    Stays,
    /// It may be moved now, and pays for it.
    MayMove,
}

impl Needs {
    /// Of a live job.
    pub(super) fn new(view: &View<'_>, id: JobId) -> Needs {
        let size = |gpus: &Gpus| {
            let rate = view.rate(id, *gpus).filter(|rate| rate.get() > 0.0)?;
            Some(Size { gpus: *gpus, rate, restart: view.restart_overhead(id, *gpus) })
        };
        let sizes = view.sizes(id).iter().filter(|gpus| **gpus <= view.capacity()).filter_map(size).collect();
        let mut needs =
            Needs { sizes, left: Iterations::ZERO, held: Gpus::ZERO, restart_left: SimDuration::ZERO };
        needs.update(view, id);
        needs
    }

    /// Brings the present state up to date.
    pub(super) fn update(&mut self, view: &View<'_>, id: JobId) {
        self.left = view.declared_left(id);
        self.held = view.gpus(id);
        self.restart_left = view.restart_left(id);
    }

    /// The place of a count among the sizes.
    pub(super) fn level(&self, gpus: Gpus) -> Option<usize> {
        self.sizes.iter().position(|size| size.gpus == gpus)
    }

    /// The place of the largest size.
    pub(super) fn top(&self) -> usize {
        self.sizes.len() - 1
    }

    /// The pause before work starts or goes on at `size` when it is given now.
    pub(super) fn first_restart(&self, size: &Size, start: Start) -> SimDuration {
        if size.gpus == self.held && start == Start::Stays { self.restart_left } else { size.restart }
    }

    /// When it would be done if it held a size from `now` on without a change.
    pub(super) fn end_at(&self, size: &Size, now: SimTime, start: Start) -> SimTime {
        now + self.first_restart(size, start) + self.left.time_at(size.rate)
    }

    /// Fills a job into `free` at up to the given level: in every step the largest size that is
    /// free and not beyond the level, every change paid for, until its work is done (ElasticFlow,
    /// algorithm 1, with pauses). False if that is after `latest`; `out` is then of no use.
    pub(super) fn fill(
        &self,
        free: &FreeGpus,
        now: SimTime,
        level: usize,
        start: Start,
        latest: SimTime,
        out: &mut Reservation,
    ) -> bool {
        out.clear();
        let mut left = self.left;
        // What it holds in the step, from when it works, and when it would be done.
        let mut size: Option<&Size> = None;
        let mut working = now;
        let mut end = SimTime::NEVER;
        let top = &self.sizes[level];
        let steps = free.steps();
        for (index, (from, gpus)) in steps.iter().enumerate() {
            let from = (*from).max(now);
            if from > latest {
                return false;
            }
            let fitting = if *gpus >= top.gpus {
                Some(top)
            } else {
                self.sizes[..level].iter().rev().find(|size| size.gpus <= *gpus)
            };
            if index == 0 || fitting.map(|s| s.gpus) != size.map(|s| s.gpus) {
                if let Some(before) = size.filter(|_| from > working) {
                    let done = before.rate * from.since(working);
                    // Done by the last microsecond, but not kept for the margin: it must go on a
                    // little.
                    let least = before.rate * MARGIN;
                    left = if left.get() - done.get() > least.get() { left - done } else { least };
                }
                size = fitting;
                out.push(from, fitting.map_or(Gpus::ZERO, |s| s.gpus));
                if let Some(s) = fitting {
                    let restart = if index == 0 { self.first_restart(s, start) } else { s.restart };
                    working = from + restart;
                    end = working + left.time_at(s.rate);
                    // Nothing is faster than the level's own size.
                    if end > latest && from + left.time_at(top.rate) > latest {
                        return false;
                    }
                } else {
                    end = SimTime::NEVER;
                }
            }
            let to = steps.get(index + 1).map_or(SimTime::NEVER, |next| next.0);
            if end + MARGIN <= to && end != SimTime::NEVER {
                out.close(end, end + MARGIN);
                return end <= latest;
            }
        }
        false
    }

    /// Whether it is done within a reservation if it follows it from its actual state.
    pub(super) fn follows(&self, reservation: &Reservation, now: SimTime) -> bool {
        let mut left = self.left;
        let mut held = self.held;
        for (from, to, gpus) in reservation.spans().filter(|span| span.1 > now) {
            let from = from.max(now);
            let Some(size) = self.level(gpus).map(|level| &self.sizes[level]) else { return false };
            let stays = from == now && held == gpus;
            let working = from + if stays { self.restart_left } else { size.restart };
            if working + left.time_at(size.rate) <= to {
                return true;
            }
            left = left - size.rate * to.since(working);
            held = gpus;
        }
        false
    }

    /// The minimum satisfactory share: fills at the lowest level that is done by `latest`
    /// (ElasticFlow, section 4.1).
    pub(super) fn fill_least(
        &self,
        free: &FreeGpus,
        now: SimTime,
        latest: SimTime,
        out: &mut Reservation,
    ) -> Option<usize> {
        (0..self.sizes.len()).find(|level| {
            now + self.left.time_at(self.sizes[*level].rate) <= latest
                && self.fill(free, now, *level, Start::Stays, latest, out)
        })
    }
}

#[cfg(test)]
mod tests;
