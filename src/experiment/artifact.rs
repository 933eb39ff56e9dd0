//! The published artifact, re-enacted, as an engine.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow};

use crate::replica::{GpuTable, Quirks, ReplicaInput, Schedule, Switch, files, replay};
use crate::scheduler::Entry;
use crate::sim::{Outcome, Scenario, Totals, alone};
use crate::units::MICROS;

use super::engine::{Engine, EngineCounts, EngineRequest, EngineResult, EngineRun};

/// The name of the profiles for which the artifact has a table of peaks of its own.
const A100: &str = "a100";

/// The published artifact.
#[derive(Debug)]
pub(super) struct Artifact;

/// A run of the artifact.
struct ArtifactRun {
    schedule: Schedule,
    quirks: Quirks,
    /// Seconds; 0 for what is not a slot of the artifact.
    slot: u64,
}

/// Returns the artifact's schedule for a scheduler: the one that has its name or an alias of it.
fn schedule(entry: &Entry) -> Option<Schedule> {
    std::iter::once(entry.name).chain(entry.aliases.iter().copied()).find_map(Schedule::named)
}

impl ArtifactRun {
    fn new(scenario: &Scenario) -> Result<ArtifactRun> {
        let entry = scenario.scheduler;
        let schedule =
            schedule(entry).with_context(|| format!("the artifact has no schedule `{}`", entry.name))?;
        // A key that is not a switch is wrong whatever its value is.
        Quirks::switched(schedule, scenario.options.keys().map(|key| (key, Switch::On)))?;
        let switches: BTreeMap<String, Switch> = scenario.options.read()?;
        let switches = switches.iter().map(|(key, switch)| (key.as_str(), *switch));
        let quirks = Quirks::switched(schedule, switches)?;
        let slot = scenario.slot.as_micros();
        // A slot that is not a whole number of seconds is not one of the artifact's, as 0 is not.
        let slot = if slot.is_multiple_of(MICROS) { slot / MICROS } else { 0 };
        Ok(ArtifactRun { schedule, quirks, slot })
    }
}

impl Engine for Artifact {
    fn runs(&self, entry: &Entry) -> bool {
        schedule(entry).is_some()
    }

    fn keys(&self, entry: &Entry) -> Vec<String> {
        schedule(entry).into_iter().flat_map(Quirks::of).map(|quirk| quirk.to_string()).collect()
    }

    fn prepare(&self, scenario: &Scenario) -> Result<Box<dyn EngineRun>> {
        let failed = |why| anyhow!("options of `{}` under --preset paper: {why}", scenario.scheduler.name);
        Ok(Box::new(ArtifactRun::new(scenario).map_err(failed)?))
    }
}

impl EngineRun for ArtifactRun {
    fn run(&self, request: &EngineRequest<'_>) -> Result<EngineResult> {
        let ArtifactRun { schedule, quirks, slot } = *self;
        let scenario = request.scenario;
        let (workload, cluster) = (scenario.workload.as_ref(), &scenario.cluster);
        let gpu = if request.table.name() == A100 { GpuTable::A100 } else { GpuTable::T4 };
        let (table, log_rounds) = (request.table, request.files);
        let input = ReplicaInput { workload, table, gpu, cluster, slot, quirks, log_rounds };
        let replayed = replay(&input, schedule)?;
        let mut files = Vec::new();
        if request.files {
            let [result, jobs, rounds] = files::NAMES;
            let (mut bytes, mut job_bytes, mut round_bytes) = (Vec::new(), Vec::new(), Vec::new());
            files::write_result(&replayed, schedule, cluster, request.trace, &mut bytes)?;
            files::write_jobs(&replayed, workload, &mut job_bytes)?;
            files::write_rounds(&replayed, cluster, &mut round_bytes)?;
            files.extend([(result, bytes), (jobs, job_bytes), (rounds, round_bytes)]);
        }
        let totals = Totals {
            plans: replayed.rounds,
            events: replayed.rounds,
            split_placements: 0,
            fallbacks: 0,
            cluster_efficiency: replayed.cluster_efficiency(workload, cluster.gpus()),
        };
        let jobs = replayed.job_rows(workload, |job| alone(scenario, job));
        let counts = EngineCounts {
            accepted: replayed.accepted.max(0).unsigned_abs(),
            declined: replayed.declined.max(0).unsigned_abs(),
        };
        Ok(EngineResult { outcome: Outcome { jobs, totals }, counts, files })
    }
}
