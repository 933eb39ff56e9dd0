//! What every figure has: its runs, title, notes and table.

use anyhow::Result;
use elasticflow_sim::experiment::Preset;
use elasticflow_sim::metrics::Metrics;
use elasticflow_sim::scheduler::Entry;

use crate::bars::{self, Bar, BarGroup};
use crate::config::{FigureCase, FigureConfig};
use crate::inputs::{FigureInputs, Folders};
use crate::page::{Direction, FigurePage, LegendKey};
use crate::runs::{self, FigureRuns, Manner, Presets};
use crate::style;
use crate::svg::Canvas;
use crate::table::{CsvTable, value};

/// A figure of the paper.
pub(crate) struct Figure {
    /// The name on the command line and of the files.
    pub(crate) id: &'static str,
    /// What the figure shows, in a line.
    pub(crate) what: &'static str,
    /// Draws the figure from its runs.
    pub(crate) draw: fn(&FigureData) -> Result<Drawing>,
    /// The presets whose runs it needs.
    pub(crate) presets: Presets,
}

/// The runs of a figure.
pub(crate) struct FigureData {
    /// The name of the figure.
    pub(crate) id: &'static str,
    /// Its file in `configs/figures/`.
    pub(crate) config: FigureConfig,
    /// The results of the runs.
    pub(crate) runs: FigureRuns,
}

/// A drawn figure.
pub(crate) struct Drawing {
    /// The picture.
    pub(crate) canvas: Canvas,
    /// The numbers, as a CSV file.
    pub(crate) csv: Vec<u8>,
}

