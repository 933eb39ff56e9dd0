//! What a sweep keeps on the disk: `sweep.json`, and the files of each point.

use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::report::damage;

use super::check::{CheckedGrid, Point};
use super::point_key::{BUILD, PointKey};
use super::table::ResultsTable;

/// `sweep.json`: which grid a directory is of. Written before the first point.
pub(crate) const MANIFEST: &str = "sweep.json";
/// The table, written after the last point.
pub(crate) const RESULTS: &str = "results.csv";
/// Where the points are.
pub(crate) const POINTS: &str = "points";

/// Returns the `summary.json` of the point in a directory, if it is the one with this key, made by
/// that build, and each of its files is what was written.
pub(super) fn summary(of: &Path, expected: &PointKey, build: &str) -> Option<Value> {
    let text = |name: &str| fs::read_to_string(of.join(name)).ok();
    if damage(of).ok()?.is_some() || PointKey::stored(build, &text("run.json")?) != *expected {
        return None;
    }
    serde_json::from_str(&text("summary.json")?).ok()
}

/// Forces everything that was written to the file system of `root` onto the disk, where the system
/// can do that.
pub(super) fn flush(root: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::fs::syncfs(fs::File::open(root)?)?;
    let _ = root;
    Ok(())
}

/// What [`MANIFEST`] says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SweepManifest {
    /// Of this program.
    pub(super) version: String,
    /// See [`BUILD`].
    pub(super) build: String,
    /// The part of the grid that is here, if it is not the whole.
    pub(super) shard: Option<String>,
    /// What tells points apart.
    pub(super) columns: Vec<String>,
    /// Every point of the grid, whether it is here or not.
    pub(super) points: Vec<StoredPoint>,
}

/// A point in [`SweepManifest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredPoint {
    pub(super) key: PointKey,
    /// A text for each column.
    pub(super) values: Vec<String>,
}

impl SweepManifest {
    /// Describes a sweep by this program.
    pub(super) fn new(grid: &CheckedGrid, shard: Option<String>) -> SweepManifest {
        let stored = |point: &Point| StoredPoint {
            key: point.key().clone(),
            values: point.values().map(str::to_owned).collect(),
        };
        SweepManifest {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            build: BUILD.to_owned(),
            shard,
            columns: grid.columns().to_vec(),
            points: grid.points().map(stored).collect(),
        }
    }

    /// Returns what messages call a point.
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

    /// Returns the bytes of `results.csv`: what the grid says of each point, every key of its
    /// summary, and its directory. The rows are numbered from 1.
    pub(super) fn results(&self, rows: &[(usize, Value)]) -> io::Result<Vec<u8>> {
        let mut table = ResultsTable::new(&self.columns, true)?;
        for (number, summary) in rows {
            let StoredPoint { key, values } = &self.points[number - 1];
            let directory = format!("{POINTS}/{}", key.directory());
            table.result(*number, values.iter().map(String::as_str), summary, Some(directory))?;
        }
        table.into_bytes()
    }
}
