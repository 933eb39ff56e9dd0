//! Where jobs come from: published traces, files of the repository, or a seed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use elasticflow_sim::config::profiles;
use elasticflow_sim::trace;
use tempfile::TempDir;

use crate::config::{Case, Config};

/// The environment variable that names the folder of published traces.
pub(crate) const DATA: &str = "ELASTICFLOW_SIM_DATA";

/// The folders that figures are made from.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// The repository.
    pub(crate) root: PathBuf,
    /// Published traces, if there are any.
    pub(crate) data: PathBuf,
}

/// The cases of a figure, with a file for each.
pub(crate) struct Inputs {
    /// What is run.
    pub(crate) cases: Vec<(Case, PathBuf)>,
    /// The published files that are not at hand; cases are stand-ins if there are any.
    pub(crate) missing: Vec<String>,
    /// Holds what is drawn as long as it is needed.
    _drawn: TempDir,
}

impl Folders {
    /// The repository from which, or from whose clone, this was built.
    pub(crate) fn root() -> PathBuf {
        let here = Path::new("configs/figures");
        if here.is_dir() { PathBuf::new() } else { Path::new(env!("CARGO_MANIFEST_DIR")).join("..") }
    }

    /// A published file, if it is at hand: below `traces`, below the folder itself, or in it.
    pub(crate) fn published(&self, name: &str) -> Option<PathBuf> {
        let file = Path::new(name).file_name()?;
        let candidates = [self.data.join("traces").join(name), self.data.join(name), self.data.join(file)];
        candidates.into_iter().find(|path| path.is_file())
    }
}

impl Inputs {
    /// Finds every trace, or draws it; if a published one is not at hand, the stand-ins for all of
    /// them.
    ///
    /// # Errors
    ///
    /// If a trace cannot be drawn or written.
    pub(crate) fn find(config: &Config, folders: &Folders) -> Result<Inputs> {
        let published = || config.cases.iter().filter_map(|case| case.published.as_ref());
        let missing: Vec<_> = published().filter(|name| folders.published(name).is_none()).cloned().collect();
        Inputs::of(if missing.is_empty() { &config.cases } else { &config.stand_ins }, missing, folders)
    }

    /// The cases as the artifact was run on them, where their published traces are at hand.
    ///
    /// # Errors
    ///
    /// If a trace cannot be drawn or written.
    pub(crate) fn rerun(config: &Config, folders: &Folders) -> Result<Inputs> {
        let as_rerun = |case: &Case| {
            let published = case.rerun.clone().or_else(|| case.published.clone());
            match published.filter(|name| folders.published(name).is_some()) {
                Some(name) => Case { published: Some(name), file: None, draw: None, ..case.clone() },
                None => case.clone(),
            }
        };
        let cases: Vec<_> = config.cases.iter().map(as_rerun).collect();
        Inputs::of(&cases, Vec::new(), folders)
    }

    fn of(cases: &[Case], missing: Vec<String>, folders: &Folders) -> Result<Inputs> {
        let drawn = tempfile::tempdir().context("no folder for what is drawn")?;
        let file = |case: &Case| {
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
        Ok(Inputs { cases, missing, _drawn: drawn })
    }
}

impl Case {
    /// Where its jobs come from, for people.
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
            // The later ones come before the earlier ones.
            assert_eq!(folders.published("itp/a.csv"), Some(path));
        }
    }
}
