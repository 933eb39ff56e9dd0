//! The ElasticFlow family: traces whose jobs state their model, batch size and iterations.

use crate::profile::ThroughputTable;
use crate::trace::problem::{Problem, Problems};
use crate::trace::table::TableRow;
use crate::trace::work::{JobWork, check_ends};
use crate::units::Iterations;
use crate::workload::ITERATIONS_LIMIT;

/// See [`ITERATIONS_LIMIT`].
const MOST: u64 = ITERATIONS_LIMIT as u64;

/// Reads the work that each row states.
pub(in crate::trace) struct StatedWork<'a> {
    model: usize,
    batch_size: usize,
    iterations: usize,
    table: &'a ThroughputTable,
    /// A problem for each job without iterations. It is kept apart, since the published artifact
    /// runs some of these jobs.
    workless: Problems,
}

impl<'a> StatedWork<'a> {
    /// Reads from the columns of model, batch size and iterations; `table` has the models.
    pub(super) fn new(
        [model, batch_size, iterations]: [usize; 3],
        table: &'a ThroughputTable,
    ) -> StatedWork<'a> {
        StatedWork { model, batch_size, iterations, table, workless: Problems::default() }
    }

    /// Returns the work of a row, or `None` with its problems noted.
    pub(super) fn read(&mut self, row: TableRow<'_>, problems: &mut Problems) -> Option<JobWork> {
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
            let is_known = self.table.batch_sizes(model).next().is_some();
            let cell = if is_known { batch_cell } else { model_cell };
            let missing = self.table.missing(model, batch_size);
            let message =
                format!("{missing}; correct it, or choose other profiles by `--gpu` or `--profiles`");
            // Without the value, which the message already names.
            problems.push(Problem { value: None, ..cell.problem(message) });
            return None;
        };
        let iterations = iterations?;
        problems.keep(check_ends(cell, iterations, curve))?;
        Some(JobWork { model: model.to_owned(), batch_size, iterations })
    }

    /// Returns a problem for each job without iterations, in the order of rows.
    pub(super) fn into_workless(self) -> Problems {
        self.workless
    }
}
