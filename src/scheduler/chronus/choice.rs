//! Which accepted jobs run in the lease that begins: the decision that Chronus leaves to an integer
//! program, by exchanges instead.
//!
//! Every accepted job must find its leases in time. Beyond that, the program only chooses which of
//! the jobs run now: on as many GPUs as possible, or on as few. Packing from the end leaves in the
//! first lease the jobs for which no later one has room. From there, bringing one lease of another
//! job forward only frees a later one, so every job that fits may be added.

use std::cmp::Reverse;

use super::leases::{Demand, Leases, Packed};

/// On how many GPUs guaranteed jobs are to run now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Objective {
    /// On as many as possible.
    Most,
    /// On as few as possible, so that other jobs can run.
    Least,
}

/// Improves a packing from lease `now` on by exchanges. Every demand stays met.
pub(super) fn improve(objective: Objective, demands: &[Demand], now: u64, packed: &mut Packed) {
    match objective {
        Objective::Most => bring_forward(demands, now, packed),
        Objective::Least => put_off(demands, now, packed),
    }
}

/// Gives job `index` leases that meet another demand of the same width, if its own leases and what
/// is free have some. Returns whether they have.
pub(super) fn raise(packed: &mut Packed, index: usize, demand: Demand, now: u64) -> bool {
    packed.free.give(&packed.leases[index], demand.width);
    let found = packed.free.latest(demand, now);
    let raised = found.is_some();
    if let Some(leases) = found {
        packed.leases[index] = leases;
    }
    packed.free.take(&packed.leases[index], demand.width);
    raised
}

/// Adds the jobs that fit to lease `now`, wide ones first, then those with the least slack. Each
/// gives up its next later lease.
fn bring_forward(demands: &[Demand], now: u64, packed: &mut Packed) {
    let mut others: Vec<usize> = (0..demands.len())
        .filter(|index| demands[*index].need > 0 && !packed.leases[*index].contains(now))
        .collect();
    others.sort_by_key(|index| {
        let Demand { width, need, until } = demands[*index];
        (Reverse(width), until - now - need, *index)
    });
    for index in others {
        let width = demands[index].width;
        if packed.free.gpus_in(now) >= width {
            let leases = &mut packed.leases[index];
            packed.free.give(leases, width);
            leases.bring_forward(now);
            packed.free.take(leases, width);
        }
    }
}

/// Moves jobs out of lease `now`, wide ones first: each into a later lease with room, or into one
/// where a narrower job makes room by moving to another lease.
fn put_off(demands: &[Demand], now: u64, packed: &mut Packed) {
    let mut first: Vec<usize> = (0..demands.len())
        .filter(|index| {
            packed.leases[*index].contains(now) && demands[*index].until - now > demands[*index].need
        })
        .collect();
    first.sort_by_key(|index| (Reverse(demands[*index].width), *index));
    for index in first {
        let Demand { width, until, .. } = demands[index];
        let own = &packed.leases[index];
        if let Some(free) = latest_free(packed, own, now, until, width) {
            exchange(demands, packed, index, now, free);
        } else if let Some((other, lease, to)) = make_room(demands, packed, index, now) {
            exchange(demands, packed, other, lease, to);
            exchange(demands, packed, index, now, lease);
        }
    }
}

/// Moves a job from one lease to another, which has room.
fn exchange(demands: &[Demand], packed: &mut Packed, index: usize, old: u64, new: u64) {
    let width = demands[index].width;
    packed.free.give(&packed.leases[index], width);
    packed.leases[index].swap(old, new);
    packed.free.take(&packed.leases[index], width);
}

/// Returns the latest lease after `now` and before `until` that a job does not have and where
/// `width` GPUs are free.
fn latest_free(packed: &Packed, own: &Leases, now: u64, until: u64, width: u32) -> Option<u64> {
    let steps = packed.free.steps();
    let ends = steps.iter().skip(1).map(|step| step.0).chain([u64::MAX]);
    let mut found = None;
    for (step, end) in steps.iter().zip(ends) {
        if step.1 >= width {
            found = latest_without(own, step.0.max(now + 1), end.min(until)).or(found);
        }
    }
    found
}

/// Returns the latest lease in `[from, to)` that is not among `own`.
fn latest_without(own: &Leases, from: u64, to: u64) -> Option<u64> {
    let mut to = to;
    for (begin, end) in own.runs().iter().rev() {
        if *end < to {
            break;
        }
        to = to.min(*begin);
    }
    (from < to).then(|| to - 1)
}

