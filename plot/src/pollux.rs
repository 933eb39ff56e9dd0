//! The table of `docs/evidence/pollux.md`, made of what `sweep configs/sweeps/pollux.toml` left:
//! each seed's mean JCT, beside what was published.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::evidence;
use crate::inputs::Folders;

/// The published mean JCT with which a trace is compared.
struct PublishedJct {
    /// The stem of the trace's file.
    file: &'static str,
    /// The name in the table.
    name: &'static str,
    /// Mean JCT in seconds.
    jct: f64,
    /// The mean JCTs in seconds that count as equal to the published one, with a measured and with
    /// a fitted truth.
    bands: [(f64, f64); 2],
}

/// The workloads are from the artifact of the Pollux paper (OSDI 2021), within 5 % and 8 %. Figure
/// 8a is from the artifact of the ElasticFlow paper, which has no seed, with the range of the value
/// that it printed and those of further runs of it; the range is wider for a fitted truth.
const PUBLISHED: [PublishedJct; 4] = [
    workload("workload-1", "workload 1", 2088.8),
    workload("workload-2", "workload 2", 3322.9),
    workload("workload-3", "workload 3", 2188.5),
    PublishedJct {
        file: "elasticVpollux_e",
        name: "figure 8a",
        jct: 71114.3,
        bands: [(70500.0, 72000.0), (70000.0, 77000.0)],
    },
];

const fn workload(file: &'static str, name: &'static str, jct: f64) -> PublishedJct {
    PublishedJct { file, name, jct, bands: [(0.95 * jct, 1.05 * jct), (0.92 * jct, 1.08 * jct)] }
}

/// The columns of a run that the table needs.
#[derive(Debug, Deserialize)]
struct SweepRun {
    seed: u64,
    preset: String,
    trace: String,
    #[serde(rename = "grid.profiles")]
    measured: Option<String>,
    #[serde(rename = "jct.mean")]
    jct: f64,
    dsr: Option<f64>,
    rescales: f64,
}

/// Writes the table into `docs/evidence/pollux.md`, and returns whether that changed anything.
///
/// # Errors
///
/// If the results are not of that grid, or the marks are missing.
pub(crate) fn write(folders: &Folders, results: &Path) -> Result<bool> {
    let runs = std::fs::read(results).with_context(|| results.display().to_string())?;
    let table = table(&runs).with_context(|| results.display().to_string())?;
    evidence::write(folders, "pollux", &table)
}

/// Returns the table in Markdown: a row per preset, trace and truth.
fn table(results: &[u8]) -> Result<String> {
    let mut groups: BTreeMap<(usize, bool, bool), BTreeMap<u64, SweepRun>> = BTreeMap::new();
    for run in csv::Reader::from_reader(results).deserialize() {
        let run: SweepRun = run?;
        let file = Path::new(&run.trace).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let place = PUBLISHED.iter().position(|published| published.file == file);
        let place = place.with_context(|| format!("{}: nothing is published of this trace", run.trace))?;
        let is_fitted = run.measured.as_ref().is_none_or(String::is_empty);
        let group = groups.entry((place, run.preset != "paper", is_fitted)).or_default();
        let seed = run.seed;
        let file = PUBLISHED[place].file;
        ensure!(group.insert(seed, run).is_none(), "seed {seed} of {file} is there twice");
    }
    let mut text = String::from(
        "| trace | options | truth | seeds | mean JCT, s: mean (least to most) | published | difference | asked for \
         | `dsr` | rescales |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for ((place, is_default, is_fitted), group) in &groups {
        let PublishedJct { name, jct, bands, .. } = &PUBLISHED[*place];
        let spread = |value: fn(&SweepRun) -> f64| SeedSpread::new(group.values().map(value));
        let ours = spread(|run| run.jct);
        let band = bands[usize::from(*is_fitted)];
        let asked = match is_default {
            true => "–".to_owned(),
            false => format!("{} to {}", whole(band.0), whole(band.1)),
        };
        let ratio = if group.values().all(|run| run.dsr.is_some()) {
            let ratio = spread(|run| run.dsr.expect("every run of the group has a ratio"));
            format!("{:.3} ({:.3} to {:.3})", ratio.mean, ratio.least, ratio.most)
        } else {
            "–".to_owned()
        };
        writeln!(
            text,
            "| {name} | {} | {} | {} | {} ({} to {}) | {} | {:+.1} % | {asked} | {ratio} | {} |",
            if *is_default { "default" } else { "`paper`" },
            if *is_fitted { "fitted" } else { "measured" },
            group.len(),
            whole(ours.mean),
            whole(ours.least),
            whole(ours.most),
            whole(*jct),
            100.0 * (ours.mean / jct - 1.0),
            whole(spread(|run| run.rescales).mean),
        )?;
    }
    Ok(text)
}

/// The mean and the range of the values of several seeds.
struct SeedSpread {
    mean: f64,
    least: f64,
    most: f64,
}

impl SeedSpread {
    /// Summarizes values, of which there is at least one.
    fn new(values: impl ExactSizeIterator<Item = f64> + Clone) -> SeedSpread {
        SeedSpread {
            mean: values.clone().sum::<f64>() / values.len() as f64,
            least: values.clone().fold(f64::INFINITY, f64::min),
            most: values.fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

/// Returns a rounded number with a comma between thousands: 71114.3 is 71,114.
fn whole(number: f64) -> String {
    let digits = format!("{number:.0}");
    match digits.len().checked_sub(3) {
        Some(split) if split > 0 => format!("{},{}", &digits[..split], &digits[split..]),
        _ => digits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "point,grid.profiles,seed,preset,trace,jct.mean,dsr,rescales\n";

    /// 2000 and 2100 are 2050 on average, 1.9 % below 2088.8, of which 95 and 105 % are 1984.36 and
    /// 2193.24. Of figure 8a's 71114.3, 72000 are 1.2 % above.
    #[test]
    fn seeds_are_averaged_beside_what_was_published() {
        let text = format!(
            "{HEADER}1,dir,0,paper,a/workload-1.csv,2000,,600\n2,dir,1,paper,a/workload-1.csv,2100,,601\n\
             3,,4,default,elasticVpollux_e.csv,72000,0.5,1134\n"
        );
        let table = table(text.as_bytes()).unwrap();
        let rows: Vec<&str> = table.lines().skip(2).collect();
        let workload = "| workload 1 | `paper` | measured | 2 | 2,050 (2,000 to 2,100) | 2,089 | -1.9 % | 1,984 to 2,193 | – | 600 |";
        let figure = "| figure 8a | default | fitted | 1 | 72,000 (72,000 to 72,000) | 71,114 | +1.2 % | – \
                      | 0.500 (0.500 to 0.500) | 1,134 |";
        assert_eq!(rows, [workload, figure]);
    }

    #[test]
    fn other_results_are_refused() {
        let why = |rows: &str| table(format!("{HEADER}{rows}").as_bytes()).unwrap_err().to_string();
        assert_eq!(why("1,,0,paper,a/light.csv,1,,1\n"), "a/light.csv: nothing is published of this trace");
        let twice = "1,,0,paper,workload-2.csv,1,,1\n2,,0,paper,workload-2.csv,1,,1\n";
        assert_eq!(why(twice), "seed 0 of workload-2 is there twice");
    }
}
