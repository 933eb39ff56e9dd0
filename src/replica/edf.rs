//! The schedules `edf` and `edf-accessctrl`.

use super::error::ReplicaError;
use super::job::{ReplicaJob, column_below};
use super::quirk::{Q4, Q10, Q12, Q14};
use super::setup::ReplicaSetup;
use super::timeline::{GpuTimeline, align, ceil_sum};
use super::world::World;

/// EDF's plan for one job. Times are in seconds.
pub(super) struct EdfPlan {
    /// The GPUs of the job over time.
    alloc: GpuTimeline,
    /// The exact end, rounded up to a second.
    pub(super) end: i64,
    /// Whether the job ends by its deadline.
    in_time: bool,
}

/// Writes the end of a job as a key of the free GPUs. The artifact aligns the end to the slot;
/// where that is a key already, the value of the key is lost: a quirk (Q12).
fn write_end(free: &mut GpuTimeline, now: i64, end: i64, value: i64, setup: ReplicaSetup) {
    let key = if setup.quirks.has(Q12) { align(now, end, setup.slot) } else { end };
    free.set(key, value);
}

/// Plans one job on the free GPUs and takes these away from `free`.
///
/// The job gets all its GPUs wherever that many are free, even past the peak of its curve: a quirk
/// (Q13). After the last key the whole cluster counts as free.
///
/// # Errors
///
/// If the profiles have no speed for the GPUs that the job would get.
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
            // `available` is positive only at a key, and that key is the one before.
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
    /// Plans these jobs in the order of their deadlines on the empty cluster.
    fn edf_all(&self, ids: &[usize]) -> Result<EdfPlans, ReplicaError> {
        let mut free = GpuTimeline::new(self.now, self.setup.gpus);
        let mut plans = EdfPlans(vec![]);
        for id in self.by_deadline(ids.to_vec()) {
            plans.0.push((id, plan(&self.jobs[id], self.now, &mut free, self.setup)?));
        }
        plans.0.sort_by_key(|plan| plan.0);
        Ok(plans)
    }

    /// Gives a job its plan, which it takes out of `plans`, and the GPUs that the plan has for now;
    /// returns the planned end.
    fn adopt(&mut self, id: usize, plans: &mut EdfPlans) -> i64 {
        let place = plans.0.binary_search_by_key(&id, |plan| plan.0);
        let plan = &mut plans.0[place.expect("a round plans every runnable job")].1;
        let job = &mut self.jobs[id];
        job.alloc = std::mem::take(&mut plan.alloc);
        job.num_gpu = job.alloc.at(self.now);
        plan.end
    }

    /// Moves the clock to the first event; returns the jobs that arrive and those that end there.
    fn begin_round(&mut self) -> Result<(Vec<usize>, Vec<usize>), ReplicaError> {
        let event = self.events.first().ok_or(ReplicaError::NothingHappens)?;
        self.now = event.time;
        Ok((event.start.clone(), event.end.clone()))
    }

    /// Returns whether a job's end, as it is written down, is after its deadline.
    fn is_late(&self, id: usize) -> bool {
        self.jobs[id].end > self.jobs[id].ddl
    }
}

/// The plans of a round, in ascending order of the jobs.
struct EdfPlans(Vec<(usize, EdfPlan)>);

impl EdfPlans {
    /// Returns the jobs that end after their deadlines.
    fn late(&self) -> impl Iterator<Item = usize> {
        self.0.iter().filter(|plan| !plan.1.in_time).map(|plan| plan.0)
    }
}

/// Runs the schedule `edf` to its end. It pays no overhead: a quirk (Q10).
pub(super) fn edf(world: &mut World) -> Result<(), ReplicaError> {
    let mut dt = 0;
    while !world.events.is_empty() || !world.pending.is_empty() {
        world.progress(dt)?;
        let (starts, ends) = world.begin_round()?;
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

/// Runs the schedule `edf-accessctrl` to its end.
pub(super) fn edf_accessctrl(world: &mut World) -> Result<(), ReplicaError> {
    let mut dt = 0;
    while !world.events.is_empty() || !world.pending.is_empty() {
        world.progress(dt)?;
        let (starts, ends) = world.begin_round()?;
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
            plan_anew(world)?;
        }
        world.note_communicators();
        world.events.pop();
        world.charge(&world.running.clone());
        dt = world.advance();
    }
    Ok(())
}

/// Admits a job if every job is in time with it (Q4), and applies the plans at once; returns
/// whether it admits. A best-effort job is declined like any other: a quirk (Q14).
fn admit(world: &mut World, id: usize) -> Result<bool, ReplicaError> {
    let quirks = world.setup.quirks;
    let excused: Vec<usize> =
        if quirks.has(Q4) { vec![] } else { world.edf_all(&world.runnable)?.late().collect() };
    let mut candidates = world.runnable.clone();
    candidates.push(id);
    let mut plans = world.edf_all(&candidates)?;
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

/// Plans the runnable jobs anew in a round that admits none. A job that is left without GPUs keeps
/// the event of its former end: a quirk (Q15).
fn plan_anew(world: &mut World) -> Result<(), ReplicaError> {
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
