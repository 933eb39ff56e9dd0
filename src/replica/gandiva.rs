//! The schedule `gandiva`: jobs of one size share sets of nodes and take turns on them.
//!
//! Completions are not events (Q28). Up to the last arrival the clock jumps from one arrival to the
//! next, and the artifact notices neither freed GPUs nor finished jobs in between. After the last
//! arrival the clock ticks by slots.

mod sets;

use super::error::ReplicaError;
use super::gangs::GangScenario;
use super::outcome::{NEVER, ReplicaOutcome, Round};
use super::overhead::{charges_unchanged_jobs, is_restart, overhead};
use super::quirk::{Q28, Q48};
use super::setup::ReplicaSetup;
use sets::SharedSets;

/// Turns change only at multiples of this time, in seconds. The last arrival fixes the phase of the
/// clock: with a slot that is a multiple of it, turns then change in every round or never again
/// (Q28).
const TURN: i64 = 60;

/// Runs the schedule to its end.
///
/// # Errors
///
/// If a gang is larger than the cluster.
pub(super) fn replay(scenario: &GangScenario<'_>) -> Result<ReplicaOutcome, ReplicaError> {
    scenario.check_endless_waits()?;
    Ok(GandivaReplay::new(scenario).replay())
}

/// The state of a job. Times are in seconds.
#[derive(Clone, Debug)]
struct GandivaJob {
    /// Seconds of progress so far.
    executed: i64,
    /// Restart overhead that is charged and not yet paid.
    overhead: i64,
    /// Restart overhead paid so far.
    restarting: i64,
    /// When the job was first given nodes; [`NEVER`] before.
    start: i64,
    /// Seconds from the submission to that, for a job that was queued.
    waited: i64,
    /// Whether the job has ever been queued.
    queued: bool,
    /// Whether the job belongs to a set.
    running: bool,
    /// Whether the job came to its set since the last charge.
    fresh: bool,
}

/// A run of the schedule.
struct GandivaReplay<'s> {
    scenario: &'s GangScenario<'s>,
    states: Vec<GandivaJob>,
    sets: SharedSets,
    /// The queue of jobs without a set.
    pending: Vec<usize>,
    /// Number of jobs that belong to a set.
    running: usize,
    outcome: ReplicaOutcome,
}

