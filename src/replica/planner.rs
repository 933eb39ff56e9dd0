//! ElasticFlow's plan for one job on the GPUs that the jobs before it leave.

use std::ops::Range;

use super::error::ReplicaError;
use super::job::ReplicaJob;
use super::quirk::Q5;
use super::setup::ReplicaSetup;
use super::timeline::{GpuTimeline, align, ceil_sum};

/// A plan for a job. Times are in seconds.
#[derive(Clone, Debug)]
pub(super) struct JobPlan {
    /// The GPUs of the job over time.
    pub(super) alloc: GpuTimeline,
    /// The end of the slot in which the job ends.
    pub(super) end: i64,
    /// The exact end.
    pub(super) real_end: i64,
    /// The GPUs that are free with the plan.
    pub(super) free: GpuTimeline,
    /// Whether the exact end is at or before the deadline.
    pub(super) in_time: bool,
}

/// Returns the GPUs of a job that is late or has no deadline ahead: as many as it may have, even if
/// that is not a column of the profiles (Q17).
fn all_it_can_use(job: &ReplicaJob, setup: ReplicaSetup) -> i64 {
    setup.gpus.min(job.max_gpu)
}

/// A plan in the making.
struct PlanDraft<'a> {
    job: &'a ReplicaJob,
    now: i64,
    setup: ReplicaSetup,
    /// The deadline aligned up.
    due: i64,
    /// The GPUs that are free with the plan so far. Those before the plan can be read off it: only
    /// `added` adds keys, and only `alloc` takes GPUs.
    after: GpuTimeline,
    /// Keys of `after` that were not keys before: whether the aligned deadline is one, and the
    /// others.
    due_added: bool,
    added: Vec<i64>,
    /// The next change of the free GPUs.
    change: Option<i64>,
    alloc: GpuTimeline,
    /// Iterations left to plan.
    left: f64,
    /// The time from which on the plan is still open.
    from: i64,
}

/// Plans a job from `now` on; where `forced`, on that many GPUs up to the first change of the free
/// GPUs. The first key of `free` is not before `now`.
///
/// # Errors
///
/// If the profiles have no speed for the GPUs that the job would get.
pub(super) fn plan(
    job: &ReplicaJob,
    now: i64,
    free: GpuTimeline,
    forced: Option<i64>,
    setup: ReplicaSetup,
) -> Result<JobPlan, ReplicaError> {
    match begin(job, now, free, forced, setup)? {
        PlanAttempt::Done(planned) => Ok(planned),
        PlanAttempt::Late(draft, top) => draft.late(top, forced),
    }
}

/// Plans a job like [`plan`] where the free GPUs are known only up to [`due`]; returns `None` where
/// the plan would go beyond that.
///
/// # Errors
///
/// Those of [`plan`].
pub(super) fn plan_until_due(
    job: &ReplicaJob,
    now: i64,
    free: GpuTimeline,
    forced: Option<i64>,
    setup: ReplicaSetup,
) -> Result<Option<JobPlan>, ReplicaError> {
    match begin(job, now, free, forced, setup)? {
        PlanAttempt::Done(planned) => Ok(Some(planned)),
        PlanAttempt::Late(..) => Ok(None),
    }
}

/// Returns the deadline of a job, aligned up to the slot.
pub(super) fn due(job: &ReplicaJob, now: i64, setup: ReplicaSetup) -> i64 {
    align(now, job.ddl, setup.slot)
}

/// The result of a plan that looks no further than the aligned deadline.
enum PlanAttempt<'a> {
    /// The job ends by then.
    Done(JobPlan),
    /// The job does not end by then on any level, of which this is the highest.
    Late(PlanDraft<'a>, i64),
}

/// Plans a job up to the aligned deadline.
fn begin(
    job: &ReplicaJob,
    now: i64,
    mut free: GpuTimeline,
    forced: Option<i64>,
    setup: ReplicaSetup,
) -> Result<PlanAttempt<'_>, ReplicaError> {
    let due = due(job, now, setup);
    let change = free.next(now);
    let due_added = due >= now && free.cut(due);
    let alloc = GpuTimeline::new(now, 0);
    let left = job.left;
    let added = Vec::new();
    let mut draft =
        PlanDraft { job, now, setup, due, after: free, due_added, added, change, alloc, left, from: now };
    if let Some(gpus) = forced
        && let Some((end, real_end)) = draft.force(gpus)?
    {
        return Ok(PlanAttempt::Done(draft.planned(end, real_end)));
    }
    match draft.enough()? {
        Ok((level, lower, point)) => draft.commit(level, lower, point).map(PlanAttempt::Done),
        Err(top) => Ok(PlanAttempt::Late(draft, top)),
    }
}

