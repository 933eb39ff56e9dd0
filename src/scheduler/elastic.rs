//! Elastic allocation (ElasticFlow, section 4.2): the GPUs that the guarantees leave free now go, one size step at a time,
//! where the return is best.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::units::{Gpus, SimTime};

use super::View;
use super::best_effort::BestEffort;
use super::guarantee::Guarantee;
use super::reservation::{Needs, Start};

/// Who may take a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Taker {
    Member(usize),
    BestEffort(usize),
}

/// Hands out what is free now until nothing is left or nobody gets faster.
pub(super) fn hand_out(view: &View<'_>, guarantee: &mut Guarantee, best_effort: &mut BestEffort) {
    let now = view.now();
    let mut spare = guarantee.free.now();
    for job in &mut best_effort.jobs {
        let first = job.needs.sizes[0].gpus;
        if first <= spare {
            spare -= first;
            job.gpus = first;
        }
    }
    let mut heap = BinaryHeap::new();
    for place in 0..guarantee.members.len() {
        let have = guarantee.members[place].reservation.at(now);
        if let Some((loss, level)) = member_step(guarantee, place, now, have) {
            heap.push(Reverse((loss, Taker::Member(place), level)));
        }
    }
    for (place, job) in best_effort.jobs.iter().enumerate() {
        if let Some((loss, level)) = best_effort_step(&job.needs, now, job.gpus) {
            heap.push(Reverse((loss, Taker::BestEffort(place), level)));
        }
    }
    while let Some(Reverse((_, taker, level))) = heap.pop() {
        if spare.is_zero() {
            break;
        }
        match taker {
            Taker::Member(place) => {
                let have = guarantee.members[place].reservation.at(now);
                let want = guarantee.members[place].needs.sizes[level].gpus;
                if want - have > spare {
                    continue;
                }
                let faster = |old: &super::reservation::Reservation,
                              new: &super::reservation::Reservation| {
                    new.end() < old.end() && new.at(now) == want
                };
                if guarantee.replace(place, now, level, Start::Stays, faster) {
                    spare -= want - have;
                    if let Some((loss, level)) = member_step(guarantee, place, now, want) {
                        heap.push(Reverse((loss, taker, level)));
                    }
                } else if let Some((loss, next)) = step_from(guarantee, place, now, have, level + 1) {
                    heap.push(Reverse((loss, taker, next)));
                }
            }
            Taker::BestEffort(place) => {
                let job = &mut best_effort.jobs[place];
                let want = job.needs.sizes[level].gpus;
                if want - job.gpus > spare {
                    continue;
                }
                spare -= want - job.gpus;
                job.gpus = want;
                if let Some((loss, level)) = best_effort_step(&job.needs, now, want) {
                    heap.push(Reverse((loss, taker, level)));
                }
            }
        }
    }
}

fn member_step(guarantee: &Guarantee, place: usize, now: SimTime, have: Gpus) -> Option<(i64, usize)> {
    let from = guarantee.members[place].needs.level(have).map_or(0, |level| level + 1);
    step_from(guarantee, place, now, have, from)
}

/// GPU-time lost for each GPU added, of the step to a level, as if it could be held to the end.
fn step_from(
    guarantee: &Guarantee,
    place: usize,
    now: SimTime,
    have: Gpus,
    level: usize,
) -> Option<(i64, usize)> {
    let member = &guarantee.members[place];
    let size = member.needs.sizes.get(level)?;
    let end = member.needs.end_at(size, now, Start::Stays);
    if end >= member.reservation.end() {
        return step_from(guarantee, place, now, have, level + 1);
    }
    let before = member.reservation.gpu_time(now).as_micros() as i64;
    let after = (size.gpus * end.since(now)).as_micros() as i64;
    Some(((after - before) / i64::from((size.gpus - have).get()), level))
}

fn best_effort_step(needs: &Needs, now: SimTime, have: Gpus) -> Option<(i64, usize)> {
    let from = needs.level(have).map_or(0, |level| level + 1);
    let cost = |level: usize| {
        let size = &needs.sizes[level];
        let end = needs.end_at(size, now, Start::Stays);
        (end, (size.gpus * end.since(now)).as_micros() as i64)
    };
    let (end, before) = if from == 0 { (SimTime::NEVER, i64::MAX / 2) } else { cost(from - 1) };
    (from..needs.sizes.len()).find_map(|level| {
        let (sooner, after) = cost(level);
        let more = i64::from((needs.sizes[level].gpus - have).get());
        (sooner < end).then(|| ((after - before) / more, level))
    })
}