impl<'s> GandivaReplay<'s> {
    fn new(scenario: &'s GangScenario<'s>) -> GandivaReplay<'s> {
        let state = GandivaJob {
            executed: 0,
            overhead: 0,
            restarting: 0,
            start: NEVER,
            waited: 0,
            queued: false,
            running: false,
            fresh: false,
        };
        GandivaReplay {
            scenario,
            states: vec![state; scenario.jobs.len()],
            sets: SharedSets::new(scenario.setup, scenario.node),
            pending: Vec::new(),
            running: 0,
            outcome: ReplicaOutcome::default(),
        }
    }

    fn replay(mut self) -> ReplicaOutcome {
        let setup = self.scenario.setup;
        let mut events = self.scenario.arrivals(true);
        let mut now = events.next().expect("a scenario has a job");
        let (mut elapsed, mut round) = (0, 0);
        while !events.is_empty() || !self.pending.is_empty() || self.running > 0 {
            let waiting: Vec<i64> = self.pending.iter().map(|job| self.scenario.jobs[*job].gpus).collect();
            self.sets.adjust(&waiting);
            self.execute(now, elapsed);
            let mut released = self.sets.release();
            if !setup.quirks.has(Q48) {
                self.make_room();
                released = true;
            }
            for state in self.states.iter_mut().filter(|state| state.queued) {
                state.overhead = 0;
            }
            for job in events.take_first(now).map(|event| event.start).unwrap_or_default() {
                if !self.start(job, now) {
                    self.states[job].queued = true;
                    self.pending.push(job);
                }
            }
            if released {
                self.start_pending(now);
            }
            self.outcome.rounds += 1;
            self.log_round(now);
            if !events.is_empty() {
                self.charge(is_restart(round, setup));
                round += 1;
                events.merge(now, setup.slot);
            }
            elapsed = clock_step(events.next().map(|next| next - now), setup);
            now += elapsed;
        }
        self.outcome
    }

    /// Logs the round, if the input asks for it.
    fn log_round(&mut self, now: i64) {
        if !self.scenario.logs_rounds() {
            return;
        }
        let gpus = |job: usize| self.scenario.jobs[job].gpus;
        let held = self.sets.held(gpus);
        let mut seated: Vec<usize> = held.iter().map(|held| held.job.index()).collect();
        seated.sort_unstable();
        seated.dedup();
        let efficiency = self.scenario.efficiency(seated);
        self.outcome.log.push(Round { time: now, held, efficiency });
    }

    /// Gives every size that waits a set (not Q48).
    fn make_room(&mut self) {
        let mut waiting: Vec<i64> = self.pending.iter().map(|job| self.scenario.jobs[*job].gpus).collect();
        waiting.sort_unstable();
        waiting.dedup();
        for size in waiting {
            for job in self.sets.make_room(size) {
                let state = &mut self.states[job];
                (state.running, state.queued) = (false, true);
                self.running -= 1;
                self.pending.push(job);
            }
        }
    }

    /// Runs the jobs with seats for `elapsed` seconds, records those that are done, and passes the
    /// seats on.
    fn execute(&mut self, now: i64, elapsed: i64) {
        let setup = self.scenario.setup;
        for set in self.sets.iter_mut() {
            let seated = set.seated();
            let mut done = Vec::new();
            for &job in &set.jobs[..seated] {
                let (state, gang) = (&mut self.states[job], &self.scenario.jobs[job]);
                state.executed += (elapsed - state.overhead).max(0);
                state.restarting += state.overhead.min(elapsed);
                state.overhead = 0;
                if state.executed < gang.duration {
                    continue;
                }
                let end = now - (state.executed - gang.duration);
                let mut row =
                    gang.finished(state.start, end, gang.duration + state.restarting, state.restarting);
                (row.time, row.pending) = (now, state.waited);
                self.outcome.finished.push(row);
                // It was counted as accepted when it started.
                if gang.due.is_some_and(|due| end > due) {
                    self.outcome.accepted -= 1;
                    self.outcome.declined += 1;
                }
                state.running = false;
                self.running -= 1;
                done.push(job);
            }
            if turns_change(now, setup) && set.jobs.len() > seated {
                set.jobs.rotate_left(seated);
            }
            set.end(&done, setup.quirks);
        }
    }

    /// Seats a job in a set; returns whether there is one for it.
    fn start(&mut self, job: usize, now: i64) -> bool {
        let gang = &self.scenario.jobs[job];
        if !self.sets.place(job, gang.gpus) {
            return false;
        }
        let state = &mut self.states[job];
        (state.running, state.fresh) = (true, true);
        self.running += 1;
        if state.start == NEVER {
            state.start = now;
            if state.queued {
                state.waited = now - gang.submit;
            }
            self.outcome.accepted += i64::from(gang.due.is_some());
        }
        true
    }

    /// Tries to start the jobs of the queue. The artifact takes jobs out of the list that it walks
    /// along, so that it passes over the job behind each one that starts (Q33).
    fn start_pending(&mut self, now: i64) {
        let mut at = 0;
        while at < self.pending.len() {
            if self.start(self.pending[at], now) {
                self.pending.remove(at);
            }
            at += 1;
        }
    }

    /// Charges every running job in every round (Q8), but only up to the last arrival (Q34).
    fn charge(&mut self, restart: bool) {
        let setup = self.scenario.setup;
        for (state, gang) in
            self.states.iter_mut().zip(&self.scenario.jobs).filter(|(state, _)| state.running)
        {
            if state.fresh || restart || charges_unchanged_jobs(setup) {
                state.overhead = overhead(gang.gpus, setup.gpus, restart, false);
            }
            state.fresh = false;
        }
    }
}

/// Returns how far the clock moves where the next arrival is `away`: to that arrival, or by a slot
/// where there is none (Q28). All are seconds.
fn clock_step(away: Option<i64>, setup: ReplicaSetup) -> i64 {
    let away = away.unwrap_or(setup.slot);
    if setup.quirks.has(Q28) { away } else { away.min(setup.slot) }
}

/// Returns whether turns change now (Q28).
fn turns_change(now: i64, setup: ReplicaSetup) -> bool {
    now % TURN == 0 || !setup.quirks.has(Q28)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::Quirks;

    #[test]
    fn the_clock_jumps_and_turns_freeze_only_by_quirk() {
        let setup = ReplicaSetup { gpus: 8, slot: 60, quirks: Quirks::all() };
        let without = ReplicaSetup { quirks: setup.quirks.without(Q28), ..setup };
        assert_eq!((clock_step(Some(500), setup), clock_step(Some(500), without)), (500, 60));
        assert_eq!((clock_step(Some(20), setup), clock_step(Some(20), without)), (20, 20));
        assert_eq!((clock_step(None, setup), clock_step(None, without)), (60, 60));
        assert!(!turns_change(61, setup) && turns_change(120, setup) && turns_change(61, without));
    }
}
