//! Elastic allocation (ElasticFlow, section 4.2): hands out the GPUs that reservations leave free
//! now, one size step at a time, where the return is best.
//!
//! A step completes a job sooner and, under the measured speeds, nearly always costs GPU-time. Its
//! price is the GPU-time lost for each second saved, times the square root of the GPU-time that the
//! job then still takes: of two steps that lose the same for a second, the shorter job's is
//! cheaper. docs/policies/elasticflow.md compares this price with others.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::units::{GpuTime, Gpus, SimTime};

use super::best_effort::BestEffortJobs;
use super::filling::{Needs, Start};
use super::reservation_set::ReservationSet;
use crate::scheduler::View;

/// A job that may take a step, by its place among its kind. The order breaks ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Taker {
    Deadline(usize),
    BestEffort(usize),
}

/// A step of a job to one of its sizes.
#[derive(Clone, Copy, Debug)]
struct SizeStep {
    price: f64,
    taker: Taker,
    level: usize,
}

impl SizeStep {
    fn key(&self) -> (Taker, usize) {
        (self.taker, self.level)
    }
}

impl PartialEq for SizeStep {
    fn eq(&self, other: &SizeStep) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for SizeStep {}

impl PartialOrd for SizeStep {
    fn partial_cmp(&self, other: &SizeStep) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SizeStep {
    fn cmp(&self, other: &SizeStep) -> Ordering {
        self.price.total_cmp(&other.price).then_with(|| self.key().cmp(&other.key()))
    }
}

/// What a job has without the step.
struct Allocation {
    gpus: Gpus,
    /// When the job completes.
    end: SimTime,
    /// The GPU-time until then.
    gpu_time: GpuTime,
}

/// Hands out what is free now until nothing is left or no job gets faster.
///
/// The first GPUs of every best-effort job come before additional GPUs of any job. After that the
/// cheapest step goes first; at equal prices deadline jobs before best-effort jobs, each in their
/// order, and smaller sizes first. Takes time n log n in the number of steps.
pub(crate) fn hand_out(view: &View<'_>, reservations: &mut ReservationSet, best_effort: &mut BestEffortJobs) {
    let mut spare = best_effort.take_smallest(reservations.free_now());
    if spare.is_zero() {
        return;
    }
    let mut takers = Takers { now: view.now(), reservations, best_effort };
    let mut steps = takers.first_steps();
    while let Some(Reverse(step)) = steps.pop() {
        let more = takers.size(step) - takers.allocation(step.taker).gpus;
        if more > spare {
            // Spare GPUs only become fewer, and the job's larger sizes need more.
            continue;
        }
        if takers.take(step) {
            spare -= more;
            if spare.is_zero() {
                return;
            }
        }
        steps.extend(takers.next_step(step.taker, Some(step.level)).map(Reverse));
    }
}

/// All jobs that may take a step.
struct Takers<'j> {
    now: SimTime,
    reservations: &'j mut ReservationSet,
    best_effort: &'j mut BestEffortJobs,
}

impl Takers<'_> {
    /// Returns the first step of every job that has one, the cheapest on top.
    fn first_steps(&self) -> BinaryHeap<Reverse<SizeStep>> {
        let deadline = (0..self.reservations.jobs.len()).map(Taker::Deadline);
        let best_effort = (0..self.best_effort.jobs.len()).map(Taker::BestEffort);
        deadline.chain(best_effort).filter_map(|taker| self.next_step(taker, None).map(Reverse)).collect()
    }

    fn needs(&self, taker: Taker) -> &Needs {
        match taker {
            Taker::Deadline(place) => &self.reservations.jobs[place].needs,
            Taker::BestEffort(place) => &self.best_effort.jobs[place].needs,
        }
    }

    /// Returns the GPUs after a step.
    fn size(&self, step: SizeStep) -> Gpus {
        self.needs(step.taker).sizes[step.level].gpus
    }

    fn allocation(&self, taker: Taker) -> Allocation {
        match taker {
            Taker::Deadline(place) => {
                let reservation = &self.reservations.jobs[place].reservation;
                let (gpus, end) = (reservation.gpus_at(self.now), reservation.end());
                Allocation { gpus, end, gpu_time: reservation.gpu_time(self.now) }
            }
            Taker::BestEffort(place) => {
                let job = &self.best_effort.jobs[place];
                let size = job.needs.level(job.gpus).map(|level| &job.needs.sizes[level]);
                let end = size.map_or(SimTime::NEVER, |size| job.needs.end_at(size, self.now, Start::Stays));
                Allocation { gpus: job.gpus, end, gpu_time: job.gpus * end.since(self.now) }
            }
        }
    }

    /// Takes a step, and returns whether that was possible.
    fn take(&mut self, step: SizeStep) -> bool {
        let gpus = self.size(step);
        match step.taker {
            Taker::BestEffort(place) => {
                self.best_effort.jobs[place].gpus = gpus;
                true
            }
            // The price supposes that the job can hold the size to its completion; reservations of
            // other jobs may not let it.
            Taker::Deadline(place) => {
                let now = self.now;
                self.reservations.replace(place, now, step.level, Start::Stays, |old, new| {
                    new.end() < old.end() && new.gpus_at(now) == gpus
                })
            }
        }
    }

    /// Returns the next larger size after level `tried` (`None`: after what the job has) that
    /// completes the job sooner, with its price.
    fn next_step(&self, taker: Taker, tried: Option<usize>) -> Option<SizeStep> {
        let needs = self.needs(taker);
        let present = self.allocation(taker);
        // A job without GPUs has no level, and begins with the smallest size.
        let from = tried.or_else(|| needs.level(present.gpus)).map_or(0, |level| level + 1);
        (from..needs.sizes.len()).find_map(|level| {
            let size = &needs.sizes[level];
            let end = needs.end_at(size, self.now, Start::Stays);
            if end >= present.end {
                return None;
            }
            let gpu_time = (size.gpus * end.since(self.now)).as_secs_f64();
            let lost = gpu_time - present.gpu_time.as_secs_f64();
            let price = lost / present.end.since(end).as_secs_f64() * gpu_time.sqrt();
            Some(SizeStep { price, taker, level })
        })
    }
}
