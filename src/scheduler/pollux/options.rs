//! The options: by default what the paper says, and as alternatives what the artifact does where
//! that differs. The artifact is the simulator that the authors published (petuum/adaptdl, branch
//! `osdi21-artifact`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::search::{Effort, Interference, Seeds};
use crate::job::JobId;
use crate::scheduler::OptionValue::Word;
use crate::scheduler::{ArtifactSettings, ChangeCost, OptionDoc, OptionsError, OverheadPreset, SUSPEND};
use crate::units::{MIN_INTERVAL, SimDuration, SimTime};

pub(super) const OPTIONS: &[OptionDoc] = &[
    OptionDoc { key: "interval", default: "60 s", help: "time between rounds" },
    OptionDoc {
        key: "delay",
        default: "30 s",
        help: "time that a change of its GPUs is assumed to cost a job",
    },
    OptionDoc { key: "population", default: "100", help: "number of plans that the search keeps" },
    OptionDoc { key: "generations", default: "100", help: "number of generations of the search" },
    OptionDoc {
        key: "ticks",
        default: "arrival",
        help: "when rounds begin: with the first `arrival`, or at multiples of the interval on the trace's `clock`",
    },
    OptionDoc {
        key: "warm_start",
        default: "job",
        help: "rows of the last round's plans that a job goes on from: its own (`job`), or those at its `rank` among the jobs that are left",
    },
    OptionDoc {
        key: "interference",
        default: "spread",
        help: "rows that lose a node where a second job that spans nodes meets a first: the second job's (`spread`), or that and `all-later` rows",
    },
    OptionDoc {
        key: "base",
        default: "needed",
        help: "nodes of the fair share: as many as `needed`, or `one` however many GPUs that are",
    },
    OptionDoc {
        key: "seeds",
        default: "greedy",
        help: "what the search starts from besides the last round's plans: `greedy` plans and the plan in force, or `none`",
    },
];

/// The largest population and number of generations: a thousand times the default is a mistake.
const MOST: usize = 100_000;

/// What the artifact does.
pub(super) const ARTIFACT: ArtifactSettings = ArtifactSettings {
    options: &[
        ("ticks", Word("clock")),
        ("warm_start", Word("rank")),
        ("interference", Word("all-later")),
        ("base", Word("one")),
        ("seeds", Word("none")),
    ],
    overhead: Some(OverheadPreset {
        change: ChangeCost::Fixed(SimDuration::from_secs(30)),
        suspend: Some(SUSPEND),
    }),
    slot: Some(SimDuration::from_secs(60)),
};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub(super) enum $name { $($(#[$word_doc])* $word),* }
    )*};
}
words! {
    /// The instants at which rounds begin.
    Ticks {
        /// At the first arrival after a time without jobs, and at every interval from there.
        Arrival,
        /// At multiples of the interval on the trace's clock.
        Clock,
    }
    /// The rows of the last round's plans that a job goes on from.
    WarmStart {
        /// The rows that are its own.
        Job,
        /// Those at its rank among the jobs of that round that are still live.
        Rank,
    }
    /// The nodes of the fair share.
    ShareNodes {
        /// As many as the GPUs of the share need; and the share has no more GPUs than the job can
        /// use.
        Needed,
        /// One, whether it has so many GPUs or not.
        One,
    }
}

/// The options of a run.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PolluxOptions {
    /// The time between rounds, in seconds.
    interval: f64,
    /// The time that a change of its GPUs is assumed to cost a job, in seconds.
    delay: f64,
    population: usize,
    generations: usize,
    pub(super) ticks: Ticks,
    pub(super) warm_start: WarmStart,
    interference: Interference,
    pub(super) base: ShareNodes,
    pub(super) seeds: Seeds,
}

