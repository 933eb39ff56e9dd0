//! The description of a figure: `configs/figures/<figure>.toml`.
//!
//! `configs/figures/README.md` explains the keys. All of it is checked before the first run.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use elasticflow_sim::trace::GenerateOptions;
use serde::Deserialize;

/// The runs of a figure, and the values that the paper prints.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FigureConfig {
    /// The title of the figure.
    pub(crate) title: String,
    /// Where the printed values are from.
    pub(crate) source: String,
    /// The schedulers, in the order of bars and lines.
    pub(crate) schedulers: Vec<String>,
    /// Minimum time between scheduling passes, in seconds.
    pub(crate) slot: f64,
    /// Notes under the figure.
    #[serde(default)]
    pub(crate) notes: Vec<String>,
    /// Whether the paper measured its values on hardware.
    #[serde(default)]
    pub(crate) testbed: bool,
    /// Where the published traces are, and their licence.
    #[serde(default)]
    pub(crate) traces: String,
    /// The runs.
    #[serde(rename = "case")]
    pub(crate) cases: Vec<FigureCase>,
    /// The runs in place of those whose published trace is not at hand.
    #[serde(default, rename = "stand_in")]
    pub(crate) stand_ins: Vec<FigureCase>,
    /// Seconds that the paper measured, by model; only of figure 12.
    #[serde(default)]
    pub(crate) measured: BTreeMap<String, MeasuredSeconds>,
    /// Overheads to compare; only of figure 12.
    #[serde(default)]
    pub(crate) overheads: Vec<String>,
}

/// A trace on a cluster.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FigureCase {
    /// The name on the axis.
    pub(crate) name: String,
    /// The trace, as a file of the published data.
    pub(crate) published: Option<String>,
    /// The trace, as a file of the repository.
    pub(crate) file: Option<String>,
    /// The trace, as options of the generator.
    pub(crate) draw: Option<TraceDraw>,
    /// The published file on which the artifact was run again, if that is another trace.
    pub(crate) rerun: Option<String>,
    /// The cluster, as NODESxGPUS.
    pub(crate) cluster: String,
    /// The GPU type whose speeds are used.
    #[serde(default = "a100")]
    pub(crate) gpu: String,
    /// The ratios that the paper prints, by scheduler.
    #[serde(default)]
    pub(crate) printed: BTreeMap<String, f64>,
    /// The gains in mean JCT that the paper prints, by scheduler; only of figure 11.
    #[serde(default)]
    pub(crate) printed_jct: BTreeMap<String, f64>,
}

fn a100() -> String {
    "a100".to_owned()
}

/// A trace to draw, with the options of `trace generate`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TraceDraw {
    jobs: u32,
    mean_interarrival: f64,
    #[serde(default)]
    best_effort: f64,
    #[serde(default = "one")]
    burst: f64,
    seed: u64,
}

fn one() -> f64 {
    1.0
}

impl TraceDraw {
    /// Returns the options of the generator.
    pub(crate) fn options(&self) -> GenerateOptions {
        GenerateOptions {
            jobs: self.jobs,
            mean_interarrival: self.mean_interarrival,
            best_effort_share: self.best_effort,
            burst: self.burst,
            seed: self.seed,
            ..GenerateOptions::default()
        }
    }

    /// Returns a text that describes the trace.
    pub(crate) fn describe(&self) -> String {
        format!("{} jobs drawn with seed {}", self.jobs, self.seed)
    }
}

/// Seconds that the paper measured for a model (figure 12).
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MeasuredSeconds {
    /// Of profiling a job before it is scheduled.
    pub(crate) profiling: f64,
    /// Of a change from 1 to 2 GPUs.
    pub(crate) up_1_to_2: f64,
    /// Of a change from 2 GPUs to 1.
    pub(crate) down_2_to_1: f64,
    /// Of a change from 8 to 16 GPUs.
    pub(crate) up_8_to_16: f64,
    /// Of a change from 16 to 8 GPUs.
    pub(crate) down_16_to_8: f64,
    /// Of a move from 8 GPUs to 8 others.
    pub(crate) move_8: f64,
}

impl FigureConfig {
    /// Reads and checks a figure's file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, has unknown keys, or contradicts itself.
    pub(crate) fn read(root: &Path, figure: &str) -> Result<FigureConfig> {
        let path = root.join("configs/figures").join(format!("{figure}.toml"));
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("{}: cannot be read; run from a clone of the repository", path.display())
        })?;
        FigureConfig::parse(&text).with_context(|| path.display().to_string())
    }

    /// Parses and checks the text of a figure's file.
    fn parse(text: &str) -> Result<FigureConfig> {
        let config: FigureConfig =
            toml::from_str(text).map_err(|why| anyhow::anyhow!("{}", why.to_string().trim()))?;
        let all = || config.cases.iter().chain(&config.stand_ins);
        ensure!(!config.cases.is_empty(), "there is no [[case]]; add one");
        ensure!(config.slot.is_finite() && config.slot >= 0.0, "`slot` is {}; give seconds", config.slot);
        for case in all() {
            let given = [case.published.is_some(), case.file.is_some(), case.draw.is_some()];
            let given = given.iter().filter(|given| **given).count();
            ensure!(given == 1, "`{}` has {given} traces; give one of published, file and draw", case.name);
            for name in case.printed.keys().chain(case.printed_jct.keys()) {
                ensure!(
                    config.schedulers.contains(name),
                    "`{}` has a printed value of `{name}`, which is not among the schedulers",
                    case.name
                );
            }
        }
        let published = config.cases.iter().any(|case| case.published.is_some());
        ensure!(
            published || config.stand_ins.is_empty(),
            "there are stand-ins, but no case needs a published trace"
        );
        ensure!(
            !published || !config.stand_ins.is_empty(),
            "cases need published traces; add a [[stand_in]]"
        );
        ensure!(
            config.stand_ins.iter().all(|case| case.published.is_none()),
            "a stand-in needs a published trace; give it a file or a draw"
        );
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "title = 't'\nsource = 's'\nschedulers = ['edf']\nslot = 60\n";

    fn parsed(rest: &str) -> String {
        FigureConfig::parse(&format!("{HEAD}{rest}"))
            .map_or_else(|why| format!("{why:#}"), |_| "fine".to_owned())
    }

    #[test]
    fn a_figure_is_checked_before_anything_runs() {
        let drawn = "draw = { jobs = 1, mean_interarrival = 1, seed = 1 }";
        let case = |rest: &str| format!("[[case]]\nname = 'a'\ncluster = '1x8'\n{rest}\n");
        assert_eq!(parsed(&case(drawn)), "fine");
        assert_eq!(parsed(&case("")), "`a` has 0 traces; give one of published, file and draw");
        assert_eq!(
            parsed(&case(&format!("{drawn}\nprinted = {{ srtf = 0.5 }}"))),
            "`a` has a printed value of `srtf`, which is not among the schedulers"
        );
        assert_eq!(parsed(&case("published = 'x.csv'")), "cases need published traces; add a [[stand_in]]");
        assert!(parsed("").contains("missing field `case`"));
    }

    #[test]
    fn the_figures_of_the_repository_are_well_formed() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for figure in crate::FIGURES {
            let config = FigureConfig::read(&root, figure.id).unwrap();
            assert!(config.source.contains("figure"), "{}: the source names no figure", figure.id);
        }
    }
}
