//! One scenario, from its simulation to its run directory.

#[expect(clippy::disallowed_types, reason = "timing.json says how long a run takes")]
use std::time::Instant;

use serde::Serialize;

use crate::metrics::Metrics;
use crate::report::{self, Manifest, Recording, Staged, Summary};
use crate::sim::{Scenario, simulate};

use super::output::Failure;
use super::progress::{Progress, Watched};

/// A scenario that is checked and may be run, on any thread.
pub(super) struct Case {
    pub(super) scenario: Scenario,
    /// What is known before the run.
    pub(super) summary: Summary,
    pub(super) manifest: Manifest,
    /// Where to write, if anything is to be written.
    pub(super) recording: Option<Recording>,
}

/// What a case comes to. The directory is complete and waits for its name.
pub(super) struct Done {
    pub(super) summary: Summary,
    pub(super) staged: Option<Staged>,
}

/// `timing.json`: wall-clock figures, which differ from run to run.
#[derive(Serialize)]
struct Timing {
    simulate_seconds: f64,
    plans_per_second: f64,
    events_per_second: f64,
}

impl Case {
    /// Runs it.
    pub(super) fn run(self, progress: &Progress) -> Result<Done, Failure> {
        let Case { scenario, mut summary, manifest, mut recording } = self;
        let others = match &mut recording {
            Some(recording) => recording.observers().map_err(Failure::run)?,
            None => Vec::new(),
        };
        let mut watched = Watched { progress, others };
        tracing::info!(jobs = scenario.workload.len(), "run {}", scenario.scheduler.name);
        #[expect(clippy::disallowed_types, reason = "timing.json says how long a run takes")]
        let begun = Instant::now();
        let outcome = simulate(&scenario, &mut watched)?;
        let seconds = begun.elapsed().as_secs_f64();
        drop(watched);
        tracing::info!(seconds, plans = outcome.totals.plans, "done with {}", scenario.scheduler.name);
        let per_second = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let timing = Timing {
            simulate_seconds: seconds,
            plans_per_second: per_second(outcome.totals.plans),
            events_per_second: per_second(outcome.totals.events),
        };
        let (jobs, digest) = report::jobs_csv(&outcome.jobs).map_err(Failure::run)?;
        summary.digest = digest;
        summary.metrics =
            Metrics::of(&outcome.jobs, &outcome.totals, scenario.cluster.gpus(), scenario.until);
        let finish = |recording: Recording| recording.finish(&jobs, &summary, &manifest, &timing);
        let staged = recording.map(finish).transpose()?;
        Ok(Done { summary, staged })
    }
}
