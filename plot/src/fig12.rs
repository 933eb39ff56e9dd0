//! Figure 12: the seconds of a change of GPUs, as the paper measured and as `--overhead measured`
//! charges them, and their effect on the ratio.

use anyhow::Result;
use elasticflow_sim::cluster::{NodeId, NodeSet};
use elasticflow_sim::experiment::Preset;
use elasticflow_sim::job::{JobId, JobSpec};
use elasticflow_sim::overhead::{ChangeCost, OverheadPreset as Overhead};
use elasticflow_sim::units::{Gpus, Iterations, SimTime};

use crate::bars::{self, Bar, BarGroup};
use crate::config::MeasuredSeconds;
use crate::figure::{Drawing, Figure, FigureData};
use crate::page::{Direction, LegendKey};
use crate::runs::Presets;
use crate::scale::ceiling;
use crate::style;
use crate::svg::Texture;
use crate::table::{CsvTable, value};

pub(crate) const FIGURE: Figure = Figure {
    id: "fig12",
    what: "measured overheads, and what overheads do to the deadlines met",
    draw,
    presets: Presets::Default,
};

/// A change of GPUs: its name, the numbers of GPUs before and after, the seconds that the paper
/// prints, and the colour and texture of its bar.
type ChangeKind = (&'static str, (u32, u32), fn(&MeasuredSeconds) -> f64, &'static str, Texture);

/// The changes that the paper measured.
pub(crate) const KINDS: [ChangeKind; 5] = [
    ("1 to 2", (1, 2), |it| it.up_1_to_2, "#56b4e9", Texture::Plain),
    ("2 to 1", (2, 1), |it| it.down_2_to_1, "#e69f00", Texture::Level),
    ("8 to 16", (8, 16), |it| it.up_8_to_16, "#0072b2", Texture::Falling),
    ("16 to 8", (16, 8), |it| it.down_16_to_8, "#d55e00", Texture::Upright),
    ("move of 8", (8, 8), |it| it.move_8, "#009e73", Texture::Dots),
];

/// Returns the seconds that `--overhead measured` charges a model for a change.
pub(crate) fn charged(model: &str, (from, to): (u32, u32)) -> f64 {
    let job = JobSpec {
        id: JobId(0),
        name: String::new(),
        model: model.to_owned(),
        batch_size: 64,
        iterations: Iterations::new(1.0),
        submit: SimTime::ZERO,
        deadline: None,
        soft: Vec::new(),
        requested: Gpus::new(1),
        duration: None,
    };
    let overhead = Overhead::from(ChangeCost::Measured).for_cluster(Gpus::new(128));
    let set = |node: u32, gpus: u32| NodeSet::of(NodeId(node), Gpus::new(gpus));
    overhead.restart(&job, Some(&set(0, from)), &set(1, to)).as_secs_f64()
}

fn draw(data: &FigureData) -> Result<Drawing> {
    let mut csv = CsvTable::new(&["figure", "panel", "group", "bar", "source", "metric", "value"])?;
    let mut page = data.page();
    page.heading("(a) seconds for a change of GPUs, by model");
    let mut legend: Vec<_> = KINDS
        .iter()
        .map(|(name, _, _, colour, texture)| (LegendKey::Swatch(colour, *texture), *name))
        .collect();
    let mut groups = Vec::new();
    for (model, measured) in &data.config.measured {
        let mut bars = Vec::new();
        for (name, change, printed, colour, texture) in KINDS {
            let (ours, printed) = (charged(model, change), printed(measured));
            for (source, it) in [("model", ours), ("printed", printed)] {
                csv.row(&[data.id, "a", model, name, source, "restart_overhead_seconds", &value(it)])?;
            }
            bars.push(Bar { colour, texture, value: Some(ours), artifact: None, printed: Some(printed) });
        }
        csv.row(&[data.id, "a", model, "", "printed", "profiling_seconds", &value(measured.profiling)])?;
        groups.push(BarGroup { label: model.clone(), bars });
    }
    legend.extend(bars::keys(groups.iter().flat_map(|group| &group.bars), Direction::Upright));
    page.legend(&legend);
    let most = groups.iter().flat_map(|g| &g.bars).filter_map(|bar| bar.value).fold(0.0, f64::max);
    bars::upright(&mut page, &groups, 6, ceiling(most, 5), 62.0, "seconds");

    page.heading("(b) deadline satisfaction ratio, by --overhead");
    page.legend(&data.labels(LegendKey::Bar));
    let mut groups = Vec::new();
    for overhead in &data.config.overheads {
        let mut bars = Vec::new();
        for entry in &data.runs.schedulers {
            let style = style::of(entry.name);
            let wanted = |row: &&crate::runs::FigureRun| {
                row.scheduler.name == entry.name
                    && row.preset == Preset::Default
                    && row.overhead.as_ref() == Some(overhead)
            };
            let ratio = data.runs.all.iter().find(wanted).and_then(|row| row.metrics.dsr);
            if let Some(ratio) = ratio {
                csv.row(&[data.id, "b", overhead, entry.name, "default", "dsr", &value(ratio)])?;
            }
            let (colour, texture) = (style.colour, style.texture);
            bars.push(Bar { colour, texture, value: ratio, artifact: None, printed: None });
        }
        groups.push(BarGroup { label: overhead.clone(), bars });
    }
    bars::upright(&mut page, &groups, groups.len(), 1.0, 62.0, "ratio");
    data.close(page, csv)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::Folders;

    #[test]
    fn the_model_charges_what_the_paper_prints() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folders = Folders { root, data: std::path::PathBuf::new() };
        let config = crate::config::FigureConfig::read(&folders.root, "fig12").unwrap();
        assert_eq!(config.measured.len(), 6);
        for (model, measured) in &config.measured {
            for (name, change, printed, ..) in KINDS {
                assert_eq!(charged(model, change), printed(measured), "{model}: {name}");
            }
        }
    }
}