/// Finds a narrower job that can make room for job `index`: returns the job, the lease that it
/// leaves, and the lease that it moves to.
fn make_room(demands: &[Demand], packed: &Packed, index: usize, now: u64) -> Option<(usize, u64, u64)> {
    let Demand { width, until, .. } = demands[index];
    let steps = packed.free.steps();
    let ends = steps.iter().skip(1).map(|step| step.0).chain([u64::MAX]);
    for ((begin, free), end) in steps.iter().zip(ends).collect::<Vec<_>>().into_iter().rev() {
        let Some(lease) = latest_without(&packed.leases[index], (*begin).max(now + 1), end.min(until)) else {
            continue;
        };
        for (other, demand) in demands.iter().enumerate() {
            let leaves = other != index && demand.width < width && free + demand.width >= width;
            if !leaves || !packed.leases[other].contains(lease) {
                continue;
            }
            let leases = &packed.leases[other];
            if let Some(to) = latest_free(packed, leases, now, demand.until, demand.width) {
                return Some((other, lease, to));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::leases::{FreeLeases, pack};
    use super::*;

    fn demand(width: u32, need: u64, until: u64) -> Demand {
        Demand { width, need, until }
    }

    fn now(objective: Objective, gpus: u32, demands: &[Demand]) -> Vec<usize> {
        let mut packed = pack(demands, 0, FreeLeases::new(0, gpus)).unwrap();
        improve(objective, demands, 0, &mut packed);
        check(demands, gpus, &packed);
        (0..demands.len()).filter(|index| packed.leases[*index].contains(0)).collect()
    }

    fn check(demands: &[Demand], gpus: u32, packed: &Packed) {
        let horizon = demands.iter().map(|demand| demand.until).max().unwrap_or(0);
        for (demand, leases) in demands.iter().zip(&packed.leases) {
            assert_eq!(leases.count(), demand.need);
            assert!(leases.runs().iter().all(|run| run.1 <= demand.until));
        }
        for lease in 0..horizon {
            let taken = demands.iter().zip(&packed.leases).filter(|(_, leases)| leases.contains(lease));
            let taken: u32 = taken.map(|(demand, _)| demand.width).sum();
            assert_eq!(packed.free.gpus_in(lease) + taken, gpus);
        }
    }

    /// On 8 GPUs job 0 has to run now. Of the others, job 1 fills the cluster, and jobs 2 and 3 do
    /// not fit beside it.
    #[test]
    fn as_many_as_fit_or_as_few_as_must() {
        let demands = [demand(4, 3, 3), demand(4, 2, 9), demand(2, 4, 9), demand(2, 1, 4)];
        assert_eq!(now(Objective::Most, 8, &demands), [0, 1]);
        assert_eq!(now(Objective::Least, 8, &demands), [0]);
    }

    /// 3 GPUs, leases 0 to 3. The job on 2 GPUs fills leases 2 and 3, so the tight job on 1 GPU is
    /// packed into 0 and 1, and the third one, which needs 4 leases, into all. Neither can be put
    /// off.
    #[test]
    fn a_job_without_slack_is_not_put_off() {
        let demands = [demand(2, 2, 4), demand(1, 2, 2), demand(1, 4, 4)];
        assert_eq!(now(Objective::Least, 3, &demands), [1, 2]);
    }

    /// 3 GPUs, leases 0 to 2. The wide job has slack, but narrow jobs fill the lease that it could
    /// move to, until one of them makes room.
    #[test]
    fn a_narrow_job_makes_room() {
        let demands = [demand(2, 1, 2), demand(1, 1, 3), demand(1, 1, 2), demand(1, 1, 2)];
        let mut packed = pack(&demands, 0, FreeLeases::new(0, 3)).unwrap();
        // Put by hand, as no packing would: the wide job into lease 0, the narrow ones into lease
        // 1.
        for (index, lease) in [(0, 0), (1, 1), (2, 1), (3, 1)] {
            packed.free.give(&packed.leases[index], demands[index].width);
            let old = packed.leases[index].runs()[0].0;
            packed.leases[index].swap(old, lease);
            packed.free.take(&packed.leases[index], demands[index].width);
        }
        // Two of them would have to leave lease 1, and only one can move to lease 2.
        improve(Objective::Least, &demands, 0, &mut packed);
        assert!(packed.leases[0].contains(0));
        // On 4 GPUs one is free there, and the narrow job that has slack moves.
        let mut packed = Packed { free: FreeLeases::new(0, 4), ..packed };
        (0..4).for_each(|index| packed.free.take(&packed.leases[index], demands[index].width));
        improve(Objective::Least, &demands, 0, &mut packed);
        check(&demands, 4, &packed);
        assert!(packed.leases[0].contains(1) && packed.leases[1].contains(2));
    }
}
