//! Progressive filling: finds a reservation for one job in the free GPUs (ElasticFlow, section 4.1,
//! algorithm 1, with restart overheads).

use crate::job::JobId;
use crate::units::{Gpus, Iterations, Rate, SimDuration, SimTime};

use super::free_gpus::FreeGpus;
use super::reservation::Reservation;
use crate::scheduler::View;

/// The margin for rounding errors, which add up to a few microseconds. The GPUs of a reservation
/// are kept this long after its end. The end must be at least this long before the deadline, unless
/// it is exact: unless the job keeps the GPUs that it gets now until then.
pub(super) const MARGIN: SimDuration = SimDuration::from_micros(1000);

/// Ends that are computed at different times are less than this apart, if nothing has happened
/// between them.
const ROUNDING: SimDuration = SimDuration::from_micros(100);

/// A GPU count that a job can run on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Size {
    pub(super) gpus: Gpus,
    /// The speed on these GPUs; above zero.
    pub(super) rate: Rate,
    /// The bound on the restart overhead of a change to this size.
    pub(super) restart: SimDuration,
}

/// What is known about a job that is filled: its sizes and its present state.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Needs {
    /// The sizes that fit the cluster, ascending; never empty. A size's place here is its *level*.
    pub(super) sizes: Vec<Size>,
    /// The iterations that are left.
    pub(super) left: Iterations,
    /// The GPUs that the job holds now.
    pub(super) held: Gpus,
    /// The restart overhead that is left on these GPUs.
    pub(super) restart_left: SimDuration,
    /// When the job completes if it keeps these GPUs, as it was computed when it got them. `None`
    /// if that is not known, or no longer true.
    pub(super) kept_end: Option<SimTime>,
}

/// Whether a job that keeps its GPU count may be moved now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// The job stays on its nodes, and only the rest of its present restart overhead is left.
    Stays,
    /// The job may be moved to other nodes now, so it is charged a full restart overhead.
    MayMove,
}

impl Needs {
    /// Returns the needs of a live job.
    pub(super) fn new(view: &View<'_>, id: JobId) -> Needs {
        let size = |gpus: &Gpus| {
            let rate = view.rate(id, *gpus).filter(|rate| rate.get() > 0.0);
            let rate = rate.expect("a job has a speed on each of its sizes");
            Size { gpus: *gpus, rate, restart: view.restart_overhead(id, *gpus) }
        };
        let sizes: Vec<Size> =
            view.sizes(id).iter().filter(|gpus| **gpus <= view.capacity()).map(size).collect();
        assert!(!sizes.is_empty(), "a job whose smallest size exceeds the cluster is never live");
        let mut needs = Needs {
            sizes,
            left: Iterations::ZERO,
            held: Gpus::ZERO,
            restart_left: SimDuration::ZERO,
            kept_end: None,
        };
        needs.update(view, id);
        needs
    }

    /// Brings the state of the job up to date.
    pub(super) fn update(&mut self, view: &View<'_>, id: JobId) {
        self.left = view.declared_left(id);
        self.held = view.gpus(id);
        self.restart_left = view.restart_left(id);
        let again = self.level(self.held).map(|level| {
            let left = self.restart_left + self.left.time_at(self.sizes[level].rate);
            view.now() + left
        });
        // A job that was moved, or is slower than was believed, ends later.
        self.kept_end = self
            .kept_end
            .filter(|kept| again.is_some_and(|again| again.since(*kept).max(kept.since(again)) < ROUNDING));
    }

    /// Notes the GPUs that the job gets now: its completion is exact if it keeps them.
    pub(super) fn note_granted(&mut self, gpus: Gpus, now: SimTime) {
        self.kept_end = self.level(gpus).and_then(|level| {
            let size = &self.sizes[level];
            if gpus == self.held { self.kept_end } else { Some(self.end_at(size, now, Start::Stays)) }
        });
    }

    /// Returns the level of a GPU count; `None` if the count is not a size, as zero is not.
    pub(super) fn level(&self, gpus: Gpus) -> Option<usize> {
        self.sizes.iter().position(|size| size.gpus == gpus)
    }

    /// Returns the level of the largest size.
    pub(super) fn top(&self) -> usize {
        self.sizes.len() - 1
    }

    /// Returns the restart overhead of the job if it gets a size now.
    pub(super) fn first_restart(&self, size: &Size, start: Start) -> SimDuration {
        if size.gpus == self.held && start == Start::Stays { self.restart_left } else { size.restart }
    }

    /// Returns when the job completes if it holds a size from `now` until it completes.
    pub(super) fn end_at(&self, size: &Size, now: SimTime, start: Start) -> SimTime {
        let kept = self.kept_end.filter(|_| size.gpus == self.held && start == Start::Stays);
        kept.unwrap_or_else(|| now + self.first_restart(size, start) + self.left.time_at(size.rate))
    }

