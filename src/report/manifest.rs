//! `run.json`: what it takes to make a run again.

use std::path::Path;

use serde::{Serialize, Serializer};

use super::sha256;

/// One option of the command line that decides what a run comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    option: &'static str,
    said: Vec<String>,
    shown_as: &'static [&'static str],
}

impl Setting {
    /// Returns the setting of a long option, named without its dashes.
    ///
    /// `said` is its value, `None` where the default is in force and nothing has to be said;
    /// `shown_as` are the keys of `summary.json` that show what is in force, with `/` for nesting.
    pub fn new(
        option: &'static str,
        said: impl IntoIterator<Item = impl ToString>,
        shown_as: &'static [&'static str],
    ) -> Setting {
        Setting { option, said: said.into_iter().map(|value| value.to_string()).collect(), shown_as }
    }
}

/// Says how a run directory came about. It holds no wall-clock value: the same run gives the same
/// bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// In `run.json` as the words after the program's name that run this again. Where the results
    /// go, and how they are shown, is not part of it.
    #[serde(rename = "command", serialize_with = "serialize_command")]
    settings: Vec<Setting>,
    version: &'static str,
    seeds: Seeds,
    inputs: Vec<InputFile>,
    /// What its user may want to know of the inputs though nothing is wrong with them.
    notes: Vec<String>,
}

/// The seeds of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Seeds {
    /// `--seed`: the scheduler's.
    pub seed: u64,
    /// `--trace-seed`: the trace's.
    pub trace_seed: u64,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InputFile {
    /// What for: `trace`, `profiles` or `cluster`.
    what: &'static str,
    /// Its path, as its user named it. What is part of the program is pinned by the version.
    path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    sha256: String,
}

impl InputFile {
    /// Describes the file at `path` by the bytes that were read from it.
    pub fn new(what: &'static str, path: &Path, bytes: &[u8]) -> InputFile {
        InputFile { what, path: path.display().to_string(), sha256: sha256(bytes) }
    }

    /// Returns the same file by its path below `base`, if it lies there.
    pub fn below(&self, base: &Path) -> InputFile {
        let path = Path::new(&self.path);
        let path = path.strip_prefix(base).unwrap_or(path).display().to_string();
        InputFile { path, ..self.clone() }
    }

    /// Returns the path as its user named it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the digest of its bytes, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

impl Manifest {
    /// Returns the manifest of a run by this version of the program.
    pub fn new(settings: Vec<Setting>, seeds: Seeds, inputs: Vec<InputFile>, notes: Vec<String>) -> Manifest {
        Manifest { settings, version: env!("CARGO_PKG_VERSION"), seeds, inputs, notes }
    }

    /// Returns the words after the program's name that run this again.
    pub fn command(&self) -> Vec<String> {
        command(&self.settings)
    }

    /// Returns every file that was read.
    pub fn inputs(&self) -> &[InputFile] {
        &self.inputs
    }

    /// Returns the keys of `summary.json` that show the settings in force, with `/` for nesting.
    pub(super) fn shown(&self) -> impl Iterator<Item = &'static str> {
        self.settings.iter().flat_map(|setting| setting.shown_as.iter().copied())
    }
}

/// Returns the words of `run` that state these settings.
fn command(settings: &[Setting]) -> Vec<String> {
    let options = settings.iter().flat_map(|setting| {
        setting.said.iter().flat_map(|value| [format!("--{}", setting.option), value.clone()])
    });
    ["run".to_owned()].into_iter().chain(options).collect()
}

fn serialize_command<S: Serializer>(settings: &[Setting], serializer: S) -> Result<S::Ok, S::Error> {
    command(settings).serialize(serializer)
}
