//! A progress bar for what takes more than two seconds.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::record::{Happened, Observer};
use crate::units::SimTime;
use crate::workload::Workload;

/// How long nobody wonders.
const PATIENCE: Duration = Duration::from_secs(2);

/// Counts jobs that ended or were declined, over all runs of a command.
pub(super) struct Progress {
    bar: ProgressBar,
    shown: AtomicBool,
}

impl Progress {
    /// For `jobs` jobs in all; never shown if `quiet`, or where stderr is no terminal.
    pub(super) fn new(jobs: u64, quiet: bool) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(jobs), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} jobs, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let hidden = quiet || !io::stderr().is_terminal();
        Progress { bar, shown: AtomicBool::new(hidden) }
    }

    fn count(&self) {
        self.bar.inc(1);
        self.show();
    }

    fn show(&self) {
        if !self.shown.load(Ordering::Relaxed)
            && self.bar.elapsed() >= PATIENCE
            && !self.shown.swap(true, Ordering::Relaxed)
        {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Tells the progress and everybody else.
pub(super) struct Watched<'a> {
    pub(super) progress: &'a Progress,
    pub(super) others: Vec<Box<dyn Observer + 'a>>,
}

impl Observer for Watched<'_> {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()> {
        match what {
            Happened::Ended { .. } | Happened::Declined { .. } => self.progress.count(),
            Happened::Planned(_) => self.progress.show(),
            _ => {}
        }
        self.others.observe(at, jobs, what)
    }
}
