//! Elastic allocation (ElasticFlow, section 4.2): the GPUs that the guarantees leave free now go,
//! one size step at a time, where the return is best.
//!
//! A step makes a job end sooner and, under the measured speeds, nearly always costs GPU-time. Its
//! price is the GPU-time lost for each second saved, times the square root of the GPU-time that the
//! job then still takes: among equal bargains the shorter job goes first. METHODOLOGY.md compares
//! this with other prices.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::units::{GpuTime, Gpus, SimTime};

use super::View;
use super::best_effort::BestEffort;
use super::reservation::{Needs, Start};
use super::reservations::Reservations;

/// Who may take a step; the order breaks ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Taker {
    Member(usize),
    BestEffort(usize),
}

/// A step of a job to one of its sizes.
#[derive(Clone, Copy, Debug)]
struct Step {
    price: f64,
    taker: Taker,
    level: usize,
}

impl Step {
    fn key(&self) -> (Taker, usize) {
        (self.taker, self.level)
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Step) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Step {}

impl PartialOrd for Step {
    fn partial_cmp(&self, other: &Step) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Step {
    fn cmp(&self, other: &Step) -> Ordering {
        self.price.total_cmp(&other.price).then_with(|| self.key().cmp(&other.key()))
    }
}

/// What a job has without the step.
struct Present {
    gpus: Gpus,
    end: SimTime,
    gpu_time: GpuTime,
}

/// Hands out what is free now until nothing is left or nobody gets faster. A best-effort job's
/// first GPUs come before anybody's additional ones.
pub(super) fn hand_out(view: &View<'_>, reservations: &mut Reservations, best_effort: &mut BestEffort) {
    let now = view.now();
    let mut spare = reservations.free.now();
    for job in &mut best_effort.jobs {
        let first = job.needs.sizes[0].gpus;
        if first <= spare {
            spare -= first;
            job.gpus = first;
        }
    }
    if spare.is_zero() {
        return;
    }
    let members = (0..reservations.members.len()).map(Taker::Member);
    let others = (0..best_effort.jobs.len()).map(Taker::BestEffort);
    let mut steps: BinaryHeap<Reverse<Step>> = members
        .chain(others)
        .filter_map(|taker| next_step(reservations, best_effort, taker, now, None).map(Reverse))
        .collect();
    while let Some(Reverse(step)) = steps.pop() {
        let present = present(reservations, best_effort, step.taker, now);
        let gpus = size(reservations, best_effort, step);
        if gpus - present.gpus > spare {
            // What is spare only shrinks, and the larger sizes need more.
            continue;
        }
        let taken = match step.taker {
            Taker::BestEffort(place) => {
                best_effort.jobs[place].gpus = gpus;
                true
            }
            // The price supposed that the size can be held to the end; what others have reserved
            // may not let it.
            Taker::Member(place) => reservations.replace(place, now, step.level, Start::Stays, |old, new| {
                new.end() < old.end() && new.at(now) == gpus
            }),
        };
        if taken {
            spare -= gpus - present.gpus;
            if spare.is_zero() {
                return;
            }
        }
        steps.extend(next_step(reservations, best_effort, step.taker, now, Some(step.level)).map(Reverse));
    }
}

fn needs<'a>(reservations: &'a Reservations, best_effort: &'a BestEffort, taker: Taker) -> &'a Needs {
    match taker {
        Taker::Member(place) => &reservations.members[place].needs,
        Taker::BestEffort(place) => &best_effort.jobs[place].needs,
    }
}

fn size(reservations: &Reservations, best_effort: &BestEffort, step: Step) -> Gpus {
    needs(reservations, best_effort, step.taker).sizes[step.level].gpus
}

fn present(reservations: &Reservations, best_effort: &BestEffort, taker: Taker, now: SimTime) -> Present {
    match taker {
        Taker::Member(place) => {
            let reservation = &reservations.members[place].reservation;
            Present { gpus: reservation.at(now), end: reservation.end(), gpu_time: reservation.gpu_time(now) }
        }
        Taker::BestEffort(place) => {
            let job = &best_effort.jobs[place];
            let size = job.needs.level(job.gpus).map(|level| &job.needs.sizes[level]);
            let end = size.map_or(SimTime::NEVER, |size| job.needs.end_at(size, now, Start::Stays));
            Present { gpus: job.gpus, end, gpu_time: job.gpus * end.since(now) }
        }
    }
}

/// The next larger size after `tried` that makes a job faster, with its price.
fn next_step(
    reservations: &Reservations,
    best_effort: &BestEffort,
    taker: Taker,
    now: SimTime,
    tried: Option<usize>,
) -> Option<Step> {
    let needs = needs(reservations, best_effort, taker);
    let present = present(reservations, best_effort, taker, now);
    let from = tried.or_else(|| needs.level(present.gpus)).map_or(0, |level| level + 1);
    (from..needs.sizes.len()).find_map(|level| {
        let size = &needs.sizes[level];
        let end = needs.end_at(size, now, Start::Stays);
        if end >= present.end {
            return None;
        }
        let gpu_time = (size.gpus * end.since(now)).as_secs_f64();
        let lost = gpu_time - present.gpu_time.as_secs_f64();
        let price = lost / present.end.since(end).as_secs_f64() * gpu_time.sqrt();
        Some(Step { price, taker, level })
    })
}
