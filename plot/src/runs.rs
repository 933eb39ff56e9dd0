//! The runs of a figure: on all cores, with one progress bar.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::{Context, Result};
use elasticflow_sim::experiment::Preset;
use elasticflow_sim::metrics::Metrics;
use elasticflow_sim::scheduler::{self, Entry};
use elasticflow_sim::sweep::{Grid, Point};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::config::{FigureCase, FigureConfig};
use crate::inputs::FigureInputs;
use crate::watch::{RunWatch, WatchedRun};

/// How runs are made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// Whether to show no progress bar.
    pub(crate) quiet: bool,
    /// Whether to cut searches short, for tests of the drawing.
    pub(crate) brief: bool,
}

/// The options that cut the search of Pollux short.
const BRIEF: [&str; 2] = ["population=6", "generations=4"];

/// The presets whose runs a figure needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presets {
    /// The policies as their papers describe them.
    Default,
    /// Also the published artifacts, of the schedulers that have the preset `paper`.
    Both,
}

/// A run of a figure and its results.
#[derive(Clone, Debug)]
pub(crate) struct FigureRun {
    /// The index of the case.
    pub(crate) case: usize,
    /// The scheduler.
    pub(crate) scheduler: &'static Entry,
    /// The preset.
    pub(crate) preset: Preset,
    /// The overhead, if it is not the default one.
    pub(crate) overhead: Option<String>,
    /// The metrics of the run.
    pub(crate) metrics: Metrics,
    /// The events of the run.
    pub(crate) watched: WatchedRun,
}

/// The runs of a figure.
pub(crate) struct FigureRuns {
    /// The runs, in the order of cases, schedulers, presets and overheads.
    pub(crate) all: Vec<FigureRun>,
    /// The schedulers, in the order of the figure.
    pub(crate) schedulers: Vec<&'static Entry>,
    /// Notes on the schedulers that are left out.
    pub(crate) left_out: Vec<String>,
    /// Whether the runs are of stand-in traces.
    pub(crate) stand_ins: bool,
    /// The cases, in the order of the axis.
    pub(crate) cases: Vec<FigureCase>,
}

impl FigureRuns {
    /// Returns the run of a case under a scheduler with the default overhead.
    pub(crate) fn of(&self, case: usize, scheduler: &Entry, preset: Preset) -> Option<&FigureRun> {
        let wanted = |row: &&FigureRun| {
            row.case == case
                && row.scheduler.name == scheduler.name
                && row.preset == preset
                && row.overhead.is_none()
        };
        self.all.iter().find(wanted)
    }

    /// Returns the ratio that the published artifact prints: that of a run under the preset
    /// `paper`, whose decisions differ too.
    pub(crate) fn artifact(&self, case: usize, scheduler: &Entry) -> Option<f64> {
        prints(scheduler, &self.of(case, scheduler, Preset::Paper)?.metrics)
    }
}

/// Returns the ratio that the artifact prints for a run under the preset `paper`. ElasticFlow's
/// artifact counts promises; the artifacts of policies that run on our own core count deadlines
/// met.
pub(crate) fn prints(scheduler: &Entry, metrics: &Metrics) -> Option<f64> {
    if scheduler.artifact.is_some() { metrics.dsr } else { metrics.planned_dsr.or(metrics.dsr) }
}

