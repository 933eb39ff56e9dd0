//! The options that make a scenario, and the scenario that they make.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use crate::config::{cluster, profiles};
use crate::overhead::Preset as Overhead;
use crate::placement;
use crate::profile::{Profiled, ThroughputTable};
use crate::report::{ClusterSummary, Input, Summary, sha256};
use crate::scheduler::{self, Options};
use crate::sim::Scenario;
use crate::trace::{DeadlineRule, InputErrors, ReadOptions, Trace, file};
use crate::units::{SimDuration, SimTime};

use super::list::Preset;
use super::output::{Failure, message};
use super::parsers;

/// Whose speeds.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Speeds {
    /// GPU type whose measured speeds are used
    #[arg(long, value_name = "TYPE", value_parser = parsers::gpu(), default_value = "a100", conflicts_with = "profiles")]
    pub(super) gpu: String,
    /// Measured speeds from a file of your own, TOML or CSV
    #[arg(long, value_name = "PATH")]
    pub(super) profiles: Option<PathBuf>,
}

/// What becomes of a trace that leaves something open.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Draws {
    /// Deadlines for a trace without: uniform:LO,HI or factor:X (both times the duration), or none
    #[arg(long, value_name = "RULE")]
    pub(super) deadline: Option<DeadlineRule>,
    /// Seed of everything that is drawn for the trace
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) trace_seed: u64,
}

/// Everything about a scenario but the scheduler.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Setup {
    /// Trace of jobs; `list formats` says which formats are read
    #[arg(long, value_name = "FILE")]
    pub(super) trace: PathBuf,
    /// NODESxGPUS, or a TOML file
    #[arg(long, value_name = "CLUSTER", default_value = "16x8")]
    pub(super) cluster: String,
    #[command(flatten)]
    pub(super) speeds: Speeds,
    /// Least time between plans caused by arrivals and ends of jobs
    #[arg(long, value_name = "SECONDS", value_parser = parsers::duration, default_value = "60", allow_negative_numbers = true)]
    pub(super) slot: SimDuration,
    /// How long a job stands still when its GPUs change; `list overheads` has the names
    #[arg(long, value_name = "NAME", default_value = "on-change")]
    pub(super) overhead: Overhead,
    /// Which nodes a job gets
    #[arg(long, value_name = "NAME", value_parser = parsers::placer(), default_value = "buddy")]
    pub(super) placer: &'static placement::Entry,
    /// The policy as its paper describes it, or the published artifact
    #[arg(long, value_enum, default_value_t)]
    pub(super) preset: Preset,
    /// Seed of the policy's own random numbers
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,
    #[command(flatten)]
    pub(super) draws: Draws,
    /// Cut the simulation off at this time of the trace's clock, in seconds
    #[arg(long, value_name = "TIME", value_parser = parsers::time, allow_negative_numbers = true)]
    pub(super) until: Option<SimTime>,
}

impl Speeds {
    /// The table, and the file it was read from.
    pub(super) fn read(&self) -> Result<(ThroughputTable, Option<Input>), Failure> {
        match &self.profiles {
            Some(path) => {
                let table = profiles::read(path).map_err(Failure::input)?;
                Ok((table, Some(input("profiles", path, &read(path)?))))
            }
            None => {
                let table = profiles::builtin(&self.gpu);
                // The parser takes no other name.
                Ok((
                    table.with_context(|| format!("no profiles `{}`", self.gpu)).map_err(Failure::input)?,
                    None,
                ))
            }
        }
    }
}

impl Draws {
    /// Reads a trace; what its user may want to know goes to stderr unless `quiet`.
    pub(super) fn read(
        &self,
        path: &Path,
        table: &ThroughputTable,
        quiet: bool,
    ) -> Result<(Trace, Input), Failure> {
        let options = ReadOptions { deadline: self.deadline, trace_seed: self.trace_seed };
        // What comes through a pipe can be read only once; of a file, the bytes on the disk count, compressed or not.
        let (trace, input) = if path.is_file() {
            let trace = crate::trace::read(path, table, &options).map_err(Failure::input)?;
            (trace, input("trace", path, &read(path)?))
        } else {
            let name = path.display().to_string();
            let bytes =
                file::read(path).map_err(|problem| Failure::input(InputErrors::new(&name, vec![problem])))?;
            let trace = crate::trace::parse(&name, &bytes, table, &options).map_err(Failure::input)?;
            (trace, input("trace", path, &bytes))
        };
        if !quiet {
            for note in &trace.notes {
                message("note", format!("{}: {note}", path.display()));
            }
            if self.trace_seed != 0 && !trace.drawn {
                message("note", "nothing is drawn for this trace, so --trace-seed changes nothing");
            }
        }
        tracing::info!(jobs = trace.workload.len(), format = trace.format.name, "read {}", path.display());
        Ok((trace, input))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display())).map_err(Failure::input)
}

fn input(what: &'static str, path: &Path, bytes: &[u8]) -> Input {
    Input { what, path: path.display().to_string(), sha256: sha256(bytes) }
}

