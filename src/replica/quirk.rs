//! The quirks of the artifact that can be switched off, by number.

use std::fmt;

use super::schedule::Schedule;

/// A quirk of the artifact that can be switched off. The function or constant that enacts it says
/// what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirk {
    /// The number among the artifact's quirks, from 1 to 48.
    pub number: u8,
    /// The schedules that have it.
    pub of: &'static [Schedule],
    /// What happens with it.
    pub what: &'static str,
    /// What happens without it.
    pub without: &'static str,
}

macro_rules! quirks {
    ($($name:ident $number:literal [$($schedule:ident)*] $what:literal; $without:literal)*) => {
        $(pub(super) const $name: Quirk = Quirk {
            number: $number,
            of: &[$(Schedule::$schedule),*],
            what: $what,
            without: $without,
        };)*

        /// Every quirk that has a switch, in ascending order of the numbers.
        const ALL: &[Quirk] = &[$($name),*];
    };
}

quirks! {
    Q1 1 [Ef EfAccessCtrl]
        "leftover GPUs go to the job whose GPU-time grows most";
        "leftover GPUs go to the job whose GPU-time grows least"
    Q2 2 [Ef EfAccessCtrl]
        "a plan is charged for GPU-time after its end";
        "a plan is charged up to its end"
    Q3 3 [EfAccessCtrl]
        "the arrivals of a slot are admitted or declined together";
        "arrivals are judged one by one"
    Q4 4 [EfAccessCtrl EdfAccessCtrl]
        "every arrival is declined while an admitted job is late";
        "a job that is late anyway keeps no other job out"
    Q5 5 [Ef EfAccessCtrl]
        "the minimum share is filled backwards from the deadline";
        "the minimum share is filled from now on, at one level"
    Q6 6 [EfAccessCtrl]
        "a job is judged by its planned end, without the slot's rest and the last overhead";
        "a job is judged by the end that is written down"
    Q8 8 [Edf EdfAccessCtrl Ef EfAccessCtrl Gandiva]
        "every running job pays overhead in every round";
        "overhead is paid only when GPUs change"
    Q9 9 [Ef EfAccessCtrl EdfAccessCtrl DlasGpu Gandiva]
        "everything restarts every so many rounds as a slot has seconds";
        "nothing restarts"
    Q10 10 [Edf Themis]
        "overhead is free";
        "overhead is paid as under the other schedules"
    Q12 12 [Edf EdfAccessCtrl]
        "the aligned end of a plan overwrites what is free at that instant";
        "free GPUs are kept, and ends are exact"
    Q13 13 [Edf EdfAccessCtrl]
        "a job gets GPUs past the peak of its curve";
        "no GPUs past the peak of the curve"
    Q14 14 [EdfAccessCtrl]
        "best-effort jobs are declined like any other";
        "best-effort jobs are always admitted"
    Q19 19 [Ef EfAccessCtrl Edf EdfAccessCtrl DlasGpu]
        "what happens within a slot is put off to its end";
        "every event has its own time"
    Q21 21 [Themis]
        "the share of a cluster is a share of time, so that the denominator of fairness is in iterations";
        "fairness is in seconds"
    Q23 23 [Themis]
        "leases received are not counted";
        "leases received divide the shares"
    Q24 24 [Themis]
        "the latest event stands in for now, and ends are rounded up to the lease's";
        "now is now, and ends are exact"
    Q25 25 [DlasGpu]
        "the demotion of a job on several GPUs is looked at late";
        "a demotion is looked at when it is due"
    Q26 26 [DlasGpu]
        "the overhead of a start is not in the end";
        "the overhead of a start is in the end"
    Q28 28 [Gandiva]
        "the clock jumps from arrival to arrival, and turns change only at whole minutes";
        "the clock ticks by slots, and turns change at every tick"
    Q29 29 [Gandiva]
        "ended jobs keep their seats";
        "ended jobs give their seats back"
    Q30 30 [Gandiva]
        "the last seat of a set counts as taken";
        "the last seat of a set is a seat"
    Q47 47 [Gandiva]
        "a size with GPUs to spare gives up that many sets";
        "a size gives up only sets that it has to spare"
    Q48 48 [Gandiva]
        "jobs of a size without a set are not demand, and no size loses its last set";
        "jobs that wait are demand, and take nodes from the size that has most"
}

