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

use crate::config::{Case, Config};
use crate::inputs::Inputs;
use crate::watch::{Watch, Watched};

/// How to go about it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// Without a progress bar.
    pub(crate) quiet: bool,
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

    /// The ratio that the published artifact prints: of a run of its own, under the preset `paper`,
    /// whose decisions differ, too.
    pub(crate) fn artifact(&self, case: usize, scheduler: &Entry) -> Option<f64> {
        prints(scheduler, &self.of(case, scheduler, Preset::Paper)?.metrics)
    }
}

/// The ratio that is printed of a run under the preset `paper`: ElasticFlow's artifact counts
/// promises. The artifacts of policies that run on our own core count deadlines met.
pub(crate) fn prints(scheduler: &Entry, metrics: &Metrics) -> Option<f64> {
    if scheduler.artifact.is_some() { metrics.dsr } else { metrics.planned_dsr.or(metrics.dsr) }
}

/// Runs every case under every scheduler that there is: a grid of the library's `sweep`, made here.
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
    // Where overheads are compared, they are stated; elsewhere everybody has the usual one.
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
                    tasks.push(Task { case, scheduler, preset, overhead, brief });
                }
            }
        }
    }
    let all = simulate(config, inputs, &tasks, manner)?;
    let cases = inputs.cases.iter().map(|(case, _)| case.clone()).collect();
    Ok(Rows { all, schedulers, left_out, stand_ins: !inputs.missing.is_empty(), cases })
}

/// What every task comes to, in their order.
fn simulate(config: &Config, inputs: &Inputs, tasks: &[Task], manner: Manner) -> Result<Vec<Row>> {
    let blocks = tasks.iter().map(|task| task.block(config, inputs)).collect::<Result<_>>()?;
    let text = toml::to_string(&GridText { grid: blocks })?;
    // The paths are as they are found: they start where the program does.
    let checked = Grid::parse("the figure's runs", &text, Path::new(""))?.check()?;
    let bar = bar(checked.points.iter().map(Point::jobs).sum(), manner.quiet);
    let watch = |_: &Point| Watch { watched: Watched::default(), bar: bar.clone(), seen: 0 };
    let rows = checked.each(None, watch, |point, done, watch| {
        bar.inc(point.jobs().saturating_sub(watch.seen));
        let Task { case, scheduler, preset, overhead, brief: _ } = tasks[point.number - 1].clone();
        let (metrics, watched) = (done.summary.metrics, watch.watched);
        Ok(Row { case, scheduler, preset, overhead, metrics, watched })
    });
    bar.finish_and_clear();
    Ok(rows?)
}

/// One run to be.
#[derive(Clone, Debug)]
struct Task {
    case: usize,
    scheduler: &'static Entry,
    preset: Preset,
    overhead: Option<String>,
    brief: bool,
}

/// The grid of a figure: a block for each run, since what is said of a run depends on its scheduler
/// and preset.
#[derive(Serialize)]
struct GridText<'a> {
    grid: Vec<Block<'a>>,
}

/// A run in the words of a grid: the options of `run`.
#[derive(Serialize)]
struct Block<'a> {
    trace: &'a str,
    cluster: &'a str,
    gpu: &'a str,
    scheduler: &'a str,
    preset: String,
    slot: Option<String>,
    overhead: Option<&'a str>,
    /// Options that go together are one value of the list.
    set: Vec<&'a [&'a str]>,
}

impl Task {
    fn block<'a>(&'a self, config: &Config, inputs: &'a Inputs) -> Result<Block<'a>> {
        let (case, path) = &inputs.cases[self.case];
        let trace = path.to_str();
        let trace = trace.with_context(|| format!("{}: is not UTF-8; rename it", path.display()))?;
        // A preset that states its cadence has its own.
        let has_own_slot = self.preset == Preset::Paper
            && self.scheduler.artifact.is_some_and(|artifact| artifact.slot.is_some());
        let is_brief = self.brief && self.scheduler.adapts_batch;
        Ok(Block {
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

fn bar(jobs: u64, quiet: bool) -> ProgressBar {
    let hidden = quiet || !std::io::stderr().is_terminal();
    let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(jobs), target);
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} jobs, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
