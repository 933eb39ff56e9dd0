//! Applications whose batch size may change: those that are built in, fitted, and folders of
//! measurements.
//!
//! `configs/pollux/README.md` describes both. [`read`] reports everything that is wrong with a
//! folder at once.

use std::collections::BTreeMap;
use std::path::Path;

use crate::application::{Application, Applications};

mod folder;
mod from_folder;
mod from_toml;

pub use folder::{Folder, FolderErrors};

/// Fitted applications that are part of the program.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// The type of GPU that they were measured on, as `--gpu` names it.
    pub gpu: &'static str,
    /// Where the numbers come from, in one line.
    pub about: &'static str,
    text: &'static str,
}

/// The applications that are part of the program.
pub const BUILTIN: [Builtin; 1] = [Builtin {
    gpu: "t4",
    about: "fits of the measurements of adaptdl, on nodes of four T4",
    text: include_str!("../../configs/pollux/applications.toml"),
}];

/// Returns the built-in applications that were measured on `gpu`.
pub fn builtin(gpu: &str) -> Option<Applications> {
    let found = BUILTIN.iter().find(|set| set.gpu == gpu)?;
    Some(from_toml::applications(found.text).expect("the built-in applications are tested"))
}

/// Reads a folder of measurements in the layout published with Pollux: a folder for each
/// application, named after it, with `placements.csv`, `scalability.csv` and a
/// `validation-BATCH.csv` for every batch size that was tried. The applications are in the order of
/// their names. Where a built-in application of the same name has limits of its batch size within
/// what was measured, these hold.
///
/// # Errors
///
/// Everything that is wrong with the files.
pub fn read(folder: &Path) -> Result<Folder, FolderErrors> {
    let mut known = BTreeMap::new();
    for set in &BUILTIN {
        let set = builtin(set.gpu).expect("a built-in set is found by its own type of GPU");
        known.extend(set.iter().map(|one: &Application| (one.name.clone(), one.limits)));
    }
    from_folder::read(folder, &known)
}

#[cfg(test)]
mod tests;
