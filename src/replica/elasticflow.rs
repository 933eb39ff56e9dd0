//! The schedules `ef` and `ef-accessctrl`.

use super::error::ReplicaError;
use super::greedy::apply;
use super::job::INF;
use super::planner::plan;
use super::quirk::{Q3, Q4, Q6};
use super::timeline::GpuTimeline;
use super::world::World;

/// Returns whether a job that ends is late by the measure of `ef-accessctrl`: the exact end of its
/// plan, without the overhead of its last round: a quirk (Q6).
fn is_late_as_planned(world: &World, id: usize) -> bool {
    let job = &world.jobs[id];
    if !world.setup.quirks.has(Q6) {
        return is_late_as_aligned(world, id);
    }
    job.real_end.unwrap_or(job.end) > job.ddl
}

/// Returns whether a job that ends is late by the measure of `ef`: the end of its slot with all
/// overheads, as it is written down (Q6).
fn is_late_as_aligned(world: &World, id: usize) -> bool {
    world.jobs[id].end > world.jobs[id].ddl
}

impl World {
    /// Plans these jobs in the order of their deadlines on the empty cluster; returns the GPUs that
    /// stay free and the jobs that are late. Every job takes its plan, even in a batch that is then
    /// declined.
    fn estimate(&mut self, ids: &[usize]) -> Result<(GpuTimeline, Vec<usize>), ReplicaError> {
        let order = self.by_deadline(ids.to_vec());
        self.release_all(&order)?;
        let mut free = GpuTimeline::new(self.now, self.setup.gpus);
        let mut late = vec![];
        for id in order {
            let planned = plan(&self.jobs[id], self.now, free, None, self.setup)?;
            if !planned.in_time {
                late.push(id);
            }
            free = apply(&mut self.jobs[id], planned);
        }
        Ok((free, late))
    }

    /// Ends the placed jobs of an event; the artifact ignores the others.
    fn finish_placed(
        &mut self,
        ends: &[usize],
        is_late: fn(&World, usize) -> bool,
    ) -> Result<(), ReplicaError> {
        for id in ends {
            if self.placement.holds(*id) {
                self.finish(*id, is_late(self, *id))?;
            }
        }
        for id in &self.runnable {
            self.jobs[*id].old = self.jobs[*id].end;
        }
        Ok(())
    }

    /// Gives every runnable job the GPUs that its plan has for now.
    fn adopt_plans(&mut self) {
        for id in self.runnable.clone() {
            let job = &mut self.jobs[id];
            job.num_gpu = job.alloc.at(self.now);
            self.events.move_end(id, job.old, job.end);
            job.old = job.end;
        }
    }

    /// Starts the waiting jobs whose plans begin now; returns when the other plans begin, in the
    /// order of the jobs.
    fn start_pending(&mut self) -> Vec<i64> {
        let mut later = vec![];
        for id in self.pending.clone() {
            let first = self.jobs[id].alloc.steps().iter().find(|step| step.1 > 0);
            match first {
                Some((begin, _)) if *begin > self.now => later.push(*begin),
                _ => {
                    self.start(id);
                    self.events.add_end(id, self.jobs[id].end);
                }
            }
        }
        later
    }
}

/// Judges a whole batch of arrivals at once: a quirk (Q3). Returns the GPUs that stay free, unless
/// the last estimate was of other jobs than those that are runnable now.
fn admit(world: &mut World, starts: &[usize]) -> Result<Option<GpuTimeline>, ReplicaError> {
    let together = if world.setup.quirks.has(Q3) { starts.len() } else { 1 };
    let mut left = None;
    for batch in starts.chunks(together.max(1)) {
        left = admit_batch(world, batch)?;
    }
    Ok(left)
}

/// Declines all deadline jobs of a batch if any job would be late, even one that was admitted long
/// ago and is late anyway: a quirk (Q4). Best-effort jobs are admitted either way (Q11).
fn admit_batch(world: &mut World, starts: &[usize]) -> Result<Option<GpuTimeline>, ReplicaError> {
    let excused =
        if world.setup.quirks.has(Q4) { vec![] } else { world.estimate(&world.runnable.clone())?.1 };
    let candidates: Vec<usize> = world.runnable.iter().chain(starts).copied().collect();
    let (free, late) = world.estimate(&candidates)?;
    let in_time = late.iter().all(|id| excused.contains(id));
    let mut all = true;
    for id in starts {
        if in_time || world.jobs[*id].is_best_effort() {
            world.pending.push(*id);
            world.runnable.push(*id);
        } else {
            world.decline(*id);
            all = false;
        }
    }
    Ok(all.then_some(free))
}

/// Runs the schedule `ef-accessctrl` to its end.
pub(super) fn ef_accessctrl(world: &mut World) -> Result<(), ReplicaError> {
    let mut dt = 0;
    while !world.events.is_empty() || !world.pending.is_empty() || !world.running.is_empty() {
        world.progress(dt)?;
        for id in &world.runnable {
            world.jobs[*id].overhead = 0;
        }
        let event = world.events.take(world.now).ok_or(ReplicaError::NothingHappens)?;
        let idle = world.pending.is_empty() && world.running.is_empty();
        if idle && event.start.is_empty() && event.end.is_empty() {
            dt = 0;
            continue;
        }
        world.finish_placed(&event.end, is_late_as_planned)?;
        let left = admit(world, &event.start)?;
        world.runnable = world.by_deadline(world.runnable.clone());
        let free = match left {
            Some(free) => free,
            None => world.estimate(&world.runnable.clone())?.0,
        };
        world.adopt_plans();
        world.start_pending();
        world.greedy(free)?;
        let jobs = &world.jobs;
        world.runnable.sort_by_key(|id| std::cmp::Reverse(jobs[*id].num_gpu));
        let wake = world.runnable.iter().map(|id| world.next_change(*id)).min().unwrap_or(INF);
        world.place_by_size(&world.runnable.clone())?;
        world.note_communicators();
        world.events.sort();
        if world.events.first().is_none_or(|event| wake < event.time) {
            world.events.wake(wake);
        }
        world.charge(&world.runnable.clone());
        dt = world.advance();
    }
    Ok(())
}

/// Runs the schedule `ef` to its end.
pub(super) fn ef(world: &mut World) -> Result<(), ReplicaError> {
    let mut dt = 0;
    while !world.events.is_empty() || !world.pending.is_empty() || !world.running.is_empty() {
        world.progress(dt)?;
        for id in &world.runnable {
            world.jobs[*id].overhead = 0;
        }
        let event = world.events.find(world.now).ok_or(ReplicaError::NothingHappens)?.clone();
        world.finish_placed(&event.end, is_late_as_aligned)?;
        world.pending.extend(&event.start);
        world.runnable.extend(&event.start);
        world.runnable = world.by_deadline(world.runnable.clone());
        let (free, _) = world.estimate(&world.runnable.clone())?;
        world.adopt_plans();
        world.events.take(world.now);
        for begin in world.start_pending() {
            world.events.wake(begin);
        }
        world.greedy(free)?;
        for id in world.running.clone() {
            let change = world.next_change(id);
            if change < INF {
                world.events.wake(change);
            }
        }
        world.place_by_size(&world.running.clone())?;
        world.note_communicators();
        world.charge(&world.running.clone());
        dt = world.advance();
    }
    Ok(())
}
