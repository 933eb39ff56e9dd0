//! Throughput tables in CSV: a row for each measurement.

use super::Measurement;
use crate::trace::problem::Problems;
use crate::trace::table::{Cells, Table};
use crate::units::{Gpus, Rate};

const COLUMNS: [&[&str]; 4] =
    [&["model"], &["batch_size", "global_batch_size"], &["gpus"], &["iterations_per_second"]];

/// Every measurement that could be read; the rest is among the problems.
pub(super) fn measurements(bytes: &[u8], problems: &mut Problems) -> Vec<Measurement> {
    let Some(table) = Table::parse(bytes, problems) else { return Vec::new() };
    let columns = COLUMNS.map(|names| {
        let at = problems.keep(table.column(names))?;
        if at.is_none() {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            problems.push(table.problem(format!("has no column {}; add it", names.join(" or "))));
        }
        at
    });
    let [Some(model), Some(batch_size), Some(gpus), Some(rate)] = columns else { return Vec::new() };
    let row = |row: Cells<'_>, problems: &mut Problems| {
        let model = problems.keep(row.cell(model).text());
        let batch_size = problems.keep(row.cell(batch_size).whole("samples", 1..=u64::from(u32::MAX)));
        let gpus = problems.keep(row.cell(gpus).whole("GPUs", 1..=1_000_000));
        let rate = problems.keep(row.cell(rate).rate());
        Some(Measurement {
            line: row.line(),
            model: model?.trim().to_owned(),
            batch_size: batch_size? as u32,
            gpus: Gpus::new(gpus? as u32),
            rate: Rate::new(rate?),
        })
    };
    table.rows().filter_map(|cells| row(cells, problems)).collect()
}
