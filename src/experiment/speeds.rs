//! How fast jobs are: which numbers a command goes by, and what they mean for a scheduler.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use crate::application::{Applications, GoodputSpeeds, InterpolatedSpeeds};
use crate::config::{applications, profiles};
use crate::profile::{ProfiledSpeeds, SpeedModel, ThroughputTable};
use crate::report::InputFile;
use crate::trace::{ByteSize, InputErrors, file};
use crate::workload::Workload;

use super::parsers;

/// The GPU type where the user names none.
pub(super) const GPU: &str = "a100";

/// Names the measured speeds that a command goes by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, clap::Args)]
pub struct SpeedOptions {
    /// The GPU type whose measured speeds are used, if the user names it.
    #[arg(long, value_name = "TYPE", value_parser = parsers::gpu(), help = gpu_help())]
    pub(super) gpu: Option<String>,
    /// Measured speeds of your own: a TOML or CSV file, or a folder of applications whose batch
    /// size may change
    #[arg(long, value_name = "PATH")]
    pub(super) profiles: Option<PathBuf>,
}

/// Measured speeds, with the files that they were read from.
#[derive(Clone, Debug)]
pub struct MeasuredSpeeds {
    table: ThroughputTable,
    applications: Option<Applications>,
    files: Vec<InputFile>,
}

impl SpeedOptions {
    /// Returns the path that is read, if one is.
    pub fn path(&self) -> Option<&Path> {
        self.profiles.as_deref()
    }

    /// Reads the speeds: a file's table; or a folder's applications, with the table of `--gpu` or
    /// else one made of them; or what is built in.
    ///
    /// # Errors
    ///
    /// If something cannot be read or is not what it should be.
    pub fn read(&self) -> Result<MeasuredSpeeds> {
        let gpu = self.gpu.as_deref();
        let Some(path) = &self.profiles else {
            let gpu = gpu.unwrap_or(GPU);
            let applications = applications::builtin(gpu);
            return Ok(MeasuredSpeeds { table: builtin(gpu)?, applications, files: Vec::new() });
        };
        if path.is_dir() {
            let folder = applications::read(path)?;
            let files = folder.files.iter();
            let files = files.map(|(path, bytes)| InputFile::new("profiles", path, bytes)).collect();
            let table = gpu.map_or_else(|| Ok(folder.applications.throughput()), builtin)?;
            return Ok(MeasuredSpeeds { table, applications: Some(folder.applications), files });
        }
        if let Some(gpu) = gpu {
            let path = path.display();
            bail!("`--gpu {gpu}` and `--profiles {path}` both give a table of speeds; leave one out");
        }
        let name = path.display().to_string();
        let failed = |problem| InputErrors::new(&name, vec![problem]);
        // The bytes that are hashed are those of the table.
        let bytes = file::read_raw(path, ByteSize::USUAL).map_err(failed)?;
        let files = vec![InputFile::new("profiles", path, &bytes)];
        let table = profiles::parse(&name, &file::unpack(path, bytes, ByteSize::USUAL).map_err(failed)?)?;
        Ok(MeasuredSpeeds { table, applications: None, files })
    }
}

fn gpu_help() -> String {
    format!("GPU type whose measured speeds are used [default: {GPU}]")
}

/// Returns a table that is part of the program.
fn builtin(gpu: &str) -> Result<ThroughputTable> {
    profiles::builtin(gpu)
        .with_context(|| format!("there are no profiles `{gpu}`; `list profiles` names them"))
}

/// The speeds by which the jobs of a trace run.
pub(super) struct JobSpeeds {
    model: Arc<dyn SpeedModel>,
    name: String,
    about: String,
}

impl JobSpeeds {
    /// Returns the speeds as a simulation takes them.
    pub(super) fn model(&self) -> Arc<dyn SpeedModel> {
        self.model.clone()
    }

    /// Returns what `summary.json` calls them.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns what a note calls them.
    pub(super) fn about(&self) -> &str {
        &self.about
    }
}

impl MeasuredSpeeds {
    /// Returns the iterations per second of models at their batch sizes.
    pub fn table(&self) -> &ThroughputTable {
        &self.table
    }

