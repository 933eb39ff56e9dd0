//! The inputs of a run: its trace, the speeds of its jobs and its cluster, each read once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::Result;

use crate::bound::Bound;
use crate::cluster::Shape;
use crate::report::InputFile;
use crate::sim::Scenario;
use crate::trace::{self, Checked, InputErrors, ReadOptions, Trace, file};
use crate::workload::Workload;

use super::settings::{ColumnNames, OddDurations, TraceOptions};
use super::speeds::{JobSpeeds, MeasuredSpeeds};

/// A trace that was read, and the speeds of its jobs.
pub struct TraceInput {
    trace: Trace,
    speeds: Arc<MeasuredSpeeds>,
    file: InputFile,
    notes: Vec<String>,
    /// The speeds under schedulers that leave batch sizes alone, made when the first one needs
    /// them.
    at_own_batch: OnceLock<Arc<JobSpeeds>>,
    /// The speeds under schedulers that adapt batch sizes, made when the first one needs them.
    at_any_batch: OnceLock<Arc<JobSpeeds>>,
    /// The bounds that were asked for, each computed once.
    bounds: Mutex<BTreeMap<String, Arc<OnceLock<BoundResult>>>>,
}

/// A bound, or why there is none.
pub(super) type BoundResult = Result<Bound, String>;

impl TraceOptions {
    /// Reads the trace at `path`. The bytes that are hashed are those that are read as a trace, so
    /// that a pipe may be given, too.
    ///
    /// # Errors
    ///
    /// If it cannot be read or is not a trace.
    pub fn read(&self, path: &Path, speeds: Arc<MeasuredSpeeds>) -> Result<TraceInput> {
        let name = path.display().to_string();
        let (file, bytes) = self.bytes(path)?;
        let trace = trace::parse(&name, &bytes, speeds.table(), &self.for_speeds(&speeds))?;
        let notes = self.notes(&name, &trace.notes, !trace.drawn.is_empty());
        tracing::info!(jobs = trace.workload.len(), format = trace.format.name, "read {name}");
        let (at_own_batch, at_any_batch) = (OnceLock::new(), OnceLock::new());
        let bounds = Mutex::default();
        Ok(TraceInput { trace, speeds, file, notes, at_own_batch, at_any_batch, bounds })
    }

    /// Checks the trace at `path` without keeping its jobs. The notes are as those of
    /// [`TraceOptions::read`].
    ///
    /// # Errors
    ///
    /// If it cannot be read, is not a trace, or a job has no work.
    pub fn check(&self, path: &Path, speeds: &MeasuredSpeeds) -> Result<Checked> {
        let name = path.display().to_string();
        let (_, bytes) = self.bytes(path)?;
        let checked = trace::check(&name, &bytes, speeds.table(), &self.for_speeds(speeds))?;
        Ok(Checked { notes: self.notes(&name, &checked.notes, !checked.drawn.is_empty()), ..checked })
    }

    /// Reads the file at `path`, and unpacks it.
    fn bytes(&self, path: &Path) -> Result<(InputFile, Vec<u8>)> {
        let failed = |problem| InputErrors::new(&path.display().to_string(), vec![problem]);
        let raw = file::read_raw(path, self.max_input).map_err(failed)?;
        let file = InputFile::new("trace", path, &raw);
        Ok((file, file::unpack(path, raw, self.max_input).map_err(failed)?))
    }

    fn for_speeds<'a>(&'a self, speeds: &'a MeasuredSpeeds) -> ReadOptions<'a> {
        ReadOptions {
            deadline: self.deadline,
            trace_seed: self.trace_seed,
            time_unit: self.time_unit,
            applications: speeds.applications(),
            ignore_columns: self.ignore_columns.as_ref().map_or(&[], ColumnNames::names),
            odd_durations: self.odd_durations == OddDurations::Allow,
        }
    }

    /// Returns the notes on the trace called `name`, and one on a seed that changes nothing.
    fn notes(&self, name: &str, notes: &[String], is_drawn: bool) -> Vec<String> {
        let mut notes: Vec<String> = notes.iter().map(|note| format!("{name}: {note}")).collect();
        if self.trace_seed != 0 && !is_drawn {
            notes.push("nothing is drawn for this trace, so --trace-seed changes nothing".to_owned());
        }
        notes
    }
}

impl TraceInput {
    /// Returns the trace.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Returns what the user may want to know though nothing is wrong, each a message of its own.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Returns the trace's file and those of the speeds, by their names below `base`.
    pub(super) fn files_below(&self, base: &Path) -> Vec<InputFile> {
        [&self.file].into_iter().chain(self.speeds.files()).map(|file| file.below(base)).collect()
    }

    /// Returns the bound of a scenario of this trace; `key` tells it from those of others.
    fn bound(&self, key: String, scenario: &Scenario) -> Arc<OnceLock<BoundResult>> {
        let mut all = self.bounds.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.entry(key).or_default().clone();
        drop(all);
        kept.get_or_init(|| Bound::of(scenario));
        kept
    }

    /// Returns the speeds of the jobs; runs of the same kind of scheduler share them.
    ///
    /// # Errors
    ///
    /// If a job has no measured speed.
    fn job_speeds(&self, adapts_batch: bool) -> Result<Arc<JobSpeeds>> {
        let kept = if adapts_batch { &self.at_any_batch } else { &self.at_own_batch };
        if let Some(speeds) = kept.get() {
            return Ok(speeds.clone());
        }
        let speeds = Arc::new(self.speeds.of_jobs(&self.trace.workload, adapts_batch)?);
        Ok(kept.get_or_init(|| speeds).clone())
    }
}

/// Everything that is read for a run, whatever its scheduler is.
pub struct Inputs {
    trace: Arc<TraceInput>,
    cluster: Shape,
    files: Vec<InputFile>,
}

impl Inputs {
    /// Returns the inputs of a run on a cluster; `files` are all that were read, by the names that
    /// their user gave them.
    pub(super) fn new(trace: Arc<TraceInput>, cluster: Shape, files: Vec<InputFile>) -> Inputs {
        Inputs { trace, cluster, files }
    }

    /// Returns the jobs.
    pub fn workload(&self) -> &Arc<Workload> {
        &self.trace.trace.workload
    }

    /// Returns how many jobs there are.
    pub fn jobs(&self) -> u64 {
        self.workload().len() as u64
    }

    /// Returns what the user may want to know though nothing is wrong, each a message of its own.
    pub fn notes(&self) -> &[String] {
        self.trace.notes()
    }

    pub(super) fn trace(&self) -> &Trace {
        self.trace.trace()
    }

    pub(super) fn measured(&self) -> &MeasuredSpeeds {
        &self.trace.speeds
    }

    pub(super) fn cluster(&self) -> &Shape {
        &self.cluster
    }

    /// Returns every file that was read.
    pub(super) fn files(&self) -> &[InputFile] {
        &self.files
    }

    /// Returns the bound of a scenario of these inputs; `key` says what it depends on besides the
    /// trace, the measured speeds and the cluster.
    pub(super) fn bound(&self, key: &str, scenario: &Scenario) -> BoundResult {
        let key = format!("{} {:?} {key}", self.cluster, self.cluster.nodes().first());
        self.trace.bound(key, scenario).get().expect("the bound was computed").clone()
    }

    /// Returns the speeds of the jobs under schedulers that adapt batch sizes, or under those that
    /// do not.
    ///
    /// # Errors
    ///
    /// If a job has no measured speed.
    pub(super) fn job_speeds(&self, adapts_batch: bool) -> Result<Arc<JobSpeeds>> {
        self.trace.job_speeds(adapts_batch)
    }
}
