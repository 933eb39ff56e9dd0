//! How much of a job is done, as a function of time.
//!
//! Between two changes of speed the work done grows linearly, after a restart overhead in which
//! nothing is done. It is settled, and thereby rounded, only when the speed changes: an event that
//! does not concern a job does not touch its numbers.

use crate::units::{Iterations, Rate, SimDuration, SimTime};

/// A job's turns in a rotation: `members` jobs take turns of one quantum each on the same GPUs, and
/// this one has place `place`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turns {
    /// When the rotation started, with the turn of place 0.
    pub start: SimTime,
    /// How many quanta after the start the first turn begins, from 0.
    pub place: u64,
    /// How many jobs take turns; at least 1.
    pub members: u64,
    /// The length of a turn; longer than both restart overheads.
    pub quantum: SimDuration,
    /// The restart overhead at the beginning of the first turn.
    pub first_restart: SimDuration,
    /// The restart overhead at the beginning of every other turn.
    pub restart: SimDuration,
}

impl Turns {
    /// Returns when the first turn begins.
    pub fn first(&self) -> SimTime {
        self.start + SimDuration::from_micros(self.place.saturating_mul(self.quantum.as_micros()))
    }

    /// Returns the time from one turn to the next, in microseconds.
    fn cycle(&self) -> u64 {
        self.members.saturating_mul(self.quantum.as_micros())
    }

    /// Returns how many full rounds have passed since the first turn of this job began, and how
    /// much of its turn in the present round, up to all of it.
    fn passed(&self, now: SimTime) -> (u64, SimDuration) {
        let passed = now.since(self.first()).as_micros();
        let rest = SimDuration::from_micros(passed % self.cycle());
        (passed / self.cycle(), rest.min(self.quantum))
    }

    /// Returns the restart overhead of a turn, counted from 0.
    fn restart_of(&self, turn: u64) -> SimDuration {
        if turn == 0 { self.first_restart } else { self.restart }
    }

    /// Returns the time for which the job has had the GPUs.
    fn held(&self, now: SimTime) -> SimDuration {
        let (turns, rest) = self.passed(now);
        SimDuration::from_micros(turns * self.quantum.as_micros()) + rest
    }

    /// Returns the part of that time in which the job restarted.
    fn restarting(&self, now: SimTime) -> SimDuration {
        let (turns, rest) = self.passed(now);
        let over = match turns {
            0 => SimDuration::ZERO,
            more => self.first_restart + SimDuration::from_micros((more - 1) * self.restart.as_micros()),
        };
        over + rest.min(self.restart_of(turns))
    }

    /// Returns when the job has worked for `time`.
    fn worked(&self, time: SimDuration) -> SimTime {
        if time == SimDuration::FOREVER {
            return SimTime::NEVER;
        }
        let in_first = self.quantum - self.first_restart;
        if time <= in_first {
            return self.first() + self.first_restart + time;
        }
        let in_others = (self.quantum - self.restart).as_micros();
        let later = (time - in_first).as_micros();
        // The turn in which it ends is not over, unless it ends with it.
        let turn = later.div_ceil(in_others);
        let rest = later - (turn - 1) * in_others;
        let until = SimDuration::from_micros(turn.saturating_mul(self.cycle()));
        self.first() + until + self.restart + SimDuration::from_micros(rest)
    }

    /// Returns whether the job has the GPUs.
    fn on_turn(&self, now: SimTime) -> bool {
        now >= self.first() && now.since(self.first()).as_micros() % self.cycle() < self.quantum.as_micros()
    }
}

/// The work done by one job: a restart overhead until `resume`, then `rate`; or turns, in which it
/// works at `rate` after the restart overhead of each.
///
/// No instant that a method is asked for lies before the last change.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    /// When the speed changed last.
    since: SimTime,
    resume: SimTime,
    /// The work done by then.
    done: Iterations,
    rate: Rate,
    turns: Option<Turns>,
    /// The time held, and the time restarting, that its turns had brought before the last change.
    held_before: SimDuration,
    restarting_before: SimDuration,
}

impl Progress {
    /// Returns the work done at `now`; not less than at any earlier instant.
    pub fn done(&self, now: SimTime) -> Iterations {
        if self.rate == Rate::ZERO {
            return self.done;
        }
        self.done + self.rate * (self.held(now) - self.restarting(now))
    }

    /// Returns when `goal` iterations are done at the present speed, rounded up to the microsecond;
    /// [`SimTime::NEVER`] for a job that has no speed.
    pub fn reaches(&self, goal: Iterations) -> SimTime {
        let time = (goal - self.done).time_at(self.rate);
        match &self.turns {
            Some(turns) => turns.worked((self.held_before - self.restarting_before) + time),
            None => self.resume + time,
        }
    }

