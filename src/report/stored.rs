//! Reads a run directory back, for `explain`, `report` and `compare --against`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::record::allocations::{self, Allocation};
use crate::record::jobs::{self, JobRow};
use crate::record::timeline::{self, TimelinePoint};
use crate::trace::plain::in_plain_words;

use super::bound::{self, BoundRow};
use super::sums::{BOUND, damage};
use super::{ClusterSummary, Summary};

/// Says why a run directory cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {what}")]
pub struct StoredError {
    path: String,
    what: String,
}

/// The files of a run directory, as far as they are read back.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The directory, as its user named it.
    pub path: PathBuf,
    /// What was simulated, and what came out of it.
    pub summary: Summary,
    /// The words that run it again.
    pub command: Vec<String>,
    /// Every file that the run read.
    pub inputs: Vec<StoredInput>,
    /// `jobs.csv`.
    pub jobs: Vec<JobRow>,
    /// `allocations.csv`; an engine besides the event core writes none.
    pub allocations: Option<Vec<Allocation>>,
}

/// What is read back of `run.json`.
#[derive(Deserialize)]
struct Manifest {
    command: Vec<String>,
    inputs: Vec<StoredInput>,
}

/// A file that a run read, as `run.json` states it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StoredInput {
    /// Its path, as its user named it.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

impl Stored {
    /// Reads a directory that `--out` wrote.
    ///
    /// # Errors
    ///
    /// If it is not a run directory, or one of its files is missing or not as this version writes
    /// it.
    pub fn read(path: &Path) -> Result<Stored, StoredError> {
        check(path)?;
        check_whole(path)?;
        let manifest: Manifest = json(&path.join("run.json"))?;
        let mut summary: Summary = json(&path.join("summary.json"))?;
        let shape = summary.cluster.to_shape();
        let no_cluster = || error(&path.join("summary.json"), format!("`cluster` is not a cluster; {AGAIN}"));
        summary.cluster = ClusterSummary::from(&shape.ok_or_else(no_cluster)?);
        Ok(Stored {
            path: path.to_owned(),
            command: manifest.command,
            inputs: manifest.inputs,
            jobs: csv(&path.join("jobs.csv"), jobs::read)?,
            allocations: observed(&summary, &path.join("allocations.csv"), allocations::read)?,
            summary,
        })
    }

    /// Reads `timeline.csv`; `None` where an engine besides the event core wrote the directory.
    ///
    /// # Errors
    ///
    /// If it is missing though the event core writes it, or not as this version writes it.
    pub fn timeline(&self) -> Result<Option<Vec<TimelinePoint>>, StoredError> {
        observed(&self.summary, &self.path.join("timeline.csv"), timeline::read)
    }

    /// Reads `bound.csv`; `None` for a run without `--bound`, or where there is no bound.
    ///
    /// # Errors
    ///
    /// If it is missing though the summary has a bound, or not as this version writes it.
    pub fn bound(&self) -> Result<Option<Vec<BoundRow>>, StoredError> {
        let read = || csv(&self.path.join(BOUND), bound::read);
        self.summary.bound.map(|_| read()).transpose()
    }

    /// Returns how many GPUs the cluster has.
    pub(super) fn gpus(&self) -> u32 {
        self.summary.cluster.to_shape().expect("the cluster was checked when it was read").gpus().get()
    }

    /// Reads the lines of `events.jsonl` about one job; `None` if the run did not write it.
    ///
    /// # Errors
    ///
    /// If it cannot be read or a line is not a JSON object.
    pub fn events(&self, job_id: &str) -> Result<Option<Vec<serde_json::Value>>, StoredError> {
        self.events_where(|event| event["job_id"] == job_id)
    }