impl PlanDraft<'_> {
    /// Makes a plan of the draft.
    fn planned(self, end: i64, real_end: i64) -> JobPlan {
        JobPlan {
            alloc: self.alloc,
            end,
            real_end,
            free: self.after.squashed(),
            in_time: real_end <= self.job.ddl,
        }
    }

    /// Returns the seconds from one key to the next. The last segment before the deadline counts up
    /// to the deadline itself, not the aligned one.
    fn span(&self, from: i64, to: i64) -> f64 {
        let to = if to == self.due { self.job.ddl } else { to };
        (to - from) as f64
    }

    /// Takes GPUs from the key `at` on, which becomes one if it is none.
    fn take(&mut self, at: i64, gpus: i64) {
        self.alloc.push(at, gpus);
        if self.after.cut(at) {
            self.added.push(at);
            self.after.set(at, 0);
        }
        self.after.add_at(self.after.before(at), -gpus);
    }

    /// Returns whether this was a key of the free GPUs before the plan.
    fn was_key(&self, key: i64) -> bool {
        self.after.has(key) && !self.is_added(key)
    }

    /// Returns whether the plan added this key.
    fn is_added(&self, key: i64) -> bool {
        self.due_added && key == self.due || self.added.contains(&key)
    }

    /// Returns the GPUs that were free before the plan in the last step whose key is in `[from,
    /// to)`, if there is one. The plan takes no GPUs after `taken`.
    fn was_free(&self, from: i64, to: i64, taken: i64) -> Option<i64> {
        let steps = self.after.steps()[..self.after.before(to)].iter().rev();
        let (key, free) = steps.copied().find(|step| !self.is_added(step.0))?;
        let own = if key <= taken { self.alloc.value(key) } else { 0 };
        (key >= from).then_some(free + own)
    }

    /// Plans `gpus` GPUs up to the first change; returns the end and the exact end if the job is
    /// done by then and in time.
    fn force(&mut self, gpus: i64) -> Result<Option<(i64, i64)>, ReplicaError> {
        let next = self.change.unwrap_or(self.due);
        let real_end = ceil_sum(self.now, self.job.seconds(self.left, gpus)?);
        let end = align(self.now, real_end, self.setup.slot);
        let free = self.after.at(self.now);
        self.take(self.now, gpus);
        if next >= end && self.job.ddl >= real_end {
            if !self.was_key(end) {
                self.after.set(end, free);
            }
            return Ok(Some((end, real_end)));
        }
        self.left -= self.span(self.now, next) * self.job.rate(gpus)?;
        self.from = next;
        self.alloc.push(next, 0);
        Ok(None)
    }

    /// Returns the lowest level that suffices when it is used as late as possible, the level below
    /// it, and the time from which on it suffices; if none suffices, the highest level as an error.
    /// The share is filled backwards from the deadline: a quirk (Q5).
    fn enough(&self) -> Result<Result<(i64, i64, i64), i64>, ReplicaError> {
        if !self.setup.quirks.has(Q5) {
            return self.enough_from_now();
        }
        let (first, last) = (self.after.before(self.from), self.after.before(self.due));
        let steps = self.after.steps().get(first..last).unwrap_or_default();
        let mut lower = 0;
        for level in self.job.levels().take_while(|level| *level <= self.setup.gpus) {
            let (mut done, mut to) = (0.0, self.due);
            for (key, free) in steps.iter().rev() {
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

    /// Returns the lowest level that suffices when it is used from the open time on; the level
    /// below is the same, and the time is that. Without the quirk (Q5).
    fn enough_from_now(&self) -> Result<Result<(i64, i64, i64), i64>, ReplicaError> {
        let mut highest = 0;
        for level in self.job.levels().take_while(|level| *level <= self.setup.gpus) {
            let mut done = 0.0;
            for (key, next, free) in self.segments().map(|index| self.segment(index)) {
                let gpus = level.min(self.job.down(free));
                if gpus > 0 {
                    done += self.span(key, next) * self.job.rate(gpus)?;
                    if done >= self.left {
                        return Ok(Ok((level, level, self.from)));
                    }
                }
            }
            highest = level;
        }
        Ok(Err(highest))
    }

    /// Returns the indices of the steps from the open time to the aligned deadline.
    fn segments(&self) -> Range<usize> {
        let first = self.after.before(self.from);
        // The last key up to the deadline does not begin a segment.
        first..self.after.after(self.due).saturating_sub(1).max(first)
    }

    /// Returns the key of a segment, the next key, and the GPUs that are free between.
    fn segment(&self, index: usize) -> (i64, i64, i64) {
        let steps = self.after.steps();
        (steps[index].0, steps[index + 1].0, steps[index].1)
    }

    /// Takes `level` from `point` on, and `lower` before it.
    fn commit(mut self, level: i64, lower: i64, point: i64) -> Result<JobPlan, ReplicaError> {
        let from = self.from;
        let mut at = from;
        for index in self.segments() {
            let (key, next, free) = self.segment(index);
            let gpus = self.job.down(free).min(if key >= point { level } else { lower });
            self.alloc.push(key, gpus);
            self.after.add_at(index, -gpus);
            if gpus > 0 {
                let done = self.span(key, next) * self.job.rate(gpus)?;
                if key >= point && done >= self.left {
                    return self.done(from, key, gpus);
                }
                self.left -= done;
            }
            at = next;
        }
        // The sum of `enough` and the steps here can round differently: then the job ends in one
        // more segment, after the deadline.
        let gpus = self.job.down(self.after.at(at)).min(if at >= point { level } else { lower });
        self.take(at, gpus);
        self.done(from, at, gpus)
    }

    /// Ends the plan in the segment that begins at `at`.
    fn done(mut self, from: i64, at: i64, gpus: i64) -> Result<JobPlan, ReplicaError> {
        let seconds = self.job.seconds(self.left, gpus)?.ceil() as i64;
        let end = at + align(0, seconds, self.setup.slot);
        // The plan goes to zero at the next change before the deadline, even one before its end.
        if let Some(next) = self.after.next(at).filter(|next| *next < self.due) {
            self.alloc.push(next, 0);
        }
        if !self.was_key(end) {
            let free = self.was_free(from, end, at).unwrap_or(self.setup.gpus);
            self.after.set(end, free);
        }
        Ok(self.planned(end, at + seconds))
    }

    /// Takes as many GPUs as the job can use, past the deadline.
    fn late(mut self, top: i64, forced: Option<i64>) -> Result<JobPlan, ReplicaError> {
        for index in self.segments() {
            let (key, next, free) = self.segment(index);
            let gpus = top.min(self.job.down(free));
            self.alloc.push(key, gpus);
            self.after.add_at(index, -gpus);
            if gpus > 0 {
                self.left -= self.span(key, next) * self.job.rate(gpus)?;
            }
        }
        let mut at = self.due.max(self.from);
        for index in self.after.after(at)..self.after.steps().len() {
            let next = self.after.steps()[index].0;
            // The artifact finds no GPUs at a time that is not a key.
            let before = index.checked_sub(1).filter(|before| self.after.steps()[*before].0 == at);
            let free = before.map_or(0, |before| self.after.steps()[before].1);
            let gpus = self.job.down(free);
            self.alloc.push(at, gpus);
            if let Some(before) = before.filter(|_| gpus > 0) {
                self.after.add_at(before, -gpus);
                let done = (next - at) as f64 * self.job.rate(gpus)?;
                if done >= self.left {
                    let real_end = ceil_sum(at, self.job.seconds(self.left, gpus)?);
                    let end = align(self.now, real_end, self.setup.slot);
                    if !self.was_key(end) {
                        self.after.set(end, free);
                    }
                    return Ok(self.planned(end, real_end));
                }
                self.left -= done;
            }
            at = next;
        }
        let gpus = forced.unwrap_or(all_it_can_use(self.job, self.setup));
        self.alloc.push(at, gpus);
        let real_end = ceil_sum(at, self.job.seconds(self.left, gpus)?);
        let end = align(self.now, real_end, self.setup.slot);
        self.after.set(at, self.setup.gpus - gpus);
        self.after.set(end, self.setup.gpus);
        Ok(self.planned(end, real_end))
    }
}
