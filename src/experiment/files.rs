//! Files that are read once, however many runs they are for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use crate::config::cluster::{self, Cluster};
use crate::report::Input;
use crate::trace::{TimeUnit, Trace};
use crate::workload::Workload;

use super::setup::input;
use super::{Draws, Known, Preset, Ready, Setup, Speeds};

/// What was read so far. Setups that name the same files share what is in them.
#[derive(Default)]
pub struct Files {
    known: BTreeMap<Speeds, Arc<Known>>,
    traces: BTreeMap<TraceKey, Loaded>,
    clusters: BTreeMap<String, Cluster>,
    ready: BTreeMap<(TraceKey, String), Arc<Ready>>,
}

/// What decides how a trace is read: its file, whose speeds, the rule for deadlines, the seed, the
/// unit of time.
type TraceKey = (PathBuf, Speeds, Option<String>, u64, Option<TimeUnit>);

/// A trace with what follows from it.
#[derive(Clone)]
struct Loaded {
    trace: Arc<Trace>,
    workload: Arc<Workload>,
    input: Input,
    notes: Vec<String>,
}

impl Files {
    /// What the files of a setup hold.
    ///
    /// # Errors
    ///
    /// As [`Setup::ready`].
    pub fn ready(&mut self, setup: &Setup) -> Result<Arc<Ready>> {
        let at = |path: &Path| setup.base.join(path);
        let speeds = Speeds { profiles: setup.speeds.profiles.as_deref().map(at), ..setup.speeds.clone() };
        let Draws { deadline, trace_seed, time_unit } = setup.draws;
        let rule = deadline.map(|rule| rule.to_string());
        let key = (at(&setup.trace), speeds.clone(), rule, trace_seed, time_unit);
        let cluster = self.cluster(setup)?;
        if setup.preset == Preset::Default {
            setup.check_placer(&cluster.shape)?;
        }
        let key = (key, cluster::path(&setup.base, &setup.cluster));
        if let Some(ready) = self.ready.get(&key) {
            return Ok(ready.clone());
        }
        let known = self.known(&speeds)?;
        let loaded = self.trace(setup, &key.0, &known)?;
        let mut inputs = vec![loaded.input];
        inputs.extend(known.inputs.iter().map(|file| named(file, &setup.base)));
        let name = Path::new(&setup.cluster);
        inputs.extend(cluster.file.as_ref().map(|bytes| input("cluster", name, bytes)));
        let ready = Arc::new(Ready {
            trace: loaded.trace,
            known,
            cluster: cluster.shape,
            workload: loaded.workload,
            inputs,
            notes: loaded.notes,
        });
        self.ready.insert(key, ready.clone());
        Ok(ready)
    }

    fn cluster(&mut self, setup: &Setup) -> Result<Cluster> {
        let path = cluster::path(&setup.base, &setup.cluster);
        if let Some(cluster) = self.clusters.get(&path) {
            return Ok(cluster.clone());
        }
        let cluster = cluster::read(&path)?;
        self.clusters.insert(path, cluster.clone());
        Ok(cluster)
    }

    fn known(&mut self, speeds: &Speeds) -> Result<Arc<Known>> {
        if let Some(known) = self.known.get(speeds) {
            return Ok(known.clone());
        }
        let known = Arc::new(speeds.read()?);
        self.known.insert(speeds.clone(), known.clone());
        Ok(known)
    }

    fn trace(&mut self, setup: &Setup, key: &TraceKey, known: &Known) -> Result<Loaded> {
        if let Some(loaded) = self.traces.get(key) {
            return Ok(loaded.clone());
        }
        let mut notes = Vec::new();
        let (trace, file) = setup.draws.read(&key.0, known, &mut notes)?;
        let workload = Arc::new(trace.workload.clone());
        let input = named(&file, &setup.base);
        let loaded = Loaded { trace: Arc::new(trace), workload, input, notes };
        self.traces.insert(key.clone(), loaded.clone());
        Ok(loaded)
    }
}

/// A file goes by the name that its user gave it, not by where that leads from here.
fn named(file: &Input, base: &Path) -> Input {
    let path = Path::new(&file.path);
    Input { path: path.strip_prefix(base).unwrap_or(path).display().to_string(), ..file.clone() }
}