/// A setup, read and checked.
pub(super) struct Ready {
    trace: Trace,
    table: ThroughputTable,
    cluster: crate::cluster::Shape,
    speeds: Arc<Profiled>,
    workload: Arc<crate::workload::Workload>,
    /// Every file that was read.
    pub(super) inputs: Vec<Input>,
}

impl Ready {
    /// How many jobs there are.
    pub(super) fn jobs(&self) -> u64 {
        self.workload.len() as u64
    }
}

impl Setup {
    /// Reads every file; finds everything that is wrong whatever the scheduler is.
    pub(super) fn ready(&self, quiet: bool) -> Result<Ready, Failure> {
        let cluster = cluster::read(&self.cluster).map_err(Failure::input)?;
        (self.placer.check)(&cluster.shape).map_err(|why| Failure::input(anyhow::Error::msg(why)))?;
        let (table, profiles) = self.speeds.read()?;
        let (trace, input_) = self.draws.read(&self.trace, &table, quiet)?;
        if self.seed != 0 && !quiet {
            message(
                "note",
                "no scheduler draws random numbers so far, so --seed changes nothing but its own record",
            );
        }
        let speeds = Profiled::new(&table, &trace.workload).map_err(Failure::input)?;
        let mut inputs = vec![input_];
        inputs.extend(profiles);
        inputs.extend(cluster.file.as_ref().map(|bytes| input("cluster", Path::new(&self.cluster), bytes)));
        Ok(Ready {
            workload: trace.workload.clone().into(),
            trace,
            table,
            cluster: cluster.shape,
            speeds: speeds.into(),
            inputs,
        })
    }

    /// The scenario under one scheduler, with everything checked that a run would stumble over at its start.
    pub(super) fn scenario(
        &self,
        ready: &Ready,
        entry: &'static scheduler::Entry,
        options: Options,
    ) -> Result<Scenario, Failure> {
        self.preset.check(entry).map_err(Failure::input)?;
        if let Err(why) = (entry.build)(&options, self.seed) {
            return Err(Failure::input(anyhow::anyhow!("options of `{}`: {why}", entry.name)));
        }
        let scenario = Scenario {
            workload: ready.workload.clone(),
            overhead: self.overhead.on(ready.cluster.gpus()).into(),
            cluster: ready.cluster.clone(),
            truth: ready.speeds.clone(),
            belief: ready.speeds.clone(),
            placer: self.placer,
            scheduler: entry,
            options,
            seed: self.seed,
            slot: self.slot,
            until: self.until,
            plan_limit: None,
        };
        if entry.requested_size && scenario.lacks_requested_size().is_some() {
            let why = ready.trace.check_requested(&ready.table).err();
            let why = why.map_or_else(String::new, |why| why.to_string());
            return Err(Failure::input(anyhow::anyhow!(
                "`{}` runs every job on the GPUs it asks for\n{why}",
                entry.name
            )));
        }
        Ok(scenario)
    }

    /// The head of the summary; the rest is filled in when there is something to tell.
    pub(super) fn summary(&self, ready: &Ready, scenario: &Scenario) -> Summary {
        let nothing = crate::metrics::Metrics::of(&[], &Default::default(), scenario.cluster.gpus(), None);
        Summary {
            scheduler: scenario.scheduler.name.to_owned(),
            preset: self.preset.to_string(),
            options: scenario.options.to_json(),
            trace: self.trace.display().to_string(),
            cluster: ClusterSummary::from(&scenario.cluster),
            profiles: ready.table.name().to_owned(),
            overhead: self.overhead.to_string(),
            placer: self.placer.name.to_owned(),
            slot: self.slot.as_secs_f64(),
            seed: self.seed,
            digest: String::new(),
            metrics: nothing,
        }
    }

    /// The words that `run` takes for the same scenario, without those that say what the default says.
    pub(super) fn words(&self, scheduler: &str) -> Vec<String> {
        let mut words: Vec<String> = vec!["run".into()];
        let mut say = |word: &str, value: String, default: &str| {
            if value != default {
                words.extend([format!("--{word}"), value]);
            }
        };
        say("trace", self.trace.display().to_string(), "");
        say("scheduler", scheduler.to_owned(), "");
        say("cluster", self.cluster.clone(), "16x8");
        match &self.speeds.profiles {
            Some(path) => say("profiles", path.display().to_string(), ""),
            None => say("gpu", self.speeds.gpu.clone(), "a100"),
        }
        say("slot", self.slot.to_string(), "60");
        say("overhead", self.overhead.to_string(), "on-change");
        say("placer", self.placer.name.to_owned(), "buddy");
        say("preset", self.preset.to_string(), "default");
        say("seed", self.seed.to_string(), "0");
        say("deadline", self.draws.deadline.map(|rule| rule.to_string()).unwrap_or_default(), "");
        say("trace-seed", self.draws.trace_seed.to_string(), "0");
        say("until", self.until.map(|time| time.to_string()).unwrap_or_default(), "");
        words
    }
}
