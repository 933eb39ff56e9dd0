//! Elastic allocation (ElasticFlow, section 4.2): hands out the GPUs that no reservation holds now,
//! one step at a time. A step gives a job its next larger size. The cheapest step goes first.
//!
//! A step makes a job complete sooner. At the measured speeds, it also nearly always makes the job
//! use more GPU-time in total. The price of a step is the GPU-time lost for each second saved,
//! times the square root of the GPU-time that the job needs with the step. So, if two steps lose
//! the same for each second, the step of the shorter job is cheaper. docs/policies/elasticflow.md
//! compares this price with others.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::units::{GpuTime, Gpus, SimTime};

use super::best_effort::BestEffortJobs;
use super::filling::{Needs, Start};
use super::reservation_set::ReservationSet;
use crate::scheduler::View;

/// A job that may take a step, by its place among the jobs of its class. The order of takers breaks
/// ties between steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Taker {
    Deadline(usize),
    BestEffort(usize),
}

/// A step of a job to a larger size.
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

/// What a job has before a step.
struct Allocation {
    gpus: Gpus,
    /// When the job completes.
    end: SimTime,
    /// The GPU-time that the job uses from now until it completes.
    gpu_time: GpuTime,
}

/// Hands out the GPUs that are free now, until none is left or no step makes a job complete sooner.
///
/// First, every best-effort job gets its smallest size. Then the cheapest step goes first. At equal
/// prices, deadline jobs come before best-effort jobs, each class in its own order, and smaller
/// sizes come first. Takes time n log n in the number of steps.
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
            // The spare GPUs only become fewer, and larger sizes of this job need even more.
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

    /// Returns the GPUs that the job of a step holds after it.
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
            // The price assumes that the job can hold the size until it completes. Reservations of
            // other jobs may prevent that, so the job is filled to find out.
            Taker::Deadline(place) => {
                let now = self.now;
                self.reservations.replace(place, now, step.level, Start::Stays, |old, new| {
                    new.end() < old.end() && new.gpus_at(now) == gpus
                })
            }
        }
    }

    /// Returns the step of a job to its next larger size with which it would complete sooner, with
    /// the price. Sizes up to level `tried` are passed over; if it is `None`, sizes up to the count
    /// that the job has.
    fn next_step(&self, taker: Taker, tried: Option<usize>) -> Option<SizeStep> {
        let needs = self.needs(taker);
        let present = self.allocation(taker);
        // A job without GPUs has no level, so it begins with its smallest size.
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
