//! The restart overhead: how long a job makes no progress when its GPUs change.

mod measured;
mod preset;

use crate::cluster::NodeSet;
use crate::job::JobSpec;
use crate::units::{Gpus, SimDuration};

pub use preset::{CHRONUS, ChangeCost, OverheadPreset, PRESETS, SUSPEND};

/// The time that a change of GPUs costs a job.
///
/// An implementation is a pure function: the same arguments always bring the same result, and
/// nothing depends on the order of calls. Every plan asks for several values, so a call should cost
/// no more than a few hundred nanoseconds.
pub trait Overhead: Send + Sync {
    /// Returns the restart overhead of `job` when its GPUs change from `from` to `to`; `from` is
    /// `None` for a job that held nothing.
    ///
    /// `to` has at least one GPU, and `from` differs from it. The result is at most
    /// [`Overhead::bound`] of the GPUs of `to`; the simulation panics if it is more, since promises
    /// rest on that.
    fn restart(&self, job: &JobSpec, from: Option<&NodeSet>, to: &NodeSet) -> SimDuration;

    /// Returns the largest restart overhead of `job` into `gpus` GPUs, whatever it held before and
    /// whichever nodes it goes to.
    fn bound(&self, job: &JobSpec, gpus: Gpus) -> SimDuration;

    /// Returns what it costs `job` when its turn comes in a rotation on `gpus` GPUs: the job before
    /// it is suspended and `job` resumes on the same nodes. As much as a change unless an
    /// implementation says otherwise; it may be more or less than [`Overhead::bound`].
    fn turn(&self, job: &JobSpec, gpus: Gpus) -> SimDuration {
        self.bound(job, gpus)
    }
}
