//! How Pollux is set: what can be chosen, what its artifact did, and what follows from a choice
//! alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::super::OptionValue::Word;
use super::super::{ArtifactSettings, ChangeCost, OptionDoc, OptionsError, OverheadPreset, SUSPEND};
use super::search::{Effort, Interference, Seeds};
use crate::job::JobId;
use crate::units::{SimDuration, SimTime};

pub(super) const OPTIONS: &[OptionDoc] = &[
    OptionDoc { key: "interval", default: "60 s", help: "the time between rounds" },
    OptionDoc { key: "delay", default: "30 s", help: "what a change is thought to cost a job" },
    OptionDoc { key: "population", default: "100", help: "plans that the search keeps" },
    OptionDoc { key: "generations", default: "100", help: "generations that the search runs" },
    OptionDoc {
        key: "ticks",
        default: "arrival",
        help: "where rounds begin: with the first `arrival`, or at multiples of the interval on the trace's `clock`",
    },
    OptionDoc {
        key: "warm_start",
        default: "job",
        help: "which rows of the last round's plans a job goes on from: its own (`job`), or by `rank` among who is left",
    },
    OptionDoc {
        key: "interference",
        default: "spread",
        help: "who gives way where a second job that spans nodes meets a first: it (`spread`), or `all-later` jobs",
    },
    OptionDoc {
        key: "base",
        default: "needed",
        help: "the fair share's nodes: as many as `needed`, or `one` however many GPUs that are",
    },
    OptionDoc {
        key: "seeds",
        default: "greedy",
        help: "what the search starts from besides the last round's plans: a `greedy` plan, or `none`",
    },
];

/// The longest time between rounds: as long as times of a trace can be. Seconds.
const LONGEST: f64 = 1e10;
/// The most plans and generations: a thousand times what is usual is a slip of the pen.
const MOST: usize = 100_000;

/// What its artifact did.
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

/// Its options.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    /// Seconds.
    pub(super) interval: f64,
    /// Seconds.
    pub(super) delay: f64,
    pub(super) population: usize,
    pub(super) generations: usize,
    pub(super) ticks: Ticks,
    pub(super) warm_start: WarmStart,
    pub(super) interference: Interferes,
    pub(super) base: Base,
    pub(super) seeds: SeedPlans,
}

/// Where rounds begin.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Ticks {
    Arrival,
    Clock,
}

/// Which rows of the last plans a job goes on from.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum WarmStart {
    Job,
    Rank,
}

/// Who gives way where jobs that span nodes meet.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Interferes {
    Spread,
    AllLater,
}

/// The nodes of the fair share.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Base {
    Needed,
    One,
}

/// What the search starts from besides.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SeedPlans {
    Greedy,
    None,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            interval: 60.0,
            delay: 30.0,
            population: 100,
            generations: 100,
            ticks: Ticks::Arrival,
            warm_start: WarmStart::Job,
            interference: Interferes::Spread,
            base: Base::Needed,
            seeds: SeedPlans::Greedy,
        }
    }
}

impl Settings {
    /// The time between rounds, if all of the settings are possible.
    pub(super) fn check(&self) -> Result<SimDuration, OptionsError> {
        let fault = |what: &str| Err(OptionsError(what.to_owned()));
        let interval = SimDuration::from_secs_f64(self.interval).filter(|time| *time > SimDuration::ZERO);
        let Some(interval) = interval.filter(|_| self.interval <= LONGEST) else {
            return fault("`interval` must be above 0 s and at most 10000000000, such as 60");
        };
        if !(self.delay >= 0.0 && self.delay.is_finite()) {
            return fault("`delay` must be at least 0 s, such as 30");
        }
        for (key, value) in [("population", self.population), ("generations", self.generations)] {
            if !(1..=MOST).contains(&value) {
                return Err(OptionsError(format!("`{key}` must be from 1 to {MOST}, such as 100")));
            }
        }
        Ok(interval)
    }

    /// Which part of its time is left to a job of so many seconds if its GPUs change, after so many
    /// starts.
    pub(super) fn after_change(&self, age: f64, starts: u32) -> f64 {
        let restarts = f64::from(starts.saturating_sub(1));
        (age - self.delay * restarts).max(0.0) / (age + self.delay).max(f64::MIN_POSITIVE)
    }

    /// How it searches.
    pub(super) fn search(&self) -> (Effort, Interference, Seeds) {
        let interference = match self.interference {
            Interferes::Spread => Interference::Spread,
            Interferes::AllLater => Interference::AllLater,
        };
        let seeds = match self.seeds {
            SeedPlans::Greedy => Seeds::Greedy,
            SeedPlans::None => Seeds::None,
        };
        (Effort { population: self.population, generations: self.generations }, interference, seeds)
    }
}

