//! The options that make a scenario, and the scenario that they make.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};

use crate::cluster::Shape;
use crate::overhead::OverheadPreset as Overhead;
use crate::placement;
use crate::report::{ClusterSummary, Input, Manifest, Seeds, Summary, sha256};
use crate::scheduler::Entry;
use crate::sim::Scenario;
use crate::trace::{DeadlineRule, InputErrors, ReadOptions, TimeUnit, Trace, file};
use crate::units::{SimDuration, SimTime};
use crate::workload::Workload;

use super::choice::engine_keys;
use super::engine::{Engine, engine};
use super::preset::Effective;
use super::speeds::{Known, Speeds};
use super::{Case, Choice, Files, Layout, Preset, parsers};

/// What becomes of a trace that leaves something open.
#[derive(Clone, Debug, clap::Args)]
pub struct Draws {
    /// Deadlines for a trace without: uniform:LO,HI or factor:X (both times the duration), or none
    #[arg(long, value_name = "RULE")]
    pub deadline: Option<DeadlineRule>,
    /// Seed of everything that is drawn for the trace
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = parsers::seed, allow_negative_numbers = true)]
    pub trace_seed: u64,
    /// What the trace's times are counted in, seconds or minutes [default: seconds]
    #[arg(long, value_name = "UNIT")]
    pub time_unit: Option<TimeUnit>,
}

/// Everything about a scenario but the scheduler.
#[derive(Clone, Debug, clap::Args)]
pub struct Setup {
    /// Trace of jobs; `list formats` says which formats are read
    #[arg(long, value_name = "FILE")]
    pub trace: PathBuf,
    /// NODESxGPUS, or a TOML file
    #[arg(long, value_name = "CLUSTER", default_value = "16x8")]
    pub cluster: String,
    /// Whose speeds.
    #[command(flatten)]
    pub speeds: Speeds,
    /// Least time between plans caused by arrivals and ends of jobs [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = parsers::duration, allow_negative_numbers = true)]
    pub slot: Option<SimDuration>,
    /// How long a job stands still when its GPUs change; `list overheads` has the names [default:
    /// on-change]
    #[arg(long, value_name = "NAME")]
    pub overhead: Option<Overhead>,
    /// Which nodes a job gets [default: buddy]
    #[arg(long, value_name = "NAME", value_parser = parsers::placer())]
    pub placer: Option<&'static placement::PlacerEntry>,
    /// The policy as its paper describes it, or what the published artifact did
    #[arg(long, value_enum, default_value_t)]
    pub preset: Preset,
    /// Seed of the policy's own random numbers [default: 0]
    #[arg(long, value_name = "N", value_parser = parsers::seed, allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// What becomes of a trace that leaves something open.
    #[command(flatten)]
    pub draws: Draws,
    /// Cut the simulation off at this time of the trace's clock, in seconds
    #[arg(long, value_name = "TIME", value_parser = parsers::time, allow_negative_numbers = true)]
    pub until: Option<SimTime>,
    /// Where relative paths start: the current directory, if this is empty.
    #[arg(skip)]
    pub base: PathBuf,
}

impl Draws {
    /// Reads a trace; its notes, and what else its user may want to know, go to `notes`.
    ///
    /// # Errors
    ///
    /// If it cannot be read or is no trace.
    pub fn read(&self, path: &Path, known: &Known, notes: &mut Vec<String>) -> Result<(Trace, Input)> {
        let applications = known.applications.as_ref();
        let options = ReadOptions {
            deadline: self.deadline,
            trace_seed: self.trace_seed,
            time_unit: self.time_unit,
            applications,
        };
        // What comes through a pipe can be read only once; of a file, the bytes on the disk count,
        // compressed or not.
        let (trace, input) = if path.is_file() {
            let trace = crate::trace::read(path, &known.table, &options)?;
            (trace, input("trace", path, &read(path)?))
        } else {
            let name = path.display().to_string();
            let bytes = file::read(path).map_err(|problem| InputErrors::new(&name, vec![problem]))?;
            let trace = crate::trace::parse(&name, &bytes, &known.table, &options)?;
            (trace, input("trace", path, &bytes))
        };
        notes.extend(trace.notes.iter().map(|note| format!("{}: {note}", path.display())));
        if self.trace_seed != 0 && !trace.drawn {
            notes.push("nothing is drawn for this trace, so --trace-seed changes nothing".to_owned());
        }
        tracing::info!(jobs = trace.workload.len(), format = trace.format.name, "read {}", path.display());
        Ok((trace, input))
    }
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{}: cannot be read", path.display()))
}

