//! Raw production traces, which state how long a job ran on how many GPUs, and not what it was.
//!
//! The rest is drawn, as the authors of ElasticFlow drew it for the traces they published. A model
//! and batch size are drawn, each equally likely, from the profiles' curves (see
//! `draw::templates`) that were measured at the job's number of GPUs and have a sample for every
//! GPU. The iterations are as many whole ones as take the job's duration there, but at least one.
//!
//! The authors' script skipped jobs of 3, 5, 6, 7 or more than 64 GPUs and those under 600 s. Here
//! nothing is skipped: a number of GPUs at which nothing was measured is an error, and short jobs
//! are jobs.

use std::collections::BTreeSet;

use crate::profile::ThroughputTable;
use crate::trace::draw::{Draws, Stream, Template, draw, templates, work};
use crate::trace::problem::{Problems, listed};
use crate::trace::table::TableRow;
use crate::trace::work::{JobWork, check_ends};
use crate::units::{Gpus, SimDuration};

/// Draws what a raw trace leaves out, in the order of the rows.
pub(in crate::trace) struct DrawnWork<'a> {
    duration: usize,
    gpus: usize,
    table: &'a ThroughputTable,
    templates: Vec<Template<'a>>,
    draws: Draws,
}

impl<'a> DrawnWork<'a> {
    /// Draws from the curves of `table`, for the columns of duration and GPUs.
    pub(super) fn new([duration, gpus]: [usize; 2], table: &'a ThroughputTable, seed: u64) -> DrawnWork<'a> {
        let draws = Draws::new(seed, Stream::Templates);
        DrawnWork { duration, gpus, table, templates: templates(table), draws }
    }

    /// Returns whether there is anything that could be drawn for a job on `gpus` GPUs.
    pub(super) fn is_known_at(&self, gpus: Gpus) -> bool {
        draw(&self.templates, gpus, &mut Draws::new(0, Stream::Templates)).is_some()
    }

    /// Returns the work of a row, or `None` with its problems noted. Draws once for each row, even
    /// for one that is wrong, so that a corrected row changes no other row.
    pub(super) fn draw(
        &mut self,
        row: TableRow<'_>,
        requested: Option<Gpus>,
        duration: Option<SimDuration>,
        problems: &mut Problems,
    ) -> Option<JobWork> {
        let drawn = draw(&self.templates, requested.unwrap_or_default(), &mut self.draws);
        requested?;
        let Some((template, rate)) = drawn else {
            problems.push(row.cell(self.gpus).problem(self.none_measured()));
            return None;
        };
        let cell = row.cell(self.duration);
        let duration = duration?;
        if duration == SimDuration::ZERO {
            problems.push(cell.problem("leaves no time to work in; give more than 0 s"));
            return None;
        }
        let iterations = work(rate, duration);
        problems.keep(check_ends(cell, iterations, template.curve))?;
        Some(JobWork { model: template.model.to_owned(), batch_size: template.batch_size, iterations })
    }

    /// What is wrong with a number of GPUs for which no template can be drawn.
    fn none_measured(&self) -> String {
        let measured = self.table.curves().flat_map(|(_, _, curve)| curve.measured());
        let counts: BTreeSet<Gpus> = measured.map(|(gpus, _)| *gpus).collect();
        format!(
            "is a number of GPUs at which profiles `{}` have no model with as large a batch; give one of {}, or remove the \
             row",
            self.table.name(),
            listed(&counts)
        )
    }
}