    /// Returns the models whose batch size may change, if any are known.
    pub(super) fn applications(&self) -> Option<&Applications> {
        self.applications.as_ref()
    }

    /// Returns every file that was read.
    pub(super) fn files(&self) -> &[InputFile] {
        &self.files
    }

    /// Returns the speeds of a workload's jobs under a scheduler.
    ///
    /// Where the scheduler adapts batch sizes they are the jobs' goodput, if each job is one of the
    /// applications; otherwise their throughput at their own batch size, interpolated to any number
    /// of GPUs. Under all other schedulers they are the throughput at the numbers of GPUs that were
    /// measured.
    ///
    /// # Errors
    ///
    /// If a job has no measured speed.
    pub(super) fn of_jobs(&self, workload: &Workload, adapts_batch: bool) -> Result<JobSpeeds> {
        let table = self.table.name();
        if !adapts_batch {
            let model = ProfiledSpeeds::new(&self.table, workload).context(OTHERS)?;
            let about = format!("the throughput in profiles `{table}`");
            return Ok(JobSpeeds { model: Arc::new(model), name: table.to_owned(), about });
        }
        let goodput = self
            .applications
            .as_ref()
            .filter(|all| workload.jobs().iter().all(|job| all.get(&job.model).is_some()));
        if let Some(applications) = goodput {
            let name = applications.name();
            let model = GoodputSpeeds::new(applications, workload)?;
            let about = format!("the goodput of the applications in `{name}`");
            return Ok(JobSpeeds { model: Arc::new(model), name: format!("{name} goodput"), about });
        }
        let model = InterpolatedSpeeds::new(&self.table, workload).context(OTHERS)?;
        let about = format!(
            "the throughput in profiles `{table}`, interpolated, each job at its own batch size, since not all of them are \
             known applications"
        );
        Ok(JobSpeeds { model: Arc::new(model), name: format!("{table} interpolated"), about })
    }
}

const OTHERS: &str = "the trace needs other profiles; choose them by `--gpu` or `--profiles`";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{JobId, JobSpec};
    use crate::profile::Configuration;
    use crate::units::{Gpus, Iterations, SimTime};

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
        let measured = |gpu: &str| SpeedOptions { gpu: Some(gpu.to_owned()), profiles: None }.read().unwrap();
        let name = |gpu, kinds: &[(&str, u32)], adapts| {
            let workload = workload(kinds);
            let three = Configuration { nodes: 1, gpus: Gpus::new(3), batch: kinds[0].1 };
            let speeds = measured(gpu).of_jobs(&workload, adapts).map_err(|why| format!("{why:#}"))?;
            let rate = speeds.model.rate(workload.job(JobId(0)), Iterations::ZERO, &three);
            Ok((
                speeds.name,
                rate.is_some(),
                speeds.model.until(workload.job(JobId(0)), Iterations::ZERO).is_some(),
            ))
        };
        let found =
            |name: &str, knows_three, changes| Ok::<_, String>((name.to_owned(), knows_three, changes));
        let t4 = [("bert", 384), ("cifar10", 2048)];
        assert_eq!(name("t4", &t4, false), found("t4", false, false));
        assert_eq!(name("t4", &t4, true), found("t4 goodput", true, true));
        // bert is in both, but the applications were measured on T4.
        assert_eq!(name("a100", &[("bert", 64)], true), found("a100 interpolated", true, false));
        // No throughput is known at 100, and goodput is; not beyond the largest batch size.
        let why = "the trace needs other profiles; choose them by `--gpu` or `--profiles`: job `0`: batch size 100 of `bert` is \
                   not in profiles `t4`, which have 384";
        assert_eq!(name("t4", &[("bert", 100)], false), Err(why.to_owned()));
        assert_eq!(name("t4", &[("bert", 100)], true), found("t4 goodput", true, true));
        let why = "job `0`: `bert` is not trained at batch size 385; give one from 12 to 384";
        assert_eq!(name("t4", &[("bert", 385)], true), Err(why.to_owned()));
    }
}