    /// Returns the speed at which the job works when it neither restarts nor waits for its turn.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Returns the rest of the restart overhead that is under way; zero between turns.
    pub fn restart_left(&self, now: SimTime) -> SimDuration {
        match &self.turns {
            _ if self.rate == Rate::ZERO => SimDuration::ZERO,
            None => self.resume.since(now),
            Some(turns) if turns.on_turn(now) => {
                let (turn, passed) = turns.passed(now);
                turns.restart_of(turn).saturating_sub(passed)
            }
            Some(_) => SimDuration::ZERO,
        }
    }

    /// Returns whether the job has its GPUs at `now`, if it has any: always, but between its turns.
    pub fn on_turn(&self, now: SimTime) -> bool {
        self.turns.is_none_or(|turns| turns.on_turn(now))
    }

    /// Returns when the job first had its GPUs since the last change.
    pub fn first(&self) -> SimTime {
        self.turns.map_or(self.since, |turns| turns.first())
    }

    /// Returns whether the job has had its GPUs since the last change: not if its first turn would
    /// begin only now, unless the change brings that turn with it.
    pub fn has_begun(&self, now: SimTime) -> bool {
        self.first() < now || self.first() == self.since
    }

    /// Returns the rest of the restart overhead with which the job began, on turn or off; all of it
    /// before the first turn.
    pub fn first_restart_left(&self, now: SimTime) -> SimDuration {
        match &self.turns {
            _ if self.rate == Rate::ZERO => SimDuration::ZERO,
            None => self.resume.since(now),
            Some(turns) => match turns.passed(now) {
                (0, passed) => turns.first_restart.saturating_sub(passed),
                _ => SimDuration::ZERO,
            },
        }
    }

    /// Returns for how much of the time since the last change the job had its GPUs, if it has any.
    pub fn held(&self, now: SimTime) -> SimDuration {
        self.turns.map_or(now.since(self.since), |turns| turns.held(now) - self.held_before)
    }

    /// Returns the part of [`Progress::held`] in which the job restarted.
    pub fn restarting(&self, now: SimTime) -> SimDuration {
        match &self.turns {
            _ if self.rate == Rate::ZERO => SimDuration::ZERO,
            None => self.resume.min(now).since(self.since),
            Some(turns) => turns.restarting(now) - self.restarting_before,
        }
    }

    /// Goes on at `rate` after a restart overhead, which replaces what was left of an earlier one.
    /// The work done is settled, at no more than `limit` iterations.
    ///
    /// # Panics
    ///
    /// If `now` lies before the last change, or the work done would become less.
    pub fn change(&mut self, now: SimTime, limit: Iterations, rate: Rate, restart: SimDuration) {
        assert!(
            now >= self.since,
            "the speed changed last at {} s, so it cannot change at {now} s",
            self.since
        );
        let done = self.done(now);
        let done = if done > limit { limit } else { done };
        assert!(done >= self.done, "{} iterations were done, and now only {done} are", self.done);
        self.done = done;
        self.since = now;
        self.resume = now + restart;
        self.rate = rate;
        self.turns = None;
        (self.held_before, self.restarting_before) = (SimDuration::ZERO, SimDuration::ZERO);
    }

    /// Goes on as before, in turns or without, but at `rate`.
    ///
    /// # Panics
    ///
    /// As [`Progress::change`].
    pub fn change_rate(&mut self, now: SimTime, limit: Iterations, rate: Rate) {
        let turns = self.turns;
        self.change(now, limit, rate, self.restart_left(now));
        self.turns = turns;
        if let Some(turns) = turns {
            (self.held_before, self.restarting_before) = (turns.held(now), turns.restarting(now));
        }
    }

