//! ElasticFlow's plan for one job in the capacity that the jobs before it leave.

use super::Refused;
use super::accident::{Accidents, Q5};
use super::job::Job;
use super::timeline::{Timeline, align, ceil_sum};

/// What a cluster and its slots come to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// All GPUs.
    pub(super) gpus: i64,
    /// Seconds in a slot.
    pub(super) slot: i64,
    /// What happens by accident.
    pub(super) accidents: Accidents,
}

/// A plan for a job.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) alloc: Timeline,
    /// The end of the slot in which it ends.
    pub(super) end: i64,
    pub(super) real_end: i64,
    /// What is free with it.
    pub(super) free: Timeline,
    pub(super) in_time: bool,
}

/// The capacity of a job that is late or has no deadline ahead of it: all that it can use, be that a column of the profiles
/// or not (Q17).
fn all_it_can_use(job: &Job, grid: Grid) -> i64 {
    grid.gpus.min(job.max_gpu)
}

/// A plan in the making.
struct Draft<'a> {
    job: &'a Job,
    now: i64,
    grid: Grid,
    /// The deadline aligned up.
    due: i64,
    before: &'a Timeline,
    after: Timeline,
    alloc: Timeline,
    left: f64,
    /// From where on it is planned.
    from: i64,
}

/// Plans a job from `now` on; where `forced`, on so many GPUs up to the first change of what is free.
pub(super) fn plan(
    job: &Job,
    now: i64,
    free: &Timeline,
    forced: Option<i64>,
    grid: Grid,
) -> Result<Planned, Refused> {
    let due = align(now, job.ddl, grid.slot);
    let mut after = free.clone();
    if due >= now {
        after.cut(due);
    }
    let alloc = Timeline::new(now, 0);
    let mut draft = Draft { job, now, grid, due, before: free, after, alloc, left: job.left, from: now };
    if let Some(gpus) = forced
        && let Some((end, real_end)) = draft.force(gpus)?
    {
        return Ok(draft.planned(end, real_end));
    }
    match draft.enough()? {
        Ok((level, lower, point)) => draft.commit(level, lower, point),
        Err(top) => draft.late(top, forced),
    }
}

