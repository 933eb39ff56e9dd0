//! Files that are read once, however many runs they are for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use crate::config::cluster::{self, Cluster};
use crate::report::InputFile;
use crate::trace::{ByteSize, TimeUnit};

use super::input::{Inputs, TraceInput};
use super::preset::Preset;
use super::settings::{ColumnNames, OddDurations, RunSettings, TraceOptions};
use super::speeds::{MeasuredSpeeds, SpeedOptions};

/// The files that were read so far. Runs whose settings name the same files share what is in them.
#[derive(Default)]
pub struct InputCache {
    base: PathBuf,
    speeds: BTreeMap<SpeedOptions, Arc<MeasuredSpeeds>>,
    traces: BTreeMap<TraceKey, Arc<TraceInput>>,
    clusters: BTreeMap<String, Cluster>,
    inputs: BTreeMap<(TraceKey, String), Arc<Inputs>>,
}

/// What decides how a trace is read.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct TraceKey {
    path: PathBuf,
    speeds: SpeedOptions,
    /// The rule for deadlines, as text: it has no order.
    deadline: Option<String>,
    trace_seed: u64,
    time_unit: Option<TimeUnit>,
    ignore_columns: Option<ColumnNames>,
    odd_durations: OddDurations,
    max_input: ByteSize,
}

impl TraceKey {
    fn new(path: PathBuf, speeds: SpeedOptions, options: &TraceOptions) -> TraceKey {
        let TraceOptions { deadline, trace_seed, time_unit, ignore_columns, odd_durations, max_input } =
            options;
        TraceKey {
            path,
            speeds,
            deadline: deadline.map(|rule| rule.to_string()),
            trace_seed: *trace_seed,
            time_unit: *time_unit,
            ignore_columns: ignore_columns.clone(),
            odd_durations: *odd_durations,
            max_input: *max_input,
        }
    }
}

impl InputCache {
    /// Returns a cache in which nothing was read. Relative paths start at `base`: at the current
    /// directory if it is empty.
    pub fn new(base: &Path) -> InputCache {
        InputCache { base: base.to_owned(), ..InputCache::default() }
    }

    /// Returns the inputs of a run: reads the files that were not read before, and finds everything
    /// that is wrong whatever the scheduler is.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, is not what it should be, or does not go with another.
    pub fn inputs(&mut self, settings: &RunSettings) -> Result<Arc<Inputs>> {
        let SpeedOptions { gpu, profiles } = &settings.speeds;
        let profiles = profiles.as_ref().map(|path| self.base.join(path));
        let speeds = SpeedOptions { gpu: gpu.clone(), profiles };
        let trace = TraceKey::new(self.base.join(&settings.trace), speeds, &settings.trace_options);
        let key = (trace, cluster::path(&self.base, &settings.cluster));
        let cluster = self.cluster(&key.1)?;
        // The artifact places jobs by itself.
        if settings.preset == Preset::Default {
            (settings.placer().check)(&cluster.shape).map_err(anyhow::Error::msg)?;
        }
        if let Some(inputs) = self.inputs.get(&key) {
            return Ok(inputs.clone());
        }
        let trace = self.trace(&key.0, &settings.trace_options)?;
        // A file goes by the name that its user gave it, not by where that leads from here.
        let mut files = trace.files_below(&self.base);
        let name = Path::new(&settings.cluster);
        files.extend(cluster.file.as_ref().map(|bytes| InputFile::new("cluster", name, bytes)));
        let inputs = Arc::new(Inputs::new(trace, cluster.shape, files));
        self.inputs.insert(key, inputs.clone());
        Ok(inputs)
    }

    /// Returns every path that was read.
    pub fn paths(&self) -> Vec<PathBuf> {
        let clusters = self.clusters.keys().filter_map(|text| cluster::file_of(text));
        let speeds = self.speeds.keys().filter_map(SpeedOptions::path);
        let traces = self.traces.keys().map(|key| key.path.as_path());
        traces.chain(speeds).chain(clusters).map(Path::to_owned).collect()
    }

    fn cluster(&mut self, path: &str) -> Result<Cluster> {
        if let Some(cluster) = self.clusters.get(path) {
            return Ok(cluster.clone());
        }
        let cluster = cluster::read(path)?;
        self.clusters.insert(path.to_owned(), cluster.clone());
        Ok(cluster)
    }

    fn speeds(&mut self, options: &SpeedOptions) -> Result<Arc<MeasuredSpeeds>> {
        if let Some(speeds) = self.speeds.get(options) {
            return Ok(speeds.clone());
        }
        let speeds = Arc::new(options.read()?);
        self.speeds.insert(options.clone(), speeds.clone());
        Ok(speeds)
    }

    fn trace(&mut self, key: &TraceKey, options: &TraceOptions) -> Result<Arc<TraceInput>> {
        let speeds = self.speeds(&key.speeds)?;
        if let Some(trace) = self.traces.get(key) {
            return Ok(trace.clone());
        }
        let trace = Arc::new(options.read(&key.path, speeds)?);
        self.traces.insert(key.clone(), trace.clone());
        Ok(trace)
    }
}
