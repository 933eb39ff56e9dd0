//! How fast jobs are: which numbers a command goes by, and what they mean for a scheduler.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use crate::application::{Applications, GoodputSpeeds, InterpolatedSpeeds};
use crate::config::{applications, profiles};
use crate::profile::{ProfiledSpeeds, SpeedModel, ThroughputTable};
use crate::report::Input;
use crate::scheduler::Entry;
use crate::workload::Workload;

use super::setup::{input, read};
use super::{Case, parsers};

/// The GPU type where nobody names one.
const GPU: &str = "a100";

/// Whose speeds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, clap::Args)]
pub struct Speeds {
    /// GPU type whose measured speeds are used [default: a100]
    #[arg(long, value_name = "TYPE", value_parser = parsers::gpu())]
    pub gpu: Option<String>,
    /// Measured speeds of your own: a TOML or CSV file, or a folder of applications whose batch
    /// size may change
    #[arg(long, value_name = "PATH")]
    pub profiles: Option<PathBuf>,
}

/// What is known of speeds.
#[derive(Clone, Debug)]
pub struct Known {
    /// Iterations per second of models at their batch sizes.
    pub table: ThroughputTable,
    /// Models whose batch size may change, if any are known.
    pub applications: Option<Applications>,
    /// Every file that was read.
    pub inputs: Vec<Input>,
}

impl Speeds {
    /// What is known: a file's table; or a folder's applications, with the table of `--gpu` or else
    /// one made of them; or what is built in.
    ///
    /// # Errors
    ///
    /// If something cannot be read or is not what it should be.
    pub fn read(&self) -> Result<Known> {
        let gpu = self.gpu.as_deref();
        // The parser takes no other name.
        let table = |gpu: &str| profiles::builtin(gpu).with_context(|| format!("no profiles `{gpu}`"));
        match &self.profiles {
            Some(path) if path.is_dir() => {
                let folder = applications::read(path)?;
                let files = folder.files.iter();
                let inputs = files.map(|(path, bytes)| input("profiles", path, bytes)).collect();
                let table = gpu.map_or_else(|| Ok(folder.applications.throughput()), table)?;
                Ok(Known { table, applications: Some(folder.applications), inputs })
            }
            Some(path) => {
                if let Some(gpu) = gpu {
                    let path = path.display();
                    bail!("`--gpu {gpu}` and `--profiles {path}` both give a table of speeds; leave one out");
                }
                let table = profiles::read(path)?;
                let inputs = vec![input("profiles", path, &read(path)?)];
                Ok(Known { table, applications: None, inputs })
            }
            None => {
                let gpu = gpu.unwrap_or(GPU);
                let applications = applications::builtin(gpu);
                Ok(Known { table: table(gpu)?, applications, inputs: Vec::new() })
            }
        }
    }

    /// The words that choose the same, without those that say what the default says.
    pub(super) fn words(&self) -> Vec<(&'static str, String)> {
        let gpu = self.gpu.as_ref().filter(|gpu| *gpu != GPU || self.profiles.is_some());
        let gpu = gpu.map(|gpu| ("gpu", gpu.clone()));
        let profiles = self.profiles.as_deref().map(Path::display).map(|path| ("profiles", path.to_string()));
        gpu.into_iter().chain(profiles).collect()
    }
}

/// The speeds by which a scheduler's jobs run.
pub(super) struct Truth {
    pub(super) model: Arc<dyn SpeedModel>,
    /// As the summary has it.
    pub(super) name: String,
    /// As a note has it.
    pub(super) about: String,
}

impl Known {
    /// The speeds of a workload under a scheduler. One that chooses batch sizes has its jobs'
    /// goodput, if each of them is one of the applications; else their throughput at their own
    /// batch size, on any number of GPUs. For all others it is the throughput at the numbers of
    /// GPUs that were measured.
    ///
    /// # Errors
    ///
    /// If something is not known of a job.
    pub(super) fn truth(&self, workload: &Workload, entry: &Entry) -> Result<Truth> {
        let table = self.table.name();
        if !entry.adapts_batch {
            let model = ProfiledSpeeds::new(&self.table, workload).context(OTHERS)?;
            let about = format!("the throughput in profiles `{table}`");
            return Ok(Truth { model: Arc::new(model), name: table.to_owned(), about });
        }
        let goodput = self
            .applications
            .as_ref()
            .filter(|all| workload.jobs().iter().all(|job| all.get(&job.model).is_some()));
        if let Some(applications) = goodput {
            let name = applications.name();
            let model = GoodputSpeeds::new(applications, workload)?;
            let about = format!("the goodput of the applications in `{name}`");
            return Ok(Truth { model: Arc::new(model), name: format!("{name} goodput"), about });
        }
        let model = InterpolatedSpeeds::new(&self.table, workload).context(OTHERS)?;
        let about = format!(
            "the throughput in profiles `{table}`, interpolated, each job at its own batch size, since not all of them are \
             known applications"
        );
        Ok(Truth { model: Arc::new(model), name: format!("{table} interpolated"), about })
    }
}