impl Draft<'_> {
    fn planned(self, end: i64, real_end: i64) -> Planned {
        Planned {
            alloc: self.alloc.squashed(),
            end,
            real_end,
            free: self.after.squashed(),
            in_time: real_end <= self.job.ddl,
        }
    }

    /// Seconds from one key to the next; the last of them before the deadline counts up to the deadline itself.
    fn span(&self, from: i64, to: i64) -> f64 {
        let to = if to == self.due { self.job.ddl } else { to };
        (to - from) as f64
    }

    fn take(&mut self, at: i64, gpus: i64) {
        self.alloc.set(at, gpus);
        self.after.set(at, self.after.at(at) - gpus);
    }

    /// Runs on `gpus` GPUs up to the first change; gives the ends if the job is done there, in time.
    fn force(&mut self, gpus: i64) -> Result<Option<(i64, i64)>, Refused> {
        let next = self.before.next(self.now).unwrap_or(self.due);
        let real_end = ceil_sum(self.now, self.job.seconds(self.left, gpus)?);
        let end = align(self.now, real_end, self.grid.slot);
        let free = self.after.at(self.now);
        self.take(self.now, gpus);
        if next >= end && self.job.ddl >= real_end {
            if !self.before.has(end) {
                self.after.set(end, free);
            }
            return Ok(Some((end, real_end)));
        }
        self.left -= self.span(self.now, next) * self.job.rate(gpus)?;
        self.from = next;
        self.alloc.set(next, 0);
        Ok(None)
    }

    /// The lowest level that suffices when it is used as late as possible, the level below it, and the point from which on
    /// it suffices: filled backwards from the deadline, an accident (Q5). Where none suffices, the highest.
    fn enough(&mut self) -> Result<Result<(i64, i64, i64), i64>, Refused> {
        self.alloc.add_keys(self.after.steps(), self.due);
        if !self.grid.accidents.has(Q5) {
            return self.enough_from_now();
        }
        let mut lower = 0;
        for level in self.job.levels().take_while(|level| *level <= self.grid.gpus) {
            let (mut done, mut to) = (0.0, self.due);
            let steps = self.after.steps().iter().rev();
            for (key, free) in steps.skip_while(|s| s.0 >= self.due).take_while(|s| s.0 >= self.from) {
                let gpus = level.min(self.job.down(*free));
                if gpus > 0 {
                    done += self.span(*key, to) * self.job.rate(gpus)?;
                    if done >= self.left {
                        return Ok(Ok((level, lower, *key)));
                    }
                }
                to = *key;
            }
            lower = level;
        }
        Ok(Err(lower))
    }

    /// The lowest level that suffices from where it is planned on, with that as the level below and as the point, too.
    fn enough_from_now(&self) -> Result<Result<(i64, i64, i64), i64>, Refused> {
        let (segments, mut highest) = (self.segments(), 0);
        for level in self.job.levels().take_while(|level| *level <= self.grid.gpus) {
            let mut done = 0.0;
            for (key, next) in &segments {
                let gpus = level.min(self.job.down(self.after.at(*key)));
                if gpus > 0 {
                    done += self.span(*key, *next) * self.job.rate(gpus)?;
                    if done >= self.left {
                        return Ok(Ok((level, level, self.from)));
                    }
                }
            }
            highest = level;
        }
        Ok(Err(highest))
    }

    /// The keys from where it is planned up to the aligned deadline, each with the next.
    fn segments(&self) -> Vec<(i64, i64)> {
        let keys: Vec<i64> = self.after.steps().iter().map(|step| step.0).collect();
        let inside = |pair: &&[i64]| pair[0] >= self.from && pair[1] <= self.due;
        keys.windows(2).filter(inside).map(|pair| (pair[0], pair[1])).collect()
    }

    /// Takes the level from `point` on, and the one below it before.
    fn commit(mut self, level: i64, lower: i64, point: i64) -> Result<Planned, Refused> {
        let from = self.from;
        let mut at = from;
        for (key, next) in self.segments() {
            let gpus = self.level_at(key, level, lower, point);
            self.take(key, gpus);
            if gpus > 0 {
                let done = self.span(key, next) * self.job.rate(gpus)?;
                if key >= point && done >= self.left {
                    return self.done(from, key, gpus);
                }
                self.left -= done;
            }
            at = next;
        }
        // The sum above and the steps here can round differently: one more segment, behind the deadline.
        let gpus = self.level_at(at, level, lower, point);
        self.take(at, gpus);
        self.done(from, at, gpus)
    }

    fn level_at(&self, key: i64, level: i64, lower: i64, point: i64) -> i64 {
        let wanted = if key >= point { level } else { lower };
        wanted.min(self.job.down(self.after.at(key)))
    }

    /// Ends in the segment that starts at `at`.
    fn done(mut self, from: i64, at: i64, gpus: i64) -> Result<Planned, Refused> {
        let seconds = self.job.seconds(self.left, gpus)?.ceil() as i64;
        let end = at + align(0, seconds, self.grid.slot);
        if !self.before.has(end) {
            let free = self.before.last_in(from, end).map_or(self.grid.gpus, |step| step.1);
            self.after.set(end, free);
        }
        Ok(self.planned(end, at + seconds))
    }

    /// Takes as much as it can, past the deadline.
    fn late(mut self, top: i64, forced: Option<i64>) -> Result<Planned, Refused> {
        for (key, next) in self.segments() {
            let gpus = top.min(self.job.down(self.after.at(key)));
            self.take(key, gpus);
            if gpus > 0 {
                self.left -= self.span(key, next) * self.job.rate(gpus)?;
            }
        }
        let mut at = self.due.max(self.from);
        let later: Vec<i64> = self.after.steps()[self.after.after(at)..].iter().map(|step| step.0).collect();
        for next in later {
            let free = self.after.at(at);
            let gpus = self.job.down(free);
            self.alloc.set(at, gpus);
            if gpus > 0 {
                let done = (next - at) as f64 * self.job.rate(gpus)?;
                self.take(at, gpus);
                if done >= self.left {
                    let real_end = ceil_sum(at, self.job.seconds(self.left, gpus)?);
                    let end = align(self.now, real_end, self.grid.slot);
                    if !self.before.has(end) {
                        self.after.set(end, free);
                    }
                    return Ok(self.planned(end, real_end));
                }
                self.left -= done;
            }
            at = next;
        }
        let gpus = forced.unwrap_or(all_it_can_use(self.job, self.grid));
        self.alloc.set(at, gpus);
        let real_end = ceil_sum(at, self.job.seconds(self.left, gpus)?);
        let end = align(self.now, real_end, self.grid.slot);
        self.after.set(at, self.grid.gpus - gpus);
        self.after.set(end, self.grid.gpus);
        Ok(self.planned(end, real_end))
    }
}