/// Runs every case under every scheduler of the figure, as a grid of the library's `sweep`.
///
/// # Errors
///
/// If a file cannot be read, a setting is wrong, or a run fails.
pub(crate) fn run(
    config: &FigureConfig,
    inputs: &FigureInputs,
    presets: Presets,
    manner: Manner,
) -> Result<FigureRuns> {
    let (mut schedulers, mut left_out, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for name in &config.schedulers {
        match scheduler::entry(name) {
            Ok(entry) => schedulers.push(entry),
            Err(_) => unknown.push(name.as_str()),
        }
    }
    if !unknown.is_empty() {
        left_out.push(format!("Left out, because this program does not have them: {}", unknown.join(", ")));
    }
    // A figure that does not compare overheads has the default one.
    let overheads: Vec<_> = config.overheads.iter().cloned().map(Some).collect();
    let overheads = if overheads.is_empty() { vec![None] } else { overheads };
    let mut tasks = Vec::new();
    for case in 0..inputs.cases.len() {
        for scheduler in &schedulers {
            for preset in Preset::of(scheduler) {
                if *preset == Preset::Paper && presets == Presets::Default {
                    continue;
                }
                for overhead in &overheads {
                    let (preset, overhead, brief) = (*preset, overhead.clone(), manner.brief);
                    tasks.push(FigureTask { case, scheduler, preset, overhead, brief });
                }
            }
        }
    }
    let all = simulate(config, inputs, &tasks, manner)?;
    let cases = inputs.cases.iter().map(|(case, _)| case.clone()).collect();
    Ok(FigureRuns { all, schedulers, left_out, stand_ins: !inputs.missing.is_empty(), cases })
}

/// Runs the tasks; returns the runs in their order.
fn simulate(
    config: &FigureConfig,
    inputs: &FigureInputs,
    tasks: &[FigureTask],
    manner: Manner,
) -> Result<Vec<FigureRun>> {
    let blocks = tasks.iter().map(|task| task.block(config, inputs)).collect::<Result<_>>()?;
    let text = toml::to_string(&GridText { grid: blocks })?;
    // The paths are as they are found: they start where the program does.
    let checked = Grid::parse("the figure's runs", &text, Path::new(""))?.check()?;
    let bar = bar(checked.points().map(Point::jobs).sum(), manner.quiet);
    let watch = |_: &Point| RunWatch { watched: WatchedRun::default(), bar: bar.clone(), seen: 0 };
    let rows = checked.each(None, watch, |point, result, watch| {
        bar.inc(point.jobs().saturating_sub(watch.seen));
        let FigureTask { case, scheduler, preset, overhead, brief: _ } = tasks[point.number() - 1].clone();
        let (metrics, watched) = (result.summary().metrics.clone(), watch.watched);
        Ok(FigureRun { case, scheduler, preset, overhead, metrics, watched })
    });
    bar.finish_and_clear();
    Ok(rows?)
}

/// A run to make.
#[derive(Clone, Debug)]
struct FigureTask {
    case: usize,
    scheduler: &'static Entry,
    preset: Preset,
    overhead: Option<String>,
    brief: bool,
}

/// The grid of a figure: a block per run, because the options of a run depend on its scheduler and
/// preset.
#[derive(Serialize)]
struct GridText<'a> {
    grid: Vec<GridBlock<'a>>,
}

/// A block of a grid: the options of one run.
#[derive(Serialize)]
struct GridBlock<'a> {
    trace: &'a str,
    cluster: &'a str,
    gpu: &'a str,
    scheduler: &'a str,
    preset: String,
    slot: Option<String>,
    overhead: Option<&'a str>,
    /// One value: the options of the scheduler, which go together.
    set: Vec<&'a [&'a str]>,
}

impl FigureTask {
    fn block<'a>(&'a self, config: &FigureConfig, inputs: &'a FigureInputs) -> Result<GridBlock<'a>> {
        let (case, path) = &inputs.cases[self.case];
        let trace = path.to_str();
        let trace = trace.with_context(|| format!("{}: is not UTF-8; rename it", path.display()))?;
        // A preset with a slot of its own keeps it.
        let has_own_slot = self.preset == Preset::Paper
            && self.scheduler.artifact.is_some_and(|artifact| artifact.slot.is_some());
        let is_brief = self.brief && self.scheduler.adapts_batch;
        Ok(GridBlock {
            trace,
            cluster: &case.cluster,
            gpu: &case.gpu,
            scheduler: self.scheduler.name,
            preset: self.preset.to_string(),
            slot: (!has_own_slot).then(|| config.slot.to_string()),
            overhead: self.overhead.as_deref(),
            set: vec![if is_brief { &BRIEF } else { &[] }],
        })
    }
}

/// Creates the progress bar.
fn bar(jobs: u64, quiet: bool) -> ProgressBar {
    let hidden = quiet || !std::io::stderr().is_terminal();
    let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(jobs), target);
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} jobs, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
