//! How much of a job is done, as a function of time.
//!
//! Between two changes of speed the work done is linear, after a pause in which nothing happens. It
//! is settled, that is rounded, only when the speed changes: events that do not concern a job do
//! not touch its numbers.

use crate::units::{Iterations, Rate, SimDuration, SimTime};

/// A job's turns in a rotation: of `members` jobs that take turns of one quantum each on the same
/// GPUs, this one is at `place`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turns {
    /// When the rotation started, with the turn of place 0.
    pub start: SimTime,
    /// Whose turn comes how many quanta later, from 0.
    pub place: u64,
    /// How many take turns.
    pub members: u64,
    /// How long a turn is; longer than both pauses.
    pub quantum: SimDuration,
    /// How long the job stands still at the beginning of its first turn.
    pub first_restart: SimDuration,
    /// How long it stands still at the beginning of every other turn.
    pub restart: SimDuration,
}

impl Turns {
    /// When the first turn begins.
    pub fn first(&self) -> SimTime {
        self.start + SimDuration::from_micros(self.place.saturating_mul(self.quantum.as_micros()))
    }

    fn cycle(&self) -> u64 {
        self.members.saturating_mul(self.quantum.as_micros())
    }

    /// How many turns are over, and how much of a further one, up to all of it, has passed.
    fn at(&self, now: SimTime) -> (u64, SimDuration) {
        let passed = now.since(self.first()).as_micros();
        let rest = SimDuration::from_micros(passed % self.cycle());
        (passed / self.cycle(), rest.min(self.quantum))
    }

    /// The pause of a turn, counted from 0.
    fn restart_of(&self, turn: u64) -> SimDuration {
        if turn == 0 { self.first_restart } else { self.restart }
    }

    /// Time with the GPUs.
    fn held(&self, now: SimTime) -> SimDuration {
        let (turns, rest) = self.at(now);
        SimDuration::from_micros(turns * self.quantum.as_micros()) + rest
    }

    /// Time with the GPUs and standing still.
    fn restarting(&self, now: SimTime) -> SimDuration {
        let (turns, rest) = self.at(now);
        let over = match turns {
            0 => SimDuration::ZERO,
            more => self.first_restart + SimDuration::from_micros((more - 1) * self.restart.as_micros()),
        };
        over + rest.min(self.restart_of(turns))
    }

    /// When the job has worked for `time`.
    fn worked(&self, time: SimDuration) -> SimTime {
        if time == SimDuration::FOREVER {
            return SimTime::NEVER;
        }
        let in_first = self.quantum.saturating_sub(self.first_restart);
        if time <= in_first {
            return self.first() + self.first_restart + time;
        }
        let in_others = self.quantum.saturating_sub(self.restart).as_micros();
        let later = time.saturating_sub(in_first).as_micros();
        // The turn in which it ends is not over, unless it ends with it.
        let turn = later.div_ceil(in_others);
        let rest = later - (turn - 1) * in_others;
        let until = SimDuration::from_micros(turn.saturating_mul(self.cycle()));
        self.first() + until + self.restart + SimDuration::from_micros(rest)
    }

    /// Whether it has the GPUs.
    fn on_turn(&self, now: SimTime) -> bool {
        now >= self.first() && now.since(self.first()).as_micros() % self.cycle() < self.quantum.as_micros()
    }
}

/// The work done by one job: a pause until `resume`, then `rate`; or turns, in which it works at
/// `rate` after a pause.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    since: SimTime,
    resume: SimTime,
    done: Iterations,
    rate: Rate,
    turns: Option<Turns>,
    /// What its turns had brought before the last change.
    held_before: SimDuration,
    restarting_before: SimDuration,
}

impl Progress {
    /// The work done at `now`, which is not before the last change.
    pub fn done(&self, now: SimTime) -> Iterations {
        if self.rate == Rate::ZERO {
            return self.done;
        }
        self.done + self.rate * self.held(now).saturating_sub(self.restarting(now))
    }

    /// When `goal` iterations are done at the present speed; [`SimTime::NEVER`] where it stands
    /// still.
    pub fn reaches(&self, goal: Iterations) -> SimTime {
        let time = (goal - self.done).time_at(self.rate);
        match &self.turns {
            Some(turns) => turns.worked(self.held_before.saturating_sub(self.restarting_before) + time),
            None => self.resume + time,
        }
    }

