//! ElasticFlow's plan for one job in the capacity that the jobs before it leave.

use std::ops::Range;

use super::error::ReplicaError;
use super::job::ReplicaJob;
use super::quirk::Q5;
use super::setup::ReplicaSetup;
use super::timeline::{GpuTimeline, align, ceil_sum};

/// A plan for a job.
#[derive(Clone, Debug)]
pub(super) struct JobPlan {
    pub(super) alloc: GpuTimeline,
    /// The end of the slot in which it ends.
    pub(super) end: i64,
    pub(super) real_end: i64,
    /// What is free with it.
    pub(super) free: GpuTimeline,
    pub(super) in_time: bool,
}

/// The capacity of a job that is late or has no deadline ahead of it: all that it can use, be that
/// a column of the profiles or not (Q17).
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
    /// What is free: of what is there before the plan, all is seen in it, as keys come only by
    /// `added` and GPUs go only by `alloc`.
    after: GpuTimeline,
    /// Keys of `after` that were none before: the aligned deadline, if that, and others.
    due_added: bool,
    added: Vec<i64>,
    /// The next change of what is free.
    change: Option<i64>,
    alloc: GpuTimeline,
    left: f64,
    /// From where on it is planned.
    from: i64,
}

/// Plans a job from `now` on; where `forced`, on so many GPUs up to the first change of what is
/// free. What is free is no earlier than `now`, and becomes what is free with the plan.
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

/// The same where what is free is known up to [`due`] only, as far as that is known of the plan as
/// well; `None` where it would go on behind it.
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

/// The aligned deadline of a job.
pub(super) fn due(job: &ReplicaJob, now: i64, setup: ReplicaSetup) -> i64 {
    align(now, job.ddl, setup.slot)
}

/// How far a plan came that looks no further than the aligned deadline.
enum PlanAttempt<'a> {
    Done(JobPlan),
    /// Not in time on any level, of which this is the highest.
    Late(PlanDraft<'a>, i64),
}

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
    fn planned(self, end: i64, real_end: i64) -> JobPlan {
        JobPlan {
            alloc: self.alloc,
            end,
            real_end,
            free: self.after.squashed(),
            in_time: real_end <= self.job.ddl,
        }
    }

    /// Seconds from one key to the next; the last of them before the deadline counts up to the
    /// deadline itself.
    fn span(&self, from: i64, to: i64) -> f64 {
        let to = if to == self.due { self.job.ddl } else { to };
        (to - from) as f64
    }

    fn take(&mut self, at: i64, gpus: i64) {
        self.alloc.push(at, gpus);
        if self.after.cut(at) {
            self.added.push(at);
            self.after.set(at, 0);
        }
        self.after.add_at(self.after.before(at), -gpus);
    }

    /// Whether this was a change of what is free before the plan.
    fn was_key(&self, key: i64) -> bool {
        self.after.has(key) && !self.is_added(key)
    }

    fn is_added(&self, key: i64) -> bool {
        self.due_added && key == self.due || self.added.contains(&key)
    }

    /// What was free before the plan in the last step whose key is in `[from, to)`; the plan takes
    /// nothing after `taken`.
    fn was_free(&self, from: i64, to: i64, taken: i64) -> Option<i64> {
        let steps = self.after.steps()[..self.after.before(to)].iter().rev();
        let (key, free) = steps.copied().find(|step| !self.is_added(step.0))?;
        let own = if key <= taken { self.alloc.value(key) } else { 0 };
        (key >= from).then_some(free + own)
    }

    /// Runs on `gpus` GPUs up to the first change; gives the ends if the job is done there, in
    /// time.
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

    /// The lowest level that suffices when it is used as late as possible, the level below it, and
    /// the point from which on it suffices: filled backwards from the deadline, a quirk (Q5). Where
    /// none suffices, the highest.
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

    /// The lowest level that suffices from where it is planned on, with that as the level below and
    /// as the point, too.
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

    /// The steps from where it is planned up to the aligned deadline, as indices.
    fn segments(&self) -> Range<usize> {
        let first = self.after.before(self.from);
        // The last key up to the deadline starts none.
        first..self.after.after(self.due).saturating_sub(1).max(first)
    }

    /// The key of a segment, the next one, and what is free in it.
    fn segment(&self, index: usize) -> (i64, i64, i64) {
        let steps = self.after.steps();
        (steps[index].0, steps[index + 1].0, steps[index].1)
    }

    /// Takes the level from `point` on, and the one below it before.
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
        // The sum above and the steps here can round differently: one more segment, behind the
        // deadline.
        let gpus = self.job.down(self.after.at(at)).min(if at >= point { level } else { lower });
        self.take(at, gpus);
        self.done(from, at, gpus)
    }

    /// Ends in the segment that starts at `at`.
    fn done(mut self, from: i64, at: i64, gpus: i64) -> Result<JobPlan, ReplicaError> {
        let seconds = self.job.seconds(self.left, gpus)?.ceil() as i64;
        let end = at + align(0, seconds, self.setup.slot);
        // The plan goes to zero at the next change before the deadline, be that before or after its
        // end.
        if let Some(next) = self.after.next(at).filter(|next| *next < self.due) {
            self.alloc.push(next, 0);
        }
        if !self.was_key(end) {
            let free = self.was_free(from, end, at).unwrap_or(self.setup.gpus);
            self.after.set(end, free);
        }
        Ok(self.planned(end, at + seconds))
    }

    /// Takes as much as it can, past the deadline.
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
            // Nothing is free where there is no key.
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