pub(super) fn input(what: &'static str, path: &Path, bytes: &[u8]) -> Input {
    Input { what, path: path.display().to_string(), sha256: sha256(bytes) }
}

/// What the summary has for the overhead and the placer of an engine that has its own.
const ITS_OWN: &str = "artifact";

/// A setup whose files are read.
pub struct Ready {
    pub(super) trace: Arc<Trace>,
    pub(super) known: Arc<Known>,
    pub(super) cluster: Shape,
    pub(super) workload: Arc<Workload>,
    /// Every file that was read.
    pub inputs: Vec<Input>,
    /// What the user may want to know.
    pub notes: Vec<String>,
}

impl Ready {
    /// The jobs.
    pub fn workload(&self) -> &Workload {
        &self.workload
    }

    /// How many jobs there are.
    pub fn jobs(&self) -> u64 {
        self.workload.len() as u64
    }
}

impl Setup {
    /// Reads every file; finds everything that is wrong whatever the scheduler is.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, is not what it should be, or does not go with another.
    pub fn ready(&self) -> Result<Arc<Ready>> {
        Files::default().ready(self)
    }

    /// The run under one scheduler, without a run directory as yet, with everything checked that it
    /// would stumble over at its start.
    ///
    /// # Errors
    ///
    /// If the scheduler lacks the preset or an option, or cannot run the trace.
    pub fn case(&self, ready: &Ready, entry: &'static Entry, choice: &Choice) -> Result<Case> {
        self.preset.check(entry)?;
        let effective = Effective::of(self, entry, choice)?;
        let seed = self.seed.unwrap_or_default();
        let engine = self.engine(entry, choice)?;
        if engine.is_none() {
            ready.trace.check_work()?;
            self.check_placer(&ready.cluster)?;
            if let Err(why) = (entry.build)(&effective.options, seed) {
                return Err(anyhow!("options of `{}`: {why}", entry.name));
            }
        }
        let truth = ready.known.truth(&ready.workload, entry)?;
        let scenario = Scenario {
            workload: ready.workload.clone(),
            overhead: effective.overhead.for_cluster(ready.cluster.gpus()).into(),
            cluster: ready.cluster.clone(),
            truth: truth.model.clone(),
            belief: truth.model,
            placer: self.placer(),
            scheduler: entry,
            options: effective.options.clone(),
            seed,
            slot: effective.slot,
            until: self.until,
            plan_limit: None,
        };
        if let Some(engine) = engine {
            engine.check(&scenario)?;
        } else if entry.requested_size && scenario.lacks_requested_size().is_some() {
            let why = ready.trace.check_requested(&ready.known.table).err();
            let why = why.map_or_else(String::new, |why| why.to_string());
            return Err(anyhow!("`{}` runs every job on the GPUs it asks for\n{why}", entry.name));
        }
        let mut summary = self.summary(&scenario, &effective, truth.name);
        if engine.is_some() {
            (summary.overhead, summary.placer) = (ITS_OWN.to_owned(), ITS_OWN.to_owned());
        }
        let engine = engine.map(|engine| (engine, ready.known.clone()));
        let mut command = self.words(entry.name);
        command.extend(choice.texts.iter().flat_map(|text| ["--set".to_owned(), text.clone()]));
        let seeds = Seeds { seed, trace_seed: self.draws.trace_seed };
        let version = env!("CARGO_PKG_VERSION");
        let manifest = Manifest { command, version, seeds, inputs: ready.inputs.clone() };
        Ok(Case {
            scenario,
            summary,
            manifest,
            recording: None,
            truth: truth.about,
            engine,
            layout: Layout::Default,
        })
    }

