//! The runs of a figure: on all cores, with one progress bar.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use elasticflow_sim::experiment::{Choice, Draws, Preset, Ready, Setup, Speeds};
use elasticflow_sim::metrics::Metrics;
use elasticflow_sim::scheduler::{self, Entry};
use elasticflow_sim::units::SimDuration;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayon::prelude::*;

use crate::config::{Case, Config};
use crate::inputs::Inputs;
use crate::watch::{Watch, Watched};

/// How to go about it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// Without a progress bar.
    pub(crate) quiet: bool,
    /// With the runs that take minutes.
    pub(crate) thorough: bool,
    /// With searches that find little, where only the drawing is looked at.
    pub(crate) brief: bool,
}

/// What makes a search brief.
const BRIEF: [&str; 2] = ["population=6", "generations=4"];

/// Which semantics a figure needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presets {
    /// The policies as their papers describe them.
    Default,
    /// And what the published artifacts did, of the schedulers that have that preset.
    Both,
}

/// One run and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Which case of the figure.
    pub(crate) case: usize,
    /// Who decided.
    pub(crate) scheduler: &'static Entry,
    /// Under which semantics.
    pub(crate) preset: Preset,
    /// The overhead, if not the usual one.
    pub(crate) overhead: Option<String>,
    /// What it came to.
    pub(crate) metrics: Metrics,
    /// What happened when.
    pub(crate) watched: Watched,
}

/// The runs of a figure.
pub(crate) struct Rows {
    /// In the order of cases, schedulers, presets and overheads.
    pub(crate) all: Vec<Row>,
    /// The schedulers there are, in the figure's order.
    pub(crate) schedulers: Vec<&'static Entry>,
    /// Those that are left out, and why.
    pub(crate) left_out: Vec<String>,
    /// Whether the published traces were missing.
    pub(crate) stand_ins: bool,
    /// The cases, in the order of the axis.
    pub(crate) cases: Vec<Case>,
}

impl Rows {
    /// The row of a case under a scheduler, with the usual overhead.
    pub(crate) fn of(&self, case: usize, scheduler: &Entry, preset: Preset) -> Option<&Row> {
        let is = |row: &&Row| {
            row.case == case
                && row.scheduler.name == scheduler.name
                && row.preset == preset
                && row.overhead.is_none()
        };
        self.all.iter().find(is)
    }

    /// The ratio that the published accounting would print under the preset `paper`.
    pub(crate) fn claim(&self, case: usize, scheduler: &Entry) -> Option<f64> {
        claimed(scheduler, &self.of(case, scheduler, Preset::Paper)?.metrics)
    }
}

/// The ratio that a run is said to have by the published accounting: ElasticFlow's artifact counts promises. The artifacts of
/// policies that run on our own core count deadlines met.
pub(crate) fn claimed(scheduler: &Entry, metrics: &Metrics) -> Option<f64> {
    if scheduler.literal.is_some() { metrics.dsr } else { metrics.planned_dsr.or(metrics.dsr) }
}

