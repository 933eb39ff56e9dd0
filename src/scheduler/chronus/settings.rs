//! The options: the paper by default, and what the published evaluation did where that differs.

use serde::Deserialize;

use crate::scheduler::{OptionDoc, OptionsError};
use crate::units::SimDuration;

pub(super) const OPTIONS: &[OptionDoc] = &[
    OptionDoc { key: "lease", default: "1200 s", help: "how long a lease is" },
    OptionDoc {
        key: "check",
        default: "0 s (at once)",
        help: "how often ends are noticed and what is left over is dealt out",
    },
    OptionDoc {
        key: "arrivals",
        default: "0 s (as check)",
        help: "how often new jobs are judged and what is left over is dealt out; a multiple of check",
    },
    OptionDoc {
        key: "grid",
        default: "first",
        help: "where leases begin: `first`: with the first job that finds no other; `clock`: at 0 on the trace's clock",
    },
    OptionDoc {
        key: "newcomers",
        default: "now",
        help: "jobs judged when leases begin can have these (`now`) or the `next` ones",
    },
    OptionDoc {
        key: "deadline",
        default: "exact",
        help: "`lease`: a deadline is rounded down to the end of a lease; `exact`: the lease that it falls into counts in part",
    },
    OptionDoc {
        key: "estimate",
        default: "exact",
        help: "leases needed: `exact`: work and a pause in each; `inflated`: 1.1 times the work and the share of a pause in a lease, at least `exact`",
    },
    OptionDoc {
        key: "widths",
        default: "asked",
        help: "`rounded`: up to 8 GPUs leases are 1, 2, 4 or 8 wide",
    },
    OptionDoc {
        key: "admission",
        default: "repack",
        help: "`greedy`: newcomers go into what earlier jobs leave; `repack`: these make room where that fails",
    },
    OptionDoc {
        key: "rejected",
        default: "forgotten",
        help: "`kept`: leases for who was rejected, however late, are kept from those judged at the same time",
    },
    OptionDoc {
        key: "objective",
        default: "adaptive",
        help: "guaranteed jobs run as much as possible (`most`) or as little (`least`); `adaptive`: `least` while others were rejected",
    },
    OptionDoc {
        key: "program",
        default: "0 (never)",
        help: "an integer program decides if it has no more than so many integers; otherwise, and if it finds nothing in 1000 nodes of its search, exchanges do",
    },
    OptionDoc {
        key: "opportunistic",
        default: "on",
        help: "guaranteed jobs use GPUs that nobody else wants",
    },
    OptionDoc { key: "best_effort", default: "keep", help: "`drop`: best-effort jobs are turned away" },
    OptionDoc {
        key: "restart",
        default: "change",
        help: "who runs on what is left over pays for a start at a `change` of its GPUs, or with every `lease`",
    },
];

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($word:ident),* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub(super) enum $name { $($word),* }
    )*};
}
words! {
    /// Where the first lease begins.
    Grid { First, Clock }
    /// Which leases jobs can have that are judged when some begin.
    Newcomers { Now, Next }
    /// What the lease counts into which a deadline falls.
    Deadline { Exact, Lease }
    /// How many leases a job needs.
    Estimate { Exact, Inflated }
    /// How wide leases are.
    Widths { Asked, Rounded }
    /// Whether earlier jobs make room.
    Admission { Repack, Greedy }
    /// What becomes of the leases that a rejected job would have had.
    Rejected { Forgotten, Kept }
    /// How many guaranteed jobs run.
    Aim { Adaptive, Most, Least }
    /// On or off.
    Switch { On, Off }
    /// What becomes of best-effort jobs.
    BestEffort { Keep, Drop }
    /// When a job pays for a start.
    Restart { Change, Lease }
}

/// The options of a run.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) lease: SimDuration,
    check: SimDuration,
    arrivals: SimDuration,
    pub(super) grid: Grid,
    pub(super) newcomers: Newcomers,
    pub(super) deadline: Deadline,
    pub(super) estimate: Estimate,
    pub(super) widths: Widths,
    pub(super) admission: Admission,
    pub(super) rejected: Rejected,
    pub(super) objective: Aim,
    pub(super) program: usize,
    pub(super) opportunistic: Switch,
    pub(super) best_effort: BestEffort,
    pub(super) restart: Restart,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            lease: SimDuration::from_secs(1200),
            check: SimDuration::ZERO,
            arrivals: SimDuration::ZERO,
            grid: Grid::First,
            newcomers: Newcomers::Now,
            deadline: Deadline::Exact,
            estimate: Estimate::Exact,
            widths: Widths::Asked,
            admission: Admission::Repack,
            rejected: Rejected::Forgotten,
            objective: Aim::Adaptive,
            program: 0,
            opportunistic: Switch::On,
            best_effort: BestEffort::Keep,
            restart: Restart::Change,
        }
    }
}

impl Settings {
    /// Checks what no type says.
    ///
    /// # Errors
    ///
    /// If a lease has no length, or new jobs are judged between checks.
    pub(super) fn checked(self) -> Result<Settings, OptionsError> {
        let between = |check: u64| check > 0 && !self.arrivals.as_micros().is_multiple_of(check);
        let why = if self.lease == SimDuration::ZERO {
            "`lease` must be above 0 s, such as 1200"
        } else if between(self.check.as_micros()) {
            "`arrivals` must be a multiple of `check`"
        } else {
            return Ok(self);
        };
        Err(OptionsError(why.to_owned()))
    }

    /// How often new jobs are judged and what is left over is dealt out; zero for at once.
    pub(super) fn look(&self) -> SimDuration {
        if self.arrivals == SimDuration::ZERO { self.check } else { self.arrivals }
    }
}
