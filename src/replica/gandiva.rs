//! The schedule `gandiva`: jobs of one size share sets of nodes and take turns on them.
//!
//! Q28: completions are no events. While jobs are to come, the clock jumps from one arrival to the next, and neither a freed
//! GPU nor a finished job is noticed in between; afterwards it ticks by slots.

mod sets;

use crate::cluster::Shape;
use crate::profile::ThroughputTable;
use crate::units::SimDuration;
use crate::workload::Workload;

use super::gangs::{Refusal, Scene};
use super::rounds::{Events, overhead, restarts};
use super::{NEVER, Replayed};
use sets::Sets;

/// Jobs take turns only when the clock shows a multiple of this, in seconds. The last arrival freezes its phase, so that
/// with a slot that is a multiple of it jobs then take turns in every round or never again (Q28).
const TURN: i64 = 60;

/// Re-enacts the schedule.
///
/// # Errors
///
/// If the artifact does not get through the scenario.
pub(super) fn replay(
    workload: &Workload,
    speeds: &ThroughputTable,
    cluster: &Shape,
    slot: SimDuration,
) -> Result<Replayed, Refusal> {
    let scene = Scene::new(workload, speeds, cluster, slot)?.without_endless_waits(workload)?;
    Ok(Run::new(&scene).replay())
}

/// What changes about a job.
#[derive(Clone, Debug)]
struct State {
    executed: i64,
    overhead: i64,
    start: i64,
    waited: i64,
    queued: bool,
    running: bool,
}

struct Run<'s> {
    scene: &'s Scene,
    states: Vec<State>,
    sets: Sets,
    pending: Vec<usize>,
    running: usize,
    outcome: Replayed,
}

impl<'s> Run<'s> {
    fn new(scene: &'s Scene) -> Run<'s> {
        let state =
            State { executed: 0, overhead: 0, start: NEVER, waited: 0, queued: false, running: false };
        Run {
            scene,
            states: vec![state; scene.jobs.len()],
            sets: Sets::new(scene.gpus, scene.node),
            pending: Vec::new(),
            running: 0,
            outcome: Replayed::default(),
        }
    }

    fn replay(mut self) -> Replayed {
        let slot = self.scene.slot;
        let mut events = Events::arrivals(&self.scene.jobs);
        let mut now = events.next().unwrap_or_default();
        let (mut elapsed, mut round) = (0, 0);
        while events.next().is_some() || !self.pending.is_empty() || self.running > 0 {
            self.sets.adjust();
            self.execute(now, elapsed);
            let released = self.sets.release();
            for state in self.states.iter_mut().filter(|state| state.queued) {
                state.overhead = 0;
            }
            for job in events.take(now).map(|event| event.starts).unwrap_or_default() {
                if !self.start(job, now) {
                    self.states[job].queued = true;
                    self.pending.push(job);
                }
            }
            if released {
                self.start_pending(now);
            }
            if events.next().is_some() {
                self.charge(restarts(round, slot));
                round += 1;
                events.merge(now, slot);
            }
            elapsed = events.next().map_or(slot, |next| next - now);
            now += elapsed;
        }
        self.outcome
    }

    /// Lets those with seats run, writes down who is done, and passes the seats on.
    fn execute(&mut self, now: i64, elapsed: i64) {
        for set in self.sets.each() {
            let seated = set.seated();
            let mut done = Vec::new();
            for &job in &set.jobs[..seated] {
                let (state, gang) = (&mut self.states[job], &self.scene.jobs[job]);
                state.executed += (elapsed - state.overhead).max(0);
                state.overhead = 0;
                if state.executed < gang.duration {
                    continue;
                }
                let end = now - (state.executed - gang.duration);
                let mut row = gang.row(state.start, end);
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
            if now % TURN == 0 && set.jobs.len() > seated {
                set.jobs.rotate_left(seated);
            }
            set.jobs.retain(|job| !done.contains(job));
        }
    }

    fn start(&mut self, job: usize, now: i64) -> bool {
        let gang = &self.scene.jobs[job];
        if !self.sets.place(job, gang.gpus) {
            return false;
        }
        let state = &mut self.states[job];
        (state.start, state.running) = (now, true);
        if state.queued {
            state.waited = now - gang.submit;
        }
        self.running += 1;
        self.outcome.accepted += i64::from(gang.due.is_some());
        true
    }

    /// Tries the queue while taking from it, so that whoever stands behind a job that starts is passed over (Q33).
    fn start_pending(&mut self, now: i64) {
        let mut at = 0;
        while at < self.pending.len() {
            if self.start(self.pending[at], now) {
                self.pending.remove(at);
            }
            at += 1;
        }
    }

    /// Every running job pays in every round, but only while jobs are to come (Q34).
    fn charge(&mut self, restart: bool) {
        for (state, gang) in self.states.iter_mut().zip(&self.scene.jobs).filter(|(state, _)| state.running) {
            state.overhead = overhead(gang.gpus, self.scene.gpus, restart);
        }
    }
}