    /// Returns whether [`Needs::end_at`] is exact: what the core computes, too.
    fn is_exact(&self, size: &Size, start: Start) -> bool {
        size.gpus != self.held || start == Start::MayMove || self.kept_end.is_some()
    }

    /// Fills the job into `free`, and writes the reservation to `out`.
    ///
    /// In every step of `free`, the job holds the largest size that is free and not above `level`.
    /// It pays for every change, until its work is done. Returns whether its work is done by `due`
    /// (less the margin, unless the end is exact); if not, the content of `out` has no meaning.
    /// Takes time linear in the steps of `free`.
    pub(super) fn fill(
        &self,
        free: &FreeGpus,
        now: SimTime,
        level: usize,
        start: Start,
        due: SimTime,
        out: &mut Reservation,
    ) -> bool {
        out.clear();
        let top = &self.sizes[level];
        let mut held = HeldSize { size: None, left: self.left, working: now, end: SimTime::NEVER };
        let steps = free.steps();
        for (index, (from, gpus)) in steps.iter().enumerate() {
            let from = (*from).max(now);
            if from > due {
                return false;
            }
            let fitting = self.largest(level, *gpus);
            if index == 0 || fitting.map(|size| size.gpus) != held.size.map(|size| size.gpus) {
                out.push(from, fitting.map_or(Gpus::ZERO, |size| size.gpus));
                let restart =
                    |size: &Size| if index == 0 { self.first_restart(size, start) } else { size.restart };
                held.change(from, fitting, fitting.map_or(SimDuration::ZERO, restart));
                if let Some(size) = fitting.filter(|_| index == 0) {
                    held.end = self.end_at(size, now, start);
                }
                // No size up to `level` is faster than `top`, so this bound on the end is safe.
                let too_late = held.end > due && from + held.left.time_at(top.rate) > due;
                if fitting.is_some() && too_late {
                    return false;
                }
            }
            let to = steps.get(index + 1).map_or(SimTime::NEVER, |next| next.0);
            if held.end + MARGIN <= to && held.end != SimTime::NEVER {
                out.close(held.end, held.end + MARGIN);
                let is_exact = out.is_steady() && held.size.is_some_and(|size| self.is_exact(size, start));
                return held.end + if is_exact { SimDuration::ZERO } else { MARGIN } <= due;
            }
        }
        false
    }

    /// Returns the largest size up to `level` that needs no more than `gpus` GPUs.
    fn largest(&self, level: usize, gpus: Gpus) -> Option<&Size> {
        self.sizes[..=level].iter().rev().find(|size| size.gpus <= gpus)
    }

    /// Returns whether the job, from its present state, would complete within a reservation if it
    /// held the GPUs that the reservation states.
    pub(super) fn follows(&self, reservation: &Reservation, now: SimTime) -> bool {
        let mut left = self.left;
        let mut held = self.held;
        for (from, to, gpus) in reservation.spans().filter(|span| span.1 > now) {
            let from = from.max(now);
            let level = self.level(gpus).expect("a reservation holds sizes of its job");
            let size = &self.sizes[level];
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

    /// Fills the job at its minimum satisfactory share: the lowest level at which it completes by
    /// `due` (ElasticFlow, section 4.1). Returns the level. If there is none, returns `None`,
    /// and the content of `out` has no meaning.
    pub(super) fn fill_least(
        &self,
        free: &FreeGpus,
        now: SimTime,
        due: SimTime,
        out: &mut Reservation,
    ) -> Option<usize> {
        (0..self.sizes.len()).find(|level| {
            now + self.left.time_at(self.sizes[*level].rate) <= due
                && self.fill(free, now, *level, Start::Stays, due, out)
        })
    }
}

/// The size that a job holds at the point that filling has reached.
struct HeldSize<'n> {
    /// `None`: no GPUs.
    size: Option<&'n Size>,
    /// The iterations that are left at `working`.
    left: Iterations,
    /// When the restart overhead ends and the work begins.
    working: SimTime,
    /// When the job would complete on this size; [`SimTime::NEVER`] without GPUs.
    end: SimTime,
}

impl<'n> HeldSize<'n> {
    /// Changes the size at `from`, and charges a restart overhead.
    fn change(&mut self, from: SimTime, size: Option<&'n Size>, restart: SimDuration) {
        if let Some(before) = self.size.filter(|_| from > self.working) {
            let done = before.rate * from.since(self.working);
            // The job may be done just before `from`, but too late to keep its GPUs for the margin.
            // Then the work of one margin is carried over to the next step.
            let least = before.rate * MARGIN;
            self.left = if self.left.get() - done.get() > least.get() { self.left - done } else { least };
        }
        self.size = size;
        match size {
            Some(size) => {
                self.working = from + restart;
                self.end = self.working + self.left.time_at(size.rate);
            }
            None => self.end = SimTime::NEVER,
        }
    }
}

#[cfg(test)]
mod tests;
