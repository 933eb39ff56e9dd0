//! The directory of a run while the run goes on.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::record::Observer;
use crate::record::allocations::Allocations;
use crate::record::events::EventLog;
use crate::record::timeline::Timeline;

use super::encode::to_json;
use super::staging::{OutputError, StagedDirectory, stage};
use super::sums::{FILES, SUMS, TIMING, write_sums};
use super::{Manifest, Summary};

const MARK: &str = "run.json";

/// The directory of a run in the making: some files are written while the run goes on, the others
/// at its end. It appears under its own name when the [`StagedDirectory`] that
/// [`finish`](RunDirectory::finish) returns is published, and disappears if it is dropped before.
#[derive(Debug)]
pub struct RunDirectory {
    staged: StagedDirectory,
    allocations: Option<Sink>,
    timeline: Option<Sink>,
    events: Option<Sink>,
}

impl RunDirectory {
    /// Begins a directory for each target, all or none; `events` asks for `events.jsonl`.
    ///
    /// # Errors
    ///
    /// As [`stage`], or if a file cannot be created.
    pub fn begin(targets: &[PathBuf], events: bool) -> Result<Vec<RunDirectory>, OutputError> {
        let staged = stage(targets, MARK, |name| FILES.contains(&name))?;
        staged.into_iter().map(|staged| RunDirectory::new(staged, events)).collect()
    }

    fn new(staged: StagedDirectory, events: bool) -> Result<RunDirectory, OutputError> {
        let create = |name: &str| Sink::create(&staged.path().join(name), staged.target().join(name));
        let (allocations, timeline) = (create("allocations.csv")?, create("timeline.csv")?);
        let events = if events { Some(create("events.jsonl")?) } else { None };
        Ok(RunDirectory { staged, allocations: Some(allocations), timeline: Some(timeline), events })
    }

    /// Removes the files that are written while the run goes on, for an engine that tells no
    /// observer what happens.
    ///
    /// # Errors
    ///
    /// If they cannot be removed.
    pub fn without_observers(mut self) -> Result<RunDirectory, OutputError> {
        let sinks = [self.allocations.take(), self.timeline.take(), self.events.take()];
        for sink in sinks.into_iter().flatten() {
            fs::remove_file(&sink.path).map_err(|why| OutputError::io(&sink.shown, "be taken away", &why))?;
        }
        Ok(self)
    }

    /// Adds a file of an engine's own, one of [`FILES`].
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), OutputError> {
        debug_assert!(FILES.contains(&name), "{name} would make the directory one that is not replaced");
        self.write(name, bytes)
    }

    /// Returns the observers that write the files while the run goes on. They must be dropped
    /// before [`RunDirectory::finish`].
    ///
    /// # Errors
    ///
    /// If a header cannot be written.
    pub fn observers(&mut self) -> io::Result<Vec<Box<dyn Observer + '_>>> {
        let mut all: Vec<Box<dyn Observer + '_>> = Vec::new();
        if let Some(allocations) = &mut self.allocations {
            all.push(Box::new(Allocations::new(allocations)?));
        }
        if let Some(timeline) = &mut self.timeline {
            all.push(Box::new(Timeline::new(timeline)?));
        }
        if let Some(events) = &mut self.events {
            all.push(Box::new(EventLog::new(events)));
        }
        Ok(all)
    }

    #[cfg(test)]
    pub(super) fn undo(&self) -> super::staging::Undo {
        self.staged.undo()
    }

    #[cfg(test)]
    pub(super) fn redirect_timeline(&mut self, to: &Path) {
        self.timeline = Some(Sink::create(to, to.to_owned()).expect("a file"));
    }

    /// Writes the other files: the bytes of `jobs.csv`, `summary.json`, `run.json`, and, apart from
    /// everything that is the same in every run, `timing.json` if the time was measured. What is
    /// returned only has to be published.
    ///
    /// # Errors
    ///
    /// If anything cannot be written, or could not be while the run went on.
    pub fn finish(
        mut self,
        jobs: &[u8],
        summary: &Summary,
        manifest: &Manifest,
        timing: Option<&impl Serialize>,
    ) -> Result<StagedDirectory, OutputError> {
        let sinks = [self.allocations.take(), self.timeline.take(), self.events.take()];
        sinks.into_iter().flatten().try_for_each(Sink::close)?;
        self.write("jobs.csv", jobs)?;
        self.write("summary.json", summary.to_json().as_bytes())?;
        self.write("run.json", to_json(manifest).as_bytes())?;
        if let Some(timing) = timing {
            self.write(TIMING, to_json(timing).as_bytes())?;
        }
        let shown = self.staged.target().join(SUMS);
        write_sums(self.staged.path()).map_err(|why| OutputError::io(&shown, "be written", &why))?;
        Ok(self.staged)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), OutputError> {
        let written = fs::write(self.staged.path().join(name), bytes);
        written.map_err(|why| OutputError::io(&self.staged.target().join(name), "be written", &why))
    }
}

/// A buffered file that remembers that writing failed: a CSV writer that is dropped keeps such
/// errors to itself.
#[derive(Debug)]
struct Sink {
    path: PathBuf,
    /// The path that it will have.
    shown: PathBuf,
    to: BufWriter<File>,
    failed: Option<OutputError>,
}

impl Sink {
    fn create(path: &Path, shown: PathBuf) -> Result<Sink, OutputError> {
        let file = File::create(path).map_err(|why| OutputError::io(&shown, "be written", &why))?;
        Ok(Sink { path: path.to_owned(), shown, to: BufWriter::new(file), failed: None })
    }

    /// Writes the last bytes, and returns the first error of all.
    fn close(mut self) -> Result<(), OutputError> {
        let flushed = self.flush();
        match self.failed {
            Some(failed) => Err(failed),
            None => flushed.map_err(|why| OutputError::io(&self.shown, "be written", &why)),
        }
    }

    /// Keeps an error for the end, and names the file in it.
    fn remember<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|why| {
            let failed = OutputError::io(&self.shown, "be written", &why);
            self.failed.get_or_insert(failed).to_io(why.kind())
        })
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.to.write(bytes);
        self.remember(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.to.flush();
        self.remember(result)
    }
}
