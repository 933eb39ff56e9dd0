//! What a scheduler is: it sees a [`View`] and answers with a [`Plan`].
//!
//! The policies are in the files below, one each; [`entries`] lists them. They see nothing of the
//! simulation but the view, so that whatever a policy may know is a method of [`View`].

mod best_effort;
mod chronus;
mod edf;
mod edf_admission;
mod elastic;
mod elasticflow;
mod elasticflow_no_admission;
mod fifo;
mod finish_time;
mod free;
mod gandiva;
mod gittins;
mod guarantee;
mod ladder;
mod options;
mod oracle;
mod plan;
mod pollux;
mod queue;
mod reservation;
mod reservations;
mod srtf;
mod themis;
mod tiresias;
mod view;

#[doc = include_str!("../docs/add-a-scheduler.md")]
pub mod tutorial {}

pub use options::{OptionDoc, Options, OptionsError};
pub use oracle::Oracle;
pub use plan::{Grant, Plan, Promise, Reason};
pub use view::{Observation, View};

/// Decides which jobs run, and on how many GPUs.
///
/// A scheduler sees the whole state of the cluster and answers with the whole of what it wants; the
/// simulation works out what has to change. It may keep notes of its own between calls. It does no
/// I/O, reads no clock but [`View::now`], and draws no random numbers but from a generator it was
/// built with, so that the same calls bring the same answers.
pub trait Scheduler {
    /// Called when jobs have arrived or ended, and at the time that the last plan asked for.
    fn plan(&mut self, view: &View<'_>) -> Plan;
}

/// A policy as the rest of the program knows it.
#[derive(Clone, Copy)]
pub struct Entry {
    /// The name on the command line and in every file.
    pub name: &'static str,
    /// Other names, the published artifact's among them.
    pub aliases: &'static [&'static str],
    /// What it does, in a line.
    pub summary: &'static str,
    /// Where it is described.
    pub paper: &'static str,
    /// What it goes by, besides submissions and deadlines; `oracle:` stands before what no real
    /// cluster could know.
    pub knows: &'static str,
    /// What `--set` takes.
    pub options: &'static [OptionDoc],
    /// Whether granting GPUs to a job admits it; otherwise the plan must say so with
    /// [`Plan::admit`].
    pub grant_admits: bool,
    /// Whether jobs run on the GPUs that their users asked for.
    pub requested_size: bool,
    /// Whether it chooses batch sizes: its jobs' speeds are then those of a goodput model.
    pub adapts_batch: bool,
    /// What the published artifact of another system did with it, where that is this policy with
    /// other settings.
    pub artifact: Option<ArtifactSettings>,
    /// Makes one; the number seeds what it draws.
    pub build: Build,
}

/// Makes a policy from its options and the seed of what it draws.
pub type Build = fn(&Options, u64) -> Result<Box<dyn Scheduler>, OptionsError>;

/// The settings with which a policy does what its published artifact did.
#[derive(Clone, Copy, Debug)]
pub struct ArtifactSettings {
    /// Options, as `--set` takes them.
    pub options: &'static [(&'static str, &'static str)],
    /// The overhead, as `--overhead` takes it, if it is part of it.
    pub overhead: Option<&'static str>,
    /// The slot in seconds, if it is part of it.
    pub slot: Option<&'static str>,
}

/// Every policy, in the order in which they are listed.
pub fn entries() -> &'static [Entry] {
    &[
        elasticflow::ENTRY,
        elasticflow_no_admission::ENTRY,
        edf::ENTRY,
        edf_admission::ENTRY,
        fifo::ENTRY,
        srtf::ENTRY,
        gandiva::ENTRY,
        tiresias::ENTRY,
        themis::ENTRY,
        chronus::ENTRY,
        pollux::ENTRY,
    ]
}

/// No policy has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown scheduler `{name}`; known are {known}")]
pub struct UnknownScheduler {
    /// What was asked for.
    pub name: String,
    /// The names there are.
    pub known: String,
}

/// The policy with this name or alias.
///
/// # Errors
///
/// If there is none.
pub fn entry(name: &str) -> Result<&'static Entry, UnknownScheduler> {
    entries().iter().find(|e| e.name == name || e.aliases.contains(&name)).ok_or_else(|| UnknownScheduler {
        name: name.to_owned(),
        known: entries().iter().map(|e| e.name).collect::<Vec<_>>().join(", "),
    })
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("name", &self.name).finish_non_exhaustive()
    }
}
