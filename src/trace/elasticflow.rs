//! The ElasticFlow family: traces whose jobs state their model, batch size and iterations.

use crate::profile::ThroughputTable;
use crate::trace::problem::{Problem, Problems};
use crate::trace::row::{Work, ends};
use crate::trace::table::Cells;
use crate::units::Iterations;
use crate::workload::ITERATIONS_LIMIT;

/// See [`ITERATIONS_LIMIT`].
const MOST: u64 = ITERATIONS_LIMIT as u64;

/// Where the work stands in a row, and what is known of the models.
pub(super) struct Stated<'a> {
    pub(super) model: usize,
    pub(super) batch_size: usize,
    pub(super) iterations: usize,
    pub(super) table: &'a ThroughputTable,
    /// Jobs without iterations: wrong, but for the published artifact, which runs some of them.
    pub(super) workless: Vec<Problem>,
}

impl Stated<'_> {
    /// The work of a row, or `None` with its problems noted.
    pub(super) fn work(&mut self, row: Cells<'_>, problems: &mut Problems) -> Option<Work> {
        let (model_cell, batch_cell) = (row.cell(self.model), row.cell(self.batch_size));
        let model = problems.keep(model_cell.text()).map(str::trim);
        let batch_size = problems.keep(batch_cell.whole("samples", 1..=u64::from(u32::MAX)));
        let cell = row.cell(self.iterations);
        let iterations = match (cell.whole("iterations", 1..=MOST), cell.whole("iterations", 0..=MOST)) {
            (Err(problem), Ok(_)) => {
                self.workless.push(problem);
                Some(Iterations::ZERO)
            }
            (count, _) => problems.keep(count).map(|count| Iterations::new(count as f64)),
        };
        let (model, batch_size) = (model?, batch_size? as u32);
        let Some(curve) = self.table.curve(model, batch_size) else {
            let known = self.table.batch_sizes(model).next().is_some();
            let cell = if known { batch_cell } else { model_cell };
            let missing = self.table.missing(model, batch_size);
            let message =
                format!("{missing}; correct it, or choose other profiles by `--gpu` or `--profiles`");
            // Without the value, which the message already names.
            problems.push(Problem { value: None, ..cell.problem(message) });
            return None;
        };
        let iterations = iterations?;
        problems.keep(ends(cell, iterations, curve))?;
        Some(Work { model: model.to_owned(), batch_size, iterations })
    }
}
