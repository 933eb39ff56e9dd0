//! The tables of `docs/evidence/fidelity.md`: what the paper prints, beside what the artifact and
//! we come to, cell by cell.

mod cell;
mod quirks;
mod rerun;

use std::fmt::Write;

use anyhow::{Result, ensure};
use elasticflow_sim::experiment::Preset;
use elasticflow_sim::metrics::Metrics;
use elasticflow_sim::scheduler::{self, Entry};

use crate::config::{FigureCase, FigureConfig};
use crate::evidence;
use crate::fig11::YARDSTICK;
use crate::fig12::{KINDS, charged};
use crate::inputs::{FigureInputs, Folders};
use crate::runs::{self, FigureRuns, Manner, Presets};
use crate::style;

use cell::{FidelityCell, RatioClaim, ValueOrigin};
use quirks::QuirkTables;
use rerun::{Rerun, Reruns};

/// The figures that print results of simulations, or of a testbed that we simulate.
const COMPARED: [&str; 6] = ["fig6a", "fig6b", "fig8a", "fig8b", "fig9", "fig11"];

/// The metric of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Metric {
    /// The deadline satisfaction ratio.
    Ratio,
    /// Mean JCT of best-effort jobs: Gandiva's ÷ that of the scheduler.
    Gain,
}

impl Metric {
    /// Returns the values that the paper prints for a case, by scheduler.
    fn printed(self, case: &FigureCase) -> &std::collections::BTreeMap<String, f64> {
        match self {
            Metric::Ratio => &case.printed,
            Metric::Gain => &case.printed_jct,
        }
    }

    /// Reads the metric off a run, by the accounting of its preset, and strictly.
    fn read(self, entry: &Entry, metrics: &Metrics, yardstick: Option<&Metrics>) -> Option<RatioClaim> {
        match self {
            Metric::Ratio => {
                let strict = metrics.dsr?;
                Some(RatioClaim {
                    prints: runs::prints(entry, metrics).unwrap_or(strict),
                    strict: Some(strict),
                })
            }
            Metric::Gain => {
                let mean = |metrics: &Metrics| Some(metrics.best_effort_jct?.mean);
                Some(RatioClaim { prints: mean(yardstick?)? / mean(metrics)?, strict: None })
            }
        }
    }
}

/// Writes the tables into `docs/evidence/fidelity.md`, and returns whether that changed anything.
///
/// # Errors
///
/// If the data set or the marks are missing, or a run fails.
pub(crate) fn write(folders: &Folders, manner: Manner) -> Result<bool> {
    let quirks = evidence::read(folders, "quirks")?;
    evidence::write(folders, "fidelity", &table(folders, &quirks, manner)?)
}

/// Returns the tables of all figures, in Markdown. The quirks that they name are those of the page
/// `docs/evidence/quirks.md`.
fn table(folders: &Folders, quirks: &str, manner: Manner) -> Result<String> {
    let known = FidelitySources { reruns: Reruns::read(&folders.data)?, quirks: QuirkTables::read(quirks) };
    let mut text = String::new();
    for figure in COMPARED {
        text.push_str(&section(folders, figure, &known, manner)?);
    }
    let config = FigureConfig::read(&folders.root, "fig12")?;
    overheads(&mut text, &config)?;
    Ok(text)
}

/// Returns the tables of one figure, in Markdown.
fn section(folders: &Folders, figure: &str, known: &FidelitySources, manner: Manner) -> Result<String> {
    let mut text = String::new();
    let config = FigureConfig::read(&folders.root, figure)?;
    let inputs = FigureInputs::rerun(&config, folders)?;
    let published = config.cases.iter().filter_map(|case| case.rerun.as_ref().or(case.published.as_ref()));
    let missing: Vec<_> = published.filter(|name| folders.published(name).is_none()).cloned().collect();
    ensure!(
        missing.is_empty(),
        "{figure}: {} not in {}; give the data set that has the artifact's runs by --data",
        missing.join(", "),
        folders.data.display()
    );
    let rows = runs::run(&config, &inputs, Presets::Both, manner)?;
    for metric in [Metric::Ratio, Metric::Gain] {
        let cells = cells(figure, &config, &rows, known, metric);
        if !cells.is_empty() {
            show(&mut text, figure, &config, metric, &cells)?;
        }
    }
    Ok(text)
}

/// What the tables use besides our runs.
struct FidelitySources {
    reruns: Reruns,
    quirks: QuirkTables,
}