impl fmt::Display for Quirk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "quirk.q{}", self.number)
    }
}

/// The quirks of a run: all of them, unless some are switched off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quirks {
    /// A bit for the number of each quirk that is off.
    off: u64,
}

/// Whether a quirk is on, as an option says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Switch {
    /// The quirk happens.
    On,
    /// The quirk does not happen.
    Off,
}

/// The key of an option is not that of a quirk, or the schedule has no switch for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is not a switch of `{schedule}`; it has: {known}")]
pub struct QuirkError {
    /// The key as it was given.
    pub key: String,
    /// The schedule's name.
    pub schedule: &'static str,
    /// The keys that the schedule has.
    pub known: String,
}

impl Quirks {
    /// Returns all quirks, which is the artifact as it was published.
    pub const fn all() -> Quirks {
        Quirks { off: 0 }
    }

    /// Iterates over the quirks for which a schedule has switches, in ascending order.
    pub fn of(schedule: Schedule) -> impl Iterator<Item = Quirk> {
        ALL.iter().copied().filter(move |quirk| quirk.of.contains(&schedule))
    }

    /// Returns all quirks but those that are switched off by their keys, such as `quirk.q3`.
    ///
    /// # Errors
    ///
    /// If a key is not a switch of the schedule.
    pub fn switched<'t>(
        schedule: Schedule,
        switches: impl IntoIterator<Item = (&'t str, Switch)>,
    ) -> Result<Quirks, QuirkError> {
        let mut quirks = Quirks::default();
        for (key, switch) in switches {
            let quirk = Quirks::of(schedule).find(|quirk| quirk.to_string() == key);
            let Some(quirk) = quirk else {
                let known: Vec<_> = Quirks::of(schedule).map(|quirk| quirk.to_string()).collect();
                let (key, known) = (key.to_owned(), known.join(", "));
                return Err(QuirkError { key, schedule: schedule.as_str(), known });
            };
            if switch == Switch::Off {
                quirks = quirks.without(quirk);
            }
        }
        Ok(quirks)
    }

    /// Returns these quirks with one switched off.
    #[must_use]
    pub fn without(self, quirk: Quirk) -> Quirks {
        Quirks { off: self.off | 1 << quirk.number }
    }

    /// Returns whether a quirk is on.
    pub(super) fn has(self, quirk: Quirk) -> bool {
        self.off & 1 << quirk.number == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_are_read_by_schedule() {
        let switched = |switches| Quirks::switched(Schedule::EfAccessCtrl, switches);
        let off = switched(vec![("quirk.q3", Switch::Off), ("quirk.q5", Switch::On)]).unwrap();
        assert!(!off.has(Q3) && off.has(Q5) && off.has(Q1));
        let why = switched(vec![("quirk.q13", Switch::Off)]).unwrap_err();
        assert_eq!(
            why.to_string(),
            "`quirk.q13` is not a switch of `ef-accessctrl`; it has: quirk.q1, quirk.q2, quirk.q3, quirk.q4, \
             quirk.q5, quirk.q6, quirk.q8, quirk.q9, quirk.q19"
        );
    }

    #[test]
    fn numbers_ascend_and_every_schedule_has_switches() {
        assert!(ALL.windows(2).all(|pair| pair[0].number < pair[1].number));
        assert!(ALL.iter().all(|quirk| quirk.number < 64 && !quirk.of.is_empty()));
        assert!(Schedule::ALL.iter().all(|schedule| Quirks::of(*schedule).count() > 1));
    }
}