impl Default for PolluxOptions {
    fn default() -> PolluxOptions {
        PolluxOptions {
            interval: 60.0,
            delay: 30.0,
            population: 100,
            generations: 100,
            ticks: Ticks::Arrival,
            warm_start: WarmStart::Job,
            interference: Interference::Spread,
            base: ShareNodes::Needed,
            seeds: Seeds::Greedy,
        }
    }
}

impl PolluxOptions {
    /// Checks what no type says, and returns the time between rounds.
    ///
    /// # Errors
    ///
    /// If a number is out of its range.
    pub(super) fn check(&self) -> Result<SimDuration, OptionsError> {
        let interval = SimDuration::from_secs_f64(self.interval).filter(|time| *time >= MIN_INTERVAL);
        let Some(interval) = interval else {
            return Err(OptionsError(format!(
                "`interval` is {:?} s; give at least {MIN_INTERVAL} s and at most 10000000000 s, such as 60",
                self.interval
            )));
        };
        if !(self.delay >= 0.0 && self.delay.is_finite()) {
            return Err(OptionsError(format!(
                "`delay` is {:?} s; give a time of at least 0 s, such as 30",
                self.delay
            )));
        }
        for (key, value) in [("population", self.population), ("generations", self.generations)] {
            if !(1..=MOST).contains(&value) {
                return Err(OptionsError(format!(
                    "`{key}` is {value}; give a number from 1 to {MOST}, such as 100"
                )));
            }
        }
        Ok(interval)
    }

    /// Returns the part of its speedup that counts for a job if its GPUs change: (T − R·δ) ÷ (T +
    /// δ) at an age of T = `age` seconds, after R restarts, with δ = `delay` (Pollux, section 4.2);
    /// 0 where that is negative. `starts` is one more than R, or 0 for a job that has not started.
    pub(super) fn after_change(&self, age: f64, starts: u32) -> f64 {
        let restarts = f64::from(starts.saturating_sub(1));
        (age - self.delay * restarts).max(0.0) / (age + self.delay).max(f64::MIN_POSITIVE)
    }

    /// Returns the parameters of the search.
    pub(super) fn search_parameters(&self) -> (Effort, Interference, Seeds) {
        let effort = Effort { population: self.population, generations: self.generations };
        (effort, self.interference, self.seeds)
    }
}

impl Ticks {
    /// Returns the time since the last round was due; zero where one is due now. `next` is the
    /// round that was to come, and `quiet` says that no job was live before the arrivals of this
    /// instant.
    pub(super) fn since_round(
        self,
        now: SimTime,
        next: SimTime,
        interval: SimDuration,
        quiet: bool,
    ) -> SimDuration {
        let micros = match self {
            Ticks::Clock => now.as_micros(),
            Ticks::Arrival if quiet => 0,
            Ticks::Arrival => {
                // Rounds may have been passed over, so `next` may be long ago. It is at most an
                // interval ahead; one interval more keeps the difference from being negative.
                assert!(next <= now + interval, "the round at {next} s was set at most an interval ahead");
                (now + interval).since(next).as_micros()
            }
        };
        SimDuration::from_micros(micros % interval.as_micros())
    }
}

