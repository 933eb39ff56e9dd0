//! One run: checked, simulated, scored and written, in this order.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use serde::Serialize;

use crate::bound::Bound;
use crate::cluster::Shape;
use crate::record::jobs::JobRow;
use crate::record::{Happened, Observer};
use crate::report::{self, BOUND, Manifest, OutputError, RunDirectory, StagedDirectory, Summary, bound_csv};
use crate::scheduler::{Entry, PolicyOptions, Scheduler};
use crate::sim::{Outcome, Scenario, SimError, simulate_with};
use crate::units::SimTime;
use crate::workload::Workload;

use super::engine::{EngineCounts, EngineRequest, EngineResult, EngineRun};
use super::input::Inputs;
use super::resolved::ResolvedSettings;
use super::settings::RunSettings;

/// A run that is checked and can be simulated, on any thread.
///
/// It holds the scheduler, which was built to check the options and has planned nothing. Such a
/// scheduler takes a few hundred bytes, as the settings beside it do, so a sweep may hold one for
/// each of its points. Everything large is shared with other runs of the same inputs.
pub struct PreparedRun {
    resolved: ResolvedSettings,
    core: Core,
}

/// What simulates a run.
enum Core {
    Events(Box<dyn Scheduler>),
    Engine(Box<dyn EngineRun>),
}

/// Decides which files a run directory holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Layout {
    /// The files that every run leaves
    #[default]
    Default,
    /// Besides them the published artifact's own: job.csv, final_result.csv and
    /// scheduling_events.csv
    Artifact,
}

/// Where a run is written.
pub struct RunOutput {
    recording: RunDirectory,
    layout: Layout,
}

/// A run that was simulated; nothing of it is scored, and its directory is not complete.
pub struct SimulatedRun {
    resolved: ResolvedSettings,
    outcome: Outcome,
    counts: Option<EngineCounts>,
    recording: Option<RunDirectory>,
}

/// What a run came to. Its directory is complete and waits for its name.
pub struct RunResult {
    jobs: Vec<JobRow>,
    summary: Summary,
    manifest: Manifest,
    staged: Option<StagedDirectory>,
}

/// Says why a run does not come to a result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The simulation stopped.
    #[error(transparent)]
    Simulation(#[from] SimError),
    /// The published artifact cannot be followed on this input.
    #[error("`{0}` under --preset paper: {1}")]
    Engine(&'static str, anyhow::Error),
    /// A file could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The rows of the jobs could not be written.
    #[error("cannot write what happened: {}", .0.kind())]
    Io(std::io::Error),
}

// No `#[from]`: the error would be its source too, and its own text be printed after ours.
impl From<std::io::Error> for RunError {
    fn from(why: std::io::Error) -> RunError {
        RunError::Io(why)
    }
}

impl RunError {
    /// Tells whether the input is to blame, and nothing was run.
    pub fn is_input(&self) -> bool {
        matches!(self, RunError::Simulation(SimError::Scenario(_)) | RunError::Engine(..))
    }
}

/// `timing.json`: wall-clock figures, which differ from run to run.
#[derive(Serialize)]
struct Timing {
    simulate_seconds: f64,
    plans_per_second: f64,
    events_per_second: f64,
}

/// Passes every event on to one observer, then to the others.
struct Tee<'a> {
    first: &'a mut dyn Observer,
    others: Vec<Box<dyn Observer + 'a>>,
}

impl Observer for Tee<'_> {
    fn observe(&mut self, at: SimTime, jobs: &Workload, what: &Happened<'_>) -> std::io::Result<()> {
        self.first.observe(at, jobs, what)?;
        self.others.observe(at, jobs, what)
    }
}

impl RunOutput {
    /// Returns the output into a directory that was begun.
    pub fn new(recording: RunDirectory, layout: Layout) -> RunOutput {
        RunOutput { recording, layout }
    }
}

