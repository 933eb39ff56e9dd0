//! What is in force in a run: what its user said, over what its preset says, over the defaults.

use std::sync::Arc;

use anyhow::{Result, anyhow};

use crate::cluster::Shape;
use crate::metrics::Metrics;
use crate::overhead::OverheadPreset as Overhead;
use crate::report::{ClusterSummary, Manifest, Seeds, Summary};
use crate::scheduler::{ArtifactSettings, Entry, PolicyOptions};
use crate::sim::{Outcome, Scenario};
use crate::units::{SimDuration, SimTime};

use super::engine::{Engine, EngineCounts};
use super::engines::engine;
use super::input::{BoundResult, Inputs};
use super::policy_options::key_of_engine;
use super::preset::Preset;
use super::settings::{RunSettings, SLOT};
use super::speeds::JobSpeeds;

/// What `summary.json` has for the overhead and the placer of an engine that has its own.
const OF_ENGINE: &str = "artifact";

/// The settings in force in one run, with its inputs.
pub(super) struct ResolvedSettings {
    settings: RunSettings,
    inputs: Arc<Inputs>,
    scheduler: &'static Entry,
    /// As the user gave them.
    said: PolicyOptions,
    /// With those of the preset.
    options: PolicyOptions,
    slot: SimDuration,
    overhead: Overhead,
    speeds: Arc<JobSpeeds>,
    /// What runs it, if the event core does not.
    engine: Option<&'static dyn Engine>,
}

impl ResolvedSettings {
    /// Merges what a user said with what the preset says.
    ///
    /// # Errors
    ///
    /// If the scheduler lacks the preset, the preset cannot honour a setting, or a job has no
    /// measured speed.
    pub(super) fn new(
        settings: &RunSettings,
        inputs: &Arc<Inputs>,
        scheduler: &'static Entry,
        said: PolicyOptions,
    ) -> Result<ResolvedSettings> {
        settings.preset.check(scheduler)?;
        let engine = choose_engine(settings, scheduler, &said)?;
        if engine.is_none() {
            inputs.trace().check_work()?;
        }
        let artifact = scheduler.artifact.filter(|_| settings.preset == Preset::Paper);
        let nothing = ArtifactSettings { options: &[], overhead: None, slot: None };
        let ArtifactSettings { options, overhead, slot } = artifact.unwrap_or(nothing);
        Ok(ResolvedSettings {
            options: said.clone().over_preset(options),
            slot: settings.slot.or(slot).unwrap_or(SLOT),
            overhead: settings.overhead.or(overhead).unwrap_or_default(),
            speeds: inputs.job_speeds(scheduler.adapts_batch)?,
            settings: settings.clone(),
            inputs: inputs.clone(),
            scheduler,
            said,
            engine,
        })
    }

