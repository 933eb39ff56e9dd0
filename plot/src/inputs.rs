//! The traces of a figure: published files, files of the repository, or drawn from a seed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use elasticflow_sim::config::profiles;
use elasticflow_sim::trace;
use tempfile::TempDir;

use crate::config::{FigureCase, FigureConfig};

/// The environment variable that names the folder of published traces.
pub(crate) const DATA: &str = "ELASTICFLOW_SIM_DATA";

/// The folders that figures are made from.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// The folder of the repository.
    pub(crate) root: PathBuf,
    /// The folder of the published traces, which need not exist.
    pub(crate) data: PathBuf,
}

/// The cases of a figure, each with the file of its trace.
pub(crate) struct FigureInputs {
    /// The cases to run.
    pub(crate) cases: Vec<(FigureCase, PathBuf)>,
    /// The published files that are not at hand. If there are any, the cases are stand-ins.
    pub(crate) missing: Vec<String>,
    /// The folder of the drawn traces, which is removed with this value.
    _drawn: TempDir,
}

impl Folders {
    /// Returns the folder of the repository: the working directory, or where the program was built.
    pub(crate) fn root() -> PathBuf {
        let here = Path::new("configs/figures");
        if here.is_dir() { PathBuf::new() } else { Path::new(env!("CARGO_MANIFEST_DIR")).join("..") }
    }

    /// Returns the path of a published file, if it is at hand: below `traces`, below the folder, or
    /// in the folder.
    pub(crate) fn published(&self, name: &str) -> Option<PathBuf> {
        let file = Path::new(name).file_name()?;
        let candidates = [self.data.join("traces").join(name), self.data.join(name), self.data.join(file)];
        candidates.into_iter().find(|path| path.is_file())
    }
}

impl FigureInputs {
    /// Finds or draws the trace of every case. If a published one is not at hand, all cases are
    /// replaced by the stand-ins.
    ///
    /// # Errors
    ///
    /// If a trace cannot be drawn or written.
    pub(crate) fn find(config: &FigureConfig, folders: &Folders) -> Result<FigureInputs> {
        let published = || config.cases.iter().filter_map(|case| case.published.as_ref());
        let missing: Vec<_> = published().filter(|name| folders.published(name).is_none()).cloned().collect();
        FigureInputs::collect(
            if missing.is_empty() { &config.cases } else { &config.stand_ins },
            missing,
            folders,
        )
    }

    /// Finds or draws the traces on which the artifact was run, where these are at hand.
    ///
    /// # Errors
    ///
    /// If a trace cannot be drawn or written.
    pub(crate) fn rerun(config: &FigureConfig, folders: &Folders) -> Result<FigureInputs> {
        let as_rerun = |case: &FigureCase| {
            let published = case.rerun.clone().or_else(|| case.published.clone());
            match published.filter(|name| folders.published(name).is_some()) {
                Some(name) => FigureCase { published: Some(name), file: None, draw: None, ..case.clone() },
                None => case.clone(),
            }
        };
        let cases: Vec<_> = config.cases.iter().map(as_rerun).collect();
        FigureInputs::collect(&cases, Vec::new(), folders)
    }

    /// Finds or draws the trace of each of these cases.
    fn collect(cases: &[FigureCase], missing: Vec<String>, folders: &Folders) -> Result<FigureInputs> {
        let drawn = tempfile::tempdir().context("no folder for what is drawn")?;
        let file = |case: &FigureCase| {
            if let Some(name) = &case.published {
                return folders.published(name).with_context(|| format!("{name} is not at hand"));
            }
            if let Some(name) = &case.file {
                return Ok(folders.root.join(name));
            }
            let Some(draw) = &case.draw else { bail!("`{}` has no trace", case.name) };
            let table =
                profiles::builtin(&case.gpu).with_context(|| format!("no profiles `{}`", case.gpu))?;
            let workload = trace::generate(&draw.options(), &table)?;
            let path = drawn.path().join(format!("{}.csv", case.name));
            let mut bytes = Vec::new();
            trace::write(&workload, &mut bytes)?;
            std::fs::write(&path, bytes).with_context(|| format!("{}: cannot be written", path.display()))?;
            Ok(path)
        };
        let cases = cases.iter().map(|case| Ok((case.clone(), file(case)?))).collect::<Result<_>>()?;
        Ok(FigureInputs { cases, missing, _drawn: drawn })
    }
}

impl FigureCase {
    /// Returns a text that says where the jobs come from.
    pub(crate) fn origin(&self) -> String {
        match (&self.published, &self.file, &self.draw) {
            (Some(name), _, _) | (None, Some(name), _) => name.clone(),
            (None, None, Some(draw)) => draw.describe(),
            (None, None, None) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_files_are_found_wherever_they_were_unpacked() {
        let data = tempfile::tempdir().unwrap();
        let folders = Folders { root: PathBuf::new(), data: data.path().to_owned() };
        assert_eq!(folders.published("itp/a.csv"), None);
        for place in ["a.csv", "itp/a.csv", "traces/itp/a.csv"] {
            let path = data.path().join(place);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            // The later places take precedence.
            assert_eq!(folders.published("itp/a.csv"), Some(path));
        }
    }
}