impl PreparedRun {
    /// Checks everything that a run under a scheduler would stumble over at its start, and builds
    /// the scheduler. `options` are those that the user gave.
    ///
    /// # Errors
    ///
    /// If the scheduler lacks the preset or an option, or cannot run the trace.
    pub fn new(
        settings: &RunSettings,
        inputs: &Arc<Inputs>,
        scheduler: &'static Entry,
        options: PolicyOptions,
    ) -> Result<PreparedRun> {
        let resolved = ResolvedSettings::new(settings, inputs, scheduler, options)?;
        let scenario = resolved.scenario();
        if let Some(engine) = resolved.engine() {
            let core = Core::Engine(engine.prepare(&scenario)?);
            return Ok(PreparedRun { resolved, core });
        }
        (scenario.placer.check)(&scenario.cluster).map_err(anyhow::Error::msg)?;
        if scheduler.requested_size && scenario.lacks_requested_size().is_some() {
            let why = inputs.trace().check_requested(inputs.measured().table()).err();
            let why = why.map_or_else(String::new, |why| why.to_string());
            bail!("`{}` runs every job on the GPUs it asks for\n{why}", scheduler.name);
        }
        let built = (scheduler.build)(&scenario.options, scenario.seed);
        let built = built.map_err(|why| anyhow!("options of `{}`: {why}", scheduler.name))?;
        Ok(PreparedRun { resolved, core: Core::Events(built) })
    }

    /// Returns the scheduler.
    pub fn scheduler(&self) -> &'static Entry {
        self.resolved.scheduler()
    }

    /// Returns the inputs.
    pub fn inputs(&self) -> &Inputs {
        self.resolved.inputs()
    }

    /// Returns what the event core simulates, with a scheduler that is yet to be built.
    pub fn scenario(&self) -> Scenario {
        self.resolved.scenario()
    }

    /// Computes the most deadlines that any scheduler could meet.
    ///
    /// # Errors
    ///
    /// With the reason, if there is no bound.
    pub fn bound(&self) -> Result<Bound, String> {
        self.resolved.compute_bound()
    }

    /// Returns the same on another cluster. Whether the placer accepts it is not checked.
    pub(super) fn scenario_on(&self, cluster: Shape) -> Scenario {
        self.resolved.scenario_on(cluster)
    }

    /// Says how to run it again.
    pub fn manifest(&self) -> Manifest {
        self.resolved.manifest()
    }

    /// Names the run by its scheduler and its trace.
    pub fn title(&self) -> String {
        format!("{} on {}", self.scheduler().name, self.resolved.trace_name())
    }

    /// Says by which speeds the jobs run.
    pub(super) fn about_speeds(&self) -> &str {
        self.resolved.speeds().about()
    }

    /// Tells whether an observer is told what happens: an engine besides the event core tells none.
    pub fn is_observed(&self) -> bool {
        matches!(self.core, Core::Events(_))
    }

    /// Checks that the run can leave these files; `events` asks for `events.jsonl`.
    ///
    /// # Errors
    ///
    /// If what runs it does not leave them.
    pub fn check_output(&self, layout: Layout, events: bool) -> Result<()> {
        let name = self.scheduler().name;
        match self.core {
            Core::Events(_) if layout == Layout::Artifact => bail!(
                "--layout artifact: `{name}` under --preset {} is not the published artifact; leave it out, or give \
                 --preset paper and a scheduler of the artifact's",
                self.resolved.preset()
            ),
            Core::Engine(_) if events => bail!(
                "--events: `{name}` under --preset paper has no events; leave it out, or see its rounds with --layout artifact"
            ),
            _ => Ok(()),
        }
    }

    /// Simulates the run, and tells `observer` what happens if [`PreparedRun::is_observed`].
    ///
    /// # Errors
    ///
    /// If the simulation stops, or what happens cannot be written.
    pub fn simulate(
        self,
        output: Option<RunOutput>,
        observer: &mut dyn Observer,
    ) -> Result<SimulatedRun, RunError> {
        let name = self.scheduler().name;
        tracing::info!(jobs = self.inputs().jobs(), "run {name}");
        let PreparedRun { resolved, core } = self;
        let simulated = match core {
            Core::Events(scheduler) => simulate_events(resolved, scheduler, output, observer),
            Core::Engine(run) => simulate_by(resolved, &*run, output),
        }?;
        tracing::info!(plans = simulated.outcome.totals.plans, "done with {name}");
        Ok(simulated)
    }
}

