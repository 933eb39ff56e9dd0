//! Applications whose batch size may change: those that are built in, fitted, and folders of
//! measurements.
//!
//! `configs/pollux/README.md` describes both. [`read`] reports everything that is wrong with a
//! folder at once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::application::{Application, Applications};
use crate::trace::InputErrors;

mod from_folder;
mod from_toml;

/// Fitted applications that are part of the program.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// The GPU type they were measured on, as `--gpu` calls it.
    pub gpu: &'static str,
    /// One line: where the numbers come from.
    pub about: &'static str,
    text: &'static str,
}

/// The applications that are part of the program.
pub const BUILTIN: [Builtin; 1] = [Builtin {
    gpu: "t4",
    about: "fits of the measurements of adaptdl, on nodes of four T4",
    text: include_str!("../../configs/pollux/applications.toml"),
}];

/// The built-in applications that were measured on `gpu`.
pub fn builtin(gpu: &str) -> Option<Applications> {
    let found = BUILTIN.iter().find(|set| set.gpu == gpu)?;
    Some(from_toml::applications(found.text).expect("the built-in applications are tested"))
}

/// What is wrong with the files of a folder; at least one problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderErrors(Vec<InputErrors>);

impl FolderErrors {
    /// The files that something is wrong with.
    pub fn files(&self) -> &[InputErrors] {
        &self.0
    }
}

impl fmt::Display for FolderErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&files.join("\n"))
    }
}

impl std::error::Error for FolderErrors {}

/// Applications that were read from a folder.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The applications; they are called after the folder.
    pub applications: Applications,
    /// Every file that was read, in the order of names, with its content.
    pub files: Vec<(PathBuf, Vec<u8>)>,
}

/// Reads a folder of measurements in the layout published with Pollux: a folder for each
/// application, called like it, with `placements.csv`, `scalability.csv` and a
/// `validation-BATCH.csv` for every batch size that was tried.
///
/// # Errors
///
/// Everything that is wrong with its files.
pub fn read(folder: &Path) -> Result<Folder, FolderErrors> {
    let mut known = BTreeMap::new();
    for set in BUILTIN.iter().filter_map(|set| builtin(set.gpu)) {
        known.extend(set.iter().map(|one: &Application| (one.name.clone(), one.limits)));
    }
    from_folder::read(folder, &known)
}

#[cfg(test)]
mod tests;
