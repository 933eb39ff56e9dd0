//! Points on the disk, and the table of all of them.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::report::{CSV_COLUMNS, FILES, cells, sha256};

use super::{Checked, Point};

/// `sweep.json`: which grid a directory is of. Written before the first point.
pub(super) const MANIFEST: &str = "sweep.json";
/// The table, written after the last point.
pub(super) const RESULTS: &str = "results.csv";
/// Where the points are.
pub(super) const POINTS: &str = "points";
/// In each point, what every file of it is, as `sha256sum --check` reads it.
const SUMS: &str = "SHA256SUMS";

/// The settings at the head of `summary.json`: all that was in force, also what nobody said.
const SETTINGS: [&str; 10] =
    ["scheduler", "preset", "options", "trace", "cluster", "profiles", "overhead", "placer", "slot", "seed"];

/// A digest of the sources of this program: a policy may change while the version stays the same.
pub(super) const BUILD: &str = env!("ELASTICFLOW_SIM_SOURCES");

/// The key of a run by a build of the program, from the text of its `run.json` and its summary.
pub(super) fn key(build: &str, manifest: &str, summary: &Value) -> String {
    let settings: Vec<&Value> = SETTINGS.iter().map(|name| &summary[*name]).collect();
    sha256(format!("{build}\n{manifest}{}", serde_json::json!(settings)).as_bytes())
}

/// The directory of a point, below [`POINTS`].
pub(super) fn directory(key: &str) -> &str {
    key.get(..16).unwrap_or(key)
}

/// Writes down what the files of a point are: the last one of it.
pub(super) fn seal(of: &Path) -> io::Result<()> {
    fs::write(of.join(SUMS), sums(of)?)
}

/// A line for each file of a run that is there.
fn sums(of: &Path) -> io::Result<String> {
    let mut text = String::new();
    for name in FILES {
        match fs::read(of.join(name)) {
            Ok(bytes) => text.push_str(&format!("{}  {name}\n", sha256(&bytes))),
            Err(why) if why.kind() == io::ErrorKind::NotFound => {}
            Err(why) => return Err(why),
        }
    }
    Ok(text)
}

/// The summary of the point with this key, if each of its files is what was written and that build
/// made it.
pub(super) fn summary(of: &Path, expected: &str, build: &str) -> Option<Value> {
    let text = |name: &str| fs::read_to_string(of.join(name)).ok();
    if text(SUMS)? != sums(of).ok()? {
        return None;
    }
    let summary: Value = serde_json::from_str(&text("summary.json")?).ok()?;
    (key(build, &text("run.json")?, &summary) == expected).then_some(summary)
}

/// Has everything that was written to the file system of `root` reach the disk, where the system
/// can be told to.
pub(super) fn flush(root: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(fs::File::open(root)?)?;
    let _ = root;
    Ok(())
}

/// What [`MANIFEST`] says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Of this program.
    pub(super) version: String,
    /// See [`BUILD`].
    pub(super) build: String,
    /// The part of the grid that is here, if it is not the whole.
    pub(super) shard: Option<String>,
    /// What tells points apart.
    pub(super) columns: Vec<String>,
    /// Every point of the grid, whether it is here or not.
    pub(super) points: Vec<Entry>,
}

/// A point in [`Manifest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// See [`Point::key`].
    pub(super) key: String,
    /// A text for each column.
    pub(super) values: Vec<String>,
}

impl Manifest {
    pub(super) fn of(checked: &Checked, shard: Option<String>) -> Manifest {
        let entry = |point: &Point| Entry {
            key: point.key.clone(),
            values: checked.columns.iter().map(|column| point.value(column).to_owned()).collect(),
        };
        Manifest {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            build: BUILD.to_owned(),
            shard,
            columns: checked.columns.clone(),
            points: checked.points.iter().map(entry).collect(),
        }
    }

    /// What messages call a point.
    pub(super) fn name(&self, number: usize) -> String {
        let varies = |column: &usize| {
            self.points.iter().any(|point| point.values.get(*column) != self.points[0].values.get(*column))
        };
        let columns = (0..self.columns.len()).filter(varies);
        let value = |column: usize| {
            let value = self.points.get(number - 1)?.values.get(column)?;
            Some(format!("{}={value}", self.columns[column]))
        };
        let values: Vec<_> = columns.filter_map(value).collect();
        if values.is_empty() {
            format!("point {number}")
        } else {
            format!("point {number} ({})", values.join(", "))
        }
    }

    /// The bytes of `results.csv`: what the grid says of each point, every key of its summary, and
    /// its directory.
    pub(super) fn results(&self, rows: &[(usize, Value)]) -> io::Result<Vec<u8>> {
        let mut table = Table::new(&self.columns, true)?;
        for (number, summary) in rows {
            let Some(Entry { key, values }) = self.points.get(number - 1) else { continue };
            let directory = format!("{POINTS}/{}", directory(key));
            table.row(*number, values.iter().map(String::as_str), summary, Some(directory))?;
        }
        table.bytes()
    }
}

/// The table of a sweep, row by row.
pub(super) struct Table(csv::Writer<Vec<u8>>);

impl Table {
    pub(super) fn new(columns: &[String], directories: bool) -> io::Result<Table> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let grid = columns.iter().map(|column| format!("grid.{column}"));
        let header = ["point".to_owned()].into_iter().chain(grid).chain(CSV_COLUMNS.map(str::to_owned));
        let last = directories.then(|| "directory".to_owned());
        writer.write_record(header.chain(last)).map_err(io::Error::other)?;
        Ok(Table(writer))
    }

    pub(super) fn row<'a>(
        &mut self,
        number: usize,
        values: impl Iterator<Item = &'a str>,
        summary: &Value,
        directory: Option<String>,
    ) -> io::Result<()> {
        let own = [number.to_string()].into_iter().chain(values.map(str::to_owned));
        self.0.write_record(own.chain(cells(summary)).chain(directory)).map_err(io::Error::other)
    }

    pub(super) fn bytes(self) -> io::Result<Vec<u8>> {
        self.0.into_inner().map_err(|why| io::Error::other(why.to_string()))
    }
}
