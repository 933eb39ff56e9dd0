//! What every figure has: its runs, its title, its notes, its table.

use anyhow::Result;
use elasticflow_sim::experiment::Preset;
use elasticflow_sim::metrics::Metrics;
use elasticflow_sim::scheduler::Entry;

use crate::bars::{self, Bar, Direction, Group};
use crate::config::{Case, Config};
use crate::inputs::{Folders, Inputs};
use crate::page::{Key, Page};
use crate::runs::{self, Manner, Presets, Rows};
use crate::style;
use crate::svg::Canvas;
use crate::tidy::{Table, value};

/// A figure of the paper.
pub(crate) struct Figure {
    /// Its name on the command line and of its files.
    pub(crate) id: &'static str,
    /// What it shows.
    pub(crate) what: &'static str,
    /// Runs what it needs and draws it.
    pub(crate) draw: fn(&Made) -> Result<Drawn>,
    /// Which semantics it needs.
    pub(crate) presets: Presets,
}

/// A figure's runs.
pub(crate) struct Made {
    /// Its name.
    pub(crate) id: &'static str,
    /// What it is made of.
    pub(crate) config: Config,
    /// What came out.
    pub(crate) rows: Rows,
}

/// A figure.
pub(crate) struct Drawn {
    /// The picture.
    pub(crate) canvas: Canvas,
    /// The numbers.
    pub(crate) csv: Vec<u8>,
}

