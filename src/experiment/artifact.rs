//! The published artifact, re-enacted, as an engine.

use anyhow::{Context, Result, anyhow};

use crate::replica::{GpuTable, Quirks, ReplicaInput, Schedule, files, replay};
use crate::scheduler::Entry;
use crate::sim::{Outcome, Scenario, Totals, feasible_alone};
use crate::units::MICROS;

use super::engine::{Answer, Asked, Engine};

/// The name of the profiles for which the artifact has a table of peaks of its own.
const A100: &str = "a100";

/// The published artifact.
#[derive(Debug)]
pub(super) struct Artifact;

/// The artifact's schedule for a scheduler: the one that has its name or an alias of it.
fn schedule(entry: &Entry) -> Option<Schedule> {
    std::iter::once(entry.name).chain(entry.aliases.iter().copied()).find_map(Schedule::named)
}

/// The schedule of a scenario, what is switched off, and the slot in seconds.
fn read(scenario: &Scenario) -> Result<(Schedule, Quirks, u64)> {
    let entry = scenario.scheduler;
    let schedule =
        schedule(entry).with_context(|| format!("the artifact has no schedule `{}`", entry.name))?;
    let options = scenario.options.to_json();
    let options = options.as_object().into_iter().flatten();
    let texts: Vec<(&str, String)> = options
        .map(|(key, value)| (key.as_str(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    let quirks = Quirks::parse(schedule, texts.iter().map(|(key, value)| (*key, value.as_str())))?;
    let slot = scenario.slot.as_micros();
    // What is no whole number of seconds is no slot of the artifact, as 0 is none.
    let slot = if slot.is_multiple_of(MICROS) { slot / MICROS } else { 0 };
    Ok((schedule, quirks, slot))
}

impl Engine for Artifact {
    fn runs(&self, entry: &Entry) -> bool {
        schedule(entry).is_some()
    }

    fn keys(&self, entry: &Entry) -> Vec<String> {
        schedule(entry).into_iter().flat_map(Quirks::of).map(|quirk| quirk.to_string()).collect()
    }

    fn check(&self, scenario: &Scenario) -> Result<()> {
        let why = |why| anyhow!("options of `{}` under --preset paper: {why}", scenario.scheduler.name);
        read(scenario).map(|_| ()).map_err(why)
    }

    fn run(&self, asked: &Asked<'_>) -> Result<Answer> {
        let scenario = asked.scenario;
        let (schedule, quirks, slot) = read(scenario)?;
        let (workload, cluster) = (scenario.workload.as_ref(), &scenario.cluster);
        let gpu = if asked.table.name() == A100 { GpuTable::A100 } else { GpuTable::T4 };
        let input = ReplicaInput {
            workload,
            table: asked.table,
            gpu,
            cluster,
            slot,
            quirks,
            log_rounds: asked.files,
        };
        let replayed = replay(&input, schedule)?;
        let mut files = Vec::new();
        if asked.files {
            let [result, jobs, rounds] = files::NAMES;
            let (mut bytes, mut job_bytes, mut round_bytes) = (Vec::new(), Vec::new(), Vec::new());
            files::write_result(&replayed, schedule, cluster, asked.trace, &mut bytes)?;
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
        let jobs = replayed.job_rows(workload, |job| feasible_alone(scenario, job));
        let counted = (replayed.accepted.max(0).unsigned_abs(), replayed.declined.max(0).unsigned_abs());
        Ok(Answer { outcome: Outcome { jobs, totals }, counted, files })
    }
}
