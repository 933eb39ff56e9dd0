//! The options: by default what the paper says, and as alternatives what the published evaluation
//! did where that differs.

use serde::Deserialize;

use crate::scheduler::{OptionDoc, OptionsError};
use crate::units::{SimDuration, duration_or_zero, positive_duration};

pub(super) const OPTIONS: &[OptionDoc] = &[
    OptionDoc { key: "lease", default: "1200 s", help: "how long a lease is" },
    OptionDoc {
        key: "check",
        default: "0 s (at once)",
        help: "how often completions are noticed and what is left over is dealt out",
    },
    OptionDoc {
        key: "arrivals",
        default: "0 s (as check)",
        help: "how often new jobs are judged and what is left over is dealt out; a multiple of check",
    },
    OptionDoc {
        key: "grid",
        default: "first",
        help: "when leases begin: `first`: with the first job that finds no other; `clock`: at 0 on the trace's clock",
    },
    OptionDoc {
        key: "newcomers",
        default: "now",
        help: "jobs that are judged when leases begin can have these (`now`) or the `next` ones",
    },
    OptionDoc {
        key: "deadline",
        default: "exact",
        help: "`exact`: the lease that a deadline falls into counts in part; `lease`: the deadline is rounded down to the end of a lease",
    },
    OptionDoc {
        key: "estimate",
        default: "exact",
        help: "leases that a job needs: `exact`: for its work and a restart overhead in each; `inflated`: for 1.1 times its work and the share of a restart overhead in a lease, at least `exact`",
    },
    OptionDoc {
        key: "widths",
        default: "asked",
        help: "GPUs that a lease is counted with: `asked`: those of the job; `rounded`: up to 8, the next of 1, 2, 4 and 8",
    },
    OptionDoc {
        key: "admission",
        default: "repack",
        help: "`greedy`: new jobs go into what earlier jobs leave; `repack`: earlier jobs make room where that fails",
    },
    OptionDoc {
        key: "rejected",
        default: "forgotten",
        help: "`kept`: leases for a rejected job, however late, are kept from the jobs judged with it",
    },
    OptionDoc {
        key: "objective",
        default: "adaptive",
        help: "guaranteed jobs run on as many GPUs as possible (`most`) or as few (`least`); `adaptive`: `least` while a rejected job is live",
    },
    OptionDoc {
        key: "ilp_limit",
        default: "0 (never)",
        help: "largest integer program (variables) to solve; beyond it, the exchange heuristic",
    },
    OptionDoc {
        key: "opportunistic",
        default: "on",
        help: "guaranteed jobs without a lease use GPUs that no other job wants (`on`, `off`)",
    },
    OptionDoc { key: "best_effort", default: "keep", help: "`drop`: best-effort jobs are declined" },
    OptionDoc {
        key: "restart",
        default: "change",
        help: "jobs on what is left over pay a restart overhead at a `change` of their GPUs, or with every `lease`",
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
    /// What the lease counts that a deadline falls into.
    Deadline { Exact, Lease }
    /// How many leases a job needs.
    Estimate { Exact, Inflated }
    /// How many GPUs a lease is counted with.
    Widths { Asked, Rounded }
    /// Whether earlier jobs make room.
    Admission { Repack, Greedy }
    /// What becomes of the leases that a rejected job would have had.
    Rejected { Forgotten, Kept }
    /// On how many GPUs guaranteed jobs run.
    Aim { Adaptive, Most, Least }
    /// Whether an option is in force.
    Switch { On, Off }
    /// What becomes of best-effort jobs.
    BestEffort { Keep, Drop }
    /// When a job on what is left over pays a restart overhead.
    Restart { Change, Lease }
}

/// The options of a run.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ChronusOptions {
    #[serde(deserialize_with = "positive_duration")]
    pub(super) lease: SimDuration,
    #[serde(deserialize_with = "duration_or_zero")]
    check: SimDuration,
    #[serde(deserialize_with = "duration_or_zero")]
    arrivals: SimDuration,
    pub(super) grid: Grid,
    pub(super) newcomers: Newcomers,
    pub(super) deadline: Deadline,
    pub(super) estimate: Estimate,
    pub(super) widths: Widths,
    pub(super) admission: Admission,
    pub(super) rejected: Rejected,
    pub(super) objective: Aim,
    pub(super) ilp_limit: usize,
    pub(super) opportunistic: Switch,
    pub(super) best_effort: BestEffort,
    pub(super) restart: Restart,
}

impl Default for ChronusOptions {
    fn default() -> ChronusOptions {
        ChronusOptions {
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
            ilp_limit: 0,
            opportunistic: Switch::On,
            best_effort: BestEffort::Keep,
            restart: Restart::Change,
        }
    }
}

impl ChronusOptions {
    /// Checks what no type says.
    ///
    /// # Errors
    ///
    /// If new jobs are judged between checks.
    pub(super) fn checked(self) -> Result<ChronusOptions, OptionsError> {
        let (arrivals, check) = (self.arrivals.as_micros(), self.check.as_micros());
        if check > 0 && !arrivals.is_multiple_of(check) {
            return Err(OptionsError("`arrivals` must be a multiple of `check`".to_owned()));
        }
        Ok(self)
    }

    /// Returns how often new jobs are judged and what is left over is dealt out; zero for at once.
    pub(super) fn look(&self) -> SimDuration {
        if self.arrivals == SimDuration::ZERO { self.check } else { self.arrivals }
    }
}
