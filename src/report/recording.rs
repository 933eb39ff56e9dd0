//! A run directory while the run goes on.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::record::Observer;
use crate::record::allocations::Allocations;
use crate::record::events::EventLog;
use crate::record::timeline::Timeline;

use super::directory::{OutputError, Staged, stage};
use super::{Manifest, Summary, to_json};

/// Every file that a run directory may hold. `run.json` is in all of them: it is what makes a
/// directory ours.
pub const FILES: [&str; 10] = [
    "allocations.csv",
    "events.jsonl",
    "final_result.csv",
    "job.csv",
    "jobs.csv",
    "run.json",
    "scheduling_events.csv",
    "summary.json",
    "timeline.csv",
    "timing.json",
];
const MARK: &str = "run.json";

/// A run directory in the making: some files are written while the run goes on, the others at its
/// end.
#[derive(Debug)]
pub struct Recording {
    staged: Staged,
    allocations: Option<Sink>,
    timeline: Option<Sink>,
    events: Option<Sink>,
}

impl Recording {
    /// Begins one for each target, all or none; `events` asks for `events.jsonl`.
    ///
    /// # Errors
    ///
    /// As [`stage`], or if a file cannot be made.
    pub fn begin(targets: &[PathBuf], events: bool) -> Result<Vec<Recording>, OutputError> {
        let staged = stage(targets, MARK, |name| FILES.contains(&name))?;
        staged.into_iter().map(|staged| Recording::new(staged, events)).collect()
    }

    fn new(staged: Staged, events: bool) -> Result<Recording, OutputError> {
        let sink = |name: &str| Sink::create(&staged.path().join(name));
        let (allocations, timeline) = (sink("allocations.csv")?, sink("timeline.csv")?);
        let events = if events { Some(sink("events.jsonl")?) } else { None };
        Ok(Recording { staged, allocations: Some(allocations), timeline: Some(timeline), events })
    }

    /// The same without the files that are written while the run goes on: for an engine that tells
    /// nobody what happens.
    ///
    /// # Errors
    ///
    /// If they cannot be taken away.
    pub fn without_observers(mut self) -> Result<Recording, OutputError> {
        for sink in [self.allocations.take(), self.timeline.take(), self.events.take()].into_iter().flatten()
        {
            fs::remove_file(&sink.path).map_err(|why| OutputError::io(&sink.path, "be taken away", &why))?;
        }
        Ok(self)
    }

    /// Adds a file of an engine's own, one of [`FILES`].
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), OutputError> {
        let path = self.staged.path().join(name);
        fs::write(&path, bytes).map_err(|why| OutputError::io(&path, "be written", &why))
    }

    /// Who writes down what happens. They are to be dropped before [`Recording::finish`].
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
    pub(super) fn undo(&self) -> super::directory::Undo {
        self.staged.undo()
    }

    #[cfg(test)]
    pub(super) fn redirect_timeline(&mut self, to: &Path) {
        self.timeline = Some(Sink::create(to).expect("a file"));
    }

    /// Writes the rest: the bytes of `jobs.csv`, the summary, how it came about, and (apart from
    /// everything that is the same in every run) how long it took, if anyone measured it. What
    /// comes back only has to be published.
    ///
    /// # Errors
    ///
    /// If anything cannot be written, or could not be while the run went on.
    pub fn finish(
        self,
        jobs: &[u8],
        summary: &Summary,
        manifest: &Manifest,
        timing: Option<&impl Serialize>,
    ) -> Result<Staged, OutputError> {
        for sink in [self.allocations, self.timeline, self.events].into_iter().flatten() {
            sink.close()?;
        }
        let write = |name: &str, bytes: &[u8]| {
            let path = self.staged.path().join(name);
            fs::write(&path, bytes).map_err(|why| OutputError::io(&path, "be written", &why))
        };
        write("jobs.csv", jobs)?;
        write("summary.json", summary.to_json().as_bytes())?;
        write("run.json", to_json(manifest).as_bytes())?;
        if let Some(timing) = timing {
            write("timing.json", to_json(timing).as_bytes())?;
        }
        Ok(self.staged)
    }
}

/// A buffered file that remembers that writing failed: a CSV writer that is dropped keeps such
/// errors to itself.
#[derive(Debug)]
struct Sink {
    path: PathBuf,
    to: BufWriter<File>,
    failed: Option<OutputError>,
}

impl Sink {
    fn create(path: &Path) -> Result<Sink, OutputError> {
        let file = File::create(path).map_err(|why| OutputError::io(path, "be written", &why))?;
        Ok(Sink { path: path.to_owned(), to: BufWriter::new(file), failed: None })
    }

    fn close(mut self) -> Result<(), OutputError> {
        let flushed = self.flush();
        match self.failed {
            Some(failed) => Err(failed),
            None => flushed.map_err(|why| OutputError::io(&self.path, "be written", &why)),
        }
    }

    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(why) = &result {
            self.failed.get_or_insert_with(|| OutputError::io(&self.path, "be written", why));
        }
        result
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.to.write(bytes);
        self.note(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.to.flush();
        self.note(result)
    }
}
