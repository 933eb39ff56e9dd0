//! How much of a job is done, as a function of time.
//!
//! Between two changes of speed the work done is linear, after a pause in which nothing happens. It is settled, that is
//! rounded, only when the speed changes: events that do not concern a job do not touch its numbers.

use crate::units::{Iterations, Rate, SimDuration, SimTime};

/// The work done by one job: a pause until `resume`, then `rate`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress {
    since: SimTime,
    resume: SimTime,
    done: Iterations,
    rate: Rate,
}

impl Progress {
    /// The work done at `now`, which is not before the last change.
    pub fn done(&self, now: SimTime) -> Iterations {
        if now <= self.resume || self.rate == Rate::ZERO {
            return self.done;
        }
        self.done + self.rate * now.since(self.resume)
    }

    /// When `goal` iterations are done at the present speed; [`SimTime::NEVER`] where it stands still.
    pub fn reaches(&self, goal: Iterations) -> SimTime {
        self.resume + (goal - self.done).time_at(self.rate)
    }

    /// The rest of the pause.
    pub fn pause_left(&self, now: SimTime) -> SimDuration {
        if self.rate == Rate::ZERO { SimDuration::ZERO } else { self.resume.since(now) }
    }

    /// The present speed.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// When the present speed was set.
    pub fn since(&self) -> SimTime {
        self.since
    }

    /// How much of the time since the last change was pause.
    pub fn paused(&self, now: SimTime) -> SimDuration {
        if self.rate == Rate::ZERO { SimDuration::ZERO } else { self.resume.min(now).since(self.since) }
    }

    /// Goes on at `rate` after `pause`, which replaces what was left of an earlier one; never beyond `limit` iterations.
    pub fn change(&mut self, now: SimTime, limit: Iterations, rate: Rate, pause: SimDuration) {
        let done = self.done(now);
        self.done = if done > limit { limit } else { done };
        self.since = now;
        self.resume = now + pause;
        self.rate = rate;
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
        assert_eq!(progress.pause_left(at(12)), SimDuration::from_secs(3));
        // 10 s at 2/s are 20; at 8/s after 4 s the other 80 take 10 s.
        progress.change(at(25), goal, Rate::new(8.0), SimDuration::from_secs(4));
        assert_eq!(progress.done(at(29)), Iterations::new(20.0));
        assert_eq!(progress.reaches(goal), at(39));
        // A change during a pause replaces its rest.
        progress.change(at(26), goal, Rate::new(8.0), SimDuration::from_secs(1));
        assert_eq!(progress.reaches(goal), at(37));
    }

    #[test]
    fn standing_still_never_ends() {
        let progress = Progress::default();
        assert_eq!(progress.reaches(Iterations::new(1.0)), SimTime::NEVER);
        assert_eq!(progress.done(SimTime::from_secs(9)), Iterations::ZERO);
        assert_eq!(progress.pause_left(SimTime::ZERO), SimDuration::ZERO);
    }
}
