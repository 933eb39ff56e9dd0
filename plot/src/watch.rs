//! What a figure over time needs of a run.

use std::io;

use elasticflow_sim::record::{Happened, Observer};
use elasticflow_sim::units::SimTime;
use elasticflow_sim::workload::Workload;
use indicatif::ProgressBar;

/// The cluster from some time on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moment {
    /// In seconds of the trace's clock.
    pub(crate) time: f64,
    /// GPUs held.
    pub(crate) gpus: f64,
    /// GPUs there are.
    pub(crate) total: f64,
    /// Speed gained over one GPU each, per GPU of the cluster.
    pub(crate) efficiency: f64,
}

/// What happened when.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watched {
    /// After each plan: also one that changes nothing may find fewer jobs than the one before.
    pub(crate) moments: Vec<Moment>,
    /// When jobs were submitted, in seconds.
    pub(crate) submitted: Vec<f64>,
    /// When those were submitted that were taken on.
    pub(crate) admitted: Vec<f64>,
}

/// Watches one run, and moves the bar on.
pub(crate) struct Watch {
    pub(crate) watched: Watched,
    pub(crate) bar: ProgressBar,
    /// Jobs that are done with.
    pub(crate) seen: u64,
}

impl Observer for Watch {
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
