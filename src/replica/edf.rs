//! The schedules `edf` and `edf-accessctrl`.

use super::error::ReplicaError;
use super::job::{ReplicaJob, column_below};
use super::quirk::{Q4, Q10, Q12, Q14};
use super::setup::ReplicaSetup;
use super::timeline::{GpuTimeline, align, ceil_sum};
use super::world::World;

/// What EDF means to do with a job.
pub(super) struct EdfPlan {
    alloc: GpuTimeline,
    pub(super) end: i64,
    in_time: bool,
}

/// Writes the end of a job down as a key of the free GPUs. Aligned, the end can be a key already,
/// whose value is then lost: a quirk (Q12).
fn write_end(free: &mut GpuTimeline, now: i64, end: i64, value: i64, setup: ReplicaSetup) {
    let key = if setup.quirks.has(Q12) { align(now, end, setup.slot) } else { end };
    free.set(key, value);
}

/// Plans one job into what is free and takes that away. It gets all its GPUs where there are as
/// many, past the peak of its curve if need be: a quirk (Q13). After the last key everything is
/// taken to be free.
pub(super) fn plan(
    job: &ReplicaJob,
    now: i64,
    free: &mut GpuTimeline,
    setup: ReplicaSetup,
) -> Result<EdfPlan, ReplicaError> {
    let base = job.max_gpu.min(setup.gpus);
    let mut left = job.left;
    let mut alloc = GpuTimeline::new(now, 0);
    let (mut from, mut available) = (now, free.at(now));
    let mut failed = false;
    for index in free.after(now)..free.steps().len() {
        let (next, then) = free.steps()[index];
        if available >= 1 {
            let gpus = if available >= base { base } else { column_below(available) };
            alloc.push(from, gpus);
            let end = ceil_sum(from, job.seconds(left, gpus)?);
            if next >= end {
                let is_key = free.has(end);
                free.set(from, available - gpus);
                if !is_key {
                    write_end(free, now, end, available, setup);
                }
                free.squash();
                return Ok(EdfPlan { alloc, end, in_time: end <= job.ddl });
            }
            left -= (next - from) as f64 * job.rate(gpus)?;
            // What is free is at least one at a key alone, which is the one before.
            free.add_at(index - 1, -gpus);
        } else {
            alloc.push(from, 0);
        }
        (from, available) = (next, then);
        failed |= from > job.ddl;
    }
    alloc.push(from, base);
    let end = ceil_sum(from, job.seconds(left, base)?);
    free.set(from, setup.gpus - base);
    write_end(free, now, end, setup.gpus, setup);
    free.squash();
    Ok(EdfPlan { alloc, end, in_time: end <= job.ddl && !failed })
}

impl World {
    /// Plans these jobs by deadline on the empty cluster: the plans in the order of the jobs.
    fn edf_all(&self, ids: &[usize]) -> Result<EdfPlans, ReplicaError> {
        let mut free = GpuTimeline::new(self.now, self.setup.gpus);
        let mut plans = EdfPlans(vec![]);
        for id in self.by_deadline(ids.to_vec()) {
            plans.0.push((id, plan(&self.jobs[id], self.now, &mut free, self.setup)?));
        }
        plans.0.sort_by_key(|plan| plan.0);
        Ok(plans)
    }

    /// Gives a job its plan and the GPUs that this says for now. Gives the end that the plan says.
    fn adopt(&mut self, id: usize, plans: &mut EdfPlans) -> i64 {
        let job = &mut self.jobs[id];
        let Ok(place) = plans.0.binary_search_by_key(&id, |plan| plan.0) else { return job.end };
        let plan = &mut plans.0[place].1;
        job.alloc = std::mem::take(&mut plan.alloc);
        job.num_gpu = job.alloc.at(self.now);
        plan.end
    }

    /// The jobs that arrive and end in this round, which is the first event's.
    fn round(&mut self) -> Result<(Vec<usize>, Vec<usize>), ReplicaError> {
        let event = self.events.first().ok_or(ReplicaError::NothingHappens)?;
        self.now = event.time;
        Ok((event.start.clone(), event.end.clone()))
    }

    fn is_late(&self, id: usize) -> bool {
        self.jobs[id].end > self.jobs[id].ddl
    }
}

/// The plans of a round, ascending by job.
struct EdfPlans(Vec<(usize, EdfPlan)>);

impl EdfPlans {
    fn late(&self) -> impl Iterator<Item = usize> {
        self.0.iter().filter(|plan| !plan.1.in_time).map(|plan| plan.0)
    }
}