    /// Goes on at `rate` in turns that start now.
    ///
    /// # Panics
    ///
    /// As [`Progress::change`], and if a turn is not longer than the restart overhead in it.
    pub fn rotate(&mut self, now: SimTime, limit: Iterations, rate: Rate, turns: Turns) {
        let restart = turns.first_restart.max(turns.restart);
        assert!(turns.quantum > restart, "a turn of {} s is not longer than {restart} s", turns.quantum);
        self.change(now, limit, rate, SimDuration::ZERO);
        self.turns = Some(turns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_starts_after_the_restart_overhead_and_is_kept_when_the_speed_changes() {
        let goal = Iterations::new(100.0);
        let second = SimTime::from_secs;
        let mut progress = Progress::default();
        progress.change(second(10), goal, Rate::new(2.0), SimDuration::from_secs(5));
        assert_eq!(progress.done(second(15)), Iterations::ZERO);
        assert_eq!(progress.reaches(goal), second(65));
        assert_eq!(progress.restart_left(second(12)), SimDuration::from_secs(3));
        // 10 s at 2/s are 20; at 8/s after 4 s the other 80 take 10 s.
        progress.change(second(25), goal, Rate::new(8.0), SimDuration::from_secs(4));
        assert_eq!(progress.done(second(29)), Iterations::new(20.0));
        assert_eq!(progress.reaches(goal), second(39));
        // A change during a restart replaces its rest.
        progress.change(second(26), goal, Rate::new(8.0), SimDuration::from_secs(1));
        assert_eq!(progress.reaches(goal), second(37));
    }

    /// Closed form against a walk in steps of one second, for every place and for restart
    /// overheads up to the quantum.
    #[test]
    fn turns_add_up() {
        let second = SimDuration::from_secs(1);
        for (members, quantum, first_restart, restart) in
            [(1, 4, 0, 1), (2, 5, 2, 3), (3, 4, 0, 0), (3, 3, 1, 2)]
        {
            for place in 0..members {
                let start = SimTime::from_secs(100);
                let turns = Turns {
                    start,
                    place,
                    members,
                    quantum: SimDuration::from_secs(quantum),
                    first_restart: SimDuration::from_secs(first_restart),
                    restart: SimDuration::from_secs(restart),
                };
                let mut progress = Progress::default();
                let goal = Iterations::new(1e9);
                progress.rotate(start, goal, Rate::new(1.0), turns);
                let mut changed = progress;
                let (mut held, mut worked, mut now) = (0, 0, start);
                for step in 0..100 {
                    assert_eq!(progress.held(now), SimDuration::from_secs(held));
                    assert_eq!(progress.done(now), Iterations::new(worked as f64), "{turns:?} at {now}");
                    let on_turn = (step / quantum) % members == place;
                    assert_eq!(progress.on_turn(now), on_turn);
                    let (turn, passed) = (step / quantum / members, step % quantum);
                    let restart = if turn == 0 { first_restart } else { restart };
                    let left = if on_turn { restart.saturating_sub(passed) } else { 0 };
                    assert_eq!(progress.restart_left(now), SimDuration::from_secs(left));
                    if step == 17 {
                        // The work is settled; what is to come does not change.
                        changed.change_rate(now, goal, Rate::new(1.0));
                        assert_eq!(
                            (changed.held(now), changed.restarting(now)),
                            (SimDuration::ZERO, SimDuration::ZERO)
                        );
                    }
                    assert_eq!(changed.done(now), progress.done(now));
                    assert_eq!(changed.reaches(goal), progress.reaches(goal));
                    now = now + second;
                    held += u64::from(on_turn);
                    if on_turn && passed >= restart {
                        worked += 1;
                        assert_eq!(progress.reaches(Iterations::new(worked as f64)), now, "{turns:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_job_without_a_speed_never_ends() {
        let progress = Progress::default();
        assert_eq!(progress.reaches(Iterations::new(1.0)), SimTime::NEVER);
        assert_eq!(progress.done(SimTime::from_secs(9)), Iterations::ZERO);
        assert_eq!(progress.restart_left(SimTime::ZERO), SimDuration::ZERO);
    }
    #[test]
    #[should_panic(expected = "the speed changed last at 10 s, so it cannot change at 9 s")]
    fn a_speed_does_not_change_in_the_past() {
        let mut progress = Progress::default();
        progress.change(SimTime::from_secs(10), Iterations::new(1.0), Rate::new(1.0), SimDuration::ZERO);
        progress.change(SimTime::from_secs(9), Iterations::new(1.0), Rate::ZERO, SimDuration::ZERO);
    }

    #[test]
    #[should_panic(expected = "5 iterations were done, and now only 3 are")]
    fn progress_does_not_go_back() {
        let mut progress = Progress::default();
        progress.change(SimTime::ZERO, Iterations::new(9.0), Rate::new(1.0), SimDuration::ZERO);
        progress.change(SimTime::from_secs(5), Iterations::new(9.0), Rate::ZERO, SimDuration::ZERO);
        progress.change(SimTime::from_secs(6), Iterations::new(3.0), Rate::ZERO, SimDuration::ZERO);
    }

    #[test]
    #[should_panic(expected = "a turn of 2 s is not longer than 2 s")]
    fn a_turn_is_longer_than_its_restart_overhead() {
        let two = SimDuration::from_secs(2);
        let (start, place, members) = (SimTime::ZERO, 0, 2);
        let turns = Turns { start, place, members, quantum: two, first_restart: two, restart: two };
        Progress::default().rotate(start, Iterations::new(9.0), Rate::new(1.0), turns);
    }
}
