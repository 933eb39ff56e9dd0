//! Single measured speeds, and how they become a throughput table.

use std::collections::BTreeMap;
use std::path::Path;

use crate::profile::{Curve, ThroughputTable};
use crate::trace::InputErrors;
use crate::trace::problem::{Problem, Problems};
use crate::units::{Gpus, Rate};

/// One measured speed, and the line that states it.
pub(super) struct MeasuredRow {
    pub(super) line: u64,
    pub(super) model: String,
    /// Global batch size, in samples.
    pub(super) batch_size: u32,
    pub(super) gpus: Gpus,
    /// Iterations per second.
    pub(super) rate: Rate,
}

/// The measurements of one model at one batch size: for each number of GPUs the line and the speed.
type CurveRows = BTreeMap<Gpus, (u64, Rate)>;

/// Puts the measurements of `file` together to a table, called `name` or else like the file.
///
/// # Errors
///
/// The problems found so far; if there are none, that there is no measurement or that two state the
/// speed of the same model, batch size and number of GPUs.
pub(super) fn table(
    file: &str,
    name: Option<String>,
    rows: Vec<MeasuredRow>,
    mut problems: Problems,
) -> Result<ThroughputTable, InputErrors> {
    if rows.is_empty() && problems.is_empty() {
        problems.push(Problem::file("has no measurements; give the speed of at least one model"));
    }
    let curves = by_curve(rows, &mut problems);
    let mut table = ThroughputTable::new(name.unwrap_or_else(|| stem(file)));
    for ((model, batch_size), rows) in curves {
        let rows = rows.into_iter().map(|(gpus, (_, rate))| (gpus, rate)).collect();
        let curve = Curve::new(rows).expect("each number of GPUs and speed was read as above zero, once");
        table.insert(&model, batch_size, curve);
    }
    problems.or(file, table)
}

/// Sorts measurements by model and batch size. Of two that state the same the first counts, and the
/// second is noted as a problem.
fn by_curve(rows: Vec<MeasuredRow>, problems: &mut Problems) -> BTreeMap<(String, u32), CurveRows> {
    let mut curves: BTreeMap<(String, u32), CurveRows> = BTreeMap::new();
    for MeasuredRow { line, model, batch_size, gpus, rate } in rows {
        let plural = if gpus == Gpus::ONE { "" } else { "s" };
        let what = format!("`{model}` at batch size {batch_size} on {gpus} GPU{plural}");
        let curve = curves.entry((model, batch_size)).or_default();
        if let Some((first, _)) = curve.get(&gpus) {
            let message = format!("gives a speed of {what}, as line {first} does; keep one");
            problems.push(Problem::line(line, message));
        } else {
            curve.insert(gpus, (line, rate));
        }
    }
    curves
}

/// Returns the name of a file up to its first dot.
fn stem(file: &str) -> String {
    let name = Path::new(file).file_name().map_or(file.into(), |name| name.to_string_lossy());
    name.split('.').next().unwrap_or(file).to_owned()
}