/// The schedule `edf`. It pays no overhead: a quirk (Q10).
pub(super) fn edf(world: &mut World) -> Result<(), ReplicaError> {
    let mut dt = 0;
    while !world.events.is_empty() || !world.pending.is_empty() {
        world.progress(dt)?;
        let (starts, ends) = world.round()?;
        for id in ends {
            world.finish(id, world.is_late(id))?;
        }
        if starts.is_empty() {
            world.runnable = world.by_deadline(world.runnable.clone());
        }
        world.runnable.extend(&starts);
        world.pending.extend(&starts);
        let mut plans = world.edf_all(&world.runnable)?;
        world.release_all(&world.running.clone())?;
        let mut places = vec![];
        for id in world.runnable.clone() {
            let end = world.adopt(id, &mut plans);
            let job = &mut world.jobs[id];
            job.old = job.end;
            job.end = end;
            let held = job.num_gpu > 0;
            if !job.waits() {
                world.events.move_end(id, job.old, job.end);
            } else if held {
                world.events.add_end(id, job.end);
                world.start(id);
            }
            if held {
                places.push(id);
            }
        }
        places.sort_by_key(|id| std::cmp::Reverse(world.jobs[*id].num_gpu));
        places.into_iter().try_for_each(|id| world.place(id))?;
        world.note_communicators();
        world.events.pop();
        if !world.setup.quirks.has(Q10) {
            world.charge(&world.running.clone());
        }
        dt = world.advance();
    }
    Ok(())
}

/// The schedule `edf-accessctrl`.
pub(super) fn edf_accessctrl(world: &mut World) -> Result<(), ReplicaError> {
    let mut dt = 0;
    while !world.events.is_empty() || !world.pending.is_empty() {
        world.progress(dt)?;
        let (starts, ends) = world.round()?;
        world.release_all(&world.runnable.clone())?;
        for id in ends {
            world.finish(id, world.is_late(id))?;
        }
        for id in &world.runnable {
            world.jobs[*id].old = world.jobs[*id].end;
        }
        let mut admitted = false;
        for id in starts {
            admitted |= admit(world, id)?;
        }
        if admitted {
            for id in world.runnable.clone() {
                if world.jobs[id].num_gpu > 0 {
                    world.place(id)?;
                }
            }
        } else {
            again(world)?;
        }
        world.note_communicators();
        world.events.pop();
        world.charge(&world.running.clone());
        dt = world.advance();
    }
    Ok(())
}

/// Admits a job if with it everybody is in time (Q4), and enacts the plans at once. A best-effort
/// job is refused as any other: a quirk (Q14).
fn admit(world: &mut World, id: usize) -> Result<bool, ReplicaError> {
    let quirks = world.setup.quirks;
    let excused: Vec<usize> =
        if quirks.has(Q4) { vec![] } else { world.edf_all(&world.runnable)?.late().collect() };
    let mut everybody = world.runnable.clone();
    everybody.push(id);
    let mut plans = world.edf_all(&everybody)?;
    let in_time = plans.late().all(|late| excused.contains(&late));
    if !in_time && (quirks.has(Q14) || !world.jobs[id].is_best_effort()) {
        world.decline(id);
        return Ok(false);
    }
    world.runnable.push(id);
    world.pending.push(id);
    for id in world.running.clone() {
        let end = world.adopt(id, &mut plans);
        let job = &mut world.jobs[id];
        job.old = job.end;
        job.end = end;
        world.events.move_end(id, job.old, job.end);
    }
    for id in world.pending.clone() {
        let end = world.adopt(id, &mut plans);
        let job = &mut world.jobs[id];
        job.end = end;
        if job.num_gpu > 0 {
            world.events.add_end(id, job.end);
            world.start(id);
        }
    }
    Ok(true)
}

/// Plans anew where nobody was admitted. A job that is left without GPUs keeps the event of its
/// former end: a quirk (Q15).
fn again(world: &mut World) -> Result<(), ReplicaError> {
    world.runnable = world.by_deadline(world.runnable.clone());
    let mut plans = world.edf_all(&world.runnable)?;
    for id in world.runnable.clone() {
        let end = world.adopt(id, &mut plans);
        if world.jobs[id].num_gpu == 0 {
            continue;
        }
        world.place(id)?;
        if world.jobs[id].waits() {
            world.start(id);
            world.events.add_end(id, world.jobs[id].end);
        }
        let job = &mut world.jobs[id];
        job.end = end;
        world.events.move_end(id, job.old, job.end);
    }
    Ok(())
}
