//! Measured throughput tables: the two that are built in, and files of one's own.
//!
//! A file is TOML or CSV; `configs/README.md` describes both. [`read`] reports everything that is
//! wrong with one at once.

use std::collections::BTreeMap;
use std::path::Path;

use crate::profile::{Curve, ThroughputTable};
use crate::trace::problem::{Problem, Problems};
use crate::trace::{InputErrors, file};
use crate::units::{Gpus, Rate};

mod from_csv;
mod from_toml;

/// A table that is part of the program.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// What `--gpu` calls it.
    pub name: &'static str,
    /// One line: the hardware and where the numbers come from.
    pub about: &'static str,
    text: &'static str,
}

/// The tables that are part of the program.
pub const BUILTIN: [Builtin; 2] = [
    Builtin {
        name: "a100",
        about: "NVIDIA A100, profiled for the ElasticFlow artifact",
        text: include_str!("../../configs/profiles/a100.toml"),
    },
    Builtin {
        name: "t4",
        about: "NVIDIA T4, converted in the ElasticFlow artifact from the measurements of adaptdl",
        text: include_str!("../../configs/profiles/t4.toml"),
    },
];

/// The built-in table called `name`.
pub fn builtin(name: &str) -> Option<ThroughputTable> {
    let found = BUILTIN.iter().find(|table| table.name == name)?;
    Some(from_text(name, found.text).expect("the built-in tables are tested"))
}

/// Reads the table at `path`: CSV if its name ends in `.csv` or `.csv.gz`, TOML if in `.toml`.
///
/// # Errors
///
/// Everything that is wrong with it: unknown or missing keys and columns, speeds that are not above
/// zero, counts that are not whole or not above zero, values given twice, a table without curves.
/// What is merely unusual is in [`notes`].
pub fn read(path: &Path) -> Result<ThroughputTable, InputErrors> {
    let name = path.display().to_string();
    let failed = |problem| InputErrors::new(&name, vec![problem]);
    let bytes = file::read(path).map_err(failed)?;
    let lower = name.to_lowercase();
    if lower.ends_with(".csv") || lower.ends_with(".csv.gz") {
        let mut problems = Problems::default();
        let rows = from_csv::measurements(&bytes, &mut problems);
        table(&name, None, rows, problems)
    } else if lower.ends_with(".toml") {
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| failed(Problem::file("is not UTF-8 text; save it as UTF-8")))?;
        from_text(&name, text)
    } else {
        Err(failed(Problem::file("is neither .toml nor .csv; name it after what it is")))
    }
}

/// What is legal about a table and may still surprise, each a message of its own: counts that are
/// no faster than a smaller one and are therefore never handed out.
pub fn notes(table: &ThroughputTable) -> Vec<String> {
    let mut notes = Vec::new();
    for (model, batch_size, curve) in table.curves() {
        let idle =
            curve.measured().iter().map(|(gpus, _)| *gpus).filter(|gpus| !curve.sizes().contains(gpus));
        let idle: Vec<_> = idle.map(|gpus| gpus.to_string()).collect();
        if !idle.is_empty() {
            notes.push(format!(
                "`{model}` at batch size {batch_size} is no faster on {} GPUs than on fewer",
                idle.join(", ")
            ));
        }
    }
    notes
}

fn from_text(file: &str, text: &str) -> Result<ThroughputTable, InputErrors> {
    let mut problems = Problems::default();
    let (name, rows) = from_toml::measurements(text, &mut problems);
    table(file, name, rows, problems)
}

/// One speed, and the line that states it.
struct Measurement {
    line: u64,
    model: String,
    batch_size: u32,
    gpus: Gpus,
    rate: Rate,
}

/// Puts the measurements together, unless there are problems or two speeds of the same thing.
fn table(
    file: &str,
    name: Option<String>,
    rows: Vec<Measurement>,
    mut problems: Problems,
) -> Result<ThroughputTable, InputErrors> {
    let mut curves: BTreeMap<(String, u32), BTreeMap<Gpus, (u64, Rate)>> = BTreeMap::new();
    if rows.is_empty() && problems.0.is_empty() {
        problems.push(Problem::file("has no measurements; give the speed of at least one model"));
    }
    for Measurement { line, model, batch_size, gpus, rate } in rows {
        let what = format!("`{model}` at batch size {batch_size} on {gpus} GPUs");
        let curve = curves.entry((model, batch_size)).or_default();
        if let Some((first, _)) = curve.get(&gpus) {
            problems.push(Problem::line(
                line,
                format!("gives a speed of {what}, as line {first} does; keep one"),
            ));
        } else {
            curve.insert(gpus, (line, rate));
        }
    }
    let stem = Path::new(file).file_name().map_or(file.into(), |name| name.to_string_lossy());
    let stem = stem.split('.').next().unwrap_or(file);
    let mut table = ThroughputTable::new(name.unwrap_or_else(|| stem.to_owned()));
    for ((model, batch_size), rows) in curves {
        let rows = rows.into_iter().map(|(gpus, (_, rate))| (gpus, rate)).collect();
        if let Some(curve) = Curve::new(rows) {
            table.insert(&model, batch_size, curve);
        }
    }
    problems.or(file, table)
}

#[cfg(test)]
mod tests;
