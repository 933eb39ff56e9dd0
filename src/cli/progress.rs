//! A progress bar for what takes more than two seconds.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::experiment::{Case, CaseError, Done};
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

/// Watches one run.
pub(super) struct Watching<'a>(pub(super) &'a Progress);

impl Observer for Watching<'_> {
    fn observe(&mut self, _: SimTime, _: &Workload, what: &Happened<'_>) -> io::Result<()> {
        match what {
            Happened::Ended { .. } | Happened::Declined { .. } => self.0.count(),
            Happened::Planned(_) => self.0.show(),
            _ => {}
        }
        Ok(())
    }
}

/// Runs a case and says how long that took. Besides the progress bar, `others` are told what happens.
pub(super) fn simulate(
    case: Case,
    progress: &Progress,
    others: &mut dyn Observer,
) -> Result<Done, CaseError> {
    #[expect(clippy::disallowed_types, reason = "timing.json says how long a run takes")]
    let begun = std::time::Instant::now();
    let mut watchers: Vec<Box<dyn Observer + '_>> = vec![Box::new(Watching(progress)), Box::new(others)];
    let ran = case.simulate(&mut watchers)?;
    drop(watchers);
    ran.finish(begun.elapsed().as_secs_f64())
}