    /// Reads the lines of `events.jsonl` that pass; `None` if the run did not write it.
    ///
    /// # Errors
    ///
    /// As [`Stored::events`].
    pub fn events_where(
        &self,
        passes: impl Fn(&serde_json::Value) -> bool,
    ) -> Result<Option<Vec<serde_json::Value>>, StoredError> {
        let path = self.path.join("events.jsonl");
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).map_err(|why| unreadable(&path, &why))?;
        let mut events = Vec::new();
        for (n, line) in text.lines().enumerate() {
            let event: serde_json::Value = serde_json::from_str(line).map_err(|why| {
                error(&path, format!("line {}: {}; {AGAIN}", n + 1, in_plain_words(&why.to_string())))
            })?;
            if passes(&event) {
                events.push(event);
            }
        }
        Ok(Some(events))
    }
}

/// The advice about a file that is not as it should be.
const AGAIN: &str = "write the directory again by `run --out`";

pub(super) fn error(path: &Path, what: impl Into<String>) -> StoredError {
    StoredError { path: path.display().to_string(), what: what.into() }
}

fn unreadable(path: &Path, why: &io::Error) -> StoredError {
    match why.kind() {
        io::ErrorKind::NotFound => error(path, format!("is missing; {AGAIN}")),
        kind => error(path, format!("cannot be read: {kind}")),
    }
}

/// Checks that a path looks like a run directory. The message says what it is instead, and what may
/// have been meant.
fn check(path: &Path) -> Result<(), StoredError> {
    if !path.exists() {
        return Err(error(path, "does not exist; give a directory that `run --out` wrote"));
    }
    if !path.is_dir() {
        return Err(error(path, "is not a directory; give one that `run --out` wrote"));
    }
    if path.join("run.json").exists() {
        return Ok(());
    }
    // `compare --out` writes a directory of run directories: easily given for one of them.
    let entries = fs::read_dir(path).map_err(|why| unreadable(path, &why))?;
    let mut below: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|entry| entry.join("run.json").exists())
        .map(|entry| format!("`{}`", entry.display()))
        .collect();
    below.sort();
    Err(match below.as_slice() {
        [] => error(path, "is not a run directory: it has no run.json; give one that `run --out` wrote"),
        below => {
            error(path, format!("is not a run directory, but holds some; give one: {}", below.join(", ")))
        }
    })
}

/// Checks that every file of a run directory is what the run wrote.
fn check_whole(path: &Path) -> Result<(), StoredError> {
    match damage(path).map_err(|why| unreadable(path, &why))? {
        None => Ok(()),
        Some((name, what)) => Err(error(&path.join(name), format!("{what}; {AGAIN}"))),
    }
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, StoredError> {
    let bytes = fs::read(path).map_err(|why| unreadable(path, &why))?;
    serde_json::from_slice(&bytes)
        .map_err(|why| error(path, format!("{}; {AGAIN}", in_plain_words(&why.to_string()))))
}

/// Reads a file that an observer writes: every run under the default preset has it.
fn observed<T>(
    summary: &Summary,
    path: &Path,
    read: fn(io::BufReader<fs::File>) -> Result<Vec<T>, csv::Error>,
) -> Result<Option<Vec<T>>, StoredError> {
    if summary.preset != "default" && !path.exists() {
        return Ok(None);
    }
    csv(path, read).map(Some)
}

fn csv<T>(
    path: &Path,
    read: fn(io::BufReader<fs::File>) -> Result<Vec<T>, csv::Error>,
) -> Result<Vec<T>, StoredError> {
    let file = fs::File::open(path).map_err(|why| unreadable(path, &why))?;
    read(io::BufReader::new(file)).map_err(|why| error(path, format!("{}; {AGAIN}", plain(&why))))
}

/// Returns what is wrong with a row, without the words of the library around it.
fn plain(why: &csv::Error) -> String {
    match why.kind() {
        csv::ErrorKind::Deserialize { pos: Some(pos), err } => {
            let column = err.field().map_or(String::new(), |place| format!(", column {}", place + 1));
            format!("line {}{column}: {}", pos.line(), in_plain_words(&err.kind().to_string()))
        }
        csv::ErrorKind::UnequalLengths { pos: Some(pos), expected_len, len } => {
            format!("line {}: has {len} columns, not {expected_len}", pos.line())
        }
        csv::ErrorKind::Utf8 { pos: Some(pos), .. } => format!("line {}: is not UTF-8", pos.line()),
        _ => why.to_string(),
    }
}
