//! The schedule `dlas-gpu`: Tiresias' queues by GPU time attained, with the gangs of the trace.
//!
//! A gang larger than the cluster is never served, and the artifact ends without it (Q35): such a
//! job has no row.

use super::error::ReplicaError;
use super::gangs::GangScenario;
use super::outcome::{NEVER, ReplicaOutcome};
use super::overhead::{is_restart, overhead};
use super::quirk::{Q19, Q25, Q26, Quirks};

/// GPU seconds after which a job leaves a queue for the next; from the last one nobody leaves.
const LIMITS: [i64; 2] = [3250, 7200];

/// Re-enacts the schedule.
///
/// # Errors
///
/// If the artifact does not get through the scenario.
pub(super) fn replay(scenario: &GangScenario<'_>) -> Result<ReplicaOutcome, ReplicaError> {
    TiresiasReplay::new(scenario).replay()
}

/// What changes about a job.
#[derive(Clone, Debug)]
struct TiresiasJob {
    executed: i64,
    waited: i64,
    overhead: i64,
    /// Up to when the two are counted.
    counted: i64,
    start: i64,
    end: i64,
    preempted: u32,
    queue: usize,
    running: bool,
}

/// The next completion that the artifact knows of; it forgets all but the earliest.
struct Completion {
    time: i64,
    jobs: Vec<usize>,
}

struct TiresiasReplay<'s> {
    scenario: &'s GangScenario<'s>,
    states: Vec<TiresiasJob>,
    /// All that came and did not end. The order stays from round to round: it orders who is demoted
    /// in the same round.
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
        let mut log = self.scenario.log()?;
        let mut end: Option<Completion> = None;
        let mut jump = NEVER;
        loop {
            let ends_at = end.as_ref().map(|end| end.time);
            let next = [events.next(), ends_at].into_iter().flatten().min();
            let Some(next) = next else { return Ok(self.outcome) };
            // A round between events is for demotions.
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
                self.outcome.log.extend(self.scenario.logs().then_some(round));
            }
            for queue in &mut self.queues {
                queue.sort_by_key(|job| !self.states[*job].running);
            }
            end = self.next_end(now, restart);
            jump = self.next_demotion(now);
            events.merge(now, setup.slot);
        }
    }

    fn end(&mut self, jobs: &[usize]) {
        for &job in jobs {
            let (state, gang) = (&self.states[job], &self.scenario.jobs[job]);
            let held = state.end - gang.submit - state.waited;
            let mut row = gang.row(state.start, state.end, held, (held - gang.duration).max(0));
            (row.pending, row.preempt) = (state.waited, state.preempted);
            self.outcome.finished.push(row);
            self.outcome.judge(gang, state.end);
            self.queues[state.queue].retain(|other| *other != job);
        }
        self.live.retain(|job| !jobs.contains(job));
    }

    /// Counts what was run and waited since the last round, and demotes by one queue at most.
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

    /// Takes the queues one after the other, and from each whoever still fits.
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

    /// The least time to the next end or demotion: a slot, as for all that happens (Q19).
    fn grain(&self) -> i64 {
        if self.scenario.setup.quirks.has(Q19) { self.scenario.setup.slot } else { 0 }
    }

    /// The completion that comes first, never less than a slot away. Only a restart's overhead is
    /// in the ends: that of a start shows when another round comes before the end, and not
    /// otherwise (Q26).
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

    /// When a running job is next to leave its queue, never less than a slot away.
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

/// Seconds until a job is looked at again for demotion. What it has executed is divided by its GPUs
/// with the limit, so that a job with many GPUs is looked at late (Q25).
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
        // 3230 GPU-seconds on 8 GPUs are 403.75 s; 3250 are 406.25 s, of which 20 are over.
        assert_eq!(until_demotion(3250, 20, 8, quirks), 404);
        assert_eq!(until_demotion(3250, 20, 8, quirks.without(Q25)), 387);
    }
}