    /// What runs a scheduler under the preset, if the event core does not; refuses what that cannot
    /// honour.
    fn engine(&self, entry: &Entry, choice: &Choice) -> Result<Option<&'static dyn Engine>> {
        let engine = engine(entry).filter(|_| self.preset == Preset::Paper);
        if engine.is_none() {
            let foreign = choice.keys().find(|key| {
                engine_keys(entry).any(|other| other == *key)
                    && entry.options.iter().all(|option| option.key != *key)
            });
            return match foreign {
                Some(key) => {
                    Err(anyhow!("--set {key} is for `{}` under --preset paper; add that", entry.name))
                }
                None => Ok(None),
            };
        }
        let given = [
            ("--overhead", self.overhead.is_some()),
            ("--placer", self.placer.is_some()),
            ("--until", self.until.is_some()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((option, _)) => Err(anyhow!(
                "{option}: `{}` under --preset paper does what the published artifact did, which has no such option; leave \
                 it out",
                entry.name
            )),
            None => Ok(engine),
        }
    }

    pub(super) fn check_placer(&self, cluster: &Shape) -> Result<()> {
        (self.placer().check)(cluster).map_err(anyhow::Error::msg)
    }

    pub(super) fn placer(&self) -> &'static placement::PlacerEntry {
        self.placer.unwrap_or(&placement::entries()[0])
    }

    /// The head of the summary; the rest is filled in when there is something to tell.
    fn summary(&self, scenario: &Scenario, effective: &Effective, profiles: String) -> Summary {
        let nothing = crate::metrics::Metrics::of(&[], &Default::default(), scenario.cluster.gpus(), None);
        Summary {
            scheduler: scenario.scheduler.name.to_owned(),
            preset: self.preset.to_string(),
            options: scenario.options.to_json(),
            trace: self.trace.display().to_string(),
            cluster: ClusterSummary::from(&scenario.cluster),
            profiles,
            overhead: effective.overhead.to_string(),
            placer: scenario.placer.name.to_owned(),
            slot: scenario.slot.as_secs_f64(),
            seed: scenario.seed,
            digest: String::new(),
            metrics: nothing,
            artifact_accepted: None,
            artifact_declined: None,
        }
    }

    /// The words that `run` takes for the same scenario, without those that say what the default
    /// says.
    fn words(&self, scheduler: &str) -> Vec<String> {
        let mut words: Vec<String> = vec!["run".into()];
        let mut say = |word: &str, value: String, default: &str| {
            if value != default && !value.is_empty() {
                words.extend([format!("--{word}"), value]);
            }
        };
        say("trace", self.trace.display().to_string(), "");
        say("scheduler", scheduler.to_owned(), "");
        say("cluster", self.cluster.clone(), "16x8");
        for (word, value) in self.speeds.words() {
            say(word, value, "");
        }
        // What a preset would replace is said although it is what everybody has.
        let usual = |text| if self.preset == Preset::Default { text } else { "" };
        say("slot", self.slot.map(|slot| slot.to_string()).unwrap_or_default(), usual("60"));
        say(
            "overhead",
            self.overhead.map(|overhead| overhead.to_string()).unwrap_or_default(),
            usual("on-change"),
        );
        say("placer", self.placer.map(|placer| placer.name.to_owned()).unwrap_or_default(), "buddy");
        say("preset", self.preset.to_string(), "default");
        say("seed", self.seed.map(|seed| seed.to_string()).unwrap_or_default(), "0");
        say("deadline", self.draws.deadline.map(|rule| rule.to_string()).unwrap_or_default(), "");
        say("time-unit", self.draws.time_unit.map(|unit| unit.to_string()).unwrap_or_default(), "");
        say("trace-seed", self.draws.trace_seed.to_string(), "0");
        say("until", self.until.map(|time| time.to_string()).unwrap_or_default(), "");
        words
    }
}