    /// The speed of its work.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// The rest of the pause.
    pub fn restart_left(&self, now: SimTime) -> SimDuration {
        match &self.turns {
            _ if self.rate == Rate::ZERO => SimDuration::ZERO,
            None => self.resume.since(now),
            Some(turns) if turns.on_turn(now) => {
                let (turn, passed) = turns.at(now);
                turns.restart_of(turn).saturating_sub(passed)
            }
            Some(_) => SimDuration::ZERO,
        }
    }

    /// Whether the job has its GPUs at `now`, if it has any: always, but between its turns.
    pub fn on_turn(&self, now: SimTime) -> bool {
        self.turns.is_none_or(|turns| turns.on_turn(now))
    }

    /// When it first had its GPUs since the last change.
    pub fn first(&self) -> SimTime {
        self.turns.map_or(self.since, |turns| turns.first())
    }

    /// The rest of the pause with which it began, on turn or off; before its first turn all of it.
    pub fn first_restart_left(&self, now: SimTime) -> SimDuration {
        match &self.turns {
            _ if self.rate == Rate::ZERO => SimDuration::ZERO,
            None => self.resume.since(now),
            Some(turns) => match turns.at(now) {
                (0, passed) => turns.first_restart.saturating_sub(passed),
                _ => SimDuration::ZERO,
            },
        }
    }

    /// How much of the time since the last change it had its GPUs, if it has any.
    pub fn held(&self, now: SimTime) -> SimDuration {
        self.turns.map_or(now.since(self.since), |turns| turns.held(now).saturating_sub(self.held_before))
    }

    /// How much of that was pause.
    pub fn restarting(&self, now: SimTime) -> SimDuration {
        match &self.turns {
            _ if self.rate == Rate::ZERO => SimDuration::ZERO,
            None => self.resume.min(now).since(self.since),
            Some(turns) => turns.restarting(now).saturating_sub(self.restarting_before),
        }
    }

    /// Goes on at `rate` after `pause`, which replaces what was left of an earlier one; never
    /// beyond `limit` iterations.
    pub fn change(&mut self, now: SimTime, limit: Iterations, rate: Rate, restart: SimDuration) {
        let done = self.done(now);
        self.done = if done > limit { limit } else { done };
        self.since = now;
        self.resume = now + restart;
        self.rate = rate;
        self.turns = None;
        (self.held_before, self.restarting_before) = (SimDuration::ZERO, SimDuration::ZERO);
    }

    /// Goes on as before, but at `rate`.
    pub fn change_rate(&mut self, now: SimTime, limit: Iterations, rate: Rate) {
        let turns = self.turns;
        self.change(now, limit, rate, self.restart_left(now));
        self.turns = turns;
        if let Some(turns) = turns {
            (self.held_before, self.restarting_before) = (turns.held(now), turns.restarting(now));
        }
    }

    /// Goes on at `rate` in turns that start now.
    pub fn rotate(&mut self, now: SimTime, limit: Iterations, rate: Rate, turns: Turns) {
        self.change(now, limit, rate, SimDuration::ZERO);
        self.turns = Some(turns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_starts_after_the_pause_and_is_kept_when_the_speed_changes() {
        let goal = Iterations::new(100.0);
        let at = SimTime::from_secs;
        let mut progress = Progress::default();
        progress.change(at(10), goal, Rate::new(2.0), SimDuration::from_secs(5));
        assert_eq!(progress.done(at(15)), Iterations::ZERO);
        assert_eq!(progress.reaches(goal), at(65));
        assert_eq!(progress.restart_left(at(12)), SimDuration::from_secs(3));
        // 10 s at 2/s are 20; at 8/s after 4 s the other 80 take 10 s.
        progress.change(at(25), goal, Rate::new(8.0), SimDuration::from_secs(4));
        assert_eq!(progress.done(at(29)), Iterations::new(20.0));
        assert_eq!(progress.reaches(goal), at(39));
        // A change during a pause replaces its rest.
        progress.change(at(26), goal, Rate::new(8.0), SimDuration::from_secs(1));
        assert_eq!(progress.reaches(goal), at(37));
    }

    /// Closed form against a walk in steps of one second, for every place and for pauses up to the
    /// quantum.
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
    fn standing_still_never_ends() {
        let progress = Progress::default();
        assert_eq!(progress.reaches(Iterations::new(1.0)), SimTime::NEVER);
        assert_eq!(progress.done(SimTime::from_secs(9)), Iterations::ZERO);
        assert_eq!(progress.restart_left(SimTime::ZERO), SimDuration::ZERO);
    }
}
