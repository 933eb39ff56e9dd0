//! The schedule `gandiva`: jobs of one size share sets of nodes and take turns on them.
//!
//! Q28: completions are no events. While jobs are to come, the clock jumps from one arrival to the
//! next, and neither a freed GPU nor a finished job is noticed in between; afterwards it ticks by
//! slots.

mod sets;

use super::gangs::Scene;
use super::overhead::{is_restart, overhead};
use super::planner::Grid;
use super::quirk::{Q28, Q48};
use super::world::charges_who_goes_on;
use super::{NEVER, Refused, Replayed, Round};
use sets::Sets;

/// Jobs take turns only when the clock shows a multiple of this, in seconds. The last arrival
/// freezes its phase, so that with a slot that is a multiple of it jobs then take turns in every
/// round or never again (Q28).
const TURN: i64 = 60;

/// Re-enacts the schedule.
///
/// # Errors
///
/// If the artifact does not get through the scenario.
pub(super) fn replay(scene: &Scene<'_>) -> Result<Replayed, Refused> {
    scene.check_endless_waits()?;
    Ok(Run::new(scene).replay())
}

/// What changes about a job.
#[derive(Clone, Debug)]
struct State {
    executed: i64,
    overhead: i64,
    restarting: i64,
    start: i64,
    waited: i64,
    queued: bool,
    running: bool,
    /// Whether it came to its nodes since the last charge.
    fresh: bool,
}

struct Run<'s> {
    scene: &'s Scene<'s>,
    states: Vec<State>,
    sets: Sets,
    pending: Vec<usize>,
    running: usize,
    outcome: Replayed,
}

impl<'s> Run<'s> {
    fn new(scene: &'s Scene<'s>) -> Run<'s> {
        let state = State {
            executed: 0,
            overhead: 0,
            restarting: 0,
            start: NEVER,
            waited: 0,
            queued: false,
            running: false,
            fresh: false,
        };
        Run {
            scene,
            states: vec![state; scene.jobs.len()],
            sets: Sets::new(scene.grid, scene.node),
            pending: Vec::new(),
            running: 0,
            outcome: Replayed::default(),
        }
    }

    fn replay(mut self) -> Replayed {
        let grid = self.scene.grid;
        let mut events = self.scene.arrivals(true);
        let mut now = events.next().unwrap_or_default();
        let (mut elapsed, mut round) = (0, 0);
        while !events.is_empty() || !self.pending.is_empty() || self.running > 0 {
            let waiting: Vec<i64> = self.pending.iter().map(|job| self.scene.jobs[*job].gpus).collect();
            self.sets.adjust(&waiting);
            self.execute(now, elapsed);
            let mut released = self.sets.release();
            if !grid.quirks.has(Q48) {
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
            self.log(now);
            if !events.is_empty() {
                self.charge(is_restart(round, grid));
                round += 1;
                events.merge(now, grid.slot);
            }
            elapsed = step(events.next().map(|next| next - now), grid);
            now += elapsed;
        }
        self.outcome
    }

    /// Writes down who is on which GPUs, where that is asked for.
    fn log(&mut self, now: i64) {
        if !self.scene.logs() {
            return;
        }
        let gpus = |job: usize| self.scene.jobs[job].gpus;
        let held = self.sets.held(gpus);
        let mut seated: Vec<usize> = held.iter().map(|held| held.job.index()).collect();
        seated.sort_unstable();
        seated.dedup();
        let efficiency = self.scene.efficiency(seated);
        self.outcome.log.push(Round { time: now, held, efficiency });
    }

    /// Lets no size wait without a set.
    fn make_room(&mut self) {
        let mut waiting: Vec<i64> = self.pending.iter().map(|job| self.scene.jobs[*job].gpus).collect();
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

    /// Lets those with seats run, writes down who is done, and passes the seats on.
    fn execute(&mut self, now: i64, elapsed: i64) {
        let grid = self.scene.grid;
        for set in self.sets.each() {
            let seated = set.seated();
            let mut done = Vec::new();
            for &job in &set.jobs[..seated] {
                let (state, gang) = (&mut self.states[job], &self.scene.jobs[job]);
                state.executed += (elapsed - state.overhead).max(0);
                state.restarting += state.overhead.min(elapsed);
                state.overhead = 0;
                if state.executed < gang.duration {
                    continue;
                }
                let end = now - (state.executed - gang.duration);
                let mut row = gang.row(state.start, end, gang.duration + state.restarting, state.restarting);
                (row.time, row.pending) = (now, state.waited);
                self.outcome.rows.push(row);
                // It was counted as accepted when it started.
                if gang.due.is_some_and(|due| end > due) {
                    self.outcome.accepted -= 1;
                    self.outcome.declined += 1;
                }
                state.running = false;
                self.running -= 1;
                done.push(job);
            }
            if changes_turns(now, grid) && set.jobs.len() > seated {
                set.jobs.rotate_left(seated);
            }
            set.end(&done, grid.quirks);
        }
    }

    fn start(&mut self, job: usize, now: i64) -> bool {
        let gang = &self.scene.jobs[job];
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

    /// Tries the queue while taking from it, so that whoever stands behind a job that starts is
    /// passed over (Q33).
    fn start_pending(&mut self, now: i64) {
        let mut at = 0;
        while at < self.pending.len() {
            if self.start(self.pending[at], now) {
                self.pending.remove(at);
            }
            at += 1;
        }
    }

    /// Every running job pays in every round (Q8), but only while jobs are to come (Q34).
    fn charge(&mut self, restart: bool) {
        let grid = self.scene.grid;
        for (state, gang) in self.states.iter_mut().zip(&self.scene.jobs).filter(|(state, _)| state.running) {
            if state.fresh || restart || charges_who_goes_on(grid) {
                state.overhead = overhead(gang.gpus, grid.gpus, restart, false);
            }
            state.fresh = false;
        }
    }
}

/// How far the clock goes when the next arrival is `away`: to it, or a slot where there is none
/// (Q28).
fn step(away: Option<i64>, grid: Grid) -> i64 {
    let away = away.unwrap_or(grid.slot);
    if grid.quirks.has(Q28) { away } else { away.min(grid.slot) }
}

/// Whether jobs take turns now (Q28).
fn changes_turns(now: i64, grid: Grid) -> bool {
    now % TURN == 0 || !grid.quirks.has(Q28)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::Quirks;

    #[test]
    fn the_clock_jumps_and_turns_freeze_only_by_quirk() {
        let grid = Grid { gpus: 8, slot: 60, quirks: Quirks::all() };
        let without = Grid { quirks: grid.quirks.without(Q28), ..grid };
        assert_eq!((step(Some(500), grid), step(Some(500), without)), (500, 60));
        assert_eq!((step(Some(20), grid), step(Some(20), without)), (20, 20));
        assert_eq!((step(None, grid), step(None, without)), (60, 60));
        assert!(!changes_turns(61, grid) && changes_turns(120, grid) && changes_turns(61, without));
    }
}
