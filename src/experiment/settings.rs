//! What a user says of a run: every option but those of the scheduler.

use std::ffi::OsString;
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Parser;

use crate::config::cluster;
use crate::overhead::OverheadPreset as Overhead;
use crate::placement;
use crate::report::Setting;
use crate::scheduler::{Entry, PolicyOptions};
use crate::trace::{ByteSize, DeadlineRule, TimeUnit};
use crate::units::{SimDuration, SimTime};

use super::preset::Preset;
use super::{parsers, speeds};
use speeds::SpeedOptions;

/// The cluster of a run whose user names none.
const CLUSTER: &str = "16x8";
/// The slot of a run where neither its user nor its preset says anything.
pub(super) const SLOT: SimDuration = SimDuration::from_secs(60);
/// The seed of a run whose user gives none.
const SEED: u64 = 0;

/// Decides what becomes of a trace that leaves something open.
#[derive(Clone, Debug, clap::Args)]
pub struct TraceOptions {
    /// Deadlines for a trace without any: uniform:LO,HI or factor:X (both times the duration), or
    /// none
    #[arg(long, value_name = "RULE")]
    pub(super) deadline: Option<DeadlineRule>,
    /// Seed of everything that is drawn for the trace
    #[arg(long, value_name = "N", default_value_t = SEED, value_parser = parsers::seed, allow_negative_numbers = true)]
    pub(super) trace_seed: u64,
    /// Unit of the trace's times: seconds, minutes or milliseconds [default: seconds]
    #[arg(long, value_name = "UNIT")]
    pub(super) time_unit: Option<TimeUnit>,
    /// Columns of the trace to ignore, separated by commas: those that are not misspelt, though
    /// their names are almost those of the format
    #[arg(long, value_name = "NAME,...")]
    pub(super) ignore_columns: Option<ColumnNames>,
    /// What to do where durations are far from the time that the iterations take
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub(super) odd_durations: OddDurations,
    /// Most bytes of the trace, unpacked, such as 500MB or 4GiB
    #[arg(long, value_name = "SIZE", default_value_t)]
    pub(super) max_input: ByteSize,
}

/// What becomes of a trace whose durations are far from the time that its iterations take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum OddDurations {
    /// It is an error
    #[default]
    Refuse,
    /// It is run, with a note
    Allow,
}

impl fmt::Display for OddDurations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OddDurations::Refuse => "refuse",
            OddDurations::Allow => "allow",
        })
    }
}

/// Names of columns, separated by commas.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ColumnNames(Vec<String>);

impl ColumnNames {
    /// Returns the names.
    pub(super) fn names(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for ColumnNames {
    type Err = String;

    fn from_str(text: &str) -> Result<ColumnNames, String> {
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        if names.iter().any(String::is_empty) {
            return Err("has an empty name; give NAME or NAME,NAME".to_owned());
        }
        Ok(ColumnNames(names))
    }
}

impl fmt::Display for ColumnNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

/// Everything that a user says of a run but its scheduler and the options of that.
#[derive(Clone, Debug, clap::Args)]
pub struct RunSettings {
    /// Trace of jobs; `list formats` describes the formats
    #[arg(long, value_name = "FILE")]
    pub(super) trace: PathBuf,
    /// Nodes as NODESxGPUS, or a TOML file
    #[arg(long, value_name = "CLUSTER", default_value = CLUSTER)]
    pub(super) cluster: String,
    /// Where the speeds of jobs come from.
    #[command(flatten)]
    pub(super) speeds: SpeedOptions,
    /// The minimum time between scheduling passes, if the user says it; otherwise the preset's.
    #[arg(long, value_name = "SECONDS", value_parser = parsers::duration, allow_negative_numbers = true, help = with_default(
        "Minimum time between scheduling passes triggered by arrivals and completions", SLOT
    ))]
    pub(super) slot: Option<SimDuration>,
    /// The restart overhead, if the user names it; otherwise the preset's.
    #[arg(long, value_name = "NAME", help = with_default(
        "Restart overhead that a job pays when its GPUs change; `list overheads` has the names", Overhead::default()
    ))]
    pub(super) overhead: Option<Overhead>,
    /// The placer, if the user names it.
    #[arg(long, value_name = "NAME", value_parser = parsers::placer(), help = with_default(
        "Placer, which chooses the nodes of a job", usual_placer().name
    ))]
    pub(super) placer: Option<&'static placement::PlacerEntry>,
    /// Scheduler as its paper describes it, or as its published artifact behaved
    #[arg(long, value_enum, default_value_t)]
    pub(super) preset: Preset,
    /// The seed of the scheduler's random numbers, if the user gives it.
    #[arg(long, value_name = "N", value_parser = parsers::seed, allow_negative_numbers = true, help = with_default(
        "Seed of the scheduler's random numbers", SEED
    ))]
    pub(super) seed: Option<u64>,
    /// What becomes of a trace that leaves something open.
    #[command(flatten)]
    pub(super) trace_options: TraceOptions,
    /// Stop the simulation at this time of the trace's clock, in seconds
    #[arg(long, value_name = "TIME", value_parser = parsers::time, allow_negative_numbers = true)]
    pub(super) until: Option<SimTime>,
    /// Compute the most deadlines that any scheduler could meet, and when the cluster is short
    #[arg(
        long,
        value_name = "true|false",
        num_args = 0..=1,
        default_value_t = false,
        default_missing_value = "true",
        hide_default_value = true,
        hide_possible_values = true,
        action = clap::ArgAction::Set
    )]
    pub(super) bound: bool,
}