/// Returns the cells of a figure's table, in the order of cases and schedulers.
fn cells(
    figure: &str,
    config: &FigureConfig,
    rows: &FigureRuns,
    known: &FidelitySources,
    metric: Metric,
) -> Vec<FidelityCell> {
    let all = rows.cases.iter().flat_map(|case| metric.printed(case).values());
    let decimals = all.map(|value| value.to_string().split_once('.').map_or(0, |(_, part)| part.len())).max();
    let figure = number(figure, metric);
    let mut cells = Vec::new();
    for (n, case) in rows.cases.iter().enumerate() {
        for name in &config.schedulers {
            let Some(printed) = metric.printed(case).get(name) else { continue };
            let entry = scheduler::entry(name).ok();
            let read = |entry: &Entry, preset| {
                let yardstick = scheduler::entry(YARDSTICK).ok();
                let yardstick = yardstick.and_then(|entry| rows.of(n, entry, preset));
                metric.read(entry, &rows.of(n, entry, preset)?.metrics, yardstick.map(|row| &row.metrics))
            };
            let ours = |preset| entry.and_then(|entry| read(entry, preset));
            let reruns: Vec<&Rerun> = known.reruns.of(case, name).collect();
            let here = reruns.iter().find(|rerun| rerun.cluster == case.cluster);
            let rerun = match metric {
                Metric::Ratio => here.map(|rerun| rerun.ratio),
                Metric::Gain => here.and_then(|rerun| rerun.gain),
            };
            let elsewhere = reruns.iter().filter(|rerun| rerun.cluster != case.cluster);
            cells.push(FidelityCell {
                case: case.name.clone(),
                scheduler: style::label(name).to_owned(),
                printed: *printed,
                decimals: decimals.unwrap_or_default(),
                is_ratio: metric == Metric::Ratio,
                rerun,
                paper: ours(Preset::Paper),
                default: ours(Preset::Default).map(|claim| claim.strict.unwrap_or(claim.prints)),
                origin: ValueOrigin {
                    testbed: config.testbed,
                    unpublished: config.notes.iter().any(|note| note.contains("not public")),
                },
                quirks: match (metric, entry) {
                    (Metric::Ratio, Some(entry)) => known.quirks.of(figure, &case.name, entry),
                    _ => Vec::new(),
                },
                elsewhere: match metric {
                    Metric::Ratio => elsewhere.map(|it| (it.cluster.clone(), it.ratio.prints)).collect(),
                    Metric::Gain => Vec::new(),
                },
            });
        }
    }
    cells
}

/// Returns the number of a figure in the paper.
fn number(figure: &str, metric: Metric) -> &str {
    match metric {
        Metric::Ratio if figure == "fig11" => "11a",
        Metric::Ratio => figure.trim_start_matches("fig"),
        Metric::Gain => "11b",
    }
}

/// Appends a table to the text.
fn show(
    text: &mut String,
    figure: &str,
    config: &FigureConfig,
    metric: Metric,
    cells: &[FidelityCell],
) -> Result<()> {
    let what = match metric {
        Metric::Ratio => config.title.as_str(),
        Metric::Gain => "Mean JCT of best-effort jobs: Gandiva's ÷ this one's",
    };
    writeln!(text, "**Figure {}.** {what}. {}.\n", number(figure, metric), config.source)?;
    writeln!(
        text,
        "| case | scheduler | paper | artifact | ours, `paper` | ours, `default` | difference | why |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|---|")?;
    for cell in cells {
        writeln!(text, "{}", cell.row())?;
    }
    writeln!(text)?;
    Ok(())
}

/// Appends the paragraph on figure 12, which is about seconds instead of a ratio.
fn overheads(text: &mut String, config: &FigureConfig) -> Result<()> {
    let (mut all, mut equal) = (0, 0);
    for (model, measured) in &config.measured {
        for (_, change, printed, ..) in KINDS {
            all += 1;
            equal += u32::from((charged(model, change) - printed(measured)).abs() < 1e-9);
        }
    }
    let longest = config.measured.values().map(|it| it.profiling).fold(0.0, f64::max);
    writeln!(
        text,
        "**Figure 12.** {}. Of the {all} seconds of figure 12b, `--overhead measured` charges {equal} exactly as printed. \
         The seconds of figure 12a (profiling, up to {longest:.0} s) are spent before a job is submitted and not simulated.",
        config.source
    )?;
    Ok(())
}

/// Returns whether the page has the table of figure 9 that would be made now, the one figure whose
/// runs take a moment; `None` without the data set.
#[cfg(test)]
fn is_current(folders: &Folders) -> Option<bool> {
    if !folders.data.join("reference/index.csv").is_file() {
        return None;
    }
    let text = evidence::read(folders, "fidelity").unwrap();
    let quirks = QuirkTables::read(&evidence::read(folders, "quirks").unwrap());
    let known = FidelitySources { reruns: Reruns::read(&folders.data).unwrap(), quirks };
    let manner = Manner { quiet: true, ..Manner::default() };
    Some(text.contains(section(folders, "fig9", &known, manner).unwrap().trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::path::Path;

    #[test]
    fn the_fidelity_table_is_current() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let data = std::env::var_os(crate::inputs::DATA);
        let data = data.map_or_else(|| root.join("../shared/data"), |data| root.join(data));
        match is_current(&Folders { root, data: data.clone() }) {
            Some(current) => assert!(
                current,
                "docs/evidence/fidelity.md is stale; look at what this changes:\n\
                 cargo run --release -p plot -- fidelity && git diff docs/evidence/fidelity.md"
            ),
            None => {
                let _ = writeln!(
                    std::io::stderr(),
                    "skipped: no reference data in {}; set ELASTICFLOW_SIM_DATA to where it is",
                    data.display()
                );
            }
        }
    }
}
