//! One scenario, from its simulation to its run directory.

use serde::Serialize;

use std::sync::Arc;

use crate::metrics::Metrics;

use crate::record::Observer;
use crate::record::jobs::JobRow;
use crate::report::{self, Manifest, OutputError, RunDirectory, StagedDirectory, Summary};
use crate::sim::{Outcome, Scenario, SimError, simulate};

use super::Known;
use super::engine::{Answer, Asked, Engine};

/// A scenario that is checked and may be run, on any thread.
pub struct Case {
    /// What is simulated.
    pub scenario: Scenario,
    /// What is known before the run.
    pub summary: Summary,
    /// How to run it again.
    pub manifest: Manifest,
    /// Where to write, if anything is to be written.
    pub recording: Option<RunDirectory>,
    /// By which speeds its jobs run, in words.
    pub truth: String,
    /// What runs it, if the event core does not, with the speeds.
    pub(super) engine: Option<(&'static dyn Engine, Arc<Known>)>,
    /// What the run directory holds.
    pub(super) layout: Layout,
}

/// What a run directory holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Layout {
    /// The files that every run leaves
    #[default]
    Default,
    /// The published artifact's own files, too: job.csv, final_result.csv and scheduling_events.csv
    Artifact,
}

/// A case that has been simulated; nothing of it is scored or written yet.
pub struct Ran {
    case: Case,
    outcome: Outcome,
    /// What an engine besides the event core prints itself: accepted and declined.
    counted: Option<(u64, u64)>,
}

/// What a case comes to. The directory is complete and waits for its name.
pub struct Done {
    /// One row for each job, in the trace's order.
    pub jobs: Vec<JobRow>,
    /// What was simulated, and what came out of it.
    pub summary: Summary,
    /// The run directory, if there is one.
    pub staged: Option<StagedDirectory>,
}

/// Why a case does not come to anything.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The simulation stopped.
    #[error(transparent)]
    Simulation(#[from] SimError),
    /// The input is one on which the published artifact cannot be followed.
    #[error("`{0}` under --preset paper: {1}")]
    Engine(&'static str, anyhow::Error),
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
        matches!(self, CaseError::Simulation(SimError::Scenario(_)) | CaseError::Engine(..))
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
    /// Says what its run directory is to hold.
    ///
    /// # Errors
    ///
    /// If what runs it does not leave that.
    pub fn leave(&mut self, layout: Layout, events: bool) -> anyhow::Result<()> {
        let name = self.scenario.scheduler.name;
        match self.engine {
            None if layout == Layout::Artifact => anyhow::bail!(
                "--layout artifact: `{name}` under --preset {} is not the published artifact; leave it out, or give \
                 --preset paper and a scheduler of the artifact's",
                self.summary.preset
            ),
            Some(_) if events => anyhow::bail!(
                "--events: `{name}` under --preset paper has no events; leave it out, or see its rounds with --layout artifact"
            ),
            _ => {}
        }
        self.layout = layout;
        Ok(())
    }

    /// Whether somebody may watch: an engine besides the event core tells nobody what happens.
    pub fn is_watched(&self) -> bool {
        self.engine.is_none()
    }

    /// Runs it, and tells `watcher` what happens; an engine besides the event core tells nobody.
    ///
    /// # Errors
    ///
    /// If the simulation stops or what happens cannot be written.
    pub fn simulate(mut self, watcher: &mut dyn Observer) -> Result<Ran, CaseError> {
        if let Some((engine, known)) = self.engine.clone() {
            return self.simulate_by(engine, &known);
        }
        let others = match &mut self.recording {
            Some(recording) => recording.observers()?,
            None => Vec::new(),
        };
        let mut watched = Watched { watcher, others };
        tracing::info!(jobs = self.scenario.workload.len(), "run {}", self.scenario.scheduler.name);
        let outcome = simulate(&self.scenario, &mut watched)?;
        drop(watched);
        tracing::info!(plans = outcome.totals.plans, "done with {}", self.scenario.scheduler.name);
        Ok(Ran { case: self, outcome, counted: None })
    }

    fn simulate_by(mut self, engine: &dyn Engine, known: &Known) -> Result<Ran, CaseError> {
        let name = self.scenario.scheduler.name;
        let files = self.layout == Layout::Artifact && self.recording.is_some();
        tracing::info!(jobs = self.scenario.workload.len(), "run {name} by {engine:?}");
        let asked =
            Asked { scenario: &self.scenario, table: &known.table, trace: &self.summary.trace, files };
        let Answer { outcome, counted, files } =
            engine.run(&asked).map_err(|why| CaseError::Engine(name, why))?;
        tracing::info!(plans = outcome.totals.plans, "done with {name}");
        if let Some(recording) = self.recording.take() {
            let mut recording = recording.without_observers()?;
            for (name, bytes) in &files {
                recording.add(name, bytes)?;
            }
            self.recording = Some(recording);
        }
        Ok(Ran { case: self, outcome, counted: Some(counted) })
    }
}

impl Ran {
    /// Scores it and writes what is to be written; `seconds` of wall-clock time is what the
    /// simulation took, if that is to be written, too.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn finish(self, seconds: Option<f64>) -> Result<Done, CaseError> {
        let Ran { case: Case { scenario, mut summary, manifest, recording, .. }, outcome, counted } = self;
        let timing = seconds.map(|seconds| {
            let per_second = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
            Timing {
                simulate_seconds: seconds,
                plans_per_second: per_second(outcome.totals.plans),
                events_per_second: per_second(outcome.totals.events),
            }
        });
        let (bytes, digest) = report::jobs_csv(&outcome.jobs)?;
        summary.digest = digest;
        summary.metrics =
            Metrics::of(&outcome.jobs, &outcome.totals, scenario.cluster.gpus(), scenario.until);
        if let Some((accepted, declined)) = counted {
            let all = accepted + declined;
            summary.artifact_accepted = Some(accepted);
            summary.artifact_declined = Some(declined);
            // The ratio that the artifact prints: of what it counts itself.
            summary.metrics.planned_dsr = (all > 0).then(|| accepted as f64 / all as f64);
        }
        let finish = |recording: RunDirectory| recording.finish(&bytes, &summary, &manifest, timing.as_ref());
        let staged = recording.map(finish).transpose()?;
        Ok(Done { jobs: outcome.jobs, summary, staged })
    }
}
