//! Throughput tables in CSV: a row for each measurement.

use super::measurement::MeasuredRow;
use crate::trace::problem::Problems;
use crate::trace::table::{Table, TableRow};
use crate::units::{Gpus, Rate};

/// The columns, each with its spellings.
const COLUMNS: [&[&str]; 4] =
    [&["model"], &["batch_size", "global_batch_size"], &["gpus"], &["iterations_per_second"]];

/// Reads every measurement, in the order of the rows. What cannot be read is noted as a problem.
pub(super) fn measurements(bytes: &[u8], problems: &mut Problems) -> Vec<MeasuredRow> {
    let Some(table) = Table::parse(bytes, problems) else { return Vec::new() };
    let places = COLUMNS.map(|names| {
        let place = problems.keep(table.column(names))?;
        if place.is_none() {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            problems.push(table.problem(format!("has no column {}; add it", names.join(" or "))));
        }
        place
    });
    let [Some(model), Some(batch_size), Some(gpus), Some(rate)] = places else { return Vec::new() };
    let places = [model, batch_size, gpus, rate];
    let mut cursor = table.cursor();
    (0..table.len()).filter_map(|row| measurement(cursor.row(row), places, problems)).collect()
}

/// Reads the measurement of a row. Returns `None`, with its problems noted, if a value is wrong.
fn measurement(
    row: TableRow<'_>,
    [model, batch_size, gpus, rate]: [usize; 4],
    problems: &mut Problems,
) -> Option<MeasuredRow> {
    let model = problems.keep(row.cell(model).text());
    let batch_size = problems.keep(row.cell(batch_size).whole("samples", 1..=u64::from(u32::MAX)));
    let gpus = problems.keep(row.cell(gpus).whole("GPUs", 1..=1_000_000));
    let rate = problems.keep(row.cell(rate).rate());
    Some(MeasuredRow {
        line: row.line(),
        model: model?.trim().to_owned(),
        batch_size: batch_size? as u32,
        gpus: Gpus::new(gpus? as u32),
        rate: Rate::new(rate?),
    })
}