impl Ticks {
    /// How far into an interval it is: a round is due where that is nothing. `next` is the round
    /// that was to come, and `quiet` says that nobody was there before.
    pub(super) fn into(self, now: SimTime, next: SimTime, interval: SimDuration, quiet: bool) -> SimDuration {
        let micros = match self {
            Ticks::Clock => now.as_micros(),
            Ticks::Arrival if quiet => 0,
            // Also where rounds were passed over.
            Ticks::Arrival => (now + interval).since(next).as_micros(),
        };
        SimDuration::from_micros(micros % interval.as_micros())
    }
}

impl WarmStart {
    /// For each of the jobs that are here now, in their order, the place among those of the last
    /// round whose rows it goes on from; `None` for who is new.
    pub(super) fn places(self, last: &[JobId], now: &[JobId]) -> Vec<Option<usize>> {
        let old: BTreeMap<JobId, usize> = last.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        let here: BTreeSet<JobId> = now.iter().copied().collect();
        let mut left = last.iter().filter(|id| here.contains(id)).map(|id| old[id]);
        now.iter()
            .map(|id| {
                let own = old.get(id).copied();
                match self {
                    WarmStart::Job => own,
                    // Whoever was there takes the next row of those that were there, whosever it
                    // was.
                    WarmStart::Rank => own.and_then(|_| left.next()),
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job of 90 s that was started once has nothing behind it: 90 of 120 s. Started three times
    /// it was restarted twice: (90 − 60)/120. What was restarted longer than it is old, and what
    /// has just come, has nothing to lose.
    #[test]
    fn a_change_costs_the_more_the_younger_and_the_oftener() {
        let settings = Settings::default();
        let parts = [(90.0, 0), (90.0, 1), (90.0, 3), (90.0, 5), (0.0, 0), (29970.0, 1)];
        let parts = parts.map(|(age, starts)| settings.after_change(age, starts));
        assert_eq!(parts, [0.75, 0.75, 0.25, 0.0, 0.0, 0.999]);
        let free = Settings { delay: 0.0, ..Settings::default() };
        assert_eq!((free.after_change(10.0, 7), free.after_change(0.0, 0)), (1.0, 0.0));
    }

    /// Rounds every minute. The first arrival is at 45 s: on the clock the round before was at 0,
    /// so it is 45 s into one, by arrivals it is a round, and the next is at 105. A plan at 100 is
    /// 55 s into that. One at 230, the rounds at 105 and 165 having been passed over, is 5 s after
    /// the one at 225.
    #[test]
    fn rounds_begin_on_the_clock_or_with_who_comes() {
        let minute = SimDuration::from_secs(60);
        let at = |ticks: Ticks, now, next, quiet| {
            ticks.into(SimTime::from_secs(now), SimTime::from_secs(next), minute, quiet).as_secs_f64()
        };
        assert_eq!(at(Ticks::Clock, 45, 0, true), 45.0);
        assert_eq!([60, 3600, 3599].map(|now| at(Ticks::Clock, now, 0, false)), [0.0, 0.0, 59.0]);
        assert_eq!(at(Ticks::Arrival, 45, 0, true), 0.0);
        assert_eq!([100, 105, 230].map(|now| at(Ticks::Arrival, now, 105, false)), [55.0, 0.0, 5.0]);
    }

    /// The last round had jobs 5, 2, 7 and 3 in this order. 2 is gone, 9 is new, and 3 is first
    /// now. By rank 3 takes the row of 5, the next of those left 7's, its own, and then 5 takes
    /// that of 3.
    #[test]
    fn rows_go_to_their_jobs_or_to_the_next_one() {
        let last = [5, 2, 7, 3].map(JobId);
        let now = [3, 7, 9, 5].map(JobId);
        assert_eq!(WarmStart::Job.places(&last, &now), [Some(3), Some(2), None, Some(0)]);
        assert_eq!(WarmStart::Rank.places(&last, &now), [Some(0), Some(2), None, Some(3)]);
        assert_eq!(WarmStart::Rank.places(&[], &now), [None; 4]);
    }

    #[test]
    fn impossible_settings_are_refused() {
        let check = |settings: Settings| settings.check().map_err(|why| why.to_string());
        assert_eq!(check(Settings::default()), Ok(SimDuration::from_secs(60)));
        for (settings, key) in [
            (Settings { interval: 0.0, ..Settings::default() }, "`interval`"),
            (Settings { interval: 1e11, ..Settings::default() }, "`interval`"),
            (Settings { delay: f64::NAN, ..Settings::default() }, "`delay`"),
            (Settings { delay: -1.0, ..Settings::default() }, "`delay`"),
            (Settings { population: 0, ..Settings::default() }, "`population`"),
            (Settings { population: 1_000_000, ..Settings::default() }, "`population`"),
            (Settings { generations: 0, ..Settings::default() }, "`generations`"),
        ] {
            let why = check(settings).expect_err("it is impossible");
            assert!(why.contains(key), "{why}");
        }
    }
}