    /// Returns the scheduler.
    pub(super) fn scheduler(&self) -> &'static Entry {
        self.scheduler
    }

    /// Returns the preset.
    pub(super) fn preset(&self) -> Preset {
        self.settings.preset
    }

    /// Returns the inputs.
    pub(super) fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// Returns the speeds of the jobs.
    pub(super) fn speeds(&self) -> &JobSpeeds {
        &self.speeds
    }

    /// Returns what runs it, if the event core does not.
    pub(super) fn engine(&self) -> Option<&'static dyn Engine> {
        self.engine
    }

    /// Returns the trace as its user named it.
    pub(super) fn trace_name(&self) -> String {
        self.settings.trace.display().to_string()
    }

    /// Puts together what a simulation takes. The jobs and their speeds are shared, not copied.
    pub(super) fn scenario(&self) -> Scenario {
        self.scenario_on(self.inputs.cluster().clone())
    }

    /// Puts together the same on another cluster.
    pub(super) fn scenario_on(&self, cluster: Shape) -> Scenario {
        Scenario {
            workload: self.inputs.workload().clone(),
            overhead: self.overhead.for_cluster(cluster.gpus()).into(),
            cluster,
            truth: self.speeds.model(),
            belief: self.speeds.model(),
            placer: self.settings.placer(),
            scheduler: self.scheduler,
            options: self.options.clone(),
            seed: self.settings.seed(),
            slot: self.slot,
            until: self.settings.until,
            plan_limit: None,
        }
    }

    /// Says how to run it again.
    pub(super) fn manifest(&self) -> Manifest {
        let settings = self.settings.to_list(self.scheduler, &self.said);
        let seeds = Seeds { seed: self.settings.seed(), trace_seed: self.settings.trace_options.trace_seed };
        Manifest::new(settings, seeds, self.inputs.files().to_vec(), self.inputs.trace().notes.clone())
    }

    /// Returns the bound if it was asked for, or why there is none.
    pub(super) fn bound(&self) -> Option<BoundResult> {
        self.settings.bound.then(|| self.compute_bound())
    }

    /// Computes the bound, or says why there is none. Runs that differ in nothing that matters to
    /// it share it.
    pub(super) fn compute_bound(&self) -> BoundResult {
        if self.engine.is_some() {
            return Err("the published artifact has speeds and overheads of its own".to_owned());
        }
        let key = format!("{} {} {:?}", self.scheduler.adapts_batch, self.overhead, self.settings.until);
        self.inputs.bound(&key, &self.scenario())
    }

    /// Returns what was simulated and what came out of it; `digest` is that of the job rows,
    /// `counts` are the numbers that an engine prints itself.
    pub(super) fn summary(
        &self,
        outcome: &Outcome,
        digest: String,
        counts: Option<EngineCounts>,
        bound_result: Option<&BoundResult>,
    ) -> Summary {
        let bound = bound_result.and_then(|found| found.as_ref().ok());
        let cluster = self.inputs.cluster();
        let mut metrics = Metrics::of(&outcome.jobs, &outcome.totals, cluster.gpus(), self.settings.until);
        if let Some(EngineCounts { accepted, declined }) = counts {
            let all = accepted + declined;
            // The ratio that the artifact prints: of the jobs that it counts itself.
            metrics.planned_dsr = (all > 0).then(|| accepted as f64 / all as f64);
        }
        let own = self.engine.map(|_| OF_ENGINE.to_owned());
        Summary {
            scheduler: self.scheduler.name.to_owned(),
            preset: self.settings.preset.to_string(),
            options: self.options.to_json(),
            trace: self.trace_name(),
            drawn: Some(self.inputs.trace().drawn.join(", ")).filter(|drawn| !drawn.is_empty()),
            trace_seed: self.settings.trace_options.trace_seed,
            cluster: ClusterSummary::from(cluster),
            profiles: self.speeds.name().to_owned(),
            overhead: own.clone().unwrap_or_else(|| self.overhead.to_string()),
            placer: own.unwrap_or_else(|| self.settings.placer().name.to_owned()),
            slot: self.slot.as_secs_f64(),
            seed: self.settings.seed(),
            until: self.settings.until.map(SimTime::as_secs_f64),
            digest,
            bound: bound.map(|bound| bound.bound),
            bound_gap: bound.map(|bound| bound.bound.saturating_sub(metrics.met)),
            short_hours: bound.map(|bound| bound.short().as_secs_f64() / 3600.0),
            no_bound: bound_result.and_then(|found| found.as_ref().err()).cloned(),
            metrics,
            artifact_accepted: counts.map(|counts| counts.accepted),
            artifact_declined: counts.map(|counts| counts.declined),
        }
    }
}

/// Returns what runs a scheduler under the preset, if the event core does not.
///
/// # Errors
///
/// If a setting is one that this cannot honour.
fn choose_engine(
    settings: &RunSettings,
    scheduler: &Entry,
    options: &PolicyOptions,
) -> Result<Option<&'static dyn Engine>> {
    let name = scheduler.name;
    let Some(engine) = engine(scheduler).filter(|_| settings.preset == Preset::Paper) else {
        return match key_of_engine(options, scheduler) {
            Some(key) => Err(anyhow!("--set {key} is for `{name}` under --preset paper; add that")),
            None => Ok(None),
        };
    };
    let given = [
        ("--overhead", settings.overhead.is_some()),
        ("--placer", settings.placer.is_some()),
        ("--until", settings.until.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((option, _)) => Err(anyhow!(
            "{option}: `{name}` under --preset paper does what the published artifact did, which has no such option; leave \
             it out"
        )),
        None => Ok(Some(engine)),
    }
}
