//! One scenario, from its simulation to its run directory.

use serde::Serialize;

use crate::metrics::Metrics;
use crate::record::Observer;
use crate::report::{self, Manifest, OutputError, Recording, Staged, Summary};
use crate::sim::{Outcome, Scenario, SimError, simulate};

/// A scenario that is checked and may be run, on any thread.
pub struct Case {
    /// What is simulated.
    pub scenario: Scenario,
    /// What is known before the run.
    pub summary: Summary,
    /// How to run it again.
    pub manifest: Manifest,
    /// Where to write, if anything is to be written.
    pub recording: Option<Recording>,
}

/// A case that has been simulated; nothing of it is scored or written yet.
pub struct Ran {
    case: Case,
    outcome: Outcome,
}

/// What a case comes to. The directory is complete and waits for its name.
pub struct Done {
    /// What was simulated, and what came out of it.
    pub summary: Summary,
    /// The run directory, if there is one.
    pub staged: Option<Staged>,
}

/// Why a case does not come to anything.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The simulation stopped.
    #[error(transparent)]
    Simulation(#[from] SimError),
    /// A file could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Rows could not be written.
    #[error("cannot write what happened: {0}")]
    Io(#[from] std::io::Error),
}

impl CaseError {
    /// Whether the input is to blame, and nothing was run.
    pub fn is_input(&self) -> bool {
        matches!(self, CaseError::Simulation(SimError::Scenario(_)))
    }
}

/// `timing.json`: wall-clock figures, which differ from run to run.
#[derive(Serialize)]
struct Timing {
    simulate_seconds: f64,
    plans_per_second: f64,
    events_per_second: f64,
}

/// Tells somebody and everybody else.
struct Watched<'a> {
    watcher: &'a mut dyn Observer,
    others: Vec<Box<dyn Observer + 'a>>,
}

impl Observer for Watched<'_> {
    fn observe(
        &mut self,
        at: crate::units::SimTime,
        jobs: &crate::workload::Workload,
        what: &crate::record::Happened<'_>,
    ) -> std::io::Result<()> {
        self.watcher.observe(at, jobs, what)?;
        self.others.observe(at, jobs, what)
    }
}

impl Case {
    /// Runs it, and tells `watcher` what happens.
    ///
    /// # Errors
    ///
    /// If the simulation stops or what happens cannot be written.
    pub fn simulate(mut self, watcher: &mut dyn Observer) -> Result<Ran, CaseError> {
        let others = match &mut self.recording {
            Some(recording) => recording.observers()?,
            None => Vec::new(),
        };
        let mut watched = Watched { watcher, others };
        tracing::info!(jobs = self.scenario.workload.len(), "run {}", self.scenario.scheduler.name);
        let outcome = simulate(&self.scenario, &mut watched)?;
        drop(watched);
        tracing::info!(plans = outcome.totals.plans, "done with {}", self.scenario.scheduler.name);
        Ok(Ran { case: self, outcome })
    }
}

impl Ran {
    /// Scores it and writes what is to be written; `seconds` of wall-clock time is what the simulation took.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn finish(self, seconds: f64) -> Result<Done, CaseError> {
        let Ran { case: Case { scenario, mut summary, manifest, recording }, outcome } = self;
        let per_second = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let timing = Timing {
            simulate_seconds: seconds,
            plans_per_second: per_second(outcome.totals.plans),
            events_per_second: per_second(outcome.totals.events),
        };
        let (jobs, digest) = report::jobs_csv(&outcome.jobs)?;
        summary.digest = digest;
        summary.metrics =
            Metrics::of(&outcome.jobs, &outcome.totals, scenario.cluster.gpus(), scenario.until);
        let finish = |recording: Recording| recording.finish(&jobs, &summary, &manifest, &timing);
        let staged = recording.map(finish).transpose()?;
        Ok(Done { summary, staged })
    }
}
