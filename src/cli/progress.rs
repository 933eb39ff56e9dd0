//! A progress bar for what takes more than two seconds.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::experiment::{PreparedRun, RunError, RunOutput, RunResult};
use crate::record::{Happened, Observer};
use crate::units::SimTime;
use crate::workload::Workload;

/// A command that takes no longer than this shows no bar.
const PATIENCE: Duration = Duration::from_secs(2);

/// A progress bar that counts jobs that were completed or declined, over all runs of a command.
pub(super) struct Progress {
    bar: ProgressBar,
    shown: AtomicBool,
    points: u64,
    done: AtomicU64,
}

impl Progress {
    /// Returns a bar for `jobs` jobs in all. It is never shown if `quiet`, or where stderr is not a
    /// terminal.
    pub(super) fn new(jobs: u64, quiet: bool) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(jobs), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} jobs, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let hidden = quiet || !io::stderr().is_terminal();
        Progress { bar, shown: AtomicBool::new(hidden), points: 1, done: AtomicU64::new(0) }
    }

    /// Returns a bar that shows how many of `points` runs are done.
    pub(super) fn of_points(jobs: u64, points: u64, quiet: bool) -> Progress {
        let mut progress = Progress::new(jobs, quiet);
        let style = ProgressStyle::with_template("{bar:40} {msg}, {eta} left");
        progress.bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        progress.points = points;
        progress.say();
        progress
    }

    /// Counts a run that is done, `jobs` of whose jobs were not counted before.
    fn count_point(&self, jobs: u64) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.bar.inc(jobs);
        self.say();
        self.show();
    }

    fn say(&self) {
        let done = self.done.load(Ordering::Relaxed);
        self.bar.set_message(format!("{done} of {} points", self.points));
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

/// Counts the jobs of one run.
struct JobCounter<'a>(&'a Progress);

impl Observer for JobCounter<'_> {
    fn observe(&mut self, _: SimTime, _: &Workload, what: &Happened<'_>) -> io::Result<()> {
        match what {
            Happened::Ended { .. } | Happened::Declined { .. } => self.0.count(),
            Happened::Planned(_) => self.0.show(),
            _ => {}
        }
        Ok(())
    }
}

/// Counts the jobs of one run of many, and the run itself when it is dropped.
pub(super) struct PointProgress<'a> {
    progress: &'a Progress,
    /// Jobs that were neither completed nor declined so far.
    left: u64,
}

impl PointProgress<'_> {
    pub(super) fn new(progress: &Progress, jobs: u64) -> PointProgress<'_> {
        PointProgress { progress, left: jobs }
    }
}

impl Observer for PointProgress<'_> {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> io::Result<()> {
        if matches!(what, Happened::Ended { .. } | Happened::Declined { .. }) {
            self.left = self.left.checked_sub(1).expect("a job ends or is declined once");
        }
        JobCounter(self.progress).observe(at, jobs, what)
    }
}

impl Drop for PointProgress<'_> {
    fn drop(&mut self) {
        self.progress.count_point(self.left);
    }
}

/// Simulates a run and measures how long that takes. Besides the progress bar, `others` are told
/// what happens.
pub(super) fn simulate(
    run: PreparedRun,
    output: Option<RunOutput>,
    progress: &Progress,
    others: &mut dyn Observer,
) -> Result<RunResult, RunError> {
    #[expect(clippy::disallowed_types, reason = "timing.json says how long a run takes")]
    let begun = std::time::Instant::now();
    let mut observers: Vec<Box<dyn Observer + '_>> = vec![Box::new(JobCounter(progress)), Box::new(others)];
    let simulated = run.simulate(output, &mut observers)?;
    drop(observers);
    simulated.finish(Some(begun.elapsed().as_secs_f64()))
}
