//! Measured throughput tables: the two that are built in, and files of the user's own.
//!
//! A file is TOML or CSV; `configs/README.md` describes both. [`read`] reports everything that is
//! wrong with one at once.

use std::path::Path;

use crate::profile::ThroughputTable;
use crate::trace::problem::{Problem, Problems, listed};
use crate::trace::{InputErrors, file};

mod from_csv;
mod from_toml;
mod measurement;

/// A table that is part of the program.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// The name for `--gpu`.
    pub name: &'static str,
    /// The hardware and where the numbers come from, in one line.
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

/// Returns the built-in table called `name`.
pub fn builtin(name: &str) -> Option<ThroughputTable> {
    let found = BUILTIN.iter().find(|table| table.name == name)?;
    Some(from_text(name, found.text).expect("the built-in tables are tested"))
}

/// Reads the table at `path`: CSV if the name ends in `.csv` or `.csv.gz`, TOML if it ends in
/// `.toml`. Speeds are in iterations per second, batch sizes in samples over all GPUs.
///
/// # Errors
///
/// Everything that is wrong with the file: unknown or missing keys and columns, speeds that are not
/// above zero, counts that are not whole or not above zero, values given twice, a table without
/// curves. What is merely unusual is in [`notes`].
pub fn read(path: &Path) -> Result<ThroughputTable, InputErrors> {
    let name = path.display().to_string();
    let bytes = file::read(path).map_err(|problem| InputErrors::new(&name, vec![problem]))?;
    parse(&name, &bytes)
}

/// Reads the table of the file called `name` from its bytes, which are not compressed.
///
/// # Errors
///
/// As [`read`].
pub fn parse(name: &str, bytes: &[u8]) -> Result<ThroughputTable, InputErrors> {
    let failed = |problem| InputErrors::new(name, vec![problem]);
    let lower = name.to_lowercase();
    if lower.ends_with(".csv") || lower.ends_with(".csv.gz") {
        let mut problems = Problems::default();
        let rows = from_csv::measurements(bytes, &mut problems);
        measurement::table(name, None, rows, problems)
    } else if lower.ends_with(".toml") {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| failed(Problem::file("is not UTF-8 text; save it as UTF-8")))?;
        from_text(name, text)
    } else {
        Err(failed(Problem::file("is neither .toml nor .csv; name it after what it is")))
    }
}

/// Returns what is legal about a table and may still surprise, each a message of its own: numbers
/// of GPUs that are no faster than a smaller number, and are therefore never granted.
pub fn notes(table: &ThroughputTable) -> Vec<String> {
    let mut notes = Vec::new();
    for (model, batch_size, curve) in table.curves() {
        let idle =
            curve.measured().iter().map(|(gpus, _)| *gpus).filter(|gpus| !curve.sizes().contains(gpus));
        let idle: Vec<_> = idle.collect();
        if !idle.is_empty() {
            notes.push(format!(
                "`{model}` at batch size {batch_size} is no faster on {} GPUs than on fewer",
                listed(idle)
            ));
        }
    }
    notes
}

fn from_text(file: &str, text: &str) -> Result<ThroughputTable, InputErrors> {
    let mut problems = Problems::default();
    let (name, rows) = from_toml::measurements(text, &mut problems);
    measurement::table(file, name, rows, problems)
}

#[cfg(test)]
mod tests;