/// Returns a help text that ends with a default.
fn with_default(help: &str, default: impl Display) -> String {
    format!("{help} [default: {default}]")
}

/// Returns the placer of a run whose user names none.
fn usual_placer() -> &'static placement::PlacerEntry {
    placement::entries().first().expect("the table of placers is not empty")
}

impl RunSettings {
    /// Returns the settings of a run of a trace whose user says nothing else.
    pub fn new(trace: &Path) -> RunSettings {
        #[derive(clap::Parser)]
        #[command(no_binary_name = true)]
        struct Only {
            #[command(flatten)]
            settings: RunSettings,
        }
        let mut word = OsString::from("--trace=");
        word.push(trace);
        Only::try_parse_from([word]).expect("every option but the trace may be left out").settings
    }

    /// Returns every path that the run reads.
    pub fn paths(&self) -> Vec<PathBuf> {
        let cluster = cluster::file_of(&self.cluster).map(Path::to_owned);
        [self.trace.clone()].into_iter().chain(self.speeds.profiles.clone()).chain(cluster).collect()
    }

    /// Returns when the simulation is cut off, if it is.
    pub fn until(&self) -> Option<SimTime> {
        self.until
    }

    /// Returns the placer in force.
    pub(super) fn placer(&self) -> &'static placement::PlacerEntry {
        self.placer.unwrap_or_else(usual_placer)
    }

    /// Returns the scheduler's seed in force.
    pub(super) fn seed(&self) -> u64 {
        self.seed.unwrap_or(SEED)
    }

    /// Returns every setting of a run of these under a scheduler. It is the only list of them:
    /// `run.json` states what it says, a stored point of a sweep counts if it is the same, and
    /// `compare --against` compares what it shows.
    pub(super) fn to_list(&self, scheduler: &Entry, options: &PolicyOptions) -> Vec<Setting> {
        // Without `..`, so that an option that is not listed does not compile.
        let RunSettings {
            trace,
            cluster,
            speeds: SpeedOptions { gpu, profiles },
            slot,
            overhead,
            placer,
            preset,
            seed,
            // A limit changes no result.
            trace_options:
                TraceOptions { deadline, trace_seed, time_unit, ignore_columns, odd_durations, max_input: _ },
            until,
            bound,
        } = self;
        // What a preset would replace is said even where it is the usual value.
        let is_default = *preset == Preset::Default;
        vec![
            Setting::new("trace", [trace.display()], &[]),
            Setting::new("scheduler", [scheduler.name], &["scheduler"]),
            Setting::new("cluster", unless(CLUSTER, cluster), &["cluster/nodes", "cluster/gpus_per_node"]),
            Setting::new(
                "gpu",
                gpu.as_ref().filter(|gpu| *gpu != speeds::GPU || profiles.is_some()),
                &["profiles"],
            ),
            Setting::new("profiles", profiles.as_ref().map(|path| path.display()), &["profiles"]),
            Setting::new("slot", slot.filter(|slot| !is_default || *slot != SLOT), &["slot"]),
            Setting::new(
                "overhead",
                overhead.filter(|overhead| !is_default || *overhead != Overhead::default()),
                &["overhead"],
            ),
            Setting::new(
                "placer",
                placer.map(|placer| placer.name).filter(|name| *name != usual_placer().name),
                &["placer"],
            ),
            Setting::new("preset", unless(&Preset::Default, preset), &["preset"]),
            Setting::new("seed", seed.filter(|seed| *seed != SEED), &["seed"]),
            Setting::new("deadline", deadline, &[]),
            Setting::new("time-unit", time_unit, &[]),
            Setting::new("ignore-columns", ignore_columns, &[]),
            Setting::new("odd-durations", unless(&OddDurations::Refuse, odd_durations), &[]),
            Setting::new("trace-seed", unless(&SEED, trace_seed), &["trace_seed"]),
            Setting::new("until", until, &["until"]),
            Setting::new("bound", unless(&false, bound), &[]),
            Setting::new("set", options.to_texts(), &["options"]),
        ]
    }
}

