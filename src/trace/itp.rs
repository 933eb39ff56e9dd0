//! Raw production traces, which say how long a job ran on how many GPUs, and not what it was.
//!
//! The rest is drawn, as the authors of ElasticFlow drew it for the traces they published: a model
//! and batch size, each as likely, from the profiles' curves (see `draw::templates`) that were
//! measured at the job's number of GPUs and have a sample for every GPU; and as many whole
//! iterations as take the job's duration there, but at least one. Their script skipped jobs of 3,
//! 5, 6, 7 or more than 64 GPUs and those under 600 s. Nothing is skipped here: a number of GPUs at
//! which nothing was measured is an error, and short jobs are jobs.

use std::collections::BTreeSet;

use crate::profile::ThroughputTable;
use crate::trace::cell::Cell;
use crate::trace::draw::{Draws, Stream, Template, draw, templates, work};
use crate::trace::problem::Problems;
use crate::trace::row::{Work, ends, listed};
use crate::trace::table::Cells;
use crate::units::{Gpus, SimDuration};

/// Draws what a raw trace leaves out, in the order of its rows.
pub(super) struct Drawn<'a> {
    duration: usize,
    table: &'a ThroughputTable,
    templates: Vec<Template<'a>>,
    draws: Draws,
}

impl<'a> Drawn<'a> {
    /// Draws from the curves of `table`; `duration` is the column.
    pub(super) fn new(duration: usize, table: &'a ThroughputTable, seed: u64) -> Drawn<'a> {
        Drawn { duration, table, templates: templates(table), draws: Draws::new(seed, Stream::Templates) }
    }

    /// Whether there is anything that could be drawn for so many GPUs.
    pub(super) fn knows(&self, gpus: Gpus) -> bool {
        draw(&self.templates, gpus, &mut Draws::new(0, Stream::Templates)).is_some()
    }

    /// The work of a row, or `None` with its problems noted.
    pub(super) fn work(
        &mut self,
        row: Cells<'_>,
        gpus_cell: Cell<'_>,
        gpus: Option<Gpus>,
        duration: Option<SimDuration>,
        problems: &mut Problems,
    ) -> Option<Work> {
        // Drawn before anything can fail, so that a corrected row changes no other.
        let drawn = draw(&self.templates, gpus.unwrap_or_default(), &mut self.draws);
        gpus?;
        let Some((template, rate)) = drawn else {
            let measured = self.table.curves().flat_map(|(_, _, curve)| curve.measured());
            let counts: BTreeSet<Gpus> = measured.map(|(gpus, _)| *gpus).collect();
            problems.push(gpus_cell.problem(format!(
                "is a number of GPUs at which profiles `{}` have no model with as large a batch; give one of {}, or remove the row",
                self.table.name(),
                listed(&counts)
            )));
            return None;
        };
        let cell = row.cell(self.duration);
        let duration = duration?;
        if duration == SimDuration::ZERO {
            problems.push(cell.problem("leaves no time to work in; give more than 0 s"));
            return None;
        }
        let iterations = work(rate, duration);
        let curve = self.table.curve(template.model, template.batch_size)?;
        problems.keep(ends(cell, iterations, curve))?;
        Some(Work { model: template.model.to_owned(), batch_size: template.batch_size, iterations })
    }
}