const OTHERS: &str = "the trace needs other profiles; choose them by `--gpu` or `--profiles`";

/// Which truth each of several cases runs on, a note for each truth; none where nothing but a
/// throughput table is used.
pub fn truths(cases: &[Case]) -> Vec<String> {
    if !cases.iter().any(|case| case.scenario.scheduler.adapts_batch) {
        return Vec::new();
    }
    let mut notes: Vec<(&str, Vec<&str>)> = Vec::new();
    for case in cases {
        match notes.iter_mut().find(|(about, _)| *about == case.truth) {
            Some((_, names)) => names.push(case.scenario.scheduler.name),
            None => notes.push((&case.truth, vec![case.scenario.scheduler.name])),
        }
    }
    let note = |(about, names): (&str, Vec<&str>)| {
        let run = if names.len() == 1 { "runs" } else { "run" };
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        format!("{} {run} on {about}", names.join(", "))
    };
    notes.into_iter().map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{JobId, JobSpec};
    use crate::profile::Configuration;
    use crate::units::{Gpus, Iterations, SimTime};

    const fn entry(adapts_batch: bool) -> Entry {
        Entry { adapts_batch, ..Entry::BASE }
    }

    fn workload(kinds: &[(&str, u32)]) -> Workload {
        let job = |(row, (model, batch_size)): (usize, &(&str, u32))| JobSpec {
            id: JobId(row as u32),
            name: row.to_string(),
            model: (*model).to_owned(),
            batch_size: *batch_size,
            iterations: Iterations::new(100.0),
            submit: SimTime::ZERO,
            deadline: None,
            soft: Vec::new(),
            requested: Gpus::ONE,
            duration: None,
        };
        Workload::new(kinds.iter().enumerate().map(job).collect()).unwrap()
    }

    #[test]
    fn a_scheduler_that_chooses_batch_sizes_has_goodput_where_it_is_known() {
        let known = |gpu: &str| Speeds { gpu: Some(gpu.to_owned()), profiles: None }.read().unwrap();
        let name = |gpu, kinds: &[(&str, u32)], adapts| {
            let workload = workload(kinds);
            let three = Configuration { nodes: 1, gpus: Gpus::new(3), batch: kinds[0].1 };
            let truth = known(gpu).truth(&workload, &entry(adapts)).map_err(|why| format!("{why:#}"))?;
            let rate = truth.model.rate(workload.job(JobId(0)), Iterations::ZERO, &three);
            Ok((
                truth.name,
                rate.is_some(),
                truth.model.until(workload.job(JobId(0)), Iterations::ZERO).is_some(),
            ))
        };
        let is = |name: &str, knows_three, changes| Ok::<_, String>((name.to_owned(), knows_three, changes));
        let t4 = [("bert", 384), ("cifar10", 2048)];
        assert_eq!(name("t4", &t4, false), is("t4", false, false));
        assert_eq!(name("t4", &t4, true), is("t4 goodput", true, true));
        // bert is in both, but the applications were measured on T4.
        assert_eq!(name("a100", &[("bert", 64)], true), is("a100 interpolated", true, false));
        // No throughput is known at 100, and goodput is; not beyond the largest batch size.
        let why = "the trace needs other profiles; choose them by `--gpu` or `--profiles`: job `0`: batch size 100 of `bert` is \
                   not in profiles `t4`, which have 384";
        assert_eq!(name("t4", &[("bert", 100)], false), Err(why.to_owned()));
        assert_eq!(name("t4", &[("bert", 100)], true), is("t4 goodput", true, true));
        let why = "job `0`: `bert` is not trained at batch size 385; give one from 12 to 384";
        assert_eq!(name("t4", &[("bert", 385)], true), Err(why.to_owned()));
    }

    #[test]
    fn the_words_of_speeds_say_what_the_default_does_not() {
        let of = |gpu: Option<&str>, profiles: Option<&str>| {
            let speeds = Speeds { gpu: gpu.map(str::to_owned), profiles: profiles.map(PathBuf::from) };
            speeds
                .words()
                .into_iter()
                .map(|(word, value)| format!("{word}={value}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!([of(None, None), of(Some("a100"), None)], ["", ""]);
        assert_eq!(of(Some("t4"), None), "gpu=t4");
        assert_eq!(of(Some("a100"), Some("folder")), "gpu=a100 profiles=folder");
        assert_eq!(of(None, Some("folder")), "profiles=folder");
    }
}