/// Reads values off a run, each with its name.
pub(crate) type Reading = fn(&Metrics) -> Vec<(&'static str, Option<f64>)>;

impl Figure {
    /// Runs what the figure needs.
    ///
    /// # Errors
    ///
    /// If its file, a trace or a run is at fault.
    pub(crate) fn make(&self, folders: &Folders, manner: Manner) -> Result<Made> {
        let config = Config::read(&folders.root, self.id)?;
        let inputs = Inputs::find(&config, folders)?;
        let rows = runs::run(&config, &inputs, self.presets, manner)?;
        Ok(Made { id: self.id, config, rows })
    }
}

impl Made {
    /// What is said besides the figure, on the page and on the terminal.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.rows.stand_ins {
            let names: Vec<_> = self.rows.cases.iter().map(Case::origin).collect();
            let mut names: Vec<_> = names.iter().map(String::as_str).collect();
            names.dedup();
            notes.push(format!("Stand-in: {}. The published: {}.", names.join(", "), self.config.traces));
        }
        notes.extend(self.config.notes.iter().cloned());
        if self.config.testbed && self.rows.cases.iter().any(|case| !case.printed.is_empty()) {
            notes.push("The paper measured its values on a testbed; the bars are simulated.".to_owned());
        }
        notes.extend(self.rows.left_out.iter().map(|why| format!("{why}.")));
        notes
    }

    /// The page with its title.
    pub(crate) fn page(&self) -> Page {
        let stand_in = if self.rows.stand_ins { " (stand-in traces)" } else { "" };
        Page::new(&format!("{}{stand_in}", self.config.title))
    }

    /// The page with its notes, and the table.
    pub(crate) fn close(&self, mut page: Page, csv: Table) -> Result<Drawn> {
        for note in self.notes() {
            page.note(&note);
        }
        Ok(Drawn { canvas: page.finish(), csv: csv.finish()? })
    }

    /// The schedulers with their labels, in the order of the figure.
    pub(crate) fn labels(&self, key: fn(style::Style) -> Key) -> Vec<(Key, &'static str)> {
        let styles = self.rows.schedulers.iter().map(|entry| style::of(entry.name));
        styles.map(|style| (key(style), style.label)).collect()
    }

    /// The bar of a scheduler: deadlines met, strictly; what the artifact prints; what the paper
    /// prints.
    pub(crate) fn bar(&self, case: usize, scheduler: &'static Entry) -> Bar {
        let style = style::of(scheduler.name);
        let row = self.rows.of(case, scheduler, Preset::Default);
        Bar {
            colour: style.colour,
            texture: style.texture,
            value: row.and_then(|row| row.metrics.dsr),
            artifact: self.rows.artifact(case, scheduler),
            printed: self.rows.cases[case].printed.get(scheduler.name).copied(),
        }
    }

    /// A figure of one case: a level bar for each scheduler.
    pub(crate) fn level_bars(&self) -> Result<Drawn> {
        let bar = |entry: &&'static Entry| (style::of(entry.name).label.to_owned(), self.bar(0, entry));
        let bars: Vec<_> = self.rows.schedulers.iter().map(bar).collect();
        let mut page = self.page();
        page.legend(&bars::keys(bars.iter().map(|(_, bar)| bar), Direction::Level));
        bars::level(&mut page, &bars, "deadline satisfaction ratio");
        self.close(page, self.ratios()?)
    }

    /// A figure of several cases: upright bars in groups.
    pub(crate) fn upright_bars(&self, per_row: usize) -> Result<Drawn> {
        let group = |(case, of): (usize, &Case)| Group {
            label: of.name.clone(),
            bars: self.rows.schedulers.iter().map(|entry| self.bar(case, entry)).collect(),
        };
        let groups: Vec<_> = self.rows.cases.iter().enumerate().map(group).collect();
        let mut page = self.page();
        let mut legend = self.labels(Key::Bar);
        legend.extend(bars::keys(groups.iter().flat_map(|group| &group.bars), Direction::Upright));
        page.legend(&legend);
        bars::upright(&mut page, &groups, per_row, 1.0, 88.0, "deadline satisfaction ratio");
        self.close(page, self.ratios()?)
    }

    /// The ratios of every run, and what is printed.
    pub(crate) fn ratios(&self) -> Result<Table> {
        let of = |metrics: &Metrics| vec![("dsr", metrics.dsr), ("planned_dsr", metrics.planned_dsr)];
        self.table(&[of])
    }

    /// What the runs come to, and what is printed: a row for each value.
    pub(crate) fn table(&self, metrics: &[Reading]) -> Result<Table> {
        let mut table = Table::new(&[
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
        let mut row = |case: &Case, scheduler: &str, overhead: &str, source: &str, metric: &str, it: f64| {
            let origin = case.origin();
            let head = [self.id, &case.name, &origin, &case.cluster, &case.gpu, &slot];
            let rest = [scheduler, overhead, source, metric, &value(it)];
            table.row(&[head.as_slice(), rest.as_slice()].concat())
        };
        for run in &self.rows.all {
            let case = &self.rows.cases[run.case];
            for (metric, it) in metrics.iter().flat_map(|of| of(&run.metrics)) {
                if let Some(it) = it {
                    let overhead = run.overhead.as_deref().unwrap_or("");
                    row(case, run.scheduler.name, overhead, &run.preset.to_string(), metric, it)?;
                }
            }
        }
        for case in &self.rows.cases {
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

    /// Every figure on its stand-ins: no text overlaps another or the edge, and twice the same
    /// bytes.
    #[test]
    fn figures_are_laid_out_and_the_same_each_time() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folders = Folders { root, data: std::path::PathBuf::from("nowhere") };
        let manner = Manner { quiet: true, brief: true };
        for figure in &crate::FIGURES {
            let mut made = figure.make(&folders, manner).unwrap();
            let drawn = (figure.draw)(&made).unwrap();
            assert_eq!(drawn.canvas.faults(), [""; 0], "{}", figure.id);
            let svg = drawn.canvas.finish(figure.what);
            if figure.id == "fig9" {
                made = figure.make(&folders, manner).unwrap();
            }
            let again = (figure.draw)(&made).unwrap();
            assert!(svg == again.canvas.finish(figure.what) && drawn.csv == again.csv, "{}", figure.id);
        }
    }
}
