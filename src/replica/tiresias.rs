//! The schedule `dlas-gpu`: Tiresias' queues by attained GPU-time, with the gangs of the trace.
//!
//! A gang that is larger than the cluster never runs, and the artifact ends without it (Q35): such
//! a job is not among the finished ones.

use super::error::ReplicaError;
use super::gangs::GangScenario;
use super::outcome::{NEVER, ReplicaOutcome};
use super::overhead::{is_restart, overhead};
use super::quirk::{Q19, Q25, Q26, Quirks};

/// GPU-seconds after which a job leaves each queue for the next one. No job leaves the last queue.
const LIMITS: [i64; 2] = [3250, 7200];

/// Runs the schedule to its end.
///
/// # Errors
///
/// If the artifact's placement crashes.
pub(super) fn replay(scenario: &GangScenario<'_>) -> Result<ReplicaOutcome, ReplicaError> {
    TiresiasReplay::new(scenario).replay()
}

/// The state of a job. Times are in seconds.
#[derive(Clone, Debug)]
struct TiresiasJob {
    /// Seconds of progress so far.
    executed: i64,
    /// Seconds without GPUs so far.
    waited: i64,
    /// Restart overhead that is charged and not yet paid.
    overhead: i64,
    /// The time up to which `executed` and `waited` are counted.
    counted: i64,
    /// When the job first ran; [`NEVER`] before.
    start: i64,
    /// The end, as far as it is known.
    end: i64,
    /// Number of preemptions.
    preempted: u32,
    /// The job's queue, from 0.
    queue: usize,
    /// Whether the job has its GPUs.
    running: bool,
}

/// The next completion. The artifact knows only the earliest one.
struct Completion {
    /// In seconds.
    time: i64,
    /// The jobs that end then.
    jobs: Vec<usize>,
}

/// A run of the schedule.
struct TiresiasReplay<'s> {
    scenario: &'s GangScenario<'s>,
    states: Vec<TiresiasJob>,
    /// The jobs that have arrived and not ended. Their order stays from round to round: jobs that
    /// are demoted in one round enter the next queue in it.
    live: Vec<usize>,
    queues: [Vec<usize>; LIMITS.len() + 1],
    outcome: ReplicaOutcome,
}