impl WarmStart {
    /// Returns for each job of `now` the place in `last` of the job whose rows it goes on from;
    /// `None` for a job that is not in `last`.
    pub(super) fn places(self, last: &[JobId], now: &[JobId]) -> Vec<Option<usize>> {
        let old: BTreeMap<JobId, usize> = last.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        let live: BTreeSet<JobId> = now.iter().copied().collect();
        let mut left = last.iter().filter(|id| live.contains(id)).map(|id| old[id]);
        now.iter()
            .map(|id| {
                let own = *old.get(id)?;
                match self {
                    WarmStart::Job => Some(own),
                    WarmStart::Rank => Some(left.next().expect("as many places are left as jobs of `last`")),
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job of 90 s that was started once has had no restart: 90 of 120 s. Started three times, it
    /// was restarted twice: (90 − 60)/120. Restarts that took longer than its age leave nothing,
    /// and a job that has just arrived has no age.
    #[test]
    fn a_change_costs_the_more_the_younger_and_the_oftener() {
        let options = PolluxOptions::default();
        let parts = [(90.0, 0), (90.0, 1), (90.0, 3), (90.0, 5), (0.0, 0), (29970.0, 1)];
        let parts = parts.map(|(age, starts)| options.after_change(age, starts));
        assert_eq!(parts, [0.75, 0.75, 0.25, 0.0, 0.0, 0.999]);
        let free = PolluxOptions { delay: 0.0, ..PolluxOptions::default() };
        assert_eq!((free.after_change(10.0, 7), free.after_change(0.0, 0)), (1.0, 0.0));
    }

    /// The interval is 60 s, and the first job arrives at 45 s. On the clock the last round was due
    /// at 0, 45 s ago. By arrivals a round is due now, and the next one at 105 s. A plan at 100 s
    /// is 55 s after the round at 45 s. If the rounds at 105 and 165 s are passed over, a plan at
    /// 230 s is 5 s after the round that was due at 225 s.
    #[test]
    fn rounds_begin_on_the_clock_or_with_an_arrival() {
        let minute = SimDuration::from_secs(60);
        let since_round = |ticks: Ticks, now, next, quiet| {
            ticks.since_round(SimTime::from_secs(now), SimTime::from_secs(next), minute, quiet).as_secs_f64()
        };
        assert_eq!(since_round(Ticks::Clock, 45, 0, true), 45.0);
        assert_eq!([60, 3600, 3599].map(|now| since_round(Ticks::Clock, now, 0, false)), [0.0, 0.0, 59.0]);
        assert_eq!(since_round(Ticks::Arrival, 45, 0, true), 0.0);
        assert_eq!([100, 105, 230].map(|now| since_round(Ticks::Arrival, now, 105, false)), [55.0, 0.0, 5.0]);
    }

    /// The last round had jobs 5, 2, 7 and 3 in this order. Job 2 has completed, job 9 is new, and
    /// job 3 comes first now. By rank, job 3 takes the rows of job 5, job 7 takes those of the next
    /// job that is left, its own, and job 5 takes those of job 3.
    #[test]
    fn rows_go_to_their_jobs_or_to_the_next_one() {
        let last = [5, 2, 7, 3].map(JobId);
        let now = [3, 7, 9, 5].map(JobId);
        assert_eq!(WarmStart::Job.places(&last, &now), [Some(3), Some(2), None, Some(0)]);
        assert_eq!(WarmStart::Rank.places(&last, &now), [Some(0), Some(2), None, Some(3)]);
        assert_eq!(WarmStart::Rank.places(&[], &now), [None; 4]);
    }

    #[test]
    fn numbers_out_of_their_range_are_refused() {
        let check = |options: PolluxOptions| options.check().map_err(|why| why.to_string());
        assert_eq!(check(PolluxOptions::default()), Ok(SimDuration::from_secs(60)));
        for (options, key) in [
            (PolluxOptions { interval: 0.0, ..PolluxOptions::default() }, "`interval`"),
            (PolluxOptions { interval: 0.000_9, ..PolluxOptions::default() }, "`interval`"),
            (PolluxOptions { interval: 1e11, ..PolluxOptions::default() }, "`interval`"),
            (PolluxOptions { delay: f64::NAN, ..PolluxOptions::default() }, "`delay`"),
            (PolluxOptions { delay: -1.0, ..PolluxOptions::default() }, "`delay`"),
            (PolluxOptions { population: 0, ..PolluxOptions::default() }, "`population`"),
            (PolluxOptions { population: 1_000_000, ..PolluxOptions::default() }, "`population`"),
            (PolluxOptions { generations: 0, ..PolluxOptions::default() }, "`generations`"),
        ] {
            let why = check(options).expect_err("a number is out of its range");
            assert!(why.contains(key), "{why}");
        }
    }
}