/// Reads values off a run, each with the name of its metric.
pub(crate) type MetricReading = fn(&Metrics) -> Vec<(&'static str, Option<f64>)>;

impl Figure {
    /// Runs what the figure needs.
    ///
    /// # Errors
    ///
    /// If its file or a trace cannot be read, or a run fails.
    pub(crate) fn make(&self, folders: &Folders, manner: Manner) -> Result<FigureData> {
        let config = FigureConfig::read(&folders.root, self.id)?;
        let inputs = FigureInputs::find(&config, folders)?;
        let runs = runs::run(&config, &inputs, self.presets, manner)?;
        Ok(FigureData { id: self.id, config, runs })
    }
}

impl FigureData {
    /// Returns the notes, for the page and the terminal.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.runs.stand_ins {
            let names: Vec<_> = self.runs.cases.iter().map(FigureCase::origin).collect();
            let mut names: Vec<_> = names.iter().map(String::as_str).collect();
            names.dedup();
            notes.push(format!("Stand-in: {}. The published: {}.", names.join(", "), self.config.traces));
        }
        notes.extend(self.config.notes.iter().cloned());
        if self.config.testbed && self.runs.cases.iter().any(|case| !case.printed.is_empty()) {
            notes.push("The paper measured its values on a testbed; the bars are simulated.".to_owned());
        }
        notes.extend(self.runs.left_out.iter().map(|why| format!("{why}.")));
        notes
    }

    /// Returns a page with the title.
    pub(crate) fn page(&self) -> FigurePage {
        let stand_in = if self.runs.stand_ins { " (stand-in traces)" } else { "" };
        FigurePage::new(&format!("{}{stand_in}", self.config.title))
    }

    /// Ends the figure: adds the notes to the page.
    ///
    /// # Errors
    ///
    /// If the table cannot be written.
    pub(crate) fn close(&self, mut page: FigurePage, csv: CsvTable) -> Result<Drawing> {
        for note in self.notes() {
            page.note(&note);
        }
        Ok(Drawing { canvas: page.finish(), csv: csv.finish()? })
    }

    /// Returns the legend of the schedulers, in the order of the figure.
    pub(crate) fn labels(&self, key: fn(style::Style) -> LegendKey) -> Vec<(LegendKey, &'static str)> {
        let styles = self.runs.schedulers.iter().map(|entry| style::of(entry.name));
        styles.map(|style| (key(style), style.label)).collect()
    }

    /// Returns the bar of a scheduler: the strict ratio of deadlines met, the ratio that the
    /// artifact prints, and the ratio that the paper prints.
    pub(crate) fn bar(&self, case: usize, scheduler: &'static Entry) -> Bar {
        let style = style::of(scheduler.name);
        let row = self.runs.of(case, scheduler, Preset::Default);
        Bar {
            colour: style.colour,
            texture: style.texture,
            value: row.and_then(|row| row.metrics.dsr),
            artifact: self.runs.artifact(case, scheduler),
            printed: self.runs.cases[case].printed.get(scheduler.name).copied(),
        }
    }

    /// Draws a figure of one case: a level bar per scheduler.
    ///
    /// # Errors
    ///
    /// If the table cannot be written.
    pub(crate) fn level_bars(&self) -> Result<Drawing> {
        let bar = |entry: &&'static Entry| (style::of(entry.name).label.to_owned(), self.bar(0, entry));
        let bars: Vec<_> = self.runs.schedulers.iter().map(bar).collect();
        let mut page = self.page();
        page.legend(&bars::keys(bars.iter().map(|(_, bar)| bar), Direction::Level));
        bars::level(&mut page, &bars, "deadline satisfaction ratio");
        self.close(page, self.ratios()?)
    }

    /// Draws a figure of several cases: a group of upright bars per case, `per_row` groups to a
    /// panel.
    ///
    /// # Errors
    ///
    /// If the table cannot be written.
    pub(crate) fn upright_bars(&self, per_row: usize) -> Result<Drawing> {
        let group = |(number, case): (usize, &FigureCase)| BarGroup {
            label: case.name.clone(),
            bars: self.runs.schedulers.iter().map(|entry| self.bar(number, entry)).collect(),
        };
        let groups: Vec<_> = self.runs.cases.iter().enumerate().map(group).collect();
        let mut page = self.page();
        let mut legend = self.labels(LegendKey::Bar);
        legend.extend(bars::keys(groups.iter().flat_map(|group| &group.bars), Direction::Upright));
        page.legend(&legend);
        bars::upright(&mut page, &groups, per_row, 1.0, 88.0, "deadline satisfaction ratio");
        self.close(page, self.ratios()?)
    }

    /// Returns the ratios of every run, and those that the paper prints.
    ///
    /// # Errors
    ///
    /// If the table cannot be written.
    pub(crate) fn ratios(&self) -> Result<CsvTable> {
        self.table(|metrics| vec![("dsr", metrics.dsr), ("planned_dsr", metrics.planned_dsr)])
    }

    /// Returns these metrics of every run, and the values that the paper prints: a row per value.
    ///
    /// # Errors
    ///
    /// If the table cannot be written.
    pub(crate) fn table(&self, read: MetricReading) -> Result<CsvTable> {
        let mut table = CsvTable::new(&[
            "figure",
            "case",
            "trace",
            "cluster",
            "gpu",
            "slot",
            "scheduler",
            "overhead",
            "source",
            "metric",
            "value",
        ])?;
        let slot = value(self.config.slot);
        let mut row =
            |case: &FigureCase, scheduler: &str, overhead: &str, source: &str, metric: &str, it: f64| {
                let origin = case.origin();
                let head = [self.id, &case.name, &origin, &case.cluster, &case.gpu, &slot];
                let rest = [scheduler, overhead, source, metric, &value(it)];
                table.row(&[head.as_slice(), rest.as_slice()].concat())
            };
        for run in &self.runs.all {
            let case = &self.runs.cases[run.case];
            for (metric, it) in read(&run.metrics) {
                if let Some(it) = it {
                    let overhead = run.overhead.as_deref().unwrap_or("");
                    row(case, run.scheduler.name, overhead, &run.preset.to_string(), metric, it)?;
                }
            }
        }
        for case in &self.runs.cases {
            for (scheduler, printed) in &case.printed {
                row(case, scheduler, "", "printed", "dsr", *printed)?;
            }
            for (scheduler, printed) in &case.printed_jct {
                row(case, scheduler, "", "printed", "best_effort_jct_gain", *printed)?;
            }
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On its stand-ins, no text of a figure overlaps another or the edge, and two drawings have
    /// the same bytes.
    #[test]
    fn figures_are_laid_out_and_the_same_each_time() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folders = Folders { root, data: std::path::PathBuf::from("nowhere") };
        let manner = Manner { quiet: true, brief: true };
        for figure in &crate::FIGURES {
            let mut data = figure.make(&folders, manner).unwrap();
            let drawn = (figure.draw)(&data).unwrap();
            assert_eq!(drawn.canvas.faults(), [""; 0], "{}", figure.id);
            let svg = drawn.canvas.finish(figure.what);
            if figure.id == "fig9" {
                data = figure.make(&folders, manner).unwrap();
            }
            let again = (figure.draw)(&data).unwrap();
            assert!(svg == again.canvas.finish(figure.what) && drawn.csv == again.csv, "{}", figure.id);
        }
    }
}