impl<'s> TiresiasReplay<'s> {
    fn new(scenario: &'s GangScenario<'s>) -> TiresiasReplay<'s> {
        let state = |submit| TiresiasJob {
            executed: 0,
            waited: 0,
            overhead: 0,
            counted: submit,
            start: NEVER,
            end: 0,
            preempted: 0,
            queue: 0,
            running: false,
        };
        TiresiasReplay {
            scenario,
            states: scenario.jobs.iter().map(|job| state(job.submit)).collect(),
            live: Vec::new(),
            queues: Default::default(),
            outcome: ReplicaOutcome::default(),
        }
    }

    fn replay(mut self) -> Result<ReplicaOutcome, ReplicaError> {
        let setup = self.scenario.setup;
        let mut events = self.scenario.arrivals(setup.quirks.has(Q19));
        let mut log = self.scenario.placement_log()?;
        let mut end: Option<Completion> = None;
        let mut jump = NEVER;
        loop {
            let ends_at = end.as_ref().map(|end| end.time);
            let next = [events.next(), ends_at].into_iter().flatten().min();
            let Some(next) = next else { return Ok(self.outcome) };
            // A round between events is for a demotion.
            let now = next.min(jump);
            if let Some(end) = end.take_if(|end| end.time == now) {
                self.end(&end.jobs);
                log.as_mut().map_or(Ok(()), |log| log.end(self.scenario, &end.jobs))?;
            }
            let starts = events.take_first(now).map(|event| event.start).unwrap_or_default();
            self.queues[0].extend(&starts);
            self.live.extend(starts);
            self.account(now);
            let restart = is_restart(self.outcome.rounds, setup);
            self.outcome.rounds += 1;
            self.select(now, restart);
            self.live.sort_by_key(|job| -self.scenario.jobs[*job].gpus);
            if let Some(log) = &mut log {
                let running = self.live.iter().copied().filter(|job| self.states[*job].running);
                let round = log.round(self.scenario, now, running.collect())?;
                self.outcome.log.extend(self.scenario.logs_rounds().then_some(round));
            }
            for queue in &mut self.queues {
                queue.sort_by_key(|job| !self.states[*job].running);
            }
            end = self.next_end(now, restart);
            jump = self.next_demotion(now);
            events.merge(now, setup.slot);
        }
    }

    /// Ends these jobs.
    fn end(&mut self, jobs: &[usize]) {
        for &job in jobs {
            let (state, gang) = (&self.states[job], &self.scenario.jobs[job]);
            let held = state.end - gang.submit - state.waited;
            let mut row = gang.finished(state.start, state.end, held, (held - gang.duration).max(0));
            (row.pending, row.preempt) = (state.waited, state.preempted);
            self.outcome.finished.push(row);
            self.outcome.count_end(gang, state.end);
            self.queues[state.queue].retain(|other| *other != job);
        }
        self.live.retain(|job| !jobs.contains(job));
    }

    /// Counts the seconds with and without GPUs since the last round, and demotes each job by one
    /// queue at most.
    fn account(&mut self, now: i64) {
        for &job in &self.live {
            let (state, gpus) = (&mut self.states[job], self.scenario.jobs[job].gpus);
            let since = now - state.counted;
            state.counted = now;
            if !state.running {
                state.waited += since;
                continue;
            }
            state.executed += (since - state.overhead).max(0);
            state.overhead = 0;
            if LIMITS.get(state.queue).is_some_and(|limit| state.executed * gpus >= *limit) {
                self.queues[state.queue].retain(|other| *other != job);
                state.queue += 1;
                self.queues[state.queue].push(job);
            }
        }
    }

    /// Runs the jobs that still fit, queue after queue; preempts the others.
    fn select(&mut self, now: i64, restart: bool) {
        let mut left = self.scenario.setup.gpus;
        for &job in self.queues.iter().flatten() {
            let (state, gpus) = (&mut self.states[job], self.scenario.jobs[job].gpus);
            let fits = gpus <= left;
            left -= if fits { gpus } else { 0 };
            if fits && !state.running {
                state.overhead = overhead(gpus, self.scenario.setup.gpus, restart, false);
                state.start = state.start.min(now);
            }
            state.preempted += u32::from(state.running && !fits);
            state.running = fits;
        }
    }

    /// Returns the least time to the next completion or demotion, in seconds: a slot, as for every
    /// event (Q19).
    fn grain(&self) -> i64 {
        if self.scenario.setup.quirks.has(Q19) { self.scenario.setup.slot } else { 0 }
    }

    /// Returns the earliest completion, never less than a slot away. The ends include only the
    /// overhead of a round in which all restart: that of a start shows only if another round comes
    /// before the end (Q26).
    fn next_end(&mut self, now: i64, restart: bool) -> Option<Completion> {
        let (mut first, grain): (Option<Completion>, _) = (None, self.grain());
        for &job in &self.live {
            let (state, gang) = (&mut self.states[job], &self.scenario.jobs[job]);
            if !state.running {
                continue;
            }
            let mut left = gang.duration - state.executed;
            if restart {
                state.overhead = overhead(gang.gpus, self.scenario.setup.gpus, restart, false);
            }
            if restart || !self.scenario.setup.quirks.has(Q26) {
                left += state.overhead;
            }
            let end = now + left;
            let time = end.max(now + grain);
            match &mut first {
                Some(first) if first.time < time => continue,
                Some(first) if first.time == time => first.jobs.push(job),
                _ => first = Some(Completion { time, jobs: vec![job] }),
            }
            state.end = end;
        }
        first
    }

    /// Returns when the next running job leaves its queue, never less than a slot away.
    fn next_demotion(&self, now: i64) -> i64 {
        let running = self.live.iter().filter(|job| self.states[**job].running);
        let times = running.filter_map(|job| {
            let state = &self.states[*job];
            let limit = LIMITS.get(state.queue)?;
            let gpus = self.scenario.jobs[*job].gpus;
            Some(now + until_demotion(*limit, state.executed, gpus, self.scenario.setup.quirks))
        });
        times.min().map_or(NEVER, |time| time.max(now + self.grain()))
    }
}

/// Returns the seconds until the artifact looks again whether to demote a job. It divides the
/// seconds that the job has executed by its GPUs, like the limit, so that it looks late at a job
/// with several GPUs (Q25).
fn until_demotion(limit: i64, executed: i64, gpus: i64, quirks: Quirks) -> i64 {
    let share = |seconds: i64| (seconds.max(0) as u64).div_ceil(gpus as u64) as i64;
    if quirks.has(Q25) { share(limit - executed) } else { (share(limit) - executed).max(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demotion_is_looked_at_late_only_by_quirk() {
        let quirks = Quirks::all();
        // 3230 GPU-seconds on 8 GPUs are 403.75 s; 3250 are 406.25 s, of which 20 are past.
        assert_eq!(until_demotion(3250, 20, 8, quirks), 404);
        assert_eq!(until_demotion(3250, 20, 8, quirks.without(Q25)), 387);
    }
}