/// Runs every case under every scheduler that there is.
///
/// # Errors
///
/// If a file cannot be read, a setting is wrong, or a run fails.
pub(crate) fn run(config: &Config, inputs: &Inputs, presets: Presets, manner: Manner) -> Result<Rows> {
    let (mut schedulers, mut left_out, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for name in &config.schedulers {
        match scheduler::entry(name) {
            Ok(entry) => schedulers.push(entry),
            Err(_) => unknown.push(name.as_str()),
        }
    }
    if !unknown.is_empty() {
        left_out.push(format!("Left out, because not built yet: {}", unknown.join(", ")));
    }
    let mut overheads = vec![None];
    overheads.extend(config.overheads.iter().cloned().map(Some));
    let setups = inputs.cases.iter().map(|(case, path)| setup(config, case, path));
    let setups = setups.collect::<Result<Vec<_>>>()?;
    let readies = setups.par_iter().map(Setup::ready).collect::<Result<Vec<_>>>()?;
    let (mut tasks, mut costly) = (Vec::new(), Vec::new());
    for (case, (setup, ready)) in setups.iter().zip(&readies).enumerate() {
        for scheduler in &schedulers {
            for preset in Preset::of(scheduler) {
                if *preset == Preset::Paper && presets == Presets::Default {
                    continue;
                }
                let of = &inputs.cases[case].0;
                if *preset == Preset::Paper
                    && !manner.thorough
                    && of.costly.iter().any(|n| n == scheduler.name)
                {
                    costly.push(of.name.as_str());
                    continue;
                }
                // An overhead is ours to vary; the artifact's is part of it.
                let overheads = if *preset == Preset::Paper { &overheads[..1] } else { &overheads };
                for overhead in overheads {
                    let (preset, overhead, brief) = (*preset, overhead.clone(), manner.brief);
                    let task = Task { case, scheduler, preset, overhead, brief };
                    // Checked now, so that nothing runs if something is wrong.
                    match task.case(setup, ready) {
                        Ok(_) => tasks.push((task, setup, ready)),
                        Err(why) => {
                            let why = format!("{why:#}");
                            let why = why.lines().next().unwrap_or_default();
                            left_out.push(format!("Left out: {}: {why}", scheduler.name));
                        }
                    }
                }
            }
        }
    }
    left_out.dedup();
    if !costly.is_empty() {
        costly.dedup();
        left_out.push(format!(
            "Left out, because they take minutes (--thorough has them): claims of ElasticFlow on {}",
            costly.join(", ")
        ));
    }
    let bar = bar(tasks.iter().map(|(_, _, ready)| ready.jobs()).sum(), manner.quiet);
    let all: Vec<Result<Row>> =
        tasks.into_par_iter().map(|(task, setup, ready)| task.run(setup, ready, &bar)).collect();
    bar.finish_and_clear();
    let all: Vec<Row> = all.into_iter().collect::<Result<_>>()?;
    schedulers.retain(|entry| all.iter().any(|row| row.scheduler.name == entry.name));
    let cases = inputs.cases.iter().map(|(case, _)| case.clone()).collect();
    Ok(Rows { all, schedulers, left_out, stand_ins: !inputs.missing.is_empty(), cases })
}

fn setup(config: &Config, case: &Case, path: &Path) -> Result<Setup> {
    let slot = SimDuration::from_micros((config.slot * 1e6).round() as u64);
    Ok(Setup {
        trace: PathBuf::from(path),
        cluster: case.cluster.clone(),
        speeds: Speeds { gpu: Some(case.gpu.clone()), profiles: None },
        slot: Some(slot),
        overhead: None,
        placer: None,
        preset: Preset::Default,
        seed: None,
        base: PathBuf::new(),
        draws: Draws { deadline: None, trace_seed: 0, time_unit: None },
        until: None,
    })
}

/// One run to be.
struct Task {
    case: usize,
    scheduler: &'static Entry,
    preset: Preset,
    overhead: Option<String>,
    brief: bool,
}

impl Task {
    fn case(&self, setup: &Setup, ready: &Ready) -> Result<elasticflow_sim::experiment::Case> {
        let mut setup = setup.clone();
        setup.preset = self.preset;
        // A preset that states its cadence has its own.
        if self.preset == Preset::Paper
            && self.scheduler.literal.is_some_and(|literal| literal.slot.is_some())
        {
            setup.slot = None;
        }
        if let Some(name) = &self.overhead {
            setup.overhead = Some(name.parse().map_err(anyhow::Error::msg)?);
        }
        let is_brief = self.brief && self.scheduler.adapts_batch;
        let texts = if is_brief { BRIEF.map(str::to_owned).to_vec() } else { Vec::new() };
        setup.case(ready, self.scheduler, &Choice { texts })
    }

    fn run(self, setup: &Setup, ready: &Ready, bar: &ProgressBar) -> Result<Row> {
        let seen = AtomicU64::new(0);
        let mut watch = Watch { watched: Watched::default(), bar, seen: &seen };
        let said = || format!("{} under {}", setup.trace.display(), self.scheduler.name);
        let ran = self.case(setup, ready)?.simulate(&mut watch).with_context(said)?;
        let metrics = ran.finish(None).with_context(said)?.summary.metrics;
        let watched = watch.watched;
        bar.inc(ready.jobs().saturating_sub(seen.load(Ordering::Relaxed)));
        let Task { case, scheduler, preset, overhead, brief: _ } = self;
        Ok(Row { case, scheduler, preset, overhead, metrics, watched })
    }
}

fn bar(jobs: u64, quiet: bool) -> ProgressBar {
    let hidden = quiet || !std::io::stderr().is_terminal();
    let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(jobs), target);
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} jobs, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