fn simulate_events(
    resolved: ResolvedSettings,
    scheduler: Box<dyn Scheduler>,
    output: Option<RunOutput>,
    observer: &mut dyn Observer,
) -> Result<SimulatedRun, RunError> {
    let mut recording = output.map(|output| output.recording);
    let others = match &mut recording {
        Some(recording) => recording.observers()?,
        None => Vec::new(),
    };
    let mut tee = Tee { first: observer, others };
    let outcome = simulate_with(&resolved.scenario(), scheduler, &mut tee)?;
    drop(tee);
    Ok(SimulatedRun { resolved, outcome, counts: None, recording })
}

/// Runs an engine besides the event core.
fn simulate_by(
    resolved: ResolvedSettings,
    run: &dyn EngineRun,
    output: Option<RunOutput>,
) -> Result<SimulatedRun, RunError> {
    let request = EngineRequest {
        scenario: &resolved.scenario(),
        table: resolved.inputs().measured().table(),
        trace: &resolved.trace_name(),
        files: output.as_ref().is_some_and(|output| output.layout == Layout::Artifact),
    };
    let name = resolved.scheduler().name;
    let EngineResult { outcome, counts, files } =
        run.run(&request).map_err(|why| RunError::Engine(name, why))?;
    let mut recording = output.map(|output| output.recording.without_observers()).transpose()?;
    if let Some(recording) = &mut recording {
        for (name, bytes) in &files {
            recording.add(name, bytes)?;
        }
    }
    Ok(SimulatedRun { resolved, outcome, counts: Some(counts), recording })
}

impl SimulatedRun {
    /// Scores the run and completes its directory. `seconds` of wall-clock time is what the
    /// simulation took, if that is to be written, too.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn finish(self, seconds: Option<f64>) -> Result<RunResult, RunError> {
        let SimulatedRun { resolved, outcome, counts, recording } = self;
        let timing = seconds.map(|seconds| {
            let per_second = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
            Timing {
                simulate_seconds: seconds,
                plans_per_second: per_second(outcome.totals.plans),
                events_per_second: per_second(outcome.totals.events),
            }
        });
        let (bytes, digest) = report::jobs_csv(&outcome.jobs)?;
        let bound = resolved.bound();
        let summary = resolved.summary(&outcome, digest, counts, bound.as_ref());
        let manifest = resolved.manifest();
        let mut recording = recording;
        if let (Some(recording), Some(Ok(bound))) = (&mut recording, &bound) {
            recording.add(BOUND, &bound_csv(bound, resolved.inputs().workload())?)?;
        }
        let finish = |recording: RunDirectory| recording.finish(&bytes, &summary, &manifest, timing.as_ref());
        let staged = recording.map(finish).transpose()?;
        Ok(RunResult { jobs: outcome.jobs, summary, manifest, staged })
    }
}

impl RunResult {
    /// Returns a row for each job, in the trace's order.
    pub fn jobs(&self) -> &[JobRow] {
        &self.jobs
    }

    /// Returns what was simulated, and what came out of it.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Returns how to run it again.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns where its directory is before it has its name, if it has one.
    pub fn directory(&self) -> Option<&Path> {
        self.staged.as_ref().map(StagedDirectory::path)
    }

    /// Gives its directory its name, if it has one.
    ///
    /// # Errors
    ///
    /// If the directory cannot be renamed.
    pub fn publish(self) -> Result<Summary, OutputError> {
        self.staged.map_or(Ok(()), StagedDirectory::publish)?;
        Ok(self.summary)
    }
}
