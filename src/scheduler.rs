//! What a scheduler is: it receives a [`View`] and returns a [`Plan`].
//!
//! Each policy is a file of its own below `src/scheduler/`; [`entries`] lists them. A policy knows
//! nothing of the simulation but the view: whatever it may know is a method of [`View`].

mod chronus;
mod edf;
mod edf_admission;
mod elasticflow;
mod elasticflow_no_admission;
mod fifo;
mod gandiva;
mod guarantee;
mod options;
mod oracle;
mod ordered_jobs;
mod plan;
mod pollux;
mod srtf;
mod table;
mod themis;
mod tiresias;
mod view;

#[doc = include_str!("../docs/add-a-scheduler.md")]
pub mod tutorial {}

pub use options::{OptionDoc, OptionValue, OptionsError, PolicyOptions};
pub use oracle::Oracle;
pub use plan::{Grant, Plan, Promise, Reason};
pub use table::{UnknownScheduler, entries, entry};
pub use view::{Observation, View};

use crate::job::JobId;
use crate::units::{SimDuration, SimTime};

/// Named here for [`ArtifactSettings`]: a policy states an overhead as a constant of its entry,
/// while its decisions see no more of overheads than [`View`] tells.
pub use crate::overhead::{ChangeCost, OverheadPreset, SUSPEND};

/// Decides which jobs run, and on how many GPUs.
///
/// A scheduler may keep notes between calls. It does no I/O, reads no clock but [`View::now`], and
/// draws random numbers only from a generator that it was built with: the same calls return the
/// same plans. It breaks every tie itself, in the end by the job's id.
pub trait Scheduler: Send {
    /// Returns the whole of what should hold from now on, whatever held before.
    ///
    /// The simulation calls this when jobs have arrived or completed, and at the time that the last
    /// plan asked for with [`Plan::wake_at`]. There is one call for everything that happens at one
    /// instant. Arrivals and completions wait until the scenario's slot has passed since the last
    /// call; wake-ups do not wait. The first call sees the first arrivals.
    ///
    /// A plan that breaks a rule ends the run with a [`PlanFault`](crate::sim::PlanFault).
    fn plan(&mut self, view: &View<'_>) -> Plan;

    /// Returns whether a job that has arrived just now must not wait for the end of the slot, which
    /// is at `due`: then the call comes at once. No job is urgent unless a policy says so.
    fn is_urgent(&self, _view: &View<'_>, _job: JobId, _due: SimTime) -> bool {
        false
    }
}

/// A policy as the rest of the program knows it.
///
/// An entry states what is its own and takes the rest from [`Entry::BASE`]:
///
/// ```
/// use elasticflow_sim::scheduler::{Entry, Plan, Scheduler, View};
///
/// struct Idle;
///
/// impl Scheduler for Idle {
///     fn plan(&mut self, _: &View<'_>) -> Plan {
///         Plan::new()
///     }
/// }
///
/// const ENTRY: Entry = Entry {
///     name: "idle",
///     summary: "grants nothing",
///     knows: "nothing",
///     build: |options, _| {
///         options.none()?;
///         Ok(Box::new(Idle))
///     },
///     ..Entry::BASE
/// };
/// assert_eq!(ENTRY.paper, None);
/// ```
#[derive(Clone, Copy)]
pub struct Entry {
    /// The name on the command line and in every file; unique among all names and aliases.
    pub name: &'static str,
    /// Other names that are understood, the published artifact's among them; none in the base.
    pub aliases: &'static [&'static str],
    /// What the policy does, in one line.
    pub summary: &'static str,
    /// The paper that describes the policy; `None` in the base.
    pub paper: Option<&'static str>,
    /// What the policy goes by, besides submissions and deadlines. `oracle:` stands before what no
    /// real cluster could know.
    pub knows: &'static str,
    /// The options that `--set` takes; none in the base.
    pub options: &'static [OptionDoc],
    /// The keys among the options that say how often the policy wakes itself; none in the base.
    pub intervals: &'static [&'static str],
    /// Returns how long after a plan the policy makes the next one while any job is live, where its
    /// options alone decide that; `None` in the base.
    pub rounds: fn(&PolicyOptions) -> Option<SimDuration>,
    /// Whether a grant of GPUs admits a job, as in the base. Otherwise the plan must say so with
    /// [`Plan::admit`].
    pub grant_admits: bool,
    /// Whether jobs run on the GPUs that their users requested; not so in the base.
    pub requested_size: bool,
    /// Whether the policy chooses batch sizes, so that the speeds of its jobs are those of a
    /// goodput model; not so in the base.
    pub adapts_batch: bool,
    /// The settings of the published artifact of another system, where that is this policy with
    /// other settings; `None` in the base.
    pub artifact: Option<ArtifactSettings>,
    /// Builds the policy. The base has none and refuses.
    pub build: Build,
}

/// Builds a policy from its options and the seed of its random numbers. Fails if the options hold
/// an unknown key or a value that the policy cannot have.
pub type Build = fn(&PolicyOptions, u64) -> Result<Box<dyn Scheduler>, OptionsError>;

impl Entry {
    /// An entry of a policy whose grants admit, without aliases, paper, options and artifact. Name,
    /// summary, knowledge and `build` are for the policy to state.
    pub const BASE: Entry = Entry {
        name: "",
        aliases: &[],
        summary: "",
        paper: None,
        knows: "",
        options: &[],
        intervals: &[],
        rounds: |_| None,
        grant_admits: true,
        requested_size: false,
        adapts_batch: false,
        artifact: None,
        build: |_, _| Err(OptionsError("this entry has no `build`; state one".to_owned())),
    };
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The settings with which a policy does what its published artifact did. They hold where the user
/// says nothing.
#[derive(Clone, Copy, Debug)]
pub struct ArtifactSettings {
    /// Options of the policy.
    pub options: &'static [(&'static str, OptionValue)],
    /// The restart overhead, if the artifact has one of its own.
    pub overhead: Option<OverheadPreset>,
    /// The minimum time between scheduling passes, if the artifact has one of its own.
    pub slot: Option<SimDuration>,
}
