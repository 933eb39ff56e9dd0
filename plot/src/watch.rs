//! The events of a run that figures over time need.

use std::io;

use elasticflow_sim::record::{Happened, Observer};
use elasticflow_sim::units::SimTime;
use elasticflow_sim::workload::Workload;
use indicatif::ProgressBar;

/// The state of the cluster from some time on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moment {
    /// Seconds of the trace's clock.
    pub(crate) time: f64,
    /// GPUs held.
    pub(crate) gpus: f64,
    /// GPUs of the cluster.
    pub(crate) total: f64,
    /// The sum over running jobs of the speed divided by that on one GPU, divided by all GPUs.
    pub(crate) efficiency: f64,
}

/// The events of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct WatchedRun {
    /// The cluster after each plan. Even a plan that changes nothing may find fewer jobs than the
    /// one before.
    pub(crate) moments: Vec<Moment>,
    /// The submissions of all jobs, in seconds.
    pub(crate) submitted: Vec<f64>,
    /// The submissions of the admitted jobs, in seconds.
    pub(crate) admitted: Vec<f64>,
}

/// Observes a run, and moves the progress bar.
pub(crate) struct RunWatch {
    pub(crate) watched: WatchedRun,
    pub(crate) bar: ProgressBar,
    /// Number of jobs that have ended or were declined.
    pub(crate) seen: u64,
}

impl Observer for RunWatch {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()> {
        match what {
            Happened::Arrived { .. } => self.watched.submitted.push(at.as_secs_f64()),
            Happened::Admitted { job, .. } => {
                self.watched.admitted.push(jobs.jobs()[job.index()].submit.as_secs_f64());
            }
            Happened::Planned(now) => self.watched.moments.push(Moment {
                time: at.as_secs_f64(),
                gpus: f64::from(now.gpus_busy.get()),
                total: f64::from(now.gpus_total.get()),
                efficiency: now.cluster_efficiency,
            }),
            Happened::Ended { .. } | Happened::Declined { .. } => {
                self.seen += 1;
                self.bar.inc(1);
            }
            _ => {}
        }
        Ok(())
    }
}