/// Returns a value unless it is the default.
fn unless<'a, T: PartialEq + ?Sized, U: std::borrow::Borrow<T>>(default: &T, value: &'a U) -> Option<&'a U> {
    (value.borrow() != default).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Manifest, Seeds};
    use crate::scheduler;

    #[derive(clap::Parser)]
    #[command(no_binary_name = true)]
    struct Only {
        #[command(flatten)]
        settings: RunSettings,
    }

    /// The words of `run.json` for these words of a user.
    fn command(words: &str) -> String {
        let settings = Only::try_parse_from(words.split_whitespace()).unwrap().settings;
        let options = PolicyOptions::parse(["lease=600", "mode=off"]).unwrap();
        let list = settings.to_list(scheduler::entry("edf").unwrap(), &options);
        Manifest::new(list, Seeds { seed: 0, trace_seed: 0 }, vec![], vec![]).command().join(" ")
    }

    const SET: &str = "--set lease=600 --set mode=off";

    #[test]
    fn what_is_the_default_is_not_said() {
        let plain = format!("run --trace a.csv --scheduler edf {SET}");
        assert_eq!(command("--trace a.csv"), plain);
        let defaults = "--trace a.csv --cluster 16x8 --gpu a100 --slot 60 --overhead on-change --placer buddy \
                        --preset default --seed 0 --trace-seed 0 --odd-durations refuse --max-input 1MB";
        assert_eq!(command(defaults), plain);
    }

    #[test]
    fn every_other_value_is_said() {
        let all = "--cluster 2x8 --gpu t4 --profiles folder --slot 61 --overhead none --placer first-fit --seed 1 \
                   --deadline factor:2 --time-unit milliseconds --ignore-columns a,b --odd-durations allow --trace-seed 2 --until 9 --bound true";
        assert_eq!(
            command(&format!("--trace a.csv {all}")),
            format!("run --trace a.csv --scheduler edf {all} {SET}")
        );
    }

    /// The GPU type of a folder's table is said even where it is the usual one, and so is what a
    /// preset would replace.
    #[test]
    fn a_default_that_something_would_replace_is_said() {
        for words in ["--gpu a100 --profiles folder", "--slot 60 --overhead on-change --preset paper"] {
            assert_eq!(
                command(&format!("--trace a.csv {words}")),
                format!("run --trace a.csv --scheduler edf {words} {SET}")
            );
        }
    }

    #[test]
    fn settings_of_a_trace_are_those_of_a_user_who_says_nothing_else() {
        let settings = RunSettings::new(Path::new("-a b.csv"));
        assert_eq!((settings.trace, settings.cluster.as_str()), ("-a b.csv".into(), "16x8"));
    }
}
