//! The schedules `ef` and `ef-accessctrl`.

use super::Refused;
use super::greedy::apply;
use super::job::INF;
use super::planner::plan;
use super::timeline::Timeline;
use super::world::World;

/// Whether a job that ends is late: judged by the exact end of its plan, without the overhead of its last round: an
/// accident (Q6).
fn is_late_as_planned(world: &World, id: usize) -> bool {
    let job = &world.jobs[id];
    job.real_end.unwrap_or(job.end) > job.ddl
}

/// Whether a job that ends is late: judged by the end of its slot with all overheads, another measure than that of
/// `ef-accessctrl`: an accident (Q6).
fn is_late_as_aligned(world: &World, id: usize) -> bool {
    world.jobs[id].end > world.jobs[id].ddl
}

impl World {
    /// Plans these jobs by deadline on the empty cluster. Gives what is left free, and whether all are in time. Every job
    /// takes the plan, also where a batch is then refused.
    fn estimate(&mut self, ids: &[usize]) -> Result<(Timeline, bool), Refused> {
        let order = self.by_deadline(ids.to_vec());
        self.release_all(&order)?;
        let mut free = Timeline::new(self.now, self.grid.gpus);
        let mut in_time = true;
        for id in order {
            let planned = plan(&self.jobs[id], self.now, &free, None, self.grid)?;
            in_time &= planned.in_time;
            free = apply(&mut self.jobs[id], planned);
        }
        Ok((free, in_time))
    }

    /// The placed jobs of an event end; an unplaced one's event is ignored.
    fn finish_placed(&mut self, ends: &[usize], is_late: fn(&World, usize) -> bool) -> Result<(), Refused> {
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

    /// Gives every runnable job the GPUs that its plan says for now.
    fn adopt_plans(&mut self) {
        for id in self.runnable.clone() {
            let job = &mut self.jobs[id];
            job.num_gpu = job.alloc.at(self.now);
            self.events.move_end(id, job);
            job.old = job.end;
        }
    }

    /// Starts the waiting jobs whose plans begin now; gives when the other plans begin.
    fn start_pending(&mut self) -> Vec<i64> {
        let mut later = vec![];
        for id in self.pending.clone() {
            let first = self.jobs[id].alloc.steps().iter().find(|step| step.1 > 0);
            match first {
                Some((begin, _)) if *begin > self.now => later.push(*begin),
                _ => {
                    self.start(id);
                    self.events.add_end(id, &self.jobs[id]);
                }
            }
        }
        later
    }
}

/// Judges a whole batch of arrivals at once: if anybody would be late, all of its deadline jobs are refused (Q3), also where
/// who is late was admitted long ago (Q4). Best-effort jobs stay either way (Q11).
fn admit(world: &mut World, starts: &[usize]) -> Result<(), Refused> {
    let everybody: Vec<usize> = world.runnable.iter().chain(starts).copied().collect();
    let (_, in_time) = world.estimate(&everybody)?;
    for id in starts {
        if in_time || world.jobs[*id].is_best_effort() {
            world.pending.push(*id);
            world.runnable.push(*id);
        } else {
            world.replayed.declined += 1;
        }
    }
    Ok(())
}

/// The schedule `ef-accessctrl`.
pub(super) fn ef_accessctrl(world: &mut World) -> Result<(), Refused> {
    let mut dt = 0;
    while !world.events.is_empty() || !world.pending.is_empty() || !world.running.is_empty() {
        world.progress(dt)?;
        for id in &world.runnable {
            world.jobs[*id].overhead = 0;
        }
        let event = world.events.take(world.now).ok_or(Refused::NothingHappens)?;
        let idle = world.pending.is_empty() && world.running.is_empty();
        if idle && event.start.is_empty() && event.end.is_empty() {
            dt = 0;
            continue;
        }
        world.finish_placed(&event.end, is_late_as_planned)?;
        if !event.start.is_empty() {
            admit(world, &event.start)?;
        }
        world.runnable = world.by_deadline(world.runnable.clone());
        let (free, _) = world.estimate(&world.runnable.clone())?;
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

/// The schedule `ef`.
pub(super) fn ef(world: &mut World) -> Result<(), Refused> {
    let mut dt = 0;
    while !world.events.is_empty() || !world.pending.is_empty() || !world.running.is_empty() {
        world.progress(dt)?;
        for id in &world.runnable {
            world.jobs[*id].overhead = 0;
        }
        let event = world.events.find(world.now).ok_or(Refused::NothingHappens)?.clone();
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
